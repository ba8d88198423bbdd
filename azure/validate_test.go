package azure_test

import (
	"fmt"
	"strings"
	"testing"

	"onramp/azure"
	"onramp/catalog"
)

const net = "Microsoft.Network/"

func id(typ string, names ...string) azure.ID { return azure.NewID("sub", "rg", net+typ, names...) }

func head(typ, location string, names ...string) azure.Header {
	return azure.Header{ID: id(typ, names...), Name: names[len(names)-1], Type: net + typ, Location: location}
}

// set is a small set of resources that Azure takes: a hub with gateway and firewall, a spoke, a circuit with both peerings, and
// one on a Direct port.
type set struct {
	hub, spoke   *azure.VirtualNetwork
	table        *azure.RouteTable
	circuit, big *azure.ExpressRouteCircuit
	port         *azure.ExpressRoutePort
	filter       *azure.RouteFilter
	gateway      *azure.VirtualNetworkGateway
	link         *azure.VirtualNetworkGatewayConnection
	firewall     *azure.AzureFirewall
	policy       *azure.FirewallPolicy
	group        *azure.FirewallPolicyRuleCollectionGroup
	ip           *azure.PublicIPAddress
	extra        []azure.Resource
}

func (s *set) resources() azure.Resources {
	return append(azure.Resources{s.table, s.ip, s.filter, s.hub, s.spoke, s.policy, s.group, s.firewall, s.port, s.circuit, s.big, s.gateway, s.link}, s.extra...)
}

func subnet(vnet, name, prefix string) azure.Subnet {
	return azure.Subnet{ID: id("virtualNetworks/subnets", vnet, name), Name: name, Properties: azure.SubnetProperties{AddressPrefix: prefix}}
}

func peered(with string, remote, lends bool) azure.VirtualNetworkPeering {
	p := azure.VirtualNetworkPeering{Name: "to-" + with}
	p.Properties = azure.VirtualNetworkPeeringProperties{RemoteVirtualNetwork: &azure.Ref{ID: id("virtualNetworks", with)}, AllowVirtualNetworkAccess: true, UseRemoteGateways: remote, AllowGatewayTransit: lends}
	return p
}

func sound() *set {
	gbps := 5.0
	s := &set{
		hub: &azure.VirtualNetwork{Header: head("virtualNetworks", "canadacentral", "hub")}, spoke: &azure.VirtualNetwork{Header: head("virtualNetworks", "canadacentral", "spoke")},
		table: &azure.RouteTable{Header: head("routeTables", "canadacentral", "rt")}, filter: &azure.RouteFilter{Header: head("routeFilters", "canadacentral", "rf")},
		circuit: &azure.ExpressRouteCircuit{Header: head("expressRouteCircuits", "canadacentral", "er")}, big: &azure.ExpressRouteCircuit{Header: head("expressRouteCircuits", "canadacentral", "big")},
		port: &azure.ExpressRoutePort{Header: head("expressRoutePorts", "canadacentral", "port")}, gateway: &azure.VirtualNetworkGateway{Header: head("virtualNetworkGateways", "canadacentral", "gw")},
		link: &azure.VirtualNetworkGatewayConnection{Header: head("connections", "canadacentral", "cn")}, firewall: &azure.AzureFirewall{Header: head("azureFirewalls", "canadacentral", "fw")},
		policy: &azure.FirewallPolicy{Header: head("firewallPolicies", "canadacentral", "fwp")}, group: &azure.FirewallPolicyRuleCollectionGroup{Header: head("firewallPolicies/ruleCollectionGroups", "", "fwp", "rcg")},
		ip: &azure.PublicIPAddress{Header: head("publicIPAddresses", "canadacentral", "pip")},
	}
	s.hub.Properties.AddressSpace.AddressPrefixes = []string{"10.30.0.0/22"}
	s.hub.Properties.Subnets = []azure.Subnet{subnet("hub", "GatewaySubnet", "10.30.3.224/27"), subnet("hub", "AzureFirewallSubnet", "10.30.3.128/26"), subnet("hub", "shared", "10.30.0.0/23")}
	s.hub.Properties.Subnets[0].Properties.RouteTable = &azure.Ref{ID: s.table.ID}
	s.hub.Properties.VirtualNetworkPeerings = []azure.VirtualNetworkPeering{peered("spoke", false, true)}
	s.spoke.Properties.AddressSpace.AddressPrefixes = []string{"10.20.0.0/20"}
	s.spoke.Properties.Subnets = []azure.Subnet{subnet("spoke", "app", "10.20.0.0/24")}
	s.spoke.Properties.VirtualNetworkPeerings = []azure.VirtualNetworkPeering{peered("hub", true, false)}
	s.table.Properties.Routes = []azure.Route{{Name: "to-spoke", Properties: azure.RouteProperties{AddressPrefix: "10.20.0.0/20", NextHopType: "VirtualAppliance", NextHopIPAddress: "10.30.3.132"}}}
	s.filter.Properties.Rules = []azure.RouteFilterRule{{Name: "allow", Properties: azure.RouteFilterRuleProperties{Access: "Allow", RouteFilterRuleType: "Community", Communities: []string{"12076:5010"}}}}
	s.circuit.SKU = azure.SKU{Name: "Premium_MeteredData", Tier: "Premium", Family: "MeteredData"}
	s.circuit.Properties.ServiceProviderProperties = &azure.ServiceProviderProperties{ServiceProviderName: "Bell Canada", PeeringLocation: "Montreal", BandwidthInMbps: 500}
	s.circuit.Properties.Peerings = []azure.Peering{
		{Name: "AzurePrivatePeering", Properties: azure.PeeringProperties{PeeringType: "AzurePrivatePeering", PeerASN: 65010, PrimaryPeerAddressPrefix: "172.16.0.0/30", SecondaryPeerAddressPrefix: "172.16.0.4/30", VLANID: 100,
			IPv6PeeringConfig: &azure.IPv6PeeringConfig{PrimaryPeerAddressPrefix: "fd00::/126", SecondaryPeerAddressPrefix: "fd00::4/126"}}},
		{Name: "MicrosoftPeering", Properties: azure.PeeringProperties{PeeringType: "MicrosoftPeering", PeerASN: 65010, PrimaryPeerAddressPrefix: "198.51.100.0/30", SecondaryPeerAddressPrefix: "198.51.100.4/30", VLANID: 101,
			RouteFilter: &azure.Ref{ID: s.filter.ID}, MicrosoftPeeringConfig: &azure.MicrosoftPeeringConfig{AdvertisedPublicPrefixes: []string{"203.0.113.0/28"}}}}}
	s.circuit.Properties.Authorizations = []azure.Authorization{{Name: "auth"}}
	s.big.SKU = azure.SKU{Name: "Standard_MeteredData", Tier: "Standard", Family: "MeteredData"}
	s.big.Properties.ExpressRoutePort, s.big.Properties.BandwidthInGbps = &azure.Ref{ID: s.port.ID}, &gbps
	s.port.Properties = azure.ExpressRoutePortProperties{PeeringLocation: "Toronto", BandwidthInGbps: 10, Encapsulation: "Dot1Q"}
	s.gateway.Properties = azure.VirtualNetworkGatewayProperties{GatewayType: "ExpressRoute", SKU: azure.SKU{Name: "ErGw1AZ", Tier: "ErGw1AZ"}, IPConfigurations: []azure.GatewayIPConfiguration{{Name: "default"}}}
	s.gateway.Properties.IPConfigurations[0].Properties.Subnet = &azure.Ref{ID: id("virtualNetworks/subnets", "hub", "GatewaySubnet")}
	s.link.Properties = azure.VirtualNetworkGatewayConnectionProperties{ConnectionType: "ExpressRoute", VirtualNetworkGateway1: &azure.Ref{ID: s.gateway.ID}, Peer: &azure.Ref{ID: s.circuit.ID}, RoutingWeight: 100}
	s.firewall.Properties = azure.AzureFirewallProperties{SKU: azure.SKU{Name: "AZFW_VNet", Tier: "Standard"}, FirewallPolicy: &azure.Ref{ID: s.policy.ID}, IPConfigurations: []azure.GatewayIPConfiguration{{Name: "default"}}}
	s.firewall.Properties.IPConfigurations[0].Properties = azure.GatewayIPConfigurationProperties{PrivateIPAddress: "10.30.3.132", Subnet: &azure.Ref{ID: id("virtualNetworks/subnets", "hub", "AzureFirewallSubnet")}, PublicIPAddress: &azure.Ref{ID: s.ip.ID}}
	return s
}

func open(t testing.TB) *catalog.Catalog {
	t.Helper()
	c, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestAzureTakesWhatIsSound(t *testing.T) {
	c := open(t)
	for _, p := range azure.Validate(sound().resources(), c) {
		t.Errorf("%+v", p)
	}
	for _, d := range designs(t) {
		for _, p := range azure.Validate(d.Resources, c) {
			t.Errorf("%s as %s: %+v", d.Name, d.Pattern, p)
		}
	}
}

func TestAzureRefuses(t *testing.T) {
	c := open(t)
	for _, x := range []struct {
		name, code, at string
		spoil          func(s *set)
	}{
		{"two resources of one id", "BadRequest", "id", func(s *set) { s.extra = append(s.extra, s.ip) }},
		{"an id that is none", "BadRequest", "id", func(s *set) { s.ip.ID = "pip" }},
		{"a type that is not the id's", "MismatchingResourceSegments", "type", func(s *set) { s.ip.Type = net + "routeTables" }},
		{"no location", "LocationRequired", "location", func(s *set) { s.table.Location = "" }},
		{"a network without space", "NetcfgInvalidVirtualNetworkSite", "properties.addressSpace.addressPrefixes", func(s *set) { s.spoke.Properties.AddressSpace.AddressPrefixes = nil }},
		{"a prefix with host bits", "InvalidCIDRNotation", "properties.addressSpace.addressPrefixes[0]", func(s *set) { s.spoke.Properties.AddressSpace.AddressPrefixes[0] = "10.20.0.1/20" }},
		{"a prefix that is none", "InvalidCIDRNotation", "properties.addressSpace.addressPrefixes[0]", func(s *set) { s.spoke.Properties.AddressSpace.AddressPrefixes[0] = "spoke" }},
		{"a network's prefixes overlap", "NetcfgInvalidVirtualNetworkSite", "properties.addressSpace.addressPrefixes[1]", func(s *set) {
			s.spoke.Properties.AddressSpace.AddressPrefixes = append(s.spoke.Properties.AddressSpace.AddressPrefixes, "10.20.8.0/24")
		}},
		{"a subnet without prefix", "AddressPrefixStringCannotBeNullOrEmpty", "properties.subnets[0].properties.addressPrefix", func(s *set) { s.spoke.Properties.Subnets[0].Properties.AddressPrefix = "" }},
		{"a subnet outside", "NetcfgSubnetRangeOutsideVnet", "properties.subnets[0].properties.addressPrefix", func(s *set) { s.spoke.Properties.Subnets[0].Properties.AddressPrefix = "10.21.0.0/24" }},
		{"a subnet too small", "BadRequest", "properties.subnets[0].properties.addressPrefix", func(s *set) { s.spoke.Properties.Subnets[0].Properties.AddressPrefix = "10.20.0.0/30" }},
		{"subnets that overlap", "NetcfgSubnetRangesOverlap", "properties.subnets[1].properties.addressPrefix", func(s *set) {
			s.spoke.Properties.Subnets = append(s.spoke.Properties.Subnets, subnet("spoke", "db", "10.20.0.128/25"))
		}},
		{"two subnets of one name", "BadRequest", "properties.subnets[1].name", func(s *set) {
			s.spoke.Properties.Subnets = append(s.spoke.Properties.Subnets, subnet("spoke", "APP", "10.20.1.0/24"))
		}},
		{"a security group on GatewaySubnet", "BadRequest", "properties.subnets[0].properties.networkSecurityGroup", func(s *set) {
			g := &azure.NetworkSecurityGroup{Header: head("networkSecurityGroups", "canadacentral", "nsg")}
			s.extra = append(s.extra, g)
			s.hub.Properties.Subnets[0].Properties.NetworkSecurityGroup = &azure.Ref{ID: g.ID}
		}},
		{"a table that is not there", "InvalidResourceReference", "properties.subnets[0].properties.routeTable", func(s *set) {
			s.hub.Properties.Subnets[0].Properties.RouteTable.ID = id("routeTables", "gone")
		}},
		{"a reference to another type", "InvalidJsonReferenceWrongType", "properties.subnets[0].properties.routeTable", func(s *set) { s.hub.Properties.Subnets[0].Properties.RouteTable.ID = s.filter.ID }},
		{"a reference that is no id", "InvalidJsonReferenceFormat", "properties.subnets[0].properties.routeTable", func(s *set) { s.hub.Properties.Subnets[0].Properties.RouteTable.ID = "rt" }},
		{"a reference without id", "MissingJsonReferenceId", "properties.subnets[0].properties.routeTable", func(s *set) { s.hub.Properties.Subnets[0].Properties.RouteTable.ID = "" }},
		{"a peering with nobody", "MissingJsonReferenceId", "properties.virtualNetworkPeerings[0].properties.remoteVirtualNetwork", func(s *set) { s.spoke.Properties.VirtualNetworkPeerings[0].Properties.RemoteVirtualNetwork = nil }},
		{"peered networks that overlap", "VnetAddressSpacesOverlap", "properties.virtualNetworkPeerings[0].properties.remoteVirtualNetwork", func(s *set) {
			s.spoke.Properties.AddressSpace.AddressPrefixes = append(s.spoke.Properties.AddressSpace.AddressPrefixes, "10.30.1.0/24")
		}},
		{"two peerings with one network", "BadRequest", "properties.virtualNetworkPeerings[1].properties.remoteVirtualNetwork", func(s *set) {
			s.spoke.Properties.VirtualNetworkPeerings = append(s.spoke.Properties.VirtualNetworkPeerings, peered("hub", false, false))
		}},
		{"a remote gateway that is not there", "RemoteVnetHasNoGateways", "properties.virtualNetworkPeerings[0].properties.useRemoteGateways", func(s *set) { s.gateway.Properties.IPConfigurations = nil }},
		{"a remote gateway that is not lent", "BadRequest", "properties.virtualNetworkPeerings[0].properties.useRemoteGateways", func(s *set) { s.hub.Properties.VirtualNetworkPeerings[0].Properties.AllowGatewayTransit = false }},
		{"a remote gateway beside an own one", "BadRequest", "properties.virtualNetworkPeerings[0].properties.useRemoteGateways", func(s *set) {
			s.spoke.Properties.VirtualNetworkPeerings[0].Properties.AllowGatewayTransit = true
			s.hub.Properties.VirtualNetworkPeerings[0].Properties.UseRemoteGateways = true
		}},
		{"too many peerings", "BadRequest", "properties.virtualNetworkPeerings", func(s *set) {
			for i := range 501 {
				v := &azure.VirtualNetwork{Header: head("virtualNetworks", "canadacentral", fmt.Sprint("v", i))}
				v.Properties.AddressSpace.AddressPrefixes = []string{fmt.Sprintf("20.%d.%d.0/24", i/256, i%256)}
				s.extra = append(s.extra, v)
				s.hub.Properties.VirtualNetworkPeerings = append(s.hub.Properties.VirtualNetworkPeerings, peered(v.Name, false, false))
			}
		}},
		{"a route without prefix", "AddressPrefixStringCannotBeNullOrEmpty", "properties.routes[0].properties.addressPrefix", func(s *set) { s.table.Properties.Routes[0].Properties.AddressPrefix = "" }},
		{"a route to an appliance without address", "BadRequest", "properties.routes[0].properties.nextHopIpAddress", func(s *set) { s.table.Properties.Routes[0].Properties.NextHopIPAddress = "" }},
		{"an address on another route", "BadRequest", "properties.routes[0].properties.nextHopIpAddress", func(s *set) { s.table.Properties.Routes[0].Properties.NextHopType = "None" }},
		{"a next hop that does not exist", "BadRequest", "properties.routes[0].properties.nextHopType", func(s *set) { s.table.Properties.Routes[0].Properties.NextHopType = "ExpressRoute" }},
		{"two routes of one name", "BadRequest", "properties.routes[1].name", func(s *set) {
			r := s.table.Properties.Routes[0]
			r.Properties.AddressPrefix = "10.40.0.0/16"
			s.table.Properties.Routes = append(s.table.Properties.Routes, r)
		}},
		{"two routes of one prefix", "BadRequest", "properties.routes[1].properties.addressPrefix", func(s *set) {
			r := s.table.Properties.Routes[0]
			r.Name = "again"
			s.table.Properties.Routes = append(s.table.Properties.Routes, r)
		}},
		{"too many routes", "BadRequest", "properties.routes", func(s *set) {
			for i := range 401 {
				s.table.Properties.Routes = append(s.table.Properties.Routes, azure.Route{Name: fmt.Sprint(i), Properties: azure.RouteProperties{AddressPrefix: fmt.Sprintf("20.%d.%d.0/24", i/256, i%256), NextHopType: "None"}})
			}
		}},
		{"a tier that does not exist", "BadRequest", "sku.tier", func(s *set) { s.circuit.SKU.Tier = "Gold" }},
		{"a family that does not exist", "BadRequest", "sku.family", func(s *set) { s.circuit.SKU.Family = "Free" }},
		{"a SKU name of another SKU", "BadRequest", "sku.name", func(s *set) { s.circuit.SKU.Name = "Standard_MeteredData" }},
		{"a Local circuit with metered data", "BadRequest", "sku.family", func(s *set) { s.big.SKU = azure.SKU{Name: "Local_MeteredData", Tier: "Local", Family: "MeteredData"} }},
		{"a Local circuit that is too slow", "BadRequest", "properties.serviceProviderProperties.bandwidthInMbps", func(s *set) {
			s.circuit.SKU = azure.SKU{Name: "Local_UnlimitedData", Tier: "Local", Family: "UnlimitedData"}
		}},
		{"neither provider nor port", "ExpressRouteCircuitCreateMissingPortProvisioningProperties", "properties", func(s *set) { s.circuit.Properties.ServiceProviderProperties = nil }},
		{"provider and port", "BadRequest", "properties", func(s *set) { s.circuit.Properties.ExpressRoutePort = &azure.Ref{ID: s.port.ID} }},
		{"no provider's name", "ExpressRouteCircuitServiceProviderNameNotSpecified", "properties.serviceProviderProperties.serviceProviderName", func(s *set) { s.circuit.Properties.ServiceProviderProperties.ServiceProviderName = "" }},
		{"no peering location", "ExpressRouteCircuitServiceProviderPeeringLocationNotSpecified", "properties.serviceProviderProperties.peeringLocation", func(s *set) { s.circuit.Properties.ServiceProviderProperties.PeeringLocation = "" }},
		{"a provider that does not exist", "ExpressRouteCircuitServiceProviderDoesNotExist", "properties.serviceProviderProperties.serviceProviderName", func(s *set) { s.circuit.Properties.ServiceProviderProperties.ServiceProviderName = "Acme" }},
		{"a provider that is elsewhere", "ExpressRouteCircuitLocationDoesNotExistForServiceProvider", "properties.serviceProviderProperties.peeringLocation", func(s *set) { s.circuit.Properties.ServiceProviderProperties.PeeringLocation = "Zurich" }},
		{"a speed that is not sold", "BadRequest", "properties.serviceProviderProperties.bandwidthInMbps", func(s *set) { s.circuit.Properties.ServiceProviderProperties.BandwidthInMbps = 300 }},
		{"a Direct circuit without speed", "BadRequest", "properties.bandwidthInGbps", func(s *set) { s.big.Properties.BandwidthInGbps = nil }},
		{"a Direct circuit of another speed", "BadRequest", "properties.bandwidthInGbps", func(s *set) { v := 3.5; s.big.Properties.BandwidthInGbps = &v }},
		{"ports where there are none", "BadRequest", "properties.peeringLocation", func(s *set) { s.port.Properties.PeeringLocation = "Nowhere" }},
		{"ports of another speed", "BadRequest", "properties.bandwidthInGbps", func(s *set) { s.port.Properties.BandwidthInGbps = 40 }},
		{"an encapsulation that does not exist", "BadRequest", "properties.encapsulation", func(s *set) { s.port.Properties.Encapsulation = "GRE" }},
		{"more circuits than ports carry", "BadRequest", "properties.bandwidthInGbps", func(s *set) {
			for i := range 4 {
				x := *s.big
				x.Header = head("expressRouteCircuits", "canadacentral", fmt.Sprint("big", i))
				s.extra = append(s.extra, &x)
			}
		}},
		{"a peering that does not exist", "BadRequest", "properties.peerings[0].properties.peeringType", func(s *set) {
			s.circuit.Properties.Peerings[0].Name, s.circuit.Properties.Peerings[0].Properties.PeeringType = "AzurePublicPeering", "AzurePublicPeering"
		}},
		{"a peering of another name", "BadRequest", "properties.peerings[0].name", func(s *set) { s.circuit.Properties.Peerings[0].Name = "private" }},
		{"two peerings of one type", "BadRequest", "properties.peerings[1].properties.peeringType", func(s *set) {
			s.circuit.Properties.Peerings[1] = s.circuit.Properties.Peerings[0]
			s.circuit.Properties.Peerings[1].Properties.VLANID = 102
		}},
		{"a tag that is none", "BadRequest", "properties.peerings[0].properties.vlanId", func(s *set) { s.circuit.Properties.Peerings[0].Properties.VLANID = 4095 }},
		{"one tag for both peerings", "BadRequest", "properties.peerings[1].properties.vlanId", func(s *set) { s.circuit.Properties.Peerings[1].Properties.VLANID = 100 }},
		{"a reserved AS number", "BadRequest", "properties.peerings[0].properties.peerASN", func(s *set) { s.circuit.Properties.Peerings[0].Properties.PeerASN = 65515 }},
		{"a link subnet of another size", "BadRequest", "properties.peerings[0].properties.primaryPeerAddressPrefix", func(s *set) { s.circuit.Properties.Peerings[0].Properties.PrimaryPeerAddressPrefix = "172.16.0.0/31" }},
		{"links that share a subnet", "BadRequest", "properties.peerings[0].properties.secondaryPeerAddressPrefix", func(s *set) { s.circuit.Properties.Peerings[0].Properties.SecondaryPeerAddressPrefix = "172.16.0.0/30" }},
		{"an IPv6 link of another size", "BadRequest", "properties.peerings[0].properties.ipv6PeeringConfig.primaryPeerAddressPrefix", func(s *set) {
			s.circuit.Properties.Peerings[0].Properties.IPv6PeeringConfig.PrimaryPeerAddressPrefix = "fd00:1::/64"
		}},
		{"Microsoft peering that announces nothing", "BadRequest", "properties.peerings[1].properties.microsoftPeeringConfig.advertisedPublicPrefixes", func(s *set) { s.circuit.Properties.Peerings[1].Properties.MicrosoftPeeringConfig = nil }},
		{"Microsoft peering that announces private ranges", "BadRequest", "properties.peerings[1].properties.microsoftPeeringConfig.advertisedPublicPrefixes[0]", func(s *set) {
			s.circuit.Properties.Peerings[1].Properties.MicrosoftPeeringConfig.AdvertisedPublicPrefixes = []string{"10.0.0.0/24"}
		}},
		{"a route filter on private peering", "BadRequest", "properties.peerings[0].properties.routeFilter", func(s *set) { s.circuit.Properties.Peerings[0].Properties.RouteFilter = &azure.Ref{ID: s.filter.ID} }},
		{"two authorizations of one name", "BadRequest", "properties.authorizations[1].name", func(s *set) {
			s.circuit.Properties.Authorizations = append(s.circuit.Properties.Authorizations, azure.Authorization{Name: "AUTH"})
		}},
		{"more links than the circuit allows", "BadRequest", "properties", func(s *set) {
			s.circuit.SKU = azure.SKU{Name: "Standard_MeteredData", Tier: "Standard", Family: "MeteredData"}
			for i := range 10 {
				x := *s.link
				x.Header = head("connections", "canadacentral", fmt.Sprint("cn", i))
				s.extra = append(s.extra, &x)
			}
		}},
		{"a gateway without IP configuration", "InvalidIPConfigCount", "properties.ipConfigurations", func(s *set) { s.gateway.Properties.IPConfigurations = nil }},
		{"a gateway that does not exist", "BadRequest", "properties.gatewayType", func(s *set) { s.gateway.Properties.GatewayType = "Carrier" }},
		{"a gateway SKU that does not exist", "BadRequest", "properties.sku.name", func(s *set) { s.gateway.Properties.SKU.Name = "Huge" }},
		{"a gateway without subnet", "SubnetIsRequired", "properties.ipConfigurations[0].properties.subnet", func(s *set) { s.gateway.Properties.IPConfigurations[0].Properties.Subnet = nil }},
		{"a gateway in another subnet", "BadRequest", "properties.ipConfigurations[0].properties.subnet", func(s *set) {
			s.gateway.Properties.IPConfigurations[0].Properties.Subnet.ID = id("virtualNetworks/subnets", "hub", "shared")
		}},
		{"a gateway in a subnet that is not there", "InvalidResourceReference", "properties.ipConfigurations[0].properties.subnet", func(s *set) { s.hub.Properties.Subnets = s.hub.Properties.Subnets[1:] }},
		{"a gateway in another region", "BadRequest", "location", func(s *set) { s.gateway.Location = "canadaeast" }},
		{"a VPN gateway without public address", "PublicIpForGatewayIsRequired", "properties.ipConfigurations[0].properties.publicIPAddress", func(s *set) { s.gateway.Properties.GatewayType = "Vpn" }},
		{"two gateways of one type", "BadRequest", "properties.ipConfigurations[0].properties.subnet", func(s *set) {
			x := *s.gateway
			x.Header = head("virtualNetworkGateways", "canadacentral", "zz")
			s.extra = append(s.extra, &x)
		}},
		{"more circuits than the gateway takes", "BadRequest", "properties.sku.name", func(s *set) {
			for i := range 4 {
				x := *s.link
				x.Header = head("connections", "canadacentral", fmt.Sprint("cn", i))
				s.extra = append(s.extra, &x)
			}
		}},
		{"a connection without gateway", "MissingJsonReferenceId", "properties.virtualNetworkGateway1", func(s *set) { s.link.Properties.VirtualNetworkGateway1 = nil }},
		{"a connection without circuit", "MissingJsonReferenceId", "properties.peer", func(s *set) { s.link.Properties.Peer = nil }},
		{"a connection to a circuit that is not there", "InvalidResourceReference", "properties.peer", func(s *set) { s.link.Properties.Peer.ID = id("expressRouteCircuits", "gone") }},
		{"a weight that is too high", "BadRequest", "properties.routingWeight", func(s *set) { s.link.Properties.RoutingWeight = 32001 }},
		{"a connection in another region", "BadRequest", "location", func(s *set) { s.link.Location = "canadaeast" }},
		{"a foreign circuit without authorization", "LinkedAuthorizationFailed", "properties.authorizationKey", func(s *set) {
			s.link.Properties.Peer.ID = azure.NewID("other", "rg", net+"expressRouteCircuits", "theirs")
		}},
		{"two connections of one pair", "BadRequest", "properties.peer", func(s *set) {
			x := *s.link
			x.Header = head("connections", "canadacentral", "zz")
			s.extra = append(s.extra, &x)
		}},
		{"two rules in a route filter", "BadRequest", "properties.rules", func(s *set) {
			s.filter.Properties.Rules = append(s.filter.Properties.Rules, s.filter.Properties.Rules[0])
		}},
		{"a route filter that denies", "BadRequest", "properties.rules[0].properties.access", func(s *set) { s.filter.Properties.Rules[0].Properties.Access = "Deny" }},
		{"a route filter of another kind", "BadRequest", "properties.rules[0].properties.routeFilterRuleType", func(s *set) { s.filter.Properties.Rules[0].Properties.RouteFilterRuleType = "Prefix" }},
		{"a community of nobody's", "BadRequest", "properties.rules[0].properties.communities[0]", func(s *set) { s.filter.Properties.Rules[0].Properties.Communities[0] = "65000:1" }},
		{"a firewall without IP configuration", "InvalidIPConfigCount", "properties.ipConfigurations", func(s *set) { s.firewall.Properties.IPConfigurations = nil }},
		{"a firewall in another subnet", "BadRequest", "properties.ipConfigurations[0].properties.subnet", func(s *set) {
			s.firewall.Properties.IPConfigurations[0].Properties.Subnet.ID = id("virtualNetworks/subnets", "hub", "shared")
		}},
		{"a firewall subnet that is too small", "BadRequest", "properties.ipConfigurations[0].properties.subnet", func(s *set) { s.hub.Properties.Subnets[1].Properties.AddressPrefix = "10.30.3.128/27" }},
		{"a firewall without public address", "BadRequest", "properties.ipConfigurations[0].properties.publicIPAddress", func(s *set) { s.firewall.Properties.IPConfigurations[0].Properties.PublicIPAddress = nil }},
		{"an address outside the subnet", "PrivateIPAddressNotInSubnet", "properties.ipConfigurations[0].properties.privateIPAddress", func(s *set) { s.firewall.Properties.IPConfigurations[0].Properties.PrivateIPAddress = "10.30.0.4" }},
		{"an address that Azure keeps", "PrivateIPAddressInReservedRange", "properties.ipConfigurations[0].properties.privateIPAddress", func(s *set) { s.firewall.Properties.IPConfigurations[0].Properties.PrivateIPAddress = "10.30.3.129" }},
		{"a policy that is not there", "InvalidResourceReference", "properties.firewallPolicy", func(s *set) { s.firewall.Properties.FirewallPolicy.ID = id("firewallPolicies", "gone") }},
		{"a rule group without its policy", "ParentResourceNotFound", "id", func(s *set) { s.group.ID = id("firewallPolicies/ruleCollectionGroups", "gone", "rcg") }},
		{"a role that is none", "RoleDefinitionDoesNotExist", "properties.roleDefinitionId", func(s *set) {
			s.extra = append(s.extra, &azure.RoleAssignment{Header: azure.Header{ID: s.hub.ID + "/providers/Microsoft.Authorization/roleAssignments/a", Name: "a", Type: "Microsoft.Authorization/roleAssignments"}})
		}},
	} {
		t.Run(x.name, func(t *testing.T) {
			s := sound()
			x.spoil(s)
			found := azure.Validate(s.resources(), c)
			for _, p := range found {
				if p.Message == "" || p.Fix == "" || p.Source == "" {
					t.Errorf("it says too little: %+v", p)
				}
			}
			for _, p := range found {
				if p.Code == x.code && p.At == x.at {
					return
				}
			}
			var got []string
			for _, p := range found {
				got = append(got, p.Code+" at "+p.At)
			}
			t.Errorf("no %s at %s; found %s", x.code, x.at, strings.Join(got, "; "))
		})
	}
}
