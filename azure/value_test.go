package azure_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"onramp/azure"
)

func TestACloneIsChangedByItself(t *testing.T) {
	value := func() any { return map[string]any{"a": []any{"x", map[string]any{"b": "y"}}, "n": 1.0, "z": nil} }
	v := value()
	c := azure.Texts(azure.Clone(v), strings.ToUpper)
	if d := cmp.Diff(value(), v); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(map[string]any{"a": []any{"X", map[string]any{"b": "Y"}}, "n": 1.0, "z": nil}, c); d != "" {
		t.Error(d)
	}
}
