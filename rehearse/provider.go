package rehearse

import (
	"cmp"
	"math"
	"slices"

	"onramp/network"
	"onramp/sim"
)

// SlowProvider is what gets through a way out of the premises where the provider carries less of the circuit than was bought.
type SlowProvider struct {
	From           string `json:"from"`
	To             string `json:"to"`
	LineOfBusiness string `json:"lineOfBusiness,omitempty"`
	// The rates on the way in Mbps, 0 where there is none, and the least of them.
	Access   float64 `json:"access"`
	Provider float64 `json:"provider"`
	Circuit  float64 `json:"circuit"`
	Gateway  float64 `json:"gateway"`
	Least    float64 `json:"least"`
	// Measured is what got through of 1.5 times the least; AsExpected tells that it is within 1 percent of the least.
	Measured   float64 `json:"measured"`
	AsExpected bool    `json:"asExpected"`
	Factor     float64 `json:"factor"`
}

// expectedWithin is how far a throughput may be from the least of the rates.
const expectedWithin = 0.01

// ProviderBandwidth drills a provider that carries a share of each circuit's rate: the throughput of a flow is the least of access, provider,
// circuit and gateway.
func ProviderBandwidth(n *network.Network, seed uint64, share float64) ([]SlowProvider, error) {
	return theatre{net: n, seed: seed}.providerBandwidth(share)
}

func (t theatre) providerBandwidth(share float64) ([]SlowProvider, error) {
	provider := map[string]float64{}
	for _, l := range t.net.RateLimits() {
		if l.Kind == network.CircuitRate {
			provider[l.Name] = share * l.Mbps
		}
	}
	ways, err := waysOut(t.net, t.seed)
	if err != nil {
		return nil, err
	}
	ways = slices.DeleteFunc(ways, func(w way) bool { return w.rates[network.CircuitRate] == 0 })
	for i := range ways {
		ways[i].mbps = min(ways[i].mbps, share*ways[i].rates[network.CircuitRate])
	}
	var out []SlowProvider
	err = inStages(ways, func(mbps float64, list []way) error {
		factor := mbps / saturationMbps
		// With classes: the routers' own packets must not suffer, or the flow would change its way.
		s, end, err := t.stage(sim.Limits{Factor: factor, Classes: true, Provider: provider})
		defer end()
		if err != nil {
			return err
		}
		for _, w := range list {
			load := w.flow(sim.Constant)
			load.Mbps = overload * mbps
			m, err := s.play(saturationTime, load)
			if err != nil {
				return err
			}
			x := SlowProvider{From: endName(w.from), To: endName(w.to), LineOfBusiness: w.lineOfBusiness(), Access: w.rates[network.AccessRate],
				Provider: share * w.rates[network.CircuitRate], Circuit: w.rates[network.CircuitRate], Gateway: w.rates[network.GatewayRate], Least: mbps,
				Measured: rounded(m[0].Settled(warmUp), 2), Factor: factor}
			x.AsExpected = math.Abs(x.Measured-mbps) <= expectedWithin*mbps
			out = append(out, x)
		}
		return nil
	})
	slices.SortStableFunc(out, func(a, b SlowProvider) int {
		return cmp.Or(cmp.Compare(a.LineOfBusiness, b.LineOfBusiness), cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To))
	})
	return out, err
}
