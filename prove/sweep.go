package prove

import (
	"iter"
	"slices"
	"strings"

	"onramp/azure"
	"onramp/network"
)

// sweep traces flows under one scenario, each at most once. The same packet meets the same routes whether or not a firewall
// has to allow all of it, so a flow is traced again only where its way passes a firewall; and a flow that meets nothing that a
// failure changes is not traced again at all.
type sweep struct {
	*estate
	s     *network.State
	plain [][]network.Path // by pair: no need for a firewall to allow the whole of it
	up    []bool           // by point

	allowed map[pair][]network.Path // with every part allowed, where a firewall stands in the way
	answers map[pair][]network.Path // of allowed flows, where a firewall stands in the way

	base     *sweep // of the healthy state, nil in that state itself
	changed  *network.Difference
	unlike   []bool  // by node: it differs from the base for some destination
	rerouted []bool  // by rep
	met      [][]int // in the base, by pair: the nodes on a flow's way, and routed if a router or gateway is among them
}

func newSweep(e *estate, s *network.State, base *sweep) *sweep {
	w := &sweep{estate: e, s: s, plain: make([][]network.Path, len(e.points)*len(e.reps)), up: make([]bool, len(e.points)),
		allowed: map[pair][]network.Path{}, answers: map[pair][]network.Path{}, base: base}
	for i := range e.points {
		w.up[i] = s.Up(e.points[i].Endpoint)
	}
	if base == nil {
		w.met = make([][]int, len(w.plain))
		return w
	}
	w.changed = s.Since(base.s)
	w.unlike = make([]bool, len(e.nodes))
	for _, name := range w.changed.Nodes() {
		if i, ok := e.nodes[name]; ok && i < len(w.unlike) {
			w.unlike[i] = true
		}
	}
	w.rerouted = make([]bool, len(e.reps))
	for i := range e.reps {
		w.rerouted[i] = w.changed.Rerouted(e.reps[i].Addr)
	}
	return w
}

// routed stands in sweep.met for all routers and gateways: what they do depends on the routes to the destination.
const routed = -1

// nodesOn returns the nodes that a flow meets in the healthy state.
func (w *sweep) nodesOn(p pair) []int {
	k := p.src*len(w.reps) + p.rep
	if w.met[k] != nil {
		return w.met[k]
	}
	out := []int{}
	for _, path := range w.paths(p) {
		for i := range path.Hops {
			h := &path.Hops[i]
			id, ok := w.nodes[h.Node]
			if !ok {
				id = len(w.nodes)
				w.nodes[h.Node] = id
				w.nodeNames = append(w.nodeNames, h.Node)
			}
			if h.Kind != "vnet" && h.Kind != "firewall" && !slices.Contains(out, routed) {
				out = append(out, routed)
			}
			if !slices.Contains(out, id) {
				out = append(out, id)
			}
		}
	}
	w.met[k] = out
	return out
}

// same tells whether a flow goes the way that it goes in the healthy state, because it meets nothing that differs.
func (w *sweep) same(p pair) bool {
	if w.base == nil || !w.both(p.src, w.reps[p.rep].point) || !w.base.both(p.src, w.reps[p.rep].point) {
		return false
	}
	for _, id := range w.base.nodesOn(p) {
		if id == routed {
			if w.rerouted[p.rep] {
				return false
			}
			continue
		}
		if id >= len(w.unlike) || w.unlike[id] && w.changed.Changed(w.nodeNames[id], w.reps[p.rep].Addr) {
			return false
		}
	}
	return true
}

// paths returns the ways of a flow; any part of it that a firewall lets through counts.
func (w *sweep) paths(p pair) []network.Path {
	k := p.src*len(w.reps) + p.rep
	if w.plain[k] == nil {
		if w.same(p) {
			w.plain[k] = w.base.paths(p)
		} else {
			w.plain[k] = w.s.Trace(network.Flow{Src: w.points[p.src].Endpoint, Dst: w.reps[p.rep].Endpoint})
		}
	}
	return w.plain[k]
}

// strict returns the ways of a flow of which firewalls must allow everything.
func (w *sweep) strict(p pair) []network.Path {
	paths := w.paths(p)
	if !slices.ContainsFunc(paths, passesFirewall) {
		return paths
	}
	if w.same(p) {
		return w.base.strict(p)
	}
	out, ok := w.allowed[p]
	if !ok {
		out = w.s.Trace(network.Flow{Src: w.points[p.src].Endpoint, Dst: w.reps[p.rep].Endpoint, Strict: true})
		w.allowed[p] = out
	}
	return out
}

// reply returns the ways of the answers to a flow that is allowed.
func (w *sweep) reply(p pair) []network.Path {
	paths := w.paths(p)
	if !slices.ContainsFunc(paths, func(x network.Path) bool { return x.Fate == network.Dropped && passesFirewall(x) }) {
		return paths
	}
	// Not taken from the base: an answer goes on behind the firewall that stopped what was traced there.
	out, ok := w.answers[p]
	if !ok {
		out = w.s.Trace(network.Flow{Src: w.points[p.src].Endpoint, Dst: w.reps[p.rep].Endpoint, Reply: true})
		w.answers[p] = out
	}
	return out
}

// passesFirewall tells whether a firewall stands on a path, also one that drops the packet.
func passesFirewall(p network.Path) bool {
	for i := range p.Hops {
		if p.Hops[i].Kind == "firewall" {
			return true
		}
	}
	return false
}

// both tells whether the two ends of a flow exist now.
func (w *sweep) both(a, b int) bool { return w.up[a] && w.up[b] }

// firewalls names the firewalls on a path, sorted, "" for none. A path that a firewall dropped counts it.
func firewalls(p network.Path) string {
	one := ""
	var more []string
	for i := range p.Hops {
		if p.Hops[i].Kind != "firewall" {
			continue
		}
		if one == "" {
			one = p.Hops[i].Node
			continue
		}
		more = append(more, p.Hops[i].Node)
	}
	if more == nil {
		return one
	}
	more = append(more, one)
	slices.Sort(more)
	return strings.Join(slices.Compact(more), ", ")
}

// circuitsOf lists the names of the circuits on a path.
func circuitsOf(p network.Path) []string {
	var out []string
	for i := range p.Hops {
		if c := p.Hops[i].Circuit; c != "" && !slices.Contains(out, c.Name()) {
			out = append(out, c.Name())
		}
	}
	return out
}

// overPremises tells whether a path crosses routers of the premises or of an IP VPN.
func overPremises(p network.Path) bool {
	return slices.ContainsFunc(p.Hops, func(h network.Hop) bool { return h.Kind == "core" || h.Kind == "ce" || h.Kind == "pe" })
}

// arrived tells whether a path ends where it was meant to: delivered to the machine, site or service, not to another that
// holds the same address.
func (e *estate) arrived(p network.Path, dst *point) bool {
	if p.Fate != network.Delivered || len(p.Hops) == 0 {
		return false
	}
	last := p.Hops[len(p.Hops)-1].Node
	switch dst.Kind {
	case network.VM:
		return last == dst.VNet.Name()+"/"+dst.Subnet
	case network.SiteHost:
		return last == dst.Site+"-core"
	}
	return true
}

// blocked returns the first way of a flow in either direction that does not arrive.
func (w *sweep) blocked(a, b int) (src, dst int, path *network.Path) {
	for _, end := range [2][2]int{{a, b}, {b, a}} {
		for _, r := range w.points[end[1]].reps {
			paths := w.strict(pair{end[0], r})
			for i := range paths {
				if !w.arrived(paths[i], &w.points[end[1]]) {
					return end[0], r, &paths[i]
				}
			}
		}
	}
	return 0, 0, nil
}

// sweepAll looks at every pair of the estate for what must never be: loops, transit, paths between the isolated, paths around
// a firewall.
func (p *prover) sweepAll(w *sweep) {
	loop, internet, transit := p.open(row{NoLoop, "", ""}), p.open(row{NoInternetTransit, "", ""}), p.open(row{NoPremisesTransit, "", ""})
	if p.healthyNow() {
		p.quiet = make([]quiet, len(p.pairs))
	}
	for k := range p.touched(w) {
		x := p.pairs[k]
		src, dst := &p.points[x.src], &p.points[p.reps[x.rep].point]
		if !w.both(x.src, p.reps[x.rep].point) {
			continue
		}
		if q := &p.quiet[k]; q.looked && !q.failed && w.same(x) {
			for _, r := range q.rows { // the same way gives the same verdicts
				r.Checked++
			}
			continue
		}
		if p.healthyNow() {
			p.recording = &p.quiet[k]
			p.recording.looked = true
		}
		paths := w.paths(x)
		private := src.Kind != network.Service && dst.Kind != network.Service
		meant := p.meant(k, x, paths, dst)
		p.count(loop)
		if private && meant {
			p.count(internet)
		}
		machines := src.Kind == network.VM && dst.Kind == network.VM
		if machines {
			p.count(transit)
		}
		p.isolated(x, paths)
		p.inspected(x, paths)
		for i := range paths {
			path := &paths[i]
			switch {
			case path.Fate == network.Looped:
				p.fail(row{NoLoop, "", ""}, func() *Counterexample {
					return p.tell(x, path, path.Reason, "make the two nodes of the loop agree on who is nearer to "+dst.name+": look at the routes of the last hops")
				})
			case path.Fate == network.Internet && private && meant:
				p.fail(row{NoInternetTransit, "", ""}, func() *Counterexample {
					return p.tell(x, path, path.Reason, "add a route with next hop None to the subnet's route table for a shorter prefix that holds "+p.reps[x.rep].Prefix.String()+", so that without ExpressRoute it is dropped")
				})
			case machines && p.arrived(*path, dst) && overPremises(*path) && !p.mayMeet(src, dst):
				p.fail(row{NoPremisesTransit, "", ""}, func() *Counterexample {
					return p.tell(x, path, "the premises carry traffic between virtual networks", "announce only the premises' own prefixes to Microsoft (export policy of "+premisesRouter(path)+"), or list the two lines of business under routesBetween")
				})
			}
		}
	}
	p.recording = nil
}

// touched are the pairs that have to be looked at in a state: all of them in the healthy state, then those that a failure could
// have to do with. What the others count is counted here.
func (p *prover) touched(w *sweep) iter.Seq[int] {
	return func(yield func(int) bool) {
		if w.base == nil {
			for k := range p.pairs {
				if !yield(k) {
					return
				}
			}
			return
		}
		if p.calm == nil {
			p.calm = p.newCalm(w.base)
		}
		c := p.calm
		list := slices.Clone(c.again)
		mark := make([]bool, len(p.pairs))
		for _, k := range list {
			mark[k] = true
		}
		add := func(more []int) {
			for _, k := range more {
				if !mark[k] {
					mark[k] = true
					list = append(list, k)
				}
			}
		}
		for id, unlike := range w.unlike {
			if unlike && id < len(c.byNode) {
				add(c.byNode[id])
			}
		}
		for r, rerouted := range w.rerouted {
			if rerouted {
				add(c.byRep[r])
			}
		}
		for i, up := range w.up {
			if up != w.base.up[i] {
				add(c.byPoint[i])
			}
		}
		slices.Sort(list)
		for x, n := range c.rows {
			x.Checked += n
		}
		for _, k := range list {
			if q := &p.quiet[k]; q.looked && !q.failed {
				for _, r := range q.rows { // it counts for itself again
					r.Checked--
				}
			}
		}
		for _, k := range list {
			if !yield(k) {
				return
			}
		}
	}
}

// calm finds the pairs that a failure could have to do with.
type calm struct {
	// byNode has the pairs whose ways meet a node, byRep those to a class of addresses that cross a router or gateway, byPoint those
	// with an end.
	byNode, byRep, byPoint [][]int
	again                  []int             // they were not looked at in the healthy state, or something failed there
	rows                   map[*Property]int // what all others count
}

func (p *prover) newCalm(base *sweep) *calm {
	c := &calm{byNode: make([][]int, len(p.nodeNames)), byRep: make([][]int, len(p.reps)), byPoint: make([][]int, len(p.points)), rows: map[*Property]int{}}
	for k, x := range p.pairs {
		q := &p.quiet[k]
		if !q.looked || q.failed {
			c.again = append(c.again, k)
			continue
		}
		for _, r := range q.rows {
			c.rows[r]++
		}
		to := p.reps[x.rep].point
		c.byPoint[x.src] = append(c.byPoint[x.src], k)
		c.byPoint[to] = append(c.byPoint[to], k)
		for _, id := range base.nodesOn(x) {
			if id == routed {
				c.byRep[x.rep] = append(c.byRep[x.rep], k)
			} else {
				c.byNode[id] = append(c.byNode[id], k)
			}
		}
	}
	return c
}

// quiet is what was counted for a pair in the healthy state, and whether something failed there.
type quiet struct {
	looked, failed bool
	rows           []*Property
}

// count counts one flow looked at for a property.
func (p *prover) count(x *Property) {
	x.Checked++
	if p.recording != nil {
		p.recording.rows = append(p.recording.rows, x)
	}
}

// meant tells whether a pair is to talk: somebody needs it, or it works when nothing has failed.
func (p *prover) meant(k int, x pair, paths []network.Path, dst *point) bool {
	if p.healthyNow() {
		p.tally.meant = append(p.tally.meant, slices.ContainsFunc(paths, func(y network.Path) bool { return p.arrived(y, dst) }) ||
			p.wanted[[2]int{x.src, p.reps[x.rep].point}])
	}
	return p.tally.meant[k]
}

// mayMeet tells whether the premises may carry traffic between two machines.
func (e *estate) mayMeet(a, b *point) bool {
	return a.lob != nil && b.lob != nil && e.between[[2]string{a.lob.Name, b.lob.Name}]
}

// premisesRouter names the last router of the premises on a path.
func premisesRouter(p *network.Path) string {
	out := ""
	for _, h := range p.Hops {
		if h.Kind == "ce" || h.Kind == "pe" {
			out = h.Node
		}
	}
	return out
}

// isolated fails isolation where a packet gets through between lines of business that must have no path: on Microsoft's
// side, or through the premises unless these may route between the two.
func (p *prover) isolated(x pair, paths []network.Path) {
	dst := &p.points[p.reps[x.rep].point]
	a, b := p.points[x.src].lob, dst.lob
	if a == nil || b == nil || a == b {
		return
	}
	for _, l := range [2]*lob{a, b} {
		other := b
		if l == b {
			other = a
		}
		if !slices.Contains(l.Needs.IsolatedFrom, other.Name) {
			continue
		}
		r := row{Isolation, l.Name, "isolatedFrom"}
		p.count(p.open(r))
		for i := range paths {
			path := &paths[i]
			if !p.arrived(*path, dst) || overPremises(*path) && p.between[[2]string{a.Name, b.Name}] {
				continue
			}
			p.fail(r, func() *Counterexample {
				return p.tell(x, path, l.Name+" must have no path to "+other.Name+", and this one is open", p.mendIsolation(path, l, other))
			})
		}
	}
}

// mendIsolation says what would close an open path.
func (e *estate) mendIsolation(path *network.Path, a, b *lob) string {
	fw := firewalls(*path)
	peered := slices.ContainsFunc(path.Hops, func(h network.Hop) bool { return strings.HasPrefix(h.Via, "peering to ") })
	switch {
	case fw != "":
		return "take the rule that allows it out of the policy of " + fw
	case overPremises(*path):
		return "announce only the premises' own prefixes to Microsoft (export policy of " + premisesRouter(path) + ")"
	case len(circuitsOf(*path)) > 0:
		return "turn allowRemoteVnetTraffic off on the gateways of " + a.Name + " and " + b.Name + ", or give each a circuit of its own"
	case peered:
		return "take away the VNet peering between the networks of " + a.Name + " and " + b.Name
	}
	return "take away the route by which " + a.Name + " and " + b.Name + " meet"
}

// inspected fails inspection where a packet gets in or out of a network without passing a firewall.
func (p *prover) inspected(x pair, paths []network.Path) {
	if !p.inspect {
		return
	}
	src, dst := &p.points[x.src], &p.points[p.reps[x.rep].point]
	if src.Kind == network.Service || dst.Kind == network.Service {
		return
	}
	var owners []string
	for _, e := range [2]*point{src, dst} {
		if e.Kind != network.VM || e.lob == nil && !e.shared {
			continue
		}
		name := ""
		if e.lob != nil {
			name = e.lob.Name
		}
		if !slices.Contains(owners, name) {
			owners = append(owners, name)
		}
	}
	for _, name := range owners {
		r := row{Inspection, name, "inspect"}
		p.count(p.open(r))
		for i := range paths {
			path := &paths[i]
			if !p.arrived(*path, dst) || passesFirewall(*path) {
				continue
			}
			p.fail(r, func() *Counterexample {
				return p.tell(x, path, "the packet gets there without passing a firewall", p.mendInspection(path))
			})
		}
	}
}

// mendInspection says where a route to the firewall is missing.
func (e *estate) mendInspection(path *network.Path) string {
	if len(azure.Of[*azure.AzureFirewall](e.design.Resources)) == 0 {
		return "use a pattern with a hub, whose firewall the flows can pass"
	}
	for i, h := range path.Hops {
		if h.Kind == "gateway" && i+1 < len(path.Hops) && path.Hops[i+1].Kind == "vnet" {
			return "add a user-defined route for " + h.Route + " with the firewall as next hop to the route table of " + h.Node + "'s GatewaySubnet"
		}
		if h.Kind == "vnet" && i+1 < len(path.Hops) {
			return "add a user-defined route for " + h.Route + " with the firewall as next hop to the route table of " + h.Node + ", with propagation of gateway routes off"
		}
	}
	return "lead the flow through the hub's firewall with user-defined routes"
}

// tell writes a counterexample about one path.
func (e *estate) tell(x pair, path *network.Path, reason, mend string) *Counterexample {
	return &Counterexample{Flow: e.flowWords(x.src, x.rep), Hops: path.Hops, Reason: reason, Mend: mend}
}

// flowWords names a flow: "vnet-a/app (10.20.0.4) to montreal 10.0.0.0/16 (10.0.0.4)".
func (e *estate) flowWords(src, r int) string {
	to := e.points[e.reps[r].point]
	return e.points[src].name + " (" + e.points[src].Addr.String() + ") to " + to.name + " (" + e.reps[r].Addr.String() + ")"
}
