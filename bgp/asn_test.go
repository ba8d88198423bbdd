package bgp

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestParseASN(t *testing.T) {
	for _, x := range []struct {
		in   string
		want ASN
		ok   bool
	}{
		{"65010", 65010, true},
		{"0", 0, true},
		{"4294967295", 4294967295, true},
		{"1.10", 65546, true},
		{"0.65010", 65010, true},
		{"65535.65535", 4294967295, true},
		{"4294967296", 0, false},
		{"", 0, false},
		{"-1", 0, false},
		{"+1", 0, false},
		{"1_000", 0, false},
		{"065010", 0, false},
		{"65536.0", 0, false},
		{"1.65536", 0, false},
		{"1.", 0, false},
		{".1", 0, false},
		{"1.2.3", 0, false},
		{"AS65010", 0, false},
		{" 65010", 0, false},
	} {
		got, err := ParseASN(x.in)
		if got != x.want || (err == nil) != x.ok {
			t.Errorf("%q: got %d, %v; want %d, ok %v", x.in, got, err, x.want, x.ok)
		}
	}
}

func TestKindsOfASNumbersEndWhereTheirRFCsSay(t *testing.T) {
	for _, x := range []struct {
		name       string
		is         func(ASN) bool
		in, not    []ASN
		rfc        string
		unreserved bool
	}{
		{"private", ASN.IsPrivate, []ASN{64512, 65515, 65534, 4200000000, 4294967294}, []ASN{64511, 65535, 4199999999, 4294967295, 12076}, "6996", true},
		{"reserved", ASN.IsReserved, []ASN{0, 23456, 65535, 4294967295}, []ASN{1, 23455, 23457, 65534, 65536, 4294967294}, "7607, 6793, 7300", false},
		{"for documentation", ASN.IsDocumentation, []ASN{64496, 64511, 65536, 65551}, []ASN{64495, 64512, 65535, 65552}, "5398", true},
	} {
		for _, a := range x.in {
			if !x.is(a) {
				t.Errorf("%s is not %s (RFC %s)", a, x.name, x.rfc)
			}
			if x.unreserved && a.IsReserved() {
				t.Errorf("%s is %s and reserved", a, x.name)
			}
		}
		for _, a := range x.not {
			if x.is(a) {
				t.Errorf("%s is %s (RFC %s)", a, x.name, x.rfc)
			}
		}
	}
}

func TestPath(t *testing.T) {
	p := Path{12076, 65515, 64496, 65010}
	before := slices.Clone(p)
	for _, x := range []struct {
		name string
		got  Path
		want string
	}{
		{"prepended twice", p.Prepend(65001, 2), "65001 65001 12076 65515 64496 65010"},
		{"prepended no times", p.Prepend(65001, 0), "12076 65515 64496 65010"},
		{"private numbers go wherever they are, documentation numbers stay", p.RemovePrivate(), "12076 64496"},
		{"replaced", p.Replace(65515, 12076), "12076 12076 64496 65010"},
		{"replaced what is not there", p.Replace(1, 2), "12076 65515 64496 65010"},
		{"prepended to nothing", Path(nil).Prepend(12076, 1), "12076"},
		{"nothing", nil, ""},
	} {
		if x.got.String() != x.want {
			t.Errorf("%s: got %q, want %q", x.name, x.got, x.want)
		}
	}
	if !slices.Equal(p, before) {
		t.Errorf("the path itself became %s", p)
	}
	if p.Len() != 4 || p.First() != 12076 || p.Origin() != 65010 || !p.Contains(64496) || p.Contains(1) {
		t.Errorf("%s: length %d, first %s, origin %s", p, p.Len(), p.First(), p.Origin())
	}
	if e := (Path)(nil); e.First() != 0 || e.Origin() != 0 || e.Contains(0) {
		t.Error("an empty path has a first or an origin")
	}
}

func TestCommunity(t *testing.T) {
	for _, x := range []struct {
		in   string
		want Community
		out  string
	}{
		{"12076:50020", NewCommunity(12076, 50020), "12076:50020"},
		{"0:0", 0, "0:0"},
		{"no-export", NoExport, "no-export"},
		{"65535:65281", NoExport, "no-export"},
		{"no-advertise", NoAdvertise, "no-advertise"},
		{"no-export-subconfed", NoExportSubconfed, "no-export-subconfed"},
		{"65535:65535", 0xFFFFFFFF, "65535:65535"},
	} {
		got, err := ParseCommunity(x.in)
		if err != nil || got != x.want || got.String() != x.out {
			t.Errorf("%q: got %s (%v), want %s", x.in, got, err, x.out)
		}
	}
	for _, bad := range []string{"", "12076", "12076:", ":1", "65536:1", "1:65536", "1:2:3", "-1:1", "01:1", "No-Export", "1: 2"} {
		if got, err := ParseCommunity(bad); err == nil {
			t.Errorf("%q is %s", bad, got)
		}
	}
	if c := NewCommunity(12076, 51014); c.ASN() != 12076 || c.Value() != 51014 {
		t.Errorf("halves of %s: %d and %d", c, c.ASN(), c.Value())
	}
}

func TestNumbersAndCommunitiesReadBackAsTheyPrint(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := ASN(rapid.Uint32().Draw(t, "asn"))
		if b, err := ParseASN(a.String()); err != nil || b != a {
			t.Fatalf("%s reads as %s (%v)", a, b, err)
		}
		c := Community(rapid.Uint32().Draw(t, "community"))
		if d, err := ParseCommunity(c.String()); err != nil || d != c {
			t.Fatalf("%s reads as %s (%v)", c, d, err)
		}
	})
}

func FuzzParseCommunity(f *testing.F) {
	for _, s := range []string{"12076:50020", "no-export", "65535:65281", "1:2:3", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c, err := ParseCommunity(s)
		if err != nil {
			return
		}
		again, err := ParseCommunity(c.String())
		if err != nil || again != c {
			t.Errorf("%q is %s, which reads as %s (%v)", s, c, again, err)
		}
	})
}

func FuzzParseASN(f *testing.F) {
	for _, s := range []string{"65010", "1.10", "4294967296", "0.0", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := ParseASN(s)
		if err != nil {
			return
		}
		if again, err := ParseASN(a.String()); err != nil || again != a {
			t.Errorf("%q is %s, which reads as %s (%v)", s, a, again, err)
		}
	})
}
