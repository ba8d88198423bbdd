package main

import (
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"onramp/cost"
	"onramp/draw"
	page "onramp/report"
)

func newCostCommand() *cobra.Command {
	return verb{use: "cost FILE", designs: true,
		short:   "Print a month's bill, by line and by line of business",
		long:    "Cost prices a design from the published prices; what has no published price is listed as unknown beside the total, never taken as zero.\nWhat several lines of business share is split by the bandwidth that each needs; --split equal or traffic splits it otherwise. After the bill\ncome the break-evens: from which traffic on another plan, tier or way to connect is cheaper; --svg plots them.",
		example: "  onramp cost estate.yaml\n  onramp cost estate.yaml --split equal\n  onramp cost estate.yaml --svg > cost.svg\n  onramp cost onramp-out/northwind/design.json --json",
		run: func(v *verbRun) error {
			o := cost.Options{Split: cost.Split(v.split)}
			if !slices.Contains(cost.Splits(), o.Split) {
				return usageError(fmt.Errorf("--split %q: there are need, equal and traffic", v.split))
			}
			pl, err := v.plan()
			if err != nil {
				return err
			}
			if err := cost.CheckSplit(pl.design, v.c, o.Split); err != nil {
				return usageError(fmt.Errorf("--split %s: %w", o.Split, err))
			}
			r := priced{Bill: cost.Month(pl.design, v.c, o), BreakEvens: cost.BreakEvens(pl.design, v.c)}
			switch {
			case v.svg:
				plot, ok := page.Traffic(pl.design.Name, cost.Curves(pl.design, v.c), r.BreakEvens)
				if !ok {
					return failed(fmt.Errorf("there is nothing to plot: %s", r.BreakEvens[0].Reason))
				}
				err = draw.LinePlot(v.stdout(), plot)
			case v.asJSON:
				err = printJSON(v.stdout(), &r)
			default:
				if err = printBill(v.stdout(), r.Bill); err == nil {
					printBreakEvens(v.stdout(), r.BreakEvens)
				}
			}
			if err != nil {
				return outside(err)
			}
			return nil
		}}.command()
}

// priced is the result of cost: the bill, and how others would compare with it.
type priced struct {
	*cost.Bill
	BreakEvens []cost.BreakEven `json:"breakEvens"`
}

// printBreakEvens writes each comparison in a sentence, then what they assume.
func printBreakEvens(w io.Writer, list []cost.BreakEven) {
	if !slices.ContainsFunc(list, func(e cost.BreakEven) bool { return e.Applicable || e.Reason != list[0].Reason }) {
		fmt.Fprintf(w, "\nBreak-evens: none, as %s\n", list[0].Reason)
		return
	}
	fmt.Fprintln(w, "\nBreak-evens, by what leaves Azure in a month:")
	var said []string
	for i := range list {
		fmt.Fprintf(w, "  %s\n    %s\n", list[i].Name, list[i].String())
		for _, a := range list[i].Assumptions {
			if !slices.Contains(said, a.Text) {
				said = append(said, a.Text)
			}
		}
	}
	for _, text := range said {
		fmt.Fprintf(w, "  assumed: %s\n", text)
	}
}
