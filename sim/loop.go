package sim

import "time"

// event is something that happens at a time. What it is for is what its kind says; it is a value, so that planning one allocates nothing.
type event struct {
	at     time.Duration
	serial uint64 // of events at one time the one that was planned first is first
	kind   eventKind
	index  int32 // of a node, a wire's end or a plan, as the kind says
	p      *packet
}

type eventKind uint8

const (
	evArrive eventKind = iota // p arrives at the end index of a link
	evWake                    // the node index looks at its timers
	evDo                      // the function plans[index] is called
	evProbe                   // the probe index sends
	evLeave                   // p is at a gateway, on its way out over the session index
	evWall                    // p is at the firewall index
	evReach                   // p is at its destination's subnet index
	evPipe                    // the pipe index has sent its packet
	evFlow                    // the flow index looks at what it has to send
)

func (e *event) before(f *event) bool { return e.at < f.at || e.at == f.at && e.serial < f.serial }

// agenda is a heap of events with four children a node: shallower than a binary one, and the children share cache lines.
type agenda struct {
	heap   []event
	serial uint64
}

func (a *agenda) add(e event) {
	a.serial++
	e.serial = a.serial
	a.heap = append(a.heap, e)
	h, i := a.heap, len(a.heap)-1
	for i > 0 {
		up := (i - 1) / 4
		if !e.before(&h[up]) {
			break
		}
		h[i] = h[up]
		i = up
	}
	h[i] = e
}

// next takes the first event out.
func (a *agenda) next() event {
	h := a.heap
	first, last := h[0], h[len(h)-1]
	h[len(h)-1] = event{}
	h = h[:len(h)-1]
	a.heap = h
	i := 0
	for {
		child := 4*i + 1
		if child >= len(h) {
			break
		}
		least := child
		for c := child + 1; c < min(child+4, len(h)); c++ {
			if h[c].before(&h[least]) {
				least = c
			}
		}
		if !h[least].before(&last) {
			break
		}
		h[i] = h[least]
		i = least
	}
	if len(h) > 0 {
		h[i] = last
	}
	return first
}
