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

// agenda is a radix heap (Ahuja, Mehlhorn, Orlin, Tarjan: Faster algorithms for the shortest path problem, 1990) with digits of eight bits:
// an event waits at the level of the highest octet in which its time differs from that of the last one taken out, in the slot of what that
// octet is. As time never goes back, an event only ever moves to lower levels, and most do so once or twice; nothing is compared but the
// times in the first slot. A slot is a list through the places of events, which stay where they are, so that a move copies nothing. Events of one
// time are always in one slot, in the order in which they were planned, and come out in that order. BenchmarkAgenda guards that it allocates
// nothing.
type agenda struct {
	last   time.Duration              // of the last event taken out, or later, but not after the first that is left
	levels uint8                      // which hold events
	full   [levels][slots / 64]uint64 // which slots do
	slots  [levels][slots]slot
	places []place // the first is nobody's
	free   int32   // the first place without an event, 0 for none
}

const (
	levels = 8 // octets of a time
	slots  = 256
)

// slot is the first and the last of a list of places.
type slot struct{ head, tail int32 }

// place holds an event and says which is the next, 0 for none.
type place struct {
	event
	next int32
}

// add plans an event, not before the last one that was taken out.
func (a *agenda) add(e event) {
	if e.at < a.last {
		panic("sim: an event is planned for the past")
	}
	i := a.free
	if i == 0 {
		i = a.grow()
	}
	p := &a.places[i]
	a.free = p.next
	p.event = e
	a.append(i, e.at)
}

// grow makes places.
func (a *agenda) grow() int32 {
	n := max(1, len(a.places))
	a.places = append(a.places, make([]place, max(64, n))...)
	for i := n; i+1 < len(a.places); i++ {
		a.places[i].next = int32(i + 1) //nolint:gosec // so many events are not planned
	}
	return int32(n) //nolint:gosec // so many events are not planned
}

// append puts a place at the end of the list where its time belongs.
func (a *agenda) append(i int32, at time.Duration) {
	level := uint(bits.Len64(uint64(at^a.last)|1)-1) / 8 % levels //nolint:gosec // times are not negative
	digit := uint8(at >> (8 * level))                             //nolint:gosec // an octet of it
	a.places[i].next = 0
	s := &a.slots[level][digit]
	if full := &a.full[level][digit/64]; *full&(1<<(digit%64)) == 0 {
		*full |= 1 << (digit % 64)
		a.levels |= 1 << level
		*s = slot{i, i}
		return
	}
	a.places[s.tail].next = i
	s.tail = i
}

// lowest is where the first event is: the first slot of the lowest level that holds any; there is one.
func (a *agenda) lowest() (level uint, digit uint8) {
	level = uint(bits.TrailingZeros8(a.levels)) % levels
	for i, w := range &a.full[level] {
		if w != 0 {
			return level, uint8(64*i + bits.TrailingZeros64(w)) //nolint:gosec // an octet
		}
	}
	panic("sim: the agenda has lost an event")
}

// empty notes that a slot holds no event any more.
func (a *agenda) empty(level uint, digit uint8) {
	full := &a.full[level]
	full[digit/64] &^= 1 << (digit % 64)
	if full[0]|full[1]|full[2]|full[3] == 0 {
		a.levels &^= 1 << level
	}
}

// first is when the first event happens; ok is false when there is none.
func (a *agenda) first() (at time.Duration, ok bool) {
	if a.levels == 0 {
		return 0, false
	}
	level, digit := a.lowest()
	i := a.slots[level][digit].head
	at = a.places[i].at
	for ; level > 0 && i != 0; i = a.places[i].next {
		at = min(at, a.places[i].at)
	}
	return at, true
}

// take takes the first event out, if it happens at a time or before: nothing earlier than that time will be planned any more.
func (a *agenda) take(until time.Duration) (e event, ok bool) {
	for a.levels != 0 {
		level, digit := a.lowest()
		s := &a.slots[level][digit]
		if i := s.head; level == 0 || i == s.tail {
			p := &a.places[i]
			if p.at > until {
				break
			}
			a.last = p.at
			if i == s.tail {
				a.empty(level, digit)
			} else {
				s.head = p.next
			}
			p.next, a.free = a.free, i
			return p.event, true
		}
		// All times in the slot begin with the same octets. From the first time that does all of them are at lower levels; from their own
		// if they have but one, as packets have that were sent together.
		begin := (a.last>>(8*level)&^0xff | time.Duration(digit)) << (8 * level)
		list := *s
		if at, one := a.together(list); one {
			begin = at
		}
		if begin > until {
			break
		}
		a.last = begin
		a.empty(level, digit)
		for i := list.head; i != 0; {
			p := &a.places[i]
			next := p.next
			a.append(i, p.at)
			i = next
		}
	}
	return event{}, false
}

// together tells whether all events of a list have one time, and which.
func (a *agenda) together(s slot) (at time.Duration, one bool) {
	at = a.places[s.head].at
	if a.places[s.tail].at != at {
		return at, false // mostly
	}
	for i := a.places[s.head].next; i != 0; i = a.places[i].next {
		if a.places[i].at != at {
			return at, false
		}
	}
	return at, true
}
