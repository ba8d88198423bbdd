package sim

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"onramp/design"
	"onramp/network"
)

// toService is a site's public endpoint and a service that it reaches.
func toService(t testing.TB, n *network.Network) (site, service network.Endpoint) {
	t.Helper()
	st := n.Converge(network.Scenario{ID: "healthy", Kind: network.Healthy})
	for _, a := range n.Endpoints() {
		for _, b := range n.Endpoints() {
			if a.Public && b.Kind == network.Service && a.Addr.Is4() && b.Addr.Is4() && arrives(st.Trace(network.Flow{Src: a, Dst: b})) {
				return a, b
			}
		}
	}
	t.Fatal("no site reaches a service")
	return
}

func TestWhatBecomesOfALongPacket(t *testing.T) {
	s, n := up(t, "proseware-microsoft365", design.Shared)
	public, service := toService(t, n)
	site, vm := pair(t, n, false)
	gateway := ""
	for _, h := range n.Converge(network.Scenario{ID: "healthy", Kind: network.Healthy}).Trace(network.Flow{Src: site, Dst: vm})[0].Hops {
		if h.Kind == "gateway" {
			gateway = h.Node
		}
	}
	const whole, split = false, true
	for _, c := range []struct {
		name     string
		from, to network.Endpoint
		octets   int
		splits   bool
		want     AnswerKind
		mtu      int
		loss     string
	}{
		{"1500 octets in one piece pass where there is no gateway", public, service, 1500, whole, Echoed, 0, ""},
		{"and in pieces, if they may", public, service, 1500, split, Echoed, 0, ""},
		{"an octet more is too long for the first router", public, service, 1501, whole, TooBig, 1500, ""},
		{"but goes in two pieces", public, service, 1501, split, Echoed, 0, ""},
		{"and what needs many goes in many", public, service, 9000, split, Echoed, 0, ""},
		{"1400 octets pass a gateway", site, vm, 1400, whole, Echoed, 0, ""},
		{"whether they might be split or not", site, vm, 1400, split, Echoed, 0, ""},
		{"1500 do not, which it says to who asked not to split them", site, vm, 1500, whole, TooBig, 1400, ""},
		{"and does not say to others: it splits none", site, vm, 1500, split, Nothing, 0, longerThanMTU},
		{"pieces are not forwarded", site, vm, 1501, split, Nothing, 0, "a gateway forwards no fragments"},
		{"nor on the way out", vm, site, 1501, split, Nothing, 0, "a gateway forwards no fragments"},
		{"a virtual machine sends nothing that its interface does not take", vm, site, 1501, whole, TooBig, 1500, longerThanMTU},
		{"where no gateway is on the way pieces arrive", vm, vm, 3000, split, Echoed, 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, a := range pinged(t, s, host(t, s, c.from), c.to.Addr, PingOptions{Payload: c.octets - 28, Splits: c.splits, Count: 2}) {
				if a.Kind != c.want || a.MTU != c.mtu || c.want == Nothing && a.Loss.Reason != c.loss {
					t.Errorf("got %+v", a)
				}
				if c.mtu == 1400 && !strings.HasPrefix(a.Node, gateway) {
					t.Errorf("%s says so", a.Node)
				}
			}
		})
	}
	s.Run(s.Now() + 2*assemblyTime)
	if len(s.assemblies) > 0 {
		t.Errorf("%d packets wait for their parts for ever", len(s.assemblies))
	}
}

func TestAFlowOfPacketsThatNoGatewayTakesArrivesNowhere(t *testing.T) {
	s, n := up(t, "northwind", design.Isolated)
	site, vm := pair(t, n, false)
	for _, c := range []struct {
		octets int
		splits bool
		why    string
	}{{1400, false, ""}, {1401, false, longerThanMTU}, {1500, true, longerThanMTU}, {1600, true, "a gateway forwards no fragments"}, {1600, false, longerThanMTU}} {
		f, err := s.NewFlow(FlowSpec{Kind: Constant, Mbps: 1, Src: site, Dst: vm, Packet: c.octets, Splits: c.splits})
		if err != nil {
			t.Fatal(err)
		}
		f.Start(s.Now() + time.Second)
		s.Run(s.Now() + 2*time.Second)
		m := f.Measured()
		if lost := m.Received == 0; m.Sent == 0 || lost != (c.why != "") || lost && m.Losses[0].Reason != c.why || !lost && m.Received != m.Sent {
			t.Errorf("%d octets (%t): %+v", c.octets, c.splits, m)
		}
	}
}

// narrowed is a chain of routers whose link between the second and the third takes less than the others.
func narrowed(t *testing.T, mtu int) *Sim {
	t.Helper()
	w := chain(4)
	w.MTU, w.SupportedPacket = 1500, 1400
	w.Sessions[1].MTU = mtu
	s, err := NewPlain(w, Options{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	if !s.Settle(time.Minute) {
		t.Fatal("it does not settle")
	}
	return s
}

func plainEnd(i int) network.Endpoint {
	return network.Endpoint{Kind: network.SiteHost, Site: fmt.Sprintf("r%d", i), Addr: plainHost(i)}
}

func TestARouterSplitsWhatALinkDoesNotTake(t *testing.T) {
	s := narrowed(t, 1000)
	for _, c := range []struct {
		octets int
		splits bool
		want   AnswerKind
	}{{1000, false, Echoed}, {1001, false, TooBig}, {1001, true, Echoed}, {1500, true, Echoed}, {4000, true, Echoed}} {
		for _, a := range pinged(t, s, host(t, s, plainEnd(0)), plainHost(3), PingOptions{Payload: c.octets - 28, Splits: c.splits}) {
			if a.Kind != c.want || c.want == TooBig && (a.Node != "r1" || a.MTU != 1000) {
				t.Errorf("%d octets (%t): %+v", c.octets, c.splits, a)
			}
		}
	}
}

func TestAPacketOneOfWhosePartsIsLostDoesNotArrive(t *testing.T) {
	s := narrowed(t, 0)
	if err := s.Impair("r1--r2", 0, Impairment{Loss: 0.5}); err != nil {
		t.Fatal(err)
	}
	kinds := map[AnswerKind]int{}
	for _, a := range pinged(t, s, host(t, s, plainEnd(0)), plainHost(3), PingOptions{Payload: 4000, Splits: true, Count: 400, Every: time.Millisecond}) {
		kinds[a.Kind]++
	}
	if n := kinds[Echoed]; n < 400/8/2 || n > 400/8*2 { // three parts
		t.Errorf("%v", kinds)
	}
}

func TestPartsMakeTheWholeInAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := &Sim{}
		addr := rapid.SampledFrom([]netip.Addr{netip.MustParseAddr("10.0.0.4"), netip.MustParseAddr("2001:db8::4")}).Draw(t, "address")
		p := &packet{kind: data, src: addr, dst: addr, ttl: 9, seq32: 7}
		p.size = overhead(addr) + rapid.IntRange(1, 65000).Draw(t, "octets")
		var parts []*packet
		gather := func(q *packet) { parts = append(parts, q) }
		s.split(p, rapid.IntRange(68, 9000).Draw(t, "MTU"), gather)
		if rapid.Bool().Draw(t, "once more") { // one of them meets a narrower link
			i := rapid.IntRange(0, len(parts)-1).Draw(t, "part")
			q := parts[i]
			parts = slices.Delete(parts, i, i+1)
			s.split(q, 68, gather)
		}
		octets := 0
		for _, q := range parts {
			octets += q.size - q.headers()
		}
		if octets != p.size-overhead(addr) {
			t.Fatalf("%d octets in parts of %d", octets, p.size)
		}
		if rapid.Bool().Draw(t, "twice") {
			parts = append(parts, parts[0])
		}
		parts = rapid.Permutation(parts).Draw(t, "order")
		missing := map[int]bool{}
		for _, q := range parts {
			missing[q.part.offset] = true
		}
		for _, q := range parts {
			delete(missing, q.part.offset)
			whole := s.assemble(q)
			if (whole != nil) != (len(missing) == 0) {
				t.Fatalf("whole: %t, missing: %v", whole != nil, missing)
			}
			if whole != nil {
				if whole.size != p.size || whole.seq32 != 7 || whole.part != nil {
					t.Fatalf("%+v", whole)
				}
				return
			}
		}
	})
}

func TestTsharkPutsPartsTogether(t *testing.T) {
	for _, c := range []struct {
		example string
		six     bool
		want    []string
	}{
		{"proseware-microsoft365", false, []string{"ip.fragments && icmp.type == 8", "ip.fragments && icmp.type == 0", "ip.flags.mf == 1 && ip.frag_offset == 0", "ip.frag_offset > 0 && ip.flags.mf == 0", "ip.flags.df == 0 && icmp.type == 8"}},
		{"litware-dual-stack", true, []string{"ipv6.fragments && icmpv6.type == 128", "ipv6.fraghdr.more == 1"}},
	} {
		n := built(t, c.example, design.Shared, nil)
		trace := traced(t, n, 7, func(s *Sim) {
			s.Run(5 * time.Minute)
			if c.six {
				site, vm := pair(t, n, true)
				pinged(t, s, host(t, s, site), vm.Addr, PingOptions{Payload: 3000, Splits: true})
				return
			}
			site, service := toService(t, n)
			pinged(t, s, host(t, s, site), service.Addr, PingOptions{Payload: 3000, Splits: true})
			pinged(t, s, host(t, s, site), service.Addr, PingOptions{Payload: 3000, Splits: true, TTL: 2}) // errors about parts
			pinged(t, s, host(t, s, site), service.Addr, PingOptions{Splits: true})
		})
		if got := shown(t, trace, wrong); got != "" {
			t.Errorf("%s: packets are wrong:\n%s", c.example, got)
		}
		for i, n := range counted(t, trace, c.want) {
			if n == 0 {
				t.Errorf("%s: no packet with %s", c.example, c.want[i])
			}
		}
	}
}
