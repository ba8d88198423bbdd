package report

import (
	"fmt"
	"strings"

	"onramp/check"
)

// prerequisites are what must be true before the first resource is made, by who has the last word.
type prerequisites struct {
	Words              string
	Areas              []area // what is left to a person
	Decided, NotNeeded []prerequisite
}

// area is what a person has to see to in one field.
type area struct {
	Name string
	List []prerequisite
}

// prerequisite is one entry of the checklist.
type prerequisite struct{ Sign, Text, How, Because, Source string }

func (w *writer) prerequisites() prerequisites {
	var p prerequisites
	all := check.Prerequisites(w.in.Design, w.c)
	for _, x := range all {
		y := prerequisite{Text: x.Text, How: sentence(x.How), Because: x.NeededBecause, Source: x.Source}
		switch x.State {
		case check.Decided:
			y.Sign = "✓"
			p.Decided = append(p.Decided, y)
		case check.NotNeeded:
			y.Sign = "–"
			p.NotNeeded = append(p.NotNeeded, y)
		default:
			y.Sign = "☐"
			name := sentence(strings.ReplaceAll(x.Area, "-", " "))
			if n := len(p.Areas); n == 0 || p.Areas[n-1].Name != name {
				p.Areas = append(p.Areas, area{Name: name})
			}
			a := &p.Areas[len(p.Areas)-1]
			a.List = append(a.List, y)
		}
	}
	p.Words = fmt.Sprintf("%s were looked at; %d are left to a person.", count(len(all), "prerequisite"), check.Left(all))
	return p
}

// sentence begins with a capital, or is a name that has its own way of writing.
func sentence(s string) string {
	if s == "" {
		return ""
	}
	switch s {
	case "vlans":
		return "VLANs"
	case "nat":
		return "Address translation (NAT)"
	case "microsoft365":
		return "Microsoft 365"
	case "direct":
		return "ExpressRoute Direct"
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
