package choose

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"onramp/azure"
	"onramp/check"
	"onramp/cost"
	"onramp/design"
	"onramp/intent"
	"onramp/network"
	"onramp/pattern"
	"onramp/prove"
)

// trial is one pattern tried on one estate.
type trial struct {
	pattern design.Pattern
	design  *design.Design // nil when none can be made
	proof   *prove.Result  // nil until it was proved
	bill    *cost.Bill
	figures Figures
	failed  []Unmet // by line of business and need; Relaxation is what the design or the proof suggests
}

// fits tells whether a pattern meets every need, which takes a proof.
func (t *trial) fits() bool { return t.proof != nil && len(t.failed) == 0 }

// unproved tells whether there is a design that was not proved.
func (t *trial) unproved() bool { return t.design != nil && t.proof == nil }

// try compiles, prices, checks and proves a pattern for an estate.
func (h *chooser) try(e *intent.Estate, p design.Pattern) *trial {
	t := h.compile(e, p)
	h.prove([]*trial{t}, nil)
	return t
}

// compile makes the design and prices it.
func (h *chooser) compile(e *intent.Estate, p design.Pattern) *trial {
	t := &trial{pattern: p}
	d, obstacles := pattern.Compile(p, e, h.c, pattern.Options{Keep: h.o.Keep})
	for _, x := range obstacles {
		t.fail(x.LineOfBusiness, x.Need, x.Message, x.Fix)
	}
	if d == nil {
		return t
	}
	t.design, t.bill = d, cost.Month(d, h.c, cost.Options{})
	t.count()
	if e.Budget != nil && cents(t.bill.Total.USD) > cents(float64(*e.Budget)) {
		t.fail("", "budget", fmt.Sprintf("the known part of a month is %.2f USD, the budget %s", t.bill.Total.USD, e.Budget), fmt.Sprintf("raise the budget to %d USD", (cents(t.bill.Total.USD)+99)/100))
	}
	return t
}

// prove fills in verdicts and figures of the routed designs.
func (h *chooser) prove(ts []*trial, progress func(t *trial, done, total int)) {
	ts = slices.DeleteFunc(slices.Clone(ts), func(t *trial) bool { return t.design == nil })
	plans := make([]*prove.Plan, len(ts))
	each(len(ts), func(i int) { plans[i] = h.check(ts[i]) })
	type job struct{ trial, share int }
	var (
		jobs   []job
		shares = make([][]*prove.Share, len(ts))
		told   progressOf
	)
	for i, p := range plans {
		shares[i] = make([]*prove.Share, p.Len())
		for k := range p.Len() {
			jobs = append(jobs, job{i, k})
		}
	}
	each(len(jobs), func(j int) {
		i, k := jobs[j].trial, jobs[j].share
		shares[i][k] = plans[i].Do(k, told.of(ts[i], plans[i], progress))
	})
	each(len(ts), func(i int) { ts[i].judge(plans[i].Join(shares[i])) })
}

// check holds a design against the rules and plans its proof.
func (h *chooser) check(t *trial) *prove.Plan {
	n, unbuilt := network.Build(t.design.Resources, t.design.Premises, h.c, network.Options{})
	for _, f := range unbuilt {
		if f.Severity == design.Error {
			t.fail("", f.Rule, f.Message+" ("+f.At+")", f.Fix)
		}
	}
	for _, f := range check.Check(t.design, h.c) {
		if f.Severity == design.Error {
			t.fail("", f.Rule, f.Message+" ("+f.At+")", f.Fix)
		}
	}
	return prove.NewPlan(t.design, n, h.c)
}

// judge takes the verdicts of a proof.
func (t *trial) judge(proof *prove.Result) {
	t.proof = proof
	for i := range t.proof.Properties {
		if p := &t.proof.Properties[i]; !p.Holds {
			need, why, mend := or(p.Need, p.Name), p.Name+" fails", ""
			if ce := p.Counterexample; ce != nil {
				why, mend = ce.Reason, ce.Mend
				if ce.Scenario != string(network.Healthy) {
					why = ce.Failed + ": " + why
				}
				if ce.Flow != "" {
					why += " (" + ce.Flow + ")"
				}
			}
			t.fail(p.LineOfBusiness, need, why, mend)
		}
	}
	f := t.proof.Figures
	t.figures.WorstShareMbps, t.figures.BlastRadius, t.figures.Headroom, t.figures.LatencyMs, t.figures.Availability = f.WorstShareMbps, f.BlastRadius, f.Headroom, f.LatencyMs, f.Availability
	t.figures.Limits, t.figures.Room = f.Limits, f.Room
	for _, l := range f.LinesOfBusiness {
		t.figures.Shares = append(t.figures.Shares, Share{l.LineOfBusiness, l.WorstShareMbps})
	}
	t.figures.Blasts = blasts(proof)
	slices.SortStableFunc(t.failed, func(a, b Unmet) int {
		return cmp.Or(strings.Compare(a.LineOfBusiness, b.LineOfBusiness), strings.Compare(a.Need, b.Need))
	})
}

// blasts are the elements whose failure stops the most.
func blasts(proof *prove.Result) []Blast {
	out := []Blast{}
	for i := range proof.Scenarios {
		if v := &proof.Scenarios[i]; v.BlastRadius > 0 && v.Kind != string(network.Maintenance) {
			out = append(out, Blast{v.Element, v.BlastRadius})
		}
	}
	slices.SortStableFunc(out, func(a, b Blast) int { return cmp.Compare(b.Radius, a.Radius) })
	return out[:min(len(out), mostBlasts)]
}

// fail notes an unmet need, once: what the design knows is said before what the proof found.
func (t *trial) fail(lob, need, why, mend string) {
	if !slices.ContainsFunc(t.failed, func(u Unmet) bool { return u.LineOfBusiness == lob && u.Need == need }) {
		t.failed = append(t.failed, Unmet{LineOfBusiness: lob, Need: need, Why: why, Relaxation: mend})
	}
}

// unmet tells whether a need fails.
func (t *trial) unmet(lob, need string) bool {
	return t.design == nil || slices.ContainsFunc(t.failed, func(u Unmet) bool { return u.LineOfBusiness == lob && u.Need == need })
}

// count fills in the figures that the design itself shows.
func (t *trial) count() {
	rs := t.design.Resources
	f := &t.figures
	f.Limits, f.Shares, f.Blasts, f.Bills = []prove.Limit{}, []Share{}, []Blast{}, t.bill.ByLineOfBusiness
	f.MonthlyUSD, f.AtLeast = t.bill.Total.USD, t.bill.Total.AtLeast
	f.Circuits = len(azure.Of[*azure.ExpressRouteCircuit](rs))
	f.Gateways = len(azure.Of[*azure.VirtualNetworkGateway](rs))
	f.Firewalls = len(azure.Of[*azure.AzureFirewall](rs))
	halves := 0
	for _, v := range azure.Of[*azure.VirtualNetwork](rs) {
		halves += len(v.Properties.VirtualNetworkPeerings)
	}
	f.Peerings = (halves + 1) / 2
	links := map[string]bool{}
	add := func(r *design.Router) {
		for i := range r.Sessions {
			s := &r.Sessions[i]
			links[s.LocalAddress.Masked().String()] = true
			f.BGPSessions++
		}
	}
	for i := range t.design.Premises.Sites {
		for j := range t.design.Premises.Sites[i].Routers {
			add(&t.design.Premises.Sites[i].Routers[j])
		}
	}
	for i := range t.design.Premises.ProviderEdges {
		r := &t.design.Premises.ProviderEdges[i]
		for j := range r.Sessions { // the customer's end of a session with a customer edge is counted there
			if r.Sessions[j].Circuit != "" {
				links[r.Sessions[j].LocalAddress.Masked().String()] = true
				f.BGPSessions++
			}
		}
	}
	f.TransitPrefixes = len(links)
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
