package azure

// ResourceGroup is Microsoft.Resources/resourceGroups.
type ResourceGroup struct {
	Header
	Properties ResourceGroupProperties `json:"properties"`
}

// ResourceGroupProperties are a resource group's properties.
type ResourceGroupProperties struct {
	ProvisioningState string `json:"provisioningState,omitempty"`
	Extra             Extra  `json:"-"`
}

// VirtualNetwork is Microsoft.Network/virtualNetworks.
type VirtualNetwork struct {
	Header
	Properties VirtualNetworkProperties `json:"properties"`
}

// VirtualNetworkProperties are a VNet's properties, its subnets and peerings inline.
type VirtualNetworkProperties struct {
	AddressSpace           AddressSpace            `json:"addressSpace"`
	DHCPOptions            *DHCPOptions            `json:"dhcpOptions,omitempty"`
	Subnets                []Subnet                `json:"subnets,omitempty"`
	VirtualNetworkPeerings []VirtualNetworkPeering `json:"virtualNetworkPeerings,omitempty"`
	BGPCommunities         *VNetBGPCommunities     `json:"bgpCommunities,omitempty"`
	// SummarizedGatewayPrefixes replaces what it covers in the announcements of the VNet's gateway (preview property).
	SummarizedGatewayPrefixes []string `json:"summarizedGatewayPrefixes,omitempty"`
	ProvisioningState         string   `json:"provisioningState,omitempty"`
	Extra                     Extra    `json:"-"`
}

// AddressSpace is a list of prefixes.
type AddressSpace struct {
	AddressPrefixes []string `json:"addressPrefixes"`
	Extra           Extra    `json:"-"`
}

// DHCPOptions are the VNet's DNS servers.
type DHCPOptions struct {
	DNSServers []string `json:"dnsServers,omitempty"`
	Extra      Extra    `json:"-"`
}

// VNetBGPCommunities are the communities that a VNet's prefixes carry on private peering.
type VNetBGPCommunities struct {
	VirtualNetworkCommunity string `json:"virtualNetworkCommunity"`
	RegionalCommunity       string `json:"regionalCommunity,omitempty"`
	Extra                   Extra  `json:"-"`
}

// Subnet is a subnet of a VNet.
type Subnet struct {
	ID         ID               `json:"id,omitempty"`
	Name       string           `json:"name"`
	Properties SubnetProperties `json:"properties"`
	Etag       string           `json:"etag,omitempty"`
	Extra      Extra            `json:"-"`
}

// SubnetProperties are a subnet's properties; a subnet has either AddressPrefix or AddressPrefixes.
type SubnetProperties struct {
	AddressPrefix        string            `json:"addressPrefix,omitempty"`
	AddressPrefixes      []string          `json:"addressPrefixes,omitempty"`
	NetworkSecurityGroup *Ref              `json:"networkSecurityGroup,omitempty"`
	RouteTable           *Ref              `json:"routeTable,omitempty"`
	ServiceEndpoints     []ServiceEndpoint `json:"serviceEndpoints,omitempty"`
	Delegations          []Delegation      `json:"delegations,omitempty"`
	ProvisioningState    string            `json:"provisioningState,omitempty"`
	Extra                Extra             `json:"-"`
}

// ServiceEndpoint is a subnet's direct way to a platform service.
type ServiceEndpoint struct {
	Service   string   `json:"service"`
	Locations []string `json:"locations,omitempty"`
	Extra     Extra    `json:"-"`
}

// Delegation gives a subnet to a platform service.
type Delegation struct {
	Name       string               `json:"name"`
	Properties DelegationProperties `json:"properties"`
	Extra      Extra                `json:"-"`
}

// DelegationProperties name the service.
type DelegationProperties struct {
	ServiceName string `json:"serviceName"`
	Extra       Extra  `json:"-"`
}

// VirtualNetworkPeering is one side of a peering between two VNets.
type VirtualNetworkPeering struct {
	ID         ID                              `json:"id,omitempty"`
	Name       string                          `json:"name"`
	Properties VirtualNetworkPeeringProperties `json:"properties"`
	Etag       string                          `json:"etag,omitempty"`
	Extra      Extra                           `json:"-"`
}

// VirtualNetworkPeeringProperties are the flags of one side.
type VirtualNetworkPeeringProperties struct {
	RemoteVirtualNetwork      *Ref          `json:"remoteVirtualNetwork,omitempty"`
	AllowVirtualNetworkAccess bool          `json:"allowVirtualNetworkAccess"`
	AllowForwardedTraffic     bool          `json:"allowForwardedTraffic"`
	AllowGatewayTransit       bool          `json:"allowGatewayTransit"`
	UseRemoteGateways         bool          `json:"useRemoteGateways"`
	PeeringState              string        `json:"peeringState,omitempty"`
	RemoteAddressSpace        *AddressSpace `json:"remoteAddressSpace,omitempty"`
	ProvisioningState         string        `json:"provisioningState,omitempty"`
	Extra                     Extra         `json:"-"`
}

// RouteTable is Microsoft.Network/routeTables.
type RouteTable struct {
	Header
	Properties RouteTableProperties `json:"properties"`
}

// RouteTableProperties are a route table's properties.
type RouteTableProperties struct {
	DisableBGPRoutePropagation bool    `json:"disableBgpRoutePropagation"`
	Routes                     []Route `json:"routes,omitempty"`
	ProvisioningState          string  `json:"provisioningState,omitempty"`
	Extra                      Extra   `json:"-"`
}

// Route is one user-defined route.
type Route struct {
	ID         ID              `json:"id,omitempty"`
	Name       string          `json:"name"`
	Properties RouteProperties `json:"properties"`
	Extra      Extra           `json:"-"`
}

// RouteProperties are a user-defined route's destination and next hop: VirtualAppliance, VirtualNetworkGateway,
// VnetLocal, Internet or None.
type RouteProperties struct {
	AddressPrefix    string `json:"addressPrefix"`
	NextHopType      string `json:"nextHopType"`
	NextHopIPAddress string `json:"nextHopIpAddress,omitempty"`
	Extra            Extra  `json:"-"`
}

// PublicIPAddress is Microsoft.Network/publicIPAddresses.
type PublicIPAddress struct {
	Header
	SKU        SKU                       `json:"sku"`
	Properties PublicIPAddressProperties `json:"properties"`
}

// SKU is a name with its tier and, for circuits, its family.
type SKU struct {
	Name     string `json:"name,omitempty"`
	Tier     string `json:"tier,omitempty"`
	Family   string `json:"family,omitempty"`
	Capacity int    `json:"capacity,omitempty"`
	Extra    Extra  `json:"-"`
}

// PublicIPAddressProperties are a public address's properties.
type PublicIPAddressProperties struct {
	PublicIPAllocationMethod string `json:"publicIPAllocationMethod,omitempty"`
	PublicIPAddressVersion   string `json:"publicIPAddressVersion,omitempty"`
	IPAddress                string `json:"ipAddress,omitempty"`
	ProvisioningState        string `json:"provisioningState,omitempty"`
	Extra                    Extra  `json:"-"`
}

// NetworkSecurityGroup is Microsoft.Network/networkSecurityGroups.
type NetworkSecurityGroup struct {
	Header
	Properties NetworkSecurityGroupProperties `json:"properties"`
}

// NetworkSecurityGroupProperties are a security group's rules.
type NetworkSecurityGroupProperties struct {
	SecurityRules     []SecurityRule `json:"securityRules,omitempty"`
	ProvisioningState string         `json:"provisioningState,omitempty"`
	Extra             Extra          `json:"-"`
}

// SecurityRule is one rule of a network security group.
type SecurityRule struct {
	ID         ID                     `json:"id,omitempty"`
	Name       string                 `json:"name"`
	Properties SecurityRuleProperties `json:"properties"`
	Extra      Extra                  `json:"-"`
}

// SecurityRuleProperties say what a rule matches and does.
type SecurityRuleProperties struct {
	Protocol                   string   `json:"protocol"`
	SourcePortRange            string   `json:"sourcePortRange,omitempty"`
	SourcePortRanges           []string `json:"sourcePortRanges,omitempty"`
	DestinationPortRange       string   `json:"destinationPortRange,omitempty"`
	DestinationPortRanges      []string `json:"destinationPortRanges,omitempty"`
	SourceAddressPrefix        string   `json:"sourceAddressPrefix,omitempty"`
	SourceAddressPrefixes      []string `json:"sourceAddressPrefixes,omitempty"`
	DestinationAddressPrefix   string   `json:"destinationAddressPrefix,omitempty"`
	DestinationAddressPrefixes []string `json:"destinationAddressPrefixes,omitempty"`
	Access                     string   `json:"access"`
	Priority                   int      `json:"priority"`
	Direction                  string   `json:"direction"`
	Extra                      Extra    `json:"-"`
}

// VirtualHub is Microsoft.Network/virtualHubs; a Route Server is one of kind RouteServer without a virtual WAN.
type VirtualHub struct {
	Header
	Kind       string               `json:"kind,omitempty"`
	Properties VirtualHubProperties `json:"properties"`
}

// VirtualHubProperties are a virtual hub's properties.
type VirtualHubProperties struct {
	SKU                        string `json:"sku,omitempty"`
	AllowBranchToBranchTraffic bool   `json:"allowBranchToBranchTraffic,omitempty"`
	VirtualRouterASN           int64  `json:"virtualRouterAsn,omitempty"`
	ProvisioningState          string `json:"provisioningState,omitempty"`
	Extra                      Extra  `json:"-"`
}
