package rehearse

import (
	"encoding/json"
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"onramp/catalog"
	"onramp/choose"
	"onramp/design"
	"onramp/examples"
	"onramp/intent"
	"onramp/intent/intenttest"
	"onramp/network"
	"onramp/pattern"
	"onramp/prove"
)

// estate is an example's design with its network and proof.
type estate struct {
	c     *catalog.Catalog
	d     *design.Design
	n     *network.Network
	proof *prove.Result
}

// example is the design that an example comes to; with a pattern, that pattern's.
func example(t testing.TB, name string, pattern design.Pattern) estate {
	t.Helper()
	c, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	src, err := examples.Read(name)
	if err != nil {
		t.Fatal(err)
	}
	e, findings := intent.Parse(name, src, c)
	if e == nil {
		t.Fatal(findings)
	}
	a, err := choose.Choose(e, c, choose.Options{Brief: true, Pattern: pattern})
	if err != nil {
		t.Fatal(err)
	}
	d := a.Designs[a.Best]
	n, _ := network.Build(d.Resources, d.Premises, c, network.Options{})
	return estate{c, d, n, a.Proofs[a.Best]}
}

func (e estate) rehearse(t testing.TB, o Options) *Result {
	t.Helper()
	r, err := Run(e.d, e.n, e.c, e.proof, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// largeExample has forty lines of business: what is done to every example drills a part of its elements.
const largeExample = "relecloud-forty"

func TestEveryExampleRehearsesAsProved(t *testing.T) {
	for _, name := range examples.Names() {
		t.Run(name, func(t *testing.T) {
			e := example(t, name, "")
			o := Options{Seed: 7, Parallel: 2}
			if name == largeExample {
				for i, sc := range Scenarios(e.n) {
					if i%9 == 0 {
						o.Drills = append(o.Drills, sc.ID)
					}
				}
			}
			agrees(t, e.rehearse(t, o))
		})
	}
}

// agrees fails the test with every disagreement.
func agrees(t rapid.TB, r *Result) {
	t.Helper()
	for i := range r.Drills {
		for _, d := range r.Drills[i].Disagreements {
			t.Errorf("%s", d)
		}
		if r.Drills[i].Agrees != (len(r.Drills[i].Disagreements) == 0) {
			t.Errorf("%s: agrees is %v", r.Drills[i].ID, r.Drills[i].Agrees)
		}
	}
}

func TestRandomEstatesRehearseAsProvedAndWithinTheBounds(t *testing.T) {
	c, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	drawer := intenttest.NewDrawer(c)
	rapid.Check(t, func(t *rapid.T) {
		e := drawer.Estate(t)
		kind := rapid.SampledFrom(design.Patterns()).Draw(t, "pattern")
		d, _ := pattern.Compile(kind, e, c, pattern.Options{})
		if d == nil {
			return
		}
		n, _ := network.Build(d.Resources, d.Premises, c, network.Options{})
		all := Scenarios(n)
		o := Options{Seed: rapid.Uint64().Draw(t, "seed")}
		for range 2 {
			o.Drills = append(o.Drills, rapid.SampledFrom(all).Draw(t, "drill").ID)
		}
		r, err := Run(d, n, c, prove.Prove(d, n, c, prove.Options{}), o)
		if err != nil {
			t.Fatal(err)
		}
		agrees(t, r)
	})
}

// some are drills of northwind of every kind of detection: BFD, hold time, a gateway's instance; a site, and maintenance.
func some() []string {
	return []string{"link:toronto/equinix-toronto/1", "router:toronto-ce1", "router:toronto-msee1", "gateway:ergw-hub/0", "site:toronto", "maintenance:toronto-msee1"}
}

func encoded(t *testing.T, r *Result) string {
	t.Helper()
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestASeedGivesTheSameBytesHoweverManyDrillsRunAtATime(t *testing.T) {
	e := example(t, "northwind", "")
	want := encoded(t, e.rehearse(t, Options{Seed: 7, Drills: some()}))
	for _, c := range []struct{ parallel, processors int }{{1, 1}, {5, 1}, {2, 2}} {
		was := runtime.GOMAXPROCS(c.processors)
		got := encoded(t, e.rehearse(t, Options{Seed: 7, Drills: some(), Parallel: c.parallel}))
		runtime.GOMAXPROCS(was)
		if got != want {
			t.Errorf("%d at a time on %d processors: other bytes", c.parallel, c.processors)
		}
	}
	alone := e.rehearse(t, Options{Seed: 7, Drills: some()[4:5]})
	all := e.rehearse(t, Options{Seed: 7, Drills: some()[3:]})
	all.Drills = all.Drills[1:2]
	if encoded(t, alone) != encoded(t, all) {
		t.Error("a drill by itself is not what it is among others")
	}
}

func TestAnotherSeedChangesTimesAndNoVerdict(t *testing.T) {
	e := example(t, "northwind", "")
	a, b := e.rehearse(t, Options{Seed: 7, Drills: some()}), e.rehearse(t, Options{Seed: 8, Drills: some()})
	if encoded(t, a) == encoded(t, b) {
		t.Error("seeds 7 and 8 give the same bytes")
	}
	for i := range a.Drills {
		x, y := &a.Drills[i], &b.Drills[i]
		if x.Agrees != y.Agrees || x.Proof != y.Proof || !slices.Equal(x.Detections, y.Detections) {
			t.Errorf("%s: other verdicts", x.ID)
		}
		fates := func(d *Drill) (out []string) {
			for _, f := range d.Flows {
				out = append(out, f.Flow+f.From+f.To+f.Expected+f.Seen+strings.Join(f.After.There, ",")+strings.Join(f.After.Back, ","))
			}
			slices.Sort(out)
			return out
		}
		if x.Kind != string(network.Link) && !slices.Equal(fates(x), fates(y)) { // which source ports felt a short cut is chance
			t.Errorf("%s: other fates or ways\n%s\n%s", x.ID, fates(x), fates(y))
		}
	}
}

// What the published timers say of the built-in example (limits.yaml: BFD 300 ms x 3, keepalive 60 s, hold 180 s; up to a minute between a gateway and an MSEE), and of a site's inside.
func TestEachOutageLiesBetweenWhatItsTimersSay(t *testing.T) {
	e := example(t, "northwind", "")
	for _, c := range []struct {
		drill, by    string
		lower, upper float64
	}{
		{"link:toronto/equinix-toronto/1", "bfd", 600, 900},
		{"router:toronto-ce1", "hold", 6000, 9000},
		{"router:toronto-msee1", "hold", 40000, 60000},
		{"gateway:ergw-hub/0", "hold", 40000, 60000},
	} {
		t.Run(c.drill, func(t *testing.T) {
			seen := map[float64]bool{}
			for seed := range uint64(4) {
				r := e.rehearse(t, Options{Seed: seed, Drills: []string{c.drill}})
				agrees(t, r)
				d := &r.Drills[0]
				f := &d.Flows[0]
				if f.Bound.LowerMs != c.lower || f.Bound.UpperMs == nil || *f.Bound.UpperMs != c.upper {
					t.Errorf("bounds %+v, want %g to %g", f.Bound, c.lower, c.upper)
				}
				if !slices.ContainsFunc(f.Bound.Rests, func(s string) bool { return strings.HasPrefix(s, c.by+" of ") }) {
					t.Errorf("it rests on %q, want %s", f.Bound.Rests, c.by)
				}
				for _, f := range d.Flows {
					if f.Lost > 0 && (f.OutageMs < f.Bound.LowerMs-f.Bound.SamplingMs || f.OutageMs > *f.Bound.UpperMs+r.AllowanceMs || !f.Bound.Within) {
						t.Errorf("seed %d: %s is out for %g ms: %+v", seed, f.Flow, f.OutageMs, f.Bound)
					}
				}
				if d.Failure.DataMs <= 0 || d.Failure.DataMs > c.upper+r.AllowanceMs || d.Failure.OutageMs != f.OutageMs || d.Repair.Lost != 0 {
					t.Errorf("seed %d: %+v, repair %+v", seed, d.Failure, d.Repair)
				}
				seen[f.OutageMs] = true
			}
			if len(seen) < 2 {
				t.Error("whenever it fails, the outage is the same")
			}
		})
	}
}

func TestMaintenanceLosesNothing(t *testing.T) {
	d := example(t, "northwind", "").rehearse(t, Options{Seed: 3, Drills: []string{"maintenance:toronto-msee1"}}).Drills[0]
	if d.How != Drain || d.Failure.Lost != 0 || d.Repair.Lost != 0 || d.Failure.Routes == 0 || len(d.Detections) != 0 {
		t.Errorf("%s: %+v %+v, %d detections", d.How, d.Failure, d.Repair, len(d.Detections))
	}
	for _, f := range d.Flows {
		if slices.Equal(f.Before.There, f.After.There) && slices.Equal(f.Before.Back, f.After.Back) {
			t.Errorf("%s was touched and goes the same ways", f.Flow)
		}
	}
}

func TestAFlowOfAFailedSiteIsLostForGoodAndComesBack(t *testing.T) {
	d := example(t, "northwind", "").rehearse(t, Options{Seed: 3, Drills: []string{"site:toronto"}}).Drills[0]
	gone := 0
	for _, f := range d.Flows {
		if !strings.HasSuffix(f.Flow, " - toronto") {
			continue
		}
		gone++
		if f.Expected != None || f.Seen != None || f.Bound.UpperMs != nil || f.RepairLost == 0 || len(f.After.There)+len(f.After.Back) > 0 {
			t.Errorf("%+v", f)
		}
	}
	if gone == 0 || !d.Agrees {
		t.Errorf("%d flows are lost; %v", gone, d.Disagreements)
	}
}

// The proof is put in the wrong: what it believes of a scenario is taken from another.
func TestADisagreementIsTold(t *testing.T) {
	e := example(t, "northwind", "")
	healthy := network.Scenario{ID: "healthy", Kind: network.Healthy}
	site := network.Scenario{ID: "site:toronto", Kind: network.Site, Elements: []string{"site:toronto"}}
	instead := func(of, other network.Scenario) func(network.Scenario) *network.State {
		return func(sc network.Scenario) *network.State {
			if sc.ID == of.ID {
				sc = other
			}
			return e.n.Converge(sc)
		}
	}
	for _, c := range []struct {
		name, drill string
		of, other   network.Scenario
		when, want  string
	}{
		{"the proof says that a flow survives, and it does not", "site:toronto", site, healthy, "failed", "the proof says that every packet arrives; of 32 requests 32 were not answered (at "},
		{"the proof says that a flow is lost, and it is not", "router:toronto-ce1", network.Scenario{ID: "router:toronto-ce1"}, site, "failed", "the proof says that no packet gets there and back; of 32 requests 32 were answered"},
		{"a packet goes another way", "router:toronto-ce1", network.Scenario{ID: "router:toronto-ce1"}, network.Scenario{ID: "router:toronto-ce2", Elements: []string{"router:toronto-ce2"}}, "failed", "a packet went "},
		{"a table has another route", "router:toronto-ce1", network.Scenario{ID: "router:toronto-ce1"}, healthy, "failed", "table of toronto-core: the proof has "},
		{"nothing has failed yet", "router:toronto-ce1", healthy, site, "healthy", "the proof says that no packet gets there and back"},
		{"the repair did not bring all back", "router:toronto-ce1", healthy, site, "repaired", "the proof says that no packet gets there and back"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := e.rehearse(t, Options{Seed: 1, Drills: []string{c.drill}, Believe: instead(c.of, c.other)})
			if r.Agrees || r.Drills[0].Agrees {
				t.Fatal("it agrees")
			}
			for _, d := range r.Drills[0].Disagreements {
				if d.Scenario == c.drill && d.When == c.when && strings.Contains(d.String(), c.want) {
					return
				}
			}
			t.Errorf("nobody says %q:\n%v", c.want, r.Drills[0].Disagreements)
		})
	}
}

func TestAVerdictThatForgetsALostFlowIsADisagreement(t *testing.T) {
	e := example(t, "nothing-fits", "")
	i := slices.IndexFunc(e.proof.Scenarios, func(v prove.ScenarioVerdict) bool { return len(v.Lost) > 0 })
	if i < 0 {
		t.Fatal("no scenario loses a flow")
	}
	o := Options{Seed: 1, Drills: []string{e.proof.Scenarios[i].ID}}
	agrees(t, e.rehearse(t, o))
	e.proof.Scenarios[i].Lost = nil
	r := e.rehearse(t, o)
	if r.Agrees || !strings.Contains(r.Drills[0].Disagreements[0].String(), "its verdict does not count the flow among the lost") {
		t.Errorf("%v", r.Drills[0].Disagreements)
	}
}

func TestAnOutageOutsideItsBoundsIsNoneThatTimersExplain(t *testing.T) {
	b := Bound{lower: 600 * time.Millisecond, upper: 900 * time.Millisecond, sampling: 40 * time.Millisecond}
	for _, c := range []struct {
		name   string
		outage time.Duration
		want   bool
	}{
		{"as short as it can be", 560 * time.Millisecond, true},
		{"too short", 559 * time.Millisecond, false},
		{"as long as it can be", 950 * time.Millisecond, true},
		{"too long", 951 * time.Millisecond, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := b.holdsFor(c.outage, 50*time.Millisecond); got != c.want {
				t.Errorf("%v", got)
			}
		})
	}
}

func TestSamplingIsTwiceTheLongestWaitForAPortsTurn(t *testing.T) {
	for _, c := range []struct {
		ports []int
		want  time.Duration
	}{{[]int{3}, 640 * time.Millisecond}, {[]int{0, 8}, 320 * time.Millisecond}, {[]int{0, 1, 2, 15}, 520 * time.Millisecond}, {nil, 0}} {
		if got := sampling(c.ports); got != c.want {
			t.Errorf("%v: %s, want %s", c.ports, got, c.want)
		}
	}
}

func TestAnUnknownDrillGetsTheNearestNames(t *testing.T) {
	e := example(t, "northwind", "")
	for _, c := range []struct{ name, near string }{
		{"router:toronto-msee3", "router:toronto-msee1"},
		{"toronto-ce1", "router:toronto-ce1"},
		{"provider:equinix", "provider:Equinix"},
	} {
		_, err := Run(e.d, e.n, e.c, e.proof, Options{Drills: []string{c.name}})
		var unknown *UnknownDrill
		if !errors.As(err, &unknown) || !slices.Contains(unknown.Near, c.near) {
			t.Errorf("%s: %v, want %s", c.name, err, c.near)
		}
	}
	_, err := Run(e.d, e.n, e.c, e.proof, Options{Drills: []string{"healthy"}})
	if err == nil {
		t.Error("nothing fails when all is healthy, and it is drilled")
	}
}

func TestThePartsOfAnEstateComeToWhatTheWholeComesTo(t *testing.T) {
	e := example(t, "fabrikam-isolated", "")
	if n := len(prove.Pieces(e.d, e.n, e.c)); n < 2 {
		t.Fatalf("it is %d part", n)
	}
	whole := e.rehearse(t, Options{Seed: 1, Parallel: 2, Believe: e.n.Converge})
	parts := e.rehearse(t, Options{Seed: 1, Parallel: 2})
	agrees(t, whole)
	agrees(t, parts)
	for i := range whole.Drills {
		a, b := &whole.Drills[i], &parts.Drills[i]
		fates := func(d *Drill) (out []string) {
			for _, f := range d.Flows {
				if f.Lost > 0 || f.Expected != Whole {
					out = append(out, f.Flow+f.From+f.To+f.Expected+f.Seen+strings.Join(f.After.There, ",")+strings.Join(f.After.Back, ","))
				}
			}
			slices.Sort(out)
			return out
		}
		if len(a.Flows)+a.Untouched != len(b.Flows)+b.Untouched || a.Kind != string(network.Link) && !slices.Equal(fates(a), fates(b)) {
			t.Errorf("%s:\n%q\n%q", a.ID, fates(a), fates(b))
		}
	}
}
