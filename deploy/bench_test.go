package deploy

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"onramp/design"
	"onramp/intent"
	"onramp/intent/intenttest"
	"onramp/pattern"
	"onramp/twin"
)

// BenchmarkApply puts isolated estates at a twin whose operations take no time: until all is written, and until the last BGP session is up;
// and a second time, when there is nothing to do.
func BenchmarkApply(b *testing.B) {
	for _, lobs := range []int{10, 40, 100} {
		b.Run(fmt.Sprintf("%d-lines-of-business", lobs), func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				r := newRig(b, twin.Options{})
				e, findings := intent.Parse("large.yaml", intenttest.Large(lobs), r.c)
				if e == nil {
					b.Fatal(findings)
				}
				d, obstacles := pattern.Compile(design.Isolated, e, r.c, pattern.Options{})
				if d == nil {
					b.Fatal(obstacles)
				}
				target := r.target(d)
				r.journal = filepath.Join(b.TempDir(), "journal")
				b.StartTimer()
				began := time.Now()
				got, err := r.apply(target, Options{})
				if err != nil {
					b.Fatal(got, err)
				}
				b.ReportMetric(time.Since(began).Seconds(), "apply-s")
				if err := r.tw.SetPremises(target.Premises); err != nil {
					b.Fatal(err)
				}
				ctx, end := context.WithTimeout(b.Context(), 5*time.Minute)
				if err := r.tw.Settled(ctx); err != nil {
					b.Fatal(err)
				}
				end()
				b.ReportMetric(time.Since(began).Seconds(), "sessions-up-s")
				b.StopTimer()
				b.ReportMetric(float64(len(target.items)), "resources")
				began = time.Now()
				if again, err := r.apply(target, Options{}); err != nil || again.Written > 0 {
					b.Fatal(again, err)
				}
				b.ReportMetric(time.Since(began).Seconds(), "nothing-to-do-s")
				b.StartTimer()
			}
		})
	}
}
