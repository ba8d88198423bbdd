package intent_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"

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

// spots lists the places in a JSON value where something can be changed: each sets its place to a value, or removes it.
func spots(v any, out *[]func(any, bool)) {
	switch x := v.(type) {
	case map[string]any:
		keys := make([]string, 0, len(x))
		for k := range x {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		for _, k := range keys {
			*out = append(*out, func(with any, remove bool) {
				if remove {
					delete(x, k)
				} else {
					x[k] = with
				}
			})
			spots(x[k], out)
		}
		*out = append(*out, func(with any, remove bool) {
			if !remove {
				x["colour"] = with
			}
		})
	case []any:
		for i := range x {
			*out = append(*out, func(with any, _ bool) { x[i] = with })
			spots(x[i], out)
		}
	}
}

// values are what a mistaken place may hold: right in some places and wrong in others.
func values() []any {
	return []any{nil, true, "", "auto", "shared", "a-name", "Not A Name", "trailing-", "double--hyphen", "sub_x.y", "200 Mbps", "1.5 Gbps", "1.2345 Gbps", "200", "0001 Mbps", "1234567890 Mbps", "9 ms", "9.1234 ms", "9.100000 ms", "6000 USD", "1.005 USD",
		"/24", "/33", "/0", "24", "10.1.0.0/16", "10.1.0.0/33", "010.1.0.0/16", "10.1.0.0/016", "10.1.0.256/24", "10.1.0/16", "10.1.0.0", "fd00::/8", "fd00:1:2:3:4:5:6:7/128", "fd00:1:2:3:4:5:6::/112", "fd00::1::/64", "1:2:3:4:5:6:7:8:9/64", "::/0", "::1/129", "::ffff:10.0.0.0/104", "fe80::1%eth0/64", ":/0", "12345::/16",
		"azure", "microsoft365", "link", "gateway", "ethernet", "direct", "QinQ", "onramp/v1", "Montreal, Canada", 1.0, 2.0, -1.0, 7.5, 1e3, 65010.0, 4294967295.0, 4294967296.0, []any{}, []any{"azure"}, []any{"a", "b"}, []any{"a", "b", "c"}, []any{7.0}, []any{[]any{"a", "b"}},
		map[string]any{}, map[string]any{"lat": 45.0, "lon": -73.0}, map[string]any{"lat": "x", "lon": 1.0}, map[string]any{"name": "x"}}
}

func TestSchemaAndParserAgree(t *testing.T) {
	c := open(t)
	s := compiled(t)
	drawer := intenttest.NewDrawer(c)
	agreed := map[bool]int{}
	rapid.Check(t, func(t *rapid.T) {
		src, err := json.Marshal(drawer.JSON(t))
		if err != nil {
			t.Fatal(err)
		}
		var doc any
		if err := json.Unmarshal(src, &doc); err != nil {
			t.Fatal(err)
		}
		for range rapid.IntRange(0, 3).Draw(t, "mistakes") {
			var all []func(any, bool)
			spots(doc, &all)
			with := rapid.SampledFrom(values()).Draw(t, "value")
			all[rapid.IntRange(0, len(all)-1).Draw(t, "spot")](with, rapid.IntRange(0, 4).Draw(t, "remove") == 0)
		}
		if src, err = json.Marshal(doc); err != nil {
			t.Fatal(err)
		}
		again, err := jsonschema.UnmarshalJSON(bytes.NewReader(src))
		if err != nil {
			t.Fatal(err)
		}
		refusal := s.Validate(again)
		e, findings := intent.Parse("drawn.json", src, c)
		shape := slices.IndexFunc(findings, func(f intent.Finding) bool { return f.Source == "onramp schema" })
		agreed[refusal == nil]++
		if refusal != nil && e != nil {
			t.Fatalf("the schema refuses what the parser takes: %v\n%s", refusal, src)
		}
		if refusal == nil && shape >= 0 {
			t.Fatalf("the parser refuses the shape of what the schema takes: %v\n%s", findings[shape], src)
		}
	})
	if agreed[true] == 0 || agreed[false] == 0 {
		t.Errorf("only one kind of verdict was compared: %v", agreed)
	}
}

func TestTheExamplesFitTheSchema(t *testing.T) {
	s := compiled(t)
	c := open(t)
	drawer := intenttest.NewDrawer(c)
	rapid.Check(t, func(t *rapid.T) {
		src, err := json.Marshal(drawer.Estate(t)) // with defaults filled in
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
	})
}
