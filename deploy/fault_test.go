package deploy

import (
	"slices"
	"strings"
	"testing"
	"time"

	"onramp/arm"
	"onramp/examples"
	"onramp/twin"
)

func TestWhatGoesWrongAndPassesChangesNothingOfTheEnd(t *testing.T) {
	kinds := []struct {
		name   string
		faults []arm.Fault
		fails  bool // whether an apply may end with an error, and the next one goes on
		once   bool // whether nothing is written a second time
	}{
		{"429", []arm.Fault{{What: arm.FaultThrottle, Every: 9}}, false, true},
		{"500", []arm.Fault{{What: arm.FaultError, Every: 3}}, false, true},
		{"connections cut before anything is done", []arm.Fault{{What: arm.FaultTimeout, Every: 3}}, false, true},
		{"connections cut after the write", []arm.Fault{{What: arm.FaultCut, Every: 3}}, false, true},
		{"slow operations", []arm.Fault{{What: arm.FaultSlow, Every: 4, Delay: 60 * time.Millisecond}}, false, true},
		{"operations that fail", []arm.Fault{{What: arm.FaultFail, Every: 7}}, true, false},
		{"all at once", []arm.Fault{{What: arm.FaultError, Every: 5}, {What: arm.FaultCut, Every: 4}, {What: arm.FaultTimeout, Every: 7}, {What: arm.FaultSlow, Every: 6, Delay: 30 * time.Millisecond}}, false, true},
	}
	for _, name := range []string{"contoso-shared", "tailwind-isolated-hub-spoke"} {
		t.Run(name, func(t *testing.T) {
			calm := newRig(t, twin.Options{})
			d := designOf(t, calm.c, name)
			if _, err := calm.apply(calm.target(d), quick()); err != nil {
				t.Fatal(err)
			}
			for _, k := range kinds {
				t.Run(k.name, func(t *testing.T) {
					t.Parallel()
					r := newRig(t, twin.Options{})
					target := r.target(d)
					if err := r.tw.Server().SetFaults(k.faults); err != nil {
						t.Fatal(err)
					}
					got, err := r.apply(target, quick())
					for n := 0; err != nil && k.fails && n < 20; n++ {
						got, err = r.apply(target, quick())
					}
					if err != nil {
						t.Fatal(err, got)
					}
					if err := r.tw.Server().SetFaults(nil); err != nil {
						t.Fatal(err)
					}
					silent := 0 // those whose only write had no answer: it was looked whether it was done
					for _, x := range target.items {
						n := r.log.times(x.key)
						if n == 0 {
							silent++
						}
						if k.once && n > 1 {
							t.Errorf("%s was written %d times", x.id, n)
						}
					}
					if cut := k.faults[0].What == arm.FaultCut; cut && silent < len(target.items)/4 || !cut && len(k.faults) == 1 && silent > 0 {
						t.Errorf("%d of %d were written without an answer", silent, len(target.items))
					}
					r.same(calm, target)
				})
			}
		})
	}
}

func TestKilledWhileMuchIsUnderWayTheNextApplyEndsAsOneThatNobodyDisturbed(t *testing.T) {
	calm := newRig(t, twin.Options{})
	d := designOf(t, calm.c, "fabrikam-isolated")
	if _, err := calm.apply(calm.target(d), quick()); err != nil {
		t.Fatal(err)
	}
	r := newRig(t, twin.Options{})
	target := r.target(d)
	r.kills(target, false, Parallel)
	r.same(calm, target)
}

func TestKilledWhileTheEndpointIsAtWorkTheNextApplyWaitsForItsEnd(t *testing.T) {
	calm := newRig(t, twin.Options{})
	d := designOf(t, calm.c, "fabrikam-isolated")
	if _, err := calm.apply(calm.target(d), quick()); err != nil {
		t.Fatal(err)
	}
	r := newRig(t, twin.Options{})
	target := r.target(d)
	if err := r.tw.Server().SetFaults([]arm.Fault{{What: arm.FaultSlow, Delay: 250 * time.Millisecond}}); err != nil {
		t.Fatal(err)
	}
	hit := r.kills(target, true, 1)
	for _, x := range target.items {
		if !hit["sent "+string(x.id)] {
			t.Errorf("nobody was killed when %s had been sent", x.id)
		}
		if n := r.log.times(x.key); n != 1 {
			t.Errorf("%s was written %d times", x.id, n)
		}
	}
	r.same(calm, target)
}

func TestAFailureStopsWhatNeedsItAndNothingElse(t *testing.T) {
	r := newRig(t, twin.Options{})
	target := r.target(designOf(t, r.c, "fabrikam-isolated"))
	if err := r.tw.Server().SetFaults([]arm.Fault{{What: arm.FaultFail, Operation: "VirtualNetworkGateways_CreateOrUpdate", Times: 1}}); err != nil {
		t.Fatal(err)
	}
	o := quick()
	o.Parallel = 1
	got, err := r.apply(target, o)
	if err == nil || len(got.Failed) != 1 || !strings.Contains(string(got.Failed[0].ID), "virtualNetworkGateways") {
		t.Fatal(got, err)
	}
	failed := got.Failed[0].ID
	for _, id := range got.Blocked {
		if !strings.Contains(string(id), "/connections/") && !strings.HasPrefix(string(id), string(failed)+"/") {
			t.Errorf("%s was not tried", id)
		}
	}
	if got.Written+len(got.Failed)+len(got.Blocked) != len(target.items) || len(got.Blocked) == 0 {
		t.Errorf("%+v of %d", got, len(target.items))
	}
	if got, err = r.apply(target, quick()); err != nil || !got.Resumed {
		t.Fatal(got, err)
	}
	if p := r.plan(target, PlanOptions{}); len(p.Changes) > 0 {
		t.Error(p.Changes)
	}
}

// all are the examples, the one that takes longest first.
func all() []string {
	names := slices.Clone(examples.Names())

	i := slices.Index(names, "relecloud-forty")
	names[0], names[i] = names[i], names[0]
	return names
}
