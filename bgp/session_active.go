package bgp

import "time"

// handleActive is the Active state of RFC 4271 section 8.2.2: the neighbour's connection is waited for, or is there and the
// OPEN delayed.
func (s *Session) handleActive(now time.Duration, ev Event) {
	switch ev.Type {
	case ManualStart, AutomaticStart, ManualStartPassive, AutomaticStartPassive, AutomaticStartDamped, AutomaticStartDampedPassive,
		TCPConnectionValid, TCPRequestInvalid:
	case ManualStop:
		var notify *Notification
		if s.cfg.NotificationWithoutOpen { // and if there is a connection: the DelayOpenTimer runs then
			notify = ev.notification()
		}
		s.stop(ev, notify)
	case ConnectRetryTimerExpires:
		s.startConnectRetry(now)
		if s.passive {
			// The state's text dials here; PassiveTcpEstablishment waits for the neighbour (RFC 4271 section 8.1.1).
			return
		}
		s.drop() // a connection is there only if the event did not come from the timer, which does not run then
		s.stopTimer(DelayOpenTimerExpires)
		s.dial()
		s.turn(Connect, ev, nil)
	case TCPConnectionFails:
		// The text restarts the ConnectRetryTimer on the way to Idle, which ignores its expiry: it does not run there.
		s.fail(now, ev, nil)
	default:
		s.handleUnopened(now, ev)
	}
}
