package template

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

const (
	tenantID       = "11111111-1111-1111-1111-111111111111"
	subscriptionID = "22222222-2222-2222-2222-222222222222"
	groupID        = "/subscriptions/" + subscriptionID + "/resourceGroups/net"
)

// group is a scope of a resource group, as a deployment gives it.
func group() Scope {
	return Scope{
		Level:         ResourceGroup,
		Tenant:        map[string]any{"tenantId": tenantID, "displayName": "Contoso", "countryCode": "NL"},
		Subscription:  map[string]any{"id": "/subscriptions/" + subscriptionID, "subscriptionId": subscriptionID, "tenantId": tenantID, "displayName": "Connectivity"},
		ResourceGroup: map[string]any{"id": groupID, "name": "net", "type": "Microsoft.Resources/resourceGroups", "location": "westeurope", "tags": map[string]any{}, "properties": map[string]any{"provisioningState": "Succeeded"}},
		Deployment:    map[string]any{"name": "main", "properties": map[string]any{"mode": "Incremental"}},
		Deployer:      map[string]any{"objectId": "33333333-3333-3333-3333-333333333333", "tenantId": tenantID},
		Environment:   map[string]any{"name": "AzureCloud", "resourceManager": "https://management.azure.com/"},
		Providers: func(namespace, typ string) any {
			if !strings.EqualFold(namespace, "Microsoft.Network") {
				return nil
			}
			return map[string]any{"resourceType": typ, "locations": []string{"West Europe"}, "apiVersions": []string{"2024-05-01"}}
		},
		Time:    time.Date(2023, 5, 2, 15, 16, 13, 0, time.UTC),
		NewGUID: func() string { return "44444444-4444-4444-4444-444444444444" },
	}
}

// subscription is a scope of a subscription.
func subscription() Scope {
	s := group()
	s.Level, s.ResourceGroup = Subscription, nil
	s.Deployment = map[string]any{"name": "main", "location": "westeurope", "properties": map[string]any{"mode": "Incremental"}}
	return s
}

// head is the start of a template up to its sections.
const head = `{"$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#", "contentVersion": "1.0.0.0"`

// world answers what a running deployment would.
type world map[string]string

func (w world) Reference(id, version string, full bool) (json.RawMessage, error) {
	key := id + "@" + version
	if full {
		key += " full"
	}
	return w.answer(key)
}

func (w world) List(function, id, version string, body json.RawMessage) (json.RawMessage, error) {
	return w.answer(function + " " + id + "@" + version + string(body))
}

var errNotThere = errors.New("not there")

func (w world) answer(key string) (json.RawMessage, error) {
	if v, ok := w[key]; ok {
		return json.RawMessage(v), nil
	}
	return nil, fmt.Errorf("%q: %w", key, errNotThere)
}

func mustParse(t testing.TB, text string) *Template {
	t.Helper()
	tpl, err := Parse("main.json", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return tpl
}

func instantiate(t testing.TB, text string, s Scope, parameters string) *Instance {
	t.Helper()
	i, err := try(text, s, parameters)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func try(text string, s Scope, parameters string) (*Instance, error) {
	tpl, err := Parse("main.json", []byte(text))
	if err != nil {
		return nil, err
	}
	values, err := Parameters([]byte(parameters))
	if err != nil {
		return nil, err
	}
	return tpl.Instantiate(s, values, Limits{})
}

// evaluate is the value of an expression as JSON, as an output of a template with the given variables.
func evaluate(expression, variables string) (string, error) {
	text, _ := json.Marshal("[" + expression + "]")
	if variables == "" {
		variables = "{}"
	}
	tpl, err := Parse("main.json", []byte(head+`, "variables": `+variables+`, "resources": [], "outputs": {"x": {"type": "array", "value": [`+string(text)+`]}}}`))
	if err != nil {
		return "", err
	}
	i, err := tpl.Instantiate(group(), nil, Limits{})
	if err != nil {
		return "", err
	}
	b, err := i.Outputs(nil)
	if err != nil {
		return "", err
	}
	s := strings.TrimPrefix(string(b), `{"x":{"type":"Array","value":[`)
	return strings.TrimSuffix(s, `]}}`), nil
}
