package design

import (
	"slices"
	"strconv"
	"strings"
)

// consequence is what one kind of change does, with the document that says so.
type consequence struct {
	what   string // the resource's type, in lower case
	path   string // the property that changes; a prefix of its path
	when   func(before, after string) bool
	impact Impact
	why    string
	source string
}

// consequences are what is published on changing things that carry traffic (rules.csv names the documents), and what follows from
// the protocols. The first that applies to a property counts.
func consequences() []consequence {
	always := func(string, string) bool { return true }
	const (
		circuit    = "microsoft.network/expressroutecircuits"
		gateway    = "microsoft.network/virtualnetworkgateways"
		connection = "microsoft.network/connections"
		port       = "microsoft.network/expressrouteports"
		vnet       = "microsoft.network/virtualnetworks"
	)
	return []consequence{
		{circuit, "properties.serviceProviderProperties.bandwidthInMbps", smaller, Refused, "bandwidth cannot be lowered in place; a smaller circuit is built and the old one removed (circuit-no-bandwidth-downgrade)", "expressroute-faqs.md"},
		{circuit, "properties.serviceProviderProperties.bandwidthInMbps", always, Quiet, "a speed increase works in place if the port under the circuit has room (circuit-upgrade-port-capacity)", "about-upgrade-circuit-bandwidth.md"},
		{circuit, "properties.bandwidthInGbps", smaller, Refused, "bandwidth cannot be lowered in place; a smaller circuit is built and the old one removed (circuit-no-bandwidth-downgrade)", "expressroute-faqs.md"},
		{circuit, "properties.serviceProviderProperties", always, Refused, "a circuit belongs to one provider and one peering location; another one is built and the old one removed", "expressroute-howto-circuit-portal-resource-manager.md"},
		{circuit, "properties.expressRoutePort", always, Refused, "a circuit belongs to its ports; another one is built and the old one removed", "how-to-expressroute-direct-portal.md"},
		{circuit, "sku.family", func(a, b string) bool { return strings.EqualFold(a, "UnlimitedData") }, Refused, "Unlimited never becomes Metered again; the circuit is rebuilt (circuit-metered-to-unlimited-one-way)", "expressroute-circuit-peerings.md"},
		{circuit, "sku.family", always, Quiet, "Metered becomes Unlimited in place (circuit-metered-to-unlimited-one-way)", "expressroute-circuit-peerings.md"},
		{circuit, "sku.tier", func(a, b string) bool { return strings.EqualFold(a, "Premium") }, Quiet, "Premium can be dropped once links and routes are back under the limits of the lower tier (circuit-premium-downgrade-fits)", "expressroute-faqs.md"},
		{circuit, "properties.peerings", linkSettings, Interrupts, "the BGP session of a link goes down while tag, addresses or AS number change on both its ends", "RFC 4271 section 8"},
		{port, "properties.encapsulation", always, Refused, "the encapsulation of ports cannot be changed later (direct-encapsulation-fixed)", "how-to-expressroute-direct-portal.md"},
		{port, "properties.peeringLocation", always, Refused, "ports are at one place; others are ordered", "how-to-expressroute-direct-portal.md"},
		{port, "properties.bandwidthInGbps", always, Refused, "ports have one speed; others are ordered", "how-to-expressroute-direct-portal.md"},
		{gateway, "properties.sku.capacity", always, Quiet, "the number of scale units is a setting of the gateway", "scalable-gateway.md"},
		{gateway, "properties.sku", sameFamilyUp, Quiet, "a SKU change upward within a family is made in place (gateway-no-downgrade)", "expressroute-about-virtual-network-gateways.md"},
		{gateway, "properties.sku", always, Interrupts, "other than upward within a family, a SKU change rebuilds the gateway with downtime (gateway-no-downgrade)", "expressroute-about-virtual-network-gateways.md"},
		{gateway, "location", always, Refused, "a gateway lives in the region of its network (gateway-region-match)", "configure-expressroute-private-peering.md"},
		{connection, "properties.peer", always, Interrupts, "the gateway's sessions with the circuit that it leaves go down", "RFC 4271 section 8"},
		{connection, "properties.virtualNetworkGateway1", always, Interrupts, "the sessions of the gateway that the connection leaves go down", "RFC 4271 section 8"},
		{vnet, "location", always, Refused, "a network lives in one region; another one is built", "virtual-networks-faq.md"},
		{"session", "", sessionSettings, Interrupts, "the BGP session goes down while it changes on both its ends", "RFC 4271 section 8"},
		{"router", "asn", always, Interrupts, "every session of the router goes down: the AS number is agreed on when it opens", "RFC 4271 section 4.2"},
	}
}

// Impacts lists why a change touches traffic, each with the document that says so.
func Impacts() map[string]string {
	out := map[string]string{}
	for _, x := range consequences() {
		out[x.why] = x.source
	}
	return out
}

// smaller tells that a number goes down.
func smaller(before, after string) bool {
	a, err1 := strconv.ParseFloat(before, 64)
	b, err2 := strconv.ParseFloat(after, 64)
	return err1 == nil && err2 == nil && b < a
}

// families of ExpressRoute gateway SKUs, each from the smallest up (expressroute-about-virtual-network-gateways.md).
func families() [][]string {
	return [][]string{{"Standard", "HighPerformance", "UltraPerformance"}, {"ErGw1AZ", "ErGw2AZ", "ErGw3AZ"}}
}

// sameFamilyUp tells that a gateway's SKU grows within its family.
func sameFamilyUp(before, after string) bool {
	for _, f := range families() {
		i, j := slices.Index(f, before), slices.Index(f, after)
		if i >= 0 && j >= i {
			return true
		}
	}
	return false
}

// linkSettings and sessionSettings are chosen by the property's name, which judge hands over with the path.
func linkSettings(path, _ string) bool {
	for _, s := range []string{"vlanId", "peerASN", "PeerAddressPrefix", "stag", "sharedKey"} {
		if strings.HasSuffix(path, s) {
			return true
		}
	}
	return false
}

func sessionSettings(path, _ string) bool {
	return slices.Contains([]string{"vlan", "stag", "localAddress", "peerAddress", "peerASN", "circuit", "connection", "peering", "attachment", "interface", "neighbor"}, path)
}

// carriers are the things whose end is the end of what they carry.
func carriers() []string {
	return []string{"microsoft.network/expressroutecircuits", "microsoft.network/virtualnetworkgateways", "microsoft.network/connections", "microsoft.network/expressrouteports", "microsoft.network/virtualnetworks",
		"microsoft.network/azurefirewalls", "session", "router", "attachment", "backbone", "site"}
}

// Judge adds to a change what it does to traffic: the worst of its properties, or of what is removed.
func Judge(c Change) Change { return judged(c, nil, nil) }

// judged adds what a change does to traffic: the worst of its properties.
func judged(c Change, before, after *thing) Change {
	c.Impact = Quiet
	what := strings.ToLower(c.What)
	if c.Kind == Removed {
		if slices.Contains(carriers(), what) {
			c.Impact, c.Why, c.Source = Interrupts, "what it carries has to be on another way before it goes", "circuit-migration.md"
		}
		return c
	}
	order := []Impact{Refused, Interrupts, Quiet}
	for _, p := range c.Properties {
		for _, x := range consequences() {
			if x.what != what || !strings.HasPrefix(p.Path, x.path) {
				continue
			}
			old, now := p.Old, p.New
			if x.path == "" || x.path == "properties.peerings" {
				old = p.Path // what counts is which setting it is
			}
			if (x.path == "" || x.path == "properties.peerings") && p.Old == "" {
				break // a peering that is added takes nothing away
			}
			if !x.when(old, now) {
				continue
			}
			if c.Why == "" || slices.Index(order, x.impact) < slices.Index(order, c.Impact) {
				c.Impact, c.Why, c.Source = x.impact, x.why, x.source
			}
			break
		}
	}
	return c
}
