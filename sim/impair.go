package sim

import "time"

// Impairment is what is wrong with a link in one direction. The zero value is nothing. Chances are between 0 and 1.
type Impairment struct {
	// Loss is the chance that a packet is lost.
	Loss float64
	// Delay is added for every packet, and up to Jitter more, evenly drawn; packets keep their order.
	Delay, Jitter time.Duration
	// Reorder is the chance that a packet comes Late later than it would, while those behind it do not wait.
	Reorder float64
	Late    time.Duration
	// Duplicate is the chance that a packet arrives twice.
	Duplicate float64
	// Dead lets nothing through and tells nobody; set for one direction it is a one-way failure.
	Dead bool
	// Grey loses packets of users and lets those of the routers through, so that sessions stay up.
	Grey bool
	// Up and Down, both more than 0, let the link flap: it works for Up, then for Down it is Dead, and so on. Seen tells that both ends
	// see the link go down each time (Carrier).
	Up, Down time.Duration
	Seen     bool
}

// impairment is an Impairment at work.
type impairment struct {
	Impairment
	chance chance
	since  time.Duration
	last   time.Duration // when the last packet in order arrives
}

// Impair changes what is wrong with the link of a session, in direction 0 from its A to its B, in direction 1 from B to A. Call it by At to
// change it at a time. What is drawn depends on the seed, the link and the direction, not on what else happens.
func (s *Sim) Impair(session string, direction int, what Impairment) error {
	var names []string
	for _, l := range s.inOrder() {
		if l.spec.Name == session {
			s.impair(l.ends[direction], what)
			return nil
		}
		names = append(names, l.spec.Name)
	}
	return unknown("session", session, names)
}

// Grey begins or ends a grey failure of a router, or of all that run on a machine as with Crash: its sessions stay up, but packets of users that come to it or leave it are lost.
func (s *Sim) Grey(router string, on bool) error {
	list, err := s.routers(router)
	if err != nil {
		return err
	}
	var ports []*port
	for _, x := range list {
		ports = append(ports, x.ports...)
	}
	for _, p := range ports {
		for _, e := range p.link.ends {
			var now Impairment
			if e.gear != nil && e.gear.impair != nil {
				now = e.gear.impair.Impairment
			}
			now.Grey = on
			s.impair(e, now)
		}
	}
	return nil
}

func (s *Sim) impair(e *port, what Impairment) {
	s.routeAt = s.now
	s.served()
	g := e.geared()
	far := e.far().geared() // which has to look at what arrives
	old := g.impair
	if old == nil && what == (Impairment{}) {
		return
	}
	g.impair = &impairment{Impairment: what, since: s.now, last: s.now}
	far.coming = g.impair
	if old != nil {
		g.impair.chance, g.impair.last = old.chance, old.last
	} else {
		g.impair.chance = chance{s.options.Seed ^ uint64(2*e.link.index+e.end+1)*0xd1342543de82ef95} //nolint:gosec // an index
	}
	if what.Seen && what.Up > 0 && what.Down > 0 {
		g.impair.flap(e)
	}
}

// flap tells both ends each time that the link goes down.
func (i *impairment) flap(e *port) {
	s := e.node.s
	s.At(s.now+i.Up, func() {
		if e.gear.impair != i {
			return // it was changed meanwhile
		}
		for _, end := range e.link.ends {
			end.carrierLost()
		}
		s.At(s.now+i.Down, func() {
			if e.gear.impair == i {
				i.flap(e)
			}
		})
	})
}

// cut tells whether nothing gets through at a time.
func (i *impairment) cut(now time.Duration) bool {
	return i.Dead || i.Up > 0 && i.Down > 0 && (now-i.since)%(i.Up+i.Down) >= i.Up
}

// cross takes a packet over an impaired link, which it enters at a time. Each kind of bad luck is drawn for each packet whether it is possible or not, so that changing
// one chance leaves the draws of the others as they are.
func (i *impairment) cross(e *port, p *packet, at time.Duration) {
	s := e.node.s
	lost, twice, late, jitter := i.chance.float(), i.chance.float(), i.chance.float(), i.chance.float()
	switch {
	case i.cut(at), i.Grey && p.kind == data:
		s.gone(e, p)
		s.release(p)
		return
	case lost < i.Loss:
		s.gone(e, p)
		s.release(p)
		return
	}
	at += e.link.spec.Delay + i.Delay + time.Duration(jitter*float64(i.Jitter))
	if late < i.Reorder {
		at += i.Late
	} else {
		at = max(at, i.last)
		i.last = at
	}
	if twice < i.Duplicate {
		q := s.packet()
		payload, path := append(q.payload[:0], p.payload...), append(q.path[:0], p.path...)
		*q = *p
		q.payload, q.path = payload, path
		if p.flowIndex > 0 && !p.reply {
			s.flows[p.flowIndex-1].doubled()
		}
		e.launch(p, at)
		e.launch(q, at)
		return
	}
	e.launch(p, at)
}

// takes tells whether a packet that came over the link is let in.
func (e *port) takes(p *packet) bool {
	if i := e.gear.coming; i != nil && i.cut(e.node.s.now) {
		e.node.s.gone(e, p) // it was on the link when that was cut
		return false
	}
	return e.gear.arriving == nil || e.gear.arriving.police(e, p)
}

// chance is a generator of random numbers (SplitMix64: Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", 2014).
type chance struct{ state uint64 }

func (c *chance) next() uint64 {
	c.state += 0x9e3779b97f4a7c15
	z := c.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// float is evenly drawn from 0 up to but not including 1.
func (c *chance) float() float64 { return float64(c.next()>>11) / (1 << 53) }
