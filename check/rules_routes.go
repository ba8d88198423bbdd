package check

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"onramp/azure"
)

// routeRules are about how many routes go where, and about what a default route takes with it.
func routeRules() []ruleSet {
	return []ruleSet{
		{(*checker).heardLimits, []string{"route-private-limit-v4", "route-private-limit-v6"}},
		{(*checker).advertisedLimits, []string{"route-azure-advertised-limit", "route-azure-summarise"}},
		{(*checker).gatewayRoutes, []string{"route-gateway-total", "route-gateway-learned"}},
		{(*checker).summaries, []string{"route-summarise-onprem"}},
		{(*checker).defaultRoutes, []string{"route-default-needs-edge", "route-default-kms", "route-default-paas-hairpin"}},
		{(*checker).nextHops, []string{"route-udr-next-hop-er"}},
		{(*checker).propagation, []string{"route-propagation-spokes"}},
	}
}

// heardLimits counts what the premises announce on each session of private peering. A session that Premium would save is
// circuit-premium-routes' to tell.
func (k *checker) heardLimits() {
	limits := k.c.Limits()
	for _, c := range k.circuitsAll {
		for _, six := range []bool{false, true} {
			rule, family := "route-private-limit-v4", "ipv4"
			if six {
				rule, family = "route-private-limit-v6", "ipv6"
			}
			most, premium := limits.PrivatePrefixesFromOnPrem(c.SKU.Tier, family), limits.PrivatePrefixesFromOnPrem(tierPremium, family)
			var worst end
			n := 0
			for _, e := range k.sessionsOf(c, privatePeering, six) {
				if m := len(k.heard(e)); m > n {
					worst, n = e, m
				}
			}
			if most == 0 || n <= most || n <= premium {
				continue
			}
			k.say(rule, worst.at(), fmt.Sprint(n), fmt.Sprintf("%d prefixes are announced on %s; its private peering takes %d %s prefixes and drops the session beyond", n, c.Name, most, strings.Replace(family, "ipv", "IPv", 1)),
				fmt.Sprintf("summarise them to %d or fewer", most))
		}
	}
}

// announcements are what a gateway announces to its circuits: its network's and its spokes' prefixes, and instead of those
// that a summary covers the summary. largest is the most that one spoke adds.
func (k *checker) announcements(f *feed, six bool) (list []netip.Prefix, largest int) {
	if f.home == nil {
		return nil, 0
	}
	summaries := slices.DeleteFunc(prefixes(f.home.Properties.SummarizedGatewayPrefixes), func(p netip.Prefix) bool { return p.Addr().Is6() != six })
	for _, v := range f.networks() {
		own := 0
		for _, p := range spaceOf(v, six) {
			if i := slices.IndexFunc(summaries, func(s netip.Prefix) bool { return s.Bits() <= p.Bits() && s.Contains(p.Addr()) }); i >= 0 {
				p = summaries[i]
			} else {
				own++
			}
			list = append(list, p)
		}
		if v != f.home {
			largest = max(largest, own)
		}
	}
	slices.SortFunc(list, netip.Prefix.Compare)
	return slices.Compact(list), largest
}

// advertisedLimits counts what each gateway announces to its circuits.
func (k *checker) advertisedLimits() {
	for _, f := range k.feeds() {
		if len(f.lines) == 0 {
			continue
		}
		for _, family := range []string{"ipv4", "ipv6"} {
			list, largest := k.announcements(&f, family == "ipv6")
			n, most, word := len(list), k.c.Limits().PrefixesToOnPrem(family), strings.Replace(family, "ipv", "IPv", 1)
			mending := "set summarizedGatewayPrefixes on " + f.homeName() + " to ranges that cover the spokes, or spread the networks over more gateways"
			switch {
			case n > most:
				k.say("route-azure-advertised-limit", string(f.g.ID), fmt.Sprint(n), fmt.Sprintf("%s announces %d %s prefixes of %d networks to each circuit; beyond %d the connection goes down, and all of them with it", f.g.Name, n, word, len(f.networks()), most), mending)
			case largest > 0 && n+largest > most:
				k.say("route-azure-summarise", string(f.g.ID), fmt.Sprint(n), fmt.Sprintf("%s announces %d %s prefixes, and one more spoke with %d would go beyond %d", f.g.Name, n, word, largest, most), mending)
			}
		}
	}
}

func (f *feed) homeName() string {
	if f.home == nil {
		return "its network"
	}
	return f.home.Name
}

// gatewayRoutes counts what a gateway holds: what it learns from its circuits, its networks' prefixes and the peerings'.
func (k *checker) gatewayRoutes() {
	for _, f := range k.feeds() {
		var learned []netip.Prefix
		for _, l := range f.lines {
			learned = append(learned, k.heardOn(l.c, false)...)
			learned = append(learned, k.heardOn(l.c, true)...)
		}
		slices.SortFunc(learned, netip.Prefix.Compare)
		learned = slices.Compact(learned)
		n := len(learned)
		if sku, ok := k.c.GatewaySKU(f.g.Properties.SKU.Name); ok && sku.MaxRoutesLearned > 0 && n > sku.MaxRoutesLearned {
			k.say("route-gateway-learned", string(f.g.ID), fmt.Sprint(n), fmt.Sprintf("the premises announce %d prefixes to %s; %s learns %d", n, f.g.Name, sku.Name, sku.MaxRoutesLearned), "summarise what the premises announce, or use a larger gateway SKU")
		}
		own := 0
		for _, v := range f.networks() {
			own += len(v.Properties.AddressSpace.AddressPrefixes)
		}
		if total, most := n+own, k.c.Limits().GatewayTotalRoutes; total > most {
			k.say("route-gateway-total", string(f.g.ID), fmt.Sprint(total), fmt.Sprintf("%s holds %d prefixes from the premises and %d of networks; together at most %d", f.g.Name, n, own, most), "summarise what the premises announce, or spread the networks over more gateways")
		}
	}
}

// summaries finds prefixes of one site that join to fewer without taking anything in that the site does not have.
func (k *checker) summaries() {
	told := map[string]bool{}
	for _, e := range k.ends {
		if !strings.EqualFold(e.s.Peering, privatePeering) {
			continue
		}
		bySite := map[string][]netip.Prefix{}
		for _, p := range k.heard(e) {
			if s := k.ownerSite(p); s != "" {
				bySite[s] = append(bySite[s], p)
			}
		}
		for _, s := range sortedKeys(bySite) {
			if fewer := merged(bySite[s]); len(fewer) < len(bySite[s]) && !told[s] {
				told[s] = true
				k.say("route-summarise-onprem", "site "+s, fmt.Sprint(len(bySite[s])), fmt.Sprintf("%d prefixes of %s are announced where %d say the same: %s", len(bySite[s]), s, len(fewer), firstFew(fewer)), "announce the joined prefixes on every session")
			}
		}
	}
}

// merged joins the two halves of a prefix into it, as often as there are any. A prefix inside another stays: it may steer.
func merged(list []netip.Prefix) []netip.Prefix {
	set := map[netip.Prefix]bool{}
	for _, p := range list {
		set[p] = true
	}
	work := slices.Clone(list)
	for len(work) > 0 {
		p := work[len(work)-1]
		work = work[:len(work)-1]
		if !set[p] || p.Bits() == 0 {
			continue
		}
		up, err := p.Addr().Prefix(p.Bits() - 1)
		if err != nil || set[up] {
			continue
		}
		a, b := halves(up)
		if set[a] && set[b] {
			delete(set, a)
			delete(set, b)
			set[up] = true
			work = append(work, up)
		}
	}
	var out []netip.Prefix
	for p := range set {
		out = append(out, p)
	}
	slices.SortFunc(out, netip.Prefix.Compare)
	return out
}

// halves are the two prefixes that a prefix consists of.
func halves(p netip.Prefix) (lower, upper netip.Prefix) {
	bytes := p.Addr().AsSlice()
	bytes[p.Bits()/8] |= 0x80 >> (p.Bits() % 8)
	second, _ := netip.AddrFromSlice(bytes)
	return netip.PrefixFrom(p.Addr(), p.Bits()+1), netip.PrefixFrom(second, p.Bits()+1)
}

// firstFew lists the first few for a sentence.
func firstFew(list []netip.Prefix) string {
	const few = 4
	var out []string
	for i, p := range list {
		if i == few {
			return strings.Join(out, " ") + " ..."
		}
		out = append(out, p.String())
	}
	return strings.Join(out, " ")
}

// everywhere is the IPv4 default route.
func everywhere() netip.Prefix { return netip.PrefixFrom(netip.IPv4Unspecified(), 0) }

// defaultRoutes finds default routes that the premises announce on private peering, and what they take with them.
func (k *checker) defaultRoutes() {
	from := map[string]bool{} // circuits with a default route
	type place struct {
		first    end
		value    string
		circuits []string
	}
	places := map[string]*place{} // by site, or by router where the provider's edge announces it
	for _, c := range k.circuitsAll {
		for _, six := range []bool{false, true} {
			for _, e := range k.sessionsOf(c, privatePeering, six) {
				i := slices.IndexFunc(k.heard(e), func(p netip.Prefix) bool { return p.Bits() == 0 })
				if i < 0 {
					continue
				}
				from[c.ID.Key()] = from[c.ID.Key()] || !six
				x := places[or(e.site, e.router.Name)]
				if x == nil {
					x = &place{first: e, value: k.heard(e)[i].String()}
					places[or(e.site, e.router.Name)] = x
				}
				if !slices.Contains(x.circuits, c.Name) {
					x.circuits = append(x.circuits, c.Name)
				}
			}
		}
	}
	for _, where := range sortedKeys(places) {
		x := places[where]
		k.say("route-default-needs-edge", x.first.at(), x.value, fmt.Sprintf("the premises announce a default route on %s: everything that the networks behind send to the internet goes to %s", strings.Join(x.circuits, ", "), where),
			"make sure that the internet edge there carries it, or take the default route out of the export policy")
	}
	for _, f := range k.feeds() {
		i := slices.IndexFunc(f.lines, func(l line) bool { return from[l.c.ID.Key()] })
		if i < 0 {
			continue
		}
		k.swallowed(&f, f.lines[i].c)
	}
}

// swallowed tells which subnets behind a gateway lose the internet's side of the platform to a default route.
func (k *checker) swallowed(f *feed, c *azure.ExpressRouteCircuit) {
	var management, platform []string
	for _, v := range f.networks() {
		for i := range v.Properties.Subnets {
			s := &v.Properties.Subnets[i]
			t := k.tableOf(s)
			if strings.EqualFold(s.Name, gatewaySubnet) || !k.followsDefault(t) {
				continue
			}
			where := v.Name + "/" + s.Name
			if !leavesDirectly(t) {
				management = append(management, where)
			}
			if len(s.Properties.ServiceEndpoints) == 0 && !k.privateEndpointIn(v) && !strings.EqualFold(s.Name, firewallSubnet) {
				platform = append(platform, where)
			}
		}
	}
	if len(management) > 0 {
		k.say("route-default-kms", string(f.g.ID), strings.Join(management, ", "), fmt.Sprintf("the default route from %s takes activation (KMS) and the platform's management to the premises too; an Azure Firewall or an appliance there stops working", c.Name),
			"give these subnets a route table with routes for the activation and management addresses to the next hop Internet (AzureFirewallSubnet: 0.0.0.0/0), or take the default route out of the premises' export policy")
	}
	if len(platform) > 0 {
		k.say("route-default-paas-hairpin", string(f.g.ID), strings.Join(platform, ", "), "public platform services are reached from these subnets by way of the premises and back", "put service endpoints on these subnets or private endpoints into the networks")
	}
}

const firewallSubnet = "AzureFirewallSubnet"

// followsDefault tells whether a subnet with this table uses a default route that its gateway learned.
func (k *checker) followsDefault(t *azure.RouteTable) bool {
	if t == nil {
		return true
	}
	if t.Properties.DisableBGPRoutePropagation {
		return false
	}
	return !slices.ContainsFunc(t.Properties.Routes, func(r azure.Route) bool { return r.Properties.AddressPrefix == everywhere().String() })
}

// leavesDirectly tells whether some route of the table has the next hop Internet.
func leavesDirectly(t *azure.RouteTable) bool {
	return t != nil && slices.ContainsFunc(t.Properties.Routes, func(r azure.Route) bool { return strings.EqualFold(r.Properties.NextHopType, "Internet") })
}

// nextHops finds user-defined routes that name a gateway which cannot be named.
func (k *checker) nextHops() {
	seen := map[string]bool{}
	for _, v := range k.vnets {
		for i := range v.Properties.Subnets {
			t := k.tableOf(&v.Properties.Subnets[i])
			if t == nil {
				continue
			}
			home := k.gatewayHome(v)
			for j := range t.Properties.Routes {
				r := &t.Properties.Routes[j]
				at := string(t.ID) + "/routes/" + r.Name
				if !strings.EqualFold(r.Properties.NextHopType, "VirtualNetworkGateway") || seen[at] || k.gatewayIn(home, isExpressRoute) == nil || k.gatewayIn(home, isVPN) != nil {
					continue
				}
				seen[at] = true
				k.say("route-udr-next-hop-er", at, r.Properties.AddressPrefix, fmt.Sprintf("the route leads %s/%s to the gateway %s, which is an ExpressRoute gateway", v.Name, v.Properties.Subnets[i].Name, k.gatewayIn(home, isExpressRoute).Name),
					"take the route away and let the gateway's own routes through (disableBgpRoutePropagation false), or name an appliance")
			}
		}
	}
}

// gatewayHome is the network whose gateway a network uses: its own, or the one that it is a spoke of; nil for neither.
func (k *checker) gatewayHome(v *azure.VirtualNetwork) *azure.VirtualNetwork {
	if k.gatewayIn(v, isExpressRoute) != nil || k.gatewayIn(v, isVPN) != nil {
		return v
	}
	for i := range v.Properties.VirtualNetworkPeerings {
		p := &v.Properties.VirtualNetworkPeerings[i].Properties
		if p.UseRemoteGateways && p.RemoteVirtualNetwork != nil {
			return k.vnetByKey[p.RemoteVirtualNetwork.ID.Key()]
		}
	}
	return nil
}

// propagation finds subnets that are kept from the gateway's routes and led to no appliance instead.
func (k *checker) propagation() {
	for _, v := range k.vnets {
		if k.gatewayHome(v) == nil {
			continue
		}
		for i := range v.Properties.Subnets {
			s := &v.Properties.Subnets[i]
			t := k.tableOf(s)
			if t == nil || !t.Properties.DisableBGPRoutePropagation || strings.EqualFold(s.Name, gatewaySubnet) || aside(s.Name) {
				continue
			}
			if !slices.ContainsFunc(t.Properties.Routes, func(r azure.Route) bool { return strings.EqualFold(r.Properties.NextHopType, "VirtualAppliance") }) {
				k.say("route-propagation-spokes", string(v.ID)+"/subnets/"+s.Name, t.Name, fmt.Sprintf("%s keeps the gateway's routes away from %s/%s and leads to no appliance, so it has no way to the premises", t.Name, v.Name, s.Name),
					"set disableBgpRoutePropagation to false on "+t.Name+", or add routes to the appliance")
			}
		}
	}
}

// aside tells whether a subnet is one of the platform's own, which may be kept away from the premises on purpose.
func aside(name string) bool {
	return strings.EqualFold(name, "AzureFirewallManagementSubnet") || strings.EqualFold(name, "AzureBastionSubnet")
}
