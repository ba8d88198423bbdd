package sim

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

// A packet as octets, for whoever captures. The simulator itself carries values: a frame is built only for a trace, from what the packet
// says and the link it is on, and nothing of it comes back.

const (
	bgpPort = 179  // RFC 4271 section 8.2.1
	bfdPort = 3784 // RFC 5881 section 4
	// firstEphemeral begins the ports that nobody registers (RFC 6335 section 6), of which there are manyEphemeral. A single-hop BFD
	// session has to send from one of them, too (RFC 5881 section 4).
	firstEphemeral = 49152
	manyEphemeral  = 16384
	// controlMark is DSCP CS6 as a traffic class: what routers say among themselves (RFC 4594 section 3.2).
	controlMark = 48 << 2
	// windowShift makes mostWindow fit into the header's 16 bits (RFC 7323 section 2).
	windowShift = 3
	// leastErrorData is what an ICMP error quotes behind the header of the packet it is about (RFC 792); mostErrorV6 is how long an
	// ICMPv6 error may be (RFC 4443 section 2.4).
	leastErrorData = 8
	mostErrorV6    = 1280
)

// framer builds frames in a buffer that it uses again.
type framer struct {
	buffer gopacket.SerializeBuffer
	inner  gopacket.SerializeBuffer
	data   []byte
}

func newFramer() *framer {
	return &framer{buffer: gopacket.NewSerializeBuffer(), inner: gopacket.NewSerializeBuffer()}
}

// show lets whoever captures see a packet that goes on the link at a time, now or once it has waited. On a link that both ends know to be
// down nothing goes; on one that is cut in silence it does, and is lost.
func (e *port) show(p *packet, at time.Duration) {
	s := e.node.s
	if e.link.unplugged {
		return
	}
	if s.framer == nil {
		s.framer = newFramer()
	}
	frame, err := s.framer.frame(e, p)
	if err != nil {
		panic(fmt.Errorf("a packet that cannot be written: %w", err)) // of our own making
	}
	if at > s.now { // those that others put on their links before come first
		later := slices.Clone(frame)
		s.At(at, func() { s.options.Capture(at, e.link.index, e.end, later) })
		return
	}
	s.options.Capture(at, e.link.index, e.end, frame)
}

// mac is a node's, of the locally administered ones (IEEE 802, the second bit of the first octet).
func mac(x *node) net.HardwareAddr {
	m := net.HardwareAddr{2, 0, 0, 0, 0, 0}
	binary.BigEndian.PutUint32(m[2:], uint32(x.index)) //nolint:gosec // an index
	return m
}

// frame is the packet on the link of e. It is the framer's until the next one.
func (f *framer) frame(e *port, p *packet) ([]byte, error) {
	src, dst := p.src, p.dst
	if p.kind != data {
		src, dst = e.addr, e.far().addr
	}
	eth := &layers.Ethernet{SrcMAC: mac(e.node), DstMAC: mac(e.far().node), EthernetType: layers.EthernetTypeIPv4}
	if src.Is6() {
		eth.EthernetType = layers.EthernetTypeIPv6
	}
	list := []gopacket.SerializableLayer{eth}
	next := &eth.EthernetType
	for _, tag := range [...]struct {
		kind layers.EthernetType
		id   int
	}{{layers.EthernetTypeQinQ, e.link.spec.STag}, {layers.EthernetTypeDot1Q, e.link.spec.VLAN}} {
		if tag.id != 0 {
			t := &layers.Dot1Q{VLANIdentifier: uint16(tag.id), Type: *next} //nolint:gosec // 12 bits
			*next, next = tag.kind, &t.Type
			list = append(list, t)
		}
	}
	packet, err := f.layers(e, p, src, dst)
	if err != nil {
		return nil, err
	}
	if err := write(f.buffer, append(list, packet...)); err != nil {
		return nil, err
	}
	return f.buffer.Bytes(), nil
}

func write(b gopacket.SerializeBuffer, list []gopacket.SerializableLayer) error {
	return gopacket.SerializeLayers(b, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, list...)
}

// layers are the packet from its IP header on.
func (f *framer) layers(e *port, p *packet, src, dst netip.Addr) ([]gopacket.SerializableLayer, error) {
	ip := header{src: src, dst: dst, ttl: p.ttl, class: p.dscp << 2}
	if p.part != nil {
		return f.fragment(ip, p)
	}
	if p.inner != nil {
		return f.encapsulated(ip, p), nil
	}
	if p.splits {
		ip.splits, ip.id = true, p.seq32
	}
	switch p.kind {
	case segment:
		ip.protocol, ip.class, ip.ttl = layers.IPProtocolTCP, controlMark, 64
		if !e.link.spec.IBGP {
			ip.ttl = 1 // what routers send to a neighbour of another AS
		}
		l3, network := ip.layer()
		t := tcp(e, p)
		if err := t.SetNetworkLayerForChecksum(network); err != nil {
			return nil, err
		}
		return []gopacket.SerializableLayer{l3, t, gopacket.Payload(p.payload)}, nil
	case bfdControl:
		ip.protocol, ip.class, ip.ttl = layers.IPProtocolUDP, controlMark, 255 // RFC 5881 section 5
		f.data = p.bfd.Append(f.data[:0])
		return ip.udp(firstEphemeral+uint16((2*e.link.index+e.end)%manyEphemeral), bfdPort, f.data) //nolint:gosec // 14 bits
	}
	n := p.size - overhead(src) - headerICMP
	if p.icmp == nil {
		ip.protocol = layers.IPProtocolUDP
		return ip.udp(p.sport, p.dport, f.filled(n, p.seq32))
	}
	return f.icmp(ip, p, n)
}

// header is what both versions of IP say.
type header struct {
	src, dst   netip.Addr
	protocol   layers.IPProtocol
	class, ttl uint8
	// Of one that may be split, or of a part: what its parts have in common, and where in the whole it is.
	splits bool
	id     uint32
	offset int
	more   bool
}

func (h *header) layer() (gopacket.SerializableLayer, gopacket.NetworkLayer) {
	if h.src.Is6() {
		l := &layers.IPv6{Version: 6, TrafficClass: h.class, NextHeader: h.protocol, HopLimit: h.ttl, SrcIP: h.src.AsSlice(), DstIP: h.dst.AsSlice()}
		return l, l
	}
	l := &layers.IPv4{Version: 4, TOS: h.class, Protocol: h.protocol, TTL: h.ttl, SrcIP: h.src.AsSlice(), DstIP: h.dst.AsSlice()}
	switch {
	case !h.splits:
		l.Flags = layers.IPv4DontFragment // the identification says nothing then (RFC 6864 section 4.1)
	case h.more:
		l.Flags = layers.IPv4MoreFragments
		fallthrough
	default:
		l.Id, l.FragOffset = uint16(h.id%0xffff)+1, uint16(h.offset/8) //nolint:gosec // 16 and 13 bits
	}
	return l, l
}

func (h *header) udp(sport, dport uint16, payload []byte) ([]gopacket.SerializableLayer, error) {
	l3, network := h.layer()
	u := &layers.UDP{SrcPort: layers.UDPPort(sport), DstPort: layers.UDPPort(dport)}
	if err := u.SetNetworkLayerForChecksum(network); err != nil {
		return nil, err
	}
	return []gopacket.SerializableLayer{l3, u, gopacket.Payload(payload)}, nil
}

// fragment is a part of a packet.
func (f *framer) fragment(ip header, p *packet) ([]gopacket.SerializableLayer, error) {
	whole, err := f.layers(nil, p.part.whole, ip.src, ip.dst)
	if err != nil {
		return nil, err
	}
	if err := write(f.inner, whole); err != nil {
		return nil, err
	}
	from := overhead(ip.src) - headerTagged + p.part.offset
	octets := gopacket.Payload(slices.Clone(f.inner.Bytes()[from : from+p.size-p.headers()])) // an error about it is made in the same buffer
	ip.splits, ip.id, ip.offset, ip.more = true, p.part.id, p.part.offset, p.part.more
	if !ip.src.Is6() {
		ip.protocol = whole[0].(*layers.IPv4).Protocol //nolint:errcheck // it is
		l3, _ := ip.layer()
		return []gopacket.SerializableLayer{l3, octets}, nil
	}
	next := whole[0].(*layers.IPv6).NextHeader //nolint:errcheck // it is
	ip.protocol = layers.IPProtocolIPv6Fragment
	l3, _ := ip.layer()
	return []gopacket.SerializableLayer{l3, &layers.IPv6Fragment{NextHeader: next, FragmentOffset: uint16(p.part.offset / 8), MoreFragments: p.part.more, Identification: p.part.id}, octets}, nil //nolint:gosec // 13 bits
}

// filled is the payload of a probe: its number, then letters.
func (f *framer) filled(n int, seq uint32) []byte {
	f.data = binary.BigEndian.AppendUint32(f.data[:0], seq)
	for i := len(f.data); i < n; i++ {
		f.data = append(f.data, byte('a'+i%26))
	}
	return f.data[:max(n, 0)]
}

// tcp is a segment's header. Offsets of the stream count from 1; each end's begin at a number that differs from connection to connection.
func tcp(e *port, p *packet) *layers.TCP {
	t := &layers.TCP{SrcPort: bgpPort, DstPort: layers.TCPPort(firstEphemeral + p.conn.port%manyEphemeral), Window: mostWindow >> windowShift}
	if int(p.conn.opener) == e.end {
		t.SrcPort, t.DstPort = t.DstPort, t.SrcPort
	}
	first := func(end int) uint32 {
		h := uint32(2166136261)                                                                                        //nolint:gosec // FNV-1a
		for _, x := range [...]uint64{e.node.s.options.Seed, uint64(e.link.index), uint64(end), uint64(p.conn.port)} { //nolint:gosec // small
			for ; ; x >>= 8 {
				if h = (h ^ uint32(x&255)) * 16777619; x < 256 {
					break
				}
			}
		}
		return h
	}
	t.Seq = first(e.end) + uint32(p.seq) //nolint:gosec // numbers of sequence wrap
	if p.flags&flagSYN != 0 {
		t.Seq = first(e.end) // it is offset 0, whatever has been sent since
		t.SYN, t.Window = true, 65535
		t.Options = []layers.TCPOption{
			{OptionType: layers.TCPOptionKindMSS, OptionData: binary.BigEndian.AppendUint16(nil, uint16(e.mss()))}, //nolint:gosec // small
			{OptionType: layers.TCPOptionKindNop},
			{OptionType: layers.TCPOptionKindWindowScale, OptionData: []byte{windowShift}},
		}
	}
	if p.flags&flagACK != 0 {
		t.ACK, t.Ack = true, first(1-e.end)+uint32(p.ack) //nolint:gosec // numbers of sequence wrap
	}
	if p.flags&flagRST != 0 {
		t.Window = 0
	}
	t.FIN, t.RST, t.PSH = p.flags&flagFIN != 0, p.flags&flagRST != 0, len(p.payload) > 0
	return t
}

// icmp is an ICMP packet of either version.
func (f *framer) icmp(ip header, p *packet, n int) ([]gopacket.SerializableLayer, error) {
	m := p.icmp
	var payload []byte
	if m.kind == echoRequest || m.kind == echoReply {
		payload = f.filled(n, p.seq32)
	} else {
		about, err := f.layers(nil, &m.about, m.about.src, m.about.dst)
		if err != nil {
			return nil, err
		}
		if err := write(f.inner, about); err != nil {
			return nil, err
		}
		payload = f.inner.Bytes()[:n]
	}
	if ip.src.Is6() {
		ip.protocol = layers.IPProtocolICMPv6
		l3, network := ip.layer()
		c := &layers.ICMPv6{TypeCode: layers.CreateICMPv6TypeCode(m.kind.v6())}
		if err := c.SetNetworkLayerForChecksum(network); err != nil {
			return nil, err
		}
		return []gopacket.SerializableLayer{l3, c, gopacket.Payload(binary.BigEndian.AppendUint32(nil, m.rest(p, true))), gopacket.Payload(payload)}, nil
	}
	ip.protocol = layers.IPProtocolICMPv4
	l3, _ := ip.layer()
	rest := m.rest(p, false)
	c := &layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(m.kind.v4()), Id: uint16(rest >> 16), Seq: uint16(rest & 0xffff)} //nolint:gosec // halves
	return []gopacket.SerializableLayer{l3, c, gopacket.Payload(payload)}, nil
}

// v4 and v6 are the kind's type and code (RFC 792, RFC 1191; RFC 4443).
func (k icmpKind) v4() (kind, code uint8) {
	return [...]uint8{0, 8, 0, 11, 3, 3, 3}[k], [...]uint8{0, 0, 0, 0, 4, 0, 3}[k]
}

func (k icmpKind) v6() (kind, code uint8) {
	return [...]uint8{0, 128, 129, 3, 2, 1, 1}[k], [...]uint8{0, 0, 0, 0, 0, 0, 4}[k]
}

// rest is the second half of an ICMP header.
func (m *icmp) rest(p *packet, six bool) uint32 {
	switch {
	case m.kind == echoRequest || m.kind == echoReply:
		return uint32(p.sport)<<16 | p.seq32&0xffff
	case m.kind == tooBig && six:
		return uint32(m.mtu) //nolint:gosec // small
	case m.kind == tooBig:
		return uint32(m.mtu) & 0xffff //nolint:gosec // 16 bits (RFC 1191 section 4)
	}
	return 0
}
