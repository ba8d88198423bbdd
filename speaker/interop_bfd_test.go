//go:build linux

package speaker_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"onramp/speaker"
)

// watched is the interval of BFD here: three times that is a pause that a machine with much to do does not make.
const watched = 300 * time.Millisecond

// watches makes all sessions watched by BFD, with a hold time that has no part in what happens.
func watches(m *meeting) {
	for i := range m.peerings {
		m.peerings[i].BFD, m.peerings[i].Hold = watched, 90*time.Second
	}
}

// watching waits until both ends say of all sessions that they are up with these intervals and detection times.
func (m *meeting) watching(t *testing.T, ours, theirs labBFD) {
	t.Helper()
	for _, p := range m.peerings {
		eventually(t, establishedWithin, "BFD with "+p.B.Addr.String()+" is up at both ends, and they agree", func() (bool, string) {
			o, err := m.ours.bfd(p.B.Addr)
			if err != nil {
				return false, err.Error()
			}
			r, err := m.other.bfd(p.A.Addr)
			if err != nil {
				return false, err.Error()
			}
			is := func(b, want labBFD) bool {
				return b.State == bfdUp && b.Interval == want.Interval && b.Detect == want.Detect
			}
			return is(o, ours) && is(r, theirs), fmt.Sprintf("ours %+v\ntheirs %+v", o, r)
		})
	}
}

func TestInteropBFDTellsASilentCutAtOnce(t *testing.T) {
	forRouters(t, watches, func(t *testing.T, m *meeting) {
		m.converged(t)
		agreed := labBFD{Interval: watched, Detect: 3 * watched}
		m.watching(t, agreed, agreed)
		from := m.ours.count()
		m.link.silence()
		cut := time.Now()
		for _, p := range m.peerings {
			down, _ := m.ours.waitEvent(from, convergedWithin, "sees the path break", func(e speaker.Event) bool {
				return e.Kind == speaker.LinkChanged && e.Neighbor == p.B.Addr.String()
			})
			if down.From != "Up" || down.To != "Down" || down.Reason == "" {
				t.Errorf("it tells %s", down.String())
			}
			n, _ := m.ours.waitNotice(from, p.B.Addr, true, 6, 10)
			if n.Name != "Cease: BFD Down (6/10)" {
				t.Errorf("the event names it %q", n.Name)
			}
			idle, _ := m.ours.waitEvent(from, convergedWithin, "ends the session", func(e speaker.Event) bool {
				return e.Kind == speaker.StateChanged && e.Neighbor == p.B.Addr.String() && e.To == "Idle"
			})
			// The speaker acts on it without waiting for anything; how late the machine let it see is not its doing.
			if lag := time.Duration(idle.Time - down.Time); lag > 100*time.Millisecond {
				t.Errorf("the session with %s ended %s after its path", p.B.Addr, lag)
			}
			waitNothing(t, m.ours, p.B.Addr)
			waitSession(t, m.other, p.A.Addr, convergedWithin, "is down", func(s labSession) bool { return s.State != bgpEstablished })
		}
		if took := time.Since(cut); took > 10*time.Second { // a detection time and slack; the hold time is 90 s
			t.Errorf("it took %s", took)
		}
		m.link.restore()
		m.converged(t)
		m.watching(t, agreed, agreed)
	})
}

func TestInteropBFDAgreesOnDifferentIntervalsAndMultipliersAndOnNewOnes(t *testing.T) {
	forRouters(t, func(m *meeting) {
		watches(m)
		m.theirs = slices.Clone(m.peerings)
		m.theirInterval(500*time.Millisecond, 5)
	}, func(t *testing.T, m *meeting) {
		m.converged(t)
		// Each sends at the slower of what it wants and what the other can take, and waits for the other's multiplier
		// (RFC 5880 sections 6.8.4 and 6.8.7).
		m.watching(t, labBFD{Interval: 500 * time.Millisecond, Detect: 2500 * time.Millisecond}, labBFD{Interval: 500 * time.Millisecond, Detect: 1500 * time.Millisecond})
		from := m.ours.count()
		// While it is up, by a poll sequence (RFC 5880 section 6.8.3).
		for _, interval := range []time.Duration{900 * time.Millisecond, 400 * time.Millisecond} {
			m.theirInterval(interval, 4)
			if m.bird != nil {
				m.bird.configure(birdConfig(t, m.them, m.theirs...))
			} else {
				for _, p := range m.peerings {
					ms := interval.Milliseconds()
					if err := m.frr.enter("bfd", "peer "+m.frrPeer(p), fmt.Sprintf("transmit-interval %d", ms), fmt.Sprintf("receive-interval %d", ms), "detect-multiplier 4"); err != nil {
						t.Fatal(err)
					}
				}
			}
			m.watching(t, labBFD{Interval: interval, Detect: 4 * interval}, labBFD{Interval: interval, Detect: 3 * interval})
		}
		m.ours.mu.Lock()
		defer m.ours.mu.Unlock()
		for _, e := range m.ours.events[from:] {
			if e.Kind == speaker.LinkChanged {
				t.Errorf("the change was no quiet one: %s", e.String())
			}
		}
	})
}

// theirInterval is what the other router wants of BFD.
func (m *meeting) theirInterval(d time.Duration, multiplier int) {
	for i := range m.theirs {
		p, ms := &m.theirs[i], d.Milliseconds()
		p.BFD = 0
		if m.router == "frr" {
			p.B.Extra = []string{fmt.Sprintf("bfd %d %d %d", multiplier, ms, ms)}
		} else {
			p.B.Extra = []string{fmt.Sprintf("bfd { interval %d ms; idle tx interval %[1]d ms; multiplier %d; };", ms, multiplier)}
		}
	}
}

// frrPeer names a BFD session as FRR has it for a session of BGP.
func (m *meeting) frrPeer(p labPeering) string {
	name := p.A.Addr.String()
	if p.A.Addr.Is6() {
		name += " local-address " + p.B.Addr.String()
	}
	return name + " interface " + m.link.end("frr").iface
}

// TestInteropAnAdministrativeDownOfTheirBFDIsNoFailure is FRR's: BIRD 2.0 cannot take a session down administratively.
func TestInteropAnAdministrativeDownOfTheirBFDIsNoFailure(t *testing.T) {
	m := meet(t, "frr", watches)
	m.converged(t)
	agreed := labBFD{Interval: watched, Detect: 3 * watched}
	m.watching(t, agreed, agreed)
	for _, p := range m.peerings {
		if err := m.frr.enter("bfd", "peer "+m.frrPeer(p), "shutdown"); err != nil {
			t.Fatal(err)
		}
		m.ours.waitStanding(t, p.B.Addr, convergedWithin, "is administratively down", func(s speaker.Standing) bool {
			return s.BFD != nil && s.BFD.State == "Down" && s.BFD.NeighborAdminDown
		})
	}
	m.undisturbed(t)
	for _, p := range m.peerings {
		if err := m.frr.enter("bfd", "peer "+m.frrPeer(p), "no shutdown"); err != nil {
			t.Fatal(err)
		}
	}
	m.watching(t, agreed, agreed)
	m.converged(t)
	m.undisturbed(t)
}

func TestInteropAnAdministrativeDownOfOurBFDIsNoFailureToThem(t *testing.T) {
	forRouters(t, watches, func(t *testing.T, m *meeting) {
		m.converged(t)
		agreed := labBFD{Interval: watched, Detect: 3 * watched}
		m.watching(t, agreed, agreed)
		// A session that we stop is not watched any more. They must have read why before they are told that: BIRD takes it for a
		// failure always, FRR now and then.
		for _, p := range m.peerings {
			if err := m.ours.shutdown(p.B.Addr, "maintenance"); err != nil {
				t.Fatal(err)
			}
			s := waitSession(t, m.other, p.A.Addr, convergedWithin, "was told", func(s labSession) bool { return s.Got != nil && s.Got.Code == 6 })
			if *s.Got != (labNotice{6, 2, "maintenance"}) || s.Sent != nil && s.Sent.Code == 6 {
				t.Errorf("%s got %s and sent %v", m.router, s.Got, s.Sent)
			}
			waitBFD(t, m.ours, p.B.Addr, "admin down", convergedWithin)
			if err := m.ours.enable(p.B.Addr); err != nil {
				t.Fatal(err)
			}
		}
		m.converged(t)
		m.watching(t, agreed, agreed)
	})
}

// TestInteropARouterThatRestartsGracefullyMayTakeItsBFDWithIt is RFC 5882 section 4.3: its routes are kept all the same.
func TestInteropARouterThatRestartsGracefullyMayTakeItsBFDWithIt(t *testing.T) {
	forRouters(t, func(m *meeting) {
		watches(m)
		restartsWithin(60 * time.Second)(m)
	}, func(t *testing.T, m *meeting) {
		m.converged(t)
		agreed := labBFD{Interval: watched, Detect: 3 * watched}
		m.watching(t, agreed, agreed)
		from := m.ours.count()
		m.other.kill()
		for _, p := range m.peerings {
			m.ours.waitEvent(from, convergedWithin, "sees the path break", func(e speaker.Event) bool {
				return e.Kind == speaker.LinkChanged && e.Neighbor == p.B.Addr.String() && e.To == "Down"
			})
			waitLearnt(t, m.ours, familyOf(p.B.Addr), stale(p.B.announces()))
		}
		m.neverWithdrawn(t, from) // later FRR 8.4 does: it sends its End-of-RIB before its routes
		m.comeBack(t)
		m.converged(t)
		m.watching(t, agreed, agreed)
	})
}
