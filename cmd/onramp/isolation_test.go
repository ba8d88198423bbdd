package main

import (
	"strings"
	"testing"

	"onramp/rehearse"
)

func TestPacketsThatGotToAnIsolatedLineOfBusinessAreTold(t *testing.T) {
	r := &rehearse.Result{Isolated: rehearse.IsolatedPairs{Tried: 2, Apart: 3}, Drills: []rehearse.Drill{{ID: "router:a", Isolation: rehearse.Isolation{Pairs: 2, Sent: 96}}}}
	said := func() string {
		var out strings.Builder
		printIsolation(&out, r)
		return out.String()
	}
	for _, want := range []string{"96 packets were sent: none arrived.", "on 3 pairs of subnets"} {
		if !strings.Contains(said(), want) {
			t.Errorf("it does not say %q:\n%s", want, said())
		}
	}
	r.Drills[0].Isolation.Seen = 7
	r.Drills[0].Isolation.Leaks = []rehearse.Leak{{From: "hr", To: "finance", Source: "vnet-hr/a", Destination: "vnet-fin/b", When: "failed", Proof: rehearse.None, Sent: 16, Seen: 7, Ways: []string{"vnet-hr/a > azfw > vnet-fin/b"}}}
	for _, want := range []string{"7 arrived.", "router:a, after the failure: hr vnet-hr/a to finance vnet-fin/b: 7 of 16; the proof says lost; by vnet-hr/a > azfw > vnet-fin/b"} {
		if !strings.Contains(said(), want) {
			t.Errorf("it does not say %q:\n%s", want, said())
		}
	}
}
