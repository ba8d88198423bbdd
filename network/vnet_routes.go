package network

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"onramp/azure"
)

// Sources and next hop types of effective routes, as Azure prints them.
const (
	sourceDefault = "Default"
	sourceGateway = "VirtualNetworkGateway"
	sourceUser    = "User"

	hopLocal     = "VnetLocal"
	hopPeering   = "VNetPeering"
	hopGateway   = "VirtualNetworkGateway"
	hopAppliance = "VirtualAppliance"
	hopInternet  = "Internet"
	hopNone      = "None"
)

// reserved are the ranges that a VNet drops unless something better is known (virtual-networks-udr-overview.md).
func reserved() []netip.Prefix {
	return []netip.Prefix{
		netip.PrefixFrom(netip.AddrFrom4([4]byte{10}), 8),
		netip.PrefixFrom(netip.AddrFrom4([4]byte{100, 64}), 10),
		netip.PrefixFrom(netip.AddrFrom4([4]byte{172, 16}), 12),
		netip.PrefixFrom(netip.AddrFrom4([4]byte{192, 168}), 16),
	}
}

// EffectiveRoutes returns the routes of a network interface in a subnet as Azure shows them: system, gateway and user
// rows, with the state that Azure's precedence gives them. A gateway row stands once for each next hop.
func (s *State) EffectiveRoutes(id azure.ID, subnetName string) []EffectiveRoute {
	v := s.n.byVNet[id.Key()]
	if v == nil {
		return nil
	}
	sn := v.subnetNamed(subnetName)
	if sn == nil {
		return nil
	}
	return s.effective(sn)
}

func (s *State) effective(sn *subnet) []EffectiveRoute {
	return s.n.effective(sn, func(v *vnet, g *gateway) []EffectiveRoute { return s.gatewayRows(v, g) })
}

// effective puts a subnet's rows together; gatewayRows gives those of its gateway.
func (n *Network) effective(sn *subnet, gatewayRows func(v *vnet, g *gateway) []EffectiveRoute) []EffectiveRoute {
	v := sn.vnet
	var out []EffectiveRoute
	system := func(p netip.Prefix, hop string) {
		out = append(out, EffectiveRoute{Source: sourceDefault, State: "Active", Prefix: p, NextHopType: hop, Why: "system route"})
	}
	for _, p := range v.prefixes {
		system(p, hopLocal)
	}
	for _, p := range v.peers {
		if p.access {
			for _, x := range p.to.prefixes {
				system(x, hopPeering)
			}
		}
	}
	noPropagation := sn.table != nil && sn.table.Properties.DisableBGPRoutePropagation
	if g := v.gatewayFor(); g != nil && !noPropagation {
		out = append(out, gatewayRows(v, g)...)
	}
	system(netip.PrefixFrom(netip.IPv4Unspecified(), 0), hopInternet)
	if slices.ContainsFunc(v.prefixes, func(p netip.Prefix) bool { return p.Addr().Is6() }) {
		system(netip.PrefixFrom(netip.IPv6Unspecified(), 0), hopInternet)
	}
	user := userRoutes(sn.table)
	overDefault := slices.ContainsFunc(user, func(r EffectiveRoute) bool { return r.Prefix.Bits() == 0 && r.Prefix.Addr().Is4() })
	for _, p := range reserved() {
		// A VNet whose space equals the range replaces the row; a user route for 0.0.0.0/0 removes all four.
		if !slices.Contains(v.prefixes, p) && !overDefault {
			system(p, hopNone)
		}
	}
	out = append(out, user...)
	precedence(out, v)
	slices.SortStableFunc(out, func(a, b EffectiveRoute) int {
		return cmp.Or(sourceRank(a.Source)-sourceRank(b.Source), comparePrefix(a.Prefix, b.Prefix))
	})
	return out
}

func sourceRank(s string) int {
	return slices.Index([]string{sourceDefault, sourceGateway, sourceUser}, s)
}

// gatewayRows are the rows that the gateway programs: one for each MSEE in use; with a Route Server in the gateway's VNet
// only one (published captures); 169.254 prefixes reach the gateway and no interface.
func (s *State) gatewayRows(v *vnet, g *gateway) []EffectiveRoute {
	var out []EffectiveRoute
	for p, prefix := range s.n.prefixes {
		if programmed(v, prefix) {
			out = appendGatewayRows(out, g, prefix, s.gatewayHops(g, p))
		}
	}
	return out
}

// programmed tells whether a gateway's route reaches the network interfaces of a VNet.
func programmed(v *vnet, p netip.Prefix) bool {
	linkLocal := netip.PrefixFrom(netip.AddrFrom4([4]byte{169, 254}), 16)
	return !(linkLocal.Overlaps(p) && p.Bits() >= linkLocal.Bits()) && !slices.Contains(v.prefixes, p)
}

func appendGatewayRows(out []EffectiveRoute, g *gateway, p netip.Prefix, hops []gatewayHop) []EffectiveRoute {
	for _, c := range hops {
		out = append(out, EffectiveRoute{Source: sourceGateway, State: "Active", Prefix: p, NextHopType: hopGateway, NextHops: []netip.Addr{c.address()}, Why: "BGP route of " + g.name})
	}
	return out
}

// gatewayHop is one MSEE that a gateway's VNets send to.
type gatewayHop struct {
	conn *connection
	half int
	dir  int32
}

func (h gatewayHop) address() netip.Addr { return h.conn.loop[h.half] }

// Limits of what reaches a network interface (expressroute-optimize-routing.md, published captures).
const maxNextHops = 8

// gatewayHops returns the MSEEs that a gateway uses for a prefix, over all its live instances, at most four circuits and
// eight next hops.
func (s *State) gatewayHops(g *gateway, p int) []gatewayHop {
	var out []gatewayHop
	for _, i := range g.instances {
		for _, d := range s.used(p, i) {
			if d < 0 {
				return nil // the gateway's own prefix
			}
			x := s.n.sessions[d/2]
			if !slices.ContainsFunc(out, func(h gatewayHop) bool { return h.conn == x.conn && h.half == x.half }) {
				out = append(out, gatewayHop{conn: x.conn, half: x.half, dir: d})
			}
		}
	}
	return s.n.mostHops(g, out)
}

// mostHops puts the next hops of a gateway in order and leaves out those that are more than it uses.
func (n *Network) mostHops(g *gateway, out []gatewayHop) []gatewayHop {
	slices.SortFunc(out, func(a, b gatewayHop) int {
		return cmp.Or(strings.Compare(a.conn.circuit.name, b.conn.circuit.name), a.half-b.half)
	})
	var circuits []*circuit
	kept := out[:0]
	for _, h := range out {
		if !slices.Contains(circuits, h.conn.circuit) {
			circuits = append(circuits, h.conn.circuit)
		}
		if len(circuits) <= n.catalog.Limits().ECMPCircuits && len(kept) < maxNextHops {
			kept = append(kept, h)
		}
	}
	if g.vnet.routeServer && len(kept) > 1 {
		kept = kept[:1]
	}
	return kept
}

func userRoutes(t *azure.RouteTable) []EffectiveRoute {
	if t == nil {
		return nil
	}
	var out []EffectiveRoute
	for i := range t.Properties.Routes {
		r := &t.Properties.Routes[i]
		p, err := netip.ParsePrefix(r.Properties.AddressPrefix)
		if err != nil {
			continue // a service tag, or what azure.Validate refuses
		}
		e := EffectiveRoute{Source: sourceUser, State: "Active", Prefix: p.Masked(), NextHopType: r.Properties.NextHopType, Why: "user route " + r.Name}
		if a, err := netip.ParseAddr(r.Properties.NextHopIPAddress); err == nil {
			e.NextHops = []netip.Addr{a}
		}
		out = append(out, e)
	}
	return out
}

// precedence marks the rows that lose: for equal prefixes user over BGP over system; and BGP rows inside the VNet's or a
// peering's space always, however specific (virtual-networks-udr-overview.md).
func precedence(rows []EffectiveRoute, v *vnet) {
	for i := range rows {
		r := &rows[i]
		if r.Source == sourceGateway {
			for _, o := range rows {
				if o.Source == sourceDefault && (o.NextHopType == hopLocal || o.NextHopType == hopPeering) && o.Prefix.Bits() <= r.Prefix.Bits() && o.Prefix.Contains(r.Prefix.Addr()) {
					r.State, r.Why = "Invalid", "routes of the VNet and its peerings stay preferred over BGP, even a more specific one"
				}
			}
		}
	}
	for i := range rows {
		r := &rows[i]
		for _, o := range rows {
			if o.State != "Active" || r.State != "Active" || o.Prefix != r.Prefix {
				continue
			}
			if sourceRank(o.Source) > sourceRank(r.Source) {
				r.State, r.Why = "Invalid", o.Source+" route of the same prefix is preferred over "+r.Source
			}
		}
	}
}

// lookup returns the active rows of the longest prefix that contains the address: several only for gateway next hops.
func lookup(rows []EffectiveRoute, a netip.Addr) []EffectiveRoute {
	best := -1
	for _, r := range rows {
		if r.State == "Active" && r.Prefix.Contains(a) && r.Prefix.Bits() > best {
			best = r.Prefix.Bits()
		}
	}
	var out []EffectiveRoute
	for _, r := range rows {
		if r.State == "Active" && r.Prefix.Contains(a) && r.Prefix.Bits() == best {
			out = append(out, r)
		}
	}
	return out
}

// summarized returns the VNet's summarizedGatewayPrefixes.
func summarized(v *azure.VirtualNetwork) []string { return v.Properties.SummarizedGatewayPrefixes }
