package template

import (
	"fmt"
	"strings"
	"testing"
)

func TestParametersAreCheckedAgainstTheirDeclarations(t *testing.T) {
	plain := func(def string) string {
		return head + `, "parameters": {"p": ` + def + `, "other": {"type": "int", "defaultValue": 1}}, "resources": []}`
	}
	typed := func(def string) string {
		return head + `, "languageVersion": "2.0", "definitions": {
			"natural": {"type": "int", "minValue": 1}, "self": {"$ref": "#/definitions/self"},
			"tree": {"type": "object", "properties": {"name": {"type": "string"}, "next": {"$ref": "#/definitions/tree", "nullable": true}}},
			"strict": {"type": "object", "properties": {"foo": {"type": "string", "minLength": 3, "nullable": true}, "bar": {"$ref": "#/definitions/natural"}}, "additionalProperties": false},
			"dict": {"type": "object", "additionalProperties": {"type": "string"}},
			"tuple": {"type": "array", "prefixItems": [{"type": "int"}, {"type": "bool"}], "items": {"type": "int"}},
			"pair": {"type": "array", "prefixItems": [{"type": "int"}, {"type": "bool"}], "items": false},
			"union": {"type": "object", "discriminator": {"propertyName": "type", "mapping": {
				"ints": {"type": "object", "additionalProperties": {"type": "int"}}, "strings": {"type": "object", "properties": {"type": {"type": "string"}}, "additionalProperties": {"type": "string"}}}}}
		}, "parameters": {"p": ` + def + `}, "resources": {}}`
	}
	ref := func(name string) string { return typed(`{"$ref": "#/definitions/` + name + `"}`) }
	for _, c := range []struct{ text, value, want string }{
		{plain(`{"type": "string"}`), `"x"`, ""},
		{plain(`{"type": "String"}`), `"[concat('not evaluated')]"`, ""},
		{plain(`{"type": "string"}`), `1`, "the value of the template parameter 'p' is not valid: expected a value of type 'String', but received a value of type 'Integer'"},
		{plain(`{"type": "int"}`), `"1"`, "expected a value of type 'Integer', but received a value of type 'String'"},
		{plain(`{"type": "int"}`), `1.5`, "received a value of type 'Float'"},
		{plain(`{"type": "bool"}`), `true`, ""},
		{plain(`{"type": "array"}`), `{}`, "expected a value of type 'Array'"},
		{plain(`{"type": "secureObject"}`), `{"a": 1}`, ""},
		{plain(`{"type": "securestring"}`), `null`, "received a value of type 'Null'"},
		{plain(`{"type": "text"}`), `1`, "the type 'text' is not known"},
		{plain(`{"minValue": 1}`), `1`, "there is no type"},
		{plain(`{"type": "string", "allowedValues": ["a", "b"]}`), `"A"`, ""},
		{plain(`{"type": "string", "allowedValues": ["a", "b"]}`), `"c"`, `the value is not part of the allowed value(s): ["a","b"]`},
		{plain(`{"type": "array", "allowedValues": ["a", "b"]}`), `["b"]`, ""},
		{plain(`{"type": "array", "allowedValues": ["a", "b"]}`), `["b", "c"]`, "allowed value(s)"},
		{plain(`{"type": "int", "minValue": 1, "maxValue": 3}`), `3`, ""},
		{plain(`{"type": "int", "minValue": 1, "maxValue": 3}`), `0`, "0 is less than the minimum value 1"},
		{plain(`{"type": "int", "minValue": 1, "maxValue": 3}`), `4`, "4 is greater than the maximum value 3"},
		{plain(`{"type": "string", "minLength": 2, "maxLength": 3}`), `"a"`, "it has 1 characters, less than the minimum length 2"},
		{plain(`{"type": "array", "minLength": 2, "maxLength": 3}`), `[1, 2, 3, 4]`, "it has 4 elements, more than the maximum length 3"},
		{plain(`{"type": "string"}`), ``, "the value for the template parameter 'p' is not provided"},
		{plain(`{"type": "string", "defaultValue": 1}`), ``, "main.json:1:180: parameters.p.defaultValue: the default value of the template parameter 'p' is not valid"},
		{plain(`{"type": "string", "defaultValue": "[string(parameters('OTHER'))]"}`), ``, ""},
		{plain(`{"$ref": "#/definitions/x"}`), `1`, "$ref takes languageVersion 2.0"},
		{typed(`{"type": "string", "nullable": true}`), ``, ""},
		{typed(`{"type": "string", "nullable": true}`), `null`, ""},
		{ref("natural"), `1`, ""},
		{ref("natural"), `0`, "less than the minimum value 1"},
		{typed(`{"$ref": "#/definitions/natural", "maxValue": 2}`), `3`, "greater than the maximum value 2"},
		{typed(`{"$ref": "#/definitions/natural", "defaultValue": 0}`), ``, "the default value of the template parameter 'p' is not valid: 0 is less"},
		{ref("natura"), `1`, "the type definition 'natura' is not found; did you mean 'natural'?"},
		{ref("self"), `1`, "refers to itself"},
		{ref("tree"), `{"name": "a", "next": {"name": "b", "next": null}}`, ""},
		{ref("tree"), `{"name": "a", "next": {"next": {"name": "b"}}}`, "property 'next', is not valid: the required property 'name' is missing"},
		{ref("strict"), `{"bar": 1}`, ""},
		{ref("strict"), `{"foo": "ab", "bar": 1}`, "property 'foo', is not valid: it has 2 characters"},
		{ref("strict"), `{"bar": 1, "baz": 1}`, "it may not have a property 'baz'; did you mean 'bar'?"},
		{ref("strict"), `{"bar": -1}`, "property 'bar', is not valid: -1 is less"},
		{ref("dict"), `{"fizz": "buzz"}`, ""},
		{ref("dict"), `{"property": 1}`, "property 'property', is not valid: expected a value of type 'String'"},
		{ref("tuple"), `[1, true, 1]`, ""},
		{ref("tuple"), `[1, "string"]`, "element 1, is not valid: expected a value of type 'Boolean'"},
		{ref("tuple"), `[1]`, "it has 1 elements, and at least 2 are expected"},
		{ref("tuple"), `[1, true, "foo"]`, "element 2, is not valid"},
		{ref("pair"), `[1, true]`, ""},
		{ref("pair"), `[1, true, 1]`, "exactly 2 are expected"},
		{ref("union"), `{"type": "ints", "foo": 1, "bar": 2}`, ""},
		{ref("union"), `{"type": "strings", "fizz": "buzz"}`, ""},
		{ref("union"), `{"type": "ints", "fizz": "buzz"}`, "property 'fizz', is not valid: expected a value of type 'Integer'"},
		{ref("union"), `{"type": "other"}`, "the property 'type' is 'other', and one of 'ints, strings' is expected"},
		{ref("union"), `{}`, "the property 'type', which tells its kind"},
	} {
		given := ""
		if c.value != "" {
			given = fmt.Sprintf(`{"$schema": "x", "contentVersion": "1.0.0.0", "parameters": {"P": {"value": %s}}}`, c.value)
		}
		_, err := try(c.text, group(), given)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s\nwith %s: got %v\nwant %s", c.text, c.value, err, c.want)
		}
	}
}

func TestUnknownParametersAreNamed(t *testing.T) {
	_, err := try(head+`, "parameters": {"location": {"type": "string"}}, "resources": []}`, group(), `{"locaton": {"value": "x"}}`)
	want := "main.json: the template parameters 'locaton' in the parameters file are not valid; they are not present in the original template and can " +
		"therefore not be provided at deployment time. The only supported parameters for this template are 'location'; did you mean 'location'?"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestAParametersObjectIsRead(t *testing.T) {
	v, err := Parameters([]byte(` {"a": {"value": {"b": [1, 2.0, null]}}, "c": {"value": null}} `))
	if err != nil || string(v["a"]) != `{"b":[1,2.0,null]}` || string(v["c"]) != "null" {
		t.Errorf("%s %v", v, err)
	}
	for text, want := range map[string]string{
		`{"a": 1}`: "line 1, column 7: parameters.a: the parameter 'a' is expected to be an object with a value",
		`{"a": {"reference": {"keyVault": {"id": "x"}, "secretName": "y"}}}`: "the parameter 'a' refers to a key vault, which cannot be asked here",
		`[]`:     "parameters are expected to be an Object",
		`{"a": `: "a value is missing at the end of the text",
	} {
		if _, err := Parameters([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
	if v, err := Parameters(nil); v != nil || err != nil {
		t.Error(v, err)
	}
}
