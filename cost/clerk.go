package cost

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"onramp/azure"
	"onramp/catalog"
	"onramp/design"
	"onramp/intent"
)

// clerk gathers what is billed and who uses it.
type clerk struct {
	d *design.Design
	c *catalog.Catalog
	o Options

	lobs        []lob // sorted by name
	users       *users
	charges     []charge
	assumptions map[string]design.Assumption
}

// lob is a line of business with what its share is measured by.
type lob struct {
	name string
	mbps int64
	gb   float64 // a month out of Azure
}

func newClerk(d *design.Design, c *catalog.Catalog, o Options) *clerk {
	return newClerkKnowing(newUsers(d.Resources), d, c, o)
}

// newClerkKnowing is a clerk for a design of which it is known already who uses what.
func newClerkKnowing(u *users, d *design.Design, c *catalog.Catalog, o Options) *clerk {
	k := &clerk{d: d, c: c, o: o, users: u, assumptions: map[string]design.Assumption{}}
	k.readLinesOfBusiness()
	k.assume("month-of-730-hours", fmt.Sprintf("A month has %d hours.", catalog.HoursPerMonth), "Azure's own calculators count a month so.")
	return k
}

func (k *clerk) assume(name, text, reason string) {
	k.assumptions[name] = design.Assumption{Name: name, Text: text, Reason: reason}
}

// readLinesOfBusiness takes names and needs from the intent, or only names from the tags where there is none.
func (k *clerk) readLinesOfBusiness() {
	if k.d.Intent == nil {
		names := map[string]bool{}
		for _, r := range k.d.Resources {
			if n := r.Head().Tags[design.TagLineOfBusiness]; n != "" {
				names[n] = true
			}
		}
		for _, n := range sortedKeys(names) {
			k.lobs = append(k.lobs, lob{name: n})
		}
		k.assume("no-intent", "What is shared is split evenly, and no traffic is counted.", "The design carries no intent that would say who needs how much.")
		return
	}
	stated, sent := 0, 0.0
	for i, gb := range k.d.Intent.Egress() {
		l := &k.d.Intent.LinesOfBusiness[i]
		k.lobs = append(k.lobs, lob{name: l.Name, mbps: int64(l.Needs.Bandwidth), gb: gb})
		sent += gb
		if l.Needs.MonthlyEgressGB != nil {
			stated++
		}
	}
	slices.SortFunc(k.lobs, func(a, b lob) int { return strings.Compare(a.name, b.name) })
	switch {
	case sent == 0:
	case stated == len(k.lobs):
		k.assume("traffic-by-preferred-circuits", "The month's traffic out of Azure goes by the preferred circuits.", "The intent says how much leaves Azure, not over which circuit.")
	case stated > 0:
		k.assume("traffic-by-bandwidth", "What of the month's traffic out of Azure is not stated by line of business is spread over the others by the bandwidth that each needs; all goes by the preferred circuits.", "The intent says how much leaves Azure, and of some not whose it is.")
	default:
		k.assume("traffic-by-bandwidth", "The month's traffic out of Azure is spread over the lines of business by the bandwidth that each needs, and goes by the preferred circuits.", "The intent says how much leaves Azure, not whose it is.")
	}
}

func (k *clerk) vnet(id azure.ID) *azure.VirtualNetwork {
	v, _ := k.users.index.Get(id).(*azure.VirtualNetwork)
	return v
}

func owner(r azure.Resource) string { return r.Head().Tags[design.TagLineOfBusiness] }

// weigh returns the users, sorted and once each, with their weights. Nobody known means everybody.
func (k *clerk) weigh(users []string) ([]string, []int64) {
	users = slices.Clone(users)
	slices.Sort(users)
	users = slices.Compact(users)
	users = slices.DeleteFunc(users, func(u string) bool { return u == "" })
	if len(users) == 0 {
		for _, l := range k.lobs {
			users = append(users, l.name)
		}
	}
	weights := make([]int64, len(users))
	for i, u := range users {
		if at, ok := slices.BinarySearchFunc(k.lobs, u, func(l lob, name string) int { return strings.Compare(l.name, name) }); ok {
			weights[i] = k.o.Split.weight(k.lobs[at])
		}
	}
	return users, weights
}

// charge adds a line for the users.
func (k *clerk) charge(x charge, users []string) {
	x.users, x.weights = k.weigh(users)
	k.add(x)
}

func (k *clerk) add(x charge) {
	if x.price.Assumption != "" {
		k.assume("price-"+slug(x.item)+"-"+slug(x.resource), x.price.Assumption+".", "No price is published for the region itself.")
	}
	k.charges = append(k.charges, x)
}

// circuitUsers are the lines of business of a circuit: its own, or those behind the gateways on it, and those that need Microsoft's
// public services where it has Microsoft peering.
func (k *clerk) circuitUsers(c *azure.ExpressRouteCircuit) []string {
	if o := owner(c); o != "" {
		return []string{o}
	}
	var out []string
	for _, x := range k.users.index.Links(c.ID) {
		if x.Properties.VirtualNetworkGateway1 != nil {
			out = append(out, k.users.ofGateway(x.Properties.VirtualNetworkGateway1.ID)...)
		}
	}
	if k.d.Intent != nil && slices.ContainsFunc(c.Properties.Peerings, func(p azure.Peering) bool { return p.Properties.PeeringType == "MicrosoftPeering" }) {
		for i := range k.d.Intent.LinesOfBusiness {
			l := &k.d.Intent.LinesOfBusiness[i]
			if slices.ContainsFunc(l.Needs.Services, func(s string) bool { return s != intent.Azure }) {
				out = append(out, l.Name)
			}
		}
	}
	return out
}

// preferred tells which circuits carry a line of business's traffic while nothing has failed: those to which its gateways
// connect with the highest weight; without a gateway, the first of each pair that it uses, which are the names that end in -1, or
// the first of all where nothing is named so.
func (k *clerk) preferred(name string) []azure.ID {
	if out, ok := k.users.preferred[name]; ok {
		return out
	}
	out := k.users.heaviest(name)
	if len(out) == 0 {
		out = k.first(name)
	}
	k.users.preferred[name] = out
	return out
}

// first are the circuits that a line of business without a gateway uses.
func (k *clerk) first(name string) []azure.ID {
	var used, first []azure.ID
	for _, c := range azure.Of[*azure.ExpressRouteCircuit](k.d.Resources) {
		if !slices.Contains(k.circuitUsers(c), name) {
			continue
		}
		used = append(used, c.ID)
		if strings.HasSuffix(c.Name, "-1") {
			first = append(first, c.ID)
		}
	}
	if len(first) > 0 {
		return first
	}
	return used[:min(len(used), 1)]
}

// zone is a circuit's billing zone: that of its peering location, not of a region (plan-manage-cost.md).
func (k *clerk) zone(c *azure.ExpressRouteCircuit) (zone string, location string) {
	if sp := c.Properties.ServiceProviderProperties; sp != nil {
		location = sp.PeeringLocation
	} else if c.Properties.ExpressRoutePort != nil {
		if p, ok := k.users.index.Get(c.Properties.ExpressRoutePort.ID).(*azure.ExpressRoutePort); ok {
			location = p.Properties.PeeringLocation
		}
	}
	if l, ok := k.c.Location(location); ok {
		zone = l.Zone
	}
	return zone, location
}

// circuits bills circuits and the data that leaves over metered ones.
func (k *clerk) circuits() {
	gb := map[string]map[string]float64{} // circuit key, line of business
	for _, l := range k.lobs {
		ids := k.preferred(l.name)
		for _, id := range ids {
			if gb[id.Key()] == nil {
				gb[id.Key()] = map[string]float64{}
			}
			gb[id.Key()][l.name] += l.gb / float64(len(ids))
		}
	}
	for _, c := range azure.Of[*azure.ExpressRouteCircuit](k.d.Resources) {
		zone, location := k.zone(c)
		users := k.circuitUsers(c)
		plan := "metered"
		if strings.EqualFold(c.SKU.Family, "UnlimitedData") {
			plan = "unlimited"
		}
		why := ""
		if zone == "" {
			why = "the billing zone of " + or(location, "its location") + " is not published"
		}
		if sp := c.Properties.ServiceProviderProperties; sp != nil {
			k.charge(charge{item: itemCircuit, resource: c.Name, id: c.ID, quantity: 1, unit: "month", price: k.c.CircuitPrice(c.SKU.Tier, plan, sp.BandwidthInMbps, zone), unknown: why}, users)
		} else if strings.EqualFold(c.SKU.Tier, "Premium") {
			k.charge(charge{item: itemPremium, resource: c.Name, id: c.ID, quantity: 1, unit: "month", price: k.c.PremiumOnDirectPrice()}, users)
		}
		sum := 0.0
		var who []string
		var weights []int64
		for _, name := range sortedKeys(gb[c.ID.Key()]) {
			if v := gb[c.ID.Key()][name]; v > 0 {
				sum += v
				who, weights = append(who, name), append(weights, wholeMB(v))
			}
		}
		if plan == "metered" && sum > 0 {
			k.add(charge{item: itemOutbound, resource: c.Name, id: c.ID, quantity: roundGB(sum), unit: "GB", price: k.c.OutboundPrice(plan, zone), users: who, weights: weights, unknown: why})
		}
	}
}

// ports bills pairs of ExpressRoute Direct ports.
func (k *clerk) ports() {
	for _, p := range azure.Of[*azure.ExpressRoutePort](k.d.Resources) {
		var users []string
		for _, c := range azure.Of[*azure.ExpressRouteCircuit](k.d.Resources) {
			if c.Properties.ExpressRoutePort != nil && c.Properties.ExpressRoutePort.ID.Equal(p.ID) {
				users = append(users, k.circuitUsers(c)...)
			}
		}
		k.charge(charge{item: itemPort, resource: p.Name, id: p.ID, quantity: 1, unit: "month", price: k.c.DirectPortPrice(p.Properties.BandwidthInGbps)}, users)
	}
}

// globalReach bills what joins circuits: by the GB both ways and by the circuit (expressroute-faqs.md), at amounts that the price
// list does not know.
func (k *clerk) globalReach() {
	for _, c := range azure.Of[*azure.ExpressRouteCircuit](k.d.Resources) {
		for i := range c.Properties.Peerings {
			for _, x := range c.Properties.Peerings[i].Properties.Connections {
				users := k.circuitUsers(c)
				if far := x.Properties.PeerExpressRouteCircuitPeering; far != nil {
					if o, ok := k.users.index.Get(far.ID.Parent()).(*azure.ExpressRouteCircuit); ok {
						users = append(users, k.circuitUsers(o)...)
					}
				}
				k.charge(charge{item: itemGlobalReach, resource: c.Name + "/" + x.Name, id: x.ID, quantity: 1, unit: "month", price: catalog.Money{Unit: "month"},
					unknown: "no price is published, neither of its data nor of the circuits' add-on"}, users)
			}
		}
	}
}

// hubs bills Route Servers and the hubs of a virtual WAN, at amounts that are not known: what is published of a Route Server does not
// agree with itself (prices.csv), and the price list has no row for a hub.
func (k *clerk) hubs() {
	for _, h := range azure.Of[*azure.VirtualHub](k.d.Resources) {
		x := charge{item: itemHub, resource: h.Name, id: h.ID, quantity: catalog.HoursPerMonth, unit: "hour", price: catalog.Money{Unit: "hour"}, unknown: "the price list has no row for it"}
		if strings.EqualFold(h.Kind, "RouteServer") {
			x.item, x.unknown = itemRouteServer, "the published prices do not agree"
		}
		k.charge(x, []string{owner(h)})
	}
}

// gateways bills gateways by the hour, ErGwScale for each of its units.
func (k *clerk) gateways() {
	for _, g := range azure.Of[*azure.VirtualNetworkGateway](k.d.Resources) {
		units := 1
		if g.Properties.SKU.Capacity > 0 && strings.EqualFold(g.Properties.SKU.Name, "ErGwScale") {
			units = g.Properties.SKU.Capacity
		}
		price := k.c.GatewayPrice(g.Properties.SKU.Name, g.Location)
		if strings.EqualFold(g.Properties.GatewayType, "Vpn") {
			price = k.c.VPNGatewayPrice(g.Properties.SKU.Name, g.Location)
		}
		k.charge(charge{item: itemGateway, resource: g.Name, id: g.ID, quantity: float64(units * catalog.HoursPerMonth), unit: "hour", price: price,
			unknown: "no price of " + g.Properties.SKU.Name + " is published for " + g.Location + ", and those for other regions differ or are missing"}, k.users.ofGateway(g.ID))
	}
}

// firewalls bills firewalls by the hour and by what passes them, and public addresses.
func (k *clerk) firewalls() {
	of := map[string][]string{} // public address key to users
	for _, f := range azure.Of[*azure.AzureFirewall](k.d.Resources) {
		var users []string
		for i := range f.Properties.IPConfigurations {
			p := f.Properties.IPConfigurations[i].Properties
			if p.Subnet != nil {
				users = append(users, k.users.ofVNet(k.vnet(p.Subnet.ID.Parent()))...)
			}
			if p.PublicIPAddress != nil {
				of[p.PublicIPAddress.ID.Key()] = users
			}
		}
		hour, perGB := k.c.FirewallPrice(f.Properties.SKU.Tier, f.Location)
		k.charge(charge{item: itemFirewall, resource: f.Name, id: f.ID, quantity: catalog.HoursPerMonth, unit: "hour", price: hour,
			unknown: "no price of a " + f.Properties.SKU.Tier + " firewall is published for " + f.Location}, users)
		sum := 0.0
		for _, l := range k.lobs {
			if slices.Contains(users, l.name) {
				sum += l.gb
			}
		}
		if sum > 0 {
			k.charge(charge{item: itemFirewallGB, resource: f.Name, id: f.ID, quantity: roundGB(sum), unit: "GB", price: perGB, unknown: "no price of a GB through a " + f.Properties.SKU.Tier + " firewall is published for " + f.Location}, users)
		}
	}
	for _, g := range azure.Of[*azure.VirtualNetworkGateway](k.d.Resources) {
		for i := range g.Properties.IPConfigurations {
			if a := g.Properties.IPConfigurations[i].Properties.PublicIPAddress; a != nil {
				of[a.ID.Key()] = k.users.ofGateway(g.ID)
			}
		}
	}
	for _, p := range azure.Of[*azure.PublicIPAddress](k.d.Resources) {
		k.charge(charge{item: itemPublicIP, resource: p.Name, id: p.ID, quantity: catalog.HoursPerMonth, unit: "hour", price: k.c.PublicIPPrice(p.Location),
			unknown: "no price of a public address is published for " + p.Location}, of[p.ID.Key()])
	}
}

// peeringData bills what leaves a spoke through its hub's gateway: out of the spoke and into the hub, both sides
// (virtual-network-peering-overview.md).
func (k *clerk) peeringData() {
	for _, l := range k.lobs {
		type lane struct{ spoke, hub *azure.VirtualNetwork }
		var lanes []lane
		own := 0
		for _, v := range k.users.own[l.name] {
			if v.Tags[design.TagRole] == "hub" {
				continue
			}
			own++
			for i := range v.Properties.VirtualNetworkPeerings {
				if p := v.Properties.VirtualNetworkPeerings[i].Properties; p.UseRemoteGateways && p.RemoteVirtualNetwork != nil {
					if hub := k.vnet(p.RemoteVirtualNetwork.ID); hub != nil {
						lanes = append(lanes, lane{v, hub})
					}
				}
			}
		}
		if l.gb == 0 {
			continue
		}
		for _, x := range lanes {
			gb := roundGB(l.gb / float64(own))
			in, out := k.c.VNetPeeringPrice(x.spoke.Location, x.hub.Location)
			both := catalog.Money{USD: in.USD + out.USD, Known: in.Known && out.Known, Unit: "GB", Source: out.Source, Assumption: or(out.Assumption, in.Assumption)}
			k.charge(charge{item: itemPeeringData, resource: x.spoke.Name, id: x.spoke.ID, quantity: gb, unit: "GB", price: both,
				unknown: "no price of peering between " + x.spoke.Location + " and " + x.hub.Location + " is published"}, []string{l.name})
		}
	}
}

// accesses bills what providers charge for the accesses in use, as the intent says.
func (k *clerk) accesses() {
	users := map[string][]string{}
	for i := range k.d.Orders {
		o := &k.d.Orders[i]
		var who []string
		if c, ok := k.users.index.Get(o.Circuit).(*azure.ExpressRouteCircuit); ok {
			who = k.circuitUsers(c)
		}
		for _, a := range o.Attachments {
			users[a] = append(users[a], who...)
		}
	}
	for i := range k.d.Premises.Attachments {
		a := &k.d.Premises.Attachments[i]
		if a.Number != 1 {
			continue
		}
		price := catalog.Money{Unit: "month", Source: catalog.Source{Text: "the intent (monthlyUSD)"}}
		if a.MonthlyUSD != nil {
			price.USD, price.Known = *a.MonthlyUSD, true
		}
		k.charge(charge{item: itemAccess, resource: strings.TrimSuffix(a.Name, "/1"), quantity: 1, unit: "month", price: price, unknown: "the intent gives no monthlyUSD for it"}, users[a.Name])
	}
}

// roundGB keeps megabytes, so that quantities print shortly.
func roundGB(v float64) float64 { return math.Round(v*1000) / 1000 }

// slug is a name for an assumption.
func slug(s string) string {
	return strings.Trim(strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, strings.ToLower(s)), "-")
}
