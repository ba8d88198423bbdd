package sim

import (
	"encoding/binary"
	"net/netip"
	"slices"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"onramp/network"
)

// A tunnel is a link whose packets go inside others: what is put on it at one end is wrapped, addressed to the other end's outer address, and
// forwarded like what hosts send; there it is unwrapped and arrives. Sessions over a tunnel live as long as the way of its packets does.
// Nothing is encrypted here, and a capture shows octets that say nothing, as it would.

// tunnel is one end.
type tunnel struct {
	local, remote netip.Addr
	spi, seq      uint32
}

// bore makes a link a tunnel.
func (l *link) bore() {
	for end, e := range l.ends {
		o := l.spec.Tunnel.Outer
		e.geared().tunnel = &tunnel{local: o[end], remote: o[1-end], spi: 0x1000 + uint32(2*l.index+end)} //nolint:gosec // an index
		e.node.tunnels = append(e.node.tunnels, e)
	}
}

// wrap sends a packet to the other end of the tunnel. It is the tunnel's from now on, until it is unwrapped or lost.
func (e *port) wrap(p *packet) {
	s, x, t := e.node.s, e.node, e.gear.tunnel
	t.seq++
	o := s.packet()
	o.kind, o.closely, o.src, o.dst, o.ttl, o.inner, o.spi, o.seq32 = data, true, t.local, t.remote, mostHops, p, t.spi, t.seq
	o.size = p.size + network.TunnelOctets(p.length())
	o.dscp = p.dscp // RFC 4301 section 5.1.2.1
	if p.kind != data {
		o.dscp = DSCPControl
	}
	o.path = append(o.path, p.path...)
	route, ok := x.fib.t.Lookup(o.dst)
	if !ok || route.own {
		s.lose(o, x.spec.Name, network.Dropped, "no way to the other end of the tunnel")
		s.release(o)
		return
	}
	route.ports[o.among(len(route.ports), uint32(x.index))].transmit(o) //nolint:gosec // an index
}

// unwrap is a packet that came through a tunnel to this router, which tells whether it is one of its own.
func (x *node) unwrap(o *packet) bool {
	s := x.s
	i := slices.IndexFunc(x.tunnels, func(e *port) bool { t := e.gear.tunnel; return t.local == o.dst && t.remote == o.src })
	if i < 0 {
		return false
	}
	p := s.packet()
	// A copy: a link may have made two of it. It has been where the outer one has, and is about to arrive here.
	payload, path := append(p.payload, o.inner.payload...), append(p.path, o.path[:len(o.path)-1]...)
	*p = *o.inner
	p.payload, p.path, p.wakes, p.stage = payload, path, 0, 0
	x.tunnels[i].arrive(p)
	s.release(p)
	return true
}

// encapsulated is a packet of a tunnel as octets: ESP (RFC 4303 section 2).
func (f *framer) encapsulated(ip header, p *packet) []gopacket.SerializableLayer {
	n := p.size - overhead(p.src)
	f.data = binary.BigEndian.AppendUint32(f.data[:0], p.spi)
	f.data = binary.BigEndian.AppendUint32(f.data, p.seq32)
	c := chance{uint64(p.spi)<<32 | uint64(p.seq32)}
	for len(f.data) < n {
		f.data = binary.BigEndian.AppendUint64(f.data, c.next())
	}
	ip.protocol = layers.IPProtocolESP
	l3, _ := ip.layer()
	return []gopacket.SerializableLayer{l3, gopacket.Payload(f.data[:n])}
}
