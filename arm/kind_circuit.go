package arm

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"onramp/azure"
)

// The states of a circuit with its provider (limits.yaml, circuit.provisioning).
const (
	notProvisioned = "NotProvisioned"
	provisioned    = "Provisioned"
	deprovisioning = "Deprovisioning"
)

// fillCircuit issues a service key and hands the circuit to its provider.
func fillCircuit(c *change) *Error {
	props := inner(c.body, "properties")
	sku := inner(c.body, "sku")
	if text(sku, "name") == "" && text(sku, "tier") != "" {
		sku["name"] = text(sku, "tier") + "_" + text(sku, "family")
	}
	if text(sku, "tier") == "" {
		if tier, family, ok := strings.Cut(text(sku, "name"), "_"); ok {
			sku["tier"], sku["family"] = tier, family
		}
	}
	props["circuitProvisioningState"] = "Enabled"
	if props["serviceKey"] == nil {
		props["serviceKey"] = c.guid()
	}
	if props["serviceProviderProvisioningState"] == nil {
		props["serviceProviderProvisioningState"] = notProvisioned
		if text(props, "expressRoutePort", "id") != "" || c.prefs.provider == ProviderAuto && c.prefs.delay == 0 {
			props["serviceProviderProvisioningState"] = provisioned
		}
	}
	for name, v := range map[string]any{"allowClassicOperations": false, "gatewayManagerEtag": "", "peerings": []any{}, "authorizations": []any{}, "globalReachEnabled": false} {
		if props[name] == nil {
			props[name] = v
		}
	}
	if port := text(props, "expressRoutePort", "id"); port != "" && props["stag"] == nil {
		props["stag"] = c.freeTag(port)
	}
	if bw := number(props, "serviceProviderProperties", "bandwidthInMbps"); bw > 0 {
		inner(props, "serviceProviderProperties")["bandwidthInMbps"] = bw
	}
	return nil
}

// freeTag is an outer VLAN tag that no other circuit on the port has.
func (c *change) freeTag(port string) int {
	taken := map[int64]bool{}
	for _, u := range c.usersOf(port) {
		taken[number(u.body, "properties", "stag")] = true
	}
	tag := 1
	for taken[int64(tag)] {
		tag++
	}
	return tag
}

// checkCircuit refuses the changes of a circuit that Azure does (limits.yaml, circuit.sku_changes and bandwidth_change). No code is
// published for any of them (AssumeDowngradeCode).
func checkCircuit(c *change) *Error {
	if c.before == nil {
		return c.quota()
	}
	no := func(at, format string, args ...any) *Error {
		return refuse(http.StatusBadRequest, "BadRequest", format, args...).at(at)
	}
	for _, name := range []string{"serviceProviderName", "peeringLocation"} {
		was, is := text(c.before, "properties", "serviceProviderProperties", name), text(c.body, "properties", "serviceProviderProperties", name)
		if !strings.EqualFold(was, is) {
			return refuse(http.StatusConflict, "PropertyChangeNotAllowed", "Changing property 'serviceProviderProperties.%s' from '%s' to '%s' is not allowed.", name, was, is).at("properties.serviceProviderProperties." + name)
		}
	}
	if was, is := text(c.before, "properties", "expressRoutePort", "id"), text(c.body, "properties", "expressRoutePort", "id"); !strings.EqualFold(was, is) {
		return refuse(http.StatusConflict, "PropertyChangeNotAllowed", "Changing property 'expressRoutePort' is not allowed.").at("properties.expressRoutePort")
	}
	was, is := number(c.before, "properties", "serviceProviderProperties", "bandwidthInMbps"), number(c.body, "properties", "serviceProviderProperties", "bandwidthInMbps")
	if is < was {
		return no("properties.serviceProviderProperties.bandwidthInMbps", "The bandwidth of circuit %s cannot be reduced from %d Mbps to %d Mbps. To have less, delete the circuit and create another.", azure.ID(c.id).Name(), was, is)
	}
	oldGbps, newGbps := decimal(c.before, "properties", "bandwidthInGbps"), decimal(c.body, "properties", "bandwidthInGbps")
	if newGbps < oldGbps {
		return no("properties.bandwidthInGbps", "The bandwidth of circuit %s cannot be reduced from %v Gbps to %v Gbps.", azure.ID(c.id).Name(), oldGbps, newGbps)
	}
	if strings.EqualFold(text(c.before, "sku", "family"), "UnlimitedData") && strings.EqualFold(text(c.body, "sku", "family"), "MeteredData") {
		return no("sku.family", "Circuit %s cannot go from UnlimitedData to MeteredData.", azure.ID(c.id).Name())
	}
	return c.downgrade()
}

func decimal(o object, names ...string) float64 {
	switch n := find(o, names...).(type) {
	case float64:
		return n
	case interface{ Float64() (float64, error) }:
		f, _ := n.Float64()
		return f
	}
	return 0
}

// downgrade refuses to leave Premium while what hangs on the circuit needs it.
func (c *change) downgrade() *Error {
	from, to := text(c.before, "sku", "tier"), text(c.body, "sku", "tier")
	if strings.EqualFold(from, to) || !strings.EqualFold(from, "Premium") {
		return nil
	}
	name := azure.ID(c.id).Name()
	links := 0
	loc, _ := c.catalog.Location(text(c.body, "properties", "serviceProviderProperties", "peeringLocation"))
	for _, u := range c.usersOf(c.id) {
		if u.kind.typ != netProvider+"connections" {
			continue
		}
		links++
		if r, ok := c.catalog.Region(text(u.body, "location")); ok && loc.GeopoliticalRegion != "" && r.GeopoliticalRegion != loc.GeopoliticalRegion {
			return refuse(http.StatusBadRequest, "BadRequest", "Circuit %s cannot go from Premium to %s: connection %s links a virtual network in %s (%s), and the circuit is in %s.", name, to, u.id, r.Name, r.GeopoliticalRegion, loc.GeopoliticalRegion).at("sku.tier")
		}
	}
	most, _ := c.catalog.Limits().VNetLinks(to, int(number(c.body, "properties", "serviceProviderProperties", "bandwidthInMbps")))
	if most > 0 && links >= most { // howto-circuit-arm: fewer than the limit
		return refuse(http.StatusBadRequest, "BadRequest", "Circuit %s cannot go from Premium to %s: %d virtual networks are linked, and there must be fewer than %d.", name, to, links, most).at("sku.tier")
	}
	return nil
}

// quota is the published number of circuits in a subscription and a region of it (limits.yaml).
func (c *change) quota() *Error {
	l := c.catalog.Limits()
	all, here := 0, 0
	sub := c.id[:strings.Index(c.id[15:], "/")+15]
	c.list(c.kind, strings.ToLower(sub)+"/", "", func(r *resource) bool {
		all++
		if text(r.body, "location") == text(c.body, "location") {
			here++
		}
		return true
	})
	switch {
	case l.CircuitsPerSubscription > 0 && all >= l.CircuitsPerSubscription:
		return refuse(http.StatusConflict, "QuotaExceeded", "The subscription has %d ExpressRoute circuits, and %d is the limit.", all, l.CircuitsPerSubscription)
	case l.CircuitsPerRegion > 0 && here >= l.CircuitsPerRegion:
		return refuse(http.StatusConflict, "QuotaExceeded", "The subscription has %d ExpressRoute circuits in %s, and %d is the limit.", here, text(c.body, "location"), l.CircuitsPerRegion)
	}
	return nil
}

// leaveCircuit refuses to delete a circuit that its provider still has (limits.yaml: delete_requires NotProvisioned). Connections keep it
// by referring to it.
func leaveCircuit(c *change) *Error {
	for _, a := range list(c.body, "properties", "authorizations") {
		if u := c.redeemed(text(a, "properties", "authorizationKey"), ""); u != nil && !c.goes(u) {
			return refuse(http.StatusConflict, "Conflict", "Circuit %s is in use by %s and cannot be deleted.", azure.ID(c.id).Name(), u.id)
		}
	}
	if c.prefs.provider == ProviderManual && text(c.body, "properties", "expressRoutePort", "id") == "" && text(c.body, "properties", "serviceProviderProvisioningState") != notProvisioned {
		return refuse(http.StatusConflict, "Conflict", "Circuit %s cannot be deleted: its service provider has not deprovisioned it (serviceProviderProvisioningState: %s).", azure.ID(c.id).Name(), text(c.body, "properties", "serviceProviderProvisioningState"))
	}
	return nil
}

// fillPeering gives a peering Microsoft's side of it.
func fillPeering(c *change) *Error {
	props := inner(c.body, "properties")
	if t := text(props, "peeringType"); t == "" {
		props["peeringType"] = azure.ID(c.id).Name()
	}
	props["azureASN"] = c.catalog.Limits().MicrosoftASN
	for name, v := range map[string]any{"state": "Enabled", "gatewayManagerEtag": "", "lastModifiedBy": "Customer", "connections": []any{}, "peeredConnections": []any{}} {
		if props[name] == nil {
			props[name] = v
		}
	}
	if props["primaryAzurePort"] == nil {
		site := strings.ToUpper(derived(text(c.next.body, "properties", "serviceProviderProperties", "peeringLocation"), text(c.next.body, "properties", "expressRoutePort", "id"))[:3])
		props["primaryAzurePort"], props["secondaryAzurePort"] = "TWIN-"+site+"-06GMR-CIS-1-PRI-A", "TWIN-"+site+"-06GMR-CIS-2-SEC-A"
	}
	if m := find(c.body, "properties", "microsoftPeeringConfig"); m != nil {
		o := mapOf(m)
		if o["advertisedPublicPrefixesState"] == nil || c.before == nil {
			o["advertisedPublicPrefixesState"] = "Configured"
		}
	}
	return nil
}

// checkPeering refuses a peering before the provider has done its part, and VLANs and addresses that another peering of the circuit has
// (AssumePeeringCode).
func checkPeering(c *change) *Error {
	state := text(c.next.body, "properties", "serviceProviderProvisioningState")
	if c.before == nil && state != provisioned {
		return refuse(http.StatusBadRequest, "BadRequest", "Peering %s cannot be created: the service provider has not provisioned circuit %s (serviceProviderProvisioningState: %s).", azure.ID(c.id).Name(), azure.ID(c.next.id).Name(), state)
	}
	for _, o := range list(c.next.body, "properties", "peerings") {
		if strings.EqualFold(text(o, "name"), text(c.body, "name")) {
			continue
		}
		if v := number(c.body, "properties", "vlanId"); v != 0 && v == number(o, "properties", "vlanId") {
			return refuse(http.StatusBadRequest, "BadRequest", "VLAN %d is used by peering %s of the circuit already.", v, text(o, "name")).at("properties.vlanId")
		}
		for _, a := range []string{"primaryPeerAddressPrefix", "secondaryPeerAddressPrefix"} {
			for _, b := range []string{"primaryPeerAddressPrefix", "secondaryPeerAddressPrefix"} {
				p, err := netip.ParsePrefix(text(c.body, "properties", a))
				q, err2 := netip.ParsePrefix(text(o, "properties", b))
				if err == nil && err2 == nil && p.Overlaps(q) {
					return refuse(http.StatusBadRequest, "BadRequest", "%s %s overlaps %s of peering %s.", a, p, q, text(o, "name")).at("properties." + a)
				}
			}
		}
	}
	return nil
}

// leavePeering refuses to delete the private peering under a connection.
func leavePeering(c *change) *Error {
	if c.was != nil && c.was.kind.typ != netProvider+"expressRouteCircuits" || !strings.EqualFold(text(c.body, "properties", "peeringType"), "AzurePrivatePeering") {
		return nil
	}
	if strings.EqualFold(c.id, c.was.id) {
		return nil
	}
	for _, u := range c.usersOf(c.was.id) {
		if u.kind.typ == netProvider+"connections" {
			return refuse(http.StatusConflict, "Conflict", "Peering %s cannot be deleted: connection %s uses it.", text(c.body, "name"), u.id)
		}
	}
	return nil
}

// fillAuthorization issues a key.
func fillAuthorization(c *change) *Error {
	props := inner(c.body, "properties")
	if props["authorizationKey"] == nil {
		props["authorizationKey"] = c.guid()
	}
	if props["authorizationUseStatus"] == nil {
		props["authorizationUseStatus"] = "Available"
	}
	return nil
}

// redeemed is the connection or circuit that uses an authorization key, but for one; nil where none does.
func (e *engine) redeemed(key, but string) *resource {
	var found *resource
	for _, t := range []string{netProvider + "connections", netProvider + "expressRouteCircuits"} {
		e.list(e.kinds.of(t), "/", "", func(r *resource) bool {
			if strings.EqualFold(text(r.body, "properties", "authorizationKey"), key) && !strings.EqualFold(r.id, but) {
				found = r
				return false
			}
			return true
		})
	}
	return found
}

// leaveAuthorization refuses nothing: revoking an authorization removes the link (behaviors.md, Ordering and provisioning). It is here to
// say so.
func leaveAuthorization(*change) *Error { return nil }

func fillGlobalReach(c *change) *Error {
	props := inner(c.body, "properties")
	props["circuitConnectionStatus"] = "Connected"
	return nil
}

// checkGlobalReach refuses a Global Reach connection whose other end is not there or not open to the caller.
func checkGlobalReach(c *change) *Error {
	peer := text(c.body, "properties", "peerExpressRouteCircuitPeering", "id")
	if c.before != nil && strings.EqualFold(text(c.before, "properties", "peerExpressRouteCircuitPeering", "id"), peer) {
		return nil
	}
	key := text(c.body, "properties", "authorizationKey")
	circuit := peer
	if i := strings.LastIndex(strings.ToLower(peer), "/peerings/"); i > 0 {
		circuit = peer[:i]
	}
	if err := c.mayJoin(circuit, key); err != nil {
		return err
	}
	p, ok := c.find(peer)
	if !ok {
		return refuse(http.StatusBadRequest, "InvalidResourceReference", "Resource %s referenced by resource %s was not found. Please make sure that the referenced resource exists, and that both resources are in the same region.", peer, c.id)
	}
	return c.mayUse(p.of, key)
}

// mayJoin refuses a circuit, there or not, to a caller without a key who has no right to join it.
func (c *change) mayJoin(circuit, key string) *Error {
	action := netProvider + "expressRouteCircuits/join/action"
	if key != "" || c.gate == nil || c.gate.Allowed(c.by.ObjectID, action, circuit) {
		return nil
	}
	return c.unlinked(action, circuit)
}

// mayUse refuses a circuit to a caller who neither has the right to join it nor redeems one of its authorizations.
func (c *change) mayUse(circuit *resource, key string) *Error {
	if key != "" {
		for _, a := range list(circuit.body, "properties", "authorizations") {
			if !strings.EqualFold(text(a, "properties", "authorizationKey"), key) {
				continue
			}
			if u := c.redeemed(key, c.next.id); u != nil {
				return refuse(http.StatusBadRequest, "BadRequest", "The authorization %s of circuit %s is used by %s already.", text(a, "name"), azure.ID(circuit.id).Name(), u.id).at("properties.authorizationKey")
			}
			return nil
		}
		return refuse(http.StatusBadRequest, "BadRequest", "Circuit %s has no authorization with the given key.", azure.ID(circuit.id).Name()).at("properties.authorizationKey")
	}
	return c.mayJoin(circuit.id, key)
}

func fillConnection(c *change) *Error {
	props := inner(c.body, "properties")
	if text(props, "authorizationKey") == "" {
		delete(props, "authorizationKey") // Terraform's provider sends "" for none
		if k := text(c.before, "properties", "authorizationKey"); k != "" {
			props["authorizationKey"] = k
		}
	}
	for name, v := range map[string]any{"routingWeight": 0, "enableBgp": false, "expressRouteGatewayBypass": false, "enablePrivateLinkFastPath": false, "egressBytesTransferred": 0, "ingressBytesTransferred": 0, "connectionMode": "Default", "usePolicyBasedTrafficSelectors": false, "ipsecPolicies": []any{}, "trafficSelectorPolicies": []any{}} {
		if props[name] == nil {
			props[name] = v
		}
	}
	return fillPlain(c)
}

// checkConnection refuses a circuit that is not there, not provisioned or somebody else's.
func checkConnection(c *change) *Error {
	switch t := text(c.body, "properties", "connectionType"); strings.ToLower(t) {
	case "expressroute":
	case "ipsec", "vnet2vnet", "vpnclient":
		return nil
	default:
		return refuse(http.StatusBadRequest, "InvalidParameter", "The connection type '%.60s' is not IPsec, Vnet2Vnet, ExpressRoute or VPNClient.", t).at("properties.connectionType")
	}
	peer := text(c.body, "properties", "peer", "id")
	circuit := c.get(peer)
	if c.before == nil {
		if err := c.mayJoin(peer, text(c.body, "properties", "authorizationKey")); err != nil {
			return err
		}
	}
	if circuit == nil {
		return nil // azure.Validate says so
	}
	if c.before != nil && strings.EqualFold(text(c.before, "properties", "peer", "id"), peer) {
		return nil
	}
	if c.before != nil {
		return refuse(http.StatusConflict, "PropertyChangeNotAllowed", "Changing property 'peer' is not allowed.").at("properties.peer")
	}
	if s := text(circuit.body, "properties", "serviceProviderProvisioningState"); s != provisioned {
		return refuse(http.StatusBadRequest, "ServiceProviderNotProvisioned", "The service provider has not provisioned circuit %s (serviceProviderProvisioningState: %s).", azure.ID(circuit.id).Name(), s)
	}
	return c.mayUse(circuit, text(c.body, "properties", "authorizationKey"))
}

// fillPort makes a Direct port pair with its two links.
func fillPort(c *change) *Error {
	props := inner(c.body, "properties")
	props["links"] = portLinks(c, list(props, "links"), list(c.before, "properties", "links"))
	for name, v := range map[string]any{"authorizations": []any{}, "mtu": "1500", "etherType": "0x8100", "billingType": "MeteredData", "circuits": []any{}} {
		if props[name] == nil {
			props[name] = v
		}
	}
	if strings.EqualFold(text(props, "encapsulation"), "QinQ") {
		props["etherType"] = "0x88A8"
	}
	if props["allocationDate"] == nil {
		props["allocationDate"] = c.at.UTC().Format(time.RFC3339)
	}
	sum := 0.0
	for _, u := range c.usersOf(c.id) {
		sum += decimal(u.body, "properties", "bandwidthInGbps")
	}
	props["provisionedBandwidthInGbps"] = sum
	return fillPlain(c)
}

// portLinks are the two links of a port pair, however many of them a client names: what it says of one is put over what the link is.
func portLinks(c *change, sent, before []object) []any {
	named := func(links []object, name string) object {
		for _, l := range links {
			if strings.EqualFold(text(l, "name"), name) {
				return l
			}
		}
		return nil
	}
	var out []any
	for i, name := range []string{"link1", "link2"} {
		link := object{
			"name": name, "id": c.id + "/links/" + name, "type": netProvider + "expressRoutePorts/links", "etag": c.body["etag"],
			"properties": object{
				"provisioningState": succeeded, "adminState": "Disabled", "connectorType": "LC", "routerName": fmt.Sprintf("twin-%s-0%d", derived(c.id)[:4], i+1), "interfaceName": fmt.Sprintf("HundredGigE0/0/0/%d", i),
				"patchPanelId": "PP:" + derived(c.id, name)[:4], "rackId": "R" + derived(c.id)[:2], "macSecConfig": object{"cipher": "GcmAes256", "sciState": "Disabled"},
			},
		}
		for _, over := range []object{named(before, name), named(sent, name)} {
			said, _ := find(over, "properties").(object)
			for k, v := range said {
				inner(link, "properties")[k] = v
			}
		}
		out = append(out, link)
	}
	return out
}

func checkPort(*change) *Error { return nil }

// provisionedAt is when the provider that the endpoint plays has done its part.
func (e *engine) provisionedAt(r *resource) (time.Time, bool) {
	if r.kind.typ != netProvider+"expressRouteCircuits" || e.prefs.provider != ProviderAuto || text(r.body, "properties", "serviceProviderProvisioningState") != notProvisioned || r.op != nil && r.op.Verb == "delete" {
		return time.Time{}, false
	}
	at := r.created.Add(e.prefs.delay)
	if r.op != nil && r.op.Ends.After(at) {
		at = r.op.Ends
	}
	return at, true
}

// provision does the provider's part. It wants write.
func (e *engine) provision(r *resource) *Error {
	next := *r
	next.body, next.changed = copied(r.body), e.now()
	inner(next.body, "properties")["serviceProviderProvisioningState"] = provisioned
	next.body["etag"] = e.etag()
	return e.put(&next, r)
}

// token is a random word, for shared keys.
func (e *engine) token(octets int) string {
	b := make([]byte, octets)
	if _, err := io.ReadFull(e.random, b); err != nil {
		panic("arm: no randomness: " + err.Error())
	}
	return base64.RawURLEncoding.EncodeToString(b)
}
