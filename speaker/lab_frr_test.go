//go:build linux

package speaker_test

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// frr is FRR in a node: zebra, which tells of interfaces and takes the routes, bfdd and bgpd.
type frr struct {
	t       testing.TB
	node    *labNode
	as      uint32
	daemons []*labProcess // in the order in which they were started
}

// startFRR runs FRR in the node as the speaker of the peerings.
func startFRR(t testing.TB, n *labNode, s *labSpeaker, peerings ...labPeering) *frr {
	t.Helper()
	f := &frr{t: t, node: n, as: s.AS}
	f.write("bgpd.conf", frrConfig(t, s, peerings...))
	f.write("zebra.conf", "")
	f.write("bfdd.conf", "")
	// FRR wants its user in the group of its sockets; changing the user would undo that the daemon dies with the test
	// (prctl(2), PR_SET_PDEATHSIG), so root is put into the group, in a file that only these daemons see.
	group, err := os.ReadFile("/etc/group")
	if err != nil {
		t.Fatal(err)
	}
	f.write("group", regexp.MustCompile(`(?m)^(frrvty:.*:)(.*)$`).ReplaceAllString(string(group), "${1}root"))
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%s/bgpd's log ends:\n%s", n.name, lastLines(filepath.Join(n.dir, "bgpd.log"), 60))
		}
	})
	f.start()
	return f
}

func (f *frr) write(name, text string) {
	f.t.Helper()
	if err := os.WriteFile(filepath.Join(f.node.dir, name), []byte(text), 0o644); err != nil {
		f.t.Fatal(err)
	}
}

func (f *frr) name() string { return f.node.name }

// start starts the three daemons, each when the one before it answers: bgpd looks for zebra only now and then.
func (f *frr) start() {
	f.t.Helper()
	f.daemons = nil
	for _, daemon := range []string{"zebra", "bfdd", "bgpd"} {
		f.startDaemon(daemon)
	}
}

func (f *frr) startDaemon(daemon string) {
	f.t.Helper()
	in := func(name string) string { return filepath.Join(f.node.dir, name) }
	socket := in(daemon + ".vty")
	_ = os.Remove(socket) // a killed daemon leaves it; there may be none
	argv := []string{
		"sh", "-c", `mount --bind "$1" /etc/group && shift && exec "$@"`, "sh", in("group"),
		"/usr/lib/frr/" + daemon, "-u", "root", "-g", "root", "-f", in(daemon + ".conf"), "-i", in(daemon + ".pid"),
		"-z", in("zserv"), "--vty_socket", f.node.dir, "-P", "0", "--log", "file:" + in(daemon+".log"),
	}
	if daemon == "bfdd" {
		argv = append(argv, "--bfdctl", in("bfdd.ctl"))
	}
	p := f.node.start(daemon, argv...)
	f.daemons = append(f.daemons, p)
	eventually(f.t, 10*time.Second, p.name+" answers", func() (bool, string) {
		conn, err := net.Dial("unix", socket)
		if err != nil {
			return false, err.Error() + "\n" + p.printed()
		}
		return conn.Close() == nil, ""
	})
}

func (f *frr) restart() {
	f.t.Helper()
	f.start()
}

func (f *frr) stop() {
	f.t.Helper()
	f.signal(syscall.SIGTERM)
}

func (f *frr) kill() {
	f.t.Helper()
	f.signal(syscall.SIGKILL)
}

// signal ends the daemons, the one that speaks to the neighbours first.
func (f *frr) signal(sig syscall.Signal) {
	f.t.Helper()
	for i := len(f.daemons) - 1; i >= 0; i-- {
		f.daemons[i].signal(f.t, sig)
	}
}

// configure puts lines of configuration into the running daemon: in FRR's language, they add to what is there. From a file it
// takes them at once; typed in, a thousand of them take minutes.
func (f *frr) configure(config string) {
	f.t.Helper()
	f.write("change.conf", config)
	if out, err := command("vtysh", "--vty_socket", f.node.dir, "-f", filepath.Join(f.node.dir, "change.conf")); err != nil {
		f.t.Fatalf("%v: %s", err, out)
	}
}

// enter types lines of configuration.
func (f *frr) enter(lines ...string) error {
	_, err := f.vtysh(append([]string{"configure terminal"}, lines...)...)
	return err
}

// vtysh runs commands in FRR's shell, the later in the context of the former, and returns what they print.
func (f *frr) vtysh(commands ...string) (string, error) {
	args := []string{"--vty_socket", f.node.dir}
	for _, c := range commands {
		args = append(args, "-c", c)
	}
	out, err := command("vtysh", args...)
	if err == nil && strings.HasPrefix(strings.TrimSpace(out), "%") { // vtysh ends with 0 also for an unknown command
		err = fmt.Errorf("%s: %s", strings.Join(commands, "; "), out)
	}
	return out, err
}

func (f *frr) refreshIn(peer netip.Addr) error {
	_, err := f.vtysh(fmt.Sprintf("clear bgp %s %s soft in", familyOf(peer), peer))
	return err
}

func (f *frr) refreshOut(peer netip.Addr) error {
	_, err := f.vtysh(fmt.Sprintf("clear bgp %s %s soft out", familyOf(peer), peer))
	return err
}

func (f *frr) reset(peer netip.Addr) error {
	_, err := f.vtysh(fmt.Sprintf("clear bgp %s %s", familyOf(peer), peer))
	return err
}

func (f *frr) shutdown(peer netip.Addr, message string) error {
	line := fmt.Sprintf("neighbor %s shutdown", peer)
	if message != "" {
		line += " message " + message
	}
	return f.enter(fmt.Sprintf("router bgp %d", f.as), line)
}

func (f *frr) enable(peer netip.Addr) error {
	return f.enter(fmt.Sprintf("router bgp %d", f.as), fmt.Sprintf("no neighbor %s shutdown", peer))
}
