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
	Routers   []WiredRouter
	Sessions  []WiredSession
	Subnets   []WiredSubnet
	Firewalls []WiredFirewall
	// NATs translate what sites send to Services, the prefixes behind Microsoft peering.
	NATs     []WiredNAT
	Services []netip.Prefix
	// Rates are those of a wiring that nobody designed; a network's are RateLimits.
	Rates []RateLimit
	// MTU is how long an IP packet may be on a router's interface, SupportedPacket how long one that a gateway takes, in octets.
	MTU, SupportedPacket int
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
	// Tells are the prefixes that A may tell B, and B A; nil is all. It is for wirings that nobody designed: elsewhere Told decides.
	Tells [2][]netip.Prefix
	// Tunnel is nil for a link of its own.
	Tunnel *WiredTunnel
	// MTU is how long an IP packet may be on the link, 0 for as long as on any router's interface.
	MTU      int
	Capacity string
	// Connection is the capacity of the circuit's connection that the link belongs to, "" where it belongs to none.
	Connection string
}

// PrefixLimits are limits by family.
type PrefixLimits struct{ IPv4, IPv6 int }

// WiredSubnet is a subnet of a virtual network, where packets are forwarded by effective routes.
type WiredSubnet struct {
	Node string // as in Hop: "vnet/subnet"
	VNet string
	// Gateway is the gateway whose routes it has, "" for none. Enters is the gateway whose packets come in here, the subnet being its
	// GatewaySubnet.
	Gateway, Enters string
	// Prefixes are the subnet's own.
	Prefixes []netip.Prefix
}

// WiredFirewall is a firewall: it forwards by the routes of its subnet. Each instance is down with any of its elements.
type WiredFirewall struct {
	Name      string
	Subnet    int
	Instances [][]string
}

// Timers of the service's side that are published (limits.yaml): what an MSEE offers whatever the design's end says.
func mseeTimers(c *catalog.Catalog) (hold, keepalive time.Duration) {
	l := c.Limits()
	return time.Duration(l.HoldSeconds) * time.Second, time.Duration(l.KeepaliveSeconds) * time.Second
}

// Wiring takes the network apart.
func (n *Network) Wiring() Wiring {
	l := n.catalog.Limits()
	w := Wiring{MTU: l.MTU, SupportedPacket: l.SupportedPacket}
	w.NATs, w.Services = n.translations()
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
		if s.circuit != nil {
			x.Connection = "circuit:" + s.circuit.name + "/" + halfName(s.half)
		}
		for end, r := range [2]*router{n.routers[s.a], n.routers[s.b]} {
			if r.kind == kindMSEE || r.kind == kindGateway || r.kind == kindServices {
				x.Hold[end], x.Keepalive[end] = hold, keepalive
			}
		}
		if s.kind == "gateway" { // AssumeGatewayHold
			hold := time.Duration(n.catalog.Limits().GatewayConvergenceSeconds) * time.Second
			x.Hold, x.Keepalive = [2]time.Duration{hold, hold}, [2]time.Duration{hold / 3, hold / 3}
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
	for _, sn := range n.subnets {
		x := WiredSubnet{Node: sn.vnet.name + "/" + sn.name, VNet: sn.vnet.name, Prefixes: sn.prefixes}
		if g := sn.vnet.gatewayFor(); g != nil {
			x.Gateway = g.name
		}
		if g := sn.vnet.gateway; g != nil && sn == sn.vnet.subnetNamed("GatewaySubnet") {
			x.Enters = g.name
		}
		w.Subnets = append(w.Subnets, x)
	}
	for _, f := range n.firewalls {
		x := WiredFirewall{Name: f.name, Subnet: slices.Index(n.subnets, f.subnet)}
		for _, e := range f.downBy {
			x.Instances = append(x.Instances, ids(e))
		}
		w.Firewalls = append(w.Firewalls, x)
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

// Address is the address of an end of a session, 0 for A and 1 for B, as the other end shows it as the next hop of a route to a prefix; the
// zero Addr where the model gives none.
func (n *Network) Address(session, end int, p netip.Prefix) netip.Addr {
	return n.address(n.sessions[session], end, p)
}

// GatewayUse is a route that the live instances of a gateway use, with the sessions over which they do.
type GatewayUse struct {
	Prefix   netip.Prefix
	Sessions []int
}

// Hops are those of the sessions over which a gateway's VNets really send, one for each MSEE, in order (expressroute-optimize-routing.md).
func (n *Network) Hops(gateway string, sessions []int) []int {
	hops := n.hopsOver(n.gatewayNamed(gateway), sessions)
	out := make([]int, len(hops))
	for i, h := range hops {
		out[i] = int(h.dir / 2)
	}
	return out
}

func (n *Network) hopsOver(g *gateway, sessions []int) []gatewayHop {
	var hops []gatewayHop
	for _, i := range sessions {
		x := n.sessions[i]
		if !slices.ContainsFunc(hops, func(h gatewayHop) bool { return h.conn == x.conn && h.half == x.half }) {
			hops = append(hops, gatewayHop{conn: x.conn, half: x.half, dir: int32(2*i + 1)}) //nolint:gosec // an index
		}
	}
	return n.mostHops(g, hops)
}

func (n *Network) gatewayNamed(name string) *gateway {
	for _, g := range n.gateways {
		if g.name == name {
			return g
		}
	}
	return nil
}

// Rows are a subnet's effective routes where its gateway uses these routes.
func (n *Network) Rows(subnet int, uses []GatewayUse) []EffectiveRoute {
	return n.effective(n.subnets[subnet], func(v *vnet, g *gateway) []EffectiveRoute {
		var out []EffectiveRoute
		for _, u := range uses {
			if programmed(v, u.Prefix) {
				out = appendGatewayRows(out, g, u.Prefix, n.hopsOver(g, u.Sessions))
			}
		}
		return out
	})
}

// Onward is where an effective route of a subnet takes a packet: to an end, to a machine in the subnet Subnet, to the firewall Firewall,
// or out by the gateway Gateway. What it is not is -1 and "".
type Onward struct {
	Fate     Fate // "" while it goes on
	Reason   string
	Subnet   int
	Firewall int
	Gateway  string
}

// Onward decides what an effective route of a subnet makes of a packet; gatewayed tells that it came in by the VNet's gateway.
func (n *Network) Onward(subnet int, row EffectiveRoute, src, dst netip.Addr, gatewayed bool) Onward {
	all := n.subnets
	o := n.onward(all[subnet], row, src, dst, gatewayed)
	out := Onward{Subnet: -1, Firewall: -1}
	switch o.kind {
	case toEnd:
		out.Fate, out.Reason = o.fate, o.reason
	case toFirewall:
		out.Firewall = slices.Index(n.firewalls, o.firewall)
	case toGateway:
		out.Gateway = o.gateway.name
	case toVNet:
		for i, sn := range all {
			if sn.vnet == o.vnet && slices.ContainsFunc(sn.prefixes, func(p netip.Prefix) bool { return p.Contains(dst) }) {
				out.Subnet = i
				return out
			}
		}
		out.Fate, out.Reason = Dropped, o.vnet.name+" has no subnet with "+dst.String()
	}
	return out
}

// Permits tells whether a firewall's rules let a new connection from one address to another begin, on any protocol and port.
func (n *Network) Permits(firewall int, src, dst netip.Addr) (ok bool, rule string) {
	return n.firewalls[firewall].permits(netip.PrefixFrom(src, src.BitLen()), netip.PrefixFrom(dst, dst.BitLen()), false)
}

// Apart is the one-way delay between two nodes of a path (as in Hop) that no session joins: subnets, firewalls and gateways.
func (n *Network) Apart(a, b string) time.Duration {
	x, ok := n.placeOf(a)
	y, also := n.placeOf(b)
	if !ok || !also {
		return 0
	}
	return time.Duration(delay(n.catalog, x, y) * float64(time.Millisecond))
}

func (n *Network) placeOf(node string) (place, bool) {
	if i, ok := n.byRouter[node]; ok {
		return n.routers[i].place, true
	}
	for _, g := range n.gateways {
		if g.name == node {
			return g.vnet.place, true
		}
	}
	for _, f := range n.firewalls {
		if f.name == node {
			return f.vnet.place, true
		}
	}
	for _, sn := range n.subnets {
		if sn.vnet.name+"/"+sn.name == node {
			return sn.vnet.place, true
		}
	}
	return place{}, false
}
