package draw

import (
	"cmp"
	"slices"
)

// vertex is a node in its layer, or a bend: the place where an edge passes a layer in which it has no end.
type vertex struct {
	node  int // index into Diagram.Nodes, or -1 for a bend
	layer int
	group string // "" stands alone
	at    int    // position in its layer, from the top
	left  []int  // neighbours in the layer to the left, by vertex index; one entry per edge
	right []int
}

func (v *vertex) bend() bool { return v.node < 0 }

// graph is a diagram cut into layers such that every edge is a chain of steps between adjacent layers.
type graph struct {
	vertices []vertex
	layers   [][]int // vertex indices from the top; the nodes of a group are always contiguous
	tiers    []int   // the tier of each layer
	chains   [][]int // per edge: the vertices from its left end to its right end; two of one layer for an edge within it
}

// layered builds the graph: empty tiers are dropped and long edges get their bends.
func layered(d Diagram) *graph {
	g := &graph{}
	used := make([]bool, len(d.Tiers))
	for _, n := range d.Nodes {
		used[n.Tier] = true
	}
	layerOf := make([]int, len(d.Tiers))
	for tier, has := range used {
		if has {
			layerOf[tier] = len(g.tiers)
			g.tiers = append(g.tiers, tier)
		}
	}
	g.layers = make([][]int, len(g.tiers))
	vertexOf := make(map[string]int, len(d.Nodes))
	add := func(v vertex) int {
		g.vertices = append(g.vertices, v)
		g.layers[v.layer] = append(g.layers[v.layer], len(g.vertices)-1)
		return len(g.vertices) - 1
	}
	for i, n := range d.Nodes {
		vertexOf[n.ID] = add(vertex{node: i, layer: layerOf[n.Tier], group: n.Group})
	}
	for _, e := range d.Edges {
		a, b := vertexOf[e.From], vertexOf[e.To]
		if g.vertices[a].layer > g.vertices[b].layer {
			a, b = b, a
		}
		chain := []int{a}
		for layer := g.vertices[a].layer + 1; layer < g.vertices[b].layer; layer++ {
			chain = append(chain, add(vertex{node: -1, layer: layer}))
		}
		chain = append(chain, b)
		if g.vertices[a].layer != g.vertices[b].layer {
			for i := 1; i < len(chain); i++ {
				l, r := chain[i-1], chain[i]
				g.vertices[l].right = append(g.vertices[l].right, r)
				g.vertices[r].left = append(g.vertices[r].left, l)
			}
		}
		g.chains = append(g.chains, chain)
	}
	for layer := range g.layers {
		g.gather(layer)
	}
	return g
}

// gather puts the nodes of a group next to each other, at the place of the first of them.
func (g *graph) gather(layer int) {
	first := map[string]int{}
	key := make(map[int]int, len(g.layers[layer]))
	for i, v := range g.layers[layer] {
		key[v] = i
		if name := g.vertices[v].group; name != "" {
			if f, seen := first[name]; seen {
				key[v] = f
			} else {
				first[name] = i
			}
		}
	}
	slices.SortStableFunc(g.layers[layer], func(a, b int) int { return cmp.Compare(key[a], key[b]) })
	g.number(layer)
}

func (g *graph) number(layer int) {
	for i, v := range g.layers[layer] {
		g.vertices[v].at = i
	}
}

// sweeps is how often the layers are ordered by their neighbours, in each direction. More changed no picture that was tried.
const sweeps = 8

// uncross orders the layers so that few edges cross: each layer by the barycentres of its neighbours on one side, sweeping
// left to right and back, groups moving as blocks. The best order seen wins; the first one, the caller's, wins ties.
func (g *graph) uncross() {
	best, crossings := g.snapshot(), g.crossings()
	for sweep := 0; sweep < 2*sweeps && crossings > 0; sweep++ {
		if sweep%2 == 0 {
			for layer := 1; layer < len(g.layers); layer++ {
				g.arrange(layer, func(v *vertex) []int { return v.left })
			}
		} else {
			for layer := len(g.layers) - 2; layer >= 0; layer-- {
				g.arrange(layer, func(v *vertex) []int { return v.right })
			}
		}
		if n := g.crossings(); n < crossings {
			best, crossings = g.snapshot(), n
		}
	}
	for layer := range g.layers {
		g.layers[layer] = best[layer]
		g.number(layer)
	}
}

func (g *graph) snapshot() [][]int {
	s := make([][]int, len(g.layers))
	for i, layer := range g.layers {
		s[i] = slices.Clone(layer)
	}
	return s
}

// arrange sorts one layer: the vertices of each block by their barycentre, and the blocks by the mean of theirs.
func (g *graph) arrange(layer int, neighbours func(*vertex) []int) {
	type block struct {
		vertices []int
		mean     float64
	}
	var blocks []block
	centre := make(map[int]float64, len(g.layers[layer]))
	for i, v := range g.layers[layer] {
		x := &g.vertices[v]
		centre[v] = float64(x.at)
		if n := neighbours(x); len(n) > 0 {
			sum := 0
			for _, u := range n {
				sum += g.vertices[u].at
			}
			// Positions are compared across layers of different lengths: scale to this one's.
			scale := float64(len(g.layers[layer])) / float64(len(g.layers[g.vertices[n[0]].layer]))
			centre[v] = float64(sum) / float64(len(n)) * scale
		}
		if i > 0 && x.group != "" && x.group == g.vertices[g.layers[layer][i-1]].group {
			blocks[len(blocks)-1].vertices = append(blocks[len(blocks)-1].vertices, v)
		} else {
			blocks = append(blocks, block{vertices: []int{v}})
		}
	}
	for i := range blocks {
		b := &blocks[i]
		slices.SortStableFunc(b.vertices, func(u, v int) int { return cmp.Compare(centre[u], centre[v]) })
		for _, v := range b.vertices {
			b.mean += centre[v]
		}
		b.mean /= float64(len(b.vertices))
	}
	slices.SortStableFunc(blocks, func(a, b block) int { return cmp.Compare(a.mean, b.mean) })
	order := g.layers[layer][:0]
	for _, b := range blocks {
		order = append(order, b.vertices...)
	}
	g.number(layer)
}

// crossings counts the pairs of edges that cross between adjacent layers: inversions, with a Fenwick tree.
func (g *graph) crossings() int {
	total := 0
	for layer := 1; layer < len(g.layers); layer++ {
		tree := make([]int, len(g.layers[layer])+1)
		seen := 0
		for _, v := range g.layers[layer-1] {
			for _, u := range g.vertices[v].right {
				notAbove := seen
				for i := g.vertices[u].at + 1; i > 0; i -= i & -i {
					notAbove -= tree[i]
				}
				total += notAbove
			}
			for _, u := range g.vertices[v].right {
				seen++
				for i := g.vertices[u].at + 1; i < len(tree); i += i & -i {
					tree[i]++
				}
			}
		}
	}
	return total
}
