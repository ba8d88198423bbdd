package network

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"onramp/azure"
)

// Scenarios returns the healthy state, every single failure of every kind, and the maintenance drain of each MSEE.
func (n *Network) Scenarios() []Scenario {
	out := []Scenario{{ID: string(Healthy), Kind: Healthy}}
	for _, e := range n.printed {
		out = append(out, Scenario{ID: e.ID, Kind: e.Kind, Elements: []string{e.ID}})
	}
	seen := map[int]bool{}
	var drains []Scenario
	for _, r := range n.routers {
		if r.kind == kindMSEE && !seen[r.msee] {
			seen[r.msee] = true
			e := n.elements[r.msee]
			drains = append(drains, Scenario{ID: string(Maintenance) + ":" + e.Name, Kind: Maintenance, Elements: []string{e.ID}})
		}
	}
	slices.SortFunc(drains, func(a, b Scenario) int { return strings.Compare(a.ID, b.ID) })
	return append(out, drains...)
}

// Scenario returns the scenario in which the named elements fail together.
func (n *Network) Scenario(elements ...string) (Scenario, error) {
	if len(elements) == 0 {
		return Scenario{ID: string(Healthy), Kind: Healthy}, nil
	}
	ids := slices.Sorted(slices.Values(elements))
	ids = slices.Compact(ids)
	for _, id := range ids {
		if _, ok := n.byElement[id]; !ok {
			return Scenario{}, fmt.Errorf("no element %q in this network", id)
		}
	}
	return Scenario{ID: strings.Join(ids, "+"), Kind: n.elements[n.byElement[ids[0]]].Kind, Elements: ids}, nil
}

// infrastructure are the subnets in which no virtual machine stands.
func infrastructure(name string) bool {
	for _, s := range []string{"GatewaySubnet", "AzureFirewallSubnet", "AzureFirewallManagementSubnet", "RouteServerSubnet", "AzureBastionSubnet"} {
		if strings.EqualFold(name, s) {
			return true
		}
	}
	return false
}

// Endpoints returns where flows can start and end: every subnet for virtual machines, every prefix of every site, every
// service behind Microsoft peering.
func (n *Network) Endpoints() []Endpoint {
	var out []Endpoint
	for _, v := range n.vnets {
		for _, s := range v.subnets {
			if infrastructure(s.name) {
				continue
			}
			for _, p := range s.prefixes {
				out = append(out, Endpoint{Kind: VM, VNet: v.id, Subnet: s.name, LineOfBusiness: v.lob, Prefix: p, Addr: hostIn(p)})
			}
		}
	}
	for _, s := range n.sites {
		for _, p := range s.prefixes {
			out = append(out, Endpoint{Kind: SiteHost, Site: s.name, Prefix: p, Addr: hostIn(p)})
		}
		for _, p := range s.public {
			out = append(out, Endpoint{Kind: SiteHost, Site: s.name, Prefix: p, Addr: hostIn(p), Public: true})
		}
	}
	for _, s := range n.services {
		out = append(out, Endpoint{Kind: Service, Service: s.name, Prefix: s.prefix, Addr: hostIn(s.prefix)})
	}
	return out
}

// firstHost is the offset of a representative host: Azure keeps the first four addresses of a subnet.
const firstHost = 4

// hostIn returns a representative address of a prefix.
func hostIn(p netip.Prefix) netip.Addr {
	a := p.Masked().Addr()
	if bits := p.Addr().BitLen() - p.Bits(); bits < 3 {
		return a
	}
	return advance(a, firstHost)
}

// Representatives returns the endpoint and, for each more specific prefix that any table or user route holds inside it,
// one more with an address in there: together they stand for every class of addresses that could be treated differently.
func (n *Network) Representatives(e Endpoint) []Endpoint {
	out := []Endpoint{e}
	add := func(p netip.Prefix) {
		if p.Bits() <= e.Prefix.Bits() || !e.Prefix.Contains(p.Addr()) {
			return
		}
		if slices.ContainsFunc(out, func(x Endpoint) bool { return x.Prefix == p }) {
			return
		}
		x := e
		x.Prefix, x.Addr = p, hostIn(p)
		out = append(out, x)
	}
	for _, p := range n.prefixes {
		add(p)
	}
	for _, v := range n.vnets {
		for _, s := range v.subnets {
			for _, r := range userRoutes(s.table) {
				add(r.Prefix)
			}
		}
	}
	return out
}

// rows returns the effective routes of a subnet, computed when the state was made.
func (s *State) rows(sn *subnet) []EffectiveRoute { return s.vnetRows[sn] }

// VNets returns the ids of all virtual networks in the order of their resources.
func (n *Network) VNets() []azure.ID {
	out := make([]azure.ID, len(n.vnets))
	for i, v := range n.vnets {
		out[i] = v.id
	}
	return out
}
