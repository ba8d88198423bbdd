package bgp

import (
	"fmt"
	"net/netip"
)

// Family is an address family as capabilities and UPDATE messages name it (RFC 4760).
type Family struct {
	AFI  uint16
	SAFI uint8
}

// IPv4Unicast and IPv6Unicast are the families that this package routes.
func IPv4Unicast() Family { return Family{AFI: 1, SAFI: 1} }

// IPv6Unicast is the family of IPv6 prefixes (RFC 2545).
func IPv6Unicast() Family { return Family{AFI: 2, SAFI: 1} }

// FamilyOf is the unicast family that carries a prefix.
func FamilyOf(p netip.Prefix) Family {
	if p.Addr().Is4() {
		return IPv4Unicast()
	}
	return IPv6Unicast()
}

// String gives ipv4, ipv6 or the numbers.
func (f Family) String() string {
	switch f {
	case IPv4Unicast():
		return "ipv4"
	case IPv6Unicast():
		return "ipv6"
	}
	return fmt.Sprintf("afi %d safi %d", f.AFI, f.SAFI)
}

// MarshalText gives String.
func (f Family) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// UnmarshalText reads ipv4 or ipv6.
func (f *Family) UnmarshalText(text []byte) error {
	switch string(text) {
	case "ipv4":
		*f = IPv4Unicast()
	case "ipv6":
		*f = IPv6Unicast()
	default:
		return fmt.Errorf("address family %q: want ipv4 or ipv6", text)
	}
	return nil
}
