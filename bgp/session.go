package bgp

import (
	"fmt"
	"time"
)

// SessionConfig is what the owner of a session decides. The names in the comments are those of RFC 4271 sections 8.1.1 and 10.
type SessionConfig struct {
	// Passive waits for the neighbour to connect (PassiveTcpEstablishment) when the session restarts by itself; a start by an
	// event is passive or not as the event says.
	Passive bool
	// HoldTime is what the OPEN offers: whole seconds, at most 65535; 0 offers none (RFC 4271 section 4.2).
	HoldTime time.Duration
	// KeepaliveTime is the most between two messages. 0 is a third of the hold time that is agreed, which is also its limit.
	KeepaliveTime time.Duration
	// ConnectRetry is how long a connection may take until it is tried anew (ConnectRetryTime): 0 is 120 s, the least 1 s.
	ConnectRetry time.Duration
	// DelayOpen is how long the neighbour's OPEN is waited for before the own is sent (DelayOpenTime); 0 is not at all.
	DelayOpen time.Duration
	// LargeHold is the hold timer while the OPEN is waited for; 0 is the 4 minutes of RFC 4271 section 8.2.2.
	LargeHold time.Duration
	// IdleHold is how long the session stays Idle before it restarts by itself (IdleHoldTime).
	IdleHold time.Duration
	// AutomaticRestart restarts the session after every end but a ManualStop (AllowAutomaticStart).
	AutomaticRestart bool
	// Damping doubles the time in Idle with each failure that counts in ConnectRetryCounter, up to 64 times IdleHold
	// (DampPeerOscillations). The failures are forgotten once the session has been Established as long as the longest wait,
	// 64 times IdleHold, and with every manual start or stop.
	Damping bool
	// NotificationWithoutOpen sends a NOTIFICATION also on a connection that no OPEN was sent on
	// (SendNOTIFICATIONwithoutOPEN).
	NotificationWithoutOpen bool
	// CollisionDetectEstablished lets an OpenCollisionDump end an Established session (CollisionDetectEstablishedState).
	CollisionDetectEstablished bool
}

// EventType is an event of RFC 4271 section 8.1, with the number it has there.
type EventType uint8

// The events. The five timers' are the session's own: Tick raises them.
const (
	ManualStart EventType = iota + 1
	ManualStop
	AutomaticStart
	ManualStartPassive
	AutomaticStartPassive
	AutomaticStartDamped
	AutomaticStartDampedPassive
	AutomaticStop
	ConnectRetryTimerExpires
	HoldTimerExpires
	KeepaliveTimerExpires
	DelayOpenTimerExpires
	IdleHoldTimerExpires
	TCPConnectionValid
	TCPRequestInvalid
	TCPRequestAcked
	TCPConnectionConfirmed
	TCPConnectionFails
	BGPOpen
	BGPOpenDelayed // an OPEN while the DelayOpenTimer runs
	BGPHeaderErr
	BGPOpenMsgErr
	OpenCollisionDump
	NotifMsgVerErr
	NotifMsg
	KeepAliveMsg
	UpdateMsg
	UpdateMsgErr
)

var eventTypes = [...]string{ManualStart: "ManualStart", ManualStop: "ManualStop", AutomaticStart: "AutomaticStart", ManualStartPassive: "ManualStartPassive",
	AutomaticStartPassive: "AutomaticStartPassive", AutomaticStartDamped: "AutomaticStartDamped", AutomaticStartDampedPassive: "AutomaticStartDampedPassive",
	AutomaticStop: "AutomaticStop", ConnectRetryTimerExpires: "ConnectRetryTimerExpires", HoldTimerExpires: "HoldTimerExpires",
	KeepaliveTimerExpires: "KeepaliveTimerExpires", DelayOpenTimerExpires: "DelayOpenTimerExpires", IdleHoldTimerExpires: "IdleHoldTimerExpires",
	TCPConnectionValid: "TCPConnectionValid", TCPRequestInvalid: "TCPRequestInvalid", TCPRequestAcked: "TCPRequestAcked",
	TCPConnectionConfirmed: "TCPConnectionConfirmed", TCPConnectionFails: "TCPConnectionFails", BGPOpen: "BGPOpen", BGPOpenDelayed: "BGPOpenDelayed",
	BGPHeaderErr: "BGPHeaderErr", BGPOpenMsgErr: "BGPOpenMsgErr", OpenCollisionDump: "OpenCollisionDump", NotifMsgVerErr: "NotifMsgVerErr",
	NotifMsg: "NotifMsg", KeepAliveMsg: "KeepAliveMsg", UpdateMsg: "UpdateMsg", UpdateMsgErr: "UpdateMsgErr"}

// String gives the event's name.
func (t EventType) String() string {
	if t >= ManualStart && int(t) < len(eventTypes) {
		return eventTypes[t]
	}
	return fmt.Sprintf("EventType(%d)", uint8(t))
}

// Event is something that happened to a session.
type Event struct {
	Type EventType
	// HoldTime is the neighbour's, with BGPOpen and BGPOpenDelayed.
	HoldTime time.Duration
	// Notification is what was received, with NotifMsg and NotifMsgVerErr. With any other event it is what to send if the event
	// ends the session with a NOTIFICATION; nil is the RFC's for the event. A ROUTE-REFRESH before Established, which is no
	// event of its own, comes as UpdateMsg with the NOTIFICATION of RFC 6608 that names it.
	Notification *Notification
}

// ActionKind is what an action is.
type ActionKind uint8

// The kinds of action.
const (
	ActDial             ActionKind = iota + 1 // open a TCP connection; answer with TCPRequestAcked or TCPConnectionFails
	ActCancelDial                             // give up opening it; no answer
	ActDrop                                   // close the TCP connection, which may have failed already; no answer
	ActSendOpen                               // send an OPEN
	ActSendKeepalive                          // send a KEEPALIVE
	ActSendNotification                       // send Notification
	ActRelease                                // delete all routes of the session, which was Established
	ActState                                  // the state changed From, To, by Cause
)

var actionKinds = [...]string{ActDial: "dial", ActCancelDial: "cancel dial", ActDrop: "drop", ActSendOpen: "send OPEN", ActSendKeepalive: "send KEEPALIVE",
	ActSendNotification: "send NOTIFICATION", ActRelease: "release", ActState: "state"}

// String says what is to be done.
func (k ActionKind) String() string {
	if k >= ActDial && int(k) < len(actionKinds) {
		return actionKinds[k]
	}
	return fmt.Sprintf("ActionKind(%d)", uint8(k))
}

// Action is something that the owner of a session has to do or to take note of.
type Action struct {
	Kind ActionKind
	// Notification is what to send; with ActState, what went with the change: received where Received says so, else sent.
	Notification *Notification
	Received     bool
	From, To     State
	Cause        EventType
}

// Session is the state machine of one BGP session over at most one TCP connection at a time (RFC 4271 section 8). It never
// sees bytes, routes, a socket or a clock: its owner tells it what happened and when, and does what the actions say, in order.
// A second connection between the same two ends is a second session; which of them stays is the owner's to decide, and
// OpenCollisionDump tells the other (RFC 4271 section 6.8).
type Session struct {
	cfg   SessionConfig
	state State
	out   []Action

	dialing, connected bool
	passive            bool          // as started: the ConnectRetryTimer does not dial
	holdTime           time.Duration // agreed
	keepaliveTime      time.Duration
	retries            int           // ConnectRetryCounter
	failures           int           // that damping knows of
	established        time.Duration // since when
	timers             [sessionTimers]sessionTimer
	random             uint64
}

// NewSession makes a session that is Idle until an event starts it. Two sessions with the same seed jitter alike.
func NewSession(cfg SessionConfig, seed uint64) *Session {
	cfg.HoldTime = min(max(cfg.HoldTime, 0), maxHoldTime).Truncate(time.Second)
	cfg.KeepaliveTime = max(cfg.KeepaliveTime, 0)
	if cfg.ConnectRetry == 0 {
		cfg.ConnectRetry = 120 * time.Second // RFC 4271 section 10
	}
	cfg.ConnectRetry = min(max(cfg.ConnectRetry, time.Second), longestTime)
	cfg.DelayOpen = min(max(cfg.DelayOpen, 0), longestTime)
	if cfg.LargeHold <= 0 {
		cfg.LargeHold = 4 * time.Minute
	}
	cfg.LargeHold = min(cfg.LargeHold, longestTime)
	cfg.IdleHold = min(max(cfg.IdleHold, 0), longestTime)
	return &Session{cfg: cfg, random: seed*2 + 1}
}

const (
	maxHoldTime       = 65535 * time.Second  // two octets of the OPEN (RFC 4271 section 4.2)
	longestTime       = 365 * 24 * time.Hour // no timer runs longer, so that no time can overflow
	maxDoublings      = 6                    // doublings: 64 times
	keepalivesPerHold = 3                    // the part of the hold time (RFC 4271 sections 4.4, 10)
	leastKeepalive    = time.Second          // KEEPALIVEs are not more frequent (RFC 4271 section 4.4)
	sessionTimers     = int(IdleHoldTimerExpires-ConnectRetryTimerExpires) + 1
)

// Handle takes an event. The actions are valid until the next call. KEEPALIVEs and UPDATEs in Established are the hot path:
// they do not allocate (BenchmarkSessionUpdate).
func (s *Session) Handle(now time.Duration, ev Event) []Action {
	s.out = s.out[:0]
	s.handle(now, ev)
	return s.out
}

// Tick lets every timer that is due expire, the earliest first, of several at one time the one whose event has the lowest
// number. The actions are valid until the next call.
func (s *Session) Tick(now time.Duration) []Action {
	s.out = s.out[:0]
	for {
		t, at, ok := s.next()
		if !ok || at > now {
			return s.out
		}
		s.stopTimer(t)
		s.handle(now, Event{Type: t})
	}
}

// Deadline is when Tick must be called at the latest; ok is false when no timer runs.
func (s *Session) Deadline() (at time.Duration, ok bool) {
	_, at, ok = s.next()
	return at, ok
}

// UpdateSent says that an UPDATE was sent in Established, which saves a KEEPALIVE (RFC 4271 section 8.2.2). It does not
// allocate.
func (s *Session) UpdateSent(now time.Duration) {
	s.startKeepalive(now)
}

// State is the session's state.
func (s *Session) State() State { return s.state }

// HoldTime is the hold time that was agreed, 0 for none. It counts from OpenConfirm.
func (s *Session) HoldTime() time.Duration { return s.holdTime }

// KeepaliveTime is the most between two messages that are sent, before jitter; 0 without a hold time. It counts from OpenConfirm.
func (s *Session) KeepaliveTime() time.Duration { return s.keepaliveTime }

// ConnectRetryCounter is how often the session failed since it was last started or stopped by an event; a restart by the
// IdleHoldTimer or a damped start goes on counting.
func (s *Session) ConnectRetryCounter() int { return s.retries }

// DelayOpenRunning tells that an OPEN that comes now is BGPOpenDelayed, not BGPOpen.
func (s *Session) DelayOpenRunning() bool { return s.running(DelayOpenTimerExpires) }

// handle hands an event to the state's own function. What is not an event does nothing.
func (s *Session) handle(now time.Duration, ev Event) {
	if ev.Type < ManualStart || ev.Type > UpdateMsgErr {
		return
	}
	switch s.state {
	case Idle:
		s.handleIdle(now, ev)
	case Connect:
		s.handleConnect(now, ev)
	case Active:
		s.handleActive(now, ev)
	case OpenSent:
		s.handleOpenSent(now, ev)
	case OpenConfirm:
		s.handleOpenConfirm(now, ev)
	case Established:
		s.handleEstablished(now, ev)
	}
}
