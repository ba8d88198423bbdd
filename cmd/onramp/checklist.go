package main

import (
	"fmt"
	"io"

	"onramp/catalog"
	"onramp/check"
	"onramp/design"
)

// checklist prints what must be true before a design is deployed, as words or as JSON.
func checklist(w io.Writer, c *catalog.Catalog, d *design.Design, asJSON bool) error {
	list := check.Prerequisites(d, c)
	if asJSON {
		if err := printJSON(w, prerequisites{list}); err != nil {
			return outside(err)
		}
		return nil
	}
	printPrerequisites(w, list)
	return nil
}

// prerequisites is the result of check --prerequisites.
type prerequisites struct {
	Prerequisites []check.Prerequisite `json:"prerequisites"`
}

// printPrerequisites writes the checklist by area: [x] what the design answers, [ ] what a person has to tick, [-] what is not
// needed.
func printPrerequisites(w io.Writer, list []check.Prerequisite) {
	p := newPaint(w)
	area, n := "", map[check.PrerequisiteState]int{}
	for i := range list {
		x := &list[i]
		n[x.State]++
		if x.Area != area {
			if i > 0 {
				fmt.Fprintln(w)
			}
			area = x.Area
			fmt.Fprintln(w, p.Bold(area))
		}
		box := map[check.PrerequisiteState]string{check.Decided: "[x]", check.Person: "[ ]", check.NotNeeded: "[-]"}[x.State]
		fmt.Fprintf(w, "  %s %s\n", box, x.Text)
		if x.NeededBecause != "" {
			fmt.Fprintf(w, "      for: %s\n", x.NeededBecause)
		}
		word := map[check.PrerequisiteState]string{check.Decided: "decided", check.Person: "to do", check.NotNeeded: "not needed"}[x.State]
		fmt.Fprintf(w, "      %s: %s\n", word, x.How)
		if x.State != check.NotNeeded {
			fmt.Fprintf(w, "      source: %s\n", x.Source)
		}
	}
	fmt.Fprintf(w, "\n%d decided by the design, %d for a person to tick, %d not needed\n", n[check.Decided], n[check.Person], n[check.NotNeeded])
}
