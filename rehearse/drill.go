package rehearse

import (
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"time"

	"onramp/catalog"
	"onramp/design"
	"onramp/network"
	"onramp/prove"
	"onramp/sim"
)

const (
	every     = 20 * time.Millisecond      // between two requests of a probe: 50 a second
	resting   = time.Second                // while nothing changes and nothing is lost
	before    = time.Second                // of probes before the failure
	window    = 2 * sim.ProbePorts * every // in which every source port has two turns
	tail      = time.Second                // in which every answer to a window is in
	mostStart = 10 * time.Minute           // until a healthy estate has settled
	mostDrill = 30 * time.Minute           // until it has after a failure or repair: the longest hold time many times over
)

// pair is the two ends of one or more needed flows: there is one probe for it.
type pair struct {
	a, b    network.Endpoint
	healthy [2][]network.Path // there and back, by the proof
}

// rehearsal is what all drills share; nothing of it changes while they run.
type rehearsal struct {
	net       *network.Network
	wiring    network.Wiring
	flows     []prove.Flow
	pairs     []pair
	pairOf    []int // of flows
	apart     []prove.Apart
	loading   *prove.Loading // nil where nobody states a bandwidth
	loads     []prove.Load   // of the healthy state
	verdicts  map[string]*prove.ScenarioVerdict
	healthy   *network.State
	believe   func(sc network.Scenario) *network.State
	holds     map[string][]holding
	between   map[[2]string][]int
	allowance time.Duration
	keepalive time.Duration // the longest: in its course a failure may come
	seed      uint64
	recording *Recording
	part      string // tells it from the other parts of the estate; empty where it is the whole
}

// newParts makes the rehearsals of an estate's parts, which have one allowance.
func newParts(d *design.Design, n *network.Network, c *catalog.Catalog, proof *prove.Result, o Options) ([]*rehearsal, error) {
	pieces := []prove.Piece{{Design: d, Network: n}}
	if o.Believe == nil { // what is believed is believed of the whole
		pieces = prove.Pieces(d, n, c)
	}
	var out []*rehearsal
	most := time.Duration(0)
	for _, p := range pieces {
		r, err := newRehearsal(p.Design, p.Network, c, proof, o)
		if err != nil {
			return nil, err
		}
		if len(pieces) > 1 && len(r.flows) > 0 {
			r.part = r.flows[0].Name // another part of the estate changes nothing here
		}
		out = append(out, r)
		most = max(most, r.allowance)
	}
	for _, r := range out {
		r.allowance = most
	}
	return out, nil
}

// has tells whether anything of a scenario is in this part.
func (r *rehearsal) has(sc network.Scenario) bool {
	return slices.ContainsFunc(r.net.Elements(), func(e network.Element) bool { return slices.Contains(sc.Elements, e.ID) })
}

func newRehearsal(d *design.Design, n *network.Network, c *catalog.Catalog, proof *prove.Result, o Options) (*rehearsal, error) {
	r := &rehearsal{net: n, wiring: n.Wiring(), flows: prove.Flows(d, n, c), apart: prove.Isolated(d, n, c), seed: o.Seed, believe: o.Believe, recording: o.Recording, verdicts: map[string]*prove.ScenarioVerdict{}}
	for i := range proof.Scenarios {
		r.verdicts[proof.Scenarios[i].ID] = &proof.Scenarios[i]
	}
	healthy := network.Scenario{ID: string(network.Healthy), Kind: network.Healthy}
	base := n.Converge(healthy)
	if r.believe == nil {
		r.believe = func(sc network.Scenario) *network.State { return n.ConvergeFrom(base, sc) }
	}
	r.healthy = r.believe(healthy)
	if r.loading = prove.NewLoading(d, n, c); r.loading != nil {
		r.loads = r.loading.Under(r.healthy)
	}
	r.holds, r.between = holdings(base, &r.wiring), between(&r.wiring)
	index := map[string]int{}
	longest := 0.0
	for i := range r.flows {
		f := &r.flows[i]
		key := fmt.Sprint(f.A, f.B)
		k, ok := index[key]
		if !ok {
			k = len(r.pairs)
			index[key] = k
			p := pair{a: f.A, b: f.B, healthy: traced(r.healthy, f.A, f.B)}
			r.pairs = append(r.pairs, p)
			longest = max(longest, slowest(p.healthy[0])+slowest(p.healthy[1]))
		}
		r.pairOf = append(r.pairOf, k)
	}
	r.allowance = travels(&r.wiring, time.Duration(longest*float64(time.Millisecond)))
	r.keepalive = time.Second
	for i := range r.wiring.Sessions {
		x := &r.wiring.Sessions[i]
		r.keepalive = max(r.keepalive, x.Keepalive[0], x.Keepalive[1])
	}
	s, err := sim.New(n, sim.Options{}) // a network that cannot be run is told before anything runs
	if err != nil {
		return nil, err
	}
	if _, err := r.probes(s); err != nil {
		return nil, err
	}
	if _, err := r.strays(s); err != nil {
		return nil, err
	}
	return r, nil
}

// slowest is the delay of the longest of several ways, in milliseconds.
func slowest(paths []network.Path) float64 {
	most := 0.0
	for i := range paths {
		sum := 0.0
		for k := range paths[i].Hops {
			sum += paths[i].Hops[k].OneWay
		}
		most = max(most, sum)
	}
	return most
}

func traced(st *network.State, a, b network.Endpoint) [2][]network.Path {
	return [2][]network.Path{st.Trace(network.Flow{Src: a, Dst: b}), st.Trace(network.Flow{Src: b, Dst: a, Reply: true})}
}

func (r *rehearsal) probes(s *sim.Sim) ([]*sim.Probe, error) {
	out := make([]*sim.Probe, len(r.pairs))
	for i := range r.pairs {
		var err error
		if out[i], err = s.NewProbe("", r.pairs[i].a, r.pairs[i].b); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// seedOf is a drill's own: what the drill draws depends on no other.
func (r *rehearsal) seedOf(id string) uint64 {
	h := fnv.New64a()
	fmt.Fprintf(h, "%d %s%s", r.seed, id, r.part)
	x := h.Sum64()
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9 // splitmix64: seeds that are alike are far apart
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// run is one drill under way.
type run struct {
	*rehearsal
	sc     network.Scenario
	s      *sim.Sim
	probes []*sim.Probe
	// strangers are the probes between isolated lines of business.
	strangers []*sim.Probe
	routeAt   time.Duration
	routes    int
	story     chronicle
	out       Drill
	ruins     *ruins
	state     *network.State      // the scenario's
	expect    [][2][]network.Path // by pair
	// The times that part a drill: probes begin, the element fails, all is quiet, it is repaired, all is quiet, the end.
	began, failed, quiet, repaired, whole, ended time.Duration
}

// drill drills one scenario; with an account it measures bandwidth, too.
func (r *rehearsal) drill(sc network.Scenario, a *account) Drill {
	x := &run{rehearsal: r, sc: sc, out: r.blank(sc)}
	x.play()
	x.out.Events = x.story.list
	if a != nil && x.ended > 0 {
		x.bandwidth(a)
	}
	return x.out
}

// blank is a drill in which nothing has happened.
func (r *rehearsal) blank(sc network.Scenario) Drill {
	d := Drill{ID: sc.ID, Kind: string(sc.Kind), Element: sc.Elements[0], How: Silent, Proof: prove.Holds, ProofLost: []string{}, Events: []DrillEvent{}, Detections: []Detection{}, Flows: []FlowDrill{}, Isolation: Isolation{Leaks: []Leak{}}, Bandwidth: []LineBandwidth{}, Disagreements: []Disagreement{}}
	if sc.Kind == network.Maintenance {
		d.How = Drain
	}
	if v := r.verdicts[sc.ID]; v != nil {
		d.Proof = v.Verdict
		d.ProofLost = append(d.ProofLost, v.Lost...)
	}
	return d
}

// play runs the drill from a cold start to the end.
func (x *run) play() {
	seed := x.seedOf(x.sc.ID)
	options := sim.Options{Seed: seed >> 32, Observe: func(h sim.Happening) {
		if h.What == "route" {
			x.routeAt, x.routes = h.At, x.routes+1
		}
		x.story.tell(&h)
	}}
	if x.recording != nil {
		defer x.recording.section(x.net, &options)()
	}
	s, err := sim.New(x.net, options)
	if err != nil {
		panic(err) // newRehearsal has tried it
	}
	x.s = s
	if x.probes, err = x.rehearsal.probes(s); err != nil {
		panic(err)
	}
	if x.strangers, err = x.strays(s); err != nil {
		panic(err)
	}
	x.ruins = x.rehearsal.ruins(x.sc, s)
	x.out.Detections = x.ruins.detections()
	s.Start()
	if !x.settle("healthy", mostStart) {
		return
	}
	s.Run(s.Now() + time.Duration(seed%uint64(x.keepalive))) // timers are where they are when something fails
	x.began = s.Now()
	s.Wake()
	for _, q := range x.probes {
		q.Send(every, x.began+24*time.Hour)
		q.Rest(resting)
	}
	x.stray()
	s.Run(x.began + before)
	x.state = x.believe(x.sc)
	for i := range x.pairs {
		x.expect = append(x.expect, traced(x.state, x.pairs[i].a, x.pairs[i].b))
	}

	x.failed = s.Now()
	x.story.begin(AfterFailure, x.failed, EventFail, x.sc.Elements[0])
	x.break_(true)
	ok := x.settle("failed", mostDrill)
	x.quiet = s.Now()
	x.story.rests(x.ruins, x.quiet)
	x.out.Failure.ControlMs, x.out.Failure.Routes = x.control(x.failed)
	if !ok {
		return
	}
	x.look()
	x.tables("failed", x.state)

	x.repaired = s.Now()
	x.story.begin(AfterRepair, x.repaired, EventRepair, x.sc.Elements[0])
	x.break_(false)
	ok = x.settle("repaired", mostDrill)
	x.whole = s.Now()
	x.story.rests(nil, x.whole)
	x.out.Repair.ControlMs, x.out.Repair.Routes = x.control(x.repaired)
	if !ok {
		return
	}
	x.look()
	if latched := len(x.state.Exceeded()) > len(x.healthy.Exceeded()); !latched { // a limit that was passed keeps its session down
		x.tables("repaired", x.healthy)
	}
	x.ended = s.Now()
	x.measure()
}

// break_ takes the element out of service, or back.
func (x *run) break_(out bool) {
	x.routeAt, x.routes = 0, 0
	var err error
	switch {
	case x.sc.Kind == network.Maintenance:
		x.s.Drain(x.sc.Elements[0], out)
	case out:
		err = x.s.Fail(sim.Silent, x.sc.Elements...)
	default:
		err = x.s.Repair(x.sc.Elements...)
	}
	if err != nil {
		panic(err) // the scenario is the network's own
	}
}

// settle runs until nothing more will come.
func (x *run) settle(when string, most time.Duration) bool {
	if x.s.Settle(most) {
		return true
	}
	x.disagree(when, "", "the routers come to rest", fmt.Sprintf("routes or sessions still change %s later", most), "")
	return false
}

// look lets every probe try all of its source ports, and the isolated each other.
func (x *run) look() {
	now := x.s.Now()
	x.s.Wake()
	x.stray()
	x.s.Run(now + window + tail)
}

// control is when the last route changed after a time, and how many did.
func (x *run) control(since time.Duration) (float64, int) {
	if x.routes == 0 {
		return 0, 0
	}
	return ms(x.routeAt - since), x.routes
}

func (x *run) disagree(when, flow, proof, seen, ended string) {
	x.out.Disagreements = append(x.out.Disagreements, Disagreement{x.sc.ID, when, flow, proof, seen, ended})
}

// mostTables is how many differences of tables are told.
const mostTables = 5

// tables holds every table against the proof's.
func (x *run) tables(when string, st *network.State) {
	list := x.s.Differs(st)
	for i, d := range list {
		if i == mostTables {
			x.disagree(when, "", "the tables are the proof's", fmt.Sprintf("%d routes differ in all", len(list)), "")
			return
		}
		x.disagree(when, "", "table of "+d.Router+": "+d.Proof, d.Seen, "")
	}
}

// measure makes of every probe what the flows with its ends felt.
func (x *run) measure() {
	felt := make([]felt, len(x.pairs))
	for i := range x.pairs {
		felt[i] = x.feel(i)
	}
	seenLost := map[string]bool{}
	for i := range x.flows {
		f, k := &x.flows[i], x.pairOf[i]
		e := &felt[k]
		name := fmt.Sprintf("%s (%s to %s)", f.Name, f.From, f.To)
		for _, d := range e.wrong {
			x.disagree(d.When, name, d.Proof, d.Seen, d.Ended)
		}
		if e.FlowDrill.Seen != Whole && e.healthy == Whole && x.state.Up(f.A) && x.state.Up(f.B) {
			seenLost[f.Name] = true
		}
		if !e.touched {
			continue
		}
		d := e.FlowDrill
		d.Flow, d.From, d.To = f.Name, f.From, f.To
		x.out.Flows = append(x.out.Flows, d)
		x.sum(&x.out.Failure, d.Lost, d.OutageMs, e.lastLost-x.failed, e.Expected == Whole)
		x.sum(&x.out.Repair, d.RepairLost, d.RepairOutageMs, e.lastRepair-x.repaired, e.Expected == Whole)
	}
	x.leaks()
	if v := x.verdicts[x.sc.ID]; v != nil {
		for _, name := range slices.Sorted(maps.Keys(seenLost)) {
			if !slices.Contains(v.Lost, name) {
				x.disagree("failed", name, "its verdict does not count the flow among the lost", "packets are lost for good", "")
			}
		}
	}
}

// sum adds what a flow felt to what the estate did.
func (x *run) sum(c *Change, lost int, outage float64, last time.Duration, ends bool) {
	if lost == 0 {
		return
	}
	c.Hit++
	c.Lost += lost
	if ends {
		c.OutageMs = max(c.OutageMs, outage)
		c.DataMs = max(c.DataMs, ms(last))
	}
}
