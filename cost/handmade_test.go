package cost_test

import (
	"bytes"
	"encoding/csv"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"onramp/azure"
	"onramp/cost"
	"onramp/design"
	"onramp/intent"
)

// The designs here are made by hand, as a design.json may be that pattern never wrote.

func head(kind, name, region, owner string) azure.Header {
	h := azure.Header{ID: azure.ID("/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/" + kind + "/" + name), Name: name, Type: "Microsoft.Network/" + kind, Location: region}
	if owner != "" {
		h.Tags = map[string]string{design.TagLineOfBusiness: owner}
	}
	return h
}

func providerCircuit(name, tier, family string, mbps int, location, owner string) *azure.ExpressRouteCircuit {
	c := &azure.ExpressRouteCircuit{Header: head("expressRouteCircuits", name, "westeurope", owner), SKU: azure.SKU{Name: tier + "_" + family, Tier: tier, Family: family}}
	c.Properties.ServiceProviderProperties = &azure.ServiceProviderProperties{ServiceProviderName: "Equinix", PeeringLocation: location, BandwidthInMbps: mbps}
	return c
}

func gateway(name, kind, sku string, units int, region, owner string) *azure.VirtualNetworkGateway {
	g := &azure.VirtualNetworkGateway{Header: head("virtualNetworkGateways", name, region, owner)}
	g.Properties.GatewayType, g.Properties.SKU = kind, azure.SKU{Name: sku, Tier: sku, Capacity: units}
	return g
}

func firewall(tier, region string) *azure.AzureFirewall {
	f := &azure.AzureFirewall{Header: head("azureFirewalls", "fw", region, "")}
	f.Properties.SKU = azure.SKU{Name: "AZFW_VNet", Tier: tier}
	return f
}

func joined() *azure.ExpressRouteCircuit {
	c := providerCircuit("er", "Standard", "UnlimitedData", 50, "Amsterdam", "a")
	far := providerCircuit("far", "Standard", "UnlimitedData", 50, "London", "b")
	c.Properties.Peerings = []azure.Peering{{Name: "AzurePrivatePeering", Properties: azure.PeeringProperties{PeeringType: "AzurePrivatePeering", Connections: []azure.CircuitConnection{
		{Name: "gr", Properties: azure.CircuitConnectionProperties{PeerExpressRouteCircuitPeering: &azure.Ref{ID: far.ID + "/peerings/AzurePrivatePeering"}}}}}}}
	return c
}

func direct(tier string) []azure.Resource {
	p := &azure.ExpressRoutePort{Header: head("expressRoutePorts", "erp", "westeurope", "")}
	p.Properties.PeeringLocation, p.Properties.BandwidthInGbps = "Amsterdam", 10
	c := &azure.ExpressRouteCircuit{Header: head("expressRouteCircuits", "er", "westeurope", ""), SKU: azure.SKU{Tier: tier, Family: "MeteredData"}}
	gbps := 10.0
	c.Properties.ExpressRoutePort, c.Properties.BandwidthInGbps = &azure.Ref{ID: p.ID}, &gbps
	return []azure.Resource{p, c}
}

func needs(gb float64, of map[string]intent.Mbps) *intent.Estate {
	e := &intent.Estate{}
	e.Traffic.MonthlyEgressGB = gb
	for _, name := range []string{"a", "b"} {
		if m, ok := of[name]; ok {
			e.LinesOfBusiness = append(e.LinesOfBusiness, intent.LineOfBusiness{Name: name, Needs: intent.Needs{Bandwidth: m}})
		}
	}
	return e
}

func TestEveryKindOfLineKnownOrUnknown(t *testing.T) {
	c := open(t)
	access := func(usd *float64) *design.Design {
		return &design.Design{Premises: design.Premises{Attachments: []design.Attachment{{Name: "site/p/1", Number: 1, MonthlyUSD: usd}, {Name: "site/p/2", Number: 2}}}}
	}
	of := func(list ...azure.Resource) *design.Design { return &design.Design{Resources: list} }
	egress := of(providerCircuit("er-1", "Standard", "MeteredData", 500, "Amsterdam", "a"), providerCircuit("er-2", "Standard", "MeteredData", 500, "Amsterdam", "a"))
	egress.Intent = needs(1000, map[string]intent.Mbps{"a": 100})
	free, paid := 0.0, 1200.5
	for _, x := range []struct {
		name, item, resource string
		d                    *design.Design
		known                bool
		quantity, usd        float64
	}{
		{"a metered circuit", "circuit", "er", of(providerCircuit("er", "Standard", "MeteredData", 500, "Amsterdam", "")), true, 1, 290},
		{"an unlimited circuit", "circuit", "er", of(providerCircuit("er", "Standard", "UnlimitedData", 500, "Amsterdam", "")), true, 1, 2750},
		{"a circuit of a size that is not sold", "circuit", "er", of(providerCircuit("er", "Standard", "MeteredData", 333, "Amsterdam", "")), false, 1, 0},
		{"a circuit at a place without a billing zone", "circuit", "er", of(providerCircuit("er", "Standard", "MeteredData", 500, "Atlantis", "")), false, 1, 0},
		{"data over the first circuit of a pair", "outbound data", "er-1", egress, true, 1000, 25},
		{"a Direct port pair", "Direct port pair", "erp", of(direct("Standard")...), false, 1, 0},
		{"Premium on Direct", "Premium on a Direct circuit", "er", of(direct("Premium")...), false, 1, 0},
		{"Global Reach", "Global Reach", "er/gr", of(joined()), false, 1, 0},
		{"a gateway", "gateway", "gw", of(gateway("gw", "ExpressRoute", "ErGw1AZ", 0, "uksouth", "")), true, 730, 263.53},
		{"a gateway of ten scale units", "gateway", "gw", of(gateway("gw", "ExpressRoute", "ErGwScale", 10, "uksouth", "")), true, 7300, 1533},
		{"a gateway of an unpriced SKU", "gateway", "gw", of(gateway("gw", "ExpressRoute", "ErGw9", 0, "uksouth", "")), false, 730, 0},
		{"a VPN gateway", "gateway", "vpn", of(gateway("vpn", "Vpn", "VpnGw1AZ", 0, "uksouth", "")), true, 730, 153.3},
		{"a Route Server", "Route Server", "rs", of(&azure.VirtualHub{Header: head("virtualHubs", "rs", "uksouth", ""), Kind: "RouteServer"}), false, 730, 0},
		{"a hub of a virtual WAN", "virtual hub", "hub", of(&azure.VirtualHub{Header: head("virtualHubs", "hub", "uksouth", "")}), false, 730, 0},
		{"a firewall", "firewall", "fw", of(firewall("Standard", "uksouth")), true, 730, 912.5},
		{"a firewall of an unpriced tier", "firewall", "fw", of(firewall("Deluxe", "uksouth")), false, 730, 0},
		{"a public address", "public IP address", "pip", of(&azure.PublicIPAddress{Header: head("publicIPAddresses", "pip", "eastus", "")}), true, 730, 3.65},
		{"an access with a price", "provider access", "site/p", access(&paid), true, 1, 1200.5},
		{"an access for nothing", "provider access", "site/p", access(&free), true, 1, 0},
		{"an access without a price", "provider access", "site/p", access(nil), false, 1, 0},
	} {
		t.Run(x.name, func(t *testing.T) {
			b := cost.Month(x.d, c, cost.Options{})
			l := line(t, b, x.item, x.resource)
			if l.Known != x.known || l.Quantity != x.quantity || math.Abs(l.USD-x.usd) > 1e-9 {
				t.Errorf("known %v, %g for %.2f USD; want %v, %g for %.2f", l.Known, l.Quantity, l.USD, x.known, x.quantity, x.usd)
			}
			listed := slices.ContainsFunc(b.Unknown, func(u cost.Unknown) bool { return u.Item == x.item && u.Resource == x.resource && u.Reason != "" })
			if listed == x.known {
				t.Errorf("known %v, and listed among the unknown: %v", x.known, listed)
			}
			if msg := addsUp(b); msg != "" {
				t.Error(msg)
			}
		})
	}
}

func TestAStandardCircuitOnDirectCostsNothingBeyondItsPort(t *testing.T) {
	b := cost.Month(&design.Design{Resources: direct("Standard")}, open(t), cost.Options{})
	if len(b.Lines) != 1 || b.Lines[0].Item != "Direct port pair" {
		t.Errorf("lines %+v", b.Lines)
	}
}

func TestGlobalReachIsSharedByBothItsCircuits(t *testing.T) {
	d := &design.Design{Resources: azure.Resources{joined(), providerCircuit("far", "Standard", "UnlimitedData", 50, "London", "b")}, Intent: needs(0, map[string]intent.Mbps{"a": 100, "b": 100})}
	b := cost.Month(d, open(t), cost.Options{})
	for _, p := range b.ByLineOfBusiness {
		if !p.AtLeast {
			t.Errorf("%s pays for it, and its part is said to be exact", p.LineOfBusiness)
		}
	}
}

func TestWhoeverATagNamesPaysThoughTheIntentDoesNotKnowThem(t *testing.T) {
	d := &design.Design{Resources: azure.Resources{providerCircuit("er", "Standard", "MeteredData", 500, "Amsterdam", "ghost")}, Intent: needs(0, map[string]intent.Mbps{"a": 100})}
	want := []cost.Part{{LineOfBusiness: "a"}, {LineOfBusiness: "ghost", USD: 290}}
	if got := cost.Month(d, open(t), cost.Options{}).ByLineOfBusiness; !slices.Equal(got, want) {
		t.Errorf("parts %+v, want %+v", got, want)
	}
}

func TestWhatIsNobodysAndHasNoPriceLeavesNobodysPartOpen(t *testing.T) {
	d := &design.Design{Resources: azure.Resources{providerCircuit("er", "Standard", "MeteredData", 333, "Amsterdam", "")}}
	b := cost.Month(d, open(t), cost.Options{})
	if want := []cost.Part{{AtLeast: true}}; !slices.Equal(b.ByLineOfBusiness, want) || !b.Total.AtLeast {
		t.Errorf("parts %+v of %+v, want %+v", b.ByLineOfBusiness, b.Total, want)
	}
}

func TestTheAddressOfAGatewayIsPaidByWhoeverUsesTheGateway(t *testing.T) {
	v := &azure.VirtualNetwork{Header: head("virtualNetworks", "v", "uksouth", "a")}
	ip := &azure.PublicIPAddress{Header: head("publicIPAddresses", "pip", "uksouth", "")}
	g := gateway("gw", "ExpressRoute", "ErGw1AZ", 0, "uksouth", "")
	g.Properties.IPConfigurations = []azure.GatewayIPConfiguration{{Properties: azure.GatewayIPConfigurationProperties{Subnet: &azure.Ref{ID: v.ID + "/subnets/GatewaySubnet"}, PublicIPAddress: &azure.Ref{ID: ip.ID}}}}
	d := &design.Design{Resources: azure.Resources{v, ip, g}, Intent: needs(0, map[string]intent.Mbps{"a": 100, "b": 100})}
	if l := line(t, cost.Month(d, open(t), cost.Options{}), "public IP address", "pip"); l.LineOfBusiness != "a" {
		t.Errorf("%q pays for it: %+v", l.LineOfBusiness, l.Shares)
	}
}

func TestTheCSVsRecordsEndAsRFC4180Says(t *testing.T) {
	got := cost.Month(&design.Design{Resources: direct("Premium")}, open(t), cost.Options{}).CSV()
	if n := bytes.Count(got, []byte("\n")); n == 0 || n != bytes.Count(got, []byte("\r\n")) {
		t.Errorf("%q", got)
	}
	if rows, err := csv.NewReader(bytes.NewReader(got)).ReadAll(); err != nil || len(rows) < 2 {
		t.Errorf("%v %v", rows, err)
	}
}

// addsUp says what is wrong with a bill's sums, "" when nothing is.
func addsUp(b *cost.Bill) string {
	inCents := func(v float64) int64 { return int64(math.Round(v * 100)) }
	var parts int64
	open := false
	for _, p := range b.ByLineOfBusiness {
		parts += inCents(p.USD)
		open = open || p.AtLeast
	}
	switch {
	case parts != inCents(b.Total.USD):
		return "the parts do not add up to the total"
	case b.Total.AtLeast != (len(b.Unknown) > 0):
		return "the total is open exactly when something is unknown, and it is not"
	case open != b.Total.AtLeast:
		return "the total is open exactly when somebody's part is, and it is not"
	}
	return ""
}

// drawn is a hand-made design: any resources, tagged with anybody or nobody, with or without an intent.
func drawn(t *rapid.T) *design.Design {
	owner := rapid.SampledFrom([]string{"", "a", "b", "ghost"})
	d := &design.Design{}
	for i := range rapid.IntRange(0, 6).Draw(t, "resources") {
		name, who := string(rune('p'+i)), owner.Draw(t, "owner")
		mbps := rapid.SampledFrom([]int{50, 333, 1000}).Draw(t, "mbps")
		switch rapid.IntRange(0, 3).Draw(t, "kind") {
		case 0:
			d.Resources = append(d.Resources, providerCircuit(name+"-1", "Standard", "MeteredData", mbps, rapid.SampledFrom([]string{"Amsterdam", "Sao Paulo", "Atlantis"}).Draw(t, "location"), who))
		case 1:
			d.Resources = append(d.Resources, gateway(name, "ExpressRoute", rapid.SampledFrom([]string{"ErGw1AZ", "ErGw9"}).Draw(t, "sku"), 0, "uksouth", who))
		case 2:
			d.Resources = append(d.Resources, &azure.VirtualHub{Header: head("virtualHubs", name, "uksouth", who), Kind: "RouteServer"})
		case 3:
			d.Resources = append(d.Resources, &azure.PublicIPAddress{Header: head("publicIPAddresses", name, "uksouth", who)})
		}
	}
	if rapid.Bool().Draw(t, "intent") {
		d.Intent = needs(rapid.Float64Range(0, 1e6).Draw(t, "egress"), map[string]intent.Mbps{"a": intent.Mbps(rapid.IntRange(0, 10_000).Draw(t, "a")), "b": intent.Mbps(rapid.IntRange(0, 10_000).Draw(t, "b"))})
	}
	return d
}

func TestAnyDesignsPartsAddUpToItsTotal(t *testing.T) {
	c := open(t)
	rapid.Check(t, func(t *rapid.T) {
		if msg := addsUp(cost.Month(drawn(t), c, cost.Options{})); msg != "" {
			t.Fatal(msg)
		}
	})
}

func TestSomethingUnknownMoreNeverClosesASum(t *testing.T) {
	c := open(t)
	rapid.Check(t, func(t *rapid.T) {
		d := drawn(t)
		before := cost.Month(d, c, cost.Options{})
		more := *d
		more.Resources = append(slices.Clone(d.Resources), gateway("zz", "ExpressRoute", "ErGw9", 0, "uksouth", ""))
		after := cost.Month(&more, c, cost.Options{})
		if !after.Total.AtLeast || after.Total.USD != before.Total.USD {
			t.Fatalf("%+v became %+v", before.Total, after.Total)
		}
		for _, p := range before.ByLineOfBusiness {
			if p.AtLeast && !slices.ContainsFunc(after.ByLineOfBusiness, func(q cost.Part) bool { return q.LineOfBusiness == p.LineOfBusiness && q.AtLeast }) {
				t.Fatalf("the part of %q was open and no longer is", p.LineOfBusiness)
			}
		}
	})
}

func TestABillIsInItsOrder(t *testing.T) {
	c := open(t)
	rapid.Check(t, func(t *rapid.T) {
		d := drawn(t)
		got := cost.Month(d, c, cost.Options{})
		if !slices.IsSortedFunc(got.Lines, func(a, b cost.Line) int {
			if a.LineOfBusiness != b.LineOfBusiness {
				return bytes.Compare([]byte(a.LineOfBusiness), []byte(b.LineOfBusiness))
			}
			if a.Item == b.Item {
				return bytes.Compare([]byte(a.Resource), []byte(b.Resource))
			}
			return 0
		}) {
			t.Fatalf("%+v", got.Lines)
		}
		if !bytes.Equal(got.CSV(), cost.Month(d, c, cost.Options{}).CSV()) {
			t.Fatal("the same design gave two bills")
		}
	})
}
