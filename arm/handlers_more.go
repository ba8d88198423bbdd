package arm

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
)

// moreHandlers are those of operations that few clients use.
func moreHandlers() map[string]func(*exchange) *Error {
	return map[string]func(*exchange) *Error{
		"Tags_GetAtScope":            (*exchange).tags,
		"Tags_CreateOrUpdateAtScope": (*exchange).putTags,
		"Tags_UpdateAtScope":         (*exchange).putTags,
		"Tags_DeleteAtScope":         (*exchange).putTags,
		"ServiceTags_List":           (*exchange).serviceTags,
		"ExpressRouteCrossConnections_ListRoutesTableSummary": (*exchange).circuitSummary,
		"Usages_List":                                          (*exchange).usages,
		"ExpressRoutePorts_GenerateLOA":                        (*exchange).letter,
		"ExpressRouteProviderPortsLocation_List":               (*exchange).providerPorts,
		"VirtualNetworkGateways_Reset":                         (*exchange).reset,
		"VirtualNetworkGatewayConnections_ResetConnection":     (*exchange).reset,
		"NetworkInterfaces_ListEffectiveNetworkSecurityGroups": (*exchange).effectiveGroups,
		"ExpressRouteCrossConnections_ListArpTable":            (*exchange).arp,
		"ExpressRouteCrossConnections_ListRoutesTable":         (*exchange).circuitRoutes,
		"Subscription_CheckResourceName":                       (*exchange).checkName,
		"ProviderResourceTypes_List":                           (*exchange).resourceTypes,
		"PeerExpressRouteCircuitConnections_List":              (*exchange).farSides,
		"PeerExpressRouteCircuitConnections_Get":               (*exchange).farSide,
		"ExpressRouteCrossConnections_UpdateTags":              (*exchange).crossTags,
	}
}

// tagged is the resource, or the group, whose tags a path is about.
func (x *exchange) tagged() (*resource, *Error) {
	i := strings.LastIndex(strings.ToLower(x.r.URL.Path), "/providers/microsoft.resources/tags")
	id := x.r.URL.Path[:max(i, 0)]
	r := x.engine.get(id)
	if r == nil {
		return nil, refuse(http.StatusNotFound, "ResourceNotFound", "The Resource '%s' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix", id)
	}
	return r, nil
}

func tagsBody(r *resource) object {
	t := mapOf(find(r.body, "tags"))
	if t == nil {
		t = object{}
	}
	return object{"id": r.id + "/providers/Microsoft.Resources/tags/default", "name": "default", "type": "Microsoft.Resources/tags", "properties": object{"tags": t}}
}

func (x *exchange) tags() *Error {
	r, err := x.tagged()
	if err != nil {
		return err
	}
	return x.reply(http.StatusOK, tagsBody(r))
}

// putTags replaces, merges or takes away the tags of a scope.
func (x *exchange) putTags() *Error {
	r, err := x.tagged()
	if err != nil {
		return err
	}
	var sent object
	how := "Replace"
	switch x.op.Method {
	case http.MethodDelete:
	default:
		if sent, err = readObject(x.body); err != nil {
			return err
		}
		if x.op.Method == http.MethodPatch {
			how = text(sent, "operation")
		}
	}
	next, err := x.engine.alter(x.caller, r.id, func(b object) *Error {
		old, given := mapOf(find(b, "tags")), mapOf(find(sent, "properties", "tags"))
		tags := object{}
		switch how {
		case "Replace":
		case "Merge", "Delete":
			for k, v := range old {
				tags[k] = v
			}
		default:
			return refuse(http.StatusBadRequest, "InvalidParameter", "The operation '%s' on tags is not Replace, Merge or Delete.", how).at("operation")
		}
		for k, v := range given {
			if how == "Delete" {
				delete(tags, k)
			} else {
				tags[k] = v
			}
		}
		b["tags"] = tags
		return nil
	}, works{atOnce: true})
	if err != nil {
		return err
	}
	if x.op.Method == http.MethodDelete {
		return x.nothing(http.StatusOK)
	}
	return x.reply(http.StatusOK, tagsBody(next))
}

// usages are the published quotas of a subscription in a region, with what of them is used.
func (x *exchange) usages() *Error {
	place := strings.ToLower(x.params["location"])
	l := x.config.Catalog.Limits()
	count := func(typ string) int {
		n := 0
		x.engine.list(x.engine.kinds.of(netProvider+typ), "/subscriptions/"+strings.ToLower(x.params["subscriptionId"])+"/", "", func(r *resource) bool {
			if text(r.body, "location") == place {
				n++
			}
			return true
		})
		return n
	}
	row := func(name string, used, limit int) any {
		return object{
			"id": "/subscriptions/" + strings.ToLower(x.params["subscriptionId"]) + "/providers/Microsoft.Network/locations/" + place + "/usages/" + name, "unit": "Count",
			"currentValue": used, "limit": limit, "name": object{"value": name, "localizedValue": name},
		}
	}
	return x.reply(http.StatusOK, object{"value": []any{row("ExpressRouteCircuits", count("expressRouteCircuits"), l.CircuitsPerRegion)}})
}

// letter is the letter of authorisation of a port pair, with which a carrier may connect to it: a text, said to be of no use to anybody.
func (x *exchange) letter() *Error {
	c, err := x.parentOf(1)
	if err != nil {
		return err
	}
	sent, err := readObject(x.body)
	if err != nil {
		return err
	}
	customer := text(sent, "customerName")
	if customer == "" {
		return refuse(http.StatusBadRequest, "InvalidRequestContent", "A letter of authorisation needs customerName.").at("customerName")
	}
	var b strings.Builder
	b.WriteString("LETTER OF AUTHORISATION\n\nThis letter is of a simulated port pair and authorises nobody to anything.\n\nCustomer: " + customer + "\nPort pair: " + c.id + "\n")
	for _, l := range list(c.body, "properties", "links") {
		b.WriteString(text(l, "name") + ": router " + text(l, "properties", "routerName") + ", interface " + text(l, "properties", "interfaceName") + ", rack " + text(l, "properties", "rackId") + ", patch panel " + text(l, "properties", "patchPanelId") + "\n")
	}
	return x.reply(http.StatusOK, object{"encodedContent": base64.StdEncoding.EncodeToString([]byte(b.String()))})
}

// providerPorts are the port pairs of the connectivity providers: one at each peering location that a circuit is at.
func (x *exchange) providerPorts() *Error {
	sold := map[string]int64{}
	var places []string
	x.engine.list(x.engine.kinds.of(netProvider+"expressRouteCircuits"), "/subscriptions/"+strings.ToLower(x.params["subscriptionId"])+"/", "", func(r *resource) bool {
		at := text(r.body, "properties", "serviceProviderProperties", "peeringLocation")
		if at == "" {
			return true
		}
		if _, ok := sold[at]; !ok {
			places = append(places, at)
		}
		sold[at] += number(r.body, "properties", "serviceProviderProperties", "bandwidthInMbps")
		return true
	})
	slices.Sort(places)
	want, filtered := quoted(x.r.URL.Query().Get("$filter"), "location eq '")
	out := []any{}
	for _, p := range places {
		if filtered && !strings.EqualFold(want, p) {
			continue
		}
		name := "provider-" + strings.ToLower(strings.ReplaceAll(p, " ", "-"))
		out = append(out, object{
			"id": "/subscriptions/" + strings.ToLower(x.params["subscriptionId"]) + "/providers/Microsoft.Network/expressRouteProviderPorts/" + name, "name": name, "type": netProvider + "expressRouteProviderPorts",
			"properties": object{"portPairDescriptor": name, "peeringLocation": p, "usedBandwidthInMbps": sold[p], "overprovisionFactor": 2},
		})
	}
	return x.reply(http.StatusOK, object{"value": out})
}

// reset restarts a gateway or a connection. What runs behind the endpoint may follow; the resource stays as it is.
func (x *exchange) reset() *Error {
	c, err := x.parentOf(1)
	if err != nil {
		return err
	}
	next, err := x.engine.alter(x.caller, c.of.id, func(object) *Error { return nil }, x.rules.works(x))
	if err != nil {
		return err
	}
	if x.may(http.StatusOK) && !next.op.pending(x.config.Now()) {
		return x.reply(http.StatusOK, x.engine.shown(child{of: next, kind: next.kind, body: next.body, id: next.id}))
	}
	x.follow(next.op, true, true)
	return x.nothing(http.StatusAccepted)
}

// effectiveGroups are the security rules that apply to an interface: of its own group and of its subnet's, each with the default rules.
func (x *exchange) effectiveGroups() *Error {
	c, err := x.parentOf(1)
	if err != nil {
		return err
	}
	out := []any{}
	add := func(id string, association object) {
		g := x.engine.get(id)
		if g == nil {
			return
		}
		rules := []any{}
		for _, r := range append(list(g.body, "properties", "securityRules"), list(g.body, "properties", "defaultSecurityRules")...) {
			e := object{"name": text(r, "name")}
			for _, n := range []string{"protocol", "sourcePortRange", "destinationPortRange", "sourceAddressPrefix", "destinationAddressPrefix", "sourcePortRanges", "destinationPortRanges", "sourceAddressPrefixes", "destinationAddressPrefixes", "access", "priority", "direction"} {
				if v := find(r, "properties", n); v != nil {
					e[n] = v
				}
			}
			rules = append(rules, e)
		}
		out = append(out, object{"networkSecurityGroup": object{"id": g.id}, "association": association, "effectiveSecurityRules": rules})
	}
	if id := text(c.body, "properties", "networkSecurityGroup", "id"); id != "" {
		add(id, object{"networkInterface": object{"id": c.id}})
	}
	for _, y := range list(c.body, "properties", "ipConfigurations") {
		if s, ok := x.engine.find(text(y, "properties", "subnet", "id")); ok {
			if id := text(s.body, "properties", "networkSecurityGroup", "id"); id != "" {
				add(id, object{"subnet": object{"id": s.id}})
			}
		}
	}
	return x.answer(c, object{"value": out}, nil)
}

// serviceTags are the names of Microsoft's own address ranges (AssumeServiceTags).
func (x *exchange) serviceTags() *Error {
	region, ok := x.config.Catalog.Region(x.params["location"])
	if !ok {
		return refuse(http.StatusBadRequest, "LocationNotAvailableForResourceType", "The provided location '%.60s' is not available for resource type 'Microsoft.Network/serviceTags'.", x.params["location"]).at("location")
	}
	tag := func(name, place string) any {
		return object{"id": name, "name": name, "properties": object{"addressPrefixes": []any{}, "changeNumber": "1", "region": place, "systemService": ""}}
	}
	values := []any{tag("AzureCloud", "")}
	for _, r := range x.config.Catalog.Regions() {
		values = append(values, tag("AzureCloud."+r.Name, r.Name))
	}
	id := "/subscriptions/" + strings.ToLower(x.params["subscriptionId"]) + "/providers/Microsoft.Network/locations/" + region.Name + "/serviceTags/Public"
	return x.reply(http.StatusOK, object{"id": id, "name": "Public", "type": netProvider + "serviceTags", "changeNumber": "1", "cloud": "Public", "values": values})
}

// checkName tells whether a name may be given: those that begin with Microsoft's own words are reserved.
func (x *exchange) checkName() *Error {
	sent, err := readObject(x.body)
	if err != nil {
		return err
	}
	status := "Allowed"
	for _, w := range []string{"microsoft", "windows", "azure", "office365"} {
		if strings.HasPrefix(strings.ToLower(text(sent, "name")), w) {
			status = "Reserved"
		}
	}
	return x.reply(http.StatusOK, object{"name": text(sent, "name"), "type": text(sent, "type"), "status": status})
}

func (x *exchange) resourceTypes() *Error {
	for _, n := range namespaces() {
		if strings.EqualFold(n, x.params["resourceProviderNamespace"]) {
			return x.reply(http.StatusOK, object{"value": x.providerBody(n)["resourceTypes"]})
		}
	}
	return refuse(http.StatusNotFound, "InvalidResourceNamespace", "The resource namespace '%s' is invalid.", x.params["resourceProviderNamespace"])
}
