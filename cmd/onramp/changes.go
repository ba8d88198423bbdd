package main

import (
	"errors"
	"fmt"
	"io"

	"onramp/design"
)

// changeList is the result of design --changes.
type changeList struct {
	Changes []design.Change `json:"changes"`
}

// printChangesFrom writes what changes from the design that is kept.
func printChangesFrom(v *verbRun, now *design.Design) error {
	if v.o.Keep == nil {
		return usageError(errors.New("--changes compares with a design that is kept: give --from design.json"))
	}
	list, err := design.Changes(v.o.Keep, now)
	if err != nil {
		return outside(err)
	}
	if v.asJSON {
		err = printJSON(v.stdout(), changeList{list})
	} else {
		err = printChangeList(v.stdout(), list)
	}
	if err != nil {
		return outside(err)
	}
	return nil
}

// mostProperties is how many values of one change are printed.
const mostProperties = 6

func printChangeList(w io.Writer, list []design.Change) error {
	p := newPaint(w)
	for i := range list {
		c := &list[i]
		word := map[string]string{design.Added: "+", design.Removed: "-", design.Changed: "~"}[c.Kind]
		switch c.Impact {
		case design.Refused:
			word += " " + p.Bad("REFUSED")
		case design.Interrupts:
			word += " " + p.Warn("INTERRUPTS")
		}
		fmt.Fprintf(w, "%s %s\n", word, c.At)
		for j, x := range c.Properties {
			if j == mostProperties {
				fmt.Fprintf(w, "    and %s more\n", count(len(c.Properties)-j, "value"))
				break
			}
			fmt.Fprintf(w, "    %s: %s -> %s\n", x.Path, or(x.Old, "nothing"), or(x.New, "nothing"))
		}
		if c.Why != "" {
			fmt.Fprintf(w, "    %s [%s]\n", c.Why, c.Source)
		}
	}
	_, err := fmt.Fprintln(w, changeSummary(list))
	return err
}

// changeSummary counts changes in a line.
func changeSummary(list []design.Change) string {
	n := map[string]int{}
	for i := range list {
		n[list[i].Kind]++
		n[string(list[i].Impact)]++
	}
	if len(list) == 0 {
		return "nothing changes"
	}
	return fmt.Sprintf("%d added, %d changed, %d removed; %d interrupt traffic, %d refused", n[design.Added], n[design.Changed], n[design.Removed], n[string(design.Interrupts)], n[string(design.Refused)])
}
