package sim

import (
	"context"
	"errors"
	"sync/atomic"
	"time"
)

// Clock is what time an estate lives in. There are two: Jump, under which the next event is always now, and Wall, under which it is now when
// it is now for everybody. Neither a node nor a link knows which; they are told the time.
type Clock interface {
	// Now is how far time has come. It never goes back.
	Now() time.Duration
	// Wait returns when the time has come, or before that when something is to be done at once (a value in woken) or ctx is done.
	Wait(ctx context.Context, at time.Duration, woken <-chan struct{})
}

// Forever is no end of a Drive.
const Forever = never

// ErrStopped tells that an estate does not run any more: what was posted was not, or will not be, called.
var ErrStopped = errors.New("the estate has been stopped")

// Live is an estate under a clock, into which others may call while it runs: they cut its links and read its tables. Its loop is that of
// Run, of which it calls as much as is due. It has one goroutine, the one that calls Drive, and nobody else may touch the Sim until Drive
// has returned: functions for the loop are handed in by Post and Call. Such a function must not let time pass (Run, Converge, Settle, Ping,
// Traceroute), which is the clock's to do: whoever does panics.
//
// An estate that cannot keep up with its clock skips nothing: events that are late happen in their order, each at the time that was planned
// for it, and Lag tells how late they are.
type Live struct {
	s       *Sim
	clock   Clock
	posts   chan func(*Sim)
	woken   chan struct{} // holds one value at most: look at posts
	stopped chan struct{}
	lag     atomic.Int64
	most    atomic.Int64
}

const (
	// mostPosts is how many functions wait for the loop before Post has to wait.
	mostPosts = 64
	// stride is how much of what is late is done before the loop looks at what was posted.
	stride = time.Millisecond
)

// NewLive puts an estate under a clock, which must not be behind Now of the estate.
func NewLive(s *Sim, c Clock) *Live {
	return &Live{s: s, clock: c, posts: make(chan func(*Sim), mostPosts), woken: make(chan struct{}, 1), stopped: make(chan struct{})}
}

// Drive runs the estate until a time of its own, and returns nil then, or until ctx is done, and returns the reason. It is called once.
// What was posted and has not been called by then never is.
func (l *Live) Drive(ctx context.Context, until time.Duration) error {
	defer close(l.stopped)
	s := l.s
	for s.now < until {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		l.serve()
		next := until
		if at, ok := s.agenda.first(); ok {
			next = min(next, at)
		}
		if l.clock.Now() < next {
			l.late(0)
			l.clock.Wait(ctx, next, l.woken)
		}
		now := l.clock.Now()
		if now > next {
			l.late(now - next)
			now = min(now, max(next, s.now)+stride)
		}
		s.Run(min(now, until))
	}
	l.serve()
	return nil
}

// serve calls what was posted, at the time that the loop has come to.
func (l *Live) serve() {
	l.s.visited = true
	defer func() { l.s.visited = false }()
	for {
		select {
		case do := <-l.posts:
			do(l.s)
			l.s.settle()
		default:
			return
		}
	}
}

func (l *Live) late(by time.Duration) {
	l.lag.Store(int64(by))
	l.most.Store(max(l.most.Load(), int64(by)))
}

// Lag is by how much the last event was late, and the most that any was. Anybody may ask.
func (l *Live) Lag() (last, most time.Duration) {
	return time.Duration(l.lag.Load()), time.Duration(l.most.Load())
}

// Post has a function called in the loop as soon as it has done what it is at, at the time of the estate by then, and does not wait for it.
// While too many wait it waits, until ctx is done or the estate has stopped.
func (l *Live) Post(ctx context.Context, do func(*Sim)) error {
	select {
	case <-l.stopped: // else it might still find room
		return ErrStopped
	default:
	}
	select {
	case l.posts <- do:
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-l.stopped:
		return ErrStopped
	}
	select {
	case l.woken <- struct{}{}:
	default: // somebody has
	}
	return nil
}

// Call is Post, and waits until the function has been called. With an error it may be called all the same, unless that is ErrStopped. The
// loop must not call it.
func (l *Live) Call(ctx context.Context, do func(*Sim)) error {
	done := make(chan struct{})
	if err := l.Post(ctx, func(s *Sim) { do(s); close(done) }); err != nil {
		return err
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-l.stopped:
	}
	select {
	case <-done: // it was the last
		return nil
	default:
		return ErrStopped
	}
}

// Jump is the virtual clock: time goes to where somebody waits for.
type Jump struct{ now time.Duration }

// Now is the last time that was waited for.
func (j *Jump) Now() time.Duration { return j.now }

// Wait jumps. Where nothing will ever happen by itself it waits for others.
func (j *Jump) Wait(ctx context.Context, at time.Duration, woken <-chan struct{}) {
	if at == Forever {
		select {
		case <-woken:
		case <-ctx.Done():
		}
		return
	}
	j.now = max(j.now, at)
}
