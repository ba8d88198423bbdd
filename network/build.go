package network

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

// builder makes a Network in one pass; findings are what could not be built.
type builder struct {
	n        *Network
	rs       azure.Resources
	p        design.Premises
	c        *catalog.Catalog
	findings []design.Finding

	attach   map[string]design.Attachment
	circuits map[string]*circuit // by id key
	taken    map[string]bool     // names, by type and name
}

// name is what a resource is called in the network: its name, or, where another resource of its type in another group or subscription has
// that already, one with a number.
func (b *builder) name(h *azure.Header) string {
	typ := ""
	if p, err := azure.ParseID(string(h.ID)); err == nil {
		typ = strings.ToLower(p.Type())
	}
	name := h.Name
	for i := 2; b.taken[typ+" "+strings.ToLower(name)]; i++ {
		name = fmt.Sprintf("%s~%d", h.Name, i)
	}
	b.taken[typ+" "+strings.ToLower(name)] = true
	b.n.named[h.ID.Key()] = name
	return name
}

// NameOf is how a VNet, gateway, circuit, connection or firewall is called in the network's tables; "" for what is not in it.
func (n *Network) NameOf(id azure.ID) string { return n.named[id.Key()] }

func newBuilder(rs azure.Resources, p design.Premises, c *catalog.Catalog, o Options) *builder {
	return &builder{
		n: &Network{catalog: c, options: o, byElement: map[string]int{}, byRouter: map[string]int{},
			byVNet: map[string]*vnet{}, named: map[string]string{}, rests: map[string]bool{}},
		rs: rs, p: p, c: c, attach: map[string]design.Attachment{}, circuits: map[string]*circuit{}, taken: map[string]bool{},
	}
}

func (b *builder) build() {
	for _, a := range b.p.Attachments {
		b.attach[a.Name] = a
		b.n.capacities = append(b.n.capacities, Capacity{Name: "attachment:" + a.Name, Kind: "attachment", Mbps: a.Mbps})
	}
	b.premises()
	b.virtualNetworks()
	b.gateways()
	b.circuitVRFs()
	b.firewalls()
	b.internalSessions()
	b.customerSessions()
	b.providerSessions()
	b.gatewaySessions()
	b.globalReach()
	b.microsoftServices()
	b.originations()
	b.zones()
	b.finish()
}

func (b *builder) rest(name string) { b.n.rests[name] = true }

func (b *builder) find(rule string, sev design.Severity, at, value, message, fix, source string) {
	b.findings = append(b.findings, design.Finding{Rule: rule, Severity: sev, At: at, Value: value, Message: message, Fix: fix, Source: source})
}

// element returns the index of the element of this kind and name, made on first use.
func (b *builder) element(k Kind, name string) int {
	id := string(k) + ":" + name
	if i, ok := b.n.byElement[id]; ok {
		return i
	}
	i := len(b.n.elements)
	b.n.byElement[id] = i
	b.n.elements = append(b.n.elements, Element{ID: id, Kind: k, Name: name})
	return i
}

func (b *builder) router(r *router) *router {
	r.index = len(b.n.routers)
	r.ownAttrs = map[netip.Prefix]*bgp.Attrs{}
	b.n.routers = append(b.n.routers, r)
	b.n.byRouter[r.name] = r.index
	return r
}

// session links two routers; both ends' elements bring it down.
func (b *builder) session(s *session) *session {
	i := len(b.n.sessions)
	ra, rb := b.n.routers[s.a], b.n.routers[s.b]
	s.internal = ra.asn == rb.asn
	s.dir[0].from, s.dir[0].to = s.a, s.b
	s.dir[1].from, s.dir[1].to = s.b, s.a
	b.n.sessions = append(b.n.sessions, s)
	ra.out, rb.in = append(ra.out, 2*i), append(rb.in, 2*i)
	rb.out, ra.in = append(rb.out, 2*i+1), append(ra.in, 2*i+1)
	return s
}

// premisesConfig is how the organisation's routers decide: all equal-cost routes are used.
func premisesConfig() bgp.Config {
	return bgp.Config{PreferOldest: true, Multipath: 8, MultipathRelax: true}
}

func (b *builder) premises() {
	for i := range b.p.Sites {
		d := &b.p.Sites[i]
		s := &site{name: d.Name, design: d, prefixes: d.Prefixes, public: d.PublicPrefixes, element: b.element(Site, d.Name),
			place: place{lat: d.Latitude, lon: d.Longitude}}
		core := b.router(&router{name: d.Name + "-core", kind: kindCore, asn: d.ASN, id: routerID(1, i), place: s.place, elements: []int{s.element},
			config: premisesConfig(), site: s})
		s.core = core.index
		core.own = append(slices.Clone(d.Prefixes), d.PublicPrefixes...)
		b.rest(AssumeSiteCore)
		for j := range d.Routers {
			rd := &d.Routers[j]
			ce := b.router(&router{name: rd.Name, kind: kindCE, asn: rd.ASN, id: rd.RouterID, place: s.place,
				elements: []int{b.element(Router, rd.Name), s.element}, config: premisesConfig(), site: s, route: rd})
			if !ce.id.IsValid() {
				ce.id = routerID(2, ce.index)
			}
			s.ces = append(s.ces, ce.index)
		}
		b.n.sites = append(b.n.sites, s)
	}
	for i := range b.p.ProviderEdges {
		rd := &b.p.ProviderEdges[i]
		pl := place{}
		if l, ok := b.c.Location(rd.Location); ok {
			pl = place{lat: l.Latitude, lon: l.Longitude, local: l.LocalRegions}
		}
		el := []int{b.element(Router, rd.Name)}
		if rd.Provider != "" {
			el = append(el, b.element(Provider, rd.Provider))
		}
		pe := b.router(&router{name: rd.Name, kind: kindPE, asn: rd.ASN, id: rd.RouterID, place: pl, elements: el, config: premisesConfig(), route: rd})
		if !pe.id.IsValid() {
			pe.id = routerID(3, pe.index)
		}
		b.rest(AssumeProviderCore)
	}
}

// routerID makes an identifier for a router whose owner stated none; block keeps the kinds apart.
func routerID(block, i int) netip.Addr {
	return netip.AddrFrom4([4]byte{192, 0, byte(block), byte(1 + i%250)})
}

func (b *builder) virtualNetworks() {
	tables := map[string]*azure.RouteTable{}
	for _, t := range azure.Of[*azure.RouteTable](b.rs) {
		tables[t.ID.Key()] = t
	}
	for _, r := range azure.Of[*azure.VirtualNetwork](b.rs) {
		v := &vnet{res: r, id: r.ID, name: b.name(r.Head()), lob: r.Tags[design.TagLineOfBusiness]}
		if reg, ok := b.c.Region(r.Location); ok {
			v.place = place{lat: reg.Latitude, lon: reg.Longitude, region: reg.Name}
		} else {
			b.find("build-region", design.Error, string(r.ID), r.Location, "the VNet's region is not in the catalogue, so its delays and zones are unknown",
				"use a region of `onramp catalog regions`", "regions.csv")
		}
		v.prefixes = b.parsePrefixes(string(r.ID)+"/addressSpace", r.Properties.AddressSpace.AddressPrefixes)
		for i := range r.Properties.Subnets {
			sn := &r.Properties.Subnets[i]
			list := sn.Properties.AddressPrefixes
			if sn.Properties.AddressPrefix != "" {
				list = append([]string{sn.Properties.AddressPrefix}, list...)
			}
			s := &subnet{name: sn.Name, vnet: v, prefixes: b.parsePrefixes(string(r.ID)+"/subnets/"+sn.Name, list)}
			slices.SortFunc(s.prefixes, comparePrefix)
			s.prefixes = slices.Compact(s.prefixes)
			if ref := sn.Properties.RouteTable; ref != nil {
				if s.table = tables[ref.ID.Key()]; s.table == nil {
					b.find("build-route-table", design.Error, string(r.ID)+"/subnets/"+sn.Name, string(ref.ID), "the subnet names a route table that is not there",
						"add the route table or take the reference away", "virtual-networks-udr-overview.md")
				}
			}
			v.subnets = append(v.subnets, s)
		}
		b.n.vnets = append(b.n.vnets, v)
		b.n.byVNet[v.id.Key()] = v
	}
	for _, v := range b.n.vnets {
		for i := range v.res.Properties.VirtualNetworkPeerings {
			p := &v.res.Properties.VirtualNetworkPeerings[i]
			at := string(v.id) + "/virtualNetworkPeerings/" + p.Name
			if p.Properties.RemoteVirtualNetwork == nil {
				continue
			}
			to := b.n.byVNet[p.Properties.RemoteVirtualNetwork.ID.Key()]
			if to == nil {
				b.find("build-peering", design.Error, at, string(p.Properties.RemoteVirtualNetwork.ID), "the peered VNet is not there, so the peering stays Initiated and carries nothing",
					"add the VNet or take the peering away", "virtual-network-peering-overview.md")
				continue
			}
			var back *azure.VirtualNetworkPeering
			for j := range to.res.Properties.VirtualNetworkPeerings {
				q := &to.res.Properties.VirtualNetworkPeerings[j]
				if q.Properties.RemoteVirtualNetwork != nil && q.Properties.RemoteVirtualNetwork.ID.Key() == v.id.Key() {
					back = q
				}
			}
			if back == nil {
				b.find("build-peering", design.Error, at, to.name, "only this side of the peering exists, so it stays Initiated and carries nothing",
					"add the peering from "+to.name+" back to "+v.name, "virtual-network-peering-overview.md")
				continue
			}
			v.peers = append(v.peers, &vnetPeering{to: to,
				access:    p.Properties.AllowVirtualNetworkAccess && back.Properties.AllowVirtualNetworkAccess,
				forwarded: p.Properties.AllowForwardedTraffic,
				transit:   p.Properties.AllowGatewayTransit, remote: p.Properties.UseRemoteGateways})
		}
	}
	for _, h := range azure.Of[*azure.VirtualHub](b.rs) {
		for _, v := range b.n.vnets {
			// A Route Server is a virtual hub whose ipConfiguration stands in the VNet's RouteServerSubnet.
			if v.subnetNamed("RouteServerSubnet") != nil && sameGroup(h.ID, v.id) {
				v.routeServer = true
			}
		}
	}
}

func (v *vnet) subnetNamed(name string) *subnet {
	for _, s := range v.subnets {
		if strings.EqualFold(s.name, name) {
			return s
		}
	}
	return nil
}

// peer returns this VNet's side of the connected peering with another, or nil.
func (v *vnet) peer(to *vnet) *vnetPeering {
	for _, p := range v.peers {
		if p.to == to {
			return p
		}
	}
	return nil
}

// gatewayFor returns the ExpressRoute gateway that serves the VNet: its own, or the one it may use in a peered VNet
// (allowGatewayTransit there and useRemoteGateways here), or nil.
func (v *vnet) gatewayFor() *gateway {
	if v.gateway != nil {
		return v.gateway
	}
	for _, p := range v.peers {
		if back := p.to.peer(v); p.remote && p.to.gateway != nil && back != nil && back.transit && p.access {
			return p.to.gateway
		}
	}
	return nil
}

func (b *builder) parsePrefixes(at string, list []string) []netip.Prefix {
	var out []netip.Prefix
	for _, s := range list {
		p, err := netip.ParsePrefix(s)
		if err != nil {
			b.find("build-prefix", design.Error, at, s, "not a prefix: "+err.Error(), "write it as address/length", "RFC 4632 section 3.1")
			continue
		}
		out = append(out, p.Masked())
	}
	return out
}

func (b *builder) gateways() {
	for _, r := range azure.Of[*azure.VirtualNetworkGateway](b.rs) {
		if !strings.EqualFold(r.Properties.GatewayType, "ExpressRoute") {
			continue
		}
		g := &gateway{res: r, name: b.name(r.Head()), sku: r.Properties.SKU.Name}
		for i := range r.Properties.IPConfigurations {
			if ref := r.Properties.IPConfigurations[i].Properties.Subnet; ref != nil {
				g.vnet = b.n.byVNet[ref.ID.Parent().Key()]
			}
		}
		if g.vnet == nil {
			b.find("build-gateway", design.Error, string(r.ID), r.Name, "the gateway's subnet is not in any VNet here", "point its ipConfiguration to the GatewaySubnet of a VNet", "expressroute-about-virtual-network-gateways.md")
			continue
		}
		g.vnet.gateway = g
		g.capacity = "gateway:" + g.name
		mbps := 0
		if sku, ok := b.c.GatewaySKU(g.sku); ok {
			mbps = sku.Mbps
		}
		if mbps > 0 {
			b.n.capacities = append(b.n.capacities, Capacity{Name: g.capacity, Kind: "gateway", Mbps: mbpsOf(mbps)})
		}
		b.rest(AssumeGatewayPair)
		b.rest(AssumeMSEEAddress)
		addrs := b.n.options.InstanceAddresses[g.name]
		if addrs == nil {
			addrs = instanceAddresses(g.vnet, 12, 2)
		}
		for i, a := range addrs {
			inst := b.router(&router{name: fmt.Sprintf("%s/%d", g.name, i), kind: kindGateway, asn: bgp.ASN(b.c.Limits().GatewayASN), id: a, place: g.vnet.place,
				elements: []int{b.element(GatewayKind, fmt.Sprintf("%s/%d", g.name, i))},
				config:   bgp.Config{UseWeight: true, PreferOldest: true, Multipath: 8, MultipathRelax: true}, gateway: g})
			if r.Properties.BGPSettings != nil && r.Properties.BGPSettings.ASN != 0 {
				inst.asn = bgp.ASN(r.Properties.BGPSettings.ASN)
			}
			for _, p := range g.vnet.prefixes {
				if p.Addr().Is6() && !inst.id6.IsValid() {
					inst.id6 = advance(p.Addr(), 12+i) // as seen in published captures (AssumeMSEEAddress)
				}
			}
			g.instances = append(g.instances, inst.index)
		}
		b.n.gateways = append(b.n.gateways, g)
	}
}

// instanceAddresses gives addresses first, first+1, ... of the VNet's GatewaySubnet (AssumeMSEEAddress): IPv4 ones, which are router IDs too
// (RFC 6286 2.1), and so from elsewhere in the VNet where the subnet has none.
func instanceAddresses(v *vnet, first, count int) []netip.Addr {
	var from []netip.Prefix
	if s := v.subnetNamed("GatewaySubnet"); s != nil {
		from = append(from, s.prefixes...)
	}
	base := netip.AddrFrom4([4]byte{169, 254, 0, 0})
	for _, p := range append(from, v.prefixes...) {
		if p.Addr().Is4() {
			base = p.Addr()
			break
		}
	}
	out := make([]netip.Addr, count)
	for i := range out {
		out[i] = advance(base, first+i)
	}
	return out
}

// advance returns the address n after a.
func advance(a netip.Addr, n int) netip.Addr {
	for range n {
		a = a.Next()
	}
	return a
}

func comparePrefix(a, b netip.Prefix) int {
	if c := a.Addr().Compare(b.Addr()); c != 0 {
		return c
	}
	return a.Bits() - b.Bits()
}

func sameGroup(a, b azure.ID) bool {
	x, err1 := azure.ParseID(string(a))
	y, err2 := azure.ParseID(string(b))
	return err1 == nil && err2 == nil && strings.EqualFold(x.Subscription, y.Subscription) && strings.EqualFold(x.ResourceGroup, y.ResourceGroup)
}
