package report

import (
	"cmp"
	"slices"
	"strconv"

	"onramp/cost"
	"onramp/draw"
)

// Traffic is the plot of what each way to buy a design costs a month, over what leaves Azure, with the break-evens marked. False when
// there are no curves: without an intent or a circuit.
func Traffic(name string, curves []cost.Curve, list []cost.BreakEven) (draw.Plot, bool) {
	if len(curves) == 0 || len(list) == 0 {
		return draw.Plot{}, false
	}
	most := curves[0].Points[len(curves[0].Points)-1].GB
	u := unitOf(most)
	now := list[0].PresentGB / u.gb
	p := draw.Plot{Title: name + ": the month's bill over its traffic", Subtitle: "Every price of the bill, by what leaves Azure in a month; needs are not compared.",
		X: u.name + " out of Azure a month", Y: "USD a month", Now: &now, NowLabel: "today: " + u.amount(list[0].PresentGB)}
	for _, c := range curves {
		s := draw.Series{Name: c.Name, Strong: c.AsDesigned}
		if c.AsDesigned && c.Name != "ExpressRoute "+cost.AsDesigned {
			s.Name += " (" + cost.AsDesigned + ")"
		}
		if c.AtLeast {
			s.Name += ", at least"
		}
		for _, x := range c.Points {
			s.Points = append(s.Points, draw.PlotPoint{X: float64(x.GB) / u.gb, Y: x.USD})
		}
		p.Series = append(p.Series, s)
	}
	for _, e := range list {
		for _, x := range e.Crossings {
			if x.GB > most || !drawn(x, curves) {
				continue
			}
			at := u.amount(float64(x.GB))
			p.Marks = append(p.Marks, draw.PlotMark{PlotPoint: draw.PlotPoint{X: float64(x.GB) / u.gb, Y: x.USD}, Label: at, Full: x.Below + " is cheaper below " + at + " a month, " + x.Above + " from there"})
		}
	}
	slices.SortStableFunc(p.Marks, func(a, b draw.PlotMark) int { return cmp.Compare(a.X, b.X) })
	return p, true
}

// drawn tells whether a curve goes through a crossing: a comparison of what is not drawn has no mark.
func drawn(x cost.Crossing, curves []cost.Curve) bool {
	return slices.ContainsFunc(curves, func(c cost.Curve) bool { return slices.Contains(c.Points, cost.Point{GB: x.GB, USD: x.USD}) })
}

// unit is what traffic is plotted in.
type unit struct {
	name string
	gb   float64
}

// unitOf is terabytes where gigabytes would have five digits and more.
func unitOf(most int64) unit {
	if most >= 10_000 {
		return unit{"TB", 1000}
	}
	return unit{"GB", 1}
}

// amount is so many gigabytes in the unit, to three digits or the whole.
func (u unit) amount(gb float64) string {
	v := gb / u.gb
	decimals := 0
	for limit := 100.0; decimals < 2 && v < limit && v != float64(int64(v)); limit /= 10 {
		decimals++
	}
	return strconv.FormatFloat(v, 'f', decimals, 64) + " " + u.name
}
