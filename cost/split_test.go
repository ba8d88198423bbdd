package cost

import (
	"testing"

	"pgregory.net/rapid"
)

func TestPartsOfASumAddUpToIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		total := cents(rapid.Int64Range(0, 1_000_000_000).Draw(t, "total"))
		weights := rapid.SliceOfN(rapid.Int64Range(-5, 400_000), 1, 40).Draw(t, "weights")
		sum := cents(0)
		for i, p := range split(total, weights) {
			if p < 0 {
				t.Fatalf("part %d of %d by %v is %d", i, total, weights, p)
			}
			sum += p
		}
		if sum != total {
			t.Fatalf("the parts of %d by %v add up to %d", total, weights, sum)
		}
	})
}

func TestNoPartIsFurtherThanACentFromItsExactShare(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		total := cents(rapid.Int64Range(0, 100_000_000).Draw(t, "total"))
		weights := rapid.SliceOfN(rapid.Int64Range(1, 400_000), 1, 40).Draw(t, "weights")
		var sum int64
		for _, w := range weights {
			sum += w
		}
		for i, p := range split(total, weights) {
			exact := float64(total) * float64(weights[i]) / float64(sum)
			if d := float64(p) - exact; d > 1 || d < -1 {
				t.Fatalf("part %d is %d, its exact share is %f", i, p, exact)
			}
		}
	})
}

func TestSplitOfKnownSums(t *testing.T) {
	for _, c := range []struct {
		name    string
		total   cents
		weights []int64
		want    []cents
	}{
		{"the odd cent goes to the earlier of equals", 100, []int64{1, 1, 1}, []cents{34, 33, 33}},
		{"the odd cent goes to the largest remainder", 100, []int64{1, 5}, []cents{17, 83}},
		{"nobody needs anything, so all pay alike", 10, []int64{0, 0}, []cents{5, 5}},
		{"who needs nothing pays nothing", 10, []int64{0, 3}, []cents{0, 10}},
		{"nobody is there", 10, nil, []cents{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := split(c.total, c.weights)
			if len(got) != len(c.want) {
				t.Fatalf("got %v, want %v", got, c.want)
			}
			for i := range got {
				if got[i] != c.want[i] {
					t.Fatalf("got %v, want %v", got, c.want)
				}
			}
		})
	}
}
