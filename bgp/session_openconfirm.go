package bgp

import "time"

// handleOpenConfirm is the OpenConfirm state of RFC 4271 section 8.2.2: a KEEPALIVE or NOTIFICATION is waited for.
func (s *Session) handleOpenConfirm(now time.Duration, ev Event) {
	switch ev.Type {
	case ManualStart, AutomaticStart, ManualStartPassive, AutomaticStartPassive, AutomaticStartDamped, AutomaticStartDampedPassive,
		TCPRequestInvalid:
	case TCPConnectionValid, TCPRequestAcked, TCPConnectionConfirmed: // a second connection, which another session follows
	case ManualStop:
		s.stop(ev, ev.notification())
	case AutomaticStop, HoldTimerExpires, BGPHeaderErr, BGPOpenMsgErr, OpenCollisionDump:
		s.fail(now, ev, ev.notification())
	case KeepaliveTimerExpires:
		s.send(ActSendKeepalive)
		s.startKeepalive(now)
	case TCPConnectionFails, NotifMsg:
		s.fail(now, ev, nil)
	case NotifMsgVerErr:
		s.end(now, ev, nil)
	case KeepAliveMsg:
		s.startHold(now)
		s.established = now
		s.turn(Established, ev, nil)
	default: // events 9, 12, 13, 20, 27, 28; and 19, a second OPEN on this connection (RFC 6608 section 4)
		s.fail(now, ev, s.fsmError(ev))
	}
}
