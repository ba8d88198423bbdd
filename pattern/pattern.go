// Package pattern turns an intent into a design, once for each of the four patterns: it decides circuits, accesses, networks,
// gateways, hubs, firewalls, routes, roles, orders and the premises' half. It never proves that the design meets the needs and
// never prices it whole; what it cannot give at design time it says as obstacles. It reads no clock and no file: the same
// estate, catalogue and earlier design always give the same design.
//
// Sources: the guidance on the four patterns (names of the sections stand in the comments), and the facts that package
// catalog carries; file names in comments are those of the catalogue's sources.
package pattern

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"onramp/catalog"
	"onramp/design"
	"onramp/intent"
)

// Options are what a compilation may be told besides the estate.
type Options struct {
	// Keep is an earlier design of the estate; every allocation in it stays: address spaces, subnets, links, VLAN ids, accesses
	// of circuits, router identifiers.
	Keep *design.Design
}

// Obstacle is what keeps the pattern from meeting the intent, known at design time.
type Obstacle struct {
	// Need is the path of the key that is not met: bandwidth, survives.location, inspect, dedicated, sites, services,
	// networks.addressSpace, pools.transit ...
	Need string `json:"need"`
	// LineOfBusiness is whose need it is, empty when it is everybody's.
	LineOfBusiness string `json:"lineOfBusiness"`
	Message        string `json:"message"`
	Fix            string `json:"fix"`
}

// Compile makes the design of a pattern for an estate that package intent found correct. Whenever anything can be built a
// design comes out, with the obstacles that it leaves; the design is nil only when nothing can be, and then the obstacles
// say why. Obstacles are sorted by line of business, need and message.
func Compile(p design.Pattern, e *intent.Estate, c *catalog.Catalog, o Options) (*design.Design, []Obstacle) {
	k := &compiler{p: p, e: e, c: c, kept: readKept(o.Keep), vlans: design.NewVLANPlan(), assumptions: map[string]design.Assumption{}}
	d := k.compile()
	slices.SortFunc(k.obstacles, func(a, b Obstacle) int {
		return cmp.Or(strings.Compare(a.LineOfBusiness, b.LineOfBusiness), strings.Compare(a.Need, b.Need), strings.Compare(a.Message, b.Message))
	})
	return d, k.obstacles
}

// compile runs the decisions in the order in which they rest on each other; nil when one of them leaves nothing to build.
func (k *compiler) compile() *design.Design {
	if !slices.Contains(design.Patterns(), k.p) {
		k.obstacle("", "pattern", fmt.Sprintf("%q is no pattern", k.p), fmt.Sprintf("use one of %v", design.Patterns()))
		return nil
	}
	k.readLinesOfBusiness()
	if len(k.lobs) == 0 {
		k.obstacle("", "linesOfBusiness", "there is no line of business to connect", "add one under linesOfBusiness")
		return nil
	}
	k.makeSurvey()
	k.planNetworks()
	if !k.allocate() {
		return nil
	}
	k.planCircuits()
	if len(k.circuits) == 0 {
		k.obstacle("", "premises.access", "no circuit can be placed: no needed site has a usable access", "give a site an access")
		return nil
	}
	k.connect()
	if !k.peer() || !k.sizeCircuits() || !k.withinLimits() {
		return nil
	}
	k.patternObstacles()
	k.inspectObstacles()
	k.zoneObstacles()
	d := &design.Design{APIVersion: design.APIVersion, Name: k.e.Name, Pattern: k.p, Intent: k.e, Premises: k.premises(), Assumptions: []design.Assumption{}, Defaults: []intent.Default{}}
	k.write()
	d.Resources = k.rs
	d.Orders = k.orders()
	for _, name := range sortedKeys(k.assumptions) {
		d.Assumptions = append(d.Assumptions, k.assumptions[name])
	}
	d.Defaults = append(append(d.Defaults, k.e.Defaulted...), k.defaults...)
	return d
}

// write puts the decisions down as resources, in their printing order.
func (k *compiler) write() {
	k.writeGroups()
	k.writeNetworks()
	k.writeInspection()
	k.writeTables()
	k.writeGateways()
	k.writeCircuits()
	k.writeRoles()
	k.rs.Sort()
}

// patternObstacles says what the pattern cannot give whatever the accesses are.
func (k *compiler) patternObstacles() {
	if k.p.CircuitPerLineOfBusiness() {
		return
	}
	for _, l := range k.lobs {
		if l.Needs.Dedicated {
			k.obstacle(l.Name, "dedicated", "the pattern "+string(k.p)+" has one circuit for everybody", "use an isolated pattern, or dedicated: false")
		}
	}
	for _, pair := range k.routePairs() {
		k.assume("shared-circuit-no-hairpin", "On a circuit for everybody the premises do not send one line of business's routes back to the other ("+pair[0]+", "+pair[1]+").",
			"routesBetween permits it, but over one circuit the routes would return to the MSEE that they came from; lines of business that reach each other do so by peering or through the hub.")
	}
}

// withinLimits checks what no choice above can mend: too much for Azure to take at all.
func (k *compiler) withinLimits() bool {
	ok := true
	limits := k.c.Limits()
	for _, v := range k.networks {
		if most := limits.VNetPeerings; len(v.peers) > most {
			k.obstacle(v.lob, "linesOfBusiness", fmt.Sprintf("%s needs %d VNet peerings; Azure allows %d", v.name, len(v.peers), most), "spread the networks over more hubs: an isolated pattern has one for each line of business")
			ok = false
		}
		if v.gateway && k.summarised(k.announced(v)) {
			k.obstacle(v.lob, "networks.addressSpace", fmt.Sprintf("%s would announce %d prefixes even when neighbouring ones are joined; Azure allows %d IPv4 and %d IPv6 and closes the connection beyond", v.gatewayName(), len(k.announced(v)),
				limits.PrefixesToOnPrem("ipv4"), limits.PrefixesToOnPrem("ipv6")), "use fewer, larger address spaces")
		}
	}
	for _, c := range k.circuits {
		list := k.sitePrefixes(c.sites)
		for _, f := range []string{"ipv4", "ipv6"} {
			n, most := len(family(list, f == "ipv6")), limits.PrivatePrefixesFromOnPrem(c.tier, f)
			if c.private != nil && n > most {
				k.obstacle(c.lob, "sites", fmt.Sprintf("%s would get %d %s prefixes from the premises; %s takes %d and drops the session beyond", c.name, n, f, c.tier, most), "summarise the sites' prefixes")
			}
		}
		if c.public != nil && len(c.public.announced) > limits.MicrosoftPrefixes {
			k.obstacle(c.lob, "services", fmt.Sprintf("%s would announce %d public prefixes on Microsoft peering; at most %d are taken", c.name, len(c.public.announced), limits.MicrosoftPrefixes), "summarise publicPrefixes")
		}
	}
	return ok
}
