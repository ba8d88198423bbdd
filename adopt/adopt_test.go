package adopt_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"onramp/adopt"
	"onramp/azure"
	"onramp/cloud"
	"onramp/design"
)

const group = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/g"

// template is an ARM template of resources.
func template(t testing.TB, resources ...string) *adopt.Found {
	t.Helper()
	src := `{"$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#", "contentVersion": "1.0.0.0", "resources": [` + strings.Join(resources, ",\n") + `]}`
	f, err := adopt.FromTemplate("t.json", []byte(src), adopt.Deployment{Subscription: "sub-net", Group: "g"})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func circuit(name, location string, peering string) string {
	return fmt.Sprintf(`{"type": "Microsoft.Network/expressRouteCircuits", "apiVersion": "2024-05-01", "name": %q, "location": "westeurope", "sku": {"name": "Standard_MeteredData", "tier": "Standard", "family": "MeteredData"},
		"properties": {"serviceProviderProperties": {"serviceProviderName": "Equinix", "peeringLocation": %q, "bandwidthInMbps": 100}%s}}`, name, location, peering)
}

func private(asn, vlan int, net string) string {
	return fmt.Sprintf(`, "peerings": [{"name": "AzurePrivatePeering", "properties": {"peeringType": "AzurePrivatePeering", "peerASN": %d, "vlanId": %d, "primaryPeerAddressPrefix": "%s.0/30", "secondaryPeerAddressPrefix": "%s.4/30"}}]`, asn, vlan, net, net)
}

func kinds(r *adopt.Result) []string {
	out := []string{}
	for _, n := range r.Notes {
		out = append(out, n.Kind)
	}
	return out
}

func TestThePremisesOfADesignAreTakenOverWhereCircuitsMatch(t *testing.T) {
	// The design knows er-one in another subscription and er-three, which is not there any more; nobody knows the other end of er-two.
	was := imported(t, template(t, circuit("er-one", "Amsterdam", private(65010, 100, "172.16.0")), circuit("er-three", "London", private(65010, 101, "172.16.1"))), nil, adopt.Options{}).Design
	was.Name, was.Premises.Sites[0].Name = "mine", "office"
	was.Assumptions = nil
	for _, c := range azure.Of[*azure.ExpressRouteCircuit](was.Resources) {
		was.Orders = append(was.Orders, design.Order{Circuit: c.ID, Steps: []string{}})
	}
	src := strings.ReplaceAll(encoded(t, was), "/subscriptions/sub-net/", "/subscriptions/sub-old/")
	premises, err := design.Decode([]byte(src))
	if err != nil {
		t.Fatal(err)
	}
	r := imported(t, template(t, circuit("er-one", "Amsterdam", private(65010, 100, "172.16.0")), circuit("er-two", "Dublin", private(65020, 100, "172.16.2"))), nil, adopt.Options{Premises: premises})
	d := r.Design
	if d.Name != "mine" || len(d.Premises.Sites) != 2 || d.Premises.Sites[0].Name != "office" || d.Premises.Sites[1].Name != "site-65020" {
		t.Fatalf("%s", encoded(t, d))
	}
	var of []string
	for _, s := range d.Premises.Sites {
		for _, x := range s.Routers {
			for _, n := range x.Sessions {
				if d.Resources.Get(n.Circuit) == nil {
					t.Errorf("session %s is on %s, which is not there", n.Name, n.Circuit)
				}
				of = append(of, n.Name)
			}
		}
	}
	if !slices.Equal(of, []string{"er-one/private/primary", "er-one/private/secondary", "er-two/private/primary", "er-two/private/secondary"}) {
		t.Error(of)
	}
	if len(d.Orders) != 1 || d.Orders[0].Circuit.Name() != "er-one" || d.Resources.Get(d.Orders[0].Circuit) == nil {
		t.Error(d.Orders)
	}
	if !slices.Equal(kinds(r), []string{adopt.Premises}) || len(r.Assumptions) == 0 {
		t.Error(told(r))
	}
}

func TestCircuitsOfOneASEndAtOneSite(t *testing.T) {
	d := imported(t, template(t, circuit("a", "Amsterdam", private(65010, 1, "172.16.0")), circuit("b", "London", private(65010, 2, "172.16.1")), circuit("c", "London", private(65011, 3, "172.16.2")), circuit("d", "London", "")), nil, adopt.Options{}).Design
	if s := d.Premises.Sites; len(s) != 2 || len(s[0].Routers) != 4 || len(s[1].Routers) != 2 || s[0].Latitude == 0 {
		t.Errorf("%+v", s)
	}
	if len(d.Premises.Attachments) != 6 {
		t.Errorf("%+v", d.Premises.Attachments)
	}
}

func TestAChildWithoutItsParentIsKeptAndNamed(t *testing.T) {
	r := imported(t, template(t, `{"type": "Microsoft.Network/virtualNetworks/subnets", "apiVersion": "2024-05-01", "name": "v/s", "properties": {"addressPrefix": "10.0.0.0/24"}}`), nil, adopt.Options{})
	if !slices.Equal(kinds(r), []string{adopt.Orphan}) || len(r.Design.Resources) != 1 {
		t.Error(told(r), encoded(t, r.Design))
	}
}

func TestAResourceThatIsInTwoSourcesIsTakenOnce(t *testing.T) {
	a, same, other := template(t, circuit("a", "Amsterdam", "")), template(t, circuit("a", "Amsterdam", "")), template(t, circuit("a", "London", ""))
	for _, x := range []struct {
		second *adopt.Found
		want   []string
	}{{same, []string{}}, {other, []string{adopt.Clash}}} {
		r, err := adopt.Import([]*adopt.Found{a, x.second}, adopt.Options{Catalog: facts(t)})
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Design.Resources) != 1 || !slices.Equal(kinds(r), x.want) {
			t.Error(told(r))
		}
	}
}

func TestWhatIsDecidedAboutAnUnknownResourceStays(t *testing.T) {
	r := imported(t, template(t, `{"type": "Microsoft.Network/natGateways", "apiVersion": "2024-05-01", "name": "n", "location": "westeurope", "zones": ["1"], "sku": {"name": "Standard"}, "properties": {"idleTimeoutInMinutes": 10, "x": false}}`), nil, adopt.Options{})
	b, err := json.Marshal(r.Design.Resources)
	if err != nil || !strings.Contains(string(b), `"properties":{"idleTimeoutInMinutes":10,"x":false}`) || !strings.Contains(string(b), `"sku":{"name":"Standard"}`) || !slices.Equal(kinds(r), []string{adopt.UnknownType}) {
		t.Errorf("%s %v\n%s", b, err, told(r))
	}
	if u, ok := r.Design.Resources[0].(*azure.Unknown); !ok || u.Zones[0] != "1" {
		t.Errorf("%T", r.Design.Resources[0])
	}
}

func TestGlobalReachIsKeptWithoutItsKey(t *testing.T) {
	peering := func(c string) string {
		return "/subscriptions/sub-net/resourceGroups/g/providers/Microsoft.Network/expressRouteCircuits/" + c + "/peerings/AzurePrivatePeering"
	}
	r := imported(t, template(t,
		circuit("a", "Amsterdam", private(65010, 1, "172.16.0")), circuit("b", "London", private(65010, 2, "172.16.1")+`, "authorizations": [{"name": "reach", "properties": {"authorizationKey": "ABCDEF00-1111"}}]`),
		`{"type": "Microsoft.Network/expressRouteCircuits/peerings/connections", "apiVersion": "2024-05-01", "name": "a/AzurePrivatePeering/reach", "properties": {"addressPrefix": "192.168.9.0/29", "authorizationKey": "abcdef00-1111",
			"expressRouteCircuitPeering": {"id": "`+peering("a")+`"}, "peerExpressRouteCircuitPeering": {"id": "`+peering("b")+`"}}}`), nil, adopt.Options{})
	c := azure.Of[*azure.ExpressRouteCircuit](r.Design.Resources)[0]
	l := c.Properties.Peerings[0].Properties.Connections
	if len(l) != 1 || l[0].Properties.AuthorizationKey != "<authorization reach of b>" || l[0].Properties.AddressPrefix != "192.168.9.0/29" {
		t.Errorf("%+v", l)
	}
	if s := strings.ToLower(encoded(t, r.Design)); strings.Contains(s, "abcdef00") {
		t.Error("the key is in the design")
	}
}

// answers is an endpoint of a few answers by path in lower case; what it has not it refuses.
type answers struct {
	bodies map[string]string
	status int
}

func (a answers) Do(r *http.Request) (*http.Response, error) {
	body, status := a.bodies[strings.ToLower(r.URL.Path)], http.StatusOK
	if body == "" {
		body, status = `{"error": {"code": "Refused", "message": "no"}}`, a.status
	}
	return &http.Response{StatusCode: status, Status: http.StatusText(status), Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

type anybody struct{}

func (anybody) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: "x", ExpiresOn: time.Now().Add(time.Hour)}, nil
}

func TestWhatMayNotBeReadIsNamedAndTheRestIsRead(t *testing.T) {
	sub := "/subscriptions/11111111-2222-3333-4444-555555555555"
	net := group + "/providers/microsoft.network/"
	two := "/subscriptions/22222222-2222-3333-4444-555555555555"
	lower := strings.ToLower
	a := answers{status: http.StatusForbidden, bodies: map[string]string{
		"/subscriptions":               `{"value": [{"subscriptionId": "11111111-2222-3333-4444-555555555555", "displayName": "one"}, {"subscriptionId": "22222222-2222-3333-4444-555555555555", "displayName": "two"}]}`,
		lower(sub + "/resourcegroups"): `{"value": [{"id": "` + group + `", "name": "g", "type": "Microsoft.Resources/resourceGroups", "location": "westeurope", "properties": {"provisioningState": "Succeeded"}}]}`,
		lower(sub + "/resources"): `{"value": [{"id": "` + net + `routeTables/rt", "name": "rt", "type": "Microsoft.Network/routeTables", "location": "westeurope"}, {"id": "` + net + `expressRouteCircuits/er", "name": "er", "type": "Microsoft.Network/expressRouteCircuits", "location": "westeurope"},
			{"id": "` + group + `/providers/Microsoft.Compute/virtualMachines/vm", "name": "vm", "type": "Microsoft.Compute/virtualMachines", "location": "westeurope"}]}`,
		lower(net + "expressRouteCircuits"): `{"value": [{"id": "` + net + `expressRouteCircuits/er", "name": "er", "type": "Microsoft.Network/expressRouteCircuits", "location": "westeurope", "sku": {"name": "Standard_MeteredData", "tier": "Standard", "family": "MeteredData"},
			"properties": {"serviceKey": "a-service-key", "serviceProviderProvisioningState": "NotProvisioned", "serviceProviderProperties": {"serviceProviderName": "Equinix", "peeringLocation": "London", "bandwidthInMbps": 50},
			"peerings": [{"name": "AzurePrivatePeering", "properties": {"peeringType": "AzurePrivatePeering", "peerASN": 65010, "vlanId": 1, "primaryPeerAddressPrefix": "172.16.0.0/30", "secondaryPeerAddressPrefix": "172.16.0.4/30"}}]}}]}`,
	}}
	e, err := cloud.Open(t.Context(), cloud.Config{Endpoint: "https://endpoint.example", Authority: "https://login.example/", Audience: "https://x", Transport: a, Credential: anybody{}})
	if err != nil {
		t.Fatal(err)
	}
	f, err := adopt.FromEndpoint(t.Context(), e, adopt.Scope{Learned: true})
	r := imported(t, f, err, adopt.Options{})
	all := told(r)
	for _, want := range []string{two + ": the subscription cannot be read: Refused (403)", "routeTables/rt: only what every resource has was read", "vm: of a resource of type Microsoft.Compute/virtualMachines only",
		"role assignments cannot be read", "the routes of its primary connection cannot be read", "the routes of its secondary connection cannot be read", "assumed: import-no-routes"} {
		if !strings.Contains(all, want) {
			t.Errorf("it does not say %q:\n%s", want, all)
		}
	}
	c := azure.Of[*azure.ExpressRouteCircuit](r.Design.Resources)
	if len(c) != 1 || c[0].Properties.ServiceProviderProvisioningState != "NotProvisioned" || c[0].Properties.ServiceKey != "" || !strings.HasPrefix(string(c[0].ID), "/subscriptions/one/") || len(r.Design.Resources) != 4 {
		t.Error(encoded(t, r.Design))
	}
	a.bodies["/subscriptions"] = ""
	if _, err := adopt.FromEndpoint(t.Context(), e, adopt.Scope{}); err == nil {
		t.Error("an endpoint that refuses everything was read")
	}
}
