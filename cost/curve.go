package cost

import (
	"math"
	"slices"

	"onramp/catalog"
	"onramp/design"
)

// Curve is what one way to buy a design costs a month, over what leaves Azure.
type Curve struct {
	Name string `json:"name"`
	// AsDesigned tells that the design is bought so.
	AsDesigned bool `json:"asDesigned"`
	// AtLeast tells that the bill has lines without a price: the curve is that much too low.
	AtLeast bool    `json:"atLeast"`
	Points  []Point `json:"points"`
}

// Point is a month: so many gigabytes out of Azure, for so many US dollars.
type Point struct {
	GB  int64   `json:"gb"`
	USD float64 `json:"usd"`
}

// samples is how many points a curve has at least.
const samples = 60

// Curves are the monthly bills of each way to buy a design that can be had, over the same amounts from none to a little beyond the last
// break-even (the most that the circuits carry, where there is none). Bends and break-evens are among the points. None without an
// intent or a circuit.
func Curves(d *design.Design, c *catalog.Catalog) []Curve {
	m := newVariants(d, c)
	if d.Intent == nil || len(m.all) == 0 {
		return nil
	}
	own := m.own
	var list []*variant
	for _, v := range []*variant{m.metered, m.unlimited, m.local, m.vpn, m.internet} {
		if v.refusal == "" {
			list = append(list, v)
		}
	}
	at := m.amounts(append(list, own))
	out := []Curve{curve(called(own), own, at)}
	out[0].AsDesigned = true
	for _, v := range list {
		x := curve(v.name, v, at)
		if v.name != VPN && v.name != Internet {
			x.Name = "ExpressRoute, " + v.name
		}
		if slices.Equal(x.Points, out[0].Points) && x.AtLeast == out[0].AtLeast { // what the design is: said once, under the plainer name
			out[0].Name = x.Name
			continue
		}
		out = append(out, x)
	}
	return out
}

func curve(name string, v *variant, at []int64) Curve {
	x := Curve{Name: name}
	for _, gb := range at {
		t := v.total(gb)
		x.Points = append(x.Points, Point{gb, t.USD})
		x.AtLeast = x.AtLeast || t.AtLeast
	}
	return x
}

// amounts are those that curves are drawn at.
func (m *variants) amounts(list []*variant) []int64 {
	var out []int64
	last := 0.0
	for _, pair := range m.pairs() {
		e := m.compare(pair[0], pair[1])
		for _, x := range e.Crossings {
			out = append(out, x.GB)
			last = max(last, float64(x.GB))
		}
	}
	most := m.most()
	if last > 0 {
		most = min(most, int64(math.Ceil(roundUp(max(1.25*last, 1.5*m.present())))))
	}
	for i := range int64(samples + 1) {
		out = append(out, most*i/samples)
	}
	out = append(out, int64(math.Round(m.present())))
	out = append(out, knots(most, list...)...)
	slices.Sort(out)
	out = slices.Compact(out)
	return slices.DeleteFunc(out, func(gb int64) bool { return gb > most })
}

// roundUp is the next number with two digits and then zeros.
func roundUp(v float64) float64 {
	if v <= 0 {
		return 0
	}
	unit := math.Pow(10, math.Floor(math.Log10(v))-1)
	return math.Ceil(v/unit) * unit
}
