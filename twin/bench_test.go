package twin

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// clients are how many ask at a time.
const clients = 16

// load is a twin under load.
type load struct {
	*running
	token, base string
	client      *http.Client
}

func newLoad(b *testing.B) *load {
	b.Helper()
	r := start(b, b.TempDir(), nil)
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

// run does one thing n times by all clients, and reports how long the slowest of a hundred took.
func (l *load) run(b *testing.B, one func(i int)) {
	took := make([]time.Duration, b.N)
	var next atomic.Int64
	var wait sync.WaitGroup
	b.ResetTimer()
	for range clients {
		wait.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= b.N {
					return
				}
				began := time.Now()
				one(i)
				took[i] = time.Since(began)
			}
		})
	}
	wait.Wait()
	b.StopTimer()
	slices.Sort(took)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "requests/s")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
}

func vnet(i int) (path, body string) {
	return "/providers/Microsoft.Network/virtualNetworks/vnet-" + strconv.Itoa(i),
		fmt.Sprintf(`{"location":"westeurope","properties":{"addressSpace":{"addressPrefixes":["10.%d.%d.0/24"]},"subnets":[{"name":"app","properties":{"addressPrefix":"10.%d.%d.0/26"}}]}}`, i>>8&255, i&255, i>>8&255, i&255)
}

func BenchmarkPutVNet(b *testing.B) {
	l := newLoad(b)
	l.run(b, func(i int) {
		path, body := vnet(i)
		l.do(b, "PUT", path, body)
	})
}

func BenchmarkGetVNet(b *testing.B) {
	l := newLoad(b)
	for i := range 100 {
		path, body := vnet(i)
		l.do(b, "PUT", path, body)
	}
	l.run(b, func(i int) {
		path, _ := vnet(i % 100)
		l.do(b, "GET", path, "")
	})
}
