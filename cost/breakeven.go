package cost

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"onramp/azure"
	"onramp/catalog"
	"onramp/design"
)

// BreakEven compares two ways to buy one design by their whole bills: at today's traffic, and over every amount that might leave Azure
// in a month. It says nothing of needs: an alternative that is cheaper may still not do.
type BreakEven struct {
	Name string      `json:"name"` // such as "metered data or unlimited data"
	A    Alternative `json:"a"`
	B    Alternative `json:"b"`
	// Applicable is false where one of the two cannot be had; Reason says why.
	Applicable bool   `json:"applicable"`
	Reason     string `json:"reason,omitempty"`
	// Open says why no break-even is stated though both can be had: a price that only one of the bills needs is not known. Empty when
	// every difference is known.
	Open string `json:"open,omitempty"`
	// PresentGB is today's traffic out of Azure in a month, MaxGB the most that is looked at: what all circuits together could carry in a
	// month, or today's traffic if that is more.
	PresentGB float64 `json:"presentGB"`
	MaxGB     int64   `json:"maxGB"`
	// Cheaper is the cheaper one at today's traffic; empty when they cost the same or it is not known.
	Cheaper string `json:"cheaper"`
	// Crossings are the amounts at which the cheaper one changes, smallest first. Most pairs have none or one; where a tiered price meets
	// a flat one there can be two.
	Crossings []Crossing `json:"crossings"`
	// Throughout is the one that is cheaper wherever the two differ, where there is no crossing; empty where they never differ, or it is
	// not known.
	Throughout  string              `json:"throughout"`
	Assumptions []design.Assumption `json:"assumptions"`
}

// Alternative is one side of a comparison.
type Alternative struct {
	Name string `json:"name"`
	// Present is the bill's total at today's traffic: also of what could be bought but would not do; nil of what cannot be bought, or
	// where no intent says what today's traffic is.
	Present *Total `json:"present"`
	// Unknown are the prices that this side needs and the other does not: Present is at least what it says. What both need alike is
	// left out, because it makes no difference.
	Unknown []Unknown `json:"unknown"`
}

// Crossing is an amount at which the cheaper of two changes.
type Crossing struct {
	// GB a month: at one less Below is cheaper, at GB it no longer is.
	GB    int64  `json:"gb"`
	Below string `json:"below"`
	Above string `json:"above"`
	// USD is what both cost there, to the next GB.
	USD float64 `json:"usd"`
}

// gbPerMbps is what a megabit a second is in a month of HoursPerMonth hours, in gigabytes.
const gbPerMbps = catalog.HoursPerMonth * 3600 / 8.0 / 1000

// BreakEvens compares the ways to buy a design, in a fixed order: metered or unlimited data, Local or Standard, Standard or Premium, and
// ExpressRoute as designed or a site-to-site VPN, or the internet. The design needs its intent, which says what leaves Azure.
func BreakEvens(d *design.Design, c *catalog.Catalog) []BreakEven {
	m := newVariants(d, c)
	var out []BreakEven
	for _, pair := range m.pairs() {
		out = append(out, m.compare(pair[0], pair[1]))
	}
	return out
}

// pairs are what is compared with what.
func (m *variants) pairs() [][2]*variant {
	return [][2]*variant{
		{m.metered, m.unlimited},
		{m.tier(Standard, "MeteredData").named(Standard + ", " + Metered), m.local},
		{m.tier(Standard, ""), m.tier(Premium, "")},
		{m.own, m.vpn},
		{m.own, m.internet},
	}
}

// most is the largest amount that is looked at, in GB a month.
func (m *variants) most() int64 {
	sum := 0
	for _, c := range m.all {
		sum += mbps(c)
	}
	return int64(math.Ceil(max(float64(sum)*gbPerMbps, m.present())))
}

func (m *variants) present() float64 {
	if m.d.Intent == nil {
		return 0
	}
	return m.d.Intent.Traffic.MonthlyEgressGB
}

// called is how a variant is called beside another: the design as it is, where the other has no circuit, is ExpressRoute.
func called(v *variant) string {
	if v.name == AsDesigned {
		return "ExpressRoute " + AsDesigned
	}
	return v.name
}

// compare makes the comparison of two variants.
func (m *variants) compare(a, b *variant) BreakEven {
	e := BreakEven{Name: called(a) + " or " + called(b), A: Alternative{Name: called(a), Unknown: []Unknown{}}, B: Alternative{Name: called(b), Unknown: []Unknown{}},
		PresentGB: m.present(), MaxGB: m.most(), Crossings: []Crossing{}, Assumptions: []design.Assumption{}}
	switch {
	case m.d.Intent == nil:
		e.Reason = "the design carries no intent that would say what leaves Azure"
		return e
	case len(m.all) == 0:
		e.Reason = "the design has no circuit"
		return e
	}
	e.Applicable = a.refusal == "" && b.refusal == ""
	if !e.Applicable {
		e.Reason = or(b.refusal, a.refusal)
	}
	if a.unsold || b.unsold {
		return e
	}
	billA, billB := a.at(e.PresentGB), b.at(e.PresentGB)
	// What is billed by traffic has to have its price too, so the largest bill tells what is unknown.
	e.A.Unknown, e.B.Unknown = differences(a, b, float64(e.MaxGB))
	e.A.Present = &Total{billA.Total.USD, len(e.A.Unknown) > 0}
	e.B.Present = &Total{billB.Total.USD, len(e.B.Unknown) > 0}
	e.Cheaper = cheaper(e.A, e.B)
	e.Assumptions = added(m.own.at(e.PresentGB), a, b, billA, billB)
	if !e.Applicable {
		return e
	}
	e.Open = open(e.A, e.B)
	if e.Open == "" {
		e.Crossings, e.Throughout = crossings(a, b, e.A.Name, e.B.Name, e.MaxGB)
	}
	return e
}

// differences are the unknown lines of each bill that are not the same on the other: those of a resource that both designs have
// unchanged make no difference between them.
func differences(a, b *variant, gb float64) (onlyA, onlyB []Unknown) {
	billA, billB := a.at(gb), b.at(gb)
	same := func(l *Line, of *variant, bill *Bill, in *variant) bool {
		return slices.ContainsFunc(bill.Lines, func(x Line) bool {
			return !x.Known && x.Item == l.Item && x.Resource == l.Resource && x.Quantity == l.Quantity && (l.ID == "" || sameResource(of, in, l.ID))
		})
	}
	only := func(mine *Bill, v *variant, other *Bill, w *variant) []Unknown {
		out := []Unknown{}
		for i := range mine.Lines {
			if l := &mine.Lines[i]; !l.Known && !same(l, v, other, w) {
				j := slices.IndexFunc(mine.Unknown, func(u Unknown) bool { return u.Item == l.Item && u.Resource == l.Resource })
				out = append(out, mine.Unknown[j])
			}
		}
		return out
	}
	return only(billA, a, billB, b), only(billB, b, billA, a)
}

// sameResource tells whether two variants hold the very same resource: the same and unchanged.
func sameResource(a, b *variant, id azure.ID) bool {
	x := a.users.index.Get(id)
	return x != nil && x == b.users.index.Get(id)
}

// cheaper is the name of the cheaper side as far as that is certain: a side that is open at the top may still be the dearer one.
func cheaper(a, b Alternative) string {
	switch x, y := toCents(a.Present.USD), toCents(b.Present.USD); {
	case x < y && !a.Present.AtLeast:
		return a.Name
	case y < x && !b.Present.AtLeast:
		return b.Name
	}
	return ""
}

// open says why no break-even is stated.
func open(a, b Alternative) string {
	var parts []string
	for _, x := range []Alternative{a, b} {
		var what []string
		for _, u := range x.Unknown {
			what = append(what, u.Item+" of "+u.Resource)
		}
		if len(what) > 0 {
			parts = append(parts, x.Name+" needs a price that is not known: "+strings.Join(what, ", "))
		}
	}
	return strings.Join(parts, "; ")
}

// added are the assumptions that the comparison makes beyond those of the design's own bill.
func added(own *Bill, a, b *variant, bills ...*Bill) []design.Assumption {
	out := slices.Concat([]design.Assumption{}, a.assumptions, b.assumptions)
	for _, bill := range bills {
		for _, x := range bill.Assumptions {
			if !slices.ContainsFunc(slices.Concat(own.Assumptions, out), func(y design.Assumption) bool { return x.Text == y.Text }) {
				out = append(out, x)
			}
		}
	}
	return out
}

// crossings finds where the cheaper of two bills changes, by bisection to the GB. Between two knots both bills are straight lines but for
// the rounding to cents, so that they cross there once at most. Without any, the cheaper one throughout is told.
func crossings(a, b *variant, nameA, nameB string, most int64) (out []Crossing, throughout string) {
	sign := func(gb int64) int {
		x, y := toCents(a.total(gb).USD), toCents(b.total(gb).USD)
		switch {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	}
	out = []Crossing{}
	last, from := 0, int64(0) // the last that was not equal, and where
	for _, k := range knots(most, a, b) {
		s := sign(k)
		if s == 0 {
			continue
		}
		if last != 0 && s != last {
			lo, hi := from, k // sign(lo) is last, sign(hi) is not
			for hi-lo > 1 {
				if mid := lo + (hi-lo)/2; sign(mid) == last {
					lo = mid
				} else {
					hi = mid
				}
			}
			x := Crossing{GB: hi, Below: nameA, Above: nameB, USD: a.total(hi).USD}
			if s < 0 {
				x.Below, x.Above = nameB, nameA
			}
			out = append(out, x)
		}
		last, from = s, k
	}
	switch {
	case len(out) > 0 || last == 0:
		return out, ""
	case last < 0:
		return out, nameA
	}
	return out, nameB
}

// knots are the amounts at which a bill may bend: none and the most, and where a region's part of the traffic enters a tier of the
// price list for the internet. Sorted, once each.
func knots(most int64, list ...*variant) []int64 {
	out := []int64{0, most}
	for _, v := range list {
		k := v.clerkAt(float64(most))
		k.internet()
		sum := map[string]float64{} // by region, what all leaves there
		for i := range k.charges {
			region, _, _ := strings.Cut(k.charges[i].resource, " from ")
			sum[region] += k.charges[i].quantity
		}
		for _, e := range k.c.EgressTiers() {
			if gb := sum[e.Region]; gb > 0 && e.Routing == internetRouting {
				// What is free is on no line: sum lacks it.
				at := e.MinGB * float64(most) / (gb + k.freeGB(e.Region))
				out = append(out, int64(math.Floor(at)), int64(math.Ceil(at)))
			}
		}
	}
	slices.Sort(out)
	out = slices.Compact(out)
	return slices.DeleteFunc(out, func(gb int64) bool { return gb < 0 || gb > most })
}

// freeGB is what leaves a region for the internet in a month before its first tier.
func (k *clerk) freeGB(region string) float64 {
	free := math.Inf(1)
	for _, e := range k.c.EgressTiers() {
		if e.Region == region && e.Routing == internetRouting {
			free = min(free, e.MinGB)
		}
	}
	return free
}

// String says the comparison in a sentence.
func (e *BreakEven) String() string {
	if e.A.Present == nil || e.B.Present == nil {
		return "no choice: " + e.Reason
	}
	now := fmt.Sprintf("at %s GB %s costs %s, %s %s", grouped(e.PresentGB), e.A.Name, e.A.Present, e.B.Name, e.B.Present)
	switch {
	case !e.Applicable:
		return "no choice: " + e.Reason + "; " + now
	case e.Open != "" && e.Cheaper != "":
		return fmt.Sprintf("%s is cheaper today whatever the unknown prices are; no break-even can be stated: %s; %s", e.Cheaper, e.Open, now)
	case e.Open != "":
		return fmt.Sprintf("no break-even can be stated: %s; %s", e.Open, now)
	case len(e.Crossings) == 0 && e.Throughout == "":
		return "both cost the same; " + now
	case len(e.Crossings) == 0 && e.Cheaper == "":
		return fmt.Sprintf("%s is nowhere dearer up to %s GB a month; %s", e.Throughout, grouped(float64(e.MaxGB)), now)
	case len(e.Crossings) == 0:
		return fmt.Sprintf("%s is cheaper at any traffic up to %s GB a month; %s", e.Throughout, grouped(float64(e.MaxGB)), now)
	}
	var parts []string
	for i, x := range e.Crossings {
		if i == 0 {
			parts = append(parts, fmt.Sprintf("%s is cheaper below %s GB a month", x.Below, grouped(float64(x.GB))))
		}
		parts = append(parts, fmt.Sprintf("%s from %s GB", x.Above, grouped(float64(x.GB))))
	}
	return strings.Join(parts, ", ") + "; " + now
}

// String is the sum with its unit; at least so much where something is unknown.
func (t Total) String() string {
	s := fmt.Sprintf("%.2f USD", t.USD)
	if t.AtLeast {
		return "at least " + s
	}
	return s
}

// grouped is a number with its thousands apart.
func grouped(v float64) string {
	s := fmt.Sprintf("%.0f", v)
	if v != math.Trunc(v) {
		s = fmt.Sprintf("%.1f", v)
	}
	whole, rest, _ := strings.Cut(s, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if rest != "" {
		return whole + "." + rest
	}
	return whole
}
