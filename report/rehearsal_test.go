package report

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"onramp/catalog"
	"onramp/choose"
	"onramp/design"
	"onramp/draw"
	"onramp/examples"
	"onramp/intent"
	"onramp/network"
	"onramp/pattern"
	"onramp/prove"
	"onramp/rehearse"
)

// drilled is a design and its rehearsal.
type drilled struct {
	c *catalog.Catalog
	d *design.Design
	r *rehearse.Result
}

// copied is one whose drills a test may change.
func (x drilled) copied() drilled {
	r := *x.r
	r.Drills = slices.Clone(r.Drills)
	x.r = &r
	return x
}

// rehearsed drills those scenarios that keep says, nil all.
func rehearsed(d *design.Design, c *catalog.Catalog, proof *prove.Result, keep func(i int, sc network.Scenario) bool) (drilled, error) {
	n, _ := network.Build(d.Resources, d.Premises, c, network.Options{})
	o := rehearse.Options{Seed: 1, Parallel: 2}
	for i, sc := range rehearse.Scenarios(n) {
		if keep == nil || keep(i, sc) {
			o.Drills = append(o.Drills, sc.ID)
		}
	}
	r, err := rehearse.Run(d, n, c, proof, o)
	return drilled{c, d, r}, err
}

// The two estates of the tests, each drilled once.
var (
	northwindOnce = sync.OnceValues(drillNorthwind)
	hundredOnce   = sync.OnceValues(drillHundred)
)

func northwindDrilled(t *testing.T) drilled {
	t.Helper()
	x, err := northwindOnce()
	if err != nil {
		t.Fatal(err)
	}
	return x.copied()
}

func hundredDrilled(t *testing.T) drilled {
	t.Helper()
	x, err := hundredOnce()
	if err != nil {
		t.Fatal(err)
	}
	return x.copied()
}

// drillNorthwind is every drill of the example with four lines of business.
func drillNorthwind() (drilled, error) {
	c, err := catalog.Open()
	if err != nil {
		return drilled{}, err
	}
	src, err := examples.Read("northwind")
	if err != nil {
		return drilled{}, err
	}
	e, findings := intent.Parse("northwind", src, c)
	if e == nil {
		return drilled{}, fmt.Errorf("%v", findings)
	}
	a, err := choose.Choose(e, c, choose.Options{Brief: true})
	if err != nil {
		return drilled{}, err
	}
	return rehearsed(a.Designs[a.Best], c, a.Proofs[a.Best], nil)
}

// hundredLines is an estate of a hundred lines of business, each of which has a circuit of its own.
func hundredLines() []byte {
	var b strings.Builder
	b.WriteString("apiVersion: onramp/v1\nname: hundred-lines\npremises:\n  asn: 65010\n  sites:\n")
	for i, place := range []string{"Amsterdam", "Dublin", "London", "Frankfurt"} {
		fmt.Fprintf(&b, "    - {name: %s, prefixes: [10.%d.0.0/16], access: [{provider: Equinix, model: ethernet, bandwidth: 10 Gbps, location: %s}]}\n", strings.ToLower(place), i, place)
	}
	b.WriteString("pools: {addresses: [10.64.0.0/10], transit: [172.16.0.0/18]}\nlinesOfBusiness:\n")
	for i := range 100 {
		fmt.Fprintf(&b, "  - name: department-%03d\n    networks: [{name: d%03d, region: %s}]\n    needs: {bandwidth: 50 Mbps, dedicated: true, sites: [%s], survives: [link, router]}\n",
			i+1, i+1, []string{"westeurope", "northeurope", "uksouth", "germanywestcentral"}[i%4], []string{"amsterdam", "dublin", "london", "frankfurt"}[i%4])
	}
	return []byte(b.String())
}

// drillHundred is a part of the drills of a hundred lines of business: what each department has of its own is drilled for every third.
func drillHundred() (drilled, error) {
	c, err := catalog.Open()
	if err != nil {
		return drilled{}, err
	}
	e, findings := intent.Parse("hundred", hundredLines(), c)
	if e == nil {
		return drilled{}, fmt.Errorf("%v", findings)
	}
	d, obstacles := pattern.Compile(design.Isolated, e, c, pattern.Options{})
	if d == nil {
		return drilled{}, fmt.Errorf("%v", obstacles)
	}
	return rehearsed(d, c, &prove.Result{}, func(i int, sc network.Scenario) bool {
		return i%3 == 0 || sc.Kind != network.GatewayKind && sc.Kind != network.Circuit && sc.Kind != network.Link
	})
}

func (x drilled) page(t *testing.T) []byte {
	t.Helper()
	page, err := Rehearsal(x.d, x.r, x.c)
	if err != nil {
		t.Fatal(err)
	}
	return page
}

func TestTheRehearsalsPageReadsWellInABrowser(t *testing.T) {
	four, hundred, wrong := northwindDrilled(t), hundredDrilled(t), northwindDrilled(t)
	disagreeing(wrong.r)
	ctx := browser(t)
	for _, p := range []struct {
		name string
		page []byte
	}{{"four lines rehearsed", four.page(t)}, {"hundred lines rehearsed", hundred.page(t)}, {"not as proved", wrong.page(t)}, {"script rehearsed", scriptPage(t)}} {
		if len(p.page) > 3<<20 {
			t.Errorf("%s: the page has %d bytes", p.name, len(p.page))
		}
		file := filepath.Join(t.TempDir(), "rehearsal.html")
		if err := os.WriteFile(file, p.page, 0o644); err != nil {
			t.Fatal(err)
		}
		for _, width := range []int64{1280, 390} {
			for _, scheme := range []string{"light", "dark"} {
				if p.name == "not as proved" && (width == 1280) != (scheme == "light") {
					continue // it differs little from the first
				}
				t.Run(fmt.Sprintf("%s at %d px, %s", p.name, width, scheme), func(t *testing.T) {
					readsWell(t, ctx, "file://"+file, width, scheme, strings.ReplaceAll(p.name, " ", "-"))
				})
			}
		}
	}
}

// disagreeing makes the drills of two elements differ from the proof: one flow is lost that should not be, and one table is wrong.
func disagreeing(r *rehearse.Result) {
	r.Agrees = false
	for i := range r.Drills {
		d := &r.Drills[i]
		switch d.ID {
		case "router:toronto-msee1":
			d.Flows = slices.Clone(d.Flows)
			f := &d.Flows[0]
			f.Seen = rehearse.None
			f.Losses = []rehearse.LossSpan{{FromMs: 0, ToMs: 61_000, Lost: 3050, Sent: 3050}}
			d.Agrees = false
			d.Disagreements = []rehearse.Disagreement{{Scenario: d.ID, When: "failed", Flow: fmt.Sprintf("%s (%s to %s)", f.Flow, f.From, f.To), Proof: "the proof says that every packet arrives",
				Seen: "of 32 requests 32 were not answered", Ended: "at ergw-hub/0: no route"}}
		case "maintenance:toronto-msee2":
			d.Agrees = false
			d.Disagreements = []rehearse.Disagreement{{Scenario: d.ID, When: "repaired", Proof: "table of toronto-ce1: 10.20.0.0/20 by toronto-msee2", Seen: "10.20.0.0/20 by toronto-msee1"}}
		}
	}
}

func TestTheRehearsalsPageIsWholeAndNeedsNothingElse(t *testing.T) {
	for name, x := range map[string]drilled{"northwind": northwindDrilled(t), "hundred": hundredDrilled(t)} {
		t.Run(name, func(t *testing.T) {
			page := x.page(t)
			if !bytes.Equal(page, x.page(t)) {
				t.Error("the second page differs")
			}
			balanced(t, page)
			for _, bad := range []string{"<script", "<link rel=\"stylesheet", "@import", "url(", " src=", "ZgotmplZ", "%!", "<no value>", "NaN"} {
				if i := bytes.Index(page, []byte(bad)); i >= 0 {
					t.Errorf("the page has %q: ...%s", bad, page[max(0, i-60):min(len(page), i+60)])
				}
			}
			for _, m := range regexp.MustCompile(`https?://[^"<> ]+`).FindAllString(string(page), -1) {
				if m != "http://www.w3.org/2000/svg" {
					t.Errorf("the page names %s", m)
				}
			}
			ids := map[string]bool{}
			for _, m := range regexp.MustCompile(` id="([^"]+)"`).FindAllStringSubmatch(string(page), -1) {
				if ids[m[1]] {
					t.Errorf("the id %s is given twice", m[1])
				}
				ids[m[1]] = true
			}
			for _, m := range regexp.MustCompile(`href="#([^"]+)"`).FindAllStringSubmatch(string(page), -1) {
				if !ids[m[1]] {
					t.Errorf("a link leads to #%s, which is not there", m[1])
				}
			}
			for _, want := range []string{"everything that was seen is what the proof says", `id="matrix"`, `id="drills"`, `id="drill1-topology-title"`, `id="all"`, "Seconds after the failure", "Seconds after the repair"} {
				if !bytes.Contains(page, []byte(want)) {
					t.Errorf("the page does not say %q", want)
				}
			}
			for _, a := range x.r.Assumptions {
				if !bytes.Contains(page, []byte(a.Name)) {
					t.Errorf("the assumption %s is not told", a.Name)
				}
			}
		})
	}
}

func TestWhatIsNotAsProvedIsToldFirst(t *testing.T) {
	x := northwindDrilled(t)
	disagreeing(x.r)
	page := string(x.page(t))
	for _, want := range []string{"Of 31 drills 2 are not as proved", "of 32 requests 32 were not answered", "at ergw-hub/0: no route", "after the repair", "10.20.0.0/20 by toronto-msee1", `<td class="wrong"`, "✗ toronto-msee2", "✗ not as proved: "} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if first := regexp.MustCompile(`id="drill1-title">([^<]*)`).FindStringSubmatch(page); len(first) < 2 || first[1] != "router:toronto-msee1" {
		t.Errorf("the first drill that is shown is %v", first)
	}
}

func TestTheMatrixSaysOfEveryFlowWhatTheDrillDoes(t *testing.T) {
	for name, x := range map[string]drilled{"northwind": northwindDrilled(t), "hundred": hundredDrilled(t)} {
		h := newHits(x.r)
		cells := felt(x.r)
		seen := map[int]int{}
		drills := 0
		for _, g := range h.Groups {
			for _, row := range g.Rows {
				for _, i := range row.drills {
					drills++
					for k, c := range h.Columns {
						worst := worstHit(cells[i], c.of)
						if worst.worse(row.Cells[k]) {
							t.Errorf("%s: %s does %v to %s, the matrix says %v", name, x.r.Drills[i].ID, worst, c.Name, row.Cells[k])
						}
						if row.few == 0 && (worst.kind != row.Cells[k].kind || !worst.alike(row.Cells[k]) && !row.Cells[k].alike(worst)) && row.Cells[k].ms-worst.ms > 0.2*row.Cells[k].ms+200 {
							t.Errorf("%s: %s does only %v to %s, the matrix says %v", name, x.r.Drills[i].ID, worst, c.Name, row.Cells[k])
						}
					}
				}
			}
		}
		for _, c := range h.Columns {
			for _, i := range c.of {
				seen[i]++
			}
		}
		if drills != len(x.r.Drills) || len(seen) != len(x.r.Flows) {
			t.Errorf("%s: %d of %d drills and %d of %d flows are in the matrix", name, drills, len(x.r.Drills), len(seen), len(x.r.Flows))
		}
		rows := 0
		for _, g := range h.Groups {
			rows += len(g.Rows)
		}
		if rows > 80 || len(h.Columns) > 110 {
			t.Errorf("%s: %d rows and %d columns", name, rows, len(h.Columns))
		}
		var b bytes.Buffer
		if err := draw.MatrixSVG(&b, Matrix("x", x.r)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestEveryDrillHasATimelineThatCanBeDrawn(t *testing.T) {
	x := northwindDrilled(t)
	for i := range x.r.Drills {
		d := &x.r.Drills[i]
		p, ok := Timeline(d, x.r)
		if !ok {
			t.Errorf("%s: no timeline", d.ID)
			continue
		}
		var b bytes.Buffer
		if err := draw.TimelineSVG(&b, p); err != nil {
			t.Errorf("%s: %v", d.ID, err)
		}
		flows, open := 0, 0
		for _, l := range p.Lanes {
			if len(l.Bars) > 0 {
				flows += strings.Count(l.Full, "\n") + 1
			}
			if slices.ContainsFunc(l.Bars, func(b draw.Bar) bool { return b.Open }) {
				open += strings.Count(l.Full, "\n") + 1
			}
		}
		hit := 0
		for k := range d.Flows {
			if d.Flows[k].Lost+d.Flows[k].RepairLost > 0 {
				hit++
			}
		}
		if flows != hit || open != goneFlows(d) {
			t.Errorf("%s: %d flows in lanes of which %d for good, %d and %d in the drill", d.ID, flows, open, hit, goneFlows(d))
		}
	}
	if _, ok := Timeline(&rehearse.Drill{ID: "router:x"}, x.r); ok {
		t.Error("a drill without events has a timeline")
	}
}

func TestTimesAreWrittenForPeople(t *testing.T) {
	for ms, want := range map[float64]string{20: "20 ms", 860: "860 ms", 8220: "8.22 s", 59_680: "59.68 s", 172_000: "2 min 52 s"} {
		if got := lasting(ms); got != want {
			t.Errorf("%g ms are %q, want %q", ms, got, want)
		}
	}
	for ms, want := range map[float64]string{20: "0.1", 860: "0.9", 8220: "8.2", 9960: "10", 172_000: "172"} {
		if got := briefly(ms); got != want {
			t.Errorf("%g ms are %q, want %q", ms, got, want)
		}
	}
}
