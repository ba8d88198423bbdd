package prove

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"onramp/azure"
	"onramp/design"
)

// Limit is one published limit with what the design uses of it.
type Limit struct {
	Name string `json:"name"` // "VNet links", "circuits", "peerings", "prefixes from the premises", "prefixes to the premises"
	Of   string `json:"of"`   // the resource's name
	Used int    `json:"used"`
	Most int    `json:"most"`
}

// Left is the unused part, from 0 to 1.
func (l Limit) Left() float64 {
	if l.Most <= 0 {
		return 1
	}
	return max(1-float64(l.Used)/float64(l.Most), 0)
}

// Names of limits (expressroute-limits.md, expressroute-gateway-performance-include.md, azure-virtual-network-limits.md,
// expressroute-faqs.md).
const (
	limitLinks    = "VNet links"
	limitCircuits = "circuits"
	limitPeerings = "peerings"
	limitFrom     = "prefixes from the premises"
	limitTo       = "prefixes to the premises"
)

// LimitNames lists the kinds of limits in their printed order.
func LimitNames() []string {
	return []string{limitLinks, limitCircuits, limitPeerings, limitTo, limitFrom}
}

// Room is what can still be added before a published limit or a pool is met, the design staying as it is; -1 where nothing that is
// known limits it. By says what does.
type Room struct {
	// VNets is the number for the line of business that can add the fewest, each with one prefix and attached as its others are.
	VNets   int    `json:"vnets"`
	VNetsBy string `json:"vnetsBy"`
	// Prefixes is how many more the premises can announce on the circuit that can take the fewest.
	Prefixes   int    `json:"prefixes"`
	PrefixesBy string `json:"prefixesBy"`
	// LinesOfBusiness is how many more, of one network each, find a place: on the circuits, gateways and hubs that all share, or with
	// circuits of their own in what is left of the pool for link subnets.
	LinesOfBusiness   int    `json:"linesOfBusiness"`
	LinesOfBusinessBy string `json:"linesOfBusinessBy"`
}

// ledger is the use of every limit.
type ledger struct {
	limits []Limit
	at     map[[2]string]int // name and resource key to the index in limits
}

func (l *ledger) add(name, key, of string, used, most int) {
	if most <= 0 {
		return
	}
	l.at[[2]string{name, key}] = len(l.limits)
	l.limits = append(l.limits, Limit{name, of, used, most})
}

// left is how much of a limit is unused; found is false where none is published.
func (l *ledger) left(name, key string) (n int, of string, found bool) {
	i, ok := l.at[[2]string{name, key}]
	if !ok {
		return 0, "", false
	}
	x := l.limits[i]
	return max(x.Most-x.Used, 0), x.Name + " of " + x.Of, true
}

// ledger reads the use of the limits from the design.
func (p *prover) ledger(x *azure.Index) *ledger {
	l := &ledger{at: map[[2]string]int{}}
	limits, announced := p.catalog.Limits(), p.announced()
	for _, c := range azure.Of[*azure.ExpressRouteCircuit](p.design.Resources) {
		k := c.ID.Key()
		if n, ok := limits.VNetLinks(c.SKU.Tier, circuitMbps(c)); ok {
			l.add(limitLinks, k, c.Name, len(x.Links(c.ID))+x.GlobalReach(c.ID), n)
		}
		l.add(limitFrom, k, c.Name, announced[k], limits.PrivatePrefixesFromOnPrem(c.SKU.Tier, "ipv4"))
	}
	for _, g := range azure.Of[*azure.VirtualNetworkGateway](p.design.Resources) {
		if sku, ok := p.catalog.GatewaySKU(g.Properties.SKU.Name); ok {
			l.add(limitCircuits, g.ID.Key(), g.Name, len(x.Links(g.ID)), sku.MaxCircuits)
		}
		l.add(limitTo, g.ID.Key(), g.Name, p.toPremises(x, g), limits.PrefixesToOnPrem("ipv4"))
	}
	for _, v := range azure.Of[*azure.VirtualNetwork](p.design.Resources) {
		l.add(limitPeerings, v.ID.Key(), v.Name, len(v.Properties.VirtualNetworkPeerings), limits.VNetPeerings)
	}
	return l
}

// toPremises counts the IPv4 prefixes that a gateway announces: of its network and of those that use it, summaries in place of what
// they cover (expressroute-faqs.md).
func (p *prover) toPremises(x *azure.Index, g *azure.VirtualNetworkGateway) int {
	n := 0
	for i := range g.Properties.IPConfigurations {
		s := g.Properties.IPConfigurations[i].Properties.Subnet
		if s == nil {
			continue
		}
		home, ok := x.Get(s.ID.Parent()).(*azure.VirtualNetwork)
		if !ok {
			continue
		}
		summaries := fours(home.Properties.SummarizedGatewayPrefixes)
		n += len(summaries)
		count := func(v *azure.VirtualNetwork) {
			for _, a := range fours(v.Properties.AddressSpace.AddressPrefixes) {
				if !slices.ContainsFunc(summaries, func(s netip.Prefix) bool { return s.Bits() <= a.Bits() && s.Contains(a.Addr()) }) {
					n++
				}
			}
		}
		count(home)
		for _, v := range p.users(x, home) {
			count(v)
		}
	}
	return n
}

// users are the networks that use a network's gateway.
func (p *prover) users(x *azure.Index, home *azure.VirtualNetwork) []*azure.VirtualNetwork {
	var out []*azure.VirtualNetwork
	for i := range home.Properties.VirtualNetworkPeerings {
		r := home.Properties.VirtualNetworkPeerings[i].Properties.RemoteVirtualNetwork
		if r == nil {
			continue
		}
		if v, ok := x.Get(r.ID).(*azure.VirtualNetwork); ok && usesGatewayOf(v, home) {
			out = append(out, v)
		}
	}
	return out
}

func usesGatewayOf(v, home *azure.VirtualNetwork) bool {
	return slices.ContainsFunc(v.Properties.VirtualNetworkPeerings, func(q azure.VirtualNetworkPeering) bool {
		return q.Properties.UseRemoteGateways && q.Properties.RemoteVirtualNetwork != nil && q.Properties.RemoteVirtualNetwork.ID.Equal(home.ID)
	})
}

// fours reads the IPv4 prefixes of a list.
func fours(list []string) []netip.Prefix {
	var out []netip.Prefix
	for _, s := range list {
		if a, err := netip.ParsePrefix(s); err == nil && a.Addr().Is4() {
			out = append(out, a.Masked())
		}
	}
	return out
}

// least keeps the smallest of what is left, with what it is of.
type least struct {
	n  int
	by string
}

func (l *least) note(n int, by string) {
	if l.n < 0 || n < l.n {
		l.n, l.by = n, by
	}
}

// room finds what can be added.
func (p *prover) room(x *azure.Index, l *ledger) Room {
	vnets, prefixes, lobs := least{n: -1}, least{n: -1}, least{n: -1}
	own := true // every line of business has circuits of its own
	for _, v := range azure.Of[*azure.VirtualNetwork](p.design.Resources) {
		if v.Tags[design.TagLineOfBusiness] == "" || v.Tags[design.TagRole] == roleHub || v.Tags[design.TagRole] == roleShared {
			continue
		}
		mine, shared := p.oneMore(x, l, v)
		if mine.n >= 0 {
			vnets.note(mine.n, mine.by)
		}
		if shared {
			own = false
			if mine.n >= 0 {
				lobs.note(mine.n, mine.by)
			}
		}
	}
	for _, y := range l.limits {
		if y.Name == limitFrom {
			prefixes.note(max(y.Most-y.Used, 0), y.Name+" of "+y.Of)
		}
	}
	if own && p.design.Intent != nil && len(p.lobs) > 0 {
		if n, known := p.linksLeft(); known {
			lobs.note(n, "pools.transit")
		}
	}
	return Room{vnets.n, vnets.by, prefixes.n, prefixes.by, lobs.n, lobs.by}
}

// oneMore is how many networks can be added as one is, and whether it comes in by a circuit that is not its line of business's own.
func (p *prover) oneMore(x *azure.Index, l *ledger, v *azure.VirtualNetwork) (room least, shared bool) {
	room = least{n: -1}
	note := func(name, key string) {
		if n, by, found := l.left(name, key); found {
			room.note(n, by)
		}
	}
	gateways := x.GatewaysIn(v.ID)
	for i := range v.Properties.VirtualNetworkPeerings {
		q := &v.Properties.VirtualNetworkPeerings[i].Properties
		if !q.UseRemoteGateways || q.RemoteVirtualNetwork == nil {
			continue
		}
		note(limitPeerings, q.RemoteVirtualNetwork.ID.Key())
		for _, g := range x.GatewaysIn(q.RemoteVirtualNetwork.ID) {
			note(limitTo, g.ID.Key())
			shared = shared || p.sharedCircuit(x, g)
		}
	}
	for _, g := range gateways {
		for _, c := range x.Links(g.ID) {
			if c.Properties.Peer != nil {
				note(limitLinks, c.Properties.Peer.ID.Key())
			}
		}
		shared = shared || p.sharedCircuit(x, g)
	}
	return room, shared
}

// sharedCircuit tells whether a gateway is connected to a circuit that is nobody's own.
func (p *prover) sharedCircuit(x *azure.Index, g *azure.VirtualNetworkGateway) bool {
	return slices.ContainsFunc(x.Links(g.ID), func(c *azure.VirtualNetworkGatewayConnection) bool {
		if c.Properties.Peer == nil {
			return false
		}
		r := x.Get(c.Properties.Peer.ID)
		return r != nil && r.Head().Tags[design.TagLineOfBusiness] == ""
	})
}

// linksLeft is how many lines of business more find link subnets for as many circuits as those that there are have at most: a /30 for
// each of a circuit's two connections (expressroute-routing.md).
func (p *prover) linksLeft() (n int, known bool) {
	const perCircuit = 2 * 4 // addresses
	size := 0
	for _, x := range p.design.Intent.Pools.Transit {
		if x.Addr().Is4() {
			size += 1 << (32 - x.Bits())
		}
	}
	used := 0
	most := 0
	of := map[string]int{}
	for _, c := range azure.Of[*azure.ExpressRouteCircuit](p.design.Resources) {
		if c.Tags[design.TagLineOfBusiness] != "" {
			of[c.Tags[design.TagLineOfBusiness]]++
			most = max(most, of[c.Tags[design.TagLineOfBusiness]])
		}
		for i := range c.Properties.Peerings {
			if strings.EqualFold(c.Properties.Peerings[i].Properties.PeeringType, "AzurePrivatePeering") {
				used += perCircuit
			}
		}
	}
	if size == 0 || most == 0 {
		return 0, false
	}
	return max(size-used, 0) / (perCircuit * most), true
}

// headroom is the least that is left of the published limits.
func (l *ledger) headroom() (left float64, of string) {
	left = 1
	for _, x := range l.limits {
		if r := x.Left(); r < left {
			left, of = r, x.Name+" of "+x.Of
		}
	}
	return round(left, 4), of
}

// nearest are the limits of which the least is left, one of each name: the others of that name have more.
func (l *ledger) nearest() []Limit {
	var out []Limit
	for _, x := range l.limits {
		i := slices.IndexFunc(out, func(y Limit) bool { return y.Name == x.Name })
		switch {
		case i < 0:
			out = append(out, x)
		case x.Left() < out[i].Left():
			out[i] = x
		}
	}
	slices.SortStableFunc(out, func(a, b Limit) int { return cmp.Or(cmp.Compare(a.Left(), b.Left()), strings.Compare(a.Name, b.Name)) })
	if out == nil {
		out = []Limit{}
	}
	return out
}
