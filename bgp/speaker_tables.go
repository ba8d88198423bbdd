package bgp

import (
	"iter"
	"net/netip"
	"time"
)

// Held is a route as one of the speaker's tables holds it.
type Held struct {
	Prefix netip.Prefix
	// Attrs are those after the import policy in the Loc-RIB and those received in an Adj-RIB-In.
	Attrs    *Attrs
	Neighbor NeighborID // -1 for the speaker's own
	Peer     Peer
	// Used tells that the route is in use, Best that it is the best of those and Step why. Stale tells that the neighbour has yet to
	// announce it again. Accepted tells of a route in an Adj-RIB-In that it is a candidate in the Loc-RIB.
	Used, Best, Stale, Accepted bool
	Step                        Step
}

func (r *route) held(p netip.Prefix) Held {
	h := Held{Prefix: p, Attrs: r.attrs, Neighbor: -1, Used: r.used, Accepted: r.attrs != nil}
	if n := r.from; n != nil {
		h.Neighbor, h.Peer = n.id, n.peer()
		i := n.index(FamilyOf(p))
		h.Stale = i >= 0 && r.epoch != n.epoch[i]
	}
	return h
}

func listed(p netip.Prefix, head *route) []Held {
	var out []Held
	for x := head; x != nil; x = x.next {
		h := x.held(p)
		if x == head && x.used {
			h.Best, h.Step = true, x.step
		}
		out = append(out, h)
	}
	return out
}

// LocRIB yields the prefixes by address, then length, IPv4 first, each with its candidates: those in use first, the best at the head.
// The speaker must not be changed meanwhile; this holds for all its tables.
func (s *Speaker) LocRIB() iter.Seq2[netip.Prefix, []Held] {
	return func(yield func(netip.Prefix, []Held) bool) {
		for p, head := range s.loc.AllSorted() {
			if !yield(p, listed(p, head)) {
				return
			}
		}
	}
}

// Prefixes is how many prefixes the Loc-RIB holds.
func (s *Speaker) Prefixes() int { return s.loc.Size() }

// Candidates returns the Loc-RIB's routes to exactly this prefix, nil for none.
func (s *Speaker) Candidates(p netip.Prefix) []Held {
	head, _ := s.loc.Get(p)
	return listed(p, head)
}

// Best returns the attributes of the route in use for exactly this prefix, nil without one, and whose it is. It does not allocate.
func (s *Speaker) Best(p netip.Prefix) (*Attrs, NeighborID) {
	head, _ := s.loc.Get(p)
	if head == nil || !head.used {
		return nil, -1
	}
	if head.from == nil {
		return head.attrs, -1
	}
	return head.attrs, head.from.id
}

// Lookup returns the longest prefix that holds the address and its candidates, nil without one.
func (s *Speaker) Lookup(a netip.Addr) (netip.Prefix, []Held) {
	a = a.WithZone("")
	if !a.IsValid() {
		return netip.Prefix{}, nil
	}
	p, head, _ := s.loc.LookupPrefixLPM(netip.PrefixFrom(a, a.BitLen()))
	return p, listed(p, head)
}

// AdjRIBIn yields what the neighbour announced, before the import policy, by address, then length, IPv4 first.
func (s *Speaker) AdjRIBIn(id NeighborID) iter.Seq[Held] {
	return func(yield func(Held) bool) {
		n := s.neighbor(id)
		if n == nil {
			return
		}
		for p, r := range n.adjIn.AllSorted() {
			h := r.held(p)
			h.Attrs = r.raw
			if !yield(h) {
				return
			}
		}
	}
}

// AdjRIBOut yields what the neighbour was told and not what it is still to be told, in the same order. A next hop that is the speaker
// itself is its address on the session.
func (s *Speaker) AdjRIBOut(id NeighborID) iter.Seq2[netip.Prefix, Attrs] {
	return func(yield func(netip.Prefix, Attrs) bool) {
		n := s.neighbor(id)
		if n == nil || n.group == nil {
			return
		}
		table := n.group.table.Clone()
		for _, p := range n.dump {
			table.Delete(p)
		}
		for p, d := range n.pending {
			table.Delete(p)
			if d.held != nil {
				table.Insert(p, told{attrs: d.held})
			}
		}
		for p, t := range table.AllSorted() {
			held := n.sees(t)
			if held == nil || !n.speaks(p) {
				continue
			}
			a := *held
			if !a.NextHop.IsValid() {
				a.NextHop, a.NextHopLocal = n.self(p.Addr().Is4())
			}
			if !yield(p, a) {
				return
			}
		}
	}
}

// Status is how a neighbour stands.
type Status struct {
	Name    string
	Addr    netip.Addr
	AS      ASN
	Type    PeerType
	State   State
	Started bool
	// RouterID, HoldTime, KeepaliveTime, Families and what follows were agreed with the last session's OPENs.
	RouterID                netip.Addr
	HoldTime, KeepaliveTime time.Duration
	Families                []Family
	FourOctetAS             bool
	RouteRefresh            bool
	EnhancedRefresh         bool
	GracefulRestart         *GracefulRestart // the neighbour's, where both offer it
	Capabilities            Capabilities     // all that the neighbour's OPEN says
	Received, Stale         int              // prefixes
	Pending                 int              // prefixes that it is still to be told about
	LastSent, LastReceived  *Notification
	Counters                Counters
	ConnectRetryCounter     int
	Outbound                bool // the speaker opened the connection
}

// Neighbor returns how a neighbour stands; ok is false where there is none of that ID.
func (s *Speaker) Neighbor(id NeighborID) (st Status, ok bool) {
	n := s.neighbor(id)
	if n == nil {
		return Status{}, false
	}
	st = Status{Name: n.cfg.Name, Addr: n.cfg.Addr, AS: n.cfg.AS, Type: n.kind, State: n.shown, Started: n.started, RouterID: n.peerID,
		Families: n.wire.Families, FourOctetAS: n.wire.FourOctetAS, RouteRefresh: n.refresh, EnhancedRefresh: n.enhanced, Capabilities: n.main.open.Capabilities,
		Received: n.adjIn.Size(), Pending: len(n.dump) + len(n.order), LastSent: n.sent, LastReceived: n.received, Counters: n.counters,
		ConnectRetryCounter: n.main.fsm.ConnectRetryCounter(), Outbound: n.main.outbound}
	if st.State == Established {
		st.HoldTime, st.KeepaliveTime = n.main.fsm.HoldTime(), n.main.fsm.KeepaliveTime()
	}
	if n.restarts {
		g := n.graceful
		st.GracefulRestart = &g
	}
	if n.staleAt != never || n.restartAt != never { // else nothing is
		for p, r := range n.adjIn.All() {
			if i := n.index(FamilyOf(p)); r.epoch != n.epoch[i] {
				st.Stale++
			}
		}
	}
	return st, true
}

func (s *Speaker) neighbor(id NeighborID) *neighbor {
	if id < 0 || int(id) >= len(s.neighbors) {
		return nil
	}
	return s.neighbors[id]
}
