package design

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"

	"go4.org/netipx"
)

// Lease gives out prefixes from pools: the first free place of the first pool that has one, lowest address first, so that
// the same questions in the same order get the same answers. A name holds at most one prefix; asking again returns it.
// Ask in the order of sorted names, after Keep has put back what an earlier design gave out.
type Lease struct {
	pools []netip.Prefix
	taken netipx.IPSetBuilder
	held  map[string]netip.Prefix
}

// NewLease starts with the pools, in order of preference, and the prefixes that nobody may get.
func NewLease(pools, taken []netip.Prefix) *Lease {
	l := &Lease{held: map[string]netip.Prefix{}}
	for _, p := range pools {
		l.pools = append(l.pools, p.Masked())
	}
	for _, p := range taken {
		l.taken.AddPrefix(p.Masked())
	}
	return l
}

// ConflictError says that a prefix cannot be given to a name because it is somebody else's already.
type ConflictError struct {
	Name   string
	Prefix netip.Prefix
	With   string // the holder, or "" for a prefix that was taken from the start
}

func (e *ConflictError) Error() string {
	if e.With == "" {
		return fmt.Sprintf("%s cannot keep %s: it overlaps a prefix that is in use elsewhere", e.Name, e.Prefix)
	}
	return fmt.Sprintf("%s cannot keep %s: it overlaps what %s holds", e.Name, e.Prefix, e.With)
}

// Keep gives a prefix to a name as an earlier design did, whether or not it lies in a pool of today. The error is a
// *ConflictError. Of several prefixes of one name the first is what Take returns; the others are only set aside.
func (l *Lease) Keep(name string, p netip.Prefix) error {
	p = p.Masked()
	if old, ok := l.held[name]; ok && old == p {
		return nil
	}
	for _, other := range l.Holders() {
		if l.held[other].Overlaps(p) {
			return &ConflictError{Name: name, Prefix: p, With: other}
		}
	}
	if set := l.takenSet(); set.OverlapsPrefix(p) {
		return &ConflictError{Name: name, Prefix: p}
	}
	if _, ok := l.held[name]; !ok {
		l.held[name] = p
	}
	l.taken.AddPrefix(p)
	return nil
}

// ExhaustedError says that no pool has room for a prefix of a length.
type ExhaustedError struct {
	Name  string
	Bits  int
	IPv6  bool
	Pools []netip.Prefix
}

func (e *ExhaustedError) Error() string {
	if len(e.Pools) == 0 {
		return fmt.Sprintf("no pool of this address family to take a /%d for %s from", e.Bits, e.Name)
	}
	return fmt.Sprintf("no free /%d for %s in %v", e.Bits, e.Name, e.Pools)
}

// Take returns the prefix that the name holds, or gives it the first free one of the length and family. The error is an
// *ExhaustedError.
func (l *Lease) Take(name string, bits int, ipv6 bool) (netip.Prefix, error) {
	if p, ok := l.held[name]; ok {
		return p, nil
	}
	var family []netip.Prefix
	for _, pool := range l.pools {
		if pool.Addr().Is6() != ipv6 {
			continue
		}
		family = append(family, pool)
		if p, ok := l.firstFree(pool, bits); ok {
			l.held[name] = p
			l.taken.AddPrefix(p)
			return p, nil
		}
	}
	return netip.Prefix{}, &ExhaustedError{Name: name, Bits: bits, IPv6: ipv6, Pools: family}
}

// firstFree returns the lowest free prefix of the length inside a pool.
func (l *Lease) firstFree(pool netip.Prefix, bits int) (netip.Prefix, bool) {
	var b netipx.IPSetBuilder
	b.AddPrefix(pool)
	b.RemoveSet(l.takenSet())
	set, err := b.IPSet()
	if err != nil {
		return netip.Prefix{}, false
	}
	// The set's prefixes are sorted by address and each is as large as it can be, so the first that is large enough begins
	// with the lowest aligned free prefix.
	for _, p := range set.Prefixes() {
		if p.Bits() <= bits {
			return netip.PrefixFrom(p.Addr(), bits), true
		}
	}
	return netip.Prefix{}, false
}

func (l *Lease) takenSet() *netipx.IPSet {
	set, err := l.taken.IPSet()
	if err != nil {
		return &netipx.IPSet{} // only invalid prefixes make an error, and netip.Prefix values come checked
	}
	return set
}

// Holders returns the names that hold a prefix, sorted.
func (l *Lease) Holders() []string {
	out := make([]string, 0, len(l.held))
	for name := range l.held {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// Carve cuts subnets out of the address space of one network: named ones of a given length from the bottom in the order
// asked for, special ones from the top. Kept subnets are put back first.
type Carve struct {
	space []netip.Prefix
	taken netipx.IPSetBuilder
}

// NewCarve starts with a network's address space, in order.
func NewCarve(space []netip.Prefix) *Carve {
	c := &Carve{}
	for _, p := range space {
		c.space = append(c.space, p.Masked())
	}
	return c
}

// Keep puts back a subnet of an earlier design; false when it lies outside the space or overlaps another.
func (c *Carve) Keep(p netip.Prefix) bool {
	inside := slices.ContainsFunc(c.space, func(s netip.Prefix) bool { return s.Bits() <= p.Bits() && s.Contains(p.Addr()) })
	if !inside || c.set().OverlapsPrefix(p) {
		return false
	}
	c.taken.AddPrefix(p)
	return true
}

// Bottom takes the lowest free prefix of the length and family.
func (c *Carve) Bottom(bits int, ipv6 bool) (netip.Prefix, bool) {
	free := c.free(ipv6)
	for _, p := range free {
		if p.Bits() <= bits {
			out := netip.PrefixFrom(p.Addr(), bits)
			c.taken.AddPrefix(out)
			return out, true
		}
	}
	return netip.Prefix{}, false
}

// Top takes the highest free prefix of the length and family.
func (c *Carve) Top(bits int, ipv6 bool) (netip.Prefix, bool) {
	free := c.free(ipv6)
	for _, p := range slices.Backward(free) {
		if p.Bits() <= bits {
			out := netip.PrefixFrom(netipx.PrefixLastIP(p), bits).Masked()
			c.taken.AddPrefix(out)
			return out, true
		}
	}
	return netip.Prefix{}, false
}

// free returns the free prefixes of a family in the order of the space: all of its first prefix, then of the next.
func (c *Carve) free(ipv6 bool) []netip.Prefix {
	var out []netip.Prefix
	for _, s := range c.space {
		if s.Addr().Is6() != ipv6 {
			continue
		}
		var b netipx.IPSetBuilder
		b.AddPrefix(s)
		b.RemoveSet(c.set())
		if set, err := b.IPSet(); err == nil {
			out = append(out, set.Prefixes()...)
		}
	}
	return out
}

func (c *Carve) set() *netipx.IPSet {
	set, err := c.taken.IPSet()
	if err != nil {
		return &netipx.IPSet{}
	}
	return set
}

// ComparePrefixes orders IPv4 before IPv6, then by address, then the shorter first.
func ComparePrefixes(a, b netip.Prefix) int {
	return cmp.Or(cmp.Compare(a.Addr().BitLen(), b.Addr().BitLen()), a.Addr().Compare(b.Addr()), cmp.Compare(a.Bits(), b.Bits()))
}
