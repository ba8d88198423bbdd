package arm

import (
	"strings"
)

// kind is a type of resource: where it is kept, what Azure owns of it, and what Azure says beside azure.Validate.
type kind struct {
	typ     string // Microsoft.Network/virtualNetworks/subnets
	segment string // its last part, in Azure's case
	parent  *kind
	// inside is the property of the parent in which children of this kind are kept and shown; "" for a resource with a record of its own.
	inside string
	// nowhere tells that it has no location: children, and resources of a whole subscription.
	nowhere bool
	// owned are the properties that only the service writes; what a client sends for them is not looked at.
	owned []string
	// keeps are the arrays of children that stay as they are when a PUT does not mention them (AssumeChildrenStay).
	keeps []string
	// fill completes a resource that passed: defaults, and what the service allocates.
	fill func(c *change) *Error
	// check refuses what azure.Validate, which sees only a state, cannot: changes of state.
	check func(c *change) *Error
	// leave refuses a deletion.
	leave func(c *change) *Error
	// inUse is the code of refusing to delete what others refer to (errors.csv).
	inUse string
	// joins are the rights on what a resource refers to (linked access), by property path; [] stands for every element. Those of children
	// count too when they come inside their parent.
	joins    []join
	children []*kind
	// fixed are the properties that cannot change after creation.
	fixed []string
}

// join is a reference that needs a right on its target.
type join struct {
	path   string // properties.subnets[].properties.routeTable.id
	action string // Microsoft.Network/routeTables/join/action
}

// childIn finds the kind of children by their part of a path, without case.
func (k *kind) childIn(segment string) *kind {
	for _, c := range k.children {
		if strings.EqualFold(c.segment, segment) {
			return c
		}
	}
	return nil
}

// kinds is the table of all kinds, by lower-case type.
type kinds map[string]*kind

func (ks kinds) of(typ string) *kind { return ks[strings.ToLower(typ)] }

// add puts a kind and those below it into the table.
func (ks kinds) add(k *kind) {
	k.segment = k.typ[strings.LastIndexByte(k.typ, '/')+1:]
	ks[strings.ToLower(k.typ)] = k
	for _, c := range k.children {
		c.parent = k
		ks.add(c)
	}
}

const netProvider = "Microsoft.Network/"

// newKinds is what this endpoint keeps.
func newKinds() kinds {
	ks := kinds{}
	subnetJoins := []join{
		{"properties.routeTable.id", netProvider + "routeTables/join/action"},
		{"properties.networkSecurityGroup.id", netProvider + "networkSecurityGroups/join/action"},
		{"properties.natGateway.id", netProvider + "natGateways/join/action"},
	}
	peer := join{"properties.remoteVirtualNetwork.id", netProvider + "virtualNetworks/peer/action"}
	configuration := []join{
		{"properties.ipConfigurations[].properties.subnet.id", netProvider + "virtualNetworks/subnets/join/action"},
		{"properties.ipConfigurations[].properties.publicIPAddress.id", netProvider + "publicIPAddresses/join/action"},
	}
	for _, k := range []*kind{
		{typ: "Microsoft.Resources/resourceGroups", owned: []string{"provisioningState"}},
		{
			typ: netProvider + "virtualNetworks", inUse: "InUseSubnetCannotBeDeleted", fill: fillVNet, leave: leaveVNet,
			owned: []string{"resourceGuid", "provisioningState"}, keeps: []string{"subnets", "virtualNetworkPeerings"},
			children: []*kind{
				{
					typ: netProvider + "virtualNetworks/subnets", inside: "subnets", nowhere: true, check: checkSubnet, inUse: "InUseSubnetCannotBeDeleted", joins: subnetJoins,
					owned: []string{"provisioningState", "ipConfigurations", "purpose", "privateEndpoints", "serviceAssociationLinks", "resourceNavigationLinks"},
				},
				{
					typ: netProvider + "virtualNetworks/virtualNetworkPeerings", inside: "virtualNetworkPeerings", nowhere: true, check: checkPeeringRemote, joins: []join{peer},
					owned: []string{"provisioningState", "peeringState", "peeringSyncLevel", "remoteAddressSpace", "remoteVirtualNetworkAddressSpace", "resourceGuid", "remoteBgpCommunities"},
				},
			},
		},
		{
			typ: netProvider + "routeTables", inUse: "InUseRouteTableCannotBeDeleted", keeps: []string{"routes"}, fill: fillRouteTable, owned: []string{"provisioningState", "resourceGuid", "subnets"},
			children: []*kind{{typ: netProvider + "routeTables/routes", inside: "routes", nowhere: true, owned: []string{"provisioningState", "hasBgpOverride"}}},
		},
		{
			typ: netProvider + "networkSecurityGroups", inUse: "InUseNetworkSecurityGroupCannotBeDeleted", keeps: []string{"securityRules"}, fill: fillSecurityGroup,
			owned:    []string{"provisioningState", "resourceGuid", "subnets", "networkInterfaces", "defaultSecurityRules", "flowLogs"},
			children: []*kind{{typ: netProvider + "networkSecurityGroups/securityRules", inside: "securityRules", nowhere: true, owned: []string{"provisioningState"}}},
		},
		{
			typ: netProvider + "publicIPAddresses", inUse: "PublicIPAddressCannotBeDeleted", fill: fillPublicAddress, owned: []string{"provisioningState", "resourceGuid", "ipAddress", "ipConfiguration"},
			joins: []join{{"properties.publicIPPrefix.id", netProvider + "publicIPPrefixes/join/action"}},
		},
		{typ: netProvider + "publicIPPrefixes", inUse: "InUsePublicIpPrefixCannotBeDeleted", fill: fillPublicPrefix, owned: []string{"provisioningState", "resourceGuid", "ipPrefix", "publicIPAddresses"}},
		{
			typ: netProvider + "natGateways", inUse: "InUseNatGatewayCannotBeDeleted", fill: fillPlain, owned: []string{"provisioningState", "resourceGuid", "subnets"},
			joins: []join{{"properties.publicIpAddresses[].id", netProvider + "publicIPAddresses/join/action"}, {"properties.publicIpPrefixes[].id", netProvider + "publicIPPrefixes/join/action"}},
		},
		{
			typ: netProvider + "networkInterfaces", inUse: "NicInUse", fill: fillInterface, joins: append([]join{{"properties.networkSecurityGroup.id", netProvider + "networkSecurityGroups/join/action"}}, configuration...),
			owned: []string{"provisioningState", "resourceGuid", "macAddress", "primary", "virtualMachine"},
		},
		{typ: netProvider + "localNetworkGateways", inUse: "Conflict", fill: fillPlain, owned: []string{"provisioningState", "resourceGuid"}},
		{
			typ: netProvider + "virtualNetworkGateways", inUse: "VirtualNetworkGatewayCannotBeDeleted", fill: fillGateway, joins: configuration,
			owned: []string{"provisioningState", "resourceGuid", "inboundDnsForwardingEndpoint"}, fixed: []string{"gatewayType", "vpnType"},
		},
		{
			typ: netProvider + "connections", fill: fillConnection, check: checkConnection, inUse: "Conflict",
			owned: []string{"provisioningState", "resourceGuid", "connectionStatus", "egressBytesTransferred", "ingressBytesTransferred", "tunnelConnectionStatus"},
			fixed: []string{"connectionType"},
			joins: []join{
				{"properties.virtualNetworkGateway1.id", netProvider + "virtualNetworkGateways/join/action"},
				{"properties.virtualNetworkGateway2.id", netProvider + "virtualNetworkGateways/join/action"},
				{"properties.localNetworkGateway2.id", netProvider + "localNetworkGateways/join/action"},
			},
		},
		{
			typ: netProvider + "expressRouteCircuits", inUse: "Conflict", keeps: []string{"peerings", "authorizations"}, fill: fillCircuit, check: checkCircuit, leave: leaveCircuit,
			owned: []string{"provisioningState", "circuitProvisioningState", "serviceProviderProvisioningState", "serviceKey", "stag", "globalReachEnabled", "gatewayManagerEtag", "authorizationStatus"},
			joins: []join{{"properties.expressRoutePort.id", netProvider + "expressRoutePorts/join/action"}},
			children: []*kind{
				{
					typ: netProvider + "expressRouteCircuits/peerings", inside: "peerings", nowhere: true, keeps: []string{"connections"}, check: checkPeering, fill: fillPeering, leave: leavePeering,
					owned: []string{"provisioningState", "azureASN", "primaryAzurePort", "secondaryAzurePort", "stats", "lastModifiedBy", "gatewayManagerEtag", "expressRouteConnection", "peeredConnections"},
					joins: []join{{"properties.routeFilter.id", netProvider + "routeFilters/join/action"}, {"properties.ipv6PeeringConfig.routeFilter.id", netProvider + "routeFilters/join/action"}},
					children: []*kind{{
						typ: netProvider + "expressRouteCircuits/peerings/connections", inside: "connections", nowhere: true, check: checkGlobalReach, fill: fillGlobalReach,
						owned: []string{"provisioningState", "circuitConnectionStatus"},
					}},
				},
				{
					typ: netProvider + "expressRouteCircuits/authorizations", inside: "authorizations", nowhere: true, fill: fillAuthorization, leave: leaveAuthorization,
					owned: []string{"provisioningState", "authorizationKey", "authorizationUseStatus", "connectionResourceUri"},
				},
			},
		},
		{
			typ: netProvider + "expressRoutePorts", inUse: "Conflict", fill: fillPort, check: checkPort,
			owned: []string{"provisioningState", "resourceGuid", "provisionedBandwidthInGbps", "mtu", "etherType", "allocationDate", "circuits"},
			fixed: []string{"peeringLocation", "bandwidthInGbps", "encapsulation"},
			children: []*kind{
				{typ: netProvider + "expressRoutePorts/links", inside: "links", nowhere: true, owned: []string{"provisioningState", "routerName", "interfaceName", "patchPanelId", "rackId", "connectorType", "coloLocation"}},
				{
					typ: netProvider + "expressRoutePorts/authorizations", inside: "authorizations", nowhere: true, fill: fillAuthorization,
					owned: []string{"provisioningState", "authorizationKey", "authorizationUseStatus", "circuitResourceUri"},
				},
			},
			keeps: []string{"links", "authorizations"},
		},
		{
			typ: netProvider + "routeFilters", inUse: "Conflict", keeps: []string{"rules"}, fill: fillPlain, owned: []string{"provisioningState", "peerings", "ipv6Peerings"},
			children: []*kind{{typ: netProvider + "routeFilters/routeFilterRules", inside: "rules", nowhere: true, owned: []string{"provisioningState"}}},
		},
		{
			typ: netProvider + "azureFirewalls", inUse: "Conflict", fill: fillFirewall, joins: append([]join{
				{"properties.firewallPolicy.id", netProvider + "firewallPolicies/join/action"},
				{"properties.managementIpConfiguration.properties.subnet.id", netProvider + "virtualNetworks/subnets/join/action"},
				{"properties.managementIpConfiguration.properties.publicIPAddress.id", netProvider + "publicIPAddresses/join/action"},
			}, configuration...),
			owned: []string{"provisioningState", "hubIPAddresses", "ipGroups"},
		},
		{
			typ: netProvider + "firewallPolicies", inUse: "Conflict", fill: fillPlain, owned: []string{"provisioningState", "firewalls", "ruleCollectionGroups", "childPolicies", "size"},
			children: []*kind{{typ: netProvider + "firewallPolicies/ruleCollectionGroups", nowhere: true, fill: fillPlain, owned: []string{"provisioningState", "size"}}},
		},
		hubKind(),
	} {
		ks.add(k)
	}
	return ks
}
