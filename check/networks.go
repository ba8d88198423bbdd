package check

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/gaissmai/bart"

	"onramp/azure"
	"onramp/design"
)

// overlaps finds address space that is used twice: between networks, between networks and sites.
func (k *checker) overlaps() {
	type used struct {
		at, whose string
		p         netip.Prefix
	}
	var (
		all  []used
		seen bart.Lite
	)
	for _, v := range k.vnets {
		for _, p := range prefixes(v.Properties.AddressSpace.AddressPrefixes) {
			for _, o := range where(seen.OverlapsPrefix(p), all) {
				if o.p.Overlaps(p) && o.at != string(v.ID) {
					k.say("route-no-overlap", string(v.ID), p.String(), fmt.Sprintf("%s overlaps %s of %s", p, o.p, o.whose), "give one of them another range")
				}
			}
			all = append(all, used{string(v.ID), v.Name, p})
			seen.Insert(p)
		}
	}
	for i := range k.d.Premises.Sites {
		s := &k.d.Premises.Sites[i]
		for _, p := range s.Prefixes {
			for _, o := range where(seen.OverlapsPrefix(p.Masked()), all) {
				switch {
				case !o.p.Overlaps(p) || p.Bits() == 0:
				case o.p.Bits() < p.Bits():
					k.say("route-no-overlap", "site "+s.Name, p.String(), fmt.Sprintf("%s lies in %s of %s, whose own route wins there even over a longer one from the gateway: nothing in it or in networks peered with it reaches %s", p, o.p, o.whose, s.Name),
						"narrow the address space of "+o.whose+" to the ranges of its subnets, or give one of them another range")
				default:
					k.say("route-no-overlap", "site "+s.Name, p.String(), fmt.Sprintf("%s overlaps %s of %s", p, o.p, o.whose), "give one of them another range")
				}
			}
		}
	}
}

// peeringTo is one VNet's side of the peering with another, nil when there is none.
func peeringTo(v *azure.VirtualNetwork, to azure.ID) *azure.VirtualNetworkPeering {
	for i := range v.Properties.VirtualNetworkPeerings {
		p := &v.Properties.VirtualNetworkPeerings[i]
		if p.Properties.RemoteVirtualNetwork != nil && p.Properties.RemoteVirtualNetwork.ID.Equal(to) {
			return p
		}
	}
	return nil
}

// peersOf are the networks of the design with which one is peered by its own account; half a peering carries nothing.
func (k *checker) peersOf(v *azure.VirtualNetwork) []*azure.VirtualNetwork {
	var out []*azure.VirtualNetwork
	for i := range v.Properties.VirtualNetworkPeerings {
		if r := v.Properties.VirtualNetworkPeerings[i].Properties.RemoteVirtualNetwork; r != nil {
			if o := k.vnetByKey[r.ID.Key()]; o != nil && o != v {
				out = append(out, o)
			}
		}
	}
	return out
}

// transitFlags checks that gateway transit is set on both sides or on neither.
func (k *checker) transitFlags() {
	for _, v := range k.vnets {
		remote := 0
		for i := range v.Properties.VirtualNetworkPeerings {
			p := &v.Properties.VirtualNetworkPeerings[i]
			at := string(v.ID) + "/virtualNetworkPeerings/" + p.Name
			if p.Properties.RemoteVirtualNetwork == nil {
				continue
			}
			far := k.vnetByKey[p.Properties.RemoteVirtualNetwork.ID.Key()]
			if far == nil {
				continue
			}
			back := peeringTo(far, v.ID)
			if back == nil {
				k.say("vnet-transit-flags", at, far.Name, fmt.Sprintf("%s has no peering back to %s, so neither side carries anything", far.Name, v.Name), "add the other half of the peering")
				continue
			}
			if p.Properties.UseRemoteGateways {
				remote++
				if !back.Properties.AllowGatewayTransit {
					k.say("vnet-transit-flags", at, "useRemoteGateways", fmt.Sprintf("%s uses the gateway of %s, which does not allow gateway transit", v.Name, far.Name), "set allowGatewayTransit on "+far.Name+"'s side of the peering")
				}
				if k.gatewayOf[v.ID.Key()] != nil {
					k.say("vnet-remote-gateway-no-own", at, "useRemoteGateways", v.Name+" has a gateway of its own and is to use another's", "take one of the two away")
				}
			}
			if p.Properties.AllowGatewayTransit && !back.Properties.UseRemoteGateways && k.gatewayOf[v.ID.Key()] != nil && k.gatewayOf[far.ID.Key()] == nil {
				k.say("vnet-transit-flags", string(far.ID)+"/virtualNetworkPeerings/"+back.Name, "useRemoteGateways: false", fmt.Sprintf("%s lends its gateway to %s, which does not use it", v.Name, far.Name),
					"set useRemoteGateways on "+far.Name+"'s side of the peering, or take allowGatewayTransit away")
			}
		}
		if remote > 1 {
			k.say("vnet-remote-gateway-single", string(v.ID), fmt.Sprint(remote), fmt.Sprintf("%s is to use %d remote gateways", v.Name, remote), "keep one")
		}
	}
}

// daisyChains finds networks whose only neighbours are spokes themselves: peering does not transit.
func (k *checker) daisyChains() {
	for _, v := range k.vnets {
		if k.gatewayOf[v.ID.Key()] != nil || lob(v) == "" || !k.needsPremises(v) {
			continue
		}
		var spokes []string
		hub := false
		for i := range v.Properties.VirtualNetworkPeerings {
			p := v.Properties.VirtualNetworkPeerings[i].Properties
			if p.RemoteVirtualNetwork == nil {
				continue
			}
			far := k.vnetByKey[p.RemoteVirtualNetwork.ID.Key()]
			switch {
			case far == nil:
			case k.gatewayOf[far.ID.Key()] != nil:
				hub = true
			case slices.ContainsFunc(far.Properties.VirtualNetworkPeerings, func(x azure.VirtualNetworkPeering) bool { return x.Properties.UseRemoteGateways }):
				spokes = append(spokes, far.Name)
			}
		}
		if !hub && len(spokes) > 0 {
			k.say("vnet-peering-nontransitive", string(v.ID), strings.Join(spokes, ", "), fmt.Sprintf("%s is peered with the spoke %s and with no hub: peering is not transitive, so it has no way to the premises", v.Name, strings.Join(spokes, ", ")),
				"peer it with the hub, with useRemoteGateways here and allowGatewayTransit there")
		}
	}
}

// needsPremises tells whether a network's line of business reaches it over private peering.
func (k *checker) needsPremises(v *azure.VirtualNetwork) bool {
	if k.d.Intent == nil {
		return true
	}
	for i := range k.d.Intent.LinesOfBusiness {
		l := &k.d.Intent.LinesOfBusiness[i]
		if l.Name == lob(v) {
			return len(l.Needs.Services) == 0 || slices.Contains(l.Needs.Services, "azure")
		}
	}
	return true
}

const gatewaySubnet = "GatewaySubnet"

// gatewaySubnets checks the subnet that gateways stand in.
func (k *checker) gatewaySubnets() {
	tables := map[string]*azure.RouteTable{}
	for _, t := range azure.Of[*azure.RouteTable](k.d.Resources) {
		tables[t.ID.Key()] = t
	}
	for _, v := range k.vnets {
		for i := range v.Properties.Subnets {
			s := &v.Properties.Subnets[i]
			if !strings.EqualFold(s.Name, gatewaySubnet) {
				continue
			}
			at := string(v.ID) + "/subnets/" + s.Name
			for _, p := range prefixes(append(slices.Clone(s.Properties.AddressPrefixes), s.Properties.AddressPrefix)) {
				if p.Addr().Is4() && p.Bits() > k.c.Limits().GatewaySubnetBits && (k.gatewayIn(v, isVPN) == nil || k.gatewayIn(v, isExpressRoute) == nil) { // else gateway-subnet-coexist
					k.say("gateway-subnet-size", at, p.String(), fmt.Sprintf("GatewaySubnet is a /%d", p.Bits()), fmt.Sprintf("make it a /%d or larger", k.c.Limits().GatewaySubnetBits))
				}
			}
			if s.Properties.NetworkSecurityGroup != nil {
				k.say("gateway-subnet-no-nsg", at, s.Properties.NetworkSecurityGroup.ID.Name(), "a network security group stands on GatewaySubnet", "take it away")
			}
			if s.Properties.RouteTable == nil {
				continue
			}
			t := tables[s.Properties.RouteTable.ID.Key()]
			if t == nil {
				continue
			}
			if t.Properties.DisableBGPRoutePropagation {
				k.say("gateway-subnet-propagation", at, t.Name, "route propagation is off on GatewaySubnet", "set disableBgpRoutePropagation to false on "+t.Name)
			}
			for j := range t.Properties.Routes {
				if p := t.Properties.Routes[j].Properties; p.AddressPrefix == "0.0.0.0/0" {
					k.say("gateway-subnet-no-default-udr", at, p.AddressPrefix, "a user-defined default route stands on GatewaySubnet", "name the spokes' prefixes instead")
				}
			}
		}
	}
}

// gateways checks what hangs on each gateway.
func (k *checker) gateways() {
	type alike struct{ region, sku string }
	unzoned := map[alike][]*azure.VirtualNetworkGateway{}
	var kinds []alike
	for _, g := range k.gatewaysAll {
		sku, ok := k.c.GatewaySKU(g.Properties.SKU.Name)
		n, at := 0, map[string]int{}
		var mbps int
		for _, x := range k.index.Links(g.ID) {
			if x.Properties.Peer == nil {
				continue
			}
			n++
			if c := k.circuit[x.Properties.Peer.ID.Key()]; c != nil {
				at[k.locationOf(c)]++
				mbps = max(mbps, circuitMbps(c))
			}
		}
		if most := k.mostCircuits(g); ok && n > most {
			k.say("gateway-circuit-count", string(g.ID), fmt.Sprint(n), fmt.Sprintf("%s has %d circuits; %s takes %d", g.Name, n, sku.Name, most), "use a larger gateway SKU, or fewer circuits")
		}
		for _, l := range sortedKeys(at) {
			if most := k.c.Limits().MaxCircuitsSameLocation; at[l] > most {
				k.say("gateway-same-location-4", string(g.ID), l, fmt.Sprintf("%d circuits of %s are linked to one network; at most %d may be", at[l], l, most), "use circuits of other locations")
			}
		}
		home := k.homeOf(g)
		if home == nil {
			k.say("gateway-subnet-name", string(g.ID), "", "the gateway stands in no network of this design", "put it into a subnet named GatewaySubnet")
			continue
		}
		if !strings.EqualFold(home.Location, g.Location) {
			k.say("gateway-region-match", string(g.ID), g.Location, fmt.Sprintf("%s is in %s and its network in %s", g.Name, g.Location, home.Location), "put both into the same region")
		}
		if r, known := k.c.Region(g.Location); known && r.Zones && ok && !sku.ZoneRedundant {
			one := alike{r.Name, sku.Name}
			unzoned[one] = append(unzoned[one], g)
			if len(unzoned[one]) == 1 {
				kinds = append(kinds, one)
			}
		}
	}
	for _, one := range kinds { // what is alike has one cause, and one finding
		list := unzoned[one]
		var names []string
		for _, g := range list[:min(len(list), 3)] {
			names = append(names, g.Name)
		}
		who := strings.Join(names, ", ") + " is"
		if len(list) > 1 {
			who = strings.Join(names, ", ") + " are"
		}
		if len(list) > len(names) {
			who = fmt.Sprintf("%s and %d more are", strings.Join(names, ", "), len(list)-len(names))
		}
		k.say("gateway-zone-redundant", string(list[0].ID), one.sku, who+" not zone-redundant although "+one.region+" has zones", "use an AZ SKU")
	}
}

// remoteVNets checks the flag that lets networks of one circuit reach each other through it.
func (k *checker) remoteVNets() {
	type user struct {
		g    *azure.VirtualNetworkGateway
		lobs []string
	}
	on := map[string][]user{}
	off := map[string][]user{}
	for _, x := range k.links {
		p := x.Properties
		if p.VirtualNetworkGateway1 == nil || p.Peer == nil {
			continue
		}
		g := k.gateway[p.VirtualNetworkGateway1.ID.Key()]
		switch {
		case g == nil:
		case g.Properties.AllowRemoteVNetTraffic:
			on[p.Peer.ID.Key()] = append(on[p.Peer.ID.Key()], user{g, k.behind(g)})
		default:
			off[p.Peer.ID.Key()] = append(off[p.Peer.ID.Key()], user{g, k.behind(g)})
		}
	}
	keptApart := func(a, b user) string {
		for _, x := range a.lobs {
			for _, y := range b.lobs {
				if k.isolated(x, y) {
					return x + " and " + y
				}
			}
		}
		return ""
	}
	for _, c := range k.circuitsAll {
		users := on[c.ID.Key()]
		for i, a := range users {
			for _, b := range off[c.ID.Key()] {
				if apart := keptApart(a, b); apart != "" {
					k.sayAs(design.Warning, "vnet-to-vnet-flag", string(a.g.ID), "allowRemoteVnetTraffic", fmt.Sprintf("%s must be isolated, and only %s keeps %s from letting its networks in over %s", apart, b.g.Name, a.g.Name, c.Name),
						"turn allowRemoteVnetTraffic off on "+a.g.Name)
				}
			}
			for _, b := range users[i+1:] {
				apart := keptApart(a, b)
				if apart != "" {
					k.sayAs(design.Error, "vnet-to-vnet-flag", string(a.g.ID), "allowRemoteVnetTraffic", fmt.Sprintf("%s must be isolated, and the gateways %s and %s let each other's networks in over %s", apart, a.g.Name, b.g.Name, c.Name),
						"turn allowRemoteVnetTraffic off on both gateways")
				} else if a.g != b.g {
					k.say("vnet-use-peering-not-er", string(a.g.ID), "allowRemoteVnetTraffic", fmt.Sprintf("networks of %s and %s reach each other through %s", a.g.Name, b.g.Name, c.Name), "peer the networks instead")
				}
			}
		}
	}
}

// behind are the lines of business whose networks use a gateway: of its own network and of the spokes.
func (k *checker) behind(g *azure.VirtualNetworkGateway) []string {
	home := k.homeOf(g)
	if home == nil {
		return nil
	}
	var out []string
	add := func(name string) {
		if name != "" && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	add(lob(home))
	for _, v := range k.view().spokes[home] {
		add(lob(v))
	}
	slices.Sort(out)
	return out
}

// networkLimits checks the number of peerings of a network.
func (k *checker) networkLimits() {
	for _, v := range k.vnets {
		if n, most := len(v.Properties.VirtualNetworkPeerings), k.c.Limits().VNetPeerings; n > most {
			k.say("vnet-peering-count", string(v.ID), fmt.Sprint(n), fmt.Sprintf("%s has %d peerings; at most %d may be", v.Name, n, most), "spread the networks over more hubs")
		}
	}
}

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for key := range m {
		out = append(out, key)
	}
	slices.Sort(out)
	return out
}
