package catalog

import (
	"errors"
	"strings"
)

// Resiliency is how the portal's resiliency index of a gateway is made up (limits.yaml, resiliency.index): the points of its routes times a
// multiplier for the age of the last failover test, and points of the gateway and of Advisor's recommendations.
type Resiliency struct {
	// The points of the routes: of circuits at two or more peering locations, at a Metro, at one; and where a link from an MSEE to the provider is down.
	TwoLocations, Metro, OneLocation, LinkDown float64
	// The points of the gateway, by SKU; of those over zones by how its instances are placed.
	Standard, HighPerformance, UltraPerformance, Zonal, ZoneRedundant float64
	// The points of a gateway of scale units: with at most two, and with more.
	FewUnits, ManyUnits float64
	// Recommendations are the most points of Advisor's recommendations; how they come about is not published.
	Recommendations float64
	// The multiplier after a test of up to 30, 60 and 90 days ago, and of one before.
	Within30, Within60, Within90, Older float64
	// OneSite is the part of the multiplier that is left where only one of two sites was tested.
	OneSite float64
	// MetroTested tells that the test is offered for circuits at a Metro.
	MetroTested bool
}

// FewestUnits is from how many scale units on a gateway has the points of many.
const FewestUnits = 3

func (t *tree) resiliency() Resiliency {
	const index = "resiliency.index."
	route, gateway, age := index+"route_percent.", index+"gateway_percent.", index+"validation_multiplier."
	r := Resiliency{TwoLocations: t.float(route + "two_locations"), Metro: t.float(route + "metro"), OneLocation: t.float(route + "one_location"), LinkDown: t.float(route + "msee_pe_link_down"),
		Standard: t.float(gateway + "Standard"), HighPerformance: t.float(gateway + "HighPerformance"), UltraPerformance: t.float(gateway + "UltraPerformance"), Zonal: t.float(gateway + "AZ_zonal"),
		ZoneRedundant: t.float(gateway + "AZ_zone_redundant"), FewUnits: t.float(gateway + "ErGwScale_up_to_2_units"), ManyUnits: t.float(gateway + "ErGwScale_more"),
		Recommendations: t.float(index + "recommendation_percent"), Within30: t.float(age + "within_30_days"), Within60: t.float(age + "within_60_days"), Within90: t.float(age + "within_90_days"), Older: t.float(age + "older")}
	switch v := t.at(index + "one_of_two_sites_validated"); v {
	case "half":
		r.OneSite = 0.5
	default:
		if t.err == nil {
			t.err = errors.New(index + "one_of_two_sites_validated is not half")
		}
	}
	r.MetroTested, _ = t.at("metro.resiliency_validation_supported").(bool)
	return r
}

// GatewayPoints are the points of a gateway of a SKU, from what it has for certain up to what it may have: where they depend on what is not
// known, these differ. Zones is in how many zones its instances are, 0 where nobody says; units how many scale units it has at least and at most.
func (r *Resiliency) GatewayPoints(sku string, zones int, units [2]int) (points, upTo float64) {
	ofUnits := func(n int) float64 {
		if n < FewestUnits {
			return r.FewUnits
		}
		return r.ManyUnits
	}
	switch s := strings.ToLower(sku); {
	case s == "standard":
		return r.Standard, r.Standard
	case s == "highperformance":
		return r.HighPerformance, r.HighPerformance
	case s == "ultraperformance":
		return r.UltraPerformance, r.UltraPerformance
	case s == "ergwscale":
		return ofUnits(units[0]), ofUnits(units[1])
	case strings.HasSuffix(s, "az") && zones == 1:
		return r.Zonal, r.Zonal
	case strings.HasSuffix(s, "az") && zones > 1:
		return r.ZoneRedundant, r.ZoneRedundant
	case strings.HasSuffix(s, "az"):
		return r.Zonal, r.ZoneRedundant
	}
	return 0, max(r.ZoneRedundant, r.ManyUnits)
}
