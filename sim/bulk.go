package sim

import (
	"math/bits"
	"time"
)

// A bulk sender has always something to send and sends as fast as its congestion window allows: one more packet each round trip, half as
// much when one is lost (NewReno as RFC 9002 section 7 has it: every packet has a number of its own, and what is lost is not sent again but
// followed by new data, so that all that arrives counts). Each packet is acknowledged, together with the 64 before it.

const (
	initialPackets  = 10                     // RFC 6928
	leastPackets    = 2                      // RFC 9002 section 7.2
	packetThreshold = 3                      // RFC 9002 section 6.1.1
	leastTimeout    = 200 * time.Millisecond // as leastRTO
	ackSize         = framing + 20 + 20      // IPv4 and TCP
)

type flying struct {
	at    time.Duration
	state uint8
}

const (
	isFlying uint8 = iota
	isAcked
	isLost
)

// sender is one bulk flow's.
type sender struct {
	f *Flow
	// The packets that were sent from number base on, in a ring whose length is a power of two.
	ring     []flying
	base     uint32
	next     uint32
	largest  uint32 // acknowledged, and one
	inFlight int
	window   float64 // packets
	ssthresh float64
	recovery time.Duration // losses of packets sent before are of one event
	smooth   time.Duration
	vary     time.Duration
	backoff  uint
	deadline time.Duration
}

func newSender(f *Flow) *sender {
	return &sender{f: f, ring: make([]flying, 1024), base: uint32(f.sent), next: uint32(f.sent), window: initialPackets, ssthresh: 1 << 20, recovery: -1} //nolint:gosec // wraps
}

func (b *sender) entry(n uint32) *flying { return &b.ring[n&uint32(len(b.ring)-1)] } //nolint:gosec // a power of two

// wake looks at the timer and sends.
func (b *sender) wake() {
	s := b.f.s
	if b.inFlight > 0 && s.now >= b.deadline {
		// Nothing was acknowledged for long: all is taken as lost (RFC 5681 section 3.1).
		b.ssthresh, b.window = max(b.window/2, leastPackets), leastPackets
		for n := b.base; n != b.next; n++ {
			if x := b.entry(n); x.state == isFlying {
				x.state = isLost
			}
		}
		b.inFlight, b.base, b.recovery = 0, b.next, s.now
		b.backoff = min(b.backoff+1, 6)
	}
	b.push()
}

func (b *sender) timeout() time.Duration {
	if b.smooth == 0 {
		return firstRTO << b.backoff
	}
	return max(b.smooth+4*b.vary, leastTimeout) << b.backoff
}

// push sends what the window allows.
func (b *sender) push() {
	s := b.f.s
	if s.now >= b.f.stop {
		return
	}
	for b.inFlight < int(b.window) {
		if b.next-b.base == uint32(len(b.ring)) { //nolint:gosec // small
			b.grow()
		}
		*b.entry(b.next) = flying{at: s.now}
		b.next++
		b.inFlight++
		b.deadline = s.now + b.timeout()
		b.f.send()
	}
	if b.inFlight > 0 {
		b.f.plan(max(b.deadline, s.now))
	}
}

func (b *sender) grow() {
	old := *b
	b.ring = make([]flying, 2*len(old.ring))
	for n := b.base; n != b.next; n++ {
		*b.entry(n) = *old.entry(n)
	}
}

// acknowledged follows an acknowledgement: of packet seq32 and those before it whose bits are set.
func (b *sender) acknowledged(p *packet) {
	s := b.f.s
	if b.ack(p.seq32) {
		b.measure(s.now - b.entry(p.seq32).at)
	}
	for set := p.ack; set != 0; set &= set - 1 {
		n := p.seq32 - 1 - uint32(bits.TrailingZeros64(set)) //nolint:gosec // at most 63
		if n-b.base >= b.next-b.base {
			break // and everything before it is known
		}
		b.ack(n)
	}
	if p.seq32+1-b.base <= b.next-b.base && int32(p.seq32+1-b.largest) > 0 { //nolint:gosec // numbers wrap
		b.largest = p.seq32 + 1
	}
	for n := b.base; n != b.next && int32(b.largest-1-n) >= packetThreshold; n++ { //nolint:gosec // numbers wrap
		if x := b.entry(n); x.state == isFlying {
			x.state = isLost
			b.inFlight--
			if x.at > b.recovery {
				b.recovery = s.now
				b.window = max(b.window/2, leastPackets)
				b.ssthresh = b.window
			}
		}
	}
	for b.base != b.next && b.entry(b.base).state != isFlying {
		b.base++
	}
	b.push()
}

// ack takes the acknowledgement of one packet, and tells whether it is news.
func (b *sender) ack(n uint32) bool {
	if n-b.base >= b.next-b.base || b.entry(n).state != isFlying {
		return false
	}
	x := b.entry(n)
	x.state = isAcked
	b.inFlight--
	if x.at > b.recovery {
		if b.window < b.ssthresh {
			b.window++
		} else {
			b.window += 1 / b.window
		}
	}
	return true
}

func (b *sender) measure(rtt time.Duration) {
	b.backoff = 0
	if b.smooth == 0 {
		b.smooth, b.vary = rtt, rtt/2
		return
	}
	b.vary = (3*b.vary + (b.smooth - rtt).Abs()) / 4
	b.smooth = (7*b.smooth + rtt) / 8
}

// acknowledge answers a packet that arrived.
func (f *Flow) acknowledge(p *packet) {
	s := f.s
	a := s.packet()
	a.kind, a.size, a.flowIndex, a.reply, a.ttl, a.dscp, a.seq32 = data, ackSize, p.flowIndex, true, mostHops, f.DSCP, p.seq32
	a.src, a.dst, a.sport, a.dport = p.dst, p.src, p.dport, p.sport
	for i := range uint32(64) {
		n := p.seq32 - 1 - i
		if n > p.seq32 { // before the first
			break
		}
		if f.got[n/64]>>(n%64)&1 != 0 {
			a.ack |= 1 << i
		}
	}
	s.dispatch(a, f.dst)
}
