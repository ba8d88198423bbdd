package intent_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"onramp/catalog"
	"onramp/intent"
)

// sending is an intent of three lines of business; each text is what one needs, total the last line.
func sending(a, b, c, total string) []byte {
	return []byte(fmt.Sprintf(`apiVersion: onramp/v1
name: sending
premises:
  asn: 65010
  sites: [{name: head, prefixes: [10.0.0.0/16], access: [{provider: Bell Canada, model: ethernet, bandwidth: 1 Gbps, location: Montreal}]}]
linesOfBusiness:
  - {name: a, networks: [{name: a, region: canadacentral}], needs: {%s}}
  - {name: b, networks: [{name: b, region: canadacentral}], needs: {%s}}
  - {name: c, networks: [{name: c, region: canadacentral}], needs: {%s}}
%s
`, a, b, c, total))
}

func TestWhatLeavesAMonthIsStatedOrByBandwidth(t *testing.T) {
	c, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		name           string
		a, b, c, total string
		want           []float64
		whole          float64
	}{
		{"nobody states any", "bandwidth: 300 Mbps", "bandwidth: 100 Mbps", "bandwidth: 100 Mbps", "traffic: {monthlyEgressGB: 1000}", []float64{600, 200, 200}, 1000},
		{"nobody needs bandwidth", "", "", "", "traffic: {monthlyEgressGB: 900}", []float64{300, 300, 300}, 900},
		{"one states its part, the others share the rest", "bandwidth: 300 Mbps", "bandwidth: 100 Mbps, monthlyEgressGB: 600", "bandwidth: 100 Mbps", "traffic: {monthlyEgressGB: 1000}", []float64{300, 600, 100}, 1000},
		{"all state their parts and no whole", "monthlyEgressGB: 1", "monthlyEgressGB: 2.5", "monthlyEgressGB: 0", "", []float64{1, 2.5, 0}, 3.5},
		{"one states its part and no whole", "monthlyEgressGB: 7", "bandwidth: 100 Mbps", "", "", []float64{7, 0, 0}, 7},
		{"all state their parts and the whole", "monthlyEgressGB: 1", "monthlyEgressGB: 2", "monthlyEgressGB: 3", "traffic: {monthlyEgressGB: 6}", []float64{1, 2, 3}, 6},
		{"there is none", "", "", "", "", []float64{0, 0, 0}, 0},
	} {
		t.Run(x.name, func(t *testing.T) {
			e, findings := intent.Parse("estate.yaml", sending(x.a, x.b, x.c, x.total), c)
			if e == nil {
				t.Fatalf("%v", findings)
			}
			if got := e.Egress(); !slices.Equal(got, x.want) || e.Traffic.MonthlyEgressGB != x.whole {
				t.Errorf("parts %v of %g, want %v of %g", got, e.Traffic.MonthlyEgressGB, x.want, x.whole)
			}
		})
	}
	e, findings := intent.Parse("estate.yaml", sending("monthlyEgressGB: 1", "monthlyEgressGB: 2", "monthlyEgressGB: 3", "traffic: {monthlyEgressGB: 7}"), c)
	if e != nil || len(findings) == 0 || findings[0].Rule != "intent-traffic" {
		t.Errorf("a GB is nobody's, and it says %v", findings)
	}
}

func TestThePartsOfTheTrafficAddUpToIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := &intent.Estate{}
		e.Traffic.MonthlyEgressGB = rapid.Float64Range(0, 1e6).Draw(t, "whole")
		left := e.Traffic.MonthlyEgressGB
		for range rapid.IntRange(0, 5).Draw(t, "others") {
			l := intent.LineOfBusiness{Needs: intent.Needs{Bandwidth: intent.Mbps(rapid.IntRange(0, 1000).Draw(t, "mbps"))}}
			if rapid.Bool().Draw(t, "states") {
				gb := rapid.Float64Range(0, left).Draw(t, "gb")
				left -= gb
				l.Needs.MonthlyEgressGB = &gb
			}
			e.LinesOfBusiness = append(e.LinesOfBusiness, l)
		}
		e.LinesOfBusiness = append(e.LinesOfBusiness, intent.LineOfBusiness{}) // somebody has the rest
		sum := 0.0
		for _, gb := range e.Egress() {
			if gb < 0 {
				t.Fatalf("a part is %g", gb)
			}
			sum += gb
		}
		if math.Abs(sum-e.Traffic.MonthlyEgressGB) > 1e-6 {
			t.Fatalf("the parts add up to %g of %g", sum, e.Traffic.MonthlyEgressGB)
		}
	})
}
