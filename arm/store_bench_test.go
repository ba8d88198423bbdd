package arm

import (
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// benchValue has the size of a virtual network with a few subnets.
var benchValue = []byte(`{"properties":"` + strings.Repeat("x", 2000) + `"}`)

// BenchmarkStorePut is the bare store's rate of durable writes: what the endpoint's own rate is compared with.
func BenchmarkStorePut(b *testing.B) {
	for _, writers := range []int{1, 16} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			s := mustOpen(b, b.TempDir())
			defer mustClose(b, s)
			b.ReportAllocs()
			var next atomic.Int64
			took := make([][]time.Duration, writers)
			var wg sync.WaitGroup
			b.ResetTimer()
			for w := range writers {
				wg.Go(func() {
					revisions := map[string]uint64{}
					for i := next.Add(1); i <= int64(b.N); i = next.Add(1) {
						key := fmt.Sprintf("/subscriptions/s/resourcegroups/rg/providers/microsoft.network/virtualnetworks/v%d-%d", w, i%64)
						start := time.Now()
						revision, err := s.Put(key, benchValue, revisions[key])
						if err != nil {
							b.Error(err)
							return
						}
						took[w] = append(took[w], time.Since(start))
						revisions[key] = revision
					}
				})
			}
			wg.Wait()
			b.StopTimer()
			all := slices.Sorted(slices.Values(slices.Concat(took...)))
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "writes/s")
			b.ReportMetric(float64(all[len(all)*99/100].Microseconds()), "p99-us")
		})
	}
}

// BenchmarkStoreOpen is a restart with records in the store: opened, compared with the mark, and loaded.
func BenchmarkStoreOpen(b *testing.B) {
	for _, records := range []int{1_000, 10_000} {
		b.Run(fmt.Sprintf("records=%d", records), func(b *testing.B) {
			dir := filepath.Join(b.TempDir(), "store")
			fill(b, dir, records)
			b.ReportAllocs()
			for b.Loop() {
				s := mustOpen(b, dir)
				n := 0
				if err := s.Load(func(Record) error { n++; return nil }); err != nil || n != records {
					b.Fatal(n, err)
				}
				b.StopTimer()
				mustClose(b, s)
				b.StartTimer()
			}
		})
	}
}

// BenchmarkStoreIdle reports the memory of an open store with 10,000 records that nothing happens to.
func BenchmarkStoreIdle(b *testing.B) {
	heap := func() float64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return float64(m.HeapInuse+m.StackInuse) / (1 << 20)
	}
	for b.Loop() {
		dir := filepath.Join(b.TempDir(), "store")
		fill(b, dir, 10_000)
		before := heap()
		s := mustOpen(b, dir)
		b.ReportMetric(heap()-before, "MiB")
		mustClose(b, s)
	}
}

// fill makes a store of so many records, in a hurry: the server's files are not written through.
func fill(t testing.TB, dir string, records int) {
	t.Helper()
	s, err := openJetStream(dir, options{unsynced: true})
	if err != nil {
		t.Fatal(err)
	}
	defer mustClose(t, s)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			for i := next.Add(1); i <= int64(records); i = next.Add(1) {
				key := fmt.Sprintf("/subscriptions/s/resourcegroups/rg/providers/microsoft.network/virtualnetworks/v%d", i)
				if _, err := s.Put(key, benchValue, 0); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}
