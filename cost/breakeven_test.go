package cost

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"onramp/azure"
	"onramp/catalog"
	"onramp/design"
	"onramp/intent"
	"onramp/intent/intenttest"
	"onramp/pattern"
)

func openCatalog(t testing.TB) *catalog.Catalog {
	t.Helper()
	c, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// small is a line of business with one network, a gateway in it, and one circuit that it is linked to.
type small struct {
	location, tier, family string
	mbps                   int
	region, gateway        string
	access                 *float64
	gb                     float64
	services               []string
}

func (s small) design() *design.Design {
	head := func(kind, name string) azure.Header {
		return azure.Header{ID: azure.ID("/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/" + kind + "/" + name), Name: name, Type: "Microsoft.Network/" + kind, Location: s.region,
			Tags: map[string]string{design.TagLineOfBusiness: "a"}}
	}
	v := &azure.VirtualNetwork{Header: head("virtualNetworks", "v")}
	v.Properties.AddressSpace.AddressPrefixes = []string{"10.0.0.0/16"}
	g := &azure.VirtualNetworkGateway{Header: head("virtualNetworkGateways", "gw")}
	g.Properties.GatewayType, g.Properties.SKU = "ExpressRoute", azure.SKU{Name: s.gateway, Tier: s.gateway}
	g.Properties.IPConfigurations = []azure.GatewayIPConfiguration{{Name: "ip", Properties: azure.GatewayIPConfigurationProperties{Subnet: &azure.Ref{ID: v.ID + "/subnets/GatewaySubnet"}}}}
	c := &azure.ExpressRouteCircuit{Header: head("expressRouteCircuits", "er-1"), SKU: azure.SKU{Name: s.tier + "_" + s.family, Tier: s.tier, Family: s.family}}
	c.Properties.ServiceProviderProperties = &azure.ServiceProviderProperties{ServiceProviderName: "Equinix", PeeringLocation: s.location, BandwidthInMbps: s.mbps}
	x := &azure.VirtualNetworkGatewayConnection{Header: head("connections", "cn")}
	x.Properties.ConnectionType = "ExpressRoute"
	x.Properties.VirtualNetworkGateway1, x.Properties.Peer = &azure.Ref{ID: g.ID}, &azure.Ref{ID: c.ID}
	e := &intent.Estate{LinesOfBusiness: []intent.LineOfBusiness{{Name: "a", Needs: intent.Needs{Bandwidth: 100, Services: s.services}}}}
	e.Traffic.MonthlyEgressGB = s.gb
	return &design.Design{Name: "small", Intent: e, Resources: azure.Resources{v, g, c, x},
		Orders:   []design.Order{{Circuit: c.ID, Attachments: []string{"site/p/1"}}},
		Premises: design.Premises{Attachments: []design.Attachment{{Name: "site/p/1", Number: 1, MonthlyUSD: s.access}}}}
}

func usd(v float64) *float64 { return &v }

// london is 500 Mbps at London, in billing zone 1, to a network in UK South.
func london() small {
	return small{location: "London", tier: "Standard", family: "MeteredData", mbps: 500, region: "uksouth", gateway: "ErGw1AZ", access: usd(1000), gb: 1000}
}

func of(t testing.TB, list []BreakEven, a, b string) *BreakEven {
	t.Helper()
	for i := range list {
		if strings.Contains(list[i].A.Name, a) && strings.Contains(list[i].B.Name, b) {
			return &list[i]
		}
	}
	t.Fatalf("no comparison of %s with %s", a, b)
	return nil
}

func TestBreakEvensByHandFromThePriceList(t *testing.T) {
	c := openCatalog(t)
	// Queretaro is the one location in zone 4: 0.10 a GB, which lies between two tiers of Korea Central's internet prices, 0.12 and 0.085.
	queretaro := small{location: "Queretaro (Mexico)", tier: "Premium", family: "MeteredData", mbps: 50, region: "koreacentral", gateway: "Standard", access: usd(0), gb: 0}
	for _, x := range []struct {
		name string
		d    small
		a, b string
		want []Crossing
	}{
		// 2750 - 290 = 2460 more, at 0.025 a GB; the rest of the bill is the same.
		{"metered or unlimited", london(), Metered, Unlimited, []Crossing{{98_400, Metered, Unlimited, 2750 + 263.53 + 1000}}},
		// Local from 1 Gbps is 1200, Standard at 500 Mbps 290: 910 at 0.025.
		{"Local or Standard", london(), Standard, Local, []Crossing{{36_400, "Standard, metered data", Local, 1200 + 263.53 + 1000}}},
		{"Premium never pays by traffic", london(), Standard, Premium, nil},
		// At 0 GB 290 + 263.53 + 1000 against 153.30 + 2 x 3.65: 1392.93 dearer. 100 GB are free on the internet: + 2.50. To 10335 GB
		// 0.062 a GB are saved, 634.57: 760.86 are left, at 0.058 a GB from there: 13118.3 GB.
		{"a VPN's data is dearer", london(), AsDesigned, VPN, []Crossing{{23_454, VPN, "ExpressRoute as designed", 290 + 263.53 + 1000 + 586.35}}},
		// Without the VPN gateways 1553.53 dearer: 921.46 are left at 10335 GB, 15887.2 GB on.
		{"the internet", london(), AsDesigned, Internet, []Crossing{{26_223, Internet, "ExpressRoute as designed", 290 + 263.53 + 1000 + 655.58}}},
		// 155 + 138.70 - 160.60 = 133.10 dearer; + 10 over the free 100 GB; 0.02 a GB saved: 7255 GB. At 10335 GB 61.60 cheaper, and
		// 0.015 a GB lost from there: 4106.7 GB on.
		{"two crossings where a flat price meets a tiered one", queretaro, AsDesigned, VPN, []Crossing{{7_255, VPN, "ExpressRoute as designed", 155 + 138.70 + 725.50}, {14_442, "ExpressRoute as designed", VPN, 155 + 138.70 + 1444.20}}},
	} {
		t.Run(x.name, func(t *testing.T) {
			e := of(t, BreakEvens(x.d.design(), c), x.a, x.b)
			if !e.Applicable || e.Open != "" {
				t.Fatalf("%s", e)
			}
			near := func(a, b Crossing) bool {
				d := a.USD - b.USD
				return a.Below == b.Below && a.Above == b.Above && max(a.GB-b.GB, b.GB-a.GB) <= 1 && max(d, -d) < 0.2
			}
			if !slices.EqualFunc(e.Crossings, x.want, near) {
				t.Errorf("%+v, want %+v", e.Crossings, x.want)
			}
		})
	}
}

func TestWithoutACrossingOneIsCheaperThroughout(t *testing.T) {
	c := openCatalog(t)
	for _, x := range []struct {
		name, a, b, want string
		d                small
	}{
		{"Premium is Standard and more", Standard, Premium, Standard, london()},
		{"where the flat price is above every tier, the internet wins", AsDesigned, Internet, Internet, small{location: "Queretaro (Mexico)", tier: "Premium", family: "MeteredData", mbps: 500, region: "uksouth", gateway: "ErGw1AZ", access: usd(0)}},
	} {
		e := of(t, BreakEvens(x.d.design(), c), x.a, x.b)
		if len(e.Crossings) > 0 || e.Throughout != x.want || !strings.Contains(e.String(), x.want+" is cheaper at any traffic up to ") {
			t.Errorf("%s: %s (%s)", x.name, e, e.Throughout)
		}
	}
	// Two plans that cost the same at no traffic and differ beyond.
	tie := BreakEven{Applicable: true, A: Alternative{Name: "x", Present: &Total{}}, B: Alternative{Name: "y", Present: &Total{}}, Throughout: "x"}
	if !strings.HasPrefix(tie.String(), "x is nowhere dearer") {
		t.Errorf("%s", &tie)
	}
	tie.Throughout = ""
	if !strings.HasPrefix(tie.String(), "both cost the same") {
		t.Errorf("%s", &tie)
	}
}

func TestAComparisonIsMadeOnlyOfWhatCanBeHad(t *testing.T) {
	c := openCatalog(t)
	change := func(f func(*small)) small {
		s := london()
		f(&s)
		return s
	}
	for _, x := range []struct {
		name   string
		d      *design.Design
		a, b   string
		reason string
		priced bool
	}{
		{"Local is not sold at the location", change(func(s *small) { s.location = "Brussels" }).design(), Standard, Local, "er-1 is at Brussels, where Local is not sold", false},
		{"Local does not reach the region", change(func(s *small) { s.region = "westeurope" }).design(), Standard, Local, "er-1 is at London, from where Local does not reach westeurope", true},
		{"no Local circuit is that large", change(func(s *small) { s.mbps = 20_000 }).design(), Standard, Local, "er-1 has 20 Gbps, more than any Local circuit is sold with", false},
		{"Standard does not reach the continent", change(func(s *small) { s.region, s.tier = "eastus", "Premium" }).design(), Standard, Premium, "er-1 has to be Premium: eastus is outside the geopolitical region of London", true},
		{"Local has its data included", change(func(s *small) { s.tier, s.family, s.mbps = "Local", "UnlimitedData", 1000 }).design(), Metered, Unlimited, "er-1 is Local, which is sold with its data included only", false},
	} {
		t.Run(x.name, func(t *testing.T) {
			e := of(t, BreakEvens(x.d, c), x.a, x.b)
			if e.Applicable || !strings.Contains(e.Reason, x.reason) || len(e.Crossings) > 0 {
				t.Errorf("applicable %v, reason %q, crossings %v; want %q", e.Applicable, e.Reason, e.Crossings, x.reason)
			}
			if (e.A.Present != nil) != x.priced || (e.B.Present != nil) != x.priced {
				t.Errorf("totals %v and %v", e.A.Present, e.B.Present)
			}
			if !strings.HasPrefix(e.String(), "no choice: "+e.Reason) {
				t.Errorf("it says %q", e.String())
			}
		})
	}
	blind := london().design()
	blind.Intent = nil
	bare := &design.Design{Intent: london().design().Intent}
	for _, d := range []*design.Design{blind, bare} {
		for _, e := range BreakEvens(d, c) {
			if e.Applicable || e.Reason == "" {
				t.Errorf("%s: applicable without %s", e.Name, e.Reason)
			}
		}
		if curves := Curves(d, c); len(curves) > 0 {
			t.Errorf("curves %v", curves)
		}
	}
	v6 := london().design()
	for _, n := range azure.Of[*azure.VirtualNetwork](v6.Resources) {
		n.Properties.AddressSpace.AddressPrefixes = append(n.Properties.AddressSpace.AddressPrefixes, "fd00::/48")
	}
	if e := of(t, BreakEvens(v6, c), AsDesigned, VPN); e.Applicable || !strings.Contains(e.Reason, "IPv6") {
		t.Errorf("IPv6 over a VPN: %s", e)
	}
}

func TestAPriceThatOnlyOneSideNeedsLeavesTheComparisonOpen(t *testing.T) {
	c := openCatalog(t)
	s := london()
	s.access = nil
	list := BreakEvens(s.design(), c)
	for _, b := range []string{VPN, Internet} {
		e := of(t, list, AsDesigned, b)
		if !e.Applicable || e.Open == "" || len(e.Crossings) > 0 || !e.A.Present.AtLeast || e.B.Present.AtLeast || len(e.A.Unknown) != 1 {
			t.Errorf("%s: %+v", b, e)
		}
		// What is known of ExpressRoute is more than the whole of the other already.
		if e.Cheaper != b || !strings.Contains(e.String(), "at least") || !strings.Contains(e.String(), "provider access of site/p") {
			t.Errorf("%q is cheaper; it says %q", e.Cheaper, e)
		}
	}
	// The same access is on both bills: it makes no difference.
	if e := of(t, list, Metered, Unlimited); e.Open != "" || len(e.Crossings) != 1 || e.Crossings[0].GB != 98_400 || len(e.A.Unknown)+len(e.B.Unknown) > 0 {
		t.Errorf("%+v", e)
	}
	// A circuit of an unpriced size is another thing on either plan.
	s.mbps = 333
	if e := of(t, BreakEvens(s.design(), c), Metered, Unlimited); e.Open == "" || len(e.A.Unknown) != 1 || len(e.B.Unknown) != 1 || e.Cheaper != "" {
		t.Errorf("%+v", e)
	}
	// Microsoft 365 has no network in Azure whose region would price its data over the internet.
	d := london().design()
	d.Intent.LinesOfBusiness = append(d.Intent.LinesOfBusiness, intent.LineOfBusiness{Name: "mail", Needs: intent.Needs{Bandwidth: 100, Services: []string{intent.Microsoft365}}})
	for _, r := range azure.Of[*azure.ExpressRouteCircuit](d.Resources) {
		r.Tags = nil
		r.Properties.Peerings = []azure.Peering{{Name: "MicrosoftPeering", Properties: azure.PeeringProperties{PeeringType: "MicrosoftPeering"}}}
	}
	if e := of(t, BreakEvens(d, c), AsDesigned, VPN); e.Open == "" || len(e.B.Unknown) != 1 || e.B.Unknown[0].Resource != "mail" {
		t.Errorf("%+v", e)
	}
}

// drawnDesign is a design of a drawn intent, or a small one.
func drawnDesign(t *rapid.T, c *catalog.Catalog, drawer *intenttest.Drawer) *design.Design {
	if rapid.Bool().Draw(t, "compiled") {
		if d, _ := pattern.Compile(rapid.SampledFrom(design.Patterns()).Draw(t, "pattern"), drawer.Estate(t), c, pattern.Options{}); d != nil {
			return d
		}
	}
	return small{location: rapid.SampledFrom([]string{"London", "Queretaro (Mexico)", "Sao Paulo", "Singapore"}).Draw(t, "location"), tier: rapid.SampledFrom([]string{"Standard", "Premium"}).Draw(t, "tier"),
		family: rapid.SampledFrom([]string{"MeteredData", "UnlimitedData"}).Draw(t, "family"), mbps: rapid.SampledFrom(c.Limits().CircuitMbps).Draw(t, "mbps"),
		region: rapid.SampledFrom([]string{"uksouth", "koreacentral", "brazilsouth", "eastus"}).Draw(t, "region"), gateway: "Standard", access: usd(float64(rapid.IntRange(0, 3000).Draw(t, "access"))), gb: float64(rapid.IntRange(0, 5000).Draw(t, "gb"))}.design()
}

func TestTheCheaperBillIsTheOneThatTheCrossingsSay(t *testing.T) {
	c := openCatalog(t)
	drawer := intenttest.NewDrawer(c)
	rapid.Check(t, func(t *rapid.T) {
		m := newVariants(drawnDesign(t, c, drawer), c)
		i := rapid.IntRange(0, 4).Draw(t, "pair")
		pair := m.pairs()[i]
		a, b := pair[0], pair[1]
		e := m.compare(a, b)
		if !e.Applicable || e.Open != "" {
			return
		}
		bills := func(gb int64) (x, y cents) {
			return toCents(a.at(float64(gb)).Total.USD), toCents(b.at(float64(gb)).Total.USD)
		}
		name := func(gb int64) string {
			switch x, y := bills(gb); {
			case x < y:
				return e.A.Name
			case y < x:
				return e.B.Name
			}
			return ""
		}
		for _, x := range e.Crossings {
			if got := name(x.GB - 1); got != x.Below {
				t.Fatalf("just below %d GB %q is cheaper, not %s", x.GB, got, x.Below)
			}
			if got := name(x.GB); got == x.Below {
				t.Fatalf("at %d GB %s is still cheaper", x.GB, got)
			}
		}
		// The slow twin: any amount, looked up in the crossings and in the bills. Within a few GB of a crossing, cents decide.
		gb := rapid.Int64Range(0, e.MaxGB).Draw(t, "at")
		want := ""
		for _, x := range e.Crossings {
			if max(x.GB-gb, gb-x.GB) < 10 {
				return
			}
			if want == "" {
				want = x.Below
			}
			if gb >= x.GB {
				want = x.Above
			}
		}
		x, y := bills(gb)
		if d := x - y; max(d, -d) <= 10 {
			return
		}
		if got := name(gb); want != "" && got != want || want == "" && got != name(0) && name(0) != "" {
			t.Fatalf("%s: at %d GB %q is cheaper (%d and %d cents); the crossings %+v say %q", e.Name, gb, got, x, y, e.Crossings, want)
		}
	})
}

func TestAVariantChangesOnlyWhatItIsNamedFor(t *testing.T) {
	c := openCatalog(t)
	drawer := intenttest.NewDrawer(c)
	rapid.Check(t, func(t *rapid.T) {
		d := drawnDesign(t, c, drawer)
		before, err := d.Encode()
		if err != nil {
			t.Fatal(err)
		}
		bill := Month(d, c, Options{}).CSV()
		list := BreakEvens(d, c)
		Curves(d, c)
		after, err := d.Encode()
		if err != nil || string(before) != string(after) || string(bill) != string(Month(d, c, Options{}).CSV()) {
			t.Fatal("comparing changed the design")
		}
		if again := BreakEvens(d, c); fmt.Sprintf("%+v", again) != fmt.Sprintf("%+v", list) {
			t.Fatal("the same design gave two answers")
		}
		m := newVariants(d, c)
		for _, pair := range m.pairs() {
			for _, v := range pair {
				if msg := partsOf(v.at(m.present())); msg != "" {
					t.Fatalf("%s: %s", v.name, msg)
				}
			}
		}
	})
}

// partsOf says what is wrong with a bill's parts, "" when nothing is.
func partsOf(b *Bill) string {
	sum := cents(0)
	for _, p := range b.ByLineOfBusiness {
		sum += toCents(p.USD)
	}
	if sum != toCents(b.Total.USD) {
		return fmt.Sprintf("the parts are %d cents of %d", sum, toCents(b.Total.USD))
	}
	return ""
}

func TestCurvesGoThroughTheBreakEvens(t *testing.T) {
	c := openCatalog(t)
	d := london().design()
	curves := Curves(d, c)
	var names []string
	for _, x := range curves {
		names = append(names, x.Name)
		if x.AtLeast || len(x.Points) < samples || x.Points[0].GB != 0 || x.AsDesigned != (x.Name == "ExpressRoute, "+Metered) {
			t.Errorf("%+v", x)
		}
		if !slices.IsSortedFunc(x.Points, func(a, b Point) int { return int(a.GB - b.GB) }) {
			t.Errorf("%s is not in order", x.Name)
		}
	}
	if want := []string{"ExpressRoute, metered data", "ExpressRoute, unlimited data", "ExpressRoute, Local", VPN, Internet}; !slices.Equal(names, want) {
		t.Fatalf("curves %q, want %q", names, want)
	}
	for _, e := range BreakEvens(d, c) {
		for _, x := range e.Crossings {
			at := Point{x.GB, x.USD}
			if !slices.ContainsFunc(curves, func(c Curve) bool { return slices.Contains(c.Points, at) }) {
				t.Errorf("no curve goes through %+v of %s", x, e.Name)
			}
		}
	}
}

func TestGroupedNumbers(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", 0.5: "0.5", 1500.25: "1,500.2"} {
		if got := grouped(v); got != want {
			t.Errorf("%g is %q, want %q", v, got, want)
		}
	}
}

func TestWhatLeavesByAVPNIsBilledTierByTier(t *testing.T) {
	c := openCatalog(t)
	s := london()
	s.gb = 60_000
	m := newVariants(s.design(), c)
	bill := Month(m.vpn.d, c, Options{})
	var got []string
	for _, l := range bill.Lines {
		got = append(got, fmt.Sprintf("%s %s %g %s %.2f", l.Item, l.Resource, l.Quantity, l.Unit, l.USD))
	}
	want := []string{"internet data uksouth from 100 GB 10235 GB 890.45", "internet data uksouth from 10335 GB 40960 GB 3399.68", "internet data uksouth from 51295 GB 8705 GB 609.35",
		"gateway vpn-gw 730 hour 153.30", "public IP address pip-vpn-gw-1 730 hour 3.65", "public IP address pip-vpn-gw-2 730 hour 3.65"}
	if !slices.Equal(got, want) {
		t.Errorf("lines\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	// A design with neither circuit nor gateway says nothing of how its data leaves: only as an alternative is it the internet.
	if bill := Month(m.internet.d, c, Options{}); len(bill.Lines) != 0 {
		t.Errorf("%+v", bill.Lines)
	}
}

func TestAVPNThatIsThereAlreadyIsNotBoughtTwice(t *testing.T) {
	c := openCatalog(t)
	d := london().design()
	g := azure.Of[*azure.VirtualNetworkGateway](d.Resources)[0]
	d.Resources = append(d.Resources, vpnInstead(g)...)
	v := newVariants(d, c).vpn
	if n := len(azure.Of[*azure.VirtualNetworkGateway](v.d.Resources)); n != 1 {
		t.Errorf("%d gateways", n)
	}
	// While ExpressRoute is there the VPN stands by and carries nothing.
	for _, l := range Month(d, c, Options{}).Lines {
		if l.Item == itemInternet {
			t.Errorf("%+v", l)
		}
	}
}

func TestTheTiersOfARegionAddUpToTheCataloguesPrice(t *testing.T) {
	c := openCatalog(t)
	var regions []string
	for _, e := range c.EgressTiers() {
		regions = append(regions, e.Region)
	}
	slices.Sort(regions)
	regions = slices.Compact(regions)
	rapid.Check(t, func(t *rapid.T) {
		region, gb := rapid.SampledFrom(regions).Draw(t, "region"), float64(rapid.IntRange(0, 2_000_000).Draw(t, "gb"))
		k := newClerk(&design.Design{}, c, Options{})
		k.internetTiers(region, gb, []string{"a"}, []int64{1})
		b := k.bill()
		want := c.EgressPrice(region, gb)
		if d := b.Total.USD - want.USD; b.Total.AtLeast == want.Known || max(d, -d) > 0.05 {
			t.Fatalf("%g GB from %s cost %s by tiers, %g (known %v) by the catalogue", gb, region, b.Total, want.USD, want.Known)
		}
	})
}
