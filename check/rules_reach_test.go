package check_test

import (
	"fmt"
	"strings"

	"onramp/azure"
	"onramp/design"
)

func reachCases(b bases) []breach {
	at := func(d *design.Design, circuit int, location, provider string) {
		sp := circuits(d)[circuit].Properties.ServiceProviderProperties
		sp.PeeringLocation, sp.ServiceProviderName = location, provider
	}
	return []breach{
		{rule: "gr-slash29", base: b.reach, spoil: func(d *design.Design) {
			circuits(d)[0].Properties.Peerings[0].Properties.Connections[0].Properties.AddressPrefix = "192.0.2.0/30"
		}},
		{rule: "gr-slash29", base: b.reach, spoil: func(d *design.Design) {
			circuits(d)[0].Properties.Peerings[0].Properties.Connections[0].Properties.AddressPrefix = "10.10.0.0/29"
		}},
		{rule: "gr-different-locations", base: b.reach, spoil: func(d *design.Design) { at(d, 1, "amsterdam", "Equinix") }},
		{rule: "gr-country", base: b.reach, spoil: func(d *design.Design) { at(d, 1, "Dubai", "Etisalat UAE") }},
		{rule: "gr-premium", base: b.reach, spoil: func(d *design.Design) { at(d, 1, "Toronto", "Equinix") }},
		{rule: "gr-full-mesh", base: b.reach, spoil: func(d *design.Design) {
			c := *circuits(d)[0]
			c.ID, c.Name = c.ID+"-3", "er-3"
			c.Properties.Peerings = []azure.Peering{c.Properties.Peerings[0]}
			c.Properties.Peerings[0].Properties.Connections = nil
			d.Resources = append(d.Resources, &c)
			join(d, 1, 2, "192.0.2.8/29")
		}},
		{rule: "gr-private-peering", base: b.reach, spoil: func(d *design.Design) { circuits(d)[1].Properties.Peerings = nil }},
		{rule: "gr-private-peering", base: b.reach, spoil: func(d *design.Design) { circuits(d)[1].Properties.Peerings[0].Properties.State = "disabled" }},
		{rule: "gr-throughput", base: b.reach, spoil: func(d *design.Design) { circuits(d)[1].Properties.ServiceProviderProperties.BandwidthInMbps = 1000 }},
	}
}

func fastPathCases(b bases) []breach {
	spoke := func(name string) func(d *design.Design) *azure.VirtualNetwork {
		return func(d *design.Design) *azure.VirtualNetwork { return vnet(d, name) }
	}
	crm := spoke("vnet-crm")
	return []breach{
		{rule: "fastpath-sku", base: b.fast, spoil: func(d *design.Design) { gateways(d)[0].Properties.SKU.Name = "ErGw1AZ" }},
		{rule: "fastpath-sku", base: b.fast, spoil: func(d *design.Design) { scale(gateways(d)[0], 2, 10) }},
		{rule: "fastpath-ip-limit", base: b.fast, spoil: func(d *design.Design) { interfaces(d, vnet(d, "vnet-orders").Properties.Subnets[0].ID, 25001) }},
		{rule: "fastpath-direct-features", base: b.fast, spoil: func(d *design.Design) {
			other(d, "Microsoft.Network/privateEndpoints", "pe", `{"subnet":{"id":"`+string(vnet(d, "vnet-orders").Properties.Subnets[0].ID)+`"}}`)
		}},
		{rule: "fastpath-direct-features", base: b.fastHub, spoil: func(*design.Design) {}, always: true},
		{rule: "fastpath-same-region", base: b.northwind, spoil: func(d *design.Design) { links(d)[0].Properties.ExpressRouteGatewayBypass = true }},
		{rule: "fastpath-keep-gateway-size", base: b.fast, spoil: func(d *design.Design) {
			gateways(d)[0].Properties.SKU.Name, circuits(d)[0].Properties.ServiceProviderProperties.BandwidthInMbps = "Standard", 2000
		}},
		{rule: "fastpath-spoke-lb", base: b.fastHub, spoil: func(d *design.Design) {
			other(d, "Microsoft.Network/loadBalancers", "ilb", `{"frontendIPConfigurations":[{"properties":{"subnet":{"id":"`+string(crm(d).Properties.Subnets[0].ID)+`"}}}]}`)
		}},
		{rule: "fastpath-spoke-lb", base: b.fastHub, spoil: func(d *design.Design) {
			crm(d).Properties.Subnets[0].Properties.Delegations = []azure.Delegation{{Name: "sql", Properties: azure.DelegationProperties{ServiceName: "Microsoft.Sql/managedInstances"}}}
		}},
		{rule: "fastpath-anf", base: b.fastHub, spoil: func(d *design.Design) {
			other(d, "Microsoft.NetApp/netAppAccounts/capacityPools/volumes", "a/p/v", `{"networkFeatures":"basic","subnetId":"`+string(crm(d).Properties.Subnets[0].ID)+`"}`)
		}},
		{rule: "fastpath-two-hubs", base: b.fast, spoil: func(d *design.Design) {
			for i, pair := range [][2]string{{"vnet-orders", "vnet-research"}, {"vnet-research", "vnet-orders"}} {
				p := azure.VirtualNetworkPeering{Name: fmt.Sprint(i)}
				p.Properties.RemoteVirtualNetwork = &azure.Ref{ID: vnet(d, pair[1]).ID}
				p.Properties.AllowGatewayTransit = i == 0
				vnet(d, pair[0]).Properties.VirtualNetworkPeerings = []azure.VirtualNetworkPeering{p}
			}
			for _, x := range links(d) {
				x.Properties.ExpressRouteGatewayBypass = true
			}
		}},
	}
}

func resiliencyCases(b bases) []breach {
	bare := func() *design.Design { d := b.contoso(); d.Intent = nil; return d }
	same := func(d *design.Design) {
		sp := circuits(d)[1].Properties.ServiceProviderProperties
		sp.PeeringLocation, sp.ServiceProviderName = "Amsterdam", "Equinix"
	}
	return []breach{
		{rule: "res-two-locations", base: b.contoso, spoil: same},
		{rule: "res-two-locations", base: bare, spoil: func(d *design.Design) { drop(d, 1) }},
		{rule: "res-standard-not-critical", base: b.contoso, spoil: func(d *design.Design) { drop(d, 1) }},
		{rule: "res-metro-minimum", base: b.contoso, spoil: func(d *design.Design) { drop(d, 1) }},
		{rule: "res-metro-provider-active", base: b.contoso, spoil: func(d *design.Design) {
			circuits(d)[1].Properties.ServiceProviderProperties.PeeringLocation = "Dublin Metro"
		}},
		{rule: "res-diverse-providers", base: bare, spoil: func(d *design.Design) {
			circuits(d)[1].Properties.ServiceProviderProperties.ServiceProviderName = "Equinix"
		}},
		{rule: "res-second-location-same-geo", base: b.contoso, spoil: func(d *design.Design) {
			sp := circuits(d)[1].Properties.ServiceProviderProperties
			sp.PeeringLocation, sp.ServiceProviderName = "Toronto", "Equinix"
			circuits(d)[1].SKU.Tier = "premium"
		}},
		{rule: "res-ecmp-four", base: b.contoso, spoil: func(d *design.Design) {
			setWeights(d, 0)
			for i := range 3 {
				c, x := *circuits(d)[0], *links(d)[0]
				c.ID, x.ID = c.ID+azure.ID(fmt.Sprint(i)), x.ID+azure.ID(fmt.Sprint(i))
				x.Properties.Peer = &azure.Ref{ID: c.ID}
				d.Resources = append(d.Resources, &c, &x)
			}
		}},
		{rule: "res-bfd", base: b.contoso, spoil: func(d *design.Design) { session(d).BFDMilliseconds = 0 }},
		{rule: "res-bgp-timers", base: b.contoso, spoil: func(d *design.Design) { session(d).KeepaliveSec, session(d).HoldSec = 3, 10 }},
		{rule: "res-onprem-redundancy", base: b.provider, spoil: func(d *design.Design) {
			for i := range d.Premises.Sites[0].Routers {
				for j := range d.Premises.Sites[0].Routers[i].Sessions {
					d.Premises.Sites[0].Routers[i].Sessions[j].Neighbor = d.Premises.ProviderEdges[0].Name
				}
			}
		}},
		{rule: "res-onprem-redundancy", base: b.provider, spoil: func(d *design.Design) {
			for i := range d.Premises.Sites[0].Routers {
				for j := range d.Premises.Sites[0].Routers[i].Sessions {
					d.Premises.Sites[0].Routers[i].Sessions[j].Attachment = "one-fibre"
				}
			}
		}},
		{rule: "res-ms-peering-multi", base: b.office, spoil: func(d *design.Design) { circuits(d)[1].Properties.Peerings = circuits(d)[1].Properties.Peerings[:1] }},
	}
}

func vpnCases(b bases) []breach {
	alone := func() *design.Design { d := b.vpn(); drop(d, 1); return d }
	office := func() *design.Design { d := b.office(); addVPN(d); return d }
	wan := func(n int, c *azure.ExpressRouteCircuit) string {
		one := `{"properties":{"expressRouteCircuitPeering":{"id":"` + string(c.ID) + `/peerings/AzurePrivatePeering"}}}`
		return `{"expressRouteConnections":[` + strings.TrimSuffix(strings.Repeat(one+",", n), ",") + `]}`
	}
	return []breach{
		{rule: "vpn-route-based", base: b.vpn, spoil: func(d *design.Design) { gateways(d)[2].Properties.VPNType = "policyBased" }},
		{rule: "vpn-not-basic", base: b.vpn, spoil: func(d *design.Design) { gateways(d)[2].Properties.SKU.Name = "basic" }},
		{rule: "vpn-ipv6-none", base: alone, spoil: func(d *design.Design) {
			six(d, 0)
			vnet(d, "vnet-orders").Properties.AddressSpace.AddressPrefixes = []string{"10.40.0.0/20", "2001:db8:1::/56"}
		}},
		{rule: "res-vpn-backup-limits", base: b.vpn, spoil: func(d *design.Design) { drop(d, 1) }},
		{rule: "vpn-prefix-equal", base: b.vpn, spoil: func(d *design.Design) { addTunnel(d, gateways(d)[2], false, "10.10.0.0/17") }},
		{rule: "vpn-ipsec-prefer", base: b.vpn, spoil: func(d *design.Design) { addTunnel(d, gateways(d)[2], true, "10.10.0.0/16") }},
		{rule: "vpn-over-internet-route", base: office, spoil: func(d *design.Design) {
			for _, f := range azure.Of[*azure.RouteFilter](d.Resources) {
				f.Properties.Rules[0].Properties.Communities = append(f.Properties.Rules[0].Properties.Communities, "12076:51002")
			}
		}},
		{rule: "vpn-no-ms-peering-backup", base: office, spoil: func(d *design.Design) { circuits(d)[1].Properties.Peerings = circuits(d)[1].Properties.Peerings[:1] }},
		{rule: "ipv6-no-vwan", base: b.contoso, spoil: func(d *design.Design) {
			six(d, 0)
			other(d, "Microsoft.Network/expressRouteGateways", "hubgw", wan(1, circuits(d)[0]))
		}},
		{rule: "vwan-circuit-count", base: b.contoso, spoil: func(d *design.Design) {
			other(d, "Microsoft.Network/expressRouteGateways", "hubgw", wan(5, circuits(d)[0]))
		}},
	}
}
