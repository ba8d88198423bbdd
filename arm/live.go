package arm

import (
	"strings"
)

// lively returns what changes in a body from outside its record, to be put into a copy; nil where nothing does.
func (e *engine) lively(c child) func(object) {
	switch c.kind.typ {
	case netProvider + "virtualNetworks":
		if len(list(c.body, "properties", "virtualNetworkPeerings")) == 0 && len(list(c.body, "properties", "subnets")) == 0 {
			return nil
		}
		return func(b object) {
			for _, p := range list(b, "properties", "virtualNetworkPeerings") {
				e.peering(c.of, p)
			}
			for _, s := range list(b, "properties", "subnets") {
				e.subnet(s)
			}
		}
	case netProvider + "virtualNetworks/virtualNetworkPeerings":
		return func(b object) { e.peering(c.of, b) }
	case netProvider + "virtualNetworks/subnets":
		return func(b object) { e.subnet(b) }
	case netProvider + "routeTables", netProvider + "networkSecurityGroups":
		return func(b object) { inner(b, "properties")["subnets"] = e.subnetsWith(c.id) }
	case netProvider + "expressRouteCircuits":
		return func(b object) {
			for _, a := range list(b, "properties", "authorizations") {
				e.authorization(a)
			}
			for _, p := range list(b, "properties", "peerings") {
				inner(p, "properties")["peeredConnections"] = e.farSide(p)
			}
		}
	case netProvider + "expressRouteCircuits/peerings":
		return func(b object) { inner(b, "properties")["peeredConnections"] = e.farSide(b) }
	case netProvider + "expressRouteCircuits/authorizations":
		return func(b object) { e.authorization(b) }
	case netProvider + "connections":
		return func(b object) { inner(b, "properties")["connectionStatus"] = e.connectionStatus(c.id, b) }
	case netProvider + "expressRoutePorts":
		return func(b object) {
			refs := []any{}
			sum := 0.0
			for _, u := range e.usersOf(c.id) {
				refs = append(refs, object{"id": u.id})
				sum += decimal(u.body, "properties", "bandwidthInGbps")
			}
			inner(b, "properties")["circuits"], inner(b, "properties")["provisionedBandwidthInGbps"] = refs, sum
		}
	case netProvider + "routeFilters":
		return func(b object) {
			refs := []any{}
			for _, u := range e.usersOf(c.id) {
				for _, p := range list(u.body, "properties", "peerings") {
					if strings.EqualFold(text(p, "properties", "routeFilter", "id"), c.id) {
						refs = append(refs, object{"id": text(p, "id")})
					}
				}
			}
			inner(b, "properties")["peerings"] = refs
		}
	case netProvider + "publicIPAddresses":
		return func(b object) {
			for _, u := range e.usersOf(c.id) {
				for _, x := range list(u.body, "properties", "ipConfigurations") {
					if strings.EqualFold(text(x, "properties", "publicIPAddress", "id"), c.id) {
						inner(b, "properties")["ipConfiguration"] = object{"id": text(x, "id")}
					}
				}
			}
		}
	case netProvider + "virtualHubs":
		return func(b object) { e.hub(c, b) }
	case netProvider + "firewallPolicies":
		return func(b object) {
			groups, firewalls := []any{}, []any{}
			e.list(e.kinds.of(netProvider+"firewallPolicies/ruleCollectionGroups"), c.of.key+"/", "", func(r *resource) bool {
				groups = append(groups, object{"id": r.id})
				return true
			})
			for _, u := range e.usersOf(c.id) {
				if u.kind.typ == netProvider+"azureFirewalls" {
					firewalls = append(firewalls, object{"id": u.id})
				}
			}
			inner(b, "properties")["ruleCollectionGroups"], inner(b, "properties")["firewalls"] = groups, firewalls
		}
	}
	return nil
}

// peering puts the state of a VNet peering: Initiated until the other side is there, Connected, and Disconnected when it has gone.
func (e *engine) peering(vnet *resource, p object) {
	props := inner(p, "properties")
	remote := e.get(text(props, "remoteVirtualNetwork", "id"))
	state := "Initiated"
	if text(props, "peeringState") == "Connected" {
		state = "Disconnected"
	}
	if remote != nil {
		for _, q := range list(remote.body, "properties", "virtualNetworkPeerings") {
			if strings.EqualFold(text(q, "properties", "remoteVirtualNetwork", "id"), vnet.id) {
				state = "Connected"
			}
		}
		prefixes := anys(words(remote.body, "properties", "addressSpace", "addressPrefixes"))
		props["remoteAddressSpace"] = object{"addressPrefixes": prefixes}
		props["remoteVirtualNetworkAddressSpace"] = object{"addressPrefixes": prefixes}
	}
	props["peeringState"] = state
	props["peeringSyncLevel"] = "FullyInSync"
	if state != "Connected" {
		props["peeringSyncLevel"] = "RemoteNotInSync"
	}
}

// meet remembers in both networks of a peering that it has been Connected, so that it is Disconnected when one side goes.
func (e *engine) meet(vnet *resource) *Error {
	for _, p := range list(vnet.body, "properties", "virtualNetworkPeerings") {
		remote := e.get(text(p, "properties", "remoteVirtualNetwork", "id"))
		if remote == nil {
			continue
		}
		for _, side := range []struct{ of, to *resource }{{vnet, remote}, {remote, vnet}} {
			if err := e.remember(side.of.id, side.to.id); err != nil {
				return err
			}
		}
	}
	return nil
}

// remember writes Connected into a network's peering with another, if both have one.
func (e *engine) remember(id, to string) *Error {
	r, other := e.get(id), e.get(to)
	if r == nil || other == nil {
		return nil
	}
	has := func(x *resource, to string) bool {
		for _, q := range list(x.body, "properties", "virtualNetworkPeerings") {
			if strings.EqualFold(text(q, "properties", "remoteVirtualNetwork", "id"), to) {
				return true
			}
		}
		return false
	}
	if !has(r, other.id) || !has(other, r.id) {
		return nil
	}
	for i, q := range list(r.body, "properties", "virtualNetworkPeerings") {
		if strings.EqualFold(text(q, "properties", "remoteVirtualNetwork", "id"), other.id) && text(q, "properties", "peeringState") != "Connected" {
			next := *r
			next.body = copied(r.body)
			inner(list(next.body, "properties", "virtualNetworkPeerings")[i], "properties")["peeringState"] = "Connected"
			return e.put(&next, r)
		}
	}
	return nil
}

// subnet puts in who uses it.
func (e *engine) subnet(s object) {
	id := text(s, "id")
	configurations := []any{}
	for _, u := range e.usersOf(id) {
		for _, x := range list(u.body, "properties", "ipConfigurations") {
			if strings.EqualFold(text(x, "properties", "subnet", "id"), id) {
				configurations = append(configurations, object{"id": text(x, "id")})
			}
		}
	}
	props := inner(s, "properties")
	delete(props, "ipConfigurations")
	if len(configurations) > 0 {
		props["ipConfigurations"] = configurations
	}
	for name, v := range map[string]any{"privateEndpointNetworkPolicies": "Disabled", "privateLinkServiceNetworkPolicies": "Enabled", "delegations": []any{}} {
		if props[name] == nil {
			props[name] = v
		}
	}
}

// subnetsWith are the subnets that a route table or a security group is on.
func (e *engine) subnetsWith(id string) []any {
	out := []any{}
	for _, u := range e.usersOf(id) {
		for _, s := range list(u.body, "properties", "subnets") {
			if strings.EqualFold(text(s, "properties", "routeTable", "id"), id) || strings.EqualFold(text(s, "properties", "networkSecurityGroup", "id"), id) {
				out = append(out, object{"id": text(s, "id")})
			}
		}
	}
	return out
}

// authorization puts in who has redeemed it.
func (e *engine) authorization(a object) {
	props := inner(a, "properties")
	props["authorizationUseStatus"] = "Available"
	delete(props, "connectionResourceUri")
	if u := e.redeemed(text(props, "authorizationKey"), ""); u != nil {
		props["authorizationUseStatus"] = "InUse"
		props["connectionResourceUri"] = u.id
	}
}

// connectionStatus is what the routers behind the endpoint say of a connection.
func (e *engine) connectionStatus(id string, b object) string {
	if !strings.EqualFold(text(b, "properties", "connectionType"), "ExpressRoute") || e.linked == nil {
		return "Unknown"
	}
	state, err := e.linked(id)
	if err != nil {
		return "Unknown"
	}
	return string(state)
}
