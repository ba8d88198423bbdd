package arm

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"
)

const aVNet = `{"location":"westeurope","properties":{"addressSpace":{"addressPrefixes":["10.1.0.0/16"]},"subnets":[{"name":"app","properties":{"addressPrefix":"10.1.0.0/24"}}]}}`

// local is the path and query of an absolute URL that the endpoint gave.
func local(t testing.TB, u string) string {
	t.Helper()
	p, err := url.Parse(u)
	if err != nil || p.Scheme != "https" || p.Host == "" {
		t.Fatalf("%q is no absolute URL", u)
	}
	return p.RequestURI()
}

func TestOperationsEndOnTheServersClock(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Pace = PaceAzure })
	r.must(201, "PUT", group, `{"location":"westeurope"}`)
	path := nets + "/virtualNetworks/v"
	status, o, h := r.call("PUT", path, aVNet)
	if status != 201 || text(o, "properties", "provisioningState") != "Updating" || h.Get("Retry-After") == "" {
		t.Fatalf("%d %v", status, o)
	}
	async := local(t, h.Get("Azure-AsyncOperation"))
	if s := text(r.must(200, "GET", async, ""), "status"); s != "InProgress" {
		t.Errorf("the operation is %s", s)
	}
	if s := text(r.must(200, "GET", path, ""), "properties", "provisioningState"); s != "Updating" {
		t.Errorf("the network is %s", s)
	}
	r.refused(429, "AnotherOperationInProgress", "PUT", path, aVNet)
	r.refused(429, "AnotherOperationInProgress", "PUT", path+"/subnets/x", `{"properties":{"addressPrefix":"10.1.1.0/24"}}`)
	r.clock.add(6 * time.Second)
	if s := text(r.must(200, "GET", async, ""), "status"); s != "Succeeded" {
		t.Errorf("the operation is %s", s)
	}
	if s := text(r.must(200, "GET", path, ""), "properties", "provisioningState"); s != "Succeeded" {
		t.Errorf("the network is %s", s)
	}
	status, _, h = r.call("DELETE", path+"/subnets/app", "")
	if status != 202 {
		t.Fatal(status)
	}
	result := local(t, h.Get("Location"))
	r.must(202, "GET", result, "")
	if s := text(r.must(200, "GET", path+"/subnets/app", ""), "properties", "provisioningState"); s != "Deleting" {
		t.Errorf("the subnet is %s", s)
	}
	r.clock.add(6 * time.Second)
	r.must(404, "GET", path+"/subnets/app", "") // before anybody has settled it
	r.engine.settle()
	r.must(404, "GET", path+"/subnets/app", "")
	r.must(200, "GET", result, "")
	r.must(200, "GET", path, "")
}

func TestAnOperationGoesOnAfterARestart(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Pace = PaceAzure })
	r.must(201, "PUT", group, `{"location":"westeurope"}`)
	path := nets + "/virtualNetworks/v"
	_, _, h := r.call("PUT", path, aVNet)
	async := local(t, h.Get("Azure-AsyncOperation"))
	again := func() {
		t.Helper()
		s, err := New(Config{Catalog: r.config.Catalog, Store: r.config.Store, Gate: r.config.Gate, Now: r.clock.now, Random: rand.Reader, Pace: PaceAzure})
		if err != nil {
			t.Fatal(err)
		}
		r.Server, r.http.Config.Handler = s, s
	}
	again()
	if s := text(r.must(200, "GET", async, ""), "status"); s != "InProgress" {
		t.Errorf("the operation is %s", s)
	}
	r.clock.add(6 * time.Second)
	if s := text(r.must(200, "GET", async, ""), "status"); s != "Succeeded" {
		t.Errorf("the operation is %s", s)
	}
	_, _, h = r.call("DELETE", path, "")
	async = local(t, h.Get("Azure-AsyncOperation"))
	again()
	if s := text(r.must(200, "GET", path, ""), "properties", "provisioningState"); s != "Deleting" {
		t.Errorf("the network is %s", s)
	}
	r.clock.add(6 * time.Second)
	again()
	r.must(404, "GET", path, "")
	r.engine.settle()
	again()
	if s := text(r.must(200, "GET", async, ""), "status"); s != "Succeeded" {
		t.Errorf("the deletion is %s", s)
	}
	r.clock.add(2 * time.Hour)
	r.engine.settle()
	again()
	r.must(404, "GET", async, "")
}

func TestWhatAnActionAnswersSurvivesARestart(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Pace = PaceAzure })
	r.must(201, "PUT", group, `{"location":"westeurope"}`)
	again := func() {
		t.Helper()
		s, err := New(Config{Catalog: r.config.Catalog, Store: r.config.Store, Gate: r.config.Gate, Now: r.clock.now, Random: rand.Reader, Pace: PaceAzure})
		if err != nil {
			t.Fatal(err)
		}
		r.Server, r.http.Config.Handler = s, s
	}
	make := func(path, body string) {
		t.Helper()
		r.must(201, "PUT", path, body)
		r.clock.add(time.Hour)
		r.engine.settle()
	}
	make(nets+"/virtualNetworks/v", theVNet)
	make(nets+"/networkSecurityGroups/nsg", plain)
	make(nets+"/networkInterfaces/nic", anNIC)
	make(nets+"/expressRouteCircuits/er", fmt.Sprintf(aCircuit, "Amsterdam"))
	make(nets+"/expressRouteCircuits/er/peerings/AzurePrivatePeering", fmt.Sprintf(aPeering, 10))
	make(nets+"/virtualNetworkGateways/gw", aGateway)
	make(nets+"/connections/cn", aLink)
	ask := func(path, body string) (async, result string) {
		t.Helper()
		status, o, h := r.call("POST", path, body)
		if status != 202 {
			t.Fatalf("%s: %d %v", path, status, o)
		}
		return local(t, h.Get("Azure-AsyncOperation")), local(t, h.Get("Location"))
	}
	async, result := ask(nets+"/networkInterfaces/nic/effectiveRouteTable", "")
	again()
	if s := text(r.must(200, "GET", async, ""), "status"); s != "InProgress" {
		t.Errorf("the action is %s", s)
	}
	r.must(202, "GET", result, "")
	r.clock.add(time.Minute)
	before := r.must(200, "GET", result, "")
	if len(list(before, "value")) == 0 {
		t.Fatalf("the action answers %v", before)
	}
	again()
	if after := r.must(200, "GET", result, ""); !reflect.DeepEqual(before, after) {
		t.Errorf("the action answers %v, and after a restart %v", before, after)
	}
	// That of an action which is in its target's record outlives the next write of it.
	_, reset := ask(nets+"/connections/cn/sharedkey/reset", `{"keyLength":32}`)
	r.clock.add(time.Hour / 2)
	r.must(200, "PUT", nets+"/connections/cn", aLink)
	again()
	if o := r.must(200, "GET", reset, ""); number(o, "keyLength") != 32 {
		t.Errorf("the action answers %v", o)
	}
	// None is kept for ever.
	r.clock.add(3 * time.Hour)
	ask(nets+"/networkInterfaces/nic/effectiveRouteTable", "")
	for _, gone := range []string{async, result, reset} {
		r.must(404, "GET", gone, "")
	}
	kept := 0
	for key := range r.records() {
		if strings.HasPrefix(key, endedKey) {
			kept++
		}
	}
	if kept != 1 {
		t.Errorf("%d actions are kept", kept)
	}
}

func TestAnOperationIsCancelled(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Pace = PaceAzure })
	r.must(201, "PUT", group, `{"location":"westeurope"}`)
	path := nets + "/virtualNetworks/v"
	_, _, h := r.call("PUT", path, aVNet)
	async := local(t, h.Get("Azure-AsyncOperation"))
	r.must(204, "POST", strings.Replace(async, "?", "/cancel?", 1), "")
	o := r.must(200, "GET", async, "")
	if text(o, "status") != "Canceled" || text(o, "error", "code") != "Canceled" {
		t.Errorf("%v", o)
	}
	if s := text(r.must(200, "GET", path, ""), "properties", "provisioningState"); s != "Canceled" {
		t.Errorf("the network is %s", s)
	}
	r.refused(409, "OperationNotAllowed", "POST", strings.Replace(async, "?", "/cancel?", 1), "")
}

func TestFaultsOnRequest(t *testing.T) {
	r := newRig(t, nil)
	r.must(201, "PUT", group, `{"location":"westeurope"}`)
	path := nets + "/virtualNetworks/v"
	set := func(list ...Fault) {
		t.Helper()
		if err := r.SetFaults(list); err != nil {
			t.Fatal(err)
		}
	}
	set(Fault{What: FaultThrottle, Times: 1, Delay: 3 * time.Second})
	status, o, h := r.call("PUT", path, aVNet)
	if status != 429 || text(o, "error", "code") != "SubscriptionRequestsThrottled" || h.Get("Retry-After") != "3" {
		t.Errorf("%d %v", status, o)
	}
	set(Fault{What: FaultError, Operation: "VirtualNetworks_CreateOrUpdate", Every: 2})
	r.must(201, "PUT", path, aVNet)
	r.must(500, "PUT", path, aVNet)
	r.must(200, "PUT", path, aVNet)
	set(Fault{What: FaultFail, Times: 1})
	_, _, h = r.call("PUT", path, aVNet)
	o = r.must(200, "GET", local(t, h.Get("Azure-AsyncOperation")), "")
	if text(o, "status") != "Failed" || text(o, "error", "code") == "" {
		t.Errorf("%v", o)
	}
	if s := text(r.must(200, "GET", path, ""), "properties", "provisioningState"); s != "Failed" {
		t.Errorf("the network is %s", s)
	}
	for i, k := range []FaultKind{FaultTimeout, FaultCut} {
		set(Fault{What: k, Times: 1})
		one := fmt.Sprintf("%s/routeTables/t%d", nets, i)
		req, err := http.NewRequest("PUT", r.http.URL+strings.ReplaceAll(one, "SUB", testSub)+"?api-version=2025-05-01", strings.NewReader(`{"location":"westeurope"}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+r.token())
		if res, err := r.http.Client().Do(req); err == nil {
			_ = res.Body.Close()
			t.Errorf("%s: %d, where the connection had to be cut", k, res.StatusCode)
		}
		set()
		want := 404
		if k == FaultCut {
			want = 200
		}
		r.must(want, "GET", one, "")
	}
	set(Fault{What: FaultSlow, Delay: time.Minute})
	r.must(200, "PUT", path, aVNet)
	if s := text(r.must(200, "GET", path, ""), "properties", "provisioningState"); s != "Updating" {
		t.Errorf("the network is %s", s)
	}
	if err := r.SetFaults([]Fault{{What: "magic"}}); err == nil {
		t.Error("a fault that there is not was taken")
	}
}

func TestAGroupGoesWithAllThatIsInIt(t *testing.T) {
	for _, pace := range []Pace{PaceInstant, PaceAzure} {
		r := newRig(t, func(c *Config) { c.Pace = pace })
		r.must(201, "PUT", group, `{"location":"westeurope"}`)
		r.must(201, "PUT", nets+"/virtualNetworks/v", aVNet)
		r.must(201, "PUT", nets+"/routeTables/t", `{"location":"westeurope"}`)
		r.clock.add(time.Minute)
		status, _, h := r.call("DELETE", group, "")
		if status != 202 || h.Get("Azure-AsyncOperation") != "" {
			t.Fatal(status, h)
		}
		result := local(t, h.Get("Location"))
		if pace == PaceAzure {
			r.must(202, "GET", result, "")
			r.refused(409, "ResourceGroupBeingDeleted", "PUT", nets+"/routeTables/u", `{"location":"westeurope"}`)
		}
		r.clock.add(time.Minute)
		r.engine.settle()
		r.must(200, "GET", result, "")
		r.must(404, "HEAD", group, "")
		r.refused(404, "ResourceGroupNotFound", "GET", nets+"/virtualNetworks/v", "")
		if len(r.engine.all) != 0 {
			t.Errorf("%s: %d resources are left", pace, len(r.engine.all))
		}
	}
}

func TestPeeringsOfNetworksComeAndGo(t *testing.T) {
	r := newRig(t, nil)
	r.must(201, "PUT", group, `{"location":"westeurope"}`)
	for i, n := range []string{"a", "b"} {
		r.must(201, "PUT", nets+"/virtualNetworks/"+n, fmt.Sprintf(`{"location":"westeurope","properties":{"addressSpace":{"addressPrefixes":["10.%d.0.0/16"]}}}`, i+1))
	}
	peer := func(from, to string) {
		t.Helper()
		r.must(201, "PUT", nets+"/virtualNetworks/"+from+"/virtualNetworkPeerings/to-"+to, `{"properties":{"remoteVirtualNetwork":{"id":"`+nets+`/virtualNetworks/`+to+`"},"allowVirtualNetworkAccess":true}}`)
	}
	state := func(from, to, want string) {
		t.Helper()
		if s := text(r.must(200, "GET", nets+"/virtualNetworks/"+from+"/virtualNetworkPeerings/to-"+to, ""), "properties", "peeringState"); s != want {
			t.Errorf("%s to %s is %s, not %s", from, to, s, want)
		}
	}
	peer("a", "b")
	state("a", "b", "Initiated")
	peer("b", "a")
	state("a", "b", "Connected")
	state("b", "a", "Connected")
	r.must(202, "DELETE", nets+"/virtualNetworks/b/virtualNetworkPeerings/to-a", "")
	state("a", "b", "Disconnected")
	r.must(200, "PUT", nets+"/virtualNetworks/a", `{"location":"westeurope","properties":{"addressSpace":{"addressPrefixes":["10.1.0.0/16"]}}}`)
	state("a", "b", "Disconnected")
	half := func(from, to string) (string, string) {
		return nets + "/virtualNetworks/" + from + "/virtualNetworkPeerings/to-" + to, `{"properties":{"remoteVirtualNetwork":{"id":"` + nets + `/virtualNetworks/` + to + `"},"allowVirtualNetworkAccess":true}}`
	}
	path, body := half("b", "a")
	r.refused(400, "RemotePeeringIsDisconnected", "PUT", path, body)
	path, body = half("a", "b")
	r.must(200, "PUT", path, body)
	state("a", "b", "Initiated")
	peer("b", "a")
	state("a", "b", "Connected")
	state("b", "a", "Connected")
	r.must(202, "DELETE", nets+"/virtualNetworks/b/virtualNetworkPeerings/to-a", "")
	r.must(202, "DELETE", nets+"/virtualNetworks/b", "")
	state("a", "b", "Disconnected")
	r.refused(400, "ChangingRemoteVirtualNetworkNotAllowed", "PUT", nets+"/virtualNetworks/a/virtualNetworkPeerings/to-b", `{"properties":{"remoteVirtualNetwork":{"id":"`+nets+`/virtualNetworks/a"}}}`)
}
