package report

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"onramp/draw"
	"onramp/network"
	"onramp/rehearse"
)

// scriptOnce is the example with its script, rehearsed once.
var scriptOnce = sync.OnceValues(func() (*rehearse.Scripted, error) {
	x, err := northwindOnce()
	if err != nil {
		return nil, err
	}
	const name = "../examples/drills/northwind.yaml"
	src, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	n, _ := network.Build(x.d.Resources, x.d.Premises, x.c, network.Options{})
	s, findings := rehearse.ParseScript(name, src, x.d, n, x.c)
	if s == nil {
		return nil, fmt.Errorf("%v", findings)
	}
	return rehearse.RunScript(x.d, n, x.c, s, rehearse.Options{Seed: 1, Parallel: 2})
})

// scriptRun is a result of which a test may change the drills.
func scriptRun(t *testing.T) *rehearse.Scripted {
	t.Helper()
	r, err := scriptOnce()
	if err != nil {
		t.Fatal(err)
	}
	out := *r
	out.Drills = slices.Clone(r.Drills)
	return &out
}

func scriptPageOf(t *testing.T, r *rehearse.Scripted) []byte {
	t.Helper()
	x := northwindDrilled(t)
	page, err := Script(x.d, r, x.c)
	if err != nil {
		t.Fatal(err)
	}
	return page
}

func scriptPage(t *testing.T) []byte { return scriptPageOf(t, scriptRun(t)) }

func TestTheScriptsPageIsWholeAndNeedsNothingElse(t *testing.T) {
	r := scriptRun(t)
	page := scriptPageOf(t, r)
	if !bytes.Equal(page, scriptPageOf(t, r)) {
		t.Error("the second page differs")
	}
	balanced(t, page)
	for _, bad := range []string{"<script", "<link rel=\"stylesheet", "@import", "url(", " src=", "ZgotmplZ", "%!", "<no value>", "NaN"} {
		if i := bytes.Index(page, []byte(bad)); i >= 0 {
			t.Errorf("the page has %q: ...%s", bad, page[max(0, i-60):min(len(page), i+60)])
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
	for i := range r.Drills {
		d := &r.Drills[i]
		if !ids[fmt.Sprintf("timeline%d-title", i+1)] || !bytes.Contains(page, []byte(">"+d.Name+"</h3>")) {
			t.Errorf("%s is not shown", d.Name)
		}
		for k := range d.Expect {
			if !bytes.Contains(page, []byte(strings.ReplaceAll(d.Expect[k].Expects, "'", "&#39;"))) {
				t.Errorf("%s: the page does not say that it expects %q", d.Name, d.Expect[k].Expects)
			}
		}
	}
	for _, a := range r.Assumptions {
		if !bytes.Contains(page, []byte(a.Name)) {
			t.Errorf("the assumption %s is not told", a.Name)
		}
	}
	if want := fmt.Sprintf("%d drills run, and everything that was seen is what the proof says and what the script expects.", len(r.Drills)); !bytes.Contains(page, []byte(want)) {
		t.Errorf("the page does not say %q", want)
	}
}

func TestTheScriptsPageTellsWhatIsNotAsProvedOrExpected(t *testing.T) {
	r := scriptRun(t)
	d := &r.Drills[0]
	f := d.Flows[0]
	d.Agrees, d.Met, r.Agrees, r.Met = false, false, false, false
	d.Disagreements = []rehearse.Disagreement{{Scenario: d.Name, When: d.Checks[1].When, Flow: fmt.Sprintf("%s (%s to %s)", f.Flow, f.From, f.To), Proof: "every packet arrives", Seen: "of 32 requests 32 were not answered", Ended: "at ergw-hub/0: no route"}}
	d.Expect = slices.Clone(d.Expect)
	d.Expect[0].Met, d.Expect[0].Not = false, []string{"finance: an outage of 61 s"}
	r.Drills[1].Met = false
	page := string(scriptPageOf(t, r))
	for _, want := range []string{fmt.Sprintf("Of %d drills 1 is not as proved and 2 are not as expected.", len(r.Drills)), "of 32 requests 32 were not answered", "at ergw-hub/0: no route", "finance: an outage of 61 s", "✗ not as proved: ",
		"It is not as proved: 1 disagreement."} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
}

func TestEveryDrillOfAScriptHasATimelineThatCanBeDrawn(t *testing.T) {
	r := scriptRun(t)
	for i := range r.Drills {
		d := &r.Drills[i]
		p, ok := ScriptTimeline(d, r)
		if !ok {
			t.Errorf("%s: no timeline", d.Name)
			continue
		}
		var b bytes.Buffer
		if err := draw.TimelineSVG(&b, p); err != nil {
			t.Errorf("%s: %v", d.Name, err)
		}
		told := 0
		for k := range d.Events {
			if e := &d.Events[k]; e.What == "step" || e.What == "end" || e.What == "repair" {
				told++
				if !slices.ContainsFunc(p.Events, func(m draw.Moment) bool { return m.At == e.AtMs/1000 && m.What == or(e.Why, "all is repaired") }) {
					t.Errorf("%s: %+v is not in the picture", d.Name, e)
				}
			}
		}
		if len(p.Events) > max(told, mostScriptMoments) || !slices.IsSortedFunc(p.Events, func(a, b draw.Moment) int { return int(1e6 * (a.At - b.At)) }) {
			t.Errorf("%s: %d events, %d steps, or not in order", d.Name, len(p.Events), told)
		}
		axis := p.Stretches[0].To
		flows, hit := 0, 0
		for _, l := range scriptLanes(d, r, axis*1000, false) {
			flows += len(l.flows)
			lost, want := 0, 0
			for _, x := range l.bars {
				lost += x.lost
			}
			for _, f := range l.flows {
				for _, o := range f.Outages {
					want += o.Lost
				}
			}
			if lost < want {
				t.Errorf("%s: %d packets in the bars of a lane, %d in its outages", d.Name, lost, want)
			}
		}
		for k := range d.Flows {
			if d.Flows[k].Lost+d.Flows[k].RepairLost > 0 {
				hit++
			}
		}
		if flows != hit {
			t.Errorf("%s: %d flows in lanes, %d lost packets", d.Name, flows, hit)
		}
	}
	if _, ok := ScriptTimeline(&rehearse.ScriptedDrill{Name: "x"}, r); ok {
		t.Error("a drill without events has a timeline")
	}
}

func TestAnOutageThatOnlyTheLastRepairEndsIsDrawnToItsEnd(t *testing.T) {
	d := &rehearse.ScriptedDrill{Name: "x", EndedMs: 5000, Events: []rehearse.Event{{What: "step", Why: "cut a"}, {AtMs: 5000, What: "repair"}},
		Flows: []rehearse.ScriptedFlow{{Flow: "f", Lost: 250, RepairLost: 20, RepairOutageMs: 400, Outages: []rehearse.Outage{{FromMs: 0, ToMs: 5000, Sent: 250, Lost: 250}}}}}
	p, ok := ScriptTimeline(d, &rehearse.Scripted{ProbeMs: 20})
	if !ok || len(p.Lanes) != 1 || len(p.Lanes[0].Bars) != 1 {
		t.Fatalf("%+v", p)
	}
	if b := p.Lanes[0].Bars[0]; b.From != 0 || b.To != 5.4 || b.Label != "until all is repaired: all 250 packets" {
		t.Errorf("%+v", b)
	}
}

func TestWhatIsLostAfterTheLastRepairIsSaidToBeAtSomeTime(t *testing.T) {
	d := &rehearse.ScriptedDrill{Name: "x", EndedMs: 5000, Events: []rehearse.Event{{What: "step", Why: "cut a"}, {AtMs: 5000, What: "repair"}},
		Flows: []rehearse.ScriptedFlow{{Flow: "f", RepairLost: 5, RepairOutageMs: 400}}}
	p, ok := ScriptTimeline(d, &rehearse.Scripted{ProbeMs: 20})
	if !ok || len(p.Lanes) != 1 || len(p.Lanes[0].Bars) != 1 {
		t.Fatalf("%+v", p)
	}
	if b := p.Lanes[0].Bars[0]; b.From != 5 || b.To != 5.4 || b.Share != 0.25 || b.Label != "at some time after the repair, up to 400 ms: 5 packets lost" {
		t.Errorf("%+v", b)
	}
}
