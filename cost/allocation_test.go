package cost_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"onramp/azure"
	"onramp/cost"
	"onramp/design"
	"onramp/intent"
	"onramp/intent/intenttest"
	"onramp/pattern"
)

// states gives a line of business of a hand-made intent its traffic.
func states(e *intent.Estate, name string, gb float64) {
	for i := range e.LinesOfBusiness {
		if e.LinesOfBusiness[i].Name == name {
			e.LinesOfBusiness[i].Needs.MonthlyEgressGB = &gb
		}
	}
}

func TestASharedLineIsSplitAsAsked(t *testing.T) {
	c := open(t)
	d := &design.Design{Resources: azure.Resources{providerCircuit("er", "Standard", "MeteredData", 500, "Amsterdam", "")}, Intent: needs(1000, map[string]intent.Mbps{"a": 300, "b": 100})}
	states(d.Intent, "a", 100)
	states(d.Intent, "b", 900)
	for _, x := range []struct {
		split cost.Split
		a, b  float64
	}{
		{"", 217.5, 72.5},
		{cost.ByNeed, 217.5, 72.5},
		{cost.Equally, 145, 145},
		{cost.ByTraffic, 29, 261},
	} {
		b := cost.Month(d, c, cost.Options{Split: x.split})
		l := line(t, b, "circuit", "er")
		if len(l.Shares) != 2 || l.Shares[0].USD != x.a || l.Shares[1].USD != x.b {
			t.Errorf("by %q: %+v, want %g and %g", x.split, l.Shares, x.a, x.b)
		}
	}
}

func TestWhoSendsPaysForTheDataHoweverTheRestIsSplit(t *testing.T) {
	c := open(t)
	d := made(t, c, "northwind", design.SharedHubSpoke)
	states(d.Intent, "hr", 5000)
	for _, s := range cost.Splits() {
		if l := line(t, cost.Month(d, c, cost.Options{Split: s}), "outbound data", "er-montreal-toronto-1"); l.LineOfBusiness != "hr" || l.USD != 125 {
			t.Errorf("by %s: %q pays %+v", s, l.LineOfBusiness, l.Shares)
		}
	}
}

func TestASplitByTrafficNeedsTheTrafficOfWhoeverShares(t *testing.T) {
	c := open(t)
	shared := func() *design.Design {
		return &design.Design{Resources: azure.Resources{providerCircuit("er", "Standard", "MeteredData", 500, "Amsterdam", "")}, Intent: needs(1000, map[string]intent.Mbps{"a": 300, "b": 100})}
	}
	alone := shared()
	alone.Resources = azure.Resources{providerCircuit("er-a", "Standard", "MeteredData", 500, "Amsterdam", "a"), providerCircuit("er-b", "Standard", "MeteredData", 500, "Amsterdam", "b")}
	half, whole, blind := shared(), shared(), shared()
	states(half.Intent, "a", 400)
	states(whole.Intent, "a", 400)
	states(whole.Intent, "b", 600)
	blind.Intent = nil
	for _, x := range []struct {
		name  string
		d     *design.Design
		split cost.Split
		says  string
	}{
		{"nobody states any", shared(), cost.ByTraffic, "state their traffic: a, b;"},
		{"one states none", half, cost.ByTraffic, "state their traffic: b;"},
		{"all state theirs", whole, cost.ByTraffic, ""},
		{"nothing is shared", alone, cost.ByTraffic, ""},
		{"there is no intent", blind, cost.ByTraffic, "no intent"},
		{"need asks for nothing", blind, cost.ByNeed, ""},
		{"equal asks for nothing", blind, cost.Equally, ""},
		{"a split that is none", shared(), "colour", "need, equal and traffic"},
	} {
		t.Run(x.name, func(t *testing.T) {
			err := cost.CheckSplit(x.d, c, x.split)
			if (err == nil) != (x.says == "") || err != nil && !strings.Contains(err.Error(), x.says) {
				t.Errorf("%v, want %q", err, x.says)
			}
		})
	}
}

func TestNoSplitChangesTheTotalOrLosesACent(t *testing.T) {
	c := open(t)
	drawer := intenttest.NewDrawer(c)
	rapid.Check(t, func(t *rapid.T) {
		d := drawn(t)
		if rapid.Bool().Draw(t, "compiled") {
			e := drawer.Estate(t)
			p := rapid.SampledFrom(design.Patterns()).Draw(t, "pattern")
			if made, _ := pattern.Compile(p, e, c, pattern.Options{}); made != nil {
				d = made
			}
		}
		total := cost.Month(d, c, cost.Options{}).Total
		for _, s := range cost.Splits() {
			b := cost.Month(d, c, cost.Options{Split: s})
			if msg := addsUp(b); msg != "" {
				t.Fatalf("by %s: %s", s, msg)
			}
			if b.Total != total {
				t.Fatalf("by %s: %+v, by need %+v", s, b.Total, total)
			}
		}
	})
}
