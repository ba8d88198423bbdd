package pattern

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"onramp/catalog"
	"onramp/intent"
)

// Circuit tiers and families.
const (
	tierLocal    = "Local"
	tierStandard = "Standard"
	tierPremium  = "Premium"
	metered      = "MeteredData"
	unlimited    = "UnlimitedData"
)

// offer is one way to buy a circuit.
type offer struct {
	tier, family string
	mbps         int
	price        catalog.Money // a month, data included
	links        int           // VNet links that it allows
}

// sizeCircuits gives every circuit its bandwidth, tier and family: the cheapest offer that is large enough, reaches the
// regions, allows the links and carries the services. False when some circuit cannot be bought at all.
func (k *compiler) sizeCircuits() bool {
	ok := true
	for _, c := range k.circuits {
		if !k.size(c) {
			ok = false
		}
	}
	return ok
}

func (k *compiler) size(c *circuit) bool {
	need := bandwidth(c.lobs)
	reach, far := k.farthest(c)
	fits, links := k.fitting(c, reach, k.kept.circuits[c.name])
	if len(fits) == 0 {
		fits, links = k.fitting(c, reach, bought{}) // what it was is not sold there: it is another circuit now
	}
	if len(fits) == 0 {
		k.obstacle(c.lob, "linesOfBusiness", k.tooManyLinks(c, links), "use a hub-and-spoke pattern, in which a hub's one link serves all its spokes")
		return false
	}
	enough := slices.DeleteFunc(slices.Clone(fits), func(o offer) bool { return o.mbps < int(min(need, c.way.mbps)) })
	if len(enough) == 0 {
		most := slices.MaxFunc(fits, func(a, b offer) int { return cmp.Compare(a.mbps, b.mbps) })
		for _, l := range c.lobs {
			k.obstacle(l.Name, "bandwidth", fmt.Sprintf("%s has to carry %s for %s; the largest circuit there is %s", c.name, need, names(c.lobs), intent.Mbps(most.mbps)), "lower the bandwidth, or use an isolated pattern or Direct ports")
		}
		enough = slices.DeleteFunc(slices.Clone(fits), func(o offer) bool { return o.mbps != most.mbps })
	}
	best := slices.MinFunc(enough, compareOffers)
	c.mbps, c.tier, c.family = intent.Mbps(best.mbps), best.tier, best.family
	c.why = k.whyOffer(c, best, links, reach, far)
	return true
}

// fitting are the offers that reach the regions and carry the services and prefixes: with enough links, and all.
// was is what an earlier design had.
func (k *compiler) fitting(c *circuit, reach int, was bought) (fits, all []offer) {
	for _, o := range k.offers(c) {
		if o.tier == tierLocal && reach != reachLocal || o.tier != tierPremium && (reach == reachBeyond || k.needsMicrosoft365(c)) {
			continue
		}
		if o.tier != tierPremium && k.tooManyPrefixes(c, o.tier) {
			continue
		}
		// A circuit's bandwidth only grows in place, and an unlimited one does not become metered (expressroute-circuit-peerings.md).
		if was.mbps > o.mbps || was.family == unlimited && o.family != unlimited {
			continue
		}
		all = append(all, o)
		if o.links >= len(c.networks) {
			fits = append(fits, o)
		}
	}
	return fits, all
}

// compareOffers puts the cheapest first, known before unknown; then the lower tier and the smaller size.
func compareOffers(a, b offer) int {
	tiers := []string{tierStandard, tierLocal, tierPremium}
	unknown := func(o offer) int {
		if o.price.Known {
			return 0
		}
		return 1
	}
	usd := func(o offer) float64 { return math.Round(o.price.USD*100) / 100 }
	return cmp.Or(cmp.Compare(unknown(a), unknown(b)), cmp.Compare(usd(a), usd(b)), cmp.Compare(slices.Index(tiers, a.tier), slices.Index(tiers, b.tier)),
		cmp.Compare(a.mbps, b.mbps), strings.Compare(a.family, b.family))
}

// offers lists what is sold at the circuit's location, with prices for its share of the data.
func (k *compiler) offers(c *circuit) []offer {
	limits := k.c.Limits()
	zone := ""
	if l, ok := k.c.Location(c.way.location); ok {
		zone = l.Zone
	}
	egress := k.egressGB(c)
	var out []offer
	add := func(tier, family string, mbps int, price catalog.Money) {
		// Where no number of links is published for a size, the size below it counts.
		n, _ := limits.VNetLinks(tier, mbps)
		for _, smaller := range limits.CircuitMbps {
			if m, known := limits.VNetLinks(tier, smaller); n == 0 && known && smaller == slices.Max(limits.CircuitMbps) {
				n = m
			}
		}
		out = append(out, offer{tier, family, mbps, price, n})
	}
	if c.port != nil {
		for _, gbps := range limits.DirectCircuitGbps(int(c.way.mbps / 1000)) {
			// A Standard circuit costs nothing beyond its port; Direct circuits are created metered (expressroute-erdirect-about.md).
			add(tierStandard, metered, gbps*1000, catalog.Money{Known: true})
			add(tierPremium, metered, gbps*1000, k.c.PremiumOnDirectPrice())
		}
		return out
	}
	for _, tier := range []string{tierStandard, tierPremium} {
		for _, mbps := range limits.CircuitMbps {
			add(tier, unlimited, mbps, k.c.CircuitPrice(tier, "unlimited", mbps, zone))
			m := k.c.CircuitPrice(tier, "metered", mbps, zone)
			if gb := k.c.OutboundPrice("metered", zone); egress > 0 {
				m.USD, m.Known = m.USD+gb.USD*egress, m.Known && gb.Known
			}
			add(tier, metered, mbps, m)
		}
	}
	for _, mbps := range limits.LocalCircuitMbps {
		add(tierLocal, unlimited, mbps, k.c.CircuitPrice(tierLocal, "unlimited", mbps, zone))
	}
	return out
}

// egressGB is a circuit's share of the monthly data: that of each line of business, spread over the preferred circuits that
// carry it. A second circuit carries none while the first is there.
func (k *compiler) egressGB(c *circuit) float64 {
	if c.n != 1 {
		return 0
	}
	parts := k.e.Egress()
	var sum float64
	for _, l := range c.lobs {
		carriers := 0
		for _, o := range k.circuits {
			if o.n == 1 && slices.Contains(o.lobs, l) {
				carriers++
			}
		}
		for i := range k.e.LinesOfBusiness {
			if k.e.LinesOfBusiness[i].Name == l.Name {
				sum += parts[i] / float64(carriers)
			}
		}
	}
	return sum
}

// regionsOn are the regions that a circuit serves: of the networks linked to it, of their spokes, and of the services of
// whoever has no networks.
func (k *compiler) regionsOn(c *circuit) []string {
	var out []string
	for _, v := range c.networks {
		out = append(out, v.region)
		for _, s := range k.spokes(v) {
			out = append(out, s.region)
		}
	}
	for _, l := range c.lobs {
		if slices.Contains(l.services, intent.AzurePublic) || slices.Contains(l.services, intent.Dynamics365) {
			out = append(out, k.regionsOf(l, c)...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// farthest is the reach that the circuit needs and a region that needs it.
func (k *compiler) farthest(c *circuit) (reach int, region string) {
	l, ok := k.c.Location(c.way.location)
	if !ok {
		return reachBeyond, ""
	}
	for _, name := range k.regionsOn(c) {
		if r := k.reach(l, name); r > reach || region == "" {
			reach, region = max(r, reach), name
		}
	}
	return reach, region
}

// tooManyPrefixes tells whether the premises would announce more than a tier takes on private peering.
func (k *compiler) tooManyPrefixes(c *circuit, tier string) bool {
	limits := k.c.Limits()
	list := k.sitePrefixes(c.sites)
	return c.private != nil && (len(family(list, false)) > limits.PrivatePrefixesFromOnPrem(tier, "ipv4") && limits.PrivatePrefixesFromOnPrem(tierPremium, "ipv4") > limits.PrivatePrefixesFromOnPrem(tier, "ipv4"))
}

// tooManyLinks is the sentence on a circuit that no offer gives enough links.
func (k *compiler) tooManyLinks(c *circuit, offers []offer) string {
	most := 0
	for _, o := range offers {
		most = max(most, o.links)
	}
	return fmt.Sprintf("%s need %s on %s; no circuit allows more than %d", plural(len(c.networks), "VNet"), plural(len(c.networks), "link"), c.name, most)
}

// whyOffer says what made the circuit dearer than the plainest offer of its bandwidth, "" when nothing did. It is printed
// as a tag, which Azure limits to 256 characters.
func (k *compiler) whyOffer(c *circuit, best offer, all []offer, reach int, far string) string {
	limits := k.c.Limits()
	n := len(c.networks)
	standard, _ := limits.VNetLinks(tierStandard, best.mbps)
	switch {
	case best.tier == tierLocal:
		return fmt.Sprintf("Local: every VNet is local to %s, and %s with data included is the cheapest", c.way.location, intent.Mbps(best.mbps))
	case best.tier != tierPremium:
		return ""
	case reach == reachBeyond:
		return fmt.Sprintf("Premium: %s is outside the geopolitical region of %s", far, c.way.location)
	case k.needsMicrosoft365(c):
		return "Premium: Microsoft 365 needs it"
	case n > standard:
		why := fmt.Sprintf("%d VNets need %d links; Standard allows %d, Premium at %s %d", n, n, standard, intent.Mbps(best.mbps), best.links)
		for _, o := range all {
			if o.tier == tierStandard && o.family == best.family && o.mbps == best.mbps && o.price.Known && best.price.Known {
				why += fmt.Sprintf(", for +USD %.0f a month", best.price.USD-o.price.USD)
			}
		}
		return why
	}
	return fmt.Sprintf("Premium: more than %d prefixes from the premises", limits.PrivatePrefixesFromOnPrem(tierStandard, "ipv4"))
}

// Gateway SKU that comes in scale units of 1 Gbps.
const (
	scaleSKU      = "ErGwScale"
	scaleUnitMbps = 1000
	maxScaleUnits = 40
)

// gatewaySKU is the cheapest SKU that is enough for a gateway, with a number of scale units for ErGwScale.
func (k *compiler) gatewaySKU(v *vnet) (sku string, units int) {
	need := int(bandwidth(v.serves))
	prefixes := 0
	for _, c := range v.circuits {
		prefixes += len(k.sitePrefixes(c.sites))
	}
	region, _ := k.c.Region(v.region)
	zone := region.Zones && slices.ContainsFunc(v.serves, func(l *lob) bool { return slices.Contains(l.Needs.Survives, survivesZone) })
	ipv6 := v.subnet(gatewaySubnet).v6.IsValid()
	var fits []catalog.GatewaySKU
	for _, s := range k.c.GatewaySKUs() {
		if s.Unit != "gateway" || s.Mbps < need || s.MaxCircuits < len(v.circuits) || s.MaxRoutesLearned < prefixes {
			continue
		}
		// The old SKUs without zones carry no IPv6 (expressroute-howto-add-ipv6.md).
		if (zone || ipv6) && !s.ZoneRedundant {
			continue
		}
		fits = append(fits, s)
	}
	if len(fits) == 0 {
		// ErGwScale is left for what no fixed SKU can do: where it is offered is not published.
		units = min(max((need+scaleUnitMbps-1)/scaleUnitMbps, 10), maxScaleUnits)
		return scaleSKU, units
	}
	order := func(s catalog.GatewaySKU) (unknown int, usd float64, plain int) {
		m := k.c.GatewayPrice(s.Name, v.region)
		if !m.Known {
			unknown = 1
		}
		if !s.ZoneRedundant {
			plain = 1
		}
		return unknown, m.USD, plain
	}
	return slices.MinFunc(fits, func(a, b catalog.GatewaySKU) int {
		ua, pa, za := order(a)
		ub, pb, zb := order(b)
		// A smaller class is never dearer, so it goes before a price that happens to be known.
		return cmp.Or(cmp.Compare(a.Mbps, b.Mbps), cmp.Compare(ua, ub), cmp.Compare(pa, pb), cmp.Compare(za, zb), strings.Compare(a.Name, b.Name))
	}).Name, 0
}

// zoneObstacles says where a zone cannot be survived because the region has none.
func (k *compiler) zoneObstacles() {
	for _, v := range k.networks {
		if r, ok := k.c.Region(v.region); ok && r.Zones || !v.gateway && !v.firewall {
			continue
		}
		for _, l := range k.lobs {
			if slices.Contains(l.Needs.Survives, survivesZone) && (v.lob == l.Name || v.lob == "" && slices.Contains(v.serves, l)) {
				k.obstacle(l.Name, "survives.zone", "region "+v.region+" of "+v.name+" has no availability zones", "use a region with zones, or leave zone out of survives")
			}
		}
	}
}
