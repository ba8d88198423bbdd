package check_test

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"onramp/azure"
	"onramp/bgp"
	"onramp/catalog"
	"onramp/design"
)

// networkCases are the breaches of the rules of routing, gateways, Global Reach, FastPath, resiliency, VPN and IPv6.
func networkCases(c *catalog.Catalog, t testing.TB) []breach {
	b := bases{c, t}
	return slices.Concat(routeCases(b), policyCases(b), gatewayCases(b), reachCases(b), fastPathCases(b), resiliencyCases(b), vpnCases(b))
}

// bases are the sound designs that the cases break.
type bases struct {
	c *catalog.Catalog
	t testing.TB
}

// northwind is a hub with spokes on two circuits of two locations; contoso two networks with gateways of their own on two
// circuits of one site.
func (b bases) northwind() *design.Design { return made(b.t, b.c, "northwind", design.SharedHubSpoke) }
func (b bases) contoso() *design.Design   { return made(b.t, b.c, "contoso-shared", design.Shared) }

// office is contoso with Microsoft 365 for orders.
func (b bases) office() *design.Design {
	return made(b.t, b.c, "contoso-shared", design.Shared, "      prefixes: [10.10.0.0/16]", "      prefixes: [10.10.0.0/16]\n      publicPrefixes: [203.0.113.0/28]",
		"      bandwidth: 150 Mbps", "      bandwidth: 150 Mbps\n      services: [azure, microsoft365]", "traffic:", "pools: {microsoftTransit: [198.51.100.0/24]}\ntraffic:")
}

// vpn is contoso with a VPN gateway beside the one of orders, and a circuit less.
func (b bases) vpn() *design.Design {
	d := b.contoso()
	addVPN(d)
	return d
}

// provider is contoso over a provider's IP VPN.
func (b bases) provider() *design.Design {
	return made(b.t, b.c, "contoso-shared", design.Shared, "{provider: Equinix, model: cloud-exchange, bandwidth: 1 Gbps, location: Amsterdam, monthlyUSD: 500}", "{provider: BT, model: ip-vpn, bandwidth: 1 Gbps, location: Amsterdam, providerAsn: 5400}",
		"        - {provider: Colt, model: ethernet, bandwidth: 1 Gbps, location: Dublin, monthlyUSD: 900}\n", "", "[link, router, gateway, circuit, location]", "[link, router, gateway]")
}

// reach is contoso with its two circuits joined by Global Reach.
func (b bases) reach() *design.Design {
	d := b.contoso()
	join(d, 0, 1, "192.0.2.0/29")
	return d
}

// fast is contoso with FastPath for orders over its first circuit.
func (b bases) fast() *design.Design {
	d := b.contoso()
	gateways(d)[0].Properties.SKU.Name = "ErGw3AZ"
	links(d)[0].Properties.ExpressRouteGatewayBypass = true
	return d
}

// fastHub is northwind with FastPath over its first circuit.
func (b bases) fastHub() *design.Design {
	d := b.northwind()
	gateways(d)[0].Properties.SKU.Name = "ErGw3AZ"
	links(d)[0].Properties.ExpressRouteGatewayBypass = true
	return d
}

// join adds a Global Reach connection from one circuit to another.
func join(d *design.Design, from, to int, prefix string) {
	p := &circuits(d)[from].Properties.Peerings[0]
	x := azure.CircuitConnection{Name: fmt.Sprintf("to-%d", to)}
	x.Properties.ExpressRouteCircuitPeering = &azure.Ref{ID: circuits(d)[from].ID + "/peerings/AzurePrivatePeering"}
	x.Properties.PeerExpressRouteCircuitPeering = &azure.Ref{ID: circuits(d)[to].ID + "/peerings/AzurePrivatePeering"}
	x.Properties.AddressPrefix = prefix
	p.Properties.Connections = append(p.Properties.Connections, x)
}

// addVPN puts a VPN gateway into the first gateway's subnet.
func addVPN(d *design.Design) *azure.VirtualNetworkGateway {
	first := gateways(d)[0]
	g := *first
	g.ID, g.Name = first.ID.Parent()+"/providers/Microsoft.Network/virtualNetworkGateways/vpngw", "vpngw"
	g.Properties.GatewayType, g.Properties.VPNType, g.Properties.SKU.Name = "Vpn", "RouteBased", "VpnGw2AZ"
	d.Resources = append(d.Resources, &g)
	return &g
}

// addTunnel adds an IPsec connection of a VPN gateway with a far end.
func addTunnel(d *design.Design, g *azure.VirtualNetworkGateway, private bool, prefix string) {
	far := other(d, "Microsoft.Network/localNetworkGateways", "branch", `{"localNetworkAddressSpace":{"addressPrefixes":["`+prefix+`"]}}`)
	x := &azure.VirtualNetworkGatewayConnection{Header: azure.Header{ID: "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/connections/tunnel", Name: "tunnel", Type: "Microsoft.Network/connections"}}
	x.Properties.ConnectionType = "ipsec"
	x.Properties.VirtualNetworkGateway1 = &azure.Ref{ID: g.ID}
	x.Properties.Extra = azure.Extra{"localNetworkGateway2": json.RawMessage(`{"id":"` + string(far.ID) + `"}`), "useLocalAzureIpAddress": json.RawMessage(fmt.Sprint(private))}
	d.Resources = append(d.Resources, x)
}

// other adds a resource that package azure does not model.
func other(d *design.Design, typ, name, properties string) *azure.Unknown {
	parts, id := strings.Split(strings.TrimPrefix(typ, "Microsoft."), "/"), "/subscriptions/s/resourceGroups/g/providers/Microsoft."
	id += parts[0]
	names := strings.Split(name, "/")
	for i, p := range parts[1:] {
		id += "/" + p + "/" + names[i]
	}
	u := &azure.Unknown{Header: azure.Header{ID: azure.ID(id), Name: names[len(names)-1], Type: typ, Extra: azure.Extra{"properties": json.RawMessage(properties)}}}
	d.Resources = append(d.Resources, u)
	return u
}

// interfaces adds a network interface with many addresses in a subnet.
func interfaces(d *design.Design, subnet azure.ID, n int) {
	one := `{"name":"c","properties":{"subnet":{"id":"` + string(subnet) + `"}}}`
	other(d, "Microsoft.Network/networkInterfaces", "nic", `{"ipConfigurations":[`+strings.TrimSuffix(strings.Repeat(one+",", n), ",")+`]}`)
}

// announce adds prefixes to what a circuit's sessions let out.
func announce(d *design.Design, circuit int, list ...netip.Prefix) {
	for _, s := range sessionsOn(d, circuit) {
		for _, p := range list {
			s.Export.Terms[0].Match.Prefixes = append(s.Export.Terms[0].Match.Prefixes, bgp.PrefixRule{Prefix: p})
		}
	}
}

// sessionsOn are the sessions of the premises with a circuit, the primary first.
func sessionsOn(d *design.Design, circuit int) []*design.Session {
	var out []*design.Session
	add := func(list []design.Router) {
		for i := range list {
			for j := range list[i].Sessions {
				if s := &list[i].Sessions[j]; s.Circuit.Equal(circuits(d)[circuit].ID) && s.Peering == "AzurePrivatePeering" {
					out = append(out, s)
				}
			}
		}
	}
	for i := range d.Premises.Sites {
		add(d.Premises.Sites[i].Routers)
	}
	add(d.Premises.ProviderEdges)
	slices.SortFunc(out, func(a, b *design.Session) int { return strings.Compare(a.Connection, b.Connection) })
	return out
}

// six gives a circuit's private peering IPv6.
func six(d *design.Design, circuit int) {
	circuits(d)[circuit].Properties.Peerings[0].Properties.IPv6PeeringConfig = &azure.IPv6PeeringConfig{PrimaryPeerAddressPrefix: "2001:db8::/126", SecondaryPeerAddressPrefix: "2001:db8::4/126"}
}

// drop takes a circuit out of a design, with its links.
func drop(d *design.Design, circuit int) {
	id := circuits(d)[circuit].ID
	d.Resources = slices.DeleteFunc(d.Resources, func(r azure.Resource) bool {
		x, ok := r.(*azure.VirtualNetworkGatewayConnection)
		return r.Head().ID.Equal(id) || ok && x.Properties.Peer != nil && x.Properties.Peer.ID.Equal(id)
	})
	for i := range d.Premises.Sites {
		for j := range d.Premises.Sites[i].Routers {
			r := &d.Premises.Sites[i].Routers[j]
			r.Sessions = slices.DeleteFunc(r.Sessions, func(s design.Session) bool { return s.Circuit.Equal(id) })
		}
	}
}

// prepend lengthens what a circuit's sessions announce.
func prepend(d *design.Design, circuit, times int) {
	for _, s := range sessionsOn(d, circuit) {
		s.Export.Terms[0].Set.PrependAS, s.Export.Terms[0].Set.PrependTimes = 65020, times
	}
}

func setWeights(d *design.Design, weight int) {
	for _, x := range links(d) {
		x.Properties.RoutingWeight = weight
	}
}

func routeCases(b bases) []breach {
	return []breach{
		{rule: "route-private-limit-v4", base: b.contoso, spoil: func(d *design.Design) {
			for i := range 10001 {
				announce(d, 0, nthPrefix(i))
			}
		}},
		{rule: "route-private-limit-v6", base: b.contoso, spoil: func(d *design.Design) {
			s := *session(d)
			s.Name += "/ipv6"
			s.LocalAddress, s.PeerAddress = netip.MustParsePrefix("2001:db8::1/126"), netip.MustParseAddr("2001:db8::2")
			s.Export = &bgp.Policy{Name: "six", Default: bgp.Reject, Terms: []bgp.Term{{Name: "sites", Action: bgp.Accept}}}
			for i := range 101 {
				s.Export.Terms[0].Match.Prefixes = append(s.Export.Terms[0].Match.Prefixes, bgp.PrefixRule{Prefix: netip.MustParsePrefix(fmt.Sprintf("2001:db8:%x::/48", i+1))})
			}
			r := &d.Premises.Sites[0].Routers[0]
			r.Sessions = append(r.Sessions, s)
		}},
		{rule: "route-azure-advertised-limit", base: b.northwind, spoil: func(d *design.Design) { widen(vnet(d, "vnet-crm"), 1001) }},
		{rule: "route-azure-summarise", base: b.northwind, spoil: func(d *design.Design) { widen(vnet(d, "vnet-crm"), 600) }},
		{rule: "route-gateway-total", base: b.contoso, spoil: func(d *design.Design) {
			for i := range 9000 {
				announce(d, 0, nthPrefix(i))
				if i < 3000 {
					announce(d, 1, netip.PrefixFrom(netip.AddrFrom4([4]byte{21, byte(i / 256), byte(i % 256), 0}), 24))
				}
			}
		}},
		{rule: "route-gateway-learned", base: b.contoso, spoil: func(d *design.Design) {
			for i := range 4001 {
				announce(d, 0, nthPrefix(i))
			}
		}},
		{rule: "route-summarise-onprem", base: b.contoso, spoil: func(d *design.Design) {
			for _, p := range []string{"10.10.0.0/18", "10.10.64.0/18"} {
				announce(d, 0, netip.MustParsePrefix(p))
			}
		}},
		{rule: "route-default-needs-edge", base: b.contoso, spoil: func(d *design.Design) { announce(d, 0, netip.MustParsePrefix("0.0.0.0/0")) }},
		{rule: "route-default-kms", base: b.contoso, spoil: func(d *design.Design) { announce(d, 0, netip.MustParsePrefix("0.0.0.0/0")) }},
		{rule: "route-default-paas-hairpin", base: b.contoso, spoil: func(d *design.Design) { announce(d, 0, netip.MustParsePrefix("0.0.0.0/0")) }},
		{rule: "route-udr-next-hop-er", base: b.northwind, spoil: func(d *design.Design) {
			r := &table(d, "rt-crm").Properties.Routes[0].Properties
			r.NextHopType, r.NextHopIPAddress = "virtualnetworkgateway", ""
		}},
		{rule: "route-propagation-spokes", base: b.northwind, spoil: func(d *design.Design) { table(d, "rt-crm").Properties.Routes = nil }},
		{rule: "route-propagation-spokes", base: b.northwind, spoil: func(d *design.Design) {
			table(d, "rt-hub-gateway").Properties.Routes = nil
			t := table(d, "rt-crm")
			t.Properties.DisableBGPRoutePropagation = false
			t.Properties.Routes = t.Properties.Routes[:1]
			t.Properties.Routes[0].Properties.AddressPrefix = "10.0.0.0/8"
		}},
		{rule: "route-symmetric", base: b.northwind, spoil: func(d *design.Design) { table(d, "rt-hub-gateway").Properties.Routes = nil }},
		{rule: "route-symmetric", base: b.northwind, spoil: func(d *design.Design) {
			table(d, "rt-crm").Properties.DisableBGPRoutePropagation, table(d, "rt-crm").Properties.Routes = false, nil
		}},
		{rule: "route-symmetric", base: b.northwind, spoil: func(d *design.Design) {
			for i := range table(d, "rt-crm").Properties.Routes {
				table(d, "rt-crm").Properties.Routes[i].Properties.NextHopIPAddress = "10.99.0.4"
			}
		}},
		{rule: "route-no-overlap", base: b.northwind, spoil: func(d *design.Design) {
			vnet(d, "vnet-hub").Properties.SummarizedGatewayPrefixes = []string{"10.0.0.0/8"}
		}},
	}
}

// widen gives a network many prefixes that do not join.
func widen(v *azure.VirtualNetwork, n int) {
	for i := range n {
		v.Properties.AddressSpace.AddressPrefixes = append(v.Properties.AddressSpace.AddressPrefixes, nthPrefix(2*i).String())
	}
}

func policyCases(b bases) []breach {
	local := func(d *design.Design, circuit int, v uint32, which ...int) {
		list := sessionsOn(d, circuit)
		if len(which) > 0 {
			list = []*design.Session{list[which[0]]}
		}
		for _, s := range list {
			s.Import.Terms[0].Set.LocalPref = &v
		}
	}
	return []breach{
		{rule: "route-redistribute-ms-to-private", base: b.contoso, spoil: func(d *design.Design) {
			session(d).Export.Terms = append(session(d).Export.Terms, bgp.Term{Name: "services", Match: bgp.Match{CommunitiesAny: []bgp.Community{bgp.NewCommunity(12076, 5010)}}, Action: bgp.Accept})
		}},
		{rule: "route-community-not-honoured", base: b.contoso, spoil: func(d *design.Design) {
			session(d).Export.Terms[0].Set.AddCommunities = []bgp.Community{bgp.NewCommunity(65020, 100)}
		}},
		{rule: "route-reserved-community", base: b.contoso, spoil: func(d *design.Design) {
			d.Resources = append(d.Resources, &azure.VirtualHub{Header: azure.Header{ID: "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualHubs/rs", Name: "rs", Type: "Microsoft.Network/virtualHubs"}, Kind: "routeserver"})
			session(d).Export.Terms[0].Set.AddCommunities = []bgp.Community{bgp.NewCommunity(65517, 65517)}
		}},
		{rule: "route-local-pref", base: b.contoso, spoil: func(d *design.Design) { local(d, 1, 200) }},
		{rule: "route-steering-order", base: b.contoso, spoil: func(d *design.Design) {
			setWeights(d, 0)
			prepend(d, 1, 3)
		}},
		{rule: "route-weight-before-path", base: b.contoso, spoil: func(d *design.Design) { prepend(d, 0, 3) }},
		{rule: "route-prepend-public-as", base: b.office, spoil: func(d *design.Design) {
			for i := range d.Premises.Sites[0].Routers {
				for j := range d.Premises.Sites[0].Routers[i].Sessions {
					if s := &d.Premises.Sites[0].Routers[i].Sessions[j]; s.Peering == "MicrosoftPeering" {
						s.Export.Terms[0].Set.PrependAS, s.Export.Terms[0].Set.PrependTimes = 65020, 2
					}
				}
			}
		}},
		{rule: "route-accept-prepend", base: b.contoso, spoil: func(d *design.Design) { local(d, 0, 150, 1) }},
		{rule: "route-accept-prepend", base: b.contoso, spoil: func(d *design.Design) {
			session(d).Import.Terms[0].Set.ReplaceAS = &bgp.ReplaceAS{From: 12076, To: 65000}
		}},
		{rule: "res-active-active", base: b.contoso, spoil: func(d *design.Design) {
			s := sessionsOn(d, 0)[1]
			s.Export.Terms[0].Set.PrependAS, s.Export.Terms[0].Set.PrependTimes = 65020, 3
		}},
		{rule: "route-community-regional", base: b.contoso, spoil: func(d *design.Design) {
			vnet(d, "vnet-orders").Location, gateways(d)[0].Location = "northeurope", "northeurope"
			setWeights(d, 0)
			local(d, 1, 200)
		}},
		{rule: "route-custom-community", base: b.contoso, spoil: func(d *design.Design) {
			session(d).Import.Terms[0].Match.CommunitiesAny = []bgp.Community{bgp.NewCommunity(12076, 20001)}
		}},
		{rule: "route-custom-community", base: b.contoso, spoil: func(d *design.Design) {
			vnet(d, "vnet-orders").Properties.BGPCommunities = &azure.VNetBGPCommunities{VirtualNetworkCommunity: "65020:1"}
		}},
		{rule: "route-er-to-er-global-reach", base: b.northwind, spoil: func(d *design.Design) { d.Premises.Backbone = nil }},
		{rule: "route-er-vpn-transit", base: b.vpn, spoil: func(d *design.Design) {
			hub := &azure.VirtualHub{Header: azure.Header{ID: "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualHubs/rs", Name: "rs", Type: "Microsoft.Network/virtualHubs"}, Kind: "RouteServer"}
			hub.Properties.AllowBranchToBranchTraffic = true
			d.Resources = append(d.Resources, hub)
			gateways(d)[2].Properties.BGPSettings = &azure.BGPSettings{ASN: 65010}
			v := vnet(d, "vnet-orders")
			v.Properties.Subnets = append(v.Properties.Subnets, azure.Subnet{Name: "RouteServerSubnet", Properties: azure.SubnetProperties{AddressPrefix: "10.40.14.0/27"}})
		}},
	}
}

func gatewayCases(b bases) []breach {
	endpoint := func(d *design.Design, subnet azure.ID) {
		other(d, "Microsoft.Network/privateEndpoints", "pe", `{"subnet":{"id":"`+string(subnet)+`"}}`)
	}
	return []breach{
		{rule: "gateway-subnet-16-circuits", base: b.contoso, spoil: func(d *design.Design) {
			for i := range 15 {
				c, x := *circuits(d)[0], *links(d)[0]
				c.ID += azure.ID(fmt.Sprint(i))
				x.ID += azure.ID(fmt.Sprint(i))
				x.Properties.Peer = &azure.Ref{ID: c.ID}
				d.Resources = append(d.Resources, &c, &x)
			}
		}},
		{rule: "gateway-subnet-coexist", base: b.vpn, spoil: func(d *design.Design) {
			gatewaySubnet(vnet(d, "vnet-orders")).Properties.AddressPrefix = "10.40.15.240/28"
		}},
		{rule: "gateway-subnet-ipv6", base: b.contoso, spoil: func(d *design.Design) {
			s := gatewaySubnet(vnet(d, "vnet-orders"))
			s.Properties.AddressPrefixes = []string{s.Properties.AddressPrefix, "2001:db8:1::/120"}
		}},
		{rule: "gateway-subnet-ipv6", base: b.contoso, spoil: func(d *design.Design) {
			six(d, 0)
			vnet(d, "vnet-orders").Properties.AddressSpace.AddressPrefixes = []string{"10.40.0.0/20", "2001:db8:1::/56"}
		}},
		{rule: "gateway-subnet-no-sep", base: b.contoso, spoil: func(d *design.Design) {
			gatewaySubnet(vnet(d, "vnet-orders")).Properties.Extra = azure.Extra{"serviceEndpointPolicies": json.RawMessage(`[{"id":"/subscriptions/s/policy"}]`)}
		}},
		{rule: "ipv6-circuit-first", base: b.contoso, spoil: func(d *design.Design) {
			s := gatewaySubnet(vnet(d, "vnet-orders"))
			s.Properties.AddressPrefixes = []string{s.Properties.AddressPrefix, "2001:db8:1::/64"}
		}},
		{rule: "gateway-one-per-type", base: b.vpn, spoil: func(d *design.Design) {
			g := *gateways(d)[2]
			g.ID, g.Name = g.ID+"2", "vpngw2"
			g.Properties.GatewayType = "VPN"
			d.Resources = append(d.Resources, &g)
		}},
		{rule: "gateway-throughput", base: b.contoso, spoil: func(d *design.Design) {
			d.Intent = nil
			circuits(d)[0].Properties.ServiceProviderProperties.BandwidthInMbps = 2000
		}},
		{rule: "gateway-private-endpoint-capacity", base: b.contoso, spoil: func(d *design.Design) {
			d.Intent = nil
			circuits(d)[0].Properties.ServiceProviderProperties.BandwidthInMbps = 1000
			endpoint(d, vnet(d, "vnet-orders").Properties.Subnets[0].ID)
		}},
		{rule: "gateway-vm-count", base: b.contoso, spoil: func(d *design.Design) { interfaces(d, vnet(d, "vnet-orders").Properties.Subnets[0].ID, 2001) }},
		{rule: "gateway-scale-min", base: b.contoso, spoil: func(d *design.Design) { scale(gateways(d)[0], 1, 10) }},
		{rule: "gateway-scale-min", base: b.contoso, spoil: func(d *design.Design) { scale(gateways(d)[0], 2, 1) }},
		{rule: "gateway-scale-ipsec", base: b.vpn, spoil: func(d *design.Design) {
			scale(gateways(d)[0], 2, 2)
			gateways(d)[2].Properties.EnablePrivateIPAddress = true
		}},
		{rule: "gateway-migration-paused", base: b.contoso, spoil: func(d *design.Design) {
			gateways(d)[0].Properties.Extra = azure.Extra{"virtualNetworkGatewayMigrationStatus": json.RawMessage(`{"state":"InProgress","phase":"Prepare"}`)}
		}},
		{rule: "gateway-private-endpoint-policy", base: b.northwind, spoil: func(d *design.Design) { endpoint(d, vnet(d, "vnet-crm").Properties.Subnets[0].ID) }},
		{rule: "gateway-maintenance-window", base: b.contoso, spoil: func(d *design.Design) {
			other(d, "Microsoft.Maintenance/maintenanceConfigurations", "nights", `{"maintenanceScope":"Resource","maintenanceWindow":{"duration":"03:00"}}`)
		}},
		{rule: "gateway-dns-resolver-wildcard", base: b.northwind, spoil: func(d *design.Design) {
			other(d, "Microsoft.Network/dnsForwardingRulesets/forwardingRules", "set/all", `{"domainName":".","forwardingRuleState":"Enabled"}`)
			other(d, "Microsoft.Network/dnsForwardingRulesets/virtualNetworkLinks", "set/hub", `{"virtualNetwork":{"id":"`+strings.ToUpper(string(vnet(d, "vnet-hub").ID))+`"}}`)
		}},
	}
}

// scale makes a gateway one of scale units.
func scale(g *azure.VirtualNetworkGateway, least, most int) {
	g.Properties.SKU.Name = "ErGwScale"
	g.Properties.Extra = azure.Extra{"autoScaleConfiguration": json.RawMessage(fmt.Sprintf(`{"bounds":{"min":%d,"max":%d}}`, least, most))}
}
