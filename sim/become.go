package sim

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"onramp/bgp"
	"onramp/network"
)

// The running estate takes over another configuration. What it numbers, it numbers once and for all, so that what is on its way still
// finds its place; what goes is kept, out of use, and is the same again when it comes back. Numbers of the network's own are between
// the two in one place, numbered.

// numbers are the places of things in the simulator's lists and in those of the network, in both directions; -1 is for what the network
// does not have any more. Without lists they are the same.
type numbers struct{ theirs, own []int }

// net is the network's number of what the simulator calls i.
func (m *numbers) net(i int) int {
	if m.theirs == nil {
		return i
	}
	return m.theirs[i]
}

// ours is the simulator's number of what the network calls i.
func (m *numbers) ours(i int) int {
	if m.own == nil || i < 0 {
		return i
	}
	return m.own[i]
}

// paired are the numbers where the network's list is these of the simulator's, of which there are so many.
func paired(ours []int, many int) numbers {
	m := numbers{theirs: make([]int, many), own: ours}
	for i := range m.theirs {
		m.theirs[i] = -1
	}
	for k, i := range ours {
		m.theirs[i] = k
	}
	return m
}

// numbered is a network that is asked in the simulator's numbers and answers in them.
type numbered struct {
	*network.Network
	sessions, subnets, firewalls numbers
}

func (n *numbered) Told(session, direction int, p netip.Prefix, best *bgp.Attrs, from int, drained bool) *bgp.Attrs {
	if from >= 0 {
		if from = n.sessions.net(from); from < 0 {
			return nil
		}
	}
	return n.Network.Told(n.sessions.net(session), direction, p, best, from, drained)
}

func (n *numbered) Taken(session, direction int, p netip.Prefix, told *bgp.Attrs) *bgp.Attrs {
	return n.Network.Taken(n.sessions.net(session), direction, p, told)
}

func (n *numbered) Stands(session, direction int, p netip.Prefix, c *bgp.Candidate) {
	n.Network.Stands(n.sessions.net(session), direction, p, c)
}

// theirs are sessions in the network's numbers and order.
func (n *numbered) theirs(sessions []int) []int {
	out := make([]int, 0, len(sessions))
	for _, i := range sessions {
		if k := n.sessions.net(i); k >= 0 {
			out = append(out, k)
		}
	}
	slices.Sort(out)
	return out
}

func (n *numbered) Hops(gateway string, sessions []int) []int {
	hops := n.Network.Hops(gateway, n.theirs(sessions))
	for i, k := range hops {
		hops[i] = n.sessions.ours(k)
	}
	return hops
}

func (n *numbered) Rows(subnet int, uses []network.GatewayUse) []network.EffectiveRoute {
	k := n.subnets.net(subnet)
	if k < 0 {
		return nil
	}
	if n.sessions.theirs != nil {
		uses = slices.Clone(uses)
		for i := range uses {
			uses[i].Sessions = n.theirs(uses[i].Sessions)
		}
	}
	return n.Network.Rows(k, uses)
}

func (n *numbered) Onward(subnet int, row network.EffectiveRoute, src, dst netip.Addr, gatewayed bool) network.Onward {
	o := n.Network.Onward(n.subnets.net(subnet), row, src, dst, gatewayed)
	o.Subnet, o.Firewall = n.subnets.ours(o.Subnet), n.firewalls.ours(o.Firewall)
	return o
}

func (n *numbered) Permits(firewall int, src, dst netip.Addr) (ok bool, rule string) {
	k := n.firewalls.net(firewall)
	if k < 0 {
		return false, "the firewall is gone"
	}
	return n.Network.Permits(k, src, dst)
}

func (n *numbered) RateLimits() []network.RateLimit {
	out := n.Network.RateLimits()
	for i := range out {
		for k, session := range out[i].Sessions {
			out[i].Sessions[k] = n.sessions.ours(session)
		}
	}
	return out
}

// inOrder are the links in the network's order.
func (s *Sim) inOrder() []*link {
	if s.net == nil || s.net.sessions.own == nil {
		return s.links
	}
	out := make([]*link, len(s.net.sessions.own))
	for k, i := range s.net.sessions.own {
		out[k] = s.links[i]
	}
	return out
}

// becoming is how far Become has come.
type becoming struct {
	s     *Sim
	w     network.Wiring
	was   *numbered
	nodes []*node // of the new network's routers
	links []*link // of its sessions
	// before are what the routers and links were, by the simulator's numbers; those that are new have nothing here.
	routers  map[*node]network.WiredRouter
	sessions map[*link]network.WiredSession
	// anew are routers that start from nothing, and again sessions that do, at both ends.
	anew  map[*node]bool
	again map[*link]bool
}

// Become makes the running estate that of another network, which is the same estate designed otherwise, from now on. Routers, sessions,
// subnets and firewalls are the same if they have the same names, sessions between the same routers. What does not change goes on
// undisturbed; what has failed stays so; so does a session that passed a limit (network.AssumeLimitLatch), until Reset.
//
//   - Own routes are announced and withdrawn, and every rule is asked again about what the routers know.
//   - Limits hold at once; who is over one now loses the session. BFD that is switched off says so and takes nothing down
//     (RFC 5882 section 3.2); its intervals change while it runs (RFC 5880 section 6.8.3).
//   - Timers that BGP agrees on when a session begins (hold, keepalive) are those of the next one: see Outdated and Reset.
//   - A session with other addresses, families or AS numbers is ended and begins anew, as is every session of a router whose AS or
//     identifier changes. Those that are new start, those that are gone are deconfigured (RFC 4486).
//   - A firewall ends connections that its rules do not allow any more (network.AssumeFirewallRules).
//   - Rates hold from now on; what waits in a queue passes as it would have.
//
// The only errors are a topology without a network and a network that cannot be run; nothing has changed then.
func (s *Sim) Become(n *network.Network) error {
	if s.net == nil {
		return errors.New("a topology that nobody designed cannot become another")
	}
	if _, err := New(n, Options{Graceful: s.options.Graceful}); err != nil {
		return fmt.Errorf("the estate cannot become this network: %w", err)
	}
	s.BecomeReady(n)
	return nil
}

// BecomeReady is Become with a network about which Ready has been asked. It panics on any other, and in an estate that nobody designed.
func (s *Sim) BecomeReady(n *network.Network) {
	b := &becoming{s: s, w: n.Wiring(), was: s.net, routers: map[*node]network.WiredRouter{}, sessions: map[*link]network.WiredSession{},
		anew: map[*node]bool{}, again: map[*link]bool{}}
	for _, x := range s.nodes {
		b.routers[x] = *x.spec
	}
	for _, l := range s.links {
		b.sessions[l] = *l.spec
	}
	s.served()
	b.pair()
	b.end()
	b.rewire(n)
	b.begin()
	s.reckon(Carrier)
	b.ask()
	s.settle()
}

// sessionKey names a session at its routers; the same name may come more than once.
type sessionKey struct{ name, a, b string }

// pair finds who is who, and makes those that are new, which are out of use until begin.
func (b *becoming) pair() {
	s := b.s
	for i := range b.w.Routers {
		spec := &b.w.Routers[i]
		x := s.byName[spec.Name]
		if x == nil {
			x = s.newNode(spec)
			x.gone = true
		}
		if o := x.spec; o.AS != spec.AS || o.ID != spec.ID || o.Kind != spec.Kind {
			b.anew[x] = true
		}
		b.nodes = append(b.nodes, x)
	}
	have := map[sessionKey][]*link{}
	for _, l := range s.links {
		k := sessionKey{l.spec.Name, l.ends[0].node.spec.Name, l.ends[1].node.spec.Name}
		have[k] = append(have[k], l)
	}
	for i := range b.w.Sessions {
		spec := b.w.Sessions[i]
		x, y := b.nodes[spec.A], b.nodes[spec.B]
		k := sessionKey{spec.Name, x.spec.Name, y.spec.Name}
		spec.A, spec.B = x.index, y.index
		var l *link
		if list := have[k]; len(list) > 0 {
			l, have[k] = list[0], list[1:]
		} else {
			l = s.newLink(&spec)
			l.gone = true
			if s.options.Linked != nil {
				s.options.Linked(spec.Name, x.spec.Name, y.spec.Name)
			}
			for _, e := range l.ends {
				e.node.ports = e.node.ports[:len(e.node.ports)-1]
			}
		}
		if o := l.spec; b.anew[x] || b.anew[y] || o.Addr != spec.Addr || o.IPv4 != spec.IPv4 || o.IPv6 != spec.IPv6 || o.Kind != spec.Kind {
			b.again[l] = true
		}
		b.links = append(b.links, l)
	}
}

// end takes down what the new network does not have, and what has to begin anew.
func (b *becoming) end() {
	s := b.s
	stays := map[*link]bool{}
	for _, l := range b.links {
		stays[l] = true
	}
	for _, l := range s.links {
		if l.gone || stays[l] && !b.again[l] {
			continue
		}
		why := "configured anew"
		if !stays[l] {
			why = "not in the design any more"
			l.gone = true
			delete(s.latched, l.index)
		}
		for _, e := range l.ends {
			s.tell(Happening{Node: e.node.spec.Name, Session: l.spec.Name, What: "config", Why: why})
			e.deconfigure()
			if l.gone {
				e.streams, e.bfd = nil, nil
				e.node.ports = slices.DeleteFunc(e.node.ports, func(o *port) bool { return o == e })
			}
		}
	}
	for _, x := range s.nodes {
		if !x.gone && !slices.Contains(b.nodes, x) {
			x.gone = true
			if x.alive {
				x.off(Carrier)
			}
		}
	}
}

// deconfigure takes the session from the end's speaker, which says so (RFC 4486).
func (e *port) deconfigure() {
	if x := e.node; x.speaker != nil {
		x.do(x.speaker.RemoveNeighbor(x.s.now, e.id))
	}
	e.dialing, e.state = nil, bgp.Idle
}

// rewire puts the new network in the old one's place.
func (b *becoming) rewire(n *network.Network) {
	s := b.s
	old := s.wiring
	s.wiring = network.Wiring{MTU: b.w.MTU, SupportedPacket: b.w.SupportedPacket, Services: b.w.Services, Routers: make([]network.WiredRouter, len(s.nodes)), Sessions: make([]network.WiredSession, len(s.links))}
	for _, x := range s.nodes {
		s.wiring.Routers[x.index] = *x.spec
	}
	for i, x := range b.nodes {
		s.wiring.Routers[x.index] = b.w.Routers[i]
	}
	for _, x := range s.nodes {
		x.spec = &s.wiring.Routers[x.index]
	}
	var links, subnets, firewalls []int
	for _, l := range s.links {
		s.wiring.Sessions[l.index] = *l.spec
	}
	for i, l := range b.links {
		spec := b.w.Sessions[i]
		spec.A, spec.B = l.ends[0].node.index, l.ends[1].node.index
		s.wiring.Sessions[l.index] = spec
		links = append(links, l.index)
	}
	for _, l := range s.links {
		l.spec = &s.wiring.Sessions[l.index]
		for end, e := range l.ends {
			e.addr = address(l.spec, l.index, end)
		}
	}
	s.wiring.Subnets, subnets = joined(old.Subnets, b.w.Subnets, func(x *network.WiredSubnet) string { return x.Node },
		func(x *network.WiredSubnet) { *x = network.WiredSubnet{Node: x.Node, VNet: x.VNet} })
	s.wiring.Firewalls, firewalls = joined(old.Firewalls, b.w.Firewalls, func(x *network.WiredFirewall) string { return x.Name },
		func(x *network.WiredFirewall) { x.Instances = nil })
	for k, i := range firewalls {
		if f := &s.wiring.Firewalls[i]; b.w.Firewalls[k].Subnet >= 0 {
			f.Subnet = subnets[b.w.Firewalls[k].Subnet]
		}
	}
	for _, x := range b.w.NATs {
		x.Router = b.nodes[x.Router].index
		s.wiring.NATs = append(s.wiring.NATs, x)
	}
	translations := map[*node]*nat{}
	for _, x := range s.nodes {
		if x.nat != nil {
			translations[x], x.nat = x.nat, nil
		}
	}
	s.translate(translations)
	s.net = &numbered{Network: n, sessions: paired(links, len(s.links)), subnets: paired(subnets, len(s.wiring.Subnets)), firewalls: paired(firewalls, len(s.wiring.Firewalls))}
	states := s.fabric.states
	s.fabric = newFabric(s)
	for i := range states { // connections go on that the rules still allow (network.AssumeFirewallRules)
		s.fabric.states[i] = states[i]
		for c := range states[i] {
			if ok, _ := s.net.Permits(i, c.src, c.dst); !ok {
				delete(states[i], c)
			}
		}
	}
}

// joined is a list with those of a new one in the places of the same names, and where these are in it; those that are gone are emptied.
func joined[T any](old, list []T, name func(*T) string, empty func(*T)) (out []T, at []int) {
	out = slices.Clone(old)
	places := map[string][]int{}
	for i := range out {
		empty(&out[i])
		k := name(&out[i])
		places[k] = append(places[k], i)
	}
	for i := range list {
		k := name(&list[i])
		if p := places[k]; len(p) > 0 {
			out[p[0]], places[k] = list[i], p[1:]
			at = append(at, p[0])
			continue
		}
		out, at = append(out, list[i]), append(at, len(out))
	}
	return out, at
}

// begin starts what is new and changes what stays. Routers that are new are switched on afterwards, with all of their sessions.
func (b *becoming) begin() {
	s := b.s
	for i, x := range b.nodes {
		was, known := b.routers[x]
		known = known && !x.gone
		x.gone = false
		if known && x.speaker != nil && !b.anew[x] {
			x.originate(was.Own, b.w.Routers[i].Own)
		}
	}
	var fresh []*link
	for _, l := range b.links {
		switch {
		case l.gone:
			l.gone = false
			for _, e := range l.ends {
				e.node.ports = append(e.node.ports, e)
			}
			fresh = append(fresh, l)
		case b.again[l]:
			fresh = append(fresh, l)
		}
	}
	for _, x := range b.nodes {
		if b.anew[x] && x.speaker != nil {
			x.restarting = false
			if err := x.boot(); err != nil {
				panic(err) // New has tried it
			}
		}
	}
	isFresh := map[*link]bool{}
	for _, l := range fresh {
		isFresh[l] = true
		for _, e := range l.ends {
			if e.node.speaker == nil {
				continue
			}
			if !b.anew[e.node] {
				if err := e.configure(); err != nil {
					panic(err) // New has tried it
				}
			}
			e.start()
		}
	}
	for _, l := range b.links {
		was := b.sessions[l]
		for end, e := range l.ends {
			if !e.node.alive {
				continue
			}
			e.watchAs(&was)
			if e.node.speaker == nil || isFresh[l] {
				continue
			}
			if limits := l.spec.Limits[1-end]; limits != was.Limits[1-end] && !s.faults.boundless {
				e.node.do(e.node.speaker.SetLimits(s.now, e.id, bgp.Limit{Max: limits.IPv4}, bgp.Limit{Max: limits.IPv6}))
			}
			if l.spec.Hold[end] != was.Hold[end] || l.spec.Keepalive[end] != was.Keepalive[end] {
				e.outdated = true
				s.tell(Happening{Node: e.node.spec.Name, Session: l.spec.Name, What: "config", Why: "other timers count from the next session on (RFC 4271 section 4.2)"})
			}
		}
	}
	s.relimit()
}

// originate announces own routes and withdraws those that are no more.
func (x *node) originate(was, own []network.OwnRoute) {
	for _, o := range own {
		x.do(x.speaker.Originate(x.s.now, o.Prefix, *o.Attrs))
	}
	for _, o := range was {
		if !slices.ContainsFunc(own, func(n network.OwnRoute) bool { return n.Prefix == o.Prefix }) {
			x.do(x.speaker.Withdraw(x.s.now, o.Prefix))
		}
	}
}

// watchAs changes the end's BFD session from what was configured to what is.
func (e *port) watchAs(was *network.WiredSession) {
	s, spec := e.node.s, e.link.spec
	switch {
	case spec.BFDMultiplier == 0 && was.BFDMultiplier > 0 && e.bfd != nil:
		e.bfdActs(e.bfd.SetAdminDown(s.now, true))
		quiet := e.bfd
		s.At(s.now+adminDownFor, func() {
			if e.bfd == quiet && e.link.spec.BFDMultiplier == 0 {
				e.bfd = nil
			}
		})
	case spec.BFDMultiplier == 0:
	case e.bfd == nil:
		e.watch()
	case was.BFDMultiplier != spec.BFDMultiplier || was.BFDInterval != spec.BFDInterval:
		e.bfdActs(e.bfd.SetAdminDown(s.now, false))
		e.bfdActs(e.bfd.SetIntervals(s.now, spec.BFDInterval, spec.BFDInterval))
		e.bfdActs(e.bfd.SetDetectMult(s.now, spec.BFDMultiplier))
	}
}

// adminDownFor is how long a BFD session that is switched off goes on saying so: longer than any detection time here, of which RFC 5880
// section 6.8.16 wants one.
const adminDownFor = 5 * time.Second

// ask has every router look again at what it knows.
func (b *becoming) ask() {
	s := b.s
	for _, x := range s.nodes {
		if x.speaker == nil {
			continue
		}
		for _, e := range x.ports {
			x.do(x.speaker.Reapply(s.now, e.id))
		}
		x.do(x.speaker.Reconsider(s.now, x.spec.Decision))
	}
}

// renew configures the end's session anew where it runs with what is not so any more.
func (e *port) renew() {
	if x := e.node; x.speaker != nil && e.outdated && !e.link.gone {
		e.deconfigure()
		if err := e.configure(); err != nil {
			panic(err) // New has tried it
		}
		e.start()
	}
}

// Outdated are the sessions, by name, that run with timers that their configuration does not have any more since Become. They take the
// others up when they begin the next time; Reset makes them.
func (s *Sim) Outdated() []string {
	var out []string
	for _, l := range s.inOrder() {
		if l.ends[0].outdated || l.ends[1].outdated {
			out = append(out, l.spec.Name)
		}
	}
	return out
}
