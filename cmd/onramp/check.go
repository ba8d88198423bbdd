package main

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"onramp/catalog"
	"onramp/check"
	"onramp/choose"
	"onramp/design"
	"onramp/intent"
)

// checkFlags are what check is asked for.
type checkFlags struct {
	planFlags
	rules, prerequisites     bool
	asJSON, asSARIF, asJUnit bool
}

func newCheckCommand() *cobra.Command {
	var f checkFlags
	cmd := &cobra.Command{Use: "check FILE",
		Short: "Check an intent and its design, or a design.json, against the published rules",
		Long: "Check reads an intent or a design.json and prints what is wrong with it: the rule, the place, the value, what would mend it and where\n" +
			"the rule comes from. Exit code 1 when there is an error; warnings and advice exit 0. --sarif and --junit are for what reads the results\n" +
			"of checks: code review and continuous integration. With --prerequisites it prints what must be true before the first resource is\n" +
			"made: what the design answers already, what only a person can tick, and what is not needed. With --rules, and without a FILE, it lists\n" +
			"every published rule and whether it is checked, or why not.",
		Example: "  onramp check estate.yaml\n  onramp check onramp-out/northwind/design.json --json\n  onramp check estate.yaml --sarif > findings.sarif\n  onramp check estate.yaml --prerequisites\n  onramp check --rules",
		Args: func(cmd *cobra.Command, args []string) error {
			if f.rules {
				return cobra.NoArgs(cmd, args)
			}
			return cobra.ExactArgs(1)(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.agree(); err != nil {
				return err
			}
			c, err := catalog.Open()
			if err != nil {
				return outside(err)
			}
			if f.rules {
				return printRules(cmd.OutOrStdout(), c, f.asJSON)
			}
			return f.run(cmd, c, args[0])
		}}
	f.add(cmd)
	cmd.Flags().BoolVar(&f.asJSON, "json", false, "print the result as JSON on standard output, words on standard error")
	cmd.Flags().BoolVar(&f.asSARIF, "sarif", false, "print the findings as SARIF 2.1.0")
	cmd.Flags().BoolVar(&f.asJUnit, "junit", false, "print the findings as JUnit XML: a test case for each rule")
	cmd.Flags().BoolVar(&f.prerequisites, "prerequisites", false, "print what must be true before the first resource is made, instead of the findings")
	cmd.Flags().BoolVar(&f.rules, "rules", false, "list every published rule, whether it is checked and why not, instead of reading a FILE")
	return cmd
}

// agree refuses flags that ask for two things at once.
func (f *checkFlags) agree() error {
	asked := 0
	for _, on := range []bool{f.asJSON, f.asSARIF, f.asJUnit} {
		if on {
			asked++
		}
	}
	switch {
	case asked > 1:
		return usageError(errors.New("--json, --sarif and --junit are three forms of one result: ask for one of them"))
	case (f.rules || f.prerequisites) && (f.asSARIF || f.asJUnit):
		return usageError(errors.New("--sarif and --junit are forms of the findings; --rules and --prerequisites have --json"))
	case f.rules && f.prerequisites:
		return usageError(errors.New("--rules and --prerequisites are two questions: ask one of them"))
	}
	return nil
}

// run checks a file.
func (f *checkFlags) run(cmd *cobra.Command, c *catalog.Catalog, file string) error {
	o, err := f.options()
	if err != nil {
		return err
	}
	in, err := readInput(cmd, c, file)
	if err != nil {
		var bad *badInput
		if errors.As(err, &bad) && (f.asJSON || f.asSARIF || f.asJUnit) {
			if err := f.print(cmd.OutOrStdout(), c, &checked{file: bad.name, Findings: intentFindings(bad.findings)}); err != nil {
				return err
			}
		}
		return err
	}
	o.Brief = true
	pl, err := f.plan(cmd, c, in, o)
	if err != nil {
		return err
	}
	if f.prerequisites {
		return checklist(cmd.OutOrStdout(), c, pl.design, f.asJSON)
	}
	bad := pl.check(c)
	r := &checked{file: in.name, Findings: append(intentFindings(in.findings), pl.checked...)}
	if err := f.print(cmd.OutOrStdout(), c, r); err != nil {
		return err
	}
	if bad > 0 {
		return failed(nil)
	}
	return nil
}

func (f *checkFlags) plan(cmd *cobra.Command, c *catalog.Catalog, in *input, o choose.Options) (*plan, error) {
	return makePlan(cmd, c, in, o, newProgress(cmd.ErrOrStderr()))
}

// print writes the result in the form that was asked for.
func (f *checkFlags) print(w io.Writer, c *catalog.Catalog, r *checked) error {
	var err error
	switch {
	case f.asJSON:
		err = printJSON(w, checked{Findings: append([]design.Finding{}, r.Findings...)})
	case f.asSARIF:
		err = printSARIF(w, c, r)
	case f.asJUnit:
		err = printJUnit(w, c, r)
	default:
		printFindings(w, r.Findings)
		errs := 0
		for _, x := range r.Findings {
			if x.Severity == design.Error {
				errs++
			}
		}
		_, err = fmt.Fprintf(w, "%s, %s\n", count(len(r.Findings), "finding"), count(errs, "error"))
	}
	if err != nil {
		return outside(err)
	}
	return nil
}

// checked is the result of check: the findings about one file.
type checked struct {
	file     string
	Findings []design.Finding `json:"findings"`
}

// ruleList is the result of check --rules.
type ruleList struct {
	Rules []check.Coverage `json:"rules"`
}

// printRules lists the published rules, those that are not checked last.
func printRules(w io.Writer, c *catalog.Catalog, asJSON bool) error {
	list := check.Rules(c)
	if asJSON {
		if err := printJSON(w, ruleList{list}); err != nil {
			return outside(err)
		}
		return nil
	}
	done := 0
	l := newListing("Rule", "Severity", "Area", "Checked", "Why not")
	for _, on := range []bool{true, false} {
		for _, r := range list {
			if r.Checked != on {
				continue
			}
			if on {
				done++
				l.Row(r.ID, r.Severity, r.Area, "yes", "")
				continue
			}
			l.Row(r.ID, r.Severity, r.Area, "no", string(r.Reason)+": "+r.Why)
		}
	}
	err := l.Print(w)
	if err == nil {
		_, err = fmt.Fprintf(w, "\n%d of %d published rules are checked; `onramp catalog rules ID` explains one\n", done, len(list))
	}
	if err != nil {
		return outside(err)
	}
	return nil
}

// explained is the result of catalog rules ID.
type explained struct {
	check.Coverage
	Source catalog.Source `json:"readIn"`
}

// explainRule tells all that is known of one rule.
func explainRule(w io.Writer, c *catalog.Catalog, id string, asJSON bool) error {
	list := check.Rules(c)
	i := slices.IndexFunc(list, func(r check.Coverage) bool { return r.ID == id })
	if i < 0 {
		var ids []string
		for _, r := range list {
			ids = append(ids, r.ID)
		}
		return usageError(fmt.Errorf("there is no rule %q%s", id, suggest(id, ids, ids)))
	}
	rule, _ := c.Rule(id)
	r := explained{list[i], rule.Source}
	if asJSON {
		if err := printJSON(w, r); err != nil {
			return outside(err)
		}
		return nil
	}
	is := "yes, by `onramp check`"
	if !r.Checked {
		is = fmt.Sprintf("no (%s): %s", r.Reason, r.Why)
	}
	if _, err := fmt.Fprintf(w, "%s (%s, %s)\n\n  %s.\n\nchecked   %s\ndocument  %s\nread in   %s\n", r.ID, r.Severity, r.Area, r.Rule, is, r.Coverage.Source, rule.Source.Text); err != nil {
		return outside(err)
	}
	return nil
}

// intentFindings are findings about the intent's file in the shape of those about a design.
func intentFindings(list []intent.Finding) []design.Finding {
	var out []design.Finding
	for _, f := range list {
		out = append(out, design.Finding{Rule: f.Rule, Severity: design.Severity(f.Severity), At: fmt.Sprintf("%s:%d:%d %s", f.File, f.Line, f.Col, f.At), Value: f.Value, Message: f.Message, Fix: f.Fix, Source: f.Source})
	}
	return out
}
