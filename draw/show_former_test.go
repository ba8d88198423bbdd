package draw

import (
	"testing"

	"onramp/catalog"
	"onramp/design"
	"onramp/examples"
	"onramp/intent"
	"onramp/network"
	"onramp/pattern"
)

func TestTheWayBeforeAndTheWayAfterAreToldApart(t *testing.T) {
	c, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	src, err := examples.Read("northwind")
	if err != nil {
		t.Fatal(err)
	}
	e, findings := intent.Parse("northwind", src, c)
	if e == nil {
		t.Fatal(findings)
	}
	d, _ := pattern.Compile(design.SharedHubSpoke, e, c, pattern.Options{})
	var site, other network.Hop
	for _, r := range d.Premises.Sites {
		h := network.Hop{Node: r.Name + "-core", Kind: "core"}
		if site.Node == "" {
			site = h
		} else {
			other = h
		}
	}
	router := func(i int) network.Hop {
		return network.Hop{Node: d.Premises.Sites[0].Routers[i].Name, Kind: "ce"}
	}
	x := Show(d, Situation{Before: [][]network.Hop{{site, router(0)}, {site, other}}, After: [][]network.Hop{{site, router(1)}}})
	want := map[string]Mark{"site:" + d.Premises.Sites[0].Name: Path, "ce:" + router(0).Node: Former, "ce:" + router(1).Node: Path, "site:" + d.Premises.Sites[1].Name: Former}
	for _, n := range x.Nodes {
		if n.Mark != want[n.ID] {
			t.Errorf("%s is marked %q, want %q", n.ID, n.Mark, want[n.ID])
		}
		delete(want, n.ID)
	}
	if len(want) > 0 {
		t.Errorf("not drawn: %v", want)
	}
	marked := map[Mark]int{}
	for _, e := range x.Edges {
		marked[e.Mark]++
	}
	if marked[Path] != 1 || marked[Former] != 2 {
		t.Errorf("%d lines of the way and %d of the one before", marked[Path], marked[Former])
	}
}
