package network

import (
	"fmt"
	"net/netip"
	"strings"

	"onramp/azure"
	"onramp/bgp"
	"onramp/design"
	"onramp/intent"
)

func mbpsOf(n int) intent.Mbps { return intent.Mbps(n) }

// circuitVRFs makes a VRF on both MSEEs for each peering of each circuit.
func (b *builder) circuitVRFs() {
	ports := map[string]*azure.ExpressRoutePort{}
	for _, p := range azure.Of[*azure.ExpressRoutePort](b.rs) {
		ports[p.ID.Key()] = p
	}
	for _, r := range azure.Of[*azure.ExpressRouteCircuit](b.rs) {
		c := &circuit{res: r, name: b.name(r.Head()), sku: r.SKU.Tier, private: [2]int{-1, -1}, ms: [2]int{-1, -1}}
		provider := ""
		switch pr := &r.Properties; {
		case pr.ServiceProviderProperties != nil:
			c.location, provider, c.mbps = pr.ServiceProviderProperties.PeeringLocation, pr.ServiceProviderProperties.ServiceProviderName, pr.ServiceProviderProperties.BandwidthInMbps
		case pr.ExpressRoutePort != nil:
			if p := ports[pr.ExpressRoutePort.ID.Key()]; p != nil {
				c.location = p.Properties.PeeringLocation
			}
			if pr.BandwidthInGbps != nil {
				c.mbps = int(*pr.BandwidthInGbps * 1000)
			}
		}
		loc, ok := b.c.Location(c.location)
		if !ok {
			b.find("build-location", design.Error, string(r.ID), c.location, "the circuit's peering location is not in the catalogue",
				"use a location of `onramp catalog locations`", "expressroute-locations-providers.md")
		}
		c.element = b.element(Circuit, c.name)
		b.rest(AssumeMSEEPair)
		b.rest(AssumeMSEESingleBest)
		b.rest(AssumeArrivalOrder)
		b.rest(AssumeFibreDelay)
		state := r.Properties.ServiceProviderProvisioningState
		if state == "" && provider != "" {
			b.rest(AssumeProvisioned)
		}
		live := state == "" || strings.EqualFold(state, "Provisioned")
		if !live {
			b.find("build-circuit", design.Warning, string(r.ID), state, "the provider has not provisioned the circuit, so no session comes up on it",
				"hand the service key to the provider", "expressroute-workflows.md")
		}
		slug := slugOf(c.location)
		for h := range 2 {
			c.place[h] = place{lat: loc.Latitude, lon: loc.Longitude, local: loc.LocalRegions}
			name := c.location
			if loc.Kind == "metro" {
				name = fmt.Sprintf("%s/%d", c.location, h+1)
			}
			c.base[h] = []int{b.element(Router, fmt.Sprintf("%s-msee%d", slug, h+1)), c.element, b.element(Location, name)}
			if provider != "" {
				c.base[h] = append(c.base[h], b.element(Provider, provider))
			}
			b.n.capacities = append(b.n.capacities, Capacity{Name: "circuit:" + c.name + "/" + halfName(h), Kind: "circuit-connection", Mbps: mbpsOf(c.mbps)})
		}
		for i := range r.Properties.Peerings {
			p := &r.Properties.Peerings[i]
			if strings.EqualFold(p.Properties.State, "Disabled") || !live {
				continue
			}
			for h := range 2 {
				primary, _ := netip.ParsePrefix([]string{p.Properties.PrimaryPeerAddressPrefix, p.Properties.SecondaryPeerAddressPrefix}[h])
				name := fmt.Sprintf("%s/%s/%s", c.name, strings.ToLower(strings.TrimPrefix(strings.TrimSuffix(peeringType(p), "Peering"), "Azure")), halfName(h))
				vrf := &router{name: name, kind: kindMSEE, asn: bgp.ASN(b.c.Limits().MicrosoftASN), id: mseeID(primary, h), place: c.place[h],
					elements: c.base[h], msee: c.base[h][0], half: h, circuit: c, config: bgp.Config{PreferOldest: true}}
				switch peeringType(p) {
				case "AzurePrivatePeering":
					c.private[h] = b.router(vrf).index
				case "MicrosoftPeering":
					vrf.microsoft = true
					c.ms[h] = b.router(vrf).index
				}
			}
		}
		b.n.circuits = append(b.n.circuits, c)
		b.circuits[r.ID.Key()] = c
	}
}

// peeringType is the peering's type, by property or by name.
func peeringType(p *azure.Peering) string {
	for _, t := range []string{"AzurePrivatePeering", "MicrosoftPeering", "AzurePublicPeering"} {
		if strings.EqualFold(p.Properties.PeeringType, t) || (p.Properties.PeeringType == "" && strings.EqualFold(p.Name, t)) {
			return t
		}
	}
	return p.Properties.PeeringType
}

// mseeID is the MSEE's identifier in a VRF: its address on the link.
func mseeID(link netip.Prefix, half int) netip.Addr {
	if link.IsValid() && link.Addr().Is4() {
		return link.Masked().Addr().Next().Next()
	}
	return netip.AddrFrom4([4]byte{192, 0, 4, byte(half + 1)})
}

// slugOf makes a name fit for ids of a location's or provider's name.
func slugOf(s string) string {
	var out strings.Builder
	dash := false
	for _, r := range strings.ToLower(s) {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			if dash && out.Len() > 0 {
				out.WriteByte('-')
			}
			dash = false
			out.WriteRune(r)
			continue
		}
		dash = true
	}
	return out.String()
}

// internalSessions are iBGP inside sites and provider cores, and the backbone's sessions between sites.
func (b *builder) internalSessions() {
	n := b.n
	for _, s := range n.sites {
		for _, ce := range s.ces {
			b.session(&session{name: n.routers[ce].name + "--" + n.routers[s.core].name, kind: "internal", a: ce, b: s.core, elements: []int{s.element}, fixedDelay: 0})
		}
	}
	byName := map[string]*site{}
	for _, s := range n.sites {
		byName[s.name] = s
	}
	for _, l := range b.p.Backbone {
		x, y := byName[l.Between[0]], byName[l.Between[1]]
		if x == nil || y == nil {
			b.find("build-backbone", design.Error, "premises.backbone", fmt.Sprint(l.Between), "the backbone link names a site that is not there", "name two of the sites", "")
			continue
		}
		name := "backbone/" + l.Between[0] + "-" + l.Between[1]
		n.capacities = append(n.capacities, Capacity{Name: name, Kind: "backbone", Mbps: l.Mbps})
		s := b.session(&session{name: name, kind: "backbone", a: x.core, b: y.core, elements: []int{b.element(Link, name), x.element, y.element},
			capacity: name, fixedDelay: l.Latency.Milliseconds() / 2})
		s.dir[0].keepPref, s.dir[1].keepPref = true, true
		b.rest(AssumeBackbone)
	}
	for i, x := range n.routers {
		for _, y := range n.routers[i+1:] {
			if x.kind == kindPE && y.kind == kindPE && x.route.Provider == y.route.Provider {
				b.session(&session{name: x.name + "--" + y.name, kind: "provider", a: x.index, b: y.index,
					elements: []int{b.element(Provider, x.route.Provider)}, fixedDelay: -1})
			}
		}
	}
	if len(n.sites) > 0 {
		b.rest(AssumePremisesECMP)
	}
}

// attachElements is what a physical attachment's failure modes are: the link, the site, the provider.
func (b *builder) attachElements(name string) []int {
	a, ok := b.attach[name]
	if !ok {
		return nil
	}
	el := []int{b.element(Link, name), b.element(Site, a.Site)}
	if a.Provider != "" {
		el = append(el, b.element(Provider, a.Provider))
	}
	return el
}

// customerSessions bring up each session of a CE or PE with an MSEE, if both ends agree on it.
func (b *builder) customerSessions() {
	seen := map[string]bool{}
	for _, r := range b.n.routers {
		if r.route == nil {
			continue
		}
		for i := range r.route.Sessions {
			s := &r.route.Sessions[i]
			if s.Circuit == "" {
				continue
			}
			at := "premises/" + r.name + "/" + s.Name
			c := b.circuits[s.Circuit.Key()]
			if c == nil {
				b.find("build-session", design.Error, at, string(s.Circuit), "the session's circuit is not there", "take the session away or add the circuit", "")
				continue
			}
			h := 0
			if s.Connection == design.Secondary {
				h = 1
			}
			vrf, kind := c.private[h], "private"
			if s.Peering == "MicrosoftPeering" {
				vrf, kind = c.ms[h], "microsoft"
			}
			p := c.peering(s.Peering)
			if vrf < 0 || p == nil {
				b.find("build-session", design.Error, at, s.Peering, "the circuit has no such peering", "configure the peering on circuit "+c.name, "expressroute-howto-routing-portal-resource-manager.md")
				continue
			}
			if why, value, want := mismatch(p, s, r, h, b.c.Limits().MicrosoftASN); why != "" {
				b.find("build-session", design.Error, at, value, "the session stays down: "+why, "use "+want, "expressroute-routing.md")
				continue
			}
			key := fmt.Sprintf("%d/%v", vrf, s.LocalAddress.Addr().Is4())
			if seen[key] {
				b.find("build-session", design.Error, at, s.Name, "another router already holds the session of this connection", "keep one session for each connection", "expressroute-routing.md")
				continue
			}
			seen[key] = true
			el := append(b.attachElements(s.Attachment), c.base[h]...)
			sess := b.session(&session{name: s.Name, kind: kind, a: r.index, b: vrf, elements: el, circuit: c, half: h, fixedDelay: -1,
				capacity: "attachment:" + s.Attachment, addr: [2]netip.Addr{s.LocalAddress.Addr(), s.PeerAddress}, route: s})
			if _, ok := b.attach[s.Attachment]; !ok {
				sess.capacity = ""
			}
			sess.dir[0].exportPol, sess.dir[1].importPol = s.Export, s.Import
			sess.dir[0].limit4, sess.dir[0].limit6 = b.c.Limits().PrivatePrefixesFromOnPrem(c.sku, "ipv4"), b.c.Limits().PrivatePrefixesFromOnPrem(c.sku, "ipv6")
			if kind == "microsoft" {
				sess.dir[0].limit4, sess.dir[0].limit6 = b.c.Limits().MicrosoftPrefixes, b.c.Limits().MicrosoftPrefixes
			}
			sess.dir[0].limitOn = "prefixes from the premises on " + kind + " peering"
		}
	}
}

func (c *circuit) peering(typ string) *azure.Peering {
	for i := range c.res.Properties.Peerings {
		if p := &c.res.Properties.Peerings[i]; peeringType(p) == typ {
			return p
		}
	}
	return nil
}

// mismatch says why the two ends of a session would not come up: addresses (customer first, Microsoft second of the
// link: expressroute-routing.md), VLAN, AS numbers.
func mismatch(p *azure.Peering, s *design.Session, r *router, h int, microsoft uint32) (why, value, want string) {
	list := [2]string{p.Properties.PrimaryPeerAddressPrefix, p.Properties.SecondaryPeerAddressPrefix}
	if v6 := p.Properties.IPv6PeeringConfig; s.LocalAddress.Addr().Is6() && !s.LocalAddress.Addr().Is4In6() {
		if v6 == nil {
			return "the peering has no IPv6 part", s.LocalAddress.String(), "an IPv6 peering configuration"
		}
		list = [2]string{v6.PrimaryPeerAddressPrefix, v6.SecondaryPeerAddressPrefix}
	}
	link, err := netip.ParsePrefix(list[h])
	if err != nil {
		return "the peering has no " + halfName(h) + " address prefix", list[h], "a /30 (IPv6: /126) for each connection"
	}
	customer := link.Masked().Addr().Next()
	if s.LocalAddress.Addr() != customer {
		return "the router's address is not the first usable one of the peering's " + halfName(h) + " link " + link.String(), s.LocalAddress.String(), customer.String()
	}
	if s.PeerAddress != customer.Next() {
		return "the neighbour's address is not the MSEE's, the second usable one of " + link.String(), s.PeerAddress.String(), customer.Next().String()
	}
	if s.VLAN != p.Properties.VLANID {
		return "the VLAN differs from the peering's", fmt.Sprint(s.VLAN), fmt.Sprint(p.Properties.VLANID)
	}
	if uint32(p.Properties.PeerASN) != uint32(r.asn) {
		return "the router's AS differs from the peering's peer ASN " + fmt.Sprint(p.Properties.PeerASN), r.asn.String(), fmt.Sprint(p.Properties.PeerASN)
	}
	if uint32(s.PeerASN) != microsoft {
		return "the neighbour's AS is not Microsoft's", s.PeerASN.String(), fmt.Sprint(microsoft)
	}
	return "", "", ""
}

// providerSessions are the CE-PE sessions of IP VPN: each side lists the other as neighbour.
func (b *builder) providerSessions() {
	for _, r := range b.n.routers {
		if r.kind != kindCE {
			continue
		}
		for i := range r.route.Sessions {
			s := &r.route.Sessions[i]
			if s.Neighbor == "" {
				continue
			}
			at := "premises/" + r.name + "/" + s.Name
			pi, ok := b.n.byRouter[s.Neighbor]
			if !ok {
				b.find("build-session", design.Error, at, s.Neighbor, "the session's neighbour is not there", "name a provider edge router", "")
				continue
			}
			pe := b.n.routers[pi]
			var back *design.Session
			if pe.route != nil {
				for j := range pe.route.Sessions {
					if t := &pe.route.Sessions[j]; t.Neighbor == r.name && t.PeerAddress == s.LocalAddress.Addr() {
						back = t
					}
				}
			}
			if back == nil || s.PeerAddress != back.LocalAddress.Addr() || back.PeerASN != r.asn || s.PeerASN != pe.asn || back.VLAN != s.VLAN {
				b.find("build-session", design.Error, at, s.Name, "the session stays down: the two ends do not agree on addresses, AS numbers or VLAN",
					"make the provider's session mirror this one", "RFC 4271 section 8")
				continue
			}
			sess := b.session(&session{name: s.Name, kind: "provider", a: r.index, b: pi, elements: b.attachElements(s.Attachment), fixedDelay: -1,
				capacity: "attachment:" + s.Attachment, addr: [2]netip.Addr{s.LocalAddress.Addr(), s.PeerAddress}, route: s})
			sess.dir[0].exportPol, sess.dir[0].importPol = s.Export, back.Import
			sess.dir[1].exportPol, sess.dir[1].importPol = back.Export, s.Import
			sess.dir[1].asOverride = back.ASOverride
		}
	}
}

// gatewaySessions: each instance of each connected gateway speaks with both MSEEs of the circuit.
func (b *builder) gatewaySessions() {
	n := b.n
	byGateway := map[string]*gateway{}
	for _, g := range n.gateways {
		byGateway[g.res.ID.Key()] = g
	}
	auths := map[string]bool{}
	for _, r := range azure.Of[*azure.VirtualNetworkGatewayConnection](b.rs) {
		if !strings.EqualFold(r.Properties.ConnectionType, "ExpressRoute") || r.Properties.VirtualNetworkGateway1 == nil || r.Properties.Peer == nil {
			continue
		}
		g, c := byGateway[r.Properties.VirtualNetworkGateway1.ID.Key()], b.circuits[r.Properties.Peer.ID.Key()]
		if g == nil || c == nil {
			b.find("build-connection", design.Error, string(r.ID), r.Name, "the connection's gateway or circuit is not there", "name an existing gateway and circuit", "expressroute-howto-linkvnet-arm.md")
			continue
		}
		if !b.authorized(r, c, auths) {
			b.find("build-connection", design.Error, string(r.ID), r.Properties.AuthorizationKey,
				"the gateway is in another subscription than the circuit and redeems no unused authorization of it, so the connection is refused",
				"create an authorization on circuit "+c.name+" and give its key to this connection", "expressroute-howto-linkvnet-arm.md")
			continue
		}
		conn := &connection{res: r, name: b.name(r.Head()), gateway: g, circuit: c, weight: r.Properties.RoutingWeight}
		if a, ok := n.options.MSEEAddresses[g.name][c.name]; ok {
			conn.msee = a
		} else {
			a := instanceAddresses(g.vnet, 4+2*len(g.conns), 2)
			conn.msee = [2]netip.Addr{a[0], a[1]}
		}
		conn.loop = conn.msee
		if a, ok := n.options.NextHopAddresses[c.name]; ok {
			conn.loop = a
		}
		g.conns = append(g.conns, conn)
		for h := range 2 {
			if c.private[h] < 0 {
				continue
			}
			for i, inst := range g.instances {
				s := b.session(&session{name: fmt.Sprintf("%s/%d-%s", conn.name, i, halfName(h)), kind: "gateway", a: inst, b: c.private[h], circuit: c, half: h,
					elements: []int{c.element}, conn: conn, fixedDelay: -1, capacity: "circuit:" + c.name + "/" + halfName(h),
					addr: [2]netip.Addr{n.routers[inst].id, conn.msee[h]}})
				s.dir[0].limit4, s.dir[0].limit6 = b.c.Limits().PrefixesToOnPrem("ipv4"), b.c.Limits().PrefixesToOnPrem("ipv6")
				s.dir[0].limitOn = "prefixes that gateway " + g.name + " announces on connection " + conn.name
				s.dir[1].weight = 32769 + uint32(max(conn.weight, 0)) //nolint:gosec // routing weights are at most 32000
				conn.sessions = append(conn.sessions, len(n.sessions)-1)
			}
		}
	}
}

// authorized tells whether the connection may use the circuit: same subscription, or an authorization of its own
// (one for each connection: expressroute-howto-linkvnet-arm.md).
func (b *builder) authorized(r *azure.VirtualNetworkGatewayConnection, c *circuit, used map[string]bool) bool {
	if strings.EqualFold(subscriptionOf(r.ID), subscriptionOf(c.res.ID)) {
		return true
	}
	for i := range c.res.Properties.Authorizations {
		a := &c.res.Properties.Authorizations[i]
		if k := a.Properties.AuthorizationKey; k != "" && k == r.Properties.AuthorizationKey && !used[c.name+"/"+k] {
			used[c.name+"/"+k] = true
			return true
		}
	}
	return false
}

func subscriptionOf(id azure.ID) string {
	p, err := azure.ParseID(string(id))
	if err != nil {
		return ""
	}
	return p.Subscription
}

// globalReach joins the private peerings of two circuits MSEE by MSEE.
func (b *builder) globalReach() {
	for _, c := range b.n.circuits {
		p := c.peering("AzurePrivatePeering")
		if p == nil {
			continue
		}
		for i := range p.Properties.Connections {
			g := &p.Properties.Connections[i]
			if g.Properties.PeerExpressRouteCircuitPeering == nil {
				continue
			}
			far := b.circuits[g.Properties.PeerExpressRouteCircuitPeering.ID.Parent().Key()]
			if far == nil {
				b.find("build-global-reach", design.Error, string(c.res.ID), g.Name, "the other circuit of the Global Reach connection is not there", "name the private peering of an existing circuit", "expressroute-howto-set-global-reach.md")
				continue
			}
			link, _ := netip.ParsePrefix(g.Properties.AddressPrefix)
			b.rest(AssumeGlobalReachPath)
			for h := range 2 {
				if c.private[h] < 0 || far.private[h] < 0 {
					continue
				}
				s := &session{name: fmt.Sprintf("%s/%s", g.Name, halfName(h)), kind: "global-reach", a: c.private[h], b: far.private[h], elements: []int{c.element, far.element}, fixedDelay: -1}
				if link.IsValid() {
					// The /29 is cut in two halves as a peering's /29 is, the configuring circuit's MSEE first.
					first := advance(link.Masked().Addr(), 4*h+1)
					s.addr = [2]netip.Addr{first, first.Next()}
				}
				b.session(s)
			}
		}
	}
}
