package prove

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"onramp/azure"
	"onramp/catalog"
	"onramp/design"
	"onramp/intent"
	"onramp/network"
)

// Values of design.TagRole that mark VNets which are not a line of business's own networks.
const (
	roleHub    = "hub"
	roleShared = "shared-services"
)

// estate is the design seen from its needs: who has which ends of flows, and which flows are needed.
type estate struct {
	design  *design.Design
	net     *network.Network
	catalog *catalog.Catalog

	lobs    []*lob // sorted by name; none without an intent
	points  []point
	reps    []rep
	needed  []flow
	wanted  map[[2]int]bool // pairs of points that some line of business needs, both ways
	pairs   []pair          // every source and destination that could exchange packets
	inspect bool
	// between holds the pairs of lines of business that the premises may route between, both ways.
	between    map[[2]string]bool
	attached   map[string]map[string]bool // circuit key to the lines of business whose gateways are connected to it
	capacities map[string]network.Capacity
	elements   map[string]network.Element
	sessions   []network.SessionInfo
	nodes      map[string]int // of all paths that were looked at
	nodeNames  []string
	early      []string // names of properties that fail before any scenario is looked at
	lacks      []string // keys of the intent whose figures the availability needs and that nobody states
}

// lob is a line of business with what the design holds for it.
type lob struct {
	*intent.LineOfBusiness
	sites     []string
	points    []int // its virtual machines' subnets, hubs of its own included
	flows     []int // indexes into needed
	missing   []missing
	circuit   map[string]bool   // names of circuits that its flows crossed in some scenario, those to public services left out
	services  map[string]bool   // names of circuits that its flows to public services crossed
	available *LineAvailability // nil while unknown
}

// missing is a need that fails whatever the routes are.
type missing struct{ property, need, flow, reason, mend string }

// point is an endpoint.
type point struct {
	network.Endpoint
	name   string // for people: "vnet-fin-core/app" or "montreal 10.0.0.0/16"
	place  string // the same without the prefix or subnet: "vnet-fin-core", "montreal"
	lob    *lob
	shared bool  // stands in a hub or the shared services' network
	reps   []int // indexes into estate.reps
}

// rep is one class of addresses of a point, as a destination.
type rep struct {
	network.Endpoint
	point int
}

// flow is a need for two points to talk, either beginning.
type flow struct {
	lob  *lob
	need string // sites, services, reaches
	a, b int    // points; a is the line of business's own side, or the site's for Microsoft services
	// healthy tells that it works when nothing has failed.
	healthy bool
}

// pair is a source and a destination class.
type pair struct{ src, rep int }

// outline reads what of a design is no flow.
func outline(d *design.Design, n *network.Network, c *catalog.Catalog) *estate {
	e := &estate{design: d, net: n, catalog: c, nodes: map[string]int{}, wanted: map[[2]int]bool{}, between: map[[2]string]bool{}, capacities: map[string]network.Capacity{}, elements: map[string]network.Element{}}
	for _, x := range n.Capacities() {
		e.capacities[x.Name] = x
	}
	for _, x := range n.Elements() {
		e.elements[x.ID] = x
	}
	for _, group := range d.Premises.RoutesBetween {
		for _, a := range group {
			for _, b := range group {
				e.between[[2]string{a, b}] = a != b
			}
		}
	}
	return e
}

// survey reads the design.
func survey(d *design.Design, n *network.Network, c *catalog.Catalog) *estate {
	e := outline(d, n, c)
	e.sessions = n.Sessions()
	if d.Intent != nil {
		e.inspect = d.Intent.SharedServices != nil && d.Intent.SharedServices.Inspect
		for i := range d.Intent.LinesOfBusiness {
			e.lobs = append(e.lobs, &lob{LineOfBusiness: &d.Intent.LinesOfBusiness[i], circuit: map[string]bool{}, services: map[string]bool{}})
		}
		slices.SortFunc(e.lobs, func(a, b *lob) int { return strings.Compare(a.Name, b.Name) })
	}
	e.readPoints()
	e.readAttached()
	for _, l := range e.lobs {
		e.readNeeds(l)
	}
	if d.Intent == nil {
		e.anyFlows()
	}
	e.readPairs()
	return e
}

func (e *estate) lobNamed(name string) *lob {
	for _, l := range e.lobs {
		if l.Name == name {
			return l
		}
	}
	return nil
}

// readPoints gives each endpoint its owner and the classes of addresses that are its own.
func (e *estate) readPoints() {
	roles := map[string]string{}
	var claimed []netip.Prefix
	for _, v := range azure.Of[*azure.VirtualNetwork](e.design.Resources) {
		roles[v.ID.Key()] = v.Tags[design.TagRole]
		for _, s := range v.Properties.AddressSpace.AddressPrefixes {
			if p, err := netip.ParsePrefix(s); err == nil {
				claimed = append(claimed, p.Masked())
			}
		}
	}
	ends := e.net.Endpoints()
	for _, x := range ends {
		claimed = append(claimed, x.Prefix)
	}
	for i, x := range ends {
		p := point{Endpoint: x}
		switch x.Kind {
		case network.VM:
			p.place, p.name = x.VNet.Name(), x.VNet.Name()+"/"+x.Subnet
			p.lob = e.lobNamed(x.LineOfBusiness)
			role := roles[x.VNet.Key()]
			p.shared = role == roleHub || role == roleShared
			if p.lob != nil {
				p.lob.points = append(p.lob.points, i)
			}
		case network.SiteHost:
			p.place, p.name = x.Site, x.Site+" "+x.Prefix.String()
		case network.Service:
			p.place, p.name = x.Service, x.Service
		}
		for _, r := range e.net.Representatives(x) {
			if x.Kind == network.SiteHost && r.Prefix != x.Prefix && othersOwn(claimed, x.Prefix, r.Prefix) {
				continue // a site's wide prefix gives way to longer ones of others by design; those are others' addresses
			}
			p.reps = append(p.reps, len(e.reps))
			e.reps = append(e.reps, rep{r, i})
		}
		e.points = append(e.points, p)
	}
}

// othersOwn tells whether a class of addresses inside a site's prefix lies in a longer prefix that somebody claims.
func othersOwn(claimed []netip.Prefix, whole, class netip.Prefix) bool {
	return slices.ContainsFunc(claimed, func(p netip.Prefix) bool {
		return p.Bits() > whole.Bits() && p.Bits() <= class.Bits() && p.Contains(class.Addr())
	})
}

// readAttached finds whose gateways are connected to each circuit: the owner of the gateway's VNet and of every VNet that
// uses it.
func (e *estate) readAttached() {
	e.attached = map[string]map[string]bool{}
	users := map[string][]string{} // VNet key to the lines of business behind its gateway
	for _, v := range azure.Of[*azure.VirtualNetwork](e.design.Resources) {
		tag := v.Tags[design.TagLineOfBusiness]
		if tag == "" {
			continue
		}
		users[v.ID.Key()] = append(users[v.ID.Key()], tag)
		for i := range v.Properties.VirtualNetworkPeerings {
			if p := &v.Properties.VirtualNetworkPeerings[i].Properties; p.UseRemoteGateways && p.RemoteVirtualNetwork != nil {
				users[p.RemoteVirtualNetwork.ID.Key()] = append(users[p.RemoteVirtualNetwork.ID.Key()], tag)
			}
		}
	}
	behind := map[string][]string{}
	for _, g := range azure.Of[*azure.VirtualNetworkGateway](e.design.Resources) {
		for i := range g.Properties.IPConfigurations {
			if s := g.Properties.IPConfigurations[i].Properties.Subnet; s != nil {
				behind[g.ID.Key()] = append(behind[g.ID.Key()], users[s.ID.Parent().Key()]...)
			}
		}
	}
	for _, c := range azure.Of[*azure.VirtualNetworkGatewayConnection](e.design.Resources) {
		p := &c.Properties
		if p.VirtualNetworkGateway1 == nil || p.Peer == nil {
			continue
		}
		k := p.Peer.ID.Key()
		if e.attached[k] == nil {
			e.attached[k] = map[string]bool{}
		}
		for _, l := range behind[p.VirtualNetworkGateway1.ID.Key()] {
			e.attached[k][l] = true
		}
	}
}

// sameFamily tells whether two endpoints speak the same version of IP.
func sameFamily(a, b network.Endpoint) bool { return a.Addr.Is4() == b.Addr.Is4() }

// need adds a flow.
func (e *estate) need(l *lob, need string, a, b int) {
	if !sameFamily(e.points[a].Endpoint, e.points[b].Endpoint) {
		return
	}
	l.flows = append(l.flows, len(e.needed))
	e.wanted[[2]int{a, b}], e.wanted[[2]int{b, a}] = true, true
	e.needed = append(e.needed, flow{lob: l, need: need, a: a, b: b})
}

// anyFlows takes every machine and every site as a pair that may want to talk: without an intent nobody says who needs
// what, and only figures come of it.
func (e *estate) anyFlows() {
	for a := range e.points {
		for b := range e.points {
			if x, y := &e.points[a], &e.points[b]; x.Kind == network.VM && y.Kind == network.SiteHost && !y.Public && sameFamily(x.Endpoint, y.Endpoint) {
				e.needed = append(e.needed, flow{a: a, b: b})
			}
		}
	}
}

// own returns the points of a line of business's networks, without hubs.
func (e *estate) own(l *lob) []int {
	var out []int
	for _, i := range l.points {
		if !e.points[i].shared {
			out = append(out, i)
		}
	}
	return out
}

// sitePoints returns the points of a site's private or public prefixes.
func (e *estate) sitePoints(site string, public bool) []int {
	var out []int
	for i := range e.points {
		if p := &e.points[i]; p.Kind == network.SiteHost && p.Site == site && p.Public == public {
			out = append(out, i)
		}
	}
	return out
}

// readNeeds spells out the flows that a line of business needs.
func (e *estate) readNeeds(l *lob) {
	l.sites = slices.Clone(l.Needs.Sites)
	if len(l.sites) == 0 {
		for i := range e.design.Intent.Premises.Sites {
			l.sites = append(l.sites, e.design.Intent.Premises.Sites[i].Name)
		}
	}
	slices.Sort(l.sites)
	l.sites = slices.Compact(l.sites)
	services := l.Needs.Services
	if len(services) == 0 {
		services = []string{intent.Azure}
	}
	own := e.own(l)
	vnets := map[string]bool{}
	for _, i := range own {
		vnets[e.points[i].VNet.Key()] = true
	}
	if len(vnets) < len(l.Networks) {
		l.missing = append(l.missing, missing{Reach, "sites", l.Name, fmt.Sprintf("%d of its %d networks are in the design with a subnet for virtual machines and the tag %s", len(vnets), len(l.Networks), design.TagLineOfBusiness),
			"add the missing networks"})
	}
	for _, s := range slices.Sorted(slices.Values(services)) {
		if s == intent.Azure {
			e.needSites(l, own)
		} else {
			e.needService(l, s)
		}
	}
	for _, r := range slices.Sorted(slices.Values(l.Needs.Reaches)) {
		e.needReach(l, own, r)
	}
}

func (e *estate) needSites(l *lob, own []int) {
	for _, s := range l.sites {
		at := e.sitePoints(s, false)
		if len(at) == 0 && len(own) > 0 {
			l.missing = append(l.missing, missing{Reach, "sites", l.Name + " - " + s, "site " + s + " has no prefix in the design", "give " + s + " its prefixes"})
		}
		for _, a := range own {
			for _, b := range at {
				e.need(l, "sites", a, b)
			}
		}
	}
}

// needService adds a flow from every needed site's public prefixes to every service that the word stands for.
func (e *estate) needService(l *lob, word string) {
	targets, absent := e.serviceTargets(l, word)
	for _, name := range absent {
		l.missing = append(l.missing, missing{Reach, "services", l.Name + " - " + word, "no Microsoft peering with a route filter lets " + name + " through",
			"add Microsoft peering with a route filter that allows the service's community"})
	}
	for _, s := range l.sites {
		at := e.sitePoints(s, true)
		if len(at) == 0 {
			l.missing = append(l.missing, missing{Reach, "services", s + " - " + word, "site " + s + " has no public prefix, which Microsoft peering needs", "give " + s + " publicPrefixes, or leave it out of sites"})
		}
		for _, a := range at {
			for _, b := range targets {
				if e.points[b].Prefix.Addr().Is4() {
					e.need(l, "services", a, b)
				}
			}
		}
	}
}

// services365 are the services that microsoft365 stands for (services.csv; Entra ID signs their users in).
func services365() []string {
	return []string{"Exchange Online", "SharePoint Online", voiceService, "Other Office 365 Online services", "Microsoft Entra ID"}
}

// voiceService carries the routes of Skype for Business and of Teams, 12076:5030 (services.csv).
const voiceService = "Skype for Business Online"

// serviceTargets returns the points of a word of `services`, and the names of what is not there.
func (e *estate) serviceTargets(l *lob, word string) (targets []int, absent []string) {
	var names []string
	switch word {
	case intent.Microsoft365:
		names = services365()
	case intent.AzurePublic, intent.Dynamics365:
		for i := range l.Networks {
			if r, ok := e.catalog.Region(l.Networks[i].Region); ok && r.CommunityMicrosoft != "" {
				names = append(names, r.CommunityMicrosoft)
			}
		}
		if len(names) == 0 {
			// Nothing says in which region its services are: any region's will do (12076:51xxx: expressroute-routing.md).
			if i := slices.IndexFunc(e.points, func(p point) bool { return p.Kind == network.Service && strings.HasPrefix(p.Service, "12076:51") }); i >= 0 {
				return []int{i}, nil
			}
			return nil, []string{word}
		}
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		i := slices.IndexFunc(e.points, func(p point) bool { return p.Kind == network.Service && p.Service == name })
		if i < 0 {
			absent = append(absent, name)
			continue
		}
		targets = append(targets, i)
	}
	return targets, absent
}

// needReach adds flows to another line of business or to the shared services: those of its own hub where each has one.
func (e *estate) needReach(l *lob, own []int, other string) {
	var to []int
	if other == intent.Shared {
		for i := range e.points {
			if p := &e.points[i]; p.shared && p.lob == l {
				to = append(to, i)
			}
		}
		if len(to) == 0 {
			for i := range e.points {
				if p := &e.points[i]; p.shared && p.lob == nil {
					to = append(to, i)
				}
			}
		}
	} else if o := e.lobNamed(other); o != nil {
		to = e.own(o)
	}
	if len(to) == 0 {
		l.missing = append(l.missing, missing{Reach, "reaches", l.Name + " - " + other, "the design has no network of " + other, "add one, or take " + other + " out of reaches"})
	}
	for _, a := range own {
		for _, b := range to {
			e.need(l, "reaches", a, b)
		}
	}
}

// readPairs lists every source and destination class that could exchange packets and are not in one VNet: machines of
// different VNets, machines and sites' private prefixes, services and sites' public ones.
func (e *estate) readPairs() {
	for i := range e.points {
		for j := range e.reps {
			if e.related(&e.points[i], &e.points[e.reps[j].point]) {
				e.pairs = append(e.pairs, pair{i, j})
			}
		}
	}
}

func (e *estate) related(a, b *point) bool {
	if !sameFamily(a.Endpoint, b.Endpoint) {
		return false
	}
	switch {
	case a.Kind == network.VM && b.Kind == network.VM:
		return !a.VNet.Equal(b.VNet)
	case a.Kind == network.VM && b.Kind == network.SiteHost:
		return !b.Public
	case a.Kind == network.SiteHost && b.Kind == network.VM:
		return !a.Public
	case a.Kind == network.SiteHost && b.Kind == network.Service:
		return a.Public
	case a.Kind == network.Service && b.Kind == network.SiteHost:
		return b.Public
	}
	return false
}
