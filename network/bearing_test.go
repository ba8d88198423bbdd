package network

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// way is a path without the words and delays that no verdict rests on.
func way(paths []Path) []string {
	var out []string
	for _, p := range paths {
		s := fmt.Sprintf("%.4f %s", p.Share, p.Fate)
		for _, h := range p.Hops {
			s += fmt.Sprintf(" | %s %s via %s [%s]", h.Node, h.Route, h.Via, h.Why)
		}
		out = append(out, s)
	}
	return out
}

// someOf draws a subset of elements, most often a small one.
func someOf(rt *rapid.T, n *Network, label string, ok func(i int) bool) []string {
	var out []string
	odds := rapid.IntRange(1, 8).Draw(rt, label+" odds")
	for i, e := range n.Elements() {
		if ok(i) && rapid.IntRange(0, odds).Draw(rt, label) == 0 {
			out = append(out, e.ID)
		}
	}
	return out
}

func failing(t interface{ Fatal(...any) }, n *Network, ids ...string) Scenario {
	sc, err := n.Scenario(ids...)
	if err != nil {
		t.Fatal(err)
	}
	return sc
}

func TestAFlowGoesTheSameWaysWhateverElseFailsThanWhatItRestsOn(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := randomEstate(t, rt)
		b := n.NewBearing()
		first := someOf(rt, n, "failed", func(int) bool { return true })
		s := n.Converge(failing(rt, n, first...))
		for _, src := range n.Endpoints() {
			for _, dst := range n.Endpoints() {
				f := Flow{Src: src, Dst: dst}
				paths := s.Trace(f)
				rests := b.Of(s, f, paths)
				more := someOf(rt, n, "more", func(i int) bool { return !rests.Has(i) })
				sc := failing(rt, n, append(slices.Clone(more), first...)...)
				after := n.Converge(sc)
				if d := cmp.Diff(way(paths), way(after.Trace(f))); d != "" {
					rt.Fatalf("%v to %v with %v failed, then %v (-before +after):\n%s", src.Addr, dst.Addr, first, more, d)
				}
				if s.Up(src) != after.Up(src) || s.Up(dst) != after.Up(dst) {
					rt.Fatalf("an end went down with %v", more)
				}
			}
		}
	})
}

func TestElementsThatAreAlikeTakeTheSameThingsDown(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := randomEstate(t, rt)
		seen := 0
		for _, g := range n.Alike() {
			seen += len(g)
			first := n.Converge(failing(rt, n, n.Elements()[g[0]].ID))
			var all []string
			for _, i := range g {
				all = append(all, n.Elements()[i].ID)
				if d := cmp.Diff(tables(first), tables(n.Converge(failing(rt, n, n.Elements()[i].ID)))); d != "" {
					rt.Fatalf("%s and %s (-first +second):\n%s", n.Elements()[g[0]].ID, n.Elements()[i].ID, d)
				}
			}
			if d := cmp.Diff(tables(first), tables(n.Converge(failing(rt, n, all...)))); d != "" {
				rt.Fatalf("%v together:\n%s", all, d)
			}
		}
		if seen != len(n.Elements()) {
			rt.Fatalf("%d of %d elements are in a group", seen, len(n.Elements()))
		}
	})
}
