package azure

import (
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

const (
	privatePeeringName   = "AzurePrivatePeering"
	microsoftPeeringName = "MicrosoftPeering"
	typeCircuit          = "Microsoft.Network/expressRouteCircuits"
	typePort             = "Microsoft.Network/expressRoutePorts"
	typeGateway          = "Microsoft.Network/virtualNetworkGateways"
	typeFilter           = "Microsoft.Network/routeFilters"
)

// circuit checks a circuit: what is bought, its peerings and authorizations.
func (v *validator) circuit(c *ExpressRouteCircuit) {
	tiers, families := []string{"Local", "Standard", "Premium", "Basic"}, []string{"MeteredData", "UnlimitedData"}
	if !slices.Contains(tiers, c.SKU.Tier) {
		v.refuse("circuit.skus", c.ID, "sku.tier", c.SKU.Tier, "there is no such tier", "use one of "+strings.Join(tiers, ", "))
	}
	if !slices.Contains(families, c.SKU.Family) {
		v.refuse("circuit.families", c.ID, "sku.family", c.SKU.Family, "there is no such family", "use one of "+strings.Join(families, ", "))
	}
	if want := c.SKU.Tier + "_" + c.SKU.Family; c.SKU.Name != want {
		v.say(codeBadRequest, c.ID, "sku.name", c.SKU.Name, "the name of the SKU is not that of its tier and family", "write "+want)
	}
	if c.SKU.Tier == "Local" && c.SKU.Family != "UnlimitedData" {
		v.refuse("circuit.families", c.ID, "sku.family", c.SKU.Family, "a Local circuit has its data included", "use UnlimitedData")
	}
	sp, port := c.Properties.ServiceProviderProperties, c.Properties.ExpressRoutePort
	switch {
	case sp == nil && port == nil:
		v.say(codeNoPort, c.ID, "properties", "", "the circuit has neither a provider nor a Direct port", "give it one of them")
	case sp != nil && port != nil:
		v.say(codeBadRequest, c.ID, "properties", "", "the circuit has a provider and a Direct port", "keep one of them")
	case sp != nil:
		v.provided(c, sp)
	default:
		v.direct(c)
	}
	seen := map[string]bool{}
	tags := map[int]string{}
	for i := range c.Properties.Peerings {
		v.peering(c, i, seen, tags)
	}
	names := map[string]bool{}
	for i := range c.Properties.Authorizations {
		a := &c.Properties.Authorizations[i]
		if key := strings.ToLower(a.Name); names[key] {
			v.say(codeBadRequest, c.ID, fmt.Sprintf("properties.authorizations[%d].name", i), a.Name, "there are two authorizations of this name", "give each its own name")
		} else {
			names[key] = true
		}
	}
	v.circuitLinks(c)
}

func (v *validator) provided(c *ExpressRouteCircuit, sp *ServiceProviderProperties) {
	at := "properties.serviceProviderProperties"
	if sp.ServiceProviderName == "" {
		v.say(codeNoProviderName, c.ID, at+".serviceProviderName", "", "the circuit names no provider", "name one")
	}
	if sp.PeeringLocation == "" {
		v.say(codeNoLocation, c.ID, at+".peeringLocation", "", "the circuit names no peering location", "name one")
	}
	found := v.c.Provider(sp.ServiceProviderName)
	offered := false
	for _, o := range v.c.ProvidersAt(sp.PeeringLocation) {
		offered = offered || o.Provider == sp.ServiceProviderName
	}
	switch {
	case sp.ServiceProviderName == "" || sp.PeeringLocation == "":
	case !found.Listed || found.Name != sp.ServiceProviderName:
		v.say(codeNoProvider, c.ID, at+".serviceProviderName", sp.ServiceProviderName, found.String(), "use the name that the list has today")
	case !offered:
		v.say(codeNotAtLocation, c.ID, at+".peeringLocation", sp.PeeringLocation, sp.ServiceProviderName+" is not listed there", "choose a location of the provider")
	}
	sold := v.c.Limits().CircuitMbps
	if c.SKU.Tier == "Local" {
		sold = v.c.Limits().LocalCircuitMbps
	}
	if !slices.Contains(sold, sp.BandwidthInMbps) {
		v.refuse("circuit-bandwidth-option", c.ID, at+".bandwidthInMbps", strconv.Itoa(sp.BandwidthInMbps), "no "+c.SKU.Tier+" circuit of this speed is sold", fmt.Sprintf("use one of %v", sold))
	}
}

func (v *validator) direct(c *ExpressRouteCircuit) {
	r, ok := v.refers(c.ID, "properties.expressRoutePort", c.Properties.ExpressRoutePort, typePort)
	p, _ := r.(*ExpressRoutePort)
	if !ok || p == nil {
		return
	}
	if c.Properties.BandwidthInGbps == nil {
		v.refuse("direct-circuit-sizes", c.ID, "properties.bandwidthInGbps", "", "a circuit on a Direct port needs its bandwidth", "write it in Gbps")
		return
	}
	sizes := v.c.Limits().DirectCircuitGbps(p.Properties.BandwidthInGbps)
	if g := *c.Properties.BandwidthInGbps; g != math.Trunc(g) || !slices.Contains(sizes, int(g)) {
		v.refuse("direct-circuit-sizes", c.ID, "properties.bandwidthInGbps", strconv.FormatFloat(g, 'f', -1, 64), fmt.Sprintf("no circuit of this speed is made on a %d Gbps port", p.Properties.BandwidthInGbps), fmt.Sprintf("use one of %v", sizes))
	}
}

// port checks a pair of ExpressRoute Direct ports.
func (v *validator) port(p *ExpressRoutePort) {
	if l, ok := v.c.Location(p.Properties.PeeringLocation); !ok || !l.Direct {
		v.refuse("direct-location-supported", p.ID, "properties.peeringLocation", p.Properties.PeeringLocation, "ExpressRoute Direct is not offered there", "use a location with Direct: `onramp catalog locations --direct`")
	}
	if sold := v.c.Limits().DirectPortGbps; !slices.Contains(sold, p.Properties.BandwidthInGbps) {
		v.refuse("direct.ports_gbps", p.ID, "properties.bandwidthInGbps", strconv.Itoa(p.Properties.BandwidthInGbps), "there are no ports of this speed", fmt.Sprintf("use one of %v", sold))
	}
	if e := p.Properties.Encapsulation; !strings.EqualFold(e, "Dot1Q") && !strings.EqualFold(e, "QinQ") {
		v.refuse("direct.encapsulation", p.ID, "properties.encapsulation", e, "there is no such encapsulation", "use Dot1Q or QinQ")
	}
	sum := 0.0
	for _, c := range Of[*ExpressRouteCircuit](v.rs) {
		if c.Properties.ExpressRoutePort != nil && c.Properties.ExpressRoutePort.ID.Equal(p.ID) && c.Properties.BandwidthInGbps != nil {
			sum += *c.Properties.BandwidthInGbps
		}
	}
	if most := v.c.Limits().DirectOversubscription * float64(p.Properties.BandwidthInGbps); sum > most {
		v.refuse("direct-oversubscription", p.ID, "properties.bandwidthInGbps", strconv.FormatFloat(sum, 'f', -1, 64), fmt.Sprintf("the circuits on the ports add up to %g Gbps; at most %g may", sum, most), "use larger ports or smaller circuits")
	}
}

// peering checks one peering of a circuit (expressroute-routing.md).
func (v *validator) peering(c *ExpressRouteCircuit, i int, seen map[string]bool, tags map[int]string) {
	p := &c.Properties.Peerings[i]
	at := fmt.Sprintf("properties.peerings[%d]", i)
	x := &p.Properties
	if x.PeeringType != privatePeeringName && x.PeeringType != microsoftPeeringName {
		v.refuse("bgp.peerings_per_circuit", c.ID, at+".properties.peeringType", x.PeeringType, "there is no such peering", "use "+privatePeeringName+" or "+microsoftPeeringName)
	}
	if p.Name != x.PeeringType {
		v.say(codeBadRequest, c.ID, at+".name", p.Name, "a peering is named for its type", "name it "+x.PeeringType)
	}
	if seen[x.PeeringType] {
		v.refuse("bgp.peerings_per_circuit", c.ID, at+".properties.peeringType", x.PeeringType, "the circuit has this peering already", "keep one of each type")
	}
	seen[x.PeeringType] = true
	limits := v.c.Limits()
	if x.VLANID < limits.VLANMin || x.VLANID > limits.VLANMax {
		v.refuse("vlan.max", c.ID, at+".properties.vlanId", strconv.Itoa(x.VLANID), "this is no VLAN ID", fmt.Sprintf("use %d to %d", limits.VLANMin, limits.VLANMax))
	} else if o, twice := tags[x.VLANID]; twice {
		v.refuse("peering-vlan-match", c.ID, at+".properties.vlanId", strconv.Itoa(x.VLANID), o+" has the same VLAN", "use a different VLAN for each peering")
	} else {
		tags[x.VLANID] = p.Name
	}
	if asn := x.PeerASN; asn == 0 || slices.Contains(limits.ReservedASNs, asn) || asn == limits.MicrosoftASN {
		v.refuse("peering-asn-reserved", c.ID, at+".properties.peerASN", strconv.FormatUint(uint64(asn), 10), "this AS number cannot be the customer's", "use another one")
	}
	v.links(c.ID, at+".properties", x.PrimaryPeerAddressPrefix, x.SecondaryPeerAddressPrefix, 30, false)
	if six := x.IPv6PeeringConfig; six != nil {
		v.links(c.ID, at+".properties.ipv6PeeringConfig", six.PrimaryPeerAddressPrefix, six.SecondaryPeerAddressPrefix, 126, true)
		v.refers(c.ID, at+".properties.ipv6PeeringConfig.routeFilter", six.RouteFilter, typeFilter)
	}
	v.refers(c.ID, at+".properties.routeFilter", x.RouteFilter, typeFilter)
	if x.PeeringType == microsoftPeeringName {
		if cfg := x.MicrosoftPeeringConfig; cfg == nil || len(cfg.AdvertisedPublicPrefixes) == 0 {
			v.refuse("ms-peering-public-only", c.ID, at+".properties.microsoftPeeringConfig.advertisedPublicPrefixes", "", "Microsoft peering needs the public prefixes that are announced", "list them")
		} else {
			for j, s := range cfg.AdvertisedPublicPrefixes {
				where := fmt.Sprintf("%s.properties.microsoftPeeringConfig.advertisedPublicPrefixes[%d]", at, j)
				if q, ok := v.prefix(c.ID, where, s); ok && q.Addr().IsPrivate() {
					v.refuse("ms-peering-public-only", c.ID, where, s, "this is a private range", "list public prefixes that are yours")
				}
			}
		}
	} else if x.RouteFilter != nil {
		v.refuse("ms-peering-route-filter", c.ID, at+".properties.routeFilter", x.RouteFilter.ID.Name(), "a route filter belongs to Microsoft peering", "take it away")
	}
}

// links checks the two link subnets of a peering.
func (v *validator) links(id ID, at, primary, secondary string, bits int, ipv6 bool) {
	var both []netip.Prefix
	for key, s := range map[string]string{"primaryPeerAddressPrefix": primary, "secondaryPeerAddressPrefix": secondary} {
		p, ok := v.prefix(id, at+"."+key, s)
		if !ok {
			continue
		}
		both = append(both, p)
		if p.Addr().Is6() != ipv6 || p.Bits() != bits {
			v.refuse("peering-subnet-size", id, at+"."+key, s, fmt.Sprintf("each link has a /%d", bits), fmt.Sprintf("write a /%d", bits))
		}
	}
	if len(both) == 2 && both[0].Overlaps(both[1]) {
		v.refuse("peering-subnet-unique", id, at+".secondaryPeerAddressPrefix", secondary, "it overlaps the primary link's subnet", "use another one")
	}
}

// circuitLinks checks the number of networks that are linked to a circuit.
func (v *validator) circuitLinks(c *ExpressRouteCircuit) {
	n := 0
	for _, x := range Of[*VirtualNetworkGatewayConnection](v.rs) {
		if x.Properties.Peer != nil && x.Properties.Peer.ID.Equal(c.ID) {
			n++
		}
	}
	mbps := 0
	if sp := c.Properties.ServiceProviderProperties; sp != nil {
		mbps = sp.BandwidthInMbps
	} else if g := c.Properties.BandwidthInGbps; g != nil {
		mbps = int(math.Round(*g * 1000))
	}
	if most, known := v.c.Limits().VNetLinks(c.SKU.Tier, mbps); known && n > most {
		v.refuse("circuit-vnet-link-limit", c.ID, "properties", strconv.Itoa(n), fmt.Sprintf("%d networks are linked; %s at %d Mbps allows %d", n, c.SKU.Tier, mbps, most), "use Premium, or fewer links")
	}
}

// gateway checks an ExpressRoute or VPN gateway in its GatewaySubnet.
func (v *validator) gateway(g *VirtualNetworkGateway) {
	if len(g.Properties.IPConfigurations) == 0 {
		v.say(codeIPConfigCount, g.ID, "properties.ipConfigurations", "0", "a gateway needs an IP configuration", "add one in GatewaySubnet")
	}
	express := strings.EqualFold(g.Properties.GatewayType, "ExpressRoute")
	if !express && !strings.EqualFold(g.Properties.GatewayType, "Vpn") {
		v.say(codeBadRequest, g.ID, "properties.gatewayType", g.Properties.GatewayType, "there is no such gateway", "use ExpressRoute or Vpn")
	}
	if express {
		if _, ok := v.c.GatewaySKU(g.Properties.SKU.Name); !ok {
			v.refuse("gateway-circuit-count", g.ID, "properties.sku.name", g.Properties.SKU.Name, "there is no such ExpressRoute gateway SKU", "choose one: `onramp catalog gateways`")
		}
	}
	for i := range g.Properties.IPConfigurations {
		p := &g.Properties.IPConfigurations[i].Properties
		if !express && p.PublicIPAddress == nil {
			v.say(codePublicIPRequired, g.ID, fmt.Sprintf("properties.ipConfigurations[%d].properties.publicIPAddress", i), "", "a VPN gateway needs a public address", "give it one")
		}
		n, _ := v.ipConfiguration(g.ID, i, p, gatewaySubnetName)
		if n == nil {
			continue
		}
		if !strings.EqualFold(n.Location, g.Location) {
			v.refuse("gateway-region-match", g.ID, "location", g.Location, "its network is in "+n.Location, "put the gateway there too")
		}
		for _, o := range Of[*VirtualNetworkGateway](v.rs) {
			if o == g || !strings.EqualFold(o.Properties.GatewayType, g.Properties.GatewayType) || o.ID.Key() >= g.ID.Key() {
				continue
			}
			for j := range o.Properties.IPConfigurations {
				if s := o.Properties.IPConfigurations[j].Properties.Subnet; s != nil && s.ID.Parent().Equal(n.ID) {
					v.refuse("gateway-one-per-type", g.ID, fmt.Sprintf("properties.ipConfigurations[%d].properties.subnet", i), n.Name, n.Name+" has a gateway of this type already: "+o.Name, "keep one of each type in a network")
				}
			}
		}
	}
	v.gatewayLinks(g)
}

// gatewayLinks checks the number of circuits on a gateway.
func (v *validator) gatewayLinks(g *VirtualNetworkGateway) {
	n := 0
	for _, x := range Of[*VirtualNetworkGatewayConnection](v.rs) {
		if x.Properties.VirtualNetworkGateway1 != nil && x.Properties.VirtualNetworkGateway1.ID.Equal(g.ID) && strings.EqualFold(x.Properties.ConnectionType, "ExpressRoute") {
			n++
		}
	}
	if sku, ok := v.c.GatewaySKU(g.Properties.SKU.Name); ok && n > sku.MaxCircuits {
		v.refuse("gateway-circuit-count", g.ID, "properties.sku.name", g.Properties.SKU.Name, fmt.Sprintf("%d circuits are connected; %s takes %d", n, sku.Name, sku.MaxCircuits), "use a larger SKU")
	}
}

// connection checks the link of a gateway with a circuit.
func (v *validator) connection(x *VirtualNetworkGatewayConnection) {
	p := &x.Properties
	if p.VirtualNetworkGateway1 == nil {
		v.say(codeReferenceNoID, x.ID, "properties.virtualNetworkGateway1", "", "the connection names no gateway", "name one")
	}
	g, _ := v.refers(x.ID, "properties.virtualNetworkGateway1", p.VirtualNetworkGateway1, typeGateway)
	if g != nil && !strings.EqualFold(g.Head().Location, x.Location) {
		v.refuse("gateway-region-match", x.ID, "location", x.Location, "its gateway is in "+g.Head().Location, "put the connection there too")
	}
	if most := v.c.Limits().MaxWeight; p.RoutingWeight < 0 || p.RoutingWeight > most {
		v.refuse("links.connection_weight_range", x.ID, "properties.routingWeight", strconv.Itoa(p.RoutingWeight), fmt.Sprintf("a weight is 0 to %d", most), "use such a number")
	}
	if !strings.EqualFold(p.ConnectionType, "ExpressRoute") {
		return
	}
	if p.Peer == nil {
		v.say(codeReferenceNoID, x.ID, "properties.peer", "", "the connection names no circuit", "name one")
		return
	}
	here, err1 := ParseID(string(x.ID))
	there, err2 := ParseID(string(p.Peer.ID))
	if err1 == nil && err2 == nil && !strings.EqualFold(here.Subscription, there.Subscription) {
		if p.AuthorizationKey == "" {
			v.say("LinkedAuthorizationFailed", x.ID, "properties.authorizationKey", "", "the circuit is in another subscription, and no authorization is redeemed", "make one on the circuit and put its key here")
		}
		if _, ok := v.byKey[p.Peer.ID.Key()]; !ok {
			return // somebody else's circuit need not be in the set: the key stands for it
		}
	}
	v.refers(x.ID, "properties.peer", p.Peer, typeCircuit)
	for _, o := range Of[*VirtualNetworkGatewayConnection](v.rs) {
		q := &o.Properties
		if o != x && o.ID.Key() < x.ID.Key() && q.Peer != nil && q.Peer.ID.Equal(p.Peer.ID) && q.VirtualNetworkGateway1 != nil && p.VirtualNetworkGateway1 != nil && q.VirtualNetworkGateway1.ID.Equal(p.VirtualNetworkGateway1.ID) {
			v.say(codeBadRequest, x.ID, "properties.peer", p.Peer.ID.Name(), o.Name+" links the same gateway with the same circuit", "keep one connection")
		}
	}
}

// routeFilter checks what a route filter lets in.
func (v *validator) routeFilter(f *RouteFilter) {
	if len(f.Properties.Rules) > 1 {
		v.say(codeBadRequest, f.ID, "properties.rules", strconv.Itoa(len(f.Properties.Rules)), "a route filter has one rule", "put all communities into it")
	}
	for i := range f.Properties.Rules {
		p := &f.Properties.Rules[i].Properties
		at := fmt.Sprintf("properties.rules[%d].properties", i)
		if p.Access != "Allow" {
			v.refuse("route_filter.kind", f.ID, at+".access", p.Access, "a route filter only allows", "write Allow")
		}
		if p.RouteFilterRuleType != "Community" {
			v.refuse("route_filter.kind", f.ID, at+".routeFilterRuleType", p.RouteFilterRuleType, "there is no such rule", "write Community")
		}
		for j, s := range p.Communities {
			as, value, ok := strings.Cut(s, ":")
			a, err1 := strconv.ParseUint(as, 10, 16)
			_, err2 := strconv.ParseUint(value, 10, 16)
			if !ok || err1 != nil || err2 != nil || a != uint64(v.c.Limits().MicrosoftASN) {
				v.refuse("route_filter.kind", f.ID, fmt.Sprintf("%s.communities[%d]", at, j), s, "this is no community of a Microsoft service", "write it as 12076:5010")
			}
		}
	}
}
