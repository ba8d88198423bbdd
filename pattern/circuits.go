package pattern

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"onramp/design"
	"onramp/intent"
)

// slot is a circuit, or a pair, that has to be placed on accesses.
type slot struct {
	base    string // name without the number
	lob     string
	lobs    []*lob
	part    part
	demands []demand
	fixed   []*way
}

// planCircuits decides which circuits there are and on which accesses.
func (k *compiler) planCircuits() {
	var slots []*slot
	if k.p.CircuitPerLineOfBusiness() {
		for _, l := range k.lobs {
			slots = append(slots, k.slots(l.Name, []*lob{l})...)
		}
	} else {
		slots = k.slots("", k.lobs)
	}
	load := map[string]intent.Mbps{}
	for _, s := range slots {
		s.fixed = k.keptWays(s)
	}
	// Circuits of an earlier design take their place first; the others see what is left.
	slices.SortStableFunc(slots, func(a, b *slot) int { return min(len(b.fixed), 1) - min(len(a.fixed), 1) })
	for _, s := range slots {
		k.place(s, load)
	}
	slices.SortFunc(k.circuits, func(a, b *circuit) int { return strings.Compare(a.name, b.name) })
}

// slots are the circuits that one owner needs: one for each group of sites, more where no access reaches a whole group.
func (k *compiler) slots(owner string, lobs []*lob) []*slot {
	var out []*slot
	for _, group := range k.survey.groups {
		var ds []demand
		var on []*lob
		var needed []string
		for _, l := range lobs {
			if !l.private && len(l.services) == 0 {
				continue
			}
			var sites []string
			for _, s := range l.sites {
				if slices.Contains(group, s) {
					sites = append(sites, s)
				}
			}
			if len(sites) == 0 {
				continue
			}
			on = append(on, l)
			ds = append(ds, demand{lob: l.Name, sites: sites, survives: l.Needs.Survives, mbps: l.Needs.Bandwidth})
			needed = append(needed, sites...)
		}
		slices.Sort(needed)
		needed = slices.Compact(needed)
		parts, lost := k.survey.parts(group, needed)
		for _, s := range lost {
			for _, d := range ds {
				if slices.Contains(d.sites, s) {
					k.obstacle(d.lob, "sites", fmt.Sprintf("site %s has no access and no path to a site that has one", s), "give "+s+" an access, or a backbone link to a site with one")
				}
			}
		}
		for _, p := range parts {
			s := &slot{base: "er-" + groupName(group), lob: owner, part: p}
			if len(parts) > 1 {
				s.base = "er-" + p.sites[0]
			}
			if owner != "" {
				s.base = "er-" + owner + "_" + strings.TrimPrefix(s.base, "er-")
			}
			for i, d := range ds {
				d.sites = slices.DeleteFunc(slices.Clone(d.sites), func(x string) bool { return !slices.Contains(p.sites, x) })
				if len(d.sites) > 0 {
					s.demands, s.lobs = append(s.demands, d), append(s.lobs, on[i])
				}
			}
			out = append(out, s)
		}
	}
	if owner != "" && len(out) == 1 {
		out[0].base = "er-" + owner
	}
	return out
}

// longestGroup keeps circuit names within Azure's 80 characters.
const longestGroup = 30

// groupName names sites that share circuits: both of two, else the first for all.
func groupName(group []string) string {
	if name := strings.Join(group, "-"); len(group) <= 2 && len(name) <= longestGroup {
		return name
	}
	return group[0]
}

// place chooses the accesses of a slot and makes its circuits.
func (k *compiler) place(s *slot, load map[string]intent.Mbps) {
	ways, short := k.survey.choose(s.part.candidates, s.fixed, s.demands, load)
	if len(ways) == 0 {
		return
	}
	for _, x := range short {
		k.shortfallObstacle(s, x, ways, load)
	}
	sum := bandwidth(s.lobs)
	for i, w := range ways {
		if i == 0 || ways[0] != w {
			load[w.trunk()] += sum
		}
		c := &circuit{name: fmt.Sprintf("%s-%d", s.base, i+1), n: i + 1, lob: s.lob, lobs: s.lobs, sites: s.part.sites, way: w}
		c.subscription = k.owner(k.kept.subscriptionOf(c.name))
		if s.lob != "" {
			c.subscription = s.lobs[0].Subscription
		}
		c.region = k.regionOf(w.location)
		if w.model == intent.Direct {
			c.port = k.portFor(w)
			c.subscription, c.region = c.port.subscription, c.port.region
		}
		c.asn = k.siteASN(w.site)
		if w.model == intent.IPVPN {
			c.asn = k.providerASN(w)
		}
		k.circuits = append(k.circuits, c)
	}
}

func (k *compiler) shortfallObstacle(s *slot, x shortfall, ways []*way, load map[string]intent.Mbps) {
	where := strings.Join(s.part.sites, ", ")
	kind := strings.TrimPrefix(x.need, "survives.")
	switch x.need {
	case "bandwidth":
		var most *way
		for _, w := range s.part.candidates {
			if most == nil || w.mbps-load[w.trunk()] > most.mbps-load[most.trunk()] {
				most = w
			}
		}
		k.obstacle(x.lob, x.need, fmt.Sprintf("the circuit has to carry %s for %s; access %s of %s has %s left of %s", bandwidth(s.lobs), names(s.lobs), most.key, most.site, max(most.mbps-load[most.trunk()], 0), most.mbps),
			"order more bandwidth on an access of "+where+", or lower what is needed")
	case "survives." + survivesLink:
		k.obstacle(x.lob, x.need, "one backbone link of "+where+" can fail and leave a needed site without a path", "give that site an access of its own, or a second backbone link")
	case "survives." + survivesRouter:
		k.obstacle(x.lob, x.need, "a needed site of "+where+" has all its paths on one customer edge router", "set routers: 2 for the site with the access")
	default:
		k.obstacle(x.lob, x.need, fmt.Sprintf("no access of %s goes on when the %s of %s fails", where, kind, ways[0].trunk()), fixFor(kind))
	}
}

func fixFor(kind string) string {
	switch kind {
	case survivesProvider:
		return "add an access of another provider"
	case survivesLocation:
		return "add an access to another peering location"
	case survivesSite:
		return "add an access at another site, joined by backbone or IP VPN"
	}
	return "add a second access"
}

// portFor returns the pair of Direct ports of an access; all circuits on it are in its subscription and region
// (expressroute-erdirect-about.md).
func (k *compiler) portFor(w *way) *port {
	for _, p := range k.ports {
		if p.way == w {
			return p
		}
	}
	// A site's second pair at one location has a number, as its attachments have.
	number := strings.TrimPrefix(w.key, "direct-"+slug(w.access.Location))
	p := &port{name: "erp-" + w.site + "-" + slug(w.location) + number, way: w, region: k.regionOf(w.location)}
	p.subscription = k.owner(k.kept.subscriptionOf(p.name))
	k.ports = append(k.ports, p)
	slices.SortFunc(k.ports, func(a, b *port) int { return strings.Compare(a.name, b.name) })
	return p
}

// connect joins gateways with the circuits that carry somebody whom they serve.
func (k *compiler) connect() {
	limits := k.c.Limits()
	for _, v := range k.networks {
		if !v.gateway {
			continue
		}
		at := map[string]int{}
		for _, c := range k.circuits {
			carries := slices.ContainsFunc(c.lobs, func(l *lob) bool { return l.private })
			serves := slices.ContainsFunc(v.serves, func(l *lob) bool { return slices.Contains(c.lobs, l) })
			if v.role != roleShared && !serves || v.role == roleShared && !carries {
				continue
			}
			if at[c.way.location]++; at[c.way.location] > limits.MaxCircuitsSameLocation {
				k.obstacle(v.lob, "sites", fmt.Sprintf("%s would need %d circuits at %s; at most %d of one location may link to a VNet, so %s is not linked", v.name, at[c.way.location], c.way.location,
					limits.MaxCircuitsSameLocation, c.name), "use accesses at other peering locations, or join the sites by backbone")
				continue
			}
			v.circuits, c.networks = append(v.circuits, c), append(c.networks, v)
		}
		if len(v.circuits) == 0 {
			v.gateway = false
			v.subnets = slices.DeleteFunc(v.subnets, func(s *subnet) bool { return s.name == gatewaySubnet })
		}
	}
	for _, v := range k.networks {
		if v.hub != nil && !v.hub.gateway {
			v.remote = false
		}
	}
}

// peer makes the circuits' peerings with their addresses and VLANs.
func (k *compiler) peer() bool {
	k.keepTransit()
	ok := true
	for _, c := range k.circuits {
		if len(c.networks) > 0 {
			c.private = &peering{kind: privatePeering}
		}
		c.public = k.microsoftPeering(c)
		for _, p := range []*peering{c.private, c.public} {
			if p != nil && !k.address(c, p) {
				ok = false
			}
		}
	}
	return ok
}

// address gives a peering its VLAN and links: a /30 and, with IPv6, a /126 for each connection
// (expressroute-routing.md).
func (k *compiler) address(c *circuit, p *peering) bool {
	var err error
	if p.vlan, err = k.vlans.Take(c.way.carrier(), c.name+"/"+peeringWord(p.kind)); err != nil {
		k.obstacle(c.lob, "premises.access", err.Error(), "use another access for some of the circuits")
		return false
	}
	lease, pool, key := k.transit, k.e.Pools.Transit, "pools.transit"
	if p.kind == msPeering {
		lease, pool, key = k.microsoft, k.e.Pools.MicrosoftTransit, "pools.microsoftTransit"
	}
	for h, connection := range halves() {
		if p.link[h], err = lease.Take(sessionName(c.name, p.kind, connection, false), 30, false); err != nil {
			k.obstacle(c.lob, key, err.Error(), "widen "+key+": each peering of each circuit takes two /30")
			return false
		}
		if !k.ipv6 || p.kind == privatePeering && len(family(k.expected(c), true)) == 0 && len(family(k.sitePrefixes(c.sites), true)) == 0 ||
			p.kind == msPeering && len(family(p.announced, true)) == 0 {
			continue
		}
		if p.link6[h], err = lease.Take(sessionName(c.name, p.kind, connection, true), 126, true); err != nil {
			p.link6[h] = netip.Prefix{}
			var none *design.ExhaustedError
			if errors.As(err, &none) && len(family(pool, true)) == 0 {
				k.obstacle(c.lob, key, "the estate has IPv6 prefixes and "+key+" holds no IPv6 prefix, so "+c.name+" carries IPv4 only", "add an IPv6 prefix of /125 or shorter to "+key)
			} else {
				k.obstacle(c.lob, key, err.Error(), "widen the IPv6 part of "+key)
			}
		}
	}
	if !p.link6[0].IsValid() || !p.link6[1].IsValid() {
		p.link6 = [2]netip.Prefix{}
	}
	return true
}
