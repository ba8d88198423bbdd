package bgp

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
)

// Verdict is what a term or a policy decides about a route.
type Verdict uint8

// The verdicts. The zero Verdict lets the next term decide; a policy's default must be one of the two others.
const (
	Next Verdict = iota
	Accept
	Reject
)

var verdicts = [...]string{Next: "next", Accept: "accept", Reject: "reject"}

// String gives next, accept or reject.
func (v Verdict) String() string {
	if int(v) < len(verdicts) {
		return verdicts[v]
	}
	return fmt.Sprintf("Verdict(%d)", uint8(v))
}

// MarshalText gives String.
func (v Verdict) MarshalText() ([]byte, error) {
	if int(v) >= len(verdicts) {
		return nil, fmt.Errorf("verdict %d does not exist: want accept, reject or next", uint8(v))
	}
	return []byte(verdicts[v]), nil
}

// UnmarshalText reads what MarshalText gives.
func (v *Verdict) UnmarshalText(text []byte) error {
	i := slices.Index(verdicts[:], string(text))
	if i < 0 {
		return fmt.Errorf("verdict %q: want accept, reject or next", text)
	}
	*v = Verdict(i)
	return nil
}

// Policy is a chain of terms, as a route map is. Terms are tried in order: a term that matches applies its changes, and
// then its action accepts the route, rejects it or lets the following terms see what it changed. What no term decides,
// the default does. A Policy is a value that does not change; a nil *Policy accepts everything as it is.
type Policy struct {
	Name    string  `json:"name"`
	Terms   []Term  `json:"terms"`
	Default Verdict `json:"default"`
}

// Term is one entry of a policy.
type Term struct {
	Name   string  `json:"name"`
	Match  Match   `json:"match,omitzero"`
	Set    Set     `json:"set,omitzero"`
	Action Verdict `json:"action"`
}

// Match holds a term's conditions. All that are given must hold; of a list's members, one is enough unless the field says
// otherwise. The zero Match matches every route.
type Match struct {
	Prefixes []PrefixRule `json:"prefixes,omitempty"`
	// CommunitiesAny needs one of them, CommunitiesAll each.
	CommunitiesAny []Community `json:"communitiesAny,omitempty"`
	CommunitiesAll []Community `json:"communitiesAll,omitempty"`
	// PathContains, PathOrigin and PathNeighbor look anywhere in the AS path, at its last and at its first AS. An empty
	// path matches none of them.
	PathContains []ASN `json:"pathContains,omitempty"`
	PathOrigin   []ASN `json:"pathOrigin,omitempty"`
	PathNeighbor []ASN `json:"pathNeighbor,omitempty"`
	// Peer is the kind of session that the policy stands at, From how the route came to the router.
	Peer []PeerType `json:"peer,omitempty"`
	From []PeerType `json:"from,omitempty"`
}

// PrefixRule matches prefixes as a router's prefix list does: those inside Prefix whose length is from GE to LE. With
// neither, only Prefix itself; with GE alone, up to the family's longest; with LE alone, from Prefix's own length.
type PrefixRule struct {
	Prefix netip.Prefix `json:"prefix"`
	GE     int          `json:"ge,omitempty"`
	LE     int          `json:"le,omitempty"`
}

// Set holds a term's changes. They are made in the order of the fields. Pointers tell 0 from nothing.
type Set struct {
	LocalPref *uint32 `json:"localPref,omitempty"`
	MED       *uint32 `json:"med,omitempty"`
	Weight    *uint32 `json:"weight,omitempty"` // vendor: the router's own, never sent
	Origin    *Origin `json:"origin,omitempty"`
	// NextHopSelf puts Context.Self into the next hop.
	NextHopSelf bool `json:"nextHopSelf,omitempty"`
	// StripCommunities removes all; Communities replaces all; the two others remove and add some.
	StripCommunities  bool        `json:"stripCommunities,omitempty"`
	Communities       []Community `json:"communities,omitempty"`
	RemoveCommunities []Community `json:"removeCommunities,omitempty"`
	AddCommunities    []Community `json:"addCommunities,omitempty"`
	// RemovePrivateAS is Path.RemovePrivate, ReplaceAS is Path.Replace; PrependAS is put in front PrependTimes times, in
	// addition to what the session itself prepends.
	RemovePrivateAS bool       `json:"removePrivateAS,omitempty"`
	ReplaceAS       *ReplaceAS `json:"replaceAS,omitempty"`
	PrependAS       ASN        `json:"prependAS,omitempty"`
	PrependTimes    int        `json:"prependTimes,omitempty"`
}

// ReplaceAS replaces every From in the path by To.
type ReplaceAS struct {
	From ASN `json:"from"`
	To   ASN `json:"to"`
}

// Context is what a policy may ask beyond the route.
type Context struct {
	From PeerType   // how the route came to the router
	Peer PeerType   // the session that the policy stands at; on import the same as From
	Self netip.Addr // the router's own address on that session, for NextHopSelf
}

// Apply runs the policy. It returns the attributes as changed, whether the route is accepted and the name of the term
// that decided, "" for the default. The attributes of a rejected route are those that came in. The route's own attributes
// are not changed, and nothing is allocated where a term changes no list (BenchmarkPolicy).
func (p *Policy) Apply(r Route, ctx Context) (a Attrs, accepted bool, term string) {
	a = *r.Attrs
	if p == nil {
		return a, true, ""
	}
	for i := range p.Terms {
		t := &p.Terms[i]
		if !t.Match.matches(r.Prefix, &a, ctx) {
			continue
		}
		if t.Action == Reject {
			return *r.Attrs, false, t.Name
		}
		t.Set.apply(&a, ctx)
		if t.Action == Accept {
			return a, true, t.Name
		}
	}
	if p.Default != Accept {
		return *r.Attrs, false, ""
	}
	return a, true, ""
}

func (m *Match) matches(prefix netip.Prefix, a *Attrs, ctx Context) bool {
	if len(m.From) > 0 && !slices.Contains(m.From, ctx.From) || len(m.Peer) > 0 && !slices.Contains(m.Peer, ctx.Peer) {
		return false
	}
	if len(m.Prefixes) > 0 && !matchesPrefix(m.Prefixes, prefix) {
		return false
	}
	for _, c := range m.CommunitiesAll {
		if !a.HasCommunity(c) {
			return false
		}
	}
	if len(m.CommunitiesAny) > 0 && !hasAny(a, m.CommunitiesAny) {
		return false
	}
	if len(m.PathContains) > 0 && !slices.ContainsFunc(m.PathContains, a.Path.Contains) {
		return false
	}
	if len(a.Path) == 0 {
		return len(m.PathOrigin) == 0 && len(m.PathNeighbor) == 0
	}
	return (len(m.PathOrigin) == 0 || slices.Contains(m.PathOrigin, a.Path.Origin())) &&
		(len(m.PathNeighbor) == 0 || slices.Contains(m.PathNeighbor, a.Path.First()))
}

func hasAny(a *Attrs, list []Community) bool {
	for _, c := range list {
		if a.HasCommunity(c) {
			return true
		}
	}
	return false
}

func matchesPrefix(rules []PrefixRule, p netip.Prefix) bool {
	for i := range rules {
		if rules[i].Matches(p) {
			return true
		}
	}
	return false
}

// bounds are the lengths that the rule lets through.
func (r *PrefixRule) bounds() (ge, le int) {
	own := r.Prefix.Bits()
	switch {
	case r.GE == 0 && r.LE == 0:
		return own, own
	case r.LE == 0:
		return r.GE, r.Prefix.Addr().BitLen()
	case r.GE == 0:
		return own, r.LE
	}
	return r.GE, r.LE
}

// Matches tells whether the prefix is one of the rule's.
func (r *PrefixRule) Matches(p netip.Prefix) bool {
	ge, le := r.bounds()
	return p.Bits() >= ge && p.Bits() <= le && p.Bits() >= r.Prefix.Bits() && r.Prefix.Contains(p.Addr())
}

func (s *Set) apply(a *Attrs, ctx Context) {
	if s.LocalPref != nil {
		a.LocalPref, a.HasLocalPref = *s.LocalPref, true
	}
	if s.MED != nil {
		a.MED, a.HasMED = *s.MED, true
	}
	if s.Weight != nil {
		a.Weight = *s.Weight
	}
	if s.Origin != nil {
		a.Origin = *s.Origin
	}
	if s.NextHopSelf {
		a.setNextHop(ctx.Self)
	}
	if s.StripCommunities {
		a.Communities = nil
	}
	if len(s.Communities) > 0 {
		a.Communities = normal(s.Communities)
	}
	if len(s.RemoveCommunities) > 0 {
		a.Communities = a.RemoveCommunities(s.RemoveCommunities...).Communities
	}
	if len(s.AddCommunities) > 0 {
		a.Communities = a.AddCommunities(s.AddCommunities...).Communities
	}
	if s.RemovePrivateAS {
		a.Path = a.Path.RemovePrivate()
	}
	if s.ReplaceAS != nil {
		a.Path = a.Path.Replace(s.ReplaceAS.From, s.ReplaceAS.To)
	}
	a.Path = a.Path.Prepend(s.PrependAS, s.PrependTimes)
}

// maxPrepend keeps a path inside an UPDATE message and a typing error out of a network: routers allow about as many.
const maxPrepend = 32

// Validate reports everything in the policy that no router would take or that cannot be meant, joined into one error.
func (p *Policy) Validate() error {
	if p == nil {
		return nil
	}
	var errs []error
	say := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("policy %q: "+format, append([]any{p.Name}, args...)...))
	}
	if p.Name == "" {
		say("has no name: give it one, such as \"to-microsoft\"")
	}
	if p.Default != Accept && p.Default != Reject {
		say("default is %q: want accept or reject, for the routes that no term decides", p.Default)
	}
	seen := map[string]bool{}
	for i := range p.Terms {
		t := &p.Terms[i]
		at := t.Name
		switch {
		case at == "":
			at = fmt.Sprintf("terms[%d]", i)
			say("%s has no name: verdicts name the term that decided", at)
		case seen[at]:
			say("two terms are named %q: verdicts name the term that decided", at)
		}
		seen[t.Name] = true
		t.validate(func(format string, args ...any) { say("term %q: "+format, append([]any{at}, args...)...) })
	}
	return errors.Join(errs...)
}

func (t *Term) validate(say func(format string, args ...any)) {
	if int(t.Action) >= len(verdicts) {
		say("action is %s: want accept, reject or next", t.Action)
	}
	for i := range t.Match.Prefixes {
		t.Match.Prefixes[i].validate(say)
	}
	for _, list := range [][]PeerType{t.Match.Peer, t.Match.From} {
		for _, k := range list {
			if int(k) >= len(peerTypes) {
				say("matches %s: want local, ebgp or ibgp", k)
			}
		}
	}
	if slices.Contains(t.Match.Peer, Local) {
		say("matches peer local: a session is ebgp or ibgp; for routes that the router originates match from local")
	}
	for _, list := range [][]ASN{t.Match.PathContains, t.Match.PathOrigin, t.Match.PathNeighbor} {
		if slices.Contains(list, 0) {
			say("matches AS 0, which no path may hold (RFC 7607)")
		}
	}
	s := &t.Set
	if t.Action == Reject && !s.empty() {
		say("rejects the route and changes it too: remove the changes or the rejection")
	}
	if t.Action == Next && s.empty() {
		say("neither changes nor decides anything: give it a set, or an action of accept or reject")
	}
	if s.StripCommunities && len(s.Communities) > 0 {
		say("both strips and replaces communities: communities alone replaces them all")
	}
	if s.Origin != nil && int(*s.Origin) >= len(originLetters) {
		say("sets %s: want i, e or ? (RFC 4271 section 5.1.1)", *s.Origin)
	}
	for _, c := range s.AddCommunities {
		if slices.Contains(s.RemoveCommunities, c) {
			say("both adds and removes community %s", c)
		}
	}
	switch {
	case s.PrependTimes < 0 || s.PrependTimes > maxPrepend:
		say("prepends %d times: want 1 to %d", s.PrependTimes, maxPrepend)
	case s.PrependTimes > 0 && s.PrependAS.IsReserved():
		say("prepends AS %s: want the AS number of the router (RFC 7607, RFC 7300 and RFC 6793 reserve 0, 65535, 4294967295 and 23456)", s.PrependAS)
	case s.PrependTimes == 0 && s.PrependAS != 0:
		say("gives AS %s to prepend but not how often: prependTimes is 1 to %d", s.PrependAS, maxPrepend)
	}
	if r := s.ReplaceAS; r != nil && (r.From == 0 || r.To.IsReserved() || r.From == r.To) {
		say("replaces AS %s by %s: want two different AS numbers, the second not a reserved one (RFC 7607, RFC 7300)", r.From, r.To)
	}
}

// empty tells whether the set changes nothing.
func (s *Set) empty() bool {
	return s.LocalPref == nil && s.MED == nil && s.Weight == nil && s.Origin == nil && !s.NextHopSelf && !s.StripCommunities &&
		len(s.Communities) == 0 && len(s.RemoveCommunities) == 0 && len(s.AddCommunities) == 0 && !s.RemovePrivateAS &&
		s.ReplaceAS == nil && s.PrependAS == 0 && s.PrependTimes == 0
}

func (r *PrefixRule) validate(say func(format string, args ...any)) {
	p := r.Prefix
	if !p.IsValid() {
		say("a prefix rule has no prefix: want one such as 10.0.0.0/16")
		return
	}
	if p.Addr().Is4In6() {
		say("prefix %s is IPv4 written as IPv6: write it as IPv4", p)
	}
	if p != p.Masked() {
		say("prefix %s has bits set beyond its length: want %s", p, p.Masked())
	}
	ge, le := r.bounds()
	if longest := p.Addr().BitLen(); r.GE < 0 || r.LE < 0 || ge < p.Bits() || le < ge || le > longest {
		say("prefix %s with ge %d and le %d matches nothing: want %d <= ge <= le <= %d", p, r.GE, r.LE, p.Bits(), longest)
	}
}
