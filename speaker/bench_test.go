package speaker

import (
	"context"
	"fmt"
	"net/netip"
	"testing"

	"onramp/bgp"
)

// BenchmarkSessions is how long it takes from nothing until a speaker holds what its neighbours announce over loopback: both ends,
// the kernel between them and all messages included.
func BenchmarkSessions(b *testing.B) {
	for _, c := range []struct{ sessions, prefixes int }{{1, 100_000}, {100, 1000}, {1000, 1000}} {
		b.Run(fmt.Sprintf("sessions=%d/prefixes=%d", c.sessions, c.prefixes), func(b *testing.B) {
			for b.Loop() {
				exchange(b, c.sessions, c.prefixes)
			}
			b.ReportMetric(float64(c.sessions*c.prefixes*b.N)/b.Elapsed().Seconds(), "routes/s")
		})
	}
}

// exchange runs two speakers with sessions between as many pairs of loopback addresses, until the first has all of the second's prefixes
// over each.
func exchange(b *testing.B, sessions, prefixes int) {
	address := func(net, i int) netip.Addr {
		return netip.AddrFrom4([4]byte{127, byte(net), byte(i >> 8), byte(i + 1)})
	}
	no := false
	none := &bgp.Policy{Name: "none", Default: bgp.Reject}
	first := &Config{AS: 65001, RouterID: netip.MustParseAddr("10.0.0.1"), Listen: []netip.AddrPort{netip.MustParseAddrPort("0.0.0.0:0")}, Policies: []*bgp.Policy{none}}
	second := &Config{AS: 65002, RouterID: netip.MustParseAddr("10.0.0.2")}
	for i := range sessions {
		n := Neighbor{Families: []bgp.Family{bgp.IPv4Unicast()}, RequirePolicy: &no, GracefulRestart: &GracefulRestart{HelperOnly: true}}
		here, there := address(1, i), address(2, i)
		mine, theirs := n, n
		mine.Name, mine.Address, mine.LocalAddress, mine.AS, mine.Passive, mine.Export = there.String(), there, here, 65002, true, "none"
		mine.LocalIPv4 = netip.MustParseAddr("192.0.2.1")
		theirs.Name, theirs.Address, theirs.LocalAddress, theirs.AS = here.String(), here, there, 65001
		theirs.LocalIPv4 = netip.MustParseAddr("192.0.2.2")
		first.Neighbors, second.Neighbors = append(first.Neighbors, mine), append(second.Neighbors, theirs)
	}
	for i := range prefixes {
		second.Networks = append(second.Networks, Network{Prefix: netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), 32)})
	}
	ctx, cancel := context.WithCancel(context.Background())
	port, complete := make(chan uint16, 1), make(chan bool)
	done := make(chan error, 2)
	ends := 0
	go func() {
		done <- Run(ctx, first, Options{Events: func(e Event) {
			switch e.Kind {
			case Listening:
				port <- netip.MustParseAddrPort(e.Address).Port()
			case EndOfRIB:
				if ends++; ends == sessions {
					close(complete)
				}
			}
		}})
	}()
	p := <-port
	for i := range second.Neighbors {
		second.Neighbors[i].Port = int(p)
	}
	go func() { done <- Run(ctx, second, Options{}) }()
	<-complete
	b.StopTimer()
	cancel()
	for range 2 {
		if err := <-done; err != nil {
			b.Error(err)
		}
	}
	b.StartTimer()
}
