package report

import (
	"bytes"
	"strings"
	"testing"

	"onramp/rehearse"
)

func cells(t *table) string {
	var out []string
	for _, row := range t.Rows {
		for _, c := range row {
			out = append(out, c.Text)
		}
	}
	return strings.Join(out, " | ")
}

func TestGatewaysThatAreAlikeShareARowOfTheIndex(t *testing.T) {
	gateway := func(name, place string, test float64) rehearse.Index {
		return rehearse.Index{Gateway: name, Locations: []string{place}, Score: 5 + test, UpTo: 15 + test, Most: 100, Parts: []rehearse.IndexPart{{Name: rehearse.RoutePart, Points: 5, UpTo: 5, Most: 20, Why: "one location"},
			{Name: rehearse.TestPart, Points: test, UpTo: test, Most: 60, Why: "no drill", Raise: []rehearse.Raise{{How: "a drill", Points: 15 - test, Certain: true}}}, {Name: rehearse.AdvisorPart, UpTo: 10, Most: 10}}}
	}
	r := &rehearse.Resiliency{Gateways: []rehearse.Index{gateway("a", "Paris", 15), gateway("b", "Paris", 0), gateway("c", "Paris", 0), gateway("d", "London", 0)}}
	var s scores
	s.index(r)
	if got, want := cells(s.Index), "b and c | Paris | 5 to 15 of 100 | 5 | 0 | – | 0 to 10 | one location; no drill"; !strings.HasPrefix(got, want) || len(s.Index.Rows) != 3 {
		t.Errorf("%s\nwant %s", got, want)
	}
	if got := cells(s.Raises); !strings.HasPrefix(got, "b and c | a drill | 15 | d | a drill | 15") {
		t.Error(got)
	}
	if g := lowest(r); g.Gateway != "b" {
		t.Errorf("the weakest is %s", g.Gateway)
	}
}

func TestTooLittleBandwidthAndLeaksAreTold(t *testing.T) {
	r := &rehearse.Result{Isolated: rehearse.IsolatedPairs{Tried: 1, Apart: 2}, Drills: []rehearse.Drill{
		{ID: "router:a", Bandwidth: []rehearse.LineBandwidth{{LineOfBusiness: "hr", Direction: "to Microsoft", Needed: 100, Expected: 100, Got: 99.6}, {LineOfBusiness: "it", Direction: "to Microsoft", Needed: 100, Expected: 50, Got: 49.9, Limit: "circuit x"}},
			Isolation: rehearse.Isolation{Pairs: 1, Sent: 3000, Seen: 16, Leaks: []rehearse.Leak{{From: "hr", To: "it", Source: "vnet-hr/default", Destination: "vnet-it", When: "failed", Proof: "lost", Sent: 16, Seen: 16}}}}}}
	x := &rehearsalWriter{r: r}
	s := x.scores()
	if s.Empty() || s.Index != nil {
		t.Error("there is an index, or nothing at all")
	}
	if !strings.Contains(s.Measured, "in 1 of 2 cases somebody gets less") || cells(s.Bandwidth) != "router:a | it | to Microsoft | 100.0 Mbps | 50.0 Mbps | 49.9 Mbps | circuit x" {
		t.Errorf("%s %s", s.Measured, cells(s.Bandwidth))
	}
	if !strings.Contains(s.Isolation, "1 pair was tried in every drill that can touch them: of 3,000 packets 16 got through. Between 2 pairs") || cells(s.Leaks) != "router:a | hr, vnet-hr/default | it, vnet-it | after the failure | lost | 16 | 16" {
		t.Errorf("%s %s", s.Isolation, cells(s.Leaks))
	}
	x.r = &rehearse.Result{}
	if s := x.scores(); !s.Empty() {
		t.Errorf("of nothing there is %+v", s)
	}
}

func TestTheReportLeadsToTheRehearsal(t *testing.T) {
	in, page := example(t, "northwind")
	if bytes.Contains(page, []byte("rehearsal.html")) {
		t.Error("it leads to a page that was not written")
	}
	x := northwindDrilled(t)
	in.Rehearsal = "rehearsal.html"
	page, err := HTML(in, x.c)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(page, []byte(`<a href="rehearsal.html">`)) {
		t.Error("it does not lead to the rehearsal's page")
	}
}
