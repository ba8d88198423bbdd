//go:build linux

package speaker_test

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"onramp/speaker"
)

// restartsWithin makes both ends restart gracefully.
func restartsWithin(d time.Duration) func(*meeting) {
	return func(m *meeting) {
		for i := range m.peerings {
			m.peerings[i].Restart = d
		}
	}
}

// stale are routes as their helper holds them.
func stale(list []labRoute) []labRoute {
	list = slices.Clone(list)
	for i := range list {
		list[i].Stale = true
	}
	return list
}

// without takes a prefix of each family out of what a speaker originates.
func without(s *labSpeaker, prefixes ...netip.Prefix) {
	s.Routes = slices.DeleteFunc(slices.Clone(s.Routes), func(r labRoute) bool { return slices.Contains(prefixes, r.Prefix) })
}

// comeBack starts the other router again after kill, with the speakers' present routes.
func (m *meeting) comeBack(t *testing.T) {
	t.Helper()
	if m.bird != nil {
		m.bird.write(birdConfig(t, m.them, m.peerings...))
	} else {
		m.frr.write("bgpd.conf", frrConfig(t, m.them, m.peerings...))
	}
	m.other.restart()
}

func TestInteropWeKeepTheRoutesOfARouterThatRestarts(t *testing.T) {
	forRouters(t, restartsWithin(60*time.Second), func(t *testing.T, m *meeting) {
		m.converged(t)
		from := m.ours.count()
		m.other.kill()
		for _, p := range m.peerings {
			m.ours.waitEvent(from, convergedWithin, "keeps the routes", func(e speaker.Event) bool { return e.Kind == speaker.Stale && e.Neighbor == p.B.Addr.String() })
			waitLearnt(t, m.ours, familyOf(p.B.Addr), stale(p.B.announces()))
			if s, err := m.ours.session(p.B.Addr); err != nil || !s.Restart.Helping || s.Sent != nil && s.Sent.Code == 6 {
				t.Errorf("we say %s, %v", s.Raw, err)
			}
		}
		// What it does not announce again goes with its End-of-RIB (RFC 4724 section 4.2).
		without(m.them, m.them.Routes[0].Prefix, m.them.Routes[len(m.them.Routes)-1].Prefix)
		from = m.ours.count()
		m.comeBack(t)
		for _, p := range m.peerings {
			_, next := m.ours.waitEvent(from, establishedWithin, "has the End-of-RIB", func(e speaker.Event) bool { return e.Kind == speaker.EndOfRIB && e.Neighbor == p.B.Addr.String() })
			m.ours.waitEvent(next, convergedWithin, "lets the rest go", func(e speaker.Event) bool { return e.Kind == speaker.Stale && e.Neighbor == p.B.Addr.String() })
			if s, err := m.ours.session(p.B.Addr); err != nil || !s.Restart.Restarting || !slices.Contains(s.Restart.Preserved, familyOf(p.B.Addr)) {
				t.Errorf("the restarted router has no R and F bits: %s, %v", s.Raw, err)
			}
		}
		m.converged(t)
	})
}

func TestInteropTheRoutesOfARouterThatDoesNotComeBackGo(t *testing.T) {
	forRouters(t, restartsWithin(3*time.Second), func(t *testing.T, m *meeting) {
		m.converged(t)
		from := m.ours.count()
		m.other.kill()
		for _, p := range m.peerings {
			kept, next := m.ours.waitEvent(from, convergedWithin, "keeps the routes", func(e speaker.Event) bool { return e.Kind == speaker.Stale && e.Neighbor == p.B.Addr.String() })
			gone, _ := m.ours.waitEvent(next, convergedWithin, "lets them go", func(e speaker.Event) bool { return e.Kind == speaker.Stale && e.Neighbor == p.B.Addr.String() })
			if after := time.Duration(gone.Time - kept.Time); after < 2900*time.Millisecond || after > 5*time.Second {
				t.Errorf("the routes of %s were kept for %s", p.B.Addr, after)
			}
			if list, err := m.ours.table(familyOf(p.B.Addr)); err != nil || len(learnt(list)) != 0 {
				t.Errorf("we hold %v, %v", learnt(list), err)
			}
		}
		m.comeBack(t)
		m.converged(t)
	})
}

func TestInteropOurRoutesAreKeptWhileWeRestart(t *testing.T) {
	forRouters(t, restartsWithin(60*time.Second), func(t *testing.T, m *meeting) {
		m.converged(t)
		m.ours.kill()
		for _, p := range m.peerings {
			waitSession(t, m.other, p.A.Addr, convergedWithin, "helps", func(s labSession) bool { return s.Restart.Helping })
			want := p.A.announces()
			if m.frr != nil { // BIRD does not tell which routes are stale
				want = stale(want)
			}
			waitLearnt(t, m.other, familyOf(p.A.Addr), want)
		}
		without(m.us, m.us.Routes[0].Prefix, m.us.Routes[1].Prefix)
		m.ours.write(oursConfig(t, m.us, m.peerings...))
		m.ours.restart()
		for _, p := range m.peerings {
			waitEstablished(t, m.other, p.A.Addr)
			s := waitSession(t, m.other, p.A.Addr, convergedWithin, "helps no more", func(s labSession) bool { return !s.Restart.Helping })
			if !s.Restart.Restarting || !slices.Contains(s.Restart.Preserved, familyOf(p.A.Addr)) {
				t.Errorf("%s sees no R and F bits of ours: %+v", m.router, s.Restart)
			}
		}
		m.converged(t)
	})
}

func TestInteropOurRoutesGoWhenWeDoNotComeBack(t *testing.T) {
	forRouters(t, restartsWithin(3*time.Second), func(t *testing.T, m *meeting) {
		m.converged(t)
		m.ours.kill()
		for _, p := range m.peerings {
			waitSession(t, m.other, p.A.Addr, convergedWithin, "helps", func(s labSession) bool { return s.Restart.Helping })
		}
		for _, p := range m.peerings {
			waitNothing(t, m.other, p.A.Addr)
		}
		m.ours.start()
		m.converged(t)
	})
}

// waitNothing waits until a daemon holds no route from a neighbour.
func waitNothing(t *testing.T, d labDaemon, peer netip.Addr) {
	t.Helper()
	eventually(t, convergedWithin, d.name()+" holds nothing from "+peer.String(), func() (bool, string) {
		list, err := d.table(familyOf(peer))
		if err != nil {
			return false, err.Error()
		}
		diff := diffTables(map[string][]labRoute{"want": nil, d.name(): learnt(list, peer)})
		return diff == "", diff
	})
}

// TestInteropRoutesOutliveANotificationButNotAHardReset is RFC 8538. BIRD 2.0 does not know it.
func TestInteropRoutesOutliveANotificationButNotAHardReset(t *testing.T) {
	m := meet(t, "frr", func(m *meeting) {
		restartsWithin(60 * time.Second)(m)
		m.peerings = m.peerings[:1]
		m.them.Lines = []string{"bgp graceful-restart notification", "no bgp hard-administrative-reset"}
	})
	m.converged(t)
	p := m.peerings[0]
	if s, err := m.ours.session(p.B.Addr); err != nil || !s.Restart.Notice {
		t.Fatalf("FRR does not set its N bit: %s, %v", s.Raw, err)
	}
	if s, err := m.other.session(p.A.Addr); err != nil || !s.Restart.Notice {
		t.Fatalf("FRR does not see our N bit: %s, %v", s.Raw, err)
	}
	isStale := func(e speaker.Event) bool { return e.Kind == speaker.Stale }

	from := m.ours.count()
	if err := m.other.reset(p.A.Addr); err != nil {
		t.Fatal(err)
	}
	m.ours.waitNotice(from, p.B.Addr, false, 6, 4)
	m.ours.waitEvent(from, convergedWithin, "keeps the routes", isStale)
	m.ours.waitState(from, p.B.Addr, bgpEstablished, establishedWithin)
	m.converged(t)
	m.neverWithdrawn(t, from)

	// The other way round. FRR is told, and keeps the routes until we are back: none is ever missing.
	from = m.ours.count()
	if err := m.ours.reset(p.B.Addr); err != nil {
		t.Fatal(err)
	}
	waitSession(t, m.other, p.A.Addr, convergedWithin, "was told", func(s labSession) bool { return s.Got != nil && s.Got.Code == 6 && s.Got.Subcode == 4 })
	m.ours.waitState(from, p.B.Addr, bgpEstablished, establishedWithin)
	m.converged(t)
	m.neverWithdrawn(t, from)

	from = m.ours.count()
	if err := m.other.shutdown(p.A.Addr, "going home"); err != nil {
		t.Fatal(err)
	}
	n, _ := m.ours.waitNotice(from, p.B.Addr, false, 6, 9)
	if n.Text != "going home" || n.Name != `Cease: Hard Reset (6/9), Cease: Administrative Shutdown (6/2), "going home"` {
		t.Errorf("the event names it %q with the text %q", n.Name, n.Text)
	}
	waitNothing(t, m.ours, p.B.Addr)
	if err := m.other.enable(p.A.Addr); err != nil {
		t.Fatal(err)
	}
	m.converged(t)

	if err := m.ours.shutdown(p.B.Addr, "out to lunch"); err != nil {
		t.Fatal(err)
	}
	waitSession(t, m.other, p.A.Addr, convergedWithin, "was told", func(s labSession) bool { return s.Got != nil && *s.Got == labNotice{6, 9, "out to lunch"} })
	waitNothing(t, m.other, p.A.Addr)
	if err := m.ours.enable(p.B.Addr); err != nil {
		t.Fatal(err)
	}
	m.converged(t)
}

// neverWithdrawn fails the test if we lost a route since an event.
func (m *meeting) neverWithdrawn(t *testing.T, from int) {
	t.Helper()
	m.ours.mu.Lock()
	defer m.ours.mu.Unlock()
	for _, e := range m.ours.events[from:] {
		if e.Kind == speaker.RouteChanged && e.Withdrawn {
			t.Errorf("a route was missing for a while: %s", e.String())
		}
	}
}
