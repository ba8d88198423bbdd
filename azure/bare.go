package azure

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// What an endpoint answers is more than what was sent: identifiers that it made, states, defaults that it filled in. Bare takes that
// away from both, so that what is left is what somebody decided, and two resources that are bare can be compared.

// only are properties of one type that nobody but Azure sets. A path has a name for each object on the way; lists have none of their own.
func only() map[string][]string {
	return map[string][]string{
		"microsoft.network/expressroutecircuits": {
			"properties.serviceKey", "properties.serviceProviderProvisioningState", "properties.circuitProvisioningState", "properties.stag",
			"properties.gatewayManagerEtag", "properties.globalReachEnabled", "properties.authorizations.properties.authorizationKey",
			"properties.authorizations.properties.authorizationUseStatus", "properties.authorizations.properties.connectionResourceUri",
			"properties.peerings.properties.lastModifiedBy", "properties.peerings.properties.gatewayManagerEtag",
			"properties.peerings.properties.primaryAzurePort", "properties.peerings.properties.secondaryAzurePort",
			"properties.peerings.properties.peeredConnections", "properties.peerings.properties.stats",
			"properties.peerings.properties.microsoftPeeringConfig.advertisedPublicPrefixesState",
			"properties.peerings.properties.ipv6PeeringConfig.microsoftPeeringConfig.advertisedPublicPrefixesState",
			"properties.peerings.properties.connections.properties.circuitConnectionStatus",
			"properties.peerings.properties.connections.properties.authorizationKey",
		},
		"microsoft.network/expressrouteports": {
			"properties.allocationDate", "properties.circuits", "properties.etherType", "properties.mtu", "properties.provisionedBandwidthInGbps",
			"properties.links", "properties.authorizations",
		},
		"microsoft.network/virtualnetworkgateways": {
			"properties.bgpSettings.bgpPeeringAddress", "properties.bgpSettings.bgpPeeringAddresses", "properties.ipConfigurations.properties.privateIPAddress",
			"properties.inboundDnsForwardingEndpoint", "properties.sku.capacity",
		},
		"microsoft.network/connections": {
			"properties.connectionStatus", "properties.egressBytesTransferred", "properties.ingressBytesTransferred", "properties.tunnelConnectionStatus",
			"properties.authorizationKey",
		},
		"microsoft.network/publicipaddresses": {"properties.ipAddress", "properties.ipConfiguration"},
		"microsoft.network/virtualnetworks": {
			"properties.subnets.properties.ipConfigurations", "properties.subnets.properties.purpose", "properties.subnets.properties.resourceNavigationLinks",
			"properties.subnets.properties.serviceAssociationLinks", "properties.subnets.properties.privateEndpoints",
			"properties.virtualNetworkPeerings.properties.peeringState", "properties.virtualNetworkPeerings.properties.peeringSyncLevel",
			"properties.virtualNetworkPeerings.properties.remoteVirtualNetworkAddressSpace",
		},
		"microsoft.network/routetables":  {"properties.subnets"},
		"microsoft.network/routefilters": {"properties.peerings", "properties.ipv6Peerings"},
		"microsoft.network/networksecuritygroups": {
			"properties.subnets", "properties.networkInterfaces", "properties.defaultSecurityRules", "properties.flowLogs",
		},
		"microsoft.network/azurefirewalls":   {"properties.ipConfigurations.properties.privateIPAddress", "properties.ipGroups"},
		"microsoft.network/firewallpolicies": {"properties.firewalls", "properties.ruleCollectionGroups", "properties.childPolicies", "properties.size"},
		"microsoft.network/virtualhubs":      {"properties.routingState", "properties.virtualRouterIps", "properties.bgpConnections", "properties.ipConfigurations"},
		"microsoft.authorization/roleassignments": {
			"properties.createdOn", "properties.updatedOn", "properties.createdBy", "properties.updatedBy",
		},
		"microsoft.authorization/roledefinitions": {
			"properties.createdOn", "properties.updatedOn", "properties.createdBy", "properties.updatedBy",
		},
	}
}

// usual are values that Azure fills in where nobody gave one. What is false, 0 or empty is usual everywhere else.
func usual() map[string]map[string]any {
	return map[string]map[string]any{
		"microsoft.network/virtualnetworkgateways": {"properties.vpnGatewayGeneration": "None", "properties.bgpSettings.asn": 65515.0},
		"microsoft.network/connections":            {"properties.connectionMode": "Default"},
		"microsoft.network/publicipaddresses":      {"properties.idleTimeoutInMinutes": 4.0},
		"microsoft.network/virtualnetworks": {
			"properties.subnets.properties.privateEndpointNetworkPolicies": "Disabled", "properties.subnets.properties.privateLinkServiceNetworkPolicies": "Enabled",
			"properties.subnets.properties.defaultOutboundAccess": true, "properties.virtualNetworkPeerings.properties.peerCompleteVnets": true,
		},
	}
}

// unnumbered are lists whose elements have a name and, in what is bare, no id of their own. All others have one.
func unnumbered() []string { return []string{"ipConfigurations"} }

// numbered is how the id of a child goes on after its parent's, where the list has children that are resources themselves; else "".
func numbered(typ, list string) string {
	switch list {
	case "subnets", "virtualNetworkPeerings", "peerings", "authorizations", "routes", "securityRules", "connections":
		return list
	case "rules": // those of a firewall's policy are none
		if strings.EqualFold(typ, "Microsoft.Network/routeFilters") {
			return "routeFilterRules"
		}
	}
	return ""
}

// Bare returns a resource without what only Azure sets and without what it fills in by default: what somebody decided. Keys of
// authorizations are secrets that Azure issues, and are not in it. Lists keep their order. The error is one of encoding.
func Bare(r Resource) (Resource, error) {
	b, err := Marshal(r)
	if err != nil {
		return nil, err
	}
	body, err := bareJSON(b)
	if err != nil {
		return nil, fmt.Errorf("resource %s: %w", r.Head().ID, err)
	}
	if b, err = json.Marshal(body); err != nil {
		return nil, err
	}
	return Unmarshal(b)
}

func bareJSON(b []byte) (map[string]any, error) {
	var body map[string]any
	if err := json.Unmarshal(b, &body); err != nil {
		return nil, err
	}
	typ, _ := body["type"].(string)
	typ = strings.ToLower(typ)
	strip := barer{typ: typ, only: map[string]bool{}, usual: map[string]any{}}
	for _, at := range origins(typ) {
		for _, p := range only()[at.typ] {
			if p, ok := strings.CutPrefix(strings.ToLower(p), at.path); ok {
				strip.only[p] = true
			}
		}
		for p, v := range usual()[at.typ] {
			if p, ok := strings.CutPrefix(strings.ToLower(p), at.path); ok {
				strip.usual[p] = v
			}
		}
	}
	id, _ := body["id"].(string)
	strip.object(body, "", ID(id), true)
	if props, ok := body["properties"].(map[string]any); ok && typ == "microsoft.authorization/roleassignments" {
		if i := strings.LastIndex(strings.ToLower(id), "/providers/microsoft.authorization/"); i > 0 { // whether somebody says it or not
			props["scope"] = id[:i]
		}
	}
	return body, nil
}

// origin is a type whose properties are told of, and where in it.
type origin struct{ typ, path string }

// origins are where a type's properties are told of: under its own name, and where its parent embeds it.
func origins(typ string) []origin {
	out := []origin{{typ: typ}}
	if i := strings.LastIndexByte(typ, '/'); strings.Count(typ, "/") > 1 {
		out = append(out, origin{typ[:i], "properties." + typ[i+1:] + "."})
	}
	return out
}

// barer takes away from one resource; paths are in lower case.
type barer struct {
	typ   string
	only  map[string]bool
	usual map[string]any
}

// object takes away from an object what nobody decided. own is the id of the resource that it is or belongs to.
func (s *barer) object(o map[string]any, path string, own ID, resource bool) {
	for k, v := range o {
		at := k
		if path != "" {
			at = path + "." + k
		}
		if s.drops(at, k, v, resource) {
			delete(o, k)
			continue
		}
		switch x := v.(type) {
		case map[string]any:
			if id, ok := x["id"].(string); ok { // a reference is its id, whatever else an endpoint shows of it
				o[k] = map[string]any{"id": id}
			} else {
				s.object(x, at, own, false)
			}
		case []any:
			s.list(x, at, k, own)
		}
		if _, decided := s.usual[strings.ToLower(at)]; at != "properties" && nothing(o[k]) && !(decided && o[k] == false) {
			delete(o, k)
		}
	}
}

func (s *barer) drops(at, name string, v any, resource bool) bool {
	at = strings.ToLower(at)
	if s.only[at] || name == "provisioningState" || name == "resourceGuid" || resource && name == "etag" || v == nil {
		return true
	}
	usual, ok := s.usual[at]
	return ok && reflect.DeepEqual(v, usual)
}

func (s *barer) list(l []any, at, name string, own ID) {
	for i, e := range l {
		o, ok := e.(map[string]any)
		if !ok {
			continue
		}
		child, _ := o["name"].(string)
		if ref, ok := o["id"].(string); ok && child == "" {
			l[i] = map[string]any{"id": ref}
			continue
		}
		segment := numbered(s.typ, name)
		id := own + ID("/"+segment+"/"+child)
		is := child != "" && (segment != "" || slices.Contains(unnumbered(), name))
		s.object(o, at, id, is)
		if !is {
			continue
		}
		delete(o, "type")
		delete(o, "id")
		if segment != "" {
			o["id"] = string(id)
		}
	}
}

func nameOf(e any) string {
	o, _ := e.(map[string]any)
	s, _ := o["name"].(string)
	return s
}

func nothing(v any) bool {
	switch x := v.(type) {
	case nil:
		return true
	case bool:
		return !x
	case float64:
		return x == 0
	case string:
		return x == ""
	case []any:
		return len(x) == 0
	case map[string]any:
		return len(x) == 0
	}
	return false
}

// Change is a property that two resources have in different values.
type Change struct {
	// Path is where it is: names with dots, in square brackets the name of an element of a list.
	Path string `json:"path"`
	// From and To are its values; null where it is not there.
	From json.RawMessage `json:"from"`
	To   json.RawMessage `json:"to"`
}

// Differences tells in which properties a resource differs from another, bare as both are, in order of their paths. Ids and lists of
// plain values are compared as Azure does: ids without case, such lists without order. Nil stands for a resource that is not there.
func Differences(from, to Resource) ([]Change, error) {
	var a, b map[string]any
	for _, x := range []struct {
		r    Resource
		into *map[string]any
	}{{from, &a}, {to, &b}} {
		if x.r == nil {
			continue
		}
		raw, err := Marshal(x.r)
		if err != nil {
			return nil, err
		}
		if *x.into, err = bareJSON(raw); err != nil {
			return nil, fmt.Errorf("resource %s: %w", x.r.Head().ID, err)
		}
	}
	var out []Change
	compare(&out, "", a, b)
	slices.SortFunc(out, func(x, y Change) int { return cmp.Compare(x.Path, y.Path) })
	return out, nil
}

func compare(out *[]Change, path string, a, b any) {
	x, isX := a.(map[string]any)
	y, isY := b.(map[string]any)
	if (isX || a == nil) && (isY || b == nil) && (isX || isY) {
		keys := map[string]bool{}
		for k := range x {
			keys[k] = true
		}
		for k := range y {
			keys[k] = true
		}
		for _, k := range slices.Sorted(maps.Keys(keys)) {
			at := k
			if path != "" {
				at = path + "." + k
			}
			compare(out, at, value(x, k), value(y, k))
		}
		return
	}
	l, isL := a.([]any)
	m, isM := b.([]any)
	if (isL || a == nil) && (isM || b == nil) && (isL || isM) {
		lists(out, path, l, m)
		return
	}
	if equal(a, b) {
		return
	}
	*out = append(*out, Change{Path: path, From: raw(a), To: raw(b)})
}

func value(o map[string]any, k string) any {
	if v, ok := o[k]; ok && (!nothing(v) || v == false) { // what is bare has no false that nobody decided
		return v
	}
	return nil
}

// lists compares elements with names by name, plain values without order, and all else whole.
func lists(out *[]Change, path string, l, m []any) {
	all := append(slices.Clone(l), m...)
	if !slices.ContainsFunc(all, func(e any) bool { return nameOf(e) == "" }) {
		names := map[string][2]any{}
		for i, side := range [2][]any{l, m} {
			for _, e := range side {
				k := strings.ToLower(nameOf(e))
				pair := names[k]
				pair[i] = e
				names[k] = pair
			}
		}
		for _, k := range slices.Sorted(maps.Keys(names)) {
			pair := names[k]
			compare(out, path+"["+cmp.Or(nameOf(pair[0]), nameOf(pair[1]))+"]", pair[0], pair[1])
		}
		return
	}
	if slices.ContainsFunc(all, func(e any) bool { _, o := e.(map[string]any); _, s := e.([]any); return o || s }) {
		if !equal(l, m) {
			*out = append(*out, Change{Path: path, From: raw(l), To: raw(m)})
		}
		return
	}
	x, y := sorted(l), sorted(m)
	if !equal(x, y) {
		*out = append(*out, Change{Path: path, From: raw(l), To: raw(m)})
	}
}

func sorted(l []any) []any {
	out := slices.Clone(l)
	slices.SortFunc(out, func(a, b any) int { return cmp.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	return out
}

// equal compares as values of JSON, ids without case.
func equal(a, b any) bool {
	s, isS := a.(string)
	t, isT := b.(string)
	if isS && isT {
		return s == t || strings.HasPrefix(s, "/") && strings.EqualFold(s, t)
	}
	x, isX := a.([]any)
	y, isY := b.([]any)
	if isX && isY {
		return slices.EqualFunc(x, y, equal)
	}
	o, isO := a.(map[string]any)
	p, isP := b.(map[string]any)
	if isO && isP {
		return maps.EqualFunc(o, p, equal)
	}
	return reflect.DeepEqual(a, b)
}

func raw(v any) json.RawMessage {
	if l, ok := v.([]any); ok && l == nil {
		v = nil
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return json.RawMessage("null") // it came from JSON
	}
	return bytes.TrimSpace(b.Bytes())
}
