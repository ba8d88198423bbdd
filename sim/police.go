package sim

import (
	"time"

	"onramp/network"
)

// tokens is a token bucket (RFC 2697 section 3, with one colour). It counts in bits times nanoseconds, so that it is exact: over any time
// it lets through at most rate x time + burst.
type tokens struct {
	rate   int64 // bits a second
	burst  int64 // bits x 10^9
	full   time.Duration
	held   int64
	at     time.Duration
	counts Counts
}

func newTokens(rate int64, burstOctets int) *tokens {
	b := &tokens{rate: rate, burst: int64(burstOctets) * 8 * int64(time.Second)}
	b.held, b.full = b.burst, time.Duration(b.burst/rate)+1
	return b
}

// admit takes the tokens for a packet, if as many as floor are left afterwards.
func (b *tokens) admit(now time.Duration, octets int, floor int64) bool {
	if d := now - b.at; d >= b.full {
		b.held = b.burst
	} else {
		b.held = min(b.burst, b.held+int64(d)*b.rate)
	}
	b.at = now
	cost := int64(octets) * 8 * int64(time.Second)
	if b.held-cost < floor {
		b.counts.Dropped++
		b.counts.DroppedOctets += uint64(octets) //nolint:gosec // not negative
		return false
	}
	b.held -= cost
	b.counts.Passed++
	b.counts.PassedOctets += uint64(octets) //nolint:gosec // not negative
	return true
}

// policer is an MSEE's limit in one direction of one connection of a circuit. All peerings on it share the bucket. Where there is Microsoft
// peering, part of the bucket is kept for its higher classes (network.AssumeClassReserve); private peering's marks are not looked at
// (expressroute-qos.md), so all of it ranks with the rest.
type policer struct {
	tokens
	name   string // the rate's
	over   string // why a packet was dropped
	end    int    // the end of the links from which it comes
	floors [classes]int64
	rest   int64
}

func newPolicer(name, over string, end int, rate int64, burstOctets int, microsoft bool) *policer {
	x := &policer{tokens: *newTokens(rate, burstOctets), name: name, over: over, end: end}
	if microsoft {
		for c := classVideo; c < classes; c++ {
			x.floors[c] = int64(float64(x.burst) * network.ClassReserve * float64(c-classVoice))
		}
		x.rest = x.floors[classRest]
	}
	return x
}

// police tells whether a packet passes; one that does not is reported lost.
func (x *policer) police(e *port, p *packet) bool {
	if p.kind != data { // network.AssumeControlExempt
		return true
	}
	floor := x.rest
	if e.gear.microsoft {
		floor = x.floors[p.class()]
	}
	if x.admit(e.node.s.now, p.size, floor) {
		return true
	}
	e.node.s.lose(p, e.node.spec.Name, network.Dropped, x.over)
	return false
}
