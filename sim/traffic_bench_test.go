package sim

import (
	"testing"
	"time"
)

// BenchmarkALimitedHop is the cost of a packet at a router, with the queues and limits of its links: a chain of site, customer edge, MSEE,
// gateway and subnet. It guards port.send, pipe and policer.
func BenchmarkALimitedHop(b *testing.B) {
	for _, c := range []struct {
		name   string
		limits bool
	}{{"with limits", true}, {"bare", false}} {
		b.Run(c.name, func(b *testing.B) {
			n := exampled(b, "northwind", rates(1000, 1000, "ErGw1AZ"))
			s, err := New(n, Options{})
			if err != nil {
				b.Fatal(err)
			}
			if c.limits {
				if err := s.Limit(Limits{Classes: true}); err != nil {
					b.Fatal(err)
				}
			}
			s.Start()
			s.Converge(30*time.Second, time.Hour)
			f := flowOf(b, s, FlowSpec{Name: "f", Kind: Constant, Src: siteHost(b, n, "montreal"), Dst: machine(b, n, "fin-core"), Mbps: 500})
			hops := 0
			f.Start(s.Now() + time.Duration(b.N)*10*time.Microsecond + 2*time.Second)
			s.Run(s.Now() + time.Second)
			const routers = 5 // core, customer edge, MSEE, gateway, subnet
			sent := f.sent
			b.ReportAllocs()
			b.ResetTimer()
			for hops < b.N {
				s.Run(s.Now() + time.Millisecond)
				hops = int(f.sent-sent) * routers //nolint:gosec // a count
			}
		})
	}
}
