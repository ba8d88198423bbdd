package arm

import (
	"net/http"
	"strings"
)

// reaches are the Global Reach connections to a peering that other circuits have, as the far side sees them: each is the record of the
// circuit that made it, with both ends changed over. Whose authorization it redeemed is not shown to it, nor to anybody.
func (x *exchange) reaches(peering child) []any {
	out := []any{}
	for _, u := range x.engine.usersOf(peering.of.id) {
		for _, p := range list(u.body, "properties", "peerings") {
			for _, c := range list(p, "properties", "connections") {
				if !strings.EqualFold(text(c, "properties", "peerExpressRouteCircuitPeering", "id"), peering.id) {
					continue
				}
				out = append(out, object{
					"id": peering.id + "/peerConnections/" + text(c, "name"), "name": text(c, "name"), "type": netProvider + "expressRouteCircuits/peerings/peerConnections", "etag": c["etag"],
					"properties": object{
						"provisioningState": succeeded, "expressRouteCircuitPeering": object{"id": peering.id}, "peerExpressRouteCircuitPeering": object{"id": text(p, "id")},
						"addressPrefix": text(c, "properties", "addressPrefix"), "circuitConnectionStatus": text(c, "properties", "circuitConnectionStatus"), "connectionName": text(c, "name"),
					},
				})
			}
		}
	}
	return out
}

func (x *exchange) peerConnections() *Error {
	c, err := x.parentOf(1)
	if err != nil {
		return err
	}
	return x.reply(http.StatusOK, object{"value": x.reaches(c)})
}

func (x *exchange) peerConnection() *Error {
	c, err := x.parentOf(2)
	if err != nil {
		return err
	}
	return x.named(x.reaches(c), x.params["connectionName"])
}
