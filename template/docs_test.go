package template

import (
	"os"
	"strings"
	"testing"
)

func TestTheDocumentationNamesEveryFunctionAndAssumption(t *testing.T) {
	page, err := os.ReadFile("../docs/templates.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(page)
	for _, f := range builtins {
		if !strings.Contains(text, "`"+f.name+"`") {
			t.Errorf("docs/templates.md does not name `%s`", f.name)
		}
	}
	for _, a := range Assumptions() {
		if !strings.Contains(text, "| `"+a.Name+"` | "+a.Text+" |") {
			t.Errorf("docs/templates.md does not have the assumption %s as it is", a.Name)
		}
	}
}
