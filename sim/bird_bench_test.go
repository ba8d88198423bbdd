//go:build linux

package sim

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// BenchmarkGraphBIRD converges the graph of BenchmarkGraph with a BIRD in a network namespace for each router, and in the simulator, in the
// same run. BIRD's processor time is that of its processes, without what it takes to start and end them with their sessions disabled; that
// they are asked now and then how far they are is in it. BIRD touches no kernel table. It needs root and Debian's bird2.
func BenchmarkGraphBIRD(b *testing.B) {
	if os.Geteuid() != 0 {
		b.Fatal("network namespaces need root: run this benchmark as root, or leave it out (-bench 'Graph/')")
	}
	if _, err := os.Stat(birdProgram); err != nil {
		b.Fatalf("%v: install the Debian package bird2, or leave this benchmark out (-bench 'Graph/')", err)
	}
	routers, links := meshed(1)
	w := graph(routers, links)
	l := newBirdLab(b, routers, links)
	settledPlain(b, w) // the first time is slower
	for b.Loop() {
		before := processor(b)
		settledPlain(b, w)
		ours := (processor(b) - before).Seconds()
		_, idle := l.converge(b, false)
		took, cpu := l.converge(b, true)
		b.ReportMetric(ours, "sim-cpu-s")
		b.ReportMetric(cpu-idle, "bird-cpu-s")
		b.ReportMetric(took.Seconds(), "bird-s")
		b.ReportMetric((cpu-idle)/ours, "x-bird-cpu")
	}
}

const birdProgram = "/usr/sbin/bird"

type birdLab struct {
	dir     string
	routers int
	links   [][2]int
}

func (l *birdLab) space(i int) string { return fmt.Sprintf("onramp-%d-bird-%d", os.Getpid(), i) }

func newBirdLab(b *testing.B, routers int, links [][2]int) *birdLab {
	b.Helper()
	dir, err := os.MkdirTemp("", "onramp-birds-")
	if err != nil {
		b.Fatal(err)
	}
	l := &birdLab{dir: dir, routers: routers, links: links}
	b.Cleanup(func() {
		for i := range routers {
			if err := exec.Command("ip", "netns", "del", l.space(i)).Run(); err != nil {
				b.Errorf("namespace %s stays: %v", l.space(i), err)
			}
		}
		if err := os.RemoveAll(dir); err != nil {
			b.Error(err)
		}
	})
	var all strings.Builder
	for i := range routers {
		fmt.Fprintf(&all, "netns add %s\n", l.space(i))
	}
	run(b, all.String())
	set := make([]strings.Builder, routers)
	for k, x := range links {
		run(b, fmt.Sprintf("link add e%d netns %s type veth peer name e%d netns %s\n", k, l.space(x[0]), k, l.space(x[1])))
		for end, i := range x {
			fmt.Fprintf(&set[i], "addr add %s/31 dev e%d\nlink set e%d up\n", l.addr(k, end), k, k)
		}
	}
	for i := range set {
		run(b, set[i].String(), "-n", l.space(i))
	}
	return l
}

// file is where a BIRD's files are, without their endings.
func (l *birdLab) file(i int) string { return filepath.Join(l.dir, strconv.Itoa(i)) }

func (l *birdLab) addr(link, end int) string { return fmt.Sprintf("172.16.%d.%d", link, end) }

func (l *birdLab) config(i int, enabled bool) string {
	var s strings.Builder
	fmt.Fprintf(&s, "log %q { fatal, bug };\nrouter id 192.0.2.%d;\nprotocol device { scan time 3600; }\nprotocol static own { ipv4; route %s/24 blackhole; }\n", l.file(i)+".log", i+1, strings.TrimSuffix(plainHost(i).String(), "4")+"0")
	fmt.Fprintf(&s, "template bgp neighbour { local as %d; connect delay time 0; connect retry time 1; error wait time 1, 1; hold time 9; ipv4 { import all; export all; }; disabled %s; }\n",
		65000+i, map[bool]string{true: "no", false: "yes"}[enabled])
	for k, x := range l.links {
		for end, j := range x {
			if j == i {
				fmt.Fprintf(&s, "protocol bgp b%d from neighbour { neighbor %s as %d; }\n", k, l.addr(k, 1-end), 65000+x[1-end])
			}
		}
	}
	return s.String()
}

// converge starts all, waits until each has a route to each of the networks, or answers at all where the sessions are disabled, and ends all.
func (l *birdLab) converge(b *testing.B, enabled bool) (took time.Duration, cpu float64) {
	b.Helper()
	want := 1
	if enabled {
		want = l.routers
	}
	start := time.Now()
	var list []*exec.Cmd
	for i := range l.routers {
		file := l.file(i)
		if err := os.WriteFile(file+".conf", []byte(l.config(i, enabled)), 0o600); err != nil {
			b.Fatal(err)
		}
		c := exec.Command("ip", "netns", "exec", l.space(i), birdProgram, "-f", "-c", file+".conf", "-s", file+".ctl", "-P", file+".pid")
		if err := c.Start(); err != nil {
			b.Fatal(err)
		}
		list = append(list, c)
	}
	for i := range list {
		for l.networks(i) < want {
			if time.Since(start) > 2*time.Minute {
				said, _ := os.ReadFile(l.file(i) + ".log")
				b.Fatalf("BIRD %d has %d networks of %d\n%s", i, l.networks(i), want, said)
			}
			time.Sleep(50 * time.Millisecond)
		}
	}
	took = time.Since(start)
	for _, c := range list {
		if err := c.Process.Signal(syscall.SIGTERM); err != nil {
			b.Fatal(err)
		}
	}
	for _, c := range list {
		_ = c.Wait() // it was told to end
		cpu += (c.ProcessState.UserTime() + c.ProcessState.SystemTime()).Seconds()
	}
	return took, cpu
}

// networks asks a BIRD how many prefixes it has routes to; 0 where it does not answer.
func (l *birdLab) networks(i int) int {
	conn, err := net.Dial("unix", l.file(i)+".ctl")
	if err != nil {
		return 0
	}
	defer func() { _ = conn.Close() }()
	if conn.SetDeadline(time.Now().Add(time.Second)) != nil {
		return 0
	}
	if _, err := conn.Write([]byte("show route table master4 count\n")); err != nil {
		return 0
	}
	var text []byte
	buf := make([]byte, 1024)
	for {
		n, err := conn.Read(buf)
		text = append(text, buf[:n]...)
		if m := regexp.MustCompile(`for (\d+) networks`).FindSubmatch(text); m != nil {
			count, _ := strconv.Atoi(string(m[1]))
			return count
		}
		if err != nil {
			return 0
		}
	}
}
