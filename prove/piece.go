package prove

import (
	"onramp/catalog"
	"onramp/design"
	"onramp/network"
)

// Piece is a part of an estate that routes by itself (network.Split), with the lines of business that are in it.
type Piece struct {
	Design  *design.Design
	Network *network.Network
}

// Pieces cuts a design whose network was built from its resources and premises into the parts that a proof of it looks at one by one; into
// itself where it cannot be cut.
func Pieces(d *design.Design, n *network.Network, c *catalog.Catalog) []Piece {
	p := NewPlan(d, n, c)
	if len(p.parts) == 0 {
		return []Piece{{d, n}}
	}
	out := make([]Piece, len(p.parts))
	for i := range p.parts {
		part := p.partDesign(i)
		pn, _ := network.Build(part.Resources, part.Premises, c, network.Options{})
		out[i] = Piece{part, pn}
	}
	return out
}
