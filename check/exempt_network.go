package check

// networkExemptions are the rules of routing, gateways, networks, Global Reach, FastPath, resiliency, VPN and IPv6 that no check decides.
func networkExemptions() map[string]exemption {
	return map[string]exemption{
		"ms-peering-separate-edge":          {NotModelled, "the premises of a design hold the routers that end circuits; where the internet comes in is not among them"},
		"route-local-max-prefix":            {NotModelled, "a session of the premises has no setting for the most prefixes that it takes"},
		"gateway-no-downgrade":              {Undecidable, "a design is one state: a change of SKU shows only against the gateway that runs"},
		"gateway-scale-region":              {NotModelled, "the published facts hold no list of the regions with ErGwScale"},
		"gateway-mtu-1400":                  {Undecidable, "the size of packets is set on hosts and chosen by applications, which a design does not hold"},
		"gateway-private-endpoint-symmetry": {Undecidable, "which next hop a flow gets from hosts and appliances with several is seen on the flow, not in resources"},
		"res-bfd-reset-old":                 {Undecidable, "a peering does not say when it was made or last reset"},
		"res-stateful-edge":                 {NotModelled, "a router of the premises does not say whether it keeps the state of flows"},
		"res-failover-test":                 {Undecidable, "whether failover was tried is known to those who tried it; `onramp prove` says what must come out"},
		"res-standby-tested":                {Undecidable, "whether a standby circuit is exercised is seen in operation only"},
		"res-maintenance-alerts":            {NotModelled, "alerts and who receives them are no part of a design"},
		"res-monitor-minimum":               {NotModelled, "alert rules on metrics are no part of a design"},
		"res-connection-monitor":            {NotModelled, "monitors are no part of a design"},
		"vpn-onprem-prefers-er":             {NotModelled, "the premises' end of a tunnel, and its routing policy, are no part of a design"},
	}
}
