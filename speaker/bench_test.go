package speaker

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"testing"

	"onramp/bgp"
)

// BenchmarkSessions is how long it takes over loopback until sessions are up, the speaker holds a table of each neighbour, no prefix
// twice, and each neighbour has the speaker's table: sockets, the kernel and all messages included. The neighbours only replay and count.
func BenchmarkSessions(b *testing.B) {
	for _, c := range []struct{ sessions, prefixes int }{{1, 1000}, {1, 100_000}, {100, 1000}, {1000, 1000}} {
		b.Run(fmt.Sprintf("sessions=%d/prefixes=%d", c.sessions, c.prefixes), func(b *testing.B) {
			for b.Loop() {
				exchange(b, c.sessions, c.prefixes)
			}
			b.ReportMetric(float64(2*c.sessions*c.prefixes*b.N)/b.Elapsed().Seconds(), "routes/s")
		})
	}
}

// hosts are count host prefixes from the first on.
func hosts(first byte, from, count int) []netip.Prefix {
	list := make([]netip.Prefix, count)
	for i := range list {
		n := uint32(first)<<24 + uint32(from+i)
		list[i] = netip.PrefixFrom(netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}), 32)
	}
	return list
}

func exchange(b *testing.B, sessions, prefixes int) {
	b.StopTimer()
	no := false
	cfg := &Config{AS: 65001, RouterID: netip.MustParseAddr("10.0.0.1"), Listen: []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:0")},
		Policies: []*bgp.Policy{{Name: "ours", Terms: []bgp.Term{{Name: "ours", Match: bgp.Match{From: []bgp.PeerType{bgp.Local}}, Action: bgp.Accept}}, Default: bgp.Reject}}}
	for _, p := range hosts(10, 0, prefixes) {
		cfg.Networks = append(cfg.Networks, Network{Prefix: p})
	}
	var streams [][]byte
	for i := range sessions {
		a := netip.AddrFrom4([4]byte{127, 2, byte(i >> 8), byte(i)})
		cfg.Neighbors = append(cfg.Neighbors, Neighbor{Name: a.String(), Address: a, AS: 65002, LocalAddress: netip.MustParseAddr("127.0.0.1"), LocalIPv4: netip.MustParseAddr("192.0.2.1"),
			Families: []bgp.Family{bgp.IPv4Unicast()}, Passive: true, RequirePolicy: &no, Export: "ours", GracefulRestart: &GracefulRestart{HelperOnly: true}})
		streams = append(streams, stream(i, hosts(20, i*prefixes, prefixes)))
	}
	ctx, cancel := context.WithCancel(context.Background())
	port, complete, done := make(chan netip.AddrPort, 1), make(chan bool), make(chan error, 1)
	ends := 0
	go func() {
		done <- Run(ctx, cfg, Options{Events: func(e Event) {
			switch e.Kind {
			case Listening:
				port <- netip.MustParseAddrPort(e.Address)
			case EndOfRIB:
				if ends++; ends == sessions {
					close(complete)
				}
			}
		}})
	}()
	to := <-port
	b.StartTimer()
	var peers, tables sync.WaitGroup
	tables.Add(sessions)
	for i := range sessions {
		peers.Go(func() {
			if err := replay(cfg.Neighbors[i].Address, to, streams[i], tables.Done); err != nil {
				b.Error(err)
				cancel()
			}
		})
	}
	select {
	case <-complete:
		tables.Wait()
	case <-ctx.Done():
	}
	b.StopTimer()
	cancel()
	if err := <-done; err != nil {
		b.Error(err)
	}
	peers.Wait()
	b.StartTimer()
}

// stream is all that a neighbour says.
func stream(i int, prefixes []netip.Prefix) []byte {
	s := bgp.AppendOpen(nil, &bgp.Open{AS: 65002, HoldTime: 180, RouterID: netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)}),
		Capabilities: bgp.Capabilities{Families: []bgp.Family{bgp.IPv4Unicast()}, FourOctetAS: 65002, GracefulRestart: &bgp.GracefulRestart{Time: 60}}})
	s = bgp.AppendKeepalive(s)
	a := bgp.Attrs{Path: bgp.Path{65002, 64512}, NextHop: netip.MustParseAddr("192.0.2.2")}
	for len(prefixes) > 0 {
		var n int
		s, n = bgp.AppendUpdate(s, &a, prefixes, bgp.WireOptions{FourOctetAS: true})
		prefixes = prefixes[n:]
	}
	return bgp.AppendEndOfRIB(s, bgp.IPv4Unicast())
}

// replay is a neighbour that says all it has to say at once, reads until the speaker has said all it has, and then until it hangs up.
func replay(from netip.Addr, to netip.AddrPort, stream []byte, whole func()) error {
	d := net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(from, 0))}
	c, err := d.Dial("tcp4", to.String())
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := c.Write(stream); err != nil {
		return err
	}
	in := bufio.NewReaderSize(c, 16<<10)
	end := bgp.AppendEndOfRIB(nil, bgp.IPv4Unicast())
	message := make([]byte, bgp.MaxMessageLen)
	for {
		if _, err := io.ReadFull(in, message[:bgp.HeaderLen]); err != nil {
			return nil //nolint:nilerr // the speaker hung up
		}
		n := int(binary.BigEndian.Uint16(message[16:]))
		if _, err := io.ReadFull(in, message[bgp.HeaderLen:n]); err != nil {
			return err
		}
		if bytes.Equal(message[:n], end) {
			whole()
		}
	}
}
