package network

import (
	"fmt"
	"net/netip"
	"testing"

	"onramp/azure"
	"onramp/bgp"
	"onramp/catalog"
	"onramp/design"
)

// lab builds small estates for tests, the way that a published case describes them.
type lab struct {
	t        testing.TB
	c        *catalog.Catalog
	rs       azure.Resources
	p        design.Premises
	o        Options
	circuits map[string]*azure.ExpressRouteCircuit
	vnets    map[string]*azure.VirtualNetwork
	gateways map[string]*azure.VirtualNetworkGateway
}

const labSub = "sub-lab"

func newLab(t testing.TB) *lab {
	t.Helper()
	c, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	return &lab{t: t, c: c, circuits: map[string]*azure.ExpressRouteCircuit{}, vnets: map[string]*azure.VirtualNetwork{}, gateways: map[string]*azure.VirtualNetworkGateway{},
		o: Options{InstanceAddresses: map[string][]netip.Addr{}, MSEEAddresses: map[string]map[string][2]netip.Addr{}, NextHopAddresses: map[string][2]netip.Addr{}}}
}

func header(typ, name, location string) azure.Header {
	return azure.Header{ID: azure.NewID(labSub, "rg-lab", typ, name), Name: name, Type: typ, Location: location}
}

// circuit adds a circuit with private peering on two links (primary and secondary subnets).
func (l *lab) circuit(name, location string, peerASN uint32, primary, secondary string) *azure.ExpressRouteCircuit {
	c := &azure.ExpressRouteCircuit{Header: header("Microsoft.Network/expressRouteCircuits", name, "westeurope")}
	c.SKU.Name, c.SKU.Tier, c.SKU.Family = "Standard_MeteredData", "Standard", "MeteredData"
	c.Properties.ServiceProviderProperties = &azure.ServiceProviderProperties{ServiceProviderName: "Megaport", PeeringLocation: location, BandwidthInMbps: 1000}
	var p azure.Peering
	p.Name = "AzurePrivatePeering"
	p.Properties.PeeringType = "AzurePrivatePeering"
	p.Properties.PeerASN = peerASN
	p.Properties.AzureASN = 12076
	p.Properties.VLANID = 100
	p.Properties.PrimaryPeerAddressPrefix, p.Properties.SecondaryPeerAddressPrefix = primary, secondary
	c.Properties.Peerings = append(c.Properties.Peerings, p)
	l.rs = append(l.rs, c)
	l.circuits[name] = c
	return c
}

// vnet adds a VNet with one subnet for machines and, when it is to have a gateway, a GatewaySubnet.
func (l *lab) vnet(name string, gatewaySubnet string, space ...string) *azure.VirtualNetwork {
	v := &azure.VirtualNetwork{Header: header("Microsoft.Network/virtualNetworks", name, "westeurope")}
	v.Properties.AddressSpace.AddressPrefixes = space
	first := netip.MustParsePrefix(space[0])
	v.Properties.Subnets = append(v.Properties.Subnets, l.subnet(v, "app", netip.PrefixFrom(first.Addr(), min(first.Bits()+2, 30)).String()))
	if gatewaySubnet != "" {
		v.Properties.Subnets = append(v.Properties.Subnets, l.subnet(v, "GatewaySubnet", gatewaySubnet))
	}
	l.rs = append(l.rs, v)
	l.vnets[name] = v
	return v
}

func (l *lab) subnet(v *azure.VirtualNetwork, name, prefix string) azure.Subnet {
	var s azure.Subnet
	s.ID = azure.NewID(labSub, "rg-lab", "Microsoft.Network/virtualNetworks/subnets", v.Name, name)
	s.Name = name
	s.Properties.AddressPrefix = prefix
	return s
}

// gateway adds an ExpressRoute gateway to a VNet; instances may be empty.
func (l *lab) gateway(v *azure.VirtualNetwork, instances ...string) *azure.VirtualNetworkGateway {
	g := &azure.VirtualNetworkGateway{Header: header("Microsoft.Network/virtualNetworkGateways", "gw-"+v.Name, v.Location)}
	g.Properties.GatewayType = "ExpressRoute"
	g.Properties.SKU.Name, g.Properties.SKU.Tier = "Standard", "Standard"
	var ip azure.GatewayIPConfiguration
	ip.Name = "default"
	ip.Properties.Subnet = &azure.Ref{ID: azure.NewID(labSub, "rg-lab", "Microsoft.Network/virtualNetworks/subnets", v.Name, "GatewaySubnet")}
	g.Properties.IPConfigurations = append(g.Properties.IPConfigurations, ip)
	for _, a := range instances {
		l.o.InstanceAddresses[g.Name] = append(l.o.InstanceAddresses[g.Name], netip.MustParseAddr(a))
	}
	l.rs = append(l.rs, g)
	l.gateways[v.Name] = g
	return g
}

// connect links a gateway with a circuit; msee are the two Microsoft-side addresses, empty for the default.
func (l *lab) connect(g *azure.VirtualNetworkGateway, c *azure.ExpressRouteCircuit, weight int, msee ...string) {
	n := &azure.VirtualNetworkGatewayConnection{Header: header("Microsoft.Network/connections", "cn-"+g.Name+"-"+c.Name, g.Location)}
	n.Properties.ConnectionType = "ExpressRoute"
	n.Properties.VirtualNetworkGateway1 = &azure.Ref{ID: g.ID}
	n.Properties.Peer = &azure.Ref{ID: c.ID}
	n.Properties.RoutingWeight = weight
	if len(msee) == 2 {
		if l.o.MSEEAddresses[g.Name] == nil {
			l.o.MSEEAddresses[g.Name] = map[string][2]netip.Addr{}
		}
		l.o.MSEEAddresses[g.Name][c.Name] = [2]netip.Addr{netip.MustParseAddr(msee[0]), netip.MustParseAddr(msee[1])}
	}
	l.rs = append(l.rs, n)
}

// peer joins two VNets; transit lets the second use the first's gateway.
func (l *lab) peer(hub, spoke *azure.VirtualNetwork, transit bool) {
	side := func(v, to *azure.VirtualNetwork) *azure.VirtualNetworkPeering {
		var p azure.VirtualNetworkPeering
		p.Name = "to-" + to.Name
		p.Properties.RemoteVirtualNetwork = &azure.Ref{ID: to.ID}
		p.Properties.AllowVirtualNetworkAccess, p.Properties.AllowForwardedTraffic = true, true
		v.Properties.VirtualNetworkPeerings = append(v.Properties.VirtualNetworkPeerings, p)
		return &v.Properties.VirtualNetworkPeerings[len(v.Properties.VirtualNetworkPeerings)-1]
	}
	side(hub, spoke).Properties.AllowGatewayTransit = transit
	side(spoke, hub).Properties.UseRemoteGateways = transit
}

// site adds a site; every router in it is given with router.
func (l *lab) site(name string, asn uint32, prefixes ...string) *design.Site {
	s := design.Site{Name: name, ASN: bgp.ASN(asn)}
	for _, p := range prefixes {
		s.Prefixes = append(s.Prefixes, netip.MustParsePrefix(p))
	}
	l.p.Sites = append(l.p.Sites, s)
	return &l.p.Sites[len(l.p.Sites)-1]
}

// session is one session of a CE on a circuit's connection, with the addresses that the circuit's peering says.
func (l *lab) session(c *azure.ExpressRouteCircuit, connection string) design.Session {
	link := c.Properties.Peerings[0].Properties.PrimaryPeerAddressPrefix
	if connection == design.Secondary {
		link = c.Properties.Peerings[0].Properties.SecondaryPeerAddressPrefix
	}
	p := netip.MustParsePrefix(link)
	local := p.Masked().Addr().Next()
	return design.Session{Name: fmt.Sprintf("%s-%s", c.Name, connection), Circuit: c.ID, Connection: connection, Peering: "AzurePrivatePeering", VLAN: 100,
		LocalAddress: netip.PrefixFrom(local, p.Bits()), PeerAddress: local.Next(), PeerASN: 12076}
}

// build makes the network and fails the test on any finding that is an error.
func (l *lab) build() *Network {
	l.t.Helper()
	n, findings := Build(l.rs, l.p, l.c, l.o)
	for _, f := range findings {
		if f.Severity == design.Error {
			l.t.Fatalf("%s at %s: %s (%s)", f.Rule, f.At, f.Message, f.Value)
		}
	}
	return n
}

// prependPolicy announces everything with an AS number added a few times.
func prependPolicy(asn bgp.ASN, times int) *bgp.Policy {
	return &bgp.Policy{Name: "prepend", Terms: []bgp.Term{{Name: "prepend", Set: bgp.Set{PrependAS: asn, PrependTimes: times}, Action: bgp.Accept}}, Default: bgp.Reject}
}

// preferPolicy accepts everything with a local preference.
func preferPolicy(pref uint32) *bgp.Policy {
	return &bgp.Policy{Name: "prefer", Terms: []bgp.Term{{Name: "prefer", Set: bgp.Set{LocalPref: &pref}, Action: bgp.Accept}}, Default: bgp.Reject}
}
