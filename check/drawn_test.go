package check_test

import (
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"onramp/check"
	"onramp/design"
	"onramp/intent"
	"onramp/intent/intenttest"
	"onramp/pattern"
)

// The rules and the patterns were written apart: where they disagree, one of them is wrong.
func TestWhateverIsDesignedKeepsTheRules(t *testing.T) {
	c := open(t)
	drawer := intenttest.NewDrawer(c)
	rapid.Check(t, func(t *rapid.T) {
		e := drawer.Estate(t)
		for _, p := range design.Patterns() {
			d, _ := pattern.Compile(p, e, c, pattern.Options{})
			if d == nil {
				continue
			}
			for _, f := range check.Check(d, c) {
				// A hub gets IPv6 for its spokes from the pool; what is inspected gets none.
				if f.Severity != design.Error || f.Rule == "gateway-subnet-ipv6" && !hasIPv6ToGive(e) {
					continue
				}
				t.Fatalf("%s: %+v", p, f)
			}
		}
	})
}

func hasIPv6ToGive(e *intent.Estate) bool {
	return (e.SharedServices == nil || !e.SharedServices.Inspect) && slices.ContainsFunc(e.Pools.Addresses, func(p netip.Prefix) bool { return p.Addr().Is6() })
}

// A large estate must not take the checks much longer than its size asks for; the slow ones looked everything up in lists.
func BenchmarkFourHundredLinesOfBusiness(b *testing.B) {
	c := open(b)
	e, findings := intent.Parse("large", intenttest.Large(400), c)
	if e == nil {
		b.Fatalf("%v", findings)
	}
	d, obstacles := pattern.Compile(design.Isolated, e, c, pattern.Options{})
	if d == nil {
		b.Fatalf("%v", obstacles)
	}
	for b.Loop() {
		check.Check(d, c)
	}
}

func TestWhatTheRulesFoundInOurDesignsStaysMended(t *testing.T) {
	c := open(t)
	direct := "{model: direct, port: 10 Gbps, encapsulation: Dot1Q, location: London}"
	for _, x := range []struct {
		name    string
		example string
		pattern design.Pattern
		edits   []string
	}{
		{"a site's second pair of Direct ports at one location is not the first", "fabrikam-isolated", design.Isolated, []string{
			"{provider: Equinix, model: cloud-exchange, bandwidth: 5 Gbps, location: London, monthlyUSD: 1500}", direct + "\n        - " + direct,
			"      dedicated: true\n", "      dedicated: true\n      survives: [link, router, gateway, circuit]\n"}},
		{"a hub whose address space is given has IPv6 from the pool for its spokes", "litware-dual-stack", design.SharedHubSpoke, []string{
			"pools:\n", "sharedServices: {region: germanywestcentral, addressSpace: [10.160.0.0/22]}\npools:\n"}},
	} {
		t.Run(x.name, func(t *testing.T) {
			for _, f := range check.Check(made(t, c, x.example, x.pattern, x.edits...), c) {
				if f.Severity == design.Error {
					t.Errorf("%+v", f)
				}
			}
		})
	}
}
