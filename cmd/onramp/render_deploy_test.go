package main

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"onramp/arm"
	"onramp/azure"
	"onramp/deploy"
	"onramp/design"
)

// What a rendered template makes through Microsoft.Resources/deployments is the estate: it conforms, and a deployment of the design has
// nothing more to do than to mark it as its own.
func TestARenderedTemplateGivesTheEstateAndItConforms(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Cleanup(func() { stopTwins(".") })
	onramp := func(want int, line string) []byte {
		t.Helper()
		var out, stderr bytes.Buffer
		if code := run(strings.Fields(line), strings.NewReader(""), &out, &stderr); code != want {
			t.Fatalf("onramp %s: exit code %d: %s%s", line, code, out.String(), stderr.String())
		}
		return out.Bytes()
	}
	onramp(0, "init --example contoso-shared estate.yaml")
	if err := os.WriteFile("design.json", onramp(0, "design estate.yaml"), 0o600); err != nil {
		t.Fatal(err)
	}
	text := onramp(0, "render design.json")
	src, err := os.ReadFile("design.json")
	if err != nil {
		t.Fatal(err)
	}
	d, err := design.Decode(src)
	if err != nil {
		t.Fatal(err)
	}
	onramp(0, "twin start --detach --listen 127.0.0.1:0")
	f := cloudFlags{cloud: cloudTwin, state: twinState}
	at, err := f.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer at.close()
	names, err := azure.Subscriptions(d.Resources)
	if err != nil {
		t.Fatal(err)
	}
	homes, err := at.subscriptions(t.Context(), names, makeUnknown)
	if err != nil {
		t.Fatal(err)
	}
	subscriptions, principals := map[string]string{}, map[string]string{}
	for _, n := range names {
		subscriptions[n] = homes[strings.ToLower(n)]
	}
	for _, p := range deploy.Principals(d) {
		principals[p] = arm.PrincipalID(p)
	}
	id := azure.ID("/subscriptions/" + subscriptions[names[0]] + "/providers/Microsoft.Resources/deployments/estate")
	for _, provisioned := range []bool{false, true} { // before and after the providers have done their part
		type value struct {
			Value any `json:"value"`
		}
		o, err := at.Put(t.Context(), id, map[string]any{"location": "westeurope", "properties": map[string]any{"mode": "Incremental", "template": json.RawMessage(text),
			"parameters": map[string]value{"subscriptions": {subscriptions}, "principals": {principals}, "providersHaveProvisioned": {provisioned}}}})
		if err == nil {
			_, err = o.Wait(t.Context())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	onramp(0, "twin net premises design.json")
	onramp(0, "conform design.json --wait 1m")

	var p deploy.Plan
	if err := json.Unmarshal(onramp(0, "deploy plan design.json --json"), &p); err != nil {
		t.Fatal(err)
	}
	for _, x := range p.Changes {
		for _, y := range x.Properties {
			if x.Kind != deploy.Modify || !strings.HasPrefix(y.Path, "tags") {
				t.Errorf("%s %s %s: %s -> %s", x.Kind, x.ID, y.Path, y.From, y.To)
			}
		}
		if x.Kind != deploy.Modify {
			t.Errorf("%s %s", x.Kind, x.ID)
		}
	}
	if len(p.Changes)+p.Same == 0 {
		t.Error("the plan compares nothing")
	}
}
