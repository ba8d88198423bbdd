package sim

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"onramp/bfd"
	"onramp/design"
	"onramp/network"
)

// story is a life of an estate that can be told twice: at some times something is done to it. It returns what is done at which time.
func story(t testing.TB, s *Sim, n *network.Network) {
	site, vm := pair(t, n, false)
	q, err := s.NewProbe("there and back", site, vm)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(s.wiring.Sessions, func(x network.WiredSession) bool { return x.Kind == "private" })
	cut := s.wiring.Sessions[i].Elements[0]
	s.At(60*time.Second, func() { q.Send(50*time.Millisecond, 70*time.Second) })
	s.At(62*time.Second, func() {
		if err := s.Fail(Silent, cut); err != nil {
			t.Error(err)
		}
	})
	s.At(80*time.Second, func() {
		if err := s.Repair(cut); err != nil {
			t.Error(err)
		}
	})
}

// lived is what happens in an estate that somebody drives.
func lived(t *testing.T, n *network.Network, drive func(*Sim)) []Happening {
	t.Helper()
	var out []Happening
	s, err := New(n, Options{Seed: 7, Observe: func(h Happening) { out = append(out, h) }})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	story(t, s, n)
	drive(s)
	if s.Now() != 2*time.Minute {
		t.Fatalf("it ends at %s", s.Now())
	}
	return out
}

func TestAnEstateLivesTheSameUnderEveryClock(t *testing.T) {
	n := built(t, "northwind", design.Isolated, nil)
	want := lived(t, n, func(s *Sim) { s.Run(2 * time.Minute) })
	if !slices.ContainsFunc(want, func(h Happening) bool { return h.What == "bfd" && h.From == bfd.Up.String() }) {
		t.Fatal("nothing happens")
	}
	under := func(t *testing.T, c Clock, disturb func(*Live)) []Happening {
		return lived(t, n, func(s *Sim) {
			l := NewLive(s, c)
			if disturb != nil {
				disturb(l)
			}
			if err := l.Drive(t.Context(), 2*time.Minute); err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("the virtual one", func(t *testing.T) {
		if got := under(t, &Jump{}, nil); !slices.Equal(got, want) {
			t.Error("other things happen")
		}
	})
	t.Run("the one on the wall", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			if got := under(t, NewWall(0), nil); !slices.Equal(got, want) {
				t.Error("other things happen")
			}
			if d := time.Since(began); d != 2*time.Minute {
				t.Errorf("it takes %s", d)
			}
		})
	})
	t.Run("the one on the wall, with somebody who looks and dawdles", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var readers sync.WaitGroup
			var l *Live
			got := under(t, NewWall(0), func(x *Live) {
				l = x
				readers.Go(func() {
					for range 20 {
						time.Sleep(3 * time.Second)
						if err := l.Call(t.Context(), func(s *Sim) {
							if len(s.Table(s.Routers()[0])) == 0 {
								t.Error("an empty table")
							}
							time.Sleep(1500 * time.Millisecond) // the loop falls behind
						}); err != nil {
							t.Error(err)
						}
					}
				})
			})
			readers.Wait()
			if !slices.Equal(got, want) {
				t.Error("other things happen")
			}
			if last, most := l.Lag(); last != 0 || most < 1400*time.Millisecond || most > 1500*time.Millisecond {
				t.Errorf("it lags by %s, and by %s at the most", last, most)
			}
		})
	})
}

func TestALinkThatSomebodyCutsWhileItRunsIsMissedInTime(t *testing.T) {
	n := built(t, "northwind", design.Isolated, nil)
	synctest.Test(t, func(t *testing.T) {
		var cutAt time.Duration
		down := map[string]time.Duration{}
		s, err := New(n, Options{Seed: 7, Observe: func(h Happening) {
			if h.What == "bfd" && h.From == bfd.Up.String() && h.To == bfd.Down.String() && cutAt > 0 {
				down[h.Node+" "+h.Session] = h.At - cutAt
			}
		}})
		if err != nil {
			t.Fatal(err)
		}
		s.Start()
		i := slices.IndexFunc(s.wiring.Sessions, func(x network.WiredSession) bool { return x.Kind == "private" })
		link := s.wiring.Sessions[i]
		ctx, stop := context.WithCancel(t.Context())
		l := NewLive(s, NewWall(0))
		done := make(chan error)
		go func() { done <- l.Drive(ctx, Forever) }()
		time.Sleep(time.Minute + 123456*time.Microsecond)
		if err := l.Call(t.Context(), func(s *Sim) {
			if cutAt = s.Now(); cutAt != time.Minute+123456*time.Microsecond {
				t.Errorf("it is %s", cutAt)
			}
			if err := s.Fail(Silent, link.Elements[0]); err != nil {
				t.Error(err)
			}
		}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		stop()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("stopped: %v", err)
		}
		for end, r := range []int{link.A, link.B} {
			d, ok := down[s.wiring.Routers[r].Name+" "+link.Name]
			if b := s.Detects(i, end); !ok || d < b.Lower || d > b.Upper+link.Delay {
				t.Errorf("%s notices after %s (%t), want between %s and %s", s.wiring.Routers[r].Name, d, ok, b.Lower, b.Upper)
			}
		}
	})
}

func TestAnEstateThatHasStoppedTakesNothing(t *testing.T) {
	s, err := NewPlain(chain(2), Options{})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	synctest.Test(t, func(t *testing.T) {
		why := errors.New("enough")
		ctx, stop := context.WithCancelCause(t.Context())
		l := NewLive(s, NewWall(0))
		nothing := func(*Sim) {}
		for range mostPosts { // nobody drives yet: all wait
			if err := l.Post(ctx, nothing); err != nil {
				t.Fatal(err)
			}
		}
		hurry, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := l.Post(hurry, nothing); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("one more than wait: %v", err)
		}
		done := make(chan error)
		go func() { done <- l.Drive(ctx, Forever) }()
		if err := l.Call(ctx, func(*Sim) { stop(why) }); err != nil && !errors.Is(err, why) {
			t.Error(err)
		}
		if err := <-done; !errors.Is(err, why) {
			t.Errorf("stopped: %v", err)
		}
		for name, call := range map[string]func(context.Context, func(*Sim)) error{"post": l.Post, "call": l.Call} {
			if err := call(t.Context(), func(*Sim) { t.Error("it is called") }); !errors.Is(err, ErrStopped) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestACallThatIsNotReachedIsToldSo(t *testing.T) {
	s, err := NewPlain(chain(2), Options{})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		l := NewLive(s, NewWall(0))
		told := make(chan error)
		go func() { told <- l.Call(t.Context(), func(*Sim) { t.Error("it is called") }) }()
		synctest.Wait()
		stop()
		if err := l.Drive(ctx, Forever); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if err := <-told; !errors.Is(err, ErrStopped) {
			t.Errorf("told %v", err)
		}
	})
}

func TestWhereNothingHappensTheVirtualClockWaitsForSomebody(t *testing.T) {
	s, err := NewPlain(chain(1), Options{})
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		l := NewLive(s, &Jump{})
		done := make(chan error)
		go func() { done <- l.Drive(t.Context(), Forever) }()
		called := false
		if err := l.Call(t.Context(), func(s *Sim) { s.At(time.Hour, func() { called = true; s.now = Forever }) }); err != nil {
			t.Error(err)
		}
		if err := <-done; err != nil || !called {
			t.Errorf("%v, %t", err, called)
		}
	})
}

func TestWhoIsCalledByTheLoopLetsNoTimePass(t *testing.T) {
	s, err := NewPlain(chain(2), Options{})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	l := NewLive(s, &Jump{})
	if err := l.Post(t.Context(), func(s *Sim) {
		defer func() {
			if recover() == nil {
				t.Error("time passes")
			}
		}()
		s.Settle(time.Minute)
	}); err != nil {
		t.Fatal(err)
	}
	if err := l.Drive(t.Context(), time.Second); err != nil {
		t.Error(err)
	}
	s.Run(2 * time.Second) // afterwards it is the caller's again
}

// TestTheWallClockIsNotFast is the one test that really waits: whatever the machine is busy with, nothing happens before its time.
func TestTheWallClockIsNotFast(t *testing.T) {
	n := built(t, "northwind", design.Isolated, nil)
	var wall *Wall
	noticed := make(chan time.Duration, 16)
	s, err := New(n, Options{Seed: 7, Observe: func(h Happening) {
		if wall == nil {
			return
		}
		if now := wall.Now(); now < h.At {
			t.Errorf("at %s happens what should at %s", now, h.At)
		}
		if h.What == "bfd" && h.From == bfd.Up.String() && h.To == bfd.Down.String() {
			noticed <- h.At
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	s.Run(time.Minute)
	i := slices.IndexFunc(s.wiring.Sessions, func(x network.WiredSession) bool { return x.Kind == "private" })
	ctx, stop := context.WithCancel(t.Context())
	wall = NewWall(s.Now())
	began := time.Now()
	l := NewLive(s, wall)
	done := make(chan error)
	go func() { done <- l.Drive(ctx, Forever) }()
	var cut time.Duration
	if err := l.Call(ctx, func(s *Sim) {
		cut = s.Now()
		if err := s.Fail(Silent, s.wiring.Sessions[i].Elements[0]); err != nil {
			t.Error(err)
		}
	}); err != nil {
		t.Fatal(err)
	}
	at := <-noticed
	if took := time.Since(began); at-cut < s.Detects(i, 0).Lower || took < at-time.Minute {
		t.Errorf("it was cut at %s and noticed at %s, which took %s", cut, at, took)
	}
	stop()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
