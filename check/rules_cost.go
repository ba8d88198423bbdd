package check

import (
	"fmt"
	"slices"
	"strings"

	"onramp/azure"
	"onramp/catalog"
	"onramp/intent"
)

// costRules find money that is spent for nothing, or more than another way to buy would take. They compare single prices of the
// catalogue; package cost makes whole bills.
func costRules() []ruleSet {
	return []ruleSet{
		{(*checker).idleGateways, []string{"cost-gateway-left"}},
		{(*checker).plans, []string{"cost-unlimited-breakeven", "cost-local-heavy-egress", "circuit-metered-to-unlimited-one-way"}},
		{(*checker).billingZones, []string{"cost-zone-of-location"}},
		{(*checker).spokeData, []string{"cost-spoke-peering-charge"}},
		{(*checker).reachData, []string{"cost-global-reach-both-ways"}},
	}
}

// idleGateways finds ExpressRoute gateways that nothing is linked to.
func (k *checker) idleGateways() {
	for _, f := range k.feeds() {
		if len(k.index.Links(f.g.ID)) > 0 {
			continue
		}
		month := ""
		if usd, known := k.gatewayMonth(f.g); known {
			month = fmt.Sprintf(", USD %.0f a month", usd)
		}
		k.say("cost-gateway-left", string(f.g.ID), f.g.Properties.SKU.Name, "no circuit is linked to "+f.g.Name+", which is billed all the same"+month, "link a circuit to it, or delete it")
	}
}

// gatewayMonth is what a gateway costs in a month; one with scale units, at the fewest that it has.
func (k *checker) gatewayMonth(g *azure.VirtualNetworkGateway) (usd float64, known bool) {
	p := k.c.GatewayPrice(g.Properties.SKU.Name, g.Location)
	units := 1
	if strings.EqualFold(g.Properties.SKU.Name, scaleSKU) {
		units, _, _ = scaleBounds(g)
	}
	return p.USD * float64(units) * catalog.HoursPerMonth, p.Known
}

// offer is what a circuit costs in a month, bought in one way, with its data.
type offer struct {
	usd   float64
	known bool
}

func (k *checker) metered(tier string, mbps int, zone string, gb float64) offer {
	fee, rate := k.c.CircuitPrice(tier, "metered", mbps, zone), k.c.OutboundPrice("metered", zone)
	return offer{fee.USD + rate.USD*gb, fee.Known && (rate.Known || gb == 0)}
}

func (k *checker) unlimited(tier string, mbps int, zone string) offer {
	fee := k.c.CircuitPrice(tier, "unlimited", mbps, zone)
	return offer{fee.USD, fee.Known}
}

// plans compares the ways to buy each circuit, at the traffic that the intent states.
func (k *checker) plans() {
	loads := k.loads()
	for _, c := range k.circuitsAll {
		l, known := k.place(c)
		mbps, gb := circuitMbps(c), loads[c.ID.Key()].gb
		if !known || c.Properties.ServiceProviderProperties == nil || isTier(c, tierLocal) {
			continue // a circuit on Direct ports has no choice, and a Local one holds its data
		}
		isMetered := strings.EqualFold(c.SKU.Family, "MeteredData")
		by, flat := k.metered(c.SKU.Tier, mbps, l.Zone, gb), k.unlimited(c.SKU.Tier, mbps, l.Zone)
		now := flat
		if isMetered {
			now = by
		}
		local, size := k.asLocal(c, l)
		switch value := fmt.Sprintf("%.0f GB", gb); {
		case !now.known:
		case local.known && local.usd < now.usd && (!flat.known || local.usd <= flat.usd):
			k.say("cost-local-heavy-egress", string(c.ID), value, fmt.Sprintf("%s costs USD %.0f a month%s; a Local circuit of %d Mbps, whose price includes data, costs %.0f and reaches the same regions", c.Name, now.usd, carrying(gb), size, local.usd), "use Local, if the provider has it and a second location is not needed for other regions")
		case isMetered && flat.known && flat.usd < by.usd:
			k.say("cost-unlimited-breakeven", string(c.ID), value, fmt.Sprintf("%s costs USD %.0f a month metered%s, and %.0f unlimited", c.Name, by.usd, carrying(gb), flat.usd), "choose UnlimitedData, which cannot be turned back")
		case !isMetered && gb > 0 && by.known && by.usd < flat.usd:
			k.say("circuit-metered-to-unlimited-one-way", string(c.ID), value, fmt.Sprintf("%s costs USD %.0f a month unlimited, and %.0f metered%s; it cannot become metered later", c.Name, flat.usd, by.usd, carrying(gb)), "create it with MeteredData, and make it unlimited when the traffic has grown")
		}
	}
}

func carrying(gb float64) string {
	if gb == 0 {
		return ""
	}
	return fmt.Sprintf(" with %.0f GB", gb)
}

// asLocal is what a Local circuit in a circuit's place would cost, and its Mbps; it is not known where Local would not do.
func (k *checker) asLocal(c *azure.ExpressRouteCircuit, l catalog.Location) (offer, int) {
	limits := k.c.Limits()
	regions := k.regionsOn(c)
	for _, name := range regions {
		if r, ok := k.c.Region(name); !ok || !slices.Contains(l.LocalRegions, r.Name) {
			return offer{}, 0
		}
	}
	if len(regions) == 0 || peeringOf(c, isMicrosoft) != nil || k.index.GlobalReach(c.ID) > 0 || k.announced(c) > limits.PrivatePrefixesFromOnPrem(tierLocal, "ipv4") {
		return offer{}, 0
	}
	for _, mbps := range limits.LocalCircuitMbps {
		if mbps < circuitMbps(c) {
			continue
		}
		if most, ok := limits.VNetLinks(tierLocal, mbps); !ok || len(k.index.Links(c.ID)) > most {
			return offer{}, 0
		}
		return k.unlimited(tierLocal, mbps, l.Zone), mbps
	}
	return offer{}, 0
}

// billingZones finds circuits that serve regions whose own locations are in another billing zone.
func (k *checker) billingZones() {
	zones := map[string][]string{} // region to the billing zones of the locations that are local to it
	for _, l := range k.c.Locations() {
		for _, r := range l.LocalRegions {
			if l.Zone != "" && !slices.Contains(zones[r], l.Zone) {
				zones[r] = append(zones[r], l.Zone)
			}
		}
	}
	for _, c := range k.circuitsAll {
		l, known := k.place(c)
		if !known || l.Zone == "" {
			continue
		}
		for _, name := range k.regionsOn(c) {
			r, ok := k.c.Region(name)
			if z := zones[r.Name]; ok && len(z) > 0 && !slices.Contains(z, l.Zone) {
				slices.Sort(z)
				k.say("cost-zone-of-location", string(c.ID), "zone "+l.Zone, fmt.Sprintf("%s and its data are billed by zone %s of %s, although it serves %s, whose own locations are in zone %s", c.Name, l.Zone, l.Name, r.Name, strings.Join(z, " or ")), "reckon with zone "+l.Zone+", as `onramp cost` does")
				break
			}
		}
	}
}

// spokeData finds spokes whose traffic through the hub costs more in peering charges than a gateway of their own would. Where
// the intent asks for inspection the way leads through the hub all the same.
func (k *checker) spokeData() {
	in := k.d.Intent
	if in == nil || in.SharedServices != nil && in.SharedServices.Inspect {
		return
	}
	egress := in.Egress()
	own := map[string]int{} // networks of each line of business
	for _, v := range k.vnets {
		own[lob(v)]++
	}
	for _, f := range k.feeds() {
		month, known := k.gatewayMonth(f.g)
		if f.home == nil || !known {
			continue
		}
		for _, v := range f.spokes {
			i := slices.IndexFunc(in.LinesOfBusiness, func(l intent.LineOfBusiness) bool { return l.Name == lob(v) })
			into, outOf := k.c.VNetPeeringPrice(v.Location, f.home.Location)
			if i < 0 || !into.Known || !outOf.Known {
				continue
			}
			gb := egress[i] / float64(own[lob(v)])
			if charge := gb * (into.USD + outOf.USD); charge > month {
				k.say("cost-spoke-peering-charge", string(v.ID), fmt.Sprintf("%.0f GB", gb), fmt.Sprintf("%.0f GB a month of %s pay USD %.0f for the peering with %s; a gateway of its own costs %.0f", gb, v.Name, charge, f.home.Name, month), "give "+v.Name+" a gateway and links of its own")
			}
		}
	}
}

// reachData tells once what Global Reach adds to the bill.
func (k *checker) reachData() {
	reaches := k.reaches()
	if len(reaches) == 0 {
		return
	}
	var on []*azure.ExpressRouteCircuit
	for _, r := range reaches {
		on = append(on, r.a)
		if r.b != nil {
			on = append(on, r.b)
		}
	}
	k.say("cost-global-reach-both-ways", reaches[0].at, some(len(reaches), "connection"), "Global Reach of "+circuitNames(on)+" is billed for data in and out, and by an add-on for each circuit", "reckon with both, or carry what goes from site to site over the backbone")
}
