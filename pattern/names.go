package pattern

import (
	"crypto/sha1" //nolint:gosec // RFC 9562 version 5 identifiers are SHA-1 by definition; nothing is secured by them
	"fmt"
	"strings"

	"onramp/azure"
)

// Names of Azure's own that are fixed.
const (
	gatewaySubnet  = "GatewaySubnet"
	firewallSubnet = "AzureFirewallSubnet"
	sharedSubnet   = "shared"
	privatePeering = "AzurePrivatePeering"
	msPeering      = "MicrosoftPeering"

	networkProvider = "Microsoft.Network/"
	typeVNet        = networkProvider + "virtualNetworks"
	typeSubnet      = typeVNet + "/subnets"
	typeVNetPeering = typeVNet + "/virtualNetworkPeerings"
	typeCircuit     = networkProvider + "expressRouteCircuits"
	typePeering     = typeCircuit + "/peerings"
	typeAuth        = typeCircuit + "/authorizations"
	typePort        = networkProvider + "expressRoutePorts"
	typeGateway     = networkProvider + "virtualNetworkGateways"
	typeConnection  = networkProvider + "connections"
	typeRouteTable  = networkProvider + "routeTables"
	typeRouteFilter = networkProvider + "routeFilters"
	typePublicIP    = networkProvider + "publicIPAddresses"
	typeFirewall    = networkProvider + "azureFirewalls"
	typePolicy      = networkProvider + "firewallPolicies"
	typeRules       = typePolicy + "/ruleCollectionGroups"
	typeAssignment  = "Microsoft.Authorization/roleAssignments"
	typeDefinition  = "Microsoft.Authorization/roleDefinitions"
	typeGroup       = "Microsoft.Resources/resourceGroups"
)

// Roles of resources, the values of design.TagRole.
const (
	roleNetwork  = "network"
	roleHub      = "hub"
	roleShared   = "shared-services"
	roleCircuit  = "circuit"
	roleGateway  = "gateway"
	roleFirewall = "firewall"
	roleRoutes   = "routes"
)

// resourceGroup is the one group of each subscription.
func resourceGroup(subscription string) string { return "rg-" + subscription }

func resourceID(subscription, typ string, names ...string) azure.ID {
	return azure.NewID(subscription, resourceGroup(subscription), typ, names...)
}

// slug makes a provider's or location's name fit for names of ours: "Bell Canada" becomes "bell-canada".
func slug(s string) string {
	var out strings.Builder
	dash := false
	for _, r := range strings.ToLower(s) {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			if dash && out.Len() > 0 {
				out.WriteByte('-')
			}
			dash = false
			out.WriteRune(r)
			continue
		}
		dash = true
	}
	return out.String()
}

// guid is the version 5 identifier (RFC 9562 section 5.5) of a name of ours: role assignments and definitions are named by
// identifiers, and the same design must always give the same ones.
func guid(name string) string {
	// The name space is the identifier of the URL name space, as RFC 9562 section 6.6 gives it.
	space := []byte{0x6b, 0xa7, 0xb8, 0x11, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8}
	h := sha1.Sum(append(space, "onramp:"+name...)) //nolint:gosec // see the import
	h[6] = h[6]&0x0f | 0x50
	h[8] = h[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", h[0:4], h[4:6], h[6:8], h[8:10], h[10:16])
}

// The words of `survives`.
const (
	survivesLink     = "link"
	survivesRouter   = "router"
	survivesZone     = "zone"
	survivesCircuit  = "circuit"
	survivesProvider = "provider"
	survivesLocation = "location"
	survivesSite     = "site"
)
