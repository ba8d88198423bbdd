package azure_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"onramp/azure"
)

// sprinkle puts properties that no type knows into every object of a JSON value. Maps of names to texts (tags) and the values of
// unknown properties themselves are left alone.
func sprinkle(t *rapid.T, v any, at string) any {
	switch x := v.(type) {
	case map[string]any:
		if strings.HasSuffix(at, ".tags") {
			return x
		}
		for _, k := range sorted(x) {
			x[k] = sprinkle(t, x[k], at+"."+k)
		}
		if rapid.Bool().Draw(t, "here") {
			x["x-"+rapid.StringMatching(`[a-z]{1,5}`).Draw(t, "key")] = rapid.SampledFrom([]any{"text", 12.5, true, nil, []any{"a", 1.0}, map[string]any{"deep": map[string]any{"deeper": "<&>"}}}).Draw(t, "value")
		}
		return x
	case []any:
		for i := range x {
			x[i] = sprinkle(t, x[i], at)
		}
	}
	return v
}

func sorted(m map[string]any) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func TestUnknownPropertiesSurviveAtEveryDepth(t *testing.T) {
	all := designs(t)
	rapid.Check(t, func(t *rapid.T) {
		d := rapid.SampledFrom(all).Draw(t, "design")
		r := rapid.SampledFrom(d.Resources).Draw(t, "resource")
		plain, err := azure.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		var v any
		if err := json.Unmarshal(plain, &v); err != nil {
			t.Fatal(err)
		}
		v = sprinkle(t, v, "")
		src, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		back, err := azure.Unmarshal(src)
		if err != nil {
			t.Fatalf("%v\n%s", err, src)
		}
		out, err := azure.Marshal(back)
		if err != nil {
			t.Fatal(err)
		}
		var got any
		if err := json.Unmarshal(out, &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(v, got); diff != "" {
			t.Fatalf("something changed (-in +out):\n%s", diff)
		}
	})
}

func TestAResourceOfAnUnknownTypeIsKeptWhole(t *testing.T) {
	src := `{"id":"/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/sites/n","name":"n","type":"Microsoft.Web/sites","location":"westeurope","kind":"app","properties":{"a":[1,{"b":null}]}}`
	r, err := azure.Unmarshal([]byte(src))
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := r.(*azure.Unknown); !ok {
		t.Fatalf("it became a %T", r)
	}
	out, err := azure.Marshal(r)
	if err != nil || string(out) != src {
		t.Errorf("got %s, %v; want %s", out, err, src)
	}
}

func TestAResourceThatCannotBeReadIsNamed(t *testing.T) {
	for _, c := range []struct{ name, src, want string }{
		{"no JSON", `{`, "resource: "},
		{"no type", `{"id":"/subscriptions/s"}`, "resource /subscriptions/s: it has no type"},
		{"a value of another kind", `{"id":"/subscriptions/s/x","type":"Microsoft.Network/routeTables","properties":{"routes":7}}`, "resource /subscriptions/s/x (Microsoft.Network/routeTables): "},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := azure.Unmarshal([]byte(c.src)); err == nil || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("got %v; want it to begin with %q", err, c.want)
			}
		})
	}
	var rs azure.Resources
	if err := json.Unmarshal([]byte(`[{"type":"Microsoft.Network/routeTables"},{"id":"/x"}]`), &rs); err == nil || !strings.Contains(err.Error(), "resources[1]") {
		t.Errorf("the list does not say which: %v", err)
	}
}

func TestIDsCompareWithoutCaseAndPrintAsWritten(t *testing.T) {
	a := azure.NewID("Sub", "RG", "Microsoft.Network/virtualNetworks/subnets", "Hub", "GatewaySubnet")
	b := azure.ID(strings.ToUpper(string(a)))
	if want := "/subscriptions/Sub/resourceGroups/RG/providers/Microsoft.Network/virtualNetworks/Hub/subnets/GatewaySubnet"; a.String() != want {
		t.Errorf("it prints %s", a)
	}
	if !a.Equal(b) || a.Key() != b.Key() || a.Name() != "GatewaySubnet" || a.Parent().Name() != "Hub" {
		t.Errorf("%s and %s: name %s, parent %s", a, b, a.Name(), a.Parent())
	}
	p, err := azure.ParseID(string(a))
	if err != nil || p.Subscription != "Sub" || p.ResourceGroup != "RG" || p.Provider != "Microsoft.Network" || !slices.Equal(p.Types, []string{"virtualNetworks", "subnets"}) || !slices.Equal(p.Names, []string{"Hub", "GatewaySubnet"}) {
		t.Errorf("%+v, %v", p, err)
	}
	rs := azure.Resources{&azure.RouteTable{Header: azure.Header{ID: a}}}
	if rs.Get(b) == nil || rs.Get("/subscriptions/other") != nil {
		t.Error("Get compares with case")
	}
}

func TestAnIDThatIsNoneSaysWhatIsWrong(t *testing.T) {
	for src, want := range map[string]string{
		"":                                "it does not begin with /",
		"vnet":                            "it does not begin with /",
		"/resourceGroups":                 "it does not begin with /subscriptions/",
		"/subscriptions//":                "a part is empty",
		"/subscriptions/s/resourceGroups": "the resource group has no name",
	} {
		if _, err := azure.ParseID(src); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v; want %q in it", src, err, want)
		}
	}
}

func FuzzParseID(f *testing.F) {
	f.Add("/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v/subnets/n")
	f.Add("/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v/providers/Microsoft.Authorization/roleAssignments/a")
	f.Add("/subscriptions/s")
	f.Fuzz(func(t *testing.T, s string) {
		p, err := azure.ParseID(s)
		if err != nil {
			return
		}
		if len(p.Types) != len(p.Names) {
			t.Fatalf("%q: types %v, names %v", s, p.Types, p.Names)
		}
		if p.Subscription != "" && p.Provider != "" && p.Scope == "" {
			again := azure.NewID(p.Subscription, p.ResourceGroup, p.Provider+"/"+strings.Join(p.Types, "/"), p.Names...)
			if !again.Equal(azure.ID(s)) {
				t.Fatalf("%q was put together as %q", s, again)
			}
		}
	})
}

func FuzzUnmarshal(f *testing.F) {
	c := open(f)
	for _, r := range sound().resources() {
		b, err := azure.Marshal(r)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		r, err := azure.Unmarshal(src)
		if err != nil {
			return
		}
		first, err := azure.Marshal(r)
		if err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		again, err := azure.Unmarshal(first)
		if err != nil {
			t.Fatalf("what was written cannot be read: %v\n%s", err, first)
		}
		second, err := azure.Marshal(again)
		if err != nil || !bytes.Equal(first, second) {
			t.Fatalf("the second time it is different (%v):\n%s\n%s", err, first, second)
		}
		azure.Validate(azure.Resources{r, again}, c)
	})
}
