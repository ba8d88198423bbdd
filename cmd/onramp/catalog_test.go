package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"onramp/catalog"
)

// words splits a command line as a shell would, as far as the examples need it.
func words(line string) []string {
	var out []string
	for _, w := range regexp.MustCompile(`"[^"]*"|\S+`).FindAllString(line, -1) {
		out = append(out, strings.Trim(w, `"`))
	}
	return out
}

func catalogCommands() []*cobra.Command {
	root := newCatalogCommand()
	return append([]*cobra.Command{root}, root.Commands()...)
}

// ran runs the program and fails the test unless the exit code is as wanted.
func ran(t *testing.T, want int, args ...string) (stdout, stderr string) {
	t.Helper()
	var out, err strings.Builder
	if code := run(args, strings.NewReader(""), &out, &err); code != want {
		t.Fatalf("onramp %s: exit code %d, want %d; %s", strings.Join(args, " "), code, want, err.String())
	}
	return out.String(), err.String()
}

func TestEveryExampleOfTheCatalogueRunsAndFindsSomething(t *testing.T) {
	for _, cmd := range catalogCommands() {
		lines := strings.Split(cmd.Example, "\n")
		if cmd.Example == "" {
			t.Errorf("%s has no example", cmd.Name())
			continue
		}
		for _, line := range lines {
			args := words(line)
			if len(args) < 2 || args[0] != "onramp" {
				t.Fatalf("%s: example %q", cmd.Name(), line)
			}
			if out, _ := ran(t, exitOK, args[1:]...); strings.Contains(out, "no row of") {
				t.Errorf("%s finds nothing", line)
			}
		}
	}
}

func TestEveryTableIsValidJSONWithASourceOnEveryRow(t *testing.T) {
	c, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	least := map[string]int{"locations": len(c.Locations()), "providers": len(c.Offers()), "regions": len(c.Regions()), "skus": 3, "gateways": len(c.GatewaySKUs()), "limits": len(c.LimitRows()),
		"prices": len(c.Prices()) + len(c.EgressTiers()), "rules": len(c.Rules()), "services": len(c.Services()), "qos": len(c.QoS())}
	for _, cmd := range catalogCommands()[1:] {
		t.Run(cmd.Name(), func(t *testing.T) {
			out, _ := ran(t, exitOK, "catalog", cmd.Name(), "--json")
			var got struct {
				Table string
				Notes []string
				Rows  []map[string]any
			}
			if err := json.Unmarshal([]byte(out), &got); err != nil {
				t.Fatal(err)
			}
			if got.Table != cmd.Name() || got.Notes == nil || least[cmd.Name()] == 0 || len(got.Rows) < least[cmd.Name()] {
				t.Fatalf("table %q, notes %v, %d rows of %d", got.Table, got.Notes, len(got.Rows), least[cmd.Name()])
			}
			for _, r := range got.Rows {
				source, ok := r["source"].(map[string]any)
				if !ok || source["text"] == "" && r["confidence"] != "not-found" {
					t.Errorf("no source: %v", r)
				}
			}
		})
	}
}

func TestEveryFilterRefusesWhatTheCatalogueDoesNotHave(t *testing.T) {
	for _, cmd := range catalogCommands()[1:] {
		for _, flag := range flagsWithValues(cmd) {
			out, said := ran(t, exitUsage, "catalog", cmd.Name(), "--"+flag, "Zzzyzx 9")
			if out != "" || !strings.Contains(said, "--"+flag+` "Zzzyzx 9": the catalogue has no such`) {
				t.Errorf("%s --%s: %q, %q", cmd.Name(), flag, out, said)
			}
			if _, said := ran(t, exitUsage, "catalog", cmd.Name(), "--"+flag, ""); !strings.Contains(said, "is empty") {
				t.Errorf("%s --%s with nothing: %q", cmd.Name(), flag, said)
			}
		}
	}
}

func flagsWithValues(cmd *cobra.Command) []string {
	var out []string
	for _, f := range []string{"access", "area", "bandwidth", "city", "class", "cloud", "community", "confidence", "country", "dscp", "geography", "id", "item", "location", "name", "peering", "plan", "provider",
		"region", "severity", "sku", "status", "zone"} {
		if cmd.Flags().Lookup(f) != nil {
			out = append(out, f)
		}
	}
	return out
}

func TestWhatTheShellIsOfferedForAFilterIsAccepted(t *testing.T) {
	f := locationFacts()
	for _, x := range f.filters {
		if x.of == nil {
			continue
		}
		offered := f.complete(x)
		if len(offered) == 0 {
			t.Errorf("--%s offers nothing", x.flag)
		}
		for _, value := range offered[:min(5, len(offered))] {
			ran(t, exitOK, "catalog", "locations", "--"+x.flag, value)
		}
	}
}

func TestAFactThatIsNotPublishedIsNullAndNeverZero(t *testing.T) {
	out, _ := ran(t, exitOK, "catalog", "gateways", "--sku", "ErGwScale", "--json")
	if !strings.Contains(out, `"mbps": null`) || strings.Contains(out, `"mbps": 0`) {
		t.Error("gateways: the bandwidth of two scale units is not published and should be null")
	}
	out, _ = ran(t, exitOK, "catalog", "prices", "--item", "direct-port", "--json")
	if strings.Count(out, `"usd": null`) != 3 {
		t.Errorf("direct ports: no price is published\n%s", out)
	}
	out, _ = ran(t, exitOK, "catalog", "providers", "--access", "via-exchange", "--json")
	if strings.Contains(out, `"microsoft365": false`) || !strings.Contains(out, `"microsoft365": null`) {
		t.Error("providers: what is carried through an exchange is not published")
	}
	out, _ = ran(t, exitOK, "catalog", "limits", "--name", "error_code_on_refusal")
	if !strings.Contains(out, "unknown") || strings.Contains(out, "<nil>") {
		t.Errorf("limits: %s", out)
	}
}

// TestTheCataloguePageShowsOnlyCommandsThatAScriptRuns keeps docs/catalog.md true.
func TestTheCataloguePageShowsOnlyCommandsThatAScriptRuns(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "catalog.md"))
	if err != nil {
		t.Fatal(err)
	}
	scripts, err := filepath.Glob(filepath.Join("testdata", "script", "catalog*.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	var run []string
	for _, name := range scripts {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(b)) {
			if i := strings.Index(line, "onramp catalog"); i >= 0 && !strings.HasPrefix(line, "#") {
				run = append(run, strings.ReplaceAll(strings.TrimSpace(line[i:]), "'", `"`))
			}
		}
	}
	shown := 0
	for line := range strings.Lines(string(page)) {
		command, ok := strings.CutPrefix(line, "    $ ")
		if !ok {
			command, ok = strings.CutPrefix(line, "    onramp")
			command = "onramp" + command
		}
		if !ok {
			continue
		}
		command, _, _ = strings.Cut(command, " | ")
		shown++
		if !slices.Contains(run, strings.TrimSpace(command)) {
			t.Errorf("no script runs %q", strings.TrimSpace(command))
		}
	}
	if shown < 10 {
		t.Errorf("the page shows %d commands", shown)
	}
}
