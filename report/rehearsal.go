package report

import (
	"bytes"
	"cmp"
	_ "embed"
	"fmt"
	"html/template"
	"slices"
	"strings"

	"onramp/catalog"
	"onramp/design"
	"onramp/draw"
	"onramp/network"
	"onramp/prove"
	"onramp/rehearse"
)

//go:embed rehearsal.html
var rehearsalText string

//go:embed rehearsal.css
var rehearsalStyle string

// rehearsalPage is what the template fills in.
type rehearsalPage struct {
	Name        string
	Style       template.CSS
	Seed        uint64
	Contents    []link
	Answer      answer
	Wrong       []*table // a table for each drill that is not as proved
	Longest     *table
	Lines       template.HTML // lines of business beside kinds of element; empty where there is one line
	Matrix      template.HTML
	Allowance   string
	Drills      []drillView
	Others      []drillView
	OthersNote  string
	Scores      scores
	All         *table
	Assumptions *table
}

// drillView is one drill of the page.
type drillView struct {
	ID       string
	Title    string
	Brief    string
	Words    string
	Wrong    bool
	Facts    []fact
	Timeline template.HTML
	Topology template.HTML
	Flows    *table
}

const (
	mostWrongDrills = 10 // disagreeing drills that are shown
	mostWrong       = 12 // disagreements of each
	mostOthers      = 24 // drills of which there is the timeline alone
	mostFlowRows    = 60 // flows of a drill
	mostDrillRows   = 250
)

// Rehearsal writes a rehearsal as one page, as HTML does for an answer. The error says which picture has no meaning, which is a fault of
// this program.
func Rehearsal(d *design.Design, r *rehearse.Result, c *catalog.Catalog) ([]byte, error) {
	w := &writer{in: Input{Design: d}, c: c, networks: map[*design.Design]*network.Network{}}
	x := &rehearsalWriter{writer: w, d: d, r: r}
	h := newHits(r)
	p := rehearsalPage{Name: d.Name, Seed: r.Seed, Style: template.CSS(styleText + rehearsalStyle + onScreen(draw.Style()+draw.TimelineStyle())), Allowance: lasting(r.AllowanceMs)}
	p.Answer = x.answer()
	p.Wrong = x.wrong()
	p.Longest = x.longest()
	p.Lines = x.lines()
	p.Matrix = h.table()
	x.drills(&p)
	p.Scores = x.scores()
	p.All = x.all()
	p.Assumptions = &table{Caption: "Assumptions", Head: texts("Name", "What is assumed", "Why")}
	for _, a := range slices.Concat(r.Assumptions, r.Resiliency.Assumptions) {
		p.Assumptions.Rows = append(p.Assumptions.Rows, texts(a.Name, a.Text, or(a.Reason, "–")))
	}
	if w.err != nil {
		return nil, w.err
	}
	p.Contents = p.contents()
	t, err := template.New("page").Parse(pageText)
	if err == nil {
		t, err = t.New("rehearsal").Parse(rehearsalText)
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

func (p *rehearsalPage) contents() []link {
	out := []link{{"answer", "The answer"}}
	add := func(there bool, id, text string) {
		if there {
			out = append(out, link{id, text})
		}
	}
	add(len(p.Wrong) > 0, "wrong", "What is not as proved")
	add(p.Longest != nil, "longest", "What takes longest")
	add(true, "matrix", "Who feels what")
	add(len(p.Drills) > 0, "drills", "The worst of each kind")
	add(len(p.Others) > 0, "others", "Further drills")
	add(!p.Scores.Empty(), "scores", "Index, bandwidth, isolation")
	add(true, "all", "Every drill")
	add(true, "assumptions", "What it rests on")
	return out
}

// rehearsalWriter makes the views of a rehearsal.
type rehearsalWriter struct {
	*writer
	d     *design.Design
	r     *rehearse.Result
	flows map[string]*prove.Flow // by flowKey; made when needed
	base  *network.State
}

func (x *rehearsalWriter) answer() answer {
	r := x.r
	a := answer{Good: r.Agrees}
	bad, quiet, lost, most := 0, 0, 0, 0
	var worst *rehearse.Drill
	var goneAt *rehearse.Drill
	for i := range r.Drills {
		d := &r.Drills[i]
		if !d.Agrees {
			bad++
		}
		if d.Failure.Lost == 0 {
			quiet++
		}
		lost += d.Failure.Lost
		if f := worstOf(d); f != nil && (worst == nil || f.OutageMs > worstOf(worst).OutageMs) {
			worst = d
		}
		if n := goneFlows(d); n > most {
			most, goneAt = n, d
		}
	}
	switch {
	case r.Agrees:
		a.Sentence = fmt.Sprintf("%s %s run, and everything that was seen is what the proof says.", thousands(len(r.Drills)), plural(len(r.Drills), "drill"))
	default:
		a.Sentence = fmt.Sprintf("Of %s %s %d %s not as proved.", thousands(len(r.Drills)), plural(len(r.Drills), "drill"), bad, map[bool]string{true: "is", false: "are"}[bad == 1])
	}
	if worst != nil {
		f := worstOf(worst)
		a.Why = fmt.Sprintf("The longest outage that ends is %s, when %s fails; what had to notice: %s.", lasting(f.OutageMs), scenarioWords(worst.ID), or(strings.Join(f.Bound.Rests, "; "), "nothing, routes only had to settle"))
	} else {
		a.Why = "No flow loses a packet and gets it back: there is no outage that ends."
	}
	a.Gloss = "Each element fails without a word to anybody, while every needed flow sends a packet each " + lasting(r.ProbeMs) + "."
	a.Figures = []keyFigure{{"drills", thousands(len(r.Drills)), fmt.Sprintf("over %s", count(len(r.Flows), "needed flow"))}}
	if bad > 0 {
		a.Figures = append(a.Figures, keyFigure{"not as proved", thousands(bad), "told below"})
	}
	if worst != nil {
		f := worstOf(worst)
		k := keyFigure{"longest outage", lasting(f.OutageMs), worst.ID}
		if f.Bound.UpperMs != nil && *f.Bound.UpperMs > 0 {
			k.Note += fmt.Sprintf("; by the timers %s to %s", lasting(f.Bound.LowerMs), lasting(*f.Bound.UpperMs))
		}
		a.Figures = append(a.Figures, k)
	}
	a.Figures = append(a.Figures, keyFigure{"drills in which no packet is lost", thousands(quiet), ""}, keyFigure{"packets lost in all", thousands(lost), "of the probes"})
	if g := lowest(&r.Resiliency); g != nil {
		a.Figures = append(a.Figures, keyFigure{"resiliency index", points(g.Score, g.UpTo), "of the weakest gateway, " + g.Gateway + "; of " + points(g.Most, g.Most)})
	}
	if goneAt != nil {
		a.Figures = append(a.Figures, keyFigure{"most flows lost for good", thousands(most), goneAt.ID})
	}
	return a
}

// wrong tells the disagreements, drill by drill.
func (x *rehearsalWriter) wrong() []*table {
	var out []*table
	left := 0
	for i := range x.r.Drills {
		d := &x.r.Drills[i]
		if d.Agrees {
			continue
		}
		if len(out) == mostWrongDrills {
			left++
			continue
		}
		t := &table{Caption: d.ID, Head: texts("Flow", "When", "The proof says", "What was seen", "Where packets ended")}
		for k, w := range d.Disagreements {
			if k == mostWrong {
				t.Note = fmt.Sprintf("The first %d of %d.", mostWrong, len(d.Disagreements))
				break
			}
			t.Rows = append(t.Rows, []cell{{Text: or(w.Flow, "everybody"), Mark: "bad"}, text(whenWords(w.When)), text(w.Proof), text(w.Seen), text(or(w.Ended, "–"))})
		}
		out = append(out, t)
	}
	if left > 0 {
		out[len(out)-1].Note = strings.TrimSpace(out[len(out)-1].Note + fmt.Sprintf(" %s more that are not as proved are in the table of every drill.", count(left, "drill")))
	}
	return out
}

// plural is a word in the number that goes with a count.
func plural(n int, what string) string {
	_, word, _ := strings.Cut(count(n, what), " ")
	return word
}

func whenWords(when string) string {
	switch when {
	case "healthy":
		return "before the failure"
	case "failed":
		return "after the failure"
	case "repaired":
		return "after the repair"
	}
	return when
}

// mostLongest is how many drills are explained.
const mostLongest = 8

// longest are the drills with the longest outages; nil where there are none.
func (x *rehearsalWriter) longest() *table {
	list := slices.DeleteFunc(x.ranked(), func(d *rehearse.Drill) bool { return worstOf(d) == nil })
	if len(list) == 0 {
		return nil
	}
	t := &table{Caption: "The longest outages that end", Head: []cell{text("What fails"), {Text: "Outage", Num: true}, {Text: "By the timers", Num: true}, text("What had to notice"), text("Flow")}}
	for _, d := range list[:min(mostLongest, len(list))] {
		f := worstOf(d)
		t.Rows = append(t.Rows, []cell{text(d.ID), num(lasting(f.OutageMs)), num(boundWords(&f.Bound)), text(or(strings.Join(f.Bound.Rests, "; "), "nothing, routes only had to settle")), text(flowWords(f))})
	}
	return t
}

func flowWords(f *rehearse.FlowDrill) string {
	return fmt.Sprintf("%s, %s to %s", f.Flow, f.From, f.To)
}

func boundWords(b *rehearse.Bound) string {
	switch {
	case b.UpperMs == nil:
		return "never"
	case *b.UpperMs == 0:
		return "at once"
	case b.LowerMs == *b.UpperMs:
		return lasting(b.LowerMs)
	}
	return lasting(b.LowerMs) + " to " + lasting(*b.UpperMs)
}

// ranked are the drills, the worst first: not as proved, then by the longest outage, then by what is lost for good.
func (x *rehearsalWriter) ranked() []*rehearse.Drill {
	var list []*rehearse.Drill
	for i := range x.r.Drills {
		list = append(list, &x.r.Drills[i])
	}
	outage := func(d *rehearse.Drill) float64 {
		if f := worstOf(d); f != nil {
			return f.OutageMs
		}
		return 0
	}
	slices.SortStableFunc(list, func(a, b *rehearse.Drill) int {
		if a.Agrees != b.Agrees {
			if a.Agrees {
				return 1
			}
			return -1
		}
		return cmp.Or(cmp.Compare(outage(b), outage(a)), cmp.Compare(goneFlows(b), goneFlows(a)), cmp.Compare(b.Failure.Lost+b.Repair.Lost, a.Failure.Lost+a.Repair.Lost))
	})
	return list
}

// lines is the worst of each kind of element for each line of business.
func (x *rehearsalWriter) lines() template.HTML {
	lines, kinds, worst := byLine(x.r)
	if len(lines) < 2 {
		return ""
	}
	var b strings.Builder
	esc := template.HTMLEscapeString
	b.WriteString(`<div class="scroll hits lines" role="region" aria-label="Lines of business and the worst of each kind of element" tabindex="0"><table>` + "\n")
	b.WriteString(`<caption><span>The worst that each kind of element does to each line of business <span class="soft">Seconds in which packets were lost; nothing where no drill that was run touches it.</span></span></caption>` + "\n")
	b.WriteString(`<thead><tr><th scope="col" class="corner">Line of business</th>`)
	for _, k := range kinds {
		fmt.Fprintf(&b, `<th scope="col">%s</th>`, esc(kindWords(k)))
	}
	b.WriteString("</tr></thead>\n<tbody>\n")
	for i, line := range lines {
		fmt.Fprintf(&b, `<tr><th scope="row">%s</th>`, esc(line))
		for k, c := range worst[i] {
			if c.kind == untouched {
				b.WriteString("<td></td>")
			} else {
				fmt.Fprintf(&b, `<td class="%s" title="%s: %s %s">%s</td>`, c.Class(), esc(kindWords(kinds[k])), esc(line), c.words(), c.Text())
			}
		}
		b.WriteString("</tr>\n")
	}
	b.WriteString("</tbody></table></div>\n")
	return template.HTML(b.String()) // every name is escaped
}

// drills shows the worst drill of each kind in full, with those that are not as proved, and of further ones the timeline.
func (x *rehearsalWriter) drills(p *rehearsalPage) {
	seen := map[string]bool{}
	wrong, left := 0, 0
	for _, d := range x.ranked() {
		full := !seen[d.Kind] && (d.Failure.Lost+d.Repair.Lost > 0 || !d.Agrees)
		if !d.Agrees && wrong < mostWrongDrills/2 {
			full = true
			wrong++
		}
		switch {
		case full:
			seen[d.Kind] = true
			v := x.view(d, fmt.Sprintf("drill%d", len(p.Drills)+1))
			x.fill(&v, d, fmt.Sprintf("drill%d-topology", len(p.Drills)+1))
			p.Drills = append(p.Drills, v)
		case d.Failure.Lost+d.Repair.Lost == 0:
		case len(p.Others) < mostOthers:
			if v := x.view(d, fmt.Sprintf("other%d", len(p.Others)+1)); v.Timeline != "" {
				p.Others = append(p.Others, v)
			}
		default:
			left++
		}
	}
	if left > 0 {
		p.OthersNote = fmt.Sprintf("The %d that are worst after those above; %s more in which packets are lost are in the tables alone.", len(p.Others), count(left, "drill"))
	}
}

// view is a drill with its timeline.
func (x *rehearsalWriter) view(d *rehearse.Drill, id string) drillView {
	v := drillView{ID: d.ID, Title: capital(scenarioWords(d.ID)), Words: drillWords(d), Wrong: !d.Agrees}
	if f := worstOf(d); f != nil {
		v.Brief = lasting(f.OutageMs)
	} else if n := goneFlows(d); n > 0 {
		v.Brief = count(n, "flow") + " lost for good"
	} else if d.Repair.Lost > 0 {
		v.Brief = "packets lost after the repair only"
	}
	t, ok := Timeline(d, x.r)
	if !ok {
		return v
	}
	t.ID, t.Title, t.Subtitle = id, d.ID, ""
	var b bytes.Buffer
	if err := draw.TimelineSVG(&b, t); err != nil && x.err == nil {
		x.err = fmt.Errorf("report: %w", err)
	}
	v.Timeline = framed(b.Bytes())
	return v
}

func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// fill adds what only the drills that are shown in full have.
func (x *rehearsalWriter) fill(v *drillView, d *rehearse.Drill, id string) {
	if t, ok := x.topology(d); ok {
		v.Topology = x.picture(t, id)
	}
	notice := map[string]int{}
	var by []string
	for _, e := range d.Detections {
		s := fmt.Sprintf("%s, after %s to %s", e.By, lasting(e.LowerMs), lasting(e.UpperMs))
		if e.LowerMs == e.UpperMs {
			s = fmt.Sprintf("%s, after %s", e.By, lasting(e.UpperMs))
		}
		if notice[s] == 0 {
			by = append(by, s)
		}
		notice[s]++
	}
	for i, s := range by {
		by[i] = fmt.Sprintf("%s by %s", count(notice[s], "end"), s)
	}
	v.Facts = append(v.Facts, fact{"Proof", d.Proof})
	if len(by) > 0 {
		v.Facts = append(v.Facts, fact{"To notice", strings.Join(by, "; ")})
	}
	if f := worstOf(d); f != nil {
		v.Facts = append(v.Facts, fact{"Worst flow", flowWords(f)}, fact{"Way before", wayWords(&f.Before)}, fact{"Way after", wayWords(&f.After)})
	} else if len(d.Flows) > 0 {
		f := &d.Flows[0]
		v.Facts = append(v.Facts, fact{"Worst flow", flowWords(f)}, fact{"Way before", wayWords(&f.Before)})
	}
	if len(d.Flows) == 0 {
		return
	}
	t := &table{Caption: "Flows that felt it", Head: []cell{text("Flow"), text("From"), text("To"), {Text: "Outage", Num: true}, {Text: "By the timers", Num: true}, {Text: "Packets lost", Num: true},
		{Text: "After the repair", Num: true}, {Text: "Round trip before", Num: true}, {Text: "and after", Num: true}}, Fold: true}
	for i := range d.Flows {
		if i == mostFlowRows {
			t.Note = fmt.Sprintf("The worst %d of %d; --json has all.", mostFlowRows, len(d.Flows))
			break
		}
		f := &d.Flows[i]
		lasted := num(lasting(f.OutageMs))
		switch {
		case f.Seen == rehearse.None:
			lasted = cell{Text: "for good", Num: true, Mark: "warn"}
		case f.Seen == rehearse.Part:
			lasted = cell{Text: "a part for good", Num: true, Mark: "warn"}
		case f.OutageMs == 0:
			lasted = num("–")
		}
		t.Rows = append(t.Rows, []cell{text(f.Flow), text(f.From), text(f.To), lasted, num(boundWords(&f.Bound)), num(thousands(f.Lost)), num(thousands(f.RepairLost)), num(trip(&f.Before)), num(trip(&f.After))})
	}
	v.Flows = t
}

func trip(w *rehearse.Way) string {
	if w.LatencyMs == 0 {
		return "–"
	}
	return fmt.Sprintf("%.1f ms", w.LatencyMs)
}

// wayWords is a way there; back again where it is another. Of several that are equal the first is told.
func wayWords(w *rehearse.Way) string {
	if len(w.There) == 0 {
		return "none"
	}
	one := func(ways []string) string {
		if n := len(ways) - 1; n > 0 {
			return ways[0] + fmt.Sprintf(" and %s", count(n, "equal one"))
		}
		return ways[0]
	}
	s := one(w.There)
	for _, back := range w.Back {
		hops := strings.Split(back, " > ")
		slices.Reverse(hops)
		if !slices.ContainsFunc(w.There, func(way string) bool { return slices.EqualFunc(strings.Split(way, " > "), hops, samePlace) }) {
			return s + "; back by " + one(w.Back)
		}
	}
	return s
}

// samePlace tells whether two nodes of ways are one, or one is an instance of the other: a packet from a site meets a gateway's instance.
func samePlace(a, b string) bool {
	return a == b || strings.HasPrefix(a, b+"/") || strings.HasPrefix(b, a+"/")
}

// topology is the estate with what a drill fails, and the ways of its worst flow before and after; false where there is no such scenario.
func (x *rehearsalWriter) topology(d *rehearse.Drill) (draw.Diagram, bool) {
	n := x.network(x.d)
	i := slices.IndexFunc(n.Scenarios(), func(sc network.Scenario) bool { return sc.ID == d.ID })
	if i < 0 {
		return draw.Diagram{}, false
	}
	sc := n.Scenarios()[i]
	s := draw.Situation{Pieces: n.Pieces(sc)}
	subtitle := "Crossed out: out of service."
	if d.How == rehearse.Drain {
		subtitle = "Marked: drained."
	}
	if f := picturedFlow(d); f != nil {
		hops := x.hops(f, sc)
		s.Before = append(along(hops, f.Before.There), along(hops, f.Before.Back)...)
		s.After = append(along(hops, f.After.There), along(hops, f.After.Back)...)
		subtitle += " The way of " + flowWords(f) + ", there and back: dash-dotted before it"
		if len(s.After) > 0 {
			subtitle += ", blue after."
		} else {
			subtitle += "; none is left after."
		}
	}
	t, left := draw.Show(x.d, s).Marked(mostInTier)
	if left > 0 {
		subtitle += " What is neither out of service nor on that way is left out."
	}
	t.Title, t.Subtitle = d.ID, subtitle
	return t, true
}

// picturedFlow is the flow of a drill that its picture follows.
func picturedFlow(d *rehearse.Drill) *rehearse.FlowDrill {
	if f := worstOf(d); f != nil {
		return f
	}
	if len(d.Flows) > 0 {
		return &d.Flows[0]
	}
	return nil
}

// hops are the nodes of the ways that the proof knows of a flow, healthy and in a scenario, by name.
func (x *rehearsalWriter) hops(f *rehearse.FlowDrill, sc network.Scenario) map[string]network.Hop {
	n := x.network(x.d)
	if x.flows == nil {
		x.flows = map[string]*prove.Flow{}
		list := prove.Flows(x.d, n, x.c)
		for i := range list {
			x.flows[flowKey(list[i].Name, list[i].From, list[i].To)] = &list[i]
		}
		x.base = n.Converge(network.Scenario{ID: string(network.Healthy), Kind: network.Healthy})
	}
	out := map[string]network.Hop{}
	p := x.flows[flowKey(f.Flow, f.From, f.To)]
	if p == nil {
		return out
	}
	for _, st := range []*network.State{x.base, n.ConvergeFrom(x.base, sc)} {
		for _, flow := range []network.Flow{{Src: p.A, Dst: p.B}, {Src: p.B, Dst: p.A, Reply: true}} {
			for _, path := range st.Trace(flow) {
				for _, h := range path.Hops {
					out[h.Node] = h
				}
			}
		}
	}
	return out
}

// along are ways as hops; a node that the proof's ways do not have is left out.
func along(hops map[string]network.Hop, ways []string) [][]network.Hop {
	var out [][]network.Hop
	for _, way := range ways {
		var list []network.Hop
		for _, name := range strings.Split(way, " > ") {
			if h, ok := hops[name]; ok {
				list = append(list, h)
			}
		}
		out = append(out, list)
	}
	return out
}

// all has a row for each drill, of many only those in which something was lost.
func (x *rehearsalWriter) all() *table {
	t := &table{Caption: "Every drill, in the order in which it was run", Head: []cell{text("Drill"), text("As proved"), text("Proof"), {Text: "Flows hit", Num: true}, {Text: "Lost for good", Num: true}, {Text: "Outage", Num: true},
		{Text: "By the timers", Num: true}, {Text: "Packets lost", Num: true}, {Text: "Routes settle", Num: true}, {Text: "Lost after repair", Num: true}}}
	list := make([]*rehearse.Drill, 0, len(x.r.Drills))
	for i := range x.r.Drills {
		list = append(list, &x.r.Drills[i])
	}
	if len(list) > mostDrillRows {
		kept := slices.DeleteFunc(x.ranked(), func(d *rehearse.Drill) bool { return d.Agrees && d.Failure.Lost+d.Repair.Lost == 0 })
		t.Caption = "Every drill in which packets are lost, the worst first"
		t.Note = fmt.Sprintf("%s lose no packet and are not in it.", count(len(list)-len(kept), "drill"))
		if n := len(kept) - mostDrillRows; n > 0 {
			t.Note += fmt.Sprintf(" Nor are %d more, for the room that they take; --json has all.", n)
			kept = kept[:mostDrillRows]
		}
		list = kept
	}
	dash := func(n int) cell {
		if n == 0 {
			return num("–")
		}
		return num(thousands(n))
	}
	for _, d := range list {
		row := []cell{text(d.ID), {Text: "yes", Mark: "good"}, text(d.Proof), dash(d.Failure.Hit), dash(goneFlows(d)), num("–"), num("–"), dash(d.Failure.Lost), num("–"), dash(d.Repair.Lost)}
		if !d.Agrees {
			row[1] = cell{Text: "no", Mark: "bad"}
		}
		if f := worstOf(d); f != nil {
			row[5], row[6] = num(lasting(f.OutageMs)), num(boundWords(&f.Bound))
		}
		if d.Failure.Routes > 0 {
			row[8] = num(lasting(d.Failure.ControlMs))
		}
		t.Rows = append(t.Rows, row)
	}
	return t.folded()
}

// Matrix is the picture of who feels what: every element that was drilled beside every flow, or line of business.
func Matrix(name string, r *rehearse.Result) draw.Matrix {
	h := newHits(r)
	return h.picture(name + ": who feels what")
}

// DrillTopology draws a drill on the topology of a design: what is out of service, and the ways of the worst flow before and after. False
// where the design has no such scenario.
func DrillTopology(d *design.Design, r *rehearse.Result, c *catalog.Catalog) func(*rehearse.Drill) (draw.Diagram, bool) {
	x := &rehearsalWriter{writer: &writer{in: Input{Design: d}, c: c, networks: map[*design.Design]*network.Network{}}, d: d, r: r}
	return x.topology
}
