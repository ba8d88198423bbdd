package deploy

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"onramp/arm"
	"onramp/azure"
	"onramp/catalog"
	"onramp/design"
	"onramp/examples"
)

// dry runs a graph without an endpoint, in an order that is drawn, and calls do for each node when all is ended that it waits for.
func dry(t *rapid.T, nodes []*node, do func(*node)) {
	left := slices.Clone(nodes)
	for len(left) > 0 {
		ready := slices.DeleteFunc(slices.Clone(left), func(n *node) bool { return n.waits > 0 })
		if len(ready) == 0 {
			t.Fatalf("%d wait for each other, %s among them", len(left), left[0].ID)
		}
		n := ready[rapid.IntRange(0, len(ready)-1).Draw(t, "next")]
		do(n)
		for _, a := range n.after {
			a.waits--
		}
		left = slices.DeleteFunc(left, func(x *node) bool { return x == n })
	}
}

func TestWhateverIsThereThePlanMakesTheRestAndNothingBeforeWhatItNeeds(t *testing.T) {
	c, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	var targets []*Target
	for _, name := range examples.Names() {
		if name == "relecloud-forty" { // the kind of northwind, and slow to draw from
			continue
		}
		d := designOf(t, c, name)
		n := Names{Principals: map[string]string{}}
		for _, p := range Principals(d) {
			n.Principals[strings.ToLower(p)] = arm.PrincipalID(p)
		}
		target, err := Prepare(d, n)
		if err != nil {
			t.Fatal(err)
		}
		targets = append(targets, target)
	}
	rapid.Check(t, func(t *rapid.T) {
		target := rapid.SampledFrom(targets).Draw(t, "target")
		h := newThere(target, remember(nil))
		share := rapid.IntRange(0, 10).Draw(t, "share")
		for _, x := range target.items {
			if rapid.IntRange(0, 9).Draw(t, "there") < share && (x.parent == "" || h.items[x.parent] != nil) {
				y := *x
				y.body = copied(x.body)
				y.body["tags"] = object{design.TagDesign: target.Name}
				if own, ok := x.body["tags"].(object); ok {
					for k, v := range own {
						y.body["tags"].(object)[k] = v
					}
				}
				if !x.taggable() {
					delete(y.body, "tags")
				}
				h.items[x.key] = &y
			}
		}
		p, err := MakePlan(target, h, nil, PlanOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if p.Steps() != len(target.items)-len(h.items) || p.Count(Create) != p.Steps() {
			t.Fatalf("%d steps for %d of which %d are there: %v", p.Steps(), len(target.items), len(h.items), kinds(p))
		}
		again, err := MakePlan(target, h, nil, PlanOptions{})
		if a, _ := json.Marshal(p); err == nil {
			if b, _ := json.Marshal(again); string(a) != string(b) {
				t.Fatal("the same gives two plans")
			}
		}
		made := map[string]bool{}
		for k := range h.items {
			made[k] = true
		}
		dry(t, graph(target, h, p.steps), func(n *node) {
			x := n.item
			if n.gate {
				if !made[x.key] {
					t.Fatalf("%s waits for its provider before it is there", x.id)
				}
				made["provider of "+x.key] = true
				return
			}
			for _, k := range x.refs() {
				if target.byKey[k] != nil && !made[k] {
					t.Fatalf("%s before %s", x.id, k)
				}
			}
			if c := target.byKey[x.top()]; c != nil && x.parent != "" && provided(c) && !made["provider of "+c.key] {
				t.Fatalf("%s before its provider", x.id)
			}
			if b := x.borrows(); b != "" {
				for _, y := range target.items {
					back := y.is("virtualNetworks/virtualNetworkPeerings") && y.parent == b && azure.ID(text(y.body, "properties", "remoteVirtualNetwork", "id")).Key() == x.parent
					lends := y.is("virtualNetworkGateways") && slices.ContainsFunc(y.refs(), func(r string) bool { return strings.HasPrefix(r, b+"/") })
					if (back || lends) && !made[y.key] {
						t.Fatalf("%s before %s", x.id, y.id)
					}
				}
			}
			made[x.key] = true
		})
		for _, x := range target.items {
			if !made[x.key] {
				t.Fatalf("%s is never made", x.id)
			}
		}

		// All of it taken away: nothing before what refers to it.
		for _, x := range target.items {
			if h.items[x.key] == nil {
				h.items[x.key] = x
			}
			h.past.made[x.key] = true
		}
		d := MakeDestroyPlan(target, h)
		here := map[string]*item{}
		for k, x := range h.items {
			here[k] = x
		}
		dry(t, graph(target, h, d.steps), func(n *node) {
			for k := range here {
				if strings.HasPrefix(k, n.item.key+"/") && here[k].parent == "" {
					t.Fatalf("%s goes before %s", n.ID, k)
				}
				if strings.HasPrefix(k, n.item.key+"/") {
					delete(here, k)
				}
			}
			delete(here, n.item.key)
			for _, x := range here {
				if slices.Contains(x.refs(), n.item.key) && !x.is("virtualNetworks/virtualNetworkPeerings") {
					t.Fatalf("%s goes before %s", n.ID, x.id)
				}
			}
		})
		if len(here) > 0 {
			t.Fatalf("%d stay", len(here))
		}
	})
}
