package main

import (
	"fmt"
	"strings"
	"testing"

	"onramp/rehearse"
)

func TestTheLowestIndexesAreShownWithWhatWouldRaiseThem(t *testing.T) {
	var r rehearse.Resiliency
	for i := range 12 {
		r.Gateways = append(r.Gateways, rehearse.Index{Gateway: fmt.Sprintf("gateway-%d", i), Score: float64(50 - i), UpTo: 60, Most: 100, Parts: []rehearse.IndexPart{
			{Name: rehearse.RoutePart, Points: 20, UpTo: 20, Most: 20, Why: "circuits at two"}, {Name: rehearse.TestPart, Most: 60, Why: "no drill", Raise: []rehearse.Raise{{How: "a drill", Points: 40, Certain: true}}},
			{Name: rehearse.GatewayPart, Most: 10}, {Name: rehearse.AdvisorPart, UpTo: 10, Most: 10, Raise: []rehearse.Raise{{How: "following Advisor", Points: 10}}}}})
	}
	var out strings.Builder
	if err := printResiliency(&out, &r); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"gateway-11", "39 to 60 of 100", "no drill; +40 by a drill", "up to +10 by following Advisor", "and 2 more with no less"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("it does not say %q:\n%s", want, out.String())
		}
	}
	if strings.Contains(out.String(), "gateway-0 ") {
		t.Error("the highest is shown before lower ones")
	}
}
