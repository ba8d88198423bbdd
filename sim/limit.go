package sim

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"

	"onramp/network"
)

// framing is what a frame has beside its IP packet: Ethernet's header, one tag and the checksum. Everything that counts octets counts it.
const framing = 18

// Limits says at which rates the links and the service work. Without it nothing queues and nothing is too much.
type Limits struct {
	// Factor divides every rate, and what constant flows send; the sizes of packets stay. 0 is 1.
	Factor float64
	// Classes tells that the premises' and the provider's queues serve by class; otherwise first come is first served.
	Classes bool
	// Provider is what the provider's network carries of a circuit's connection, in Mbps, by the connection's capacity
	// ("circuit:NAME/primary"); "" is for all others. 0 is no limit of its own (network.AssumeProviderCore).
	Provider map[string]float64
	// Rate is what is left of a rate in a direction for this estate, in Mbps, where others use it too; nil is all of it. Direction 0 is from A to
	// B of the sessions that it stands at: from the premises to Microsoft.
	Rate func(name string, direction int, mbps float64) float64
	// Depth is how long a queue can be at its rate, Burst how much an MSEE's limit lets through at once, as time at the rate. 0 is what
	// network assumes.
	Depth, Burst time.Duration
}

// traffic is what the simulator knows of flows and of what holds them back.
type traffic struct {
	flows    []*Flow
	pipes    []*pipe
	policers []*policer
	factor   float64 // of Limits
	limits   *Limits // nil before Limit
}

// gear is what stands at a port beside the bare link.
type gear struct {
	pipes     []*pipe  // what leaves passes these one after another
	leaving   *policer // an MSEE's
	arriving  *policer
	microsoft bool // Microsoft peering
	honoured  *[64]bool
	impair    *impairment
	coming    *impairment // of what arrives, the other end's
	tunnel    *tunnel     // nil for a link of its own
}

// geared is a port's gear.
func (e *port) geared() *gear {
	if e.gear == nil {
		e.gear = &gear{microsoft: e.link.spec.Kind == "microsoft"}
		if e.gear.microsoft && e.end == 0 {
			e.gear.honoured = e.node.s.honoured()
		}
	}
	return e.gear
}

// honoured tells of each mark whether Microsoft peering takes it (expressroute-qos.md).
func (s *Sim) honoured() *[64]bool {
	var out [64]bool
	for _, c := range s.net.Classes() {
		if v, err := strconv.ParseUint(c.DSCP, 10, 6); err == nil {
			out[v] = true
		}
	}
	return &out
}

// Limit puts every rate of the network in its place, for good; it is called once, before anything is sent.
func (s *Sim) Limit(l Limits) error {
	if len(s.pipes) > 0 || len(s.policers) > 0 {
		return fmt.Errorf("the estate has its limits already")
	}
	s.limits = &l
	s.place(l)
	return nil
}

// relimit puts the rates of a network that the estate has become in the place of those before. What waits at a rate goes on.
func (s *Sim) relimit() {
	if s.limits == nil {
		return
	}
	for _, l := range s.links {
		for _, e := range l.ends {
			if e.gear != nil {
				e.gear.pipes, e.gear.leaving, e.gear.arriving = nil, nil, nil
			}
		}
	}
	s.place(*s.limits)
}

// place puts the rates at the links.
func (s *Sim) place(l Limits) {
	s.factor = cmp.Or(l.Factor, 1)
	depth, burst := cmp.Or(l.Depth, network.QueueDepth), cmp.Or(l.Burst, network.PolicerBurst)
	largest := s.wiring.SupportedPacket + framing
	octets := func(rate int64, d time.Duration, packets int) int {
		return max(int(float64(rate)*d.Seconds()/8), packets*largest)
	}
	left := func(x *network.RateLimit, direction int) float64 {
		if l.Rate == nil {
			return x.Mbps
		}
		return l.Rate(x.Name, direction, x.Mbps)
	}
	pipeOf := func(mbps float64, end int, classed, exempt bool, name string) *pipe {
		rate := s.scaled(mbps)
		most := octets(rate, depth, 10)
		if i := slices.IndexFunc(s.pipes, func(o *pipe) bool { return o.name == name && o.end == end }); i >= 0 {
			s.pipes[i].pace(rate)
			s.pipes[i].most = most
			return s.pipes[i]
		}
		x := newPipe(s, rate)
		x.name, x.full, x.end, x.classed, x.exempt, x.most = name, "the queue of "+name+" is full", end, classed, exempt, most
		return x
	}
	// On its way to Microsoft a packet passes the port of the premises, the provider, the limit; on its way back the limit, the provider,
	// the port.
	for _, x := range s.rates() {
		switch x.Kind {
		case network.AccessRate, network.BackboneRate, network.GatewayRate:
			gateway := x.Kind == network.GatewayRate
			for end := range 2 {
				pipe := pipeOf(left(&x, end), end, l.Classes && !gateway, gateway, x.Name)
				for _, i := range x.Sessions {
					g := s.links[i].ends[end].geared()
					g.pipes = append(g.pipes, pipe)
				}
			}
		case network.CircuitRate:
			s.limitCircuit(x, octets(s.scaled(x.Mbps), burst, 2))
		}
	}
	for _, name := range s.connections() {
		mbps, ok := l.Provider[name]
		if !ok {
			mbps = l.Provider[""]
		}
		if mbps <= 0 {
			continue
		}
		label := "provider of " + name
		up, down := pipeOf(mbps, 0, l.Classes, false, label), pipeOf(mbps, 1, l.Classes, false, label)
		for _, link := range s.links {
			if link.gone || link.spec.Connection != name || link.spec.Kind != "private" && link.spec.Kind != "microsoft" {
				continue
			}
			a, b := link.ends[0].geared(), link.ends[1].geared()
			a.pipes = append(a.pipes, up)
			b.pipes = append([]*pipe{down}, b.pipes...)
		}
	}
	s.slacken()
}

// rates are the network's, or those of a wiring that nobody designed.
func (s *Sim) rates() []network.RateLimit {
	if s.net != nil {
		return s.net.RateLimits()
	}
	return s.wiring.Rates
}

// scaled is a rate in bits a second after the factor.
func (s *Sim) scaled(mbps float64) int64 { return max(1, int64(mbps*1e6/s.factor)) }

// policer takes one in, or finds the same one that is there.
func (s *Sim) policer(x *policer) *policer {
	i := slices.IndexFunc(s.policers, func(o *policer) bool { return o.name == x.name && o.end == x.end })
	switch {
	case i < 0:
		s.policers = append(s.policers, x)
	case s.policers[i].rate == x.rate && s.policers[i].burst == x.burst && s.policers[i].floors == x.floors:
		return s.policers[i]
	default:
		x.counts = s.policers[i].counts
		s.policers[i] = x
	}
	return x
}

func (s *Sim) limitCircuit(x network.RateLimit, burst int) {
	microsoft := slices.ContainsFunc(x.Sessions, func(i int) bool { return s.links[i].spec.Kind == "microsoft" })
	in := s.policer(newPolicer(x.Name, "more than "+x.Name+" to Microsoft", 0, s.scaled(x.Mbps), burst, microsoft))
	out := s.policer(newPolicer(x.Name, "more than "+x.Name+" from Microsoft", 1, s.scaled(x.Mbps), burst, microsoft))
	for _, i := range x.Sessions {
		g := s.links[i].ends[1].geared() // B is the MSEE
		g.arriving, g.leaving = in, out
	}
}

// slacken tells every pipe for how long nobody can tell what it does.
func (s *Sim) slacken() {
	for _, x := range s.pipes {
		x.slack, x.eager = never, s.options.Capture != nil // frames are shown in order
	}
	for _, l := range s.links {
		for _, e := range l.ends {
			if e.gear == nil {
				continue
			}
			for i, x := range e.gear.pipes {
				if i+1 < len(e.gear.pipes) {
					x.slack = 0
				}
				x.slack = min(x.slack, l.spec.Delay)
			}
		}
	}
}

// RateSeen is what became of the packets that came to a rate. Direction 0 is from A to B of the sessions that it stands at.
type RateSeen struct {
	Name      string
	Direction int
	Counts
}

// Rates tells of every rate, those that queue first, then those that drop.
func (s *Sim) Rates() []RateSeen {
	s.served()
	var out []RateSeen
	for _, x := range s.pipes {
		out = append(out, RateSeen{x.name, x.end, x.counts})
	}
	for _, x := range s.policers {
		out = append(out, RateSeen{x.name, x.end, x.counts})
	}
	return out
}

// connections are the capacities of the circuits' connections, each once.
func (s *Sim) connections() []string {
	var out []string
	for _, l := range s.links {
		if c := l.spec.Connection; c != "" && !l.gone && !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
	return out
}

// send takes a packet that leaves by a port with gear.
func (e *port) send(p *packet) {
	g := e.gear
	if g.leaving != nil && !g.leaving.police(e, p) {
		e.node.s.release(p)
		return
	}
	// Marks that Microsoft peering does not honour have to be taken off before (expressroute-qos.md); our edge does.
	if g.honoured != nil && p.kind == data && !g.honoured[p.dscp&63] {
		p.dscp = DSCPDefault
	}
	p.stage = 0
	e.pass(p)
}

// pass takes a packet to the next pipe, and from the last one on to the wire.
func (e *port) pass(p *packet) {
	g := e.gear
	for ; int(p.stage) < len(g.pipes); p.stage++ {
		x := g.pipes[p.stage]
		if !x.exempt || p.kind == data {
			x.offer(waiting{p, e})
			return
		}
		x.serve(e.node.s.now) // so that the link's luck is drawn in order
	}
	e.leave(p, e.node.s.now)
}

// leave puts a packet on the link, as at a time, and tells whether it will be at the other end after the link's delay.
func (e *port) leave(p *packet, at time.Duration) bool {
	s, l := e.node.s, e.link
	if l.dead[e.end] || !e.node.alive { // since it began to wait
		s.gone(e, p)
		s.release(p)
		return false
	}
	if s.options.Capture != nil {
		e.show(p, at)
	}
	if e.gear.tunnel != nil {
		e.wrap(p)
		return false
	}
	late := time.Duration(0)
	if s.faults.late != nil {
		late = s.faults.late()
	}
	if e.gear.impair != nil {
		e.gear.impair.cross(e, p, at+late)
		return false
	}
	e.launch(p, at+late+l.spec.Delay)
	return late == 0
}

// launch lets a packet arrive at the other end.
func (e *port) launch(p *packet, at time.Duration) {
	e.node.s.agenda.add(event{at: at, kind: evArrive, index: e.number() ^ 1, p: p})
}

// gone reports a packet that was on a link when that was cut, or on the way to a router that is down.
func (s *Sim) gone(e *port, p *packet) {
	if p.kind == data {
		s.lose(p, e.node.spec.Name, network.Dropped, "on a link that was cut")
	}
}
