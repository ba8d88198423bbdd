package prove

import (
	"slices"
	"testing"

	"onramp/catalog"
	"onramp/design"
	"onramp/network"
)

func TestTheNeededFlowsAreNamedAsThoseThatAreLost(t *testing.T) {
	c, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	for name, kind := range map[string]design.Pattern{"northwind": design.SharedHubSpoke, "fabrikam-isolated": design.Isolated, "nothing-fits": design.Shared, "proseware-microsoft365": design.Shared} {
		d, n := designed(t, c, name, kind)
		names := map[string]bool{}
		for _, f := range Flows(d, n, c) {
			names[f.Name] = true
			if f.LineOfBusiness == "" || f.Need == "" || f.From == "" || f.To == "" || f.A.Addr.Is4() != f.B.Addr.Is4() {
				t.Errorf("%s: %+v", name, f)
			}
		}
		for _, sc := range Prove(d, n, c, Options{}).Scenarios {
			for _, lost := range sc.Lost {
				if !names[lost] {
					t.Errorf("%s, %s: %q is lost and nobody needs it", name, sc.ID, lost)
				}
			}
		}
		if len(names) == 0 {
			t.Errorf("%s: nobody needs anything", name)
		}
		// The parts need what the whole needs, and every element is in one of them.
		var whole, parts []string
		for _, f := range Flows(d, n, c) {
			whole = append(whole, f.Name+f.From+f.To+f.Need)
		}
		elements := map[string]bool{}
		for _, p := range Pieces(d, n, c) {
			for _, f := range Flows(p.Design, p.Network, c) {
				parts = append(parts, f.Name+f.From+f.To+f.Need)
			}
			for _, e := range p.Network.Elements() {
				elements[e.ID] = true
			}
		}
		slices.Sort(whole)
		slices.Sort(parts)
		if !slices.Equal(whole, parts) {
			t.Errorf("%s: the parts need\n%q\nthe whole\n%q", name, parts, whole)
		}
		if i := slices.IndexFunc(n.Elements(), func(e network.Element) bool { return !elements[e.ID] }); i >= 0 {
			t.Errorf("%s: %s is in no part", name, n.Elements()[i].ID)
		}
	}
}
