package arm

import "testing"

func TestAPortHasTwoLinksHoweverManyAClientNames(t *testing.T) {
	r := newRig(t, nil)
	r.must(201, "PUT", "/subscriptions/SUB/resourceGroups/g", `{"location":"westeurope"}`)
	id := "/subscriptions/SUB/resourceGroups/g/providers/Microsoft.Network/expressRoutePorts/p"
	body := func(links string) string {
		return `{"location":"switzerlandnorth","properties":{"peeringLocation":"Zurich Metro","bandwidthInGbps":10,"encapsulation":"Dot1Q"` + links + `}}`
	}
	states := func(got object) (out []string) {
		for _, l := range list(got, "properties", "links") {
			out = append(out, text(l, "name")+" "+text(l, "properties", "adminState"))
		}
		return out
	}
	check := func(got object, want ...string) {
		t.Helper()
		if s := states(got); len(s) != 2 || s[0] != want[0] || s[1] != want[1] {
			t.Errorf("%v, where %v were to come", s, want)
		}
	}
	r.must(201, "PUT", id, body(""))
	check(r.must(200, "GET", id, ""), "link1 Disabled", "link2 Disabled")
	r.must(200, "PUT", id, body(`,"links":[{"name":"link2","properties":{"adminState":"Enabled"}}]`))
	check(r.must(200, "GET", id, ""), "link1 Disabled", "link2 Enabled")
	r.must(200, "PUT", id, body(`,"links":[{"name":"link1","properties":{"adminState":"Enabled"}}]`))
	check(r.must(200, "GET", id, ""), "link1 Enabled", "link2 Enabled")
	if text(list(r.must(200, "GET", id, ""), "properties", "links")[0], "properties", "routerName") == "" {
		t.Error("a link has lost its router")
	}
}
