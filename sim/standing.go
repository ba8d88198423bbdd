package sim

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"onramp/azure"
	"onramp/bgp"
	"onramp/network"
)

// SessionState is how a session stands.
type SessionState struct {
	Name, Kind string // as in network.WiredSession
	A, B       string // the routers at its ends
	// Together is the connection of a gateway that it belongs to, "" for none.
	Together string
	States   [2]bgp.State // at A and at B
	// Up tells that it is Established at both ends; May that it is, or may become so as things are: its link and its routers live, and no
	// limit keeps it down.
	Up, May bool
	// Octets are how many users' packets carried over its link, from A to B and from B to A.
	Octets [2]int64
}

// SessionStates tells how each session stands, in the network's order.
func (s *Sim) SessionStates() []SessionState {
	list := s.inOrder()
	out := make([]SessionState, len(list))
	for i, l := range list {
		a, b := l.ends[0], l.ends[1]
		out[i] = SessionState{Name: l.spec.Name, Kind: l.spec.Kind, A: a.node.spec.Name, B: b.node.spec.Name, Together: l.spec.Together,
			States: [2]bgp.State{a.state, b.state}, Up: a.established() && b.established(), May: l.lives() && !s.latched[l.index], Octets: [2]int64{b.octets, a.octets}}
	}
	return out
}

// lives tells whether something gets through both ways and both routers run.
func (l *link) lives() bool {
	return !l.dead[0] && !l.dead[1] && !l.ends[0].mute() && !l.ends[1].mute() && l.ends[0].node.alive && l.ends[1].node.alive
}

// NeighborState is a line of a router's BGP summary.
type NeighborState struct {
	network.Neighbor
	Session string
	State   bgp.State
	// For is how long the session has been Established; 0 while it is not.
	For time.Duration
	// Sent and Received are UPDATE messages since the router began.
	Sent, Received uint64
}

// Summary returns the neighbours of a router, in the network's order of their sessions; nil for one that is unknown or down.
func (s *Sim) Summary(router string) []NeighborState {
	x := s.byName[router]
	if x == nil || x.speaker == nil {
		return nil
	}
	var out []NeighborState
	for _, e := range x.inOrder() {
		far := e.far().node.spec
		n := NeighborState{Neighbor: network.Neighbor{Name: far.Name, Address: e.link.spec.Addr[1-e.end], ASN: far.AS, Up: e.established()}, Session: e.link.spec.Name, State: e.state}
		if n.Up {
			n.For = s.now - e.upAt
		}
		if st, ok := x.speaker.Neighbor(e.id); ok {
			n.Sent, n.Received = st.Counters.UpdatesSent, st.Counters.UpdatesReceived
		}
		for h := range x.speaker.AdjRIBIn(e.id) {
			if h.Accepted {
				n.Prefixes++
			}
		}
		out = append(out, n)
	}
	return out
}

// inOrder are a router's ends of links in the network's order.
func (x *node) inOrder() []*port {
	out := slices.Clone(x.ports)
	if n := x.s.net; n != nil {
		slices.SortStableFunc(out, func(a, b *port) int { return n.sessions.net(a.link.index) - n.sessions.net(b.link.index) })
	}
	return out
}

// Advertised is what a router tells over a session, by prefix, in the form of network.State.Advertised; nil where there is no such session, or
// it is down.
func (s *Sim) Advertised(router, session string) []network.Row {
	x := s.byName[router]
	if x == nil || x.speaker == nil {
		return nil
	}
	var out []network.Row
	for _, e := range x.ports {
		if e.link.spec.Name != session || !e.established() {
			continue
		}
		for p, a := range x.speaker.AdjRIBOut(e.id) {
			out = append(out, network.Row{Prefix: p, NextHop: s.hop(e.link.index, e.end, p), From: router, Path: a.Path, Origin: a.Origin, LocalPref: a.LocalPref,
				MED: a.MED, Communities: a.Communities, Best: true, Multipath: true})
		}
	}
	return out
}

// hop is the address of an end of a session as the other end shows it for a prefix.
func (s *Sim) hop(session, end int, p netip.Prefix) netip.Addr {
	if s.net == nil {
		return s.links[session].spec.Addr[end]
	}
	return s.net.Address(session, end, p)
}

// Address asks the network.
func (n *numbered) Address(session, end int, p netip.Prefix) netip.Addr {
	k := n.sessions.net(session)
	if k < 0 {
		return netip.Addr{}
	}
	return n.Network.Address(k, end, p)
}

// EffectiveRoutes are those of a subnet now, in the form of network.State.EffectiveRoutes; nil for an unknown one.
func (s *Sim) EffectiveRoutes(vnet azure.ID, subnet string) []network.EffectiveRoute {
	if s.net == nil {
		return nil
	}
	name := s.net.NameOf(vnet)
	if name == "" {
		return nil
	}
	return s.EffectiveRows(name + "/" + subnet)
}

// EffectiveRows are the effective routes of a subnet by its name as in network.WiredSubnet.
func (s *Sim) EffectiveRows(node string) []network.EffectiveRoute {
	if s.net == nil {
		return nil
	}
	for i := range s.wiring.Subnets {
		if sn := &s.wiring.Subnets[i]; strings.EqualFold(sn.Node, node) && s.net.subnets.net(i) >= 0 {
			return s.net.Rows(i, s.fabric.uses(sn.Gateway))
		}
	}
	return nil
}

// Ready tells whether a network can be run, by trying it. It is what Become and New do first; whoever has asked it already spares a running
// estate the wait by BecomeReady.
func Ready(n *network.Network) error {
	if _, err := New(n, Options{}); err != nil {
		return fmt.Errorf("the estate cannot become this network: %w", err)
	}
	return nil
}
