package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"onramp/catalog"
	"onramp/design"
	"onramp/rehearse"
	page "onramp/report"
)

func newUpCommand() *cobra.Command {
	var (
		flags  planFlags
		stated statedFlag
		out    string
		asJSON bool
		again  bool
		drills bool
		where  upLive
	)
	cmd := &cobra.Command{
		Use:   "up [FILE]",
		Short: "Check, choose, design, prove, price, rehearse and deploy an estate; write everything down",
		Long: `Up does the whole job for one estate: it checks the intent, compiles the four ExpressRoute patterns, proves each under every
single failure, prices it, chooses, rehearses every failure on the running design, deploys it to a twin of Azure that it starts, looks
whether what runs there is what was proved, and writes the design with its proof, rehearsal, bill, peering sheet and picture, and a page
that tells all of it to people. The twin ends with it; with --keep it runs on. Nothing leaves this machine.

Without FILE it runs on a built-in example. FILE may be an intent (YAML), a design.json, or - for standard input.
Exit code 1 means that no pattern meets every need; the files then describe the nearest. It also means that a drill, or what
runs at the twin, was not as proved.`,
		Example: `  onramp up
  onramp up estate.yaml
  onramp up estate.yaml --keep
  onramp up estate.yaml --no-deploy --from onramp-out/northwind/design.json`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := catalog.Open()
			if err != nil {
				return outside(err)
			}
			name := ""
			if len(args) == 1 {
				name = args[0]
			}
			if where.keep && where.none {
				return usageError(errors.New("--keep keeps the twin that --no-deploy does not start; give one of the two"))
			}
			answer := func() (*plan, error) { return up(cmd, c, name, &flags, stated, out, asJSON, drills, where) }
			if !again {
				_, err := answer()
				return err
			}
			if name == "" || name == "-" {
				return usageError(errors.New("--watch needs a FILE to watch"))
			}
			return watch(cmd, name, answer)
		},
	}
	flags.add(cmd)
	stated.add(cmd)
	cmd.Flags().StringVar(&out, "out", "", "write the files here (default ./onramp-out/NAME)")
	cmd.Flags().BoolVar(&drills, "rehearse", true, "rehearse every failure; --rehearse=false leaves it out")
	cmd.Flags().BoolVar(&where.none, "no-deploy", false, "stop after the rehearsal: start no twin and deploy nothing")
	cmd.Flags().BoolVar(&where.keep, "keep", false, "leave the twin running, with its state in the output directory, and say how to use it")
	cmd.Flags().BoolVar(&again, "watch", false, "answer again whenever FILE changes, until interrupted")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the choice as JSON on standard output, words on standard error")
	return cmd
}

// upLive says what up does with a design that is proved.
type upLive struct{ none, keep bool }

// up does the whole job for one input. The plan comes with the error that says no.
func up(cmd *cobra.Command, c *catalog.Catalog, name string, flags *planFlags, stated statedFlag, out string, asJSON, drills bool, where upLive) (*plan, error) {
	o, err := flags.options()
	if err != nil {
		return nil, err
	}
	p := newProgress(cmd.ErrOrStderr())
	st := p.Stage("read", 1)
	in, err := readInput(cmd, c, name)
	if err != nil {
		st.Fail("not usable")
		return nil, err
	}
	if err := stated.fill(in); err != nil {
		st.Fail("not usable")
		return nil, err
	}
	st.Done(in.name)
	pl, err := makePlan(cmd, c, in, o, p)
	if err != nil {
		return nil, err
	}
	st = p.Stage("check", 1)
	bad := pl.check(c)
	st.Done(fmt.Sprintf("%s, %s", count(len(pl.checked), "finding"), count(bad, "error")))
	if err := pl.prove(c, p, 1); err != nil {
		return nil, err
	}
	pl.price(c)
	if drills {
		if pl.drilled, err = pl.rehearse(c, p, rehearse.Options{Seed: firstSeed, Parallel: runtime.GOMAXPROCS(0)}); err != nil {
			return nil, err
		}
	}
	if out == "" {
		if pl.design.Name == "" || pl.design.Name != filepath.Base(pl.design.Name) || pl.design.Name[0] == '.' {
			return nil, usageError(fmt.Errorf("%s: the design's name %q cannot name a directory; say where to write with --out", in.name, pl.design.Name))
		}
		out = filepath.Join("onramp-out", pl.design.Name)
	}
	why := pl.undeployable(bad)
	switch {
	case where.none:
	case why != "":
		p.Stage("deploy", 1).Done("left out: " + why)
	default:
		if err := pl.live(cmd, c, p, out, where.keep); err != nil {
			return nil, err
		}
	}
	files, err := pl.files(c)
	if err != nil {
		return nil, outside(err)
	}
	if o.Keep != nil {
		list, err := design.Changes(o.Keep, pl.design)
		if err != nil {
			return nil, outside(err)
		}
		p.Stage("change", 1).Done(changeSummary(list))
	}
	st = p.Stage("write", len(files))
	if err := writeOutputs(out, files); err != nil {
		st.Fail(err.Error())
		return nil, err
	}
	st.Done(fmt.Sprintf("%s in %s", count(len(files), "file"), out))
	if err := pl.tell(cmd, files, out, asJSON); err != nil {
		return nil, outside(err)
	}
	if where.keep && pl.seen != nil {
		words := cmd.OutOrStdout()
		if asJSON {
			words = cmd.ErrOrStderr()
		}
		tellKept(words, out)
	}
	if bad > 0 || failedProperties(pl.proof) > 0 || pl.drilled != nil && !pl.drilled.Agrees || pl.seen != nil && !pl.seen.Conforms || pl.answer != nil && pl.answer.Choice.Chosen == nil {
		return pl, failed(nil)
	}
	return pl, nil
}

// files makes every output in memory.
func (pl *plan) files(c *catalog.Catalog) ([]output, error) {
	var out []output
	add := func(name string, b []byte, err error) error {
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		out = append(out, output{name, b})
		return nil
	}
	b, err := pl.design.Encode()
	if err := add("design.json", b, err); err != nil {
		return nil, err
	}
	b, err = indented(pl.proof)
	if err := add("proof.json", b, err); err != nil {
		return nil, err
	}
	if pl.drilled != nil {
		b, err = indented(pl.drilled)
		if err := add("rehearsal.json", b, err); err != nil {
			return nil, err
		}
		b, err = page.Rehearsal(pl.design, pl.drilled, c)
		if err := add(rehearsalPage, b, err); err != nil {
			return nil, err
		}
	}
	if pl.seen != nil {
		b, err = indented(pl.seen)
		if err := add("conformance.json", b, err); err != nil {
			return nil, err
		}
	}
	if pl.answer != nil {
		b, err = indented(&pl.answer.Choice)
		if err := add("choice.json", b, err); err != nil {
			return nil, err
		}
	}
	if err := add("bill.csv", pl.bill.CSV(), nil); err != nil {
		return nil, err
	}
	if err := add("peering-sheet.csv", pl.design.SheetCSV(), nil); err != nil {
		return nil, err
	}
	b, err = topologySVG(pl.design)
	if err := add("topology.svg", b, err); err != nil {
		return nil, err
	}
	in := page.Input{Answer: pl.answer, Design: pl.design, Proof: pl.proof, Bill: pl.bill, Findings: pl.checked}
	if pl.drilled != nil {
		in.Rehearsal = rehearsalPage
	}
	b, err = page.HTML(in, c)
	if err := add("report.html", b, err); err != nil {
		return nil, err
	}
	return out, nil
}

// tell prints the ranking, verdicts, bill and where the files are.
func (pl *plan) tell(cmd *cobra.Command, files []output, dir string, asJSON bool) error {
	w := cmd.OutOrStdout()
	if asJSON {
		if pl.answer != nil {
			return printJSON(w, &pl.answer.Choice)
		}
		return printJSON(w, pl.proof)
	}
	if pl.answer != nil {
		if err := printRanking(w, &pl.answer.Choice); err != nil {
			return err
		}
		fmt.Fprintln(w)
	}
	if err := printVerdicts(w, pl.proof); err != nil {
		return err
	}
	if len(pl.proof.Assumptions) > 0 {
		var names []string
		for _, a := range pl.proof.Assumptions {
			names = append(names, a.Name)
		}
		fmt.Fprintf(w, "\nThe verdicts rest on assumptions, told in proof.json: %s\n", strings.Join(names, ", "))
	}
	fmt.Fprintln(w)
	if pl.drilled != nil {
		if err := printDrilled(w, pl.drilled); err != nil {
			return err
		}
		fmt.Fprintln(w)
	}
	if err := printShares(w, pl.bill); err != nil {
		return err
	}
	if len(pl.checked) > 0 {
		fmt.Fprintln(w)
		printFindingsBriefly(w, pl.checked)
	}
	printReasons(w, pl.design)
	printDefaults(w, pl.design)
	fmt.Fprintln(w, "\nWritten:")
	for _, f := range files {
		fmt.Fprintf(w, "  %s\n", filepath.Join(dir, f.name))
	}
	return nil
}
