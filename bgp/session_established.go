package bgp

import "time"

// handleEstablished is the Established state of RFC 4271 section 8.2.2: routes are exchanged. KEEPALIVE and UPDATE come first,
// they are the hot path.
func (s *Session) handleEstablished(now time.Duration, ev Event) {
	switch ev.Type {
	case KeepAliveMsg, UpdateMsg:
		s.startHold(now)
	case KeepaliveTimerExpires:
		s.send(ActSendKeepalive)
		s.startKeepalive(now)
	case ManualStart, AutomaticStart, ManualStartPassive, AutomaticStartPassive, AutomaticStartDamped, AutomaticStartDampedPassive,
		TCPRequestInvalid:
	case TCPConnectionValid, TCPRequestAcked, TCPConnectionConfirmed: // a second connection, which another session follows
	case ManualStop:
		s.stop(ev, ev.notification())
	case AutomaticStop, HoldTimerExpires, UpdateMsgErr:
		s.fail(now, ev, ev.notification())
	case OpenCollisionDump:
		if s.cfg.CollisionDetectEstablished {
			s.fail(now, ev, ev.notification())
		}
	case TCPConnectionFails, NotifMsg, NotifMsgVerErr:
		s.fail(now, ev, nil)
	default: // events 9, 12, 13, 20 to 22; and 19, a second OPEN on this connection (RFC 6608 section 4)
		s.fail(now, ev, s.fsmError(ev))
	}
}
