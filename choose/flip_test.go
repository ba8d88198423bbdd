package choose_test

import (
	"testing"

	"onramp/choose"
	"onramp/design"
	"onramp/examples"
)

func TestEveryThresholdIsAFlip(t *testing.T) {
	c := open(t)
	for _, name := range examples.Names() {
		t.Run(name, func(t *testing.T) {
			e := estate(t, c, name)
			a, err := choose.Choose(e, c, choose.Options{})
			if err != nil || a.Choice.Chosen == nil {
				return
			}
			for _, x := range a.Choice.WouldChange {
				for _, side := range []struct {
					value string
					want  design.Pattern
				}{{x.Unchanged, *a.Choice.Chosen}, {x.Threshold, x.Pattern}} {
					varied, err := choose.Set(e, x.Key, side.value)
					if err != nil {
						t.Fatal(err)
					}
					got := choose.Pick(varied, c)
					if got != side.want {
						t.Errorf("%s %s gives %q, want %q", x.Key, side.value, got, side.want)
					}
				}
				t.Logf("%s: %s still %s, %s %s", x.Key, x.Unchanged, *a.Choice.Chosen, x.Threshold, x.Pattern)
			}
		})
	}
}
