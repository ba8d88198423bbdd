package bgp

import "time"

// SetLimits changes how many prefixes a neighbour may announce, of IPv4 and of IPv6. A neighbour that has announced more already is over
// the limit at once.
func (s *Speaker) SetLimits(now time.Duration, id NeighborID, four, six Limit) []Output {
	n := s.begin(now, id)
	if n == nil {
		return nil
	}
	n.cfg.IPv4Limit, n.cfg.IPv6Limit = four, six
	n.checkLimits()
	return s.finish()
}

// checkLimits ends the session of a neighbour that has announced more than it may, where what counts has changed and not what came.
func (n *neighbor) checkLimits() {
	for i, limit := range [families]Limit{n.cfg.IPv4Limit, n.cfg.IPv6Limit} {
		held := n.adjIn.Size4()
		if i == 1 {
			held = n.adjIn.Size6()
		}
		if n.cfg.Rules != nil {
			held = n.accepted[i]
		}
		if limit.Max == 0 || held <= limit.Max {
			continue
		}
		x := &Exceeded{Peer: n.peer(), IPv6: i == 1, Limit: limit.Max, Prefixes: held}
		for p, r := range n.adjIn.AllSorted() { // the last one is as good as any
			if p.Addr().Is6() == x.IPv6 && (n.cfg.Rules == nil || r.attrs != nil) {
				x.Prefix = p
			}
		}
		n.overLimit(x)
		return
	}
}

// Reconsider makes every decision again, because how routes are chosen, or how they stand by their neighbours' rules, has changed.
func (s *Speaker) Reconsider(now time.Duration, decision Config) []Output {
	s.begin(now, -1)
	s.cfg.Decision = decision
	if s.deferring {
		return s.finish()
	}
	var changed []moved
	for p, stored := range s.loc.AllSorted() {
		s.before = s.before[:0]
		for x := stored; x != nil && x.used; x = x.next {
			s.before = append(s.before, picked{x, x.attrs})
		}
		head := s.decide(p, stored)
		if head != stored {
			s.heads = append(s.heads, moved{p, head})
		}
		if !s.unchanged(head) {
			changed = append(changed, moved{p, head})
		}
	}
	for _, m := range s.heads { // not while the table is walked
		s.loc.Insert(m.prefix, m.head)
	}
	s.heads = nil
	for _, m := range changed {
		s.out = append(s.out, Output{Kind: OutRoute, Prefix: m.prefix})
		s.export(m.prefix, m.head)
	}
	return s.finish()
}

// Deferring tells whether the speaker has restarted and does not select routes yet (RFC 4724 section 4.1).
func (s *Speaker) Deferring() bool { return s.deferring }
