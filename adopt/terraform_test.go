package adopt_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"onramp/adopt"
	"onramp/design"
	"onramp/network"
)

var update = flag.Bool("update", false, "rewrite the expected output in testdata")

// golden compares with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); d != "" {
		t.Errorf("%s: %s", name, d)
	}
}

// example is a file of examples/import.
func example(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "examples", "import", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// imported is the design of one source.
func imported(t testing.TB, f *adopt.Found, err error, o adopt.Options) *adopt.Result {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	o.Catalog = facts(t)
	r, err := adopt.Import([]*adopt.Found{f}, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// told is what a report says, a line each.
func told(r *adopt.Result) string {
	var out strings.Builder
	for _, s := range r.Sources {
		fmt.Fprintf(&out, "%s (%s): %d read, %d known\n", s.Name, s.Kind, s.Read, s.Known)
	}
	for _, n := range r.Notes {
		fmt.Fprintf(&out, "%s: %s\n", n.Kind, n)
	}
	for _, a := range r.Assumptions {
		fmt.Fprintf(&out, "assumed: %s\n", a.Name)
	}
	return out.String()
}

var contoso = map[string]string{"sub-net": "11111111-2222-3333-4444-555555555555"}

func TestAStateOfTerraformBecomesADesign(t *testing.T) {
	f, err := adopt.FromTerraform("contoso.tfstate", example(t, "contoso.tfstate"))
	r := imported(t, f, err, adopt.Options{Subscriptions: contoso, Principals: map[string]string{"grp-ops": "88888888-0000-0000-0000-000000000001"}})
	golden(t, "contoso.json", encoded(t, r.Design))
	golden(t, "contoso.txt", told(r))
	_, findings := network.Build(r.Design.Resources, r.Design.Premises, facts(t), network.Options{})
	for _, x := range findings {
		if x.Severity == design.Error {
			t.Error(x)
		}
	}
	for _, word := range []string{"an-md5-secret", "c0ffee00", "6f000000", "7f000000"} {
		if strings.Contains(encoded(t, r.Design)+told(r), word) {
			t.Errorf("the secret %s is in what comes out", word)
		}
	}
}

// asShown is a state file in the form that `terraform show -json` prints.
func asShown(t *testing.T, src []byte) []byte {
	t.Helper()
	var state struct {
		Resources []struct {
			Module, Mode, Type, Name string
			Instances                []struct {
				IndexKey   any `json:"index_key"`
				Attributes map[string]any
				Sensitive  [][]struct{ Value string } `json:"sensitive_attributes"`
			}
		}
	}
	if err := json.Unmarshal(src, &state); err != nil {
		t.Fatal(err)
	}
	var root, child []any
	for _, r := range state.Resources {
		for _, i := range r.Instances {
			at := r.Type + "." + r.Name
			if r.Mode == "data" {
				at = "data." + at
			}
			if r.Module != "" {
				at = r.Module + "." + at
			}
			if s, ok := i.IndexKey.(string); ok {
				at += "[" + strconv.Quote(s) + "]"
			}
			secret := map[string]any{}
			for _, path := range i.Sensitive {
				secret[path[0].Value] = true
			}
			if d, ok := i.Attributes["body"].(map[string]any); ok {
				i.Attributes["body"] = d["value"]
			}
			x := map[string]any{"address": at, "mode": r.Mode, "type": r.Type, "name": r.Name, "values": i.Attributes, "sensitive_values": secret}
			if r.Module == "" {
				root = append(root, x)
			} else {
				child = append(child, x)
			}
		}
	}
	out, err := json.MarshalIndent(map[string]any{"format_version": "1.0", "terraform_version": "1.9.8", "values": map[string]any{
		"root_module": map[string]any{"resources": root, "child_modules": []any{map[string]any{"address": "module.app", "resources": child}}},
	}}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestBothFormsOfAStateGiveOneDesign(t *testing.T) {
	src := example(t, "contoso.tfstate")
	f, err := adopt.FromFile("contoso.tfstate", src, adopt.Deployment{})
	file := imported(t, f, err, adopt.Options{Subscriptions: contoso})
	f, err = adopt.FromFile("contoso.json", asShown(t, src), adopt.Deployment{})
	shown := imported(t, f, err, adopt.Options{Subscriptions: contoso})
	if d := cmp.Diff(encoded(t, file.Design), encoded(t, shown.Design)); d != "" {
		t.Error(d)
	}
	if len(file.Notes) != len(shown.Notes) || shown.Sources[0].Kind != adopt.KindTerraformJSON {
		t.Errorf("%s\nand\n%s", told(file), told(shown))
	}
	for _, n := range shown.Notes {
		if n.Line == 0 && n.At != "" {
			t.Errorf("without a line: %s", n)
		}
	}
}

func TestWhatIsNoStateSaysWhatItLooksLike(t *testing.T) {
	for _, x := range []struct{ name, src, want string }{
		{"nothing", " \n", "it looks like nothing: it is empty"},
		{"a version of long ago", `{"version": 3, "lineage": "x", "modules": []}`, "of version 3; only version 4 is read"},
		{"a plan", `{"format_version": "1.2", "planned_values": {"root_module": {}}}`, "this is a plan of Terraform"},
		{"a design", `{"apiVersion": "onramp/v1", "resources": []}`, "it looks like a design of Onramp"},
		{"an intent", "apiVersion: onramp/v1\npremises:\n  sites: []\n", "it looks like an intent of Onramp"},
		{"parameters", `{"$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentParameters.json#", "parameters": {}}`, "--parameters"},
		{"a configuration", "resource \"azurerm_virtual_network\" \"v\" {\n}\n", "Terraform's configuration"},
		{"Bicep", "resource v 'Microsoft.Network/virtualNetworks@2024-05-01' = {}", "Bicep"},
		{"a list", `[{"id": "x"}]`, "a list in JSON"},
		{"another object", `{"kind": "x", "items": []}`, "the keys items, kind"},
		{"a broken one", "{\n  \"version\": 4,\n  \"resources\": [\n", "f:4: this is not JSON"},
		{"an encrypted one", `{"encrypted_data": "x", "meta": {}}`, "encrypted state"},
		{"prose", "once upon a time", "some other text"},
		{"resources that are no list", `{"version": 4, "resources": {}}`, "resources is no list"},
	} {
		t.Run(x.name, func(t *testing.T) {
			if _, err := adopt.FromFile("f", []byte(x.src), adopt.Deployment{}); err == nil || !strings.Contains(err.Error(), x.want) || !strings.HasPrefix(err.Error(), "f:") {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestWhatTerraformCallsSensitiveIsNowhere(t *testing.T) {
	const src = `{"version": 4, "resources": [{"mode": "managed", "type": "azapi_resource", "name": "x", "instances": [{"attributes": {
		"id": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/natGateways/n", "type": "Microsoft.Network/natGateways@2024-05-01",
		"body": {"properties": {"plain": "seen", "note": "hidden-1", "limit": 4711, "list": ["hidden-2", "seen-too"], "adminPassword": "hidden-3"}}, "sensitive_body": {"a": "hidden-4"}},
		"sensitive_attributes": [[{"type": "get_attr", "value": "body"}, {"type": "get_attr", "value": "properties"}, {"type": "get_attr", "value": "note"}],
			[{"type": "get_attr", "value": "body"}, {"type": "get_attr", "value": "properties"}, {"type": "get_attr", "value": "limit"}],
			[{"type": "get_attr", "value": "body"}, {"type": "get_attr", "value": "properties"}, {"type": "get_attr", "value": "list"}, {"type": "index", "value": {"value": 0, "type": "number"}}]]}]}]}`
	f, err := adopt.FromTerraform("x.tfstate", []byte(src))
	r := imported(t, f, err, adopt.Options{})
	all := encoded(t, r.Design) + told(r)
	for _, word := range []string{"hidden", "4711"} {
		if strings.Contains(all, word) {
			t.Errorf("%s is in %s", word, all)
		}
	}
	if !strings.Contains(all, "seen-too") || !strings.Contains(all, `u003cadminPassword of n`) || !strings.Contains(all, `u003cnote of n`) {
		t.Error(all)
	}
}

func FuzzStateOfTerraform(f *testing.F) {
	f.Add(example(f, "contoso.tfstate"))
	f.Add([]byte(`{"version": 4, "resources": [{"mode": "managed", "type": "azurerm_subnet", "name": "x", "instances": [{"attributes": {"id": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v/subnets/s", "address_prefixes": ["10.0.0.0/24"]}, "sensitive_attributes": [[{"type": "get_attr", "value": "name"}]]}]}]}`))
	f.Add([]byte(`{"format_version": "1.0", "values": {"root_module": {"resources": [{"address": "a.b", "mode": "managed", "type": "azapi_resource", "values": {"id": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualHubs/h", "type": "Microsoft.Network/virtualHubs@1", "body": "{}"}, "sensitive_values": {"body": true}}]}}}`))
	c := facts(f)
	f.Fuzz(func(t *testing.T, src []byte) {
		found, err := adopt.FromTerraform("f", src)
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

func TestTheRestOfWhatTerraformKnowsIsUnderstood(t *testing.T) {
	src, err := os.ReadFile(filepath.Join("testdata", "direct.tfstate"))
	if err != nil {
		t.Fatal(err)
	}
	f, err := adopt.FromTerraform("direct.tfstate", src)
	r := imported(t, f, err, adopt.Options{Subscriptions: contoso})
	golden(t, "direct.json", encoded(t, r.Design))
	golden(t, "direct.txt", told(r))
	if strings.Contains(encoded(t, r.Design), "a-key-of-reach") {
		t.Error("a key is in the design")
	}
}
