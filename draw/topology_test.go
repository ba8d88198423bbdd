package draw

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"

	"onramp/azure"
	"onramp/catalog"
	"onramp/design"
	"onramp/intent/intenttest"
	"onramp/pattern"
)

func TestEveryDesignIsDrawnWholeAndTheSameEachTime(t *testing.T) {
	c, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	drawer := intenttest.NewDrawer(c)
	rapid.Check(t, func(t *rapid.T) {
		e := drawer.Estate(t)
		d, _ := pattern.Compile(rapid.SampledFrom(design.Patterns()).Draw(t, "pattern"), e, c, pattern.Options{})
		if d == nil {
			return
		}
		x := Topology(d)
		kinds, ids := map[NodeKind]int{}, map[string]bool{}
		for _, n := range x.Nodes {
			if ids[n.ID] {
				t.Fatalf("%s is drawn twice", n.ID)
			}
			ids[n.ID] = true
			kinds[n.Kind]++
		}
		for _, y := range x.Edges {
			if !ids[y.From] || !ids[y.To] {
				t.Fatalf("a line from %s to %s ends nowhere", y.From, y.To)
			}
		}
		for kind, want := range map[NodeKind]int{
			Site: len(d.Premises.Sites), Circuit: len(azure.Of[*azure.ExpressRouteCircuit](d.Resources)), Gateway: len(azure.Of[*azure.VirtualNetworkGateway](d.Resources)),
			Firewall: len(azure.Of[*azure.AzureFirewall](d.Resources)), PE: len(d.Premises.ProviderEdges),
		} {
			if kinds[kind] != want {
				t.Fatalf("%d of kind %v are drawn, the design has %d", kinds[kind], kind, want)
			}
		}
		if n := len(azure.Of[*azure.VirtualNetwork](d.Resources)); kinds[VNet]+kinds[Hub] != n {
			t.Fatalf("%d networks are drawn of %d", kinds[VNet]+kinds[Hub], n)
		}
		var a, b bytes.Buffer
		if err := SVG(&a, x); err != nil {
			t.Fatal(err)
		}
		if err := SVG(&b, Topology(d)); err != nil || !bytes.Equal(a.Bytes(), b.Bytes()) {
			t.Fatalf("the second picture differs (%v)", err)
		}
	})
}
