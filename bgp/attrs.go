package bgp

import (
	"fmt"
	"net/netip"
	"slices"
)

// Origin is the ORIGIN attribute (RFC 4271 section 5.1.1). Lower is preferred.
type Origin uint8

// The origins, in the order of preference.
const (
	OriginIGP Origin = iota
	OriginEGP
	OriginIncomplete
)

var originLetters = [...]string{OriginIGP: "i", OriginEGP: "e", OriginIncomplete: "?"}

// String gives the letter that routers print: i, e or ?.
func (o Origin) String() string {
	if int(o) < len(originLetters) {
		return originLetters[o]
	}
	return fmt.Sprintf("Origin(%d)", uint8(o))
}

// MarshalText gives the letter.
func (o Origin) MarshalText() ([]byte, error) {
	if int(o) >= len(originLetters) {
		return nil, fmt.Errorf("origin %d: want 0 (IGP), 1 (EGP) or 2 (incomplete) (RFC 4271 section 5.1.1)", uint8(o))
	}
	return []byte(originLetters[o]), nil
}

// UnmarshalText reads the letter, or the words igp, egp and incomplete.
func (o *Origin) UnmarshalText(text []byte) error {
	switch string(text) {
	case "i", "igp":
		*o = OriginIGP
	case "e", "egp":
		*o = OriginEGP
	case "?", "incomplete":
		*o = OriginIncomplete
	default:
		return fmt.Errorf("origin %q: want i, e or ? (RFC 4271 section 5.1.1)", text)
	}
	return nil
}

// DefaultLocalPref is what a route without LOCAL_PREF counts as. RFC 4271 section 9.1.1 leaves the number to the
// operator; 100 is every vendor's.
const DefaultLocalPref = 100

// Attrs is the set of path attributes that routes to one or more prefixes share. What a *Attrs points to is never changed
// after it is made: the With methods return a changed copy, which shares the slices that did not change.
type Attrs struct {
	Path    Path
	Origin  Origin
	NextHop netip.Addr // the zero Addr where the caller does not model next hops
	// NextHopLocal is the link-local address beside an IPv6 next hop (RFC 2545 section 3), or the zero Addr.
	NextHopLocal netip.Addr
	// MED counts only with HasMED, LocalPref only with HasLocalPref: 0 is a value of its own.
	MED          uint32
	HasMED       bool
	LocalPref    uint32
	HasLocalPref bool
	// Communities, ExtCommunities and LargeCommunities are sorted and have no duplicates.
	Communities      []Community
	ExtCommunities   []ExtCommunity
	LargeCommunities []LargeCommunity
	// Weight is the router's own and never sent (vendor step).
	Weight uint32
	// OriginatorID and ClusterList are set by route reflectors (RFC 4456 section 8), the last reflector first.
	OriginatorID netip.Addr
	ClusterList  []netip.Addr
	// Rest is what neither decisions nor policies look at; nil for nothing.
	Rest *Rest
}

// Rest holds path attributes that a speaker only carries on. It does not change once it is in Attrs.
type Rest struct {
	// AtomicAggregate tells that some speaker dropped more specific routes' paths (RFC 4271 section 5.1.6).
	AtomicAggregate bool
	// AggregatorAS and Aggregator tell who formed the route by aggregation (RFC 4271 section 5.1.7); no attribute for the zero Addr.
	AggregatorAS ASN
	Aggregator   netip.Addr
	// Unknown are optional transitive attributes that this package does not know, by type (RFC 4271 section 5).
	Unknown []UnknownAttr
}

// UnknownAttr is an optional transitive attribute that is passed on as it is, with the Partial bit set.
type UnknownAttr struct {
	Type  uint8
	Value string // its octets; a string because it does not change
}

// EffectiveLocalPref is the local preference that the decision process uses: DefaultLocalPref without one.
func (a *Attrs) EffectiveLocalPref() uint32 {
	if a.HasLocalPref {
		return a.LocalPref
	}
	return DefaultLocalPref
}

// HasCommunity tells whether the route carries the community.
func (a *Attrs) HasCommunity(c Community) bool {
	_, ok := slices.BinarySearch(a.Communities, c)
	return ok
}

// Equal tells whether both have the same content. A value without its Has flag does not count.
func (a *Attrs) Equal(b *Attrs) bool {
	if a == b {
		return true
	}
	if a == nil || b == nil {
		return false
	}
	return a.Origin == b.Origin && a.NextHop == b.NextHop && a.NextHopLocal == b.NextHopLocal && a.Weight == b.Weight && a.OriginatorID == b.OriginatorID &&
		a.HasMED == b.HasMED && (!a.HasMED || a.MED == b.MED) &&
		a.HasLocalPref == b.HasLocalPref && (!a.HasLocalPref || a.LocalPref == b.LocalPref) &&
		slices.Equal(a.Path, b.Path) && slices.Equal(a.Communities, b.Communities) && slices.Equal(a.ClusterList, b.ClusterList) &&
		slices.Equal(a.ExtCommunities, b.ExtCommunities) && slices.Equal(a.LargeCommunities, b.LargeCommunities) && a.Rest.equal(b.Rest)
}

// empty tells whether there is nothing to carry on: nil and a Rest without content are the same.
func (r *Rest) empty() bool {
	return r == nil || !r.AtomicAggregate && !r.Aggregator.IsValid() && len(r.Unknown) == 0
}

// equal compares the content; an AggregatorAS without an Aggregator does not count.
func (r *Rest) equal(s *Rest) bool {
	if r == s || r.empty() || s.empty() {
		return r.empty() && s.empty() || r == s
	}
	return r.AtomicAggregate == s.AtomicAggregate && r.Aggregator == s.Aggregator &&
		(!r.Aggregator.IsValid() || r.AggregatorAS == s.AggregatorAS) && slices.Equal(r.Unknown, s.Unknown)
}

// WithPath returns a copy with another path.
func (a *Attrs) WithPath(p Path) Attrs { b := *a; b.Path = p; return b }

// WithOrigin returns a copy with another origin.
func (a *Attrs) WithOrigin(o Origin) Attrs { b := *a; b.Origin = o; return b }

// WithNextHop returns a copy with another next hop. The link-local address, which was the old one's, goes.
func (a *Attrs) WithNextHop(h netip.Addr) Attrs {
	b := *a
	b.setNextHop(h)
	return b
}

func (a *Attrs) setNextHop(h netip.Addr) {
	if a.NextHop != h {
		a.NextHop, a.NextHopLocal = h, netip.Addr{}
	}
}

// WithNextHops returns a copy with an IPv6 next hop and the link-local address beside it (RFC 2545 section 3).
func (a *Attrs) WithNextHops(global, local netip.Addr) Attrs {
	b := *a
	b.NextHop, b.NextHopLocal = global, local
	return b
}

// WithMED returns a copy with this MULTI_EXIT_DISC.
func (a *Attrs) WithMED(v uint32) Attrs { b := *a; b.MED, b.HasMED = v, true; return b }

// WithoutMED returns a copy without MULTI_EXIT_DISC.
func (a *Attrs) WithoutMED() Attrs { b := *a; b.MED, b.HasMED = 0, false; return b }

// WithLocalPref returns a copy with this LOCAL_PREF.
func (a *Attrs) WithLocalPref(v uint32) Attrs {
	b := *a
	b.LocalPref, b.HasLocalPref = v, true
	return b
}

// WithoutLocalPref returns a copy without LOCAL_PREF.
func (a *Attrs) WithoutLocalPref() Attrs {
	b := *a
	b.LocalPref, b.HasLocalPref = 0, false
	return b
}

// WithWeight returns a copy with this weight.
func (a *Attrs) WithWeight(v uint32) Attrs { b := *a; b.Weight = v; return b }

// WithCommunities returns a copy with exactly these communities, in any order; list itself is not changed.
func (a *Attrs) WithCommunities(list ...Community) Attrs {
	b := *a
	b.Communities = normal(list)
	return b
}

// WithExtCommunities returns a copy with exactly these extended communities, in any order; list itself is not changed.
func (a *Attrs) WithExtCommunities(list ...ExtCommunity) Attrs {
	b := *a
	b.ExtCommunities = normal(list)
	return b
}

// WithLargeCommunities returns a copy with exactly these large communities, in any order; list itself is not changed.
func (a *Attrs) WithLargeCommunities(list ...LargeCommunity) Attrs {
	b := *a
	b.LargeCommunities = normalLarge(list)
	return b
}

// AddCommunities returns a copy with these communities besides its own. It allocates only if one is new.
func (a *Attrs) AddCommunities(list ...Community) Attrs {
	b := *a
	for _, c := range list {
		if !a.HasCommunity(c) {
			b.Communities = normal(append(slices.Clone(a.Communities), list...))
			break
		}
	}
	return b
}

// RemoveCommunities returns a copy without these communities. It allocates only if one is there.
func (a *Attrs) RemoveCommunities(list ...Community) Attrs {
	b := *a
	for _, c := range list {
		if a.HasCommunity(c) {
			b.Communities = slices.DeleteFunc(slices.Clone(a.Communities), func(c Community) bool { return slices.Contains(list, c) })
			break
		}
	}
	return b
}
