package network

import (
	"encoding/json"
	"strings"
	"time"

	"onramp/azure"
	"onramp/catalog"
	"onramp/design"
)

// The ways in which a rate holds traffic back.
const (
	AccessRate   = "attachment"         // the port on which a site is attached sends no faster: it queues
	BackboneRate = "backbone"           // so does a link between sites
	GatewayRate  = "gateway"            // a gateway forwards no faster, all of its instances together (AssumeGatewayShared)
	CircuitRate  = "circuit-connection" // an MSEE drops at once what is more, in each direction of each connection (provider-rate-limit.md)
)

// RateLimit is a rate that the traffic of some sessions shares, in each direction on its own.
type RateLimit struct {
	Name string // that of the Capacity
	Kind string
	// Mbps is what gets through. It is more than the Capacity's where the service limits later (expressroute-erdirect-about.md).
	Mbps float64
	// Sessions are those whose links it stands at, as in Wiring.
	Sessions []int
}

// RateLimits are all rates of the network, in the order of Capacities. A circuit on a Direct port without a limit of its own has none
// (rate-limit.md: limiting there is switched on by the customer). What an MSEE passes from one gateway to another, or to the MSEE of another
// circuit by Global Reach, crosses a circuit's limit only where it comes from or goes to the premises.
func (n *Network) RateLimits() []RateLimit {
	var out []RateLimit
	at := map[string]int{}
	rates := n.circuitRates()
	for _, c := range n.capacities {
		l := RateLimit{Name: c.Name, Kind: c.Kind, Mbps: float64(c.Mbps)}
		if c.Kind == CircuitRate {
			l.Mbps = rates[c.Name]
		}
		if l.Mbps <= 0 {
			continue
		}
		at[c.Name] = len(out)
		out = append(out, l)
	}
	for i, s := range n.sessions {
		for _, name := range n.limitsOf(s) {
			if k, ok := at[name]; ok {
				out[k].Sessions = append(out[k].Sessions, i)
			}
		}
	}
	return out
}

// limitsOf names the capacities that stand at a session's link.
func (n *Network) limitsOf(s *session) []string {
	switch s.kind {
	case "private", "microsoft":
		return []string{s.capacity, "circuit:" + s.circuit.name + "/" + halfName(s.half)}
	case "provider", "backbone":
		return []string{s.capacity}
	case "gateway":
		return []string{n.routers[s.a].gateway.capacity}
	}
	return nil
}

// circuitRates is what each circuit lets through on a connection, by the name of the capacity; 0 is no limit.
func (n *Network) circuitRates() map[string]float64 {
	out := map[string]float64{}
	for _, c := range n.circuits {
		rate := float64(c.mbps)
		if c.res.Properties.ExpressRoutePort != nil {
			if limited(c.res) {
				rate *= 1 + n.catalog.Limits().DirectTriggerPercent/100
			} else {
				rate = 0
			}
		}
		for h := range 2 {
			out["circuit:"+c.name+"/"+halfName(h)] = rate
		}
	}
	return out
}

// limited tells whether a circuit on a Direct port is limited to its own rate.
func limited(c *azure.ExpressRouteCircuit) bool {
	for k, v := range c.Properties.Extra {
		var on bool
		if strings.EqualFold(k, "enableDirectPortRateLimit") && json.Unmarshal(v, &on) == nil {
			return on
		}
	}
	return false
}

// Classes are the classes of traffic that the service knows (expressroute-qos.md).
func (n *Network) Classes() []catalog.QoSClass { return n.catalog.QoS() }

// What is assumed of queues and limits, as numbers; the names are in assumptions.go.
const (
	PolicerBurst    = 10 * time.Millisecond // AssumePolicerBurst
	QueueDepth      = 50 * time.Millisecond // AssumeQueueDepth
	ClassReserve    = 0.25                  // AssumeClassReserve: of the burst, for each class above
	WeightVideo     = 4                     // AssumeClassWeights
	WeightSharing   = 2
	WeightRest      = 4
	InternetStretch = 1.5                  // AssumeInternetPath: times the delay of ExpressRoute
	InternetJitter  = 8 * time.Millisecond // AssumeInternetPath: up to
	InternetLoss    = 0.002                // AssumeInternetPath
	TunnelOverhead  = 57                   // octets that a tunnel adds to a packet at the most (TunnelOctets)
)

// TrafficAssumptions are those on which measurements of traffic rest, beside those of the network itself.
func TrafficAssumptions() []design.Assumption {
	return []design.Assumption{
		{Name: AssumePolicerBurst, Text: "An MSEE's limit is a token bucket of 10 ms at the circuit's rate, never smaller than two of the largest packets; it counts Ethernet frames with one tag.",
			Reason: "The service says only that limits act within milliseconds and that excess is dropped (provider-rate-limit.md)."},
		{Name: AssumeClassReserve, Text: "On a circuit with Microsoft peering a quarter of that bucket is kept for each of interactive data, interactive video and voice of Microsoft peering over what ranks lower.",
			Reason: "That the classes are honoured is published (expressroute-qos.md), how is not."},
		{Name: AssumeControlExempt, Text: "An MSEE's limit and a gateway's rate do not count BGP and BFD of the routers themselves; in queues with classes these are served first (CS6, RFC 4594 section 3.2).",
			Reason: "Not published; otherwise a saturated circuit would take its own sessions down."},
		{Name: AssumeGatewayShared, Text: "A gateway forwards at its SKU's published bandwidth in each direction, all instances together, first come first served.",
			Reason: "The SKU's figure is for the gateway; how it is divided among instances is not published."},
		{Name: AssumeQueueDepth, Text: "A queue holds 50 ms at the rate of its link, and never less than ten of the largest packets; what is more is dropped at its tail, small packets as well as large ones.",
			Reason: "Depths of routers' queues are the owner's to set, and a gateway's is not published."},
		{Name: AssumeClassWeights, Text: "On the premises' and the provider's links voice (EF) goes first; interactive video, interactive data and the rest share what is left as 4 : 2 : 4.",
			Reason: "These queues are the owner's to set; the classes are those that Microsoft peering honours."},
		{Name: AssumeInternetPath, Text: "A path over the internet has 1.5 times the delay of the one over ExpressRoute, up to 8 ms of jitter and 0.2 percent of loss each way, and at most 57 octets of tunnel on each packet.",
			Reason: "Nobody publishes what a path over the internet will do; measure your own and put the figures in their place."},
		{Name: AssumeVPNGateway, Text: "A VPN gateway carries 650 Mbps, all of its tunnels together and their octets counted; its tunnels use ESP with AES-GCM and one BGP session each, with a hold time of 180 s.",
			Reason: "The facts hold no figures of VPN gateways; the larger ones carry more."},
	}
}
