package deploy

import (
	"maps"
	"testing"

	azcloud "github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"

	"onramp/twin"
)

func signingIn(url string) azcloud.Configuration {
	return azcloud.Configuration{ActiveDirectoryAuthorityHost: url}
}

func TestEveryExampleIsAppliedOnceAndTakenAwayWhole(t *testing.T) {
	for _, name := range all() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, twin.Options{})
			target := r.target(designOf(t, r.c, name))
			empty := r.tw.Server().Len()
			got, err := r.apply(target, quick())
			if err != nil {
				t.Fatal(err)
			}
			if got.Written != len(target.items) {
				t.Errorf("%d of %d were written", got.Written, len(target.items))
			}
			p := r.plan(target, PlanOptions{})
			for _, c := range p.Changes {
				t.Errorf("after the apply: %s %s %v %v", c.Kind, c.ID, c.Properties, c.Drift)
			}
			before := r.log.all()
			if got, err = r.apply(target, quick()); err != nil || got.Written+got.Found+got.Deleted > 0 {
				t.Errorf("the second apply: %+v, %v", got, err)
			}
			if !maps.Equal(before, r.log.all()) {
				t.Error("the second apply wrote something")
			}
			got, err = r.destroy(target, quick())
			if err != nil || len(got.Kept) > 0 {
				t.Fatalf("%+v %v", got, err)
			}
			if p := r.plan(target, PlanOptions{}); p.Count(Create) != len(target.items) || p.Drifted() > 0 {
				t.Errorf("after the destroy: %v", kinds(p))
			}
			if n := r.tw.Server().Len(); n != empty {
				t.Errorf("%d records are left of %d before", n, empty)
			}
		})
	}
}

func (r *rig) destroy(t *Target, o Options) (*Result, error) {
	r.t.Helper()
	j, err := OpenJournal(r.journal)
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = j.Close() }()
	return Destroy(r.t.Context(), r.endpoint(), t, j, o)
}
