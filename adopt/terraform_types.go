package adopt

import (
	"fmt"
	"slices"
	"strings"
)

// The attributes of the provider azurerm (hashicorp/azurerm, versions 3 and 4) by resource type, and where ARM has them. What is in
// neither list of a type is named when it is met.

// move is an attribute with its place in ARM.
type move struct {
	from, to string
	// as changes the value; nil takes it as it is.
	as func(v any) any
	// each are the moves inside a block: of one (to an object) or, with list, of many.
	each []move
	list bool
}

// terraformType is a resource type of azurerm.
type terraformType struct {
	arm   string
	moves []move
	// ignored are attributes that only tell what Azure has made of others.
	ignored []string
	// more does what moves cannot.
	more func(a *attributes, o object)
	// id finds the id where the attribute id is none of Azure's.
	id          func(a *attributes) string
	association bool
}

// headMoves are what all resources have.
func headMoves() []move {
	return []move{{from: "location", to: "location"}, {from: "tags", to: "tags"}}
}

// ignored are attributes of all resources that say what the id says, or are about Terraform.
func ignored() []string {
	return []string{"id", "name", "resource_group_name", "timeouts"}
}

// reference makes a reference of an id.
func reference(v any) any {
	if s, ok := v.(string); ok && s != "" {
		return object{"id": s}
	}
	return nil
}

// enabled and disabled are how ARM writes some flags; not turns one round.
func enabled(v any) any {
	switch v {
	case true:
		return "Enabled"
	case false:
		return "Disabled"
	}
	return v
}

func not(v any) any {
	if b, ok := v.(bool); ok {
		return !b
	}
	return v
}

// number reads a number that Terraform keeps as text.
func number(v any) any {
	if s, ok := v.(string); ok {
		var n int64
		if _, err := fmt.Sscanf(s, "%d", &n); err == nil && fmt.Sprint(n) == s {
			return float64(n)
		}
	}
	return v
}

// services are service endpoints of their names.
func services(v any) any {
	l, ok := v.([]any)
	if !ok || len(l) == 0 {
		return nil
	}
	out := make([]any, 0, len(l))
	for _, s := range l {
		out = append(out, object{"service": s})
	}
	return out
}

// references are references of ids.
func references(v any) any {
	l, _ := v.([]any)
	var out []any
	for _, s := range l {
		if r := reference(s); r != nil {
			out = append(out, r)
		}
	}
	if out == nil {
		return nil
	}
	return out
}

func routeMoves() []move {
	return []move{{from: "address_prefix", to: "properties.addressPrefix"}, {from: "next_hop_type", to: "properties.nextHopType"}, {from: "next_hop_in_ip_address", to: "properties.nextHopIpAddress"}}
}

func securityMoves() []move {
	out := []move{{from: "description", to: "properties.description"}, {from: "protocol", to: "properties.protocol"}, {from: "access", to: "properties.access"}, {from: "direction", to: "properties.direction"}, {from: "priority", to: "properties.priority", as: number}}
	for _, side := range []string{"source", "destination"} {
		for _, x := range [][2]string{{"port_range", "PortRange"}, {"port_ranges", "PortRanges"}, {"address_prefix", "AddressPrefix"}, {"address_prefixes", "AddressPrefixes"}} {
			out = append(out, move{from: side + "_" + x[0], to: "properties." + side + x[1]})
		}
		out = append(out, move{from: side + "_application_security_group_ids", to: "properties." + side + "ApplicationSecurityGroups", as: references})
	}
	return out
}

func delegationMoves() []move {
	return []move{{from: "name", to: "name"}, {from: "service_delegation", each: []move{{from: "name", to: "properties.serviceName"}, {from: "actions"}}}}
}

// subnetMoves are what a subnet has, be it a resource of its own or in its network.
func subnetMoves() []move {
	return []move{
		{from: "address_prefix", to: "properties.addressPrefix"}, {from: "address_prefixes", to: "properties.addressPrefixes"},
		{from: "security_group", to: "properties.networkSecurityGroup", as: reference}, {from: "route_table_id", to: "properties.routeTable", as: reference},
		{from: "service_endpoints", to: "properties.serviceEndpoints", as: services}, {from: "service_endpoint_policy_ids", to: "properties.serviceEndpointPolicies", as: references},
		{from: "delegation", to: "properties.delegations", each: delegationMoves(), list: true},
		{from: "default_outbound_access_enabled", to: "properties.defaultOutboundAccess"},
		{from: "private_endpoint_network_policies", to: "properties.privateEndpointNetworkPolicies"},
		{from: "private_link_service_network_policies_enabled", to: "properties.privateLinkServiceNetworkPolicies", as: enabled},
		{from: "sharing_scope", to: "properties.sharingScope"},
	}
}

func microsoftMoves(to string) []move {
	return []move{
		{from: "advertised_public_prefixes", to: to + ".advertisedPublicPrefixes"}, {from: "customer_asn", to: to + ".customerASN"},
		{from: "routing_registry_name", to: to + ".routingRegistryName"}, {from: "advertised_communities", to: to + ".advertisedCommunities"},
	}
}

func configurationMoves() []move {
	return []move{
		{from: "name", to: "name"}, {from: "subnet_id", to: "properties.subnet", as: reference}, {from: "public_ip_address_id", to: "properties.publicIPAddress", as: reference},
		{from: "private_ip_address_allocation", to: "properties.privateIPAllocationMethod"}, {from: "private_ip_address", to: "properties.privateIPAddress"},
	}
}

// ruleMoves are what rules of firewalls' policies have.
func ruleMoves() []move {
	return []move{
		{from: "name", to: "name"}, {from: "description", to: "description"}, {from: "source_addresses", to: "sourceAddresses"}, {from: "source_ip_groups", to: "sourceIpGroups"},
		{from: "destination_addresses", to: "destinationAddresses"}, {from: "destination_ip_groups", to: "destinationIpGroups"}, {from: "destination_fqdns", to: "destinationFqdns"},
		{from: "destination_fqdn_tags", to: "fqdnTags"}, {from: "destination_urls", to: "targetUrls"}, {from: "terminate_tls", to: "terminateTLS"}, {from: "web_categories", to: "webCategories"},
		{from: "destination_ports", to: "destinationPorts"}, {from: "translated_address", to: "translatedAddress"}, {from: "translated_port", to: "translatedPort", as: asText}, {from: "translated_fqdn", to: "translatedFqdn"},
		{from: "destination_address", to: "destinationAddresses", as: asList},
	}
}

func asText(v any) any {
	if f, ok := v.(float64); ok {
		return fmt.Sprint(int64(f))
	}
	return v
}

func asList(v any) any {
	if s, ok := v.(string); ok && s != "" {
		return []any{s}
	}
	return nil
}

// terraformTypes are the resource types that are known, by name.
func terraformTypes() map[string]terraformType {
	return map[string]terraformType{
		"azurerm_resource_group": {arm: "Microsoft.Resources/resourceGroups", moves: []move{{from: "managed_by", to: "managedBy"}}, more: func(_ *attributes, o object) { inner(o, "properties") }},
		"azurerm_virtual_network": {
			arm: network + "virtualNetworks", ignored: []string{"guid"},
			moves: []move{
				{from: "address_space", to: "properties.addressSpace.addressPrefixes"}, {from: "dns_servers", to: "properties.dhcpOptions.dnsServers"},
				{from: "bgp_community", to: "properties.bgpCommunities.virtualNetworkCommunity"}, {from: "flow_timeout_in_minutes", to: "properties.flowTimeoutInMinutes"},
				{from: "ddos_protection_plan", each: []move{{from: "id", to: "properties.ddosProtectionPlan", as: reference}, {from: "enable", to: "properties.enableDdosProtection"}}},
				{from: "encryption", each: []move{{from: "enforcement", to: "properties.encryption.enforcement"}}},
				{from: "private_endpoint_vnet_policies", to: "properties.privateEndpointVNetPolicies"},
				{from: "subnet", to: "properties.subnets", each: append([]move{{from: "id"}, {from: "name", to: "name"}}, subnetMoves()...), list: true},
			},
			more: func(_ *attributes, o object) { oneOrMany(objects(o, "properties", "subnets")...) },
		},
		"azurerm_subnet": {
			arm: network + "virtualNetworks/subnets", moves: subnetMoves(), ignored: []string{"virtual_network_name", "enforce_private_link_endpoint_network_policies", "enforce_private_link_service_network_policies", "private_endpoint_network_policies_enabled"},
			more: func(_ *attributes, o object) { oneOrMany(o) },
		},
		"azurerm_virtual_network_peering": {
			arm: network + "virtualNetworks/virtualNetworkPeerings", ignored: []string{"virtual_network_name", "triggers"},
			moves: []move{
				{from: "remote_virtual_network_id", to: "properties.remoteVirtualNetwork", as: reference}, {from: "allow_virtual_network_access", to: "properties.allowVirtualNetworkAccess"},
				{from: "allow_forwarded_traffic", to: "properties.allowForwardedTraffic"}, {from: "allow_gateway_transit", to: "properties.allowGatewayTransit"}, {from: "use_remote_gateways", to: "properties.useRemoteGateways"},
				{from: "peer_complete_virtual_networks_enabled", to: "properties.peerCompleteVnets"}, {from: "only_ipv6_peering_enabled", to: "properties.enableOnlyIPv6Peering"},
				{from: "local_subnet_names", to: "properties.localSubnetNames"}, {from: "remote_subnet_names", to: "properties.remoteSubnetNames"},
			},
			more: func(_ *attributes, o object) {
				if find(o, "properties", "peerCompleteVnets") == true { // what is so where nobody says otherwise
					delete(inner(o, "properties"), "peerCompleteVnets")
				}
			},
		},
		"azurerm_route_table": {
			arm: network + "routeTables", ignored: []string{"subnets"},
			moves: []move{
				{from: "disable_bgp_route_propagation", to: "properties.disableBgpRoutePropagation"}, {from: "bgp_route_propagation_enabled", to: "properties.disableBgpRoutePropagation", as: not},
				{from: "route", to: "properties.routes", each: append([]move{{from: "name", to: "name"}}, routeMoves()...), list: true},
			},
		},
		"azurerm_route": {arm: network + "routeTables/routes", moves: routeMoves(), ignored: []string{"route_table_name"}},
		"azurerm_route_filter": {
			arm: network + "routeFilters",
			moves: []move{{from: "rule", to: "properties.rules", list: true, each: []move{
				{from: "name", to: "name"}, {from: "access", to: "properties.access"}, {from: "rule_type", to: "properties.routeFilterRuleType"}, {from: "communities", to: "properties.communities"},
			}}},
		},
		"azurerm_public_ip": {
			arm: network + "publicIPAddresses", ignored: []string{"ip_address", "fqdn"},
			moves: []move{
				{from: "sku", to: "sku.name"}, {from: "sku_tier", to: "sku.tier"}, {from: "allocation_method", to: "properties.publicIPAllocationMethod"}, {from: "ip_version", to: "properties.publicIPAddressVersion"},
				{from: "zones", to: "zones"}, {from: "idle_timeout_in_minutes", to: "properties.idleTimeoutInMinutes"}, {from: "domain_name_label", to: "properties.dnsSettings.domainNameLabel"},
				{from: "reverse_fqdn", to: "properties.dnsSettings.reverseFqdn"}, {from: "public_ip_prefix_id", to: "properties.publicIPPrefix", as: reference},
				{from: "ddos_protection_mode", to: "properties.ddosSettings.protectionMode"}, {from: "ddos_protection_plan_id", to: "properties.ddosSettings.ddosProtectionPlan", as: reference},
			},
			more: func(_ *attributes, o object) {
				if text(o, "properties", "ddosSettings", "protectionMode") == "VirtualNetworkInherited" { // what is so where nobody says otherwise
					delete(inner(o, "properties"), "ddosSettings")
				}
			},
		},
		"azurerm_network_security_group": {
			arm: network + "networkSecurityGroups", moves: []move{{from: "security_rule", to: "properties.securityRules", each: append([]move{{from: "name", to: "name"}}, securityMoves()...), list: true}},
		},
		"azurerm_network_security_rule":                     {arm: network + "networkSecurityGroups/securityRules", moves: securityMoves(), ignored: []string{"network_security_group_name"}},
		"azurerm_subnet_route_table_association":            {association: true},
		"azurerm_subnet_network_security_group_association": {association: true},
		"azurerm_subnet_nat_gateway_association":            {association: true},
		"azurerm_express_route_circuit": {
			arm: network + "expressRouteCircuits", ignored: []string{"service_key", "rate_limiting_enabled"},
			moves: []move{
				{from: "sku", each: []move{{from: "tier", to: "sku.tier"}, {from: "family", to: "sku.family"}}},
				{from: "service_provider_name", to: "properties.serviceProviderProperties.serviceProviderName"}, {from: "peering_location", to: "properties.serviceProviderProperties.peeringLocation"},
				{from: "bandwidth_in_mbps", to: "properties.serviceProviderProperties.bandwidthInMbps"}, {from: "express_route_port_id", to: "properties.expressRoutePort", as: reference},
				{from: "bandwidth_in_gbps", to: "properties.bandwidthInGbps"}, {from: "allow_classic_operations", to: "properties.allowClassicOperations"},
				{from: "service_provider_provisioning_state", to: "properties.serviceProviderProvisioningState"}, {from: "authorization_key", to: "properties.authorizationKey"},
			},
			more: func(_ *attributes, o object) {
				s := inner(o, "sku")
				s["name"] = text(s, "tier") + "_" + text(s, "family")
				p := inner(o, "properties")
				if find(o, "properties", "expressRoutePort") != nil {
					delete(p, "serviceProviderProperties")
				} else {
					delete(p, "bandwidthInGbps")
				}
			},
		},
		"azurerm_express_route_circuit_peering": {
			arm: network + "expressRouteCircuits/peerings", ignored: []string{"express_route_circuit_name", "ipv4_enabled", "gateway_manager_etag", "primary_azure_port", "secondary_azure_port"},
			moves: []move{
				{from: "peering_type", to: "properties.peeringType"}, {from: "peer_asn", to: "properties.peerASN"}, {from: "azure_asn", to: "properties.azureASN"}, {from: "vlan_id", to: "properties.vlanId"},
				{from: "primary_peer_address_prefix", to: "properties.primaryPeerAddressPrefix"}, {from: "secondary_peer_address_prefix", to: "properties.secondaryPeerAddressPrefix"},
				{from: "shared_key", to: "properties.sharedKey"}, {from: "route_filter_id", to: "properties.routeFilter", as: reference},
				{from: "microsoft_peering_config", each: microsoftMoves("properties.microsoftPeeringConfig")}, {from: "microsoft_peering", each: microsoftMoves("properties.microsoftPeeringConfig")},
				{from: "ipv6", each: []move{
					{from: "primary_peer_address_prefix", to: "properties.ipv6PeeringConfig.primaryPeerAddressPrefix"}, {from: "secondary_peer_address_prefix", to: "properties.ipv6PeeringConfig.secondaryPeerAddressPrefix"},
					{from: "enabled", to: "properties.ipv6PeeringConfig.state", as: enabled}, {from: "route_filter_id", to: "properties.ipv6PeeringConfig.routeFilter", as: reference},
					{from: "microsoft_peering", each: microsoftMoves("properties.ipv6PeeringConfig.microsoftPeeringConfig")},
				}},
			},
			more: func(a *attributes, o object) {
				state := "Enabled"
				if a.attrs["ipv4_enabled"] == false {
					state = "Disabled"
				}
				inner(o, "properties")["state"] = state
			},
		},
		"azurerm_express_route_circuit_authorization": {
			arm: network + "expressRouteCircuits/authorizations", ignored: []string{"express_route_circuit_name", "authorization_use_status"},
			moves: []move{{from: "authorization_key", to: "properties.authorizationKey"}}, more: func(_ *attributes, o object) { inner(o, "properties") },
		},
		"azurerm_express_route_circuit_connection": {
			arm: network + "expressRouteCircuits/peerings/connections",
			moves: []move{
				{from: "peering_id", to: "properties.expressRouteCircuitPeering", as: reference}, {from: "peer_peering_id", to: "properties.peerExpressRouteCircuitPeering", as: reference},
				{from: "address_prefix_ipv4", to: "properties.addressPrefix"}, {from: "address_prefix_ipv6", to: "properties.ipv6CircuitConnectionConfig.addressPrefix"}, {from: "authorization_key", to: "properties.authorizationKey"},
			},
		},
		"azurerm_express_route_port": {
			arm: network + "expressRoutePorts", ignored: []string{"ethertype", "guid", "mtu"},
			moves: []move{
				{from: "peering_location", to: "properties.peeringLocation"}, {from: "bandwidth_in_gbps", to: "properties.bandwidthInGbps"}, {from: "encapsulation", to: "properties.encapsulation"}, {from: "billing_type", to: "properties.billingType"},
			},
			more: func(a *attributes, _ object) { // links are Azure's, but for what is switched on and off and their encryption
				for _, n := range []string{"link1", "link2"} {
					a.used[n] = true
					l, _ := a.attrs[n].([]any)
					for _, e := range l {
						if o, ok := e.(object); ok && (o["admin_enabled"] == true || !empty(o["macsec_cak_keyvault_secret_id"])) {
							a.f.note(LeftOut, a.piece, n, "the state and the encryption of a port's links are not in a design")
						}
					}
				}
			},
		},
		"azurerm_virtual_network_gateway": {
			arm: network + "virtualNetworkGateways",
			moves: []move{
				{from: "type", to: "properties.gatewayType"}, {from: "vpn_type", to: "properties.vpnType"}, {from: "sku", to: "properties.sku.name"}, {from: "generation", to: "properties.vpnGatewayGeneration"},
				{from: "active_active", to: "properties.activeActive"}, {from: "enable_bgp", to: "properties.enableBgp"}, {from: "bgp_enabled", to: "properties.enableBgp"},
				{from: "remote_vnet_traffic_enabled", to: "properties.allowRemoteVnetTraffic"}, {from: "virtual_wan_traffic_enabled", to: "properties.allowVirtualWanTraffic"}, {from: "private_ip_address_enabled", to: "properties.enablePrivateIpAddress"},
				{from: "bgp_route_translation_for_nat_enabled", to: "properties.enableBgpRouteTranslationForNat"}, {from: "dns_forwarding_enabled", to: "properties.enableDnsForwarding"},
				{from: "ip_sec_replay_protection_enabled", to: "properties.disableIPSecReplayProtection", as: not}, {from: "default_local_network_gateway_id", to: "properties.gatewayDefaultSite", as: reference},
				{from: "minimum_scale_unit", to: "properties.autoScaleConfiguration.bounds.min"}, {from: "maximum_scale_unit", to: "properties.autoScaleConfiguration.bounds.max"},
				{from: "bgp_settings", each: []move{{from: "asn", to: "properties.bgpSettings.asn"}, {from: "peer_weight", to: "properties.bgpSettings.peerWeight"}, {from: "peering_addresses"}}},
				{from: "custom_route", each: []move{{from: "address_prefixes", to: "properties.customRoutes.addressPrefixes"}}},
				{from: "ip_configuration", to: "properties.ipConfigurations", each: configurationMoves(), list: true},
			},
			more: func(_ *attributes, o object) {
				s := inner(inner(o, "properties"), "sku")
				s["tier"] = s["name"]
				if lo, hi := find(o, "properties", "autoScaleConfiguration", "bounds", "min"), find(o, "properties", "autoScaleConfiguration", "bounds", "max"); lo != nil && lo == hi {
					s["capacity"] = lo
				}
			},
		},
		"azurerm_virtual_network_gateway_connection": {
			arm: network + "connections", ignored: []string{"connection_protocol", "dpd_timeout_seconds"},
			moves: []move{
				{from: "type", to: "properties.connectionType"}, {from: "virtual_network_gateway_id", to: "properties.virtualNetworkGateway1", as: reference}, {from: "express_route_circuit_id", to: "properties.peer", as: reference},
				{from: "peer_virtual_network_gateway_id", to: "properties.virtualNetworkGateway2", as: reference}, {from: "local_network_gateway_id", to: "properties.localNetworkGateway2", as: reference},
				{from: "authorization_key", to: "properties.authorizationKey"}, {from: "routing_weight", to: "properties.routingWeight"}, {from: "enable_bgp", to: "properties.enableBgp"}, {from: "bgp_enabled", to: "properties.enableBgp"},
				{from: "express_route_gateway_bypass", to: "properties.expressRouteGatewayBypass"}, {from: "private_link_fast_path_enabled", to: "properties.enablePrivateLinkFastPath"},
				{from: "connection_mode", to: "properties.connectionMode"}, {from: "shared_key", to: "properties.sharedKey"}, {from: "local_azure_ip_address_enabled", to: "properties.useLocalAzureIpAddress"},
				{from: "use_policy_based_traffic_selectors", to: "properties.usePolicyBasedTrafficSelectors"}, {from: "egress_nat_rule_ids", to: "properties.egressNatRules", as: references}, {from: "ingress_nat_rule_ids", to: "properties.ingressNatRules", as: references},
			},
		},
		"azurerm_firewall": {
			arm: network + "azureFirewalls",
			moves: []move{
				{from: "sku_name", to: "properties.sku.name"}, {from: "sku_tier", to: "properties.sku.tier"}, {from: "firewall_policy_id", to: "properties.firewallPolicy", as: reference}, {from: "threat_intel_mode", to: "properties.threatIntelMode"},
				{from: "zones", to: "zones"}, {from: "ip_configuration", to: "properties.ipConfigurations", each: configurationMoves(), list: true},
				{from: "virtual_hub", each: []move{{from: "virtual_hub_id", to: "properties.virtualHub", as: reference}, {from: "public_ip_count"}, {from: "public_ip_addresses"}, {from: "private_ip_address"}}},
				{from: "management_ip_configuration", to: "properties.managementIpConfiguration", each: configurationMoves()},
			},
		},
		"azurerm_firewall_policy": {
			arm: network + "firewallPolicies", ignored: []string{"child_policies", "firewalls", "rule_collection_groups"},
			moves: []move{{from: "sku", to: "properties.sku.tier"}, {from: "threat_intelligence_mode", to: "properties.threatIntelMode"}, {from: "base_policy_id", to: "properties.basePolicy", as: reference}, {from: "private_ip_ranges", to: "properties.snat.privateRanges"},
				{from: "dns", each: []move{{from: "proxy_enabled", to: "properties.dnsSettings.enableProxy"}, {from: "servers", to: "properties.dnsSettings.servers"}}}},
		},
		"azurerm_firewall_policy_rule_collection_group": {
			arm: network + "firewallPolicies/ruleCollectionGroups", ignored: []string{"firewall_policy_id"}, moves: []move{{from: "priority", to: "properties.priority"}}, more: ruleCollections,
		},
		"azurerm_role_assignment": {
			arm: typeAssignment, ignored: []string{"role_definition_name", "skip_service_principal_aad_check"},
			moves: []move{
				{from: "scope", to: "properties.scope"}, {from: "role_definition_id", to: "properties.roleDefinitionId"}, {from: "principal_id", to: "properties.principalId"}, {from: "principal_type", to: "properties.principalType"},
				{from: "description", to: "properties.description"}, {from: "condition", to: "properties.condition"}, {from: "condition_version", to: "properties.conditionVersion"},
				{from: "delegated_managed_identity_resource_id", to: "properties.delegatedManagedIdentityResourceId"},
			},
		},
		"azurerm_role_definition": {
			arm: typeDefinition, ignored: []string{"role_definition_id", "scope"},
			id: func(a *attributes) string {
				if s := a.text("role_definition_resource_id"); s != "" {
					return s
				}
				id, _, _ := strings.Cut(a.text("id"), "|") // the definition, and the scope at which it was read
				return id
			},
			moves: []move{
				{from: "name", to: "properties.roleName"}, {from: "description", to: "properties.description"}, {from: "assignable_scopes", to: "properties.assignableScopes"}, {from: "role_definition_resource_id"},
				{from: "permissions", to: "properties.permissions", list: true, each: []move{{from: "actions", to: "actions"}, {from: "not_actions", to: "notActions"}, {from: "data_actions", to: "dataActions"}, {from: "not_data_actions", to: "notDataActions"}}},
			},
			more: func(_ *attributes, o object) { inner(o, "properties")["type"] = "CustomRole" },
		},
		"azurerm_virtual_hub": {
			arm: network + "virtualHubs", ignored: []string{"default_route_table_id", "virtual_router_ips"},
			moves: []move{
				{from: "sku", to: "properties.sku"}, {from: "address_prefix", to: "properties.addressPrefix"}, {from: "virtual_wan_id", to: "properties.virtualWan", as: reference}, {from: "hub_routing_preference", to: "properties.hubRoutingPreference"},
				{from: "virtual_router_asn", to: "properties.virtualRouterAsn"}, {from: "branch_to_branch_traffic_enabled", to: "properties.allowBranchToBranchTraffic"},
				{from: "virtual_router_auto_scale_min_capacity", to: "properties.virtualRouterAutoScaleConfiguration.minCapacity"},
			},
		},
		"azurerm_route_server": {
			arm: network + "virtualHubs", ignored: []string{"virtual_router_ips", "routing_state", "subnet_id", "public_ip_address_id"},
			moves: []move{
				{from: "sku", to: "properties.sku"}, {from: "branch_to_branch_traffic_enabled", to: "properties.allowBranchToBranchTraffic"}, {from: "virtual_router_asn", to: "properties.virtualRouterAsn"},
				{from: "hub_routing_preference", to: "properties.hubRoutingPreference"},
			},
			more: func(_ *attributes, o object) { o["kind"] = "RouteServer" },
		},
	}
}

// oneOrMany gives subnets of one prefix the property that ARM has for it.
func oneOrMany(subnets ...object) {
	for _, s := range subnets {
		p := inner(s, "properties")
		l, _ := p["addressPrefixes"].([]any)
		if len(l) == 1 {
			p["addressPrefix"] = l[0]
		}
		if len(l) < 2 {
			delete(p, "addressPrefixes")
		}
	}
}

// ruleCollections puts a policy's collections together, which Terraform keeps by kind.
func ruleCollections(a *attributes, o object) {
	var out []any
	for _, kind := range []struct{ block, rule, collection string }{
		{"application_rule_collection", "ApplicationRule", "FirewallPolicyFilterRuleCollection"},
		{"network_rule_collection", "NetworkRule", "FirewallPolicyFilterRuleCollection"},
		{"nat_rule_collection", "NatRule", "FirewallPolicyNatRuleCollection"},
	} {
		l, _ := a.attrs[kind.block].([]any)
		a.used[kind.block] = true
		for i, e := range l {
			c, ok := e.(object)
			if !ok {
				continue
			}
			path := fmt.Sprintf("%s[%d]", kind.block, i)
			action, _ := c["action"].(string)
			if strings.EqualFold(action, "Dnat") {
				action = "DNAT"
			}
			to := object{"ruleCollectionType": kind.collection, "action": object{"type": action}}
			a.block(path, c, to, []move{{from: "name", to: "name"}, {from: "priority", to: "priority"}, {from: "action"}, {from: "rule"}})
			rules, _ := c["rule"].([]any)
			var list []any
			for j, e := range rules {
				r, ok := e.(object)
				if !ok {
					continue
				}
				rule := object{"ruleType": kind.rule}
				a.block(fmt.Sprintf("%s.rule[%d]", path, j), r, rule, append(ruleMoves(), move{from: "protocols"}))
				protocols(r, rule, kind.rule)
				list = append(list, rule)
			}
			if list != nil {
				to["rules"] = list
			}
			out = append(out, to)
		}
	}
	if out != nil {
		inner(o, "properties")["ruleCollections"] = out
	}
}

// protocols are names for addresses, and names with ports for applications.
func protocols(r, rule object, kind string) {
	l, _ := r["protocols"].([]any)
	if len(l) == 0 {
		return
	}
	if kind != "ApplicationRule" {
		rule["ipProtocols"] = l
		return
	}
	var out []any
	for _, e := range l {
		if p, ok := e.(object); ok {
			out = append(out, object{"protocolType": p["type"], "port": p["port"]})
		}
	}
	rule["protocols"] = out
}

// attributes are those of one instance, and which of them have found their place.
type attributes struct {
	*state
	*instance
	used map[string]bool
}

func (a *attributes) text(name string) string {
	a.used[name] = true
	s, _ := a.attrs[name].(string)
	return s
}

// move puts an attribute in its place.
func (a *attributes) move(o object, m move) {
	a.used[m.from] = true
	a.place("", a.attrs, o, m)
}

// place puts one value of an object in its place in another one.
func (a *attributes) place(path string, from, to object, m move) {
	v, ok := from[m.from]
	if !ok || v == nil {
		return
	}
	at := strings.TrimPrefix(path+"."+m.from, ".")
	if m.each == nil {
		if m.as != nil {
			v = m.as(v)
		}
		if v == nil || m.to == "" || v == "" {
			return
		}
		if l, ok := v.([]any); ok && len(l) == 0 {
			return
		}
		set(to, strings.Split(m.to, "."), v)
		return
	}
	blocks, ok := v.([]any)
	if o, single := v.(object); single {
		blocks, ok = []any{o}, true
	}
	if !ok {
		a.f.note(NotRead, a.piece, at, "it is no block")
		return
	}
	var list []any
	for i, e := range blocks {
		b, ok := e.(object)
		if !ok {
			continue
		}
		into := to
		if m.list || m.to != "" {
			into = object{}
		}
		where := at
		if len(blocks) > 1 || m.list {
			where = fmt.Sprintf("%s[%d]", at, i)
		}
		a.block(where, b, into, m.each)
		if m.list {
			list = append(list, into)
		} else if m.to != "" {
			set(to, strings.Split(m.to, "."), into)
		}
	}
	if list != nil {
		set(to, strings.Split(m.to, "."), list)
	}
}

// block places what is in a block, and names what has no place.
func (a *attributes) block(path string, from, to object, moves []move) {
	known := map[string]bool{}
	for _, m := range moves {
		known[m.from] = true
		a.place(path, from, to, m)
	}
	for _, name := range sortedKeys(from) {
		if !known[name] && !empty(from[name]) {
			a.f.note(NoCounterpart, a.piece, path+"."+name, "it has no place in ARM that is known, and is not in the design")
		}
	}
}

// rest names the attributes that have found no place.
func (a *attributes) rest(from object, ignored []string) {
	for _, name := range sortedKeys(from) {
		if v := from[name]; !a.used[name] && !empty(v) && v != false && !slices.Contains(ignored, name) && !unwritten(name, v) {
			a.f.note(NoCounterpart, a.piece, name, "it has no place in ARM that is known, and is not in the design")
		}
	}
}

// unwritten tells that an attribute is the version of a write-only argument that nobody gave: the provider puts 0 there.
func unwritten(name string, v any) bool {
	if !strings.HasSuffix(name, "_wo_version") {
		return false
	}
	s := fmt.Sprint(v)
	return s == "" || s == "0"
}

// set puts a value at a path.
func set(o object, path []string, v any) {
	for _, n := range path[:len(path)-1] {
		o = inner(o, n)
	}
	o[path[len(path)-1]] = v
}
