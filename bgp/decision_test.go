package bgp

import (
	"fmt"
	"math"
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

// ebgp is a candidate that wins or loses only by what a test changes.
func ebgp(session int32, change func(*Candidate, *Attrs)) Candidate {
	a := &Attrs{Path: Path{64500, 64501}}
	c := Candidate{Attrs: a, From: EBGP, NeighborAS: 64500, RouterID: addr("192.0.2.1"), PeerAddr: addr("198.51.100.1"), Session: session}
	change(&c, a)
	return c
}

func asIs(*Candidate, *Attrs) {}

func TestDecisionTakesTheStepsInTheRFCsOrder(t *testing.T) {
	type change = func(*Candidate, *Attrs)
	for _, x := range []struct {
		name      string
		cfg       Config
		win, lose change
		step      Step
	}{
		{"vendor: the higher weight wins even against a higher local preference", Config{UseWeight: true},
			func(_ *Candidate, a *Attrs) { a.Weight = 32769 }, func(_ *Candidate, a *Attrs) { a.LocalPref, a.HasLocalPref = 500, true }, StepWeight},
		{"RFC 4271 9.1.1: weight is nothing to a router that does not use it", Config{},
			func(_ *Candidate, a *Attrs) { a.LocalPref, a.HasLocalPref = 101, true }, func(_ *Candidate, a *Attrs) { a.Weight = 9 }, StepLocalPref},
		{"RFC 4271 9.1.1: the higher local preference wins against a shorter path", Config{},
			func(_ *Candidate, a *Attrs) { a.LocalPref, a.HasLocalPref = 200, true }, func(_ *Candidate, a *Attrs) { a.Path = nil }, StepLocalPref},
		{"RFC 4271 9.1.1: no local preference counts as 100", Config{},
			asIs, func(_ *Candidate, a *Attrs) { a.LocalPref, a.HasLocalPref = 99, true }, StepLocalPref},
		{"RFC 4271 9.1.1: a local preference of 0 is lower than none", Config{},
			asIs, func(_ *Candidate, a *Attrs) { a.HasLocalPref = true }, StepLocalPref},
		{"vendor: the router's own route wins against a shorter path", Config{},
			func(c *Candidate, _ *Attrs) { c.From = Local }, func(_ *Candidate, a *Attrs) { a.Path = nil }, StepLocalOrigin},
		{"RFC 4271 9.1.2.2 (a): the shorter path wins against a better origin", Config{},
			func(_ *Candidate, a *Attrs) { a.Path, a.Origin = Path{64500}, OriginIncomplete }, asIs, StepPathLength},
		{"RFC 4271 9.1.2.2 (a): repeated numbers count each time", Config{},
			asIs, func(_ *Candidate, a *Attrs) { a.Path = Path{64500, 64500, 64501} }, StepPathLength},
		{"RFC 4271 9.1.2.2 (b): IGP wins against EGP", Config{},
			func(_ *Candidate, a *Attrs) { a.MED, a.HasMED = 9, true }, func(_ *Candidate, a *Attrs) { a.Origin = OriginEGP }, StepOrigin},
		{"RFC 4271 9.1.2.2 (b): EGP wins against incomplete", Config{},
			func(_ *Candidate, a *Attrs) { a.Origin = OriginEGP }, func(_ *Candidate, a *Attrs) { a.Origin = OriginIncomplete }, StepOrigin},
		{"RFC 4271 9.1.2.2 (c): the lower MED from the same AS wins even by iBGP", Config{},
			func(c *Candidate, a *Attrs) { c.From, c.NeighborAS, a.MED, a.HasMED = IBGP, 65000, 10, true },
			func(_ *Candidate, a *Attrs) { a.MED, a.HasMED = 20, true }, StepMED},
		{"RFC 4271 9.1.2.2 (c): a missing MED is the lowest", Config{},
			asIs, func(_ *Candidate, a *Attrs) { a.MED, a.HasMED = 1, true }, StepMED},
		{"vendor: a missing MED is the highest with MissingMEDWorst", Config{MissingMEDWorst: true},
			func(_ *Candidate, a *Attrs) { a.MED, a.HasMED = 1, true }, asIs, StepMED},
		{"RFC 4271 9.1.2.2 (c): MEDs of different ASes are not compared", Config{},
			func(c *Candidate, a *Attrs) {
				a.MED, a.HasMED, a.Path, c.NeighborAS = 50, true, Path{64502, 64501}, 64502
			},
			func(c *Candidate, _ *Attrs) { c.RouterID = addr("192.0.2.9") }, StepRouterID},
		{"vendor: MEDs of different ASes are compared with CompareMEDAlways", Config{CompareMEDAlways: true},
			func(c *Candidate, _ *Attrs) { c.RouterID = addr("192.0.2.9") },
			func(c *Candidate, a *Attrs) {
				a.MED, a.HasMED, a.Path, c.NeighborAS = 50, true, Path{64502, 64501}, 64502
			}, StepMED},
		{"RFC 4271 9.1.2.2 (d): eBGP wins against a nearer iBGP route", Config{},
			func(c *Candidate, _ *Attrs) { c.IGPCost = 7 }, func(c *Candidate, _ *Attrs) { c.From = IBGP }, StepEBGP},
		{"RFC 4271 9.1.2.2 (e): the nearer next hop wins against a lower router ID", Config{},
			func(c *Candidate, _ *Attrs) { c.From, c.IGPCost, c.RouterID = IBGP, 5, addr("192.0.2.9") },
			func(c *Candidate, _ *Attrs) { c.From, c.IGPCost = IBGP, 6 }, StepIGPCost},
		{"vendor: the IGP cost is skipped with IgnoreIGPCost", Config{IgnoreIGPCost: true},
			func(c *Candidate, _ *Attrs) { c.From, c.IGPCost = IBGP, 6 },
			func(c *Candidate, _ *Attrs) { c.From, c.IGPCost, c.RouterID = IBGP, 5, addr("192.0.2.9") }, StepRouterID},
		{"vendor: the older eBGP route wins with PreferOldest", Config{PreferOldest: true},
			func(c *Candidate, _ *Attrs) { c.Age, c.RouterID = 3, addr("192.0.2.9") }, func(c *Candidate, _ *Attrs) { c.Age = 4 }, StepOldest},
		{"vendor: age is nothing between iBGP routes", Config{PreferOldest: true},
			func(c *Candidate, _ *Attrs) { c.From, c.Age = IBGP, 4 },
			func(c *Candidate, _ *Attrs) { c.From, c.Age, c.RouterID = IBGP, 3, addr("192.0.2.9") }, StepRouterID},
		{"RFC 4271 9.1.2.2 (f): the lower router ID wins against the older route", Config{},
			func(c *Candidate, _ *Attrs) { c.Age, c.PeerAddr = 4, addr("198.51.100.9") },
			func(c *Candidate, _ *Attrs) { c.Age, c.RouterID = 3, addr("192.0.2.9") }, StepRouterID},
		{"RFC 4456 9: the originator stands for the router that reflects", Config{},
			func(c *Candidate, a *Attrs) {
				c.From, c.RouterID, a.OriginatorID = IBGP, addr("192.0.2.9"), addr("192.0.2.2")
			},
			func(c *Candidate, _ *Attrs) { c.From, c.RouterID = IBGP, addr("192.0.2.3") }, StepRouterID},
		{"RFC 4456 9: the shorter cluster list wins against a lower peer address", Config{},
			func(c *Candidate, a *Attrs) { c.From, c.PeerAddr = IBGP, addr("198.51.100.9") },
			func(c *Candidate, a *Attrs) { c.From, a.ClusterList = IBGP, []netip.Addr{addr("192.0.2.7")} }, StepClusterList},
		{"RFC 4271 9.1.2.2 (g): the lower peer address wins", Config{},
			asIs, func(c *Candidate, _ *Attrs) { c.PeerAddr = addr("198.51.100.2") }, StepPeerAddr},
		{"vendor: the caller's number decides between what BGP cannot tell apart", Config{}, asIs, asIs, StepSession},
	} {
		t.Run(x.name, func(t *testing.T) {
			w, l := ebgp(1, x.win), ebgp(2, x.lose)
			for i, cs := range [][]Candidate{{w, l}, {l, w}} {
				best, step := Best(cs, x.cfg)
				if best != i || step != x.step {
					t.Fatalf("winner at %d: got %d by %q, want %q", i, best, step, x.step)
				}
				if got := Explain(cs, x.cfg); len(got) != 1 || got[0] != (Loss{Index: 1 - i, Step: x.step}) {
					t.Fatalf("losses %v, want one at %q", got, x.step)
				}
			}
		})
	}
}

func TestNoRouteAndOneRoute(t *testing.T) {
	if best, step := Best(nil, Config{}); best != -1 || step != StepNone {
		t.Errorf("no candidate: got %d, %v", best, step)
	}
	if paths, step := Multipath(nil, Config{}, nil); paths != nil || step != StepNone {
		t.Errorf("no candidate: got %v, %v", paths, step)
	}
	one := []Candidate{ebgp(1, asIs)}
	if best, step := Best(one, Config{}); best != 0 || step != StepOnly {
		t.Errorf("one candidate: got %d, %v", best, step)
	}
	if paths, step := Multipath(one, Config{Multipath: 8}, []int{7}); !slices.Equal(paths, []int{7, 0}) || step != StepOnly {
		t.Errorf("one candidate: got %v, %v; want it appended", paths, step)
	}
	if got := Explain(one, Config{}); got != nil {
		t.Errorf("one candidate loses nothing, got %v", got)
	}
}

// The classic example of why MED cannot be compared in pairs: A beats B by router ID, B beats C by router ID, C beats A by
// MED. Elimination per neighbouring AS gives one answer whatever the order.
func TestMEDEliminatesPerNeighbouringASBeforeLaterSteps(t *testing.T) {
	a := ebgp(1, func(c *Candidate, a *Attrs) { a.MED, a.HasMED, c.RouterID = 20, true, addr("192.0.2.1") })
	b := ebgp(2, func(c *Candidate, a *Attrs) {
		a.Path, c.NeighborAS, a.MED, a.HasMED, c.RouterID = Path{64502, 64501}, 64502, 30, true, addr("192.0.2.2")
	})
	c := ebgp(3, func(c *Candidate, a *Attrs) { a.MED, a.HasMED, c.RouterID = 10, true, addr("192.0.2.3") })
	permute([]Candidate{a, b, c}, func(cs []Candidate) {
		best, step := Best(cs, Config{})
		if cs[best].Session != 2 || step != StepRouterID {
			t.Errorf("got session %d by %s, want 2 by router ID", cs[best].Session, step)
		}
		lost := map[int32]Step{}
		for _, l := range Explain(cs, Config{}) {
			lost[cs[l.Index].Session] = l.Step
		}
		if lost[1] != StepMED || lost[3] != StepRouterID {
			t.Errorf("got losses %v, want 1 by MED and 3 by router ID", lost)
		}
	})
}

func TestNeighborASOfAnIBGPRouteIsTheFirstInItsPath(t *testing.T) {
	low := ebgp(1, func(c *Candidate, a *Attrs) { c.From, c.NeighborAS, a.MED, a.HasMED = IBGP, 65000, 10, true })
	high := ebgp(2, func(c *Candidate, a *Attrs) {
		c.From, c.NeighborAS, a.MED, a.HasMED, a.Path = IBGP, 65000, 20, true, Path{64509, 64501}
	})
	if _, step := Best([]Candidate{low, high}, Config{}); step != StepSession {
		t.Errorf("routes from 64500 and 64509 were told apart by %q, want their MEDs not compared", step)
	}
}

func TestMultipathUsesWhatTiesUpToTheIGPCost(t *testing.T) {
	same := func(s int32) Candidate {
		return ebgp(s, func(c *Candidate, _ *Attrs) { c.RouterID = netip.AddrFrom4([4]byte{192, 0, 2, byte(10 - s)}) })
	}
	other := ebgp(4, func(c *Candidate, a *Attrs) {
		a.Path, c.NeighborAS, c.RouterID = Path{64502, 64501}, 64502, addr("192.0.2.200")
	})
	longer := ebgp(5, func(_ *Candidate, a *Attrs) { a.Path = Path{64500, 64500, 64501} })
	inner := ebgp(6, func(c *Candidate, _ *Attrs) { c.From = IBGP })
	for _, x := range []struct {
		name string
		cfg  Config
		want []int32
	}{
		{"one path unless told otherwise", Config{}, []int32{3}},
		{"one path", Config{Multipath: 1}, []int32{3}},
		{"the best first, the others by the steps that follow", Config{Multipath: 8}, []int32{3, 2, 1}},
		{"no more than allowed", Config{Multipath: 2}, []int32{3, 2}},
		{"with relax another path of the same length too", Config{Multipath: 8, MultipathRelax: true}, []int32{3, 2, 1, 4}},
		{"eBGP routes may be many where only they may", Config{Multipath: 8, MultipathEBGPOnly: true}, []int32{3, 2, 1}},
	} {
		t.Run(x.name, func(t *testing.T) {
			permute([]Candidate{same(1), same(2), same(3), other, longer, inner}, func(cs []Candidate) {
				paths, step := Multipath(cs, x.cfg, nil)
				var got []int32
				for _, i := range paths {
					got = append(got, cs[i].Session)
				}
				if !slices.Equal(got, x.want) || step != StepRouterID {
					t.Fatalf("got %v by %s, want %v by router ID", got, step, x.want)
				}
			})
		})
	}
	t.Run("iBGP routes stay single where only eBGP may be many", func(t *testing.T) {
		in := func(c *Candidate, _ *Attrs) { c.From = IBGP }
		paths, _ := Multipath([]Candidate{ebgp(1, in), ebgp(2, in)}, Config{Multipath: 8, MultipathEBGPOnly: true}, nil)
		if !slices.Equal(paths, []int{0}) {
			t.Errorf("got %v, want the best alone", paths)
		}
	})
}

// permute calls f with every order of cs.
func permute(cs []Candidate, f func([]Candidate)) {
	var rec func(k int)
	rec = func(k int) {
		if k == len(cs) {
			f(slices.Clone(cs))
			return
		}
		for i := k; i < len(cs); i++ {
			cs[k], cs[i] = cs[i], cs[k]
			rec(k + 1)
			cs[k], cs[i] = cs[i], cs[k]
		}
	}
	rec(0)
}

// candidates draws routes from few values, so that every step has something to do.
func candidates(most int) *rapid.Generator[[]Candidate] {
	one := rapid.Custom(func(t *rapid.T) Candidate {
		small := func(name string) uint32 { return uint32(rapid.IntRange(0, 2).Draw(t, name)) }
		a := &Attrs{
			Path:         Path(rapid.SliceOfN(rapid.SampledFrom([]ASN{64500, 64501, 64502}), 0, 2).Draw(t, "path")),
			Origin:       Origin(rapid.IntRange(0, 2).Draw(t, "origin") / 2),
			HasMED:       rapid.Bool().Draw(t, "hasMED"),
			MED:          small("med"),
			HasLocalPref: rapid.Bool().Draw(t, "hasLocalPref"),
			LocalPref:    99 + small("localPref"),
			Weight:       small("weight") / 2,
		}
		c := Candidate{Attrs: a, From: rapid.SampledFrom([]PeerType{Local, EBGP, EBGP, EBGP, IBGP, IBGP}).Draw(t, "from"),
			RouterID: netip.AddrFrom4([4]byte{192, 0, 2, byte(small("id"))}), PeerAddr: netip.AddrFrom4([4]byte{198, 51, 100, byte(small("peer"))}),
			IGPCost: small("cost") / 2, Age: uint64(small("age"))}
		switch c.From {
		case EBGP:
			c.NeighborAS = rapid.SampledFrom([]ASN{64500, 64501}).Draw(t, "neighbor")
		case IBGP:
			c.NeighborAS = 65000
			if rapid.Bool().Draw(t, "reflected") {
				a.OriginatorID = netip.AddrFrom4([4]byte{192, 0, 2, byte(small("originator"))})
				a.ClusterList = make([]netip.Addr, rapid.IntRange(1, 2).Draw(t, "clusters"))
			}
		}
		return c
	})
	return rapid.Custom(func(t *rapid.T) []Candidate {
		cs := rapid.SliceOfN(one, 1, most).Draw(t, "candidates")
		for i := range cs {
			cs[i].Session = int32(i)
		}
		return cs
	})
}

func configs() *rapid.Generator[Config] {
	return rapid.Custom(func(t *rapid.T) Config {
		flag := func(name string) bool { return rapid.Bool().Draw(t, name) }
		return Config{CompareMEDAlways: flag("always"), MissingMEDWorst: flag("worst"), UseWeight: flag("weight"), PreferOldest: flag("oldest"),
			IgnoreIGPCost: flag("ignoreCost"), Multipath: rapid.IntRange(0, 5).Draw(t, "multipath"), MultipathRelax: flag("relax"), MultipathEBGPOnly: flag("ebgpOnly")}
	})
}

func TestTheOrderOfTheCandidatesNeverMatters(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cs, cfg := candidates(20).Draw(t, "cs"), configs().Draw(t, "cfg")
		shuffled := rapid.Permutation(cs).Draw(t, "shuffled")
		view := func(cs []Candidate) string {
			paths, step := Multipath(cs, cfg, nil)
			s := fmt.Sprint(step, ":")
			for _, i := range paths {
				s += fmt.Sprint(" ", cs[i].Session)
			}
			lost := make([]string, len(cs))
			for _, l := range Explain(cs, cfg) {
				lost[cs[l.Index].Session] = l.Step.String()
			}
			return s + fmt.Sprintf(" %q", lost)
		}
		if a, b := view(cs), view(shuffled); a != b {
			t.Fatalf("%s\nin another order\n%s", a, b)
		}
	})
}

func TestDecisionEqualsTheSlowOneWrittenFromTheRFC(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cs, cfg := candidates(9).Draw(t, "cs"), configs().Draw(t, "cfg")
		wantBest, wantStep, wantLost, wantPaths := slowDecision(cs, cfg)
		best, step := Best(cs, cfg)
		if best != wantBest || step != wantStep {
			t.Fatalf("Best: got %d by %q, want %d by %q", best, step, wantBest, wantStep)
		}
		lost := map[int]Step{}
		for _, l := range Explain(cs, cfg) {
			lost[l.Index] = l.Step
		}
		if fmt.Sprint(lost) != fmt.Sprint(wantLost) {
			t.Fatalf("Explain: got %v, want %v", lost, wantLost)
		}
		paths, step := Multipath(cs, cfg, nil)
		if !slices.Equal(paths, wantPaths) || step != wantStep {
			t.Fatalf("Multipath: got %v by %q, want %v by %q", paths, step, wantPaths, wantStep)
		}
	})
}

// slowDecision follows the text of RFC 4271 section 9.1.2.2 and RFC 4456 section 9 literally: a set of routes that are
// under consideration, and for each step a comparison of every route with every other that removes the worse one. It
// knows nothing of the tricks of decision.go.
func slowDecision(cs []Candidate, cfg Config) (best int, step Step, lost map[int]Step, paths []int) {
	considered := map[int]bool{}
	for i := range cs {
		considered[i] = true
	}
	lost = map[int]Step{}
	step = StepOnly
	remove := func(s Step, worse func(m, n Candidate) bool) {
		var gone []int
		for m := range considered {
			for n := range considered {
				if worse(cs[m], cs[n]) {
					gone = append(gone, m)
					break
				}
			}
		}
		for _, m := range gone {
			delete(considered, m)
			lost[m], step = s, s
		}
	}
	preference := func(c Candidate) int {
		if !c.Attrs.HasLocalPref {
			return 100
		}
		return int(c.Attrs.LocalPref)
	}
	from := func(c Candidate) ASN {
		switch {
		case c.From == EBGP:
			return c.NeighborAS
		case len(c.Attrs.Path) > 0:
			return c.Attrs.Path[0]
		}
		return 0 // the local AS
	}
	metric := func(c Candidate) int {
		switch {
		case c.Attrs.HasMED:
			return int(c.Attrs.MED)
		case cfg.MissingMEDWorst:
			return math.MaxUint32
		}
		return 0
	}
	identifier := func(c Candidate) netip.Addr {
		if c.Attrs.OriginatorID.IsValid() {
			return c.Attrs.OriginatorID
		}
		return c.RouterID
	}
	if cfg.UseWeight {
		remove(StepWeight, func(m, n Candidate) bool { return m.Attrs.Weight < n.Attrs.Weight })
	}
	remove(StepLocalPref, func(m, n Candidate) bool { return preference(m) < preference(n) })
	remove(StepLocalOrigin, func(m, n Candidate) bool { return m.From != Local && n.From == Local })
	remove(StepPathLength, func(m, n Candidate) bool { return len(m.Attrs.Path) > len(n.Attrs.Path) })
	remove(StepOrigin, func(m, n Candidate) bool { return m.Attrs.Origin > n.Attrs.Origin })
	remove(StepMED, func(m, n Candidate) bool {
		return (cfg.CompareMEDAlways || from(m) == from(n)) && metric(n) < metric(m)
	})
	remove(StepEBGP, func(m, n Candidate) bool { return m.From == IBGP && n.From == EBGP })
	if !cfg.IgnoreIGPCost {
		remove(StepIGPCost, func(m, n Candidate) bool { return m.IGPCost > n.IGPCost })
	}
	var tied []int
	for i := range cs {
		if considered[i] {
			tied = append(tied, i)
		}
	}
	breakTies := func() int {
		if cfg.PreferOldest {
			remove(StepOldest, func(m, n Candidate) bool { return m.From == EBGP && n.From == EBGP && m.Age > n.Age })
		}
		remove(StepRouterID, func(m, n Candidate) bool { return identifier(n).Less(identifier(m)) })
		remove(StepClusterList, func(m, n Candidate) bool { return len(m.Attrs.ClusterList) > len(n.Attrs.ClusterList) })
		remove(StepPeerAddr, func(m, n Candidate) bool { return n.PeerAddr.Less(m.PeerAddr) })
		remove(StepSession, func(m, n Candidate) bool { return m.Session > n.Session })
		for i := range considered {
			return i
		}
		return -1
	}
	best = breakTies()
	result, bestStep := map[int]Step{}, step
	for i, s := range lost {
		result[i] = s
	}
	// The others that tie, each the best of what is left without those before it.
	paths = []int{best}
	left := slices.DeleteFunc(slices.Clone(tied), func(i int) bool { return i == best })
	for len(left) > 0 && len(paths) < cfg.Multipath && (!cfg.MultipathEBGPOnly || cs[best].From == EBGP) {
		clear(considered)
		for _, i := range left {
			considered[i] = true
		}
		next := breakTies()
		left = slices.DeleteFunc(left, func(i int) bool { return i == next })
		if cfg.MultipathRelax || slices.Equal(cs[next].Attrs.Path, cs[best].Attrs.Path) {
			paths = append(paths, next)
		}
	}
	return best, bestStep, result, paths
}

// sixteen are candidates that hold out to the last steps.
func sixteen() []Candidate {
	cs := make([]Candidate, 16)
	for i := range cs {
		cs[i] = ebgp(int32(i), func(c *Candidate, a *Attrs) {
			c.RouterID = netip.AddrFrom4([4]byte{192, 0, 2, byte(16 - i/2)})
			a.MED, a.HasMED, c.NeighborAS = uint32(i%2), true, ASN(64500+i/4)
		})
	}
	return cs
}

func TestSixteenCandidatesAreDecidedWithoutAllocation(t *testing.T) {
	cs, dst := sixteen(), make([]int, 0, 16)
	if n := testing.AllocsPerRun(100, func() { Best(cs, Config{}) }); n != 0 {
		t.Errorf("Best allocates %v times", n)
	}
	cfg := Config{Multipath: 8, MultipathRelax: true, UseWeight: true, PreferOldest: true}
	if n := testing.AllocsPerRun(100, func() { dst, _ = Multipath(cs, cfg, dst[:0]) }); n != 0 {
		t.Errorf("Multipath allocates %v times", n)
	}
}

func TestStepsHaveWordsCodesAndSources(t *testing.T) {
	seen := map[string]bool{}
	for s := StepNone; s <= StepSession; s++ {
		code, err := s.MarshalText()
		if err != nil || s.String() == "" || s.Source() == "" || seen[string(code)] {
			t.Errorf("step %d: code %q (%v), words %q, source %q", s, code, err, s, s.Source())
		}
		seen[string(code)] = true
		var back Step
		if err := back.UnmarshalText(code); err != nil || back != s {
			t.Errorf("%s reads back as %v (%v)", code, back, err)
		}
	}
	beyond := StepSession + 1
	if _, err := beyond.MarshalText(); err == nil {
		t.Error("a step that does not exist has a code")
	}
	if err := new(Step).UnmarshalText([]byte("luck")); err == nil {
		t.Error("luck is a step")
	}
}

func BenchmarkBest16(b *testing.B) {
	cs := sixteen()
	b.ReportAllocs()
	for b.Loop() {
		Best(cs, Config{})
	}
}

func BenchmarkBest2(b *testing.B) {
	cs := sixteen()[:2]
	b.ReportAllocs()
	for b.Loop() {
		Best(cs, Config{UseWeight: true, PreferOldest: true})
	}
}

func BenchmarkMultipath16(b *testing.B) {
	cs, dst := sixteen(), make([]int, 0, 16)
	b.ReportAllocs()
	for b.Loop() {
		dst, _ = Multipath(cs, Config{Multipath: 8, MultipathRelax: true}, dst[:0])
	}
}

// BenchmarkBestPath decides every prefix of a table of ten thousand with four paths each anew, as a speaker does when something that
// all depends on has changed: an operation is one prefix.
func BenchmarkBestPath(b *testing.B) {
	s, err := NewSpeaker(SpeakerConfig{AS: 65000, RouterID: ip("10.0.0.1")})
	if err != nil {
		b.Fatal(err)
	}
	var four [4]*neighbor
	for i := range four {
		id, err := s.AddNeighbor(0, NeighborConfig{Addr: netip.AddrFrom4([4]byte{10, 0, 1, byte(i)}), LocalAddr: ip("10.0.1.9"), AS: ASN(65001 + i)})
		if err != nil {
			b.Fatal(err)
		}
		four[i] = s.neighbors[id]
		four[i].peerID = four[i].cfg.Addr
	}
	heads := make([]*route, 10_000)
	for k := range heads {
		for i, n := range four {
			a := Attrs{NextHop: n.cfg.Addr, Path: Path{n.cfg.AS, ASN(100 + k%50), 200}, MED: uint32(k % 3), HasMED: true} //nolint:gosec // small numbers
			if (k+i)%4 != 0 {
				a.Path = append(a.Path, 300)
			}
			if k%5 == 0 {
				a.Path = Path{n.cfg.AS, 200} // all four tie until the router ID
			}
			heads[k] = &route{attrs: s.pool.Intern(a), from: n, age: uint64(k), next: heads[k]} //nolint:gosec // small numbers
		}
		heads[k] = s.decide(netip.Prefix{}, heads[k])
	}
	b.ReportAllocs()
	k := 0
	for b.Loop() {
		heads[k] = s.decide(netip.Prefix{}, heads[k])
		if k++; k == len(heads) {
			k = 0
		}
	}
}

func TestMEDsOfManyRoutesAreThoseOfFew(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cs := candidates(12).Draw(t, "candidates")
		cfg := Config{CompareMEDAlways: rapid.Bool().Draw(t, "always"), MissingMEDWorst: rapid.Bool().Draw(t, "worst")}
		want := keepMED(cs, &cfg, all(nil, len(cs)), nil)
		if got := keepMEDOfMany(cs, &cfg, all(nil, len(cs)), nil); !slices.Equal(got, want) {
			t.Fatalf("%v, want %v", got, want)
		}
	})
}

// The pass that the speakers and the prover run is compared with the steps as the RFC tells them.
func TestOnePassLeavesWhatStepByStepLeaves(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cs := candidates(6).Draw(t, "candidates")
		cfg := Config{UseWeight: rapid.Bool().Draw(t, "weight"), IgnoreIGPCost: rapid.Bool().Draw(t, "cost"), CompareMEDAlways: rapid.Bool().Draw(t, "always"), MissingMEDWorst: rapid.Bool().Draw(t, "worst")}
		want, wantLast := narrow(cs, &cfg, all(nil, len(cs)), nil)
		got, gotLast := contenders(cs, &cfg, nil)
		slices.Sort(got)
		if !slices.Equal(got, want) || gotLast != wantLast {
			t.Fatalf("%v after %s, want %v after %s", got, gotLast, want, wantLast)
		}
	})
}
