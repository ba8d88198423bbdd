package draw

import (
	"fmt"
	"slices"
	"strings"

	"onramp/azure"
	"onramp/design"
	"onramp/network"
)

// Situation is one state of an estate and one flow in it: what Show marks on the topology.
type Situation struct {
	// Pieces are what the estate is made of and what of it is in service (network.Network.Pieces).
	Pieces []network.Piece
	// Hops is the way of the flow and Back that of its answer; both may be empty.
	Hops, Back []network.Hop
	// Before are the ways that the flow took before the failure and After the further ones that it takes now, there and back; the picture
	// is about the latter.
	Before, After [][]network.Hop
	// Stopped tells that the flow ends before its destination: the last hop is marked as the place to look at.
	Stopped bool
}

// Show is the topology of a design in a situation: what is out of service crossed out, what is impaired or drained and where
// a flow stops marked to be looked at, and the flow's way highlighted. In a large estate
// what is alike is drawn once; the premises are left out where neither the flow nor the failure touches them.
func Show(d *design.Design, s Situation) Diagram {
	t := Topology(d)
	m := &marker{Diagram: t, d: d, node: map[string]int{}}
	for i := range m.Nodes {
		m.node[m.Nodes[i].ID] = i
	}
	for _, way := range s.Before {
		m.way(way, Former, false)
	}
	for _, way := range s.After {
		m.way(way, Path, false)
	}
	for _, way := range [][]network.Hop{s.Back, s.Hops} { // the marks of the way there last
		m.way(way, Path, s.Stopped && len(way) > 0 && len(way) == len(s.Hops))
	}
	m.pieces(s.Pieces)
	m.Subtitle = ""
	return m.crop()
}

// marker puts marks on a diagram.
type marker struct {
	Diagram
	d    *design.Design
	node map[string]int // by ID
}

// labelled is the only node of some kinds with a label; -1 if there is none or more than one.
func (m *marker) labelled(label string, kinds ...NodeKind) int {
	found := -1
	for i := range m.Nodes {
		if m.Nodes[i].Label == label && slices.Contains(kinds, m.Nodes[i].Kind) {
			if found >= 0 {
				return -1
			}
			found = i
		}
	}
	return found
}

func (m *marker) byID(id string) int {
	if i, ok := m.node[id]; ok {
		return i
	}
	return -1
}

// pieces marks what does not work.
func (m *marker) pieces(pieces []network.Piece) {
	links := map[string]bool{}
	for _, p := range pieces {
		if p.Kind == network.Link {
			links[p.Name] = p.Up == 0
			continue
		}
		mark := Unmarked
		switch {
		case p.Up == 0:
			mark = Failed
		case p.Up < p.Of || p.Drained:
			mark = Warn
		}
		if mark == Unmarked {
			continue
		}
		at := -1
		switch p.Kind {
		case network.Site:
			at = m.byID("site:" + p.Name)
		case network.Router:
			if at = m.byID("ce:" + p.Name); at < 0 {
				at = m.byID("msee:" + p.Name)
			}
		case network.Circuit:
			at = m.labelled(p.Name, Circuit)
		case network.GatewayKind:
			at = m.labelled(p.Name, Gateway)
		case network.Firewall:
			at = m.labelled(p.Name, Firewall)
		}
		if at < 0 {
			continue
		}
		n := &m.Nodes[at]
		n.Mark = mark
		if mark == Warn && p.Drained {
			n.Sub = "drained"
		} else if mark == Warn {
			n.Sub = fmt.Sprintf("%d of %d in service", p.Up, p.Of)
		}
	}
	m.links(links)
}

// links marks the lines whose every attachment is out, as failed, and those of which some are, to be looked at.
func (m *marker) links(out map[string]bool) {
	type pair struct{ from, to string }
	on := map[pair][]string{}
	locations := locations(m.d)
	note := func(r *design.Router) {
		for i := range r.Sessions {
			s := &r.Sessions[i]
			at := pair{from: "ce:" + r.Name, to: "ce:" + s.Neighbor}
			if s.Circuit != "" {
				at.to = msee(locations[s.Circuit.Key()], s.Connection)
			}
			on[at] = append(on[at], s.Attachment)
			on[pair{at.to, at.from}] = on[at]
		}
	}
	for i := range m.d.Premises.Sites {
		for j := range m.d.Premises.Sites[i].Routers {
			note(&m.d.Premises.Sites[i].Routers[j])
		}
	}
	for i := range m.d.Premises.ProviderEdges {
		note(&m.d.Premises.ProviderEdges[i])
	}
	for i := range m.Edges {
		e := &m.Edges[i]
		names := on[pair{e.From, e.To}]
		if e.Kind == Backbone {
			a, b := strings.TrimPrefix(e.From, "site:"), strings.TrimPrefix(e.To, "site:")
			names = nil
			for _, name := range []string{"backbone/" + a + "-" + b, "backbone/" + b + "-" + a} {
				if _, ok := out[name]; ok {
					names = append(names, name)
				}
			}
		}
		down := 0
		for _, name := range names {
			if out[name] {
				down++
			}
		}
		switch {
		case down == 0:
		case down == len(names):
			e.Mark = Failed
		case e.Mark == Unmarked:
			e.Mark = Warn
		}
	}
}

// locations are the circuits' peering locations, by id key.
func locations(d *design.Design) map[string]string {
	ports, out := map[string]string{}, map[string]string{}
	for _, p := range azure.Of[*azure.ExpressRoutePort](d.Resources) {
		ports[p.ID.Key()] = p.Properties.PeeringLocation
	}
	for _, c := range azure.Of[*azure.ExpressRouteCircuit](d.Resources) {
		if sp := c.Properties.ServiceProviderProperties; sp != nil {
			out[c.ID.Key()] = sp.PeeringLocation
		} else if c.Properties.ExpressRoutePort != nil {
			out[c.ID.Key()] = ports[c.Properties.ExpressRoutePort.ID.Key()]
		}
	}
	return out
}

func msee(location, connection string) string {
	if connection == design.Secondary {
		return "msee:" + location + "/2"
	}
	return "msee:" + location + "/1"
}

// at are the nodes that a hop stands for, in the order in which a packet meets them; none for what is not drawn.
func (m *marker) at(h *network.Hop) []int {
	switch h.Kind {
	case "core":
		return one(m.byID("site:" + strings.TrimSuffix(h.Node, "-core")))
	case "ce", "pe":
		return one(m.byID("ce:" + h.Node))
	case "msee":
		// The node's name ends with the half: circuit/peering/primary.
		half := h.Node[strings.LastIndexByte(h.Node, '/')+1:]
		return one(m.byID(msee(locations(m.d)[h.Circuit.Key()], half)), m.byID("circuit:"+h.Circuit.Key()))
	case "gateway":
		name := h.Node
		if m.labelled(name, Gateway) < 0 { // an instance
			name = name[:max(0, strings.LastIndexByte(name, '/'))]
		}
		return one(m.labelled(name, Gateway))
	case "vnet":
		name, _, _ := strings.Cut(h.Node, "/")
		return one(m.labelled(name, VNet, Hub))
	case "firewall":
		return one(m.labelled(h.Node, Firewall))
	}
	return nil
}

func one(at ...int) []int { return slices.DeleteFunc(at, func(i int) bool { return i < 0 }) }

// way marks the nodes of a way and the lines between them.
func (m *marker) way(hops []network.Hop, mark Mark, stopped bool) {
	var nodes []int
	for i := range hops {
		at := m.at(&hops[i])
		if len(at) == 2 && len(nodes) > 0 && m.Nodes[nodes[len(nodes)-1]].Kind == Gateway {
			slices.Reverse(at) // towards the premises a packet meets the circuit first
		}
		for _, x := range at {
			if len(nodes) == 0 || nodes[len(nodes)-1] != x {
				nodes = append(nodes, x)
			}
		}
	}
	for i, x := range nodes {
		m.Nodes[x].Mark = mark
		if i == 0 {
			continue
		}
		if a, b := &m.Nodes[nodes[i-1]], &m.Nodes[x]; a.Kind == PE && b.Kind == PE {
			// The inside of a provider's network is on no picture; the flow that crosses it is.
			at := slices.IndexFunc(m.Edges, func(e Edge) bool { return e.From == a.ID && e.To == b.ID || e.From == b.ID && e.To == a.ID })
			if at < 0 {
				m.Edges = append(m.Edges, Edge{From: a.ID, To: b.ID, Label: "provider's own", Kind: Link, Mark: mark})
			} else if m.Edges[at].Mark == Former {
				m.Edges[at].Mark = mark
			}
			continue
		}
		m.join(nodes[i-1], x, mark)
	}
	if stopped && len(nodes) > 0 {
		m.Nodes[nodes[len(nodes)-1]].Mark = Warn
	}
}

// join marks the fewest lines between two nodes of a way, and the nodes between them: the hub that a packet crosses on its way
// from a gateway to a spoke. Nothing is marked where there are more than two nodes between.
func (m *marker) join(a, b int, mark Mark) {
	type step struct{ node, edge, from int }
	seen := map[int]bool{a: true}
	steps := []step{{a, -1, -1}}
	first := 0
	for range 3 {
		last := len(steps)
		for at := first; at < last; at++ {
			here := m.Nodes[steps[at].node].ID
			for i := range m.Edges {
				e := &m.Edges[i]
				other := e.To
				if e.To == here {
					other = e.From
				} else if e.From != here {
					continue
				}
				x := m.node[other]
				if seen[x] {
					continue
				}
				seen[x] = true
				steps = append(steps, step{x, i, at})
				if x != b {
					continue
				}
				for s := steps[len(steps)-1]; s.edge >= 0; s = steps[s.from] {
					m.Edges[s.edge].Mark = mark
					if was := m.Nodes[s.node].Mark; was == Unmarked || was == Former {
						m.Nodes[s.node].Mark = mark
					}
				}
				return
			}
		}
		first = last
	}
}

// mostInTier is the number of boxes of a tier above which a situation's picture draws what is alike once.
const mostInTier = 8

// crop leaves out the premises and circuits where the flow stays among networks and nothing has failed there, and condenses the rest.
func (m *marker) crop() Diagram {
	d := m.Diagram
	if !slices.ContainsFunc(m.Nodes, func(n Node) bool { return n.Mark != Unmarked && n.Tier < tierGateway }) &&
		!slices.ContainsFunc(m.Edges, func(e Edge) bool { return e.Mark == Failed || e.Mark == Warn }) &&
		slices.ContainsFunc(m.Nodes, func(n Node) bool { return n.Mark != Unmarked }) {
		d.Nodes, d.Edges = nil, nil
		kept := map[string]bool{}
		for _, n := range m.Nodes {
			if n.Tier >= tierGateway {
				kept[n.ID] = true
				d.Nodes = append(d.Nodes, n)
			}
		}
		for _, e := range m.Edges {
			if kept[e.From] && kept[e.To] {
				d.Edges = append(d.Edges, e)
			}
		}
	}
	d, _ = d.Condensed(mostInTier)
	return d
}
