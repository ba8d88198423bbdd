package main

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"onramp/catalog"
)

// lookUp leads from a provider's name, of today or old, to today's; a name that the catalogue never had is a usage error.
func (a *answer[R]) lookUp(c *catalog.Catalog, flag, name string) (string, error) {
	found := c.Provider(name)
	if !found.Listed && found.Basis == "" {
		all := c.ProviderNames()
		for _, old := range c.Aliases() {
			all = append(all, old.OldName)
		}
		slices.Sort(all)
		return "", usageError(fmt.Errorf("--%s %q: the catalogue has no such provider, of today or old%s", flag, name, suggest(name, slices.Compact(all), all)))
	}
	a.Lookup = &found
	if !found.Listed || found.Renamed {
		a.Notes = append(a.Notes, found.String())
	}
	return found.Name, nil
}

type locationRow struct {
	catalog.Location
	Zone         *string  `json:"zone"`
	Address      *string  `json:"address"`
	LocalRegions []string `json:"localRegions"`
}

func locationFacts() *facts[locationRow] {
	titles := map[string]string{} // of regions, by name
	return &facts[locationRow]{
		name: "locations", short: "Peering locations: where circuits end at Microsoft",
		long: `Peering locations, with billing zone, geopolitical region, and the regions that a Local circuit reaches from there.
A metro location is two buildings of one city. Addresses and coordinates (city centres) are in --json.`,
		example: "  onramp catalog locations --country Canada\n  onramp catalog locations --provider Telus --region canadaeast",
		rows: func(c *catalog.Catalog, a *answer[locationRow], asked func(string) string) error {
			provider := asked("provider")
			if provider != "" {
				name, err := a.lookUp(c, "provider", provider)
				if err != nil {
					return err
				}
				provider = name
			}
			for _, r := range c.Regions() {
				titles[r.Name] = r.DisplayName
			}
			offers := c.Offers()
			for _, l := range c.Locations() {
				if asked("provider") != "" && !slices.ContainsFunc(offers, func(o catalog.Offer) bool {
					return o.Provider == provider && o.Location == l.Name && o.Cloud == l.Cloud
				}) {
					continue
				}
				a.Rows = append(a.Rows, locationRow{l, published(l.Zone), published(l.Address), append([]string{}, l.LocalRegions...)})
			}
			return nil
		},
		filters: []filter[locationRow]{
			{flag: "name", usage: "the location's name", of: func(r locationRow) []string { return []string{r.Name} }, also: func(c *catalog.Catalog) []string {
				var out []string
				for _, l := range c.Locations() {
					out = append(out, l.Name)
				}
				return out
			}},
			{flag: "city", usage: "`CITY`, or \"CITY, COUNTRY\"", of: func(r locationRow) []string { return []string{r.City, r.City + ", " + r.Country} }, also: (*catalog.Catalog).Cities},
			{flag: "country", usage: "the country", of: func(r locationRow) []string { return []string{r.Country} }, also: func(c *catalog.Catalog) []string {
				var out []string
				for _, l := range c.Locations() {
					out = append(out, l.Country)
				}
				return out
			}},
			{flag: "geography", usage: "the geopolitical region, which a Standard circuit spans", of: func(r locationRow) []string { return []string{r.GeopoliticalRegion} }, also: geographies},
			{flag: "region", usage: "locations from which a Local circuit reaches this `REGION`", of: func(r locationRow) []string {
				var names []string
				for _, region := range r.LocalRegions {
					names = append(names, regionTitle(region, titles)...)
				}
				return names
			}, also: regionNames},
			{flag: "provider", usage: "locations of this provider, under its name of today or an old one"},
			{flag: "zone", usage: "the billing zone: 1 to 4, or unknown", of: func(r locationRow) []string { return []string{show(r.Zone)} }, also: func(*catalog.Catalog) []string { return []string{"1", "2", "3", "4", unknown} }},
			{flag: "cloud", usage: "public, usgov or china", of: func(r locationRow) []string { return []string{r.Cloud} }, also: clouds},
			{flag: "metro", usage: "only metro locations", is: func(r locationRow) bool { return r.Kind == "metro" }},
			{flag: "direct", usage: "only where ExpressRoute Direct is sold", is: func(r locationRow) bool { return r.Direct }},
		},
		columns: []column[locationRow]{
			{head: "Location", cell: func(r locationRow) any { return r.Name }},
			{head: "Kind", cell: func(r locationRow) any { return r.Kind }},
			{head: "Cloud", cell: func(r locationRow) any { return r.Cloud }},
			{head: "City", cell: func(r locationRow) any { return r.City }},
			{head: "Country", cell: func(r locationRow) any { return r.Country }},
			{head: "Zone", cell: func(r locationRow) any { return show(r.Zone) }},
			{head: "Geography", cell: func(r locationRow) any { return r.GeopoliticalRegion }},
			{head: "Local regions", cell: func(r locationRow) any { return orDash(strings.Join(r.LocalRegions, ", ")) }},
			{head: "Direct", cell: func(r locationRow) any { return yesNo(r.Direct) }},
		},
		source: func(r locationRow) catalog.Source { return r.Source },
	}
}

func clouds(*catalog.Catalog) []string { return []string{"public", "usgov", "china"} }

func geographies(c *catalog.Catalog) []string {
	var out []string
	for _, r := range c.Regions() {
		out = append(out, r.GeopoliticalRegion)
	}
	return out
}

type offerRow struct {
	catalog.Offer
	Azure        *bool `json:"azure"`
	Microsoft365 *bool `json:"microsoft365"`
	// The distance is to the region of --region, in whole kilometres: the coordinates are those of city centres.
	DistanceKM    *int  `json:"distanceKM,omitempty"`
	LocalToRegion *bool `json:"localToRegion,omitempty"`
}

func newOfferRow(o catalog.Offer) offerRow {
	r := offerRow{Offer: o}
	if o.ServicesKnown {
		r.Azure, r.Microsoft365 = &o.Azure, &o.Microsoft365
	}
	return r
}

func offerFacts() *facts[offerRow] {
	return &facts[offerRow]{
		name: "providers", short: "Which provider is at which peering location",
		long: `Which provider is at which peering location. With --region: first the locations local to the region, then the others of its
country, by distance (great circle, from the city's centre to the region's published position). With --name, an old name
leads to today's entry, or to "not listed now".`,
		example: "  onramp catalog providers --region canadaeast\n  onramp catalog providers --name \"Telia Carrier\"\n  onramp catalog providers --location Montreal",
		rows: func(c *catalog.Catalog, a *answer[offerRow], asked func(string) string) error {
			if region := asked("region"); region == "" {
				for _, o := range c.Offers() {
					a.Rows = append(a.Rows, newOfferRow(o))
				}
			} else {
				if _, ok := c.Region(region); !ok {
					all := regionNames(c)
					return usageError(fmt.Errorf("--region %q: the catalogue has no such region%s", region, suggest(region, all, all)))
				}
				offers, err := c.ProvidersForRegion(region)
				if err != nil {
					return err
				}
				for _, o := range offers {
					r, km := newOfferRow(o.Offer), int(math.Round(o.DistanceKM))
					r.DistanceKM, r.LocalToRegion = &km, &o.LocalToRegion
					a.Rows = append(a.Rows, r)
				}
			}
			if name := asked("name"); name != "" {
				today, err := a.lookUp(c, "name", name)
				if err != nil {
					return err
				}
				a.Rows = slices.DeleteFunc(a.Rows, func(r offerRow) bool { return r.Provider != today })
			}
			return nil
		},
		filters: []filter[offerRow]{
			{flag: "region", usage: "providers near this Azure `REGION`: its local locations, then the rest of its country"},
			{flag: "name", usage: "one provider, under its name of today or an old one"},
			{flag: "location", usage: "providers at this peering location", of: func(r offerRow) []string { return []string{r.Location} }, also: func(c *catalog.Catalog) []string {
				var out []string
				for _, l := range c.Locations() {
					out = append(out, l.Name)
				}
				for _, o := range c.Offers() {
					out = append(out, o.Location)
				}
				return out
			}},
			{flag: "access", usage: "direct or via-exchange", of: func(r offerRow) []string { return []string{r.Access} }, also: func(*catalog.Catalog) []string { return []string{"direct", "via-exchange"} }},
			{flag: "status", usage: "active or future", of: func(r offerRow) []string { return []string{r.Status} }, also: func(*catalog.Catalog) []string { return []string{"active", "future"} }},
			{flag: "cloud", usage: "public, usgov or china", of: func(r offerRow) []string { return []string{r.Cloud} }, also: clouds},
			{flag: "microsoft365", usage: "only where Microsoft 365 is known to be carried", is: func(r offerRow) bool { return r.ServicesKnown && r.Offer.Microsoft365 }},
		},
		columns: []column[offerRow]{
			{head: "Provider", cell: func(r offerRow) any { return r.Provider }},
			{head: "Location", cell: func(r offerRow) any { return r.Location }},
			{head: "Local", only: "region", cell: func(r offerRow) any { return yesNo(*r.LocalToRegion) }},
			{head: "km", only: "region", right: true, cell: func(r offerRow) any { return *r.DistanceKM }},
			{head: "Cloud", cell: func(r offerRow) any { return r.Cloud }},
			{head: "Access", cell: func(r offerRow) any {
				if r.Exchange == "" {
					return r.Access
				}
				return "via " + strings.ReplaceAll(r.Exchange, ";", ", ")
			}},
			{head: "Status", cell: func(r offerRow) any { return r.Status }},
			{head: "Azure", cell: func(r offerRow) any { return showYesNo(r.Azure) }},
			{head: "Microsoft 365", cell: func(r offerRow) any { return showYesNo(r.Microsoft365) }},
		},
		source: func(r offerRow) catalog.Source { return r.Source },
	}
}

func showYesNo(b *bool) string {
	if b == nil {
		return unknown
	}
	return yesNo(*b)
}

type regionRow struct {
	catalog.Region
	PairedRegion     *string `json:"pairedRegion"`
	CommunityPrivate *string `json:"communityPrivate"`
}

func regionFacts() *facts[regionRow] {
	return &facts[regionRow]{
		name: "regions", short: "Azure regions, with their BGP communities",
		long:    "Azure regions. The communities of single services (storage, SQL, ...) and the coordinates are in --json.",
		example: "  onramp catalog regions --country Canada\n  onramp catalog regions --geography Europe --zones",
		rows: func(c *catalog.Catalog, a *answer[regionRow], _ func(string) string) error {
			for _, r := range c.Regions() {
				a.Rows = append(a.Rows, regionRow{r, published(r.PairedRegion), published(r.CommunityPrivate)})
			}
			return nil
		},
		filters: []filter[regionRow]{
			{flag: "name", usage: "the region, by its name or display name", of: func(r regionRow) []string { return []string{r.Name, r.DisplayName} }},
			{flag: "country", usage: "the country", of: func(r regionRow) []string { return []string{r.Country} }},
			{flag: "geography", usage: "the geopolitical region, which a Standard circuit spans", of: func(r regionRow) []string { return []string{r.GeopoliticalRegion} }},
			{flag: "cloud", usage: "public, usgov or china", of: func(r regionRow) []string { return []string{r.Cloud} }},
			{flag: "zones", usage: "only regions with availability zones", is: func(r regionRow) bool { return r.Zones }},
		},
		columns: []column[regionRow]{
			{head: "Region", cell: func(r regionRow) any { return r.Name }},
			{head: "Display name", cell: func(r regionRow) any { return r.DisplayName }},
			{head: "Cloud", cell: func(r regionRow) any { return r.Cloud }},
			{head: "Geography", cell: func(r regionRow) any { return r.GeopoliticalRegion }},
			{head: "Where", cell: func(r regionRow) any { return orUnknown(r.PhysicalLocation) }},
			{head: "Paired with", cell: func(r regionRow) any { return show(r.PairedRegion) }},
			{head: "Zones", cell: func(r regionRow) any { return yesNo(r.Zones) }},
			{head: "Community", cell: func(r regionRow) any { return show(r.CommunityPrivate) }},
		},
		source: func(r regionRow) catalog.Source { return r.Source },
	}
}

// skuRow is what a circuit of a SKU and bandwidth may do.
type skuRow struct {
	SKU          string         `json:"sku"`
	Mbps         int            `json:"mbps"`
	Provider     bool           `json:"provider"` // sold by providers
	Direct       bool           `json:"direct"`   // on a Direct port
	VNetLinks    *int           `json:"vnetLinks"`
	PrefixesIPv4 *int           `json:"prefixesFromPremisesIPv4"`
	PrefixesIPv6 *int           `json:"prefixesFromPremisesIPv6"`
	Scope        *string        `json:"scope"`
	Source       catalog.Source `json:"source"`
}

func skuFacts() *facts[skuRow] {
	return &facts[skuRow]{
		name: "skus", short: "Circuit SKUs by bandwidth: reach, VNet links and prefixes",
		long:    "Circuit SKUs by bandwidth: who sells them, how many VNets they link, and how many prefixes they take from the premises.",
		example: "  onramp catalog skus --bandwidth \"200 Mbps\"\n  onramp catalog skus --sku Premium",
		rows: func(c *catalog.Catalog, a *answer[skuRow], _ func(string) string) error {
			limits, rows := c.Limits(), map[string]catalog.LimitRow{}
			for _, r := range c.LimitRows() {
				rows[r.Key] = r
			}
			for _, sku := range []string{"Local", "Standard", "Premium"} {
				sold := limits.CircuitMbps
				if sku == "Local" {
					sold = limits.LocalCircuitMbps
				}
				var direct []int
				for _, port := range limits.DirectPortGbps {
					for _, gbps := range limits.DirectCircuitGbps(port) {
						direct = append(direct, gbps*1000)
					}
				}
				sizes := slices.Concat(sold, direct)
				slices.Sort(sizes)
				for _, mbps := range slices.Compact(sizes) {
					scope := rows["circuit.sku_scope."+sku]
					row := skuRow{SKU: sku, Mbps: mbps, Provider: slices.Contains(sold, mbps), Direct: slices.Contains(direct, mbps), Scope: published(scope.Value), Source: scope.Source,
						PrefixesIPv4: published(limits.PrivatePrefixesFromOnPrem(sku, "ipv4")), PrefixesIPv6: published(limits.PrivatePrefixesFromOnPrem(sku, "ipv6"))}
					if n, known := limits.VNetLinks(sku, mbps); known {
						row.VNetLinks = &n
					}
					a.Rows = append(a.Rows, row)
				}
			}
			return nil
		},
		filters: []filter[skuRow]{
			{flag: "sku", usage: "Local, Standard or Premium", of: func(r skuRow) []string { return []string{r.SKU} }},
			{flag: "bandwidth", usage: "the circuit's bandwidth: 200 Mbps, 1 Gbps, ...", of: func(r skuRow) []string { return mbpsNames(r.Mbps) }},
			{flag: "direct", usage: "only what runs on a Direct port", is: func(r skuRow) bool { return r.Direct }},
		},
		columns: []column[skuRow]{
			{head: "SKU", cell: func(r skuRow) any { return r.SKU }},
			{head: "Mbps", right: true, cell: func(r skuRow) any { return r.Mbps }},
			{head: "Provider", cell: func(r skuRow) any { return yesNo(r.Provider) }},
			{head: "Direct", cell: func(r skuRow) any { return yesNo(r.Direct) }},
			{head: "VNet links", right: true, cell: func(r skuRow) any { return show(r.VNetLinks) }},
			{head: "IPv4 prefixes", right: true, cell: func(r skuRow) any { return show(r.PrefixesIPv4) }},
			{head: "IPv6 prefixes", right: true, cell: func(r skuRow) any { return show(r.PrefixesIPv6) }},
			{head: "Reaches", cell: func(r skuRow) any { return show(r.Scope) }},
		},
		source: func(r skuRow) catalog.Source { return r.Source },
	}
}

type gatewayRow struct {
	catalog.GatewaySKU
	Mbps                 *int `json:"mbps"`
	PacketsPerSecond     *int `json:"packetsPerSecond"`
	ConnectionsPerSecond *int `json:"connectionsPerSecond"`
	MaxVMs               *int `json:"maxVMs"`
	FlowLimit            *int `json:"flowLimit"`
	MaxCircuits          *int `json:"maxCircuits"`
	MaxRoutesLearned     *int `json:"maxRoutesLearned"`
	MaxRoutesAdvertised  *int `json:"maxRoutesAdvertised"`
}

func gatewayFacts() *facts[gatewayRow] {
	return &facts[gatewayRow]{
		name: "gateways", short: "ExpressRoute gateway SKUs and what each carries",
		long:    "ExpressRoute gateway SKUs. A row is for the whole gateway or, for ErGwScale, for what its unit says: one scale unit, or so many.",
		example: "  onramp catalog gateways\n  onramp catalog gateways --sku ErGw2AZ --json",
		rows: func(c *catalog.Catalog, a *answer[gatewayRow], _ func(string) string) error {
			for _, g := range c.GatewaySKUs() {
				a.Rows = append(a.Rows, gatewayRow{g, published(g.Mbps), published(g.PacketsPerSecond), published(g.ConnectionsPerSecond), published(g.MaxVMs), published(g.FlowLimit),
					published(g.MaxCircuits), published(g.MaxRoutesLearned), published(g.MaxRoutesAdvertised)})
			}
			return nil
		},
		filters: []filter[gatewayRow]{
			{flag: "sku", usage: "the gateway SKU", of: func(r gatewayRow) []string { return []string{r.Name} }},
			{flag: "zone-redundant", usage: "only gateways that span zones", is: func(r gatewayRow) bool { return r.ZoneRedundant }},
			{flag: "fastpath", usage: "only gateways with FastPath", is: func(r gatewayRow) bool { return r.FastPath }},
		},
		columns: []column[gatewayRow]{
			{head: "SKU", cell: func(r gatewayRow) any { return r.Name }},
			{head: "Unit", cell: func(r gatewayRow) any { return r.Unit }},
			{head: "Zones", cell: func(r gatewayRow) any { return yesNo(r.ZoneRedundant) }},
			{head: "Mbps", right: true, cell: func(r gatewayRow) any { return show(r.Mbps) }},
			{head: "Packets/s", right: true, cell: func(r gatewayRow) any { return show(r.PacketsPerSecond) }},
			{head: "Flows", right: true, cell: func(r gatewayRow) any { return show(r.FlowLimit) }},
			{head: "VMs", right: true, cell: func(r gatewayRow) any { return show(r.MaxVMs) }},
			{head: "Circuits", right: true, cell: func(r gatewayRow) any { return show(r.MaxCircuits) }},
			{head: "Routes learned", right: true, cell: func(r gatewayRow) any { return show(r.MaxRoutesLearned) }},
			{head: "Routes announced", right: true, cell: func(r gatewayRow) any { return show(r.MaxRoutesAdvertised) }},
			{head: "FastPath", cell: func(r gatewayRow) any { return yesNo(r.FastPath) }},
		},
		source: func(r gatewayRow) catalog.Source { return r.Source },
	}
}

type limitRow struct {
	catalog.LimitRow
	Value *string `json:"value"`
}

func limitFacts() *facts[limitRow] {
	return &facts[limitRow]{
		name: "limits", short: "Published limits, timers and other figures",
		long:    "Published limits, timers and other figures, by key. A value in [brackets] is a list.",
		example: "  onramp catalog limits --name vnet_links\n  onramp catalog limits --name bfd --json",
		rows: func(c *catalog.Catalog, a *answer[limitRow], _ func(string) string) error {
			for _, l := range c.LimitRows() {
				row := limitRow{l, published(l.Value)}
				if l.Value == "<nil>" {
					row.Value = nil
				}
				if row.Source.Date == "<nil>" {
					row.Source.Date = ""
				}
				a.Rows = append(a.Rows, row)
			}
			return nil
		},
		filters: []filter[limitRow]{
			{flag: "name", usage: "a `PART` of the key", part: true, of: func(r limitRow) []string {
				names := []string{r.Key}
				for i, x := range r.Key { // what follows a dot or an underscore, for the nearest name
					if x == '.' || x == '_' {
						names = append(names, r.Key[i+1:])
						segment, _, _ := strings.Cut(r.Key[i+1:], ".")
						names = append(names, segment)
					}
				}
				return names
			}},
		},
		columns: []column[limitRow]{
			{head: "Key", cell: func(r limitRow) any { return r.Key }},
			{head: "Value", cell: func(r limitRow) any { return show(r.Value) }},
		},
		source: func(r limitRow) catalog.Source { return r.Source },
	}
}

type priceRow struct {
	catalog.Price
	USD *float64 `json:"usd"`
}

// regionTitle is the name by which a region is displayed, which the flag takes as well.
func regionTitle(name string, titles map[string]string) []string {
	if title, ok := titles[name]; ok {
		return []string{name, title}
	}
	return present(name)
}

func priceFacts() *facts[priceRow] {
	titles := map[string]string{} // of regions, by name
	return &facts[priceRow]{
		name: "prices", short: "List prices in US dollars",
		long: `List prices in US dollars. Confidence: exact, from a dump of the official price list or a Microsoft document; secondary,
shown by another tool; not-found, no price is published and the price is unknown; assumed, with --region only: published for
other regions, which all agree. Notes are in --json.`,
		example: "  onramp catalog prices --item circuit --sku Standard --zone 1 --plan metered\n  onramp catalog prices --item er-gateway --region canadacentral",
		rows: func(c *catalog.Catalog, a *answer[priceRow], asked func(string) string) error {
			for _, r := range c.Regions() {
				titles[r.Name] = r.DisplayName
			}
			for _, p := range c.Prices() {
				row := priceRow{Price: p}
				if p.Known {
					row.USD = &p.USD
				}
				a.Rows = append(a.Rows, row)
			}
			for _, e := range c.EgressTiers() {
				note := fmt.Sprintf("from %g GB a month", e.MinGB)
				if !math.IsInf(e.MaxGB, 1) {
					note += fmt.Sprintf(" to %g GB", e.MaxGB)
				}
				a.Rows = append(a.Rows, priceRow{catalog.Price{Item: "internet-egress", SKU: note, Plan: e.Routing, Region: e.Region, Unit: "GB", Known: true, Confidence: "exact", Source: e.Source}, &e.USDPerGB})
			}
			if region := asked("region"); region != "" {
				a.Rows = append(a.Rows, assumedPrices(c, region)...)
			}
			return nil
		},
		filters: []filter[priceRow]{
			{flag: "item", usage: "what is billed: circuit, er-gateway, firewall, ...", of: func(r priceRow) []string { return []string{r.Item} }},
			{flag: "sku", usage: "the SKU", of: func(r priceRow) []string { return []string{r.SKU} }},
			{flag: "plan", usage: "metered or unlimited, or the routing of internet egress", of: func(r priceRow) []string { return present(r.Plan) }},
			{flag: "bandwidth", usage: "the bandwidth: 200 Mbps, 1 Gbps, ...", of: func(r priceRow) []string { return mbpsNames(r.Mbps) }},
			{flag: "zone", usage: "the billing zone", of: func(r priceRow) []string { return present(r.Zone) }},
			{flag: "region", usage: "the Azure region, where prices depend on it", of: func(r priceRow) []string { return regionTitle(r.Region, titles) }, also: regionNames},
			{flag: "confidence", usage: "exact, secondary, not-found or assumed", of: func(r priceRow) []string { return []string{r.Confidence} }, also: func(*catalog.Catalog) []string { return []string{assumed} }},
		},
		columns: []column[priceRow]{
			{head: "Item", cell: func(r priceRow) any { return r.Item }},
			{head: "SKU", cell: func(r priceRow) any { return r.SKU }},
			{head: "Plan", cell: func(r priceRow) any { return orDash(r.Plan) }},
			{head: "Mbps", right: true, cell: func(r priceRow) any {
				if r.Mbps == 0 {
					return "-"
				}
				return r.Mbps
			}},
			{head: "Zone", cell: func(r priceRow) any { return orDash(r.Zone) }},
			{head: "Region", cell: func(r priceRow) any { return orDash(r.Region) }},
			{head: "USD", right: true, cell: func(r priceRow) any { return show(r.USD) }},
			{head: "per", cell: func(r priceRow) any { return orDash(r.Unit) }},
			{head: "Confidence", cell: func(r priceRow) any { return r.Confidence }},
		},
		source: func(r priceRow) catalog.Source { return r.Source },
		note: func(r priceRow) string {
			if r.Confidence == assumed {
				return "Assumed: " + r.Note
			}
			return ""
		},
	}
}

// assumed is the confidence of a price that is published for other regions, which all agree.
const assumed = "assumed"

// assumedPrices is what the catalogue takes the regional prices for in a region for which none is published.
func assumedPrices(c *catalog.Catalog, region string) []priceRow {
	r, ok := c.Region(region)
	if !ok {
		return nil
	}
	var out []priceRow
	add := func(item, sku string, m catalog.Money) {
		if m.Known && m.Assumption != "" {
			out = append(out, priceRow{catalog.Price{Item: item, SKU: sku, Region: r.Name, Unit: m.Unit, Known: true, Confidence: assumed, Note: m.Assumption, Source: m.Source}, &m.USD})
		}
	}
	var done []string
	for _, p := range c.Prices() {
		key := p.Item + " " + p.SKU
		if slices.Contains(done, key) {
			continue
		}
		done = append(done, key)
		switch p.Item {
		case "er-gateway":
			add(p.Item, p.SKU, c.GatewayPrice(p.SKU, r.Name))
		case "vpn-gateway":
			add(p.Item, p.SKU, c.VPNGatewayPrice(p.SKU, r.Name))
		case "firewall":
			if tier, ok := strings.CutSuffix(p.SKU, " deployment"); ok {
				hour, _ := c.FirewallPrice(tier, r.Name)
				add(p.Item, p.SKU, hour)
			}
		case "firewall-data":
			_, perGB := c.FirewallPrice(p.SKU, r.Name)
			add(p.Item, p.SKU, perGB)
		case "public-ip":
			if p.SKU == "Standard static regional" {
				add(p.Item, p.SKU, c.PublicIPPrice(r.Name))
			}
		}
	}
	return out
}

// present is a name, or none where a row has none.
func present(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

func ruleFacts() *facts[catalog.Rule] {
	return &facts[catalog.Rule]{
		name: "rules", short: "Documented rules of design and configuration",
		long:    "Documented rules of design and configuration. Wording and severity are the catalogue's own; the document of each rule is named.",
		example: "  onramp catalog rules --area gateway --severity error\n  onramp catalog rules circuit-region-quota",
		one:     explainRule,
		rows: func(c *catalog.Catalog, a *answer[catalog.Rule], _ func(string) string) error {
			a.Rows = c.Rules()
			return nil
		},
		filters: []filter[catalog.Rule]{
			{flag: "id", usage: "one rule", of: func(r catalog.Rule) []string { return []string{r.ID} }},
			{flag: "severity", usage: "error, warning or advice", of: func(r catalog.Rule) []string { return []string{r.Severity} }},
			{flag: "area", usage: "circuit, gateway, routing, ...", of: func(r catalog.Rule) []string { return []string{r.Area} }},
		},
		columns: []column[catalog.Rule]{
			{head: "Rule", cell: func(r catalog.Rule) any { return r.ID }},
			{head: "Severity", cell: func(r catalog.Rule) any { return r.Severity }},
			{head: "Area", cell: func(r catalog.Rule) any { return r.Area }},
			{head: "Says", cell: func(r catalog.Rule) any { return r.Text }},
			{head: "Document", cell: func(r catalog.Rule) any { return r.SourceFile }},
		},
		source: func(r catalog.Rule) catalog.Source { return r.Source },
	}
}

func serviceFacts() *facts[catalog.Service] {
	return &facts[catalog.Service]{
		name: "services", short: "Microsoft services and the communities that route filters allow",
		long:    "What Microsoft peering can carry, each with the BGP community that a route filter allows it by.",
		example: "  onramp catalog services --cloud public\n  onramp catalog services --community 12076:5030",
		rows: func(c *catalog.Catalog, a *answer[catalog.Service], _ func(string) string) error {
			a.Rows = c.Services()
			return nil
		},
		filters: []filter[catalog.Service]{
			{flag: "name", usage: "the service", of: func(r catalog.Service) []string { return []string{r.Service} }},
			{flag: "community", usage: "the BGP community", of: func(r catalog.Service) []string { return []string{r.Community} }},
			{flag: "cloud", usage: "public, usgov or china", of: func(r catalog.Service) []string { return []string{r.Cloud} }, also: clouds},
		},
		columns: []column[catalog.Service]{
			{head: "Service", cell: func(r catalog.Service) any { return r.Service }},
			{head: "Cloud", cell: func(r catalog.Service) any { return r.Cloud }},
			{head: "Community", cell: func(r catalog.Service) any { return orUnknown(r.Community) }},
			{head: "Needs authorization", cell: func(r catalog.Service) any { return yesNo(r.AuthorizationRequired) }},
			{head: "Note", cell: func(r catalog.Service) any { return r.Note }},
		},
		source: func(r catalog.Service) catalog.Source { return r.Source },
	}
}

func qosFacts() *facts[catalog.QoSClass] {
	named := map[string]bool{} // by peering and DSCP: has a row of its own
	return &facts[catalog.QoSClass]{
		name: "qos", short: "What a DSCP value means on a peering",
		long:    "What Microsoft does with each DSCP value on a peering.",
		example: "  onramp catalog qos --peering microsoft\n  onramp catalog qos --dscp 46",
		rows: func(c *catalog.Catalog, a *answer[catalog.QoSClass], _ func(string) string) error {
			a.Rows = c.QoS()
			for _, r := range a.Rows {
				named[r.Peering+" "+r.DSCP] = true
			}
			return nil
		},
		filters: []filter[catalog.QoSClass]{
			{flag: "class", usage: "the traffic class", of: func(r catalog.QoSClass) []string { return []string{r.TrafficClass} }},
			{flag: "peering", usage: "microsoft or private", of: func(r catalog.QoSClass) []string { return []string{r.Peering} }},
			{flag: "dscp", usage: "the DSCP value, or its name: 46, EF", of: func(r catalog.QoSClass) []string {
				names := []string{r.DSCP, r.PerHopBehavior}
				for v := range 64 {
					if r.DSCP == "*" && !named[fmt.Sprint(r.Peering, " ", v)] { // the row for all others
						names = append(names, fmt.Sprint(v))
					}
				}
				return names
			}},
		},
		columns: []column[catalog.QoSClass]{
			{head: "Class", cell: func(r catalog.QoSClass) any { return r.TrafficClass }},
			{head: "Behaviour", cell: func(r catalog.QoSClass) any { return r.PerHopBehavior }},
			{head: "DSCP", cell: func(r catalog.QoSClass) any { return r.DSCP }},
			{head: "Workload", cell: func(r catalog.QoSClass) any { return r.Workload }},
			{head: "Peering", cell: func(r catalog.QoSClass) any { return r.Peering }},
			{head: "Microsoft", cell: func(r catalog.QoSClass) any { return r.Action }},
		},
		source: func(r catalog.QoSClass) catalog.Source { return r.Source },
	}
}
