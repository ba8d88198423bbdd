// Package sim runs an estate: the routers that package network wires up, each with the BGP speaker and the BFD sessions of a real one, on
// links with delays, in one loop of events. Under the virtual clock it is a function of the network, the faults and the seed: the same
// every time, and as fast as the processor. Under the one on the wall (live.go) the same happens in real time. What a route is worth to the service and the premises it asks network; what a speaker does
// with it, bgp. It decides nothing of either.
//
// Control traffic is octets on an emulated reliable stream (stream.go) over the same links as everything else: a session dies when its
// path does, and comes back when the stream does.
package sim

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"onramp/bgp"
	"onramp/network"
)

// Options are what the network leaves open.
type Options struct {
	// Seed draws the jitter of every timer. Routes do not depend on it, times do.
	Seed uint64
	// Observe is told what happens, in order; nil is nobody.
	Observe func(Happening)
	// Capture is shown each packet that is put on a link (a session of the network's wiring), as a frame on Ethernet. Direction 0 is from
	// A to B. The frame is good until Capture returns. Without Capture no frame is built. Links that Become brings have the next numbers.
	Capture func(at time.Duration, link, direction int, frame []byte)
	// Linked is told of each link that Become brings, before anything is put on it: its session, and the routers at its ends.
	Linked func(session, a, b string)
	// Graceful tells of a session, by its name, for how long its ends ask each other to keep their routes while they restart (RFC 4724),
	// in whole seconds up to 4095 s; 0 is not at all, and so is a nil Graceful (network.AssumeGraceless).
	Graceful func(session string) time.Duration
}

// Happening is something worth knowing.
type Happening struct {
	At      time.Duration
	Node    string
	Session string // "" where it is not about one
	What    string // "session", "route", "bfd", "limit", "error", "stale", "up", "down", "restart", "config"
	From    string
	To      string
	Why     string
	Prefix  netip.Prefix
}

// Sim is a running estate.
type Sim struct {
	net     *numbered // nil for a plain topology
	wiring  network.Wiring
	options Options
	traffic
	now     time.Duration
	agenda  agenda
	plans   []func()
	spare   []int32 // places in plans that are free
	nodes   []*node
	byName  map[string]*node
	links   []*link
	down    map[string]bool // elements
	drained map[string]bool // elements of MSEEs under maintenance
	latched map[int]bool    // sessions that passed a limit: they stay down (network.AssumeLimitLatch)
	conns   bgp.ConnID
	ports   uint16
	free    []*packet
	held    *packet // the one that the event is about, until it is handed on
	dirty   []*node
	late    []*port // ends of links whose timers have to be planned again
	// routeAt is when a route last changed anywhere, or something happened that may change one.
	routeAt time.Duration
	events  uint64
	fabric  *fabric
	faults  faults
	probes  []*Probe
	places  []string // names of the nodes of paths
	placeOf map[string]int32
	framer  *framer // nil before the first packet is captured
	asked   asked
	visited bool   // functions of others are called
	parts   uint32 // packets that were split
	// register is nil without Microsoft peering.
	register *register
	// assemblies are the packets of which hosts have some parts.
	assemblies map[assemblyKey]*assembly
	ways       wayBook
	stirAt     time.Duration // when some table last changed
}

// link is one session's, with its two ends. It does not know what it carries.
type link struct {
	index int
	spec  *network.WiredSession
	ends  [2]*port
	// dead tells of each direction, 0 from A to B, that nothing gets through.
	dead [2]bool
	// unplugged tells that both ends know it and send nothing.
	unplugged bool
	// gone tells that the network does not have it any more.
	gone bool
}

// New makes the estate with everything switched off.
func New(n *network.Network, o Options) (*Sim, error) { return assemble(n, n.Wiring(), o) }

func assemble(n *network.Network, w network.Wiring, o Options) (*Sim, error) {
	s := &Sim{wiring: w, options: o, byName: map[string]*node{}, down: map[string]bool{}, drained: map[string]bool{}, latched: map[int]bool{}, placeOf: map[string]int32{}}
	if n != nil {
		s.net = &numbered{Network: n}
	}
	for i := range s.wiring.Routers {
		s.newNode(&s.wiring.Routers[i])
	}
	for i := range s.wiring.Sessions {
		s.newLink(&s.wiring.Sessions[i])
	}
	s.fabric = newFabric(s)
	s.translate(nil)
	for _, x := range s.nodes {
		if err := x.boot(); err != nil { // a network that cannot be run is told before anything runs
			return nil, fmt.Errorf("%s: %w", x.spec.Name, err)
		}
		x.speaker = nil
	}
	return s, nil
}

// newNode makes a router, switched off.
func (s *Sim) newNode(spec *network.WiredRouter) *node {
	x := &node{s: s, index: len(s.nodes), spec: spec, wakeAt: never, place: s.placed(spec.Name)}
	s.nodes = append(s.nodes, x)
	s.byName[spec.Name] = x
	return x
}

// newLink makes a session's link, whose ends are among the routers.
func (s *Sim) newLink(spec *network.WiredSession) *link {
	l := &link{index: len(s.links), spec: spec}
	for end, r := range [2]int{spec.A, spec.B} {
		l.ends[end] = &port{node: s.nodes[r], link: l, end: end, addr: address(spec, l.index, end), wakeAt: never}
		s.nodes[r].ports = append(s.nodes[r].ports, l.ends[end])
	}
	if spec.Tunnel != nil {
		l.bore()
	}
	s.links = append(s.links, l)
	return l
}

// address is an end's address on the link; where the model gives none, one of 169.254/16 that nobody sees but the two ends.
func address(spec *network.WiredSession, i, end int) netip.Addr {
	if a := spec.Addr[end]; a.IsValid() {
		return a
	}
	return netip.AddrFrom4([4]byte{169, 254, byte(i >> 7), byte(i<<1 | end)})
}

// Start switches everything on that is not down.
func (s *Sim) Start() {
	for _, x := range s.nodes {
		if s.routerUp(x) {
			x.on()
		}
	}
	s.settle()
}

// Now is the time.
func (s *Sim) Now() time.Duration { return s.now }

// Events is how many events have been handled.
func (s *Sim) Events() uint64 { return s.events }

// Run runs until a time.
func (s *Sim) Run(until time.Duration) {
	if s.visited {
		panic("sim: a function for the loop of a Live estate lets time pass, which is the clock's to do")
	}
	for {
		e, ok := s.agenda.take(until)
		if !ok {
			break
		}
		s.now = e.at
		s.events++
		switch e.kind {
		case evArrive:
			s.wake(e.p)
			s.held = e.p
			s.links[e.index>>1].ends[e.index&1].arrive(e.p)
			s.unhold()
		case evWake:
			s.nodes[e.index].wake()
		case evTimer:
			s.links[e.index>>1].ends[e.index&1].timer()
		case evDo:
			do := s.plans[e.index]
			s.plans[e.index] = nil
			s.spare = append(s.spare, e.index)
			do()
		case evProbe:
			s.probes[e.index].fire()
		case evLeave:
			s.held = e.p
			s.fabric.leave(e.p, e.index)
			s.unhold()
		case evWall:
			s.held = e.p
			s.fabric.wall(e.p, e.index)
			s.unhold()
		case evReach:
			s.held = e.p
			e.p.visit(s.fabric.place[e.index])
			s.deliver(e.p, s.wiring.Subnets[e.index].Node)
			s.unhold()
		case evPipe:
			s.pipes[e.index].woken()
		case evPass:
			s.wake(e.p)
			s.links[e.index>>1].ends[e.index&1].pass(e.p)
		case evFlow:
			s.flows[e.index].wake()
		}
		s.settle()
	}
	s.now = max(s.now, until)
}

// settle looks after the timers of the nodes, and the ends of their links, to which something happened.
func (s *Sim) settle() {
	for _, e := range s.late {
		e.dirty = false
		e.rearm()
	}
	s.late = s.late[:0]
	for i := 0; i < len(s.dirty); i++ {
		x := s.dirty[i]
		x.dirty = false
		x.rearm()
	}
	s.dirty = s.dirty[:0]
}

func (s *Sim) touch(x *node) {
	if !x.dirty {
		x.dirty = true
		s.dirty = append(s.dirty, x)
	}
}

// At calls a function at a time.
func (s *Sim) At(at time.Duration, do func()) {
	var i int32
	if n := len(s.spare); n > 0 {
		i, s.spare = s.spare[n-1], s.spare[:n-1]
		s.plans[i] = do
	} else {
		i = int32(len(s.plans)) //nolint:gosec // so many are not planned
		s.plans = append(s.plans, do)
	}
	s.agenda.add(event{at: max(at, s.now), kind: evDo, index: i})
}

// Quiet tells for how long no route has changed anywhere and nothing has failed or been repaired.
func (s *Sim) Quiet() time.Duration { return s.now - s.routeAt }

// Converge runs until no route has changed for a time, or until the most has passed, and tells whether it settled.
func (s *Sim) Converge(quiet, most time.Duration) bool {
	end := s.now + most
	for s.now < end {
		if s.Quiet() >= quiet {
			return true
		}
		s.Run(min(end, max(s.routeAt+quiet, s.now+time.Millisecond)))
	}
	return s.Quiet() >= quiet
}

// How an element fails.
type How uint8

// The ways to fail. Whoever is at the other end of a link learns of the first at once, of the second only from what does not come.
const (
	Carrier How = iota // the link goes down and both ends see it; a router's neighbours see its links go
	Silent             // nothing gets through and nobody is told
)

// Fail takes elements out of service. An unknown element is an error.
func (s *Sim) Fail(how How, elements ...string) error { return s.change(how, elements, true) }

// Repair brings them back.
func (s *Sim) Repair(elements ...string) error { return s.change(Carrier, elements, false) }

func (s *Sim) change(how How, elements []string, down bool) error {
	for _, id := range elements {
		if !s.known(id) {
			return fmt.Errorf("no element %q in this estate", id)
		}
	}
	s.served()
	for _, id := range elements {
		s.down[id] = down
	}
	s.reckon(how)
	s.settle()
	return nil
}

// reckon switches routers on and off and cuts and mends links as what is down says.
func (s *Sim) reckon(how How) {
	s.routeAt = s.now // whatever comes of it has yet to come
	for _, x := range s.nodes {
		switch up := s.routerUp(x); {
		case !up && x.alive:
			x.off(how)
		case up && !x.alive:
			x.on()
		}
	}
	for _, l := range s.links {
		dead := l.gone || s.anyDown(l.spec.Elements) || !l.ends[0].node.alive || !l.ends[1].node.alive
		was := l.dead[0]
		l.dead = [2]bool{dead, dead}
		l.unplugged = dead && (l.unplugged || !was && how == Carrier)
		if dead && !was && how == Carrier {
			for _, e := range l.ends {
				e.carrierLost()
			}
		}
	}
	for i := range s.fabric.tables {
		s.fabric.tables[i] = nil
	}
	s.stir()
}

func (s *Sim) anyDown(elements []string) bool {
	return slices.ContainsFunc(elements, func(id string) bool { return s.down[id] })
}

func (s *Sim) routerUp(x *node) bool { return !x.gone && !x.crashed && !s.anyDown(x.spec.Elements) }

// Drain begins or ends the maintenance of an MSEE (planned-maintenance.md): its VRFs tell their routes with a longer path.
func (s *Sim) Drain(element string, on bool) {
	s.drained[element] = on
	s.routeAt = s.now
	for _, x := range s.nodes {
		if x.spec.MSEE != element || x.speaker == nil {
			continue
		}
		for _, p := range x.ports {
			x.do(x.speaker.Reapply(s.now, p.id))
		}
	}
	s.settle()
}

func (s *Sim) tell(h Happening) {
	if s.options.Observe != nil {
		h.At = s.now
		s.options.Observe(h)
	}
}
