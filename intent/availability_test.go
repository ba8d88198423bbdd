package intent_test

import (
	"testing"

	"onramp/intent"
)

func TestAFigureIsReadFromACommandLine(t *testing.T) {
	for _, x := range []struct {
		text, kind string
		percent    float64
		ok         bool
	}{
		{"link=99.9", "link", 99.9, true},
		{"site=100", "site", 100, true},
		{"msee=0.5", "msee", 0.5, true},
		{"link=0", "", 0, false},
		{"link=100.1", "", 0, false},
		{"link=NaN", "", 0, false},
		{"link", "", 0, false},
		{"link=often", "", 0, false},
		{"cable=99", "", 0, false},
		{"", "", 0, false},
	} {
		kind, percent, ok := intent.ParseStated(x.text)
		if ok != x.ok || ok && (kind != x.kind || percent != x.percent) {
			t.Errorf("%q is %s, %v, %v", x.text, kind, percent, ok)
		}
	}
}

func TestWhatIsStatedIsNotOverwritten(t *testing.T) {
	for i, kind := range intent.StatedKinds() {
		t.Run(kind, func(t *testing.T) {
			var s intent.Stated
			if _, ok := s.Of(kind); ok {
				t.Error("a figure before one is stated")
			}
			first := 90 + float64(i)
			if !s.Fill(kind, first) || !s.Fill(kind, 50) {
				t.Error("there is no such kind")
			}
			if got, ok := s.Of(kind); !ok || got != first {
				t.Errorf("%v, %v; want %v", got, ok, first)
			}
			for _, other := range intent.StatedKinds() {
				if _, ok := s.Of(other); ok && other != kind {
					t.Errorf("%s is stated too", other)
				}
			}
		})
	}
	var s intent.Stated
	if s.Fill("cable", 99) {
		t.Error("there is a kind cable")
	}
}
