package main

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"onramp/examples"
	"onramp/rehearse"
)

func TestWhatRehearsePrintsFitsItsSchema(t *testing.T) {
	s := compiled(t, "rehearse")
	src, err := examples.Read(builtIn)
	if err != nil {
		t.Fatal(err)
	}
	var out, stderr bytes.Buffer
	if code := run([]string{"rehearse", "-", "--json", "--drill", "site:toronto", "--drill", "router:toronto-ce1"}, bytes.NewReader(src), &out, &stderr); code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr.String())
	}
	doc, err := jsonschema.UnmarshalJSON(&out)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Validate(doc); err != nil {
		t.Error(err)
	}
	if len(s.Required) == 0 {
		t.Error("it requires nothing")
	}
}

func TestADrillThatIsNotAsProvedIsExplainedAndExitsWithOne(t *testing.T) {
	upper := 900.0
	r := &rehearse.Result{Seed: 1, ProbeMs: 20, Drills: []rehearse.Drill{
		{ID: "router:a", Kind: "router", Proof: "holds", Agrees: true},
		{ID: "router:b", Kind: "router", Proof: "holds", Flows: []rehearse.FlowDrill{{Flow: "finance: vnet - site", OutageMs: 5000, Lost: 250, Bound: rehearse.Bound{LowerMs: 600, UpperMs: &upper}}},
			Disagreements: []rehearse.Disagreement{{Scenario: "router:b", When: "failed", Flow: "finance: vnet - site", Proof: "the proof says that every packet arrives",
				Seen: "of 32 requests 32 were not answered", Ended: "at msee: no route"}}},
	}}
	for _, f := range []rehearseFlags{{}, {asJSON: true}, {junit: t.TempDir() + "/drills.xml"}} {
		var out strings.Builder
		err := f.tell(&out, r)
		var e *exitError
		if !errors.As(err, &e) || e.code != exitFailed {
			t.Errorf("%+v: %v", f, err)
		}
		for _, want := range []string{"router:b", "finance: vnet - site", "every packet arrives", "of 32 requests 32 were not answered", "at msee: no route"} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%+v: it does not say %q:\n%s", f, want, out.String())
			}
		}
	}
}

func TestTheJUnitFileOfDrillsFailsTheOnesThatAreNotAsProved(t *testing.T) {
	name := t.TempDir() + "/drills.xml"
	r := &rehearse.Result{Drills: []rehearse.Drill{{ID: "router:a", Agrees: true}, {ID: "router:b", Disagreements: []rehearse.Disagreement{{Scenario: "router:b", When: "failed", Proof: "p", Seen: "s"}}}}}
	if err := writeDrillsJUnit(name, r); err != nil {
		t.Fatal(err)
	}
	src, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if src := string(src); !strings.Contains(src, `tests="2" failures="1"`) || !strings.Contains(src, "router:b, failed: p; s") {
		t.Error(src)
	}
}

func TestWhatTrafficDrillsPrintFitsItsSchema(t *testing.T) {
	s := compiled(t, "rehearse-traffic")
	src, err := examples.Read("proseware-microsoft365")
	if err != nil {
		t.Fatal(err)
	}
	for _, drills := range [][]string{{"voice"}, {"internet-vpn", "provider-bandwidth"}} {
		args := []string{"rehearse", "-", "--json"}
		for _, name := range drills {
			args = append(args, "--drill", name)
		}
		var out, stderr bytes.Buffer
		if code := run(args, bytes.NewReader(src), &out, &stderr); code != 0 {
			t.Fatalf("exit code %d: %s", code, stderr.String())
		}
		doc, err := jsonschema.UnmarshalJSON(&out)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(doc); err != nil {
			t.Errorf("%v: %v", drills, err)
		}
	}
	if len(s.Required) == 0 {
		t.Error("it requires nothing")
	}
}

func TestAThroughputThatIsNotAsExpectedIsShownAndExitsWithOne(t *testing.T) {
	r := &rehearse.Traffic{Drills: []string{rehearse.ProviderBandwidthDrill}, ProviderBandwidth: []rehearse.SlowProvider{
		{From: "montreal", To: "vnet/app", Provider: 250, Circuit: 500, Least: 250, Measured: 231.04}}}
	for _, f := range []rehearseFlags{{}, {asJSON: true}} {
		var out strings.Builder
		err := f.tellTraffic(&out, r)
		var e *exitError
		if !errors.As(err, &e) || e.code != exitFailed {
			t.Errorf("%+v: %v", f, err)
		}
		if !strings.Contains(out.String(), "231.04") || !f.asJSON && !strings.Contains(out.String(), "NO") {
			t.Errorf("%+v: it does not show the throughput:\n%s", f, out.String())
		}
	}
}

func TestEveryTrafficDrillIsDescribed(t *testing.T) {
	words := trafficWords()
	for _, name := range rehearse.TrafficDrills() {
		if words[name] == "" {
			t.Errorf("nothing says what %s measures", name)
		}
	}
	if len(words) != len(rehearse.TrafficDrills()) {
		t.Errorf("%d are described, %d exist", len(words), len(rehearse.TrafficDrills()))
	}
}
