package bgp

import (
	"net/netip"
	"slices"
)

// established begins the exchange of routes.
func (n *neighbor) established(c *channel) {
	n.negotiate(c)
	n.heardEOR = [families]bool{}
	n.afterRestart()
	n.mraiAt = 0
	n.join()
	for i, f := range n.families {
		// RFC 4724 section 2: the marker is of use also to a neighbour that only announces the capability.
		n.owedEOR[i] = n.carries(f) && n.open().GracefulRestart != nil
	}
	n.wasUp = true
	n.s.touch(n)
	n.s.checkDeferral()
}

// open is what the neighbour's OPEN of the session that counts says it can do.
func (n *neighbor) open() *Capabilities { return &n.main.open.Capabilities }

func (n *neighbor) carries(f Family) bool {
	return f == IPv4Unicast() && n.speaks4 || f == IPv6Unicast() && n.speaks6
}

// updateMessage takes in an UPDATE.
func (n *neighbor) updateMessage(c *channel, body []byte) {
	s := n.s
	u := &s.update
	bad := u.Parse(body, n.wire)
	if bad != nil && bad.Severity == SessionReset {
		note := bad.Notification
		n.handle(c, Event{Type: UpdateMsgErr, Notification: &note})
		return
	}
	n.handle(c, Event{Type: UpdateMsg})
	if c.state() != Established {
		return
	}
	n.counters.UpdatesReceived++
	switch {
	case bad == nil && len(u.Discarded) > 0:
		s.out = append(s.out, Output{Kind: OutError, Neighbor: n.id, Reason: "attributes were discarded (RFC 7606 section 2)"})
	case bad != nil && bad.Severity == DisableFamily:
		s.out = append(s.out, Output{Kind: OutError, Neighbor: n.id, Family: bad.Family, Reason: "the family is not exchanged any more: " + bad.Reason})
		n.disable(bad.Family)
	case bad != nil:
		s.out = append(s.out, Output{Kind: OutError, Neighbor: n.id, Reason: "treated as a withdrawal: " + bad.Reason})
	}
	if u.EndOfRIB != (Family{}) {
		n.endOfRIB(u.EndOfRIB)
		return
	}
	if n.kind == EBGP && n.cfg.Rules == nil && len(u.NLRI)+len(u.MPNLRI) > 0 && u.Attrs.Path.First() != n.cfg.AS {
		// RFC 4271 section 6.3: the leftmost AS is the neighbour's; RFC 7606 section 7.2 makes it a withdrawal.
		s.out = append(s.out, Output{Kind: OutError, Neighbor: n.id, Reason: "treated as a withdrawal: the AS path " + u.Attrs.Path.String() + " does not begin with the neighbour's AS"})
		u.Withdrawn = append(append(u.Withdrawn, u.NLRI...), u.MPNLRI...)
		u.NLRI, u.MPNLRI = u.NLRI[:0], u.MPNLRI[:0]
	}
	for _, p := range u.Withdrawn {
		n.unlearn(p)
	}
	if len(u.NLRI) > 0 && !n.learnAll(u.NLRI, &u.Attrs) {
		return
	}
	if len(u.MPNLRI) > 0 {
		a := u.MPAttrs()
		n.learnAll(u.MPNLRI, &a)
	}
}

// learnAll stores what one UPDATE announces. It returns false if that ended the session.
func (n *neighbor) learnAll(list []netip.Prefix, a *Attrs) bool {
	raw := n.s.pool.Intern(*a)
	for _, p := range list {
		if n.speaks(p) && !n.learn(p, raw) {
			return false
		}
	}
	return true
}

// learn stores one route and proposes it to the decision process. It returns false if that passed a limit and ended the session.
func (n *neighbor) learn(p netip.Prefix, raw *Attrs) bool {
	six := p.Addr().Is6()
	i := 0
	if n.families[0] != FamilyOf(p) {
		i = 1
	}
	r, ok := n.adjIn.Get(p)
	if ok && r.raw == raw {
		r.epoch = n.epoch[i]
		return true
	}
	a := n.imported(p, raw)
	more := !ok
	if n.cfg.Rules != nil {
		more = a != nil && (!ok || r.attrs == nil)
	}
	if more {
		if x := n.exceeds(p, six); x != nil {
			n.overLimit(x)
			return false
		}
	}
	if !ok {
		r = &route{from: n}
		n.adjIn.Insert(p, r)
	}
	r.epoch, r.raw = n.epoch[i], raw
	n.s.propose(p, r, a)
	return true
}

// exceeds tells whether one more prefix would be too many.
func (n *neighbor) exceeds(p netip.Prefix, six bool) *Exceeded {
	limit, held := n.cfg.IPv4Limit.Max, n.adjIn.Size4()
	if six {
		limit, held = n.cfg.IPv6Limit.Max, n.adjIn.Size6()
	}
	if n.cfg.Rules != nil {
		held = n.accepted[0]
		if six {
			held = n.accepted[1]
		}
	}
	if limit == 0 || held < limit {
		return nil
	}
	return &Exceeded{Peer: n.peer(), IPv6: six, Limit: limit, Prefixes: held + 1, Prefix: p}
}

// overLimit ends the session (RFC 4486 section 4: the data is the family and the limit) and starts it again later, if at all.
func (n *neighbor) overLimit(x *Exceeded) {
	s := n.s
	f := FamilyOf(x.Prefix)
	s.out = append(s.out, Output{Kind: OutLimit, Neighbor: n.id, Family: f, Prefix: x.Prefix, Exceeded: x})
	limit := uint32(x.Limit) //nolint:gosec // a number of prefixes
	n.stop(&Notification{Code: CodeCease, Subcode: CeaseMaxPrefixes,
		Data: []byte{byte(f.AFI >> 8), byte(f.AFI), f.SAFI, byte(limit >> 24), byte(limit >> 16), byte(limit >> 8), byte(limit)}})
	n.forget()
	if n.cfg.LimitRestart > 0 {
		n.started = true
		n.limitAt = s.now + n.cfg.LimitRestart
	}
}

// imported is what a route received offers to the decision process: nil for nothing (RFC 4271 section 9.1.2, RFC 4456 section 8,
// RFC 8212).
func (n *neighbor) imported(p netip.Prefix, raw *Attrs) *Attrs {
	if n.cfg.Rules != nil {
		a := n.cfg.Rules.Import(p, raw)
		if a == nil {
			return nil
		}
		return n.s.pool.Intern(*a)
	}
	if n.importsNothing() {
		return nil
	}
	if n.lastIn != raw {
		n.lastIn, n.lastOut = raw, n.takenOver(raw)
	}
	base := n.lastOut
	if base == nil || n.cfg.Import == nil {
		return base
	}
	out, ok, _ := n.cfg.Import.Apply(Route{Prefix: p, Attrs: base}, Context{From: n.kind, Peer: n.kind, Self: n.cfg.LocalAddr})
	if !ok {
		return nil
	}
	return n.s.pool.Intern(out)
}

// takenOver is what attributes received are before the import policy: nil where loops or the speaker's own address forbid them.
func (n *neighbor) takenOver(raw *Attrs) *Attrs {
	own := n.s.cfg.RouterID
	if ImportLoop(raw, n.localAS, n.cfg.AllowOwnAS) || n.localAS != n.s.cfg.AS && ImportLoop(raw, n.s.cfg.AS, n.cfg.AllowOwnAS) {
		return nil
	}
	if hop := raw.NextHop; hop == n.cfg.LocalAddr || hop.IsValid() && (hop == n.cfg.LocalIPv4 || hop == n.cfg.LocalIPv6) {
		return nil // RFC 4271 section 5.1.3: not its own address
	}
	var a Attrs
	switch {
	case n.kind == IBGP:
		if ReflectionLoop(raw, own, n.s.cluster()) {
			return nil
		}
		a = ImportIBGP(raw)
	case n.cfg.LocalPrefKept:
		a = ImportEBGP(raw)
		a.LocalPref, a.HasLocalPref = raw.LocalPref, raw.HasLocalPref
	default:
		a = ImportEBGP(raw)
	}
	a.Weight = n.cfg.Weight
	return n.s.pool.Intern(a)
}

// unlearn takes a route back.
func (n *neighbor) unlearn(p netip.Prefix) {
	r, ok := n.adjIn.Get(p)
	if !ok {
		return
	}
	n.adjIn.Delete(p)
	n.s.propose(p, r, nil)
}

// forget takes all routes back.
func (n *neighbor) forget() {
	n.restartAt, n.staleAt = never, never
	n.drop(func(netip.Prefix, *route) bool { return true })
}

// drop takes back the routes that are meant, in the order of their prefixes.
func (n *neighbor) drop(meant func(netip.Prefix, *route) bool) int {
	type gone struct {
		p netip.Prefix
		r *route
	}
	var list []gone
	for p, r := range n.adjIn.AllSorted() {
		if meant(p, r) {
			list = append(list, gone{p, r})
		}
	}
	for _, g := range list {
		n.adjIn.Delete(g.p)
		n.s.propose(g.p, g.r, nil)
	}
	return len(list)
}

// disable stops exchanging a family on a session that stays up (RFC 7606 section 2, "AFI/SAFI disable").
func (n *neighbor) disable(f Family) {
	n.drop(func(p netip.Prefix, _ *route) bool { return FamilyOf(p) == f })
	if f == IPv4Unicast() {
		n.speaks4 = false
	} else {
		n.speaks6 = false
	}
	n.wire.Families = slices.DeleteFunc(slices.Clone(n.wire.Families), func(x Family) bool { return x == f })
}

// refreshMessage answers a neighbour that asks for a family again, or follows its answer (RFC 2918, RFC 7313).
func (n *neighbor) refreshMessage(c *channel, body []byte) {
	s := n.s
	f, kind, bad := ParseRefresh(body)
	if bad != nil {
		n.handle(c, Event{Type: UpdateMsgErr, Notification: bad})
		return
	}
	i := n.index(f)
	if !n.refresh || i < 0 || !n.carries(f) {
		return // RFC 2918 section 4: ignored
	}
	switch {
	case kind == RefreshRequest:
		s.out = append(s.out, Output{Kind: OutRefresh, Neighbor: n.id, Family: f})
		if n.enhanced && !n.owedEORR[i] && !n.owedEOR[i] {
			from := len(s.buf)
			s.buf = AppendRefresh(s.buf, f, RefreshBegin)
			s.send(c, from)
			n.owedEORR[i] = true
		}
		n.again(f)
	case kind == RefreshBegin && n.enhanced:
		if n.restarts && !n.heardEOR[i] {
			return // RFC 7313 section 4: ignored before the End-of-RIB, which would take for stale what came before this
		}
		n.epoch[i]++
		n.staleAt = s.now + n.cfg.StaleTime
	case kind == RefreshEnd && n.enhanced:
		n.sweep(i, "")
	}
}
