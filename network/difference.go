package network

import (
	"net/netip"
	"slices"
)

// Difference is where two states of one network may forward packets differently. A flow goes the same way in both if no node
// on its way in the one is Changed for its destination and, where its way crosses a router or a gateway, the destination is not
// Rerouted: then every table that it met is the same, and so is every node that it met.
type Difference struct {
	s, base *State
	nodes   map[string]*change
}

// change is how a node differs.
type change struct {
	whole    bool // for every destination
	prefixes []netip.Prefix
}

// Since compares a state with an earlier one of the same network.
func (s *State) Since(base *State) *Difference {
	d := &Difference{s: s, base: base, nodes: map[string]*change{}}
	for i, x := range s.n.routers {
		if s.routerUp(i) != base.routerUp(i) {
			d.change(x.name).whole = true
		}
	}
	for _, f := range s.n.firewalls {
		if s.passes(f) != base.passes(f) {
			d.change(f.name).whole = true
		}
		if f.subnet != nil {
			d.rows(f.name, f.subnet)
		}
	}
	for _, v := range s.n.vnets {
		for _, sn := range v.subnets {
			d.rows(v.name+"/"+sn.name, sn)
		}
	}
	for _, g := range s.n.gateways {
		if sn := g.vnet.subnetNamed("GatewaySubnet"); sn != nil {
			for _, i := range g.instances {
				d.rows(s.n.routers[i].name, sn)
			}
		}
	}
	return d
}

func (d *Difference) change(node string) *change {
	c := d.nodes[node]
	if c == nil {
		c = &change{}
		d.nodes[node] = c
	}
	return c
}

// passes tells whether some instance of a firewall is up.
func (s *State) passes(f *firewall) bool {
	return slices.ContainsFunc(f.downBy, func(e []int) bool { return !s.anyDown(e) })
}

// rows notes for which destinations the effective routes that a node forwards by differ.
func (d *Difference) rows(node string, sn *subnet) {
	a, b := d.s.rows(sn), d.base.rows(sn)
	if len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0]) {
		return
	}
	if len(a) != len(b) {
		d.change(node).whole = true
		return
	}
	for i := range a {
		x, y := &a[i], &b[i]
		if x.Prefix != y.Prefix {
			d.change(node).whole = true
			return
		}
		if x.State != y.State || x.Source != y.Source || x.NextHopType != y.NextHopType || x.Why != y.Why || !slices.Equal(x.NextHops, y.NextHops) {
			c := d.change(node)
			c.prefixes = append(c.prefixes, x.Prefix)
		}
	}
}

// Nodes returns the names of the nodes that differ for some destination, in no order.
func (d *Difference) Nodes() []string {
	out := make([]string, 0, len(d.nodes))
	for name := range d.nodes {
		out = append(out, name)
	}
	return out
}

// Changed tells whether a node, named as in Hop.Node, may treat packets to an address differently.
func (d *Difference) Changed(node string, to netip.Addr) bool {
	c := d.nodes[node]
	return c != nil && (c.whole || slices.ContainsFunc(c.prefixes, func(p netip.Prefix) bool { return p.Contains(to) }))
}

// Rerouted tells whether some router or gateway may hold another route to an address.
func (d *Difference) Rerouted(to netip.Addr) bool {
	for i, p := range d.s.n.prefixes {
		if d.s.routes[i] != d.base.routes[i] && p.Contains(to) {
			return true
		}
	}
	return false
}
