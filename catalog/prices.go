package catalog

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// HoursPerMonth is how many hours Azure bills a month as.
const HoursPerMonth = 730

// Price is one row of the price list. USD is meaningless unless Known.
type Price struct {
	Item       string  `json:"item"`
	SKU        string  `json:"sku"`
	Plan       string  `json:"plan,omitempty"`
	Mbps       int     `json:"mbps,omitempty"`
	Zone       string  `json:"zone,omitempty"`
	Region     string  `json:"region,omitempty"`
	Unit       string  `json:"unit"`
	USD        float64 `json:"usd"`
	Known      bool    `json:"known"`
	Confidence string  `json:"confidence"` // exact, secondary or not-found
	Note       string  `json:"note,omitempty"`
	Source     Source  `json:"source"`
}

// Money is the answer to a price question. Known false means that no price is published: unknown, not zero.
type Money struct {
	USD    float64 `json:"usd"`
	Known  bool    `json:"known"`
	Unit   string  `json:"unit"`
	Source Source  `json:"source"`
	// Assumption is set when a price that is published for some regions stands for another because all published ones
	// agree.
	Assumption string `json:"assumption,omitempty"`
}

// EgressTier is what a GB to the internet costs from a region between two monthly amounts.
type EgressTier struct {
	Region   string  `json:"region"`
	Routing  string  `json:"routing"`
	MinGB    float64 `json:"minGB"`
	MaxGB    float64 `json:"maxGB"` // +Inf for the last
	USDPerGB float64 `json:"usdPerGB"`
	Source   Source  `json:"-"`
}

func (c *Catalog) readPrices(t *table) error {
	return t.each(func() {
		p := Price{Item: t.get("item"), SKU: t.get("sku"), Plan: t.get("plan"), Mbps: t.number("bandwidth_mbps"), Zone: t.get("zone"), Region: t.get("region"), Unit: t.get("unit"),
			Confidence: t.get("confidence"), Note: t.get("note"), Source: Source{Text: t.get("source"), Date: t.get("source_date")}}
		if s := t.get("price_usd"); s != "" && p.Confidence != "not-found" {
			p.USD, p.Known = t.float("price_usd"), true
		}
		c.priced[p.Item] = append(c.priced[p.Item], len(c.prices))
		c.prices = append(c.prices, p)
	})
}

func (c *Catalog) readEgress(t *table) error {
	return t.each(func() {
		e := EgressTier{Region: t.get("region"), Routing: t.get("routing"), MinGB: t.float("min_gb"), MaxGB: math.Inf(1), USDPerGB: t.float("usd_per_gb"), Source: t.source}
		if t.get("max_gb") != "" {
			e.MaxGB = t.float("max_gb")
		}
		c.egress = append(c.egress, e)
	})
}

// Prices returns the price list in the order of the file.
func (c *Catalog) Prices() []Price { return slices.Clone(c.prices) }

// EgressTiers returns what a GB to the internet costs, in the order of the file.
func (c *Catalog) EgressTiers() []EgressTier { return slices.Clone(c.egress) }

func money(p *Price) Money { return Money{USD: p.USD, Known: p.Known, Unit: p.Unit, Source: p.Source} }

// price returns the first row of an item that matches, known or not.
func (c *Catalog) price(item string, match func(*Price) bool) (Money, bool) {
	for _, i := range c.priced[item] {
		if p := &c.prices[i]; match(p) {
			return money(p), true
		}
	}
	return Money{}, false
}

// regional answers for a region from rows that are published for regions: its own row, else the others' if all agree.
func (c *Catalog) regional(what, region, unit, item string, match func(*Price) bool) Money {
	name := region
	if r, ok := c.Region(region); ok {
		name = r.Name
	}
	var known []*Price
	for _, i := range c.priced[item] {
		p := &c.prices[i]
		if !match(p) || !p.Known {
			continue
		}
		if p.Region == name || p.Region == "" {
			return money(p)
		}
		known = append(known, p)
	}
	if len(known) == 0 {
		return Money{Unit: unit}
	}
	var where []string
	for _, p := range known {
		if p.USD != known[0].USD || p.Unit != known[0].Unit {
			return Money{Unit: unit}
		}
		where = append(where, p.Region)
	}
	m := money(known[0])
	m.Assumption = fmt.Sprintf("%s in %s is taken at the price published for %s, where all agree", what, name, strings.Join(where, ", "))
	return m
}

// CircuitPrice is a circuit's monthly fee: SKU Local, Standard or Premium, plan "metered" or "unlimited", in a billing zone.
func (c *Catalog) CircuitPrice(sku, plan string, mbps int, zone string) Money {
	m, ok := c.price("circuit", func(p *Price) bool {
		return strings.EqualFold(p.SKU, sku) && strings.EqualFold(p.Plan, plan) && p.Mbps == mbps && p.Zone == zone && zone != ""
	})
	if !ok {
		m.Unit = "month"
	}
	return m
}

// GatewayPrice is an ExpressRoute gateway's hourly price (for ErGwScale, of one scale unit).
func (c *Catalog) GatewayPrice(sku, region string) Money {
	return c.regional("gateway "+sku, region, "hour", "er-gateway", func(p *Price) bool { return strings.EqualFold(p.SKU, sku) && p.Region != "" })
}

// FirewallPrice is a firewall's hourly price and that of a GB through it; tier is Basic, Standard or Premium.
func (c *Catalog) FirewallPrice(tier, region string) (deploymentHour, perGB Money) {
	deploymentHour = c.regional("firewall "+tier, region, "hour", "firewall", func(p *Price) bool { return strings.EqualFold(p.SKU, tier+" deployment") })
	perGB = c.regional("firewall data "+tier, region, "GB", "firewall-data", func(p *Price) bool { return strings.EqualFold(p.SKU, tier) })
	return deploymentHour, perGB
}

// OutboundPrice is a GB out of Azure over a circuit of a billing zone; nothing for the unlimited plan.
func (c *Catalog) OutboundPrice(plan, zone string) Money {
	m, ok := c.price("outbound-data", func(p *Price) bool {
		return strings.EqualFold(p.Plan, plan) && strings.HasPrefix(p.SKU, "Standard") && (p.Zone == zone || p.Zone == "any")
	})
	if !ok {
		m.Unit = "GB"
	}
	return m
}

// peeringZone is the VNet peering zone of a region: those of the price list's own zone map, which are not the circuits'.
func (c *Catalog) peeringZone(region string) (string, bool) {
	r, ok := c.Region(region)
	if !ok {
		return "", false
	}
	switch {
	case r.Cloud == "usgov", r.GeopoliticalRegion == "North America", r.GeopoliticalRegion == "Europe", r.Name == "israelcentral":
		return "1", true
	}
	switch r.Country {
	case "India", "Japan", "Korea", "South Korea", "Australia", "New Zealand", "Singapore", "Hong Kong", "Hong Kong SAR", "Malaysia", "Indonesia", "Taiwan":
		return "2", true
	case "Brazil", "South Africa", "UAE", "United Arab Emirates", "Qatar", "Chile":
		return "3", true
	}
	return "", false
}

// VNetPeeringPrice is a GB into and out of a peering between two regions; both sides are billed.
func (c *Catalog) VNetPeeringPrice(from, to string) (in, out Money) {
	one := func(sku, zone string) Money {
		m, ok := c.price("vnet-peering", func(p *Price) bool { return p.SKU == sku && (zone == "" || p.Zone == zone) })
		if !ok {
			m.Unit = "GB"
		}
		return m
	}
	a, okA := c.Region(from)
	b, okB := c.Region(to)
	if !okA || !okB {
		return Money{Unit: "GB"}, Money{Unit: "GB"}
	}
	if a.Name == b.Name {
		return one("intra-region inbound", ""), one("intra-region outbound", "")
	}
	in, out = Money{Unit: "GB"}, Money{Unit: "GB"}
	if z, ok := c.peeringZone(to); ok {
		in = one("global inbound", z)
	}
	if z, ok := c.peeringZone(from); ok {
		out = one("global outbound", z)
	}
	return in, out
}

// PublicIPPrice is a Standard static public address's hourly price.
func (c *Catalog) PublicIPPrice(region string) Money {
	return c.regional("public IP address", region, "hour", "public-ip", func(p *Price) bool { return p.SKU == "Standard static regional" })
}

// DirectPortPrice is a Direct port pair's monthly price; none is published.
func (c *Catalog) DirectPortPrice(gbps int) Money {
	m, _ := c.price("direct-port", func(p *Price) bool { return p.Mbps == gbps*1000 })
	m.Unit = "month"
	return m
}

// PremiumOnDirectPrice is the extra monthly fee of a Premium circuit on a Direct port; none is published.
func (c *Catalog) PremiumOnDirectPrice() Money {
	m, _ := c.price("premium-circuit-on-direct", func(*Price) bool { return true })
	m.Unit = "month"
	return m
}

// VPNGatewayPrice is a VPN gateway's hourly price.
func (c *Catalog) VPNGatewayPrice(sku, region string) Money {
	return c.regional("VPN gateway "+sku, region, "hour", "vpn-gateway", func(p *Price) bool {
		return strings.EqualFold(p.SKU, sku) && p.Unit == "hour"
	})
}

// EgressPrice is what a monthly amount to the internet costs from a region, tier by tier; the first 100 GB are free.
func (c *Catalog) EgressPrice(region string, gb float64) Money {
	name := region
	if r, ok := c.Region(region); ok {
		name = r.Name
	}
	m := Money{Unit: "month"}
	for _, e := range c.egress {
		if e.Region != name || e.Routing != "microsoft-global-network" {
			continue
		}
		m.Known, m.Source = true, e.Source
		if gb > e.MinGB {
			m.USD += (math.Min(gb, e.MaxGB) - e.MinGB) * e.USDPerGB
		}
	}
	return m
}
