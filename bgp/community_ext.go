package bgp

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// ExtCommunity is one value of the EXTENDED COMMUNITIES attribute: eight octets, type first (RFC 4360 section 2).
type ExtCommunity uint64

// The types whose values have a form of their own in text (RFC 4360 section 3, RFC 5668 section 2), and the subtypes that have a name.
const (
	extTwoOctetAS  = 0x00
	extIPv4        = 0x01
	extFourOctetAS = 0x02

	extRouteTarget = 0x02 // RFC 4360 section 4
	extRouteOrigin = 0x03 // RFC 4360 section 5

	extNonTransitive = 1 << 62
)

// ParseExtCommunity reads "rt:64512:100" (a route target) or "soo:64512:100" (a site of origin), with an AS number of two
// octets, of four ("rt:65536:100", or in asdot "rt:0.64512:100") or an IPv4 address ("rt:192.0.2.1:100"), and for every
// other value its eight octets: "0x0601000000000000".
func ParseExtCommunity(s string) (ExtCommunity, error) {
	if digits, ok := strings.CutPrefix(s, "0x"); ok && len(digits) == 16 {
		if v, err := strconv.ParseUint(digits, 16, 64); err == nil {
			return ExtCommunity(v), nil
		}
	}
	var subtype uint64
	kind, rest, _ := strings.Cut(s, ":")
	switch kind {
	case "rt":
		subtype = extRouteTarget
	case "soo":
		subtype = extRouteOrigin
	}
	admin, local, _ := strings.Cut(rest, ":")
	if subtype != 0 {
		if v, ok := extValue(admin, local); ok {
			return ExtCommunity(v | subtype<<48), nil
		}
	}
	return 0, fmt.Errorf("extended community %q: want rt: or soo: before an AS number or IPv4 address and a number, such as rt:64512:100, or eight octets such as 0x0601000000000000 (RFC 4360)", s)
}

// extValue makes the type and the six octets after the subtype.
func extValue(admin, local string) (uint64, bool) {
	if a, err := netip.ParseAddr(admin); err == nil && a.Is4() {
		v := a.As4()
		n, ok := decimal(local, 16)
		return extIPv4<<56 | uint64(v[0])<<40 | uint64(v[1])<<32 | uint64(v[2])<<24 | uint64(v[3])<<16 | uint64(n), ok
	}
	as, err := ParseASN(admin)
	if err != nil {
		return 0, false
	}
	if as > 0xFFFF || strings.Contains(admin, ".") {
		n, ok := decimal(local, 16)
		return extFourOctetAS<<56 | uint64(as)<<16 | uint64(n), ok
	}
	n, ok := decimal(local, 32)
	return uint64(as)<<32 | uint64(n), ok
}

// Transitive tells whether the community goes on to another AS (RFC 4360 section 2).
func (c ExtCommunity) Transitive() bool { return c&extNonTransitive == 0 }

// String gives what ParseExtCommunity reads.
func (c ExtCommunity) String() string {
	kind := ""
	switch c >> 48 & 0xFF {
	case extRouteTarget:
		kind = "rt:"
	case extRouteOrigin:
		kind = "soo:"
	}
	if kind != "" {
		switch c >> 56 {
		case extTwoOctetAS:
			return fmt.Sprintf("%s%d:%d", kind, uint16(c>>32), uint32(c))
		case extIPv4:
			return fmt.Sprintf("%s%s:%d", kind, netip.AddrFrom4([4]byte{byte(c >> 40), byte(c >> 32), byte(c >> 24), byte(c >> 16)}), uint16(c))
		case extFourOctetAS:
			if as := uint32(c >> 16); as > 0xFFFF {
				return fmt.Sprintf("%s%d:%d", kind, as, uint16(c))
			}
			return fmt.Sprintf("%s0.%d:%d", kind, uint32(c>>16), uint16(c)) // asdot tells it from a number of two octets
		}
	}
	return fmt.Sprintf("0x%016x", uint64(c))
}

// MarshalText gives String, so that JSON shows what people write.
func (c ExtCommunity) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads what ParseExtCommunity reads.
func (c *ExtCommunity) UnmarshalText(text []byte) error {
	v, err := ParseExtCommunity(string(text))
	if err == nil {
		*c = v
	}
	return err
}

// transitive returns those that go on to another AS (RFC 4360 section 6): list itself when all do.
func transitive(list []ExtCommunity) []ExtCommunity {
	for _, c := range list {
		if !c.Transitive() {
			return slices.DeleteFunc(slices.Clone(list), func(c ExtCommunity) bool { return !c.Transitive() })
		}
	}
	return list
}
