package prove

import (
	"slices"

	"onramp/catalog"
	"onramp/design"
	"onramp/network"
)

// Apart is a pair of places between which isolation allows no path: packets from A to B.
type Apart struct {
	From, To string // lines of business; one of them asks to be isolated from the other
	A, B     network.Endpoint
	// Source and Destination are the ends for people: "vnet-fin-core/app".
	Source, Destination string
	// Asks are those of the two that ask for it.
	Asks []string
	// MayMeet tells that the premises may route between the two (premises.routesBetween).
	MayMeet bool
}

// Isolated are the pairs that the property isolation looks at, in both directions, by line of business: subnets, and as destinations each
// class of their addresses. A design without an intent has none.
func Isolated(d *design.Design, n *network.Network, c *catalog.Catalog) []Apart {
	e := survey(d, n, c)
	var out []Apart
	for _, x := range e.pairs {
		src, dst := &e.points[x.src], &e.points[e.reps[x.rep].point]
		if src.lob == nil || dst.lob == nil || src.lob == dst.lob {
			continue
		}
		var asks []string
		for _, l := range [2][2]*lob{{src.lob, dst.lob}, {dst.lob, src.lob}} {
			if slices.Contains(l[0].Needs.IsolatedFrom, l[1].Name) {
				asks = append(asks, l[0].Name)
			}
		}
		if len(asks) == 0 {
			continue
		}
		out = append(out, Apart{From: src.lob.Name, To: dst.lob.Name, A: src.Endpoint, B: e.reps[x.rep].Endpoint, Source: src.name, Destination: dst.name,
			Asks: asks, MayMeet: e.mayMeet(src, dst)})
	}
	return out
}

// Ends tells whether a path ends where it was meant to.
func (a *Apart) Ends(p *network.Path) bool {
	return p.Fate == network.Delivered && len(p.Hops) > 0 && p.Hops[len(p.Hops)-1].Node == a.Node()
}

// Node is the name of the last node of a path from A to B, as in network.Hop.
func (a *Apart) Node() string { return a.B.VNet.Name() + "/" + a.B.Subnet }

// Allowed tells whether a path is no breach of isolation: it leads over the premises, and these may route between the two.
func (a *Apart) Allowed(p *network.Path) bool { return a.MayMeet && overPremises(*p) }

// BreachOf is what ScenarioVerdict.Fails calls a breach of a line of business's isolation.
func BreachOf(lob string) string { return Isolation + " " + lob + " isolatedFrom" }
