package sim

import (
	"slices"
	"time"

	"onramp/bfd"
)

// Settled tells that nothing more will come of what has happened: every session is Established at both ends where its link and its routers
// live and no limit keeps it down, over one connection that both hold, and at neither end elsewhere; BFD is up at its fast interval on the
// former and down on the latter; no stream has octets that the other end has not acknowledged; every gateway's instance that is gone has
// been noticed; no router restarts or keeps routes for one that does. What a speaker has yet to tell, it writes on the connection of the session, so nothing waits anywhere else. Routes that
// never agree (RFC 4264) never settle.
func (s *Sim) Settled() bool { return s.settledBut(nil) }

// SettledBut is Settled without a look at some sessions, which may come and go.
func (s *Sim) SettledBut(sessions ...string) bool { return s.settledBut(sessions) }

func (s *Sim) settledBut(sessions []string) bool {
	for _, x := range s.nodes {
		if !x.alive && s.now < x.ghostUntil && x.ghostUntil != never || x.alive && (x.speaker == nil || x.restarting) {
			return false
		}
	}
	for _, l := range s.links {
		if l.gone || slices.Contains(sessions, l.spec.Name) {
			continue
		}
		lives := l.lives()
		for _, e := range l.ends {
			if !e.node.alive {
				continue
			}
			if e.established() != (lives && !s.latched[l.index]) || !e.watched(lives) || e.stale() {
				return false
			}
		}
		if a, b := l.ends[0], l.ends[1]; lives && !s.latched[l.index] &&
			!(len(a.streams) == 1 && len(b.streams) == 1 && a.streams[0].id == b.streams[0].id && a.streams[0].idle() && b.streams[0].idle()) {
			return false
		}
	}
	return true
}

// mute tells that nothing gets from this end to the other, for good as far as anybody knows.
func (e *port) mute() bool {
	return e.gear != nil && e.gear.impair != nil && (e.gear.impair.Dead || e.gear.impair.Loss >= 1)
}

// watched tells whether BFD is at an end of the link as it will stay.
func (e *port) watched(lives bool) bool {
	if e.bfd == nil {
		return true
	}
	if !lives {
		return e.bfd.State() != bfd.Up
	}
	spec := e.link.spec // without BFD it says for a while that it is off
	return spec.BFDMultiplier > 0 && e.bfd.State() == bfd.Up && e.bfd.DetectionTime() == time.Duration(spec.BFDMultiplier)*spec.BFDInterval
}

// idle tells whether nothing waits to be sent or acknowledged.
func (c *stream) idle() bool { return c.state == opened && len(c.out) == 0 && !c.fin }

// Settle runs until nothing more will come, or until the most has passed, and tells which.
func (s *Sim) Settle(most time.Duration) bool { return s.SettleBut(most) }

// SettleBut is Settle without a look at some sessions, which may come and go.
func (s *Sim) SettleBut(most time.Duration, sessions ...string) bool {
	const step = 20 * time.Millisecond
	end := s.now + most
	for s.now < end {
		s.Run(min(end, s.now+step))
		if s.settledBut(sessions) {
			return true
		}
	}
	return false
}

// Detection is how long after a silent cut one end of a session learns of it.
type Detection struct {
	By           string // bfd, hold or notice
	Lower, Upper time.Duration
}

// Detects is when an end of a session, 0 for A and 1 for B, learns that nothing comes from the other end any more.
//
// By BFD (RFC 5880 section 6.8.4): the last packet came at most one interval before the cut, and the session goes down a multiplier of
// intervals after that packet: between multiplier-1 and multiplier intervals after the cut. By BGP (RFC 4271 section 6.5): the last message
// came at most one keepalive interval of the other end before the cut, and the hold time runs from it: between hold less keepalive and hold
// after the cut. A packet that is on the link when it is cut is lost here; where it still arrives, both are later by one one-way delay.
// The sooner of the two counts.
func (s *Sim) Detects(session, end int) Detection {
	l := s.inOrder()[session]
	d := holdDetection(l, end)
	if m := time.Duration(l.spec.BFDMultiplier); m > 0 {
		if upper := m * l.spec.BFDInterval; upper < d.Upper {
			return Detection{By: "bfd", Lower: upper - l.spec.BFDInterval, Upper: upper}
		}
	}
	return d
}

func holdDetection(l *link, end int) Detection {
	offered := func(end int) time.Duration {
		if h := l.spec.Hold[end]; h > 0 {
			return h
		}
		return insideHold
	}
	hold := min(offered(0), offered(1)) // RFC 4271 section 4.2
	keepalive := hold / 3               // section 4.4
	if k := l.spec.Keepalive[1-end]; k > 0 {
		keepalive = min(keepalive, k)
	}
	keepalive = max(keepalive, time.Second)
	return Detection{By: "hold", Lower: hold - keepalive, Upper: hold}
}

// Notice is when the platform stops sending to a gateway's instance that is gone.
func Notice() Detection { return Detection{By: "notice", Lower: instanceNotice, Upper: instanceNotice} }
