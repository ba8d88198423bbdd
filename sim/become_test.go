package sim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gopacket/gopacket/pcapgo"
	"pgregory.net/rapid"

	"onramp/azure"
	"onramp/bgp"
	"onramp/catalog"
	"onramp/design"
	"onramp/intent/intenttest"
	"onramp/network"
)

// alteration changes a design in one place, if there is one.
type alteration struct {
	name   string
	change func(t *rapid.T, d *design.Design)
}

// one draws a member of a list, nil from an empty one.
func one[T any](t *rapid.T, label string, list []*T) *T {
	if len(list) == 0 {
		return nil
	}
	return list[rapid.IntRange(0, len(list)-1).Draw(t, label)]
}

// edges are the routers of the premises and of the providers.
func edges(d *design.Design) []*design.Router {
	var out []*design.Router
	for i := range d.Premises.Sites {
		for k := range d.Premises.Sites[i].Routers {
			out = append(out, &d.Premises.Sites[i].Routers[k])
		}
	}
	for i := range d.Premises.ProviderEdges {
		out = append(out, &d.Premises.ProviderEdges[i])
	}
	return out
}

// sessionsOf are all sessions that routers of the premises and of the providers are configured with.
func sessionsOf(d *design.Design) []*design.Session {
	var out []*design.Session
	for _, r := range edges(d) {
		for i := range r.Sessions {
			out = append(out, &r.Sessions[i])
		}
	}
	return out
}

func alterations() []alteration {
	session := func(change func(x *design.Session)) func(*rapid.T, *design.Design) {
		return func(t *rapid.T, d *design.Design) {
			if x := one(t, "session", sessionsOf(d)); x != nil {
				change(x)
			}
		}
	}
	return []alteration{
		{"nothing", func(*rapid.T, *design.Design) {}},
		{"another prefix", func(t *rapid.T, d *design.Design) {
			if len(d.Premises.Sites) > 0 {
				x := &d.Premises.Sites[rapid.IntRange(0, len(d.Premises.Sites)-1).Draw(t, "site")]
				x.Prefixes = append(slices.Clone(x.Prefixes), netip.MustParsePrefix("172.31.240.0/24"))
			}
		}},
		{"no prefixes", func(t *rapid.T, d *design.Design) {
			if len(d.Premises.Sites) > 0 {
				d.Premises.Sites[rapid.IntRange(0, len(d.Premises.Sites)-1).Draw(t, "site")].Prefixes = nil
			}
		}},
		// None is left out altogether: what premises then tell their circuits of each other's routes goes round for ever once its origin is
		// gone, because MSEEs take paths with their own AS number and remove the premises' private ones (behaviors.md).
		{"an export policy of a term less", session(func(x *design.Session) {
			if x.Export != nil && len(x.Export.Terms) > 0 {
				p := *x.Export
				p.Terms = p.Terms[1:]
				x.Export = &p
			}
		})},
		{"an export policy of a term more", session(func(x *design.Session) {
			if x.Export != nil {
				p := *x.Export
				p.Terms = append([]bgp.Term{{Name: "more", Match: bgp.Match{Prefixes: []bgp.PrefixRule{{Prefix: netip.MustParsePrefix("172.31.240.0/24")}}}, Action: bgp.Accept}}, p.Terms...)
				x.Export = &p
			}
		})},
		{"no import policy", session(func(x *design.Session) { x.Import = nil })},
		{"other timers", session(func(x *design.Session) { x.HoldSec, x.KeepaliveSec = 30, 10 })},
		{"BFD off", session(func(x *design.Session) { x.BFDMilliseconds, x.BFDMultiplier = 0, 0 })},
		{"slower BFD", session(func(x *design.Session) { x.BFDMilliseconds, x.BFDMultiplier = 750, 4 })},
		{"a router without sessions", func(t *rapid.T, d *design.Design) {
			if r := one(t, "router", edges(d)); r != nil {
				r.Sessions = nil
			}
		}},
		{"another identifier", func(t *rapid.T, d *design.Design) {
			if r := one(t, "router", edges(d)); r != nil {
				id := netip.MustParseAddr("198.51.100.77")
				for slices.ContainsFunc(edges(d), func(o *design.Router) bool { return o.RouterID == id }) { // two of one identifier do not talk
					id = id.Next()
				}
				r.RouterID = id
			}
		}},
		{"another AS", func(t *rapid.T, d *design.Design) {
			if len(d.Premises.Sites) > 0 {
				d.Premises.Sites[rapid.IntRange(0, len(d.Premises.Sites)-1).Draw(t, "site")].ASN = 64999
			}
		}},
		{"no backbone", func(_ *rapid.T, d *design.Design) { d.Premises.Backbone = nil }},
		{"another weight", func(t *rapid.T, d *design.Design) {
			list := azure.Of[*azure.VirtualNetworkGatewayConnection](d.Resources)
			if x := one(t, "connection", list); x != nil {
				x.Properties.RoutingWeight += 7
			}
		}},
		{"a resource less", func(t *rapid.T, d *design.Design) {
			i := rapid.IntRange(0, len(d.Resources)-1).Draw(t, "resource")
			d.Resources = slices.Delete(slices.Clone(d.Resources), i, i+1)
		}},
		{"no propagation", func(t *rapid.T, d *design.Design) {
			if x := one(t, "table", azure.Of[*azure.RouteTable](d.Resources)); x != nil {
				x.Properties.DisableBGPRoutePropagation = !x.Properties.DisableBGPRoutePropagation
			}
		}},
		{"more space", func(t *rapid.T, d *design.Design) {
			if x := one(t, "VNet", azure.Of[*azure.VirtualNetwork](d.Resources)); x != nil {
				x.Properties.AddressSpace.AddressPrefixes = append(slices.Clone(x.Properties.AddressSpace.AddressPrefixes), "172.30.0.0/16")
			}
		}},
		{"remote VNets", func(t *rapid.T, d *design.Design) {
			if x := one(t, "gateway", azure.Of[*azure.VirtualNetworkGateway](d.Resources)); x != nil {
				x.Properties.AllowRemoteVNetTraffic = !x.Properties.AllowRemoteVNetTraffic
			}
		}},
	}
}

// variant draws a network of an intent: in a pattern, altered.
func variant(t *rapid.T, c *catalog.Catalog, object map[string]any, kind design.Pattern) *network.Network {
	src, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	all := alterations()
	n := compiled(t, c, src, kind, func(d *design.Design) {
		for range rapid.IntRange(0, 4).Draw(t, "alterations") {
			a := all[rapid.IntRange(0, len(all)-1).Draw(t, "alteration")]
			t.Log(a.name)
			a.change(t, d)
		}
	})
	if n == nil {
		t.Skip("the pattern cannot carry it")
	}
	return n
}

// orders are the same network twice: with routes that arrived in the order of its sessions, and in the opposite one.
func orders(t *testing.T, name string, kind design.Pattern) (n [2]*network.Network) {
	t.Helper()
	c, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	var made *design.Design
	example(t, name, kind, func(d *design.Design) { made = d })
	var older []string
	for i := range n {
		n[i], _ = network.Build(made.Resources, made.Premises, c, network.Options{Older: older})
		for _, x := range n[0].Sessions() {
			older = append([]string{x.Name}, older...)
		}
	}
	return n
}

func TestOtherRoutesAreBestWhereOthersAreOlderNow(t *testing.T) {
	n := orders(t, "northwind", design.Shared)
	s := running(t, n[0])
	if differs(s, n[1].Converge(healthy())) == "" {
		t.Fatal("the order changes nothing here")
	}
	for _, i := range []int{1, 0} {
		if err := s.Become(n[i]); err != nil {
			t.Fatal(err)
		}
		if said := became(t, s, n[i], healthy()); said != "" {
			t.Error(said)
		}
	}
}

func healthy() network.Scenario {
	return network.Scenario{ID: string(network.Healthy), Kind: network.Healthy}
}

// became tells what the running estate and the proof of the network that it has become do not share, when it has settled.
func became(t rapid.TB, s *Sim, n *network.Network, sc network.Scenario) string {
	st := n.Converge(sc)
	if len(st.Unstable()) > 0 {
		return "" // nobody can say where that ends (RFC 4264)
	}
	for range 3 { // a session that passed a limit stays down whatever the network says now
		if !s.Settle(2 * time.Hour) {
			return fmt.Sprintf("it does not settle: the last change was at %s of %s", s.Now()-s.Quiet(), s.Now())
		}
		list := s.Latched()
		for _, name := range list {
			if err := s.Reset(name); err != nil {
				t.Fatal(err)
			}
		}
		if len(list) == 0 {
			break
		}
	}
	if !s.Settle(2 * time.Hour) {
		return "it does not settle after resets"
	}
	if d := differs(s, st); d != "" {
		return d
	}
	probes, err := allProbes(s, n)
	if err != nil {
		return err.Error()
	}
	said := flowsDiffer(s, st, probes)
	if said == "" {
		return ""
	}
	// Some alterations send a flow through a firewall in one direction alone, which the proof does not hold against it. An estate that has
	// always been this one tells.
	fresh := running(t, n)
	if err := fresh.Fail(Carrier, sc.Elements...); err != nil {
		t.Fatal(err)
	}
	if !fresh.Settle(2 * time.Hour) {
		return said
	}
	if probes, err = allProbes(fresh, n); err != nil {
		t.Fatal(err)
	}
	if flowsDiffer(fresh, st, probes) != "" {
		return ""
	}
	return said
}

// TestAnEstateThatBecomesAnotherIsAsIfItHadAlwaysBeenThatOne takes random estates to others and back.
func TestAnEstateThatBecomesAnotherIsAsIfItHadAlwaysBeenThatOne(t *testing.T) {
	estateHalves(t, 2, func(t *rapid.T, drawer *intenttest.Drawer, c *catalog.Catalog) {
		kinds := rapid.SampledFrom(design.Patterns())
		object, kind := drawer.JSON(t), kinds.Draw(t, "pattern")
		n1 := variant(t, c, object, kind)
		switch rapid.IntRange(0, 3).Draw(t, "what changes") {
		case 0:
			kind = kinds.Draw(t, "another pattern")
		case 1:
			object = drawer.JSON(t)
		}
		n2 := variant(t, c, object, kind)
		s, err := New(n1, Options{Seed: rapid.Uint64().Draw(t, "seed")})
		if err != nil {
			t.Skip(err)
		}
		s.Start()
		if said := became(t, s, n1, healthy()); said != "" {
			t.Fatal("before: ", said)
		}
		for i, n := range []*network.Network{n2, n1, n2} {
			if i == 2 { // in the midst of it, and something is down
				if err := s.Become(n1); err != nil {
					t.Fatal(err)
				}
				s.Run(s.Now() + time.Duration(rapid.IntRange(0, 3000).Draw(t, "ms"))*time.Millisecond)
			}
			if err := s.Become(n); err != nil {
				t.Fatal(err)
			}
			if said := became(t, s, n, healthy()); said != "" {
				t.Fatalf("change %d: %s", i+1, said)
			}
		}
		list := n2.Scenarios()
		sc := list[rapid.IntRange(0, len(list)-1).Draw(t, "scenario")]
		if sc.Kind == network.Maintenance || sc.Kind == network.Healthy {
			return
		}
		if err := s.Fail(Carrier, sc.Elements...); err != nil {
			t.Fatal(err)
		}
		if said := became(t, s, n2, sc); said != "" {
			t.Fatalf("%s: %s", sc.ID, said)
		}
		if _, err := n1.Scenario(sc.Elements...); err != nil {
			return
		}
		if err := s.Become(n1); err != nil { // what is down stays down
			t.Fatal(err)
		}
		if said := became(t, s, n1, sc); said != "" {
			t.Fatalf("with %s, back: %s", sc.ID, said)
		}
		if err := s.Repair(sc.Elements...); err != nil {
			t.Fatal(err)
		}
		if said := became(t, s, n1, healthy()); said != "" {
			t.Fatalf("after %s, back: %s", sc.ID, said)
		}
	})
}

// What does not change is not disturbed: every session that both networks have alike stays Established, and flows over them lose nothing.
func TestWhatDoesNotChangeIsNotDisturbed(t *testing.T) {
	n1 := example(t, "northwind", design.Shared, nil)
	n2 := example(t, "northwind", design.Shared, func(d *design.Design) {
		d.Premises.Sites[0].Prefixes = append(d.Premises.Sites[0].Prefixes, netip.MustParsePrefix("172.31.0.0/16"))
		for _, x := range sessionsOf(d) { // nothing of these takes a session down
			x.BFDMilliseconds, x.BFDMultiplier, x.HoldSec = 0, 0, 33
			x.Export = nil
		}
		for _, x := range azure.Of[*azure.VirtualNetworkGatewayConnection](d.Resources) {
			x.Properties.RoutingWeight = 5
		}
	})
	var down []string
	s, err := New(n1, Options{Seed: 4})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	if !s.Settle(time.Hour) {
		t.Fatal("it does not settle")
	}
	s.options.Observe = func(h Happening) {
		if h.What == "session" {
			down = append(down, h.Session+" "+h.To+" "+h.Why)
		}
	}
	probes, err := allProbes(s, n1)
	if err != nil {
		t.Fatal(err)
	}
	begin := s.Now()
	for _, q := range probes {
		q.Send(10*time.Millisecond, begin+40*time.Second)
	}
	for i, n := range []*network.Network{n2, n1, n2} {
		s.Run(begin + time.Duration(10*i+10)*time.Second)
		if err := s.Become(n); err != nil {
			t.Fatal(err)
		}
	}
	s.Run(begin + 41*time.Second)
	if len(down) > 0 {
		t.Errorf("%s", strings.Join(down, "\n"))
	}
	lost, sent := 0, 0
	for _, q := range probes {
		seen := q.Seen(s.Now())
		sent += seen.Sent
		if seen.Answered > 0 && seen.Lost > 0 {
			lost += seen.Lost
			t.Errorf("%s: %d of %d lost: %v", q.Name, seen.Lost, seen.Sent, seen.Losses)
		}
	}
	if sent == 0 || lost > 0 {
		t.Errorf("%d lost of %d", lost, sent)
	}
	if said := became(t, s, n2, healthy()); said != "" {
		t.Error(said)
	}
}

// BFD that is switched off takes no session down, and after that a silence is noticed by the hold time.
func TestBFDThatIsSwitchedOffIsNoFailureAndNoHelp(t *testing.T) {
	n1 := example(t, "northwind", design.Shared, nil)
	n2 := example(t, "northwind", design.Shared, func(d *design.Design) {
		for _, x := range sessionsOf(d) {
			x.BFDMilliseconds, x.BFDMultiplier = 0, 0
		}
	})
	s := running(t, n1)
	flaps, seen := 0, map[string]time.Duration{}
	s.options.Observe = func(h Happening) {
		if h.What == "session" && h.From == "Established" {
			flaps++
			seen[h.Session+" "+h.Node] = h.At
		}
	}
	for _, n := range []*network.Network{n2, n1, n2} { // on again, too
		if err := s.Become(n); err != nil {
			t.Fatal(err)
		}
		s.Run(s.Now() + 10*time.Second)
		for _, l := range s.links {
			for _, e := range l.ends {
				if (e.bfd != nil) != (l.spec.BFDMultiplier > 0) {
					t.Errorf("%s: BFD runs: %v", l.spec.Name, e.bfd != nil)
				}
			}
		}
	}
	if flaps > 0 {
		t.Errorf("%d sessions went down", flaps)
	}
	i := slices.IndexFunc(s.links, func(l *link) bool { return l.spec.Kind == "private" })
	l := s.links[i]
	at := s.Now()
	for _, d := range []int{0, 1} {
		if err := s.Impair(l.spec.Name, d, Impairment{Dead: true}); err != nil {
			t.Fatal(err)
		}
	}
	s.Run(at + 5*time.Minute)
	for end, e := range l.ends {
		d := s.Detects(i, end)
		if took := seen[l.spec.Name+" "+e.node.spec.Name] - at; d.By != "hold" || took < d.Lower || took > d.Upper {
			t.Errorf("%s: down after %s, want %s to %s by %s", e.node.spec.Name, took, d.Lower, d.Upper, d.By)
		}
	}
}

// Rates are those of the network that the estate is now.
func TestRatesFollowTheNetwork(t *testing.T) {
	slow, fast := exampled(t, "northwind", rates(200, 100, "ErGw1AZ")), exampled(t, "northwind", rates(200, 200, "ErGw1AZ"))
	s := limitedSim(t, slow, 3, Limits{Factor: 20})
	rate := func() float64 {
		f := flowOf(t, s, FlowSpec{Name: "f", Kind: Constant, Src: siteHost(t, slow, "montreal"), Dst: machine(t, slow, "fin-core"), Mbps: 1000})
		f.Start(s.Now() + 2*time.Second)
		s.Run(s.Now() + 3*time.Second)
		m := f.Measured()
		return float64(m.Received) / float64(m.Sent)
	}
	had := len(s.Rates())
	first := rate()
	for _, n := range []*network.Network{fast, slow} {
		if err := s.Become(n); err != nil {
			t.Fatal(err)
		}
		if again := rate(); n == slow && !within(again, first, 0.02) || n == fast && again < 1.5*first {
			t.Errorf("%.3f gets through, %.3f of it before", again, first)
		}
	}
	if len(s.Rates()) != had {
		t.Errorf("%d rates, there were %d", len(s.Rates()), had)
	}
}

// What is traced goes on with the links that come.
func TestATraceFollowsAnEstateThatBecomesAnother(t *testing.T) {
	n1 := example(t, "northwind", design.Shared, func(d *design.Design) {
		for _, r := range edges(d)[:1] {
			r.Sessions = nil
		}
	})
	n2 := example(t, "northwind", design.Shared, nil)
	var file bytes.Buffer
	trace, err := NewTrace(&file, n1)
	if err != nil {
		t.Fatal(err)
	}
	most := 0
	s, err := New(n1, Options{Seed: 1, Linked: trace.Linked, Capture: func(at time.Duration, link, direction int, frame []byte) {
		most = max(most, link)
		trace.Capture(at, link, direction, frame)
	}})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	s.Run(10 * time.Second)
	if err := s.Become(n2); err != nil {
		t.Fatal(err)
	}
	s.Run(20 * time.Second)
	if err := trace.Close(); err != nil {
		t.Fatal(err)
	}
	if most < len(n1.Sessions()) {
		t.Errorf("no frame on a new link: the last of %d is %d", len(n2.Sessions()), most)
	}
	r, err := pcapgo.NewNgReader(&file, pcapgo.NgReaderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for {
		_, info, err := r.ReadPacketData()
		if err != nil {
			break
		}
		face, err := r.Interface(info.InterfaceIndex)
		if err != nil {
			t.Fatal(err)
		}
		names[face.Name] = true
	}
	for _, x := range n2.Sessions() {
		if !names[x.Name] {
			t.Errorf("nothing is traced on %s", x.Name)
		}
	}
}
