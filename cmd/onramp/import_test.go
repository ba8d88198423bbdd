package main

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

func TestWhatAnImportPrintsFitsItsSchema(t *testing.T) {
	s := compiled(t, "import")
	for _, args := range [][]string{{"contoso.tfstate"}, {"hub.json", "--location", "westeurope"}} {
		args[0] = "../../examples/import/" + args[0]
		var out, stderr bytes.Buffer
		if code := run(append([]string{"import", "--json"}, args...), nil, &out, &stderr); code != 0 {
			t.Fatalf("exit code %d: %s", code, stderr.String())
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(out.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(doc); err != nil {
			t.Error(err)
		}
		for _, key := range s.Required { // each is missed
			var object map[string]any
			if err := json.Unmarshal(out.Bytes(), &object); err != nil {
				t.Fatal(err)
			}
			delete(object, key)
			if s.Validate(any(object)) == nil {
				t.Errorf("nobody misses %q", key)
			}
		}
	}
	if len(s.Required) != 4 {
		t.Errorf("it requires %v", s.Required)
	}
}
