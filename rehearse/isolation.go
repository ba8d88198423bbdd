package rehearse

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"onramp/network"
	"onramp/prove"
	"onramp/sim"
)

// Isolation is what came of packets between lines of business of which one asks to be isolated from the other: a few on every pair that the
// proof's property isolation looks at, before the failure, after it and after the repair.
type Isolation struct {
	Pairs int `json:"pairs"` // of a subnet and another's addresses, each direction
	Sent  int `json:"sent"`  // packets
	Seen  int `json:"seen"`  // packets of one line of business that the other got
	// Leaks are the pairs on which any arrived.
	Leaks []Leak `json:"leaks"`
}

// Leak is packets of one line of business that another got.
type Leak struct {
	From        string `json:"from"` // lines of business
	To          string `json:"to"`
	Source      string `json:"source"`
	Destination string `json:"destination"`
	When        string `json:"when" enum:"healthy,failed,repaired"`
	// Proof is what the proof says of such packets, Allowed that the premises may route between the two and do.
	Proof   string   `json:"proof" enum:"delivered,part,lost"`
	Allowed bool     `json:"allowed"`
	Sent    int      `json:"sent"`
	Seen    int      `json:"seen"`
	Ways    []string `json:"ways"`
}

// IsolatedPairs counts the pairs of an estate between which isolation allows no path.
type IsolatedPairs struct {
	Tried int `json:"tried"` // packets are sent on them in drills of their part of the estate
	// Apart are in parts of the estate between which no route can pass: on these nothing can be sent.
	Apart int `json:"apart"`
}

func (s *Isolation) add(x *Isolation) {
	s.Pairs, s.Sent, s.Seen, s.Leaks = s.Pairs+x.Pairs, s.Sent+x.Sent, s.Seen+x.Seen, append(s.Leaks, x.Leaks...)
}

// strayEvery is the time between two packets of a pair; each phase sends one from each source port.
const strayEvery = time.Millisecond

// strays are the probes between isolated lines of business.
func (r *rehearsal) strays(s *sim.Sim) ([]*sim.Probe, error) {
	out := make([]*sim.Probe, len(r.apart))
	for i := range r.apart {
		var err error
		if out[i], err = s.NewProbe("", r.apart[i].A, r.apart[i].B); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// stray lets every isolated line of business try the others, from each source port once.
func (x *run) stray() {
	for _, q := range x.strangers {
		q.Send(strayEvery, x.s.Now()+sim.ProbePorts*strayEvery)
	}
}

// leaks holds what arrived in each phase against what the proof says of it.
func (x *run) leaks() {
	x.out.Isolation.Pairs += len(x.apart)
	for phase, p := range [...]struct {
		when string
		st   *network.State
	}{{"healthy", x.healthy}, {"failed", x.state}, {"repaired", x.healthy}} {
		latched := phase == 2 && len(x.state.Exceeded()) > len(x.healthy.Exceeded()) // not as before, as with the flows
		for i := range x.apart {
			x.leak(i, phase, p.when, p.st, !latched)
		}
	}
}

func (x *run) leak(i, phase int, when string, st *network.State, judged bool) {
	a := &x.apart[i]
	list := x.strangers[i].Echoes()[phase*sim.ProbePorts : (phase+1)*sim.ProbePorts]
	seen := 0
	var ways []string
	for k := range list {
		if list[k].There < 0 {
			continue
		}
		way := x.s.Way(list[k].There)
		if way[len(way)-1] != a.Node() {
			continue
		}
		seen++
		if text := joined(way); !slices.Contains(ways, text) {
			ways = append(ways, text)
		}
	}
	slices.Sort(ways)
	want, allowed := x.openTo(a, st)
	x.out.Isolation.Sent += len(list)
	x.out.Isolation.Seen += seen
	if seen > 0 {
		x.out.Isolation.Leaks = append(x.out.Isolation.Leaks, Leak{From: a.From, To: a.To, Source: a.Source, Destination: a.Destination, When: when, Proof: want, Allowed: allowed,
			Sent: len(list), Seen: seen, Ways: ways})
	}
	if !judged || !st.Up(a.A) || !st.Up(a.B) {
		return
	}
	name := fmt.Sprintf("isolation of %s from %s: %s to %s", a.From, a.To, a.Source, a.Destination)
	told := fmt.Sprintf("of %d packets %d arrived", len(list), seen)
	if seen > 0 {
		told += ", by " + strings.Join(ways, " and ")
	}
	switch {
	case want == None && seen > 0:
		x.disagree(when, name, "the proof says that no packet of the one gets to the other", told, "")
	case want == Whole && seen < len(list):
		x.disagree(when, name, "the proof says that every packet of the one gets to the other", told, "")
	case want != None && seen > 0 && !allowed && when == "failed":
		if v := x.verdicts[x.sc.ID]; v != nil {
			for _, lob := range a.Asks {
				if !slices.Contains(v.Fails, prove.BreachOf(lob)) {
					x.disagree(when, name, "its verdict does not count "+lob+"'s isolation among what fails", told, "")
				}
			}
		}
	}
}

// openTo is what a state says of packets between isolated lines of business, and whether those that arrive are allowed to.
func (x *run) openTo(a *prove.Apart, st *network.State) (fate string, allowed bool) {
	share, allowed := 0.0, true
	paths := st.Trace(network.Flow{Src: a.A, Dst: a.B})
	for k := range paths {
		if a.Ends(&paths[k]) {
			share += paths[k].Share
			allowed = allowed && a.Allowed(&paths[k])
		}
	}
	switch {
	case share > all:
		return Whole, allowed
	case share < none:
		return None, false
	}
	return Part, allowed
}
