package draw

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// story is a timeline with everything that one can have.
func story() Timeline {
	return Timeline{Title: "router:toronto-msee1", Subtitle: "The longest outage that ends: 58.04 s.", Note: "Not drawn: 3 more flows.",
		Stretches: []Stretch{{"Seconds after the failure", 62, 3}, {"Seconds after the repair", 1.1, 2}},
		Events: []Moment{{0, 0, 0, "0.00 s", "router toronto-msee1 fails, and nobody is told", true}, {0, 0.81, 0.82, "0.81 to 0.82 s", "BFD goes down at <toronto-ce1> & more", false},
			{0, 52.88, 58.04, "52.88 to 58.04 s", "a session ends: " + strings.Repeat("Hold Timer Expired ", 12), false}, {1, 0, 0, "0.00 s", "it is repaired", true}, {1, 50.9, 50.9, "50.90 s", "all is quiet", false}},
		Lanes: []Lane{
			{Label: "finance", Sub: "3 flows: vnet-fin-core/db – montreal", Full: "every flow", Bars: []Bar{{0, 0, 58.04, 0.5, "58.04 s: 4,376 of 8,702 packets", false}}, Bound: &Window{0, 40, 60}},
			{Label: "hr", Sub: "vnet-hr-core/default – toronto", Bars: []Bar{{0, 0.02, 61, 1, "lost for good, as proved", true}, {1, 0, 0.36, 1, "360 ms: all 18 packets", false}}},
			{Label: "it", Sub: "✗ not as proved", Bad: true, Bars: []Bar{{0, 0, 1, 1, "one", false}, {0, 1.5, 2, 1, "that has no room", false}, {0, 30, 31, 1, "far from it", false}}},
		}}
}

// grid is a matrix with every kind of cell.
func grid() Matrix {
	m := Matrix{Title: "northwind: who feels what", Subtitle: "Seconds in which packets were lost.", Corner: "Element that fails"}
	row := MatrixRow{MatrixName: MatrixName{"toronto-msee1 & 2", "toronto-msee1, toronto-msee2"}}
	for i, k := range MatrixKinds() {
		m.Columns = append(m.Columns, MatrixName{fmt.Sprint("flow <", i, ">"), "a longer name"})
		row.Cells = append(row.Cells, MatrixCell{k, fmt.Sprint(i), "words"})
		m.Keys = append(m.Keys, MatrixKey{k, fmt.Sprint(i), "what it means"})
	}
	m.Groups = []MatrixGroup{{"router, 2 drills", []MatrixRow{row}}}
	return m
}

func drawnTimeline(t interface{ Fatal(...any) }, x Timeline) []byte {
	var b bytes.Buffer
	if err := TimelineSVG(&b, x); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func drawnMatrix(t interface{ Fatal(...any) }, x Matrix) []byte {
	var b bytes.Buffer
	if err := MatrixSVG(&b, x); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestTimelineAndMatrixLookAsTheyDid(t *testing.T) {
	for name, got := range map[string][]byte{"timeline.svg": drawnTimeline(t, story()), "matrix.svg": drawnMatrix(t, grid())} {
		file := filepath.Join("testdata", name)
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
			t.Errorf("%s is not what it looks like now; go test ./draw -update rewrites it", file)
		}
	}
}

// wellFormed checks that a picture is one XML document.
func wellFormed(t interface{ Fatal(...any) }, svg []byte) {
	d := xml.NewDecoder(bytes.NewReader(svg))
	for {
		if _, err := d.Token(); err == io.EOF {
			return
		} else if err != nil {
			t.Fatal(err, string(svg))
		}
	}
}

func TestATimelineWithoutMeaningIsRefused(t *testing.T) {
	for _, x := range []struct {
		name   string
		change func(*Timeline)
		says   string
	}{
		{"no stretch", func(x *Timeline) { x.Stretches = nil }, "no stretch"},
		{"a stretch of no time", func(x *Timeline) { x.Stretches[0].To = 0 }, "positive"},
		{"an endless stretch", func(x *Timeline) { x.Stretches[0].To = math.Inf(1) }, "positive"},
		{"a stretch without width", func(x *Timeline) { x.Stretches[1].Weight = 0 }, "positive"},
		{"an event nowhere", func(x *Timeline) { x.Events[0].Stretch = 2 }, "there are 2 stretches"},
		{"an event at no time", func(x *Timeline) { x.Events[0].At = math.NaN() }, "event 0"},
		{"an event that ends before it begins", func(x *Timeline) { x.Events[2].Until = 1 }, "event 2"},
		{"a bar that goes back", func(x *Timeline) { x.Lanes[0].Bars[0].To = -1 }, `lane "finance": bar 0`},
		{"a bar of more than all", func(x *Timeline) { x.Lanes[0].Bars[0].Share = 1.5 }, "a share is at most 1"},
		{"a window that goes back", func(x *Timeline) { x.Lanes[0].Bound = &Window{0, 3, 2} }, "its window"},
	} {
		s := story()
		x.change(&s)
		err := TimelineSVG(io.Discard, s)
		if err == nil || !strings.Contains(err.Error(), x.says) {
			t.Errorf("%s: %v", x.name, err)
		}
	}
}

func TestAMatrixWithoutMeaningIsRefused(t *testing.T) {
	m := grid()
	m.Groups[0].Rows[0].Cells[0].Kind = "blue"
	if err := MatrixSVG(io.Discard, m); err == nil || !strings.Contains(err.Error(), `"blue"`) {
		t.Error(err)
	}
	m = grid()
	m.Columns = m.Columns[1:]
	if err := MatrixSVG(io.Discard, m); err == nil || !strings.Contains(err.Error(), "9 cells for 8 columns") {
		t.Error(err)
	}
	broken := errors.New("full")
	if err := MatrixSVG(failingWriter{broken}, grid()); !errors.Is(err, broken) {
		t.Error(err)
	}
	if err := TimelineSVG(failingWriter{broken}, story()); !errors.Is(err, broken) {
		t.Error(err)
	}
}

type failingWriter struct{ err error }

func (w failingWriter) Write([]byte) (int, error) { return 0, w.err }

func TestMarksOfEventsNeverCoverEachOther(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := Timeline{Stretches: []Stretch{{"a", rapid.Float64Range(0.1, 200).Draw(t, "to"), 3}, {"b", rapid.Float64Range(0.1, 200).Draw(t, "to"), 2}}}
		for s := range 2 {
			var at []float64
			for range rapid.IntRange(0, 12).Draw(t, "n") {
				at = append(at, rapid.Float64Range(0, 250).Draw(t, "at"))
			}
			slices.Sort(at)
			for _, v := range at {
				x.Events = append(x.Events, Moment{Stretch: s, At: v, Until: v})
			}
		}
		l := x.layout()
		list := l.group()
		next := 0
		for i := range list {
			if list[i].first != next {
				t.Fatalf("mark %d begins with event %d, not %d", i, list[i].first, next)
			}
			next = list[i].last + 1
			if i == 0 {
				continue
			}
			if a, b := list[i-1].box(0), list[i].box(0); a.x+a.w > b.x && x.Events[list[i-1].last].Stretch == x.Events[list[i].first].Stretch {
				t.Fatalf("%s and %s cover each other", list[i-1].label(), list[i].label())
			}
		}
		if next != len(x.Events) {
			t.Fatalf("%d of %d events have a mark", next, len(x.Events))
		}
		wellFormed(t, drawnTimeline(t, x))
	})
}

func TestAnyNameIsSafeInATimelineAndAMatrix(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.String().Draw(t, "s")
		x := story()
		x.Title, x.Subtitle, x.Note, x.ID = s, s, s, "id"
		x.Stretches[0].Name, x.Events[0].What, x.Events[0].When = s, s, s
		x.Lanes[0].Label, x.Lanes[0].Sub, x.Lanes[0].Full, x.Lanes[0].Bars[0].Label = s, s, s, s
		wellFormed(t, drawnTimeline(t, x))
		m := grid()
		m.Title, m.Subtitle, m.Corner, m.Columns[0], m.Groups[0].Name, m.Keys[0].Words = s, s, s, MatrixName{s, s}, s, s
		m.Groups[0].Rows[0].Name, m.Groups[0].Rows[0].Full, m.Groups[0].Rows[0].Cells[0] = s, s, MatrixCell{"s1", s, s}
		wellFormed(t, drawnMatrix(t, m))
	})
}

func TestOnlyWhatIsMarkedIsLeftOfALargeDiagram(t *testing.T) {
	d := Diagram{Tiers: []Tier{{"a"}, {"b"}}}
	for i := range 20 {
		d.Nodes = append(d.Nodes, Node{ID: fmt.Sprint("a", i), Kind: CE, Tier: 0}, Node{ID: fmt.Sprint("b", i), Kind: MSEE, Tier: 1})
		d.Edges = append(d.Edges, Edge{From: fmt.Sprint("a", i), To: fmt.Sprint("b", i), Kind: Link})
	}
	if out, n := d.Marked(12); n != 0 || len(out.Nodes) != 40 {
		t.Errorf("of a diagram without a mark %d are left, %d out", len(out.Nodes), n)
	}
	d.Nodes[0].Mark, d.Nodes[1].Mark, d.Nodes[2].Mark = Path, Failed, Former
	if out, n := d.Marked(12); n != 37 || len(out.Nodes) != 3 || len(out.Edges) != 1 {
		t.Errorf("%d boxes, %d lines, %d out", len(out.Nodes), len(out.Edges), n)
	}
	if out, n := d.Marked(20); n != 0 || len(out.Nodes) != 40 {
		t.Errorf("of a small diagram %d are left, %d out", len(out.Nodes), n)
	}
}
