package bgp

import (
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// attrs draws attributes from few values, so that equal ones come up, with empty and nil lists and communities in any
// order. Every field takes part.
func attrs() *rapid.Generator[Attrs] {
	return rapid.Custom(func(t *rapid.T) Attrs {
		address := rapid.SampledFrom([]netip.Addr{{}, addr("192.0.2.1"), addr("::ffff:192.0.2.1"), addr("2001:db8::1"), addr("fe80::1%a"), addr("fe80::1%ab")})
		return Attrs{
			Path:    Path(rapid.SliceOfN(rapid.SampledFrom([]ASN{1, 256, 64500}), 0, 2).Draw(t, "path")),
			Origin:  Origin(rapid.IntRange(0, 2).Draw(t, "origin")),
			NextHop: address.Draw(t, "nextHop"),
			MED:     rapid.Uint32Range(0, 1).Draw(t, "med"), HasMED: rapid.Bool().Draw(t, "hasMED"),
			LocalPref: rapid.Uint32Range(0, 1).Draw(t, "localPref"), HasLocalPref: rapid.Bool().Draw(t, "hasLocalPref"),
			Communities:  rapid.SliceOfN(rapid.SampledFrom([]Community{1, 2, NoExport}), 0, 3).Draw(t, "communities"),
			Weight:       rapid.Uint32Range(0, 1).Draw(t, "weight"),
			OriginatorID: address.Draw(t, "originator"),
			ClusterList:  rapid.SliceOfN(address, 0, 2).Draw(t, "clusters"),

			NextHopLocal:     address.Draw(t, "nextHopLocal"),
			ExtCommunities:   rapid.SliceOfN(rapid.SampledFrom([]ExtCommunity{1, 256}), 0, 2).Draw(t, "ext"),
			LargeCommunities: rapid.SliceOfN(rapid.SampledFrom([]LargeCommunity{{1, 2, 3}, {0, 0, 256}}), 0, 2).Draw(t, "large"),
			Rest: rapid.SampledFrom([]*Rest{nil, {}, {AtomicAggregate: true}, {AggregatorAS: 1}, {AggregatorAS: 1, Aggregator: addr("192.0.2.1")},
				{Unknown: []UnknownAttr{{99, ""}}}, {Unknown: []UnknownAttr{{99, "\x00"}}}, {Unknown: []UnknownAttr{{99, ""}, {0, ""}}}}).Draw(t, "rest"),
		}
	})
}

// sorted puts the communities of all kinds in order.
func sorted(a *Attrs) Attrs {
	b := a.WithCommunities(a.Communities...)
	b = b.WithExtCommunities(b.ExtCommunities...)
	return b.WithLargeCommunities(b.LargeCommunities...)
}

func TestInternedPointersAreEqualExactlyWhenTheContentIs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.SliceOfN(attrs(), 2, 12).Draw(t, "attrs")
		pool := NewPool()
		got := make([]*Attrs, len(list))
		for i, a := range list {
			got[i] = pool.Intern(a)
		}
		distinct := 0
		for i := range list {
			isNew := true
			x := sorted(&list[i])
			if !got[i].Equal(&x) {
				t.Fatalf("%+v was interned as %+v", x, *got[i])
			}
			for j := range i {
				y := sorted(&list[j])
				if (got[i] == got[j]) != x.Equal(&y) {
					t.Fatalf("%+v and %+v: same pointer %v, equal %v", x, y, got[i] == got[j], x.Equal(&y))
				}
				isNew = isNew && !x.Equal(&y)
			}
			if isNew {
				distinct++
			}
		}
		if pool.Len() != distinct {
			t.Fatalf("the pool holds %d, want %d", pool.Len(), distinct)
		}
		if again := pool.Intern(*got[0]); again != got[0] {
			t.Fatal("what was interned has another pointer the second time")
		}
	})
}

func TestAttributesThatDifferInOnePlaceAreInternedApart(t *testing.T) {
	id := func(s ...string) (list []netip.Addr) {
		for _, x := range s {
			list = append(list, addr(x))
		}
		return list
	}
	pool := NewPool()
	seen := map[*Attrs]Attrs{}
	for _, a := range []Attrs{
		{},
		{Origin: OriginEGP}, {Weight: 1}, {HasMED: true}, {HasMED: true, MED: 1}, {HasLocalPref: true}, {HasLocalPref: true, LocalPref: 1},
		{HasMED: true, HasLocalPref: true},
		{NextHop: addr("192.0.2.1")}, {OriginatorID: addr("192.0.2.1")}, {ClusterList: id("192.0.2.1")}, {ClusterList: id("192.0.2.1", "192.0.2.1")},
		{NextHop: addr("::ffff:192.0.2.1")}, {NextHop: addr("fe80::1")}, {NextHop: addr("fe80::1%a")}, {NextHop: addr("fe80::1%b")},
		{Path: Path{1}}, {Path: Path{1, 1}}, {Communities: []Community{1}},
		{NextHopLocal: addr("fe80::1")}, {ExtCommunities: []ExtCommunity{1}}, {ExtCommunities: []ExtCommunity{2}},
		{LargeCommunities: []LargeCommunity{{1, 2, 3}}}, {LargeCommunities: []LargeCommunity{{1, 2, 4}}},
		{Rest: &Rest{AtomicAggregate: true}}, {Rest: &Rest{AggregatorAS: 1, Aggregator: addr("192.0.2.1")}},
		{Rest: &Rest{AggregatorAS: 2, Aggregator: addr("192.0.2.1")}}, {Rest: &Rest{Unknown: []UnknownAttr{{99, ""}}}},
		{Rest: &Rest{Unknown: []UnknownAttr{{99, "\x00"}}}}, {Rest: &Rest{Unknown: []UnknownAttr{{98, ""}}}},
		{Path: Path{0x01000002}}, {Communities: []Community{0x00000200}}, // alike if the path's length were not in the key
	} {
		p := pool.Intern(a)
		if other, ok := seen[p]; ok {
			t.Errorf("%+v and %+v are one", a, other)
		}
		seen[p] = a
	}
}

func TestInterningKeepsNothingOfTheCallers(t *testing.T) {
	path, communities, clusters := Path{64500, 64501}, []Community{2, 1}, []netip.Addr{addr("192.0.2.1")}
	pool := NewPool()
	a := pool.Intern(Attrs{Path: path, Communities: communities, ClusterList: clusters})
	path[0], communities[0], clusters[0] = 1, 9, addr("192.0.2.9")
	ext, large, rest := []ExtCommunity{1}, []LargeCommunity{{1, 2, 3}}, &Rest{Unknown: []UnknownAttr{{99, "x"}}}
	b := pool.Intern(Attrs{ExtCommunities: ext, LargeCommunities: large, Rest: rest})
	ext[0], large[0], rest.Unknown[0], rest.AtomicAggregate = 9, LargeCommunity{}, UnknownAttr{}, true
	if b.ExtCommunities[0] != 1 || b.LargeCommunities[0].Global != 1 || b.Rest.Unknown[0].Type != 99 || b.Rest.AtomicAggregate {
		t.Errorf("the interned attributes became %+v", *b)
	}
	if a.Path[0] != 64500 || !slices.Equal(a.Communities, []Community{1, 2}) || a.ClusterList[0] != addr("192.0.2.1") {
		t.Errorf("the interned attributes became %+v", *a)
	}
	if cap(a.Path) != len(a.Path) {
		t.Error("an append to the interned path could write into it")
	}
}

func TestInterningWhatIsKnownAllocatesNothing(t *testing.T) {
	pool := NewPool()
	a := Attrs{Path: Path{12076, 65010}, NextHop: addr("172.16.0.2"), Communities: []Community{1, 2}, ClusterList: []netip.Addr{addr("192.0.2.1")},
		ExtCommunities: []ExtCommunity{1, 2}, LargeCommunities: []LargeCommunity{{1, 2, 3}}, Rest: &Rest{AtomicAggregate: true, Unknown: []UnknownAttr{{99, "x"}}}}
	pool.Intern(a)
	if n := testing.AllocsPerRun(100, func() { pool.Intern(a) }); n != 0 {
		t.Errorf("a hit allocates %v times", n)
	}
}

func TestASweptPoolKeepsOnlyWhatLives(t *testing.T) {
	pool := NewPool()
	a, b, c := pool.Intern(Attrs{Path: Path{1}}), pool.Intern(Attrs{Path: Path{2}}), pool.Intern(Attrs{Path: Path{3}})
	stranger := &Attrs{Path: Path{2}}
	pool.Sweep(slices.Values([]*Attrs{c, a, a, stranger}))
	if pool.Len() != 2 || pool.Intern(*a) != a || pool.Intern(*c) != c {
		t.Errorf("the pool holds %d", pool.Len())
	}
	if again := pool.Intern(*b); again == b || again == stranger || !again.Equal(b) {
		t.Error("what died is still there")
	}
	pool.Sweep(slices.Values([]*Attrs(nil)))
	if pool.Len() != 0 {
		t.Errorf("an empty pool holds %d", pool.Len())
	}
}

func TestEqualSeesEveryFieldAndNoAbsentValue(t *testing.T) {
	base := Attrs{Path: Path{1}, MED: 5, LocalPref: 7}
	for name, other := range map[string]Attrs{
		"path": base.WithPath(Path{2}), "origin": base.WithOrigin(OriginEGP), "next hop": base.WithNextHop(addr("192.0.2.1")),
		"med": base.WithMED(5), "local preference": base.WithLocalPref(7), "weight": base.WithWeight(1),
		"communities": base.WithCommunities(1), "originator": {Path: Path{1}, OriginatorID: addr("192.0.2.1")},
		"clusters": {Path: Path{1}, ClusterList: []netip.Addr{addr("192.0.2.1")}}, "link-local next hop": base.WithNextHops(netip.Addr{}, addr("fe80::1")),
		"extended communities": base.WithExtCommunities(1), "large communities": base.WithLargeCommunities(LargeCommunity{}),
		"rest": {Path: Path{1}, Rest: &Rest{AtomicAggregate: true}},
	} {
		if base.Equal(&other) || other.Equal(&base) {
			t.Errorf("a different %s is equal", name)
		}
	}
	absent := Attrs{Path: Path{1}, MED: 6, LocalPref: 8, Communities: []Community{}, ExtCommunities: []ExtCommunity{}, Rest: &Rest{AggregatorAS: 1}}
	if !base.Equal(&absent) {
		t.Error("values without their flags tell attributes apart")
	}
	if base.Equal(nil) || !(*Attrs)(nil).Equal(nil) {
		t.Error("nil is equal only to nil")
	}
}

func TestWithLeavesTheOriginalAlone(t *testing.T) {
	a := &Attrs{Path: Path{1, 2}, MED: 3, HasMED: true, LocalPref: 4, HasLocalPref: true, Communities: []Community{10, 20}}
	before, list := *a, slices.Clone(a.Communities)
	unsorted := []Community{30, 10, 30}
	for _, x := range []struct {
		name string
		got  Attrs
		want []Community
	}{
		{"added", a.AddCommunities(15, 10, 15), []Community{10, 15, 20}},
		{"added what is there", a.AddCommunities(10), []Community{10, 20}},
		{"removed", a.RemoveCommunities(10, 99), []Community{20}},
		{"removed what is not there", a.RemoveCommunities(99), []Community{10, 20}},
		{"replaced, sorted and without duplicates", a.WithCommunities(unsorted...), []Community{10, 30}},
		{"replaced by none", a.WithCommunities(), nil},
	} {
		if !slices.Equal(x.got.Communities, x.want) {
			t.Errorf("%s: got %v, want %v", x.name, x.got.Communities, x.want)
		}
	}
	if !slices.Equal(unsorted, []Community{30, 10, 30}) {
		t.Error("the caller's list was sorted")
	}
	if b := a.WithoutMED(); b.HasMED || b.MED != 0 {
		t.Error("the MED is still there")
	}
	if b := a.WithoutLocalPref(); b.HasLocalPref || b.EffectiveLocalPref() != DefaultLocalPref {
		t.Error("the local preference is still there")
	}
	if b := a.WithLocalPref(0); b.EffectiveLocalPref() != 0 {
		t.Error("a local preference of 0 is not 0")
	}
	if !a.Equal(&before) || !slices.Equal(a.Communities, list) {
		t.Errorf("the original became %+v", *a)
	}
}

func TestOriginsReadBackAsTheyPrint(t *testing.T) {
	for o, letter := range map[Origin]string{OriginIGP: "i", OriginEGP: "e", OriginIncomplete: "?"} {
		text, err := o.MarshalText()
		var back Origin
		if err != nil || string(text) != letter || o.String() != letter || back.UnmarshalText(text) != nil || back != o {
			t.Errorf("origin %d prints %q (%v) and reads back as %d", o, text, err, back)
		}
	}
	if _, err := Origin(3).MarshalText(); err == nil {
		t.Error("origin 3 has a letter")
	}
	if new(Origin).UnmarshalText([]byte("x")) == nil {
		t.Error("x is an origin")
	}
}

func BenchmarkIntern(b *testing.B) {
	pool := NewPool()
	a := Attrs{Path: Path{12076, 65010, 65010}, NextHop: addr("172.16.0.2"), Communities: []Community{1, 2, 3}}
	b.Run("hit", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			pool.Intern(a)
		}
	})
	b.Run("miss", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			a.MED, a.HasMED = a.MED+1, true
			pool.Intern(a)
		}
	})
}
