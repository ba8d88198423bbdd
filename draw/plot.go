package draw

import (
	_ "embed"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// plotStyle is the sheet of every plot, scoped like that of the topologies.
//
//go:embed plot.css
var plotStyle string

// Plot is lines over one axis, both axes from nothing upwards: what several ways cost over what is sent, say.
type Plot struct {
	Title    string
	Subtitle string
	X, Y     string // what the axes measure, with the unit
	Series   []Series
	Marks    []PlotMark
	// Now, if not nil, is the present X: a dashed line across, with NowLabel.
	Now      *float64
	NowLabel string
	// ID is as in Diagram: the picture is one of several in a page, which has the style sheet.
	ID string
}

// Series is one line, in the order of X.
type Series struct {
	Name   string
	Points []PlotPoint
	// Strong draws the line thicker: the one that the picture is about.
	Strong bool
}

// PlotPoint is a point of a line. Both are finite and not negative.
type PlotPoint struct{ X, Y float64 }

// PlotMark is a point to look at.
type PlotMark struct {
	PlotPoint
	Label string // beside the point
	Full  string // for its <title>
}

// MarkName is what the legend calls the marks of a plot.
const MarkName = "break-even"

// The measures of a plot, in pixels.
const (
	plotWidth  = 860
	plotHeight = 360 // of the field between the axes
	plotMargin = 24
	tickCount  = 6 // about so many ticks
	seriesLook = 6 // looks of lines in the style sheet
	swatch     = 34
)

// LinePlot writes a plot to w as one SVG document, the same bytes for the same plot. The error is w's, or says which point or series
// has no meaning.
func LinePlot(w io.Writer, p Plot) error {
	if err := p.validate(); err != nil {
		return fmt.Errorf("plot %q: %w", p.Title, err)
	}
	f := p.field()
	_, err := w.Write(f.svg())
	return err
}

func (p Plot) validate() error {
	bad := func(x PlotPoint) bool {
		return math.IsNaN(x.X+x.Y) || math.IsInf(x.X+x.Y, 0) || x.X < 0 || x.Y < 0
	}
	if len(p.Series) == 0 {
		return fmt.Errorf("there is no series")
	}
	for _, s := range p.Series {
		if len(s.Points) < 2 {
			return fmt.Errorf("series %q has %d points; a line needs two", s.Name, len(s.Points))
		}
		for i, x := range s.Points {
			if bad(x) {
				return fmt.Errorf("point %d of series %q is %g, %g; only what is finite and not negative is drawn", i, s.Name, x.X, x.Y)
			}
			if i > 0 && x.X < s.Points[i-1].X {
				return fmt.Errorf("point %d of series %q goes back from %g to %g", i, s.Name, s.Points[i-1].X, x.X)
			}
		}
	}
	for _, m := range p.Marks {
		if bad(m.PlotPoint) {
			return fmt.Errorf("mark %q is at %g, %g; only what is finite and not negative is drawn", m.Label, m.X, m.Y)
		}
	}
	if p.Now != nil && bad(PlotPoint{*p.Now, 0}) {
		return fmt.Errorf("now is %g; only what is finite and not negative is drawn", *p.Now)
	}
	return nil
}

// field is a plot with its axes and its place in the picture.
type field struct {
	plot         Plot
	xs, ys       axis
	frame        box // between the axes
	w, h         int
	legend       []legendKey
	legendBottom int
}

type legendKey struct {
	x, y  int
	look  int // of the series; -1 is the mark
	thick bool
	name  string
}

// axis has round ticks from 0 to at least the greatest value.
type axis struct {
	step, end float64
	decimals  int
}

// newAxis chooses the step: 1, 2, 2.5 or 5 times a power of ten, whichever gives the number of ticks that is nearest to n from below.
// The axis ends where the values do when whole is false, else at the next tick.
func newAxis(most float64, n int, whole bool) axis {
	if most <= 0 {
		return axis{step: 1, end: 1}
	}
	power := math.Pow(10, math.Floor(math.Log10(most/float64(n))))
	a := axis{}
	for _, m := range []float64{1, 2, 2.5, 5, 10} {
		a.step = m * power
		if math.Ceil(most/a.step-1e-9) <= float64(n) {
			break
		}
	}
	a.end = most
	if whole {
		a.end = math.Ceil(most/a.step-1e-9) * a.step
	}
	// As many decimals as tell the steps apart.
	for a.decimals < 9 && math.Abs(a.step-roundTo(a.step, a.decimals)) > a.step/1e6 {
		a.decimals++
	}
	return a
}

func roundTo(v float64, decimals int) float64 {
	scale := math.Pow(10, float64(decimals))
	return math.Round(v*scale) / scale
}

// ticks are the round values from 0 to the end.
func (a axis) ticks() []float64 {
	var out []float64
	for i := 0; ; i++ {
		v := float64(i) * a.step
		if v > a.end*(1+1e-9) {
			return out
		}
		out = append(out, v)
	}
}

// label is a tick's number with its thousands apart.
func (a axis) label(v float64) string {
	s := strconv.FormatFloat(v, 'f', a.decimals, 64)
	whole, rest, fraction := strings.Cut(s, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if fraction {
		return whole + "." + rest
	}
	return whole
}

// field places everything.
func (p Plot) field() field {
	var mostX, mostY float64
	see := func(x PlotPoint) { mostX, mostY = max(mostX, x.X), max(mostY, x.Y) }
	for _, s := range p.Series {
		for _, x := range s.Points {
			see(x)
		}
	}
	for _, m := range p.Marks {
		see(m.PlotPoint)
	}
	if p.Now != nil {
		mostX = max(mostX, *p.Now)
	}
	f := field{plot: p, xs: newAxis(mostX, tickCount+2, false), ys: newAxis(mostY, tickCount, true), w: plotWidth}
	left := 0
	for _, v := range f.ys.ticks() {
		left = max(left, width(f.ys.label(v), 11))
	}
	top := plotMargin
	if p.Title != "" {
		top += 22
	}
	if p.Subtitle != "" {
		top += 18
	}
	top += 40 // the Y axis's name and the present's label
	f.frame = box{plotMargin + left + 8, top, plotWidth - 2*plotMargin - left - 8 - 16, plotHeight}
	f.keys(f.frame.y + f.frame.h + 58)
	f.h = f.legendBottom + plotMargin - 6
	return f
}

// keys places the legend in rows.
func (f *field) keys(y int) {
	const gap = 22
	x := f.frame.x
	add := func(look int, thick bool, name string) {
		name, _ = shorten(name, 12, f.frame.w-swatch)
		wide := swatch + width(name, 12) + gap
		if x > f.frame.x && x+wide-gap > f.frame.x+f.frame.w {
			x, y = f.frame.x, y+20
		}
		f.legend = append(f.legend, legendKey{x, y, look, thick, name})
		x += wide
	}
	for i, s := range f.plot.Series {
		add(i%seriesLook, s.Strong, s.Name)
	}
	if len(f.plot.Marks) > 0 {
		add(-1, false, MarkName)
	}
	f.legendBottom = y + 6
}

// at is where a point stands, in tenths of a pixel.
func (f *field) at(x PlotPoint) (int, int) {
	r := f.frame
	return r.x*10 + int(math.Round(x.X/f.xs.end*float64(r.w*10))), (r.y+r.h)*10 - int(math.Round(x.Y/f.ys.end*float64(r.h*10)))
}

// svg writes the picture.
func (f *field) svg() []byte {
	p := pen{id: "plot"}
	if f.plot.ID != "" {
		p.id = esc(f.plot.ID)
	}
	title := f.plot.Title
	if title == "" {
		title = f.plot.Y + " over " + f.plot.X
	}
	p.put(`<svg xmlns="http://www.w3.org/2000/svg" class="plot" role="img" aria-labelledby="%[1]s-title %[1]s-desc" viewBox="0 0 %[2]d %[3]d" width="%[2]d" height="%[3]d">`+"\n", p.id, f.w, f.h)
	p.put("<title id=\"%[1]s-title\">%[2]s</title>\n<desc id=\"%[1]s-desc\">%[3]s</desc>\n", p.id, esc(title), esc(f.describe()))
	if f.plot.ID == "" {
		p.put("<style>\n%s</style>\n", plotStyle)
	}
	p.put(`<rect class="paper" width="%d" height="%d"/>`+"\n", f.w, f.h)
	y := plotMargin
	if f.plot.Title != "" {
		y += 16
		p.text("title", plotMargin, y, "", f.plot.Title)
		y += 6
	}
	if f.plot.Subtitle != "" {
		short, _ := shorten(f.plot.Subtitle, 13, f.w-2*plotMargin)
		p.text("subtitle", plotMargin, y+13, "", short)
	}
	f.axes(&p)
	f.lines(&p)
	f.marks(&p)
	for _, k := range f.legend {
		if k.look < 0 {
			p.put(`<circle class="mark" cx="%d" cy="%d" r="4.5"/>`, k.x+14, k.y-4)
		} else {
			p.put(`<path class="line l%d%s" d="M%d %dh28"/>`, k.look, strong(k.thick), k.x, k.y-4)
		}
		p.text("key", k.x+swatch, k.y, "", k.name)
	}
	p.put("</svg>\n")
	return p.Bytes()
}

func strong(s bool) string {
	if s {
		return " strong"
	}
	return ""
}

// text writes a line of text at a baseline.
func (p *pen) text(class string, x, y int, anchor, s string) {
	if anchor != "" {
		anchor = ` text-anchor="` + anchor + `"`
	}
	p.put(`<text class="%s" x="%d" y="%d"%s>%s</text>`+"\n", class, x, y, anchor, esc(s))
}

func (f *field) axes(p *pen) {
	r := f.frame
	for _, v := range f.ys.ticks() {
		_, y := f.at(PlotPoint{0, v})
		p.put(`<path class="grid" d="M%d %sh%d"/>`, r.x, tenths(y), r.w)
		p.text("tick", r.x-8, (y+40)/10, "end", f.ys.label(v))
	}
	for _, v := range f.xs.ticks() {
		x, _ := f.at(PlotPoint{v, 0})
		p.put(`<path class="axis" d="M%s %dv5"/>`, tenths(x), r.y+r.h)
		p.text("tick", (x+5)/10, r.y+r.h+19, "middle", f.xs.label(v))
	}
	p.put(`<path class="axis" d="M%d %dv%dh%d"/>`+"\n", r.x, r.y, r.h, r.w)
	p.text("name", plotMargin, r.y-24, "", f.plot.Y)
	p.text("name", r.x+r.w, r.y+r.h+36, "end", f.plot.X)
}

// lines draws the series, the first on top: it is what the others are compared with.
func (f *field) lines(p *pen) {
	if f.plot.Now != nil {
		x, _ := f.at(PlotPoint{*f.plot.Now, 0})
		p.put(`<path class="now" d="M%s %dv%d"/>`, tenths(x), f.frame.y-16, f.frame.h+16)
		anchor, at := "start", (x+5)/10+4
		if wide := width(f.plot.NowLabel, 11); at+wide > f.frame.x+f.frame.w {
			anchor, at = "end", (x+5)/10-4
		}
		p.text("nowlabel", at, f.frame.y-8, anchor, f.plot.NowLabel)
	}
	for i := len(f.plot.Series) - 1; i >= 0; i-- {
		s := f.plot.Series[i]
		p.put(`<g><title>%s</title><path class="line l%d%s" d="`, esc(s.Name), i%seriesLook, strong(s.Strong))
		for j, x := range s.Points {
			px, py := f.at(x)
			letter := "L"
			if j == 0 {
				letter = "M"
			}
			p.put("%s%s %s", letter, tenths(px), tenths(py))
		}
		p.put("\"/></g>\n")
	}
}

// marks draws the marked points, each with its label where it covers the fewest lines.
func (f *field) marks(p *pen) {
	var taken []box
	for _, m := range f.plot.Marks {
		x, y := f.at(m.PlotPoint)
		taken = append(taken, box{x/10 - 6, y/10 - 6, 12, 12})
	}
	for _, m := range f.plot.Marks {
		x, y := f.at(m.PlotPoint)
		x, y = (x+5)/10, (y+5)/10
		p.put(`<g><title>%s</title><circle class="mark" cx="%d" cy="%d" r="4.5"/>`, esc(m.Full), x, y)
		if wide := width(m.Label, 11); wide > 0 {
			left, right := x-9-wide, x+9
			var places []box
			for _, up := range []int{0, 18, 36} {
				places = append(places, box{right, y + 6 + up, wide, 15}, box{left, y - 20 - up, wide, 15}, box{right, y - 20 - up, wide, 15}, box{left, y + 6 + up, wide, 15})
			}
			best, least := places[0], math.MaxInt
			for _, r := range places {
				if !f.inside(r) || hits(r, taken) {
					continue
				}
				n := f.covered(r)
				if !f.nearest(r, x, y) { // it would be read as another mark's
					n += 2 * len(f.plot.Series)
				}
				if n < least {
					best, least = r, n
				}
			}
			taken = append(taken, best)
			p.put(`<rect class="plate" x="%d" y="%d" width="%d" height="%d" rx="3"/>`, best.x-2, best.y, best.w+4, best.h)
			p.text("marklabel", best.x, best.y+12, "", m.Label)
		}
		p.put("</g>\n")
	}
}

// nearest tells whether a label is clearly nearer to its own mark, at x, y, than to any other.
func (f *field) nearest(r box, x, y int) bool {
	far := func(x, y int) int {
		dx, dy := max(r.x-x, x-r.x-r.w, 0), max(r.y-y, y-r.y-r.h, 0)
		return dx*dx + dy*dy
	}
	for _, m := range f.plot.Marks {
		ox, oy := f.at(m.PlotPoint)
		ox, oy = (ox+5)/10, (oy+5)/10
		if (ox != x || oy != y) && far(ox, oy) <= 3*far(x, y) {
			return false
		}
	}
	return true
}

func (f *field) inside(r box) bool {
	return r.x >= f.frame.x+2 && r.x+r.w <= f.frame.x+f.frame.w && r.y >= f.frame.y && r.y+r.h <= f.frame.y+f.frame.h
}

func hits(r box, list []box) bool {
	for _, o := range list {
		if r.x < o.x+o.w && o.x < r.x+r.w && r.y < o.y+o.h && o.y < r.y+r.h {
			return true
		}
	}
	return false
}

// covered counts the lines that go through a box.
func (f *field) covered(r box) int {
	n := 0
	for _, s := range f.plot.Series {
		for i := 1; i < len(s.Points); i++ {
			ax, ay := f.at(s.Points[i-1])
			bx, by := f.at(s.Points[i])
			if max(ax, bx) < r.x*10 || min(ax, bx) > (r.x+r.w)*10 {
				continue
			}
			// The line between two points, in steps smaller than a letter.
			in, steps := false, max(bx-ax, by-ay, ay-by)/40+1
			for k := 0; k <= steps && !in; k++ {
				in = hits(box{(ax + (bx-ax)*k/steps) / 10, (ay + (by-ay)*k/steps) / 10, 1, 1}, []box{r})
			}
			if in {
				n++
				break
			}
		}
	}
	return n
}

// describe says in words what the lines show.
func (f *field) describe() string {
	var parts []string
	for _, s := range f.plot.Series {
		first, last := s.Points[0], s.Points[len(s.Points)-1]
		parts = append(parts, fmt.Sprintf("%s: from %s at %s to %s at %s.", s.Name, plain(first.Y), plain(first.X), plain(last.Y), plain(last.X)))
	}
	for _, m := range f.plot.Marks {
		parts = append(parts, m.Full+".")
	}
	return f.plot.Y + " over " + f.plot.X + ". " + strings.Join(parts, " ")
}

// plain is a number with two decimals at most.
func plain(v float64) string { return strconv.FormatFloat(roundTo(v, 2), 'f', -1, 64) }
