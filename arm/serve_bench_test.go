package arm

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"
)

// BenchmarkAnswer is the endpoint's part of a request without TLS, HTTP and the client: what it allocates is the endpoint's own.
func BenchmarkAnswer(b *testing.B) {
	r := newRig(b, nil)
	r.must(201, "PUT", group, `{"location":"westeurope"}`)
	for i := range 100 {
		r.must(201, "PUT", fmt.Sprintf("%s/virtualNetworks/v%d", nets, i), fmt.Sprintf(`{"location":"westeurope","properties":{"addressSpace":{"addressPrefixes":["10.%d.0.0/16"]},"subnets":[{"name":"app","properties":{"addressPrefix":"10.%d.0.0/24"}}]}}`, i, i))
	}
	const version = "?api-version=2025-05-01"
	for _, x := range []struct{ name, method, path, body string }{
		{"get", "GET", nets + "/virtualNetworks/v%d" + version, ""},
		{"get-subnet", "GET", nets + "/virtualNetworks/v%d/subnets/app" + version, ""},
		{"put", "PUT", nets + "/virtualNetworks/v%d" + version, `{"location":"westeurope","properties":{"addressSpace":{"addressPrefixes":["10.%[1]d.0.0/16"]},"subnets":[{"name":"app","properties":{"addressPrefix":"10.%[1]d.0.0/24"}}]}}`},
	} {
		b.Run(x.name, func(b *testing.B) {
			b.ReportAllocs()
			token := r.token()
			began := processor(b)
			for i := 0; b.Loop(); i++ {
				path, body := fmt.Sprintf(strings.ReplaceAll(x.path, "SUB", testSub), i%100), ""
				if x.body != "" {
					body = fmt.Sprintf(x.body, i%100)
				}
				req := httptest.NewRequest(x.method, path, strings.NewReader(body))
				req.Header.Set("Authorization", "Bearer "+token)
				req.Header.Set("Content-Type", "application/json")
				w := httptest.NewRecorder()
				r.ServeHTTP(w, req)
				if w.Code != http.StatusOK {
					b.Fatalf("%d %s", w.Code, w.Body)
				}
			}
			b.ReportMetric(float64((processor(b)-began).Nanoseconds())/1000/float64(b.N), "cpu-µs/op")
		})
	}
}

// processor is how long the process has had a processor, which other work on the machine does not lengthen.
func processor(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
