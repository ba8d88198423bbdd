package check

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"onramp/azure"
	"onramp/design"
)

// everything tells whether a rule's address list leaves nothing out.
func everything(list []string) bool {
	return slices.ContainsFunc(list, func(s string) bool { return s == "*" || s == "0.0.0.0/0" || strings.EqualFold(s, "any") })
}

// firewallRules finds rules that allow everything: they make a firewall a wire.
func (k *checker) firewallRules() {
	for _, g := range azure.Of[*azure.FirewallPolicyRuleCollectionGroup](k.d.Resources) {
		for i := range g.Properties.RuleCollections {
			c := &g.Properties.RuleCollections[i]
			if !strings.EqualFold(c.Action.Type, "Allow") {
				continue
			}
			for _, r := range c.Rules {
				if everything(r.SourceAddresses) && everything(r.DestinationAddresses) {
					k.sayAs(design.Error, "sec-firewall-inspect", string(g.ID)+" "+c.Name+"/"+r.Name, "*", fmt.Sprintf("rule %s of %s allows everything from everywhere to everywhere", r.Name, g.ID.Parent().Name()), "allow only the pairs that need each other")
				}
			}
		}
	}
}

// inspection checks, where the intent asks for it, that GatewaySubnet leads what comes from the premises to the firewall.
func (k *checker) inspection() {
	if k.d.Intent == nil || k.d.Intent.SharedServices == nil || !k.d.Intent.SharedServices.Inspect {
		return
	}
	hosts := map[string]netip.Addr{} // VNet key to its firewall's address
	for _, f := range azure.Of[*azure.AzureFirewall](k.d.Resources) {
		for i := range f.Properties.IPConfigurations {
			p := f.Properties.IPConfigurations[i].Properties
			if a, err := netip.ParseAddr(p.PrivateIPAddress); err == nil && p.Subnet != nil {
				hosts[p.Subnet.ID.Parent().Key()] = a
			}
		}
	}
	for _, hub := range k.vnets {
		fw, ok := hosts[hub.ID.Key()]
		if !ok || k.gatewayOf[hub.ID.Key()] == nil {
			continue
		}
		routes := k.routesOf(hub, gatewaySubnet)
		for _, v := range k.vnets {
			p := peeringTo(v, hub.ID)
			if p == nil || !p.Properties.UseRemoteGateways {
				continue
			}
			for _, s := range prefixes(v.Properties.AddressSpace.AddressPrefixes) {
				if s.Addr().Is4() && routes[s] != fw {
					k.sayAs(design.Error, "sec-firewall-inspect", string(hub.ID)+"/subnets/"+gatewaySubnet, s.String(), fmt.Sprintf("what comes from the premises for %s goes there past the firewall %s", v.Name, fw),
						fmt.Sprintf("add a user-defined route for %s with next hop %s to GatewaySubnet", s, fw))
				}
			}
		}
	}
}

// routesOf are the user-defined routes of a subnet that lead to an appliance.
func (k *checker) routesOf(v *azure.VirtualNetwork, subnet string) map[netip.Prefix]netip.Addr {
	out := map[netip.Prefix]netip.Addr{}
	for i := range v.Properties.Subnets {
		s := &v.Properties.Subnets[i]
		if !strings.EqualFold(s.Name, subnet) || s.Properties.RouteTable == nil {
			continue
		}
		t, ok := k.index.Get(s.Properties.RouteTable.ID).(*azure.RouteTable)
		if !ok {
			continue
		}
		for j := range t.Properties.Routes {
			r := t.Properties.Routes[j].Properties
			p, err1 := netip.ParsePrefix(r.AddressPrefix)
			a, err2 := netip.ParseAddr(r.NextHopIPAddress)
			if err1 == nil && err2 == nil {
				out[p.Masked()] = a
			}
		}
	}
	return out
}
