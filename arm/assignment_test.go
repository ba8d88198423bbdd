package arm

import "testing"

func TestAnAssignmentKeepsWhatItIsForAndARoleMayHaveBrackets(t *testing.T) {
	r := newRig(t, nil)
	sub := "/subscriptions/" + r.config.Gate.Directory.Subscriptions()[0].ID
	role := sub + "/providers/Microsoft.Authorization/roleDefinitions/11111111-2222-3333-4444-555555555555"
	got := r.must(201, "PUT", role, `{"properties":{"roleName":"Network Peer (net)","type":"CustomRole","assignableScopes":["`+sub+`"],"permissions":[{"actions":["Microsoft.Network/virtualNetworks/read"]}]}}`)
	if text(got, "properties", "roleName") != "Network Peer (net)" {
		t.Error(got)
	}
	for _, name := range []string{"", " x", "x\\u0007y"} {
		if status, got, _ := r.call("PUT", role, `{"properties":{"roleName":"`+name+`","type":"CustomRole","assignableScopes":["`+sub+`"],"permissions":[{"actions":["Microsoft.Network/virtualNetworks/read"]}]}}`); status != 400 {
			t.Errorf("%q: %d %v", name, status, got)
		}
	}
	id := sub + "/providers/Microsoft.Authorization/roleAssignments/22222222-2222-3333-4444-555555555555"
	body := func(why string) string {
		return `{"properties":{"roleDefinitionId":"` + role + `","principalId":"33333333-2222-3333-4444-555555555555","principalType":"Group","description":"` + why + `"}}`
	}
	r.must(201, "PUT", id, body("to peer"))
	r.must(200, "PUT", id, body("another reason"))
	if got := r.must(200, "GET", id, ""); text(got, "properties", "description") != "to peer" {
		t.Error(got)
	}
	if PrincipalID("grp-x") != PrincipalID("GRP-X") || PrincipalID("grp-x") == PrincipalID("grp-y") || SubscriptionID("a") == PrincipalID("a") {
		t.Error("names and GUIDs do not go together")
	}
}
