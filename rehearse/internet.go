package rehearse

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"math"
	"slices"
	"time"

	"onramp/design"
	"onramp/network"
	"onramp/sim"
)

// SideBySide is a call over ExpressRoute and one through a VPN over the internet, between the same two ends, when nothing is saturated, with
// what else tells the two ways apart.
type SideBySide struct {
	From           string `json:"from"`
	To             string `json:"to"`
	LineOfBusiness string `json:"lineOfBusiness,omitempty"`
	ExpressRoute   Call   `json:"expressRoute"`
	// VPN rests on network.AssumeInternetPath.
	VPN Call `json:"vpn"`
	// ExpressRouteWay and VPNWay are the nodes that the calls passed.
	ExpressRouteWay []string `json:"expressRouteWay"`
	VPNWay          []string `json:"vpnWay"`
	// ExpressRouteMbps is the least of the rates on the way, 0 where none is known. VPNMbps is the throughput that was measured with more than
	// the VPN gateway carries (network.AssumeVPNGateway); what the site's own line to the internet carries nobody says.
	ExpressRouteMbps float64 `json:"expressRouteMbps"`
	VPNMbps          float64 `json:"vpnMbps"`
	// ExpressRoutePacket and VPNPacket are how long an IP packet may be that is not to be split, in octets.
	ExpressRoutePacket int `json:"expressRoutePacket"`
	VPNPacket          int `json:"vpnPacket"`
}

// comparisonTime is how long each call lasts: long enough for a loss of some packets in a thousand to show.
const comparisonTime = 20 * time.Second

// InternetVPN compares every way out of the premises with a VPN over the internet in its place: a device beside the site's router, a gateway
// in the virtual network, and between them the internet, with the delay, the jitter and the loss of network.AssumeInternetPath.
func InternetVPN(n *network.Network, seed uint64) ([]SideBySide, error) {
	ways, err := waysOut(n, seed)
	if err != nil {
		return nil, err
	}
	ways = slices.DeleteFunc(ways, func(w way) bool { return w.peering() != "private" }) // Microsoft peering has no VPN in its place
	private, err := newStage(n, seed, sim.Limits{})
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
	limits := n.Wiring()
	var out []SideBySide
	for i := range ways {
		w := &ways[i]
		x := SideBySide{From: endName(w.from), To: endName(w.to), LineOfBusiness: w.lineOfBusiness(), ExpressRoute: callOf(&direct[i]), ExpressRouteWay: direct[i].Way,
			ExpressRoutePacket: min(limits.MTU, limits.SupportedPacket), VPNPacket: network.TunnelMTU(limits.MTU)}
		if !math.IsInf(w.mbps, 1) {
			x.ExpressRouteMbps = w.mbps
		}
		if err := x.overInternet(n, w, direct[i].Median, drawn(seed, x.From, x.To)); err != nil {
			return nil, fmt.Errorf("a VPN between %s and %s: %w", x.From, x.To, err)
		}
		out = append(out, x)
	}
	slices.SortStableFunc(out, func(a, b SideBySide) int {
		return cmp.Or(cmp.Compare(a.LineOfBusiness, b.LineOfBusiness), cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To))
	})
	return out, nil
}

// drawn is the seed of a way, which does not depend on what other ways there are.
func drawn(seed uint64, from, to string) uint64 {
	h := fnv.New64a()
	fmt.Fprint(h, from, "\x00", to)
	return seed ^ h.Sum64()
}

// overInternet measures a VPN in place of a way that takes so long over ExpressRoute: a call when nothing else is sent, then more than the
// gateway carries.
func (x *SideBySide) overInternet(n *network.Network, w *way, direct time.Duration, seed uint64) error {
	wiring, err := n.InternetVPN(w.from, w.to, time.Duration(float64(direct)*network.InternetStretch))
	if err != nil {
		return err
	}
	factor := network.VPNGatewayMbps / saturationMbps
	load := w.flow(sim.Constant)
	load.Mbps = overload * network.VPNGatewayMbps
	for _, run := range []struct {
		limits sim.Limits
		lasts  time.Duration
		spec   sim.FlowSpec
		take   func(m *sim.Measured)
	}{
		{sim.Limits{}, comparisonTime, w.flow(sim.Voice), func(m *sim.Measured) { x.VPN, x.VPNWay = callOf(m), m.Way }},
		{sim.Limits{Factor: factor}, saturationTime, load, func(m *sim.Measured) { x.VPNMbps = rounded(m.Settled(warmUp), 2) }},
	} {
		s, err := newInternetStage(wiring, seed, run.limits)
		if err != nil {
			return err
		}
		m, err := s.play(run.lasts, run.spec)
		if err != nil {
			return err
		}
		run.take(&m[0])
	}
	return nil
}

// newInternetStage is a VPN that runs, over an internet that is as bad as is assumed once its sessions are up.
func newInternetStage(w network.Wiring, seed uint64, l sim.Limits) (stage, error) {
	s, err := sim.NewPlain(w, sim.Options{Seed: seed})
	if err != nil {
		return stage{}, err
	}
	if l.Factor > 0 {
		if err := s.Limit(l); err != nil {
			return stage{}, err
		}
	}
	s.Start()
	s.Converge(quietTime, quietMost)
	// The links to the internet belong to one way: what is wrong with it is put on one of them.
	i := slices.IndexFunc(w.Sessions, func(x network.WiredSession) bool { return x.Kind == "internet" })
	for direction := range 2 {
		if err := s.Impair(w.Sessions[i].Name, direction, sim.Impairment{Jitter: network.InternetJitter, Loss: network.InternetLoss}); err != nil {
			return stage{}, err
		}
	}
	return stage{s}, nil
}

// ofInternet tells whether an assumption is one of those on which only InternetVPN rests.
func ofInternet(a design.Assumption) bool {
	return a.Name == network.AssumeInternetPath || a.Name == network.AssumeVPNGateway
}

// InternetAssumptions are those on which InternetVPN rests beside the network's own.
func InternetAssumptions() []design.Assumption {
	return slices.DeleteFunc(network.TrafficAssumptions(), func(a design.Assumption) bool { return !ofInternet(a) })
}
