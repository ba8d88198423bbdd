package azure

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

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
		v.gatewayAddress(g, i, p.PublicIPAddress)
		n, _ := v.ipConfiguration(g.ID, i, p, gatewaySubnetName)
		if n == nil {
			continue
		}
		if !strings.EqualFold(n.Location, g.Location) {
			v.refuse("gateway-region-match", g.ID, "location", g.Location, "its network is in "+n.Location, "put the gateway there too")
		}
		for _, o := range v.index.GatewaysIn(n.ID) {
			if o == g || !strings.EqualFold(o.Properties.GatewayType, g.Properties.GatewayType) || o.ID.Key() >= g.ID.Key() {
				continue
			}
			v.refuse("gateway-one-per-type", g.ID, fmt.Sprintf("properties.ipConfigurations[%d].properties.subnet", i), n.Name, n.Name+" has a gateway of this type already: "+o.Name, "keep one of each type in a network")
		}
	}
	v.gatewayLinks(g)
}

// gatewayAddress checks the public address of a VPN gateway; that of an ExpressRoute gateway is Microsoft's own.
func (v *validator) gatewayAddress(g *VirtualNetworkGateway, i int, ref *Ref) {
	if ref == nil || !strings.EqualFold(g.Properties.GatewayType, "Vpn") {
		return
	}
	ip, _ := v.byKey[ref.ID.Key()].(*PublicIPAddress)
	if ip == nil {
		return
	}
	at := fmt.Sprintf("properties.ipConfigurations[%d].properties.publicIPAddress", i)
	if strings.EqualFold(ip.SKU.Name, "Basic") {
		v.say(codeBasicAddress, g.ID, at, ip.Name, "the public address has the SKU Basic", "use Standard")
	}
	if strings.HasSuffix(strings.ToUpper(g.Properties.SKU.Name), "AZ") && len(ip.Zones) == 0 {
		v.say(codeZonesMissing, g.ID, at, ip.Name, "a gateway over zones has a public address without zones", "give the address its zones")
	}
}

// gatewayLinks checks the number of circuits on a gateway, in all and from one peering location.
func (v *validator) gatewayLinks(g *VirtualNetworkGateway) {
	n := 0
	from := map[string]int{}
	over := ""
	alike := v.c.Limits().MaxCircuitsSameLocation
	for _, x := range v.index.Links(g.ID) {
		if strings.EqualFold(x.Properties.ConnectionType, "ExpressRoute") {
			n++
			if x.Properties.Peer == nil {
				continue
			}
			if c, ok := v.byKey[x.Properties.Peer.ID.Key()].(*ExpressRouteCircuit); ok {
				l := v.place(c)
				if from[l]++; l != "" && over == "" && from[l] > alike {
					over = l
				}
			}
		}
	}
	if over != "" {
		v.refuse("gateway-same-location-4", g.ID, "properties", strconv.Itoa(from[over]), fmt.Sprintf("%d circuits of %s are connected; at most %d of one location may be", from[over], over, alike), "use circuits of other locations")
	}
	if most := v.mostCircuits(g); most > 0 && n > most {
		v.refuse("gateway-circuit-count", g.ID, "properties.sku.name", g.Properties.SKU.Name, fmt.Sprintf("%d circuits are connected; %s takes %d", n, g.Properties.SKU.Name, most), "use a larger SKU")
	}
}

// mostCircuits is how many circuits a gateway takes: a figure of its SKU, and with scale units that of the largest documented
// number of units that it may grow to. It is 0 when none is published.
func (v *validator) mostCircuits(g *VirtualNetworkGateway) int {
	var scale struct {
		Bounds struct {
			Max int `json:"max"`
		} `json:"bounds"`
	}
	units := max(g.Properties.SKU.Capacity, 1)
	if json.Unmarshal(g.Properties.Extra["autoScaleConfiguration"], &scale) == nil {
		units = max(units, scale.Bounds.Max)
	}
	most := 0
	for _, sku := range v.c.GatewaySKUs() {
		if !strings.EqualFold(sku.Name, g.Properties.SKU.Name) {
			continue
		}
		documented, err := strconv.Atoi(strings.TrimSuffix(sku.Unit, "-units"))
		if sku.Unit == "gateway" || err == nil && documented <= units {
			most = max(most, sku.MaxCircuits)
		}
	}
	return most
}

// connection checks the link of a gateway with a circuit.
func (v *validator) connection(x *VirtualNetworkGatewayConnection) {
	p := &x.Properties
	if p.VirtualNetworkGateway1 == nil {
		v.say(codeReferenceNoID, x.ID, "properties.virtualNetworkGateway1", "", "the connection names no gateway", "name one")
	}
	g, _ := v.refers(x.ID, "properties.virtualNetworkGateway1", p.VirtualNetworkGateway1, typeGateway)
	v.bypass(x, g)
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
			v.say(codeNotAuthorized, x.ID, "properties.authorizationKey", "", "the circuit is in another subscription, and no authorization is redeemed", "make one on the circuit and put its key here")
		}
		if _, ok := v.byKey[p.Peer.ID.Key()]; !ok {
			return // somebody else's circuit need not be in the set: the key stands for it
		}
	}
	v.refers(x.ID, "properties.peer", p.Peer, typeCircuit)
	if p.VirtualNetworkGateway1 == nil {
		return
	}
	for _, o := range v.index.Links(p.VirtualNetworkGateway1.ID) {
		q := &o.Properties
		if o != x && q.Peer != nil && q.Peer.ID.Equal(p.Peer.ID) && o.ID.Key() < x.ID.Key() {
			v.say(codeBadRequest, x.ID, "properties.peer", p.Peer.ID.Name(), o.Name+" links the same gateway with the same circuit", "keep one connection")
		}
	}
}

// bypass checks that a connection's gateway is one of ExpressRoute, and large enough where traffic is to go past it (FastPath).
func (v *validator) bypass(x *VirtualNetworkGatewayConnection, r Resource) {
	g, _ := r.(*VirtualNetworkGateway)
	if g == nil || !strings.EqualFold(x.Properties.ConnectionType, "ExpressRoute") {
		return
	}
	if !strings.EqualFold(g.Properties.GatewayType, "ExpressRoute") {
		v.say(codeBadRequest, x.ID, "properties.virtualNetworkGateway1", g.Properties.GatewayType, g.Name+" is no ExpressRoute gateway", "name one")
		return
	}
	if sku, ok := v.c.GatewaySKU(g.Properties.SKU.Name); ok && x.Properties.ExpressRouteGatewayBypass && sku.Unit == "gateway" && !sku.FastPath {
		v.refuse("fastpath-sku", x.ID, "properties.expressRouteGatewayBypass", g.Properties.SKU.Name, "FastPath does not work with a gateway of "+sku.Name, "use UltraPerformance or ErGw3AZ")
	}
}
