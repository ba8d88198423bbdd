package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"onramp/intent"
	"onramp/prove"
)

// statedFlag are the figures of --availability KIND=PERCENT, which fill what the intent leaves out.
type statedFlag []string

func (f *statedFlag) add(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar((*[]string)(f), "availability", nil, "KIND=PERCENT of time that one element works, where the intent does not say: link, router, msee, gateway, firewall, zone,\ncircuit, provider, location or site; may be repeated")
}

// fill states the figures in an intent, and in the one that a design holds.
func (f statedFlag) fill(in *input) error {
	seen := map[string]string{}
	for _, s := range f {
		kind, percent, ok := intent.ParseStated(s)
		switch {
		case !ok:
			return usageError(fmt.Errorf("--availability %q: write KIND=PERCENT such as link=99.9, above 0 and up to 100; kinds are %s", s, strings.Join(intent.StatedKinds(), ", ")))
		case seen[kind] != "":
			return usageError(fmt.Errorf("--availability %q: %s stands there already", s, seen[kind]))
		case in.estate == nil:
			return usageError(fmt.Errorf("--availability %q: %s is a design without its intent, so nobody says what must be available", s, in.name))
		}
		seen[kind] = s
		in.estate.Availability.Fill(kind, percent)
	}
	return nil
}

// dearest is how many of the elements that cost availability are printed; --json has all.
const dearest = 5

// printAvailability writes the availability of each line of business, and what costs the worst of them most. Without any stated figure
// nothing is written, for then it is unknown because nobody asked.
func printAvailability(w io.Writer, e *intent.Estate, r *prove.Result) error {
	f := &r.Figures
	if f.Availability == nil {
		if e != nil && e.Availability != (intent.Stated{}) && len(f.AvailabilityLacks) > 0 {
			fmt.Fprintf(w, "\nThe availability is unknown until %s is stated too.\n", strings.Join(f.AvailabilityLacks, ", "))
		}
		return nil
	}
	fmt.Fprintln(w)
	l := newListing("Line of business", "Available", "Not in a year", "Most by").Right(1, 2)
	var worst *prove.LineFigures
	for i := range f.LinesOfBusiness {
		x := &f.LinesOfBusiness[i]
		a := x.Availability
		if a == nil {
			continue
		}
		if worst == nil || a.Lower < worst.Availability.Lower {
			worst = x
		}
		by := "-"
		if len(a.Costs) > 0 {
			by = a.Costs[0].Element
		}
		l.Row(x.LineOfBusiness, a, minutes(a.Lower), by)
	}
	if err := l.Print(w); err != nil {
		return err
	}
	if len(worst.Availability.Costs) == 0 {
		return nil
	}
	fmt.Fprintf(w, "\nWhat costs %s most, in points that it would gain if the element never failed:\n", worst.LineOfBusiness)
	l = newListing("Element", "Works", "Says", "Points").Right(1, 3)
	for i, x := range worst.Availability.Costs {
		if i == dearest {
			break
		}
		l.Row(x.Element, fmt.Sprintf("%.10g %%", x.Percent), x.Source, fmt.Sprintf("%.5f", x.Points))
	}
	return l.Print(w)
}

// minutes is the part of a year that is missing from an availability.
func minutes(percent float64) string {
	const year = 365.25 * 24 * 60
	m := (100 - percent) / 100 * year
	if m < 600 {
		return fmt.Sprintf("%.0f min", m)
	}
	return fmt.Sprintf("%.0f h", m/60)
}
