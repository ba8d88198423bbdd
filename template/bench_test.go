package template

import (
	"encoding/json"
	"fmt"
	"testing"
)

// estate is a template of n networks and connections as a copy makes them, with what such templates usually have.
func estate(n int) string {
	return head + fmt.Sprintf(`,
		"parameters": {"prefix": {"type": "string", "defaultValue": "lob"}, "location": {"type": "string", "defaultValue": "[resourceGroup().location]"}},
		"variables": {"circuit": "[resourceId('Microsoft.Network/expressRouteCircuits', 'er')]", "zones": ["1", "2", "3"]},
		"resources": [
		{"type": "Microsoft.Network/expressRouteCircuits", "apiVersion": "2024-05-01", "name": "er", "location": "[parameters('location')]"},
		{"type": "Microsoft.Network/virtualNetworks", "apiVersion": "2024-05-01", "name": "[format('{0}-vnet-{1}', parameters('prefix'), padLeft(copyIndex(), 4, '0'))]",
			"copy": {"name": "vnets", "count": %d}, "location": "[parameters('location')]", "tags": {"id": "[uniqueString(resourceGroup().id, string(copyIndex()))]"},
			"properties": {"addressSpace": {"addressPrefixes": ["[cidrSubnet('10.0.0.0/8', 24, copyIndex())]"]},
				"copy": [{"name": "subnets", "count": 3, "input": {"name": "[concat('s', copyIndex('subnets'))]", "properties": {"addressPrefix": "[cidrSubnet(cidrSubnet('10.0.0.0/8', 24, copyIndex('vnets')), 26, copyIndex('subnets'))]"}}}]}},
		{"type": "Microsoft.Network/connections", "apiVersion": "2024-05-01", "name": "[format('{0}-conn-{1}', parameters('prefix'), padLeft(copyIndex(), 4, '0'))]",
			"copy": {"name": "connections", "count": %d}, "location": "[parameters('location')]",
			"dependsOn": ["[resourceId('Microsoft.Network/virtualNetworks', format('{0}-vnet-{1}', parameters('prefix'), padLeft(copyIndex(), 4, '0')))]"],
			"properties": {"peer": {"id": "[variables('circuit')]"}, "key": "[reference('er').serviceKey]", "zone": "[variables('zones')[mod(copyIndex(), 3)]]", "routingWeight": "[if(greater(copyIndex(), 10), 10, 0)]"}}
		]}`, n/2, n-1-n/2)
}

// BenchmarkExpand is a whole expansion: parse, instantiate, order and all bodies, of templates of 500 to 4,000 resources.
func BenchmarkExpand(b *testing.B) {
	for _, n := range []int{500, 1000, 2000, 4000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			text := []byte(estate(n))
			b.ReportAllocs()
			for b.Loop() {
				expand(b, text, n)
			}
		})
	}
}

func expand(b testing.TB, text []byte, n int) {
	tpl, err := Parse("main.json", text)
	if err != nil {
		b.Fatal(err)
	}
	i, err := tpl.Instantiate(group(), nil, Limits{Resources: n, Copies: n})
	if err != nil {
		b.Fatal(err)
	}
	steps, err := i.Order()
	if err != nil {
		b.Fatal(err)
	}
	count := 0
	for _, s := range steps {
		for _, r := range s {
			if _, err := r.Body(circuit{}); err != nil {
				b.Fatal(err)
			}
			count++
		}
	}
	if count != n {
		b.Fatalf("%d resources, not %d", count, n)
	}
}

// circuit answers with a circuit.
type circuit struct{ anything }

func (circuit) Reference(string, string, bool) (json.RawMessage, error) {
	return json.RawMessage(`{"serviceKey": "k"}`), nil
}

// BenchmarkWritten is the same for a template in which every resource is written out.
func BenchmarkWritten(b *testing.B) {
	for _, n := range []int{500, 1000, 2000, 4000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			tpl := mustParse(b, estate(n))
			i, err := tpl.Instantiate(group(), nil, Limits{Resources: n, Copies: n})
			if err != nil {
				b.Fatal(err)
			}
			var list []json.RawMessage
			for _, r := range i.Resources {
				body, err := r.Body(circuit{})
				if err != nil {
					b.Fatal(err)
				}
				var o map[string]any
				if err := json.Unmarshal(body, &o); err != nil {
					b.Fatal(err)
				}
				o["apiVersion"], o["dependsOn"] = r.APIVersion, append([]string{}, r.DependsOn...)
				out, _ := json.Marshal(o)
				list = append(list, out)
			}
			all, _ := json.Marshal(list)
			text := []byte(head + `, "resources": ` + string(all) + `}`)
			b.ReportAllocs()
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				expand(b, text, n)
			}
		})
	}
}

func TestATemplateOfTwoThousandResourcesExpands(t *testing.T) {
	expand(t, []byte(estate(2000)), 2000)
}
