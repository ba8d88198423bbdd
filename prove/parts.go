package prove

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"onramp/azure"
	"onramp/catalog"
	"onramp/design"
	"onramp/intent"
	"onramp/network"
)

// Plan is a proof cut into shares of which each can be worked out by itself, in any order and at the same time: one for each part
// of the estate that routes by itself (network.Split).
type Plan struct {
	design   *design.Design
	net      *network.Network
	catalog  *catalog.Catalog
	parts    []piece
	failures int
	// scenarios is how many there are for the whole.
	scenarios int
	lacks     []string // of the whole estate
}

// piece is one part with the lines of business that are in it.
type piece struct {
	network.Part
	lobs map[string]bool
}

// Share is what one part contributes to a proof.
type Share struct {
	*prover
	part int
	// always are the names of what fails whatever else fails.
	always []string
}

// blast is how many flows a scenario stops, of those whose ends it leaves.
type blast struct{ lost, considered int }

// NewPlan cuts the proof of a design whose network was built from its resources and premises.
func NewPlan(d *design.Design, n *network.Network, c *catalog.Catalog) *Plan {
	p := &Plan{design: d, net: n, catalog: c, scenarios: len(n.Scenarios()), lacks: newComponents(d, n, c.Limits().SLAPercent).lacks}
	list := network.Split(d.Resources, d.Premises, ties(d))
	if len(list) < 2 {
		return p
	}
	first := map[string]bool{}
	if d.Intent != nil {
		for i := range d.Intent.LinesOfBusiness {
			first[d.Intent.LinesOfBusiness[i].Name] = true // unless some part has it
		}
	}
	for _, x := range list {
		y := piece{Part: x, lobs: map[string]bool{}}
		for _, v := range azure.Of[*azure.VirtualNetwork](x.Resources) {
			if tag := v.Tags[design.TagLineOfBusiness]; tag != "" {
				y.lobs[tag] = true
				delete(first, tag)
			}
		}
		p.parts = append(p.parts, y)
	}
	maps.Copy(p.parts[0].lobs, first)
	return p
}

// ties keeps together the networks and sites of each line of business, and lines of business that are to reach each other.
func ties(d *design.Design) []network.Tie {
	if d.Intent == nil {
		return nil
	}
	of := map[string][]azure.ID{}
	var common []azure.ID
	for _, v := range azure.Of[*azure.VirtualNetwork](d.Resources) {
		if tag := v.Tags[design.TagLineOfBusiness]; tag != "" {
			of[tag] = append(of[tag], v.ID)
		} else if role := v.Tags[design.TagRole]; role == roleHub || role == roleShared {
			common = append(common, v.ID)
		}
	}
	var everywhere []string
	for i := range d.Intent.Premises.Sites {
		everywhere = append(everywhere, d.Intent.Premises.Sites[i].Name)
	}
	var out []network.Tie
	for i := range d.Intent.LinesOfBusiness {
		l := &d.Intent.LinesOfBusiness[i]
		t := network.Tie{VNets: slices.Clone(of[l.Name]), Sites: l.Needs.Sites}
		if len(t.Sites) == 0 {
			t.Sites = everywhere
		}
		for _, r := range l.Needs.Reaches {
			if r == intent.Shared {
				t.VNets = append(t.VNets, common...)
			} else {
				t.VNets = append(t.VNets, of[r]...)
			}
		}
		out = append(out, t)
	}
	return out
}

// Len is the number of shares.
func (p *Plan) Len() int { return max(len(p.parts), 1) }

// Scenarios is how many scenarios the proof looks at.
func (p *Plan) Scenarios() int { return p.scenarios }

// partDesign is the design of a part.
func (p *Plan) partDesign(i int) *design.Design {
	x := &p.parts[i]
	part := *p.design
	part.Resources, part.Premises = x.Resources, x.Premises
	if p.design.Intent != nil {
		e := *p.design.Intent
		e.LinesOfBusiness = nil
		for j := range p.design.Intent.LinesOfBusiness {
			if l := &p.design.Intent.LinesOfBusiness[j]; x.lobs[l.Name] {
				e.LinesOfBusiness = append(e.LinesOfBusiness, *l)
			}
		}
		part.Intent = &e
	}
	return &part
}

// Do works one share out; progress, if not nil, is called after each of its scenarios. It may be called from several goroutines at
// once.
func (p *Plan) Do(i int, progress func(done, total int)) *Share {
	d, n := p.design, p.net
	if len(p.parts) > 0 {
		d = p.partDesign(i)
		n, _ = network.Build(d.Resources, d.Premises, p.catalog, network.Options{})
	}
	s := &Share{prover: newProver(survey(d, n, p.catalog)), part: i}
	s.apart, s.lacks = len(p.parts) > 0, p.lacks
	s.run(progress)
	for _, name := range s.out[0].Fails {
		if property, _, _ := strings.Cut(name, " "); slices.Contains(unconditional(), property) {
			s.always = append(s.always, name)
		}
	}
	if p.failures > 1 {
		s.combined = s.combine(p.failures, distinct(p.net), progress)
	}
	if len(p.parts) > 0 {
		s.forget()
	}
	return s
}

// unconditional are the properties that must hold in all scenarios.
func unconditional() []string {
	return []string{Isolation, Inspection, NoLoop, NoInternetTransit, NoPremisesTransit, PrefixLimits}
}

// Join puts all shares together.
func (p *Plan) Join(shares []*Share) *Result {
	if len(p.parts) == 0 {
		r := shares[0].result()
		r.Combined = shares[0].combined
		return r
	}
	shares = slices.SortedFunc(slices.Values(shares), func(a, b *Share) int { return a.part - b.part })
	j := &joint{prover: newProver(outline(p.design, p.net, p.catalog)), shares: shares, at: map[string]map[int]int{}, order: map[string]int{}, position: map[string]int{}}
	for i, sc := range p.net.Scenarios() {
		j.order[sc.ID] = i
	}
	j.lacks = p.lacks
	for k, s := range shares {
		for i := range s.out {
			id := s.out[i].ID
			if j.at[id] == nil {
				j.at[id] = map[int]int{}
			}
			j.at[id][k] = i
		}
		j.lobs = append(j.lobs, s.lobs...)
		maps.Copy(j.tally.rtt, s.tally.rtt)
		maps.Copy(j.tally.worstRTT, s.tally.worstRTT)
		maps.Copy(j.tally.share, s.tally.share)
		j.tally.busier(s.tally.busiest, func() string { return s.tally.busiestX })
	}
	slices.SortFunc(j.lobs, func(a, b *lob) int { return strings.Compare(a.Name, b.Name) })
	for i, l := range j.lobs {
		j.position[l.Name] = i
	}
	j.mergeRows()
	j.apart()
	j.mergeScenarios(p.net.Scenarios())
	r := j.result()
	r.Combined = joinCombined(shares)
	return r
}

// joint is the work of joining.
type joint struct {
	*prover
	shares   []*Share
	at       map[string]map[int]int // scenario to share to the index there
	order    map[string]int         // of scenarios
	position map[string]int         // of lines of business
}

// mergeRows takes the shares' verdicts over. What concerns the whole estate fails where it fails first.
func (j *joint) mergeRows() {
	for _, s := range j.shares {
		for r, x := range s.rows {
			y := j.rows[r]
			if y == nil {
				j.rows[r] = x
				continue
			}
			y.Checked += x.Checked
			if !x.Holds && (y.Holds || j.order[x.Counterexample.Scenario] < j.order[y.Counterexample.Scenario]) {
				y.Holds, y.Counterexample = false, x.Counterexample
			}
		}
	}
}

// apart counts the pairs of isolated lines of business of different parts: no packet gets from one to the other
// (network.Split).
func (j *joint) apart() {
	type ends struct{ share, from, to [2]int } // by family: points and classes of addresses
	of := map[string]ends{}
	for k, s := range j.shares {
		for _, l := range s.lobs {
			e := ends{share: [2]int{k}}
			for _, i := range l.points {
				f := 0
				if s.points[i].Addr.Is6() {
					f = 1
				}
				e.from[f]++
				e.to[f] += len(s.points[i].reps)
			}
			of[l.Name] = e
		}
	}
	for _, l := range j.lobs {
		a := of[l.Name]
		for _, other := range l.Needs.IsolatedFrom {
			if b, ok := of[other]; ok && b.share != a.share {
				for f := range 2 {
					j.open(row{Isolation, l.Name, "isolatedFrom"}).Checked += a.from[f]*b.to[f] + b.from[f]*a.to[f]
				}
			}
		}
	}
}

// mergeScenarios makes the verdict of each scenario: a part that has none of its elements is as in the healthy state.
func (j *joint) mergeScenarios(scenarios []network.Scenario) {
	considered := 0
	always := map[string][]int{} // name to shares
	for k, s := range j.shares {
		considered += s.blasts[0].considered
		for _, name := range s.always {
			always[name] = append(always[name], k)
		}
	}
	loads := j.newJointLoads()
	for _, sc := range scenarios {
		j.begin(sc)
		here := j.at[sc.ID]
		b := blast{considered: considered}
		for _, k := range sortedInts(here) {
			s := j.shares[k]
			i := here[k]
			j.verdict.Lost = append(j.verdict.Lost, s.out[i].Lost...)
			j.verdict.Fails = append(j.verdict.Fails, s.out[i].Fails...)
			b.lost += s.blasts[i].lost
			b.considered += s.blasts[i].considered - s.blasts[0].considered
		}
		for name, list := range always {
			if slices.ContainsFunc(list, func(k int) bool { _, ok := here[k]; return !ok }) {
				j.verdict.Fails = append(j.verdict.Fails, name)
			}
		}
		slices.SortStableFunc(j.verdict.Lost, func(a, b string) int { return j.whose(a) - j.whose(b) })
		j.verdict.BlastRadius = j.tally.blast(sc, b.lost, b.considered)
		for _, l := range loads.under(sc) {
			j.judge(l)
		}
		j.end()
	}
}

// whose is the position of the line of business that a lost flow begins with.
func (j *joint) whose(lost string) int {
	name, _, _ := strings.Cut(lost, ": ")
	return j.position[name]
}

func sortedInts[V any](m map[int]V) []int { return slices.Sorted(maps.Keys(m)) }

// jointLoads adds up what the parts put on the same capacities.
type jointLoads struct {
	*joint
	healthy map[crossing]*jointLoad
}

// jointLoad is one such load with what each part puts on it while nothing has failed.
type jointLoad struct {
	total float64
	by    map[int]*load // by share
}

func (j *joint) newJointLoads() *jointLoads {
	x := &jointLoads{joint: j, healthy: map[crossing]*jointLoad{}}
	for k, s := range j.shares {
		for i := range s.notes[0] {
			l := &s.notes[0][i]
			y := x.healthy[l.crossing]
			if y == nil {
				y = &jointLoad{by: map[int]*load{}}
				x.healthy[l.crossing] = y
			}
			y.total += l.total
			y.by[k] = l
		}
	}
	return x
}

// under returns the loads of the crossings on which a scenario changes something, by name; of those that fit only who is on
// them in the healthy state.
func (x *jointLoads) under(sc network.Scenario) []load {
	changed := map[crossing]map[int]*load{} // by share
	total := map[crossing]float64{}
	here := x.at[sc.ID]
	for _, k := range sortedInts(here) {
		now := x.shares[k].notes[here[k]]
		for i := range now {
			l := &now[i]
			if changed[l.crossing] == nil {
				changed[l.crossing] = map[int]*load{}
				if h := x.healthy[l.crossing]; h != nil {
					total[l.crossing] = h.total
				}
			}
			changed[l.crossing][k] = l
			if h := x.healthy[l.crossing]; h != nil && h.by[k] != nil {
				total[l.crossing] -= h.by[k].total
			}
			total[l.crossing] += l.total
		}
	}
	var out []load
	for c, mine := range changed {
		l := load{crossing: c, mbps: x.capacities[c.capacity].Mbps, total: total[c]}
		if sc.Kind != network.Healthy && l.total <= float64(l.mbps)+1e-9 {
			x.tally.use(sc, l)
			continue
		}
		all := maps.Clone(mine)
		if h := x.healthy[c]; h != nil {
			for k, y := range h.by {
				if _, moved := mine[k]; !moved {
					all[k] = y
				}
			}
		}
		l.total = 0
		for _, k := range sortedInts(all) {
			y := all[k]
			l.by = append(l.by, y.by...)
			l.total += y.total
			if l.example == nil {
				l.example, l.exampleX, l.from = y.example, y.exampleX, y.from
			}
		}
		slices.SortStableFunc(l.by, func(a, b part) int { return x.position[a.lob.Name] - x.position[b.lob.Name] })
		out = append(out, l)
	}
	slices.SortFunc(out, compareLoads)
	return out
}

func compareLoads(a, b load) int {
	return cmp.Or(strings.Compare(a.capacity, b.capacity), strings.Compare(a.direction, b.direction))
}
