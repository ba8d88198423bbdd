package pattern

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"onramp/azure"
	"onramp/design"
)

// head makes the header of a top-level resource in the resource group of its subscription.
func head(subscription, typ, location, lob, role string, names ...string) azure.Header {
	h := azure.Header{ID: resourceID(subscription, typ, names...), Name: names[len(names)-1], Type: typ, Location: location, Tags: map[string]string{design.TagRole: role}}
	if lob != "" {
		h.Tags[design.TagLineOfBusiness] = lob
	}
	return h
}

func ref(id azure.ID) *azure.Ref { return &azure.Ref{ID: id} }

func prefixStrings(list []netip.Prefix) []string {
	out := []string{}
	for _, p := range list {
		out = append(out, p.String())
	}
	return out
}

// writeGroups makes a resource group in each subscription, in the region where most of what it holds is.
func (k *compiler) writeGroups() {
	regions := map[string][]string{}
	for _, v := range k.networks {
		regions[v.subscription] = append(regions[v.subscription], v.region)
	}
	for _, c := range k.circuits {
		if len(regions[c.subscription]) == 0 {
			regions[c.subscription] = []string{c.region}
		}
	}
	for _, p := range k.ports {
		if len(regions[p.subscription]) == 0 {
			regions[p.subscription] = []string{p.region}
		}
	}
	for _, s := range sortedKeys(regions) {
		name := resourceGroup(s)
		g := &azure.ResourceGroup{Header: azure.Header{ID: groupID(s), Name: name, Type: typeGroup, Location: mostUsed(regions[s])}}
		if l := k.soleOwner(s); l != nil {
			g.Tags = map[string]string{design.TagLineOfBusiness: l.Name}
		}
		k.rs = append(k.rs, g)
	}
}

func groupID(subscription string) azure.ID {
	return azure.ID("/subscriptions/" + subscription + "/resourceGroups/" + resourceGroup(subscription))
}

// soleOwner is the line of business to which everything in a subscription belongs, nil when there is none.
func (k *compiler) soleOwner(subscription string) *lob {
	var owner *lob
	for _, l := range k.lobs {
		if l.Subscription == subscription {
			if owner != nil {
				return nil
			}
			owner = l
		}
	}
	if owner == nil {
		return nil
	}
	for _, v := range k.networks {
		if v.subscription == subscription && v.lob != owner.Name {
			return nil
		}
	}
	for _, c := range k.circuits {
		if c.subscription == subscription && c.lob != owner.Name {
			return nil
		}
	}
	return owner
}

// writeNetworks writes the virtual networks with their subnets and peerings.
func (k *compiler) writeNetworks() {
	tables := map[string]azure.ID{} // subnet id key to table
	for _, t := range k.tables() {
		id := resourceID(t.network.subscription, typeRouteTable, t.name)
		for _, s := range t.network.subnets {
			if t.subnet == s.name || t.subnet == "" && s.name != gatewaySubnet && s.name != firewallSubnet {
				tables[t.network.subnetID(s.name).Key()] = id
			}
		}
	}
	for _, v := range k.networks {
		r := &azure.VirtualNetwork{Header: head(v.subscription, typeVNet, v.region, v.lob, v.role, v.name)}
		r.Properties.AddressSpace.AddressPrefixes = prefixStrings(v.space)
		for _, s := range v.subnets {
			n := azure.Subnet{ID: v.subnetID(s.name), Name: s.name}
			var list []string
			for _, p := range []netip.Prefix{s.v4, s.v6} {
				if p.IsValid() {
					list = append(list, p.String())
				}
			}
			if len(list) == 1 {
				n.Properties.AddressPrefix = list[0]
			} else {
				n.Properties.AddressPrefixes = list
			}
			if id, ok := tables[n.ID.Key()]; ok {
				n.Properties.RouteTable = ref(id)
			}
			r.Properties.Subnets = append(r.Properties.Subnets, n)
		}
		for _, o := range v.peers {
			r.Properties.VirtualNetworkPeerings = append(r.Properties.VirtualNetworkPeerings, k.vnetPeering(v, o))
		}
		if v.gateway {
			if list := k.behind(v); k.summarised(list) {
				for _, p := range k.announced(v) {
					if !slices.Contains(v.space, p) {
						r.Properties.SummarizedGatewayPrefixes = append(r.Properties.SummarizedGatewayPrefixes, p.String())
					}
				}
			}
		}
		k.rs = append(k.rs, r)
	}
}

// vnetPeering is one network's side of a peering. A hub lends its gateway and takes what a firewall forwards.
func (k *compiler) vnetPeering(v, o *vnet) azure.VirtualNetworkPeering {
	p := azure.VirtualNetworkPeering{ID: resourceID(v.subscription, typeVNetPeering, v.name, "peer-"+o.suffix), Name: "peer-" + o.suffix}
	p.Properties.RemoteVirtualNetwork = ref(o.id())
	p.Properties.RemoteAddressSpace = &azure.AddressSpace{AddressPrefixes: prefixStrings(o.space)}
	p.Properties.AllowVirtualNetworkAccess = true
	p.Properties.AllowForwardedTraffic = v.hub == o || o.hub == v || v.role == roleHub && o.role == roleHub
	p.Properties.UseRemoteGateways = v.hub == o && v.remote
	p.Properties.AllowGatewayTransit = o.hub == v && o.remote
	return p
}

func (v *vnet) gatewayName() string { return "ergw-" + v.suffix }

func (v *vnet) gatewayID() azure.ID { return resourceID(v.subscription, typeGateway, v.gatewayName()) }

// writeGateways writes the gateways and their connections.
func (k *compiler) writeGateways() {
	for _, v := range k.networks {
		if !v.gateway {
			continue
		}
		g := &azure.VirtualNetworkGateway{Header: head(v.subscription, typeGateway, v.region, v.lob, roleGateway, v.gatewayName())}
		sku, units := k.gatewaySKU(v)
		g.Properties.GatewayType, g.Properties.VPNType = "ExpressRoute", "RouteBased"
		g.Properties.SKU = azure.SKU{Name: sku, Tier: sku}
		if units > 0 {
			// A fixed number of scale units: equal bounds (scalable-gateway.md).
			g.Properties.SKU.Capacity = units
			g.Properties.Extra = azure.Extra{"autoScaleConfiguration": json.RawMessage(fmt.Sprintf(`{"bounds":{"min":%d,"max":%d}}`, units, units))}
		}
		// No public address: an ExpressRoute gateway's own is managed by Microsoft.
		ip := azure.GatewayIPConfiguration{Name: "default"}
		ip.Properties.PrivateIPAllocationMethod = "Dynamic"
		ip.Properties.Subnet = ref(v.subnetID(gatewaySubnet))
		g.Properties.IPConfigurations = []azure.GatewayIPConfiguration{ip}
		k.rs = append(k.rs, g)
		for _, c := range v.circuits {
			n := &azure.VirtualNetworkGatewayConnection{Header: head(v.subscription, typeConnection, v.region, v.lob, roleGateway, v.connectionName(c))}
			n.Properties.ConnectionType = "ExpressRoute"
			n.Properties.VirtualNetworkGateway1, n.Properties.Peer = ref(v.gatewayID()), ref(c.id())
			n.Properties.RoutingWeight = c.weight(v.circuits)
			if v.subscription != c.subscription {
				n.Properties.AuthorizationKey = c.authorizationKey(v)
			}
			k.rs = append(k.rs, n)
		}
	}
}

func (v *vnet) connectionName(c *circuit) string {
	return "cn-" + v.suffix + "-" + strings.TrimPrefix(c.name, "er-")
}

func (c *circuit) authorizationName(v *vnet) string { return "auth-" + v.suffix }

// authorizationKey stands for the key that Azure makes with the authorization: nobody knows it before.
func (c *circuit) authorizationKey(v *vnet) string {
	return "<authorization " + c.authorizationName(v) + " of " + c.name + ">"
}

func (c *circuit) id() azure.ID { return resourceID(c.subscription, typeCircuit, c.name) }

func (p *port) id() azure.ID { return resourceID(p.subscription, typePort, p.name) }

// writeCircuits writes Direct ports, circuits with their peerings and authorizations, and route filters.
func (k *compiler) writeCircuits() {
	for _, p := range k.ports {
		r := &azure.ExpressRoutePort{Header: head(p.subscription, typePort, p.region, "", roleCircuit, p.name)}
		r.Properties = azure.ExpressRoutePortProperties{PeeringLocation: p.way.location, BandwidthInGbps: int(p.way.mbps / 1000), Encapsulation: p.way.access.Encapsulation, BillingType: "MeteredData"}
		k.rs = append(k.rs, r)
	}
	for _, c := range k.circuits {
		r := &azure.ExpressRouteCircuit{Header: head(c.subscription, typeCircuit, c.region, c.lob, roleCircuit, c.name)}
		if c.why != "" {
			r.Tags[TagWhy] = c.why
		}
		r.SKU = azure.SKU{Name: c.tier + "_" + c.family, Tier: c.tier, Family: c.family}
		if c.port != nil {
			gbps := float64(c.mbps) / 1000
			r.Properties.ExpressRoutePort, r.Properties.BandwidthInGbps = ref(c.port.id()), &gbps
		} else {
			r.Properties.ServiceProviderProperties = &azure.ServiceProviderProperties{ServiceProviderName: c.way.provider, PeeringLocation: c.way.location, BandwidthInMbps: int(c.mbps)}
		}
		for _, p := range []*peering{c.private, c.public} {
			if p != nil {
				r.Properties.Peerings = append(r.Properties.Peerings, k.peeringResource(c, p))
			}
		}
		for _, v := range c.networks {
			if v.subscription != c.subscription {
				a := azure.Authorization{ID: resourceID(c.subscription, typeAuth, c.name, c.authorizationName(v)), Name: c.authorizationName(v)}
				a.Properties.AuthorizationKey = c.authorizationKey(v)
				r.Properties.Authorizations = append(r.Properties.Authorizations, a)
			}
		}
		k.rs = append(k.rs, r)
		if c.public != nil {
			f := &azure.RouteFilter{Header: head(c.subscription, typeRouteFilter, c.region, c.lob, roleCircuit, c.filterName())}
			rule := azure.RouteFilterRule{ID: resourceID(c.subscription, typeRouteFilter+"/routeFilterRules", c.filterName(), "allow-services"), Name: "allow-services"}
			rule.Properties = azure.RouteFilterRuleProperties{Access: "Allow", RouteFilterRuleType: "Community", Communities: []string{}}
			for _, v := range c.public.communities {
				rule.Properties.Communities = append(rule.Properties.Communities, v.String())
			}
			f.Properties.Rules = []azure.RouteFilterRule{rule}
			k.rs = append(k.rs, f)
		}
	}
}

// TagWhy is the tag that says on a circuit what made it larger or of a higher tier than its bandwidth alone.
const TagWhy = "onramp-why"

func (c *circuit) filterName() string { return "rf-" + strings.TrimPrefix(c.name, "er-") }

func (k *compiler) peeringResource(c *circuit, p *peering) azure.Peering {
	r := azure.Peering{ID: resourceID(c.subscription, typePeering, c.name, p.kind), Name: p.kind}
	r.Properties = azure.PeeringProperties{PeeringType: p.kind, State: "Enabled", AzureASN: k.c.Limits().MicrosoftASN, PeerASN: uint32(c.asn),
		PrimaryPeerAddressPrefix: p.link[0].String(), SecondaryPeerAddressPrefix: p.link[1].String(), VLANID: p.vlan}
	config := func(ipv6 bool) *azure.MicrosoftPeeringConfig {
		// NONE leaves the ownership of the prefixes to be validated by hand; which registry holds them is not in the intent.
		return &azure.MicrosoftPeeringConfig{AdvertisedPublicPrefixes: prefixStrings(family(p.announced, ipv6)), CustomerASN: uint32(c.asn), RoutingRegistryName: "NONE"}
	}
	if p.kind == msPeering {
		r.Properties.RouteFilter = ref(resourceID(c.subscription, typeRouteFilter, c.filterName()))
		r.Properties.MicrosoftPeeringConfig = config(false)
	}
	if p.link6[0].IsValid() {
		r.Properties.IPv6PeeringConfig = &azure.IPv6PeeringConfig{PrimaryPeerAddressPrefix: p.link6[0].String(), SecondaryPeerAddressPrefix: p.link6[1].String(), State: "Enabled"}
		if p.kind == msPeering {
			r.Properties.IPv6PeeringConfig.MicrosoftPeeringConfig = config(true)
			r.Properties.IPv6PeeringConfig.RouteFilter = r.Properties.RouteFilter
		}
	}
	return r
}

// zones are the zones that a resource is spread over: all of the region's, where it has any.
func (k *compiler) zones(region string) []string {
	if r, ok := k.c.Region(region); ok && r.Zones {
		return []string{"1", "2", "3"}
	}
	return nil
}

// writeInspection writes the hubs' firewalls with their policies.
func (k *compiler) writeInspection() {
	if !k.inspects() {
		return
	}
	for _, hub := range k.hubs() {
		suffix := hub.suffix
		ip := &azure.PublicIPAddress{Header: head(hub.subscription, typePublicIP, hub.region, hub.lob, roleFirewall, "pip-fw-"+suffix)}
		ip.Zones = k.zones(hub.region)
		ip.SKU = azure.SKU{Name: "Standard", Tier: "Regional"}
		ip.Properties = azure.PublicIPAddressProperties{PublicIPAllocationMethod: "Static", PublicIPAddressVersion: "IPv4"}
		policy := &azure.FirewallPolicy{Header: head(hub.subscription, typePolicy, hub.region, hub.lob, roleFirewall, "fwp-"+suffix)}
		policy.Properties = azure.FirewallPolicyProperties{SKU: azure.SKU{Tier: "Standard"}, ThreatIntelMode: "Alert"}
		fw := &azure.AzureFirewall{Header: head(hub.subscription, typeFirewall, hub.region, hub.lob, roleFirewall, "fw-"+suffix)}
		fw.Zones = k.zones(hub.region)
		fw.Properties.SKU = azure.SKU{Name: "AZFW_VNet", Tier: "Standard"}
		fw.Properties.ThreatIntelMode = "Alert"
		fw.Properties.FirewallPolicy = ref(policy.ID)
		config := azure.GatewayIPConfiguration{Name: "default"}
		config.Properties = azure.GatewayIPConfigurationProperties{PrivateIPAddress: hub.firewallAddress().String(), Subnet: ref(hub.subnetID(firewallSubnet)), PublicIPAddress: ref(ip.ID)}
		fw.Properties.IPConfigurations = []azure.GatewayIPConfiguration{config}
		k.rs = append(k.rs, ip, policy, fw)
		if g := k.ruleGroup(hub); g != nil {
			k.rs = append(k.rs, g)
		}
	}
}

// writeTables writes the route tables.
func (k *compiler) writeTables() {
	for _, t := range k.tables() {
		r := &azure.RouteTable{Header: head(t.network.subscription, typeRouteTable, t.network.region, t.network.lob, roleRoutes, t.name)}
		r.Properties.DisableBGPRoutePropagation = t.isolated
		for _, x := range t.routes {
			route := azure.Route{ID: resourceID(t.network.subscription, typeRouteTable+"/routes", t.name, x.name), Name: x.name}
			route.Properties = azure.RouteProperties{AddressPrefix: x.prefix.String(), NextHopType: "None"}
			if x.to.IsValid() {
				route.Properties.NextHopType, route.Properties.NextHopIPAddress = "VirtualAppliance", x.to.String()
			}
			r.Properties.Routes = append(r.Properties.Routes, route)
		}
		k.rs = append(k.rs, r)
	}
}

// ruleGroup is the one rule collection group of a hub's policy: allow rules only, everything else is denied by default.
func (k *compiler) ruleGroup(hub *vnet) azure.Resource {
	allowed := k.allowances(hub)
	if len(allowed) == 0 {
		return nil
	}
	g := &azure.FirewallPolicyRuleCollectionGroup{Header: head(hub.subscription, typeRules, "", hub.lob, roleFirewall, "fwp-"+hub.suffix, "rcg-onramp")}
	g.Tags = nil // child resources have none
	c := azure.FirewallPolicyRuleCollection{RuleCollectionType: "FirewallPolicyFilterRuleCollection", Name: "allow", Priority: 100, Action: azure.FirewallAction{Type: "Allow"}}
	for _, a := range allowed {
		c.Rules = append(c.Rules, azure.FirewallPolicyRule{RuleType: "NetworkRule", Name: a.name, IPProtocols: []string{"Any"}, SourceAddresses: prefixStrings(a.from),
			DestinationAddresses: prefixStrings(a.to), DestinationPorts: []string{"*"}})
	}
	g.Properties = azure.FirewallPolicyRuleCollectionGroupProperties{Priority: 100, RuleCollections: []azure.FirewallPolicyRuleCollection{c}}
	return g
}

// monthlyUSD is what the access costs, nil when unknown.
func (w *way) monthlyUSD() *float64 {
	if w.access.MonthlyUSD == nil {
		return nil
	}
	v := *w.access.MonthlyUSD
	return &v
}
