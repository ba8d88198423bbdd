package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"

	"onramp/rehearse"
)

// gotAll is the part of what a line of business needs that counts as all of it.
const gotAll = 0.99

// printBandwidth says who got less than is needed while something had failed, the least first.
func printBandwidth(w io.Writer, r *rehearse.Result) error {
	type line struct {
		drill string
		*rehearse.LineBandwidth
	}
	drills, lines := 0, 0
	var short []line
	for i := range r.Drills {
		d := &r.Drills[i]
		if len(d.Bandwidth) > 0 {
			drills++
		}
		for k := range d.Bandwidth {
			lines++
			if b := &d.Bandwidth[k]; b.Got < gotAll*b.Needed {
				short = append(short, line{d.ID, b})
			}
		}
	}
	if lines == 0 {
		return nil
	}
	where := count(drills, "drill")
	if len(short) == 0 {
		fmt.Fprintf(w, "In %s the failure moves traffic: every line of business got the bandwidth that it needs.\n", where)
		return nil
	}
	slices.SortStableFunc(short, func(a, b line) int { return cmp.Compare(a.Got/a.Needed, b.Got/b.Needed) })
	fmt.Fprintf(w, "In %s the failure moves traffic; %d of %d times a line of business got less than it needs:\n", where, len(short), lines)
	l := newListing("Drill", "Line of business", "Direction", "Needs", "Expected", "Got", "Too small").Right(3, 4, 5)
	for _, x := range short[:min(mostDisagreements, len(short))] {
		l.Row(x.drill, x.LineOfBusiness, x.Direction, rate(x.Needed), rate(x.Expected), rate(x.Got), or(x.Limit, "-"))
	}
	if err := l.Print(w); err != nil {
		return err
	}
	if more := len(short) - mostDisagreements; more > 0 {
		fmt.Fprintf(w, "and %d more (--json has them all)\n", more)
	}
	return nil
}
