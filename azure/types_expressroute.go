package azure

// ExpressRouteCircuit is Microsoft.Network/expressRouteCircuits. Its SKU's name is TIER_FAMILY.
type ExpressRouteCircuit struct {
	Header
	SKU        SKU                           `json:"sku"`
	Properties ExpressRouteCircuitProperties `json:"properties"`
}

// ExpressRouteCircuitProperties are a circuit's properties; it is on a provider's network (ServiceProviderProperties) or on
// a Direct port (ExpressRoutePort and BandwidthInGbps).
type ExpressRouteCircuitProperties struct {
	AllowClassicOperations           bool                       `json:"allowClassicOperations"`
	CircuitProvisioningState         string                     `json:"circuitProvisioningState,omitempty"`
	ServiceProviderProvisioningState string                     `json:"serviceProviderProvisioningState,omitempty"`
	ServiceKey                       string                     `json:"serviceKey,omitempty"`
	ServiceProviderNotes             string                     `json:"serviceProviderNotes,omitempty"`
	ServiceProviderProperties        *ServiceProviderProperties `json:"serviceProviderProperties,omitempty"`
	ExpressRoutePort                 *Ref                       `json:"expressRoutePort,omitempty"`
	BandwidthInGbps                  *float64                   `json:"bandwidthInGbps,omitempty"`
	STag                             *int                       `json:"stag,omitempty"`
	GlobalReachEnabled               bool                       `json:"globalReachEnabled,omitempty"`
	AuthorizationKey                 string                     `json:"authorizationKey,omitempty"`
	Peerings                         []Peering                  `json:"peerings,omitempty"`
	Authorizations                   []Authorization            `json:"authorizations,omitempty"`
	ProvisioningState                string                     `json:"provisioningState,omitempty"`
	Extra                            Extra                      `json:"-"`
}

// ServiceProviderProperties name the provider, the peering location and the bought bandwidth in Mbps.
type ServiceProviderProperties struct {
	ServiceProviderName string `json:"serviceProviderName"`
	PeeringLocation     string `json:"peeringLocation"`
	BandwidthInMbps     int    `json:"bandwidthInMbps"`
	Extra               Extra  `json:"-"`
}

// Peering is a routing domain of a circuit: AzurePrivatePeering or MicrosoftPeering.
type Peering struct {
	ID         ID                `json:"id,omitempty"`
	Name       string            `json:"name"`
	Properties PeeringProperties `json:"properties"`
	Etag       string            `json:"etag,omitempty"`
	Extra      Extra             `json:"-"`
}

// PeeringProperties are a peering's addresses, AS numbers and VLAN.
type PeeringProperties struct {
	PeeringType                string                  `json:"peeringType,omitempty"`
	State                      string                  `json:"state,omitempty"`
	AzureASN                   uint32                  `json:"azureASN,omitempty"`
	PeerASN                    uint32                  `json:"peerASN,omitempty"`
	PrimaryPeerAddressPrefix   string                  `json:"primaryPeerAddressPrefix,omitempty"`
	SecondaryPeerAddressPrefix string                  `json:"secondaryPeerAddressPrefix,omitempty"`
	PrimaryAzurePort           string                  `json:"primaryAzurePort,omitempty"`
	SecondaryAzurePort         string                  `json:"secondaryAzurePort,omitempty"`
	SharedKey                  string                  `json:"sharedKey,omitempty"`
	VLANID                     int                     `json:"vlanId,omitempty"`
	MicrosoftPeeringConfig     *MicrosoftPeeringConfig `json:"microsoftPeeringConfig,omitempty"`
	RouteFilter                *Ref                    `json:"routeFilter,omitempty"`
	IPv6PeeringConfig          *IPv6PeeringConfig      `json:"ipv6PeeringConfig,omitempty"`
	Connections                []CircuitConnection     `json:"connections,omitempty"`
	ProvisioningState          string                  `json:"provisioningState,omitempty"`
	Extra                      Extra                   `json:"-"`
}

// MicrosoftPeeringConfig says which public prefixes the customer announces, and as whom.
type MicrosoftPeeringConfig struct {
	AdvertisedPublicPrefixes      []string `json:"advertisedPublicPrefixes,omitempty"`
	AdvertisedCommunities         []string `json:"advertisedCommunities,omitempty"`
	AdvertisedPublicPrefixesState string   `json:"advertisedPublicPrefixesState,omitempty"`
	LegacyMode                    int      `json:"legacyMode,omitempty"`
	CustomerASN                   uint32   `json:"customerASN,omitempty"`
	RoutingRegistryName           string   `json:"routingRegistryName,omitempty"`
	Extra                         Extra    `json:"-"`
}

// IPv6PeeringConfig is the IPv6 half of a peering.
type IPv6PeeringConfig struct {
	PrimaryPeerAddressPrefix   string                  `json:"primaryPeerAddressPrefix,omitempty"`
	SecondaryPeerAddressPrefix string                  `json:"secondaryPeerAddressPrefix,omitempty"`
	MicrosoftPeeringConfig     *MicrosoftPeeringConfig `json:"microsoftPeeringConfig,omitempty"`
	RouteFilter                *Ref                    `json:"routeFilter,omitempty"`
	State                      string                  `json:"state,omitempty"`
	Extra                      Extra                   `json:"-"`
}

// CircuitConnection is a Global Reach connection of a private peering.
type CircuitConnection struct {
	ID         ID                          `json:"id,omitempty"`
	Name       string                      `json:"name"`
	Properties CircuitConnectionProperties `json:"properties"`
	Extra      Extra                       `json:"-"`
}

// CircuitConnectionProperties name both private peerings and the /29 between their MSEEs.
type CircuitConnectionProperties struct {
	ExpressRouteCircuitPeering     *Ref   `json:"expressRouteCircuitPeering,omitempty"`
	PeerExpressRouteCircuitPeering *Ref   `json:"peerExpressRouteCircuitPeering,omitempty"`
	AddressPrefix                  string `json:"addressPrefix,omitempty"`
	AuthorizationKey               string `json:"authorizationKey,omitempty"`
	CircuitConnectionStatus        string `json:"circuitConnectionStatus,omitempty"`
	ProvisioningState              string `json:"provisioningState,omitempty"`
	Extra                          Extra  `json:"-"`
}

// Authorization lets one gateway of another subscription connect to the circuit.
type Authorization struct {
	ID         ID                      `json:"id,omitempty"`
	Name       string                  `json:"name"`
	Properties AuthorizationProperties `json:"properties"`
	Extra      Extra                   `json:"-"`
}

// AuthorizationProperties are an authorization's key and use.
type AuthorizationProperties struct {
	AuthorizationKey       string `json:"authorizationKey,omitempty"`
	AuthorizationUseStatus string `json:"authorizationUseStatus,omitempty"`
	ConnectionResourceURI  string `json:"connectionResourceUri,omitempty"`
	ProvisioningState      string `json:"provisioningState,omitempty"`
	Extra                  Extra  `json:"-"`
}

// ExpressRoutePort is Microsoft.Network/expressRoutePorts: a Direct port pair.
type ExpressRoutePort struct {
	Header
	Properties ExpressRoutePortProperties `json:"properties"`
}

// ExpressRoutePortProperties are a port pair's properties; Encapsulation is Dot1Q or QinQ.
type ExpressRoutePortProperties struct {
	PeeringLocation   string             `json:"peeringLocation,omitempty"`
	BandwidthInGbps   int                `json:"bandwidthInGbps,omitempty"`
	Encapsulation     string             `json:"encapsulation,omitempty"`
	EtherType         string             `json:"etherType,omitempty"`
	BillingType       string             `json:"billingType,omitempty"`
	Links             []ExpressRouteLink `json:"links,omitempty"`
	ProvisioningState string             `json:"provisioningState,omitempty"`
	Extra             Extra              `json:"-"`
}

// ExpressRouteLink is one of a port pair's two links.
type ExpressRouteLink struct {
	ID         ID                         `json:"id,omitempty"`
	Name       string                     `json:"name"`
	Properties ExpressRouteLinkProperties `json:"properties"`
	Extra      Extra                      `json:"-"`
}

// ExpressRouteLinkProperties are a link's state.
type ExpressRouteLinkProperties struct {
	AdminState    string `json:"adminState,omitempty"`
	ConnectorType string `json:"connectorType,omitempty"`
	RouterName    string `json:"routerName,omitempty"`
	InterfaceName string `json:"interfaceName,omitempty"`
	Extra         Extra  `json:"-"`
}

// VirtualNetworkGateway is Microsoft.Network/virtualNetworkGateways.
type VirtualNetworkGateway struct {
	Header
	Properties VirtualNetworkGatewayProperties `json:"properties"`
}

// VirtualNetworkGatewayProperties are a gateway's properties; GatewayType is ExpressRoute or Vpn.
type VirtualNetworkGatewayProperties struct {
	GatewayType      string                   `json:"gatewayType,omitempty"`
	VPNType          string                   `json:"vpnType,omitempty"`
	SKU              SKU                      `json:"sku"`
	IPConfigurations []GatewayIPConfiguration `json:"ipConfigurations,omitempty"`
	ActiveActive     bool                     `json:"activeActive,omitempty"`
	EnableBGP        bool                     `json:"enableBgp,omitempty"`
	BGPSettings      *BGPSettings             `json:"bgpSettings,omitempty"`
	// AllowRemoteVNetTraffic lets VNets of other gateways on the same circuit reach this one, if they allow it too.
	AllowRemoteVNetTraffic bool   `json:"allowRemoteVnetTraffic"`
	AllowVirtualWANTraffic bool   `json:"allowVirtualWanTraffic"`
	EnablePrivateIPAddress bool   `json:"enablePrivateIpAddress,omitempty"`
	ProvisioningState      string `json:"provisioningState,omitempty"`
	Extra                  Extra  `json:"-"`
}

// GatewayIPConfiguration places a gateway or a firewall in a subnet.
type GatewayIPConfiguration struct {
	ID         ID                               `json:"id,omitempty"`
	Name       string                           `json:"name"`
	Properties GatewayIPConfigurationProperties `json:"properties"`
	Extra      Extra                            `json:"-"`
}

// GatewayIPConfigurationProperties name the subnet and the public address.
type GatewayIPConfigurationProperties struct {
	PrivateIPAllocationMethod string `json:"privateIPAllocationMethod,omitempty"`
	PrivateIPAddress          string `json:"privateIPAddress,omitempty"`
	Subnet                    *Ref   `json:"subnet,omitempty"`
	PublicIPAddress           *Ref   `json:"publicIPAddress,omitempty"`
	ProvisioningState         string `json:"provisioningState,omitempty"`
	Extra                     Extra  `json:"-"`
}

// BGPSettings are a gateway's AS number and addresses.
type BGPSettings struct {
	ASN               int64  `json:"asn,omitempty"`
	BGPPeeringAddress string `json:"bgpPeeringAddress,omitempty"`
	PeerWeight        int    `json:"peerWeight,omitempty"`
	Extra             Extra  `json:"-"`
}

// VirtualNetworkGatewayConnection is Microsoft.Network/connections: what links a gateway with a circuit.
type VirtualNetworkGatewayConnection struct {
	Header
	Properties VirtualNetworkGatewayConnectionProperties `json:"properties"`
}

// VirtualNetworkGatewayConnectionProperties are a connection's properties; ConnectionType is ExpressRoute.
type VirtualNetworkGatewayConnectionProperties struct {
	ConnectionType            string `json:"connectionType"`
	VirtualNetworkGateway1    *Ref   `json:"virtualNetworkGateway1,omitempty"`
	Peer                      *Ref   `json:"peer,omitempty"`
	AuthorizationKey          string `json:"authorizationKey,omitempty"`
	RoutingWeight             int    `json:"routingWeight"`
	EnableBGP                 bool   `json:"enableBgp,omitempty"`
	ExpressRouteGatewayBypass bool   `json:"expressRouteGatewayBypass,omitempty"`
	ConnectionStatus          string `json:"connectionStatus,omitempty"`
	ProvisioningState         string `json:"provisioningState,omitempty"`
	Extra                     Extra  `json:"-"`
}

// RouteFilter is Microsoft.Network/routeFilters.
type RouteFilter struct {
	Header
	Properties RouteFilterProperties `json:"properties"`
}

// RouteFilterProperties are a filter's rules.
type RouteFilterProperties struct {
	Rules             []RouteFilterRule `json:"rules,omitempty"`
	ProvisioningState string            `json:"provisioningState,omitempty"`
	Extra             Extra             `json:"-"`
}

// RouteFilterRule is one rule of a route filter.
type RouteFilterRule struct {
	ID         ID                        `json:"id,omitempty"`
	Name       string                    `json:"name"`
	Properties RouteFilterRuleProperties `json:"properties"`
	Extra      Extra                     `json:"-"`
}

// RouteFilterRuleProperties allow a list of communities; the only rule type is Community.
type RouteFilterRuleProperties struct {
	Access              string   `json:"access"`
	RouteFilterRuleType string   `json:"routeFilterRuleType"`
	Communities         []string `json:"communities"`
	ProvisioningState   string   `json:"provisioningState,omitempty"`
	Extra               Extra    `json:"-"`
}
