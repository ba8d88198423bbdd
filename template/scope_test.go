package template

import (
	"strings"
	"testing"
	"time"
)

func TestEveryLevelHasItsIdentifiersAndFunctions(t *testing.T) {
	mg := Scope{Level: ManagementGroup, Tenant: map[string]any{"tenantId": tenantID}, ManagementGroup: map[string]any{"id": "/providers/Microsoft.Management/managementGroups/mg", "name": "mg"}}
	tenant := Scope{Level: Tenant, Tenant: map[string]any{"tenantId": tenantID}}
	for _, c := range []struct {
		name       string
		scope      Scope
		expression string
		want       string // of an error too
	}{
		{"resource in a management group", mg, "[resourceId('a.b/c', 'x')]", "/providers/Microsoft.Management/managementGroups/mg/providers/a.b/c/x"},
		{"management group's own", mg, "[managementGroupResourceId('a.b/c', 'x')]", "/providers/Microsoft.Management/managementGroups/mg/providers/a.b/c/x"},
		{"the management group", mg, "[managementGroup().name]", "mg"},
		{"no subscription", mg, "[subscription().id]", "the deployment is to no subscription"},
		{"no subscription's identifiers", mg, "[subscriptionResourceId('a.b/c', 'x')]", "argument 1 has to be one's GUID"},
		{"resource of the tenant", tenant, "[resourceId('a.b/c', 'x')]", "/providers/a.b/c/x"},
		{"no management group", tenant, "[managementGroupResourceId('a.b/c', 'x')]", "argument 1 has to be one's name"},
		{"the tenant", tenant, "[tenant().tenantId]", tenantID},
		{"no environment", tenant, "[environment().name]", "it has no answer here"},
		{"resource of a subscription", subscription(), "[resourceId('a.b/c', 'x')]", "/subscriptions/" + subscriptionID + "/providers/a.b/c/x"},
		{"resource of another subscription", subscription(), "[resourceId('S', 'a.b/c', 'x')]", "/subscriptions/S/providers/a.b/c/x"},
		{"resource of a group elsewhere", subscription(), "[resourceId('S', 'g', 'a.b/c', 'x')]", "/subscriptions/S/resourceGroups/g/providers/a.b/c/x"},
		{"a resource group", subscription(), "[resourceId('Microsoft.Resources/resourceGroups', 'x')]", "/subscriptions/" + subscriptionID + "/resourceGroups/x"},
		{"no resource group", subscription(), "[resourceGroup().name]", "the deployment is to no resource group"},
		{"a type without names", subscription(), "[resourceId('x', 'a.b/c')]", "is not followed by the name of a resource"},
		{"no type", subscription(), "[resourceId('a', 'b', 'c', 'd/e', 'f')]", "none of the first 3 arguments is the type"},
	} {
		t.Run(c.name, func(t *testing.T) {
			i, err := try(head+`, "resources": [], "outputs": {"x": {"type": "string", "value": "`+c.expression+`"}}}`, c.scope, "")
			if err != nil {
				if !strings.Contains(err.Error(), c.want) {
					t.Errorf("got %v, want %s", err, c.want)
				}
				return
			}
			out, err := i.Outputs(nil)
			if err != nil {
				t.Fatal(err)
			}
			same(t, "output", string(out), `{"x":{"type":"String","value":"`+c.want+`"}}`)
		})
	}
	tpl := mustParse(t, head+`, "resources": [{"type": "a.b/c", "apiVersion": "1", "name": "x"}]}`)
	for _, s := range []Scope{{}, {Level: Subscription}, {Level: ManagementGroup}} {
		if _, err := tpl.Instantiate(s, nil, Limits{}); err == nil || !strings.Contains(err.Error(), "has no id, which its level needs") {
			t.Errorf("level %d: %v", s.Level, err)
		}
	}
	for _, c := range []struct {
		scope Scope
		want  string
	}{{mg, "/providers/Microsoft.Management/managementGroups/mg/providers/a.b/c/x"}, {tenant, "/providers/a.b/c/x"}} {
		i, err := tpl.Instantiate(c.scope, nil, Limits{})
		if err != nil {
			t.Fatal(err)
		}
		same(t, "identifier", i.Resources[0].ID, c.want)
	}
}

func TestANameOfTwoResourcesHasToBeAnIdentifier(t *testing.T) {
	text := func(condition string) string {
		return head + `, "resources": [{"type": "a.b/c", "apiVersion": "1", "name": "x"}, {"type": "a.b/d", "apiVersion": "1", "name": "x", "condition": ` + condition + `},
			{"type": "a.b/e", "apiVersion": "1", "name": "y", "dependsOn": ["x"]}]}`
	}
	if _, err := try(text("true"), group(), ""); err == nil || !strings.Contains(err.Error(), "the name 'x' is not unique in the template, there are resources of it of the types 'a.b/c, a.b/d'") {
		t.Errorf("got %v", err)
	}
	i := instantiate(t, text("false"), group(), "")
	same(t, "what is deployed is meant", strings.Join(i.Resources[2].DependsOn, " "), groupID+"/providers/a.b/c/x")
}

func TestUnknownSymbolsAreNamed(t *testing.T) {
	for member, want := range map[string]string{
		`"dependsOn": ["hob"]`:                            "the resource 'hob' is not defined in the template; did you mean 'hub'?",
		`"properties": {"x": "[reference('hob')]"}`:       "the resource 'hob' is not defined in the template; did you mean 'hub'?",
		`"properties": {"x": "[references('hob')]"}`:      "no resource with a copy and the symbolic name 'hob'; did you mean 'hub'?",
		`"properties": {"x": "[resourceInfo('hob').id]"}`: "no resource with the symbolic name 'hob'; did you mean 'hub'?",
		`"properties": {"x": "[reference('many')]"}`:      "the symbolic name 'many' is of 2 resources: one of them is 'many[0]'",
	} {
		_, err := try(head+`, "languageVersion": "2.0", "resources": {"hub": {"type": "a.b/c", "apiVersion": "1", "name": "h"},
			"many": {"type": "a.b/c", "apiVersion": "1", "name": "[concat('m', copyIndex())]", "copy": {"name": "many", "count": 2}},
			"x": {"type": "a.b/c", "apiVersion": "1", "name": "x", `+member+`}}}`, group(), "")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", member, err, want)
		}
	}
}

func TestTimesAreWrittenInNETsFormats(t *testing.T) {
	at := time.Date(2023, 5, 2, 15, 6, 7, 120_000_000, time.UTC)
	for format, want := range map[string]string{
		"d": "05/02/2023", "D": "Tuesday, 02 May 2023", "s": "2023-05-02T15:06:07", "u": "2023-05-02 15:06:07Z", "o": "2023-05-02T15:06:07.1200000Z",
		"R": "Tue, 02 May 2023 15:06:07 GMT", "g": "05/02/2023 15:06", "T": "15:06:07", "yy/M/d h:m:s t": "23/5/2 3:6:7 P", "ddd MMM": "Tue May",
		"HH'h'mm\\m": "15h06m", "fff FFF": "120 12", "yyyyMMddTHHmmssZ": "20230502T150607Z", "zzz K": "+00:00 Z", "%d": "2",
	} {
		if got, err := formatTime(at, format); err != nil || got != want {
			t.Errorf("%s: got %q %v, want %q", format, got, err, want)
		}
	}
	for _, format := range []string{"q", "'x", "x\\", "ffffffff"} {
		if got, err := formatTime(at, format); err == nil {
			t.Errorf("%s is written %s", format, got)
		}
	}
}

func TestWhatIsEscapedForANestedTemplateIsDeep(t *testing.T) {
	i := instantiate(t, head+`, "variables": {"v": {"[[k]": ["[[x]", 1, {"a": "b"}]}}, "resources": [{"type": "Microsoft.Resources/deployments", "apiVersion": "2022-09-01", "name": "d",
		"properties": {"template": {"$schema": "s", "contentVersion": "1.0.0.0", "variables": {"v": "[variables('v')]"}, "resources": [{"type": "a.b/c", "apiVersion": "1", "name": "x",
			"resources": [{"type": "d", "apiVersion": "1", "name": "[string(1)]"}]}]}}}]}`, group(), "")
	same(t, "body", body(t, i.Resources[0], nil), `{"name":"d","type":"Microsoft.Resources/deployments","properties":{"template":{"$schema":"s","contentVersion":"1.0.0.0","variables":{"v":{"[[k]":["[[x]",1,{"a":"b"}]}},`+
		`"resources":[{"type":"a.b/c","apiVersion":"1","name":"x","resources":[{"type":"d","apiVersion":"1","name":"1"}]}]}}}`)
}
