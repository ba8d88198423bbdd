package twin

import (
	"context"
	"log/slog"
	"runtime"
	"runtime/debug"
	"syscall"
	"testing"
	"time"

	"onramp/azure"
	"onramp/design"
	"onramp/intent"
	"onramp/intent/intenttest"
	"onramp/pattern"
	"onramp/sim"
)

// processor is how much processor time this process has used.
func processor(b testing.TB) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkLive runs an isolated estate of 10, 40 and 100 lines of business on the clock on the wall: what it costs to begin, to take over a
// change, to do nothing for a while, and how long it takes from a cut until the tables show it.
func BenchmarkLive(b *testing.B) {
	for _, lobs := range []int{10, 40, 100} {
		b.Run(map[int]string{10: "10", 40: "40", 100: "100"}[lobs], func(b *testing.B) {
			c := mustCatalog(b)
			in, findings := intent.Parse("large.yaml", intenttest.Large(lobs), c)
			if in == nil {
				b.Fatal(findings)
			}
			d, _ := pattern.Compile(design.Isolated, in, c, pattern.Options{})
			for b.Loop() {
				e, s, err := newEstate(c, time.Now, slog.New(slog.DiscardHandler))
				if err != nil {
					b.Fatal(err)
				}
				l := sim.NewLive(s, sim.NewCoarseWall(0, grain))
				e.call = l.Call
				number := uint64(1)
				e.resources = func() (azure.Resources, uint64) { return d.Resources, number }
				e.setPremises(d.Premises)
				ctx, end := context.WithCancel(b.Context())
				ended := make(chan struct{})
				go func() { defer close(ended); _ = l.Drive(ctx, sim.Forever) }()
				began := time.Now()
				if err := e.update(ctx); err != nil {
					b.Fatal(err)
				}
				took := time.Since(began)
				if err := e.untilSettled(ctx); err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(time.Since(began).Milliseconds()), "settle-ms")
				b.ReportMetric(float64(took.Milliseconds()), "take-over-ms")
				number++
				began = time.Now()
				if err := e.update(ctx); err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(time.Since(began).Milliseconds()), "no-change-ms")
				_, most := l.Lag()
				b.ReportMetric(float64(most.Milliseconds()), "most-late-ms")
				debug.FreeOSMemory()
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				b.ReportMetric(float64(m.HeapAlloc)/(1<<20), "heap-MiB")
				b.ReportMetric(float64(m.Sys-m.HeapReleased)/(1<<20), "MiB")
				before, cpu := s.Events(), processor(b)
				began = time.Now()
				time.Sleep(5 * time.Second)
				idle := time.Since(began)
				b.ReportMetric(100*(processor(b)-cpu).Seconds()/idle.Seconds(), "%core")
				end()
				<-ended
				b.ReportMetric(float64(s.Events()-before)/idle.Seconds(), "events/s")
				b.ReportMetric(float64(e.up), "sessions")
			}
		})
	}
}
