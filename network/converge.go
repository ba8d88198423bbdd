package network

import (
	"fmt"
	"net/netip"
	"slices"

	"onramp/bgp"
)

// State is every table of the network under one scenario, after BGP has converged. It does not change after it is made.
type State struct {
	n        *Network
	scenario Scenario
	down     []bool // by element
	up       []bool // by session
	latched  []bool // by session: down because a limit was exceeded
	drained  []int  // elements of the MSEEs under maintenance
	routes   []*prefixRoutes
	exceeded []Exceeded
	unstable []netip.Prefix
	vnetRows map[*subnet][]EffectiveRoute
}

// prefixRoutes is one prefix in every table.
type prefixRoutes struct {
	in    []*bgp.Attrs // by directed session: what the receiver accepted, nil for nothing
	best  []int32      // by router: directed session, ownRoute or noRoute
	multi [][]int32    // by router: every route in use, the best first; nil when only the best is
	step  []bgp.Step   // by router: what decided
}

const (
	noRoute  int32 = -1
	ownRoute int32 = -2
)

// Exceeded is a prefix limit that was passed, which took its session down.
type Exceeded struct {
	Session string `json:"session"`
	Family  string `json:"family"`
	Limit   int    `json:"limit"`
	Count   int    `json:"count"`
	Message string `json:"message"`
}

// Scenario returns the scenario that the state is under.
func (s *State) Scenario() Scenario { return s.scenario }

// Exceeded returns the prefix limits that were passed, in session order.
func (s *State) Exceeded() []Exceeded { return s.exceeded }

// Latched returns the sessions, by name and in build order, that are down because a limit was passed: those of Exceeded, and with a
// gateway's all of its connection.
func (s *State) Latched() []string {
	var out []string
	for i, latched := range s.latched {
		if latched {
			out = append(out, s.n.sessions[i].name)
		}
	}
	return out
}

// Unstable returns the prefixes whose routes did not settle (a policy dispute, RFC 4264); their tables are as last seen.
func (s *State) Unstable() []netip.Prefix { return s.unstable }

// Converge computes every table from nothing.
func (n *Network) Converge(sc Scenario) *State {
	s := n.start(sc)
	s.settle(nil)
	return s
}

// ConvergeFrom computes the tables under a scenario from those under another, recomputing only prefixes that a failed or
// drained session carried in either direction: for any other prefix every equation of its fixpoint is unchanged. Prefix
// limits tie prefixes together, so where one is passed on either side everything is recomputed.
func (n *Network) ConvergeFrom(base *State, sc Scenario) *State {
	s := n.start(sc)
	if len(base.exceeded) > 0 || len(base.drained) > 0 || base.anyRevived(s) {
		s.settle(nil)
		return s
	}
	s.settle(base)
	return s
}

// anyRevived tells whether something down in the base is up in the new scenario.
func (s *State) anyRevived(next *State) bool {
	for i, d := range s.down {
		if d && !next.down[i] {
			return true
		}
	}
	for i, up := range s.up {
		if !up && next.up[i] {
			return true
		}
	}
	return false
}

func (n *Network) start(sc Scenario) *State {
	s := &State{n: n, scenario: sc, down: make([]bool, len(n.elements)), up: make([]bool, len(n.sessions)), latched: make([]bool, len(n.sessions))}
	for _, id := range sc.Elements {
		i, ok := n.byElement[id]
		if !ok {
			continue
		}
		if sc.Kind == Maintenance {
			s.drained = append(s.drained, i)
			continue
		}
		s.down[i] = true
	}
	for _, id := range sc.Drained {
		if i, ok := n.byElement[id]; ok {
			s.drained = append(s.drained, i)
		}
	}
	for i, x := range n.sessions {
		s.up[i] = !s.anyDown(x.elements) && s.routerUp(x.a) && s.routerUp(x.b) && !slices.Contains(sc.Cut, x.name)
	}
	return s
}

func (s *State) anyDown(elements []int) bool {
	return slices.ContainsFunc(elements, func(e int) bool { return s.down[e] })
}

func (s *State) routerUp(r int) bool { return !s.anyDown(s.n.routers[r].elements) }

// settle computes all prefixes, then takes down sessions over their limits until none is.
func (s *State) settle(base *State) {
	n := s.n
	for {
		s.routes = make([]*prefixRoutes, len(n.prefixes))
		s.unstable = nil
		for p := range n.prefixes {
			if base != nil && !s.touched(base, p) {
				s.routes[p] = base.routes[p]
				continue
			}
			s.routes[p] = s.fixpoint(p)
		}
		if !s.trip() {
			s.program(base)
			return
		}
		base = nil
	}
}

// program computes every subnet's effective routes from the gateways' tables. They depend on nothing else that a failure
// changes, so a subnet whose gateway uses the same next hops as in the base keeps the base's.
func (s *State) program(base *State) {
	s.vnetRows = make(map[*subnet][]EffectiveRoute, len(s.n.vnets))
	same := map[*gateway]bool{nil: true}
	for _, g := range s.n.gateways {
		same[g] = base != nil && s.sameHops(base, g)
	}
	for _, v := range s.n.vnets {
		keep := base != nil && same[v.gatewayFor()]
		for _, sn := range v.subnets {
			if keep {
				s.vnetRows[sn] = base.vnetRows[sn]
				continue
			}
			s.vnetRows[sn] = s.effective(sn)
		}
	}
}

// sameHops tells whether a gateway sends every prefix to the same MSEEs in both states.
func (s *State) sameHops(base *State, g *gateway) bool {
	for p := range s.n.prefixes {
		if s.routes[p] != base.routes[p] && !slices.EqualFunc(s.gatewayHops(g, p), base.gatewayHops(g, p), func(a, b gatewayHop) bool { return a.conn == b.conn && a.half == b.half }) {
			return false
		}
	}
	return true
}

// touched tells whether the prefix's equations differ from the base's.
func (s *State) touched(base *State, p int) bool {
	r := base.routes[p]
	for i := range s.n.sessions {
		carried := r.in[2*i] != nil || r.in[2*i+1] != nil
		if !carried {
			continue
		}
		if !s.up[i] {
			return true
		}
		if len(s.drained) > 0 && s.drains(i) {
			return true
		}
	}
	for _, o := range s.n.origins[p] {
		if !s.routerUp(o) {
			return true
		}
	}
	return false
}

// drains tells whether the session ends on the MSEE under maintenance.
func (s *State) drains(i int) bool {
	x := s.n.sessions[i]
	return s.isDrained(s.n.routers[x.a]) || s.isDrained(s.n.routers[x.b])
}

func (s *State) isDrained(r *router) bool {
	return r.kind == kindMSEE && slices.Contains(s.drained, r.msee)
}

// trip takes down the sessions that are over a limit and tells whether any was. A gateway connection goes down whole
// (AssumeLimitLatch).
func (s *State) trip() bool {
	n, tripped := s.n, false
	for i, x := range n.sessions {
		if !s.up[i] || s.latched[i] {
			continue
		}
		for d := range 2 {
			dir := &x.dir[d]
			if dir.limit4 == 0 && dir.limit6 == 0 {
				continue
			}
			var c4, c6 int
			for p, pre := range n.prefixes {
				if s.routes[p].in[2*i+d] == nil {
					continue
				}
				if pre.Addr().Is4() {
					c4++
				} else {
					c6++
				}
			}
			for _, f := range []struct {
				family       string
				limit, count int
			}{{"ipv4", dir.limit4, c4}, {"ipv6", dir.limit6, c6}} {
				if f.limit == 0 || f.count <= f.limit {
					continue
				}
				s.exceeded = append(s.exceeded, Exceeded{Session: x.name, Family: f.family, Limit: f.limit, Count: f.count,
					Message: fmt.Sprintf("%d %s %s, %d allowed: the session goes down until the count is below the limit", f.count, f.family, dir.limitOn, f.limit)})
				s.n.latch(s, i)
				tripped = true
			}
		}
	}
	return tripped
}

// latch takes a session down for good; with a gateway's, every session of the same connection.
func (n *Network) latch(s *State, i int) {
	s.latched[i], s.up[i] = true, false
	if c := n.sessions[i].conn; c != nil {
		for _, j := range c.sessions {
			s.latched[j], s.up[j] = true, false
		}
	}
}

// fixpoint runs one prefix's path-vector computation to its end: a queue of routers whose candidates changed.
func (s *State) fixpoint(p int) *prefixRoutes {
	n := s.n
	r := &prefixRoutes{in: make([]*bgp.Attrs, 2*len(n.sessions)), best: make([]int32, len(n.routers)), multi: make([][]int32, len(n.routers)), step: make([]bgp.Step, len(n.routers))}
	for i := range r.best {
		r.best[i] = noRoute
	}
	queue := make([]int, 0, len(n.routers))
	queued := make([]bool, len(n.routers))
	for _, o := range n.origins[p] {
		if s.routerUp(o) {
			queue, queued[o] = append(queue, o), true
		}
	}
	var w work
	for steps := 0; len(queue) > 0; steps++ {
		if steps > 64*len(n.routers)+1024 {
			s.unstable = append(s.unstable, n.prefixes[p])
			break
		}
		x := n.routers[queue[0]]
		queue, queued[x.index] = queue[1:], false
		s.decide(&w, r, p, x)
		attrs := r.attrs(n, p, x.index)
		for _, d := range x.out {
			if !s.up[d/2] {
				continue
			}
			got := s.deliver(d, p, attrs, r.best[x.index])
			if got.Equal(r.in[d]) {
				continue
			}
			r.in[d] = got
			if to := n.sessions[d/2].dir[d%2].to; !queued[to] {
				queue, queued[to] = append(queue, to), true
			}
		}
	}
	return r
}

// work is scratch space for the decision.
type work struct {
	cs  []bgp.Candidate
	dir []int32
	idx []int
}

// decide picks a router's best and its equal routes (RFC 4271 section 9.1, through package bgp).
func (s *State) decide(w *work, r *prefixRoutes, p int, x *router) {
	s.gather(w, r, p, x)
	w.idx = w.idx[:0]
	var step bgp.Step
	w.idx, step = bgp.Multipath(w.cs, x.config, w.idx)
	r.step[x.index], r.best[x.index], r.multi[x.index] = step, noRoute, nil
	if len(w.idx) == 0 {
		return
	}
	r.best[x.index] = w.dir[w.idx[0]]
	if len(w.idx) > 1 {
		m := make([]int32, len(w.idx))
		for i, k := range w.idx {
			m[i] = w.dir[k]
		}
		r.multi[x.index] = m
	}
}

// gather lists a router's candidates for a prefix, its own first, then by session.
func (s *State) gather(w *work, r *prefixRoutes, p int, x *router) {
	n := s.n
	w.cs, w.dir = w.cs[:0], w.dir[:0]
	if a := x.ownAttrs[n.prefixes[p]]; a != nil && s.routerUp(x.index) {
		w.cs, w.dir = append(w.cs, bgp.Candidate{Attrs: a, From: bgp.Local, RouterID: x.id, Session: ownRoute}), append(w.dir, ownRoute)
	}
	for _, d := range x.in {
		a := r.in[d]
		if a == nil {
			continue
		}
		sess := n.sessions[d/2]
		from := n.routers[sess.dir[d%2].from]
		c := bgp.Candidate{Attrs: a, From: bgp.EBGP, NeighborAS: from.asn, RouterID: from.id, PeerAddr: n.address(sess, d%2, n.prefixes[p]), Age: n.age[d/2], Session: int32(d)} //nolint:gosec // an index
		if sess.internal || sess.dir[d%2].keepPref {
			c.From = bgp.IBGP
			c.IGPCost = sess.cost
		}
		w.cs, w.dir = append(w.cs, c), append(w.dir, int32(d)) //nolint:gosec // an index
	}
}

// attrs returns the attributes of a router's best route, nil without one.
func (r *prefixRoutes) attrs(n *Network, p, x int) *bgp.Attrs {
	switch b := r.best[x]; b {
	case noRoute:
		return nil
	case ownRoute:
		return n.routers[x].ownAttrs[n.prefixes[p]]
	default:
		return r.in[b]
	}
}

// sessionDelay is the one-way delay of a session's link in milliseconds.
func (n *Network) sessionDelay(x *session) float64 {
	if x.fixedDelay >= 0 {
		return x.fixedDelay
	}
	return delay(n.catalog, n.routers[x.a].place, n.routers[x.b].place)
}
