package bgp

import (
	"net/netip"
	"slices"
	"testing"
)

func full() *Attrs {
	return &Attrs{Path: Path{65515, 64500, 65010}, NextHop: addr("192.0.2.1"), MED: 10, HasMED: true, LocalPref: 200, HasLocalPref: true,
		Communities: []Community{1, 2}, Weight: 32769, OriginatorID: addr("192.0.2.7"), ClusterList: []netip.Addr{addr("192.0.2.8")}}
}

func TestExportToAnotherAS(t *testing.T) {
	bare := Attrs{Path: Path{12076, 65515, 64500, 65010}, NextHop: addr("192.0.2.1")}
	for _, x := range []struct {
		name string
		opts ExportOptions
		want Attrs
	}{
		{"RFC 4271 5.1: the own AS goes in front; weight, local preference, MED and reflection stay behind", ExportOptions{}, bare},
		{"a MED that the router set goes along", ExportOptions{KeepMED: true}, bare.WithMED(10)},
		{"communities go along where they are sent", ExportOptions{SendCommunities: true}, bare.WithCommunities(1, 2)},
		{"vendor: private numbers go before the own AS comes", ExportOptions{RemovePrivate: true}, bare.WithPath(Path{12076, 64500})},
		{"vendor: the neighbour's AS is overridden", ExportOptions{ASOverride: 65010}, bare.WithPath(Path{12076, 65515, 64500, 12076})},
		{"prepended eight times more", ExportOptions{RemovePrivate: true, PrependTimes: 8}, bare.WithPath(Path{12076, 12076, 12076, 12076, 12076, 12076, 12076, 12076, 12076, 64500})},
		{"RFC 4271 5.1.3: the router is the next hop", ExportOptions{NextHopSelf: addr("172.16.0.2")}, bare.WithNextHop(addr("172.16.0.2"))},
	} {
		t.Run(x.name, func(t *testing.T) {
			a := full()
			if got := ExportEBGP(a, 12076, x.opts); !got.Equal(&x.want) {
				t.Errorf("got  %+v\nwant %+v", got, x.want)
			}
			if !a.Equal(full()) {
				t.Errorf("the router's own copy became %+v", *a)
			}
		})
	}
}

func TestExportWithinTheAS(t *testing.T) {
	a := full()
	got, want := ExportIBGP(a, ExportIBGPOptions{}), full().WithWeight(0)
	if !got.Equal(&want) {
		t.Errorf("got  %+v\nwant only the weight gone: %+v", got, want)
	}
	plain := &Attrs{Path: Path{64500}}
	got = ExportIBGP(plain, ExportIBGPOptions{NextHopSelf: addr("192.0.2.2")})
	if !got.HasLocalPref || got.LocalPref != DefaultLocalPref || got.NextHop != addr("192.0.2.2") || got.OriginatorID.IsValid() || got.ClusterList != nil {
		t.Errorf("RFC 4271 5.1.5: got %+v", got)
	}
	got = ExportIBGP(plain, ExportIBGPOptions{ClusterID: addr("192.0.2.3"), Originator: addr("192.0.2.4")})
	if got.OriginatorID != addr("192.0.2.4") || !slices.Equal(got.ClusterList, []netip.Addr{addr("192.0.2.3")}) {
		t.Errorf("RFC 4456 8, reflected once: got %+v", got)
	}
	got = ExportIBGP(full(), ExportIBGPOptions{ClusterID: addr("192.0.2.3"), Originator: addr("192.0.2.4")})
	if got.OriginatorID != addr("192.0.2.7") || !slices.Equal(got.ClusterList, []netip.Addr{addr("192.0.2.3"), addr("192.0.2.8")}) {
		t.Errorf("RFC 4456 8, reflected twice: got %+v", got)
	}
}

func TestReflection(t *testing.T) {
	for _, x := range []struct {
		from               PeerType
		fromClient, client bool
		want               bool
	}{
		{Local, false, false, true}, {Local, false, true, true},
		{EBGP, false, false, true}, {EBGP, false, true, true},
		{IBGP, false, false, false}, {IBGP, false, true, true},
		{IBGP, true, false, true}, {IBGP, true, true, true},
	} {
		if got := ShouldReflect(x.from, x.fromClient, x.client); got != x.want {
			t.Errorf("RFC 4456 6: from %s (client %v) to an iBGP peer (client %v): got %v", x.from, x.fromClient, x.client, got)
		}
	}
	a := full()
	for _, x := range []struct {
		name        string
		id, cluster string
		want        bool
	}{
		{"its own route comes back", "192.0.2.7", "192.0.2.99", true},
		{"its cluster has seen the route", "192.0.2.99", "192.0.2.8", true},
		{"the route is new to it", "192.0.2.99", "192.0.2.98", false},
	} {
		if got := ReflectionLoop(a, addr(x.id), addr(x.cluster)); got != x.want {
			t.Errorf("RFC 4456 8: %s: got %v", x.name, got)
		}
	}
	if ReflectionLoop(&Attrs{}, netip.Addr{}, netip.Addr{}) {
		t.Error("a route that was never reflected loops for a router without an ID")
	}
}

func TestImport(t *testing.T) {
	a := &Attrs{Path: Path{12076, 65010, 12076}}
	for _, x := range []struct {
		local ASN
		allow int
		want  bool
	}{{65010, 0, true}, {65010, 1, false}, {12076, 1, true}, {12076, 2, false}, {65011, 0, false}} {
		if got := ImportLoop(a, x.local, x.allow); got != x.want {
			t.Errorf("RFC 4271 9.1.2: path %s at AS %s, own AS allowed %d times: loop %v", a.Path, x.local, x.allow, got)
		}
	}
	want := &Attrs{Path: full().Path, NextHop: full().NextHop, MED: 10, HasMED: true, Communities: full().Communities}
	if got := ImportEBGP(full()); !got.Equal(want) {
		t.Errorf("RFC 4271 5.1.5: got %+v, want %+v", got, *want)
	}
	inner := full().WithWeight(0)
	if got := ImportIBGP(full()); !got.Equal(&inner) {
		t.Errorf("from within the AS: got %+v", got)
	}
}

func TestWellKnownCommunitiesHoldRoutesBack(t *testing.T) {
	for _, x := range []struct {
		community  Community
		ebgp, ibgp bool
	}{{NoExport, false, true}, {NoExportSubconfed, false, true}, {NoAdvertise, false, false}, {NewCommunity(12076, 51014), true, true}} {
		a := &Attrs{Communities: []Community{5, x.community}}
		if got := Advertisable(a, EBGP); got != x.ebgp {
			t.Errorf("RFC 1997: %s to eBGP: %v", x.community, got)
		}
		if got := Advertisable(a, IBGP); got != x.ibgp {
			t.Errorf("RFC 1997: %s to iBGP: %v", x.community, got)
		}
	}
}

func TestExtendedAndLargeCommunitiesOnTheWayToAnotherAS(t *testing.T) {
	const within = ExtCommunity(0x4002_FC00_0000_0001)
	a := &Attrs{ExtCommunities: []ExtCommunity{5, within}, LargeCommunities: []LargeCommunity{{1, 2, 3}}, Rest: &Rest{AtomicAggregate: true},
		NextHop: addr("2001:db8::1"), NextHopLocal: addr("fe80::1")}
	got := ExportEBGP(a, 12076, ExportOptions{SendCommunities: true})
	if !slices.Equal(got.ExtCommunities, []ExtCommunity{5}) || len(got.LargeCommunities) != 1 || got.Rest != a.Rest {
		t.Errorf("RFC 4360 6: got %+v", got)
	}
	if got.NextHopLocal != a.NextHopLocal {
		t.Error("the next hop stays and its link-local address goes")
	}
	if got = ExportEBGP(a, 12076, ExportOptions{}); got.ExtCommunities != nil || got.LargeCommunities != nil || got.Rest != a.Rest {
		t.Errorf("without communities: got %+v", got)
	}
	if got = ExportEBGP(a, 12076, ExportOptions{NextHopSelf: addr("2001:db8::2")}); got.NextHopLocal.IsValid() {
		t.Error("another next hop keeps the link-local address")
	}
	if got = ExportIBGP(a, ExportIBGPOptions{NextHopSelf: addr("2001:db8::2")}); got.NextHopLocal.IsValid() || len(got.ExtCommunities) != 2 {
		t.Errorf("within the AS: got %+v", got)
	}
	if len(a.ExtCommunities) != 2 || a.ExtCommunities[1] != within {
		t.Error("the router's own copy changed")
	}
}
