package report

import (
	"fmt"
	"html/template"
	"strings"

	"onramp/choose"
	"onramp/design"
	"onramp/draw"
	"onramp/network"
	"onramp/prove"
)

// mostDrawn is how many counterexamples of the design are drawn; the others are told in words.
const mostDrawn = 6

// cases are the counterexamples of the design.
type cases struct {
	Drawn []counterexample
	Told  []counterexample
}

// counterexample is one property that fails, shown by one flow in one scenario.
type counterexample struct {
	Title            string
	When, Flow       string
	Way              []hop
	Back             []hop
	Reason, Mend     string
	Picture          template.HTML
	Also             []string // other properties that fail in the same way
	Below            bool     // it stands below a heading of its own
	scenario, reason string
}

// hop is one node of a way.
type hop struct{ Node, Kind, How string }

// otherCase is why another pattern does not fit: the first of its counterexamples.
type otherCase struct {
	Pattern string
	Why     string
	Case    *counterexample // nil where no flow shows it
	Unmet   []choose.Unmet
}

func propertyTitle(p *prove.Property) string {
	s := p.Name
	if p.LineOfBusiness != "" {
		s += " of " + p.LineOfBusiness
	}
	if p.Need != "" && p.Need != p.Name {
		s += " (" + p.Need + ")"
	}
	return s
}

func hops(in []network.Hop) []hop {
	var out []hop
	for i := range in {
		h := &in[i]
		var how []string
		if h.Route != "" {
			how = append(how, h.Route)
		}
		if h.Via != "" {
			how = append(how, "via "+h.Via)
		}
		if h.Why != "" {
			how = append(how, "("+h.Why+")")
		}
		out = append(out, hop{h.Node, h.Kind, strings.Join(how, " ")})
	}
	return out
}

// tell makes the words of a counterexample.
func tell(p *prove.Property) counterexample {
	ce := p.Counterexample
	return counterexample{Title: propertyTitle(p), When: ce.Failed, Flow: ce.Flow, Way: hops(ce.Hops), Back: hops(ce.Back), Reason: ce.Reason, Mend: ce.Mend,
		scenario: ce.Scenario, reason: ce.Reason}
}

// paint draws it on the topology; one that is about no flow and no failure has no picture.
func (w *writer) paint(d *design.Design, p *prove.Property, id string) template.HTML {
	ce := p.Counterexample
	if len(ce.Hops) == 0 && (ce.Scenario == "" || ce.Scenario == string(network.Healthy)) {
		return ""
	}
	n := w.network(d)
	sc := network.Scenario{ID: string(network.Healthy), Kind: network.Healthy}
	for _, s := range n.Scenarios() {
		if s.ID == ce.Scenario {
			sc = s
		}
	}
	x := draw.Show(d, draw.Situation{Pieces: n.Pieces(sc), Hops: ce.Hops, Back: ce.Back, Stopped: p.Name == prove.Reach || p.Name == prove.NoLoop})
	x.Title = propertyTitle(p)
	x.Subtitle = strings.TrimSpace(ce.Failed + ". " + x.Subtitle)
	return w.picture(x, id)
}

// cases tells each property that fails; those that fail in the same scenario for the same reason are told together.
func (w *writer) cases() cases {
	var all []counterexample
	var of []*prove.Property
	r := w.in.Proof
	at := map[[2]string]int{}
	for i := range r.Properties {
		p := &r.Properties[i]
		if p.Holds || p.Counterexample == nil {
			continue
		}
		x := tell(p)
		key := [2]string{x.scenario, x.reason}
		if j, ok := at[key]; ok {
			all[j].Also = append(all[j].Also, x.Title)
			continue
		}
		at[key] = len(all)
		all, of = append(all, x), append(of, p)
	}
	var out cases
	for i := range all {
		if i < mostDrawn {
			all[i].Picture = w.paint(w.in.Design, of[i], fmt.Sprintf("case%d", i+1))
			out.Drawn = append(out.Drawn, all[i])
		} else {
			out.Told = append(out.Told, all[i])
		}
	}
	return out
}

// others are the patterns that do not fit, beside the one that the page is about.
func (w *writer) others() []otherCase {
	var out []otherCase
	a := w.in.Answer
	for i := range a.Choice.Ranked {
		r := &a.Choice.Ranked[i]
		if r.Fits || r.Pattern == a.Best || unproved(r) {
			continue
		}
		x := otherCase{Pattern: string(r.Pattern), Why: r.Why, Unmet: r.Failed}
		if proof := a.Proofs[r.Pattern]; proof != nil {
			for j := range proof.Properties {
				p := &proof.Properties[j]
				if !p.Holds && p.Counterexample != nil {
					ce := tell(p)
					ce.Below = true
					ce.Picture = w.paint(a.Designs[r.Pattern], p, "other-"+string(r.Pattern))
					x.Case = &ce
					break
				}
			}
		}
		out = append(out, x)
	}
	return out
}
