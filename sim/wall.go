package sim

import (
	"context"
	"time"
)

// Wall is the clock on the wall. This is the only file of the package that reads a clock.
type Wall struct {
	began time.Time     // has the monotonic reading: nobody who sets the clock is noticed
	first time.Duration // what time it was then
	timer *time.Timer
	grain time.Duration
}

// NewWall is a clock that goes on from a time: of an estate that has run already, its Now.
func NewWall(from time.Duration) *Wall { return &Wall{began: time.Now(), first: from} }

// NewCoarseWall is one that wakes up for what comes only at whole multiples of a grain, so that what many routers do at about the same
// time costs one wake-up. Nothing happens at another time of the estate for that; it is late by at most the grain.
func NewCoarseWall(from, grain time.Duration) *Wall {
	w := NewWall(from)
	w.grain = grain
	return w
}

// Now is the time.
func (w *Wall) Now() time.Duration { return w.first + time.Since(w.began) }

// Wait sleeps.
func (w *Wall) Wait(ctx context.Context, at time.Duration, woken <-chan struct{}) {
	if w.grain > 0 && at < Forever-w.grain {
		at = (at + w.grain - 1) / w.grain * w.grain
	}
	if w.timer == nil {
		w.timer = time.NewTimer(at - w.Now())
	} else {
		w.timer.Reset(at - w.Now())
	}
	select {
	case <-w.timer.C:
	case <-woken:
	case <-ctx.Done():
	}
	w.timer.Stop()
}
