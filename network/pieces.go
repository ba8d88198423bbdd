package network

import (
	"fmt"
	"slices"
)

// Piece is a thing of the estate that a picture shows, with how much of it is in service in a state: a gateway has instances, a
// circuit two halves, everything else is one.
type Piece struct {
	// Kind is Site, Router, Circuit, GatewayKind, Firewall or Link.
	Kind Kind `json:"kind"`
	// Name is the resource's, router's, site's or attachment's name; that of an MSEE is its peering location and half: "Toronto/1".
	Name string `json:"name"`
	Up   int    `json:"up"`
	Of   int    `json:"of"`
	// Drained tells that Microsoft is taking the traffic off it for maintenance.
	Drained bool `json:"drained"`
}

// Pieces returns every piece in the order of building, whether it works in a scenario or not. Zones, providers and peering
// locations are no pieces: what they take with them is. No route is computed for it.
func (n *Network) Pieces(sc Scenario) []Piece {
	s := n.start(sc)
	var out []Piece
	add := func(kind Kind, name string, downBy ...[]int) *Piece {
		p := Piece{Kind: kind, Name: name, Of: len(downBy)}
		for _, e := range downBy {
			if !s.anyDown(e) {
				p.Up++
			}
		}
		out = append(out, p)
		return &out[len(out)-1]
	}
	for _, x := range n.sites {
		add(Site, x.name, []int{x.element})
	}
	for _, r := range n.routers {
		if r.kind == kindCE || r.kind == kindPE {
			add(Router, r.name, r.elements)
		}
	}
	seen := map[int]bool{}
	for _, c := range n.circuits {
		for h := range 2 {
			msee := c.base[h][0]
			if seen[msee] {
				continue
			}
			seen[msee] = true
			// The circuit's own element and its provider's take a half of the circuit down, not the router.
			elements := []int{msee}
			for _, e := range c.base[h] {
				if n.elements[e].Kind == Location {
					elements = append(elements, e)
				}
			}
			add(Router, fmt.Sprintf("%s/%d", c.location, h+1), elements).Drained = slices.Contains(s.drained, msee)
		}
	}
	for _, c := range n.circuits {
		add(Circuit, c.name, c.base[0], c.base[1])
	}
	for _, g := range n.gateways {
		var down [][]int
		for _, i := range g.instances {
			down = append(down, n.routers[i].elements)
		}
		add(GatewayKind, g.name, down...)
	}
	for _, f := range n.firewalls {
		add(Firewall, f.name, f.downBy...)
	}
	links := map[string]bool{}
	for _, x := range n.sessions {
		for _, e := range x.elements {
			if y := n.elements[e]; y.Kind == Link && !links[y.Name] {
				links[y.Name] = true
				add(Link, y.Name, x.elements)
			}
		}
	}
	return out
}
