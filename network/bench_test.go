package network

import (
	"fmt"
	"testing"

	"onramp/design"
)

// benchNetwork is a hub with spokes on two circuits at two sites.
func benchNetwork(b *testing.B, spokes int) *Network {
	l := newLab(b)
	hub := l.vnet("hub", "10.100.255.0/27", "10.100.0.0/16")
	g := l.gateway(hub)
	for i := range spokes {
		l.peer(hub, l.vnet(fmt.Sprintf("spoke%d", i), "", fmt.Sprintf("10.%d.0.0/20", 101+i)), true)
	}
	for i, at := range []string{"Montreal", "Toronto"} {
		c := l.circuit("C-"+at, at, 65010, fmt.Sprintf("172.16.%d.0/30", i), fmt.Sprintf("172.16.%d.4/30", i))
		l.connect(g, c, 100*(1-i))
		s := l.site("s-"+at, 65010, fmt.Sprintf("10.%d.0.0/16", i))
		for k, h := range []string{design.Primary, design.Secondary} {
			one := l.session(c, h)
			one.Export = onlyPrefixes(s.Prefixes)
			l.ce(s, fmt.Sprintf("%s-ce%d", s.Name, k+1), 65010, one)
		}
	}
	l.p.Backbone = []design.Backbone{{Between: [2]string{"s-Montreal", "s-Toronto"}, Mbps: 2000}}
	return l.build()
}

// benchIsolated is lines of business with a circuit, a gateway and a network each, at one site.
func benchIsolated(b *testing.B, lobs int) *Network {
	l := newLab(b)
	s := l.site("s", 65010, "10.0.0.0/16")
	var first, second []design.Session
	for i := range lobs {
		v := l.vnet(fmt.Sprintf("v%d", i), fmt.Sprintf("10.%d.255.0/27", 100+i), fmt.Sprintf("10.%d.0.0/16", 100+i))
		c := l.circuit(fmt.Sprintf("c%d", i), []string{"Montreal", "Toronto"}[i%2], 65010, fmt.Sprintf("172.16.%d.0/30", i), fmt.Sprintf("172.16.%d.4/30", i))
		c.Properties.Peerings[0].Properties.VLANID = 100 + i
		l.connect(l.gateway(v), c, 0)
		for k, h := range []string{design.Primary, design.Secondary} {
			one := l.session(c, h)
			one.VLAN = 100 + i
			one.Export = onlyPrefixes(s.Prefixes)
			if k == 0 {
				first = append(first, one)
			} else {
				second = append(second, one)
			}
		}
	}
	l.ce(s, "ce1", 65010, first...)
	l.ce(s, "ce2", 65010, second...)
	return l.build()
}

// BenchmarkSweep converges every single failure of two estates, once from nothing and once from the healthy state; x-from-nothing
// is how much less time recomputing only what a failure touches takes. In a hub every failure touches every prefix.
func BenchmarkSweep(b *testing.B) {
	for _, x := range []struct {
		name string
		n    *Network
	}{{"hub-of-60-spokes", benchNetwork(b, 60)}, {"40-isolated", benchIsolated(b, 40)}} {
		scenarios := x.n.Scenarios()
		var nothing float64
		b.Run(x.name+"/from-nothing", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				for _, sc := range scenarios {
					x.n.Converge(sc)
				}
			}
			nothing = float64(b.Elapsed()) / float64(b.N)
		})
		b.Run(x.name+"/from-healthy", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				healthy := x.n.Converge(scenarios[0])
				for _, sc := range scenarios {
					x.n.ConvergeFrom(healthy, sc)
				}
			}
			b.ReportMetric(nothing/(float64(b.Elapsed())/float64(b.N)), "x-from-nothing")
		})
	}
}

// BenchmarkTrace follows one flow from a site to a spoke, with every equal-cost way.
func BenchmarkTrace(b *testing.B) {
	n := benchNetwork(b, 60)
	s := n.Converge(n.Scenarios()[0])
	var src, dst Endpoint
	for _, e := range n.Endpoints() {
		if e.Kind == SiteHost {
			src = e
		} else {
			dst = e
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		s.Trace(Flow{Src: src, Dst: dst})
	}
}
