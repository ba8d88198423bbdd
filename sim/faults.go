package sim

import (
	"time"

	"onramp/bgp"
	"onramp/network"
)

// faults are what tests let nodes do wrong, to see that the comparison with the prover notices. Nobody else can set them.
type faults struct {
	// rules change what the network says of a session.
	rules func(e *port, r *bgp.Rules)
	// rows change the effective routes of a subnet.
	rows func([]network.EffectiveRoute)
	// late is what a packet takes longer over a link than it should.
	late func() time.Duration
	// Routers use deadHops for ever, gateways dead instances; deafBFD never notices a silence, forgetfulFirewalls know nothing of earlier packets, boundless routers
	// take any number of prefixes.
	deadHops, deadInstances, deafBFD, forgetfulFirewalls, boundless bool
}
