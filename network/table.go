package network

import (
	"net/netip"
	"slices"

	"onramp/bgp"
)

// Table returns every route that a router holds, sorted by prefix, the best first, nil for an unknown router.
func (s *State) Table(name string) []Row {
	i, ok := s.n.byRouter[name]
	if !ok {
		return nil
	}
	x := s.n.routers[i]
	var out []Row
	var w work
	for p, prefix := range s.n.prefixes {
		r := s.routes[p]
		s.gather(&w, r, p, x)
		if len(w.cs) == 0 {
			continue
		}
		lost := map[int]bgp.Step{}
		for _, l := range bgp.Explain(w.cs, x.config) {
			lost[l.Index] = l.Step
		}
		var rows []Row
		for k, c := range w.cs {
			d := w.dir[k]
			row := Row{Prefix: prefix, Path: c.Attrs.Path, Origin: c.Attrs.Origin, LocalPref: c.Attrs.LocalPref, Weight: c.Attrs.Weight, MED: c.Attrs.MED,
				Communities: c.Attrs.Communities, Age: c.Age, Best: d == r.best[i], Why: r.step[i]}
			if !row.Best {
				row.Why = lost[k]
			}
			row.Multipath = row.Best || slices.Contains(r.multi[i], d)
			if d >= 0 {
				row.From = s.n.routers[s.n.sessions[d/2].dir[d%2].from].name
				row.NextHop = c.PeerAddr
			}
			rows = append(rows, row)
		}
		slices.SortStableFunc(rows, func(a, b Row) int {
			switch {
			case a.Best == b.Best:
				return 0
			case a.Best:
				return -1
			}
			return 1
		})
		out = append(out, rows...)
	}
	return out
}

// Advertised returns what one router tells another, as sent (after the sender's policies and path changes), by prefix.
func (s *State) Advertised(from, to string) []Row {
	n := s.n
	fi, ok := n.byRouter[from]
	if !ok {
		return nil
	}
	var out []Row
	for p, prefix := range n.prefixes {
		for _, d := range n.routers[fi].out {
			dir := &n.sessions[d/2].dir[d%2]
			if !s.up[d/2] || n.routers[dir.to].name != to {
				continue
			}
			a := s.send(d, p, s.routes[p].attrs(n, p, fi), s.routes[p].best[fi])
			if a == nil {
				continue
			}
			out = append(out, Row{Prefix: prefix, NextHop: n.address(n.sessions[d/2], d%2, prefix), From: from, Path: a.Path, Origin: a.Origin, LocalPref: a.LocalPref, MED: a.MED, Communities: a.Communities, Best: true, Multipath: true})
		}
	}
	return out
}

// Neighbor is one line of a router's BGP summary.
type Neighbor struct {
	Name     string     `json:"name"`
	Address  netip.Addr `json:"address"` // zero where the model gives none
	ASN      bgp.ASN    `json:"asn"`
	Up       bool       `json:"up"`
	Prefixes int        `json:"prefixes"` // received and accepted
}

// Summary returns a router's neighbours in session order.
func (s *State) Summary(name string) []Neighbor {
	n := s.n
	i, ok := n.byRouter[name]
	if !ok {
		return nil
	}
	var out []Neighbor
	for _, d := range n.routers[i].in {
		sess := n.sessions[d/2]
		from := n.routers[sess.dir[d%2].from]
		nb := Neighbor{Name: from.name, Address: sess.addr[d%2], ASN: from.asn, Up: s.up[d/2]}
		for p := range n.prefixes {
			if s.routes[p].in[d] != nil {
				nb.Prefixes++
			}
		}
		out = append(out, nb)
	}
	return out
}

// covering returns the indexes of the prefixes that contain an address, the longest first.
func (n *Network) covering(a netip.Addr) []int {
	var out []int
	for i, p := range n.prefixes {
		if p.Contains(a) {
			out = append(out, i)
		}
	}
	slices.SortStableFunc(out, func(x, y int) int { return n.prefixes[y].Bits() - n.prefixes[x].Bits() })
	return out
}

// used returns the directed sessions (or ownRoute) that a router forwards on for a prefix.
func (s *State) used(p, router int) []int32 {
	r := s.routes[p]
	if r.multi[router] != nil {
		return r.multi[router]
	}
	if r.best[router] == noRoute {
		return nil
	}
	return []int32{r.best[router]}
}
