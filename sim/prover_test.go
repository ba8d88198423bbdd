package sim

import (
	"fmt"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"onramp/network"
)

// differs compares every table of every router with the prover's, route by route.
func differs(s *Sim, st *network.State) string {
	var b strings.Builder
	for _, r := range s.Routers() {
		want := slices.Clone(st.Table(r))
		SortRows(want)
		got := s.Table(r)
		if slices.EqualFunc(want, got, alike) {
			continue
		}
		if d := cmp.Diff(want, got, cmpopts.IgnoreFields(network.Row{}, "NextHop", "Why", "Age"), cmpopts.EquateEmpty(), cmpopts.EquateComparable(network.Row{}.Prefix)); d != "" {
			fmt.Fprintf(&b, "%s (-prover +simulator):\n%s\n", r, d)
		}
	}
	return b.String()
}
