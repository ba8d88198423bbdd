package bfd

import (
	"slices"
	"testing"
	"time"
)

func Test6_8_6_EveryStateMeetsEveryState(t *testing.T) {
	const none = NoDiagnostic
	for _, x := range []struct {
		in, hears, becomes State
		diag               Diag
	}{
		{AdminDown, AdminDown, AdminDown, AdministrativelyDown}, {AdminDown, Down, AdminDown, AdministrativelyDown}, {AdminDown, Init, AdminDown, AdministrativelyDown}, {AdminDown, Up, AdminDown, AdministrativelyDown},
		{Down, AdminDown, Down, none}, {Down, Down, Init, none}, {Down, Init, Up, none}, {Down, Up, Down, none},
		{Init, AdminDown, Down, NeighborSignaledDown}, {Init, Down, Init, none}, {Init, Init, Up, none}, {Init, Up, Up, none},
		{Up, AdminDown, Down, NeighborSignaledDown}, {Up, Down, Down, NeighborSignaledDown}, {Up, Init, Up, none}, {Up, Up, Up, none},
	} {
		t.Run(x.in.String()+" hears "+x.hears.String(), func(t *testing.T) {
			s := in(t, x.in, fast(), 0)
			p := said(x.hears)
			p.Poll = true
			sent, changes := split(s.Receive(ms, p))
			if s.State() != x.becomes || s.Diag() != x.diag || s.Remote().State != x.hears {
				t.Errorf("it becomes %s (%s), want %s (%s)", s.State(), s.Diag(), x.becomes, x.diag)
			}
			turned, told := x.in != x.becomes, x.hears == AdminDown
			if want := turned || told; want != (len(changes) == 1) || want && changes[0] != (Action{From: x.in, To: x.becomes, Diag: x.diag, NeighborAdminDown: told}) {
				t.Errorf("it tells %+v", changes)
			}
			finals := slices.DeleteFunc(slices.Clone(sent), func(p Packet) bool { return !p.Final })
			if want := x.in != AdminDown; want != (len(finals) == 1) {
				t.Errorf("it answers the poll with %+v", finals)
			}
			if turned != (len(sent)-len(finals) == 1) {
				t.Errorf("it sends %+v", sent)
			}
			for _, p := range sent {
				if p.State != x.becomes || p.Diag != x.diag {
					t.Errorf("%+v", p)
				}
			}
		})
	}
}

func Test6_8_6_WhatIsDiscardedChangesNothing(t *testing.T) {
	for _, x := range []struct {
		name  string
		spoil func(p *Packet)
	}{
		{"the multiplier is zero", func(p *Packet) { p.DetectMult = 0 }},
		{"it comes from nobody", func(p *Packet) { p.MyDiscriminator = 0 }},
		{"it is for another session", func(p *Packet) { p.YourDiscriminator = 9 }},
		{"it is for no session, and up", func(p *Packet) { p.YourDiscriminator, p.State = 0, Up }},
		{"it is for no session, and in init", func(p *Packet) { p.YourDiscriminator, p.State = 0, Init }},
	} {
		t.Run(x.name, func(t *testing.T) {
			s := in(t, Up, fast(), 0)
			before := *s
			p := said(Down)
			p.Poll = true
			x.spoil(&p)
			if list := s.Receive(ms, p); len(list) > 0 || s.state != before.state || s.remote != before.remote || s.heard != before.heard || s.timing != before.timing {
				t.Errorf("%+v", list)
			}
		})
	}
	t.Run("but down to no session is heard", func(t *testing.T) {
		s := in(t, Up, fast(), 0)
		p := said(Down)
		p.YourDiscriminator = 0
		if s.Receive(ms, p); s.State() != Down {
			t.Error(s.State())
		}
	})
}

func Test6_8_6_WhatTheNeighbourSaysIsKept(t *testing.T) {
	s := in(t, Up, fast(), 0)
	s.Receive(ms, Packet{Diag: PathDown, State: Up, ControlPlaneIndependent: true, Demand: true, DetectMult: 9, MyDiscriminator: 5, YourDiscriminator: 1, DesiredMinTxInterval: 7, RequiredMinRxInterval: 8})
	if want := (Remote{Up, PathDown, true, true, 9, 5, 7 * time.Microsecond, 8 * time.Microsecond}); s.Remote() != want {
		t.Errorf("%+v", s.Remote())
	}
	if s.packet().YourDiscriminator != 5 {
		t.Errorf("%+v", s.packet())
	}
}

func Test6_8_7_AChangeOfStateIsToldAtOnce(t *testing.T) {
	s := NewSession(fast(), 0)
	s.Tick(0)
	for i, x := range []struct {
		name string
		do   func(now time.Duration) []Action
		want Packet
	}{
		{"init", func(now time.Duration) []Action { return s.Receive(now, said(Down)) }, Packet{State: Init, DesiredMinTxInterval: 1_000_000}},
		{"up", func(now time.Duration) []Action { return s.Receive(now, said(Init)) }, Packet{State: Up, DesiredMinTxInterval: 300_000, Poll: true}},
		{"down", func(now time.Duration) []Action { return s.Receive(now, said(Down)) }, Packet{State: Down, Diag: NeighborSignaledDown, DesiredMinTxInterval: 1_000_000, Poll: true}},
		{"admin down", func(now time.Duration) []Action { return s.SetAdminDown(now, true) }, Packet{State: AdminDown, Diag: AdministrativelyDown, DesiredMinTxInterval: 1_000_000, Poll: true}},
		{"down by will", func(now time.Duration) []Action { return s.SetAdminDown(now, false) }, Packet{State: Down, DesiredMinTxInterval: 1_000_000, Poll: true}},
	} {
		x.want.DetectMult, x.want.MyDiscriminator, x.want.YourDiscriminator, x.want.RequiredMinRxInterval = 3, 1, 2, 300_000
		now := time.Duration(i+1) * ms
		if sent, _ := split(x.do(now)); len(sent) != 1 || sent[0] != x.want {
			t.Errorf("%s: %+v\nwant %+v", x.name, sent, x.want)
		}
		if at, _ := s.Deadline(); at < now+3*s.interval()/4 {
			t.Errorf("%s: the next at %s", x.name, at)
		}
	}
}

func Test6_8_7_TheControlPlaneBitIsTheOwners(t *testing.T) {
	c := fast()
	c.ControlPlaneIndependent = true
	if !in(t, Up, c, 0).packet().ControlPlaneIndependent || in(t, Up, fast(), 0).packet().ControlPlaneIndependent {
		t.Error("it is not sent as configured")
	}
}

func Test6_8_12_And_6_8_13_NewIntervalsAreInTheNextPacket(t *testing.T) {
	for _, state := range []State{AdminDown, Down, Init, Up} {
		s := in(t, state, fast(), 0)
		if state == Init {
			p := said(Down)
			p.DesiredMinTxInterval = 1_000_000
			s.Receive(0, p)
		}
		s.SetIntervals(0, 2*time.Second, 100*ms)
		_, sent := next(t, s)
		known := state == Init || state == Up
		if len(sent) != 1 || sent[0].DesiredMinTxInterval != 2_000_000 || sent[0].RequiredMinRxInterval != 100_000 || sent[0].Poll != known {
			t.Errorf("%s: %+v", state, sent)
		}
		if state != Up && (s.interval() != 2*time.Second || s.usedRx != 100*ms) {
			t.Errorf("%s does not use them at once", state)
		}
	}
}

func Test6_8_14_ANewMultiplierIsInTheNextPacketWithoutAPoll(t *testing.T) {
	s := in(t, Up, fast(), 0)
	if list := s.SetDetectMult(0, 8); len(list) > 0 {
		t.Errorf("%+v", list)
	}
	if _, sent := next(t, s); sent[0].DetectMult != 8 || sent[0].Poll {
		t.Errorf("%+v", sent)
	}
	s.SetDetectMult(0, 0)
	if _, sent := next(t, s); sent[0].DetectMult != 1 {
		t.Errorf("%+v", sent)
	}
}

func Test6_8_14_TheNeighboursNewMultiplierCountsAtOnce(t *testing.T) {
	s := in(t, Up, fast(), 0)
	p := said(Up)
	p.DetectMult = 10
	if s.Receive(0, p); s.DetectionTime() != 3*time.Second {
		t.Error(s.DetectionTime())
	}
}

func Test6_8_15_AResetOfTheForwardingPlaneTakesItDown(t *testing.T) {
	for _, x := range []struct {
		in, becomes State
		diag        Diag
	}{{AdminDown, AdminDown, AdministrativelyDown}, {Down, Down, ForwardingPlaneReset}, {Init, Down, ForwardingPlaneReset}, {Up, Down, ForwardingPlaneReset}} {
		s := in(t, x.in, fast(), 0)
		if _, changes := split(s.Reset(ms)); s.State() != x.becomes || s.Diag() != x.diag || (len(changes) == 1) != (x.in != x.becomes) {
			t.Errorf("%s becomes %s (%s): %+v", x.in, s.State(), s.Diag(), changes)
		}
	}
}

func Test6_8_16_EveryStateMeetsItsOwnersWill(t *testing.T) {
	for _, x := range []struct {
		in      State
		down    bool
		becomes State
		diag    Diag
	}{
		{AdminDown, true, AdminDown, AdministrativelyDown}, {Down, true, AdminDown, AdministrativelyDown}, {Init, true, AdminDown, AdministrativelyDown}, {Up, true, AdminDown, AdministrativelyDown},
		{AdminDown, false, Down, NoDiagnostic}, {Down, false, Down, NoDiagnostic}, {Init, false, Init, NoDiagnostic}, {Up, false, Up, NoDiagnostic},
	} {
		s := in(t, x.in, fast(), 0)
		sent, changes := split(s.SetAdminDown(ms, x.down))
		turned := x.in != x.becomes
		if s.State() != x.becomes || s.Diag() != x.diag || turned != (len(changes) == 1) || turned != (len(sent) == 1) {
			t.Errorf("%s, down %v: %s (%s), %+v, %+v", x.in, x.down, s.State(), s.Diag(), changes, sent)
		}
	}
}

func Test6_8_16_AdminDownIsSaidForMoreThanADetectionTime(t *testing.T) {
	r := newRig(t, fast(), fast())
	r.until(5 * time.Second)
	r.mustBeUp()
	r.changes = nil
	r.handle(0, r.s[0].SetAdminDown(r.now, true))
	r.until(r.now + ms)
	if want := []string{"0 Up>AdminDown administratively down", "1 Up>Down neighbour signaled down"}; !slices.Equal(r.changes, want) {
		t.Errorf("%v", r.changes)
	}
	r.sent = [2][]sending{}
	start := r.now
	r.until(start + time.Minute)
	list := r.sent[0]
	if len(list) < 60 || list[len(list)-1].at < start+59*time.Second {
		t.Errorf("%d packets", len(list))
	}
	if len(r.changes) != 2 || r.s[1].Remote().State != AdminDown {
		t.Errorf("%v", r.changes)
	}
	r.handle(0, r.s[0].SetAdminDown(r.now, false))
	r.until(r.now + 5*time.Second)
	r.mustBeUp()
}

// RFC 5882 section 3.2: no failure of the path; the owner must be able to tell, also when the neighbour says so only later, and when it
// falls silent.
func Test5882_3_2_TheNeighboursWillIsNoFailure(t *testing.T) {
	s := in(t, Up, fast(), 0)
	want := func(name string, list []Action, want ...Action) {
		t.Helper()
		if _, changes := split(list); !slices.Equal(changes, want) {
			t.Errorf("%s: %+v", name, changes)
		}
	}
	want("its will", s.Receive(0, said(AdminDown)), Action{From: Up, To: Down, Diag: NeighborSignaledDown, NeighborAdminDown: true})
	want("again", s.Receive(0, said(AdminDown)))
	want("silence", s.Tick(10*time.Second))
	if s.Remote().State != AdminDown {
		t.Error("silence makes it forget")
	}
	want("its return", s.Receive(11*time.Second, said(Down)), Action{From: Down, To: Init, Diag: NeighborSignaledDown})
	want("up", s.Receive(11*time.Second, said(Up)), Action{From: Init, To: Up})
	want("a failure", s.Tick(20*time.Second), Action{From: Up, To: Down, Diag: DetectionTimeExpired})
	want("its will, after the failure", s.Receive(21*time.Second, said(AdminDown)), Action{From: Down, To: Down, Diag: DetectionTimeExpired, NeighborAdminDown: true})
	want("up without having been down", s.Receive(21*time.Second, said(Up)), Action{From: Down, To: Down, Diag: DetectionTimeExpired})
	s.SetAdminDown(22*time.Second, true)
	want("both", s.Receive(22*time.Second, said(AdminDown)), Action{From: AdminDown, To: AdminDown, Diag: AdministrativelyDown, NeighborAdminDown: true})
}

// RFC 5882 section 4.3: after a failure the owner asks whether the neighbour's control plane may have failed with it.
func Test5882_4_3_TheNeighboursControlPlaneBitOutlivesItsSilence(t *testing.T) {
	s := in(t, Up, fast(), 0)
	p := said(Up)
	p.ControlPlaneIndependent = true
	s.Receive(0, p)
	if s.Tick(time.Second); s.State() != Down || !s.Remote().ControlPlaneIndependent {
		t.Errorf("%s, %+v", s.State(), s.Remote())
	}
}

func Test6_8_17_APathBehindThisOneIsToldWithoutGoingDown(t *testing.T) {
	s := in(t, Up, fast(), 0)
	s.SetPathDiag(0, ConcatenatedPathDown)
	if _, sent := next(t, s); s.State() != Up || sent[0].Diag != ConcatenatedPathDown || sent[0].Poll {
		t.Errorf("%s: %+v", s.State(), sent)
	}
}

func Test6_8_18_ANeighbourThatWantsNothingGetsNothingUntilItIsGone(t *testing.T) {
	s := in(t, Down, fast(), 0)
	p := said(Up) // Down hears it and stays
	p.RequiredMinRxInterval = 0
	s.Receive(0, p)
	if at, ok := s.Deadline(); !ok || at != 900*ms {
		t.Errorf("due at %s", at)
	}
	if list := s.SetAdminDown(ms, true); len(list) != 1 || list[0].Send {
		t.Errorf("%+v", list)
	}
	s.SetAdminDown(ms, false)
	p.Poll = true
	if sent, _ := split(s.Receive(2*ms, p)); len(sent) != 1 || !sent[0].Final {
		t.Errorf("its poll is answered by %+v", sent)
	}
	if sent, _ := split(s.Tick(902 * ms)); len(sent) != 1 || s.Remote().RequiredMinRx != time.Microsecond {
		t.Errorf("after a detection time it sends %+v", sent)
	}
}

func Test6_8_18_ASessionMayWantNothing(t *testing.T) {
	r := newRig(t, fast(), fast())
	r.until(5 * time.Second)
	r.handle(0, r.s[0].SetIntervals(r.now, 300*ms, 0))
	r.until(r.now + 300*ms)
	r.sent = [2][]sending{}
	r.until(r.now + 10*time.Second)
	for _, x := range r.sent[1] {
		if !x.p.Final {
			t.Fatalf("at %s: %+v", x.at, x.p)
		}
	}
	r.handle(0, r.s[0].SetIntervals(r.now, 300*ms, 300*ms))
	r.until(r.now + 20*time.Second)
	r.mustBeUp()
}
