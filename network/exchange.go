package network

import (
	"net/netip"
	"slices"

	"onramp/bgp"
)

// deliver is what the receiver of a directed session accepts when the sender's best route for a prefix is attrs, learned
// from source: nil when nothing is sent or nothing accepted. All rules of who tells whom what are here.
func (s *State) deliver(d, p int, attrs *bgp.Attrs, source int32) *bgp.Attrs {
	sent := s.send(d, p, attrs, source)
	if sent == nil {
		return nil
	}
	return s.n.accept(d, s.n.prefixes[p], sent)
}

// send is the sender's half.
func (s *State) send(d, p int, attrs *bgp.Attrs, source int32) *bgp.Attrs {
	return s.n.send(d, s.n.prefixes[p], attrs, source, s.isDrained(s.n.routers[s.n.sessions[d/2].dir[d%2].from]))
}

// send is the sender's half: policies and path changes on export; drained tells that the sender is an MSEE under maintenance.
func (n *Network) send(d int, prefix netip.Prefix, attrs *bgp.Attrs, source int32, drained bool) *bgp.Attrs {
	if attrs == nil || source == noRoute {
		return nil
	}
	if source >= 0 && int(source)/2 == d/2 {
		return nil // never back to the neighbour that it came from
	}
	sess := n.sessions[d/2]
	dir := &sess.dir[d%2]
	from, to := n.routers[dir.from], n.routers[dir.to]
	if !sess.carries(prefix) {
		return nil
	}
	var learned *session
	if source >= 0 {
		learned = n.sessions[source/2]
	}
	switch from.kind {
	case kindMSEE:
		return n.sendMSEE(from, to, attrs, source, drained)
	case kindGateway:
		if source != ownRoute {
			return nil // a gateway never hands one circuit's routes to another
		}
	case kindServices:
		if source != ownRoute || !slices.ContainsFunc(attrs.Communities, func(c bgp.Community) bool { return to.allowed[c] }) {
			return nil
		}
	}
	a := *attrs
	a.Weight = 0
	if sess.internal {
		if learned != nil && learned.internal {
			// RFC 4456: only a site's internal router reflects; section 8: cluster list and originator stop loops.
			if from.kind != kindCore {
				return nil
			}
			if !a.OriginatorID.IsValid() {
				a.OriginatorID = n.routers[learned.dir[source%2].from].id
			}
			a.ClusterList = append([]netip.Addr{from.id}, a.ClusterList...)
		}
		if !a.HasLocalPref {
			a.LocalPref, a.HasLocalPref = 100, true
		}
		return policed(dir.exportPol, prefix, &a, learnedKind(source, learned), bgp.IBGP)
	}
	if !dir.keepPref {
		a.LocalPref, a.HasLocalPref = 0, false
	}
	a.MED, a.HasMED = 0, false // non-transitive (RFC 4271 section 5.1.4)
	a.ClusterList, a.OriginatorID = nil, netip.Addr{}
	out := policed(dir.exportPol, prefix, &a, learnedKind(source, learned), bgp.EBGP)
	if out == nil {
		return nil
	}
	b := *out
	if dir.asOverride {
		b.Path = b.Path.Replace(to.asn, from.asn)
	}
	b.Path = b.Path.Prepend(from.asn, 1)
	return &b
}

// carries tells whether the session carries the prefix's address family: customer sessions are per family, a gateway's
// carries IPv6 where the circuit's private peering does.
func (x *session) carries(p netip.Prefix) bool {
	six := p.Addr().Is6()
	switch x.kind {
	case "private", "microsoft":
		return !x.addr[0].IsValid() || x.addr[0].Is6() == six
	case "gateway":
		if !six {
			return true
		}
		pr := x.circuit.peering("AzurePrivatePeering")
		return pr != nil && pr.Properties.IPv6PeeringConfig != nil
	}
	return true
}

// maintenancePrepend is how often a drained MSEE adds its own AS, to both sides (planned-maintenance.md).
const maintenancePrepend = 8

// sendMSEE is what an MSEE tells its neighbours.
//
//   - Towards the customer: every best route; private AS numbers are removed, then its own is added, so VNets appear as
//     12076 alone (published captures of customer routers).
//   - Towards a gateway: the customer's routes with their whole path; another gateway's only where both allow remote
//     VNet traffic, 65515 then replaced by 12076; what Global Reach brought, with 12076 twice more.
//   - Towards the other circuit's MSEE of Global Reach: customer and gateway routes unchanged, as iBGP does; what came by
//     Global Reach never goes on (not transitive).
//   - Towards Microsoft's network behind Microsoft peering: the customer's routes.
func (n *Network) sendMSEE(from, to *router, attrs *bgp.Attrs, source int32, drained bool) *bgp.Attrs {
	if source < 0 {
		return nil
	}
	learned := n.sessions[source/2]
	origin := n.routers[learned.dir[source%2].from]
	a := *attrs
	a.Weight, a.MED, a.HasMED, a.LocalPref, a.HasLocalPref = 0, 0, false, 0, false
	a.ClusterList, a.OriginatorID = nil, netip.Addr{}
	times := 1
	if drained {
		times += maintenancePrepend
	}
	switch to.kind {
	case kindCE, kindPE:
		a.Path = a.Path.RemovePrivate().Prepend(from.asn, times)
		return &a
	case kindGateway:
		switch origin.kind {
		case kindCE, kindPE:
		case kindMSEE:
			times += 2
		case kindGateway:
			if origin.gateway == to.gateway || !origin.gateway.remoteVNets() || !to.gateway.remoteVNets() {
				return nil
			}
		default:
			return nil
		}
		a.Path = a.Path.Replace(to.asn, from.asn).Prepend(from.asn, times)
		return &a
	case kindMSEE, kindServices:
		if origin.kind == kindMSEE || origin.kind == kindServices {
			return nil
		}
		a.LocalPref, a.HasLocalPref = 100, true
		return &a
	}
	return nil
}

func (g *gateway) remoteVNets() bool { return g.res.Properties.AllowRemoteVNetTraffic }

// accept is the receiver's half: loop checks, what the service ignores or refuses, and the import policy.
func (n *Network) accept(d int, prefix netip.Prefix, sent *bgp.Attrs) *bgp.Attrs {
	sess := n.sessions[d/2]
	dir := &sess.dir[d%2]
	from, to := n.routers[dir.from], n.routers[dir.to]
	a := *sent
	if sess.internal {
		if a.OriginatorID == to.id || slices.Contains(a.ClusterList, to.id) {
			return nil // RFC 4456 section 8
		}
		return policed(dir.importPol, prefix, &a, bgp.IBGP, bgp.IBGP)
	}
	customer := to.kind == kindMSEE && (from.kind == kindCE || from.kind == kindPE)
	if !customer && a.Path.Contains(to.asn) {
		return nil // RFC 4271 section 9.1.2; an MSEE checks this towards gateways, not towards customers
	}
	if customer {
		a.Communities = nil // ignored (expressroute-routing.md)
		if to.microsoft {
			if !to.public[prefix] {
				return nil // only validated public prefixes
			}
			a.Path = a.Path.RemovePrivate()
		}
	}
	if !dir.keepPref || !a.HasLocalPref {
		a.LocalPref, a.HasLocalPref = 100, true
	}
	a.Weight = dir.weight
	return policed(dir.importPol, prefix, &a, bgp.EBGP, bgp.EBGP)
}

// learnedKind is how the route came to its sender, for policies that match on it.
func learnedKind(source int32, learned *session) bgp.PeerType {
	switch {
	case source == ownRoute:
		return bgp.Local
	case learned.internal:
		return bgp.IBGP
	}
	return bgp.EBGP
}

// policed applies a policy; no policy accepts everything, as a router without one does.
func policed(pol *bgp.Policy, prefix netip.Prefix, a *bgp.Attrs, learned, peer bgp.PeerType) *bgp.Attrs {
	if pol == nil {
		return a
	}
	out, ok, _ := pol.Apply(bgp.Route{Prefix: prefix, Attrs: a}, bgp.Context{From: learned, Peer: peer})
	if !ok {
		return nil
	}
	return &out
}
