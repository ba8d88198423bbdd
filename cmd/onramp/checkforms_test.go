package main

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"slices"
	"strings"
	"testing"

	"github.com/jstemmer/go-junit-report/v2/junit"
	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"

	"onramp/catalog"
	"onramp/check"
	"onramp/design"
)

// findings are those of check --json.
func findings(t *testing.T, file string) []design.Finding {
	t.Helper()
	out := printed(t, "check", file, "--json")
	var r checked
	if err := json.Unmarshal(out, &r); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return r.Findings
}

// printed is what a command line writes to standard output.
func printed(t *testing.T, args ...string) []byte {
	t.Helper()
	var out bytes.Buffer
	cmd := newRootCommand()
	cmd.SetOut(&out)
	cmd.SetErr(&bytes.Buffer{})
	cmd.SetArgs(args)
	_ = cmd.Execute()
	return out.Bytes()
}

func TestSARIFSaysWhatJSONSaysAndIsValid(t *testing.T) {
	for _, file := range []string{"../../examples/northwind.yaml", "../../examples/nothing-fits.yaml", "../../check/testdata/brown/spoke-with-own-gateway.json", "../../examples/broken/duplicate-key.yaml"} {
		t.Run(file, func(t *testing.T) {
			want := findings(t, file)
			r, err := sarif.FromBytes(printed(t, "check", file, "--sarif"))
			if err != nil {
				t.Fatal(err)
			}
			if err := r.Validate(); err != nil {
				t.Fatalf("it does not keep to the schema: %v", err)
			}
			results := r.Runs[0].Results
			if len(results) != len(want) {
				t.Fatalf("%d results of %d findings", len(results), len(want))
			}
			for i, f := range want {
				x := results[i]
				rule := r.Runs[0].Tool.Driver.Rules[x.RuleIndex]
				place := *x.Locations[0].LogicalLocations[0].FullyQualifiedName
				if *x.RuleID != f.Rule || *rule.ID != f.Rule || !strings.Contains(*x.Message.Text, f.Message) || !strings.HasSuffix(f.At, place) {
					t.Errorf("%+v became %s at %s: %s", f, *x.RuleID, place, *x.Message.Text)
				}
				region := x.Locations[0].PhysicalLocation.Region
				if line := strings.HasPrefix(f.At, file+":"); line != (region != nil) {
					t.Errorf("%s: region %v", f.At, region)
				}
			}
		})
	}
}

func TestJUnitHasACaseForEachRuleAndFailsThoseThatAreBroken(t *testing.T) {
	for _, file := range []string{"../../examples/northwind.yaml", "../../check/testdata/brown/spoke-with-own-gateway.json", "../../examples/broken/duplicate-key.yaml"} {
		t.Run(file, func(t *testing.T) {
			var suites junit.Testsuites
			if err := xml.Unmarshal(printed(t, "check", file, "--junit"), &suites); err != nil {
				t.Fatal(err)
			}
			broken := map[string]bool{}
			for _, f := range findings(t, file) {
				if f.Severity == design.Error {
					broken[f.Rule] = true
				}
			}
			cases := map[string]bool{}
			for _, x := range suites.Suites[0].Testcases {
				if cases[x.Name] {
					t.Errorf("two cases of %s", x.Name)
				}
				cases[x.Name] = true
				if (x.Failure != nil) != broken[x.Name] {
					t.Errorf("%s: fails %v, want %v", x.Name, x.Failure != nil, broken[x.Name])
				}
			}
			if suites.Failures != len(broken) {
				t.Errorf("%d failures of %d broken rules", suites.Failures, len(broken))
			}
			for _, r := range check.Rules(catalogOf(t)) {
				if r.Checked != cases[r.ID] {
					t.Errorf("%s: checked %v, a case %v", r.ID, r.Checked, cases[r.ID])
				}
			}
		})
	}
}

func TestTheListOfRulesIsWhole(t *testing.T) {
	var list ruleList
	if err := json.Unmarshal(printed(t, "check", "--rules", "--json"), &list); err != nil {
		t.Fatal(err)
	}
	want := catalogOf(t).Rules()
	if len(list.Rules) != len(want) {
		t.Fatalf("%d of %d rules", len(list.Rules), len(want))
	}
	text := string(printed(t, "check", "--rules"))
	for _, r := range want {
		if !slices.Contains(strings.Fields(text), r.ID) {
			t.Errorf("%s is not listed", r.ID)
		}
	}
}

func catalogOf(t *testing.T) *catalog.Catalog {
	t.Helper()
	c, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	return c
}
