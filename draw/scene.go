package draw

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// scene is a diagram with everything in its place: what is left is to write it down.
type scene struct {
	diagram  Diagram
	w, h     int
	title    words
	subtitle []words
	heads    []words // names of the tiers
	groups   []frame
	cards    []card
	wires    []wire
	legend   []key
}

// words is a line of text. Its box is the estimate of the room it takes.
type words struct {
	box    box
	anchor string // where in the box the text stands: "" at the left, "middle" or "end"
	text   string
	full   string // the whole text where text had to be cut, else empty
}

// newWords places text at x, with the baseline where it has to be for a box that is centred on midY.
func newWords(text string, x, midY, size, max int) words {
	short, cut := shorten(text, size, max)
	w := words{box: box{x, midY - (size+3)/2, width(short, size), size + 3}, text: short}
	if cut {
		w.full = text
	}
	return w
}

// frame is the box around a group.
type frame struct {
	box   box
	label words
}

// card is a node's box.
type card struct {
	box        box
	node       Node
	label, sub words // sub.text is empty when there is none
}

// point is in tenths of a pixel.
type point struct{ x, y int }

// curve is a cubic Bézier segment; flat ones are straight lines.
type curve struct{ a, b, c, d point }

// at is the point at k sixteenths of the way.
func (s curve) at(k int) point {
	j := 16 - k
	mix := func(a, b, c, d int) int { return (a*j*j*j + 3*b*j*j*k + 3*c*j*k*k + d*k*k*k) / 4096 }
	return point{mix(s.a.x, s.b.x, s.c.x, s.d.x), mix(s.a.y, s.b.y, s.c.y, s.d.y)}
}

// wire is an edge: curves in the gaps between columns, straight through the columns that it passes.
type wire struct {
	edge   Edge
	from   string // the labels of the two ends
	to     string
	curves []curve
	label  words  // empty text: no label, or no room for it
	cross  *point // where a failed edge is struck out
}

// key is an entry of the legend.
type key struct {
	box   box
	label words
	node  NodeKind // one of the three is set
	edge  EdgeKind
	mark  Mark
}

// compose lays out a valid diagram.
func compose(d Diagram) scene {
	g := layered(d)
	g.uncross()
	p := place(d, g)
	s := scene{diagram: d}

	s.w = 560
	if n := len(p.columns); n > 0 {
		content := p.columns[n-1].x + p.columns[n-1].card + groupPad + margin + gapAfter(d, g, n-1)
		shift := max(0, s.w-content) / 2
		s.w = max(s.w, content)
		for i := range p.columns {
			p.columns[i].x += shift
		}
		for i := range p.boxes {
			p.boxes[i].x += shift
		}
	}
	y := margin
	if d.Title != "" {
		s.title = newWords(d.Title, margin, y+titleSize/2, titleSize, s.w-2*margin)
		y += titleSize + 10
	}
	for _, line := range wrap(d.Subtitle, labelSize, s.w-2*margin, 3) {
		s.subtitle = append(s.subtitle, newWords(line, margin, y+labelSize/2, labelSize, s.w-2*margin))
		y += labelSize + 5
	}
	if y > margin {
		y += 12
	}
	for i, c := range p.columns {
		s.heads = append(s.heads, newWords(d.Tiers[g.tiers[i]].Name, c.x, y+headSize/2, headSize, c.card))
	}
	if len(p.columns) > 0 {
		y += tierHead
	}
	for i := range p.boxes {
		p.boxes[i].y += y
	}
	bottom := y
	for _, b := range p.boxes {
		bottom = max(bottom, b.y+b.h+groupPad)
	}
	s.frames(g, p)
	s.deal(g, p)
	s.wire(g, p)
	s.h = bottom + margin - groupPad
	if d.Legend {
		s.explain(bottom + 20)
	}
	return s
}

// frames draws a box around each group of each layer.
func (s *scene) frames(g *graph, p placement) {
	for i, layer := range g.layers {
		for at := 0; at < len(layer); {
			name := g.vertices[layer[at]].group
			last := at
			for last+1 < len(layer) && name != "" && g.vertices[layer[last+1]].group == name {
				last++
			}
			if name != "" {
				first, end := p.boxes[layer[at]], p.boxes[layer[last]]
				c := p.columns[i]
				b := box{c.x - groupPad, first.y - groupHead, c.card + 2*groupPad, end.y + end.h + groupPad - first.y + groupHead}
				s.groups = append(s.groups, frame{b, newWords(name, c.x, b.y+groupHead/2+1, subSize, c.card)})
			}
			at = last + 1
		}
	}
}

// deal puts the nodes' words on their cards, in the order of the layers.
func (s *scene) deal(g *graph, p placement) {
	for i, layer := range g.layers {
		for _, v := range layer {
			if g.vertices[v].bend() {
				continue
			}
			n, b := s.diagram.Nodes[g.vertices[v].node], p.boxes[v]
			c := card{box: b, node: n}
			x, room, mid := b.x+iconWidth, b.w-iconWidth-12, b.y+b.h/2
			whole := n.Label
			if s.diagram.Tight {
				n.Label = squeeze(n.Label, labelSize, room)
			}
			switch {
			case n.Sub == "":
				c.label = newWords(n.Label, x, mid, labelSize, room)
			case p.columns[i].dense:
				// Both on one line: the label gets what it needs, up to three quarters when both cannot have it.
				sub := width(n.Sub, subSize)
				c.label = newWords(n.Label, x, mid, labelSize, max(room-14-sub, (room-14)*3/4))
				c.sub = newWords(n.Sub, 0, mid+1, subSize, room-14-c.label.box.w)
				c.sub.box.x, c.sub.anchor = b.x+b.w-12-c.sub.box.w, "end"
			default:
				c.label = newWords(n.Label, x, mid-8, labelSize, room)
				c.sub = newWords(n.Sub, x, mid+9, subSize, room)
			}
			if n.Label != whole {
				c.label.full = whole
			}
			s.cards = append(s.cards, c)
		}
	}
}

// port is where a wire leaves a vertex: its place among the others on that side follows the place of its other end.
type port struct {
	edge, end int // end 0 is the chain's left end, 1 its right end
	other     int // doubled height of the middle of the next vertex on the chain
}

// wire routes the edges.
func (s *scene) wire(g *graph, p placement) {
	middle := func(v int) int { return 2*p.boxes[v].y + p.boxes[v].h }
	onLeft := make([][]port, len(g.vertices))
	onRight := make([][]port, len(g.vertices))
	for e, chain := range g.chains {
		a, b := chain[0], chain[len(chain)-1]
		pa, pb := port{e, 0, middle(chain[1])}, port{e, 1, middle(chain[len(chain)-2])}
		switch {
		case !within(g, chain):
			onRight[a], onLeft[b] = append(onRight[a], pa), append(onLeft[b], pb)
		case g.vertices[a].layer == 0:
			onLeft[a], onLeft[b] = append(onLeft[a], pa), append(onLeft[b], pb)
		default:
			onRight[a], onRight[b] = append(onRight[a], pa), append(onRight[b], pb)
		}
	}
	ends := make([][2]point, len(g.chains))
	for v := range g.vertices {
		if g.vertices[v].bend() {
			continue
		}
		b := p.boxes[v]
		for side, ports := range [][]port{onLeft[v], onRight[v]} {
			slices.SortStableFunc(ports, func(a, b port) int { return cmp.Or(cmp.Compare(a.other, b.other), cmp.Compare(a.edge, b.edge)) })
			step := 0
			if n := len(ports); n > 1 {
				step = min(80, (b.h-12)*10/(n-1))
			}
			for i, pt := range ports {
				ends[pt.edge][pt.end] = point{10 * (b.x + side*b.w), 5*middle(v) + (2*i-len(ports)+1)*step/2}
			}
		}
	}
	labels := make(map[string]string, len(s.diagram.Nodes))
	for _, n := range s.diagram.Nodes {
		labels[n.ID] = n.Label
	}
	for e, chain := range g.chains {
		x := s.diagram.Edges[e]
		w := wire{edge: x, from: labels[x.From], to: labels[x.To]}
		from, to := ends[e][0], ends[e][1]
		if within(g, chain) {
			layer := g.vertices[chain[0]].layer
			bulge := min(10*60, 300+abs(to.y-from.y)/8)
			if layer == 0 {
				bulge = -bulge
			}
			w.curves = []curve{{from, point{from.x + bulge, from.y}, point{to.x + bulge, to.y}, to}}
		} else {
			for _, v := range chain[1 : len(chain)-1] {
				b := p.boxes[v]
				in := point{10 * b.x, 5 * middle(v)}
				w.curves = append(w.curves, across(from, in))
				from = point{10 * (b.x + b.w), in.y}
				w.curves = append(w.curves, curve{in, in, from, from})
			}
			w.curves = append(w.curves, across(from, to))
		}
		s.wires = append(s.wires, w)
	}
	s.strike()
	s.label()
}

// across is the curve from one column to the next, level at both ends.
func across(a, d point) curve {
	mid := (a.x + d.x) / 2
	return curve{a, point{mid, a.y}, point{mid, d.y}, d}
}

func abs(n int) int {
	if n < 0 {
		return -n
	}
	return n
}

// strike crosses out the failed edges in the middle of their first curve.
func (s *scene) strike() {
	for i := range s.wires {
		if w := &s.wires[i]; w.edge.Mark == Failed {
			at := w.curves[0].at(8)
			w.cross = &at
		}
	}
}

// label gives each wire's label the first of a few places on its curves where it covers no other word and no card. A label
// without such a place is left to the wire's <title>.
func (s *scene) label() {
	const most = maxGap - 60
	var taken []box
	for _, c := range s.cards {
		taken = append(taken, c.box)
	}
	for _, f := range s.groups {
		taken = append(taken, f.label.box)
	}
	taken = append(taken, s.headings()...)
	for _, w := range s.wires {
		if w.cross != nil {
			taken = append(taken, box{w.cross.x/10 - 6, w.cross.y/10 - 6, 12, 12})
		}
	}
	for i := range s.wires {
		w := &s.wires[i]
		if w.edge.Label == "" {
			continue
		}
		for _, k := range []int{8, 6, 10, 5, 11, 4, 12, 7, 9} {
			placed := false
			for c := len(w.curves) - 1; c >= 0 && !placed; c -= 2 { // every second curve lies in a gap
				at := w.curves[c].at(k)
				l := newWords(w.edge.Label, 0, at.y/10, smallSize, most)
				l.box.x, l.anchor = at.x/10-l.box.w/2, "middle"
				wide := box{l.box.x - 4, l.box.y, l.box.w + 8, l.box.h}
				if wide.x < margin/2 || wide.x+wide.w > s.w-margin/2 ||
					slices.ContainsFunc(taken, func(b box) bool { return b.overlaps(wide) }) {
					continue
				}
				taken = append(taken, wide)
				w.label = l
				placed = true
			}
			if placed {
				break
			}
		}
	}
}

func (s *scene) headings() []box {
	boxes := make([]box, len(s.heads))
	for i, h := range s.heads {
		boxes[i] = h.box
	}
	return boxes
}

// The names that the legend and the description use.
func (k NodeKind) name() string {
	switch k {
	case Site:
		return "Site"
	case CE:
		return "Customer edge router"
	case PE:
		return "Provider edge router"
	case MSEE:
		return "Microsoft edge router (MSEE)"
	case Circuit:
		return "ExpressRoute circuit"
	case Gateway:
		return "Virtual network gateway"
	case Hub:
		return "Hub VNet"
	case Firewall:
		return "Firewall"
	case VNet:
		return "VNet"
	case Region:
		return "Azure region"
	}
	return string(k)
}

func (k EdgeKind) name() string {
	switch k {
	case Link:
		return "Link"
	case Session:
		return "BGP session"
	case Peering:
		return "VNet peering"
	case Backbone:
		return "Own backbone"
	}
	return string(k)
}

func (m Mark) name() string {
	switch m {
	case Former:
		return "On the path before"
	case Path:
		return "On the path"
	case Warn:
		return "Look here"
	case Failed:
		return "Failed"
	}
	return ""
}

// explain lays out the legend from height y on: an entry for each kind and mark that occurs.
func (s *scene) explain(y int) {
	var keys []key
	for _, k := range nodeKinds {
		if slices.ContainsFunc(s.diagram.Nodes, func(n Node) bool { return n.Kind == k }) {
			keys = append(keys, key{node: k, label: words{text: k.name()}})
		}
	}
	for _, k := range edgeKinds {
		if slices.ContainsFunc(s.diagram.Edges, func(e Edge) bool { return e.Kind == k }) {
			keys = append(keys, key{edge: k, label: words{text: k.name()}})
		}
	}
	for _, m := range marks[1:] {
		if slices.ContainsFunc(s.diagram.Nodes, func(n Node) bool { return n.Mark == m }) ||
			slices.ContainsFunc(s.diagram.Edges, func(e Edge) bool { return e.Mark == m }) {
			keys = append(keys, key{mark: m, label: words{text: m.name()}})
		}
	}
	if len(keys) == 0 {
		return
	}
	const line, symbol = 24, 28
	x := margin
	for _, k := range keys {
		w := symbol + width(k.label.text, legendSize)
		if x > margin && x+w > s.w-margin {
			x, y = margin, y+line
		}
		k.box = box{x, y, symbol - 8, line - 4}
		k.label = newWords(k.label.text, x+symbol, y+line/2-2, legendSize, s.w)
		s.legend = append(s.legend, k)
		x += w + 22
	}
	s.h = y + line + margin - 8
}

// describe is the picture in a sentence, for those who hear it.
func (s *scene) describe() string {
	var parts []string
	for _, k := range nodeKinds {
		n := 0
		for _, node := range s.diagram.Nodes {
			if node.Kind == k {
				n++
			}
		}
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%s: %d", k.name(), n))
		}
	}
	for _, k := range edgeKinds {
		n := 0
		for _, e := range s.diagram.Edges {
			if e.Kind == k {
				n++
			}
		}
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%s: %d", k.name(), n))
		}
	}
	for _, n := range s.diagram.Nodes {
		if n.Mark == Failed {
			parts = append(parts, "failed: "+n.Label)
		}
	}
	if len(parts) == 0 {
		return "An empty topology."
	}
	return "Topology from the premises on the left to the virtual networks on the right. " + strings.Join(parts, "; ") + "."
}
