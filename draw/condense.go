package draw

import (
	"fmt"
	"slices"
	"strings"
)

// Condensed is a large diagram with what is alike on the cloud's side drawn once: circuits, gateways, hubs, firewalls and networks
// of the same kind and mark whose neighbours are alike too become one box that counts them. Lines of business stay apart where
// that leaves no tier with more than most boxes. Sites, routers and what is or was on a path are never merged. A diagram without a tier
// of more than most boxes is returned as it is; the second result tells whether anything was merged.
//
// What is alike is found by partition refinement (Paige and Tarjan 1987, in its plain quadratic form): boxes begin in one class for
// each kind, and a class is split until all its boxes have neighbours in the same classes.
func (d Diagram) Condensed(most int) (Diagram, bool) {
	if d.tallest() <= most {
		return d, false
	}
	out := d
	for _, apart := range []bool{true, false} {
		if out = d.merged(d.classes(apart)); out.tallest() <= most {
			break
		}
	}
	return out, len(out.Nodes) < len(d.Nodes)
}

// Marked is a large diagram with what is marked alone: a diagram with a tier of more than most boxes loses those that are not, with their
// lines. The second result counts them.
func (d Diagram) Marked(most int) (Diagram, int) {
	if d.tallest() <= most || !slices.ContainsFunc(d.Nodes, func(n Node) bool { return n.Mark != Unmarked }) {
		return d, 0
	}
	out := d
	out.Nodes, out.Edges = nil, nil
	kept := map[string]bool{}
	for _, n := range d.Nodes {
		if n.Mark != Unmarked {
			kept[n.ID] = true
			out.Nodes = append(out.Nodes, n)
		}
	}
	for _, e := range d.Edges {
		if kept[e.From] && kept[e.To] {
			out.Edges = append(out.Edges, e)
		}
	}
	return out, len(d.Nodes) - len(out.Nodes)
}

// tallest is the number of boxes in the fullest tier.
func (d Diagram) tallest() int {
	tiers := make([]int, len(d.Tiers))
	for _, n := range d.Nodes {
		tiers[n.Tier]++
	}
	return slices.Max(append(tiers, 0))
}

// classes gives each node the number of its class; apart keeps groups from each other.
func (d Diagram) classes(apart bool) []int {
	at := make(map[string]int, len(d.Nodes))
	class := make([]int, len(d.Nodes))
	number := map[string]int{}
	name := func(i int, key string) {
		if _, ok := number[key]; !ok {
			number[key] = len(number)
		}
		class[i] = number[key]
	}
	for i, n := range d.Nodes {
		at[n.ID] = i
		key := fmt.Sprint(n.Kind, "/", n.Tier, "/", n.Mark)
		if apart {
			key += "/" + n.Group
		}
		if n.Mark == Warn {
			key += "/" + n.Sub // how much of it is in service
		}
		if n.Mark == Path || n.Mark == Former || n.Kind == Site || n.Kind == CE || n.Kind == PE || n.Kind == MSEE || n.Kind == Region {
			key = "alone/" + n.ID
		}
		name(i, key)
	}
	near := make([][]string, len(d.Nodes))
	for count := len(number); ; {
		for i := range near {
			near[i] = near[i][:0]
		}
		for _, e := range d.Edges {
			a, b := at[e.From], at[e.To]
			near[a] = append(near[a], fmt.Sprint(e.Kind, e.Mark, class[b]))
			near[b] = append(near[b], fmt.Sprint(e.Kind, e.Mark, class[a]))
		}
		number = map[string]int{}
		before := slices.Clone(class)
		for i := range near {
			slices.Sort(near[i])
			name(i, fmt.Sprint(before[i], slices.Compact(near[i])))
		}
		if len(number) == count {
			return class
		}
		count = len(number)
	}
}

// merged draws each class of three or more as one box.
func (d Diagram) merged(class []int) Diagram {
	const least = 3
	members := map[int][]int{}
	for i, c := range class {
		members[c] = append(members[c], i)
	}
	out := d
	out.Nodes, out.Edges = nil, nil
	stands := make(map[string]string, len(d.Nodes)) // for each node the box that stands for it
	for i, n := range d.Nodes {
		all := members[class[i]]
		if len(all) < least {
			stands[n.ID] = n.ID
			out.Nodes = append(out.Nodes, n)
			continue
		}
		stands[n.ID] = d.Nodes[all[0]].ID
		if i != all[0] {
			continue
		}
		last := d.Nodes[all[len(all)-1]]
		n.Sub = n.Label + " … " + last.Label
		n.Label = fmt.Sprintf("%d %s", len(all), n.Kind.plural())
		for _, j := range all {
			if d.Nodes[j].Group != n.Group {
				n.Group = ""
			}
		}
		out.Nodes = append(out.Nodes, n)
	}
	type line struct {
		from, to string
		kind     EdgeKind
		mark     Mark
	}
	seen := map[line]bool{}
	for _, e := range d.Edges {
		e.From, e.To = stands[e.From], stands[e.To]
		k := line{e.From, e.To, e.Kind, e.Mark}
		if e.From != e.To && !seen[k] {
			seen[k] = true
			out.Edges = append(out.Edges, e)
		}
	}
	return out
}

// plural is the kind's short name for several.
func (k NodeKind) plural() string {
	switch k {
	case Circuit:
		return "circuits"
	case Gateway:
		return "gateways"
	case Hub:
		return "hubs"
	case Firewall:
		return "firewalls"
	case VNet:
		return "VNets"
	}
	return strings.ToLower(k.name()) + "s"
}
