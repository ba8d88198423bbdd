package check

import (
	"maps"
	"slices"

	"onramp/catalog"
	"onramp/design"
)

// Reason is why a rule is not checked.
type Reason string

const (
	// Undecidable rules are about what a design does not hold: what people do, what runs after the deployment.
	Undecidable Reason = "undecidable"
	// NotModelled rules are about a feature that designs do not hold yet.
	NotModelled Reason = "not-modelled"
)

// Coverage says what becomes of one published rule.
type Coverage struct {
	ID       string          `json:"id"`
	Severity design.Severity `json:"severity" enum:"error,warning,advice"`
	Area     string          `json:"area"`
	Rule     string          `json:"rule"`
	Source   string          `json:"source"`
	Checked  bool            `json:"checked"`
	// Reason and Why are empty for a checked rule.
	Reason Reason `json:"reason,omitempty" enum:"undecidable,not-modelled"`
	Why    string `json:"why,omitempty"`
}

// Rules tells of every published rule whether Check decides it, and why not.
func Rules(c *catalog.Catalog) []Coverage {
	decided := map[string]bool{}
	for _, s := range ruleSets() {
		for _, id := range s.ids {
			decided[id] = true
		}
	}
	left := unchecked()
	var out []Coverage
	for _, r := range c.Rules() {
		x := Coverage{ID: r.ID, Severity: design.Severity(r.Severity), Area: r.Area, Rule: r.Text, Source: r.SourceFile, Checked: decided[r.ID]}
		if !x.Checked {
			x.Reason, x.Why = left[r.ID].reason, left[r.ID].why
		}
		out = append(out, x)
	}
	return out
}

// ruleSet is one check with the ids of the rules that it decides.
type ruleSet struct {
	run func(*checker)
	ids []string
}

// exemption is why one rule is not checked.
type exemption struct {
	reason Reason
	why    string
}

// ruleSets lists the checks.
func ruleSets() []ruleSet {
	return slices.Concat(circuitRules(), networkRules(), securityRules(), premisesRules(), networkAreaRules(), circuitAreaRules())
}

// unchecked lists the rules that no check decides.
func unchecked() map[string]exemption {
	out := map[string]exemption{}
	for _, m := range []map[string]exemption{circuitExemptions(), networkExemptions()} {
		maps.Copy(out, m)
	}
	return out
}

func securityRules() []ruleSet {
	return []ruleSet{
		{(*checker).firewallRules, []string{"sec-firewall-inspect"}},
		{(*checker).inspection, []string{"sec-firewall-inspect"}},
		{(*checker).roles, []string{"sec-rbac"}},
	}
}

func circuitRules() []ruleSet {
	return []ruleSet{
		{(*checker).circuits, []string{"circuit-provider-at-location", "circuit-bandwidth-option", "circuit-local-min-1g", "circuit-local-region-only", "circuit-standard-geo-bound",
			"circuit-premium-routes", "circuit-vnet-link-limit"}},
		{(*checker).authorizations, []string{"circuit-authorization-per-link"}},
		{(*checker).directPorts, []string{"direct-circuit-sizes", "direct-same-subscription", "direct-dot1q-unique-vlan", "direct-oversubscription"}},
		{(*checker).linkSubnets, []string{"peering-subnet-size", "peering-subnet-unique", "peering-subnet-no-vnet-overlap"}},
		{(*checker).vlans, []string{"peering-vlan-match"}},
		{(*checker).microsoftPeerings, []string{"ms-peering-route-filter", "ms-peering-private-asn", "ms-peering-prefix-limit", "ms-peering-no-default", "ms-peering-public-only", "o365-authorisation"}},
	}
}

func networkRules() []ruleSet {
	return []ruleSet{
		{(*checker).overlaps, []string{"route-no-overlap"}},
		{(*checker).transitFlags, []string{"vnet-transit-flags", "vnet-remote-gateway-no-own", "vnet-remote-gateway-single"}},
		{(*checker).daisyChains, []string{"vnet-peering-nontransitive"}},
		{(*checker).gatewaySubnets, []string{"gateway-subnet-size", "gateway-subnet-no-nsg", "gateway-subnet-propagation", "gateway-subnet-no-default-udr"}},
		{(*checker).gateways, []string{"gateway-circuit-count", "gateway-same-location-4", "gateway-subnet-name", "gateway-region-match", "gateway-zone-redundant"}},
		{(*checker).remoteVNets, []string{"vnet-to-vnet-flag", "vnet-use-peering-not-er"}},
		{(*checker).networkLimits, []string{"vnet-peering-count"}},
	}
}

func premisesRules() []ruleSet {
	return []ruleSet{
		{(*checker).sessions, []string{"peering-two-sessions", "peering-subnet-host-order", "peering-subnet-size", "peering-vlan-match", "peering-asn-remote"}},
		{(*checker).numbers, []string{"peering-asn-reserved", "peering-asn-documentation"}},
		{(*checker).separateRouters, []string{"res-dual-ce", "res-links-same-place"}},
		{(*checker).exports, []string{"route-no-transit-er"}},
		{(*checker).sameOnBothLinks, []string{"route-identical-both-links"}},
		{(*checker).preferences, []string{"route-symmetric"}},
	}
}
