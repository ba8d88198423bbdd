package sim

import (
	"math/bits"
	"time"
)

// event is something that happens at a time. What it is for is what its kind says; it is a value, so that planning one allocates nothing.
type event struct {
	at    time.Duration
	kind  eventKind
	index int32 // of a node, a wire's end or a plan, as the kind says
	p     *packet
}

type eventKind uint8

const (
	evArrive eventKind = iota // p arrives at the end index of a link
	evWake                    // the speaker of the node index looks at its timers
	evTimer                   // the end index of a link looks at its timers
	evDo                      // the function plans[index] is called
	evProbe                   // the probe index sends
	evLeave                   // p is at a gateway, on its way out over the session index
	evWall                    // p is at the firewall index
	evReach                   // p is at its destination's subnet index
	evPipe                    // the pipe index sends what waits
	evPass                    // p has passed a pipe of the end index of a link and comes to the next
	evFlow                    // the flow index looks at what it has to send
)

// agenda is a radix heap (Ahuja, Mehlhorn, Orlin, Tarjan: Faster algorithms for the shortest path problem, 1990): an event waits in the
// bucket of the highest bit in which its time differs from that of the last one taken out. As time never goes back, an event only ever
// moves to lower buckets, and most do so a few times; nothing is compared but times with a bucket's least. Events of one time are always
// in one bucket, in the order in which they were planned, and come out in that order. BenchmarkAgenda guards that it allocates nothing.
type agenda struct {
	last    time.Duration // of the last event taken out, and of all in the first bucket
	buckets [65]bucket
	full    uint64 // which of buckets[1:] hold events
	size    int
}

type bucket struct {
	events []event
	from   int // those before it, in the first bucket, were taken out
	least  time.Duration
}

// add plans an event, not before the last one that was taken out.
func (a *agenda) add(e event) {
	if e.at < a.last {
		panic("sim: an event is planned for the past")
	}
	a.size++
	i := bits.Len64(uint64(e.at ^ a.last)) //nolint:gosec // times are not negative
	b := &a.buckets[i]
	if len(b.events) == 0 || e.at < b.least {
		b.least = e.at
	}
	b.events = append(b.events, e)
	if i > 0 {
		a.full |= 1 << (i - 1)
	}
}

// first is when the first event happens; ok is false when there is none.
func (a *agenda) first() (at time.Duration, ok bool) {
	switch {
	case a.size == 0:
		return 0, false
	case len(a.buckets[0].events) > 0:
		return a.last, true
	}
	return a.buckets[bits.TrailingZeros64(a.full)+1].least, true
}

// next takes the first event out.
func (a *agenda) next() event {
	b := &a.buckets[0]
	if len(b.events) == 0 {
		a.spread(bits.TrailingZeros64(a.full) + 1)
	}
	a.size--
	e := b.events[b.from]
	if b.from++; b.from == len(b.events) {
		b.events, b.from = b.events[:0], 0
	}
	return e
}

// spread hands the events of a bucket to lower ones.
func (a *agenda) spread(i int) {
	b := &a.buckets[i]
	a.last = b.least
	a.full &^= 1 << (i - 1)
	list := b.events
	b.events = b.events[:0]
	a.size -= len(list)
	for _, e := range list { // none comes back to this bucket
		a.add(e)
	}
}
