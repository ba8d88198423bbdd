package check

import "slices"

// networkAreaRules are the checks of routing, gateways, Global Reach, FastPath, resiliency, VPN and IPv6.
func networkAreaRules() []ruleSet {
	return slices.Concat(routeRules(), pathRules(), policyRules(), gatewayRules(), globalReachRules(), fastPathRules(), resiliencyRules(), vpnRules())
}
