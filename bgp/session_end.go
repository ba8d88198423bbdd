package bgp

import "time"

// How a session ends is the same from every state but for what is sent and whether it counts as a failure.

// received tells whether the event's NOTIFICATION is one that came.
func (ev Event) received() bool { return ev.Type == NotifMsg || ev.Type == NotifMsgVerErr }

// turn changes the state and says so, with the NOTIFICATION that came, if one did, else with the one that was sent.
func (s *Session) turn(to State, ev Event, sent *Notification) {
	a := Action{Kind: ActState, Notification: sent, From: s.state, To: to, Cause: ev.Type}
	if ev.received() {
		a.Notification, a.Received = ev.Notification, true
	}
	s.state = to
	s.out = append(s.out, a)
}

// send asks for a message, if there is a connection to send it on.
func (s *Session) send(kind ActionKind) {
	if s.connected {
		s.out = append(s.out, Action{Kind: kind})
	}
}

// drop closes the connection and gives up one that is being opened.
func (s *Session) drop() {
	if s.dialing {
		s.out = append(s.out, Action{Kind: ActCancelDial})
	}
	if s.connected {
		s.out = append(s.out, Action{Kind: ActDrop})
	}
	s.dialing, s.connected = false, false
}

// dial opens a connection.
func (s *Session) dial() {
	s.dialing = true
	s.out = append(s.out, Action{Kind: ActDial})
}

// connect notes that the connection is there. One that came from the neighbour makes the own attempt needless.
func (s *Session) connect(ev Event) {
	if s.dialing && ev.Type == TCPConnectionConfirmed {
		s.out = append(s.out, Action{Kind: ActCancelDial})
	}
	s.dialing, s.connected = false, true
}

// toIdle is what all ends have in common: the NOTIFICATION if there is one and a connection for it, the routes, the
// connection, the timers.
func (s *Session) toIdle(ev Event, notify *Notification) {
	if !s.connected {
		notify = nil
	}
	if notify != nil {
		s.out = append(s.out, Action{Kind: ActSendNotification, Notification: notify})
	}
	// RFC 4271 erratum 2838: the routes go with the HoldTimer's expiry as well.
	if s.state == Established {
		s.out = append(s.out, Action{Kind: ActRelease})
	}
	s.drop()
	s.stopTimers()
	s.holdTime, s.keepaliveTime = 0, 0
	s.turn(Idle, ev, notify)
}

// stop ends the session by its owner's will: nothing restarts it, and what failed before is forgotten.
func (s *Session) stop(ev Event, notify *Notification) {
	s.toIdle(ev, notify)
	s.retries, s.failures = 0, 0
}

// end ends the session in a way that does not count: the connection did not come about, or versions differ.
func (s *Session) end(now time.Duration, ev Event, notify *Notification) {
	s.toIdle(ev, notify)
	if s.cfg.AutomaticRestart {
		s.startTimer(IdleHoldTimerExpires, now+s.idleHold())
	}
}

// fail ends the session in a way that counts in ConnectRetryCounter. RFC 4271 section 8.2.2 performs damping wherever it
// counts; that a loss of the connection or a NOTIFICATION in Established is left out there cannot be meant: it is the
// oscillation that damping is for, and its method is open.
func (s *Session) fail(now time.Duration, ev Event, notify *Notification) {
	if s.state == Established && now-s.established >= s.cfg.IdleHold<<maxDoublings {
		s.failures = 0
	}
	s.retries++
	s.failures = min(s.failures+1, maxDoublings+1)
	s.end(now, ev, notify)
}

// notification is what an event ends the session with that is no error of the state machine: what the event brings, or the
// RFC's for it.
func (ev Event) notification() *Notification {
	if ev.Notification != nil {
		return ev.Notification
	}
	switch ev.Type {
	case ManualStop:
		return &Notification{Code: 6, Subcode: 2} // Cease, Administrative Shutdown (RFC 4486)
	case AutomaticStop:
		return &Notification{Code: 6} // Cease
	case HoldTimerExpires:
		return &Notification{Code: 4} // Hold Timer Expired
	case BGPHeaderErr:
		return &Notification{Code: 1} // Message Header Error
	case BGPOpenMsgErr:
		return &Notification{Code: 2} // OPEN Message Error
	case UpdateMsgErr:
		return &Notification{Code: 3} // UPDATE Message Error
	default: // OpenCollisionDump
		return &Notification{Code: 6, Subcode: 7} // Cease, Connection Collision Resolution (RFC 4486)
	}
}

// fsmError is a Finite State Machine Error. For a message it says in which state it was unexpected, and its type (RFC 6608
// section 4); for other events it is unspecific.
func (s *Session) fsmError(ev Event) *Notification {
	if ev.Notification != nil && !ev.received() {
		return ev.Notification
	}
	n := &Notification{Code: 5}
	switch ev.Type {
	case BGPOpen, BGPOpenDelayed, BGPOpenMsgErr:
		n.Data = []byte{1}
	case UpdateMsg, UpdateMsgErr:
		n.Data = []byte{2}
	case NotifMsg, NotifMsgVerErr:
		n.Data = []byte{3}
	case KeepAliveMsg:
		n.Data = []byte{4}
	default:
		return n
	}
	n.Subcode = uint8(s.state-OpenSent) + 1
	return n
}
