package examples_test

import (
	"slices"
	"strings"
	"testing"

	"onramp/catalog"
	"onramp/examples"
	"onramp/intent"
)

func TestEachExampleIsAnIntentNamedAsItsFile(t *testing.T) {
	c, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range examples.Names() {
		src, err := examples.Read(name)
		if err != nil {
			t.Fatal(err)
		}
		e, findings := intent.Parse(name, src, c)
		// Documentation prefixes stand where an example must not use somebody's own; a reader is told.
		findings = slices.DeleteFunc(findings, func(f intent.Finding) bool { return f.Rule == "prefix-documentation" })
		if e == nil || len(findings) > 0 {
			t.Errorf("%s: %v", name, findings)
		} else if e.Name != name {
			t.Errorf("%s calls itself %s", name, e.Name)
		}
	}
	if len(examples.Names()) != 10 {
		t.Errorf("there are %v", examples.Names())
	}
}

func TestAnExampleThatIsNotThereNamesThoseThatAre(t *testing.T) {
	if _, err := examples.Read("nobody"); err == nil || !strings.Contains(err.Error(), `there is no example "nobody"; there are contoso-shared, `) {
		t.Errorf("got %v", err)
	}
}
