package cost

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"onramp/catalog"
	"onramp/design"
)

// Split is what a line that several share is split by.
type Split string

// The ways to split.
const (
	ByNeed    Split = "need"    // the bandwidth that each line of business needs
	Equally   Split = "equal"   // equal parts
	ByTraffic Split = "traffic" // what each line of business states that it sends out of Azure
)

// Splits returns the ways to split, the usual one first.
func Splits() []Split { return []Split{ByNeed, Equally, ByTraffic} }

// weight is what a line of business counts for.
func (s Split) weight(l lob) int64 {
	switch s {
	case Equally:
		return 1
	case ByTraffic:
		return wholeMB(l.gb)
	}
	return l.mbps
}

// wholeMB is traffic in megabytes, the finest that parts are told apart by.
func wholeMB(gb float64) int64 { return int64(math.Round(gb * 1000)) }

// CheckSplit refuses a split that a design's intent does not say enough for: by traffic, where somebody who shares a line does not
// state what they send.
func CheckSplit(d *design.Design, c *catalog.Catalog, s Split) error {
	if !slices.Contains(Splits(), s) {
		return fmt.Errorf("there is no split by %q; there are need, equal and traffic", string(s))
	}
	if s != ByTraffic {
		return nil
	}
	if d.Intent == nil {
		return fmt.Errorf("the design carries no intent that would state each line of business's traffic; split by need or equal")
	}
	states := map[string]bool{}
	for i := range d.Intent.LinesOfBusiness {
		l := &d.Intent.LinesOfBusiness[i]
		states[l.Name] = l.Needs.MonthlyEgressGB != nil
	}
	k := newClerk(d, c, Options{Split: s})
	k.month()
	var silent []string
	for i := range k.charges {
		for _, u := range k.charges[i].users {
			// What leaves over a circuit is paid by whoever sends it, under every split.
			if len(k.charges[i].users) > 1 && k.charges[i].item != itemOutbound && !states[u] {
				silent = append(silent, u)
			}
		}
	}
	slices.Sort(silent)
	if silent = slices.Compact(silent); len(silent) > 0 {
		return fmt.Errorf("lines of business that share do not state their traffic: %s; write needs.monthlyEgressGB for each, or split by need or equal", strings.Join(silent, ", "))
	}
	return nil
}

// cents is money in hundredths of a US dollar. All sums are made in cents, so that parts add up exactly to the whole.
type cents int64

// toCents rounds dollars to the nearest cent.
func toCents(usd float64) cents { return cents(math.Round(usd * 100)) }

// usd is the same money in dollars; a whole number of cents survives the way there and back.
func (c cents) usd() float64 { return float64(c) / 100 }

// split divides a sum by weights so that the parts add up exactly to it: each part is rounded down, then the cents that
// are left go to the largest remainders, the earlier part first among equals (the method of largest remainder, Hamilton
// 1792). Without any positive weight everybody gets an equal part. Negative weights count as zero.
func split(total cents, weights []int64) []cents {
	out := make([]cents, len(weights))
	if len(weights) == 0 {
		return out
	}
	w := make([]int64, len(weights))
	var sum int64
	for i, x := range weights {
		w[i] = max(x, 0)
		sum += w[i]
	}
	if sum == 0 {
		for i := range w {
			w[i] = 1
		}
		sum = int64(len(w))
	}
	type rest struct {
		part int
		left float64
	}
	rests := make([]rest, len(w))
	given := cents(0)
	for i, x := range w {
		exact := float64(total) * float64(x) / float64(sum)
		floor := math.Floor(exact)
		out[i] = cents(floor)
		given += out[i]
		rests[i] = rest{i, exact - floor}
	}
	slices.SortStableFunc(rests, func(a, b rest) int {
		switch {
		case a.left > b.left:
			return -1
		case a.left < b.left:
			return 1
		}
		return a.part - b.part
	})
	for i := 0; given < total; i++ {
		out[rests[i%len(rests)].part]++
		given++
	}
	for i := len(rests) - 1; given > total; i-- { // floating point may have rounded a part up
		out[rests[max(i, 0)].part]--
		given--
	}
	return out
}
