package main

import (
	"slices"
	"testing"
	"time"

	"onramp/conform"
)

func TestAPictureThatNothingExplainsIsLookedAtOnceMore(t *testing.T) {
	whole := &conform.Result{Conforms: true}
	explained := &conform.Result{Findings: []conform.Finding{{In: conform.Wire}}}
	partial := &conform.Result{Findings: []conform.Finding{{In: conform.Wire}, {In: conform.Unexplained}}}
	const half = 500 * time.Millisecond
	for _, x := range []struct {
		name   string
		wait   time.Duration
		seen   []*conform.Result // the last one stays
		want   *conform.Result
		paused []time.Duration
	}{
		{"all conforms", 0, []*conform.Result{whole}, whole, nil},
		{"what differs is explained", 0, []*conform.Result{explained, whole}, explained, nil},
		{"a failure is just being noticed", 0, []*conform.Result{partial, explained}, explained, []time.Duration{detection}},
		{"it stays unexplained", 0, []*conform.Result{partial}, partial, []time.Duration{detection}},
		{"the time to wait goes first", time.Second, []*conform.Result{partial}, partial, []time.Duration{half, half, detection}},
		{"it conforms while there is time", time.Second, []*conform.Result{partial, whole}, whole, []time.Duration{half}},
	} {
		t.Run(x.name, func(t *testing.T) {
			var now time.Time
			var paused []time.Duration
			looks := 0
			l := looking{wait: x.wait, now: func() time.Time { return now }, pause: func(d time.Duration) bool { now, paused = now.Add(d), append(paused, d); return true }}
			got, err := l.settled(func(first bool) (*conform.Result, error) {
				if first != (looks == 0) {
					t.Errorf("look %d is the first: %t", looks, first)
				}
				looks++
				return x.seen[min(looks, len(x.seen))-1], nil
			})
			if err != nil || got != x.want || !slices.Equal(paused, x.paused) {
				t.Errorf("%v after pauses of %v, %v", got, paused, err)
			}
		})
	}
	l := looking{now: time.Now, pause: func(time.Duration) bool { return false }}
	if got, err := l.settled(func(bool) (*conform.Result, error) { return partial, nil }); got != partial || err != nil {
		t.Errorf("interrupted: %v, %v", got, err)
	}
}
