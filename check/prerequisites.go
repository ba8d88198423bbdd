package check

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"path"
	"slices"
	"strings"

	"onramp/azure"
	"onramp/catalog"
	"onramp/design"
)

// PrerequisiteState says who has the last word on a prerequisite.
type PrerequisiteState string

// The states of a prerequisite.
const (
	// Decided prerequisites are answered by the design and the catalogue; How says with what.
	Decided PrerequisiteState = "decided"
	// Person prerequisites are outside of any design: only a person can tick them; How says what there is to do.
	Person PrerequisiteState = "person"
	// NotNeeded prerequisites are listed so that nobody wonders; How says why this estate does without.
	NotNeeded PrerequisiteState = "not-needed"
)

// Prerequisite is something that must be true before the first resource is made.
type Prerequisite struct {
	// ID is short and stable; one that is asked of several things carries the thing, as in "lead-time:Equinix@Toronto".
	ID   string `json:"id"`
	Area string `json:"area"`
	// Text is what must be true.
	Text string `json:"text"`
	// NeededBecause is what of this estate needs it; empty for what is not needed.
	NeededBecause string            `json:"neededBecause"`
	State         PrerequisiteState `json:"state" enum:"decided,person,not-needed"`
	How           string            `json:"how"`
	Source        string            `json:"source"`
}

// notPublished stands where neither Microsoft nor a provider publishes how long something takes.
const notPublished = "not published; ask the provider"

// The documents of prerequisites that no rule of the catalogue states.
const (
	directDocument    = "expressroute-erdirect-about.md"
	routingDocument   = "expressroute-routing.md"
	locationsDocument = "expressroute-locations-providers.md"
)

// Prerequisites lists what must be true before the design is deployed, area by area: what the design answers already, what
// only a person can tick, and what this estate does not need. It finds no faults; Check does.
func Prerequisites(d *design.Design, c *catalog.Catalog) []Prerequisite {
	l := &checklist{k: newChecker(d, c), out: []Prerequisite{}}
	for _, x := range l.k.circuitsAll {
		if x.Properties.ExpressRoutePort != nil {
			l.onPorts = append(l.onPorts, x)
		} else {
			l.onProviders = append(l.onProviders, x)
		}
		for i := range x.Properties.Peerings {
			if x.Properties.Peerings[i].Properties.PeeringType == microsoftPeering {
				l.public = append(l.public, publicPeering{x, &x.Properties.Peerings[i]})
			}
		}
	}
	l.ports = azure.Of[*azure.ExpressRoutePort](d.Resources)
	l.permissions()
	l.subscriptions()
	l.providers()
	l.quotas()
	l.addresses()
	l.microsoft365()
	l.direct()
	l.routers()
	l.translation()
	l.leadTimes()
	l.tags()
	l.voice()
	return l.out
}

// checklist gathers prerequisites in the order in which they are read.
type checklist struct {
	k           *checker
	onProviders []*azure.ExpressRouteCircuit
	onPorts     []*azure.ExpressRouteCircuit
	ports       []*azure.ExpressRoutePort
	public      []publicPeering
	out         []Prerequisite
}

// publicPeering is a Microsoft peering with its circuit.
type publicPeering struct {
	c *azure.ExpressRouteCircuit
	p *azure.Peering
}

func (l *checklist) add(p Prerequisite) { l.out = append(l.out, p) }

// source is the document of a published rule.
func (l *checklist) source(rule string) string {
	r, _ := l.k.c.Rule(rule)
	return r.SourceFile
}

// needed adds a prerequisite that only a person can tick, or that is not needed when nothing asks for it.
func (l *checklist) needed(p Prerequisite, because, otherwise string) {
	if because == "" {
		p.State, p.How = NotNeeded, otherwise
	} else {
		p.State, p.NeededBecause = Person, because
	}
	l.add(p)
}

// names joins names, without repeats and in order; beyond eight it counts the rest.
func names(list []string) string {
	list = slices.Clone(list)
	slices.Sort(list)
	list = slices.Compact(list)
	const most = 8
	if len(list) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(list[:most], ", "), len(list)-most)
	}
	return strings.Join(list, ", ")
}

func circuitNames(list []*azure.ExpressRouteCircuit) string {
	var out []string
	for _, c := range list {
		out = append(out, c.Name)
	}
	return names(out)
}

// some is a count with its noun.
func some(n int, noun string) string {
	if n != 1 {
		if strings.HasSuffix(noun, "y") {
			noun = strings.TrimSuffix(noun, "y") + "ie"
		}
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}

// subscriptionsOf are the subscriptions of resources for which keep holds, sorted.
func (l *checklist) subscriptionsOf(keep func(azure.Resource) bool) []string {
	var out []string
	for _, r := range l.k.d.Resources {
		if p, err := azure.ParseID(string(r.Head().ID)); err == nil && p.Subscription != "" && keep(r) {
			out = append(out, p.Subscription)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func isNetwork(r azure.Resource) bool {
	return strings.HasPrefix(strings.ToLower(r.Head().Type), "microsoft.network/")
}

// wanted are the actions that a deployment of the design takes, by what they make.
func (l *checklist) wanted() (actions []string) {
	kinds := map[string]bool{}
	for _, r := range l.k.d.Resources {
		kinds[strings.ToLower(r.Head().Type)] = true
	}
	if len(l.subscriptionsOf(isNetwork)) > 0 {
		actions = append(actions, "Microsoft.Network/virtualNetworks/write")
	}
	for _, x := range []struct{ kind, action string }{
		{"Microsoft.Resources/resourceGroups", "Microsoft.Resources/subscriptions/resourceGroups/write"},
		{"Microsoft.Authorization/roleAssignments", "Microsoft.Authorization/roleAssignments/write"},
		{"Microsoft.Authorization/roleDefinitions", "Microsoft.Authorization/roleDefinitions/write"},
	} {
		if kinds[strings.ToLower(x.kind)] {
			actions = append(actions, x.action)
		}
	}
	return actions
}

// allows tells whether a built-in role allows an action.
func allows(r catalog.Role, action string) bool {
	covers := func(list []string) bool {
		return slices.ContainsFunc(list, func(p string) bool {
			// In a role * stands for any text, slashes too; path.Match stops at a slash, so that they are folded first.
			fold := func(s string) string { return strings.ReplaceAll(strings.ToLower(s), "/", "|") }
			ok, err := path.Match(fold(p), fold(action))
			return ok && err == nil
		})
	}
	return covers(r.Actions) && !covers(r.NotActions)
}

// permissions are the roles of whoever deploys, and of those who run the estate afterwards.
func (l *checklist) permissions() {
	const area = "permissions"
	// From the narrowest to the widest: the first that allows an action is the one to ask for.
	ladder := []string{"Network Contributor", "Role Based Access Control Administrator", "User Access Administrator", "Contributor", "Owner"}
	var roles []catalog.Role
	for _, a := range l.wanted() {
		for _, name := range ladder {
			if r, ok := l.k.c.Role(name); ok && allows(r, a) {
				roles = append(roles, r)
				break
			}
		}
	}
	// An action is written to the widest role that has to be asked for anyway, so that no role is asked for that another contains.
	slices.SortFunc(roles, func(a, b catalog.Role) int { return slices.Index(ladder, b.Name) - slices.Index(ladder, a.Name) })
	reasons := map[string][]string{}
	for _, a := range l.wanted() {
		if i := slices.IndexFunc(roles, func(r catalog.Role) bool { return allows(r, a) }); i >= 0 {
			reasons[roles[i].Name] = append(reasons[roles[i].Name], a)
		}
	}
	all := l.subscriptionsOf(func(azure.Resource) bool { return true })
	for _, name := range ladder {
		if len(reasons[name]) == 0 {
			continue
		}
		r, _ := l.k.c.Role(name)
		l.add(Prerequisite{ID: "role:" + name, Area: area, Text: "Whoever deploys holds " + name + ", or a role that allows as much, in " + names(all),
			NeededBecause: "the deployment needs " + strings.Join(reasons[name], ", "), State: Person, How: "grant it for the time of the deployment", Source: r.Source.Text})
	}
	var groups []string
	for _, a := range azure.Of[*azure.RoleAssignment](l.k.d.Resources) {
		if p := a.Properties.PrincipalID; strings.HasPrefix(p, "<") {
			groups = append(groups, strings.TrimSuffix(strings.TrimPrefix(p, "<object id of "), ">"))
		}
	}
	because := ""
	if len(groups) > 0 {
		because = "the role assignments name " + names(groups) + ", and a design cannot know their object ids"
	}
	l.needed(Prerequisite{ID: "groups", Area: area, Text: "The groups of people who run networks and circuits exist, and their object ids stand in the role assignments", How: "create the groups and put in their object ids",
		Source: l.source("sec-rbac")}, because, "no role assignment of the design waits for an object id")

	p := Prerequisite{ID: "authorizations", Area: area, Text: "Each link from another subscription than the circuit's has an authorization", Source: l.source("circuit-authorization-per-link")}
	far := 0
	for _, x := range l.k.links {
		if x.Properties.Peer == nil {
			continue
		}
		here, err1 := azure.ParseID(string(x.ID))
		there, err2 := azure.ParseID(string(x.Properties.Peer.ID))
		if err1 == nil && err2 == nil && !strings.EqualFold(here.Subscription, there.Subscription) {
			far++
		}
	}
	switch bad := l.breaches((*checker).authorizations, "circuit-authorization-per-link"); {
	case far == 0:
		p.State, p.How = NotNeeded, "every link is in its circuit's subscription"
	case bad > 0:
		p.State, p.NeededBecause = Person, some(far, "link")+" from another subscription"
		p.How = fmt.Sprintf("%d of them have none or share one: onramp check lists them", bad)
	default:
		p.State, p.NeededBecause, p.How = Decided, some(far, "link")+" from another subscription", "the design makes one for each"
	}
	l.add(p)
}

// breaches counts what a check finds against a rule.
func (l *checklist) breaches(run func(*checker), rule string) int {
	k := newChecker(l.k.d, l.k.c)
	run(k)
	n := 0
	for _, f := range k.found {
		if f.Rule == rule {
			n++
		}
	}
	return n
}

// isGUID tells a subscription's id from a name that stands for one.
func isGUID(s string) bool {
	b, err := hex.DecodeString(strings.ReplaceAll(s, "-", ""))
	return err == nil && len(b) == 16
}

// subscriptions exist, under their ids, with the network resource provider registered.
func (l *checklist) subscriptions() {
	const area = "subscriptions"
	all := l.subscriptionsOf(func(azure.Resource) bool { return true })
	named := slices.DeleteFunc(slices.Clone(all), isGUID)
	p := Prerequisite{ID: "subscriptions", Area: area, Text: "An active Azure subscription for everyone who pays", NeededBecause: "the design has resources in " + names(all),
		State: Decided, How: "the design names each by its id", Source: "expressroute-prerequisites.md"}
	if len(named) > 0 {
		p.State, p.How = Person, "these are names, not ids: create the subscriptions and put their ids into the intent in place of "+names(named)
	}
	l.add(p)
	l.add(Prerequisite{ID: "register-provider", Area: area, Text: "Microsoft.Network is registered as a resource provider", NeededBecause: "network resources in " + names(l.subscriptionsOf(isNetwork)),
		State: Person, How: "register it in each of them", Source: l.source("circuit-register-provider")})
}

// providers are listed where the design orders from them, and ready before a circuit is made.
func (l *checklist) providers() {
	const area = "providers"
	if len(l.onProviders) == 0 {
		l.add(Prerequisite{ID: "provider-at-location", Area: area, Text: "The provider is at the peering location", State: NotNeeded, How: "every circuit is on ExpressRoute Direct ports", Source: l.source("circuit-provider-at-location")})
	}
	for _, g := range l.byProvider() {
		p := Prerequisite{ID: "provider-at-location:" + g.key(), Area: area, Text: g.provider + " is at peering location " + g.location, NeededBecause: "it carries " + circuitNames(g.circuits),
			State: Person, How: "the catalogue does not list it there: ask it, or choose another", Source: l.source("circuit-provider-at-location")}
		for _, o := range l.k.c.ProvidersAt(g.location) {
			if o.Provider != g.provider || p.State == Decided {
				continue
			}
			p.Source = locationsDocument
			switch {
			case o.Status == "future":
				p.How = "the catalogue lists it there for the future only: ask it when"
			case o.Exchange != "":
				p.State, p.How = Decided, "listed there, through "+o.Exchange
			default:
				p.State, p.How = Decided, "listed there"
			}
		}
		l.add(p)
	}
	because := ""
	if len(l.onProviders) > 0 {
		because = "charging for " + circuitNames(l.onProviders) + " begins the moment a service key exists"
	}
	l.needed(Prerequisite{ID: "provider-ready", Area: area, Text: "The provider can provision the bandwidth at the site before the circuit is created", How: "ask for the order's date first, create the circuit then",
		Source: l.source("circuit-order-when-provider-ready")}, because, "no circuit is on a provider's network")
}

// providerPlace is one provider at one peering location, with the circuits that it carries there.
type providerPlace struct {
	provider, location string
	circuits           []*azure.ExpressRouteCircuit
}

func (p *providerPlace) key() string { return p.provider + "@" + p.location }

// byProvider groups the circuits that are not on Direct ports, by provider and location.
func (l *checklist) byProvider() []*providerPlace {
	var out []*providerPlace
	for _, c := range l.onProviders {
		sp := c.Properties.ServiceProviderProperties
		if sp == nil {
			continue
		}
		i := slices.IndexFunc(out, func(p *providerPlace) bool {
			return p.provider == sp.ServiceProviderName && p.location == sp.PeeringLocation
		})
		if i < 0 {
			i = len(out)
			out = append(out, &providerPlace{provider: sp.ServiceProviderName, location: sp.PeeringLocation})
		}
		out[i].circuits = append(out[i].circuits, c)
	}
	slices.SortFunc(out, func(a, b *providerPlace) int {
		return cmp.Or(strings.Compare(a.provider, b.provider), strings.Compare(a.location, b.location))
	})
	return out
}

// quotas hold the circuits of each subscription and region against what Azure grants unasked.
func (l *checklist) quotas() {
	limits := l.k.c.Limits()
	type place struct{ subscription, region string }
	perRegion, perSubscription := map[place]int{}, map[string]int{}
	for _, c := range l.k.circuitsAll {
		if id, err := azure.ParseID(string(c.ID)); err == nil {
			perRegion[place{id.Subscription, c.Location}]++
			perSubscription[id.Subscription]++
		}
	}
	var over []string
	most := 0
	for x, n := range perRegion {
		most = max(most, n)
		if n > limits.CircuitsPerRegion {
			over = append(over, fmt.Sprintf("%d in %s of %s", n, x.region, x.subscription))
		}
	}
	for s, n := range perSubscription {
		if n > limits.CircuitsPerSubscription {
			over = append(over, fmt.Sprintf("%d in %s", n, s))
		}
	}
	p := Prerequisite{ID: "circuit-quota", Area: "quotas", NeededBecause: some(len(l.k.circuitsAll), "circuit") + " in " + some(len(perSubscription), "subscription"), State: Decided,
		Text:   fmt.Sprintf("No more than %d circuits in one region of one subscription, and %d in one subscription", limits.CircuitsPerRegion, limits.CircuitsPerSubscription),
		How:    fmt.Sprintf("the design makes at most %d in one region of one subscription; add those that you have already", most),
		Source: l.source("circuit-region-quota")}
	if len(over) > 0 {
		p.State, p.How = Person, "have the quota raised by a support request: "+names(over)
	}
	l.add(p)
}
