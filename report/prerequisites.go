package report

import (
	"fmt"

	"onramp/check"
)

// prerequisites are what must be true before the first resource is made, by who has the last word.
type prerequisites struct {
	Words                      string
	Person, Decided, NotNeeded *table
}

func (w *writer) prerequisites() prerequisites {
	all := check.Prerequisites(w.in.Design, w.c)
	of := func(state check.PrerequisiteState, caption, how, sign string, because bool) *table {
		t := &table{Caption: caption, Head: texts("What must be true", "Area", how)}
		if because {
			t.Head = append(t.Head, text("Needed because"))
		}
		t.Head = append(t.Head, text("Source"))
		for _, x := range all {
			if x.State != state {
				continue
			}
			row := []cell{{Text: x.Text, Mark: sign}, text(x.Area), text(x.How)}
			if because {
				row = append(row, text(or(x.NeededBecause, "–")))
			}
			t.Rows = append(t.Rows, append(row, text(or(x.Source, "–"))))
		}
		if len(t.Rows) == 0 {
			return nil
		}
		return t
	}
	p := prerequisites{Person: of(check.Person, "For a person to tick", "What there is to do", "box", true), Decided: of(check.Decided, "Answered by the design", "With what", "good", true),
		NotNeeded: of(check.NotNeeded, "Not needed here", "Why not", "", false)}
	left := 0
	for _, t := range []*table{p.Decided, p.NotNeeded} {
		if t != nil {
			t.Fold = true
		}
	}
	if p.Person != nil {
		left = len(p.Person.Rows)
		p.Person.Fold = left > 3*foldAbove
	}
	p.Words = fmt.Sprintf("%s were looked at; %d are left to a person.", count(len(all), "prerequisite"), left)
	return p
}
