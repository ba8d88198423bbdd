package prove

import (
	"cmp"
	"slices"
	"strings"

	"onramp/network"
)

// Combined is what failures of several elements at once do.
type Combined struct {
	// Most is the largest number of elements that fail together; Looked how many combinations were looked at. Of elements that
	// nothing tells apart (a circuit with one attachment and that attachment, say) one stands for all. Elements of parts of the
	// estate that route by themselves are not combined with each other: together they do what they do one by one.
	Most   int `json:"most"`
	Looked int `json:"looked"`
	// Cuts are the combinations of which all are needed: they stop flows that none of their parts stops, or break a property that
	// must hold in all states. Fewest elements first.
	Cuts []Cut `json:"cuts"`
}

// Cut is one combination.
type Cut struct {
	ID       string   `json:"id"`
	Elements []string `json:"elements"`
	// Lost names flows as ScenarioVerdict does; those that fewer of the elements stop are left out.
	Lost []string `json:"lost"`
	// Fails names the properties of all states that fail here and not with fewer of the elements.
	Fails []string `json:"fails"`
}

// several is the kind of a scenario in which more than one element fails; nobody's needs ask that it is survived.
const several network.Kind = "several"

// outcome is what one set of elements does.
type outcome struct{ lost, fails map[string]bool }

// distinct are the ids of the elements that something tells apart, one of each kind, sorted.
func distinct(n *network.Network) []string {
	elements := n.Elements()
	var names []string
	for _, g := range n.Alike() {
		names = append(names, elements[g[0]].ID)
	}
	slices.Sort(names)
	return names
}

// combine looks at every combination of two to most of the elements of the whole estate that are in this part.
func (p *prover) combine(most int, whole []string, progress func(done, total int)) *Combined {
	names := slices.DeleteFunc(slices.Clone(whole), func(id string) bool { _, ok := p.elements[id]; return !ok })
	out := &Combined{Most: most, Cuts: []Cut{}}
	before := map[string]outcome{"": p.outcomeOf(&p.out[0])}
	for i := range p.out {
		if v := &p.out[i]; v.Element != "" && network.Kind(v.Kind) != network.Maintenance {
			before[v.Element] = p.outcomeOf(v)
		}
	}
	q := p.second()
	total := 0
	for size := 2; size <= most; size++ {
		total += combinations(len(names), size)
	}
	healthy := p.base.s
	for size := 2; size <= most; size++ {
		now := map[string]outcome{}
		var walk func(from int, chosen []string, s *network.State)
		walk = func(from int, chosen []string, s *network.State) {
			for i := from; i <= len(names)-(size-len(chosen)); i++ {
				set := append(slices.Clone(chosen), names[i])
				sc := network.Scenario{ID: strings.Join(set, "+"), Kind: several, Elements: set}
				next := p.net.ConvergeFrom(s, sc)
				if len(set) < size {
					walk(i+1, set, next)
					continue
				}
				q.out = q.out[:0]
				q.scenario(next, sc)
				x := p.outcomeOf(&q.out[0])
				now[sc.ID] = x
				if cut, ok := needed(sc, x, before); ok {
					out.Cuts = append(out.Cuts, cut)
				}
				if out.Looked++; progress != nil {
					progress(out.Looked, total)
				}
			}
		}
		walk(0, nil, healthy)
		before = now
	}
	return out
}

// second is a prover of the same estate for states whose figures and verdicts stay out of the proof.
func (p *prover) second() *prover {
	q := newProver(p.estate)
	q.bare, q.base, q.tally.meant = true, p.base, p.tally.meant
	q.quiet = slices.Clone(p.quiet)
	for i := range q.quiet {
		q.quiet[i].rows = nil
	}
	return q
}

// outcomeOf is what a scenario's verdict says of flows and of the properties of all states.
func (p *prover) outcomeOf(v *ScenarioVerdict) outcome {
	x := outcome{lost: map[string]bool{}, fails: map[string]bool{}}
	for _, s := range v.Lost {
		x.lost[s] = true
	}
	for _, s := range v.Fails {
		if property, _, _ := strings.Cut(s, " "); slices.Contains(unconditional(), property) {
			x.fails[s] = true
		}
	}
	return x
}

// needed tells whether a combination does something that it does not do without one of its elements, and what.
func needed(sc network.Scenario, x outcome, before map[string]outcome) (Cut, bool) {
	for i := range sc.Elements {
		rest := slices.Delete(slices.Clone(sc.Elements), i, i+1)
		fewer := before[strings.Join(rest, "+")]
		for s := range fewer.lost {
			delete(x.lost, s)
		}
		for s := range fewer.fails {
			delete(x.fails, s)
		}
	}
	c := Cut{ID: sc.ID, Elements: sc.Elements, Lost: sortedKeys(x.lost), Fails: sortedKeys(x.fails)}
	return c, len(c.Lost)+len(c.Fails) > 0
}

// combinations is n over k.
func combinations(n, k int) int {
	out := 1
	for i := range k {
		out = out * (n - i) / (i + 1)
	}
	return out
}

// joinCombined puts together what the parts found; the same elements can stop flows of several.
func joinCombined(shares []*Share) *Combined {
	var out *Combined
	at := map[string]int{}
	for _, s := range shares {
		if s.combined == nil {
			continue
		}
		if out == nil {
			out = &Combined{Most: s.combined.Most, Cuts: []Cut{}}
		}
		out.Looked += s.combined.Looked
		for _, c := range s.combined.Cuts {
			i, ok := at[c.ID]
			if !ok {
				at[c.ID] = len(out.Cuts)
				out.Cuts = append(out.Cuts, c)
				continue
			}
			x := &out.Cuts[i]
			x.Lost, x.Fails = merged(x.Lost, c.Lost), merged(x.Fails, c.Fails)
		}
	}
	if out != nil {
		slices.SortFunc(out.Cuts, func(a, b Cut) int { return cmp.Or(len(a.Elements)-len(b.Elements), strings.Compare(a.ID, b.ID)) })
	}
	return out
}

func merged(a, b []string) []string {
	out := append(slices.Clone(a), b...)
	slices.Sort(out)
	return slices.Compact(out)
}
