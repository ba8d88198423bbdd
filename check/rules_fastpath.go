package check

import (
	"fmt"
	"slices"
	"strings"

	"onramp/azure"
)

// fastPathRules are about connections on which data goes past the gateway.
func fastPathRules() []ruleSet {
	return []ruleSet{
		{(*checker).fastPath, []string{"fastpath-sku", "fastpath-ip-limit", "fastpath-direct-features", "fastpath-same-region", "fastpath-keep-gateway-size"}},
		{(*checker).fastPathSpokes, []string{"fastpath-spoke-lb", "fastpath-anf"}},
		{(*checker).fastPathHubs, []string{"fastpath-two-hubs"}},
	}
}

// fastPath checks each connection that has FastPath on against its gateway, its circuit and the networks behind.
func (k *checker) fastPath() {
	for _, f := range k.feeds() {
		fast := f.fast()
		if len(fast) == 0 {
			continue
		}
		k.fastPathGateway(&f, fast)
		for _, v := range f.spokes {
			if f.home != nil && !strings.EqualFold(v.Location, f.home.Location) {
				k.say("fastpath-same-region", string(v.ID), v.Location, fmt.Sprintf("%s is in %s and its hub %s in %s, so FastPath does not reach it", v.Name, v.Location, f.home.Name, f.home.Location), "give the network a hub of its own region, or leave it to the gateway's path with FastPath off")
			}
		}
		for _, l := range fast {
			if l.c.Properties.ExpressRoutePort == nil {
				if used := k.directOnly(&f, l.c); len(used) > 0 {
					k.say("fastpath-direct-features", string(l.x.ID), l.c.Name, fmt.Sprintf("FastPath is on over %s, a provider's circuit, and is to carry %s", l.c.Name, strings.Join(used, ", ")), "use a circuit on ExpressRoute Direct, or turn FastPath off")
				}
			}
			most := k.fastPathAddresses(l.c)
			if n := k.addressesBehind(&f); most > 0 && n > most {
				k.say("fastpath-ip-limit", string(l.x.ID), fmt.Sprint(n), fmt.Sprintf("%d addresses are in use behind %s; FastPath over %s takes %d, and the rest goes by the gateway", n, f.g.Name, l.c.Name, most), "spread the networks over more circuits, or use larger ports")
			}
		}
	}
}

func (k *checker) fastPathGateway(f *feed, fast []line) {
	sku, known := k.c.GatewaySKU(f.g.Properties.SKU.Name)
	able := sku.FastPath
	if strings.EqualFold(sku.Name, scaleSKU) {
		least, _, _ := scaleBounds(f.g)
		able = least >= 10
	}
	if known && !able {
		k.say("fastpath-sku", string(fast[0].x.ID), f.g.Properties.SKU.Name, fmt.Sprintf("FastPath is on over %s, whose SKU does not do it", f.g.Name), "use ErGw3AZ, UltraPerformance or ErGwScale with 10 units or more")
	}
	bring := 0
	for _, l := range fast {
		bring += circuitMbps(l.c)
	}
	if n := k.capacity(f.g); n > 0 && bring > n {
		k.say("fastpath-keep-gateway-size", string(f.g.ID), fmt.Sprintf("%d Mbps", n), fmt.Sprintf("when FastPath falls back, %s has to carry the %d Mbps of its circuits and carries %d Mbps", f.g.Name, bring, n), "use a gateway that carries them, or plan for the loss")
	}
}

// directOnly lists what is behind a gateway that FastPath carries over ExpressRoute Direct only.
func (k *checker) directOnly(f *feed, c *azure.ExpressRouteCircuit) []string {
	var out []string
	if len(f.spokes) > 0 {
		out = append(out, "peered networks ("+networkNames(f.spokes)+")")
	}
	if f.home != nil && len(k.routesOf(f.home, gatewaySubnet)) > 0 {
		out = append(out, "user-defined routes on GatewaySubnet")
	}
	if p := peeringOf(c, isPrivate); p != nil && p.Properties.IPv6PeeringConfig != nil && slices.ContainsFunc(f.networks(), func(v *azure.VirtualNetwork) bool { return len(spaceOf(v, true)) > 0 }) {
		out = append(out, "IPv6")
	}
	if ends := k.endpointsBehind(f); len(ends) > 0 {
		out = append(out, "private endpoints ("+ends[0]+")")
	}
	return out
}

// fastPathAddresses is how many addresses FastPath takes over a circuit, 0 when it is not published.
func (k *checker) fastPathAddresses(c *azure.ExpressRouteCircuit) int {
	if c.Properties.ExpressRoutePort == nil {
		return k.limit("fastpath.ip_limit.provider")
	}
	if p := k.portOf(c); p != nil {
		return k.limit(fmt.Sprintf("fastpath.ip_limit.direct_%d", p.Properties.BandwidthInGbps))
	}
	return 0
}

// fastPathSpokes finds what FastPath does not reach in spokes, and NetApp volumes that it does not reach anywhere.
func (k *checker) fastPathSpokes() {
	for _, f := range k.feeds() {
		if len(f.fast()) == 0 {
			continue
		}
		for _, v := range f.spokes {
			if what := k.notOnFastPath(v); len(what) > 0 {
				k.say("fastpath-spoke-lb", string(v.ID), strings.Join(what, ", "), fmt.Sprintf("what stands in %s stays on the path through %s: FastPath does not reach it", v.Name, f.g.Name), "put it into the hub, or size the gateway for its traffic")
			}
		}
		for _, u := range k.others("Microsoft.NetApp/netAppAccounts/capacityPools/volumes") {
			var p struct {
				SubnetID        azure.ID `json:"subnetId"`
				NetworkFeatures string   `json:"networkFeatures"`
			}
			properties(u, &p)
			if v, _ := k.subnetOf(p.SubnetID); v != nil && slices.Contains(f.networks(), v) && strings.EqualFold(p.NetworkFeatures, "Basic") {
				k.say("fastpath-anf", string(u.ID), p.NetworkFeatures, fmt.Sprintf("the volume is reached over FastPath by %s and has basic network features", f.g.Name), "change the volume to standard network features")
			}
		}
	}
}

// notOnFastPath lists the load balancers, firewalls, DNS resolvers and injected services of a spoke.
func (k *checker) notOnFastPath(v *azure.VirtualNetwork) []string {
	var out []string
	for i := range v.Properties.Subnets {
		s := &v.Properties.Subnets[i]
		for j := range s.Properties.Delegations {
			// NetApp has a rule of its own.
			if service := s.Properties.Delegations[j].Properties.ServiceName; !strings.EqualFold(service, "Microsoft.NetApp/volumes") {
				out = append(out, service+" in "+s.Name)
			}
		}
		if strings.EqualFold(s.Name, firewallSubnet) {
			out = append(out, "Azure Firewall")
		}
	}
	for _, u := range k.others("Microsoft.Network/loadBalancers") {
		var p struct {
			Frontends []azure.GatewayIPConfiguration `json:"frontendIPConfigurations"`
		}
		properties(u, &p)
		if slices.ContainsFunc(p.Frontends, func(x azure.GatewayIPConfiguration) bool {
			return x.Properties.Subnet != nil && k.vnetByKey[x.Properties.Subnet.ID.Parent().Key()] == v
		}) {
			out = append(out, "load balancer "+u.Name)
		}
	}
	return out
}

// fastPathHubs finds two peered hubs of one circuit that lend each other their gateways.
func (k *checker) fastPathHubs() {
	var list []feed
	for _, f := range k.feeds() {
		if f.home != nil && len(f.fast()) > 0 {
			list = append(list, f)
		}
	}
	for i := range list {
		for j := range list[i+1:] {
			a, b := &list[i], &list[i+1+j]
			if a.home == b.home || !slices.ContainsFunc(a.fast(), func(l line) bool {
				return slices.ContainsFunc(b.fast(), func(m line) bool { return m.c == l.c })
			}) {
				continue
			}
			p, q := peeringTo(a.home, b.home.ID), peeringTo(b.home, a.home.ID)
			if p != nil && p.Properties.AllowGatewayTransit || q != nil && q.Properties.AllowGatewayTransit {
				k.say("fastpath-two-hubs", string(a.home.ID), b.home.Name, fmt.Sprintf("%s and %s are peered with gateway transit and both have FastPath over one circuit", a.home.Name, b.home.Name), "take allowGatewayTransit away from the peering between the two hubs")
			}
		}
	}
}
