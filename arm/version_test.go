package arm

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

func TestEveryPublishedVersionIsAnsweredAndNoOther(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.must(201, "PUT", group, `{"location":"westeurope"}`)
	r.must(201, "PUT", nets+"/virtualNetworks/v", theVNet)
	published := r.engine.published
	for _, v := range []string{"2015-05-01-preview", "2015-06-15", "2020-06-01", "2021-02-01", "2021-05-01", "2022-05-01", "2022-11-01", "2024-01-01", "2025-01-01", "2025-05-01", "2026-01-01"} {
		if !slices.Contains(published, v) {
			t.Errorf("%s, which clients send, is not answered", v)
		}
	}
	for _, v := range published {
		r.must(200, "GET", nets+"/virtualNetworks/v?api-version="+v, "")
		r.must(200, "PUT", nets+"/virtualNetworks/v?api-version="+v, theVNet)
		r.must(200, "GET", nets+"/expressRouteCircuits?api-version="+v, "")
	}
	for _, v := range []string{"2014-12-01-preview", "2016-04-01", "2021-02-01-preview", "2025-05-01-preview", "2025-05-02", "2030-01-01"} {
		status, o, _ := r.call("GET", nets+"/virtualNetworks/v?api-version="+v, "")
		if status != 400 || text(o, "error", "code") != "NoRegisteredProviderFound" || !strings.Contains(text(o, "error", "message"), "2025-05-01") || !strings.Contains(text(o, "error", "message"), "'virtualNetworks'") {
			t.Errorf("%s: %d %v", v, status, o)
		}
	}
	for _, v := range []string{"1", "2025-5-1", "2025-13-01", "2025-05-01x", "-preview", "2025-05-01-PREVIEW"} {
		r.refused(400, "InvalidApiVersionParameter", "GET", nets+"/virtualNetworks/v?api-version="+v, "")
	}
	// Of the other interfaces any date that can be.
	for _, v := range []string{"2014-04-01", "2021-04-01", "2022-09-01", "2022-12-01", "2023-07-01", "2025-04-01", "2018-01-01-preview"} {
		r.must(200, "GET", group+"?api-version="+v, "")
		r.must(200, "GET", group+"/providers/Microsoft.Authorization/roleAssignments?api-version="+v, "")
	}
	r.refused(400, "InvalidApiVersionParameter", "GET", group+"?api-version=2013-01-01", "")
	r.refused(400, "InvalidApiVersionParameter", "GET", group+"?api-version=2026-01-02", "") // tomorrow
}

func TestATypeIsRefusedAtVersionsThatAreOlderThanIt(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.must(201, "PUT", group, `{"location":"westeurope"}`)
	r.must(201, "PUT", nets+"/virtualNetworks/v", theVNet)
	const all = "/subscriptions/SUB/providers/Microsoft.Network/"
	for _, x := range []struct{ path, before, first, name string }{
		{nets + "/virtualNetworks/v/virtualNetworkPeerings", "2016-03-30", "2016-06-01", "virtualNetworks/virtualNetworkPeerings"},
		{all + "expressRouteCrossConnections", "2018-01-01", "2018-02-01", "expressRouteCrossConnections"},
		{all + "expressRoutePorts", "2018-07-01", "2018-08-01", "expressRoutePorts"},
		{all + "expressRoutePortsLocations", "2018-07-01", "2018-08-01", "ExpressRoutePortsLocations"},
	} {
		r.must(200, "GET", x.path+"?api-version="+x.first, "")
		r.must(200, "GET", x.path+"?api-version=2018-11-01", "")
		r.must(200, "GET", x.path+"?api-version=2026-01-01", "") // of which the source does not say what it has
		o := r.must(400, "GET", x.path+"?api-version="+x.before, "")
		if m := text(o, "error", "message"); text(o, "error", "code") != "NoRegisteredProviderFound" || !strings.Contains(m, "for type '"+x.name+"'") || !strings.Contains(m, "are '"+x.first+", ") {
			t.Errorf("%s: %s", x.name, m)
		}
	}
	before := r.records()
	r.refused(400, "NoRegisteredProviderFound", "PUT", nets+"/expressRoutePorts/p?api-version=2018-07-01", aPort)
	r.refused(400, "NoRegisteredProviderFound", "PUT", nets+"/expressRoutePorts/p/authorizations/a?api-version=2018-07-01", `{}`)
	if !maps.Equal(before, r.records()) {
		t.Error("something was written")
	}
	for _, x := range list(r.must(200, "GET", all[:len(all)-1], ""), "resourceTypes") {
		versions := words(x, "apiVersions")
		if text(x, "resourceType") == "expressRoutePorts" && (versions[len(versions)-1] != "2018-08-01" || versions[0] < "2026") {
			t.Errorf("the provider says that ports have the versions %v", versions)
		}
	}
}

func TestAnAnswerHasTheShapeOfItsVersion(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.must(201, "PUT", group, `{"location":"westeurope"}`)
	r.must(201, "PUT", nets+"/virtualNetworks/v", theVNet)
	r.must(201, "PUT", nets+"/virtualNetworks/v/subnets/two", `{"properties":{"addressPrefixes":["10.1.20.0/24"]}}`)
	const old, recent = "?api-version=2015-06-15", "?api-version=2025-05-01"
	one := func(where string, o object, want string) {
		t.Helper()
		if text(o, "properties", "addressPrefix") != want || find(o, "properties", "addressPrefixes") != nil {
			t.Errorf("%s: %v", where, o["properties"])
		}
	}
	one("the subnet", r.must(200, "GET", nets+"/virtualNetworks/v/subnets/two"+old, ""), "10.1.20.0/24")
	one("its PUT", r.must(200, "PUT", nets+"/virtualNetworks/v/subnets/two"+old, `{"properties":{"addressPrefixes":["10.1.21.0/24"]}}`), "10.1.21.0/24")
	for where, l := range map[string][]object{
		"the network": list(r.must(200, "GET", nets+"/virtualNetworks/v"+old, ""), "properties", "subnets"),
		"the list":    list(r.must(200, "GET", nets+"/virtualNetworks/v/subnets"+old, ""), "value"),
		"networks":    list(list(r.must(200, "GET", nets+"/virtualNetworks"+old, ""), "value")[0], "properties", "subnets"),
	} {
		if len(l) != 5 {
			t.Fatalf("%s: %d subnets", where, len(l))
		}
		one(where, l[4], "10.1.21.0/24")
	}
	o := r.must(200, "GET", nets+"/virtualNetworks/v"+old, "")
	if w := words(o, "properties", "addressSpace", "addressPrefixes"); !slices.Equal(w, []string{"10.1.0.0/16"}) {
		t.Errorf("the address space is %v", w)
	}
	o = r.must(200, "GET", nets+"/virtualNetworks/v/subnets/two"+recent, "")
	if w := words(o, "properties", "addressPrefixes"); !slices.Equal(w, []string{"10.1.21.0/24"}) {
		t.Errorf("the subnet has %v", o["properties"])
	}
	// What an old client wrote, a new one reads, and the other way round.
	r.must(200, "PUT", nets+"/virtualNetworks/v/subnets/two"+old, `{"properties":{"addressPrefix":"10.1.22.0/24"}}`)
	if o := r.must(200, "GET", nets+"/virtualNetworks/v/subnets/two"+recent, ""); text(o, "properties", "addressPrefix") != "10.1.22.0/24" {
		t.Errorf("the subnet has %v", o["properties"])
	}

	// A template of the first version has its peerings inside the circuit.
	inline := strings.Replace(circuitOf("Standard", "MeteredData", 200), `"properties":{`, `"properties":{"peerings":[{"name":"AzurePrivatePeering",`+aPeering[1:len(aPeering)-1]+`}],`, 1)
	inline = strings.NewReplacer("%[1]d", "10").Replace(inline)
	o = r.must(201, "PUT", nets+"/expressRouteCircuits/er?api-version=2015-05-01-preview", inline)
	if p := list(o, "properties", "peerings"); len(p) != 1 || number(p[0], "properties", "azureASN") != 12076 || !strings.HasSuffix(text(p[0], "id"), "/expressRouteCircuits/er/peerings/AzurePrivatePeering") {
		t.Errorf("the circuit: %v", o)
	}
	r.must(200, "GET", nets+"/expressRouteCircuits/er/peerings/AzurePrivatePeering", "")
	r.must(200, "PUT", nets+"/expressRouteCircuits/er?api-version=2015-05-01-preview", inline)
	// Where the provider has not done its part, such a template is refused whole.
	if err := r.SetProvider(ProviderManual, 0); err != nil {
		t.Fatal(err)
	}
	r.refused(400, "BadRequest", "PUT", nets+"/expressRouteCircuits/er2?api-version=2015-05-01-preview", inline)
	r.must(404, "GET", nets+"/expressRouteCircuits/er2", "")
}
