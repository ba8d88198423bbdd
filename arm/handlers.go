package arm

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"onramp/azure"
)

// handlers are the operations that a path alone does not explain, by name.
func (s *Server) handlers() map[string]func(*exchange) *Error {
	all := moreHandlers()
	maps.Copy(all, deploymentHandlers())
	maps.Copy(all, map[string]func(*exchange) *Error{
		"Subscriptions_List":                                 (*exchange).subscriptions,
		"Subscriptions_Get":                                  (*exchange).subscription,
		"Subscriptions_ListLocations":                        (*exchange).locations,
		"Tenants_List":                                       (*exchange).tenants,
		"Providers_List":                                     (*exchange).providers,
		"Providers_ListAtTenantScope":                        (*exchange).providers,
		"Providers_Get":                                      (*exchange).provider,
		"Providers_GetAtTenantScope":                         (*exchange).provider,
		"Providers_Register":                                 (*exchange).provider,
		"Providers_Unregister":                               (*exchange).provider,
		"ResourceGroups_List":                                (*exchange).groups,
		"ResourceGroups_Update":                              (*exchange).patch,
		"Resources_List":                                     (*exchange).resources,
		"Resources_ListByResourceGroup":                      (*exchange).resources,
		"AsyncOperations_Get":                                (*exchange).operation,
		"AsyncOperations_Result":                             (*exchange).operationResult,
		"AsyncOperations_ResultAtTenantScope":                (*exchange).operationResult,
		"AsyncOperations_Cancel":                             (*exchange).cancel,
		"ResourceGroups_DeletionResult":                      (*exchange).operationResult,
		"ExpressRouteServiceProviders_List":                  (*exchange).serviceProviders,
		"BgpServiceCommunities_List":                         (*exchange).communities,
		"ExpressRoutePortsLocations_List":                    (*exchange).portsLocations,
		"ExpressRoutePortsLocations_Get":                     (*exchange).portsLocation,
		"DefaultSecurityRules_List":                          (*exchange).defaultRules,
		"DefaultSecurityRules_Get":                           (*exchange).defaultRule,
		"NetworkInterfaceIPConfigurations_List":              (*exchange).configurations,
		"NetworkInterfaceIPConfigurations_Get":               (*exchange).configuration,
		"VirtualNetworks_CheckIPAddressAvailability":         (*exchange).available,
		"VirtualNetworks_ListUsage":                          (*exchange).usage,
		"VirtualNetworkGateways_ListConnections":             (*exchange).gatewayConnections,
		"VirtualNetworkGatewayConnections_GetSharedKey":      (*exchange).sharedKey,
		"VirtualNetworkGatewayConnections_SetSharedKey":      (*exchange).setSharedKey,
		"VirtualNetworkGatewayConnections_ResetSharedKey":    (*exchange).setSharedKey,
		"ExpressRouteCircuits_ListArpTable":                  (*exchange).arp,
		"ExpressRouteCircuits_ListRoutesTable":               (*exchange).circuitRoutes,
		"ExpressRouteCircuits_ListRoutesTableSummary":        (*exchange).circuitSummary,
		"ExpressRouteCircuits_GetStats":                      (*exchange).stats,
		"ExpressRouteCircuits_GetPeeringStats":               (*exchange).stats,
		"VirtualNetworkGateways_GetLearnedRoutes":            (*exchange).learned,
		"VirtualNetworkGateways_GetAdvertisedRoutes":         (*exchange).advertised,
		"VirtualNetworkGateways_GetBgpPeerStatus":            (*exchange).peerStatus,
		"RoleAssignments_Create":                             (*exchange).putAssignment,
		"RoleAssignments_Get":                                (*exchange).getAssignment,
		"RoleAssignments_Delete":                             (*exchange).deleteAssignment,
		"RoleAssignments_ListForScope":                       (*exchange).assignments,
		"RoleAssignments_ListForSubscription":                (*exchange).assignments,
		"RoleAssignments_ListForResourceGroup":               (*exchange).assignments,
		"RoleAssignments_ListForResource":                    (*exchange).assignments,
		"RoleDefinitions_CreateOrUpdate":                     (*exchange).putDefinition,
		"RoleDefinitions_Get":                                (*exchange).getDefinition,
		"RoleDefinitions_Delete":                             (*exchange).deleteDefinition,
		"RoleDefinitions_List":                               (*exchange).definitions,
		"Permissions_ListForResource":                        (*exchange).permissions,
		"Permissions_ListForResourceGroup":                   (*exchange).permissions,
		"ExpressRouteCrossConnections_List":                  (*exchange).crossList,
		"ExpressRouteCrossConnections_ListByResourceGroup":   (*exchange).crossList,
		"ExpressRouteCrossConnections_Get":                   (*exchange).crossGet,
		"ExpressRouteCrossConnections_CreateOrUpdate":        (*exchange).crossPut,
		"ExpressRouteCrossConnectionPeerings_List":           (*exchange).crossPeerings,
		"ExpressRouteCrossConnectionPeerings_Get":            (*exchange).crossPeering,
		"ExpressRouteCrossConnectionPeerings_CreateOrUpdate": (*exchange).crossPeeringWrite,
		"ExpressRouteCrossConnectionPeerings_Delete":         (*exchange).crossPeeringWrite,
		"NetworkInterfaces_GetEffectiveRouteTable":           (*exchange).effectiveRoutes,
	})
	return all
}

// subscriptions lists those in which the caller has any role, as Azure does.
func (x *exchange) subscriptions() *Error {
	var out []any
	for _, s := range x.config.Gate.Directory.Subscriptions() {
		if x.config.Gate.Access.Reaches(x.caller.ObjectID, "/subscriptions/"+s.ID) {
			out = append(out, x.subscriptionBody(s))
		}
	}
	return x.reply(http.StatusOK, object{"value": nonNil(out), "count": object{"type": "Total", "value": len(out)}})
}

func nonNil(l []any) []any {
	if l == nil {
		return []any{}
	}
	return l
}

func (x *exchange) subscriptionBody(s Subscription) object {
	return object{
		"id": "/subscriptions/" + s.ID, "subscriptionId": s.ID, "displayName": s.Name, "state": "Enabled", "tenantId": x.config.Gate.Directory.Tenant(), "authorizationSource": "RoleBased",
		"subscriptionPolicies": object{"locationPlacementId": "Public_2014-09-01", "quotaId": "PayAsYouGo_2014-09-01", "spendingLimit": "Off"}, "managedByTenants": []any{},
	}
}

func (x *exchange) subscription() *Error {
	for _, s := range x.config.Gate.Directory.Subscriptions() {
		if strings.EqualFold(s.ID, x.params["subscriptionId"]) {
			return x.reply(http.StatusOK, x.subscriptionBody(s))
		}
	}
	return x.subscribed(x.params["subscriptionId"])
}

func (x *exchange) locations() *Error {
	var out []any
	for _, r := range x.config.Catalog.Regions() {
		out = append(out, object{
			"id": "/subscriptions/" + strings.ToLower(x.params["subscriptionId"]) + "/locations/" + r.Name, "name": r.Name, "type": "Region", "displayName": r.DisplayName, "regionalDisplayName": r.DisplayName,
			"metadata": object{"regionType": "Physical", "regionCategory": "Recommended", "geography": r.GeopoliticalRegion, "geographyGroup": r.GeopoliticalRegion},
		})
	}
	return x.reply(http.StatusOK, object{"value": nonNil(out)})
}

func (x *exchange) tenants() *Error {
	t := x.config.Gate.Directory.Tenant()
	return x.reply(http.StatusOK, object{"value": []any{object{"id": "/tenants/" + t, "tenantId": t, "displayName": x.config.Gate.Directory.TenantName(), "tenantCategory": "Home"}}})
}

// namespaces are the providers that there are here; all are registered from the start.
func namespaces() []string {
	return []string{"Microsoft.Authorization", "Microsoft.Network", "Microsoft.Resources"}
}

func (x *exchange) providerBody(namespace string) object {
	var types []any
	var names []string
	for t := range x.engine.kinds {
		if strings.HasPrefix(t, strings.ToLower(namespace)+"/") {
			names = append(names, t)
		}
	}
	slices.Sort(names)
	for _, t := range names {
		k := x.engine.kinds[t]
		var places []any
		if !k.nowhere {
			for _, r := range x.config.Catalog.Regions() {
				places = append(places, r.DisplayName)
			}
		}
		versions := anys(x.engine.versions(strings.TrimPrefix(k.typ, netProvider)))
		slices.Reverse(versions)
		types = append(types, object{"resourceType": strings.TrimPrefix(k.typ, namespace+"/"), "locations": nonNil(places), "apiVersions": versions, "capabilities": "SupportsTags, SupportsLocation"})
	}
	b := object{"namespace": namespace, "registrationPolicy": "RegistrationRequired", "registrationState": "Registered", "resourceTypes": nonNil(types)}
	b["id"] = "/providers/" + namespace
	if sub := x.params["subscriptionId"]; sub != "" {
		b["id"] = "/subscriptions/" + strings.ToLower(sub) + "/providers/" + namespace
	}
	return b
}

func (x *exchange) providers() *Error {
	var out []any
	for _, n := range namespaces() {
		out = append(out, x.providerBody(n))
	}
	return x.reply(http.StatusOK, object{"value": out})
}

// provider shows, registers or unregisters one: what is here is registered and stays so.
func (x *exchange) provider() *Error {
	for _, n := range namespaces() {
		if strings.EqualFold(n, x.params["resourceProviderNamespace"]) {
			return x.reply(http.StatusOK, x.providerBody(n))
		}
	}
	return refuse(http.StatusNotFound, "InvalidResourceNamespace", "The resource namespace '%s' is invalid.", x.params["resourceProviderNamespace"])
}

func (x *exchange) groups() *Error {
	f, err := readFilter(x.r.URL.Query().Get("$filter"))
	if err != nil {
		return err
	}
	return x.pages("/subscriptions/"+strings.ToLower(x.params["subscriptionId"])+"/", []*kind{x.engine.kinds.of(groupType)}, f.takes)
}

// resources lists the resources of a subscription or a group, of every type, without their properties.
func (x *exchange) resources() *Error {
	prefix := "/subscriptions/" + strings.ToLower(x.params["subscriptionId"]) + "/"
	if g := x.params["resourceGroupName"]; g != "" {
		id := prefix + "resourcegroups/" + strings.ToLower(g)
		if x.engine.get(id) == nil {
			return refuse(http.StatusNotFound, "ResourceGroupNotFound", "Resource group '%s' could not be found.", g)
		}
		prefix = id + "/"
	}
	f, err := readFilter(x.r.URL.Query().Get("$filter"))
	if err != nil {
		return err
	}
	var ks []*kind
	for _, k := range x.engine.kinds {
		if k.inside == "" && k.typ != groupType {
			ks = append(ks, k)
		}
	}
	expand := x.r.URL.Query().Get("$expand")
	return x.paged(prefix, ks, f.takes, func(r *resource) ([]byte, error) {
		b := object{"id": r.id, "name": text(r.body, "name"), "type": r.kind.typ}
		for _, n := range []string{"location", "tags", "sku", "kind", "zones"} {
			if v := r.body[n]; v != nil {
				b[n] = v
			}
		}
		if strings.Contains(expand, "provisioningState") {
			b["provisioningState"] = r.op.provisioning(x.config.Now())
		}
		if strings.Contains(expand, "createdTime") {
			b["createdTime"] = r.created.UTC()
		}
		return json.Marshal(b)
	})
}

// asked is the operation that a path names: one of the path's subscription, and the caller's own or of something that they may read. Whoever
// else asks learns no more than of one that never was.
func (x *exchange) asked() (*operation, *Error) {
	if op := x.engine.operationOf(x.params["operationId"]); op != nil {
		p, err := azure.ParseID(op.Target)
		read := p.Type() + "/read"
		if p.Provider == "" {
			read = "Microsoft.Resources/subscriptions/resourceGroups/read"
		}
		if err == nil && strings.EqualFold(p.Subscription, x.params["subscriptionId"]) && (op.By == x.caller.ObjectID || x.config.Gate.Access.Allowed(x.caller.ObjectID, read, op.Target)) {
			return op, nil
		}
	}
	return nil, refuse(http.StatusNotFound, "NotFound", "Operation %.40s not found.", x.params["operationId"])
}

// operation is the state of an operation.
func (x *exchange) operation() *Error {
	op, err := x.asked()
	if err != nil {
		return err
	}
	now := x.config.Now()
	b := object{"id": x.r.URL.Path, "name": op.ID, "status": op.state(now), "startTime": op.Starts.UTC()}
	if op.pending(now) {
		x.later()
	} else {
		b["endTime"] = op.Ends.UTC()
		if op.Error != nil {
			b["error"] = op.Error
		}
		if op.Result != nil {
			b["properties"] = object{"output": op.Result}
		}
	}
	return x.reply(http.StatusOK, b)
}

// operationResult is what the call would have answered, once it has ended.
func (x *exchange) operationResult() *Error {
	op, err := x.asked()
	if err != nil {
		return err
	}
	now := x.config.Now()
	switch {
	case op.pending(now):
		x.w.Header().Set("Location", x.base()+x.r.URL.RequestURI())
		x.later()
		return x.nothing(http.StatusAccepted)
	case op.Error != nil:
		return op.Error
	case op.Status == canceled:
		return refuse(http.StatusConflict, "Canceled", "Operation was canceled.")
	case op.Result != nil:
		return x.reply(http.StatusOK, op.Result)
	case op.Verb == "delete":
		return x.nothing(http.StatusOK)
	}
	if c, ok := x.engine.find(op.Target); ok {
		return x.reply(http.StatusOK, x.engine.shown(c))
	}
	return x.nothing(http.StatusOK)
}

// cancel ends an operation that has not ended, as Canceled.
func (x *exchange) cancel() *Error {
	e := x.engine
	e.write.Lock()
	defer e.write.Unlock()
	op, err := x.asked()
	if err != nil {
		return err
	}
	p, _ := azure.ParseID(op.Target)
	if !x.config.Gate.Access.Allowed(x.caller.ObjectID, p.Type()+"/write", op.Target) {
		return refuse(http.StatusForbidden, "AuthorizationFailed", "The client '%s' with object id '%s' does not have authorization to perform action '%s' over scope '%s' or the scope is invalid.", x.caller.AppID, x.caller.ObjectID, p.Type()+"/write", op.Target)
	}
	now := x.config.Now()
	if !op.pending(now) {
		return refuse(http.StatusConflict, "OperationNotAllowed", "Operation %s has ended: %s.", op.ID, op.state(now))
	}
	for _, k := range append(upTo(strings.ToLower(op.Target)), strings.ToLower(op.Target)) {
		r := e.get(k)
		if r == nil || r.op == nil || r.op.ID != op.ID {
			continue
		}
		next, done := *r, *op
		done.Ends, done.Status = now, canceled
		done.Error = refuse(http.StatusConflict, "Canceled", "Operation was canceled.")
		next.op = &done
		if err := e.put(&next, r); err != nil {
			return err
		}
		return x.nothing(http.StatusNoContent)
	}
	return refuse(http.StatusNotFound, "NotFound", "Operation %s not found.", op.ID)
}

// serviceProviders are the published connectivity providers with their locations and what they sell.
func (x *exchange) serviceProviders() *Error {
	at := map[string][]any{}
	var names []string
	for _, o := range x.config.Catalog.Offers() {
		if at[o.Provider] == nil {
			names = append(names, o.Provider)
		}
		if !slices.Contains(at[o.Provider], any(o.Location)) {
			at[o.Provider] = append(at[o.Provider], o.Location)
		}
	}
	slices.Sort(names)
	var bandwidths []any
	for _, m := range x.config.Catalog.Limits().CircuitMbps {
		name := fmt.Sprintf("%dMbps", m)
		if m >= 1000 {
			name = fmt.Sprintf("%dGbps", m/1000)
		}
		bandwidths = append(bandwidths, object{"offerName": name, "valueInMbps": m})
	}
	var out []any
	for _, n := range names {
		out = append(out, object{
			"id": "/subscriptions/" + strings.ToLower(x.params["subscriptionId"]) + "/resourceGroups//providers/Microsoft.Network/expressRouteServiceProviders/", "name": n, "type": netProvider + "expressRouteServiceProviders",
			"properties": object{"provisioningState": succeeded, "peeringLocations": at[n], "bandwidthsOffered": bandwidths},
		})
	}
	return x.reply(http.StatusOK, object{"value": nonNil(out)})
}

// communities are the published BGP communities of the services.
func (x *exchange) communities() *Error {
	by := map[string][]any{}
	var names []string
	for _, s := range x.config.Catalog.Services() {
		if s.Community == "" {
			continue
		}
		if by[s.Service] == nil {
			names = append(names, s.Service)
		}
		by[s.Service] = append(by[s.Service], object{"serviceSupportedRegion": "Global", "communityName": s.Service, "communityValue": s.Community, "communityPrefixes": []any{}, "isAuthorizedToUse": !s.AuthorizationRequired, "serviceGroup": "O365"})
	}
	var out []any
	for _, n := range names {
		out = append(out, object{
			"id": "/subscriptions/" + strings.ToLower(x.params["subscriptionId"]) + "/providers/Microsoft.Network/bgpServiceCommunities/" + url.PathEscape(n), "name": n, "type": netProvider + "bgpServiceCommunities",
			"properties": object{"serviceName": n, "bgpCommunities": by[n]},
		})
	}
	return x.reply(http.StatusOK, object{"value": nonNil(out)})
}

func (x *exchange) portsLocationBodies() []any {
	var out []any
	for _, l := range x.config.Catalog.Locations() {
		if !l.Direct || l.Cloud != "public" {
			continue
		}
		name := strings.ReplaceAll(l.Name, " ", "-")
		var sizes []any
		for _, g := range x.config.Catalog.Limits().DirectPortGbps {
			sizes = append(sizes, object{"offerName": fmt.Sprintf("%d Gbps", g), "valueInGbps": g})
		}
		out = append(out, object{
			"id": "/subscriptions/" + strings.ToLower(x.params["subscriptionId"]) + "/providers/Microsoft.Network/expressRoutePortsLocations/" + name, "name": name, "type": netProvider + "expressRoutePortsLocations",
			"properties": object{"provisioningState": succeeded, "address": l.Address, "contact": l.AddressURL, "availableBandwidths": sizes},
		})
	}
	return nonNil(out)
}

func (x *exchange) portsLocations() *Error {
	return x.reply(http.StatusOK, object{"value": x.portsLocationBodies()})
}

func (x *exchange) portsLocation() *Error {
	for _, b := range x.portsLocationBodies() {
		if strings.EqualFold(text(b.(object), "name"), x.params["locationName"]) {
			return x.reply(http.StatusOK, b)
		}
	}
	return refuse(http.StatusNotFound, "NotFound", "Resource %s not found.", x.r.URL.Path)
}

// parentOf is the resource that a path is below: n parts before its end.
func (x *exchange) parentOf(n int) (child, *Error) {
	id := strings.TrimSuffix(x.r.URL.Path, "/")
	for range n {
		id = id[:strings.LastIndexByte(id, '/')]
	}
	c, ok := x.engine.find(id)
	if !ok {
		p, err := azure.ParseID(id)
		if err != nil {
			return child{}, refuse(http.StatusBadRequest, "InvalidRequestUri", "%v.", err)
		}
		k := x.engine.kinds.of(p.Type())
		if k == nil {
			return child{}, refuse(http.StatusNotFound, "NotFound", "Resource %s not found.", id)
		}
		y := *x
		r := *x.route
		r.kind = k
		y.matched.route = &r
		return child{}, y.missing(id)
	}
	return c, nil
}

func (x *exchange) named(of []any, name string) *Error {
	for _, b := range of {
		if o, _ := b.(object); strings.EqualFold(text(o, "name"), name) {
			return x.reply(http.StatusOK, b)
		}
	}
	return refuse(http.StatusNotFound, "NotFound", "Resource %s not found.", x.r.URL.Path)
}

func (x *exchange) defaultRules() *Error {
	c, err := x.parentOf(1)
	if err != nil {
		return err
	}
	return x.reply(http.StatusOK, object{"value": defaultRules(c.id)})
}

func (x *exchange) defaultRule() *Error {
	c, err := x.parentOf(2)
	if err != nil {
		return err
	}
	return x.named(defaultRules(c.id), x.params["defaultSecurityRuleName"])
}

func (x *exchange) configurations() *Error {
	c, err := x.parentOf(1)
	if err != nil {
		return err
	}
	return x.reply(http.StatusOK, object{"value": anys(list(c.body, "properties", "ipConfigurations"))})
}

func (x *exchange) configuration() *Error {
	c, err := x.parentOf(2)
	if err != nil {
		return err
	}
	return x.named(anys(list(c.body, "properties", "ipConfigurations")), x.params["ipConfigurationName"])
}

// available tells whether an address of a network can be given, and which others can.
func (x *exchange) available() *Error {
	c, err := x.parentOf(1)
	if err != nil {
		return err
	}
	a, perr := netip.ParseAddr(x.r.URL.Query().Get("ipAddress"))
	if perr != nil {
		return refuse(http.StatusBadRequest, "InvalidParameter", "The value '%.60s' of ipAddress is no address.", x.r.URL.Query().Get("ipAddress")).at("ipAddress")
	}
	ch := &change{engine: x.engine}
	for _, s := range list(c.body, "properties", "subnets") {
		for _, p := range subnetPrefixes(s) {
			q, perr := netip.ParsePrefix(p)
			if perr != nil || !q.Contains(a) {
				continue
			}
			taken := ch.taken(text(s, "id"))
			free := !taken[a] && usable(q, a)
			others := []any{}
			for b := q.Masked().Addr(); q.Contains(b) && len(others) < 5; b = b.Next() {
				if !taken[b] && usable(q, b) {
					others = append(others, b.String())
				}
			}
			return x.reply(http.StatusOK, object{"available": free, "availableIPAddresses": others, "isPlatformReserved": !usable(q, a)})
		}
	}
	return refuse(http.StatusBadRequest, "PrivateIPAddressNotInAnySubnet", "Private IP address %s does not belong to the range of any subnet in virtual network %s.", a, azure.ID(c.id).Name())
}

// usable tells whether Azure gives an address of a subnet: not the first four, and of IPv4 not the last.
func usable(p netip.Prefix, a netip.Addr) bool {
	first := p.Masked().Addr()
	for range 4 {
		if a == first {
			return false
		}
		first = first.Next()
	}
	return !a.Is4() || p.Contains(a.Next())
}

func (x *exchange) usage() *Error {
	c, err := x.parentOf(1)
	if err != nil {
		return err
	}
	out := []any{}
	ch := &change{engine: x.engine}
	for _, s := range list(c.body, "properties", "subnets") {
		limit := int64(0)
		for _, p := range subnetPrefixes(s) {
			if q, err := netip.ParsePrefix(p); err == nil && q.Addr().Is4() {
				limit += 1<<(32-q.Bits()) - 5
			}
		}
		out = append(out, object{"id": text(s, "id"), "currentValue": len(ch.taken(text(s, "id"))), "limit": max(0, limit), "unit": "Count", "name": object{"value": "SubnetSpace", "localizedValue": "Subnet size and usage"}})
	}
	return x.reply(http.StatusOK, object{"value": out})
}

func (x *exchange) gatewayConnections() *Error {
	c, err := x.parentOf(1)
	if err != nil {
		return err
	}
	out := []any{}
	for _, u := range x.engine.usersOf(c.id) {
		if u.kind.typ == netProvider+"connections" {
			out = append(out, x.engine.shown(child{of: u, kind: u.kind, body: u.body, id: u.id}))
		}
	}
	return x.reply(http.StatusOK, object{"value": out})
}

// sharedKey is a connection's; an ExpressRoute connection has one too, which nobody uses.
func (x *exchange) sharedKey() *Error {
	c, err := x.parentOf(1)
	if err != nil {
		return err
	}
	return x.reply(http.StatusOK, object{"value": text(c.body, "properties", "sharedKey")})
}

func (x *exchange) setSharedKey() *Error {
	n := 1
	if x.op.Method == http.MethodPost {
		n = 2
	}
	c, err := x.parentOf(n)
	if err != nil {
		return err
	}
	sent, err := readObject(x.body)
	if err != nil {
		return err
	}
	e := x.engine
	key := text(sent, "value")
	if x.op.Method == http.MethodPost {
		k := number(sent, "keyLength")
		if k < 1 || k > 128 {
			return refuse(http.StatusBadRequest, "InvalidParameter", "The key length %d is not from 1 to 128.", k).at("keyLength")
		}
		key = e.token(int(k))[:k]
	}
	if key == "" {
		return refuse(http.StatusBadRequest, "InvalidRequestContent", "The shared key has no value.").at("value")
	}
	e.write.Lock()
	defer e.write.Unlock()
	was := e.get(c.of.id)
	if was == nil {
		return notFound(c.kind, c.id)
	}
	if was.op.pending(e.now()) {
		return busy(was.op)
	}
	next := *was
	next.body, next.changed = copied(was.body), e.now()
	inner(next.body, "properties")["sharedKey"] = key
	next.op = &operation{ID: e.guid(), Verb: "sharedkey", Target: was.id, By: x.caller.ObjectID, Starts: e.now(), Ends: e.now().Add(e.pace.of(c.kind, "sharedkey", false)), Status: succeeded}
	made := object{"keyLength": number(sent, "keyLength")} // the key itself is for those who may read it
	if x.op.Method == http.MethodPost {
		next.op.Result = made
	}
	if err := e.put(&next, was); err != nil {
		return err
	}
	x.follow(next.op, true, x.op.Method == http.MethodPost)
	if x.op.Method == http.MethodPost {
		if !next.op.pending(e.now()) {
			return x.reply(http.StatusOK, made)
		}
		return x.nothing(http.StatusAccepted)
	}
	status := http.StatusOK
	if text(was.body, "properties", "sharedKey") == "" {
		status = http.StatusCreated
	}
	return x.reply(status, object{"value": key})
}

// answer is how an action's result is given: at once, or when its operation has ended.
func (x *exchange) answer(of child, result any, err error) *Error {
	if err != nil {
		if e, ok := err.(*Error); ok { //nolint:errorlint // Tables give it bare
			return e
		}
		return x.engine.broken(err)
	}
	d := x.engine.pace.of(of.kind, "action", false)
	if d == 0 || !x.op.LongRunning {
		return x.reply(http.StatusOK, result)
	}
	now := x.config.Now()
	op := &operation{ID: x.engine.guid(), Verb: x.op.ID, Target: of.id, By: x.caller.ObjectID, Starts: now, Ends: now.Add(d), Status: succeeded, Result: result}
	if err := x.engine.promise(op); err != nil {
		return err
	}
	x.follow(op, true, true)
	return x.nothing(http.StatusAccepted)
}

func (x *exchange) path(name string) (string, *Error) {
	switch p := strings.ToLower(name); p {
	case "primary", "secondary":
		return p, nil
	}
	return "", refuse(http.StatusBadRequest, "InvalidParameter", "The device path '%.40s' is not 'primary' or 'secondary'.", name).at("devicePath")
}

// onPath is the peering that a path is about, of a circuit or of what the circuit's provider sees of it, and which of its two paths.
func (x *exchange) onPath() (c child, p string, err *Error) {
	if x.byProvider() {
		r, err := x.crossing()
		if err != nil {
			return child{}, "", err
		}
		var ok bool
		if c, ok = r.below(r.id + "/peerings/" + x.params["peeringName"]); !ok {
			return child{}, "", refuse(http.StatusNotFound, "NotFound", "Resource %s not found.", x.r.URL.Path)
		}
	} else if c, err = x.parentOf(2); err != nil {
		return child{}, "", err
	}
	p, err = x.path(x.params["devicePath"])
	return c, p, err
}

// byProvider tells that the path is one of the providers' interface.
func (x *exchange) byProvider() bool { return x.params["crossConnectionName"] != "" }

func (x *exchange) arp() *Error {
	c, p, err := x.onPath()
	if err != nil {
		return err
	}
	rows, e := x.live().ARP(c.of.id, text(c.body, "name"), p)
	return x.answer(c, object{"value": rows}, e)
}

func (x *exchange) circuitRoutes() *Error {
	c, p, err := x.onPath()
	if err != nil {
		return err
	}
	rows, e := x.live().CircuitRoutes(c.of.id, text(c.body, "name"), p)
	return x.answer(c, object{"value": rows}, e)
}

// circuitSummary counts the routes by neighbour, in the words that each of the two interfaces has for it.
func (x *exchange) circuitSummary() *Error {
	c, p, err := x.onPath()
	if err != nil {
		return err
	}
	asn, received := "as", "statePfxRcd"
	if x.byProvider() {
		asn, received = "asn", "stateOrPrefixesReceived"
	}
	rows, e := x.live().CircuitRoutes(c.of.id, text(c.body, "name"), p)
	return x.answer(c, object{"value": summary(rows, asn, received)}, e)
}

// summary counts routes by the neighbour that they go to, under the names that one of Azure's lists has for its AS number and the count.
func summary(rows []CircuitRoute, asn, received string) []any {
	count, as := map[string]int{}, map[string]string{}
	var hops []string
	for _, r := range rows {
		if count[r.NextHop] == 0 {
			hops = append(hops, r.NextHop)
		}
		count[r.NextHop]++
		as[r.NextHop], _, _ = strings.Cut(r.Path, " ")
	}
	slices.Sort(hops)
	out := []any{}
	for _, h := range hops {
		n := 0
		_, _ = fmt.Sscan(as[h], &n)
		o := object{"neighbor": h, asn: n, "upDown": "", received: fmt.Sprint(count[h])}
		if received == "statePfxRcd" {
			o["v"] = 4
		}
		out = append(out, o)
	}
	return out
}

func (x *exchange) stats() *Error {
	c, err := x.parentOf(1)
	if err != nil {
		return err
	}
	peering := ""
	if c.kind.inside != "" {
		peering = text(c.body, "name")
	}
	t, e := x.live().Traffic(c.of.id, peering)
	if e != nil {
		return x.answer(c, nil, e)
	}
	return x.reply(http.StatusOK, t)
}

func (x *exchange) learned() *Error {
	c, err := x.parentOf(1)
	if err != nil {
		return err
	}
	rows, e := x.live().Learned(c.id)
	return x.answer(c, object{"value": rows}, e)
}

func (x *exchange) advertised() *Error {
	c, err := x.parentOf(1)
	if err != nil {
		return err
	}
	peer, perr := netip.ParseAddr(x.r.URL.Query().Get("peer"))
	if perr != nil {
		return refuse(http.StatusBadRequest, "InvalidParameter", "The value '%.60s' of peer is no address.", x.r.URL.Query().Get("peer")).at("peer")
	}
	rows, e := x.live().Advertised(c.id, peer)
	return x.answer(c, object{"value": rows}, e)
}

func (x *exchange) peerStatus() *Error {
	c, err := x.parentOf(1)
	if err != nil {
		return err
	}
	rows, e := x.live().Peers(c.id)
	if p := x.r.URL.Query().Get("peer"); p != "" && e == nil {
		rows = slices.DeleteFunc(slices.Clone(rows), func(s PeerStatus) bool { return s.Neighbor != p })
	}
	return x.answer(c, object{"value": rows}, e)
}

func (x *exchange) effectiveRoutes() *Error {
	c, err := x.parentOf(1)
	if err != nil {
		return err
	}
	for _, y := range list(c.body, "properties", "ipConfigurations") {
		if s := text(y, "properties", "subnet", "id"); s != "" {
			rows, e := x.live().Effective(s)
			return x.answer(c, object{"value": rows}, e)
		}
	}
	return x.answer(c, object{"value": []any{}}, nil)
}

func (x *exchange) live() Tables { return x.tables }
