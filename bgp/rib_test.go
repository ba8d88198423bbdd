package bgp

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestAdjRIBInCountsAgainstTheLimitOfEachFamily(t *testing.T) {
	peer := Peer{Type: EBGP, AS: 65010, Addr: addr("172.16.0.1")}
	r := NewAdjRIBIn(peer, Limit{Max: 2}, Limit{Max: 1})
	for _, x := range []struct {
		name, prefix string
		withdraw     bool
		want         string
	}{
		{"the first", "10.0.0.0/16", false, ""},
		{"the other family has its own count", "2001:db8::/32", false, ""},
		{"the last that is allowed", "10.1.0.0/16", false, ""},
		{"again is not one more", "10.1.0.0/16", false, ""},
		{"one too many", "10.2.0.0/16", false, "10.2.0.0/16 is prefix 3 of IPv4 from 172.16.0.1 (AS 65010), which may announce 2: the session goes down (RFC 4271 section 6.7)"},
		{"a withdrawal makes room", "10.0.0.0/16", true, ""},
		{"and an update passes again", "10.2.0.0/16", false, ""},
		{"one too many of the other family", "2001:db8:1::/48", false, "2001:db8:1::/48 is prefix 2 of IPv6 from 172.16.0.1 (AS 65010), which may announce 1: the session goes down (RFC 4271 section 6.7)"},
	} {
		got := ""
		if x.withdraw {
			if !r.Withdraw(pfx(x.prefix)) {
				t.Errorf("%s: %s was not there", x.name, x.prefix)
			}
		} else if e := r.Update(pfx(x.prefix), &Attrs{}); e != nil {
			got = e.Error()
		}
		if got != x.want {
			t.Errorf("%s: got %q, want %q", x.name, got, x.want)
		}
	}
	if r.Withdraw(pfx("192.0.2.0/24")) {
		t.Error("something was withdrawn that was never there")
	}
	var all []string
	for route := range r.All() {
		if route.Peer != peer {
			t.Errorf("%s is from %v", route.Prefix, route.Peer)
		}
		all = append(all, route.Prefix.String())
	}
	if want := []string{"10.1.0.0/16", "10.2.0.0/16", "2001:db8::/32", "2001:db8:1::/48"}; !slices.Equal(all, want) || r.Len() != 4 {
		t.Errorf("got %d: %v, want %v", r.Len(), all, want)
	}
	if _, ok := r.Get(pfx("10.0.0.0/16")); ok {
		t.Error("what was withdrawn is still there")
	}
	for i := range 1000 {
		if e := NewAdjRIBIn(peer, Limit{}, Limit{}).Update(netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 0}), 24), &Attrs{}); e != nil {
			t.Fatal("a limit of 0 limits")
		}
	}
}

func TestLocRIBTellsWhetherTheRoutesInUseChanged(t *testing.T) {
	r := NewLocRIB(Config{Multipath: 2})
	p := pfx("10.0.0.0/16")
	longer := func(c *Candidate, a *Attrs) { a.Path = Path{64500, 64500, 64501} }
	for _, x := range []struct {
		name    string
		do      func() bool
		changed bool
		best    int32
		paths   int
		step    Step
	}{
		{"the first route", func() bool { return r.Update(p, ebgp(5, asIs)) }, true, 5, 1, StepOnly},
		{"the same again", func() bool { return r.Update(p, ebgp(5, asIs)) }, false, 5, 1, StepOnly},
		{"a worse one", func() bool { return r.Update(p, ebgp(3, longer)) }, false, 5, 1, StepPathLength},
		{"an equal one", func() bool { return r.Update(p, ebgp(7, asIs)) }, true, 5, 2, StepSession},
		{"new attributes for one in use", func() bool {
			return r.Update(p, ebgp(7, func(_ *Candidate, a *Attrs) { a.Communities = []Community{1} }))
		}, true, 5, 2, StepSession},
		{"the best gets worse", func() bool { return r.Update(p, ebgp(5, longer)) }, true, 7, 1, StepPathLength},
		{"one not in use goes", func() bool { return r.Withdraw(p, 3) }, false, 7, 1, StepPathLength},
		{"one that is not there goes", func() bool { return r.Withdraw(p, 99) }, false, 7, 1, StepPathLength},
		{"the best goes", func() bool { return r.Withdraw(p, 7) }, true, 5, 1, StepOnly},
	} {
		if got := x.do(); got != x.changed {
			t.Fatalf("%s: changed %v", x.name, got)
		}
		e := r.Get(p)
		if e.Best().Session != x.best || len(e.Paths) != x.paths || e.Step != x.step {
			t.Fatalf("%s: session %d, %d paths by %q", x.name, e.Best().Session, len(e.Paths), e.Step)
		}
	}
	if !r.Withdraw(p, 5) || r.Get(p) != nil || r.Len() != 0 || r.Withdraw(p, 5) {
		t.Error("the last route did not take the prefix with it")
	}
}

func TestLocRIBDropsASession(t *testing.T) {
	r := NewLocRIB(Config{})
	better := func(c *Candidate, _ *Attrs) { c.RouterID = addr("192.0.2.0") }
	r.Update(pfx("10.2.0.0/16"), ebgp(1, asIs))
	r.Update(pfx("10.1.0.0/16"), ebgp(1, better))
	r.Update(pfx("10.1.0.0/16"), ebgp(2, asIs))
	r.Update(pfx("10.0.0.0/16"), ebgp(1, asIs))
	r.Update(pfx("10.0.0.0/16"), ebgp(2, better))
	if got := fmt.Sprint(r.Drop(1)); got != "[10.1.0.0/16 10.2.0.0/16]" {
		t.Errorf("changed: %s", got)
	}
	var left []string
	for p, e := range r.All() {
		left = append(left, fmt.Sprint(p, " by ", e.Best().Session, " of ", len(e.Candidates)))
	}
	if want := []string{"10.0.0.0/16 by 2 of 1", "10.1.0.0/16 by 2 of 1"}; !slices.Equal(left, want) {
		t.Errorf("got %v, want %v", left, want)
	}
}

func TestLookupFindsTheLongestPrefix(t *testing.T) {
	r := NewLocRIB(Config{})
	for i, p := range []string{"0.0.0.0/0", "10.0.0.0/8", "10.1.0.0/16", "2001:db8::/32"} {
		r.Update(pfx(p), ebgp(int32(i), asIs))
	}
	for a, want := range map[string]string{"10.1.2.3": "10.1.0.0/16", "10.2.2.3": "10.0.0.0/8", "192.0.2.1": "0.0.0.0/0", "2001:db8::1": "2001:db8::/32"} {
		if p, e := r.Lookup(addr(a)); p != pfx(want) || e != r.Get(pfx(want)) {
			t.Errorf("%s: got %s, want %s", a, p, want)
		}
	}
	for _, a := range []netip.Addr{addr("2001:db9::1"), {}} {
		if p, e := r.Lookup(a); e != nil {
			t.Errorf("%s: got %s", a, p)
		}
	}
}

func TestAdjRIBOutSaysNothingTwice(t *testing.T) {
	r := NewAdjRIBOut()
	p := pfx("10.0.0.0/16")
	for i, x := range []struct {
		a    *Attrs // nil to withdraw
		send bool
	}{
		{nil, false},
		{&Attrs{Path: Path{1}}, true},
		{&Attrs{Path: Path{1}}, false},
		{&Attrs{Path: Path{1, 1}}, true},
		{nil, true},
		{nil, false},
		{&Attrs{Path: Path{1, 1}}, true},
	} {
		var got bool
		if x.a == nil {
			got = r.Withdraw(p)
		} else {
			got = r.Announce(p, x.a)
		}
		if got != x.send || !r.Get(p).Equal(x.a) {
			t.Errorf("step %d: send %v, the peer holds %v", i, got, r.Get(p))
		}
	}
	s := r.Snapshot()
	r.Withdraw(p)
	if r.Len() != 0 || s.Len() != 1 {
		t.Errorf("after a withdrawal: %d, the snapshot %d", r.Len(), s.Len())
	}
	for q, a := range s.All() {
		if q != p || a != s.Get(p) {
			t.Errorf("the snapshot holds %s", q)
		}
	}
}

func TestRIBsRefusePrefixesThatNoUpdateCarries(t *testing.T) {
	for _, p := range []netip.Prefix{{}, netip.PrefixFrom(addr("10.0.0.1"), 16), netip.PrefixFrom(addr("::ffff:10.0.0.0"), 112)} {
		for name, f := range map[string]func(){
			"Adj-RIB-In":  func() { NewAdjRIBIn(Peer{}, Limit{}, Limit{}).Update(p, &Attrs{}) },
			"Loc-RIB":     func() { NewLocRIB(Config{}).Update(p, ebgp(1, asIs)) },
			"Adj-RIB-Out": func() { NewAdjRIBOut().Announce(p, &Attrs{}) },
		} {
			func() {
				defer func() {
					if recover() == nil {
						t.Errorf("%s took %v", name, p)
					}
				}()
				f()
			}()
		}
	}
}

// TestRIBsAndTheirSnapshotsEqualMaps runs random changes on tables and on maps, taking snapshots of both, and compares
// all of them at the end: a snapshot must not see what came later, nor the table what happened to a snapshot.
func TestRIBsAndTheirSnapshotsEqualMaps(t *testing.T) {
	prefixes := []netip.Prefix{pfx("0.0.0.0/0"), pfx("10.0.0.0/8"), pfx("10.0.0.0/16"), pfx("10.0.128.0/17"), pfx("10.0.128.1/32"), pfx("::/0"), pfx("2001:db8::/32")}
	type tables struct {
		loc    *LocRIB
		in     *AdjRIBIn
		oracle map[netip.Prefix]map[int32]Candidate
		flat   map[netip.Prefix]*Attrs
	}
	cfg := Config{Multipath: 3, MultipathRelax: true}
	rapid.Check(t, func(t *rapid.T) {
		all := []tables{{NewLocRIB(cfg), NewAdjRIBIn(Peer{}, Limit{}, Limit{}), map[netip.Prefix]map[int32]Candidate{}, map[netip.Prefix]*Attrs{}}}
		for range rapid.IntRange(1, 60).Draw(t, "changes") {
			x := &all[rapid.IntRange(0, len(all)-1).Draw(t, "table")]
			p, s := rapid.SampledFrom(prefixes).Draw(t, "prefix"), int32(rapid.IntRange(0, 3).Draw(t, "session"))
			switch rapid.SampledFrom([]string{"update", "update", "update", "withdraw", "drop", "snapshot"}).Draw(t, "do") {
			case "update":
				c := ebgp(s, func(c *Candidate, a *Attrs) { a.Path = a.Path.Prepend(1, rapid.IntRange(0, 1).Draw(t, "length")) })
				before := inUse(x.oracle[p], cfg)
				if x.oracle[p] == nil {
					x.oracle[p] = map[int32]Candidate{}
				}
				x.oracle[p][s] = c
				if got, want := x.loc.Update(p, c), before != inUse(x.oracle[p], cfg); got != want {
					t.Fatalf("update of %s: changed %v, want %v", p, got, want)
				}
				x.in.Update(p, c.Attrs)
				x.flat[p] = c.Attrs
			case "withdraw":
				before := inUse(x.oracle[p], cfg)
				delete(x.oracle[p], s)
				if got, want := x.loc.Withdraw(p, s), before != inUse(x.oracle[p], cfg); got != want {
					t.Fatalf("withdrawal of %s: changed %v, want %v", p, got, want)
				}
				_, was := x.flat[p]
				delete(x.flat, p)
				if got := x.in.Withdraw(p); got != was {
					t.Fatalf("withdrawal of %s: was there %v, want %v", p, got, was)
				}
			case "drop":
				var want []netip.Prefix
				for q, cs := range x.oracle {
					before := inUse(cs, cfg)
					delete(cs, s)
					if before != inUse(cs, cfg) {
						want = append(want, q)
					}
				}
				slices.SortFunc(want, netip.Prefix.Compare)
				if got := x.loc.Drop(s); !slices.Equal(got, want) {
					t.Fatalf("drop of session %d: changed %v, want %v", s, got, want)
				}
			case "snapshot":
				if len(all) < 4 {
					oracle := map[netip.Prefix]map[int32]Candidate{}
					for q, cs := range x.oracle {
						oracle[q] = maps.Clone(cs)
					}
					all = append(all, tables{x.loc.Snapshot(), x.in.Snapshot(), oracle, maps.Clone(x.flat)})
				}
			}
		}
		for i, x := range all {
			for _, p := range prefixes {
				want := inUse(x.oracle[p], cfg)
				got := ""
				if e := x.loc.Get(p); e != nil {
					for _, k := range e.Paths {
						got += fmt.Sprint(e.Candidates[k].Session, e.Candidates[k].Attrs.Path, ";")
					}
					if len(e.Candidates) != len(x.oracle[p]) {
						t.Fatalf("table %d, %s: %d candidates, want %d", i, p, len(e.Candidates), len(x.oracle[p]))
					}
				}
				if got != want {
					t.Fatalf("table %d, %s: got %q, want %q", i, p, got, want)
				}
				r, ok := x.in.Get(p)
				if a, want := x.flat[p]; ok != want || r.Attrs != a {
					t.Fatalf("table %d, %s: Adj-RIB-In has it %v, want %v", i, p, ok, want)
				}
			}
		}
	})
}

// inUse spells the routes that the decision process uses among the sessions' candidates.
func inUse(of map[int32]Candidate, cfg Config) string {
	var cs []Candidate
	for _, c := range of {
		cs = append(cs, c)
	}
	paths, _ := Multipath(cs, cfg, nil)
	s := ""
	for _, i := range paths {
		s += fmt.Sprint(cs[i].Session, cs[i].Attrs.Path, ";")
	}
	return s
}

func BenchmarkLocRIB(b *testing.B) {
	r := NewLocRIB(Config{})
	for i := range 4000 {
		r.Update(netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 0}), 24), ebgp(1, asIs))
	}
	p := pfx("10.3.7.0/24")
	b.Run("snapshot and one change", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			r.Snapshot().Update(p, ebgp(2, asIs))
		}
	})
	b.Run("lookup", func(b *testing.B) {
		b.ReportAllocs()
		a := addr("10.3.7.1")
		for b.Loop() {
			r.Lookup(a)
		}
	})
}
