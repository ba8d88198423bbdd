package main

import (
	"fmt"
	"io"
	"strings"

	"onramp/rehearse"
)

// printIsolation says what came of packets between isolated lines of business.
func printIsolation(w io.Writer, r *rehearse.Result) {
	sent, seen := 0, 0
	var lines []string
	for i := range r.Drills {
		d := &r.Drills[i]
		sent, seen = sent+d.Isolation.Sent, seen+d.Isolation.Seen
		for k := range d.Isolation.Leaks {
			x := &d.Isolation.Leaks[k]
			allowed := ""
			if x.Allowed {
				allowed = ", as the premises may route"
			}
			lines = append(lines, fmt.Sprintf("  %s, %s: %s %s to %s %s: %d of %d%s; the proof says %s; by %s", d.ID, whenWords()[x.When], x.From, x.Source, x.To, x.Destination, x.Seen, x.Sent,
				allowed, x.Proof, strings.Join(x.Ways, " and ")))
		}
	}
	if r.Isolated.Tried > 0 {
		arrived := "none arrived"
		if seen > 0 {
			arrived = fmt.Sprintf("%d arrived", seen)
		}
		fmt.Fprintf(w, "Between isolated lines of business %s sent: %s.\n", were(sent, "packet"), arrived)
	}
	for i, line := range lines {
		if i == mostDisagreements {
			fmt.Fprintf(w, "  and %d more (--json has them all)\n", len(lines)-i)
			break
		}
		fmt.Fprintln(w, line)
	}
	if r.Isolated.Apart > 0 {
		fmt.Fprintf(w, "Nothing can be sent on %s of subnets of isolated lines of business: no route can pass between their parts of the estate.\n", count(r.Isolated.Apart, "pair"))
	}
}

func were(n int, what string) string {
	if n == 1 {
		return count(n, what) + " was"
	}
	return count(n, what) + " were"
}

// whenWords are the phases of a drill for people.
func whenWords() map[string]string {
	return map[string]string{"healthy": "before the failure", "failed": "after the failure", "repaired": "after the repair"}
}
