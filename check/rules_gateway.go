package check

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"onramp/azure"
)

// gatewayRules are about a gateway's subnet, size and what stands beside it.
func gatewayRules() []ruleSet {
	return []ruleSet{
		{(*checker).gatewaySubnetOf, []string{"gateway-subnet-16-circuits", "gateway-subnet-coexist", "gateway-subnet-ipv6", "gateway-subnet-no-sep", "ipv6-circuit-first"}},
		{(*checker).gatewayPairs, []string{"gateway-one-per-type"}},
		{(*checker).gatewaySizes, []string{"gateway-throughput", "gateway-private-endpoint-capacity", "gateway-vm-count"}},
		{(*checker).scaleUnits, []string{"gateway-scale-min", "gateway-scale-ipsec"}},
		{(*checker).migrations, []string{"gateway-migration-paused"}},
		{(*checker).privateEndpoints, []string{"gateway-private-endpoint-policy"}},
		{(*checker).maintenanceWindows, []string{"gateway-maintenance-window"}},
		{(*checker).wildcards, []string{"gateway-dns-resolver-wildcard"}},
	}
}

// gatewaySubnetOf checks what the subnet of each ExpressRoute gateway must hold.
func (k *checker) gatewaySubnetOf() {
	for _, f := range k.feeds() {
		if f.home == nil {
			continue
		}
		s := subnetNamed(f.home, gatewaySubnet)
		if s == nil {
			continue
		}
		at := string(f.home.ID) + "/subnets/" + s.Name
		coexist, sixteen := k.limit("gateway_subnet.required_prefix_for_vpn_coexistence"), k.limit("gateway_subnet.required_prefix_for_16_circuits")
		six := false
		for _, p := range subnetPrefixes(s) {
			switch {
			case p.Addr().Is6():
				six = true
				if most := k.limit("gateway_subnet.ipv6_recommended_prefix"); p.Bits() > most {
					k.say("gateway-subnet-ipv6", at, p.String(), fmt.Sprintf("the IPv6 range of GatewaySubnet is a /%d", p.Bits()), fmt.Sprintf("make it a /%d or larger", most))
				}
			case len(f.lines) >= 16 && p.Bits() > sixteen:
				k.say("gateway-subnet-16-circuits", at, p.String(), fmt.Sprintf("GatewaySubnet is a /%d and %s has %d circuits", p.Bits(), f.g.Name, len(f.lines)), fmt.Sprintf("make it a /%d or larger", sixteen))
			case p.Bits() > coexist && k.gatewayIn(f.home, isVPN) != nil:
				k.say("gateway-subnet-coexist", at, p.String(), fmt.Sprintf("GatewaySubnet is a /%d and holds an ExpressRoute and a VPN gateway", p.Bits()), fmt.Sprintf("make it a /%d or larger", coexist))
			}
		}
		if raw := string(s.Properties.Extra["serviceEndpointPolicies"]); raw != "" && raw != "null" && raw != "[]" {
			k.say("gateway-subnet-no-sep", at, "serviceEndpointPolicies", "a service endpoint policy stands on GatewaySubnet", "take it away")
		}
		k.dualStack(&f, at, six)
	}
}

// dualStack holds a gateway's IPv6 against that of its circuits.
func (k *checker) dualStack(f *feed, at string, six bool) {
	for _, l := range f.lines {
		p := peeringOf(l.c, isPrivate)
		if p == nil {
			continue
		}
		on := p.Properties.IPv6PeeringConfig != nil && p.Properties.IPv6PeeringConfig.PrimaryPeerAddressPrefix != ""
		switch {
		case six && !on:
			k.say("ipv6-circuit-first", string(l.x.ID), l.c.Name, fmt.Sprintf("%s is dual-stack and the private peering of %s has no IPv6", f.g.Name, l.c.Name), "add the IPv6 link subnets to the private peering, and sessions on them, before the link")
		case on && !six && slices.ContainsFunc(f.networks(), func(v *azure.VirtualNetwork) bool { return len(spaceOf(v, true)) > 0 }):
			k.say("gateway-subnet-ipv6", at, l.c.Name, fmt.Sprintf("%s and the networks have IPv6 and GatewaySubnet has none, so %s carries IPv4 only", l.c.Name, f.g.Name), fmt.Sprintf("give %s an IPv6 address space and GatewaySubnet a /%d of it; in an intent, list an IPv6 prefix under pools.addresses", f.home.Name, k.limit("gateway_subnet.ipv6_recommended_prefix")))
			return
		}
	}
}

// gatewayPairs finds a second gateway of one type in a network.
func (k *checker) gatewayPairs() {
	for _, g := range k.gatewaysAll {
		home := k.homeOf(g)
		for _, o := range k.view().gateways[home] {
			if o == g {
				break
			}
			if home != nil && !o.ID.Equal(g.ID) && strings.EqualFold(o.Properties.GatewayType, g.Properties.GatewayType) {
				k.say("gateway-one-per-type", string(g.ID), home.Name, fmt.Sprintf("%s has two gateways of type %s: %s and %s", home.Name, g.Properties.GatewayType, o.Name, g.Name), "keep one, or put the other into a network of its own")
				break
			}
		}
	}
}

// gatewaySizes holds what a gateway carries against its circuits and against the addresses behind it. What the intent
// needs, where there is one, says how much of the circuits is this gateway's.
func (k *checker) gatewaySizes() {
	for _, f := range k.feeds() {
		carries := k.capacity(f.g)
		var bring, fast int
		for _, l := range f.preferred() {
			if bring += circuitMbps(l.c); l.x.Properties.ExpressRouteGatewayBypass {
				fast++
			}
		}
		need := bring
		if k.d.Intent != nil {
			need = min(need, k.needed(&f))
		}
		// The factor is private_endpoint_over_er.throughput_factor.
		ends := k.endpointsBehind(&f)
		switch half := carries / 2; {
		case carries == 0 || fast > 0: // with FastPath, fastpath-keep-gateway-size
		case need > carries:
			k.say("gateway-throughput", string(f.g.ID), fmt.Sprintf("%d Mbps", carries), fmt.Sprintf("%s carries %d Mbps and its circuits bring %d Mbps; it does not burst", f.g.Name, carries, need), "use a larger gateway SKU, or smaller circuits")
		case len(ends) > 0 && need > half:
			k.say("gateway-private-endpoint-capacity", string(f.g.ID), fmt.Sprintf("%d Mbps", carries), fmt.Sprintf("%s carries %d Mbps, half of it towards private endpoints such as %s, and its circuits bring %d Mbps", f.g.Name, carries, ends[0], need),
				"use a gateway SKU of twice the bandwidth, or keep private endpoint traffic under half of it")
		}
		sku, ok := k.c.GatewaySKU(f.g.Properties.SKU.Name)
		if !ok || sku.MaxVMs == 0 {
			continue
		}
		most := sku.MaxVMs
		if strings.EqualFold(sku.Name, scaleSKU) {
			_, units, _ := scaleBounds(f.g)
			most *= min(units, 10) // above 10 units the documented figures disagree with each other: the lowest is taken
		}
		if n := k.addressesBehind(&f); n > most {
			k.say("gateway-vm-count", string(f.g.ID), fmt.Sprint(n), fmt.Sprintf("%d addresses are in use behind %s; %s is made for %d", n, f.g.Name, sku.Name, most), "use a larger gateway SKU, or spread the networks over more gateways")
		}
	}
}

// scaleUnits checks gateways that come in scale units.
func (k *checker) scaleUnits() {
	for _, f := range k.feeds() {
		if !strings.EqualFold(f.g.Properties.SKU.Name, scaleSKU) {
			continue
		}
		least, most, said := scaleBounds(f.g)
		switch {
		case said && most <= 1 && least > 1:
			k.say("gateway-scale-min", string(f.g.ID), fmt.Sprintf("%d to %d", least, most), "with a maximum of 1 scale unit the minimum is 1", "raise the maximum, or set the minimum to 1")
		case said && most > 1 && least < 2:
			k.say("gateway-scale-min", string(f.g.ID), fmt.Sprintf("%d to %d", least, most), f.g.Name+" is to scale by itself from fewer than 2 units", "set the minimum to 2 or more")
		}
		if v := k.gatewayIn(f.home, isVPN); v != nil && v.Properties.EnablePrivateIPAddress {
			k.say("gateway-scale-ipsec", string(f.g.ID), v.Name, fmt.Sprintf("%s is to end IPsec tunnels on its private address, over %s, which carries none", v.Name, f.g.Name), "use an ErGw1AZ to ErGw3AZ gateway, or MACsec on ExpressRoute Direct")
		}
	}
}

// migrations finds gateways in the middle of a guided migration.
func (k *checker) migrations() {
	for _, g := range k.gatewaysAll {
		var m struct {
			State string `json:"state"`
			Phase string `json:"phase"`
		}
		if !unmarshal(g.Properties.Extra["virtualNetworkGatewayMigrationStatus"], &m) || m.State == "" || strings.EqualFold(m.State, "None") || strings.EqualFold(m.State, "Succeeded") {
			continue
		}
		k.say("gateway-migration-paused", string(g.ID), strings.TrimSpace(m.State+" "+m.Phase), g.Name+" is in a guided migration, which was marked paused", "check that the migration is offered again before going on, or plan a new gateway beside this one")
	}
}

// endpoint is a private endpoint as an import brings it.
type endpoint struct {
	name   string
	v      *azure.VirtualNetwork
	subnet *azure.Subnet
}

// endpoints lists the private endpoints whose subnets are in the design.
func (k *checker) endpoints() []endpoint { return k.view().endpoints }

func (k *checker) readEndpoints() []endpoint {
	var out []endpoint
	for _, u := range k.others("Microsoft.Network/privateEndpoints") {
		var p struct {
			Subnet azure.Ref `json:"subnet"`
		}
		properties(u, &p)
		if v, s := k.subnetOf(p.Subnet.ID); s != nil {
			out = append(out, endpoint{u.Name, v, s})
		}
	}
	return out
}

func (k *checker) endpointsBehind(f *feed) []string {
	var out []string
	for _, e := range k.endpoints() {
		if slices.Contains(f.networks(), e.v) {
			out = append(out, e.name)
		}
	}
	slices.Sort(out)
	return out
}

// privateEndpointIn tells whether a network holds a private endpoint.
func (k *checker) privateEndpointIn(v *azure.VirtualNetwork) bool {
	return slices.ContainsFunc(k.endpoints(), func(e endpoint) bool { return e.v == v })
}

// addressesBehind counts the addresses in use behind a gateway that the design knows of.
func (k *checker) addressesBehind(f *feed) int {
	n := 0
	for _, v := range f.networks() {
		n += k.view().addresses[v]
	}
	return n
}

// privateEndpoints finds subnets of private endpoints on which routes do not apply although there are routes for them.
func (k *checker) privateEndpoints() {
	told := map[string]bool{}
	for _, e := range k.endpoints() {
		at := string(e.v.ID) + "/subnets/" + e.subnet.Name
		var policies string
		unmarshal(e.subnet.Properties.Extra["privateEndpointNetworkPolicies"], &policies)
		if told[at] || strings.EqualFold(policies, "Enabled") || strings.EqualFold(policies, "RouteTableEnabled") {
			continue
		}
		routes := e.subnet.Properties.RouteTable != nil
		if home := k.gatewayHome(e.v); home != nil {
			table := k.routesOf(home, gatewaySubnet)
			for _, p := range subnetPrefixes(e.subnet) {
				for to := range table {
					routes = routes || to.Overlaps(p)
				}
			}
		}
		if routes {
			told[at] = true
			k.say("gateway-private-endpoint-policy", at, or(policies, "not set"), fmt.Sprintf("routes are to lead traffic to private endpoint %s past an appliance, and the subnet's network policies are off, so they do not apply to it", e.name),
				"set privateEndpointNetworkPolicies to Enabled on "+e.subnet.Name)
		}
	}
}

// maintenanceWindows checks the windows for maintenance that the design holds.
func (k *checker) maintenanceWindows() {
	least := time.Duration(k.limit("resiliency.customer_window_min_hours")) * time.Hour
	for _, u := range k.others("Microsoft.Maintenance/maintenanceConfigurations") {
		var p struct {
			Scope  string `json:"maintenanceScope"`
			Window struct {
				Duration string `json:"duration"`
			} `json:"maintenanceWindow"`
		}
		properties(u, &p)
		hours, minutes, ok := strings.Cut(p.Window.Duration, ":")
		d, err := time.ParseDuration(hours + "h" + minutes + "m")
		if ok && err == nil && d < least && (p.Scope == "" || strings.EqualFold(p.Scope, "Resource")) {
			k.say("gateway-maintenance-window", string(u.ID), p.Window.Duration, "the window for maintenance is shorter than gateways need", fmt.Sprintf("make it %d hours or longer", int(least.Hours())))
		}
	}
}

// wildcards finds rules that forward every name, in rule sets linked to a network with an ExpressRoute gateway.
func (k *checker) wildcards() {
	const sets = "Microsoft.Network/dnsForwardingRulesets"
	all := map[string]*azure.Unknown{} // rule set to its wildcard
	for _, u := range k.others(sets + "/forwardingRules") {
		var p struct {
			DomainName string `json:"domainName"`
			State      string `json:"forwardingRuleState"`
		}
		properties(u, &p)
		if p.DomainName == "." && !strings.EqualFold(p.State, "Disabled") {
			all[u.ID.Parent().Key()] = u
		}
	}
	for _, u := range k.others(sets + "/virtualNetworkLinks") {
		var p struct {
			VirtualNetwork azure.Ref `json:"virtualNetwork"`
		}
		properties(u, &p)
		v, rule := k.vnetByKey[p.VirtualNetwork.ID.Key()], all[u.ID.Parent().Key()]
		if g := k.gatewayIn(v, isExpressRoute); g != nil && rule != nil {
			k.say("gateway-dns-resolver-wildcard", string(rule.ID), ".", fmt.Sprintf("every name that is asked in %s, those that %s needs too, is forwarded", v.Name, g.Name), "name the domains that are meant, or link the rule set to the spokes only")
		}
	}
}
