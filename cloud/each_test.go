package cloud_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"onramp/cloud"
)

func TestEachDoesAllOfAListAndNoMoreAtATimeThanItMay(t *testing.T) {
	var done, now, most atomic.Int64
	err := cloud.Each(t.Context(), 3, make([]int, 50), func(context.Context, int) error {
		n := now.Add(1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		done.Add(1)
		now.Add(-1)
		return nil
	})
	if err != nil || done.Load() != 50 || most.Load() > 3 {
		t.Error(err, done.Load(), most.Load())
	}
}

func TestAfterAnErrorEachBeginsNoMore(t *testing.T) {
	wrong := errors.New("wrong")
	done := 0
	err := cloud.Each(t.Context(), 1, make([]int, 50), func(context.Context, int) error {
		if done++; done == 7 {
			return wrong
		}
		return nil
	})
	if !errors.Is(err, wrong) || done != 7 {
		t.Error(err, done)
	}
}

func TestEachEndsWithItsContext(t *testing.T) {
	ctx, stop := context.WithCancelCause(t.Context())
	enough := errors.New("enough")
	err := cloud.Each(ctx, 2, make([]int, 50), func(ctx context.Context, _ int) error {
		stop(enough)
		<-ctx.Done()
		return nil
	})
	if !errors.Is(err, enough) {
		t.Error(err)
	}
}
