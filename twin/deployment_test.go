package twin

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/network/armnetwork/v9"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/resources/armdeployments"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/resources/armresources/v3"

	"onramp/arm"
)

// quickstart is the template of a file, as it is, with parameters.
func quickstart(t *testing.T, name string, parameters map[string]any) armdeployments.Deployment {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "templates", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var tpl any
	if err := json.Unmarshal(b, &tpl); err != nil {
		t.Fatal(err)
	}
	p := map[string]*armdeployments.DeploymentParameter{}
	for n, v := range parameters {
		p[n] = &armdeployments.DeploymentParameter{Value: v}
	}
	return armdeployments.Deployment{Properties: &armdeployments.DeploymentProperties{Mode: to.Ptr(armdeployments.DeploymentModeIncremental), Template: tpl, Parameters: p}}
}

// output is a value that a deployment gives out.
func output(t *testing.T, d *armdeployments.DeploymentPropertiesExtended, name string) any {
	t.Helper()
	all, _ := d.Outputs.(map[string]any)
	one, _ := all[name].(map[string]any)
	if one["value"] == nil {
		t.Fatalf("no output %s among %v", name, all)
	}
	return one["value"]
}

func TestTheGoSDKDeploysTheQuickstarts(t *testing.T) {
	r := start(t, t.TempDir(), nil)
	ctx := t.Context()
	sub := r.subscription("sub-network")
	cred := r.credential("owner", "the-owners-secret-1234")
	groups, err := armresources.NewResourceGroupsClient(sub, cred, r.options())
	if err != nil {
		t.Fatal(err)
	}
	factory, err := armdeployments.NewClientFactory(sub, cred, r.options())
	if err != nil {
		t.Fatal(err)
	}
	n, err := armnetwork.NewClientFactory(sub, cred, r.options())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := groups.CreateOrUpdate(ctx, "quick", armresources.ResourceGroup{Location: to.Ptr("eastus2")}, nil); err != nil {
		t.Fatal(err)
	}
	client, operations := factory.NewDeploymentsClient(), factory.NewDeploymentOperationsClient()
	deploy := func(name string, d armdeployments.Deployment, resources int) *armdeployments.DeploymentPropertiesExtended {
		t.Helper()
		v := done[armdeployments.DeploymentsClientValidateResponse](t)(client.BeginValidate(ctx, "quick", name, d, nil))
		if v.Error != nil || len(v.Properties.ValidatedResources) != resources {
			t.Errorf("%s: validated: %+v", name, v)
		}
		w := done[armdeployments.DeploymentsClientWhatIfResponse](t)(client.BeginWhatIf(ctx, "quick", name, armdeployments.DeploymentWhatIf{Properties: &armdeployments.DeploymentWhatIfProperties{
			Mode: d.Properties.Mode, Template: d.Properties.Template, Parameters: d.Properties.Parameters,
		}}, nil))
		if w.Error != nil {
			t.Fatalf("%s: what-if: %+v", name, w.Error)
		}
		made := 0
		for _, c := range w.Properties.Changes {
			switch *c.ChangeType {
			case armdeployments.ChangeTypeCreate:
				made++
			case armdeployments.ChangeTypeIgnore:
			default:
				t.Errorf("%s: what-if: %s is %s (%s)", name, *c.ResourceID, *c.ChangeType, deref(c.UnsupportedReason))
			}
		}
		if made != resources {
			t.Errorf("%s: what-if makes %d resources, not %d", name, made, resources)
		}
		if ok, err := client.CheckExistence(ctx, "quick", name, nil); err != nil || ok.Success {
			t.Errorf("%s is there before it was deployed (%v)", name, err)
		}
		got := done[armdeployments.DeploymentsClientCreateOrUpdateResponse](t)(client.BeginCreateOrUpdate(ctx, "quick", name, d, nil))
		if *got.Properties.ProvisioningState != armdeployments.ProvisioningStateSucceeded || len(got.Properties.OutputResources) != resources {
			t.Fatalf("%s: %+v", name, got.Properties)
		}
		pages := 0
		for p := operations.NewListPager("quick", name, nil); p.More(); pages++ {
			page, err := p.NextPage(ctx)
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range page.Value {
				if *o.Properties.ProvisioningState != "Succeeded" {
					t.Errorf("%s: %+v", name, o.Properties)
				}
			}
		}
		if pages != 1 {
			t.Errorf("%d pages of operations", pages)
		}
		return got.Properties
	}

	// A circuit.
	d := deploy("circuit", quickstart(t, "expressroute-circuit", map[string]any{"circuitName": "er1", "serviceProviderName": "Equinix", "peeringLocation": "Amsterdam", "bandwidthInMbps": 200, "skuFamily": "UnlimitedData", "location": "westeurope"}), 1)
	circuits := n.NewExpressRouteCircuitsClient()
	circuit := func(name string) armnetwork.ExpressRouteCircuit {
		t.Helper()
		c, err := circuits.Get(ctx, "quick", name, nil)
		if err != nil {
			t.Fatal(err)
		}
		return c.ExpressRouteCircuit
	}
	c := circuit("er1")
	if *c.SKU.Name != "Standard_UnlimitedData" || *c.Properties.ServiceProviderProperties.BandwidthInMbps != 200 || *c.Properties.ServiceProviderProperties.PeeringLocation != "Amsterdam" || *c.Location != "westeurope" {
		t.Errorf("the circuit is %+v %+v", c.SKU, c.Properties.ServiceProviderProperties)
	}
	if output(t, d, "serviceKey") != *c.Properties.ServiceKey || !strings.EqualFold(output(t, d, "circuitId").(string), *c.ID) {
		t.Errorf("outputs: %v", d.Outputs)
	}

	// A circuit with private peering, a VNet and a gateway, all as the template has it by default.
	d = deploy("private", quickstart(t, "expressroute-private-peering-vnet", nil), 6)
	c = circuit("er-ckt01")
	if len(c.Properties.Peerings) != 1 || *c.SKU.Name != "Premium_MeteredData" || *c.Properties.ServiceProviderProperties.PeeringLocation != "Washington DC" || *c.Location != "eastus2" {
		t.Fatalf("the circuit is %+v", c.Properties)
	}
	p := c.Properties.Peerings[0].Properties
	if *p.PeerASN != 65001 || *p.VlanID != 100 || *p.PrimaryPeerAddressPrefix != "192.168.10.16/30" || *p.SecondaryPeerAddressPrefix != "192.168.10.20/30" || *p.AzureASN != 12076 {
		t.Errorf("the peering is %+v", p)
	}
	v, err := n.NewVirtualNetworksClient().Get(ctx, "quick", "vnet1", nil)
	if err != nil {
		t.Fatal(err)
	}
	var subnets []string
	for _, s := range v.Properties.Subnets {
		nsg := ""
		if g := s.Properties.NetworkSecurityGroup; g != nil {
			nsg = (*g.ID)[strings.LastIndexByte(*g.ID, '/')+1:]
		}
		subnets = append(subnets, fmt.Sprintf("%s %s %s", *s.Name, *s.Properties.AddressPrefix, nsg))
	}
	if !slices.Equal(subnets, []string{"subnet1 10.10.10.0/25 vnet1-nsg", "GatewaySubnet 10.10.10.224/27 "}) || *v.Properties.AddressSpace.AddressPrefixes[0] != "10.10.10.0/24" {
		t.Errorf("the VNet has %q", subnets)
	}
	gw, err := n.NewVirtualNetworkGatewaysClient().Get(ctx, "quick", "er-gw", nil)
	if err != nil {
		t.Fatal(err)
	}
	if *gw.Properties.GatewayType != armnetwork.VirtualNetworkGatewayTypeExpressRoute || *gw.Properties.SKU.Name != armnetwork.VirtualNetworkGatewaySKUNameHighPerformance || !strings.HasSuffix(*gw.Properties.IPConfigurations[0].Properties.Subnet.ID, "/virtualNetworks/vnet1/subnets/GatewaySubnet") {
		t.Errorf("the gateway is %+v", gw.Properties)
	}
	if got := output(t, d, "peering").(map[string]any)["vlanId"]; fmt.Sprint(got) != "100" {
		t.Errorf("the output peering has VLAN %v", got)
	}

	// A VNet with a gateway, connected to a circuit.
	deploy("connection", quickstart(t, "expressroute-circuit-vnet-connection", map[string]any{"vnetName": "vnet2", "gatewayName": "gw2", "gatewayPublicIPName": "gw2-pip", "connectionName": "cn2", "circuitId": *c.ID, "routingWeight": 7}), 4)
	if err := r.Settled(ctx); err != nil {
		t.Fatal(err)
	}
	cn, err := n.NewVirtualNetworkGatewayConnectionsClient().Get(ctx, "quick", "cn2", nil)
	if err != nil {
		t.Fatal(err)
	}
	if *cn.Properties.ConnectionType != armnetwork.VirtualNetworkGatewayConnectionTypeExpressRoute || *cn.Properties.RoutingWeight != 7 || !strings.EqualFold(*cn.Properties.Peer.ID, *c.ID) || *cn.Properties.ConnectionStatus != armnetwork.VirtualNetworkGatewayConnectionStatusConnected {
		t.Errorf("the connection is %+v", cn.Properties)
	}

	// A circuit with its peerings inside it, at the first version of the interface.
	d = deploy("inline", quickstart(t, "expressroute-circuit-inline-peerings", map[string]any{
		"circuitName": "er3", "location": "westeurope", "serviceProviderName": "Equinix", "peeringLocation": "London", "bandwidthInMbps": 500, "skuTier": "Premium", "skuFamily": "MeteredData",
		"privatePeering":   map[string]any{"peerASN": 65010, "primaryPeerAddressPrefix": "192.168.30.0/30", "secondaryPeerAddressPrefix": "192.168.30.4/30", "vlanId": 300},
		"microsoftPeering": map[string]any{"peerASN": 64500, "primaryPeerAddressPrefix": "203.0.113.0/30", "secondaryPeerAddressPrefix": "203.0.113.4/30", "vlanId": 400, "microsoftPeeringConfig": map[string]any{"advertisedPublicPrefixes": []string{"203.0.113.128/25"}, "customerASN": 0, "routingRegistryName": "NONE"}},
	}), 1)
	c = circuit("er3")
	vlans := map[string]int32{}
	for _, p := range c.Properties.Peerings {
		vlans[*p.Name] = *p.Properties.VlanID
	}
	if len(vlans) != 2 || vlans["AzurePrivatePeering"] != 300 || vlans["MicrosoftPeering"] != 400 || *c.Tags["key2"] != "value2" {
		t.Errorf("the circuit has %v and the tags %v", vlans, c.Tags)
	}
	if got := output(t, d, "circuit").(map[string]any)["serviceKey"]; got != *c.Properties.ServiceKey {
		t.Errorf("the output circuit has the key %v", got)
	}

	// They stay after their deployments.
	for p := client.NewListByResourceGroupPager("quick", nil); p.More(); {
		page, err := p.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Value) != 4 {
			t.Errorf("%d deployments", len(page.Value))
		}
		for _, x := range page.Value {
			done[armdeployments.DeploymentsClientDeleteResponse](t)(client.BeginDelete(ctx, "quick", *x.Name, nil))
		}
	}
	circuit("er3")

	// What a template gets wrong, the SDK tells.
	bad := quickstart(t, "expressroute-circuit", map[string]any{"circuitName": "er4", "serviceProviderName": "Equinix", "peeringLocation": "Amsterdam", "bandwidthInMbps": 201})
	_, err = client.BeginCreateOrUpdate(ctx, "quick", "bad", bad, nil)
	refused(t, err, 400, "InvalidTemplate")
	bad.Properties.Parameters["bandwidthInMbps"].Value = 200
	bad.Properties.Parameters["peeringLocation"].Value = "Atlantis"
	poller, err := client.BeginCreateOrUpdate(ctx, "quick", "bad", bad, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = poller.PollUntilDone(ctx, nil); err == nil || !strings.Contains(err.Error(), "DeploymentFailed") || !strings.Contains(err.Error(), "Atlantis") {
		t.Errorf("a circuit in Atlantis: %v", err)
	}
	reader, err := armdeployments.NewDeploymentsClient(sub, r.credential("reader", "the-readers-secret-1234"), r.options())
	if err != nil {
		t.Fatal(err)
	}
	_, err = reader.BeginCreateOrUpdate(ctx, "quick", "mine", bad, nil)
	refused(t, err, 403, "AuthorizationFailed")
}

// TestADeploymentIsDoneByTheNextTwin stops a twin after it has accepted a deployment and before it has begun with it.
func TestADeploymentIsDoneByTheNextTwin(t *testing.T) {
	dir := t.TempDir()
	r := start(t, dir, nil)
	ctx := t.Context()
	sub := r.subscription("sub-network")
	clients := func() (*armdeployments.DeploymentsClient, *armnetwork.ExpressRouteCircuitsClient, *armresources.ResourceGroupsClient) {
		t.Helper()
		cred := r.credential("owner", "the-owners-secret-1234")
		d, err := armdeployments.NewDeploymentsClient(sub, cred, r.options())
		if err != nil {
			t.Fatal(err)
		}
		n, err := armnetwork.NewExpressRouteCircuitsClient(sub, cred, r.options())
		if err != nil {
			t.Fatal(err)
		}
		g, err := armresources.NewResourceGroupsClient(sub, cred, r.options())
		if err != nil {
			t.Fatal(err)
		}
		return d, n, g
	}
	client, circuits, groups := clients()
	if _, err := groups.CreateOrUpdate(ctx, "quick", armresources.ResourceGroup{Location: to.Ptr("eastus2")}, nil); err != nil {
		t.Fatal(err)
	}
	if err := r.Server().SetFaults([]arm.Fault{{What: arm.FaultSlow, Operation: "Deployments_CreateOrUpdate", Delay: time.Hour}}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.BeginCreateOrUpdate(ctx, "quick", "circuit", quickstart(t, "expressroute-circuit", map[string]any{"circuitName": "er1", "serviceProviderName": "Equinix", "peeringLocation": "Amsterdam", "bandwidthInMbps": 200}), nil); err != nil {
		t.Fatal(err)
	}
	_, err := circuits.Get(ctx, "quick", "er1", nil)
	refused(t, err, 404, "ResourceNotFound")
	r.stopped()

	r = start(t, dir, nil) // without the fault
	client, circuits, _ = clients()
	for {
		d, err := client.Get(ctx, "quick", "circuit", nil)
		if err != nil {
			t.Fatal(err)
		}
		s := *d.Properties.ProvisioningState
		if s == armdeployments.ProvisioningStateSucceeded {
			break
		}
		if s != armdeployments.ProvisioningStateAccepted && s != armdeployments.ProvisioningStateRunning {
			t.Fatalf("the deployment is %s", s)
		}
	}
	if _, err := circuits.Get(ctx, "quick", "er1", nil); err != nil {
		t.Error(err)
	}
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
