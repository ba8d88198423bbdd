package choose_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"onramp/choose"
	"onramp/design"
	"onramp/intent"
	"onramp/intent/intenttest"
)

func TestEachExampleHasItsRightAnswer(t *testing.T) {
	c := open(t)
	for name, want := range map[string]design.Pattern{
		"northwind": design.SharedHubSpoke, "contoso-shared": design.Shared, "fabrikam-isolated": design.Isolated,
		"tailwind-isolated-hub-spoke": design.IsolatedHubSpoke, "nothing-fits": "",
	} {
		t.Run(name, func(t *testing.T) {
			a, err := choose.Choose(estate(t, c, name), c, choose.Options{Brief: true})
			if err != nil {
				t.Fatal(err)
			}
			got := design.Pattern("")
			if a.Choice.Chosen != nil {
				got = *a.Choice.Chosen
			}
			if got != want {
				t.Errorf("chosen %q, want %q: %+v", got, want, a.Choice.Ranked)
			}
		})
	}
}

func TestWhenNothingFitsItSaysWhatWouldDo(t *testing.T) {
	c := open(t)
	e := estate(t, c, "nothing-fits")
	a, err := choose.Choose(e, c, choose.Options{})
	if err != nil {
		t.Fatal(err)
	}
	u := a.Choice.Unmet
	if len(u) != 1 || u[0].LineOfBusiness != "payments" || u[0].Need != "survives.location" || u[0].Why == "" {
		t.Fatalf("unmet %+v", u)
	}
	if !strings.HasPrefix(u[0].Relaxation, "leave location out of what payments survives") || !strings.Contains(u[0].Relaxation, "add an access of Equinix at ") {
		t.Errorf("relaxation %q", u[0].Relaxation)
	}
	if !strings.HasPrefix(a.Choice.Together, "with this shared meets every need, for ") {
		t.Errorf("together %q", a.Choice.Together)
	}
	// The relaxation is true: without location in survives something fits.
	for i := range e.LinesOfBusiness {
		n := &e.LinesOfBusiness[i].Needs
		n.Survives = slices.DeleteFunc(n.Survives, func(s string) bool { return s == "location" })
	}
	if b, err := choose.Choose(e, c, choose.Options{Brief: true}); err != nil || b.Choice.Chosen == nil {
		t.Errorf("still nothing fits (%v)", err)
	}
}

func TestRelaxationsThatAreNamedDo(t *testing.T) {
	c := open(t)
	for _, x := range []struct {
		name, example string
		change        func(e *intent.Estate)
		lob, need     string
		says          string
	}{
		{"more bandwidth than the access has", "contoso-shared", func(e *intent.Estate) { e.LinesOfBusiness[0].Needs.Bandwidth = 2000 }, "orders", "bandwidth", "give orders "},
		{"a budget that is too small", "contoso-shared", func(e *intent.Estate) { b := intent.USD(100); e.Budget = &b }, "", "budget", "raise the budget to "},
		{"less latency than the distance allows", "northwind", func(e *intent.Estate) {
			l, err := intent.ParseLatency("1 ms")
			if err != nil {
				t.Fatal(err)
			}
			e.LinesOfBusiness[0].Needs.Latency = l
		}, "finance", "latency", "allow finance a latency of "},
		{"availability, which has no figure", "contoso-shared", func(e *intent.Estate) { e.LinesOfBusiness[1].Needs.Availability = 99.99 }, "research", "availability", "leave out the availability of research"},
		{"more availability than the parts have", "contoso-shared", func(e *intent.Estate) {
			e.LinesOfBusiness[1].Needs.Availability = 99.999
			for _, kind := range intent.StatedKinds() {
				e.Availability.Fill(kind, 99.9)
			}
		}, "research", "availability", "ask for research an availability of 99."},
		{"a circuit of its own in a shared pattern", "fabrikam-isolated", func(e *intent.Estate) { e.Pattern = "shared" }, "trading", "dedicated", "let trading share a circuit"},
		{"inspection without a hub", "northwind", func(e *intent.Estate) { e.Pattern = "shared" }, "hr", "inspect", "leave out inspection"},
		{"a second provider where there is one", "fabrikam-isolated", func(e *intent.Estate) { e.LinesOfBusiness[0].Needs.Survives = []string{"provider"} }, "trading", "survives.provider", "leave provider out of what trading survives"},
	} {
		t.Run(x.name, func(t *testing.T) {
			e := estate(t, c, x.example)
			x.change(e)
			a, err := choose.Choose(e, c, choose.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if a.Choice.Chosen != nil {
				t.Fatalf("%s was chosen", *a.Choice.Chosen)
			}
			i := slices.IndexFunc(a.Choice.Unmet, func(u choose.Unmet) bool { return u.LineOfBusiness == x.lob && u.Need == x.need })
			if i < 0 {
				t.Fatalf("unmet are %+v", a.Choice.Unmet)
			}
			if got := a.Choice.Unmet[i].Relaxation; !strings.HasPrefix(got, x.says) {
				t.Errorf("relaxation %q, want it to begin with %q", got, x.says)
			}
			if a.Choice.Together == "" && len(a.Choice.Unmet) == 1 {
				t.Error("granting it gives nothing that fits")
			}
		})
	}
}

func TestAPatternThatIsAskedForIsTheAnswerOrNothingIs(t *testing.T) {
	c := open(t)
	for _, p := range design.Patterns() {
		e := estate(t, c, "contoso-shared")
		a, err := choose.Choose(e, c, choose.Options{Pattern: p, Brief: true})
		if err != nil || a.Choice.Chosen == nil || *a.Choice.Chosen != p || a.Best != p {
			t.Errorf("%s: %v, best %s", p, err, a.Best)
		}
		e = estate(t, c, "northwind")
		e.Pattern = string(p)
		if a, err = choose.Choose(e, c, choose.Options{Brief: true}); err != nil || a.Best != p || (a.Choice.Chosen != nil) != p.HubAndSpoke() {
			t.Errorf("%s in the intent: %v, best %s, chosen %v", p, err, a.Best, a.Choice.Chosen)
		}
	}
}

func TestCandidatesAreThePatternsWhoseReasonWasGiven(t *testing.T) {
	c := open(t)
	for name, want := range map[string][]design.Pattern{
		"contoso-shared": {design.Shared}, "northwind": {design.Shared, design.SharedHubSpoke}, "fabrikam-isolated": {design.Shared, design.Isolated},
		"tailwind-isolated-hub-spoke": design.Patterns(),
	} {
		a, err := choose.Choose(estate(t, c, name), c, choose.Options{Brief: true})
		if err != nil {
			t.Fatal(err)
		}
		var got []design.Pattern
		for _, p := range design.Patterns() {
			for _, r := range a.Choice.Ranked {
				if r.Pattern == p && r.Candidate {
					got = append(got, p)
				}
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: candidates %v, want %v", name, got, want)
		}
	}
}

func TestAnEstateWithoutAddressesGivesNoDesignAndSaysWhy(t *testing.T) {
	c := open(t)
	e := estate(t, c, "northwind")
	e.Pools.Transit = nil
	_, err := choose.Choose(e, c, choose.Options{})
	if err == nil || !strings.Contains(err.Error(), "no pattern gives a design") || !strings.Contains(err.Error(), "pools.transit") {
		t.Errorf("got %v", err)
	}
}

func TestTheChoiceKeepsItsOwnRules(t *testing.T) {
	c := open(t)
	drawer := intenttest.NewDrawer(c)
	rapid.Check(t, func(t *rapid.T) {
		e := drawer.Estate(t)
		a, err := choose.Choose(e, c, choose.Options{Brief: true})
		if err != nil {
			return // nothing can be designed; the text is tested above
		}
		ch := &a.Choice
		if len(ch.Ranked) != len(design.Patterns()) {
			t.Fatalf("%d patterns are ranked", len(ch.Ranked))
		}
		anyFits := false
		for _, r := range ch.Ranked {
			anyFits = anyFits || r.Fits
			if r.Fits != (len(r.FailedNeeds) == 0) || r.Why == "" {
				t.Fatalf("%+v contradicts itself", r)
			}
			if r.Candidate && r.Fits && ch.Chosen != nil {
				if best := ch.Ranked[0]; best.Figures.MonthlyUSD > r.Figures.MonthlyUSD+0.005 {
					t.Fatalf("%s costs %f, %s was chosen for %f", r.Pattern, r.Figures.MonthlyUSD, best.Pattern, best.Figures.MonthlyUSD)
				}
			}
		}
		switch {
		case anyFits != (ch.Chosen != nil), anyFits != (len(ch.Unmet) == 0):
			t.Fatalf("fits %v, chosen %v, unmet %v", anyFits, ch.Chosen, ch.Unmet)
		case ch.Chosen != nil && (*ch.Chosen != ch.Ranked[0].Pattern || !ch.Ranked[0].Fits || a.Best != *ch.Chosen):
			t.Fatalf("chosen %s, first %s, best %s", *ch.Chosen, ch.Ranked[0].Pattern, a.Best)
		case a.Designs[a.Best] == nil || a.Proofs[a.Best] == nil || a.Bills[a.Best] == nil:
			t.Fatal("the best comes without its design, proof or bill")
		}
		want := design.Pattern("")
		if ch.Chosen != nil {
			want = *ch.Chosen
		}
		if got := choose.Pick(e, c); got != want {
			t.Fatalf("%q is picked, %q chosen", got, want)
		}
		b, err := choose.Choose(e, c, choose.Options{Brief: true})
		if err != nil {
			t.Fatal(err)
		}
		x, err1 := json.Marshal(a.Choice)
		y, err2 := json.Marshal(b.Choice)
		if err1 != nil || err2 != nil || string(x) != string(y) {
			t.Fatalf("two choices differ (%v, %v)", err1, err2)
		}
	})
}
