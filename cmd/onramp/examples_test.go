package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"onramp/choose"
	"onramp/cost"
	"onramp/design"
	"onramp/examples"
)

// largeExample has forty lines of business. Tests that do something many times to every example leave it out, and say so.
const largeExample = "relecloud-forty"

// outcome is what one example must come to.
type outcome struct {
	name    string
	chosen  design.Pattern // empty when nothing fits
	nearest design.Pattern // only then
	unmet   []string       // line of business and need
	total   string         // US dollars a month, to the cent: the part that is known
	unknown []string       // what has no price
}

func answers() []outcome {
	return []outcome{
		{name: "contoso-shared", chosen: design.Shared, total: "2307.40"},
		{name: "fabrikam-isolated", chosen: design.Isolated, total: "2608.40"},
		{name: "litware-dual-stack", chosen: design.Shared, total: "3157.23"},
		{name: "lucerne-direct-metro", chosen: design.Isolated, total: "3603.80", unknown: []string{"Direct port pair of erp-zurich-zurich-metro"}},
		{name: "northwind", chosen: design.SharedHubSpoke, total: "4589.68"},
		{name: "nothing-fits", nearest: design.Shared, unmet: []string{"payments survives.location"}, total: "2507.40"},
		{name: "proseware-microsoft365", chosen: design.Shared, total: "4056.20"},
		{name: "relecloud-forty", chosen: design.SharedHubSpoke, total: "7637.85"},
		{name: "tailwind-isolated-hub-spoke", chosen: design.IsolatedHubSpoke, total: "3744.70"},
		{name: "wide-world-two-continents", chosen: design.Shared, total: "7296.10"},
	}
}

// ask runs a verb on an example and reads its JSON.
func ask(t *testing.T, verb, example string, into any) (code int) {
	t.Helper()
	src, err := examples.Read(example)
	if err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	if code = run([]string{verb, "-", "--json"}, bytes.NewReader(src), &stdout, &stderr); code > exitFailed {
		t.Fatalf("%s %s: exit code %d: %s", verb, example, code, stderr.String())
	}
	if err := json.Unmarshal(stdout.Bytes(), into); err != nil {
		t.Fatal(err)
	}
	return code
}

func TestEveryExampleComesToItsAnswerAndItsBill(t *testing.T) {
	var names []string
	for _, want := range answers() {
		names = append(names, want.name)
		t.Run(want.name, func(t *testing.T) {
			var c choose.Choice
			var chosen design.Pattern
			code := exitOK
			if want.name == largeExample {
				// Design leaves out what would change the answer, which for forty lines of business is most of the work.
				var d design.Design
				code = ask(t, "design", want.name, &d)
				chosen = d.Pattern
			} else if code = ask(t, "choose", want.name, &c); c.Chosen != nil {
				chosen = *c.Chosen
			}
			if chosen != want.chosen || c.Nearest != want.nearest && want.nearest != "" || (code == exitOK) != (want.chosen != "") {
				t.Errorf("chosen %q, nearest %q, exit code %d; want %q, %q", chosen, c.Nearest, code, want.chosen, want.nearest)
			}
			var unmet []string
			for _, u := range c.Unmet {
				unmet = append(unmet, strings.TrimSpace(u.LineOfBusiness+" "+u.Need))
			}
			if !slices.Equal(unmet, want.unmet) {
				t.Errorf("unmet %q, want %q", unmet, want.unmet)
			}
			var b cost.Bill
			ask(t, "cost", want.name, &b)
			if got := fmt.Sprintf("%.2f", b.Total.USD); got != want.total || b.Total.AtLeast != (len(want.unknown) > 0) {
				t.Errorf("total %s, at least %v; want %s, unknown %q", got, b.Total.AtLeast, want.total, want.unknown)
			}
			var unknown []string
			for _, u := range b.Unknown {
				unknown = append(unknown, u.Item+" of "+u.Resource)
			}
			if !slices.Equal(unknown, want.unknown) {
				t.Errorf("unknown %q, want %q", unknown, want.unknown)
			}
		})
	}
	if !slices.Equal(names, examples.Names()) {
		t.Errorf("the table has %v, the examples are %v", names, examples.Names())
	}
}

func TestThePageOfExamplesListsEachWithItsAnswer(t *testing.T) {
	src, err := os.ReadFile("../../docs/examples.md")
	if err != nil {
		t.Fatal(err)
	}
	var rows []string
	for _, line := range strings.Split(string(src), "\n") {
		if strings.HasPrefix(line, "| [") {
			rows = append(rows, line)
		}
	}
	for i, a := range answers() {
		verdict := string(a.chosen)
		if a.chosen == "" {
			verdict = "none; nearest " + string(a.nearest)
		}
		total := a.total
		if len(a.unknown) > 0 {
			total = ">= " + total
		}
		want := fmt.Sprintf("| [%s](../examples/%s.yaml) | %s | %s | ", a.name, a.name, verdict, total)
		if i >= len(rows) || !strings.HasPrefix(rows[i], want) {
			t.Errorf("docs/examples.md should have a row that begins with %q", want)
		}
	}
	if len(rows) != len(answers()) {
		t.Errorf("docs/examples.md has %d rows, there are %d examples", len(rows), len(answers()))
	}
}
