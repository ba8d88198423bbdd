package sim

import (
	"slices"
	"time"

	"onramp/bgp"
)

// A stream carries a session's octets in order, as TCP does: a handshake, a window that opens slowly and closes on loss, retransmission
// after a time that doubles (RFC 5681, RFC 6298). A receiver keeps nothing that is out of order, so what comes after a loss is sent again.

const (
	mss           = 1460
	initialWindow = 10 * mss // RFC 6928
	mostWindow    = 256 << 10
	firstRTO      = time.Second            // RFC 6298 section 2.1
	leastRTO      = 200 * time.Millisecond // as most systems have it
	mostRTO       = 60 * time.Second       // RFC 6298 section 2.5
)

// mss is the most of one segment on the link: what leaves a packet of the routers' 1500 octets, or of the link's own (RFC 6691).
func (e *port) mss() int {
	mss := mss
	if m := e.link.spec.MTU; m > 0 {
		mss = min(mss, m-headerIPv4-headerTCP)
	}
	if e.addr.Is6() {
		return mss - (headerIPv6 - headerIPv4)
	}
	return mss
}

// streamID names a connection at both ends: the port of the end that opened it tells it from earlier ones.
type streamID struct {
	opener uint8 // which end of the link
	port   uint16
}

type streamState uint8

const (
	opening streamState = iota // a SYN was sent
	opened
	closing // a FIN was sent
)

// stream is one end of a connection.
type stream struct {
	e     *port
	id    streamID
	conn  bgp.ConnID
	state streamState

	out      []byte // from offset una: what was sent and not acknowledged, then what waits
	una      uint64
	next     uint64 // offset of the next octet to send
	fin      bool   // nothing comes after out
	finSent  bool
	received uint64 // offset of the next octet expected
	finSeen  bool

	window, threshold int
	duplicate         int // acknowledgements
	rto, smooth, vary time.Duration
	retryAt           time.Duration // retransmission; never when nothing is outstanding
	timedSeq          uint64        // the octet whose acknowledgement is being timed; 0 for none
	timedAt           time.Duration
}

// open begins a connection to the other end.
func (e *port) open() *stream {
	s := e.node.s
	s.ports++
	c := e.newStream(streamID{opener: uint8(e.end), port: s.ports}) //nolint:gosec // 0 or 1
	c.state = opening
	c.sendFlags(flagSYN)
	c.retryAt = s.now + c.rto
	e.touch()
	return c
}

func (e *port) newStream(id streamID) *stream {
	s := e.node.s
	s.conns++
	c := &stream{e: e, id: id, conn: s.conns, una: 1, next: 1, received: 1, window: initialWindow, threshold: mostWindow, rto: firstRTO, retryAt: never}
	e.streams = append(e.streams, c)
	return c
}

// forget ends the stream at this end.
func (c *stream) forget() {
	c.e.streams = slices.DeleteFunc(c.e.streams, func(x *stream) bool { return x == c })
}

func (c *stream) sendFlags(flags uint8) {
	p := c.e.node.s.packet()
	p.kind, p.size, p.conn, p.flags, p.seq, p.ack = segment, overhead(c.e.addr)+headerTCP, c.id, flags, c.next, c.received
	if c.finSent {
		p.seq++ // a FIN takes a number
	}
	c.e.transmit(p)
}

// write queues octets.
func (c *stream) write(b []byte) {
	c.out = append(c.out, b...)
	c.push()
}

// close ends the stream after what is queued.
func (c *stream) close() {
	c.fin = true
	c.push()
}

// push sends what the window allows.
func (c *stream) push() {
	if c.state == opening {
		return
	}
	s := c.e.node.s
	end := c.una + uint64(len(c.out))
	for c.next < end && c.next-c.una < uint64(c.window) { //nolint:gosec // not negative
		n := min(end-c.next, uint64(c.e.mss())) //nolint:gosec // small
		p := s.packet()
		p.kind, p.size, p.conn, p.flags, p.seq, p.ack = segment, overhead(c.e.addr)+headerTCP+int(n), c.id, flagACK, c.next, c.received //nolint:gosec // small
		from := c.next - c.una
		p.payload = append(p.payload, c.out[from:from+n]...)
		c.next += n
		if c.timedSeq == 0 {
			c.timedSeq, c.timedAt = c.next, s.now
		}
		c.e.transmit(p)
	}
	if c.fin && !c.finSent && c.next == end {
		c.sendFlags(flagFIN | flagACK)
		c.finSent = true
		c.state = closing
	}
	if c.retryAt == never && (c.next > c.una || c.finSent) {
		c.retryAt = s.now + c.rto
	}
	c.e.touch()
}

// expire sends again what was not acknowledged in time.
func (c *stream) expire() {
	c.rto = min(2*c.rto, mostRTO)
	c.timedSeq = 0 // RFC 6298 section 3: what is sent again is not timed
	c.retryAt = c.e.node.s.now + c.rto
	if c.state == opening {
		c.sendFlags(flagSYN)
		return
	}
	c.threshold = max(int(c.next-c.una)/2, 2*mss) //nolint:gosec // a window
	c.window = mss
	c.again()
}

// again goes back to the first octet that was not acknowledged.
func (c *stream) again() {
	c.next, c.finSent, c.duplicate = c.una, false, 0
	if c.state == closing {
		c.state = opened
	}
	c.push()
}

// acknowledged follows an acknowledgement.
func (c *stream) acknowledged(p *packet) {
	s := c.e.node.s
	switch {
	case p.ack > c.una && p.ack <= c.next+1:
		n := min(p.ack-c.una, uint64(len(c.out)))
		if n == uint64(len(c.out)) {
			c.out = c.out[:0]
		} else {
			c.out = c.out[n:] // not moved: a large table is acknowledged in many portions
		}
		c.una += n
		c.next = max(c.next, c.una)
		c.duplicate = 0
		if c.window < c.threshold {
			c.window = min(c.window+int(n), mostWindow) //nolint:gosec // slow start
		} else {
			c.window = min(c.window+mss*mss/c.window+1, mostWindow)
		}
		if c.timedSeq != 0 && p.ack >= c.timedSeq {
			c.measure(s.now - c.timedAt)
			c.timedSeq = 0
		}
		c.retryAt = never
		if c.finSent && p.ack > c.una { // the FIN, too
			c.forget()
			return
		}
		if n > 0 {
			c.e.node.do(c.e.node.speaker.Sent(s.now, c.conn, int(n))) //nolint:gosec // small
		}
		c.push()
	case p.ack == c.una && c.next > c.una && len(p.payload) == 0:
		if c.duplicate++; c.duplicate == 3 { // RFC 5681 section 3.2
			c.threshold = max(int(c.next-c.una)/2, 2*mss) //nolint:gosec // a window
			c.window = c.threshold
			c.again()
		}
	}
}

// measure takes a round trip into account (RFC 6298 section 2).
func (c *stream) measure(rtt time.Duration) {
	if c.smooth == 0 {
		c.smooth, c.vary = rtt, rtt/2
	} else {
		c.vary = (3*c.vary + (c.smooth - rtt).Abs()) / 4
		c.smooth = (7*c.smooth + rtt) / 8
	}
	c.rto = min(max(c.smooth+4*c.vary, leastRTO), mostRTO)
}

// segment takes a segment that came to this end.
func (e *port) segment(p *packet) {
	x, s := e.node, e.node.s
	i := slices.IndexFunc(e.streams, func(c *stream) bool { return c.id == p.conn })
	if i < 0 {
		switch {
		case p.flags&flagRST != 0:
		case p.flags == flagACK && len(p.payload) == 0: // the last of a connection that has ended
		case p.flags&flagSYN != 0 && p.flags&flagACK == 0 && int(p.conn.opener) != e.end:
			c := e.newStream(p.conn)
			c.state = opened
			c.sendFlags(flagSYN | flagACK)
			x.do(x.speaker.Accepted(s.now, e.id, c.conn))
		default:
			r := s.packet()
			r.kind, r.size, r.conn, r.flags = segment, overhead(e.addr)+headerTCP, p.conn, flagRST
			r.seq = p.ack // RFC 9293 section 3.10.7.1
			e.transmit(r)
		}
		return
	}
	c := e.streams[i]
	switch {
	case p.flags&flagRST != 0:
		e.broken(c)
		return
	case c.state == opening:
		if p.flags&(flagSYN|flagACK) == flagSYN|flagACK {
			c.state, c.retryAt, c.rto = opened, never, firstRTO
			if e.dialing == c {
				e.dialing = nil
				x.do(x.speaker.Dialed(s.now, e.id, c.conn))
			}
			c.push()
		}
		return
	case p.flags&flagSYN != 0:
		if p.flags&flagACK == 0 {
			c.sendFlags(flagSYN | flagACK) // the first one was lost
		}
		return
	}
	if len(p.payload) > 0 || p.flags&flagFIN != 0 {
		fresh := p.seq == c.received
		if fresh {
			c.received += uint64(len(p.payload))
			if p.flags&flagFIN != 0 {
				c.received++
				c.finSeen = true
			}
		}
		if fresh && c.finSeen && !c.finSent {
			c.sendFlags(flagFIN | flagACK) // whoever is told that there is no more has nothing more to say
		} else {
			c.sendFlags(flagACK)
		}
		if fresh && len(p.payload) > 0 {
			x.do(x.speaker.Received(s.now, c.conn, p.payload))
		}
		if fresh && c.finSeen {
			c.acknowledged(p)
			e.broken(c)
			return
		}
	}
	if p.flags&flagACK != 0 && slices.Contains(e.streams, c) {
		c.acknowledged(p)
	}
}

// broken ends a stream that the other end, or the way there, has ended.
func (e *port) broken(c *stream) {
	c.forget()
	x, s := e.node, e.node.s
	if e.dialing == c {
		e.dialing = nil
		x.do(x.speaker.DialFailed(s.now, e.id))
		return
	}
	x.do(x.speaker.Closed(s.now, c.conn))
}
