package sim

import (
	"math"
	"testing"
	"time"
)

func TestADefaultCallIsRatedAsTheRecommendationSays(t *testing.T) {
	// G.107 section 7.7: with all parameters at their default values R is 93.2.
	if c := Rate(0, 0); math.Abs(c.R-93.2) > 0.05 {
		t.Errorf("R is %.2f, want 93.2", c.R)
	}
}

func TestTheOpinionScoreFollowsTheRatingAsAnnexBTabulates(t *testing.T) {
	for _, c := range []struct{ r, mos float64 }{{100, 4.5}, {93.2, 4.41}, {90, 4.34}, {80, 4.03}, {70, 3.60}, {60, 3.10}, {50, 2.58}, {0, 1}, {-5, 1}} {
		if got := MOS(c.r); math.Abs(got-c.mos) > 0.007 { // the table rounds 4.024 up
			t.Errorf("R %.1f gives %.3f, want %.2f", c.r, got, c.mos)
		}
	}
}

func TestLossTakesWhatTheCodecsRobustnessSays(t *testing.T) {
	// (95 - Ie) Ppl / (Ppl + Bpl) with Ie = 0 and Bpl = 4.3: G.113 appendix I.
	for _, c := range []struct{ lost, off float64 }{{0, 0}, {0.01, 17.92}, {0.02, 30.16}, {0.043, 47.5}, {1, 91.08}} {
		if got := Rate(0, 0).R - Rate(0, c.lost).R; math.Abs(got-c.off) > 0.01 {
			t.Errorf("%.1f percent of loss take %.2f, want %.2f", 100*c.lost, got, c.off)
		}
	}
}

func TestMoreDelayAndMoreLossAreNeverBetter(t *testing.T) {
	last := math.Inf(1)
	for d := time.Duration(0); d < time.Second; d += 5 * time.Millisecond {
		r := Rate(d, 0).R
		if r > last+0.01 {
			t.Fatalf("%s rates %.2f, less delay %.2f", d, r, last)
		}
		last = r
		if Rate(d, 0.01).R >= r {
			t.Fatalf("%s: loss does not hurt", d)
		}
	}
	// G.114: below 150 ms most people are not bothered; above 400 ms it is not acceptable for planning.
	if r := Rate(150*time.Millisecond, 0).R; r < 80 {
		t.Errorf("150 ms rate %.1f, which would bother people", r)
	}
	if r := Rate(400*time.Millisecond, 0).R; r > 70 {
		t.Errorf("400 ms rate %.1f, which would bother nobody", r)
	}
}
