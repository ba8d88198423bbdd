package bgp

import (
	"encoding/binary"
	"fmt"
	"net/netip"
)

// The flags of a path attribute (RFC 4271 section 4.3).
const (
	flagOptional   = 0x80
	flagTransitive = 0x40
	flagPartial    = 0x20
	flagExtended   = 0x10
)

// The path attributes that this package knows.
const (
	attrOrigin        = 1  // RFC 4271 section 5.1
	attrPath          = 2  //
	attrNextHop       = 3  //
	attrMED           = 4  //
	attrLocalPref     = 5  //
	attrAtomic        = 6  //
	attrAggregator    = 7  //
	attrCommunities   = 8  // RFC 1997
	attrOriginatorID  = 9  // RFC 4456 section 8
	attrClusterList   = 10 //
	attrMPReach       = 14 // RFC 4760 section 3
	attrMPUnreach     = 15 // RFC 4760 section 4
	attrExt           = 16 // RFC 4360
	attrPath4         = 17 // RFC 6793 section 3
	attrAggregator4   = 18 //
	attrLarge         = 32 // RFC 8092
	wellKnownAttr     = flagTransitive
	optionalAttr      = flagOptional
	optionalTransAttr = flagOptional | flagTransitive
)

// attrKinds are the names and flags of the known attributes; no name marks an unknown one.
var attrKinds = [...]struct {
	name  string
	flags byte
}{
	attrOrigin:       {"ORIGIN", wellKnownAttr},
	attrPath:         {"AS_PATH", wellKnownAttr},
	attrNextHop:      {"NEXT_HOP", wellKnownAttr},
	attrMED:          {"MULTI_EXIT_DISC", optionalAttr},
	attrLocalPref:    {"LOCAL_PREF", wellKnownAttr},
	attrAtomic:       {"ATOMIC_AGGREGATE", wellKnownAttr},
	attrAggregator:   {"AGGREGATOR", optionalTransAttr},
	attrCommunities:  {"COMMUNITIES", optionalTransAttr},
	attrOriginatorID: {"ORIGINATOR_ID", optionalAttr},
	attrClusterList:  {"CLUSTER_LIST", optionalAttr},
	attrMPReach:      {"MP_REACH_NLRI", optionalAttr},
	attrMPUnreach:    {"MP_UNREACH_NLRI", optionalAttr},
	attrExt:          {"EXTENDED COMMUNITIES", optionalTransAttr},
	attrPath4:        {"AS4_PATH", optionalTransAttr},
	attrAggregator4:  {"AS4_AGGREGATOR", optionalTransAttr},
	attrLarge:        {"LARGE_COMMUNITY", optionalTransAttr},
}

// KnownAttribute tells whether the type is that of an attribute that Attrs has a place for, or that the wire format needs.
func KnownAttribute(kind uint8) bool { return knownAttr(kind) }

func knownAttr(kind uint8) bool { return int(kind) < len(attrKinds) && attrKinds[kind].name != "" }

func attrName(kind uint8) string {
	if knownAttr(kind) {
		return attrKinds[kind].name
	}
	return fmt.Sprintf("path attribute %d", kind)
}

// discardable tells whether a mistake in the attribute costs only the attribute: RFC 7606 sections 3 (f), 7.6 and 7.7, and
// for the attributes of four-octet numbers RFC 6793 section 6.
func discardable(kind uint8) bool {
	return kind == attrAtomic || kind == attrAggregator || kind == attrPath4 || kind == attrAggregator4
}

// outOfPlace tells whether an attribute means nothing on this session and is discarded, whatever it holds: RFC 7606 sections
// 7.5, 7.9 and 7.10, RFC 6793 section 4.1.
func (o *WireOptions) outOfPlace(kind uint8) bool {
	switch kind {
	case attrLocalPref:
		return !o.IBGP && !o.KeepLocalPref
	case attrOriginatorID, attrClusterList:
		return !o.IBGP
	case attrPath4, attrAggregator4:
		return o.FourOctetAS
	}
	return false
}

// attribute reads one; whole is the attribute with its head, for a NOTIFICATION.
func (u *Update) attribute(flags byte, kind uint8, value, whole []byte) {
	s := &u.scratch
	if !knownAttr(kind) {
		u.unknown(flags, kind, value, whole)
		return
	}
	if s.opts.outOfPlace(kind) {
		u.Discarded = append(u.Discarded, kind)
		return
	}
	if flags&(flagOptional|flagTransitive) != attrKinds[kind].flags { // RFC 7606 section 3 (c)
		u.malformed(kind, updateFlags, value, whole, "%s: flags 0x%02x (RFC 7606 section 3 (c))", attrName(kind), flags)
		return
	}
	switch kind {
	case attrMPReach:
		u.reach(value, whole)
	case attrMPUnreach:
		u.unreach(value, whole)
	case attrPath:
		var fault pathFault
		if s.path, fault = parsePath(s.path, value, s.opts.asWidth()); fault != pathFine {
			u.fail(TreatAsWithdraw, updatePath, nil, pathFaults[fault])
		}
	case attrPath4:
		u.path4(value)
	default:
		if !fits(kind, len(value), s.opts.asWidth()) {
			u.malformed(kind, updateLength, value, whole, "%s: %d octets (RFC 7606 section 7)", attrName(kind), len(value))
			return
		}
		u.plain(kind, value, whole)
	}
}

// fits tells whether an attribute may be of this length (RFC 7606 sections 4 and 7, RFC 8092).
func fits(kind uint8, n, width int) bool {
	switch kind {
	case attrOrigin:
		return n == 1
	case attrNextHop, attrMED, attrLocalPref, attrOriginatorID:
		return n == 4
	case attrAtomic:
		return n == 0
	case attrAggregator:
		return n == width+4
	case attrAggregator4:
		return n == 8
	case attrExt:
		return n > 0 && n%8 == 0
	case attrCommunities, attrClusterList:
		return n > 0 && n%4 == 0
	case attrLarge:
		return n > 0 && n%12 == 0
	}
	return false
}

// plain reads an attribute whose length is right.
func (u *Update) plain(kind uint8, value, whole []byte) {
	s, a := &u.scratch, &u.Attrs
	switch kind {
	case attrOrigin:
		if a.Origin = Origin(value[0]); a.Origin > OriginIncomplete {
			u.malformed(kind, updateOrigin, value, whole, "ORIGIN: %d is none (RFC 7606 section 7.1)", value[0])
		}
	case attrNextHop:
		a.NextHop = netip.AddrFrom4([4]byte(value))
		if s.body && !hostIPv4(value) { // without an NLRI field nobody asks (RFC 4760 section 3)
			u.malformed(kind, updateNextHop, value, whole, "NEXT_HOP: %s is not a host's address (RFC 4271 section 6.3)", a.NextHop)
		}
	case attrMED:
		a.MED, a.HasMED = binary.BigEndian.Uint32(value), true
	case attrLocalPref:
		a.LocalPref, a.HasLocalPref = binary.BigEndian.Uint32(value), true
	case attrOriginatorID:
		a.OriginatorID = netip.AddrFrom4([4]byte(value))
	case attrClusterList:
		for ; len(value) >= 4; value = value[4:] {
			s.clusters = append(s.clusters, netip.AddrFrom4([4]byte(value)))
		}
	case attrAtomic:
		s.rest.AtomicAggregate = true
	case attrAggregator:
		as := ASN(binary.BigEndian.Uint16(value))
		if len(value) == 8 {
			as = ASN(binary.BigEndian.Uint32(value))
		}
		if as == 0 { // RFC 7607 section 2
			u.Discarded = append(u.Discarded, kind)
			return
		}
		s.rest.AggregatorAS, s.rest.Aggregator = as, netip.AddrFrom4([4]byte(value[len(value)-4:]))
	case attrAggregator4:
		if s.aggregatorAS = ASN(binary.BigEndian.Uint32(value)); s.aggregatorAS == 0 {
			u.Discarded = append(u.Discarded, kind)
			return
		}
		s.aggregator = netip.AddrFrom4([4]byte(value[4:]))
	case attrCommunities:
		for ; len(value) >= 4; value = value[4:] {
			s.communities = append(s.communities, Community(binary.BigEndian.Uint32(value)))
		}
	case attrExt:
		for ; len(value) >= 8; value = value[8:] {
			s.ext = append(s.ext, ExtCommunity(binary.BigEndian.Uint64(value)))
		}
	case attrLarge:
		for ; len(value) >= 12; value = value[12:] {
			s.large = append(s.large, LargeCommunity{binary.BigEndian.Uint32(value), binary.BigEndian.Uint32(value[4:]), binary.BigEndian.Uint32(value[8:])})
		}
	}
}

// malformed deals with an attribute that is not what it should be.
func (u *Update) malformed(kind, subcode uint8, value, whole []byte, format string, args ...any) {
	switch {
	case discardable(kind):
		u.Discarded = append(u.Discarded, kind)
	case kind == attrMPReach || kind == attrMPUnreach:
		u.multiprotocol(value, whole, fmt.Sprintf(format, args...))
	default:
		u.fail(TreatAsWithdraw, subcode, whole, fmt.Sprintf(format, args...))
	}
}

// unknown deals with an attribute that this package does not know (RFC 4271 sections 5 and 6.3).
func (u *Update) unknown(flags byte, kind uint8, value, whole []byte) {
	s := &u.scratch
	switch {
	case flags&flagOptional == 0:
		u.fail(SessionReset, updateWellKnown, whole, fmt.Sprintf("path attribute %d is said to be well-known and is not (RFC 4271 section 6.3)", kind))
	case flags&flagTransitive != 0:
		s.unknown = append(s.unknown, UnknownAttr{Type: kind, Value: string(value)})
	}
}

// path4 reads AS4_PATH, from a speaker of two octets. What is wrong with it costs only the attribute (RFC 6793 section 6), but
// for a set, which costs the route (RFC 9774 section 3). A confederation's segments in it are passed over (RFC 6793 section 6).
func (u *Update) path4(value []byte) {
	s := &u.scratch
	var fault pathFault
	s.path4, fault = parsePath(s.path4, value, 4)
	switch {
	case fault == pathSet:
		u.fail(TreatAsWithdraw, updatePath, nil, "AS4_PATH: an AS_SET or AS_CONFED_SET (RFC 9774 section 3)")
	case fault == pathBroken || fault == pathZero || len(value) == 0:
		s.path4 = s.path4[:0]
		u.Discarded = append(u.Discarded, attrPath4)
	}
}

// reach reads MP_REACH_NLRI (RFC 4760 section 3, RFC 2545 section 3).
func (u *Update) reach(value, whole []byte) {
	s := &u.scratch
	if len(value) < 5 {
		u.multiprotocol(value, whole, "MP_REACH_NLRI: shorter than 5 octets (RFC 7606 section 5.3)")
		return
	}
	f := Family{AFI: binary.BigEndian.Uint16(value), SAFI: value[2]}
	hops, nlri, ok := cutField(value[3:], 1)
	if ok && len(nlri) > 1 {
		s.reach = true
	}
	if !s.opts.carries(f) {
		u.Discarded = append(u.Discarded, attrMPReach)
		return
	}
	if !ok || len(nlri) == 0 || !hopLength(f, len(hops)) {
		u.multiprotocol(value, whole, fmt.Sprintf("MP_REACH_NLRI: a next hop of %d octets for %s (RFC 7606 section 7.11)", value[3], f))
		return
	}
	var ignored int
	if f == IPv4Unicast() {
		u.MPNLRI, ignored, ok = parseIPv4(u.MPNLRI, nlri[1:])
	} else {
		u.MPNLRI, ignored, ok = parseIPv6(u.MPNLRI, nlri[1:])
	}
	u.Ignored += ignored
	if !ok {
		u.MPNLRI = u.MPNLRI[:0]
		u.multiprotocol(value, whole, "MP_REACH_NLRI: a prefix does not fit or is too long (RFC 7606 section 5.3)")
		return
	}
	if !u.nextHops(hops) && s.reach {
		u.fail(TreatAsWithdraw, updateNextHop, whole, fmt.Sprintf("MP_REACH_NLRI: %s is not a host's address (RFC 4271 section 6.3)", u.MPNextHop))
	}
}

// hopLength tells whether next hops of the family may take n octets. IPv4 with IPv6 next hops would have to be agreed on
// (RFC 8950), which this package does not offer.
func hopLength(f Family, n int) bool {
	if f == IPv4Unicast() {
		return n == 4
	}
	return n == 16 || n == 32
}

// nextHops takes the one or two addresses and tells whether the first can be one.
func (u *Update) nextHops(b []byte) bool {
	if len(b) == 4 {
		u.MPNextHop = netip.AddrFrom4([4]byte(b))
		return hostIPv4(b)
	}
	u.MPNextHop = netip.AddrFrom16([16]byte(b))
	if len(b) == 32 {
		// Only a link-local address belongs there (RFC 2545 section 3). Some speakers that have no other leave the first empty.
		switch local := netip.AddrFrom16([16]byte(b[16:])); {
		case !local.IsLinkLocalUnicast():
		case u.MPNextHop.IsUnspecified():
			u.MPNextHop = local
		default:
			u.MPNextHopLocal = local
		}
	}
	a := u.MPNextHop.Unmap()
	if a.Is4() {
		v := a.As4()
		return hostIPv4(v[:])
	}
	return !a.IsUnspecified() && !a.IsLoopback() && !a.IsMulticast()
}

// hostIPv4 tells whether an address can be a host's: none of 0.0.0.0/8, 127.0.0.0/8 and what begins with 224.0.0.0.
func hostIPv4(b []byte) bool { return b[0] != 0 && b[0] != 127 && b[0] < 224 }

// unreach reads MP_UNREACH_NLRI (RFC 4760 section 4).
func (u *Update) unreach(value, whole []byte) {
	s := &u.scratch
	if len(value) < 3 {
		u.multiprotocol(value, whole, "MP_UNREACH_NLRI: shorter than 3 octets (RFC 7606 section 5.3)")
		return
	}
	f := Family{AFI: binary.BigEndian.Uint16(value), SAFI: value[2]}
	if !s.opts.carries(f) {
		u.Discarded = append(u.Discarded, attrMPUnreach)
		return
	}
	if len(value) == 3 {
		s.marker = f
	}
	n, ok := len(u.Withdrawn), false
	if f == IPv4Unicast() {
		u.Withdrawn, _, ok = parseIPv4(u.Withdrawn, value[3:])
	} else {
		u.Withdrawn, _, ok = parseIPv6(u.Withdrawn, value[3:])
	}
	if !ok {
		u.Withdrawn = u.Withdrawn[:n]
		u.multiprotocol(value, whole, "MP_UNREACH_NLRI: a prefix does not fit or is too long (RFC 7606 section 5.3)")
	}
}

// multiprotocol deals with an MP attribute whose prefixes cannot be relied on (RFC 7606 sections 5.3 and 7.11): its family
// is given up where the session has another, and otherwise the session.
func (u *Update) multiprotocol(value, whole []byte, reason string) {
	s := &u.scratch
	severity, f := SessionReset, Family{}
	if len(value) >= 3 {
		f = Family{AFI: binary.BigEndian.Uint16(value), SAFI: value[2]}
		if len(s.opts.Families) > 1 && s.opts.carries(f) && (s.err == nil || s.err.Severity < DisableFamily || s.err.Family == f) {
			severity = DisableFamily
		}
	}
	u.fail(severity, updateOptional, whole, reason)
	if s.err.Severity == DisableFamily {
		s.err.Family = f
	}
}

// asWidth is how many octets an AS number takes in AS_PATH and AGGREGATOR.
func (o *WireOptions) asWidth() int {
	if o.FourOctetAS {
		return 4
	}
	return 2
}
