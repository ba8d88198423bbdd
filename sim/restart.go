package sim

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"onramp/bgp"
	"onramp/catalog"
	"onramp/network"
)

// Routers that stop and start again: all of them, or the part that speaks BGP alone, while what they know of is forwarded on; and
// sessions that somebody resets.

// routers are those of a name: the router itself, or each one on the machine of that name, as an MSEE has one for every peering.
func (s *Sim) routers(name string) ([]*node, error) {
	if x := s.byName[name]; x != nil && !x.gone {
		return []*node{x}, nil
	}
	var out []*node
	var names []string
	for _, x := range s.nodes {
		if x.gone {
			continue
		}
		if slices.Contains(x.spec.Elements, string(network.Router)+":"+name) {
			out = append(out, x)
		}
		names = append(names, x.spec.Name)
		if x.spec.MSEE != "" {
			names = append(names, strings.TrimPrefix(x.spec.MSEE, string(network.Router)+":"))
		}
	}
	if out == nil {
		return nil, unknown("router", name, names)
	}
	return out, nil
}

// unknown is the error about a name that nothing has, with the one that is most like it.
func unknown(what, name string, names []string) error {
	if near := catalog.Nearest(name, names); near != "" {
		return fmt.Errorf("no %s %q in this estate; did you mean %s?", what, name, near)
	}
	return fmt.Errorf("no %s %q in this estate", what, name)
}

// Crash stops a router without a word: its connections hang, nothing is forwarded, and what it knew it forgets. The name is a router's as
// in Routers, or a machine's, with all that runs on it ("toronto-msee1"). An unknown name is the only error, here and below.
func (s *Sim) Crash(router string) error { return s.crash(router, true) }

// Boot starts a router again that has crashed; what has failed of its elements keeps it down.
func (s *Sim) Boot(router string) error { return s.crash(router, false) }

func (s *Sim) crash(router string, down bool) error {
	list, err := s.routers(router)
	if err != nil {
		return err
	}
	for _, x := range list {
		x.crashed = down
	}
	s.reckon(Silent)
	s.settle()
	return nil
}

// Restart stops a router's control plane without a word for a time, after which it begins from nothing. Where the router forwards
// meanwhile, it does so by what it knew: until its neighbours have told it everything again, if sessions of it restart gracefully
// (Options.Graceful, RFC 4724), else until it is back. BFD is part of what forwards (RFC 5882 section 4.3.1). A router that does not
// forward is one that crashes and boots.
func (s *Sim) Restart(router string, takes time.Duration, forwards bool) error {
	list, err := s.routers(router)
	if err != nil {
		return err
	}
	if !forwards {
		s.At(s.now+takes, func() { _ = s.Boot(router) }) // it may be gone by then
		return s.Crash(router)
	}
	s.routeAt = s.now
	for _, x := range list {
		if !x.alive {
			continue
		}
		s.tell(Happening{Node: x.spec.Name, What: "restart", From: "running", To: "stopped"})
		x.speaker, x.restarting = nil, slices.ContainsFunc(x.ports, func(e *port) bool { return e.graceful() > 0 })
		for _, e := range x.ports {
			e.streams, e.dialing, e.state = nil, nil, bgp.Idle
		}
		back := s.now + takes
		x.backAt = back
		s.At(back, func() {
			if !x.alive || x.speaker != nil || x.backAt != back {
				return
			}
			s.tell(Happening{Node: x.spec.Name, What: "restart", From: "stopped", To: "running"})
			s.routeAt = s.now
			if err := x.boot(); err != nil {
				panic(err) // it has run
			}
			if x.spec.Gateway != "" {
				s.fabric.changed(x.spec.Gateway)
			}
			for _, e := range x.ports {
				e.start()
			}
			s.stir()
		})
	}
	s.settle()
	return nil
}

// restarted ends a graceful restart: what nobody told it again it does not forward by any more.
func (x *node) restarted() {
	x.restarting = false
	x.s.tell(Happening{Node: x.spec.Name, What: "restart", From: "running", To: "converged"})
	var list []netip.Prefix
	for p := range x.fib.t.AllSorted() {
		if len(x.speaker.Candidates(p)) == 0 {
			list = append(list, p)
		}
	}
	for _, p := range list {
		x.program(p)
	}
}

// graceful is for how long this end asks the other to keep its routes while it restarts; 0 is not at all.
func (e *port) graceful() time.Duration {
	if f := e.node.s.options.Graceful; f != nil {
		return f(e.link.spec.Name)
	}
	return 0
}

// linkFailed ends the session because nothing gets through. That is no restart, and one that goes on is over (RFC 5882 section 4.3.1):
// nothing may be forwarded there, so that no route is kept.
func (e *port) linkFailed() {
	x := e.node
	switch {
	case x.speaker == nil:
	case e.graceful() == 0:
		x.do(x.speaker.LinkFailed(x.s.now, e.id))
	default:
		x.do(x.speaker.Stop(x.s.now, e.id, &bgp.Notification{Code: bgp.CodeCease, Subcode: bgp.CeaseBFDDown}))
		e.start()
	}
}

// stale tells whether the end holds routes of a session that is gone.
func (e *port) stale() bool {
	if e.node.speaker == nil || e.graceful() == 0 {
		return false
	}
	st, _ := e.node.speaker.Neighbor(e.id)
	return st.Stale > 0
}

// Reset ends a session, which begins anew with what is configured now, and lets one come up that passed a limit. The name is a session's,
// or a connection's of a gateway, which is all of its sessions; of a connection that passed a limit every session is reset with one of
// them (network.AssumeLimitLatch).
func (s *Sim) Reset(session string) error {
	together := ""
	found := func(l *link) bool { return !l.gone && (l.spec.Name == session || l.spec.Together == session) }
	var names []string
	for _, l := range s.links {
		names = append(names, l.spec.Name)
		if found(l) && s.latched[l.index] {
			together = l.spec.Together
		}
	}
	if !slices.ContainsFunc(s.links, found) {
		return unknown("session", session, names)
	}
	s.routeAt = s.now
	for _, l := range s.links {
		if !found(l) && (l.gone || together == "" || l.spec.Together != together) {
			continue
		}
		latched := s.latched[l.index]
		delete(s.latched, l.index)
		for _, e := range l.ends {
			x := e.node
			switch {
			case x.speaker == nil:
			case e.outdated:
				e.renew()
			case latched:
				x.do(x.speaker.Start(s.now, e.id))
			case e.end == 0 || l.ends[0].node.speaker == nil: // the other end follows
				x.do(x.speaker.Reset(s.now, e.id, &bgp.Notification{Code: bgp.CodeCease, Subcode: bgp.CeaseReset}))
			}
		}
	}
	s.settle()
	return nil
}

// Latched are the sessions, by name, that are down because a limit was passed.
func (s *Sim) Latched() []string {
	var out []string
	for _, l := range s.inOrder() {
		if s.latched[l.index] {
			out = append(out, l.spec.Name)
		}
	}
	return out
}

// Roll restarts a gateway's instances one after another, as the service does when it maintains the gateway
// (expressroute-about-virtual-network-gateways.md): each is down for a time, after which the next one waits for pause. Neighbours see
// an instance go, and the platform sends to the others. Times of 0 are those of network.AssumeGatewayRoll. It returns when the last one
// is back.
func (s *Sim) Roll(gateway string, down, pause time.Duration) (time.Duration, error) {
	down, pause = cmp.Or(down, network.InstanceDown), cmp.Or(pause, network.InstancePause)
	var instances, names []string
	for _, x := range s.nodes {
		if x.gone || x.spec.Gateway == "" {
			continue
		}
		names = append(names, x.spec.Gateway)
		if x.spec.Gateway == gateway {
			instances = append(instances, x.spec.Name)
		}
	}
	if len(instances) == 0 {
		return 0, unknown("gateway", gateway, names)
	}
	at := s.now
	for i, name := range instances {
		if i > 0 {
			at += pause
		}
		id := string(network.GatewayKind) + ":" + name
		s.At(at, func() { _ = s.Fail(Carrier, id) }) // it may be gone by then
		at += down
		s.At(at, func() { _ = s.Repair(id) })
	}
	return at, nil
}
