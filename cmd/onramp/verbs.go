package main

import (
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"onramp/catalog"
	"onramp/choose"
	"onramp/cost"
	"onramp/prove"
)

// verb is a command that reads one intent or design and prints one result.
type verb struct {
	use, short, long, example string
	designs                   bool // whether it takes a design.json too
	run                       func(v *verbRun) error
}

// verbRun is one run of a verb.
type verbRun struct {
	cmd    *cobra.Command
	c      *catalog.Catalog
	p      *progress
	in     *input
	o      choose.Options
	asJSON bool
	svg    bool
	// split is what cost splits shared lines by.
	split string
	// failures is how many elements fail at once in what prove looks at.
	failures int
	// figures asks choose for every figure of the patterns.
	figures bool
	// changes asks design for what differs from the design that is kept.
	changes bool
}

// plan makes the plan of the input.
func (v *verbRun) plan() (*plan, error) { return makePlan(v.cmd, v.c, v.in, v.o, v.p) }

func (v *verbRun) stdout() io.Writer { return v.cmd.OutOrStdout() }

func (v verb) command() *cobra.Command {
	var (
		flags  planFlags
		stated statedFlag
		asJSON bool
		svg    bool
		split  string
		most   int
		sheet  bool
		moves  bool
	)
	cmd := &cobra.Command{Use: v.use, Short: v.short, Long: v.long, Example: v.example, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o, err := flags.options()
			if err != nil {
				return err
			}
			c, err := catalog.Open()
			if err != nil {
				return outside(err)
			}
			in, err := readInput(cmd, c, args[0])
			if err != nil {
				return err
			}
			if in.design != nil && !v.designs {
				return usageError(fmt.Errorf("%s is a design; give the intent", in.name))
			}
			if err := stated.fill(in); err != nil {
				return err
			}
			o.Brief = cmd.Name() != "choose" || sheet
			return v.run(&verbRun{cmd: cmd, c: c, p: newProgress(cmd.ErrOrStderr()), in: in, o: o, asJSON: asJSON, svg: svg, split: split, failures: most, figures: sheet, changes: moves})
		}}
	flags.add(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the result as JSON on standard output, words on standard error")
	if v.use == "choose FILE" {
		cmd.Flags().BoolVar(&sheet, "figures", false, "print every figure of the four patterns side by side instead")
	}
	if v.use == "prove FILE" {
		cmd.Flags().IntVar(&most, "failures", 1, "how many elements fail at once, at most")
	}
	if v.use == "prove FILE" || v.use == "choose FILE" {
		stated.add(cmd)
	}
	if v.use == "design FILE" {
		cmd.Flags().BoolVar(&svg, "svg", false, "print the topology as SVG instead")
		cmd.Flags().BoolVar(&moves, "changes", false, "print what changes from the design of --from instead")
	}
	if v.use == "cost FILE" {
		cmd.Flags().BoolVar(&svg, "svg", false, "print the bill over the month's traffic as an SVG plot instead")
		cmd.Flags().StringVar(&split, "split", string(cost.ByNeed), "what shared lines are split by: need (bandwidth), equal, or traffic (needs.monthlyEgressGB)")
	}
	return cmd
}

func newChooseCommand() *cobra.Command {
	return verb{use: "choose FILE",
		short:   "Compare the four patterns for an intent and choose",
		long:    "Choose compiles, proves and prices all four patterns and ranks them. Exit code 1 when none meets every need: then it says which need\nof whom fails, why, and the cheapest relaxation that would do.",
		example: "  onramp choose estate.yaml\n  onramp choose estate.yaml --figures\n  onramp choose estate.yaml --json",
		run: func(v *verbRun) error {
			pl, err := v.plan()
			if err != nil {
				return err
			}
			switch {
			case v.asJSON:
				err = printJSON(v.stdout(), &pl.answer.Choice)
			case v.figures:
				err = printFigures(v.stdout(), &pl.answer.Choice)
			default:
				err = printRanking(v.stdout(), &pl.answer.Choice)
			}
			if err != nil {
				return outside(err)
			}
			if pl.answer.Choice.Chosen == nil {
				return failed(nil)
			}
			return nil
		}}.command()
}

func newDesignCommand() *cobra.Command {
	return verb{use: "design FILE", designs: true,
		short:   "Print the chosen design: resources, premises, orders, assumptions",
		long:    "Design prints the design of the chosen pattern (of --pattern, where given) as JSON, or as a picture with --svg. With --from\nand --changes it prints what changes from the design that is kept, resource by resource, and what of it interrupts traffic.",
		example: "  onramp design estate.yaml > design.json\n  onramp design estate.yaml --pattern shared-hub-spoke --svg > topology.svg\n  onramp design estate.yaml --from onramp-out/northwind/design.json --changes",
		run: func(v *verbRun) error {
			pl, err := v.plan()
			if err != nil {
				return err
			}
			if v.changes {
				return printChangesFrom(v, pl.design)
			}
			b, err := pl.design.Encode()
			if v.svg {
				b, err = topologySVG(pl.design)
			}
			if err == nil {
				_, err = v.stdout().Write(b)
			}
			if err != nil {
				return outside(err)
			}
			if pl.answer != nil && pl.answer.Choice.Chosen == nil {
				return failed(nil)
			}
			return nil
		}}.command()
}

// brokenTogether tells whether some combination of failures breaks a property that must hold in all states.
func brokenTogether(r *prove.Result) bool {
	return r.Combined != nil && slices.ContainsFunc(r.Combined.Cuts, func(c prove.Cut) bool { return len(c.Fails) > 0 })
}

// mostFailures is the largest number of failures at once that is taken: the combinations grow with its power.
const mostFailures = 4

func newProveCommand() *cobra.Command {
	return verb{use: "prove FILE", designs: true,
		short:   "Prove every need under every single failure, with counterexamples",
		long:    "Prove checks reachability, isolation, inspection, symmetry, bandwidth, latency, voice and prefix limits of a design in the healthy state,\nunder every single failure of every kind, and under maintenance of each Microsoft edge router. With --failures 2 every pair of elements\nfails too, and the pairs that cut somebody off are listed. Exit code 1 when a property fails.",
		example: "  onramp prove estate.yaml\n  onramp prove estate.yaml --failures 2\n  onramp prove onramp-out/northwind/design.json --json",
		run: func(v *verbRun) error {
			pl, err := v.plan()
			if err != nil {
				return err
			}
			if v.failures < 1 || v.failures > mostFailures {
				return usageError(fmt.Errorf("--failures %d: give a number from 1 to %d", v.failures, mostFailures))
			}
			if v.failures > 1 {
				pl.proof = nil // the choice rests on single failures
			}
			if err := pl.prove(v.c, v.p, v.failures); err != nil {
				return err
			}
			if v.asJSON {
				err = printJSON(v.stdout(), pl.proof)
			} else {
				err = printProof(v.stdout(), pl.design.Intent, pl.proof)
			}
			if err != nil {
				return outside(err)
			}
			if failedProperties(pl.proof) > 0 || brokenTogether(pl.proof) || pl.answer != nil && pl.answer.Choice.Chosen == nil {
				return failed(nil)
			}
			return nil
		}}.command()
}
