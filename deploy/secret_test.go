package deploy

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"onramp/azure"
	"onramp/design"
	"onramp/twin"
)

// keyed is a design whose first private peering has an MD5 key, and the name under which an import would stand for it.
func keyed(t *testing.T, d *design.Design, key string) (circuit, name string) {
	t.Helper()
	for _, c := range azure.Of[*azure.ExpressRouteCircuit](d.Resources) {
		for i := range c.Properties.Peerings {
			if p := &c.Properties.Peerings[i]; p.Name == "AzurePrivatePeering" {
				name = "sharedKey of " + c.Name
				if key == "" {
					key = "<" + name + ">"
				}
				p.Properties.SharedKey = key
				return c.Name, name
			}
		}
	}
	t.Fatal("no private peering")
	return "", ""
}

// keyAt is the key that the endpoint has for a circuit's private peering.
func (r *rig) keyAt(t *Target, circuit string) string {
	r.t.Helper()
	for _, x := range t.items {
		if x.is("expressRouteCircuits/peerings") && x.id.Name() == "AzurePrivatePeering" && x.id.Parent().Name() == circuit {
			b, err := r.endpoint().Get(r.t.Context(), x.id)
			if err != nil {
				r.t.Fatal(err)
			}
			var o object
			if err := json.Unmarshal(b, &o); err != nil {
				r.t.Fatal(err)
			}
			return text(o, "properties", "sharedKey")
		}
	}
	r.t.Fatal("no such peering")
	return ""
}

func TestWhatStandsForASecretIsNeverSent(t *testing.T) {
	const key, other = "aZ09theFirstKey", "aZ09theOtherKey"
	r := newRig(t, twin.Options{})
	d := designOf(t, r.c, "contoso-shared")
	circuit, name := keyed(t, d, "")
	target := r.target(d)

	// Neither given nor there: nothing is touched.
	_, err := r.apply(target, quick())
	var no *RefusedError
	if !errors.As(err, &no) || !strings.Contains(err.Error(), `--secret "`+name+`=FILE"`) {
		t.Fatalf("a secret that nobody gave: %v", err)
	}
	if n := len(r.log.all()); n > 0 {
		t.Fatalf("%d resources were written before it was refused", n)
	}

	given := func(secret string) *Target {
		n := r.names(d)
		n.Secrets = map[string]string{strings.ToLower(name): secret}
		x, err := Prepare(d, n)
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	if _, err := r.apply(given(key), quick()); err != nil {
		t.Fatal(err)
	}
	if got := r.keyAt(target, circuit); got != key {
		t.Fatalf("the key at the endpoint is %q", got)
	}

	// No file has it, and that it is not there is no drift.
	if b, err := os.ReadFile(r.journal); err != nil || strings.Contains(string(b), key) {
		t.Errorf("the journal has the key (%v)", err)
	}
	for _, c := range r.plan(given(key), PlanOptions{}).Changes {
		t.Errorf("just applied: %s %v, drift %v", c.ID, c.Properties, c.Drift)
	}

	// There, and not given: it stays, and so it does when the peering is written for another reason.
	if p := r.plan(target, PlanOptions{}); p.Steps() != 0 || len(p.Problems) > 0 {
		t.Errorf("with the key at the endpoint: %d steps, %v", p.Steps(), p.Problems)
	}
	for _, c := range azure.Of[*azure.ExpressRouteCircuit](d.Resources) {
		if c.Name == circuit {
			for i := range c.Properties.Peerings {
				c.Properties.Peerings[i].Properties.VLANID += 7
			}
		}
	}
	if res, err := r.apply(r.target(d), quick()); err != nil || res.Written == 0 {
		t.Fatal(res, err)
	}
	if got := r.keyAt(target, circuit); got != key {
		t.Errorf("after another change the key at the endpoint is %q", got)
	}

	// Another one is a change, and a plan shows neither.
	p := r.plan(given(other), PlanOptions{})
	b, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	if p.Count(Modify) != 1 || strings.Contains(string(b), key) || strings.Contains(string(b), other) {
		t.Errorf("a plan with another key: %s", b)
	}
}

func TestAStepWhoseSecretIsGoneSendsNothing(t *testing.T) {
	x := &item{id: "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/connections/c", typ: "Microsoft.Network/connections",
		body: object{"properties": object{"sharedKey": "<sharedKey of c>"}}}
	if b, err := x.sent(nil); err == nil {
		t.Errorf("sent %v", b)
	}
	x.body = object{"properties": object{"sharedKey": "value", "description": "<sharedKey of c>"}}
	if _, err := x.sent(nil); err != nil {
		t.Errorf("a description is no secret: %v", err)
	}
}
