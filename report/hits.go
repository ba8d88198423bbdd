package report

import (
	"cmp"
	"fmt"
	"html/template"
	"math"
	"slices"
	"strconv"
	"strings"

	"onramp/draw"
	"onramp/network"
	"onramp/rehearse"
)

// feltKind is what a flow, or the worst of several, felt in a drill; the worse the greater.
type feltKind int

const (
	untouched feltKind = iota
	moved              // another way, nothing lost
	late               // lost after the repair only
	outage             // lost for a time
	partGone           // some of its packets lost for good
	gone               // lost for good, as proved
	disagrees
)

// hit is a cell of the matrix.
type hit struct {
	kind feltKind
	ms   float64 // of outage and late
}

func (h hit) worse(o hit) bool {
	return cmp.Or(cmp.Compare(h.kind, o.kind), cmp.Compare(h.ms, o.ms)) > 0
}

// alike tells whether two cells may be one: a tenth of a second more or less, or a tenth.
func (h hit) alike(o hit) bool {
	return h.kind == o.kind && math.Abs(h.ms-o.ms) <= max(100, max(h.ms, o.ms)/10)
}

// Text is what stands in the cell: seconds, or a sign.
func (h hit) Text() string {
	switch h.kind {
	case moved:
		return "↷"
	case late:
		return "↩" + briefly(h.ms)
	case outage:
		return briefly(h.ms)
	case partGone:
		return "◐"
	case gone:
		return "●"
	case disagrees:
		return "✗"
	}
	return ""
}

// Class is its shade.
func (h hit) Class() string {
	switch h.kind {
	case moved:
		return "moved"
	case late:
		return "late"
	case outage:
		return "s" + strconv.Itoa(shade(h.ms))
	case partGone, gone:
		return "gone"
	case disagrees:
		return "wrong"
	}
	return ""
}

func (h hit) words() string {
	switch h.kind {
	case moved:
		return "goes another way, nothing lost"
	case late:
		return "loses packets for " + lasting(h.ms) + " after the repair only"
	case outage:
		return "loses packets for " + lasting(h.ms)
	case partGone:
		return "loses some of its packets for good, as proved"
	case gone:
		return "is lost for good, as proved"
	case disagrees:
		return "is not as proved"
	}
	return "untouched"
}

// shades are the greatest outages of each shade but the last, in milliseconds.
func shades() []float64 { return []float64{1000, 10_000, 60_000} }

func shade(ms float64) int {
	i := 0
	for _, most := range shades() {
		if ms > most {
			i++
		}
	}
	return i + 1
}

// briefly is a time in seconds with two digits.
func briefly(ms float64) string {
	s := ms / 1000
	if s < 9.95 {
		return strconv.FormatFloat(math.Max(s, 0.1), 'f', 1, 64)
	}
	return strconv.FormatFloat(s, 'f', 0, 64)
}

// lasting is a time for people.
func lasting(ms float64) string {
	switch {
	case ms < 1000:
		return strconv.FormatFloat(ms, 'f', 0, 64) + " ms"
	case ms < 120_000:
		return strconv.FormatFloat(ms/1000, 'f', 2, 64) + " s"
	}
	return fmt.Sprintf("%d min %.0f s", int(ms/60_000), math.Mod(ms, 60_000)/1000)
}

// hits is every drill beside every flow, or every line of business.
type hits struct {
	Of      string // what the columns are
	Columns []hitColumn
	Groups  []hitGroup
	merged  bool // some columns stand for several, or some rows do
}

type hitColumn struct {
	Name string
	Full string // what it stands for
	of   []int  // flows
	many bool   // several columns that were alike
}

// hitGroup are the rows of one kind of element.
type hitGroup struct {
	Kind   string
	Drills int
	Rows   []hitRow
}

type hitRow struct {
	Name   string
	Full   string
	Cells  []hit
	drills []int
	Wrong  bool // something is not as proved
	few    int  // where it stands for drills that touch different columns: how many each touches at most
}

const (
	mostFlowColumns = 24
	mostHitRows     = 60 // above which drills that touch few columns each share a row
	leastGathered   = 4  // rows that do
	denseColumns    = 40 // above which paper needs small letters
	mostNamed       = 3  // drills that a row names
)

// flowKey tells a needed flow from others.
func flowKey(name, from, to string) string { return name + "\x00" + from + "\x00" + to }

// felt is what each flow felt in each drill: by drill, by flow.
func felt(r *rehearse.Result) [][]hit {
	at := map[string]int{}
	name := map[string][]int{} // as disagreements call them
	for i, f := range r.Flows {
		at[flowKey(f.Name, f.From, f.To)] = i
		long := fmt.Sprintf("%s (%s to %s)", f.Name, f.From, f.To)
		name[long] = append(name[long], i)
		name[f.Name] = append(name[f.Name], i)
	}
	out := make([][]hit, len(r.Drills))
	for i := range r.Drills {
		d := &r.Drills[i]
		out[i] = make([]hit, len(r.Flows))
		for k := range d.Flows {
			f := &d.Flows[k]
			if j, ok := at[flowKey(f.Flow, f.From, f.To)]; ok {
				out[i][j] = feltBy(f)
			}
		}
		for k := range d.Disagreements {
			for _, j := range name[d.Disagreements[k].Flow] {
				out[i][j] = hit{kind: disagrees}
			}
		}
	}
	return out
}

func feltBy(f *rehearse.FlowDrill) hit {
	switch {
	case f.Seen == rehearse.None:
		return hit{kind: gone}
	case f.Seen == rehearse.Part:
		return hit{kind: partGone}
	case f.OutageMs > 0:
		return hit{kind: outage, ms: f.OutageMs}
	case f.RepairOutageMs > 0:
		return hit{kind: late, ms: f.RepairOutageMs}
	}
	return hit{kind: moved}
}

// newHits makes the matrix: flows for columns where there are few that differ, else lines of business.
func newHits(r *rehearse.Result) hits {
	cells := felt(r)
	h := hits{Of: "flow", Columns: columnsOf(r, cells, func(i int) (string, string) {
		f := &r.Flows[i]
		return fmt.Sprint(i), endWords(f.From) + " – " + endWords(f.To)
	})}
	if len(h.Columns) > mostFlowColumns {
		h.Of = "line of business"
		h.Columns = columnsOf(r, cells, func(i int) (string, string) {
			name := or(r.Flows[i].LineOfBusiness, "everybody")
			return name, name
		})
	}
	for _, c := range h.Columns {
		h.merged = h.merged || c.many
	}
	for _, kind := range network.Kinds() {
		g := hitGroup{Kind: string(kind)}
		var quiet hitRow
		for i := range r.Drills {
			if r.Drills[i].Kind != string(kind) {
				continue
			}
			g.Drills++
			row := hitRow{Name: bare(r.Drills[i].ID), Cells: make([]hit, len(h.Columns)), drills: []int{i}, Wrong: !r.Drills[i].Agrees}
			for k, c := range h.Columns {
				row.Cells[k] = worstHit(cells[i], c.of)
			}
			if !row.Wrong && !slices.ContainsFunc(row.Cells, func(x hit) bool { return x.kind != untouched }) {
				quiet.Cells = row.Cells
				quiet.drills = append(quiet.drills, i)
				continue
			}
			g.add(row)
		}
		if len(quiet.drills) > 0 {
			g.Rows = append(g.Rows, quiet)
		}
		if g.Drills > 0 {
			h.Groups = append(h.Groups, g)
		}
	}
	rows := 0
	for i := range h.Groups {
		rows += len(h.Groups[i].Rows)
	}
	for i := range h.Groups {
		g := &h.Groups[i]
		if rows > mostHitRows {
			g.gather(len(h.Columns))
		}
		for k := range g.Rows {
			g.Rows[k].name(r, h.Of)
			h.merged = h.merged || len(g.Rows[k].drills) > 1
		}
	}
	return h
}

// bare is an id without its kind.
func bare(id string) string {
	_, name, ok := strings.Cut(id, ":")
	if !ok {
		return id
	}
	return name
}

// endWords is an end of a flow without its prefix.
func endWords(name string) string {
	name, _, _ = strings.Cut(name, " ")
	return name
}

func worstHit(cells []hit, of []int) hit {
	var out hit
	for _, i := range of {
		if cells[i].worse(out) {
			out = cells[i]
		}
	}
	return out
}

// columnsOf puts flows of one key in one column, and columns that every drill treats alike in one, within a line of business where the
// columns are flows.
func columnsOf(r *rehearse.Result, cells [][]hit, key func(i int) (key, name string)) []hitColumn {
	type column struct {
		lob   string
		names []string
		of    []int
		felt  []hit
	}
	var list []*column
	at := map[string]*column{}
	for i := range r.Flows {
		k, name := key(i)
		c := at[k]
		if c == nil {
			c = &column{lob: or(r.Flows[i].LineOfBusiness, "everybody"), names: []string{name}, felt: make([]hit, len(cells))}
			at[k] = c
			list = append(list, c)
		}
		c.of = append(c.of, i)
		for d := range cells {
			if cells[d][i].worse(c.felt[d]) {
				c.felt[d] = cells[d][i]
			}
		}
	}
	var kept []*column
	for _, c := range list {
		i := slices.IndexFunc(kept, func(k *column) bool {
			return (k.lob == c.lob || k.names[0] == k.lob && c.names[0] == c.lob) &&
				slices.EqualFunc(k.felt, c.felt, func(a, b hit) bool { return a.alike(b) })
		})
		if i < 0 {
			kept = append(kept, c)
			continue
		}
		kept[i].names = append(kept[i].names, c.names...)
		kept[i].of = append(kept[i].of, c.of...)
	}
	var out []hitColumn
	for _, c := range kept {
		x := hitColumn{of: c.of, many: len(c.names) > 1}
		switch {
		case c.names[0] == c.lob && len(c.names) == 1:
			x.Name = c.lob
		case c.names[0] == c.lob:
			x.Name = c.lob + " and " + strconv.Itoa(len(c.names)-1) + " more"
		case len(c.names) == 1:
			x.Name = c.lob + ": " + c.names[0]
		default:
			x.Name = fmt.Sprintf("%s: %d flows, as %s", c.lob, len(c.names), c.names[0])
		}
		x.Full = strings.Join(c.names, "; ")
		out = append(out, x)
	}
	return out
}

// add adds a row, to one that is alike if there is any.
func (g *hitGroup) add(row hitRow) {
	i := slices.IndexFunc(g.Rows, func(o hitRow) bool {
		return o.Wrong == row.Wrong && slices.EqualFunc(o.Cells, row.Cells, func(a, b hit) bool { return a.alike(b) })
	})
	if i < 0 || row.Wrong {
		g.Rows = append(g.Rows, row)
		return
	}
	o := &g.Rows[i]
	o.drills = append(o.drills, row.drills...)
	o.take(row)
}

func (o *hitRow) take(row hitRow) {
	for k, c := range row.Cells {
		if c.worse(o.Cells[k]) {
			o.Cells[k] = c
		}
	}
}

// gather puts the drills that touch few columns each in one row, where there are many of them.
func (g *hitGroup) gather(columns int) {
	few := max(1, columns/10)
	var out []hitRow
	var all *hitRow
	most := 0
	for _, row := range g.Rows {
		n := 0
		for _, c := range row.Cells {
			if c.kind != untouched {
				n++
			}
		}
		switch {
		case n == 0 || n > few || row.Wrong:
			out = append(out, row)
			continue
		case all == nil:
			all = &hitRow{Cells: slices.Clone(row.Cells)}
		default:
			all.take(row)
		}
		most = max(most, n)
		all.drills = append(all.drills, row.drills...)
	}
	if all == nil || len(g.Rows)-len(out) < leastGathered {
		return
	}
	all.few = most
	g.Rows = append([]hitRow{*all}, out...)
}

// name says which drills a row is of.
func (row *hitRow) name(r *rehearse.Result, of string) {
	var names []string
	for _, i := range row.drills {
		names = append(names, bare(r.Drills[i].ID))
	}
	row.Full = strings.Join(names[:min(len(names), 20)], ", ")
	if n := len(names) - 20; n > 0 {
		row.Full += fmt.Sprintf(" and %d more", n)
	}
	quiet := !slices.ContainsFunc(row.Cells, func(x hit) bool { return x.kind != untouched })
	switch {
	case row.few > 0:
		row.Name = fmt.Sprintf("%d: each touches %s of these at most, here is the worst of each", len(names), fmt.Sprint(row.few))
	case quiet && len(names) > mostNamed && !row.Wrong:
		row.Name = fmt.Sprintf("%d that touch nobody", len(names))
	case len(names) > mostNamed:
		row.Name = fmt.Sprintf("%s and %d more", names[0], len(names)-1)
	default:
		row.Name = strings.Join(names, ", ")
	}
}

// table is the matrix as a table of the page.
func (h *hits) table() template.HTML {
	var b strings.Builder
	esc := template.HTMLEscapeString
	b.WriteString(`<div class="scroll hits" role="region" aria-label="Elements and what each does" tabindex="0">`)
	if len(h.Columns) > denseColumns {
		b.WriteString(`<table class="dense">` + "\n")
	} else {
		b.WriteString("<table>\n")
	}
	fmt.Fprintf(&b, `<caption><span>Each element beside each %s <span class="soft">%s</span></span></caption>`+"\n", esc(h.Of), esc(h.note()))
	b.WriteString(`<thead><tr><th scope="col" class="corner">Element that fails</th>`)
	for _, c := range h.Columns {
		fmt.Fprintf(&b, `<th scope="col" class="up" title="%s"><span>%s</span></th>`, esc(c.Full), esc(c.Name))
	}
	b.WriteString("</tr></thead>\n")
	for _, g := range h.Groups {
		fmt.Fprintf(&b, `<tbody><tr class="kind"><th scope="rowgroup">%s <span class="soft">%s</span></th><td colspan="%d"></td></tr>`+"\n", esc(kindWords(g.Kind)), thousands(g.Drills)+" "+plural(g.Drills, "drill"), len(h.Columns))
		for i := range g.Rows {
			row := &g.Rows[i]
			class, sign := "", ""
			if row.Wrong {
				class, sign = ` class="bad"`, "✗ "
			}
			fmt.Fprintf(&b, `<tr><th scope="row"%s title="%s">%s%s</th>`, class, esc(row.Full), sign, esc(row.Name))
			for k, c := range row.Cells {
				if c.kind == untouched {
					b.WriteString("<td></td>")
				} else {
					fmt.Fprintf(&b, `<td class="%s" title="%s %s">%s</td>`, c.Class(), esc(h.Columns[k].Name), c.words(), c.Text())
				}
			}
			b.WriteString("</tr>\n")
		}
		b.WriteString("</tbody>\n")
	}
	b.WriteString("</table></div>\n")
	b.WriteString(h.legend())
	return template.HTML(b.String()) // every name is escaped
}

// note says what a cell is and what was put together.
func (h *hits) note() string {
	s := "Seconds in which packets were lost, of the worst flow; point at a name or a cell for more."
	if h.merged {
		s += " Rows that are alike are one, and so are columns: to a tenth, and with the worst of them."
	}
	return s
}

// legend explains the cells that occur.
func (h *hits) legend() string {
	var b strings.Builder
	b.WriteString(`<ul class="legend">`)
	for _, k := range h.keys() {
		fmt.Fprintf(&b, `<li><span class="swatch %s">%s</span> %s</li>`, k.Kind, template.HTMLEscapeString(k.Text), template.HTMLEscapeString(k.Words))
	}
	b.WriteString("</ul>\n")
	return b.String()
}

// keys are the kinds of cell that occur, with an example.
func (h *hits) keys() []draw.MatrixKey {
	seen := map[string]bool{}
	for _, g := range h.Groups {
		for _, row := range g.Rows {
			for _, c := range row.Cells {
				seen[c.Class()+c.signIfGone()] = true
			}
		}
	}
	var out []draw.MatrixKey
	for _, k := range []draw.MatrixKey{
		{Kind: "", Text: "", Words: "untouched"},
		{Kind: "moved", Text: "↷", Words: "another way, nothing lost"},
		{Kind: "s1", Text: "0.9", Words: "packets lost for up to a second"},
		{Kind: "s2", Text: "8.2", Words: "up to 10 s"},
		{Kind: "s3", Text: "58", Words: "up to a minute"},
		{Kind: "s4", Text: "172", Words: "longer"},
		{Kind: "late", Text: "↩0.4", Words: "lost after the repair only"},
		{Kind: "gone", Text: "◐", Words: "some lost for good, as proved"},
		{Kind: "gone", Text: "●", Words: "lost for good, as proved"},
		{Kind: "wrong", Text: "✗", Words: "not as proved"},
	} {
		sign := ""
		if k.Kind == "gone" {
			sign = k.Text
		}
		if seen[k.Kind+sign] {
			out = append(out, k)
		}
	}
	return out
}

func (h hit) signIfGone() string {
	if h.kind == gone || h.kind == partGone {
		return h.Text()
	}
	return ""
}

// picture is the matrix as a picture of its own.
func (h *hits) picture(title string) draw.Matrix {
	m := draw.Matrix{Title: title, Subtitle: "Seconds in which packets were lost, of the worst flow of each column.", Corner: "Element that fails", Keys: h.keys()}
	for _, c := range h.Columns {
		m.Columns = append(m.Columns, draw.MatrixName{Name: c.Name, Full: c.Full})
	}
	for _, g := range h.Groups {
		x := draw.MatrixGroup{Name: fmt.Sprintf("%s, %s", kindWords(g.Kind), count(g.Drills, "drill"))}
		for _, row := range g.Rows {
			y := draw.MatrixRow{MatrixName: draw.MatrixName{Name: row.Name, Full: row.Full}}
			for _, c := range row.Cells {
				y.Cells = append(y.Cells, draw.MatrixCell{Kind: c.Class(), Text: c.Text(), Full: c.words()})
			}
			x.Rows = append(x.Rows, y)
		}
		m.Groups = append(m.Groups, x)
	}
	return m
}

// byLine is what each kind of element does to each line of business at worst.
func byLine(r *rehearse.Result) (lines []string, kinds []string, worst [][]hit) {
	cells := felt(r)
	of := map[string][]int{}
	for i, f := range r.Flows {
		name := or(f.LineOfBusiness, "everybody")
		if of[name] == nil {
			lines = append(lines, name)
		}
		of[name] = append(of[name], i)
	}
	for _, kind := range network.Kinds() {
		if slices.ContainsFunc(r.Drills, func(d rehearse.Drill) bool { return d.Kind == string(kind) }) {
			kinds = append(kinds, string(kind))
		}
	}
	for _, line := range lines {
		row := make([]hit, len(kinds))
		for i := range r.Drills {
			k := slices.Index(kinds, r.Drills[i].Kind)
			if k < 0 {
				continue
			}
			if x := worstHit(cells[i], of[line]); x.worse(row[k]) {
				row[k] = x
			}
		}
		worst = append(worst, row)
	}
	return lines, kinds, worst
}
