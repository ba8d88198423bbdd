package check_test

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"onramp/azure"
	"onramp/check"
	"onramp/design"
	"onramp/examples"
)

// mangle drops, doubles, blanks and exchanges values of a JSON document, a few of them.
func mangle(t *rapid.T, doc any) any {
	type spot struct {
		list []any
		i    int
		m    map[string]any
		key  string
	}
	for range rapid.IntRange(1, 8).Draw(t, "changes") {
		// Walk down from the root; how deep is drawn, so that whole resources go as well as single values.
		at, here := doc, spot{}
		if root, ok := doc.(map[string]any); ok {
			if in := rapid.SampledFrom([]string{"", "resources", "resources", "premises"}).Draw(t, "in"); root[in] != nil {
				at, here = root[in], spot{m: root, key: in}
			}
		}
		for range rapid.IntRange(1, 14).Draw(t, "depth") {
			switch x := at.(type) {
			case map[string]any:
				if len(x) == 0 {
					continue
				}
				k := rapid.SampledFrom(slices.Sorted(maps.Keys(x))).Draw(t, "key")
				here, at = spot{m: x, key: k}, x[k]
			case []any:
				if len(x) == 0 {
					continue
				}
				i := rapid.IntRange(0, len(x)-1).Draw(t, "index")
				here, at = spot{list: x, i: i}, x[i]
			}
		}
		set := func(v any) {
			if here.m != nil {
				here.m[here.key] = v
			} else if here.list != nil {
				here.list[here.i] = v
			}
		}
		switch rapid.IntRange(0, 5).Draw(t, "change") {
		case 0:
			if here.m != nil {
				delete(here.m, here.key)
			} else {
				set(nil)
			}
		case 1:
			set(nil)
		case 2: // the same kind of value, empty
			switch at.(type) {
			case string:
				set("")
			case float64:
				set(float64(0))
			case []any:
				set([]any{})
			case map[string]any:
				set(map[string]any{})
			}
		case 3: // an extreme
			switch x := at.(type) {
			case string:
				set(rapid.SampledFrom([]string{strings.ToUpper(x), x + "/", "/", "0.0.0.0/0", "::/0", "300.1.2.3/40"}).Draw(t, "text"))
			case float64:
				set(rapid.SampledFrom([]float64{-1, 1, 65535, 1e9}).Draw(t, "number"))
			case bool:
				set(!x)
			}
		case 4: // once more
			if x, ok := at.([]any); ok && len(x) > 0 {
				set(append(append([]any{}, x...), x[rapid.IntRange(0, len(x)-1).Draw(t, "twice")]))
			}
		case 5: // exchanged with a neighbour
			if here.list != nil {
				j := rapid.IntRange(0, len(here.list)-1).Draw(t, "with")
				here.list[here.i], here.list[j] = here.list[j], here.list[here.i]
			}
		}
	}
	return doc
}

// encoded are the designs that mangling starts from: those of small examples, one with everything that only some rules look at.
func encoded(t *testing.T) [][]byte {
	c := open(t)
	b := bases{c, t}
	list := []*design.Design{b.encrypted(), b.guarded(), b.office(), b.reach(), b.vpn(), b.far()}
	for _, name := range examples.Names() {
		if name != "relecloud-forty" {
			list = append(list, made(t, c, name, design.SharedHubSpoke))
		}
	}
	d := b.contoso()
	circuit := string(circuits(d)[0].ID)
	other(d, "Microsoft.Network/expressRouteGateways", "hub", `{"expressRouteConnections":[{"properties":{"expressRouteCircuitPeering":{"id":"`+circuit+`/peerings/AzurePrivatePeering"}}}]}`)
	other(d, "Microsoft.Network/customIPPrefixes", "own", `{"cidr":"203.0.113.0/28","commissionedState":"Commissioned"}`)
	other(d, "Microsoft.Network/privateEndpoints", "pe", `{"privateLinkServiceConnections":[{"properties":{"privateLinkServiceId":"`+circuit+`"}}]}`)
	d.Resources = append(d.Resources, &azure.ExpressRoutePort{Header: azure.Header{ID: "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/expressRoutePorts/p", Name: "p", Type: "Microsoft.Network/expressRoutePorts"}})
	list = append(list, d)
	var out [][]byte
	for _, d := range list {
		b, err := d.Encode()
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, b)
	}
	return out
}

// Whoever imports or edits a design may leave out, repeat or garble anything that can still be read: it is checked without a
// panic, the same text gives the same findings, and each says where, what and how to mend it.
func TestAMangledDesignIsCheckedTheSameTwice(t *testing.T) {
	c := open(t)
	all := encoded(t)
	rapid.Check(t, func(rt *rapid.T) {
		var doc any
		if err := json.Unmarshal(rapid.SampledFrom(all).Draw(rt, "design"), &doc); err != nil {
			rt.Fatal(err)
		}
		text, err := json.Marshal(mangle(rt, doc))
		if err != nil {
			rt.Fatal(err)
		}
		d, err := design.Decode(text)
		if err != nil {
			rt.Skip("it cannot be read")
		}
		again, _ := design.Decode(text)
		first, second := check.Check(d, c), check.Check(again, c)
		if !reflect.DeepEqual(first, second) {
			rt.Fatalf("two answers:\n%v\n%v", first, second)
		}
		if a, b := check.Prerequisites(d, c), check.Prerequisites(again, c); !reflect.DeepEqual(a, b) {
			rt.Fatalf("two lists of prerequisites:\n%v\n%v", a, b)
		}
		if after, err := d.Encode(); err != nil || string(after) != mustEncode(rt, again) {
			rt.Fatalf("checking changed the design (%v)", err)
		}
	})
}

func mustEncode(t *rapid.T, d *design.Design) string {
	b, err := d.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
