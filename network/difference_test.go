package network

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestAFlowWhoseWayMeetsNothingDifferentGoesTheSameWay(t *testing.T) {
	kept, all := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		n := randomEstate(t, rt)
		healthy := n.Converge(Scenario{ID: "healthy", Kind: Healthy})
		for _, sc := range n.Scenarios()[1:] {
			s := n.ConvergeFrom(healthy, sc)
			d := s.Since(healthy)
			for _, src := range n.Endpoints() {
				for _, dst := range n.Endpoints() {
					if !s.Up(src) || !s.Up(dst) {
						continue
					}
					f := Flow{Src: src, Dst: dst}
					was := healthy.Trace(f)
					all++
					if slices.ContainsFunc(was, func(p Path) bool {
						return slices.ContainsFunc(p.Hops, func(h Hop) bool {
							return d.Changed(h.Node, dst.Addr) || h.Kind != "vnet" && h.Kind != "firewall" && d.Rerouted(dst.Addr)
						})
					}) {
						continue
					}
					kept++
					if diff := cmp.Diff(was, s.Trace(f)); diff != "" {
						rt.Fatalf("%s: %s to %s (-healthy +now):\n%s", sc.ID, src.Addr, dst.Addr, diff)
					}
				}
			}
		}
	})
	if kept == 0 || kept == all {
		t.Errorf("%d of %d flows were taken to go the same way; neither none nor all can be right", kept, all)
	}
	t.Logf("%d of %d flows go the same way", kept, all)
}
