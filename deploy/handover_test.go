package deploy

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"onramp/arm"
	"onramp/azure"
	"onramp/twin"
)

// provider says, as a circuit's provider, how far it is with it.
func (r *rig) provider(h HandOver, state string) {
	r.t.Helper()
	c := r.body(h.Circuit)
	p, err := azure.ParseID(string(h.Circuit))
	if err != nil {
		r.t.Fatal(err)
	}
	place := strings.ReplaceAll(text(c, "properties", "serviceProviderProperties", "peeringLocation"), " ", "")
	cross := azure.NewID(p.Subscription, "CrossConnection-"+place, "Microsoft.Network/expressRouteCrossConnections", h.ServiceKey)
	// When it has let go of a circuit, that may be gone before anybody can look.
	if _, err := r.endpoint().Put(r.t.Context(), cross, object{"location": c["location"], "properties": object{"serviceProviderProvisioningState": state, "peeringLocation": place}}); err != nil {
		r.t.Error(err)
	}
}

func TestAProviderIsHandedTheCircuitAndTheApplyGoesOnLater(t *testing.T) {
	r := newRig(t, twin.Options{Provider: arm.ProviderManual})
	target := r.target(designOf(t, r.c, "contoso-shared"))
	var told []HandOver
	o := quick()
	o.HandOver = func(h HandOver) { told = append(told, h) }
	got, err := r.apply(target, o)
	if err != nil || len(got.HandOvers) != 2 || len(told) != 2 || got.Waiting == 0 {
		t.Fatalf("%+v %v", got, err)
	}
	for _, h := range got.HandOvers {
		if len(h.ServiceKey) != 36 || h.State != "NotProvisioned" || h.Order == nil || !h.Order.Circuit.Equal(h.Circuit) {
			t.Errorf("%+v", h)
		}
	}
	// All that needs no provider is there; peerings, authorizations and connections are not.
	p := r.plan(target, PlanOptions{})
	for _, c := range p.Changes {
		if !strings.Contains(string(c.ID), "/connections/") && !strings.Contains(string(c.ID), "/expressRouteCircuits/") {
			t.Errorf("%s %s", c.Kind, c.ID)
		}
	}
	if len(p.HandOvers) != 2 {
		t.Error(p.HandOvers)
	}
	// Nothing has happened, and the apply says the same and writes nothing.
	again, err := r.apply(target, quick())
	if err != nil || again.Written > 0 || len(again.HandOvers) != 2 || again.HandOvers[0].ServiceKey == "" {
		t.Fatalf("%+v %v", again, err)
	}
	r.provider(got.HandOvers[0], "Provisioned")
	one, err := r.apply(target, quick())
	if err != nil || one.Written == 0 || len(one.HandOvers) != 1 {
		t.Fatalf("%+v %v", one, err)
	}
	// The other one comes while somebody waits.
	o = quick()
	o.Wait = time.Minute
	o.HandOver = func(h HandOver) { go r.provider(h, "Provisioned") }
	last, err := r.apply(target, o)
	if err != nil || len(last.HandOvers) > 0 || last.Waiting > 0 {
		t.Fatalf("%+v %v", last, err)
	}
	if p := r.plan(target, PlanOptions{}); len(p.Changes)+len(p.HandOvers) > 0 {
		t.Error(kinds(p))
	}

	// Taken away, the circuits wait until their providers have let go of them.
	gone, err := r.destroy(target, quick())
	if err != nil || len(gone.HandOvers) != 2 || gone.Deleted == 0 {
		t.Fatalf("%+v %v", gone, err)
	}
	o = quick()
	o.Wait = time.Minute
	o.HandOver = func(h HandOver) { go r.provider(h, "NotProvisioned") }
	if gone, err = r.destroy(target, o); err != nil || len(gone.HandOvers)+len(gone.Kept) > 0 {
		t.Fatalf("%+v %v", gone, err)
	}
	if n := r.tw.Server().Len(); n != 0 {
		t.Errorf("%d are left", n)
	}
}

func TestStatusShowsNoKeys(t *testing.T) {
	r := newRig(t, twin.Options{})
	target := r.target(designOf(t, r.c, "contoso-shared"))
	if _, err := r.apply(target, quick()); err != nil {
		t.Fatal(err)
	}
	j, err := ReadJournal(r.journal)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Look(t.Context(), r.endpoint(), target, j)
	if err != nil || s.Missing+s.Differs > 0 || s.There != len(target.items) {
		t.Fatalf("%+v %v", s, err)
	}
	b, _ := json.Marshal(s)
	log := r.journalText()
	for _, x := range target.items {
		for _, k := range []string{"serviceKey", "authorizationKey"} {
			if x.is("expressRouteCircuits") && k == "serviceKey" || x.is("expressRouteCircuits/authorizations") && k == "authorizationKey" {
				key := text(r.body(x.id), "properties", k)
				if key == "" || strings.Contains(string(b), key) || strings.Contains(log, key) {
					t.Errorf("the key of %s is %q, and is shown", x.id, key)
				}
			}
		}
	}
}
