package sim

import (
	"net/netip"
	"slices"

	"onramp/network"
)

// What routers and hosts answer to the packets of Ping and Traceroute. Routers limit how many errors they send (RFC 1812 section 4.3.2.8,
// RFC 4443 section 2.4): other packets, of which nobody waits for errors, get none.
//
// Who answers is as Microsoft's own traces show it (Interoperability in Azure, data plane analysis, 2023-03-24):
//   - Virtual networks and peerings do not touch the TTL. Nor do firewalls (network.AssumeFirewallMute) and the way out through a
//     gateway: the first hop that a virtual machine sees is the MSEE, by its address in GatewaySubnet.
//   - A gateway on the way in takes one off the TTL and stays silent when it runs out.
//   - An error from a premises router reaches a virtual machine only if the router's address is among the routes of the virtual
//     network; links are not, so that these hops are silent, too.

// icmp is what an ICMP packet says. It does not change once it is sent.
type icmp struct {
	kind  icmpKind
	mtu   int    // of tooBig
	about packet // that an error is about
}

type icmpKind uint8

const (
	echoRequest icmpKind = iota + 1
	echoReply
	timeExceeded
	tooBig
	noRoute
	noPort
)

func (m *icmp) isError() bool { return m != nil && m.kind > echoReply }

// stops looks closely at a packet that a router is about to forward, and tells whether it goes no further, or not by the table.
func (x *node) stops(p *packet) bool {
	s := x.s
	if p.inner != nil && x.unwrap(p) || p.asks && x.isFor(p) || x.tooLong(p) {
		return true
	}
	if x.nat != nil && len(p.path) > 1 && !x.nat.inward(p, x.spec.Name) { // what begins here does not come back
		return true
	}
	i := -1
	if p.asks {
		i = slices.IndexFunc(x.ports, func(e *port) bool { return e.link.spec.Addr[1-e.end] == p.dst })
	}
	route, routed := x.fib.t.Lookup(p.dst)
	onward := p.ttl > 1 && (i >= 0 || routed && !route.own)
	if onward && x.nat != nil && !x.nat.outward(p, x.spec.Name) {
		return true
	}
	var out *port
	switch {
	case i >= 0:
		out = x.ports[i]
	case onward:
		out = route.ports[p.among(len(route.ports), uint32(x.index))] //nolint:gosec // an index
	}
	switch {
	case onward && (out.untranslated(p) || x.narrow(p, out)):
	case !routed && p.inner != nil:
		s.lose(p, x.spec.Name, network.Dropped, "no route")
	case !p.asks:
		return false
	case p.ttl <= 1:
		s.lose(p, x.spec.Name, network.Looped, "time to live exceeded")
		x.object(p, timeExceeded, 0)
	case i >= 0: // a neighbour, by the link's own prefix
		q := s.packet()
		q.data(p)
		q.ttl--
		out.transmit(q)
	case !routed:
		s.lose(p, x.spec.Name, network.Dropped, "no route")
		x.object(p, noRoute, 0)
	default:
		return false
	}
	return true
}

// isFor tells whether a packet is for the router itself, and answers it.
func (x *node) isFor(p *packet) bool {
	own := x.spec.ID == p.dst || slices.ContainsFunc(x.ports, func(e *port) bool { return e.link.spec.Addr[e.end] == p.dst })
	switch {
	case own && p.part != nil:
		if q := x.s.assemble(p); q != nil {
			x.s.answer(q, &station{router: x})
			x.s.release(q)
		}
	case own:
		x.s.answer(p, &station{router: x})
	}
	return own
}

// stopsAtGateway is stops for what an instance of a gateway takes into its virtual network.
func (x *node) stopsAtGateway(p *packet) bool {
	s := x.s
	if p.asks && x.isFor(p) || x.tooLong(p) {
		return true
	}
	if !p.asks {
		return false
	}
	if p.ttl--; p.ttl == 0 {
		s.lose(p, x.spec.Name, network.Looped, "time to live exceeded")
		return true
	}
	sn, ok := s.fabric.entry[x.spec.Gateway]
	if !ok || !p.icmp.isError() {
		return false
	}
	if r, ok := s.fabric.table(sn).routes.Lookup(p.src); ok && r.row.NextHopType != "Internet" && r.row.NextHopType != "None" {
		return false
	}
	s.lose(p, x.spec.Name, network.Dropped, p.src.String()+" is not among the routes of the virtual network")
	return true
}

// tooLong tells whether a packet is too long for the router, which says so if it must not be split. That a gateway says so is
// network.AssumeTooBigTold; that it carries neither the packet nor a part of one is published (limits.yaml).
func (x *node) tooLong(p *packet) bool {
	s := x.s
	most := s.wiring.MTU
	if x.spec.Gateway != "" {
		most = min(most, s.wiring.SupportedPacket)
		if p.part != nil {
			s.lose(p, x.spec.Name, network.Dropped, "a gateway forwards no fragments")
			return true
		}
	}
	if most == 0 || p.length() <= most {
		return false
	}
	s.lose(p, x.spec.Name, network.Dropped, longerThanMTU)
	if !p.splits {
		x.object(p, tooBig, most)
	}
	return true
}

// object sends an error about a packet to whoever asks; never about an error, nor about any but the first part of a packet (RFC 1122 section
// 3.2.2).
func (x *node) object(p *packet, kind icmpKind, mtu int) {
	if !p.asks || p.icmp.isError() || p.part != nil && p.part.offset > 0 {
		return
	}
	r := x.s.errorAbout(p, kind, mtu, x.speaksTo(p))
	if x.spec.Gateway != "" && slices.Contains(p.path, x.s.fabric.gates[x.spec.Gateway]) { // on its way out
		r.visit(x.place)
		x.s.fabric.forward(x.s.fabric.entry[x.spec.Gateway], r, true, x.spec.Name)
	} else {
		r.ttl++ // what a router sends itself it does not count
		x.forward(r)
	}
	x.s.release(r)
}

func (s *Sim) errorAbout(p *packet, kind icmpKind, mtu int, from netip.Addr) *packet {
	m := &icmp{kind: kind, mtu: mtu, about: *p}
	m.about.path, m.about.payload = nil, nil
	r := s.packet()
	r.kind, r.asks, r.closely, r.icmp, r.seq32, r.src, r.dst, r.ttl = data, true, true, m, p.seq32, from, p.src, mostHops
	quoted := p.size - headerTagged
	if from.Is6() {
		quoted = min(quoted, mostErrorV6-headerIPv6-headerICMP)
	} else {
		quoted = min(quoted, headerIPv4+leastErrorData)
	}
	r.size = overhead(from) + headerICMP + quoted
	return r
}

// speaksTo is the address by which a router answers a packet: that of the interface by which it came, where the network gives it one of
// the right family; any of its own; what it is called by.
func (x *node) speaksTo(p *packet) netip.Addr {
	six := p.src.Is6()
	var came netip.Addr
	any := came
	for _, e := range x.ports {
		a := e.link.spec.Addr[e.end]
		if !a.IsValid() || a.Is6() != six {
			continue
		}
		if !any.IsValid() {
			any = a
		}
		far := e.far().node
		if n := len(p.path); n > 1 && !came.IsValid() && (p.path[n-2] == far.place || far.spec.Gateway != "" && p.path[n-2] == x.s.fabric.gates[far.spec.Gateway]) {
			came = a
		}
	}
	return x.called(six, came, any)
}

// called is the first valid of some addresses, and at the least one that stands for the router itself.
func (x *node) called(six bool, of ...netip.Addr) netip.Addr {
	for _, a := range of {
		if a.IsValid() {
			return a
		}
	}
	if !six {
		return x.spec.ID
	}
	b := [16]byte{0: 0xfd} // RFC 4193: of the premises' own making
	id := x.spec.ID.As4()
	copy(b[12:], id[:])
	return netip.AddrFrom16(b)
}

// stationOn is where a packet that is delivered is: the last node of its path.
func (s *Sim) stationOn(p *packet) *station {
	last := p.path[len(p.path)-1]
	if i := slices.Index(s.fabric.place, last); i >= 0 {
		return &station{subnet: i}
	}
	i := slices.IndexFunc(s.nodes, func(x *node) bool { return x.place == last })
	return &station{router: s.nodes[i]}
}

// answer is a packet at the machine that it is for.
func (s *Sim) answer(p *packet, at *station) {
	var r *packet
	switch {
	case p.icmp.isError(), p.icmp != nil && p.icmp.kind == echoReply:
		s.asked.take(s, p)
		return
	case at.router == nil && !s.lives(p.dst):
		s.lose(p, s.wiring.Subnets[at.subnet].Node, network.Dropped, p.dst.String()+" is an address of a router that is down")
		return
	case p.icmp != nil:
		r = s.packet()
		r.kind, r.asks, r.seq32, r.size, r.src, r.dst, r.sport, r.dport, r.ttl = data, true, p.seq32, p.size, p.dst, p.src, p.dport, p.sport, mostHops
		r.icmp, r.closely, r.splits = &icmp{kind: echoReply}, true, p.splits
	default:
		r = s.errorAbout(p, noPort, 0, p.dst)
	}
	s.dispatch(r, at)
}

// lives tells whether an address in a subnet is not that of a gateway's instance that is down.
func (s *Sim) lives(a netip.Addr) bool {
	for _, x := range s.nodes {
		if !x.alive && slices.ContainsFunc(x.ports, func(e *port) bool { return e.link.spec.Addr[e.end] == a }) {
			return false
		}
	}
	return true
}

// related tells whether an error is about a packet of a connection that the firewall let begin: it passes.
func (f *fabric) related(i int, p *packet) bool {
	if !p.icmp.isError() {
		return false
	}
	a := &p.icmp.about
	return f.states[i][connection{a.src, a.dst, a.sport, a.dport}] || f.states[i][connection{a.dst, a.src, a.dport, a.sport}]
}
