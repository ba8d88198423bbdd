package main

import (
	"strings"
	"testing"

	"onramp/rehearse"
)

func TestWhoGetsLessThanIsNeededIsShown(t *testing.T) {
	r := &rehearse.Result{Drills: []rehearse.Drill{{ID: "router:a"}, {ID: "router:b", Bandwidth: []rehearse.LineBandwidth{{LineOfBusiness: "finance", Direction: "to Microsoft", Needed: 200, Expected: 200, Got: 200}}}}}
	said := func() string {
		var out strings.Builder
		if err := printBandwidth(&out, r); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	if got := said(); got != "In 1 drill the failure moves traffic: every line of business got the bandwidth that it needs.\n" {
		t.Error(got)
	}
	for range 12 {
		r.Drills[0].Bandwidth = append(r.Drills[0].Bandwidth, rehearse.LineBandwidth{LineOfBusiness: "hr", Direction: "from Microsoft", Needed: 100, Expected: 60, Got: 61.5, Limit: "circuit:x/primary from Microsoft"})
	}
	for _, want := range []string{"In 2 drills the failure moves traffic; 12 of 13 times", "router:a  hr ", "100 Mbps   60 Mbps  61.5 Mbps  circuit:x/primary from Microsoft", "and 2 more"} {
		if !strings.Contains(said(), want) {
			t.Errorf("it does not say %q:\n%s", want, said())
		}
	}
	r.Drills = r.Drills[:0]
	if said() != "" {
		t.Error("nothing was measured, and it says something")
	}
}
