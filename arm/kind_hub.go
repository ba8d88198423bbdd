package arm

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"onramp/azure"
)

// A Route Server is a virtual hub without a virtual WAN, with an IP configuration in RouteServerSubnet and BGP connections; clients read
// routingState of each and count on it.

// hubKind is the kind of virtual hubs. Their children have records of their own, to which the hub refers.
func hubKind() *kind {
	return &kind{
		typ: netProvider + "virtualHubs", inUse: "Conflict", fill: fillHub,
		owned: []string{"provisioningState", "routingState", "virtualRouterIps", "bgpConnections", "ipConfigurations", "routeMaps", "azureFirewall", "expressRouteGateway", "vpnGateway", "p2SVpnGateway"},
		joins: []join{{"properties.virtualWan.id", netProvider + "virtualWans/join/action"}},
		children: []*kind{
			{
				typ: netProvider + "virtualHubs/ipConfigurations", nowhere: true, fill: fillHubConfiguration, check: checkHubConfiguration, owned: []string{"provisioningState"},
				joins: []join{
					{"properties.subnet.id", netProvider + "virtualNetworks/subnets/join/action"},
					{"properties.publicIPAddress.id", netProvider + "publicIPAddresses/join/action"},
				},
			},
			{typ: netProvider + "virtualHubs/bgpConnections", nowhere: true, check: checkHubPeer, owned: []string{"provisioningState", "connectionState"}},
		},
	}
}

// fillHub gives a Route Server its AS number, which cannot be chosen.
func fillHub(c *change) *Error {
	props := inner(c.body, "properties")
	wan := text(props, "virtualWan", "id")
	switch {
	case wan == "" && text(props, "sku") == "":
		return refuse(http.StatusBadRequest, "VirtualHubCannotBeCreatedOrUpdatedWithoutVirtualWan", "Virtual hub %s cannot be created or updated without a virtual WAN.", azure.ID(c.id).Name()).at("properties.virtualWan")
	case wan != "" && c.get(wan) == nil:
		return refuse(http.StatusBadRequest, "InvalidResourceReference", "Resource %s referenced by resource %s was not found. Please make sure that the referenced resource exists, and that both resources are in the same region.", wan, c.id)
	}
	props["virtualRouterAsn"] = c.catalog.Limits().GatewayASN
	for name, v := range map[string]any{
		"allowBranchToBranchTraffic": false, "hubRoutingPreference": "ExpressRoute", "virtualRouterIps": []any{}, "virtualHubRouteTableV2s": []any{}, "routeTable": object{"routes": []any{}},
		"virtualRouterAutoScaleConfiguration": object{"minCapacity": 2},
	} {
		if props[name] == nil {
			props[name] = v
		}
	}
	return nil
}

// routeServerSubnet is the only one that takes a Route Server.
const routeServerSubnet = "RouteServerSubnet"

// fillHubConfiguration says how the addresses are given: the service takes the first two of the subnet.
func fillHubConfiguration(c *change) *Error {
	if props := inner(c.body, "properties"); props["privateIPAllocationMethod"] == nil {
		props["privateIPAllocationMethod"] = "Dynamic"
	}
	return nil
}

// checkHubConfiguration refuses a Route Server outside RouteServerSubnet, and a second configuration.
func checkHubConfiguration(c *change) *Error {
	subnet := text(c.body, "properties", "subnet", "id")
	if subnet == "" {
		return refuse(http.StatusBadRequest, "SubnetIsRequired", "IP configuration %s has no subnet.", c.id).at("properties.subnet")
	}
	for _, ref := range []string{subnet, text(c.body, "properties", "publicIPAddress", "id")} {
		if _, ok := c.find(ref); ref != "" && !ok {
			return refuse(http.StatusBadRequest, "InvalidResourceReference", "Resource %s referenced by resource %s was not found. Please make sure that the referenced resource exists, and that both resources are in the same region.", ref, c.id)
		}
	}
	if n := azure.ID(subnet).Name(); !strings.EqualFold(n, routeServerSubnet) {
		return refuse(http.StatusBadRequest, "BadRequest", "A Route Server stands in %s, and %s is not it.", routeServerSubnet, n).at("properties.subnet")
	}
	hub := azure.ID(c.id).Parent().Key()
	var err *Error
	c.list(c.kind, "/", "", func(r *resource) bool {
		switch {
		case r.key == strings.ToLower(c.id):
		case strings.HasPrefix(r.key, hub+"/"):
			err = refuse(http.StatusBadRequest, "InvalidIPConfigCount", "Virtual hub %s has the IP configuration %s already.", azure.ID(hub).Name(), text(r.body, "name")).at("properties")
		case strings.EqualFold(text(r.body, "properties", "subnet", "id"), subnet):
			err = refuse(http.StatusBadRequest, "BadRequest", "Subnet %s has a Route Server already: %s.", subnet, azure.ID(r.id).Parent()).at("properties.subnet")
		}
		return err == nil
	})
	return err
}

// checkHubPeer refuses a BGP connection to nobody.
func checkHubPeer(c *change) *Error {
	if ip := text(c.body, "properties", "peerIp"); !isAddress(ip) {
		return refuse(http.StatusBadRequest, "InvalidParameter", "The peer IP '%.60s' of BGP connection %s is no address.", ip, azure.ID(c.id).Name()).at("properties.peerIp")
	}
	switch asn := number(c.body, "properties", "peerAsn"); {
	case asn <= 0 || asn > 1<<32-1, asn == int64(c.catalog.Limits().GatewayASN), asn == int64(c.catalog.Limits().MicrosoftASN):
		return refuse(http.StatusBadRequest, "InvalidParameter", "The peer ASN %d of BGP connection %s cannot be used.", asn, azure.ID(c.id).Name()).at("properties.peerAsn")
	}
	return nil
}

// hub puts in what hangs on a virtual hub. A Route Server routes as soon as it has an IP configuration.
func (e *engine) hub(c child, b object) {
	props := inner(b, "properties")
	for _, n := range []string{"ipConfigurations", "bgpConnections"} {
		refs := []any{}
		e.list(e.kinds.of(netProvider+"virtualHubs/"+n), c.of.key+"/", "", func(r *resource) bool {
			refs = append(refs, object{"id": r.id})
			if n == "ipConfigurations" {
				props["virtualRouterIps"] = e.routerAddresses(text(r.body, "properties", "subnet", "id"))
			}
			return true
		})
		props[n] = refs
	}
	props["routingState"] = "Provisioned"
	if s := c.of.op; s != nil && s.Verb != "delete" && s.pending(e.now()) {
		props["routingState"] = "Provisioning"
	}
}

// routerAddresses are the first two addresses of a subnet that can be given: those of a Route Server's instances.
func (e *engine) routerAddresses(subnet string) []any {
	out := []any{}
	s, ok := e.find(subnet)
	if !ok {
		return out
	}
	own := (&change{engine: e}).taken(s.id)
	for range 2 {
		a, ok := firstFree(s.body, false, own)
		if !ok {
			break
		}
		own[a] = true
		out = append(out, a.String())
	}
	return slices.Clip(out)
}

func isAddress(s string) bool { _, err := netip.ParseAddr(s); return err == nil }
