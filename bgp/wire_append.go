package bgp

import (
	"encoding/binary"
	"net/netip"
	"slices"
)

// AppendUpdate writes one UPDATE message behind dst, with as many of the prefixes as fit into 4096 octets, and tells how many
// these are. They must be masked; it stops at the first of another family than the first. IPv4 goes into the NLRI field,
// IPv6 into MP_REACH_NLRI, with a's next hop of the same family. n is 0, and out is dst, if there is none, or if not even one
// prefix fits beside the attributes.
//
// What a says is written as it is: ExportEBGP or ExportIBGP come before. Weight is never sent.
func AppendUpdate(dst []byte, a *Attrs, prefixes []netip.Prefix, o WireOptions) (out []byte, n int) {
	if len(prefixes) == 0 || !prefixes[0].IsValid() || !a.NextHop.IsValid() || a.NextHop.Is4() != prefixes[0].Addr().Is4() {
		return dst, 0
	}
	start := len(dst)
	limit := start + MaxMessageLen
	b := appendHeader(slices.Grow(dst, MaxMessageLen), 0, UpdateMessage)
	b = append(b, 0, 0, 0, 0) // no withdrawn routes; the attributes' length
	list := len(b)
	if a.NextHop.Is4() {
		if b = appendAttrs(b, a, o); len(b) >= limit {
			return dst, 0
		}
		size, end := len(b)-list, 0
		if end, n = putIPv4(b[:limit], len(b), prefixes); n == 0 {
			return dst, 0
		}
		return finish(b[:end], start, size), n
	}
	// RFC 7606 section 5.1: MP_REACH_NLRI comes first, so that its prefixes are found whatever is wrong behind it. It takes the
	// room that the other attributes leave: they are written behind the next hop, wait at the end of the message, and close up.
	b = append(b, flagOptional|flagExtended, attrMPReach, 0, 0, 0, 2, 1, 16)
	hop := a.NextHop.As16()
	b = append(b, hop[:]...)
	if a.NextHopLocal.IsValid() {
		b[len(b)-17] = 32
		hop = a.NextHopLocal.As16()
		b = append(b, hop[:]...)
	}
	b = append(b, 0)
	nlri := len(b)
	b = appendAttrs(b, a, o)
	size := len(b) - nlri
	if len(b) >= limit {
		return dst, 0
	}
	b = b[:limit]
	copy(b[limit-size:], b[nlri:nlri+size])
	end, n := putIPv6(b[:limit-size], nlri, prefixes)
	if n == 0 {
		return dst, 0
	}
	binary.BigEndian.PutUint16(b[list+2:], uint16(end-list-4))
	copy(b[end:], b[limit-size:])
	return finish(b[:end+size], start, end+size-list), n
}

// AppendWithdraw writes one UPDATE message that withdraws as many of the prefixes as fit, under the rules of AppendUpdate.
func AppendWithdraw(dst []byte, prefixes []netip.Prefix, _ WireOptions) (out []byte, n int) {
	if len(prefixes) == 0 || !prefixes[0].IsValid() {
		return dst, 0
	}
	start := len(dst)
	b := appendHeader(slices.Grow(dst, MaxMessageLen), 0, UpdateMessage)
	limit := start + MaxMessageLen
	if prefixes[0].Addr().Is4() {
		at := len(b) + 2
		end, n := putIPv4(b[:limit-2], at, prefixes)
		b = append(b[:end], 0, 0)
		binary.BigEndian.PutUint16(b[at-2:], uint16(end-at))
		binary.BigEndian.PutUint16(b[start+16:], uint16(len(b)-start))
		return b, n
	}
	b = append(b, 0, 0, 0, 0, flagOptional|flagExtended, attrMPUnreach, 0, 0, 0, 2, 1)
	end, n := putIPv6(b[:limit], len(b), prefixes)
	binary.BigEndian.PutUint16(b[start+HeaderLen+6:], uint16(end-start-HeaderLen-8))
	return finish(b[:end], start, end-start-HeaderLen-4), n
}

// AppendEndOfRIB writes an End-of-RIB marker behind dst (RFC 4724 section 2).
func AppendEndOfRIB(dst []byte, f Family) []byte {
	start := len(dst)
	dst = append(appendHeader(dst, 0, UpdateMessage), 0, 0, 0, 0)
	if f == IPv4Unicast() {
		return finish(dst, start, 0)
	}
	dst = append(dst, flagOptional, attrMPUnreach, 3, byte(f.AFI>>8), byte(f.AFI), f.SAFI)
	return finish(dst, start, 6)
}

// finish fills in the length of a message without withdrawn routes, and that of its attributes.
func finish(b []byte, start, attrs int) []byte {
	binary.BigEndian.PutUint16(b[start+16:], uint16(len(b)-start))
	binary.BigEndian.PutUint16(b[start+HeaderLen+2:], uint16(attrs))
	return b
}

// appendAttrs writes all attributes but the MP ones, in the order of their types (RFC 4271 section 5).
func appendAttrs(b []byte, a *Attrs, o WireOptions) []byte {
	width := o.asWidth()
	b = append(b, wellKnownAttr, attrOrigin, 1, byte(a.Origin))
	b = appendHead(b, wellKnownAttr, attrPath, a.Path.wireLen(width))
	b = a.Path.append(b, width)
	if a.NextHop.Is4() {
		b = appendID(append(b, wellKnownAttr, attrNextHop, 4), a.NextHop)
	}
	if a.HasMED {
		b = binary.BigEndian.AppendUint32(append(b, optionalAttr, attrMED, 4), a.MED)
	}
	if a.HasLocalPref {
		b = binary.BigEndian.AppendUint32(append(b, wellKnownAttr, attrLocalPref, 4), a.LocalPref)
	}
	if a.Rest != nil {
		b = appendAggregator(b, a.Rest, width)
	}
	if len(a.Communities) > 0 {
		b = appendHead(b, optionalTransAttr, attrCommunities, 4*len(a.Communities))
		for _, c := range a.Communities {
			b = binary.BigEndian.AppendUint32(b, uint32(c))
		}
	}
	if a.OriginatorID.Is4() {
		b = appendID(append(b, optionalAttr, attrOriginatorID, 4), a.OriginatorID)
	}
	if len(a.ClusterList) > 0 {
		b = appendHead(b, optionalAttr, attrClusterList, 4*len(a.ClusterList))
		for _, c := range a.ClusterList {
			b = appendID(b, c)
		}
	}
	var unknown []UnknownAttr
	if a.Rest != nil {
		b, unknown = appendUnknown(b, a.Rest.Unknown, attrExt)
	}
	if len(a.ExtCommunities) > 0 {
		b = appendHead(b, optionalTransAttr, attrExt, 8*len(a.ExtCommunities))
		for _, c := range a.ExtCommunities {
			b = binary.BigEndian.AppendUint64(b, uint64(c))
		}
	}
	if width == 2 {
		b = appendFourOctets(b, a)
	}
	b, unknown = appendUnknown(b, unknown, attrLarge)
	if len(a.LargeCommunities) > 0 {
		b = appendHead(b, optionalTransAttr, attrLarge, 12*len(a.LargeCommunities))
		for _, c := range a.LargeCommunities {
			b = c.append(b)
		}
	}
	b, _ = appendUnknown(b, unknown, 1<<8)
	return b
}

// appendHead writes flags, type and length.
func appendHead(b []byte, flags, kind byte, length int) []byte {
	if length > 0xFF {
		return append(b, flags|flagExtended, kind, byte(length>>8), byte(length))
	}
	return append(b, flags, kind, byte(length))
}

// appendID writes an IPv4 address or identifier; what is none becomes 0.0.0.0.
func appendID(b []byte, a netip.Addr) []byte {
	var v [4]byte
	if a.Is4() {
		v = a.As4()
	}
	return append(b, v[:]...)
}

func appendAggregator(b []byte, r *Rest, width int) []byte {
	if r.AtomicAggregate {
		b = append(b, wellKnownAttr, attrAtomic, 0)
	}
	if !r.Aggregator.IsValid() {
		return b
	}
	b = append(b, optionalTransAttr, attrAggregator, byte(width+4))
	if width == 4 {
		b = binary.BigEndian.AppendUint32(b, uint32(r.AggregatorAS))
	} else {
		b = binary.BigEndian.AppendUint16(b, r.AggregatorAS.twoOctets())
	}
	return appendID(b, r.Aggregator)
}

// appendFourOctets writes for a speaker of two octets what it does not understand and passes on (RFC 6793 section 4.2.2).
func appendFourOctets(b []byte, a *Attrs) []byte {
	if !a.Path.mappable() {
		b = appendHead(b, optionalTransAttr, attrPath4, a.Path.wireLen(4))
		b = a.Path.append(b, 4)
	}
	if r := a.Rest; r != nil && r.Aggregator.IsValid() && r.AggregatorAS > 0xFFFF {
		b = binary.BigEndian.AppendUint32(append(b, optionalTransAttr, attrAggregator4, 8), uint32(r.AggregatorAS))
		b = appendID(b, r.Aggregator)
	}
	return b
}

// appendUnknown writes the first of the list, with types below the limit, and returns the others. Somebody on the way did not
// know them: they are Partial (RFC 4271 section 5).
func appendUnknown(b []byte, list []UnknownAttr, below int) ([]byte, []UnknownAttr) {
	for len(list) > 0 && int(list[0].Type) < below {
		b = appendHead(b, optionalTransAttr|flagPartial, list[0].Type, len(list[0].Value))
		b = append(b, list[0].Value...)
		list = list[1:]
	}
	return b, list
}
