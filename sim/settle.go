package sim

import "time"

// Settled tells whether nothing is under way that could change a route or a packet's way: every session is Established at both ends
// exactly where its link and its ends live and it has passed no limit, both ends hold the same connection, all that was written on it has
// been acknowledged, and no gateway still sends to an instance that is gone. What a speaker has yet to tell, it writes on the
// connection of the session, so nothing waits anywhere else.
func (s *Sim) Settled() bool {
	for _, x := range s.nodes {
		if x.speaker == nil && s.now < x.ghostUntil && x.ghostUntil != never {
			return false
		}
	}
	for i, l := range s.links {
		a, b := l.ends[0], l.ends[1]
		lives := l.dead == [2]bool{} && a.node.speaker != nil && b.node.speaker != nil && !(len(s.latched) > 0 && s.latched[i])
		if a.established() != lives || b.established() != lives {
			return false
		}
		if lives && !(len(a.streams) == 1 && len(b.streams) == 1 && a.streams[0].id == b.streams[0].id && a.streams[0].idle() && b.streams[0].idle()) {
			return false
		}
	}
	return true
}

// idle tells whether nothing waits to be sent or acknowledged.
func (c *stream) idle() bool { return c.state == opened && len(c.out) == 0 && !c.fin }

// settleStep is how often Settle looks.
const settleStep = 50 * time.Millisecond

// Settle runs until it is settled, or until the most has passed, and tells which. It takes at least one step, so that what happens now is
// seen.
func (s *Sim) Settle(most time.Duration) bool {
	for end := s.now + most; s.now < end; {
		s.Run(min(end, s.now+settleStep))
		if s.Settled() {
			return true
		}
	}
	return false
}
