package sim

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"onramp/azure"
	"onramp/bfd"
	"onramp/bgp"
	"onramp/catalog"
	"onramp/design"
	"onramp/intent/intenttest"
	"onramp/network"
)

// started is an estate that has settled, with probes of all of its flows.
func started(t *testing.T, n *network.Network, o Options) (*Sim, []*Probe) {
	t.Helper()
	s, err := New(n, o)
	if err != nil {
		t.Fatal(err)
	}
	probes, err := allProbes(s, n)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	settles(t, s)
	return s, probes
}

func settles(t *testing.T, s *Sim) {
	t.Helper()
	if !s.Settle(2 * time.Hour) {
		t.Fatalf("it does not settle: the last change was at %s of %s", s.Now()-s.Quiet(), s.Now())
	}
}

// lost counts what flows lose while something happens and for a time after it, of those that get through at all.
func lost(t *testing.T, s *Sim, probes []*Probe, lasts time.Duration, do func() error) (packets int, where []string) {
	t.Helper()
	for _, q := range probes {
		q.Watch()
		q.Send(10*time.Millisecond, s.Now()+lasts)
	}
	s.Run(s.Now() + time.Second)
	if err := do(); err != nil {
		t.Fatal(err)
	}
	s.Run(s.Now() + lasts)
	for _, q := range probes {
		seen := q.Seen(s.Now())
		if seen.Answered == 0 || seen.Lost == 0 {
			continue
		}
		packets += seen.Lost
		where = append(where, fmt.Sprint(q.Name, seen.Losses))
	}
	return packets, where
}

func everySession(string) time.Duration { return 120 * time.Second }

func TestAGracefulRestartLosesNothingAndAnotherDoes(t *testing.T) {
	n := example(t, "northwind", design.Shared, nil)
	for _, router := range []string{"toronto-ce1", "toronto-core", "toronto-msee1"} {
		s, probes := started(t, n, Options{Seed: 3, Graceful: everySession})
		restart := func() error { return s.Restart(router, 4*time.Second, true) }
		if packets, where := lost(t, s, probes, 20*time.Second, restart); packets > 0 {
			t.Errorf("%s restarts gracefully and loses %d packets:\n%s", router, packets, strings.Join(where, "\n"))
		}
		settles(t, s)
		if d := differs(s, n.Converge(healthy())); d != "" {
			t.Error(d)
		}
		for _, o := range []Options{{Seed: 3}, {Seed: 3, Graceful: func(session string) time.Duration {
			if strings.Contains(session, "private") || strings.Contains(session, "ce1--") { // only some do
				return 0
			}
			return 30 * time.Second
		}}} {
			s, probes = started(t, n, o)
			if packets, _ := lost(t, s, probes, 20*time.Second, restart); packets == 0 {
				t.Errorf("%s restarts without grace and loses nothing", router)
			}
			settles(t, s)
			if d := differs(s, n.Converge(healthy())); d != "" {
				t.Error(d)
			}
		}
		s, probes = started(t, n, Options{Seed: 3, Graceful: everySession})
		if packets, _ := lost(t, s, probes, 20*time.Second, func() error { return s.Restart(router, 4*time.Second, false) }); packets == 0 {
			t.Errorf("%s does not forward for 4 s and loses nothing", router)
		}
		settles(t, s)
		if d := differs(s, n.Converge(healthy())); d != "" {
			t.Error(d)
		}
	}
}

// A link that fails while a router at its end restarts ends the grace: nobody sends there any more (RFC 5882 section 4.3.1).
func TestBFDEndsTheGraceOfARouterThatCannotBeReached(t *testing.T) {
	n := example(t, "northwind", design.Shared, nil)
	s, _ := started(t, n, Options{Seed: 5, Graceful: everySession})
	if err := s.Restart("toronto-ce1", 60*time.Second, true); err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(s.links, func(l *link) bool { return l.spec.BFDMultiplier > 0 && l.ends[0].node.spec.Name == "toronto-ce1" })
	l := s.links[i]
	s.Run(s.Now() + 2*time.Second)
	held := func() (k int) {
		for range l.ends[1].node.speaker.AdjRIBIn(l.ends[1].id) {
			k++
		}
		return k
	}
	if held() == 0 || l.ends[1].bfd.State() != bfd.Up {
		t.Fatalf("%d routes are kept, BFD is %s", held(), l.ends[1].bfd.State())
	}
	var link string
	for _, e := range l.spec.Elements {
		if strings.HasPrefix(e, "link:") {
			link = e
		}
	}
	if err := s.Fail(Silent, link); err != nil {
		t.Fatal(err)
	}
	s.Run(s.Now() + 2*time.Second)
	if held() > 0 {
		t.Errorf("%d routes are kept of a router that BFD says cannot be reached", held())
	}
	if err := s.Repair(link); err != nil {
		t.Fatal(err)
	}
	settles(t, s)
	if d := differs(s, n.Converge(healthy())); d != "" {
		t.Error(d)
	}
}

func TestARouterThatCrashesIsAsOneThatFailedUntilItBoots(t *testing.T) {
	n := example(t, "northwind", design.Isolated, nil)
	for _, router := range []string{"toronto-ce1", "toronto-msee1"} {
		s, probes := started(t, n, Options{Seed: 6})
		if err := s.Crash(router); err != nil {
			t.Fatal(err)
		}
		sc, err := n.Scenario("router:" + router)
		if err != nil {
			t.Fatal(err)
		}
		settles(t, s)
		st := n.Converge(sc)
		if d := differs(s, st); d != "" {
			t.Error(d)
		}
		if d := flowsDiffer(s, st, probes); d != "" {
			t.Error(d)
		}
		if err := s.Boot(router); err != nil {
			t.Fatal(err)
		}
		settles(t, s)
		if d := differs(s, n.Converge(healthy())); d != "" {
			t.Error(d)
		}
	}
}

func TestUnknownNamesGetTheNearestOnes(t *testing.T) {
	s := running(t, example(t, "northwind", design.Shared, nil))
	roll := func() error { _, err := s.Roll("ergw-fin-cor", 0, 0); return err }
	for _, err := range []error{s.Crash("toronto-c1"), s.Boot("toronto-msee"), s.Restart("torontoce1", time.Second, true), s.Grey("toronto-cre", true), roll(),
		s.Reset("toronto-ce1/er-fin"), s.Impair("er-norhtwind", 0, Impairment{})} {
		if err == nil || !strings.Contains(err.Error(), "in this estate") {
			t.Errorf("%v", err)
		}
	}
	if err := s.Crash("toronto-c1"); err == nil || !strings.Contains(err.Error(), "toronto-ce1") && !strings.Contains(err.Error(), "toronto-ce2") {
		t.Errorf("%v", err)
	}
}

func TestAGatewayWhoseInstancesRestartOneAfterAnotherStaysUp(t *testing.T) {
	n := example(t, "northwind", design.Shared, nil)
	s, probes := started(t, n, Options{Seed: 8})
	gateway := ""
	for _, x := range s.nodes {
		if gateway == "" {
			gateway = x.spec.Gateway
		}
	}
	begin := s.Now()
	over, err := s.Roll(gateway, time.Minute, 2*time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if want := begin + 4*time.Minute; over != want {
		t.Errorf("it is over at %s, want %s", over, want)
	}
	for i, at := range []time.Duration{30 * time.Second, 2 * time.Minute, 3*time.Minute + 30*time.Second} {
		s.Run(begin + at)
		elements := [][]string{{"gateway:" + gateway + "/0"}, nil, {"gateway:" + gateway + "/1"}}[i]
		sc, err := n.Scenario(elements...)
		if err != nil {
			t.Fatal(err)
		}
		st := n.Converge(sc)
		if d := differs(s, st); d != "" {
			t.Errorf("at %s: %s", at, d)
		}
		if d := flowsDiffer(s, st, probes); d != "" {
			t.Errorf("at %s: %s", at, d)
		}
	}
	s.Run(over)
	settles(t, s)
	if d := differs(s, n.Converge(healthy())); d != "" {
		t.Error(d)
	}
}

// crowded lets the first site announce so many prefixes more, to everybody.
func crowded(many int) func(*design.Design) {
	return func(d *design.Design) {
		site := &d.Premises.Sites[0]
		for i := range many {
			site.Prefixes = append(site.Prefixes, netip.PrefixFrom(netip.AddrFrom4([4]byte{100, 64 + byte(i>>16), byte(i >> 8), byte(i)}), 32))
		}
		for i := range site.Routers {
			for k := range site.Routers[i].Sessions {
				site.Routers[i].Sessions[k].Export = nil
			}
		}
	}
}

func TestASessionThatPassedItsLimitIsBackAfterAReset(t *testing.T) {
	n1 := example(t, "contoso-shared", design.Shared, nil)
	n2 := example(t, "contoso-shared", design.Shared, crowded(4100))
	exceeded := n2.Converge(healthy()).Exceeded()
	if len(exceeded) == 0 {
		t.Fatal("no limit is passed")
	}
	s, _ := started(t, n1, Options{Seed: 2})
	if err := s.Become(n2); err != nil {
		t.Fatal(err)
	}
	settles(t, s)
	if d := s.Differs(n2.Converge(healthy())); len(d) > 0 {
		t.Errorf("%d differences, the first %v", len(d), d[0])
	}
	latched := s.Latched()
	for _, x := range exceeded {
		if !slices.Contains(latched, x.Session) {
			t.Errorf("%s is up", x.Session)
		}
	}
	if err := s.Reset(latched[0]); err != nil { // too soon: it goes down again
		t.Fatal(err)
	}
	settles(t, s)
	if !slices.Equal(s.Latched(), latched) {
		t.Errorf("%v are down after a reset that was too soon, want %v", s.Latched(), latched)
	}
	if err := s.Become(n1); err != nil {
		t.Fatal(err)
	}
	settles(t, s)
	if !slices.Equal(s.Latched(), latched) {
		t.Errorf("%v are down before the reset, want %v", s.Latched(), latched)
	}
	for _, name := range latched {
		if err := s.Reset(name); err != nil {
			t.Fatal(err)
		}
	}
	settles(t, s)
	if d := s.Differs(n1.Converge(healthy())); len(d) > 0 {
		t.Errorf("%d differences, the first %v", len(d), d[0])
	}
}

// A whole connection of a gateway goes down, and comes back, with one of its sessions.
func TestAGatewaysConnectionIsResetWhole(t *testing.T) {
	many := func(d *design.Design) {
		x := azure.Of[*azure.VirtualNetwork](d.Resources)[0]
		for i := range 1100 {
			x.Properties.AddressSpace.AddressPrefixes = append(x.Properties.AddressSpace.AddressPrefixes, fmt.Sprintf("100.64.%d.%d/32", i>>8, i&255))
		}
	}
	n1, n2 := example(t, "contoso-shared", design.Shared, nil), example(t, "contoso-shared", design.Shared, many)
	if len(n2.Converge(healthy()).Exceeded()) == 0 {
		t.Fatal("no limit is passed")
	}
	s, _ := started(t, n1, Options{Seed: 2})
	for _, n := range []*network.Network{n2, n1} {
		if err := s.Become(n); err != nil {
			t.Fatal(err)
		}
		settles(t, s)
		if n == n2 {
			if d := s.Differs(n.Converge(healthy())); len(d) > 0 {
				t.Errorf("%d differences, the first %v", len(d), d[0])
			}
		}
	}
	for len(s.Latched()) > 0 {
		before := len(s.Latched())
		if err := s.Reset(s.Latched()[0]); err != nil {
			t.Fatal(err)
		}
		if before-len(s.Latched()) < 2 {
			t.Fatalf("one reset of a connection brings %d of %d sessions back", before-len(s.Latched()), before)
		}
	}
	settles(t, s)
	if d := s.Differs(n1.Converge(healthy())); len(d) > 0 {
		t.Errorf("%d differences, the first %v", len(d), d[0])
	}
}

func TestOtherTimersCountFromTheNextSessionOn(t *testing.T) {
	n1 := example(t, "northwind", design.Shared, nil)
	n2 := example(t, "northwind", design.Shared, func(d *design.Design) {
		for _, x := range sessionsOf(d) {
			x.HoldSec, x.KeepaliveSec = 24, 8
		}
	})
	s, _ := started(t, n1, Options{Seed: 2})
	if err := s.Become(n2); err != nil {
		t.Fatal(err)
	}
	list := s.Outdated()
	if len(list) == 0 {
		t.Fatal("nothing is outdated")
	}
	hold := func(name string) time.Duration {
		i := slices.IndexFunc(s.links, func(l *link) bool { return l.spec.Name == name })
		e := s.links[i].ends[0]
		st, _ := e.node.speaker.Neighbor(e.id)
		return st.HoldTime
	}
	s.Run(s.Now() + 10*time.Second)
	for i, name := range list {
		if got := hold(name); got == 24*time.Second {
			t.Errorf("%s has its hold time without a reset", name)
		}
		if i%2 == 0 {
			if err := s.Reset(name); err != nil {
				t.Fatal(err)
			}
		}
	}
	settles(t, s)
	if err := s.Crash("toronto-ce1"); err != nil { // or by what happens to it
		t.Fatal(err)
	}
	settles(t, s)
	if err := s.Boot("toronto-ce1"); err != nil {
		t.Fatal(err)
	}
	settles(t, s)
	for i, name := range list {
		want := 24 * time.Second
		if i%2 == 1 && slices.Contains(s.Outdated(), name) {
			want = 180 * time.Second
		}
		if got := hold(name); got != want {
			t.Errorf("%s has a hold time of %s, want %s", name, got, want)
		}
	}
	if d := differs(s, n2.Converge(healthy())); d != "" {
		t.Error(d)
	}
}

// A wire that carries one way alone is down for BFD at both ends: at the end that hears nothing after its detection time, at the other when
// it is told so (RFC 5880 section 6.8.6), and routes go where they go when the link fails.
func TestAOneWayCutIsALinkDownAtBothEndsInTime(t *testing.T) {
	n := example(t, "northwind", design.Shared, nil)
	tried := 0
	for direction := range 2 {
		s, probes := started(t, n, Options{Seed: uint64(direction)}) //nolint:gosec // small
		for i, l := range s.links {
			if l.spec.BFDMultiplier == 0 {
				continue
			}
			k := slices.IndexFunc(l.spec.Elements, func(e string) bool { return strings.HasPrefix(e, "link:") })
			if k < 0 {
				continue
			}
			tried++
			sc, err := n.Scenario(l.spec.Elements[k])
			if err != nil {
				t.Fatal(err)
			}
			// Every session of the attachment is cut.
			var cut []*link
			for _, o := range s.links {
				if slices.Contains(o.spec.Elements, l.spec.Elements[k]) {
					cut = append(cut, o)
				}
			}
			down := map[string]time.Duration{}
			s.options.Observe = func(h Happening) {
				if h.What == "bfd" && h.From == "Up" && h.Session == l.spec.Name {
					down[h.Node] = h.At
				}
			}
			at := s.Now()
			impair := func(what Impairment) {
				for _, o := range cut {
					if err := s.Impair(o.spec.Name, direction, what); err != nil {
						t.Fatal(err)
					}
				}
			}
			impair(Impairment{Dead: true})
			s.Run(at + 3*time.Second)
			d := s.Detects(i, 1-direction)
			for end, e := range l.ends {
				took := down[e.node.spec.Name] - at
				lower, upper := d.Lower, d.Upper
				if end == direction { // it is told, by a packet that travels the way that still works
					upper += l.spec.Delay + time.Millisecond
				}
				if took < lower || took > upper {
					t.Errorf("%s, direction %d, at %s: BFD is down after %s, want %s to %s", l.spec.Name, direction, e.node.spec.Name, took, lower, upper)
				}
			}
			s.Run(s.Now() + 30*time.Second)
			st := n.Converge(sc)
			if d := differs(s, st); d != "" {
				t.Errorf("%s: %s", l.spec.Name, d)
			}
			if d := flowsDiffer(s, st, probes); d != "" {
				t.Errorf("%s: %s", l.spec.Name, d)
			}
			impair(Impairment{})
			settles(t, s)
			if d := differs(s, n.Converge(healthy())); d != "" {
				t.Errorf("%s: %s", l.spec.Name, d)
			}
		}
	}
	if tried == 0 {
		t.Error("no link has BFD")
	}
}

// Without BFD it is the hold time, and a session that nothing can be acknowledged on does not stay up at the end that still hears.
func TestAOneWayCutWithoutBFDTakesTheHoldTime(t *testing.T) {
	n := example(t, "northwind", design.Shared, func(d *design.Design) {
		for _, x := range sessionsOf(d) {
			x.BFDMilliseconds, x.BFDMultiplier = 0, 0
		}
	})
	s, _ := started(t, n, Options{Seed: 1})
	for i, l := range s.links {
		if l.spec.Kind != "private" {
			continue
		}
		for direction := range 2 {
			down := map[string]time.Duration{}
			s.options.Observe = func(h Happening) {
				if h.What == "session" && h.From == bgp.Established.String() && h.Session == l.spec.Name {
					down[h.Node] = h.At
				}
			}
			at := s.Now()
			if err := s.Impair(l.spec.Name, direction, Impairment{Dead: true}); err != nil {
				t.Fatal(err)
			}
			s.Run(at + 6*time.Minute)
			d := s.Detects(i, 1-direction)
			if took := down[l.ends[1-direction].node.spec.Name] - at; took < d.Lower || took > d.Upper {
				t.Errorf("%s, direction %d: down after %s, want %s to %s", l.spec.Name, direction, took, d.Lower, d.Upper)
			}
			if took := down[l.ends[direction].node.spec.Name] - at; took <= 0 || took > d.Upper+l.spec.Delay+time.Second {
				t.Errorf("%s, direction %d: the end that hears is down after %s", l.spec.Name, direction, took)
			}
			if err := s.Impair(l.spec.Name, direction, Impairment{}); err != nil {
				t.Fatal(err)
			}
			settles(t, s)
		}
		break // one is as good as the other
	}
}

// Whatever is done to an estate, in whatever order, once all is undone it is as the proof says.
func TestAnEstateComesBackFromEverything(t *testing.T) {
	estateHalves(t, 2, func(t *rapid.T, drawer *intenttest.Drawer, c *catalog.Catalog) {
		object, kind := drawer.JSON(t), rapid.SampledFrom(design.Patterns()).Draw(t, "pattern")
		nets := []*network.Network{variant(t, c, object, kind), variant(t, c, object, kind)}
		graceful := rapid.Uint64().Draw(t, "graceful")
		s, err := New(nets[0], Options{Seed: rapid.Uint64().Draw(t, "seed"), Graceful: func(session string) time.Duration {
			if h := graceful * uint64(len(session)*31+int(session[len(session)-1])); h>>62 == 0 { //nolint:gosec // positive
				return 0
			}
			return 60 * time.Second
		}})
		if err != nil {
			t.Skip(err)
		}
		s.Start()
		now := nets[0]
		named := func(list []string) string {
			if len(list) == 0 {
				t.Skip("nothing to do anything to")
			}
			return list[rapid.IntRange(0, len(list)-1).Draw(t, "which")]
		}
		sessions := func() (out []string) {
			for _, x := range now.Sessions() {
				out = append(out, x.Name)
			}
			return out
		}
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			var err error
			switch rapid.IntRange(0, 9).Draw(t, "step") {
			case 0, 1:
				now = nets[rapid.IntRange(0, 1).Draw(t, "network")]
				err = s.Become(now)
			case 2:
				err = s.Crash(named(now.Routers()))
			case 3:
				err = s.Boot(named(now.Routers()))
			case 4, 5:
				err = s.Restart(named(now.Routers()), time.Duration(rapid.IntRange(0, 90_000).Draw(t, "takes ms"))*time.Millisecond, rapid.Bool().Draw(t, "forwards"))
			case 6:
				err = s.Reset(named(sessions()))
			case 7, 8:
				list := now.Scenarios()
				sc := list[rapid.IntRange(0, len(list)-1).Draw(t, "scenario")]
				if rapid.Bool().Draw(t, "repair") {
					err = s.Repair(sc.Elements...)
				} else {
					err = s.Fail(How(rapid.IntRange(0, 1).Draw(t, "how")), sc.Elements...) //nolint:gosec // one of two
				}
			case 9:
				err = s.Impair(named(sessions()), rapid.IntRange(0, 1).Draw(t, "direction"), Impairment{Dead: rapid.Bool().Draw(t, "dead"), Loss: 0.2})
			}
			if err != nil {
				t.Fatal(err)
			}
			s.Run(s.Now() + time.Duration(rapid.IntRange(0, 60_000).Draw(t, "ms"))*time.Millisecond)
		}
		for _, l := range s.links {
			for _, e := range l.ends {
				s.impair(e, Impairment{})
			}
		}
		for _, x := range now.Routers() {
			if err := s.Boot(x); err != nil {
				t.Fatal(err)
			}
		}
		for _, e := range now.Elements() {
			if err := s.Repair(e.ID); err != nil {
				t.Fatal(err)
			}
		}
		s.Run(s.Now() + 2*time.Minute) // restarts that somebody has begun
		for _, x := range now.Routers() {
			if err := s.Boot(x); err != nil {
				t.Fatal(err)
			}
		}
		if said := became(t, s, now, healthy()); said != "" {
			t.Fatal(said)
		}
	})
}
