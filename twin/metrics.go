package twin

import (
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics are what an operator watches.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	under    prometheus.Gauge

	mu    sync.RWMutex
	known map[answered]counters // those that were asked for, so that a request looks nothing up by its labels' names
}

// answered is what requests are counted by.
type answered struct {
	method string
	status int
}

type counters struct {
	requests prometheus.Counter
	seconds  prometheus.Observer
}

// of are the counters of a method and a status.
func (m *metrics) of(a answered) counters {
	m.mu.RLock()
	c, ok := m.known[a]
	m.mu.RUnlock()
	if !ok {
		c = counters{m.requests.WithLabelValues(a.method, strconv.Itoa(a.status)), m.seconds.WithLabelValues(a.method)}
		m.mu.Lock()
		m.known[a] = c
		m.mu.Unlock()
	}
	return c
}

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "onramp_twin_requests_total", Help: "Requests answered, by method and status."}, []string{"method", "status"}),
		seconds:  prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "onramp_twin_request_seconds", Help: "How long requests took, by method.", Buckets: prometheus.ExponentialBuckets(0.0005, 2, 14)}, []string{"method"}),
		known:    map[answered]counters{},
		under:    prometheus.NewGauge(prometheus.GaugeOpts{Name: "onramp_twin_requests_under_way", Help: "Requests that are being answered."}),
	}
	m.registry.MustRegister(m.requests, m.seconds, m.under, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// method keeps the labels few, whatever clients send.
func method(s string) string {
	switch s {
	case http.MethodGet, http.MethodHead, http.MethodPut, http.MethodPost, http.MethodPatch, http.MethodDelete:
		return s
	}
	return "other"
}

// counted counts what a handler answers.
func (m *metrics) counted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m.under.Inc()
		began := time.Now()
		c := &counter{ResponseWriter: w, status: http.StatusOK}
		defer func() {
			m.under.Dec()
			of := m.of(answered{method(r.Method), c.status})
			of.requests.Inc()
			of.seconds.Observe(time.Since(began).Seconds())
		}()
		next.ServeHTTP(c, r)
	})
}

// counter remembers the status.
type counter struct {
	http.ResponseWriter
	status int
}

func (c *counter) WriteHeader(status int) { c.status = status; c.ResponseWriter.WriteHeader(status) }

// Unwrap lets http.ResponseController reach the connection.
func (c *counter) Unwrap() http.ResponseWriter { return c.ResponseWriter }
