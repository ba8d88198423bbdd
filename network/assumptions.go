package network

import (
	"slices"

	"onramp/design"
)

// Names of the assumptions: what Microsoft and the providers do not publish and the model has to decide. Every verdict
// that rests on one carries its name.
const (
	AssumeMSEEPair        = "msee-pair-per-location"
	AssumeMSEESingleBest  = "msee-single-best"
	AssumeArrivalOrder    = "arrival-order"
	AssumeFibreDelay      = "fibre-delay"
	AssumeRemoteVNet      = "remote-vnet-traffic-off"
	AssumeZoneUnknown     = "zone-of-instance"
	AssumeGatewayPair     = "gateway-two-instances"
	AssumeFirewallPair    = "firewall-two-instances"
	AssumeProviderCore    = "provider-core"
	AssumeSiteCore        = "site-core"
	AssumeBackbone        = "backbone-carries-preference"
	AssumePremisesECMP    = "premises-multipath"
	AssumeServicePrefix   = "service-prefix-stand-in"
	AssumeMSEEAddress     = "msee-address-in-gateway-subnet"
	AssumeLimitLatch      = "limit-stays-down"
	AssumeGlobalReachPath = "global-reach-path"
	AssumeProvisioned     = "provisioned"

	// Of times (TimeAssumptions).
	AssumeGatewayHold  = "gateway-hold-time"
	AssumeInsideTimers = "inside-timers"
	AssumeInstanceGone = "instance-notice"
	// Of queues and limits (TrafficAssumptions).
	AssumePolicerBurst  = "policer-burst"
	AssumeClassReserve  = "msee-class-reserve"
	AssumeControlExempt = "control-traffic-exempt"
	AssumeGatewayShared = "gateway-rate-shared"
	AssumeQueueDepth    = "queue-depth"
	AssumeClassWeights  = "class-weights"
	AssumeInternetPath  = "internet-path"
	AssumeVPNGateway    = "vpn-gateway"
)

// assumptions is every assumption, once; texts are what a person reads beside a verdict.
func assumptions() []design.Assumption {
	return []design.Assumption{
		{Name: AssumeMSEEPair, Text: "All circuits at one peering location end on the same pair of MSEEs.",
			Reason: "How a circuit maps to an MSEE pair is not published; sharing the pair is the worst case for what fails together."},
		{Name: AssumeMSEESingleBest, Text: "An MSEE forwards on its one best route; it does not share load between gateway instances.",
			Reason: "Published MSEE tables mark one best route for each prefix; whether others are used is not stated."},
		{Name: AssumeArrivalOrder, Text: "Between routes that are otherwise equal the one that arrived first wins; sessions arrive in a fixed order.",
			Reason: "Published tables show either of two equal routes as best; the tie is broken by age, which depends on history."},
		{Name: AssumeFibreDelay, Text: "One-way delay is great-circle distance x 1.5 at 200 km/ms, except between regions, where the published median round trip is used.",
			Reason: "Delays between a peering location and a region are not published; regions' round trips are."},
		{Name: AssumeRemoteVNet, Text: "VNets on one circuit cannot reach each other through it while allowRemoteVnetTraffic is off on their gateways.",
			Reason: "Microsoft's documents disagree on the default; the newer ones say it is off until allowed on the gateway."},
		{Name: AssumeZoneUnknown, Text: "Instances of a zone-redundant resource sit in different zones; all instances of any other may sit in the one zone that fails.",
			Reason: "The zone of an instance without zones is not published; this is the worst case."},
		{Name: AssumeGatewayPair, Text: "An ExpressRoute gateway is two instances, each with a session to both MSEEs of each connected circuit.",
			Reason: "Published captures show two; larger gateways may have more."},
		{Name: AssumeFirewallPair, Text: "An Azure Firewall is two instances behind one address, which share their connection state.",
			Reason: "The number of instances follows load and is not published."},
		{Name: AssumeProviderCore, Text: "The provider's own network between its edge routers does not fail except with the provider, adds no limit of its own, and carries routes by iBGP.",
			Reason: "The inside of an IP VPN is not visible to its customers."},
		{Name: AssumeSiteCore, Text: "Inside a site an internal router speaks iBGP with the customer edge routers, reflects between them, and fails only with the site.",
			Reason: "The site's own routing is not part of the intent."},
		{Name: AssumeBackbone, Text: "Local preference is carried across the organisation's own backbone, also between sites of different AS numbers.",
			Reason: "Backbone routing is not part of the intent; without this, two sites of different AS could prefer different circuits."},
		{Name: AssumePremisesECMP, Text: "Premises routers use all equal-cost routes (maximum-paths).",
			Reason: "The choice is the customer's; without it one of the two connections stays idle."},
		{Name: AssumeServicePrefix, Text: "Each Microsoft service is stood for by one prefix of 198.18.0.0/15 that carries its community.",
			Reason: "The services' prefixes change and are not among the published facts that the catalogue holds."},
		{Name: AssumeMSEEAddress, Text: "MSEEs have the addresses .4 and .5 of GatewaySubnet for the first circuit, .6 and .7 for the second, and so on; gateway instances .12 and .13.",
			Reason: "Seen in published captures; not documented."},
		{Name: AssumeLimitLatch, Text: "A session that exceeds a prefix limit stays down in the scenario that made it exceed.",
			Reason: "The service brings it back below the limit; going down removes the excess, so it would flap."},
		{Name: AssumeGlobalReachPath, Text: "Routes of Global Reach pass between MSEEs without a longer path, and 12076 is added twice more towards gateways.",
			Reason: "Derived from published gateway and MSEE tables; the mechanism is not documented."},
		{Name: AssumeProvisioned, Text: "A circuit without a provisioning state is taken as provisioned by its provider.",
			Reason: "A design says what will be; the state exists only once the provider has answered."},
	}
}

// Assumptions returns the assumptions that this network rests on, by name.
func (n *Network) Assumptions() []design.Assumption {
	var out []design.Assumption
	for _, a := range assumptions() {
		if n.rests[a.Name] {
			out = append(out, a)
		}
	}
	slices.SortFunc(out, func(a, b design.Assumption) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
	return out
}

// Names of the assumptions about what hosts and routers are told of their packets.
const (
	AssumeTooBigTold   = "gateway-tells-too-big"
	AssumeFirewallMute = "firewall-leaves-ttl"
)

// TimeAssumptions are those on which the times of a rehearsal rest, beside those of the network itself.
func TimeAssumptions() []design.Assumption {
	return []design.Assumption{
		{Name: AssumeGatewayHold, Text: "A gateway and an MSEE have no BFD between them and a hold time of 60 s.",
			Reason: "Published is that convergence between them can take up to a minute (expressroute-bfd.md), not by which timers."},
		{Name: AssumeInsideTimers, Text: "Sessions inside a site and between sites have a hold time of 9 s and no BFD, those inside Microsoft's network the published 180 s.",
			Reason: "The site's own routing is not part of the intent, and Microsoft's is not published."},
		{Name: AssumeInstanceGone, Text: "A gateway's instance that fails is sent to for 15 s more.",
			Reason: "A disconnected gateway is typically noticed within 15 s; for one instance nothing is published."},
	}
}

// AnswerAssumptions are those on which ping and traceroute rest, beside those of the network itself.
func AnswerAssumptions() []design.Assumption {
	return []design.Assumption{
		{Name: AssumeTooBigTold, Text: "An instance of a gateway answers a packet above the supported size by ICMP, with that size; it splits none.",
			Reason: "The size is published, and that fragments are not forwarded; what the sender is told is not."},
		{Name: AssumeFirewallMute, Text: "A firewall takes nothing off the TTL and sends no errors; those about a connection that it let begin pass.",
			Reason: "Microsoft's published traces cross no firewall."},
	}
}
