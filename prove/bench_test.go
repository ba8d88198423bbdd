package prove

import (
	"testing"

	"onramp/catalog"
	"onramp/design"
	"onramp/examples"
	"onramp/intent"
	"onramp/network"
	"onramp/pattern"
)

// BenchmarkProve proves the built-in example: everything, and for comparison what the naive oracle takes for isolation and
// inspection alone, as x-oracle.
func BenchmarkProve(b *testing.B) {
	c, err := catalog.Open()
	if err != nil {
		b.Fatal(err)
	}
	src, err := examples.Read("northwind")
	if err != nil {
		b.Fatal(err)
	}
	e, findings := intent.Parse("northwind", src, c)
	if e == nil {
		b.Fatal(findings)
	}
	d, _ := pattern.Compile(design.SharedHubSpoke, e, c, pattern.Options{})
	n, _ := network.Build(d.Resources, d.Premises, c, network.Options{})
	var naive float64
	b.Run("oracle", func(b *testing.B) {
		o := &oracle{d, n, e}
		b.ReportAllocs()
		for b.Loop() {
			for i := range e.LinesOfBusiness {
				if !o.apart(&e.LinesOfBusiness[i]) || !o.inspects(e.LinesOfBusiness[i].Name) {
					b.Fatal("the example does not hold")
				}
			}
		}
		naive = float64(b.Elapsed()) / float64(b.N)
	})
	b.Run("prover", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			Prove(d, n, c, Options{})
		}
		b.ReportMetric(naive/(float64(b.Elapsed())/float64(b.N)), "x-oracle")
	})
}

// BenchmarkPairs proves forty lines of business under every single failure and every pair of failures.
func BenchmarkPairs(b *testing.B) {
	c, err := catalog.Open()
	if err != nil {
		b.Fatal(err)
	}
	d, n := designed(b, c, "relecloud-forty", design.SharedHubSpoke)
	b.ReportAllocs()
	looked := 0
	for b.Loop() {
		looked = Prove(d, n, c, Options{Failures: 2}).Combined.Looked
	}
	b.ReportMetric(float64(looked), "pairs")
}
