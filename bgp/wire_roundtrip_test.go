package bgp

import (
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// wirePrefixes draws masked prefixes of one family that can be routed, of all lengths.
func wirePrefixes(t *rapid.T, six bool) []netip.Prefix {
	n := rapid.IntRange(1, 60).Draw(t, "prefixes")
	list := make([]netip.Prefix, n)
	for i := range list {
		var b [16]byte
		for k := range b {
			b[k] = rapid.Byte().Draw(t, "octet")
		}
		if six {
			b[0] = 0x20
			list[i] = netip.PrefixFrom(netip.AddrFrom16(b), rapid.IntRange(0, 128).Draw(t, "bits")).Masked()
		} else {
			b[0] %= 224
			list[i] = netip.PrefixFrom(netip.AddrFrom4([4]byte(b[:4])), rapid.IntRange(0, 32).Draw(t, "bits")).Masked()
		}
	}
	return list
}

// wireAttrs draws attributes that an UPDATE can say.
func wireAttrs(t *rapid.T, six bool, o WireOptions) Attrs {
	as := rapid.OneOf(rapid.SampledFrom([]uint32{1, 64512, 65535, 65536, 4294967295}), rapid.Uint32Range(1, 70000))
	number := func(label string) ASN {
		n := ASN(as.Draw(t, label))
		if n == ASTrans {
			n++
		}
		return n
	}
	id := func(label string) netip.Addr {
		return netip.AddrFrom4([4]byte{10, 0, 0, rapid.Byte().Draw(t, label)})
	}
	a := Attrs{Origin: Origin(rapid.IntRange(0, 2).Draw(t, "origin")), NextHop: addr("192.0.2.1")}
	if six {
		a.NextHop = addr("2001:db8::1")
		if rapid.Bool().Draw(t, "local") {
			a.NextHopLocal = addr("fe80::1")
		}
	}
	length := rapid.SampledFrom([]int{0, 1, 3, 255, 256, 300}).Draw(t, "length")
	for range length {
		a.Path = append(a.Path, number("as"))
	}
	if rapid.Bool().Draw(t, "hasMED") {
		a = a.WithMED(rapid.Uint32().Draw(t, "med"))
	}
	if o.IBGP {
		if rapid.Bool().Draw(t, "hasLocalPref") {
			a = a.WithLocalPref(rapid.Uint32().Draw(t, "localPref"))
		}
		if rapid.Bool().Draw(t, "reflected") {
			a.OriginatorID, a.ClusterList = id("originator"), []netip.Addr{id("cluster"), id("cluster")}
		}
	}
	for range rapid.SampledFrom([]int{0, 1, 3, 70}).Draw(t, "communities") {
		a.Communities = append(a.Communities, Community(rapid.Uint32().Draw(t, "community")))
		a.ExtCommunities = append(a.ExtCommunities, ExtCommunity(rapid.Uint64().Draw(t, "ext")))
		a.LargeCommunities = append(a.LargeCommunities, LargeCommunity{rapid.Uint32().Draw(t, "global"), 1, 2})
	}
	a = a.WithCommunities(a.Communities...)
	a = a.WithExtCommunities(a.ExtCommunities...)
	a = a.WithLargeCommunities(a.LargeCommunities...)
	if rapid.Bool().Draw(t, "rest") {
		a.Rest = &Rest{AtomicAggregate: rapid.Bool().Draw(t, "atomic")}
		if rapid.Bool().Draw(t, "aggregator") {
			a.Rest.AggregatorAS, a.Rest.Aggregator = number("aggregatorAS"), id("aggregator")
		}
		for _, kind := range []uint8{20, 31, 33, 255} {
			if rapid.Bool().Draw(t, "unknown") {
				a.Rest.Unknown = append(a.Rest.Unknown, UnknownAttr{kind, string(make([]byte, rapid.SampledFrom([]int{0, 1, 300}).Draw(t, "octets")))})
			}
		}
	}
	return a
}

func wireOptions(t *rapid.T) WireOptions {
	return WireOptions{FourOctetAS: rapid.Bool().Draw(t, "fourOctetAS"), IBGP: rapid.Bool().Draw(t, "ibgp"), Families: both.Families}
}

func TestWhatIsAnnouncedReadsBackTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o, six := wireOptions(t), rapid.Bool().Draw(t, "six")
		prefixes, a := wirePrefixes(t, six), wireAttrs(t, six, o)
		out := []byte("before")
		var u Update
		var got []netip.Prefix
		for rest := prefixes; len(rest) > 0; {
			start := len(out)
			var n int
			if out, n = AppendUpdate(out, &a, rest, o); n == 0 {
				if start != len(out) {
					t.Fatal("something was written and nothing consumed")
				}
				t.Skip("the attributes alone fill a message")
			}
			kind, body, size, bad := NextMessage(out[start:])
			if bad != nil || kind != UpdateMessage || size != len(out)-start {
				t.Fatalf("not a message: %v", bad)
			}
			if err := u.Parse(body, o); err != nil {
				t.Fatal(err)
			}
			back := u.Attrs
			if six {
				back = u.MPAttrs()
			}
			if !back.Equal(&a) {
				t.Fatalf("got  %+v\nwant %+v", back, a)
			}
			if len(u.Withdrawn) > 0 || len(u.Discarded) > 0 || u.Ignored > 0 {
				t.Fatalf("it says %s", saying(&u))
			}
			got = slices.Concat(got, u.NLRI, u.MPNLRI)
			rest = rest[n:]
		}
		if !slices.Equal(got, prefixes) {
			t.Fatalf("got  %v\nwant %v", got, prefixes)
		}
	})
}

func TestWhatIsWithdrawnReadsBackTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o, six := wireOptions(t), rapid.Bool().Draw(t, "six")
		prefixes := wirePrefixes(t, six)
		for len(prefixes) < 600 { // more than one message holds
			prefixes = append(prefixes, prefixes...)
		}
		var u Update
		var got []netip.Prefix
		for rest := prefixes; len(rest) > 0; {
			out, n := AppendWithdraw(nil, rest, o)
			if n == 0 || len(out) > MaxMessageLen {
				t.Fatalf("%d prefixes in %d octets", n, len(out))
			}
			if err := u.Parse(out[HeaderLen:], o); err != nil || u.EndOfRIB != (Family{}) {
				t.Fatal(err, u.EndOfRIB)
			}
			got = append(got, u.Withdrawn...)
			rest = rest[n:]
		}
		if !slices.Equal(got, prefixes) {
			t.Fatalf("got %d prefixes, want %d", len(got), len(prefixes))
		}
	})
}

func TestEndOfRIBReadsBack(t *testing.T) {
	for _, f := range both.Families {
		var u Update
		if err := u.Parse(AppendEndOfRIB(nil, f)[HeaderLen:], both); err != nil || u.EndOfRIB != f {
			t.Errorf("got %s, %v", u.EndOfRIB, err)
		}
	}
}

func TestAMessageIsFilledToTheLastOctet(t *testing.T) {
	a4, a6 := typical("192.0.2.1"), typical("2001:db8::1")
	for _, x := range []struct {
		name     string
		a        *Attrs
		prefixes []netip.Prefix
		octets   int // of a prefix
	}{{"ipv4", a4, slash24s(2000), 4}, {"ipv6", a6, slash48s(2000), 7}} {
		out, n := AppendUpdate(nil, x.a, x.prefixes, both)
		if room := MaxMessageLen - len(out); room < 0 || room >= x.octets || n >= len(x.prefixes) {
			t.Errorf("%s: %d prefixes leave %d octets", x.name, n, room)
		}
		// A host's prefix may take fewer octets than are written at once.
		var short []netip.Prefix
		for range 4096 {
			short = append(short, netip.PrefixFrom(x.prefixes[0].Addr(), 8).Masked())
		}
		if out, n = AppendUpdate(nil, x.a, short, both); MaxMessageLen-len(out) > 1 {
			t.Errorf("%s: %d short prefixes leave %d octets", x.name, n, MaxMessageLen-len(out))
		}
		var u Update
		if err := u.Parse(out[HeaderLen:], both); err != nil || len(u.NLRI)+len(u.MPNLRI) != n {
			t.Errorf("%s: %v", x.name, err)
		}
		if out, n = AppendWithdraw(nil, short, both); MaxMessageLen-len(out) > 1 || n == 0 {
			t.Errorf("%s: %d short withdrawn prefixes leave %d octets", x.name, n, MaxMessageLen-len(out))
		}
	}
}

func TestWhatCannotBeSentIsNotWritten(t *testing.T) {
	four, six := pfx("203.0.113.0/24"), pfx("2001:db8::/32")
	huge := typical("192.0.2.1").WithPath(make(Path, 1100))
	edge := typical("2001:db8::1").WithPath(Path{}.Prepend(64512, 1000))
	for _, x := range []struct {
		name     string
		a        *Attrs
		prefixes []netip.Prefix
		want     int
	}{
		{"no prefix", typical("192.0.2.1"), nil, 0},
		{"an invalid prefix", typical("192.0.2.1"), []netip.Prefix{{}}, 0},
		{"an IPv4 prefix without an IPv4 next hop", typical("2001:db8::1"), []netip.Prefix{four}, 0},
		{"an IPv6 prefix without an IPv6 next hop", typical("192.0.2.1"), []netip.Prefix{six}, 0},
		{"no next hop", &Attrs{}, []netip.Prefix{four}, 0},
		{"attributes larger than a message", &huge, []netip.Prefix{four}, 0},
		{"attributes that leave no room for a prefix", &edge, []netip.Prefix{netip.PrefixFrom(addr("2001:db8::1"), 128)}, 0},
		{"attributes that leave room for a short prefix", &edge, []netip.Prefix{pfx("::/0")}, 1},
		{"up to another family", typical("192.0.2.1"), []netip.Prefix{four, four, six, four}, 2},
		{"up to another family, IPv6", typical("2001:db8::1"), []netip.Prefix{six, four}, 1},
		{"up to an invalid prefix", typical("192.0.2.1"), []netip.Prefix{four, {}}, 1},
	} {
		dst := []byte("before")
		out, n := AppendUpdate(dst, x.a, x.prefixes, both)
		if n != x.want || string(out[:6]) != "before" || n == 0 && len(out) != 6 || len(out)-6 > MaxMessageLen {
			t.Errorf("%s: %d prefixes in %d octets", x.name, n, len(out)-6)
		}
	}
	if out, n := AppendWithdraw([]byte("before"), []netip.Prefix{four, six}, both); n != 1 || len(out) != 6+19+4+4 {
		t.Errorf("withdrawn up to another family: %d in %d octets", n, len(out))
	}
	if out, n := AppendWithdraw(nil, []netip.Prefix{{}}, both); n != 0 || len(out) != 0 {
		t.Errorf("an invalid prefix is withdrawn: % x", out)
	}
}

func TestLongPathsAreSplit(t *testing.T) {
	a := typical("192.0.2.1").WithPath(Path{}.Prepend(64512, 300))
	out, _ := AppendUpdate(nil, &a, []netip.Prefix{pfx("203.0.113.0/24")}, both)
	at := HeaderLen + 4 + 4 // behind ORIGIN
	if head := out[at : at+6]; head[0] != 0x50 || head[1] != 2 || int(head[2])<<8|int(head[3]) != 300*4+4 || head[4] != 2 || head[5] != 255 || out[at+6+255*4+1] != 45 {
		t.Errorf("RFC 4271 5.1.2: AS_PATH begins with % x", head)
	}
}
