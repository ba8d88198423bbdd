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
}

// gear is what stands at a port beside the bare link.
type gear struct {
	pipes     []*pipe  // what leaves passes these one after another
	leaving   *policer // an MSEE's
	arriving  *policer
	microsoft bool // Microsoft peering
	honoured  *[64]bool
	impair    *impairment
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
	newPipe := func(mbps float64, end int, classed, exempt bool, name string) *pipe {
		rate := s.scaled(mbps)
		x := &pipe{s: s, index: int32(len(s.pipes)), name: name, full: "the queue of " + name + " is full", end: end, rate: rate, classed: classed, exempt: exempt, //nolint:gosec // small
			most: octets(rate, depth, 10), turn: classVideo, fresh: true}
		s.pipes = append(s.pipes, x)
		return x
	}
	// On its way to Microsoft a packet passes the port of the premises, the provider, the limit; on its way back the limit, the provider,
	// the port.
	for _, x := range s.net.RateLimits() {
		switch x.Kind {
		case network.AccessRate, network.BackboneRate, network.GatewayRate:
			gateway := x.Kind == network.GatewayRate
			for end := range 2 {
				pipe := newPipe(left(&x, end), end, l.Classes && !gateway, gateway, x.Name)
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
		up, down := newPipe(mbps, 0, l.Classes, false, label), newPipe(mbps, 1, l.Classes, false, label)
		for _, link := range s.links {
			if link.spec.Connection != name || link.spec.Kind != "private" && link.spec.Kind != "microsoft" {
				continue
			}
			a, b := link.ends[0].geared(), link.ends[1].geared()
			a.pipes = append(a.pipes, up)
			b.pipes = append([]*pipe{down}, b.pipes...)
		}
	}
	return nil
}

// scaled is a rate in bits a second after the factor.
func (s *Sim) scaled(mbps float64) int64 { return max(1, int64(mbps*1e6/s.factor)) }

func (s *Sim) limitCircuit(x network.RateLimit, burst int) {
	microsoft := slices.ContainsFunc(x.Sessions, func(i int) bool { return s.links[i].spec.Kind == "microsoft" })
	in := newPolicer(x.Name, "more than "+x.Name+" to Microsoft", 0, s.scaled(x.Mbps), burst, microsoft)
	out := newPolicer(x.Name, "more than "+x.Name+" from Microsoft", 1, s.scaled(x.Mbps), burst, microsoft)
	s.policers = append(s.policers, in, out)
	for _, i := range x.Sessions {
		g := s.links[i].ends[1].geared() // B is the MSEE
		g.arriving, g.leaving = in, out
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
		if c := l.spec.Connection; c != "" && !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
	return out
}

// send takes a packet that leaves by a port with gear.
func (e *port) send(p *packet) {
	g := e.gear
	if !g.leaving.police(e, p) {
		e.node.s.release(p)
		return
	}
	// Marks that Microsoft peering does not honour have to be taken off before (expressroute-qos.md); our edge does.
	if g.honoured != nil && p.kind == data && !g.honoured[p.dscp&63] {
		p.dscp = DSCPDefault
	}
	e.pass(p, 0)
}

// pass takes a packet to the next pipe, and from the last one on to the wire.
func (e *port) pass(p *packet, stage int) {
	g := e.gear
	for ; stage < len(g.pipes); stage++ {
		if x := g.pipes[stage]; !x.exempt || p.kind == data {
			x.offer(waiting{p, e, stage})
			return
		}
	}
	e.leave(p, e.node.s.now)
}

// leave puts a packet on the link, as at a time.
func (e *port) leave(p *packet, at time.Duration) {
	s, l := e.node.s, e.link
	if l.dead[e.end] || e.node.speaker == nil { // since it began to wait
		s.gone(e, p)
		s.release(p)
		return
	}
	if s.options.Capture != nil {
		e.show(p, at)
	}
	if s.faults.late != nil {
		at += s.faults.late()
	}
	if e.gear.impair != nil {
		e.gear.impair.cross(e, p, at)
		return
	}
	e.launch(p, at+l.spec.Delay)
}

// launch lets a packet arrive at the other end.
func (e *port) launch(p *packet, at time.Duration) {
	e.node.s.agenda.add(event{at: at, kind: evArrive, index: int32(2*e.link.index + 1 - e.end), p: p}) //nolint:gosec // an index
}

// gone reports a packet that was on a link when that was cut, or on the way to a router that is down.
func (s *Sim) gone(e *port, p *packet) {
	if p.kind == data {
		s.lose(p, e.node.spec.Name, network.Dropped, "on a link that was cut")
	}
}
