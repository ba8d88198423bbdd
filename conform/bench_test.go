package conform_test

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"onramp/catalog"
	"onramp/conform"
	"onramp/design"
	"onramp/intent"
	"onramp/intent/intenttest"
	"onramp/pattern"
)

// BenchmarkConform reads and compares an isolated estate at a live twin, over TLS, both in one process.
func BenchmarkConform(b *testing.B) {
	c, err := catalog.Open()
	if err != nil {
		b.Fatal(err)
	}
	for _, n := range []int{10, 100} {
		e, findings := intent.Parse("large.yaml", intenttest.Large(n), c)
		if e == nil {
			b.Fatal(findings)
		}
		d, obstacles := pattern.Compile(design.Isolated, e, c, pattern.Options{})
		if d == nil {
			b.Fatal(obstacles)
		}
		b.Run(fmt.Sprintf("linesOfBusiness=%d", n), func(b *testing.B) {
			r := deployed(b, c, d)
			b.ReportAllocs()
			b.ResetTimer()
			began := processor(b)
			var x *conform.Result
			for range b.N {
				if x = r.conform(); !x.Conforms {
					b.Fatal(text(b, x.Findings))
				}
			}
			b.ReportMetric((processor(b)-began).Seconds()/float64(b.N), "cpu-s/op") // what a busy machine does not change
			b.ReportMetric(float64(x.Compared.Resources), "resources")
			b.ReportMetric(float64(x.Compared.Tables), "tables")
			b.ReportMetric(float64(x.Compared.Rows), "rows")
		})
	}
}

// processor is how much time of processors this process has used.
func processor(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
