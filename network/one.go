package network

import (
	"net/netip"
	"slices"
)

// Whoever asks about one router should not take the whole network apart for it (Wiring): these answer from what is known of it.

// InstancesOf names the instances of a gateway, which is called as NameOf says, sorted; none for an unknown one.
func (n *Network) InstancesOf(gateway string) []string {
	var out []string
	for _, g := range n.gateways {
		if g.name == gateway {
			for _, i := range g.instances {
				out = append(out, n.routers[i].name)
			}
		}
	}
	slices.Sort(out)
	return out
}

// RouterID is a router's own address; the zero Addr for an unknown one.
func (n *Network) RouterID(router string) netip.Addr {
	i, ok := n.byRouter[router]
	if !ok {
		return netip.Addr{}
	}
	return n.routers[i].id
}

// RouterSession is a BGP session as one of its two routers sees it.
type RouterSession struct {
	Index      int // in Wiring.Sessions
	Name, Kind string
	// Own is the router's address on the link, Peer the other's, zero where the model gives none; PeerName names the other.
	Own, Peer netip.Addr
	PeerName  string
	// Together names what the session belongs to: a gateway's connection, or nothing.
	Together string
}

// SessionsOf are the sessions of a router in build order.
func (n *Network) SessionsOf(router string) []RouterSession {
	i, ok := n.byRouter[router]
	if !ok {
		return nil
	}
	var out []RouterSession
	for _, d := range n.routers[i].in {
		s := n.sessions[d/2]
		x := RouterSession{Index: d / 2, Name: s.name, Kind: s.kind, Own: s.addr[1-d%2], Peer: s.addr[d%2], PeerName: n.routers[s.dir[d%2].from].name}
		if s.conn != nil {
			x.Together = s.conn.name
		}
		out = append(out, x)
	}
	slices.SortStableFunc(out, func(a, b RouterSession) int { return a.Index - b.Index })
	return out
}
