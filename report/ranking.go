package report

import (
	"fmt"
	"html/template"
	"slices"
	"strings"

	"onramp/choose"
	"onramp/design"
	"onramp/prove"
)

// ranking is the four patterns side by side.
type ranking struct {
	Table *table
	// Each has share and bill of each line of business; Weak the elements whose failure stops the most.
	Each, Weak *table
	Plots      []template.HTML
	Why        []reason
}

// reason is why a pattern has its place.
type reason struct {
	Pattern, Sign, Mark, Word, Why, Gloss string
}

// measure is one figure that patterns are compared by.
type measure struct {
	name, better string
	proved       bool // it comes of the proof
	bare         bool // a row without a plot
	value        func(f *choose.Figures) (v float64, words string, known bool)
}

// measures are all figures, in the order of the page.
func measures() []measure {
	whole := func(get func(f *choose.Figures) int) func(*choose.Figures) (float64, string, bool) {
		return func(f *choose.Figures) (float64, string, bool) {
			return float64(get(f)), fmt.Sprint(get(f)), true
		}
	}
	list := []measure{
		{"Cost a month", "less is better", false, false, func(f *choose.Figures) (float64, string, bool) {
			return f.MonthlyUSD, money(f.MonthlyUSD, f.AtLeast), true
		}},
		{"Circuits", "fewer is simpler", false, false, whole(func(f *choose.Figures) int { return f.Circuits })},
		{"Gateways", "fewer is simpler", false, false, whole(func(f *choose.Figures) int { return f.Gateways })},
		{"Firewalls", "fewer is simpler", false, false, whole(func(f *choose.Figures) int { return f.Firewalls })},
		{"VNet peerings", "fewer is simpler", false, false, whole(func(f *choose.Figures) int { return f.Peerings })},
		{"BGP sessions on premises", "fewer is simpler", false, false, whole(func(f *choose.Figures) int { return f.BGPSessions })},
		{"Link subnets", "fewer is simpler", false, false, whole(func(f *choose.Figures) int { return f.TransitPrefixes })},
		{"Least share of a line of business", "more is better", true, false, func(f *choose.Figures) (float64, string, bool) {
			return f.WorstShareMbps, fmt.Sprintf("%.0f Mbps", f.WorstShareMbps), true
		}},
		{"Flows that the worst failure stops", "less is better", true, false, func(f *choose.Figures) (float64, string, bool) { return f.BlastRadius, percent(f.BlastRadius), true }},
		{"Headroom to the nearest limit", "more is better", true, false, func(f *choose.Figures) (float64, string, bool) { return f.Headroom, percent(f.Headroom), true }},
		{"Longest round trip", "less is better", true, false, func(f *choose.Figures) (float64, string, bool) {
			return f.LatencyMs, fmt.Sprintf("%.1f ms", f.LatencyMs), true
		}},
		{"Availability", "more is better", true, false, func(f *choose.Figures) (float64, string, bool) {
			if f.Availability == nil {
				return 0, "unknown", false
			}
			return *f.Availability, fmt.Sprintf("%.3f %%", *f.Availability), true
		}},
	}
	for _, name := range prove.LimitNames() {
		list = append(list, measure{"Used: " + name, "", true, true, func(f *choose.Figures) (float64, string, bool) {
			for _, x := range f.Limits {
				if x.Name == name {
					return 1 - x.Left(), fmt.Sprintf("%d of %s (%s)", x.Used, whole000(x.Most), x.Of), true
				}
			}
			return 0, "none", false
		}})
	}
	room := func(name string, get func(r *prove.Room) int) {
		list = append(list, measure{name, "more is better", true, false, func(f *choose.Figures) (float64, string, bool) {
			if n := get(&f.Room); n >= 0 {
				return float64(n), whole000(n), true
			}
			return 0, "not limited", false
		}})
	}
	room("VNets that can be added", func(r *prove.Room) int { return r.VNets })
	room("Prefixes that the premises can add", func(r *prove.Room) int { return r.Prefixes })
	room("Lines of business that can be added", func(r *prove.Room) int { return r.LinesOfBusiness })
	return list
}

// whole000 is a whole number with its thousands apart.
func whole000(n int) string { return strings.TrimSuffix(amount(float64(n)), ".00") }

// eachLine is the table of shares and bills of the lines of business.
func (w *writer) eachLine() *table {
	c := &w.in.Answer.Choice
	t := &table{Caption: "What each line of business is left with when all others take as much as they can get, and what it pays a month", Head: texts("Line of business")}
	var names []string
	for i := range c.Ranked {
		r := &c.Ranked[i]
		t.Head = append(t.Head, cell{Text: w.starred(r), Num: true})
		for _, b := range r.Figures.Bills {
			if b.LineOfBusiness != "" && !slices.Contains(names, b.LineOfBusiness) {
				names = append(names, b.LineOfBusiness)
			}
		}
	}
	for _, name := range names {
		row := []cell{text(name)}
		for i := range c.Ranked {
			f := &c.Ranked[i].Figures
			words := "none"
			for _, b := range f.Bills {
				if b.LineOfBusiness == name {
					words = money(b.USD, b.AtLeast)
				}
			}
			for _, s := range f.Shares {
				if s.LineOfBusiness == name && s.Mbps > 0 {
					words = fmt.Sprintf("%.0f Mbps, %s", s.Mbps, words)
				}
			}
			row = append(row, num(words))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// weakest is the table of the elements whose failure stops the most.
func (w *writer) weakest() *table {
	c := &w.in.Answer.Choice
	t := &table{Caption: "The elements whose single failure stops the most of all needed flows", Head: texts("Pattern", "Element")}
	t.Head = append(t.Head, cell{Text: "Stops", Num: true})
	for i := range c.Ranked {
		r := &c.Ranked[i]
		for j, b := range r.Figures.Blasts {
			name := ""
			if j == 0 {
				name = w.starred(r)
			}
			t.Rows = append(t.Rows, []cell{text(name), text(b.Element), num(percent(b.Radius))})
		}
	}
	return t
}

func (w *writer) ranking() *ranking {
	c := &w.in.Answer.Choice
	designed := func(r *choose.Ranked) bool { return w.in.Answer.Designs[r.Pattern] != nil }
	out := &ranking{Table: &table{Caption: "Every figure of the four patterns, the best pattern first", Head: texts("Figure")}}
	fits, asked := []cell{text("Meets every need")}, []cell{text("Asked for by the intent")}
	for i := range c.Ranked {
		r := &c.Ranked[i]
		out.Table.Head = append(out.Table.Head, cell{Text: w.starred(r), Num: true})
		why := reason{Pattern: string(r.Pattern), Why: grouped(r.Why), Gloss: gloss(r.Pattern)}
		switch {
		case c.Chosen != nil && *c.Chosen == r.Pattern:
			why.Mark, why.Word = "good", "chosen"
		case r.Fits:
			why.Mark, why.Word = "good", "fits"
		case unproved(r):
			why.Mark, why.Word = "warn", "not proved"
		case c.Chosen == nil && c.Nearest == r.Pattern:
			why.Mark, why.Word = "bad", "nearest, does not fit"
		default:
			why.Mark, why.Word = "bad", "does not fit"
		}
		why.Sign = cell{Mark: why.Mark}.Sign()
		out.Why = append(out.Why, why)
		switch {
		case r.Fits:
			fits = append(fits, cell{Text: "yes", Num: true, Mark: "good"})
		case unproved(r):
			fits = append(fits, cell{Text: "not proved", Num: true, Mark: "warn"})
		default:
			fits = append(fits, cell{Text: "no", Num: true, Mark: "bad"})
		}
		asked = append(asked, num(map[bool]string{true: "yes", false: "no"}[r.Candidate]))
	}
	out.Table.Rows = append(out.Table.Rows, fits, asked)
	for _, m := range measures() {
		row := []cell{text(m.name)}
		var bars []bar
		any := false
		for i := range c.Ranked {
			r := &c.Ranked[i]
			x := bar{name: string(r.Pattern), words: "no design", best: r.Pattern == w.in.Answer.Best}
			switch {
			case designed(r) && m.proved && !r.Proved:
				x.words = "not proved"
			case designed(r):
				x.value, x.words, x.known = m.value(&r.Figures)
				any = any || x.known
			}
			row = append(row, num(x.words))
			bars = append(bars, x)
		}
		out.Table.Rows = append(out.Table.Rows, row)
		if any && !m.bare {
			// In the patterns' own order, so that each stands at the same place in every plot whatever the ranking.
			slices.SortStableFunc(bars, func(a, b bar) int { return patternPlace(a.name) - patternPlace(b.name) })
			out.Plots = append(out.Plots, barPlot(m.name, m.better, bars))
		}
	}
	if t := w.eachLine(); len(t.Rows) > 0 {
		out.Each = t.folded()
	}
	if t := w.weakest(); len(t.Rows) > 0 {
		out.Weak = t.folded()
	}
	return out
}

// unproved tells whether nothing is known to speak against a pattern that was not proved.
func unproved(r *choose.Ranked) bool { return !r.Fits && !r.Proved && len(r.Failed) == 0 }

// starred is a pattern's name, with a star where the page is about it.
func (w *writer) starred(r *choose.Ranked) string {
	if r.Pattern == w.in.Answer.Best {
		return "★ " + string(r.Pattern)
	}
	return string(r.Pattern)
}

func patternPlace(name string) int { return slices.Index(design.Patterns(), design.Pattern(name)) }

// bar is one pattern's value of a figure.
type bar struct {
	name  string
	value float64
	words string
	known bool
	best  bool // what the page is about
}

// barPlot is a little plot: a bar for each pattern, from zero, with its name and value above it.
func barPlot(title, better string, bars []bar) template.HTML {
	const width, row, top = 300, 32, 4
	largest := 0.0
	var said []string
	for _, b := range bars {
		if b.known {
			largest = max(largest, b.value)
		}
		said = append(said, b.name+" "+b.words)
	}
	var s strings.Builder
	esc := template.HTMLEscapeString
	fmt.Fprintf(&s, `<figure class="multiple"><figcaption>%s <span class="soft">%s</span></figcaption>`, esc(title), esc(better))
	fmt.Fprintf(&s, `<svg class="bars" role="img" viewBox="0 0 %d %d"><title>%s: %s</title>`, width, top+row*len(bars), esc(title), esc(strings.Join(said, ", ")))
	for i, b := range bars {
		y := top + row*i
		name, class := b.name, "bar"
		if b.best {
			name, class = "★ "+name, "bar best"
		}
		fmt.Fprintf(&s, `<text x="0" y="%d">%s</text><text x="%d" y="%d" text-anchor="end">%s</text>`, y+11, esc(name), width, y+11, esc(b.words))
		fmt.Fprintf(&s, `<rect class="rail" x="0" y="%d" width="%d" height="8" rx="2"/>`, y+16, width)
		if b.known && largest > 0 && b.value > 0 {
			fmt.Fprintf(&s, `<rect class="%s" x="0" y="%d" width="%.1f" height="8" rx="2"/>`, class, y+16, max(2, width*b.value/largest))
		}
	}
	s.WriteString(`</svg></figure>`)
	return template.HTML(s.String())
}

// changes are what would change the answer; nil where nothing was found or nothing was chosen.
func (w *writer) changes() *table {
	c := &w.in.Answer.Choice
	if c.Chosen == nil || len(c.WouldChange) == 0 {
		return nil
	}
	type line struct {
		key, unchanged, threshold, to string
		who                           []string
	}
	var lines []*line
	for _, x := range c.WouldChange {
		l := &line{key: x.Key, unchanged: x.Unchanged, threshold: x.Threshold, to: or(string(x.Pattern), "nothing fits")}
		if rest, ok := strings.CutPrefix(x.Key, "linesOfBusiness."); ok {
			name, key, _ := strings.Cut(rest, ".")
			l.key, l.who = key, []string{name}
		}
		i := slices.IndexFunc(lines, func(o *line) bool {
			return o.key == l.key && o.unchanged == l.unchanged && o.threshold == l.threshold && o.to == l.to && len(l.who) > 0
		})
		if i < 0 {
			lines = append(lines, l)
		} else {
			lines[i].who = append(lines[i].who, l.who...)
		}
	}
	t := &table{Caption: "Single changes of the intent, each tried out", Head: texts("Key", "Of", "The answer stays with", "It changes with", "It becomes"),
		Note: "In a large estate those lines of business are tried that need the most."}
	for _, l := range lines {
		of := "the estate"
		if len(l.who) > 0 {
			of = list(l.who, 8)
		}
		t.Rows = append(t.Rows, texts(l.key, of, or(grouped(l.unchanged), "–"), grouped(l.threshold), l.to))
	}
	return t
}
