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

type catalogOffer = catalog.Offer

// sessions holds the premises' sessions against the circuits' peerings: two of them, on the right addresses, tag and AS.
func (k *checker) sessions() {
	for _, l := range k.eachLink() {
		p, err := netip.ParsePrefix(l.text)
		if err != nil {
			continue
		}
		var mine []end
		for _, e := range k.endsOn[l.c.ID.Key()] {
			if e.s.Peering == l.p.Name && e.s.Connection == l.connection && e.s.LocalAddress.Addr().Is6() == p.Addr().Is6() {
				mine = append(mine, e)
			}
		}
		if len(mine) == 0 {
			k.say("peering-two-sessions", l.at(), l.connection, fmt.Sprintf("no router has a session on the %s link of %s (%s)", l.connection, l.c.Name, l.text), "configure BGP on both links of the peering")
			continue
		}
		if len(mine) > 1 {
			k.say("peering-two-sessions", mine[1].at(), l.connection, fmt.Sprintf("%s and %s both have the %s link of %s", mine[0].at(), mine[1].at(), l.connection, l.c.Name), "keep one session on each link")
		}
		k.session(mine[0], l, p.Masked())
	}
	for _, e := range k.ends {
		c := k.circuit[e.s.Circuit.Key()]
		if c == nil || !slices.ContainsFunc(c.Properties.Peerings, func(p azure.Peering) bool { return p.Name == e.s.Peering }) {
			k.say("peering-two-sessions", e.at(), string(e.s.Circuit), "the session ends on a peering that is not in the design", "add the peering to the circuit, or take the session away")
		}
	}
}

// session holds one session against its link.
func (k *checker) session(e end, l linkSubnet, p netip.Prefix) {
	first := p.Addr().Next()
	if e.s.LocalAddress.Addr() != first || e.s.PeerAddress != first.Next() {
		k.say("peering-subnet-host-order", e.at(), fmt.Sprintf("%s, peer %s", e.s.LocalAddress, e.s.PeerAddress), fmt.Sprintf("of %s your router has %s and Microsoft %s", p, first, first.Next()), fmt.Sprintf("set %s/%d here and %s as neighbour", first, p.Bits(), first.Next()))
	}
	if e.s.LocalAddress.Bits() != p.Bits() {
		k.say("peering-subnet-size", e.at(), e.s.LocalAddress.String(), fmt.Sprintf("the %s link of %s is %s", l.connection, l.c.Name, p), fmt.Sprintf("use a /%d on both ends", p.Bits()))
	}
	if e.s.VLAN != l.p.Properties.VLANID {
		k.say("peering-vlan-match", e.at(), fmt.Sprint(e.s.VLAN), fmt.Sprintf("%s of %s has VLAN %d", l.p.Name, l.c.Name, l.p.Properties.VLANID), fmt.Sprintf("use VLAN %d on both links", l.p.Properties.VLANID))
	}
	if want := bgp.ASN(k.c.Limits().MicrosoftASN); e.s.PeerASN != want {
		k.say("peering-asn-remote", e.at(), e.s.PeerASN.String(), "Microsoft's AS number is "+want.String(), "set "+want.String()+" as the remote AS")
	}
	if e.router.ASN != bgp.ASN(l.p.Properties.PeerASN) {
		k.sayAs(design.Error, "peering-asn-remote", e.at(), e.router.ASN.String(), fmt.Sprintf("the peering expects AS %d", l.p.Properties.PeerASN), "make both the same number")
	}
}

// numbers checks the AS numbers of the premises.
func (k *checker) numbers() {
	limits := k.c.Limits()
	seen := map[string]bool{}
	for _, e := range k.ends {
		asn := uint32(e.router.ASN)
		if seen[e.router.Name] {
			continue
		}
		seen[e.router.Name] = true
		if slices.Contains(limits.ReservedASNs, asn) {
			k.say("peering-asn-reserved", e.router.Name, e.router.ASN.String(), "Azure keeps this number for itself", "use another one")
		}
		if asn >= limits.DocumentationASNs[0] && asn <= limits.DocumentationASNs[1] {
			k.say("peering-asn-documentation", e.router.Name, e.router.ASN.String(), "this number is for documentation", "use another one")
		}
	}
}

// separateRouters checks that the two connections of a circuit end on different devices and attachments of one place.
func (k *checker) separateRouters() {
	routers := map[string]int{}
	for i := range k.d.Premises.Sites {
		routers[k.d.Premises.Sites[i].Name] = len(k.d.Premises.Sites[i].Routers)
	}
	carrier := map[string]string{} // attachment to the router it ends on
	for _, a := range k.d.Premises.Attachments {
		carrier[a.Name] = a.Router
	}
	for _, c := range k.circuitsAll {
		type spot struct{ router, site, attachment string }
		var first, second []spot
		for _, e := range k.endsOn[c.ID.Key()] {
			s := spot{e.router.Name, e.site, e.s.Attachment}
			if e.s.Connection == design.Primary {
				first = append(first, s)
			} else {
				second = append(second, s)
			}
			if on, ok := carrier[e.s.Attachment]; ok && on != e.router.Name {
				k.sayAs(design.Error, "res-dual-ce", e.at(), e.s.Attachment, fmt.Sprintf("%s ends on %s and the session is on %s", e.s.Attachment, on, e.router.Name), "put the session on the router that has the attachment")
			}
		}
		if len(first) == 0 || len(second) == 0 {
			continue
		}
		a, b := first[0], second[0]
		switch {
		case a.router == b.router && a.site != "" && routers[a.site] < 2:
			k.sayAs(design.Warning, "res-dual-ce", string(c.ID), a.router, fmt.Sprintf("both connections of %s end on %s, the only router of %s", c.Name, a.router, a.site), "add a second customer edge router")
		case a.router == b.router:
			k.say("res-dual-ce", string(c.ID), a.router, fmt.Sprintf("both connections of %s end on %s", c.Name, a.router), "end the secondary on another router")
		case a.attachment != "" && a.attachment == b.attachment:
			k.say("res-dual-ce", string(c.ID), a.attachment, fmt.Sprintf("both connections of %s use %s", c.Name, a.attachment), "use both attachments of the access")
		case a.site != b.site:
			k.say("res-links-same-place", string(c.ID), a.site+", "+b.site, fmt.Sprintf("the connections of %s end at %s and at %s", c.Name, or(a.site, a.router), or(b.site, b.router)), "end both at one site")
		}
	}
}

// exports checks that the premises announce nothing that is not their own, unless they may route between two lines of
// business.
func (k *checker) exports() {
	azureSpace := map[netip.Prefix]string{}
	for _, v := range k.vnets {
		for _, p := range prefixes(v.Properties.AddressSpace.AddressPrefixes) {
			azureSpace[p] = lob(v)
		}
	}
	for _, e := range k.ends {
		if e.s.Export == nil {
			k.say("route-no-transit-er", e.at(), "no export policy", "without an export policy the router announces everything it knows, what it learned from Microsoft on other circuits included", "announce the sites' own prefixes only")
			continue
		}
		if e.s.Export.Default == bgp.Accept {
			k.say("route-no-transit-er", e.at(), e.s.Export.Name, "the export policy lets through what no term names", "reject by default")
		}
		for i := range e.s.Export.Terms {
			t := &e.s.Export.Terms[i]
			if t.Action != bgp.Accept {
				continue
			}
			if len(t.Match.Prefixes) == 0 && len(t.Match.CommunitiesAny) == 0 && len(t.Match.CommunitiesAll) == 0 {
				k.say("route-no-transit-er", e.at(), t.Name, "term "+t.Name+" of the export policy matches everything", "name the prefixes")
			}
			for _, r := range t.Match.Prefixes {
				owner, found := azureSpace[r.Prefix]
				if !found || k.mayCarry(owner, k.ownerOf(e.s.Circuit)) {
					continue
				}
				k.say("route-no-transit-er", e.at(), r.Prefix.String(), fmt.Sprintf("the premises announce %s, which is %s's in Azure, on %s", r.Prefix, or(owner, "everybody"), e.s.Circuit.Name()), "take it out of the export policy, or list the pair under routesBetween")
			}
		}
	}
}

// ownerOf is the line of business of a circuit, empty when it is everybody's.
func (k *checker) ownerOf(id azure.ID) string {
	if c := k.circuit[id.Key()]; c != nil {
		return lob(c)
	}
	return ""
}

// mayCarry tells whether the premises may announce one line of business's networks to another.
func (k *checker) mayCarry(a, b string) bool {
	return a != "" && b != "" && a != b && slices.ContainsFunc(k.d.Premises.RoutesBetween, func(pair []string) bool { return slices.Contains(pair, a) && slices.Contains(pair, b) })
}

// sameOnBothLinks checks that both links of a peering announce the same.
func (k *checker) sameOnBothLinks() {
	type key struct {
		circuit, peering string
		six              bool
	}
	seen := map[key]end{}
	for _, e := range k.ends {
		if e.s.Export == nil {
			continue
		}
		x := key{e.s.Circuit.Key(), e.s.Peering, e.s.LocalAddress.Addr().Is6()}
		first, ok := seen[x]
		if !ok {
			seen[x] = e
			continue
		}
		if a, b := announces(first.s.Export), announces(e.s.Export); !slices.Equal(a, b) {
			k.say("route-identical-both-links", e.at(), strings.Join(b, " "), fmt.Sprintf("%s announces %s", first.at(), strings.Join(a, " ")), "announce the same prefixes on both links")
		}
	}
}

func announces(p *bgp.Policy) []string {
	var out []string
	for i := range p.Terms {
		if p.Terms[i].Action == bgp.Accept {
			for _, r := range p.Terms[i].Match.Prefixes {
				out = append(out, r.Prefix.String())
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// preferences checks that the premises prefer the circuit that the gateways prefer: weight on one side, local preference on
// the other.
func (k *checker) preferences() {
	pref := map[string]uint32{} // circuit key to the highest local preference of its private sessions
	for _, e := range k.ends {
		if e.s.Peering != privatePeering || e.s.Import == nil {
			continue
		}
		for i := range e.s.Import.Terms {
			if v := e.s.Import.Terms[i].Set.LocalPref; v != nil {
				pref[e.s.Circuit.Key()] = max(pref[e.s.Circuit.Key()], *v)
			}
		}
	}
	for _, g := range k.gatewaysAll {
		links := k.index.Links(g.ID)
		for i, a := range links {
			k.balanced(a, links[i+1:], pref)
		}
	}
}

// balanced holds one connection of a gateway against the others.
func (k *checker) balanced(a *azure.VirtualNetworkGatewayConnection, others []*azure.VirtualNetworkGatewayConnection, pref map[string]uint32) {
	for _, b := range others {
		p, q := a.Properties, b.Properties
		if p.Peer == nil || q.Peer == nil {
			continue
		}
		x, y := pref[p.Peer.ID.Key()], pref[q.Peer.ID.Key()]
		if (p.RoutingWeight > q.RoutingWeight && x < y) || (p.RoutingWeight < q.RoutingWeight && x > y) {
			heavy, preferred := p.Peer.ID.Name(), q.Peer.ID.Name()
			if p.RoutingWeight < q.RoutingWeight {
				heavy, preferred = preferred, heavy
			}
			k.say("route-symmetric", string(a.ID), fmt.Sprintf("%d and %d", p.RoutingWeight, q.RoutingWeight), fmt.Sprintf("%s sends by %s (weight), the premises by %s (local preference)", p.VirtualNetworkGateway1.ID.Name(), heavy, preferred),
				"prefer the same circuit on both sides")
		}
	}
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
