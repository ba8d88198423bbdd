package sim

import (
	"fmt"
	"slices"
	"time"

	"onramp/network"
)

// Probe is a stream of echo requests (UDP) between two endpoints and what has become of them. Source ports take turns, so that every one of
// several equal ways is tried.
type Probe struct {
	Name     string
	src, dst *station
	a, b     network.Endpoint
	s        *Sim
	index    int32
	every    time.Duration
	stop     time.Duration
	seq      uint32
	port     uint16

	sentAt []time.Duration // of each request since Watch
	result []outcome
	losses map[uint32]Loss
	paths  [2]map[string]bool // there and back
	known  [2][][]int32       // the same, as in packet.path
	rtt    []time.Duration
	first  uint32 // the sequence number of sentAt[0]
}

type outcome uint8

const (
	onTheWay outcome = iota
	answeredInTime
	lostOnTheWay
)

// ProbePorts is how many source ports take turns.
const ProbePorts = 16

const echoPort = 7 // RFC 862

// NewProbe makes a probe, which sends nothing until Send. An endpoint that is not in the estate is an error.
func (s *Sim) NewProbe(name string, a, b network.Endpoint) (*Probe, error) {
	src, err := s.stationOf(a)
	if err != nil {
		return nil, err
	}
	dst, err := s.stationOf(b)
	if err != nil {
		return nil, err
	}
	q := &Probe{Name: name, src: src, dst: dst, a: a, b: b, s: s, index: int32(len(s.probes)), port: 33434} //nolint:gosec // small
	q.Watch()
	s.probes = append(s.probes, q)
	return q, nil
}

func (s *Sim) stationOf(e network.Endpoint) (*station, error) {
	switch e.Kind {
	case network.SiteHost:
		for _, x := range s.nodes {
			if x.spec.Kind == "core" && x.spec.Site == e.Site {
				return &station{router: x}, nil
			}
		}
	case network.Service:
		if x := s.byName["microsoft"]; x != nil {
			return &station{router: x}, nil
		}
	case network.VM:
		for i := range s.wiring.Subnets {
			if s.wiring.Subnets[i].Node == e.VNet.Name()+"/"+e.Subnet {
				return &station{subnet: i}, nil
			}
		}
	}
	return nil, fmt.Errorf("no endpoint %s %s%s%s%s in this estate", e.Kind, e.Site, e.VNet, e.Subnet, e.Service)
}

// Watch forgets what became of earlier requests.
func (q *Probe) Watch() {
	q.first += uint32(len(q.sentAt)) //nolint:gosec // a count
	q.sentAt, q.result, q.rtt, q.losses = q.sentAt[:0], q.result[:0], q.rtt[:0], map[uint32]Loss{}
	q.paths, q.known = [2]map[string]bool{{}, {}}, [2][][]int32{}
}

// Send sends a request every interval from now on until a time.
func (q *Probe) Send(every, until time.Duration) {
	running := q.stop > q.s.now
	q.every, q.stop = every, until
	if !running {
		q.s.agenda.add(event{at: q.s.now, kind: evProbe, index: q.index})
	}
}

// fire sends the next request.
func (q *Probe) fire() {
	s := q.s
	if s.now >= q.stop {
		return
	}
	p := s.packet()
	p.kind, p.size, p.probe, p.seq32, p.ttl = data, overhead(q.a.Addr)+headerUDP+32, q.index, q.seq, mostHops
	p.src, p.dst, p.sport, p.dport = q.a.Addr, q.b.Addr, q.port+uint16(q.seq%ProbePorts), echoPort
	q.seq++
	q.sentAt, q.result = append(q.sentAt, s.now), append(q.result, onTheWay)
	s.inject(p, q.src)
	s.release(p)
	s.agenda.add(event{at: s.now + q.every, kind: evProbe, index: q.index})
}

func (q *Probe) at(p *packet) int { return int(p.seq32) - int(q.first) }

func (q *Probe) lost(p *packet, l Loss) {
	if i := q.at(p); i >= 0 && i < len(q.result) {
		q.result[i] = lostOnTheWay
		q.losses[p.seq32] = l
	}
}

func (q *Probe) arrived(p *packet) { q.took(0, p) }

// took notes a packet's way there (0) or back (1).
func (q *Probe) took(direction int, p *packet) {
	for _, k := range q.known[direction] {
		if slices.Equal(k, p.path) {
			return
		}
	}
	q.known[direction] = append(q.known[direction], slices.Clone(p.path))
	q.paths[direction][q.s.path(p)] = true
}

func (q *Probe) answered(p *packet) {
	if i := q.at(p); i >= 0 && i < len(q.result) {
		q.result[i] = answeredInTime
		q.rtt = append(q.rtt, q.s.now-q.sentAt[i])
		q.took(1, p)
	}
}

// path is the way of a packet, for people and for comparing.
func (s *Sim) path(p *packet) string {
	b := make([]byte, 0, 128)
	for i, n := range p.path {
		if i > 0 {
			b = append(b, " > "...)
		}
		b = append(b, s.places[n]...)
	}
	return string(b)
}

// Seen is what became of the requests since Watch that were sent before a time.
type Seen struct {
	Sent, Answered, Lost int
	// Outage is from the first request without an answer to the one after the last, 0 without one; LostFrom is when the first was sent.
	Outage, LostFrom time.Duration
	There, Back      []string // the ways taken, sorted
	Losses           []Loss   // where requests or answers ended, each once
	RTT              []time.Duration
}

// Seen counts.
func (q *Probe) Seen(before time.Duration) Seen {
	var out Seen
	firstLost, lastLost := -1, -1
	for i, at := range q.sentAt {
		if at >= before {
			break
		}
		out.Sent++
		if q.result[i] == answeredInTime {
			out.Answered++
			continue
		}
		out.Lost++
		if firstLost < 0 {
			firstLost = i
		}
		lastLost = i
		l, ok := q.losses[q.first+uint32(i)] //nolint:gosec // an index
		if !ok {
			l = Loss{Reason: "on a link that was cut", Fate: network.Dropped}
		}
		if !slices.Contains(out.Losses, l) {
			out.Losses = append(out.Losses, l)
		}
	}
	if firstLost >= 0 {
		out.LostFrom = q.sentAt[firstLost]
		out.Outage = q.sentAt[lastLost] - q.sentAt[firstLost] + q.every
	}
	for dir, list := range []*[]string{&out.There, &out.Back} {
		for p := range q.paths[dir] {
			*list = append(*list, p)
		}
		slices.Sort(*list)
	}
	out.RTT = slices.Clone(q.rtt)
	return out
}
