package bfd

import (
	"testing"
	"time"
)

// The tests of this file and, from 6.8.6 on, of session_rfc_change_test.go are RFC 5880 section 6.8, and what 6.1 to 6.6 add to it, section
// by section. Echo (6.8.5, 6.8.8, 6.8.9, its part of 6.8.15 and 6.8.16), authentication and demand mode of our own are left out
// (docs/rfcs.md).

func Test6_1_APassiveSessionSpeaksWhenItIsSpokenTo(t *testing.T) {
	c := fast()
	c.Passive = true
	s := NewSession(c, 0)
	if at, ok := s.Deadline(); ok || len(s.Tick(time.Minute)) > 0 {
		t.Fatalf("it speaks by itself, at %s", at)
	}
	p := said(Down)
	p.DesiredMinTxInterval = 1_000_000
	sent, _ := split(s.Receive(time.Minute, p))
	if len(sent) != 1 || sent[0].State != Init || sent[0].YourDiscriminator != 2 {
		t.Errorf("%+v", sent)
	}
	// RFC 5880 section 6.8.7: nothing is sent while it knows no discriminator.
	if at, sent := next(t, s); at > time.Minute+time.Second || len(sent) != 1 {
		t.Fatalf("at %s: %+v", at, sent)
	}
	s.Tick(time.Hour)
	if _, ok := s.Deadline(); ok || s.State() != Down {
		t.Errorf("the neighbour is gone, it is %s and goes on", s.State())
	}
	if sent, _ := split(s.SetAdminDown(time.Hour, true)); len(sent) > 0 {
		t.Errorf("%+v", sent)
	}
}

func Test6_2_DownIsLeftOnlyWhenTheNeighbourHasSeenIt(t *testing.T) {
	s := in(t, Up, fast(), 0)
	s.Tick(900 * ms)
	if s.State() != Down {
		t.Fatal(s.State())
	}
	if s.Receive(time.Second, said(Up)); s.State() != Down {
		t.Errorf("a neighbour that has noticed nothing makes it %s", s.State())
	}
}

func Test6_5_APollGoesWithPeriodicPacketsUntilItsFinal(t *testing.T) {
	s := in(t, Up, fast(), 0)
	due, _ := s.Deadline()
	if list := s.SetIntervals(100*ms, 300*ms, 400*ms); len(list) > 0 {
		t.Errorf("it sends %+v besides the periodic packets", list)
	}
	if at, sent := next(t, s); at != due || !sent[0].Poll {
		t.Errorf("at %s instead of %s: %+v", at, due, sent)
	}
	s.Receive(400*ms, said(Up))
	if _, sent := next(t, s); !sent[0].Poll {
		t.Error("a packet that is no final ends the poll")
	}
	final := said(Up)
	final.Final = true
	s.Receive(600*ms, final)
	if _, sent := next(t, s); sent[0].Poll {
		t.Error("the final does not end it")
	}
}

// The final of a poll that was never sent ends none.
func Test6_5_AFinalThatAnswersNothingEndsNoPoll(t *testing.T) {
	s := in(t, Up, fast(), 0)
	s.SetIntervals(0, 900*ms, 300*ms)
	final := said(Up)
	final.Final = true
	s.Receive(ms, final)
	if s.interval() != 300*ms || !s.wanted {
		t.Errorf("it sends every %s, to be polled for: %v", s.interval(), s.wanted)
	}
}

func Test6_5_APollIsAnsweredAtOnceByAFinalThatPollsNot(t *testing.T) {
	for _, state := range []State{Down, Init, Up} {
		s := in(t, state, fast(), 0)
		if state == Up {
			s.SetIntervals(0, 400*ms, 400*ms) // a poll of its own is under way
		}
		due := s.due()
		p := said(Up)
		if state == Init {
			p = said(Down)
		}
		p.Poll = true
		sent, _ := split(s.Receive(ms, p))
		if len(sent) != 1 || !sent[0].Final || sent[0].Poll || sent[0].State != state {
			t.Errorf("%s answers %+v", state, sent)
		}
		if again := s.due(); again != due {
			t.Errorf("%s: the answer moves the periodic packet from %s to %s", state, due, again)
		}
	}
}

// Both bits together are forbidden, but no reason to discard a packet.
func Test6_5_APacketWithPollAndFinalCountsAsBoth(t *testing.T) {
	s := in(t, Up, fast(), 0)
	s.SetIntervals(0, 900*ms, 300*ms)
	next(t, s)
	p := said(Up)
	p.Poll, p.Final = true, true
	if sent, _ := split(s.Receive(400*ms, p)); len(sent) != 1 || !sent[0].Final || s.polling || s.interval() != 900*ms {
		t.Errorf("%+v, polling %v, every %s", sent, s.polling, s.interval())
	}
}

func Test6_6_ANeighbourInDemandModeIsLeftInPeace(t *testing.T) {
	s := in(t, Up, fast(), 0)
	demand := said(Up)
	demand.Demand = true
	s.Receive(100*ms, demand)
	if at, ok := s.Deadline(); !ok || at != 100*ms+900*ms {
		t.Fatalf("due at %s, want nothing but the detection time", at)
	}
	t.Run("its polls are answered", func(t *testing.T) {
		p := demand
		p.Poll = true
		if sent, _ := split(s.Receive(200*ms, p)); len(sent) != 1 || !sent[0].Final || sent[0].Demand {
			t.Errorf("%+v", sent)
		}
	})
	for i, x := range []struct {
		name string
		do   func(now time.Duration)
	}{
		{"new intervals are told by a poll", func(now time.Duration) { s.SetIntervals(now, 300*ms, 500*ms) }},
		{"a new multiplier is", func(now time.Duration) { s.SetDetectMult(now, 7) }},
		{"a diagnostic of a path behind is", func(now time.Duration) { s.SetPathDiag(now, ConcatenatedPathDown) }},
		{"its new discriminator is", func(now time.Duration) { demand.MyDiscriminator = 77; s.Receive(now, demand) }},
	} {
		t.Run(x.name, func(t *testing.T) {
			now := time.Second * time.Duration(i+1)
			s.Receive(now, demand)
			x.do(now)
			at, sent := next(t, s)
			if len(sent) != 1 || !sent[0].Poll || s.packet() != s.told {
				t.Fatalf("%+v", sent)
			}
			if _, sent := next(t, s); len(sent) != 1 || !sent[0].Poll {
				t.Errorf("it is not repeated: %+v", sent)
			}
			final := demand
			final.Final = true
			s.Receive(at+300*ms, final)
			if due, _ := s.Deadline(); due != s.heard+s.DetectionTime() {
				t.Errorf("and goes on at %s", due)
			}
		})
	}
	t.Run("until it demands no more", func(t *testing.T) {
		s.Receive(5*time.Second, said(Up))
		if at, sent := next(t, s); at > 5*time.Second || len(sent) != 1 {
			t.Errorf("at %s: %+v", at, sent)
		}
	})
	t.Run("its silence is detected", func(t *testing.T) {
		s.Receive(6*time.Second, demand)
		for s.State() == Up {
			next(t, s)
		}
		if s.Diag() != DetectionTimeExpired {
			t.Error(s.Diag())
		}
		if sent, _ := split(s.Tick(10 * time.Second)); len(sent) != 1 {
			t.Errorf("and it stays silent: %+v", sent)
		}
	})
}

func Test6_6_DemandCountsOnlyWhileBothAreUp(t *testing.T) {
	for _, state := range []State{Down, Init} {
		s := in(t, state, fast(), 0)
		p := said(AdminDown)
		p.Demand = true
		s.Receive(0, p)
		if !s.transmits() {
			t.Errorf("%s falls silent", state)
		}
	}
	s := in(t, Up, fast(), 0)
	p := said(Init) // up here, not there
	p.Demand = true
	if s.Receive(0, p); !s.transmits() {
		t.Error("it falls silent for a neighbour that is not up")
	}
}

func Test6_8_1_WhatASessionBeginsWith(t *testing.T) {
	c := fast()
	s := NewSession(c, time.Second)
	if s.State() != Down || s.Diag() != NoDiagnostic {
		t.Errorf("%s, %s", s.State(), s.Diag())
	}
	if s.Remote() != (Remote{State: Down, RequiredMinRx: time.Microsecond}) {
		t.Errorf("%+v", s.Remote())
	}
	if s.DetectionTime() != 0 {
		t.Errorf("it detects after %s", s.DetectionTime())
	}
	at, sent := next(t, s)
	want := Packet{State: Down, DetectMult: 3, MyDiscriminator: 1, DesiredMinTxInterval: 1_000_000, RequiredMinRxInterval: 300_000}
	if at != time.Second || len(sent) != 1 || sent[0] != want {
		t.Errorf("at %s: %+v", at, sent)
	}
}

func Test6_8_1_ASilentNeighbourIsForgottenAfterADetectionTimeInEachState(t *testing.T) {
	for _, x := range []struct {
		in, becomes State
		diag        Diag
	}{
		{AdminDown, AdminDown, AdministrativelyDown},
		{Down, Down, NoDiagnostic},
		{Init, Down, DetectionTimeExpired},
		{Up, Down, DetectionTimeExpired},
	} {
		t.Run(x.in.String(), func(t *testing.T) {
			s := in(t, x.in, fast(), 0)
			if x.in == AdminDown || x.in == Down {
				p := said(AdminDown)
				p.RequiredMinRxInterval = 0
				s.Receive(0, p)
			}
			remote := s.Remote().State
			s.Tick(900*ms - 1)
			if s.State() != x.in || s.Remote().Discriminator != 2 {
				t.Fatalf("too early: %s, %+v", s.State(), s.Remote())
			}
			sent, changes := split(s.Tick(900 * ms))
			if s.State() != x.becomes || s.Diag() != x.diag || s.Remote() != (Remote{State: remote, RequiredMinRx: time.Microsecond}) {
				t.Errorf("%s, %s, %+v", s.State(), s.Diag(), s.Remote())
			}
			if x.in != x.becomes && (len(changes) != 1 || changes[0].From != x.in || changes[0].To != Down) || x.in == x.becomes && len(changes) > 0 {
				t.Errorf("%+v", changes)
			}
			if x.in == x.becomes {
				sent, _ = split(s.Tick(s.due())) // no news, so not at once
			}
			if len(sent) != 1 || sent[0].State != x.becomes || sent[0].Diag != x.diag || sent[0].YourDiscriminator != 0 || sent[0].Poll {
				t.Errorf("%+v", sent)
			}
		})
	}
}

func Test6_8_2_TheSlowerOfBothSetsThePace(t *testing.T) {
	for _, x := range []struct {
		rx   uint32
		want time.Duration
	}{{0, 0}, {1, 300 * ms}, {300_000, 300 * ms}, {700_000, 700 * ms}} {
		s := in(t, Up, fast(), 0)
		p := said(Up)
		p.RequiredMinRxInterval = x.rx
		s.Receive(0, p)
		if x.rx == 0 {
			if s.transmits() {
				t.Error("a neighbour that wants none gets packets")
			}
			continue
		}
		if s.interval() != x.want {
			t.Errorf("%d: %s", x.rx, s.interval())
		}
	}
}

func Test6_8_3_ALongerTransmitIntervalCountsAfterThePoll(t *testing.T) {
	s := in(t, Up, fast(), 0)
	s.SetIntervals(0, time.Second, 300*ms)
	_, sent := next(t, s)
	if s.interval() != 300*ms || sent[0].DesiredMinTxInterval != 1_000_000 || !sent[0].Poll {
		t.Errorf("every %s: %+v", s.interval(), sent)
	}
	p := said(Up)
	p.Final = true
	if s.Receive(400*ms, p); s.interval() != time.Second {
		t.Errorf("after the final every %s", s.interval())
	}
}

func Test6_8_3_AShorterTransmitIntervalCountsAtOnce(t *testing.T) {
	s := in(t, Up, fast(), 0)
	_, _ = next(t, s)
	last := s.sentAt
	p := said(Up)
	p.RequiredMinRxInterval = 50_000
	s.Receive(last+10*ms, p)
	s.SetIntervals(last+10*ms, 50*ms, 300*ms)
	if at, _ := s.Deadline(); at < last+37*ms || at > last+50*ms {
		t.Errorf("the next %s after the last", at-last)
	}
}

func Test6_8_3_AShorterReceiveIntervalCountsAfterThePoll(t *testing.T) {
	s := in(t, Up, fast(), 0)
	p := said(Up)
	p.DesiredMinTxInterval = 1000
	s.Receive(0, p)
	s.SetIntervals(0, 300*ms, 50*ms)
	next(t, s)
	if s.DetectionTime() != 900*ms {
		t.Errorf("before the final after %s", s.DetectionTime())
	}
	p.Final = true
	if s.Receive(400*ms, p); s.DetectionTime() != 150*ms {
		t.Errorf("then after %s", s.DetectionTime())
	}
}

func Test6_8_3_ALongerReceiveIntervalCountsAtOnce(t *testing.T) {
	s := in(t, Up, fast(), 0)
	if s.SetIntervals(0, 300*ms, 2*time.Second); s.DetectionTime() != 6*time.Second {
		t.Error(s.DetectionTime())
	}
}

func Test6_8_3_ANeighbourThatWantsToHearMoreOftenDoesSoAfterItsNewInterval(t *testing.T) {
	c := fast()
	s := in(t, Up, c, 0)
	p := said(Up)
	p.RequiredMinRxInterval = 10_000_000
	s.Receive(0, p)
	last := s.sentAt
	if at := s.due(); at < last+7500*ms {
		t.Fatalf("due at %s", at)
	}
	p.RequiredMinRxInterval = 400_000
	s.Receive(200*ms, p)
	if at := s.due(); at < last+300*ms || at > last+400*ms {
		t.Errorf("due %s after the last", at-last)
	}
	p.RequiredMinRxInterval = 10_000_000
	s.Receive(250*ms, p)
	p.RequiredMinRxInterval = 1
	s.Receive(3*time.Second, p)
	if at, sent := next(t, s); at > 3*time.Second || len(sent) != 1 {
		t.Errorf("overdue, and sent at %s", at)
	}
}

func Test6_8_3_WhileItIsNotUpItSaysASecondAtTheLeast(t *testing.T) {
	for _, state := range []State{AdminDown, Down, Init} {
		if s := in(t, state, fast(), 0); s.packet().DesiredMinTxInterval != 1_000_000 || s.interval() != time.Second {
			t.Errorf("%s: %+v, every %s", state, s.packet(), s.interval())
		}
	}
	c := fast()
	c.DesiredMinTx = 3 * time.Second
	if s := in(t, Down, c, 0); s.packet().DesiredMinTxInterval != 3_000_000 {
		t.Errorf("%+v", s.packet())
	}
	s := in(t, Up, fast(), 0)
	if s.interval() != 300*ms {
		t.Errorf("up, and every %s", s.interval())
	}
	sent, _ := split(s.Receive(ms, said(Down)))
	if s.interval() != time.Second || len(sent) != 1 || sent[0].DesiredMinTxInterval != 1_000_000 || !sent[0].Poll {
		t.Errorf("down again, every %s: %+v", s.interval(), sent)
	}
}

// The final of the first poll may answer a packet without the newest values, so it makes none of them count; and the second poll waits
// until all finals of the first must be in.
func Test6_8_3_AChangeDuringAPollIsPolledForOnceMore(t *testing.T) {
	s := in(t, Up, fast(), 0)
	final := said(Up)
	final.Final = true
	s.SetIntervals(0, 400*ms, 300*ms)
	first, _ := next(t, s)
	s.SetIntervals(first, 900*ms, 200*ms)
	second, _ := next(t, s)
	s.Receive(second+200*ms, final)
	if s.interval() != 300*ms || s.usedRx != 300*ms {
		t.Errorf("the first final makes it send every %s and expect every %s", s.interval(), s.usedRx)
	}
	trip := second + 200*ms - first
	for s.due() < second+2*trip {
		at, sent := next(t, s)
		if sent[0].Poll {
			t.Fatalf("it polls %s after the last poll", at-second)
		}
		s.Receive(at, final) // late ones, of the first poll
	}
	if _, sent := next(t, s); !sent[0].Poll || s.interval() != 300*ms {
		t.Errorf("%+v", sent)
	}
	if s.Receive(s.sentAt+200*ms, final); s.interval() != 900*ms || s.usedRx != 200*ms {
		t.Errorf("then every %s, expecting every %s", s.interval(), s.usedRx)
	}
}

func Test6_8_4_TheDetectionTimeIsTheNeighboursMultiplierTimesTheAgreedInterval(t *testing.T) {
	for _, x := range []struct {
		mult uint8
		tx   uint32
		want time.Duration
	}{{3, 300_000, 900 * ms}, {3, 100_000, 900 * ms}, {3, 500_000, 1500 * ms}, {1, 0, 300 * ms}, {255, 1<<32 - 1, 255 * longestInterval}} {
		s := in(t, Up, fast(), 0)
		p := said(Up)
		p.DetectMult, p.DesiredMinTxInterval = x.mult, x.tx
		s.Receive(0, p)
		if s.DetectionTime() != x.want {
			t.Errorf("%d times %d: %s", x.mult, x.tx, s.DetectionTime())
		}
		s.Receive(10*ms, p)
		if s.Tick(10*ms + x.want - 1); s.State() != Up {
			t.Error("it goes down before")
		}
		if s.Tick(10*ms + x.want); s.State() != Down || s.Diag() != DetectionTimeExpired {
			t.Errorf("%s, %s", s.State(), s.Diag())
		}
	}
}
