package catalog

import (
	"bytes"
	"encoding/csv"
	"io/fs"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func opened(t testing.TB) *Catalog {
	t.Helper()
	c, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestEveryRowOfEveryFileIsReadAndHasASource(t *testing.T) {
	c := opened(t)
	count := func(file string) int {
		b, err := fs.ReadFile(data, "data/"+file)
		if err != nil {
			t.Fatal(err)
		}
		for bytes.HasPrefix(b, []byte("#")) {
			_, b, _ = bytes.Cut(b, []byte("\n"))
		}
		rows, err := csv.NewReader(bytes.NewReader(b)).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		return len(rows) - 1
	}
	sources := func(list ...Source) bool {
		for _, s := range list {
			if s.Text == "" {
				return false
			}
		}
		return true
	}
	for _, x := range []struct {
		file string
		got  int
		ok   bool
	}{
		{"locations.csv", len(c.Locations()), sources(c.locations[0].Source)},
		{"regions.csv", len(c.Regions()), sources(c.regions[0].Source)},
		{"providers.csv", len(c.Offers()), sources(c.offers[0].Source)},
		{"provider_aliases.csv", len(c.Aliases()), sources(c.aliases[0].Source)},
		{"gateways.csv", len(c.gateways), sources(c.gateways[0].Source)},
		{"prices.csv", len(c.Prices()), sources(c.prices[0].Source)},
		{"egress.csv", len(c.egress), sources(c.egress[0].Source)},
		{"latency.csv", len(c.latency), true},
		{"rules.csv", len(c.Rules()), sources(c.rules[0].Source)},
		{"services.csv", len(c.Services()), sources(c.services[0].Source)},
		{"qos.csv", len(c.QoS()), sources(c.qos[0].Source)},
		{"global_reach.csv", len(c.GlobalReachCountries()), sources(c.reach[0].Source)},
		{"partners_other.csv", len(c.Partners()), sources(c.partners[0].Source)},
		{"arm/builtin-roles.csv", len(c.Roles()), sources(c.roles[0].Source)},
		{"arm/errors.csv", len(c.ARMErrors()), sources(c.armErrors[0].Source)},
		{"arm/operations.csv", len(c.operations) - count("arm/operations-authorization.csv"), sources(c.operations[0].Source)},
		{"arm/api-versions.csv", len(c.ARMVersions()), sources(c.versions[0].Source)},
	} {
		if want := count(x.file); x.got != want || want == 0 || !x.ok {
			t.Errorf("%s: %d rows read of %d, sources %v", x.file, x.got, want, x.ok)
		}
	}
	for _, r := range c.LimitRows() {
		if r.Source.Text == "" || r.Key == "" {
			t.Errorf("limit %q has no source or key", r.Key)
		}
	}
}

func TestEveryOfferIsAtALocationButForTwoThatTheSourceListsNowhereElse(t *testing.T) {
	c := opened(t)
	odd := map[string]string{"Hamburg": "Cinia", "Slough": "HSO"}
	for _, o := range c.Offers() {
		if _, ok := c.Location(o.Location); !ok && odd[o.Location] != o.Provider {
			t.Errorf("%s is listed at %q, which is not a location", o.Provider, o.Location)
		}
	}
}

func TestEveryOldProviderNameLeadsToAnEntryOrToNotListed(t *testing.T) {
	c := opened(t)
	for _, a := range c.Aliases() {
		p := c.Provider(a.OldName)
		if !p.Listed && p.Basis == "" {
			t.Errorf("%q leads nowhere", a.OldName)
		}
	}
	for _, x := range []struct {
		asked, name string
		listed      bool
	}{
		{"Bell Canada", "Bell Canada", true}, {"CenturyLink", "CenturyLink Cloud Connect", true}, {"Console", "Console Connect (PCCW Global Limited)", true},
		{"at&t netbond", "AT&T NetBond", true}, {"Zayo Group", "Zayo", true}, {"TeleCity Group", "", false}, {"Nobody at all", "", false},
	} {
		if p := c.Provider(x.asked); p.Name != x.name || p.Listed != x.listed {
			t.Errorf("%q: got %+v", x.asked, p)
		}
	}
}

func TestProvidersForARegionComeLocalFirstThenByDistanceInTheCountry(t *testing.T) {
	c := opened(t)
	list, err := c.ProvidersForRegion("canadaeast")
	if err != nil {
		t.Fatal(err)
	}
	if len(list) == 0 || !list[0].LocalToRegion || list[0].Location != "Quebec City" {
		t.Fatalf("first: %+v", list[0])
	}
	places := map[string]bool{}
	for i, p := range list {
		places[p.Location] = true
		if i > 0 && p.LocalToRegion && !list[i-1].LocalToRegion {
			t.Error("a local location stands after one that is not")
		}
	}
	for _, want := range []string{"Toronto", "Montreal", "Quebec City", "Vancouver"} {
		if !places[want] {
			t.Errorf("%s is missing", want)
		}
	}
	if _, err := c.ProvidersForRegion("canadaest"); err == nil || !strings.Contains(err.Error(), "canadaeast") {
		t.Errorf("an unknown region suggests nothing near: %v", err)
	}
}

func TestPrices(t *testing.T) {
	c := opened(t)
	for _, x := range []struct {
		name    string
		got     Money
		usd     float64
		known   bool
		assumed bool
	}{
		{"a circuit", c.CircuitPrice("Standard", "metered", 50, "1"), 55, true, false},
		{"a circuit of no zone", c.CircuitPrice("Standard", "metered", 50, ""), 0, false, false},
		{"a bandwidth that is not sold", c.CircuitPrice("Standard", "metered", 60, "1"), 0, false, false},
		{"a gateway where it is published", c.GatewayPrice("ErGw1AZ", "australiaeast"), 0.361, true, false},
		{"a gateway elsewhere: all agree", c.GatewayPrice("ErGw1AZ", "canadacentral"), 0.361, true, true},
		{"a Direct port", c.DirectPortPrice(10), 0, false, false},
		{"outbound data, metered", c.OutboundPrice("metered", "1"), 0.025, true, false},
		{"outbound data, unlimited", c.OutboundPrice("unlimited", "1"), 0, true, false},
		{"a public address elsewhere", c.PublicIPPrice("canadacentral"), 0.005, true, true},
	} {
		if x.got.Known != x.known || x.got.USD != x.usd || (x.got.Assumption != "") != x.assumed {
			t.Errorf("%s: %+v", x.name, x.got)
		}
	}
}

func TestLimits(t *testing.T) {
	l := opened(t).Limits()
	if n, ok := l.VNetLinks("Premium", 200); n != 25 || !ok {
		t.Errorf("Premium at 200 Mbps links %d VNets, known %v", n, ok)
	}
	if _, ok := l.VNetLinks("Premium", 300); ok {
		t.Error("a bandwidth that is not sold has a link limit")
	}
	if l.PrivatePrefixesFromOnPrem("premium", "ipv4") != 10000 || l.PrefixesToOnPrem("ipv4") != 1000 || l.MicrosoftASN != 12076 || l.HoldSeconds != 180 {
		t.Errorf("%+v", l)
	}
	if one, two := l.PeeringPrefixLen("ipv4"); one != 29 || two != 30 {
		t.Errorf("/%d and /%d", one, two)
	}
	if len(l.DirectCircuitGbps(100)) == 0 {
		t.Error("a 100 Gbps port has no circuits")
	}
}

func TestDistanceIsAMetric(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		point := func(name string) (lat, lon float64) {
			return rapid.Float64Range(-90, 90).Draw(rt, name), rapid.Float64Range(-180, 180).Draw(rt, name)
		}
		a1, a2 := point("a")
		b1, b2 := point("b")
		c1, c2 := point("c")
		ab, ba := DistanceKM(a1, a2, b1, b2), DistanceKM(b1, b2, a1, a2)
		if ab-ba > 1e-6 || ba-ab > 1e-6 || ab < 0 || ab > 20016 {
			rt.Fatalf("ab %v, ba %v", ab, ba)
		}
		if DistanceKM(a1, a2, c1, c2) > ab+DistanceKM(b1, b2, c1, c2)+1e-6 {
			rt.Fatal("a detour is shorter than the straight way")
		}
	})
}

func TestNearestNames(t *testing.T) {
	list := []string{"canadacentral", "canadaeast", "centralus"}
	for _, x := range []struct{ name, want string }{{"canadaest", "canadaeast"}, {"CanadaCentral", "canadacentral"}, {"zzzzzzzzzzzzzzzz", ""}} {
		if got := Nearest(x.name, list); got != x.want {
			t.Errorf("%q: %q, want %q", x.name, got, x.want)
		}
	}
}

func FuzzReadTable(f *testing.F) {
	f.Add("# source: a document\nname,value\na,1\n")
	f.Add("name\n\"")
	f.Fuzz(func(t *testing.T, text string) {
		tab, err := readTable("fuzz.csv", text)
		if err != nil {
			return
		}
		_ = tab.each(func() {
			for c := range tab.column {
				tab.get(c)
			}
		})
	})
}

func FuzzReadLimits(f *testing.F) {
	b, err := fs.ReadFile(data, "data/limits.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(_ *testing.T, b []byte) {
		var c Catalog
		_ = c.readLimits(b) // an error or not, never a panic
	})
}

func BenchmarkOpen(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		opened(b)
	}
}

func TestANameThatTwoCloudsShareMeansThePublicLocation(t *testing.T) {
	c := opened(t)
	for _, name := range []string{"Chicago", "San Antonio", "Phoenix", "Seattle"} {
		if l, ok := c.Location(name); !ok || l.Cloud != "public" {
			t.Errorf("%s: %v %v", name, l.Cloud, ok)
		}
	}
	for region, location := range map[string]string{"southcentralus": "San Antonio", "usgovtexas": "San Antonio", "usgovarizona": "Phoenix", "koreacentral": "Seoul", "uaenorth": "Dubai"} {
		r, _ := c.Region(region)
		list, err := c.ProvidersForRegion(region)
		if err != nil || len(list) == 0 || !list[0].LocalToRegion || list[0].Location != location && region != "koreacentral" && region != "uaenorth" {
			t.Fatalf("%s: %v, first %+v", region, err, list[:min(1, len(list))])
		}
		for _, p := range list {
			if p.Cloud != r.Cloud {
				t.Errorf("%s of cloud %s sees %s of cloud %s", region, r.Cloud, p.Location, p.Cloud)
			}
		}
	}
}
