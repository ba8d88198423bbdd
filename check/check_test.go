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

// cases are the breaches of all rules.
func cases(c *catalog.Catalog, t testing.TB) []breach {
	return slices.Concat(baseCases(c, t), networkCases(c, t), circuitCases(c, t))
}

func baseCases(c *catalog.Catalog, t testing.TB) []breach {
	northwind := func() *design.Design { return made(t, c, "northwind", design.SharedHubSpoke) }
	contoso := func() *design.Design { return made(t, c, "contoso-shared", design.Shared) }
	office := func() *design.Design {
		return made(t, c, "contoso-shared", design.Shared, "      prefixes: [10.10.0.0/16]", "      prefixes: [10.10.0.0/16]\n      publicPrefixes: [203.0.113.0/28]",
			"      bandwidth: 150 Mbps", "      bandwidth: 150 Mbps\n      services: [azure, microsoft365]", "traffic:", "pools: {microsoftTransit: [198.51.100.0/24]}\ntraffic:")
	}
	direct := func() *design.Design {
		return made(t, c, "fabrikam-isolated", design.Isolated, "{provider: Equinix, model: cloud-exchange, bandwidth: 5 Gbps, location: London, monthlyUSD: 1500}", "{model: direct, port: 10 Gbps, encapsulation: Dot1Q, location: London}")
	}
	return []breach{
		{rule: "route-no-overlap", base: northwind, spoil: func(d *design.Design) {
			vnet(d, "vnet-crm").Properties.AddressSpace.AddressPrefixes = []string{"10.20.8.0/22"}
		}},
		{rule: "route-no-overlap", base: northwind, spoil: func(d *design.Design) { d.Premises.Sites[0].Prefixes = vnetPrefix("10.20.0.0/16") }},
		{rule: "vnet-transit-flags", base: northwind, spoil: func(d *design.Design) {
			vnet(d, "vnet-crm").Properties.VirtualNetworkPeerings[0].Properties.UseRemoteGateways = false
		}},
		{rule: "vnet-transit-flags", base: northwind, spoil: func(d *design.Design) {
			for i := range vnet(d, "vnet-hub").Properties.VirtualNetworkPeerings {
				vnet(d, "vnet-hub").Properties.VirtualNetworkPeerings[i].Properties.AllowGatewayTransit = false
			}
		}},
		{rule: "vnet-transit-flags", base: northwind, spoil: func(d *design.Design) {
			vnet(d, "vnet-hub").Properties.VirtualNetworkPeerings = vnet(d, "vnet-hub").Properties.VirtualNetworkPeerings[1:]
		}},
		{rule: "vnet-remote-gateway-no-own", base: northwind, spoil: func(d *design.Design) {
			g := *gateways(d)[0]
			g.ID, g.Name = azure.NewID("sub-sales", "rg-sub-sales", "Microsoft.Network/virtualNetworkGateways", "ergw-crm"), "ergw-crm"
			g.Properties.IPConfigurations = []azure.GatewayIPConfiguration{{Name: "default"}}
			g.Properties.IPConfigurations[0].Properties.Subnet = &azure.Ref{ID: vnet(d, "vnet-crm").ID + "/subnets/GatewaySubnet"}
			d.Resources = append(d.Resources, &g)
		}},
		{rule: "vnet-remote-gateway-single", base: northwind, spoil: func(d *design.Design) {
			a, b := vnet(d, "vnet-crm"), vnet(d, "vnet-hr-core")
			for _, pair := range [][2]*azure.VirtualNetwork{{a, b}, {b, a}} {
				p := pair[0].Properties.VirtualNetworkPeerings[0]
				p.Name = "extra"
				p.Properties.RemoteVirtualNetwork = &azure.Ref{ID: pair[1].ID}
				pair[0].Properties.VirtualNetworkPeerings = append(pair[0].Properties.VirtualNetworkPeerings, p)
			}
		}},
		{rule: "vnet-peering-nontransitive", base: northwind, spoil: func(d *design.Design) {
			a, b := vnet(d, "vnet-crm"), vnet(d, "vnet-hr-core")
			p := a.Properties.VirtualNetworkPeerings[0]
			p.Properties.UseRemoteGateways = false
			p.Properties.RemoteVirtualNetwork = &azure.Ref{ID: b.ID}
			a.Properties.VirtualNetworkPeerings = []azure.VirtualNetworkPeering{p}
			p.Properties.RemoteVirtualNetwork = &azure.Ref{ID: a.ID}
			b.Properties.VirtualNetworkPeerings = append(b.Properties.VirtualNetworkPeerings, p)
		}},
		{rule: "gateway-subnet-size", base: northwind, spoil: func(d *design.Design) { gatewaySubnet(vnet(d, "vnet-hub")).Properties.AddressPrefix = "10.30.3.240/28" }},
		{rule: "gateway-subnet-no-nsg", base: northwind, spoil: func(d *design.Design) {
			gatewaySubnet(vnet(d, "vnet-hub")).Properties.NetworkSecurityGroup = &azure.Ref{ID: "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/networkSecurityGroups/nsg"}
		}},
		{rule: "gateway-subnet-propagation", base: northwind, spoil: func(d *design.Design) { table(d, "rt-hub-gateway").Properties.DisableBGPRoutePropagation = true }},
		{rule: "gateway-subnet-no-default-udr", base: northwind, spoil: func(d *design.Design) {
			table(d, "rt-hub-gateway").Properties.Routes[0].Properties.AddressPrefix = "0.0.0.0/0"
		}},
		{rule: "gateway-region-match", base: northwind, spoil: func(d *design.Design) { gateways(d)[0].Location = "canadaeast" }},
		{rule: "gateway-subnet-name", base: northwind, spoil: func(d *design.Design) { gateways(d)[0].Properties.IPConfigurations = nil }},
		{rule: "gateway-zone-redundant", base: northwind, spoil: func(d *design.Design) { gateways(d)[0].Properties.SKU.Name = "Standard" }, always: true},
		{rule: "vnet-to-vnet-flag", base: contoso, spoil: func(d *design.Design) {
			for _, g := range gateways(d) {
				g.Properties.AllowRemoteVNetTraffic = true
			}
		}},
		{rule: "vnet-to-vnet-flag", base: contoso, spoil: func(d *design.Design) { gateways(d)[0].Properties.AllowRemoteVNetTraffic = true }},
		{rule: "gateway-circuit-count", base: contoso, spoil: func(d *design.Design) {
			for range 20 {
				d.Resources = append(d.Resources, links(d)[0])
			}
		}},
		{rule: "gateway-same-location-4", base: contoso, spoil: func(d *design.Design) {
			for range 4 {
				d.Resources = append(d.Resources, links(d)[0])
			}
		}},
		{rule: "vnet-peering-count", base: northwind, spoil: func(d *design.Design) {
			hub := vnet(d, "vnet-hub")
			for range 500 {
				hub.Properties.VirtualNetworkPeerings = append(hub.Properties.VirtualNetworkPeerings, hub.Properties.VirtualNetworkPeerings[0])
			}
		}},
		{rule: "vnet-use-peering-not-er", base: contoso, spoil: func(d *design.Design) {
			d.Intent = nil
			for _, g := range gateways(d) {
				g.Properties.AllowRemoteVNetTraffic = true
			}
		}},
		{rule: "peering-subnet-size", base: contoso, spoil: func(d *design.Design) { session(d).LocalAddress = netip.PrefixFrom(session(d).LocalAddress.Addr(), 31) }},
		{rule: "circuit-provider-at-location", base: contoso, spoil: func(d *design.Design) {
			circuits(d)[0].Properties.ServiceProviderProperties.PeeringLocation = "Zurich"
			circuits(d)[0].Properties.ServiceProviderProperties.ServiceProviderName = "Telus"
		}},
		{rule: "circuit-bandwidth-option", base: contoso, spoil: func(d *design.Design) { circuits(d)[0].Properties.ServiceProviderProperties.BandwidthInMbps = 300 }},
		{rule: "circuit-local-min-1g", base: contoso, spoil: func(d *design.Design) { circuits(d)[0].SKU.Tier = "Local" }},
		{rule: "circuit-local-region-only", base: contoso, spoil: func(d *design.Design) {
			circuits(d)[0].SKU.Tier = "Local"
			vnet(d, "vnet-orders").Location = "northeurope"
		}},
		{rule: "circuit-standard-geo-bound", base: contoso, spoil: func(d *design.Design) {
			circuits(d)[0].SKU.Tier = "Standard"
			vnet(d, "vnet-orders").Location = "canadacentral"
		}},
		{rule: "circuit-vnet-link-limit", base: contoso, spoil: func(d *design.Design) {
			x := links(d)[0]
			for range 10 {
				d.Resources = append(d.Resources, x)
			}
		}},
		{rule: "circuit-premium-routes", base: contoso, spoil: func(d *design.Design) {
			circuits(d)[0].SKU.Tier = "Standard"
			s := session(d)
			for i := range 4001 {
				s.Export.Terms[0].Match.Prefixes = append(s.Export.Terms[0].Match.Prefixes, bgp.PrefixRule{Prefix: nthPrefix(i)})
			}
		}},
		{rule: "circuit-authorization-per-link", base: contoso, spoil: func(d *design.Design) {
			for _, x := range links(d) {
				x.Properties.AuthorizationKey = ""
			}
		}},
		{rule: "circuit-authorization-per-link", base: contoso, spoil: func(d *design.Design) {
			for _, x := range circuits(d) {
				x.Properties.Authorizations = nil
			}
		}},
		{rule: "direct-circuit-sizes", base: direct, spoil: func(d *design.Design) { v := 3.0; circuits(d)[0].Properties.BandwidthInGbps = &v }},
		{rule: "direct-oversubscription", base: direct, spoil: func(d *design.Design) {
			v := 20.0
			circuits(d)[0].Properties.BandwidthInGbps = &v
			circuits(d)[1].Properties.BandwidthInGbps = &v
		}},
		{rule: "direct-same-subscription", base: direct, spoil: func(d *design.Design) {
			x := circuits(d)[0]
			x.ID = azure.NewID("sub-elsewhere", "rg", "Microsoft.Network/expressRouteCircuits", x.Name)
		}},
		{rule: "direct-dot1q-unique-vlan", base: direct, spoil: func(d *design.Design) {
			for _, x := range circuits(d) {
				x.Properties.Peerings[0].Properties.VLANID = 200
			}
		}},
		{rule: "peering-subnet-size", base: contoso, spoil: func(d *design.Design) {
			circuits(d)[0].Properties.Peerings[0].Properties.PrimaryPeerAddressPrefix = "172.16.0.0/29"
		}},
		{rule: "peering-subnet-unique", base: contoso, spoil: func(d *design.Design) {
			p := &circuits(d)[0].Properties.Peerings[0].Properties
			p.SecondaryPeerAddressPrefix = p.PrimaryPeerAddressPrefix
		}},
		{rule: "peering-subnet-no-vnet-overlap", base: contoso, spoil: func(d *design.Design) {
			circuits(d)[0].Properties.Peerings[0].Properties.PrimaryPeerAddressPrefix = "10.40.0.0/30"
		}},
		{rule: "peering-subnet-host-order", base: contoso, spoil: func(d *design.Design) { session(d).PeerAddress = session(d).LocalAddress.Addr() }},
		{rule: "peering-vlan-match", base: contoso, spoil: func(d *design.Design) { session(d).VLAN = 999 }},
		{rule: "peering-vlan-match", base: contoso, spoil: func(d *design.Design) { circuits(d)[0].Properties.Peerings[0].Properties.VLANID = 5000 }},
		{rule: "peering-vlan-match", base: office, spoil: func(d *design.Design) {
			p := circuits(d)[0].Properties.Peerings
			p[1].Properties.VLANID = p[0].Properties.VLANID
		}},
		{rule: "peering-two-sessions", base: contoso, spoil: func(d *design.Design) { d.Premises.Sites[0].Routers[0].Sessions = nil }},
		{rule: "peering-two-sessions", base: contoso, spoil: func(d *design.Design) { session(d).Peering = "MicrosoftPeering" }},
		{rule: "peering-asn-remote", base: contoso, spoil: func(d *design.Design) { session(d).PeerASN = 65515 }},
		{rule: "peering-asn-remote", base: contoso, spoil: func(d *design.Design) { d.Premises.Sites[0].Routers[0].ASN = 65021 }},
		{rule: "peering-asn-reserved", base: contoso, spoil: func(d *design.Design) { d.Premises.Sites[0].Routers[0].ASN = 65516 }},
		{rule: "peering-asn-documentation", base: contoso, spoil: func(d *design.Design) { d.Premises.Sites[0].Routers[0].ASN = 64500 }},
		{rule: "res-dual-ce", base: contoso, spoil: func(d *design.Design) {
			r := d.Premises.Sites[0].Routers
			r[0].Sessions = append(r[0].Sessions, r[1].Sessions...)
			r[1].Sessions = nil
		}},
		{rule: "res-links-same-place", base: northwind, spoil: func(d *design.Design) {
			a, b := d.Premises.Sites[0].Routers, d.Premises.Sites[1].Routers
			a[1].Sessions, b[1].Sessions = b[1].Sessions, a[1].Sessions
		}},
		{rule: "route-no-transit-er", base: contoso, spoil: func(d *design.Design) { session(d).Export = nil }},
		{rule: "route-no-transit-er", base: contoso, spoil: func(d *design.Design) { session(d).Export.Default = bgp.Accept }},
		{rule: "route-no-transit-er", base: contoso, spoil: func(d *design.Design) { session(d).Export.Terms[0].Match = bgp.Match{} }},
		{rule: "route-no-transit-er", base: contoso, spoil: func(d *design.Design) {
			session(d).Export.Terms[0].Match.Prefixes = append(session(d).Export.Terms[0].Match.Prefixes, bgp.PrefixRule{Prefix: vnetPrefix("10.40.0.0/20")[0]})
		}},
		{rule: "route-identical-both-links", base: contoso, spoil: func(d *design.Design) {
			session(d).Export.Terms[0].Match.Prefixes = []bgp.PrefixRule{{Prefix: vnetPrefix("10.10.0.0/17")[0]}}
		}},
		{rule: "route-symmetric", base: contoso, spoil: func(d *design.Design) {
			for _, x := range links(d) {
				x.Properties.RoutingWeight = 100 - x.Properties.RoutingWeight
			}
		}},
		{rule: "sec-firewall-inspect", base: northwind, spoil: func(d *design.Design) {
			g := azure.Of[*azure.FirewallPolicyRuleCollectionGroup](d.Resources)[0]
			g.Properties.RuleCollections[0].Rules[0].SourceAddresses, g.Properties.RuleCollections[0].Rules[0].DestinationAddresses = []string{"*"}, []string{"0.0.0.0/0"}
		}},
		{rule: "sec-firewall-inspect", base: northwind, spoil: func(d *design.Design) { table(d, "rt-hub-gateway").Properties.Routes = nil }},
		{rule: "sec-rbac", base: northwind, spoil: func(d *design.Design) {
			a := azure.Of[*azure.RoleAssignment](d.Resources)[0]
			a.Properties.Scope = "/subscriptions/sub-connectivity"
		}},
		{rule: "ms-peering-route-filter", base: office, spoil: func(d *design.Design) { microsoft(d).Properties.RouteFilter = nil }},
		{rule: "ms-peering-private-asn", base: office, spoil: func(*design.Design) {}, always: true},
		{rule: "ms-peering-no-default", base: office, spoil: func(d *design.Design) {
			microsoft(d).Properties.MicrosoftPeeringConfig.AdvertisedPublicPrefixes = []string{"0.0.0.0/0"}
		}},
		{rule: "ms-peering-public-only", base: office, spoil: func(d *design.Design) {
			microsoft(d).Properties.MicrosoftPeeringConfig.AdvertisedPublicPrefixes = []string{"10.0.0.0/24"}
		}},
		{rule: "ms-peering-prefix-limit", base: office, spoil: func(d *design.Design) {
			for i := range 201 {
				x := microsoft(d).Properties.MicrosoftPeeringConfig
				x.AdvertisedPublicPrefixes = append(x.AdvertisedPublicPrefixes, nthPrefix(i).String())
			}
		}},
		{rule: "o365-authorisation", base: office, spoil: func(d *design.Design) {
			for _, x := range circuits(d) {
				x.SKU.Tier = "Standard"
			}
		}},
	}
}

func TestEachRuleSpeaksWhenItIsBroken(t *testing.T) {
	c := open(t)
	for _, x := range cases(c, t) {

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
			if !x.always && slices.ContainsFunc(before, func(f design.Finding) bool { return f.Rule == x.rule }) {
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
