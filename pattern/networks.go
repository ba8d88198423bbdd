package pattern

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"onramp/azure"
	"onramp/design"
	"onramp/intent"
)

// Sizes of what Onramp itself places in networks. A network without an address space gets poolBits from the pool; IPv6
// networks get pool6Bits, each of their subnets 64, the only length that Azure takes.
const (
	poolBits        = 22
	pool6Bits       = 56
	subnet6Bits     = 64
	gatewayBits     = 27 // expressroute-about-virtual-network-gateways.md: /27 or larger
	gatewayBits16   = 26 // the same: needed for 16 circuits
	firewallBits    = 26
	defaultSubnet   = "default"
	maxTableRoutes  = 400 // virtual-networks-udr-overview.md
	keepRoomInTable = 40  // spokes and shared subnets that may join a table later
)

// planNetworks decides which virtual networks there are and which have gateways; addresses come later.
func (k *compiler) planNetworks() {
	var all []string
	for _, l := range k.lobs {
		for i := range l.Networks {
			all = append(all, l.Networks[i].Region)
		}
	}
	hub := k.planHub(all)
	for _, l := range k.lobs {
		own := hub
		if k.p == design.IsolatedHubSpoke && len(l.Networks) > 0 {
			own = k.planLineOfBusinessHub(l)
		}
		for _, i := range k.networkOrder(l) {
			in := &l.Networks[i]
			v := &vnet{suffix: k.unusedSuffix(in.Name, l.Name), lob: l.Name, subscription: l.Subscription, region: in.Region, role: roleNetwork, given: in.AddressSpace}
			v.name = "vnet-" + v.suffix
			for _, s := range in.Subnets {
				v.wants = append(v.wants, want{name: s.Name, bits: int(s.Size), prefix: s.Prefix})
			}
			if len(v.wants) == 0 {
				v.wants = []want{{name: defaultSubnet}}
			}
			if own != nil {
				v.hub, v.remote = own, l.private
			} else if l.private {
				v.gateway, v.serves = true, []*lob{l}
			}
			l.nets = append(l.nets, v)
			k.networks = append(k.networks, v)
		}
	}
	k.planSharedServices()
	slices.SortStableFunc(k.networks, compareNetworks)
	k.planPeerings()
}

// networkOrder is the order of a line of business's networks by name.
func (k *compiler) networkOrder(l *lob) []int {
	order := make([]int, len(l.Networks))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return strings.Compare(l.Networks[a].Name, l.Networks[b].Name) })
	return order
}

// unusedSuffix makes a network's name unique: two lines of business may both call a network "core".
func (k *compiler) unusedSuffix(name, lob string) string {
	if k.called == nil {
		k.called, k.suffixes = map[string]int{}, map[string]bool{}
		for _, l := range k.lobs {
			for i := range l.Networks {
				k.called[l.Networks[i].Name]++
			}
		}
	}
	for ; k.known < len(k.networks); k.known++ {
		k.suffixes[k.networks[k.known].suffix] = true
	}
	if k.called[name] == 1 && !k.suffixes[name] && name != sharedSubnet {
		return name
	}
	return lob + "-" + name
}

// planHub makes the one hub of shared-hub-spoke.
func (k *compiler) planHub(regions []string) *vnet {
	if k.p != design.SharedHubSpoke || len(regions) == 0 && k.e.SharedServices == nil {
		return nil
	}
	v := &vnet{name: "vnet-hub", suffix: "hub", subscription: k.owner(k.kept.subscriptionOf("vnet-hub")), region: mostUsed(regions), role: roleHub, gateway: true, firewall: k.inspects()}
	if s := k.e.SharedServices; s != nil {
		v.region, v.given = s.Region, s.AddressSpace
		v.wants = []want{{name: sharedSubnet}}
	}
	for _, l := range k.lobs {
		if l.private {
			v.serves = append(v.serves, l)
		}
	}
	k.networks = append(k.networks, v)
	return v
}

// planLineOfBusinessHub makes the hub of one line of business. The address space of the shared services is the first
// hub's; where an earlier design gave it to another, that one keeps it.
func (k *compiler) planLineOfBusinessHub(l *lob) *vnet {
	var regions []string
	for i := range l.Networks {
		regions = append(regions, l.Networks[i].Region)
	}
	v := &vnet{suffix: "hub-" + l.Name, lob: l.Name, subscription: l.Subscription, region: mostUsed(regions), role: roleHub, gateway: l.private, firewall: k.inspects()}
	v.name = "vnet-" + v.suffix
	if l.private {
		v.serves = []*lob{l}
	}
	if s := k.e.SharedServices; s != nil {
		v.wants = []want{{name: sharedSubnet}}
		if len(s.AddressSpace) > 0 && l == k.firstHub(s.AddressSpace) {
			v.given = s.AddressSpace
		}
	}
	k.networks = append(k.networks, v)
	return v
}

// firstHub is the line of business whose hub has the shared services' address space.
func (k *compiler) firstHub(space []netip.Prefix) *lob {
	var first *lob
	for _, l := range k.lobs {
		if len(l.Networks) == 0 {
			continue
		}
		if first == nil {
			first = l
		}
		// It may have had IPv6 from the pool beside it.
		kept := k.kept.spaces[vnetID(l.Subscription, "vnet-hub-"+l.Name).Key()]
		if !slices.ContainsFunc(space, func(p netip.Prefix) bool { return !slices.Contains(kept, p) }) {
			return l
		}
	}
	return first
}

// planSharedServices makes the plain network of the shared services where there is no hub to hold them.
func (k *compiler) planSharedServices() {
	s := k.e.SharedServices
	if s == nil || k.p.HubAndSpoke() {
		return
	}
	v := &vnet{name: "vnet-shared", suffix: "shared", subscription: k.owner(k.kept.subscriptionOf("vnet-shared")), region: s.Region, role: roleShared, given: s.AddressSpace,
		wants: []want{{name: sharedSubnet}}, gateway: k.p == design.Shared && slices.ContainsFunc(k.lobs, func(l *lob) bool { return l.private })}
	k.networks = append(k.networks, v)
}

// planPeerings joins spokes with their hubs, and networks whose lines of business reach each other or the shared services
// where no firewall has to stand between them.
func (k *compiler) planPeerings() {
	for _, v := range k.networks {
		if v.hub != nil {
			join(v, v.hub)
		}
		if v.role == roleShared {
			for _, l := range k.lobs {
				if slices.Contains(l.Needs.Reaches, intent.Shared) {
					for _, n := range l.nets {
						join(n, v)
					}
				}
			}
		}
	}
	for _, pair := range k.reachPairs() {
		a, b := pair[0], pair[1]
		if k.p.HubAndSpoke() && k.inspects() {
			// Through the firewalls: within one hub nothing more is needed, between two the hubs are peered.
			if len(a.nets) > 0 && len(b.nets) > 0 && a.nets[0].hub != b.nets[0].hub {
				join(a.nets[0].hub, b.nets[0].hub)
			}
			continue
		}
		for _, x := range a.nets {
			for _, y := range b.nets {
				join(x, y)
			}
		}
	}
	for _, v := range k.networks {
		slices.SortFunc(v.peers, compareNetworks)
	}
}

// join peers two networks, once.
func join(a, b *vnet) {
	if a != b && !slices.Contains(a.peers, b) {
		a.peers, b.peers = append(a.peers, b), append(b.peers, a)
	}
}

// reachPairs are the pairs of lines of business of which one reaches the other, by name.
func (k *compiler) reachPairs() [][2]*lob {
	var out [][2]*lob
	for i, a := range k.lobs {
		for _, b := range k.lobs[i+1:] {
			if slices.Contains(a.Needs.Reaches, b.Name) || slices.Contains(b.Needs.Reaches, a.Name) {
				out = append(out, [2]*lob{a, b})
			}
		}
	}
	return out
}

func vnetID(subscription, name string) azure.ID { return resourceID(subscription, typeVNet, name) }

func (v *vnet) id() azure.ID { return vnetID(v.subscription, v.name) }

func (v *vnet) subnetID(name string) azure.ID {
	return resourceID(v.subscription, typeSubnet, v.name, name)
}

func (v *vnet) subnet(name string) *subnet {
	for _, s := range v.subnets {
		if s.name == name {
			return s
		}
	}
	return nil
}

// allocate gives every network its address space: what the intent gives, else what an earlier design gave, else the first
// free place of the pool.
func (k *compiler) allocate() bool {
	pools := k.e.Pools
	var taken []netip.Prefix
	for i := range k.e.Premises.Sites {
		s := &k.e.Premises.Sites[i]
		taken = append(append(taken, s.Prefixes...), s.PublicPrefixes...)
		k.ipv6 = k.ipv6 || len(family(s.Prefixes, true)) > 0
	}
	site6 := k.ipv6
	for _, v := range k.networks {
		taken = append(taken, v.given...)
		k.ipv6 = k.ipv6 || len(family(v.given, true)) > 0
	}
	k.transit = design.NewLease(pools.Transit, taken)
	k.microsoft = design.NewLease(pools.MicrosoftTransit, taken)
	k.addresses = design.NewLease(pools.Addresses, append(append(taken, pools.Transit...), pools.MicrosoftTransit...))
	k.keepAddresses()
	for _, v := range k.networks {
		v.space = slices.Clone(v.given)
		if len(family(v.given, false)) == 0 {
			p, err := k.addresses.Take(addressName(v, false), poolBits, false)
			if err != nil {
				k.obstacle(v.lob, "pools.addresses", err.Error(), "widen pools.addresses, or give network "+v.suffix+" an addressSpace")
				return false
			}
			v.space = append(v.space, p)
		}
		// A firewall inspects IPv4 only: where everything is to be inspected nobody gets IPv6 who did not ask for it.
		// A gateway carries the IPv6 of its spokes only if GatewaySubnet has some (expressroute-howto-add-ipv6.md).
		if (len(v.given) == 0 && site6 || k.carriesIPv6(v, site6)) && !k.inspects() && len(family(pools.Addresses, true)) > 0 {
			p, err := k.addresses.Take(addressName(v, true), pool6Bits, true)
			if err != nil {
				k.obstacle(v.lob, "pools.addresses", err.Error(), "widen the IPv6 part of pools.addresses")
			} else {
				v.space = append(v.space, p)
			}
		}
		k.carve(v)
	}
	return true
}

// carriesIPv6 tells whether a network without IPv6 is the hub of one with it, given or, where the sites have IPv6, from the pool.
func (k *compiler) carriesIPv6(hub *vnet, sites bool) bool {
	return len(family(hub.given, true)) == 0 && slices.ContainsFunc(k.networks, func(v *vnet) bool {
		return v.hub == hub && v.remote && (len(family(v.given, true)) > 0 || sites && len(v.given) == 0)
	})
}

func addressName(v *vnet, ipv6 bool) string {
	if ipv6 {
		return v.id().Key() + "/ipv6"
	}
	return v.id().Key()
}

// carve cuts a network's subnets: those asked for from the bottom, the gateway's and the firewall's from the top.
func (k *compiler) carve(v *vnet) {
	c := design.NewCarve(v.space)
	before := k.kept.subnets[v.id().Key()]
	type ask struct {
		name    string
		bits    int
		special bool
		only4   bool
		prefix  netip.Prefix
	}
	var asks []ask
	for _, w := range v.wants {
		bits := w.bits
		if bits == 0 {
			bits = family(v.space, false)[0].Bits() + 1
		}
		asks = append(asks, ask{name: w.name, bits: bits, prefix: w.prefix})
	}
	if v.gateway {
		asks = append(asks, ask{name: gatewaySubnet, bits: gatewayBits, special: true})
	}
	if v.firewall {
		asks = append(asks, ask{name: firewallSubnet, bits: firewallBits, special: true, only4: true})
	}
	got := make([]*subnet, len(asks))
	for i, a := range asks {
		got[i] = &subnet{name: a.name}
		if a.prefix.IsValid() && c.Keep(a.prefix) {
			if a.prefix.Addr().Is4() {
				got[i].v4 = a.prefix
			} else {
				got[i].v6 = a.prefix
			}
			continue
		}
		for _, p := range before[a.name] {
			if p.Addr().Is4() && p.Bits() == a.bits && c.Keep(p) {
				got[i].v4 = p
			}
			if p.Addr().Is6() && !a.only4 && p.Bits() == subnet6Bits && c.Keep(p) {
				got[i].v6 = p
			}
		}
	}
	dual := len(family(v.space, true)) > 0
	for i, a := range asks {
		take := c.Bottom
		if a.special {
			take = c.Top
		}
		ok := true
		if !got[i].v4.IsValid() && !(a.prefix.IsValid() && a.prefix.Addr().Is6()) {
			if got[i].v4, ok = take(a.bits, false); !ok {
				k.obstacle(v.lob, "networks.addressSpace", fmt.Sprintf("%s has no room for subnet %s (/%d) in %v", v.name, a.name, a.bits, v.space),
					fmt.Sprintf("leave a free aligned /%d in the addressSpace of %s, or add a prefix to it", a.bits, v.suffix))
				if a.name == gatewaySubnet {
					v.gateway = false
				}
				if a.name == firewallSubnet {
					v.firewall = false
				}
				continue
			}
		}
		if dual && !a.only4 && !got[i].v6.IsValid() {
			if got[i].v6, ok = take(subnet6Bits, true); !ok {
				k.obstacle(v.lob, "networks.addressSpace", fmt.Sprintf("%s has no room for the IPv6 /64 of subnet %s in %v", v.name, a.name, family(v.space, true)),
					"give "+v.suffix+" an IPv6 prefix with a /64 for each subnet and one more for the gateway")
			}
		}
		v.subnets = append(v.subnets, got[i])
	}
}

// announced is what a gateway announces: the whole space of its network and of the networks that use it.
func (k *compiler) announced(g *vnet) []netip.Prefix {
	return sortedPrefixes(k.summarise(g, k.behind(g)))
}

// behind is the space of a gateway's network and of its spokes, spoke by spoke.
func (k *compiler) behind(g *vnet) []netip.Prefix {
	out := slices.Clone(g.space)
	for _, v := range k.networks {
		if v.hub == g && v.remote {
			out = append(out, v.space...)
		}
	}
	return out
}
