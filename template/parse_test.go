package template

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestPlacesAreLinesAndColumnsOfCharacters(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Repeat(rapid.StringOf(rapid.SampledFrom([]rune("aé\U0001F600\n"))).Draw(t, "text"), rapid.IntRange(1, 300).Draw(t, "times"))
		tpl := &Template{}
		tpl.carry([]byte(text))
		pos := 0
		if text != "" {
			pos = rapid.IntRange(0, len(text)).Draw(t, "pos")
		}
		for pos < len(text) && text[pos]&0xc0 == 0x80 {
			pos++
		}
		before := text[:pos]
		wantLine := strings.Count(before, "\n") + 1
		wantColumn := len([]rune(before[strings.LastIndex(before, "\n")+1:])) + 1
		if line, column := tpl.place(pos); line != wantLine || column != wantColumn {
			t.Fatalf("offset %d is at %d:%d, want %d:%d", pos, line, column, wantLine, wantColumn)
		}
	})
}

func TestATemplateMayHaveCommentsAndStringsOfSeveralLines(t *testing.T) {
	i := instantiate(t, "\ufeff// a template\n"+head+`, /* of
		nothing */ "resources": [ /* none */ ], "outputs": {"x": {"type": "string", "value": "[concat(
			'a',
			'b')]"}}}`, group(), "")
	out, err := i.Outputs(nil)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "outputs", string(out), `{"x":{"type":"String","value":"ab"}}`)
}

// What describes a template may hold brackets; what is called metadata in a resource's own properties is evaluated as all else there.
func TestDescriptionsAreNoExpressions(t *testing.T) {
	i := instantiate(t, head+`, "metadata": {"a": "[not one]"},
		"parameters": {"p": {"type": "string", "defaultValue": "x", "allowedValues": ["x", "[y z]"], "metadata": {"description": "[not one]"}}},
		"resources": [{"type": "Microsoft.Authorization/policyDefinitions", "apiVersion": "1", "name": "d", "comments": "[not one]", "metadata": {"description": "[not one]"},
			"properties": {"metadata": {"category": "[toUpper(parameters('p'))]"}}}],
		"outputs": {"x": {"type": "string", "value": "[parameters('p')]", "metadata": {"description": "[not one]"}}}}`, group(), "")
	same(t, "body", body(t, i.Resources[0], nil), `{"name":"d","type":"Microsoft.Authorization/policyDefinitions","properties":{"metadata":{"category":"X"}}}`)
	if _, err := try(head+`, "resources": [{"type": "a.b/c", "apiVersion": "1", "name": "d", "properties": {"metadata": "[not one]"}}]}`, group(), ""); err == nil {
		t.Error("a mistake in the properties is not found")
	}
}
