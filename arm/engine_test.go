package arm

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"onramp/catalog"
)

var testSub = subscriptionID("test")

// clock is a clock that a test turns.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.t }
func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	c.t = c.t.Add(d)
	c.mu.Unlock()
}

// rig is an endpoint under test.
type rig struct {
	*Server
	t     testing.TB
	http  *httptest.Server
	clock *clock
	owner *Principal

	mu     sync.Mutex
	issued time.Time // when the token was that call sends
	held   string
}

func newRig(t testing.TB, change func(*Config)) *rig {
	t.Helper()
	c, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	ck := &clock{t: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	d := NewDirectory("test")
	if _, err := d.AddSubscription("test", ""); err != nil {
		t.Fatal(err)
	}
	owner, err := d.AddPrincipal("owner", "", "", "a-secret-that-is-long-enough-1")
	if err != nil {
		t.Fatal(err)
	}
	a := NewAccess(c, d)
	role, _ := a.Definition("Owner")
	if _, refusal := a.Assign(RoleAssignment{Name: guidOf("assignment", "owner"), Scope: "/subscriptions/" + testSub, Role: role.ID, Principal: owner.ObjectID}); refusal != nil {
		t.Fatal(refusal)
	}
	web := httptest.NewUnstartedServer(nil)
	site, err := NewSite(web.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	keys, err := OpenKeys(filepath.Join(t.TempDir(), "keys"), ck.now())
	if err != nil {
		t.Fatal(err)
	}
	gate := &Gate{Directory: d, Tokens: NewTokens(keys, d.Tenant(), site, ck.now), Access: a}
	config := Config{Catalog: c, Store: NewMemoryStore(), Gate: gate, Now: ck.now, Random: rand.Reader, Pace: PaceInstant}
	if change != nil {
		change(&config)
	}
	s, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	web.Config.Handler = s
	web.StartTLS()
	r := &rig{Server: s, t: t, clock: ck, owner: owner, http: web}
	t.Cleanup(r.http.Close)
	return r
}

// token is one that the owner was issued.
func (r *rig) token() string {
	r.t.Helper()
	s, _, err := r.config.Gate.Tokens.Issue(r.owner, "https://management.azure.com")
	if err != nil {
		r.t.Fatal(err)
	}
	return s
}

// call sends a request as a script would. The path gets the subscription for SUB and a version where it has none.
func (r *rig) call(method, path, body string) (int, object, http.Header) {
	r.t.Helper()
	path = strings.ReplaceAll(path, "SUB", testSub)
	if !strings.Contains(path, "api-version=") {
		sep := "?"
		if strings.Contains(path, "?") {
			sep = "&"
		}
		path += sep + "api-version=2025-05-01"
	}
	req, err := http.NewRequest(method, r.http.URL+path, strings.NewReader(strings.ReplaceAll(body, "SUB", testSub)))
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	r.mu.Lock()
	if now := r.clock.now(); r.held == "" || now.Before(r.issued) || now.Sub(r.issued) > 10*time.Minute {
		r.issued, r.held = now, r.token()
	}
	req.Header.Set("Authorization", "Bearer "+r.held)
	r.mu.Unlock()
	res, err := r.http.Client().Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	var o object
	if len(bytes.TrimSpace(b)) > 0 {
		if err := json.Unmarshal(b, &o); err != nil {
			r.t.Fatalf("%s %s: %v: %s", method, path, err, b)
		}
	}
	return res.StatusCode, o, res.Header
}

// must sends a request that has to have a status.
func (r *rig) must(status int, method, path, body string) object {
	r.t.Helper()
	got, o, _ := r.call(method, path, body)
	if got != status {
		r.t.Fatalf("%s %s: %d, not %d: %v", method, path, got, status, o)
	}
	return o
}

// refused sends a request that has to be refused with a status and a code.
func (r *rig) refused(status int, code, method, path, body string) {
	r.t.Helper()
	got, o, _ := r.call(method, path, body)
	if got != status || text(o, "error", "code") != code {
		r.t.Errorf("%s %s: %d %s, not %d %s (%s)", method, path, got, text(o, "error", "code"), status, code, text(o, "error", "message"))
	}
}

const (
	group = "/subscriptions/SUB/resourceGroups/net"
	nets  = group + "/providers/Microsoft.Network"
)

func TestACircuitsLife(t *testing.T) {
	r := newRig(t, nil)
	r.must(201, "PUT", group, `{"location":"westeurope"}`)
	circuit := func(tier, family string, mbps int) string {
		b, _ := json.Marshal(object{
			"location": "West Europe", "sku": object{"name": tier + "_" + family, "tier": tier, "family": family},
			"properties": object{"serviceProviderProperties": object{"serviceProviderName": "Equinix", "peeringLocation": "Amsterdam", "bandwidthInMbps": mbps}},
		})
		return string(b)
	}
	path := nets + "/expressRouteCircuits/er1"
	o := r.must(201, "PUT", path, circuit("Standard", "MeteredData", 200))
	key := text(o, "properties", "serviceKey")
	if len(key) != 36 || text(o, "location") != "westeurope" {
		t.Fatalf("circuit: %v", o)
	}
	o = r.must(200, "GET", path, "")
	if text(o, "properties", "serviceProviderProvisioningState") != "Provisioned" || text(o, "properties", "provisioningState") != "Succeeded" {
		t.Fatalf("circuit: %v", o)
	}
	r.must(201, "PUT", path+"/peerings/AzurePrivatePeering", `{"properties":{"peeringType":"AzurePrivatePeering","peerASN":65001,"primaryPeerAddressPrefix":"192.168.10.0/30","secondaryPeerAddressPrefix":"192.168.10.4/30","vlanId":100}}`)
	o = r.must(200, "GET", path, "")
	if p := list(o, "properties", "peerings"); len(p) != 1 || number(p[0], "properties", "azureASN") != 12076 {
		t.Fatalf("peerings: %v", p)
	}
	r.must(200, "PUT", path, circuit("Standard", "MeteredData", 500))
	r.must(200, "PUT", path, circuit("Standard", "UnlimitedData", 500))
	r.must(200, "PUT", path, circuit("Premium", "UnlimitedData", 500))
	r.refused(400, "BadRequest", "PUT", path, circuit("Premium", "UnlimitedData", 200))
	r.refused(400, "BadRequest", "PUT", path, circuit("Premium", "MeteredData", 500))
	o = r.must(200, "GET", path, "")
	if text(o, "properties", "serviceKey") != key || len(list(o, "properties", "peerings")) != 1 || number(o, "properties", "serviceProviderProperties", "bandwidthInMbps") != 500 {
		t.Fatalf("circuit: %v", o)
	}
	// A network, a gateway, a connection.
	r.must(201, "PUT", nets+"/virtualNetworks/v", `{"location":"westeurope","properties":{"addressSpace":{"addressPrefixes":["10.1.0.0/16"]},"subnets":[{"name":"GatewaySubnet","properties":{"addressPrefix":"10.1.255.0/26"}},{"name":"app","properties":{"addressPrefix":"10.1.0.0/24"}}]}}`)
	r.must(201, "PUT", nets+"/virtualNetworkGateways/gw", `{"location":"westeurope","properties":{"gatewayType":"ExpressRoute","sku":{"name":"ErGw1AZ","tier":"ErGw1AZ"},"ipConfigurations":[{"name":"default","properties":{"subnet":{"id":"`+nets+`/virtualNetworks/v/subnets/GatewaySubnet"}}}]}}`)
	r.refused(400, "InvalidResourceReference", "PUT", nets+"/connections/c2", `{"location":"westeurope","properties":{"connectionType":"ExpressRoute","virtualNetworkGateway1":{"id":"`+nets+`/virtualNetworkGateways/gw"},"peer":{"id":"`+nets+`/expressRouteCircuits/none"}}}`)
	r.must(201, "PUT", nets+"/connections/c1", `{"location":"westeurope","properties":{"connectionType":"ExpressRoute","virtualNetworkGateway1":{"id":"`+nets+`/virtualNetworkGateways/gw","properties":{"ipConfigurations":[]}},"peer":{"id":"`+path+`"},"authorizationKey":"","routingWeight":0}}`)
	o = r.must(200, "GET", nets+"/connections/c1", "")
	if text(o, "properties", "connectionStatus") != "Connected" {
		t.Fatalf("connection: %v", o)
	}
	r.refused(400, "VirtualNetworkGatewayCannotBeDeleted", "DELETE", nets+"/virtualNetworkGateways/gw", "")
	r.refused(409, "Conflict", "DELETE", path, "")
	r.refused(400, "InUseSubnetCannotBeDeleted", "DELETE", nets+"/virtualNetworks/v", "")
	for _, x := range []string{"/connections/c1", "/virtualNetworkGateways/gw", "/virtualNetworks/v", "/expressRouteCircuits/er1"} {
		r.must(202, "DELETE", nets+x, "")
		r.must(204, "DELETE", nets+x, "")
		r.must(404, "GET", nets+x, "")
	}
	r.must(202, "DELETE", group, "")
	r.must(404, "GET", group, "")
}
