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

// BenchmarkSweep converges every single failure of a hub with 60 spokes, once from nothing and once from the healthy
// state; the ratio is what recomputing only what a failure touches saves.
func BenchmarkSweep(b *testing.B) {
	n := benchNetwork(b, 60)
	scenarios := n.Scenarios()
	b.Run("from-nothing", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			for _, sc := range scenarios {
				n.Converge(sc)
			}
		}
	})
	b.Run("from-healthy", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			healthy := n.Converge(scenarios[0])
			for _, sc := range scenarios {
				n.ConvergeFrom(healthy, sc)
			}
		}
	})
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
