package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"onramp/cost"
	"onramp/prove"
)

// printVerdicts writes one line for each line of business: what holds, what fails; and below the counterexamples. The whole
// list is what `onramp prove` prints.
func printVerdicts(w io.Writer, r *prove.Result) error {
	p := newPaint(w)
	type line struct {
		lob          string
		holds, fails []string
	}
	var lines []*line
	for i := range r.Properties {
		v := &r.Properties[i]
		if len(lines) == 0 || lines[len(lines)-1].lob != v.LineOfBusiness {
			lines = append(lines, &line{lob: v.LineOfBusiness})
		}
		l := lines[len(lines)-1]
		if v.Holds {
			if !slices.Contains(l.holds, v.Name) {
				l.holds = append(l.holds, v.Name)
			}
		} else {
			l.fails = append(l.fails, strings.TrimSpace(v.Name+" "+v.Need))
		}
	}
	table := newListing("Line of business", "Verdict", "Properties")
	for _, l := range lines {
		failed := map[string]bool{}
		for _, f := range l.fails {
			name, _, _ := strings.Cut(f, " ")
			failed[name] = true
			table.Row(or(l.lob, "(everybody)"), "FAILS", f)
		}
		holds := slices.DeleteFunc(slices.Clone(l.holds), func(s string) bool { return failed[s] })
		if len(holds) > 0 {
			table.Row(or(l.lob, "(everybody)"), "holds", strings.Join(holds, ", "))
		}
	}
	if err := table.Print(w); err != nil {
		return err
	}
	printCounterexamples(w, p, r)
	return nil
}

// printCounterexamples writes those of the properties that fail.
func printCounterexamples(w io.Writer, p paint, r *prove.Result) {
	for i := range r.Properties {
		v := &r.Properties[i]
		if v.Holds || v.Counterexample == nil {
			continue
		}
		fmt.Fprintf(w, "\n%s\n%s", p.Bad(strings.TrimSpace(v.Name+" "+v.LineOfBusiness+" "+v.Need)), v.Counterexample.String())
	}
}

// printShares writes what each line of business pays a month, and what is not known.
func printShares(w io.Writer, b *cost.Bill) error {
	l := newListing("Line of business", "USD a month").Right(1)
	for _, x := range b.ByLineOfBusiness {
		l.Row(or(x.LineOfBusiness, "(nobody's)"), usd(x.USD, x.AtLeast))
	}
	l.Row("total", usd(b.Total.USD, b.Total.AtLeast))
	if err := l.Print(w); err != nil {
		return err
	}
	for i := range b.Unknown {
		fmt.Fprintf(w, "  not in the total: %s\n", b.Unknown[i].String())
	}
	for _, a := range b.Assumptions {
		fmt.Fprintf(w, "  assumed: %s\n", a.Text)
	}
	return nil
}
