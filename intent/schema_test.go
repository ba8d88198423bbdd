package intent_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/rogpeppe/go-internal/txtar"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"

	"onramp/catalog"
	"onramp/examples"
	"onramp/intent"
	"onramp/intent/intenttest"
)

// compiled is the intent's schema as an independent judge reads it.
func compiled(t testing.TB) *jsonschema.Schema {
	t.Helper()
	b, err := intent.Schema()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("intent.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("intent.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// spot is a place in a JSON value: its path without positions in lists, and how to set it to a value, or remove it.
type spot struct {
	path string
	set  func(with any, remove bool)
}

// spots lists the places in a JSON value where something can be changed.
func spots(v any, path string, out *[]spot) {
	switch x := v.(type) {
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(x)) {
			*out = append(*out, spot{path + "." + k, func(with any, remove bool) {
				if remove {
					delete(x, k)
				} else {
					x[k] = with
				}
			}})
			spots(x[k], path+"."+k, out)
		}
		*out = append(*out, spot{path + ".colour", func(with any, remove bool) {
			if !remove {
				x["colour"] = with
			}
		}})
	case []any:
		for i := range x {
			*out = append(*out, spot{path + "[]", func(with any, _ bool) { x[i] = with }})
			spots(x[i], path+"[]", out)
		}
	}
}

// values are what a mistaken place may hold: right in some places and wrong in others.
func values() []any {
	return []any{nil, true, "", "auto", "shared", "a-name", "Not A Name", "trailing-", "double--hyphen", "sub_x.y", "200 Mbps", "1.5 Gbps", "1.2345 Gbps", "200", "0001 Mbps", "1234567890 Mbps", "9 ms", "9.1234 ms", "9.100000 ms", "6000 USD", "1.005 USD",
		"/24", "/33", "/0", "24", "10.1.0.0/16", "10.1.0.0/33", "010.1.0.0/16", "10.1.0.0/016", "10.1.0.256/24", "10.1.0/16", "10.1.0.0", "fd00::/8", "fd00:1:2:3:4:5:6:7/128", "fd00:1:2:3:4:5:6::/112", "fd00::1::/64", "1:2:3:4:5:6:7:8:9/64", "::/0", "::1/129", "::ffff:10.0.0.0/104", "fe80::1%eth0/64", ":/0", "12345::/16",
		"azure", "microsoft365", "link", "gateway", "ethernet", "direct", "QinQ", "onramp/v1", "Montreal, Canada", 1.0, 2.0, 0.0, 3.0, 99.95, 100.0, -1.0, 7.5, 1e3, 65010.0, 4294967295.0, 4294967296.0, []any{}, []any{"azure"}, []any{"a", "b"}, []any{"a", "b", "c"}, []any{7.0}, []any{[]any{"a", "b"}},
		map[string]any{}, map[string]any{"lat": 45.0, "lon": -73.0}, map[string]any{"lat": "x", "lon": 1.0}, map[string]any{"name": "x"}}
}

// agree holds the schema against the parser: one refuses the shape of doc if and only if the other does. It returns whether both
// take it.
func agree(t rapid.TB, s *jsonschema.Schema, c *catalog.Catalog, doc any) bool {
	src, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	again, err := jsonschema.UnmarshalJSON(bytes.NewReader(src))
	if err != nil {
		t.Fatal(err)
	}
	refusal := s.Validate(again)
	_, findings := intent.Parse("drawn.json", src, c)
	shape := slices.IndexFunc(findings, func(f intent.Finding) bool { return f.Source == "onramp schema" })
	if refusal != nil && shape < 0 {
		t.Fatalf("the schema refuses a shape that the parser takes: %v\n%v\n%s", refusal, findings, src)
	}
	if refusal == nil && shape >= 0 {
		t.Fatalf("the parser refuses the shape of what the schema takes: %v\n%s", findings[shape], src)
	}
	return refusal == nil
}

// everyKey is the JSON of an intent that has every key of the file.
func everyKey(t *testing.T, c *catalog.Catalog) []byte {
	a, err := txtar.ParseFile("testdata/mistakes.txtar")
	if err != nil {
		t.Fatal(err)
	}
	e, findings := intent.Parse("base", a.Files[0].Data, c)
	if e == nil {
		t.Fatal(findings)
	}
	e.LinesOfBusiness[0].Needs.Dedicated = true
	src, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	return src
}

func TestSchemaAndParserAgreeOnEachValueInEachPlace(t *testing.T) {
	c := open(t)
	s := compiled(t)
	src := everyKey(t, c)
	decoded := func() (doc any, all []spot) {
		if err := json.Unmarshal(src, &doc); err != nil {
			t.Fatal(err)
		}
		spots(doc, "", &all)
		return doc, all
	}
	_, all := decoded()
	taken, refused := 0, 0
	seen := map[string]bool{}
	for i, one := range all {
		if seen[one.path] {
			continue
		}
		seen[one.path] = true
		for j := range len(values()) + 1 {
			doc, all := decoded()
			if j < len(values()) {
				all[i].set(values()[j], false)
			} else {
				all[i].set(nil, true)
			}
			if agree(t, s, c, doc) {
				taken++
			} else {
				refused++
			}
		}
	}
	t.Logf("%d places, %d taken, %d refused", len(seen), taken, refused)
	if len(seen) < 60 || taken < 200 || refused < 3000 {
		t.Errorf("only %d were taken and %d refused", taken, refused)
	}
}

func TestSchemaAndParserAgree(t *testing.T) {
	c := open(t)
	s := compiled(t)
	drawer := intenttest.NewDrawer(c)
	var written [][]byte // the examples with every default
	for _, name := range examples.Names() {
		src, err := examples.Read(name)
		if err != nil {
			t.Fatal(err)
		}
		e, findings := intent.Parse(name, src, c)
		if e == nil {
			t.Fatal(findings)
		}
		if src, err = json.Marshal(e); err != nil {
			t.Fatal(err)
		}
		written = append(written, src)
	}
	agreed := map[bool]int{}
	rapid.Check(t, func(t *rapid.T) {
		src := written[rapid.IntRange(0, len(written)-1).Draw(t, "example")]
		if rapid.Bool().Draw(t, "drawn") {
			var err error
			if src, err = json.Marshal(drawer.JSON(t)); err != nil {
				t.Fatal(err)
			}
		}
		var doc any
		err := json.Unmarshal(src, &doc)
		if err != nil {
			t.Fatal(err)
		}
		for range rapid.IntRange(0, 3).Draw(t, "mistakes") {
			var all []spot
			spots(doc, "", &all)
			with := rapid.SampledFrom(values()).Draw(t, "value")
			all[rapid.IntRange(0, len(all)-1).Draw(t, "spot")].set(with, rapid.IntRange(0, 4).Draw(t, "remove") == 0)
		}
		agreed[agree(t, s, c, doc)]++
	})
	if agreed[true] == 0 || agreed[false] == 0 {
		t.Errorf("only one kind of verdict was compared: %v", agreed)
	}
}

func TestAnIntentWrittenOutFitsTheSchemaAndSaysTheSame(t *testing.T) {
	s := compiled(t)
	c := open(t)
	drawer := intenttest.NewDrawer(c)
	rapid.Check(t, func(t *rapid.T) {
		e := drawer.Estate(t)
		src, err := json.Marshal(e) // with defaults filled in
		if err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(src))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(doc); err != nil {
			t.Fatalf("%v\n%s", err, src)
		}
		again, findings := intent.Parse("drawn.json", src, c)
		if again == nil {
			t.Fatalf("%v\n%s", findings, src)
		}
		// What is written out names its values, so fewer are defaults; all else is the same.
		if diff := cmp.Diff(e, again, cmpopts.IgnoreFields(intent.Estate{}, "Defaulted"), cmpopts.EquateEmpty(), cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
			t.Fatalf("it says something else the second time:\n%s", diff)
		}
	})
}

func TestEveryKeyIsExplainedAndItsExamplesAreRight(t *testing.T) {
	raw, err := intent.Schema()
	if err != nil {
		t.Fatal(err)
	}
	var whole map[string]any
	if err := json.Unmarshal(raw, &whole); err != nil {
		t.Fatal(err)
	}
	keys, shown := 0, 0
	var walk func(at string, node any)
	walk = func(at string, node any) {
		switch x := node.(type) {
		case map[string]any:
			if props, ok := x["properties"].(map[string]any); ok && at != "$defs" {
				for k, v := range props {
					p, ok := v.(map[string]any)
					if !ok {
						continue
					}
					keys++
					if s, _ := p["description"].(string); s == "" && !slices.Contains([]string{"city", "lat", "lon"}, k) {
						t.Errorf("%s.%s is not explained", at, k)
					}
				}
			}
			if list, ok := x["examples"].([]any); ok {
				alone := maps.Clone(x)
				alone["$defs"] = whole["$defs"]
				c := jsonschema.NewCompiler()
				if err := c.AddResource("x.json", alone); err != nil {
					t.Fatal(err)
				}
				s, err := c.Compile("x.json")
				if err != nil {
					t.Fatal(err)
				}
				for _, e := range list {
					shown++
					if err := s.Validate(e); err != nil {
						t.Errorf("%s: the example %v is none: %v", at, e, err)
					}
				}
			}
			for _, k := range slices.Sorted(maps.Keys(x)) {
				walk(at+"."+k, x[k])
			}
		case []any:
			for _, v := range x {
				walk(at, v)
			}
		}
	}
	walk("", whole)
	if keys < 50 || shown < 20 {
		t.Errorf("%d keys and %d examples", keys, shown)
	}
}
