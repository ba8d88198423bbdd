package template

import (
	"fmt"
	"math/big"
	"net/netip"
)

// cidrFunctions work on address ranges.
func cidrFunctions() []function {
	return []function{
		{name: "parseCidr", low: 1, high: 1, eager: func(c *call) any {
			p, ok := c.prefix(0)
			if !ok {
				return nil
			}
			first, last := p.Addr(), lastAddr(p)
			o := &object{}
			o.add("network", first.String())
			o.add("netmask", mask(p).String())
			if p.Addr().Is4() {
				o.add("broadcast", last.String())
				// Of a range without usable addresses both are the network itself (assumed: Azure does not document it).
				if p.Bits() <= 30 {
					first, last = first.Next(), last.Prev()
				} else {
					last = first
				}
			}
			o.add("firstUsable", first.String())
			o.add("lastUsable", last.String())
			o.add("cidr", int64(p.Bits()))
			return o
		}},
		{name: "cidrSubnet", low: 3, high: 3, eager: func(c *call) any {
			p, ok := c.prefix(0)
			bits, index := c.int(1), c.int(2)
			if !ok || c.err != nil {
				return nil
			}
			size := p.Addr().BitLen()
			if bits < int64(p.Bits()) || bits > int64(size) {
				return c.fail("argument 2, the new prefix length, is %d; of a range of %s it is at least %d and at most %d", bits, p, p.Bits(), size)
			}
			if index < 0 || bits-int64(p.Bits()) < 63 && index >= 1<<(bits-int64(p.Bits())) {
				return c.fail("argument 3, the index, is %d; %s has %s subnets of /%d, counted from 0", index, p,
					new(big.Int).Lsh(big.NewInt(1), uint(bits-int64(p.Bits()))), bits)
			}
			n := new(big.Int).Lsh(big.NewInt(index), uint(int64(size)-bits))
			return netip.PrefixFrom(plus(p.Addr(), n), int(bits)).String()
		}},
		{name: "cidrHost", low: 2, high: 2, eager: func(c *call) any {
			p, ok := c.prefix(0)
			index := c.int(1)
			if !ok || c.err != nil {
				return nil
			}
			last := lastAddr(p)
			if p.Addr().Is4() && p.Bits() < 32 {
				last = last.Prev()
			}
			n := new(big.Int).Add(big.NewInt(index), big.NewInt(1))
			room := new(big.Int).Sub(number(last), number(p.Addr()))
			if index < 0 || n.Cmp(room) > 0 {
				return c.fail("argument 2, the index, is %d; %s has %s usable addresses, counted from 0", index, p, room)
			}
			return plus(p.Addr(), n).String()
		}},
	}
}

// prefix reads an address range; bits of the host are taken away.
func (c *call) prefix(i int) (netip.Prefix, bool) {
	s := c.str(i)
	if c.err != nil {
		return netip.Prefix{}, false
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		c.fail("argument %d is expected to be an address range such as '10.0.0.0/16', not %s", i+1, quote(s))
		return p, false
	}
	return p.Masked(), true
}

func number(a netip.Addr) *big.Int { return new(big.Int).SetBytes(a.AsSlice()) }

// plus is the address n after a; the caller knows that there is one.
func plus(a netip.Addr, n *big.Int) netip.Addr {
	b := make([]byte, a.BitLen()/8)
	sum, ok := netip.AddrFromSlice(new(big.Int).Add(number(a), n).FillBytes(b))
	if !ok {
		panic(fmt.Sprintf("no address %s after %s", n, a))
	}
	return sum
}

func lastAddr(p netip.Prefix) netip.Addr {
	hosts := new(big.Int).Lsh(big.NewInt(1), uint(p.Addr().BitLen()-p.Bits()))
	return plus(p.Addr(), hosts.Sub(hosts, big.NewInt(1)))
}

func mask(p netip.Prefix) netip.Addr {
	b := make([]byte, p.Addr().BitLen()/8)
	for i := range p.Bits() {
		b[i/8] |= 0x80 >> (i % 8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}
