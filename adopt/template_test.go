package adopt_test

import (
	"encoding/json"
	"strings"
	"testing"

	"onramp/adopt"
	"onramp/design"
	"onramp/network"
)

func TestATemplateBecomesADesign(t *testing.T) {
	f, err := adopt.FromFile("hub.json", example(t, "hub.json"), adopt.Deployment{Subscription: "sub-hub", Group: "rg-hub", Location: "westeurope"})
	r := imported(t, f, err, adopt.Options{})
	golden(t, "hub.json", encoded(t, r.Design))
	golden(t, "hub.txt", told(r))
	n, findings := network.Build(r.Design.Resources, r.Design.Premises, facts(t), network.Options{})
	for _, x := range findings {
		if x.Severity == design.Error {
			t.Error(x)
		}
	}
	if len(n.Sessions()) == 0 {
		t.Error("nothing speaks with anything")
	}
	if strings.Contains(encoded(t, r.Design)+told(r), "an-md5-key") {
		t.Error("a secret is in what comes out")
	}
}

func TestATemplateTakesItsParameters(t *testing.T) {
	d := adopt.Deployment{Location: "westeurope", Parameters: map[string]json.RawMessage{"peeringLocation": json.RawMessage(`"London"`), "existingCircuit": json.RawMessage("true")}}
	f, err := adopt.FromFile("hub.json", example(t, "hub.json"), d)
	r := imported(t, f, err, adopt.Options{})
	if s := encoded(t, r.Design); !strings.Contains(s, `"peeringLocation": "London"`) || !strings.Contains(s, "rt-not-wanted") || !strings.Contains(s, "/subscriptions/imported/resourceGroups/imported/") {
		t.Error(s)
	}
}

func TestATemplateThatIsWrongSaysWhere(t *testing.T) {
	const head = `{"$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#", "contentVersion": "1.0.0.0", `
	for _, x := range []struct{ name, src, want string }{
		{"a parameter without a value", head + `"parameters": {"a": {"type": "string"}}, "resources": []}`, "'a'"},
		{"no region", head + `"resources": [{"type": "Microsoft.Network/routeTables", "apiVersion": "2024-05-01", "name": "r", "location": "[resourceGroup().location]", "properties": {}}]}`, "say in which region its resource group is"},
		{"a function that is none", head + "\n\"resources\": [{\"type\": \"Microsoft.Network/routeTables\", \"apiVersion\": \"2024-05-01\", \"name\": \"[nothing()]\"}]}", "t.json:2:"},
	} {
		t.Run(x.name, func(t *testing.T) {
			if _, err := adopt.FromFile("t.json", []byte(x.src), adopt.Deployment{}); err == nil || !strings.Contains(err.Error(), x.want) {
				t.Errorf("%v", err)
			}
		})
	}
}

func FuzzTemplateImport(f *testing.F) {
	f.Add(example(f, "hub.json"))
	f.Add([]byte(`{"$schema": "https://schema.management.azure.com/schemas/2018-05-01/subscriptionDeploymentTemplate.json#", "contentVersion": "1.0.0.0", "resources": [
		{"type": "Microsoft.Resources/deployments", "apiVersion": "2022-09-01", "name": "d", "resourceGroup": "g", "properties": {"mode": "Incremental", "template": {
		"$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#", "contentVersion": "1.0.0.0", "resources": [
		{"type": "Microsoft.Network/routeTables", "apiVersion": "2024-05-01", "name": "[concat('r', 't')]", "location": "westeurope", "tags": {"a": "[reference('x').y]", "b": "[listKeys('x', '2020-01-01')]"}, "properties": {}}]}}}]}`))
	c := facts(f)
	f.Fuzz(func(t *testing.T, src []byte) {
		found, err := adopt.FromTemplate("f", src, adopt.Deployment{Location: "westeurope"})
		if err != nil {
			return
		}
		r, err := adopt.Import([]*adopt.Found{found}, adopt.Options{Catalog: c})
		if err != nil {
			return
		}
		b, err := r.Design.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := design.Decode(b); err != nil {
			t.Fatalf("what was imported cannot be read: %v\n%s", err, b)
		}
		network.Build(r.Design.Resources, r.Design.Premises, c, network.Options{})
	})
}
