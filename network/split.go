package network

import (
	"net/netip"
	"slices"
	"strings"

	"onramp/azure"
	"onramp/bgp"
	"onramp/design"
)

// Part is a share of an estate in which routes depend on nothing in the other parts: it converges and traces by itself as it
// does in the whole. Premises that several parts use are in each of them, with the sessions of that part's circuits only.
type Part struct {
	Resources azure.Resources
	Premises  design.Premises
}

// Tie is what has to be in one part although no route ties it together: networks, and sites that someone there asks about.
type Tie struct {
	VNets []azure.ID
	Sites []string
}

// Split divides an estate into its parts; where it cannot show that two things are independent it keeps them together, so that a
// single part is always a right answer. In every scenario the routes of a part equal those in the whole, and no packet gets from
// a machine of one part to a machine of another, because:
//
//   - VNets that are peered, gateways, circuits that they are connected to and circuits joined by Global Reach or by Microsoft's
//     network behind Microsoft peering are in one part, so parts touch in the premises only;
//   - what the policies of the premises let out to a circuit of one part holds no address of another part's networks, so no
//     part learns a route to another;
//   - what they let in from a circuit holds no address of the premises, so no part's MSEE changes a table of the premises for
//     a prefix that another part hears of.
func Split(rs azure.Resources, p design.Premises, ties []Tie) []Part {
	s := &splitter{rs: rs, p: p, parent: map[string]string{}}
	s.cloud()
	s.premises()
	for _, t := range ties {
		for i := range t.VNets {
			s.join("vnet:"+t.VNets[0].Key(), "vnet:"+t.VNets[i].Key())
		}
	}
	if !s.addresses() || !s.policies() {
		return []Part{{rs, p}}
	}
	return s.parts(ties)
}

// splitter is a union of keys: "vnet:", "circuit:", "gateway:" with resource keys, "site:" and "router:" with names. Sites and
// routers are joined with one another only.
type splitter struct {
	rs     azure.Resources
	p      design.Premises
	parent map[string]string
}

func (s *splitter) find(k string) string {
	p, ok := s.parent[k]
	if !ok {
		s.parent[k] = k
		return k
	}
	if p == k {
		return k
	}
	root := s.find(p)
	s.parent[k] = root
	return root
}

func (s *splitter) join(a, b string) {
	if x, y := s.find(a), s.find(b); x != y {
		s.parent[y] = x
	}
}

// cloud joins what Azure joins.
func (s *splitter) cloud() {
	for _, v := range azure.Of[*azure.VirtualNetwork](s.rs) {
		k := "vnet:" + v.ID.Key()
		s.find(k)
		for i := range v.Properties.VirtualNetworkPeerings {
			if r := v.Properties.VirtualNetworkPeerings[i].Properties.RemoteVirtualNetwork; r != nil {
				s.join(k, "vnet:"+r.ID.Key())
			}
		}
	}
	for _, g := range azure.Of[*azure.VirtualNetworkGateway](s.rs) {
		k := "gateway:" + g.ID.Key()
		s.find(k)
		for i := range g.Properties.IPConfigurations {
			if r := g.Properties.IPConfigurations[i].Properties.Subnet; r != nil {
				s.join("vnet:"+r.ID.Parent().Key(), k)
			}
		}
	}
	for _, f := range azure.Of[*azure.AzureFirewall](s.rs) {
		k := "firewall:" + f.ID.Key()
		s.find(k)
		for i := range f.Properties.IPConfigurations {
			if r := f.Properties.IPConfigurations[i].Properties.Subnet; r != nil {
				s.join("vnet:"+r.ID.Parent().Key(), k)
			}
		}
	}
	for _, x := range azure.Of[*azure.VirtualNetworkGatewayConnection](s.rs) {
		if x.Properties.VirtualNetworkGateway1 != nil && x.Properties.Peer != nil {
			s.join("gateway:"+x.Properties.VirtualNetworkGateway1.ID.Key(), "circuit:"+x.Properties.Peer.ID.Key())
		}
	}
	services := ""
	for _, c := range azure.Of[*azure.ExpressRouteCircuit](s.rs) {
		k := "circuit:" + c.ID.Key()
		s.find(k)
		for i := range c.Properties.Peerings {
			q := &c.Properties.Peerings[i]
			if peeringType(q) == "MicrosoftPeering" {
				if services == "" {
					services = k
				}
				s.join(services, k)
			}
			for j := range q.Properties.Connections {
				if r := q.Properties.Connections[j].Properties.PeerExpressRouteCircuitPeering; r != nil {
					s.join(k, "circuit:"+r.ID.Parent().Key())
				}
			}
		}
	}
}

// premises joins the sites and routers between which routes pass.
func (s *splitter) premises() {
	for i := range s.p.Sites {
		site := &s.p.Sites[i]
		for j := range site.Routers {
			s.join("site:"+site.Name, "router:"+site.Routers[j].Name)
		}
	}
	for _, l := range s.p.Backbone {
		s.join("site:"+l.Between[0], "site:"+l.Between[1])
	}
	provider := map[string]string{}
	for _, r := range s.routers() {
		k := "router:" + r.Name
		s.find(k)
		for i := range r.Sessions {
			if n := r.Sessions[i].Neighbor; n != "" {
				s.join(k, "router:"+n)
			}
		}
		if r.Provider == "" {
			continue
		}
		if o, ok := provider[r.Provider]; ok {
			s.join(k, o)
		}
		provider[r.Provider] = k
	}
}

// routers are those of all sites and all providers.
func (s *splitter) routers() []*design.Router {
	var out []*design.Router
	for i := range s.p.Sites {
		for j := range s.p.Sites[i].Routers {
			out = append(out, &s.p.Sites[i].Routers[j])
		}
	}
	for i := range s.p.ProviderEdges {
		out = append(out, &s.p.ProviderEdges[i])
	}
	return out
}

// held is a prefix with the key of what holds it.
type held struct {
	netip.Prefix
	by string
}

// vnetPrefixes and sitePrefixes are sorted: addresses first, then the shorter prefix.
func (s *splitter) vnetPrefixes() []held {
	var out []held
	for _, v := range azure.Of[*azure.VirtualNetwork](s.rs) {
		for _, text := range slices.Concat(v.Properties.AddressSpace.AddressPrefixes, v.Properties.SummarizedGatewayPrefixes) {
			if p, err := netip.ParsePrefix(text); err == nil {
				out = append(out, held{p.Masked(), "vnet:" + v.ID.Key()})
			}
		}
	}
	slices.SortFunc(out, compareHeld)
	return out
}

func (s *splitter) sitePrefixes() []held {
	var out []held
	for i := range s.p.Sites {
		for _, p := range slices.Concat(s.p.Sites[i].Prefixes, s.p.Sites[i].PublicPrefixes) {
			out = append(out, held{p.Masked(), "site:" + s.p.Sites[i].Name})
		}
	}
	slices.SortFunc(out, compareHeld)
	return out
}

func compareHeld(a, b held) int { return comparePrefix(a.Prefix, b.Prefix) }

// addresses joins holders of overlapping addresses, networks with networks and sites with sites. It tells whether no network
// overlaps a site: where one does, packets for a site may reach a network of any part.
func (s *splitter) addresses() bool {
	vnets, sites := s.vnetPrefixes(), s.sitePrefixes()
	s.joinOverlaps(vnets)
	s.joinOverlaps(sites)
	for _, x := range sites {
		if s.overlapping(vnets, x.Prefix, func(held) bool { return false }) {
			return false
		}
	}
	return true
}

// joinOverlaps joins each holder with that of the nearest prefix that contains its own. Prefixes nest or are apart, so a stack of
// the open ones is enough.
func (s *splitter) joinOverlaps(sorted []held) {
	var open []held
	for _, x := range sorted {
		for len(open) > 0 && !open[len(open)-1].Contains(x.Addr()) {
			open = open[:len(open)-1]
		}
		if len(open) > 0 {
			s.join(open[len(open)-1].by, x.by)
		}
		open = append(open, x)
	}
}

// overlapping tells whether some prefix of a sorted list overlaps one; what skip tells of is left out.
func (s *splitter) overlapping(sorted []held, p netip.Prefix, skip func(held) bool) bool {
	// Those inside it stand together from its first address on.
	i, _ := slices.BinarySearchFunc(sorted, p, func(x held, p netip.Prefix) int { return comparePrefix(x.Prefix, p) })
	for j := i; j < len(sorted) && p.Contains(sorted[j].Addr()); j++ {
		if !skip(sorted[j]) {
			return true
		}
	}
	// Those around it begin before it; each of their lengths has one place to be.
	for bits := p.Bits() - 1; bits >= 0; bits-- {
		wide, err := p.Addr().Prefix(bits)
		if err != nil {
			break
		}
		k, found := slices.BinarySearchFunc(sorted, wide, func(x held, w netip.Prefix) int { return comparePrefix(x.Prefix, w) })
		for ; found && k < len(sorted) && sorted[k].Prefix == wide; k++ {
			if !skip(sorted[k]) {
				return true
			}
		}
	}
	return false
}

// policies joins the parts between which a router's policies could pass a route; it tells whether that is all that they could do.
func (s *splitter) policies() bool {
	vnets, sites := s.vnetPrefixes(), s.sitePrefixes()
	for _, r := range s.routers() {
		for i := range r.Sessions {
			x := &r.Sessions[i]
			if x.Circuit == "" {
				continue
			}
			in, ok := accepted(x.Import)
			if !ok || slices.ContainsFunc(in, func(p netip.Prefix) bool { return s.overlapping(sites, p, func(held) bool { return false }) }) {
				return false
			}
			out, ok := accepted(x.Export)
			if !ok {
				return false
			}
			circuit := "circuit:" + x.Circuit.Key()
			for _, p := range out {
				s.overlapping(vnets, p, func(h held) bool { s.join(circuit, h.by); return true })
			}
		}
	}
	return true
}

// accepted lists what a policy can let through: prefixes that hold every address of every route that it may accept. It gives up
// (false) on a policy that may accept anything. Routes with communities are those of Microsoft's services only: an MSEE
// takes the customers' communities off (expressroute-routing.md).
func accepted(p *bgp.Policy) ([]netip.Prefix, bool) {
	if p == nil || p.Default != bgp.Reject {
		return nil, false
	}
	var out []netip.Prefix
	for i := range p.Terms {
		t := &p.Terms[i]
		switch {
		case t.Action == bgp.Reject:
		case len(t.Match.Prefixes) > 0:
			for _, r := range t.Match.Prefixes {
				out = append(out, r.Prefix.Masked())
			}
		case t.Action == bgp.Next: // what it changes is decided on by a later term
		case len(t.Match.CommunitiesAny) > 0 || len(t.Match.CommunitiesAll) > 0:
		default:
			return nil, false
		}
	}
	return out, true
}

// parts hands everything out.
func (s *splitter) parts(ties []Tie) []Part {
	number := map[string]int{}
	var out []Part
	of := func(key string) int {
		root := s.find(key)
		i, ok := number[root]
		if !ok {
			i = len(out)
			number[root] = i
			out = append(out, Part{})
		}
		return i
	}
	users := map[string][]int{} // key of a resource that others refer to, to the parts of those
	use := func(r *azure.Ref, part int) {
		if r != nil && !slices.Contains(users[r.ID.Key()], part) {
			users[r.ID.Key()] = append(users[r.ID.Key()], part)
		}
	}
	for _, r := range s.rs {
		switch x := r.(type) {
		case *azure.VirtualNetwork:
			i := of("vnet:" + x.ID.Key())
			for j := range x.Properties.Subnets {
				use(x.Properties.Subnets[j].Properties.RouteTable, i)
			}
		case *azure.ExpressRouteCircuit:
			i := of("circuit:" + x.ID.Key())
			use(x.Properties.ExpressRoutePort, i)
			for j := range x.Properties.Peerings {
				use(x.Properties.Peerings[j].Properties.RouteFilter, i)
			}
		case *azure.AzureFirewall:
			use(x.Properties.FirewallPolicy, of("firewall:"+x.ID.Key()))
		case *azure.VirtualNetworkGateway:
			of("gateway:" + x.ID.Key())
		case *azure.VirtualNetworkGatewayConnection:
			if g := x.Properties.VirtualNetworkGateway1; g != nil {
				of("gateway:" + g.ID.Key())
			}
		}
	}
	give := func(r azure.Resource, parts ...int) {
		for _, i := range parts {
			out[i].Resources = append(out[i].Resources, r)
		}
	}
	all := make([]int, len(out))
	for i := range all {
		all[i] = i
	}
	for _, r := range s.rs {
		switch x := r.(type) {
		case *azure.VirtualNetwork:
			give(x, of("vnet:"+x.ID.Key()))
		case *azure.VirtualNetworkGateway:
			give(x, of("gateway:"+x.ID.Key()))
		case *azure.ExpressRouteCircuit:
			give(x, of("circuit:"+x.ID.Key()))
		case *azure.VirtualNetworkGatewayConnection:
			if g := x.Properties.VirtualNetworkGateway1; g != nil {
				give(x, of("gateway:"+g.ID.Key()))
			}
		case *azure.AzureFirewall:
			give(x, of("firewall:"+x.ID.Key()))
		case *azure.RouteTable, *azure.ExpressRoutePort, *azure.RouteFilter, *azure.FirewallPolicy:
			give(x, users[x.Head().ID.Key()]...)
		case *azure.FirewallPolicyRuleCollectionGroup:
			give(x, users[x.ID.Parent().Key()]...)
		case *azure.VirtualHub:
			give(x, all...)
		}
	}
	s.givePremises(out, of, ties)
	return slices.DeleteFunc(out, func(p Part) bool { return len(p.Resources) == 0 })
}

// givePremises gives each part the premises from which a session leads to one of its circuits, and the sites that a tie asks about.
func (s *splitter) givePremises(out []Part, of func(string) int, ties []Tie) {
	wanted := make([]map[string]bool, len(out)) // by part: roots of premises
	want := func(i int, root string) {
		for len(wanted) <= i {
			wanted = append(wanted, nil)
		}
		if wanted[i] == nil {
			wanted[i] = map[string]bool{}
		}
		wanted[i][root] = true
	}
	mine := map[string][]int{} // root of premises to the parts there
	for _, r := range s.routers() {
		root := s.find("router:" + r.Name)
		for i := range r.Sessions {
			if c := r.Sessions[i].Circuit; c != "" {
				if _, known := s.parent["circuit:"+c.Key()]; known {
					want(of("circuit:"+c.Key()), root)
				}
			}
		}
	}
	for _, t := range ties {
		for _, v := range t.VNets[:min(1, len(t.VNets))] {
			for _, site := range t.Sites {
				want(of("vnet:"+v.Key()), s.find("site:"+site))
			}
		}
	}
	for i := range out {
		for _, root := range slices.Sorted(keysOf(wanted, i)) {
			mine[root] = append(mine[root], i)
		}
		out[i].Premises = design.Premises{RoutesBetween: s.p.RoutesBetween}
	}
	at := map[string][]int{} // site to parts
	for i := range s.p.Sites {
		site := &s.p.Sites[i]
		at[site.Name] = mine[s.find("site:"+site.Name)]
		for _, k := range at[site.Name] {
			x := *site
			x.Routers = s.cut(site.Routers, k, of)
			out[k].Premises.Sites = append(out[k].Premises.Sites, x)
		}
	}
	for i := range s.p.ProviderEdges {
		pe := s.p.ProviderEdges[i : i+1]
		for _, k := range mine[s.find("router:"+pe[0].Name)] {
			out[k].Premises.ProviderEdges = append(out[k].Premises.ProviderEdges, s.cut(pe, k, of)...)
		}
	}
	for _, l := range s.p.Backbone {
		for _, k := range at[l.Between[0]] {
			out[k].Premises.Backbone = append(out[k].Premises.Backbone, l)
		}
	}
	for _, a := range s.p.Attachments {
		for _, k := range at[a.Site] {
			out[k].Premises.Attachments = append(out[k].Premises.Attachments, a)
		}
	}
}

func keysOf(wanted []map[string]bool, i int) func(func(string) bool) {
	return func(yield func(string) bool) {
		if i >= len(wanted) {
			return
		}
		for k := range wanted[i] {
			if !yield(k) {
				return
			}
		}
	}
}

// cut copies routers with the sessions that stay inside a part.
func (s *splitter) cut(rs []design.Router, part int, of func(string) int) []design.Router {
	out := make([]design.Router, len(rs))
	for i := range rs {
		out[i] = rs[i]
		out[i].Sessions = nil
		for j := range rs[i].Sessions {
			c := rs[i].Sessions[j].Circuit
			if _, known := s.parent["circuit:"+c.Key()]; c == "" || known && of("circuit:"+c.Key()) == part {
				out[i].Sessions = append(out[i].Sessions, rs[i].Sessions[j])
			}
		}
	}
	return out
}

// String names a part's resources.
func (p *Part) String() string {
	var names []string
	for _, r := range p.Resources {
		names = append(names, r.Head().Name)
	}
	return strings.Join(names, " ")
}
