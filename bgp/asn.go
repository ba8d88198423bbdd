package bgp

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// ASN is an autonomous system number of two or four bytes (RFC 6793).
type ASN uint32

// ASTrans stands for a four-byte number towards a speaker that knows only two bytes (RFC 6793).
const ASTrans ASN = 23456

// ParseASN reads a number in asplain ("65010") or asdot ("1.10") notation (RFC 5396).
func ParseASN(s string) (ASN, error) {
	high, low, dotted := strings.Cut(s, ".")
	if !dotted {
		n, ok := decimal(s, 32)
		if !ok {
			return 0, fmt.Errorf("AS number %q: want a number from 0 to 4294967295, such as 65010 or 1.10 (RFC 5396)", s)
		}
		return ASN(n), nil
	}
	h, okHigh := decimal(high, 16)
	l, okLow := decimal(low, 16)
	if !okHigh || !okLow {
		return 0, fmt.Errorf("AS number %q: in asdot notation both halves are numbers from 0 to 65535, such as 1.10 (RFC 5396)", s)
	}
	return ASN(h<<16 | l), nil
}

// decimal reads plain digits: no sign, no underscore, no leading zero, at most the given number of bits.
func decimal(s string, bits int) (uint32, bool) {
	if s == "" || len(s) > 1 && s[0] == '0' {
		return 0, false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
	}
	n, err := strconv.ParseUint(s, 10, bits)
	return uint32(n), err == nil
}

// String gives asplain notation, which RFC 5396 recommends.
func (a ASN) String() string { return strconv.FormatUint(uint64(a), 10) }

// IsPrivate tells whether the number is for private use: 64512-65534 and 4200000000-4294967294 (RFC 6996).
func (a ASN) IsPrivate() bool {
	return a >= 64512 && a <= 65534 || a >= 4200000000 && a <= 4294967294
}

// IsReserved tells whether no speaker may use the number as its own: 0 (RFC 7607), 23456 (AS_TRANS, RFC 6793), and 65535
// and 4294967295 (RFC 7300).
func (a ASN) IsReserved() bool {
	return a == 0 || a == ASTrans || a == 65535 || a == 4294967295
}

// IsDocumentation tells whether the number is for examples: 64496-64511 and 65536-65551 (RFC 5398).
func (a ASN) IsDocumentation() bool {
	return a >= 64496 && a <= 64511 || a >= 65536 && a <= 65551
}

// Path is an AS_PATH of one AS_SEQUENCE, the nearest AS first (RFC 4271 section 5.1.2). AS_SETs, which only aggregation
// makes and RFC 9774 forbids, are not modelled. A Path is not changed once it is in Attrs; its methods return new ones.
type Path []ASN

// Len is the length that the decision process compares (RFC 4271 section 9.1.2.2 (a)).
func (p Path) Len() int { return len(p) }

// Contains tells whether the AS is anywhere in the path.
func (p Path) Contains(a ASN) bool { return slices.Contains(p, a) }

// First is the neighbouring AS that the path was received from, 0 for an empty path.
func (p Path) First() ASN {
	if len(p) == 0 {
		return 0
	}
	return p[0]
}

// Origin is the AS that originated the route, 0 for an empty path (the receiver's own AS).
func (p Path) Origin() ASN {
	if len(p) == 0 {
		return 0
	}
	return p[len(p)-1]
}

// Prepend returns a copy with the AS put n times in front. For n of 0 or less it returns p.
func (p Path) Prepend(a ASN, n int) Path {
	if n <= 0 {
		return p
	}
	out := make(Path, n+len(p))
	for i := range n {
		out[i] = a
	}
	copy(out[n:], p)
	return out
}

// RemovePrivate returns the path without private AS numbers (ASN.IsPrivate), wherever they are, as vendors'
// "remove-private-as all" does. It returns p itself when there are none.
func (p Path) RemovePrivate() Path {
	if !slices.ContainsFunc(p, ASN.IsPrivate) {
		return p
	}
	out := make(Path, 0, len(p))
	for _, a := range p {
		if !a.IsPrivate() {
			out = append(out, a)
		}
	}
	return out
}

// Replace returns the path with every old replaced by new, its length unchanged, as vendors' "as-override" does. It
// returns p itself when old is not there.
func (p Path) Replace(old, new ASN) Path {
	if old == new || !p.Contains(old) {
		return p
	}
	out := slices.Clone(p)
	for i, a := range out {
		if a == old {
			out[i] = new
		}
	}
	return out
}

// String lists the numbers, nearest first, separated by spaces: "64512 12076".
func (p Path) String() string {
	b := make([]byte, 0, 8*len(p))
	for i, a := range p {
		if i > 0 {
			b = append(b, ' ')
		}
		b = strconv.AppendUint(b, uint64(a), 10)
	}
	return string(b)
}
