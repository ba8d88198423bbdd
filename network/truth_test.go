package network

import (
	"fmt"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"

	"onramp/azure"
	"onramp/bgp"
	"onramp/design"
)

// published is testdata/observed.yaml: outputs of real Azure (and, where marked, its documents) as they were published.
type published struct {
	Cases []struct {
		ID       string `yaml:"id"`
		Grade    string `yaml:"grade"`
		Observed []struct {
			Kind     string  `yaml:"kind"`
			Path     string  `yaml:"path"`
			Rows     []any   `yaml:"rows"`
			Complete bool    `yaml:"complete"`
			When     string  `yaml:"when"`
			Circuits int     `yaml:"circuits"`
			X        float64 `yaml:"X"`
		} `yaml:"observed"`
	} `yaml:"cases"`
}

func readPublished(t *testing.T) published {
	t.Helper()
	src, err := os.ReadFile("testdata/observed.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var p published
	if err := yaml.Unmarshal(src, &p); err != nil {
		t.Fatal(err)
	}
	if len(p.Cases) < 20 {
		t.Fatalf("%d published cases were read, at least 20 expected", len(p.Cases))
	}
	return p
}

// rows returns the rows of the index-th table of a case as strings, cell by cell.
func (p published) rows(t *testing.T, id string, index int) (rows [][]string, complete bool) {
	t.Helper()
	for _, c := range p.Cases {
		if c.ID != id {
			continue
		}
		o := c.Observed[index]
		for _, r := range o.Rows {
			switch r := r.(type) {
			case []any:
				var row []string
				for _, cell := range r {
					row = append(row, cellText(cell))
				}
				rows = append(rows, row)
			case map[string]any:
				var keys []string
				for k := range r {
					keys = append(keys, k)
				}
				slices.Sort(keys)
				var row []string
				for _, k := range keys {
					row = append(row, k+"="+cellText(r[k]))
				}
				rows = append(rows, row)
			default:
				rows = append(rows, []string{cellText(r)})
			}
		}
		return rows, o.Complete
	}
	t.Fatalf("no published case %q", id)
	return nil, false
}

func cellText(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case []any:
		var parts []string
		for _, x := range v {
			parts = append(parts, cellText(x))
		}
		return "[" + strings.Join(parts, " ") + "]"
	}
	return fmt.Sprint(v)
}

// unstated marks cells that the source does not show; they are not compared.
func matches(want, got []string) bool {
	if len(want) != len(got) {
		return false
	}
	for i := range want {
		if want[i] != got[i] && want[i] != "" && want[i] != "null" {
			return false
		}
	}
	return true
}

// compare checks published rows against the model's: each published row is in the model, and where the table is complete
// the model has no other.
func compare(t *testing.T, want, got [][]string, complete bool) {
	t.Helper()
	left := slices.Clone(got)
	for _, w := range want {
		i := slices.IndexFunc(left, func(g []string) bool { return matches(w, g) })
		if i < 0 {
			t.Errorf("published, not in the model: %v", w)
			continue
		}
		left = slices.Delete(left, i, i+1)
	}
	if complete {
		for _, g := range left {
			t.Errorf("in the model, not published: %v", g)
		}
	}
	if t.Failed() {
		t.Logf("the model has:\n%s", cmp.Diff([][]string(nil), got))
	}
}

// mseeTable is the table of `az network express-route list-route-tables`.
func mseeTable(s *State, router string) [][]string {
	rows := s.Table(router)
	count := map[netip.Prefix]int{}
	for _, r := range rows {
		count[r.Prefix]++
	}
	var out [][]string
	for _, r := range rows {
		best := fmt.Sprint(r.Best)
		if count[r.Prefix] == 1 {
			best = "only"
		}
		out = append(out, []string{r.Prefix.String(), r.NextHop.String(), best, r.Path.String(), map[bgp.Origin]string{bgp.OriginIGP: "I", bgp.OriginEGP: "E", bgp.OriginIncomplete: "?"}[r.Origin], fmt.Sprint(r.LocalPref), fmt.Sprint(r.Weight)})
	}
	return out
}

// mseeSummary is `list-route-tables-summary`.
func mseeSummary(s *State, router string) [][]string {
	var out [][]string
	for _, nb := range s.Summary(router) {
		out = append(out, []string{"as=" + nb.ASN.String(), "neighbor=" + nb.Address.String(), fmt.Sprintf("prefixes=%d", nb.Prefixes)})
	}
	return out
}

// gatewayLearned is `az network vnet-gateway list-learned-routes` of one instance.
func gatewayLearned(s *State, instance string) [][]string {
	self := s.n.routers[s.n.byRouter[instance]].id.String()
	var out [][]string
	for _, r := range s.Table(instance) {
		if r.From == "" {
			out = append(out, []string{r.Prefix.String(), "null", "Network", self, "", fmt.Sprint(r.Weight)})
			continue
		}
		out = append(out, []string{r.Prefix.String(), r.NextHop.String(), "EBgp", r.NextHop.String(), strings.ReplaceAll(r.Path.String(), " ", "-"), fmt.Sprint(r.Weight)})
	}
	return out
}

// gatewayPeers is `list-bgp-peer-status` of one instance.
func gatewayPeers(s *State, instance string) [][]string {
	self := s.n.routers[s.n.byRouter[instance]].id.String()
	var out [][]string
	for _, nb := range s.Summary(instance) {
		out = append(out, []string{"as=" + nb.ASN.String(), "local=" + self, "neighbor=" + nb.Address.String(), fmt.Sprintf("routes_received=%d", nb.Prefixes), "state=" + map[bool]string{true: "Connected", false: "Idle"}[nb.Up]})
	}
	return out
}

// gatewayAdvertised is `list-advertised-routes` of one instance to one MSEE.
func gatewayAdvertised(s *State, instance, msee string) [][]string {
	var out [][]string
	for _, r := range s.Advertised(instance, msee) {
		out = append(out, []string{r.Prefix.String(), r.NextHop.String(), "Igp", r.Path.String(), "0"})
	}
	return out
}

// nicRows is `az network nic show-effective-route-table`.
func nicRows(s *State, v *azure.VirtualNetwork) [][]string {
	var out [][]string
	for _, r := range s.EffectiveRoutes(v.ID, "app") {
		hops := "[]"
		if len(r.NextHops) > 0 {
			hops = "[" + r.NextHops[0].String() + "]"
		}
		out = append(out, []string{r.Source, r.State, r.Prefix.String(), r.NextHopType, hops})
	}
	return out
}

// truth is one published table that the model is compared with; check does it.
type truth struct {
	id    string
	index int
	check func(t *testing.T, want [][]string, complete bool)
}

func (l *lab) ce(site *design.Site, name string, asn uint32, sessions ...design.Session) {
	site.Routers = append(site.Routers, design.Router{Name: name, ASN: bgp.ASN(asn), Sessions: sessions})
}

// singleCircuit is er-single-circuit-mcr-baseline: one router with both links, which tells each MSEE what it heard from
// the other. The published tables hold the outcome of ties that age decides; the order of arrival stated here is the
// one they imply.
func singleCircuit(t *testing.T) (*lab, *State) {
	l := newLab(t)
	c := l.circuit("C1", "Madrid", 64512, "169.254.194.40/30", "169.254.194.44/30")
	v := l.vnet("V1", "10.100.255.0/27", "10.100.0.0/16")
	l.connect(l.gateway(v, "10.100.255.12", "10.100.255.13"), c, 0, "10.100.255.4", "10.100.255.5")
	s := l.site("premises", 64512, "169.254.194.40/30", "169.254.194.44/30")
	l.ce(s, "mcr", 64512, l.session(c, design.Primary), l.session(c, design.Secondary))
	l.o.Older = []string{"C1-secondary", "cn-gw-V1-C1/1-primary"}
	return l, l.build().Converge(Scenario{ID: "healthy", Kind: Healthy})
}

func hubAndSpokes(t *testing.T, summary ...string) (*lab, *State) {
	l := newLab(t)
	c := l.circuit("C1", "Stockholm", 133937, "169.254.247.208/30", "169.254.247.212/30")
	hub := l.vnet("hub", "10.0.0.0/27", "10.0.0.0/16")
	hub.Properties.SummarizedGatewayPrefixes = summary
	l.peer(hub, l.vnet("spoke1", "", "10.1.0.0/16"), true)
	l.peer(hub, l.vnet("spoke2", "", "10.2.0.0/16"), true)
	l.connect(l.gateway(hub, "10.0.0.12", "10.0.0.13"), c, 10, "10.0.0.4", "10.0.0.5")
	s := l.site("premises", 133937, "169.254.247.208/30", "169.254.247.212/30")
	l.ce(s, "mcr", 133937, l.session(c, design.Primary), l.session(c, design.Secondary))
	return l, l.build().Converge(Scenario{ID: "healthy", Kind: Healthy})
}

func globalReach(t *testing.T) *State {
	l := newLab(t)
	red := l.circuit("red", "Amsterdam", 65000, "172.31.0.0/30", "172.31.0.4/30")
	blue := l.circuit("blue", "Dublin", 398656, "172.31.1.0/30", "172.31.1.4/30")
	var g azure.CircuitConnection
	g.Name = "red-blue"
	g.Properties.AddressPrefix = "10.0.0.128/29"
	g.Properties.PeerExpressRouteCircuitPeering = &azure.Ref{ID: azure.NewID(labSub, "rg-lab", "Microsoft.Network/expressRouteCircuits/peerings", "blue", "AzurePrivatePeering")}
	red.Properties.Peerings[0].Properties.Connections = append(red.Properties.Peerings[0].Properties.Connections, g)
	v := l.vnet("V1", "192.168.200.128/27", "192.168.200.0/24")
	gw := l.gateway(v, "192.168.200.141", "192.168.200.143")
	l.connect(gw, red, 0, "192.168.200.132", "192.168.200.133")
	l.connect(gw, blue, 0, "192.168.200.134", "192.168.200.135")
	customer := l.site("customer", 65000, "10.8.0.0/16")
	l.ce(customer, "customer-ce", 65000, l.session(red, design.Primary), l.session(red, design.Secondary))
	cloud := l.site("cloud", 398656, "10.99.0.0/24")
	l.ce(cloud, "cloud-ce", 398656, l.session(blue, design.Primary), l.session(blue, design.Secondary))
	return l.build().Converge(Scenario{ID: "healthy", Kind: Healthy})
}

// nic is nic-ecmp-*: a hub with a gateway and a spoke that uses it; circuits as many as hops given.
func nic(t *testing.T, prefix string, routeServer bool, hops ...[2]string) (*lab, *State) {
	l := newLab(t)
	hub := l.vnet("hub", "10.10.255.0/27", "10.10.0.0/16")
	l.peer(hub, l.vnet("spoke", "", "10.11.0.0/16"), true)
	gw := l.gateway(hub)
	for i, h := range hops {
		name := fmt.Sprintf("C%d", i+1)
		c := l.circuit(name, "Amsterdam", 65000, fmt.Sprintf("172.31.%d.0/30", i), fmt.Sprintf("172.31.%d.4/30", i))
		l.o.NextHopAddresses[name] = [2]netip.Addr{netip.MustParseAddr(h[0]), netip.MustParseAddr(h[1])}
		l.connect(gw, c, 0)
		s := l.site("site-"+name, 65000, prefix)
		l.ce(s, "ce-"+name, 65000, l.session(c, design.Primary), l.session(c, design.Secondary))
	}
	if routeServer {
		hub.Properties.Subnets = append(hub.Properties.Subnets, l.subnet(hub, "RouteServerSubnet", "10.10.254.0/27"))
		l.rs = append(l.rs, &azure.VirtualHub{Header: header("Microsoft.Network/virtualHubs", "rs", "westeurope")})
	}
	return l, l.build().Converge(Scenario{ID: "healthy", Kind: Healthy})
}

// weights is gateway-two-circuits-weight-and-prepend: two circuits, the older with weight 100, the newer with one more
// prepend; the chain of AS numbers behind the customer edge is made by its export policy.
func weights(t *testing.T) *State {
	l := newLab(t)
	v := l.vnet("V", "10.10.1.0/24", "10.10.0.0/16")
	gw := l.gateway(v)
	old := l.circuit("old", "Amsterdam", 65000, "169.254.1.0/30", "169.254.1.4/30")
	fresh := l.circuit("new", "Amsterdam", 65000, "169.254.0.0/30", "169.254.0.4/30")
	l.connect(gw, fresh, 0, "10.10.1.4", "10.10.1.5")
	l.connect(gw, old, 100, "10.10.1.6", "10.10.1.7")
	s := l.site("premises", 65002, "192.168.2.0/24")
	for _, x := range []struct {
		c     *azure.ExpressRouteCircuit
		times int
	}{{old, 2}, {fresh, 3}} {
		var sessions []design.Session
		for _, h := range []string{design.Primary, design.Secondary} {
			one := l.session(x.c, h)
			one.Export = prependPolicy(65001, x.times)
			sessions = append(sessions, one)
		}
		l.ce(s, "ce-"+x.c.Name, 65000, sessions...)
	}
	return l.build().Converge(Scenario{ID: "healthy", Kind: Healthy})
}

// truths is every published table that the model reproduces. What is not here stands in docs/truth.md with the reason.
func truths() []truth {
	var out []truth
	add := func(id string, index int, got func(t *testing.T) [][]string) {
		out = append(out, truth{id, index, func(t *testing.T, want [][]string, complete bool) { compare(t, want, got(t), complete) }})
	}
	one := func(f func(*State) [][]string) func(t *testing.T) [][]string {
		return func(t *testing.T) [][]string { _, s := singleCircuit(t); return f(s) }
	}
	const single = "er-single-circuit-mcr-baseline"
	add(single, 0, one(func(s *State) [][]string { return mseeTable(s, "C1/private/primary") }))
	add(single, 1, one(func(s *State) [][]string { return mseeTable(s, "C1/private/secondary") }))
	add(single, 2, one(func(s *State) [][]string { return mseeSummary(s, "C1/private/primary") }))
	add(single, 3, one(func(s *State) [][]string { return mseeSummary(s, "C1/private/secondary") }))
	add(single, 6, one(func(s *State) [][]string { return gatewayPeers(s, "gw-V1/1") }))
	add(single, 7, one(func(s *State) [][]string { return gatewayLearned(s, "gw-V1/1") }))

	hub := func(f func(*State) [][]string, summary ...string) func(t *testing.T) [][]string {
		return func(t *testing.T) [][]string { _, s := hubAndSpokes(t, summary...); return f(s) }
	}
	const spokes = "er-hub-two-spokes-baseline"
	advertised := func(s *State) [][]string { return gatewayAdvertised(s, "gw-hub/0", "C1/private/primary") }
	add(spokes, 0, hub(func(s *State) [][]string { return mseeTable(s, "C1/private/primary") }))
	add(spokes, 1, hub(advertised))
	add(spokes, 2, hub(func(s *State) [][]string { return gatewayLearned(s, "gw-hub/0") }))
	add("summarized-gateway-prefixes-partial", 0, hub(advertised, "10.0.0.0/15"))
	add("summarized-gateway-prefixes-partial", 1, hub(advertised))

	out = append(out, truth{"global-reach-gateway-view-avs", 0, func(t *testing.T, want [][]string, complete bool) {
		for i := range want {
			want[i][0] = "10.99.0.0/24" // "cloud-prefix" in the source
		}
		compare(t, want, gatewayLearned(globalReach(t), "gw-V1/0"), complete)
	}})
	add("global-reach-gateway-view-avs", 1, func(t *testing.T) [][]string { return mseeTable(globalReach(t), "blue/private/primary") })

	add("nic-ecmp-one-circuit", 0, func(t *testing.T) [][]string {
		l, s := nic(t, "192.168.2.0/24", false, [2]string{"10.3.129.36", "10.3.129.37"})
		return nicRows(s, l.vnets["spoke"])
	})
	add("nic-ecmp-broken-with-route-server", 0, func(t *testing.T) [][]string {
		l, s := nic(t, "192.168.2.0/24", true, [2]string{"10.3.129.36", "10.3.129.37"})
		rows := nicRows(s, l.vnets["spoke"])
		expectHops(t, rows, "192.168.2.0/24", 1)
		return rows
	})
	add("nic-ecmp-broken-with-route-server", 1, func(t *testing.T) [][]string {
		l, s := nic(t, "172.16.240.0/25", true, [2]string{"10.2.146.56", "10.2.146.57"}, [2]string{"10.3.129.36", "10.3.129.37"})
		rows := nicRows(s, l.vnets["spoke"])
		expectHops(t, rows, "172.16.240.0/25", 1)
		return rows
	})

	const two = "gateway-two-circuits-weight-and-prepend"
	add(two, 0, func(t *testing.T) [][]string { return gatewayLearned(weights(t), "gw-V/0") })
	add(two, 1, func(t *testing.T) [][]string { return mseeTable(weights(t), "new/private/primary") })

	add("wan-subnets-injected-nic", 0, func(t *testing.T) [][]string { l, s := wanSubnets(t); return nicRows(s, l.vnets["V"]) })
	add("wan-subnets-injected-nic", 1, func(t *testing.T) [][]string { _, s := wanSubnets(t); return mseeTable(s, "C1/private/primary") })

	add("global-reach-three-sites-adjacencies", 0, func(t *testing.T) [][]string {
		l := newLab(t)
		c := l.circuit("Sydney", "Sydney", 65003, "169.254.36.40/30", "169.254.36.44/30")
		l.connect(l.gateway(l.vnet("V", "192.168.3.0/27", "192.168.3.0/24"), "192.168.3.12", "192.168.3.13"), c, 0)
		s := l.site("australia", 65003, "10.3.0.0/16", "10.3.1.0/24", "1.2.3.4/32")
		l.ce(s, "ce", 65003, l.session(c, design.Primary))
		s.Routers = append(s.Routers, design.Router{Name: "ce2", ASN: 65003, Sessions: []design.Session{l.session(c, design.Secondary)}})
		return mseeSummary(l.build().Converge(Scenario{Kind: Healthy}), "Sydney/private/primary")
	})

	const pair = "msee-hairpin-two-gateways-one-circuit"
	add(pair, 0, func(t *testing.T) [][]string { return mseeTable(hairpin(t), "C1/private/primary") })
	add(pair, 1, func(t *testing.T) [][]string { return mseeTable(hairpin(t), "C1/private/secondary") })
	add(pair, 2, func(t *testing.T) [][]string { return gatewayLearned(hairpin(t), "gw-hns-hub/1") })
	add(pair, 3, func(t *testing.T) [][]string {
		return gatewayAdvertised(hairpin(t), "gw-hns-hub/1", "C1/private/primary")
	})

	statements := func(id string, index int, check func(t *testing.T)) {
		out = append(out, truth{id, index, func(t *testing.T, want [][]string, _ bool) {
			if len(want) == 0 {
				t.Fatal("the published table has no statement")
			}
			check(t)
		}})
	}
	statements("timers-and-failover-published", 2, maintenanceIsEightMore)
	statements("gateway-transit-and-propagation-flags", 0, transitAndPropagation)
	statements("vnet-to-vnet-through-circuit-default", 0, remoteVNetNeedsBothFlags)
	statements("peering-beats-more-specific-bgp", 0, peeringBeatsBGP)
	return out
}

// hairpin is msee-hairpin-two-gateways-one-circuit. The second gateway is a Virtual WAN hub's in the source; a VNet's
// gateway with a spoke stands for it, which behaves alike on the circuit (its hub announces no IPv6).
func hairpin(t *testing.T) *State {
	l := newLab(t)
	c := l.circuit("C1", "Stockholm", 65000, "172.31.0.0/30", "172.31.0.4/30")
	c.Properties.Peerings[0].Properties.IPv6PeeringConfig = &azure.IPv6PeeringConfig{PrimaryPeerAddressPrefix: "2001:db8::/126", SecondaryPeerAddressPrefix: "2001:db8::4/126"}
	hub := l.vnet("hns-hub", "10.1.0.0/27", "10.1.0.0/16", "fd00:1::/48")
	l.peer(hub, l.vnet("hns-spoke", "", "10.2.0.0/24", "fd00:2::/48"), true)
	far := l.vnet("vhub", "10.3.0.0/27", "10.3.0.0/23")
	l.peer(far, l.vnet("vwan-spoke", "", "10.4.0.0/24"), true)
	for _, g := range []*azure.VirtualNetworkGateway{l.gateway(hub, "10.1.0.12", "10.1.0.13"), l.gateway(far, "10.3.0.12", "10.3.0.13")} {
		g.Properties.AllowRemoteVNetTraffic = true
		l.connect(g, c, 0)
	}
	l.o.Older = []string{"cn-gw-vhub-C1/1-secondary"}
	return l.build().Converge(Scenario{Kind: Healthy})
}

func wanSubnets(t *testing.T) (*lab, *State) {
	l := newLab(t)
	c := l.circuit("C1", "Chicago", 65100, "172.16.1.0/30", "172.16.2.0/30")
	l.o.NextHopAddresses["C1"] = [2]netip.Addr{netip.MustParseAddr("10.20.88.10"), netip.MustParseAddr("10.20.88.11")}
	l.connect(l.gateway(l.vnet("V", "10.255.255.0/27", "10.255.0.0/16")), c, 0)
	s := l.site("premises", 65100, "172.16.1.0/30", "172.16.2.0/30", "192.168.1.0/24")
	l.ce(s, "ce", 65100, l.session(c, design.Primary), l.session(c, design.Secondary))
	return l, l.build().Converge(Scenario{Kind: Healthy})
}

func expectHops(t *testing.T, rows [][]string, prefix string, want int) {
	t.Helper()
	got := 0
	for _, r := range rows {
		if r[2] == prefix {
			got++
		}
	}
	if got != want {
		t.Errorf("%d rows for %s, want %d", got, prefix, want)
	}
}

// maintenanceIsEightMore: a drained MSEE adds 12076 eight times towards customer and gateway, its sessions stay up.
func maintenanceIsEightMore(t *testing.T) {
	l, _ := hubAndSpokes(t)
	n := l.build()
	var drain Scenario
	for _, sc := range n.Scenarios() {
		if sc.ID == "maintenance:stockholm-msee1" {
			drain = sc
		}
	}
	s := n.Converge(drain)
	nine := strings.TrimSpace(strings.Repeat("12076 ", 9))
	for _, c := range []struct{ router, from, path string }{
		{"mcr", "C1/private/primary", nine},
		{"mcr", "C1/private/secondary", "12076"},
		{"gw-hub/0", "C1/private/primary", nine + " 133937"},
		{"gw-hub/0", "C1/private/secondary", "12076 133937"},
	} {
		found := false
		for _, r := range s.Table(c.router) {
			if r.From == c.from {
				found = true
				if r.Path.String() != c.path {
					t.Errorf("%s hears %s from %s by path %q, want %q", c.router, r.Prefix, c.from, r.Path, c.path)
				}
			}
		}
		if !found {
			t.Errorf("%s hears nothing from %s", c.router, c.from)
		}
	}
}

// transitAndPropagation holds the four statements on gateway transit and route propagation.
func transitAndPropagation(t *testing.T) {
	l := newLab(t)
	c := l.circuit("C1", "Amsterdam", 65000, "172.31.0.0/30", "172.31.0.4/30")
	hub := l.vnet("hub", "10.0.255.0/27", "10.0.0.0/16")
	with, without := l.vnet("spoke1", "", "10.1.0.0/16"), l.vnet("spoke2", "", "10.2.0.0/16")
	l.peer(hub, with, true)
	l.peer(hub, without, false)
	l.connect(l.gateway(hub), c, 0)
	quiet := &azure.RouteTable{Header: header("Microsoft.Network/routeTables", "quiet", "westeurope")}
	quiet.Properties.DisableBGPRoutePropagation = true
	l.rs = append(l.rs, quiet)
	sn := l.subnet(with, "quiet", "10.1.200.0/24")
	sn.Properties.RouteTable = &azure.Ref{ID: quiet.ID}
	with.Properties.Subnets = append(with.Properties.Subnets, sn)
	s := l.site("premises", 65000, "192.168.2.0/24")
	l.ce(s, "ce", 65000, l.session(c, design.Primary), l.session(c, design.Secondary))
	st := l.build().Converge(Scenario{Kind: Healthy})

	has := func(v *azure.VirtualNetwork, subnet, prefix string) bool {
		return slices.ContainsFunc(st.EffectiveRoutes(v.ID, subnet), func(r EffectiveRoute) bool { return r.Prefix.String() == prefix })
	}
	announced := func(prefix string) bool {
		return slices.ContainsFunc(st.Table("ce"), func(r Row) bool { return r.Prefix.String() == prefix })
	}
	for _, c := range []struct {
		name      string
		got, want bool
	}{
		{"gateway transit off: the spoke gets a premises route", has(without, "app", "192.168.2.0/24"), false},
		{"gateway transit off: its prefix is announced", announced("10.2.0.0/16"), false},
		{"gateway transit on both ends: the premises route is on the spoke's interfaces", has(with, "app", "192.168.2.0/24"), true},
		{"gateway transit on both ends: the whole range is announced", announced("10.1.0.0/16"), true},
		{"propagation off removes the premises row of that subnet", has(with, "quiet", "192.168.2.0/24"), false},
		{"propagation off in a subnet: no subnet is announced", announced("10.1.200.0/24"), false},
		{"the VNet's row is its whole address space", has(with, "app", "10.1.0.0/16"), true},
	} {
		if c.got != c.want {
			t.Errorf("%s: %v, want %v", c.name, c.got, c.want)
		}
	}
}

// remoteVNetNeedsBothFlags: two VNets on one circuit reach each other only where both gateways allow it; each then sees the
// other as 12076 12076.
func remoteVNetNeedsBothFlags(t *testing.T) {
	for _, c := range []struct{ a, b bool }{{false, false}, {true, false}, {true, true}} {
		l := newLab(t)
		ci := l.circuit("C1", "Stockholm", 65000, "172.31.0.0/30", "172.31.0.4/30")
		ga := l.gateway(l.vnet("a", "10.1.255.0/27", "10.1.0.0/16"))
		gb := l.gateway(l.vnet("b", "10.3.255.0/27", "10.3.0.0/16"))
		ga.Properties.AllowRemoteVNetTraffic, gb.Properties.AllowRemoteVNetTraffic = c.a, c.b
		l.connect(ga, ci, 0)
		l.connect(gb, ci, 0)
		st := l.build().Converge(Scenario{Kind: Healthy})
		var paths []string
		for _, r := range st.Table("gw-a/0") {
			if r.Prefix.String() == "10.3.0.0/16" {
				paths = append(paths, r.Path.String())
			}
		}
		want := 0
		if c.a && c.b {
			want = 2 // one from each MSEE
		}
		if len(paths) != want {
			t.Errorf("flags %v %v: %d routes to the other VNet, want %d", c.a, c.b, len(paths), want)
		}
		for _, p := range paths {
			if p != "12076 12076" {
				t.Errorf("the other VNet is seen by path %q, want 12076 12076", p)
			}
		}
	}
}

// peeringBeatsBGP: a premises prefix inside a VNet's or a peer's space is never used; a user route overrides even that.
func peeringBeatsBGP(t *testing.T) {
	build := func(user bool) (State, *azure.VirtualNetwork) {
		l := newLab(t)
		c := l.circuit("C1", "Amsterdam", 65000, "172.31.0.0/30", "172.31.0.4/30")
		hub := l.vnet("hub", "10.0.255.0/27", "10.0.0.0/16")
		spoke := l.vnet("spoke", "", "10.1.0.0/16")
		l.peer(hub, spoke, true)
		l.connect(l.gateway(hub), c, 0)
		s := l.site("premises", 65000, "10.1.2.0/24", "10.0.3.0/24")
		l.ce(s, "ce", 65000, l.session(c, design.Primary), l.session(c, design.Secondary))
		if user {
			rt := &azure.RouteTable{Header: header("Microsoft.Network/routeTables", "rt", "westeurope")}
			var r azure.Route
			r.Name = "to-appliance"
			r.Properties.AddressPrefix, r.Properties.NextHopType, r.Properties.NextHopIPAddress = "10.0.3.0/24", "VirtualAppliance", "10.0.9.4"
			rt.Properties.Routes = append(rt.Properties.Routes, r)
			l.rs = append(l.rs, rt)
			spoke.Properties.Subnets[0].Properties.RouteTable = &azure.Ref{ID: rt.ID}
		}
		return *l.build().Converge(Scenario{Kind: Healthy}), spoke
	}
	st, spoke := build(false)
	rows := st.EffectiveRoutes(spoke.ID, "app")
	for _, a := range []string{"10.1.2.5", "10.0.3.5"} {
		got := lookup(rows, netip.MustParseAddr(a))
		if len(got) != 1 || got[0].Source != sourceDefault {
			t.Errorf("%s is routed by %v, want the system route", a, got)
		}
	}
	st, spoke = build(true)
	if got := lookup(st.EffectiveRoutes(spoke.ID, "app"), netip.MustParseAddr("10.0.3.5")); len(got) != 1 || got[0].Source != sourceUser {
		t.Errorf("with a user route 10.0.3.5 is routed by %v", got)
	}
}

func TestTheModelEqualsWhatRealAzureWasSeenToShow(t *testing.T) {
	p := readPublished(t)
	for _, x := range truths() {
		t.Run(fmt.Sprintf("%s/%d", x.id, x.index), func(t *testing.T) {
			want, complete := p.rows(t, x.id, x.index)
			x.check(t, want, complete)
		})
	}
}

// listed finds the rows of docs/truth.md: | case | table | reason |.
var listed = regexp.MustCompile(`(?m)^\| ([a-z0-9-]+) \| (\d+) [^|]*\| ([^|]+) \|$`)

func TestWhatTheModelDoesNotReproduceIsListedWithItsReason(t *testing.T) {
	doc, err := os.ReadFile("../docs/truth.md")
	if err != nil {
		t.Fatal(err)
	}
	said := map[string]bool{}
	for _, m := range listed.FindAllStringSubmatch(string(doc), -1) {
		said[m[1]+"/"+m[2]] = true
		if len(strings.TrimSpace(m[3])) < 20 {
			t.Errorf("docs/truth.md: %s/%s has no reason", m[1], m[2])
		}
	}
	compared := map[string]bool{}
	for _, x := range truths() {
		compared[fmt.Sprintf("%s/%d", x.id, x.index)] = true
	}
	for _, c := range readPublished(t).Cases {
		for i, o := range c.Observed {
			key := fmt.Sprintf("%s/%d", c.ID, i)
			switch {
			case compared[key] && said[key]:
				t.Errorf("%s (%s) is compared with the model and listed in docs/truth.md as not equal", key, o.Kind)
			case !compared[key] && !said[key]:
				t.Errorf("%s (%s) is neither compared with the model nor listed in docs/truth.md", key, o.Kind)
			}
			delete(said, key)
		}
	}
	for key := range said {
		t.Errorf("docs/truth.md lists %s, which was not published", key)
	}
}

// TestTheExpressRouteRowsOfThePremisesFirewall holds what docs/truth.md promises of er-vpn-coexist-junos-premises: a router
// inside the premises sees hub and spoke alike from both customer edge routers, path 12076 alone, local preference 150.
func TestTheExpressRouteRowsOfThePremisesFirewall(t *testing.T) {
	l := newLab(t)
	c := l.circuit("C1", "Washington DC", 65020, "192.168.11.16/30", "192.168.11.20/30")
	hub := l.vnet("hub", "10.17.11.64/27", "10.17.11.0/25")
	l.peer(hub, l.vnet("spoke", "", "10.17.11.128/26"), true)
	l.connect(l.gateway(hub), c, 0)
	s := l.site("premises", 65020, "10.1.11.0/25")
	for i, h := range []string{design.Primary, design.Secondary} {
		one := l.session(c, h)
		one.Import = preferPolicy(150)
		l.ce(s, fmt.Sprintf("ce%d", i+1), 65020, one)
	}
	st := l.build().Converge(Scenario{Kind: Healthy})
	var got []string
	for _, r := range st.Table("premises-core") {
		if r.From != "" {
			got = append(got, fmt.Sprintf("%s %s %s %d", r.Prefix, r.From, r.Path, r.LocalPref))
		}
	}
	want := []string{"10.17.11.0/25 ce1 12076 150", "10.17.11.0/25 ce2 12076 150", "10.17.11.128/26 ce1 12076 150", "10.17.11.128/26 ce2 12076 150"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
