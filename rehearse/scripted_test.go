package rehearse

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"onramp/catalog"
	"onramp/design"
	"onramp/intent/intenttest"
	"onramp/network"
	"onramp/pattern"
	"onramp/prove"
	"onramp/sim"
	"onramp/yamlfile"
)

// script reads a script for an estate.
func (e estate) script(t testing.TB, src string) *Script {
	t.Helper()
	s, findings := ParseScript("drills.yaml", []byte(src), e.d, e.n, e.c)
	if s == nil {
		t.Fatal(findings)
	}
	return s
}

func (e estate) play(t testing.TB, src string, o Options) *Scripted {
	t.Helper()
	r, err := RunScript(e.d, e.n, e.c, e.script(t, src), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// drawnScript is a script of one drill with up to six steps that may overlap in any way.
func drawnScript(t *rapid.T, n *network.Network) string {
	w := n.Wiring()
	var elements, links, edges, routers, gateways, sessions, sites, circuits []string
	for _, e := range n.Elements() {
		elements = append(elements, e.ID)
		switch e.Kind {
		case network.Link:
			links = append(links, e.ID)
		case network.Router, network.GatewayKind:
			routers = append(routers, e.ID)
		case network.Site:
			sites = append(sites, e.ID)
		case network.Circuit:
			circuits = append(circuits, e.ID)
		}
	}
	for i := range w.Routers {
		if m := w.Routers[i].MSEE; m != "" {
			edges = append(edges, m)
		}
		if g := w.Routers[i].Gateway; g != "" {
			gateways = append(gateways, "gateway:"+g)
		}
	}
	for i := range w.Sessions {
		sessions = append(sessions, w.Sessions[i].Name)
	}
	one := func(list []string, label string) string { return rapid.SampledFrom(list).Draw(t, label) }
	ends := func(session string) string {
		for i := range w.Sessions {
			if w.Sessions[i].Name == session {
				return w.Routers[[2]int{w.Sessions[i].A, w.Sessions[i].B}[rapid.IntRange(0, 1).Draw(t, "end")]].Name
			}
		}
		return ""
	}
	kinds := []struct {
		kind string
		of   []string
	}{{"cut", elements}, {"carrier", elements}, {"session", sessions}, {"drain", edges}, {"crash", routers}, {"restart", routers}, {"graceful", routers}, {"impair", links}, {"oneWay", sessions},
		{"flap", links}, {"grey", routers}, {"roll", gateways}, {"reset", sessions}, {"originateDefault", sites}, {"originateAggregate", sites}, {"tooManyPrefixes", sites}, {"echo", circuits}, {"bfdOff", links}}
	targets := map[string][]string{}
	var can []string
	for _, k := range kinds {
		if len(k.of) > 0 {
			targets[k.kind] = k.of
			can = append(can, k.kind)
		}
	}
	var b strings.Builder
	b.WriteString("drills:\n  - name: drawn\n    steps:\n")
	type on struct{ verb, target string }
	var done []on
	at := 0
	for range rapid.IntRange(1, 6).Draw(t, "steps") {
		at += rapid.SampledFrom([]int{0, 1, 3, 20, 150}).Draw(t, "pause")
		kind := one(can, "kind")
		target := one(targets[kind], "target")
		verb := map[string]string{"carrier": "cut", "session": "cut", "graceful": "restart"}[kind]
		if verb == "" {
			verb = kind
		}
		more := ""
		switch kind {
		case "carrier":
			more = ", how: carrier"
		case "graceful":
			more = ", graceful: true"
		case "impair":
			more = ", " + one([]string{"loss: 2%", "loss: 100%", "delay: 20ms", "jitter: 5 ms, duplicate: 3%", "reorder: 5%, late: 3ms"}, "how")
		case "oneWay":
			more = ", from: " + ends(target)
		case "flap":
			more = ", " + one([]string{"up: 1s, down: 200ms", "up: 4s, down: 3s", "up: 2s, down: 20ms, seen: true"}, "how")
		case "tooManyPrefixes":
			more = one([]string{"", ", count: 12", ", count: 12"}, "count")
		case "echo":
			more = ", to: " + one(circuits, "to")
		case "roll":
			more = ", down: 40s, pause: 80s"
		}
		if kind != "roll" && kind != "reset" {
			if f := rapid.SampledFrom([]string{"", "10s", "200s"}).Draw(t, "for"); f != "" {
				more += ", for: " + f
			}
		}
		skip := false
		for _, d := range done { // the same again may still be so
			skip = skip || d.verb == verb && d.target == target || d.verb == verb && verb == "flap"
		}
		if skip {
			continue
		}
		done = append(done, on{verb, target})
		fmt.Fprintf(&b, "      - {at: %ds, %s: %s%s}\n", at, verb, target, more)
	}
	if len(done) == 0 {
		fmt.Fprintf(&b, "      - {at: 0s, cut: %s}\n", elements[0])
	}
	return b.String()
}

// refused tells whether all that is wrong with a drawn script is that the design cannot do so wrong.
func refused(findings []yamlfile.Finding) bool {
	return !slices.ContainsFunc(findings, func(f yamlfile.Finding) bool {
		return f.Rule != "script-misdeed" && !strings.HasSuffix(f.At, ".bfdOff")
	})
}

func scriptAgrees(t rapid.TB, r *Scripted) {
	t.Helper()
	for i := range r.Drills {
		d := &r.Drills[i]
		for _, x := range d.Disagreements {
			t.Errorf("%s", x)
		}
		for _, m := range d.Expect {
			if !m.Met {
				t.Errorf("%s: %s: %q", d.Name, m.Expects, m.Not)
			}
		}
		if d.Agrees != (len(d.Disagreements) == 0) {
			t.Errorf("%s: agrees is %v", d.Name, d.Agrees)
		}
	}
}

// Whatever fails together with whatever else, on examples and on random estates: wherever all is quiet, it is as proved.
func TestWhateverOverlapsIsAsProved(t *testing.T) {
	c, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	drawer := intenttest.NewDrawer(c)
	shown := map[string]estate{}
	for _, name := range []string{"northwind", "proseware-microsoft365", "litware-dual-stack", "contoso-shared"} {
		shown[name] = example(t, name, "")
	}
	rapid.Check(t, func(t *rapid.T) {
		e, ok := shown[rapid.SampledFrom([]string{"", "", "northwind", "proseware-microsoft365", "litware-dual-stack", "contoso-shared"}).Draw(t, "estate")]
		if !ok {
			d, _ := pattern.Compile(rapid.SampledFrom(design.Patterns()).Draw(t, "pattern"), drawer.Estate(t), c, pattern.Options{})
			if d == nil {
				return
			}
			e = estate{c: c, d: d}
			if e.n, _ = network.Build(d.Resources, d.Premises, c, network.Options{}); len(e.n.Elements()) == 0 {
				return
			}
		}
		src := drawnScript(t, e.n)
		s, findings := ParseScript("drawn", []byte(src), e.d, e.n, e.c)
		if s == nil && refused(findings) {
			return
		} else if s == nil {
			t.Fatalf("%s\n%v", src, findings)
		}
		r, err := RunScript(e.d, e.n, e.c, s, Options{Seed: rapid.Uint64().Draw(t, "seed")})
		if err != nil {
			t.Fatal(err)
		}
		if scriptAgrees(t, r); t.Failed() {
			t.Log(src)
		}
	})
}

func TestTheScriptThatIsShippedHasEveryFaultAndIsAsProvedAndExpected(t *testing.T) {
	e := example(t, "northwind", "")
	s := e.script(t, shipped(t))
	have := map[string]bool{}
	for i := range s.Drills {
		for j := range s.Drills[i].Steps {
			have[s.Drills[i].Steps[j].fault.verb] = true
		}
	}
	for _, v := range verbs() {
		if !have[v.key] {
			t.Errorf("it has no %s", v.key)
		}
	}
	r, err := RunScript(e.d, e.n, e.c, s, Options{Seed: 7, Parallel: 2})
	if err != nil {
		t.Fatal(err)
	}
	scriptAgrees(t, r)
	for i := range r.Drills {
		d := &r.Drills[i]
		if last := d.Checks[len(d.Checks)-1]; !last.Held || len(last.Wrong)+len(last.Down)+len(last.Drained)+len(last.Cut) > 0 {
			t.Errorf("%s: at the end it is %+v", d.Name, last)
		}
		if len(d.Flows)+d.Untouched != len(r.Flows) {
			t.Errorf("%s: %d flows and %d untouched of %d", d.Name, len(d.Flows), d.Untouched, len(r.Flows))
		}
	}
}

const twoDrills = `drills:
  - name: overlap
    steps:
      - {at: 0s, impair: link:toronto/equinix-toronto/1, loss: 5%, for: 10s}
      - {at: 5s, cut: link:toronto/equinix-toronto/2}
      - {at: 20s, cut: router:toronto-ce1, for: 20s}
  - name: alone
    steps:
      - {at: 0s, cut: router:toronto-ce2}
`

func scripted(t *testing.T, r *Scripted) string {
	t.Helper()
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestASeedGivesAScriptTheSameBytesAndAnotherOtherTimes(t *testing.T) {
	e := example(t, "northwind", "")
	want := e.play(t, twoDrills, Options{Seed: 7})
	scriptAgrees(t, want)
	if got := e.play(t, twoDrills, Options{Seed: 7, Parallel: 4}); scripted(t, got) != scripted(t, want) {
		t.Error("four at a time: other bytes")
	}
	var file bytes.Buffer
	o := Options{Seed: 7, Drills: []string{"alone"}, Recording: NewRecording(&file)}
	one := e.play(t, twoDrills, o)
	if a, b := fmt.Sprint(one.Drills[0]), fmt.Sprint(want.Drills[1]); a != b {
		t.Error("a drill by itself, and recorded, is not what it is among others")
	}
	if o.Recording.Frames == 0 || o.Recording.Err() != nil {
		t.Errorf("%+v", o.Recording)
	}
	other := e.play(t, twoDrills, Options{Seed: 8})
	scriptAgrees(t, other)
	if scripted(t, other) == scripted(t, want) {
		t.Error("seeds 7 and 8 give the same bytes")
	}
}

func TestAnUnknownDrillOfAScriptGetsTheNearestNames(t *testing.T) {
	e := example(t, "northwind", "")
	_, err := RunScript(e.d, e.n, e.c, e.script(t, twoDrills), Options{Drills: []string{"overlapp"}})
	var unknown *UnknownDrill
	if !errors.As(err, &unknown) || !slices.Contains(unknown.Near, "overlap") {
		t.Errorf("%v", err)
	}
}

// What the drill of one element measures, a script of that element measures, too; only the moment of the failure is another.
func TestAScriptOfOneElementMeasuresWhatItsDrillDoes(t *testing.T) {
	e := example(t, "northwind", "")
	r := e.play(t, `drills:
  - name: site
    steps:
      - {at: 3s, cut: site:toronto}
`, Options{Seed: 3})
	scriptAgrees(t, r)
	want := e.rehearse(t, Options{Seed: 3, Drills: []string{"site:toronto"}}).Drills[0]
	got := r.Drills[0]
	if len(got.Flows) != len(want.Flows) || got.Untouched != want.Untouched {
		t.Fatalf("%d flows and %d untouched, want %d and %d", len(got.Flows), got.Untouched, len(want.Flows), want.Untouched)
	}
	for _, f := range got.Flows {
		i := slices.IndexFunc(want.Flows, func(x FlowDrill) bool { return x.Flow == f.Flow && x.From == f.From && x.To == f.To })
		w := want.Flows[i]
		if f.Expected != w.Expected || f.Seen != w.Seen || !slices.Equal(f.Before.There, w.Before.There) || !slices.Equal(f.After.There, w.After.There) || !slices.Equal(f.After.Back, w.After.Back) {
			t.Errorf("%+v\nwant %+v", f, w)
		}
		if len(f.Outages) != 1 || f.Outages[0].FromMs < 3000 || f.Outages[0].FromMs > 3700 || !slices.Equal(f.Outages[0].Steps, []int{1}) || f.Outages[0].Ended != (w.Expected == Whole) {
			t.Errorf("%s: outages %+v", f.Flow, f.Outages)
		}
		if w.Expected == None && (f.RepairLost == 0 || f.Lost < f.Sent/2) {
			t.Errorf("%s: lost %d of %d, %d after the repair", f.Flow, f.Lost, f.Sent, f.RepairLost)
		}
	}
	if c := got.Steps[0].Change; c.Hit != len(want.Flows) || c.Routes == 0 || c.ControlMs <= 0 || c.DataMs <= 0 || c.OutageMs < want.Failure.OutageMs/2 {
		t.Errorf("%+v, want about %+v", c, want.Failure)
	}
}

func TestOutagesAreToldApartWithTheStepsThatTheyFollow(t *testing.T) {
	e := example(t, "northwind", "")
	d := e.play(t, `drills:
  - name: twice
    steps:
      - {at: 1s, cut: firewall:fw-hub/0}
      - {at: 2s, cut: firewall:fw-hub/1, for: 3s}
      - {at: 20s, cut: firewall:fw-hub/1, for: 4s}
`, Options{Seed: 1}).Drills[0]
	if len(d.Flows) == 0 {
		t.Fatal("nobody is behind the firewall")
	}
	for _, f := range d.Flows {
		if len(f.Outages) != 2 || !slices.Equal(f.Outages[0].Steps, []int{2}) || !slices.Equal(f.Outages[1].Steps, []int{3}) {
			t.Fatalf("%s: %+v", f.Flow, f.Outages)
		}
		a, b := f.Outages[0], f.Outages[1]
		if a.Lost != a.Sent || a.ToMs-a.FromMs < 2900 || a.ToMs-a.FromMs > 3100 || b.ToMs-b.FromMs < 3900 || b.ToMs-b.FromMs > 4100 || !strings.Contains(a.Where, "every instance is down") {
			t.Errorf("%s: %+v", f.Flow, f.Outages)
		}
		if got := f.DowntimeMs; got != a.ToMs-a.FromMs+b.ToMs-b.FromMs || f.OutageMs != b.ToMs-b.FromMs || f.Lost != a.Lost+b.Lost {
			t.Errorf("%s: %g ms in all, %g at most", f.Flow, got, f.OutageMs)
		}
	}
	var steps []int
	for _, x := range d.Events {
		if x.What == "step" || x.What == "end" {
			steps = append(steps, x.Step)
		}
	}
	if !slices.Equal(steps, []int{1, 2, 2, 3, 3}) || !slices.IsSortedFunc(d.Events, func(a, b Event) int { return cmp.Compare(a.AtMs, b.AtMs) }) {
		t.Errorf("events %+v", d.Events)
	}
}

func TestAnExpectationThatIsNotMetIsNamedWithWhatIsNot(t *testing.T) {
	e := example(t, "northwind", "")
	for _, c := range []struct{ expect, not string }{
		{"{outage: 300ms}", "an outage of "},
		{"{downtime: 300ms}", " in all"},
		{"{lost: 3}", " packets lost"},
		{"{flows: '* - toronto', fate: lost}", "it is delivered: of 32 requests 0 were not answered"},
		{"{flows: '* - toronto', at: 5s, fate: delivered}", "it is lost: of 32 requests 32 were not answered (at "},
		{"{flows: '* - toronto', through: router:toronto-msee1}", "a packet went vnet-"},
		{"{flows: '* - toronto', avoids: toronto-core}", "> toronto-core"},
		{"{flows: '* - toronto', at: 5s, through: toronto-core}", "no packet arrives"},
	} {
		t.Run(c.expect, func(t *testing.T) {
			r := e.play(t, `drills:
  - name: gone
    steps:
      - {at: 0s, cut: location:Toronto}
      - {at: 2s, cut: location:Montreal, for: 10s}
    expect:
      - `+c.expect+"\n      - {fate: delivered}\n", Options{Seed: 1})
			d := r.Drills[0]
			if r.Met || d.Met || d.Expect[0].Met || !d.Expect[1].Met || !r.Agrees {
				t.Fatalf("%+v", d.Expect)
			}
			if !slices.ContainsFunc(d.Expect[0].Not, func(s string) bool { return strings.Contains(s, " - toronto (") && strings.Contains(s, c.not) }) {
				t.Errorf("nobody says %q:\n%q", c.not, d.Expect[0].Not)
			}
		})
	}
}

// The proof is put in the wrong: what it believes of one scenario is taken from another.
func TestADisagreementInAScriptIsTold(t *testing.T) {
	e := example(t, "northwind", "")
	src := `drills:
  - name: two
    steps:
      - {at: 0s, drain: router:toronto-msee2}
      - {at: 20s, cut: location:Toronto}
`
	scriptAgrees(t, e.play(t, src, Options{Seed: 1}))
	for _, c := range []struct {
		name  string
		wrong func(*network.Scenario)
		when  string
		want  string
	}{
		{"the drain is forgotten", func(sc *network.Scenario) { sc.Drained = nil }, "after drain router:toronto-msee2 at 0s", "the proof has "},
		{"the cut is forgotten", func(sc *network.Scenario) { sc.Elements = nil }, "after cut location:Toronto at 20s", "a packet went "},
		{"another one is cut", func(sc *network.Scenario) {
			if len(sc.Elements) > 0 {
				sc.Elements = append(sc.Elements, "location:Montreal")
			}
		}, "after cut location:Toronto at 20s", "the proof says that no packet gets there and back"},
		{"all is never well", func(sc *network.Scenario) { sc.Cut = []string{"er-montreal-toronto-1/private/primary"} }, "before the first step", "the simulator has "},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := e.play(t, src, Options{Seed: 1, Believe: func(sc network.Scenario) *network.State {
				c.wrong(&sc)
				return e.n.Converge(sc)
			}})
			if r.Agrees || r.Drills[0].Agrees {
				t.Fatal("it agrees")
			}
			for _, d := range r.Drills[0].Disagreements {
				if d.Scenario == "two" && d.When == c.when && strings.Contains(d.String(), c.want) {
					return
				}
			}
			t.Errorf("nobody says %q %s:\n%v", c.want, c.when, r.Drills[0].Disagreements)
		})
	}
}

// What the proof knows nothing of is held against what the timers and the data plane make of it.
func TestWhatNoProofKnowsIsHeldToo(t *testing.T) {
	e := example(t, "northwind", "")
	perform := func(s *Script) ScriptedDrill {
		r, err := RunScript(e.d, e.n, e.c, s, Options{Seed: 1})
		if err != nil {
			t.Fatal(err)
		}
		return r.Drills[0]
	}
	told := func(d ScriptedDrill, want string) {
		t.Helper()
		if d.Agrees || !slices.ContainsFunc(d.Disagreements, func(x Disagreement) bool { return strings.Contains(x.String(), want) }) {
			t.Errorf("nobody says %q: %v", want, d.Disagreements)
		}
	}
	restart := e.script(t, "drills:\n  - {name: a, steps: [{at: 0s, restart: 'router:toronto-ce1', for: 20s}]}\n")
	if d := perform(restart); !d.Agrees {
		t.Error(d.Disagreements)
	}
	f := restart.Drills[0].Steps[0].fault // it is taken for a graceful one
	f.graceful, f.takes = true, 20*time.Second
	told(perform(restart), "a router that restarts gracefully forwards on, and nothing is lost")

	grey := e.script(t, "drills:\n  - {name: a, steps: [{at: 0s, grey: 'gateway:ergw-hub/0', for: 20s}, {at: 0s, grey: 'gateway:ergw-hub/1', for: 20s}]}\n")
	d := perform(grey)
	if !d.Agrees || len(d.Flows) == 0 || d.Flows[0].Lost == 0 {
		t.Error(d.Disagreements)
	}
}

func TestAFlapIsNoticedIfItLastsLongEnoughAndOnlyThen(t *testing.T) {
	e := example(t, "northwind", "")
	r, err := newRehearsal(e.d, e.n, e.c, &prove.Result{}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	const link = "link:toronto/equinix-toronto/1" // BFD 300 ms x 3
	for _, c := range []struct {
		flap    string
		changed bool
		want    string
	}{
		{"up: 1s, down: 500ms", false, ""},
		{"up: 1s, down: 500ms", true, "its ends do not notice what lasts 500ms"},
		{"up: 1s, down: 700ms", true, ""}, // it may or may not be noticed
		{"up: 1s, down: 700ms", false, ""},
		{"up: 100ms, down: 500ms", true, ""}, // nothing may get through while it is up
		{"up: 3s, down: 1s", true, ""},
		{"up: 3s, down: 1s", false, "its ends notice what lasts 1s"},
		{"up: 3s, down: 20ms, seen: true", false, "its ends notice what lasts 20ms"},
	} {
		t.Run(fmt.Sprint(c.flap, c.changed), func(t *testing.T) {
			s := e.script(t, "drills:\n  - {name: a, steps: [{at: 0s, flap: '"+link+"', "+c.flap+", for: 60s}]}\n")
			x := &play{run: run{rehearsal: r}, script: &s.Drills[0], changes: map[string][]time.Duration{}}
			if x.s, err = sim.New(e.n, sim.Options{}); err != nil {
				t.Fatal(err)
			}
			if c.changed {
				x.changes["er-montreal-toronto-1/private/primary"] = []time.Duration{4 * time.Second}
			}
			x.flaps()
			var got []string
			for _, d := range x.result.Disagreements {
				got = append(got, d.Proof)
			}
			if c.want == "" && len(got) > 0 || c.want != "" && (len(got) != 1 || !strings.Contains(got[0], c.want)) {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

// A session that passed its limit stays down when it would not pass it any more, until somebody resets it: of that the proof has no notion.
func TestALimitThatWasPassedBeforeIsNoDisagreement(t *testing.T) {
	e := example(t, "northwind", "")
	d := e.play(t, `drills:
  - name: limit
    steps:
      - {at: 0s, tooManyPrefixes: site:toronto}
      - {at: 10s, cut: toronto-ce1--toronto-core}
      - {at: 100s, reset: er-montreal-toronto-1/private/primary}
`, Options{Seed: 1}).Drills[0]
	var held []bool
	for _, c := range d.Checks {
		held = append(held, c.Held)
		if !c.Held && c.Why != "er-montreal-toronto-1/private/primary passed a prefix limit before, and stays down until it is reset" {
			t.Errorf("%+v", c)
		}
	}
	if want := []bool{true, true, false, true, true}; !d.Agrees || !slices.Equal(held, want) {
		t.Errorf("held %v, want %v; %v", held, want, d.Disagreements)
	}
	if !slices.ContainsFunc(d.Events, func(x Event) bool { return x.What == "limit" }) {
		t.Errorf("no event tells of the limit: %+v", d.Events)
	}
}

func TestAScriptHasAnEnd(t *testing.T) {
	e := example(t, "northwind", "")
	for _, c := range []struct{ src, want string }{
		{"drills:\n  - name: a\n    steps:\n" + strings.Repeat("      - {at: 1s, reset: backbone/montreal-toronto}\n", mostSteps+1), "drills[0].steps: there are 501 steps"},
		{"drills:\n" + strings.Repeat("  - {name: a, steps: [{at: 1s, reset: backbone/montreal-toronto}]}\n", mostDrills+1), "drills: there are 501 drills"},
	} {
		if s, findings := ParseScript("f", []byte(c.src), e.d, e.n, e.c); s != nil || len(findings) != 1 || !strings.Contains(findings[0].String(), c.want) {
			t.Errorf("%v, want %q", findings, c.want)
		}
	}
}
