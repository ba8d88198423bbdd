package check

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"onramp/azure"
)

// globalReachRules are about circuits that Global Reach joins.
func globalReachRules() []ruleSet {
	return []ruleSet{
		{(*checker).reachLinks, []string{"gr-different-locations", "gr-country", "gr-premium", "gr-private-peering", "gr-throughput"}},
		{(*checker).reachAddresses, []string{"gr-slash29"}},
		{(*checker).reachMesh, []string{"gr-full-mesh"}},
	}
}

// reach is one Global Reach connection: it stands in a's private peering and ends on b, nil when that is not in the design.
type reach struct {
	x    *azure.CircuitConnection
	a, b *azure.ExpressRouteCircuit
	at   string
}

// reaches lists the Global Reach connections, each pair of circuits once.
func (k *checker) reaches() []reach { return k.view().reaches }

func (k *checker) readReaches() []reach {
	var out []reach
	for _, c := range k.circuitsAll {
		for i := range c.Properties.Peerings {
			p := &c.Properties.Peerings[i]
			for j := range p.Properties.Connections {
				x := &p.Properties.Connections[j]
				r := reach{x: x, a: c, at: string(c.ID) + "/peerings/" + p.Name + "/connections/" + x.Name}
				if far := x.Properties.PeerExpressRouteCircuitPeering; far != nil {
					r.b = k.circuit[far.ID.Parent().Key()]
				}
				if r.b == nil || !slices.ContainsFunc(out, func(o reach) bool { return o.a == r.b && o.b == r.a }) {
					out = append(out, r)
				}
			}
		}
	}
	return out
}

// reachLinks checks where the two circuits are and what they are.
func (k *checker) reachLinks() {
	for _, r := range k.reaches() {
		if r.b == nil {
			continue
		}
		la, okA := k.place(r.a)
		lb, okB := k.place(r.b)
		switch {
		case !okA || !okB:
		case la.Name == lb.Name:
			k.say("gr-different-locations", r.at, la.Name, fmt.Sprintf("%s and %s are both at %s", r.a.Name, r.b.Name, la.Name), "join circuits of different peering locations")
		case la.GeopoliticalRegion != lb.GeopoliticalRegion:
			for _, c := range []*azure.ExpressRouteCircuit{r.a, r.b} {
				if !isTier(c, tierPremium) {
					k.say("gr-premium", r.at, c.SKU.Tier, fmt.Sprintf("%s (%s) and %s (%s) are in different geopolitical regions, and %s is %s", r.a.Name, la.GeopoliticalRegion, r.b.Name, lb.GeopoliticalRegion, c.Name, c.SKU.Tier), "make both circuits Premium")
				}
			}
		}
		for _, c := range []*azure.ExpressRouteCircuit{r.a, r.b} {
			if l, ok := k.place(c); ok && !k.reachOffered(l.Country, l.City) {
				k.say("gr-country", r.at, l.Country, fmt.Sprintf("%s is at %s, and Global Reach is not offered there", c.Name, l.Name), "join the sites by a link of your own, or use a location of a country with Global Reach")
			}
			p := peeringOf(c, isPrivate)
			switch {
			case p == nil:
				k.say("gr-private-peering", r.at, c.Name, c.Name+" has no private peering", "configure private peering on both circuits")
			case strings.EqualFold(p.Properties.State, "Disabled"):
				k.say("gr-private-peering", r.at, c.Name, "the private peering of "+c.Name+" is disabled", "enable it")
			}
		}
		if x, y := circuitMbps(r.a), circuitMbps(r.b); x != y && x > 0 && y > 0 {
			small := r.a
			if y < x {
				small = r.b
			}
			k.say("gr-throughput", r.at, fmt.Sprintf("%d and %d Mbps", x, y), fmt.Sprintf("from site to site %s and %s carry no more than the %d Mbps of %s, shared with what goes to Azure", r.a.Name, r.b.Name, min(x, y), small.Name), "give "+small.Name+" the bandwidth that both kinds of traffic need together")
		}
	}
}

// reachOffered tells whether Global Reach is sold in a city of a country; a restriction such as "Johannesburg only" names it.
func (k *checker) reachOffered(country, city string) bool {
	for _, c := range k.c.GlobalReachCountries() {
		if strings.EqualFold(c.Country, country) {
			return c.Restriction == "" || strings.Contains(strings.ToLower(c.Restriction), strings.ToLower(city))
		}
	}
	return false
}

// reachAddresses checks the range of each connection: it must be nobody else's.
func (k *checker) reachAddresses() {
	for _, r := range k.reaches() {
		texts := []string{r.x.Properties.AddressPrefix}
		var six struct {
			AddressPrefix string `json:"addressPrefix"`
		}
		if unmarshal(r.x.Properties.Extra["ipv6CircuitConnectionConfig"], &six) {
			texts = append(texts, six.AddressPrefix)
		}
		for i, text := range texts {
			want := k.limit([]string{"global_reach.address_prefix_ipv4", "global_reach.address_prefix_ipv6"}[i])
			p, err := netip.ParsePrefix(text)
			if err != nil || p.Bits() != want || p.Addr().Is6() != (i == 1) {
				if text != "" || i == 0 {
					k.say("gr-slash29", r.at, text, fmt.Sprintf("the range of the connection is no /%d", want), fmt.Sprintf("write an unused /%d", want))
				}
				continue
			}
			if whose := k.usedBy(p, r.x); whose != "" {
				k.say("gr-slash29", r.at, text, "the range of the connection overlaps "+whose, fmt.Sprintf("write an unused /%d", want))
			}
		}
	}
}

// usedBy says who else uses a range, "" for nobody.
func (k *checker) usedBy(p netip.Prefix, mine *azure.CircuitConnection) string {
	for _, v := range k.vnets {
		for _, s := range prefixes(v.Properties.AddressSpace.AddressPrefixes) {
			if s.Overlaps(p) {
				return s.String() + " of " + v.Name
			}
		}
	}
	for i := range k.d.Premises.Sites {
		for _, s := range k.d.Premises.Sites[i].Prefixes {
			if s.IsValid() && s.Bits() > 0 && s.Overlaps(p) {
				return s.String() + " of site " + k.d.Premises.Sites[i].Name
			}
		}
	}
	for _, l := range k.eachLink() {
		if s, err := netip.ParsePrefix(l.text); err == nil && s.Overlaps(p) {
			return s.String() + " of " + l.c.Name
		}
	}
	for _, o := range k.reaches() {
		if s, err := netip.ParsePrefix(o.x.Properties.AddressPrefix); err == nil && o.x != mine && s.Overlaps(p) {
			return s.String() + " of connection " + o.x.Name
		}
	}
	return ""
}

// reachMesh finds two circuits that are joined through a third only.
func (k *checker) reachMesh() {
	next := map[*azure.ExpressRouteCircuit][]*azure.ExpressRouteCircuit{}
	for _, r := range k.reaches() {
		if r.b != nil && r.a != r.b {
			next[r.a], next[r.b] = append(next[r.a], r.b), append(next[r.b], r.a)
		}
	}
	for _, hub := range k.circuitsAll {
		for i, a := range next[hub] {
			for _, b := range next[hub][i+1:] {
				if a == b || slices.Contains(next[a], b) {
					continue
				}
				k.say("gr-full-mesh", string(hub.ID), a.Name+", "+b.Name, fmt.Sprintf("%s and %s are both joined with %s and not with each other; Global Reach does not pass traffic on", a.Name, b.Name, hub.Name),
					fmt.Sprintf("add a Global Reach connection between %s and %s", a.Name, b.Name))
			}
		}
	}
}
