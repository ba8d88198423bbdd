package bgp

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
)

// LargeCommunity is one value of the LARGE_COMMUNITY attribute (RFC 8092 section 3): an AS number and that AS's own two values.
type LargeCommunity struct{ Global, Local1, Local2 uint32 }

// ParseLargeCommunity reads the canonical form of RFC 8092: "64512:1:2".
func ParseLargeCommunity(s string) (LargeCommunity, error) {
	global, rest, _ := strings.Cut(s, ":")
	one, two, _ := strings.Cut(rest, ":")
	g, okGlobal := decimal(global, 32)
	l1, ok1 := decimal(one, 32)
	l2, ok2 := decimal(two, 32)
	if !okGlobal || !ok1 || !ok2 {
		return LargeCommunity{}, fmt.Errorf("large community %q: want three numbers from 0 to 4294967295 such as 64512:1:2 (RFC 8092)", s)
	}
	return LargeCommunity{g, l1, l2}, nil
}

// String gives "64512:1:2".
func (c LargeCommunity) String() string { return fmt.Sprintf("%d:%d:%d", c.Global, c.Local1, c.Local2) }

// MarshalText gives String, so that JSON shows what people write.
func (c LargeCommunity) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads what ParseLargeCommunity reads.
func (c *LargeCommunity) UnmarshalText(text []byte) error {
	v, err := ParseLargeCommunity(string(text))
	if err == nil {
		*c = v
	}
	return err
}

// Compare orders large communities by their three numbers.
func (c LargeCommunity) Compare(d LargeCommunity) int {
	return cmp.Or(cmp.Compare(c.Global, d.Global), cmp.Compare(c.Local1, d.Local1), cmp.Compare(c.Local2, d.Local2))
}

// append writes the twelve octets.
func (c LargeCommunity) append(b []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, c.Global)
	b = binary.BigEndian.AppendUint32(b, c.Local1)
	return binary.BigEndian.AppendUint32(b, c.Local2)
}

// normalLarge is normal for large communities.
func normalLarge(list []LargeCommunity) []LargeCommunity {
	for i := 1; i < len(list); i++ {
		if list[i-1].Compare(list[i]) >= 0 {
			return sortUniqueLarge(slices.Clone(list))
		}
	}
	return list
}

func sortUniqueLarge(list []LargeCommunity) []LargeCommunity {
	slices.SortFunc(list, LargeCommunity.Compare)
	return slices.Compact(list)
}

// inOrderLarge is inOrder for large communities.
func inOrderLarge(list []LargeCommunity) []LargeCommunity {
	for i := 1; i < len(list); i++ {
		if list[i-1].Compare(list[i]) >= 0 {
			return sortUniqueLarge(list)
		}
	}
	return list
}
