package prove

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"onramp/catalog"
	"onramp/design"
	"onramp/intent"
	"onramp/intent/intenttest"
	"onramp/network"
	"onramp/pattern"
)

func TestPartsProvedApartEqualTheWhole(t *testing.T) {
	c, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	drawer := intenttest.NewDrawer(c)
	// Where the bounds are depends on the order of what is looked at; what is between them is the same.
	bounds := cmp.Comparer(func(a, b *LineAvailability) bool {
		return a == b || a != nil && b != nil && a.Lower <= b.Upper && b.Lower <= a.Upper
	})
	divided := 0
	rapid.Check(t, func(t *rapid.T) {
		e := drawer.Estate(t)
		d, _ := pattern.Compile(rapid.SampledFrom(design.Patterns()).Draw(t, "pattern"), e, c, pattern.Options{})
		if d == nil {
			return
		}
		spoil(t, d)
		n, _ := network.Build(d.Resources, d.Premises, c, network.Options{})
		if NewPlan(d, n, c).Len() > 1 {
			divided++
		}
		if diff := cmp.Diff(essence(proveWhole(d, n, c, false)), essence(Prove(d, n, c, Options{})), bounds); diff != "" {
			t.Fatalf("(-whole +parts)\n%s", diff)
		}
	})
	if divided == 0 {
		t.Error("no estate was divided")
	}
}

// essence leaves out what parts count otherwise: in how many scenarios a flow was looked at, and which of several flows that
// fail in one scenario is shown for the estate.
func essence(r *Result) *Result {
	for i := range r.Properties {
		p := &r.Properties[i]
		p.Checked = 0
		if p.Counterexample != nil && p.LineOfBusiness == "" {
			p.Counterexample = &Counterexample{Scenario: p.Counterexample.Scenario}
		}
		if p.Counterexample != nil && p.Name == Availability {
			p.Counterexample = &Counterexample{}
		}
	}
	r.Figures.Availability = nil
	return r
}

func TestALargeIsolatedEstateIsAPartForEachLineOfBusiness(t *testing.T) {
	c, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	e, findings := intent.Parse("large", intenttest.Large(20), c)
	if e == nil {
		t.Fatal(findings)
	}
	d, _ := pattern.Compile(design.Isolated, e, c, pattern.Options{})
	n, _ := network.Build(d.Resources, d.Premises, c, network.Options{})
	p := NewPlan(d, n, c)
	if p.Len() != 20 {
		t.Fatalf("%d parts", p.Len())
	}
	shares := make([]*Share, p.Len())
	for i := range shares { // in any order
		shares[i] = p.Do(len(shares)-1-i, nil)
	}
	if diff := cmp.Diff(essence(proveWhole(d, n, c, false)), essence(p.Join(shares))); diff != "" {
		t.Fatalf("(-whole +parts)\n%s", diff)
	}
}
