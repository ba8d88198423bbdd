package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"onramp/examples"
)

// compiled is a schema as an independent judge reads it.
func compiled(t *testing.T, name string) *jsonschema.Schema {
	t.Helper()
	var out, stderr bytes.Buffer
	if code := run([]string{"schema", name}, strings.NewReader(""), &out, &stderr); code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr.String())
	}
	doc, err := jsonschema.UnmarshalJSON(&out)
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource(name+".json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestWhatCommandsPrintFitsTheirSchema(t *testing.T) {
	for _, verb := range []string{"choose", "design", "prove", "check", "prerequisites", "cost"} {
		t.Run(verb, func(t *testing.T) {
			s := compiled(t, verb)
			for _, name := range examples.Names() {
				if name == largeExample {
					continue // its results are larger, not of another shape
				}
				src, err := examples.Read(name)
				if err != nil {
					t.Fatal(err)
				}
				args := []string{verb, "-", "--json"}
				if verb == "prerequisites" {
					args = []string{"check", "-", "--prerequisites", "--json"}
				}
				var out, stderr bytes.Buffer
				if code := run(args, bytes.NewReader(src), &out, &stderr); code > 1 {
					t.Fatalf("%s: exit code %d: %s", name, code, stderr.String())
				}
				doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(out.Bytes()))
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				if err := s.Validate(doc); err != nil {
					t.Errorf("%s: %v", name, err)
				}
				// The schema is not one that takes anything: each key that it requires is missed.
				for _, key := range s.Required {
					var object map[string]any
					if err := json.Unmarshal(out.Bytes(), &object); err != nil {
						t.Fatal(err)
					}
					delete(object, key)
					if s.Validate(any(object)) == nil {
						t.Errorf("%s: nobody misses %q", name, key)
					}
				}
				if len(s.Required) == 0 {
					t.Error("it requires nothing")
				}
			}
		})
	}
}
