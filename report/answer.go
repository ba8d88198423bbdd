package report

import (
	"fmt"
	"strings"

	"onramp/choose"
	"onramp/design"
)

// answer is the first thing of the page.
type answer struct {
	Good     bool
	Sentence string
	Why      string
	Gloss    string // what the pattern is, in plain words
	Figures  []keyFigure
	Unmet    *table // needs that no pattern meets, with what would do
	Together string
}

// keyFigure is one large number.
type keyFigure struct{ Label, Value, Note string }

// gloss is what a pattern is, in plain words.
func gloss(p design.Pattern) string {
	switch p {
	case design.Shared:
		return "One set of circuits for everybody; each network connects to it with a gateway of its own."
	case design.SharedHubSpoke:
		return "One set of circuits for everybody; a hub network connects to it, and the others are its spokes."
	case design.Isolated:
		return "A circuit for each line of business; its networks connect to it with gateways of their own."
	case design.IsolatedHubSpoke:
		return "A circuit and a hub for each line of business; its other networks are the hub's spokes."
	}
	return ""
}

func (w *writer) answer() answer {
	d, r, b := w.in.Design, w.in.Proof, w.in.Bill
	a := answer{Gloss: gloss(d.Pattern)}
	cost := money(b.Total.USD, b.Total.AtLeast)
	failed := 0
	for i := range r.Properties {
		if !r.Properties[i].Holds {
			failed++
		}
	}
	switch {
	case w.in.Answer == nil && failed == 0:
		a.Good = true
		a.Sentence = fmt.Sprintf("The design of %s meets every need that it states, for %s a month.", d.Name, cost)
	case w.in.Answer == nil:
		a.Sentence = fmt.Sprintf("The design of %s fails %d of %d properties; it costs %s a month.", d.Name, failed, len(r.Properties), cost)
	case w.in.Answer.Choice.Chosen != nil:
		c := &w.in.Answer.Choice
		a.Good = true
		a.Sentence = fmt.Sprintf("Use the pattern %s: it meets every need, for %s a month.", *c.Chosen, cost)
		for i := range c.Ranked {
			if c.Ranked[i].Pattern == *c.Chosen {
				a.Why = fmt.Sprintf("It %s.", grouped(c.Ranked[i].Why))
			}
		}
	default:
		c := &w.in.Answer.Choice
		a.Sentence = fmt.Sprintf("No pattern meets every need. The nearest is %s: it fails %s.", c.Nearest, unmetWords(c.Unmet))
		a.Why = "The rest of this page describes the nearest pattern."
		a.Unmet = unmetTable(c.Unmet)
		if c.Together != "" {
			a.Together = grouped(strings.ToUpper(c.Together[:1]) + c.Together[1:] + ".")
		}
	}
	f := r.Figures
	a.Figures = []keyFigure{{"a month", cost, "list prices, without tax or discount"}}
	if b.Total.AtLeast {
		a.Figures[0].Note = fmt.Sprintf("%s without a published price come on top", count(len(b.Unknown), "item"))
	}
	bad := 0
	for _, s := range r.Scenarios {
		if s.Verdict == "fails" {
			bad++
		}
	}
	a.Figures = append(a.Figures,
		keyFigure{"properties hold", fmt.Sprintf("%d of %d", len(r.Properties)-failed, len(r.Properties)), ""},
		keyFigure{"scenarios break no need", fmt.Sprintf("%d of %d", len(r.Scenarios)-bad, len(r.Scenarios)), "every single failure, every maintenance"},
		keyFigure{"of needed flows stop in the worst single failure", percent(f.BlastRadius), scenarioWords(f.BlastScenario)},
		keyFigure{"least share when everybody sends", fmt.Sprintf("%.0f Mbps", f.WorstShareMbps), "of a line of business, nothing failed"},
		keyFigure{"longest round trip", fmt.Sprintf("%.1f ms", f.LatencyMs), "site to Microsoft, nothing failed"})
	if f.Availability != nil {
		a.Figures = append(a.Figures, keyFigure{"availability", fmt.Sprintf("%.3f %%", *f.Availability), "of time"})
	}
	return a
}

func percent(part float64) string { return fmt.Sprintf("%.0f %%", 100*part) }

func scenarioWords(id string) string {
	if id == "" || id == "healthy" {
		return ""
	}
	kind, name, ok := strings.Cut(id, ":")
	if !ok {
		return id
	}
	return kindWords(kind) + " " + name
}

// unmetWords says which needs of whom fail: "survives.location of payments".
func unmetWords(unmet []choose.Unmet) string {
	var needs []string
	who := map[string][]string{}
	for _, u := range unmet {
		if _, ok := who[u.Need]; !ok {
			needs = append(needs, u.Need)
			who[u.Need] = nil
		}
		if u.LineOfBusiness != "" {
			who[u.Need] = append(who[u.Need], u.LineOfBusiness)
		}
	}
	for i, n := range needs {
		if len(who[n]) > 0 {
			needs[i] = n + " of " + list(who[n], 5)
		}
	}
	return strings.Join(needs, "; ")
}

func unmetTable(unmet []choose.Unmet) *table {
	t := &table{Caption: "Needs that are not met", Head: texts("Line of business", "Need", "Why", "What would do")}
	for _, u := range unmet {
		t.Rows = append(t.Rows, texts(or(u.LineOfBusiness, "everybody"), u.Need, grouped(u.Why), or(grouped(u.Relaxation), "nothing that was tried")))
	}
	return t.folded()
}
