package azure_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
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

func privatePeering(primary, secondary string, vlan int) azure.Peering {
	return azure.Peering{Name: "AzurePrivatePeering", Properties: azure.PeeringProperties{PeeringType: "AzurePrivatePeering", PeerASN: 65010, PrimaryPeerAddressPrefix: primary, SecondaryPeerAddressPrefix: secondary, VLANID: vlan}}
}

// circuits adds circuits of a peering location, each linked to the gateway.
func circuits(s *set, n int, location string) {
	for i := range n {
		name := fmt.Sprint(strings.ReplaceAll(location, " ", ""), i)
		x := &azure.ExpressRouteCircuit{Header: head("expressRouteCircuits", "canadacentral", name), SKU: s.circuit.SKU}
		x.Properties.ServiceProviderProperties = &azure.ServiceProviderProperties{ServiceProviderName: "Bell Canada", PeeringLocation: location, BandwidthInMbps: 1000}
		x.Properties.Peerings = []azure.Peering{privatePeering("172.17.0.0/30", "172.17.0.4/30", 100)}
		l := *s.link
		l.Header = head("connections", "canadacentral", "to-"+name)
		l.Properties.Peer = &azure.Ref{ID: x.ID}
		s.extra = append(s.extra, x, &l)
	}
}

const reachAt = "properties.peerings[0].properties.connections[0].properties"

// joined adds a second circuit and joins the first one with it by Global Reach.
func joined(s *set) *azure.CircuitConnectionProperties {
	x := &azure.ExpressRouteCircuit{Header: head("expressRouteCircuits", "canadacentral", "er2"), SKU: s.circuit.SKU}
	x.Properties.ServiceProviderProperties = &azure.ServiceProviderProperties{ServiceProviderName: "Bell Canada", PeeringLocation: "Toronto", BandwidthInMbps: 1000}
	x.Properties.Peerings = []azure.Peering{privatePeering("172.17.0.0/30", "172.17.0.4/30", 100)}
	s.extra = append(s.extra, x)
	s.circuit.Properties.Peerings[0].Properties.Connections = []azure.CircuitConnection{{Name: "to-er2", Properties: azure.CircuitConnectionProperties{AddressPrefix: "172.20.0.0/29",
		ExpressRouteCircuitPeering:     &azure.Ref{ID: id("expressRouteCircuits/peerings", "er", "AzurePrivatePeering")},
		PeerExpressRouteCircuitPeering: &azure.Ref{ID: id("expressRouteCircuits/peerings", "er2", "AzurePrivatePeering")}}}}
	return &s.circuit.Properties.Peerings[0].Properties.Connections[0].Properties
}

// second is the circuit that joined added.
func second(s *set) *azure.ExpressRouteCircuit { return s.extra[0].(*azure.ExpressRouteCircuit) }

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

func TestAzureTakesWhatOnlyLooksWrong(t *testing.T) {
	c := open(t)
	for _, x := range []struct {
		name   string
		change func(s *set)
	}{
		{"a subnet's range in both properties", func(s *set) { s.spoke.Properties.Subnets[0].Properties.AddressPrefixes = []string{"10.20.0.0/24"} }},
		{"references in another case", func(s *set) {
			s.link.Properties.Peer.ID = azure.ID(strings.ToUpper(string(s.circuit.ID)))
			s.firewall.Properties.IPConfigurations[0].Properties.Subnet.ID = azure.ID(strings.ToLower(string(id("virtualNetworks/subnets", "hub", "AzureFirewallSubnet"))))
		}},
		{"a Route Server as the remote gateway", func(s *set) {
			s.hub.Properties.Subnets = append(s.hub.Properties.Subnets, subnet("hub", "RouteServerSubnet", "10.30.2.0/27"))
			s.gateway.Properties.IPConfigurations[0].Properties.Subnet.ID = id("virtualNetworks/subnets", "other", "GatewaySubnet")
			o := &azure.VirtualNetwork{Header: head("virtualNetworks", "canadacentral", "other")}
			o.Properties.AddressSpace.AddressPrefixes = []string{"10.60.0.0/24"}
			o.Properties.Subnets = []azure.Subnet{subnet("other", "GatewaySubnet", "10.60.0.0/27")}
			cfg := &azure.Unknown{Header: head("virtualHubs/ipConfigurations", "", "rs", "default")}
			cfg.Extra = azure.Extra{"properties": json.RawMessage(fmt.Sprintf(`{"subnet":{"id":%q}}`, id("virtualNetworks/subnets", "hub", "RouteServerSubnet")))}
			s.extra = append(s.extra, o, &azure.VirtualHub{Header: head("virtualHubs", "canadacentral", "rs"), Kind: "RouteServer"}, cfg)
		}},
		{"a firewall in a virtual hub", func(s *set) {
			s.firewall.Properties.SKU.Name, s.firewall.Properties.IPConfigurations = "AZFW_Hub", nil
		}},
		{"a type that is not known, without location", func(s *set) {
			s.extra = append(s.extra, &azure.Unknown{Header: azure.Header{ID: "/subscriptions/sub/resourceGroups/rg/providers/Microsoft.Web/sites/n", Name: "n", Type: "Microsoft.Web/sites"}})
		}},
		{"a service tag as a route's destination", func(s *set) {
			s.table.Properties.Routes = append(s.table.Properties.Routes, azure.Route{Name: "tag", Properties: azure.RouteProperties{AddressPrefix: "AzureBackup", NextHopType: "Internet"}})
		}},
		{"circuits joined by Global Reach", func(s *set) { joined(s) }},
		{"somebody else's circuit with its key", func(s *set) {
			s.link.Properties.Peer.ID = azure.NewID("other", "rg", net+"expressRouteCircuits", "theirs")
			s.link.Properties.AuthorizationKey = "key"
		}},
		{"somebody else's circuit on the far end of Global Reach", func(s *set) {
			p := joined(s)
			p.PeerExpressRouteCircuitPeering.ID, p.AuthorizationKey = azure.NewID("other", "rg", net+"expressRouteCircuits/peerings", "theirs", "AzurePrivatePeering"), "key"
		}},
		{"an MD5 key of letters and digits", func(s *set) { s.circuit.Properties.Peerings[0].Properties.SharedKey = "aZ09" + strings.Repeat("k", 21) }},
		{"one tag twice on ports with two tags", func(s *set) {
			s.port.Properties.Encapsulation = "QinQ"
			s.big.Properties.Peerings = []azure.Peering{privatePeering("172.16.9.0/30", "172.16.9.4/30", 300)}
			x := *s.big
			x.Header = head("expressRouteCircuits", "canadacentral", "more")
			s.extra = append(s.extra, &x)
		}},
		{"eight circuits on a gateway of ten scale units", func(s *set) {
			s.gateway.Properties.SKU = azure.SKU{Name: "ErGwScale", Tier: "ErGwScale"}
			s.gateway.Properties.Extra = azure.Extra{"autoScaleConfiguration": json.RawMessage(`{"bounds":{"min":2,"max":10}}`)}
			circuits(s, 4, "Toronto")
			circuits(s, 3, "Quebec City")
		}},
		{"FastPath on a large gateway", func(s *set) {
			s.gateway.Properties.SKU.Name, s.link.Properties.ExpressRouteGatewayBypass = "ErGw3AZ", true
		}},
		{"a network in its resource group", func(s *set) {
			s.extra = append(s.extra, &azure.ResourceGroup{Header: azure.Header{ID: "/subscriptions/SUB/resourcegroups/RG", Name: "RG", Type: "Microsoft.Resources/resourceGroups", Location: "canadacentral"}})
		}},
	} {
		t.Run(x.name, func(t *testing.T) {
			s := sound()
			x.change(s)
			for _, p := range azure.Validate(s.resources(), c) {
				t.Errorf("it refuses: %+v", p)
			}
		})
	}
}

func TestProblemsComeInTheOrderOfTheResources(t *testing.T) {
	c := open(t)
	s := sound()
	s.table.Location, s.hub.Location, s.link.Properties.RoutingWeight, s.circuit.SKU.Tier = "", "", -1, "Gold"
	s.circuit.Properties.Peerings[0].Properties.VLANID, s.circuit.Properties.Peerings[0].Properties.PeerASN = 0, 0
	rs := s.resources()
	place := map[string]int{}
	for i, r := range rs {
		place[r.Head().ID.Key()] = i
	}
	first := azure.Validate(rs, c)
	for i := range first[1:] {
		a, b := first[i], first[i+1]
		if o := cmp.Or(place[a.Resource.Key()]-place[b.Resource.Key()], strings.Compare(a.At, b.At), strings.Compare(a.Code, b.Code)); o > 0 {
			t.Errorf("%s %s stands before %s %s", a.Resource.Name(), a.At, b.Resource.Name(), b.At)
		}
	}
	for range 20 {
		if again := azure.Validate(rs, c); !slices.Equal(first, again) {
			t.Fatalf("another time it is %+v", again)
		}
	}
}

func TestAProblemNamesTheRuleBehindIt(t *testing.T) {
	c := open(t)
	s := sound()
	s.circuit.Properties.Peerings[0].Properties.SharedKey = "not letters"
	rule, ok := c.Rule("peering-md5-format")
	found := azure.Validate(s.resources(), c)
	if !ok || len(found) != 1 || found[0].Source != rule.SourceFile {
		t.Fatalf("got %+v; want the source %s", found, rule.SourceFile)
	}
	if strings.Contains(fmt.Sprint(found), "not letters") {
		t.Error("it prints the key")
	}
}

func TestAzureRefuses(t *testing.T) {
	c := open(t)
	codes := map[string]bool{}
	for _, e := range c.ARMErrors() {
		codes[e.Code] = true
	}
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
		{"a firewall in GatewaySubnet", "GatewaySubnet", "properties.ipConfigurations[0].properties.subnet", func(s *set) {
			s.firewall.Properties.IPConfigurations[0].Properties.Subnet.ID = id("virtualNetworks/subnets", "hub", "GatewaySubnet")
		}},
		{"a firewall in another region", "BadRequest", "location", func(s *set) { s.firewall.Location = "canadaeast" }},
		{"the last address of a subnet", "PrivateIPAddressInReservedRange", "properties.ipConfigurations[0].properties.privateIPAddress", func(s *set) { s.firewall.Properties.IPConfigurations[0].Properties.PrivateIPAddress = "10.30.3.191" }},
		{"a policy whose base is not there", "InvalidResourceReference", "properties.basePolicy", func(s *set) { s.policy.Properties.BasePolicy = &azure.Ref{ID: id("firewallPolicies", "gone")} }},
		{"a firewall's address that is not there", "InvalidResourceReference", "properties.ipConfigurations[0].properties.publicIPAddress", func(s *set) {
			s.firewall.Properties.IPConfigurations[0].Properties.PublicIPAddress.ID = id("publicIPAddresses", "gone")
		}},
		{"a peering with a network that is not there", "InvalidResourceReference", "properties.virtualNetworkPeerings[0].properties.remoteVirtualNetwork", func(s *set) {
			s.spoke.Properties.VirtualNetworkPeerings[0].Properties.RemoteVirtualNetwork.ID = id("virtualNetworks", "gone")
		}},
		{"a network without its resource group", "ResourceGroupNotFound", "id", func(s *set) {
			g := azure.ID("/subscriptions/sub/resourceGroups/other")
			s.extra = append(s.extra, &azure.ResourceGroup{Header: azure.Header{ID: g, Name: "other", Type: "Microsoft.Resources/resourceGroups", Location: "canadacentral"}})
		}},
		{"a resource with the id of its group", "MismatchingResourceSegments", "type", func(s *set) { s.ip.ID = "/subscriptions/sub/resourceGroups/rg" }},
		{"a subnet of its own without a network", "ParentResourceNotFound", "id", func(s *set) {
			s.extra = append(s.extra, &azure.Unknown{Header: head("virtualNetworks/subnets", "", "gone", "app")})
		}},
		{"no propagation on GatewaySubnet", "BadRequest", "properties.subnets[0].properties.routeTable", func(s *set) { s.table.Properties.DisableBGPRoutePropagation = true }},
		{"a default route on GatewaySubnet", "BadRequest", "properties.subnets[0].properties.routeTable", func(s *set) { s.table.Properties.Routes[0].Properties.AddressPrefix = "0.0.0.0/0" }},
		{"two spokes that overlap", "VnetAddressSpaceOverlapsWithAlreadyPeeredVnet", "properties.virtualNetworkPeerings[1].properties.remoteVirtualNetwork", func(s *set) {
			v := &azure.VirtualNetwork{Header: head("virtualNetworks", "canadacentral", "late")}
			v.Properties.AddressSpace.AddressPrefixes = []string{"10.20.8.0/24"}
			s.extra = append(s.extra, v)
			s.hub.Properties.VirtualNetworkPeerings = append(s.hub.Properties.VirtualNetworkPeerings, peered("late", false, false))
		}},
		{"two remote gateways", "BadRequest", "properties.virtualNetworkPeerings", func(s *set) {
			v := &azure.VirtualNetwork{Header: head("virtualNetworks", "canadacentral", "second")}
			v.Properties.AddressSpace.AddressPrefixes = []string{"10.50.0.0/24"}
			s.extra = append(s.extra, v)
			s.spoke.Properties.VirtualNetworkPeerings = append(s.spoke.Properties.VirtualNetworkPeerings, peered("second", true, false))
		}},
		{"a peering location that does not exist", "ExpressRouteCircuitLocationDoesNotExistForServiceProvider", "properties.serviceProviderProperties.peeringLocation", func(s *set) { s.circuit.Properties.ServiceProviderProperties.PeeringLocation = "Nowhere" }},
		{"a port that is not there", "InvalidResourceReference", "properties.expressRoutePort", func(s *set) { s.big.Properties.ExpressRoutePort.ID = id("expressRoutePorts", "gone") }},
		{"a circuit in another region than its ports", "BadRequest", "location", func(s *set) { s.big.Location = "canadaeast" }},
		{"a circuit in another subscription than its ports", "BadRequest", "properties.expressRoutePort", func(s *set) {
			s.big.ID = azure.NewID("other", "rg", net+"expressRouteCircuits", "big")
		}},
		{"one tag twice on ports with one tag", "BadRequest", "properties.peerings[0].properties.vlanId", func(s *set) {
			s.big.Properties.Peerings = []azure.Peering{privatePeering("172.16.9.0/30", "172.16.9.4/30", 300)}
			x := *s.big
			x.Header = head("expressRouteCircuits", "canadacentral", "more")
			x.Properties.Peerings = []azure.Peering{privatePeering("172.16.8.0/30", "172.16.8.4/30", 300)}
			s.extra = append(s.extra, &x)
		}},
		{"a key that is too long", "BadRequest", "properties.peerings[0].properties.sharedKey", func(s *set) { s.circuit.Properties.Peerings[0].Properties.SharedKey = strings.Repeat("k", 26) }},
		{"a key with other signs", "BadRequest", "properties.peerings[0].properties.sharedKey", func(s *set) { s.circuit.Properties.Peerings[0].Properties.SharedKey = "secret!" }},
		{"peerings that share a link subnet", "BadRequest", "properties.peerings[1].properties.primaryPeerAddressPrefix", func(s *set) {
			s.circuit.Properties.Peerings[1].Properties.PrimaryPeerAddressPrefix = "172.16.0.4/30"
		}},
		{"private links of Microsoft peering", "BadRequest", "properties.peerings[1].properties.secondaryPeerAddressPrefix", func(s *set) {
			s.circuit.Properties.Peerings[1].Properties.SecondaryPeerAddressPrefix = "10.9.0.0/30"
		}},
		{"a route filter that is not there", "InvalidResourceReference", "properties.peerings[1].properties.routeFilter", func(s *set) { s.circuit.Properties.Peerings[1].Properties.RouteFilter.ID = id("routeFilters", "gone") }},
		{"Global Reach with another range", "BadRequest", reachAt + ".addressPrefix", func(s *set) { joined(s).AddressPrefix = "172.20.0.0/30" }},
		{"Global Reach to nobody", "MissingJsonReferenceId", reachAt + ".peerExpressRouteCircuitPeering", func(s *set) { joined(s).PeerExpressRouteCircuitPeering = nil }},
		{"Global Reach to what is no id", "InvalidJsonReferenceFormat", reachAt + ".peerExpressRouteCircuitPeering", func(s *set) { joined(s).PeerExpressRouteCircuitPeering.ID = "er2" }},
		{"Global Reach to a circuit", "InvalidJsonReferenceWrongType", reachAt + ".peerExpressRouteCircuitPeering", func(s *set) { joined(s).PeerExpressRouteCircuitPeering.ID = id("expressRouteCircuits", "er2") }},
		{"Global Reach to a peering that is not there", "InvalidResourceReference", reachAt + ".peerExpressRouteCircuitPeering", func(s *set) {
			joined(s).PeerExpressRouteCircuitPeering.ID = id("expressRouteCircuits/peerings", "er2", "MicrosoftPeering")
		}},
		{"Global Reach to a stranger", "LinkedAuthorizationFailed", reachAt + ".authorizationKey", func(s *set) {
			joined(s).PeerExpressRouteCircuitPeering.ID = azure.NewID("other", "rg", net+"expressRouteCircuits/peerings", "er2", "AzurePrivatePeering")
		}},
		{"Global Reach from another's peering", "BadRequest", reachAt + ".expressRouteCircuitPeering", func(s *set) {
			joined(s).ExpressRouteCircuitPeering.ID = id("expressRouteCircuits/peerings", "er2", "AzurePrivatePeering")
		}},
		{"Global Reach at one location", "BadRequest", reachAt + ".peerExpressRouteCircuitPeering", func(s *set) {
			joined(s)
			second(s).Properties.ServiceProviderProperties.PeeringLocation = "Montreal"
		}},
		{"Global Reach to a Local circuit", "BadRequest", reachAt + ".peerExpressRouteCircuitPeering", func(s *set) {
			joined(s)
			second(s).SKU = azure.SKU{Name: "Local_UnlimitedData", Tier: "Local", Family: "UnlimitedData"}
		}},
		{"Global Reach of a Local circuit", "BadRequest", "properties.peerings[0].properties.connections", func(s *set) {
			joined(s)
			s.circuit.SKU = azure.SKU{Name: "Local_UnlimitedData", Tier: "Local", Family: "UnlimitedData"}
		}},
		{"Global Reach on Microsoft peering", "BadRequest", "properties.peerings[1].properties.connections", func(s *set) {
			joined(s)
			p := s.circuit.Properties.Peerings
			p[0].Properties.Connections, p[1].Properties.Connections = nil, p[0].Properties.Connections
		}},
		{"more links than the circuit allows, with Global Reach", "BadRequest", "properties", func(s *set) {
			joined(s)
			s.circuit.SKU = azure.SKU{Name: "Standard_MeteredData", Tier: "Standard", Family: "MeteredData"}
			for i := range 9 {
				x := *s.link
				x.Header = head("connections", "canadacentral", fmt.Sprint("cn", i))
				s.extra = append(s.extra, &x)
			}
		}},
		{"a gateway's address that is not there", "InvalidResourceReference", "properties.ipConfigurations[0].properties.publicIPAddress", func(s *set) {
			s.gateway.Properties.IPConfigurations[0].Properties.PublicIPAddress = &azure.Ref{ID: id("publicIPAddresses", "gone")}
		}},
		{"a VPN gateway with a basic address", "PublicIpWithBasicSkuNotAllowedOnVPNGateways", "properties.ipConfigurations[0].properties.publicIPAddress", func(s *set) {
			s.gateway.Properties.GatewayType, s.ip.SKU.Name = "Vpn", "Basic"
			s.gateway.Properties.IPConfigurations[0].Properties.PublicIPAddress = &azure.Ref{ID: s.ip.ID}
		}},
		{"a VPN gateway over zones without an address over zones", "VmssVpnGatewayPublicIpsMustHaveZonesConfigured", "properties.ipConfigurations[0].properties.publicIPAddress", func(s *set) {
			s.gateway.Properties.GatewayType, s.gateway.Properties.SKU.Name = "Vpn", "VpnGw1AZ"
			s.gateway.Properties.IPConfigurations[0].Properties.PublicIPAddress = &azure.Ref{ID: s.ip.ID}
		}},
		{"too many circuits of one location", "BadRequest", "properties", func(s *set) {
			s.gateway.Properties.SKU.Name = "ErGw3AZ"
			circuits(s, 4, "Montreal")
		}},
		{"more circuits than the gateway's scale units take", "BadRequest", "properties.sku.name", func(s *set) {
			s.gateway.Properties.SKU = azure.SKU{Name: "ErGwScale", Tier: "ErGwScale", Capacity: 2}
			circuits(s, 4, "Toronto")
			circuits(s, 4, "Quebec City")
		}},
		{"a circuit on a VPN gateway", "BadRequest", "properties.virtualNetworkGateway1", func(s *set) { s.gateway.Properties.GatewayType = "Vpn" }},
		{"FastPath on a small gateway", "BadRequest", "properties.expressRouteGatewayBypass", func(s *set) { s.link.Properties.ExpressRouteGatewayBypass = true }},
		{"a connection whose gateway is not there", "InvalidResourceReference", "properties.virtualNetworkGateway1", func(s *set) {
			s.link.Properties.VirtualNetworkGateway1 = &azure.Ref{ID: id("virtualNetworkGateways", "gone")}
		}},
		{"a weight below zero", "BadRequest", "properties.routingWeight", func(s *set) { s.link.Properties.RoutingWeight = -1 }},
		{"a role that is none", "RoleDefinitionDoesNotExist", "properties.roleDefinitionId", func(s *set) {
			s.extra = append(s.extra, &azure.RoleAssignment{Header: azure.Header{ID: s.hub.ID + "/providers/Microsoft.Authorization/roleAssignments/a", Name: "a", Type: "Microsoft.Authorization/roleAssignments"}})
		}},
	} {
		t.Run(x.name, func(t *testing.T) {
			s := sound()
			x.spoil(s)
			found := azure.Validate(s.resources(), c)
			for _, p := range found {
				if !codes[p.Code] {
					t.Errorf("%s is no code of Azure's", p.Code)
				}
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
