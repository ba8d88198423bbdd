package rehearse

import (
	"math"
	"slices"
	"strings"
	"testing"

	"onramp/azure"
	"onramp/catalog"
	"onramp/design"
	"onramp/network"
	"onramp/prove"
)

// drilled is a result in which these drills were run; one with a mark before its name did not agree.
func drilled(names ...string) *Result {
	r := &Result{}
	for _, name := range names {
		id, bad := strings.CutPrefix(name, "!")
		r.Drills = append(r.Drills, Drill{ID: id, Agrees: !bad})
	}
	return r
}

// points are those of an index's parts, in order.
func pointsOf(x *Index) []float64 {
	var out []float64
	for _, p := range x.Parts {
		out = append(out, p.Points)
	}
	return out
}

func TestTheIndexFollowsThePublishedFormulaByTheShapeOfTheEstate(t *testing.T) {
	for _, c := range []struct {
		name, example string
		pattern       design.Pattern
		drills        []string
		parts         []float64 // routes, validation, gateway, advisor
		score, upTo   float64
		why, raise    string // of the validation or the routes, what would raise it
		by            float64
	}{
		{"two locations, both drilled", "northwind", design.SharedHubSpoke, []string{"location:Toronto", "location:Montreal"}, []float64{20, 60, 10, 0}, 90, 100, "location:Toronto was drilled", "following Advisor", 10},
		{"two locations, one drilled: half of the multiplier", "northwind", design.SharedHubSpoke, []string{"location:Toronto"}, []float64{20, 20, 10, 0}, 50, 60, "no drill of Montreal was run", "location:Montreal", 40},
		{"two locations, none drilled: nothing is earned", "northwind", design.SharedHubSpoke, []string{"router:toronto-msee1"}, []float64{20, 0, 10, 0}, 30, 40, "no drill of Toronto was run", "location:Montreal and of location:Toronto", 60},
		{"two locations, one drill that disagrees", "northwind", design.SharedHubSpoke, []string{"location:Toronto", "!location:Montreal"}, []float64{20, 20, 10, 0}, 50, 60, "location:Montreal was not as proved", "location:Montreal", 40},
		{"two locations, two drills that disagree", "northwind", design.SharedHubSpoke, []string{"!location:Toronto", "!location:Montreal"}, []float64{20, 0, 10, 0}, 30, 40, "location:Toronto was not as proved", "location:Montreal and of location:Toronto", 60},
		{"the only circuit of a location taken out is a test of it", "northwind", design.SharedHubSpoke, []string{"location:Toronto", "circuit:er-montreal-toronto-1", "circuit:er-montreal-toronto-2"}, []float64{20, 60, 10, 0}, 90, 100, "none is lost for good", "following Advisor", 10},
		{"a Metro, whose test is not offered", "lucerne-direct-metro", "", []string{"location:Zurich Metro/1", "location:Zurich Metro/2", "circuit:er-archive-1"}, []float64{10, 0, 0, 0}, 10, 20, "the test is not offered for a Metro", "a second peering location", 70},
		{"one location, never drilled", "fabrikam-isolated", design.Isolated, nil, []float64{5, 0, 0, 0}, 5, 15, "no drill of London was run", "a second peering location", 75},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := example(t, c.example, c.pattern)
			r := resiliency(e.d, e.n, e.c, prove.Flows(e.d, e.n, e.c), drilled(c.drills...))
			if len(r.Gateways) == 0 || len(r.Assumptions) == 0 {
				t.Fatalf("%+v", r)
			}
			x := &r.Gateways[0]
			if !slices.Equal(pointsOf(x), c.parts) || x.Score != c.score || x.UpTo != c.upTo || x.Most != 100 {
				t.Errorf("%g to %g of %g, parts %v; want %g to %g of 100, parts %v", x.Score, x.UpTo, x.Most, pointsOf(x), c.score, c.upTo, c.parts)
			}
			why, raised := "", false
			for _, p := range x.Parts {
				why += p.Why + "\n"
				for _, y := range p.Raise {
					raised = raised || strings.Contains(y.How, c.raise) && y.Points == c.by
				}
			}
			if !strings.Contains(why, c.why) || !raised {
				t.Errorf("want %q and +%g by %q: %+v", c.why, c.by, c.raise, x.Parts)
			}
		})
	}
}

func TestADrillThatLosesAFlowForGoodIsNoTestThatWasPassed(t *testing.T) {
	e := example(t, "northwind", design.SharedHubSpoke)
	flows := prove.Flows(e.d, e.n, e.c)
	i := slices.IndexFunc(flows, func(f prove.Flow) bool { return f.A.Kind == network.VM && f.B.Kind == network.SiteHost })
	for seen, want := range map[string]float64{Whole: 60, Part: 20, None: 20} {
		r := drilled("location:Toronto", "location:Montreal")
		r.Drills[1].Flows = []FlowDrill{{Flow: flows[i].Name, From: flows[i].From, To: flows[i].To, Expected: seen, Seen: seen}}
		if got := resiliency(e.d, e.n, e.c, flows, r).Gateways[0].Parts[1]; got.Points != want || seen != Whole && !strings.Contains(got.Why, "location:Montreal loses 1 of ") {
			t.Errorf("%s: %+v, want %g", seen, got, want)
		}
	}
}

func TestALinkToTheProviderThatIsNotThereLeavesNoRoutePoints(t *testing.T) {
	e := example(t, "northwind", design.SharedHubSpoke)
	for i := range e.d.Premises.Sites {
		for k := range e.d.Premises.Sites[i].Routers {
			r := &e.d.Premises.Sites[i].Routers[k]
			r.Sessions = slices.DeleteFunc(r.Sessions, func(s design.Session) bool {
				return s.Connection == design.Secondary && strings.HasSuffix(s.Circuit.Name(), "-1")
			})
		}
	}
	n, _ := network.Build(e.d.Resources, e.d.Premises, e.c, network.Options{})
	x := resiliency(e.d, n, e.c, prove.Flows(e.d, n, e.c), drilled("location:Toronto", "location:Montreal")).Gateways[0]
	if !slices.Equal(pointsOf(&x), []float64{0, 0, 10, 0}) || !strings.Contains(x.Parts[0].Why, "er-montreal-toronto-1/secondary") || len(x.Parts[0].Raise) != 1 || x.Parts[0].Raise[0].Points != 20 {
		t.Errorf("%+v", x)
	}
}

func TestTheGatewaysPointsFollowItsSKUZonesAndUnits(t *testing.T) {
	e := example(t, "northwind", design.SharedHubSpoke)
	g := azure.Of[*azure.VirtualNetworkGateway](e.d.Resources)[0]
	for _, c := range []struct {
		sku, region, scale string
		points, upTo       float64
	}{
		{"Standard", "canadacentral", "", 0, 0},
		{"HighPerformance", "canadacentral", "", 0, 0},
		{"UltraPerformance", "canadacentral", "", 2, 2},
		{"ErGw2AZ", "canadacentral", "", 10, 10},
		{"ErGw2AZ", "canadaeast", "", 8, 10},
		{"ErGwScale", "canadacentral", `{"bounds":{"min":2,"max":2}}`, 8, 8},
		{"ErGwScale", "canadacentral", `{"bounds":{"min":1,"max":4}}`, 8, 10},
		{"ErGwScale", "canadacentral", `{"bounds":{"min":3,"max":3}}`, 10, 10},
		{"ErGwScale", "canadacentral", "", 8, 8},
		{"Unheard", "canadacentral", "", 0, 10},
	} {
		g.Properties.SKU, g.Location, g.Properties.Extra = azure.SKU{Name: c.sku}, c.region, azure.Extra{}
		if c.scale != "" {
			g.Properties.Extra["autoScaleConfiguration"] = []byte(c.scale)
		}
		x := resiliency(e.d, e.n, e.c, nil, drilled()).Gateways[0].Parts[2]
		if x.Name != GatewayPart || x.Points != c.points || x.UpTo != c.upTo || x.Most != 10 || x.Why == "" || (x.Points < 10) != (len(x.Raise) == 1) {
			t.Errorf("%s %s: %+v, want %g to %g", c.sku, c.scale, x, c.points, c.upTo)
		}
	}
}

func TestAnIndexIsTheSumOfItsPartsAndWhatRaisesItLeadsNoFurtherThanTheMost(t *testing.T) {
	for _, name := range []string{"northwind", "contoso-shared", "fabrikam-isolated", "lucerne-direct-metro", "nothing-fits", "proseware-microsoft365"} {
		e := example(t, name, "")
		for _, x := range resiliency(e.d, e.n, e.c, prove.Flows(e.d, e.n, e.c), drilled()).Gateways {
			score, upTo, most := 0.0, 0.0, 0.0
			for _, p := range x.Parts {
				score, upTo, most = score+p.Points, upTo+p.UpTo, most+p.Most
				if p.Why == "" || p.Points < 0 || p.UpTo < p.Points || p.Most < p.UpTo {
					t.Errorf("%s, %s: %+v", name, x.Gateway, p)
				}
				for _, y := range p.Raise {
					if y.Points <= 0 || x.Score+y.Points > x.Most || y.How == "" {
						t.Errorf("%s, %s: %+v", name, x.Gateway, y)
					}
				}
			}
			if math.Abs(score-x.Score)+math.Abs(upTo-x.UpTo)+math.Abs(most-x.Most) > 0 {
				t.Errorf("%s, %s: %+v", name, x.Gateway, x)
			}
		}
	}
}

func TestARehearsalEarnsItsIndexByTheDrillsThatItRan(t *testing.T) {
	e := example(t, "northwind", "")
	for _, c := range []struct {
		drills []string
		want   float64
	}{{[]string{"location:Toronto", "location:Montreal"}, 90}, {[]string{"location:Montreal"}, 50}, {[]string{"router:toronto-ce1"}, 30}} {
		r := e.rehearse(t, Options{Seed: 7, Drills: c.drills})
		if len(r.Resiliency.Gateways) != 1 || r.Resiliency.Gateways[0].Score != c.want {
			t.Errorf("%v: %+v, want %g", c.drills, r.Resiliency.Gateways, c.want)
		}
	}
	r := example(t, "fabrikam-isolated", design.Isolated).rehearse(t, Options{Seed: 7, Drills: []string{"location:London"}})
	for _, x := range r.Resiliency.Gateways {
		if x.Parts[1].Points != 0 || !strings.Contains(x.Parts[1].Why, "location:London loses ") {
			t.Errorf("the only location fails, and it is a test that was passed: %+v", x.Parts[1])
		}
	}
}

func TestTheFiguresOfTheIndexAreThePublishedOnes(t *testing.T) {
	c, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	want := catalog.Resiliency{TwoLocations: 20, Metro: 10, OneLocation: 5, UltraPerformance: 2, Zonal: 8, ZoneRedundant: 10, FewUnits: 8, ManyUnits: 10, Recommendations: 10,
		Within30: 4, Within60: 3, Within90: 2, Older: 1, OneSite: 0.5}
	if got := c.Limits().Resiliency; got != want {
		t.Errorf("%+v", got)
	}
}
