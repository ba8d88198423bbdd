package arm

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/network/armnetwork/v9"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/resources/armdeployments"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/resources/armresources/v3"

	"onramp/catalog"
)

// try is one row of the table of operations: a call and what has to come of it.
type try struct {
	op     string
	with   string // parameters that are not those of the world: name=value name=value
	body   string
	status int
	slow   int    // the status at Azure's pace, where it is another
	code   string // of a refusal
	query  string
}

// world are the names that the table's paths have unless a row says otherwise.
var world = map[string]string{
	"subscriptionId": "SUB", "resourceGroupName": "net", "location": "westeurope", "resourceProviderNamespace": "Microsoft.Network", "scope": "subscriptions/SUB/resourceGroups/net",
	"azureFirewallName": "fw", "circuitName": "er", "peeringName": "AzurePrivatePeering", "connectionName": "gr", "devicePath": "primary", "authorizationName": "auth",
	"expressRoutePortName": "ports", "linkName": "link1", "locationName": "Amsterdam", "firewallPolicyName": "policy", "ruleCollectionGroupName": "rules",
	"localNetworkGatewayName": "lng", "natGatewayName": "nat", "networkInterfaceName": "nic", "ipConfigurationName": "ip", "networkSecurityGroupName": "nsg",
	"defaultSecurityRuleName": "DenyAllInBound", "securityRuleName": "rule", "publicIpAddressName": "pip", "publicIpPrefixName": "prefix",
	"roleAssignmentName": "11111111-1111-4111-8111-111111111111", "roleDefinitionId": "22222222-2222-4222-8222-222222222222", "routeFilterName": "rf", "ruleName": "rule", "routeTableName": "rt",
	"routeName": "all", "virtualNetworkName": "v", "subnetName": "app", "virtualNetworkGatewayConnectionName": "cn", "virtualNetworkGatewayName": "gw", "virtualNetworkPeeringName": "to-w",
	"deploymentName": "dep", "virtualHubName": "rs", "ipConfigName": "ipconfig", "parentResourcePath": "virtualNetworks/v", "resourceType": "subnets", "resourceName": "app",
}

// pathOf is the path of an operation with its parameters.
func pathOf(op catalog.ARMOperation, with map[string]string) string {
	p := op.Path
	for n, v := range world {
		if o, ok := with[n]; ok {
			v = o
		}
		p = strings.ReplaceAll(p, "{"+n+"}", v)
	}
	for n, v := range with {
		p = strings.ReplaceAll(p, "{"+n+"}", v)
	}
	return p
}

const (
	aCircuit   = `{"location":"westeurope","sku":{"name":"Premium_MeteredData","tier":"Premium","family":"MeteredData"},"properties":{"serviceProviderProperties":{"serviceProviderName":"Equinix","peeringLocation":"%s","bandwidthInMbps":200}}}`
	aPeering   = `{"properties":{"peeringType":"AzurePrivatePeering","peerASN":65001,"primaryPeerAddressPrefix":"192.168.%[1]d.0/30","secondaryPeerAddressPrefix":"192.168.%[1]d.4/30","vlanId":100}}`
	aPublicIP  = `{"location":"westeurope","sku":{"name":"Standard"},"zones":["1","2","3"],"properties":{"publicIPAllocationMethod":"Static"}}`
	plain      = `{"location":"westeurope","properties":{}}`
	theVNet    = `{"location":"westeurope","properties":{"addressSpace":{"addressPrefixes":["10.1.0.0/16"]},"subnets":[{"name":"GatewaySubnet","properties":{"addressPrefix":"10.1.255.0/26"}},{"name":"RouteServerSubnet","properties":{"addressPrefix":"10.1.254.0/26"}},{"name":"AzureFirewallSubnet","properties":{"addressPrefix":"10.1.253.0/26"}},{"name":"app","properties":{"addressPrefix":"10.1.0.0/24"}}]}}`
	otherVNet  = `{"location":"westeurope","properties":{"addressSpace":{"addressPrefixes":["10.2.0.0/16"]}}}`
	aPeer      = `{"properties":{"remoteVirtualNetwork":{"id":"` + nets + `/virtualNetworks/w"},"allowVirtualNetworkAccess":true}}`
	aTable     = `{"location":"westeurope","properties":{"routes":[]}}`
	aRoute     = `{"properties":{"addressPrefix":"10.9.0.0/16","nextHopType":"VirtualAppliance","nextHopIpAddress":"10.1.0.10"}}`
	aRule      = `{"properties":{"protocol":"Tcp","sourcePortRange":"*","destinationPortRange":"443","sourceAddressPrefix":"*","destinationAddressPrefix":"*","access":"Allow","priority":200,"direction":"Inbound"}}`
	anNIC      = `{"location":"westeurope","properties":{"networkSecurityGroup":{"id":"` + nets + `/networkSecurityGroups/nsg"},"ipConfigurations":[{"name":"ip","properties":{"subnet":{"id":"` + nets + `/virtualNetworks/v/subnets/app"}}}]}}`
	aNAT       = `{"location":"westeurope","sku":{"name":"Standard"},"properties":{"publicIpPrefixes":[{"id":"` + nets + `/publicIPPrefixes/prefix"}]}}`
	aLocal     = `{"location":"westeurope","properties":{"gatewayIpAddress":"203.0.113.9","localNetworkAddressSpace":{"addressPrefixes":["10.50.0.0/16"]}}}`
	aGateway   = `{"location":"westeurope","properties":{"gatewayType":"ExpressRoute","sku":{"name":"ErGw1AZ","tier":"ErGw1AZ"},"ipConfigurations":[{"name":"default","properties":{"subnet":{"id":"` + nets + `/virtualNetworks/v/subnets/GatewaySubnet"}}}]}}`
	aLink      = `{"location":"westeurope","properties":{"connectionType":"ExpressRoute","virtualNetworkGateway1":{"id":"` + nets + `/virtualNetworkGateways/gw"},"peer":{"id":"` + nets + `/expressRouteCircuits/er"}}}`
	aReach     = `{"properties":{"expressRouteCircuitPeering":{"id":"` + nets + `/expressRouteCircuits/er/peerings/AzurePrivatePeering"},"peerExpressRouteCircuitPeering":{"id":"` + nets + `/expressRouteCircuits/er2/peerings/AzurePrivatePeering"},"addressPrefix":"172.16.0.0/29"}}`
	aPort      = `{"location":"westeurope","properties":{"peeringLocation":"Amsterdam","bandwidthInGbps":10,"encapsulation":"QinQ"}}`
	aFilter    = `{"location":"westeurope","properties":{"rules":[]}}`
	aFilterule = `{"properties":{"access":"Allow","routeFilterRuleType":"Community","communities":["12076:5010"]}}`
	aPolicy    = `{"location":"westeurope","properties":{"sku":{"tier":"Standard"},"threatIntelMode":"Alert"}}`
	aRuleGroup = `{"properties":{"priority":100,"ruleCollections":[]}}`
	aFirewall  = `{"location":"westeurope","properties":{"sku":{"name":"AZFW_VNet","tier":"Standard"},"firewallPolicy":{"id":"` + nets + `/firewallPolicies/policy"},"ipConfigurations":[{"name":"ip","properties":{"subnet":{"id":"` + nets + `/virtualNetworks/v/subnets/AzureFirewallSubnet"},"publicIPAddress":{"id":"` + nets + `/publicIPAddresses/pip"}}}]}}`
	aHub       = `{"location":"westeurope","kind":"RouteServer","properties":{"sku":"Standard","allowBranchToBranchTraffic":true}}`
	aHubConfig = `{"properties":{"subnet":{"id":"` + nets + `/virtualNetworks/v/subnets/RouteServerSubnet"},"publicIPAddress":{"id":"` + nets + `/publicIPAddresses/rspip"}}}`
	aHubPeer   = `{"properties":{"peerAsn":65010,"peerIp":"10.1.0.20"}}`
	aRole      = `{"properties":{"roleName":"Reader of circuits","type":"CustomRole","description":"reads","assignableScopes":["/subscriptions/SUB/resourceGroups/net"],"permissions":[{"actions":["Microsoft.Network/expressRouteCircuits/read"],"notActions":[]}]}}`
	anAssign   = `{"properties":{"roleDefinitionId":"/subscriptions/SUB/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7","principalId":"PRINCIPAL","principalType":"ServicePrincipal"}}`
	someTags   = `{"tags":{"cost":"network"}}`
	tagsAt     = `{"properties":{"tags":{"cost":"network"}}}`
	moreTags   = `{"operation":"Merge","properties":{"tags":{"owner":"me"}}}`
)

// rows is the table: on an empty subscription, in this order. CROSS stands for the group and KEY for the name of the circuit's cross connection.
func rows() []try {
	const cross = "resourceGroupName=CROSS crossConnectionName=KEY"
	var t []try
	add := func(op, with, body string, status int) *try {
		t = append(t, try{op: op, with: with, body: body, status: status})
		return &t[len(t)-1]
	}
	// life makes something twice: it is new, and then it is not.
	life := func(op, with, body string) {
		add(op+"_CreateOrUpdate", with, body, 201)
		add(op+"_CreateOrUpdate", with, body, 200)
		add(op+"_Get", with, "", 200)
	}
	no := func(op, with, body string, status int, code string) { add(op, with, body, status).code = code }

	no("ResourceGroups_Get", "", "", 404, "ResourceGroupNotFound")
	add("ResourceGroups_CheckExistence", "", "", 404)
	no("ResourceGroups_Delete", "", "", 404, "ResourceGroupNotFound")
	no("VirtualNetworks_CreateOrUpdate", "", theVNet, 404, "ResourceGroupNotFound")
	no("ResourceGroups_CreateOrUpdate", "", `{}`, 400, "LocationRequired")
	life("ResourceGroups", "", `{"location":"westeurope"}`)
	no("ResourceGroups_CreateOrUpdate", "", `{"location":"northeurope"}`, 409, "InvalidResourceGroupLocation")
	add("ResourceGroups_CheckExistence", "", "", 204)
	add("ResourceGroups_List", "", "", 200)
	add("ResourceGroups_Update", "", someTags, 200)

	for _, op := range []string{"Subscriptions_List", "Subscriptions_Get", "Subscriptions_ListLocations", "Tenants_List", "Providers_List", "Providers_ListAtTenantScope", "Providers_Get", "Providers_GetAtTenantScope", "ProviderResourceTypes_List", "Resources_List", "Resources_ListByResourceGroup", "BgpServiceCommunities_List", "ExpressRouteServiceProviders_List", "ExpressRoutePortsLocations_List", "ExpressRoutePortsLocations_Get", "Usages_List", "ServiceTags_List"} {
		add(op, "", "", 200)
	}
	for _, op := range []string{"Providers_Register", "Providers_Unregister"} {
		add(op, "", "", 200)
	}
	no("Providers_Get", "resourceProviderNamespace=Microsoft.Nothing", "", 404, "InvalidResourceNamespace")
	no("ServiceTags_List", "location=atlantis", "", 400, "LocationNotAvailableForResourceType")
	no("ExpressRoutePortsLocations_Get", "locationName=Atlantis", "", 404, "NotFound")
	add("Subscription_CheckResourceName", "", `{"name":"v","type":"Microsoft.Network/virtualNetworks"}`, 200)

	life("VirtualNetworks", "", theVNet)
	life("VirtualNetworks", "virtualNetworkName=w", otherVNet)
	no("VirtualNetworks_CreateOrUpdate", "", strings.Replace(theVNet, "westeurope", "northeurope", 1), 409, "InvalidResourceLocation")
	no("VirtualNetworks_CreateOrUpdate", "virtualNetworkName=x", strings.Replace(theVNet, "westeurope", "atlantis", 1), 400, "LocationNotAvailableForResourceType")
	no("VirtualNetworks_CreateOrUpdate", "virtualNetworkName=x", plain, 400, "NetcfgInvalidVirtualNetworkSite")
	add("VirtualNetworks_List", "", "", 200)
	add("VirtualNetworks_ListAll", "", "", 200)
	add("VirtualNetworks_UpdateTags", "", someTags, 200)
	add("VirtualNetworks_ListUsage", "", "", 200)
	add("VirtualNetworks_CheckIPAddressAvailability", "", "", 200).query = "ipAddress=10.1.0.4"
	no("VirtualNetworks_CheckIPAddressAvailability", "", "", 400, "InvalidParameter")
	no("VirtualNetworkPeerings_CreateOrUpdate", "virtualNetworkName=none", aPeer, 404, "ParentResourceNotFound")
	life("VirtualNetworkPeerings", "", aPeer)
	add("VirtualNetworkPeerings_List", "", "", 200)
	life("Subnets", "subnetName=more", `{"properties":{"addressPrefix":"10.1.9.0/24"}}`)
	no("Subnets_CreateOrUpdate", "subnetName=twice", `{"properties":{"addressPrefix":"10.1.9.0/25"}}`, 400, "NetcfgSubnetRangesOverlap")
	add("Subnets_List", "", "", 200)
	life("RouteTables", "", aTable)
	add("RouteTables_List", "", "", 200)
	add("RouteTables_ListAll", "", "", 200)
	add("RouteTables_UpdateTags", "", someTags, 200)
	life("Routes", "", aRoute)
	add("Routes_List", "", "", 200)
	life("NetworkSecurityGroups", "", plain)
	add("NetworkSecurityGroups_List", "", "", 200)
	add("NetworkSecurityGroups_ListAll", "", "", 200)
	add("NetworkSecurityGroups_UpdateTags", "", someTags, 200)
	life("SecurityRules", "", aRule)
	add("SecurityRules_List", "", "", 200)
	add("DefaultSecurityRules_List", "", "", 200)
	add("DefaultSecurityRules_Get", "", "", 200)
	life("PublicIPAddresses", "", aPublicIP)
	life("PublicIPAddresses", "publicIpAddressName=rspip", aPublicIP)
	add("PublicIPAddresses_List", "", "", 200)
	add("PublicIPAddresses_ListAll", "", "", 200)
	add("PublicIPAddresses_UpdateTags", "", someTags, 200)
	life("PublicIPPrefixes", "", `{"location":"westeurope","sku":{"name":"Standard"},"properties":{"prefixLength":30}}`)
	add("PublicIPPrefixes_List", "", "", 200)
	add("PublicIPPrefixes_ListAll", "", "", 200)
	add("PublicIPPrefixes_UpdateTags", "", someTags, 200)
	life("NatGateways", "", aNAT)
	add("NatGateways_List", "", "", 200)
	add("NatGateways_ListAll", "", "", 200)
	add("NatGateways_UpdateTags", "", someTags, 200)
	life("NetworkInterfaces", "", anNIC)
	add("NetworkInterfaces_List", "", "", 200)
	add("NetworkInterfaces_ListAll", "", "", 200)
	add("NetworkInterfaces_UpdateTags", "", someTags, 200)
	add("NetworkInterfaceIPConfigurations_List", "", "", 200)
	add("NetworkInterfaceIPConfigurations_Get", "", "", 200)
	add("NetworkInterfaces_GetEffectiveRouteTable", "", "", 200).slow = 202
	add("NetworkInterfaces_ListEffectiveNetworkSecurityGroups", "", "", 200).slow = 202
	life("LocalNetworkGateways", "", aLocal)
	add("LocalNetworkGateways_List", "", "", 200)
	add("LocalNetworkGateways_UpdateTags", "", someTags, 200)

	life("ExpressRouteCircuits", "", fmt.Sprintf(aCircuit, "Amsterdam"))
	life("ExpressRouteCircuits", "circuitName=er2", fmt.Sprintf(aCircuit, "London"))
	no("ExpressRouteCircuits_CreateOrUpdate", "", strings.Replace(fmt.Sprintf(aCircuit, "Amsterdam"), "200", "50", 1), 400, "BadRequest")
	no("ExpressRouteCircuits_CreateOrUpdate", "", fmt.Sprintf(aCircuit, "London"), 409, "PropertyChangeNotAllowed")
	add("ExpressRouteCircuits_List", "", "", 200)
	add("ExpressRouteCircuits_ListAll", "", "", 200)
	add("ExpressRouteCircuits_UpdateTags", "", someTags, 200)
	life("ExpressRouteCircuitPeerings", "", fmt.Sprintf(aPeering, 10))
	life("ExpressRouteCircuitPeerings", "circuitName=er2", fmt.Sprintf(aPeering, 11))
	add("ExpressRouteCircuitPeerings_List", "", "", 200)
	life("ExpressRouteCircuitConnections", "", aReach)
	add("ExpressRouteCircuitConnections_List", "", "", 200)
	add("PeerExpressRouteCircuitConnections_List", "circuitName=er2", "", 200)
	add("PeerExpressRouteCircuitConnections_Get", "circuitName=er2", "", 200)
	no("PeerExpressRouteCircuitConnections_Get", "", "", 404, "NotFound")
	life("ExpressRouteCircuitAuthorizations", "", `{}`)
	add("ExpressRouteCircuitAuthorizations_List", "", "", 200)
	add("ExpressRouteCircuits_GetStats", "", "", 200)
	add("ExpressRouteCircuits_GetPeeringStats", "", "", 200)
	for _, op := range []string{"ExpressRouteCircuits_ListArpTable", "ExpressRouteCircuits_ListRoutesTable", "ExpressRouteCircuits_ListRoutesTableSummary"} {
		add(op, "", "", 200).slow = 202
		no(op, "devicePath=third", "", 400, "InvalidParameter")
		no(op, "circuitName=none", "", 404, "ResourceNotFound")
	}
	life("VirtualNetworkGateways", "", aGateway)
	add("VirtualNetworkGateways_List", "", "", 200)
	add("VirtualNetworkGateways_UpdateTags", "", someTags, 200).slow = 202
	life("VirtualNetworkGatewayConnections", "", aLink)
	add("VirtualNetworkGatewayConnections_List", "", "", 200)
	add("VirtualNetworkGatewayConnections_UpdateTags", "", someTags, 200).slow = 202
	add("VirtualNetworkGateways_ListConnections", "", "", 200)
	add("VirtualNetworkGatewayConnections_GetSharedKey", "", "", 200)
	add("VirtualNetworkGatewayConnections_SetSharedKey", "", `{"value":"secret"}`, 201)
	add("VirtualNetworkGatewayConnections_SetSharedKey", "", `{"value":"secrets"}`, 200)
	no("VirtualNetworkGatewayConnections_SetSharedKey", "", `{}`, 400, "InvalidRequestContent")
	add("VirtualNetworkGatewayConnections_ResetSharedKey", "", `{"keyLength":64}`, 200).slow = 202
	no("VirtualNetworkGatewayConnections_ResetSharedKey", "", `{"keyLength":129}`, 400, "InvalidParameter")
	add("VirtualNetworkGatewayConnections_ResetConnection", "", "", 202)
	for _, op := range []string{"GetLearnedRoutes", "GetBgpPeerStatus", "GetAdvertisedRoutes", "Reset"} {
		x := add("VirtualNetworkGateways_"+op, "", "", 200)
		x.slow, x.query = 202, "peer=10.1.255.4"
	}
	no("VirtualNetworkGateways_GetAdvertisedRoutes", "", "", 400, "InvalidParameter")

	add("ExpressRouteCrossConnections_List", "", "", 200)
	add("ExpressRouteCrossConnections_ListByResourceGroup", "resourceGroupName=CROSS", "", 200)
	add("ExpressRouteCrossConnections_Get", cross, "", 200)
	no("ExpressRouteCrossConnections_Get", "resourceGroupName=CROSS crossConnectionName=none", "", 404, "ResourceNotFound")
	add("ExpressRouteCrossConnections_CreateOrUpdate", cross, `{"properties":{"serviceProviderProvisioningState":"Provisioned"}}`, 200)
	no("ExpressRouteCrossConnections_CreateOrUpdate", cross, `{"properties":{"serviceProviderProvisioningState":"Perhaps"}}`, 400, "InvalidParameter")
	add("ExpressRouteCrossConnections_UpdateTags", cross, someTags, 200)
	no("ExpressRouteCrossConnections_UpdateTags", cross, `{"tags":{"cost":1}}`, 400, "InvalidRequestContent")
	life("ExpressRouteCrossConnectionPeerings", cross+" peeringName=MicrosoftPeering", `{"properties":{"peeringType":"MicrosoftPeering","peerASN":64500,"primaryPeerAddressPrefix":"203.0.113.0/30","secondaryPeerAddressPrefix":"203.0.113.4/30","vlanId":300,"microsoftPeeringConfig":{"advertisedPublicPrefixes":["203.0.113.128/25"],"customerASN":0,"routingRegistryName":"NONE"}}}`)
	add("ExpressRouteCrossConnectionPeerings_List", cross, "", 200)
	for _, op := range []string{"ListArpTable", "ListRoutesTable", "ListRoutesTableSummary"} {
		add("ExpressRouteCrossConnections_"+op, cross, "", 200).slow = 202
	}
	add("ExpressRouteProviderPortsLocation_List", "", "", 200)
	add("ExpressRouteCrossConnectionPeerings_Delete", cross+" peeringName=MicrosoftPeering", "", 202)
	add("ExpressRouteCrossConnectionPeerings_Delete", cross+" peeringName=MicrosoftPeering", "", 204)

	life("ExpressRoutePorts", "", aPort)
	add("ExpressRoutePorts_List", "", "", 200)
	add("ExpressRoutePorts_ListByResourceGroup", "", "", 200)
	add("ExpressRoutePorts_UpdateTags", "", someTags, 200)
	add("ExpressRoutePorts_GenerateLOA", "", `{"customerName":"us"}`, 200)
	no("ExpressRoutePorts_GenerateLOA", "", `{}`, 400, "InvalidRequestContent")
	add("ExpressRouteLinks_List", "", "", 200)
	add("ExpressRouteLinks_Get", "", "", 200)
	life("ExpressRoutePortAuthorizations", "", `{}`)
	add("ExpressRoutePortAuthorizations_List", "", "", 200)
	life("RouteFilters", "", aFilter)
	add("RouteFilters_List", "", "", 200)
	add("RouteFilters_ListByResourceGroup", "", "", 200)
	add("RouteFilters_UpdateTags", "", someTags, 200)
	life("RouteFilterRules", "", aFilterule)
	add("RouteFilterRules_ListByRouteFilter", "", "", 200)
	life("FirewallPolicies", "", aPolicy)
	add("FirewallPolicies_List", "", "", 200)
	add("FirewallPolicies_ListAll", "", "", 200)
	add("FirewallPolicies_UpdateTags", "", someTags, 200)
	no("FirewallPolicyRuleCollectionGroups_CreateOrUpdate", "firewallPolicyName=none", aRuleGroup, 404, "ParentResourceNotFound")
	life("FirewallPolicyRuleCollectionGroups", "", aRuleGroup)
	add("FirewallPolicyRuleCollectionGroups_List", "", "", 200)
	life("AzureFirewalls", "", aFirewall)
	add("AzureFirewalls_List", "", "", 200)
	add("AzureFirewalls_ListAll", "", "", 200)
	add("AzureFirewalls_UpdateTags", "", someTags, 200).slow = 202
	no("VirtualHubs_CreateOrUpdate", "", plain, 400, "VirtualHubCannotBeCreatedOrUpdatedWithoutVirtualWan")
	life("VirtualHubs", "", aHub)
	add("VirtualHubs_List", "", "", 200)
	add("VirtualHubs_ListByResourceGroup", "", "", 200)
	add("VirtualHubs_UpdateTags", "", someTags, 200)
	no("VirtualHubIPConfiguration_CreateOrUpdate", "", strings.Replace(aHubConfig, "RouteServerSubnet", "app", 1), 400, "BadRequest")
	life("VirtualHubIPConfiguration", "", aHubConfig)
	no("VirtualHubIPConfiguration_CreateOrUpdate", "ipConfigName=second", aHubConfig, 400, "InvalidIPConfigCount")
	add("VirtualHubIPConfiguration_List", "", "", 200)
	life("VirtualHubBgpConnection", "", aHubPeer)
	no("VirtualHubBgpConnection_CreateOrUpdate", "connectionName=x", `{"properties":{"peerAsn":65515,"peerIp":"10.1.0.21"}}`, 400, "InvalidParameter")
	add("VirtualHubBgpConnections_List", "", "", 200)

	add("Tags_GetAtScope", "", "", 200)
	add("Tags_CreateOrUpdateAtScope", "", tagsAt, 200)
	add("Tags_UpdateAtScope", "", moreTags, 200)
	add("Tags_DeleteAtScope", "", "", 200)
	add("Tags_CreateOrUpdateAtScope", "scope=subscriptions/SUB/resourceGroups/net/providers/Microsoft.Network/virtualNetworks/v", tagsAt, 200)
	no("Tags_UpdateAtScope", "", `{"operation":"Shuffle","properties":{"tags":{}}}`, 400, "InvalidParameter")
	no("Tags_GetAtScope", "scope=subscriptions/SUB/resourceGroups/none", "", 404, "ResourceNotFound")
	add("RoleDefinitions_CreateOrUpdate", "", aRole, 201)
	add("RoleDefinitions_Get", "", "", 200)
	add("RoleDefinitions_List", "", "", 200)
	add("RoleAssignments_Create", "", anAssign, 201)
	add("RoleAssignments_Create", "", anAssign, 200)
	no("RoleAssignments_Create", "roleAssignmentName=33333333-3333-4333-8333-333333333333", anAssign, 409, "RoleAssignmentExists")
	no("RoleAssignments_Create", "", `{}`, 400, "InvalidRequestContent")
	add("RoleAssignments_Get", "", "", 200)
	for _, op := range []string{"ForScope", "ForSubscription", "ForResourceGroup"} {
		add("RoleAssignments_List"+op, "", "", 200)
	}
	add("RoleAssignments_ListForResource", "resourceType=virtualNetworks resourceName=v", "", 200)
	add("Permissions_ListForResource", "", "", 200)
	add("Permissions_ListForResourceGroup", "", "", 200)
	add("RoleAssignments_Delete", "", "", 200)
	add("RoleAssignments_Delete", "", "", 204)
	no("RoleAssignments_Get", "", "", 404, "RoleAssignmentNotFound")
	add("RoleDefinitions_Delete", "", "", 200)
	add("RoleDefinitions_Delete", "", "", 204)
	no("RoleDefinitions_Get", "", "", 404, "RoleDefinitionDoesNotExist")

	// A template at a group, and ones at a subscription and at the tenant with another in each.
	for at, body := range deploymentsAt() {
		const name = "Deployments_"
		no(name+"Get"+at, "", "", 404, "DeploymentNotFound")
		add(name+"CheckExistence"+at, "", "", 404)
		add(name+"Validate"+at, "", body, 200).slow = 202
		add(name+"WhatIf"+at, "", body, 200).slow = 202
		no(name+"Validate"+at, "", strings.Replace(body, "routeTables", "roadTables", 1), 400, "InvalidTemplateDeployment")
		add(name+"CreateOrUpdate"+at, "", body, 201)
		add(name+"CreateOrUpdate"+at, "", body, 200)
		no(name+"CreateOrUpdate"+at, "deploymentName=a*b", body, 400, "DeploymentNameInvalidCharacters")
		no(name+"CreateOrUpdate"+at, "deploymentName="+strings.Repeat("a", 65), body, 400, "DeploymentNameLengthLimitExceeded")
		no(name+"CreateOrUpdate"+at, "", strings.Replace(body, "Incremental", "Sometimes", 1), 400, "InvalidRequestContent")
		no(name+"CreateOrUpdate"+at, "", strings.Replace(body, `"template"`, `"templateLink"`, 1), 400, "InvalidContentLink")
		no(name+"Cancel"+at, "", "", 409, "Conflict")
		add(name+"Get"+at, "", "", 200)
		add(name+"CheckExistence"+at, "", "", 204)
		add(name+"ExportTemplate"+at, "", "", 200)
		no("DeploymentOperations_Get"+at, "operationId=none", "", 404, "DeploymentOperationNotFound")
		add("DeploymentOperations_List"+at, "", "", 200)
		add("DeploymentOperations_Get"+at, "operationId=STEP"+at, "", 200)
		list := "ListByResourceGroup"
		if at != "" {
			list = "List" + at
			no(name+"CreateOrUpdate"+at, "", strings.Replace(body, "westeurope", "northeurope", 1), 409, "InvalidDeploymentLocation")
			no(name+"CreateOrUpdate"+at, "", strings.Replace(body, `"location":"westeurope",`, "", 1), 400, "LocationRequired")
			no(name+"CreateOrUpdate"+at, "", strings.Replace(body, "Incremental", "Complete", 1), 400, "InvalidRequestContent")
		}
		add(name+list, "", "", 200)
		no(name+list, "", "", 400, "InvalidFilterInQueryString")
		t[len(t)-1].query = "$filter=name"
		add(name+"Delete"+at, "", "", 202)
		add(name+"Delete"+at, "", "", 204)
	}
	add("Deployments_CalculateTemplateHash", "", templateOf(aDeployedTable), 200)

	// What is in use stays; then everything goes, what uses before what is used.
	t = append(t, []try{
		{op: "VirtualNetworks_Delete", status: 400, code: "InUseSubnetCannotBeDeleted"}, {op: "Subnets_Delete", status: 400, code: "InUseSubnetCannotBeDeleted"},
		{op: "PublicIPAddresses_Delete", status: 400, code: "PublicIPAddressCannotBeDeleted"}, {op: "PublicIPPrefixes_Delete", status: 400, code: "InUsePublicIpPrefixCannotBeDeleted"},
		{op: "NetworkSecurityGroups_Delete", status: 400, code: "InUseNetworkSecurityGroupCannotBeDeleted"}, {op: "VirtualNetworkGateways_Delete", status: 400, code: "VirtualNetworkGatewayCannotBeDeleted"},
		{op: "ExpressRouteCircuits_Delete", status: 409, code: "Conflict"}, {op: "ExpressRouteCircuitPeerings_Delete", status: 409, code: "Conflict"}, {op: "VirtualHubs_Delete", status: 409, code: "CannotDeleteResource"},
		{op: "FirewallPolicies_Delete", status: 409, code: "CannotDeleteResource"},
	}...)
	for _, op := range []string{
		"VirtualHubBgpConnection", "VirtualHubIPConfiguration", "VirtualHubs", "AzureFirewalls", "FirewallPolicyRuleCollectionGroups", "FirewallPolicies", "RouteFilterRules", "RouteFilters", "ExpressRoutePortAuthorizations",
		"ExpressRoutePorts", "VirtualNetworkGatewayConnections", "VirtualNetworkGateways", "ExpressRouteCircuitConnections", "ExpressRouteCircuitAuthorizations", "ExpressRouteCircuitPeerings", "ExpressRouteCircuits",
		"LocalNetworkGateways", "NetworkInterfaces", "NatGateways", "PublicIPPrefixes", "PublicIPAddresses", "SecurityRules", "NetworkSecurityGroups", "Routes", "RouteTables", "VirtualNetworkPeerings", "Subnets", "VirtualNetworks",
	} {
		add(op+"_Delete", "", "", 202)
		add(op+"_Delete", "", "", 204)
		if op != "VirtualHubs" { // its children went before it
			code := "ResourceNotFound"
			if slices.Contains([]string{"RouteFilterRules", "ExpressRoutePortAuthorizations", "ExpressRouteCircuitConnections", "ExpressRouteCircuitAuthorizations", "ExpressRouteCircuitPeerings", "SecurityRules", "Routes", "VirtualNetworkPeerings", "Subnets"}, op) {
				code = "NotFound"
			}
			no(op+"_Get", "", "", 404, code)
		}
	}
	add("ResourceGroups_Delete", "", "", 202)
	return t
}

// deploymentsAt are bodies of deployments, by where they are to.
func deploymentsAt() map[string]string {
	return map[string]string{
		"": deploymentOf(templateOf(aDeployedTable)), "AtSubscriptionScope": `{"location":"westeurope",` + deploymentOf(templateOf(aDeployedGroup, nestedIn("net", templateOf(aDeployedTable))))[1:],
		"AtTenantScope": `{"location":"westeurope",` + deploymentOf(templateOf(nestedIn("net", templateOf(aDeployedTable), `"subscriptionId":"SUB"`)))[1:],
	}
}

// everywhere makes the owner the owner of the whole tenant.
func (r *rig) everywhere() {
	r.t.Helper()
	role, _ := r.config.Gate.Access.Definition("Owner")
	if _, refusal := r.config.Gate.Access.Assign(RoleAssignment{Name: guidOf("assignment", "everywhere"), Scope: "/", Role: role.ID, Principal: r.owner.ObjectID}); refusal != nil {
		r.t.Fatal(refusal)
	}
}

// never are the statuses of an operation that this endpoint does not answer, with why.
func never(op catalog.ARMOperation, status int) string {
	switch {
	case op.Method == "DELETE" && op.LongRunning && status == 200 && !strings.HasPrefix(op.ID, "Tags_"):
		return "a deletion is accepted, or there was nothing"
	case op.ID == "NatGateways_CreateOrUpdate" && status == 202:
		return "a PUT answers with the resource"
	case strings.HasPrefix(op.ID, "Tags_") && status == 202:
		return "tags are written at once"
	case op.ID == "AsyncOperations_Cancel" && status == 200, op.ID == "AsyncOperations_Result" && status == 204:
		return "there is a body, or none"
	}
	return ""
}

// models are the SDK's types of what operations answer, by the first part of their names, or the whole.
func models() map[string]func() any {
	return map[string]func() any{
		"AzureFirewalls": of[armnetwork.AzureFirewall], "BgpServiceCommunities": of[armnetwork.BgpServiceCommunity], "DefaultSecurityRules": of[armnetwork.SecurityRule],
		"ExpressRouteCircuitAuthorizations": of[armnetwork.ExpressRouteCircuitAuthorization], "ExpressRouteCircuitConnections": of[armnetwork.ExpressRouteCircuitConnection],
		"ExpressRouteCircuitPeerings": of[armnetwork.ExpressRouteCircuitPeering], "ExpressRouteCircuits": of[armnetwork.ExpressRouteCircuit],
		"PeerExpressRouteCircuitConnections":   of[armnetwork.PeerExpressRouteCircuitConnection],
		"ExpressRouteCircuits_GetPeeringStats": of[armnetwork.ExpressRouteCircuitStats], "ExpressRouteCircuits_GetStats": of[armnetwork.ExpressRouteCircuitStats],
		"ExpressRouteCircuits_ListArpTable": of[armnetwork.ExpressRouteCircuitArpTable], "ExpressRouteCircuits_ListRoutesTable": of[armnetwork.ExpressRouteCircuitRoutesTable],
		"ExpressRouteCircuits_ListRoutesTableSummary": of[armnetwork.ExpressRouteCircuitRoutesTableSummary],
		"ExpressRouteCrossConnectionPeerings":         of[armnetwork.ExpressRouteCrossConnectionPeering], "ExpressRouteCrossConnections": of[armnetwork.ExpressRouteCrossConnection],
		"ExpressRouteCrossConnections_ListArpTable": of[armnetwork.ExpressRouteCircuitArpTable], "ExpressRouteCrossConnections_ListRoutesTable": of[armnetwork.ExpressRouteCircuitRoutesTable],
		"ExpressRouteCrossConnections_ListRoutesTableSummary": of[armnetwork.ExpressRouteCrossConnectionRoutesTableSummary],
		"ExpressRouteLinks": of[armnetwork.ExpressRouteLink], "ExpressRoutePortAuthorizations": of[armnetwork.ExpressRoutePortAuthorization], "ExpressRoutePortsLocations": of[armnetwork.ExpressRoutePortsLocation],
		"ExpressRoutePorts": of[armnetwork.ExpressRoutePort], "ExpressRoutePorts_GenerateLOA": of[armnetwork.GenerateExpressRoutePortsLOAResult], "ExpressRouteProviderPortsLocation": of[armnetwork.ExpressRouteProviderPort],
		"ExpressRouteServiceProviders": of[armnetwork.ExpressRouteServiceProvider], "FirewallPolicies": of[armnetwork.FirewallPolicy], "FirewallPolicyRuleCollectionGroups": of[armnetwork.FirewallPolicyRuleCollectionGroup],
		"LocalNetworkGateways": of[armnetwork.LocalNetworkGateway], "NatGateways": of[armnetwork.NatGateway], "NetworkInterfaceIPConfigurations": of[armnetwork.InterfaceIPConfiguration], "NetworkInterfaces": of[armnetwork.Interface],
		"NetworkInterfaces_GetEffectiveRouteTable": of[armnetwork.EffectiveRoute], "NetworkInterfaces_ListEffectiveNetworkSecurityGroups": of[armnetwork.EffectiveNetworkSecurityGroup],
		"NetworkSecurityGroups": of[armnetwork.SecurityGroup], "PublicIPAddresses": of[armnetwork.PublicIPAddress], "PublicIPPrefixes": of[armnetwork.PublicIPPrefix], "RouteFilterRules": of[armnetwork.RouteFilterRule],
		"RouteFilters": of[armnetwork.RouteFilter], "RouteTables": of[armnetwork.RouteTable], "Routes": of[armnetwork.Route], "SecurityRules": of[armnetwork.SecurityRule], "ServiceTags": of[armnetwork.ServiceTagsListResult],
		"Subnets": of[armnetwork.Subnet], "Usages": of[armnetwork.Usage], "VirtualHubs": of[armnetwork.VirtualHub], "VirtualHubIPConfiguration": of[armnetwork.HubIPConfiguration], "VirtualHubBgpConnection": of[armnetwork.BgpConnection],
		"VirtualHubBgpConnections": of[armnetwork.BgpConnection], "VirtualNetworkGatewayConnections": of[armnetwork.VirtualNetworkGatewayConnection],
		"VirtualNetworkGatewayConnections_GetSharedKey": of[armnetwork.ConnectionSharedKey], "VirtualNetworkGatewayConnections_SetSharedKey": of[armnetwork.ConnectionSharedKey],
		"VirtualNetworkGatewayConnections_ResetSharedKey": of[armnetwork.ConnectionResetSharedKey], "VirtualNetworkGateways": of[armnetwork.VirtualNetworkGateway],
		"VirtualNetworkGateways_ListConnections": of[armnetwork.VirtualNetworkGatewayConnectionListEntity], "VirtualNetworkGateways_GetLearnedRoutes": of[armnetwork.GatewayRoute],
		"VirtualNetworkGateways_GetAdvertisedRoutes": of[armnetwork.GatewayRoute], "VirtualNetworkGateways_GetBgpPeerStatus": of[armnetwork.BgpPeerStatus], "VirtualNetworkPeerings": of[armnetwork.VirtualNetworkPeering],
		"VirtualNetworks": of[armnetwork.VirtualNetwork], "VirtualNetworks_ListUsage": of[armnetwork.VirtualNetworkUsage], "VirtualNetworks_CheckIPAddressAvailability": of[armnetwork.IPAddressAvailabilityResult],
		"Deployments": of[armdeployments.DeploymentExtended], "Deployments_Validate": of[armdeployments.DeploymentValidateResult], "Deployments_WhatIf": of[armdeployments.WhatIfOperationResult],
		"Deployments_ExportTemplate": of[armdeployments.DeploymentExportResult], "Deployments_CalculateTemplateHash": of[armdeployments.TemplateHashResult], "DeploymentOperations": of[armdeployments.DeploymentOperation],
		"ResourceGroups": of[armresources.ResourceGroup], "Resources": of[armresources.GenericResourceExpanded], "Providers": of[armresources.Provider], "Tags": of[armresources.TagsResource],
	}
}

func of[T any]() any { return new(T) }

// plainAnswers are operations whose answers no model of the SDK packages at hand has.
var plainAnswers = []string{"AsyncOperations", "Permissions", "ProviderResourceTypes", "RoleAssignments", "RoleDefinitions", "Subscription", "Subscriptions", "Tenants"}

// survives decodes an answer as the SDK does and returns what of it the SDK's model lost or changed.
func survives(model any, sent object) []string {
	b, err := json.Marshal(sent)
	if err != nil {
		return []string{err.Error()}
	}
	if err := json.Unmarshal(b, model); err != nil {
		return []string{err.Error()}
	}
	if b, err = json.Marshal(model); err != nil {
		return []string{err.Error()}
	}
	var back object
	if err := json.Unmarshal(b, &back); err != nil {
		return []string{err.Error()}
	}
	return lost(sent, back, "")
}

func lost(sent, back any, at string) []string {
	var out []string
	switch x := sent.(type) {
	case object:
		y, _ := back.(object)
		for _, k := range slices.Sorted(maps.Keys(x)) {
			out = append(out, lost(x[k], y[k], at+"."+k)...)
		}
	case []any:
		y, _ := back.([]any)
		if len(x) != len(y) {
			return []string{fmt.Sprintf("%s: %d elements, not %d", at, len(y), len(x))}
		}
		for i := range x {
			out = append(out, lost(x[i], y[i], at+"[]")...)
		}
	default:
		if !reflect.DeepEqual(sent, back) {
			out = append(out, fmt.Sprintf("%s: %v, not %v", at, back, sent))
		}
	}
	return out
}

// unmodelled are properties that Azure answers and the SDK's models do not have.
func unmodelled(problem string) bool {
	for _, p := range []string{".type: <nil>", ".etag: <nil>"} {
		if strings.Contains(problem, p) {
			return true
		}
	}
	return false
}

// table runs the rows at a pace and tells which statuses each operation answered.
func table(t *testing.T, pace Pace) map[string]map[int]bool {
	r := newRig(t, func(c *Config) { c.Pace = pace })
	r.everywhere()
	ops := map[string]catalog.ARMOperation{}
	for _, o := range Operations(r.config.Catalog) {
		if o.Served {
			ops[o.ID] = o.ARMOperation
		}
	}
	done := map[string]map[int]bool{}
	note := func(op string, status int) {
		if done[op] == nil {
			done[op] = map[int]bool{}
		}
		done[op][status] = true
	}
	tell, err := r.config.Gate.Directory.AddPrincipal("other", "", "", "a-secret-that-is-long-enough-2")
	if err != nil {
		t.Fatal(err)
	}
	types := models()
	decoded := func(op catalog.ARMOperation, o object, where string) {
		make := types[strings.TrimSuffix(strings.TrimSuffix(op.ID, "AtSubscriptionScope"), "AtTenantScope")]
		first, _, _ := strings.Cut(op.ID, "_")
		if make == nil {
			make = types[first]
		}
		if make == nil {
			if !slices.Contains(plainAnswers, first) {
				t.Errorf("%s: no model of the SDK", op.ID)
			}
			return
		}
		all := []object{o}
		if l, ok := o["value"].([]any); ok {
			all = nil
			for _, x := range l {
				all = append(all, x.(object))
			}
		}
		seen := map[string]bool{}
		for _, x := range all {
			for _, p := range survives(make(), x) {
				if !unmodelled(p) && !seen[p] {
					seen[p] = true
					t.Errorf("%s: the SDK reads %s", where, p)
				}
			}
		}
	}
	key := ""
	// asked follows an operation to its end.
	follow := func(op catalog.ARMOperation, where, path, body string, h http.Header) {
		pending := pace == PaceAzure
		if h.Get("Retry-After") == "" {
			t.Errorf("%s: an operation without Retry-After", where)
		}
		ask := func(u string) (int, object) {
			status, o, h := r.call("GET", local(t, u), "")
			if status < 300 && h.Get("Content-Length") != "0" && !strings.HasPrefix(h.Get("Content-Type"), "application/json") {
				t.Errorf("%s: %s is %q", where, u, h.Get("Content-Type"))
			}
			f, _ := r.router.match("GET", strings.SplitN(local(t, u), "?", 2)[0])
			if !slices.Contains(f.op.Success, status) {
				t.Errorf("%s: %s answers %d", where, f.op.ID, status)
			}
			note(f.op.ID, status)
			return status, o
		}
		async, location := h.Get("Azure-AsyncOperation"), h.Get("Location")
		if async == "" && location == "" {
			t.Errorf("%s: an operation that cannot be followed", where)
		}
		if pending {
			if async != "" {
				if _, o := ask(async); !slices.Contains([]string{"InProgress", "Running"}, text(o, "status")) {
					t.Errorf("%s: %v", where, o)
				}
			}
			if location != "" {
				if status, _ := ask(location); status != 202 {
					t.Errorf("%s: the result is there already: %d", where, status)
				}
			}
			if strings.HasPrefix(op.ID, "Deployments_Create") {
				if status, o, _ := r.call(op.Method, path, body); status != 409 || text(o, "error", "code") != "DeploymentActive" {
					t.Errorf("%s, twice at a time: %d %v", where, status, o)
				}
			} else if op.Method != "POST" && !strings.HasPrefix(op.ID, "Deployments_") {
				if status, o, h := r.call(op.Method, path, body); status != 429 || text(o, "error", "code") != "AnotherOperationInProgress" || h.Get("Retry-After") == "" {
					t.Errorf("%s, twice at a time: %d %v", where, status, o)
				}
			}
			r.clock.add(31 * time.Minute)
			r.engine.settle()
		}
		if async != "" {
			if _, o := ask(async); text(o, "status") != "Succeeded" {
				t.Errorf("%s: %v", where, o)
			}
		}
		if location != "" {
			status, o := ask(location)
			if status != 200 {
				t.Errorf("%s: the result is %d", where, status)
			}
			if len(o) > 0 {
				decoded(op, o, where+", its result")
			}
		}
	}
	for i, row := range rows() {
		op, ok := ops[row.op]
		if !ok {
			t.Errorf("row %d: %s is not served", i, row.op)
			continue
		}
		with := map[string]string{}
		fix := func(s string) string {
			if strings.Contains(s, "KEY") && key == "" {
				o := r.must(200, "GET", nets+"/expressRouteCircuits/er", "")
				key = text(o, "properties", "serviceKey")
			}
			for at := range deploymentsAt() {
				if s == "operationId=STEP"+at {
					path := pathOf(ops["DeploymentOperations_List"+at], nil)
					s = strings.Replace(s, "STEP"+at, text(list(r.must(200, "GET", path, ""), "value")[0], "operationId"), 1)
				}
			}
			return strings.NewReplacer("CROSS", "CrossConnection-Amsterdam", "KEY", key, "PRINCIPAL", tell.ObjectID).Replace(s)
		}
		for _, w := range strings.Fields(fix(row.with)) {
			n, v, _ := strings.Cut(w, "=")
			with[n] = v
		}
		path := pathOf(op, with)
		if strings.Contains(path, "{") {
			t.Fatalf("%s: %s", row.op, path)
		}
		if f, _ := r.router.match(op.Method, path); f.route == nil || f.op.ID != op.ID {
			if f.route == nil || pathOf(f.op, with) != path {
				t.Errorf("%s: %s goes elsewhere", row.op, path)
			}
		}
		full := path
		if row.query != "" {
			full += "?" + row.query
		}
		body := fix(row.body)
		status, o, h := r.call(op.Method, full, body)
		where := fmt.Sprintf("%s %s (%s)", op.ID, path, pace)
		want := row.status
		if row.slow != 0 && pace == PaceAzure {
			want = row.slow
		}
		if status != want || text(o, "error", "code") != row.code {
			t.Errorf("%s: %d %s, not %d %s: %s", where, status, text(o, "error", "code"), want, row.code, text(o, "error", "message"))
			continue
		}
		note(op.ID, status)
		if status >= 400 {
			if status != 404 || op.Method != "HEAD" {
				if text(o, "error", "message") == "" {
					t.Errorf("%s: refused without a word", where)
				}
			}
			continue
		}
		if !slices.Contains(op.Success, status) {
			t.Errorf("%s: %d is none of %v", where, status, op.Success)
		}
		if len(o) > 0 {
			if !strings.HasPrefix(h.Get("Content-Type"), "application/json") {
				t.Errorf("%s: %s", where, h.Get("Content-Type"))
			}
			decoded(op, o, where)
		}
		if h.Get("Azure-AsyncOperation") != "" || h.Get("Location") != "" {
			follow(op, where, full, body, h)
		} else if op.LongRunning && status != 200 && status != 204 {
			t.Errorf("%s: %d and nothing to follow", where, status)
		}
	}
	if pace == PaceAzure { // an operation that is cancelled
		r.must(201, "PUT", group, `{"location":"westeurope"}`)
		_, _, h := r.call("PUT", nets+"/routeTables/x", aTable)
		status, _, _ := r.call("POST", strings.Replace(local(t, h.Get("Azure-AsyncOperation")), "?", "/cancel?", 1), "")
		note("AsyncOperations_Cancel", status)
		for at, body := range deploymentsAt() {
			r.must(201, "PUT", pathOf(ops["Deployments_CreateOrUpdate"+at], nil), body)
			status, _, _ := r.call("POST", pathOf(ops["Deployments_Cancel"+at], nil), "")
			note("Deployments_Cancel"+at, status)
			r.clock.add(time.Minute) // what was begun ends
			r.engine.settle()
		}
	}
	return done
}

func TestEachServedOperationAnswersEachStatusThatItMay(t *testing.T) {
	t.Parallel()
	done := map[string]map[int]bool{}
	for _, pace := range []Pace{PaceInstant, PaceAzure} {
		for op, statuses := range table(t, pace) {
			if done[op] == nil {
				done[op] = map[int]bool{}
			}
			maps.Copy(done[op], statuses)
		}
	}
	c, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range Operations(c) {
		if !o.Served {
			continue
		}
		for _, s := range o.Success {
			switch why := never(o.ARMOperation, s); {
			case why == "" && !done[o.ID][s]:
				t.Errorf("%s is not seen to answer %d", o.ID, s)
			case why != "" && done[o.ID][s]:
				t.Errorf("%s answers %d, though %s", o.ID, s, why)
			}
		}
	}
}

// records are everything that the store has, to see that a refusal wrote nothing.
func (r *rig) records() map[string]uint64 {
	r.t.Helper()
	out := map[string]uint64{}
	if err := r.config.Store.Load(func(x Record) error { out[x.Key] = x.Revision; return nil }); err != nil {
		r.t.Fatal(err)
	}
	return out
}

func TestWhatIsNotServedIsNotImplementedAndWritesNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.everywhere()
	r.must(201, "PUT", group, `{"location":"westeurope"}`)
	before := r.records()
	seen := 0
	for _, o := range Operations(r.config.Catalog) {
		if o.Served || strings.HasPrefix(o.Path, "/{") && !strings.HasPrefix(o.Path, "/{scope}") {
			continue
		}
		with := map[string]string{}
		for _, part := range strings.Split(o.Path, "/") {
			if n := strings.Trim(part, "{}"); n != part && world[n] == "" {
				with[n] = "x"
			}
		}
		path := pathOf(o.ARMOperation, with)
		if f, _ := r.router.match(o.Method, path); f.route != nil && f.serve != nil {
			continue // the same path as an operation that is served
		}
		seen++
		status, body, _ := r.call(o.Method, path, `{"location":"westeurope","properties":{}}`)
		if o.Method == "HEAD" && status == 501 {
			continue
		}
		if status != 501 || text(body, "error", "code") != "NotImplemented" || !strings.Contains(text(body, "error", "message"), "nothing was done") {
			t.Errorf("%s %s %s: %d %v", o.ID, o.Method, path, status, body)
		}
	}
	if seen < 130 {
		t.Errorf("only %d operations were called", seen)
	}
	if !maps.Equal(before, r.records()) {
		t.Error("something was written")
	}
}

// TestEveryOperationRefusesWhatCannotBe calls each served operation in ways that each of them has to refuse.
func TestEveryOperationRefusesWhatCannotBe(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.everywhere()
	r.must(201, "PUT", group, `{"location":"westeurope"}`)
	before := r.records()
	code := func(o object) string { return text(o, "error", "code") }
	for _, o := range Operations(r.config.Catalog) {
		if !o.Served {
			continue
		}
		op := o.ARMOperation
		path := pathOf(op, map[string]string{"operationId": "none", "crossConnectionName": "none", "resourceProviderNamespace": "Microsoft.Network"})
		say := func(what string, status int, got object, statuses []int, codes ...string) {
			t.Helper()
			if op.Method == "HEAD" && slices.Contains(statuses, status) {
				return
			}
			if !slices.Contains(statuses, status) || !slices.Contains(codes, code(got)) {
				t.Errorf("%s, %s: %d %s (%s)", op.ID, what, status, code(got), text(got, "error", "message"))
			}
		}
		body := `{"location":"westeurope","properties":{}}`
		status, got, _ := r.call(op.Method, path+"?api-version=", body)
		say("no version", status, got, []int{400}, "MissingApiVersionParameter")
		for _, v := range []string{"latest", "2016-02-30", "2025-05-01-", "2025-05-01-preview-preview", "1999-01-01", "2999-01-01"} {
			status, got, _ = r.call(op.Method, path+"?api-version="+v, body)
			say("version "+v, status, got, []int{400}, "InvalidApiVersionParameter", "NoRegisteredProviderFound")
		}
		if strings.Contains(op.Path, "{subscriptionId}") || strings.Contains(op.Path, "{scope}") {
			status, got, _ = r.call(op.Method, strings.Replace(path, "SUB", "99999999-9999-4999-8999-999999999999", 1), body)
			say("no subscription", status, got, []int{404}, "SubscriptionNotFound")
		}
		sends := (op.Method == "PUT" || op.Method == "PATCH" || op.HasBody) && op.ID != "Providers_Register" // where the body may be missing
		if sends {
			for _, b := range []string{"", "[]", `"x"`, "{", `{"a":1}{`, strings.Repeat(`{"a":`, 100) + "1" + strings.Repeat("}", 100)} {
				status, got, _ = r.call(op.Method, path, b)
				// Where what the path names is missing, that may be told first.
				say("body "+b[:min(9, len(b))], status, got, []int{400, 404}, "InvalidRequestContent", "ResourceNotFound", "ResourceGroupNotFound", "NotFound", "ParentResourceNotFound")
			}
		}
		inGroup := strings.Contains(strings.ToLower(op.Path), "/resourcegroups/{resourcegroupname}/")
		if inGroup {
			status, got, _ = r.call(op.Method, strings.Replace(path, "/net", "/none", 1), body)
			switch {
			case op.Method == "DELETE":
				say("no group", status, got, []int{204, 404}, "", "ResourceGroupNotFound", "ResourceNotFound")
			case strings.HasSuffix(op.Path, "/roleAssignments"), strings.HasSuffix(op.Path, "/permissions"), strings.HasPrefix(op.ID, "ExpressRouteCross"):
			default:
				say("no group", status, got, []int{404, 400}, "ResourceGroupNotFound", "ResourceNotFound", "InvalidParameter", "LocationRequired")
			}
		}
		// Nothing but the group is there.
		if !inGroup || !strings.Contains(op.Path, "Microsoft.Network") {
			continue
		}
		parts := len(strings.Split(strings.Split(op.Path, "Microsoft.Network/")[1], "/"))
		if op.Method == "PUT" && parts == 2 {
			continue // it would be made
		}
		status, got, _ = r.call(op.Method, path, body)
		switch {
		case op.Method == "DELETE":
			if status != 204 && status != 404 {
				t.Errorf("%s of nothing: %d %s", op.ID, status, code(got))
			}
		case op.Method == "GET" && parts == 1:
			if status != 200 {
				t.Errorf("%s, an empty list: %d %s", op.ID, status, code(got))
			}
		default:
			say("of nothing", status, got, []int{404}, "ResourceNotFound", "ParentResourceNotFound", "NotFound")
		}
	}
	if after := r.records(); !maps.Equal(before, after) {
		t.Errorf("something was written: %v", after)
	}
}

// TestABodyOfTheWrongTypesIsRefused puts values of other types everywhere into bodies that are right.
func TestABodyOfTheWrongTypesIsRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	ops := map[string]catalog.ARMOperation{}
	for _, o := range Operations(r.config.Catalog) {
		ops[o.ID] = o.ARMOperation
	}
	calls, types := 0, models()
	for _, row := range rows() {
		op := ops[row.op]
		if strings.Contains(row.with, "KEY") || op.Method == "DELETE" {
			continue
		}
		with := map[string]string{}
		for _, w := range strings.Fields(row.with) {
			n, v, _ := strings.Cut(w, "=")
			with[n] = v
		}
		path := pathOf(op, with)
		first, _, _ := strings.Cut(op.ID, "_")
		if row.status == 201 && row.body != "" {
			var body object
			if err := json.Unmarshal([]byte(row.body), &body); err != nil {
				t.Fatal(err)
			}
			each(body, func(set func(any), where string) {
				for _, v := range []any{7, "x", true, []any{}, object{}, []any{7}, []any{object{}}, []any{[]any{}}, -1, 1e300, "10.0.0.0/33", "/subscriptions/x"} {
					set(v)
					b, err := json.Marshal(body)
					if err != nil {
						t.Fatal(err)
					}
					calls++
					if status, o, _ := r.call(op.Method, path, string(b)); status >= 500 || status >= 400 && text(o, "error", "code") == "" {
						t.Errorf("%s with %s = %v: %d %v", op.ID, where, v, status, o)
					} else if make := types[first]; make != nil && status < 300 { // what was taken, the SDK can read
						if b, err = json.Marshal(o); err != nil {
							t.Fatal(err)
						}
						if err := json.Unmarshal(b, make()); err != nil {
							t.Errorf("%s with %s = %v is taken, and the SDK cannot read it: %v", op.ID, where, v, err)
						}
					}
				}
			})
		}
		r.call(op.Method, path, row.body)
	}
	if calls < 1000 {
		t.Errorf("only %d calls", calls)
	}
}

// each visits every place in a value with a function that puts another value there; what was there comes back.
func each(v any, visit func(set func(any), where string)) {
	var walk func(v any, where string)
	walk = func(v any, where string) {
		switch x := v.(type) {
		case object:
			for _, k := range slices.Sorted(maps.Keys(x)) {
				was := x[k]
				walk(was, where+"."+k)
				visit(func(v any) { x[k] = v }, where+"."+k)
				x[k] = was
			}
		case []any:
			for i, was := range x {
				walk(was, fmt.Sprintf("%s[%d]", where, i))
				visit(func(v any) { x[i] = v }, fmt.Sprintf("%s[%d]", where, i))
				x[i] = was
			}
		}
	}
	walk(v, "")
}
