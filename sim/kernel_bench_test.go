//go:build linux

package sim

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// BenchmarkKernel sends packets through a chain of the simulator's routers and through the same chain of network namespaces, joined by pairs
// of veth, in the same run. What it takes to send and to receive a packet at the ends, system calls and all, is left out: a hop is the
// difference between 40 hops and 10, divided by 30. x-kernel is how many times as long the kernel takes. With limits the simulator's links are
// as in BenchmarkForward; the kernel's are left through a token bucket filter of the same rate, which is a queue and a limit in one (tc-tbf),
// without tags, as VLAN devices and policers are modules that many kernels come without. It needs root.
func BenchmarkKernel(b *testing.B) {
	if os.Geteuid() != 0 {
		b.Fatal("network namespaces need root: run this benchmark as root, or leave it out (-bench 'Forward')")
	}
	const few, many = 10, 40
	type chain struct {
		name        string
		short, long func(packets int)
	}
	for _, limits := range []limited{bare, queued} {
		b.Run(string(limits), func(b *testing.B) {
			chains := []chain{{"sim", forwarder(b, few, limits), forwarder(b, many, limits)}, {"kernel", kernelChain(b, few, limits), kernelChain(b, many, limits)}}
			for b.Loop() {
				var hop [2]float64
				for i, c := range chains {
					hop[i] = (perPacket(b, c.long) - perPacket(b, c.short)) / (many - few)
					b.ReportMetric(hop[i], c.name+"-cpu-ns/hop")
				}
				b.ReportMetric(hop[1]/hop[0], "x-kernel")
			}
		})
	}
}

// perPacket is the processor time of a packet in ns, the least of several attempts.
func perPacket(b *testing.B, send func(packets int)) float64 {
	const rounds = 200
	best := 0.0
	for attempt := range 10 {
		before := processor(b)
		for range rounds {
			send(atOnce)
		}
		if ns := float64((processor(b) - before).Nanoseconds()) / (rounds * atOnce); attempt == 0 || ns < best {
			best = ns
		}
	}
	return best
}

// kernelChain is a chain of so many hops, with a socket at each end.
func kernelChain(b *testing.B, hops int, limits limited) func(packets int) {
	b.Helper()
	space := func(i int) string { return fmt.Sprintf("onramp-%d-%d-%d", os.Getpid(), hops, i) }
	b.Cleanup(func() {
		for i := range hops + 1 {
			if err := exec.Command("ip", "netns", "del", space(i)).Run(); err != nil {
				b.Errorf("namespace %s stays: %v", space(i), err)
			}
		}
	})
	var batch strings.Builder
	for i := range hops + 1 {
		fmt.Fprintf(&batch, "netns add %s\n", space(i))
	}
	run(b, batch.String())
	for i := range hops {
		run(b, fmt.Sprintf("link add right netns %s type veth peer name left netns %s\n", space(i), space(i+1)))
	}
	const target = "10.250.0.1"
	for i := range hops + 1 {
		batch.Reset()
		batch.WriteString("link set lo up\n")
		if i > 0 {
			fmt.Fprintf(&batch, "addr add 10.200.%d.1/31 dev left\nlink set left up\n", i-1)
		}
		if i < hops {
			fmt.Fprintf(&batch, "addr add 10.200.%d.0/31 dev right\nlink set right up\nroute add %s/32 via 10.200.%d.1\n", i, target, i)
		} else {
			fmt.Fprintf(&batch, "addr add %s/32 dev lo\n", target)
		}
		run(b, batch.String(), "-n", space(i))
		if limits != bare && i < hops {
			if out, err := exec.Command("tc", "-n", space(i), "qdisc", "add", "dev", "right", "root", "tbf", "rate", "10gbit", "burst", "1mb", "limit", "1mb").CombinedOutput(); err != nil {
				b.Fatalf("tc: %v\n%s", err, out)
			}
		}
		inside(b, space(i), func() error {
			for _, f := range []struct{ name, value string }{{"ip_forward", "1"}, {"conf/all/rp_filter", "0"}, {"conf/left/rp_filter", "0"}} {
				if err := os.WriteFile(filepath.Join("/proc/sys/net/ipv4", f.name), []byte(f.value), 0o600); err != nil && (i > 0 || !os.IsNotExist(err)) {
					return err
				}
			}
			return nil
		})
	}
	var src, dst *net.UDPConn
	at := net.UDPAddrFromAddrPort(netip.MustParseAddrPort(target + ":7"))
	inside(b, space(hops), func() (err error) { dst, err = net.ListenUDP("udp4", at); return err })
	inside(b, space(0), func() (err error) { src, err = net.DialUDP("udp4", nil, at); return err })
	b.Cleanup(func() { _, _ = src.Close(), dst.Close() })
	payload, got := make([]byte, 32), make([]byte, 64)
	return func(packets int) {
		for range packets {
			if _, err := src.Write(payload); err != nil {
				b.Fatal(err)
			}
		}
		if err := dst.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
			b.Fatal(err)
		}
		for range packets {
			if _, err := dst.Read(got); err != nil {
				b.Fatalf("a packet is lost on its way through %d namespaces: %v", hops, err)
			}
		}
	}
}

// run gives ip commands.
func run(b *testing.B, batch string, options ...string) {
	b.Helper()
	c := exec.Command("ip", append(options, "-batch", "-")...)
	c.Stdin = strings.NewReader(batch)
	if out, err := c.CombinedOutput(); err != nil {
		b.Fatalf("ip: %v\n%s\n%s", err, out, batch)
	}
}

// inside calls a function on a thread that is in a namespace, and ends with it.
func inside(b *testing.B, space string, do func() error) {
	b.Helper()
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // for good: the thread goes with the goroutine
		fd, err := unix.Open("/run/netns/"+space, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			done <- err
			return
		}
		defer func() { _ = unix.Close(fd) }()
		if err := unix.Setns(fd, unix.CLONE_NEWNET); err != nil {
			done <- err
			return
		}
		done <- do()
	}()
	if err := <-done; err != nil {
		b.Fatalf("in namespace %s: %v", space, err)
	}
}
