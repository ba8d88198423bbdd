package report_test

import (
	"bytes"
	"strings"
	"testing"

	"onramp/cost"
	"onramp/draw"
	"onramp/report"
)

func TestTheTrafficPlotMarksTheBreakEvensOfItsCurves(t *testing.T) {
	curve := func(name string, as, least bool, at0, at100 float64) cost.Curve {
		return cost.Curve{Name: name, AsDesigned: as, AtLeast: least, Points: []cost.Point{{GB: 0, USD: at0}, {GB: 50_000, USD: (at0 + at100) / 2}, {GB: 100_000, USD: at100}}}
	}
	curves := []cost.Curve{curve("ExpressRoute, metered data", true, false, 1000, 3000), curve("internet", false, true, 0, 4000)}
	list := []cost.BreakEven{{PresentGB: 1234, Crossings: []cost.Crossing{{GB: 50_000, Below: "internet", Above: "ExpressRoute", USD: 2000}, {GB: 60_000, USD: 1, Below: "Standard", Above: "Premium"}}}}
	p, ok := report.Traffic("small", curves, list)
	if !ok || len(p.Series) != 2 || p.Series[0].Name != "ExpressRoute, metered data (as designed)" || !p.Series[0].Strong || p.Series[1].Name != "internet, at least" || p.X != "TB out of Azure a month" {
		t.Fatalf("%+v", p)
	}
	// What is compared and not drawn has no mark.
	if len(p.Marks) != 1 || p.Marks[0].Label != "50 TB" || p.Marks[0].X != 50 || p.NowLabel != "today: 1.23 TB" {
		t.Errorf("marks %+v, %q", p.Marks, p.NowLabel)
	}
	var b bytes.Buffer
	if err := draw.LinePlot(&b, p); err != nil || !strings.Contains(b.String(), "internet is cheaper below 50 TB a month, ExpressRoute from there") {
		t.Errorf("%v\n%s", err, b.String())
	}
	if _, ok := report.Traffic("none", nil, nil); ok {
		t.Error("a plot of nothing")
	}
}
