package draw

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// bills is three ways to pay for traffic, one of them bent.
func bills() Plot {
	now := 5.0
	line := func(name string, strong bool, xy ...float64) Series {
		s := Series{Name: name, Strong: strong}
		for i := 0; i < len(xy); i += 2 {
			s.Points = append(s.Points, PlotPoint{xy[i], xy[i+1]})
		}
		return s
	}
	return Plot{Title: "northwind: the month's bill", Subtitle: "Needs are not compared.", X: "TB out of Azure a month", Y: "USD a month", Now: &now, NowLabel: "today: 5 TB",
		Series: []Series{line("metered data (as designed)", true, 0, 4000, 250, 20000), line("unlimited data", false, 0, 9000, 250, 15000), line("internet <plain> & simple", false, 0, 900, 50, 8000, 150, 16000, 250, 24000)},
		Marks:  []PlotMark{{PlotPoint{125, 12000}, "125 TB", "metered data is cheaper below 125 TB"}, {PlotPoint{56, 7584}, "56 TB", ""}, {PlotPoint{60, 7900}, "60 TB", ""}}}
}

func plotted(t interface{ Fatal(...any) }, p Plot) []byte {
	var b bytes.Buffer
	if err := LinePlot(&b, p); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestThePlotLooksAsItDid(t *testing.T) {
	got := plotted(t, bills())
	file := filepath.Join("testdata", "plot.svg")
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what the plot looks like now; go test ./draw -update rewrites it", file)
	}
}

func TestTicksAreRoundNumbers(t *testing.T) {
	for _, x := range []struct {
		name  string
		most  float64
		whole bool
		want  string
	}{
		{"thousands", 27600, true, "0 5,000 10,000 15,000 20,000 25,000 30,000"},
		{"a fraction", 0.3, true, "0.00 0.05 0.10 0.15 0.20 0.25 0.30"},
		{"quarters", 12.4, true, "0.0 2.5 5.0 7.5 10.0 12.5"},
		{"an axis that ends with the values", 320, false, "0 100 200 300"},
		{"exactly a tick", 250, true, "0 50 100 150 200 250"},
		{"millions", 1.6e6, true, "0 500,000 1,000,000 1,500,000 2,000,000"},
		{"nothing at all", 0, true, "0 1"},
	} {
		a := newAxis(x.most, tickCount, x.whole)
		var got []string
		for _, v := range a.ticks() {
			got = append(got, a.label(v))
		}
		if strings.Join(got, " ") != x.want {
			t.Errorf("%s: %s, want %s", x.name, strings.Join(got, " "), x.want)
		}
	}
}

func TestAnAxisHoldsItsValuesWithFewRoundTicks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		most := math.Pow(10, rapid.Float64Range(-6, 12).Draw(t, "power"))
		n := rapid.IntRange(3, 10).Draw(t, "n")
		a := newAxis(most, n, true)
		ticks := a.ticks()
		if a.end < most*(1-1e-9) || a.end >= most+a.step*(1+1e-9) || len(ticks) < 2 || len(ticks) > n+1 {
			t.Fatalf("to %g by %g up to %g: %d ticks for %d", most, a.step, a.end, len(ticks), n)
		}
		digits := a.step / math.Pow(10, math.Floor(math.Log10(a.step)+1e-9))
		if !slices.ContainsFunc([]float64{1, 2, 2.5, 5}, func(m float64) bool { return math.Abs(m-digits) < 1e-6 }) {
			t.Fatalf("a step of %g is not round", a.step)
		}
		seen := map[string]bool{}
		for _, v := range ticks {
			if seen[a.label(v)] {
				t.Fatalf("two ticks are called %s", a.label(v))
			}
			seen[a.label(v)] = true
		}
	})
}

func TestAPlotWithoutMeaningIsRefused(t *testing.T) {
	for _, x := range []struct {
		name   string
		change func(*Plot)
		says   string
	}{
		{"no series", func(p *Plot) { p.Series = nil }, "no series"},
		{"a single point", func(p *Plot) { p.Series[0].Points = p.Series[0].Points[:1] }, "needs two"},
		{"a value that is none", func(p *Plot) { p.Series[0].Points[1].Y = math.NaN() }, "finite"},
		{"an endless value", func(p *Plot) { p.Series[0].Points[1].X = math.Inf(1) }, "finite"},
		{"a value below nothing", func(p *Plot) { p.Series[0].Points[0].Y = -1 }, "not negative"},
		{"a line that goes back", func(p *Plot) { slices.Reverse(p.Series[0].Points) }, "goes back"},
		{"a mark nowhere", func(p *Plot) { p.Marks[0].X = math.NaN() }, "mark"},
		{"no present", func(p *Plot) { now := math.NaN(); p.Now = &now }, "now"},
	} {
		p := bills()
		x.change(&p)
		if err := LinePlot(io.Discard, p); err == nil || !strings.Contains(err.Error(), x.says) {
			t.Errorf("%s: %v", x.name, err)
		}
	}
}

func TestAPlotInAPageBringsNoSheetAndItsOwnIDs(t *testing.T) {
	p := bills()
	p.ID = "traffic"
	got := string(plotted(t, p))
	if strings.Contains(got, "<style>") || !strings.Contains(got, `id="traffic-title"`) || !strings.Contains(Style(), ".plot .l0") {
		t.Error(got[:400])
	}
}

func TestAnyPlotIsWellFormedAndInsideItsFrame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String()
		value := rapid.OneOf(rapid.Float64Range(0, 10), rapid.Float64Range(0, 1e9), rapid.Just(0.0))
		p := Plot{Title: text.Draw(t, "title"), Subtitle: text.Draw(t, "subtitle"), X: text.Draw(t, "x"), Y: text.Draw(t, "y"), NowLabel: text.Draw(t, "now")}
		if rapid.Bool().Draw(t, "present") {
			now := value.Draw(t, "at")
			p.Now = &now
		}
		for range rapid.IntRange(1, 8).Draw(t, "series") {
			s := Series{Name: text.Draw(t, "name"), Strong: rapid.Bool().Draw(t, "strong")}
			xs := rapid.SliceOfN(value, 2, 12).Draw(t, "xs")
			slices.Sort(xs)
			for _, x := range xs {
				s.Points = append(s.Points, PlotPoint{x, value.Draw(t, "y")})
			}
			p.Series = append(p.Series, s)
		}
		for range rapid.IntRange(0, 6).Draw(t, "marks") {
			p.Marks = append(p.Marks, PlotMark{PlotPoint{value.Draw(t, "mx"), value.Draw(t, "my")}, text.Draw(t, "label"), text.Draw(t, "full")})
		}
		got := plotted(t, p)
		if !bytes.Equal(got, plotted(t, p)) {
			t.Fatal("the same plot gave two pictures")
		}
		d := xml.NewDecoder(bytes.NewReader(got))
		for {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%v\n%s", err, got)
			}
		}
		f := p.field()
		for _, s := range p.Series {
			for _, q := range s.Points {
				if x, y := f.at(q); x < f.frame.x*10 || x > (f.frame.x+f.frame.w)*10 || y < f.frame.y*10 || y > (f.frame.y+f.frame.h)*10 {
					t.Fatalf("%g, %g is drawn at %d, %d, outside %+v", q.X, q.Y, x, y, f.frame)
				}
			}
		}
		for _, k := range f.legend {
			if k.x < f.frame.x || k.x+swatch+width(k.name, 12) > f.frame.x+f.frame.w || k.y > f.h {
				t.Fatalf("the legend leaves the picture: %+v of %d x %d", k, f.w, f.h)
			}
		}
	})
}
