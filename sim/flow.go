package sim

import (
	"cmp"
	"slices"
	"time"

	"onramp/network"
)

// FlowKind is how a flow sends.
type FlowKind uint8

// The kinds of flow.
const (
	Constant FlowKind = iota // at a rate, whatever happens to it
	Voice                    // one direction of a call: 50 packets a second of 200 octets (G.711 in 20 ms, RTP, UDP, IPv4), marked EF
	Bulk                     // as much as gets through, by a congestion-controlled sender (bulk.go)
)

// FlowSpec is what a flow is.
type FlowSpec struct {
	Name     string
	Kind     FlowKind
	Src, Dst network.Endpoint
	// Mbps is what a constant flow sends, frames counted whole as the limits count them; Limits.Factor divides it.
	Mbps float64
	// Packet is the size in octets of IP; 0 is the largest that is supported end to end.
	Packet int
	// Splits tells that packets which are too long for a link may be split.
	Splits bool
	DSCP   uint8 // of a voice flow that says 0: EF
	// Unmarked keeps a voice flow at 0.
	Unmarked     bool
	Sport, Dport uint16
}

// A call's packets: 160 octets of G.711 and 40 of headers, every 20 ms (RFC 3551 section 4.2).
const (
	voiceEvery  = 20 * time.Millisecond
	voicePacket = 200
)

// slice is the time over which throughput is counted.
const slice = 100 * time.Millisecond

// Flow sends packets from one endpoint to another in one direction and measures what arrives.
type Flow struct {
	FlowSpec
	s        *Sim
	index    int32
	src, dst *station
	size     int  // of a frame
	long     bool // more than is supported end to end
	began    time.Duration
	stop     time.Duration
	timer    time.Duration // of the evFlow that is planned, never without one
	count    int64         // of the packets of a constant flow
	chance   chance
	bulk     *sender

	sent, dropped, duplicates, copies, reordered uint64
	octets                                       uint64
	delays                                       []time.Duration // of each packet that arrived, in the order of arrival
	losses                                       map[Loss]int
	got                                          []uint64 // a bit for each number that has arrived
	next                                         uint32   // the highest number that has arrived, and one
	transit                                      time.Duration
	jitter                                       float64 // of RFC 3550, in ns
	slices                                       []uint64
	way                                          []int32 // of the last packet that arrived, as in Sim.places
	mark                                         uint8   // its DSCP
}

// NewFlow makes a flow, which sends nothing until Start. An endpoint that is not in the estate is an error.
func (s *Sim) NewFlow(spec FlowSpec) (*Flow, error) {
	src, err := s.stationOf(spec.Src)
	if err != nil {
		return nil, err
	}
	dst, err := s.stationOf(spec.Dst)
	if err != nil {
		return nil, err
	}
	i := len(s.flows)
	if spec.Kind == Voice {
		spec.Packet = voicePacket
		if !spec.Unmarked {
			spec.DSCP = cmp.Or(spec.DSCP, DSCPVoice)
		}
	}
	spec.Packet = cmp.Or(spec.Packet, s.wiring.SupportedPacket)
	spec.Sport, spec.Dport = cmp.Or(spec.Sport, uint16(20000+i)), cmp.Or(spec.Dport, 5001)                           //nolint:gosec // so many flows there are not
	f := &Flow{FlowSpec: spec, s: s, index: int32(i), src: src, dst: dst, size: spec.Packet + framing, timer: never, //nolint:gosec // small
		chance: chance{s.options.Seed*0x9e3779b97f4a7c15 ^ uint64(i+1)<<32}, losses: map[Loss]int{}} //nolint:gosec // small
	f.long = f.size-framing > s.wiring.SupportedPacket
	s.flows = append(s.flows, f)
	return f, nil
}

// Start sends from now on until a time. A flow is started once.
func (f *Flow) Start(until time.Duration) {
	f.began, f.stop, f.count = f.s.now, until, 0
	if f.Src.Kind == network.Service {
		f.s.expected(f)
	}
	most := 0 // so many packets, so that measuring allocates nothing while it runs
	switch f.Kind {
	case Constant:
		most = int((until-f.began)/f.every()) + 1
		f.plan(f.s.now + time.Duration(f.chance.float()*float64(f.every())))
	case Voice:
		most = int((until-f.began)/voiceEvery) + 1
		f.plan(f.s.now + time.Duration(f.chance.float()*float64(voiceEvery)))
	case Bulk:
		f.bulk = newSender(f)
		f.plan(f.s.now)
	}
	f.delays = slices.Grow(f.delays, most)
	f.got = slices.Grow(f.got, most/64+1)
	f.slices = slices.Grow(f.slices, int((until-f.began)/slice)+100)
}

// every is the time between two packets of a constant flow, in the mean.
func (f *Flow) every() time.Duration {
	return max(1, time.Duration(float64(f.size*8)/float64(f.s.flowRate(f.Mbps))*1e9))
}

// flowRate is a flow's rate in bits a second after the factor.
func (s *Sim) flowRate(mbps float64) int64 {
	return max(1, int64(mbps*1e6/cmp.Or(s.factor, 1)))
}

// plan has the flow woken at a time, if it is not woken earlier anyway.
func (f *Flow) plan(at time.Duration) {
	if at < f.timer {
		f.timer = at
		f.s.agenda.add(event{at: at, kind: evFlow, index: f.index})
	}
}

// wake sends what is due.
func (f *Flow) wake() {
	s := f.s
	if s.now < f.timer {
		return // planned before an earlier one was
	}
	f.timer = never
	if s.now >= f.stop {
		return
	}
	switch f.Kind {
	case Constant:
		f.send()
		// Each packet leaves at some time of its own interval: the rate is exact and two flows do not march in step.
		f.count++
		bits := int64(f.size) * 8
		from := time.Duration(float64(f.count*bits) / float64(s.flowRate(f.Mbps)) * 1e9)
		f.plan(max(s.now, f.began+from+time.Duration(f.chance.float()*float64(f.every()))))
	case Voice:
		f.send()
		f.plan(s.now + voiceEvery)
	case Bulk:
		f.bulk.wake()
	}
}

// send sends the next packet.
func (f *Flow) send() {
	s := f.s
	p := s.packet()
	p.kind, p.size, p.flowIndex, p.seq32, p.ttl, p.dscp, p.sentAt = data, f.size, f.index+1, uint32(f.sent), mostHops, f.DSCP, s.now //nolint:gosec // a number wraps as one of RTP does
	p.src, p.dst, p.sport, p.dport = f.Src.Addr, f.Dst.Addr, f.Sport, f.Dport
	p.closely, p.splits = f.long, f.Splits
	f.sent++
	s.dispatch(p, f.src)
}

// lost is told of each packet that ended before the other side.
func (f *Flow) lost(p *packet, l Loss) {
	if p.reply {
		return
	}
	f.dropped++
	f.losses[l]++
}

// doubled is told when a link makes a second packet of one.
func (f *Flow) doubled() { f.copies++ }

// arrived takes a packet at the other side, or an acknowledgement at this one.
func (f *Flow) arrived(p *packet) {
	s := f.s
	if p.reply {
		f.bulk.acknowledged(p)
		return
	}
	word, bit := int(p.seq32/64), uint64(1)<<(p.seq32%64)
	for len(f.got) <= word {
		f.got = append(f.got, 0)
	}
	if f.got[word]&bit != 0 {
		f.duplicates++
	} else {
		f.got[word] |= bit
		if p.seq32 < f.next {
			f.reordered++ // RFC 4737 section 3.3
		}
		f.next = max(f.next, p.seq32+1)
		transit := s.now - p.sentAt
		if len(f.delays) > 0 {
			// RFC 3550 section 6.4.1.
			f.jitter += (float64((transit - f.transit).Abs()) - f.jitter) / 16
		}
		f.transit = transit
		f.way, f.mark = append(f.way[:0], p.path...), p.dscp
		f.delays = append(f.delays, transit)
		f.octets += uint64(p.size) //nolint:gosec // not negative
		k := int((s.now - f.began) / slice)
		for len(f.slices) <= k {
			f.slices = append(f.slices, 0)
		}
		f.slices[k] += uint64(p.size) //nolint:gosec // not negative
	}
	if f.Kind == Bulk {
		f.acknowledge(p)
	}
}

// Measured is what became of a flow so far.
type Measured struct {
	// Sent counts the packets sent and Copies those that a link made of them; Received each number once, Duplicates what came again, Dropped
	// what was lost. Sent + Copies = Received + Duplicates + Dropped + those on their way.
	Sent, Copies, Received, Duplicates, Dropped uint64
	Reordered                                   uint64
	// Lost is the share of what was sent that did not arrive, once nothing is on its way any more.
	Lost float64
	// Mbps is the throughput from the first slice to the last whole one, Over that of each tenth of a second; both are multiplied by
	// Factor, as if nothing had been scaled. A voice flow is not scaled and neither are its figures.
	Mbps   float64
	Over   []float64
	Factor float64
	// Delay is one way. Jitter is RFC 3550's estimate at the end.
	Least, Median, P95, Most time.Duration
	Jitter                   time.Duration
	Losses                   []LossCount
	// Way is where the last packet that arrived has been, DSCP its mark when it did.
	Way  []string
	DSCP uint8
}

// LossCount is how often a loss happened.
type LossCount struct {
	Loss
	Packets int
}

// Measured counts.
func (f *Flow) Measured() Measured {
	factor := cmp.Or(f.s.factor, 1)
	if f.Kind == Voice {
		factor = 1
	}
	m := Measured{Sent: f.sent, Copies: f.copies, Received: uint64(len(f.delays)), Duplicates: f.duplicates, Dropped: f.dropped, Reordered: f.reordered,
		Jitter: time.Duration(f.jitter), Factor: factor, DSCP: f.mark}
	if f.sent > 0 {
		m.Lost = 1 - float64(m.Received)/float64(f.sent)
	}
	end := min(f.s.now, f.stop)
	whole := min(int((end-f.began)/slice), len(f.slices))
	for _, o := range f.slices[:whole] {
		m.Over = append(m.Over, float64(o)*8/slice.Seconds()/1e6*factor)
	}
	m.Mbps = mean(m.Over)
	if len(f.delays) > 0 {
		sorted := slices.Sorted(slices.Values(f.delays))
		n := len(sorted)
		m.Least, m.Median, m.P95, m.Most = sorted[0], sorted[n/2], sorted[min(n-1, n*95/100)], sorted[n-1]
	}
	for _, i := range f.way {
		m.Way = append(m.Way, f.s.places[i])
	}
	for l, n := range f.losses {
		m.Losses = append(m.Losses, LossCount{l, n})
	}
	slices.SortFunc(m.Losses, func(a, b LossCount) int {
		return cmp.Or(cmp.Compare(a.Node, b.Node), cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.Fate, b.Fate))
	})
	return m
}

// Settled is the throughput from a time after the start on: what a flow reaches once queues are full and a bulk sender knows its way.
func (m *Measured) Settled(after time.Duration) float64 {
	return mean(m.Over[min(int(after/slice), len(m.Over)):])
}

func mean(list []float64) float64 {
	if len(list) == 0 {
		return 0
	}
	sum := 0.0
	for _, x := range list {
		sum += x
	}
	return sum / float64(len(list))
}
