package network

import (
	"time"

	"onramp/design"
)

// Names of the assumptions about faults other than the failure of an element.
const (
	AssumeGraceless      = "graceful-restart-off"
	AssumeBFDIndependent = "bfd-outlives-control-plane"
	AssumeGatewayRoll    = "gateway-roll"
	AssumeFirewallRules  = "firewall-ends-connections"
	AssumeLimitReset     = "limit-reset-by-hand"
)

// How a gateway's instances restart one after another (AssumeGatewayRoll).
const (
	InstanceDown  = 5 * time.Minute
	InstancePause = 5 * time.Minute
)

// FaultAssumptions are those on which rehearsals of restarts, of a gateway's maintenance and of passed limits rest, beside those of the
// network itself.
func FaultAssumptions() []design.Assumption {
	return []design.Assumption{
		{Name: AssumeGraceless, Text: "No session restarts gracefully unless a drill asks for it; then both of its ends do (RFC 4724, RFC 8538).",
			Reason: "Whether an MSEE or a gateway keeps the routes of a neighbour that restarts is not published; that it does not is the worst case."},
		{Name: AssumeBFDIndependent, Text: "BFD runs where packets are forwarded: a control plane that restarts leaves it up (RFC 5882 section 4.3.1).",
			Reason: "It depends on the router, and for MSEEs it is not published."},
		{Name: AssumeGatewayRoll, Text: "In a gateway's maintenance each instance is down for 5 min, and the next one follows 5 min later; neighbours and the platform know at once.",
			Reason: "Published is that instances restart one after another and that the gateway stays up, not for how long."},
		{Name: AssumeFirewallRules, Text: "A firewall whose rules change ends the connections that they do not allow any more, and no others.",
			Reason: "What becomes of connections that stand when rules change is not published."},
		{Name: AssumeLimitReset, Text: "A session that a prefix limit took down is brought back by a reset, once what was too much is gone.",
			Reason: "The service brings it back below the limit; how soon is not published."},
	}
}
