package rehearse

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"onramp/azure"
	"onramp/bgp"
	"onramp/catalog"
	"onramp/design"
)

// What the premises do wrong is a design, too: the same estate with a router configured otherwise. A running estate becomes it
// (sim.Become), and the proof says of it what it says of every design.

// MisdeedKind is what is done.
type MisdeedKind string

// The kinds of misdeed, with the fields of Misdeed that each needs.
const (
	// OriginateDefault lets a site (Site) announce 0.0.0.0/0 and ::/0 to its circuits and its providers.
	OriginateDefault MisdeedKind = "default"
	// OriginateAggregate lets a site (Site) announce a prefix (Prefix) that covers others'. Without Prefix it is the longest IPv4 prefix
	// that covers what all sites have.
	OriginateAggregate MisdeedKind = "aggregate"
	// EchoRoutes lets the premises tell one circuit (To) what another (From) told them; with a Site, at that site's routers alone. Echoes
	// both ways between two circuits, of a route whose origin goes, can go round for a long time: MSEEs take paths with their own AS number
	// and remove the premises' private ones (behaviors.md).
	EchoRoutes MisdeedKind = "echo"
	// FilterWithout takes a prefix (Prefix) out of what a session (Session) lets through, or a community (Community) out of a route filter
	// (Filter); FilterWith puts it in.
	FilterWithout MisdeedKind = "filter-without"
	FilterWith    MisdeedKind = "filter-with"
	// BFDOff switches BFD off on a session (Session).
	BFDOff MisdeedKind = "bfd-off"
	// TooManyPrefixes lets a site (Site) announce so many (Count) addresses of its own, each as a prefix, beside what it does. They are
	// of Prefix, or of the largest IPv4 prefix that the site has.
	TooManyPrefixes MisdeedKind = "too-many-prefixes"
)

// MisdeedKinds are all kinds.
func MisdeedKinds() []MisdeedKind {
	return []MisdeedKind{OriginateDefault, OriginateAggregate, EchoRoutes, FilterWithout, FilterWith, BFDOff, TooManyPrefixes}
}

// Misdeed is one thing that is done wrong. Fields that its kind does not need are empty.
type Misdeed struct {
	Kind MisdeedKind `json:"kind" enum:"default,aggregate,echo,filter-without,filter-with,bfd-off,too-many-prefixes"`
	Site string      `json:"site,omitempty"`
	// Session is the name of a session of the premises or of a provider edge, as in the design.
	Session string `json:"session,omitempty"`
	// Import tells that it is about what the session takes; otherwise it is about what it announces.
	Import bool `json:"import,omitempty"`
	// From and To are names of circuits.
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
	// Filter is the name of a route filter, Community one of its values, as "12076:5010".
	Filter    string       `json:"filter,omitempty"`
	Community string       `json:"community,omitempty"`
	Prefix    netip.Prefix `json:"prefix,omitzero"`
	Count     int          `json:"count,omitempty"`
}

// UnknownName is a name that nothing of its kind has in a design.
type UnknownName struct {
	What string   // "site", "session", "circuit", "route filter", "misdeed", "prefix of ...", "community of ..."
	Name string   // "" where none was given
	Near []string // the names that are most like it, or some of those that there are
}

func (e *UnknownName) Error() string {
	s := fmt.Sprintf("there is no %s %q", e.What, e.Name)
	switch {
	case len(e.Near) == 0:
		return s
	case e.Name == "":
		return "a " + e.What + " has to be named: " + strings.Join(e.Near, ", ")
	}
	return s + "; did you mean " + strings.Join(e.Near, " or ") + "?"
}

// unknownName is the error with the nearest names, which may come more than once.
func unknownName(what, name string, names []string) error {
	names = slices.Clone(names)
	slices.Sort(names)
	names = slices.Compact(names)
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(catalog.Edits(name, a), catalog.Edits(name, b)) })
	return &UnknownName{what, name, names[:min(mostNear, len(names))]}
}

// Apply returns the design with a misdeed done; the design that it is given stays as it is. An error says what the design does not have,
// with the names that are nearest (UnknownName), or why nothing would change.
func Apply(d *design.Design, m Misdeed) (*design.Design, error) {
	src, err := d.Encode()
	if err != nil {
		return nil, err
	}
	out, err := design.Decode(src)
	if err != nil {
		return nil, err
	}
	switch m.Kind {
	case OriginateDefault:
		err = originate(out, m.Site, "default", netip.PrefixFrom(netip.IPv4Unspecified(), 0), netip.PrefixFrom(netip.IPv6Unspecified(), 0))
	case OriginateAggregate:
		err = aggregate(out, m)
	case EchoRoutes:
		err = echo(out, m)
	case FilterWithout, FilterWith:
		if m.Filter != "" {
			err = routeFilter(out, m)
		} else {
			err = sessionFilter(out, m)
		}
	case BFDOff:
		err = bfdOff(out, m)
	case TooManyPrefixes:
		err = crowd(out, m)
	default:
		var kinds []string
		for _, k := range MisdeedKinds() {
			kinds = append(kinds, string(k))
		}
		err = unknownName("misdeed", string(m.Kind), kinds)
	}
	if err != nil {
		return nil, err
	}
	return out, nil
}

// siteOf is the site of a name.
func siteOf(d *design.Design, name string) (*design.Site, error) {
	var names []string
	for i := range d.Premises.Sites {
		if x := &d.Premises.Sites[i]; x.Name == name {
			return x, nil
		}
		names = append(names, d.Premises.Sites[i].Name)
	}
	return nil, unknownName("site", name, names)
}

// routersOf are the routers of a site; of "" all of them, the providers' edges too.
func routersOf(d *design.Design, site string) []*design.Router {
	var out []*design.Router
	for i := range d.Premises.Sites {
		if x := &d.Premises.Sites[i]; site == "" || x.Name == site {
			for k := range x.Routers {
				out = append(out, &x.Routers[k])
			}
		}
	}
	if site == "" {
		for i := range d.Premises.ProviderEdges {
			out = append(out, &d.Premises.ProviderEdges[i])
		}
	}
	return out
}

// privateSessions are a site's sessions on which it announces its private prefixes: with the MSEEs of private peerings, and with providers'
// edges.
func privateSessions(d *design.Design, site string) []*design.Session {
	var out []*design.Session
	for _, r := range routersOf(d, site) {
		for i := range r.Sessions {
			if x := &r.Sessions[i]; x.Circuit == "" || x.Peering == "AzurePrivatePeering" {
				out = append(out, x)
			}
		}
	}
	return out
}

// first puts a term before all others of a policy; a policy that is not there accepts everything already.
func first(p *bgp.Policy, t bgp.Term) *bgp.Policy {
	if p == nil {
		return nil
	}
	q := *p
	q.Terms = append([]bgp.Term{t}, p.Terms...)
	return &q
}

// originate lets a site have prefixes more and tell them to its circuits and providers.
func originate(d *design.Design, site, term string, list ...netip.Prefix) error {
	x, err := siteOf(d, site)
	if err != nil {
		return err
	}
	var rules []bgp.PrefixRule
	for _, p := range list {
		if slices.Contains(x.Prefixes, p) {
			return fmt.Errorf("site %s announces %s already", site, p)
		}
		x.Prefixes = append(x.Prefixes, p)
		rules = append(rules, bgp.PrefixRule{Prefix: p})
	}
	for _, s := range privateSessions(d, site) {
		s.Export = first(s.Export, bgp.Term{Name: term, Match: bgp.Match{Prefixes: rules}, Action: bgp.Accept})
	}
	return nil
}

func aggregate(d *design.Design, m Misdeed) error {
	p := m.Prefix
	if !p.IsValid() {
		for i := range d.Premises.Sites {
			for _, q := range d.Premises.Sites[i].Prefixes {
				switch {
				case !q.Addr().Is4():
				case !p.IsValid():
					p = q
				default:
					for bits := min(p.Bits(), q.Bits()); bits >= 0; bits-- {
						if p = netip.PrefixFrom(p.Addr(), bits).Masked(); p.Contains(q.Addr()) {
							break
						}
					}
				}
			}
		}
		if p.IsValid() && len(d.Premises.Sites) == 1 && p.Bits() > 1 { // it has to cover more than the site's own
			p = netip.PrefixFrom(p.Addr(), p.Bits()-1).Masked()
		}
	}
	if !p.IsValid() {
		return fmt.Errorf("no site has an IPv4 prefix: name the aggregate")
	}
	return originate(d, m.Site, "aggregate", p.Masked())
}

// echoed marks what came from the circuit whose routes are echoed, on its way through the premises: a value of a private AS number that no
// filter here knows.
const echoed = bgp.Community(65000<<16 | 666)

func echo(d *design.Design, m Misdeed) error {
	if m.Site != "" {
		if _, err := siteOf(d, m.Site); err != nil {
			return err
		}
	}
	var names []string
	for _, c := range azure.Of[*azure.ExpressRouteCircuit](d.Resources) {
		names = append(names, c.Name)
	}
	for _, name := range []string{m.From, m.To} {
		if !slices.Contains(names, name) {
			return unknownName("circuit", name, names)
		}
	}
	if m.From == m.To {
		return fmt.Errorf("circuit %s is to be told its own routes: name two circuits", m.From)
	}
	found := map[string]bool{}
	for _, s := range privateSessions(d, m.Site) {
		switch s.Circuit.Name() {
		case "":
		case m.From:
			mark := bgp.Term{Name: "echo", Set: bgp.Set{AddCommunities: []bgp.Community{echoed}}, Action: bgp.Next}
			if s.Import == nil {
				s.Import = &bgp.Policy{Name: "echo", Default: bgp.Accept}
			}
			s.Import = first(s.Import, mark)
			found[m.From] = true
		case m.To:
			s.Export = first(s.Export, bgp.Term{Name: "echo", Match: bgp.Match{CommunitiesAny: []bgp.Community{echoed}}, Action: bgp.Accept})
			found[m.To] = true
		}
	}
	for _, name := range []string{m.From, m.To} {
		if found[name] {
			continue
		}
		if m.Site == "" {
			return fmt.Errorf("no router has a session with circuit %s on private peering", name)
		}
		return fmt.Errorf("no router of site %s has a session with circuit %s on private peering", m.Site, name)
	}
	return nil
}

// sessionsNamed are the sessions of a name, which routers of both ends may have.
func sessionsNamed(d *design.Design, name string) ([]*design.Session, error) {
	var out []*design.Session
	var names []string
	for _, r := range routersOf(d, "") {
		for i := range r.Sessions {
			if r.Sessions[i].Name == name {
				out = append(out, &r.Sessions[i])
			}
			names = append(names, r.Sessions[i].Name)
		}
	}
	if out == nil {
		return nil, unknownName("session", name, names)
	}
	return out, nil
}

func sessionFilter(d *design.Design, m Misdeed) error {
	list, err := sessionsNamed(d, m.Session)
	if err != nil {
		return err
	}
	if !m.Prefix.IsValid() {
		return fmt.Errorf("a filter with or without a prefix: which one? Of session %s", m.Session)
	}
	for _, s := range list {
		policy, what := &s.Export, "announces"
		if m.Import {
			policy, what = &s.Import, "takes"
		}
		if *policy == nil {
			return fmt.Errorf("session %s has no filter: it %s everything", m.Session, what)
		}
		if m.Kind == FilterWith {
			*policy = first(*policy, bgp.Term{Name: "misdeed", Match: bgp.Match{Prefixes: []bgp.PrefixRule{{Prefix: m.Prefix.Masked()}}}, Action: bgp.Accept})
			continue
		}
		if *policy, err = without(*policy, m.Prefix, m.Session); err != nil {
			return err
		}
	}
	return nil
}

// without is a policy whose terms do not name a prefix. A term that named it alone goes, as it would match everything.
func without(p *bgp.Policy, prefix netip.Prefix, session string) (*bgp.Policy, error) {
	q := *p
	q.Terms = nil
	var names []string
	found := false
	for _, t := range p.Terms {
		had := len(t.Match.Prefixes) > 0
		t.Match.Prefixes = slices.DeleteFunc(slices.Clone(t.Match.Prefixes), func(r bgp.PrefixRule) bool {
			names = append(names, r.Prefix.String())
			found = found || r.Prefix == prefix
			return r.Prefix == prefix
		})
		if !had || len(t.Match.Prefixes) > 0 {
			q.Terms = append(q.Terms, t)
		}
	}
	if !found {
		return nil, unknownName("prefix in the filter of session "+session, prefix.String(), names)
	}
	return &q, nil
}

func routeFilter(d *design.Design, m Misdeed) error {
	var filter *azure.RouteFilter
	var names []string
	for _, x := range azure.Of[*azure.RouteFilter](d.Resources) {
		names = append(names, x.Name)
		if x.Name == m.Filter {
			filter = x
		}
	}
	if filter == nil {
		return unknownName("route filter", m.Filter, names)
	}
	if m.Kind == FilterWith {
		if _, err := bgp.ParseCommunity(m.Community); err != nil {
			return fmt.Errorf("community %q of route filter %s: %w", m.Community, m.Filter, err)
		}
		filter.Properties.Rules = append(filter.Properties.Rules, azure.RouteFilterRule{Name: "misdeed",
			Properties: azure.RouteFilterRuleProperties{Access: "Allow", RouteFilterRuleType: "Community", Communities: []string{m.Community}}})
		return nil
	}
	found := false
	var values []string
	for i := range filter.Properties.Rules {
		r := &filter.Properties.Rules[i].Properties
		r.Communities = slices.DeleteFunc(r.Communities, func(c string) bool {
			values = append(values, c)
			found = found || c == m.Community
			return c == m.Community
		})
	}
	if !found {
		return unknownName("community in route filter "+m.Filter, m.Community, values)
	}
	return nil
}

func bfdOff(d *design.Design, m Misdeed) error {
	list, err := sessionsNamed(d, m.Session)
	if err != nil {
		return err
	}
	for _, s := range list {
		if s.BFDMilliseconds == 0 {
			return fmt.Errorf("session %s has no BFD", m.Session)
		}
		s.BFDMilliseconds, s.BFDMultiplier = 0, 0
	}
	return nil
}

// crowd lets a site announce addresses of its own.
func crowd(d *design.Design, m Misdeed) error {
	x, err := siteOf(d, m.Site)
	if err != nil {
		return err
	}
	base := m.Prefix
	if !base.IsValid() {
		for _, p := range x.Prefixes {
			if p.Addr().Is4() && (!base.IsValid() || p.Bits() < base.Bits()) {
				base = p
			}
		}
	}
	if !base.IsValid() {
		return fmt.Errorf("site %s has no IPv4 prefix: name one of which it announces addresses", m.Site)
	}
	base = base.Masked()
	whole := base.Addr().BitLen()
	if m.Count <= 0 || whole-base.Bits() < 31 && m.Count > 1<<(whole-base.Bits()) {
		return fmt.Errorf("%d prefixes of %s of site %s: want 1 to the number of its addresses", m.Count, base, m.Site)
	}
	a := base.Addr()
	for range m.Count {
		if p := netip.PrefixFrom(a, whole); !slices.Contains(x.Prefixes, p) {
			x.Prefixes = append(x.Prefixes, p)
		}
		a = a.Next()
	}
	for _, s := range privateSessions(d, m.Site) {
		s.Export = first(s.Export, bgp.Term{Name: "too-many", Match: bgp.Match{Prefixes: []bgp.PrefixRule{{Prefix: base, GE: whole}}}, Action: bgp.Accept})
	}
	return nil
}
