package twin

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"onramp/arm"
)

// clients are how many ask at a time.
const clients = 16

// load is a twin under load.
type load struct {
	*running
	token, base string
	client      *http.Client
}

func newLoad(b *testing.B, dir string) *load {
	b.Helper()
	r := start(b, dir, nil)
	tok, err := r.credential("owner", "the-owners-secret-1234").GetToken(b.Context(), policy.TokenRequestOptions{Scopes: []string{"https://management.azure.com/.default"}})
	if err != nil {
		b.Fatal(err)
	}
	tr := r.http.Transport.(*http.Transport).Clone()
	tr.MaxIdleConnsPerHost, tr.MaxConnsPerHost = clients, clients
	l := &load{running: r, token: tok.Token, base: r.URL() + "/subscriptions/" + r.subscription("sub-network") + "/resourceGroups/net", client: &http.Client{Transport: tr}}
	b.Cleanup(tr.CloseIdleConnections)
	l.do(b, "PUT", "", `{"location":"westeurope"}`)
	return l
}

func (l *load) do(b testing.TB, method, path, body string) {
	req, err := http.NewRequest(method, l.base+path+"?api-version=2025-05-01", bytes.NewReader([]byte(body)))
	if err != nil {
		b.Error(err)
		return
	}
	req.Header.Set("Authorization", "Bearer "+l.token)
	req.Header.Set("Content-Type", "application/json")
	res, err := l.client.Do(req)
	if err != nil {
		b.Error(err)
		return
	}
	defer func() { _ = res.Body.Close() }()
	said, _ := io.ReadAll(res.Body)
	if res.StatusCode > 201 {
		b.Errorf("%s %s: %d %s", method, path, res.StatusCode, said)
	}
}

// measure has all clients do one thing n times, and returns how many a second and how long the slowest of a hundred took. With a rate
// each has its time, and what is late counts from then; without one each client begins when it has ended.
func measure(n, rate int, one func(i int)) (perSecond float64, p99 time.Duration) {
	took := make([]time.Duration, n)
	var next atomic.Int64
	var wait sync.WaitGroup
	start := time.Now()
	for range clients {
		wait.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				began := time.Now()
				if rate > 0 {
					began = start.Add(time.Duration(i) * time.Second / time.Duration(rate))
					time.Sleep(time.Until(began))
				}
				one(i)
				took[i] = time.Since(began)
			}
		})
	}
	wait.Wait()
	perSecond = float64(n) / time.Since(start).Seconds()
	slices.Sort(took)
	return perSecond, took[n*99/100]
}

// processor is how long the process, clients and twin, has had a processor, which other work on the machine does not lengthen.
func processor(b testing.TB) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func vnet(i int) (path, body string) {
	return "/providers/Microsoft.Network/virtualNetworks/vnet-" + strconv.Itoa(i),
		fmt.Sprintf(`{"location":"westeurope","properties":{"addressSpace":{"addressPrefixes":["10.%d.%d.0/24"]},"subnets":[{"name":"app","properties":{"addressPrefix":"10.%d.%d.0/26"}}]}}`, i>>8&255, i&255, i>>8&255, i&255)
}

// BenchmarkPutVNet makes networks, each durable before it is answered, and compares with what the bare store does in the same run with
// records of the same size.
func BenchmarkPutVNet(b *testing.B) {
	bare, err := arm.OpenJetStream(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	record := bytes.Repeat([]byte("x"), 1600)
	alone, _ := measure(b.N, 0, func(i int) {
		if _, err := bare.Put("/subscriptions/s/resourcegroups/net/providers/microsoft.network/virtualnetworks/vnet-"+strconv.Itoa(i), record, 0); err != nil {
			b.Error(err)
		}
	})
	if err := bare.Close(); err != nil {
		b.Fatal(err)
	}
	l := newLoad(b, b.TempDir())
	began := processor(b)
	b.ResetTimer()
	rate, p99 := measure(b.N, 0, func(i int) {
		path, body := vnet(i)
		l.do(b, "PUT", path, body)
	})
	b.StopTimer()
	b.ReportMetric(float64((processor(b)-began).Nanoseconds())/1000/float64(b.N), "cpu-µs/op")
	b.ReportMetric(rate, "requests/s")
	b.ReportMetric(alone, "bare-writes/s")
	b.ReportMetric(rate/alone, "of-bare")
	b.ReportMetric(milliseconds(p99), "p99-ms")
}

// empty is a server of TLS that answers every request with the same octets, for what the machine, TLS and the clients cost by themselves.
func empty(b *testing.B, size int) *load {
	b.Helper()
	answer := bytes.Repeat([]byte("x"), size)
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(answer) // the client is gone
	}))
	b.Cleanup(s.Close)
	client := s.Client()
	tr := client.Transport.(*http.Transport)
	tr.MaxIdleConnsPerHost, tr.MaxConnsPerHost = clients, clients
	return &load{base: s.URL, client: client}
}

// BenchmarkGetVNet reads networks, as fast as it goes and 4,000 a second, and compares with a server that does nothing in the same run.
func BenchmarkGetVNet(b *testing.B) {
	for _, rate := range []int{0, 4000} {
		b.Run(fmt.Sprintf("rate=%d", rate), func(b *testing.B) {
			l := newLoad(b, b.TempDir())
			for i := range 100 {
				path, body := vnet(i)
				l.do(b, "PUT", path, body)
			}
			nothing := empty(b, 1600)
			_, least := measure(b.N, rate, func(int) { nothing.do(b, "GET", "/", "") })
			b.ReportAllocs()
			began := processor(b)
			b.ResetTimer()
			got, p99 := measure(b.N, rate, func(i int) {
				path, _ := vnet(i % 100)
				l.do(b, "GET", path, "")
			})
			b.StopTimer()
			b.ReportMetric(float64((processor(b)-began).Nanoseconds())/1000/float64(b.N), "cpu-µs/op")
			b.ReportMetric(got, "requests/s")
			b.ReportMetric(milliseconds(p99), "p99-ms")
			b.ReportMetric(milliseconds(least), "empty-p99-ms")
		})
	}
}

// BenchmarkTenThousandVNets lists them page by page, restarts with them, and has them while nothing happens.
func BenchmarkTenThousandVNets(b *testing.B) {
	const n = 10_000
	dir := b.TempDir()
	l := newLoad(b, dir)
	measure(n, 0, func(i int) {
		path, body := vnet(i)
		l.do(b, "PUT", path, body)
	})
	b.Run("list", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			seen, pages := 0, 0
			for next := l.base + "/providers/Microsoft.Network/virtualNetworks?api-version=2025-05-01"; next != ""; pages++ {
				req, err := http.NewRequest("GET", next, nil)
				if err != nil {
					b.Fatal(err)
				}
				req.Header.Set("Authorization", "Bearer "+l.token)
				res, err := l.client.Do(req)
				if err != nil {
					b.Fatal(err)
				}
				var page struct {
					Value    []json.RawMessage
					NextLink string
				}
				if err := json.NewDecoder(res.Body).Decode(&page); err != nil {
					b.Fatal(err)
				}
				_ = res.Body.Close()
				seen, next = seen+len(page.Value), page.NextLink
			}
			if seen != n || pages != 10 {
				b.Fatalf("%d networks on %d pages", seen, pages)
			}
		}
	})
	l.stopped()
	b.Run("restart", func(b *testing.B) {
		for b.Loop() {
			t, err := Open(Options{Dir: dir, Listen: "127.0.0.1:0"}, mustCatalog(b))
			if err != nil {
				b.Fatal(err)
			}
			if t.server.Len() != n+1 {
				b.Fatalf("%d resources", t.server.Len())
			}
			b.StopTimer()
			t.close()
			b.StartTimer()
		}
	})
	b.Run("idle", func(b *testing.B) {
		for b.Loop() {
			t, err := Open(Options{Dir: dir, Listen: "127.0.0.1:0"}, mustCatalog(b))
			if err != nil {
				b.Fatal(err)
			}
			debug.FreeOSMemory()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			b.ReportMetric(float64(m.Sys-m.HeapReleased)/(1<<20), "MiB")
			t.close()
		}
	})
}
