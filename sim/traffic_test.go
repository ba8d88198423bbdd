package sim

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"onramp/azure"
	"onramp/catalog"
	"onramp/design"
	"onramp/examples"
	"onramp/intent"
	"onramp/network"
	"onramp/pattern"
)

// exampled builds an example's network, after a change of its design.
func exampled(t rapid.TB, name string, change func(*design.Design)) *network.Network {
	t.Helper()
	c, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	src, err := examples.Read(name)
	if err != nil {
		t.Fatal(err)
	}
	e, findings := intent.Parse(name, src, c)
	if e == nil {
		t.Fatal(findings)
	}
	d, _ := pattern.Compile(design.Shared, e, c, pattern.Options{})
	if d == nil {
		t.Fatal("no design")
	}
	if change != nil {
		change(d)
	}
	n, _ := network.Build(d.Resources, d.Premises, c, network.Options{})
	return n
}

// rates sets every access, circuit and gateway of a design; the backbone is out of the way.
func rates(access, circuit int, gateway string) func(*design.Design) {
	return func(d *design.Design) {
		for i := range d.Premises.Attachments {
			d.Premises.Attachments[i].Mbps = intent.Mbps(access)
		}
		for i := range d.Premises.Backbone {
			d.Premises.Backbone[i].Mbps = 100_000
		}
		for _, c := range azure.Of[*azure.ExpressRouteCircuit](d.Resources) {
			c.Properties.ServiceProviderProperties.BandwidthInMbps = circuit
		}
		for _, g := range azure.Of[*azure.VirtualNetworkGateway](d.Resources) {
			g.Properties.SKU.Name, g.Properties.SKU.Tier = gateway, gateway
		}
	}
}

// limitedSim starts an estate with limits and lets it converge.
func limitedSim(t rapid.TB, n *network.Network, seed uint64, l Limits) *Sim {
	t.Helper()
	s, err := New(n, Options{Seed: seed})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Limit(l); err != nil {
		t.Fatal(err)
	}
	s.Start()
	if !s.Converge(30*time.Second, time.Hour) {
		t.Fatal("it does not settle")
	}
	return s
}

// siteHost, publicHost, machine and service find endpoints.
func siteHost(t rapid.TB, n *network.Network, site string) network.Endpoint {
	return endpoint(t, n, func(e network.Endpoint) bool { return e.Site == site && !e.Public && e.Addr.Is4() })
}

func publicHost(t rapid.TB, n *network.Network, site string) network.Endpoint {
	return endpoint(t, n, func(e network.Endpoint) bool { return e.Site == site && e.Public && e.Addr.Is4() })
}

func machine(t rapid.TB, n *network.Network, vnet string) network.Endpoint {
	return endpoint(t, n, func(e network.Endpoint) bool {
		return e.Kind == network.VM && strings.HasSuffix(e.VNet.Name(), vnet) && e.Addr.Is4()
	})
}

func service(t rapid.TB, n *network.Network) network.Endpoint {
	return endpoint(t, n, func(e network.Endpoint) bool { return e.Kind == network.Service })
}

func endpoint(t rapid.TB, n *network.Network, is func(network.Endpoint) bool) network.Endpoint {
	t.Helper()
	ends := n.Endpoints()
	i := slices.IndexFunc(ends, is)
	if i < 0 {
		t.Fatal("no such endpoint")
	}
	return ends[i]
}

func flowOf(t rapid.TB, s *Sim, spec FlowSpec) *Flow {
	t.Helper()
	f, err := s.NewFlow(spec)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func within(got, want, share float64) bool { return math.Abs(got-want) <= share*want }

// wayOfFour is an estate whose access, provider, circuit and gateway have rates of which the least is scaled to 10 Mbps.
func wayOfFour(t rapid.TB, access, provider, circuit int, sku string, seed uint64) (s *Sim, n *network.Network, least float64) {
	c, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	g, ok := c.GatewaySKU(sku)
	if !ok {
		t.Fatal(sku)
	}
	n = exampled(t, "northwind", rates(access, circuit, sku))
	least = float64(min(access, provider, circuit, g.Mbps))
	s = limitedSim(t, n, seed, Limits{Factor: least / 10, Classes: true, Provider: map[string]float64{"": float64(provider)}})
	return s, n, least
}

var (
	accesses = []int{100, 200, 500, 1000, 2000, 10000}
	circuits = []int{50, 100, 200, 500, 1000, 2000, 5000, 10000}
	skus     = []string{"ErGw1AZ", "ErGw2AZ", "ErGw3AZ"}
)

func TestAFlowGetsTheLeastOfAccessProviderCircuitAndGateway(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		access, circuit := rapid.SampledFrom(accesses).Draw(t, "access"), rapid.SampledFrom(circuits).Draw(t, "circuit")
		provider, sku := rapid.IntRange(40, 12000).Draw(t, "provider"), rapid.SampledFrom(skus).Draw(t, "gateway")
		s, n, least := wayOfFour(t, access, provider, circuit, sku, rapid.Uint64().Draw(t, "seed"))
		a, b := siteHost(t, n, "montreal"), machine(t, n, "fin-core")
		if rapid.Bool().Draw(t, "from Microsoft") {
			a, b = b, a
		}
		f := flowOf(t, s, FlowSpec{Name: "all", Kind: Constant, Src: a, Dst: b, Mbps: least * rapid.Float64Range(1.05, 3).Draw(t, "offered")})
		f.Start(s.Now() + 5*time.Second)
		s.Run(s.Now() + 6*time.Second)
		m := f.Measured()
		if got := m.Settled(time.Second); !within(got, least, 0.01) {
			t.Fatalf("access %d, provider %d, circuit %d, gateway %s: %.1f Mbps got through, want %.0f; %v", access, provider, circuit, sku, got, least, m.Losses)
		}
	})
}

func TestABulkFlowFillsWhatQueues(t *testing.T) {
	for _, c := range []struct {
		name                      string
		access, provider, circuit int
		sku                       string
	}{
		{"the access", 200, 9000, 10000, "ErGw3AZ"},
		{"the provider", 10000, 700, 5000, "ErGw3AZ"},
		{"the gateway", 10000, 9000, 10000, "ErGw1AZ"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, n, least := wayOfFour(t, c.access, c.provider, c.circuit, c.sku, 7)
			a, b := siteHost(t, n, "montreal"), machine(t, n, "fin-core")
			f := flowOf(t, s, FlowSpec{Name: "bulk", Kind: Bulk, Src: a, Dst: b})
			f.Start(s.Now() + 5*time.Second)
			s.Run(s.Now() + 6*time.Second)
			m := f.Measured()
			if got := m.Settled(time.Second); !within(got, least, 0.01) {
				t.Errorf("%.1f Mbps, want %.0f; %+v", got, least, m)
			}
		})
	}
}

func TestABulkFlowThatIsPolicedGetsMostOfTheCircuitAndNeverMore(t *testing.T) {
	s, n, least := wayOfFour(t, 10000, 9000, 500, "ErGw3AZ", 7)
	a, b := siteHost(t, n, "montreal"), machine(t, n, "fin-core")
	var flows []*Flow
	for i := range 4 {
		flows = append(flows, flowOf(t, s, FlowSpec{Name: fmt.Sprint(i), Kind: Bulk, Src: a, Dst: b, Sport: 20000}))
		flows[i].Start(s.Now() + 5*time.Second)
	}
	s.Run(s.Now() + 6*time.Second)
	total := 0.0
	for _, f := range flows {
		m := f.Measured()
		total += m.Settled(time.Second)
	}
	if total < 0.85*least || total > 1.01*least {
		t.Errorf("%.1f Mbps of %.0f", total, least)
	}
}

func TestSessionsOfOneConnectionAndOneAttachmentShareTheirRates(t *testing.T) {
	n := exampled(t, "proseware-microsoft365", nil) // private and Microsoft peering on each attachment and connection
	s := limitedSim(t, n, 1, Limits{})
	pipes, limits := map[*pipe]int{}, map[*policer]int{}
	for _, l := range s.links {
		if l.spec.Kind != "private" && l.spec.Kind != "microsoft" {
			continue
		}
		for _, e := range l.ends {
			if len(e.gear.pipes) != 1 {
				t.Fatalf("%s passes %d queues", l.spec.Name, len(e.gear.pipes))
			}
			pipes[e.gear.pipes[0]]++
		}
		limits[l.ends[1].gear.arriving]++
		limits[l.ends[1].gear.leaving]++
	}
	for x, sessions := range pipes {
		if sessions != 2 {
			t.Errorf("%s is shared by %d sessions", x.name, sessions)
		}
	}
	for x, sessions := range limits {
		if sessions != 2 {
			t.Errorf("%s is shared by %d sessions", x.name, sessions)
		}
	}
	if len(pipes) != 8 || len(limits) != 8 {
		t.Errorf("%d queues and %d limits, want two directions of four each", len(pipes), len(limits))
	}
}

func TestTwoPeeringsTogetherGetTheRateOfTheirConnection(t *testing.T) {
	n := exampled(t, "proseware-microsoft365", rates(10000, 200, "ErGw3AZ"))
	s := limitedSim(t, n, 1, Limits{Factor: 20})
	for i := range uint16(8) { // over every connection
		for _, ends := range [][2]network.Endpoint{{siteHost(t, n, "chicago"), machine(t, n, "engineering")}, {publicHost(t, n, "chicago"), service(t, n)}} {
			flowOf(t, s, FlowSpec{Name: "f", Kind: Constant, Src: ends[0], Dst: ends[1], Mbps: 400, Sport: 1000 + i}).Start(s.Now() + 5*time.Second)
		}
	}
	s.Run(s.Now() + 6*time.Second)
	for _, r := range s.Rates() {
		if !strings.HasPrefix(r.Name, "circuit:") || r.Direction != 0 || r.Passed == 0 {
			continue
		}
		if mbps := float64(r.PassedOctets) * 8 / 5 / 1e6 * 20; r.Dropped > 0 && !within(mbps, 200, 0.01) {
			t.Errorf("%s lets %.1f Mbps through", r.Name, mbps)
		}
	}
}

func TestJitterIsThatOfRFC3550(t *testing.T) {
	f := &Flow{s: &Sim{}, losses: map[Loss]int{}}
	want, last := 0.0, time.Duration(0)
	for i, transit := range []time.Duration{10, 12, 11, 30, 5, 5, 5} {
		transit *= time.Millisecond
		f.s.now = time.Duration(i)*voiceEvery + transit
		f.arrived(&packet{seq32: uint32(i), sentAt: time.Duration(i) * voiceEvery, size: 218}) //nolint:gosec // small
		if i > 0 {                                                                             // J(i) = J(i-1) + (|D(i-1,i)| - J(i-1))/16, section 6.4.1
			want += (float64((transit - last).Abs()) - want) / 16
		}
		last = transit
	}
	if math.Abs(f.jitter-want) > 1 {
		t.Errorf("%.0f ns, want %.0f", f.jitter, want)
	}
}
