package check

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"onramp/azure"
	"onramp/bgp"
	"onramp/catalog"
	"onramp/design"
)

// policyRules are about what the premises' routing policies say to Microsoft and make of what it says.
func policyRules() []ruleSet {
	return []ruleSet{
		{(*checker).leaks, []string{"route-redistribute-ms-to-private"}},
		{(*checker).sentCommunities, []string{"route-community-not-honoured", "route-reserved-community"}},
		{(*checker).steering, []string{"route-local-pref", "route-steering-order", "route-weight-before-path"}},
		{(*checker).prepends, []string{"route-prepend-public-as"}},
		{(*checker).drains, []string{"route-accept-prepend", "res-active-active"}},
		{(*checker).nearest, []string{"route-community-regional"}},
		{(*checker).customCommunities, []string{"route-custom-community"}},
		{(*checker).circuitTransit, []string{"route-er-to-er-global-reach"}},
		{(*checker).vpnTransit, []string{"route-er-vpn-transit"}},
	}
}

// accepts are the terms of a policy that let routes through, or change them for a later term to do so.
func accepts(p *bgp.Policy) []bgp.Term {
	if p == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(p.Terms), func(t bgp.Term) bool { return t.Action == bgp.Reject })
}

// leaks finds export policies of private peering that let Microsoft's public prefixes through: by the communities that only
// they carry, or by Microsoft's AS number. Policies that let everything through are route-no-transit-er's to tell.
func (k *checker) leaks() {
	microsoft := uint16(k.c.Limits().MicrosoftASN) //nolint:gosec // 12076
	public := map[string]bool{}
	for _, s := range k.c.Services() {
		public[s.Community] = true
	}
	for _, r := range k.c.Regions() {
		for _, s := range []string{r.CommunityMicrosoft, r.CommunityStorage, r.CommunitySQL, r.CommunityCosmosDB, r.CommunityBackup} {
			public[s] = s != ""
		}
	}
	for _, e := range k.ends {
		if !strings.EqualFold(e.s.Peering, privatePeering) {
			continue
		}
		for _, t := range accepts(e.s.Export) {
			var by []string
			for _, c := range slices.Concat(t.Match.CommunitiesAny, t.Match.CommunitiesAll) {
				if c.ASN() == microsoft && public[c.String()] {
					by = append(by, c.String())
				}
			}
			if slices.Contains(slices.Concat(t.Match.PathContains, t.Match.PathNeighbor, t.Match.PathOrigin), bgp.ASN(k.c.Limits().MicrosoftASN)) && len(t.Match.Prefixes) == 0 {
				by = append(by, "AS "+fmt.Sprint(microsoft))
			}
			if len(by) > 0 && t.Action == bgp.Accept {
				k.say("route-redistribute-ms-to-private", e.at(), strings.Join(by, " "), fmt.Sprintf("term %s announces Microsoft's own public prefixes on private peering; they grow every month and use up what %s may announce", t.Name, e.s.Circuit.Name()),
					"take the term away, or name the few prefixes that are meant")
			}
		}
	}
}

// sentCommunities finds communities that the premises attach for Microsoft, which does not look at them.
func (k *checker) sentCommunities() {
	server := slices.ContainsFunc(azure.Of[*azure.VirtualHub](k.d.Resources), isRouteServer)
	told := map[string]bool{}
	for _, e := range k.ends {
		for _, t := range accepts(e.s.Export) {
			var ignored []string
			for _, c := range slices.Concat(t.Set.Communities, t.Set.AddCommunities) {
				if server && c == reserved() {
					k.say("route-reserved-community", e.at(), c.String(), fmt.Sprintf("term %s attaches %s, which Route Server keeps for itself", t.Name, c), "attach another community, or none")
					continue
				}
				ignored = append(ignored, c.String())
			}
			key := e.s.Circuit.Key() + " " + e.s.Peering + " " + strings.Join(ignored, " ")
			if len(ignored) > 0 && !told[key] {
				told[key] = true
				k.say("route-community-not-honoured", e.at(), strings.Join(ignored, " "), fmt.Sprintf("term %s attaches communities to what is announced on %s, and Microsoft ignores them", t.Name, e.s.Circuit.Name()),
					"steer with prefix length, connection weight or path length instead")
			}
		}
	}
}

// reserved is the community of Route Server: route-reserved-community.
func reserved() bgp.Community { return bgp.NewCommunity(65517, 65517) }

func isRouteServer(h *azure.VirtualHub) bool {
	_, wan := h.Properties.Extra["virtualWan"]
	return strings.EqualFold(h.Kind, "RouteServer") || h.Kind == "" && !wan
}

// localPref is the highest local preference that the premises' private sessions of a circuit give to a prefix; ok is false
// when none takes it in.
func (k *checker) localPref(c *azure.ExpressRouteCircuit, p netip.Prefix, communities ...bgp.Community) (pref uint32, ok bool) {
	for _, e := range k.sessionsOf(c, privatePeering, p.Addr().Is6()) {
		if a, yes := applied(e.s.Import, p, communities...); yes {
			pref, ok = max(pref, a.EffectiveLocalPref()), true
		}
	}
	return pref, ok
}

// prepended is how often a circuit's private sessions lengthen the path of what they announce, at the least.
func (k *checker) prepended(c *azure.ExpressRouteCircuit) int {
	least, any := 0, false
	for _, six := range []bool{false, true} {
		for _, e := range k.sessionsOf(c, privatePeering, six) {
			for _, t := range accepts(e.s.Export) {
				if !any || t.Set.PrependTimes < least {
					least, any = t.Set.PrependTimes, true
				}
			}
		}
	}
	return least
}

// steering holds, for each gateway with two circuits, what the gateway is told to prefer against how the premises ask for it.
func (k *checker) steering() {
	for _, f := range k.feeds() {
		for i, a := range f.lines {
			for _, b := range f.lines[i+1:] {
				k.steer(&f, a, b)
			}
		}
	}
}

// compete tells whether two circuits lead to the same place: the premises announce some prefix on both.
func (k *checker) compete(a, b *azure.ExpressRouteCircuit) bool {
	list := k.heardOn(a, false)
	return slices.ContainsFunc(k.heardOn(b, false), func(p netip.Prefix) bool {
		_, both := slices.BinarySearchFunc(list, p, netip.Prefix.Compare)
		return both
	})
}

func (k *checker) steer(f *feed, a, b line) {
	at := string(a.x.ID)
	if !k.compete(a.c, b.c) {
		return
	}
	wa, wb := a.x.Properties.RoutingWeight, b.x.Properties.RoutingWeight
	pa, pb := k.prepended(a.c), k.prepended(b.c)
	if wa < wb {
		a, b, wa, wb, pa, pb = b, a, wb, wa, pb, pa
	}
	switch {
	case wa > wb && pa > pb:
		k.say("route-weight-before-path", at, fmt.Sprintf("prepended %d and %d times", pa, pb), fmt.Sprintf("the premises lengthen the path on %s so that %s is used, but %s prefers %s by weight, which is compared first", a.c.Name, b.c.Name, f.g.Name, a.c.Name),
			fmt.Sprintf("give the connection with %s the higher weight, or stop prepending on %s", b.c.Name, a.c.Name))
	case wa == wb && pa != pb:
		preferred, other := a, b
		if pa > pb {
			preferred, other = b, a
		}
		k.say("route-steering-order", at, fmt.Sprintf("prepended %d and %d times", pa, pb), fmt.Sprintf("%s is preferred over %s by path length alone", preferred.c.Name, other.c.Name), "give the connection with "+preferred.c.Name+" a higher routing weight")
	}
	if wa == wb || f.home == nil {
		return
	}
	for _, p := range spaceOf(f.home, false) {
		x, okX := k.localPref(a.c, p)
		y, okY := k.localPref(b.c, p)
		if okX && okY && x == y {
			k.say("route-local-pref", at, fmt.Sprint(x), fmt.Sprintf("%s sends by %s (weight %d over %d), and the premises give %s the same local preference on both circuits", f.g.Name, a.c.Name, wa, wb, p),
				"give what is learned on "+a.c.Name+" the higher local preference")
			return
		}
	}
}

// prepends finds private AS numbers put before a path on Microsoft peering, which takes them out again.
func (k *checker) prepends() {
	for _, e := range k.ends {
		if !strings.EqualFold(e.s.Peering, microsoftPeering) {
			continue
		}
		for _, t := range accepts(e.s.Export) {
			if t.Set.PrependTimes > 0 && t.Set.PrependAS.IsPrivate() {
				k.say("route-prepend-public-as", e.at(), t.Set.PrependAS.String(), fmt.Sprintf("term %s prepends the private AS %s, which Microsoft removes: the path is no longer", t.Name, t.Set.PrependAS), "prepend a public AS number of yours")
			}
		}
	}
}

// drains holds the two links of each peering against each other: a preference of one over the other that goes before path
// length keeps traffic on a link that Microsoft drains by prepending; a longer path on one leaves it idle.
func (k *checker) drains() {
	for _, c := range k.circuitsAll {
		for _, kind := range []string{privatePeering, microsoftPeering} {
			for _, six := range []bool{false, true} {
				list := k.sessionsOf(c, kind, six)
				i := slices.IndexFunc(list, func(e end) bool { return e.s.Connection == design.Primary })
				j := slices.IndexFunc(list, func(e end) bool { return e.s.Connection == design.Secondary })
				if i >= 0 && j >= 0 {
					k.drain(c, list[i], list[j])
				}
			}
		}
	}
}

func (k *checker) drain(c *azure.ExpressRouteCircuit, a, b end) {
	times := k.c.Limits().MaintenancePrepend
	x, y := rank(a.s.Import), rank(b.s.Import)
	for _, e := range []end{a, b} {
		for _, t := range accepts(e.s.Import) {
			if r := t.Set.ReplaceAS; r != nil && uint32(r.From) == k.c.Limits().MicrosoftASN {
				k.say("route-accept-prepend", e.at(), r.From.String(), fmt.Sprintf("term %s rewrites Microsoft's AS number, so that the path which maintenance lengthens %d times no longer tells", t.Name, times), "leave Microsoft's paths as they are")
				return
			}
		}
	}
	if x != y {
		k.say("route-accept-prepend", a.at(), fmt.Sprintf("%d and %d", x, y), fmt.Sprintf("the premises prefer one link of %s over the other before they look at path length; maintenance drains a link by prepending %d times, and they would stay on it", c.Name, times),
			"give both links of a circuit the same local preference and weight")
		return
	}
	if p, q := longest(a.s.Export), longest(b.s.Export); p != q {
		k.say("res-active-active", a.at(), fmt.Sprintf("prepended %d and %d times", p, q), fmt.Sprintf("what is announced on the two links of %s has paths of different length, so one of them carries nothing", c.Name), "announce with the same path on both links")
	}
}

// rank is the preference that an import policy gives at the most: its weight and local preference, 0 for what it leaves.
func rank(p *bgp.Policy) uint32 {
	var most uint32
	for _, t := range accepts(p) {
		if t.Set.LocalPref != nil {
			most = max(most, *t.Set.LocalPref)
		}
		if t.Set.Weight != nil {
			most = max(most, *t.Set.Weight)
		}
	}
	return most
}

// longest is how often an export policy prepends at the most.
func longest(p *bgp.Policy) int {
	most := 0
	for _, t := range accepts(p) {
		most = max(most, t.Set.PrependTimes)
	}
	return most
}

// nearest finds premises that send to two regions alike although each has its own near circuit.
func (k *checker) nearest() {
	type pair struct{ a, b *azure.ExpressRouteCircuit }
	behind := map[pair][]*azure.VirtualNetwork{} // the networks that both circuits serve
	var order []pair
	for _, f := range k.feeds() {
		for i, x := range f.lines {
			for _, y := range f.lines[i+1:] {
				p := pair{x.c, y.c}
				if p.a.ID.Key() > p.b.ID.Key() {
					p.a, p.b = p.b, p.a
				}
				if behind[p] == nil {
					order = append(order, p)
				}
				behind[p] = append(behind[p], f.networks()...)
			}
		}
	}
	for _, p := range order {
		k.nearer(p.a, p.b, behind[p])
	}
}

// target is a network with its region.
type target struct {
	v      *azure.VirtualNetwork
	region catalog.Region
}

// nearer looks at two circuits and the networks that both serve.
func (k *checker) nearer(a, b *azure.ExpressRouteCircuit, list []*azure.VirtualNetwork) {
	la, okA := k.place(a)
	lb, okB := k.place(b)
	if !okA || !okB || la.City == lb.City || !k.compete(a, b) {
		return
	}
	var nearA, nearB *target
	for _, v := range list {
		r, ok := k.c.Region(v.Location)
		if !ok {
			continue
		}
		da, db := catalog.DistanceKM(la.Latitude, la.Longitude, r.Latitude, r.Longitude), catalog.DistanceKM(lb.Latitude, lb.Longitude, r.Latitude, r.Longitude)
		if t := (&target{v, r}); da < db && nearA == nil {
			nearA = t
		} else if db < da && nearB == nil {
			nearB = t
		}
	}
	if nearA == nil || nearB == nil || k.steered(a, b, nearA) || k.steered(a, b, nearB) {
		return
	}
	k.say("route-community-regional", string(a.ID), nearA.region.Name+", "+nearB.region.Name,
		fmt.Sprintf("%s is near %s and %s near %s, and the premises send to both regions by both circuits alike", a.Name, nearA.region.Name, b.Name, nearB.region.Name),
		fmt.Sprintf("give the networks custom communities, and prefer %s on %s and %s on %s", or(nearA.region.CommunityPrivate, nearA.region.Name), a.Name, or(nearB.region.CommunityPrivate, nearB.region.Name), b.Name))
}

// steered tells whether the premises make a difference between two circuits for a network.
func (k *checker) steered(a, b *azure.ExpressRouteCircuit, t *target) bool {
	var carried []bgp.Community
	if cs := t.v.Properties.BGPCommunities; cs != nil {
		for _, s := range []string{cs.VirtualNetworkCommunity, cs.RegionalCommunity, t.region.CommunityPrivate} {
			if c, err := bgp.ParseCommunity(s); err == nil {
				carried = append(carried, c)
			}
		}
	}
	for _, p := range spaceOf(t.v, false) {
		x, okX := k.localPref(a, p, carried...)
		y, okY := k.localPref(b, p, carried...)
		if okX || okY {
			return okX != okY || x != y
		}
	}
	return true // neither takes it in: nothing is sent by either
}

// customCommunities finds import filters of private peering that wait for a community which no network carries, and
// communities that are not of Microsoft's range.
func (k *checker) customCommunities() {
	carried := map[string]bool{}
	regions := map[string]string{}
	for _, r := range k.c.Regions() {
		if r.CommunityPrivate != "" {
			regions[r.CommunityPrivate] = r.Name
		}
	}
	microsoft := uint16(k.c.Limits().MicrosoftASN) //nolint:gosec // 12076
	for _, v := range k.vnets {
		cs := v.Properties.BGPCommunities
		if cs == nil || cs.VirtualNetworkCommunity == "" {
			continue
		}
		if c, err := bgp.ParseCommunity(cs.VirtualNetworkCommunity); err != nil || c.ASN() != microsoft {
			k.say("route-custom-community", string(v.ID), cs.VirtualNetworkCommunity, "the community of a network begins with "+fmt.Sprint(microsoft)+":", fmt.Sprintf("write it as %d:20001", microsoft))
			continue
		}
		carried[cs.VirtualNetworkCommunity] = true
		// A network carries its region's community once it has one of its own: bgp-communities.md.
		if r, ok := k.c.Region(v.Location); ok {
			carried[r.CommunityPrivate] = true
		}
	}
	told := map[string]bool{}
	for _, e := range k.ends {
		if !strings.EqualFold(e.s.Peering, privatePeering) {
			continue
		}
		for _, t := range accepts(e.s.Import) {
			for _, c := range slices.Concat(t.Match.CommunitiesAny, t.Match.CommunitiesAll) {
				if s := c.String(); c.ASN() == microsoft && !carried[s] && !told[s] {
					told[s] = true
					mending := "set bgpCommunities.virtualNetworkCommunity on the networks that are meant"
					if r := regions[s]; r != "" {
						mending += " in " + r + "; the region's community comes with it"
					}
					k.say("route-custom-community", e.at(), s, fmt.Sprintf("term %s waits for %s, which no network of the design carries", t.Name, s), mending)
				}
			}
		}
	}
}

// circuitTransit finds prefixes of a distant site that a site announces on its own circuit although nothing of the
// organisation's joins the two: Microsoft would have to carry the rest of the way from circuit to circuit.
func (k *checker) circuitTransit() {
	for _, e := range k.ends {
		if e.site == "" || e.s.Export == nil || !strings.EqualFold(e.s.Peering, privatePeering) {
			continue
		}
		if s := siteNamed(&k.d.Premises, e.site); s == nil || slices.ContainsFunc(s.Routers, func(r design.Router) bool {
			return slices.ContainsFunc(r.Sessions, func(x design.Session) bool { return x.Neighbor != "" })
		}) {
			continue // a provider's IP VPN joins the sites
		}
		joined := k.island(e.site)
		for _, p := range k.heard(e) {
			owner := k.ownerSite(p)
			if owner == "" || slices.Contains(joined, owner) || k.reachJoins(e.s.Circuit, owner) {
				continue
			}
			k.say("route-er-to-er-global-reach", e.at(), p.String(), fmt.Sprintf("%s announces %s of %s, and no link of the backbone joins the two; ExpressRoute passes nothing from one circuit to another", e.site, p, owner),
				fmt.Sprintf("take %s out of the export policy; join the circuits by Global Reach, or the sites by a link of your own", p))
			break
		}
	}
}

// reachJoins tells whether Global Reach joins a circuit with one on which a site has sessions.
func (k *checker) reachJoins(id azure.ID, site string) bool {
	for _, j := range k.reaches() {
		if j.b == nil || !j.a.ID.Equal(id) && !j.b.ID.Equal(id) {
			continue
		}
		for _, e := range k.ends {
			if e.site == site && (e.s.Circuit.Equal(j.a.ID) || e.s.Circuit.Equal(j.b.ID)) {
				return true
			}
		}
	}
	return false
}

// vpnTransit checks what a Route Server needs to pass routes between VPN and ExpressRoute.
func (k *checker) vpnTransit() {
	want := int64(k.c.Limits().GatewayASN)
	for _, h := range azure.Of[*azure.VirtualHub](k.d.Resources) {
		if !isRouteServer(h) || !h.Properties.AllowBranchToBranchTraffic {
			continue
		}
		for _, v := range k.vnets {
			g := k.gatewayIn(v, isVPN)
			if subnetNamed(v, "RouteServerSubnet") == nil || g == nil || k.gatewayIn(v, isExpressRoute) == nil || g.Properties.BGPSettings == nil || g.Properties.BGPSettings.ASN == 0 || g.Properties.BGPSettings.ASN == want {
				continue
			}
			k.say("route-er-vpn-transit", string(g.ID), fmt.Sprint(g.Properties.BGPSettings.ASN), fmt.Sprintf("%s is to pass routes between %s and ExpressRoute, and %s has AS %d", h.Name, g.Name, g.Name, g.Properties.BGPSettings.ASN), fmt.Sprintf("give %s AS %d", g.Name, want))
		}
	}
}
