package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/jstemmer/go-junit-report/v2/junit"
	"github.com/spf13/cobra"

	"onramp/catalog"
	"onramp/network"
	"onramp/rehearse"
)

// readScript reads the drills of --script for the plan's design.
func (pl *plan) readScript(cmd *cobra.Command, c *catalog.Catalog, name string) (*rehearse.Script, *network.Network, error) {
	src, err := os.ReadFile(name)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, nil, usageError(fmt.Errorf("--script: there is no file %q (docs/rehearse.md shows one to start from)", name))
	case err != nil:
		return nil, nil, outside(err)
	}
	n, _ := network.Build(pl.design.Resources, pl.design.Premises, c, network.Options{})
	s, findings := rehearse.ParseScript(name, src, pl.design, n, c)
	for _, x := range findings[:min(len(findings), mostFindings)] {
		fmt.Fprintln(cmd.ErrOrStderr(), x.String())
	}
	if s == nil {
		return nil, nil, usageError(&badInput{name, findings})
	}
	return s, n, nil
}

// scripted runs the drills of --script, or lists them.
func (f *rehearseFlags) scripted(cmd *cobra.Command, c *catalog.Catalog, p *progress, pl *plan) error {
	s, n, err := pl.readScript(cmd, c, f.script)
	if err != nil {
		return err
	}
	if f.list {
		return printScript(cmd.OutOrStdout(), s)
	}
	o := rehearse.Options{Seed: f.seed, Drills: f.drills, Parallel: f.parallel}
	if slices.Contains(f.drills, everyDrill) {
		o.Drills = nil
	}
	many := len(o.Drills)
	if many == 0 {
		many = len(s.Drills)
	}
	st := p.Stage("rehearse", many)
	o.Progress = func(int, int) { st.Step(1, "") }
	var r *rehearse.Scripted
	perform := func() error {
		r, err = rehearse.RunScript(pl.design, n, c, s, o)
		var unknown *rehearse.UnknownDrill
		switch {
		case errors.As(err, &unknown):
			st.Fail("nothing was drilled")
			return usageError(fmt.Errorf("--drill: %w (--list lists them)", err))
		case err != nil:
			st.Fail("the estate cannot be run")
			return outside(err)
		}
		return nil
	}
	if f.trace != "" {
		_, err = recorded(p, f.trace, func(rec *rehearse.Recording) (*rehearse.Scripted, error) {
			o.Recording = rec
			err := perform()
			return r, err
		})
	} else {
		err = perform()
	}
	if err != nil {
		return err
	}
	disagree, unmet := 0, 0
	for i := range r.Drills {
		if !r.Drills[i].Agrees {
			disagree++
		}
		if !r.Drills[i].Met {
			unmet++
		}
	}
	words := count(len(r.Drills), "drill")
	if disagree == 0 {
		words += ", all as proved"
	} else {
		words += fmt.Sprintf(", %d not as proved", disagree)
	}
	if unmet > 0 {
		words += fmt.Sprintf(", %d not as expected", unmet)
	}
	if disagree+unmet > 0 {
		st.Fail(words)
	} else {
		st.Done(words)
	}
	if err := f.showScript(pl, c, r); err != nil {
		return err
	}
	return f.tellScripted(cmd.OutOrStdout(), r)
}

// tellScripted prints a result and says no where it is not what was proved or expected.
func (f *rehearseFlags) tellScripted(w io.Writer, r *rehearse.Scripted) error {
	if f.junit != "" {
		if err := writeScriptJUnit(f.junit, r); err != nil {
			return outside(err)
		}
	}
	var err error
	if f.asJSON {
		err = printJSON(w, r)
	} else {
		err = printScripted(w, r)
	}
	if err != nil {
		return outside(err)
	}
	if !r.Agrees || !r.Met {
		return failed(nil)
	}
	return nil
}

// printScript lists the drills of a script.
func printScript(w io.Writer, s *rehearse.Script) error {
	l := newListing("Drill", "Steps", "About").Right(1)
	for i := range s.Drills {
		d := &s.Drills[i]
		l.Row(d.Name, len(d.Steps), or(d.About, "-"))
	}
	if err := l.Print(w); err != nil {
		return outside(err)
	}
	return nil
}

// printScripted writes each drill as what happened when, then what was expected and what was not as proved.
func printScripted(w io.Writer, r *rehearse.Scripted) error {
	p := newPaint(w)
	for i := range r.Drills {
		d := &r.Drills[i]
		if i > 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintln(w, p.Bold(d.Name)+about(d.About))
		l := newListing("At", "What happens", "Flows hit", "Longest outage", "Packets lost", "Routes settle").Right(0, 2, 3, 4, 5)
		row := func(at float64, what string, c *rehearse.Change) {
			outage, settle := "-", "-"
			if c.OutageMs > 0 {
				outage = seconds(c.OutageMs)
			}
			if c.Routes > 0 {
				settle = seconds(c.ControlMs)
			}
			l.Row(moment(at), what, c.Hit, outage, c.Lost, settle)
		}
		for k := range d.Steps {
			row(d.Steps[k].AtMs, strings.Join(d.Steps[k].What, "; "), &d.Steps[k].Change)
		}
		row(d.EndedMs, "all is repaired", &d.Repair)
		if err := l.Print(w); err != nil {
			return err
		}
		printChecks(w, d)
		for _, f := range d.Flows[:min(len(d.Flows), mostLongest)] {
			if f.Lost > 0 {
				fmt.Fprintf(w, "  %s, %s to %s: %s\n", f.Flow, f.From, f.To, outages(&f))
			}
		}
		printExpected(w, p, d)
		if !d.Agrees {
			fmt.Fprintf(w, "  %s\n", p.Bad("not as proved"))
			for k := range d.Disagreements {
				if k == mostDisagreements {
					fmt.Fprintf(w, "    and %d more (--json has them all)\n", len(d.Disagreements)-k)
					break
				}
				x := &d.Disagreements[k]
				fmt.Fprintf(w, "    %s, %s\n      proof: %s\n      seen:  %s\n", x.When, or(x.Flow, "everybody"), x.Proof, x.Seen)
				if x.Ended != "" {
					fmt.Fprintf(w, "      ended: %s\n", x.Ended)
				}
			}
		}
	}
	fmt.Fprintf(w, "\n%s run over %s, a packet every %g ms on each while anything changes.\n", count(len(r.Drills), "drill"), count(len(r.Flows), "needed flow"), r.ProbeMs)
	fmt.Fprintln(w, "\nThe times rest on assumptions:")
	for _, a := range r.Assumptions {
		fmt.Fprintf(w, "  %s: %s\n", a.Name, a.Text)
	}
	return nil
}

func about(s string) string {
	if s == "" {
		return ""
	}
	return ": " + s
}

// moment is a time of a drill for people.
func moment(ms float64) string { return fmt.Sprintf("%.1f s", ms/1000) }

// printChecks says how often the estate was held against the proof, and when it could not be.
func printChecks(w io.Writer, d *rehearse.ScriptedDrill) {
	held := 0
	for i := range d.Checks {
		if d.Checks[i].Held {
			held++
		}
	}
	as := "each time as proved"
	if !d.Agrees {
		as = "not always as proved"
	}
	fmt.Fprintf(w, "  held against the proof %s, %s\n", times(held), as)
	for i := range d.Checks {
		if c := &d.Checks[i]; !c.Held {
			fmt.Fprintf(w, "  not held as a whole at %s: %s\n", moment(c.AtMs), c.Why)
		}
	}
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return count(n, "time")
}

// mostOutages is how many of a flow are shown.
const mostOutages = 4

// outages are a flow's, for people.
func outages(f *rehearse.ScriptedFlow) string {
	var list []string
	for i, o := range f.Outages {
		if i == mostOutages {
			list = append(list, fmt.Sprintf("%d more", len(f.Outages)-i))
			break
		}
		words := fmt.Sprintf("out for %s at %s", seconds(o.ToMs-o.FromMs), moment(o.FromMs))
		if !o.Ended {
			words = "out for good at " + moment(o.FromMs)
		}
		if o.Lost < o.Sent {
			words += fmt.Sprintf(" (%d of %d lost)", o.Lost, o.Sent)
		}
		list = append(list, words)
	}
	return strings.Join(list, ", ")
}

// printExpected says of each expectation whether it was met.
func printExpected(w io.Writer, p paint, d *rehearse.ScriptedDrill) {
	for i := range d.Expect {
		e := &d.Expect[i]
		if e.Met {
			fmt.Fprintf(w, "  as expected: %s\n", e.Expects)
			continue
		}
		fmt.Fprintf(w, "  %s %s\n", p.Bad("not as expected:"), e.Expects)
		for k, x := range e.Not {
			if k == mostDisagreements {
				fmt.Fprintf(w, "    and %d more (--json has them all)\n", len(e.Not)-k)
				break
			}
			fmt.Fprintf(w, "    %s\n", x)
		}
	}
}

// writeScriptJUnit writes a test case for each drill and one for each of its expectations.
func writeScriptJUnit(name string, r *rehearse.Scripted) error {
	var all junit.Testsuites
	all.Name = "onramp rehearse --script"
	for i := range r.Drills {
		d := &r.Drills[i]
		suite := junit.Testsuite{Name: d.Name, Time: "0"}
		proved := junit.Testcase{Name: "as proved", Classname: "onramp.script." + d.Name}
		if !d.Agrees {
			var lines []string
			for _, x := range d.Disagreements {
				lines = append(lines, x.String())
			}
			proved.Failure = &junit.Result{Message: d.Name + " is not as proved", Type: "disagreement", Data: strings.Join(lines, "\n")}
		}
		suite.AddTestcase(proved)
		for k := range d.Expect {
			e := &d.Expect[k]
			t := junit.Testcase{Name: e.Expects, Classname: "onramp.script." + d.Name}
			if !e.Met {
				t.Failure = &junit.Result{Message: "not as expected: " + e.Expects, Type: "expectation", Data: strings.Join(e.Not, "\n")}
			}
			suite.AddTestcase(t)
		}
		all.AddSuite(suite)
	}
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	if err := all.WriteXML(file); err != nil {
		_ = file.Close() // the error that stopped us is the one to tell
		return err
	}
	return file.Close()
}
