package deploy

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"onramp/twin"
)

const aTemplate = `{
  "$schema": "https://schema.management.azure.com/schemas/2018-05-01/subscriptionDeploymentTemplate.json#",
  "languageVersion": "2.0",
  "contentVersion": "1.0.0.0",
  "parameters": {"place": {"type": "string", "defaultValue": "[deployment().location]"}, "mbps": {"type": "int", "defaultValue": 50}},
  "resources": {
    "group": {"type": "Microsoft.Resources/resourceGroups", "apiVersion": "2021-04-01", "name": "net", "location": "[parameters('place')]"},
    "inside": {"type": "Microsoft.Resources/deployments", "apiVersion": "2022-09-01", "name": "inside", "resourceGroup": "net", "dependsOn": ["group"],
      "properties": {"mode": "Incremental", "expressionEvaluationOptions": {"scope": "inner"}, "parameters": {"mbps": {"value": "[parameters('mbps')]"}},
        "template": {"$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#", "contentVersion": "1.0.0.0",
          "parameters": {"mbps": {"type": "int"}},
          "resources": [
            {"type": "Microsoft.Network/expressRouteCircuits", "apiVersion": "2025-05-01", "name": "er", "location": "[resourceGroup().location]",
              "sku": {"name": "Standard_MeteredData", "tier": "Standard", "family": "MeteredData"},
              "properties": {"serviceProviderProperties": {"serviceProviderName": "Equinix", "peeringLocation": "Amsterdam", "bandwidthInMbps": "[parameters('mbps')]"}}},
            {"type": "Microsoft.Network/expressRouteCircuits/peerings", "apiVersion": "2025-05-01", "name": "er/AzurePrivatePeering", "dependsOn": ["er"],
              "properties": {"peeringType": "AzurePrivatePeering", "peerASN": 65010, "vlanId": 100, "primaryPeerAddressPrefix": "172.16.0.0/30", "secondaryPeerAddressPrefix": "172.16.0.4/30"}},
            {"type": "Microsoft.Network/expressRouteCircuits/authorizations", "apiVersion": "2025-05-01", "name": "er/auth", "dependsOn": ["er"], "properties": {}},
            {"type": "Microsoft.Network/virtualNetworks", "apiVersion": "2025-05-01", "name": "hub", "location": "[resourceGroup().location]",
              "properties": {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}}},
            {"type": "Microsoft.Network/virtualNetworks/subnets", "apiVersion": "2025-05-01", "name": "hub/GatewaySubnet", "dependsOn": ["hub"], "properties": {"addressPrefix": "10.0.0.0/24"}},
            {"type": "Microsoft.Network/virtualNetworkGateways", "apiVersion": "2025-05-01", "name": "gw", "location": "[resourceGroup().location]",
              "dependsOn": ["[resourceId('Microsoft.Network/virtualNetworks/subnets', 'hub', 'GatewaySubnet')]"],
              "properties": {"gatewayType": "ExpressRoute", "vpnType": "RouteBased", "sku": {"name": "ErGw1AZ", "tier": "ErGw1AZ"},
                "ipConfigurations": [{"name": "default", "properties": {"privateIPAllocationMethod": "Dynamic", "subnet": {"id": "[resourceId('Microsoft.Network/virtualNetworks/subnets', 'hub', 'GatewaySubnet')]"}}}]}},
            {"type": "Microsoft.Network/connections", "apiVersion": "2025-05-01", "name": "cn", "location": "[resourceGroup().location]",
              "dependsOn": ["[resourceId('Microsoft.Network/expressRouteCircuits/peerings', 'er', 'AzurePrivatePeering')]", "gw", "[resourceId('Microsoft.Network/expressRouteCircuits/authorizations', 'er', 'auth')]"],
              "properties": {"connectionType": "ExpressRoute", "virtualNetworkGateway1": {"id": "[resourceId('Microsoft.Network/virtualNetworkGateways', 'gw')]"},
                "peer": {"id": "[resourceId('Microsoft.Network/expressRouteCircuits', 'er')]"},
                "authorizationKey": "[reference(resourceId('Microsoft.Network/expressRouteCircuits/authorizations', 'er', 'auth')).authorizationKey]"}}],
          "outputs": {"er": {"type": "string", "value": "[resourceId('Microsoft.Network/expressRouteCircuits', 'er')]"}}}}},
    "after": {"type": "Microsoft.Resources/deployments", "apiVersion": "2022-09-01", "name": "after", "resourceGroup": "net",
      "properties": {"mode": "Incremental", "expressionEvaluationOptions": {"scope": "inner"}, "parameters": {"of": {"value": "[last(split(reference('inside').outputs.er.value, '/'))]"}},
        "template": {"$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#", "contentVersion": "1.0.0.0",
          "parameters": {"of": {"type": "string"}},
          "resources": [{"type": "Microsoft.Network/routeTables", "apiVersion": "2025-05-01", "name": "[concat('rt-', parameters('of'))]", "location": "westeurope", "properties": {}}]}}}
  }
}`

func TestATemplateIsPlannedAppliedAndTakenAwayAsADesignIs(t *testing.T) {
	r := newRig(t, twin.Options{})
	sub := r.tw.Status().Subscriptions[0].ID
	if is, whole := IsTemplate([]byte(aTemplate)); !is || !whole {
		t.Fatal(is, whole)
	}
	o := TemplateOptions{Name: "estate", Subscription: sub, Location: "westeurope", Now: time.Unix(0, 0)}
	target, err := FromTemplate(t.Context(), r.endpoint(), "estate.json", []byte(aTemplate), o)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, x := range target.items {
		ids = append(ids, strings.TrimPrefix(x.key, "/subscriptions/"+sub+"/resourcegroups/"))
	}
	if len(ids) != 9 || !strings.HasSuffix(ids[8], "/rt-er") {
		t.Fatal(ids)
	}
	got, err := r.apply(target, quick())
	if err != nil || got.Written != 9 {
		t.Fatal(got, err)
	}
	if p := r.plan(target, PlanOptions{}); len(p.Changes) > 0 {
		t.Error(kinds(p))
	}
	o.Parameters = map[string]json.RawMessage{"mbps": json.RawMessage("100")}
	more, err := FromTemplate(t.Context(), r.endpoint(), "estate.json", []byte(aTemplate), o)
	if err != nil {
		t.Fatal(err)
	}
	p := r.plan(more, PlanOptions{})
	if want := "change expressRouteCircuits er none properties.serviceProviderProperties.bandwidthInMbps:50>100"; len(p.Changes) != 1 || kinds(p)[0] != want {
		t.Error(kinds(p))
	}
	if _, err := r.apply(more, quick()); err != nil {
		t.Fatal(err)
	}
	if got, err = r.destroy(more, quick()); err != nil || len(got.Kept) > 0 || r.tw.Server().Len() > 0 {
		t.Errorf("%+v %v, %d are left", got, err, r.tw.Server().Len())
	}
}
