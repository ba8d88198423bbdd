package main

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"onramp/azure"
	"onramp/choose"
	"onramp/cost"
	"onramp/design"
	"onramp/intent"
	"onramp/pattern"
	"onramp/prove"
)

// printRanking writes the four patterns side by side, and what is unmet.
func printRanking(w io.Writer, c *choose.Choice) error {
	p := newPaint(w)
	l := newListing("Pattern", "Fits", "USD a month", "Circuits", "Gateways", "Firewalls", "Peerings", "Worst share", "Blast radius", "Latency").Right(2, 3, 4, 5, 6, 7, 8, 9)
	for i := range c.Ranked {
		r := &c.Ranked[i]
		fits := "no"
		if r.Fits {
			fits = "yes"
		}
		name := string(r.Pattern)
		if c.Chosen != nil && *c.Chosen == r.Pattern {
			name = "* " + name
		} else {
			name = "  " + name
		}
		if r.Figures.Circuits == 0 { // it could not be designed
			l.Row(name, fits, "-", "-", "-", "-", "-", "-", "-", "-")
			continue
		}
		if !r.Proved {
			l.Row(name, "not proved", usd(r.Figures.MonthlyUSD, r.Figures.AtLeast), r.Figures.Circuits, r.Figures.Gateways, r.Figures.Firewalls, r.Figures.Peerings, "-", "-", "-")
			continue
		}
		l.Row(name, fits, usd(r.Figures.MonthlyUSD, r.Figures.AtLeast), r.Figures.Circuits, r.Figures.Gateways, r.Figures.Firewalls, r.Figures.Peerings,
			fmt.Sprintf("%.0f Mbps", r.Figures.WorstShareMbps), fmt.Sprintf("%.0f %%", 100*r.Figures.BlastRadius), fmt.Sprintf("%.1f ms", r.Figures.LatencyMs))
	}
	if err := l.Print(w); err != nil {
		return err
	}
	fmt.Fprintln(w)
	for i := range c.Ranked {
		fmt.Fprintf(w, "%s: %s\n", c.Ranked[i].Pattern, c.Ranked[i].Why)
	}
	if c.Chosen != nil {
		fmt.Fprintf(w, "\nChosen: %s\n", p.Good(string(*c.Chosen)))
		printChanges(w, c.WouldChange)
		return nil
	}
	fmt.Fprintf(w, "\n%s The nearest is %s:\n", p.Bad("No pattern meets every need."), c.Nearest)
	for _, u := range c.Unmet {
		fmt.Fprintf(w, "  %s, %s: %s\n", or(u.LineOfBusiness, "everybody"), u.Need, u.Why)
		if u.Relaxation != "" {
			fmt.Fprintf(w, "      would do: %s\n", u.Relaxation)
		}
	}
	if c.Together != "" {
		fmt.Fprintf(w, "  %s\n", c.Together)
	}
	return nil
}

// printChanges writes what would change the answer: the same change of several lines of business in one line.
func printChanges(w io.Writer, changes []choose.Change) {
	type line struct {
		key, threshold, to string
		who                []string
	}
	var lines []*line
	for _, x := range changes {
		l := line{x.Key, x.Threshold, or(string(x.Pattern), "nothing fits"), nil}
		var who []string
		if rest, ok := strings.CutPrefix(x.Key, "linesOfBusiness."); ok {
			name, key, _ := strings.Cut(rest, ".")
			l.key, who = key, []string{name}
		}
		i := slices.IndexFunc(lines, func(o *line) bool {
			return o.key == l.key && o.threshold == l.threshold && o.to == l.to && len(who) > 0
		})
		if i < 0 {
			i = len(lines)
			lines = append(lines, &l)
		}
		lines[i].who = append(lines[i].who, who...)
	}
	for _, l := range lines {
		of := ""
		if len(l.who) > 0 {
			of = " of " + strings.Join(l.who, " or ")
		}
		fmt.Fprintf(w, "  with %s %s%s: %s\n", l.key, l.threshold, of, l.to)
	}
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

func usd(v float64, atLeast bool) string {
	if atLeast {
		return fmt.Sprintf(">= %.2f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

// printProof writes the verdict of every property, and counterexamples below.
func printProof(w io.Writer, e *intent.Estate, r *prove.Result) error {
	p := newPaint(w)
	l := newListing("Property", "Line of business", "Verdict", "Need")
	for i := range r.Properties {
		v := &r.Properties[i]
		verdict := "holds"
		if !v.Holds {
			verdict = "FAILS"
		}
		l.Row(v.Name, or(v.LineOfBusiness, "-"), verdict, v.Need)
	}
	if err := l.Print(w); err != nil {
		return err
	}
	printCounterexamples(w, p, r)
	if r.Combined != nil {
		printCuts(w, r.Combined)
	}
	if err := printAvailability(w, e, r); err != nil {
		return err
	}
	if len(r.Assumptions) > 0 {
		fmt.Fprintln(w, "\nThese verdicts rest on:")
		for _, a := range r.Assumptions {
			fmt.Fprintf(w, "  %s: %s\n", a.Name, a.Text)
		}
	}
	return nil
}

// printCuts writes which combinations of failures cut somebody off.
func printCuts(w io.Writer, x *prove.Combined) {
	fmt.Fprintf(w, "\nOf %s of up to %d failures, these do what fewer of them do not:\n", count(x.Looked, "combination"), x.Most)
	if len(x.Cuts) == 0 {
		fmt.Fprintln(w, "  none")
	}
	for _, c := range x.Cuts {
		fmt.Fprintf(w, "  %s", strings.Join(c.Elements, " + "))
		if len(c.Lost) > 0 {
			fmt.Fprintf(w, ": cuts off %s", strings.Join(c.Lost[:min(len(c.Lost), mostListed)], ", "))
			if more := len(c.Lost) - mostListed; more > 0 {
				fmt.Fprintf(w, " and %d more", more)
			}
		}
		if len(c.Fails) > 0 {
			fmt.Fprintf(w, ": breaks %s", strings.Join(c.Fails, ", "))
		}
		fmt.Fprintln(w)
	}
}

// mostListed is how many flows a line names.
const mostListed = 4

// printBill writes the bill by line and by line of business.
func printBill(w io.Writer, b *cost.Bill) error {
	l := newListing("Item", "Resource", "For", "Quantity", "Unit", "USD").Right(3, 5)
	for i := range b.Lines {
		x := &b.Lines[i]
		price := "unknown"
		if x.Known {
			price = fmt.Sprintf("%.2f", x.USD)
		}
		l.Row(x.Item, x.Resource, or(x.LineOfBusiness, "all"), fmt.Sprintf("%g", x.Quantity), x.Unit, price)
	}
	if err := l.Print(w); err != nil {
		return err
	}
	fmt.Fprintln(w)
	return printShares(w, b)
}

// printFindings writes findings, errors first.
func printFindings(w io.Writer, fs []design.Finding) {
	p := newPaint(w)
	for _, f := range fs {
		sev := string(f.Severity)
		switch f.Severity {
		case design.Error:
			sev = p.Bad(sev)
		case design.Warning:
			sev = p.Warn(sev)
		}
		fmt.Fprintf(w, "%s %s at %s\n  %s", sev, f.Rule, f.At, f.Message)
		if f.Value != "" {
			fmt.Fprintf(w, " (%s)", f.Value)
		}
		fmt.Fprintln(w)
		if f.Fix != "" {
			fmt.Fprintf(w, "  fix: %s\n", f.Fix)
		}
		if f.Source != "" {
			fmt.Fprintf(w, "  source: %s\n", f.Source)
		}
	}
}

// printFindingsBriefly writes the first finding of each rule and how many more there are.
func printFindingsBriefly(w io.Writer, fs []design.Finding) {
	more := map[string]int{}
	var first []design.Finding
	for _, f := range fs {
		if more[f.Rule]++; more[f.Rule] == 1 {
			first = append(first, f)
		}
	}
	for _, f := range first {
		printFindings(w, []design.Finding{f})
		if n := more[f.Rule] - 1; n > 0 {
			fmt.Fprintf(w, "  and %d more of this rule: onramp check lists them\n", n)
		}
	}
}

// printReasons writes what made circuits dearer than their bandwidth alone.
func printReasons(w io.Writer, d *design.Design) {
	first := true
	for _, c := range azure.Of[*azure.ExpressRouteCircuit](d.Resources) {
		why := c.Tags[pattern.TagWhy]
		if why == "" {
			continue
		}
		if first {
			fmt.Fprintln(w, "\nCircuits beyond the plainest:")
			first = false
		}
		fmt.Fprintf(w, "  %s: %s\n", c.Name, why)
	}
}

// printDefaults names the values that the intent left out and the design took.
func printDefaults(w io.Writer, d *design.Design) {
	if len(d.Defaults) == 0 {
		return
	}
	fmt.Fprintln(w, "\nNot in the intent, so taken as:")
	index := regexp.MustCompile(`\[\d+\]`)
	type line struct {
		key, value, why string
		n               int
	}
	var lines []*line
	for _, x := range d.Defaults {
		key := index.ReplaceAllString(x.At, "[]")
		i := slices.IndexFunc(lines, func(l *line) bool { return l.key == key && l.value == x.Value })
		if i < 0 {
			i = len(lines)
			lines = append(lines, &line{key, x.Value, x.Why, 0})
		}
		lines[i].n++
	}
	l := newListing("Key", "Times", "Value", "Why").Right(1)
	for _, x := range lines {
		l.Row(x.key, x.n, x.value, x.why)
	}
	_ = l.Print(w) // the caller's next write meets the same error
}
