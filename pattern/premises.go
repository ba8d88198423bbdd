package pattern

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"onramp/bgp"
	"onramp/design"
	"onramp/intent"
)

// Local preference that the premises give to what they learn on a pair's preferred and second circuit, so that they send
// where the connections' weights make Azure send: route-symmetric, route-local-pref.
const (
	preferFirst  = 200
	preferSecond = 100
	// morePath is how often an announcement is lengthened that should be used last.
	morePath = 3
)

func (c *circuit) localPref() uint32 {
	if c.n == 1 {
		return preferFirst
	}
	return preferSecond
}

// weight is the routing weight of connections to the circuit: within a pair the first wins (expressroute-optimize-routing.md:
// weight is compared before path length); a circuit alone needs none.
func (c *circuit) weight(all []*circuit) int {
	paired := slices.ContainsFunc(all, func(o *circuit) bool { return o != c && o.base() == c.base() })
	if paired && c.n == 1 {
		return 100
	}
	return 0
}

// base is the circuit's name without its number: both circuits of a pair share it.
func (c *circuit) base() string { return strings.TrimSuffix(c.name, fmt.Sprintf("-%d", c.n)) }

// expected are the prefixes that the circuit's gateways announce.
func (k *compiler) expected(c *circuit) []netip.Prefix {
	var out []netip.Prefix
	for _, v := range c.networks {
		out = append(out, k.announced(v)...)
	}
	return sortedPrefixes(out)
}

// rules match exactly the prefixes.
func rules(list []netip.Prefix) []bgp.PrefixRule {
	var out []bgp.PrefixRule
	for _, p := range list {
		out = append(out, bgp.PrefixRule{Prefix: p})
	}
	return out
}

// only makes a policy of terms that name prefixes or communities; a term without either would match everything and is
// left out.
func only(name string, terms ...bgp.Term) *bgp.Policy {
	p := &bgp.Policy{Name: name, Default: bgp.Reject, Terms: []bgp.Term{}}
	for _, t := range terms {
		if len(t.Match.Prefixes) > 0 || len(t.Match.CommunitiesAny) > 0 {
			p.Terms = append(p.Terms, t)
		}
	}
	return p
}

func prefer(v uint32) bgp.Set { return bgp.Set{LocalPref: &v} }

// between are the VNet prefixes that a circuit's sessions announce on top of the premises' own, because the premises may
// route between the two lines of business: by name of the term.
func (k *compiler) between(c *circuit, ipv6 bool) []bgp.Term {
	if !k.p.CircuitPerLineOfBusiness() {
		return nil
	}
	var out []bgp.Term
	for _, pair := range k.routePairs() {
		other := ""
		switch c.lob {
		case pair[0]:
			other = pair[1]
		case pair[1]:
			other = pair[0]
		default:
			continue
		}
		var list []netip.Prefix
		for _, o := range k.circuits {
			if o.lob == other {
				list = append(list, k.expected(o)...)
			}
		}
		out = append(out, bgp.Term{Name: "between-" + pair[0] + "-" + pair[1], Match: bgp.Match{Prefixes: rules(family(sortedPrefixes(list), ipv6))}, Action: bgp.Accept})
	}
	return out
}

// routePairs are the pairs of lines of business that the premises may route between, each and all sorted.
func (k *compiler) routePairs() [][2]string {
	var out [][2]string
	for _, group := range k.e.Premises.RoutesBetween {
		out = append(out, [2]string{min(group[0], group[1]), max(group[0], group[1])})
	}
	slices.SortFunc(out, func(x, y [2]string) int { return strings.Compare(x[0]+"\x00"+x[1], y[0]+"\x00"+y[1]) })
	return slices.Compact(out)
}

// policies of a session with an MSEE.
func (k *compiler) policies(c *circuit, p *peering, ipv6 bool) (in, out *bgp.Policy) {
	tail := c.name + "-" + strings.ToLower(strings.TrimSuffix(strings.TrimPrefix(p.kind, "Azure"), "Peering"))
	if ipv6 {
		tail += "-ipv6"
	}
	if p.kind == msPeering {
		in = only("from-"+tail, bgp.Term{Name: "services", Match: bgp.Match{CommunitiesAny: p.communities}, Set: prefer(c.localPref()), Action: bgp.Accept})
		own := bgp.Term{Name: "public", Match: bgp.Match{Prefixes: rules(family(p.announced, ipv6))}, Action: bgp.Accept}
		if c.n == 2 && !c.asn.IsPrivate() {
			// Prepends of private numbers are removed by Microsoft (expressroute-optimize-routing.md), so only a public one is worth it.
			own.Set = bgp.Set{PrependAS: c.asn, PrependTimes: morePath}
		}
		return in, only("to-"+tail, own)
	}
	in = only("from-"+tail, bgp.Term{Name: "azure", Match: bgp.Match{Prefixes: rules(family(k.expected(c), ipv6))}, Set: prefer(c.localPref()), Action: bgp.Accept})
	terms := append([]bgp.Term{{Name: "sites", Match: bgp.Match{Prefixes: rules(family(k.sitePrefixes(c.sites), ipv6))}, Action: bgp.Accept}}, k.between(c, ipv6)...)
	return in, only("to-"+tail, terms...)
}

// premisesPlan gathers the routers while sessions are handed to them.
type premisesPlan struct {
	k       *compiler
	out     design.Premises
	routers map[string]*design.Router // by name
	used    map[string]*way           // trunk to way
}

// premises writes down the organisation's half.
func (k *compiler) premises() design.Premises {
	p := &premisesPlan{k: k, routers: map[string]*design.Router{}, used: map[string]*way{}}
	p.out = design.Premises{Sites: []design.Site{}, Backbone: []design.Backbone{}, ProviderEdges: []design.Router{}, Attachments: []design.Attachment{}, RoutesBetween: [][]string{}}
	var sites [][]*design.Router
	for _, s := range k.survey.sites {
		var routers []*design.Router
		for i := range s.Routers {
			r := &design.Router{Name: fmt.Sprintf("%s-ce%d", s.Name, i+1), ASN: k.siteASN(s.Name), Sessions: []design.Session{}}
			p.routers[r.Name] = r
			routers = append(routers, r)
		}
		sites = append(sites, routers)
	}
	edges := p.providerEdges()
	for _, c := range k.circuits {
		p.circuit(c)
	}
	p.customerToProvider()
	p.attachments()
	for i, s := range k.survey.sites {
		d := design.Site{Name: s.Name, ASN: k.siteASN(s.Name), Prefixes: sortedPrefixes(s.Prefixes), PublicPrefixes: sortedPrefixes(s.PublicPrefixes),
			Latitude: s.At.Latitude, Longitude: s.At.Longitude, Routers: []design.Router{}}
		for _, r := range sites[i] {
			d.Routers = append(d.Routers, k.finished(r))
		}
		p.out.Sites = append(p.out.Sites, d)
	}
	for _, r := range edges {
		p.out.ProviderEdges = append(p.out.ProviderEdges, k.finished(r))
	}
	for i := range k.e.Premises.Backbone {
		b := &k.e.Premises.Backbone[i]
		p.out.Backbone = append(p.out.Backbone, design.Backbone{Between: b.Between, Mbps: b.Bandwidth, Latency: b.Latency})
	}
	for _, pair := range k.routePairs() {
		p.out.RoutesBetween = append(p.out.RoutesBetween, pair[:])
	}
	return p.out
}

// finished gives a router its identifier: the one it had, else its lowest address towards a circuit or provider.
func (k *compiler) finished(r *design.Router) design.Router {
	slices.SortFunc(r.Sessions, func(a, b design.Session) int { return strings.Compare(a.Name, b.Name) })
	if id, ok := k.kept.routerIDs[r.Name]; ok {
		r.RouterID = id
		return *r
	}
	for i := range r.Sessions {
		if a := r.Sessions[i].LocalAddress.Addr(); a.Is4() && (!r.RouterID.IsValid() || a.Less(r.RouterID)) {
			r.RouterID = a
		}
	}
	return *r
}

// edgeName is the router of a circuit's half: PE1 or PE2.
func edgeName(key string, half int) string { return fmt.Sprintf("%s-pe%d", key, half+1) }

// served are the sites that use a provider's IP VPN here, each with its access: those needed by a circuit of the
// provider, and those that stand in for a needed site behind them on the backbone.
func (k *compiler) served(provider string) []*way {
	needed := map[string]bool{}
	on := false
	for _, c := range k.circuits {
		if c.way.model == intent.IPVPN && c.way.provider == provider {
			on = true
			for _, s := range c.sites {
				needed[s] = true
			}
		}
	}
	if !on {
		return nil
	}
	var out []*way
	for _, w := range k.survey.ways {
		if w.model != intent.IPVPN || w.provider != provider {
			continue
		}
		for _, s := range k.survey.island(w.site) {
			if needed[s] {
				out = append(out, w)
				break
			}
		}
	}
	return out
}

// vpnProviders are the IP VPN providers that carry circuits, sorted.
func (k *compiler) vpnProviders() []string {
	var out []string
	for _, c := range k.circuits {
		if c.way.model == intent.IPVPN && !slices.Contains(out, c.way.provider) {
			out = append(out, c.way.provider)
		}
	}
	slices.Sort(out)
	return out
}

// providerEdges makes two PE routers at each location where a circuit or a served site's access of the provider is.
func (p *premisesPlan) providerEdges() []*design.Router {
	at := map[string]*way{}
	for _, c := range p.k.circuits {
		if c.way.model == intent.IPVPN {
			at[c.way.key] = c.way
		}
	}
	for _, provider := range p.k.vpnProviders() {
		for _, w := range p.k.served(provider) {
			at[w.key] = w
		}
	}
	var out []*design.Router
	for _, key := range sortedKeys(at) {
		for h := range 2 {
			r := &design.Router{Name: edgeName(key, h), ASN: p.k.providerASN(at[key]), Provider: at[key].provider, Location: at[key].location, Sessions: []design.Session{}}
			p.routers[r.Name] = r
			out = append(out, r)
		}
	}
	return out
}

// session is what all sessions here share: the timers as published and BFD as Microsoft's side runs it.
func (k *compiler) session(s design.Session) design.Session {
	limits := k.c.Limits()
	s.KeepaliveSec, s.HoldSec = limits.KeepaliveSeconds, limits.HoldSeconds
	s.BFDMilliseconds, s.BFDMultiplier = limits.BFDMilliseconds, limits.BFDMultiplier
	return s
}

// circuit adds the sessions of one circuit: per peering, connection and address family.
func (p *premisesPlan) circuit(c *circuit) {
	for _, pe := range []*peering{c.private, c.public} {
		if pe == nil {
			continue
		}
		for h, connection := range halves() {
			var router, attachment, port string
			if c.way.model == intent.IPVPN {
				router, port = edgeName(c.way.key, h), "msee"
			} else {
				router, attachment, port = p.end(c.way, h)
			}
			links := []netip.Prefix{pe.link[h]}
			if pe.link6[h].IsValid() {
				links = append(links, pe.link6[h])
			}
			for _, link := range links {
				ipv6 := link.Addr().Is6()
				s := p.k.session(design.Session{
					Name:    sessionName(c.name, pe.kind, connection, ipv6),
					Circuit: c.id(), Connection: connection, Peering: pe.kind, Attachment: attachment,
					Interface: fmt.Sprintf("%s.%d", port, pe.vlan), VLAN: pe.vlan,
					// Customer first, Microsoft second: expressroute-routing.md.
					LocalAddress: netip.PrefixFrom(link.Addr().Next(), link.Bits()), PeerAddress: link.Addr().Next().Next(),
					PeerASN: bgp.ASN(p.k.c.Limits().MicrosoftASN),
				})
				s.Import, s.Export = p.k.policies(c, pe, ipv6)
				r := p.routers[router]
				r.Sessions = append(r.Sessions, s)
			}
		}
	}
}

func sessionName(circuit, kind, connection string, ipv6 bool) string {
	name := circuit + "/" + peeringWord(kind) + "/" + connection
	if ipv6 {
		name += "/ipv6"
	}
	return name
}

func peeringWord(kind string) string {
	if kind == msPeering {
		return "microsoft"
	}
	return "private"
}

// end is the customer edge router, attachment and physical port of one half of an access.
func (p *premisesPlan) end(w *way, half int) (router, attachment, port string) {
	p.used[w.trunk()] = w
	routers := p.k.survey.byName[w.site].Routers
	index := 0
	for _, o := range p.k.survey.ways {
		if o.site == w.site && o != w {
			index++
		}
		if o == w {
			break
		}
	}
	number, ports := min(half+1, routers), index+1
	if routers == 1 {
		ports = 2*index + half + 1
	}
	return fmt.Sprintf("%s-ce%d", w.site, number), w.attachmentName(half + 1), fmt.Sprintf("eth%d", ports)
}

// attachments lists the halves of every access in use.
func (p *premisesPlan) attachments() {
	for _, trunk := range sortedKeys(p.used) {
		w := p.used[trunk]
		for h := range 2 {
			router, name, _ := p.end(w, h)
			a := design.Attachment{Name: name, Site: w.site, Router: router, Provider: w.provider, Model: w.model, Location: w.location, Mbps: w.mbps, Number: h + 1,
				Availability: w.access.Availability}
			if h == 0 {
				a.MonthlyUSD = w.monthlyUSD()
			}
			p.out.Attachments = append(p.out.Attachments, a)
		}
	}
}

// customerToProvider adds the sessions between customer and provider edges of IP VPNs: CE1 with PE1, CE2 with PE2.
func (p *premisesPlan) customerToProvider() {
	for _, provider := range p.k.vpnProviders() {
		served := p.k.served(provider)
		for _, w := range served {
			for h := range 2 {
				ce, attachment, port := p.end(w, h)
				p.pair(w, served, h, ce, edgeName(w.key, h), attachment, port)
			}
		}
	}
}

// pair adds both ends of one customer-to-provider session, for each address family that the site has.
func (p *premisesPlan) pair(w *way, served []*way, half int, ce, pe, attachment, port string) {
	k := p.k
	vlan, err := k.vlans.Take(w.trunk(), "provider")
	if err != nil {
		k.obstacle("", "premises.access", err.Error(), "use another access")
		return
	}
	cePeer, pePeer := p.routers[ce], p.routers[pe]
	for _, ipv6 := range []bool{false, true} {
		if ipv6 && !k.ipv6 {
			continue
		}
		bits := 30
		if ipv6 {
			bits = 126
		}
		link, err := k.transit.Take(providerLink(w, half, ipv6), bits, ipv6)
		if err != nil {
			k.obstacle("", "pools.transit", err.Error(), "widen pools.transit")
			continue
		}
		first, second := link.Addr().Next(), link.Addr().Next().Next()
		name := ce + "--" + pe
		if ipv6 {
			name += "/ipv6"
		}
		down := k.session(design.Session{Name: name, Neighbor: pe, Attachment: attachment, Interface: fmt.Sprintf("%s.%d", port, vlan), VLAN: vlan,
			LocalAddress: netip.PrefixFrom(first, bits), PeerAddress: second, PeerASN: pePeer.ASN})
		up := k.session(design.Session{Name: name + "/provider", Neighbor: ce, Attachment: attachment, Interface: fmt.Sprintf("%s.%d", ce, vlan), VLAN: vlan,
			LocalAddress: netip.PrefixFrom(second, bits), PeerAddress: first, PeerASN: cePeer.ASN, ASOverride: true})
		down.Import, down.Export = k.providerPolicies(w, served, pe, ipv6)
		up.Import = only("from-"+ce, bgp.Term{Name: "sites", Match: bgp.Match{Prefixes: rules(family(sortedPrefixes(slices.Concat(k.islandPrefixes(w.site)...)), ipv6))}, Action: bgp.Accept})
		cePeer.Sessions, pePeer.Sessions = append(cePeer.Sessions, down), append(pePeer.Sessions, up)
	}
}

// islandPrefixes are the private and the public prefixes of a site and of what the backbone joins it with.
func (k *compiler) islandPrefixes(site string) [][]netip.Prefix {
	island := k.survey.island(site)
	return [][]netip.Prefix{k.sitePrefixes(island), k.publicPrefixes(island)}
}

// providerPolicies are a customer edge's policies towards an IP VPN: in, what the provider's circuits and the other sites
// announce; out, the site's own prefixes, and last those of the sites that the backbone joins with it.
func (k *compiler) providerPolicies(w *way, served []*way, pe string, ipv6 bool) (in, out *bgp.Policy) {
	var azure, second []netip.Prefix
	var services, services2 []bgp.Community
	for _, c := range k.circuits {
		if c.way.model != intent.IPVPN || c.way.provider != w.provider {
			continue
		}
		list := family(k.expected(c), ipv6)
		var heard []bgp.Community
		if c.public != nil {
			heard = c.public.communities
		}
		if c.n == 1 {
			azure, services = append(azure, list...), append(services, heard...)
		} else {
			second, services2 = append(second, list...), append(services2, heard...)
		}
	}
	var others []netip.Prefix
	own := k.survey.island(w.site)
	for _, o := range served {
		if !slices.Contains(own, o.site) {
			others = append(others, slices.Concat(k.islandPrefixes(o.site)...)...)
		}
	}
	term := func(name string, list []netip.Prefix, set bgp.Set) bgp.Term {
		return bgp.Term{Name: name, Match: bgp.Match{Prefixes: rules(family(sortedPrefixes(list), ipv6))}, Set: set, Action: bgp.Accept}
	}
	heard := func(name string, list []bgp.Community, v uint32) bgp.Term {
		slices.Sort(list)
		return bgp.Term{Name: name, Match: bgp.Match{CommunitiesAny: slices.Compact(list)}, Set: prefer(v), Action: bgp.Accept}
	}
	in = only("from-"+pe, term("azure", azure, prefer(preferFirst)), term("azure-second", second, prefer(preferSecond)), term("sites", others, bgp.Set{}),
		heard("services", services, preferFirst), heard("services-second", services2, preferSecond))
	var behind []netip.Prefix
	for _, s := range own {
		if s != w.site {
			behind = append(append(behind, k.sitePrefixes([]string{s})...), k.publicPrefixes([]string{s})...)
		}
	}
	self := append(k.sitePrefixes([]string{w.site}), k.publicPrefixes([]string{w.site})...)
	return in, only("to-"+pe, term("site", self, bgp.Set{}), term("backbone", behind, bgp.Set{PrependAS: k.siteASN(w.site), PrependTimes: morePath}))
}

func providerLink(w *way, half int, ipv6 bool) string {
	name := fmt.Sprintf("provider/%s/%d", w.trunk(), half+1)
	if ipv6 {
		name += "/ipv6"
	}
	return name
}
