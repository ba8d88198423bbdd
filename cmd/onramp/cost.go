package main

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"onramp/cost"
)

func newCostCommand() *cobra.Command {
	return verb{use: "cost FILE", designs: true,
		short:   "Print a month's bill, by line and by line of business",
		long:    "Cost prices a design from the published prices; what has no published price is listed as unknown beside the total, never taken as zero.\nWhat several lines of business share is split by the bandwidth that each needs; --split equal or traffic splits it otherwise.",
		example: "  onramp cost estate.yaml\n  onramp cost estate.yaml --split equal\n  onramp cost onramp-out/northwind/design.json --json",
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
			bill := cost.Month(pl.design, v.c, o)
			if v.asJSON {
				err = printJSON(v.stdout(), bill)
			} else {
				err = printBill(v.stdout(), bill)
			}
			if err != nil {
				return outside(err)
			}
			return nil
		}}.command()
}
