package cost

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"onramp/azure"
	"onramp/catalog"
	"onramp/design"
	"onramp/intent"
	"onramp/pattern"
)

// Names of the alternatives that a design is compared with.
const (
	AsDesigned = "as designed"
	Metered    = "metered data"
	Unlimited  = "unlimited data"
	Local      = "Local"
	Standard   = "Standard"
	Premium    = "Premium"
	VPN        = "site-to-site VPN"
	Internet   = "internet"
)

// vpnSKU is the gateway of the VPN alternative: the smallest that is zone-redundant and has an hourly price in the list.
const vpnSKU = "VpnGw1AZ"

// variant is a design bought otherwise. Resources that stay the same are the very same pointers as in the design.
type variant struct {
	name         string
	d            *design.Design
	c            *catalog.Catalog
	overInternet bool
	refusal      string // why it cannot be had, "" if it can
	unsold       bool   // it cannot even be bought, so that it has no bill
	assumptions  []design.Assumption
	users        *users
	totals       map[int64]Total // at is asked for again and again
}

// total is what the variant costs when so many gigabytes leave Azure in a month.
func (v *variant) total(gb int64) Total {
	t, ok := v.totals[gb]
	if !ok {
		if v.totals == nil {
			v.totals = map[int64]Total{}
		}
		t = v.at(float64(gb)).Total
		v.totals[gb] = t
	}
	return t
}

// named gives the variant another name.
func (v *variant) named(name string) *variant {
	v.name = name
	return v
}

// at is the variant's bill when so much leaves Azure in a month.
func (v *variant) at(gb float64) *Bill { return v.clerkAt(gb).month() }

func (v *variant) clerkAt(gb float64) *clerk {
	if v.users == nil {
		v.users = newUsers(v.d.Resources)
	}
	d := *v.d
	d.Intent = withTraffic(v.d.Intent, gb)
	return newClerkKnowing(v.users, &d, v.c, Options{overInternet: v.overInternet})
}

// variants makes the alternatives of one design.
type variants struct {
	d     *design.Design
	c     *catalog.Catalog
	users *users
	all   []*azure.ExpressRouteCircuit

	own, metered, unlimited, local, vpn, internet *variant
}

func newVariants(d *design.Design, c *catalog.Catalog) *variants {
	m := &variants{d: d, c: c, users: newUsers(d.Resources), all: azure.Of[*azure.ExpressRouteCircuit](d.Resources)}
	m.own = &variant{name: AsDesigned, d: d, c: c, users: m.users}
	m.metered, m.unlimited = m.plan(Metered, "MeteredData"), m.plan(Unlimited, "UnlimitedData")
	m.local = m.tier(Local, "UnlimitedData")
	m.vpn, m.internet = m.overVPN(), m.overInternet()
	return m
}

// circuits is the design with each circuit replaced by what change makes of it, which may refuse.
func (m *variants) circuits(name string, change func(old, c *azure.ExpressRouteCircuit) (refusal string, unsold bool)) *variant {
	d := *m.d
	d.Resources = slices.Clone(m.d.Resources)
	v := &variant{name: name, d: &d, c: m.c}
	for i, r := range d.Resources {
		old, ok := r.(*azure.ExpressRouteCircuit)
		if !ok {
			continue
		}
		c := *old
		if sp := old.Properties.ServiceProviderProperties; sp != nil {
			own := *sp
			c.Properties.ServiceProviderProperties = &own
		}
		why, unsold := change(old, &c)
		if why != "" && v.refusal == "" {
			v.refusal = old.Name + " " + why
		}
		v.unsold = v.unsold || unsold
		if grown := mbps(&c); grown > mbps(old) {
			v.assumptions = append(v.assumptions, design.Assumption{Name: "larger-" + old.Name, Text: fmt.Sprintf("%s is taken at %s as %s, at %s now.", old.Name, intent.Mbps(grown), name, intent.Mbps(mbps(old))),
				Reason: name + " is not sold in the size it has."})
		}
		if c.SKU.Tier != old.SKU.Tier || c.SKU.Family != old.SKU.Family || mbps(&c) != mbps(old) {
			d.Resources[i] = &c
		}
	}
	return v
}

func buy(c *azure.ExpressRouteCircuit, tier, family string) {
	c.SKU.Name, c.SKU.Tier, c.SKU.Family = tier+"_"+family, tier, family
}

// mbps is a circuit's bandwidth.
func mbps(c *azure.ExpressRouteCircuit) int {
	if sp := c.Properties.ServiceProviderProperties; sp != nil {
		return sp.BandwidthInMbps
	}
	if g := c.Properties.BandwidthInGbps; g != nil {
		return int(*g * 1000)
	}
	return 0
}

// plan is the design with every circuit on one plan, its tier kept.
func (m *variants) plan(name, family string) *variant {
	return m.circuits(name, func(old, c *azure.ExpressRouteCircuit) (string, bool) {
		switch {
		case old.Properties.ServiceProviderProperties == nil:
			return "is on ExpressRoute Direct, where circuits are made metered and no other price is published", true // how-to-expressroute-direct-portal.md
		case strings.EqualFold(old.SKU.Tier, Local):
			return "is Local, which is sold with its data included only", true
		}
		buy(c, c.SKU.Tier, family)
		return "", false
	})
}

// tier is the design with every circuit of one tier; a family is kept when none is given.
func (m *variants) tier(name, family string) *variant {
	return m.circuits(name, func(old, c *azure.ExpressRouteCircuit) (string, bool) {
		why, unsold := "", false
		switch name {
		case Local:
			if why = m.size(c); why != "" {
				unsold = true
			} else {
				why, unsold = m.notLocal(old)
			}
		case Standard:
			why = m.notStandard(old)
		}
		buy(c, name, or(family, old.SKU.Family))
		return why, unsold
	})
}

// size makes a circuit of the smallest bandwidth that Local is sold with and that is not less than it has.
func (m *variants) size(c *azure.ExpressRouteCircuit) string {
	sp := c.Properties.ServiceProviderProperties
	if sp == nil {
		return "is on ExpressRoute Direct, where a Local circuit has no published price"
	}
	for _, s := range slices.Sorted(slices.Values(m.c.Limits().LocalCircuitMbps)) {
		if s >= sp.BandwidthInMbps {
			sp.BandwidthInMbps = s
			return ""
		}
	}
	return "has " + intent.Mbps(sp.BandwidthInMbps).String() + ", more than any Local circuit is sold with"
}

// notLocal says why a circuit cannot be Local, "" if it can, and whether Local is not even sold there (expressroute-faqs.md).
func (m *variants) notLocal(c *azure.ExpressRouteCircuit) (why string, unsold bool) {
	l, ok := m.location(c)
	switch {
	case !ok || len(l.LocalRegions) == 0:
		return "is at " + or(l.Name, "a location that is not known") + ", where Local is not sold", true
	case slices.ContainsFunc(c.Properties.Peerings, func(p azure.Peering) bool { return len(p.Properties.Connections) > 0 }):
		return "has Global Reach, which Local has not", false
	case m.carriesMicrosoft365(c):
		return "has to be Premium: Microsoft 365 needs it", false
	}
	for _, region := range m.regionsOn(c) {
		if !slices.Contains(l.LocalRegions, region) {
			return fmt.Sprintf("is at %s, from where Local does not reach %s", l.Name, region), false
		}
	}
	return m.tooManyLinks(c, Local), false
}

// notStandard says why a circuit has to be Premium, "" if it has not. What the design says of itself goes first.
func (m *variants) notStandard(c *azure.ExpressRouteCircuit) string {
	if why := c.Tags[pattern.TagWhy]; why != "" && strings.EqualFold(c.SKU.Tier, Premium) {
		return "has to be Premium: " + strings.TrimPrefix(why, "Premium: ")
	}
	if m.carriesMicrosoft365(c) {
		return "has to be Premium: Microsoft 365 needs it"
	}
	if l, ok := m.location(c); ok {
		for _, region := range m.regionsOn(c) {
			if r, ok := m.c.Region(region); ok && r.GeopoliticalRegion != l.GeopoliticalRegion {
				return fmt.Sprintf("has to be Premium: %s is outside the geopolitical region of %s", region, l.Name)
			}
		}
	}
	return m.tooManyLinks(c, Standard)
}

func (m *variants) tooManyLinks(c *azure.ExpressRouteCircuit, tier string) string {
	n := len(m.users.index.Links(c.ID))
	if most, ok := m.c.Limits().VNetLinks(tier, mbps(c)); ok && n > most {
		return fmt.Sprintf("has %d VNets linked to it, and %s allows %d", n, tier, most)
	}
	return ""
}

// carriesMicrosoft365 tells whether somebody who uses the circuit's Microsoft peering needs Microsoft 365.
func (m *variants) carriesMicrosoft365(c *azure.ExpressRouteCircuit) bool {
	if m.d.Intent == nil || !slices.ContainsFunc(c.Properties.Peerings, func(p azure.Peering) bool { return p.Properties.PeeringType == "MicrosoftPeering" }) {
		return false
	}
	o := owner(c)
	return slices.ContainsFunc(m.d.Intent.LinesOfBusiness, func(l intent.LineOfBusiness) bool {
		return (o == "" || o == l.Name) && slices.Contains(l.Needs.Services, intent.Microsoft365)
	})
}

func (m *variants) location(c *azure.ExpressRouteCircuit) (catalog.Location, bool) {
	k := &clerk{c: m.c, users: m.users}
	_, name := k.zone(c)
	return m.c.Location(name)
}

// regionsOn are the regions of the networks that a circuit serves, sorted: those with a gateway on it and the spokes behind them.
func (m *variants) regionsOn(c *azure.ExpressRouteCircuit) []string {
	var out []string
	add := func(v *azure.VirtualNetwork) {
		if r, ok := m.c.Region(v.Location); ok {
			out = append(out, r.Name)
		}
	}
	for _, x := range m.users.index.Links(c.ID) {
		if g := x.Properties.VirtualNetworkGateway1; g != nil {
			if home := m.users.homes[g.ID.Key()]; home != nil {
				add(home)
				for _, s := range m.users.behind[home.ID.Key()] {
					add(s)
				}
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// withoutCircuits is the design without ExpressRoute: no circuits, ports, connections to them, orders or provider accesses. gateways
// says what becomes of a gateway for ExpressRoute.
func (m *variants) withoutCircuits(name string, gateways func(*azure.VirtualNetworkGateway) []azure.Resource) *variant {
	d := *m.d
	d.Resources, d.Orders, d.Premises.Attachments = nil, nil, nil
	for _, r := range m.d.Resources {
		switch x := r.(type) {
		case *azure.ExpressRouteCircuit, *azure.ExpressRoutePort:
			continue
		case *azure.VirtualNetworkGatewayConnection:
			if x.Properties.Peer != nil {
				continue
			}
		case *azure.VirtualNetworkGateway:
			if !isVPN(x) {
				d.Resources = append(d.Resources, gateways(x)...)
				continue
			}
		}
		d.Resources = append(d.Resources, r)
	}
	// Whoever has no VPN gateway sends over the internet as well: there is no VPN for Microsoft's public services
	// (expressroute-howto-coexist-resource-manager.md).
	v := &variant{name: name, d: &d, c: m.c, overInternet: true}
	if len(m.all) == 0 {
		v.refusal, v.unsold = "the design has no circuit", true
	}
	v.assumptions = append(v.assumptions, design.Assumption{Name: "sites-have-internet", Text: "The sites have what they need to reach the internet already: it is on neither bill.",
		Reason: "The intent says what ExpressRoute's accesses cost, not what the internet costs."})
	return v
}

// overVPN is the design with a pair of VPN gateway instances wherever ExpressRoute has a gateway.
func (m *variants) overVPN() *variant {
	v := m.withoutCircuits(VPN, func(g *azure.VirtualNetworkGateway) []azure.Resource {
		home := m.users.homes[g.ID.Key()]
		if home != nil && slices.ContainsFunc(m.users.index.GatewaysIn(home.ID), isVPN) {
			return nil // one of each type in a VNet: it is there already
		}
		return vpnInstead(g)
	})
	for _, n := range azure.Of[*azure.VirtualNetwork](m.d.Resources) {
		if v.refusal == "" && slices.ContainsFunc(n.Properties.AddressSpace.AddressPrefixes, func(s string) bool { return strings.Contains(s, ":") }) {
			v.refusal = n.Name + " has IPv6, which VPN gateways do not carry" // expressroute-howto-add-ipv6.md
		}
	}
	v.assumptions = append(v.assumptions, design.Assumption{Name: "vpn-" + strings.ToLower(vpnSKU), Text: "The VPN gateways are " + vpnSKU + ", two active instances with an address each, their tunnels included; whether they carry what is needed is not judged.",
		Reason: "It is the smallest with zones and a published hourly price. What a VPN gateway carries is not in the catalogue."})
	return v
}

// vpnInstead is a VPN gateway in place of one for ExpressRoute, and its addresses.
func vpnInstead(g *azure.VirtualNetworkGateway) []azure.Resource {
	vpn := *g
	vpn.Name = "vpn-" + g.Name
	vpn.ID = g.ID.Parent() + azure.ID("/providers/Microsoft.Network/virtualNetworkGateways/"+vpn.Name)
	vpn.Properties = azure.VirtualNetworkGatewayProperties{GatewayType: "Vpn", VPNType: "RouteBased", SKU: azure.SKU{Name: vpnSKU, Tier: vpnSKU}, ActiveActive: true, EnableBGP: true}
	out := []azure.Resource{&vpn}
	for n := range 2 {
		ip := &azure.PublicIPAddress{Header: g.Header, SKU: azure.SKU{Name: "Standard", Tier: "Regional"}}
		ip.Name, ip.Type = "pip-"+vpn.Name+"-"+strconv.Itoa(n+1), "Microsoft.Network/publicIPAddresses"
		ip.ID = g.ID.Parent() + azure.ID("/providers/Microsoft.Network/publicIPAddresses/"+ip.Name)
		out = append(out, ip)
		at := azure.GatewayIPConfiguration{Name: "ip-" + strconv.Itoa(n+1), Properties: azure.GatewayIPConfigurationProperties{PublicIPAddress: &azure.Ref{ID: ip.ID}}}
		if old := g.Properties.IPConfigurations; len(old) > 0 {
			at.Properties.Subnet = old[0].Properties.Subnet
		}
		vpn.Properties.IPConfigurations = append(vpn.Properties.IPConfigurations, at)
	}
	return out
}

// overInternet is the design without any gateway for the premises: data leaves over the internet.
func (m *variants) overInternet() *variant {
	v := m.withoutCircuits(Internet, func(*azure.VirtualNetworkGateway) []azure.Resource { return nil })
	for i, r := range v.d.Resources {
		n, ok := r.(*azure.VirtualNetwork)
		if !ok || m.users.inspector(n) != nil {
			continue // what a firewall inspects still goes through the hub
		}
		own := *n
		own.Properties.VirtualNetworkPeerings = slices.Clone(n.Properties.VirtualNetworkPeerings)
		for j := range own.Properties.VirtualNetworkPeerings {
			own.Properties.VirtualNetworkPeerings[j].Properties.UseRemoteGateways = false
		}
		v.d.Resources[i] = &own
	}
	v.assumptions = append(v.assumptions, design.Assumption{Name: "internet-is-not-private", Text: "Over the internet nothing is private: needs of isolation, latency and availability are not met by it, and the application's own protection is not on the bill.",
		Reason: "The comparison is of bills, not of needs."})
	return v
}
