//go:build linux

package speaker_test

import (
	"testing"
	"time"
)

// eventually waits until ok says that what is so, at most for within. It is the only place of the laboratory that waits for
// a real daemon; it asks again and again, ever more rarely, and tells the last state when the time is over.
func eventually(t testing.TB, within time.Duration, what string, ok func() (bool, string)) {
	t.Helper()
	deadline := time.Now().Add(within)
	for pause := 5 * time.Millisecond; ; pause = min(pause*3/2, 200*time.Millisecond) {
		done, state := ok()
		if done {
			return
		}
		left := time.Until(deadline)
		if left <= 0 {
			t.Fatalf("%s: not within %s; the last state was:\n%s", what, within, state)
		}
		time.Sleep(min(pause, left))
	}
}
