package network

import (
	"net/netip"
	"testing"
)

func TestAGatewaysAddressesAreIPv4WhateverItsSubnetHas(t *testing.T) {
	for _, x := range []struct {
		subnet, vnet []string
		want         string
	}{
		{[]string{"10.1.0.0/27", "fd00::/64"}, []string{"10.1.0.0/16"}, "10.1.0.12"},
		{[]string{"fd00::/64", "10.1.0.0/27"}, []string{"10.0.0.0/8"}, "10.1.0.12"},
		{[]string{"fd00::/64"}, []string{"fd00::/48", "10.1.0.0/16"}, "10.1.0.12"},
		{[]string{"fd00::/64"}, []string{"fd00::/48"}, "169.254.0.12"},
		{nil, []string{"10.1.0.0/16"}, "10.1.0.12"},
	} {
		v := &vnet{subnets: []*subnet{{name: "GatewaySubnet"}}}
		for _, s := range x.subnet {
			v.subnets[0].prefixes = append(v.subnets[0].prefixes, netip.MustParsePrefix(s))
		}
		for _, s := range x.vnet {
			v.prefixes = append(v.prefixes, netip.MustParsePrefix(s))
		}
		got := instanceAddresses(v, 12, 2)
		if got[0].String() != x.want || got[1] != got[0].Next() {
			t.Errorf("%v in %v: %v, and %s is right", x.subnet, x.vnet, got, x.want)
		}
	}
}
