package adopt

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"onramp/azure"
	"onramp/bgp"
	"onramp/design"
	"onramp/intent"
)

// The assumptions of premises that are drawn from peerings.
const (
	AssumeSite     = "import-site"
	AssumeRouters  = "import-routers"
	AssumeAccess   = "import-access"
	AssumePrefixes = "import-prefixes"
	AssumeNoRoutes = "import-no-routes"
)

const (
	privatePeering   = "AzurePrivatePeering"
	microsoftPeering = "MicrosoftPeering"
)

// paths are the names of a circuit's connections.
func paths() [2]string { return [2]string{design.Primary, design.Secondary} }

// takeOver takes the premises, the intent and the orders of a design over, as far as the circuits that they are about were found.
func (k *importer) takeOver(d *design.Design, from *design.Design) {
	if k.o.Name == "" {
		d.Name = from.Name
	}
	to := map[string]azure.ID{} // circuits by the key that the given design has for them; "" for those that are not there
	byName := map[string][]azure.ID{}
	for _, c := range azure.Of[*azure.ExpressRouteCircuit](d.Resources) {
		byName[strings.ToLower(c.Name)] = append(byName[strings.ToLower(c.Name)], c.ID)
	}
	find := func(id azure.ID) azure.ID {
		if is, done := to[id.Key()]; done {
			return is
		}
		var is azure.ID
		if d.Resources.Get(id) != nil {
			is = id
		} else if list := byName[strings.ToLower(id.Name())]; len(list) == 1 {
			is = list[0]
		} else {
			k.notes = append(k.notes, Note{Kind: Premises, Source: "premises", At: string(id),
				Text: "the circuit was not found; its sessions and its order are left out"})
		}
		to[id.Key()] = is
		return is
	}
	p := from.Premises
	p.Sites = slices.Clone(p.Sites)
	for i := range p.Sites {
		p.Sites[i].Routers = k.routers(p.Sites[i].Routers, find)
	}
	p.ProviderEdges = k.routers(p.ProviderEdges, find)
	d.Premises = p
	d.Orders = make([]design.Order, 0, len(from.Orders))
	for _, o := range from.Orders {
		if o.Circuit = find(o.Circuit); o.Circuit != "" {
			d.Orders = append(d.Orders, o)
		}
	}
	d.Intent, d.Assumptions, d.Defaults = from.Intent, slices.Clone(from.Assumptions), from.Defaults
	same := true
	for _, c := range azure.Of[*azure.ExpressRouteCircuit](from.Resources) {
		same = same && find(c.ID) != ""
	}
	if same && len(azure.Of[*azure.ExpressRouteCircuit](from.Resources)) == len(azure.Of[*azure.ExpressRouteCircuit](d.Resources)) {
		d.Pattern = from.Pattern
	}
}

// routers are routers with the sessions whose circuits are there.
func (k *importer) routers(list []design.Router, find func(azure.ID) azure.ID) []design.Router {
	out := slices.Clone(list)
	for i := range out {
		sessions := make([]design.Session, 0, len(out[i].Sessions))
		for _, s := range out[i].Sessions {
			if s.Circuit != "" {
				if s.Circuit = find(s.Circuit); s.Circuit == "" {
					continue
				}
			}
			sessions = append(sessions, s)
		}
		out[i].Sessions = sessions
	}
	return out
}

// drawn is a circuit whose other end is to be drawn.
type drawn struct {
	c        *azure.ExpressRouteCircuit
	peerings []*azure.Peering
	asn      bgp.ASN
	learned  [2][]netip.Prefix // on private peering, by connection
	location string
	mbps     intent.Mbps
	direct   bool
}

// all are the prefixes that either connection has learned.
func (c *drawn) all() []netip.Prefix { return sortedPrefixes(c.learned[0], c.learned[1]) }

// draw draws premises for the circuits that nobody has told the other end of, as far as their peerings tell it.
func (k *importer) draw(d *design.Design, found []*Found) {
	held := map[string]bool{}
	for _, s := range d.Premises.Sites {
		hold(held, s.Routers)
	}
	hold(held, d.Premises.ProviderEdges)
	var groups [][]*drawn
	for _, c := range azure.Of[*azure.ExpressRouteCircuit](d.Resources) {
		if held[c.ID.Key()] {
			continue
		}
		x := k.drawn(d, c)
		if x == nil {
			continue
		}
		i := slices.IndexFunc(groups, func(g []*drawn) bool { return together(g, x) })
		if i < 0 {
			groups = append(groups, []*drawn{x})
		} else {
			groups[i] = append(groups[i], x)
		}
	}
	if len(groups) == 0 {
		return
	}
	names := map[string]bool{}
	for _, s := range d.Premises.Sites {
		names[s.Name] = true
	}
	shown := false
	for _, g := range groups {
		name := fmt.Sprintf("site-%s", g[0].asn)
		for n := 2; names[name]; n++ {
			name = fmt.Sprintf("site-%s-%d", g[0].asn, n)
		}
		names[name] = true
		shown = k.site(d, name, g) || shown
	}
	asked := slices.ContainsFunc(found, func(f *Found) bool { return f.learned != nil })
	k.assume(d, AssumeSite,
		"Circuits whose peerings have one peer AS number end at one site, unless they learn different prefixes; it is where the first of them is.",
		"Azure does not know the premises; --premises names a design that does")
	k.assume(d, AssumeRouters,
		"Each connection of a circuit ends on a customer edge router of its own with the addresses, tag and AS number of the peering, "+
			"the published timers and BFD, and no preference of its own.",
		"a peering tells its own end only")
	k.assume(d, AssumeAccess,
		"The way to each circuit is as fast as the circuit, a cloud exchange or, to Direct ports, a cross-connect.",
		"Azure does not know how a provider is reached")
	if shown {
		k.assume(d, AssumePrefixes,
			"The prefixes at a site are those that its peerings have learned or are to announce, and each connection announces no others.",
			"a peering shows what it has now, not what may come")
	}
	if !shown || !asked {
		k.assume(d, AssumeNoRoutes, "A site whose prefixes nobody shows has none and announces nothing.",
			"only an endpoint shows what a private peering has learned, and only while its session is up")
	}
}

func hold(held map[string]bool, routers []design.Router) {
	for i := range routers {
		for j := range routers[i].Sessions {
			held[routers[i].Sessions[j].Circuit.Key()] = true
		}
	}
}

func (k *importer) assume(d *design.Design, name, text, reason string) {
	a := design.Assumption{Name: name, Text: text, Reason: reason}
	k.assumed = append(k.assumed, a)
	d.Assumptions = append(d.Assumptions, a)
}

// together tells whether a circuit ends where those of a group do.
func together(g []*drawn, x *drawn) bool {
	if g[0].asn != x.asn {
		return false
	}
	mine := x.all()
	theirs := false
	for _, o := range g {
		list := o.all()
		theirs = theirs || len(list) > 0
		if slices.ContainsFunc(list, func(p netip.Prefix) bool { return slices.Contains(mine, p) }) {
			return true
		}
	}
	return !theirs || len(mine) == 0
}

// drawn reads a circuit; nil for one whose peerings do not say enough.
func (k *importer) drawn(d *design.Design, c *azure.ExpressRouteCircuit) *drawn {
	x := &drawn{c: c}
	switch p := &c.Properties; {
	case p.ServiceProviderProperties != nil:
		x.location, x.mbps = p.ServiceProviderProperties.PeeringLocation, intent.Mbps(p.ServiceProviderProperties.BandwidthInMbps)
	case p.ExpressRoutePort != nil:
		x.direct = true
		if port, ok := d.Resources.Get(p.ExpressRoutePort.ID).(*azure.ExpressRoutePort); ok {
			x.location = port.Properties.PeeringLocation
		}
		if p.BandwidthInGbps != nil {
			x.mbps = intent.Mbps(*p.BandwidthInGbps * 1000)
		}
	}
	for i := range c.Properties.Peerings {
		p := &c.Properties.Peerings[i]
		kind := kindOf(p)
		if kind == "" || p.Properties.PeerASN == 0 || strings.EqualFold(p.Properties.State, "Disabled") {
			continue
		}
		x.peerings = append(x.peerings, p)
		if x.asn == 0 || kind == privatePeering {
			x.asn = bgp.ASN(p.Properties.PeerASN)
		}
		if kind != privatePeering {
			continue
		}
		for half, path := range paths() {
			for at, list := range k.learned {
				if at.circuit == c.ID.Key() && strings.EqualFold(at.peering, p.Name) && at.path == path {
					x.learned[half] = sortedPrefixes(x.learned[half], parsed(list))
				}
			}
		}
	}
	if len(x.peerings) == 0 {
		return nil
	}
	return x
}

// kindOf is a peering's type; empty for one that does not route any more.
func kindOf(p *azure.Peering) string {
	for _, t := range []string{privatePeering, microsoftPeering} {
		if strings.EqualFold(cmp.Or(p.Properties.PeeringType, p.Name), t) {
			return t
		}
	}
	return ""
}

// site draws a site with the routers of its circuits, and tells whether it has prefixes.
func (k *importer) site(d *design.Design, name string, g []*drawn) bool {
	s := design.Site{Name: name, ASN: g[0].asn, Prefixes: []netip.Prefix{}, PublicPrefixes: []netip.Prefix{}, Routers: []design.Router{}}
	if l, ok := k.o.Catalog.Location(g[0].location); ok {
		s.Latitude, s.Longitude = l.Latitude, l.Longitude
	}
	for _, c := range g {
		s.Prefixes = sortedPrefixes(s.Prefixes, c.all())
		for _, p := range c.peerings {
			s.PublicPrefixes = sortedPrefixes(s.PublicPrefixes, public(p, false), public(p, true))
		}
		for half := range 2 { // the primary and the secondary connection
			k.ends(d, &s, c, half)
		}
	}
	d.Premises.Sites = append(d.Premises.Sites, s)
	return len(s.Prefixes)+len(s.PublicPrefixes) > 0
}

// ends draws the routers of one connection: one for each AS number that its peerings expect there.
func (k *importer) ends(d *design.Design, s *design.Site, c *drawn, half int) {
	a := design.Attachment{Name: fmt.Sprintf("%s/%d", c.c.Name, half+1), Site: s.Name, Model: intent.CloudExchange, Location: c.location, Mbps: c.mbps, Number: half + 1}
	if c.direct {
		a.Model = intent.Direct
	} else if p := c.c.Properties.ServiceProviderProperties; p != nil {
		a.Provider = p.ServiceProviderName
	}
	first := len(s.Routers)
	limits := k.o.Catalog.Limits()
	for _, p := range c.peerings {
		asn := bgp.ASN(p.Properties.PeerASN)
		i := first
		for i < len(s.Routers) && s.Routers[i].ASN != asn {
			i++
		}
		if i == len(s.Routers) {
			s.Routers = append(s.Routers, design.Router{Name: fmt.Sprintf("%s-ce%d", s.Name, i+1), ASN: asn, Sessions: []design.Session{}})
		}
		r := &s.Routers[i]
		for _, link := range links(p, half) {
			n := design.Session{
				Name: sessionName(c.c.Name, kindOf(p), paths()[half], link.Addr().Is6()), Circuit: c.c.ID, Connection: paths()[half], Peering: kindOf(p), Attachment: a.Name,
				Interface: fmt.Sprintf("eth%d.%d", 1, p.Properties.VLANID), VLAN: p.Properties.VLANID,
				LocalAddress: netip.PrefixFrom(link.Addr().Next(), link.Bits()), PeerAddress: link.Addr().Next().Next(), PeerASN: bgp.ASN(limits.MicrosoftASN),
				KeepaliveSec: limits.KeepaliveSeconds, HoldSec: limits.HoldSeconds, BFDMilliseconds: limits.BFDMilliseconds, BFDMultiplier: limits.BFDMultiplier,
			}
			n.Export = announcing("to-"+n.Name, announced(c, p, half, link.Addr().Is6()))
			r.Sessions = append(r.Sessions, n)
			if local := n.LocalAddress.Addr(); local.Is4() && (!r.RouterID.IsValid() || local.Less(r.RouterID)) {
				r.RouterID = local
			}
		}
	}
	if len(s.Routers) == first {
		return
	}
	a.Router = s.Routers[first].Name
	d.Premises.Attachments = append(d.Premises.Attachments, a)
}

// announced are the prefixes that a session announces: what its connection has learned or, while that has nothing, what the other has;
// on Microsoft peering what was said in advance.
func announced(c *drawn, p *azure.Peering, half int, six bool) []netip.Prefix {
	if kindOf(p) == microsoftPeering {
		return public(p, six)
	}
	list := c.learned[half]
	if len(list) == 0 {
		list = c.all()
	}
	return slices.DeleteFunc(slices.Clone(list), func(p netip.Prefix) bool { return p.Addr().Is6() != six })
}

// announcing announces these prefixes and nothing else.
func announcing(name string, list []netip.Prefix) *bgp.Policy {
	out := &bgp.Policy{Name: name, Default: bgp.Reject, Terms: []bgp.Term{}}
	if len(list) == 0 {
		return out
	}
	t := bgp.Term{Name: "own", Action: bgp.Accept}
	for _, p := range list {
		t.Match.Prefixes = append(t.Match.Prefixes, bgp.PrefixRule{Prefix: p})
	}
	out.Terms = append(out.Terms, t)
	return out
}

// sessionName is how designs call their sessions.
func sessionName(circuit, kind, path string, six bool) string {
	word := "private"
	if kind == microsoftPeering {
		word = "microsoft"
	}
	name := circuit + "/" + word + "/" + path
	if six {
		name += "/ipv6"
	}
	return name
}

// links are the link subnets of one connection of a peering, IPv4 first.
func links(p *azure.Peering, half int) []netip.Prefix {
	list := []string{[2]string{p.Properties.PrimaryPeerAddressPrefix, p.Properties.SecondaryPeerAddressPrefix}[half]}
	if six := p.Properties.IPv6PeeringConfig; six != nil && !strings.EqualFold(six.State, "Disabled") {
		list = append(list, [2]string{six.PrimaryPeerAddressPrefix, six.SecondaryPeerAddressPrefix}[half])
	}
	return slices.DeleteFunc(parsed(list), func(p netip.Prefix) bool { return p.Addr().BitLen()-p.Bits() < 2 }) // no room for two ends
}

// customerEnds are the customer's addresses on one connection of a peering: the first usable ones (expressroute-routing.md).
func customerEnds(peering object, half int) []string {
	name := [2]string{"primaryPeerAddressPrefix", "secondaryPeerAddressPrefix"}[half]
	var out []string
	for _, p := range parsed([]string{text(peering, "properties", name), text(peering, "properties", "ipv6PeeringConfig", name)}) {
		out = append(out, p.Addr().Next().String())
	}
	return out
}

// public are the prefixes that are announced on a Microsoft peering.
func public(p *azure.Peering, six bool) []netip.Prefix {
	config := p.Properties.MicrosoftPeeringConfig
	if six {
		config = nil
		if v := p.Properties.IPv6PeeringConfig; v != nil {
			config = v.MicrosoftPeeringConfig
		}
	}
	if config == nil || kindOf(p) != microsoftPeering {
		return nil
	}
	return slices.DeleteFunc(parsed(config.AdvertisedPublicPrefixes), func(p netip.Prefix) bool { return p.Addr().Is6() != six })
}

// parsed are the prefixes among texts, masked.
func parsed(list []string) []netip.Prefix {
	var out []netip.Prefix
	for _, s := range list {
		if p, err := netip.ParsePrefix(s); err == nil {
			out = append(out, p.Masked())
		}
	}
	return out
}

// sortedPrefixes puts lists together, each prefix once, in order.
func sortedPrefixes(lists ...[]netip.Prefix) []netip.Prefix {
	out := slices.Concat(lists...)
	slices.SortFunc(out, func(a, b netip.Prefix) int { return cmp.Or(a.Addr().Compare(b.Addr()), a.Bits()-b.Bits()) })
	out = slices.Compact(out)
	if out == nil {
		return []netip.Prefix{}
	}
	return out
}
