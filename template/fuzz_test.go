package template

import (
	"encoding/json"
	"strings"
	"testing"
)

// FuzzExpression holds that an expression is read without harm, and that what is read is written to something that reads the same.
func FuzzExpression(f *testing.F) {
	for _, s := range []string{
		"concat('a', 'it''s', 1)", "parameters('x').a.b[0]", "if(equals(1, -2), variables('v'), json('{}'))", "map(createArray(1), lambda('x', lambdaVariables('x')))",
		"contoso.name('a')[add(1, 2)].b", "listKeys('a', 'b')", "true", "1.5", "'", "a.b.c(", "((((", "  first ( 'x' ) \n", "format('{0:N0}{1,5}', 1, 2)",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		text := "[" + s + "]"
		e, err := parseExpression(text, builtin)
		if err != nil {
			if _, ok := err.(*syntaxError); !ok {
				t.Fatalf("%T %v", err, err)
			}
			return
		}
		again, err := parseExpression("["+e.String()+"]", builtin)
		if err != nil || again.String() != e.String() {
			t.Fatalf("%q was written %q and read %v %v", s, e, again, err)
		}
	})
}

// FuzzEvaluate holds that the value of any expression is found or refused in bounded time and room, and is JSON.
func FuzzEvaluate(f *testing.F) {
	for _, s := range []string{
		"concat('a', 'it''s', 1)", "reduce(range(0, 100), createArray(), lambda('a', 'b', concat(lambdaVariables('a'), lambdaVariables('a'), array(1))))",
		"format('{0:N3}{1,5}{{', 1, 'x')", "padLeft('x', 1000000000)", "replace(padLeft('', 1000, 'a'), 'a', padLeft('', 1000, 'b'))", "cidrSubnet('::/0', 128, 9223372036854775807)",
		"cidrHost('0.0.0.0/0', 4294967293)", "parseCidr('10.0.0.0/31')", "dateTimeAdd('2023-01-01', 'P9999Y')", "dateTimeFromEpoch(-1)", "union(createObject('a', createObject('b', 1)), createObject('A', createObject('B', 2)))",
		"sort(range(0, 50), lambda('a', 'b', true()))", "groupBy(range(0, 9), lambda('x', string(mod(lambdaVariables('x'), 2))))", "split('aaa', createArray('', 'a'))", "substring('\U0001F600', 1)",
		"uri('http://a/b/c', '../../../../d')", "dataUriToString('data:,%41')", "json('[1e400]')", "tryGet(json('{}'), 'a', 0)", "resourceId('a', 'b', 'c/d', 'e')", "uniqueString('a', 'b')", "guid('')",
		"reference('x').y", "if(reference('a').b, 1, div(1, 0))", "lastIndexOf('İi', 'I')", "toUpper('ß')", "items(createObject('b', 1, 'a', 2))",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		text, _ := json.Marshal("[" + s + "]")
		tpl, err := Parse("f", []byte(head+`, "variables": {"v": [`+string(text)+`]}, "resources": [{"type": "a.b/c", "apiVersion": "1", "name": "x", "properties": {"p": [`+string(text)+`, "[variables('v')]"]}}]}`))
		if err != nil {
			return
		}
		i, err := tpl.Instantiate(group(), nil, Limits{Steps: 50_000, Size: 1 << 16})
		if err != nil {
			return
		}
		if r := i.Resources[0]; !r.Needs() {
			b, err := r.Body(nil)
			if err == nil && !json.Valid(b) {
				t.Fatalf("%s became %s", s, b)
			}
		}
	})
}

// FuzzTemplate holds that any text is expanded or refused with a place in bounded time and room, and that bodies and outputs are JSON.
func FuzzTemplate(f *testing.F) {
	for _, s := range []string{
		head + `, "parameters": {"p": {"type": "array", "defaultValue": ["[utcNow()]"], "minLength": 1}}, "variables": {"copy": [{"name": "v", "count": 3, "input": "[copyIndex('v')]"}]},
			"resources": [{"type": "a.b/c", "apiVersion": "1", "name": "[concat('x', copyIndex())]", "copy": {"name": "l", "count": 3, "mode": "serial"}, "properties": {"a": "[variables('v')]"}},
			{"type": "a.b/c", "apiVersion": "1", "name": "y", "dependsOn": ["l"], "properties": {"a": "[reference('x0').b]"}, "resources": [{"type": "d", "apiVersion": "1", "name": "e"}]}],
			"outputs": {"o": {"type": "string", "value": "[reference('y').c]"}, "c": {"type": "array", "copy": {"count": 2, "input": "[copyIndex()]"}}}}`,
		head + `, "languageVersion": "2.0", "definitions": {"t": {"type": "object", "properties": {"a": {"$ref": "#/definitions/t", "nullable": true}}}}, "parameters": {"p": {"$ref": "#/definitions/t", "defaultValue": {"a": {}}}},
			"resources": {"s": {"existing": true, "type": "a.b/c", "apiVersion": "1", "name": "s", "scope": "/"}, "t": {"type": "a.b/c", "apiVersion": "1", "name": "t", "dependsOn": ["s"], "condition": "[equals(1, 1)]"}}}`,
		head + `, "functions": [{"namespace": "n", "members": {"f": {"parameters": [{"name": "a", "type": "int"}], "output": {"type": "int", "value": "[add(parameters('a'), 1)]"}}}}],
			"resources": [{"type": "Microsoft.Resources/deployments", "apiVersion": "1", "name": "d", "subscriptionId": "s", "properties": {"template": {"resources": [{"type": "a.b/c", "name": "[string(n.f(1))]", "copy": {"name": "c", "count": 2}}]}}}]}`,
		"{\"a\": // x\n'b'}", "\ufeff{}", `[{"a": "\ud83d\ude00\ud800"}]`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		tpl, err := Parse("f", []byte(s))
		if err != nil {
			placed(t, err)
			return
		}
		for _, scope := range []Scope{group(), subscription()} {
			i, err := tpl.Instantiate(scope, nil, Limits{Steps: 50_000, Size: 1 << 16, Resources: 50, Copies: 50})
			if err != nil {
				placed(t, err)
				continue
			}
			if _, err := i.Order(); err != nil {
				placed(t, err)
			}
			for _, r := range i.Resources {
				if !strings.Contains(r.ID, "/providers/") && !strings.Contains(r.ID, "/resourceGroups/") {
					t.Fatalf("the identifier %q", r.ID)
				}
				if b, err := r.Body(anything{}); err == nil && !json.Valid(b) {
					t.Fatalf("the body %s", b)
				}
			}
			if b, err := i.Outputs(anything{}); err == nil && !json.Valid(b) {
				t.Fatalf("the outputs %s", b)
			}
		}
	})
}

func placed(t *testing.T, err error) {
	t.Helper()
	if e, ok := err.(*Error); !ok || e.Line < 0 || e.Message == "" {
		t.Fatalf("%T %v", err, err)
	}
}

// anything answers every question.
type anything struct{}

func (anything) Reference(string, string, bool) (json.RawMessage, error) {
	return json.RawMessage(`{"b": {"c": 1}, "c": "[x]"}`), nil
}

func (anything) List(string, string, string, json.RawMessage) (json.RawMessage, error) {
	return json.RawMessage(`{"keys": ["a"]}`), nil
}

// FuzzJSON holds that what the standard library reads as JSON is read here too, to the same value, and that nothing read is written wrong.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{`{"a": [1, -0.5e3, "\u00e9\n", true, null]}`, `"\ud83d\ude00"`, "\"\xff\"", `1e999`, `-`, `01`, "// c\n1", `{"a":1,"a":2}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		v, err := decode(text)
		all := budget{steps: 1 << 30, size: 1 << 30}
		if err != nil {
			var theirs any
			if json.Unmarshal(text, &theirs) == nil && !strings.Contains(err.Error(), "nested more than") {
				t.Fatalf("%q is refused: %v", text, err)
			}
			return
		}
		out, err := all.append(nil, v)
		if err != nil || !json.Valid(out) {
			t.Fatalf("%q became %s, %v", text, out, err)
		}
		again, err := decode(out)
		if err != nil || !isEqual(v, again) {
			t.Fatalf("%q became %s and %s, %v", text, out, show(again), err)
		}
	})
}
