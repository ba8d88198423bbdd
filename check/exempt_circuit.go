package check

// circuitExemptions are the rules of circuits, peerings, NAT, QoS, Microsoft 365, cost and security that no check decides.
func circuitExemptions() map[string]exemption {
	return map[string]exemption{
		"circuit-no-bandwidth-downgrade": {Undecidable, "a design is one state: a lower bandwidth shows only against the circuit that runs; `onramp design --from before/design.json --changes` compares the two"},
		"circuit-premium-downgrade-fits": {Undecidable, "a design is one state: that a circuit was Premium shows only against the one that runs; a Standard one beyond its limits is found, and `onramp design --from before/design.json --changes` compares the two"},
		"circuit-local-upgrade-cli":      {Undecidable, "with which tool a circuit's SKU is changed is seen when it is done, not in the result"},
		"circuit-migrate-isolated":       {Undecidable, "which circuit replaces which, and when traffic moves, is a plan over time; a design is one state"},
		"circuit-no-l2-extension":        {NotModelled, "a design holds what is routed; there is nothing in it by which a VLAN could be stretched"},
		"circuit-register-provider":      {Undecidable, "resource providers are registered with a subscription, which no resource shows; it is among the prerequisites"},
		"direct-optics":                  {NotModelled, "a link says which connector it has, not which optics stand in the customer's device"},
		"direct-enrol":                   {Undecidable, "features are enrolled with a subscription, which no resource shows; it is among the prerequisites"},
		"peering-one-at-a-time":          {Undecidable, "in which order peerings are configured is not seen in the result"},
		"nat-snat-inbound-edge":          {NotModelled, "the premises of a design hold the routers that end circuits; the internet edge is not among them"},
		"nat-monitor-pool":               {NotModelled, "the devices that translate, and what watches them, are no part of a design"},
		"sec-macsec-one-link":            {Undecidable, "how keys are changed is an operation over time; a design names the keys of one moment"},
		"sec-macsec-cak-length":          {Undecidable, "a design names the CAK's secret in its Key Vault and never holds the CAK"},
		"sec-macsec-sci":                 {NotModelled, "neither the make of the customer's device nor that of Microsoft's edge is in a design"},
		"qos-dscp-rewrite":               {NotModelled, "what a router of the premises writes into DSCP is no part of a design; it is among the prerequisites"},
		"qos-voice-queue":                {NotModelled, "the queues of the premises' routers are no part of a design; they are among the prerequisites"},
		"o365-internet-still-needed":     {NotModelled, "the premises of a design hold the routers that end circuits; where the internet comes in is not among them"},
		"pstn-filter":                    {NotModelled, "an intent asks for voice, which is Teams' own; it has no word for telephone networks (PSTN)"},
	}
}
