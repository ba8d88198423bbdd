package arm

import (
	"net/http"
	"strings"

	"onramp/azure"
)

// The far side of Global Reach: a connection is made at a peering of one circuit, and the peering that it leads to shows it as a peer
// connection, which nobody can write.

// farSide are the connections of other circuits that lead to a peering, as that one shows them.
func (e *engine) farSide(peering object) []any {
	out := []any{}
	to := text(peering, "id")
	for _, u := range e.usersOf(to) {
		if u.kind.typ != netProvider+"expressRouteCircuits" {
			continue
		}
		for _, p := range list(u.body, "properties", "peerings") {
			for _, x := range list(p, "properties", "connections") {
				if strings.EqualFold(text(x, "properties", "peerExpressRouteCircuitPeering", "id"), to) {
					out = append(out, farSideOf(x, p, to))
				}
			}
		}
	}
	return out
}

// farSideOf shows a connection of a peering to the peering that it leads to. Its name there is a GUID (AssumeFarSide).
func farSideOf(connection, peering object, to string) object {
	name := derived("peer connection", text(connection, "id"))
	props := object{
		"connectionName": text(connection, "name"), "addressPrefix": text(connection, "properties", "addressPrefix"), "authResourceGuid": "",
		"expressRouteCircuitPeering": object{"id": to}, "peerExpressRouteCircuitPeering": object{"id": text(peering, "id")},
		"circuitConnectionStatus": text(connection, "properties", "circuitConnectionStatus"), "provisioningState": succeeded,
	}
	return object{"id": to + "/peerConnections/" + name, "name": name, "type": netProvider + "expressRouteCircuits/peerings/peerConnections", "etag": connection["etag"], "properties": props}
}

// farSides lists the connections that lead to a peering.
func (x *exchange) farSides() *Error {
	c, err := x.parentOf(1)
	if err != nil {
		return err
	}
	return x.reply(http.StatusOK, object{"value": x.engine.farSide(c.body)})
}

// farSide is one of them, by its name there or by that which its own side gave it.
func (x *exchange) farSide() *Error {
	c, err := x.parentOf(2)
	if err != nil {
		return err
	}
	all, name := x.engine.farSide(c.body), azure.ID(strings.TrimSuffix(x.r.URL.Path, "/")).Name()
	for _, b := range all {
		if strings.EqualFold(text(b.(object), "properties", "connectionName"), name) {
			name = text(b.(object), "name")
			break
		}
	}
	return x.named(all, name)
}
