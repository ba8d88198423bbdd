package intenttest

import (
	"fmt"
	"strings"
)

// Networks and sites of a large estate.
const (
	largeNetworks = 5
	largeSites    = 50
)

// Large is the YAML of an estate with so many lines of business of five networks each: every one is dedicated and survives the
// loss of a peering location, so that the pattern is isolated and each has two circuits. They are spread over up to 50 sites
// with an access to each of two locations. It is what scale is measured on; with 1,000 lines of business the link subnets of the
// 2,000 circuits take up a /18.
func Large(lobs int) []byte {
	places := []struct{ near, far, region string }{
		{"London", "Amsterdam", "uksouth"}, {"Amsterdam", "London", "westeurope"}, {"Frankfurt", "Paris", "germanywestcentral"}, {"Paris", "Frankfurt", "francecentral"}, {"Dublin", "London", "northeurope"},
	}
	var b strings.Builder
	w := func(format string, a ...any) { fmt.Fprintf(&b, format+"\n", a...) }
	w("apiVersion: onramp/v1\nname: large-%d\npremises:\n  asn: 65010\n  sites:", lobs)
	sites := min(largeSites, lobs)
	for i := range sites {
		p := places[i%len(places)]
		w("    - name: site%02d\n      prefixes: [10.%d.0.0/16]\n      access:", i, i)
		for _, l := range []string{p.near, p.far} {
			w("        - {provider: Equinix, model: ethernet, bandwidth: 2 Gbps, location: %s, monthlyUSD: 1000}", l)
		}
	}
	w("linesOfBusiness:")
	for i := range lobs {
		w("  - name: lob%04d\n    networks:", i)
		for j := range largeNetworks {
			w("      - {name: lob%04d-%d, region: %s, addressSpace: [%s]}", i, j, places[i%sites%len(places)].region, largePrefix(i*largeNetworks+j))
		}
		w("    needs: {bandwidth: 50 Mbps, dedicated: true, sites: [site%02d], survives: [link, router, gateway, circuit, location]}", i%sites)
	}
	w("pools: {transit: [172.16.0.0/18]}\ntraffic: {monthlyEgressGB: 100000}")
	return []byte(b.String())
}

// largePrefix is the nth /24 of 10.64.0.0/10.
func largePrefix(n int) string { return fmt.Sprintf("10.%d.%d.0/24", 64+n/256, n%256) }
