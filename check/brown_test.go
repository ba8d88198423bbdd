package check_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"onramp/check"
	"onramp/design"
)

// brown reads a design that was made by hand after an estate that grew: no pattern, no intent, one classic mistake.
func brown(t testing.TB, name string) *design.Design {
	t.Helper()
	b, err := os.ReadFile("testdata/brown/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	d, err := design.Decode(b)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return d
}

// saidOfAll tells whether a finding is one that grown estates hear whatever their mistake: they have no keys, no encryption and
// no security groups.
func saidOfAll(f design.Finding) bool {
	return slices.Contains([]string{"sec-not-encrypted", "peering-md5-use", "vnet-nsg-app-subnets"}, f.Rule)
}

func TestClassicMistakesOfGrownEstatesAreNamedWithTheirMending(t *testing.T) {
	c := open(t)
	type want struct {
		rule     string
		severity design.Severity
		at       string // end of the place
		message  string // part of it
		fix      string // part of it
	}
	for _, x := range []struct {
		name  string
		wants []want
		and   []string // rules that speak of the same mistake beside the first
		mend  func(d *design.Design)
	}{
		{"spoke-with-own-gateway", []want{{"vnet-remote-gateway-no-own", design.Error, "vnet-erp/virtualNetworkPeerings/to-vnet-hub", "vnet-erp has a gateway of its own", "take one of the two away"}}, []string{"azure-BadRequest"}, func(d *design.Design) {
			vnet(d, "vnet-erp").Properties.VirtualNetworkPeerings[0].Properties.UseRemoteGateways = false
			vnet(d, "vnet-hub").Properties.VirtualNetworkPeerings[0].Properties.AllowGatewayTransit = false
		}},
		{"hub-swallows-premises", []want{{"route-no-overlap", design.Error, "site rotterdam", "10.20.0.0/16 lies in 10.0.0.0/8 of vnet-hub, whose own route wins", "narrow the address space of vnet-hub"}}, nil, func(d *design.Design) {
			vnet(d, "vnet-hub").Properties.AddressSpace.AddressPrefixes = []string{"10.100.0.0/22"}
			table(d, "rt-erp").Properties.Routes = nil // it was there for the range that is gone
		}},
		{"thousand-prefixes", []want{{"route-azure-advertised-limit", design.Error, "ergw-hub", "announces 1002 IPv4 prefixes of 3 networks", "summarizedGatewayPrefixes on vnet-hub"}}, nil, func(d *design.Design) {
			vnet(d, "vnet-hub").Properties.SummarizedGatewayPrefixes = []string{"10.128.0.0/10"}
		}},
		{"two-hubs-two-firewalls", []want{{"route-symmetric", design.Error, "ergw-hub-a", "goes in by fw-a (10.100.0.132), and the answers go out by fw-b (10.110.0.132)", "lead both directions to the same appliance: next hop 10.100.0.132"}}, nil, func(d *design.Design) {
			table(d, "rt-erp").Properties.Routes[0].Properties.NextHopIPAddress = "10.100.0.132"
		}},
		{"default-route-from-premises", []want{
			{"route-default-kms", design.Warning, "ergw-hub", "activation (KMS) and the platform's management", "AzureFirewallSubnet: 0.0.0.0/0"},
			{"route-default-needs-edge", design.Warning, "rotterdam-ce1 er-amsterdam/private/primary", "a default route on er-amsterdam, er-dublin", "take the default route out of the export policy"},
			{"route-default-paas-hairpin", design.Warning, "ergw-hub", "by way of the premises and back", "service endpoints"},
			{"route-default-withdrawal", design.Warning, "ergw-hub", "leaves directly when that is withdrawn", "deny outbound traffic to Internet"},
		}, nil, func(d *design.Design) {
			for i := range circuits(d) {
				for _, s := range sessionsOn(d, i) {
					s.Export.Terms[0].Match.Prefixes = s.Export.Terms[0].Match.Prefixes[1:]
				}
			}
		}},
	} {
		t.Run(x.name, func(t *testing.T) {
			d := brown(t, x.name)
			found := check.Check(d, c)
			for _, w := range x.wants {
				if !slices.ContainsFunc(found, func(f design.Finding) bool {
					return f.Rule == w.rule && f.Severity == w.severity && strings.HasSuffix(f.At, w.at) && strings.Contains(f.Message, w.message) && strings.Contains(f.Fix, w.fix)
				}) {
					t.Errorf("nobody says %+v", w)
				}
			}
			for _, f := range found {
				if !slices.ContainsFunc(x.wants, func(w want) bool { return w.rule == f.Rule }) && !slices.Contains(x.and, f.Rule) && !saidOfAll(f) {
					t.Errorf("beside the mistake: %+v", f)
				}
			}
			x.mend(d)
			for _, f := range check.Check(d, c) {
				if !saidOfAll(f) {
					t.Errorf("after mending: %+v", f)
				}
			}
		})
	}
}
