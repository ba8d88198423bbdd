package sim

import (
	"cmp"
	"slices"
	"strings"

	"onramp/network"
)

// Table is every route that a router holds now, in the form of network.State.Table, but by prefix and then by neighbour; nil for a router
// that is unknown or down.
func (s *Sim) Table(router string) []network.Row {
	x := s.byName[router]
	if x == nil || x.speaker == nil {
		return nil
	}
	var out []network.Row
	for p, list := range x.speaker.LocRIB() {
		for _, h := range list {
			a := h.Attrs
			row := network.Row{Prefix: p, Path: a.Path, Origin: a.Origin, LocalPref: a.LocalPref, Weight: a.Weight, MED: a.MED, Communities: a.Communities, Best: h.Best, Multipath: h.Used}
			if h.Neighbor >= 0 {
				e := x.peers[h.Neighbor]
				row.From, row.NextHop = e.far().node.spec.Name, s.hop(e.link.index, 1-e.end, p)
			}
			out = append(out, row)
		}
	}
	SortRows(out)
	return out
}

// SortRows puts the rows of a table in the order of Table, so that two can be compared.
func SortRows(rows []network.Row) {
	slices.SortStableFunc(rows, func(a, b network.Row) int { return compareRows(&a, &b) })
}

// compareRows orders by prefix and neighbour. A neighbour may be told of over several sessions, so what is left decides, as far as both
// the prover's rows and the simulator's have it.
func compareRows(a, b *network.Row) int {
	if c := compareKeys(a, b); c != 0 {
		return c
	}
	if c := cmp.Or(cmp.Compare(b.Weight, a.Weight), cmp.Compare(b.LocalPref, a.LocalPref), cmp.Compare(a.MED, b.MED), cmp.Compare(a.Origin, b.Origin), used(b)-used(a)); c != 0 {
		return c
	}
	if c := slices.Compare(a.Communities, b.Communities); c != 0 {
		return c
	}
	return strings.Compare(a.Path.String(), b.Path.String())
}

// compareKeys orders by prefix and neighbour alone.
func compareKeys(a, b *network.Row) int {
	if c := a.Prefix.Addr().Compare(b.Prefix.Addr()); c != 0 {
		return c
	}
	if c := a.Prefix.Bits() - b.Prefix.Bits(); c != 0 {
		return c
	}
	return strings.Compare(a.From, b.From)
}

func used(r *network.Row) int {
	switch {
	case r.Best:
		return 2
	case r.Multipath:
		return 1
	}
	return 0
}

// Routers are the names of all routers, in the network's order.
func (s *Sim) Routers() []string {
	if s.net != nil {
		return s.net.Routers()
	}
	out := make([]string, len(s.nodes))
	for i, x := range s.nodes {
		out[i] = x.spec.Name
	}
	return out
}

// Sessions tells of each session, in the network's order, whether it is Established at both ends.
func (s *Sim) Sessions() []bool {
	out := make([]bool, 0, len(s.links))
	for _, l := range s.inOrder() {
		out = append(out, l.ends[0].established() && l.ends[1].established())
	}
	return out
}
