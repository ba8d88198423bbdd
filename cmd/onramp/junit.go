package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/jstemmer/go-junit-report/v2/junit"

	"onramp/catalog"
	"onramp/check"
	"onramp/design"
)

// printJUnit writes findings as JUnit XML: a test case for each rule that is checked, which fails where the rule is broken with an
// error; warnings and advice are its output. What is found beside the rules (a file that cannot be read, what Azure refuses) is a
// case of its own.
func printJUnit(w io.Writer, c *catalog.Catalog, r *checked) error {
	found := map[string][]design.Finding{}
	var beside []string
	for _, f := range r.Findings {
		if len(found[f.Rule]) == 0 {
			if _, ok := c.Rule(f.Rule); !ok {
				beside = append(beside, f.Rule)
			}
		}
		found[f.Rule] = append(found[f.Rule], f)
	}
	slices.Sort(beside)
	suite := junit.Testsuite{Name: r.file, File: r.file, Time: "0"}
	add := func(rule, area string) {
		t := junit.Testcase{Name: rule, Classname: "onramp." + area}
		var errs, rest []string
		for _, f := range found[rule] {
			text := fmt.Sprintf("%s: %s", f.At, f.Message)
			if f.Value != "" {
				text += " (" + f.Value + ")"
			}
			if f.Fix != "" {
				text += "\n  fix: " + f.Fix
			}
			if f.Source != "" {
				text += "\n  from: " + f.Source
			}
			if f.Severity == design.Error {
				errs = append(errs, text)
			} else {
				rest = append(rest, string(f.Severity)+" "+text)
			}
		}
		if len(errs) > 0 {
			t.Failure = &junit.Result{Message: count(len(errs), "breach") + " of " + rule, Type: string(design.Error), Data: strings.Join(errs, "\n")}
		}
		if len(rest) > 0 {
			t.SystemOut = &junit.Output{Data: strings.Join(rest, "\n")}
		}
		suite.AddTestcase(t)
	}
	for _, x := range check.Rules(c) {
		if x.Checked {
			add(x.ID, x.Area)
		}
	}
	for _, rule := range beside {
		add(rule, "other")
	}
	var all junit.Testsuites
	all.Name = "onramp check"
	all.AddSuite(suite)
	return all.WriteXML(w)
}
