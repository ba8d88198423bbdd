package network

import (
	"fmt"
	"net/netip"
	"slices"
)

// Up tells whether an endpoint exists in this scenario: a failed site has no hosts.
func (s *State) Up(e Endpoint) bool {
	if e.Kind != SiteHost {
		return true
	}
	for _, x := range s.n.sites {
		if x.name == e.Site {
			return !s.down[x.element]
		}
	}
	return false
}

// Trace follows a flow hop by hop through the tables. Equal-cost ways are separate paths; their shares add up to 1.
func (s *State) Trace(f Flow) []Path {
	w := &walker{s: s, flow: f, cover: s.n.covering(f.Dst.Addr)}
	switch {
	case !s.Up(f.Src):
		w.end(1, Dropped, "site "+f.Src.Site+" is down")
	case !s.Up(f.Dst):
		w.end(1, Dropped, "site "+f.Dst.Site+" is down")
	case f.Src.Kind == SiteHost:
		for _, x := range s.n.sites {
			if x.name == f.Src.Site {
				w.router(x.core, 1, 0)
			}
		}
	case f.Src.Kind == VM:
		w.fromVM()
	case f.Src.Kind == Service:
		w.router(s.n.byRouter["microsoft"], 1, 0)
	}
	return w.paths
}

// walker is one depth-first walk; hops is the way so far.
type walker struct {
	s     *State
	flow  Flow
	cover []int
	hops  []Hop
	at    []place // of each hop
	paths []Path
}

// end closes the present way.
func (w *walker) end(share float64, fate Fate, reason string) {
	w.paths = append(w.paths, Path{Share: share, Hops: slices.Clone(w.hops), Fate: fate, Reason: reason})
}

// enter adds a hop; delayed is the one-way delay from the hop before, negative for by geometry. It tells whether the node
// was on the way already, after closing the way as a loop.
func (w *walker) enter(node, kind string, at place, delayed, share float64) bool {
	h := Hop{Node: node, Kind: kind}
	if len(w.hops) > 0 {
		if h.OneWay = delayed; delayed < 0 {
			h.OneWay = delay(w.s.n.catalog, w.at[len(w.at)-1], at)
		}
	}
	looped := slices.ContainsFunc(w.hops, func(x Hop) bool { return x.Node == node })
	w.hops, w.at = append(w.hops, h), append(w.at, at)
	if looped {
		w.end(share, Looped, "the packet comes back to "+node)
		w.leave()
	}
	return !looped
}

// leave takes the last hop away after all its ways are done.
func (w *walker) leave() { w.hops, w.at = w.hops[:len(w.hops)-1], w.at[:len(w.at)-1] }

func (w *walker) last() *Hop { return &w.hops[len(w.hops)-1] }

func (w *walker) dst() netip.Addr { return w.flow.Dst.Addr }

// router forwards at a BGP speaker.
func (w *walker) router(i int, share, delayed float64) {
	x := w.s.n.routers[i]
	if x.kind == kindGateway {
		w.gatewayIn(x, share)
		return
	}
	if !w.enter(x.name, x.kind.String(), x.place, delayed, share) {
		return
	}
	defer w.leave()
	if !w.s.routerUp(i) {
		w.end(share, Dropped, x.name+" is down")
		return
	}
	if x.kind == kindMSEE {
		w.last().Circuit = x.circuit.res.ID
		w.last().Capacity = "circuit:" + x.circuit.name + "/" + halfName(x.half)
	}
	if x.kind == kindCE && len(w.hops) > 1 {
		w.arrivedOn(x)
	}
	for _, p := range w.cover {
		used := w.s.used(p, i)
		if len(used) == 0 {
			continue
		}
		h := w.last()
		h.Route, h.Why = w.s.n.prefixes[p].String(), w.s.routes[p].step[i].String()
		if used[0] == ownRoute {
			h.Via = "here"
			if x.kind == kindServices {
				w.end(share, Delivered, "service "+w.flow.Dst.Service)
				return
			}
			w.end(share, Delivered, "host of site "+x.site.name)
			return
		}
		capacity := h.Capacity
		for _, d := range used {
			sess := w.s.n.sessions[d/2]
			next := sess.dir[d%2].from
			h := w.last()
			h.Via, h.Capacity = w.s.n.routers[next].name, capacity
			if x.kind == kindCE || x.kind == kindCore {
				if sess.capacity != "" && (sess.kind == "private" || sess.kind == "microsoft" || sess.kind == "provider" || sess.kind == "backbone") {
					h.Capacity = sess.capacity
				}
			}
			w.router(next, share/float64(len(used)), sess.fixedDelay)
		}
		return
	}
	if w.flow.Dst.Kind == Service {
		w.end(share, Internet, "no route to the service at "+x.name+": it is reached over the internet")
		return
	}
	w.end(share, Dropped, fmt.Sprintf("%s has no route to %s", x.name, w.dst()))
}

// arrivedOn counts the attachment by which a packet came in to a customer edge router.
func (w *walker) arrivedOn(x *router) {
	prev := w.hops[len(w.hops)-2].Node
	for _, d := range x.in {
		sess := w.s.n.sessions[d/2]
		if w.s.up[d/2] && w.s.n.routers[sess.dir[d%2].from].name == prev && sess.capacity != "" && sess.kind != "internal" {
			w.last().Capacity = sess.capacity
		}
	}
}

// gatewayIn is a gateway instance that takes a packet from an MSEE into its VNet by the routes of GatewaySubnet.
func (w *walker) gatewayIn(x *router, share float64) {
	if !w.enter(x.name, "gateway", x.place, -1, share) {
		return
	}
	defer w.leave()
	if !w.s.routerUp(x.index) {
		w.end(share, Dropped, x.name+" is down")
		return
	}
	w.last().Capacity = x.gateway.capacity
	sn := x.gateway.vnet.subnetNamed("GatewaySubnet")
	if sn == nil {
		w.end(share, Dropped, x.gateway.vnet.name+" has no GatewaySubnet")
		return
	}
	w.forward(sn, true, share)
}

// fromVM starts at a virtual machine.
func (w *walker) fromVM() {
	v := w.s.n.byVNet[w.flow.Src.VNet.Key()]
	if v == nil || v.subnetNamed(w.flow.Src.Subnet) == nil {
		w.end(1, Dropped, "no such subnet")
		return
	}
	sn := v.subnetNamed(w.flow.Src.Subnet)
	if w.enter(v.name+"/"+sn.name, "vnet", v.place, 0, 1) {
		w.forward(sn, false, 1)
		w.leave()
	}
}

// forward applies a subnet's effective routes; gatewayed tells that the packet came in by the VNet's gateway.
func (w *walker) forward(sn *subnet, gatewayed bool, share float64) {
	v := sn.vnet
	rows := lookup(w.s.rows(sn), w.dst())
	if len(rows) == 0 {
		w.end(share, Dropped, fmt.Sprintf("%s/%s has no route to %s", v.name, sn.name, w.dst()))
		return
	}
	row := rows[0]
	h := w.last()
	h.Route, h.Via, h.Why = row.Prefix.String(), row.NextHopType, row.Why
	switch o := w.s.n.onward(sn, row, w.flow.Src.Addr, w.dst(), gatewayed); o.kind {
	case toEnd:
		if o.via != "" {
			h.Via = o.via
		}
		w.end(share, o.fate, o.reason)
	case toVNet:
		if o.via != "" {
			h.Via = o.via
		}
		w.arrive(o.vnet, share)
	case toFirewall:
		h.Via = o.via
		w.firewall(o.firewall, share)
	case toGateway:
		w.gatewayOut(o.gateway, row, share)
	}
}

func peeredWith(v *vnet, a netip.Addr) *vnet {
	var best *vnet
	bits := -1
	for _, p := range v.peers {
		for _, x := range p.to.prefixes {
			if p.access && x.Contains(a) && x.Bits() > bits {
				best, bits = p.to, x.Bits()
			}
		}
	}
	return best
}

// arrive delivers inside a VNet.
func (w *walker) arrive(v *vnet, share float64) {
	for _, sn := range v.subnets {
		for _, p := range sn.prefixes {
			if !p.Contains(w.dst()) {
				continue
			}
			if w.last().Node == v.name+"/"+sn.name {
				w.end(share, Delivered, "in the same subnet")
				return
			}
			if w.enter(v.name+"/"+sn.name, "vnet", v.place, -1, share) {
				w.end(share, Delivered, "virtual machine in "+v.name+"/"+sn.name)
				w.leave()
			}
			return
		}
	}
	w.end(share, Dropped, fmt.Sprintf("%s has no subnet with %s", v.name, w.dst()))
}

// firewall passes a packet through a firewall, if its rules and instances let it.
func (w *walker) firewall(f *firewall, share float64) {
	if !w.enter(f.name, "firewall", f.vnet.place, -1, share) {
		return
	}
	defer w.leave()
	if !slices.ContainsFunc(f.downBy, func(e []int) bool { return !w.s.anyDown(e) }) {
		w.end(share, Dropped, "every instance of "+f.name+" is down")
		return
	}
	if !w.flow.Reply {
		ok, name := f.permits(w.flow.Src.Prefix, w.flow.Dst.Prefix, w.flow.Strict)
		if !ok {
			w.end(share, Dropped, fmt.Sprintf("%s does not allow %s to %s (%s)", f.name, w.flow.Src.Prefix, w.flow.Dst.Prefix, name))
			return
		}
	}
	w.forward(f.subnet, false, share)
}

// gatewayOut leaves a VNet by the ExpressRoute gateway's routes: the next hops are the MSEEs, hashed per flow.
func (w *walker) gatewayOut(g *gateway, row EffectiveRoute, share float64) {
	p, _ := slices.BinarySearchFunc(w.s.n.prefixes, row.Prefix, comparePrefix)
	hops := w.s.gatewayHops(g, p)
	if !w.enter(g.name, "gateway", g.vnet.place, -1, share) {
		return
	}
	defer w.leave()
	for _, x := range hops {
		h := w.last()
		next := w.s.n.sessions[x.dir/2].dir[x.dir%2].from
		h.Route, h.Via, h.Capacity = row.Prefix.String(), w.s.n.routers[next].name, g.capacity
		h.Why = fmt.Sprintf("weight %d: %s", 32769+x.conn.weight, w.s.routes[p].step[g.instances[0]])
		w.router(next, share/float64(len(hops)), -1)
	}
	if len(hops) == 0 {
		w.end(share, Dropped, g.name+" has no next hop for "+row.Prefix.String())
	}
}
