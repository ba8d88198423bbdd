package sim

import (
	"net/netip"
	"time"

	"onramp/bfd"
	"onramp/network"
)

// packet is what is on a link. Packets are used again: whoever gets one keeps nothing of it.
type packet struct {
	kind packetKind
	size int // octets, with all headers
	// Of a packet between hosts that measures: its mark, the place of its flow in Sim.flows from 1 (0 for a probe's), when it was sent.
	dscp      uint8
	flowIndex int32
	sentAt    time.Duration
	// A segment of a stream.
	conn    streamID
	flags   uint8
	seq     uint64 // offset of the payload's first octet
	ack     uint64 // offset of the next octet that is expected
	payload []byte
	// A BFD control packet.
	bfd bfd.Packet
	// A packet between hosts.
	src, dst     netip.Addr
	sport, dport uint16
	flow         uint32 // what among made of them, 0 before
	ttl          uint8
	reply        bool
	probe        int32
	seq32        uint32
	path         []int32 // the nodes that it has been at, as in Sim.places
	// A packet of Ping or Traceroute, or an answer to one.
	asks    bool
	icmp    *icmp // nil for UDP; shared by copies
	crossed uint8 // how often it was forwarded inside virtual networks, which leave the TTL alone
}

// data makes p a copy of a packet between hosts.
func (p *packet) data(q *packet) {
	p.dscp, p.flowIndex, p.sentAt, p.ack = q.dscp, q.flowIndex, q.sentAt, q.ack
	p.kind, p.size, p.src, p.dst, p.sport, p.dport, p.flow, p.ttl, p.reply, p.probe, p.seq32 = data, q.size, q.src, q.dst, q.sport, q.dport, q.flow, q.ttl, q.reply, q.probe, q.seq32
	p.asks, p.icmp, p.crossed = q.asks, q.icmp, q.crossed
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

// hash is of the flow's addresses and ports (FNV-1a), never 0.
func (p *packet) hash() uint32 {
	const prime = 16777619
	h := uint32(2166136261)
	for _, a := range [...]netip.Addr{p.src, p.dst} {
		b := a.As16()
		for _, x := range b {
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
	return new(packet)
}

func (s *Sim) release(p *packet) {
	payload, path := p.payload[:0], p.path[:0]
	*p = packet{payload: payload, path: path}
	s.free = append(s.free, p)
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
	s.agenda.add(event{at: at, kind: evArrive, index: int32(2*l.index + 1 - e.end), p: p}) //nolint:gosec // an index
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
		e.node.arriveRouter(p)
	}
}
