package twin

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"onramp/arm"
)

// terraform is a client that does what is known of Terraform's provider (wire.md), by hand.
type terraform struct {
	*running
	sub   string
	base  string // resourceManager, as the metadata say
	token string
	state []applied // what has been made, in order
	// waited counts the polls that found an operation under way, saw those that found a resource on its way out.
	waited, saw int
}

type document = map[string]any

// applied is a resource that was made, with what was sent for it.
type applied struct {
	id      string
	version string
	sent    document
}

// The versions that the provider has been seen to send.
const (
	networkVersion = "2025-01-01"
	groupVersion   = "2023-07-01"
)

// begin reads the metadata and gets its tokens, Microsoft Graph's first.
func begin(r *running, name, secret string) *terraform {
	r.t.Helper()
	c := &terraform{running: r, sub: r.subscription("sub-network")}
	status, meta, _ := c.send("GET", r.URL()+"/metadata/endpoints?api-version=2022-09-01", "", "")
	login := meta["authentication"].(document)
	if status != 200 || meta["name"] == "" || login["tenant"] != "common" || login["identityProvider"] != "AAD" || len(login["audiences"].([]any)) == 0 {
		r.t.Fatalf("metadata: %d %v", status, meta)
	}
	c.base = strings.TrimSuffix(absolute(r.t, meta["resourceManager"]), "/")
	app := ""
	for _, p := range r.Status().Principals {
		if p.Name == name {
			app = p.AppID
		}
	}
	// Without these its authorizers for other services are not built, and then it does nothing.
	for _, suffix := range []string{"storage", "keyVaultDns", "mhsmDns", "synapseAnalytics"} {
		if s, _ := meta["suffixes"].(map[string]any)[suffix].(string); !strings.HasSuffix(s, ".invalid") {
			r.t.Errorf("the suffix %s is %q", suffix, s)
		}
	}
	for _, audience := range []string{absolute(r.t, meta["microsoftGraphResourceId"]), login["audiences"].([]any)[0].(string)} {
		form := url.Values{"grant_type": {"client_credentials"}, "client_id": {app}, "client_secret": {secret}, "scope": {strings.TrimSuffix(audience, "/") + "/.default"}}
		req, err := http.NewRequest("POST", strings.TrimSuffix(absolute(r.t, login["loginEndpoint"]), "/")+"/"+r.Tenant()+"/oauth2/v2.0/token", strings.NewReader(form.Encode()))
		if err != nil {
			r.t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		status, got, _ := c.do(req)
		if status != 200 || !strings.EqualFold(got["token_type"].(string), "Bearer") || got["expires_in"] == nil {
			r.t.Fatalf("token for %s: %d %v", audience, status, got)
		}
		c.token = got["access_token"].(string)
		parts := strings.Split(c.token, ".")
		if len(parts) != 3 {
			r.t.Fatalf("the token is no JWT")
		}
		claims := document{}
		b, err := base64.RawURLEncoding.DecodeString(parts[1])
		if err != nil || json.Unmarshal(b, &claims) != nil {
			r.t.Fatal("the token's claims cannot be read", err)
		}
		for _, n := range []string{"oid", "tid", "appid", "exp"} {
			if claims[n] == nil {
				r.t.Errorf("the token for %s has no %s", audience, n)
			}
		}
	}
	return c
}

// absolute is a URL that has to be one.
func absolute(t testing.TB, v any) string {
	t.Helper()
	s, _ := v.(string)
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" || u.Host == "" {
		t.Fatalf("%v is no absolute https URL", v)
	}
	return s
}

func (c *terraform) do(req *http.Request) (int, document, http.Header) {
	c.t.Helper()
	res, err := c.http.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	// The provider's SDK takes nothing but JSON, unless the length is 0.
	if kind := res.Header.Get("Content-Type"); len(b) > 0 && !strings.HasPrefix(kind, "application/json") || len(b) == 0 && res.StatusCode == 200 && res.Header.Get("Content-Length") != "0" {
		c.t.Errorf("%s %s: %d with the content type %q and %d octets", req.Method, req.URL, res.StatusCode, kind, len(b))
	}
	var o document
	if len(bytes.TrimSpace(b)) > 0 {
		if err := json.Unmarshal(b, &o); err != nil {
			c.t.Fatalf("%s %s: %v: %s", req.Method, req.URL, err, b)
		}
	}
	return res.StatusCode, o, res.Header
}

func (c *terraform) send(method, u, version, body string) (int, document, http.Header) {
	c.t.Helper()
	if version != "" {
		u = c.base + u
		if strings.Contains(u, "?") {
			u += "&api-version=" + version
		} else {
			u += "?api-version=" + version
		}
	}
	req, err := http.NewRequest(method, u, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Accept", "application/json; charset=utf-8; IEEE754Compatible=false")
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	return c.do(req)
}

// path is a URL's path and query: the provider sends them to the endpoint that it knows.
func path(t testing.TB, u string) string {
	t.Helper()
	p, err := url.Parse(absolute(t, u))
	if err != nil {
		t.Fatal(err)
	}
	return p.RequestURI()
}

// waits asks something again until it says that it is done.
func (c *terraform) waits(what string, ask func() bool) {
	c.t.Helper()
	for end := time.Now().Add(time.Minute); !ask(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			c.t.Fatalf("%s does not end", what)
		}
	}
}

// polls follows an operation as the provider does: it believes what Azure-AsyncOperation says, and insists on JSON and a status.
func (c *terraform) polls(what string, h http.Header) {
	c.t.Helper()
	u := c.base + path(c.t, h.Get("Azure-AsyncOperation"))
	c.waits(what, func() bool {
		status, o, h := c.send("GET", u, "", "")
		if status != 200 || !strings.HasPrefix(h.Get("Content-Type"), "application/json") {
			c.t.Fatalf("%s: a poll answers %d %s", what, status, h.Get("Content-Type"))
		}
		switch o["status"] {
		case "InProgress":
			c.waited++
			return false
		case "Succeeded":
			return true
		}
		c.t.Fatalf("%s: %v", what, o)
		return true
	})
}

// create makes a resource that is not there yet, and reads it.
func (c *terraform) create(id, version, body string) document {
	c.t.Helper()
	id = strings.ReplaceAll(id, "SUB", c.sub)
	body = strings.ReplaceAll(body, "SUB", c.sub)
	if status, o, _ := c.send("GET", id, version, ""); status != 404 || o["error"] == nil {
		c.t.Fatalf("%s is there already: %d %v", id, status, o)
	}
	c.write(id, version, body)
	var sent document
	if err := json.Unmarshal([]byte(body), &sent); err != nil {
		c.t.Fatal(err)
	}
	c.state = append(c.state, applied{id, version, sent})
	return c.read(c.state[len(c.state)-1])
}

// write puts a resource and waits.
func (c *terraform) write(id, version, body string) {
	c.t.Helper()
	status, o, h := c.send("PUT", id, version, body)
	if status != 200 && status != 201 {
		c.t.Fatalf("PUT %s: %d %v", id, status, o)
	}
	if h.Get("Azure-AsyncOperation") != "" {
		if p, _ := o["properties"].(document); p["provisioningState"] != "Updating" {
			c.t.Errorf("PUT %s: the state is %v", id, p["provisioningState"])
		}
		c.polls("PUT "+id, h)
	}
}

// shuffled is an id in another case, as a user may have written it.
func shuffled(id string) string {
	return strings.NewReplacer("/resourceGroups/", "/RESOURCEgroups/", "/providers/Microsoft.Network/", "/Providers/microsoft.network/", "virtualNetworks", "virtualnetworks", "expressRouteCircuits", "ExpressRoutecircuits", "/net", "/NET", "hub", "HUB").Replace(id)
}

// read gets a resource by an id in any case: its answer has the canonical one, and nothing for the plan to do.
func (c *terraform) read(a applied) document {
	c.t.Helper()
	var got document
	for _, id := range []string{a.id, shuffled(a.id)} {
		status, o, _ := c.send("GET", id, a.version, "")
		if status != 200 || o["id"] != a.id {
			c.t.Fatalf("GET %s: %d, and the id is %v", id, status, o["id"])
		}
		got = o
	}
	for _, d := range differences(a.sent, got, "") {
		c.t.Errorf("a second plan is not empty: %s: %s", a.id, d)
	}
	if strings.Contains(a.id, "/connections/") && !strings.Contains(a.id, "/peerings/") {
		status, o, _ := c.send("GET", a.id+"/sharedkey", a.version, "")
		if _, ok := o["value"].(string); status != 200 || !ok {
			c.t.Errorf("the shared key of %s: %d %v", a.id, status, o)
		}
	}
	return got
}

// differences are what a plan would show: what was sent and is read otherwise. "", 0 and an empty list stand for what is not set.
func differences(sent, got any, at string) []string {
	switch x := sent.(type) {
	case document:
		y, ok := got.(document)
		if !ok {
			return []string{fmt.Sprintf("%s is %v", at, got)}
		}
		var out []string
		for _, k := range slices.Sorted(maps.Keys(x)) {
			out = append(out, differences(x[k], y[k], at+"."+k)...)
		}
		return out
	case []any:
		y, _ := got.([]any)
		if len(x) == 0 {
			return nil
		}
		if len(x) != len(y) {
			return []string{fmt.Sprintf("%s has %d elements, not %d", at, len(y), len(x))}
		}
		var out []string
		for i := range x {
			out = append(out, differences(x[i], y[i], fmt.Sprintf("%s[%d]", at, i))...)
		}
		return out
	}
	if sent == nil || sent == "" || sent == 0.0 || sent == false && got == nil || reflect.DeepEqual(sent, got) {
		return nil
	}
	return []string{fmt.Sprintf("%s is %v, not %v", at, got, sent)}
}

// destroy deletes a resource and, looking at neither header, asks for it until it is gone.
func (c *terraform) destroy(a applied) {
	c.t.Helper()
	status, o, _ := c.send("DELETE", a.id, a.version, "")
	if status != 200 && status != 202 && status != 204 {
		c.t.Fatalf("DELETE %s: %d %v", a.id, status, o)
	}
	c.waits("DELETE "+a.id, func() bool {
		status, o, _ := c.send("GET", a.id, a.version, "")
		if status == 200 {
			c.saw++
			if p, _ := o["properties"].(document); p["provisioningState"] != "Deleting" {
				c.t.Errorf("%s is %v while it goes", a.id, p["provisioningState"])
			}
		}
		return status == 404
	})
}

// TestAClientLikeTerraformsDoesTheWholeLife applies an estate, plans it again, changes it and destroys it. Operations take a moment, so
// that there is something to wait for.
func TestAClientLikeTerraformsDoesTheWholeLife(t *testing.T) {
	t.Parallel()
	r := start(t, t.TempDir(), nil)
	if err := r.Server().SetFaults([]arm.Fault{{What: arm.FaultSlow, Delay: 80 * time.Millisecond}}); err != nil {
		t.Fatal(err)
	}
	c := begin(r, "owner", "the-owners-secret-1234")

	// What it looks at first.
	for _, u := range []string{"/subscriptions/" + c.sub, "/subscriptions/" + c.sub + "/providers", "/subscriptions/" + c.sub + "/providers/Microsoft.Network"} {
		status, o, _ := c.send("GET", u, "2022-09-01", "")
		if status != 200 {
			t.Errorf("%s: %d %v", u, status, o)
		}
	}

	const (
		group = "/subscriptions/SUB/resourceGroups/net"
		nets  = group + "/providers/Microsoft.Network"
	)
	c.create(group, groupVersion, `{"location":"westeurope","tags":{}}`)
	hub := c.create(nets+"/virtualNetworks/hub", networkVersion, `{"location":"westeurope","properties":{"addressSpace":{"addressPrefixes":["10.1.0.0/16"]},"dhcpOptions":{"dnsServers":[]},"privateEndpointVNetPolicies":"Disabled","subnets":[]},"tags":{"env":"test"}}`)
	if hub["etag"] == nil {
		t.Error("a network without an etag")
	}
	c.create(nets+"/virtualNetworks/spoke", networkVersion, `{"location":"westeurope","properties":{"addressSpace":{"addressPrefixes":["10.2.0.0/16"]},"dhcpOptions":{"dnsServers":[]},"subnets":[]}}`)
	for _, s := range [][2]string{{"GatewaySubnet", "10.1.255.0/26"}, {"RouteServerSubnet", "10.1.254.0/26"}, {"app", "10.1.0.0/24"}} {
		c.create(nets+"/virtualNetworks/hub/subnets/"+s[0], networkVersion, `{"properties":{"addressPrefixes":["`+s[1]+`"],"defaultOutboundAccess":true,"delegations":[],"privateEndpointNetworkPolicies":"Disabled","privateLinkServiceNetworkPolicies":"Enabled","serviceEndpointPolicies":[],"serviceEndpoints":[]}}`)
	}
	c.create(nets+"/routeTables/rt", networkVersion, `{"location":"westeurope","properties":{"disableBgpRoutePropagation":false,"routes":[]}}`)
	c.create(nets+"/routeTables/rt/routes/away", networkVersion, `{"properties":{"addressPrefix":"10.99.0.0/16","nextHopType":"VnetLocal","nextHopIpAddress":""}}`)
	// A table is joined to a subnet by the whole subnet, as it was read.
	app := strings.ReplaceAll(nets+"/virtualNetworks/hub/subnets/app", "SUB", c.sub)
	_, subnet, _ := c.send("GET", app, networkVersion, "")
	table := strings.ReplaceAll(nets+"/routeTables/rt", "SUB", c.sub)
	subnet["properties"].(document)["routeTable"] = document{"id": table}
	b, err := json.Marshal(subnet)
	if err != nil {
		t.Fatal(err)
	}
	c.write(app, networkVersion, string(b))
	if _, o, _ := c.send("GET", app, networkVersion, ""); !reflect.DeepEqual(o["properties"].(document)["routeTable"], document{"id": table}) {
		t.Errorf("the table is not joined: %v", o)
	}

	circuit := nets + "/expressRouteCircuits/er"
	got := c.create(circuit, networkVersion, `{"location":"westeurope","sku":{"name":"Standard_MeteredData","tier":"Standard","family":"MeteredData"},"properties":{"allowClassicOperations":false,"authorizationKey":"","gatewayManagerEtag":"","serviceKey":"","serviceProviderProperties":{"serviceProviderName":"Equinix","peeringLocation":"Amsterdam","bandwidthInMbps":200}},"tags":{}}`)
	if p := got["properties"].(document); len(p["serviceKey"].(string)) != 36 || p["serviceProviderProvisioningState"] != "Provisioned" {
		t.Errorf("the circuit: %v", p)
	}
	// It lists Global Reach's connections before it makes the private peering, and takes "not found" for none.
	status, o, _ := c.send("GET", strings.ReplaceAll(circuit, "SUB", c.sub)+"/peerings/AzurePrivatePeering/connections", networkVersion, "")
	if list, _ := o["value"].([]any); status != 404 && (status != 200 || len(list) != 0) {
		t.Errorf("the connections of a peering that is not there: %d %v", status, o)
	}
	c.create(circuit+"/peerings/AzurePrivatePeering", networkVersion, `{"properties":{"peeringType":"AzurePrivatePeering","azureASN":0,"peerASN":65001,"sharedKey":"","gatewayManagerEtag":"","primaryPeerAddressPrefix":"192.168.10.0/30","secondaryPeerAddressPrefix":"192.168.10.4/30","state":"Enabled","vlanId":100,"connections":[]}}`)
	status, o, _ = c.send("GET", strings.ReplaceAll(circuit, "SUB", c.sub)+"/peerings/AzurePrivatePeering/connections", networkVersion, "")
	if list, ok := o["value"].([]any); status != 200 || !ok || len(list) != 0 {
		t.Errorf("the connections of the peering: %d %v", status, o)
	}
	auth := c.create(circuit+"/authorizations/finance", networkVersion, `{"properties":{"authorizationKey":"","authorizationUseStatus":""}}`)
	if auth["properties"].(document)["authorizationUseStatus"] != "Available" {
		t.Errorf("the authorization: %v", auth)
	}
	c.create(nets+"/virtualNetworkGateways/gw", networkVersion, `{"location":"westeurope","properties":{"activeActive":false,"enableBgp":false,"enablePrivateIpAddress":false,"gatewayType":"ExpressRoute","vpnType":"RouteBased","sku":{"name":"ErGw1AZ","tier":"ErGw1AZ"},"ipConfigurations":[{"name":"vnetGatewayConfig","properties":{"privateIPAllocationMethod":"Dynamic","subnet":{"id":"`+nets+`/virtualNetworks/hub/subnets/GatewaySubnet"}}}]}}`)
	c.create(nets+"/connections/cn", networkVersion, `{"location":"westeurope","properties":{"authorizationKey":"","connectionType":"ExpressRoute","enableBgp":false,"expressRouteGatewayBypass":false,"peer":{"id":"`+circuit+`"},"routingWeight":0,"sharedKey":"","usePolicyBasedTrafficSelectors":false,"virtualNetworkGateway1":{"id":"`+nets+`/virtualNetworkGateways/gw","name":"gw","properties":{"ipConfigurations":[]}}}}`)
	for _, x := range [][3]string{{"hub", "spoke", `"allowGatewayTransit":true,"useRemoteGateways":false`}, {"spoke", "hub", `"allowGatewayTransit":false,"useRemoteGateways":true`}} {
		c.create(nets+"/virtualNetworks/"+x[0]+"/virtualNetworkPeerings/to-"+x[1], networkVersion, `{"properties":{"allowForwardedTraffic":true,"allowVirtualNetworkAccess":true,`+x[2]+`,"peerCompleteVnets":true,"remoteVirtualNetwork":{"id":"`+nets+`/virtualNetworks/`+x[1]+`"}}}`)
	}
	c.create(nets+"/routeFilters/rf", networkVersion, `{"location":"westeurope","properties":{"rules":[{"name":"exchange","properties":{"access":"Allow","communities":["12076:5010"],"routeFilterRuleType":"Community"}}]}}`)
	c.create(nets+"/publicIPAddresses/rs", networkVersion, `{"location":"westeurope","sku":{"name":"Standard","tier":"Regional"},"zones":["1","2","3"],"properties":{"ddosSettings":{"protectionMode":"VirtualNetworkInherited"},"idleTimeoutInMinutes":4,"publicIPAddressVersion":"IPv4","publicIPAllocationMethod":"Static"}}`)
	// A Route Server: the hub, waited for by its state, and then its IP configuration.
	server := c.create(nets+"/virtualHubs/rs", networkVersion, `{"location":"westeurope","properties":{"allowBranchToBranchTraffic":false,"hubRoutingPreference":"ExpressRoute","sku":"Standard"}}`)
	if p := server["properties"].(document); p["provisioningState"] != "Succeeded" || p["routingState"] == nil {
		t.Errorf("the Route Server: %v", p)
	}
	c.create(nets+"/virtualHubs/rs/ipConfigurations/ipConfig1", networkVersion, `{"name":"ipConfig1","properties":{"publicIPAddress":{"id":"`+nets+`/publicIPAddresses/rs"},"subnet":{"id":"`+nets+`/virtualNetworks/hub/subnets/RouteServerSubnet"}}}`)
	if p := c.read(c.find(nets + "/virtualHubs/rs"))["properties"].(document); p["routingState"] != "Provisioned" || p["virtualRouterAsn"] != 65515.0 || len(p["virtualRouterIps"].([]any)) != 2 {
		t.Errorf("the Route Server: %v", p)
	}
	c.create(nets+"/virtualHubs/rs/bgpConnections/nva", networkVersion, `{"name":"nva","properties":{"peerAsn":65010,"peerIp":"10.1.0.20"}}`)

	// The second plan is empty, and to apply it all again, as it was or as it is read, changes nothing.
	for _, a := range c.state {
		c.read(a)
	}
	for _, a := range c.state {
		was := c.read(a)
		if a.version == groupVersion {
			continue
		}
		b, err := json.Marshal(was)
		if err != nil {
			t.Fatal(err)
		}
		c.write(a.id, a.version, string(b))
		is := c.read(a)
		for _, d := range differences(unversioned(was), unversioned(is), "") {
			t.Errorf("applied again, %s: %s", a.id, d)
		}
	}

	// A group that holds something is not deleted.
	left := func() int {
		t.Helper()
		status, o, _ := c.send("GET", strings.ReplaceAll(group, "SUB", c.sub)+"/resources?$expand=provisioningState&$top=10", groupVersion, "")
		list, ok := o["value"].([]any)
		if status != 200 || !ok || len(list) > 10 {
			t.Fatalf("the group's resources: %d %v", status, o)
		}
		for _, x := range list {
			if x.(document)["provisioningState"] == nil {
				t.Errorf("%v has no state", x)
			}
		}
		return len(list)
	}
	if left() == 0 {
		t.Error("the group is empty")
	}
	_, subnet, _ = c.send("GET", app, networkVersion, "")
	delete(subnet["properties"].(document), "routeTable")
	if b, err = json.Marshal(subnet); err != nil {
		t.Fatal(err)
	}
	c.write(app, networkVersion, string(b))
	for i := len(c.state) - 1; i > 0; i-- {
		c.destroy(c.state[i])
	}
	if n := left(); n != 0 {
		t.Errorf("%d resources are left", n)
	}
	c.destroy(c.state[0])
	if c.waited < 10 || c.saw < 10 {
		t.Errorf("%d operations and %d deletions were seen under way: there was nothing to wait for", c.waited, c.saw)
	}
}

// find is a resource that was made.
func (c *terraform) find(id string) applied {
	c.t.Helper()
	id = strings.ReplaceAll(id, "SUB", c.sub)
	i := slices.IndexFunc(c.state, func(a applied) bool { return a.id == id })
	if i < 0 {
		c.t.Fatalf("%s was not made", id)
	}
	return c.state[i]
}

// unversioned is an answer without its etags, which each write changes.
func unversioned(v any) any {
	switch x := v.(type) {
	case document:
		out := document{}
		for k, y := range x {
			if k != "etag" {
				out[k] = unversioned(y)
			}
		}
		return out
	case []any:
		out := make([]any, len(x))
		for i, y := range x {
			out[i] = unversioned(y)
		}
		return out
	}
	return v
}
