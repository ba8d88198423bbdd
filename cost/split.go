package cost

import (
	"math"
	"slices"
)

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
