package bgp

import (
	"net/netip"
	"time"
)

// lost ends the exchange of routes when a session leaves Established. What a neighbour that restarts gracefully announced stays for a
// while (RFC 4724 section 4.2), the rest goes.
func (n *neighbor) lost(a *Action) {
	n.counters.Flaps++
	n.leave()
	n.s.touch(n)
	n.staleAt = never
	if !n.keeps(a) {
		n.forget()
		return
	}
	// Routes that were stale already are not kept a second time.
	n.drop(func(p netip.Prefix, r *route) bool {
		i := n.index(FamilyOf(p))
		return r.epoch != n.epoch[i] || !n.restartsFamily(n.families[i])
	})
	kept := n.adjIn.Size()
	if kept == 0 {
		return
	}
	for i := range n.families {
		n.epoch[i]++
	}
	n.restartAt = n.s.now + time.Duration(n.graceful.Time)*time.Second
	n.s.out = append(n.s.out, Output{Kind: OutStale, Neighbor: n.id, Reason: "routes are kept while the neighbour restarts"})
}

// keeps tells whether the way in which the session ended is one that routes survive: the transport failed, or, where both announced
// so, anything but a hard reset (RFC 4724 section 4.2, RFC 8538 section 3).
func (n *neighbor) keeps(a *Action) bool {
	if !n.restarts || len(n.graceful.Families) == 0 || a.Cause == ManualStop {
		return false
	}
	if a.Notification == nil {
		return a.Cause == TCPConnectionFails
	}
	return n.graceful.Notification && !(a.Notification.Code == CodeCease && a.Notification.Subcode == CeaseHardReset)
}

func (n *neighbor) restartsFamily(f Family) bool {
	for _, x := range n.graceful.Families {
		if x.Family == f {
			return true
		}
	}
	return false
}

// afterRestart begins a session with what was kept from the one before: a family that the neighbour did not keep forwarding for goes
// at once (RFC 4724 section 4.2), the rest when its End-of-RIB comes or the stale time is over.
func (n *neighbor) afterRestart() {
	n.restartAt = never
	if n.adjIn.Size() == 0 {
		return
	}
	n.drop(func(p netip.Prefix, r *route) bool {
		if !n.carries(FamilyOf(p)) {
			return true
		}
		for _, f := range n.graceful.Families {
			if f.Family == FamilyOf(p) {
				return !f.Forwarding
			}
		}
		return true
	})
	if n.adjIn.Size() > 0 {
		n.staleAt = n.s.now + n.cfg.StaleTime
	}
}

// endOfRIB follows a neighbour that has told all it has of a family.
func (n *neighbor) endOfRIB(f Family) {
	i := n.index(f)
	if i < 0 || !n.carries(f) {
		return
	}
	n.s.out = append(n.s.out, Output{Kind: OutEndOfRIB, Neighbor: n.id, Family: f})
	n.heardEOR[i] = true
	n.sweep(i, "")
	n.s.checkDeferral()
}

// sweep takes back what is stale of a family.
func (n *neighbor) sweep(i int, why string) {
	f := n.families[i]
	gone := n.drop(func(p netip.Prefix, r *route) bool { return FamilyOf(p) == f && r.epoch != n.epoch[i] })
	if gone > 0 {
		if why == "" {
			why = "what was not announced again is gone"
		}
		n.s.out = append(n.s.out, Output{Kind: OutStale, Neighbor: n.id, Family: f, Reason: why})
	}
}

func (n *neighbor) sweepAll(why string) {
	for i := range n.families {
		n.sweep(i, why)
	}
}

// checkDeferral ends the deferral of route selection once every neighbour that takes part has told all it has
// (RFC 4724 section 4.1).
func (s *Speaker) checkDeferral() {
	if !s.deferring {
		return
	}
	for _, n := range s.neighbors {
		if n == nil || !n.started || !n.offersRestart() {
			continue
		}
		if n.main.state() != Established {
			return // it may still come
		}
		g := n.open().GracefulRestart
		if g == nil || g.Restarting {
			continue
		}
		for i, f := range n.families {
			if n.carries(f) && !n.heardEOR[i] {
				return
			}
		}
	}
	s.endDeferral()
}

// endDeferral selects routes and lets everybody hear of them.
func (s *Speaker) endDeferral() {
	s.deferUntil = never
	s.selectDeferred()
	for _, n := range s.neighbors {
		if n != nil {
			s.touch(n)
		}
	}
}
