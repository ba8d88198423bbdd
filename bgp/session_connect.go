package bgp

import "time"

// handleConnect is the Connect state of RFC 4271 section 8.2.2: a TCP connection is being opened, or is there and the OPEN
// delayed.
func (s *Session) handleConnect(now time.Duration, ev Event) {
	switch ev.Type {
	case ManualStart, AutomaticStart, ManualStartPassive, AutomaticStartPassive, AutomaticStartDamped, AutomaticStartDampedPassive,
		TCPConnectionValid, TCPRequestInvalid:
	case ManualStop:
		s.stop(ev, nil)
	case ConnectRetryTimerExpires:
		s.drop()
		s.stopTimer(DelayOpenTimerExpires)
		s.startConnectRetry(now)
		s.dial()
	case TCPConnectionFails:
		if !s.running(DelayOpenTimerExpires) {
			s.dialing = false // it has ended, there is nothing to give up
			s.end(now, ev, nil)
			return
		}
		s.stopTimer(DelayOpenTimerExpires)
		s.drop()
		s.startConnectRetry(now)
		s.turn(Active, ev, nil)
	default:
		s.handleUnopened(now, ev)
	}
}

// handleUnopened is what Connect and Active have in common: no OPEN was sent yet.
func (s *Session) handleUnopened(now time.Duration, ev Event) {
	switch ev.Type {
	case TCPRequestAcked, TCPConnectionConfirmed:
		s.connect(ev)
		s.stopTimer(ConnectRetryTimerExpires)
		if s.cfg.DelayOpen > 0 {
			s.startTimer(DelayOpenTimerExpires, now+s.cfg.DelayOpen)
			return
		}
		s.open(now, ev)
	case DelayOpenTimerExpires:
		if s.connected { // without a connection no OPEN is delayed
			s.open(now, ev)
		}
	case BGPOpenDelayed:
		if !s.running(DelayOpenTimerExpires) {
			s.fail(now, ev, nil) // it is BGPOpen then (RFC 4271 section 8.1.5), which comes too early
			return
		}
		s.stopTimers()
		s.send(ActSendOpen)
		s.send(ActSendKeepalive)
		s.negotiate(now, ev.HoldTime)
		s.turn(OpenConfirm, ev, nil)
	case BGPHeaderErr, BGPOpenMsgErr:
		var notify *Notification
		if s.cfg.NotificationWithoutOpen {
			notify = ev.notification()
		}
		s.fail(now, ev, notify)
	case NotifMsgVerErr:
		if s.running(DelayOpenTimerExpires) {
			s.end(now, ev, nil)
			return
		}
		s.fail(now, ev, nil)
	default: // events 8, 10, 11, 13, 19, 23, 25 to 28
		s.fail(now, ev, nil)
	}
}

// open sends the OPEN and waits for the neighbour's.
func (s *Session) open(now time.Duration, ev Event) {
	s.stopTimers()
	s.send(ActSendOpen)
	s.startTimer(HoldTimerExpires, now+s.cfg.LargeHold)
	s.turn(OpenSent, ev, nil)
}
