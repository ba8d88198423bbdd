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
	losses []Loss            // where any were lost, each once
	paths  [2]map[int32]bool // there and back, as in Sim.Way
	rtt    []time.Duration
	first  uint32 // the sequence number of sentAt[0]

	echoes  []Echo
	highest [ProbePorts]uint32 // the last request answered, counted from 1, by source port
	rest    time.Duration      // the interval while nothing changes, 0 for the same
	nextAt  time.Duration      // of the next request
	judged  int                // echoes before this were looked at for losses
	lostAt  time.Duration      // when the last request among them that was lost was sent, -1 for none
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
			if x.spec.Kind == "core" && x.spec.Site == e.Site && !x.gone {
				return &station{router: x}, nil
			}
		}
	case network.Service:
		if x := s.byName["microsoft"]; x != nil && !x.gone {
			return &station{router: x}, nil
		}
	case network.VM:
		if x := s.byName[e.VNet.Name()+"/"+e.Subnet]; x != nil { // where nobody designed virtual networks
			return &station{router: x}, nil
		}
		for i := range s.wiring.Subnets {
			if s.wiring.Subnets[i].Node == e.VNet.Name()+"/"+e.Subnet && s.net.subnets.net(i) >= 0 {
				return &station{subnet: i}, nil
			}
		}
	}
	return nil, fmt.Errorf("no endpoint %s %s%s%s%s in this estate", e.Kind, e.Site, e.VNet, e.Subnet, e.Service)
}

// Watch forgets what became of earlier requests.
func (q *Probe) Watch() {
	q.first += uint32(len(q.sentAt)) //nolint:gosec // a count
	q.sentAt, q.result, q.rtt, q.losses = q.sentAt[:0], q.result[:0], q.rtt[:0], q.losses[:0]
	q.paths = [2]map[int32]bool{{}, {}}
	q.echoes, q.judged, q.lostAt = q.echoes[:0], 0, -1
}

// Send sends a request every interval from now on until a time.
func (q *Probe) Send(every, until time.Duration) {
	running := q.stop > q.s.now
	q.every, q.stop = every, until
	if !running {
		q.nextAt = q.s.now
		q.s.agenda.add(event{at: q.s.now, kind: evProbe, index: q.index})
	}
}

// fire sends the next request.
func (q *Probe) fire() {
	s := q.s
	if s.now >= q.stop || s.now != q.nextAt {
		return
	}
	p := s.packet()
	p.kind, p.size, p.probe, p.seq32, p.ttl = data, overhead(q.a.Addr)+headerUDP+32, q.index, q.seq, mostHops
	p.src, p.dst, p.sport, p.dport = q.a.Addr, q.b.Addr, q.port+uint16(q.seq%ProbePorts), echoPort
	q.echoes = append(q.echoes, Echo{At: s.now, There: -1, Back: -1, Port: uint8(q.seq % ProbePorts)})
	q.seq++
	q.sentAt, q.result = append(q.sentAt, s.now), append(q.result, onTheWay)
	s.dispatch(p, q.src)
	q.nextAt = s.now + q.pause()
	s.agenda.add(event{at: q.nextAt, kind: evProbe, index: q.index})
}

func (q *Probe) at(p *packet) int { return int(p.seq32) - int(q.first) }

func (q *Probe) lost(p *packet, l Loss) {
	if i := q.at(p); i >= 0 && i < len(q.result) {
		q.result[i] = lostOnTheWay
		q.echoes[i].loss = q.place(l)
	}
}

func (q *Probe) arrived(p *packet) {
	way := q.s.way(p)
	q.paths[0][way] = true
	if i := q.at(p); i >= 0 && i < len(q.echoes) {
		q.echoes[i].There = way
	}
}

func (q *Probe) answered(p *packet) {
	i := q.at(p)
	if i < 0 || i >= len(q.result) {
		return
	}
	e := &q.echoes[i]
	if e.Answered {
		e.Again++
		return
	}
	way := q.s.way(p)
	q.result[i] = answeredInTime
	q.rtt = append(q.rtt, q.s.now-q.sentAt[i])
	q.paths[1][way] = true
	e.Answered, e.RTT, e.Back = true, q.s.now-e.At, way
	if h := &q.highest[e.Port]; p.seq32+1 < *h {
		e.Late = true
	} else {
		*h = p.seq32 + 1
	}
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
		if l := q.LossOf(i); !slices.Contains(out.Losses, l) {
			out.Losses = append(out.Losses, l)
		}
	}
	if firstLost >= 0 {
		out.LostFrom = q.sentAt[firstLost]
		out.Outage = q.sentAt[lastLost] - q.sentAt[firstLost] + q.every
	}
	out.There, out.Back = q.s.names(q.paths[0]), q.s.names(q.paths[1])
	out.RTT = slices.Clone(q.rtt)
	return out
}
