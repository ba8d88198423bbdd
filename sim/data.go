package sim

import (
	"encoding/binary"
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
	only  *port // where there is but one
}

// fib is a router's forwarding table, and the destinations that it was asked for, each in its place among as many as there are: most packets
// go where others went before. BenchmarkForward guards it.
type fib struct {
	t      bart.Table[*fibEntry]
	recent *[remembered]recentRoute
}

// recentRoute is what the table says of a destination, nil for no route.
type recentRoute struct {
	dst   netip.Addr
	entry *fibEntry
}

// remembered is a power of two.
const remembered = 32

// lookup is the entry of the longest match for a packet, nil where there is none.
func (f *fib) lookup(p *packet) *fibEntry {
	if f.recent == nil {
		f.recent = new([remembered]recentRoute)
	}
	r := &f.recent[p.spotted()%remembered]
	if r.dst != p.dst {
		r.dst = p.dst
		r.entry, _ = f.t.Lookup(p.dst)
	}
	return r.entry
}

// spotted is where whatever depends on the destination is remembered, by the packet's spot.
func (p *packet) spotted() uint8 {
	if p.spot == 0 {
		b := p.dst.As16()
		p.spot = 1 + uint8(binary.BigEndian.Uint32(b[12:])*0x9e3779b1>>25) //nolint:gosec // seven bits
	}
	return p.spot
}

// changed forgets what the table said.
func (f *fib) changed() {
	if f.recent != nil {
		clear(f.recent[:])
	}
}

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
	if e != nil && len(e.ports) == 1 {
		e.only = e.ports[0]
	}
	x.s.stir()
	x.fib.changed()
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
	if p.inner != nil {
		if p.inner.kind == data {
			s.lose(p.inner, node, fate, reason)
		}
		return
	}
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
		if p.closely && x.stopsAtGateway(p) {
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
	if p.closely && x.stops(p) {
		return
	}
	if p.ttl--; p.ttl == 0 {
		s.lose(p, x.spec.Name, network.Looped, "time to live exceeded")
		return
	}
	e := x.fib.lookup(p)
	ok := e != nil
	switch {
	case !ok && p.forService(s):
		s.lose(p, x.spec.Name, network.Internet, "no route to the service: it is reached over the internet")
	case !ok:
		s.lose(p, x.spec.Name, network.Dropped, "no route")
	case e.own:
		s.deliver(p, x.spec.Name)
	default:
		out := e.only
		if out == nil {
			out = e.ports[p.among(len(e.ports), uint32(x.index))] //nolint:gosec // an index
		}
		out.transmit(s.handOn(p))
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
	if p.part != nil {
		if q := s.assemble(p); q != nil {
			s.deliver(q, node)
			s.release(q)
		}
		return
	}
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
	r.reply, r.src, r.dst, r.sport, r.dport, r.flow, r.spot, r.ttl, r.path = true, p.dst, p.src, p.dport, p.sport, 0, 0, mostHops, r.path[:0]
	s.dispatch(r, q.dst)
}

// inject lets a host send a packet, of which it is sent a copy.
func (s *Sim) inject(p *packet, from *station) {
	if s.register.is(p.dst, ofService|ofPool) {
		p.closely = true
	}
	switch {
	case p.closely && s.splitAtHost(p, from):
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
	recent [rememberedOnward]recentOnward
}

// recentOnward is what becomes of packets between two addresses, as the table's memo has it, and the delay of the hop that they make.
type recentOnward struct {
	src, dst  netip.Addr
	gatewayed bool
	route     *subnetRoute
	onward    network.Onward
	from      int32 // the node that the hop begins at, -1 before it is known
	delay     time.Duration
}

// rememberedOnward is a power of two.
const rememberedOnward = 16

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
	c := &t.recent[p.spotted()%rememberedOnward]
	if c.src != p.src || c.dst != p.dst || c.gatewayed != gatewayed {
		r, ok := t.routes.Lookup(p.dst)
		if !ok {
			s.lose(p, at, network.Dropped, "no route")
			return
		}
		*c = recentOnward{src: p.src, dst: p.dst, gatewayed: gatewayed, route: r, from: -1}
		key := memoKey{r, p.src, p.dst, gatewayed}
		var known bool
		if c.onward, known = t.memo[key]; !known {
			c.onward = s.net.Onward(subnet, r.row, p.src, p.dst, gatewayed)
			t.memo[key] = c.onward
		}
	}
	r, o := c.route, &c.onward
	switch {
	case o.Fate != "":
		s.lose(p, at, o.Fate, o.Reason)
	case o.Gateway != "":
		if len(r.hops) == 0 {
			s.lose(p, at, network.Dropped, o.Gateway+" has no next hop")
			return
		}
		out := s.links[r.hops[p.among(len(r.hops), uint32(len(s.nodes)+subnet))]].ends[0] //nolint:gosec // small
		if len(r.hops) > 1 {
			c = nil
		}
		f.hop(p, c, at, o.Gateway, evLeave, int32(out.link.index)) //nolint:gosec // an index
	case o.Firewall >= 0:
		f.hop(p, c, at, s.wiring.Firewalls[o.Firewall].Name, evWall, int32(o.Firewall)) //nolint:gosec // an index
	default:
		to := &s.wiring.Subnets[o.Subnet]
		if to.Node == at { // in the same subnet
			s.deliver(p, at)
			return
		}
		f.hop(p, c, at, to.Node, evReach, int32(o.Subnet)) //nolint:gosec // an index
	}
}

// delayKey is where a packet is and where it goes.
type delayKey struct {
	from, index int32
	kind        eventKind
}

// hop moves a packet between two nodes of the virtual networks; it is at the first, the last of its path. Where the second follows from the
// packet's addresses the delay is remembered with it.
func (f *fabric) hop(p *packet, c *recentOnward, from, to string, kind eventKind, index int32) {
	place := p.path[len(p.path)-1]
	if c == nil || c.from != place {
		key := delayKey{place, index, kind}
		d, ok := f.delays[key]
		if !ok {
			d = f.s.net.Apart(from, to)
			f.delays[key] = d
		}
		if c == nil {
			c = &recentOnward{}
		}
		c.from, c.delay = place, d
	}
	f.s.agenda.add(event{at: f.s.now + c.delay, kind: kind, index: index, p: f.s.handOn(p)})
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
	if p.closely && out.node.tooLong(p) {
		return
	}
	out.transmit(s.handOn(p))
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
