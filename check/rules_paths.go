package check

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"onramp/azure"
	"onramp/design"
)

// pathRules are about user-defined routes that take only one direction of a flow past an appliance, or lose to what the
// gateway learned. They read the tables of both ends of the gateway; package prove follows the flows themselves.
func pathRules() []ruleSet {
	return []ruleSet{
		{(*checker).bothWays, []string{"route-symmetric"}},
		{(*checker).shadowed, []string{"route-propagation-spokes"}},
		{(*checker).wideSummaries, []string{"route-no-overlap"}},
	}
}

// way is where a subnet or a gateway sends something: to an appliance, by the platform's own routes (the zero way), or nowhere.
type way struct {
	appliance netip.Addr
	nowhere   bool
}

// led is the longest user-defined route of a table that covers a prefix.
func led(t *azure.RouteTable, p netip.Prefix) (r *azure.RouteProperties, bits int) {
	bits = -1
	if t == nil {
		return nil, bits
	}
	for i := range t.Properties.Routes {
		x := &t.Properties.Routes[i].Properties
		u, err := netip.ParsePrefix(x.AddressPrefix)
		if err == nil && u.Bits() <= p.Bits() && u.Bits() > bits && u.Contains(p.Addr()) {
			r, bits = x, u.Bits()
		}
	}
	return r, bits
}

// wayOf reads a route's next hop.
func wayOf(r *azure.RouteProperties) way {
	switch {
	case r == nil:
		return way{}
	case strings.EqualFold(r.NextHopType, "VirtualAppliance"):
		a, err := netip.ParseAddr(r.NextHopIPAddress)
		return way{appliance: a, nowhere: err != nil}
	case strings.EqualFold(r.NextHopType, "VirtualNetworkGateway"), strings.EqualFold(r.NextHopType, "VnetLocal"):
		return way{}
	}
	return way{nowhere: true} // None, Internet
}

// inward is how a gateway sends what comes from the premises to a subnet: the routes of GatewaySubnet against the network's
// own prefix. Of two equally long ones the user's wins (virtual-networks-udr-overview.md).
func (k *checker) inward(f *feed, v *azure.VirtualNetwork, to netip.Prefix) way {
	own := 0
	for _, s := range spaceOf(v, false) {
		if s.Bits() <= to.Bits() && s.Contains(to.Addr()) {
			own = s.Bits()
		}
	}
	if r, bits := led(k.tableOf(subnetNamed(f.home, gatewaySubnet)), to); bits >= own {
		return wayOf(r)
	}
	return way{}
}

// outward is how a subnet sends to a prefix of the premises that its gateway learned.
func outward(t *azure.RouteTable, to netip.Prefix) way {
	r, bits := led(t, to)
	if t != nil && t.Properties.DisableBGPRoutePropagation {
		if r == nil {
			return way{nowhere: true}
		}
		return wayOf(r)
	}
	if bits >= to.Bits() {
		return wayOf(r)
	}
	return way{}
}

// foreign are those prefixes of the premises that a network can learn: what lies in its own space, or in that of a network
// that it is peered with, stays there even if the gateway has a longer route (virtual-networks-udr-overview.md).
func (k *checker) foreign(v *azure.VirtualNetwork, premises []netip.Prefix) []netip.Prefix {
	var ground []netip.Prefix
	for _, o := range append(k.peersOf(v), v) {
		ground = append(ground, spaceOf(o, false)...)
	}
	return slices.DeleteFunc(slices.Clone(premises), func(p netip.Prefix) bool {
		return slices.ContainsFunc(ground, func(s netip.Prefix) bool { return s.Bits() <= p.Bits() && s.Contains(p.Addr()) })
	})
}

// firewallAt is the Azure Firewall of the design that has an address, "" when there is none.
func (k *checker) firewallAt(a netip.Addr) string {
	for _, f := range azure.Of[*azure.AzureFirewall](k.d.Resources) {
		for i := range f.Properties.IPConfigurations {
			if x, err := netip.ParseAddr(f.Properties.IPConfigurations[i].Properties.PrivateIPAddress); err == nil && x == a {
				return f.Name
			}
		}
	}
	return ""
}

// bothWays holds the way in against the way out for every subnet behind each gateway: a stateful appliance that sees one
// direction only drops the flow.
func (k *checker) bothWays() {
	for _, f := range k.feeds() {
		if f.home == nil {
			continue
		}
		learned := k.learned(&f)
		type ways struct{ in, out way }
		var order []ways
		where := map[ways][]string{}
		example := map[ways]netip.Prefix{}
		for _, v := range f.networks() {
			premises := k.foreign(v, learned)
			for i := range v.Properties.Subnets {
				s := &v.Properties.Subnets[i]
				if platformSubnet(s.Name) {
					continue
				}
				for _, w := range subnetPrefixes(s) {
					if !w.Addr().Is4() {
						continue
					}
					in := k.inward(&f, v, w)
					j := slices.IndexFunc(premises, func(p netip.Prefix) bool {
						out := outward(k.tableOf(s), p)
						return !in.nowhere && !out.nowhere && in != out
					})
					if j < 0 {
						continue
					}
					x := ways{in, outward(k.tableOf(s), premises[j])}
					if where[x] == nil {
						order = append(order, x)
						example[x] = premises[j]
					}
					where[x] = append(where[x], v.Name+"/"+s.Name)
				}
			}
		}
		for _, x := range order {
			severity := design.Warning
			if k.firewallAt(x.in.appliance) != "" || k.firewallAt(x.out.appliance) != "" {
				severity = design.Error // it is stateful for certain
			}
			k.sayAs(severity, "route-symmetric", string(f.g.ID), strings.Join(where[x], ", "),
				fmt.Sprintf("what comes from %s of the premises goes in by %s, and the answers go out by %s: a stateful appliance sees one direction only and drops the flow", example[x], k.wayName(x.in), k.wayName(x.out)),
				k.sameWay(x.in, x.out, f.home.Name))
		}
	}
}

func (k *checker) wayName(w way) string {
	switch {
	case !w.appliance.IsValid():
		return "the gateway directly"
	case k.firewallAt(w.appliance) != "":
		return fmt.Sprintf("%s (%s)", k.firewallAt(w.appliance), w.appliance)
	}
	return "the appliance " + w.appliance.String()
}

// sameWay says how both directions come to take one way.
func (k *checker) sameWay(in, out way, home string) string {
	switch {
	case !in.appliance.IsValid():
		return fmt.Sprintf("add routes for these subnets' networks with next hop %s to the route table of GatewaySubnet in %s, or let the answers go by the gateway too", out.appliance, home)
	case !out.appliance.IsValid():
		return fmt.Sprintf("give these subnets a route table with the premises' prefixes to next hop %s and disableBgpRoutePropagation true", in.appliance)
	}
	return fmt.Sprintf("lead both directions to the same appliance: next hop %s in the subnets' route tables, or the other one on GatewaySubnet of %s and the gateway of its hub", in.appliance, home)
}

// platformSubnet tells whether a subnet is the platform's own, whose flows the routes of others do not follow.
func platformSubnet(name string) bool {
	return strings.EqualFold(name, gatewaySubnet) || strings.EqualFold(name, firewallSubnet) || strings.EqualFold(name, "RouteServerSubnet") || aside(name)
}

// learned are the IPv4 prefixes that a gateway learns from the premises, without default routes.
func (k *checker) learned(f *feed) []netip.Prefix {
	var out []netip.Prefix
	for _, l := range f.lines {
		out = append(out, k.heardOn(l.c, false)...)
	}
	out = slices.DeleteFunc(out, func(p netip.Prefix) bool { return p.Bits() == 0 })
	slices.SortFunc(out, netip.Prefix.Compare)
	return slices.Compact(out)
}

// shadowed finds routes to an appliance for a wide range of which the gateway learns a part by a longer prefix: that part
// goes past the appliance.
func (k *checker) shadowed() {
	told := map[string]bool{}
	for _, f := range k.feeds() {
		learned := k.learned(&f)
		for _, v := range f.networks() {
			premises := k.foreign(v, learned)
			for i := range v.Properties.Subnets {
				s := &v.Properties.Subnets[i]
				t := k.tableOf(s)
				if t == nil || t.Properties.DisableBGPRoutePropagation || platformSubnet(s.Name) || told[t.ID.Key()] {
					continue
				}
				if slices.ContainsFunc(subnetPrefixes(s), func(w netip.Prefix) bool { return w.Addr().Is4() && k.inward(&f, v, w).appliance.IsValid() }) {
					continue // bothWays tells
				}
				for _, p := range premises {
					r, bits := led(t, p)
					if w := wayOf(r); bits <= 0 || bits >= p.Bits() || !w.appliance.IsValid() {
						continue
					}
					told[t.ID.Key()] = true
					k.sayAs(design.Warning, "route-propagation-spokes", string(t.ID), r.AddressPrefix, fmt.Sprintf("%s leads %s to the appliance %s, and the gateway's route for %s is longer: what goes from %s to the premises passes the appliance by", t.Name, r.AddressPrefix, r.NextHopIPAddress, p, v.Name),
						"set disableBgpRoutePropagation to true on "+t.Name+", or name the premises' prefixes in it")
					break
				}
			}
		}
	}
}

// wideSummaries finds summaries of a hub that take in what is the premises'.
func (k *checker) wideSummaries() {
	for _, v := range k.vnets {
		for _, p := range prefixes(v.Properties.SummarizedGatewayPrefixes) {
			for i := range k.d.Premises.Sites {
				s := &k.d.Premises.Sites[i]
				j := slices.IndexFunc(s.Prefixes, func(x netip.Prefix) bool { return x.IsValid() && x.Bits() > 0 && x.Overlaps(p) })
				if j >= 0 {
					k.sayAs(design.Warning, "route-no-overlap", string(v.ID), p.String(), fmt.Sprintf("%s announces %s to the premises, and %s of %s lies in it: where the premises lose that route, its traffic goes to Azure and is dropped", v.Name, p, s.Prefixes[j], s.Name),
						"set summarizedGatewayPrefixes to ranges that hold networks only")
					break
				}
			}
		}
	}
}
