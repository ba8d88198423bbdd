package sim

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"onramp/catalog"
	"onramp/design"
	"onramp/intent/intenttest"
	"onramp/network"
	"onramp/pattern"
)

// routersOf are the nodes that a traceroute hears of along a path of the prover's: routers, and "*" for a gateway on the way in.
func routersOf(p network.Path, gateways []string) string {
	var out []string
	for _, h := range p.Hops {
		switch {
		case slices.Contains([]string{"core", "ce", "pe", "msee", "service"}, h.Kind):
			out = append(out, h.Node)
		case h.Kind == "gateway" && !slices.Contains(gateways, h.Node): // an instance
			out = append(out, "*")
		}
	}
	return strings.Join(append(out, p.Hops[len(p.Hops)-1].Node), " ")
}

// asking are the flows between endpoints of one family, but those from services.
func asking(n *network.Network) []network.Flow {
	var out []network.Flow
	for _, a := range n.Endpoints() {
		for _, b := range n.Endpoints() {
			if a != b && a.Kind != network.Service && a.Addr.Is4() == b.Addr.Is4() && (b.Kind == network.Service) == a.Public && !b.Public {
				out = append(out, network.Flow{Src: a, Dst: b})
			}
		}
	}
	return out
}

// arrives tells whether all ways of a flow end where they should.
func arrives(paths []network.Path) bool {
	return len(paths) > 0 && !slices.ContainsFunc(paths, func(p network.Path) bool { return p.Fate != network.Delivered })
}

// hopNames are what a traceroute heard of, in the same form.
func hopNames(hops []TraceHop) string {
	var out []string
	for i := range hops {
		out = append(out, orElse(hops[i].Node(), "*"))
	}
	return strings.Join(out, " ")
}

func gatewaysOf(s *Sim) []string {
	var out []string
	for _, r := range s.wiring.Routers {
		if r.Gateway != "" {
			out = append(out, r.Gateway)
		}
	}
	return out
}

// same compares what was heard with a way of the prover's. A router may be silent only where its error finds no way to who asked.
func same(hops []TraceHop, want string) bool {
	w := strings.Fields(want)
	if len(w) != len(hops) {
		return false
	}
	for i := range hops {
		got, reason := orElse(hops[i].Node(), "*"), hops[i].Answers[0].Loss.Reason
		if got != w[i] && (got != "*" || reason != "no route" && !strings.HasSuffix(reason, " is not among the routes of the virtual network")) {
			return false
		}
	}
	return true
}

func TestATracerouteHearsOfTheRoutersOfTheProversPath(t *testing.T) {
	c, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	drawer := intenttest.NewDrawer(c)
	rapid.Check(t, func(t *rapid.T) {
		e := drawer.Estate(t)
		kind := rapid.SampledFrom(design.Patterns()).Draw(t, "pattern")
		d, _ := pattern.Compile(kind, e, c, pattern.Options{})
		if d == nil {
			return
		}
		n, _ := network.Build(d.Resources, d.Premises, c, network.Options{})
		s, err := New(n, Options{Seed: rapid.Uint64().Draw(t, "seed")})
		if err != nil {
			t.Fatal(err)
		}
		s.Start()
		sc := rapid.SampledFrom(n.Scenarios()).Draw(t, "scenario")
		if sc.Kind == network.Maintenance || sc.Kind == network.Healthy {
			sc = network.Scenario{ID: "healthy", Kind: network.Healthy}
		} else if err := s.Fail(Silent, sc.Elements...); err != nil {
			t.Fatal(err)
		}
		if !s.Converge(200*time.Second, 2*time.Hour) {
			t.Fatal("it does not settle")
		}
		st := n.Converge(sc)
		for _, f := range asking(n) {
			there := st.Trace(f)
			if !arrives(there) || !arrives(st.Trace(network.Flow{Src: f.Dst, Dst: f.Src, Reply: true})) {
				continue
			}
			hops, err := s.Traceroute(host(t, s, f.Src), f.Dst.Addr, TracerouteOptions{Flow: rapid.Uint16().Draw(t, "flow")})
			if err != nil {
				t.Fatal(err)
			}
			got := hopNames(hops)
			var want []string
			for _, p := range there {
				want = append(want, routersOf(p, gatewaysOf(s)))
			}
			if !slices.ContainsFunc(want, func(w string) bool { return same(hops, w) }) {
				t.Fatalf("%s: %v hears\n  %s\nthe prover's ways are\n  %s\n%+v", sc.ID, f, got, strings.Join(want, "\n  "), hops)
			}
		}
	})
}

func pinged(t rapid.TB, s *Sim, from Source, to netip.Addr, o PingOptions) []Answer {
	t.Helper()
	list, err := s.Ping(from, to, o)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func tracerouted(t rapid.TB, s *Sim, from Source, to netip.Addr, o TracerouteOptions) []TraceHop {
	t.Helper()
	hops, err := s.Traceroute(from, to, o)
	if err != nil {
		t.Fatal(err)
	}
	return hops
}

func TestWhatCannotBeAsked(t *testing.T) {
	s, n := up(t, "northwind", design.Isolated)
	site, vm := pair(t, n, false)
	gateway := s.wiring.Routers[slices.IndexFunc(s.wiring.Routers, func(r network.WiredRouter) bool { return r.Gateway != "" })].Name
	for _, name := range []string{"nowhere", gateway} {
		if _, err := s.Router(name); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s asks: %v", name, err)
		}
	}
	if _, err := s.Host(network.Endpoint{Kind: network.SiteHost, Site: "nowhere"}); err == nil {
		t.Error("a host of no site asks")
	}
	for _, c := range []struct {
		name, want string
		from       Source
		to         netip.Addr
	}{
		{"nobody", "nobody asks", Source{}, vm.Addr},
		{"for nothing", "no address", host(t, s, site), netip.Addr{}},
		{"another family", "different families", host(t, s, site), netip.MustParseAddr("2001:db8::1")},
	} {
		if _, err := s.Ping(c.from, c.to, PingOptions{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: ping: %v", c.name, err)
		}
		if _, err := s.Traceroute(c.from, c.to, TracerouteOptions{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: traceroute: %v", c.name, err)
		}
	}
}

// up is an example that has settled.
func up(t testing.TB, name string, kind design.Pattern) (*Sim, *network.Network) {
	t.Helper()
	n := built(t, name, kind, nil)
	s, err := New(n, Options{Seed: 7})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	s.Run(5 * time.Minute)
	return s, n
}

func TestWhoAnswersAPing(t *testing.T) {
	s, n := up(t, "northwind", design.Isolated)
	site, vm := pair(t, n, false)
	i := slices.IndexFunc(s.wiring.Sessions, func(x network.WiredSession) bool { return x.Kind == "private" })
	link := s.wiring.Sessions[i]
	ce, msee := s.wiring.Routers[link.A].Name, s.wiring.Routers[link.B].Name
	router, err := s.Router(ce)
	if err != nil {
		t.Fatal(err)
	}
	path := n.Converge(network.Scenario{ID: "healthy", Kind: network.Healthy}).Trace(network.Flow{Src: site, Dst: vm})[0].Hops
	core, subnet := path[0].Node, path[len(path)-1].Node
	gateway := s.wiring.Sessions[slices.IndexFunc(s.wiring.Sessions, func(x network.WiredSession) bool {
		return x.Kind == "gateway" && s.wiring.Routers[x.A].Name == path[len(path)-2].Node
	})]
	for _, c := range []struct {
		name string
		from Source
		to   netip.Addr
		o    PingOptions
		kind AnswerKind
		node string
		mtu  int
	}{
		{"a virtual machine", host(t, s, site), vm.Addr, PingOptions{}, Echoed, subnet, 0},
		{"a host of the site", host(t, s, vm), site.Addr, PingOptions{}, Echoed, core, 0},
		{"the longest packet that is supported", host(t, s, site), vm.Addr, PingOptions{Payload: 1400 - 28}, Echoed, subnet, 0},
		{"an octet more ends at the gateway", host(t, s, site), vm.Addr, PingOptions{Payload: 1401 - 28}, TooBig, "/", 1400},
		{"and on the way out", host(t, s, vm), site.Addr, PingOptions{Payload: 1401 - 28}, TooBig, "/", 1400},
		{"what no interface takes ends at the first router", host(t, s, site), vm.Addr, PingOptions{Payload: 1501 - 28}, TooBig, core, 1500},
		{"the first router, when the packet may go no further", host(t, s, site), vm.Addr, PingOptions{TTL: 1}, TimeExceeded, core, 0},
		{"an address to which there is no route", host(t, s, site), netip.MustParseAddr("203.0.113.7"), PingOptions{}, NoRoute, core, 0},
		{"the MSEE, to the router beside it", router, link.Addr[1], PingOptions{}, Echoed, msee, 0},
		{"nobody beyond a network without routes", host(t, s, vm), netip.MustParseAddr("203.0.113.7"), PingOptions{}, Nothing, "", 0},
		{"an instance of the gateway", host(t, s, site), gateway.Addr[0], PingOptions{}, Echoed, "", 0},
		{"the MSEE by its address towards the gateway", host(t, s, site), gateway.Addr[1], PingOptions{}, Echoed, "", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			list := pinged(t, s, c.from, c.to, c.o)
			if len(list) != 5 {
				t.Fatalf("%d answers", len(list))
			}
			for _, a := range list {
				if a.Kind != c.kind || !strings.Contains(a.Node, c.node) || a.MTU != c.mtu {
					t.Errorf("got %+v, want %q by %q with MTU %d", a, c.kind, c.node, c.mtu)
				}
				if c.kind == Echoed && a.Addr != c.to {
					t.Errorf("%s answers for %s", a.Addr, c.to)
				}
			}
		})
	}
}

func TestAPingTakesAsLongAsAProbe(t *testing.T) {
	s, n := up(t, "northwind", design.Isolated)
	site, vm := pair(t, n, false)
	q, err := s.NewProbe("p", site, vm)
	if err != nil {
		t.Fatal(err)
	}
	q.Send(10*time.Millisecond, s.Now()+time.Second)
	s.Run(s.Now() + 2*time.Second)
	for _, a := range pinged(t, s, host(t, s, site), vm.Addr, PingOptions{}) {
		if !slices.Contains(q.Seen(s.Now()).RTT, a.RTT) {
			t.Errorf("a ping takes %s, probes %v", a.RTT, q.Seen(s.Now()).RTT)
		}
	}
}

func TestAVirtualMachineHearsOfTheMSEEAndOfNothingBehindIt(t *testing.T) {
	s, n := up(t, "northwind", design.Isolated)
	site, vm := pair(t, n, false)
	hops := tracerouted(t, s, host(t, s, vm), site.Addr, TracerouteOptions{})
	var text []string
	for _, h := range hops {
		text = append(text, fmt.Sprint(h.Answers[0].Kind))
	}
	if got := strings.Join(text, ","); len(hops) < 4 || got != "time exceeded"+strings.Repeat(",", len(hops)-1)+"port unreachable" {
		t.Errorf("hears %s: %+v", got, hops)
	}
	if a := hops[0].Answers[0].Addr; !slices.ContainsFunc(s.wiring.Subnets, func(w network.WiredSubnet) bool {
		return w.Enters != "" && w.Prefixes[0].Contains(a)
	}) {
		t.Errorf("%s is not an address of a GatewaySubnet", a)
	}
}

func TestASilentCutIsHeardAsSilence(t *testing.T) {
	s, n := up(t, "northwind", design.Isolated)
	site, vm := pair(t, n, false)
	before := tracerouted(t, s, host(t, s, site), vm.Addr, TracerouteOptions{})
	for _, l := range s.links {
		if l.spec.Kind == "private" {
			if err := s.Fail(Silent, l.spec.Elements[0]); err != nil {
				t.Fatal(err)
			}
		}
	}
	after := tracerouted(t, s, host(t, s, site), vm.Addr, TracerouteOptions{Most: 5, Wait: 100 * time.Millisecond})
	if hopNames(before[:1]) != hopNames(after[:1]) || !strings.HasSuffix(hopNames(after), " *") {
		t.Errorf("before: %s, while it is cut: %s", hopNames(before), hopNames(after))
	}
	if l := after[len(after)-1].Answers[0].Loss; l.Reason == "" {
		t.Errorf("nobody knows where the packets end: %+v", after)
	}
}
