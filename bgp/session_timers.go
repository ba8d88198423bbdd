package bgp

import "time"

// sessionTimer is one of a session's five timers (RFC 4271 section 10), known by the event of its expiry.
type sessionTimer struct {
	at      time.Duration
	running bool
}

func (s *Session) startTimer(t EventType, at time.Duration) {
	s.timers[t-ConnectRetryTimerExpires] = sessionTimer{at, true}
}

func (s *Session) stopTimer(t EventType) { s.timers[t-ConnectRetryTimerExpires] = sessionTimer{} }

func (s *Session) stopTimers() { s.timers = [sessionTimers]sessionTimer{} }

func (s *Session) running(t EventType) bool { return s.timers[t-ConnectRetryTimerExpires].running }

// next is the timer that expires first, of several the one with the lowest number.
func (s *Session) next() (t EventType, at time.Duration, ok bool) {
	for i, tm := range s.timers {
		if tm.running && (!ok || tm.at < at) {
			t, at, ok = ConnectRetryTimerExpires+EventType(i), tm.at, true
		}
	}
	return t, at, ok
}

// startConnectRetry starts the ConnectRetryTimer with its initial value, jittered (RFC 4271 section 10).
func (s *Session) startConnectRetry(now time.Duration) {
	s.startTimer(ConnectRetryTimerExpires, now+s.jitter(s.cfg.ConnectRetry))
}

// startHold starts the HoldTimer with the agreed time. It has no jitter.
func (s *Session) startHold(now time.Duration) {
	if s.holdTime > 0 {
		s.startTimer(HoldTimerExpires, now+s.holdTime)
	}
}

// startKeepalive starts the KeepaliveTimer, jittered but never below a second (RFC 4271 section 4.4). Without a hold time it
// does not run: periodic KEEPALIVEs must not be sent then.
func (s *Session) startKeepalive(now time.Duration) {
	if s.holdTime > 0 {
		s.startTimer(KeepaliveTimerExpires, now+max(s.jitter(s.keepaliveTime), leastKeepalive))
	}
}

// negotiate agrees on the hold time, the lower of both (RFC 4271 section 4.2), and starts what it drives.
func (s *Session) negotiate(now, neighbour time.Duration) {
	s.holdTime, s.keepaliveTime = min(s.cfg.HoldTime, max(neighbour, 0)), 0
	s.stopTimer(HoldTimerExpires) // of the OPEN's wait
	if s.holdTime == 0 {
		return
	}
	// RFC 4271 section 4.4: a third of the hold time is a reasonable maximum.
	s.keepaliveTime = s.holdTime / keepalivesPerHold
	if s.cfg.KeepaliveTime > 0 {
		s.keepaliveTime = min(s.keepaliveTime, s.cfg.KeepaliveTime)
	}
	s.keepaliveTime = max(s.keepaliveTime, leastKeepalive)
	s.startHold(now)
	s.startKeepalive(now)
}

// jitter multiplies by a random factor from 0.75 to 1.0, drawn anew each time (RFC 4271 section 10), to whole milliseconds.
func (s *Session) jitter(d time.Duration) time.Duration {
	const steps = 1 << 16
	s.random = s.random*6364136223846793005 + 1442695040888963407 // Knuth, MMIX
	return (d - d/4 + d/4/steps*time.Duration(s.random>>48)).Truncate(time.Millisecond)
}

// idleHold is how long the session stays Idle before it restarts. Damping doubles it with each failure (RFC 4271 section
// 8.1.1 leaves the method open).
func (s *Session) idleHold() time.Duration {
	if !s.cfg.Damping {
		return s.cfg.IdleHold
	}
	return s.cfg.IdleHold << min(max(s.failures-1, 0), maxDoublings)
}
