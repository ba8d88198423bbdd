package rehearse

import (
	"testing"

	"onramp/catalog"
	"onramp/choose"
	"onramp/design"
	"onramp/examples"
	"onramp/intent"
	"onramp/network"
	"onramp/prove"
)

// estate is an example's design with its network and proof.
type estate struct {
	c     *catalog.Catalog
	d     *design.Design
	n     *network.Network
	proof *prove.Result
}

// example is the design that an example comes to; with a pattern, that pattern's.
func example(t testing.TB, name string, pattern design.Pattern) estate {
	t.Helper()
	c, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	src, err := examples.Read(name)
	if err != nil {
		t.Fatal(err)
	}
	e, findings := intent.Parse(name, src, c)
	if e == nil {
		t.Fatal(findings)
	}
	a, err := choose.Choose(e, c, choose.Options{Brief: true, Pattern: pattern})
	if err != nil {
		t.Fatal(err)
	}
	d := a.Designs[a.Best]
	n, _ := network.Build(d.Resources, d.Premises, c, network.Options{})
	return estate{c, d, n, a.Proofs[a.Best]}
}

func (e estate) rehearse(t testing.TB, o Options) *Result {
	t.Helper()
	r, err := Run(e.d, e.n, e.c, e.proof, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestNorthwind(t *testing.T) {
	r := example(t, "northwind", "").rehearse(t, Options{Seed: 1, Progress: func(d, n int) { t.Log(d, n) }})
	for _, d := range r.Drills {
		t.Log(d.ID, d.Proof, d.Agrees, len(d.Flows), d.Untouched, d.Failure, d.Repair)
		for i, f := range d.Flows {
			if i < 2 {
				t.Logf("   %s %s>%s %s/%s outage %v [%v %v] %v lost %d repair %v", f.Flow, f.From, f.To, f.Expected, f.Seen, f.OutageMs, f.Bound.LowerMs, f.Bound.UpperMs, f.Bound.Rests, f.Lost, f.RepairOutageMs)
			}
		}
		for i, x := range d.Disagreements {
			if i < 6 {
				t.Log("   ", x)
			}
		}
	}
	t.Log(len(r.Flows), r.AllowanceMs)
}
