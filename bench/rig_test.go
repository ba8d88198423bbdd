// Package bench measures Onramp's BGP beside what others use: the BIRD daemon and GoBGP's library. It is a module of its own
// so that Onramp does not depend on them. README.md says what is measured and how fair it is.
package bench

import (
	"encoding/binary"
	"net/netip"

	"github.com/osrg/gobgp/v4/pkg/packet/bgp"
)

// What a neighbour announces: 1,000 prefixes in 20 sets of attributes, and then the marker, which the device under test
// passes on to the observer. A session's messages are read in order, so the marker tells that all before it has arrived.
const (
	prefixesEach  = 1000
	attributeSets = 20
	ownPrefixes   = 1000 // what the device announces to everybody
)

const (
	deviceAS   = 64512
	observerAS = 4199999999
	firstAS    = 4200000000
	holdTime   = 3600 // s; nobody needs to say that it is alive while the clock runs
	connecting = 8    // how many neighbours may wait for the device to accept them: BIRD's listen(2) has a queue of 8
	markerTag  = 64512<<16 | 1
)

// rig is what a measurement is about, as told to a device: where it listens, and for how many neighbours.
type rig struct {
	Listen     netip.AddrPort
	Neighbours int
}

// routes is how many the device holds in the end.
func (r rig) routes() int { return r.Neighbours*(prefixesEach+1) + ownPrefixes }

// peer is a neighbour as a device is configured with it.
type peer struct {
	addr netip.Addr
	as   uint32
}

// observer is the neighbour that gets the markers.
func observer() peer { return peer{netip.AddrFrom4([4]byte{127, 2, 0, 1}), observerAS} }

// neighbour is the i-th of those that announce.
func neighbour(i int) peer {
	return peer{netip.AddrFrom4([4]byte{127, 1, byte(i >> 8), byte(i)}), uint32(firstAS + i)}
}

// peers are all of them, the observer first.
func (r rig) peers() []peer {
	all := []peer{observer()}
	for i := range r.Neighbours {
		all = append(all, neighbour(i))
	}
	return all
}

// ownFirst and othersFirst are where the /24s of the device and of its neighbours begin; a neighbour has room for 1,024.
var (
	ownFirst    = netip.MustParseAddr("100.64.0.0")
	othersFirst = netip.MustParseAddr("16.0.0.0")
)

const othersRoom = 1024

func nth24(first netip.Addr, n int) netip.Prefix {
	a := first.As4()
	binary.BigEndian.PutUint32(a[:], binary.BigEndian.Uint32(a[:])+uint32(n)<<8)
	return netip.PrefixFrom(netip.AddrFrom4(a), 24)
}

func ownPrefix(i int) netip.Prefix          { return nth24(ownFirst, i) }
func neighbourPrefix(i, j int) netip.Prefix { return nth24(othersFirst, i*othersRoom+j) }

// openBytes is the OPEN of p: IPv4 unicast, four-octet AS numbers, route refresh, and no other capability.
func openBytes(p peer) ([]byte, error) {
	id := p.addr.As4()
	id[0] = 10 // a BGP Identifier of its own
	m, err := bgp.NewBGPOpenMessage(bgp.AS_TRANS, holdTime, netip.AddrFrom4(id), []bgp.OptionParameterInterface{
		bgp.NewOptionParameterCapability([]bgp.ParameterCapabilityInterface{
			bgp.NewCapMultiProtocol(bgp.RF_IPv4_UC),
			bgp.NewCapRouteRefresh(),
			bgp.NewCapFourOctetASNumber(p.as),
		}),
	})
	if err != nil {
		return nil, err
	}
	return m.Serialize()
}

// updateBytes are the UPDATEs of neighbour i, one after the other: one for each set of attributes, and the marker's.
func updateBytes(i int) ([]byte, error) {
	var out []byte
	for set := range attributeSets {
		var prefixes []netip.Prefix
		for j := set; j < prefixesEach; j += attributeSets {
			prefixes = append(prefixes, neighbourPrefix(i, j))
		}
		b, err := update(neighbour(i), set, prefixes, uint32(64512<<16|100+set), 65000<<16|7)
		if err != nil {
			return nil, err
		}
		out = append(out, b...)
	}
	b, err := update(neighbour(i), attributeSets, []netip.Prefix{neighbourPrefix(i, prefixesEach)}, markerTag)
	return append(out, b...), err
}

// update is an UPDATE message of p with the attributes of a set.
func update(p peer, set int, prefixes []netip.Prefix, communities ...uint32) ([]byte, error) {
	hop := p.addr.As4()
	hop[0] = 10 // not the session's own address: routers do not forward to 127.0.0.0/8, and BIRD says so
	nextHop, err := bgp.NewPathAttributeNextHop(netip.AddrFrom4(hop))
	if err != nil {
		return nil, err
	}
	attributes := []bgp.PathAttributeInterface{
		bgp.NewPathAttributeOrigin(bgp.BGP_ORIGIN_ATTR_TYPE_IGP),
		bgp.NewPathAttributeAsPath([]bgp.AsPathParamInterface{
			bgp.NewAs4PathParam(bgp.BGP_ASPATH_ATTR_TYPE_SEQ, []uint32{p.as, 64600 + uint32(set), 64700}),
		}),
		nextHop,
		bgp.NewPathAttributeMultiExitDisc(uint32(set)),
		bgp.NewPathAttributeCommunities(communities),
	}
	var nlri []bgp.PathNLRI
	for _, prefix := range prefixes {
		one, err := bgp.NewIPAddrPrefix(prefix)
		if err != nil {
			return nil, err
		}
		nlri = append(nlri, bgp.PathNLRI{NLRI: one})
	}
	return bgp.NewBGPUpdateMessage(nil, attributes, nlri).Serialize()
}
