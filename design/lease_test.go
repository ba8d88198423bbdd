package design

import (
	"errors"
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func pfx(s string) netip.Prefix { return netip.MustParsePrefix(s) }

func prefixes(list ...string) []netip.Prefix {
	var out []netip.Prefix
	for _, s := range list {
		out = append(out, pfx(s))
	}
	return out
}

func TestALeaseGivesTheLowestFreePlaceOfTheFirstPool(t *testing.T) {
	l := NewLease(prefixes("10.64.0.0/16", "10.80.0.0/16"), prefixes("10.64.0.0/20"))
	for _, step := range []struct {
		name string
		bits int
		want string
	}{
		{"a", 22, "10.64.16.0/22"},
		{"b", 22, "10.64.20.0/22"},
		{"a", 22, "10.64.16.0/22"}, // asking again moves nobody
		{"c", 17, "10.64.128.0/17"},
		{"d", 17, "10.80.0.0/17"},
		{"e", 30, "10.64.24.0/30"},
	} {
		got, err := l.Take(step.name, step.bits, false)
		if err != nil || got.String() != step.want {
			t.Errorf("%s /%d: got %s, %v; want %s", step.name, step.bits, got, err, step.want)
		}
	}
	if want := []string{"a", "b", "c", "d", "e"}; !slices.Equal(l.Holders(), want) {
		t.Errorf("holders %v", l.Holders())
	}
}

func TestALeaseSaysWhatItCannotGive(t *testing.T) {
	l := NewLease(prefixes("192.0.2.0/29"), nil)
	var exhausted *ExhaustedError
	if _, err := l.Take("wide", 24, false); !errors.As(err, &exhausted) || exhausted.Error() != "no free /24 for wide in [192.0.2.0/29]" {
		t.Errorf("got %v", err)
	}
	if _, err := l.Take("six", 64, true); !errors.As(err, &exhausted) || exhausted.Error() != "no pool of this address family to take a /64 for six from" {
		t.Errorf("got %v", err)
	}
	if err := l.Keep("a", pfx("192.0.2.0/30")); err != nil {
		t.Fatal(err)
	}
	var conflict *ConflictError
	if err := l.Keep("b", pfx("192.0.2.0/31")); !errors.As(err, &conflict) || conflict.Error() != "b cannot keep 192.0.2.0/31: it overlaps what a holds" {
		t.Errorf("got %v", err)
	}
	l = NewLease(nil, prefixes("192.0.2.0/24"))
	if err := l.Keep("b", pfx("192.0.2.0/31")); !errors.As(err, &conflict) || conflict.Error() != "b cannot keep 192.0.2.0/31: it overlaps a prefix that is in use elsewhere" {
		t.Errorf("got %v", err)
	}
}

func TestNoTwoLeasesOverlapAndKeepingThemAllKeepsThemAll(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pools := prefixes("10.0.0.0/20", "172.16.0.0/22", "2001:db8::/48")
		taken := prefixes("10.0.0.64/26")
		l := NewLease(pools, taken)
		given := map[string]netip.Prefix{}
		var order []string
		for range rapid.IntRange(1, 30).Draw(t, "requests") {
			name := rapid.StringMatching(`[a-f]{1,2}`).Draw(t, "name")
			six := rapid.Bool().Draw(t, "six")
			bits := rapid.IntRange(22, 30).Draw(t, "bits")
			if six {
				bits = rapid.IntRange(56, 64).Draw(t, "bits6")
			}
			p, err := l.Take(name, bits, six)
			if err != nil {
				continue
			}
			if old, ok := given[name]; ok && old != p {
				t.Fatalf("%s moved from %s to %s", name, old, p)
			}
			for other, q := range given {
				if other != name && q.Overlaps(p) {
					t.Fatalf("%s of %s overlaps %s of %s", p, name, q, other)
				}
			}
			if !slices.ContainsFunc(pools, func(x netip.Prefix) bool { return x.Bits() <= p.Bits() && x.Contains(p.Addr()) }) || taken[0].Overlaps(p) {
				t.Fatalf("%s is not free in a pool", p)
			}
			given[name] = p
			order = append(order, name)
		}
		again := NewLease(pools, taken)
		for name, p := range given { // in any order
			if err := again.Keep(name, p); err != nil {
				t.Fatal(err)
			}
		}
		for _, name := range order {
			if p, err := again.Take(name, 30, given[name].Addr().Is6()); err != nil || p != given[name] {
				t.Fatalf("%s had %s and got %s (%v)", name, given[name], p, err)
			}
		}
	})
}

func TestACarveCutsFromBothEnds(t *testing.T) {
	c := NewCarve(prefixes("10.20.0.0/22", "2001:db8::/63"))
	if !c.Keep(pfx("10.20.0.0/25")) || c.Keep(pfx("10.20.0.64/26")) || c.Keep(pfx("10.21.0.0/25")) {
		t.Error("kept subnets must lie inside and free")
	}
	for _, step := range []struct {
		name string
		got  func() (netip.Prefix, bool)
		want string
	}{
		{"the lowest free", func() (netip.Prefix, bool) { return c.Bottom(25, false) }, "10.20.0.128/25"},
		{"the highest", func() (netip.Prefix, bool) { return c.Top(27, false) }, "10.20.3.224/27"},
		{"the next highest, aligned", func() (netip.Prefix, bool) { return c.Top(26, false) }, "10.20.3.128/26"},
		{"IPv6 from its own prefix", func() (netip.Prefix, bool) { return c.Bottom(64, true) }, "2001:db8::/64"},
		{"IPv6 from the top", func() (netip.Prefix, bool) { return c.Top(64, true) }, "2001:db8:0:1::/64"},
	} {
		if p, ok := step.got(); !ok || p.String() != step.want {
			t.Errorf("%s: got %s, %v; want %s", step.name, p, ok, step.want)
		}
	}
	if p, ok := c.Bottom(64, true); ok {
		t.Errorf("nothing is left, yet it gave %s", p)
	}
}

func TestAVLANIsGivenOnceOnATrunk(t *testing.T) {
	v := NewVLANPlan()
	take := func(trunk, name string, want int) {
		t.Helper()
		if id, err := v.Take(trunk, name); err != nil || id != want {
			t.Errorf("%s on %s: got %d, %v; want %d", name, trunk, id, err, want)
		}
	}
	if !v.Keep("a", "old", 101) || v.Keep("a", "other", 101) || v.Keep("a", "low", 0) || v.Keep("a", "high", 4095) {
		t.Error("an id is kept once, and must be one")
	}
	take("a", "x", 100)
	take("a", "y", 102)
	take("a", "old", 101)
	take("a", "x", 100)
	take("b", "x", 100)
	for i := range 4094 - 102 {
		if _, err := v.Take("a", string(rune('A'+i%26))+string(rune('a'+i/26%26))+string(rune('a'+i/676))); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := v.Take("a", "one too many"); err == nil || err.Error() != "no free VLAN id from 100 to 4094 on a for one too many" {
		t.Errorf("got %v", err)
	}
}

func TestPrefixesSortByFamilyAddressAndLength(t *testing.T) {
	list := prefixes("2001:db8::/32", "10.0.0.0/16", "10.0.0.0/8", "9.0.0.0/8")
	slices.SortFunc(list, ComparePrefixes)
	if want := prefixes("9.0.0.0/8", "10.0.0.0/8", "10.0.0.0/16", "2001:db8::/32"); !slices.Equal(list, want) {
		t.Errorf("got %v", list)
	}
}
