package bgp

import "time"

// handleOpenSent is the OpenSent state of RFC 4271 section 8.2.2: the neighbour's OPEN is waited for.
func (s *Session) handleOpenSent(now time.Duration, ev Event) {
	switch ev.Type {
	case ManualStart, AutomaticStart, ManualStartPassive, AutomaticStartPassive, AutomaticStartDamped, AutomaticStartDampedPassive,
		TCPRequestInvalid:
	case TCPConnectionValid, TCPRequestAcked, TCPConnectionConfirmed: // a second connection, which another session follows
	case ManualStop:
		s.stop(ev, ev.notification())
	case AutomaticStop, HoldTimerExpires, BGPHeaderErr, BGPOpenMsgErr, OpenCollisionDump:
		s.fail(now, ev, ev.notification())
	case TCPConnectionFails:
		s.drop()
		s.stopTimers()
		s.startConnectRetry(now)
		s.turn(Active, ev, nil)
	case BGPOpen:
		s.send(ActSendKeepalive)
		s.negotiate(now, ev.HoldTime)
		s.turn(OpenConfirm, ev, nil)
	case NotifMsgVerErr:
		s.end(now, ev, nil)
	default: // events 9, 11 to 13, 20, 25 to 28
		s.fail(now, ev, s.fsmError(ev))
	}
}
