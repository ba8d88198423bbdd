package main

import (
	"fmt"
	"io"

	"onramp/choose"
	"onramp/prove"
)

// printFigures writes every figure by which the patterns differ, one column for each pattern.
func printFigures(w io.Writer, c *choose.Choice) error {
	header := []string{"Figure"}
	for i := range c.Ranked {
		header = append(header, string(c.Ranked[i].Pattern))
	}
	l := newListing(header...)
	for i := range c.Ranked {
		l.Right(i + 1)
	}
	row := func(name string, of func(f *choose.Figures) string) {
		cells := []any{name}
		for i := range c.Ranked {
			cell := "-"
			if r := &c.Ranked[i]; r.Figures.Circuits > 0 {
				cell = or(of(&r.Figures), "-")
			}
			cells = append(cells, cell)
		}
		l.Row(cells...)
	}
	whole := func(name string, of func(f *choose.Figures) int) {
		row(name, func(f *choose.Figures) string { return fmt.Sprint(of(f)) })
	}
	row("USD a month", func(f *choose.Figures) string { return usd(f.MonthlyUSD, f.AtLeast) })
	for _, name := range namesOf(c) {
		row("  of "+name, func(f *choose.Figures) string {
			for _, b := range f.Bills {
				if b.LineOfBusiness == name {
					return usd(b.USD, b.AtLeast)
				}
			}
			return ""
		})
	}
	whole("circuits", func(f *choose.Figures) int { return f.Circuits })
	whole("gateways", func(f *choose.Figures) int { return f.Gateways })
	whole("firewalls", func(f *choose.Figures) int { return f.Firewalls })
	whole("VNet peerings", func(f *choose.Figures) int { return f.Peerings })
	whole("BGP sessions to run", func(f *choose.Figures) int { return f.BGPSessions })
	whole("transit prefixes to run", func(f *choose.Figures) int { return f.TransitPrefixes })
	row("worst share", func(f *choose.Figures) string { return fmt.Sprintf("%.0f Mbps", f.WorstShareMbps) })
	for _, name := range namesOf(c) {
		row("  of "+name, func(f *choose.Figures) string {
			for _, s := range f.Shares {
				if s.LineOfBusiness == name && s.Mbps > 0 {
					return fmt.Sprintf("%.0f Mbps", s.Mbps)
				}
			}
			return ""
		})
	}
	row("blast radius", func(f *choose.Figures) string { return fmt.Sprintf("%.0f %%", 100*f.BlastRadius) })
	for i := range 3 {
		row(fmt.Sprintf("  element %d", i+1), func(f *choose.Figures) string {
			if i >= len(f.Blasts) {
				return ""
			}
			return fmt.Sprintf("%s %.0f %%", f.Blasts[i].Element, 100*f.Blasts[i].Radius)
		})
	}
	row("latency", func(f *choose.Figures) string { return fmt.Sprintf("%.1f ms", f.LatencyMs) })
	for _, name := range prove.LimitNames() {
		row("used: "+name, func(f *choose.Figures) string {
			for _, x := range f.Limits {
				if x.Name == name {
					return fmt.Sprintf("%d of %d", x.Used, x.Most)
				}
			}
			return ""
		})
	}
	room := func(what string, of func(r *prove.Room) int) {
		row("can add: "+what, func(f *choose.Figures) string {
			if n := of(&f.Room); n >= 0 {
				return fmt.Sprint(n)
			}
			return ""
		})
	}
	room("VNets", func(r *prove.Room) int { return r.VNets })
	room("prefixes from the premises", func(r *prove.Room) int { return r.Prefixes })
	room("lines of business", func(r *prove.Room) int { return r.LinesOfBusiness })
	return l.Print(w)
}

// namesOf are the lines of business that some pattern bills, in the order of the first.
func namesOf(c *choose.Choice) []string {
	for i := range c.Ranked {
		var out []string
		for _, b := range c.Ranked[i].Figures.Bills {
			if b.LineOfBusiness != "" {
				out = append(out, b.LineOfBusiness)
			}
		}
		if len(out) > 0 {
			return out
		}
	}
	return nil
}
