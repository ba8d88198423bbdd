package schema_test

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"reflect"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"onramp/schema"
)

type inner struct {
	Word string   `json:"word" enum:"a|b"`
	List []string `json:"list"`
}

type outer struct {
	Name   string        `json:"name" form:"name"`
	Prefix netip.Prefix  `json:"prefix"`
	In     inner         `json:"in"`
	Maybe  *inner        `json:"maybe"`
	Left   *inner        `json:"left,omitempty"`
	Some   []inner       `json:"some,omitempty" form:"nonempty"`
	Pair   [2]string     `json:"pair"`
	Number uint32        `json:"number"`
	Own    json.Number   `json:"own"`
	Hidden func()        `json:"-"`
	Any    reflect.Value `json:"-"`
}

// judge compiles the schema of outer.
func judge(t *testing.T, o schema.Options) *jsonschema.Schema {
	t.Helper()
	o.Types = map[reflect.Type]string{reflect.TypeFor[json.Number](): `{"type": "integer"}`}
	b, err := schema.Of(outer{}, o)
	if err != nil {
		t.Fatal(err)
	}
	again, err := schema.Of(outer{}, o)
	if err != nil || !bytes.Equal(b, again) {
		t.Fatalf("the same type gives two schemas (%v)", err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("x.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("x.json")
	if err != nil {
		t.Fatalf("%v\n%s", err, b)
	}
	return s
}

func TestASchemaTakesWhatTheTypeSays(t *testing.T) {
	const whole = `{"name":"n","prefix":"10.0.0.0/8","in":{"word":"a","list":["x"]},"maybe":null,"pair":["a","b"],"number":7,"own":3}`
	file := schema.Options{Forms: map[string]string{"name": "^[a-z]+$"}, Lengths: map[string]int{"name": 3}}
	for _, c := range []struct {
		name      string
		o         schema.Options
		old, with string
		takes     bool
	}{
		{"a whole value", schema.Options{}, "", "", true},
		{"an unknown key", schema.Options{}, `"own":3`, `"own":3,"colour":1`, false},
		{"a missing key", schema.Options{}, `,"own":3`, ``, false},
		{"a word outside the enumeration", schema.Options{}, `"word":"a"`, `"word":"c"`, false},
		{"null for a list in a result", schema.Options{}, `["x"]`, `null`, true},
		{"null for a pointer in a result", schema.Options{}, `"maybe":null`, `"maybe":{"word":"b","list":[]}`, true},
		{"three for a pair", schema.Options{}, `["a","b"]`, `["a","b","c"]`, false},
		{"a negative unsigned number", schema.Options{}, `"number":7`, `"number":-7`, false},
		{"a number that is too large", schema.Options{}, `"number":7`, `"number":4294967296`, false},
		{"an empty list that must not be", schema.Options{}, `"own":3`, `"own":3,"some":[]`, false},
		{"a type that says its own schema", schema.Options{}, `"own":3`, `"own":"three"`, false},
		{"a number for a text that marshals itself", schema.Options{}, `"10.0.0.0/8"`, `10`, false},
		{"any name in a result", schema.Options{}, `"n"`, `"Not A Name"`, true},
		{"a whole file", file, "", "", true},
		{"a name of another form in a file", file, `"n"`, `"N"`, false},
		{"a name that is too long in a file", file, `"n"`, `"nnnn"`, false},
		{"null for a list in a file", file, `["x"]`, `null`, false},
		{"an empty text in a file", file, `["x"]`, `[""]`, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			src := []byte(whole)
			if c.o.Forms != nil { // a file has no null
				src = bytes.Replace(src, []byte(`"maybe":null`), []byte(`"maybe":{"word":"b","list":["y"]}`), 1)
			}
			if c.old != "" {
				src = bytes.Replace(src, []byte(c.old), []byte(c.with), 1)
			}
			doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(src))
			if err != nil {
				t.Fatal(err)
			}
			if err := judge(t, c.o).Validate(doc); (err == nil) != c.takes {
				t.Errorf("%s: %v", src, err)
			}
		})
	}
}

func TestASchemaOfATypeThatIsNoJSONIsAnError(t *testing.T) {
	if _, err := schema.Of(outer{}, schema.Options{Types: map[reflect.Type]string{reflect.TypeFor[json.Number](): `{`}}); err == nil {
		t.Error("it is taken")
	}
}
