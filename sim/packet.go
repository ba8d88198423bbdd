package sim

import (
	"net/netip"
	"time"

	"onramp/bfd"
	"onramp/network"
)

// packet is what is on a link. Packets are used again: whoever gets one keeps nothing of it. What forwarding looks at comes first: it is in
// two lines of a processor's cache (BenchmarkForward).
type packet struct {
	kind packetKind
	// Of a packet between hosts that measures: its mark, the place of its flow in Sim.flows from 1 (0 for a probe's), when it was sent.
	dscp    uint8
	ttl     uint8
	stage   uint8 // of the pipes at the port by which it leaves, how many it has passed
	crossed uint8 // how often it was forwarded inside virtual networks, which leave the TTL alone
	reply   bool
	asks    bool // a packet of Ping or Traceroute, or an answer to one
	flags   uint8
	spot    uint8 // where routers remember the way to its destination, 0 before it is known
	// closely has routers look at more of it than where it goes: it asks, or may be too long for some of them, or is a part of a packet, or
	// goes by Microsoft peering.
	closely bool
	wakes   int32 // a pipe by its index from 1, which has to be woken when the packet comes to the next or to the other end
	size    int   // octets, with all headers
	// A packet between hosts.
	src, dst     netip.Addr
	sport, dport uint16
	flow         uint32  // what among made of them, 0 before
	path         []int32 // the nodes that it has been at, as in Sim.places
	flowIndex    int32
	probe        int32
	seq32        uint32
	sentAt       time.Duration
	icmp         *icmp // nil for UDP; shared by copies
	// A segment of a stream, with flags.
	conn    streamID
	seq     uint64 // offset of the payload's first octet
	ack     uint64 // offset of the next octet that is expected
	payload []byte
	// A BFD control packet.
	bfd bfd.Packet
	// What follows says nothing of a packet that is not looked at closely.
	splits bool  // it may be split: its header does not say "don't fragment"
	part   *part // nil for a whole packet; shared by copies
	// inner is what a packet of a tunnel carries, nil for any other; shared by copies. spi is the tunnel's.
	inner *packet
	spi   uint32
}

// data makes p a copy of a packet between hosts.
func (p *packet) data(q *packet) {
	p.dscp, p.flowIndex, p.sentAt, p.ack = q.dscp, q.flowIndex, q.sentAt, q.ack
	p.kind, p.size, p.src, p.dst, p.sport, p.dport, p.flow, p.spot, p.ttl, p.reply, p.probe, p.seq32 = data, q.size, q.src, q.dst, q.sport, q.dport, q.flow, q.spot, q.ttl, q.reply, q.probe, q.seq32
	p.asks, p.icmp, p.crossed = q.asks, q.icmp, q.crossed
	if q.closely {
		p.closely, p.splits, p.part, p.inner, p.spi = true, q.splits, q.part, q.inner, q.spi
	}
	p.path = append(p.path[:0], q.path...)
}

// visit notes that the packet is at a node.
func (p *packet) visit(place int32) { p.path = append(p.path, place) }

// among picks one of several equal ways, the same for all packets of a flow at one node, and differently from node to node.
func (p *packet) among(ways int, node uint32) int {
	if ways == 1 {
		return 0
	}
	if p.flow == 0 {
		p.flow = p.hash()
	}
	h := (p.flow ^ node) * 0x2c1b3c6d // the bits that choose depend on all others
	h ^= h >> 15
	h *= 0x297a2d39
	h ^= h >> 15
	return int(uint64(h) * uint64(ways) >> 32) //nolint:gosec // less than ways
}

// hash is of the flow's addresses and ports (FNV-1a), never 0. An IPv4 address counts as the IPv6 one that stands for it (RFC 4291 section
// 2.5.5.2), whose first twelve octets need but three steps.
func (p *packet) hash() uint32 {
	const prime = 16777619
	h := uint32(2166136261)
	for _, a := range [...]netip.Addr{p.src, p.dst} {
		b := a.As16()
		rest := b[:]
		if a.Is4() {
			const zeros = 0x5887be89 // prime to the tenth: an octet of 0 only multiplies
			h *= zeros
			h = (h ^ 0xff) * prime
			h = (h ^ 0xff) * prime
			rest = b[12:]
		}
		for _, x := range rest {
			h = (h ^ uint32(x)) * prime
		}
	}
	for _, x := range [...]uint16{p.sport, p.dport} {
		h = (h ^ uint32(x&255)) * prime
		h = (h ^ uint32(x>>8)) * prime
	}
	return max(h, 1)
}

type packetKind uint8

const (
	segment packetKind = iota
	bfdControl
	data
)

const (
	flagSYN = 1 << iota
	flagACK
	flagFIN
	flagRST
)

// headers, in octets.
const (
	headerTagged = 18 // Ethernet with one tag
	headerIPv4   = 20
	headerIPv6   = 40
	headerTCP    = 20
	headerUDP    = 8
	headerICMP   = 8
)

// overhead is what is before the transport's header.
func overhead(a netip.Addr) int {
	if a.Is6() {
		return headerTagged + headerIPv6
	}
	return headerTagged + headerIPv4
}

func (s *Sim) packet() *packet {
	if n := len(s.free); n > 0 {
		p := s.free[n-1]
		s.free = s.free[:n-1]
		return p
	}
	s.stock()
	return s.packet()
}

// stock makes packets, side by side and each with room for a path as long as most are.
func (s *Sim) stock() {
	const some, nodes = 16, 16
	list, paths := make([]packet, some), make([]int32, some*nodes)
	for i := range list {
		list[i].path = paths[i*nodes : i*nodes : (i+1)*nodes]
		s.free = append(s.free, &list[some-1-i])
	}
}

func (s *Sim) release(p *packet) {
	payload, path := p.payload[:0], p.path[:0]
	*p = packet{payload: payload, path: path}
	s.free = append(s.free, p)
}

// handOn is the packet to send on in place of p: p itself where the event is about it, so that nobody needs it any more, or else a copy.
// Whoever hands a packet on does nothing more with it.
func (s *Sim) handOn(p *packet) *packet {
	if p == s.held {
		s.held = nil
		return p
	}
	q := s.packet()
	q.data(p)
	return q
}

// unhold ends the packet that the event was about, if it went no further.
func (s *Sim) unhold() {
	if s.held != nil {
		s.release(s.held)
		s.held = nil
	}
}

// dispatch lets a host send a packet, which it hands over.
func (s *Sim) dispatch(p *packet, from *station) {
	held := s.held
	s.held = p
	s.inject(p, from)
	s.unhold()
	s.held = held
}

// transmit puts a packet on the link; what cannot get through is gone.
func (e *port) transmit(p *packet) {
	s, l := e.node.s, e.link
	if s.options.Capture != nil && (e.gear == nil || l.dead[e.end]) { // else when it leaves the queue
		e.show(p, s.now)
	}
	if l.dead[e.end] {
		if p.kind == data {
			s.lose(p, e.node.spec.Name, network.Dropped, "the link "+l.spec.Name+" is down")
		}
		s.release(p)
		return
	}
	if e.gear != nil {
		e.send(p)
		return
	}
	at := s.now + l.spec.Delay
	if s.faults.late != nil {
		at += s.faults.late()
	}
	s.agenda.add(event{at: at, kind: evArrive, index: e.number() ^ 1, p: p})
}

// arrive takes a packet that came over the link.
func (e *port) arrive(p *packet) {
	if !e.node.alive || e.link.dead[1-e.end] {
		e.node.s.gone(e, p)
		return // whoever died meanwhile hears nothing, and a link that was cut loses what was on it
	}
	if e.gear != nil && !e.takes(p) {
		return
	}
	switch p.kind {
	case segment:
		if e.node.speaker != nil {
			e.segment(p)
			e.touch()
		}
	case bfdControl:
		e.bfdArrives(p.bfd)
	case data:
		e.octets += int64(p.size)
		e.node.arriveRouter(p)
	}
}
