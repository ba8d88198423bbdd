package choose_test

import (
	"testing"

	"onramp/catalog"
	"onramp/choose"
	"onramp/examples"
	"onramp/intent"
)

// estate reads an example.
func estate(t testing.TB, c *catalog.Catalog, name string) *intent.Estate {
	t.Helper()
	src, err := examples.Read(name)
	if err != nil {
		t.Fatal(err)
	}
	e, findings := intent.Parse(name, src, c)
	if e == nil {
		t.Fatalf("%v", findings)
	}
	return e
}

func open(t testing.TB) *catalog.Catalog {
	t.Helper()
	c, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// BenchmarkChoose compares the four patterns for the built-in example, with what would change the answer.
func BenchmarkChoose(b *testing.B) {
	c := open(b)
	e := estate(b, c, "northwind")
	for _, x := range []struct {
		name  string
		brief bool
	}{{"whole", false}, {"brief", true}} {
		b.Run(x.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := choose.Choose(e, c, choose.Options{Brief: x.brief}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
