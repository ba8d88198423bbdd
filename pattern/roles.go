package pattern

import (
	"fmt"
	"slices"
	"strings"

	"onramp/azure"
	"onramp/design"
)

// Built-in roles by their names in the catalogue (built-in roles of Azure, builtin-roles.csv).
const (
	networkContributor = "Network Contributor"
	reader             = "Reader"
)

// grant gives a group of people a role at one resource.
type grant struct {
	scope azure.ID
	role  azure.ID // role definition
	who   string   // group of people
	why   string
	lob   string
}

// writeRoles makes the role assignments: those who run hubs and circuits may change them and nothing of the lines of
// business; a line of business may change its own networks, read what it shares, and join a peering with it, no more.
func (k *compiler) writeRoles() {
	var grants []grant
	central := "grp-connectivity-network"
	var shared []azure.ID            // what the central team runs
	owned := map[string][]azure.ID{} // what a line of business runs
	for _, r := range k.rs {
		h := r.Head()
		switch l := h.Tags[design.TagLineOfBusiness]; {
		case !k.grantable(h):
		case l == "":
			shared = append(shared, h.ID)
		default:
			owned[l] = append(owned[l], h.ID)
		}
	}
	for _, id := range shared {
		grants = append(grants, grant{scope: id, role: k.builtin(id, networkContributor), who: central, why: "runs what all lines of business share"})
	}
	peers := map[string]bool{} // subscriptions that need the peering role
	for _, l := range k.lobs {
		who := "grp-" + l.Name + "-network"
		for _, id := range owned[l.Name] {
			grants = append(grants, grant{scope: id, role: k.builtin(id, networkContributor), who: who, why: "runs its own networks", lob: l.Name})
		}
		for _, c := range k.circuits {
			if c.lob == "" && slices.Contains(c.lobs, l) {
				grants = append(grants, grant{scope: c.id(), role: k.builtin(c.id(), reader), who: who, why: "sees the state of the circuit it shares", lob: l.Name})
			}
		}
		var far []*vnet
		for _, v := range l.nets {
			for _, o := range v.peers {
				if o.lob != l.Name && !slices.Contains(far, o) {
					far = append(far, o)
				}
			}
			if h := v.hub; h != nil && h.lob == l.Name {
				for _, o := range h.peers {
					if o.lob != l.Name && !slices.Contains(far, o) {
						far = append(far, o)
					}
				}
			}
		}
		slices.SortFunc(far, compareNetworks)
		for _, o := range far {
			peers[o.subscription] = true
			grants = append(grants, grant{scope: o.id(), role: peerRoleID(o.subscription), who: who, why: "peers its networks with this one", lob: l.Name})
		}
	}
	// The other half of a peering between a hub or shared network and a line of business's is made by those who run the hub.
	for _, v := range k.networks {
		if v.lob != "" {
			continue
		}
		for _, o := range v.peers {
			if o.lob != "" {
				peers[o.subscription] = true
				grants = append(grants, grant{scope: o.id(), role: peerRoleID(o.subscription), who: central, why: "peers " + v.name + " with this network"})
			}
		}
	}
	for _, s := range sortedKeys(peers) {
		k.rs = append(k.rs, peerRole(s))
	}
	for _, g := range grants {
		name := guid(strings.ToLower(string(g.scope) + "|" + string(g.role) + "|" + g.who))
		a := &azure.RoleAssignment{Header: azure.Header{ID: g.scope + azure.ID("/providers/"+typeAssignment+"/"+name), Name: name, Type: typeAssignment}}
		a.Properties = azure.RoleAssignmentProperties{RoleDefinitionID: g.role, PrincipalID: "<object id of " + g.who + ">", PrincipalType: "Group", Scope: g.scope, Description: fmt.Sprintf("%s %s", g.who, g.why)}
		k.rs = append(k.rs, a)
	}
}

// grantable tells whether a resource gets an assignment of its own: networks, gateways, circuits, ports, firewalls and
// their policies, route tables and filters; connections and rule groups go with these.
func (k *compiler) grantable(h *azure.Header) bool {
	switch h.Type {
	case typeVNet, typeGateway, typeConnection, typeCircuit, typePort, typeFirewall, typePolicy, typeRouteTable, typeRouteFilter, typePublicIP:
		return true
	}
	return false
}

// builtin is the id of a built-in role in the subscription of a resource.
func (k *compiler) builtin(at azure.ID, role string) azure.ID {
	r, ok := k.c.Role(role)
	p, err := azure.ParseID(string(at))
	if err != nil || !ok {
		return ""
	}
	return azure.ID("/subscriptions/" + p.Subscription + "/providers/" + typeDefinition + "/" + r.ID)
}

func peerRoleID(subscription string) azure.ID {
	return azure.ID("/subscriptions/" + subscription + "/providers/" + typeDefinition + "/" + guid("peer role of "+strings.ToLower(subscription)))
}

// peerRole may join a peering with a virtual network and see it, and nothing else: no built-in role is as small.
func peerRole(subscription string) azure.Resource {
	id := peerRoleID(subscription)
	d := &azure.RoleDefinition{Header: azure.Header{ID: id, Name: id.Name(), Type: typeDefinition}}
	d.Properties = azure.RoleDefinitionProperties{RoleName: "Onramp Network Peer (" + subscription + ")", RoleType: "CustomRole", Description: "May peer other virtual networks with those of " + subscription + " and read them.",
		AssignableScopes: []string{"/subscriptions/" + subscription},
		Permissions:      []azure.Permission{{Actions: []string{"Microsoft.Network/virtualNetworks/peer/action", "Microsoft.Network/virtualNetworks/read", "Microsoft.Network/virtualNetworks/virtualNetworkPeerings/read"}}}}
	return d
}
