package bgp

import (
	"encoding/binary"
	"iter"
	"net/netip"
	"slices"
)

// Pool interns attributes by content: equal attributes share one *Attrs, so that comparing pointers compares content and a
// table of a million routes holds each path once. The caller owns it; there is none of the package's own. The zero Pool
// is not ready: use NewPool. A Pool is not safe for use by two goroutines at once; what it returned is, being immutable.
type Pool struct {
	byKey map[string]*Attrs
	key   []byte // scratch, so that a hit allocates nothing
}

// NewPool returns an empty pool.
func NewPool() *Pool { return &Pool{byKey: map[string]*Attrs{}} }

// Len is the number of different attributes in the pool.
func (p *Pool) Len() int { return len(p.byKey) }

// Intern returns the pool's own attributes of this content, which nobody may change. Communities may come in any order; a
// MED or LocalPref without its Has flag counts as absent. The slices of a are copied when they are kept.
func (p *Pool) Intern(a Attrs) *Attrs {
	a.Communities, a.ExtCommunities, a.LargeCommunities = normal(a.Communities), normal(a.ExtCommunities), normalLarge(a.LargeCommunities)
	if !a.HasMED {
		a.MED = 0
	}
	if !a.HasLocalPref {
		a.LocalPref = 0
	}
	p.key = appendKey(p.key[:0], &a)
	if known, ok := p.byKey[string(p.key)]; ok { // the compiler does not copy the key for a look-up
		return known
	}
	own := new(Attrs)
	*own = a
	own.Path = cloned(a.Path)
	own.Communities = cloned(a.Communities)
	own.ExtCommunities = cloned(a.ExtCommunities)
	own.LargeCommunities = cloned(a.LargeCommunities)
	own.ClusterList = cloned(a.ClusterList)
	own.Rest = a.Rest.cloned()
	p.byKey[string(p.key)] = own
	return own
}

// cloned is a copy without spare capacity, nil for an empty slice.
func cloned[S ~[]E, E any](s S) S {
	if len(s) == 0 {
		return nil
	}
	return slices.Clip(slices.Clone(s))
}

// cloned is a copy that shares nothing that can change, nil for nothing.
func (r *Rest) cloned() *Rest {
	if r.empty() {
		return nil
	}
	own := *r
	own.Unknown = cloned(r.Unknown)
	if !own.Aggregator.IsValid() {
		own.AggregatorAS = 0
	}
	return &own
}

// appendKey appends an encoding that differs whenever the content does: every list goes with its length.
func appendKey(b []byte, a *Attrs) []byte {
	var flags byte
	if a.HasMED {
		flags |= 1
	}
	if a.HasLocalPref {
		flags |= 2
	}
	rest := !a.Rest.empty()
	if rest {
		flags |= 4
	}
	b = append(b, flags, byte(a.Origin))
	b = binary.BigEndian.AppendUint32(b, a.MED)
	b = binary.BigEndian.AppendUint32(b, a.LocalPref)
	b = binary.BigEndian.AppendUint32(b, a.Weight)
	b = appendAddr(b, a.NextHop)
	b = appendAddr(b, a.NextHopLocal)
	b = appendAddr(b, a.OriginatorID)
	b = binary.AppendUvarint(b, uint64(len(a.Path)))
	for _, n := range a.Path {
		b = binary.BigEndian.AppendUint32(b, uint32(n))
	}
	b = binary.AppendUvarint(b, uint64(len(a.Communities)))
	for _, c := range a.Communities {
		b = binary.BigEndian.AppendUint32(b, uint32(c))
	}
	b = binary.AppendUvarint(b, uint64(len(a.ClusterList)))
	for _, c := range a.ClusterList {
		b = appendAddr(b, c)
	}
	b = binary.AppendUvarint(b, uint64(len(a.ExtCommunities)))
	for _, c := range a.ExtCommunities {
		b = binary.BigEndian.AppendUint64(b, uint64(c))
	}
	b = binary.AppendUvarint(b, uint64(len(a.LargeCommunities)))
	for _, c := range a.LargeCommunities {
		b = c.append(b)
	}
	if rest {
		b = appendRestKey(b, a.Rest)
	}
	return b
}

func appendRestKey(b []byte, r *Rest) []byte {
	var atomic byte
	if r.AtomicAggregate {
		atomic = 1
	}
	b = appendAddr(append(b, atomic), r.Aggregator)
	if r.Aggregator.IsValid() {
		b = binary.BigEndian.AppendUint32(b, uint32(r.AggregatorAS))
	}
	b = binary.AppendUvarint(b, uint64(len(r.Unknown)))
	for _, u := range r.Unknown {
		b = binary.AppendUvarint(append(b, u.Type), uint64(len(u.Value)))
		b = append(b, u.Value...)
	}
	return b
}

// appendAddr keeps apart what netip keeps apart: no address, IPv4, IPv6 (IPv4-mapped included) and zones.
func appendAddr(b []byte, a netip.Addr) []byte {
	b = append(b, byte(a.BitLen()))
	if !a.IsValid() {
		return b
	}
	if a.Is4() {
		v := a.As4()
		return append(b, v[:]...)
	}
	v := a.As16()
	b = append(b, v[:]...)
	b = binary.AppendUvarint(b, uint64(len(a.Zone())))
	return append(b, a.Zone()...)
}

// Sweep forgets all attributes but the live ones, so that a pool does not grow for ever. Attributes that the caller goes on
// holding without naming them stay as they are, but equal ones interned later have another pointer.
func (p *Pool) Sweep(live iter.Seq[*Attrs]) {
	alive := map[*Attrs]bool{}
	for a := range live {
		alive[a] = true
	}
	kept := make(map[string]*Attrs, len(alive)) // a map does not shrink when entries go
	for key, a := range p.byKey {
		if alive[a] {
			kept[key] = a
		}
	}
	p.byKey = kept
}
