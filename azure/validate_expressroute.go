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
	skuLocal             = "Local"
	longestKey           = 25 // letters and digits of an MD5 key (peering-md5-format)
	reachBits            = 29 // of the range between the MSEEs of a Global Reach connection (gr-slash29)
)

// linkKey is the property of a peering's first or second link subnet.
func linkKey(i int) string {
	return [2]string{"primaryPeerAddressPrefix", "secondaryPeerAddressPrefix"}[i]
}

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
	if c.SKU.Tier == skuLocal && c.SKU.Family != "UnlimitedData" {
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
	_, known := v.c.Location(sp.PeeringLocation)
	found := v.c.Provider(sp.ServiceProviderName)
	offered := false
	for _, o := range v.c.ProvidersAt(sp.PeeringLocation) {
		offered = offered || o.Provider == sp.ServiceProviderName
	}
	switch {
	case sp.ServiceProviderName == "" || sp.PeeringLocation == "":
	case !found.Listed || found.Name != sp.ServiceProviderName:
		v.say(codeNoProvider, c.ID, at+".serviceProviderName", sp.ServiceProviderName, found.String(), "use the name that the list has today")
	case !known:
		v.say(codeNotAtLocation, c.ID, at+".peeringLocation", sp.PeeringLocation, "there is no such peering location", "choose one: `onramp catalog locations`")
	case !offered:
		v.say(codeNotAtLocation, c.ID, at+".peeringLocation", sp.PeeringLocation, sp.ServiceProviderName+" is not listed there", "choose a location of the provider")
	}
	sold, basis := v.c.Limits().CircuitMbps, "circuit-bandwidth-option"
	if c.SKU.Tier == skuLocal {
		sold, basis = v.c.Limits().LocalCircuitMbps, "circuit-local-min-1g"
	}
	if !slices.Contains(sold, sp.BandwidthInMbps) {
		v.refuse(basis, c.ID, at+".bandwidthInMbps", strconv.Itoa(sp.BandwidthInMbps), "no "+c.SKU.Tier+" circuit of this speed is sold", fmt.Sprintf("use one of %v", sold))
	}
}

func (v *validator) direct(c *ExpressRouteCircuit) {
	r, ok := v.refers(c.ID, "properties.expressRoutePort", c.Properties.ExpressRoutePort, typePort)
	p, _ := r.(*ExpressRoutePort)
	if !ok || p == nil {
		return
	}
	here, err1 := ParseID(string(c.ID))
	there, err2 := ParseID(string(p.ID))
	if err1 == nil && err2 == nil && !strings.EqualFold(here.Subscription, there.Subscription) {
		v.refuse("direct-same-subscription", c.ID, "properties.expressRoutePort", string(p.ID), "the ports belong to another subscription", "make the circuit in the subscription of its ports")
	}
	if !strings.EqualFold(c.Location, p.Location) {
		v.refuse("direct-same-subscription", c.ID, "location", c.Location, "its ports are in "+p.Location, "put the circuit there too")
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
	v.portTags(p)
	sum := 0.0
	for _, c := range v.index.CircuitsOn(p.ID) {
		if c.Properties.BandwidthInGbps != nil {
			sum += *c.Properties.BandwidthInGbps
		}
	}
	if most := v.c.Limits().DirectOversubscription * float64(p.Properties.BandwidthInGbps); sum > most {
		v.refuse("direct-oversubscription", p.ID, "properties.bandwidthInGbps", strconv.FormatFloat(sum, 'f', -1, 64), fmt.Sprintf("the circuits on the ports add up to %g Gbps; at most %g may", sum, most), "use larger ports or smaller circuits")
	}
}

// portTags checks that the circuits on ports with Dot1Q, whose frames carry one tag only, use each tag once.
func (v *validator) portTags(p *ExpressRoutePort) {
	if !strings.EqualFold(p.Properties.Encapsulation, "Dot1Q") {
		return
	}
	first := map[int]*ExpressRouteCircuit{}
	for _, c := range v.index.CircuitsOn(p.ID) {
		for i := range c.Properties.Peerings {
			tag := c.Properties.Peerings[i].Properties.VLANID
			if o := first[tag]; o != nil && o != c {
				v.refuse("direct-dot1q-unique-vlan", c.ID, fmt.Sprintf("properties.peerings[%d].properties.vlanId", i), strconv.Itoa(tag), o.Name+" uses this VLAN on the same ports", "use each VLAN once, or ports with QinQ")
			} else {
				first[tag] = c
			}
		}
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
	if k := x.SharedKey; len(k) > longestKey || strings.ContainsFunc(k, func(r rune) bool { return !(r >= '0' && r <= '9' || r|0x20 >= 'a' && r|0x20 <= 'z') }) {
		v.refuse("peering-md5-format", c.ID, at+".properties.sharedKey", "", fmt.Sprintf("the MD5 key is not made of at most %d letters and digits", longestKey), "use such a key")
	}
	v.links(c.ID, at+".properties", x.PrimaryPeerAddressPrefix, x.SecondaryPeerAddressPrefix, false)
	v.linksApart(c, i)
	v.reach(c, i)
	if six := x.IPv6PeeringConfig; six != nil {
		v.links(c.ID, at+".properties.ipv6PeeringConfig", six.PrimaryPeerAddressPrefix, six.SecondaryPeerAddressPrefix, true)
		v.refers(c.ID, at+".properties.ipv6PeeringConfig.routeFilter", six.RouteFilter, typeFilter)
	}
	v.refers(c.ID, at+".properties.routeFilter", x.RouteFilter, typeFilter)
	if x.PeeringType == microsoftPeeringName {
		for j, s := range []string{x.PrimaryPeerAddressPrefix, x.SecondaryPeerAddressPrefix} {
			if q, err := netip.ParsePrefix(s); err == nil && q.Addr().IsPrivate() {
				v.refuse("ms-peering-public-only", c.ID, at+".properties."+linkKey(j), s, "the links of Microsoft peering have public addresses", "use addresses that are yours")
			}
		}
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
func (v *validator) links(id ID, at, primary, secondary string, ipv6 bool) {
	family := "ipv4"
	if ipv6 {
		family = "ipv6"
	}
	_, bits := v.c.Limits().PeeringPrefixLen(family)
	var both []netip.Prefix
	for i, s := range []string{primary, secondary} {
		key := linkKey(i)
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

// linksApart checks the link subnets of a peering against those of the circuit's peerings before it.
func (v *validator) linksApart(c *ExpressRouteCircuit, i int) {
	p := &c.Properties.Peerings[i].Properties
	for _, o := range c.Properties.Peerings[:i] {
		for j, s := range []string{p.PrimaryPeerAddressPrefix, p.SecondaryPeerAddressPrefix} {
			for _, t := range []string{o.Properties.PrimaryPeerAddressPrefix, o.Properties.SecondaryPeerAddressPrefix} {
				a, err1 := netip.ParsePrefix(s)
				b, err2 := netip.ParsePrefix(t)
				if err1 == nil && err2 == nil && a.Overlaps(b) {
					v.refuse("peering-subnet-unique", c.ID, fmt.Sprintf("properties.peerings[%d].properties.%s", i, linkKey(j)), s, "it overlaps "+t+" of "+o.Name, "give each peering its own link subnets")
				}
			}
		}
	}
}

// reach checks the Global Reach connections of a peering with the peerings of other circuits.
func (v *validator) reach(c *ExpressRouteCircuit, i int) {
	list := c.Properties.Peerings[i].Properties.Connections
	at := fmt.Sprintf("properties.peerings[%d].properties.connections", i)
	if len(list) > 0 && c.Properties.Peerings[i].Properties.PeeringType != privatePeeringName {
		v.refuse("gr-private-peering", c.ID, at, c.Properties.Peerings[i].Name, "Global Reach joins private peerings", "put the connection there")
	}
	if len(list) > 0 && c.SKU.Tier == skuLocal {
		v.refuse("circuit-local-no-global-reach", c.ID, at, c.SKU.Tier, "a Local circuit has no Global Reach", "use Standard or Premium")
	}
	for j := range list {
		p := &list[j].Properties
		at := fmt.Sprintf("%s[%d].properties", at, j)
		if q, ok := v.prefix(c.ID, at+".addressPrefix", p.AddressPrefix); ok && (!q.Addr().Is4() || q.Bits() != reachBits) {
			v.refuse("gr-slash29", c.ID, at+".addressPrefix", p.AddressPrefix, fmt.Sprintf("the connection has a /%d", reachBits), fmt.Sprintf("write an unused /%d", reachBits))
		}
		if own := p.ExpressRouteCircuitPeering; own != nil && !own.ID.Parent().Equal(c.ID) {
			v.refuse("gr-private-peering", c.ID, at+".expressRouteCircuitPeering", string(own.ID), "this is a peering of another circuit", "name the peering that the connection stands in")
		}
		v.reached(c, p, at)
	}
}

// reached checks the far end of a Global Reach connection: a private peering elsewhere, of one's own or with its owner's key.
func (v *validator) reached(c *ExpressRouteCircuit, p *CircuitConnectionProperties, at string) {
	ref := p.PeerExpressRouteCircuitPeering
	if ref == nil || ref.ID == "" {
		v.say(codeReferenceNoID, c.ID, at+".peerExpressRouteCircuitPeering", "", "the connection has no other end", "name the other circuit's private peering")
		return
	}
	far, err := ParseID(string(ref.ID))
	if err != nil {
		v.say(codeReferenceFormat, c.ID, at+".peerExpressRouteCircuitPeering", string(ref.ID), err.Error(), "write the id in full")
		return
	}
	if got := far.Type(); !strings.EqualFold(got, typeCircuit+"/peerings") {
		v.say(codeReferenceType, c.ID, at+".peerExpressRouteCircuitPeering", string(ref.ID), "this is a "+got, "name the other circuit's private peering")
		return
	}
	here, _ := ParseID(string(c.ID))
	foreign := !strings.EqualFold(here.Subscription, far.Subscription)
	if foreign && p.AuthorizationKey == "" {
		v.say(codeNotAuthorized, c.ID, at+".authorizationKey", "", "the other circuit is in another subscription, and no authorization is redeemed", "make one on that circuit and put its key here")
	}
	o, _ := v.byKey[ref.ID.Parent().Key()].(*ExpressRouteCircuit)
	if o == nil && foreign {
		return // somebody else's circuit need not be in the set: the key stands for it
	}
	if o == nil || !slices.ContainsFunc(o.Properties.Peerings, func(q Peering) bool { return strings.EqualFold(q.Name, ref.ID.Name()) }) {
		v.say(codeReferenceMissing, c.ID, at+".peerExpressRouteCircuitPeering", string(ref.ID), "there is no peering of this id", "add it, or correct the reference")
		return
	}
	if a, b := v.place(c), v.place(o); a != "" && strings.EqualFold(a, b) {
		v.refuse("gr-different-locations", c.ID, at+".peerExpressRouteCircuitPeering", b, o.Name+" is at the same peering location", "join circuits of different locations")
	}
	if o.SKU.Tier == skuLocal {
		v.refuse("circuit-local-no-global-reach", c.ID, at+".peerExpressRouteCircuitPeering", o.Name, "a Local circuit has no Global Reach", "use Standard or Premium for "+o.Name)
	}
}

// place is the peering location of a circuit, or of its ports; empty when it cannot be told.
func (v *validator) place(c *ExpressRouteCircuit) string {
	if sp := c.Properties.ServiceProviderProperties; sp != nil {
		return sp.PeeringLocation
	}
	if r := c.Properties.ExpressRoutePort; r != nil {
		if p, ok := v.byKey[r.ID.Key()].(*ExpressRoutePort); ok {
			return p.Properties.PeeringLocation
		}
	}
	return ""
}

// circuitLinks checks the number of networks that are linked to a circuit; Global Reach counts with them.
func (v *validator) circuitLinks(c *ExpressRouteCircuit) {
	n := len(v.index.Links(c.ID)) + v.index.GlobalReach(c.ID)
	mbps := 0
	if sp := c.Properties.ServiceProviderProperties; sp != nil {
		mbps = sp.BandwidthInMbps
	} else if g := c.Properties.BandwidthInGbps; g != nil {
		mbps = int(math.Round(*g * 1000))
	}
	if most, known := v.c.Limits().VNetLinks(c.SKU.Tier, mbps); known && n > most {
		v.refuse("circuit-vnet-link-limit", c.ID, "properties", strconv.Itoa(n), fmt.Sprintf("%d networks and circuits are linked; %s at %d Mbps allows %d", n, c.SKU.Tier, mbps, most), "use Premium, or fewer links")
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
