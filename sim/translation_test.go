package sim

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"pgregory.net/rapid"

	"onramp/catalog"
	"onramp/design"
	"onramp/examples"
	"onramp/intent/intenttest"
	"onramp/network"
	"onramp/pattern"
)

// onTheWire collects where packets of users on Microsoft peering come from towards Microsoft, and what they are for the other way.
type onTheWire struct {
	s    *Sim
	seen map[netip.AddrPort]int
}

func (o *onTheWire) capture(_ time.Duration, link, direction int, frame []byte) {
	if o.s == nil || o.s.wiring.Sessions[link].Kind != "microsoft" {
		return
	}
	p := gopacket.NewPacket(frame, layers.LayerTypeEthernet, gopacket.Default)
	ip, ok := p.NetworkLayer().(*layers.IPv4)
	if !ok {
		return
	}
	octets := ip.SrcIP
	if direction == 1 {
		octets = ip.DstIP
	}
	var port uint16
	if u, ok := p.TransportLayer().(*layers.UDP); ok {
		port = uint16(u.SrcPort)
		if direction == 1 {
			port = uint16(u.DstPort)
		}
		if u.DstPort == bfdPort {
			return
		}
	} else if p.Layer(layers.LayerTypeTCP) != nil {
		return // BGP
	}
	a, _ := netip.AddrFromSlice(octets)
	o.seen[netip.AddrPortFrom(a, port)]++
}

// watchedUp is an estate that has settled, and what is seen on its Microsoft peering.
func watchedUp(t testing.TB, n *network.Network, change func(*network.Wiring)) (*Sim, *onTheWire) {
	t.Helper()
	o := &onTheWire{seen: map[netip.AddrPort]int{}}
	w := n.Wiring()
	if change != nil {
		change(&w)
	}
	s, err := assemble(n, w, Options{Seed: 7, Capture: o.capture})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	s.Run(5 * time.Minute)
	o.s = s
	return s, o
}

func TestAHostReachesAServiceByAnAddressOfItsSitesPool(t *testing.T) {
	n := built(t, "proseware-microsoft365", design.Shared, nil)
	s, wire := watchedUp(t, n, nil)
	public, service := toService(t, n)
	private := siteHost(t, n, public.Site)
	for _, a := range pinged(t, s, host(t, s, private), service.Addr, PingOptions{}) {
		if a.Kind != Echoed || a.Addr != service.Addr {
			t.Errorf("%+v", a)
		}
	}
	for _, a := range pinged(t, s, host(t, s, private), service.Addr, PingOptions{Payload: 4000, Splits: true}) {
		if a.Kind != Echoed {
			t.Errorf("in parts: %+v", a)
		}
	}
	hops := tracerouted(t, s, host(t, s, private), service.Addr, TracerouteOptions{})
	st := n.Converge(network.Scenario{ID: "healthy", Kind: network.Healthy})
	proof := st.Trace(network.Flow{Src: public, Dst: service})
	if !slices.ContainsFunc(proof, func(p network.Path) bool {
		return same(hops, routersOf(p, gatewaysOf(s))) && hopNames(hops) == routersOf(p, nil)
	}) {
		t.Errorf("hears %s", hopNames(hops))
	}
	q, err := s.NewProbe("p", private, service)
	if err != nil {
		t.Fatal(err)
	}
	q.Send(10*time.Millisecond, s.Now()+time.Second)
	s.Run(s.Now() + 2*time.Second)
	there, _ := ways(proof)
	back, _ := ways(st.Trace(network.Flow{Src: service, Dst: public, Reply: true}))
	other := func(list, proven []string) bool {
		return len(list) == 0 || slices.ContainsFunc(list, func(w string) bool { return !slices.Contains(proven, w) })
	}
	if seen := q.Seen(s.Now()); seen.Lost > 0 || other(seen.There, there) || other(seen.Back, back) {
		t.Errorf("%+v, the prover's ways are %v and %v", seen, there, back)
	}
	addresses := map[netip.Addr]bool{}
	for a := range wire.seen {
		addresses[a.Addr()] = true
	}
	if len(addresses) != 1 {
		t.Errorf("one host has the addresses %v", addresses)
	}
	for a := range addresses {
		if !public.Prefix.Contains(a) {
			t.Errorf("%s is not in %s", a, public.Prefix)
		}
	}
}

func TestNobodyIsLetInWhomNobodyAsked(t *testing.T) {
	n := built(t, "proseware-microsoft365", design.Shared, nil)
	s, _ := watchedUp(t, n, nil)
	public, service := toService(t, n)
	refused := func(what string) {
		t.Helper()
		for _, a := range pinged(t, s, host(t, s, service), public.Addr, PingOptions{Count: 1}) {
			if a.Kind != Nothing || !strings.HasPrefix(a.Loss.Reason, "nobody behind ") {
				t.Errorf("%s: %+v", what, a)
			}
		}
	}
	refused("before")
	pinged(t, s, host(t, s, public), service.Addr, PingOptions{Count: 1})
	refused("after another identifier was used")
	f := flowOf(t, s, FlowSpec{Kind: Voice, Src: service, Dst: public}) // the other half of a call
	f.Start(s.Now() + time.Second)
	s.Run(s.Now() + 2*time.Second)
	if m := f.Measured(); m.Received != m.Sent || m.Sent == 0 {
		t.Errorf("%+v", m)
	}
}

func TestWithoutAPoolNothingIsSentToAService(t *testing.T) {
	n := built(t, "proseware-microsoft365", design.Shared, nil)
	public, service := toService(t, n)
	private := siteHost(t, n, public.Site)
	for _, c := range []struct {
		what   string
		change func(*network.Wiring)
		reason string
	}{
		{"a site without public prefixes", func(w *network.Wiring) { w.NATs[0].Pool = nil }, "there is no public address to translate " + private.Addr.String() + " to"},
		{"a site without translation", func(w *network.Wiring) {
			w.NATs[0].Router = slices.IndexFunc(w.Routers, func(r network.WiredRouter) bool { return r.Kind == "service" })
		},
			private.Addr.String() + " is not registered for Microsoft peering"},
	} {
		s, wire := watchedUp(t, n, c.change)
		for _, a := range pinged(t, s, host(t, s, private), service.Addr, PingOptions{}) {
			if a.Kind != Nothing || a.Loss.Reason != c.reason {
				t.Errorf("%s: %+v", c.what, a)
			}
		}
		if len(wire.seen) > 0 {
			t.Errorf("%s: on Microsoft peering there are %v", c.what, wire.seen)
		}
	}
}

// twoPools is the example with two public prefixes at its site, so that there is one for each link.
func twoPools(t *testing.T) *network.Network {
	t.Helper()
	c, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	text, err := examples.Read("proseware-microsoft365")
	if err != nil {
		t.Fatal(err)
	}
	text = []byte(strings.Replace(string(text), "[203.0.113.0/27]", "[203.0.113.0/28, 203.0.113.16/28]", 1))
	return compiled(t, c, text, design.Shared, nil)
}

func TestAFlowOutlivesALinkWithACommonPoolAndNotWithAPoolForEachLink(t *testing.T) {
	n := twoPools(t)
	public, service := toService(t, n)
	private := siteHost(t, n, public.Site)
	// apart puts a pool at each of two edge routers, which tell of it.
	apart := func(w *network.Wiring) {
		core := w.NATs[0].Router
		pools := w.NATs[0].Pool
		w.NATs = nil
		for i := range w.Routers {
			if r := &w.Routers[i]; r.Kind == "ce" && r.Site == public.Site && len(w.NATs) < len(pools) {
				own := slices.IndexFunc(w.Routers[core].Own, func(o network.OwnRoute) bool { return o.Prefix == pools[len(w.NATs)] })
				r.Own = append(r.Own, w.Routers[core].Own[own])
				w.Routers[core].Own = slices.Delete(w.Routers[core].Own, own, own+1)
				w.NATs = append(w.NATs, network.WiredNAT{Site: public.Site, Router: i, Pool: pools[len(w.NATs) : len(w.NATs)+1]})
			}
		}
	}
	for _, c := range []struct {
		what   string
		change func(*network.Wiring)
		ends   int // that the service sees of one flow
	}{{"a common pool", nil, 1}, {"a pool for each link", apart, 2}} {
		t.Run(c.what, func(t *testing.T) {
			s, wire := watchedUp(t, n, c.change)
			f := flowOf(t, s, FlowSpec{Kind: Constant, Mbps: 1, Packet: 500, Src: private, Dst: service, Sport: 23456})
			f.Start(s.Now() + 20*time.Second)
			s.Run(s.Now() + 5*time.Second)
			before := f.Measured()
			if before.Received == 0 || len(wire.seen) != 1 {
				t.Fatalf("%+v, seen %v", before, wire.seen)
			}
			cut := 0 // the edge router's link by which it goes
			for i := range s.wiring.Sessions {
				x := &s.wiring.Sessions[i]
				if x.Kind == "microsoft" && slices.Contains(before.Way, s.wiring.Routers[x.A].Name) && slices.Contains(before.Way, s.wiring.Routers[x.B].Name) {
					cut = i
				}
			}
			if err := s.Fail(Carrier, s.wiring.Routers[s.wiring.Sessions[cut].A].Elements[0]); err != nil {
				t.Fatal(err)
			}
			s.Run(s.Now() + 20*time.Second)
			if m := f.Measured(); m.Received < m.Sent*9/10 || slices.Equal(m.Way, before.Way) {
				t.Errorf("before %v, now %+v", before.Way, m)
			}
			if len(wire.seen) != c.ends {
				t.Errorf("the service sees %v", wire.seen)
			}
		})
	}
}

func TestNoPrivateAddressIsSeenOnMicrosoftPeering(t *testing.T) {
	c, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	drawer := intenttest.NewDrawer(c)
	rapid.Check(t, func(t *rapid.T) {
		e := drawer.Estate(t)
		d, _ := pattern.Compile(rapid.SampledFrom(design.Patterns()).Draw(t, "pattern"), e, c, pattern.Options{})
		if d == nil {
			return
		}
		n, _ := network.Build(d.Resources, d.Premises, c, network.Options{})
		if len(n.Wiring().Services) == 0 {
			return
		}
		o := &onTheWire{seen: map[netip.AddrPort]int{}}
		s, err := New(n, Options{Seed: rapid.Uint64().Draw(t, "seed"), Capture: o.capture})
		if err != nil {
			t.Fatal(err)
		}
		s.Start()
		s.Run(time.Minute)
		o.s = s
		for _, a := range n.Endpoints() {
			for _, b := range n.Endpoints() {
				if a.Kind != network.Service && b.Kind == network.Service && a.Addr.Is4() {
					q, err := s.NewProbe("", a, b)
					if err != nil {
						t.Fatal(err)
					}
					q.Send(100*time.Millisecond, s.Now()+time.Second)
					pinged(t, s, host(t, s, a), b.Addr, PingOptions{Count: 1, Wait: time.Second})
				}
			}
		}
		s.Run(s.Now() + 3*time.Second)
		for a := range o.seen {
			if !s.register.is(a.Addr(), ofPool|ofLink) {
				t.Fatalf("%s is on Microsoft peering", a)
			}
		}
	})
}

func TestATranslationIsOnesOwnUntilItIsForgotten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := &Sim{wiring: network.Wiring{Services: []netip.Prefix{netip.MustParsePrefix("198.18.0.0/24")}}}
		s.wiring.NATs = []network.WiredNAT{{Pool: []netip.Prefix{netip.MustParsePrefix("203.0.113.0/31"), netip.MustParsePrefix("203.0.113.8/32")}}}
		s.register = newRegister(&s.wiring)
		n := newNAT(s, &s.wiring.NATs[0])
		type sent struct {
			of, to, far outer
			at          time.Duration
		}
		var list []sent
		host := func(label string) netip.Addr {
			return rapid.SampledFrom([]netip.Addr{netip.MustParseAddr("10.0.0.4"), netip.MustParseAddr("10.0.0.5"), netip.MustParseAddr("10.0.0.6"), netip.MustParseAddr("10.0.0.7"), netip.MustParseAddr("203.0.113.1")}).Draw(t, label)
		}
		port := func(label string) uint16 { return uint16(rapid.SampledFrom([]int{1024, 1025, 65535}).Draw(t, label)) } //nolint:gosec // small
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			s.now += rapid.SampledFrom([]time.Duration{0, time.Second, natTime, natTime + 1}).Draw(t, "later")
			of, far := outer{host("host"), port("port")}, outer{netip.AddrFrom4([4]byte{198, 18, 0, byte(rapid.IntRange(1, 3).Draw(t, "service"))}), 443} //nolint:gosec // small
			p := &packet{kind: data, src: of.addr, sport: of.port, dst: far.addr, dport: far.port}
			if !n.outward(p, "here") {
				t.Fatal("no port is free")
			}
			to := outer{p.src, p.sport}
			if !n.has(to.addr) || n.has(of.addr) && to.addr != of.addr {
				t.Fatalf("%v goes out as %v", of, to)
			}
			for _, x := range list {
				lives := s.now <= x.at+natTime
				if lives && (x.of == of) != (x.to == to) {
					t.Fatalf("%v is %v, and %v is %v", of, to, x.of, x.to)
				}
				if x.of.addr == of.addr && x.to.addr != to.addr {
					t.Fatalf("%s has two addresses", of.addr)
				}
			}
			list = slices.DeleteFunc(list, func(x sent) bool { return x.of == of && (x.far == far || s.now > x.at+natTime) })
			for i := range list {
				if list[i].of == of {
					list[i].at = s.now // the port is in use
				}
			}
			list = append(list, sent{of, to, far, s.now})
			// Somebody answers.
			from := outer{netip.AddrFrom4([4]byte{198, 18, 0, byte(rapid.IntRange(1, 3).Draw(t, "who answers"))}), 443} //nolint:gosec // small
			at := list[rapid.IntRange(0, len(list)-1).Draw(t, "to whom")].to
			a := &packet{kind: data, src: from.addr, sport: from.port, dst: at.addr, dport: at.port, flowIndex: 1}
			s.flows = []*Flow{{losses: map[Loss]int{}}}
			i := slices.IndexFunc(list, func(x sent) bool { return x.to == at && x.far == from && s.now <= x.at+natTime })
			if in := n.inward(a, "here"); in != (i >= 0) || in && (a.dst != list[i].of.addr || a.dport != list[i].of.port) {
				t.Fatalf("%v answers %v: let in %t, as %v", from, at, in, outer{a.dst, a.dport})
			}
			if i >= 0 {
				for k := range list {
					if list[k].to == at && s.now <= list[k].at+natTime {
						list[k].at = s.now
					}
				}
			}
		}
	})
}

func TestAnErrorQuotesWhatItsReaderKnows(t *testing.T) {
	host, far := netip.MustParseAddr("10.0.0.4"), netip.MustParseAddr("198.18.0.1")
	s := &Sim{wiring: network.Wiring{Services: []netip.Prefix{netip.MustParsePrefix("198.18.0.0/24")}}}
	s.wiring.NATs = []network.WiredNAT{{Pool: []netip.Prefix{netip.MustParsePrefix("203.0.113.0/28")}}}
	s.register = newRegister(&s.wiring)
	n := newNAT(s, &s.wiring.NATs[0])
	p := &packet{kind: data, src: host, sport: 5000, dst: far, dport: 443}
	if !n.outward(p, "here") {
		t.Fatal("it is not translated")
	}
	router := netip.MustParseAddr("198.51.100.2")
	e := &packet{kind: data, asks: true, src: router, dst: p.src, icmp: &icmp{kind: timeExceeded, about: *p}}
	if !n.inward(e, "here") || e.dst != host || e.icmp.about.src != host || e.icmp.about.sport != 5000 || e.icmp.about.dst != far {
		t.Errorf("the host hears %+v", e)
	}
	answer := packet{kind: data, src: far, sport: 443, dst: p.src, dport: p.sport}
	if !n.inward(&answer, "here") {
		t.Fatal("the answer is not let in")
	}
	e = &packet{kind: data, asks: true, src: host, dst: far, icmp: &icmp{kind: noPort, about: answer}}
	if !n.outward(e, "here") || e.src != p.src || e.icmp.about.dst != p.src || e.icmp.about.dport != p.sport || e.icmp.about.src != far {
		t.Errorf("the service hears %+v", e)
	}
	s.asked.open = map[uint32]*question{}
	answer.dport++
	e = &packet{kind: data, asks: true, src: host, dst: far, icmp: &icmp{kind: noPort, about: answer}}
	if n.outward(e, "here") {
		t.Error("an error about what was never translated goes out")
	}
	other := *p
	other.sport++
	e = &packet{kind: data, asks: true, src: router, dst: p.src, icmp: &icmp{kind: timeExceeded, about: other}}
	if n.inward(e, "here") {
		t.Error("an error about what nobody sent is let in")
	}
}

func TestAPoolRunsOutOfPorts(t *testing.T) {
	s := &Sim{}
	n := newNAT(s, &network.WiredNAT{Pool: []netip.Prefix{netip.MustParsePrefix("203.0.113.0/32")}})
	for i := range 65536 - 1024 {
		of := outer{netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), uint16(1024 + i)} //nolint:gosec // octets
		if to, ok := n.bind(of); !ok || to.port != of.port {
			t.Fatalf("%v is %v after %d", of, to, i)
		}
	}
	if to, ok := n.bind(outer{netip.MustParseAddr("10.9.9.9"), 5000}); ok {
		t.Errorf("one more is %v", to)
	}
	s.now = natTime + 1
	if _, ok := n.bind(outer{netip.MustParseAddr("10.9.9.9"), 5000}); !ok {
		t.Error("none is free after the time")
	}
}

func TestTsharkReadsWhatWasTranslated(t *testing.T) {
	n := built(t, "proseware-microsoft365", design.Shared, nil)
	public, service := toService(t, n)
	private := siteHost(t, n, public.Site)
	trace := traced(t, n, 7, func(s *Sim) {
		s.Run(5 * time.Minute)
		pinged(t, s, host(t, s, private), service.Addr, PingOptions{})
		pinged(t, s, host(t, s, private), service.Addr, PingOptions{Payload: 2000, Splits: true})
		tracerouted(t, s, host(t, s, private), service.Addr, TracerouteOptions{})
	})
	if got := shown(t, trace, wrong); got != "" {
		t.Errorf("packets are wrong:\n%s", got)
	}
	pool := fmt.Sprintf("ip.addr == %s", public.Prefix)
	want := []string{pool + " && icmp.type == 8", pool + " && icmp.type == 0", pool + " && icmp.type == 11", pool + " && udp", pool + " && ip.frag_offset > 0"}
	for i, n := range counted(t, trace, want) {
		if n == 0 {
			t.Errorf("no packet with %s", want[i])
		}
	}
	if got := shown(t, trace, fmt.Sprintf("ip.dst == %s && !(ip.src == %s)", service.Addr, public.Prefix)); got != "" {
		t.Errorf("packets for the service that are not translated:\n%s", got)
	}
}
