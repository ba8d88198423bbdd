package render_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"onramp/azure"
	"onramp/catalog"
	"onramp/design"
	"onramp/intent/intenttest"
	"onramp/pattern"
	"onramp/render"
	"onramp/template"
)

// cloudOf is an Azure that holds what a template makes, and nothing else.
type cloudOf struct {
	t         fatal
	resources map[string]map[string]any // by the key of the id
	outputs   map[string]json.RawMessage
	// loose leaves out the check that what a resource refers to is there already.
	loose bool
}

// Reference answers what a resource looks like when it is there: with the key that a circuit's authorization gets, and the service key
// of a circuit.
func (c *cloudOf) Reference(id, _ string, _ bool) (json.RawMessage, error) {
	key := azure.ID(id).Key()
	if out, ok := c.outputs[key]; ok {
		return json.Marshal(map[string]any{"outputs": out})
	}
	if at := strings.Index(key, "/authorizations/"); at >= 0 {
		if c.resources[key[:at]] == nil {
			return nil, fmt.Errorf("%s is not there", id[:at])
		}
		return json.Marshal(map[string]any{"authorizationKey": "key of " + id})
	}
	if c.resources[key] == nil {
		return nil, fmt.Errorf("%s is not there", id)
	}
	return json.Marshal(map[string]any{"serviceKey": "service key of " + id})
}

// List is not asked by templates of designs.
func (c *cloudOf) List(function, id, _ string, _ json.RawMessage) (json.RawMessage, error) {
	return nil, fmt.Errorf("%s of %s is asked for", function, id)
}

// deploy makes what a template makes, each thing when all that it waits for is there and not before.
func (c *cloudOf) deploy(name string, text []byte, s template.Scope, parameters map[string]json.RawMessage) json.RawMessage {
	c.t.Helper()
	x, err := template.Parse(name, text)
	if err != nil {
		c.t.Fatalf("%s: %v", name, err)
	}
	i, err := x.Instantiate(s, parameters, template.Limits{})
	if err != nil {
		c.t.Fatalf("%s: %v", name, err)
	}
	steps, err := i.Order()
	if err != nil {
		c.t.Fatalf("%s: %v", name, err)
	}
	for _, step := range steps {
		for _, r := range slices.Backward(step) { // what has no order between it may come in any: here in the worst
			b, err := r.Body(c)
			if err != nil {
				c.t.Fatalf("%s: %s: %v", name, r.ID, err)
			}
			if strings.EqualFold(r.Type, "Microsoft.Resources/deployments") {
				c.nest(r, b)
				continue
			}
			c.put(r, b)
		}
	}
	out, err := i.Outputs(c)
	if err != nil {
		c.t.Fatalf("%s: %v", name, err)
	}
	return out
}

// nest deploys a nested template.
func (c *cloudOf) nest(r *template.Resource, b json.RawMessage) {
	c.t.Helper()
	var body struct {
		Properties struct {
			Template, Parameters json.RawMessage
		} `json:"properties"`
	}
	if err := json.Unmarshal(b, &body); err != nil {
		c.t.Fatalf("%v", err)
	}
	params := map[string]json.RawMessage{}
	if len(body.Properties.Parameters) > 0 {
		var err error
		if params, err = template.Parameters(body.Properties.Parameters); err != nil {
			c.t.Fatalf("%s: %v", r.ID, err)
		}
	}
	at, err := azure.ParseID(r.Scope)
	if err != nil {
		c.t.Fatalf("%s: %v", r.ID, err)
	}
	c.outputs[azure.ID(r.ID).Key()] = c.deploy(r.Name, body.Properties.Template, scope(at.Subscription, at.ResourceGroup, r.Name), params)
}

// scope is a subscription, or a group of one.
func scope(subscription, group, deployment string) template.Scope {
	id := "/subscriptions/" + subscription
	s := template.Scope{Level: template.Subscription, Subscription: map[string]any{"id": id, "subscriptionId": subscription, "tenantId": "t", "displayName": "s"},
		Deployment: map[string]any{"name": deployment, "location": "westeurope", "properties": map[string]any{}}}
	if group != "" {
		s.Level = template.ResourceGroup
		s.ResourceGroup = map[string]any{"id": id + "/resourceGroups/" + group, "name": group, "location": "westeurope", "properties": map[string]any{}}
	}
	return s
}

// put makes a resource. What it refers to has to be there, if the template makes it at all.
func (c *cloudOf) put(r *template.Resource, b json.RawMessage) {
	c.t.Helper()
	var body map[string]any
	if err := json.Unmarshal(b, &body); err != nil {
		c.t.Fatalf("%v", err)
	}
	id := azure.ID(r.ID)
	if c.resources[id.Key()] != nil {
		c.t.Fatalf("%s is made twice", id)
	}
	body["id"], body["type"], body["name"] = r.ID, r.Type, id.Name()
	var walk func(v any)
	walk = func(v any) {
		switch x := v.(type) {
		case map[string]any:
			for _, e := range x {
				walk(e)
			}
		case []any:
			for _, e := range x {
				walk(e)
			}
		case string:
			if strings.HasPrefix(x, "/subscriptions/") && strings.Contains(x, "/providers/Microsoft.Network/") && !c.loose && !c.there(azure.ID(x), id) {
				c.t.Fatalf("%s is made before %s, to which it refers", id, x)
			}
		}
	}
	walk(body["properties"])
	if p, _ := azure.ParseID(r.ID); p.Scope != "" && !c.there(p.Scope, id) {
		c.t.Fatalf("%s is made before what it is on", id)
	}
	c.resources[id.Key()] = body
}

// there tells whether a resource, or what it is a part of, has been made; what is being made is there for itself.
func (c *cloudOf) there(id, making azure.ID) bool {
	for ; strings.Contains(string(id), "/providers/"); id = id.Parent() {
		if c.resources[id.Key()] != nil || id.Equal(making) {
			return true
		}
	}
	return false
}

// found are the resources as a design has them: with the parts that were made by themselves.
func (c *cloudOf) found() azure.Resources {
	c.t.Helper()
	var out azure.Resources
	for _, k := range slices.Sorted(maps.Keys(c.resources)) {
		body := c.resources[k]
		typ, _ := body["type"].(string)
		if !strings.EqualFold(typ, "Microsoft.Network/virtualNetworks/virtualNetworkPeerings") {
			continue
		}
		props, _ := c.resources[azure.ID(k).Parent().Key()]["properties"].(map[string]any)
		list, _ := props["virtualNetworkPeerings"].([]any)
		props["virtualNetworkPeerings"] = append(list, body)
		delete(c.resources, k)
	}
	for _, k := range slices.Sorted(maps.Keys(c.resources)) {
		b, err := json.Marshal(c.resources[k])
		if err != nil {
			c.t.Fatalf("%v", err)
		}
		r, err := azure.Unmarshal(b)
		if err != nil {
			c.t.Fatalf("%v", err)
		}
		out = append(out, r)
	}
	return out
}

// identifiers are GUIDs for the subscriptions that a design names.
func identifiers(d *design.Design) map[string]string {
	out := map[string]string{}
	for _, r := range d.Resources {
		if p, err := azure.ParseID(string(r.Head().ID)); err == nil {
			name := p.Subscription
			if p.Scope != "" {
				at, _ := azure.ParseID(string(p.Scope))
				name = at.Subscription
			}
			if out[name] == "" {
				out[name] = fmt.Sprintf("00000000-0000-0000-0000-%012d", len(out)+1)
			}
		}
	}
	return out
}

// deployed deploys a design's template: with its parameters as they are, but for what a design does not know, which is what the design
// says in its place, and for what is given.
func deployed(t fatal, d *design.Design, out *render.Template, given map[string]any) (*cloudOf, json.RawMessage) {
	t.Helper()
	c := &cloudOf{t: t, resources: map[string]map[string]any{}, outputs: map[string]json.RawMessage{}}
	var x read
	if err := json.Unmarshal(out.Text, &x); err != nil {
		t.Fatalf("%v", err)
	}
	principals := map[string]string{}
	if all, ok := x.Parameters["principals"].DefaultValue.(map[string]any); ok {
		for k, v := range all {
			if principals[k], _ = v.(string); v == "" {
				principals[k] = "<object id of " + k + ">"
			}
		}
	}
	subscriptions := identifiers(d)
	params := map[string]json.RawMessage{}
	set := func(k string, v any) {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatalf("%v", err)
		}
		params[k] = b
	}
	set("subscriptions", subscriptions)
	if len(principals) > 0 {
		set("principals", principals)
	}
	for k, v := range given {
		set(k, v)
	}
	_, c.loose = given["providersHaveProvisioned"]
	first := slices.Sorted(maps.Values(subscriptions))[0]
	return c, c.deploy("template", out.Text, scope(first, "", "estate"), params)
}

// same checks that two sets of resources are the same, as Azure compares.
func same(t fatal, want, got azure.Resources) {
	t.Helper()
	for _, r := range want {
		have := got.Get(r.Head().ID)
		if have == nil {
			t.Fatalf("%s is not made", r.Head().ID)
		}
		changes, err := azure.Differences(r, have)
		if err != nil {
			t.Fatalf("%v", err)
		}
		for _, c := range changes {
			t.Fatalf("%s: %s is %s in the design, and the template makes %s", r.Head().ID, c.Path, c.From, c.To)
		}
	}
	for _, r := range got {
		if want.Get(r.Head().ID) == nil {
			t.Fatalf("%s is made, and the design has none", r.Head().ID)
		}
	}
}

func rehomed(t fatal, d *design.Design) azure.Resources {
	t.Helper()
	want, err := azure.Rehome(d.Resources, identifiers(d))
	if err != nil {
		t.Fatalf("%v", err)
	}
	return want
}

func TestATemplateMakesItsDesign(t *testing.T) {
	every(t, func(t *testing.T, c *catalog.Catalog, d *design.Design) {
		out, _ := rendered(t, c, d)
		made, _ := deployed(t, d, out, nil)
		same(t, rehomed(t, d), made.found())
	})
}

func TestAnyTemplateMakesItsDesign(t *testing.T) {
	c := open(t)
	drawer := intenttest.NewDrawer(c)
	rapid.Check(t, func(t *rapid.T) {
		e := drawer.Estate(t)
		p := rapid.SampledFrom(design.Patterns()).Draw(t, "pattern")
		d, _ := pattern.Compile(p, e, c, pattern.Options{})
		if d == nil {
			return
		}
		out, x := rendered(t, c, d)
		sound(t, "template", x)
		made, _ := deployed(t, d, out, nil)
		same(t, rehomed(t, d), made.found())
	})
}

func TestBeforeTheProvidersAreDoneTheTemplateMakesAllButPeeringsAndConnections(t *testing.T) {
	every(t, func(t *testing.T, c *catalog.Catalog, d *design.Design) {
		out, x := rendered(t, c, d)
		if _, ok := x.Parameters["providersHaveProvisioned"]; !ok {
			return // Direct ports only
		}
		made, outputs := deployed(t, d, out, map[string]any{"providersHaveProvisioned": false})
		direct := map[string]bool{} // circuits that wait for nobody
		var keys int
		for _, v := range azure.Of[*azure.ExpressRouteCircuit](d.Resources) {
			direct[v.ID.Name()] = v.Properties.ExpressRoutePort != nil
			if !direct[v.ID.Name()] {
				keys++
			}
		}
		var want azure.Resources
		for _, r := range rehomed(t, d) {
			switch v := r.(type) {
			case *azure.ExpressRouteCircuit:
				if !direct[v.Name] {
					v.Properties.Peerings = nil
				}
			case *azure.VirtualNetworkGatewayConnection:
				if !direct[v.Properties.Peer.ID.Name()] {
					continue
				}
			case *azure.RoleAssignment:
				if v.Properties.Scope.Parent() != "" && strings.Contains(string(v.ID), "/connections/") {
					continue
				}
			}
			want = append(want, r)
		}
		same(t, want, made.found())
		var o struct {
			ServiceKeys struct{ Value map[string]string } `json:"serviceKeys"`
		}
		if err := json.Unmarshal(outputs, &o); err != nil || len(o.ServiceKeys.Value) != keys {
			t.Errorf("%s, %v", outputs, err)
		}
	})
}

func TestRoutesAndRulesFollowANetwork(t *testing.T) {
	c := open(t)
	d := made(t, c, "northwind", design.SharedHubSpoke)
	out, x := rendered(t, c, d)
	networks, _ := x.Parameters["networks"].DefaultValue.(map[string]any)
	fin, _ := networks["vnet-fin-core"].(map[string]any)
	hub, _ := networks["vnet-hub"].(map[string]any)
	subnets, _ := hub["subnets"].(map[string]any)
	fin["addressPrefixes"] = []string{"10.200.0.0/20"}
	subnets["AzureFirewallSubnet"] = []string{"10.30.3.64/26"}
	made, _ := deployed(t, d, out, map[string]any{"networks": networks})
	b, err := json.Marshal(made.found())
	if err != nil {
		t.Fatal(err)
	}
	for _, gone := range []string{`"10.20.0.0/20"`, `"10.30.3.132"`} {
		if strings.Contains(string(b), gone) {
			t.Errorf("%s is still there", gone)
		}
	}
	for want, n := range map[string]int{`"10.200.0.0/20"`: 5, `"10.30.3.68"`: 5} {
		if got := strings.Count(string(b), want); got < n {
			t.Errorf("%s is there %d times", want, got)
		}
	}
}

func TestWhoHasNoIdGetsNoRole(t *testing.T) {
	c := open(t)
	d := made(t, c, "contoso-shared", design.Shared)
	out, x := rendered(t, c, d)
	principals, _ := x.Parameters["principals"].DefaultValue.(map[string]any)
	principals["grp-orders-network"] = "11111111-2222-3333-4444-555555555555"
	made, _ := deployed(t, d, out, map[string]any{"principals": principals})
	roles := azure.Of[*azure.RoleAssignment](made.found())
	if len(roles) == 0 {
		t.Error("nobody has a role")
	}
	for _, r := range roles {
		if r.Properties.PrincipalID != principals["grp-orders-network"] {
			t.Errorf("%s has a role", r.Properties.PrincipalID)
		}
	}
}

func TestAWrongValueIsRefusedBeforeAnythingIsMade(t *testing.T) {
	c := open(t)
	d := made(t, c, "fabrikam-isolated", design.Isolated)
	out, x := rendered(t, c, d)
	parsed, err := template.Parse("template", out.Text)
	if err != nil {
		t.Fatal(err)
	}
	circuits, _ := x.Parameters["circuits"].DefaultValue.(map[string]any)
	for _, k := range slices.Sorted(maps.Keys(circuits)) {
		one, _ := circuits[k].(map[string]any)
		one["bandwidthInMbps"] = 51
	}
	wrong, _ := json.Marshal(circuits)
	subscriptions, _ := json.Marshal(identifiers(d))
	names, _ := json.Marshal(map[string]string{"sub-a": "<id of the subscription sub-a>"})
	for _, given := range []map[string]json.RawMessage{{"subscriptions": subscriptions, "circuits": wrong}, {"subscriptions": names}, {}} {
		if _, err := parsed.Instantiate(scope("s", "", "estate"), given, template.Limits{}); err == nil {
			t.Errorf("%v is taken", slices.Sorted(maps.Keys(given)))
		}
	}
}
