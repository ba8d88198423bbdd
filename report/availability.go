package report

import (
	"fmt"

	"onramp/prove"
)

// availability is what is available, and what costs most of it.
type availability struct {
	Words string // why it is unknown; empty where it is not
	Lines *table
	Costs *table // of the line of business with the least
}

// mostCosts is how many of the elements that cost availability are named.
const mostCosts = 8

func (w *writer) availability() availability {
	f := &w.in.Proof.Figures
	if f.Availability == nil {
		lacks := f.AvailabilityLacks
		if len(lacks) == 0 {
			return availability{Words: "The availability is unknown."}
		}
		return availability{Words: "The availability is unknown until the intent states " + list(lacks, mostCosts) + ": Microsoft and the providers do not publish it."}
	}
	out := availability{Lines: &table{Caption: "Availability", Head: []cell{text("Line of business"), {Text: "Available", Num: true}, {Text: "Not in a year", Num: true}, text("What costs it most")}}}
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
		by := "–"
		if len(a.Costs) > 0 {
			by = a.Costs[0].Element
		}
		out.Lines.Rows = append(out.Lines.Rows, []cell{text(x.LineOfBusiness), num(fmt.Sprint(a)), num(yearly(a.Lower)), text(by)})
	}
	out.Lines.folded()
	if worst != nil && len(worst.Availability.Costs) > 0 {
		out.Costs = &table{Caption: "What costs " + worst.LineOfBusiness + " most", Note: "In percentage points that would be gained if the element never failed; those of several do not add up.",
			Head: []cell{text("Element"), {Text: "Works", Num: true}, text("Who says so"), {Text: "Points", Num: true}}}
		for _, x := range worst.Availability.Costs[:min(mostCosts, len(worst.Availability.Costs))] {
			out.Costs.Rows = append(out.Costs.Rows, []cell{text(x.Element), num(fmt.Sprintf("%.10g %%", x.Percent)), text(x.Source), num(fmt.Sprintf("%.5f", x.Points))})
		}
	}
	return out
}

// yearly is the part of a year that is missing from an availability.
func yearly(percent float64) string {
	const year = 365.25 * 24 * 60 // minutes
	m := (100 - percent) / 100 * year
	if m < 600 {
		return fmt.Sprintf("%.0f min", m)
	}
	return fmt.Sprintf("%.0f h", m/60)
}
