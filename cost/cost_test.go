package cost_test

import (
	"bytes"
	"flag"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"onramp/azure"
	"onramp/catalog"
	"onramp/cost"
	"onramp/design"
	"onramp/examples"
	"onramp/intent"
	"onramp/intent/intenttest"
	"onramp/pattern"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func open(t testing.TB) *catalog.Catalog {
	t.Helper()
	c, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func made(t testing.TB, c *catalog.Catalog, example string, p design.Pattern, edits ...string) *design.Design {
	t.Helper()
	src, err := examples.Read(example)
	if err != nil {
		t.Fatal(err)
	}
	e, findings := intent.Parse(example, []byte(strings.NewReplacer(edits...).Replace(string(src))), c)
	if e == nil {
		t.Fatalf("%v", findings)
	}
	d, obstacles := pattern.Compile(p, e, c, pattern.Options{})
	if d == nil {
		t.Fatalf("%v", obstacles)
	}
	return d
}

// line finds one line of a bill.
func line(t testing.TB, b *cost.Bill, item, resource string) *cost.Line {
	t.Helper()
	for i := range b.Lines {
		if b.Lines[i].Item == item && b.Lines[i].Resource == resource {
			return &b.Lines[i]
		}
	}
	t.Fatalf("no %s of %s in %+v", item, resource, b.Lines)
	return nil
}

func TestEachLineIsItsQuantityAtThePublishedPrice(t *testing.T) {
	c := open(t)
	d := made(t, c, "northwind", design.SharedHubSpoke)
	b := cost.Month(d, c, cost.Options{})
	hour, perGB := c.FirewallPrice("Standard", "canadacentral")
	in, out := c.VNetPeeringPrice("canadaeast", "canadacentral")
	for _, x := range []struct {
		item, resource string
		quantity       float64
		price          catalog.Money
	}{
		{"circuit", "er-montreal-toronto-1", 1, c.CircuitPrice("Standard", "metered", 500, "1")},
		{"outbound data", "er-montreal-toronto-1", 5000, c.OutboundPrice("metered", "1")},
		{"gateway", "ergw-hub", 730, c.GatewayPrice("ErGw1AZ", "canadacentral")},
		{"firewall", "fw-hub", 730, hour},
		{"firewall data", "fw-hub", 5000, perGB},
		{"public IP address", "pip-fw-hub", 730, c.PublicIPPrice("canadacentral")},
		{"VNet peering data", "vnet-it-lab", 500, catalog.Money{USD: in.USD + out.USD}},
		{"provider access", "montreal/bell-canada-montreal", 1, catalog.Money{USD: 1400}},
	} {
		l := line(t, b, x.item, x.resource)
		if want := math.Round(x.price.USD*x.quantity*100) / 100; l.Quantity != x.quantity || math.Abs(l.USD-want) > 1e-9 || !l.Known || l.Source == "" {
			t.Errorf("%s of %s: %g for %.2f USD, want %g for %.2f: %+v", x.item, x.resource, l.Quantity, l.USD, x.quantity, want, l)
		}
	}
	if b.Total.AtLeast || len(b.Unknown) > 0 {
		t.Errorf("everything here has a price, yet %+v", b.Unknown)
	}
	if slices.ContainsFunc(b.Lines, func(l cost.Line) bool { return l.Item == "outbound data" && l.Resource == "er-montreal-toronto-2" }) {
		t.Error("the second circuit carries nothing while the first is there")
	}
}

func TestSharedLinesAreSplitByNeed(t *testing.T) {
	c := open(t)
	b := cost.Month(made(t, c, "northwind", design.SharedHubSpoke), c, cost.Options{})
	l := line(t, b, "circuit", "er-montreal-toronto-1")
	got := map[string]float64{}
	for _, s := range l.Shares {
		got[s.LineOfBusiness] = s.USD
	}
	// finance needs 200 of 500 Mbps, the others 100 each.
	for name, part := range map[string]float64{"finance": 0.4, "hr": 0.2, "it": 0.2, "sales": 0.2} {
		if math.Abs(got[name]-l.USD*part) > 0.01 {
			t.Errorf("%s pays %.2f of %.2f", name, got[name], l.USD)
		}
	}
	own := line(t, cost.Month(made(t, c, "fabrikam-isolated", design.Isolated), c, cost.Options{}), "circuit", "er-trading-1")
	if own.LineOfBusiness != "trading" || len(own.Shares) != 1 || own.Shares[0].USD != own.USD {
		t.Errorf("a circuit of one's own is paid alone: %+v", own)
	}
}

func TestWhatHasNoPublishedPriceIsUnknownAndNotNothing(t *testing.T) {
	c := open(t)
	for _, x := range []struct {
		name           string
		d              *design.Design
		item, resource string
	}{
		{"an access without monthlyUSD", made(t, c, "fabrikam-isolated", design.Isolated, ", monthlyUSD: 1500", ""), "provider access", "london/equinix-london"},
		{"Direct ports", made(t, c, "fabrikam-isolated", design.Isolated, "{provider: Equinix, model: cloud-exchange, bandwidth: 5 Gbps, location: London, monthlyUSD: 1500}", "{model: direct, port: 10 Gbps, location: London}"), "Direct port pair", "erp-london-london"},
	} {
		t.Run(x.name, func(t *testing.T) {
			b := cost.Month(x.d, c, cost.Options{})
			l := line(t, b, x.item, x.resource)
			i := slices.IndexFunc(b.Unknown, func(u cost.Unknown) bool { return u.Item == x.item && u.Resource == x.resource })
			if l.Known || l.USD != 0 || !b.Total.AtLeast || i < 0 {
				t.Fatalf("line %+v, total %+v, unknown %+v", l, b.Total, b.Unknown)
			}
			if s := b.Unknown[i].String(); !strings.HasPrefix(s, x.item+" of "+x.resource+": ") {
				t.Errorf("it says %q", s)
			}
			for _, p := range b.ByLineOfBusiness {
				if !p.AtLeast {
					t.Errorf("%s shares it and pays exactly", p.LineOfBusiness)
				}
			}
			if !bytes.Contains(b.CSV(), []byte(x.item+","+x.resource+",")) || !bytes.Contains(b.CSV(), []byte("unknown")) || !bytes.Contains(b.CSV(), []byte("at least")) {
				t.Errorf("the CSV hides it:\n%s", b.CSV())
			}
		})
	}
}

func TestScaleUnitsArePaidEach(t *testing.T) {
	c := open(t)
	d := made(t, c, "contoso-shared", design.SharedHubSpoke)
	g := azure.Of[*azure.VirtualNetworkGateway](d.Resources)[0]
	g.Properties.SKU = azure.SKU{Name: "ErGwScale", Tier: "ErGwScale", Capacity: 10}
	if l := line(t, cost.Month(d, c, cost.Options{}), "gateway", g.Name); l.Quantity != 7300 {
		t.Errorf("10 units for a month are %g hours", l.Quantity)
	}
}

func TestADesignWithoutAnIntentIsSplitEvenly(t *testing.T) {
	c := open(t)
	d := made(t, c, "contoso-shared", design.Shared)
	d.Intent = nil
	b := cost.Month(d, c, cost.Options{})
	l := line(t, b, "circuit", "er-head-office-1")
	if len(l.Shares) != 2 || math.Abs(l.Shares[0].USD-l.Shares[1].USD) > 0.01 {
		t.Errorf("shares %+v", l.Shares)
	}
	if !slices.ContainsFunc(b.Assumptions, func(a design.Assumption) bool { return a.Name == "no-intent" }) {
		t.Error("it does not say so")
	}
}

func TestTheBillAsCSV(t *testing.T) {
	c := open(t)
	const golden = "testdata/contoso.csv"
	got := cost.Month(made(t, c, "contoso-shared", design.Shared, ", monthlyUSD: 900", ""), c, cost.Options{}).CSV()
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestThePartsOfABillAddUpToItsTotal(t *testing.T) {
	c := open(t)
	drawer := intenttest.NewDrawer(c)
	rapid.Check(t, func(t *rapid.T) {
		e := drawer.Estate(t)
		for _, p := range design.Patterns() {
			d, _ := pattern.Compile(p, e, c, pattern.Options{})
			if d == nil {
				continue
			}
			b := cost.Month(d, c, cost.Options{})
			inCents := func(v float64) int64 { return int64(math.Round(v * 100)) }
			var parts, lines int64
			for _, x := range b.ByLineOfBusiness {
				parts += inCents(x.USD)
			}
			unknown := 0
			for _, l := range b.Lines {
				var shares int64
				for _, s := range l.Shares {
					shares += inCents(s.USD)
				}
				if l.Known && shares != inCents(l.USD) {
					t.Fatalf("%s: the shares of %s of %s are %d cents of %d", p, l.Item, l.Resource, shares, inCents(l.USD))
				}
				lines += inCents(l.USD)
				if !l.Known {
					unknown++
				}
			}
			if parts != inCents(b.Total.USD) || lines != inCents(b.Total.USD) {
				t.Fatalf("%s: parts %d, lines %d, total %d cents", p, parts, lines, inCents(b.Total.USD))
			}
			if unknown != len(b.Unknown) || b.Total.AtLeast != (unknown > 0) {
				t.Fatalf("%s: %d unknown lines, %d listed, at least %v", p, unknown, len(b.Unknown), b.Total.AtLeast)
			}
		}
	})
}
