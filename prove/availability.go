package prove

import (
	"cmp"
	"container/heap"
	"fmt"
	"slices"
	"strings"

	"onramp/network"
)

// LineAvailability is how often all that a line of business needs works, in percent of time.
type LineAvailability struct {
	// Lower and Upper enclose it: they differ by the states that were too many to look at.
	Lower float64 `json:"lower"`
	Upper float64 `json:"upper"`
	// States is the number of sets of failed elements that were looked at.
	States int `json:"states"`
	// Costs are the elements that cost availability, the dearest first.
	Costs []Cost `json:"costs"`
}

// Cost is what one element takes from the availability of a line of business.
type Cost struct {
	Element string `json:"element"`
	// Percent is how often the element works, Source who says so.
	Percent float64 `json:"percent"`
	Source  string  `json:"source" enum:"stated,published"`
	// Points is by how many percentage points the availability would rise if the element never failed. Elements of which only one has to
	// work share what they cost, so the points of several do not add up.
	Points float64 `json:"points"`
}

// How far states are looked at.
const (
	// availabilityWidth is how near the two bounds shall come, as a part of time.
	availabilityWidth = 1e-7
	// availabilityStates is how many states are looked at for one line of business at most.
	availabilityStates = 4000
	// availabilityTables is of how many states the tables are kept for the next line of business.
	availabilityTables = 2000
)

// availability is the exact weighing of the failure states of one line of business. Every element fails by itself with its own
// probability; what fails with it is in the routed model. A state is a set of failed elements, and it counts as down when some needed
// flow whose two ends exist does not work, as reach decides it.
//
// It does not go through all 2^n sets, and takes nothing for monotone: routing with policy is not. In a state it asks the network
// what the verdict rests on (network.Bearing): as long as none of these elements fails besides, the verdict stays, whatever else
// fails. So with S failed, D known to work and r1, r2, ... the rest of what the verdict rests on, the probability splits into
//
//	none of r1, r2, ... fails:                  the verdict of S, decided
//	r1 fails:                                   look at S+r1, D
//	r1 works and r2 fails:                      look at S+r2, D+r1
//	...
//
// which are disjoint and complete. The most probable are looked at first; what is left when the bounds are near enough is the gap
// between them. When a verdict is down, one flow is proof enough, and the verdict rests on that flow alone.
//
// By hand: two links of 99 %, either of which will do. Nothing failed: up, and resting on both: 0.99 * 0.99 = 0.9801 is up for good. The
// first failed (0.01): up, resting on the second: 0.01 * 0.99 = 0.0099 up, 0.01 * 0.01 = 0.0001 for both failed, which is down. The
// first works and the second failed (0.99 * 0.01): up, resting on the first, which works: 0.0099 up. Together 0.9999.
type availability struct {
	*estate
	lob     *lob
	bearing *network.Bearing
	groups  *groups
	tables  map[string]*network.State // by failed groups, shared by all lines of business
	healthy *network.State

	up, down float64   // decided
	states   int       // looked at
	failed   []float64 // by group: of what is down, the part in which it has failed
	worked   []float64 // and the part in which it works; in the rest it is free
	queue    stateQueue
}

// groups are the elements that fail as one (network.Alike), without those that never fail.
type groups struct {
	members [][]int
	q       []float64 // probability that some member has failed
	of      []int     // by element: its group, -1 for none
	ids     []string  // of the first member that can fail
}

func newGroups(n *network.Network, c *components) *groups {
	elements := n.Elements()
	g := &groups{of: make([]int, len(elements))}
	for i := range g.of {
		g.of[i] = -1
	}
	for _, list := range n.Alike() {
		works := 1.0
		var members []int
		for _, i := range list {
			if c.percent[i] < 100 {
				works *= c.percent[i] / 100
				members = append(members, i)
			}
		}
		if members == nil {
			continue
		}
		for _, i := range list {
			g.of[i] = len(g.members)
		}
		g.members, g.q, g.ids = append(g.members, members), append(g.q, 1-works), append(g.ids, elements[members[0]].ID)
	}
	return g
}

// set is a set of groups.
type set []uint64

func (g *groups) empty() set { return make(set, (len(g.members)+63)/64) }

func (s set) has(i int) bool { return s[i/64]&(1<<(i%64)) != 0 }
func (s set) add(i int)      { s[i/64] |= 1 << (i % 64) }

func (s set) addAll(o set) {
	for i, w := range o {
		s[i] |= w
	}
}

// from turns a set of elements into one of groups.
func (g *groups) from(e network.ElementSet) set {
	out := g.empty()
	for _, i := range e.Members() {
		if k := g.of[i]; k >= 0 {
			out.add(k)
		}
	}
	return out
}

// flowState is a needed flow in a state.
type flowState struct {
	gone  bool // an end of it has failed
	works bool
	rests set // as long as none of these fails besides, this stays so
}

// lookedAt is a state that was looked at.
type lookedAt struct {
	failed []int // groups
	state  *network.State
	flows  []flowState // of the line of business, in the order of lob.flows
}

// pending is a state to be looked at: one more group failed than in its parent.
type pending struct {
	parent  *lookedAt
	group   int
	decided set     // groups that work or have failed in all of it
	p       float64 // probability
}

// stateQueue gives the most probable first; of equals the one that came first.
type stateQueue struct {
	items []pending
	order []int
	next  int
}

func (q *stateQueue) Len() int { return len(q.items) }
func (q *stateQueue) Less(i, j int) bool {
	if q.items[i].p != q.items[j].p {
		return q.items[i].p > q.items[j].p
	}
	return q.order[i] < q.order[j]
}
func (q *stateQueue) Swap(i, j int) {
	q.items[i], q.items[j] = q.items[j], q.items[i]
	q.order[i], q.order[j] = q.order[j], q.order[i]
}
func (q *stateQueue) Push(x any) {
	q.items, q.order = append(q.items, x.(pending)), append(q.order, q.next)
	q.next++
}
func (q *stateQueue) Pop() any {
	n := len(q.items) - 1
	x := q.items[n]
	q.items[n] = pending{}
	q.items, q.order = q.items[:n], q.order[:n]
	return x
}

// weigh looks at states until the bounds are near enough.
func (a *availability) weigh() {
	a.failed, a.worked = make([]float64, len(a.groups.q)), make([]float64, len(a.groups.q))
	first := &lookedAt{state: a.healthy}
	a.lookFlows(first, nil, -1)
	a.decide(first, a.groups.empty(), 1)
	for a.states < availabilityStates && 1-a.up-a.down > availabilityWidth && a.queue.Len() > 0 {
		x, _ := heap.Pop(&a.queue).(pending)
		n := &lookedAt{failed: append(slices.Clone(x.parent.failed), x.group)}
		n.state = a.converge(n.failed, x.parent.state)
		a.lookFlows(n, x.parent, x.group)
		a.decide(n, x.decided, x.p)
	}
}

// converge computes the tables of a set of failed groups.
func (a *availability) converge(failed []int, from *network.State) *network.State {
	which := a.groups.empty()
	for _, k := range failed {
		which.add(k)
	}
	key := fmt.Sprint(which)
	if s := a.tables[key]; s != nil {
		return s
	}
	ids := make([]string, len(failed))
	for i, k := range failed {
		ids[i] = a.groups.ids[k]
	}
	sc, err := a.net.Scenario(ids...)
	if err != nil {
		panic("prove: " + err.Error()) // the ids are the network's own
	}
	s := a.net.ConvergeFrom(from, sc)
	if len(a.tables) < availabilityTables {
		a.tables[key] = s
	}
	return s
}

// lookFlows finds how the flows fare. Those that do not rest on the group that failed last are as before.
func (a *availability) lookFlows(n, parent *lookedAt, group int) {
	a.states++
	n.flows = make([]flowState, len(a.lob.flows))
	for i, k := range a.lob.flows {
		if parent != nil && !parent.flows[i].rests.has(group) {
			n.flows[i] = parent.flows[i]
			continue
		}
		n.flows[i] = a.lookFlow(n.state, &a.needed[k])
	}
}

// lookFlow follows a flow both ways, as blocked does.
func (a *availability) lookFlow(s *network.State, f *flow) flowState {
	out := flowState{works: true, rests: a.groups.empty()}
	if !s.Up(a.points[f.a].Endpoint) || !s.Up(a.points[f.b].Endpoint) {
		out.gone = true // and stays so
		return out
	}
	for _, end := range [2][2]int{{f.a, f.b}, {f.b, f.a}} {
		for _, r := range a.points[end[1]].reps {
			way := network.Flow{Src: a.points[end[0]].Endpoint, Dst: a.reps[r].Endpoint, Strict: true}
			paths := s.Trace(way)
			rests := a.groups.from(a.bearing.Of(s, way, paths))
			if slices.ContainsFunc(paths, func(p network.Path) bool { return !a.arrived(p, &a.points[end[1]]) }) {
				return flowState{rests: rests} // that neither end fails is in it
			}
			out.rests.addAll(rests)
		}
	}
	return out
}

// decide splits the probability p of a state, in which the decided groups are known, by what its verdict rests on.
func (a *availability) decide(n *lookedAt, decided set, p float64) {
	down := false
	rests := a.groups.empty()
	least := 0.0
	for i := range n.flows {
		f := &n.flows[i]
		switch {
		case f.gone:
		case f.works:
			if !down {
				rests.addAll(f.rests)
			}
		default: // of the flows that prove it, the one that rests on least
			if m := a.weight(f.rests, decided); !down || m < least {
				down, rests, least = true, f.rests, m
			}
		}
	}
	known := slices.Clone(decided)
	for i := range a.groups.q {
		if !rests.has(i) || decided.has(i) {
			continue
		}
		next := slices.Clone(known)
		next.add(i)
		heap.Push(&a.queue, pending{parent: n, group: i, decided: next, p: p * a.groups.q[i]})
		known = next
		p *= 1 - a.groups.q[i]
	}
	if !down {
		a.up += p
		return
	}
	a.down += p
	for i := range a.groups.q {
		switch {
		case slices.Contains(n.failed, i):
			a.failed[i] += p
		case known.has(i):
			a.worked[i] += p
		}
	}
}

// weight is how probable it is, about, that some undecided group of a set fails.
func (a *availability) weight(s, decided set) float64 {
	sum := 0.0
	for i, q := range a.groups.q {
		if s.has(i) && !decided.has(i) {
			sum += q
		}
	}
	return sum
}

// costs says what each element takes: the availability is linear in each group's probability q to fail, with slope
// P(down | failed) - P(down | works); an element that never fails leaves its group with the probability of the others.
func (a *availability) costs(c *components) []Cost {
	out := []Cost{}
	elements := a.net.Elements()
	for k, q := range a.groups.q {
		free := a.down - a.failed[k] - a.worked[k]
		slope := 0.0
		if q > 0 {
			slope += a.failed[k]/q + free
		}
		if q < 1 {
			slope -= a.worked[k]/(1-q) + free
		}
		for _, i := range a.groups.members[k] {
			others := 1.0
			for _, j := range a.groups.members[k] {
				if j != i {
					others *= 1 - c.fails(j)
				}
			}
			points := round(100*slope*(q-(1-others)), 7)
			if points > 0 {
				out = append(out, Cost{Element: elements[i].ID, Percent: c.percent[i], Source: c.source[i], Points: points})
			}
		}
	}
	slices.SortFunc(out, func(x, y Cost) int {
		return cmp.Or(cmp.Compare(y.Points, x.Points), strings.Compare(x.Element, y.Element))
	})
	return out
}

// available computes the availability of each line of business and decides the needs for it. Where the intent states nothing,
// nothing is computed.
func (p *prover) available(healthy *network.State) {
	c := newComponents(p.design, p.net, p.catalog.Limits().SLAPercent)
	if p.lacks == nil { // of a part, the whole estate's are known
		p.lacks = c.lacks
	}
	if len(p.lacks) == 0 {
		a := availability{estate: p.estate, bearing: p.net.NewBearing(), groups: newGroups(p.net, c), tables: map[string]*network.State{}, healthy: healthy}
		for _, l := range p.lobs {
			if len(l.flows) == 0 {
				continue
			}
			x := a
			x.lob = l
			if len(l.missing) > 0 {
				l.available = &LineAvailability{Costs: []Cost{}} // some flow has not even two ends
				continue
			}
			x.weigh()
			l.available = &LineAvailability{Lower: percentOf(x.up), Upper: percentOf(1 - x.down), States: x.states, Costs: x.costs(c)}
		}
	}
	p.now = network.Scenario{ID: string(network.Healthy), Kind: network.Healthy}
	p.verdict = ScenarioVerdict{}
	for _, l := range p.lobs {
		if l.Needs.Availability > 0 {
			p.judgeAvailability(l)
		}
	}
	p.alsoHealthy()
}

// percentOf is a part of time in percent, kept within what it can be.
func percentOf(part float64) float64 { return min(max(round(100*part, 7), 0), 100) }

// judgeAvailability holds a line of business's need against the lower bound.
func (p *prover) judgeAvailability(l *lob) {
	r := row{Availability, l.Name, "availability"}
	p.open(r)
	x := l.available
	switch {
	case x == nil && len(p.lacks) > 0:
		p.fail(r, func() *Counterexample {
			return &Counterexample{Reason: "the availability of the design is unknown: nobody states how often some of its elements work", Mend: "state " + list(p.lacks) + " in the intent, or with --availability KIND=PERCENT"}
		})
	case x == nil || x.Lower >= l.Needs.Availability:
		if x != nil {
			p.open(r).Checked += x.States
		}
	default:
		p.open(r).Checked += x.States
		p.fail(r, func() *Counterexample { return p.tooSeldom(l, x) })
	}
	if ce := p.open(r).Counterexample; ce != nil {
		ce.Failed = "all states are weighed by how often they occur"
	}
}

// tooSeldom says what is missing from an availability and what costs most of it.
func (p *prover) tooSeldom(l *lob, x *LineAvailability) *Counterexample {
	ce := &Counterexample{Flow: "all flows of " + l.Name, Reason: fmt.Sprintf("all of them work %s of the time, %s %% is needed", x, plainNumber(l.Needs.Availability))}
	if len(x.Costs) == 0 {
		ce.Mend = fmt.Sprintf("ask for at most %s %%", plainNumber(floor(x.Lower, 4)))
		return ce
	}
	worst := p.elements[x.Costs[0].Element]
	ce.Reason += fmt.Sprintf("; %s costs most, %.4f points", p.elementWords([]string{worst.ID}), x.Costs[0].Points)
	ce.Mend = fmt.Sprintf("%s, or ask for at most %s %%", mendFailure(worst.Kind), plainNumber(floor(x.Lower, 4)))
	return ce
}

// String is the availability for people, cut off and never rounded up; both bounds where they are further apart than is tried for.
func (x *LineAvailability) String() string {
	if x.Upper-x.Lower <= 100*availabilityWidth+1e-6 {
		return fmt.Sprintf("%.4f %%", floor(x.Lower, 4))
	}
	return fmt.Sprintf("%.4f to %.4f %%", floor(x.Lower, 4), ceil(x.Upper*1e4)/1e4)
}
