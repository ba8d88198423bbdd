package prove

import (
	"slices"
	"testing"

	"onramp/catalog"
	"onramp/design"
)

func TestTheIsolatedPairsAreThoseThatIsolationCounts(t *testing.T) {
	c, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	for name, kind := range map[string]design.Pattern{"northwind": design.SharedHubSpoke, "contoso-shared": design.Shared, "relecloud-forty": design.SharedHubSpoke} {
		d, n := designed(t, c, name, kind)
		list := Isolated(d, n, c)
		if len(list) == 0 {
			t.Errorf("%s: there are none", name)
		}
		want := map[string]int{}
		for _, sc := range n.Scenarios() {
			st := n.Converge(sc)
			for i := range list {
				a := &list[i]
				if a.From == a.To || a.Source == "" || a.Destination == "" || len(a.Asks) == 0 {
					t.Fatalf("%s: %+v", name, a)
				}
				for _, lob := range a.Asks {
					if st.Up(a.A) && st.Up(a.B) {
						want[lob]++
					}
				}
			}
		}
		for _, p := range Prove(d, n, c, Options{}).Properties {
			if p.Name == Isolation && p.Checked != want[p.LineOfBusiness] {
				t.Errorf("%s: isolation of %s looks at %d, the pairs come to %d", name, p.LineOfBusiness, p.Checked, want[p.LineOfBusiness])
			}
		}
		// The pairs are there in both directions.
		for _, a := range list {
			if !slices.ContainsFunc(list, func(b Apart) bool { return b.Source == a.Destination && b.Destination == a.Source }) {
				t.Errorf("%s: nothing comes back from %s to %s", name, a.Destination, a.Source)
			}
		}
	}
}

func TestADesignWithoutAnIntentIsolatesNobody(t *testing.T) {
	c, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	d, n := designed(t, c, "northwind", design.SharedHubSpoke)
	d.Intent = nil
	if list := Isolated(d, n, c); len(list) > 0 {
		t.Errorf("%+v", list)
	}
}
