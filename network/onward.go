package network

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// onward is where a packet goes from a subnet.
type onward struct {
	kind        onwardKind
	vnet        *vnet     // toVNet
	firewall    *firewall // toFirewall
	gateway     *gateway  // toGateway
	fate        Fate      // toEnd
	reason, via string
}

type onwardKind uint8

const (
	toEnd onwardKind = iota
	toVNet
	toFirewall
	toGateway
)

// onward decides what one effective route makes of a packet that is forwarded in a subnet; gatewayed tells that it came in by the
// VNet's gateway. It asks neither whether anything is up nor what a firewall's rules say.
func (n *Network) onward(sn *subnet, row EffectiveRoute, src, dst netip.Addr, gatewayed bool) onward {
	v := sn.vnet
	end := func(fate Fate, format string, args ...any) onward {
		return onward{kind: toEnd, fate: fate, reason: fmt.Sprintf(format, args...)}
	}
	switch {
	case strings.EqualFold(row.NextHopType, hopLocal):
		return onward{kind: toVNet, vnet: v}
	case row.NextHopType == hopPeering:
		to := peeredWith(v, dst)
		if to == nil {
			return end(Dropped, "the peering is not connected")
		}
		if !mayCross(v, to, src, gatewayed) {
			return end(Dropped, "the peering of %s with %s does not allow forwarded traffic", to.name, v.name)
		}
		return onward{kind: toVNet, vnet: to, via: "peering to " + to.name}
	case strings.EqualFold(row.NextHopType, hopAppliance):
		for _, f := range n.firewalls {
			if len(row.NextHops) == 0 || f.addr != row.NextHops[0] || f.vnet != v && (v.peer(f.vnet) == nil || !v.peer(f.vnet).access) {
				continue
			}
			if f.vnet != v && !mayCross(v, f.vnet, src, gatewayed) {
				o := end(Dropped, "the peering of %s with %s does not allow forwarded traffic", f.vnet.name, v.name)
				o.via = "firewall " + f.name
				return o
			}
			return onward{kind: toFirewall, firewall: f, via: "firewall " + f.name}
		}
		return end(Dropped, "no appliance answers at %v, the next hop of %s", row.NextHops, row.Prefix)
	case strings.EqualFold(row.NextHopType, hopGateway):
		g := v.gatewayFor()
		switch {
		case g == nil || row.Source != sourceGateway:
			return end(Dropped, "a user route cannot name an ExpressRoute gateway as next hop")
		case gatewayed:
			return end(Dropped, "%s does not pass traffic from one circuit to another", g.name)
		}
		return onward{kind: toGateway, gateway: g}
	case strings.EqualFold(row.NextHopType, hopInternet):
		return end(Internet, "%s/%s sends %s to the internet (%s)", v.name, sn.name, dst, row.Prefix)
	}
	return end(Dropped, "%s/%s drops %s (%s to None)", v.name, sn.name, dst, row.Prefix)
}

// mayCross tells whether the far side of a peering takes what this VNet merely forwards (allowForwardedTraffic); what a gateway brings
// for a VNet that uses it needs no such leave.
func mayCross(from, to *vnet, src netip.Addr, gatewayed bool) bool {
	inside := slices.ContainsFunc(from.prefixes, func(p netip.Prefix) bool { return p.Contains(src) })
	back := to.peer(from)
	return inside || back != nil && back.forwarded || gatewayed && to.gatewayFor() == from.gateway
}
