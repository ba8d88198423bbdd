package arm

import (
	"crypto/rand"
	"fmt"
	"strings"
	"testing"
)

// reaching is an endpoint with two circuits, of which the first has a Global Reach connection to the second.
func reaching(t *testing.T) *rig {
	t.Helper()
	r := newRig(t, nil)
	r.must(201, "PUT", group, `{"location":"westeurope"}`)
	for i, c := range []string{"er", "er2"} {
		r.must(201, "PUT", nets+"/expressRouteCircuits/"+c, fmt.Sprintf(aCircuit, []string{"Amsterdam", "London"}[i]))
		r.must(201, "PUT", nets+"/expressRouteCircuits/"+c+"/peerings/AzurePrivatePeering", fmt.Sprintf(aPeering, 10+i))
	}
	r.must(201, "PUT", nets+"/expressRouteCircuits/er/peerings/AzurePrivatePeering/connections/gr", aReach)
	return r
}

func TestTheFarSideOfGlobalReachIsSeenFromTheCircuitThatItLeadsTo(t *testing.T) {
	t.Parallel()
	r := reaching(t)
	const near, far = nets + "/expressRouteCircuits/er/peerings/AzurePrivatePeering", nets + "/expressRouteCircuits/er2/peerings/AzurePrivatePeering"
	rows := list(r.must(200, "GET", far+"/peerConnections", ""), "value")
	if len(rows) != 1 {
		t.Fatalf("the far side has %d connections", len(rows))
	}
	p := rows[0]
	if text(p, "properties", "connectionName") != "gr" || text(p, "properties", "addressPrefix") != "172.16.0.0/29" || text(p, "properties", "circuitConnectionStatus") != "Connected" {
		t.Errorf("it is shown as %v", p)
	}
	if own, other := text(p, "properties", "expressRouteCircuitPeering", "id"), text(p, "properties", "peerExpressRouteCircuitPeering", "id"); !strings.HasSuffix(own, "/er2/peerings/AzurePrivatePeering") || !strings.HasSuffix(other, "/er/peerings/AzurePrivatePeering") {
		t.Errorf("it leads from %s to %s", own, other)
	}
	if one := r.must(200, "GET", far+"/peerConnections/"+text(p, "name"), ""); text(one, "id") != text(p, "id") {
		t.Errorf("by its name it is %v", one)
	}
	if one := r.must(200, "GET", far+"/peerConnections/GR", ""); text(one, "id") != text(p, "id") {
		t.Errorf("by the name of its other side it is %v", one)
	}
	for where, o := range map[string]object{"the peering": r.must(200, "GET", far, ""), "the circuit": list(r.must(200, "GET", nets+"/expressRouteCircuits/er2", ""), "properties", "peerings")[0]} {
		if l := list(o, "properties", "peeredConnections"); len(l) != 1 || text(l[0], "id") != text(p, "id") {
			t.Errorf("%s shows %v", where, l)
		}
	}
	if l := list(r.must(200, "GET", near+"/peerConnections", ""), "value"); len(l) != 0 {
		t.Errorf("the near side shows %v", l)
	}
	r.refused(404, "NotFound", "GET", far+"/peerConnections/other", "")
	r.refused(404, "ResourceNotFound", "GET", nets+"/expressRouteCircuits/none/peerings/AzurePrivatePeering/peerConnections", "")
	r.must(202, "DELETE", near+"/connections/gr", "")
	if l := list(r.must(200, "GET", far, ""), "properties", "peeredConnections"); len(l) != 0 {
		t.Errorf("when the connection is gone the far side shows %v", l)
	}
}

func TestAProvidersTagsAreItsOwnAndSurviveARestart(t *testing.T) {
	t.Parallel()
	r := reaching(t)
	cross := ""
	for _, x := range list(r.must(200, "GET", "/subscriptions/SUB/providers/Microsoft.Network/expressRouteCrossConnections", ""), "value") {
		if strings.HasSuffix(text(x, "properties", "expressRouteCircuit", "id"), "/er") {
			cross = text(x, "id")
		}
	}
	own := func(o object) string { return text(o, "tags", "port") }
	if o := r.must(200, "PATCH", cross, `{"tags":{"port":"7"}}`); own(o) != "7" {
		t.Errorf("the tags are %v", o["tags"])
	}
	r.must(200, "PATCH", nets+"/expressRouteCircuits/er", `{"tags":{"cost":"network"}}`)
	r.must(200, "PUT", nets+"/expressRouteCircuits/er", strings.Replace(fmt.Sprintf(aCircuit, "Amsterdam"), "{", `{"tags":{"cost":"network"},`, 1))
	s, err := New(Config{Catalog: r.config.Catalog, Store: r.config.Store, Gate: r.config.Gate, Now: r.clock.now, Random: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	r.Server, r.http.Config.Handler = s, s
	if o := r.must(200, "GET", cross, ""); own(o) != "7" || text(o, "tags", "cost") != "" {
		t.Errorf("the provider's tags are %v", o["tags"])
	}
	if o := r.must(200, "GET", nets+"/expressRouteCircuits/er", ""); own(o) != "" || text(o, "tags", "cost") != "network" {
		t.Errorf("the customer's tags are %v", o["tags"])
	}
	if o := r.must(200, "PUT", cross, `{"tags":{"port":"8"},"properties":{}}`); own(o) != "8" {
		t.Errorf("a PUT leaves the tags at %v", o["tags"])
	}
	if o := r.must(200, "PUT", cross, `{"properties":{}}`); own(o) != "8" {
		t.Errorf("a PUT without tags leaves them at %v", o["tags"])
	}
}
