package check

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"onramp/azure"
	"onramp/bgp"
)

// noMicrosoftPeering is why what belongs to Microsoft peering is not needed.
const noMicrosoftPeering = "no circuit of the design has Microsoft peering"

// addresses and AS numbers are free, and belong to whom they must.
func (l *checklist) addresses() {
	const area = "addresses"
	p := Prerequisite{ID: "no-overlap", Area: area, Text: "No address space of the premises and the networks overlaps another", NeededBecause: "routes of all of them meet",
		State: Decided, How: "no two prefixes of the design do; those that you use and did not write down, only you know", Source: l.source("route-no-overlap")}
	if n := l.breaches((*checker).overlaps, "route-no-overlap"); n > 0 {
		p.State, p.How = Person, "onramp check finds "+some(n, "overlap")
	}
	l.add(p)

	var private, public []string // circuits
	var links []string
	for _, x := range l.k.eachLink() {
		if x.p.Properties.PeeringType == microsoftPeering {
			public = append(public, x.text)
		} else {
			private = append(private, x.c.Name)
			links = append(links, x.text)
		}
	}
	p = Prerequisite{ID: "link-subnets", Area: area, Text: "Each link of private peering has a subnet of its own that nothing else uses", Source: l.source("peering-subnet-unique")}
	if len(links) == 0 {
		p.State, p.How = NotNeeded, "no circuit of the design has private peering with addresses of yours"
	} else {
		p.State, p.NeededBecause, p.How = Decided, "private peering of "+names(private), "the design gives out "+inOrder(links)
		if n := l.breaches((*checker).linkSubnets, "peering-subnet-unique") + l.breaches((*checker).linkSubnets, "peering-subnet-no-vnet-overlap"); n > 0 {
			p.State, p.How = Person, "onramp check finds "+some(n, "overlap")
		}
	}
	l.add(p)

	because := ""
	if len(public) > 0 {
		because = inOrder(public) + " stand on the links of Microsoft peering"
	}
	l.needed(Prerequisite{ID: "public-link-subnets", Area: area, Text: "The link subnets of Microsoft peering are public addresses that you or your provider own, apart from those that translation uses",
		How: "look them up in the registry", Source: l.source("ms-peering-link-subnet-not-nat")}, because, noMicrosoftPeering)

	var announced []string
	numbers := map[bgp.ASN]bool{}
	for _, x := range l.public {
		if cfg := x.p.Properties.MicrosoftPeeringConfig; cfg != nil {
			announced = append(announced, cfg.AdvertisedPublicPrefixes...)
		}
		if six := x.p.Properties.IPv6PeeringConfig; six != nil && six.MicrosoftPeeringConfig != nil {
			announced = append(announced, six.MicrosoftPeeringConfig.AdvertisedPublicPrefixes...)
		}
		numbers[bgp.ASN(x.p.Properties.PeerASN)] = true
	}
	because, how := "", "record them with your registry (RIR or IRR); otherwise Microsoft validates them by hand"
	if len(l.public) > 0 {
		because = "Microsoft peering announces " + names(announced) + " from AS " + asns(numbers)
		for n := range numbers {
			if n.IsPrivate() {
				how = "AS " + n.String() + " is private: Microsoft validates it by hand and strips it from paths; or use a public AS of your own"
			}
		}
	}
	l.needed(Prerequisite{ID: "registry", Area: area, Text: "The public prefixes and the AS number of Microsoft peering stand under your name in a routing registry", How: how, Source: l.source("ms-peering-registry")},
		because, noMicrosoftPeering)

	owned := map[bgp.ASN]bool{}
	all := map[bgp.ASN]bool{}
	for _, e := range l.k.ends {
		all[e.router.ASN] = true
		if !e.router.ASN.IsPrivate() {
			owned[e.router.ASN] = true
		}
	}
	p = Prerequisite{ID: "as-numbers", Area: area, Text: "An AS number that is not private belongs to you or to your provider", Source: routingDocument}
	if len(owned) > 0 {
		p.State, p.NeededBecause, p.How = Person, "routers peer from AS "+asns(owned), "look it up in the registry"
	} else {
		p.State, p.NeededBecause, p.How = Decided, "routers peer from AS "+asns(all), "private numbers, which nobody owns"
	}
	l.add(p)
}

// inOrder lists prefixes by address.
func inOrder(list []string) string {
	parsed := prefixes(list)
	slices.SortFunc(parsed, netip.Prefix.Compare)
	var out []string
	for _, p := range slices.Compact(parsed) {
		out = append(out, p.String())
	}
	const most = 8
	if len(out) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(out[:most], ", "), len(out)-most)
	}
	return strings.Join(out, ", ")
}

// asns lists AS numbers in order.
func asns(set map[bgp.ASN]bool) string {
	var list []bgp.ASN
	for n := range set {
		list = append(list, n)
	}
	slices.Sort(list)
	var out []string
	for _, n := range list {
		out = append(out, n.String())
	}
	return strings.Join(out, ", ")
}

// microsoft365 is what Microsoft must authorise by hand.
func (l *checklist) microsoft365() {
	const area = "microsoft365"
	service := map[string]string{}
	for _, s := range l.k.c.Services() {
		if s.AuthorizationRequired {
			service[s.Community] = s.Service
		}
	}
	var let []string
	with := map[string]bool{} // circuits, by id key
	for _, x := range l.public {
		if x.p.Properties.RouteFilter == nil {
			continue
		}
		f, _ := l.k.d.Resources.Get(x.p.Properties.RouteFilter.ID).(*azure.RouteFilter)
		if f == nil {
			continue
		}
		for i := range f.Properties.Rules {
			for _, community := range f.Properties.Rules[i].Properties.Communities {
				if s, ok := service[community]; ok {
					let, with[x.c.ID.Key()] = append(let, s), true
				}
			}
		}
	}
	because := ""
	if len(let) > 0 {
		because = "a route filter lets in " + names(let)
	}
	const otherwise = "no route filter lets in a service of Microsoft 365"
	l.needed(Prerequisite{ID: "microsoft365-authorisation", Area: area, Text: "Microsoft has authorised the use of ExpressRoute for Microsoft 365", How: "ask Microsoft for it before the route filter is attached",
		Source: l.source("o365-authorisation")}, because, otherwise)
	l.needed(Prerequisite{ID: "microsoft365-internet", Area: area, Text: "The premises keep their internet access", How: "part of Microsoft 365 is reached there only", Source: l.source("o365-internet-still-needed")}, because, otherwise)
	for _, g := range l.byProvider() {
		var on []*azure.ExpressRouteCircuit
		for _, c := range g.circuits {
			if with[c.ID.Key()] {
				on = append(on, c)
			}
		}
		if len(on) == 0 {
			continue
		}
		p := Prerequisite{ID: "microsoft365-provider:" + g.key(), Area: area, Text: g.provider + " carries Microsoft 365 at " + g.location, NeededBecause: circuitNames(on), State: Person, How: notPublished, Source: locationsDocument}
		for _, o := range l.k.c.ProvidersAt(g.location) {
			switch {
			case o.Provider != g.provider || !o.ServicesKnown:
			case o.Microsoft365:
				p.State, p.How = Decided, "listed so"
			default:
				p.How = "the catalogue lists it without: choose another provider or location"
			}
		}
		l.add(p)
	}
}

// direct is what ExpressRoute Direct asks for: enrolment, ports, letters of authorisation.
func (l *checklist) direct() {
	const area = "direct"
	const otherwise = "the design has no ExpressRoute Direct ports"
	var subscriptions, all, large, unlisted, encapsulation []string
	for _, p := range l.ports {
		all = append(all, p.Name)
		if id, err := azure.ParseID(string(p.ID)); err == nil {
			subscriptions = append(subscriptions, id.Subscription)
		}
		if p.Properties.BandwidthInGbps >= 400 {
			large = append(large, p.Name)
		}
		if at, ok := l.k.c.Location(p.Properties.PeeringLocation); !ok || !at.Direct {
			unlisted = append(unlisted, p.Properties.PeeringLocation)
		}
		encapsulation = append(encapsulation, p.Properties.Encapsulation+" on "+p.Name)
	}
	because := func(s string) string {
		if len(all) == 0 {
			return ""
		}
		return s
	}
	l.needed(Prerequisite{ID: "direct-enrol", Area: area, Text: "The feature AllowExpressRoutePorts is registered", How: "register it in each of these subscriptions", Source: l.source("direct-enrol")},
		because("ports are ordered in "+names(subscriptions)), otherwise)
	if len(large) > 0 {
		l.add(Prerequisite{ID: "direct-enrol-400", Area: area, Text: "The enrolment for 400 Gbps ports is granted", NeededBecause: names(large), State: Person, How: "it is separate from the feature: ask Microsoft", Source: l.source("direct-enrol")})
	}
	p := Prerequisite{ID: "direct-location", Area: area, Text: "The peering location offers ExpressRoute Direct", State: Decided, How: "the catalogue lists it for Direct", Source: l.source("direct-location-supported")}
	switch {
	case len(all) == 0:
		p.State, p.How = NotNeeded, otherwise
	case len(unlisted) > 0:
		p.State, p.NeededBecause, p.How = Person, names(all), "the catalogue does not list Direct at "+names(unlisted)+": choose another location"
	default:
		p.NeededBecause = names(all)
	}
	l.add(p)
	l.needed(Prerequisite{ID: "direct-loa", Area: area, Text: "The port pair is reserved, and both ports are cross-connected under a letter of authorisation (LOA)",
		How: "reserve the pair, fetch the letter, order two cross-connects at the facility; ports are charged from the first enabled link, or 45 days after creation", Source: directDocument}, because(names(all)), otherwise)
	l.needed(Prerequisite{ID: "direct-optics", Area: area, Text: "The routers have single-mode LR optics of the port's speed, and no bundle (LACP) over the pair", How: "order optics with the cross-connects", Source: l.source("direct-optics")},
		because(names(all)), otherwise)
	p = Prerequisite{ID: "direct-encapsulation", Area: area, Text: "The encapsulation is chosen, for it cannot be changed later", State: Decided, NeededBecause: names(all), How: names(encapsulation), Source: l.source("direct-encapsulation-fixed")}
	if len(all) == 0 {
		p.State, p.How = NotNeeded, otherwise
	}
	l.add(p)
}

// routers are redundant, on both halves of every circuit.
func (l *checklist) routers() {
	const area = "routers"
	p := Prerequisite{ID: "two-sessions", Area: area, Text: "Both links of each peering have a BGP session", NeededBecause: "without the second the service level agreement is void", State: Decided,
		How: "the design has both", Source: l.source("peering-two-sessions")}
	if n := l.breaches((*checker).sessions, "peering-two-sessions"); n > 0 {
		p.State, p.How = Person, "onramp check finds "+some(n, "peering")+" without"
	}
	l.add(p)
	p = Prerequisite{ID: "two-routers", Area: area, Text: "The two links of a circuit end on different routers", NeededBecause: "maintenance or loss of a router must not take both links", State: Decided,
		How: "each circuit's sessions are on two routers", Source: l.source("res-dual-ce")}
	if n := l.breaches((*checker).separateRouters, "res-dual-ce"); n > 0 {
		p.State, p.How = Person, "onramp check finds "+some(n, "circuit")+" with both links on one router: add a router, or accept it"
	}
	l.add(p)

	var places, circuits []string
	for _, c := range l.k.circuitsAll {
		places = append(places, l.k.locationOf(c))
		circuits = append(circuits, c.Name)
	}
	slices.Sort(places)
	places = slices.Compact(places)
	p = Prerequisite{ID: "two-locations", Area: area, Text: "Production has circuits at two peering locations", NeededBecause: names(circuits), State: Decided, How: "circuits at " + names(places), Source: l.source("res-two-locations")}
	if len(places) < 2 {
		p.State, p.How = Person, "all circuits are at "+names(places)+": add a second location, or accept that its failure cuts everybody off"
		if at, ok := l.k.c.Location(names(places)); ok && at.Kind == "metro" {
			p.How = at.Name + " is two sites of one city: add a location elsewhere, or accept that what strikes the city cuts everybody off"
		}
	}
	l.add(p)

	var far []string
	for i := range l.k.d.Premises.Attachments {
		if a := &l.k.d.Premises.Attachments[i]; a.Number == 1 {
			far = append(far, a.Site+" to "+a.Location+" ("+cmp.Or(a.Provider, "Direct")+")")
		}
	}
	l.needed(Prerequisite{ID: "diverse-paths", Area: area, Text: "The two attachments of a site to a peering location take diverse paths, through your own building and through the provider's network",
		How: "ask each provider for its routes in writing", Source: l.source("res-onprem-redundancy")}, names(far), "the design has no attachments")

	var routers, bfd []string
	for _, e := range l.k.ends {
		routers = append(routers, e.router.Name)
		if e.s.BFDMilliseconds > 0 {
			bfd = append(bfd, e.router.Name)
		}
	}
	because := "sessions with Microsoft on " + names(routers)
	if len(routers) == 0 {
		because = ""
	} else if len(bfd) > 0 {
		because += ", with BFD on " + names(bfd)
	}
	l.needed(Prerequisite{ID: "router-features", Area: area, Text: "The edge routers speak BGP, BFD and 802.1Q, two tags where the order says so", How: "see the peering sheet for each session's values", Source: l.source("res-bfd")},
		because, "the design has no router with sessions to Microsoft")
}

// translation is NAT, which private sources need on Microsoft peering.
func (l *checklist) translation() {
	const area = "nat"
	var on []string
	for _, x := range l.public {
		on = append(on, x.c.Name)
	}
	because := ""
	if len(on) > 0 {
		because = "Microsoft peering on " + names(on) + " takes public sources only"
	}
	l.needed(Prerequisite{ID: "nat-outbound", Area: area, Text: "Private sources are translated to registered public addresses before they enter Microsoft peering", How: "translate before the split to both links, so that the pool survives the loss of one",
		Source: l.source("nat-snat-outbound")}, because, noMicrosoftPeering)
	l.needed(Prerequisite{ID: "nat-pool", Area: area, Text: "The pool that translation uses is not announced to the internet", How: "give it a range of its own", Source: l.source("nat-pool-not-on-internet")}, because, noMicrosoftPeering)
	l.needed(Prerequisite{ID: "nat-inbound", Area: area, Text: "What Microsoft sends in is translated at the internet edge, so that replies return the same way", How: "only where servers of yours are called by Microsoft's services",
		Source: l.source("nat-snat-inbound-edge")}, because, noMicrosoftPeering)
}

// leadTimes are how long the orders take: no provider's is published.
func (l *checklist) leadTimes() {
	const area = "lead-times"
	for _, g := range l.byProvider() {
		l.add(Prerequisite{ID: "lead-time:" + g.key(), Area: area, Text: "The time from the order to " + g.provider + " at " + g.location + " to Provisioned is known", NeededBecause: circuitNames(g.circuits),
			State: Person, How: notPublished, Source: locationsDocument})
	}
	for _, p := range l.ports {
		l.add(Prerequisite{ID: "lead-time:" + p.Name, Area: area, Text: "The time from the reservation of " + p.Name + " to both cross-connects at " + p.Properties.PeeringLocation + " is known", NeededBecause: circuitNames(l.onPorts),
			State: Person, How: "not published; ask Microsoft for the ports and the facility for the cross-connects", Source: directDocument})
	}
}

// tags are the VLANs, to be agreed with whoever carries the links.
func (l *checklist) tags() {
	const area = "vlans"
	text := func(c *azure.ExpressRouteCircuit) string {
		var out []string
		for i := range c.Properties.Peerings {
			p := &c.Properties.Peerings[i]
			kind := "private"
			if p.Properties.PeeringType == microsoftPeering {
				kind = "Microsoft"
			}
			out = append(out, fmt.Sprintf("%d %s", p.Properties.VLANID, kind))
		}
		return c.Name + ": " + strings.Join(out, ", ")
	}
	model := map[string]string{} // by circuit
	for i := range l.k.d.Orders {
		model[l.k.d.Orders[i].Circuit.Key()] = l.k.d.Orders[i].Model
	}
	for _, g := range l.byProvider() {
		var tags []string
		managed := false // a layer 3 provider runs the peering itself
		for _, c := range g.circuits {
			tags = append(tags, text(c))
			managed = managed || strings.EqualFold(model[c.ID.Key()], "ip-vpn")
		}
		how, source := "write them into the order; the same on both links, and another for each peering of a circuit", "peering-vlan-match"
		if managed {
			how, source = "this provider runs the peering: have it confirm VLAN, AS number and subnets instead of setting them", "peering-l3-provider"
		}
		l.add(Prerequisite{ID: "vlans:" + g.key(), Area: area, Text: "The VLANs are agreed with " + g.provider + " at " + g.location, NeededBecause: joined(tags), State: Person, How: how, Source: l.source(source)})
	}
	for _, port := range l.ports {
		var tags, twice []string
		for _, c := range l.onPorts {
			if c.Properties.ExpressRoutePort.ID.Equal(port.ID) {
				tags = append(tags, text(c))
				twice = append(twice, c.Name)
			}
		}
		p := Prerequisite{ID: "vlans:" + port.Name, Area: area, Text: "Every VLAN on " + port.Name + " is used once", NeededBecause: joined(tags), State: Decided, How: "the ports carry nothing but the design's circuits", Source: l.source("direct-dot1q-unique-vlan")}
		switch {
		case strings.EqualFold(port.Properties.Encapsulation, "QinQ"):
			p.State, p.Source = Person, l.source("direct-qinq-stag")
			p.Text, p.How = "The outer tag of each circuit on "+port.Name+" stands on both routers", "Microsoft assigns it when the circuit is made: read it from "+names(twice)
		case l.breaches((*checker).directPorts, "direct-dot1q-unique-vlan") > 0:
			p.State, p.How = Person, "onramp check lists those that are used twice"
		}
		l.add(p)
	}
}

// joined writes a list of which each part has commas of its own; beyond six it counts the rest.
func joined(list []string) string {
	const most = 6
	if len(list) > most {
		return fmt.Sprintf("%s; and %d more", strings.Join(list[:most], "; "), len(list)-most)
	}
	return strings.Join(list, "; ")
}

// voice is what quality of service asks of the routers.
func (l *checklist) voice() {
	because := ""
	if in := l.k.d.Intent; in != nil {
		var who []string
		for i := range in.LinesOfBusiness {
			if in.LinesOfBusiness[i].Needs.Voice {
				who = append(who, in.LinesOfBusiness[i].Name)
			}
		}
		if len(who) > 0 {
			because = "voice of " + names(who)
		}
	}
	l.needed(Prerequisite{ID: "voice-queues", Area: "voice", Text: "The routers give voice a queue of its own (EF) and set every DSCP that is not listed to 0 towards Microsoft", How: "onramp catalog qos lists the classes",
		Source: l.source("qos-voice-queue")}, because, "nobody asks for voice")
}

// Left tells how many prerequisites of a list a person has still to tick.
func Left(list []Prerequisite) int {
	n := 0
	for i := range list {
		if list[i].State == Person {
			n++
		}
	}
	return n
}
