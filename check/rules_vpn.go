package check

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"onramp/azure"
)

// vpnRules are about VPN gateways that stand beside ExpressRoute.
func vpnRules() []ruleSet {
	return []ruleSet{
		{(*checker).vpnGateways, []string{"vpn-route-based", "vpn-not-basic", "vpn-ipv6-none", "res-vpn-backup-limits"}},
		{(*checker).tunnels, []string{"vpn-prefix-equal", "vpn-ipsec-prefer"}},
		{(*checker).vpnAndMicrosoft, []string{"vpn-over-internet-route", "vpn-no-ms-peering-backup"}},
		{(*checker).virtualHubs, []string{"ipv6-no-vwan", "vwan-circuit-count"}},
	}
}

// vpnGateways checks each VPN gateway that shares a network with an ExpressRoute gateway.
func (k *checker) vpnGateways() {
	for _, f := range k.feeds() {
		g := k.gatewayIn(f.home, isVPN)
		if g == nil {
			continue
		}
		if strings.EqualFold(g.Properties.VPNType, "PolicyBased") {
			k.say("vpn-route-based", string(g.ID), g.Properties.VPNType, fmt.Sprintf("%s is policy-based and shares %s with %s", g.Name, f.home.Name, f.g.Name), "make it RouteBased")
		}
		if strings.EqualFold(g.Properties.SKU.Name, "Basic") {
			k.say("vpn-not-basic", string(g.ID), g.Properties.SKU.Name, fmt.Sprintf("%s has the SKU Basic and shares %s with %s", g.Name, f.home.Name, f.g.Name), "use another SKU")
		}
		if len(f.lines) != 1 {
			continue // with a second circuit the VPN is not what stands by
		}
		c := f.lines[0].c
		p := peeringOf(c, isPrivate)
		six := slices.DeleteFunc(f.networks(), func(v *azure.VirtualNetwork) bool { return len(spaceOf(v, true)) == 0 })
		if p != nil && p.Properties.IPv6PeeringConfig != nil && len(six) > 0 {
			k.say("vpn-ipv6-none", string(g.ID), networkNames(six), fmt.Sprintf("%s stands in for %s, and VPN gateways carry IPv4 only", g.Name, c.Name), "add a second circuit for IPv6, or do without IPv6 when the circuit fails")
		}
		k.vpnBackup(&f, g)
	}
}

// vpnBackup finds lines of business that could not live with the VPN in place of their only circuit.
func (k *checker) vpnBackup(f *feed, g *azure.VirtualNetworkGateway) {
	if k.d.Intent == nil {
		return
	}
	who := k.behind(f.g)
	for i := range k.d.Intent.LinesOfBusiness {
		l := &k.d.Intent.LinesOfBusiness[i]
		if slices.Contains(who, l.Name) && (l.Needs.Voice || l.Needs.Latency > 0) {
			k.say("res-vpn-backup-limits", string(g.ID), l.Name, fmt.Sprintf("when %s fails, %s has %s over the internet left, and needs a short delay", f.lines[0].c.Name, l.Name, g.Name), "add a second circuit")
		}
	}
}

// tunnel is one IPsec connection with the prefixes of its far end.
type tunnel struct {
	x       *azure.VirtualNetworkGatewayConnection
	g       *azure.VirtualNetworkGateway
	private bool // over private peering
	far     []netip.Prefix
}

// tunnelsAll lists the IPsec connections whose far end is in the design.
func (k *checker) tunnelsAll() []tunnel {
	var out []tunnel
	local := map[string]*azure.Unknown{}
	for _, u := range k.others("Microsoft.Network/localNetworkGateways") {
		local[u.ID.Key()] = u
	}
	for _, x := range k.links {
		if x.Properties.VirtualNetworkGateway1 == nil || !strings.EqualFold(x.Properties.ConnectionType, "IPsec") {
			continue
		}
		var far azure.Ref
		var p struct {
			Space azure.AddressSpace `json:"localNetworkAddressSpace"`
		}
		unmarshal(x.Properties.Extra["localNetworkGateway2"], &far)
		u, g := local[far.ID.Key()], k.gateway[x.Properties.VirtualNetworkGateway1.ID.Key()]
		if u == nil || g == nil {
			continue
		}
		properties(u, &p)
		t := tunnel{x: x, g: g, far: prefixes(p.Space.AddressPrefixes)}
		unmarshal(x.Properties.Extra["useLocalAzureIpAddress"], &t.private)
		out = append(out, t)
	}
	return out
}

// tunnels holds the prefixes of each tunnel against those that the premises announce over ExpressRoute to the same network.
func (k *checker) tunnels() {
	for _, t := range k.tunnelsAll() {
		for _, f := range k.view().feedsOf[k.homeOf(t.g)] {
			if f.home == nil || f.home != k.homeOf(t.g) {
				continue
			}
			var heard []netip.Prefix
			for _, l := range f.lines {
				heard = append(heard, k.heardOn(l.c, false)...)
			}
			k.tunnel(t, heard)
		}
	}
}

func (k *checker) tunnel(t tunnel, heard []netip.Prefix) {
	for _, p := range t.far {
		for _, q := range heard {
			inside := q.Bits() < p.Bits() && q.Contains(p.Addr()) && q.Bits() > 0
			switch {
			case !t.private && inside && !slices.Contains(heard, p):
				k.say("vpn-prefix-equal", string(t.x.ID), p.String(), fmt.Sprintf("the tunnel has %s and ExpressRoute %s, so the tunnel wins by longest match while the circuit works", p, q), fmt.Sprintf("write %s at the tunnel's local network gateway", q))
				return
			case t.private && q.Bits() >= p.Bits() && p.Contains(q.Addr()):
				k.say("vpn-ipsec-prefer", string(t.x.ID), p.String(), fmt.Sprintf("the tunnel has %s and ExpressRoute %s, so what should be encrypted goes past the tunnel", p, q), fmt.Sprintf("name more specific prefixes inside the tunnel, such as the two halves of %s", q))
				return
			}
		}
	}
}

// vpnAndMicrosoft looks at Microsoft peering beside a VPN gateway.
func (k *checker) vpnAndMicrosoft() {
	var on []*azure.ExpressRouteCircuit
	for _, c := range k.circuitsAll {
		if peeringOf(c, isMicrosoft) != nil {
			on = append(on, c)
		}
	}
	if len(on) == 0 {
		return
	}
	for _, g := range k.gatewaysAll {
		if !isVPN(g) || k.gatewayIn(k.homeOf(g), isExpressRoute) == nil {
			continue
		}
		if r, ok := k.c.Region(g.Location); ok && r.CommunityMicrosoft != "" && !g.Properties.EnablePrivateIPAddress {
			for _, c := range on {
				if k.letsIn(c, r.CommunityMicrosoft) {
					k.say("vpn-over-internet-route", string(g.ID), r.CommunityMicrosoft, fmt.Sprintf("Microsoft peering of %s announces the public addresses of %s, that of %s among them, so the tunnel fails together with the circuit", c.Name, r.Name, g.Name),
						"route the VPN gateway's public address by the internet on the premises")
					break
				}
			}
		}
		if len(on) == 1 && k.servicesMustSurvive() {
			k.say("vpn-no-ms-peering-backup", string(g.ID), on[0].Name, fmt.Sprintf("Microsoft peering is on %s only, and %s does not stand in for it", on[0].Name, g.Name), "let the services be reached over the internet when the circuit fails, or add Microsoft peering at another location")
		}
	}
}

// letsIn tells whether the route filter of a circuit's Microsoft peering allows a community.
func (k *checker) letsIn(c *azure.ExpressRouteCircuit, community string) bool {
	p := peeringOf(c, isMicrosoft)
	if p == nil || p.Properties.RouteFilter == nil {
		return false
	}
	f, ok := k.index.Get(p.Properties.RouteFilter.ID).(*azure.RouteFilter)
	return ok && slices.ContainsFunc(f.Properties.Rules, func(r azure.RouteFilterRule) bool { return slices.Contains(r.Properties.Communities, community) })
}

// virtualHubs checks the circuits of Virtual WAN hubs, as an import brings their gateways.
func (k *checker) virtualHubs() {
	for _, u := range k.others("Microsoft.Network/expressRouteGateways") {
		var p struct {
			Connections []struct {
				Properties struct {
					Peering azure.Ref `json:"expressRouteCircuitPeering"`
				} `json:"properties"`
			} `json:"expressRouteConnections"`
		}
		properties(u, &p)
		at := map[string]int{}
		n := 0
		for i := range p.Connections {
			id := p.Connections[i].Properties.Peering.ID.Parent()
			if id == "" {
				continue
			}
			n++
			c := k.circuit[id.Key()]
			if c == nil {
				continue
			}
			at[k.locationOf(c)]++
			if q := peeringOf(c, isPrivate); q != nil && q.Properties.IPv6PeeringConfig != nil {
				k.say("ipv6-no-vwan", string(u.ID), c.Name, fmt.Sprintf("%s has IPv6 and is connected to a virtual hub, which carries IPv4 only", c.Name), "end IPv6 on a gateway of a virtual network, or take it off the circuit")
			}
		}
		same, all := k.limit("links.vwan_hub.same_location"), k.limit("links.vwan_hub.different_locations")
		for _, l := range sortedKeys(at) {
			if at[l] > same {
				k.say("vwan-circuit-count", string(u.ID), l, fmt.Sprintf("%d circuits of %s are connected to one virtual hub; at most %d may be", at[l], l, same), "use circuits of other locations, or a second hub")
			}
		}
		if n > all {
			k.say("vwan-circuit-count", string(u.ID), fmt.Sprint(n), fmt.Sprintf("%d circuits are connected to one virtual hub; at most %d may be", n, all), "spread the circuits over more hubs")
		}
	}
}
