package check

import (
	"fmt"
	"slices"
	"strings"

	"onramp/azure"
	"onramp/catalog"
	"onramp/design"
	"onramp/intent"
)

// resiliencyRules are about what is left when something fails. Where there is an intent, it says who must live through what.
func resiliencyRules() []ruleSet {
	return []ruleSet{
		{(*checker).twoLocations, []string{"res-two-locations", "res-standard-not-critical", "res-metro-minimum"}},
		{(*checker).metroProviders, []string{"res-metro-provider-active"}},
		{(*checker).diversity, []string{"res-diverse-providers", "res-second-location-same-geo", "res-ecmp-four"}},
		{(*checker).timers, []string{"res-bfd", "res-bgp-timers"}},
		{(*checker).providerSegment, []string{"res-onprem-redundancy"}},
		{(*checker).microsoftLocations, []string{"res-ms-peering-multi"}},
	}
}

// twoLocations finds gateways whose circuits are all at one peering location.
func (k *checker) twoLocations() {
	for _, f := range k.feeds() {
		at := k.locations(&f)
		if len(at) != 1 {
			continue
		}
		l, ok := k.c.Location(at[0])
		single := ok && !isMetro(l)
		must := k.mustSurvive(&f, intentCircuit, intentLocation)
		switch {
		case must && single && len(f.lines) == 1 && k.d.Intent != nil:
			k.say("res-standard-not-critical", string(f.g.ID), at[0], fmt.Sprintf("%s has one circuit, at one site, and somebody behind it must live through the loss of a circuit or a location", f.g.Name), "add a circuit at another peering location")
		case must && (single || k.d.Intent != nil):
			k.say("res-two-locations", string(f.g.ID), at[0], fmt.Sprintf("all circuits of %s are at %s", f.g.Name, at[0]), "add a circuit at another peering location")
		}
		if !single {
			continue
		}
		for _, x := range f.lines {
			if metro := k.metroFor(x.c, l); metro != "" {
				k.say("res-metro-minimum", string(x.c.ID), at[0], fmt.Sprintf("%s ends at one site; %s ends at two and costs the same", x.c.Name, metro), "order the circuit at "+metro)
			}
		}
	}
}

// The kinds of failure as an intent names them.
const (
	intentCircuit  = "circuit"
	intentLocation = "location"
	intentProvider = "provider"
)

// metroFor is the metro location of a location's city that the circuit's provider serves today, "" when there is none.
func (k *checker) metroFor(c *azure.ExpressRouteCircuit, l catalog.Location) string {
	for _, m := range k.c.Locations() {
		if !isMetro(m) || m.City != l.City || m.Country != l.Country || m.Cloud != l.Cloud {
			continue
		}
		if c.Properties.ServiceProviderProperties == nil {
			if m.Direct {
				return m.Name
			}
			continue
		}
		today := k.c.Provider(providerOf(c)).Name
		for _, o := range k.c.ProvidersAt(m.Name) {
			if today != "" && o.Provider == today && o.Status == "active" {
				return m.Name
			}
		}
	}
	return ""
}

// metroProviders finds circuits at a metro location of providers that are announced there and not there yet.
func (k *checker) metroProviders() {
	for _, c := range k.circuitsAll {
		l, ok := k.place(c)
		if !ok || !isMetro(l) || c.Properties.ServiceProviderProperties == nil {
			continue
		}
		today := or(k.c.Provider(providerOf(c)).Name, providerOf(c))
		var active []string
		announced := false
		for _, o := range k.c.ProvidersAt(l.Name) {
			if o.Status == "active" {
				active = append(active, o.Provider)
			}
			announced = announced || o.Status != "active" && strings.EqualFold(o.Provider, today)
		}
		if announced && !slices.Contains(active, today) {
			fix := "choose a single-site location until it is"
			if len(active) > 0 {
				fix = "choose one that is active there: " + strings.Join(active, ", ")
			}
			k.say("res-metro-provider-active", string(c.ID), today, fmt.Sprintf("%s is announced for %s and not active there", today, l.Name), fix)
		}
	}
}

// diversity looks at gateways with several circuits.
func (k *checker) diversity() {
	for _, f := range k.feeds() {
		if len(f.lines) < 2 {
			continue
		}
		var providers []string
		geos := map[string]bool{}
		var low *azure.ExpressRouteCircuit
		for _, l := range f.lines {
			providers = append(providers, providerOf(l.c))
			if p, ok := k.place(l.c); ok {
				geos[p.GeopoliticalRegion] = true
			}
			if !isTier(l.c, tierPremium) && !k.outOfRegion(&f, l.c) {
				low = l.c
			}
		}
		slices.Sort(providers)
		if providers = slices.Compact(providers); len(providers) == 1 && k.mustSurvive(&f, intentProvider) {
			k.say("res-diverse-providers", string(f.g.ID), providers[0], fmt.Sprintf("all circuits of %s are of %s", f.g.Name, providers[0]), "order one of them from another provider")
		}
		if len(geos) > 1 && low != nil {
			k.say("res-second-location-same-geo", string(low.ID), low.SKU.Tier, fmt.Sprintf("the circuits of %s are in different geopolitical regions (%s), and %s is %s", f.g.Name, strings.Join(sortedKeys(geos), ", "), low.Name, low.SKU.Tier),
				"put the circuits into one geopolitical region, or make both Premium")
		}
		if n, most := len(f.preferred()), k.c.Limits().ECMPCircuits; n > most {
			k.say("res-ecmp-four", string(f.g.ID), fmt.Sprint(n), fmt.Sprintf("%d circuits of %s have the same weight; %d share the load, and the others stand by", n, f.g.Name, most), fmt.Sprintf("give the %d that are to carry traffic the higher weight", most))
		}
	}
}

// outOfRegion tells whether a network behind the feed is out of a circuit's geopolitical region: circuit-standard-geo-bound.
func (k *checker) outOfRegion(f *feed, c *azure.ExpressRouteCircuit) bool {
	l, ok := k.place(c)
	return ok && slices.ContainsFunc(f.networks(), func(v *azure.VirtualNetwork) bool {
		r, known := k.c.Region(v.Location)
		return known && r.GeopoliticalRegion != l.GeopoliticalRegion
	})
}

// timers finds sessions without BFD, and sessions that make up for it with short BGP timers.
func (k *checker) timers() {
	limits := k.c.Limits()
	slow, short := map[string][]end{}, map[string][]end{}
	for _, e := range k.ends {
		key := e.s.Circuit.Key() + " " + strings.ToLower(e.s.Peering)
		if e.s.BFDMilliseconds <= 0 {
			slow[key] = append(slow[key], e)
		}
		if e.s.HoldSec > 0 && e.s.HoldSec < limits.HoldSeconds {
			short[key] = append(short[key], e)
		}
	}
	for _, key := range sortedKeys(slow) {
		list := slow[key]
		hold := limits.HoldSeconds
		if h := list[0].s.HoldSec; h > 0 {
			hold = min(hold, h)
		}
		k.say("res-bfd", list[0].at(), sessionNames(list), fmt.Sprintf("BFD is off, so a dead link of %s is noticed after up to %d s", list[0].s.Circuit.Name(), hold), fmt.Sprintf("turn BFD on at both routers, %d ms times %d", limits.BFDMilliseconds, limits.BFDMultiplier))
	}
	for _, key := range sortedKeys(short) {
		list := short[key]
		k.say("res-bgp-timers", list[0].at(), fmt.Sprintf("hold %d s", list[0].s.HoldSec), fmt.Sprintf("the hold time is shorter than Microsoft's %d s, which loads the routers and is still slower than BFD", limits.HoldSeconds),
			fmt.Sprintf("leave keepalive and hold at %d and %d s, and use BFD", limits.KeepaliveSeconds, limits.HoldSeconds))
	}
}

func sessionNames(list []end) string {
	var out []string
	for _, e := range list {
		out = append(out, e.s.Name)
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

// providerSegment checks that a site of an IP VPN reaches both of the provider's edges, each over an attachment of its own.
// Where the premises' routers end the circuit themselves, res-dual-ce and peering-two-sessions tell.
func (k *checker) providerSegment() {
	edges := map[string]*design.Router{}
	for i := range k.d.Premises.ProviderEdges {
		edges[k.d.Premises.ProviderEdges[i].Name] = &k.d.Premises.ProviderEdges[i]
	}
	for i := range k.d.Premises.Sites {
		s := &k.d.Premises.Sites[i]
		far, attachments := map[string][]string{}, map[string][]string{} // by provider and location
		for j := range s.Routers {
			for _, x := range s.Routers[j].Sessions {
				e := edges[x.Neighbor]
				if e == nil {
					continue
				}
				key := or(e.Provider, e.Name)
				if !slices.Contains(far[key], e.Name) {
					far[key] = append(far[key], e.Name)
				}
				if !slices.Contains(attachments[key], x.Attachment) {
					attachments[key] = append(attachments[key], x.Attachment)
				}
			}
		}
		if len(far) == 0 {
			continue
		}
		for _, p := range sortedKeys(far) {
			switch {
			case len(far) > 1: // the other provider stands in
			case len(far[p]) == 1:
				k.say("res-onprem-redundancy", "site "+s.Name, far[p][0], fmt.Sprintf("%s reaches %s by one edge only, %s", s.Name, p, far[p][0]), "add a session with the provider's second edge, over the second attachment")
			case len(attachments[p]) == 1 && attachments[p][0] != "":
				k.say("res-onprem-redundancy", "site "+s.Name, attachments[p][0], fmt.Sprintf("all sessions of %s with %s are on one attachment, %s", s.Name, p, attachments[p][0]), "put one of them on the second attachment")
			}
		}
	}
}

// microsoftLocations finds Microsoft peering that is at one location only.
func (k *checker) microsoftLocations() {
	var on []*azure.ExpressRouteCircuit
	var at []string
	for _, c := range k.circuitsAll {
		if peeringOf(c, isMicrosoft) != nil {
			on = append(on, c)
			at = append(at, k.locationOf(c))
		}
	}
	slices.Sort(at)
	if at = slices.Compact(at); len(at) != 1 || !k.servicesMustSurvive() {
		return
	}
	k.say("res-ms-peering-multi", string(on[0].ID), at[0], "Microsoft peering is at "+at[0]+" only", "add Microsoft peering to a circuit at another location")
}

// servicesMustSurvive tells whether somebody who uses Microsoft peering must live through the loss of a circuit or location.
func (k *checker) servicesMustSurvive() bool {
	if k.d.Intent == nil {
		return true
	}
	return slices.ContainsFunc(k.d.Intent.LinesOfBusiness, func(l intent.LineOfBusiness) bool {
		return slices.ContainsFunc(l.Needs.Services, func(s string) bool { return s != intent.Azure }) &&
			(slices.Contains(l.Needs.Survives, intentCircuit) || slices.Contains(l.Needs.Survives, intentLocation))
	})
}
