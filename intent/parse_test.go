package intent_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"onramp/catalog"
	"onramp/examples"
	"onramp/intent"
)

var update = flag.Bool("update", false, "rewrite the expected findings in testdata")

func open(t testing.TB) *catalog.Catalog {
	t.Helper()
	c, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestEveryMistakeIsToldWithItsPlace reads testdata/*.txtar: a base intent, and mistakes, each a section whose first line is what
// is replaced in the base, the second by what (\n for a new line), and the rest the findings that must come.
func TestEveryMistakeIsToldWithItsPlace(t *testing.T) {
	c := open(t)
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no testdata", err)
	}
	rules := map[string]bool{}
	for _, file := range files {
		a, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		base := string(a.Files[0].Data)
		if e, findings := intent.Parse("base", []byte(base), c); e == nil {
			t.Fatalf("%s: the base is no intent: %v", file, findings)
		}
		for i := 1; i < len(a.Files); i++ {
			f := &a.Files[i]
			t.Run(f.Name, func(t *testing.T) {
				lines := strings.SplitN(string(f.Data), "\n", 3)
				old, with := lines[0], strings.ReplaceAll(lines[1], `\n`, "\n")
				if !strings.Contains(base, old) {
					t.Fatalf("the base has no %q", old)
				}
				e, findings := intent.Parse("estate.yaml", []byte(strings.Replace(base, old, with, 1)), c)
				var got strings.Builder
				bad := false
				for _, x := range findings {
					fmt.Fprintln(&got, x)
					rules[x.Rule] = true
					bad = bad || x.Severity == intent.Error
					if x.Line < 1 || x.Col < 1 || x.Message == "" || x.Fix == "" || x.Rule == "" || x.Source == "" {
						t.Errorf("it says too little: %+v", x)
					}
				}
				if len(findings) == 0 {
					t.Error("nothing is found")
				}
				if (e == nil) != bad {
					t.Errorf("errors %v, estate %v", bad, e != nil)
				}
				if *update {
					f.Data = []byte(lines[0] + "\n" + lines[1] + "\n" + got.String())
				} else if want := lines[2]; got.String() != want {
					t.Errorf("got\n%swant\n%s", got.String(), want)
				}
			})
		}
		if *update {
			if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, rule := range []string{"intent-known-key", "intent-required", "intent-type", "intent-enum", "intent-name", "intent-unit", "intent-place", "intent-unique", "intent-range", "intent-known-name", "intent-region",
		"intent-access", "intent-contradiction", "intent-traffic", "intent-nothing-to-reach", "peering-asn-reserved", "peering-asn-documentation", "peering-asn-remote", "asn-zero", "asn-last", "asn-as-trans", "circuit-provider-at-location",
		"direct-location-supported", "direct-circuit-sizes", "ms-peering-public-only", "ms-peering-no-default", "prefix-documentation", "prefix-host-bits", "prefix-special", "route-no-overlap", "qos-ms-peering-only", "nat-snat-outbound",
		"circuit-national-cloud-isolated", "gateway-subnet-name", "sec-rbac", "intent-syntax", "intent-alias", "intent-one-document", "intent-duplicate-key"} {
		if !rules[rule] {
			t.Errorf("no mistake breaks %s", rule)
		}
	}
}

func TestTheExamplesAreIntentsAndStayThemselvesWrittenOut(t *testing.T) {
	c := open(t)
	for _, name := range examples.Names() {
		src, err := examples.Read(name)
		if err != nil {
			t.Fatal(err)
		}
		e, findings := intent.Parse(name, src, c)
		// Documentation prefixes stand where an example must not use somebody's own.
		findings = slices.DeleteFunc(findings, func(f intent.Finding) bool { return f.Rule == "prefix-documentation" })
		if e == nil || len(findings) > 0 {
			t.Fatalf("%s: %v", name, findings)
		}
		out, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		again, findings := intent.Parse(name, out, c)
		if again == nil {
			t.Fatalf("%s written out is refused: %v\n%s", name, findings, out)
		}
		second, err := json.Marshal(again)
		if err != nil || !bytes.Equal(out, second) {
			t.Errorf("%s is written differently the second time (%v)", name, err)
		}
		// A design holds the intent as JSON and reads it without a catalogue.
		var plain intent.Estate
		if err := json.Unmarshal(out, &plain); err != nil {
			t.Fatal(err)
		}
		if third, err := json.Marshal(&plain); err != nil || !bytes.Equal(out, third) {
			t.Errorf("%s does not survive encoding/json (%v)", name, err)
		}
	}
}

func TestOmittedValuesAreNamed(t *testing.T) {
	c := open(t)
	src, err := examples.Read("nothing-fits")
	if err != nil {
		t.Fatal(err)
	}
	e, findings := intent.Parse("x", src, c)
	if e == nil {
		t.Fatal(findings)
	}
	for at, value := range map[string]string{"premises.sites[0].routers": "2", "pools.addresses": "10.64.0.0/10", "pools.transit": "172.16.0.0/22", "linesOfBusiness[1].needs.survives": "link, router, gateway",
		"linesOfBusiness[0].needs.services": "azure", "linesOfBusiness[0].networks[0].subnets": "default, the lower half", "traffic.monthlyEgressGB": "0"} {
		if !slices.ContainsFunc(e.Defaulted, func(d intent.Default) bool { return d.At == at && d.Value == value && d.Why != "" }) {
			t.Errorf("%s = %s is not named: %+v", at, value, e.Defaulted)
		}
	}
	if e.Premises.Sites[0].Routers != 2 || e.Premises.Sites[0].ASN != 65050 || e.Pattern != "auto" || !slices.Equal(e.LinesOfBusiness[1].Needs.Survives, intent.DefaultSurvives()) {
		t.Errorf("a default is not there: %+v", e)
	}
}

func TestUnitsAreReadExactlyAndPrintedShortly(t *testing.T) {
	for _, x := range []struct {
		text string
		into interface {
			UnmarshalText([]byte) error
			MarshalText() ([]byte, error)
		}
		want string // "" when it is refused
	}{
		{"200 Mbps", new(intent.Mbps), "200 Mbps"}, {"200Mbps", new(intent.Mbps), "200 Mbps"}, {"1 Gbps", new(intent.Mbps), "1 Gbps"}, {"1.5 Gbps", new(intent.Mbps), "1.5 Gbps"}, {"1.25 Gbps", new(intent.Mbps), "1250 Mbps"},
		{"1000 Mbps", new(intent.Mbps), "1 Gbps"}, {"0 Mbps", new(intent.Mbps), "0 Mbps"}, {"1.5 Mbps", new(intent.Mbps), ""}, {"1.0005 Gbps", new(intent.Mbps), ""}, {"200", new(intent.Mbps), ""}, {"200 MBps", new(intent.Mbps), ""},
		{"-1 Gbps", new(intent.Mbps), ""}, {"1  Gbps", new(intent.Mbps), ""}, {"1e3 Mbps", new(intent.Mbps), ""}, {"1000000000 Mbps", new(intent.Mbps), ""}, {"999999999 Mbps", new(intent.Mbps), "999999999 Mbps"}, {".5 Gbps", new(intent.Mbps), ""}, {"1. Gbps", new(intent.Mbps), ""},
		{"9 ms", new(intent.Latency), "9 ms"}, {"2.5 ms", new(intent.Latency), "2.5 ms"}, {"0.001 ms", new(intent.Latency), "0.001 ms"}, {"0.0001 ms", new(intent.Latency), ""}, {"9 s", new(intent.Latency), ""}, {"", new(intent.Latency), ""},
		{"6000 USD", new(intent.USD), "6000 USD"}, {"99.50 USD", new(intent.USD), "99.5 USD"}, {"0.01 USD", new(intent.USD), "0.01 USD"}, {"1.001 USD", new(intent.USD), ""}, {"6000 EUR", new(intent.USD), ""}, {"$6000", new(intent.USD), ""},
		{"/24", new(intent.Bits), "/24"}, {"/1", new(intent.Bits), "/1"}, {"/32", new(intent.Bits), "/32"}, {"/33", new(intent.Bits), ""}, {"/0", new(intent.Bits), ""}, {"24", new(intent.Bits), ""}, {"/024", new(intent.Bits), ""}, {"/+4", new(intent.Bits), ""},
	} {
		err := x.into.UnmarshalText([]byte(x.text))
		switch {
		case x.want == "" && err == nil:
			t.Errorf("%T takes %q", x.into, x.text)
		case x.want == "" && err.Error() == "":
			t.Errorf("%T refuses %q without a word", x.into, x.text)
		case x.want != "":
			got, merr := x.into.MarshalText()
			if err != nil || merr != nil || string(got) != x.want {
				t.Errorf("%T: %q became %q (%v, %v), want %q", x.into, x.text, got, err, merr, x.want)
			}
		}
	}
}

func FuzzParse(f *testing.F) {
	c := open(f)
	for _, name := range examples.Names() {
		src, err := examples.Read(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(src)
	}
	f.Add([]byte("{apiVersion: onramp/v1, name: a, premises: {asn: 1, sites: [{name: s, prefixes: [fd00::/64], access: [{model: direct, location: Toronto, port: 10 Gbps}]}]}}"))
	f.Add([]byte("a: &a [*a]\n<<: {b: *a}\n"))
	f.Fuzz(func(t *testing.T, src []byte) {
		e, findings := intent.Parse("f", src, c)
		if e == nil && len(findings) == 0 {
			t.Fatal("neither an estate nor a finding")
		}
		for _, x := range findings {
			if x.Line < 1 || x.Col < 1 || x.Message == "" || x.Rule == "" || x.Source == "" {
				t.Fatalf("it says too little: %+v", x)
			}
		}
		if e == nil {
			return
		}
		out, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		if again, findings := intent.Parse("f", out, c); again == nil {
			t.Fatalf("what was read is refused when written out: %v\n%s", findings, out)
		}
	})
}
