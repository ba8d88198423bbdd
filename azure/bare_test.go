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
