package sim

import (
	"net/netip"
	"time"

	"onramp/network"
)

// Fragments (RFC 791 section 3.2, RFC 8200 section 4.5). A packet that may be split goes in parts over a link that does not take it whole:
// a host splits what it sends, and a router what it forwards, but nothing of IPv6. The host that it is for puts it together again. Gateways
// forward no part of a packet and split none (limits.yaml; network.AssumeTooBigTold).
//
// Few packets are ever split, so that nothing of it is on the way of the others: those that may have to be are marked (packet.closely).

// part tells of a packet that it is a fragment. It does not change once it is made.
type part struct {
	id     uint32
	offset int // of its first octet behind the IP header of the whole
	more   bool
	whole  *packet
}

// partHeaderV6 is how long an IPv6 fragment header is.
const partHeaderV6 = 8

// headers are the octets of a packet up to the end of its IP header, with that of a fragment of IPv6.
func (p *packet) headers() int {
	n := overhead(p.src)
	if p.part != nil && p.src.Is6() {
		n += partHeaderV6
	}
	return n
}

// length is how long the IP packet is.
func (p *packet) length() int { return p.size - headerTagged }

// split hands a packet on in parts of at most so many octets of IP.
func (s *Sim) split(p *packet, most int, send func(*packet)) {
	of := part{whole: &packet{}}
	if p.part != nil { // a fragment is split once more
		of = *p.part
	} else {
		*of.whole = *p
		of.whole.path, of.whole.payload = nil, nil
		s.parts++
		of.id = s.parts
	}
	head := overhead(p.src)
	if p.src.Is6() {
		head += partHeaderV6
	}
	n := (most + headerTagged - head) &^ 7 // the offset is counted in units of eight octets
	for left, offset := p.size-p.headers(), of.offset; left > 0; left, offset = left-n, offset+n {
		q := s.packet()
		q.data(p)
		q.closely, q.size = true, head+min(n, left)
		q.part = &part{id: of.id, offset: offset, more: of.more || left > n, whole: of.whole}
		send(q)
	}
}

// splitAtHost looks after a packet that is longer than the interface of the host that sends it takes, and tells whether it has gone on, or
// goes nowhere. A site's hosts leave it to the router beside them to say that it is too long.
func (s *Sim) splitAtHost(p *packet, from *station) bool {
	most := s.wiring.MTU
	switch {
	case most == 0 || p.length() <= most:
		return false
	case p.splits:
		s.split(p, most, func(q *packet) {
			s.inject(q, from)
			s.release(q)
		})
		return true
	case from.router != nil:
		return false
	}
	s.lose(p, s.wiring.Subnets[from.subnet].Node, network.Dropped, longerThanMTU)
	if p.asks && !p.icmp.isError() {
		r := s.errorAbout(p, tooBig, most, p.src)
		r.visit(s.fabric.place[from.subnet])
		s.asked.take(s, r)
		s.release(r)
	}
	return true
}

const longerThanMTU = "longer than the MTU"

// narrow looks after a packet that the link by which it leaves a router does not take, and tells whether it has gone on, or goes nowhere.
func (x *node) narrow(p *packet, out *port) bool {
	most := out.mtu()
	if most == 0 || p.length() <= most {
		return false
	}
	if p.splits && p.src.Is4() {
		p.ttl--
		x.s.split(p, most, out.transmit)
		return true
	}
	x.s.lose(p, x.spec.Name, network.Dropped, longerThanMTU)
	x.object(p, tooBig, most)
	return true
}

// mtu is how long an IP packet may be on the link, 0 for as long as it likes.
func (e *port) mtu() int {
	if m := e.link.spec.MTU; m > 0 {
		return m
	}
	return e.node.s.wiring.MTU
}

// assembly is a packet whose parts come in.
type assembly struct {
	blocks []bool // of eight octets
	got    int    // octets
	total  int    // 0 before the last part has come
}

type assemblyKey struct {
	src, dst netip.Addr
	id       uint32
}

// assemblyTime is how long a host waits for the other parts of a packet (RFC 1122 section 3.3.2).
const assemblyTime = 60 * time.Second

// assemble takes a part at the host that it is for, and returns the whole packet with the last of them, otherwise nil. The caller releases it.
func (s *Sim) assemble(p *packet) *packet {
	key := assemblyKey{p.src, p.dst, p.part.id}
	a := s.assemblies[key]
	if a == nil {
		a = &assembly{}
		if s.assemblies == nil {
			s.assemblies = map[assemblyKey]*assembly{}
		}
		s.assemblies[key] = a
		s.At(s.now+assemblyTime, func() {
			if s.assemblies[key] == a {
				delete(s.assemblies, key)
			}
		})
	}
	if !a.take(p.part.offset, p.size-p.headers(), p.part.more) {
		return nil
	}
	delete(s.assemblies, key)
	q := s.packet()
	path := append(q.path, p.path...)
	*q = *p.part.whole
	q.path, q.wakes, q.stage = path, 0, 0
	return q
}

// take notes a part and tells whether none is missing any more.
func (a *assembly) take(offset, octets int, more bool) bool {
	end := offset + octets
	if !more {
		a.total = end
	}
	for at := offset; at < end; at += 8 {
		for len(a.blocks) <= at/8 {
			a.blocks = append(a.blocks, false)
		}
		if !a.blocks[at/8] {
			a.blocks[at/8] = true
			a.got += min(8, end-at)
		}
	}
	return a.total > 0 && a.got == a.total
}
