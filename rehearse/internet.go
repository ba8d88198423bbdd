package rehearse

import (
	"cmp"
	"slices"
	"time"

	"onramp/design"
	"onramp/network"
	"onramp/sim"
)

// SideBySide is a call over ExpressRoute and one through a VPN over the internet, between the same two ends, when nothing is saturated.
type SideBySide struct {
	From           string `json:"from"`
	To             string `json:"to"`
	LineOfBusiness string `json:"lineOfBusiness,omitempty"`
	ExpressRoute   Call   `json:"expressRoute"`
	// VPN rests on network.AssumeInternetPath.
	VPN Call `json:"vpn"`
}

// comparisonTime is how long each call lasts: long enough for a loss of some packets in a thousand to show.
const comparisonTime = 20 * time.Second

// InternetVPN compares every way out of the premises with a tunnel over the internet in its place: the same ends with the delay, the jitter
// and the loss of network.AssumeInternetPath, and the tunnel's octets on each packet.
func InternetVPN(n *network.Network, seed uint64) ([]SideBySide, error) {
	ways, err := waysOut(n, seed)
	if err != nil {
		return nil, err
	}
	ways = slices.DeleteFunc(ways, func(w way) bool { return w.peering() != "private" }) // a VPN leads into a network
	private, err := newStage(n, seed, sim.Limits{})
	if err != nil {
		return nil, err
	}
	public, err := newStage(n, seed, sim.Limits{})
	if err != nil {
		return nil, err
	}
	calls := make([]sim.FlowSpec, len(ways))
	for i := range ways {
		calls[i] = ways[i].flow(sim.Voice)
	}
	direct, err := private.play(comparisonTime, calls...) // at once: together they are a trifle
	if err != nil {
		return nil, err
	}
	var out []SideBySide
	for i, w := range ways {
		x := SideBySide{From: endName(w.from), To: endName(w.to), LineOfBusiness: w.lineOfBusiness(), ExpressRoute: callOf(&direct[i])}
		// The tunnel leads from the premises to the cloud: everything that it has more of is put on the links into the service.
		more := time.Duration(float64(direct[i].Median) * (network.InternetStretch - 1))
		worse := sim.Impairment{Delay: more, Jitter: network.InternetJitter, Loss: network.InternetLoss}
		for _, l := range n.Wiring().Sessions {
			if l.Kind != "private" {
				continue
			}
			for direction := range 2 {
				if err := public.Impair(l.Name, direction, worse); err != nil {
					return nil, err
				}
			}
		}
		call := calls[i]
		call.Overhead = network.TunnelOverhead
		m, err := public.play(comparisonTime, call)
		if err != nil {
			return nil, err
		}
		x.VPN = callOf(&m[0])
		out = append(out, x)
	}
	slices.SortStableFunc(out, func(a, b SideBySide) int {
		return cmp.Or(cmp.Compare(a.LineOfBusiness, b.LineOfBusiness), cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To))
	})
	return out, nil
}

// InternetAssumptions are those on which InternetVPN rests beside the network's own.
func InternetAssumptions() []design.Assumption {
	return slices.DeleteFunc(network.TrafficAssumptions(), func(a design.Assumption) bool { return a.Name != network.AssumeInternetPath })
}
