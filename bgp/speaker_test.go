package bgp

import (
	"testing"
	"time"
)

func pairOf(t testing.TB, ca, cb NeighborConfig) (w *world, a, b *node) {
	w = newWorld(t)
	a = w.node("a", SpeakerConfig{AS: 65001, RouterID: ip("10.0.0.1"), Seed: 1})
	b = w.node("b", SpeakerConfig{AS: 65002, RouterID: ip("10.0.0.2"), Seed: 2})
	w.join(a, b, ca, cb)
	return w, a, b
}

func TestTwoSpeakersExchangeRoutesAndTakeThemBack(t *testing.T) {
	w, a, b := pairOf(t, openly(), openly())
	a.originate("10.1.0.0/16", Attrs{})
	a.start()
	b.start()
	w.run(time.Second)
	b.originate("10.2.0.0/16", Attrs{})
	w.run(time.Second)
	if got, want := a.table(), "10.1.0.0/16 []\n10.2.0.0/16 [65002]\n"; got != want {
		t.Errorf("a holds\n%swant\n%s", got, want)
	}
	if got, want := b.table(), "10.1.0.0/16 [65001]\n10.2.0.0/16 []\n"; got != want {
		t.Errorf("b holds\n%swant\n%s", got, want)
	}
	a.withdraw("10.1.0.0/16")
	w.run(time.Second)
	if got, want := b.table(), "10.2.0.0/16 []\n"; got != want {
		t.Errorf("b holds\n%swant\n%s", got, want)
	}
	if t.Failed() {
		for _, l := range w.log {
			t.Log(l)
		}
	}
}
