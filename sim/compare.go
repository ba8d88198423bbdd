package sim

import (
	"fmt"
	"slices"

	"onramp/network"
)

// TableDifference is a route that a router's table and the prover's do not share, in words.
type TableDifference struct{ Router, Proof, Seen string }

// Differs compares every table of every router with the prover's, route by route. Prefixes on which the prover says that the routers never
// agree are left out.
func (s *Sim) Differs(st *network.State) []TableDifference {
	var out []TableDifference
	unstable := st.Unstable()
	kept := func(rows []network.Row) []network.Row {
		rows = slices.DeleteFunc(rows, func(r network.Row) bool { return slices.Contains(unstable, r.Prefix) })
		SortRows(rows)
		return rows
	}
	for _, router := range s.Routers() {
		want, got := kept(st.Table(router)), kept(s.Table(router))
		for i, k := 0, 0; i < len(want) || k < len(got); {
			switch {
			case k == len(got) || i < len(want) && before(&want[i], &got[k]):
				out = append(out, TableDifference{router, "the proof has " + told(&want[i]), "the simulator has no such route"})
				i++
			case i == len(want) || before(&got[k], &want[i]):
				out = append(out, TableDifference{router, "the proof has no such route", "the simulator has " + told(&got[k])})
				k++
			default:
				if !sameRow(&want[i], &got[k]) {
					out = append(out, TableDifference{router, "the proof has " + told(&want[i]), "the simulator has " + told(&got[k])})
				}
				i++
				k++
			}
		}
	}
	return out
}

// before tells whether a row is of a prefix or a neighbour that comes before another's.
func before(a, b *network.Row) bool { return compareKeys(a, b) < 0 }

// sameRow compares what both have: next hop, age and reason are of one of them alone.
func sameRow(a, b *network.Row) bool {
	return a.From == b.From && slices.Equal(a.Path, b.Path) && a.Origin == b.Origin && a.LocalPref == b.LocalPref && a.Weight == b.Weight && a.MED == b.MED &&
		a.Best == b.Best && a.Multipath == b.Multipath && slices.Equal(a.Communities, b.Communities)
}

// told is a row in words.
func told(r *network.Row) string {
	from := r.From
	if from == "" {
		from = "itself"
	}
	path := r.Path.String()
	if path == "" {
		path = "empty"
	}
	use := "unused"
	switch {
	case r.Best:
		use = "best"
	case r.Multipath:
		use = "in use"
	}
	return fmt.Sprintf("%s from %s (%s; path %s, local preference %d, MED %d)", r.Prefix, from, use, path, r.LocalPref, r.MED)
}
