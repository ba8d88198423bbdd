package network

import (
	"fmt"
	"net/netip"
	"testing"

	"go4.org/netipx"
	"pgregory.net/rapid"
)

// drawSet draws a set of a few prefixes of a small space, or nil for any.
func drawSet(t *rapid.T, name string) *netipx.IPSet {
	n := rapid.IntRange(0, 3).Draw(t, name)
	if n == 0 {
		return nil
	}
	var b netipx.IPSetBuilder
	for range n {
		b.AddPrefix(drawPrefix(t, name))
	}
	s, err := b.IPSet()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func drawPrefix(t *rapid.T, name string) netip.Prefix {
	a := netip.AddrFrom4([4]byte{10, 0, 0, byte(rapid.IntRange(0, 63).Draw(t, name))})
	return netip.PrefixFrom(a, rapid.IntRange(26, 32).Draw(t, name+" bits")).Masked()
}

func TestQuickAndThoroughFirewallEvaluationAgreeWithLookingAtEveryPair(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := &firewall{}
		for i := range rapid.IntRange(0, 5).Draw(t, "rules") {
			f.rules = append(f.rules, rule{name: fmt.Sprint(i), allow: rapid.Bool().Draw(t, "allow"), src: drawSet(t, "src"), dst: drawSet(t, "dst"), whole: rapid.Bool().Draw(t, "whole")})
		}
		src, dst := drawPrefix(t, "from"), drawPrefix(t, "to")
		for _, strict := range []bool{false, true} {
			quick, _ := f.permits(src, dst, strict)
			thorough, _ := f.permitsParts(0, src, dst, strict)
			// A rule for some ports only: a pair is passed in part when such a rule allows it, and in whole only when a rule for
			// everything does before any that denies a part.
			want := strict
			for a := src.Addr(); src.Contains(a); a = a.Next() {
				for b := dst.Addr(); dst.Contains(b); b = b.Next() {
					any, all, open := false, false, true
					for i := range f.rules {
						r := &f.rules[i]
						if !open || r.src != nil && !r.src.Contains(a) || r.dst != nil && !r.dst.Contains(b) {
							continue
						}
						switch {
						case r.allow && r.whole:
							any, all, open = true, true, false
						case r.allow:
							any = true
						case r.whole || strict:
							open = false
						}
					}
					if strict && !all {
						want = false
					}
					if !strict && any {
						want = true
					}
				}
			}
			if quick != want || thorough != want {
				t.Fatalf("%s to %s, strict %v: quick %v, thorough %v, pair by pair %v", src, dst, strict, quick, thorough, want)
			}
		}
	})
}
