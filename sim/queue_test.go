package sim

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"onramp/bgp"
	"onramp/network"
)

// lone is a simulator of nothing but one link, with a pipe before it.
func lone(rate int64, most int, classed bool) (*Sim, *port) {
	s := &Sim{}
	x := newPipe(s, rate)
	x.most, x.classed = most, classed
	l := &link{spec: &network.WiredSession{}}
	e := &port{node: &node{s: s, alive: true, spec: &network.WiredRouter{}, speaker: new(bgp.Speaker)}, link: l, gear: &gear{pipes: []*pipe{x}}}
	l.ends = [2]*port{e, e}
	s.probes = []*Probe{nil}
	return s, e
}

type offered struct {
	at   time.Duration
	mark uint8
	size int
}

// slowQueue is the pipe's slow twin, from the definition: whenever the link is free the first packet of the first strict class is sent, or else
// that whose class has its turn; who finds a queue without room for the largest frame is dropped. It returns when each packet is out, 0 for
// never.
func slowQueue(list []offered, rate int64, most int, classed bool) []time.Duration {
	out := make([]time.Duration, len(list))
	var queues [classes][]int
	var credit [classes]int
	turn, given := classVideo, false
	free, residue := time.Duration(0), int64(0)
	send := func(i int, at time.Duration) {
		bits := int64(list[i].size)*8*int64(time.Second) + residue
		residue = bits % rate
		free = at + time.Duration(bits/rate)
		out[i] = free
	}
	shift := func(c class) int {
		i := queues[c][0]
		queues[c] = queues[c][1:]
		return i
	}
	next := func() int {
		if !classed || len(queues[classNetwork])+len(queues[classVoice]) > 0 {
			for c := range queues {
				if len(queues[c]) > 0 {
					return shift(class(c)) //nolint:gosec // few
				}
			}
		}
		for ; ; turn, given = classVideo+(turn-classVideo+1)%(classes-classVideo), false {
			if len(queues[turn]) == 0 {
				credit[turn] = 0
				continue
			}
			if !given {
				credit[turn] += turn.weight() * quantum
				given = true
			}
			if size := list[queues[turn][0]].size; size <= credit[turn] {
				credit[turn] -= size
				return shift(turn)
			}
		}
	}
	serve := func(until time.Duration) {
		for free <= until && slices.ContainsFunc(queues[:], func(q []int) bool { return len(q) > 0 }) {
			send(next(), free)
		}
	}
	for i, x := range list {
		serve(x.at)
		if free <= x.at {
			send(i, x.at)
			continue
		}
		c, octets := classRest, 0
		if classed {
			c = (&packet{kind: data, dscp: x.mark}).class()
		}
		for _, j := range queues[c] {
			octets += list[j].size
		}
		if octets+quantum <= most {
			queues[c] = append(queues[c], i)
		}
	}
	serve(1 << 62)
	return out
}

func TestAQueueSendsWhatItsSlowTwinSendsHoweverLateItIsServed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rate := rapid.Int64Range(1_000_000, 1_000_000_000).Draw(t, "rate")
		most := rapid.IntRange(1522, 20_000).Draw(t, "most")
		classed := rapid.Bool().Draw(t, "classed")
		delay := time.Duration(rapid.Int64Range(0, 100_000_000).Draw(t, "delay"))
		gap := int64(float64(1000*8*int64(time.Second)/rate) * rapid.Float64Range(0.3, 3).Draw(t, "load"))
		var list []offered
		now := time.Duration(1)
		for range rapid.IntRange(1, 100).Draw(t, "packets") {
			if !rapid.Bool().Draw(t, "when the link is free") {
				now += time.Duration(rapid.Int64Range(0, 2*gap).Draw(t, "gap"))
			} else if so := slowQueue(list, rate, most, classed); len(so) > 0 {
				now = max(now, slices.Max(so)) // a packet comes as another is out
			}
			list = append(list, offered{now, rapid.SampledFrom([]uint8{DSCPDefault, DSCPVoice, DSCPVideo, DSCPSharing, DSCPControl}).Draw(t, "mark"), rapid.IntRange(64, 1522).Draw(t, "size")})
		}
		s, e := lone(rate, most, classed)
		e.link.spec.Delay, s.pipes[0].slack = delay, time.Duration(rapid.Int64Range(0, int64(delay)).Draw(t, "slack"))
		if rapid.Bool().Draw(t, "all of it") {
			s.pipes[0].slack = delay
		}
		got := make([]time.Duration, len(list))
		// Run without the nodes: only the pipe's own events are handled.
		handle := func(until time.Duration) {
			for ev, ok := s.agenda.take(until); ok; ev, ok = s.agenda.take(until) {
				s.now = ev.at
				if ev.p != nil {
					s.wake(ev.p)
				}
				if ev.kind == evPipe {
					s.pipes[0].woken()
				} else {
					got[ev.p.seq32] = ev.at - delay
				}
			}
		}
		for i, x := range list {
			before := x.at - time.Duration(rapid.IntRange(0, 1).Draw(t, "what happens then comes first"))
			handle(before)
			s.now = x.at
			e.send(&packet{kind: data, size: x.size, dscp: x.mark, seq32: uint32(i)}) //nolint:gosec // small
			if rapid.IntRange(0, 9).Draw(t, "look") == 0 {
				s.served()
			}
		}
		handle(1 << 62)
		if want := slowQueue(list, rate, most, classed); !slices.Equal(got, want) {
			t.Fatalf("out at\n%v, want\n%v", got, want)
		}
	})
}

// Every queue of the chain has its packets from one link, so that none come in the same nanosecond: of such the order may differ.
func TestServingQueuesLateChangesNothing(t *testing.T) {
	w := chain(4)
	for i := range w.Sessions {
		w.Sessions[i].Hold, w.Sessions[i].Keepalive = [2]time.Duration{time.Hour, time.Hour}, [2]time.Duration{time.Minute, time.Minute}
	}
	host := func(i int) network.Endpoint {
		return network.Endpoint{Kind: network.SiteHost, Site: fmt.Sprintf("r%d", i), Addr: plainHost(i)}
	}
	rapid.Check(t, func(t *rapid.T) {
		seed, classed := rapid.Uint64().Draw(t, "seed"), rapid.Bool().Draw(t, "classes")
		for i := range w.Sessions {
			w.Sessions[i].Delay = time.Duration(rapid.SampledFrom([]int{0, 1, 5}).Draw(t, "delay")) * time.Millisecond
		}
		rate := rapid.Int64Range(20_000_000, 60_000_000)
		rates := rapid.SliceOfN(rapid.SliceOfN(rate, 1, 3), len(w.Sessions), len(w.Sessions)).Draw(t, "rates")
		type change struct {
			link   int
			wait   time.Duration
			impair Impairment
		}
		changes := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) change {
			us := func(most int, label string) time.Duration {
				return time.Duration(rapid.IntRange(0, most).Draw(t, label)) * time.Microsecond
			}
			return change{rapid.IntRange(0, len(w.Sessions)-1).Draw(t, "link"), us(60_000, "wait"),
				Impairment{Loss: rapid.Float64Range(0, 0.2).Draw(t, "loss"), Jitter: us(3000, "jitter"), Dead: rapid.Bool().Draw(t, "dead"), Grey: rapid.Bool().Draw(t, "grey")}}
		}), 1, 6).Draw(t, "changes")
		var all [2]string
		for i := range all {
			s, err := NewPlain(w, Options{Seed: seed})
			if err != nil {
				t.Fatal(err)
			}
			s.Start()
			s.Run(20 * time.Second)
			for k, l := range s.links {
				for _, rate := range rates[k] {
					x := newPipe(s, rate)
					x.classed, x.most = classed, 50_000
					g := l.ends[0].geared()
					g.pipes = append(g.pipes, x)
				}
			}
			s.slacken()
			if i == 0 {
				for _, x := range s.pipes {
					x.eager = true
				}
			}
			var flows []*Flow
			for k, spec := range []FlowSpec{{Kind: Constant}, {Kind: Voice}, {Kind: Constant, DSCP: DSCPVideo}, {Kind: Constant, DSCP: DSCPSharing}} {
				spec.Src, spec.Dst, spec.Mbps, spec.Packet, spec.Sport = host(0), host(3), 15, 500+100*k, uint16(7000+k) //nolint:gosec // few
				f := flowOf(t, s, spec)
				f.Start(s.Now() + 300*time.Millisecond)
				flows = append(flows, f)
			}
			for _, c := range changes {
				s.Run(s.Now() + c.wait)
				if err := s.Impair(s.links[c.link].spec.Name, 0, c.impair); err != nil {
					t.Fatal(err)
				}
				s.Run(s.Now() + c.wait)
				cut := s.links[(c.link+1)%len(s.links)].spec.Elements
				if err := s.Fail(Silent, cut...); err != nil {
					t.Fatal(err)
				}
				s.Run(s.Now() + c.wait/10)
				if err := s.Repair(cut...); err != nil {
					t.Fatal(err)
				}
			}
			s.Run(s.Now() + time.Second)
			for _, f := range flows {
				all[i] += fmt.Sprintf("%+v\n", f.Measured())
			}
			all[i] += fmt.Sprintf("%+v\n", s.Rates())
		}
		if all[0] != all[1] {
			t.Fatalf("served at once\n%s, served late\n%s", all[0], all[1])
		}
	})
}

func TestARateTakesAsLongAsADivisionSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rate := rapid.OneOf(rapid.Int64Range(1, 1000), rapid.Int64Range(1, 1_000_000_000_000)).Draw(t, "rate")
		x := newPipe(&Sim{}, rate)
		residue := int64(0)
		for range 100 {
			octets := rapid.IntRange(0, 9000).Draw(t, "octets")
			bits := int64(octets)*8*int64(time.Second) + residue
			residue = bits % rate
			if got, want := x.time(octets), time.Duration(bits/rate); got != want || x.residue != uint64(residue) { //nolint:gosec // not negative
				t.Fatalf("%d octets take %d and leave %d, want %d and %d", octets, got, x.residue, want, residue)
			}
		}
	})
}
