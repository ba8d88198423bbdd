package rehearse

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"onramp/catalog"
	"onramp/design"
	"onramp/examples"
	"onramp/intent"
	"onramp/network"
	"onramp/pattern"
)

// loaded builds an example's network for the drills that saturate it.
func loaded(t *testing.T, name string, kind design.Pattern) *network.Network {
	t.Helper()
	c, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	src, err := examples.Read(name)
	if err != nil {
		t.Fatal(err)
	}
	e, findings := intent.Parse(name, src, c)
	if e == nil {
		t.Fatal(findings)
	}
	d, _ := pattern.Compile(kind, e, c, pattern.Options{})
	if d == nil {
		t.Fatal("no design")
	}
	n, _ := network.Build(d.Resources, d.Premises, c, network.Options{})
	return n
}

func TestACallSuffersOnASaturatedWayUnlessItsClassActsThere(t *testing.T) {
	n := loaded(t, "proseware-microsoft365", design.Shared)
	calls, err := Voice(n, 7)
	if err != nil {
		t.Fatal(err)
	}
	peerings := map[string]int{}
	for _, x := range calls {
		peerings[x.Peering]++
		switch {
		case x.Peering == "microsoft" && x.Saturated == network.CircuitRate:
			if x.FirstCome.LostPercent > 0 || x.Classes.LostPercent > 0 || x.Classes.MOS < 4 {
				t.Errorf("Microsoft peering honours classes: %+v", x)
			}
		case x.Peering == "private" && x.Saturated == network.CircuitRate:
			if x.Classes.LostPercent < 1 || x.Classes.MOS > 3.6 {
				t.Errorf("private peering does not: %+v", x)
			}
		}
	}
	if peerings["private"] == 0 || peerings["microsoft"] == 0 {
		t.Errorf("calls by peering: %v", peerings)
	}
	again, err := Voice(n, 7)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(calls, again); d != "" {
		t.Errorf("the same seed, another result: %s", d)
	}
}

func TestASlowProviderIsTheLimitThatIsMeasured(t *testing.T) {
	for _, name := range []string{"contoso-shared", "litware-dual-stack", "northwind", "proseware-microsoft365", "wide-world-two-continents"} {
		for _, kind := range []design.Pattern{design.Shared, design.IsolatedHubSpoke} {
			for _, share := range []float64{0.5, 3} {
				out, err := ProviderBandwidth(loaded(t, name, kind), 7, share)
				if err != nil {
					t.Fatal(err)
				}
				if len(out) == 0 {
					t.Errorf("%s, %s: nothing was drilled", name, kind)
				}
				for _, x := range out {
					if !x.AsExpected {
						t.Errorf("%s, %s: %+v", name, kind, x)
					}
				}
			}
		}
	}
}

func TestAVPNOverTheInternetIsSlowerAndLosesMore(t *testing.T) {
	out, err := InternetVPN(loaded(t, "northwind", design.Shared), 7)
	if err != nil {
		t.Fatal(err)
	}
	if len(out) == 0 {
		t.Error("nothing was compared")
	}
	lost := 0.0
	for _, x := range out {
		lost += x.VPN.LostPercent / float64(len(out))
		if len(x.ExpressRouteWay) == 0 || len(x.VPNWay) != 5 || x.VPNWay[2] != "internet" || x.ExpressRoutePacket != 1400 || x.VPNPacket != 1446 {
			t.Errorf("%+v", x)
		}
		if x.ExpressRouteMbps != 500 || x.VPNMbps > network.VPNGatewayMbps || x.VPNMbps < 0.95*network.VPNGatewayMbps {
			t.Errorf("%g Mbps and %g", x.ExpressRouteMbps, x.VPNMbps)
		}
		if x.VPN.OneWayMs <= x.ExpressRoute.OneWayMs || x.VPN.JitterMs <= x.ExpressRoute.JitterMs || x.VPN.LostPercent > 1 || x.ExpressRoute.LostPercent != 0 || x.ExpressRoute.MOS < 4 {
			t.Errorf("%+v", x)
		}
	}
	if lost < 50*network.InternetLoss || lost > 200*network.InternetLoss {
		t.Errorf("%.2f percent lost on average", lost)
	}
}
