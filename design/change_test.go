package design_test

import (
	"slices"
	"strings"
	"testing"

	"onramp/azure"
	"onramp/catalog"
	"onramp/design"
)

// connected is a small design: a circuit, a network with a gateway on it, a router with a session.
func connected() *design.Design {
	id := func(kind, name string) azure.ID {
		return azure.ID("/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/" + kind + "/" + name)
	}
	head := func(kind, name string) azure.Header {
		return azure.Header{ID: id(kind, name), Name: name, Type: "Microsoft.Network/" + kind, Location: "uksouth"}
	}
	c := &azure.ExpressRouteCircuit{Header: head("expressRouteCircuits", "er"), SKU: azure.SKU{Name: "Standard_MeteredData", Tier: "Standard", Family: "MeteredData"}}
	c.Properties.ServiceProviderProperties = &azure.ServiceProviderProperties{ServiceProviderName: "Equinix", PeeringLocation: "London", BandwidthInMbps: 500}
	c.Properties.Peerings = []azure.Peering{{Name: "AzurePrivatePeering", Properties: azure.PeeringProperties{PeeringType: "AzurePrivatePeering", VLANID: 100, PrimaryPeerAddressPrefix: "172.16.0.0/30", SecondaryPeerAddressPrefix: "172.16.0.4/30"}}}
	v := &azure.VirtualNetwork{Header: head("virtualNetworks", "v")}
	v.Properties.AddressSpace.AddressPrefixes = []string{"10.0.0.0/22"}
	g := &azure.VirtualNetworkGateway{Header: head("virtualNetworkGateways", "gw")}
	g.Properties.GatewayType, g.Properties.SKU = "ExpressRoute", azure.SKU{Name: "ErGw2AZ", Tier: "ErGw2AZ"}
	x := &azure.VirtualNetworkGatewayConnection{Header: head("connections", "cn")}
	x.Properties.Peer, x.Properties.VirtualNetworkGateway1 = &azure.Ref{ID: c.ID}, &azure.Ref{ID: g.ID}
	return &design.Design{APIVersion: design.APIVersion, Name: "d", Resources: azure.Resources{c, v, g, x},
		Premises: design.Premises{Sites: []design.Site{{Name: "a", ASN: 65010, Routers: []design.Router{{Name: "ce1", ASN: 65010, Sessions: []design.Session{{Name: "s", Circuit: c.ID, VLAN: 100, HoldSec: 180}}}}}}}}
}

func TestWhatAChangeDoesToTraffic(t *testing.T) {
	circuit := func(d *design.Design) *azure.ExpressRouteCircuit {
		return azure.Of[*azure.ExpressRouteCircuit](d.Resources)[0]
	}
	gateway := func(d *design.Design) *azure.VirtualNetworkGateway {
		return azure.Of[*azure.VirtualNetworkGateway](d.Resources)[0]
	}
	for _, x := range []struct {
		name   string
		change func(d *design.Design)
		kind   string
		impact design.Impact
		rule   string
	}{
		{"a circuit that grows", func(d *design.Design) { circuit(d).Properties.ServiceProviderProperties.BandwidthInMbps = 1000 }, design.Changed, design.Quiet, "circuit-upgrade-port-capacity"},
		{"a circuit that shrinks", func(d *design.Design) { circuit(d).Properties.ServiceProviderProperties.BandwidthInMbps = 200 }, design.Changed, design.Refused, "circuit-no-bandwidth-downgrade"},
		{"a circuit elsewhere", func(d *design.Design) { circuit(d).Properties.ServiceProviderProperties.PeeringLocation = "Amsterdam" }, design.Changed, design.Refused, ""},
		{"from metered to unlimited", func(d *design.Design) { circuit(d).SKU.Family = "UnlimitedData" }, design.Changed, design.Quiet, "circuit-metered-to-unlimited-one-way"},
		{"another tag", func(d *design.Design) { circuit(d).Properties.Peerings[0].Properties.VLANID = 101 }, design.Changed, design.Interrupts, ""},
		{"another peering beside it", func(d *design.Design) {
			p := &circuit(d).Properties
			p.Peerings = append(p.Peerings, azure.Peering{Name: "MicrosoftPeering", Properties: azure.PeeringProperties{PeeringType: "MicrosoftPeering", VLANID: 200}})
		}, design.Changed, design.Quiet, ""},
		{"a larger gateway", func(d *design.Design) { gateway(d).Properties.SKU = azure.SKU{Name: "ErGw3AZ", Tier: "ErGw3AZ"} }, design.Changed, design.Quiet, "gateway-no-downgrade"},
		{"a smaller gateway", func(d *design.Design) { gateway(d).Properties.SKU = azure.SKU{Name: "ErGw1AZ", Tier: "ErGw1AZ"} }, design.Changed, design.Interrupts, "gateway-no-downgrade"},
		{"a gateway of another family", func(d *design.Design) {
			gateway(d).Properties.SKU = azure.SKU{Name: "UltraPerformance", Tier: "UltraPerformance"}
		}, design.Changed, design.Interrupts, "gateway-no-downgrade"},
		{"a connection less", func(d *design.Design) { d.Resources = d.Resources[:3] }, design.Removed, design.Interrupts, ""},
		{"a network more", func(d *design.Design) {
			v := *azure.Of[*azure.VirtualNetwork](d.Resources)[0]
			v.ID, v.Name = v.ID+"2", "v2"
			d.Resources = append(d.Resources, &v)
		}, design.Added, design.Quiet, ""},
		{"a session on another tag", func(d *design.Design) { d.Premises.Sites[0].Routers[0].Sessions[0].VLAN = 7 }, design.Changed, design.Interrupts, ""},
		{"a tag on a resource", func(d *design.Design) { gateway(d).Tags = map[string]string{"owner": "us"} }, design.Changed, design.Quiet, ""},
	} {
		t.Run(x.name, func(t *testing.T) {
			after := connected()
			x.change(after)
			list, err := design.Changes(connected(), after)
			if err != nil || len(list) != 1 {
				t.Fatalf("%v %+v", err, list)
			}
			c := list[0]
			if c.Kind != x.kind || c.Impact != x.impact || !strings.Contains(c.Why, x.rule) || (c.Impact != design.Quiet) && (c.Why == "" || c.Source == "") {
				t.Errorf("%+v", c)
			}
		})
	}
}

func TestADesignDoesNotDifferFromItself(t *testing.T) {
	if list, err := design.Changes(connected(), connected()); err != nil || len(list) > 0 {
		t.Errorf("%v %+v", err, list)
	}
}

func TestRulesNamedBehindAnImpactArePublished(t *testing.T) {
	c, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	var documents []string
	for _, r := range c.Rules() {
		documents = append(documents, r.SourceFile)
	}
	for why, source := range design.Impacts() {
		if i := strings.LastIndex(why, "("); i >= 0 {
			id := strings.TrimSuffix(why[i+1:], ")")
			r, ok := c.Rule(id)
			if !ok || r.SourceFile != source {
				t.Errorf("%q from %s: the rule is %+v", why, source, r)
			}
		} else if !strings.HasPrefix(source, "RFC ") && !slices.Contains(documents, source) {
			t.Errorf("%q: no fact comes from %s", why, source)
		}
	}
}
