package prove

import (
	"fmt"
	"strings"

	"onramp/azure"
	"onramp/design"
	"onramp/network"
)

// Counterexample shows one scenario and one flow in which a property does not hold.
type Counterexample struct {
	// Scenario is the scenario's id; Failed says in words what fails in it.
	Scenario string `json:"scenario"`
	Failed   string `json:"failed"`
	// Flow names the flow, or the thing that a flow is about; empty when no flow is.
	Flow string `json:"flow"`
	// Hops are the nodes of the way that shows it, each with the route used and the decision step that chose it; Back those of
	// the answer, where the two directions together show it.
	Hops []network.Hop `json:"hops"`
	Back []network.Hop `json:"back,omitempty"`
	// Reason is what is wrong; Mend what would put it right.
	Reason string `json:"reason"`
	Mend   string `json:"mend"`
}

// String is the counterexample as a person reads it, one line for each hop.
func (c *Counterexample) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "  when    %s\n", c.Failed)
	if c.Flow != "" {
		fmt.Fprintf(&b, "  flow    %s\n", c.Flow)
	}
	hops := func(title string, list []network.Hop) {
		for i := range list {
			h := &list[i]
			word := ""
			if i == 0 {
				word = title
			}
			fmt.Fprintf(&b, "  %-7s %s (%s)", word, h.Node, h.Kind)
			if h.Route != "" {
				fmt.Fprintf(&b, ": %s", h.Route)
			}
			if h.Via != "" {
				fmt.Fprintf(&b, " via %s", h.Via)
			}
			if h.Why != "" {
				fmt.Fprintf(&b, " [%s]", h.Why)
			}
			b.WriteByte('\n')
		}
	}
	hops("path", c.Hops)
	hops("back", c.Back)
	fmt.Fprintf(&b, "  why     %s\n", c.Reason)
	if c.Mend != "" {
		fmt.Fprintf(&b, "  mend    %s\n", c.Mend)
	}
	return b.String()
}

// failedWords says what fails in a scenario.
func (e *estate) failedWords(sc network.Scenario) string {
	switch {
	case sc.Kind == network.Healthy:
		return "nothing has failed"
	case sc.Kind == network.Maintenance:
		return "Microsoft drains " + e.elementWords(sc.Elements) + " for maintenance"
	}
	return e.elementWords(sc.Elements) + " has failed"
}

// elementWords names elements by kind: "router toronto-msee1".
func (e *estate) elementWords(ids []string) string {
	var out []string
	for _, id := range ids {
		x, ok := e.elements[id]
		if !ok {
			out = append(out, id)
			continue
		}
		word := string(x.Kind)
		switch x.Kind {
		case network.GatewayKind:
			word = "gateway instance"
		case network.Firewall:
			word = "firewall instance"
		case network.Location:
			word = "peering location"
		}
		out = append(out, word+" "+x.Name)
	}
	return list(out)
}

// tellBoth writes a counterexample about a flow and its answer.
func (e *estate) tellBoth(x pair, there, back *network.Path, reason, mend string) *Counterexample {
	ce := e.tell(x, there, reason, mend)
	if back != nil {
		ce.Back = back.Hops
	}
	return ce
}

// mendReach says what would let a flow through that a path shows stopped.
func (p *prover) mendReach(path *network.Path, x pair) string {
	to := p.reps[x.rep]
	last := network.Hop{}
	if n := len(path.Hops); n > 0 {
		last = path.Hops[n-1]
	}
	if last.Kind == "firewall" && strings.Contains(path.Reason, " does not allow ") {
		return fmt.Sprintf("allow %s to %s in the policy of %s", p.points[x.src].Prefix, to.Prefix, last.Node)
	}
	if !p.healthyNow() {
		return mendFailure(p.now.Kind)
	}
	switch last.Kind {
	case "vnet":
		if len(azure.Of[*azure.VirtualNetworkGateway](p.design.Resources)) > 0 {
			return fmt.Sprintf("give %s a route to %s: its own gateway on a circuit, or a hub's (useRemoteGateways here and allowGatewayTransit there)", last.Node, to.Prefix)
		}
		return fmt.Sprintf("give %s a gateway that is connected to a circuit", last.Node)
	case "core", "ce", "pe":
		return fmt.Sprintf("let a session of %s bring a route to %s: its import policy and the other end's announcement", last.Node, to.Prefix)
	case "msee", "gateway":
		return fmt.Sprintf("let a session of %s bring a route to %s: the other end's announcement", last.Node, to.Prefix)
	}
	return fmt.Sprintf("add a route to %s at %s", to.Prefix, last.Node)
}

// mendFailure says what lets an estate live through the failure of an element of a kind.
func mendFailure(k network.Kind) string {
	switch k {
	case network.Link:
		return "give the site a second way that does not use this link"
	case network.Router, network.Maintenance:
		return "end the second connection on another router"
	case network.GatewayKind:
		return "use a gateway whose other instance can carry the traffic"
	case network.Firewall:
		return "use a firewall whose other instance can carry the traffic"
	case network.Zone:
		return "use zone-redundant SKUs in a region with zones"
	case network.Circuit:
		return "add a second circuit for the same sites and connect it to the same gateways"
	case network.Provider:
		return "add a circuit of another provider"
	case network.Location:
		return "add a circuit at another peering location"
	case network.Site:
		return "add a circuit that comes in at another site"
	}
	return ""
}

// soldSize is the smallest circuit that carries so much, 0 when none is sold.
func (p *prover) soldSize(mbps float64) int {
	for _, m := range p.catalog.Limits().CircuitMbps {
		if float64(m) >= mbps {
			return m
		}
	}
	return 0
}

// assumptionsBehind lists, for each assumption of the network or the design, the properties whose verdicts rest on it.
func assumptionsBehind() map[string][]string {
	return map[string][]string{
		network.AssumeMSEEPair:        {Reach, Bandwidth, Latency, Voice},
		network.AssumeMSEESingleBest:  {Bandwidth, Symmetry},
		network.AssumeArrivalOrder:    {Bandwidth, Latency, Symmetry},
		network.AssumeFibreDelay:      {Latency},
		network.AssumeRemoteVNet:      {Isolation},
		network.AssumeZoneUnknown:     {Reach, Bandwidth, Voice},
		network.AssumeGatewayPair:     {Reach, Bandwidth},
		network.AssumeFirewallPair:    {Reach, Symmetry},
		network.AssumeProviderCore:    {Reach, Bandwidth, Latency, Voice},
		network.AssumeSiteCore:        {Reach, Symmetry},
		network.AssumeBackbone:        {Bandwidth, Latency, Symmetry},
		network.AssumePremisesECMP:    {Bandwidth, Symmetry},
		network.AssumeServicePrefix:   {Reach, Voice},
		network.AssumeLimitLatch:      {PrefixLimits},
		network.AssumeGlobalReachPath: {Reach, Isolation, Latency},
		network.AssumeProvisioned:     {Reach},
		"firewall-ipv4-only":          {Inspection},
		"provider-asn":                {Reach},
		"services-region":             {Reach},
		"shared-circuit-no-hairpin":   {Isolation},
	}
}

// present are the assumptions of the network and of the design.
func (p *prover) present() []design.Assumption {
	return append(p.net.Assumptions(), p.design.Assumptions...)
}

// restsOn names the assumptions behind a property's verdict, sorted.
func (p *prover) restsOn(x *Property) []string {
	behind := assumptionsBehind()
	names := map[string]bool{}
	for _, a := range p.present() {
		for _, name := range behind[a.Name] {
			zone := a.Name != network.AssumeZoneUnknown || x.Need == "survives.zone"
			public := a.Name != network.AssumeServicePrefix && a.Name != "services-region" || x.Need == "services" || x.Need == "voice"
			if name == x.Name && zone && public {
				names[a.Name] = true
			}
		}
	}
	return sortedKeys(names)
}

// namedBy returns the assumptions that some verdict rests on, by name, and after them those of the design that none does.
func (p *prover) namedBy(list []Property) []design.Assumption {
	named := map[string]bool{}
	for i := range list {
		for _, a := range list[i].Assumptions {
			named[a] = true
		}
	}
	have := map[string]design.Assumption{}
	for _, a := range p.present() {
		have[a.Name] = a
	}
	out := []design.Assumption{}
	for _, name := range sortedKeys(have) {
		if named[name] {
			out = append(out, have[name])
		}
	}
	return out
}
