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
