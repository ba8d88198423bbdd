package bgp

import (
	"net/netip"
	"slices"

	"github.com/gaissmai/bart"
)

// groupKey is all that what a neighbour is told depends on. Neighbours of one key share an update group.
type groupKey struct {
	kind        PeerType
	localAS     ASN
	policy      *Policy
	denied      bool // an eBGP neighbour without a policy (RFC 8212)
	options     ExportOptions
	keepNextHop bool
	selfToo     bool // next hop self also for routes that have one (iBGP)
	client      bool
	cluster     netip.Addr
	rules       *Rules
}

// group holds what a set of neighbours is told: their common Adj-RIB-Out (RFC 4271 section 3.2). Export policies run once for all of
// them. What an individual neighbour holds is this table without its own routes and the families it does not speak, less what is
// pending for it.
type group struct {
	key     groupKey
	table   bart.Table[told]
	members []*neighbor
	// The last answer, for routes that share attributes where the policy does not look at prefixes.
	perPrefix bool
	lastIn    *Attrs
	lastFrom  *neighbor
	lastOut   *Attrs
}

// told is a route as it goes to a group's members, but to the one that it came from. A next hop that is the speaker itself is the zero
// Addr, because it differs from member to member.
type told struct {
	attrs *Attrs
	from  *neighbor
}

// groupFor finds or makes the group of a neighbour's configuration.
func (s *Speaker) groupFor(n *neighbor) *group {
	k := groupKey{kind: n.kind, localAS: n.localAS, policy: n.cfg.Export, keepNextHop: n.cfg.NextHopUnchanged, rules: n.cfg.Rules}
	if n.kind == EBGP {
		k.denied = n.cfg.Export == nil && !n.cfg.PolicyOptional && n.cfg.Rules == nil
		k.options = n.cfg.Options
		k.options.NextHopSelf = netip.Addr{}
	} else {
		k.selfToo, k.client, k.cluster = n.cfg.NextHopSelf, n.cfg.RouteReflectorClient, s.cluster()
	}
	for _, g := range s.groups {
		if g.key == k {
			return g
		}
	}
	g := &group{key: k, perPrefix: k.policy.looksAtPrefixes() || k.rules != nil}
	for p, head := range s.loc.AllSorted() {
		if !head.used {
			continue
		}
		if a := s.told(g, p, head); a != nil {
			g.table.Insert(p, told{a, head.from})
		}
	}
	s.groups = append(s.groups, g)
	return g
}

// cluster is the route reflector's cluster: the router ID where none was given and clients exist (RFC 4456 section 7).
func (s *Speaker) cluster() netip.Addr {
	if s.cfg.ClusterID.IsValid() {
		return s.cfg.ClusterID
	}
	return s.cfg.RouterID
}

// looksAtPrefixes tells whether equal attributes may fare differently.
func (p *Policy) looksAtPrefixes() bool {
	return p != nil && slices.ContainsFunc(p.Terms, func(t Term) bool { return len(t.Match.Prefixes) > 0 })
}

// export tells every group what the best route for a prefix is now; head is nil for none.
func (s *Speaker) export(p netip.Prefix, head *route) {
	for _, g := range s.groups {
		s.exportTo(g, p, head)
	}
}

func (s *Speaker) exportTo(g *group, p netip.Prefix, head *route) {
	var now told
	if head != nil && head.used {
		if a := s.told(g, p, head); a != nil {
			now = told{a, head.from}
		}
	}
	old, _ := g.table.Get(p)
	if old == now {
		return
	}
	if now.attrs == nil {
		g.table.Delete(p)
	} else {
		g.table.Insert(p, now)
	}
	for _, n := range g.members {
		if n.sees(old) != n.sees(now) {
			n.change(p, n.sees(old))
		}
	}
}

// told is what a group is told of a route: nil for nothing (RFC 4271 section 9.2, RFC 4456 section 6).
func (s *Speaker) told(g *group, p netip.Prefix, r *route) *Attrs {
	if g.key.denied {
		return nil
	}
	if !g.perPrefix && r.attrs == g.lastIn && r.from == g.lastFrom {
		return g.lastOut
	}
	a := s.toldAnew(g, p, r)
	g.lastIn, g.lastFrom, g.lastOut = r.attrs, r.from, a
	return a
}

func (s *Speaker) toldAnew(g *group, p netip.Prefix, r *route) *Attrs {
	from, fromClient := Local, false
	if r.from != nil {
		from, fromClient = r.from.kind, r.from.cfg.RouteReflectorClient
	}
	k := &g.key
	if k.rules != nil {
		id := NeighborID(-1)
		if r.from != nil {
			id = r.from.id
		}
		a := k.rules.Export(p, r.attrs, id)
		if a == nil {
			return nil
		}
		return s.pool.Intern(*a)
	}
	if !Advertisable(r.attrs, k.kind) || k.kind == IBGP && !ShouldReflect(from, fromClient, k.client) {
		return nil
	}
	a := *r.attrs
	a.Weight = 0
	if from != Local {
		// RFC 2545 section 3: a link-local address goes only to those who are on its link. The speaker does not know who is; its own,
		// which comes with itself as the next hop, is the session's.
		a.NextHopLocal = netip.Addr{}
		if a.NextHop.Is6() && a.NextHop.IsLinkLocalUnicast() {
			a.NextHop = netip.Addr{}
		}
	}
	if k.kind == EBGP && from != Local && !k.options.KeepMED {
		a.MED, a.HasMED = 0, false // what a policy sets below stays (RFC 4271 section 5.1.4)
	}
	if k.policy != nil {
		out, ok, _ := k.policy.Apply(Route{Prefix: p, Attrs: &a}, Context{From: from, Peer: k.kind})
		if !ok {
			return nil
		}
		a = out
	}
	if k.kind == EBGP {
		if !k.keepNextHop {
			a.NextHop, a.NextHopLocal = netip.Addr{}, netip.Addr{}
		}
		o := k.options
		o.KeepMED = true
		out := ExportEBGP(&a, k.localAS, o)
		return s.pool.Intern(out)
	}
	var o ExportIBGPOptions
	if from == IBGP {
		o.ClusterID, o.Originator = k.cluster, r.from.peerID
	} else if k.selfToo {
		a.NextHop, a.NextHopLocal = netip.Addr{}, netip.Addr{}
	}
	return s.pool.Intern(ExportIBGP(&a, o))
}

// sees is a group's route as one member gets it: not back to where it came from.
func (n *neighbor) sees(t told) *Attrs {
	if t.attrs == nil || t.from == n && n != nil {
		return nil
	}
	return t.attrs
}

// due is what still has to be said about a prefix: against what the neighbour holds, or in any case.
type due struct {
	held   *Attrs
	anyway bool
}

// change notes that the neighbour is to be told about a prefix; held is what it holds if nothing is pending.
func (n *neighbor) change(p netip.Prefix, held *Attrs) {
	if !n.speaks(p) {
		return
	}
	if _, there := n.pending[p]; there || n.dumps(p) {
		return
	}
	n.await(p, due{held: held})
}

// dumps tells whether the prefix is among the initial updates that have not been sent yet, of which the neighbour holds nothing.
func (n *neighbor) dumps(p netip.Prefix) bool {
	if len(n.dump) == 0 {
		return false
	}
	_, there := slices.BinarySearchFunc(n.dump, p, netip.Prefix.Compare)
	return there
}

func (n *neighbor) await(p netip.Prefix, d due) {
	if n.pending == nil {
		n.pending = make(map[netip.Prefix]due)
	}
	n.pending[p] = d
	n.order = append(n.order, p)
	n.s.touch(n)
}

// join makes the neighbour a member, which then has everything to be told.
func (n *neighbor) join() {
	n.group = n.s.groupFor(n)
	n.group.members = append(n.group.members, n)
	n.dump = make([]netip.Prefix, 0, n.group.table.Size())
	for p, t := range n.group.table.AllSorted() { // the order of netip.Prefix.Compare
		if n.sees(t) != nil && n.speaks(p) {
			n.dump = append(n.dump, p)
		}
	}
	n.s.touch(n)
}

// leave takes the neighbour out of its group. A group without members is forgotten.
func (n *neighbor) leave() {
	g := n.group
	if g == nil {
		return
	}
	n.group, n.dump, n.pending, n.order = nil, nil, nil, nil
	n.owedEOR, n.owedEORR = [families]bool{}, [families]bool{}
	g.members = slices.DeleteFunc(g.members, func(m *neighbor) bool { return m == n })
	if len(g.members) == 0 {
		n.s.groups = slices.DeleteFunc(n.s.groups, func(x *group) bool { return x == g })
	}
}

// again marks everything of a family to be told once more: the neighbour asked for it (RFC 2918, RFC 7313).
func (n *neighbor) again(f Family) {
	for p, t := range n.group.table.AllSorted() {
		if FamilyOf(p) != f || n.sees(t) == nil || n.dumps(p) {
			continue
		}
		if d, there := n.pending[p]; there {
			d.anyway = true
			n.pending[p] = d
		} else {
			n.await(p, due{held: n.sees(t), anyway: true})
		}
	}
	n.s.touch(n)
}
