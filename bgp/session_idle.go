package bgp

import "time"

// handleIdle is the Idle state of RFC 4271 section 8.2.2: the session waits to be started and refuses connections.
func (s *Session) handleIdle(now time.Duration, ev Event) {
	switch ev.Type {
	case ManualStart, ManualStartPassive:
		s.retries, s.failures = 0, 0
		s.start(now, ev, ev.Type == ManualStartPassive)
	case AutomaticStart, AutomaticStartPassive:
		s.retries = 0
		s.start(now, ev, ev.Type == AutomaticStartPassive)
	case AutomaticStartDamped, AutomaticStartDampedPassive:
		// These occur only with damping, and while the IdleHoldTimer holds the session they wait for it.
		if s.cfg.Damping && !s.running(IdleHoldTimerExpires) {
			s.start(now, ev, ev.Type == AutomaticStartDampedPassive)
		}
	case IdleHoldTimerExpires:
		if s.cfg.AutomaticRestart {
			s.start(now, ev, s.cfg.Passive)
		}
	case ManualStop:
		// Ignored as an event, but a session that waits to restart by itself stays down now.
		s.stopTimers()
		s.failures = 0
	case TCPRequestAcked, TCPConnectionConfirmed:
		s.out = append(s.out, Action{Kind: ActDrop}) // refused
	}
}

// start begins to connect, or to listen only.
func (s *Session) start(now time.Duration, ev Event, passive bool) {
	s.stopTimers()
	s.startConnectRetry(now)
	s.passive = passive
	if passive {
		s.turn(Active, ev, nil)
		return
	}
	s.dial()
	s.turn(Connect, ev, nil)
}
