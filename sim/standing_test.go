package sim

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"onramp/design"
	"onramp/network"
)

func settledEstate(t *testing.T) (*Sim, *network.Network) {
	t.Helper()
	n := built(t, "northwind", design.Isolated, nil)
	s, err := New(n, Options{Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	if !s.Settle(5 * time.Minute) {
		t.Fatal("it does not settle")
	}
	return s, n
}

func TestAnInquiryIsAnsweredAsAPingIsAndLetsNoTimePass(t *testing.T) {
	s, n := settledEstate(t)
	site, vm := pair(t, n, false)
	from, err := s.Host(site)
	if err != nil {
		t.Fatal(err)
	}
	want, err := s.Ping(from, vm.Addr, PingOptions{Count: 1})
	if err != nil || want[0].Kind != Echoed {
		t.Fatal(want, err)
	}
	ask := func(o Inquiry) Answer {
		t.Helper()
		var got []Answer
		began := s.Now()
		if err := s.Inquire(from, vm.Addr, o, func(a Answer) { got = append(got, a) }); err != nil {
			t.Fatal(err)
		}
		if s.Now() != began || len(got) > 0 {
			t.Fatal("time has passed")
		}
		s.Run(began + time.Minute)
		if len(got) != 1 {
			t.Fatalf("%d answers", len(got))
		}
		return got[0]
	}
	if got := ask(Inquiry{}); got != want[0] {
		t.Errorf("%+v, where a ping is answered %+v", got, want[0])
	}
	if got := ask(Inquiry{TTL: 1, Datagram: true}); got.Kind != TimeExceeded {
		t.Errorf("%+v", got)
	}
	if got := ask(Inquiry{Datagram: true}); got.Kind != PortUnreachable || got.Addr != vm.Addr {
		t.Errorf("%+v", got)
	}
	if err := s.Fail(Silent, "site:"+site.Site); err != nil {
		t.Fatal(err)
	}
	if got := ask(Inquiry{}); got.Kind != Nothing || got.Loss.Reason == "" {
		t.Errorf("%+v", got)
	}
	if len(s.asked.open) > 0 {
		t.Errorf("%d questions are kept", len(s.asked.open))
	}
	if s.Inquire(Source{}, vm.Addr, Inquiry{}, nil) == nil {
		t.Error("nobody asks")
	}
}

func TestHowSessionsStandFollowsWhatHappens(t *testing.T) {
	s, _ := settledEstate(t)
	for _, x := range s.SessionStates() {
		if !x.Up || !x.May {
			t.Fatalf("%+v", x)
		}
	}
	i := slices.IndexFunc(s.wiring.Sessions, func(x network.WiredSession) bool { return x.Kind == "private" })
	if err := s.Impair(s.wiring.Sessions[i].Name, 0, Impairment{Dead: true}); err != nil {
		t.Fatal(err)
	}
	if x := s.SessionStates()[i]; !x.Up || x.May {
		t.Errorf("nobody has noticed yet: %+v", x)
	}
	if !s.Settle(5 * time.Minute) {
		t.Fatal("it does not settle")
	}
	if x := s.SessionStates()[i]; x.Up {
		t.Errorf("%+v", x)
	}
	router := s.links[i].ends[0].node.spec.Name
	at := slices.IndexFunc(s.Summary(router), func(n NeighborState) bool { return n.Session == s.wiring.Sessions[i].Name })
	if n := s.Summary(router)[at]; n.Up || n.For != 0 || n.Prefixes != 0 {
		t.Errorf("%+v", n)
	}
	if len(s.Advertised(router, s.wiring.Sessions[i].Name)) > 0 {
		t.Error("something is told over a session that is down")
	}
	if err := s.Impair(s.wiring.Sessions[i].Name, 0, Impairment{}); err != nil {
		t.Fatal(err)
	}
	if !s.Settle(5 * time.Minute) {
		t.Fatal("it does not settle")
	}
	began := s.Now()
	s.Run(began + time.Minute)
	if n := s.Summary(router)[at]; !n.Up || n.For < time.Minute || n.Prefixes == 0 {
		t.Errorf("%+v", n)
	}
	if s.Summary("nobody") != nil || s.Advertised("nobody", "") != nil || s.EffectiveRows("nowhere") != nil {
		t.Error("nobody has tables")
	}
}

func TestPlansThatAreOverMakeRoom(t *testing.T) {
	s, _ := settledEstate(t)
	called := 0
	for range 1000 {
		s.At(s.Now()+time.Millisecond, func() { called++; s.At(s.Now(), func() { called++ }) })
		s.Run(s.Now() + time.Millisecond)
	}
	if called != 2000 || len(s.plans) > 10 {
		t.Errorf("%d calls, %d places", called, len(s.plans))
	}
}

func TestACoarseClockChangesNothingButWhenItIsSeen(t *testing.T) {
	n := built(t, "northwind", design.Isolated, nil)
	want := lived(t, n, func(s *Sim) { s.Run(2 * time.Minute) })
	synctest.Test(t, func(t *testing.T) {
		const grain = 4 * time.Millisecond
		c := NewCoarseWall(0, grain)
		var woken int
		got := lived(t, n, func(s *Sim) {
			l := NewLive(s, counting{c, &woken})
			if err := l.Drive(t.Context(), 2*time.Minute); err != nil {
				t.Error(err)
			}
			if _, most := l.Lag(); most > grain {
				t.Errorf("something is late by %s", most)
			}
		})
		if !slices.Equal(got, want) {
			t.Error("other things happen")
		}
		if most := int(2 * time.Minute / grain); woken > most {
			t.Errorf("it wakes up %d times, where %d are enough", woken, most)
		}
	})
}

// counting is a clock that counts how often somebody waits for it.
type counting struct {
	Clock
	n *int
}

func (c counting) Wait(ctx context.Context, at time.Duration, woken <-chan struct{}) {
	*c.n++
	c.Clock.Wait(ctx, at, woken)
}
