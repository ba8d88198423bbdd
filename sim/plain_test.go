package sim

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"onramp/bgp"
	"onramp/network"
)

// graph is so many routers r0, r1, ..., each an AS with a /24 and a host in it, joined by links of 1 ms; each link is an element, too.
func graph(routers int, links [][2]int) network.Wiring {
	var w network.Wiring
	for i := range routers {
		name := fmt.Sprintf("r%d", i)
		w.Routers = append(w.Routers, network.WiredRouter{Name: name, Kind: "core", Site: name, AS: bgp.ASN(65000 + i), ID: netip.AddrFrom4([4]byte{192, 0, 2, byte(i + 1)}), //nolint:gosec // few
			Decision: bgp.Config{Multipath: 1}, Own: []network.OwnRoute{{Prefix: netip.PrefixFrom(plainHost(i), 24).Masked(), Attrs: &bgp.Attrs{}}}, Elements: []string{"router:" + name}})
	}
	for _, l := range links {
		name := fmt.Sprintf("r%d--r%d", l[0], l[1])
		w.Sessions = append(w.Sessions, network.WiredSession{Name: name, Kind: "private", A: l[0], B: l[1], IPv4: true, Delay: time.Millisecond, Elements: []string{"link:" + name}})
	}
	return w
}

func plainHost(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 4}) }

func chain(routers int) network.Wiring {
	var links [][2]int
	for i := range routers - 1 {
		links = append(links, [2]int{i, i + 1})
	}
	return graph(routers, links)
}

func TestAHandmadeRingGoesRoundTheOtherWayWhenALinkFails(t *testing.T) {
	s, err := NewPlain(graph(5, [][2]int{{0, 1}, {1, 2}, {2, 3}, {3, 4}, {4, 0}}), Options{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	q, err := s.NewProbe("across", network.Endpoint{Kind: network.SiteHost, Site: "r0", Addr: plainHost(0)}, network.Endpoint{Kind: network.SiteHost, Site: "r2", Addr: plainHost(2)})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	for _, step := range []struct {
		do   func() error
		want string
	}{
		{func() error { return nil }, "r0 > r1 > r2"},
		{func() error { return s.Fail(Silent, "link:r1--r2") }, "r0 > r4 > r3 > r2"},
		{func() error { return s.Repair("link:r1--r2") }, "r0 > r1 > r2"},
		{func() error { return s.Fail(Carrier, "router:r1") }, "r0 > r4 > r3 > r2"},
	} {
		if err := step.do(); err != nil {
			t.Fatal(err)
		}
		if !s.Settle(time.Minute) {
			t.Fatal("it does not settle")
		}
		q.Watch()
		q.Send(time.Millisecond, s.Now()+20*time.Millisecond)
		s.Run(s.Now() + time.Second)
		if seen := q.Seen(s.Now()); seen.Lost > 0 || !cmp.Equal(seen.There, []string{step.want}) {
			t.Errorf("want %s, got %+v", step.want, seen)
		}
	}
	if err := s.Fail(Carrier, "link:r1--r3"); err == nil {
		t.Error("a link that is not there fails without an error")
	}
}
