package bgp

import (
	"fmt"
	"net/netip"
)

// mustBeMasked panics for a prefix that no UPDATE can carry: a broken invariant of the caller.
func mustBeMasked(p netip.Prefix) {
	if !p.IsValid() || p != p.Masked() || p.Addr().Is4In6() {
		panic(fmt.Sprintf("bgp: prefix %s in a RIB: want a valid prefix without bits beyond its length", p))
	}
}

// Limit is a maximum number of prefixes of one address family; a Max of 0 is no limit.
type Limit struct{ Max int }

// Exceeded says that a peer announced more prefixes than its limit allows. The session ends with a Cease (RFC 4271
// section 6.7, RFC 4486).
type Exceeded struct {
	Peer     Peer
	IPv6     bool // which family's limit
	Limit    int
	Prefixes int          // held now, with the one that was too much
	Prefix   netip.Prefix // the one that was too much
}

// Error makes the event an error that a person can read.
func (e *Exceeded) Error() string {
	family := "IPv4"
	if e.IPv6 {
		family = "IPv6"
	}
	return fmt.Sprintf("%s is prefix %d of %s from %s (AS %s), which may announce %d: the session goes down (RFC 4271 section 6.7)",
		e.Prefix, e.Prefixes, family, e.Peer.Addr, e.Peer.AS, e.Limit)
}

// route is one route of an Adj-RIB-In (RFC 4271 section 3.2) or of the speaker's own, and as long as it is accepted one of the
// candidates for its prefix in the Loc-RIB, which are a list: a table of a million routes has room for little more than these words.
type route struct {
	raw   *Attrs    // as received, so that a policy can be asked again; nil for the speaker's own
	attrs *Attrs    // as the import policy left it; nil while it is no candidate
	next  *route    // the candidates in use come first, the best at the head
	from  *neighbor // nil for the speaker's own
	age   uint64
	epoch uint32 // stale where it is behind its neighbour's
	step  Step   // at the head: what decided
	used  bool
}

// picked is a candidate in use, as it was before a change.
type picked struct {
	r *route
	a *Attrs
}

// propose makes attrs what the route offers for the prefix, nil for nothing, decides anew and passes on what that changes. This is the
// speaker's hot path; BenchmarkSpeaker guards it. A route's attrs come from the pool, so that equal pointers are equal content.
func (s *Speaker) propose(p netip.Prefix, r *route, attrs *Attrs) {
	if r.attrs == attrs {
		return
	}
	stored, _ := s.loc.Get(p)
	head := stored
	s.before = s.before[:0]
	for x := head; x != nil && x.used; x = x.next {
		s.before = append(s.before, picked{x, x.attrs})
	}
	was := r.attrs != nil
	r.attrs = attrs
	if r.from != nil && was != (attrs != nil) {
		r.from.count(p, attrs != nil)
	}
	s.arrivals++
	r.age = s.arrivals
	switch {
	case attrs == nil:
		head = unlink(head, r)
		r.next, r.used = nil, false
	case !was && s.behind(p, head, r):
		r.next, r.used = head.next, false
		head.next = r
		return // the one in use stays, and nobody is told of the others
	case !was:
		r.next, head = head, r
	}
	now := s.decide(p, head)
	switch {
	case now == stored:
	case now == nil:
		s.loc.Delete(p)
	default:
		s.loc.Insert(p, now)
	}
	if s.deferring || s.unchanged(now) {
		return
	}
	s.out = append(s.out, Output{Kind: OutRoute, Prefix: p})
	s.export(p, now)
}

// behind tells whether a new candidate loses against the one in use, which the others cannot change, so that it need not be held against
// them: a prefix that a thousand neighbours announce would cost a million comparisons. It is so when the candidate loses before MEDs are
// looked at, or when no other of its neighbouring AS is there, or it has the lowest MED there is, and it loses afterwards.
func (s *Speaker) behind(p netip.Prefix, head, r *route) bool {
	cfg := &s.cfg.Decision
	if head == nil || !head.used || cfg.Multipath > 1 || s.deferring {
		return false
	}
	s.pair = [2]Candidate{} // of the speaker, because rules are given the addresses
	best, c := &s.pair[0], &s.pair[1]
	head.fill(p, best)
	r.fill(p, c)
	order, step := compareRanks(c, best, cfg)
	if order == 0 {
		switch {
		case cfg.CompareMEDAlways || neighborAS(c) == neighborAS(best):
			if med(c, cfg) != 0 || med(best, cfg) != 0 {
				return false
			}
		case med(c, cfg) != 0 && s.hasNeighborAS(p, head, neighborAS(c)):
			return false
		}
		tied, last := narrowFrom(StepEBGP, s.pair[:], cfg, s.two[:copy(s.two[:2], []int32{0, 1})], nil)
		switch {
		case len(tied) == 1 && tied[0] == 1:
			return false
		case len(tied) == 1:
			step = last
		default:
			if order, step = tieBreak(c, best, cfg); order <= 0 {
				return false
			}
		}
	} else if order < 0 {
		return false
	}
	head.step = max(head.step, step)
	return true
}

// hasNeighborAS tells whether a candidate of the list came from the AS.
func (s *Speaker) hasNeighborAS(p netip.Prefix, head *route, as ASN) bool {
	for x := head; x != nil; x = x.next {
		s.other = Candidate{}
		if x.fill(p, &s.other); neighborAS(&s.other) == as {
			return true
		}
	}
	return false
}

// unchanged tells whether the routes in use are those of before.
func (s *Speaker) unchanged(head *route) bool {
	i := 0
	for x := head; x != nil && x.used; x = x.next {
		if i == len(s.before) || s.before[i].r != x || s.before[i].a != x.attrs {
			return false
		}
		i++
	}
	return i == len(s.before)
}

func unlink(head, r *route) *route {
	if head == r {
		return r.next
	}
	for x := head; x != nil; x = x.next {
		if x.next == r {
			x.next = r.next
			break
		}
	}
	return head
}

// decide runs the decision process on a list of candidates and returns it with those in use in front. While selection is deferred
// (RFC 4724 section 4.1) none is in use.
func (s *Speaker) decide(p netip.Prefix, head *route) *route {
	if head == nil || s.deferring {
		return head
	}
	if head.next == nil {
		head.used, head.step = true, StepOnly
		return head
	}
	s.candidates, s.routes = s.candidates[:0], s.routes[:0]
	for x := head; x != nil; x = x.next {
		s.candidates = append(s.candidates, Candidate{})
		x.fill(p, &s.candidates[len(s.candidates)-1])
		s.routes = append(s.routes, x)
		x.used = false
	}
	paths, step := Multipath(s.candidates, s.cfg.Decision, s.paths[:0])
	s.paths = paths
	if len(paths) == 1 && paths[0] == 0 {
		head.used, head.step = true, step
		return head // in order already
	}
	var list, last *route
	link := func(x *route) {
		if last == nil {
			list = x
		} else {
			last.next = x
		}
		last = x
	}
	for _, i := range paths {
		s.routes[i].used = true
		link(s.routes[i])
	}
	for _, x := range s.routes {
		if !x.used {
			link(x)
		}
	}
	last.next = nil
	list.step = step
	return list
}

// fill makes c the route as the decision process sees it.
func (r *route) fill(p netip.Prefix, c *Candidate) {
	c.Attrs, c.Age, c.Session = r.attrs, r.age, -1
	if n := r.from; n != nil {
		c.From, c.NeighborAS, c.RouterID, c.PeerAddr, c.IGPCost, c.Session = n.kind, n.cfg.AS, n.peerID, n.cfg.Addr, n.cfg.IGPCost, int32(n.id)
		if n.cfg.Rules != nil && n.cfg.Rules.Candidate != nil {
			n.cfg.Rules.Candidate(p, c)
		}
	}
}

// count keeps how many candidates are the neighbour's.
func (n *neighbor) count(p netip.Prefix, more bool) {
	i, d := 0, -1
	if p.Addr().Is6() {
		i = 1
	}
	if more {
		d = 1
	}
	n.accepted[i] += d
}

// selectDeferred makes all decisions that were deferred.
func (s *Speaker) selectDeferred() {
	s.deferring = false
	for p, head := range s.loc.AllSorted() {
		if now := s.decide(p, head); now != head {
			s.heads = append(s.heads, moved{p, now})
		}
		s.out = append(s.out, Output{Kind: OutRoute, Prefix: p})
	}
	for _, m := range s.heads { // not while the table is walked
		s.loc.Insert(m.prefix, m.head)
	}
	s.heads = nil
	for p, head := range s.loc.AllSorted() {
		s.export(p, head)
	}
}

// moved is a prefix whose list got another head.
type moved struct {
	prefix netip.Prefix
	head   *route
}
