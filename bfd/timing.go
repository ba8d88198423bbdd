package bfd

import "time"

const (
	// slowTx is the least transmit interval while the session is not up (RFC 5880 section 6.8.3).
	slowTx = time.Second
	// longestInterval fits into a packet.
	longestInterval = (1<<32 - 1) * time.Microsecond
	// Jitter takes an interval down to this percentage at the least; to mostOfOne at the most with a multiplier of one (RFC 5880
	// section 6.8.7).
	leastOfAny, mostOfOne = 75, 90
	// The whole interval is legal with other multipliers, but as many of them as the multiplier says would meet the neighbour's deadline.
	mostOfMany = 99
)

// timing is when a session sends and which intervals it has agreed on (RFC 5880 sections 6.8.2, 6.8.3, 6.8.7).
type timing struct {
	desiredTx, requiredRx time.Duration // as packets say
	usedTx                time.Duration // paced by; behind desiredTx until a poll ends
	usedRx                time.Duration // detected by; behind requiredRx until a poll ends

	wanted    bool          // there is something to poll for that no poll has begun with
	polling   bool          // a poll is under way: periodic packets carry the poll bit
	polledAt  time.Duration // its first packet
	repolled  time.Duration // its last packet
	restUntil time.Duration // when all finals of the poll before are in

	sentAt  time.Duration // the last periodic packet, or the start
	percent time.Duration // of the interval that passes until the next; 0 is at once
	told    Packet        // what the neighbour was told last, without poll and final
	random  uint64
}

// interval is the transmit interval without jitter (RFC 5880 section 6.8.2).
func (s *Session) interval() time.Duration { return max(s.usedTx, s.remote.RequiredMinRx) }

// due is when the next periodic packet goes out. It follows from the last one and the interval of now, so a neighbour that wants to
// hear more often never waits for longer than its new interval (RFC 5880 section 6.8.3).
func (s *Session) due() time.Duration {
	at := s.sentAt + s.interval()*s.percent/100
	if s.demanded() && !s.polling {
		at = max(at, s.restUntil)
	}
	return at
}

// transmits tells whether periodic packets are sent (RFC 5880 section 6.8.7).
func (s *Session) transmits() bool {
	switch {
	case s.cfg.Passive && s.remote.Discriminator == 0, s.remote.RequiredMinRx == 0:
		return false
	case s.demanded():
		return s.polling || s.wanted
	}
	return true
}

// demanded tells whether demand mode is active on the neighbour's side (RFC 5880 section 6.6).
func (s *Session) demanded() bool {
	return s.remote.Demand && s.state == Up && s.remote.State == Up
}

// renegotiate takes over the configured intervals, slow ones while the session is not up (RFC 5880 section 6.8.3).
func (s *Session) renegotiate() {
	tx := s.cfg.DesiredMinTx
	if s.state != Up {
		tx = max(tx, slowTx)
	}
	if tx != s.desiredTx || s.cfg.RequiredMinRx != s.requiredRx {
		s.desiredTx, s.requiredRx = tx, s.cfg.RequiredMinRx
		s.poll()
	}
	if s.state != Up || s.remote.Discriminator == 0 {
		s.usedTx, s.usedRx = s.desiredTx, s.requiredRx
	} else {
		s.usedTx, s.usedRx = min(s.usedTx, s.desiredTx), max(s.usedRx, s.requiredRx)
	}
}

// poll makes a periodic packet begin a poll sequence (RFC 5880 section 6.5). Nobody can be polled before anything was heard.
func (s *Session) poll() { s.wanted = s.remote.Discriminator != 0 }

// pollOnNews polls a neighbour in demand mode when packets would say something new (RFC 5880 section 6.6).
func (s *Session) pollOnNews() {
	if s.demanded() && s.packet() != s.told {
		s.poll()
	}
}

// final ends a poll sequence (RFC 5880 section 6.8.6). If the values changed while it was under way, this may be the answer to a packet
// that did not carry them, so they do not count yet: another poll follows. That, and any later one, must not be ended by a final of this
// one, so it begins a round trip after this one's last packet (section 6.8.3); the round trip took no longer than the first final, and
// is granted twice that.
func (s *Session) final(now time.Duration) {
	if !s.polling {
		return
	}
	s.polling = false
	s.restUntil = s.repolled + 2*(now-s.polledAt)
	if !s.wanted {
		s.usedTx, s.usedRx = s.desiredTx, s.requiredRx
	}
}

// transmit sends the periodic packet and draws when the next is due.
func (s *Session) transmit(now time.Duration) {
	if s.wanted && !s.polling && now >= s.restUntil {
		s.wanted, s.polling, s.polledAt = false, true, now
	}
	if s.polling {
		s.repolled = now
	}
	s.send(Packet{Poll: s.polling})
	most := uint64(mostOfMany)
	if s.cfg.DetectMult == 1 {
		most = mostOfOne
	}
	s.random = s.random*6364136223846793005 + 1442695040888963407 // Knuth, MMIX
	s.sentAt, s.percent = now, time.Duration(leastOfAny+(s.random>>33)%(most-leastOfAny+1))
}

// send adds the action that sends the packet of now with a poll or a final bit.
func (s *Session) send(bits Packet) {
	p := s.packet()
	s.told = p
	p.Poll, p.Final = bits.Poll, bits.Final
	s.out = append(s.out, Action{Send: true, Packet: p})
}

// packet is what the neighbour is to know now (RFC 5880 section 6.8.7).
func (s *Session) packet() Packet {
	return Packet{Diag: s.diag, State: s.state, ControlPlaneIndependent: s.cfg.ControlPlaneIndependent, DetectMult: s.cfg.DetectMult,
		MyDiscriminator: s.cfg.Discriminator, YourDiscriminator: s.remote.Discriminator,
		DesiredMinTxInterval: uint32(s.desiredTx / time.Microsecond), RequiredMinRxInterval: uint32(s.requiredRx / time.Microsecond)}
}

func micro(v uint32) time.Duration { return time.Duration(v) * time.Microsecond }

// onWire is the interval that a packet can say: what is used must be what the neighbour was told.
func onWire(d time.Duration) time.Duration {
	return min(max(d, 0), longestInterval).Truncate(time.Microsecond)
}
