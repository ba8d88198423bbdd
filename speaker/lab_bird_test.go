//go:build linux

package speaker_test

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// bird is BIRD in a node.
type bird struct {
	t      testing.TB
	node   *labNode
	daemon *labProcess
}

// startBIRD runs BIRD in the node as the speaker of the peerings.
func startBIRD(t testing.TB, n *labNode, s *labSpeaker, peerings ...labPeering) *bird {
	t.Helper()
	b := &bird{t: t, node: n}
	b.write(birdConfig(t, s, peerings...))
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%s/bird's log ends:\n%s", n.name, lastLines(b.file("bird.log"), 60))
		}
	})
	b.start()
	return b
}

func (b *bird) name() string            { return b.node.name }
func (b *bird) file(name string) string { return filepath.Join(b.node.dir, name) }

func (b *bird) write(config string) {
	b.t.Helper()
	config = fmt.Sprintf("log %q all;\n%s", b.file("bird.log"), config)
	if err := os.WriteFile(b.file("bird.conf"), []byte(config), 0o644); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bird) start()   { b.t.Helper(); b.run() }
func (b *bird) restart() { b.t.Helper(); b.run("-R") } // -R: recover by a graceful restart

func (b *bird) run(options ...string) {
	b.t.Helper()
	_ = os.Remove(b.file("bird.ctl")) // a killed daemon leaves it; there may be none
	argv := append([]string{"/usr/sbin/bird", "-f", "-c", b.file("bird.conf"), "-s", b.file("bird.ctl")}, options...)
	b.daemon = b.node.start("bird", argv...)
	eventually(b.t, 10*time.Second, b.daemon.name+" answers", func() (bool, string) {
		if !b.daemon.running() {
			b.t.Fatalf("%s has ended: %s", b.daemon.name, b.daemon.printed())
		}
		out, err := b.birdc("show status")
		if err != nil {
			return false, err.Error()
		}
		return true, out
	})
}

func (b *bird) stop() { b.t.Helper(); b.daemon.signal(b.t, syscall.SIGTERM) }
func (b *bird) kill() { b.t.Helper(); b.daemon.signal(b.t, syscall.SIGKILL) }

// configure puts a whole new configuration into the running daemon.
func (b *bird) configure(config string) {
	b.t.Helper()
	b.write(config)
	out, err := b.birdc("configure")
	if err != nil || !strings.Contains(out, "Reconfigur") { // "Reconfigured", "Reconfiguration in progress"
		b.t.Fatalf("configure: %v %s", err, out)
	}
}

// birdc runs one command and returns what it prints.
func (b *bird) birdc(line string) (string, error) {
	out, err := command("birdc", "-s", b.file("bird.ctl"), line)
	for _, refusal := range []string{"syntax error", "unexpected", "not found", "No protocols match"} {
		if err == nil && strings.Contains(out, refusal) { // birdc ends with 0 also then
			err = fmt.Errorf("%s: %s", line, out)
		}
	}
	return out, err
}

func (b *bird) refreshIn(peer netip.Addr) error {
	_, err := b.birdc("reload in " + birdName(peer))
	return err
}

func (b *bird) refreshOut(peer netip.Addr) error {
	_, err := b.birdc("reload out " + birdName(peer))
	return err
}

func (b *bird) reset(peer netip.Addr) error {
	_, err := b.birdc("restart " + birdName(peer))
	return err
}

func (b *bird) shutdown(peer netip.Addr, message string) error {
	line := "disable " + birdName(peer)
	if message != "" {
		line += fmt.Sprintf(" %q", message)
	}
	_, err := b.birdc(line)
	return err
}

func (b *bird) enable(peer netip.Addr) error {
	_, err := b.birdc("enable " + birdName(peer))
	return err
}
