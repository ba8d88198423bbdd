package bgp

import (
	"net/netip"
	"time"
)

const (
	// window is how many octets may wait in a connection's transport before no more routes are sent into it. What waits after
	// that is a prefix each in the neighbour's list, however often it changes.
	window = 256 << 10
	// round is how many prefixes are packed together at most.
	round = 2048
)

// bucket is what one attribute set is announced for.
type bucket struct {
	attrs    *Attrs
	prefixes []netip.Prefix
}

// flush sends what the neighbour is to be told, packed by attributes, as far as its connection takes it and its minimum route
// advertisement interval allows (RFC 4271 section 9.2.1.1).
func (n *neighbor) flush() {
	s := n.s
	c := n.main
	if n.group == nil || c == nil || !c.up || s.deferring || s.now < n.mraiAt || !n.owes() {
		return
	}
	from := len(s.buf)
	for c.outstanding+len(s.buf)-from < window && len(n.dump)+len(n.order) > 0 {
		n.pack()
	}
	if len(n.dump)+len(n.order) == 0 {
		n.dump, n.order, n.pending = nil, nil, nil
		n.closeRounds()
		if n.cfg.MRAI > 0 && len(s.buf) > from {
			n.mraiAt = s.now + n.jittered(n.cfg.MRAI)
		}
	}
	if len(s.buf) > from {
		c.fsm.UpdateSent(s.now)
	}
	s.send(c, from)
}

// owes tells whether there is anything to say.
func (n *neighbor) owes() bool {
	return len(n.dump)+len(n.order) > 0 || n.owedEOR != [families]bool{} || n.owedEORR != [families]bool{}
}

// closeRounds ends what was told in full: the initial updates (RFC 4724 section 2) and the answer to a refresh (RFC 7313 section 4).
func (n *neighbor) closeRounds() {
	for i, f := range n.families {
		if n.owedEOR[i] {
			n.s.buf = AppendEndOfRIB(n.s.buf, f)
		}
		if n.owedEORR[i] {
			n.s.buf = AppendRefresh(n.s.buf, f, RefreshEnd)
		}
	}
	n.owedEOR, n.owedEORR = [families]bool{}, [families]bool{}
}

// pack writes updates for a round of prefixes: first the initial ones, then those that changed since.
func (n *neighbor) pack() {
	s := n.s
	s.withdrawn, s.buckets = s.withdrawn[:0], s.buckets[:0]
	clear(s.bucketOf)
	list := &n.order
	if len(n.dump) > 0 {
		list = &n.dump
	}
	count := min(round, len(*list))
	for _, p := range (*list)[:count] {
		var d due
		if list == &n.order {
			d = n.pending[p]
			delete(n.pending, p)
		}
		t, _ := n.group.table.Get(p)
		now := n.sees(t)
		switch {
		case !n.speaks(p): // not any more
		case now == nil && d.held != nil:
			s.withdrawn = append(s.withdrawn, p)
		case now != nil && (now != d.held || d.anyway):
			s.bucketFor(now, p.Addr().Is4(), p)
		}
	}
	*list = (*list)[count:]
	for len(s.withdrawn) > 0 {
		taken := 0
		s.buf, taken = AppendWithdraw(s.buf, s.withdrawn, n.wire)
		s.withdrawn = s.withdrawn[taken:]
		n.counters.UpdatesSent++
	}
	for i := range s.buckets {
		n.announce(&s.buckets[i])
	}
}

// bucketFor puts a prefix to the others of its attributes and family.
func (s *Speaker) bucketFor(a *Attrs, four bool, p netip.Prefix) {
	k := bucketKey{a, four}
	if last := len(s.buckets) - 1; last >= 0 && s.buckets[last].attrs == a && s.buckets[last].prefixes[0].Addr().Is4() == four {
		s.buckets[last].prefixes = append(s.buckets[last].prefixes, p)
		return
	}
	i, ok := s.bucketOf[k]
	if !ok {
		i = len(s.buckets)
		s.bucketOf[k] = i
		if i < cap(s.buckets) {
			s.buckets = s.buckets[:i+1] // with the room of an earlier one
			s.buckets[i] = bucket{attrs: a, prefixes: s.buckets[i].prefixes[:0]}
		} else {
			s.buckets = append(s.buckets, bucket{attrs: a})
		}
	}
	s.buckets[i].prefixes = append(s.buckets[i].prefixes, p)
}

type bucketKey struct {
	attrs *Attrs
	four  bool
}

// announce writes a bucket, with the speaker's own address as the next hop where none is given.
func (n *neighbor) announce(b *bucket) {
	a := *b.attrs
	if !a.NextHop.IsValid() || n.kind == EBGP && !n.cfg.NextHopUnchanged {
		a.NextHop, a.NextHopLocal = n.self(b.prefixes[0].Addr().Is4())
	}
	for rest := b.prefixes; len(rest) > 0; {
		taken := 0
		n.s.buf, taken = AppendUpdate(n.s.buf, &a, rest, n.wire)
		if taken == 0 {
			// Attributes that leave no room for one prefix cannot be told: the neighbour must not keep what it had.
			n.s.out = append(n.s.out, Output{Kind: OutError, Neighbor: n.id, Prefix: rest[0], Reason: "the path attributes do not fit a message: withdrawn instead"})
			n.s.buf, taken = AppendWithdraw(n.s.buf, rest, n.wire)
		}
		rest = rest[taken:]
		n.counters.UpdatesSent++
	}
}

// self is the speaker's own address on the session for a family, and its link-local one beside it.
func (n *neighbor) self(four bool) (hop, local netip.Addr) {
	if four {
		if n.cfg.LocalIPv4.IsValid() {
			return n.cfg.LocalIPv4, netip.Addr{}
		}
		return n.cfg.LocalAddr, netip.Addr{}
	}
	if n.cfg.LocalIPv6.IsValid() {
		return n.cfg.LocalIPv6, n.cfg.LocalLinkLocal
	}
	return n.cfg.LocalAddr, n.cfg.LocalLinkLocal
}

// jittered is between three quarters and the whole of an interval (RFC 4271 section 10).
func (n *neighbor) jittered(d time.Duration) time.Duration {
	n.random = n.random*6364136223846793005 + 1442695040888963407 // Knuth, MMIX
	return d * time.Duration(768+(n.random>>33)%257) / 1024
}
