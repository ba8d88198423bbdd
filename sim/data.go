package sim

import (
	"net/netip"
	"slices"
	"time"

	"github.com/gaissmai/bart"

	"onramp/network"
)

// The data plane: packets go from node to node by what each node holds at that moment. Routers forward by their own Loc-RIB; what a packet
// meets in a virtual network, network.Onward says.

// fibEntry is what a router does with a prefix.
type fibEntry struct {
	own   bool
	ports []*port
}

// fib is a router's forwarding table.
type fib struct{ t bart.Table[*fibEntry] }

// program follows a change of the routes in use.
func (x *node) program(p netip.Prefix) {
	var e *fibEntry
	for _, h := range x.speaker.Candidates(p) {
		if !h.Used {
			break
		}
		if e == nil {
			e = &fibEntry{}
		}
		if h.Neighbor < 0 {
			e.own = true
		} else {
			e.ports = append(e.ports, x.peers[h.Neighbor])
		}
	}
	if old, ok := x.fib.t.Get(p); ok && e != nil && x.s.faults.deadHops {
		for _, out := range old.ports {
			if out.link.dead[out.end] && !slices.Contains(e.ports, out) {
				e.ports = append(e.ports, out)
			}
		}
	}
	x.s.stir()
	if e == nil {
		x.fib.t.Delete(p)
	} else {
		x.fib.t.Insert(p, e)
	}
	if x.spec.Gateway != "" {
		x.s.fabric.changed(x.spec.Gateway)
	}
}

// Loss is where and why a packet ended.
type Loss struct {
	Node, Reason string
	Fate         network.Fate
}

// lose ends a packet.
func (s *Sim) lose(p *packet, node string, fate network.Fate, reason string) {
	if p.flowIndex > 0 {
		s.flows[p.flowIndex-1].lost(p, Loss{Node: node, Reason: reason, Fate: fate})
		return
	}
	if p.asks {
		s.asked.lost(p, Loss{Node: node, Reason: reason, Fate: fate})
		return
	}
	if q := s.probes[p.probe]; q != nil {
		q.lost(p, Loss{Node: node, Reason: reason, Fate: fate})
	}
}

const mostHops = 64 // the TTL that packets begin with

// arriveRouter takes a data packet at a router.
func (x *node) arriveRouter(p *packet) {
	s := x.s
	if x.spec.Kind == "gateway" {
		p.visit(x.place)
		if p.asks && x.stopsAtGateway(p) {
			return
		}
		sn, ok := s.fabric.entry[x.spec.Gateway]
		if !ok {
			s.lose(p, x.spec.Name, network.Dropped, "no GatewaySubnet")
			return
		}
		s.fabric.forward(sn, p, true, x.spec.Name)
		return
	}
	x.forward(p)
}

// forward sends a packet on by the router's table.
func (x *node) forward(p *packet) {
	s := x.s
	p.visit(x.place)
	if p.asks && x.stops(p) {
		return
	}
	if p.ttl--; p.ttl == 0 {
		s.lose(p, x.spec.Name, network.Looped, "time to live exceeded")
		return
	}
	e, ok := x.fib.t.Lookup(p.dst)
	switch {
	case !ok && p.forService(s):
		s.lose(p, x.spec.Name, network.Internet, "no route to the service: it is reached over the internet")
	case !ok:
		s.lose(p, x.spec.Name, network.Dropped, "no route")
	case e.own:
		s.deliver(p, x.spec.Name)
	default:
		out := e.ports[p.among(len(e.ports), uint32(x.index))] //nolint:gosec // an index
		q := s.packet()
		q.data(p)
		out.transmit(q)
	}
}

// forService tells whether a packet is for a service that is on the internet, too.
func (p *packet) forService(s *Sim) bool {
	if p.flowIndex > 0 {
		return !p.reply && s.flows[p.flowIndex-1].Dst.Kind == network.Service
	}
	if p.asks {
		return false
	}
	q := s.probes[p.probe]
	return q != nil && !p.reply && q.b.Kind == network.Service
}

// deliver hands a packet to the host that it is for: a request is answered from there, an answer is what the probe waits for.
func (s *Sim) deliver(p *packet, node string) {
	if p.flowIndex > 0 {
		s.flows[p.flowIndex-1].arrived(p)
		return
	}
	if p.asks {
		s.answer(p, s.stationOn(p))
		return
	}
	q := s.probes[p.probe]
	if q == nil {
		return
	}
	if p.reply {
		q.answered(p)
		return
	}
	q.arrived(p)
	r := s.packet()
	r.data(p)
	r.reply, r.src, r.dst, r.sport, r.dport, r.flow, r.ttl, r.path = true, p.dst, p.src, p.dport, p.sport, 0, mostHops, r.path[:0]
	s.inject(r, q.dst)
	s.release(r)
}

// inject lets a host send a packet.
func (s *Sim) inject(p *packet, from *station) {
	switch {
	case from.router != nil:
		if !from.router.alive {
			s.lose(p, from.router.spec.Name, network.Dropped, from.router.spec.Name+" is down")
			return
		}
		from.router.forward(p)
	default:
		p.visit(s.fabric.place[from.subnet])
		s.fabric.forward(from.subnet, p, false, s.wiring.Subnets[from.subnet].Node)
	}
}

// station is where a host is attached: to a router or in a subnet.
type station struct {
	router *node
	subnet int
}

// fabric is the inside of the virtual networks.
type fabric struct {
	s       *Sim
	entry   map[string]int // the GatewaySubnet of a gateway
	place   []int32        // of subnets, as in packet.path
	walls   []int32        // of firewalls
	gates   map[string]int32
	tables  []*subnetTable // nil: to be computed again
	states  []map[connection]bool
	members map[string][]*node // instances of a gateway
	delays  map[delayKey]time.Duration
}

// subnetTable is what a subnet forwards by.
type subnetTable struct {
	routes bart.Table[*subnetRoute]
	memo   map[memoKey]network.Onward
}

type subnetRoute struct {
	row  network.EffectiveRoute
	hops []int // sessions, of a gateway's route
}

type memoKey struct {
	row       *subnetRoute
	src, dst  netip.Addr
	gatewayed bool
}

// connection is a flow's addresses and ports, as a firewall remembers it.
type connection struct {
	src, dst     netip.Addr
	sport, dport uint16
}

func newFabric(s *Sim) *fabric {
	f := &fabric{s: s, entry: map[string]int{}, gates: map[string]int32{}, members: map[string][]*node{}, delays: map[delayKey]time.Duration{},
		tables: make([]*subnetTable, len(s.wiring.Subnets)), states: make([]map[connection]bool, len(s.wiring.Firewalls))}
	for i := range s.wiring.Subnets {
		sn := &s.wiring.Subnets[i]
		f.place = append(f.place, s.placed(sn.Node))
		if sn.Enters != "" {
			f.entry[sn.Enters] = i
		}
	}
	for i := range s.wiring.Firewalls {
		f.walls = append(f.walls, s.placed(s.wiring.Firewalls[i].Name))
		f.states[i] = map[connection]bool{}
	}
	for _, x := range s.nodes {
		if g := x.spec.Gateway; g != "" {
			if _, ok := f.gates[g]; !ok {
				f.gates[g] = s.placed(g)
			}
			f.members[g] = append(f.members[g], x)
		}
	}
	return f
}

// placed gives a node of paths its number, the same each time.
func (s *Sim) placed(name string) int32 {
	i, ok := s.placeOf[name]
	if !ok {
		i = int32(len(s.places)) //nolint:gosec // small
		s.places, s.placeOf[name] = append(s.places, name), i
	}
	return i
}

// changed notes that a gateway's routes are not what its subnets forward by.
func (f *fabric) changed(gateway string) {
	f.s.stir()
	for i := range f.tables {
		if f.s.wiring.Subnets[i].Gateway == gateway {
			f.tables[i] = nil
		}
	}
}

// table is a subnet's forwarding table of now.
func (f *fabric) table(i int) *subnetTable {
	if t := f.tables[i]; t != nil {
		return t
	}
	t := &subnetTable{memo: map[memoKey]network.Onward{}}
	g := f.s.wiring.Subnets[i].Gateway
	uses := f.uses(g)
	rows := f.s.net.Rows(i, uses)
	if f.s.faults.rows != nil {
		f.s.faults.rows(rows)
	}
	for _, row := range rows {
		if row.State != "Active" {
			continue
		}
		if _, there := t.routes.Get(row.Prefix); there {
			continue // one row a next hop
		}
		r := &subnetRoute{row: row}
		if k, ok := slices.BinarySearchFunc(uses, row.Prefix, func(u network.GatewayUse, p netip.Prefix) int { return u.Prefix.Compare(p) }); ok {
			r.hops = f.s.net.Hops(g, uses[k].Sessions)
		}
		t.routes.Insert(row.Prefix, r)
	}
	f.tables[i] = t
	return t
}

// uses are the routes of a gateway, over all of its instances that are thought to live.
func (f *fabric) uses(gateway string) []network.GatewayUse {
	all := map[netip.Prefix]*network.GatewayUse{}
	own := map[netip.Prefix]bool{}
	for _, x := range f.members[gateway] {
		if !x.alive && f.s.now >= x.ghostUntil {
			continue
		}
		for p, e := range x.fib.t.All() {
			if e.own {
				own[p] = true
				continue
			}
			u := all[p]
			if u == nil {
				u = &network.GatewayUse{Prefix: p}
				all[p] = u
			}
			for _, out := range e.ports {
				u.Sessions = append(u.Sessions, out.link.index)
			}
		}
	}
	var out []network.GatewayUse
	for p, u := range all {
		if !own[p] {
			slices.Sort(u.Sessions)
			out = append(out, *u)
		}
	}
	slices.SortFunc(out, func(a, b network.GatewayUse) int { return a.Prefix.Compare(b.Prefix) })
	return out
}

// forward sends a packet on from a subnet; at names the node that it leaves.
func (f *fabric) forward(subnet int, p *packet, gatewayed bool, at string) {
	s := f.s
	if p.crossed++; p.crossed == mostHops {
		s.lose(p, at, network.Looped, "it goes round and round")
		return
	}
	t := f.table(subnet)
	r, ok := t.routes.Lookup(p.dst)
	if !ok {
		s.lose(p, at, network.Dropped, "no route")
		return
	}
	key := memoKey{r, p.src, p.dst, gatewayed}
	o, known := t.memo[key]
	if !known {
		o = s.net.Onward(subnet, r.row, p.src, p.dst, gatewayed)
		t.memo[key] = o
	}
	switch {
	case o.Fate != "":
		s.lose(p, at, o.Fate, o.Reason)
	case o.Gateway != "":
		if len(r.hops) == 0 {
			s.lose(p, at, network.Dropped, o.Gateway+" has no next hop")
			return
		}
		out := s.links[r.hops[p.among(len(r.hops), uint32(len(s.nodes)+subnet))]].ends[0] //nolint:gosec // small
		f.hop(p, at, o.Gateway, evLeave, int32(out.link.index))                           //nolint:gosec // an index
	case o.Firewall >= 0:
		f.hop(p, at, s.wiring.Firewalls[o.Firewall].Name, evWall, int32(o.Firewall)) //nolint:gosec // an index
	default:
		to := &s.wiring.Subnets[o.Subnet]
		if to.Node == at { // in the same subnet
			s.deliver(p, at)
			return
		}
		f.hop(p, at, to.Node, evReach, int32(o.Subnet)) //nolint:gosec // an index
	}
}

// delayKey is where a packet is and where it goes.
type delayKey struct {
	from, index int32
	kind        eventKind
}

// hop moves a packet between two nodes of the virtual networks; it is at the first, the last of its path.
func (f *fabric) hop(p *packet, from, to string, kind eventKind, index int32) {
	key := delayKey{p.path[len(p.path)-1], index, kind}
	d, ok := f.delays[key]
	if !ok {
		d = f.s.net.Apart(from, to)
		f.delays[key] = d
	}
	q := f.s.packet()
	q.data(p)
	f.s.agenda.add(event{at: f.s.now + d, kind: kind, index: index, p: q})
}

// leave is a packet at the gateway, on its way out over a session.
func (f *fabric) leave(p *packet, link int32) {
	s := f.s
	out := s.links[link].ends[0]
	p.visit(f.gates[out.node.spec.Gateway])
	if !out.node.alive {
		s.lose(p, out.node.spec.Name, network.Dropped, "the instance is down")
		return
	}
	if p.asks && out.node.tooLong(p) {
		return
	}
	q := s.packet()
	q.data(p)
	out.transmit(q)
}

// wall is a packet at a firewall.
func (f *fabric) wall(p *packet, i int32) {
	s := f.s
	w := &s.wiring.Firewalls[i]
	p.visit(f.walls[i])
	if !slices.ContainsFunc(w.Instances, func(e []string) bool { return !s.anyDown(e) }) {
		s.lose(p, w.Name, network.Dropped, "every instance is down")
		return
	}
	if !f.states[i][connection{p.dst, p.src, p.dport, p.sport}] && !f.related(int(i), p) {
		c := connection{p.src, p.dst, p.sport, p.dport}
		if !f.states[i][c] {
			if ok, rule := s.net.Permits(int(i), p.src, p.dst); !ok {
				s.lose(p, w.Name, network.Dropped, "not allowed: "+rule)
				return
			}
			f.states[i][c] = !s.faults.forgetfulFirewalls
		}
	}
	f.forward(w.Subnet, p, false, w.Name)
}
