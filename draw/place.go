package draw

// Sizes in pixels. Cards of a tier with more than denseAbove nodes are one line high.
const (
	margin      = 28
	cardHeight  = 44
	plainHeight = 34 // without a second line
	denseHeight = 26
	denseAbove  = 16
	bendHeight  = 4
	iconWidth   = 34 // left of a card's text
	minCard     = 116
	maxCard     = 244
	maxDense    = 270
	cardGap     = 10
	blockGap    = 16
	groupPad    = 10
	groupHead   = 24
	tierHead    = 34
	minGap      = 84 // between two columns
	maxGap      = 210
	labelSize   = 13
	subSize     = 11
	smallSize   = 10 // edge labels
	headSize    = 11
	titleSize   = 20
	legendSize  = 11
)

// box is a rectangle in pixels.
type box struct{ x, y, w, h int }

func (b box) overlaps(o box) bool {
	return b.x < o.x+o.w && o.x < b.x+b.w && b.y < o.y+o.h && o.y < b.y+b.h
}

func (b box) holds(o box) bool {
	return b.x <= o.x && b.y <= o.y && o.x+o.w <= b.x+b.w && o.y+o.h <= b.y+b.h
}

// column is the room of one layer.
type column struct {
	x, card int  // left edge and width of its cards
	dense   bool // one line to a card
}

// placement gives every vertex its box, relative to a top that the scene sets.
type placement struct {
	columns []column
	boxes   []box // per vertex
}

// place decides sizes and coordinates for an ordered graph.
func place(d Diagram, g *graph) placement {
	p := placement{columns: make([]column, len(g.layers)), boxes: make([]box, len(g.vertices))}
	x := margin + groupPad + leftRoom(d, g)
	for i, layer := range g.layers {
		c := &p.columns[i]
		nodes := 0
		for _, v := range layer {
			if !g.vertices[v].bend() {
				nodes++
			}
		}
		c.dense = nodes > denseAbove
		narrowest, widest := minCard, maxDense
		if d.Tight {
			narrowest, widest = minCard*3/4, maxCard*3/4
		}
		c.card = max(narrowest, min(widest, maxCard, width(d.Tiers[g.tiers[i]].Name, headSize)))
		for _, v := range layer {
			if !g.vertices[v].bend() {
				c.card = max(c.card, min(widest, cardWidth(d.Nodes[g.vertices[v].node], c.dense)))
			}
		}
		c.x = x
		x += c.card + gapAfter(d, g, i)
	}
	for i, layer := range g.layers {
		for _, v := range layer {
			b := &p.boxes[v]
			b.x, b.w = p.columns[i].x, p.columns[i].card
			switch {
			case g.vertices[v].bend():
				b.h = bendHeight
			case p.columns[i].dense:
				b.h = denseHeight
			case d.Nodes[g.vertices[v].node].Sub == "":
				b.h = plainHeight
			default:
				b.h = cardHeight
			}
		}
	}
	p.stack(g)
	return p
}

// cardWidth is what a node's words ask for, within the limits for a card.
func cardWidth(n Node, dense bool) int {
	label, sub := width(n.Label, labelSize), width(n.Sub, subSize)
	if dense {
		if n.Sub != "" {
			label += 14 + sub
		}
		return min(maxDense, iconWidth+label+12)
	}
	return min(maxCard, iconWidth+max(label, sub)+14)
}

// leftRoom is the room that edges within the first layer need to its left.
func leftRoom(d Diagram, g *graph) int {
	room := 0
	for i, chain := range g.chains {
		if within(g, chain) && g.vertices[chain[0]].layer == 0 {
			room = max(room, 44, 44+width(d.Edges[i].Label, smallSize)/2)
		}
	}
	return min(room, 110)
}

// gapAfter is the room between a layer and the next: for the longest label of the edges that begin there, and the more
// edges the more room. After the last layer it is what edges within that layer need.
func gapAfter(d Diagram, g *graph, layer int) int {
	edges, longest, inside := 0, 0, false
	for i, chain := range g.chains {
		if g.vertices[chain[0]].layer != layer {
			continue
		}
		if within(g, chain) {
			inside = inside || layer > 0
		} else {
			edges++
		}
		longest = max(longest, width(d.Edges[i].Label, smallSize))
	}
	if layer == len(g.layers)-1 {
		if inside {
			return min(maxGap, 60+longest)
		}
		return 0
	}
	if d.Tight {
		return min(maxGap, max(minGap/2, longest+28)+min(24, 2*edges))
	}
	return min(maxGap, max(minGap, longest+56)+2*min(20, edges))
}

func within(g *graph, chain []int) bool {
	return g.vertices[chain[0]].layer == g.vertices[chain[1]].layer
}

// separation is the least distance from the top of upper to the top of the vertex below it in the same layer.
func separation(g *graph, upper, lower int, height int) int {
	a, b := &g.vertices[upper], &g.vertices[lower]
	if a.group != "" && a.group == b.group {
		return height + cardGap
	}
	gap := blockGap
	if a.bend() || b.bend() {
		gap = cardGap
	}
	if a.group != "" {
		gap += groupPad
	}
	if b.group != "" {
		gap += groupHead
	}
	return height + gap
}

// stack gives the vertices their heights. Each layer in turn is fitted to its neighbours: it minimises the sum of squared
// distances from where each vertex would like to be, under the order and the separations. That is isotonic regression,
// which pooling adjacent violators solves exactly.
func (p *placement) stack(g *graph) {
	for _, layer := range g.layers {
		y := 0
		for i, v := range layer {
			if i > 0 {
				y += separation(g, layer[i-1], v, p.boxes[layer[i-1]].h)
			}
			p.boxes[v].y = y
		}
		for _, v := range layer {
			p.boxes[v].y -= y / 2
		}
	}
	const passes = 6
	for pass := range 2 * passes {
		if pass%2 == 0 {
			for i := 1; i < len(g.layers); i++ {
				p.fit(g, g.layers[i], func(v *vertex) [2][]int { return [2][]int{v.left, nil} })
			}
		} else {
			for i := len(g.layers) - 2; i >= 0; i-- {
				p.fit(g, g.layers[i], func(v *vertex) [2][]int { return [2][]int{v.right, nil} })
			}
		}
	}
	for _, layer := range g.layers {
		p.fit(g, layer, func(v *vertex) [2][]int { return [2][]int{v.left, v.right} })
	}
	top := 0
	for i, layer := range g.layers {
		if len(layer) == 0 {
			continue
		}
		t := p.boxes[layer[0]].y
		if g.vertices[layer[0]].group != "" {
			t -= groupHead
		}
		if i == 0 || t < top {
			top = t
		}
	}
	for i := range p.boxes {
		p.boxes[i].y -= top
	}
}

func (p *placement) fit(g *graph, layer []int, neighbours func(*vertex) [2][]int) {
	type pool struct{ sum, count, first int }
	var pools []pool
	offset := make([]int, len(layer)) // of each vertex when the layer is packed tight
	for i, v := range layer {
		if i > 0 {
			offset[i] = offset[i-1] + separation(g, layer[i-1], v, p.boxes[layer[i-1]].h)
		}
		sum, count := 0, 0
		for _, side := range neighbours(&g.vertices[v]) {
			for _, u := range side {
				sum += 2*p.boxes[u].y + p.boxes[u].h
				count += 2
			}
		}
		want := p.boxes[v].y
		if count > 0 {
			want = floorDiv(sum, count) - p.boxes[v].h/2
		}
		pools = append(pools, pool{want - offset[i], 1, i})
		for n := len(pools); n > 1; n = len(pools) {
			a, b := pools[n-2], pools[n-1]
			if floorDiv(a.sum, a.count) <= floorDiv(b.sum, b.count) {
				break
			}
			pools = append(pools[:n-2], pool{a.sum + b.sum, a.count + b.count, a.first})
		}
	}
	for _, q := range pools {
		for i := q.first; i < q.first+q.count; i++ {
			p.boxes[layer[i]].y = floorDiv(q.sum, q.count) + offset[i]
		}
	}
}

// floorDiv rounds down for negative values too, so that a picture does not depend on where its origin is.
func floorDiv(a, b int) int {
	q := a / b
	if a%b != 0 && (a < 0) != (b < 0) {
		q--
	}
	return q
}
