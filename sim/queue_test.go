package sim

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"onramp/bgp"
	"onramp/network"
)

// lone is a simulator of nothing but one link, with a pipe before it.
func lone(x *pipe) (*Sim, *port) {
	s := &Sim{}
	x.s, x.turn, x.fresh = s, classVideo, true
	s.pipes = []*pipe{x}
	l := &link{spec: &network.WiredSession{}}
	e := &port{node: &node{s: s, alive: true, spec: &network.WiredRouter{}, speaker: new(bgp.Speaker)}, link: l, gear: &gear{pipes: []*pipe{x}}}
	l.ends = [2]*port{e, e}
	s.probes = []*Probe{nil}
	return s, e
}

type offered struct {
	at    time.Duration
	voice bool
	size  int
}

// slowQueue is the pipe's slow twin, from the definition: whenever the link is free the first of the voice packets is sent, or else the first
// of the others; who finds a queue without room for the largest frame is dropped. It returns when each packet is out, 0 for never.
func slowQueue(list []offered, rate int64, most int, classed bool) []time.Duration {
	out := make([]time.Duration, len(list))
	var queues [2][]int
	free, residue := time.Duration(0), int64(0)
	send := func(i int, at time.Duration) {
		bits := int64(list[i].size)*8*int64(time.Second) + residue
		residue = bits % rate
		free = at + time.Duration(bits/rate)
		out[i] = free
	}
	serve := func(until time.Duration) {
		for free <= until {
			for k := range queues {
				if len(queues[k]) > 0 {
					i := queues[k][0]
					queues[k] = queues[k][1:]
					send(i, free)
					break
				}
				if k == len(queues)-1 {
					return
				}
			}
		}
	}
	for i, x := range list {
		serve(x.at - 1)
		if free <= x.at {
			send(i, x.at)
			continue
		}
		k, octets := 1, 0
		if classed && x.voice {
			k = 0
		}
		for _, j := range queues[k] {
			octets += list[j].size
		}
		if octets+quantum <= most {
			queues[k] = append(queues[k], i)
		}
	}
	serve(1 << 62)
	return out
}

func TestAQueueSendsWhatItsSlowTwinSends(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rate := rapid.Int64Range(1_000_000, 1_000_000_000).Draw(t, "rate")
		most := rapid.IntRange(1522, 20_000).Draw(t, "most")
		classed := rapid.Bool().Draw(t, "classed")
		gap := int64(float64(1000*8*int64(time.Second)/rate) * rapid.Float64Range(0.3, 3).Draw(t, "load"))
		var list []offered
		now := time.Duration(1)
		for range rapid.IntRange(1, 100).Draw(t, "packets") {
			now += time.Duration(rapid.Int64Range(1, 2*gap).Draw(t, "gap"))
			list = append(list, offered{now, rapid.Bool().Draw(t, "voice"), rapid.IntRange(64, 1522).Draw(t, "size")})
		}
		s, e := lone(&pipe{rate: rate, classed: classed, most: most})
		got := make([]time.Duration, len(list))
		// Run without the nodes: only the pipe's own events are handled.
		handle := func(until time.Duration) {
			for isDue(&s.agenda, until) {
				ev := s.agenda.next()
				s.now = ev.at
				if ev.kind == evPipe {
					s.pipes[0].done()
				} else {
					got[ev.p.seq32] = ev.at
				}
			}
		}
		for i, x := range list {
			handle(x.at - 1)
			s.now = x.at
			p := &packet{kind: data, size: x.size, seq32: uint32(i)} //nolint:gosec // small
			if x.voice {
				p.dscp = DSCPVoice
			}
			e.send(p)
		}
		handle(1 << 62)
		if want := slowQueue(list, rate, most, classed); !slices.Equal(got, want) {
			t.Fatalf("out at\n%v, want\n%v", got, want)
		}
	})
}
