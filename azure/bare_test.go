package azure_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"onramp/azure"
)

func read(t *testing.T, s string) azure.Resource {
	t.Helper()
	r, err := azure.Unmarshal([]byte(s))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

const sentCircuit = `{"id":"/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/expressRouteCircuits/er","name":"er","type":"Microsoft.Network/expressRouteCircuits",
"location":"westeurope","properties":{"peerings":[{"name":"AzurePrivatePeering","properties":{"peeringType":"AzurePrivatePeering","peerASN":65010,"vlanId":100}}]}}`

const answeredCircuit = `{"id":"/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/expressRouteCircuits/er","name":"er","type":"Microsoft.Network/expressRouteCircuits",
"etag":"W/x","location":"westeurope","properties":{"provisioningState":"Succeeded","serviceKey":"k","stag":3,"authorizations":[],"peerings":[{"etag":"W/y",
"id":"/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/expressRouteCircuits/er/peerings/AzurePrivatePeering","name":"AzurePrivatePeering",
"type":"Microsoft.Network/expressRouteCircuits/peerings","properties":{"peeringType":"AzurePrivatePeering","peerASN":65010,"vlanId":200,"primaryAzurePort":"p","connections":[]}}]}}`

func TestDifferencesAreWhatSomebodyDecidedOtherwise(t *testing.T) {
	a, b := read(t, sentCircuit), read(t, answeredCircuit)
	got, err := azure.Differences(a, b)
	if err != nil {
		t.Fatal(err)
	}
	want := []azure.Change{{Path: "properties.peerings[AzurePrivatePeering].properties.vlanId", From: json.RawMessage("100"), To: json.RawMessage("200")}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestWhatIsBareStaysAsItIs(t *testing.T) {
	once, err := azure.Bare(read(t, answeredCircuit))
	if err != nil {
		t.Fatal(err)
	}
	twice, err := azure.Bare(once)
	if err != nil {
		t.Fatal(err)
	}
	x, _ := azure.Marshal(once)
	y, _ := azure.Marshal(twice)
	if string(x) != string(y) {
		t.Errorf("%s\nand then\n%s", x, y)
	}
}

func TestAReferenceIsItsIdWithoutCaseAndPlainListsHaveNoOrder(t *testing.T) {
	vnet := func(remote, prefixes string) azure.Resource {
		return read(t, `{"id":"/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v","name":"v","type":"Microsoft.Network/virtualNetworks","properties":{
"addressSpace":{"addressPrefixes":[`+prefixes+`]},"virtualNetworkPeerings":[{"name":"p","properties":{"remoteVirtualNetwork":{"id":"`+remote+`","name":"x"}}}]}}`)
	}
	changes, err := azure.Differences(vnet("/subscriptions/S/a", `"10.0.0.0/16","10.1.0.0/16"`), vnet("/subscriptions/s/A", `"10.1.0.0/16","10.0.0.0/16"`))
	if err != nil || len(changes) > 0 {
		t.Errorf("%v %v", changes, err)
	}
	if changes, _ = azure.Differences(vnet("/subscriptions/s/a", `"10.0.0.0/16"`), vnet("/subscriptions/s/b", `"10.1.0.0/16"`)); len(changes) != 2 {
		t.Errorf("%v", changes)
	}
}

func TestAnAssignmentsScopeIsThatOfItsId(t *testing.T) {
	assignment := func(scope string) azure.Resource {
		return read(t, `{"id":"/subscriptions/s/providers/Microsoft.Authorization/roleAssignments/a","name":"a","type":"Microsoft.Authorization/roleAssignments","properties":{
"principalId":"p"`+scope+`}}`)
	}
	if changes, err := azure.Differences(assignment(""), assignment(`,"scope":"/subscriptions/s"`)); err != nil || len(changes) > 0 {
		t.Errorf("%v %v", changes, err)
	}
}

func TestRehomingTouchesIdsOnly(t *testing.T) {
	rs := azure.Resources{read(t, `{"id":"/subscriptions/Sub-A/resourceGroups/g","name":"sub-a","type":"Microsoft.Resources/resourceGroups","tags":{"x":"/subscriptions/sub-a","y":"sub-a"},"properties":{}}`)}
	out, err := azure.Rehome(rs, map[string]string{"sub-a": "GUID"})
	if err != nil {
		t.Fatal(err)
	}
	h := out[0].Head()
	if h.ID != "/subscriptions/GUID/resourceGroups/g" || h.Name != "sub-a" || h.Tags["x"] != "/subscriptions/GUID" || h.Tags["y"] != "sub-a" {
		t.Errorf("%+v", h)
	}
	if names, err := azure.Subscriptions(rs); err != nil || len(names) != 1 || names[0] != "Sub-A" {
		t.Errorf("%v %v", names, err)
	}
	if rs[0].Head().ID != "/subscriptions/Sub-A/resourceGroups/g" {
		t.Error("the original was changed")
	}
}

func TestAFlagThatIsUsuallyOnIsKeptWhereItIsOff(t *testing.T) {
	vnet := func(on string) azure.Resource {
		return read(t, `{"id":"/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v","name":"v","type":"Microsoft.Network/virtualNetworks","properties":{
"addressSpace":{"addressPrefixes":["10.0.0.0/16"]},"subnets":[{"name":"a","properties":{"addressPrefix":"10.0.0.0/24"`+on+`}}]}}`)
	}
	if changes, err := azure.Differences(vnet(""), vnet(`,"defaultOutboundAccess":true`)); err != nil || len(changes) > 0 {
		t.Error(changes, err)
	}
	if changes, err := azure.Differences(vnet(""), vnet(`,"defaultOutboundAccess":false`)); err != nil || len(changes) != 1 {
		t.Error(changes, err)
	}
}

func TestChildrenHaveTheIdsThatAzureGivesThem(t *testing.T) {
	for _, x := range []struct{ typ, list, want string }{
		{"virtualNetworks", "virtualNetworkPeerings", "virtualNetworkPeerings/a"}, {"routeFilters", "rules", "routeFilterRules/a"}, {"virtualNetworkGateways", "ipConfigurations", ""},
		{"firewallPolicies/ruleCollectionGroups", "rules", ""},
	} {
		id := "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/" + x.typ + "/r"
		r, err := azure.Bare(read(t, `{"id":"`+id+`","name":"r","type":"Microsoft.Network/`+x.typ+`","properties":{"`+x.list+`":[{"id":"/else/where","name":"a","properties":{}}]}}`))
		if err != nil {
			t.Fatal(err)
		}
		b, _ := azure.Marshal(r)
		var got struct {
			Properties map[string][]struct{ ID string }
		}
		_ = json.Unmarshal(b, &got)
		want := x.want
		if want != "" {
			want = id + "/" + want
		}
		if x.typ == "firewallPolicies/ruleCollectionGroups" {
			want = "/else/where" // what it is is not known
		}
		if l := got.Properties[x.list]; len(l) != 1 || l[0].ID != want {
			t.Errorf("%s: %s", x.typ, b)
		}
	}
}
