package draw

import (
	_ "embed"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// timelineStyle is the sheet of every timeline, scoped like that of the topologies.
//
//go:embed timeline.css
var timelineStyle string

// TimelineStyle is the style sheet of every timeline, for a page that holds several of them.
func TimelineStyle() string { return timelineStyle }

// Timeline is what happened beside what was lost, over one axis of time. The axis may consist of stretches, each with its own zero and
// scale: what happens after a failure, then after its repair.
type Timeline struct {
	Title     string
	Subtitle  string
	Stretches []Stretch // left to right
	Events    []Moment  // in the order in which they are numbered
	Lanes     []Lane    // from above
	Note      string    // below everything, wrapped to two lines: what was left out
	// ID is as in Diagram: the picture is one of several in a page, which has the style sheet.
	ID string
}

// Stretch is a part of the axis, from 0 seconds on.
type Stretch struct {
	Name string  // "after the failure"
	To   float64 // seconds; positive
	// Weight is its width beside the others'.
	Weight int
}

// Moment is an event: a numbered mark on the axis, with its words in a list below.
type Moment struct {
	Stretch int
	At      float64 // seconds; what is beyond the stretch stands at its end
	Until   float64 // seconds; for what goes on for a while, else At
	When    string  // the time in words
	What    string
	Strong  bool // one that the picture begins with: a failure, a repair
}

// Lane is a line of the picture: some flows that felt the same.
type Lane struct {
	Label string
	Sub   string
	Full  string // for its <title>: every flow
	Bad   bool   // Sub says what is wrong
	Bars  []Bar
	Bound *Window
}

// Bar is a time in which packets were lost.
type Bar struct {
	Stretch  int
	From, To float64 // seconds
	Share    float64 // of the packets, above 0 up to 1
	Label    string
	Open     bool // it has no end: lost for good
}

// Window is between when and when something may end.
type Window struct {
	Stretch  int
	From, To float64
}

// The measures of a timeline, in pixels.
const (
	timelineWidth = 980
	laneLabel     = 284
	laneHeight    = 38
	stretchGap    = 26
	pillRow       = 26
	momentRow     = 17
	barHeight     = 12
)

// TimelineSVG writes a timeline to w as one SVG document, the same bytes for the same timeline. The error is w's, or says what has no
// meaning.
func TimelineSVG(w io.Writer, t Timeline) error {
	if err := t.validate(); err != nil {
		return fmt.Errorf("timeline %q: %w", t.Title, err)
	}
	l := t.layout()
	_, err := w.Write(l.svg())
	return err
}

func (t *Timeline) validate() error {
	if len(t.Stretches) == 0 {
		return fmt.Errorf("there is no stretch of time")
	}
	finite := func(list ...float64) bool {
		for _, v := range list {
			if math.IsNaN(v) || math.IsInf(v, 0) || v < 0 {
				return false
			}
		}
		return true
	}
	in := func(i int) bool { return i >= 0 && i < len(t.Stretches) }
	for i, s := range t.Stretches {
		if !finite(s.To) || s.To == 0 || s.Weight <= 0 {
			return fmt.Errorf("stretch %d lasts to %g s with a weight of %d; both must be positive", i, s.To, s.Weight)
		}
	}
	for i, e := range t.Events {
		if !in(e.Stretch) || !finite(e.At, e.Until) || e.Until < e.At {
			return fmt.Errorf("event %d (%q) is from %g to %g s of stretch %d; there are %d stretches, from 0 s on", i, e.What, e.At, e.Until, e.Stretch, len(t.Stretches))
		}
	}
	for _, l := range t.Lanes {
		for i, b := range l.Bars {
			if !in(b.Stretch) || !finite(b.From, b.To, b.Share) || b.To < b.From || b.Share > 1 {
				return fmt.Errorf("lane %q: bar %d is from %g to %g s of stretch %d, a share of %g; the end comes after the beginning and a share is at most 1", l.Label, i, b.From, b.To, b.Stretch, b.Share)
			}
		}
		if w := l.Bound; w != nil && (!in(w.Stretch) || !finite(w.From, w.To) || w.To < w.From) {
			return fmt.Errorf("lane %q: its window is from %g to %g s of stretch %d", l.Label, w.From, w.To, w.Stretch)
		}
	}
	return nil
}

// strip is a timeline with everything in its place.
type strip struct {
	t        *Timeline
	axes     []axis
	places   []box // of the stretches: from above the lanes to the axis
	subtitle []string
	note     []string
	pillY    int
	listY    int
	keyY     int
	noteY    int
	h        int
}

func (t *Timeline) layout() strip {
	l := strip{t: t}
	y := plotMargin
	if t.Title != "" {
		y += 22
	}
	l.subtitle = wrap(t.Subtitle, 13, timelineWidth-2*plotMargin, 3)
	y += 18*len(l.subtitle) + 14
	l.pillY = y + 18 // the stretches' names stand above
	y = l.pillY + pillRow
	weights := 0
	for _, s := range t.Stretches {
		weights += s.Weight
	}
	x := plotMargin + laneLabel
	room := timelineWidth - plotMargin - x - stretchGap*(len(t.Stretches)-1) - 8
	for _, s := range t.Stretches {
		w := room * s.Weight / weights
		l.places = append(l.places, box{x, y, w, laneHeight * max(1, len(t.Lanes))})
		l.axes = append(l.axes, newAxis(s.To, max(2, w/64), false))
		x += w + stretchGap
	}
	y += l.places[0].h + 40
	l.keyY = y + 8
	y += 28
	if n := len(t.Events); n > 0 {
		l.listY = y + 6
		y += 6 + n*momentRow + 6
		for i := range t.Events {
			if i > 0 && t.Events[i].Stretch != t.Events[i-1].Stretch {
				y += 6
			}
		}
	}
	l.note = wrap(t.Note, 11, timelineWidth-2*plotMargin, 2)
	l.noteY = y + 10
	y += 15 * len(l.note)
	l.h = y + plotMargin/2
	return l
}

// x is where a time of a stretch stands, in tenths of a pixel; what is beyond stands at the end.
func (l *strip) x(stretch int, at float64) int {
	p := l.places[stretch]
	return 10*p.x + int(math.Round(min(1, at/l.t.Stretches[stretch].To)*float64(10*p.w)))
}

func (l *strip) svg() []byte {
	t := l.t
	p := pen{id: "timeline"}
	if t.ID != "" {
		p.id = esc(t.ID)
	}
	title := t.Title
	if title == "" {
		title = "Timeline"
	}
	p.put(`<svg xmlns="http://www.w3.org/2000/svg" class="timeline" role="img" aria-labelledby="%[1]s-title %[1]s-desc" viewBox="0 0 %[2]d %[3]d" width="%[2]d" height="%[3]d">`+"\n", p.id, timelineWidth, l.h)
	p.put("<title id=\"%[1]s-title\">%[2]s</title>\n<desc id=\"%[1]s-desc\">%[3]s</desc>\n", p.id, esc(title), esc(l.describe()))
	if t.ID == "" {
		p.put("<style>\n%s</style>\n", timelineStyle)
	}
	p.put(`<rect class="paper" width="%d" height="%d"/>`+"\n", timelineWidth, l.h)
	y := plotMargin
	if t.Title != "" {
		y += 16
		p.cut("title", plotMargin, y, timelineWidth-2*plotMargin, 20, t.Title)
		y += 6
	}
	for _, line := range l.subtitle {
		p.text("subtitle", plotMargin, y+13, "", line)
		y += 18
	}
	l.stretches(&p)
	l.pills(&p)
	l.lanes(&p)
	l.keys(&p)
	l.list(&p)
	for i, line := range l.note {
		p.text("sub", plotMargin, l.noteY+15*i, "", line)
	}
	p.put("</svg>\n")
	return p.Bytes()
}

// cut writes a line of text that is shortened to a width, with the whole in its <title>.
func (p *pen) cut(class string, x, y, most, size int, s string) {
	short, cut := shorten(s, size, most)
	p.put(`<text class="%s" x="%d" y="%d">`, class, x, y)
	if cut {
		p.put("<title>%s</title>", esc(s))
	}
	p.put("%s</text>\n", esc(short))
}

// stretches draws the fields with their axes.
func (l *strip) stretches(p *pen) {
	for i, s := range l.t.Stretches {
		r := l.places[i]
		p.put(`<rect class="field" x="%d" y="%d" width="%d" height="%d"/>`, r.x, r.y, r.w, r.h)
		ticks := l.axes[i].ticks()
		for _, v := range ticks {
			x := l.x(i, v)
			p.put(`<path class="grid" d="M%s %dv%d"/><path class="axis" d="M%s %dv5"/>`, tenths(x), r.y, r.h, tenths(x), r.y+r.h)
			label := l.axes[i].label(v)
			if v == ticks[len(ticks)-1] {
				label += " s"
			}
			p.text("tick", (x+5)/10, r.y+r.h+18, "middle", label)
		}
		p.put(`<path class="axis" d="M%d %dh%d"/>`+"\n", r.x, r.y+r.h, r.w)
		p.cut("head", r.x, l.pillY-6, r.w, 11, s.Name)
	}
}

// pill is some events that are so near to each other that they have one mark.
type pill struct {
	first, last int
	from, to    int // tenths of a pixel: the events
	strong      bool
}

func (x *pill) label() string {
	if x.first == x.last {
		return strconv.Itoa(x.first + 1)
	}
	return fmt.Sprintf("%d–%d", x.first+1, x.last+1)
}

func (x *pill) box(y int) box {
	w := width(x.label(), 10) + 12
	return box{(x.from+x.to)/20 - w/2, y, w, 16}
}

// group gives each event a mark. Those of which the marks would cover each other have one; they follow each other in number.
func (l *strip) group() []pill {
	var out []pill
	for i, e := range l.t.Events {
		x := l.x(e.Stretch, e.At)
		out = append(out, pill{i, i, x, x, e.Strong})
		for n := len(out); n > 1; n = len(out) {
			a, b := &out[n-2], &out[n-1]
			if ab, bb := a.box(0), b.box(0); l.t.Events[a.last].Stretch != l.t.Events[b.first].Stretch || ab.x+ab.w+2 <= bb.x {
				break
			}
			a.last, a.from, a.to, a.strong = b.last, min(a.from, b.from), max(a.to, b.to), a.strong || b.strong
			out = out[:n-1]
		}
	}
	return out
}

func (l *strip) pills(p *pen) {
	r := l.places[0]
	list := l.group()
	for _, x := range list {
		drawn := map[int]bool{}
		for i := x.first; i <= x.last; i++ {
			e := &l.t.Events[i]
			at := l.x(e.Stretch, e.At)
			if !drawn[at] && e.At <= l.t.Stretches[e.Stretch].To {
				drawn[at] = true
				p.put(`<path class="guide" d="M%s %dV%d"/>`, tenths(at), l.pillY+16, r.y+r.h)
			}
			if until := l.x(e.Stretch, e.Until); until > at+20 {
				p.put(`<path class="while" d="M%s %dH%s"/>`, tenths(at), r.y-5, tenths(until))
			}
		}
	}
	p.put("\n")
	for _, x := range list {
		b := x.box(l.pillY)
		class := "badge"
		if x.strong {
			class += " strong"
		}
		p.put(`<rect class="%s" x="%d" y="%d" width="%d" height="%d" rx="8"/>`, class, b.x, b.y, b.w, b.h)
		p.text("number", b.x+b.w/2, b.y+12, "middle", x.label())
	}
}

func (l *strip) lanes(p *pen) {
	for i := range l.t.Lanes {
		lane := &l.t.Lanes[i]
		y := l.places[0].y + i*laneHeight
		p.put(`<path class="rule" d="M%d %dH%d"/>`+"\n", plotMargin, y, timelineWidth-plotMargin-8)
		p.put("<g>")
		if lane.Full != "" {
			p.put("<title>%s</title>", esc(lane.Full))
		}
		label, _ := shorten(lane.Label, 12, laneLabel-28) // bold letters are wider
		p.text("label", plotMargin, y+16, "", label)
		class := "sub"
		if lane.Bad {
			class += " bad"
		}
		sub, _ := shorten(lane.Sub, 11, laneLabel-18)
		p.text(class, plotMargin, y+30, "", sub)
		if w := lane.Bound; w != nil {
			from, to := l.x(w.Stretch, w.From), l.x(w.Stretch, w.To)
			p.put(`<rect class="within" x="%s" y="%d" width="%s" height="%d"/>`, tenths(from), y+17, tenths(max(10, to-from)), barHeight+8)
		}
		var said []box
		for _, b := range lane.Bars {
			said = l.bar(p, &b, y, said)
		}
		if w := lane.Bound; w != nil {
			for end, at := range []float64{w.From, w.To} {
				x := l.x(w.Stretch, at)
				hook := 4 - 8*end
				p.put(`<path class="bound" d="M%s %dh%dv%dh%d"/>`, tenths(x+10*hook), y+17, -hook, barHeight+8, hook)
			}
		}
		p.put("</g>\n")
	}
}

// bar draws a bar and, where nothing stands there yet, its label above it.
func (l *strip) bar(p *pen, b *Bar, y int, said []box) []box {
	r := l.places[b.Stretch]
	from, to := l.x(b.Stretch, b.From), l.x(b.Stretch, b.To)
	class := "bar"
	if b.Open {
		class, to = "bar open", 10*(r.x+r.w)-70
	}
	to = max(to, from+20)
	p.put(`<rect class="%s" x="%s" y="%d" width="%s" height="%d" fill-opacity="%s"><title>%s</title></rect>`, class, tenths(from), y+21, tenths(to-from), barHeight,
		strconv.FormatFloat(roundTo(0.35+0.65*b.Share, 2), 'f', -1, 64), esc(b.Label))
	if b.Open {
		p.put(`<path class="arrow" d="M%s %dl7 6l-7 6z"/>`, tenths(to), y+21)
	}
	wide := width(b.Label, 11)
	at := box{min(from/10, r.x+r.w-wide), y + 4, wide, 13}
	if wide == 0 || at.x < r.x || hits(box{at.x - 6, at.y, at.w + 12, at.h}, said) {
		return said
	}
	p.text("barlabel", at.x, y+15, "", b.Label)
	return append(said, at)
}

// keys explains what occurs.
func (l *strip) keys(p *pen) {
	x, y := plotMargin+laneLabel, l.keyY
	add := func(draw func(x int), text string) {
		draw(x)
		p.text("key", x+24, y, "", text)
		x += 24 + width(text, 11) + 18
	}
	ends, part, open, bound := false, false, false, false
	for _, lane := range l.t.Lanes {
		bound = bound || lane.Bound != nil
		for _, b := range lane.Bars {
			ends, open, part = ends || !b.Open, open || b.Open, part || b.Share < 0.9
		}
	}
	if ends {
		add(func(x int) { p.put(`<rect class="bar" x="%d" y="%d" width="18" height="10"/>`, x, y-9) }, "packets lost")
	}
	if part {
		class := "bar"
		if !ends {
			class = "bar open"
		}
		add(func(x int) {
			p.put(`<rect class="%s" x="%d" y="%d" width="18" height="10" fill-opacity="0.5"/>`, class, x, y-9)
		}, "some of them")
	}
	if open {
		add(func(x int) {
			p.put(`<rect class="bar open" x="%d" y="%d" width="13" height="10"/><path class="arrow" d="M%d %dl5 5l-5 5z"/>`, x, y-9, x+13, y-9)
		}, "lost for good")
	}
	if bound {
		add(func(x int) {
			p.put(`<rect class="within" x="%d" y="%d" width="18" height="12"/><path class="bound" d="M%d %dh-4v12h4m10 0h4v-12h-4"/>`, x, y-10, x+4, y-10)
		}, "its end, by the protocols' timers: earliest and latest")
	}
	p.put("\n")
}

// list writes the events in words.
func (l *strip) list(p *pen) {
	const number, when = 30, 136
	y := l.listY
	for i, e := range l.t.Events {
		if i > 0 && e.Stretch != l.t.Events[i-1].Stretch {
			y += 6
		}
		class := "badge"
		if e.Strong {
			class += " strong"
		}
		label := strconv.Itoa(i + 1)
		wide := width(label, 10) + 10
		p.put(`<rect class="%s" x="%d" y="%d" width="%d" height="14" rx="7"/>`, class, plotMargin, y, wide)
		p.text("number", plotMargin+wide/2, y+11, "middle", label)
		p.cut("when", plotMargin+number, y+11, when-number-6, 11, e.When)
		p.cut("what", plotMargin+when, y+11, timelineWidth-2*plotMargin-when, 11, e.What)
		y += momentRow
	}
}

// describe says in words what the picture shows.
func (l *strip) describe() string {
	var out []string
	for i, s := range l.t.Stretches {
		var parts []string
		for n, e := range l.t.Events {
			if e.Stretch == i {
				parts = append(parts, fmt.Sprintf("%d at %s: %s", n+1, e.When, e.What))
			}
		}
		for _, lane := range l.t.Lanes {
			for _, b := range lane.Bars {
				if b.Stretch == i {
					parts = append(parts, lane.Label+": "+b.Label)
				}
			}
		}
		out = append(out, s.Name+": "+strings.Join(parts, "; ")+".")
	}
	return strings.Join(out, " ")
}
