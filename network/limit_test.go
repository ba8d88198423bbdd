package network

import (
	"encoding/json"
	"slices"
	"testing"

	"onramp/azure"
)

func rateNamed(n *Network, name string) (RateLimit, bool) {
	all := n.RateLimits()
	i := slices.IndexFunc(all, func(l RateLimit) bool { return l.Name == name })
	if i < 0 {
		return RateLimit{}, false
	}
	return all[i], true
}

// onDirectPort puts a circuit of the lab on a Direct port, limited to its own rate or not.
func onDirectPort(l *lab, name string, gbps float64, limited bool) {
	c := l.circuits[name]
	port := &azure.ExpressRoutePort{Header: header("Microsoft.Network/expressRoutePorts", "port", "westeurope")}
	port.Properties.PeeringLocation = c.Properties.ServiceProviderProperties.PeeringLocation
	l.rs = append(l.rs, port)
	c.Properties.ServiceProviderProperties = nil
	c.Properties.ExpressRoutePort = &azure.Ref{ID: port.ID}
	c.Properties.BandwidthInGbps = &gbps
	if limited {
		c.Properties.Extra = azure.Extra{"enableDirectPortRateLimit": json.RawMessage("true")}
	}
}

func TestACircuitLimitsEachConnectionToItsRateAndOnDirectOnlyWhenAskedTo(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*lab)
		mbps   float64 // 0: no limit
	}{
		{"a provider's circuit", func(*lab) {}, 1000},
		{"a circuit on a Direct port", func(l *lab) { onDirectPort(l, "er", 5, false) }, 0},
		{"one that is limited, which acts 20 percent later", func(l *lab) { onDirectPort(l, "er", 5, true) }, 6000},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newLab(t)
			l.circuit("er", "Amsterdam", 65001, "192.168.1.0/30", "192.168.1.4/30")
			c.change(l)
			n, _ := Build(l.rs, l.p, l.c, l.o)
			for _, connection := range []string{"primary", "secondary"} {
				r, ok := rateNamed(n, "circuit:er/"+connection)
				if ok != (c.mbps > 0) || r.Mbps != c.mbps {
					t.Errorf("%s: %+v, want %.0f Mbps", connection, r, c.mbps)
				}
			}
		})
	}
}

func TestTheAssumptionsOnTrafficHaveNamesOfTheirOwn(t *testing.T) {
	seen := map[string]bool{}
	for _, a := range slices.Concat(assumptions(), TrafficAssumptions()) {
		if seen[a.Name] || a.Name == "" || a.Text == "" || a.Reason == "" {
			t.Errorf("%+v", a)
		}
		seen[a.Name] = true
	}
}
