package bgp

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Community is one value of the COMMUNITIES attribute (RFC 1997): an AS number in the upper half, that AS's own value in
// the lower.
type Community uint32

// The well-known communities (RFC 1997). Advertisable honours them.
const (
	NoExport          Community = 0xFFFFFF01 // not to eBGP peers (confederations are not modelled)
	NoAdvertise       Community = 0xFFFFFF02 // to no peer
	NoExportSubconfed Community = 0xFFFFFF03 // not to eBGP peers, not even of a confederation's other members
)

// wellKnown pairs the well-known communities with their names in router configurations.
var wellKnown = [...]struct {
	community Community
	name      string
}{{NoExport, "no-export"}, {NoAdvertise, "no-advertise"}, {NoExportSubconfed, "no-export-subconfed"}}

// NewCommunity joins the halves.
func NewCommunity(asn, value uint16) Community { return Community(asn)<<16 | Community(value) }

// ParseCommunity reads "12076:50020" or the name of a well-known community such as "no-export".
func ParseCommunity(s string) (Community, error) {
	for _, w := range wellKnown {
		if s == w.name {
			return w.community, nil
		}
	}
	high, low, ok := strings.Cut(s, ":")
	h, okHigh := decimal(high, 16)
	l, okLow := decimal(low, 16)
	if !ok || !okHigh || !okLow {
		return 0, fmt.Errorf("community %q: want two numbers from 0 to 65535 such as 12076:50020, or no-export, no-advertise, no-export-subconfed (RFC 1997)", s)
	}
	return NewCommunity(uint16(h), uint16(l)), nil
}

// ASN is the upper half.
func (c Community) ASN() uint16 { return uint16(c >> 16) }

// Value is the lower half.
func (c Community) Value() uint16 { return uint16(c) }

// String gives "12076:50020", or the name of a well-known community.
func (c Community) String() string {
	for _, w := range wellKnown {
		if c == w.community {
			return w.name
		}
	}
	return strconv.Itoa(int(c.ASN())) + ":" + strconv.Itoa(int(c.Value()))
}

// MarshalText gives String, so that JSON shows what people write.
func (c Community) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads what ParseCommunity reads.
func (c *Community) UnmarshalText(text []byte) error {
	v, err := ParseCommunity(string(text))
	if err == nil {
		*c = v
	}
	return err
}

// normal returns the communities sorted and unique. It returns list itself when it is so already and a copy otherwise.
func normal[C cmp.Ordered](list []C) []C {
	for i := 1; i < len(list); i++ {
		if list[i-1] >= list[i] {
			return sortUnique(slices.Clone(list))
		}
	}
	return list
}

// sortUnique sorts the communities where they are and drops duplicates.
func sortUnique[C cmp.Ordered](list []C) []C {
	slices.Sort(list)
	return slices.Compact(list)
}

// inOrder is normal for a list that may be changed: it allocates nothing.
func inOrder[C cmp.Ordered](list []C) []C {
	for i := 1; i < len(list); i++ {
		if list[i-1] >= list[i] {
			return sortUnique(list)
		}
	}
	return list
}
