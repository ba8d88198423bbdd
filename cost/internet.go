package cost

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"onramp/azure"
	"onramp/catalog"
	"onramp/intent"
)

// internetRouting is the routing preference whose prices count: what a public address has unless somebody chose otherwise.
const internetRouting = "microsoft-global-network"

// internet bills what leaves Azure over the internet, region by region and tier by tier: the data of whoever has no circuit but a
// VPN gateway and, where the whole design has neither (a variant of one that had), of everybody.
func (k *clerk) internet() {
	type sender struct {
		name string
		gb   float64
	}
	from := map[string][]sender{} // by region
	for _, l := range k.lobs {
		if l.gb == 0 || len(k.preferred(l.name)) > 0 {
			continue
		}
		exits := k.vpnRegions(l.name)
		if len(exits) == 0 && k.o.overInternet {
			exits = k.exits(l.name)
		}
		for _, r := range exits {
			from[r] = append(from[r], sender{l.name, l.gb / float64(len(exits))})
		}
	}
	for _, region := range sortedKeys(from) {
		sum := 0.0
		var who []string
		var weights []int64
		for _, s := range from[region] {
			sum += s.gb
			if i := slices.Index(who, s.name); i >= 0 {
				weights[i] += wholeMB(s.gb)
				continue
			}
			who, weights = append(who, s.name), append(weights, wholeMB(s.gb))
		}
		k.internetTiers(region, sum, who, weights)
	}
}

// internetTiers bills an amount from one region: a line for each tier that it reaches, none for what is free.
func (k *clerk) internetTiers(region string, gb float64, who []string, weights []int64) {
	known := false
	for _, e := range k.c.EgressTiers() {
		if !strings.EqualFold(e.Region, region) || e.Routing != internetRouting {
			continue
		}
		known = true
		if part := roundGB(math.Min(gb, e.MaxGB) - e.MinGB); part > 0 {
			k.add(charge{item: itemInternet, resource: fmt.Sprintf("%s from %g GB", region, e.MinGB), quantity: part, unit: "GB",
				price: catalog.Money{USD: e.USDPerGB, Known: true, Unit: "GB", Source: e.Source}, users: who, weights: weights})
		}
	}
	if !known {
		x := charge{item: itemInternet, resource: region, quantity: roundGB(gb), unit: "GB", price: catalog.Money{Unit: "GB"}, users: who, weights: weights,
			unknown: "no price of a GB from " + region + " to the internet is published"}
		if region == "" {
			x.resource, x.unknown = strings.Join(who, ", "), "it comes from no network in Azure whose region would set the price"
		}
		k.add(x)
		return
	}
	k.assume("internet-tiers", "What leaves over the internet is counted by region, each with the free first part and the tiers of its own.", "The list has a row for each region; how amounts of several regions and subscriptions add up is not in it.")
}

// vpnRegions are the regions of the VPN gateways that serve a line of business.
func (k *clerk) vpnRegions(name string) []string {
	var out []string
	for _, g := range k.users.gateways[name] {
		if isVPN(g) {
			out = append(out, k.region(g.Location))
		}
	}
	return out
}

func isVPN(g *azure.VirtualNetworkGateway) bool {
	return strings.EqualFold(g.Properties.GatewayType, "Vpn")
}

// exits are the regions from which a line of business's networks reach the internet: each network's own, or that of the hub whose
// firewall it goes through. Without a network there is one exit of no region, which has no price.
func (k *clerk) exits(name string) []string {
	var out []string
	for _, v := range k.users.own[name] {
		at := v.Location
		if h := k.users.inspector(v); h != nil {
			at = h.Location
		}
		out = append(out, k.region(at))
	}
	if len(out) == 0 {
		return []string{""}
	}
	return out
}

// region is a region under the name of the price list.
func (k *clerk) region(location string) string {
	if r, ok := k.c.Region(location); ok {
		return r.Name
	}
	return location
}

// withTraffic is an intent in which another amount leaves Azure in a month, spread over the lines of business as before.
func withTraffic(e *intent.Estate, gb float64) *intent.Estate {
	now := e.Traffic.MonthlyEgressGB
	out := *e
	out.Traffic.MonthlyEgressGB = gb
	out.LinesOfBusiness = slices.Clone(e.LinesOfBusiness)
	for i := range out.LinesOfBusiness {
		n := &out.LinesOfBusiness[i].Needs
		switch {
		case n.MonthlyEgressGB == nil:
		case now > 0:
			part := *n.MonthlyEgressGB * gb / now
			n.MonthlyEgressGB = &part
		default: // everybody states nothing at all, which says nothing about whose more would be
			n.MonthlyEgressGB = nil
		}
	}
	return &out
}
