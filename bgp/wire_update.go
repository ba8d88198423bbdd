package bgp

import (
	"fmt"
	"net/netip"
	"slices"
)

// WireOptions is what a session's two ends agreed on, as far as it changes UPDATE messages.
type WireOptions struct {
	FourOctetAS bool // both announced four-octet AS numbers (RFC 6793)
	IBGP        bool
	// KeepLocalPref does not discard the LOCAL_PREF of an eBGP neighbour (vendor).
	KeepLocalPref bool
	// Families are those that both announced; none is IPv4 unicast alone, as without RFC 4760.
	Families []Family
}

// carries tells whether prefixes of the family count. Only those that this package routes do.
func (o *WireOptions) carries(f Family) bool {
	if f != IPv4Unicast() && f != IPv6Unicast() {
		return false
	}
	return slices.Contains(o.Families, f) || len(o.Families) == 0 && f == IPv4Unicast()
}

// Update is the content of an UPDATE message (RFC 4271 section 4.3). Its slices, those of Attrs and what Rest points to are
// the Update's own and valid until its next Parse, so that a reused Update parses without allocation; Pool.Intern copies them.
type Update struct {
	Withdrawn []netip.Prefix // of every family; none of them is announced by the same message
	Attrs     Attrs          // NextHop is NLRI's; MPAttrs has the other
	NLRI      []netip.Prefix // IPv4, of the message's own field
	// MPNLRI, MPNextHop and MPNextHopLocal are from MP_REACH_NLRI (RFC 4760 section 3, RFC 2545 section 3). A link-local address
	// has no zone.
	MPNLRI                    []netip.Prefix
	MPNextHop, MPNextHopLocal netip.Addr
	// EndOfRIB is the family that the message is a marker for (RFC 4724 section 2), zero where it is none.
	EndOfRIB Family
	// Discarded are the types of attributes that were left out: malformed ones that do not cost the route, those that an eBGP
	// neighbour has no business to send, repeated ones (RFC 7606), and MP attributes of families that were not agreed on.
	Discarded []uint8
	// Ignored counts prefixes that nothing can be routed to, such as multicast ones; they are left out (RFC 4271 section 6.3).
	Ignored int

	scratch scratch
}

// scratch is the memory that one Parse hands on to the next, and what is known of the message halfway.
type scratch struct {
	path, path4  Path
	communities  []Community
	ext          []ExtCommunity
	large        []LargeCommunity
	clusters     []netip.Addr
	unknown      []UnknownAttr
	rest         Rest
	announced    []netip.Prefix
	aggregatorAS ASN // of AS4_AGGREGATOR, with aggregator
	aggregator   netip.Addr

	opts     WireOptions
	body     bool // the NLRI field is not empty
	seen     [4]uint64
	reach    bool // MP_REACH_NLRI holds prefixes, of whatever family
	marker   Family
	withdraw bool // some error asks for treat-as-withdraw
	err      *UpdateError
}

// Severity is what an error in an UPDATE costs (RFC 7606 section 2).
type Severity uint8

// The severities; the higher prevails. Attributes that can be discarded are no error: see Update.Discarded.
const (
	TreatAsWithdraw Severity = iota + 1
	DisableFamily
	SessionReset
)

var severities = [...]string{TreatAsWithdraw: "treat-as-withdraw", DisableFamily: "AFI/SAFI disable", SessionReset: "session reset"}

// String gives the RFC's word.
func (s Severity) String() string {
	if s == 0 || int(s) >= len(severities) {
		return fmt.Sprintf("Severity(%d)", uint8(s))
	}
	return severities[s]
}

// UpdateError tells what is wrong in an UPDATE and what follows.
type UpdateError struct {
	Severity Severity
	// Notification is what RFC 4271 section 6.3 would have sent; it is to be sent for SessionReset.
	Notification Notification
	Family       Family // for DisableFamily
	Reason       string
}

// Error gives severity and reason.
func (e *UpdateError) Error() string { return e.Severity.String() + ": " + e.Reason }

// Parse reads the body of an UPDATE with the error handling of RFC 7606. Whatever it returns, u says what to do: after
// TreatAsWithdraw the announced prefixes are among the withdrawn ones; after DisableFamily all prefixes of that family are gone
// and the rest of the message counts. Only after SessionReset nothing of u counts. Whether the path begins with the
// neighbour's AS, and whether a next hop can be used, is not looked at.
func (u *Update) Parse(body []byte, o WireOptions) *UpdateError {
	u.reset(o)
	s := &u.scratch
	withdrawn, attrs, nlri, ok := cutUpdate(body)
	if !ok {
		u.fail(SessionReset, updateAttrList, nil, "the lengths of the fields do not fit into the message (RFC 7606 section 3 (b))")
		return s.err
	}
	s.body = len(nlri) > 0
	if !u.fields(withdrawn, nlri) {
		return s.err
	}
	attributes := u.attributes(attrs)
	if s.err != nil && s.err.Severity == SessionReset {
		return s.err
	}
	u.mandatory()
	// RFC 7606 section 5.2: without prefixes that can be reached, nobody knows which routes a broken attribute was meant for.
	if s.withdraw && !s.body && !s.reach {
		s.err.Severity = SessionReset
		return s.err
	}
	u.merge()
	switch {
	case s.err != nil:
	case len(body) == 4 && o.carries(IPv4Unicast()):
		u.EndOfRIB = IPv4Unicast()
	case attributes == 1 && len(withdrawn) == 0 && !s.body:
		u.EndOfRIB = s.marker
	}
	if s.withdraw {
		u.Withdrawn = append(append(u.Withdrawn, u.NLRI...), u.MPNLRI...)
		u.NLRI, u.MPNLRI = u.NLRI[:0], u.MPNLRI[:0]
	}
	if s.err != nil && s.err.Severity == DisableFamily {
		gone := func(p netip.Prefix) bool { return FamilyOf(p) == s.err.Family }
		u.Withdrawn, u.NLRI, u.MPNLRI = slices.DeleteFunc(u.Withdrawn, gone), slices.DeleteFunc(u.NLRI, gone), slices.DeleteFunc(u.MPNLRI, gone)
	}
	u.announceOnly()
	return s.err
}

// MPAttrs are the attributes of MPNLRI: Attrs with the next hops of MP_REACH_NLRI.
func (u *Update) MPAttrs() Attrs { return u.Attrs.WithNextHops(u.MPNextHop, u.MPNextHopLocal) }

// reset empties u and keeps its memory.
func (u *Update) reset(o WireOptions) {
	s := &u.scratch
	*u = Update{Withdrawn: u.Withdrawn[:0], NLRI: u.NLRI[:0], MPNLRI: u.MPNLRI[:0], Discarded: u.Discarded[:0], scratch: scratch{
		path: s.path[:0], path4: s.path4[:0], communities: s.communities[:0], ext: s.ext[:0], large: s.large[:0],
		clusters: s.clusters[:0], unknown: s.unknown[:0], announced: s.announced[:0], opts: o,
	}}
}

// cutUpdate finds the three fields (RFC 4271 section 4.3).
func cutUpdate(b []byte) (withdrawn, attrs, nlri []byte, ok bool) {
	if withdrawn, b, ok = cutField(b, 2); !ok {
		return nil, nil, nil, false
	}
	attrs, nlri, ok = cutField(b, 2)
	return withdrawn, attrs, nlri, ok
}

// fields reads the two fields of IPv4 prefixes. A mistake there costs the session: where the next prefix begins is lost
// (RFC 7606 sections 3 (i), 3 (j) and 5.3).
func (u *Update) fields(withdrawn, nlri []byte) bool {
	var ok bool
	var ignored int
	if u.Withdrawn, _, ok = parseIPv4(u.Withdrawn, withdrawn); !ok {
		u.fail(SessionReset, updateNetwork, nil, "a withdrawn prefix is too long for its field or longer than 32 bits (RFC 7606 section 5.3)")
		return false
	}
	if u.NLRI, ignored, ok = parseIPv4(u.NLRI, nlri); !ok {
		u.fail(SessionReset, updateNetwork, nil, "a prefix is too long for its field or longer than 32 bits (RFC 7606 section 5.3)")
		return false
	}
	u.Ignored += ignored
	if !u.scratch.opts.carries(IPv4Unicast()) {
		u.Withdrawn, u.NLRI = u.Withdrawn[:0], u.NLRI[:0]
	}
	return true
}

// attributes goes through the path attributes and tells how many there are.
func (u *Update) attributes(b []byte) (count int) {
	s := &u.scratch
	for ; len(b) > 0; count++ {
		kind, head := uint8(0), 3
		if b[0]&flagExtended != 0 {
			head = 4
		}
		length := -1
		if len(b) >= head {
			kind, length = b[1], int(b[2])
			if head == 4 {
				length = length<<8 | int(b[3])
			}
		}
		if length < 0 || length > len(b)-head {
			// RFC 7606 section 4: the length of the whole list finds the NLRI field all the same. What a broken MP attribute
			// says of its prefixes, nothing finds.
			severity := TreatAsWithdraw
			if kind == attrMPReach || kind == attrMPUnreach {
				severity = SessionReset
			}
			u.fail(severity, updateAttrList, nil, "the last path attribute does not fit into the list (RFC 7606 section 4)")
			return count + 1
		}
		whole, value := b[:head+length], b[head:head+length]
		b = b[head+length:]
		if bit := uint64(1) << (kind & 63); s.seen[kind>>6]&bit == 0 {
			s.seen[kind>>6] |= bit
			u.attribute(whole[0], kind, value, whole)
			continue
		}
		// RFC 7606 section 3 (g): the first counts; two MP attributes cannot both be believed.
		if kind == attrMPReach || kind == attrMPUnreach {
			u.fail(SessionReset, updateAttrList, nil, attrName(kind)+" is there twice (RFC 7606 section 3 (g))")
			continue
		}
		u.Discarded = append(u.Discarded, kind)
	}
	return count
}

// has tells whether an attribute was there.
func (s *scratch) has(kind uint8) bool { return s.seen[kind>>6]&(1<<(kind&63)) != 0 }

// mandatory looks for attributes that announced prefixes need (RFC 4271 section 5, RFC 7606 section 3 (d)). LOCAL_PREF is
// not missed from an iBGP neighbour: it is discretionary, and a route without one has the default.
func (u *Update) mandatory() {
	s := &u.scratch
	if !s.body && !s.reach {
		return
	}
	for _, kind := range [...]uint8{attrOrigin, attrPath, attrNextHop} {
		if !s.has(kind) && (kind != attrNextHop || s.body) { // RFC 4760 section 3: NEXT_HOP only for the NLRI field
			u.fail(TreatAsWithdraw, updateMissing, []byte{kind}, attrName(kind)+" is missing (RFC 7606 section 3 (d))")
		}
	}
}

// merge puts the attributes together: those of two octets with those of four (RFC 6793 section 4.2.3), and lists in order.
func (u *Update) merge() {
	s, a := &u.scratch, &u.Attrs
	// An AS4_AGGREGATOR means that the aggregator's number is too long for AGGREGATOR. Where that has another, a speaker of
	// two octets aggregated anew, and what both AS4 attributes say is of the past.
	fresh := s.aggregator.IsValid() && s.rest.Aggregator.IsValid() && s.rest.AggregatorAS != ASTrans
	if !fresh {
		mergePath(s.path, s.path4)
		if s.aggregator.IsValid() && s.rest.Aggregator.IsValid() {
			s.rest.AggregatorAS, s.rest.Aggregator = s.aggregatorAS, s.aggregator
		}
	}
	a.Path, a.ClusterList = s.path, s.clusters
	s.communities, s.ext, s.large = inOrder(s.communities), inOrder(s.ext), inOrderLarge(s.large)
	a.Communities, a.ExtCommunities, a.LargeCommunities = s.communities, s.ext, s.large
	slices.SortFunc(s.unknown, func(x, y UnknownAttr) int { return int(x.Type) - int(y.Type) })
	s.rest.Unknown = s.unknown
	if !s.rest.empty() {
		a.Rest = &s.rest
	}
	if !s.body { // RFC 4760 section 3: ignored without an NLRI field
		a.NextHop = netip.Addr{}
	}
}

// announceOnly drops from the withdrawn prefixes those that the same message announces (RFC 4271 section 4.3). Few
// neighbours mix the two (RFC 7606 section 5.1), so that this may cost a sort.
func (u *Update) announceOnly() {
	if len(u.Withdrawn) == 0 || len(u.NLRI)+len(u.MPNLRI) == 0 {
		return
	}
	s := &u.scratch
	s.announced = append(append(s.announced, u.NLRI...), u.MPNLRI...)
	slices.SortFunc(s.announced, netip.Prefix.Compare)
	u.Withdrawn = slices.DeleteFunc(u.Withdrawn, func(p netip.Prefix) bool {
		_, announced := slices.BinarySearchFunc(s.announced, p, netip.Prefix.Compare)
		return announced
	})
}

// fail notes an error. The strongest is kept, of two alike the first (RFC 7606 section 3 (h)).
func (u *Update) fail(severity Severity, subcode uint8, data []byte, reason string) {
	s := &u.scratch
	if severity == TreatAsWithdraw {
		s.withdraw = true
	}
	if s.err == nil || s.err.Severity < severity {
		s.err = &UpdateError{Severity: severity, Notification: Notification{Code: CodeUpdate, Subcode: subcode, Data: cloned(data)}, Reason: reason}
	}
}
