package bgp

import (
	"bytes"
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func FuzzNextMessage(f *testing.F) {
	f.Add(AppendKeepalive(nil))
	f.Add(AppendRefresh(AppendEndOfRIB(nil, IPv6Unicast()), IPv4Unicast(), RefreshBegin))
	f.Add(frame(4097, UpdateMessage))
	f.Fuzz(func(t *testing.T, b []byte) {
		for range 10 {
			kind, body, n, err := NextMessage(b)
			if n == 0 {
				return
			}
			if err != nil || n < HeaderLen || n > MaxMessageLen || n > len(b) || len(body) != n-HeaderLen {
				t.Fatalf("%d octets of type %d, %d of them body, %v", n, kind, len(body), err)
			}
			if got := append(appendHeader(nil, n, kind), body...); !bytes.Equal(got, b[:n]) {
				t.Fatalf("% x became % x", b[:n], got)
			}
			if kind == RouteRefreshMessage {
				if family, subtype, err := ParseRefresh(body); err == nil && len(body) == 4 && !bytes.Equal(AppendRefresh(nil, family, subtype), b[:n]) {
					t.Fatal("a ROUTE-REFRESH does not read back")
				}
			}
			b = b[n:]
		}
	})
}

func FuzzParseOpen(f *testing.F) {
	f.Add(openBody(0))
	f.Add(openBody(38, 2, 36, 1, 4, 0, 1, 0, 1, 1, 4, 0, 2, 0, 1, 2, 0, 64, 6, 0xC0, 120, 0, 1, 1, 0x80, 65, 4, 0, 1, 0, 0, 70, 0, 73, 4, 1, 2, 3, 4))
	f.Add(openBody(255, 255, 0, 5, 2, 0, 2, 2, 0))
	f.Fuzz(func(t *testing.T, body []byte) {
		if len(body) > MaxMessageLen-HeaderLen {
			return
		}
		o, bad := ParseOpen(body)
		if bad != nil {
			return
		}
		o.Check(OpenWant{LocalAS: 64512, PeerAS: o.PeerAS(), LocalID: o.RouterID})
		out := AppendOpen(nil, &o)
		_, again, n, bad := NextMessage(out)
		if bad != nil || n != len(out) {
			t.Fatalf("% x: %v", out, bad)
		}
		if back, bad := ParseOpen(again); bad != nil || !cmp.Equal(o, back, openOptions) {
			t.Fatalf("%+v became %+v (%v)", o, back, bad)
		}
	})
}

func FuzzNotification(f *testing.F) {
	f.Add([]byte{6, 2, 4, 'n', 'o', 'o', 'n'})
	f.Add([]byte{6, 9, 6, 9, 6, 9, 4, 0})
	f.Fuzz(func(t *testing.T, body []byte) {
		if len(body) > MaxMessageLen-HeaderLen {
			return
		}
		n := ParseNotification(body)
		if n.Error() == "" {
			t.Fatal("it has no name")
		}
		n.Communication()
		if inner, ok := n.Inner(); ok && !bytes.Equal(inner.HardReset().Data, n.Data) {
			t.Fatal("what a Hard Reset carries does not read back")
		}
		if _, again, size, bad := NextMessage(AppendNotification(nil, n)); bad != nil || size == 0 || len(body) >= 2 && !bytes.Equal(again, body) {
			t.Fatalf("% x became % x (%v)", body, again, bad)
		}
	})
}

// FuzzParseUpdate reads anything, writes what it understood and reads that: the same routes come out.
func FuzzParseUpdate(f *testing.F) {
	f.Add(updateBody([]byte{8, 10}, parts(reachIPv6, three, goneIPv6), aPrefix), uint8(7))
	f.Add(updateBody(nil, parts(three, part(0xC0, 99, 1), part(0xC0, 7, 0, 0, 0, 1, 1, 2, 3, 4), part(0x40, 6)), aPrefix), uint8(5))
	f.Add(updateBody(nil, parts(anOrigin, oldPath, aHop, part(0xC0, 17, 2, 1, 0, 1, 0, 0)), aPrefix), uint8(6))
	f.Fuzz(func(t *testing.T, body []byte, options uint8) {
		o := WireOptions{FourOctetAS: options&1 != 0, IBGP: options&8 != 0, KeepLocalPref: options&16 != 0}
		for i, family := range both.Families {
			if options&(2<<i) != 0 {
				o.Families = append(o.Families, family)
			}
		}
		var u Update
		err := u.Parse(body, o)
		if err != nil && (err.Severity < TreatAsWithdraw || err.Severity > SessionReset || err.Reason == "" || err.Notification.Code != CodeUpdate) {
			t.Fatalf("an error that says nothing: %+v", err)
		}
		if err != nil && err.Severity == SessionReset {
			return
		}
		if n := len(u.Withdrawn) + len(u.NLRI) + len(u.MPNLRI); n > len(body) {
			t.Fatalf("%d octets became %d prefixes", len(body), n)
		}
		if err != nil && err.Severity == TreatAsWithdraw && len(u.NLRI)+len(u.MPNLRI) > 0 {
			t.Fatal("announced although it was to be withdrawn")
		}
		for _, p := range slices.Concat(u.Withdrawn, u.NLRI, u.MPNLRI) {
			mustBeMasked(p)
		}
		for _, p := range u.Withdrawn {
			if slices.Contains(u.NLRI, p) || slices.Contains(u.MPNLRI, p) {
				t.Fatalf("%s is withdrawn and announced", p)
			}
		}
		pool := NewPool()
		mp := u.MPAttrs()
		announced(t, pool.Intern(u.Attrs), u.NLRI, o)
		announced(t, pool.Intern(mp), u.MPNLRI, o)
	})
}

// announced writes the routes and reads them back.
func announced(t *testing.T, a *Attrs, prefixes []netip.Prefix, o WireOptions) {
	for len(prefixes) > 0 {
		out, n := AppendUpdate(nil, a, prefixes, o)
		if n == 0 {
			return // AS4_PATH or a longer encoding makes it larger than a message
		}
		var u Update
		if err := u.Parse(out[HeaderLen:], o); err != nil {
			t.Fatal(err)
		}
		back := u.Attrs
		if len(u.MPNLRI) > 0 {
			back = u.MPAttrs()
		}
		if !back.Equal(a) || !slices.Equal(slices.Concat(u.NLRI, u.MPNLRI), prefixes[:n]) {
			t.Fatalf("got  %+v\nwant %+v", back, *a)
		}
		prefixes = prefixes[n:]
	}
}
