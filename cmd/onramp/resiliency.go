package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"onramp/rehearse"
)

// mostIndexes is how many gateways' indexes are shown, the lowest first.
const mostIndexes = 10

// printResiliency writes each gateway's resiliency index with its parts, then why they are so and what would raise them.
func printResiliency(w io.Writer, r *rehearse.Resiliency) error {
	if len(r.Gateways) == 0 {
		return nil
	}
	list := slices.Clone(r.Gateways)
	slices.SortStableFunc(list, func(a, b rehearse.Index) int {
		switch {
		case a.Score < b.Score:
			return -1
		case a.Score > b.Score:
			return 1
		}
		return 0
	})
	shown := list[:min(mostIndexes, len(list))]
	fmt.Fprintln(w, "\nThe resiliency index, as the portal adds it up, with what these drills earn:")
	l := newListing("Gateway", "Index", "Routes", "Validation", "Gateway", "Advisor").Right(1, 2, 3, 4, 5)
	for i := range shown {
		x := &shown[i]
		cells := []any{x.Gateway, points(x.Score, x.UpTo) + fmt.Sprintf(" of %g", x.Most)}
		for _, p := range x.Parts {
			cells = append(cells, points(p.Points, p.UpTo)+fmt.Sprintf(" of %g", p.Most))
		}
		l.Row(cells...)
	}
	if err := l.Print(w); err != nil {
		return err
	}
	if more := len(list) - len(shown); more > 0 {
		fmt.Fprintf(w, "and %d more with no less (--json has them all)\n", more)
	}
	var texts []string
	who := map[string][]string{} // what is said to the gateways of which it is true
	for i := range shown {
		text := ""
		for _, p := range shown[i].Parts {
			text += fmt.Sprintf("    %s: %s%s\n", p.Name, p.Why, raiseWords(p.Raise))
		}
		if len(who[text]) == 0 {
			texts = append(texts, text)
		}
		who[text] = append(who[text], shown[i].Gateway)
	}
	for _, text := range texts {
		fmt.Fprintf(w, "  %s:\n%s", strings.Join(who[text], ", "), text)
	}
	fmt.Fprintln(w, "It rests on assumptions:")
	for _, a := range r.Assumptions {
		fmt.Fprintf(w, "  %s: %s\n", a.Name, a.Text)
	}
	return nil
}

// points are some, or a range.
func points(from, to float64) string {
	if from == to {
		return fmt.Sprintf("%g", from)
	}
	return fmt.Sprintf("%g to %g", from, to)
}

func raiseWords(list []rehearse.Raise) string {
	var out []string
	for _, x := range list {
		upTo := ""
		if !x.Certain {
			upTo = "up to "
		}
		out = append(out, fmt.Sprintf("%s+%g by %s", upTo, x.Points, x.How))
	}
	if len(out) == 0 {
		return ""
	}
	return "; " + strings.Join(out, "; ")
}
