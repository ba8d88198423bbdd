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
			if early := at - time.Duration(rapid.Int64Range(1, int64(at-now)+1).Draw(t, "too early")); early >= now {
				if e, ok := fast.take(early); ok {
					t.Fatalf("got %v at %d", e, early)
				}
				if rapid.Bool().Draw(t, "plan then") {
					e := event{at: early, index: planned}
					planned++
					fast.add(e)
					slow = slices.Insert(slow, 0, e)
				}
			}
			e, ok := fast.take(slow[0].at + time.Duration(rapid.IntRange(0, 1000).Draw(t, "late")))
			if !ok || e != slow[0] {
				t.Fatalf("got %v (%t), want %v", e, ok, slow[0])
			}
			now, slow = e.at, slow[1:]
		}
	})
}
