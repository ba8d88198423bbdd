package bench

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// bird is a BIRD 2 daemon with a configuration, a control socket and nothing else: no kernel routes are read or written, and
// it listens on one loopback address, so it needs neither root nor a namespace.
type bird struct {
	cmd    *exec.Cmd
	dir    string
	ended  chan struct{}
	result error
}

// birdConfig is the daemon's side of r. The static route gives the neighbours' next hops, which are not 127.0.0.0/8 because
// BIRD calls those its own, a way that they resolve to.
func birdConfig(r rig) string {
	var b strings.Builder
	fmt.Fprintf(&b, `log stderr { fatal, bug, error };
router id 192.0.2.1;
protocol device { scan time 3600; }
ipv4 table master4;
protocol static way { ipv4; route 10.0.0.0/8 via "lo"; }
template bgp neighbour {
	local %s port %d as %d;
	strict bind yes;
	passive on;
	multihop;
	hold time %d;
	ipv4 { import all; export where proto = "own"; };
}
template bgp observing from neighbour {
	ipv4 { import all; export where (%d, %d) ~ bgp_community; };
}
`, r.Listen.Addr(), r.Listen.Port(), deviceAS, holdTime, uint32(markerTag)>>16, markerTag&0xffff)
	b.WriteString("protocol static own {\n\tipv4;\n")
	for i := range ownPrefixes {
		fmt.Fprintf(&b, "\troute %s blackhole;\n", ownPrefix(i))
	}
	b.WriteString("}\n")
	for i, p := range r.peers() {
		template := "neighbour"
		if i == 0 {
			template = "observing"
		}
		fmt.Fprintf(&b, "protocol bgp n%d from %s { neighbor %s as %d; }\n", i, template, p.addr, p.as)
	}
	return b.String()
}

func startBIRD(r rig) (device, error) {
	path, err := exec.LookPath("bird")
	if err != nil {
		path = "/usr/sbin/bird" // where Debian has it; not in everybody's PATH
	}
	dir, err := os.MkdirTemp("", "onramp-bench-bird-")
	if err != nil {
		return nil, err
	}
	config := filepath.Join(dir, "bird.conf")
	if err := os.WriteFile(config, []byte(birdConfig(r)), 0o600); err != nil {
		return nil, err
	}
	d := &bird{dir: dir, ended: make(chan struct{})}
	d.cmd = exec.Command(path, "-f", "-c", config, "-s", d.socket(), "-P", filepath.Join(dir, "pid"))
	d.cmd.Stderr = os.Stderr
	if err := d.cmd.Start(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	go func() {
		d.result = d.cmd.Wait()
		close(d.ended)
	}()
	// Listening: every session waits for its neighbour.
	err = d.until(30*time.Second, func() bool {
		text, err := d.control("show", "protocols")
		return err == nil && strings.Count(text, "Passive") == len(r.peers())
	})
	if err != nil {
		return nil, errors.Join(err, d.stop())
	}
	if *nudged {
		if err := d.nudge(); err != nil {
			return nil, errors.Join(err, d.stop())
		}
	}
	return d, nil
}

// nudged is off to see what nudge spares BIRD.
var nudged = flag.Bool("nudge", true, "keep BIRD from sleeping while it has something to do")

// nudge says nothing to the daemon, every few milliseconds. Its loop can go to sleep for up to 3 s with an announcement still
// to make, where no packet and no timer wakes it. Routers at work hear something all the time, so this stall is not counted.
func (d *bird) nudge() error {
	conn, err := net.Dial("unix", d.socket())
	if err != nil {
		return err
	}
	go io.Copy(io.Discard, conn) // ends with the daemon
	go func() {
		defer conn.Close()
		every := time.NewTicker(5 * time.Millisecond)
		defer every.Stop()
		for {
			select {
			case <-every.C:
				if _, err := conn.Write([]byte("\n")); err != nil {
					return
				}
			case <-d.ended:
				return
			}
		}
	}()
	return nil
}

// until polls, because BIRD cannot be told to call back.
func (d *bird) until(limit time.Duration, done func() bool) error {
	every := time.NewTicker(20 * time.Millisecond)
	defer every.Stop()
	over := time.After(limit)
	for !done() {
		select {
		case <-every.C:
		case <-d.ended:
			return fmt.Errorf("bird ended: %w", d.result)
		case <-over:
			return fmt.Errorf("bird is not ready after %s", limit)
		}
	}
	return nil
}

func (d *bird) socket() string { return filepath.Join(d.dir, "ctl") }

func (d *bird) control(command ...string) (string, error) {
	path, err := exec.LookPath("birdc")
	if err != nil {
		path = "/usr/sbin/birdc"
	}
	out, err := exec.Command(path, append([]string{"-s", d.socket()}, command...)...).Output()
	return string(out), err
}

func (d *bird) pid() int { return d.cmd.Process.Pid }

var birdCount = regexp.MustCompile(`(\d+) of \d+ routes for \d+ networks in table master4`)

// routes counts them without the way of the next hops.
func (d *bird) routes() (int, error) {
	text, err := d.control("show", "route", "count")
	if err != nil {
		return 0, err
	}
	found := birdCount.FindStringSubmatch(text)
	if found == nil {
		return 0, fmt.Errorf("bird counts its routes as %q", text)
	}
	n, err := strconv.Atoi(found[1])
	return n - 1, err
}

// collect has nothing to do: BIRD frees as it goes.
func (d *bird) collect() error { return nil }

func (d *bird) stop() error {
	d.cmd.Process.Kill()
	<-d.ended
	return os.RemoveAll(d.dir)
}
