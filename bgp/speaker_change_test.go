package bgp

import (
	"net/netip"
	"slices"
	"testing"
	"time"
)

func TestALimitThatIsLoweredIsPassedAtOnce(t *testing.T) {
	for _, c := range []struct {
		name      string
		four, six int
		up        bool
	}{{"as many as there are", 2, 1, true}, {"fewer", 1, 0, false}, {"fewer of the other family", 9, 0, true}, {"none", 0, 0, true}} {
		t.Run(c.name, func(t *testing.T) {
			dual := openly()
			dual.Families = []Family{IPv4Unicast(), IPv6Unicast()}
			w, a, b := pairOf(t, dual, dual)
			for _, p := range []string{"10.1.0.0/16", "10.2.0.0/16", "2001:db8::/32"} {
				a.originate(p, Attrs{})
			}
			bringUp(w)
			list := b.s.SetLimits(w.now, 0, Limit{Max: c.four}, Limit{Max: c.six})
			passed := slices.ContainsFunc(list, func(o Output) bool { return o.Kind == OutLimit })
			b.do(list)
			w.run(time.Minute)
			if passed == c.up || (b.state(0) == Established) != c.up {
				t.Errorf("passed: %v, state %s, want up: %v", passed, b.state(0), c.up)
			}
			if err := audit(b.s); err != nil {
				t.Error(err)
			}
			if c.up {
				return
			}
			a.withdraw("10.2.0.0/16")
			b.do(b.s.Start(w.now, 0))
			w.run(time.Minute)
			if b.state(0) != Established {
				t.Errorf("state %s after what was too much is gone", b.state(0))
			}
		})
	}
}

// What an import policy lets in after it has changed counts, too.
func TestALimitIsPassedByRoutesThatAreLetInLater(t *testing.T) {
	open := false
	cb := openly()
	cb.IPv4Limit = Limit{Max: 1}
	cb.Rules = &Rules{
		Export:    func(_ netip.Prefix, a *Attrs, _ NeighborID) *Attrs { return a },
		Import:    func(p netip.Prefix, a *Attrs) *Attrs { return map[bool]*Attrs{true: a}[open || p.Bits() == 16] },
		Candidate: func(netip.Prefix, *Candidate) {},
	}
	w, a, b := pairOf(t, openly(), cb)
	a.originate("10.1.0.0/16", Attrs{})
	a.originate("10.2.0.0/24", Attrs{})
	bringUp(w)
	if b.state(0) != Established {
		t.Fatalf("state %s", b.state(0))
	}
	open = true
	list := b.s.Reapply(w.now, 0)
	if !slices.ContainsFunc(list, func(o Output) bool { return o.Kind == OutLimit }) {
		t.Error("the limit is not passed")
	}
	b.do(list)
	if b.state(0) != Idle || b.s.Prefixes() != 0 {
		t.Errorf("state %s with %d prefixes", b.state(0), b.s.Prefixes())
	}
}

// A middle speaker has two ways to a prefix, and what rules say of them turns round.
func TestDecisionsAreMadeAgainWhereHowRoutesStandHasChanged(t *testing.T) {
	w := newWorld(t)
	first := map[NeighborID]uint64{0: 1, 1: 2} // the age of routes
	mid := w.node("mid", SpeakerConfig{AS: 65010, RouterID: ip("10.0.0.9"), Decision: Config{PreferOldest: true}})
	end := w.node("end", SpeakerConfig{AS: 65020, RouterID: ip("10.0.0.8")})
	for i, name := range []string{"a", "b"} {
		x := w.node(name, SpeakerConfig{AS: ASN(65001 + i), RouterID: netip.AddrFrom4([4]byte{10, 0, 0, byte(1 + i)})}) //nolint:gosec // small
		c := openly()
		id := NeighborID(i) //nolint:gosec // small
		c.Rules = &Rules{
			Export: func(_ netip.Prefix, a *Attrs, _ NeighborID) *Attrs {
				b := *a
				b.Path = b.Path.Prepend(65010, 1)
				return &b
			},
			Import:    func(_ netip.Prefix, a *Attrs) *Attrs { return a },
			Candidate: func(_ netip.Prefix, c *Candidate) { c.Age = first[id] },
		}
		w.join(mid, x, c, openly())
		x.originate("10.1.0.0/16", Attrs{})
		x.originate("10.2.0.0/16", Attrs{})
	}
	w.join(mid, end, openly(), openly())
	bringUp(w)
	p := netip.MustParsePrefix("10.1.0.0/16")
	best := func() NeighborID { _, id := mid.s.Best(p); return id }
	told := func() string { a, _ := end.s.Best(p); return a.Path.String() }
	if best() != 0 || told() != "65010 65001" {
		t.Fatalf("the best is of %d, and %q is told", best(), told())
	}
	if list := mid.s.Reconsider(w.now, Config{PreferOldest: true}); len(list) != 0 {
		t.Errorf("nothing has changed, and it says %v", list)
	}
	first[0], first[1] = 2, 1
	list := mid.s.Reconsider(w.now, Config{PreferOldest: true})
	routes := 0
	for _, o := range list {
		if o.Kind == OutRoute {
			routes++
		}
	}
	mid.do(list)
	w.run(time.Second)
	if best() != 1 || told() != "65010 65002" || routes != 2 {
		t.Errorf("the best is of %d, %q is told, and %d routes changed", best(), told(), routes)
	}
	mid.do(mid.s.Reconsider(w.now, Config{Multipath: 2, MultipathRelax: true}))
	used := 0
	for _, h := range mid.s.Candidates(p) {
		if h.Used {
			used++
		}
	}
	if used != 2 {
		t.Errorf("%d routes are used, want 2", used)
	}
	if err := audit(mid.s); err != nil {
		t.Error(err)
	}
}
