package network

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"onramp/azure"
	"onramp/bgp"
	"onramp/design"
)

// microsoftServices stands each service whose community a route filter allows behind the Microsoft peerings
// (AssumeServicePrefix); nothing is announced without a filter (how-to-routefilter-portal.md).
func (b *builder) microsoftServices() {
	n := b.n
	filters := map[string]map[bgp.Community]bool{}
	wanted := map[bgp.Community]bool{}
	for _, f := range azure.Of[*azure.RouteFilter](b.rs) {
		set := map[bgp.Community]bool{}
		for i := range f.Properties.Rules {
			r := &f.Properties.Rules[i]
			if !strings.EqualFold(r.Properties.Access, "Allow") {
				continue
			}
			for _, s := range r.Properties.Communities {
				k, err := bgp.ParseCommunity(s)
				if err != nil {
					b.find("build-route-filter", design.Error, string(f.ID), s, "not a community: "+err.Error(), "use a community of `onramp catalog services`", "expressroute-routing.md")
					continue
				}
				set[k], wanted[k] = true, true
			}
		}
		filters[f.ID.Key()] = set
	}
	node := -1
	for _, c := range n.circuits {
		p := c.peering("MicrosoftPeering")
		if p == nil || c.ms[0] < 0 && c.ms[1] < 0 {
			continue
		}
		if node < 0 {
			node = b.router(&router{name: "microsoft", kind: kindServices, asn: bgp.ASN(b.c.Limits().MicrosoftASN), id: routerID(5, 0), place: c.place[0],
				config: bgp.Config{PreferOldest: true, Multipath: 8}}).index
			for i, s := range b.serviceList(wanted) {
				s.prefix = netip.PrefixFrom(netip.AddrFrom4([4]byte{198, 18, byte(i), 0}), 24)
				n.services = append(n.services, s)
			}
			b.rest(AssumeServicePrefix)
		}
		allowed := map[bgp.Community]bool{}
		if p.Properties.RouteFilter != nil {
			allowed = filters[p.Properties.RouteFilter.ID.Key()]
		}
		public := map[netip.Prefix]bool{}
		if mc := p.Properties.MicrosoftPeeringConfig; mc != nil {
			for _, x := range b.parsePrefixes(string(c.res.ID)+"/MicrosoftPeering/advertisedPublicPrefixes", mc.AdvertisedPublicPrefixes) {
				public[x] = true
			}
		}
		for h := range 2 {
			if c.ms[h] < 0 {
				continue
			}
			n.routers[c.ms[h]].allowed, n.routers[c.ms[h]].public = allowed, public
			b.session(&session{name: "microsoft--" + n.routers[c.ms[h]].name, kind: "services", a: node, b: c.ms[h], circuit: c, half: h,
				elements: c.base[h], fixedDelay: 0, capacity: "circuit:" + c.name + "/" + halfName(h)})
		}
	}
}

func (b *builder) serviceList(wanted map[bgp.Community]bool) []*service {
	var out []*service
	for _, s := range b.c.Services() {
		k, err := bgp.ParseCommunity(s.Community)
		if err == nil && wanted[k] {
			out = append(out, &service{name: s.Service, community: k})
			delete(wanted, k)
		}
	}
	var rest []bgp.Community
	for k := range wanted {
		rest = append(rest, k)
	}
	slices.Sort(rest)
	for _, k := range rest {
		out = append(out, &service{name: k.String(), community: k})
	}
	return out
}

// originations gives every router its own prefixes and makes the universe of prefixes.
func (b *builder) originations() {
	n := b.n
	for _, g := range n.gateways {
		g.prefixes = b.gatewayPrefixes(g)
		for _, i := range g.instances {
			n.routers[i].own = g.prefixes
		}
	}
	if i, ok := n.byRouter["microsoft"]; ok {
		for _, s := range n.services {
			n.routers[i].own = append(n.routers[i].own, s.prefix)
		}
	}
	index := map[netip.Prefix][]int{}
	for _, r := range n.routers {
		for _, p := range r.own {
			if _, dup := r.ownAttrs[p]; dup {
				continue
			}
			a := &bgp.Attrs{Origin: bgp.OriginIGP}
			if r.kind == kindGateway {
				a.Weight = 32768
			}
			if r.kind == kindServices {
				for _, s := range n.services {
					if s.prefix == p {
						a.Communities = []bgp.Community{s.community}
					}
				}
			}
			r.ownAttrs[p] = a
			index[p] = append(index[p], r.index)
		}
	}
	for p := range index {
		n.prefixes = append(n.prefixes, p)
	}
	slices.SortFunc(n.prefixes, comparePrefix)
	for _, p := range n.prefixes {
		n.origins = append(n.origins, index[p])
	}
}

// gatewayPrefixes is what a gateway announces: the whole address space of its VNet and of the VNets that use it, each as
// one route, a summary in place of what it covers (expressroute-faqs.md).
func (b *builder) gatewayPrefixes(g *gateway) []netip.Prefix {
	all := slices.Clone(g.vnet.prefixes)
	for _, v := range b.n.vnets {
		if v != g.vnet && v.gateway == nil && v.gatewayFor() == g {
			all = append(all, v.prefixes...)
		}
	}
	var out []netip.Prefix
	summaries := b.parsePrefixes(string(g.vnet.id)+"/summarizedGatewayPrefixes", summarized(g.vnet.res))
	for _, p := range all {
		covered := slices.ContainsFunc(summaries, func(s netip.Prefix) bool { return s.Bits() <= p.Bits() && s.Contains(p.Addr()) })
		if !covered {
			out = append(out, p)
		}
	}
	out = append(out, summaries...)
	slices.SortFunc(out, comparePrefix)
	return slices.Compact(out)
}

// zones makes the zones of the regions in use and says whose instances stand where (AssumeZoneUnknown).
func (b *builder) zones() {
	n := b.n
	count := func(region string) int {
		if r, ok := b.c.Region(region); ok && r.Zones {
			return 3
		}
		return 1 // a region without zones is one
	}
	place := func(region string, zoned bool, i int) []int {
		var out []int
		k := count(region)
		for z := range k {
			if !zoned || z == i%k {
				out = append(out, b.element(Zone, fmt.Sprintf("%s/%d", region, z+1)))
			}
		}
		b.rest(AssumeZoneUnknown)
		return out
	}
	for _, g := range n.gateways {
		sku, _ := b.c.GatewaySKU(g.sku)
		for i, r := range g.instances {
			n.routers[r].elements = append(n.routers[r].elements, place(g.vnet.place.region, sku.ZoneRedundant, i)...)
		}
	}
	for _, f := range n.firewalls {
		zoned := len(f.res.Zones) > 1
		for i := range f.downBy {
			f.downBy[i] = append(f.downBy[i], place(f.vnet.place.region, zoned, i)...)
		}
	}
}

// finish sorts what is printed. Element indexes stay as they are; only the printed list is sorted.
func (b *builder) finish() {
	n := b.n
	printed := slices.Clone(n.elements)
	slices.SortFunc(printed, func(x, y Element) int {
		if c := slices.Index(Kinds(), x.Kind) - slices.Index(Kinds(), y.Kind); c != 0 {
			return c
		}
		return strings.Compare(x.ID, y.ID)
	})
	n.printed = printed
	for _, v := range n.vnets {
		n.subnets = append(n.subnets, v.subnets...)
	}
	for _, v := range n.gateways {
		if !v.res.Properties.AllowRemoteVNetTraffic {
			b.rest(AssumeRemoteVNet)
		}
	}
	older := map[string]int{}
	for i, name := range n.options.Older {
		older[name] = i + 1
	}
	n.age = make([]uint64, len(n.sessions))
	for i, s := range n.sessions {
		s.cost = uint32(n.sessionDelay(s) * 1000)
		n.age[i] = uint64(1000 + i) //nolint:gosec // an index
		if k := older[s.name]; k > 0 {
			n.age[i] = uint64(k) //nolint:gosec // an index
		}
	}
	slices.SortFunc(b.findings, func(x, y design.Finding) int {
		return strings.Compare(x.Rule+"\x00"+x.At+"\x00"+x.Value, y.Rule+"\x00"+y.At+"\x00"+y.Value)
	})
}
