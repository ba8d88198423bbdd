package bgp

import (
	"fmt"
	"iter"
	"net/netip"
	"slices"

	"github.com/gaissmai/bart"
)

// prefixTable is a table by prefix whose snapshots cost nothing: until the first one it is changed in place, from then on
// both sides copy the few nodes on the way to what they change (bart's persistent operations) and share the rest.
type prefixTable[V any] struct {
	t      *bart.Table[V]
	shared bool
}

func newPrefixTable[V any]() prefixTable[V] { return prefixTable[V]{t: new(bart.Table[V])} }

func (p *prefixTable[V]) insert(prefix netip.Prefix, v V) {
	if p.shared {
		p.t = p.t.InsertPersist(prefix, v)
		return
	}
	p.t.Insert(prefix, v)
}

func (p *prefixTable[V]) remove(prefix netip.Prefix) {
	if p.shared {
		p.t = p.t.DeletePersist(prefix)
		return
	}
	p.t.Delete(prefix)
}

func (p *prefixTable[V]) snapshot() prefixTable[V] {
	p.shared = true
	return *p
}

// longest finds the most specific prefix that holds the address.
func (p *prefixTable[V]) longest(a netip.Addr) (prefix netip.Prefix, v V, ok bool) {
	a = a.WithZone("")
	if !a.IsValid() {
		return prefix, v, false
	}
	return p.t.LookupPrefixLPM(netip.PrefixFrom(a, a.BitLen()))
}

// mustBeMasked panics for a prefix that no UPDATE can carry: a broken invariant of the caller.
func mustBeMasked(p netip.Prefix) {
	if !p.IsValid() || p != p.Masked() || p.Addr().Is4In6() {
		panic(fmt.Sprintf("bgp: prefix %s in a RIB: want a valid prefix without bits beyond its length", p))
	}
}

// Limit is a maximum number of prefixes of one address family; a Max of 0 is no limit.
type Limit struct{ Max int }

// Exceeded says that a peer announced more prefixes than its limit allows. The session ends with a Cease (RFC 4271
// section 6.7, RFC 4486); the caller does that.
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

// AdjRIBIn holds what one peer announced (RFC 4271 section 3.2), one route to a prefix, and counts it against the peer's
// limits. Its methods panic for prefixes that are not masked. It is not safe for use by two goroutines at once.
type AdjRIBIn struct {
	peer       Peer
	ipv4, ipv6 Limit
	routes     prefixTable[*Attrs]
}

// NewAdjRIBIn returns an empty table for the peer with a limit for each address family.
func NewAdjRIBIn(peer Peer, ipv4, ipv6 Limit) *AdjRIBIn {
	return &AdjRIBIn{peer: peer, ipv4: ipv4, ipv6: ipv6, routes: newPrefixTable[*Attrs]()}
}

// Peer is whose routes these are.
func (r *AdjRIBIn) Peer() Peer { return r.peer }

// Update stores an announcement, which replaces an earlier one of the same prefix. It returns an event if the peer now
// holds more prefixes than it may; the route is stored all the same.
func (r *AdjRIBIn) Update(p netip.Prefix, a *Attrs) *Exceeded {
	mustBeMasked(p)
	r.routes.insert(p, a)
	limit, held := r.ipv4, r.routes.t.Size4()
	six := p.Addr().Is6()
	if six {
		limit, held = r.ipv6, r.routes.t.Size6()
	}
	if limit.Max == 0 || held <= limit.Max {
		return nil
	}
	return &Exceeded{Peer: r.peer, IPv6: six, Limit: limit.Max, Prefixes: held, Prefix: p}
}

// Withdraw removes a prefix and tells whether it was there.
func (r *AdjRIBIn) Withdraw(p netip.Prefix) bool {
	mustBeMasked(p)
	if _, ok := r.routes.t.Get(p); !ok {
		return false
	}
	r.routes.remove(p)
	return true
}

// Get returns the route to exactly this prefix.
func (r *AdjRIBIn) Get(p netip.Prefix) (Route, bool) {
	a, ok := r.routes.t.Get(p)
	if !ok {
		return Route{}, false
	}
	return Route{Prefix: p, Attrs: a, Peer: r.peer}, true
}

// Len is the number of prefixes of both families.
func (r *AdjRIBIn) Len() int { return r.routes.t.Size() }

// All yields the routes by address, then length, IPv4 first.
func (r *AdjRIBIn) All() iter.Seq[Route] {
	return func(yield func(Route) bool) {
		for p, a := range r.routes.t.AllSorted() {
			if !yield(Route{Prefix: p, Attrs: a, Peer: r.peer}) {
				return
			}
		}
	}
}

// Snapshot returns a table of the same content at once; changes to either do not show in the other.
func (r *AdjRIBIn) Snapshot() *AdjRIBIn {
	c := *r
	c.routes = r.routes.snapshot()
	return &c
}

// Entry is what the Loc-RIB holds for a prefix. It does not change once it is there: readers may keep it.
type Entry struct {
	Candidates []Candidate // by Session
	Paths      []int       // indices of the routes in use, the best first; never empty
	Step       Step        // what decided for the best
}

// Best is the selected route.
func (e *Entry) Best() *Candidate { return &e.Candidates[e.Paths[0]] }

// LocRIB holds the candidates for each prefix and the routes that the decision process selected (RFC 4271 section 3.2).
// Its methods panic for prefixes that are not masked. It is not safe for use by two goroutines at once.
type LocRIB struct {
	cfg    Config
	routes prefixTable[*Entry]
}

// NewLocRIB returns an empty table that decides as cfg says.
func NewLocRIB(cfg Config) *LocRIB { return &LocRIB{cfg: cfg, routes: newPrefixTable[*Entry]()} }

// Update adds a candidate, which replaces the one of the same Session, and decides anew. It tells whether the routes in
// use changed: which they are, or their attributes.
func (r *LocRIB) Update(p netip.Prefix, c Candidate) (changed bool) {
	mustBeMasked(p)
	var cs []Candidate
	old, _ := r.routes.t.Get(p)
	if old != nil {
		cs = old.Candidates
	}
	i, found := bySession(cs, c.Session)
	switch {
	case found && same(&cs[i], &c):
		return false
	case found:
		cs = slices.Clone(cs)
		cs[i] = c
	default:
		grown := make([]Candidate, 0, len(cs)+1)
		cs = append(append(append(grown, cs[:i]...), c), cs[i:]...)
	}
	return r.decide(p, old, cs)
}

// Withdraw removes a session's candidate and decides anew. It tells whether the routes in use changed.
func (r *LocRIB) Withdraw(p netip.Prefix, session int32) (changed bool) {
	mustBeMasked(p)
	old, ok := r.routes.t.Get(p)
	if !ok {
		return false
	}
	i, found := bySession(old.Candidates, session)
	if !found {
		return false
	}
	if len(old.Candidates) == 1 {
		r.routes.remove(p)
		return true
	}
	return r.decide(p, old, slices.Delete(slices.Clone(old.Candidates), i, i+1))
}

// Drop removes all candidates of a session that went down. It returns the prefixes whose routes in use changed, sorted.
func (r *LocRIB) Drop(session int32) []netip.Prefix {
	var theirs, changed []netip.Prefix
	for p, e := range r.routes.t.AllSorted() {
		if _, found := bySession(e.Candidates, session); found {
			theirs = append(theirs, p)
		}
	}
	for _, p := range theirs {
		if r.Withdraw(p, session) {
			changed = append(changed, p)
		}
	}
	return changed
}

func (r *LocRIB) decide(p netip.Prefix, old *Entry, cs []Candidate) (changed bool) {
	e := &Entry{Candidates: cs}
	e.Paths, e.Step = Multipath(cs, r.cfg, nil)
	r.routes.insert(p, e)
	if old == nil || len(old.Paths) != len(e.Paths) {
		return true
	}
	for k := range e.Paths {
		if !same(&old.Candidates[old.Paths[k]], &e.Candidates[e.Paths[k]]) {
			return true
		}
	}
	return false
}

// same compares candidates with their attributes by content.
func same(a, b *Candidate) bool {
	x, y := *a, *b
	x.Attrs, y.Attrs = nil, nil
	return x == y && a.Attrs.Equal(b.Attrs)
}

func bySession(cs []Candidate, session int32) (int, bool) {
	return slices.BinarySearchFunc(cs, session, func(c Candidate, s int32) int {
		switch {
		case c.Session < s:
			return -1
		case c.Session > s:
			return 1
		}
		return 0
	})
}

// Get returns the entry of exactly this prefix, nil without one.
func (r *LocRIB) Get(p netip.Prefix) *Entry {
	e, _ := r.routes.t.Get(p)
	return e
}

// Lookup returns the longest prefix that holds the address, and its entry, nil without one.
func (r *LocRIB) Lookup(a netip.Addr) (netip.Prefix, *Entry) {
	p, e, _ := r.routes.longest(a)
	return p, e
}

// Len is the number of prefixes of both families.
func (r *LocRIB) Len() int { return r.routes.t.Size() }

// All yields the entries by address, then length, IPv4 first.
func (r *LocRIB) All() iter.Seq2[netip.Prefix, *Entry] { return r.routes.t.AllSorted() }

// Snapshot returns a table of the same content at once; changes to either do not show in the other.
func (r *LocRIB) Snapshot() *LocRIB { return &LocRIB{cfg: r.cfg, routes: r.routes.snapshot()} }

// AdjRIBOut holds what was last announced to one peer (RFC 4271 section 3.2), so that nothing is said twice. Its methods
// panic for prefixes that are not masked. It is not safe for use by two goroutines at once.
type AdjRIBOut struct{ routes prefixTable[*Attrs] }

// NewAdjRIBOut returns an empty table.
func NewAdjRIBOut() *AdjRIBOut { return &AdjRIBOut{routes: newPrefixTable[*Attrs]()} }

// Announce notes what the peer is to hold and tells whether it must be sent: the peer has it neither so nor at all.
func (r *AdjRIBOut) Announce(p netip.Prefix, a *Attrs) (send bool) {
	mustBeMasked(p)
	if old, ok := r.routes.t.Get(p); ok && old.Equal(a) {
		return false
	}
	r.routes.insert(p, a)
	return true
}

// Withdraw notes that the peer is to hold nothing and tells whether a withdrawal must be sent.
func (r *AdjRIBOut) Withdraw(p netip.Prefix) (send bool) {
	mustBeMasked(p)
	if _, ok := r.routes.t.Get(p); !ok {
		return false
	}
	r.routes.remove(p)
	return true
}

// Get returns what the peer holds for exactly this prefix, nil for nothing.
func (r *AdjRIBOut) Get(p netip.Prefix) *Attrs {
	a, _ := r.routes.t.Get(p)
	return a
}

// Len is the number of prefixes of both families.
func (r *AdjRIBOut) Len() int { return r.routes.t.Size() }

// All yields what the peer holds by address, then length, IPv4 first.
func (r *AdjRIBOut) All() iter.Seq2[netip.Prefix, *Attrs] { return r.routes.t.AllSorted() }

// Snapshot returns a table of the same content at once; changes to either do not show in the other.
func (r *AdjRIBOut) Snapshot() *AdjRIBOut { return &AdjRIBOut{routes: r.routes.snapshot()} }
