package bgp

import (
	"encoding/binary"
	"net/netip"
)

// The loops over NLRI are the hot path of a session: most of an UPDATE is prefixes. They allocate nothing but room in dst
// (BenchmarkParseUpdate, BenchmarkAppendUpdate).

// parseIPv4 appends the prefixes of an NLRI field (RFC 4271 section 4.3), bits beyond the length cleared. Prefixes that
// nothing can be routed to are left out and counted (RFC 4271 section 6.3: semantically incorrect ones are ignored). It is
// not ok for a length above 32 or a prefix that the field ends in (RFC 7606 section 5.3).
func parseIPv4(dst []netip.Prefix, b []byte) (out []netip.Prefix, ignored int, ok bool) {
	for len(b) > 0 {
		bits := uint(b[0])
		octets := int(bits+7) >> 3
		b = b[1:]
		if bits > 32 || octets > len(b) {
			return dst, ignored, false
		}
		var v uint32
		if len(b) >= 4 {
			v = binary.BigEndian.Uint32(b)
		} else {
			for i, x := range b[:octets] {
				v |= uint32(x) << (24 - 8*i)
			}
		}
		b = b[octets:]
		v &= ^uint32(0) << (32 - bits)
		if v>>28 == 0xE && bits >= 4 { // multicast
			ignored++
			continue
		}
		var a [4]byte
		binary.BigEndian.PutUint32(a[:], v)
		dst = append(dst, netip.PrefixFrom(netip.AddrFrom4(a), int(bits)))
	}
	return dst, ignored, true
}

// parseIPv6 is parseIPv4 for IPv6 unicast (RFC 4760 section 5, RFC 2545). IPv4-mapped prefixes are among those left out.
func parseIPv6(dst []netip.Prefix, b []byte) (out []netip.Prefix, ignored int, ok bool) {
	for len(b) > 0 {
		bits := uint(b[0])
		octets := int(bits+7) >> 3
		b = b[1:]
		if bits > 128 || octets > len(b) {
			return dst, ignored, false
		}
		var a [16]byte
		var high, low uint64
		if len(b) >= 16 {
			high, low = binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])
		} else {
			copy(a[:], b[:octets])
			high, low = binary.BigEndian.Uint64(a[:]), binary.BigEndian.Uint64(a[8:])
		}
		b = b[octets:]
		if bits <= 64 {
			high, low = high&(^uint64(0)<<(64-bits)), 0
		} else {
			low &= ^uint64(0) << (128 - bits)
		}
		if high>>56 == 0xFF && bits >= 8 || // multicast
			high>>54 == 0xFE80>>6 && bits >= 10 || // link-local
			high == 0 && low>>32 == 0xFFFF { // IPv4-mapped
			ignored++
			continue
		}
		binary.BigEndian.PutUint64(a[:], high)
		binary.BigEndian.PutUint64(a[8:], low)
		dst = append(dst, netip.PrefixFrom(netip.AddrFrom16(a), int(bits)))
	}
	return dst, ignored, true
}

// putIPv4 writes prefixes to b from at on, until b is full or another family comes. It returns where it ended and how many
// it wrote.
func putIPv4(b []byte, at int, prefixes []netip.Prefix) (end, n int) {
	for _, p := range prefixes {
		a, bits := p.Addr(), p.Bits()
		octets := (bits + 7) >> 3
		if bits < 0 || !a.Is4() || at+1+octets > len(b) {
			break
		}
		v := a.As4()
		b[at] = byte(bits)
		if at+5 <= len(b) { // four octets at once; what is too much is written over or cut off
			copy(b[at+1:at+5], v[:])
		} else {
			copy(b[at+1:], v[:octets])
		}
		at += 1 + octets
		n++
	}
	return at, n
}

// putIPv6 is putIPv4 for IPv6.
func putIPv6(b []byte, at int, prefixes []netip.Prefix) (end, n int) {
	for _, p := range prefixes {
		a, bits := p.Addr(), p.Bits()
		octets := (bits + 7) >> 3
		if bits < 0 || a.Is4() || at+1+octets > len(b) {
			break
		}
		v := a.As16()
		b[at] = byte(bits)
		if at+17 <= len(b) {
			copy(b[at+1:at+17], v[:])
		} else {
			copy(b[at+1:], v[:octets])
		}
		at += 1 + octets
		n++
	}
	return at, n
}
