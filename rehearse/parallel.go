package rehearse

import (
	"sync"
	"sync/atomic"
)

// The goroutines of this package are started here and have ended when each returns.

// each calls do for 0 to n-1, so many at a time, and returns when all calls have. Progress is told one call at a time.
func each(n, many int, do func(i int), progress func(done, total int)) {
	var (
		next atomic.Int64
		wait sync.WaitGroup
		told sync.Mutex
		done int
	)
	for range min(n, many) {
		wait.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				do(i)
				if progress != nil {
					told.Lock()
					done++
					progress(done, n)
					told.Unlock()
				}
			}
		})
	}
	wait.Wait()
}
