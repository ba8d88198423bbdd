package choose_test

import (
	"fmt"
	"runtime"
	"testing"

	"onramp/catalog"
	"onramp/choose"
	"onramp/examples"
	"onramp/intent"
	"onramp/intent/intenttest"
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

// BenchmarkScale does the whole work of an answer (design, price, check, proof of every single failure, choice) for lines of business
// with five networks and two circuits each. Memory is what the process has from the operating system in the end.
func BenchmarkScale(b *testing.B) {
	c := open(b)
	for _, lobs := range []int{10, 100, 1000} {
		b.Run(fmt.Sprint(lobs), func(b *testing.B) {
			e, findings := intent.Parse("large", intenttest.Large(lobs), c)
			if e == nil {
				b.Fatal(findings)
			}
			b.ReportAllocs()
			for b.Loop() {
				a, err := choose.Choose(e, c, choose.Options{Brief: true})
				if err != nil || a.Choice.Chosen == nil {
					b.Fatalf("nothing is chosen (%v)", err)
				}
			}
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			b.ReportMetric(float64(m.Sys)/(1<<20), "MiB-in-all")
		})
	}
}
