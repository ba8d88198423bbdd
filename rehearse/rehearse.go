// Package rehearse fails every element of a running estate, one at a time and without a word to anybody, and measures what a user of every
// needed flow would feel: how long, how much, on which way. It holds what it sees against the proof: when all is quiet again every table,
// every flow's fate and every way must be those of package network, and every outage must lie within the bounds that the protocols' timers
// set (bounds.go). It decides nothing of routing: package sim runs the estate.
//
// An estate is rehearsed in the parts that route by themselves (prove.Pieces), as it is proved: what fails in several of them fails in each,
// and nothing happens in the others.
//
// A drill is a function of the network, the scenario and the seed. Each has a simulator of its own, so that neither the order of the drills
// nor how many run at a time can be seen in what comes out.
package rehearse

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"onramp/catalog"
	"onramp/design"
	"onramp/network"
	"onramp/prove"
)

// Options are what a rehearsal may be told.
type Options struct {
	// Seed draws the jitter of all timers and when in their course an element fails.
	Seed uint64
	// Drills are the scenarios to drill, by id; none is every one of the network.
	Drills []string
	// Parallel is how many drills run at a time; 0 is one.
	Parallel int
	// Progress, if not nil, is called after each piece of work, one call at a time: a drill of one part of the estate.
	Progress func(done, total int)
	// Recording, if not nil, is shown what the links carry, of one drill: with it drills do not run at the same time.
	Recording *Recording
	// Believe is what the proof says of a scenario; nil is what the network converges to. Tests put another network there.
	Believe func(sc network.Scenario) *network.State
}

// Result is a whole rehearsal.
type Result struct {
	Seed   uint64 `json:"seed"`
	Agrees bool   `json:"agrees"` // what was seen is what the proof says, in every drill
	// ProbeMs is the time between two requests of a flow's probe.
	ProbeMs float64 `json:"probeMs"`
	// AllowanceMs is what an outage may take beyond its upper bound: messages and probes travel.
	AllowanceMs float64 `json:"allowanceMs"`
	Flows       []Flow  `json:"flows"`
	Drills      []Drill `json:"drills"`
	// Isolated counts the pairs on which the drills' isolation is measured.
	Isolated IsolatedPairs `json:"isolated"`
	// Resiliency is the portal's index of each gateway, as far as these drills earn it.
	Resiliency Resiliency `json:"resiliency"`
	// Assumptions are those on which the times rest, and where bandwidth was measured it, beside those of the proof.
	Assumptions []design.Assumption `json:"assumptions"`
}

// Flow is a needed flow.
type Flow struct {
	Name           string `json:"name"`           // as in the proof's lists of what is lost
	LineOfBusiness string `json:"lineOfBusiness"` // empty in a design without an intent
	Need           string `json:"need"`
	From           string `json:"from"`
	To             string `json:"to"`
}

// The ways in which a drill takes its element out of service.
const (
	Silent  = "silent"  // nothing gets through and nobody is told: the worst case
	Carrier = "carrier" // the neighbours see the link go down; only scripts ask for it
	Drain   = "drain"   // the service announces its routes with a longer path (planned-maintenance.md)
)

// Drill is what one scenario did.
type Drill struct {
	ID      string `json:"id"`
	Kind    string `json:"kind"`
	Element string `json:"element"`
	How     string `json:"how" enum:"silent,drain"`
	// Proof is the scenario's verdict in the proof, and ProofLost the flows that it says are lost for good.
	Proof     string   `json:"proof"`
	ProofLost []string `json:"proofLost"`
	Failure   Change   `json:"failure"`
	Repair    Change   `json:"repair"`
	// Events are what happened, in the order of time.
	Events []DrillEvent `json:"events"`
	// Detections are the ends of sessions that have to find out by themselves, with what they do so and when.
	Detections []Detection `json:"detections"`
	// Flows are those that lost a packet or went another way, worst first; Untouched counts the others.
	Flows     []FlowDrill `json:"flows"`
	Untouched int         `json:"untouched"`
	Isolation Isolation   `json:"isolation"`
	// Bandwidth is what each line of business gets; none where the failure changes nothing of what anybody puts on any capacity.
	Bandwidth     []LineBandwidth `json:"bandwidth"`
	Agrees        bool            `json:"agrees"`
	Disagreements []Disagreement  `json:"disagreements"`
}

// Change is what the estate did after a failure or a repair.
type Change struct {
	// ControlMs is when the last route changed anywhere, DataMs when the last packet was sent that did not arrive, of flows that get through
	// in the end; both from the failure or repair on, 0 where there was none.
	ControlMs float64 `json:"controlMs"`
	DataMs    float64 `json:"dataMs"`
	Routes    int     `json:"routes"` // changes of routes in use
	Hit       int     `json:"hit"`    // flows that lost a packet
	Lost      int     `json:"lost"`   // packets
	OutageMs  float64 `json:"outageMs"`
}

// Detection is how one end of a session learns that the other end is gone.
type Detection struct {
	Session string  `json:"session"`
	At      string  `json:"at"` // the router, or the gateway
	By      string  `json:"by" enum:"bfd,hold,notice"`
	LowerMs float64 `json:"lowerMs"`
	UpperMs float64 `json:"upperMs"`
}

// Fates of a flow, there and back again.
const (
	Whole = "delivered"
	Part  = "part" // on some of several equal ways
	None  = "lost"
)

// FlowDrill is what one flow felt.
type FlowDrill struct {
	Flow string `json:"flow"`
	From string `json:"from"`
	To   string `json:"to"`
	// Expected and Seen are its fate when all is quiet again.
	Expected string  `json:"expected" enum:"delivered,part,lost"`
	Seen     string  `json:"seen" enum:"delivered,part,lost"`
	OutageMs float64 `json:"outageMs"` // first to last lost packet
	Bound    Bound   `json:"bound"`
	Lost     int     `json:"lost"`
	// Reordered counts answers that a later one of the same source port overtook: equal ways differ in length, and a flow of a user's
	// takes one of them.
	Reordered  int `json:"reordered"`
	Duplicated int `json:"duplicated"`
	// RepairOutageMs and RepairLost are after the repair. A flow that was lost is lost on until it is back.
	RepairOutageMs float64 `json:"repairOutageMs"`
	RepairLost     int     `json:"repairLost"`
	// Losses are when packets were lost, from the failure on, and RepairLosses from the repair on.
	Losses       []LossSpan `json:"losses"`
	RepairLosses []LossSpan `json:"repairLosses"`
	Before       Way        `json:"before"`
	During       Way        `json:"during"`
	After        Way        `json:"after"`
}

// Way is by which ways requests and answers went, and how long that took.
type Way struct {
	There     []string `json:"there"`
	Back      []string `json:"back"`
	LatencyMs float64  `json:"latencyMs"` // mean round trip, 0 without an answer
	JitterMs  float64  `json:"jitterMs"`  // RFC 3550 section 6.4.1, of the source port with the most
}

// Disagreement is something that was not as the proof says.
type Disagreement struct {
	Scenario string `json:"scenario"`
	When     string `json:"when"` // healthy, failed, repaired
	Flow     string `json:"flow"` // empty where it is about a table
	Proof    string `json:"proof"`
	Seen     string `json:"seen"`
	Ended    string `json:"ended"` // where packets ended, empty where that is not the matter
}

func (d Disagreement) String() string {
	s := d.Scenario + ", " + d.When + ": "
	if d.Flow != "" {
		s += d.Flow + ": "
	}
	s += d.Proof + "; " + d.Seen
	if d.Ended != "" {
		s += " (" + d.Ended + ")"
	}
	return s
}

// Scenarios are what can be drilled: every scenario of a network in which something is out of service.
func Scenarios(n *network.Network) []network.Scenario {
	return slices.DeleteFunc(slices.Clone(n.Scenarios()), func(sc network.Scenario) bool { return sc.Kind == network.Healthy })
}

// UnknownDrill is a name that no scenario has.
type UnknownDrill struct {
	Name string
	Near []string // the names that are most like it
}

func (e *UnknownDrill) Error() string {
	s := fmt.Sprintf("there is no drill %q", e.Name)
	if len(e.Near) > 0 {
		s += "; did you mean " + strings.Join(e.Near, " or ") + "?"
	}
	return s
}

// chosen are the scenarios of these names.
func chosen(all []network.Scenario, names []string) ([]network.Scenario, error) {
	if len(names) == 0 {
		return all, nil
	}
	var out []network.Scenario
	for _, name := range names {
		i := slices.IndexFunc(all, func(sc network.Scenario) bool { return sc.ID == name })
		if i < 0 {
			return nil, &UnknownDrill{name, nearest(name, all)}
		}
		out = append(out, all[i])
	}
	return out, nil
}

const mostNear = 3

// nearest are the ids that take the fewest changes to become the name.
func nearest(name string, all []network.Scenario) []string {
	var ids []string
	for _, sc := range all {
		ids = append(ids, sc.ID)
	}
	return nearNames(name, append(ids, TrafficDrills()...))
}

// nearNames are those names that take the fewest changes to become the name, their kind counted or left out.
func nearNames(name string, all []string) []string {
	type near struct {
		id string
		d  int
	}
	var list []near
	for _, id := range all {
		_, bare, ok := strings.Cut(id, ":")
		if !ok {
			bare = id
		}
		list = append(list, near{id, min(catalog.Edits(name, id), catalog.Edits(name, bare))})
	}
	slices.SortStableFunc(list, func(a, b near) int { return cmp.Or(a.d-b.d, strings.Compare(a.id, b.id)) })
	var out []string
	for _, x := range list[:min(mostNear, len(list))] {
		if x.d <= len(name)/2+1 && x.d <= list[0].d+1 {
			out = append(out, x.id)
		}
	}
	return out
}

// job is the drill of a scenario in a part of the estate, as indexes.
type job struct{ drill, part int }

// Run drills a design whose network was built from its resources and premises, and whose proof this is. An unknown drill is the only
// error.
func Run(d *design.Design, n *network.Network, c *catalog.Catalog, proof *prove.Result, o Options) (*Result, error) {
	list, err := chosen(Scenarios(n), o.Drills)
	if err != nil {
		return nil, err
	}
	parts, err := newParts(d, n, c, proof, o)
	if err != nil {
		return nil, err
	}
	out := &Result{Seed: o.Seed, Agrees: true, ProbeMs: ms(every), AllowanceMs: ms(parts[0].allowance), Flows: []Flow{}, Drills: make([]Drill, len(list)), Assumptions: append(network.TimeAssumptions(), n.TranslationAssumptions()...)}
	flows := prove.Flows(d, n, c)
	for _, f := range flows {
		out.Flows = append(out.Flows, Flow{f.Name, f.LineOfBusiness, f.Need, f.From, f.To})
	}
	out.Isolated.Apart = len(prove.Isolated(d, n, c))
	for _, r := range parts {
		out.Isolated.Tried += len(r.apart)
	}
	out.Isolated.Apart -= out.Isolated.Tried
	var jobs []job
	for i, sc := range list {
		for k, r := range parts {
			if r.has(sc) {
				jobs = append(jobs, job{i, k})
			}
		}
	}
	done := make([]Drill, len(jobs))
	many := max(o.Parallel, 1)
	if o.Recording != nil {
		many = 1
	}
	books := accounts(parts, list, jobs, max(o.Parallel, 1))
	each(len(jobs), many, func(i int) { done[i] = parts[jobs[i].part].drill(list[jobs[i].drill], books[i]) }, o.Progress)
	for i, sc := range list {
		d := &out.Drills[i]
		*d = parts[0].blank(sc)
		for k, j := range jobs {
			if j.drill == i {
				d.add(&done[k])
			}
		}
		d.Events = Condensed(d.Events, mostEvents)
		d.Agrees = len(d.Disagreements) == 0
		d.Untouched = len(out.Flows) - len(d.Flows)
		sortFlows(d.Flows)
		out.Agrees = out.Agrees && d.Agrees
	}
	if slices.ContainsFunc(out.Drills, func(d Drill) bool { return len(d.Bandwidth) > 0 }) {
		out.Assumptions = append(out.Assumptions, bandwidthAssumptions()...)
	}
	out.Resiliency = resiliency(d, n, c, flows, out)
	return out, nil
}

// add adds what happened in one part of the estate.
func (d *Drill) add(x *Drill) {
	d.Failure.add(&x.Failure)
	d.Repair.add(&x.Repair)
	for _, e := range x.Detections {
		if !slices.Contains(d.Detections, e) { // the premises are in many parts
			d.Detections = append(d.Detections, e)
		}
	}
	d.addEvents(x.Events)
	d.Flows = append(d.Flows, x.Flows...)
	d.Isolation.add(&x.Isolation)
	d.Bandwidth = append(d.Bandwidth, x.Bandwidth...)
	d.Disagreements = append(d.Disagreements, x.Disagreements...)
}

func (c *Change) add(x *Change) {
	c.ControlMs, c.DataMs, c.OutageMs = max(c.ControlMs, x.ControlMs), max(c.DataMs, x.DataMs), max(c.OutageMs, x.OutageMs)
	c.Routes, c.Hit, c.Lost = c.Routes+x.Routes, c.Hit+x.Hit, c.Lost+x.Lost
}

func sortFlows(list []FlowDrill) {
	slices.SortStableFunc(list, func(a, b FlowDrill) int {
		return cmp.Or(cmp.Compare(b.OutageMs, a.OutageMs), strings.Compare(a.Flow, b.Flow), strings.Compare(a.From, b.From), strings.Compare(a.To, b.To))
	})
}

// ms is a time in milliseconds, to the microsecond.
func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
