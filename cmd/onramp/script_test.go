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

func TestWhatAScriptPrintsFitsItsSchema(t *testing.T) {
	s := compiled(t, "rehearse-script")
	src, err := examples.Read(builtIn)
	if err != nil {
		t.Fatal(err)
	}
	for _, drill := range []string{"maintenance-during-cut", "dirty-fibre", "wide", "prefix-limit"} {
		var out, stderr bytes.Buffer
		if code := run([]string{"rehearse", "-", "--json", "--script", "../../examples/drills/northwind.yaml", "--drill", drill}, bytes.NewReader(src), &out, &stderr); code != 0 {
			t.Fatalf("%s: exit code %d: %s", drill, code, stderr.String())
		}
		doc, err := jsonschema.UnmarshalJSON(&out)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(doc); err != nil {
			t.Errorf("%s: %v", drill, err)
		}
	}
	if len(s.Required) == 0 {
		t.Error("it requires nothing")
	}
}

func TestADrillOfAScriptThatIsNotAsProvedIsExplainedAndExitsWithOne(t *testing.T) {
	r := &rehearse.Scripted{Met: true, Drills: []rehearse.ScriptedDrill{
		{Name: "good", Agrees: true, Met: true},
		{Name: "bad", Met: true, Checks: []rehearse.Check{{Held: true}, {Why: "something comes and goes"}},
			Flows: []rehearse.ScriptedFlow{{Flow: "finance: vnet - site", Lost: 30, Outages: []rehearse.Outage{{FromMs: 1000, ToMs: 2000, Sent: 50, Lost: 30}}}},
			Disagreements: []rehearse.Disagreement{{Scenario: "bad", When: "after cut router:a at 5s", Flow: "finance: vnet - site", Proof: "the proof says that every packet arrives",
				Seen: "of 32 requests 32 were not answered", Ended: "at msee: no route"}}},
	}}
	name := t.TempDir() + "/drills.xml"
	for _, f := range []rehearseFlags{{}, {asJSON: true}, {junit: name}} {
		var out strings.Builder
		err := f.tellScripted(&out, r)
		var e *exitError
		if !errors.As(err, &e) || e.code != exitFailed {
			t.Errorf("%+v: %v", f, err)
		}
		for _, want := range []string{"bad", "after cut router:a at 5s", "finance: vnet - site", "every packet arrives", "of 32 requests 32 were not answered", "at msee: no route", "something comes and goes"} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%+v: it does not say %q:\n%s", f, want, out.String())
			}
		}
	}
	src, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if src := string(src); !strings.Contains(src, `tests="2" failures="1"`) || !strings.Contains(src, "bad is not as proved") {
		t.Error(src)
	}
}
