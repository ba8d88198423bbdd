package network

import (
	"math/bits"
	"net/netip"
	"slices"

	"onramp/bgp"
)

// ElementSet is a set of elements by their index in Network.Elements.
type ElementSet []uint64

// NewElementSet makes an empty set of the network's elements.
func (n *Network) NewElementSet() ElementSet { return make(ElementSet, (len(n.elements)+63)/64) }

// Has tells whether an element is in the set.
func (e ElementSet) Has(i int) bool { return e[i/64]&(1<<(i%64)) != 0 }

// Add puts an element in.
func (e ElementSet) Add(i int) { e[i/64] |= 1 << (i % 64) }

// AddAll puts in what another set of the same network has.
func (e ElementSet) AddAll(o ElementSet) {
	for i, w := range o {
		e[i] |= w
	}
}

// Members lists the set in the order of Network.Elements.
func (e ElementSet) Members() []int {
	var out []int
	for i, w := range e {
		for ; w != 0; w &= w - 1 {
			out = append(out, 64*i+bits.TrailingZeros64(w))
		}
	}
	return out
}

// Bearing finds the elements on which the ways of a flow rest in a state: whatever other elements fail besides, alone or
// together, the flow goes the same ways. Routing with policy is not monotone, so this does not ask what is on the way, but what
// the tables on the way are computed from:
//
//   - the table of a router for a prefix is a function of its own routes and of what the sessions into it bring, which is a
//     function of the tables at their other ends, and so on. Of these the routers are followed from which the prefix could ever
//     come, by the rules that look at nothing but the prefix and the kinds of the two ends;
//   - among them a session that brings nothing now leaves every equation as it is when it goes down. Elements of those that
//     bring something, and of the routers that originate the prefix, are what the table rests on;
//   - prefix limits tie prefixes together: where one could ever be passed, and where routes do not settle, the answer is everything.
//
// A Bearing remembers tables that it has looked at, so it serves one goroutine at a time.
type Bearing struct {
	n       *Network
	printed []int    // by element as built: index in Elements
	may     [][]bool // by prefix, by directed session: whether it could ever carry the prefix
	limited bool     // some prefix limit could be passed in some state
	all     ElementSet
	subnets map[string][]*subnet
	tables  map[tableOf]ElementSet
}

// tableOf is one router's table for one prefix, as computed for some state.
type tableOf struct {
	routes *prefixRoutes
	router int
}

// NewBearing looks at which prefixes could cross which sessions in any state.
func (n *Network) NewBearing() *Bearing {
	b := &Bearing{n: n, printed: make([]int, len(n.elements)), all: n.NewElementSet(), subnets: map[string][]*subnet{}, tables: map[tableOf]ElementSet{}}
	for i, e := range n.printed {
		b.printed[n.byElement[e.ID]] = i
		b.all.Add(i)
	}
	for _, v := range n.vnets {
		for _, sn := range v.subnets {
			name := v.name + "/" + sn.name
			b.subnets[name] = append(b.subnets[name], sn)
		}
	}
	for p := range n.prefixes {
		b.may = append(b.may, n.mayCarry(p))
	}
	b.limited = b.mayExceed()
	return b
}

// mayCarry tells which directed sessions could ever carry a prefix: the least set that follows from who originates it.
func (n *Network) mayCarry(p int) []bool {
	may := make([]bool, 2*len(n.sessions))
	var queue []*router
	for _, o := range n.origins[p] {
		queue = append(queue, n.routers[o])
	}
	for len(queue) > 0 {
		x := queue[0]
		queue = queue[1:]
		for _, d := range x.out {
			if may[d] || !n.couldSend(d, p, may) {
				continue
			}
			may[d] = true
			queue = append(queue, n.routers[n.sessions[d/2].dir[d%2].to])
		}
	}
	return may
}

// couldSend tells whether a directed session could carry a prefix when the sender could have it from where may says. It mirrors
// deliver, without all rules that look at a route's attributes.
func (n *Network) couldSend(d, p int, may []bool) bool {
	sess := n.sessions[d/2]
	dir := &sess.dir[d%2]
	from, to, prefix := n.routers[dir.from], n.routers[dir.to], n.prefixes[p]
	if !sess.carries(prefix) || from.kind != kindMSEE && !couldPass(dir.exportPol, prefix) || !couldPass(dir.importPol, prefix) {
		return false
	}
	if to.kind == kindMSEE && (from.kind == kindCE || from.kind == kindPE) && to.microsoft && !to.public[prefix] {
		return false
	}
	if a := from.ownAttrs[prefix]; a != nil && from.kind != kindMSEE {
		if from.kind != kindServices || slices.ContainsFunc(a.Communities, func(c bgp.Community) bool { return to.allowed[c] }) {
			return true
		}
	}
	for _, e := range from.in {
		if may[e] && e/2 != d/2 && n.couldPassOn(from, to, sess, n.sessions[e/2], n.routers[n.sessions[e/2].dir[e%2].from]) {
			return true
		}
	}
	return false
}

// couldPassOn tells whether a router could tell one neighbour what it learned from another.
func (n *Network) couldPassOn(from, to *router, sess, learned *session, origin *router) bool {
	switch from.kind {
	case kindGateway, kindServices:
		return false
	case kindMSEE:
		switch to.kind {
		case kindCE, kindPE:
			return true
		case kindGateway:
			switch origin.kind {
			case kindCE, kindPE, kindMSEE:
				return true
			case kindGateway:
				return origin.gateway != to.gateway && origin.gateway.remoteVNets() && to.gateway.remoteVNets()
			}
			return false
		case kindMSEE, kindServices:
			return origin.kind != kindMSEE && origin.kind != kindServices
		}
		return false
	}
	return !sess.internal || !learned.internal || from.kind == kindCore
}

// couldPass tells whether a policy could accept some route for a prefix: terms that ask for more than the prefix may match or not.
func couldPass(pol *bgp.Policy, prefix netip.Prefix) bool {
	if pol == nil {
		return true
	}
	for i := range pol.Terms {
		t := &pol.Terms[i]
		m := &t.Match
		if len(m.Prefixes) > 0 && !slices.ContainsFunc(m.Prefixes, func(r bgp.PrefixRule) bool { return r.Matches(prefix) }) {
			continue
		}
		if t.Action == bgp.Accept {
			return true
		}
		always := len(m.CommunitiesAny)+len(m.CommunitiesAll)+len(m.PathContains)+len(m.PathOrigin)+len(m.PathNeighbor)+len(m.Peer)+len(m.From) == 0
		if t.Action == bgp.Reject && always {
			return false
		}
	}
	return pol.Default == bgp.Accept
}

// mayExceed tells whether so many prefixes could cross some session that its limit is passed.
func (b *Bearing) mayExceed() bool {
	for i, x := range b.n.sessions {
		for d := range 2 {
			dir := &x.dir[d]
			c4, c6 := 0, 0
			for p, prefix := range b.n.prefixes {
				switch {
				case !b.may[p][2*i+d]:
				case prefix.Addr().Is4():
					c4++
				default:
					c6++
				}
			}
			if dir.limit4 > 0 && c4 > dir.limit4 || dir.limit6 > 0 && c6 > dir.limit6 {
				return true
			}
		}
	}
	return false
}

// Of returns what the ways of a flow rest on, that Trace found in this state. The set is the caller's.
func (b *Bearing) Of(s *State, f Flow, paths []Path) ElementSet {
	if b.limited || len(s.exceeded) > 0 || len(s.unstable) > 0 {
		return slices.Clone(b.all)
	}
	out := b.n.NewElementSet()
	b.end(out, f.Src)
	b.end(out, f.Dst)
	cover := b.n.covering(f.Dst.Addr)
	for i := range paths {
		path := &paths[i]
		for j := range path.Hops {
			h := &path.Hops[j]
			if j == len(path.Hops)-1 && path.Fate == Delivered && h.Route == "" {
				continue // it is there; nothing was looked up
			}
			switch h.Kind {
			case "vnet":
				for _, sn := range b.subnets[h.Node] {
					b.rows(out, s, sn, f.Dst.Addr, cover)
				}
			case "firewall":
				b.firewall(out, s, h.Node, f.Dst.Addr, cover)
			case "gateway":
				if r, ok := b.n.byRouter[h.Node]; ok { // an instance that a packet came in by, not the gateway that it leaves by
					b.add(out, b.n.routers[r].elements)
					if sn := b.n.routers[r].gateway.vnet.subnetNamed("GatewaySubnet"); sn != nil {
						b.rows(out, s, sn, f.Dst.Addr, cover)
					}
				}
			default:
				if r, ok := b.n.byRouter[h.Node]; ok {
					b.router(out, s, r, cover)
				}
			}
		}
	}
	return out
}

// end adds what an end exists by.
func (b *Bearing) end(out ElementSet, e Endpoint) {
	if e.Kind != SiteHost {
		return
	}
	for _, x := range b.n.sites {
		if x.name == e.Site {
			out.Add(b.printed[x.element])
		}
	}
}

func (b *Bearing) add(out ElementSet, elements []int) {
	for _, e := range elements {
		out.Add(b.printed[e])
	}
}

// router adds what a router forwards by: its tables from the longest prefix to the first that has a route.
func (b *Bearing) router(out ElementSet, s *State, r int, cover []int) {
	b.add(out, b.n.routers[r].elements)
	for _, p := range cover {
		out.AddAll(b.table(s, r, p))
		if len(s.used(p, r)) > 0 {
			return
		}
	}
}

// rows adds what a subnet's routes to an address rest on: the gateway's tables for prefixes that could stand in them and win.
func (b *Bearing) rows(out ElementSet, s *State, sn *subnet, to netip.Addr, cover []int) {
	v := sn.vnet
	g := v.gatewayFor()
	if g == nil || sn.table != nil && sn.table.Properties.DisableBGPRoutePropagation {
		return
	}
	longest := -1
	if now := lookup(s.rows(sn), to); len(now) > 0 {
		longest = now[0].Prefix.Bits()
	}
	for _, p := range cover {
		if prefix := b.n.prefixes[p]; prefix.Bits() < longest || beaten(v, sn, prefix) {
			continue
		}
		for _, i := range g.instances {
			out.AddAll(b.table(s, i, p))
		}
	}
}

// beaten tells whether a route of the gateway for a prefix loses in a subnet whatever the gateway knows (precedence).
func beaten(v *vnet, sn *subnet, prefix netip.Prefix) bool {
	within := func(o netip.Prefix) bool { return o.Bits() <= prefix.Bits() && o.Contains(prefix.Addr()) }
	if slices.ContainsFunc(v.prefixes, within) {
		return true
	}
	for _, p := range v.peers {
		if p.access && slices.ContainsFunc(p.to.prefixes, within) {
			return true
		}
	}
	return slices.ContainsFunc(userRoutes(sn.table), func(r EffectiveRoute) bool { return r.Prefix == prefix })
}

// firewall adds one live instance, by which packets pass whatever the other does, and what the firewall forwards by.
func (b *Bearing) firewall(out ElementSet, s *State, name string, to netip.Addr, cover []int) {
	for _, f := range b.n.firewalls {
		if f.name != name {
			continue
		}
		i := slices.IndexFunc(f.downBy, func(e []int) bool { return !s.anyDown(e) })
		if i < 0 {
			continue // down it stays
		}
		b.add(out, f.downBy[i])
		if f.subnet != nil {
			b.rows(out, s, f.subnet, to, cover)
		}
	}
}

// table returns what one router's table for one prefix rests on. It depends on nothing of the state but the prefix's routes, which
// states share: sessions that are down are followed as well.
func (b *Bearing) table(s *State, router, p int) ElementSet {
	n, routes := b.n, s.routes[p]
	key := tableOf{routes, router}
	if out, ok := b.tables[key]; ok {
		return out
	}
	out := n.NewElementSet()
	seen := make([]bool, len(n.routers))
	seen[router] = true
	for queue := []int{router}; len(queue) > 0; queue = queue[1:] {
		x := n.routers[queue[0]]
		if x.ownAttrs[n.prefixes[p]] != nil {
			b.add(out, x.elements)
		}
		for _, d := range x.in {
			if !b.may[p][d] {
				continue
			}
			sess := n.sessions[d/2]
			from := sess.dir[d%2].from
			if routes.in[d] != nil {
				b.add(out, sess.elements)
				b.add(out, n.routers[sess.a].elements)
				b.add(out, n.routers[sess.b].elements)
			}
			if !seen[from] {
				seen[from] = true
				queue = append(queue, from)
			}
		}
	}
	b.tables[key] = out
	return out
}

// Alike groups the elements, by index in Elements, that nothing tells apart: each takes down the same routers, sessions, sites and
// firewall instances, so that in any state one of them fails as all of them do. Groups are in the order of their first element.
func (n *Network) Alike() [][]int {
	takes := make([][]int32, len(n.elements))
	next := int32(0)
	note := func(lists ...[]int) {
		for _, list := range lists {
			for _, e := range list {
				if k := len(takes[e]); k == 0 || takes[e][k-1] != next {
					takes[e] = append(takes[e], next)
				}
			}
		}
		next++
	}
	for _, r := range n.routers {
		note(r.elements)
	}
	for _, x := range n.sessions {
		note(x.elements, n.routers[x.a].elements, n.routers[x.b].elements)
	}
	for _, x := range n.sites {
		note([]int{x.element})
	}
	for _, f := range n.firewalls {
		for _, e := range f.downBy {
			note(e)
		}
	}
	var out [][]int
	for i, e := range n.printed {
		mine := takes[n.byElement[e.ID]]
		k := slices.IndexFunc(out, func(g []int) bool { return slices.Equal(takes[n.byElement[n.printed[g[0]].ID]], mine) })
		if k < 0 {
			out = append(out, nil)
			k = len(out) - 1
		}
		out[k] = append(out[k], i)
	}
	return out
}
