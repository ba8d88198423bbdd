package rehearse

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"onramp/design"
)

// happened are a drill's events of one kind.
func happened(d *Drill, after, what string) []DrillEvent {
	var out []DrillEvent
	for _, e := range d.Events {
		if e.After == after && e.What == what {
			out = append(out, e)
		}
	}
	return out
}

func TestADrillTellsWhatHappenedInTheOrderOfTime(t *testing.T) {
	e := example(t, "northwind", "")
	r := e.rehearse(t, Options{Seed: 7, Drills: some()})
	for i := range r.Drills {
		d := &r.Drills[i]
		for k, ev := range d.Events {
			if ev.UntilMs < ev.AtMs || ev.Count < 1 {
				t.Errorf("%s: %+v", d.ID, ev)
			}
			if k > 0 {
				if was := d.Events[k-1]; was.After > ev.After || was.After == ev.After && was.AtMs > ev.AtMs {
					t.Errorf("%s: %+v comes after %+v", d.ID, ev, was)
				}
			}
		}
		for _, x := range []struct{ after, what string }{{AfterFailure, EventFail}, {AfterFailure, EventQuiet}, {AfterRepair, EventRepair}, {AfterRepair, EventQuiet}} {
			if n := len(happened(d, x.after, x.what)); n != 1 {
				t.Errorf("%s: %q is told %d times", d.ID, x.what, n)
			}
		}
		if len(d.Events) > mostEvents {
			t.Errorf("%s: %d events", d.ID, len(d.Events))
		}
		routes := 0
		for _, ev := range happened(d, AfterFailure, EventRoutes) {
			routes += ev.Count
		}
		if routes != d.Failure.Routes {
			t.Errorf("%s: events count %d changes of routes, the drill %d", d.ID, routes, d.Failure.Routes)
		}
	}
}

func TestWhatHasToNoticeIsAmongTheEventsAndInTime(t *testing.T) {
	e := example(t, "northwind", "")
	r := e.rehearse(t, Options{Seed: 3, Drills: []string{"link:toronto/equinix-toronto/1", "router:toronto-msee1", "gateway:ergw-hub/0"}})
	for i := range r.Drills {
		d := &r.Drills[i]
		for _, det := range d.Detections {
			what := map[string]string{"bfd": EventBFDDown, "hold": EventSessionDown, "notice": EventNotice}[det.By]
			in := slices.ContainsFunc(happened(d, AfterFailure, what), func(e DrillEvent) bool { return e.AtMs <= det.UpperMs+1 && e.UntilMs >= det.LowerMs })
			if !in {
				t.Errorf("%s: no event is %s of %s between %g and %g ms", d.ID, what, det.At, det.LowerMs, det.UpperMs)
			}
		}
		if len(d.Detections) == 0 {
			t.Errorf("%s: nobody has to notice", d.ID)
		}
	}
}

func TestRunsOfLossesAreTheLostPackets(t *testing.T) {
	e := example(t, "northwind", "")
	r := e.rehearse(t, Options{Seed: 7, Drills: some()})
	losses, open := 0, 0
	for i := range r.Drills {
		d := &r.Drills[i]
		for k := range d.Flows {
			f := &d.Flows[k]
			lost := 0
			for _, list := range [][]LossSpan{f.Losses, f.RepairLosses} {
				for n, s := range list {
					lost += s.Lost
					if s.ToMs <= s.FromMs || s.Lost < 1 || s.Lost > s.Sent || n > 0 && s.FromMs < list[n-1].ToMs {
						t.Errorf("%s: %s: %+v", d.ID, f.Flow, list)
					}
				}
			}
			if lost != f.Lost+f.RepairLost {
				t.Errorf("%s: %s: runs of %d lost packets, of %d", d.ID, f.Flow, lost, f.Lost+f.RepairLost)
			}
			losses += lost
			if f.Seen == None && len(f.RepairLosses) > 0 {
				open++
			}
			if n := len(f.Losses); f.Seen == Whole && n > 0 && f.Losses[n-1].ToMs-f.Losses[0].FromMs != f.OutageMs {
				t.Errorf("%s: %s: an outage of %g ms in the runs %+v", d.ID, f.Flow, f.OutageMs, f.Losses)
			}
		}
	}
	if losses == 0 || open == 0 {
		t.Errorf("%d packets lost, %d flows that were lost until after the repair: the test shows nothing", losses, open)
	}
}

func TestWhatHappenedInTheWholeEstateIsToldOncePerDrill(t *testing.T) {
	e := example(t, "fabrikam-isolated", design.Isolated)
	if parts, err := newParts(e.d, e.n, e.c, e.proof, Options{}); err != nil || len(parts) < 2 {
		t.Fatalf("%d parts, %v", len(parts), err)
	}
	r := e.rehearse(t, Options{Seed: 7, Drills: []string{"site:london"}})
	for _, what := range []string{EventFail, EventQuiet} {
		if n := len(happened(&r.Drills[0], AfterFailure, what)); n != 1 {
			t.Errorf("%q is told %d times", what, n)
		}
	}
}

func TestCondensedEventsLoseNothingButDetail(t *testing.T) {
	whats := []string{EventBFDDown, EventSessionDown, EventRoutes, EventBFDUp, EventSessionUp}
	rapid.Check(t, func(t *rapid.T) {
		var list []DrillEvent
		for i := range rapid.IntRange(0, 80).Draw(t, "n") {
			at := float64(rapid.IntRange(0, 100_000).Draw(t, "at"))
			list = append(list, DrillEvent{After: rapid.SampledFrom([]string{AfterFailure, AfterRepair}).Draw(t, "after"), AtMs: at, UntilMs: at, What: rapid.SampledFrom(whats).Draw(t, "what"),
				At: fmt.Sprint("router", i), Why: rapid.SampledFrom([]string{"", "a", "b", "c", "d"}).Draw(t, "why"), Count: 1})
		}
		most := rapid.IntRange(2*len(whats), 30).Draw(t, "most")
		out := Condensed(list, most)
		if len(out) > most {
			t.Fatalf("%d events of at most %d", len(out), most)
		}
		for _, what := range whats {
			for _, after := range []string{AfterFailure, AfterRepair} {
				a, b := &Drill{Events: list}, &Drill{Events: out}
				n, first, last := sumOf(happened(a, after, what))
				m, from, to := sumOf(happened(b, after, what))
				if n != m || first != from || last != to {
					t.Fatalf("%s after the %s: %d from %g to %g became %d from %g to %g", what, after, n, first, last, m, from, to)
				}
			}
		}
	})
}

func sumOf(list []DrillEvent) (n int, first, last float64) {
	for i, e := range list {
		n += e.Count
		if i == 0 || e.AtMs < first {
			first = e.AtMs
		}
		last = max(last, e.UntilMs)
	}
	return n, first, last
}

func TestRunsThatAreTooManyAreJoinedWhereTheyAreNearest(t *testing.T) {
	var list []LossSpan
	for i := range mostSpans + 1 {
		list = append(list, LossSpan{FromMs: float64(1000 * i), ToMs: float64(1000*i + 20), Lost: 1, Sent: 1})
	}
	list[5].FromMs = 4900 // nearest to the one before
	got := fewer(list)
	if len(got) != mostSpans || got[4] != (LossSpan{FromMs: 4000, ToMs: 5020, Lost: 2, Sent: 2}) {
		t.Errorf("%d runs: %+v", len(got), got)
	}
}
