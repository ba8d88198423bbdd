package template

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func ids(i *Instance) (list []string) {
	for _, r := range i.Resources {
		list = append(list, strings.TrimPrefix(r.ID, groupID+"/providers/Microsoft."))
	}
	return list
}

func byName(t testing.TB, i *Instance, name string) *Resource {
	t.Helper()
	for _, r := range i.Resources {
		if r.Name == name {
			return r
		}
	}
	t.Fatalf("no resource %s", name)
	return nil
}

func body(t testing.TB, r *Resource, env Runtime) string {
	t.Helper()
	b, err := r.Body(env)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func same(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s:\n got %s\nwant %s", what, got, want)
	}
}

func TestAResourceIsEvaluatedWithParametersAndVariables(t *testing.T) {
	i := instantiate(t, head+`,
		"parameters": {"name": {"type": "string"}, "location": {"type": "string", "defaultValue": "[resourceGroup().location]"}},
		"variables": {"space": "10.0.0.0/16", "Subnet": "[cidrSubnet(variables('SPACE'), 24, 1)]"},
		"resources": [{
			"type": "Microsoft.Network/virtualNetworks", "apiVersion": "2024-05-01", "name": "[concat(parameters('NAME'), '-hub')]",
			"location": "[parameters('location')]", "comments": "for [nobody]", "condition": true,
			"tags": {"[concat('a', 'b')]": "[[literal]", "[[c]": "[no expression"},
			"properties": {"addressSpace": {"addressPrefixes": ["[variables('space')]"]}, "subnets": [{"name": "a", "properties": {"addressPrefix": "[variables('subnet')]"}}]}
		}]}`, group(), `{"Name": {"value": "x"}}`)
	r := i.Resources[0]
	same(t, "ID", r.ID, groupID+"/providers/Microsoft.Network/virtualNetworks/x-hub")
	same(t, "scope", r.Scope, groupID)
	same(t, "location", r.Location, "westeurope")
	same(t, "path", fmt.Sprintf("%s %d:%d %s", r.Path, r.Line, r.Column, r.APIVersion), "resources[0] 4:17 2024-05-01")
	same(t, "body", body(t, r, nil), `{"name":"x-hub","type":"Microsoft.Network/virtualNetworks","location":"westeurope","tags":{"ab":"[literal]","[c]":"[no expression"},`+
		`"properties":{"addressSpace":{"addressPrefixes":["10.0.0.0/16"]},"subnets":[{"name":"a","properties":{"addressPrefix":"10.0.1.0/24"}}]}}`)
	same(t, "parameters", string(i.Parameters), `{"name":{"type":"String","value":"x"},"location":{"type":"String","value":"westeurope"}}`)
}

func TestCopiesExpandResourcesPropertiesVariablesAndOutputs(t *testing.T) {
	i := instantiate(t, head+`,
		"variables": {
			"copy": [{"name": "names", "count": 3, "input": "[concat('n', copyIndex('names', 1))]"}],
			"nested": {"copy": [{"name": "squares", "count": 3, "input": "[mul(copyIndex('squares'), copyIndex('squares'))]"}], "other": 1}
		},
		"resources": [{
			"type": "Microsoft.Network/virtualNetworks", "apiVersion": "2024-05-01", "name": "[variables('names')[copyIndex()]]",
			"copy": {"name": "vnets", "count": "[length(variables('names'))]", "mode": "serial", "batchSize": 2},
			"properties": {"copy": [{"name": "subnets", "count": 2, "input": {"name": "[format('{0}-{1}', copyIndex('vnets'), copyIndex('subnets'))]"}}], "index": "[copyIndex(10)]"}
		}, {
			"type": "Microsoft.Network/routeTables", "apiVersion": "2024-05-01", "name": "rt", "dependsOn": ["vnets"]
		}],
		"outputs": {"all": {"type": "array", "copy": {"count": 2, "input": "[variables('nested').squares[add(copyIndex(), 1)]]"}}}}`, group(), "")
	same(t, "resources", strings.Join(ids(i), " "), "Network/virtualNetworks/n1 Network/virtualNetworks/n2 Network/virtualNetworks/n3 Network/routeTables/rt")
	same(t, "the second", body(t, i.Resources[1], nil), `{"name":"n2","type":"Microsoft.Network/virtualNetworks","properties":{"subnets":[{"name":"1-0"},{"name":"1-1"}],"index":11}}`)
	if c := i.Resources[2].Copy; c == nil || *c != (Copy{Name: "vnets", Index: 2, Serial: true, BatchSize: 2}) {
		t.Errorf("the copy is %+v", c)
	}
	if d := i.Resources[2].DependsOn; !slices.Equal(d, []string{i.Resources[0].ID, i.Resources[1].ID}) {
		t.Errorf("the third, of the second batch, waits for %v", d)
	}
	if d := i.Resources[3].DependsOn; len(d) != 3 {
		t.Errorf("the route table waits for %v", d)
	}
	out, err := i.Outputs(nil)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "outputs", string(out), `{"all":{"type":"Array","value":[1,4]}}`)
}

func TestDependenciesAreFoundByNameIdentifierAndReference(t *testing.T) {
	i := instantiate(t, head+`, "resources": [
		{"type": "Microsoft.Network/virtualNetworks", "apiVersion": "2024-05-01", "name": "hub", "resources": [
			{"type": "subnets", "apiVersion": "2024-05-01", "name": "GatewaySubnet", "dependsOn": ["hub"], "properties": {}}]},
		{"type": "Microsoft.Network/publicIPAddresses", "apiVersion": "2024-05-01", "name": "ip", "condition": false},
		{"type": "Microsoft.Network/virtualNetworkGateways", "apiVersion": "2024-05-01", "name": "gw",
			"dependsOn": ["[resourceId('Microsoft.Network/virtualNetworks/subnets', 'hub', 'gatewaysubnet')]", "ip", "Microsoft.Network/virtualNetworks/hub"],
			"properties": {"subnet": "[reference('hub').subnets[0].id]"}},
		{"type": "Microsoft.Network/expressRouteCircuits", "apiVersion": "2024-05-01", "name": "er"},
		{"type": "Microsoft.Network/connections", "apiVersion": "2024-05-01", "name": "c1", "properties": {
			"gateway": "[reference(resourceId('Microsoft.Network/virtualNetworkGateways', 'gw')).id]",
			"circuit": "[reference(resourceId('Microsoft.Network/expressRouteCircuits', 'er'), '2024-05-01').id]",
			"key": "[if(equals(1, 2), listKeys('er', '2024-05-01').key, '')]"}},
		{"type": "Microsoft.Network/connections", "apiVersion": "2024-05-01", "name": "c2", "properties": {"key": "[listKeys('er', '2020-01-01').key]"}}
	]}`, group(), "")
	for name, want := range map[string][]string{
		"hub":               nil,
		"hub/GatewaySubnet": {"hub"},
		"gw":                {"hub", "hub/subnets/GatewaySubnet"},
		"c1":                {"gw"}, // by identifier with an API version of the call's own there is no edge, and the branch is not taken
		"c2":                {"er"},
	} {
		var got []string
		for _, id := range byName(t, i, name).DependsOn {
			got = append(got, strings.SplitN(strings.TrimPrefix(id, groupID+"/providers/Microsoft.Network/"), "/", 2)[1])
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s waits for %v, want %v", name, got, want)
		}
	}
	steps, err := i.Order()
	if err != nil {
		t.Fatal(err)
	}
	var text []string
	for _, s := range steps {
		var names []string
		for _, r := range s {
			names = append(names, r.Name)
		}
		text = append(text, strings.Join(names, " "))
	}
	same(t, "order", strings.Join(text, "; "), "hub er; hub/GatewaySubnet c2; gw; c1")
	if byName(t, i, "ip").Condition {
		t.Error("the address is to be deployed")
	}
}

func TestTheRunningDeploymentIsAskedForBodiesAndOutputs(t *testing.T) {
	i := instantiate(t, head+`, "resources": [
		{"type": "Microsoft.Network/expressRouteCircuits", "apiVersion": "2024-05-01", "name": "er"},
		{"type": "Microsoft.Network/connections", "apiVersion": "2024-05-01", "name": "c", "properties": {
			"key": "[reference('er').serviceKey]", "list": "[map(reference('er').list, lambda('x', add(lambdaVariables('x'), 1)))]",
			"full": "[reference('er', '2020-01-01', 'Full').location]", "keys": "[listKeys('er', '2024-05-01', createObject('a', 1)).k]",
			"both": "[if(reference('er').on, concat('it is ', 'on'), 'off')]", "length": "[length(createArray(reference('er').serviceKey, 'x'))]"}}],
		"outputs": {"key": {"type": "string", "value": "[reference('er').serviceKey]"}, "secret": {"type": "securestring", "value": "[reference('er').serviceKey]"},
			"off": {"type": "int", "value": 1, "condition": "[equals(1, 2)]"}}}`, group(), "")
	er := groupID + "/providers/Microsoft.Network/expressRouteCircuits/er"
	w := world{
		er + "@2024-05-01":                      `{"serviceKey": "k", "list": [1, 2], "on": true}`,
		er + "@2020-01-01 full":                 `{"location": "here"}`,
		"listKeys " + er + `@2024-05-01{"a":1}`: `{"k": [1.0]}`,
	}
	c := byName(t, i, "c")
	if !c.Needs() || byName(t, i, "er").Needs() {
		t.Error("the connection asks the deployment and the circuit does not")
	}
	same(t, "body", body(t, c, w), `{"name":"c","type":"Microsoft.Network/connections","properties":{"key":"k","list":[2,3],"full":"here","keys":[1.0],"both":"it is on","length":2}}`)
	out, err := i.Outputs(w)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "outputs", string(out), `{"key":{"type":"String","value":"k"},"secret":{"type":"SecureString"}}`)
	if _, err := c.Body(nil); err == nil {
		t.Error("a body that has to ask is there without anybody to ask")
	}
	_, err = c.Body(world{})
	if !errors.Is(err, errNotThere) || !strings.Contains(err.Error(), "resources[1].properties.key: the template language function 'reference'") {
		t.Errorf("the error of the deployment comes out as %v", err)
	}
	if _, err := i.Outputs(nil); err == nil {
		t.Error("outputs that have to ask are there without anybody to ask")
	}
}

func TestSymbolicNamesStandForResources(t *testing.T) {
	i := instantiate(t, head+`, "languageVersion": "2.0", "resources": {
		"spokes": {"type": "Microsoft.Network/virtualNetworks", "apiVersion": "2024-05-01", "name": "[format('spoke{0}', copyIndex())]",
			"copy": {"name": "spokes", "count": 2}, "dependsOn": ["hub"]},
		"hub": {"existing": true, "type": "Microsoft.Network/virtualNetworks", "apiVersion": "2024-05-01", "name": "hub", "resourceGroup": "other", "dependsOn": ["nsg"]},
		"nsg": {"type": "Microsoft.Network/networkSecurityGroups", "apiVersion": "2024-05-01", "name": "nsg"},
		"rt": {"type": "Microsoft.Network/routeTables", "apiVersion": "2024-05-01", "name": "rt", "dependsOn": ["spokes"],
			"properties": {"id": "[resourceInfo('hub').id]"}},
		"lock": {"type": "Microsoft.Authorization/locks", "apiVersion": "2020-05-01", "name": "l", "scope": "[resourceId('Microsoft.Network/routeTables', 'rt')]",
			"properties": {"first": "[reference('spokes[0]').x]", "hub": "[reference('hub', '2024-05-01', 'full').location]", "all": "[map(references('spokes'), lambda('s', lambdaVariables('s').x))]"}}
	}}`, group(), "")
	hub := "/subscriptions/" + subscriptionID + "/resourceGroups/other/providers/Microsoft.Network/virtualNetworks/hub"
	same(t, "the existing one", fmt.Sprint(byName(t, i, "hub").ID, byName(t, i, "hub").Existing), hub+"true")
	same(t, "symbol", byName(t, i, "spoke1").Symbol, "spokes[1]")
	same(t, "path", byName(t, i, "spoke1").Path, "resources.spokes")
	nsg := byName(t, i, "nsg").ID
	if d := byName(t, i, "spoke0").DependsOn; !slices.Equal(d, []string{nsg}) {
		t.Errorf("through what exists, the spoke waits for %v", d)
	}
	lock := byName(t, i, "l")
	same(t, "lock", lock.ID, groupID+"/providers/Microsoft.Network/routeTables/rt/providers/Microsoft.Authorization/locks/l")
	same(t, "its scope", lock.Scope, groupID+"/providers/Microsoft.Network/routeTables/rt")
	if len(lock.DependsOn) != 3 {
		t.Errorf("the lock waits for %v", lock.DependsOn)
	}
	w := world{byName(t, i, "spoke0").ID + "@2024-05-01": `{"x": 1}`, byName(t, i, "spoke1").ID + "@2024-05-01": `{"x": 2}`, hub + "@2024-05-01 full": `{"location": "far"}`}
	same(t, "body", body(t, lock, w), `{"name":"l","type":"Microsoft.Authorization/locks","properties":{"first":1,"hub":"far","all":[1,2]}}`)
	same(t, "what is known before", body(t, byName(t, i, "rt"), nil), `{"name":"rt","type":"Microsoft.Network/routeTables","properties":{"id":"`+hub+`"}}`)
	steps, err := i.Order()
	if err != nil || len(steps) != 3 || slices.ContainsFunc(steps[0], func(r *Resource) bool { return r.Existing }) {
		t.Errorf("order %v %v", steps, err)
	}
}

func TestScopesDecideIdentifiers(t *testing.T) {
	i := instantiate(t, head+`, "resources": [
		{"type": "Microsoft.Resources/resourceGroups", "apiVersion": "2024-03-01", "name": "net", "location": "westeurope"},
		{"type": "Microsoft.Authorization/roleAssignments", "apiVersion": "2022-04-01", "name": "r"},
		{"type": "Microsoft.Resources/deployments", "apiVersion": "2022-09-01", "name": "d1", "resourceGroup": "net", "dependsOn": ["[resourceId('Microsoft.Resources/resourceGroups/', 'net')]"],
			"properties": {"mode": "Incremental", "template": {}}},
		{"type": "Microsoft.Resources/deployments", "apiVersion": "2022-09-01", "name": "d2", "subscriptionId": "S", "location": "x", "properties": {}},
		{"type": "Microsoft.Resources/deployments", "apiVersion": "2022-09-01", "name": "d3", "scope": "Microsoft.Management/managementGroups/mg", "location": "x", "properties": {}},
		{"type": "Microsoft.Resources/deployments", "apiVersion": "2022-09-01", "name": "d4", "scope": "/", "location": "x", "properties": {}}
	]}`, subscription(), "")
	sub := "/subscriptions/" + subscriptionID
	for n, want := range []string{
		sub + "/resourceGroups/net",
		sub + "/providers/Microsoft.Authorization/roleAssignments/r",
		sub + "/resourceGroups/net/providers/Microsoft.Resources/deployments/d1",
		"/subscriptions/S/providers/Microsoft.Resources/deployments/d2",
		"/providers/Microsoft.Management/managementGroups/mg/providers/Microsoft.Resources/deployments/d3",
		"/providers/Microsoft.Resources/deployments/d4",
	} {
		same(t, "identifier", i.Resources[n].ID, want)
	}
	if d := i.Resources[2].DependsOn; !slices.Equal(d, []string{sub + "/resourceGroups/net"}) {
		t.Errorf("the deployment waits for %v", d)
	}
	same(t, "body", body(t, i.Resources[2], nil), `{"name":"d1","type":"Microsoft.Resources/deployments","properties":{"mode":"Incremental","template":{}}}`)
	old := instantiate(t, head+`, "resources": [
		{"type": "Microsoft.Network/virtualNetworks/providers/locks", "apiVersion": "2020-05-01", "name": "hub/Microsoft.Authorization/l"}]}`, group(), "")
	same(t, "an extension in the old form", old.Resources[0].ID, groupID+"/providers/Microsoft.Network/virtualNetworks/hub/providers/Microsoft.Authorization/locks/l")
}

func TestNestedTemplatesAreEvaluatedByWhomTheirScopeSays(t *testing.T) {
	nested := `{"$schema": "s", "contentVersion": "1.0.0.0", "parameters": {"p": {"type": "string", "defaultValue": "[concat('in', 'ner')]"}}, "variables": {"v": "nested"},
		"resources": [{"type": "Microsoft.Network/routeTables", "apiVersion": "2024-05-01", "name": "[concat(variables('v'), '-', parameters('p'))]", "tags": {"a": "[[b]", "c": "[variables('odd')]"},
			"properties": {"x": "[reference('er').x]"}}], "outputs": {"o": {"type": "string", "value": "[variables('v')]"}}}`
	text := func(options string) string {
		return head + `, "parameters": {"p": {"type": "string", "defaultValue": "outer"}}, "variables": {"v": "parent", "odd": "[[x]"}, "resources": [
			{"type": "Microsoft.Network/expressRouteCircuits", "apiVersion": "2024-05-01", "name": "er"},
			{"type": "Microsoft.Resources/deployments", "apiVersion": "2022-09-01", "name": "d", "properties": {"mode": "Incremental", ` + options + `
			"parameters": {"p": {"value": "[parameters('p')]"}}, "template": ` + nested + `}}]}`
	}
	er := groupID + "/providers/Microsoft.Network/expressRouteCircuits/er@2024-05-01"

	outer := instantiate(t, text(""), group(), "")
	d := byName(t, outer, "d")
	if len(d.DependsOn) != 1 || !d.Needs() {
		t.Errorf("the deployment waits for %v", d.DependsOn)
	}
	same(t, "outer", body(t, d, world{er: `{"x": "[1]"}`}), `{"name":"d","type":"Microsoft.Resources/deployments","properties":{"mode":"Incremental","parameters":{"p":{"value":"outer"}},`+
		`"template":{"$schema":"s","contentVersion":"1.0.0.0","parameters":{"p":{"type":"string","defaultValue":"[concat('in', 'ner')]"}},"variables":{"v":"nested"},`+
		`"resources":[{"type":"Microsoft.Network/routeTables","apiVersion":"2024-05-01","name":"parent-outer","tags":{"a":"[[b]","c":"[[x]"},"properties":{"x":"[[1]"}}],`+
		`"outputs":{"o":{"type":"string","value":"parent"}}}}}`)

	inner := instantiate(t, text(`"expressionEvaluationOptions": {"scope": "inner"},`), group(), "")
	d = byName(t, inner, "d")
	if len(d.DependsOn) != 0 || d.Needs() {
		t.Errorf("with the inner scope the deployment waits for %v", d.DependsOn)
	}
	var got struct {
		Properties struct {
			Template   json.RawMessage
			Parameters json.RawMessage
		}
	}
	if err := json.Unmarshal([]byte(body(t, d, nil)), &got); err != nil {
		t.Fatal(err)
	}
	var want any
	if err := json.Unmarshal([]byte(nested), &want); err != nil {
		t.Fatal(err)
	}
	compact, _ := json.Marshal(want)
	var have any
	if err := json.Unmarshal(got.Properties.Template, &have); err != nil {
		t.Fatal(err)
	}
	again, _ := json.Marshal(have)
	same(t, "the inner template", string(again), string(compact))
	values, err := Parameters(got.Properties.Parameters)
	if err != nil {
		t.Fatal(err)
	}
	child, err := Parse("d", got.Properties.Template)
	if err != nil {
		t.Fatal(err)
	}
	// The child stands alone: what the parent's circuit is, it cannot know by name.
	if _, err := child.Instantiate(group(), values, Limits{}); err == nil || !strings.Contains(err.Error(), "the template variable 'odd' is not found") {
		t.Errorf("the child: %v", err)
	}
}

func TestCopyIndexOfANestedTemplateIsNotTheParents(t *testing.T) {
	text := func(scope string) string {
		return head + `, "resources": [{"type": "Microsoft.Resources/deployments", "apiVersion": "2022-09-01", "name": "d", "properties": {"mode": "Incremental", "expressionEvaluationOptions": {"scope": "` + scope + `"}, "template": {
		"$schema": "s", "contentVersion": "1.0.0.0", "resources": [
			{"type": "Microsoft.Network/routeTables", "apiVersion": "2024-05-01", "name": "[concat('rt', copyIndex())]", "copy": {"name": "c", "count": 2}}]}}}]}`
	}
	_, err := try(text("outer"), group(), "")
	if err == nil || !strings.Contains(err.Error(), "resources[0].properties.template.resources[0].name: the template language function 'copyIndex'") || !strings.Contains(err.Error(), "give it the inner scope") {
		t.Errorf("got %v", err)
	}
	i := instantiate(t, text("Inner"), group(), "")
	if b := body(t, i.Resources[0], nil); !strings.Contains(b, `"name":"[concat('rt', copyIndex())]","copy":{"name":"c","count":2}`) {
		t.Errorf("got %s", b)
	}
}

func TestWhatDecidesEndsTheEvaluation(t *testing.T) {
	for e, want := range map[string]string{
		"and(false(), createObject().x)":                                             "false",
		"or(true(), createObject().x)":                                               "true",
		"coalesce(null(), 1, createObject().x)":                                      "1",
		"and(contains(createObject('x', true()), 'x'), createObject('x', true()).x)": "true",
	} {
		if got, err := evaluate(e, ""); err != nil || got != want {
			t.Errorf("%s: got %s %v, want %s", e, got, err, want)
		}
	}
	// What depends on the deployment leaves the rest open, and the rest is still waited for.
	i := instantiate(t, head+`, "resources": [{"type": "a.b/c", "apiVersion": "1", "name": "one"}, {"type": "a.b/c", "apiVersion": "1", "name": "two"},
		{"type": "a.b/c", "apiVersion": "1", "name": "x", "properties": {"y": "[and(reference('one').on, reference('two').on, createObject().x)]"}}]}`, group(), "")
	x := byName(t, i, "x")
	if len(x.DependsOn) != 2 {
		t.Errorf("waits for %v", x.DependsOn)
	}
	same(t, "body", body(t, x, world{i.Resources[0].ID + "@1": `{"on": false}`}), `{"name":"x","type":"a.b/c","properties":{"y":false}}`)
}

func TestUserDefinedFunctionsSeeTheirOwnParametersOnly(t *testing.T) {
	functions := `, "functions": [{"namespace": "contoso", "members": {
		"name": {"parameters": [{"name": "prefix", "type": "string"}, {"name": "n", "type": "int"}], "output": {"type": "string", "value": "[concat(toLower(parameters('prefix')), parameters('n'))]"}},
		"bad": {"output": {"type": "string", "value": "[variables('v')]"}}, "asks": {"output": {"type": "object", "value": "[reference('x')]"}},
		"calls": {"output": {"type": "string", "value": "[contoso.name('a', 1)]"}}, "wrong": {"output": {"type": "int", "value": "x"}}}}]`
	at := func(e string) string {
		return head + functions + `, "variables": {"v": 1}, "resources": [], "outputs": {"x": {"type": "string", "value": "[` + e + `]"}}}`
	}
	i := instantiate(t, at("Contoso.NAME('AB', 7)"), group(), "")
	out, _ := i.Outputs(nil)
	same(t, "output", string(out), `{"x":{"type":"String","value":"ab7"}}`)
	for e, want := range map[string]string{
		"contoso.name('a')":      "takes 2 arguments, not 1",
		"contoso.name('a', 'b')": "argument 2 ('n') of the function 'contoso.name' is not valid: expected a value of type 'Integer', but received a value of type 'String'",
		"contoso.bad()":          "a user-defined function cannot use variables",
		"contoso.asks()":         "a user-defined function has to be known before the deployment",
		"contoso.calls()":        "a user-defined function cannot call other user-defined functions",
		"contoso.wrong()":        "the output of the function 'contoso.wrong' is not valid: expected a value of type 'Integer'",
		"contoso.nam()":          "did you mean 'contoso.name'",
	} {
		if _, err := try(at(e), group(), ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", e, err, want)
		}
	}
}

func TestMistakesAreFoundWithTheirPlace(t *testing.T) {
	resource := func(members string) string {
		return head + ",\n  \"resources\": [\n    {\"type\": \"Microsoft.Network/routeTables\", \"apiVersion\": \"2024-05-01\", " + members + "}\n  ]\n}"
	}
	two := func(a, b string) string {
		return head + `, "resources": [{"type": "Microsoft.Network/routeTables", "apiVersion": "1", "name": "a"` + a + `}, {"type": "Microsoft.Network/routeTables", "apiVersion": "1", "name": "b"` + b + `}]}`
	}
	for _, c := range []struct{ name, text, want string }{
		{"no text", ``, "main.json:1:1: the text is empty"},
		{"no JSON", "{\n  \"a\" 1\n}", "main.json:2:7: '1': a colon is expected after the name \"a\""},
		{"a name twice", "{\"a\": 1,\n \"a\": 2}", "main.json:2:2: the member \"a\" stands twice in one object"},
		{"a comma too many", `{"a": [1,]}`, "main.json:1:10: ']' starts no JSON value"},
		{"no object", `[]`, "a template is a JSON object"},
		{"no schema", `{}`, "the template has no $schema"},
		{"no resources", head + `}`, "the template has no resources"},
		{"a section that is not", head + `, "resource": []}`, "could not find member 'resource' on objects of type 'Template'; did you mean 'resources'"},
		{"symbols without the version", head + `, "resources": {}}`, `symbolic names take "languageVersion": "2.0"`},
		{"a version from the future", head + `, "languageVersion": "3.0", "resources": {}}`, "the languageVersion '3.0' is not known"},
		{"a syntax mistake in an expression", resource(`"name": "[concat('a' 'b')]"`), `main.json:3:96: resources[0].name: the string 'b' is not expected here: "," or ")" is`},
		{"a mistake in a string with escapes", resource(`"name": "[concat('\t' 'b')]"`), "main.json:3:83: resources[0].name: "},
		{"a wrong argument", resource(`"name": "a", "properties": {"x": [1, "[add(1, 'b')]"]}`), "main.json:3:114: resources[0].properties.x[1]: the template language function 'add'"},
		{"an unknown parameter", resource(`"name": "[parameters('nam')]"`), "resources[0].name: the template language function 'parameters': the template parameter 'nam' is not found"},
		{"no name", resource(`"x": 1`), "main.json:3:5: resources[0]: the resource has no name"},
		{"a name that is no string", resource(`"name": 1`), "the name of a resource is a String, not of type Integer"},
		{"too few segments", resource(`"name": "a/b"`), "has incorrect segment lengths"},
		{"no API version", head + `, "resources": [{"type": "Microsoft.Network/routeTables", "name": "a"}]}`, "the resource 'a' of type 'Microsoft.Network/routeTables' has no apiVersion"},
		{"a condition that is no bool", resource(`"name": "a", "condition": "yes"`), "resources[0]: the condition of a resource is expected to be a Boolean, but is of type String"},
		{"twice the same", head + `, "resources": [` + strings.Repeat(`{"type": "Microsoft.Network/routeTables", "apiVersion": "1", "name": "a"}, `, 1) + `{"type": "microsoft.network/routetables", "apiVersion": "1", "name": "A"}]}`, "at line '1' and column '139' is defined multiple times"},
		{"a dependency that is not there", two("", `, "dependsOn": ["aa"]`), "resources[1].dependsOn[0]: the resource 'aa' is not defined in the template; did you mean 'a'?"},
		{"a dependency that is no string", two("", `, "dependsOn": [1]`), "an element of dependsOn is expected to be a String"},
		{"a reference to nothing", two("", `, "properties": {"x": "[reference('c')]"}`), "the resource 'c' is not defined in the template"},
		{"a reference without a version", two("", `, "properties": {"x": "[reference('/subscriptions/s/resourceGroups/r/providers/a/b/c')]"}`), "it requires an API version"},
		{"a reference in a name", resource(`"name": "[reference('a').x]"`), "'reference': it is not expected at this location: the name of a resource has to be known before the deployment"},
		{"a reference in a condition", two("", `, "condition": "[reference('a').on]"`), "the condition of a resource has to be known before the deployment"},
		{"a reference in tags", two("", `, "tags": {"a": "[reference('a').on]"}`), "the tags of a resource has to be known"},
		{"a reference in a count", two("", `, "copy": {"name": "c", "count": "[reference('a').on]"}`), "the count of a copy has to be known before the deployment"},
		{"a reference in a variable", head + `, "variables": {"v": "[reference('a')]"}, "resources": [{"type": "a.b/c", "apiVersion": "1", "name": "[variables('v')]"}]}`, "variables.v: the template language function 'reference': it is not expected at this location: a variable"},
		{"a list in a default", head + `, "parameters": {"p": {"type": "string", "defaultValue": "[listKeys('a', 'b').c]"}}, "resources": []}`, "parameters.p.defaultValue: the template language function 'listKeys'"},
		{"a variable of itself", head + `, "variables": {"a": "[variables('b')]", "b": "[variables('a')]"}, "resources": [], "outputs": {"x": {"type": "string", "value": "[variables('a')]"}}}`, "the variable 'a' depends on itself"},
		{"a default of itself", head + `, "parameters": {"a": {"type": "string", "defaultValue": "[parameters('b')]"}, "b": {"type": "string", "defaultValue": "[parameters('a')]"}}, "resources": []}`, "the default value of the parameter 'a' depends on itself"},
		{"a default of a variable", head + `, "variables": {"v": "x"}, "parameters": {"a": {"type": "string", "defaultValue": "[variables('v')]"}}, "resources": []}`, "a parameter's default value cannot use variables"},
		{"a count below nothing", two(`, "copy": {"name": "c", "count": -1}`, ""), "the count of a copy is -1; it is at least 0 and at most 800"},
		{"a count above all", two(`, "copy": {"name": "c", "count": 801}`, ""), "the count of a copy is 801"},
		{"a copy without a name", two(`, "copy": {"count": 1}`, ""), "resources[0].copy: the copy has no name"},
		{"a copy of another mode", two(`, "copy": {"name": "c", "count": 1, "mode": "x"}`, ""), "Serial or Parallel"},
		{"a copy of a child", resource(`"name": "a", "resources": [{"type": "routes", "name": "b", "apiVersion": "1", "copy": {"name": "c", "count": 1}}]`), "resources[0].resources[0].copy: a nested resource cannot have a copy"},
		{"a copy that is not around", two(`, "copy": {"name": "c", "count": 1}, "properties": {"x": "[copyIndex('d')]"}`, ""), "there is no copy 'd' around this place; there is 'c'"},
		{"an output of another type", head + `, "resources": [], "outputs": {"x": {"type": "int", "value": "a"}}}`, "outputs.x: the template output 'x' is not valid: expected a value of type 'Integer', but received a value of type 'String'"},
		{"an output without a type", head + `, "resources": [], "outputs": {"x": {"value": "a"}}}`, "the output 'x': there is no type"},
		{"a copy's name twice with symbols", head + `, "languageVersion": "2.0", "resources": {"x": {"type": "a.b/c", "apiVersion": "1", "name": "[concat('x', copyIndex())]", "copy": {"name": "c", "count": 1}},
			"y": {"type": "a.b/c", "apiVersion": "1", "name": "[concat('y', copyIndex())]", "copy": {"name": "C", "count": 1}}}}`, "resources.y.copy: the copy name 'C' stands twice"},
		{"existing without the version", resource(`"name": "a", "existing": true`), "existing resources take languageVersion 2.0"},
		{"too long an expression", resource(`"name": "[concat('` + strings.Repeat("x", 24577) + `')]"`), "Azure takes at most 24576"},
		{"values too deep", strings.Repeat("[", 300), "values are nested more than 256 deep"},
		{"calls too deep", resource(`"name": "[` + strings.Repeat("string(", 300) + `1` + strings.Repeat(")", 300) + `]"`), "calls are nested more than 256 deep"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := try(c.text, group(), "")
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v\nwant %s", err, c.want)
			}
			var e *Error
			if !errors.As(err, &e) || e.Code != "InvalidTemplate" {
				t.Errorf("%T %+v", err, err)
			}
		})
	}
}

func TestACycleIsAnErrorThatNamesIt(t *testing.T) {
	i := instantiate(t, head+`, "resources": [
		{"type": "Microsoft.Network/routeTables", "apiVersion": "1", "name": "z", "dependsOn": ["a"]},
		{"type": "Microsoft.Network/routeTables", "apiVersion": "1", "name": "a", "dependsOn": ["b"]},
		{"type": "Microsoft.Network/routeTables", "apiVersion": "1", "name": "b", "properties": {"x": "[reference('a').id]"}}]}`, group(), "")
	_, err := i.Order()
	if err == nil || !strings.Contains(err.Error(), "main.json:3:") || !strings.Contains(err.Error(),
		"a (Microsoft.Network/routeTables) depends on b (Microsoft.Network/routeTables) depends on a (Microsoft.Network/routeTables)") {
		t.Errorf("got %v", err)
	}
}

func TestTheWholeIsBounded(t *testing.T) {
	doubling := func(f string) string {
		var b strings.Builder
		b.WriteString(head + `, "variables": {"v0": "xxxxxxxxxxxxxxxx"`)
		for i := 1; i < 60; i++ {
			fmt.Fprintf(&b, `, "v%d": "[%s(variables('v%d'), variables('v%d'))]"`, i, f, i-1, i-1)
		}
		b.WriteString(`}, "resources": [], "outputs": {"x": {"type": "array", "value": ["[variables('v59')]"]}}}`)
		return b.String()
	}
	many := func(n int) string {
		return head + fmt.Sprintf(`, "resources": [{"type": "a.b/c", "apiVersion": "1", "name": "[concat('x', copyIndex())]", "copy": {"name": "c", "count": %d}},
			{"type": "a.b/c", "apiVersion": "1", "name": "[concat('y', copyIndex())]", "copy": {"name": "d", "count": %d}}]}`, n, n)
	}
	for _, c := range []struct{ name, text, want string }{
		{"strings that double", doubling("concat"), "longer than 4194304, the limit of one value"},
		{"arrays that double without taking room", doubling("createArray"), "longer than 4194304 bytes as JSON"},
		{"objects compared without end", strings.Replace(doubling("createArray"), `["[variables('v59')]"]`, `["[equals(variables('v59'), variables('v59'))]"]`, 1), "more than 1000000 steps"},
		{"resources", many(500), "more than 800 resources"},
		{"lambdas in lambdas", head + `, "variables": {"r": "[range(0, 10000)]"}, "resources": [], "outputs": {"x": {"type": "array", "value": "[map(variables('r'), lambda('a', map(variables('r'), lambda('b', 1))))]"}}}`, "more than 1000000 steps"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := mustParse(t, c.text).Instantiate(group(), nil, Limits{Steps: 1_000_000})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v\nwant %s", err, c.want)
			}
		})
	}
	if i := instantiate(t, many(400), group(), ""); len(i.Resources) != 800 {
		t.Errorf("%d resources", len(i.Resources))
	}
}

func TestAnInstanceServesSeveralAtOnce(t *testing.T) {
	i := instantiate(t, head+`, "variables": {"v": "[range(0, 10)]"}, "resources": [{"type": "a.b/c", "apiVersion": "1", "name": "er"},
		{"type": "a.b/c", "apiVersion": "1", "name": "[concat('x', copyIndex())]", "copy": {"name": "c", "count": 20}, "properties": {"x": "[reference('er').x]", "y": "[if(reference('er').on, variables('v'), 1)]"}}],
		"outputs": {"x": {"type": "int", "value": "[reference('er').x]"}}}`, group(), "")
	w := world{i.Resources[0].ID + "@1": `{"x": 1, "on": true}`}
	done := make(chan error)
	for _, r := range i.Resources {
		go func() {
			_, err := r.Body(w)
			if err == nil {
				_, err = i.Outputs(w)
			}
			done <- err
		}()
	}
	for range i.Resources {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// The shapes are those that the Bicep compiler writes.
func TestWhatBicepWritesExpands(t *testing.T) {
	i := instantiate(t, head+`, "languageVersion": "2.0", "metadata": {"_generator": {"name": "bicep", "version": "0.30.0.0", "templateHash": "1"}},
		"definitions": {"spokeType": {"type": "object", "properties": {"name": {"type": "string"}, "size": {"type": "int", "nullable": true}}}},
		"functions": [{"namespace": "__bicep", "members": {
			"label": {"parameters": [{"type": "string", "name": "x"}], "output": {"type": "string", "value": "[format('{0}-{1}', parameters('x'), __bicep.end())]"}},
			"end": {"parameters": [], "output": {"type": "string", "value": "net"}}}}],
		"parameters": {"spokes": {"type": "array", "items": {"$ref": "#/definitions/spokeType"}, "defaultValue": [{"name": "a"}, {"name": "b", "size": 26}]},
			"location": {"type": "string", "defaultValue": "[resourceGroup().location]"}, "deployGateway": {"type": "bool", "defaultValue": true}},
		"variables": {"$fxv#0": "text", "sizes": "[map(parameters('spokes'), lambda('s', coalesce(tryGet(lambdaVariables('s'), 'size'), 24)))]"},
		"resources": {
			"hub::gatewaySubnet": {"condition": "[parameters('deployGateway')]", "type": "Microsoft.Network/virtualNetworks/subnets", "apiVersion": "2024-05-01", "name": "[format('{0}/{1}', 'hub', 'GatewaySubnet')]", "dependsOn": ["hub"]},
			"hub": {"type": "Microsoft.Network/virtualNetworks", "apiVersion": "2024-05-01", "name": "hub", "location": "[parameters('location')]", "tags": {"text": "[variables('$fxv#0')]"}},
			"vault": {"existing": true, "type": "Microsoft.KeyVault/vaults", "apiVersion": "2023-07-01", "subscriptionId": "[subscription().subscriptionId]", "resourceGroup": "secrets", "name": "kv"},
			"spokes": {"copy": {"name": "spokes", "count": "[length(parameters('spokes'))]", "mode": "serial", "batchSize": 1}, "type": "Microsoft.Resources/deployments", "apiVersion": "2022-09-01",
				"name": "[format('spoke-{0}', parameters('spokes')[copyIndex()].name)]", "resourceGroup": "[__bicep.label(parameters('spokes')[copyIndex()].name)]",
				"properties": {"expressionEvaluationOptions": {"scope": "inner"}, "mode": "Incremental", "parameters": {
					"size": {"value": "[variables('sizes')[copyIndex()]]"}, "hub": {"value": "[resourceId('Microsoft.Network/virtualNetworks', 'hub')]"},
					"maybe": "[if(equals(copyIndex(), 0), createObject('value', 'first'), createObject('value', null()))]", "vault": {"value": "[reference('vault').vaultUri]"}},
					"template": {"$schema": "x", "contentVersion": "1.0.0.0", "resources": []}}, "dependsOn": ["hub", "[format('hub::gatewaySubnet')]"]}
		},
		"outputs": {"ids": {"type": "array", "copy": {"count": "[length(parameters('spokes'))]", "input": "[reference(format('spokes[{0}]', copyIndex())).outputs.id.value]"}},
			"hubId": {"type": "string", "value": "[resourceId('Microsoft.Network/virtualNetworks', 'hub')]"}}}`, group(), "")
	second := byName(t, i, "spoke-b")
	rg := "/subscriptions/" + subscriptionID + "/resourceGroups/"
	same(t, "identifier", second.ID, rg+"b-net/providers/Microsoft.Resources/deployments/spoke-b")
	if len(second.DependsOn) != 3 { // the hub, its subnet and the round before
		t.Errorf("waits for %v", second.DependsOn)
	}
	w := world{rg + "secrets/providers/Microsoft.KeyVault/vaults/kv@2023-07-01": `{"vaultUri": "https://kv"}`,
		rg + "a-net/providers/Microsoft.Resources/deployments/spoke-a@2022-09-01": `{"outputs": {"id": {"value": 1}}}`,
		rg + "b-net/providers/Microsoft.Resources/deployments/spoke-b@2022-09-01": `{"outputs": {"id": {"value": 2}}}`}
	same(t, "body", body(t, second, w), `{"name":"spoke-b","type":"Microsoft.Resources/deployments","properties":{"expressionEvaluationOptions":{"scope":"inner"},"mode":"Incremental","parameters":{`+
		`"size":{"value":26},"hub":{"value":"`+groupID+`/providers/Microsoft.Network/virtualNetworks/hub"},"maybe":{"value":null},"vault":{"value":"https://kv"}},"template":{"$schema":"x","contentVersion":"1.0.0.0","resources":[]}}}`)
	out, err := i.Outputs(w)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "outputs", string(out), `{"ids":{"type":"Array","value":[1,2]},"hubId":{"type":"String","value":"`+groupID+`/providers/Microsoft.Network/virtualNetworks/hub"}}`)
}
