package prove

import (
	"cmp"
	"slices"
	"strings"

	"onramp/catalog"
	"onramp/design"
	"onramp/network"
)

// Crossing is one capacity in one direction: "to Microsoft", "from Microsoft", or the two ends of a link between sites.
type Crossing struct{ Capacity, Direction string }

// Load is what all lines of business put on one crossing when each sends all that it needs, each from whichever of its sites and to whichever
// of its networks is worst for that crossing: what the property bandwidth compares with the capacity.
type Load struct {
	Crossing
	Mbps  float64 // the capacity
	Total float64
	By    []LoadPart // by line of business
}

// LoadPart is one line of business's part of a load.
type LoadPart struct {
	LineOfBusiness string
	Mbps           float64 // of the load
	Need           float64 // what it sends
	// A and B are where it is sent from and to, From and To the same for people.
	A, B     network.Endpoint
	From, To string
}

// Loading computes loads of a design under any state of its network. It may be asked from several goroutines at once.
type Loading struct{ e *estate }

// NewLoading is that of a design whose network was built from its resources and premises; nil where nobody states a bandwidth.
func NewLoading(d *design.Design, n *network.Network, c *catalog.Catalog) *Loading {
	e := survey(d, n, c)
	if !slices.ContainsFunc(e.lobs, func(l *lob) bool { return l.Needs.Bandwidth > 0 }) {
		return nil
	}
	return &Loading{e}
}

// Under are the loads of a state, by capacity and direction; those of nothing are left out.
func (l *Loading) Under(st *network.State) []Load {
	p := newProver(l.e)
	var out []Load
	for _, x := range p.worstLoads(newSweep(l.e, st, nil)) {
		y := Load{Crossing: Crossing{x.capacity, x.direction}, Mbps: float64(x.mbps), Total: x.total}
		for _, by := range x.by {
			if by.mbps > 0 {
				a, b := &l.e.points[by.at.src], &l.e.reps[by.at.rep]
				y.By = append(y.By, LoadPart{LineOfBusiness: by.lob.Name, Mbps: by.mbps, Need: float64(by.lob.Needs.Bandwidth), A: a.Endpoint, B: b.Endpoint, From: a.name, To: l.e.points[b.point].name})
			}
		}
		if y.Total > 0 {
			out = append(out, y)
		}
	}
	return out
}

// CrossingsOf are the crossings of a path, each as often as it is crossed.
func CrossingsOf(path *network.Path) []Crossing {
	whole := *path
	whole.Share = 1
	times := map[crossing]float64{}
	crossings(&whole, times)
	var out []Crossing
	for k, n := range times {
		for range int(n) {
			out = append(out, Crossing{k.capacity, k.direction})
		}
	}
	slices.SortFunc(out, func(a, b Crossing) int {
		return cmp.Or(strings.Compare(a.Capacity, b.Capacity), strings.Compare(a.Direction, b.Direction))
	})
	return out
}
