package report

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"slices"
	"strings"

	"onramp/catalog"
	"onramp/design"
	"onramp/draw"
	"onramp/network"
	"onramp/rehearse"
)

//go:embed scripted.html
var scriptedText string

// scriptedPage is what the template fills in.
type scriptedPage struct {
	Name        string
	Style       template.CSS
	Seed        uint64
	Contents    []link
	Answer      answer
	All         *table
	Drills      []scriptedView
	Assumptions *table
}

// scriptedView is one drill of the page.
type scriptedView struct {
	ID            string
	Name          string
	About         string
	Words         string
	Wrong         bool // not as proved or not as expected
	Disagreements *table
	Expect        *table
	Steps         *table
	Timeline      template.HTML
	Flows         *table
	Checks        *table
}

const (
	mostLinks = 24 // drills that the contents name one by one
	mostUnmet = 12 // flows that are named where an expectation is not met
)

// Script writes the result of a script's drills as one page, as Rehearsal does for the drills of every element. The error says which
// picture has no meaning, which is a fault of this program.
func Script(d *design.Design, r *rehearse.Scripted, c *catalog.Catalog) ([]byte, error) {
	w := &writer{in: Input{Design: d}, c: c, networks: map[*design.Design]*network.Network{}}
	p := scriptedPage{Name: d.Name, Seed: r.Seed, Style: template.CSS(styleText + rehearsalStyle + onScreen(draw.TimelineStyle())), Answer: scriptedAnswer(r), All: scriptedDrills(r)}
	p.Contents = []link{{"answer", "The answer"}, {"all", "Every drill"}, {"drills", "What happened in each"}}
	for i := range r.Drills {
		x := &r.Drills[i]
		v := w.scripted(x, r, i+1)
		p.Drills = append(p.Drills, v)
		if len(r.Drills) <= mostLinks {
			p.Contents = append(p.Contents, link{v.ID, x.Name})
		}
	}
	p.Contents = append(p.Contents, link{"assumptions", "What it rests on"})
	p.Assumptions = &table{Caption: "Assumptions", Head: texts("Name", "What is assumed", "Why")}
	for _, a := range r.Assumptions {
		p.Assumptions.Rows = append(p.Assumptions.Rows, texts(a.Name, a.Text, or(a.Reason, "–")))
	}
	if w.err != nil {
		return nil, w.err
	}
	t, err := template.New("page").Parse(pageText)
	if err == nil {
		t, err = t.New("scripted").Parse(scriptedText)
	}
	if err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, &p); err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	return b.Bytes(), nil
}

// scriptedLoss is what the flows of a drill lost.
type scriptedLoss struct {
	hit, lost int
	outage    float64 // the longest, ms
	of        *rehearse.ScriptedFlow
}

func lostIn(d *rehearse.ScriptedDrill) scriptedLoss {
	var out scriptedLoss
	for i := range d.Flows {
		f := &d.Flows[i]
		if f.Lost+f.RepairLost == 0 {
			continue
		}
		out.hit++
		out.lost += f.Lost + f.RepairLost
		if f.OutageMs > out.outage {
			out.outage, out.of = f.OutageMs, f
		}
	}
	return out
}

func scriptedAnswer(r *rehearse.Scripted) answer {
	a := answer{Good: r.Agrees && r.Met}
	disagree, unmet, met, all, lost, quiet := 0, 0, 0, 0, 0, 0
	var worst scriptedLoss
	at := ""
	for i := range r.Drills {
		d := &r.Drills[i]
		if !d.Agrees {
			disagree++
		}
		if !d.Met {
			unmet++
		}
		for k := range d.Expect {
			all++
			if d.Expect[k].Met {
				met++
			}
		}
		l := lostIn(d)
		lost += l.lost
		if l.lost == 0 {
			quiet++
		}
		if l.outage > worst.outage {
			worst, at = l, d.Name
		}
	}
	var not []string
	if disagree > 0 {
		not = append(not, fmt.Sprintf("%d %s not as proved", disagree, areWord(disagree)))
	}
	if unmet > 0 {
		not = append(not, fmt.Sprintf("%d %s not as expected", unmet, areWord(unmet)))
	}
	drills := count(len(r.Drills), "drill")
	switch {
	case len(not) > 0:
		a.Sentence = fmt.Sprintf("Of %s %s.", drills, list(not, len(not)))
	case all == 0:
		a.Sentence = drills + " run, and everything that was seen is what the proof says."
	default:
		a.Sentence = drills + " run, and everything that was seen is what the proof says and what the script expects."
	}
	if worst.of != nil {
		a.Why = fmt.Sprintf("The longest outage is %s, in %s: %s.", lasting(worst.outage), at, scriptedFlowWords(worst.of))
	} else {
		a.Why = "No flow loses a packet."
	}
	a.Gloss = "While anything changes every needed flow sends a packet each " + lasting(r.ProbeMs) + "."
	a.Figures = []keyFigure{{"drills", thousands(len(r.Drills)), "over " + count(len(r.Flows), "needed flow")}, {"as proved", fmt.Sprintf("%d of %d", len(r.Drills)-disagree, len(r.Drills)), ""}}
	if all > 0 {
		a.Figures = append(a.Figures, keyFigure{"expectations met", fmt.Sprintf("%d of %d", met, all), ""})
	}
	if worst.of != nil {
		a.Figures = append(a.Figures, keyFigure{"longest outage", lasting(worst.outage), at})
	}
	a.Figures = append(a.Figures, keyFigure{"packets lost in all", thousands(lost), fmt.Sprintf("of the probes; none in %s", count(quiet, "drill"))},
		keyFigure{"assumptions", thousands(len(r.Assumptions)), "told at the end"})
	return a
}

func areWord(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

func scriptedFlowWords(f *rehearse.ScriptedFlow) string {
	return fmt.Sprintf("%s, %s to %s", f.Flow, f.From, f.To)
}

// yesNo is a cell that says whether something is as it should be.
func yesNo(yes bool) cell {
	if yes {
		return cell{Text: "yes", Mark: "good"}
	}
	return cell{Text: "no", Mark: "bad"}
}

// dashed is a number, or a dash for none.
func dashed(n int) cell {
	if n == 0 {
		return num("–")
	}
	return num(thousands(n))
}

func dashedMs(ms float64) cell {
	if ms <= 0 {
		return num("–")
	}
	return num(lasting(ms))
}

// scriptedDrills has a row for each drill.
func scriptedDrills(r *rehearse.Scripted) *table {
	t := &table{Caption: "The drills of the script, in the order in which it has them", Head: []cell{text("Drill"), text("As proved"), text("As expected"), {Text: "Lasts", Num: true}, {Text: "Flows hit", Num: true},
		{Text: "Longest outage", Num: true}, {Text: "Packets lost", Num: true}}}
	for i := range r.Drills {
		d := &r.Drills[i]
		l := lostIn(d)
		expected := yesNo(d.Met)
		if len(d.Expect) == 0 {
			expected = text("–")
		}
		t.Rows = append(t.Rows, []cell{text(d.Name), yesNo(d.Agrees), expected, num(lasting(d.EndedMs)), dashed(l.hit), dashedMs(l.outage), dashed(l.lost)})
	}
	return t
}

// scripted is one drill with its picture.
func (w *writer) scripted(d *rehearse.ScriptedDrill, r *rehearse.Scripted, number int) scriptedView {
	v := scriptedView{ID: fmt.Sprintf("drill%d", number), Name: d.Name, About: d.About, Words: scriptedWords(d), Wrong: !d.Agrees || !d.Met}
	v.Disagreements, v.Expect, v.Steps, v.Flows, v.Checks = scriptedWrong(d), scriptedExpect(d), scriptedSteps(d), scriptedFlows(d), scriptedChecks(d)
	t, ok := ScriptTimeline(d, r)
	if !ok {
		return v
	}
	t.ID, t.Title, t.Subtitle = fmt.Sprintf("timeline%d", number), d.Name, ""
	var b bytes.Buffer
	if err := draw.TimelineSVG(&b, t); err != nil && w.err == nil {
		w.err = fmt.Errorf("report: %w", err)
	}
	v.Timeline = framed(b.Bytes())
	return v
}

// scriptedWords say what a drill came to.
func scriptedWords(d *rehearse.ScriptedDrill) string {
	var out []string
	if l := lostIn(d); l.of != nil {
		out = append(out, fmt.Sprintf("%s hit, the longest outage %s, %s lost in all.", count(l.hit, "flow"), lasting(l.outage), thousands(l.lost)+" "+plural(l.lost, "packet")))
	} else if l.lost > 0 {
		out = append(out, "Packets are lost after the last repair only.")
	} else {
		out = append(out, "Nobody loses a packet.")
	}
	if n := len(d.Disagreements); !d.Agrees {
		out = append(out, fmt.Sprintf("It is not as proved: %s.", count(n, "disagreement")))
	} else {
		out = append(out, "All is as proved.")
	}
	met := 0
	for i := range d.Expect {
		if d.Expect[i].Met {
			met++
		}
	}
	switch n := len(d.Expect); {
	case n == 0:
		out = append(out, "Nothing more was expected of it.")
	case met == n:
		out = append(out, "All is as expected.")
	default:
		out = append(out, fmt.Sprintf("Of %s %d %s not met.", count(n, "expectation"), n-met, areWord(n-met)))
	}
	return strings.Join(out, " ")
}

// scriptedWrong are the disagreements with the proof; nil for none.
func scriptedWrong(d *rehearse.ScriptedDrill) *table {
	if len(d.Disagreements) == 0 {
		return nil
	}
	t := &table{Caption: "What is not as proved", Head: texts("Flow", "When", "The proof says", "What was seen", "Where packets ended")}
	for k, x := range d.Disagreements {
		if k == mostWrong {
			t.Note = fmt.Sprintf("The first %d of %d; --json has all.", mostWrong, len(d.Disagreements))
			break
		}
		t.Rows = append(t.Rows, []cell{{Text: or(x.Flow, "everybody"), Mark: "bad"}, text(x.When), text(x.Proof), text(x.Seen), text(or(x.Ended, "–"))})
	}
	return t
}

// scriptedExpect are the expectations, with the flows that did not meet them; nil for none.
func scriptedExpect(d *rehearse.ScriptedDrill) *table {
	if len(d.Expect) == 0 {
		return nil
	}
	t := &table{Caption: "What was expected", Head: []cell{text("Expected"), {Text: "Flows", Num: true}, text("Met"), text("What did not meet it")}}
	if d.Met {
		t.Head = t.Head[:3]
	}
	for i := range d.Expect {
		e := &d.Expect[i]
		row := []cell{text(e.Expects), num(thousands(e.Flows)), yesNo(e.Met)}
		if !d.Met {
			row = append(row, text(or(strings.Join(e.Not[:min(len(e.Not), mostUnmet)], "; "), "–")))
			if n := len(e.Not) - mostUnmet; n > 0 {
				row[3].Text += fmt.Sprintf("; and %d more, which --json has", n)
			}
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// scriptedSteps is what happened when, and what came of it until the next.
func scriptedSteps(d *rehearse.ScriptedDrill) *table {
	t := &table{Caption: "Steps", Note: "Each counts up to the next.", Head: []cell{{Text: "At", Num: true}, text("What happens"), {Text: "Flows hit", Num: true}, {Text: "Longest outage", Num: true}, {Text: "Packets lost", Num: true},
		{Text: "Routes settle", Num: true}}}
	row := func(at float64, what string, c *rehearse.Change) {
		settle := num("–")
		if c.Routes > 0 {
			settle = num(lasting(c.ControlMs))
		}
		t.Rows = append(t.Rows, []cell{num(fixed(at) + " s"), text(what), dashed(c.Hit), dashedMs(c.OutageMs), dashed(c.Lost), settle})
	}
	for i := range d.Steps {
		s := &d.Steps[i]
		row(s.AtMs, strings.Join(s.What, "; "), &s.Change)
	}
	row(d.EndedMs, "all is repaired", &d.Repair)
	return t.folded()
}

// scriptedFlows are the flows that lost packets, folded; nil for none.
func scriptedFlows(d *rehearse.ScriptedDrill) *table {
	t := &table{Caption: "Flows that lost packets", Head: []cell{text("Flow"), text("From"), text("To"), {Text: "Outages", Num: true}, {Text: "Longest", Num: true}, {Text: "Together", Num: true},
		{Text: "Packets lost", Num: true}, {Text: "After the last repair", Num: true}, text("Where they ended")}, Fold: true}
	hit := 0
	for i := range d.Flows {
		f := &d.Flows[i]
		if f.Lost+f.RepairLost == 0 {
			continue
		}
		if hit++; hit > mostFlowRows {
			continue
		}
		where := "–"
		longest := -1.0
		for _, o := range f.Outages {
			if l := o.ToMs - o.FromMs; l > longest {
				longest, where = l, or(o.Where, "–")
			}
		}
		t.Rows = append(t.Rows, []cell{text(f.Flow), text(f.From), text(f.To), dashed(len(f.Outages)), dashedMs(f.OutageMs), dashedMs(f.DowntimeMs), dashed(f.Lost), dashed(f.RepairLost), text(where)})
	}
	if hit == 0 {
		return nil
	}
	if hit > mostFlowRows {
		t.Note = fmt.Sprintf("The worst %d of %d; --json has all.", mostFlowRows, hit)
	}
	return t
}

// scriptedChecks are the times at which the estate was held against the proof.
func scriptedChecks(d *rehearse.ScriptedDrill) *table {
	t := &table{Caption: "Held against the proof", Head: []cell{{Text: "At", Num: true}, text("When"), text("What was wrong then"), text("As proved")}, Fold: d.Agrees}
	for i := range d.Checks {
		c := &d.Checks[i]
		as := yesNo(!slices.ContainsFunc(d.Disagreements, func(x rehearse.Disagreement) bool { return x.When == c.When }))
		if !c.Held {
			as.Text += ", what could be compared: " + c.Why
		}
		t.Rows = append(t.Rows, []cell{num(fixed(c.AtMs) + " s"), text(c.When), text(or(strings.Join(c.Wrong, "; "), "nothing")), as})
	}
	return t
}
