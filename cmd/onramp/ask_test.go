package main

import (
	"bufio"
	"bytes"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"onramp/catalog"
	"onramp/design"
	"onramp/intent"
	"onramp/pattern"
)

// interviewed is the file that comes of answers, and what was asked.
func interviewed(c *catalog.Catalog, f *initFlags, answers ...string) (file []byte, asked string, err error) {
	var out bytes.Buffer
	in := ""
	if len(answers) > 0 {
		in = strings.Join(answers, "\n") + "\n"
	}
	file, err = f.answers(&asker{c: c, in: bufio.NewReader(strings.NewReader(in)), out: &out, yes: f.yes})
	return file, out.String(), err
}

func TestAnInterviewIsHeldAsWritten(t *testing.T) {
	file, asked, err := interviewed(catalogOf(t), &initFlags{},
		"Bank", "bank", // no name, then one
		"London, England", "London, United Kingdom; Paris, France", // a city that the catalogue writes otherwise
		"", "10 Gigs", "10 Gbps",
		"", "Equinix", "", "Equinix",
		"trading, retail", "uksouth", "500 Mbps", "maybe", "yes", "", "", "",
		"trading/nobody", "trading/retail", "link, router, luck", "link, router, gateway, site", "yes", "", "yes")
	if err != nil {
		t.Fatalf("%v\n%s", err, asked)
	}
	got := asked + "\n" + string(file)
	const golden = "testdata/interview.txt"
	if flag.Lookup("update").Value.String() == "true" {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestAnswersThatEndEarlyWriteNothing(t *testing.T) {
	file, _, err := interviewed(catalogOf(t), &initFlags{}, "bank", "London, United Kingdom")
	if err == nil || file != nil || !strings.Contains(err.Error(), "nothing was written") {
		t.Errorf("%v %q", err, file)
	}
}

func TestWhateverIsChosenFromWhatIsOfferedCanBeDesigned(t *testing.T) {
	c := catalogOf(t)
	a := &asker{c: c}
	rapid.Check(t, func(t *rapid.T) {
		f := &initFlags{yes: true}
		// Far cities have no location of their geography near, and are no matter of init's.
		f.sites = rapid.SliceOfNDistinct(rapid.SampledFrom(c.Cities()), 1, 3, rapid.ID[string]).Draw(t, "cities")
		f.model = rapid.SampledFrom([]string{"", intent.Ethernet, intent.CloudExchange, intent.IPVPN}).Draw(t, "model")
		names := []string{"a", "b", "c"}[:rapid.IntRange(1, 3).Draw(t, "lines")]
		for _, n := range names {
			own := rapid.SampledFrom([]string{"", ":own"}).Draw(t, "own")
			f.lobs = append(f.lobs, n+":"+a.region(a.near(f.sites[0], "")[0].Name)+":50Mbps"+own)
		}
		if len(names) > 1 && rapid.Bool().Draw(t, "apart") {
			f.isolate = []string{"a/b"}
		}
		file, _, err := interviewed(c, f)
		if err != nil {
			t.Fatal(err)
		}
		e, findings := intent.Parse("x", file, c)
		if e == nil {
			t.Fatalf("%v\n%s", findings, file)
		}
		if d, obstacles := pattern.Compile(design.Isolated, e, c, pattern.Options{}); d == nil {
			t.Fatalf("%v\n%s", obstacles, file)
		}
	})
}
