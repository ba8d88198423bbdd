package bfd

import "time"

// Config is what the owner of a session decides.
type Config struct {
	// Discriminator is this end's, unique on this system and not zero (RFC 5880 section 6.8.1).
	Discriminator uint32
	// DesiredMinTx and RequiredMinRx are the intervals while the session is up, DetectMult how many of them may pass in silence.
	DesiredMinTx, RequiredMinRx time.Duration
	DetectMult                  uint8
	// Passive waits for the neighbour's first packet (RFC 5880 section 6.1).
	Passive bool
	// Seed draws the jitter; two sessions with the same seed jitter alike.
	Seed uint64
}

// Action is something the caller has to do: a packet to send, or a change of state to take note of.
type Action struct {
	Send *Packet // nil for a change
	From State
	To   State
	Diag Diag
}

// slowTx is the least transmit interval while the session is not up (RFC 5880 section 6.8.3).
const slowTx = time.Second

// Session is one session's state machine. It starts Down. Its methods return what to do, in order; the slice is valid until the next
// call.
type Session struct {
	cfg   Config
	state State
	diag  Diag

	desiredTx   time.Duration // sent in packets
	requiredRx  time.Duration
	usedTx      time.Duration // paced by; behind desiredTx until a poll ends
	usedRx      time.Duration // detected by; behind requiredRx until a poll ends
	polling     bool
	remote      uint32 // discriminator
	remoteMinRx time.Duration
	remoteMinTx time.Duration
	remoteMult  uint8
	heard       time.Duration // of the last packet
	everHeard   bool
	txAt        time.Duration
	sends       bool // txAt counts
	random      uint64
	out         []Action
}

// NewSession makes a session that begins at a time. Zero intervals and multipliers are the smallest that are legal: a microsecond
// and one.
func NewSession(cfg Config, now time.Duration) *Session {
	cfg.DetectMult = max(cfg.DetectMult, 1)
	cfg.DesiredMinTx = max(cfg.DesiredMinTx, time.Microsecond)
	s := &Session{cfg: cfg, state: Down, random: cfg.Seed*2 + 1, requiredRx: cfg.RequiredMinRx, usedRx: cfg.RequiredMinRx, remoteMinRx: time.Microsecond}
	s.desiredTx = max(cfg.DesiredMinTx, slowTx)
	s.usedTx = s.desiredTx
	s.txAt, s.sends = now, !cfg.Passive
	return s
}

// State is the session's state, Diag why it last went down.
func (s *Session) State() State { return s.state }

// Diag is the diagnostic that the session sends.
func (s *Session) Diag() Diag { return s.diag }

// DetectionTime is after how long a silence the session goes down (RFC 5880 section 6.8.4); 0 before anything was heard.
func (s *Session) DetectionTime() time.Duration {
	if !s.everHeard {
		return 0
	}
	return time.Duration(s.remoteMult) * max(s.usedRx, s.remoteMinTx)
}

// Deadline is when Tick must be called at the latest; ok is false when nothing is pending.
func (s *Session) Deadline() (at time.Duration, ok bool) {
	if s.transmits() {
		at, ok = s.txAt, true
	}
	if s.everHeard && s.remote != 0 {
		if d := s.heard + s.DetectionTime(); !ok || d < at {
			at, ok = d, true
		}
	}
	return at, ok
}

// transmits tells whether periodic packets are sent (RFC 5880 section 6.8.7).
func (s *Session) transmits() bool {
	return s.sends && !(s.cfg.Passive && s.remote == 0 && s.state != AdminDown) && s.remoteMinRx > 0
}

// Tick does what is due.
func (s *Session) Tick(now time.Duration) []Action {
	s.out = s.out[:0]
	if s.everHeard && s.remote != 0 && now >= s.heard+s.DetectionTime() {
		if s.state == Init || s.state == Up {
			s.turn(now, Down, DetectionTimeExpired)
		}
		s.remote = 0 // RFC 5880 section 6.8.1: no packet within the detection time
	}
	if s.transmits() && now >= s.txAt {
		s.transmit(now)
	}
	return s.out
}

// Receive takes a packet that belongs to the session (RFC 5880 section 6.8.6, from the look-up of the session on).
func (s *Session) Receive(now time.Duration, p Packet) []Action {
	s.out = s.out[:0]
	if p.YourDiscriminator != 0 && p.YourDiscriminator != s.cfg.Discriminator {
		return s.out
	}
	s.remote, s.remoteMult = p.MyDiscriminator, p.DetectMult
	s.remoteMinRx, s.remoteMinTx = micro(p.RequiredMinRxInterval), micro(p.DesiredMinTxInterval)
	s.heard, s.everHeard = now, true
	if s.polling && p.Final {
		s.polling = false
		s.usedTx, s.usedRx = s.desiredTx, s.requiredRx
	}
	if s.sends && s.txAt > now+s.interval() {
		s.txAt = now + s.interval() // the neighbour wants to hear more often
	}
	if s.state == AdminDown {
		return s.out
	}
	switch {
	case p.State == AdminDown:
		if s.state != Down {
			s.turn(now, Down, NeighborSignaledDown)
		}
	case s.state == Down && p.State == Down:
		s.turn(now, Init, s.diag)
	case s.state == Down && p.State == Init, s.state == Init && (p.State == Init || p.State == Up):
		s.turn(now, Up, NoDiagnostic)
	case s.state == Up && p.State == Down:
		s.turn(now, Down, NeighborSignaledDown)
	}
	if s.cfg.Passive && !s.sends {
		s.sends, s.txAt = true, now
	}
	if p.Poll {
		answer := s.packet()
		answer.Poll, answer.Final = false, true
		s.out = append(s.out, Action{Send: &answer})
	}
	return s.out
}

// SetAdminDown takes the session down by its owner's will, or lets it come up again (RFC 5880 section 6.8.16).
func (s *Session) SetAdminDown(now time.Duration, down bool) []Action {
	s.out = s.out[:0]
	switch {
	case down && s.state != AdminDown:
		s.turn(now, AdminDown, AdministrativelyDown)
	case !down && s.state == AdminDown:
		s.turn(now, Down, NoDiagnostic)
	}
	return s.out
}

// SetIntervals changes the intervals. While the session is up both ends agree by a poll sequence: a longer transmit interval and a
// shorter receive interval count only when it has ended (RFC 5880 section 6.8.3).
func (s *Session) SetIntervals(now, desiredMinTx, requiredMinRx time.Duration) []Action {
	s.out = s.out[:0]
	s.cfg.DesiredMinTx, s.cfg.RequiredMinRx = max(desiredMinTx, time.Microsecond), requiredMinRx
	s.renegotiate(now)
	return s.out
}

// turn changes the state; packets tell the neighbour at once.
func (s *Session) turn(now time.Duration, to State, diag Diag) {
	from := s.state
	s.state, s.diag = to, diag
	s.out = append(s.out, Action{From: from, To: to, Diag: diag})
	if to != Up {
		s.polling = false
	}
	s.renegotiate(now)
	// At once, not at the end of the slow interval that counted until now: a neighbour that is up already detects by the fast one.
	s.txAt = now
}

// renegotiate takes over the configured intervals, slow ones while the session is not up.
func (s *Session) renegotiate(now time.Duration) {
	tx := s.cfg.DesiredMinTx
	if s.state != Up {
		tx = max(tx, slowTx)
	}
	if tx == s.desiredTx && s.cfg.RequiredMinRx == s.requiredRx {
		return
	}
	s.desiredTx, s.requiredRx = tx, s.cfg.RequiredMinRx
	if s.state != Up {
		s.usedTx, s.usedRx = s.desiredTx, s.requiredRx
		return
	}
	s.polling = true
	s.usedTx = min(s.usedTx, s.desiredTx)
	s.usedRx = max(s.usedRx, s.requiredRx)
	s.txAt = min(s.txAt, now+s.interval())
}

// interval is the transmit interval without jitter (RFC 5880 section 6.8.2).
func (s *Session) interval() time.Duration { return max(s.usedTx, s.remoteMinRx) }

// transmit sends the periodic packet and sets the next, 75 to 99 percent of the interval later, to 90 with a multiplier of one
// (RFC 5880 section 6.8.7).
func (s *Session) transmit(now time.Duration) {
	p := s.packet()
	s.out = append(s.out, Action{Send: &p})
	span := uint64(25) // never the whole interval: as many of them as the multiplier says would meet the neighbour's deadline
	if s.cfg.DetectMult == 1 {
		span = 16
	}
	s.random = s.random*6364136223846793005 + 1442695040888963407 // Knuth, MMIX
	percent := 75 + (s.random>>33)%span
	s.txAt = now + s.interval()*time.Duration(percent)/100
}

// packet is the control packet of now.
func (s *Session) packet() Packet {
	return Packet{Diag: s.diag, State: s.state, Poll: s.polling, DetectMult: s.cfg.DetectMult, MyDiscriminator: s.cfg.Discriminator, YourDiscriminator: s.remote,
		DesiredMinTxInterval: micros(s.desiredTx), RequiredMinRxInterval: micros(s.requiredRx)}
}

func micro(v uint32) time.Duration { return time.Duration(v) * time.Microsecond }

// micros is a duration on the wire; what does not fit is the longest that does.
func micros(d time.Duration) uint32 { return uint32(min(max(d/time.Microsecond, 0), 1<<32-1)) }
