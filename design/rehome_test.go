package design

import (
	"testing"

	"onramp/azure"
)

func TestPremisesMoveToOtherSubscriptions(t *testing.T) {
	const rest = "/resourceGroups/g/providers/Microsoft.Network/expressRouteCircuits/er"
	edge := func(circuit azure.ID) []Router {
		return []Router{{Name: "ce", Sessions: []Session{{Circuit: circuit}}}}
	}
	for was, want := range map[azure.ID]azure.ID{
		"/subscriptions/a" + rest: "/subscriptions/b" + rest,
		"/Subscriptions/a" + rest: "/subscriptions/b" + rest,
		"/subscriptions/c" + rest: "/subscriptions/c" + rest,
		"":                        "",
	} {
		p := Premises{Sites: []Site{{Name: "s", Routers: edge(was)}}, ProviderEdges: edge(was)}
		got := p.Rehome(func(name string) (string, bool) { return "b", name == "a" })
		if is := got.Sites[0].Routers[0].Sessions[0].Circuit; is != want {
			t.Errorf("%s becomes %s", was, is)
		}
		if is := got.ProviderEdges[0].Sessions[0].Circuit; is != want {
			t.Errorf("%s becomes %s at a provider", was, is)
		}
		if p.Sites[0].Routers[0].Sessions[0].Circuit != was || p.ProviderEdges[0].Sessions[0].Circuit != was {
			t.Errorf("the premises of %s have changed", was)
		}
	}
}
