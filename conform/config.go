package conform

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"onramp/azure"
	"onramp/catalog"
	"onramp/design"
)

// kindWords name a type as a person does.
func kindWords() map[string]string {
	return map[string]string{
		"microsoft.resources/resourcegroups": "resource group", "microsoft.network/virtualnetworks": "virtual network",
		"microsoft.network/expressroutecircuits": "circuit", "microsoft.network/expressrouteports": "port pair",
		"microsoft.network/virtualnetworkgateways": "gateway", "microsoft.network/connections": "connection",
		"microsoft.network/routetables": "route table", "microsoft.network/routefilters": "route filter",
		"microsoft.network/publicipaddresses": "public address", "microsoft.network/networksecuritygroups": "network security group",
		"microsoft.network/azurefirewalls": "firewall", "microsoft.network/firewallpolicies": "firewall policy",
		"microsoft.network/firewallpolicies/rulecollectiongroups": "rule collection group", "microsoft.network/virtualhubs": "virtual hub",
		"microsoft.authorization/roleassignments": "role assignment", "microsoft.authorization/roledefinitions": "role definition",
	}
}

// thing names a resource: "circuit er-1".
func thing(r azure.Resource) string {
	h := r.Head()
	word := kindWords()[strings.ToLower(h.Type)]
	if word == "" {
		word = h.Type
	}
	switch x := r.(type) {
	case *azure.RoleAssignment:
		if x.Properties.Description != "" {
			return word + " \"" + x.Properties.Description + "\""
		}
		return word + " " + h.Name
	case *azure.RoleDefinition:
		return word + " \"" + or(x.Properties.RoleName, h.Name) + "\""
	}
	return word + " " + h.Name
}

// lob is whose a resource is.
func lob(r azure.Resource) []string {
	if s := r.Head().Tags[design.TagLineOfBusiness]; s != "" {
		return []string{s}
	}
	return nil
}

// part is one thing in a resource that differs: the resource itself, or a named element of one of its lists, such as a route.
type part struct {
	path    string // "properties.routes[all]", empty for the resource
	list    string // "routes"
	name    string // "all"
	changes []azure.Change
	added   bool // the design has no such element
	removed bool
}

// leaf is the value of a property of the part, by the end of its path without "properties.".
func (p *part) leaf(name string) *azure.Change {
	for i := range p.changes {
		if p.short(&p.changes[i]) == name {
			return &p.changes[i]
		}
	}
	return nil
}

// short is a property's path inside the part.
func (p *part) short(c *azure.Change) string {
	s := strings.TrimPrefix(strings.TrimPrefix(c.Path, p.path), ".")
	return strings.TrimPrefix(strings.ReplaceAll(s, ".properties.", "."), "properties.")
}

var element = regexp.MustCompile(`([A-Za-z]+)\[([^\]]*)\]`)

// parts puts the changes of a resource together by what they are about. What is inside an element that is there on one side alone is told
// with that element.
func parts(changes []azure.Change) []*part {
	gone := map[string]bool{}
	for _, c := range changes {
		if at, ok := strings.CutSuffix(c.Path, "].name"); ok && (null(c.From) || null(c.To)) {
			gone[at+"]"] = true
		}
	}
	byPath := map[string]*part{}
	var out []*part
	for _, c := range changes {
		path := c.Path[:strings.LastIndexByte(c.Path, ']')+1]
		for i, r := range c.Path {
			if r == ']' && gone[c.Path[:i+1]] {
				path = c.Path[:i+1]
				break
			}
		}
		p := byPath[path]
		if p == nil {
			p = &part{path: path}
			if m := element.FindAllStringSubmatch(path, -1); m != nil {
				p.list, p.name = m[len(m)-1][1], m[len(m)-1][2]
			}
			byPath[path] = p
			out = append(out, p)
		}
		p.changes = append(p.changes, c)
		if c.Path == path+".name" && path != "" {
			p.added, p.removed = null(c.From), null(c.To)
		}
	}
	return out
}

func null(b json.RawMessage) bool { return len(b) == 0 || string(b) == "null" }

// words are a value as a person reads it.
func words(b json.RawMessage) string {
	if null(b) {
		return "none"
	}
	var v any
	if json.Unmarshal(b, &v) != nil {
		return string(b)
	}
	var say func(v any) string
	say = func(v any) string {
		switch x := v.(type) {
		case string:
			if strings.HasPrefix(strings.ToLower(x), "/subscriptions/") {
				return azure.ID(x).Name()
			}
			return x
		case float64:
			return fmt.Sprintf("%g", x)
		case bool:
			return fmt.Sprint(x)
		case []any:
			out := make([]string, len(x))
			for i := range x {
				out[i] = say(x[i])
			}
			return strings.Join(out, ", ")
		}
		b, err := json.Marshal(v)
		if err != nil {
			return fmt.Sprint(v)
		}
		return string(b)
	}
	return say(v)
}

// beside are a value's words next to another one: what is not there is false beside true, and 0 beside a number.
func beside(b, other json.RawMessage) string {
	if !null(b) {
		return words(b)
	}
	var v any
	if json.Unmarshal(other, &v) != nil {
		return words(b)
	}
	switch v.(type) {
	case bool:
		return "false"
	case float64:
		return "0"
	}
	return words(b)
}

func list(b json.RawMessage) []string {
	var out []string
	_ = json.Unmarshal(b, &out) // none is no list
	return out
}

// only are those of a list that another has not.
func only(a, b []string) []string {
	var out []string
	for _, x := range a {
		if !slices.Contains(b, x) {
			out = append(out, x)
		}
	}
	return out
}

// observer says in words what differs in resources.
type observer struct {
	c         *catalog.Catalog
	d         *design.Design
	now       azure.Resources
	firewalls map[string]string // names by private address
	tables    map[string][]holder
	there     func() *estate // of the resources that are there
}

// holder is a subnet that a route table is on.
type holder struct {
	vnet        azure.ID
	subnet, lob string
}

func newObserver(d *design.Design, now azure.Resources, c *catalog.Catalog) *observer {
	o := &observer{c: c, d: d, now: now, firewalls: map[string]string{}, tables: map[string][]holder{}}
	var there *estate
	o.there = func() *estate {
		if there == nil {
			there = newEstate(now, d.Premises, c)
		}
		return there
	}
	for _, rs := range []azure.Resources{now, d.Resources} {
		subnets := map[string]string{}
		for _, v := range azure.Of[*azure.VirtualNetwork](rs) {
			for i := range v.Properties.Subnets {
				s := &v.Properties.Subnets[i]
				subnets[strings.ToLower(string(v.ID)+"/subnets/"+s.Name)] = or(s.Properties.AddressPrefix, strings.Join(s.Properties.AddressPrefixes, ""))
				if t := s.Properties.RouteTable; t != nil {
					h := holder{v.ID, s.Name, v.Tags[design.TagLineOfBusiness]}
					if !slices.Contains(o.tables[t.ID.Key()], h) {
						o.tables[t.ID.Key()] = append(o.tables[t.ID.Key()], h)
					}
				}
			}
		}
		for _, f := range azure.Of[*azure.AzureFirewall](rs) {
			for i := range f.Properties.IPConfigurations {
				x := &f.Properties.IPConfigurations[i].Properties
				if x.PrivateIPAddress != "" {
					o.firewalls[x.PrivateIPAddress] = f.Name
				} else if x.Subnet != nil { // the first address of its subnet that Azure does not keep
					if p, err := netip.ParsePrefix(subnets[x.Subnet.ID.Key()]); err == nil {
						a := p.Masked().Addr()
						for range 4 {
							a = a.Next()
						}
						o.firewalls[a.String()] = f.Name
					}
				}
			}
		}
	}
	return o
}

// skipped tells that a change says nothing about the design: what a deployment adds, and names that only a directory or Azure can fill in.
func skipped(r azure.Resource, c *azure.Change) bool {
	if strings.HasPrefix(c.Path, "tags") && null(c.From) { // what others put on, policies above all
		return true
	}
	if strings.HasSuffix(c.Path, ".sharedKey") { // a secret, which a design only names
		return true
	}
	if strings.HasSuffix(c.Path, "].properties.remoteAddressSpace.addressPrefixes") { // the other network's own, which is compared itself
		return true
	}
	if _, ok := r.(*azure.RoleAssignment); ok {
		switch c.Path {
		case "properties.principalId", "properties.scope", "properties.condition", "properties.conditionVersion":
			return c.Path != "properties.principalId" || !null(c.To) && strings.HasPrefix(words(c.From), "<")
		case "properties.roleDefinitionId": // written with the scope, or without
			return strings.EqualFold(azure.ID(words(c.From)).Name(), azure.ID(words(c.To)).Name())
		}
	}
	return false
}

// resource compares one resource of the design with what is there, nil for nothing.
func (o *observer) resource(want, got azure.Resource) ([]Finding, error) {
	h := want.Head()
	if got == nil {
		return []Finding{{Kind: Missing, In: Configuration, Resource: h.ID, LinesOfBusiness: o.whose(want), What: thing(want) + " is not there",
			Cause: "it was taken away, or never made: " + o.without(want)}}, nil
	}
	changes, err := azure.Differences(want, got)
	if err != nil {
		return nil, err
	}
	changes = slices.DeleteFunc(changes, func(c azure.Change) bool { return skipped(want, &c) })
	var out []Finding
	for _, p := range parts(changes) {
		f := Finding{Kind: Value, In: Configuration, Resource: h.ID, LinesOfBusiness: o.whose(want), Changes: p.changes}
		switch {
		case p.added:
			f.Kind = Extra
		case p.removed:
			f.Kind = Missing
		}
		f.What = o.what(want, p)
		f.Cause = o.cause(want, got, p)
		out = append(out, f)
	}
	return append(out, o.state(want, got)...), nil
}

// whose are the lines of business that a resource concerns: its own, or those on whose subnets it is.
func (o *observer) whose(r azure.Resource) []string {
	if l := lob(r); l != nil {
		return l
	}
	var out []string
	for _, h := range o.tables[r.Head().ID.Key()] {
		if h.lob == "" {
			return nil
		}
		out = append(out, h.lob)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// place names a part: "route all of route table rt-app".
func place(r azure.Resource, p *part) string {
	if p.path == "" {
		return thing(r)
	}
	return map[string]string{"routes": "route", "rules": "rule", "subnets": "subnet", "virtualNetworkPeerings": "peering", "peerings": "", "ruleCollections": "rule collection",
		"authorizations": "authorization", "ipConfigurations": "IP configuration", "connections": "Global Reach connection", "securityRules": "security rule"}[p.list] + partName(p) + " of " + thing(r)
}

func partName(p *part) string {
	if p.list == "peerings" {
		return peeringWords(p.name)
	}
	return " " + p.name
}

// what says what differs.
func (o *observer) what(r azure.Resource, p *part) string {
	at := strings.TrimSpace(place(r, p))
	switch {
	case p.added && p.list == "routes":
		return at + " is not in the design: " + routeWords(p, false)
	case p.added:
		return at + " is not in the design"
	case p.removed:
		return at + " is not there"
	}
	if p.list == "routes" && (p.leaf("nextHopType") != nil || p.leaf("nextHopIpAddress") != nil) {
		return at + " goes to " + routeWords(p, false) + ", the design says " + routeWords(p, true)
	}
	var said []string
	for i := range p.changes {
		c := &p.changes[i]
		name := p.short(c)
		from, to := list(c.From), list(c.To)
		if len(from)+len(to) > 1 {
			if lost := only(from, to); len(lost) > 0 {
				said = append(said, "lacks "+strings.Join(lost, ", ")+" in "+name)
			}
			if more := only(to, from); len(more) > 0 {
				said = append(said, "has "+strings.Join(more, ", ")+" in "+name+", which the design has not")
			}
			continue
		}
		said = append(said, fmt.Sprintf("has %s %s, the design says %s", name, beside(c.To, c.From), beside(c.From, c.To)))
	}
	return at + " " + strings.Join(said, "; ")
}

// routeWords say where a route goes: as it was designed, or as it is.
func routeWords(p *part, designed bool) string {
	say := func(name string) string {
		c := p.leaf(name)
		switch {
		case c == nil:
			return ""
		case designed:
			return words(c.From)
		}
		return words(c.To)
	}
	var out []string
	for _, s := range []string{say("addressPrefix"), say("nextHopType"), say("nextHopIpAddress")} {
		if s != "" && s != "none" {
			out = append(out, s)
		}
	}
	return strings.Join(out, " ")
}

// cause says what the change does: the likely cause of whatever the tables show.
func (o *observer) cause(want, got azure.Resource, p *part) string {
	switch x := want.(type) {
	case *azure.VirtualNetworkGatewayConnection:
		return o.connection(x, p)
	case *azure.RouteTable:
		return o.routeTable(x, p)
	case *azure.ExpressRouteCircuit:
		return o.circuit(x, p)
	case *azure.RouteFilter:
		return o.routeFilter(p)
	case *azure.FirewallPolicyRuleCollectionGroup:
		return o.rules(x, got, p)
	case *azure.VirtualNetwork:
		return o.network(x, p)
	case *azure.RoleAssignment, *azure.RoleDefinition:
		return "who may do what was changed"
	}
	return "the " + strings.Fields(thing(want) + " ")[0] + " was changed"
}

func (o *observer) connection(x *azure.VirtualNetworkGatewayConnection, p *part) string {
	c := p.leaf("routingWeight")
	if c == nil {
		if p.leaf("peer.id") != nil || p.leaf("virtualNetworkGateway1.id") != nil {
			return "the connection links another gateway or circuit than the design's"
		}
		return "the connection was changed"
	}
	said := fmt.Sprintf("connection %s has routingWeight %s, the design says %s", x.Name, beside(c.To, c.From), beside(c.From, c.To))
	if x.Properties.VirtualNetworkGateway1 == nil {
		return said
	}
	best, circuits, others := -1, []string{}, 0
	for _, cn := range azure.Of[*azure.VirtualNetworkGatewayConnection](o.now) {
		if g := cn.Properties.VirtualNetworkGateway1; g == nil || !g.ID.Equal(x.Properties.VirtualNetworkGateway1.ID) || cn.Properties.Peer == nil {
			continue
		}
		others++
		switch w := cn.Properties.RoutingWeight; {
		case w > best:
			best, circuits = w, []string{cn.Properties.Peer.ID.Name()}
		case w == best:
			circuits = append(circuits, cn.Properties.Peer.ID.Name())
		}
	}
	if others < 2 {
		return said + ": it is the gateway's only connection, so traffic goes the same way"
	}
	slices.Sort(circuits)
	return fmt.Sprintf("%s: gateway %s now prefers circuit %s (weight %d)", said, x.Properties.VirtualNetworkGateway1.ID.Name(), strings.Join(circuits, " and "), best)
}

// whoseTraffic names who sends by a route table.
func (o *observer) whoseTraffic(table azure.ID) string {
	var out []string
	for _, h := range o.tables[table.Key()] {
		if strings.EqualFold(h.subnet, "GatewaySubnet") {
			out = append(out, "the premises")
			continue
		}
		out = append(out, or(h.lob, h.vnet.Name()+"/"+h.subnet))
	}
	slices.Sort(out)
	out = slices.Compact(out)
	if len(out) == 0 {
		return "traffic of no subnet"
	}
	return "traffic of " + strings.Join(out, ", ")
}

func (o *observer) routeTable(x *azure.RouteTable, p *part) string {
	who := o.whoseTraffic(x.ID)
	if c := p.leaf("disableBgpRoutePropagation"); c != nil && p.path == "" {
		if words(c.To) == "true" {
			return "propagation of gateway routes was switched off: " + who + " has no routes of the gateway"
		}
		return "propagation of gateway routes was switched on: " + who + " has the gateway's routes, which may be more specific than those to a firewall"
	}
	if p.list != "routes" {
		return "the route table was changed"
	}
	prefix := ""
	for i := range x.Properties.Routes {
		if strings.EqualFold(x.Properties.Routes[i].Name, p.name) {
			prefix = x.Properties.Routes[i].Properties.AddressPrefix
		}
	}
	was := "" // the firewall that the design's route goes to
	if c := p.leaf("nextHopIpAddress"); c != nil && !null(c.From) {
		was = o.firewalls[words(c.From)]
	}
	to := routeWords(p, false)
	said := fmt.Sprintf("a route table was changed: route %s (%s) now goes to %s", p.name, prefix, to)
	switch c := p.leaf("addressPrefix"); {
	case p.added:
		prefix = words(c.To)
		was = o.firewallFor(x, prefix)
		said = fmt.Sprintf("a route was added: to %s by %s", prefix, strings.TrimPrefix(to, prefix+" "))
	case p.removed:
		said = fmt.Sprintf("a route table was changed: route %s (%s) was taken out of it", p.name, prefix)
	case c != nil:
		was = o.firewallFor(x, prefix)
		said = fmt.Sprintf("a route table was changed: route %s is for %s, the design says %s", p.name, words(c.To), words(c.From))
	}
	return said + ": " + who + " to " + prefix + " " + o.fate(x.ID, prefix, was)
}

// fate says what becomes of the packets to a prefix in the subnets that a route table is on, which the design sends to a firewall, or not.
func (o *observer) fate(table azure.ID, prefix, firewall string) string {
	p, err := netip.ParsePrefix(prefix)
	if err != nil {
		return "goes another way"
	}
	var ways []string
	for _, h := range o.tables[table.Key()] {
		best := -1
		way := "is dropped: no route is left"
		for _, r := range o.there().state.EffectiveRoutes(h.vnet, h.subnet) {
			if r.State != "Active" || !r.Prefix.Contains(p.Addr()) || r.Prefix.Bits() <= best {
				continue
			}
			best = r.Prefix.Bits()
			hop := ""
			if len(r.NextHops) > 0 {
				hop = r.NextHops[0].String()
			}
			switch now := o.firewalls[hop]; {
			case r.NextHopType == "None":
				way = "is dropped: " + r.Prefix.String() + " goes nowhere"
			case now != "" && now == firewall:
				way = "still goes through the firewall " + now
			case now != "":
				way = "goes through the firewall " + now
			case firewall != "":
				way = "bypasses the firewall " + firewall + ": it goes to " + strings.TrimSpace(r.NextHopType+" "+hop)
			default:
				way = "goes to " + strings.TrimSpace(r.NextHopType+" "+hop)
			}
		}
		if !slices.Contains(ways, way) {
			ways = append(ways, way)
		}
	}
	if len(ways) == 0 {
		return "is nobody's: the table is on no subnet"
	}
	return strings.Join(ways, ", or ")
}

// firewallFor is the firewall to which the design's route table sends a prefix, by its longest route.
func (o *observer) firewallFor(x *azure.RouteTable, prefix string) string {
	p, err := netip.ParsePrefix(prefix)
	if err != nil {
		return ""
	}
	best, name := -1, ""
	for i := range x.Properties.Routes {
		r := &x.Properties.Routes[i].Properties
		if q, err := netip.ParsePrefix(r.AddressPrefix); err == nil && q.Bits() <= p.Bits() && q.Contains(p.Addr()) && q.Bits() > best {
			best, name = q.Bits(), o.firewalls[r.NextHopIPAddress]
		}
	}
	return name
}

func (o *observer) circuit(x *azure.ExpressRouteCircuit, p *part) string {
	if p.list != "peerings" {
		if c := p.leaf("serviceProviderProperties.bandwidthInMbps"); c != nil {
			return fmt.Sprintf("the circuit was bought or changed to %s Mbps, %s needs %s", words(c.To), o.d.Name, words(c.From))
		}
		if c := p.leaf("sku.tier"); c != nil {
			return fmt.Sprintf("the circuit's SKU was changed to %s: limits and the regions that it reaches are others", words(c.To))
		}
		if p.list == "authorizations" {
			return "an authorization was changed by the circuit's owner: connections of other subscriptions depend on it"
		}
		return "the circuit was changed"
	}
	kind := peeringWords(p.name)
	if p.removed {
		return "the " + kind + " was deleted: both BGP sessions of it are gone, and so is what they carried"
	}
	if p.added {
		return "somebody configured a peering that the design does not have"
	}
	var said []string
	if c := p.leaf("state"); c != nil {
		said = append(said, fmt.Sprintf("the %s of circuit %s is %s: neither path carries anything until it is Enabled", kind, x.Name, words(c.To)))
	}
	if c := p.leaf("vlanId"); c != nil {
		order := "the order says " + words(c.From)
		if !o.ordered(x.ID, p.name) {
			order = "the routers say " + words(c.From)
		}
		said = append(said, fmt.Sprintf("the peering's VLAN is %s and %s: the provider's tag does not match, so BGP is down", words(c.To), order))
	}
	if c := p.leaf("peerASN"); c != nil {
		said = append(said, fmt.Sprintf("the peering expects AS %s of the customer and %s AS %s: the OPEN is refused, so BGP is down", words(c.To), o.routerOf(x.ID, p.name), words(c.From)))
	}
	for _, path := range []string{primary, secondary} {
		if c := p.leaf(path + "PeerAddressPrefix"); c != nil {
			said = append(said, fmt.Sprintf("the addresses of the %s link are of %s, the customer's router has one of %s: they do not reach each other, so BGP is down", path, words(c.To), words(c.From)))
		}
	}
	if c := p.leaf("routeFilter.id"); c != nil {
		if null(c.To) {
			said = append(said, "the route filter was taken off: Microsoft announces no service on the peering")
		} else {
			said = append(said, fmt.Sprintf("the peering has route filter %s instead of %s: other services are announced", words(c.To), words(c.From)))
		}
	}
	if len(said) == 0 {
		return "the " + kind + " was changed"
	}
	return strings.Join(said, "; ")
}

// ordered tells whether an order names the VLAN of a peering.
func (o *observer) ordered(circuit azure.ID, peering string) bool {
	return slices.ContainsFunc(o.d.Orders, func(x design.Order) bool {
		return x.Circuit.Equal(circuit) && slices.ContainsFunc(x.VLANs, func(v design.OrderVLAN) bool { return strings.EqualFold(v.Peering, peering) })
	})
}

// routerOf names the premises' routers that speak on a peering, for "and X AS n".
func (o *observer) routerOf(circuit azure.ID, peering string) string {
	var out []string
	for _, l := range routersOf(&o.d.Premises) {
		for i := range l {
			for j := range l[i].Sessions {
				if s := &l[i].Sessions[j]; s.Circuit.Equal(circuit) && strings.EqualFold(s.Peering, peering) && !slices.Contains(out, l[i].Name) {
					out = append(out, l[i].Name)
				}
			}
		}
	}
	switch len(out) {
	case 0:
		return "the design says"
	case 1:
		return out[0] + " has"
	}
	return strings.Join(out, " and ") + " have"
}

func (o *observer) routeFilter(p *part) string {
	c := p.leaf("communities")
	if a := p.leaf("access"); a != nil && !p.added && !p.removed {
		return fmt.Sprintf("rule %s is %s, the design says %s: its services are not announced", p.name, words(a.To), words(a.From))
	}
	if c == nil {
		return "the route filter was changed: other services may be announced on its peerings"
	}
	lost, more := only(list(c.From), list(c.To)), only(list(c.To), list(c.From))
	var said []string
	if len(lost) > 0 {
		said = append(said, "no longer lets through "+strings.Join(o.services(lost), ", ")+", whose routes are not announced to the premises")
	}
	if len(more) > 0 {
		said = append(said, "lets through "+strings.Join(o.services(more), ", ")+", which nobody asked for")
	}
	return "the route filter was changed: it " + strings.Join(said, " and ")
}

// services put the name of a service beside its community.
func (o *observer) services(communities []string) []string {
	out := slices.Clone(communities)
	for i, c := range out {
		for _, s := range o.c.Services() {
			if s.Community == c {
				out[i] = c + " (" + s.Service + ")"
				break
			}
		}
	}
	return out
}

func (o *observer) rules(x *azure.FirewallPolicyRuleCollectionGroup, got azure.Resource, p *part) string {
	policy := x.ID.Parent().Name()
	firewalls := []string{}
	for _, f := range azure.Of[*azure.AzureFirewall](o.d.Resources) {
		if f.Properties.FirewallPolicy != nil && f.Properties.FirewallPolicy.ID.Equal(x.ID.Parent()) {
			firewalls = append(firewalls, f.Name)
		}
	}
	fw := "firewall " + strings.Join(firewalls, ", ")
	if len(firewalls) == 0 {
		fw = "policy " + policy
	}
	find := func(r azure.Resource) *azure.FirewallPolicyRule {
		g, ok := r.(*azure.FirewallPolicyRuleCollectionGroup)
		if !ok {
			return nil
		}
		for i := range g.Properties.RuleCollections {
			for j := range g.Properties.RuleCollections[i].Rules {
				if k := &g.Properties.RuleCollections[i].Rules[j]; strings.EqualFold(k.Name, p.name) {
					return k
				}
			}
		}
		return nil
	}
	lets := func(k *azure.FirewallPolicyRule) string {
		if k == nil {
			return "nothing"
		}
		return strings.Join(k.SourceAddresses, ", ") + " to " + strings.Join(k.DestinationAddresses, ", ")
	}
	switch {
	case p.list == "ruleCollections" && p.removed:
		return "the rule collection was deleted: " + fw + " drops whatever only it allowed"
	case p.list == "ruleCollections" && p.added:
		return "a rule collection was added: " + fw + " decides by it too"
	case p.list == "ruleCollections":
		if c := p.leaf("action.type"); c != nil {
			return fmt.Sprintf("the rule collection is %s, the design says %s: %s does the contrary of what was meant", words(c.To), words(c.From), fw)
		}
		return "the rule collection was changed: another order decides at " + fw
	case p.list != "rules":
		return "the rules were changed: another order decides at " + fw
	case p.removed:
		return fmt.Sprintf("the rule was deleted: %s no longer lets %s through", fw, lets(find(x)))
	case p.added:
		return fmt.Sprintf("a rule was added: %s lets %s through, which the design does not", fw, lets(find(got)))
	}
	return fmt.Sprintf("the rule was changed: %s lets %s through, in the design %s", fw, lets(find(got)), lets(find(x)))
}

func (o *observer) network(x *azure.VirtualNetwork, p *part) string {
	switch p.list {
	case "virtualNetworkPeerings":
		return o.peering(x, p)
	case "subnets":
		if c := p.leaf("routeTable.id"); c != nil && !p.added && !p.removed {
			if null(c.To) {
				return fmt.Sprintf("route table %s was taken off the subnet: its traffic follows the system's and the gateway's routes, past any firewall", words(c.From))
			}
			return fmt.Sprintf("the subnet has route table %s instead of %s: its traffic follows other routes", words(c.To), words(c.From))
		}
		return "the subnet was changed"
	}
	if c := p.leaf("addressSpace.addressPrefixes"); c != nil {
		var said []string
		if more := only(list(c.To), list(c.From)); len(more) > 0 {
			said = append(said, "the gateway announces "+strings.Join(more, ", ")+" to the premises, which the design does not have")
		}
		if lost := only(list(c.From), list(c.To)); len(lost) > 0 {
			said = append(said, strings.Join(lost, ", ")+" is no longer announced, and nobody reaches it")
		}
		return "the address space of virtual network " + x.Name + " was changed: " + strings.Join(said, "; ")
	}
	return "the virtual network was changed"
}

func (o *observer) peering(x *azure.VirtualNetwork, p *part) string {
	remote := ""
	for i := range x.Properties.VirtualNetworkPeerings {
		if q := &x.Properties.VirtualNetworkPeerings[i]; strings.EqualFold(q.Name, p.name) && q.Properties.RemoteVirtualNetwork != nil {
			remote = q.Properties.RemoteVirtualNetwork.ID.Name()
		}
	}
	if p.removed {
		return fmt.Sprintf("the peering was deleted: %s and %s do not reach each other", x.Name, remote)
	}
	if p.added {
		return "somebody peered the network with another one, which it now reaches directly"
	}
	var said []string
	for i := range p.changes {
		c := &p.changes[i]
		on := words(c.To) == "true"
		switch p.short(c) {
		case "allowForwardedTraffic":
			if on {
				said = append(said, x.Name+" takes traffic that "+remote+" only forwards")
			} else {
				said = append(said, x.Name+" drops what "+remote+" only forwards: from a firewall, a gateway or other networks")
			}
		case "useRemoteGateways":
			if on {
				said = append(said, x.Name+" uses the gateway of "+remote+", by which it is announced to the premises")
			} else {
				said = append(said, x.Name+" no longer uses the gateway of "+remote+": it has no routes to the premises and is not announced to them")
			}
		case "allowGatewayTransit":
			if on {
				said = append(said, remote+" may use the gateway of "+x.Name)
			} else {
				said = append(said, remote+" may no longer use the gateway of "+x.Name+": it has no routes to the premises")
			}
		case "allowVirtualNetworkAccess":
			if on {
				said = append(said, x.Name+" and "+remote+" reach each other")
			} else {
				said = append(said, x.Name+" and "+remote+" do not reach each other, nor what is behind them")
			}
		default:
			said = append(said, p.short(c)+" was changed")
		}
	}
	return "the peering was changed: " + strings.Join(said, "; ")
}

// without says what a missing resource does.
func (o *observer) without(r azure.Resource) string {
	switch x := r.(type) {
	case *azure.VirtualNetworkGatewayConnection:
		if x.Properties.VirtualNetworkGateway1 != nil && x.Properties.Peer != nil {
			return "gateway " + x.Properties.VirtualNetworkGateway1.ID.Name() + " has no routes of circuit " + x.Properties.Peer.ID.Name()
		}
	case *azure.ExpressRouteCircuit:
		return "nothing reaches the premises over it"
	case *azure.VirtualNetworkGateway:
		return "the networks that use it have no routes to the premises"
	case *azure.RouteTable:
		return o.whoseTraffic(x.ID) + " follows the system's and the gateway's routes, past any firewall"
	case *azure.FirewallPolicyRuleCollectionGroup:
		return "the firewall drops whatever its rules allowed"
	case *azure.VirtualNetwork:
		return "nobody reaches its subnets"
	case *azure.RouteFilter:
		return "Microsoft announces no service on its peerings"
	case *azure.RoleAssignment:
		return "somebody may not do what the design lets them"
	}
	return "what needs it does not work"
}

// state tells of states that no design sets, and that are to be other ones.
func (o *observer) state(want, got azure.Resource) []Finding {
	var out []Finding
	down := func(what, cause string) {
		out = append(out, Finding{Kind: Down, In: Configuration, Resource: want.Head().ID, LinesOfBusiness: o.whose(want), What: what, Cause: cause})
	}
	switch x := got.(type) {
	case *azure.ExpressRouteCircuit:
		if s := x.Properties.ServiceProviderProvisioningState; s != "" && s != "Provisioned" && x.Properties.ExpressRoutePort == nil {
			down("circuit "+x.Name+" is "+s+" by its provider", "the provider has not provisioned the circuit, or has taken it away: give them the service key")
		}
		if s := x.Properties.CircuitProvisioningState; s != "" && s != "Enabled" {
			down("circuit "+x.Name+" is "+s, "Microsoft has not enabled the circuit, or has disabled it: look at its billing and support state")
		}
	case *azure.VirtualNetwork:
		for i := range x.Properties.VirtualNetworkPeerings {
			p := &x.Properties.VirtualNetworkPeerings[i]
			if s := p.Properties.PeeringState; s != "" && s != connected {
				cause := "the other side has no peering back"
				if s == "Disconnected" {
					cause = "the other side of the peering was deleted: delete this one and make both again"
				}
				down("peering "+p.Name+" of virtual network "+x.Name+" is "+s, cause)
				continue
			}
			if s := words(p.Properties.Extra["peeringSyncLevel"]); s != "none" && s != "FullyInSync" {
				down("peering "+p.Name+" of virtual network "+x.Name+" is "+s, "an address space was changed after the networks were peered: synchronise the peering")
			}
		}
	}
	return out
}

// configuration compares every resource.
func (o *observer) configuration(seen *Observed) ([]Finding, error) {
	there := map[string]azure.Resource{}
	for _, r := range seen.Resources {
		there[r.Head().ID.Key()] = r
	}
	var out []Finding
	designed := map[string]bool{}
	for _, want := range o.d.Resources {
		k := want.Head().ID.Key()
		designed[k] = true
		if seen.hidden[k] {
			continue
		}
		list, err := o.resource(want, there[k])
		if err != nil {
			return nil, err
		}
		out = append(out, list...)
	}
	for _, r := range seen.Resources {
		if !designed[r.Head().ID.Key()] {
			out = append(out, Finding{Kind: Extra, In: Configuration, Resource: r.Head().ID, LinesOfBusiness: lob(r), What: thing(r) + " is not in the design",
				Cause: "somebody made it beside the design, where it may route"})
		}
	}
	slices.SortStableFunc(out, func(a, b Finding) int { return cmp.Compare(rank(a.Resource), rank(b.Resource)) })
	return out, nil
}

// rank puts roles behind what routes.
func rank(id azure.ID) int {
	if strings.Contains(strings.ToLower(string(id)), "/providers/microsoft.authorization/") {
		return 1
	}
	return 0
}
