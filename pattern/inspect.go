package pattern

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"go4.org/netipx"

	"onramp/intent"
)

// table is a route table with the subnet that uses it.
type table struct {
	name     string
	network  *vnet
	subnet   string
	isolated bool // BGP propagation off, so that nothing goes round the firewall
	routes   []hop
}

// hop sends a prefix to a firewall, or nowhere where there is no address.
type hop struct {
	name   string
	prefix netip.Prefix
	to     netip.Addr
}

// allowance is one allow rule of a firewall; everything else is denied.
type allowance struct {
	name     string
	from, to []netip.Prefix
}

// firewallAddress is the address that Azure gives a firewall: the first that it does not keep for itself in the subnet.
func (v *vnet) firewallAddress() netip.Addr {
	a := v.subnet(firewallSubnet).v4.Addr()
	for range 4 {
		a = a.Next()
	}
	return a
}

// spokes are the networks of a hub, in order.
func (k *compiler) spokes(hub *vnet) []*vnet {
	var out []*vnet
	for _, v := range k.networks {
		if v.hub == hub {
			out = append(out, v)
		}
	}
	return out
}

// hubs are the networks with a firewall, in order.
func (k *compiler) hubs() []*vnet {
	var out []*vnet
	for _, v := range k.networks {
		if v.firewall && v.subnet(firewallSubnet) != nil {
			out = append(out, v)
		}
	}
	return out
}

// space4 is the IPv4 space of networks: Azure Firewall inspects IPv4 only.
func space4(list ...*vnet) []netip.Prefix {
	var out []netip.Prefix
	for _, v := range list {
		out = append(out, family(v.space, false)...)
	}
	return sortedPrefixes(out)
}

// sharedSpace is the subnet of the shared services in a hub, empty where there is none.
func sharedSpace(hub *vnet) []netip.Prefix {
	if s := hub.subnet(sharedSubnet); s != nil {
		return []netip.Prefix{s.v4}
	}
	return nil
}

// reaches tells whether either line of business reaches the other.
func reaches(a, b *lob) bool {
	return slices.Contains(a.Needs.Reaches, b.Name) || slices.Contains(b.Needs.Reaches, a.Name)
}

// tables are the user-defined routes that make inspected traffic pass the firewall in both directions: spokes and the
// shared subnet send the premises' and each other's prefixes to it, GatewaySubnet sends it what comes from the premises.
func (k *compiler) tables() []*table {
	var out []*table
	for _, hub := range k.hubs() {
		fw := hub.firewallAddress()
		spokes := k.spokes(hub)
		shared := sharedSpace(hub)
		for _, v := range spokes {
			l := k.lobNamed(v.lob)
			t := &table{name: "rt-" + v.suffix, network: v, isolated: true}
			t.premises(k, l.sites, fw)
			t.add("shared", shared, fw)
			// Other spokes of the hub, and those of hubs whose line of business this one reaches. A spoke that it does not reach
			// has no route here at all: propagation is off and peering does not transit.
			for _, o := range k.networks {
				other := k.lobNamed(o.lob)
				if o.role == roleNetwork && other != nil && other != l && o.hub != nil && reaches(l, other) {
					t.add("to-"+o.suffix, space4(o), fw)
				}
			}
			t.routes = append(t.routes, k.offInternet(v)...)
			out = append(out, t)
		}
		if hub.gateway {
			t := &table{name: "rt-" + hub.suffix + "-gateway", network: hub, subnet: gatewaySubnet}
			for _, v := range spokes {
				if v.remote {
					t.add("to-"+v.suffix, space4(v), fw)
				}
			}
			t.add("shared", shared, fw)
			out = append(out, t)
		}
		if len(shared) > 0 {
			t := &table{name: "rt-" + hub.suffix + "-" + sharedSubnet, network: hub, subnet: sharedSubnet, isolated: true}
			sites := k.allSites()
			t.premises(k, sites, fw)
			for _, v := range spokes {
				t.add("to-"+v.suffix, space4(v), fw)
			}
			// The hub's own peerings would lead past the firewall to what stands in other hubs.
			for _, o := range hub.peers {
				if o.role == roleHub {
					t.add("to-"+o.suffix, space4(o), fw)
				}
			}
			t.routes = append(t.routes, k.offInternet(hub)...)
			out = append(out, t)
		}
		if t := k.firewallTable(hub); t != nil {
			out = append(out, t)
		}
	}
	for _, v := range k.networks {
		if k.inspects() && (v.firewall || v.hub != nil && v.hub.firewall) || !v.gateway && !v.remote {
			continue
		}
		if routes := k.offInternet(v); len(routes) > 0 {
			out = append(out, &table{name: "rt-" + v.suffix, network: v, routes: routes})
		}
	}
	for _, t := range out {
		slices.SortFunc(t.routes, func(a, b hop) int { return strings.Compare(a.name, b.name) })
	}
	return out
}

// firewallTable leads from one hub's firewall to another's, for lines of business that reach each other.
func (k *compiler) firewallTable(hub *vnet) *table {
	t := &table{name: "rt-" + hub.suffix + "-firewall", network: hub, subnet: firewallSubnet}
	for _, other := range hub.peers {
		if other.role != roleHub || !other.firewall || other.subnet(firewallSubnet) == nil {
			continue
		}
		for _, v := range k.spokes(other) {
			t.add("to-"+v.suffix, space4(v), other.firewallAddress())
		}
	}
	t.routes = append(t.routes, k.offInternet(hub)...)
	if len(t.routes) == 0 {
		return nil
	}
	return t
}

func (k *compiler) allSites() []string {
	var out []string
	for _, s := range k.survey.sites {
		out = append(out, s.Name)
	}
	return out
}

// nowhere are the ranges that Azure's own routes lead nowhere while nobody announces them (virtual-networks-udr-overview.md); what
// lies outside goes to the internet then.
func nowhere() []netip.Prefix {
	var out []netip.Prefix
	for _, s := range []string{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"} {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

// offInternet are routes to nowhere that keep what is meant for the sites off the internet while no circuit carries it: for all
// sites, since a network v learns also those that it does not need. Each is shorter than what the premises announce, so that the announcement wins while it is there: a user-defined route of the same
// length would win over it.
func (k *compiler) offInternet(v *vnet) []hop {
	local := netip.MustParsePrefix("fc00::/7") // RFC 4193
	if k.everySite == nil {
		k.everySite = k.sitePrefixes(k.allSites())
	}
	all, private := slices.Clip(k.everySite), nowhere()
	if len(k.routePairs()) > 0 || k.inspects() { // what the premises bring from other networks, or a firewall would pass if it could
		for _, o := range k.networks {
			if o != v {
				all = append(all, o.space...)
			}
		}
	}
	var list []netip.Prefix
	for _, p := range all {
		if len(family(v.space, p.Addr().Is6())) == 0 {
			continue
		}
		covered := slices.ContainsFunc(private, func(n netip.Prefix) bool { return n.Bits() < p.Bits() && n.Contains(p.Addr()) })
		if covered || p.Bits() == 0 {
			continue
		}
		shorter := local
		if !local.Contains(p.Addr()) {
			for shorter = p; slices.Contains(all, shorter) && shorter.Bits() > 0; {
				shorter = netip.PrefixFrom(shorter.Addr(), shorter.Bits()-1).Masked()
			}
		}
		list = append(list, shorter)
	}
	t := &table{}
	t.add("off-internet", sortedPrefixes(list), netip.Addr{})
	return t.routes
}

func (t *table) add(name string, list []netip.Prefix, to netip.Addr) {
	for i, p := range list {
		n := name
		if len(list) > 1 {
			n = fmt.Sprintf("%s-%d", name, i+1)
		}
		t.routes = append(t.routes, hop{n, p, to})
	}
}

// premises adds a route for each prefix of the sites. Where a table has no room for all, neighbouring prefixes are joined,
// and if that is not enough everything outside goes to the firewall.
func (t *table) premises(k *compiler, sites []string, to netip.Addr) {
	list := family(k.sitePrefixes(sites), false)
	room := maxTableRoutes - keepRoomInTable - len(k.networks)
	if len(list) > room {
		var b netipx.IPSetBuilder
		for _, p := range list {
			b.AddPrefix(p)
		}
		if set, err := b.IPSet(); err == nil {
			list = set.Prefixes()
		}
	}
	if len(list) > room {
		list = []netip.Prefix{netip.PrefixFrom(netip.IPv4Unspecified(), 0)}
	}
	if len(list) == 1 {
		t.routes = append(t.routes, hop{"premises", list[0], to})
		return
	}
	t.add("premises", list, to)
}

// allowances are a hub's firewall rules: premises and lines of business by the sites they need, shared services and each
// other where the intent says that they reach them. Nothing else is allowed.
func (k *compiler) allowances(hub *vnet) []allowance {
	var out []allowance
	both := func(name, a, b string, as, bs []netip.Prefix) {
		if len(as) > 0 && len(bs) > 0 {
			out = append(out, allowance{name + "-" + a + "-to-" + b, as, bs}, allowance{name + "-" + b + "-to-" + a, bs, as})
		}
	}
	for _, l := range k.lobs {
		mine := slices.DeleteFunc(slices.Clone(l.nets), func(v *vnet) bool { return v.hub != hub })
		if len(mine) == 0 {
			continue
		}
		if l.private {
			both("premises", l.Name, "sites", space4(mine...), family(k.sitePrefixes(l.sites), false))
		}
		if slices.Contains(l.Needs.Reaches, intent.Shared) {
			both("shared", l.Name, "services", space4(mine...), sharedSpace(hub))
		}
	}
	for _, pair := range k.reachPairs() {
		a, b := pair[0], pair[1]
		if slices.ContainsFunc(append(slices.Clone(a.nets), b.nets...), func(v *vnet) bool { return v.hub == hub }) {
			both("reach", a.Name, b.Name, space4(a.nets...), space4(b.nets...))
		}
	}
	return out
}

// inspectObstacles says where inspection cannot be had.
func (k *compiler) inspectObstacles() {
	if !k.inspects() {
		return
	}
	for _, l := range k.lobs {
		if len(l.Networks) == 0 {
			continue
		}
		if !k.p.HubAndSpoke() {
			k.obstacle(l.Name, "inspect", "sharedServices.inspect asks that every flow passes a hub's firewall, and the pattern "+string(k.p)+" has no hub",
				"use a hub-and-spoke pattern, or inspect: false")
			continue
		}
		for _, v := range l.nets {
			if len(family(v.space, true)) > 0 {
				k.assume("firewall-ipv4-only", "Azure Firewall passes IPv4 only: IPv6 traffic of inspected networks has no way to the premises.",
					"The facts hold nothing on IPv6 in Azure Firewall; leaving IPv6 without a route fails closed.")
				k.obstacle(l.Name, "inspect", "network "+v.suffix+" has IPv6 prefixes, and the firewall inspects IPv4 only, so its IPv6 is cut off", "leave IPv6 out of "+v.suffix+", or inspect: false")
			}
		}
	}
	for _, v := range k.networks {
		if v.role == roleHub && !v.firewall {
			k.obstacle(v.lob, "inspect", v.name+" has no room for AzureFirewallSubnet", "give the hub an addressSpace of /24 or larger")
		}
	}
}

// summarise replaces what a hub's gateway announces by fewer, joined prefixes when there are more than Azure allows;
// it sets them as the hub's summarizedGatewayPrefixes.
func (k *compiler) summarise(g *vnet, list []netip.Prefix) []netip.Prefix {
	if !k.summarised(list) {
		return list
	}
	var b netipx.IPSetBuilder
	for _, p := range list {
		if !slices.Contains(g.space, p) {
			b.AddPrefix(p)
		}
	}
	set, err := b.IPSet()
	if err != nil {
		return list
	}
	return append(slices.Clone(g.space), set.Prefixes()...)
}

// summarised tells whether a gateway would announce more than the limit without summaries.
func (k *compiler) summarised(list []netip.Prefix) bool {
	limits := k.c.Limits()
	return len(family(list, false)) > limits.PrefixesToOnPrem("ipv4") || len(family(list, true)) > limits.PrefixesToOnPrem("ipv6")
}
