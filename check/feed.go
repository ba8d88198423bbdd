package check

import (
	"encoding/json"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"onramp/azure"
	"onramp/bgp"
	"onramp/catalog"
	"onramp/design"
)

// feed is an ExpressRoute gateway with what it joins: its network and the spokes that use it on one side, circuits on the
// other. The rules of gateways, FastPath and resiliency ask it.
type feed struct {
	g      *azure.VirtualNetworkGateway
	home   *azure.VirtualNetwork   // nil when it is not in the design
	spokes []*azure.VirtualNetwork // those that use the gateway of home
	lines  []line
}

// line is one connection of a gateway with a circuit of the design.
type line struct {
	x *azure.VirtualNetworkGatewayConnection
	c *azure.ExpressRouteCircuit
}

// feeds lists the ExpressRoute gateways in the order of the design.
func (k *checker) feeds() []feed { return k.view().feeds }

func isExpressRoute(g *azure.VirtualNetworkGateway) bool {
	return strings.EqualFold(g.Properties.GatewayType, "ExpressRoute")
}

func isVPN(g *azure.VirtualNetworkGateway) bool {
	return strings.EqualFold(g.Properties.GatewayType, "Vpn")
}

// networks are the gateway's own network and its spokes.
func (f *feed) networks() []*azure.VirtualNetwork {
	if f.home == nil {
		return f.spokes
	}
	return append([]*azure.VirtualNetwork{f.home}, f.spokes...)
}

// fast are the lines on which FastPath is on.
func (f *feed) fast() []line {
	return slices.DeleteFunc(slices.Clone(f.lines), func(l line) bool { return !l.x.Properties.ExpressRouteGatewayBypass })
}

// preferred are the lines that carry what the gateway sends: those of the highest weight.
func (f *feed) preferred() []line {
	top := 0
	for _, l := range f.lines {
		top = max(top, l.x.Properties.RoutingWeight)
	}
	return slices.DeleteFunc(slices.Clone(f.lines), func(l line) bool { return l.x.Properties.RoutingWeight < top })
}

// locations are the peering locations of the gateway's circuits, sorted, each once.
func (k *checker) locations(f *feed) []string {
	var out []string
	for _, l := range f.lines {
		name := k.locationOf(l.c)
		if known, ok := k.c.Location(name); ok {
			name = known.Name
		}
		if name != "" {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// gatewayIn is the network's gateway of a kind, nil when there is none.
func (k *checker) gatewayIn(v *azure.VirtualNetwork, kind func(*azure.VirtualNetworkGateway) bool) *azure.VirtualNetworkGateway {
	if v == nil {
		return nil
	}
	for _, g := range k.view().gateways[v] {
		if kind(g) {
			return g
		}
	}
	return nil
}

// scaleBounds reads how many scale units an ErGwScale gateway has at least and at most; ok is false where it says nothing.
func scaleBounds(g *azure.VirtualNetworkGateway) (least, most int, ok bool) {
	var scale struct {
		Bounds struct {
			Min *int `json:"min"`
			Max *int `json:"max"`
		} `json:"bounds"`
	}
	if json.Unmarshal(g.Properties.Extra["autoScaleConfiguration"], &scale) == nil && scale.Bounds.Max != nil {
		least, most = *scale.Bounds.Max, *scale.Bounds.Max
		if scale.Bounds.Min != nil {
			least = *scale.Bounds.Min
		}
		return least, most, true
	}
	if n := g.Properties.SKU.Capacity; n > 0 {
		return n, n, true
	}
	return 1, 1, false
}

const scaleSKU = "ErGwScale"

// capacity is what a gateway carries in Mbps: the SKU's figure, of ErGwScale that of the units that it may grow to. It is 0
// when none is published.
func (k *checker) capacity(g *azure.VirtualNetworkGateway) int {
	sku, ok := k.c.GatewaySKU(g.Properties.SKU.Name)
	if !ok {
		return 0
	}
	if strings.EqualFold(sku.Name, scaleSKU) {
		_, most, _ := scaleBounds(g)
		return sku.Mbps * most
	}
	return sku.Mbps
}

// mostCircuits is how many circuits a gateway takes: with scale units, that of the largest documented number of units that it
// may grow to.
func (k *checker) mostCircuits(g *azure.VirtualNetworkGateway) int {
	sku, ok := k.c.GatewaySKU(g.Properties.SKU.Name)
	if !ok || !strings.EqualFold(sku.Name, scaleSKU) {
		return sku.MaxCircuits
	}
	_, units, _ := scaleBounds(g)
	most := sku.MaxCircuits
	for _, row := range k.c.GatewaySKUs() {
		n, err := strconv.Atoi(strings.TrimSuffix(row.Unit, "-units"))
		if err == nil && strings.EqualFold(row.Name, scaleSKU) && n <= units {
			most = max(most, row.MaxCircuits)
		}
	}
	return most
}

// isPrivate and isMicrosoft tell a peering by its type, else by its name, without regard to case.
func isPrivate(p *azure.Peering) bool   { return isKind(p, privatePeering) }
func isMicrosoft(p *azure.Peering) bool { return isKind(p, microsoftPeering) }

func isKind(p *azure.Peering, kind string) bool {
	if p.Properties.PeeringType != "" {
		return strings.EqualFold(p.Properties.PeeringType, kind)
	}
	return strings.EqualFold(p.Name, kind)
}

// peeringOf is a circuit's peering of a kind, nil when it has none.
func peeringOf(c *azure.ExpressRouteCircuit, kind func(*azure.Peering) bool) *azure.Peering {
	for i := range c.Properties.Peerings {
		if kind(&c.Properties.Peerings[i]) {
			return &c.Properties.Peerings[i]
		}
	}
	return nil
}

// sessionsOf are the premises' sessions on a circuit's peering of a kind, in one address family.
func (k *checker) sessionsOf(c *azure.ExpressRouteCircuit, kind string, six bool) []end {
	var out []end
	for _, e := range k.endsOn[c.ID.Key()] {
		if strings.EqualFold(e.s.Peering, kind) && e.s.LocalAddress.Addr().Is6() == six {
			out = append(out, e)
		}
	}
	return out
}

// heard are the prefixes that the premises announce on a session: those that its export policy names, and those of its site
// that the policy lets out. What another router told it is not followed here; package network does that.
func (k *checker) heard(e end) []netip.Prefix {
	known := k.view().heard
	list, ok := known[e.s]
	if !ok {
		list = k.readHeard(e)
		known[e.s] = list
	}
	return list
}

func (k *checker) readHeard(e end) []netip.Prefix {
	var out []netip.Prefix
	if e.s.Export != nil {
		for i := range e.s.Export.Terms {
			t := &e.s.Export.Terms[i]
			if t.Action != bgp.Accept {
				continue
			}
			for _, r := range t.Match.Prefixes {
				if r.GE == 0 && r.LE == 0 && r.Prefix.IsValid() {
					out = append(out, r.Prefix.Masked())
				}
			}
		}
	}
	kind := strings.EqualFold(e.s.Peering, microsoftPeering)
	for i := range k.d.Premises.Sites {
		s := &k.d.Premises.Sites[i]
		if e.site != "" && s.Name != e.site {
			continue
		}
		list := s.Prefixes
		if kind {
			list = s.PublicPrefixes
		}
		for _, p := range list {
			if p.IsValid() && p.Addr().Is6() == e.s.LocalAddress.Addr().Is6() {
				if _, yes := applied(e.s.Export, p); yes {
					out = append(out, p.Masked())
				}
			}
		}
	}
	slices.SortFunc(out, netip.Prefix.Compare)
	return slices.Compact(out)
}

// applied runs a policy on a prefix with communities.
func applied(p *bgp.Policy, prefix netip.Prefix, communities ...bgp.Community) (bgp.Attrs, bool) {
	a, yes, _ := p.Apply(bgp.Route{Prefix: prefix, Attrs: &bgp.Attrs{Communities: communities}}, bgp.Context{})
	return a, yes
}

// heardOn are all prefixes that the premises announce on a circuit's private peering, sorted, each once.
func (k *checker) heardOn(c *azure.ExpressRouteCircuit, six bool) []netip.Prefix {
	var out []netip.Prefix
	for _, e := range k.sessionsOf(c, privatePeering, six) {
		out = append(out, k.heard(e)...)
	}
	slices.SortFunc(out, netip.Prefix.Compare)
	return slices.Compact(out)
}

// spaceOf is a network's address space of one family.
func spaceOf(v *azure.VirtualNetwork, six bool) []netip.Prefix {
	return slices.DeleteFunc(prefixes(v.Properties.AddressSpace.AddressPrefixes), func(p netip.Prefix) bool { return p.Addr().Is6() != six })
}

// limit is a published number by its key in limits.yaml.
func (k *checker) limit(key string) int {
	n, _ := strconv.Atoi(k.view().limits[key])
	return n
}

// mustSurvive tells whether a line of business behind the feed must live through a failure of this kind. A design without
// an intent says nothing of the sort: what the published rules ask of production holds then.
func (k *checker) mustSurvive(f *feed, kinds ...string) bool {
	if k.d.Intent == nil {
		return true
	}
	who := k.behind(f.g)
	for i := range k.d.Intent.LinesOfBusiness {
		l := &k.d.Intent.LinesOfBusiness[i]
		if slices.Contains(who, l.Name) && slices.ContainsFunc(kinds, func(s string) bool { return slices.Contains(l.Needs.Survives, s) }) {
			return true
		}
	}
	return false
}

// needed is the bandwidth that the lines of business behind a gateway need together, 0 when it is not known.
func (k *checker) needed(f *feed) int {
	if k.d.Intent == nil {
		return 0
	}
	sum, who := 0, k.behind(f.g)
	for i := range k.d.Intent.LinesOfBusiness {
		if l := &k.d.Intent.LinesOfBusiness[i]; slices.Contains(who, l.Name) {
			sum += int(l.Needs.Bandwidth)
		}
	}
	return sum
}

// others are the resources of a type that package azure does not model, as imports bring them.
func (k *checker) others(typ string) []*azure.Unknown {
	return k.view().unknown[strings.ToLower(typ)]
}

// properties reads the properties of such a resource; what does not fit stays empty.
func properties(u *azure.Unknown, into any) { _ = json.Unmarshal(u.Extra["properties"], into) }

// subnetOf finds a subnet by its id, nil when it is not in the design.
func (k *checker) subnetOf(id azure.ID) (*azure.VirtualNetwork, *azure.Subnet) {
	v := k.vnetByKey[id.Parent().Key()]
	if v == nil {
		return nil, nil
	}
	for i := range v.Properties.Subnets {
		if strings.EqualFold(v.Properties.Subnets[i].Name, id.Name()) {
			return v, &v.Properties.Subnets[i]
		}
	}
	return v, nil
}

// subnetNamed is a network's subnet of a name, nil when it has none.
func subnetNamed(v *azure.VirtualNetwork, name string) *azure.Subnet {
	for i := range v.Properties.Subnets {
		if strings.EqualFold(v.Properties.Subnets[i].Name, name) {
			return &v.Properties.Subnets[i]
		}
	}
	return nil
}

// tableOf is a subnet's route table, nil when it has none in the design.
func (k *checker) tableOf(s *azure.Subnet) *azure.RouteTable {
	if s == nil || s.Properties.RouteTable == nil {
		return nil
	}
	t, _ := k.index.Get(s.Properties.RouteTable.ID).(*azure.RouteTable)
	return t
}

// subnetPrefixes are a subnet's ranges.
func subnetPrefixes(s *azure.Subnet) []netip.Prefix {
	return prefixes(append(slices.Clone(s.Properties.AddressPrefixes), s.Properties.AddressPrefix))
}

// networkNames lists networks for a sentence.
func networkNames(list []*azure.VirtualNetwork) string {
	var out []string
	for _, v := range list {
		out = append(out, v.Name)
	}
	return strings.Join(out, ", ")
}

// place is a circuit's peering location in the catalogue.
func (k *checker) place(c *azure.ExpressRouteCircuit) (catalog.Location, bool) {
	return k.c.Location(k.locationOf(c))
}

func isMetro(l catalog.Location) bool { return strings.EqualFold(l.Kind, "metro") }

func isTier(c *azure.ExpressRouteCircuit, tier string) bool {
	return strings.EqualFold(c.SKU.Tier, tier)
}

// providerOf is a circuit's provider, "Microsoft (Direct)" on ports of one's own.
func providerOf(c *azure.ExpressRouteCircuit) string {
	if sp := c.Properties.ServiceProviderProperties; sp != nil {
		return sp.ServiceProviderName
	}
	return "Microsoft (Direct)"
}

// island are the sites that the backbone joins with one, itself included.
func (k *checker) island(site string) []string {
	known := k.view().islands
	if out, ok := known[site]; ok {
		return out
	}
	out := []string{site}
	for i := 0; i < len(out); i++ {
		for _, b := range k.d.Premises.Backbone {
			for j, x := range b.Between {
				if far := b.Between[1-j]; x == out[i] && !slices.Contains(out, far) {
					out = append(out, far)
				}
			}
		}
	}
	known[site] = out
	return out
}

// ownerSite is the site that a prefix belongs to, "" when it is nobody's.
func (k *checker) ownerSite(p netip.Prefix) string {
	known := k.view().owners
	owner, ok := known[p]
	if !ok {
		owner = k.readOwner(p)
		known[p] = owner
	}
	return owner
}

func (k *checker) readOwner(p netip.Prefix) string {
	for i := range k.d.Premises.Sites {
		s := &k.d.Premises.Sites[i]
		for _, own := range s.Prefixes {
			if own.IsValid() && own.Bits() > 0 && own.Bits() <= p.Bits() && own.Contains(p.Addr()) {
				return s.Name
			}
		}
	}
	return ""
}

// siteNamed finds a site by name, nil when there is none.
func siteNamed(p *design.Premises, name string) *design.Site {
	for i := range p.Sites {
		if p.Sites[i].Name == name {
			return &p.Sites[i]
		}
	}
	return nil
}

// unmarshal reads a property that package azure does not model; false where it is not there or of another shape.
func unmarshal(raw json.RawMessage, into any) bool {
	return len(raw) > 0 && json.Unmarshal(raw, into) == nil
}
