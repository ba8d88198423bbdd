package network

import (
	"math"

	"onramp/catalog"
)

// fibreKMPerMS is the speed of light in fibre; routeFactor how much longer than the great circle a fibre route is taken to
// be (AssumeFibreDelay).
const (
	fibreKMPerMS = 200.0
	routeFactor  = 1.5
)

// place is where a node stands: a point, and the region or peering location whose published figures apply there.
type place struct {
	lat, lon float64
	region   string   // of a gateway or VNet
	local    []string // regions local to a peering location
}

// Delay is the one-way delay in milliseconds between two places: the published median between regions where both ends
// have one (azure-network-latency.md; a peering location counts as its local region plus the way there), else distance.
func delay(c *catalog.Catalog, a, b place) float64 {
	if a.region != "" && b.region != "" {
		if a.region == b.region {
			return 0
		}
		if rtt, ok := c.Latency(a.region, b.region); ok {
			return rtt / 2
		}
	}
	best := math.Inf(1)
	for _, p := range [2][2]place{{a, b}, {b, a}} {
		if p[1].region == "" {
			continue
		}
		for _, l := range p[0].local {
			if l == p[1].region {
				continue // distance says it better than a zero between region and itself
			}
			rtt, ok := c.Latency(l, p[1].region)
			r, found := c.Region(l)
			if ok && found {
				best = min(best, rtt/2+flight(p[0].lat, p[0].lon, r.Latitude, r.Longitude))
			}
		}
	}
	if !math.IsInf(best, 1) {
		return best
	}
	return flight(a.lat, a.lon, b.lat, b.lon)
}

// flight is the one-way delay of a fibre route between two points, in milliseconds.
func flight(lat1, lon1, lat2, lon2 float64) float64 {
	return catalog.DistanceKM(lat1, lon1, lat2, lon2) * routeFactor / fibreKMPerMS
}
