package render_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"onramp/azure"
	"onramp/design"
	"onramp/render"
)

// designOf is a design of resources as JSON that somebody else might have made.
func designOf(t *testing.T, resources ...string) *design.Design {
	t.Helper()
	d := &design.Design{APIVersion: design.APIVersion, Name: "found"}
	for _, s := range resources {
		r, err := azure.Unmarshal([]byte(s))
		if err != nil {
			t.Fatal(err)
		}
		d.Resources = append(d.Resources, r)
	}
	return d
}

const networkProvider = "/resourceGroups/rg/providers/Microsoft.Network/"

// vnet is a network with a peering to another, written in one line.
func vnet(sub, name, peerings string) string {
	return fmt.Sprintf(`{"id":"/subscriptions/%s%svirtualNetworks/%s","name":%q,"type":"Microsoft.Network/virtualNetworks","location":"westeurope","properties":{
"addressSpace":{"addressPrefixes":["10.0.0.0/16"]},"subnets":[{"name":"GatewaySubnet","properties":{"addressPrefix":"10.0.0.0/27"}}],"virtualNetworkPeerings":[%s]}}`, sub, networkProvider, name, name, peerings)
}

func peering(sub, remote string, uses bool) string {
	return fmt.Sprintf(`{"name":"to-%s","properties":{"remoteVirtualNetwork":{"id":"/subscriptions/%s%svirtualNetworks/%s"},"useRemoteGateways":%v,"allowGatewayTransit":%v}}`, remote, sub, networkProvider, remote, uses, !uses)
}

func TestWhoUsesARemoteGatewayComesAfterItAndAfterTheOtherHalf(t *testing.T) {
	c := open(t)
	gateway := `{"id":"/subscriptions/sub-a` + networkProvider + `virtualNetworkGateways/gw","name":"gw","type":"Microsoft.Network/virtualNetworkGateways","location":"westeurope","properties":{"gatewayType":"ExpressRoute",
"sku":{"name":"ErGw1AZ","tier":"ErGw1AZ"},"ipConfigurations":[{"name":"default","properties":{"subnet":{"id":"/subscriptions/sub-a` + networkProvider + `virtualNetworks/hub/subnets/GatewaySubnet"}}}]}}`
	for _, spoke := range []string{"sub-a", "sub-b"} { // in the hub's group, and elsewhere
		d := designOf(t, vnet("sub-a", "hub", peering(spoke, "spoke", false)), vnet(spoke, "spoke", peering("sub-a", "hub", true)), gateway)
		_, x := rendered(t, c, d)
		sound(t, "template", x)
		waits := before(x, "spoke/to-hub")
		for _, first := range []string{"gw", "hub/to-spoke", "hub", "spoke"} {
			if !waits[first] {
				t.Errorf("spoke in %s: the peering that uses the gateway does not wait for %s: %v", spoke, first, waits)
			}
		}
	}
}

// before are the names of all that a resource waits for.
func before(x *read, name string) map[string]bool {
	out := map[string]bool{}
	var all func(d string)
	all = func(d string) { // a deployment with all in it
		for _, r := range x.Resources[d].Properties.Template.Resources {
			out[r.Name] = true
		}
		for _, a := range x.Resources[d].DependsOn {
			all(a)
		}
	}
	for _, dep := range x.Resources {
		inner := dep.Properties.Template.Resources
		var within func(r resource)
		within = func(r resource) {
			for _, s := range r.DependsOn {
				out[inner[s].Name] = true
				within(inner[s])
			}
		}
		for _, r := range inner {
			if r.Name == name {
				within(r)
				for _, a := range dep.DependsOn {
					all(a)
				}
			}
		}
	}
	return out
}

func TestWhatNeedsItselfIsRefusedByName(t *testing.T) {
	d := designOf(t,
		vnet("sub-a", "a", peering("sub-a", "b", true)), vnet("sub-a", "b", peering("sub-a", "a", true)))
	_, err := render.ARM(d, open(t))
	if err == nil || !strings.Contains(err.Error(), "need each other") || !strings.Contains(err.Error(), "a/virtualNetworkPeerings/to-b needs ") {
		t.Errorf("%v", err)
	}
}

func TestWhatHasNoPlaceInATemplateIsRefusedByName(t *testing.T) {
	for _, x := range []struct{ resource, want string }{
		{`{"id":"/subscriptions/s/resourceGroups/g/providers/Contoso.Things/things/x","name":"x","type":"Contoso.Things/things"}`, "no version of the interface of Contoso.Things/things is known"},
		{`{"id":"/providers/Microsoft.Authorization/roleDefinitions/x","name":"x","type":"Microsoft.Authorization/roleDefinitions","properties":{}}`, "in no subscription"},
		{`{"id":"er","name":"er","type":"Microsoft.Network/expressRouteCircuits","properties":{}}`, `resource id "er"`},
	} {
		if _, err := render.ARM(designOf(t, x.resource), open(t)); err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%s: %v", x.resource, err)
		}
	}
	if _, err := render.ARM(designOf(t), open(t)); err == nil || !strings.Contains(err.Error(), "no resources") {
		t.Errorf("%v", err)
	}
	twice := vnet("sub-a", "a", "")
	if _, err := render.ARM(designOf(t, twice, twice), open(t)); err == nil || !strings.Contains(err.Error(), "twice") {
		t.Errorf("%v", err)
	}
}

func TestSubscriptionsThatHaveTheirIdsNeedNotBeGiven(t *testing.T) {
	const id = "11111111-2222-3333-4444-555555555555"
	_, x := rendered(t, open(t), designOf(t, vnet(id, "a", "")))
	if v, _ := x.Parameters["subscriptions"].DefaultValue.(map[string]any); v[id] != id {
		t.Errorf("%v", x.Parameters["subscriptions"])
	}
}

func TestResourcesOfOneNameInTwoGroupsHaveParametersOfTheirOwn(t *testing.T) {
	_, x := rendered(t, open(t), designOf(t, vnet("sub-a", "a", ""), vnet("sub-b", "a", "")))
	v, _ := x.Parameters["networks"].DefaultValue.(map[string]any)
	if v["sub-a/rg/a"] == nil || v["sub-b/rg/a"] == nil || len(v) != 2 {
		t.Errorf("%v", v)
	}
	if inner := x.Resources["rg_networks"].Properties.Parameters["networks"]["value"]; inner == nil {
		t.Errorf("%v", x.Resources)
	}
}

func TestAKeyThatNobodyHereIssuesIsASecretThatIsGiven(t *testing.T) {
	link := `{"id":"/subscriptions/sub-a` + networkProvider + `connections/cn","name":"cn","type":"Microsoft.Network/connections","location":"westeurope","properties":{"connectionType":"ExpressRoute","routingWeight":0,
"authorizationKey":"do-not-show","virtualNetworkGateway1":{"id":"/subscriptions/sub-a` + networkProvider + `virtualNetworkGateways/gw"},"peer":{"id":"/subscriptions/sub-z` + networkProvider + `expressRouteCircuits/er"}}}`
	out, x := rendered(t, open(t), designOf(t, link))
	if strings.Contains(string(out.Text)+string(out.Parameters), "do-not-show") {
		t.Error("the key stands in a file")
	}
	if p := x.Parameters["authorizationKeys"]; p.Type != "secureObject" || p.DefaultValue != nil {
		t.Errorf("%+v", p)
	}
	if p := x.Resources["rg_connections"].Properties.Template.Parameters["authorizationKeys"]; p.Type != "secureObject" {
		t.Errorf("%+v", p)
	}
}

func TestTextThatLooksLikeAnExpressionStaysText(t *testing.T) {
	out, _ := rendered(t, open(t), designOf(t, `{"id":"/subscriptions/sub-a/resourceGroups/rg","name":"rg","type":"Microsoft.Resources/resourceGroups","location":"westeurope","managedBy":"[it's me]","tags":{"o'clock":"[noon]"},"properties":{}}`))
	for _, want := range []string{`"managedBy": "[[it's me]"`, `createObject('o''clock', '[noon]')`} {
		if !strings.Contains(string(out.Text), want) {
			t.Errorf("no %s in\n%s", want, out.Text)
		}
	}
}

func TestARouteToTheSecondPrefixOfANetworkIsARouteToThat(t *testing.T) {
	two := strings.Replace(vnet("sub-a", "a", ""), `["10.0.0.0/16"]`, `["10.0.0.0/16","10.7.0.0/16"]`, 1)
	d := designOf(t, two, `{"id":"/subscriptions/sub-a`+networkProvider+`routeTables/rt","name":"rt","type":"Microsoft.Network/routeTables","location":"westeurope","properties":{"routes":[
{"name":"x","properties":{"addressPrefix":"10.7.0.0/16","nextHopType":"None"}}]}}`)
	out, _ := rendered(t, open(t), d)
	if !strings.Contains(string(out.Text), `"[parameters('networks').a.addressPrefixes[1]]"`) {
		t.Error("the route has no expression")
	}
	made, _ := deployed(t, d, out, nil)
	same(t, rehomed(t, d), made.found())
}

func TestGlobalReachComesAfterBothCircuits(t *testing.T) {
	circuit := func(name, connections string) string {
		return fmt.Sprintf(`{"id":"/subscriptions/sub-a%sexpressRouteCircuits/%s","name":%q,"type":"Microsoft.Network/expressRouteCircuits","location":"westeurope","sku":{"name":"Premium_MeteredData","tier":"Premium","family":"MeteredData"},
"properties":{"serviceProviderProperties":{"serviceProviderName":"Equinix","peeringLocation":"London","bandwidthInMbps":50},"peerings":[{"name":"AzurePrivatePeering","properties":{"peeringType":"AzurePrivatePeering","peerASN":65010,
"primaryPeerAddressPrefix":"192.168.0.0/30","secondaryPeerAddressPrefix":"192.168.0.4/30","vlanId":100,"connections":[%s]}}]}}`, networkProvider, name, name, connections)
	}
	id := func(name string) string {
		return "/subscriptions/sub-a" + networkProvider + "expressRouteCircuits/" + name + "/peerings/AzurePrivatePeering"
	}
	reach := fmt.Sprintf(`{"name":"reach","properties":{"addressPrefix":"192.168.8.0/29","expressRouteCircuitPeering":{"id":%q},"peerExpressRouteCircuitPeering":{"id":%q}}}`, id("er-a"), id("er-b"))
	_, x := rendered(t, open(t), designOf(t, circuit("er-a", reach), circuit("er-b", "")))
	r := x.Resources["rg_circuits"].Properties.Template.Resources["er_a_AzurePrivatePeering_reach"]
	if r.Type != "Microsoft.Network/expressRouteCircuits/peerings/connections" || r.Name != "er-a/AzurePrivatePeering/reach" || !slices.Equal(r.DependsOn, []string{"er_a", "er_b"}) || r.Condition != "[parameters('providersHaveProvisioned')]" {
		t.Errorf("%+v", r)
	}
}

func TestWhatSomebodyElseMadeHasATemplateToo(t *testing.T) {
	c := open(t)
	files, err := filepath.Glob("../check/testdata/brown/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			d, err := design.Decode(src)
			if err != nil {
				t.Fatal(err)
			}
			_, x := rendered(t, c, d)
			sound(t, "template", x)
			whole(t, d, x)
		})
	}
}

// FuzzAnyDesignHasASoundTemplateOrAnError is about designs that nobody made with care: whatever they hold, what comes out is a template
// that can be read.
func FuzzAnyDesignHasASoundTemplateOrAnError(f *testing.F) {
	f.Add([]byte("[" + vnet("sub-a", "a", peering("sub-a", "b", true)) + "," + vnet("sub-b", "b", "") + "]"))
	c := open(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		d := &design.Design{Name: "found"}
		if json.Unmarshal(b, &d.Resources) != nil {
			return
		}
		out, err := render.ARM(d, c)
		if err != nil {
			return
		}
		var x read
		if err := json.Unmarshal(out.Text, &x); err != nil {
			t.Fatalf("%v\n%s", err, out.Text)
		}
		sound(t, "template", &x)
	})
}
