package sim

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"onramp/catalog"
	"onramp/design"
	"onramp/intent/intenttest"
	"onramp/network"
	"onramp/pattern"
)

// differs compares every table of every router with the prover's, route by route.
func differs(s *Sim, st *network.State) string {
	var b strings.Builder
	for _, r := range s.Routers() {
		want := slices.Clone(st.Table(r))
		SortRows(want)
		got := s.Table(r)
		if d := cmp.Diff(want, got, cmpopts.IgnoreFields(network.Row{}, "NextHop", "Why", "Age"), cmpopts.EquateEmpty(), cmpopts.EquateComparable(network.Row{}.Prefix)); d != "" {
			fmt.Fprintf(&b, "%s (-prover +simulator):\n%s\n", r, d)
		}
	}
	return b.String()
}

// settled runs until nothing changes any more, for long enough that whatever is silent has been noticed.
func settled(t rapid.TB, s *Sim) {
	if !s.Converge(200*time.Second, 2*time.Hour) {
		t.Fatalf("it does not settle: the last change was at %s of %s", s.Now()-s.Quiet(), s.Now())
	}
}

// againstProver fails and repairs every element and compares all tables each time.
func againstProver(t rapid.TB, n *network.Network, seed uint64, most int) {
	var log []string
	s, err := New(n, Options{Seed: seed, Observe: func(h Happening) {
		if h.What != "route" {
			log = append(log, fmt.Sprintf("%s %s %s %s %s>%s %s", h.At, h.Node, h.Session, h.What, h.From, h.To, h.Why))
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	settled(t, s)
	healthy := n.Converge(network.Scenario{ID: "healthy", Kind: network.Healthy})
	compare := func(st *network.State, when string) {
		if len(st.Unstable()) > 0 {
			return
		}
		if d := differs(s, st); d != "" {
			t.Fatalf("%s, seed %d:\n%s\n%s", when, seed, d, strings.Join(log, "\n"))
		}
	}
	compare(healthy, "healthy")
	for i, sc := range n.Scenarios() {
		if sc.Kind == network.Healthy || i > most {
			continue
		}
		log = nil
		if sc.Kind == network.Maintenance {
			s.Drain(sc.Elements[0], true)
		} else if err := s.Fail(Silent, sc.Elements...); err != nil {
			t.Fatal(err)
		}
		settled(t, s)
		compare(n.ConvergeFrom(healthy, sc), sc.ID)
		if sc.Kind == network.Maintenance {
			s.Drain(sc.Elements[0], false)
		} else if err := s.Repair(sc.Elements...); err != nil {
			t.Fatal(err)
		}
		settled(t, s)
		compare(healthy, "after "+sc.ID)
	}
}

func TestEveryRouteInEveryTableIsTheProvers(t *testing.T) {
	c, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	drawer := intenttest.NewDrawer(c)
	rapid.Check(t, func(t *rapid.T) {
		e := drawer.Estate(t)
		kind := rapid.SampledFrom(design.Patterns()).Draw(t, "pattern")
		d, _ := pattern.Compile(kind, e, c, pattern.Options{})
		if d == nil {
			return
		}
		n, _ := network.Build(d.Resources, d.Premises, c, network.Options{})
		againstProver(t, n, rapid.Uint64().Draw(t, "seed"), 1000)
	})
}
