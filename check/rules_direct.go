package check

import (
	"fmt"
	"slices"
	"strings"

	"onramp/azure"
	"onramp/design"
	"onramp/intent"
)

// directRules are about ExpressRoute Direct ports and the circuits on them.
func directRules() []ruleSet {
	return []ruleSet{
		{(*checker).portPlaces, []string{"direct-location-supported", "direct-billing-grace", "direct-rate-limit"}},
		{(*checker).portTags, []string{"direct-encapsulation-fixed", "direct-qinq-stag"}},
		{(*checker).portCircuits, []string{"direct-metered-at-creation", "direct-no-lacp"}},
	}
}

func isQinQ(p *azure.ExpressRoutePort) bool {
	return strings.EqualFold(p.Properties.Encapsulation, "QinQ")
}

// portPlaces checks where ports are, whether something is on them, and whether what is on them is kept within its rate.
func (k *checker) portPlaces() {
	for _, p := range azure.Of[*azure.ExpressRoutePort](k.d.Resources) {
		at := string(p.ID)
		l, known := k.c.Location(p.Properties.PeeringLocation)
		if !known || !l.Direct {
			k.say("direct-location-supported", at, p.Properties.PeeringLocation, fmt.Sprintf("ExpressRoute Direct is not offered at %s", or(p.Properties.PeeringLocation, "a location without a name")), "use a location with Direct: `onramp catalog locations --direct`")
		}
		on := k.index.CircuitsOn(p.ID)
		if len(on) == 0 {
			since := fmt.Sprintf("charging begins %d days after creation", k.limit("direct.billing_starts.grace_days"))
			if slices.ContainsFunc(p.Properties.Links, func(x azure.ExpressRouteLink) bool { return strings.EqualFold(x.Properties.AdminState, "Enabled") }) {
				since = "charging began with the first link that was enabled"
			}
			k.say("direct-billing-grace", at, "no circuit", fmt.Sprintf("no circuit is on %s, and %s", p.Name, since), "make the circuits, or delete the ports")
		}
		var free []string
		for _, c := range on {
			if !truth(c.Properties.Extra, "enableDirectPortRateLimit") {
				free = append(free, c.Name)
			}
		}
		// direct.rate_limit.sovereign_clouds: other clouds do not have it.
		if len(on) > 1 && len(free) > 0 && known && l.Cloud == "public" {
			k.say("direct-rate-limit", at, names(free), fmt.Sprintf("%s share %s, and any of them may take what the others need", circuitNames(on), p.Name), "turn on enableDirectPortRateLimit on each circuit")
		}
	}
}

// truth reads a flag among properties that package azure does not model.
func truth(x azure.Extra, name string) bool {
	for _, key := range sortedKeys(x) {
		var yes bool
		if strings.EqualFold(key, name) && unmarshal(x[key], &yes) && yes {
			return true
		}
	}
	return false
}

// portTags checks the encapsulation of ports and the outer tags of what goes over them.
func (k *checker) portTags() {
	for _, p := range azure.Of[*azure.ExpressRoutePort](k.d.Resources) {
		owners := map[int]string{}
		for _, c := range k.index.CircuitsOn(p.ID) {
			if t := c.Properties.STag; t != nil && isQinQ(p) {
				if o, twice := owners[*t]; twice {
					k.say("direct-qinq-stag", string(c.ID), fmt.Sprint(*t), fmt.Sprintf("S-tag %d is that of %s on the same ports", *t, o), "use the outer tag that Microsoft assigned to each circuit")
				}
				owners[*t] = c.Name
			}
			for _, e := range k.endsOn[c.ID.Key()] {
				k.outerTag(p, c, e)
			}
		}
		if asked := k.askedEncapsulations(p); len(asked) > 0 && !slices.ContainsFunc(asked, func(s string) bool { return strings.EqualFold(s, p.Properties.Encapsulation) }) {
			k.say("direct-encapsulation-fixed", string(p.ID), p.Properties.Encapsulation, fmt.Sprintf("the intent asks for %s at %s, and %s has %s, which cannot be changed", strings.Join(asked, ", "), p.Properties.PeeringLocation, p.Name, or(p.Properties.Encapsulation, "none")),
				"order new ports with the encapsulation that is wanted, or write "+or(p.Properties.Encapsulation, "the ports' encapsulation")+" into the intent")
		}
	}
}

// outerTag holds a session's outer tag against that of its circuit.
func (k *checker) outerTag(p *azure.ExpressRoutePort, c *azure.ExpressRouteCircuit, e end) {
	const rule = "direct-qinq-stag"
	assigned := c.Properties.STag
	switch tag := fmt.Sprint(e.s.STag); {
	case !isQinQ(p) && e.s.STag != 0:
		k.say(rule, e.at(), tag, fmt.Sprintf("the session has an outer tag, and %s carries %s", p.Name, or(p.Properties.Encapsulation, "one tag")), "leave the outer tag out")
	case isQinQ(p) && assigned == nil && e.s.STag != 0:
		k.say(rule, e.at(), tag, "Microsoft has not assigned an outer tag to "+c.Name+" yet", "create the circuit, read its S-tag, and set that")
	case isQinQ(p) && assigned != nil && e.s.STag != *assigned:
		k.say(rule, e.at(), tag, fmt.Sprintf("Microsoft assigned S-tag %d to %s", *assigned, c.Name), fmt.Sprintf("set outer tag %d", *assigned))
	}
}

// askedEncapsulations are those that the intent gives to the accesses whose sessions use a pair of ports.
func (k *checker) askedEncapsulations(p *azure.ExpressRoutePort) []string {
	if k.d.Intent == nil {
		return nil
	}
	same := func(a, b string) bool {
		x, ok1 := k.c.Location(a)
		y, ok2 := k.c.Location(b)
		return ok1 && ok2 && x.Name == y.Name
	}
	var sites, out []string
	for _, c := range k.index.CircuitsOn(p.ID) {
		for _, e := range k.endsOn[c.ID.Key()] {
			sites = append(sites, e.site)
		}
	}
	for i := range k.d.Intent.Premises.Sites {
		s := &k.d.Intent.Premises.Sites[i]
		for _, a := range s.Access {
			if slices.Contains(sites, s.Name) && a.Model == intent.Direct && a.Encapsulation != "" && same(a.Location, p.Properties.PeeringLocation) {
				out = append(out, a.Encapsulation)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// portCircuits checks what a circuit on ports is bought as, and that its two links are two.
func (k *checker) portCircuits() {
	for _, c := range k.circuitsAll {
		if c.Properties.ExpressRoutePort == nil {
			continue
		}
		if strings.EqualFold(c.SKU.Family, "UnlimitedData") && !exists(c) {
			k.say("direct-metered-at-creation", string(c.ID), c.SKU.Family, c.Name+" is to be created unlimited on Direct ports", "create it with MeteredData; make it unlimited afterwards, which cannot be undone")
		}
		ends := k.endsOn[c.ID.Key()]
		for i, a := range ends {
			j := slices.IndexFunc(ends[:i], func(b end) bool {
				return a.s.Connection != b.s.Connection && a.s.Connection != "" && b.s.Connection != "" && a.router == b.router && trunkOf(a.s) != "" && trunkOf(a.s) == trunkOf(b.s)
			})
			if j >= 0 {
				k.say("direct-no-lacp", a.at(), trunkOf(a.s), fmt.Sprintf("both links of %s are on interface %s of %s: Direct links are not bundled", c.Name, trunkOf(a.s), a.router.Name), "give each link an interface and BGP sessions of its own")
				break
			}
		}
	}
}

// trunkOf is the physical interface of a session's subinterface: what stands before the last dot.
func trunkOf(s *design.Session) string {
	if i := strings.LastIndexByte(s.Interface, '.'); i >= 0 {
		return s.Interface[:i]
	}
	return s.Interface
}
