package sim

import (
	"math"
	"math/bits"
	"time"

	"onramp/network"
)

// A pipe is what a rate does to packets that have to queue for it: one is sent at a time, for as long as its octets take, and the others
// wait in queues that drop at the tail. It is shared by every link whose packets need the same rate.
//
// Nothing is planned for the moment at which a packet begins to be sent. Whoever comes next to the pipe first does what would have been done
// since (pipe.serve), each packet at its own time, and sees the queues as they would be; if nobody comes, the pipe is woken before anything
// could arrive at the other end. So what waits at a pipe costs an event for the delay of its link, not one a packet; and where there is no
// delay, the packet that is being sent wakes the pipe as it arrives. Whatever else may have a say in it, a link that is cut or a router that
// dies, has all pipes served first (Sim.served).

// class is which queue a packet waits in.
type class uint8

// The classes, first served first. The first two are strict; the others share what is left by weight (network.AssumeClassWeights).
const (
	classNetwork class = iota // BGP, BFD and CS6, CS7 (RFC 4594 section 3.2)
	classVoice
	classVideo
	classSharing
	classRest
	classes
)

// Code points of the classes (RFC 4594; qos.csv names those that Microsoft peering honours).
const (
	DSCPDefault uint8 = 0
	DSCPFile    uint8 = 10 // AF11
	DSCPSharing uint8 = 18 // AF21
	DSCPVideo   uint8 = 34 // AF41
	DSCPVoice   uint8 = 46 // EF
	DSCPControl uint8 = 48 // CS6
)

// class is the packet's where classes are told apart. What the routers say to each other is marked CS6.
func (p *packet) class() class {
	if p.kind != data {
		return classNetwork
	}
	switch p.dscp {
	case DSCPVoice:
		return classVoice
	case DSCPVideo:
		return classVideo
	case DSCPSharing:
		return classSharing
	}
	if p.dscp >= DSCPControl {
		return classNetwork
	}
	return classRest
}

// waiting is a packet in a queue, with the port by which it leaves.
type waiting struct {
	p   *packet
	out *port
}

// fifo is a queue of packets in a ring that grows and is kept, as packets are.
type fifo struct {
	ring   []waiting // its length is a power of two
	first  int
	count  int
	octets int
}

func (q *fifo) push(w waiting) {
	if q.count == len(q.ring) {
		ring := make([]waiting, max(16, 2*len(q.ring)))
		for i := range q.count {
			ring[i] = q.ring[(q.first+i)&(len(q.ring)-1)]
		}
		q.ring, q.first = ring, 0
	}
	q.ring[(q.first+q.count)&(len(q.ring)-1)] = w
	q.count++
	q.octets += w.p.size
}

func (q *fifo) pop() waiting {
	w := q.ring[q.first]
	q.first = (q.first + 1) & (len(q.ring) - 1)
	q.count--
	q.octets -= w.p.size
	return w
}

// pipe is one rate in one direction. What every packet needs comes first.
type pipe struct {
	s       *Sim
	freeAt  time.Duration // when what is being sent is out
	rate    int64         // bits a second
	inverse uint64        // 2^64 by the rate
	residue uint64        // of a nanosecond, so that rounding does not add up
	waiting int           // packets in all queues
	most    int           // octets that a queue holds
	classed bool          // tells classes apart; otherwise all is classRest
	exempt  bool          // the routers' own packets do not pass it
	planned bool          // an evPipe
	fresh   bool          // the turn has begun and its credit is not given yet
	turn    class
	counts  Counts
	queues  [classes]fifo
	credit  [classes]int  // deficit round robin: what a queue may still send in its turn
	carrier *packet       // the last that was sent, where what happens to it next is planned for when the pipe would have to be woken
	eager   bool          // has an event planned for every packet that waits, when its time has come
	slack   time.Duration // from when a packet begins to be sent, this long nobody can tell: the least delay of the links behind
	index   int32
	end     int    // of the links that it stands at
	name    string // the rate's
	full    string // why a packet was dropped
}

// Counts is what became of the packets that came to a rate.
type Counts struct{ Passed, PassedOctets, Dropped, DroppedOctets uint64 }

// weights are how the classes that are not strict share a rate.
func (c class) weight() int {
	switch c {
	case classVideo:
		return network.WeightVideo
	case classSharing:
		return network.WeightSharing
	}
	return network.WeightRest
}

// quantum is the largest frame (IEEE 802.3 with one tag): the credit of weight 1, so that every turn sends something, and the room that a
// queue must have to take a packet.
const quantum = 1522

// newPipe makes a pipe of so many bits a second.
func newPipe(s *Sim, rate int64) *pipe {
	x := &pipe{s: s, index: int32(len(s.pipes)), turn: classVideo, fresh: true} //nolint:gosec // small
	x.pace(rate)
	s.pipes = append(s.pipes, x)
	return x
}

// pace has what is sent from now on sent at so many bits a second.
func (x *pipe) pace(rate int64) {
	x.rate, x.inverse, x.residue = rate, math.MaxUint64/uint64(rate), 0 //nolint:gosec // positive
}

// time is how long a packet takes to send. It divides by multiplying with the rate's inverse, which is at most a little too small.
func (x *pipe) time(octets int) time.Duration {
	n := uint64(octets)*8*uint64(time.Second) + x.residue //nolint:gosec // not negative
	t, _ := bits.Mul64(n, x.inverse)
	rate := uint64(x.rate) //nolint:gosec // positive
	for x.residue = n - t*rate; x.residue >= rate; x.residue -= rate {
		t++
	}
	return time.Duration(t) //nolint:gosec // a time
}

// offer takes a packet: it is sent, waits, or is dropped. A packet that finds the link free and one that waits are sent before it.
func (x *pipe) offer(w waiting) {
	now := x.s.now
	if x.waiting > 0 {
		x.serve(now)
	}
	if now >= x.freeAt {
		x.send(w, now)
		return
	}
	c := classRest
	if x.classed {
		c = w.p.class()
	}
	q := &x.queues[c]
	// Full is full for packets of every size: counted to the octet, a full queue would still take small ones and so hide what a call meets.
	if q.octets+quantum > x.most {
		x.counts.Dropped++
		x.counts.DroppedOctets += uint64(w.p.size) //nolint:gosec // not negative
		if w.p.kind == data {
			x.s.lose(w.p, w.out.node.spec.Name, network.Dropped, x.full)
		}
		x.s.release(w.p)
		return
	}
	q.push(w)
	x.waiting++
	x.plan()
}

// plan has the pipe woken while nobody can tell yet that the next packet has begun to be sent.
func (x *pipe) plan() {
	if x.planned {
		return
	}
	x.planned = true
	if x.carrier != nil {
		x.carrier.wakes = x.index + 1
		return
	}
	at := x.freeAt + x.slack
	if x.eager {
		at = x.freeAt
	}
	x.s.agenda.add(event{at: at, kind: evPipe, index: x.index})
}

// woken is called when something has to be done at the latest.
func (x *pipe) woken() {
	x.planned = false
	x.serve(x.s.now)
	if x.waiting > 0 {
		x.plan()
	}
}

// wake wakes the pipe from which a packet comes, if it has to be.
func (s *Sim) wake(p *packet) {
	if i := p.wakes; i > 0 {
		p.wakes = 0
		s.pipes[i-1].woken()
	}
}

// serve sends what waits and has begun by now.
func (x *pipe) serve(now time.Duration) {
	for x.waiting > 0 && x.freeAt <= now {
		x.waiting--
		x.send(x.next(), x.freeAt)
	}
}

// served has every pipe send what it would have by now: to be called before anything changes that a packet meets when it begins to be sent.
func (s *Sim) served() {
	for _, x := range s.pipes {
		x.serve(s.now)
	}
}

// send begins to send a packet. When it will be out is known, so one that goes on the link then is put there now.
func (x *pipe) send(w waiting, begin time.Duration) {
	x.freeAt = begin + x.time(w.p.size)
	x.counts.Passed++
	x.counts.PassedOctets += uint64(w.p.size) //nolint:gosec // not negative
	x.carrier = nil
	if w.p.stage++; int(w.p.stage) < len(w.out.gear.pipes) {
		x.s.agenda.add(event{at: x.freeAt, kind: evPass, index: w.out.number(), p: w.p})
		x.carry(w.p, 0)
	} else if w.out.leave(w.p, x.freeAt) {
		x.carry(w.p, w.out.link.spec.Delay)
	}
}

// carry notes that something happens to a packet so long after it is out.
func (x *pipe) carry(p *packet, later time.Duration) {
	if later == x.slack && !x.eager {
		x.carrier = p
	}
}

// next takes the packet to send out of its queue; there is one.
func (x *pipe) next() waiting {
	if !x.classed {
		return x.queues[classRest].pop()
	}
	for c := classNetwork; c <= classVoice; c++ {
		if q := &x.queues[c]; q.count > 0 {
			return q.pop()
		}
	}
	// Deficit round robin (Shreedhar and Varghese, 1995).
	for {
		q := &x.queues[x.turn]
		if q.count > 0 {
			if x.fresh {
				x.credit[x.turn] += x.turn.weight() * quantum
				x.fresh = false
			}
			if size := q.ring[q.first].p.size; size <= x.credit[x.turn] {
				x.credit[x.turn] -= size
				return q.pop()
			}
		} else {
			x.credit[x.turn] = 0
		}
		x.turn, x.fresh = x.turn+1, true
		if x.turn == classes {
			x.turn = classVideo
		}
	}
}
