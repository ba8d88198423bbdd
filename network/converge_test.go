package network

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"onramp/azure"
	"onramp/bgp"
	"onramp/design"
)

// randomEstate draws an estate of up to three sites, circuits, VNets and every flag that matters, sane or not: somebody
// else may have written it.
func randomEstate(t *testing.T, rt *rapid.T) *Network {
	l := newLab(t)
	locations := []string{"Montreal", "Toronto", "Amsterdam", "Chicago"}
	sites := rapid.IntRange(1, 3).Draw(rt, "sites")
	same := rapid.Bool().Draw(rt, "one AS number")
	for i := range sites {
		asn := uint32(65010)
		if !same {
			asn += uint32(i)
		}
		s := l.site(fmt.Sprintf("s%d", i), asn, fmt.Sprintf("10.%d.0.0/16", i))
		s.Latitude, s.Longitude = 45+float64(i), -75
		l.ce(s, fmt.Sprintf("s%d-ce1", i), asn)
		l.ce(s, fmt.Sprintf("s%d-ce2", i), asn)
		for j := range i {
			if rapid.Bool().Draw(rt, "backbone") {
				l.p.Backbone = append(l.p.Backbone, design.Backbone{Between: [2]string{fmt.Sprintf("s%d", j), fmt.Sprintf("s%d", i)}, Mbps: 1000})
			}
		}
	}
	var circuits []*azure.ExpressRouteCircuit
	for i := range rapid.IntRange(1, 3).Draw(rt, "circuits") {
		at := rapid.IntRange(0, sites-1).Draw(rt, "site")
		asn := uint32(l.p.Sites[at].ASN)
		c := l.circuit(fmt.Sprintf("C%d", i), rapid.SampledFrom(locations).Draw(rt, "location"), asn, fmt.Sprintf("172.16.%d.0/30", i), fmt.Sprintf("172.16.%d.4/30", i))
		circuits = append(circuits, c)
		echo := rapid.Bool().Draw(rt, "echo")
		for h, name := range []string{design.Primary, design.Secondary} {
			s := l.session(c, name)
			if !echo {
				s.Export = onlyPrefixes(l.p.Sites[at].Prefixes)
			}
			if pref := rapid.SampledFrom([]uint32{0, 0, 50, 200}).Draw(rt, "local preference"); pref > 0 {
				s.Import = &bgp.Policy{Name: "prefer", Terms: []bgp.Term{{Name: "all", Set: bgp.Set{LocalPref: &pref}, Action: bgp.Accept}}, Default: bgp.Reject}
			}
			r := &l.p.Sites[at].Routers[h]
			r.Sessions = append(r.Sessions, s)
		}
	}
	var vnets []*azure.VirtualNetwork
	for i := range rapid.IntRange(1, 4).Draw(rt, "vnets") {
		v := l.vnet(fmt.Sprintf("V%d", i), fmt.Sprintf("10.10%d.255.0/27", i), fmt.Sprintf("10.10%d.0.0/16", i))
		if len(vnets) > 0 && rapid.Bool().Draw(rt, "spoke") {
			l.peer(vnets[0], v, rapid.Bool().Draw(rt, "transit"))
		} else {
			g := l.gateway(v)
			g.Properties.AllowRemoteVNetTraffic = rapid.Bool().Draw(rt, "remote")
			for _, c := range circuits {
				if rapid.Bool().Draw(rt, "connected") {
					l.connect(g, c, rapid.SampledFrom([]int{0, 0, 100}).Draw(rt, "weight"))
				}
			}
		}
		vnets = append(vnets, v)
	}
	return l.build()
}

// tables is everything that a state holds, as text, for comparing two.
func tables(s *State) map[string]any {
	out := map[string]any{}
	for _, r := range s.n.Routers() {
		var rows []string
		for _, x := range s.Table(r) {
			rows = append(rows, fmt.Sprint(x.Prefix, x.From, x.Path, x.LocalPref, x.Weight, x.Best, x.Multipath, x.Why))
		}
		out[r] = rows
	}
	for _, v := range s.n.vnets {
		for _, sn := range v.subnets {
			var rows []string
			for _, x := range s.EffectiveRoutes(v.id, sn.name) {
				rows = append(rows, fmt.Sprint(x.Source, x.State, x.Prefix, x.NextHopType, x.NextHops))
			}
			out[v.name+"/"+sn.name] = rows
		}
	}
	return out
}

func TestRecomputingWhatAFailureTouchesEqualsComputingEverything(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := randomEstate(t, rt)
		healthy := n.Converge(Scenario{ID: "healthy", Kind: Healthy})
		for _, sc := range n.Scenarios() {
			a, b := n.Converge(sc), n.ConvergeFrom(healthy, sc)
			if d := cmp.Diff(tables(a), tables(b)); d != "" {
				rt.Fatalf("scenario %s (-all +touched):\n%s", sc.ID, d)
			}
		}
	})
}

func TestSharesOfAFlowAddUpToOne(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := randomEstate(t, rt)
		for _, sc := range n.Scenarios() {
			s := n.Converge(sc)
			for _, src := range n.Endpoints() {
				for _, dst := range n.Endpoints() {
					sum := 0.0
					for _, p := range s.Trace(Flow{Src: src, Dst: dst}) {
						sum += p.Share
						if p.Fate == Delivered && p.Hops[len(p.Hops)-1].Route == "" && len(p.Hops) > 1 && p.Hops[len(p.Hops)-1].Kind != "vnet" {
							rt.Fatalf("delivered without a route: %+v", p)
						}
					}
					if sum < 0.999 || sum > 1.001 {
						rt.Fatalf("%s: %v to %v: shares add up to %v", sc.ID, src.Addr, dst.Addr, sum)
					}
				}
			}
		}
	})
}

func TestASiteThatFailsTakesOnlyItsOwnHosts(t *testing.T) {
	l := newLab(t)
	a := l.circuit("CA", "Montreal", 65010, "172.16.0.0/30", "172.16.0.4/30")
	b := l.circuit("CB", "Toronto", 65010, "172.16.1.0/30", "172.16.1.4/30")
	v := l.vnet("V", "10.100.255.0/27", "10.100.0.0/16")
	g := l.gateway(v)
	l.connect(g, a, 100)
	l.connect(g, b, 0)
	for i, c := range []*azure.ExpressRouteCircuit{a, b} {
		s := l.site(fmt.Sprintf("s%d", i), 65010, fmt.Sprintf("10.%d.0.0/16", i))
		l.ce(s, s.Name+"-ce1", 65010, l.session(c, design.Primary))
		l.ce(s, s.Name+"-ce2", 65010, l.session(c, design.Secondary))
	}
	l.p.Backbone = []design.Backbone{{Between: [2]string{"s0", "s1"}, Mbps: 1000}}
	n := l.build()
	sc, err := n.Scenario("site:s0")
	if err != nil {
		t.Fatal(err)
	}
	s := n.Converge(sc)
	var vm, lost, other Endpoint
	for _, e := range n.Endpoints() {
		switch {
		case e.Kind == VM:
			vm = e
		case e.Site == "s0":
			lost = e
		default:
			other = e
		}
	}
	if s.Up(lost) || !s.Up(other) {
		t.Error("the failed site is up, or the other one down")
	}
	for _, f := range []Flow{{Src: vm, Dst: other}, {Src: other, Dst: vm}} {
		for _, p := range s.Trace(f) {
			if p.Fate != Delivered {
				t.Errorf("%v to %v: %s, %s", f.Src.Addr, f.Dst.Addr, p.Fate, p.Reason)
			}
		}
	}
}

func TestTooManyPrefixesTakeTheSessionDownAndSayWhy(t *testing.T) {
	l := newLab(t)
	c := l.circuit("C1", "Montreal", 65010, "172.16.0.0/30", "172.16.0.4/30")
	l.connect(l.gateway(l.vnet("V", "10.100.255.0/27", "10.100.0.0/16")), c, 0)
	s := l.site("s", 65010)
	limit := l.c.Limits().PrivatePrefixesFromOnPrem("Standard", "ipv4")
	for i := range limit + 1 {
		s.Prefixes = append(s.Prefixes, netip.PrefixFrom(netip.AddrFrom4([4]byte{11, byte(i >> 8), byte(i), 0}), 24))
	}
	primary, secondary := l.session(c, design.Primary), l.session(c, design.Secondary)
	primary.Export, secondary.Export = onlyPrefixes(s.Prefixes), onlyPrefixes(s.Prefixes) // no echo of the VNet's prefix
	l.ce(s, "ce", 65010, primary, secondary)
	st := l.build().Converge(Scenario{Kind: Healthy})
	var names []string
	for _, e := range st.Exceeded() {
		names = append(names, e.Session)
		if e.Limit != limit || e.Count != limit+1 {
			t.Errorf("%s: %d of %d, want %d of %d", e.Session, e.Count, e.Limit, limit+1, limit)
		}
	}
	slices.Sort(names)
	if !slices.Equal(names, []string{"C1-primary", "C1-secondary"}) {
		t.Errorf("over the limit: %v", names)
	}
	if rows := st.Table("gw-V/0"); len(rows) != 1 {
		t.Errorf("the gateway has %d routes, want only its own", len(rows))
	}
}

// onlyPrefixes is an export policy that announces just these.
func onlyPrefixes(list []netip.Prefix) *bgp.Policy {
	var rules []bgp.PrefixRule
	for _, p := range list {
		rules = append(rules, bgp.PrefixRule{Prefix: p})
	}
	return &bgp.Policy{Name: "own", Terms: []bgp.Term{{Name: "own", Match: bgp.Match{Prefixes: rules}, Action: bgp.Accept}}, Default: bgp.Reject}
}
