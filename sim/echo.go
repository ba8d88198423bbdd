package sim

import (
	"slices"
	"time"

	"onramp/network"
)

// Echo is what became of one request of a probe.
type Echo struct {
	At  time.Duration // when it was sent
	RTT time.Duration // 0 without an answer
	// There and Back are the ways that the request and its answer took, as in Sim.Way; -1 for one that did not arrive.
	There, Back int32
	Port        uint8 // which of the ProbePorts source ports
	Answered    bool
	Again       uint8 // answers after the first
	Late        bool  // a later request of the same source port was answered before it
	loss        int16 // counted from 1 in the probe's losses; 0 for nowhere that anybody saw
}

// Echoes are all requests since Watch, in order, whatever has become of them by now. The slice is the probe's own.
func (q *Probe) Echoes() []Echo { return q.echoes }

// LossOf tells where the request with this index in Echoes was lost; what was on a link that was cut, nobody saw end.
func (q *Probe) LossOf(i int) Loss {
	if k := q.echoes[i].loss; k > 0 {
		return q.losses[k-1]
	}
	return Loss{Reason: "on a link that was cut", Fate: network.Dropped}
}

// place finds a loss among the probe's, of which there are few.
func (q *Probe) place(l Loss) int16 {
	i := slices.Index(q.losses, l)
	if i < 0 {
		i = len(q.losses)
		q.losses = append(q.losses, l)
	}
	return int16(i + 1) //nolint:gosec // few
}

// Ends are the endpoints that the probe runs between.
func (q *Probe) Ends() (a, b network.Endpoint) { return q.a, q.b }

// wayBook is the paths that packets have taken, each once.
type wayBook struct {
	byKey map[string]int32
	key   []byte
	list  [][]string
}

// way is the number of a packet's path. It allocates nothing for one that was seen before.
func (s *Sim) way(p *packet) int32 {
	w := &s.ways
	w.key = w.key[:0]
	for _, n := range p.path {
		w.key = append(w.key, byte(n), byte(n>>8), byte(n>>16)) //nolint:gosec // the octets of a number
	}
	if i, ok := w.byKey[string(w.key)]; ok {
		return i
	}
	if w.byKey == nil {
		w.byKey = map[string]int32{}
	}
	names := make([]string, len(p.path))
	for i, n := range p.path {
		names[i] = s.places[n]
	}
	i := int32(len(w.list)) //nolint:gosec // so many ways there are not
	w.byKey[string(w.key)] = i
	w.list = append(w.list, names)
	return i
}

// Way is a way by its number: the names of the nodes, as in network.Hop.
func (s *Sim) Way(i int32) []string { return s.ways.list[i] }

// A probe that adapts sends densely while something may change: for stirred after any router's or subnet's table has changed, and for as
// long as one of its requests is without an answer. In between it rests, and a change of any table wakes it at once.
const (
	stirred   = 2 * time.Second // longer than it takes until the first loss, on any source port, is known for one
	longestRT = time.Second     // a request that was not answered by then is lost
	stayAwake = 3 * time.Second // after the last loss
)

// Rest lets the probe send only every so often while nothing changes and nothing is lost; 0 is never.
func (q *Probe) Rest(every time.Duration) { q.rest = every }

// pause is the time to the next request.
func (q *Probe) pause() time.Duration {
	s := q.s
	if q.rest == 0 || s.now < s.stirAt+stirred {
		return q.every
	}
	for ; q.judged < len(q.echoes) && q.echoes[q.judged].At <= s.now-longestRT; q.judged++ {
		if e := &q.echoes[q.judged]; !e.Answered {
			q.lostAt = e.At
		}
	}
	if q.lostAt >= 0 && s.now < q.lostAt+stayAwake {
		return q.every
	}
	return q.rest
}

// stir notes that some table has changed, and wakes the probes that rest.
func (s *Sim) stir() {
	if s.stirAt == s.now {
		return
	}
	s.stirAt = s.now
	for _, q := range s.probes {
		if q.nextAt > s.now+q.every && q.nextAt < q.stop {
			q.nextAt = s.now
			s.agenda.add(event{at: s.now, kind: evProbe, index: q.index})
		}
	}
}

// names are ways for people and for comparing, sorted.
func (s *Sim) names(set map[int32]bool) []string {
	var out []string
	for i := range set {
		text := ""
		for k, name := range s.ways.list[i] {
			if k > 0 {
				text += " > "
			}
			text += name
		}
		out = append(out, text)
	}
	slices.Sort(out)
	return out
}

// Wake lets every probe send densely for a while, as if some table had changed.
func (s *Sim) Wake() {
	s.stir()
	s.stirAt = s.now
}
