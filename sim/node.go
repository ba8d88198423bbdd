package sim

import (
	"math"
	"net/netip"
	"slices"
	"time"

	"onramp/bfd"
	"onramp/bgp"
	"onramp/network"
)

const never = time.Duration(math.MaxInt64)

// node is a router. Its speaker is nil while it is switched off: what a router knows it forgets with its power.
type node struct {
	s       *Sim
	speaker *bgp.Speaker
	fib     fib
	index   int
	spec    *network.WiredRouter
	ports   []*port // of the links that there are
	peers   []*port // by the speaker's numbers; a port whose session was configured anew is here more than once
	alive   bool    // it forwards; without a speaker its control plane restarts
	crashed bool    // somebody stopped it, whatever its elements say
	gone    bool    // the network does not have it any more
	// restarting tells that it forwards by what it knew before, until it knows better.
	restarting bool
	backAt     time.Duration // when its control plane has restarted
	boots      uint64
	wakeAt     time.Duration // of the first evWake that is planned
	dirty      bool
	place      int32 // in paths
	nat        *nat  // nil without address translation
	tunnels    []*port
	// ghostUntil is when the platform notices that a gateway's instance is gone; until then packets are sent to it.
	ghostUntil time.Duration
}

// port is a node's end of a link, with the session over it.
type port struct {
	node    *node
	link    *link
	gear    *gear // nil for a bare link
	end     int
	addr    netip.Addr
	id      bgp.NeighborID
	streams []*stream
	dialing *stream
	bfd     *bfd.Session
	state   bgp.State     // of the session
	wakeAt  time.Duration // of the first evTimer that is planned
	dirty   bool
	upAt    time.Duration // when the session was last Established
	octets  int64         // of users' packets that came over the link
	// outdated tells that the session runs with timers that the configuration does not have any more.
	outdated bool
}

// number is the port's, as in events.
func (e *port) number() int32 { return int32(2*e.link.index + e.end) } //nolint:gosec // an index

func (e *port) far() *port { return e.link.ends[1-e.end] }

// Defaults where neither the facts nor the design say anything: sessions inside a site, a provider or Microsoft's network.
const (
	insideHold = 9 * time.Second
	idleHold   = time.Second
	dialAgain  = 5 * time.Second
	// instanceNotice is how long a gateway's instance that fails is still sent to: the disconnect test "typically within 15 s"
	// (behaviors.md); nothing is published for an instance.
	instanceNotice = 15 * time.Second
)

// boot makes the node's speaker as it is configured.
func (x *node) boot() error {
	x.boots++
	if !x.restarting {
		x.fib = fib{}
		if x.nat != nil {
			x.nat.forget()
		}
	}
	speaker, err := bgp.NewSpeaker(bgp.SpeakerConfig{AS: x.spec.AS, RouterID: x.spec.ID, Decision: x.spec.Decision,
		Restarting: x.restarting, Seed: x.s.options.Seed*1_000_003 + uint64(x.index)<<20 + x.boots})
	if err != nil {
		return err
	}
	x.speaker, x.peers = speaker, nil
	for _, p := range x.ports {
		if err := p.configure(); err != nil {
			return err
		}
	}
	for _, o := range x.spec.Own {
		x.do(speaker.Originate(x.s.now, o.Prefix, *o.Attrs))
	}
	return nil
}

// configure gives the node's speaker the session of this end, which it does not start.
func (e *port) configure() error {
	x, spec := e.node, e.link.spec
	c := bgp.NeighborConfig{Name: spec.Name, Addr: e.far().addr, AS: e.far().node.spec.AS, LocalAddr: e.addr,
		HoldTime: spec.Hold[e.end], KeepaliveTime: spec.Keepalive[e.end], ConnectRetry: dialAgain, IdleHold: idleHold, Rules: e.rules(), PolicyOptional: true, LocalPrefKept: true}
	if c.HoldTime == 0 {
		c.HoldTime = insideHold
	}
	c.RestartTime = e.graceful()
	if spec.IPv4 {
		c.Families = append(c.Families, bgp.IPv4Unicast())
		if e.addr.Is6() {
			c.LocalIPv4 = netip.AddrFrom4([4]byte{169, 254, 255, byte(1 + e.end)})
		}
	}
	if spec.IPv6 {
		c.Families = append(c.Families, bgp.IPv6Unicast())
		if e.addr.Is4() {
			c.LocalIPv6 = netip.AddrFrom16([16]byte{0xfd, 15: byte(1 + e.end)}) // a next hop that only the other end sees
		}
	}
	if limits := spec.Limits[1-e.end]; !x.s.faults.boundless {
		c.IPv4Limit, c.IPv6Limit = bgp.Limit{Max: limits.IPv4}, bgp.Limit{Max: limits.IPv6}
	}
	if only := spec.Tells[e.end]; only != nil {
		c.Export = &bgp.Policy{Name: "tells", Default: bgp.Reject}
		for _, prefix := range only {
			c.Export.Terms = append(c.Export.Terms, bgp.Term{Name: prefix.String(), Match: bgp.Match{Prefixes: []bgp.PrefixRule{{Prefix: prefix}}}, Action: bgp.Accept})
		}
	}
	e.outdated = false
	var err error
	if e.id, err = x.speaker.AddNeighbor(x.s.now, c); err == nil {
		x.peers = append(x.peers, e)
	}
	return err
}

// rules are the network's, for the session of a port; nil without a network.
func (e *port) rules() *bgp.Rules {
	if e.node.s.net == nil {
		return nil
	}
	s, session := e.node.s, e.link.index // the network may become another
	r := &bgp.Rules{
		Export: func(p netip.Prefix, a *bgp.Attrs, from bgp.NeighborID) *bgp.Attrs {
			source := -1
			if from >= 0 {
				source = e.node.peers[from].link.index
			}
			return s.net.Told(session, e.end, p, a, source, s.drained[e.node.spec.MSEE])
		},
		Import: func(p netip.Prefix, a *bgp.Attrs) *bgp.Attrs {
			b := *a
			b.NextHop, b.NextHopLocal = netip.Addr{}, netip.Addr{} // the model forwards to the neighbour
			return s.net.Taken(session, 1-e.end, p, &b)
		},
		Candidate: func(p netip.Prefix, c *bgp.Candidate) { s.net.Stands(session, 1-e.end, p, c) },
	}
	if change := s.faults.rules; change != nil {
		change(e, r)
	}
	return r
}

// on switches the node on.
func (x *node) on() {
	if err := x.boot(); err != nil {
		panic(err) // New has tried it
	}
	s := x.s
	s.tell(Happening{Node: x.spec.Name, What: "up"})
	x.alive = true
	for _, p := range x.ports {
		p.watch()
		p.start()
	}
	s.touch(x)
}

// watch begins the end's BFD session, if it is to have one.
func (e *port) watch() {
	s, spec := e.node.s, e.link.spec
	if spec.BFDMultiplier == 0 {
		return
	}
	e.node.boots++
	e.bfd = bfd.NewSession(bfd.Config{Discriminator: uint32(2*e.link.index + e.end + 1), DesiredMinTx: spec.BFDInterval, RequiredMinRx: spec.BFDInterval, //nolint:gosec // an index
		DetectMult: spec.BFDMultiplier, ControlPlaneIndependent: e.graceful() > 0, Seed: s.options.Seed*7919 + uint64(2*e.link.index+e.end)}, s.now) //nolint:gosec // an index
	e.touch()
}

// start lets the end's session come up, unless it passed a limit.
func (e *port) start() {
	if !e.node.s.latched[e.link.index] {
		e.node.do(e.node.speaker.Start(e.node.s.now, e.id))
	}
}

// off switches it off: its connections are gone without a word.
func (x *node) off(how How) {
	x.s.tell(Happening{Node: x.spec.Name, What: "down"})
	x.s.served()
	x.speaker, x.alive, x.restarting = nil, false, false
	x.ghostUntil = x.s.now
	if g := x.spec.Gateway; g != "" && how == Silent {
		x.ghostUntil = x.s.now + instanceNotice
		if x.s.faults.deadInstances {
			x.ghostUntil = never
		}
		x.s.At(x.ghostUntil, func() { x.s.fabric.changed(g) })
	}
	x.s.routeAt = x.s.now
	for _, p := range x.ports {
		p.streams, p.dialing, p.bfd, p.state = nil, nil, nil, bgp.Idle
	}
}

// carrierLost ends what runs over a link that is seen to be down.
func (e *port) carrierLost() {
	if e.node.speaker == nil {
		return
	}
	for _, c := range slices.Clone(e.streams) {
		e.broken(c)
	}
	if e.graceful() > 0 {
		e.linkFailed()
	}
	e.node.s.touch(e.node)
}

// do carries out what the speaker says.
func (x *node) do(list []bgp.Output) {
	s := x.s
	s.touch(x)
	for i := range list {
		o := &list[i]
		switch o.Kind {
		case bgp.OutDial:
			p := x.peers[o.Neighbor]
			p.dialing = p.open()
		case bgp.OutCancel:
			if p := x.peers[o.Neighbor]; p.dialing != nil {
				p.dialing.forget()
				p.dialing = nil
			}
		case bgp.OutSend:
			if c := x.stream(o); c != nil {
				c.write(o.Bytes)
			}
		case bgp.OutClose:
			if c := x.stream(o); c != nil {
				c.close()
			}
		case bgp.OutRoute:
			s.routeAt = s.now
			x.program(o.Prefix)
			s.tell(Happening{Node: x.spec.Name, What: "route", Prefix: o.Prefix})
		case bgp.OutState:
			x.peers[o.Neighbor].state = o.To
			if o.To == bgp.Established {
				x.peers[o.Neighbor].upAt = s.now
			}
			s.tell(Happening{Node: x.spec.Name, Session: x.peers[o.Neighbor].link.spec.Name, What: "session", From: o.From.String(), To: o.To.String(), Why: why(o)})
			if e := x.peers[o.Neighbor]; o.To == bgp.Idle && e.outdated {
				s.At(s.now, e.renew)
			}
		case bgp.OutLimit:
			s.tell(Happening{Node: x.spec.Name, Session: x.peers[o.Neighbor].link.spec.Name, What: "limit", Why: o.Exceeded.Error()})
			s.latch(x.peers[o.Neighbor].link.index)
		case bgp.OutError, bgp.OutStale:
			s.tell(Happening{Node: x.spec.Name, Session: x.peers[o.Neighbor].link.spec.Name, What: "error", Why: o.Reason})
		}
	}
	if x.restarting && !x.speaker.Deferring() {
		x.restarted()
	}
}

func why(o *bgp.Output) string {
	switch {
	case o.Notification == nil:
		return o.Reason
	case o.Received:
		return "received " + o.Notification.Error()
	}
	return "sent " + o.Notification.Error()
}

// stream is the connection that an output is about, nil for one that has ended meanwhile.
func (x *node) stream(o *bgp.Output) *stream {
	for _, c := range x.peers[o.Neighbor].streams {
		if c.conn == o.Conn {
			return c
		}
	}
	return nil
}

// latch keeps a session down that passed a limit, and with a gateway's all of its connection.
func (s *Sim) latch(session int) {
	s.At(s.now, func() { // not while the speaker is telling
		name := s.links[session].spec.Together
		for i, l := range s.links {
			if i != session && (name == "" || l.spec.Together != name) || s.latched[i] {
				continue
			}
			s.latched[i] = true
			for _, e := range l.ends {
				if e.node.speaker != nil {
					e.node.do(e.node.speaker.Stop(s.now, e.id, &bgp.Notification{Code: bgp.CodeCease, Subcode: bgp.CeaseMaxPrefixes}))
				}
			}
		}
	})
}

// rearm plans the next wake-up of the speaker, if one that is planned already is not early enough.
func (x *node) rearm() {
	if x.speaker == nil {
		return
	}
	if at, ok := x.speaker.Deadline(); ok && at < x.wakeAt {
		x.wakeAt = at
		x.s.agenda.add(event{at: max(at, x.s.now), kind: evWake, index: int32(x.index)}) //nolint:gosec // an index
	}
}

// wake lets the speaker do what is due.
func (x *node) wake() {
	s := x.s
	if s.now < x.wakeAt {
		return // planned before an earlier one was
	}
	x.wakeAt = never
	s.touch(x)
	if x.speaker == nil {
		return
	}
	if d, ok := x.speaker.Deadline(); ok && d <= s.now {
		x.do(x.speaker.Tick(s.now))
	}
}

// touch notes that a timer of this end may have moved.
func (e *port) touch() {
	if !e.dirty {
		e.dirty = true
		e.node.s.late = append(e.node.s.late, e)
	}
}

// rearm does for the end what it does for a node: a router with a thousand sessions does not look at all of them each time.
func (e *port) rearm() {
	at := never
	for _, c := range e.streams {
		at = min(at, c.retryAt)
	}
	if e.bfd != nil {
		if d, ok := e.bfd.Deadline(); ok {
			at = min(at, d)
		}
	}
	if s := e.node.s; at < e.wakeAt {
		e.wakeAt = at
		s.agenda.add(event{at: max(at, s.now), kind: evTimer, index: e.number()})
	}
}

// timer does what is due at this end.
func (e *port) timer() {
	s := e.node.s
	if s.now < e.wakeAt {
		return // planned before an earlier one was
	}
	e.wakeAt = never
	e.touch()
	if !e.node.alive {
		return
	}
	for i := 0; i < len(e.streams); i++ { // expire ends no stream
		if c := e.streams[i]; c.retryAt <= s.now {
			c.expire()
		}
	}
	if e.bfd != nil {
		if d, ok := e.bfd.Deadline(); ok && d <= s.now {
			e.bfdActs(e.bfd.Tick(s.now))
		}
	}
}

// bfdArrives takes a control packet.
func (e *port) bfdArrives(p bfd.Packet) {
	if e.bfd != nil {
		e.bfdActs(e.bfd.Receive(e.node.s.now, p))
	}
}

func (e *port) bfdActs(list []bfd.Action) {
	s := e.node.s
	for i := range list {
		a := &list[i]
		if a.Send {
			p := s.packet()
			p.kind, p.size, p.bfd = bfdControl, overhead(e.addr)+headerUDP+24, a.Packet
			e.transmit(p)
			continue
		}
		s.tell(Happening{Node: e.node.spec.Name, Session: e.link.spec.Name, What: "bfd", From: a.From.String(), To: a.To.String(), Why: a.Diag.String()})
		if a.From == bfd.Up && a.To == bfd.Down && !a.NeighborAdminDown && !s.faults.deafBFD {
			e.linkFailed()
		}
	}
	e.touch()
}

func (e *port) established() bool { return e.state == bgp.Established }
