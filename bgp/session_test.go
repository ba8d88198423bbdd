package bgp

import (
	"testing"
	"time"
)

func TestJitterIsFromThreeQuartersToAll(t *testing.T) {
	t.Parallel()
	s := NewSession(SessionConfig{}, 42)
	for _, d := range []time.Duration{time.Second, 30 * time.Second, maxHoldTime / keepalivesPerHold, longestTime} {
		least, most := d, time.Duration(0)
		for range 10_000 {
			j := s.jitter(d)
			least, most = min(least, j), max(most, j)
		}
		if least < d*3/4 || most > d {
			t.Errorf("%s becomes %s to %s", d, least, most)
		}
		if least > d*76/100 || most < d*99/100 {
			t.Errorf("%s becomes no more than %s to %s", d, least, most)
		}
	}
}

func TestSeedsJitterApart(t *testing.T) {
	t.Parallel()
	const d = 120 * time.Second
	one, same, other := NewSession(SessionConfig{}, 1), NewSession(SessionConfig{}, 1), NewSession(SessionConfig{}, 2)
	differ := 0
	for range 100 {
		a := one.jitter(d)
		if b := same.jitter(d); a != b {
			t.Fatalf("one seed gives %s and %s", a, b)
		}
		if other.jitter(d) != a {
			differ++
		}
	}
	if differ < 90 {
		t.Errorf("two seeds differ in %d of 100", differ)
	}
}

func TestHoldTimeIsTheLowerOfBoth(t *testing.T) {
	t.Parallel()
	const s = time.Second
	for _, c := range []struct {
		name                                  string
		own, neighbour, keepalive             time.Duration
		wantHold, wantKeepalive, wantDeadline time.Duration // the deadline at the latest
	}{
		{"the own is lower", 90 * s, 180 * s, 0, 90 * s, 30 * s, 30 * s},
		{"the neighbour's is lower", 180 * s, 90 * s, 0, 90 * s, 30 * s, 30 * s},
		{"the own is none", 0, 90 * s, 0, 0, 0, 0},
		{"the neighbour's is none", 90 * s, 0, 10 * s, 0, 0, 0},
		{"both are none", 0, 0, 10 * s, 0, 0, 0},
		{"the least", 3 * s, 3 * s, 0, 3 * s, s, s},
		{"the most", 65535 * s, 65535 * s, 0, 65535 * s, 21845 * s, 21845 * s},
		{"more than two octets hold", 100000 * s, 100000 * s, 0, 65535 * s, 21845 * s, 21845 * s},
		{"a fraction of a second is not offered", 90*s + s/2, 180 * s, 0, 90 * s, 30 * s, 30 * s},
		{"less than nothing is nothing", -s, 90 * s, 0, 0, 0, 0},
		{"a keepalive time below a third", 90 * s, 90 * s, 10 * s, 90 * s, 10 * s, 10 * s},
		{"a keepalive time above a third", 90 * s, 90 * s, 60 * s, 90 * s, 30 * s, 30 * s},
		{"a keepalive time above the hold time", 90 * s, 90 * s, 180 * s, 90 * s, 30 * s, 30 * s},
		{"a keepalive time below a second", 90 * s, 90 * s, s / 10, 90 * s, s, s},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			up := establishedSession(SessionConfig{HoldTime: c.own, KeepaliveTime: c.keepalive}, c.neighbour)
			at, ok := up.Deadline()
			if up.HoldTime() != c.wantHold || up.KeepaliveTime() != c.wantKeepalive {
				t.Errorf("hold time %s, keepalive time %s", up.HoldTime(), up.KeepaliveTime())
			}
			if ok != (c.wantHold > 0) || at > c.wantDeadline || ok && at < max(c.wantDeadline*3/4, s) {
				t.Errorf("deadline %s (%v)", at, ok)
			}
		})
	}
}

func TestTimersOfOneTimeExpireInTheOrderOfTheirEvents(t *testing.T) {
	t.Parallel()
	// Late by an hour, HoldTimer and KeepaliveTimer are both due; a session that is over sends no KEEPALIVE.
	s := establishedSession(SessionConfig{HoldTime: 3 * time.Second}, 3*time.Second)
	s.startTimer(KeepaliveTimerExpires, 3*time.Second)
	var kinds []ActionKind
	for _, a := range s.Tick(time.Hour) {
		kinds = append(kinds, a.Kind)
	}
	if len(kinds) != 4 || kinds[0] != ActSendNotification || kinds[3] != ActState {
		t.Errorf("%v", kinds)
	}
	// The earlier one comes first, whatever its number.
	s = establishedSession(SessionConfig{HoldTime: 3 * time.Second}, 3*time.Second)
	if out := s.Tick(time.Hour); len(out) == 0 || out[0].Kind != ActSendKeepalive {
		t.Errorf("%v", out)
	}
}

func TestASessionStartsWithDefaultsOfTheRFC(t *testing.T) {
	t.Parallel()
	s := NewSession(SessionConfig{}, 7)
	if _, ok := s.Deadline(); ok || s.State() != Idle {
		t.Errorf("a new session is %s", s.State())
	}
	s.Handle(0, Event{Type: ManualStart})
	if at, _ := s.Deadline(); at < 90*time.Second || at > 120*time.Second {
		t.Errorf("dials anew after %s", at)
	}
	s.Handle(0, Event{Type: TCPRequestAcked})
	if at, _ := s.Deadline(); at != 4*time.Minute {
		t.Errorf("waits %s for the OPEN", at)
	}
}

func TestWhatIsNoEventDoesNothing(t *testing.T) {
	t.Parallel()
	for _, e := range []EventType{0, UpdateMsgErr + 1, 255} {
		s := establishedSession(SessionConfig{HoldTime: 90 * time.Second}, 90*time.Second)
		if out := s.Handle(time.Second, Event{Type: e}); len(out) != 0 || s.State() != Established {
			t.Errorf("%s: %v", e, out)
		}
	}
}

func TestEveryEventAndActionHasAName(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	for e := ManualStart; e <= UpdateMsgErr; e++ {
		names[e.String()] = true
	}
	for k := ActDial; k <= ActState; k++ {
		names[k.String()] = true
	}
	if len(names) != int(UpdateMsgErr)+int(ActState) || names[""] {
		t.Errorf("%v", names)
	}
	if got := EventType(0).String() + EventType(29).String() + ActionKind(0).String(); got != "EventType(0)EventType(29)ActionKind(0)" {
		t.Error(got)
	}
	if ManualStart != 1 || IdleHoldTimerExpires != 13 || UpdateMsgErr != 28 {
		t.Error("the events have not the numbers of RFC 4271 section 8.1")
	}
}

func TestMessagesInEstablishedDoNotAllocate(t *testing.T) {
	s := establishedSession(SessionConfig{HoldTime: 90 * time.Second}, 90*time.Second)
	now := time.Duration(0)
	if n := testing.AllocsPerRun(1000, func() {
		now += time.Second
		s.Handle(now, Event{Type: UpdateMsg})
		s.Handle(now, Event{Type: KeepAliveMsg})
		s.UpdateSent(now)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkSessionUpdate(b *testing.B) {
	s := establishedSession(SessionConfig{HoldTime: 90 * time.Second}, 90*time.Second)
	b.ReportAllocs()
	now := time.Duration(0)
	for b.Loop() {
		now += time.Millisecond
		s.Handle(now, Event{Type: UpdateMsg})
		s.Handle(now, Event{Type: KeepAliveMsg})
	}
}
