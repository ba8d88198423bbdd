package twin

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"testing"
	"time"

	"onramp/azure"
	"onramp/design"
	"onramp/intent"
	"onramp/intent/intenttest"
	"onramp/pattern"
	"onramp/rehearse"
)

// BenchmarkLive deploys an isolated estate of 10, 40 and 100 lines of business through the endpoint and lets it run by the clock on the wall:
// how long it takes until the last session is up, what it costs when nothing happens, and by how much what a client reads is later after a
// cut than the protocols are by themselves, which the same estate on a virtual clock says.
func BenchmarkLive(b *testing.B) {
	for _, lobs := range []int{10, 40, 100} {
		b.Run(fmt.Sprintf("%d-lines-of-business", lobs), func(b *testing.B) {
			c := mustCatalog(b)
			in, findings := intent.Parse("large.yaml", intenttest.Large(lobs), c)
			if in == nil {
				b.Fatal(findings)
			}
			des, _ := pattern.Compile(design.Isolated, in, c, pattern.Options{})
			for b.Loop() {
				live(b, des)
			}
		})
	}
}

func live(b *testing.B, des *design.Design) {
	began := time.Now()
	r := start(b, b.TempDir(), nil)
	defer r.stopped()
	d := r.deploy(des)
	b.ReportMetric(time.Since(began).Seconds(), "deploy-s")
	began = time.Now()
	r.settle()
	b.ReportMetric(milliseconds(time.Since(began)), "settle-ms")
	b.ReportMetric(float64(len(d.rs)), "resources")
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	b.ReportMetric(float64(m.Sys-m.HeapReleased)/(1<<20), "MiB")
	cpu := processor(b)
	began = time.Now()
	time.Sleep(5 * time.Second)
	b.ReportMetric(100*(processor(b)-cpu).Seconds()/time.Since(began).Seconds(), "%core")
	s, err := r.NetStatus(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(s.Up), "sessions")

	// The same on a virtual clock.
	v := newBench(b)
	v.subscription = r.estate.subscription
	v.put(d.rs, des.Premises)
	v.pass()
	step := rehearse.Step{Cut: "link:" + des.Premises.Attachments[0].Name, How: "carrier"} // without timers, whose phase is another each time
	gateways := azure.Of[*azure.VirtualNetworkGateway](d.rs)
	before := make([]int, len(gateways))
	for i, g := range gateways {
		before[i] = len(v.learnt(g.ID))
	}
	v.begin(step)
	v.pass()
	var g azure.ID
	for i, x := range gateways {
		if len(v.learnt(x.ID)) < before[i] {
			g = x.ID
		}
	}
	v.end()
	v.pass()
	whole := len(v.learnt(g))
	at := v.s.Now()
	v.begin(step)
	for len(v.learnt(g)) == whole {
		v.s.Run(v.s.Now() + time.Millisecond)
	}
	own := v.s.Now() - at
	list := d.ask(g, "getLearnedRoutes")
	began = time.Now()
	if _, err := r.Do(Command{Net: &Net{Fault: &step}}); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(milliseconds(time.Since(began)), "told-ms")
	for slices.Equal(d.ask(g, "getLearnedRoutes"), list) {
	}
	b.ReportMetric(milliseconds(time.Since(began)-own), "cut-less-protocol-ms")
	b.ReportMetric(milliseconds(own), "protocol-ms")
}
