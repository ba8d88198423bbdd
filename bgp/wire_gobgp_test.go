package bgp

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	gobgp "github.com/osrg/gobgp/v4/pkg/packet/bgp"
	"pgregory.net/rapid"
)

// An independent codec as the judge: what we write, gobgp reads alike, and the other way round. It does not know RFC 9072,
// keeps repeated communities and does not merge the attributes of four-octet numbers, so that the tests stay away from these.

// must is for what gobgp makes of values that are right.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// theirs builds gobgp's message of the same content.
func theirs(a *Attrs, prefixes []netip.Prefix) *gobgp.BGPMessage {
	var nlri []gobgp.PathNLRI
	for _, p := range prefixes {
		nlri = append(nlri, gobgp.PathNLRI{NLRI: must(gobgp.NewIPAddrPrefix(p))})
	}
	var list []gobgp.PathAttributeInterface
	if !a.NextHop.Is4() {
		list = append(list, must(gobgp.NewPathAttributeMpReachNLRI(gobgp.RF_IPv6_UC, nlri, a.NextHop, a.NextHopLocal)))
		nlri = nil
	}
	list = append(list, gobgp.NewPathAttributeOrigin(uint8(a.Origin)))
	var segments []gobgp.AsPathParamInterface
	for part := range slices.Chunk(a.Path, 255) {
		var numbers []uint32
		for _, as := range part {
			numbers = append(numbers, uint32(as))
		}
		segments = append(segments, gobgp.NewAs4PathParam(gobgp.BGP_ASPATH_ATTR_TYPE_SEQ, numbers))
	}
	list = append(list, gobgp.NewPathAttributeAsPath(segments))
	if a.NextHop.Is4() {
		list = append(list, must(gobgp.NewPathAttributeNextHop(a.NextHop)))
	}
	if a.HasMED {
		list = append(list, gobgp.NewPathAttributeMultiExitDisc(a.MED))
	}
	if a.HasLocalPref {
		list = append(list, gobgp.NewPathAttributeLocalPref(a.LocalPref))
	}
	if a.Rest != nil && a.Rest.AtomicAggregate {
		list = append(list, gobgp.NewPathAttributeAtomicAggregate())
	}
	if a.Rest != nil && a.Rest.Aggregator.IsValid() {
		list = append(list, must(gobgp.NewPathAttributeAggregator(uint32(a.Rest.AggregatorAS), a.Rest.Aggregator)))
	}
	if len(a.Communities) > 0 {
		var values []uint32
		for _, c := range a.Communities {
			values = append(values, uint32(c))
		}
		list = append(list, gobgp.NewPathAttributeCommunities(values))
	}
	if a.OriginatorID.IsValid() {
		list = append(list, must(gobgp.NewPathAttributeOriginatorId(a.OriginatorID)), must(gobgp.NewPathAttributeClusterList(a.ClusterList)))
	}
	if len(a.ExtCommunities) > 0 {
		var values []gobgp.ExtendedCommunityInterface
		for _, c := range a.ExtCommunities {
			values = append(values, must(gobgp.ParseExtended(binary.BigEndian.AppendUint64(nil, uint64(c)))))
		}
		list = append(list, gobgp.NewPathAttributeExtendedCommunities(values))
	}
	if len(a.LargeCommunities) > 0 {
		var values []*gobgp.LargeCommunity
		for _, c := range a.LargeCommunities {
			values = append(values, &gobgp.LargeCommunity{ASN: c.Global, LocalData1: c.Local1, LocalData2: c.Local2})
		}
		list = append(list, gobgp.NewPathAttributeLargeCommunities(values))
	}
	if a.Rest != nil {
		for _, u := range a.Rest.Unknown {
			list = append(list, gobgp.NewPathAttributeUnknown(flagOptional|flagTransitive|flagPartial, gobgp.BGPAttrType(u.Type), []byte(u.Value)))
		}
	}
	return gobgp.NewBGPUpdateMessage(nil, list, nlri)
}

// ours takes gobgp's message apart.
func ours(t *rapid.T, m *gobgp.BGPMessage) (a Attrs, prefixes []netip.Prefix) {
	rest := &Rest{}
	take := func(nlri []gobgp.PathNLRI) {
		for _, n := range nlri {
			prefixes = append(prefixes, n.NLRI.(*gobgp.IPAddrPrefix).Prefix)
		}
	}
	body := m.Body.(*gobgp.BGPUpdate)
	for _, x := range body.PathAttributes {
		switch x := x.(type) {
		case *gobgp.PathAttributeMpReachNLRI:
			a.NextHop, a.NextHopLocal = x.Nexthop, x.LinkLocalNexthop
			take(x.Value)
		case *gobgp.PathAttributeOrigin:
			a.Origin = Origin(x.Value)
		case *gobgp.PathAttributeAsPath:
			for _, s := range x.Value {
				for _, as := range s.GetAS() {
					a.Path = append(a.Path, ASN(as))
				}
			}
		case *gobgp.PathAttributeNextHop:
			a.NextHop = x.Value
		case *gobgp.PathAttributeMultiExitDisc:
			a = a.WithMED(x.Value)
		case *gobgp.PathAttributeLocalPref:
			a = a.WithLocalPref(x.Value)
		case *gobgp.PathAttributeAtomicAggregate:
			rest.AtomicAggregate = true
		case *gobgp.PathAttributeAggregator:
			rest.AggregatorAS, rest.Aggregator = ASN(x.Value.AS), x.Value.Address
		case *gobgp.PathAttributeCommunities:
			for _, c := range x.Value {
				a.Communities = append(a.Communities, Community(c))
			}
		case *gobgp.PathAttributeOriginatorId:
			a.OriginatorID = x.Value
		case *gobgp.PathAttributeClusterList:
			a.ClusterList = x.Value
		case *gobgp.PathAttributeExtendedCommunities:
			for _, c := range x.Value {
				a.ExtCommunities = append(a.ExtCommunities, ExtCommunity(binary.BigEndian.Uint64(must(c.Serialize()))))
			}
		case *gobgp.PathAttributeLargeCommunities:
			for _, c := range x.Values {
				a.LargeCommunities = append(a.LargeCommunities, LargeCommunity{c.ASN, c.LocalData1, c.LocalData2})
			}
		case *gobgp.PathAttributeUnknown:
			rest.Unknown = append(rest.Unknown, UnknownAttr{uint8(x.GetType()), string(x.Value)})
		default:
			t.Fatalf("gobgp read %T", x)
		}
	}
	take(body.NLRI)
	a.Rest = rest
	return a, prefixes
}

// judged draws attributes that gobgp understands: its values of extended communities do not all survive it, and type 20 and
// up mean something to it.
func judged(t *rapid.T, six bool) (Attrs, WireOptions) {
	o := WireOptions{FourOctetAS: true, IBGP: true, Families: both.Families}
	a := wireAttrs(t, six, o)
	for i := range a.ExtCommunities {
		a.ExtCommunities[i] = ExtCommunity(extRouteTarget<<48 | uint64(i)<<32 | uint64(i*7))
	}
	if a.Rest != nil {
		rest := *a.Rest
		rest.Unknown = nil
		for _, u := range a.Rest.Unknown {
			if u.Type == 31 || u.Type == 255 {
				rest.Unknown = append(rest.Unknown, u)
			}
		}
		a.Rest = &rest
	}
	return a, o
}

func TestWhatWeAnnounceGoBGPReadsAlike(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		six := rapid.Bool().Draw(t, "six")
		prefixes := wirePrefixes(t, six)
		a, o := judged(t, six)
		out, n := AppendUpdate(nil, &a, prefixes, o)
		if n == 0 {
			t.Skip("the attributes alone fill a message")
		}
		m, err := gobgp.ParseBGPMessage(out)
		if err != nil {
			t.Fatal(err)
		}
		got, nlri := ours(t, m)
		if !got.Equal(&a) || !slices.Equal(nlri, prefixes[:n]) {
			t.Fatalf("gobgp read %+v of %v\nwant %+v of %v", got, nlri, a, prefixes[:n])
		}
	})
}

func TestWhatGoBGPAnnouncesWeReadAlike(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		six := rapid.Bool().Draw(t, "six")
		prefixes := wirePrefixes(t, six)
		a, o := judged(t, six)
		out, err := theirs(&a, prefixes).Serialize()
		if err != nil {
			t.Skip(err)
		}
		kind, body, n, bad := NextMessage(out)
		if bad != nil || n != len(out) || kind != UpdateMessage {
			t.Fatal(bad)
		}
		var u Update
		if err := u.Parse(body, o); err != nil {
			t.Fatal(err)
		}
		got := u.Attrs
		if six {
			got = u.MPAttrs()
		}
		if !got.Equal(&a) || !slices.Equal(slices.Concat(u.NLRI, u.MPNLRI), prefixes) {
			t.Fatalf("got  %+v of %s\nwant %+v of %v", got, saying(&u), a, prefixes)
		}
	})
}

func TestGoBGPReadsOurPathsForSpeakersOfTwoOctets(t *testing.T) {
	a := typical("192.0.2.1").WithPath(Path{64512, 65536, 64513})
	a.Rest = &Rest{AggregatorAS: 65536, Aggregator: addr("192.0.2.9")}
	out, _ := AppendUpdate(nil, &a, []netip.Prefix{pfx("203.0.113.0/24")}, old)
	m := must(gobgp.ParseBGPMessage(out, &gobgp.MarshallingOption{Use2ByteAS: true}))
	seen := 0
	for _, x := range m.Body.(*gobgp.BGPUpdate).PathAttributes {
		switch x := x.(type) {
		case *gobgp.PathAttributeAsPath:
			seen++
			if got := x.Value[0].GetAS(); !slices.Equal(got, []uint32{64512, 23456, 64513}) {
				t.Errorf("RFC 6793 4.2.2: AS_PATH %v", got)
			}
		case *gobgp.PathAttributeAs4Path:
			seen++
			if got := x.Value[0].AS; !slices.Equal(got, []uint32{64512, 65536, 64513}) {
				t.Errorf("RFC 6793 4.2.2: AS4_PATH %v", got)
			}
		case *gobgp.PathAttributeAggregator:
			seen++
			if x.Value.AS != 23456 {
				t.Errorf("RFC 6793 4.2.2: AGGREGATOR %d", x.Value.AS)
			}
		case *gobgp.PathAttributeAs4Aggregator:
			seen++
			if x.Value.AS != 65536 {
				t.Errorf("RFC 6793 4.2.2: AS4_AGGREGATOR %d", x.Value.AS)
			}
		}
	}
	if seen != 4 {
		t.Errorf("%d of 4 attributes", seen)
	}
	short := typical("192.0.2.1")
	out, _ = AppendUpdate(nil, short, []netip.Prefix{pfx("203.0.113.0/24")}, old)
	for _, x := range must(gobgp.ParseBGPMessage(out, &gobgp.MarshallingOption{Use2ByteAS: true})).Body.(*gobgp.BGPUpdate).PathAttributes {
		if x.GetType() == gobgp.BGP_ATTR_TYPE_AS4_PATH {
			t.Error("RFC 6793 4.2.2: an AS4_PATH that nobody needs")
		}
	}
}

func TestGoBGPReadsOurOtherMessages(t *testing.T) {
	v6 := []netip.Prefix{pfx("2001:db8::/32"), pfx("::/0")}
	out, _ := AppendWithdraw(nil, v6, both)
	gone := must(gobgp.ParseBGPMessage(out)).Body.(*gobgp.BGPUpdate).PathAttributes[0].(*gobgp.PathAttributeMpUnreachNLRI)
	for i, p := range v6 {
		if gone.Value[i].NLRI.(*gobgp.IPAddrPrefix).Prefix != p {
			t.Errorf("withdrawn: got %s", gone.Value[i].NLRI)
		}
	}
	v4 := []netip.Prefix{pfx("10.0.0.0/8"), pfx("0.0.0.0/0")}
	out, _ = AppendWithdraw(nil, v4, both)
	for i, w := range must(gobgp.ParseBGPMessage(out)).Body.(*gobgp.BGPUpdate).WithdrawnRoutes {
		if w.NLRI.(*gobgp.IPAddrPrefix).Prefix != v4[i] {
			t.Errorf("withdrawn: got %s", w.NLRI)
		}
	}
	for _, f := range both.Families {
		end, family := must(gobgp.ParseBGPMessage(AppendEndOfRIB(nil, f))).Body.(*gobgp.BGPUpdate).IsEndOfRib()
		if !end || family != gobgp.NewFamily(f.AFI, f.SAFI) {
			t.Errorf("end of %s: got %v, %s", f, end, family)
		}
	}
	refresh := must(gobgp.ParseBGPMessage(AppendRefresh(nil, IPv6Unicast(), RefreshEnd))).Body.(*gobgp.BGPRouteRefresh)
	if refresh.AFI != 2 || refresh.SAFI != 1 || refresh.Demarcation != RefreshEnd {
		t.Errorf("got %+v", refresh)
	}
	n := must(gobgp.ParseBGPMessage(AppendNotification(nil, NewShutdown(CeaseShutdown, "noon")))).Body.(*gobgp.BGPNotification)
	if n.ErrorCode != 6 || n.ErrorSubcode != 2 || string(n.Data) != "\x04noon" {
		t.Errorf("got %+v", n)
	}
	must(gobgp.ParseBGPMessage(AppendKeepalive(nil)))
}

func TestOpensAreTheSameToGoBGP(t *testing.T) {
	o := Open{Version: 4, AS: ASTrans, HoldTime: 90, RouterID: addr("192.0.2.1"), Capabilities: Capabilities{
		Families: []Family{{1, 1}, {2, 1}}, RouteRefresh: true, EnhancedRefresh: true, FourOctetAS: 65536,
		GracefulRestart: &GracefulRestart{Restarting: true, Notification: true, Time: 300, Families: []RestartFamily{{IPv4Unicast(), true}, {IPv6Unicast(), false}}},
	}}
	m := must(gobgp.ParseBGPMessage(AppendOpen(nil, &o)))
	open := m.Body.(*gobgp.BGPOpen)
	if open.Version != 4 || open.MyAS != 23456 || open.HoldTime != 90 || open.ID != o.RouterID {
		t.Errorf("got %+v", open)
	}
	names := map[gobgp.BGPCapabilityCode]int{}
	for _, c := range open.OptParams[0].(*gobgp.OptionParameterCapability).Capability {
		names[c.Code()]++
		switch c := c.(type) {
		case *gobgp.CapFourOctetASNumber:
			if c.CapValue != 65536 {
				t.Errorf("AS %d", c.CapValue)
			}
		case *gobgp.CapGracefulRestart:
			if c.Flags != 0x0C || c.Time != 300 || len(c.Tuples) != 2 || c.Tuples[0].Flags != 0x80 || c.Tuples[1].AFI != 2 {
				t.Errorf("graceful restart %+v", c)
			}
		}
	}
	want := map[gobgp.BGPCapabilityCode]int{gobgp.BGP_CAP_MULTIPROTOCOL: 2, gobgp.BGP_CAP_ROUTE_REFRESH: 1, gobgp.BGP_CAP_GRACEFUL_RESTART: 1,
		gobgp.BGP_CAP_FOUR_OCTET_AS_NUMBER: 1, gobgp.BGP_CAP_ENHANCED_ROUTE_REFRESH: 1}
	if d := cmp.Diff(want, names); d != "" {
		t.Error(d)
	}
	back, bad := ParseOpen(must(m.Serialize())[HeaderLen:]) // gobgp's own writing
	if d := cmp.Diff(o, back, openOptions); bad != nil || d != "" {
		t.Error(bad, d)
	}
}
