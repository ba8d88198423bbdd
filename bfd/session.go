package bfd

import "time"

// Config is what the owner of a session decides.
type Config struct {
	// Discriminator is this end's, unique on this system and not zero (RFC 5880 section 6.8.1).
	Discriminator uint32
	// DesiredMinTx and RequiredMinRx are the intervals while the session is up, DetectMult how many of them may pass in silence.
	// They go into packets as whole microseconds, 4294.967295 s at most. A RequiredMinRx of zero wants no packets at all
	// (RFC 5880 section 6.8.18).
	DesiredMinTx, RequiredMinRx time.Duration
	DetectMult                  uint8
	// Passive waits for the neighbour's first packet (RFC 5880 section 6.1).
	Passive bool
	// ControlPlaneIndependent says that the session outlives a restart of the control plane: the C bit (RFC 5882 section 4.3).
	ControlPlaneIndependent bool
	// Seed draws the jitter; two sessions with the same seed jitter alike.
	Seed uint64
}

// Action is something the caller has to do: send Packet when Send is set; otherwise take note of a change. A change with From equal
// to To is one of NeighborAdminDown alone.
type Action struct {
	Send     bool
	Packet   Packet
	From, To State
	Diag     Diag
	// NeighborAdminDown: the neighbour last said AdminDown. A session that goes down for that reason says nothing about the path, so
	// a client that has means of its own to watch the neighbour must not take it for a failure (RFC 5882 section 3.2).
	NeighborAdminDown bool
}

// Remote is what the neighbour said last (RFC 5880 section 6.8.1).
type Remote struct {
	State                       State // Down before anything was heard; kept in silence
	Diag                        Diag
	ControlPlaneIndependent     bool
	Demand                      bool
	DetectMult                  uint8
	Discriminator               uint32 // 0 before anything was heard, and after a silence of a detection time
	DesiredMinTx, RequiredMinRx time.Duration
}

// Session is one session's state machine (RFC 5880 section 6.8). It starts Down. Its methods return what to do, in order; the slice is
// valid until the next call, and they allocate nothing (BenchmarkSession guards that). Each call may move the deadline.
//
// It never asks for demand mode. A neighbour that does is obeyed: while both ends are up nothing is sent to it but answers to its polls,
// and polls of our own when there is something new to say (RFC 5880 section 6.6). The neighbour goes on sending, so its silence is
// detected as ever.
type Session struct {
	cfg    Config
	state  State
	diag   Diag
	remote Remote
	heard  time.Duration // of the last packet; counts while remote.Discriminator is not 0
	timing
	out []Action
}

// NewSession makes a session that begins at a time. Multipliers and transmit intervals of zero are the smallest that are legal: one,
// and a microsecond.
func NewSession(cfg Config, now time.Duration) *Session {
	cfg.DetectMult = max(cfg.DetectMult, 1)
	cfg.DesiredMinTx, cfg.RequiredMinRx = max(onWire(cfg.DesiredMinTx), time.Microsecond), onWire(cfg.RequiredMinRx)
	s := &Session{cfg: cfg, state: Down, remote: Remote{State: Down, RequiredMinRx: time.Microsecond}, out: make([]Action, 0, 4)}
	s.desiredTx, s.requiredRx = max(cfg.DesiredMinTx, slowTx), cfg.RequiredMinRx
	s.usedTx, s.usedRx = s.desiredTx, s.requiredRx
	s.random = cfg.Seed*2 + 1
	s.sentAt = now
	return s
}

// State is the session's state.
func (s *Session) State() State { return s.state }

// Diag is the diagnostic that the session sends: why it last went down.
func (s *Session) Diag() Diag { return s.diag }

// Remote is what the neighbour said last.
func (s *Session) Remote() Remote { return s.remote }

// DetectionTime is after how long a silence the session goes down; 0 while nothing is heard (RFC 5880 section 6.8.4, asynchronous
// mode).
func (s *Session) DetectionTime() time.Duration {
	if s.remote.Discriminator == 0 {
		return 0
	}
	// A neighbour's interval of zero is reserved (RFC 5880 section 4.1); it counts as the shortest.
	return time.Duration(s.remote.DetectMult) * max(s.usedRx, s.remote.DesiredMinTx, time.Microsecond)
}

// TransmitInterval is the time between its periodic packets, without jitter (RFC 5880 section 6.8.2).
func (s *Session) TransmitInterval() time.Duration { return s.interval() }

// Deadline is when Tick must be called at the latest; ok is false when nothing is pending. A Tick at the deadline always moves it.
func (s *Session) Deadline() (at time.Duration, ok bool) {
	if s.transmits() {
		at, ok = s.due(), true
	}
	if s.remote.Discriminator != 0 {
		if d := s.heard + s.DetectionTime(); !ok || d < at {
			at, ok = d, true
		}
	}
	return at, ok
}

// Tick does what is due.
func (s *Session) Tick(now time.Duration) []Action {
	s.out = s.out[:0]
	if s.remote.Discriminator != 0 && now >= s.heard+s.DetectionTime() {
		// Nothing is known of the neighbour any more, not even how seldom it wants packets (RFC 5880 sections 6.8.1 and 6.8.18). What
		// state it said last stays: a neighbour that is administratively down may fall silent (section 6.8.16). So does whether its
		// session shared the fate of its control plane, which decides what the silence means (RFC 5882 section 4.3).
		s.remote = Remote{State: s.remote.State, Diag: s.remote.Diag, ControlPlaneIndependent: s.remote.ControlPlaneIndependent, RequiredMinRx: time.Microsecond}
		s.wanted, s.polling = false, false
		if s.state == Init || s.state == Up {
			s.turn(now, Down, DetectionTimeExpired)
		}
	}
	if s.transmits() && now >= s.due() {
		s.transmit(now)
	}
	return s.out
}

// Receive takes a packet that was found to belong to the session (RFC 5880 section 6.8.6). One that Parse would refuse, or that names
// another session, does nothing.
func (s *Session) Receive(now time.Duration, p Packet) []Action {
	s.out = s.out[:0]
	if p.wrong() != nil || p.YourDiscriminator != 0 && p.YourDiscriminator != s.cfg.Discriminator {
		return s.out
	}
	if s.cfg.Passive && s.remote.Discriminator == 0 {
		s.sentAt, s.percent = now, 0 // it speaks from now on
	}
	wasAdminDown := s.remote.State == AdminDown
	s.remote = Remote{State: p.State, Diag: p.Diag, ControlPlaneIndependent: p.ControlPlaneIndependent, Demand: p.Demand, DetectMult: p.DetectMult,
		Discriminator: p.MyDiscriminator, DesiredMinTx: micro(p.DesiredMinTxInterval), RequiredMinRx: micro(p.RequiredMinRxInterval)}
	s.heard = now
	if p.Final {
		s.final(now)
	}
	if s.state == AdminDown {
		// Discarded here, its poll too, but heard: what is known of the neighbour is kept.
		if wasAdminDown != (p.State == AdminDown) {
			s.tell(AdminDown)
		}
		return s.out
	}
	before := s.state
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
	if before == s.state && wasAdminDown != (p.State == AdminDown) {
		s.tell(before)
	}
	s.pollOnNews()
	if p.Poll {
		s.send(Packet{Final: true})
	}
	return s.out
}

// SetAdminDown takes the session down by its owner's will, or lets it come up again (RFC 5880 section 6.8.16). While it is down it goes
// on saying so, for longer than the detection time that the neighbour must be told for.
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

// SetIntervals changes the intervals. Both ends agree by a poll sequence: while the session is up, a longer transmit interval and a
// shorter receive interval count only when it has ended (RFC 5880 sections 6.8.3, 6.8.12 and 6.8.13).
func (s *Session) SetIntervals(now, desiredMinTx, requiredMinRx time.Duration) []Action {
	s.out = s.out[:0]
	s.cfg.DesiredMinTx, s.cfg.RequiredMinRx = max(onWire(desiredMinTx), time.Microsecond), onWire(requiredMinRx)
	s.renegotiate()
	return s.out
}

// SetDetectMult changes the multiplier, which the next packet tells (RFC 5880 section 6.8.14); zero is one.
func (s *Session) SetDetectMult(now time.Duration, mult uint8) []Action {
	s.out = s.out[:0]
	s.cfg.DetectMult = max(mult, 1)
	s.pollOnNews()
	return s.out
}

// SetPathDiag says that a path behind this one failed, or no longer, without taking the session down (RFC 5880 section 6.8.17).
func (s *Session) SetPathDiag(now time.Duration, diag Diag) []Action {
	s.out = s.out[:0]
	s.diag = diag & longestDiagnosticCode
	s.pollOnNews()
	return s.out
}

// Reset takes the session down because the forwarding plane lost its state (RFC 5880 section 6.8.15); it comes up again when the
// neighbour has taken note.
func (s *Session) Reset(now time.Duration) []Action {
	s.out = s.out[:0]
	switch s.state {
	case Init, Up:
		s.turn(now, Down, ForwardingPlaneReset)
	case Down:
		s.diag = ForwardingPlaneReset
	}
	return s.out
}

// turn changes the state and tells the neighbour at once, not at the end of the slow interval that counted until now: a neighbour that
// is up already detects by the fast one (RFC 5880 section 6.8.7).
func (s *Session) turn(now time.Duration, to State, diag Diag) {
	from := s.state
	s.state, s.diag = to, diag
	s.tell(from)
	s.renegotiate()
	if s.transmits() {
		s.transmit(now)
	}
}

// tell adds the action that reports the state.
func (s *Session) tell(from State) {
	s.out = append(s.out, Action{From: from, To: s.state, Diag: s.diag, NeighborAdminDown: s.remote.State == AdminDown})
}
