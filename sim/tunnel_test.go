package sim

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"onramp/design"
	"onramp/network"
)

const overTheInternet = 20 * time.Millisecond

// vpn is a VPN between a site and a virtual machine, up and settled, and the trace that it writes, if it is to.
func vpn(t *testing.T, trace *bytes.Buffer, l *Limits) (s *Sim, site, vm network.Endpoint) {
	t.Helper()
	n := built(t, "northwind", design.Isolated, nil)
	site, vm = pair(t, n, false)
	w, err := n.InternetVPN(site, vm, overTheInternet)
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Seed: 7}
	if trace != nil {
		x, err := NewPlainTrace(trace, w)
		if err != nil {
			t.Fatal(err)
		}
		o.Capture = x.Capture
		t.Cleanup(func() {
			if err := x.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	if s, err = NewPlain(w, o); err != nil {
		t.Fatal(err)
	}
	if l != nil {
		if err := s.Limit(*l); err != nil {
			t.Fatal(err)
		}
	}
	s.Start()
	if !s.Settle(5 * time.Minute) {
		t.Fatal("it does not settle")
	}
	return s, site, vm
}

func TestPacketsGoThroughATunnelOverTheInternet(t *testing.T) {
	s, site, vm := vpn(t, nil, nil)
	q, err := s.NewProbe("there and back", site, vm)
	if err != nil {
		t.Fatal(err)
	}
	q.Send(10*time.Millisecond, s.Now()+time.Second)
	s.Run(s.Now() + 2*time.Second)
	seen := q.Seen(s.Now())
	way := []string{site.Site + "-core", site.Site + "-vpn", "internet", "vpn-" + vm.VNet.Name(), vm.VNet.Name() + "/" + vm.Subnet}
	there := strings.Join(way, " > ")
	slices.Reverse(way)
	if back := strings.Join(way, " > "); seen.Lost > 0 || !cmp.Equal(seen.There, []string{there}) || !cmp.Equal(seen.Back, []string{back}) || seen.RTT[0] != 2*overTheInternet {
		t.Errorf("%+v, want %s and %s", seen, there, back)
	}
}

func TestWhatFitsThroughATunnel(t *testing.T) {
	s, site, vm := vpn(t, nil, nil)
	for _, c := range []struct {
		octets int
		splits bool
		want   AnswerKind
	}{{1446, false, Echoed}, {1447, false, TooBig}, {1500, false, TooBig}, {1447, true, Echoed}, {1500, true, Echoed}, {4000, true, Echoed}} {
		for _, a := range pinged(t, s, host(t, s, site), vm.Addr, PingOptions{Payload: c.octets - 28, Splits: c.splits}) {
			if a.Kind != c.want || c.want == TooBig && (a.MTU != 1446 || a.Node != site.Site+"-vpn") {
				t.Errorf("%d octets (%t): %+v", c.octets, c.splits, a)
			}
		}
	}
}

func TestATunnelDiesAndComesBackWithItsWay(t *testing.T) {
	s, site, vm := vpn(t, nil, nil)
	tunnel := slices.IndexFunc(s.wiring.Sessions, func(x network.WiredSession) bool { return x.Tunnel != nil })
	works := func() bool {
		return pinged(t, s, host(t, s, site), vm.Addr, PingOptions{Count: 1, Wait: 100 * time.Millisecond})[0].Kind == Echoed
	}
	if err := s.Fail(Silent, "link:internet/cloud"); err != nil {
		t.Fatal(err)
	}
	cut := s.Now()
	if works() || !s.Sessions()[tunnel] {
		t.Error("the cut is noticed at once")
	}
	for s.Sessions()[tunnel] {
		s.Run(s.Now() + 100*time.Millisecond)
	}
	if d, after := s.Detects(tunnel, 0), s.Now()-cut; after < d.Lower || after > d.Upper+time.Second {
		t.Errorf("noticed after %s, want %s to %s", after, d.Lower, d.Upper)
	}
	if err := s.Repair("link:internet/cloud"); err != nil {
		t.Fatal(err)
	}
	if !s.Settle(10*time.Minute) || !works() {
		t.Error("it does not come back")
	}
}

func TestAVPNGatewayCarriesItsRate(t *testing.T) {
	factor := network.VPNGatewayMbps / 10.0
	s, site, vm := vpn(t, nil, &Limits{Factor: factor})
	for _, ends := range [][2]network.Endpoint{{site, vm}, {vm, site}} {
		f := flowOf(t, s, FlowSpec{Kind: Constant, Mbps: 1.5 * network.VPNGatewayMbps, Src: ends[0], Dst: ends[1]})
		f.Start(s.Now() + 5*time.Second)
		s.Run(s.Now() + 6*time.Second)
		m := f.Measured()
		inside := float64(f.size) / float64(f.size+network.TunnelOctets(f.size-framing))
		if got := m.Settled(time.Second); !within(got, inside*network.VPNGatewayMbps, 0.01) {
			t.Errorf("%g Mbps of %d", got, network.VPNGatewayMbps)
		}
	}
}

func TestOnTheInternetThereAreOnlyPacketsOfTheTunnel(t *testing.T) {
	var out bytes.Buffer
	t.Run("its life", func(t *testing.T) {
		s, site, vm := vpn(t, &out, nil)
		pinged(t, s, host(t, s, site), vm.Addr, PingOptions{})
		pinged(t, s, host(t, s, site), vm.Addr, PingOptions{Payload: 1472, Splits: true})
		pinged(t, s, host(t, s, site), vm.Addr, PingOptions{Payload: 1472})
		tracerouted(t, s, host(t, s, site), vm.Addr, TracerouteOptions{})
	})
	if got := shown(t, out.Bytes(), wrong); got != "" {
		t.Errorf("packets are wrong:\n%s", got)
	}
	onIt := `(frame.interface_name contains "internet")`
	outer := "ip.addr == 192.0.2.1 && ip.addr == 192.0.2.2 && ip.len <= 1500"
	if got := shown(t, out.Bytes(), fmt.Sprintf("%s && !bgp && !tcp && !(esp && %s)", onIt, outer)); got != "" {
		t.Errorf("on the internet there are\n%s", got)
	}
	want := []string{onIt + " && esp", onIt + " && esp && ip.len > 1490", `frame.interface_name == "tunnel" && icmp`, `frame.interface_name == "tunnel" && bgp`, `frame.interface_name == "tunnel" && ip.frag_offset > 0`}
	for i, n := range counted(t, out.Bytes(), want) {
		if n == 0 {
			t.Errorf("no packet with %s", want[i])
		}
	}
}
