package twin

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/network/armnetwork/v9"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/resources/armresources/v3"
)

// done waits for an operation of the SDK.
func done[T any](t *testing.T) func(*runtime.Poller[T], error) T {
	return func(p *runtime.Poller[T], err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		v, err := p.PollUntilDone(context.Background(), &runtime.PollUntilDoneOptions{Frequency: time.Second})
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// refused tells whether an error is Azure's with a status and a code.
func refused(t *testing.T, err error, status int, code string) {
	t.Helper()
	var e *azcore.ResponseError
	if !errors.As(err, &e) || e.StatusCode != status || e.ErrorCode != code {
		t.Errorf("%v, where %d %s was to come", err, status, code)
	}
}

func TestTheGoSDKDoesTheWholeLife(t *testing.T) {
	r := start(t, t.TempDir(), nil)
	ctx := t.Context()
	sub := r.subscription("sub-network")
	cred := r.credential("owner", "the-owners-secret-1234")
	groups, err := armresources.NewResourceGroupsClient(sub, cred, r.options())
	if err != nil {
		t.Fatal(err)
	}
	n, err := armnetwork.NewClientFactory(sub, cred, r.options())
	if err != nil {
		t.Fatal(err)
	}
	west := to.Ptr("westeurope")
	if _, err := groups.CreateOrUpdate(ctx, "net", armresources.ResourceGroup{Location: west}, nil); err != nil {
		t.Fatal(err)
	}

	tables := n.NewRouteTablesClient()
	table := done[armnetwork.RouteTablesClientCreateOrUpdateResponse](t)(tables.BeginCreateOrUpdate(ctx, "net", "rt", armnetwork.RouteTable{Location: west, Properties: &armnetwork.RouteTablePropertiesFormat{}}, nil))
	done[armnetwork.RoutesClientCreateOrUpdateResponse](t)(n.NewRoutesClient().BeginCreateOrUpdate(ctx, "net", "rt", "all", armnetwork.Route{Properties: &armnetwork.RoutePropertiesFormat{
		AddressPrefix: to.Ptr("0.0.0.0/0"), NextHopType: to.Ptr(armnetwork.RouteNextHopTypeVirtualAppliance), NextHopIPAddress: to.Ptr("10.1.0.4"),
	}}, nil))

	vnets := n.NewVirtualNetworksClient()
	for i, name := range []string{"hub", "spoke"} {
		space := []string{"10.1.0.0/16", "10.2.0.0/16"}[i]
		done[armnetwork.VirtualNetworksClientCreateOrUpdateResponse](t)(vnets.BeginCreateOrUpdate(ctx, "net", name, armnetwork.VirtualNetwork{Location: west, Properties: &armnetwork.VirtualNetworkPropertiesFormat{
			AddressSpace: &armnetwork.AddressSpace{AddressPrefixes: []*string{to.Ptr(space)}},
		}}, nil))
	}
	subnets := n.NewSubnetsClient()
	gatewaySubnet := done[armnetwork.SubnetsClientCreateOrUpdateResponse](t)(subnets.BeginCreateOrUpdate(ctx, "net", "hub", "GatewaySubnet", armnetwork.Subnet{Properties: &armnetwork.SubnetPropertiesFormat{AddressPrefix: to.Ptr("10.1.255.0/26")}}, nil))
	done[armnetwork.SubnetsClientCreateOrUpdateResponse](t)(subnets.BeginCreateOrUpdate(ctx, "net", "spoke", "app", armnetwork.Subnet{Properties: &armnetwork.SubnetPropertiesFormat{AddressPrefixes: []*string{to.Ptr("10.2.0.0/24")}, RouteTable: &armnetwork.RouteTable{ID: table.ID}}}, nil))
	_, err = subnets.BeginCreateOrUpdate(ctx, "net", "spoke", "outside", armnetwork.Subnet{Properties: &armnetwork.SubnetPropertiesFormat{AddressPrefix: to.Ptr("10.9.0.0/24")}}, nil)
	refused(t, err, 400, "NetcfgSubnetRangeOutsideVnet")

	circuits := n.NewExpressRouteCircuitsClient()
	circuit := done[armnetwork.ExpressRouteCircuitsClientCreateOrUpdateResponse](t)(circuits.BeginCreateOrUpdate(ctx, "net", "er", armnetwork.ExpressRouteCircuit{
		Location:   west,
		SKU:        &armnetwork.ExpressRouteCircuitSKU{Name: to.Ptr("Standard_MeteredData"), Tier: to.Ptr(armnetwork.ExpressRouteCircuitSKUTierStandard), Family: to.Ptr(armnetwork.ExpressRouteCircuitSKUFamilyMeteredData)},
		Properties: &armnetwork.ExpressRouteCircuitPropertiesFormat{ServiceProviderProperties: &armnetwork.ExpressRouteCircuitServiceProviderProperties{ServiceProviderName: to.Ptr("Equinix"), PeeringLocation: to.Ptr("Amsterdam"), BandwidthInMbps: to.Ptr[int32](200)}},
	}, nil))
	if *circuit.Properties.ServiceProviderProvisioningState != armnetwork.ServiceProviderProvisioningStateProvisioned || *circuit.Properties.ServiceKey == "" {
		t.Fatalf("%+v", circuit.Properties)
	}
	filters := n.NewRouteFiltersClient()
	filter := done[armnetwork.RouteFiltersClientCreateOrUpdateResponse](t)(filters.BeginCreateOrUpdate(ctx, "net", "rf", armnetwork.RouteFilter{Location: west, Properties: &armnetwork.RouteFilterPropertiesFormat{}}, nil))
	done[armnetwork.RouteFilterRulesClientCreateOrUpdateResponse](t)(n.NewRouteFilterRulesClient().BeginCreateOrUpdate(ctx, "net", "rf", "exchange", armnetwork.RouteFilterRule{Properties: &armnetwork.RouteFilterRulePropertiesFormat{
		Access: to.Ptr(armnetwork.AccessAllow), RouteFilterRuleType: to.Ptr(armnetwork.RouteFilterRuleTypeCommunity), Communities: []*string{to.Ptr("12076:5010")},
	}}, nil))
	peerings := n.NewExpressRouteCircuitPeeringsClient()
	private := done[armnetwork.ExpressRouteCircuitPeeringsClientCreateOrUpdateResponse](t)(peerings.BeginCreateOrUpdate(ctx, "net", "er", "AzurePrivatePeering", armnetwork.ExpressRouteCircuitPeering{Properties: &armnetwork.ExpressRouteCircuitPeeringPropertiesFormat{
		PeeringType: to.Ptr(armnetwork.ExpressRoutePeeringTypeAzurePrivatePeering), PeerASN: to.Ptr[int64](65001), VlanID: to.Ptr[int32](100),
		PrimaryPeerAddressPrefix: to.Ptr("192.168.10.0/30"), SecondaryPeerAddressPrefix: to.Ptr("192.168.10.4/30"),
	}}, nil))
	if *private.Properties.AzureASN != 12076 {
		t.Errorf("%+v", private.Properties)
	}
	authorization := done[armnetwork.ExpressRouteCircuitAuthorizationsClientCreateOrUpdateResponse](t)(n.NewExpressRouteCircuitAuthorizationsClient().BeginCreateOrUpdate(ctx, "net", "er", "finance", armnetwork.ExpressRouteCircuitAuthorization{}, nil))
	if authorization.Properties.AuthorizationKey == nil {
		t.Fatal("an authorization without a key")
	}

	gateways := n.NewVirtualNetworkGatewaysClient()
	gateway := done[armnetwork.VirtualNetworkGatewaysClientCreateOrUpdateResponse](t)(gateways.BeginCreateOrUpdate(ctx, "net", "gw", armnetwork.VirtualNetworkGateway{Location: west, Properties: &armnetwork.VirtualNetworkGatewayPropertiesFormat{
		GatewayType: to.Ptr(armnetwork.VirtualNetworkGatewayTypeExpressRoute), SKU: &armnetwork.VirtualNetworkGatewaySKU{Name: to.Ptr(armnetwork.VirtualNetworkGatewaySKUNameErGw1AZ), Tier: to.Ptr(armnetwork.VirtualNetworkGatewaySKUTierErGw1AZ)},
		IPConfigurations: []*armnetwork.VirtualNetworkGatewayIPConfiguration{{Name: to.Ptr("default"), Properties: &armnetwork.VirtualNetworkGatewayIPConfigurationPropertiesFormat{Subnet: &armnetwork.SubResource{ID: gatewaySubnet.ID}}}},
	}}, nil))
	for _, x := range [][2]string{{"hub", "spoke"}, {"spoke", "hub"}} {
		remote, err := vnets.Get(ctx, "net", x[1], nil)
		if err != nil {
			t.Fatal(err)
		}
		done[armnetwork.VirtualNetworkPeeringsClientCreateOrUpdateResponse](t)(n.NewVirtualNetworkPeeringsClient().BeginCreateOrUpdate(ctx, "net", x[0], "to-"+x[1], armnetwork.VirtualNetworkPeering{Properties: &armnetwork.VirtualNetworkPeeringPropertiesFormat{
			RemoteVirtualNetwork: &armnetwork.SubResource{ID: remote.ID}, AllowVirtualNetworkAccess: to.Ptr(true), AllowGatewayTransit: to.Ptr(x[0] == "hub"), UseRemoteGateways: to.Ptr(x[0] == "spoke"), AllowForwardedTraffic: to.Ptr(true),
		}}, nil))
	}
	connections := n.NewVirtualNetworkGatewayConnectionsClient()
	connection := done[armnetwork.VirtualNetworkGatewayConnectionsClientCreateOrUpdateResponse](t)(connections.BeginCreateOrUpdate(ctx, "net", "cn", armnetwork.VirtualNetworkGatewayConnection{Location: west, Properties: &armnetwork.VirtualNetworkGatewayConnectionPropertiesFormat{
		ConnectionType: to.Ptr(armnetwork.VirtualNetworkGatewayConnectionTypeExpressRoute), VirtualNetworkGateway1: &armnetwork.VirtualNetworkGateway{ID: gateway.ID, Properties: &armnetwork.VirtualNetworkGatewayPropertiesFormat{}},
		Peer: &armnetwork.SubResource{ID: circuit.ID}, RoutingWeight: to.Ptr[int32](10), AuthorizationKey: authorization.Properties.AuthorizationKey,
	}}, nil))
	if err := r.Settled(ctx); err != nil {
		t.Fatal(err)
	}
	if is, err := connections.Get(ctx, "net", *connection.Name, nil); err != nil || *is.Properties.ConnectionStatus != armnetwork.VirtualNetworkGatewayConnectionStatusConnected {
		t.Error(is.Properties, err)
	}
	used, err := n.NewExpressRouteCircuitAuthorizationsClient().Get(ctx, "net", "er", "finance", nil)
	if err != nil || *used.Properties.AuthorizationUseStatus != armnetwork.AuthorizationUseStatusInUse {
		t.Error(used.Properties, err)
	}

	// Live tables.
	arp := done[armnetwork.ExpressRouteCircuitsClientListArpTableResponse](t)(circuits.BeginListArpTable(ctx, "net", "er", "AzurePrivatePeering", "primary", nil))
	routes := done[armnetwork.ExpressRouteCircuitsClientListRoutesTableResponse](t)(circuits.BeginListRoutesTable(ctx, "net", "er", "AzurePrivatePeering", "primary", nil))
	if len(routes.Value) == 0 {
		t.Error("the circuit has no routes")
	}
	learned := done[armnetwork.VirtualNetworkGatewaysClientGetLearnedRoutesResponse](t)(gateways.BeginGetLearnedRoutes(ctx, "net", "gw", nil))
	status := done[armnetwork.VirtualNetworkGatewaysClientGetBgpPeerStatusResponse](t)(gateways.BeginGetBgpPeerStatus(ctx, "net", "gw", nil))
	if len(learned.Value) == 0 || len(status.Value) == 0 {
		t.Error("the gateway has no routes or no peers")
	}
	_ = arp

	// What is in use stays.
	_, err = gateways.BeginDelete(ctx, "net", "gw", nil)
	refused(t, err, 400, "VirtualNetworkGatewayCannotBeDeleted")
	_, err = tables.BeginDelete(ctx, "net", "rt", nil)
	refused(t, err, 400, "InUseRouteTableCannotBeDeleted")
	_, err = subnets.BeginDelete(ctx, "net", "hub", "GatewaySubnet", nil)
	refused(t, err, 400, "InUseSubnetCannotBeDeleted")

	// Lists.
	networks := 0
	for p := vnets.NewListAllPager(nil); p.More(); {
		page, err := p.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		networks += len(page.Value)
	}
	if networks != 2 {
		t.Errorf("%d networks are listed", networks)
	}

	// The other peering lets in what a route filter says, and says so on both.
	microsoft := done[armnetwork.ExpressRouteCircuitPeeringsClientCreateOrUpdateResponse](t)(peerings.BeginCreateOrUpdate(ctx, "net", "er", "MicrosoftPeering", armnetwork.ExpressRouteCircuitPeering{Properties: &armnetwork.ExpressRouteCircuitPeeringPropertiesFormat{
		PeeringType: to.Ptr(armnetwork.ExpressRoutePeeringTypeMicrosoftPeering), PeerASN: to.Ptr[int64](64500), VlanID: to.Ptr[int32](300), RouteFilter: &armnetwork.SubResource{ID: filter.ID},
		PrimaryPeerAddressPrefix: to.Ptr("203.0.113.0/30"), SecondaryPeerAddressPrefix: to.Ptr("203.0.113.4/30"),
		MicrosoftPeeringConfig: &armnetwork.ExpressRouteCircuitPeeringConfig{AdvertisedPublicPrefixes: []*string{to.Ptr("203.0.113.128/25")}, CustomerASN: to.Ptr[int32](0), RoutingRegistryName: to.Ptr("NONE")},
	}}, nil))
	if got, err := filters.Get(ctx, "net", "rf", nil); err != nil || len(got.Properties.Peerings) != 1 || *got.Properties.Peerings[0].ID != *microsoft.ID || len(got.Properties.Rules) != 1 {
		t.Error(got.Properties, err)
	}
	_, err = filters.BeginDelete(ctx, "net", "rf", nil)
	refused(t, err, 409, "Conflict")
	count := 0
	for p := peerings.NewListPager("net", "er", nil); p.More(); {
		page, err := p.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		count += len(page.Value)
	}
	for p := n.NewExpressRouteCircuitAuthorizationsClient().NewListPager("net", "er", nil); p.More(); {
		page, err := p.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		count += len(page.Value)
	}
	if count != 3 {
		t.Errorf("the circuit has %d peerings and authorizations", count)
	}
	tagged, err := circuits.UpdateTags(ctx, "net", "er", armnetwork.TagsObject{Tags: map[string]*string{"cost": to.Ptr("network")}}, nil)
	if err != nil || *tagged.Tags["cost"] != "network" || len(tagged.Properties.Peerings) != 2 {
		t.Error(tagged.Properties, err)
	}
	done[armnetwork.VirtualNetworkGatewaysClientUpdateTagsResponse](t)(gateways.BeginUpdateTags(ctx, "net", "gw", armnetwork.TagsObject{Tags: map[string]*string{"cost": to.Ptr("network")}}, nil))

	// And away again.
	done[armnetwork.ExpressRouteCircuitPeeringsClientDeleteResponse](t)(peerings.BeginDelete(ctx, "net", "er", "MicrosoftPeering", nil))
	done[armnetwork.RouteFilterRulesClientDeleteResponse](t)(n.NewRouteFilterRulesClient().BeginDelete(ctx, "net", "rf", "exchange", nil))
	done[armnetwork.RoutesClientDeleteResponse](t)(n.NewRoutesClient().BeginDelete(ctx, "net", "rt", "all", nil))
	done[armnetwork.VirtualNetworkGatewayConnectionsClientDeleteResponse](t)(connections.BeginDelete(ctx, "net", "cn", nil))
	done[armnetwork.ExpressRouteCircuitAuthorizationsClientDeleteResponse](t)(n.NewExpressRouteCircuitAuthorizationsClient().BeginDelete(ctx, "net", "er", "finance", nil))
	done[armnetwork.ExpressRouteCircuitPeeringsClientDeleteResponse](t)(peerings.BeginDelete(ctx, "net", "er", "AzurePrivatePeering", nil))
	done[armnetwork.VirtualNetworkPeeringsClientDeleteResponse](t)(n.NewVirtualNetworkPeeringsClient().BeginDelete(ctx, "net", "spoke", "to-hub", nil))
	done[armnetwork.VirtualNetworkGatewaysClientDeleteResponse](t)(gateways.BeginDelete(ctx, "net", "gw", nil))
	done[armnetwork.ExpressRouteCircuitsClientDeleteResponse](t)(circuits.BeginDelete(ctx, "net", "er", nil))
	done[armnetwork.RouteFiltersClientDeleteResponse](t)(filters.BeginDelete(ctx, "net", "rf", nil))
	done[armnetwork.SubnetsClientDeleteResponse](t)(subnets.BeginDelete(ctx, "net", "spoke", "app", nil))
	done[armnetwork.RouteTablesClientDeleteResponse](t)(tables.BeginDelete(ctx, "net", "rt", nil))
	done[armnetwork.VirtualNetworksClientDeleteResponse](t)(vnets.BeginDelete(ctx, "net", "spoke", nil))
	done[armresources.ResourceGroupsClientDeleteResponse](t)(groups.BeginDelete(ctx, "net", nil))
	there, err := groups.CheckExistence(ctx, "net", nil)
	if err != nil || there.Success {
		t.Error("the group is there still", err)
	}
}
