package main

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"onramp/catalog"
	"onramp/check"
	"onramp/choose"
	"onramp/conform"
	"onramp/cost"
	"onramp/design"
	"onramp/network"
	"onramp/prove"
	"onramp/rehearse"
)

// plan is what a command works on: one design with its proof and bill, and the choice it came from (nil for a design.json).
type plan struct {
	input   *input
	answer  *choose.Answer
	design  *design.Design
	proof   *prove.Result
	bill    *cost.Bill
	checked []design.Finding
	drilled *rehearse.Result // nil where nothing was rehearsed
	seen    *conform.Result  // nil where nothing was deployed
}

// makePlan takes an intent to its chosen (or nearest) design, or a design.json as it is; progress goes to stderr.
func makePlan(cmd *cobra.Command, c *catalog.Catalog, in *input, o choose.Options, p *progress) (*plan, error) {
	pl := &plan{input: in}
	if in.design != nil {
		if o.Pattern != "" || o.Keep != nil {
			return nil, usageError(fmt.Errorf("%s is a design already; --pattern and --from go with an intent", in.name))
		}
		pl.design = in.design
		return pl, nil
	}
	// Each pattern fills a quarter of the bar while it is proved; then come the variations or relaxations that are tried.
	const steps = 100
	stages := map[string]*stage{"prove": p.Stage("compare", steps*len(design.Patterns()))}
	at := map[string]int{}
	step := func(name string, to int, note string) {
		if d := to - at[name]; d > 0 {
			at[name] = to
			stages[name].Step(d, note)
		}
	}
	scenarios := map[design.Pattern]int{}
	o.Progress = func(what string, pattern design.Pattern, done, total int) {
		quarter := slices.Index(design.Patterns(), pattern) * steps
		switch what {
		case "prove":
			scenarios[pattern] = total
			step("prove", quarter+done*steps/max(total, 1), string(pattern))
		case "design":
			step("prove", quarter+steps, string(pattern))
			if done == total {
				sum := 0
				for _, n := range scenarios {
					sum += n
				}
				stages["prove"].Done(fmt.Sprintf("%s designed, priced and proved in %s", count(len(scenarios), "pattern"), count(sum, "scenario")))
			}
		default:
			if stages[what] == nil {
				stages[what] = p.Stage(what, total)
			}
			step(what, done, "")
			if done == total {
				stages[what].Done(map[string]string{"relax": "relaxations of the unmet needs tried", "vary": "changes that would lead to another pattern tried"}[what])
			}
		}
	}
	a, err := choose.Choose(in.estate, c, o)
	st := p.Stage("choose", 1)
	if err != nil {
		st.Fail("no pattern can be designed")
		return nil, failed(err)
	}
	pl.answer = a
	pl.design, pl.proof, pl.bill = a.Designs[a.Best], a.Proofs[a.Best], a.Bills[a.Best]
	if a.Choice.Chosen != nil {
		st.Done(string(*a.Choice.Chosen))
	} else {
		st.Fail("no pattern meets every need; the nearest is " + string(a.Best))
	}
	return pl, nil
}

// prove fills the proof in, if choosing has not already.
func (pl *plan) prove(c *catalog.Catalog, p *progress, failures int) error {
	if pl.proof != nil {
		return nil
	}
	n, _ := network.Build(pl.design.Resources, pl.design.Premises, c, network.Options{})
	st := p.Stage("prove", len(n.Scenarios()))
	done := 0
	var together *stage
	pl.proof = prove.Prove(pl.design, n, c, prove.Options{Failures: failures, Progress: func(d, total int) {
		if together == nil && d <= done { // the failures one by one are done, and those together begin
			together, done = p.Stage("combine", total), 0
		}
		x := st
		if together != nil {
			x = together
		}
		x.Step(d-done, "")
		done = d
	}})
	bad := failedProperties(pl.proof)
	summary := fmt.Sprintf("%s in %s", count(len(pl.proof.Properties), "property"), count(len(pl.proof.Scenarios), "scenario"))
	if bad > 0 {
		st.Fail(fmt.Sprintf("%s, %d fail", summary, bad))
	} else {
		st.Done(summary + ", all hold")
	}
	if x := pl.proof.Combined; x != nil {
		if together == nil {
			together = p.Stage("combine", 1)
		}
		together.Done(fmt.Sprintf("%s of up to %d elements", count(x.Looked, "combination"), x.Most))
	}
	return nil
}

func failedProperties(r *prove.Result) int {
	bad := 0
	for i := range r.Properties {
		if !r.Properties[i].Holds {
			bad++
		}
	}
	return bad
}

// check fills the findings in and returns how many are errors.
func (pl *plan) check(c *catalog.Catalog) int {
	pl.checked = check.Check(pl.design, c)
	bad := 0
	for _, f := range pl.checked {
		if f.Severity == design.Error {
			bad++
		}
	}
	return bad
}

func (pl *plan) price(c *catalog.Catalog) {
	if pl.bill == nil {
		pl.bill = cost.Month(pl.design, c, cost.Options{})
	}
}
