package network

import (
	"net/netip"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestATunnelAddsNoMoreThanItMayAndItsLongestPacketFits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		length := rapid.IntRange(20, 9000).Draw(t, "length")
		added := TunnelOctets(length)
		if added > TunnelOverhead || added < TunnelOverhead-3 || (length+added-tunnelHeaders-tunnelCheck)%4 != 0 {
			t.Fatalf("%d octets are added to %d", added, length)
		}
		mtu := rapid.IntRange(200, 9000).Draw(t, "MTU")
		if m := TunnelMTU(mtu); m+TunnelOctets(m) > mtu || m+1+TunnelOctets(m+1) <= mtu {
			t.Fatalf("packets of %d in links of %d", m, mtu)
		}
	})
}

func TestAVPNJoinsASiteWithASubnetAndNothingElse(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := randomEstate(t, rt)
		var site, vm Endpoint
		for _, e := range n.Endpoints() {
			switch {
			case e.Kind == SiteHost && e.Addr.Is4():
				site = e
			case e.Kind == VM && e.Addr.Is4():
				vm = e
			}
		}
		if site.Kind == "" || vm.Kind == "" {
			return
		}
		for _, ends := range [][2]Endpoint{{site, vm}, {vm, site}} {
			w, err := n.InternetVPN(ends[0], ends[1], 3*time.Millisecond)
			if err != nil {
				rt.Fatal(err)
			}
			sum := time.Duration(0)
			for _, x := range w.Sessions {
				sum += x.Delay
			}
			if sum != 3*time.Millisecond {
				rt.Fatalf("%s over the internet", sum)
			}
		}
		nowhere, nothing, six := site, vm, vm
		nowhere.Site, nothing.Subnet, six.Addr = "nowhere", "nothing", netip.MustParseAddr("2001:db8::4")
		for _, ends := range [][2]Endpoint{{site, site}, {vm, vm}, {nowhere, vm}, {site, nothing}, {site, six}} {
			if _, err := n.InternetVPN(ends[0], ends[1], 0); err == nil {
				rt.Fatalf("a VPN joins %+v and %+v", ends[0], ends[1])
			}
		}
	})
}
