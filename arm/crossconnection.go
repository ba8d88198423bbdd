package arm

import (
	"net/http"
	"strings"

	"onramp/azure"
)

// A cross connection is a circuit as its provider sees it (behaviors.md, Ordering and provisioning): the same record, shown under the
// service key (AssumeCrossConnection).

// crossID is the id under which the provider finds a circuit.
func crossID(r *resource) string {
	p, _ := azure.ParseID(r.id)
	return "/subscriptions/" + p.Subscription + "/resourceGroups/" + crossGroup(r) + "/providers/" + netProvider + "expressRouteCrossConnections/" + text(r.body, "properties", "serviceKey")
}

func crossGroup(r *resource) string {
	return "CrossConnection-" + strings.ReplaceAll(text(r.body, "properties", "serviceProviderProperties", "peeringLocation"), " ", "")
}

// crossBody shows a circuit to its provider.
func (x *exchange) crossBody(r *resource) object {
	id := crossID(r)
	peerings := []any{}
	for _, p := range list(r.body, "properties", "peerings") {
		peerings = append(peerings, crossPeeringBody(id, p))
	}
	props := object{
		"provisioningState": r.op.provisioning(x.config.Now()), "peeringLocation": text(r.body, "properties", "serviceProviderProperties", "peeringLocation"),
		"bandwidthInMbps": number(r.body, "properties", "serviceProviderProperties", "bandwidthInMbps"), "expressRouteCircuit": object{"id": r.id},
		"serviceProviderProvisioningState": text(r.body, "properties", "serviceProviderProvisioningState"), "serviceProviderNotes": text(r.body, "properties", "serviceProviderNotes"), "peerings": peerings,
		"sTag": number(r.body, "properties", "stag"),
	}
	site := strings.ToUpper(derived(text(r.body, "properties", "serviceProviderProperties", "peeringLocation"), "")[:3])
	props["primaryAzurePort"], props["secondaryAzurePort"] = "TWIN-"+site+"-06GMR-CIS-1-PRI-A", "TWIN-"+site+"-06GMR-CIS-2-SEC-A"
	out := object{"id": id, "name": text(r.body, "properties", "serviceKey"), "type": netProvider + "expressRouteCrossConnections", "location": text(r.body, "location"), "etag": r.body["etag"], "properties": props}
	if len(r.provider) > 0 { // its own: the customer's are not for the provider to see
		out["tags"] = r.provider
	}
	return out
}

// crossPeeringBody shows a peering to the provider of its circuit, who sees nothing of what the customer joins by it.
func crossPeeringBody(cross string, p object) object {
	q := copied(p)
	q["id"], q["type"] = cross+"/peerings/"+text(p, "name"), netProvider+"expressRouteCrossConnections/peerings"
	for _, n := range []string{"connections", "peeredConnections", "routeFilter", "stats"} {
		delete(inner(q, "properties"), n)
	}
	return q
}

// crossing finds the circuit that a path names by its service key.
func (x *exchange) crossing() (*resource, *Error) {
	key := x.params["crossConnectionName"]
	var found *resource
	x.engine.list(x.engine.kinds.of(netProvider+"expressRouteCircuits"), "/subscriptions/"+strings.ToLower(x.params["subscriptionId"])+"/", "", func(r *resource) bool {
		if strings.EqualFold(text(r.body, "properties", "serviceKey"), key) && text(r.body, "properties", "expressRoutePort", "id") == "" {
			found = r
			return false
		}
		return true
	})
	if found == nil || x.params["resourceGroupName"] != "" && !strings.EqualFold(x.params["resourceGroupName"], crossGroup(found)) {
		return nil, refuse(http.StatusNotFound, "ResourceNotFound", "The Resource 'Microsoft.Network/expressRouteCrossConnections/%s' under resource group '%s' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix", key, x.params["resourceGroupName"])
	}
	return found, nil
}

func (x *exchange) crossList() *Error {
	out := []any{}
	name, named := quoted(x.r.URL.Query().Get("$filter"), "name eq '")
	x.engine.list(x.engine.kinds.of(netProvider+"expressRouteCircuits"), "/subscriptions/"+strings.ToLower(x.params["subscriptionId"])+"/", "", func(r *resource) bool {
		switch g := x.params["resourceGroupName"]; {
		case text(r.body, "properties", "expressRoutePort", "id") != "", g != "" && !strings.EqualFold(g, crossGroup(r)), named && !strings.EqualFold(name, text(r.body, "properties", "serviceKey")):
		default:
			out = append(out, x.crossBody(r))
		}
		return true
	})
	return x.reply(http.StatusOK, object{"value": out})
}

func (x *exchange) crossGet() *Error {
	r, err := x.crossing()
	if err != nil {
		return err
	}
	return x.reply(http.StatusOK, x.crossBody(r))
}

// crossTags replaces the tags that a provider puts on its side of a circuit.
func (x *exchange) crossTags() *Error {
	r, err := x.crossing()
	if err != nil {
		return err
	}
	sent, err := readObject(x.body)
	if err != nil {
		return err
	}
	tags, err := readTags(sent)
	if err != nil {
		return err
	}
	next, err := x.engine.tagProvider(r, tags)
	if err != nil {
		return err
	}
	return x.reply(http.StatusOK, x.crossBody(next))
}

// tagProvider puts a provider's tags at its side of a circuit.
func (e *engine) tagProvider(circuit *resource, tags object) (*resource, *Error) {
	e.write.Lock()
	defer e.write.Unlock()
	was := e.get(circuit.id)
	if was == nil {
		return nil, notFound(circuit.kind, circuit.id)
	}
	if was.op.pending(e.now()) {
		return nil, busy(was.op)
	}
	next := *was
	next.provider, next.changed = tags, e.now()
	return &next, e.put(&next, was)
}

// readTags are the tags that a body has.
func readTags(sent object) (object, *Error) {
	tags := object{}
	for name, v := range mapOf(find(sent, "tags")) {
		s, ok := v.(string)
		if !ok {
			return nil, refuse(http.StatusBadRequest, "InvalidRequestContent", "The tag '%s' has no text for its value.", name).at("tags")
		}
		tags[name] = s
	}
	return tags, nil
}

// crossPut is how a provider says how far it is.
func (x *exchange) crossPut() *Error {
	r, err := x.crossing()
	if err != nil {
		return err
	}
	sent, err := readObject(x.body)
	if err != nil {
		return err
	}
	state := text(sent, "properties", "serviceProviderProvisioningState")
	switch state {
	case "", notProvisioned, "Provisioning", provisioned, deprovisioning:
	default:
		return refuse(http.StatusBadRequest, "InvalidParameter", "The service provider provisioning state '%s' is not NotProvisioned, Provisioning, Provisioned or Deprovisioning.", state).at("properties.serviceProviderProvisioningState")
	}
	tags, err := readTags(sent)
	if err != nil {
		return err
	}
	next, err := x.engine.alter(x.caller, r.id, func(b object) *Error {
		if state == notProvisioned {
			for _, u := range x.engine.usersOf(r.id) {
				if u.kind.typ == netProvider+"connections" {
					return refuse(http.StatusConflict, "Conflict", "Circuit %s is linked by %s: it cannot be deprovisioned.", azure.ID(r.id).Name(), u.id)
				}
			}
			inner(b, "properties")["peerings"] = []any{}
		}
		if state != "" {
			inner(b, "properties")["serviceProviderProvisioningState"] = state
		}
		if n := find(sent, "properties", "serviceProviderNotes"); n != nil {
			inner(b, "properties")["serviceProviderNotes"] = n
		}
		return nil
	}, x.rules.works(x), func(next *resource) {
		if find(sent, "tags") != nil {
			next.provider = tags
		}
	})
	if err != nil {
		return err
	}
	x.follow(next.op, true, false)
	b := x.crossBody(next)
	inner(b, "properties")["provisioningState"] = updating
	return x.reply(http.StatusOK, b)
}

func (x *exchange) crossPeerings() *Error {
	r, err := x.crossing()
	if err != nil {
		return err
	}
	return x.reply(http.StatusOK, object{"value": find(x.crossBody(r), "properties", "peerings")})
}

func (x *exchange) crossPeering() *Error {
	r, err := x.crossing()
	if err != nil {
		return err
	}
	ps, _ := find(x.crossBody(r), "properties", "peerings").([]any)
	return x.named(ps, x.params["peeringName"])
}

// crossPeeringWrite lets the provider make or delete a peering: it is the circuit's.
func (x *exchange) crossPeeringWrite() *Error {
	r, err := x.crossing()
	if err != nil {
		return err
	}
	id := r.id + "/peerings/" + x.params["peeringName"]
	k := x.engine.kinds.of(netProvider + "expressRouteCircuits/peerings")
	if x.op.Method == http.MethodDelete {
		c, err := x.engine.deleteResource(x.caller, k, id, x.rules.works(x))
		if err != nil {
			return err
		}
		if c == nil {
			return x.nothing(http.StatusNoContent)
		}
		x.follow(c.next.op, true, true)
		return x.nothing(http.StatusAccepted)
	}
	sent, err := readObject(x.body)
	if err != nil {
		return err
	}
	delete(sent, "id")
	delete(sent, "type")
	c, err := x.engine.putResource(x.caller, x.config.Gate.Access, k, id, sent, x.rules.works(x))
	if err != nil {
		return err
	}
	status := http.StatusOK
	if c.before == nil {
		status = http.StatusCreated
	}
	x.follow(c.next.op, true, false)
	b := crossPeeringBody(crossID(c.next), c.body)
	inner(b, "properties")["provisioningState"] = updating
	return x.reply(status, b)
}

// alter changes a resource's own body, and what else there is to its record, as an operation.
func (e *engine) alter(by *Principal, id string, do func(object) *Error, w works, also ...func(*resource)) (*resource, *Error) {
	e.write.Lock()
	defer e.write.Unlock()
	was := e.get(id)
	if was == nil {
		p, _ := azure.ParseID(id)
		return nil, notFound(e.kinds.of(p.Type()), id)
	}
	if was.op.pending(e.now()) {
		return nil, busy(was.op)
	}
	next := *was
	next.body, next.changed = copied(was.body), e.now()
	if err := do(next.body); err != nil {
		return nil, err
	}
	for _, f := range also {
		f(&next)
	}
	if _, has := next.body["etag"]; has {
		next.body["etag"] = e.etag()
	}
	next.op = &operation{ID: e.guid(), Verb: "put", Target: was.id, By: by.ObjectID, Starts: e.now(), Ends: e.now().Add(w.takes(e.pace.of(was.kind, "put", false))), Status: succeeded}
	if w.fail != nil {
		next.op.Status, next.op.Error = failed, w.fail
	}
	if err := e.put(&next, was); err != nil {
		return nil, err
	}
	return &next, nil
}
