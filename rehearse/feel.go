package rehearse

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"onramp/network"
	"onramp/sim"
)

// felt is what the flows with one probe's ends felt.
type felt struct {
	FlowDrill
	healthy              string // its fate before anything failed
	touched              bool
	lastLost, lastRepair time.Duration // when the last packet that was lost was sent
	wrong                []Disagreement
}

// span is a part of a drill, by when requests were sent.
type span struct{ from, to time.Duration }

func (s span) holds(e *sim.Echo) bool { return e.At >= s.from && e.At < s.to }

// seen is what became of the requests of a span.
type seen struct {
	sent, answered, lost int
	first, last          time.Duration // when the first and the last that was lost were sent
	reordered, again     int
	there, back          []int32 // ways
	sum                  time.Duration
	jitter               time.Duration
	losses               []sim.Loss
}

func (x *run) see(q *sim.Probe, sp span) seen {
	var out seen
	var last [sim.ProbePorts]time.Duration
	var jitter [sim.ProbePorts]time.Duration
	list := q.Echoes()
	for i := range list {
		e := &list[i]
		if !sp.holds(e) {
			continue
		}
		out.sent++
		out.again += int(e.Again)
		if e.Late {
			out.reordered++
		}
		if e.There >= 0 && !slices.Contains(out.there, e.There) {
			out.there = append(out.there, e.There)
		}
		if !e.Answered {
			if out.lost == 0 {
				out.first = e.At
			}
			out.last = e.At
			out.lost++
			if l := q.LossOf(i); !slices.Contains(out.losses, l) {
				out.losses = append(out.losses, l)
			}
			continue
		}
		out.answered++
		out.sum += e.RTT
		if !slices.Contains(out.back, e.Back) {
			out.back = append(out.back, e.Back)
		}
		if was := last[e.Port]; was > 0 { // RFC 3550 section 6.4.1: J += (|D| - J) / 16
			jitter[e.Port] += ((e.RTT - was).Abs() - jitter[e.Port]) / 16
			out.jitter = max(out.jitter, jitter[e.Port])
		}
		last[e.Port] = e.RTT
	}
	return out
}

func (s *seen) fate() string {
	switch {
	case s.lost == 0:
		return Whole
	case s.answered == 0:
		return None
	}
	return Part
}

func (x *run) way(s *seen) Way {
	w := Way{There: x.waysOf(s.there), Back: x.waysOf(s.back), JitterMs: ms(s.jitter)}
	if s.answered > 0 {
		w.LatencyMs = ms(s.sum / time.Duration(s.answered))
	}
	return w
}

func (x *run) waysOf(list []int32) []string {
	out := []string{}
	for _, i := range list {
		out = append(out, joined(x.s.Way(i)))
	}
	slices.Sort(out)
	return out
}

func joined(nodes []string) string { return strings.Join(nodes, " > ") }

const all, none = 0.999, 0.001 // shares are sums of fractions

// fated is what the proof says of a flow: its ways that arrive, and its fate there and back.
type fated struct {
	there, back []string
	fate        string
}

func fateOf(paths [2][]network.Path) fated {
	var f fated
	var share [2]float64
	for dir, list := range [2]*[]string{&f.there, &f.back} {
		for i := range paths[dir] {
			p := &paths[dir][i]
			if p.Fate != network.Delivered {
				continue
			}
			share[dir] += p.Share
			var names []string
			for k := range p.Hops {
				names = append(names, p.Hops[k].Node)
			}
			*list = append(*list, joined(names))
		}
	}
	switch {
	case share[0] > all && share[1] > all:
		f.fate = Whole
	case share[0] < none || share[1] < none:
		f.fate = None
	default:
		f.fate = Part
	}
	return f
}

// feel measures what one probe saw.
func (x *run) feel(i int) felt {
	q, p := x.probes[i], &x.pairs[i]
	healthy, after := fateOf(p.healthy), fateOf(x.expect[i])
	settled := x.quiet + window
	pre := x.see(q, span{x.began, x.failed - tail/2})
	during := x.see(q, span{x.failed, x.quiet})
	post := x.see(q, span{x.quiet, settled})
	failure := x.see(q, span{x.began, settled})
	repair := x.see(q, span{settled, x.ended - tail})
	final := x.see(q, span{x.whole, x.whole + window})

	f := felt{healthy: healthy.fate, lastLost: failure.last, lastRepair: repair.last}
	f.Expected, f.Seen = after.fate, post.fate()
	f.Lost, f.Reordered, f.Duplicated, f.RepairLost = failure.lost, failure.reordered+repair.reordered, failure.again+repair.again, repair.lost
	outage := failure.outage()
	f.OutageMs, f.RepairOutageMs = ms(outage), ms(repair.outage())
	f.Before, f.During, f.After = x.way(&pre), x.way(&during), x.way(&post)
	f.touched = failure.lost > 0 || repair.lost > 0 || f.Reordered+f.Duplicated > 0 || !slices.Equal(f.Before.There, f.After.There) || !slices.Equal(f.Before.Back, f.After.Back)

	if f.Losses, f.RepairLosses = []LossSpan{}, []LossSpan{}; f.Lost+f.RepairLost > 0 {
		f.Losses, f.RepairLosses = x.losses(q)
	}

	x.judge(&f, q, "healthy", healthy, &pre)
	x.judge(&f, q, "failed", after, &post)
	if len(x.state.Exceeded()) <= len(x.healthy.Exceeded()) {
		x.judge(&f, q, "repaired", healthy, &final)
	}
	f.Bound = x.bound(x.ruins, p, x.portWays(q), healthy.fate != Whole || after.fate != Whole)
	f.Bound.Within = f.Bound.holdsFor(outage, x.allowance)
	if !f.Bound.Within {
		f.touched = true
		f.wrong = append(f.wrong, Disagreement{When: "failed", Proof: fmt.Sprintf("by the timers an outage lasts from %s to %s, give or take %s for sampling and %s for travel",
			f.Bound.lower, f.Bound.upper, f.Bound.sampling, x.allowance), Seen: fmt.Sprintf("it lasted %s", outage), Ended: ends(failure.losses)})
	}
	return f
}

// outage is from the first request that was lost to the one after the last.
func (s *seen) outage() time.Duration {
	if s.lost == 0 {
		return 0
	}
	return s.last - s.first + every
}

// portWays are the ways that each source port took before the failure.
func (x *run) portWays(q *sim.Probe) (out [2][sim.ProbePorts][]string) {
	list := q.Echoes()
	for i := range list {
		e := &list[i]
		if e.At >= x.failed-tail/2 {
			break
		}
		if e.There >= 0 {
			out[0][e.Port] = x.s.Way(e.There)
		}
		if e.Back >= 0 {
			out[1][e.Port] = x.s.Way(e.Back)
		}
	}
	return out
}

// judge holds what was seen while nothing changed against what the proof says.
func (x *run) judge(f *felt, q *sim.Probe, when string, want fated, s *seen) {
	wrong := func(proof, seen, ended string) {
		f.touched = true
		f.wrong = append(f.wrong, Disagreement{When: when, Proof: proof, Seen: seen, Ended: ended})
	}
	switch {
	case want.fate == Whole && s.lost > 0:
		wrong("the proof says that every packet arrives", fmt.Sprintf("of %d requests %d were not answered", s.sent, s.lost), ends(s.losses))
	case want.fate == None && s.answered > 0:
		wrong("the proof says that no packet gets there and back", fmt.Sprintf("of %d requests %d were answered", s.sent, s.answered), "")
	}
	for dir, list := range [2][]int32{s.there, s.back} {
		allowed, direction := want.there, "there"
		if dir == 1 {
			allowed, direction = want.back, "back"
		}
		for _, way := range x.waysOf(list) {
			if !slices.Contains(allowed, way) {
				wrong(fmt.Sprintf("the proof's ways %s are %s", direction, or(strings.Join(allowed, " and "), "none")), "a packet went "+way, "")
			}
		}
	}
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// ends tells where packets ended.
func ends(list []sim.Loss) string {
	var out []string
	for _, l := range list {
		s := l.Reason
		if l.Node != "" {
			s = "at " + l.Node + ": " + l.Reason
		}
		out = append(out, s)
	}
	slices.Sort(out)
	return strings.Join(out, "; ")
}
