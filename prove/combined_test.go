package prove

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"onramp/catalog"
	"onramp/design"
	"onramp/examples"
	"onramp/intent"
	"onramp/network"
	"onramp/pattern"
)

func designed(t testing.TB, c *catalog.Catalog, example string, p design.Pattern) (*design.Design, *network.Network) {
	t.Helper()
	src, err := examples.Read(example)
	if err != nil {
		t.Fatal(err)
	}
	e, findings := intent.Parse(example, src, c)
	if e == nil {
		t.Fatal(findings)
	}
	d, obstacles := pattern.Compile(p, e, c, pattern.Options{})
	if d == nil {
		t.Fatal(obstacles)
	}
	n, _ := network.Build(d.Resources, d.Premises, c, network.Options{})
	return d, n
}

func TestPairsOfFailuresCutWhatABruteForceOverAllPairsCuts(t *testing.T) {
	c, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		example string
		p       design.Pattern
	}{{"contoso-shared", design.Shared}, {"contoso-shared", design.Isolated}, {"fabrikam-isolated", design.Isolated}, {"northwind", design.SharedHubSpoke}} {
		t.Run(x.example+" "+string(x.p), func(t *testing.T) {
			d, n := designed(t, c, x.example, x.p)
			got := Prove(d, n, c, Options{Failures: 2}).Combined
			var pairs [][]string
			alike := n.Alike()
			elements := n.Elements()
			for i, a := range alike {
				for _, b := range alike[i+1:] {
					pair := []string{elements[a[0]].ID, elements[b[0]].ID}
					slices.Sort(pair)
					pairs = append(pairs, pair)
				}
			}
			lost := func(ids ...string) map[string]bool {
				p := newProver(survey(d, n, c))
				p.afresh, p.bare = true, true
				p.declare()
				p.scenario(n.Converge(network.Scenario{ID: "healthy", Kind: network.Healthy}), network.Scenario{ID: "healthy", Kind: network.Healthy})
				sc := network.Scenario{ID: strings.Join(ids, "+"), Kind: several, Elements: ids}
				p.scenario(n.Converge(sc), sc)
				out := map[string]bool{}
				for _, s := range p.out[1].Lost {
					out[s] = true
				}
				return out
			}
			want := map[string][]string{}
			for _, pair := range pairs {
				both := lost(pair...)
				for _, one := range pair {
					for s := range lost(one) {
						delete(both, s)
					}
				}
				if len(both) > 0 {
					want[strings.Join(pair, "+")] = sortedKeys(both)
				}
			}
			found := map[string][]string{}
			for _, cut := range got.Cuts {
				found[cut.ID] = cut.Lost
			}
			if diff := cmp.Diff(want, found); diff != "" {
				t.Errorf("(-brute force +prover)\n%s", diff)
			}
			if len(want) == 0 {
				t.Error("no pair cuts anything")
			}
		})
	}
}

func TestLookingAtCombinationsLeavesTheProofAsItIs(t *testing.T) {
	c, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []design.Pattern{design.SharedHubSpoke, design.IsolatedHubSpoke} {
		d, n := designed(t, c, "northwind", p)
		one, three := Prove(d, n, c, Options{}), Prove(d, n, c, Options{Failures: 2})
		three.Combined = nil
		if diff := cmp.Diff(one, three); diff != "" {
			t.Errorf("%s\n%s", p, diff)
		}
	}
}
