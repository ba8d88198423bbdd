package network

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// worse draws a scenario of failed elements, drained MSEEs and cut sessions.
func worse(rt *rapid.T, n *Network) Scenario {
	sc := Scenario{ID: "worse", Kind: Link}
	for _, e := range n.printed {
		if rapid.IntRange(0, 5).Draw(rt, e.ID) == 0 {
			sc.Elements = append(sc.Elements, e.ID)
		}
	}
	for _, m := range n.Scenarios() {
		if m.Kind == Maintenance && rapid.IntRange(0, 2).Draw(rt, m.ID) == 0 {
			sc.Drained = append(sc.Drained, m.Elements...)
		}
	}
	for _, x := range n.sessions {
		if rapid.IntRange(0, 5).Draw(rt, x.name) == 0 {
			sc.Cut = append(sc.Cut, x.name)
		}
	}
	return sc
}

func TestFailuresDrainsAndCutsTogetherAreComputedFromAnyOtherStateAsFromNothing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := randomEstate(t, rt)
		base := n.Converge(worse(rt, n))
		sc := worse(rt, n)
		if d := cmp.Diff(tables(n.Converge(sc)), tables(n.ConvergeFrom(base, sc))); d != "" {
			rt.Errorf("%+v after %+v: %s", sc, base.Scenario(), d)
		}
	})
}

func TestADrainIsTheMaintenanceOfThatMSEEAndACutOfAllOfALinkItsFailure(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := randomEstate(t, rt)
		for _, m := range n.Scenarios() {
			other := Scenario{ID: m.ID, Kind: m.Kind}
			switch m.Kind {
			case Maintenance:
				other.Drained = m.Elements
			case Link:
				for _, x := range n.sessions {
					for _, e := range x.elements {
						if n.elements[e].ID == m.Elements[0] {
							other.Cut = append(other.Cut, x.name)
						}
					}
				}
			default:
				continue
			}
			if d := cmp.Diff(tables(n.Converge(m)), tables(n.Converge(other))); d != "" {
				rt.Errorf("%s: %s", m.ID, d)
			}
		}
	})
}
