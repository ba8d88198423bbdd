package arm

import "time"

// Pace says how long operations take.
type Pace string

// The paces.
const (
	PaceInstant Pace = "instant"
	PaceAzure   Pace = "azure" // AssumePace
)

// of is how long an operation takes.
func (p Pace) of(k *kind, verb string, creates bool) time.Duration {
	if p != PaceAzure {
		return 0
	}
	switch k.typ {
	case netProvider + "virtualNetworkGateways":
		if creates {
			return 30 * time.Minute
		}
		return 10 * time.Minute
	case netProvider + "expressRouteCircuits", netProvider + "azureFirewalls":
		return 3 * time.Minute
	case netProvider + "connections":
		return 2 * time.Minute
	}
	return 5 * time.Second
}
