package report

import (
	"fmt"
	"html/template"
	"slices"
	"strings"

	"onramp/draw"
	"onramp/network"
	"onramp/prove"
)

// verdicts is the proof: who gets what, and what each kind of failure does.
type verdicts struct {
	Matrix  *table // lines of business x properties
	Failing *table // its rows with a failure, where it is folded away
	Estate  *table // what concerns everybody
	Kinds   *table // failures by kind
	Hurt    *table // the failures that lose flows
	All     *table // every property
	// Worst is the single failure that stops most of what is needed; nil where none stops anything.
	Worst *worst
	// Availability is what part of the time each line of business has what it needs.
	Availability availability
	Scenario     string // how many were looked at
}

func (w *writer) verdicts() verdicts {
	r := w.in.Proof
	v := verdicts{Scenario: fmt.Sprintf("%s and %s were looked at.", count(len(r.Properties), "property"), count(len(r.Scenarios), "scenario"))}
	if v.Matrix = matrix(r); v.Matrix != nil && v.Matrix.Fold {
		failing := &table{Caption: "Lines of business with a need that fails", Head: v.Matrix.Head}
		for _, row := range v.Matrix.Rows {
			if slices.ContainsFunc(row, func(c cell) bool { return c.Mark == "bad" }) {
				failing.Rows = append(failing.Rows, row)
			}
		}
		if n := len(failing.Rows); n > 0 && n < len(v.Matrix.Rows) {
			v.Failing = failing.folded()
		}
	}
	v.Estate = &table{Caption: "What concerns the whole estate", Head: texts("Property", "Verdict", "What it means")}
	v.All = &table{Caption: "Every property", Head: []cell{text("Line of business"), text("Property"), text("Need"), text("Verdict"), {Text: "Flows looked at", Num: true}, text("Rests on")}, Fold: true}
	for i := range r.Properties {
		p := &r.Properties[i]
		if p.LineOfBusiness == "" {
			v.Estate.Rows = append(v.Estate.Rows, []cell{text(p.Name), verdictCell(p.Holds, ""), text(meaning(p.Name))})
		}
		v.All.Rows = append(v.All.Rows, []cell{text(or(p.LineOfBusiness, "everybody")), text(p.Name), text(or(p.Need, "–")), verdictCell(p.Holds, ""), num(fmt.Sprint(p.Checked)), text(or(strings.Join(p.Assumptions, ", "), "–"))})
	}
	v.Kinds = kinds(r)
	v.Availability = w.availability()
	v.Worst = w.worst()
	v.Hurt = hurt(r)
	return v
}

// worst is the single failure that stops most.
type worst struct {
	Words   string
	Picture template.HTML
}

func (w *writer) worst() *worst {
	f := &w.in.Proof.Figures
	if f.BlastRadius <= 0 {
		return nil
	}
	n := w.network(w.in.Design)
	for _, sc := range n.Scenarios() {
		if sc.ID != f.BlastScenario {
			continue
		}
		x := draw.Show(w.in.Design, draw.Situation{Pieces: n.Pieces(sc)})
		x.Title, x.Subtitle = "The worst single failure: "+scenarioWords(sc.ID), "Crossed out: out of service."
		return &worst{Words: fmt.Sprintf("The single failure that stops most is that of %s: %s of the needed flows stop. A need is broken only where somebody asked to survive it.", scenarioWords(sc.ID), percent(f.BlastRadius)), Picture: w.picture(x, "worst")}
	}
	return nil
}

func verdictCell(holds bool, what string) cell {
	if holds {
		return cell{Text: "holds", Mark: "good"}
	}
	return cell{Text: strings.TrimSpace("fails " + what), Mark: "bad"}
}

// matrix has a row for each line of business and a column for each property that one of them has.
func matrix(r *prove.Result) *table {
	var names, lobs []string
	type key struct{ lob, name string }
	fails, there := map[key][]string{}, map[key]int{}
	for i := range r.Properties {
		p := &r.Properties[i]
		if p.LineOfBusiness == "" {
			continue
		}
		if !slices.Contains(names, p.Name) {
			names = append(names, p.Name)
		}
		if !slices.Contains(lobs, p.LineOfBusiness) {
			lobs = append(lobs, p.LineOfBusiness)
		}
		k := key{p.LineOfBusiness, p.Name}
		there[k]++
		if !p.Holds {
			fails[k] = append(fails[k], p.Need)
		}
	}
	if len(lobs) == 0 {
		return nil
	}
	order := []string{prove.Reach, prove.Isolation, prove.Inspection, prove.Symmetry, prove.Bandwidth, prove.Latency, prove.Voice, prove.Dedicated, prove.Availability}
	slices.SortStableFunc(names, func(a, b string) int { return slices.Index(order, a) - slices.Index(order, b) })
	t := &table{Caption: "Verdicts by line of business", Note: "A dash: the line of business does not ask for it.", Head: append(texts("Line of business"), texts(names...)...)}
	for _, lob := range lobs {
		row := texts(lob)
		for _, name := range names {
			k := key{lob, name}
			switch {
			case there[k] == 0:
				row = append(row, text("–"))
			default:
				row = append(row, verdictCell(len(fails[k]) == 0, strings.Join(fails[k], ", ")))
			}
		}
		t.Rows = append(t.Rows, row)
	}
	return t.folded()
}

// meaning says what a property of the whole estate is.
func meaning(name string) string {
	switch name {
	case prove.Inspection:
		return "flows of the shared services pass a firewall"
	case prove.NoLoop:
		return "no packet goes round in circles, and the routers agree on their routes"
	case prove.NoInternetTransit:
		return "nothing that is meant for the sites or the networks leaves by the internet"
	case prove.NoPremisesTransit:
		return "lines of business meet on the premises only where the intent allows it"
	case prove.PrefixLimits:
		return "no session carries more prefixes than its published limit"
	}
	return ""
}

// kindWords is a kind of scenario for people.
func kindWords(kind string) string {
	switch network.Kind(kind) {
	case network.Healthy:
		return "nothing failed"
	case network.GatewayKind:
		return "gateway instance"
	case network.Firewall:
		return "firewall instance"
	case network.Location:
		return "peering location"
	case network.Maintenance:
		return "maintenance of an MSEE"
	}
	return kind
}

// kinds counts verdicts by kind of failure.
func kinds(r *prove.Result) *table {
	t := &table{Caption: "What each single failure does, by kind",
		Note: "Holds: no flow is lost and no need broken. Degraded: flows are lost that nobody asked to survive. Fails: a need is broken.",
		Head: []cell{text("What fails"), {Text: "Scenarios", Num: true}, {Text: "Holds", Num: true}, {Text: "Degraded", Num: true}, {Text: "Fails", Num: true}, text("Which do not hold")}}
	var order []string
	counts := map[string]map[string]int{}
	which := map[string][]string{}
	for _, s := range r.Scenarios {
		if counts[s.Kind] == nil {
			order = append(order, s.Kind)
			counts[s.Kind] = map[string]int{}
		}
		counts[s.Kind][s.Verdict]++
		if s.Verdict != prove.Holds {
			_, name, _ := strings.Cut(s.ID, ":")
			which[s.Kind] = append(which[s.Kind], or(name, s.ID))
		}
	}
	// A zero is a dash, so that what is not zero stands out.
	digit := func(n int, mark string) cell {
		if n == 0 {
			return num("–")
		}
		return cell{Text: fmt.Sprint(n), Num: true, Mark: mark}
	}
	for _, k := range order {
		c := counts[k]
		t.Rows = append(t.Rows, []cell{text(kindWords(k)), num(fmt.Sprint(c[prove.Holds] + c[prove.Degraded] + c[prove.Fails])),
			digit(c[prove.Holds], "good"), digit(c[prove.Degraded], "warn"), digit(c[prove.Fails], "bad"), text(or(list(which[k], 6), "–"))})
	}
	return t
}

// hurt lists the failures that lose flows, with the flows.
func hurt(r *prove.Result) *table {
	const most = 5
	t := &table{Caption: "Failures that lose flows or break a need", Head: texts("Scenario", "Verdict", "Needs that break", "Flows that are lost"), Fold: true}
	for _, s := range r.Scenarios {
		if s.Verdict == prove.Holds {
			continue
		}
		c := cell{Text: s.Verdict, Mark: "warn"}
		if s.Verdict == prove.Fails {
			c.Mark = "bad"
		}
		lost := "–"
		if len(s.Lost) > 0 {
			lost = count(len(s.Lost), "flow") + ": " + list(s.Lost, most)
		}
		t.Rows = append(t.Rows, []cell{text(s.ID), c, text(or(list(s.Fails, most), "–")), text(lost)})
	}
	if len(t.Rows) == 0 {
		return nil
	}
	return t
}
