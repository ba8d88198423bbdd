package sim

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestTheAgendaGivesEventsByTimeAndThenInTheOrderOfPlanning(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var fast agenda
		var slow []event // by time, then as planned
		now, planned := time.Duration(0), int32(0)
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			if rapid.Bool().Draw(t, "plan") {
				ahead := rapid.SampledFrom([]time.Duration{0, 1, 1000, time.Millisecond, time.Hour, 1 << 60}).Draw(t, "ahead")
				if rapid.Bool().Draw(t, "ask before") {
					fast.first()
				}
				e := event{at: now + ahead/time.Duration(rapid.IntRange(1, 3).Draw(t, "part of it")), index: planned}
				planned++
				fast.add(e)
				i, _ := slices.BinarySearchFunc(slow, e.at+1, func(x event, at time.Duration) int { return int(min(max(x.at-at, -1), 1)) })
				slow = slices.Insert(slow, i, e)
				continue
			}
			at, ok := fast.first()
			if ok != (len(slow) > 0) || ok && at != slow[0].at {
				t.Fatalf("the first is at %d (%t), want %v", at, ok, slow)
			}
			if !ok {
				continue
			}
			if now > 1<<61 {
				return // 146 years
			}
			e := fast.next()
			if e != slow[0] {
				t.Fatalf("got %v, want %v", e, slow[0])
			}
			now, slow = e.at, slow[1:]
		}
	})
}
