package check_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"onramp/azure"
	"onramp/bgp"
	"onramp/catalog"
	"onramp/check"
	"onramp/design"
	"onramp/examples"
	"onramp/intent"
	"onramp/pattern"
)

func open(t testing.TB) *catalog.Catalog {
	t.Helper()
	c, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// made designs an example, changed by edits of its YAML (old, new, old, new ...).
func made(t testing.TB, c *catalog.Catalog, example string, p design.Pattern, edits ...string) *design.Design {
	t.Helper()
	src, err := examples.Read(example)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer(edits...).Replace(string(src))
	e, findings := intent.Parse(example, []byte(text), c)
	if e == nil {
		t.Fatalf("%v", findings)
	}
	d, obstacles := pattern.Compile(p, e, c, pattern.Options{})
	if d == nil {
		t.Fatalf("no design: %v", obstacles)
	}
	return d
}

func TestTheDesignsOfTheExamplesHaveNoErrors(t *testing.T) {
	c := open(t)
	for _, name := range examples.Names() {
		for _, p := range design.Patterns() {
			for _, f := range check.Check(made(t, c, name, p), c) {
				if f.Severity == design.Error {
					t.Errorf("%s as %s: %+v", name, p, f)
				}
			}
		}
	}
}

func vnets(d *design.Design) []*azure.VirtualNetwork {
	return azure.Of[*azure.VirtualNetwork](d.Resources)
}

func circuits(d *design.Design) []*azure.ExpressRouteCircuit {
	return azure.Of[*azure.ExpressRouteCircuit](d.Resources)
}

func gateways(d *design.Design) []*azure.VirtualNetworkGateway {
	return azure.Of[*azure.VirtualNetworkGateway](d.Resources)
}

func links(d *design.Design) []*azure.VirtualNetworkGatewayConnection {
	return azure.Of[*azure.VirtualNetworkGatewayConnection](d.Resources)
}

func vnet(d *design.Design, name string) *azure.VirtualNetwork {
	for _, v := range vnets(d) {
		if v.Name == name {
			return v
		}
	}
	return nil
}

func table(d *design.Design, name string) *azure.RouteTable {
	for _, r := range azure.Of[*azure.RouteTable](d.Resources) {
		if r.Name == name {
			return r
		}
	}
	return nil
}

func session(d *design.Design) *design.Session { return &d.Premises.Sites[0].Routers[0].Sessions[0] }

func TestEachRuleSpeaksWhenItIsBroken(t *testing.T) {
	c := open(t)
	northwind := func() *design.Design { return made(t, c, "northwind", design.SharedHubSpoke) }
	contoso := func() *design.Design { return made(t, c, "contoso-shared", design.Shared) }
	office := func() *design.Design {
		return made(t, c, "contoso-shared", design.Shared, "      prefixes: [10.10.0.0/16]", "      prefixes: [10.10.0.0/16]\n      publicPrefixes: [203.0.113.0/28]",
			"      bandwidth: 150 Mbps", "      bandwidth: 150 Mbps\n      services: [azure, microsoft365]", "traffic:", "pools: {microsoftTransit: [198.51.100.0/24]}\ntraffic:")
	}
	direct := func() *design.Design {
		return made(t, c, "fabrikam-isolated", design.Isolated, "{provider: Equinix, model: cloud-exchange, bandwidth: 5 Gbps, location: London, monthlyUSD: 1500}", "{model: direct, port: 10 Gbps, encapsulation: Dot1Q, location: London}")
	}
	for _, x := range []struct {
		rule  string
		base  func() *design.Design
		spoil func(d *design.Design)
	}{
		{"route-no-overlap", northwind, func(d *design.Design) {
			vnet(d, "vnet-crm").Properties.AddressSpace.AddressPrefixes = []string{"10.20.8.0/22"}
		}},
		{"route-no-overlap", northwind, func(d *design.Design) { d.Premises.Sites[0].Prefixes = vnetPrefix("10.20.0.0/16") }},
		{"vnet-transit-flags", northwind, func(d *design.Design) {
			vnet(d, "vnet-crm").Properties.VirtualNetworkPeerings[0].Properties.UseRemoteGateways = false
		}},
		{"vnet-transit-flags", northwind, func(d *design.Design) {
			for i := range vnet(d, "vnet-hub").Properties.VirtualNetworkPeerings {
				vnet(d, "vnet-hub").Properties.VirtualNetworkPeerings[i].Properties.AllowGatewayTransit = false
			}
		}},
		{"vnet-transit-flags", northwind, func(d *design.Design) {
			vnet(d, "vnet-hub").Properties.VirtualNetworkPeerings = vnet(d, "vnet-hub").Properties.VirtualNetworkPeerings[1:]
		}},
		{"vnet-remote-gateway-no-own", northwind, func(d *design.Design) {
			g := *gateways(d)[0]
			g.ID, g.Name = azure.NewID("sub-sales", "rg-sub-sales", "Microsoft.Network/virtualNetworkGateways", "ergw-crm"), "ergw-crm"
			g.Properties.IPConfigurations = []azure.GatewayIPConfiguration{{Name: "default"}}
			g.Properties.IPConfigurations[0].Properties.Subnet = &azure.Ref{ID: vnet(d, "vnet-crm").ID + "/subnets/GatewaySubnet"}
			d.Resources = append(d.Resources, &g)
		}},
		{"vnet-remote-gateway-single", northwind, func(d *design.Design) {
			a, b := vnet(d, "vnet-crm"), vnet(d, "vnet-hr-core")
			for _, pair := range [][2]*azure.VirtualNetwork{{a, b}, {b, a}} {
				p := pair[0].Properties.VirtualNetworkPeerings[0]
				p.Name = "extra"
				p.Properties.RemoteVirtualNetwork = &azure.Ref{ID: pair[1].ID}
				pair[0].Properties.VirtualNetworkPeerings = append(pair[0].Properties.VirtualNetworkPeerings, p)
			}
		}},
		{"vnet-peering-nontransitive", northwind, func(d *design.Design) {
			a, b := vnet(d, "vnet-crm"), vnet(d, "vnet-hr-core")
			p := a.Properties.VirtualNetworkPeerings[0]
			p.Properties.UseRemoteGateways = false
			p.Properties.RemoteVirtualNetwork = &azure.Ref{ID: b.ID}
			a.Properties.VirtualNetworkPeerings = []azure.VirtualNetworkPeering{p}
			p.Properties.RemoteVirtualNetwork = &azure.Ref{ID: a.ID}
			b.Properties.VirtualNetworkPeerings = append(b.Properties.VirtualNetworkPeerings, p)
		}},
		{"gateway-subnet-size", northwind, func(d *design.Design) { gatewaySubnet(vnet(d, "vnet-hub")).Properties.AddressPrefix = "10.30.3.240/28" }},
		{"gateway-subnet-no-nsg", northwind, func(d *design.Design) {
			gatewaySubnet(vnet(d, "vnet-hub")).Properties.NetworkSecurityGroup = &azure.Ref{ID: "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/networkSecurityGroups/nsg"}
		}},
		{"gateway-subnet-propagation", northwind, func(d *design.Design) { table(d, "rt-hub-gateway").Properties.DisableBGPRoutePropagation = true }},
		{"gateway-subnet-no-default-udr", northwind, func(d *design.Design) {
			table(d, "rt-hub-gateway").Properties.Routes[0].Properties.AddressPrefix = "0.0.0.0/0"
		}},
		{"gateway-region-match", northwind, func(d *design.Design) { gateways(d)[0].Location = "canadaeast" }},
		{"gateway-subnet-name", northwind, func(d *design.Design) { gateways(d)[0].Properties.IPConfigurations = nil }},
		{"gateway-zone-redundant", northwind, func(d *design.Design) { gateways(d)[0].Properties.SKU.Name = "Standard" }},
		{"vnet-to-vnet-flag", contoso, func(d *design.Design) {
			for _, g := range gateways(d) {
				g.Properties.AllowRemoteVNetTraffic = true
			}
		}},
		{"vnet-to-vnet-flag", contoso, func(d *design.Design) { gateways(d)[0].Properties.AllowRemoteVNetTraffic = true }},
		{"peering-subnet-size", contoso, func(d *design.Design) { session(d).LocalAddress = netip.PrefixFrom(session(d).LocalAddress.Addr(), 31) }},
		{"circuit-provider-at-location", contoso, func(d *design.Design) {
			circuits(d)[0].Properties.ServiceProviderProperties.PeeringLocation = "Zurich"
			circuits(d)[0].Properties.ServiceProviderProperties.ServiceProviderName = "Telus"
		}},
		{"circuit-bandwidth-option", contoso, func(d *design.Design) { circuits(d)[0].Properties.ServiceProviderProperties.BandwidthInMbps = 300 }},
		{"circuit-local-min-1g", contoso, func(d *design.Design) { circuits(d)[0].SKU.Tier = "Local" }},
		{"circuit-local-region-only", contoso, func(d *design.Design) {
			circuits(d)[0].SKU.Tier = "Local"
			vnet(d, "vnet-orders").Location = "northeurope"
		}},
		{"circuit-standard-geo-bound", contoso, func(d *design.Design) {
			circuits(d)[0].SKU.Tier = "Standard"
			vnet(d, "vnet-orders").Location = "canadacentral"
		}},
		{"circuit-vnet-link-limit", contoso, func(d *design.Design) {
			x := links(d)[0]
			for range 10 {
				d.Resources = append(d.Resources, x)
			}
		}},
		{"circuit-premium-routes", contoso, func(d *design.Design) {
			circuits(d)[0].SKU.Tier = "Standard"
			s := session(d)
			for i := range 4001 {
				s.Export.Terms[0].Match.Prefixes = append(s.Export.Terms[0].Match.Prefixes, bgp.PrefixRule{Prefix: nthPrefix(i)})
			}
		}},
		{"circuit-authorization-per-link", contoso, func(d *design.Design) {
			for _, x := range links(d) {
				x.Properties.AuthorizationKey = ""
			}
		}},
		{"circuit-authorization-per-link", contoso, func(d *design.Design) {
			for _, x := range circuits(d) {
				x.Properties.Authorizations = nil
			}
		}},
		{"direct-circuit-sizes", direct, func(d *design.Design) { v := 3.0; circuits(d)[0].Properties.BandwidthInGbps = &v }},
		{"direct-oversubscription", direct, func(d *design.Design) {
			v := 20.0
			circuits(d)[0].Properties.BandwidthInGbps = &v
			circuits(d)[1].Properties.BandwidthInGbps = &v
		}},
		{"direct-same-subscription", direct, func(d *design.Design) {
			x := circuits(d)[0]
			x.ID = azure.NewID("sub-elsewhere", "rg", "Microsoft.Network/expressRouteCircuits", x.Name)
		}},
		{"direct-dot1q-unique-vlan", direct, func(d *design.Design) {
			for _, x := range circuits(d) {
				x.Properties.Peerings[0].Properties.VLANID = 200
			}
		}},
		{"peering-subnet-size", contoso, func(d *design.Design) {
			circuits(d)[0].Properties.Peerings[0].Properties.PrimaryPeerAddressPrefix = "172.16.0.0/29"
		}},
		{"peering-subnet-unique", contoso, func(d *design.Design) {
			p := &circuits(d)[0].Properties.Peerings[0].Properties
			p.SecondaryPeerAddressPrefix = p.PrimaryPeerAddressPrefix
		}},
		{"peering-subnet-no-vnet-overlap", contoso, func(d *design.Design) {
			circuits(d)[0].Properties.Peerings[0].Properties.PrimaryPeerAddressPrefix = "10.40.0.0/30"
		}},
		{"peering-subnet-host-order", contoso, func(d *design.Design) { session(d).PeerAddress = session(d).LocalAddress.Addr() }},
		{"peering-vlan-match", contoso, func(d *design.Design) { session(d).VLAN = 999 }},
		{"peering-vlan-match", contoso, func(d *design.Design) { circuits(d)[0].Properties.Peerings[0].Properties.VLANID = 5000 }},
		{"peering-vlan-match", office, func(d *design.Design) {
			p := circuits(d)[0].Properties.Peerings
			p[1].Properties.VLANID = p[0].Properties.VLANID
		}},
		{"peering-two-sessions", contoso, func(d *design.Design) { d.Premises.Sites[0].Routers[0].Sessions = nil }},
		{"peering-two-sessions", contoso, func(d *design.Design) { session(d).Peering = "MicrosoftPeering" }},
		{"peering-asn-remote", contoso, func(d *design.Design) { session(d).PeerASN = 65515 }},
		{"peering-asn-remote", contoso, func(d *design.Design) { d.Premises.Sites[0].Routers[0].ASN = 65021 }},
		{"peering-asn-reserved", contoso, func(d *design.Design) { d.Premises.Sites[0].Routers[0].ASN = 65516 }},
		{"peering-asn-documentation", contoso, func(d *design.Design) { d.Premises.Sites[0].Routers[0].ASN = 64500 }},
		{"res-dual-ce", contoso, func(d *design.Design) {
			r := d.Premises.Sites[0].Routers
			r[0].Sessions = append(r[0].Sessions, r[1].Sessions...)
			r[1].Sessions = nil
		}},
		{"res-links-same-place", northwind, func(d *design.Design) {
			a, b := d.Premises.Sites[0].Routers, d.Premises.Sites[1].Routers
			a[1].Sessions, b[1].Sessions = b[1].Sessions, a[1].Sessions
		}},
		{"route-no-transit-er", contoso, func(d *design.Design) { session(d).Export = nil }},
		{"route-no-transit-er", contoso, func(d *design.Design) { session(d).Export.Default = bgp.Accept }},
		{"route-no-transit-er", contoso, func(d *design.Design) { session(d).Export.Terms[0].Match = bgp.Match{} }},
		{"route-no-transit-er", contoso, func(d *design.Design) {
			session(d).Export.Terms[0].Match.Prefixes = append(session(d).Export.Terms[0].Match.Prefixes, bgp.PrefixRule{Prefix: vnetPrefix("10.40.0.0/20")[0]})
		}},
		{"route-identical-both-links", contoso, func(d *design.Design) {
			session(d).Export.Terms[0].Match.Prefixes = []bgp.PrefixRule{{Prefix: vnetPrefix("10.10.0.0/17")[0]}}
		}},
		{"route-symmetric", contoso, func(d *design.Design) {
			for _, x := range links(d) {
				x.Properties.RoutingWeight = 100 - x.Properties.RoutingWeight
			}
		}},
		{"sec-firewall-inspect", northwind, func(d *design.Design) {
			g := azure.Of[*azure.FirewallPolicyRuleCollectionGroup](d.Resources)[0]
			g.Properties.RuleCollections[0].Rules[0].SourceAddresses, g.Properties.RuleCollections[0].Rules[0].DestinationAddresses = []string{"*"}, []string{"0.0.0.0/0"}
		}},
		{"sec-firewall-inspect", northwind, func(d *design.Design) { table(d, "rt-hub-gateway").Properties.Routes = nil }},
		{"sec-rbac", northwind, func(d *design.Design) {
			a := azure.Of[*azure.RoleAssignment](d.Resources)[0]
			a.Properties.Scope = "/subscriptions/sub-connectivity"
		}},
		{"ms-peering-route-filter", office, func(d *design.Design) { microsoft(d).Properties.RouteFilter = nil }},
		{"ms-peering-private-asn", office, func(*design.Design) {}},
		{"ms-peering-no-default", office, func(d *design.Design) {
			microsoft(d).Properties.MicrosoftPeeringConfig.AdvertisedPublicPrefixes = []string{"0.0.0.0/0"}
		}},
		{"ms-peering-public-only", office, func(d *design.Design) {
			microsoft(d).Properties.MicrosoftPeeringConfig.AdvertisedPublicPrefixes = []string{"10.0.0.0/24"}
		}},
		{"ms-peering-prefix-limit", office, func(d *design.Design) {
			for i := range 201 {
				x := microsoft(d).Properties.MicrosoftPeeringConfig
				x.AdvertisedPublicPrefixes = append(x.AdvertisedPublicPrefixes, nthPrefix(i).String())
			}
		}},
		{"o365-authorisation", office, func(d *design.Design) {
			for _, x := range circuits(d) {
				x.SKU.Tier = "Standard"
			}
		}},
	} {
		t.Run(x.rule, func(t *testing.T) {
			d := x.base()
			before := check.Check(d, c)
			x.spoil(d)
			found := slices.DeleteFunc(check.Check(d, c), func(f design.Finding) bool { return f.Rule != x.rule })
			if len(found) == 0 {
				t.Fatalf("%s does not speak", x.rule)
			}
			for _, f := range found {
				if f.At == "" || f.Message == "" || f.Fix == "" || f.Source == "" {
					t.Errorf("the finding says too little: %+v", f)
				}
			}
			if x.rule != "ms-peering-private-asn" && x.rule != "gateway-zone-redundant" && slices.ContainsFunc(before, func(f design.Finding) bool { return f.Rule == x.rule }) {
				t.Errorf("%s spoke before anything was broken", x.rule)
			}
		})
	}
}

func microsoft(d *design.Design) *azure.Peering {
	for _, x := range circuits(d) {
		for i := range x.Properties.Peerings {
			if x.Properties.Peerings[i].Name == "MicrosoftPeering" {
				return &x.Properties.Peerings[i]
			}
		}
	}
	return nil
}

func gatewaySubnet(v *azure.VirtualNetwork) *azure.Subnet {
	for i := range v.Properties.Subnets {
		if v.Properties.Subnets[i].Name == "GatewaySubnet" {
			return &v.Properties.Subnets[i]
		}
	}
	return nil
}
