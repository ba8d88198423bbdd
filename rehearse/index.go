package rehearse

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"onramp/azure"
	"onramp/catalog"
	"onramp/design"
	"onramp/network"
	"onramp/prove"
)

// The resiliency index that the portal shows of a gateway (behaviors.md, the resiliency score; limits.yaml, resiliency.index): route points
// times a multiplier for tests, gateway points, Advisor's points. The multiplier is earned here by drills that were really run.

// Resiliency is the index of every gateway with a circuit.
type Resiliency struct {
	Gateways []Index `json:"gateways"` // by name
	// Assumptions are those on which the index rests.
	Assumptions []design.Assumption `json:"assumptions"`
}

// Index is the resiliency index of one gateway.
type Index struct {
	Gateway   string   `json:"gateway"`
	Locations []string `json:"locations"` // peering locations of its circuits, sorted
	// Score is what it has for certain, UpTo what it may have where something is not published, Most what any gateway can have.
	Score float64     `json:"score"`
	UpTo  float64     `json:"upTo"`
	Most  float64     `json:"most"`
	Parts []IndexPart `json:"parts"`
}

// The parts of an index, which add up to it. RoutePart are the route points times one, TestPart what the multiplier adds to them.
const (
	RoutePart   = "routes"
	TestPart    = "validation"
	GatewayPart = "gateway"
	AdvisorPart = "advisor"
)

// IndexPart is a part of an index, in points.
type IndexPart struct {
	Name   string  `json:"name" enum:"routes,validation,gateway,advisor"`
	Points float64 `json:"points"`
	UpTo   float64 `json:"upTo"` // more than Points where something is not published
	Most   float64 `json:"most"`
	Why    string  `json:"why"`
	Raise  []Raise `json:"raise"` // what would raise it, the most first
}

// Raise is something that would raise an index, by so many points; by up to so many where Certain is false.
type Raise struct {
	How     string  `json:"how"`
	Points  float64 `json:"points"`
	Certain bool    `json:"certain"`
}

// served is a gateway with what its index depends on.
type served struct {
	gateway  *azure.VirtualNetworkGateway
	circuits []*azure.ExpressRouteCircuit
	at       map[string][]string // peering location to names of circuits
	places   []string            // the locations, sorted
	lacking  []string            // connections of circuits without a link to the provider
	flows    []prove.Flow        // between machines behind it and sites
}

// resiliency computes the index of every gateway after the drills of a result.
func resiliency(d *design.Design, n *network.Network, c *catalog.Catalog, flows []prove.Flow, r *Result) Resiliency {
	out := Resiliency{Gateways: []Index{}, Assumptions: network.IndexAssumptions()}
	x := azure.NewIndex(d.Resources)
	known := map[string]bool{}
	for _, sc := range n.Scenarios() {
		known[sc.ID] = true
	}
	run := map[string]*Drill{}
	for i := range r.Drills {
		run[r.Drills[i].ID] = &r.Drills[i]
	}
	for _, s := range gatewaysServed(d, x, n, flows) {
		out.Gateways = append(out.Gateways, s.index(x, c, known, run))
	}
	return out
}

// gatewaysServed are the gateways with a circuit, by name.
func gatewaysServed(d *design.Design, x *azure.Index, n *network.Network, flows []prove.Flow) []served {
	linked := map[string]bool{}
	wiring := n.Wiring()
	for i := range wiring.Sessions {
		if s := &wiring.Sessions[i]; s.Connection != "" && s.Kind != "gateway" {
			linked[s.Connection] = true
		}
	}
	var out []served
	for _, g := range azure.Of[*azure.VirtualNetworkGateway](d.Resources) {
		s := served{gateway: g, at: map[string][]string{}}
		for _, link := range x.Links(g.ID) {
			if link.Properties.Peer == nil {
				continue
			}
			circuit, ok := x.Get(link.Properties.Peer.ID).(*azure.ExpressRouteCircuit)
			if !ok || slices.Contains(s.circuits, circuit) {
				continue
			}
			s.circuits = append(s.circuits, circuit)
			place := placeOf(x, circuit)
			s.at[place] = append(s.at[place], circuit.Name)
			for _, half := range []string{"primary", "secondary"} {
				if name := circuit.Name + "/" + half; !linked["circuit:"+name] {
					s.lacking = append(s.lacking, name)
				}
			}
		}
		if len(s.circuits) == 0 {
			continue
		}
		for place := range s.at {
			s.places = append(s.places, place)
		}
		slices.Sort(s.places)
		slices.Sort(s.lacking)
		for _, f := range flows {
			if f.A.Kind == network.VM && f.B.Kind == network.SiteHost && behind(x, f.A.VNet, g) || f.B.Kind == network.VM && f.A.Kind == network.SiteHost && behind(x, f.B.VNet, g) {
				s.flows = append(s.flows, f)
			}
		}
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b served) int { return strings.Compare(a.gateway.Name, b.gateway.Name) })
	return out
}

// placeOf is a circuit's peering location: its own, or its port's.
func placeOf(x *azure.Index, c *azure.ExpressRouteCircuit) string {
	if sp := c.Properties.ServiceProviderProperties; sp != nil {
		return sp.PeeringLocation
	}
	if c.Properties.ExpressRoutePort != nil {
		if p, ok := x.Get(c.Properties.ExpressRoutePort.ID).(*azure.ExpressRoutePort); ok {
			return p.Properties.PeeringLocation
		}
	}
	return ""
}

// behind tells whether a virtual network uses a gateway: its own, or that of a network that it is peered with.
func behind(x *azure.Index, vnet azure.ID, g *azure.VirtualNetworkGateway) bool {
	if slices.Contains(x.GatewaysIn(vnet), g) {
		return true
	}
	v, ok := x.Get(vnet).(*azure.VirtualNetwork)
	return ok && slices.ContainsFunc(v.Properties.VirtualNetworkPeerings, func(p azure.VirtualNetworkPeering) bool {
		return p.Properties.UseRemoteGateways && p.Properties.RemoteVirtualNetwork != nil && slices.Contains(x.GatewaysIn(p.Properties.RemoteVirtualNetwork.ID), g)
	})
}

// index adds up a gateway's parts; known are the scenarios that there are, run the drills that were run.
func (s *served) index(x *azure.Index, c *catalog.Catalog, known map[string]bool, run map[string]*Drill) Index {
	p := c.Limits().Resiliency
	route, base := s.routes(c, &p)
	out := Index{Gateway: s.gateway.Name, Locations: s.places, Parts: []IndexPart{route, s.tests(c, &p, base, known, run), s.gatewayPart(x, c, &p),
		{Name: AdvisorPart, UpTo: p.Recommendations, Most: p.Recommendations, Why: "how Advisor's recommendations count is not published",
			Raise: []Raise{{How: "following Advisor's recommendations for the gateway and its circuits", Points: p.Recommendations}}}}}
	for _, x := range out.Parts {
		out.Score, out.UpTo, out.Most = out.Score+x.Points, out.UpTo+x.UpTo, out.Most+x.Most
	}
	return out
}

// isMetro tells whether a peering location is a Metro: two sites of one city, with a link of each circuit at each.
func isMetro(c *catalog.Catalog, place string) bool {
	l, ok := c.Location(place)
	return ok && strings.EqualFold(l.Kind, "metro")
}

// routes are the route points, and what the multiplier multiplies.
func (s *served) routes(c *catalog.Catalog, p *catalog.Resiliency) (part IndexPart, base float64) {
	out := IndexPart{Name: RoutePart, Most: p.TwoLocations, Raise: []Raise{}}
	points := 0.0
	switch metro := slices.ContainsFunc(s.places, func(x string) bool { return isMetro(c, x) }); {
	case len(s.places) > 1:
		points, out.Why = p.TwoLocations, "circuits at "+strings.Join(s.places, " and ")
	case metro:
		points, out.Why = p.Metro, s.places[0]+" is a Metro: one location at two sites"
	default:
		points, out.Why = p.OneLocation, "circuits at one location only, "+s.places[0]
	}
	if len(s.lacking) > 0 {
		out.Why = "no link from the MSEE to the provider on " + strings.Join(s.lacking, " and ")
		out.Raise = append(out.Raise, Raise{"bringing up " + strings.Join(s.lacking, " and "), points - p.LinkDown, true})
		points = p.LinkDown
	}
	out.Points, out.UpTo = points, points
	if len(s.places) == 1 {
		out.Raise = append(out.Raise, Raise{fmt.Sprintf("a circuit at a second peering location: %g by itself, the rest once a drill of each has passed", p.TwoLocations-points), p.TwoLocations*p.Within30 - points*p.Older, true})
		if !isMetro(c, s.places[0]) && points < p.Metro {
			out.Raise = append(out.Raise, Raise{"the circuit at a Metro instead", p.Metro - points, true})
		}
	}
	return out, points
}

// tests are what the multiplier adds: half of it when only some of the locations were taken out and their flows lived on.
func (s *served) tests(c *catalog.Catalog, p *catalog.Resiliency, base float64, known map[string]bool, run map[string]*Drill) IndexPart {
	out := IndexPart{Name: TestPart, Most: p.TwoLocations * (p.Within30 - p.Older), Raise: []Raise{}}
	if len(s.places) == 1 && isMetro(c, s.places[0]) && !p.MetroTested {
		out.Why = "the test is not offered for a Metro"
		return out
	}
	var passed, missing, why []string // names of drills
	for _, place := range s.places {
		names := s.drillsOf(known, place)
		ok, word := false, "no drill of "+place+" was run"
		for _, name := range names {
			if d := run[name]; d != nil && !ok {
				ok, word = s.passes(d)
			}
		}
		why = append(why, word)
		switch {
		case ok:
			passed = append(passed, place)
		case len(names) > 0:
			missing = append(missing, names[0])
		}
	}
	out.Why = strings.Join(why, "; ")
	multiplier := p.Older
	switch {
	case len(passed) == len(s.places):
		multiplier = p.Within30
	case len(passed) > 0:
		multiplier = max(p.Older, p.Within30*p.OneSite)
	}
	out.Points = base * (multiplier - p.Older)
	out.UpTo = out.Points
	if more := base * (p.Within30 - multiplier); more > 0 && len(s.places) > 1 && len(missing) == len(s.places)-len(passed) {
		out.Raise = append(out.Raise, Raise{"a drill that passes of " + strings.Join(missing, " and of "), more, true})
	}
	return out
}

// drillsOf are the scenarios that take a location out for the gateway and nothing else of its circuits: that of the location, or of the only
// circuit there.
func (s *served) drillsOf(known map[string]bool, place string) []string {
	names := []string{string(network.Location) + ":" + place}
	if list := s.at[place]; len(list) == 1 {
		names = append(names, string(network.Circuit)+":"+list[0])
	}
	return slices.DeleteFunc(names, func(name string) bool { return !known[name] })
}

// passes tells whether a drill is a failover test that the gateway passed, and why or why not.
func (s *served) passes(d *Drill) (ok bool, why string) {
	if !d.Agrees {
		return false, d.ID + " was not as proved"
	}
	if len(s.flows) == 0 {
		return false, d.ID + " tested nothing: no flow with a site goes through the gateway"
	}
	lost := 0
	for i := range d.Flows {
		if x := &d.Flows[i]; x.Seen != Whole && slices.ContainsFunc(s.flows, func(f prove.Flow) bool { return f.Name == x.Flow && f.From == x.From && f.To == x.To }) {
			lost++
		}
	}
	if lost > 0 {
		return false, fmt.Sprintf("%s loses %d of %d flows for good", d.ID, lost, len(s.flows))
	}
	return true, fmt.Sprintf("%s was drilled, and of %d flows none is lost for good", d.ID, len(s.flows))
}

// gatewayPart are the points of the gateway itself.
func (s *served) gatewayPart(x *azure.Index, c *catalog.Catalog, p *catalog.Resiliency) IndexPart {
	g := s.gateway
	zones, units := zonesOf(x, c, g), unitsOf(g)
	out := IndexPart{Name: GatewayPart, Most: max(p.ZoneRedundant, p.ManyUnits), Raise: []Raise{}}
	out.Points, out.UpTo = p.GatewayPoints(g.Properties.SKU.Name, zones, units)
	sku, known := c.GatewaySKU(g.Properties.SKU.Name)
	switch {
	case !known:
		out.Why = fmt.Sprintf("%s has no published points", or(g.Properties.SKU.Name, "a gateway without a SKU"))
	case strings.EqualFold(sku.Name, "ErGwScale") && units[0] == units[1]:
		out.Why = fmt.Sprintf("%s with %d scale units", sku.Name, units[0])
	case strings.EqualFold(sku.Name, "ErGwScale"):
		out.Why = fmt.Sprintf("%s with %d to %d scale units", sku.Name, units[0], units[1])
	case !sku.ZoneRedundant:
		out.Why = sku.Name + " stands in no zones"
	case zones > 1:
		out.Why = sku.Name + " over zones"
	case zones == 1:
		out.Why = sku.Name + " in one zone"
	default:
		out.Why = sku.Name + " in a region without zones: what that counts is not published"
	}
	if more := out.Most - out.Points; more > 0 {
		out.Raise = append(out.Raise, Raise{fmt.Sprintf("a SKU over zones, or ErGwScale with %d scale units or more", catalog.FewestUnits), more, out.UpTo == out.Points})
	}
	return out
}

// zonesOf is in how many zones a gateway's instances are: those of its public address, or, where it has none, all of its region's that it may
// be in; 0 where nobody says.
func zonesOf(x *azure.Index, c *catalog.Catalog, g *azure.VirtualNetworkGateway) int {
	for i := range g.Properties.IPConfigurations {
		if ref := g.Properties.IPConfigurations[i].Properties.PublicIPAddress; ref != nil {
			if ip := x.Get(ref.ID); ip != nil {
				return len(ip.Head().Zones)
			}
		}
	}
	if r, ok := c.Region(g.Location); ok && r.Zones {
		return mostZones
	}
	return 0
}

const mostZones = 3 // of a region with zones

// unitsOf is how many scale units a gateway has at least and at most, one where it does not say.
func unitsOf(g *azure.VirtualNetworkGateway) [2]int {
	var scale struct {
		Bounds struct{ Min, Max *int }
	}
	if json.Unmarshal(g.Properties.Extra["autoScaleConfiguration"], &scale) == nil && scale.Bounds.Max != nil {
		out := [2]int{*scale.Bounds.Max, *scale.Bounds.Max}
		if scale.Bounds.Min != nil {
			out[0] = *scale.Bounds.Min
		}
		return out
	}
	n := max(g.Properties.SKU.Capacity, 1)
	return [2]int{n, n}
}
