package bgp

import (
	"encoding/json"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestExtendedCommunitiesReadBackAsTheyPrint(t *testing.T) {
	for text, want := range map[string]ExtCommunity{
		"rt:64512:100":       0x0002_FC00_0000_0064,
		"soo:64512:70000":    0x0003_FC00_0001_1170,
		"rt:65536:100":       0x0202_0001_0000_0064,
		"rt:0.64512:100":     0x0202_0000_FC00_0064,
		"soo:192.0.2.1:9":    0x0103_C000_0201_0009,
		"0x4004000000000064": 0x4004_0000_0000_0064,
	} {
		got, err := ParseExtCommunity(text)
		if err != nil || got != want || got.String() != text {
			t.Errorf("%s reads as %#x (%v) and prints as %s", text, uint64(got), err, got)
		}
	}
	if c, err := ParseExtCommunity("rt:1.10:5"); err != nil || c.String() != "rt:65546:5" {
		t.Errorf("asdot: got %s, %v", c, err)
	}
	for _, text := range []string{"", "rt", "rt:", "rt:64512", "rt:64512:", "rt:64512:4294967296", "rt:65536:65536", "rt:192.0.2.1:65536", "rt:2001:db8::1:1",
		"xx:64512:1", "rt:64512:1:1", "0x12", "0x000000000000000g", "rt:64512:-1", "rt:064512:1"} {
		if c, err := ParseExtCommunity(text); err == nil {
			t.Errorf("%q reads as %s", text, c)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		c := ExtCommunity(rapid.OneOf(rapid.Uint64(), rapid.Map(rapid.Uint64(), func(v uint64) uint64 {
			return v&0x0000FFFFFFFFFFFF | v>>62<<56 | (2+v>>61&1)<<48 // of a kind that has a form of its own
		})).Draw(t, "community"))
		if got, err := ParseExtCommunity(c.String()); err != nil || got != c {
			t.Fatalf("%#x prints as %s and reads as %#x (%v)", uint64(c), c, uint64(got), err)
		}
	})
}

func TestLargeCommunitiesReadBackAsTheyPrint(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := LargeCommunity{rapid.Uint32().Draw(t, "global"), rapid.Uint32().Draw(t, "one"), rapid.Uint32().Draw(t, "two")}
		if got, err := ParseLargeCommunity(c.String()); err != nil || got != c {
			t.Fatalf("%s reads as %s (%v)", c, got, err)
		}
	})
	for _, text := range []string{"", "1:2", "1:2:3:4", "1:2:4294967296", "a:b:c", "1::3", "01:2:3"} {
		if c, err := ParseLargeCommunity(text); err == nil {
			t.Errorf("RFC 8092: %q reads as %s", text, c)
		}
	}
}

func TestJSONShowsExtendedAndLargeCommunitiesAsPeopleWriteThem(t *testing.T) {
	type both struct {
		Ext   []ExtCommunity
		Large []LargeCommunity
	}
	in := both{[]ExtCommunity{0x0002_FC00_0000_0064}, []LargeCommunity{{64512, 1, 2}}}
	text, err := json.Marshal(in)
	if want := `{"Ext":["rt:64512:100"],"Large":["64512:1:2"]}`; err != nil || string(text) != want {
		t.Fatalf("got %s, %v", text, err)
	}
	var out both
	if err := json.Unmarshal(text, &out); err != nil || !slices.Equal(in.Ext, out.Ext) || !slices.Equal(in.Large, out.Large) {
		t.Errorf("got %+v, %v", out, err)
	}
	if json.Unmarshal([]byte(`{"Ext":["x"]}`), &out) == nil || json.Unmarshal([]byte(`{"Large":["x"]}`), &out) == nil {
		t.Error("x is a community")
	}
}

func TestListsOfCommunitiesAreSortedAndUnique(t *testing.T) {
	ext, large := []ExtCommunity{3, 1, 3}, []LargeCommunity{{2, 0, 0}, {1, 2, 1}, {1, 1, 9}, {2, 0, 0}}
	a := (&Attrs{}).WithExtCommunities(ext...)
	a = a.WithLargeCommunities(large...)
	if !slices.Equal(a.ExtCommunities, []ExtCommunity{1, 3}) || !slices.Equal(a.LargeCommunities, []LargeCommunity{{1, 1, 9}, {1, 2, 1}, {2, 0, 0}}) {
		t.Errorf("got %v and %v", a.ExtCommunities, a.LargeCommunities)
	}
	if ext[0] != 3 || large[0] != (LargeCommunity{2, 0, 0}) {
		t.Error("the caller's list was sorted")
	}
}
