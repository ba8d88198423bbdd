package sim

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"onramp/network"
)

// Source is who asks: a host, or a router.
type Source struct {
	at   *station
	addr netip.Addr // the zero Addr of a router: it depends on where the packets leave
}

// Host is the host of an endpoint.
func (s *Sim) Host(e network.Endpoint) (Source, error) {
	at, err := s.stationOf(e)
	return Source{at: at, addr: e.Addr}, err
}

// Router is a router that asks by itself.
func (s *Sim) Router(name string) (Source, error) {
	x := s.byName[name]
	if x == nil || x.gone || x.spec.Gateway != "" { // nobody has a command line on a gateway
		return Source{}, fmt.Errorf("no router %q in this estate that could ask", name)
	}
	return Source{at: &station{router: x}}, nil
}

// from is the address of a source towards another.
func (q Source) from(to netip.Addr) netip.Addr {
	if q.addr.IsValid() {
		return q.addr
	}
	x := q.at.router
	var near, any netip.Addr
	for _, e := range x.ports {
		a := e.link.spec.Addr[e.end]
		if a.IsValid() && a.Is6() == to.Is6() {
			if !any.IsValid() {
				any = a
			}
			if e.link.spec.Addr[1-e.end] == to {
				near = a
			}
		}
	}
	return x.called(to.Is6(), near, any)
}

// reaches tells what is wrong with an address that no packet of the source can be for.
func (q Source) reaches(to netip.Addr) error {
	switch {
	case q.at == nil:
		return errors.New("nobody asks: a Source is made by Host or Router")
	case !to.IsValid():
		return errors.New("no address to ask")
	case q.addr.IsValid() && q.addr.Is6() != to.Is6():
		return fmt.Errorf("%s and %s are addresses of different families", q.addr, to)
	}
	return nil
}

// Answer is what came back for one packet, or what became of it.
type Answer struct {
	Kind AnswerKind
	Node string     // that answered, as in paths
	Addr netip.Addr // by which it answered
	RTT  time.Duration
	MTU  int  // of TooBig
	Loss Loss // of Nothing, where it is known
}

// AnswerKind is what an answer says.
type AnswerKind string

// The kinds of answer.
const (
	Nothing         AnswerKind = ""
	Echoed          AnswerKind = "echo"
	TimeExceeded    AnswerKind = "time exceeded"
	TooBig          AnswerKind = "too big"
	NoRoute         AnswerKind = "no route"
	PortUnreachable AnswerKind = "port unreachable"
)

func (k icmpKind) answers() AnswerKind {
	return [...]AnswerKind{Nothing, Nothing, Echoed, TimeExceeded, TooBig, NoRoute, PortUnreachable}[k]
}

// asked is what has been asked and is not yet told.
type asked struct {
	seq  uint32
	open map[uint32]*question
}

type question struct {
	told   func() // called when it is done; nil where somebody looks
	at     time.Duration
	done   bool
	answer Answer
}

// ask sends a packet of an asker on its way.
func (s *Sim) ask(q Source, to netip.Addr, ttl uint8, payload int, splits bool, sport, dport uint16, m *icmp) *question {
	if s.asked.open == nil {
		s.asked.open = map[uint32]*question{}
	}
	s.asked.seq++
	x := &question{at: s.now}
	s.asked.open[s.asked.seq] = x
	p := s.packet()
	p.kind, p.asks, p.closely, p.splits, p.icmp, p.seq32, p.sport, p.dport = data, true, true, splits, m, s.asked.seq, sport, dport
	p.src, p.dst, p.ttl, p.size = q.from(to), to, ttl, overhead(to)+headerICMP+payload
	if q.at.router != nil && !q.addr.IsValid() {
		p.ttl++ // what a router sends itself it does not count
	}
	s.dispatch(p, q.at)
	return x
}

// take is an answer that came.
func (a *asked) take(s *Sim, p *packet) {
	q := a.open[p.seq32]
	if q == nil || q.done {
		return
	}
	q.done = true
	q.answer = Answer{Kind: p.icmp.kind.answers(), Node: s.places[p.path[0]], Addr: p.src, RTT: s.now - q.at, MTU: p.icmp.mtu}
	if q.told != nil {
		q.told()
	}
}

// lost notes where a question or its answer ended; an answer that comes all the same, an error about it, counts.
func (a *asked) lost(p *packet, l Loss) {
	if q := a.open[p.seq32]; q != nil && !q.done {
		q.answer.Loss = l
	}
}

// answers runs until all are answered or the time is up, and forgets the questions.
func (s *Sim) answers(list []*question, wait time.Duration) []Answer {
	end := s.now + wait
	for s.now < end && slices.ContainsFunc(list, func(q *question) bool { return !q.done }) {
		s.Run(min(end, s.now+time.Millisecond))
	}
	clear(s.asked.open)
	out := make([]Answer, len(list))
	for i, q := range list {
		if q.done {
			q.answer.Loss = Loss{}
		}
		out[i] = q.answer
	}
	return out
}

// PingOptions say how to ping; zero values are as said.
type PingOptions struct {
	Count   int           // 5
	Every   time.Duration // 200 ms
	Wait    time.Duration // after the last, 3 s
	Payload int           // octets, 56
	Splits  bool          // packets that are too long may be split on their way, and so may the answers
	TTL     uint8         // 64
}

// Ping sends echo requests in virtual time and returns what came of each, in order.
func (s *Sim) Ping(from Source, to netip.Addr, o PingOptions) ([]Answer, error) {
	if err := from.reaches(to); err != nil {
		return nil, fmt.Errorf("ping: %w", err)
	}
	o.Count, o.Every, o.Wait, o.TTL = orElse(o.Count, 5), orElse(o.Every, 200*time.Millisecond), orElse(o.Wait, 3*time.Second), orElse(o.TTL, mostHops)
	o.Payload = max(orElse(o.Payload, 56), 4)
	ident := uint16(s.asked.seq%0xffff) + 1 //nolint:gosec // in range
	var list []*question
	for i := range o.Count {
		if i > 0 {
			s.Run(s.now + o.Every)
		}
		list = append(list, s.ask(from, to, o.TTL, o.Payload, o.Splits, ident, ident, &icmp{kind: echoRequest}))
		s.settle()
	}
	return s.answers(list, o.Wait), nil
}

func orElse[T comparable](v, other T) T {
	var zero T
	if v == zero {
		return other
	}
	return v
}

// TracerouteOptions say how to trace; zero values are as said.
type TracerouteOptions struct {
	Most   int           // hops, 30
	Probes int           // for each hop, 3
	Wait   time.Duration // for answers, 3 s
	// Flow chooses among ways of equal cost: all packets of one trace have the same ports, and so take one way.
	Flow uint16
}

// TraceHop is what was heard for one TTL.
type TraceHop struct {
	TTL     int
	Answers []Answer
}

// Node is who answered, "" when nobody did.
func (h *TraceHop) Node() string {
	for _, a := range h.Answers {
		if a.Kind != Nothing {
			return a.Node
		}
	}
	return ""
}

// Traceroute finds the way to an address in virtual time: datagrams to a port where nobody listens, with a TTL that grows until the
// address itself answers, or somebody says that there is no way. Hops are those that take one off the TTL: see icmp.go for who stays
// silent. Ports stay the same from hop to hop, as balanced routers have it (Augustin et al., Avoiding traceroute anomalies with Paris
// traceroute, 2006).
func (s *Sim) Traceroute(from Source, to netip.Addr, o TracerouteOptions) ([]TraceHop, error) {
	if err := from.reaches(to); err != nil {
		return nil, fmt.Errorf("traceroute: %w", err)
	}
	o.Most, o.Probes, o.Wait = orElse(o.Most, 30), orElse(o.Probes, 3), orElse(o.Wait, 3*time.Second)
	const port = 33434 // where traceroute begins
	var out []TraceHop
	for ttl := 1; ttl <= min(o.Most, mostHops); ttl++ {
		var list []*question
		for range o.Probes {
			list = append(list, s.ask(from, to, uint8(ttl), 32, false, firstEphemeral+o.Flow%manyEphemeral, port, nil)) //nolint:gosec // small
		}
		s.settle()
		hop := TraceHop{TTL: ttl, Answers: s.answers(list, o.Wait)}
		out = append(out, hop)
		if slices.ContainsFunc(hop.Answers, func(a Answer) bool { return a.Kind != Nothing && a.Kind != TimeExceeded }) {
			break
		}
	}
	return out, nil
}
