package sim

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"onramp/network"
)

// eachPlanned visits every event of an agenda.
func eachPlanned(a *agenda, do func(*event)) {
	for level := range a.slots {
		for digit, s := range &a.slots[level] {
			if a.full[level][digit/64]>>(digit%64)&1 == 0 {
				continue
			}
			for i := s.head; i != 0; i = a.places[i].next {
				do(&a.places[i].event)
			}
		}
	}
}

// onItsWay counts the packets of a flow that are on their way, in the agenda and in queues.
func onItsWay(s *Sim, f *Flow) uint64 {
	var n uint64
	count := func(p *packet) {
		if p != nil && p.flowIndex == f.index+1 && !p.reply {
			n++
		}
	}
	eachPlanned(&s.agenda, func(e *event) { count(e.p) })
	for _, x := range s.pipes {
		for i := range x.queues {
			q := &x.queues[i]
			for k := range q.count {
				count(q.ring[(q.first+k)%len(q.ring)].p)
			}
		}
	}
	return n
}

func TestWhatIsSentIsReceivedOrDroppedOrOnItsWay(t *testing.T) {
	n := exampled(t, "northwind", rates(200, 100, "ErGw1AZ"))
	rapid.Check(t, func(t *rapid.T) {
		s := limitedSim(t, n, rapid.Uint64().Draw(t, "seed"), Limits{Factor: 20, Classes: rapid.Bool().Draw(t, "classes"), Provider: map[string]float64{"": 150}})
		var flows []*Flow
		for _, k := range []FlowKind{Constant, Voice, Bulk} {
			f := flowOf(t, s, FlowSpec{Name: "f", Kind: k, Src: siteHost(t, n, "montreal"), Dst: machine(t, n, "fin-core"), Mbps: 150})
			f.Start(s.Now() + 3*time.Second)
			flows = append(flows, f)
		}
		share := rapid.Float64Range(0, 0.3)
		ms := rapid.Custom(func(t *rapid.T) time.Duration {
			return time.Duration(rapid.IntRange(0, 50).Draw(t, "ms")) * time.Millisecond
		})
		for range rapid.IntRange(1, 8).Draw(t, "changes") {
			s.Run(s.Now() + ms.Draw(t, "wait")*10)
			l := rapid.SampledFrom(s.links).Draw(t, "link")
			err := s.Impair(l.spec.Name, rapid.IntRange(0, 1).Draw(t, "direction"), Impairment{Loss: share.Draw(t, "loss"), Delay: ms.Draw(t, "delay"), Jitter: ms.Draw(t, "jitter"),
				Reorder: share.Draw(t, "reorder"), Late: ms.Draw(t, "late"), Duplicate: share.Draw(t, "duplicate"), Dead: share.Draw(t, "dead") > 0.29, Grey: share.Draw(t, "grey") > 0.29,
				Up: ms.Draw(t, "up"), Down: ms.Draw(t, "down"), Seen: rapid.Bool().Draw(t, "seen")})
			if err != nil {
				t.Fatal(err)
			}
			if rapid.IntRange(0, 3).Draw(t, "fail") == 0 {
				sc := rapid.SampledFrom(n.Scenarios()).Draw(t, "what")
				if err := s.Fail(rapid.SampledFrom([]How{Silent, Carrier}).Draw(t, "how"), sc.Elements...); err != nil {
					t.Fatal(err)
				}
			}
			for i, f := range flows {
				m := f.Measured()
				if have := m.Received + m.Duplicates + m.Dropped + onItsWay(s, f); m.Sent+m.Copies != have {
					t.Fatalf("flow %d: sent %d and copied %d, but %d received, %d duplicates, %d dropped, %d on their way", i, m.Sent, m.Copies, m.Received, m.Duplicates, m.Dropped, onItsWay(s, f))
				}
			}
		}
		for _, l := range s.links { // a link that flaps never rests
			for d := range 2 {
				if err := s.Impair(l.spec.Name, d, Impairment{}); err != nil {
					t.Fatal(err)
				}
			}
		}
		s.Run(s.Now() + 10*time.Second)
		for i, f := range flows {
			if m := f.Measured(); m.Sent+m.Copies != m.Received+m.Duplicates+m.Dropped {
				t.Fatalf("flow %d: %+v in the end", i, m)
			}
		}
	})
}

// measured runs a mix of everything and returns what it measured.
func measured(t *testing.T, seed uint64) []Measured {
	n := exampled(t, "northwind", rates(200, 100, "ErGw1AZ"))
	s := limitedSim(t, n, seed, Limits{Factor: 10, Classes: true})
	var flows []*Flow
	for _, k := range []FlowKind{Constant, Voice, Bulk} {
		f := flowOf(t, s, FlowSpec{Name: "f", Kind: k, Src: siteHost(t, n, "montreal"), Dst: machine(t, n, "fin-core"), Mbps: 150})
		f.Start(s.Now() + 2*time.Second)
		flows = append(flows, f)
	}
	for _, l := range s.links {
		for d := range 2 {
			if err := s.Impair(l.spec.Name, d, Impairment{Loss: 0.01, Jitter: time.Millisecond, Reorder: 0.01, Late: 3 * time.Millisecond, Duplicate: 0.01}); err != nil {
				t.Fatal(err)
			}
		}
	}
	s.Run(s.Now() + 3*time.Second)
	var out []Measured
	for _, f := range flows {
		out = append(out, f.Measured())
	}
	return out
}

func TestTheSameSeedMeasuresTheSameAndAnotherSeedDoesNot(t *testing.T) {
	a, b, c := measured(t, 7), measured(t, 7), measured(t, 8)
	if d := cmp.Diff(a, b); d != "" {
		t.Error(d)
	}
	if cmp.Diff(a, c) == "" {
		t.Error("seeds 7 and 8 are the same to the nanosecond")
	}
}

// wired is a running estate without limits, with a constant flow, and the session over which that leaves the premises.
func wired(t *testing.T, seed uint64) (s *Sim, f *Flow, session string) {
	n := exampled(t, "northwind", nil)
	s = limitedSim(t, n, seed, Limits{Factor: 100})
	f = flowOf(t, s, FlowSpec{Name: "f", Kind: Constant, Src: siteHost(t, n, "montreal"), Dst: machine(t, n, "fin-core"), Mbps: 100, Packet: 100}) // 1,059 packets a second after the factor
	carried := map[*link]uint64{}
	for _, l := range s.links {
		if l.spec.Kind == "private" {
			l.ends[0].gear.pipes[0].counts = Counts{}
			carried[l] = 0
		}
	}
	f.Start(s.Now() + 100*time.Millisecond)
	s.Run(s.Now() + 200*time.Millisecond)
	for l := range carried {
		if l.ends[0].gear.pipes[0].counts.Passed > 50 {
			session = l.spec.Name
		}
	}
	if session == "" {
		t.Fatal("the flow leaves by no private peering")
	}
	spec := f.FlowSpec
	f = flowOf(t, s, spec)
	return s, f, session
}

func TestEachImpairmentDoesWhatItSays(t *testing.T) {
	for _, c := range []struct {
		name string
		what Impairment
		ok   func(m Measured) bool
	}{
		{"nothing", Impairment{}, func(m Measured) bool {
			return m.Dropped == 0 && m.Reordered == 0 && m.Duplicates == 0 && m.Most-m.Least < time.Millisecond
		}},
		{"loss", Impairment{Loss: 0.1}, func(m Measured) bool { return m.Lost > 0.06 && m.Lost < 0.14 && m.Reordered == 0 }},
		{"delay", Impairment{Delay: 20 * time.Millisecond}, func(m Measured) bool {
			return m.Dropped == 0 && m.Least > 20*time.Millisecond && m.Most-m.Least < time.Millisecond
		}},
		{"jitter keeps the order", Impairment{Jitter: 20 * time.Millisecond}, func(m Measured) bool {
			return m.Reordered == 0 && m.Most-m.Least > 10*time.Millisecond && m.Jitter > 0
		}},
		{"reordering", Impairment{Reorder: 0.1, Late: 20 * time.Millisecond}, func(m Measured) bool { return within(float64(m.Reordered), 0.1*float64(m.Sent), 0.5) && m.Dropped == 0 }},
		{"duplication", Impairment{Duplicate: 0.1}, func(m Measured) bool {
			return within(float64(m.Duplicates), 0.1*float64(m.Sent), 0.5) && m.Copies == m.Duplicates && m.Received == m.Sent
		}},
		{"flapping: a quarter of the time nothing", Impairment{Up: 75 * time.Millisecond, Down: 25 * time.Millisecond}, func(m Measured) bool { return m.Lost > 0.23 && m.Lost < 0.27 }},
		{"grey", Impairment{Grey: true}, func(m Measured) bool { return m.Received == 0 }},
		{"one way", Impairment{Dead: true}, func(m Measured) bool { return m.Received == 0 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, f, session := wired(t, 11)
			if err := s.Impair(session, 0, c.what); err != nil {
				t.Fatal(err)
			}
			f.Start(s.Now() + 500*time.Millisecond)
			s.Run(s.Now() + 590*time.Millisecond) // before BFD makes anything of it
			if m := f.Measured(); !c.ok(m) {
				t.Errorf("%+v", m)
			}
		})
	}
}

func TestAOneWayFailureTakesTheSessionDownAndTheFlowElsewhere(t *testing.T) {
	s, f, session := wired(t, 2)
	at := s.Now() + time.Second
	s.At(at, func() {
		if err := s.Impair(session, 0, Impairment{Dead: true}); err != nil {
			t.Error(err)
		}
	})
	f.Start(s.Now() + 10*time.Second)
	s.Run(s.Now() + 11*time.Second)
	m := f.Measured()
	if m.Dropped == 0 || m.Over[len(m.Over)-1] == 0 {
		t.Errorf("%d dropped, and %.1f Mbps in the end", m.Dropped, m.Over[len(m.Over)-1])
	}
	if s.Sessions()[slices.IndexFunc(s.links, func(l *link) bool { return l.spec.Name == session })] {
		t.Error("the session is up still")
	}
}

func TestAGreyRouterKeepsItsSessionsAndLosesEverything(t *testing.T) {
	s, f, session := wired(t, 2)
	i := slices.IndexFunc(s.links, func(l *link) bool { return l.spec.Name == session })
	msee := s.links[i].ends[1].node.spec.Name
	if err := s.Grey(msee, true); err != nil {
		t.Fatal(err)
	}
	f.Start(s.Now() + 200*time.Second)
	s.Run(s.Now() + 200*time.Second)
	if m := f.Measured(); m.Received != 0 || !s.Sessions()[i] {
		t.Errorf("%d received, session up: %v", m.Received, s.Sessions()[i])
	}
	if err := s.Grey(msee, false); err != nil {
		t.Fatal(err)
	}
	f = flowOf(t, s, f.FlowSpec)
	f.Start(s.Now() + time.Second)
	s.Run(s.Now() + 2*time.Second)
	if m := f.Measured(); m.Dropped != 0 {
		t.Errorf("%d are lost after it", m.Dropped)
	}
}

func TestAFlappingLinkThatIsSeenFlapsItsSession(t *testing.T) {
	s, _, session := wired(t, 2)
	if err := s.Impair(session, 0, Impairment{Up: 20 * time.Second, Down: time.Second, Seen: true}); err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(s.links, func(l *link) bool { return l.spec.Name == session })
	s.Run(s.Now() + 19*time.Second)
	if !s.Sessions()[i] {
		t.Error("it is down before its time")
	}
	s.Run(s.Now() + 1500*time.Millisecond)
	if s.Sessions()[i] {
		t.Error("nobody saw the link go")
	}
	if err := s.Impair(session, 0, Impairment{}); err != nil {
		t.Fatal(err)
	}
	s.Run(s.Now() + 60*time.Second)
	if !s.Sessions()[i] {
		t.Error("it does not come back")
	}
}

func TestWhatIsNotThereCannotBeImpaired(t *testing.T) {
	s, f, _ := wired(t, 2)
	if s.Impair("nowhere", 0, Impairment{}) == nil || s.Grey("nowhere", true) == nil || s.Limit(Limits{}) == nil {
		t.Error("no error")
	}
	f.Dst = network.Endpoint{Kind: network.SiteHost, Site: "nowhere"}
	if _, err := s.NewFlow(f.FlowSpec); err == nil {
		t.Error("no error for a flow to nowhere")
	}
}

func TestSteadyTrafficAllocatesNothing(t *testing.T) {
	s, f, session := wired(t, 2)
	if err := s.Impair(session, 0, Impairment{Jitter: time.Microsecond, Loss: 0.001}); err != nil {
		t.Fatal(err)
	}
	// The sessions' keepalives and BFD make something of their own.
	tenth := func() { s.Run(s.Now() + 100*time.Millisecond) }
	quiet := testing.AllocsPerRun(100, tenth)
	b := flowOf(t, s, FlowSpec{Name: "back", Kind: Voice, Src: f.Dst, Dst: f.Src})
	f.Start(s.Now() + 100*time.Second)
	b.Start(s.Now() + 100*time.Second)
	s.Run(s.Now() + 10*time.Second)
	sent := f.sent
	busy := testing.AllocsPerRun(100, tenth)
	if packets := float64(f.sent-sent) / 101; packets < 100 || busy > quiet {
		t.Errorf("%.1f allocations for %.1f packets, %.1f for none", busy, packets, quiet)
	}
}
