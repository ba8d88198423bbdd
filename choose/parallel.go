package choose

import (
	"runtime"
	"sync"
	"sync/atomic"

	"onramp/prove"
)

// The goroutines of this package are started here and have ended when each returns.

// each calls do for 0 to n-1, as many at a time as there are processors, and returns when all calls have.
func each(n int, do func(i int)) {
	var (
		next atomic.Int64
		wait sync.WaitGroup
	)
	for range min(n, runtime.GOMAXPROCS(0)) {
		wait.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				do(i)
			}
		})
	}
	wait.Wait()
}

// progressOf tells of proofs whose shares are worked out at the same time, one call at a time.
type progressOf struct {
	sync.Mutex
	done map[*trial]int
}

// of returns what a share of a trial calls after each of its scenarios. Shares among many count as a whole when they are done.
func (x *progressOf) of(t *trial, p *prove.Plan, tell func(t *trial, done, total int)) func(done, total int) {
	if tell == nil {
		return nil
	}
	return func(done, total int) {
		x.Lock()
		defer x.Unlock()
		if p.Len() == 1 {
			tell(t, done, total)
			return
		}
		if done < total {
			return
		}
		if x.done == nil {
			x.done = map[*trial]int{}
		}
		x.done[t]++
		tell(t, x.done[t]*p.Scenarios()/p.Len(), p.Scenarios())
	}
}

// counter counts what is done by several at the same time.
type counter struct {
	sync.Mutex
	n int
}

// next counts one more and tells so, one call at a time.
func (c *counter) next(tell func(done int)) {
	c.Lock()
	defer c.Unlock()
	c.n++
	tell(c.n)
}
