package rehearse

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"

	"onramp/prove"
	"onramp/yamlfile"
)

var update = flag.Bool("update", false, "rewrite the expected findings in testdata")

const scriptMistakes = "testdata/scripts.txtar"

// shipped is the script that comes with the example northwind.
func shipped(t testing.TB) string {
	t.Helper()
	src, err := os.ReadFile("../examples/drills/northwind.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return string(src)
}

func TestEveryMistakeInAScriptIsToldWithItsPlace(t *testing.T) {
	e := example(t, "northwind", "")
	a, err := txtar.ParseFile(scriptMistakes)
	if err != nil {
		t.Fatal(err)
	}
	base := string(a.Files[0].Data)
	e.script(t, base)
	for i := 1; i < len(a.Files); i++ {
		f := &a.Files[i]
		t.Run(f.Name, func(t *testing.T) {
			lines := strings.SplitN(string(f.Data), "\n", 3)
			old, with := strings.ReplaceAll(lines[0], `\n`, "\n"), strings.ReplaceAll(lines[1], `\n`, "\n")
			if !strings.Contains(base, old) {
				t.Fatalf("the base has no %q", old)
			}
			s, findings := ParseScript("drills.yaml", []byte(strings.Replace(base, old, with, 1)), e.d, e.n, e.c)
			if s != nil || len(findings) == 0 {
				t.Errorf("nothing is wrong: %v", findings)
			}
			var got strings.Builder
			for _, x := range findings {
				fmt.Fprintln(&got, x)
				if x.Line < 1 || x.Col < 1 || x.Message == "" || x.Fix == "" || x.Rule == "" || x.Source == "" {
					t.Errorf("it says too little: %+v", x)
				}
			}
			if *update {
				f.Data = []byte(lines[0] + "\n" + lines[1] + "\n" + got.String())
			} else if want := lines[2]; got.String() != want {
				t.Errorf("got\n%swant\n%s", got.String(), want)
			}
		})
	}
	if *update {
		if err := os.WriteFile(scriptMistakes, txtar.Format(a), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestASchemaTakesTheScriptsThatAreTakenAndMissesWhatIsMissing(t *testing.T) {
	src, err := ScriptSchema()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(src)))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("script.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("script.json")
	if err != nil {
		t.Fatal(err)
	}
	valid := func(v any) error {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		x, err := jsonschema.UnmarshalJSON(strings.NewReader(string(b)))
		if err != nil {
			t.Fatal(err)
		}
		return s.Validate(x)
	}
	e := example(t, "northwind", "")
	a, err := txtar.ParseFile(scriptMistakes)
	if err != nil {
		t.Fatal(err)
	}
	for _, src := range []string{shipped(t), string(a.Files[0].Data)} {
		if err := valid(e.script(t, src)); err != nil {
			t.Error(err)
		}
	}
	for _, bad := range []any{map[string]any{}, map[string]any{"drills": []any{}}, map[string]any{"drills": []any{map[string]any{"name": "x"}}},
		map[string]any{"drills": []any{map[string]any{"name": "x", "steps": []any{map[string]any{"cut": "link:a"}}}}},
		map[string]any{"drills": []any{map[string]any{"name": "x", "steps": []any{map[string]any{"at": "5", "cut": "link:a"}}}}},
		map[string]any{"drills": []any{map[string]any{"name": "x", "steps": []any{map[string]any{"at": "5s", "impair": "link:a", "loss": 2}}}}}} {
		if valid(bad) == nil {
			t.Errorf("it takes %v", bad)
		}
	}
}

func TestTimesAndSharesAreReadAsTheyAreWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := Duration(rapid.Int64Range(0, int64(longestScript)).Draw(t, "time"))
		text, _ := d.MarshalText()
		var again Duration
		if err := again.UnmarshalText(text); err != nil || again != d {
			t.Errorf("%s: %v, %v", text, time.Duration(again), err)
		}
		p := Share(float64(rapid.IntRange(0, 10000).Draw(t, "share")) / 10000)
		text, _ = p.MarshalText()
		var q Share
		if err := q.UnmarshalText(text); err != nil || (q-p) > 1e-12 || (p-q) > 1e-12 {
			t.Errorf("%s: %g, %v", text, q, err)
		}
	})
}

func TestAPatternOfFlowsStandsForAnything(t *testing.T) {
	f := &prove.Flow{Name: "finance: vnet-fin-core - toronto", From: "vnet-fin-core/app", To: "toronto 10.1.0.0/16"}
	for pattern, want := range map[string]bool{"finance: vnet-fin-core - toronto": true, "*": true, "finance: *": true, "* - toronto": true, "*fin-core*toronto": true, "f*n*e*o": true,
		"*(vnet-fin-core/app to *": true, "finance": false, "*fin": false, "hr*": false, "*toronto*toronto*x": false, "": false} {
		if got := matchesFlow(pattern, f); got != want {
			t.Errorf("%q: %v", pattern, got)
		}
	}
}

// What happens at one time: ends come before what begins, and a repair ends everything that is wrong with its target.
func TestActionsComeInTheOrderOfTheirTimes(t *testing.T) {
	e := example(t, "northwind", "")
	d := &e.script(t, `drills:
  - name: order
    steps:
      - {at: 20s, cut: router:toronto-ce1, for: 5s}
      - {at: 0s, cut: router:toronto-msee1, for: 20s}
      - {at: 1s, grey: router:toronto-msee1}
      - {at: 10s, repair: router:toronto-msee1}
      - {at: 10s, cut: router:toronto-msee1, for: 10s}
      - {at: 30s, roll: gateway:ergw-hub, down: 1s, pause: 2s}
`).Drills[0]
	s := time.Second
	want := []action{{0, 1, 1, 1}, {s, 2, 1, 2}, {10 * s, 1, 0, 3}, {10 * s, 2, 0, 3}, {10 * s, 4, 1, 4}, {20 * s, 4, 0, 4}, {20 * s, 0, 1, 0}, {25 * s, 0, 0, 0},
		{30 * s, 5, 1, 5}, {31 * s, 5, 0, 5}, {33 * s, 5, 2, 5}, {34 * s, 5, 0, 5}}
	if !reflect.DeepEqual(d.actions, want) {
		t.Errorf("got  %v\nwant %v", d.actions, want)
	}
}

// Every key of a step is that of a fault or goes with one, and none that is listed is not a step's.
func TestEveryKeyOfAStepHasItsFault(t *testing.T) {
	var keys, listed []string
	st := reflect.TypeFor[Step]()
	for i := range st.NumField() {
		if key, _, _ := strings.Cut(st.Field(i).Tag.Get("json"), ","); key != "" && key != "at" {
			keys = append(keys, key)
		}
	}
	for _, v := range verbs() {
		listed = append(append(listed, v.key), v.with...)
	}
	if keys, listed = sorted(keys), sorted(listed); !slices.Equal(keys, listed) {
		t.Errorf("keys   %v\nlisted %v", keys, listed)
	}
}

func FuzzScript(f *testing.F) {
	e := example(f, "northwind", "")
	f.Add([]byte(shipped(f)))
	a, err := txtar.ParseFile(scriptMistakes)
	if err != nil {
		f.Fatal(err)
	}
	for i := 1; i < len(a.Files); i += 9 { // the others are a change or two away
		lines := strings.SplitN(string(a.Files[i].Data), "\n", 3)
		f.Add([]byte(strings.Replace(string(a.Files[0].Data), strings.ReplaceAll(lines[0], `\n`, "\n"), strings.ReplaceAll(lines[1], `\n`, "\n"), 1)))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		s, findings := ParseScript("f", src, e.d, e.n, e.c)
		if s == nil && len(findings) == 0 {
			t.Fatal("neither a script nor a finding")
		}
		for _, x := range findings {
			if x.Line < 1 || x.Col < 1 || x.Message == "" || x.Rule == "" || x.Source == "" {
				t.Fatalf("it says too little: %+v", x)
			}
		}
		if s == nil {
			return
		}
		out, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		again, more := ParseScript("f", out, e.d, e.n, e.c)
		if again == nil || slices.ContainsFunc(more, func(x yamlfile.Finding) bool { return x.Severity == yamlfile.Error }) {
			t.Fatalf("what was read is refused when written out: %v\n%s", more, out)
		}
		for i := range s.Drills {
			if !slices.Equal(s.Drills[i].actions, again.Drills[i].actions) {
				t.Fatalf("it means something else when written out:\n%s", out)
			}
			for _, a := range s.Drills[i].actions {
				_ = s.Drills[i].words(a)
			}
		}
	})
}
