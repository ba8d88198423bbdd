package arm

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"onramp/azure"
)

// malformed is the refusal of a body that has values of the wrong types (errors.csv: InvalidRequestFormat, whose details have the place).
func malformed(format string, args ...any) *Error {
	e := refuse(http.StatusBadRequest, "InvalidRequestFormat", "Cannot parse the request.")
	e.Details = []*Error{refuse(http.StatusBadRequest, "InvalidJson", format, args...)}
	return e
}

// The properties that have the same type wherever they stand, as far as the endpoint looks at them, with their names in lower case.
var (
	objectProperties = set("properties", "tags", "addressSpace", "subnet", "publicIPAddress", "networkSecurityGroup", "natGateway", "routeTable", "remoteVirtualNetwork", "peer", "virtualNetworkGateway1",
		"virtualNetworkGateway2", "localNetworkGateway2", "bgpSettings", "serviceProviderProperties", "expressRoutePort", "routeFilter", "firewallPolicy", "publicIPPrefix", "microsoftPeeringConfig",
		"ipv6PeeringConfig", "localNetworkAddressSpace", "virtualWan", "peerExpressRouteCircuitPeering", "expressRouteCircuitPeering", "dhcpOptions", "virtualRouterAutoScaleConfiguration")
	listProperties  = set("subnets", "virtualNetworkPeerings", "ipConfigurations", "routes", "securityRules", "peerings", "authorizations", "connections", "links", "publicIpAddresses", "publicIpPrefixes", "ruleCollections")
	textsProperties = set("addressPrefixes", "zones", "communities", "advertisedPublicPrefixes", "dnsServers")
	textProperties  = set("id", "name", "type", "location", "etag", "kind", "addressPrefix", "privateIPAddress", "privateIPAllocationMethod", "privateIPAddressVersion", "publicIPAllocationMethod", "publicIPAddressVersion",
		"gatewayType", "vpnType", "connectionType", "authorizationKey", "sharedKey", "peeringType", "peeringLocation", "serviceProviderName", "primaryPeerAddressPrefix", "secondaryPeerAddressPrefix", "peerIp", "encapsulation",
		"nextHopType", "nextHopIpAddress", "tier", "family", "threatIntelMode", "gatewayIpAddress", "hubRoutingPreference", "routeFilterRuleType", "access", "direction")
	numberProperties = set("vlanId", "peerASN", "peerAsn", "azureASN", "bandwidthInMbps", "bandwidthInGbps", "routingWeight", "priority", "prefixLength", "asn", "peerWeight", "idleTimeoutInMinutes", "capacity")
	truthProperties  = set("allowVirtualNetworkAccess", "allowForwardedTraffic", "allowGatewayTransit", "useRemoteGateways", "disableBgpRoutePropagation", "activeActive", "enableBgp", "primary", "expressRouteGatewayBypass",
		"allowBranchToBranchTraffic", "allowClassicOperations", "enableDdosProtection", "usePolicyBasedTrafficSelectors")
)

func set(names ...string) map[string]bool {
	out := map[string]bool{}
	for _, n := range names {
		out[strings.ToLower(n)] = true
	}
	return out
}

// formed refuses a body with values of the wrong types.
func (k *kind) formed(sent object, id string) *Error {
	if err := formedAt(sent, ""); err != nil {
		return err
	}
	if k.typ != netProvider+"virtualHubs" { // whose SKU is a word
		for _, s := range []any{find(sent, "sku"), find(sent, "properties", "sku")} {
			if _, ok := s.(object); s != nil && !ok {
				return malformed("The value of sku, %s, is no object.", shortened(s))
			}
		}
	}
	// What is modelled is read as that, inside the resource that has it.
	o, at, top := sent, id, k
	for ; top.inside != ""; top = top.parent {
		o = copied(o)
		o["name"] = azure.ID(at).Name()
		o = object{"properties": object{top.inside: []any{o}}}
		at = string(azure.ID(at).Parent())
	}
	o = maps.Clone(o)
	o["id"], o["type"], o["name"] = at, top.typ, azure.ID(at).Name()
	b, err := json.Marshal(o)
	if err != nil {
		return malformed("%v", err)
	}
	if _, err := azure.Unmarshal(b); err != nil {
		return malformed("%v", err)
	}
	return nil
}

func shortened(v any) string { return fmt.Sprintf("%.60s", fmt.Sprint(v)) }

// formedAt looks at the properties whose types are known by their names.
func formedAt(o object, at string) *Error {
	for _, k := range slices.Sorted(maps.Keys(o)) {
		v, name, where := o[k], strings.ToLower(k), strings.TrimPrefix(at+"."+k, ".")
		if name == "tags" {
			tags, ok := v.(object)
			for t, x := range tags {
				if _, word := x.(string); !word {
					return malformed("The value of %s.%.60s is no string.", where, t)
				}
			}
			if !ok {
				return malformed("The value of %s, %s, is no object.", where, shortened(v))
			}
			continue
		}
		ok, what := true, ""
		switch {
		case objectProperties[name]:
			_, ok = v.(object)
			what = "object"
		case listProperties[name] || textsProperties[name]:
			var l []any
			l, ok = v.([]any)
			what = "array of objects"
			for _, x := range l {
				one := false
				if listProperties[name] {
					_, one = x.(object)
				} else {
					_, one = x.(string)
					what = "array of strings"
				}
				ok = ok && one
			}
		case textProperties[name]:
			_, ok = v.(string)
			what = "string"
		case numberProperties[name]:
			_, ok = v.(json.Number)
			what = "number"
		case truthProperties[name]:
			_, ok = v.(bool)
			what = "boolean"
		}
		if !ok {
			return malformed("The value of %s, %s, is no %s.", where, shortened(v), what)
		}
		switch x := v.(type) {
		case object:
			if err := formedAt(x, where); err != nil {
				return err
			}
		case []any:
			for i, y := range x {
				if z, ok := y.(object); ok {
					if err := formedAt(z, fmt.Sprintf("%s[%d]", where, i)); err != nil {
						return err
					}
				}
			}
		}
	}
	return nil
}
