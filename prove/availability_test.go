package prove

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"onramp/catalog"
	"onramp/design"
	"onramp/examples"
	"onramp/intent"
	"onramp/intent/intenttest"
	"onramp/network"
	"onramp/pattern"
)

// throughAll computes the availability of each line of business from its definition: every set of failed elements, from nothing. It
// answers for the estate as it is and, by element, as if the element never failed.
func throughAll(d *design.Design, n *network.Network, c *catalog.Catalog) (all map[string]float64, without map[string]map[string]float64) {
	e := survey(d, n, c)
	parts := newComponents(d, n, c.Limits().SLAPercent)
	var fallible []int
	for i := range n.Elements() {
		if parts.percent[i] < 100 {
			fallible = append(fallible, i)
		}
	}
	all, without = map[string]float64{}, map[string]map[string]float64{}
	for _, l := range e.lobs {
		without[l.Name] = map[string]float64{}
	}
	for mask := range 1 << len(fallible) {
		p := 1.0
		var failed []string
		for k, i := range fallible {
			if mask>>k&1 == 1 {
				failed = append(failed, n.Elements()[i].ID)
				p *= parts.fails(i)
			} else {
				p *= 1 - parts.fails(i)
			}
		}
		sc, err := n.Scenario(failed...)
		if err != nil {
			panic(err)
		}
		w := newSweep(e, n.Converge(sc), nil)
		for _, l := range e.lobs {
			up := !slices.ContainsFunc(l.flows, func(k int) bool {
				f := &e.needed[k]
				_, _, bad := w.blocked(f.a, f.b)
				return w.both(f.a, f.b) && bad != nil
			})
			if !up {
				continue
			}
			all[l.Name] += p
			for k, i := range fallible {
				if mask>>k&1 == 0 {
					without[l.Name][n.Elements()[i].ID] += p / (1 - parts.fails(i))
				}
			}
		}
	}
	return all, without
}

// statedSome states every kind: those that may fail at a figure so low that many failures together still count, the others at 100.
func statedSome(t *rapid.T) intent.Stated {
	var s intent.Stated
	for _, kind := range intent.StatedKinds() {
		percent := 100.0
		if rapid.Bool().Draw(t, kind+" fails") {
			percent = rapid.SampledFrom([]float64{80, 90, 95, 99, 99.9}).Draw(t, kind)
		}
		s.Fill(kind, percent)
	}
	return s
}

func TestAvailabilityEqualsGoingThroughAllStates(t *testing.T) {
	c, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	drawer := intenttest.NewDrawer(c)
	const most = 8
	compared := 0
	rapid.Check(t, func(t *rapid.T) {
		e := drawer.Estate(t)
		for i := range e.Premises.Sites {
			for j := range e.Premises.Sites[i].Access {
				e.Premises.Sites[i].Access[j].Availability = 0
			}
		}
		e.Availability = statedSome(t)
		d, _ := pattern.Compile(rapid.SampledFrom(design.Patterns()).Draw(t, "pattern"), e, c, pattern.Options{})
		if d == nil {
			return
		}
		n, _ := network.Build(d.Resources, d.Premises, c, network.Options{})
		fallible := 0
		for _, percent := range newComponents(d, n, 99.95).percent {
			if percent < 100 {
				fallible++
			}
		}
		if fallible > most || len(azureVNets(d)) > 6 {
			return
		}
		all, without := throughAll(d, n, c)
		for _, l := range Prove(d, n, c, Options{}).Figures.LinesOfBusiness {
			a := l.Availability
			if a == nil || len(a.Costs) == 0 && a.Upper == 0 {
				continue
			}
			compared++
			want := 100 * all[l.LineOfBusiness]
			if want < a.Lower-2e-7 || want > a.Upper+2e-7 {
				t.Fatalf("%s: %v is not from %v to %v", l.LineOfBusiness, want, a.Lower, a.Upper)
			}
			for _, x := range a.Costs {
				gap := (a.Upper - a.Lower) / (1 - x.Percent/100)
				if points := 100*without[l.LineOfBusiness][x.Element] - want; math.Abs(points-x.Points) > gap+1e-6 {
					t.Fatalf("%s: without failures of %s it gains %v, not %v", l.LineOfBusiness, x.Element, points, x.Points)
				}
			}
		}
	})
	if compared == 0 {
		t.Error("nothing was compared")
	}
}

func azureVNets(d *design.Design) []string {
	var out []string
	for _, r := range d.Resources {
		if strings.HasSuffix(strings.ToLower(r.Head().Type), "/virtualnetworks") {
			out = append(out, r.Head().Name)
		}
	}
	return out
}

// toy is one site with accesses at Toronto and one network; figures is the block availability.
func toy(t *testing.T, routers int, accesses []string, figures, need string) *Result {
	t.Helper()
	c, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	var access []string
	for _, location := range accesses {
		access = append(access, fmt.Sprintf("{provider: Bell Canada, model: ethernet, bandwidth: 1 Gbps, location: %s}", location))
	}
	src := fmt.Sprintf(`apiVersion: onramp/v1
name: toy
premises:
  asn: 65010
  sites: [{name: head, prefixes: [10.0.0.0/16], routers: %d, access: [%s]}]
linesOfBusiness:
  - {name: it, networks: [{name: it, region: canadacentral}], needs: {bandwidth: 50 Mbps%s}}
%s
`, routers, strings.Join(access, ", "), need, figures)
	e, findings := intent.Parse("toy.yaml", []byte(src), c)
	if e == nil {
		t.Fatalf("%v\n%s", findings, src)
	}
	d, trouble := pattern.Compile(design.Isolated, e, c, pattern.Options{})
	if d == nil {
		t.Fatal(trouble)
	}
	n, _ := network.Build(d.Resources, d.Premises, c, network.Options{})
	return Prove(d, n, c, Options{})
}

// perfect states 100 for every kind but those given.
func perfect(others string) string {
	var out []string
	if others != "" {
		out = append(out, others)
	}
	for _, kind := range intent.StatedKinds() {
		if !strings.Contains(others, kind+":") {
			out = append(out, kind+": 100")
		}
	}
	return "availability: {" + strings.Join(out, ", ") + "}"
}

func TestAvailabilityByHand(t *testing.T) {
	toronto := []string{"Toronto"}
	for _, x := range []struct {
		name     string
		routers  int
		accesses []string
		figures  string
		want     float64
		worst    string
	}{
		{"nothing ever fails", 2, toronto, perfect(""), 100, ""},
		{"two links, either of which will do", 2, toronto, perfect("link: 99"), 99.99, "link:head/bell-canada-toronto/1"},
		{"one router in front of the two links", 1, toronto, perfect("link: 99, router: 99"), 0.99 * 99.99, "router:head-ce1"},
		{"two routers with a link each: two chains of 0.99 * 0.99", 2, toronto, perfect("link: 99, router: 99"), 100 * (1 - math.Pow(1-0.99*0.99, 2)), "link:head/bell-canada-toronto/1"},
		{"the circuit's agreement", 2, toronto, strings.Replace(perfect(""), ", circuit: 100", "", 1), 99.95, "circuit:er-it-1"},
		{"a location and its provider fail by themselves", 2, toronto, perfect("location: 99.5, provider: 99"), 0.995 * 99, "provider:Bell Canada"},
		{"a site that fails has no flows to lose", 2, toronto, perfect("site: 90"), 100, ""},
	} {
		t.Run(x.name, func(t *testing.T) {
			f := toy(t, x.routers, x.accesses, x.figures, "").Figures
			if f.Availability == nil {
				t.Fatalf("unknown; not stated are %v", f.AvailabilityLacks)
			}
			a := f.LinesOfBusiness[0].Availability
			if x.want < a.Lower-1e-6 || x.want > a.Upper+1e-6 {
				t.Errorf("%v to %v, want %v; %v", a.Lower, a.Upper, x.want, a.Costs)
			}
			worst := ""
			if len(a.Costs) > 0 {
				worst = a.Costs[0].Element
			}
			if worst != x.worst {
				t.Errorf("%q costs most, want %q: %v", worst, x.worst, a.Costs)
			}
		})
	}
}

func TestAddingRedundancyNeverLowersAvailability(t *testing.T) {
	for _, figures := range []string{"link: 99, router: 98", "link: 95, msee: 99, circuit: 99.9", "router: 90, location: 99, gateway: 99"} {
		t.Run(figures, func(t *testing.T) {
			lower, upper := -1.0, 0.0
			for _, x := range []struct {
				routers  int
				accesses []string
			}{{1, []string{"Toronto"}}, {2, []string{"Toronto"}}, {2, []string{"Toronto", "Montreal"}}} {
				a := toy(t, x.routers, x.accesses, perfect(figures), ", survives: [location]").Figures.LinesOfBusiness[0].Availability
				if a.Upper < lower {
					t.Errorf("%d routers at %v: %v to %v, and with less there was %v to %v", x.routers, x.accesses, a.Lower, a.Upper, lower, upper)
				}
				lower, upper = a.Lower, a.Upper
			}
		})
	}
}

func TestANeedForAvailability(t *testing.T) {
	for _, x := range []struct {
		name, figures, need string
		holds               bool
		says                []string
	}{
		{"is met", perfect("link: 99"), "99.9", true, nil},
		{"is met to the last decimal", perfect("link: 99"), "99.99", true, nil},
		{"is not met", perfect("link: 99"), "99.995", false, []string{"99.9900 %", "99.995 %", "link head/bell-canada-toronto/1", "ask for at most 99.99 %"}},
		{"cannot be met where nothing is stated", "", "99.9", false, []string{"unknown", "availability.link, availability.router, availability.msee", "--availability"}},
		{"cannot be met where something is missing", "availability: {link: 99, router: 99, msee: 100, zone: 100, provider: 100, location: 99}", "99.9", false, []string{"unknown", "state availability.gateway and availability.site"}},
	} {
		t.Run(x.name, func(t *testing.T) {
			r := toy(t, 2, []string{"Toronto"}, x.figures, ", availability: "+x.need)
			i := slices.IndexFunc(r.Properties, func(p Property) bool { return p.Name == Availability })
			if i < 0 {
				t.Fatal("nothing is said of availability")
			}
			p := r.Properties[i]
			if p.Holds != x.holds || r.Scenarios[0].Verdict == Fails == x.holds {
				t.Fatalf("holds is %v, the healthy state %s: %+v", p.Holds, r.Scenarios[0].Verdict, p.Counterexample)
			}
			for _, words := range x.says {
				if s := p.Counterexample.String(); !strings.Contains(s, words) {
					t.Errorf("%q is missing in\n%s", words, s)
				}
			}
		})
	}
}

func TestFiguresComeWithTheirSources(t *testing.T) {
	c, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	src, err := examples.Read("northwind")
	if err != nil {
		t.Fatal(err)
	}
	e, _ := intent.Parse("northwind", src, c)
	e.Availability = intent.Stated{Link: 99.9, MSEE: 99.99}
	e.Premises.Sites[0].Access[0].Availability = 98
	d, _ := pattern.Compile(design.Isolated, e, c, pattern.Options{})
	n, _ := network.Build(d.Resources, d.Premises, c, network.Options{})
	parts := newComponents(d, n, c.Limits().SLAPercent)
	own := 0
	for i, x := range n.Elements() {
		want, source := 0.0, Stated
		switch {
		case x.Kind == network.Link && slices.ContainsFunc(d.Premises.Attachments, func(a design.Attachment) bool { return a.Name == x.Name && a.Availability > 0 }):
			want = 98
			own++
		case x.Kind == network.Link:
			want = 99.9
		case x.Kind == network.Circuit:
			want, source = 99.95, Published
		case strings.Contains(x.ID, "-msee"):
			want = 99.99
		}
		if parts.percent[i] != want || want > 0 && parts.source[i] != source {
			t.Errorf("%s: %v, %s; want %v, %s", x.ID, parts.percent[i], parts.source[i], want, source)
		}
	}
	if own != 2 {
		t.Errorf("%d links have the access's figure, want 2", own)
	}
	for _, s := range d.Premises.Sites { // a circuit with one session has no agreement
		for i := range s.Routers {
			s.Routers[i].Sessions = slices.DeleteFunc(s.Routers[i].Sessions, func(s design.Session) bool { return s.Connection == design.Secondary })
		}
	}
	n, _ = network.Build(d.Resources, d.Premises, c, network.Options{})
	if lacks := newComponents(d, n, c.Limits().SLAPercent).lacks; !slices.Contains(lacks, "availability.circuit") {
		t.Errorf("circuits without a second session have a figure; not stated are only %v", lacks)
	}
}
