// Package draw decides where each box and line of a topology goes, and how lines over an axis are plotted (plot.go), and
// writes the picture as SVG. It knows shapes and words and nothing of routing or money: its caller says what the nodes are
// and what is marked. It never fails on size, leaves the text of what it shortens in a <title>, and gives the same bytes for
// the same diagram.
//
// The layout is the layered one of Sugiyama, Tagawa and Toda (1981) for tiers that are known beforehand: crossings are
// reduced by barycentres (order.go), heights are the least-squares fit to the neighbours that keeps order and distance
// (place.go). The format is SVG 1.1 with one style sheet, light or dark as the reader's system prefers.
package draw

import (
	"fmt"
	"io"
	"slices"
)

// NodeKind says what a node is; it sets its icon, its colour and its name in the legend.
type NodeKind string

// The kinds of node, in the order of the legend.
const (
	Site     NodeKind = "site"
	CE       NodeKind = "ce"
	PE       NodeKind = "pe"
	MSEE     NodeKind = "msee"
	Circuit  NodeKind = "circuit"
	Gateway  NodeKind = "gateway"
	Hub      NodeKind = "hub"
	Firewall NodeKind = "firewall"
	VNet     NodeKind = "vnet"
	Region   NodeKind = "region"
)

// EdgeKind says what a line is; it sets how the line is drawn.
type EdgeKind string

// The kinds of edge, in the order of the legend.
const (
	Link     EdgeKind = "link"     // a physical or virtual cross-connection
	Session  EdgeKind = "session"  // a BGP session
	Peering  EdgeKind = "peering"  // a VNet peering
	Backbone EdgeKind = "backbone" // the organisation's own link between sites
)

// Mark singles out a node or an edge. Each mark has a shape besides its colour, for readers who do not see the colour.
type Mark string

// The marks, in the order of the legend.
const (
	Unmarked Mark = ""
	Former   Mark = "former" // on the way of the flow before something failed
	Path     Mark = "path"   // on the way of the flow that the picture is about
	Warn     Mark = "warn"   // something to look at
	Failed   Mark = "failed" // out of service in this scenario
)

var (
	nodeKinds = []NodeKind{Site, CE, PE, MSEE, Circuit, Gateway, Hub, Firewall, VNet, Region}
	edgeKinds = []EdgeKind{Link, Session, Peering, Backbone}
	marks     = []Mark{Unmarked, Former, Path, Warn, Failed}
)

// Diagram is a topology to draw: nodes in tiers from left (the premises) to right (the VNets), and the edges between them.
type Diagram struct {
	Title    string // one line, shortened when it is too long
	Subtitle string // wrapped to at most three lines
	Tiers    []Tier // left to right; a tier without nodes takes no room
	Nodes    []Node // the order within a tier is kept where it costs no crossing
	Edges    []Edge
	Legend   bool // explain, below, the kinds and marks that occur
	// ID, if not empty, makes the picture one of several in a page: its own ids begin with it, and the page has the style sheet.
	ID string
	// Tight makes boxes narrower and lets columns stand closer, for a picture that has to share a page.
	Tight bool
}

// Tier is a column of the diagram.
type Tier struct{ Name string }

// Node is a box.
type Node struct {
	ID    string // unique in the diagram; not shown
	Label string
	Sub   string // smaller, below or beside the label; may be empty
	Kind  NodeKind
	Tier  int    // index into Diagram.Tiers
	Group string // nodes of one tier with the same group stand together in a box with this label; may be empty
	Mark  Mark
}

// Edge is a line between two nodes, which may be of any two tiers or of the same one. It has no direction.
type Edge struct {
	From, To string // node IDs
	Label    string // drawn where there is room, and in the line's <title> always; may be empty
	Kind     EdgeKind
	Mark     Mark
}

// SVG writes d to w as one SVG document. The error is w's, or says which node or edge of d has no meaning: an ID given twice
// or empty, a tier that is not there, an edge to a node that is not there, an unknown kind or mark.
func SVG(w io.Writer, d Diagram) error {
	if err := d.validate(); err != nil {
		return fmt.Errorf("draw %q: %w", d.Title, err)
	}
	return write(w, compose(d))
}

func (d Diagram) validate() error {
	ids := make(map[string]bool, len(d.Nodes))
	for _, n := range d.Nodes {
		switch {
		case n.ID == "":
			return fmt.Errorf("the node labelled %q has no ID", n.Label)
		case ids[n.ID]:
			return fmt.Errorf("two nodes have the ID %q", n.ID)
		case n.Tier < 0 || n.Tier >= len(d.Tiers):
			return fmt.Errorf("node %q is in tier %d; the diagram has tiers 0 to %d", n.ID, n.Tier, len(d.Tiers)-1)
		case !slices.Contains(nodeKinds, n.Kind):
			return fmt.Errorf("node %q is of kind %q; there are %q", n.ID, n.Kind, nodeKinds)
		case !slices.Contains(marks, n.Mark):
			return fmt.Errorf("node %q is marked %q; there are %q", n.ID, n.Mark, marks)
		}
		ids[n.ID] = true
	}
	for i, e := range d.Edges {
		for _, id := range []string{e.From, e.To} {
			if !ids[id] {
				return fmt.Errorf("edge %d (%q to %q): there is no node %q", i, e.From, e.To, id)
			}
		}
		switch {
		case e.From == e.To:
			return fmt.Errorf("edge %d joins node %q with itself", i, e.From)
		case !slices.Contains(edgeKinds, e.Kind):
			return fmt.Errorf("edge %d (%q to %q) is of kind %q; there are %q", i, e.From, e.To, e.Kind, edgeKinds)
		case !slices.Contains(marks, e.Mark):
			return fmt.Errorf("edge %d (%q to %q) is marked %q; there are %q", i, e.From, e.To, e.Mark, marks)
		}
	}
	return nil
}
