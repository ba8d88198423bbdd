package rehearse

import "testing"

// BenchmarkBuiltIn drills every element of the example that comes with the program, one at a time.
func BenchmarkBuiltIn(b *testing.B) {
	e := example(b, "northwind", "")
	for b.Loop() {
		e.rehearse(b, Options{Seed: 1})
	}
}
