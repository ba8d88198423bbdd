package render

import (
	"fmt"
	"slices"
	"strings"

	"onramp/azure"
	"onramp/design"
)

// about is what the template says of itself.
func (r *renderer) about() object {
	d := r.design
	text := "The estate " + d.Name
	if d.Pattern != "" {
		text += ", by the pattern " + string(d.Pattern)
	}
	o := object{{"description", text + ": its networks, ExpressRoute circuits and gateways, and who may do what. Written by onramp render from a design; with all parameters at their defaults it makes exactly that design."}}
	var steps []any
	if r.params.given[paramSubscriptions] {
		steps = append(steps, "Give the ids of your subscriptions in the parameter subscriptions, best in a parameters file (onramp render --parameters writes one).")
	}
	if r.params.values[paramProvisioned] != nil {
		steps = append(steps,
			"Deploy to one of the subscriptions with providersHaveProvisioned false: az deployment sub create --location REGION --template-file FILE --parameters @PARAMETERS.",
			"Give each provider the service key of its circuit (output serviceKeys) and wait until it has provisioned it.",
			"Deploy again with providersHaveProvisioned true. Whatever is there already stays as it is.")
	} else {
		steps = append(steps, "Deploy to one of the subscriptions: az deployment sub create --location REGION --template-file FILE --parameters @PARAMETERS.")
	}
	return o.with("steps", steps)
}

// comment says what a resource is for. A role assignment's is its own description.
func (r *renderer) comment(p *piece) string {
	whose := ""
	if p.source != nil {
		if l := p.source.Head().Tags[design.TagLineOfBusiness]; l != "" {
			whose = " of " + l
		}
	}
	switch x := p.source.(type) {
	case *azure.ResourceGroup:
		return "All that the design has in this subscription."
	case *azure.RouteTable:
		return "Routes" + whose + " that stand above those that BGP brings."
	case *azure.NetworkSecurityGroup:
		return "What may pass" + whose + "."
	case *azure.RouteFilter:
		return "The Microsoft services whose routes the Microsoft peering brings."
	case *azure.PublicIPAddress:
		return "Public address" + whose + "."
	case *azure.FirewallPolicy:
		return "The firewall's rules are below this."
	case *azure.FirewallPolicyRuleCollectionGroup:
		return "Who may reach whom through the firewall; what is not here is refused."
	case *azure.AzureFirewall:
		return "Inspects what passes between networks. Route tables lead to its address, the first that Azure gives in its subnet."
	case *azure.VirtualNetwork:
		switch {
		case x.Tags[design.TagRole] == "hub":
			return "Hub" + whose + ": the networks around it use its gateway."
		case whose != "":
			return "Network" + whose + "."
		}
		return "Virtual network."
	case *azure.ExpressRoutePort:
		return "Pair of ExpressRoute Direct ports. Ask for the letters of authorization when it is there, and enable both links when they are cabled."
	case *azure.ExpressRouteCircuit:
		return r.circuitComment(x, whose)
	case *azure.VirtualNetworkGateway:
		return "Gateway" + whose + " of the type " + x.Properties.GatewayType + "."
	case *azure.VirtualNetworkGatewayConnection:
		if x.Properties.VirtualNetworkGateway1 == nil || x.Properties.Peer == nil {
			return "Connection" + whose + "."
		}
		return "Joins " + x.Properties.VirtualNetworkGateway1.ID.Name() + " with " + x.Properties.Peer.ID.Name() + "."
	case *azure.RoleDefinition:
		return "A role as small as peering needs: no built-in one is."
	}
	switch {
	case p.is(typePeering):
		text := "This network's half of the peering."
		if uses, _ := at(p.body, "properties", "useRemoteGateways").(bool); uses {
			return text + " It uses the other's gateway, so that has to be there first, and the other half."
		}
		if lends, _ := at(p.body, "properties", "allowGatewayTransit").(bool); lends {
			return text + " It lends its gateway."
		}
		return text
	case p.is(typeReach):
		return "Global Reach: sites reach each other through Microsoft's network."
	}
	return ""
}

func (r *renderer) circuitComment(x *azure.ExpressRouteCircuit, whose string) string {
	text := "Circuit" + whose + "."
	if whose == "" {
		text = "Circuit that lines of business share."
	}
	i := slices.IndexFunc(r.design.Orders, func(o design.Order) bool { return o.Circuit.Equal(x.ID) })
	switch {
	case x.Properties.ExpressRoutePort != nil:
		text += " It is on a Direct port pair, so no provider has to provision it."
	case i >= 0:
		o := &r.design.Orders[i]
		text += fmt.Sprintf(" Ordered from %s at %s (%s).", o.Provider, o.Location, strings.TrimSpace(o.Model))
	}
	if len(x.Properties.Peerings) > 0 && x.Properties.ExpressRoutePort == nil {
		text += " Its peerings wait for the provider."
	}
	return text
}
