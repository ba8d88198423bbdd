package network

import (
	"net/netip"
	"slices"
	"time"

	"onramp/bgp"
	"onramp/catalog"
)

// Wiring is a network taken apart for a simulator: which routers to run, over which links they talk, and, by the functions beside it
// (Told, Taken, Stands, Rows), what the service's and the premises' rules make of each route. A simulator decides nothing of that by
// itself. Indices are places in these lists.
type Wiring struct {
	Routers  []WiredRouter
	Sessions []WiredSession
	Subnets  []WiredSubnet
}

// WiredRouter is one BGP speaker: a site's internal router, a customer or provider edge, one peering's VRF on one MSEE, one instance of a
// gateway, or Microsoft's network behind Microsoft peering.
type WiredRouter struct {
	Name, Kind string // Kind as in Hop
	AS         bgp.ASN
	ID         netip.Addr
	Decision   bgp.Config
	Own        []OwnRoute
	// Elements are the ids of what takes it down. MSEE is the element of the MSEE that the VRF is on, which maintenance drains.
	Elements []string
	MSEE     string
	Site     string
	Gateway  string
}

// OwnRoute is a route that a router originates.
type OwnRoute struct {
	Prefix netip.Prefix
	Attrs  *bgp.Attrs
}

// WiredSession is one BGP session on a link of its own.
type WiredSession struct {
	Name, Kind string // Kind: private, microsoft, gateway, internal, backbone, provider, global-reach, services
	A, B       int
	Addr       [2]netip.Addr // of A and of B; the zero Addr where the model gives none
	IPv4, IPv6 bool          // the families that it carries
	IBGP       bool
	Delay      time.Duration // one way
	Elements   []string      // what takes the link down, beside its routers
	// Limits are how many prefixes B takes from A, and A from B; 0 is no limit.
	Limits [2]PrefixLimits
	// Together names what goes down whole when a limit is passed: a gateway's connection; "" where that is the session alone.
	Together string
	// Hold and Keepalive are what the ends offer, 0 where nobody says; BFD is on where its multiplier is not 0.
	Hold, Keepalive [2]time.Duration
	BFDInterval     time.Duration
	BFDMultiplier   uint8
	// VLAN and STag are the tags of its packets, 0 for none (expressroute-erdirect-about.md).
	VLAN, STag int
	Capacity   string
}

// PrefixLimits are limits by family.
type PrefixLimits struct{ IPv4, IPv6 int }

// WiredSubnet is a subnet of a virtual network, where packets are forwarded by effective routes.
type WiredSubnet struct {
	Node string // as in Hop: "vnet/subnet"
	// Gateway is the gateway whose routes it has, "" for none.
	Gateway string
	// Prefixes are the subnet's own.
	Prefixes []netip.Prefix
}

// Timers of the service's side that are published (limits.yaml): what an MSEE offers whatever the design's end says.
func mseeTimers(c *catalog.Catalog) (hold, keepalive time.Duration) {
	l := c.Limits()
	return time.Duration(l.HoldSeconds) * time.Second, time.Duration(l.KeepaliveSeconds) * time.Second
}

// Wiring takes the network apart.
func (n *Network) Wiring() Wiring {
	var w Wiring
	ids := func(list []int) []string {
		out := make([]string, len(list))
		for i, e := range list {
			out[i] = n.elements[e].ID
		}
		return out
	}
	for _, r := range n.routers {
		x := WiredRouter{Name: r.name, Kind: r.kind.String(), AS: r.asn, ID: r.id, Decision: r.config, Elements: ids(r.elements)}
		if r.kind == kindMSEE {
			x.MSEE = n.elements[r.msee].ID
		}
		if r.site != nil {
			x.Site = r.site.name
		}
		if r.gateway != nil {
			x.Gateway = r.gateway.name
		}
		for p, a := range r.ownAttrs {
			x.Own = append(x.Own, OwnRoute{Prefix: p, Attrs: a})
		}
		slices.SortFunc(x.Own, func(a, b OwnRoute) int { return comparePrefix(a.Prefix, b.Prefix) })
		w.Routers = append(w.Routers, x)
	}
	hold, keepalive := mseeTimers(n.catalog)
	four, six := netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")
	for _, s := range n.sessions {
		x := WiredSession{Name: s.name, Kind: s.kind, A: s.a, B: s.b, Addr: s.addr, IPv4: s.carries(four), IPv6: s.carries(six), IBGP: s.internal,
			Delay: time.Duration(n.sessionDelay(s) * float64(time.Millisecond)), Elements: ids(s.elements), Capacity: s.capacity,
			Limits: [2]PrefixLimits{{s.dir[0].limit4, s.dir[0].limit6}, {s.dir[1].limit4, s.dir[1].limit6}}}
		if s.conn != nil {
			x.Together = s.conn.name
		}
		for end, r := range [2]*router{n.routers[s.a], n.routers[s.b]} {
			if r.kind == kindMSEE || r.kind == kindGateway || r.kind == kindServices {
				x.Hold[end], x.Keepalive[end] = hold, keepalive
			}
		}
		if d := s.route; d != nil {
			x.Hold[0], x.Keepalive[0] = time.Duration(d.HoldSec)*time.Second, time.Duration(d.KeepaliveSec)*time.Second
			if n.routers[s.b].kind != kindMSEE {
				x.Hold[1], x.Keepalive[1] = x.Hold[0], x.Keepalive[0]
			}
			x.BFDInterval, x.BFDMultiplier = time.Duration(d.BFDMilliseconds)*time.Millisecond, uint8(min(max(d.BFDMultiplier, 0), 255))
			if d.BFDMilliseconds == 0 {
				x.BFDMultiplier = 0
			}
			x.VLAN, x.STag = d.VLAN, d.STag
		}
		w.Sessions = append(w.Sessions, x)
	}
	for _, v := range n.vnets {
		for _, sn := range v.subnets {
			x := WiredSubnet{Node: v.name + "/" + sn.name, Prefixes: sn.prefixes}
			if g := v.gatewayFor(); g != nil {
				x.Gateway = g.name
			}
			w.Subnets = append(w.Subnets, x)
		}
	}
	return w
}

// Told is what a router tells over a session of its best route: direction 0 is from A to B, 1 from B to A. The route came over session
// from in the same sense, or is the router's own (-1). drained tells that the teller is an MSEE under maintenance. nil is nothing.
func (n *Network) Told(session, direction int, p netip.Prefix, best *bgp.Attrs, from int, drained bool) *bgp.Attrs {
	source := ownRoute
	if from >= 0 {
		// The session's direction is the one that enters the teller.
		teller := n.sessions[session].dir[direction].from
		source = int32(2 * from) //nolint:gosec // an index
		if n.sessions[from].dir[0].to != teller {
			source++
		}
	}
	return n.send(2*session+direction, p, best, source, drained)
}

// Taken is what the receiver makes of a route that it is told over a session; nil refuses it.
func (n *Network) Taken(session, direction int, p netip.Prefix, told *bgp.Attrs) *bgp.Attrs {
	return n.accept(2*session+direction, p, told)
}

// Stands tells how a route that came over a session stands in the receiver's decision.
func (n *Network) Stands(session, direction int, p netip.Prefix, c *bgp.Candidate) {
	x := n.sessions[session]
	from := n.routers[x.dir[direction].from]
	c.From, c.NeighborAS, c.RouterID, c.PeerAddr, c.Age, c.IGPCost = bgp.EBGP, from.asn, from.id, n.address(x, direction, p), n.age[session], 0
	c.Session = int32(2*session + direction) //nolint:gosec // an index
	if x.internal || x.dir[direction].keepPref {
		c.From, c.IGPCost = bgp.IBGP, x.cost
	}
}
