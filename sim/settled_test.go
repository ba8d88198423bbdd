package sim

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"onramp/catalog"
	"onramp/design"
	"onramp/examples"
	"onramp/intent"
	"onramp/intent/intenttest"
	"onramp/network"
	"onramp/pattern"
)

// drawn is the network of a random estate, nil where the pattern cannot be designed for it.
func drawn(t *rapid.T, c *catalog.Catalog, drawer *intenttest.Drawer) *network.Network {
	e := drawer.Estate(t)
	kind := rapid.SampledFrom(design.Patterns()).Draw(t, "pattern")
	d, _ := pattern.Compile(kind, e, c, pattern.Options{})
	if d == nil {
		return nil
	}
	n, _ := network.Build(d.Resources, d.Premises, c, network.Options{})
	return n
}

func TestNothingComesAfterAnEstateHasSettled(t *testing.T) {
	c, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	drawer := intenttest.NewDrawer(c)
	rapid.Check(t, func(t *rapid.T) {
		n := drawn(t, c, drawer)
		if n == nil {
			return
		}
		var after []Happening
		settled := false
		s, err := New(n, Options{Seed: rapid.Uint64().Draw(t, "seed"), Observe: func(h Happening) {
			if settled && h.What != "error" {
				after = append(after, h)
			}
		}})
		if err != nil {
			t.Fatal(err)
		}
		s.Start()
		for i, sc := range slices.DeleteFunc(n.Scenarios(), func(sc network.Scenario) bool { return sc.Kind == network.Maintenance }) {
			if i > 4 {
				return
			}
			for _, do := range []func(...string) error{func(e ...string) error { return s.Fail(Silent, e...) }, s.Repair} {
				settled = false
				if err := do(sc.Elements...); err != nil {
					t.Fatal(err)
				}
				if !s.Settle(time.Hour) {
					t.Fatalf("%s: it does not settle", sc.ID)
				}
				if d := s.Differs(n.Converge(sc)); len(d) > 0 && sc.Kind == network.Healthy {
					t.Fatalf("%s: %v", sc.ID, d)
				}
				settled = true
				s.Run(s.Now() + 400*time.Second)
				// Ends of sessions that cannot come up try again for ever; nothing else may happen.
				if i := slices.IndexFunc(after, func(h Happening) bool {
					return h.What != "session" || h.To == "Established" || h.From == "Established"
				}); i >= 0 {
					t.Fatalf("%s: %+v", sc.ID, after[i])
				}
				after = nil
			}
		}
	})
}

func TestASessionIsDetectedByBFDOrByItsHoldTimeWhicheverIsSooner(t *testing.T) {
	link := func(w network.WiredSession) *Sim { return &Sim{links: []*link{{spec: &w}}} }
	const s, ms = time.Second, time.Millisecond
	for _, c := range []struct {
		name string
		spec network.WiredSession
		end  int
		want Detection
	}{
		{"BFD of 300 ms and 3", network.WiredSession{BFDInterval: 300 * ms, BFDMultiplier: 3, Hold: [2]time.Duration{180 * s, 180 * s}}, 0, Detection{"bfd", 600 * ms, 900 * ms}},
		{"BFD of one packet", network.WiredSession{BFDInterval: 300 * ms, BFDMultiplier: 1}, 1, Detection{"bfd", 0, 300 * ms}},
		{"the published hold time and keepalive", network.WiredSession{Hold: [2]time.Duration{180 * s, 180 * s}, Keepalive: [2]time.Duration{60 * s, 60 * s}}, 0, Detection{"hold", 120 * s, 180 * s}},
		{"the lower hold time of the two ends counts", network.WiredSession{Hold: [2]time.Duration{30 * s, 180 * s}, Keepalive: [2]time.Duration{10 * s, 60 * s}}, 0, Detection{"hold", 20 * s, 30 * s}},
		{"keepalives are the other end's", network.WiredSession{Hold: [2]time.Duration{180 * s, 180 * s}, Keepalive: [2]time.Duration{10 * s, 60 * s}}, 1, Detection{"hold", 170 * s, 180 * s}},
		{"nobody says anything", network.WiredSession{}, 0, Detection{"hold", 6 * s, 9 * s}},
		{"BFD that is slower than the hold time", network.WiredSession{BFDInterval: 5 * s, BFDMultiplier: 3}, 0, Detection{"hold", 6 * s, 9 * s}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := link(c.spec).Detects(0, c.end); got != c.want {
				t.Errorf("%+v, want %+v", got, c.want)
			}
		})
	}
}

// echoed is a probe whose packets a test moves by hand.
func echoed(n int) *Probe {
	s := &Sim{places: []string{"a", "b"}}
	q := &Probe{s: s, every: 20 * time.Millisecond}
	q.Watch()
	for i := range n {
		at := time.Duration(i) * q.every
		q.sentAt, q.result = append(q.sentAt, at), append(q.result, onTheWay)
		q.echoes = append(q.echoes, Echo{At: at, There: -1, Back: -1, Port: uint8(i % ProbePorts)}) //nolint:gosec // small
	}
	return q
}

func TestAnswersThatComeAgainOrTooLateAreCounted(t *testing.T) {
	q := echoed(ProbePorts + 2)
	answer := func(seq uint32, at time.Duration, path ...int32) {
		q.s.now = at
		q.answered(&packet{seq32: seq, path: path})
	}
	answer(1, time.Second, 0, 1)
	answer(0, 2*time.Second, 0, 1) // of another source port: another flow
	answer(0, 3*time.Second, 0, 1)
	answer(ProbePorts+1, 3*time.Second, 1, 0)
	answer(ProbePorts, 4*time.Second, 0, 1)
	if e := q.Echoes(); e[0].Late || e[0].Again != 1 || e[0].RTT != 2*time.Second || e[1].Late || e[0].Back != e[1].Back || e[ProbePorts+1].Back == e[0].Back {
		t.Errorf("%+v", e[:2])
	}
	q = echoed(2 * ProbePorts)
	answer(ProbePorts, time.Second, 0, 1)
	answer(0, 2*time.Second, 0, 1) // overtaken by the next of its source port
	if e := q.Echoes(); !e[0].Late || e[ProbePorts].Late {
		t.Errorf("%+v %+v", e[0], e[ProbePorts])
	}
	if l := q.LossOf(1); l.Reason != "on a link that was cut" {
		t.Errorf("%+v", l)
	}
}

// builtIn is the network of the example that comes with the program.
func builtIn(t *testing.T, c *catalog.Catalog) *network.Network {
	t.Helper()
	src, err := examples.Read("northwind")
	if err != nil {
		t.Fatal(err)
	}
	e, findings := intent.Parse("northwind", src, c)
	if e == nil {
		t.Fatal(findings)
	}
	d, _ := pattern.Compile(design.SharedHubSpoke, e, c, pattern.Options{})
	n, _ := network.Build(d.Resources, d.Premises, c, network.Options{})
	return n
}

func TestAProbeRestsWhileNothingChangesAndWakesAtOnce(t *testing.T) {
	c, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	n := builtIn(t, c)
	s, err := New(n, Options{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	if !s.Settle(time.Hour) {
		t.Fatal("it does not settle")
	}
	s.Run(s.Now() + 10*time.Second)
	ends := n.Endpoints()
	vm := ends[slices.IndexFunc(ends, func(e network.Endpoint) bool { return e.VNet.Name() == "vnet-fin-core" })]
	site := ends[slices.IndexFunc(ends, func(e network.Endpoint) bool { return e.Kind == network.SiteHost })]
	q, err := s.NewProbe("", vm, site)
	if err != nil {
		t.Fatal(err)
	}
	began := s.Now()
	sent := func(of time.Duration) int {
		had := len(q.Echoes())
		s.Run(s.Now() + of)
		return len(q.Echoes()) - had
	}
	q.Rest(time.Second)
	q.Send(20*time.Millisecond, began+time.Hour)
	if got := sent(10 * time.Second); got > 12 {
		t.Errorf("%d requests in ten quiet seconds", got)
	}
	if err := s.Fail(Silent, "router:toronto-ce1"); err != nil {
		t.Fatal(err)
	}
	if got := sent(stirred); got < 99 || got > 101 {
		t.Errorf("%d requests in the two seconds after a failure, want 100", got)
	}
	s.Settle(time.Hour)
	s.Run(s.Now() + 10*time.Second)
	if got := sent(10 * time.Second); got > 12 {
		t.Errorf("%d requests in ten quiet seconds after it", got)
	}
	if err := s.Fail(Silent, "site:"+site.Site); err != nil {
		t.Fatal(err)
	}
	s.Settle(time.Hour)
	s.Run(s.Now() + 20*time.Second)
	if got := sent(10 * time.Second); got != 500 {
		t.Errorf("%d requests in ten seconds in which all are lost, want 500", got)
	}
}
