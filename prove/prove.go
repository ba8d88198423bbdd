// Package prove decides whether a design meets its needs: it follows every flow through the routed network in the healthy
// state, under every single failure and under the maintenance of every Microsoft edge router, and says of each need of each
// line of business that it holds, or shows one scenario and one flow in which it does not. It never routes (package network
// does), never mends a design and never prices one.
//
// Reach, bandwidth, latency, voice, symmetry must hold in the healthy state and in the scenarios whose kind the line of business
// survives (maintenance of an MSEE counts as the loss of a router); isolation, inspection, freedom from loops and from
// transit by the internet or the premises in all scenarios. Any other loss is a figure. Sources: the needs of package intent;
// expressroute-routing.md, virtual-networks-udr-overview.md and planned-maintenance.md through package network.
package prove

import (
	"cmp"
	"slices"
	"strings"

	"onramp/catalog"
	"onramp/design"
	"onramp/intent"
	"onramp/network"
)

// Names of properties.
const (
	Reach             = "reach"
	Isolation         = "isolation"
	Inspection        = "inspection"
	Symmetry          = "symmetry"
	Bandwidth         = "bandwidth"
	Latency           = "latency"
	Voice             = "voice"
	Dedicated         = "dedicated"
	Availability      = "availability"
	NoLoop            = "no-loop"
	NoInternetTransit = "no-internet-transit"
	NoPremisesTransit = "no-premises-transit"
	PrefixLimits      = "prefix-limits"
)

// Property is one need of one line of business, or of the estate, with its verdict.
type Property struct {
	Name string `json:"name" enum:"reach,isolation,inspection,symmetry,bandwidth,latency,voice,dedicated,availability,no-loop,no-internet-transit,no-premises-transit,prefix-limits"`
	// LineOfBusiness is empty for what concerns the whole estate.
	LineOfBusiness string `json:"lineOfBusiness"`
	// Need is the path of the key in the intent that asks for it: sites, services, reaches, isolatedFrom, inspect, bandwidth,
	// latency, voice, dedicated, availability, or survives.KIND where only failures of that kind are meant; empty where no key
	// asks for it.
	Need  string `json:"need"`
	Holds bool   `json:"holds"`
	// Counterexample is nil when the property holds.
	Counterexample *Counterexample `json:"counterexample"`
	// Assumptions names the assumptions that the verdict rests on, sorted.
	Assumptions []string `json:"assumptions"`
	// Checked counts the flows looked at, once for each scenario.
	Checked int `json:"checked"`
}

// Verdicts of a scenario.
const (
	Holds    = "holds"    // no property fails and no flow is lost
	Degraded = "degraded" // flows are lost that nobody asked to survive
	Fails    = "fails"    // some property fails
)

// ScenarioVerdict is what one scenario does to the estate.
type ScenarioVerdict struct {
	ID      string `json:"id"`
	Kind    string `json:"kind"`
	Element string `json:"element"` // the failed or drained element's id, empty when healthy
	Verdict string `json:"verdict" enum:"holds,degraded,fails"`
	// BlastRadius is the part of the needed flows that the failure stops, from 0 to 1.
	BlastRadius float64 `json:"blastRadius"`
	// Lost names the flows that work when nothing has failed and do not here: "finance: vnet-fin-core - montreal".
	Lost []string `json:"lost"`
	// Fails names the properties that fail here: "reach finance sites".
	Fails []string `json:"fails"`
}

// Result is a design's whole proof.
type Result struct {
	Properties  []Property          `json:"properties"`
	Scenarios   []ScenarioVerdict   `json:"scenarios"`
	Figures     Figures             `json:"figures"`
	Assumptions []design.Assumption `json:"assumptions"`
	// Combined is null unless failures of several elements at once were asked for.
	Combined *Combined `json:"combined"`
}

// Options are what a proof may be told besides the design.
type Options struct {
	// Progress, if not nil, is called after each scenario.
	Progress func(done, total int)
	// Failures is how many elements fail at once at most; 0 and 1 are single failures, which are always looked at.
	Failures int
}

// Prove proves a design whose network was built from its resources and premises. Without an intent in the design only what
// concerns the whole estate is proved.
func Prove(d *design.Design, n *network.Network, c *catalog.Catalog, o Options) *Result {
	p := NewPlan(d, n, c)
	p.failures = o.Failures
	var shares []*Share
	total := len(n.Scenarios())
	for i := range p.Len() {
		progress := o.Progress
		if p.Len() > 1 {
			progress = nil
		}
		shares = append(shares, p.Do(i, progress))
		if o.Progress != nil && p.Len() > 1 {
			o.Progress((i+1)*total/p.Len(), total)
		}
	}
	return p.Join(shares)
}

// proveWhole proves a design in one piece, looking at everything in every scenario afresh if asked to: what tests compare with.
func proveWhole(d *design.Design, n *network.Network, c *catalog.Catalog, afresh bool) *Result {
	p := newProver(survey(d, n, c))
	p.afresh = afresh
	p.run(nil)
	return p.result()
}

func newProver(e *estate) *prover {
	return &prover{estate: e, rows: map[row]*Property{}, tally: newTally(e)}
}

// run looks at every scenario.
func (p *prover) run(progress func(done, total int)) {
	p.declare()
	scenarios := p.net.Scenarios()
	healthy := p.net.Converge(network.Scenario{ID: string(network.Healthy), Kind: network.Healthy})
	for i, sc := range scenarios {
		s := healthy
		if sc.Kind != network.Healthy {
			s = p.net.ConvergeFrom(healthy, sc)
		}
		p.scenario(s, sc)
		if progress != nil {
			progress(i+1, len(scenarios))
		}
	}
	p.dedicated()
	p.available(healthy)
}

// forget drops what is not needed once every scenario was looked at.
func (p *prover) forget() {
	p.base, p.quiet, p.calm, p.pairs, p.wanted, p.net = nil, nil, nil, nil, nil, nil
}

// row identifies a property.
type row struct{ name, lob, need string }

// prover gathers verdicts over the scenarios.
type prover struct {
	*estate
	rows  map[row]*Property
	tally *tally

	now     network.Scenario
	verdict ScenarioVerdict
	out     []ScenarioVerdict
	blasts  []blast  // by scenario
	notes   [][]load // by scenario, if apart: the loads that differ from those of the healthy state
	apart   bool     // this is a part of an estate: what it loads is added to what others do before anybody judges

	base      *sweep // of the healthy state, once it was looked at
	combined  *Combined
	bare      bool    // only what is lost and what must hold in all states is looked at
	quiet     []quiet // by pair
	calm      *calm   // of the pairs, once a failure was looked at
	recording *quiet  // of the pair that is looked at in the healthy state
	afresh    bool    // look at everything in every scenario: what tests compare with
}

// open makes sure that a property exists.
func (p *prover) open(r row) *Property {
	x := p.rows[r]
	if x == nil {
		x = &Property{Name: r.name, LineOfBusiness: r.lob, Need: r.need, Holds: true, Assumptions: []string{}}
		p.rows[r] = x
	}
	return x
}

// fail marks a property as failed in the present scenario; the first counterexample stays.
func (p *prover) fail(r row, ce func() *Counterexample) {
	if p.recording != nil {
		p.recording.failed = true
	}
	x := p.open(r)
	if x.Holds {
		x.Holds, x.Counterexample = false, p.complete(ce())
	}
	name := strings.TrimSpace(strings.Join([]string{r.name, r.lob, r.need}, " "))
	if !slices.Contains(p.verdict.Fails, name) {
		p.verdict.Fails = append(p.verdict.Fails, name)
	}
}

// complete adds the present scenario to a counterexample.
func (p *prover) complete(ce *Counterexample) *Counterexample {
	ce.Scenario = p.now.ID
	ce.Failed = p.failedWords(p.now)
	if ce.Hops == nil {
		ce.Hops = []network.Hop{}
	}
	return ce
}

// healthyNow tells whether nothing has failed in the present scenario.
func (p *prover) healthyNow() bool { return p.now.Kind == network.Healthy }

// survivesNeed is the key that asks for a scenario's survival.
func survivesNeed(k network.Kind) string {
	if k == network.Maintenance {
		k = network.Router
	}
	return "survives." + string(k)
}

// needNow is the key that asks for a need of a line of business in the present scenario.
func (p *prover) needNow(plain string) string {
	if p.healthyNow() {
		return plain
	}
	return survivesNeed(p.now.Kind)
}

// declare opens every property that the intent asks for, so that what is trivially true is said too, and fails those that
// no scenario has to be looked at for.
func (p *prover) declare() {
	p.now = network.Scenario{ID: string(network.Healthy), Kind: network.Healthy}
	for _, name := range []string{NoLoop, NoInternetTransit, NoPremisesTransit, PrefixLimits} {
		p.open(row{name, "", ""})
	}
	for _, l := range p.lobs {
		for i := range p.needed {
			if f := &p.needed[i]; f.lob == l {
				p.open(row{Reach, l.Name, f.need})
				if f.need != "services" {
					p.open(row{Symmetry, l.Name, f.need})
				}
			}
		}
		if len(l.flows) > 0 {
			for _, k := range l.Needs.Survives {
				p.open(row{Reach, l.Name, "survives." + k})
			}
		}
		for _, m := range l.missing {
			p.open(row{m.property, l.Name, m.need})
			p.fail(row{m.property, l.Name, m.need}, func() *Counterexample { return &Counterexample{Flow: m.flow, Reason: m.reason, Mend: m.mend} })
		}
		if l.Needs.Bandwidth > 0 {
			p.open(row{Bandwidth, l.Name, "bandwidth"})
		}
		if l.Needs.Latency > 0 {
			p.open(row{Latency, l.Name, "latency"})
		}
		if l.Needs.Voice {
			p.open(row{Voice, l.Name, "voice"})
		}
		if l.Needs.Dedicated {
			p.open(row{Dedicated, l.Name, "dedicated"})
		}
		if len(l.Needs.IsolatedFrom) > 0 {
			p.open(row{Isolation, l.Name, "isolatedFrom"})
		}
		if p.inspect && len(l.points) > 0 {
			p.open(row{Inspection, l.Name, "inspect"})
		}
		if l.Needs.Availability > 0 {
			p.open(row{Availability, l.Name, "availability"}) // judged once every scenario was looked at
		}
	}
	if p.inspect && slices.ContainsFunc(p.points, func(x point) bool { return x.shared && x.lob == nil }) {
		p.open(row{Inspection, "", "inspect"})
	}
	p.early = p.verdict.Fails
	p.verdict = ScenarioVerdict{}
}

// scenario looks at everything under one scenario.
func (p *prover) scenario(s *network.State, sc network.Scenario) {
	p.begin(sc)
	if p.healthyNow() {
		p.verdict.Fails = append(p.verdict.Fails, p.early...)
	}
	w := newSweep(p.estate, s, p.base)
	p.limits(s)
	p.sweepAll(w)
	p.reach(w)
	if !p.bare {
		p.loads(w)
	}
	if p.healthyNow() && !p.afresh {
		p.base = w
		for _, x := range p.pairs {
			w.nodesOn(x)
		}
	}
	p.end()
}

// begin starts the verdict of a scenario.
func (p *prover) begin(sc network.Scenario) {
	p.now = sc
	p.verdict = ScenarioVerdict{ID: sc.ID, Kind: string(sc.Kind), Verdict: Holds, Lost: []string{}, Fails: []string{}}
	if len(sc.Elements) > 0 {
		p.verdict.Element = sc.Elements[0]
	}
}

// end puts the verdict of a scenario down.
func (p *prover) end() {
	switch {
	case len(p.verdict.Fails) > 0:
		p.verdict.Verdict = Fails
	case len(p.verdict.Lost) > 0:
		p.verdict.Verdict = Degraded
	}
	slices.Sort(p.verdict.Fails)
	p.verdict.Fails = slices.Compact(p.verdict.Fails)
	p.out = append(p.out, p.verdict)
}

// result sorts what was gathered.
func (p *prover) result() *Result {
	r := &Result{Properties: []Property{}, Scenarios: p.out}
	for _, x := range p.rows {
		r.Properties = append(r.Properties, *x)
	}
	order := propertyNames()
	slices.SortFunc(r.Properties, func(a, b Property) int {
		return cmp.Or(strings.Compare(a.LineOfBusiness, b.LineOfBusiness), slices.Index(order, a.Name)-slices.Index(order, b.Name), needRank(a.Need)-needRank(b.Need), strings.Compare(a.Need, b.Need))
	})
	for i := range r.Properties {
		r.Properties[i].Assumptions = p.restsOn(&r.Properties[i])
	}
	r.Assumptions = p.namedBy(r.Properties)
	r.Figures = p.figures()
	return r
}

// propertyNames is the printed order.
func propertyNames() []string {
	return []string{Reach, Isolation, Inspection, Symmetry, Bandwidth, Latency, Voice, Dedicated, Availability, NoLoop, NoInternetTransit, NoPremisesTransit, PrefixLimits}
}

// needRank puts plain keys before those of failures.
func needRank(need string) int {
	if strings.HasPrefix(need, "survives.") {
		return 1
	}
	return 0
}

// limits checks the prefix limits (expressroute-faqs.md).
func (p *prover) limits(s *network.State) {
	r := row{PrefixLimits, "", ""}
	p.open(r).Checked += len(p.sessions)
	for _, x := range s.Exceeded() {
		p.fail(r, func() *Counterexample {
			return &Counterexample{Flow: "session " + x.Session, Reason: x.Message,
				Mend: "announce fewer or summarised prefixes on " + x.Session + limitMend(x.Family)}
		})
	}
	if u := s.Unstable(); len(u) > 0 {
		p.fail(row{NoLoop, "", ""}, func() *Counterexample {
			return &Counterexample{Flow: "routes of " + u[0].String(), Reason: "the routers never agree on a route: each choice makes another router choose differently (RFC 4264)",
				Mend: "give the routers preferences that do not depend on each other's choices"}
		})
	}
}

func limitMend(family string) string {
	if family == "ipv4" {
		return ", or use a Premium circuit where the limit is on what the premises announce"
	}
	return ""
}

// survives tells whether a line of business must live through scenarios of a kind.
func survives(n *intent.Needs, k network.Kind) bool {
	switch k {
	case network.Healthy:
		return true
	case network.Maintenance:
		k = network.Router
	}
	return slices.Contains(n.Survives, string(k))
}
