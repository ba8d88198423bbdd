package azure_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/network/armnetwork/v9"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"onramp/azure"
	"onramp/catalog"
	"onramp/design"
	"onramp/examples"
	"onramp/intent"
	"onramp/pattern"
)

// sdkTypes are Microsoft's own structs of the resource types that are modelled here.
func sdkTypes() map[string]func() any {
	return map[string]func() any{
		"Microsoft.Network/virtualNetworks":                       func() any { return &armnetwork.VirtualNetwork{} },
		"Microsoft.Network/expressRouteCircuits":                  func() any { return &armnetwork.ExpressRouteCircuit{} },
		"Microsoft.Network/expressRoutePorts":                     func() any { return &armnetwork.ExpressRoutePort{} },
		"Microsoft.Network/virtualNetworkGateways":                func() any { return &armnetwork.VirtualNetworkGateway{} },
		"Microsoft.Network/connections":                           func() any { return &armnetwork.VirtualNetworkGatewayConnection{} },
		"Microsoft.Network/routeTables":                           func() any { return &armnetwork.RouteTable{} },
		"Microsoft.Network/routeFilters":                          func() any { return &armnetwork.RouteFilter{} },
		"Microsoft.Network/publicIPAddresses":                     func() any { return &armnetwork.PublicIPAddress{} },
		"Microsoft.Network/networkSecurityGroups":                 func() any { return &armnetwork.SecurityGroup{} },
		"Microsoft.Network/azureFirewalls":                        func() any { return &armnetwork.AzureFirewall{} },
		"Microsoft.Network/firewallPolicies":                      func() any { return &armnetwork.FirewallPolicy{} },
		"Microsoft.Network/firewallPolicies/ruleCollectionGroups": func() any { return &armnetwork.FirewallPolicyRuleCollectionGroup{} },
		"Microsoft.Network/virtualHubs":                           func() any { return &armnetwork.VirtualHub{} },
	}
}

// fill puts random values into a struct of the SDK, a few levels deep.
func fill(t *rapid.T, v reflect.Value, depth int) {
	switch v.Kind() {
	case reflect.Pointer:
		if depth == 0 && v.Type().Elem().Kind() == reflect.Struct || !rapid.Bool().Draw(t, "set") {
			return
		}
		v.Set(reflect.New(v.Type().Elem()))
		fill(t, v.Elem(), depth)
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)))
			return
		}
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fill(t, v.Field(i), depth-1)
			}
		}
	case reflect.Slice:
		if depth == 0 || !rapid.Bool().Draw(t, "list") || v.Type().Elem().Kind() == reflect.Interface {
			return
		}
		n := rapid.IntRange(1, 2).Draw(t, "length")
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			e := v.Index(i)
			if e.Kind() == reflect.Pointer {
				e.Set(reflect.New(e.Type().Elem()))
				e = e.Elem()
			}
			fill(t, e, depth-1)
		}
	case reflect.Map:
		if v.Type().Key().Kind() == reflect.String && v.Type().Elem() == reflect.TypeFor[*string]() {
			s := rapid.StringMatching(`[a-z ]{0,6}`).Draw(t, "tag")
			v.Set(reflect.ValueOf(map[string]*string{"tag": &s}))
		}
	case reflect.String:
		v.SetString(rapid.StringMatching(`[A-Za-z0-9 _./:<>&"-]{1,8}`).Draw(t, "text"))
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, "flag"))
	case reflect.Int32, reflect.Int64:
		v.SetInt(int64(rapid.IntRange(0, 70000).Draw(t, "number")))
	case reflect.Float32, reflect.Float64:
		v.SetFloat(float64(rapid.IntRange(0, 400).Draw(t, "gbps")))
	}
}

func TestWhatTheSDKSendsComesBackAsItWas(t *testing.T) {
	for typ, empty := range sdkTypes() {
		t.Run(typ, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				sent := empty()
				fill(t, reflect.ValueOf(sent).Elem(), 6)
				// Every resource that an endpoint knows has its id, name and type.
				v := reflect.ValueOf(sent).Elem()
				for name, text := range map[string]string{"ID": "/subscriptions/s/resourceGroups/g/providers/" + typ + "/n", "Name": "n", "Type": typ} {
					if f := v.FieldByName(name); f.IsValid() {
						f.Set(reflect.ValueOf(&text))
					}
				}
				wire, err := json.Marshal(sent)
				if err != nil {
					t.Fatal(err)
				}
				r, err := azure.Unmarshal(wire)
				if err != nil {
					t.Fatalf("%v\n%s", err, wire)
				}
				if _, unknown := r.(*azure.Unknown); unknown {
					t.Fatalf("%s is not modelled", typ)
				}
				back, err := azure.Marshal(r)
				if err != nil {
					t.Fatal(err)
				}
				var was, is any
				if err := json.Unmarshal(wire, &was); err != nil {
					t.Fatal(err)
				}
				if err := json.Unmarshal(back, &is); err != nil {
					t.Fatal(err)
				}
				if lost := missing("", was, is); lost != "" {
					t.Fatalf("%s\nsent %s\ngot  %s", lost, wire, back)
				}
				again := empty()
				if err := json.Unmarshal(back, again); err != nil {
					t.Fatalf("the SDK cannot read it back: %v\n%s", err, back)
				}
			})
		})
	}
}

// missing names the first value of was that is not in is.
func missing(at string, was, is any) string {
	switch w := was.(type) {
	case map[string]any:
		m, ok := is.(map[string]any)
		if !ok {
			return at + " is not an object any more"
		}
		for k, v := range w {
			x, ok := m[k]
			if !ok {
				if zero(v) {
					continue // zero values of properties that are left out when empty
				}
				return at + "." + k + " is gone"
			}
			if s := missing(at+"."+k, v, x); s != "" {
				return s
			}
		}
	case []any:
		l, ok := is.([]any)
		if !ok || len(l) != len(w) {
			return at + " has another length"
		}
		for i := range w {
			if s := missing(at, w[i], l[i]); s != "" {
				return s
			}
		}
	default:
		if !reflect.DeepEqual(was, is) {
			return at + " has another value"
		}
	}
	return ""
}

// zero tells whether a JSON value is the zero of its kind.
func zero(v any) bool {
	switch x := v.(type) {
	case nil:
		return true
	case string:
		return x == ""
	case bool:
		return !x
	case float64:
		return x == 0
	case []any:
		return len(x) == 0
	}
	return false
}

// designs are those of all examples and patterns: resources as they are deployed.
func designs(t *testing.T) []*design.Design {
	t.Helper()
	c, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	var out []*design.Design
	for _, name := range examples.Names() {
		src, err := examples.Read(name)
		if err != nil {
			t.Fatal(err)
		}
		e, findings := intent.Parse(name, src, c)
		if e == nil {
			t.Fatal(findings)
		}
		for _, p := range design.Patterns() {
			if d, _ := pattern.Compile(p, e, c, pattern.Options{}); d != nil {
				out = append(out, d)
			}
		}
	}
	return out
}

func TestWhatADesignHoldsGoesThroughTheSDKUnchanged(t *testing.T) {
	types := map[string]func() any{}
	for typ, f := range sdkTypes() {
		types[strings.ToLower(typ)] = f
	}
	seen := map[string]int{}
	for _, d := range designs(t) {
		for _, r := range d.Resources {
			empty, ok := types[strings.ToLower(r.Head().Type)]
			if !ok {
				continue // not of Microsoft.Network: resource groups and roles
			}
			seen[r.Head().Type]++
			ours, err := azure.Marshal(r)
			if err != nil {
				t.Fatal(err)
			}
			sdk := empty()
			if err := json.Unmarshal(ours, sdk); err != nil {
				t.Fatalf("%s: the SDK cannot read it: %v", r.Head().ID, err)
			}
			wire, err := json.Marshal(sdk)
			if err != nil {
				t.Fatal(err)
			}
			again, err := azure.Unmarshal(wire)
			if err != nil {
				t.Fatal(err)
			}
			back, err := azure.Marshal(again)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(normal(t, ours), normal(t, back)); diff != "" {
				t.Errorf("%s changes on its way (-ours +after the SDK):\n%s", r.Head().ID, diff)
			}
		}
	}
	for _, typ := range []string{"Microsoft.Network/virtualNetworks", "Microsoft.Network/expressRouteCircuits", "Microsoft.Network/virtualNetworkGateways", "Microsoft.Network/connections", "Microsoft.Network/routeTables", "Microsoft.Network/azureFirewalls", "Microsoft.Network/firewallPolicies/ruleCollectionGroups"} {
		if seen[typ] == 0 {
			t.Errorf("no design holds a %s", typ)
		}
	}
}

// normal is JSON as values, without what only newer versions of the interface have than the SDK's.
func normal(t *testing.T, b []byte) any {
	t.Helper()
	var v any
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}
