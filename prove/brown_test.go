package prove_test

import (
	"os"
	"strings"
	"testing"

	"onramp/azure"
	"onramp/catalog"
	"onramp/design"
	"onramp/intent"
	"onramp/network"
	"onramp/prove"
)

// The estates of package check's testdata, each with a classic mistake, and the mending that check asks for. Whoever adopts an
// estate says whose its networks are and what they need; this does it for them.
func TestClassicMistakesOfGrownEstatesFailTheirProofAndMendingThemHelps(t *testing.T) {
	c, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	read := func(name string) *design.Design {
		b, err := os.ReadFile("../check/testdata/brown/" + name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		d, err := design.Decode(b)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range azure.Of[*azure.VirtualNetwork](d.Resources) {
			v.Tags = map[string]string{design.TagLineOfBusiness: "erp"}
			if strings.HasPrefix(v.Name, "vnet-hub") {
				v.Tags = map[string]string{design.TagRole: "hub"}
			}
		}
		d.Intent = &intent.Estate{LinesOfBusiness: []intent.LineOfBusiness{{Name: "erp", Needs: intent.Needs{Services: []string{intent.Azure}, Sites: []string{"rotterdam"}, Survives: []string{"link", "router"}}}}}
		return d
	}
	proof := func(d *design.Design) *prove.Result {
		n, _ := network.Build(d.Resources, d.Premises, c, network.Options{})
		return prove.Prove(d, n, c, prove.Options{})
	}
	for _, x := range []struct {
		name     string
		property string // the one that fails, "" where proof and mistake have nothing to do with each other
		reason   string // part of the counterexample's
		mend     func(d *design.Design)
	}{
		{"spoke-with-own-gateway", "", "", nil}, // Azure refuses it, so nothing of it ever runs
		{"hub-swallows-premises", prove.Reach, "vnet-hub has no subnet with 10.20.0.4", func(d *design.Design) {
			d.Resources.Get(id("virtualNetworks/vnet-hub")).(*azure.VirtualNetwork).Properties.AddressSpace.AddressPrefixes = []string{"10.100.0.0/22"}
			d.Resources.Get(id("routeTables/rt-erp")).(*azure.RouteTable).Properties.Routes = nil
		}},
		{"thousand-prefixes", prove.PrefixLimits, "1002 ipv4 prefixes that gateway ergw-hub announces", func(d *design.Design) {
			d.Resources.Get(id("virtualNetworks/vnet-hub")).(*azure.VirtualNetwork).Properties.SummarizedGatewayPrefixes = []string{"10.128.0.0/10"}
		}},
		{"two-hubs-two-firewalls", prove.Symmetry, "the flow passes fw-b and its answer fw-a", func(d *design.Design) {
			d.Resources.Get(id("routeTables/rt-erp")).(*azure.RouteTable).Properties.Routes[0].Properties.NextHopIPAddress = "10.100.0.132"
		}},
		{"default-route-from-premises", "", "", nil}, // everybody reaches the premises; what is lost is the platform's own
	} {
		t.Run(x.name, func(t *testing.T) {
			d := read(x.name)
			fails := false
			for _, p := range proof(d).Properties {
				switch {
				case p.Holds:
				case x.property == "":
					t.Errorf("%s fails: %s", p.Name, p.Counterexample)
				case p.Name == x.property && strings.Contains(p.Counterexample.Reason, x.reason) && p.Counterexample.Mend != "":
					fails = true
				}
			}
			if x.property == "" {
				return
			}
			if !fails {
				t.Errorf("%s does not fail with %q", x.property, x.reason)
			}
			x.mend(d)
			for _, p := range proof(d).Properties {
				if !p.Holds {
					t.Errorf("after mending %s still fails: %s", p.Name, p.Counterexample)
				}
			}
		})
	}
}

// id is the id of a resource of the grown estates.
func id(tail string) azure.ID {
	return azure.ID("/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/rg-network/providers/Microsoft.Network/" + tail)
}
