package check_test

import "net/netip"

// vnetPrefix is a list of one prefix.
func vnetPrefix(s string) []netip.Prefix { return []netip.Prefix{netip.MustParsePrefix(s)} }

// nthPrefix is the n-th /24 of 20.0.0.0/8.
func nthPrefix(n int) netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{20, byte(n / 256), byte(n % 256), 0}), 24)
}
