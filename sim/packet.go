package sim

import "onramp/bfd"

// packet is what is on a link. Packets are used again: whoever gets one keeps nothing of it.
type packet struct {
	kind packetKind
	size int // octets, with all headers
	// A segment of a stream.
	conn    streamID
	flags   uint8
	seq     uint64 // offset of the payload's first octet
	ack     uint64 // offset of the next octet that is expected
	payload []byte
	// A BFD control packet.
	bfd bfd.Packet
}

type packetKind uint8

const (
	segment packetKind = iota
	bfdControl
)

const (
	flagSYN = 1 << iota
	flagACK
	flagFIN
	flagRST
)

// headers of IPv4 and TCP or UDP on an Ethernet with one tag, in octets.
const (
	headerTCP = 18 + 20 + 20
	headerUDP = 18 + 20 + 8
)

func (s *Sim) packet() *packet {
	if n := len(s.free); n > 0 {
		p := s.free[n-1]
		s.free = s.free[:n-1]
		return p
	}
	return new(packet)
}

func (s *Sim) release(p *packet) {
	payload := p.payload[:0]
	*p = packet{payload: payload}
	s.free = append(s.free, p)
}

// transmit puts a packet on the link; what cannot get through is gone.
func (e *port) transmit(p *packet) {
	s, l := e.node.s, e.link
	if l.dead[e.end] {
		s.release(p)
		return
	}
	s.agenda.add(event{at: s.now + l.spec.Delay, kind: evArrive, index: int32(2*l.index + 1 - e.end), p: p}) //nolint:gosec // an index
}

// arrive takes a packet that came over the link.
func (e *port) arrive(p *packet) {
	if e.node.speaker == nil || e.link.dead[1-e.end] {
		return // whoever died meanwhile hears nothing, and a link that was cut loses what was on it
	}
	e.node.s.touch(e.node)
	switch p.kind {
	case segment:
		e.segment(p)
	case bfdControl:
		e.bfdArrives(p.bfd)
	}
}
