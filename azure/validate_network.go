package azure

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// Names and sizes of subnets that Azure's own services ask for (expressroute-about-virtual-network-gateways.md; Azure Firewall
// refuses anything but an AzureFirewallSubnet).
const (
	gatewaySubnetName  = "GatewaySubnet"
	firewallSubnetName = "AzureFirewallSubnet"
	firewallSubnetBits = 26
	hubFirewallSKU     = "AZFW_Hub" // a firewall in a virtual hub, which has no subnet
	typePolicy         = "Microsoft.Network/firewallPolicies"
	typeResourceGroup  = "Microsoft.Resources/resourceGroups"
	smallestSubnetBits = 29
	routeServerSubnet  = "RouteServerSubnet"
	reservedAddresses  = 4 // at the beginning of each subnet; one more at its end
)

// spaceOf is a VNet's address space, as far as it can be read.
func spaceOf(n *VirtualNetwork) []netip.Prefix {
	var out []netip.Prefix
	for _, s := range n.Properties.AddressSpace.AddressPrefixes {
		if p, err := netip.ParsePrefix(s); err == nil {
			out = append(out, p.Masked())
		}
	}
	return out
}

// prefixes is what a subnet lists as its ranges, in whichever of the two properties; Azure answers with both at times.
func (s *Subnet) prefixes() []string {
	list := s.Properties.AddressPrefixes
	if one := s.Properties.AddressPrefix; len(list) == 0 || one != "" && !slices.Contains(list, one) {
		return append([]string{one}, list...)
	}
	return list
}

// prefixesOf are a subnet's prefixes, as far as they can be read.
func prefixesOf(s *Subnet) []netip.Prefix {
	var out []netip.Prefix
	for _, x := range s.prefixes() {
		if p, err := netip.ParsePrefix(x); err == nil {
			out = append(out, p.Masked())
		}
	}
	return out
}

// network checks a virtual network with its subnets and its side of peerings.
func (v *validator) network(n *VirtualNetwork) {
	at := "properties.addressSpace.addressPrefixes"
	if len(n.Properties.AddressSpace.AddressPrefixes) == 0 {
		v.say(codeVNetInvalid, n.ID, at, "", n.Name+" has no address space", "give it at least one prefix")
	}
	var space []netip.Prefix
	for i, s := range n.Properties.AddressSpace.AddressPrefixes {
		where := fmt.Sprintf("%s[%d]", at, i)
		p, ok := v.prefix(n.ID, where, s)
		if !ok {
			continue
		}
		for _, o := range space {
			if o.Overlaps(p) {
				v.say(codeVNetInvalid, n.ID, where, s, "it overlaps "+o.String()+" of the same network", "list each range once")
			}
		}
		space = append(space, p)
	}
	v.subnets(n, space)
	v.peerings(n, space)
}

func (v *validator) subnets(n *VirtualNetwork, space []netip.Prefix) {
	type used struct {
		name string
		p    netip.Prefix
	}
	var all []used
	names := map[string]bool{}
	for i := range n.Properties.Subnets {
		s := &n.Properties.Subnets[i]
		at := fmt.Sprintf("properties.subnets[%d]", i)
		if key := strings.ToLower(s.Name); names[key] {
			v.say(codeBadRequest, n.ID, at+".name", s.Name, "there are two subnets of this name", "give each its own name")
		} else {
			names[key] = true
		}
		r, _ := v.refers(n.ID, at+".properties.routeTable", s.Properties.RouteTable, "Microsoft.Network/routeTables")
		if t, ok := r.(*RouteTable); ok && strings.EqualFold(s.Name, gatewaySubnetName) {
			v.gatewayTable(n.ID, at+".properties.routeTable", t)
		}
		v.refers(n.ID, at+".properties.networkSecurityGroup", s.Properties.NetworkSecurityGroup, "Microsoft.Network/networkSecurityGroups")
		if strings.EqualFold(s.Name, gatewaySubnetName) && s.Properties.NetworkSecurityGroup != nil {
			v.refuse("gateway-subnet-no-nsg", n.ID, at+".properties.networkSecurityGroup", s.Properties.NetworkSecurityGroup.ID.Name(), "a network security group cannot stand on GatewaySubnet", "take it away")
		}
		for _, x := range s.prefixes() {
			p, ok := v.prefix(n.ID, at+".properties.addressPrefix", x)
			if !ok {
				continue
			}
			if !slices.ContainsFunc(space, func(a netip.Prefix) bool { return a.Bits() <= p.Bits() && a.Contains(p.Addr()) }) {
				v.say(codeSubnetOutside, n.ID, at+".properties.addressPrefix", x, "subnet "+s.Name+" lies outside the network's address space", "use a part of "+fmt.Sprint(space))
			}
			if p.Addr().Is4() && p.Bits() > smallestSubnetBits || p.Addr().Is6() && p.Bits() != 64 {
				v.say(codeBadRequest, n.ID, at+".properties.addressPrefix", x, "a subnet is a /29 or larger, and exactly a /64 with IPv6", "use such a length")
			}
			for _, o := range all {
				if o.p.Overlaps(p) {
					v.say(codeSubnetOverlap, n.ID, at+".properties.addressPrefix", x, fmt.Sprintf("subnet %s overlaps %s (%s)", s.Name, o.name, o.p), "use a free range")
				}
			}
			all = append(all, used{s.Name, p})
		}
	}
}

// gatewayTable checks the route table of a GatewaySubnet, whose gateway has to find its own way out.
func (v *validator) gatewayTable(id ID, at string, t *RouteTable) {
	if t.Properties.DisableBGPRoutePropagation {
		v.refuse("gateway-subnet-propagation", id, at, t.Name, "the table keeps the gateway's routes away from GatewaySubnet", "set disableBgpRoutePropagation to false")
	}
	for i := range t.Properties.Routes {
		if r := &t.Properties.Routes[i]; r.Properties.AddressPrefix == "0.0.0.0/0" {
			v.refuse("gateway-subnet-no-default-udr", id, at, r.Name, "the table has a route for 0.0.0.0/0, which GatewaySubnet does not take", "name the prefixes that are meant")
		}
	}
}

func (v *validator) peerings(n *VirtualNetwork, space []netip.Prefix) {
	list := n.Properties.VirtualNetworkPeerings
	if most := v.c.Limits().VNetPeerings; len(list) > most {
		v.refuse("vnet-peering-count", n.ID, "properties.virtualNetworkPeerings", fmt.Sprint(len(list)), fmt.Sprintf("at most %d peerings are allowed", most), "spread the networks over more hubs")
	}
	remote := 0
	far := map[string]string{}
	var reached []*VirtualNetwork
	for i := range list {
		p := &list[i].Properties
		at := fmt.Sprintf("properties.virtualNetworkPeerings[%d].properties", i)
		if p.RemoteVirtualNetwork == nil {
			v.say(codeReferenceNoID, n.ID, at+".remoteVirtualNetwork", "", "the peering has no other end", "name the remote network")
			continue
		}
		r, ok := v.refers(n.ID, at+".remoteVirtualNetwork", p.RemoteVirtualNetwork, "Microsoft.Network/virtualNetworks")
		if !ok {
			continue
		}
		other, _ := r.(*VirtualNetwork)
		if other == nil {
			continue
		}
		if first, twice := far[other.ID.Key()]; twice {
			v.say(codeBadRequest, n.ID, at+".remoteVirtualNetwork", other.Name, "it is peered with "+other.Name+" already, by "+first, "keep one peering with each network")
		}
		if _, twice := far[other.ID.Key()]; !twice {
			v.peersOverlap(n, reached, other, at)
			reached = append(reached, other)
		}
		far[other.ID.Key()] = list[i].Name
		for _, a := range space {
			for _, b := range spaceOf(other) {
				if a.Overlaps(b) {
					v.say(codeVNetsOverlap, n.ID, at+".remoteVirtualNetwork", a.String(), fmt.Sprintf("%s overlaps %s of %s", a, b, other.Name), "give one of them another range")
				}
			}
		}
		if p.UseRemoteGateways {
			remote++
			v.remoteGateways(n, other, at)
		}
	}
	if remote > 1 {
		v.refuse("vnet-remote-gateway-single", n.ID, "properties.virtualNetworkPeerings", fmt.Sprint(remote), "only one peering may use remote gateways", "keep one")
	}
}

// peersOverlap checks a network that is to be peered with n against those that are peered with it already.
func (v *validator) peersOverlap(n *VirtualNetwork, reached []*VirtualNetwork, other *VirtualNetwork, at string) {
	for _, o := range reached {
		for _, a := range spaceOf(other) {
			for _, b := range spaceOf(o) {
				if a.Overlaps(b) {
					v.say(codePeersOverlap, n.ID, at+".remoteVirtualNetwork", a.String(), fmt.Sprintf("%s of %s overlaps %s of %s, which is peered already", a, other.Name, b, o.Name), "give one of them another range")
				}
			}
		}
	}
}

// remoteGateways checks one peering that is to use the other network's gateway.
func (v *validator) remoteGateways(n, other *VirtualNetwork, at string) {
	if !v.hasGateway(other) {
		v.say(codeNoGateways, n.ID, at+".useRemoteGateways", "true", other.Name+" has no gateway", "add one there, or take useRemoteGateways away")
	}
	if v.hasGateway(n) {
		v.refuse("vnet-remote-gateway-no-own", n.ID, at+".useRemoteGateways", "true", n.Name+" has a gateway of its own", "keep one of the two")
	}
	lends := slices.ContainsFunc(other.Properties.VirtualNetworkPeerings, func(p VirtualNetworkPeering) bool {
		return p.Properties.RemoteVirtualNetwork != nil && p.Properties.RemoteVirtualNetwork.ID.Equal(n.ID) && p.Properties.AllowGatewayTransit
	})
	if !lends {
		v.refuse("vnet-transit-flags", n.ID, at+".useRemoteGateways", "true", other.Name+" does not allow gateway transit to "+n.Name, "set allowGatewayTransit on the other half")
	}
}

func (v *validator) hasGateway(n *VirtualNetwork) bool {
	if len(v.index.GatewaysIn(n.ID)) > 0 {
		return true
	}
	return v.hasRouteServer(n)
}

// hasRouteServer tells whether a Route Server, which a peering may use like a gateway, stands in the network: an IP
// configuration of a virtual hub in its RouteServerSubnet.
func (v *validator) hasRouteServer(n *VirtualNetwork) bool {
	return slices.ContainsFunc(Of[*Unknown](v.rs), func(u *Unknown) bool {
		var p struct {
			Subnet Ref `json:"subnet"`
		}
		if !strings.EqualFold(u.Type, "Microsoft.Network/virtualHubs/ipConfigurations") || json.Unmarshal(u.Extra["properties"], &p) != nil {
			return false
		}
		return p.Subnet.ID.Parent().Equal(n.ID) && strings.EqualFold(p.Subnet.ID.Name(), routeServerSubnet)
	})
}

// routeTable checks user-defined routes (virtual-networks-udr-overview.md).
func (v *validator) routeTable(t *RouteTable) {
	if most := v.c.Limits().RoutesPerTable; len(t.Properties.Routes) > most {
		v.refuse("routes.udr_per_route_table", t.ID, "properties.routes", fmt.Sprint(len(t.Properties.Routes)), fmt.Sprintf("a table holds at most %d routes", most), "join prefixes")
	}
	names, prefixes := map[string]bool{}, map[netip.Prefix]string{}
	for i := range t.Properties.Routes {
		r := &t.Properties.Routes[i]
		at := fmt.Sprintf("properties.routes[%d]", i)
		if key := strings.ToLower(r.Name); names[key] {
			v.say(codeBadRequest, t.ID, at+".name", r.Name, "there are two routes of this name", "give each its own name")
		} else {
			names[key] = true
		}
		// A service tag may stand instead of a prefix.
		if text := r.Properties.AddressPrefix; text == "" || strings.Contains(text, "/") {
			if p, ok := v.prefix(t.ID, at+".properties.addressPrefix", text); ok {
				if o, twice := prefixes[p]; twice {
					v.say(codeBadRequest, t.ID, at+".properties.addressPrefix", text, "route "+o+" has the same prefix", "keep one")
				}
				prefixes[p] = r.Name
			}
		}
		known := []string{"VirtualAppliance", "VirtualNetworkGateway", "VnetLocal", "Internet", "None"}
		if !slices.ContainsFunc(known, func(s string) bool { return strings.EqualFold(s, r.Properties.NextHopType) }) {
			v.refuse("route-udr-next-hop-er", t.ID, at+".properties.nextHopType", r.Properties.NextHopType, "there is no such type of next hop", "use one of "+strings.Join(known, ", "))
			continue
		}
		appliance := strings.EqualFold(r.Properties.NextHopType, "VirtualAppliance")
		_, err := netip.ParseAddr(r.Properties.NextHopIPAddress)
		switch {
		case appliance && err != nil:
			v.say(codeBadRequest, t.ID, at+".properties.nextHopIpAddress", r.Properties.NextHopIPAddress, "a route to an appliance needs the appliance's address", "write it")
		case !appliance && r.Properties.NextHopIPAddress != "":
			v.say(codeBadRequest, t.ID, at+".properties.nextHopIpAddress", r.Properties.NextHopIPAddress, "only a route to an appliance has an address", "leave it out")
		}
	}
}

// ipConfiguration checks the one configuration of a gateway or firewall in its subnet.
func (v *validator) ipConfiguration(id ID, i int, p *GatewayIPConfigurationProperties, subnet string) (*VirtualNetwork, *Subnet) {
	at := fmt.Sprintf("properties.ipConfigurations[%d].properties", i)
	n, s := v.subnet(id, at+".subnet", p.Subnet)
	v.refers(id, at+".publicIPAddress", p.PublicIPAddress, "Microsoft.Network/publicIPAddresses")
	if s == nil {
		return nil, nil
	}
	switch {
	case strings.EqualFold(s.Name, subnet):
	case subnet == gatewaySubnetName:
		v.refuse("gateway-subnet-name", id, at+".subnet", s.Name, "the gateway stands in a subnet named "+s.Name, "put it into "+subnet)
	case strings.EqualFold(s.Name, gatewaySubnetName):
		v.say(codeInGatewaySubnet, id, at+".subnet", s.Name, "GatewaySubnet holds gateways only", "put it into "+subnet)
	default:
		v.say(codeBadRequest, id, at+".subnet", s.Name, "it stands in a subnet named "+s.Name, "put it into "+subnet)
	}
	if p.PrivateIPAddress != "" {
		v.address(id, at+".privateIPAddress", p.PrivateIPAddress, s)
	}
	return n, s
}

// address checks a private address inside its subnet.
func (v *validator) address(id ID, at, text string, s *Subnet) {
	a, err := netip.ParseAddr(text)
	if err != nil {
		v.say(codeBadRequest, id, at, text, "this is not an address", "write one of the subnet")
		return
	}
	for _, p := range prefixesOf(s) {
		if !p.Contains(a) {
			continue
		}
		b := p.Addr()
		for range reservedAddresses {
			if a == b {
				v.say(codeAddressReserved, id, at, text, "Azure keeps the first addresses of a subnet for itself", "use "+p.String()+" from the fifth address on")
			}
			b = b.Next()
		}
		if !p.Contains(a.Next()) {
			v.say(codeAddressReserved, id, at, text, "Azure keeps the last address of a subnet for itself", "use another one of "+p.String())
		}
		return
	}
	v.say(codeAddressOutside, id, at, text, "the address is not in subnet "+s.Name, "use one of "+fmt.Sprint(prefixesOf(s)))
}

// firewall checks an Azure Firewall in a VNet.
func (v *validator) firewall(f *AzureFirewall) {
	if len(f.Properties.IPConfigurations) == 0 && !strings.EqualFold(f.Properties.SKU.Name, hubFirewallSKU) {
		v.say(codeIPConfigCount, f.ID, "properties.ipConfigurations", "0", "a firewall in a network needs an IP configuration", "add one in AzureFirewallSubnet")
	}
	v.refers(f.ID, "properties.firewallPolicy", f.Properties.FirewallPolicy, typePolicy)
	for i := range f.Properties.IPConfigurations {
		p := &f.Properties.IPConfigurations[i].Properties
		if i == 0 && p.PublicIPAddress == nil {
			v.say(codeBadRequest, f.ID, "properties.ipConfigurations[0].properties.publicIPAddress", "", "the firewall has no public address", "give it one of SKU Standard")
		}
		if p.Subnet == nil && i > 0 {
			continue // further public addresses have none
		}
		n, s := v.ipConfiguration(f.ID, i, p, firewallSubnetName)
		if s == nil {
			continue
		}
		if !strings.EqualFold(n.Location, f.Location) {
			v.say(codeBadRequest, f.ID, "location", f.Location, "its network is in "+n.Location, "put the firewall there too")
		}
		for _, x := range prefixesOf(s) {
			if x.Addr().Is4() && x.Bits() > firewallSubnetBits {
				v.say(codeBadRequest, f.ID, fmt.Sprintf("properties.ipConfigurations[%d].properties.subnet", i), x.String(), fmt.Sprintf("AzureFirewallSubnet is a /%d", x.Bits()), fmt.Sprintf("make it a /%d or larger", firewallSubnetBits))
			}
		}
	}
}
