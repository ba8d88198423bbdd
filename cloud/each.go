package cloud

import (
	"context"
	"sync"
)

// Each does something with each of a list, so many at a time, and returns the first error: then it begins no more, and the context of
// those that it has begun is done. It returns when all of them have.
func Each[T any](ctx context.Context, parallel int, list []T, do func(ctx context.Context, x T) error) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var work sync.WaitGroup
	slots := make(chan struct{}, parallel)
	for _, x := range list {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			break
		}
		work.Go(func() {
			defer func() { <-slots }()
			if err := do(ctx, x); err != nil {
				stop(err)
			}
		})
	}
	work.Wait()
	return context.Cause(ctx)
}
