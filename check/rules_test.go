package check_test

import (
	"slices"
	"testing"

	"onramp/check"
	"onramp/design"
	"onramp/examples"
)

func TestEveryPublishedRuleIsCheckedOrSaysWhyNot(t *testing.T) {
	c := open(t)
	for _, r := range check.Rules(c) {
		if r.Checked == (r.Why != "") || r.Checked == (r.Reason != "") {
			t.Errorf("%s: checked %v, reason %q, why %q", r.ID, r.Checked, r.Reason, r.Why)
		}
	}
}

func TestEveryCheckedRuleHasACaseThatBreaksIt(t *testing.T) {
	var broken []string
	for _, x := range cases(open(t), t) {
		broken = append(broken, x.rule)
	}
	for _, r := range check.Rules(open(t)) {
		if r.Checked && !slices.Contains(broken, r.ID) {
			t.Errorf("no case breaks %s", r.ID)
		}
		if !r.Checked && slices.Contains(broken, r.ID) {
			t.Errorf("a case breaks %s, which is said not to be checked", r.ID)
		}
	}
}

// breach is one way to break a rule that a sound design keeps.
type breach struct {
	rule  string
	base  func() *design.Design
	spoil func(d *design.Design)
	// always tells that the base breaks the rule already, so that only the broken case is looked at.
	always bool
}

func TestEveryCheckedRuleIsSilentOnSomeSoundDesign(t *testing.T) {
	c := open(t)
	speaks := map[string]int{}
	designs := 0
	for _, name := range examples.Names() {
		for _, p := range design.Patterns() {
			designs++
			seen := map[string]bool{}
			for _, f := range check.Check(made(t, c, name, p), c) {
				if !seen[f.Rule] {
					seen[f.Rule] = true
					speaks[f.Rule]++
				}
			}
		}
	}
	passes := map[string]bool{} // the base of a breach is silent, which the breaches' own test asserts
	for _, x := range cases(c, t) {
		passes[x.rule] = passes[x.rule] || !x.always
	}
	for _, r := range check.Rules(c) {
		if r.Checked && speaks[r.ID] == designs && !passes[r.ID] {
			t.Errorf("%s speaks on every design of every example", r.ID)
		}
	}
}
