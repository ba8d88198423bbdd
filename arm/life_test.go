package arm

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// A step of a script: a call, what it has to answer, and words that a refusal has to have.
type step struct {
	call   string // METHOD path, below the group's network provider unless it begins with /
	body   string
	status int
	code   string
	says   string
	want   string // property=value property=value
}

// script plays steps in order.
func (r *rig) script(steps []step) {
	r.t.Helper()
	for i, s := range steps {
		method, path, _ := strings.Cut(s.call, " ")
		if !strings.HasPrefix(path, "/") {
			path = nets + "/" + path
		}
		status, o, h := r.call(method, path, s.body)
		if status != s.status || text(o, "error", "code") != s.code {
			r.t.Fatalf("step %d, %s: %d %s (%s), not %d %s", i+1, s.call, status, text(o, "error", "code"), text(o, "error", "message"), s.status, s.code)
		}
		if !strings.Contains(text(o, "error", "message"), s.says) {
			r.t.Errorf("step %d, %s: the refusal %q does not say %q", i+1, s.call, text(o, "error", "message"), s.says)
		}
		for _, w := range strings.Fields(s.want) {
			name, want, _ := strings.Cut(w, "=")
			if got := fmt.Sprint(find(o, strings.Split(name, ".")...)); got != want {
				r.t.Errorf("step %d, %s: %s is %s, not %s", i+1, s.call, name, got, want)
			}
		}
		if a := h.Get("Azure-AsyncOperation"); a != "" {
			if op := r.must(200, "GET", local(r.t, a), ""); text(op, "status") != succeeded {
				r.t.Errorf("step %d, %s: %v", i+1, s.call, op)
			}
		}
	}
}

func aNetwork(i int) string {
	return fmt.Sprintf(`{"location":"westeurope","properties":{"addressSpace":{"addressPrefixes":["10.%[1]d.0.0/16"]},"subnets":[{"name":"GatewaySubnet","properties":{"addressPrefix":"10.%[1]d.255.0/26"}},{"name":"app","properties":{"addressPrefix":"10.%[1]d.0.0/24"}}]}}`, i)
}

func gatewayIn(vnet string) string {
	return strings.Replace(aGateway, "/virtualNetworks/v/", "/virtualNetworks/"+vnet+"/", 1)
}

func linkOf(gateway, circuit, key string) string {
	return `{"location":"westeurope","properties":{"connectionType":"ExpressRoute","authorizationKey":"` + key + `","virtualNetworkGateway1":{"id":"` + nets + `/virtualNetworkGateways/` + gateway + `"},"peer":{"id":"` + nets + `/expressRouteCircuits/` + circuit + `"}}}`
}

func circuitOf(tier, family string, mbps int) string {
	return fmt.Sprintf(`{"location":"westeurope","sku":{"name":"%[1]s_%[2]s","tier":"%[1]s","family":"%[2]s"},"properties":{"serviceProviderProperties":{"serviceProviderName":"Equinix","peeringLocation":"Amsterdam","bandwidthInMbps":%[3]d}}}`, tier, family, mbps)
}

func TestACircuitsLifeWithItsProvider(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *Config) { c.Provider = ProviderManual })
	r.script([]step{
		{call: "PUT " + group, body: `{"location":"westeurope"}`, status: 201},
		{call: "PUT virtualNetworks/v", body: aNetwork(1), status: 201},
		{call: "PUT virtualNetworkGateways/gw", body: aGateway, status: 201},
		{call: "PUT expressRouteCircuits/er", body: circuitOf("Standard", "MeteredData", 200), status: 201, want: "properties.serviceProviderProvisioningState=NotProvisioned properties.circuitProvisioningState=Enabled"},
		{call: "PUT expressRouteCircuits/er/peerings/AzurePrivatePeering", body: fmt.Sprintf(aPeering, 10), status: 400, code: "BadRequest", says: "NotProvisioned"},
		{call: "PUT connections/cn", body: aLink, status: 400, code: "ServiceProviderNotProvisioned"},
	})
	// The provider finds it by the service key that the customer gives it.
	key := text(r.must(200, "GET", nets+"/expressRouteCircuits/er", ""), "properties", "serviceKey")
	found := list(r.must(200, "GET", "/subscriptions/SUB/providers/Microsoft.Network/expressRouteCrossConnections?$filter="+strings.ReplaceAll("name eq '"+key+"'", " ", "%20"), ""), "value")
	if len(found) != 1 {
		t.Fatalf("the provider finds %d circuits", len(found))
	}
	cross := text(found[0], "id")
	state := func(s string) string {
		return `{"location":"westeurope","properties":{"serviceProviderProvisioningState":"` + s + `","serviceProviderNotes":"order 7"}}`
	}
	r.script([]step{
		{call: "GET " + cross, status: 200, want: "properties.serviceProviderProvisioningState=NotProvisioned properties.bandwidthInMbps=200 properties.peeringLocation=Amsterdam"},
		{call: "PUT " + cross, body: state("Provisioning"), status: 200},
		{call: "GET expressRouteCircuits/er", status: 200, want: "properties.serviceProviderProvisioningState=Provisioning"},
		{call: "PUT expressRouteCircuits/er/peerings/AzurePrivatePeering", body: fmt.Sprintf(aPeering, 10), status: 400, code: "BadRequest", says: "Provisioning"},
		{call: "PUT connections/cn", body: aLink, status: 400, code: "ServiceProviderNotProvisioned"},
		{call: "DELETE expressRouteCircuits/er", status: 409, code: "Conflict", says: "Provisioning"},
		{call: "PUT " + cross, body: state("Provisioned"), status: 200},
		{call: "GET expressRouteCircuits/er", status: 200, want: "properties.serviceProviderProvisioningState=Provisioned"},
		{call: "PUT expressRouteCircuits/er/peerings/AzurePrivatePeering", body: fmt.Sprintf(aPeering, 10), status: 201, want: "properties.azureASN=12076"},
		// What it is told of the provider's state, the customer cannot change.
		{call: "PUT expressRouteCircuits/er", body: strings.Replace(circuitOf("Standard", "MeteredData", 500), `"properties":{`, `"properties":{"serviceProviderProvisioningState":"NotProvisioned","serviceKey":"`+derived("mine")+`",`, 1), status: 200, want: "properties.serviceProviderProvisioningState=Provisioned properties.serviceKey=" + key},
		{call: "GET " + cross, status: 200, want: "properties.bandwidthInMbps=500"},
		{call: "PUT connections/cn", body: aLink, status: 201, want: "properties.connectionStatus=Connected"},
		{call: "DELETE expressRouteCircuits/er", status: 409, code: "Conflict"},
		{call: "DELETE expressRouteCircuits/er/peerings/AzurePrivatePeering", status: 409, code: "Conflict", says: "cn"},
		{call: "PUT " + cross, body: state("NotProvisioned"), status: 409, code: "Conflict", says: "cn"},
		{call: "DELETE connections/cn", status: 202},
		{call: "DELETE expressRouteCircuits/er", status: 409, code: "Conflict", says: "Provisioned"},
		{call: "PUT " + cross, body: state("Deprovisioning"), status: 200},
		{call: "DELETE expressRouteCircuits/er", status: 409, code: "Conflict", says: "Deprovisioning"},
		{call: "PUT " + cross, body: state("NotProvisioned"), status: 200},
		{call: "GET expressRouteCircuits/er", status: 200, want: "properties.serviceProviderProvisioningState=NotProvisioned properties.peerings=[]"},
		{call: "DELETE expressRouteCircuits/er", status: 202},
		{call: "GET " + cross, status: 404, code: "ResourceNotFound"},
	})
}

func TestLeavingPremiumNeedsToBeWithinStandardsLimits(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	most, ok := r.config.Catalog.Limits().VNetLinks("Standard", 200)
	if !ok || most < 2 {
		t.Fatal(most, ok)
	}
	steps := []step{
		{call: "PUT " + group, body: `{"location":"westeurope"}`, status: 201},
		{call: "PUT expressRouteCircuits/er", body: circuitOf("Standard", "MeteredData", 200), status: 201},
		{call: "PUT expressRouteCircuits/er/peerings/AzurePrivatePeering", body: fmt.Sprintf(aPeering, 10), status: 201},
	}
	one := func(i int) []step {
		n := fmt.Sprint(i)
		return []step{
			{call: "PUT virtualNetworks/v" + n, body: aNetwork(i), status: 201},
			{call: "PUT virtualNetworkGateways/g" + n, body: gatewayIn("v" + n), status: 201},
			{call: "PUT connections/c" + n, body: linkOf("g"+n, "er", ""), status: 201},
		}
	}
	for i := 1; i <= most; i++ {
		steps = append(steps, one(i)...)
	}
	more := one(most + 1)
	more[2].status, more[2].code = 400, "BadRequest"
	steps = append(steps, more...)
	more[2].status, more[2].code = 201, ""
	r.script(append(steps,
		step{call: "PUT expressRouteCircuits/er", body: circuitOf("Premium", "MeteredData", 200), status: 200},
		more[2],
		step{call: "PUT expressRouteCircuits/er", body: circuitOf("Standard", "MeteredData", 200), status: 400, code: "BadRequest", says: fmt.Sprintf("%d virtual networks are linked, and there must be fewer than %d", most+1, most)},
		step{call: "DELETE connections/c1", status: 202},
		step{call: "PUT expressRouteCircuits/er", body: circuitOf("Standard", "MeteredData", 200), status: 400, code: "BadRequest", says: fmt.Sprintf("fewer than %d", most)},
		step{call: "DELETE connections/c2", status: 202},
		step{call: "PUT expressRouteCircuits/er", body: circuitOf("Standard", "MeteredData", 200), status: 200, want: "sku.tier=Standard"},
	))
	// A network beyond the circuit's region needs Premium too.
	far := func(s string) string { return strings.Replace(s, "westeurope", "eastus", 1) }
	r.script([]step{
		{call: "PUT virtualNetworks/far", body: far(aNetwork(99)), status: 201},
		{call: "PUT virtualNetworkGateways/far", body: far(gatewayIn("far")), status: 201},
		{call: "PUT expressRouteCircuits/er", body: circuitOf("Premium", "MeteredData", 200), status: 200},
		{call: "DELETE connections/c3", status: 202},
		{call: "DELETE connections/c4", status: 202},
		{call: "PUT connections/far", body: far(linkOf("far", "er", "")), status: 201},
		{call: "PUT expressRouteCircuits/er", body: circuitOf("Standard", "MeteredData", 200), status: 400, code: "BadRequest", says: "eastus"},
	})
}

func TestWhatAzureRefusesOfNetworksAndGateways(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	peer := func(to, more string) string {
		return `{"properties":{"remoteVirtualNetwork":{"id":"` + nets + `/virtualNetworks/` + to + `"},"allowVirtualNetworkAccess":true` + more + `}}`
	}
	r.script([]step{
		{call: "PUT " + group, body: `{"location":"westeurope"}`, status: 201},
		{call: "PUT virtualNetworks/v", body: aNetwork(1), status: 201},
		{call: "PUT virtualNetworks/w", body: aNetwork(2), status: 201},
		{call: "PUT virtualNetworks/same", body: aNetwork(1), status: 201},
		// Overlaps.
		{call: "PUT virtualNetworks/v/virtualNetworkPeerings/p", body: peer("same", ""), status: 400, code: "VnetAddressSpacesOverlap", says: "10.1.0.0/16"},
		{call: "PUT virtualNetworks/w/virtualNetworkPeerings/v", body: peer("v", ""), status: 201, want: "properties.peeringState=Initiated"},
		{call: "PUT virtualNetworks/w/virtualNetworkPeerings/same", body: peer("same", ""), status: 400, code: "VnetAddressSpaceOverlapsWithAlreadyPeeredVnet"},
		{call: "PUT virtualNetworks/v/subnets/x", body: `{"properties":{"addressPrefix":"10.1.0.128/25"}}`, status: 400, code: "NetcfgSubnetRangesOverlap", says: "app"},
		{call: "PUT virtualNetworks/v/subnets/x", body: `{"properties":{"addressPrefix":"10.7.0.0/24"}}`, status: 400, code: "NetcfgSubnetRangeOutsideVnet"},
		{call: "PUT virtualNetworks/v/subnets/x", body: `{"properties":{"addressPrefix":"10.1.5.0"}}`, status: 400, code: "InvalidCIDRNotation"},
		// An address space that no longer has a subnet's.
		{call: "PUT virtualNetworks/v", body: `{"location":"westeurope","properties":{"addressSpace":{"addressPrefixes":["10.1.0.0/24"]}}}`, status: 400, code: "NetcfgSubnetRangeOutsideVnet", says: "GatewaySubnet"},
		{call: "GET virtualNetworks/v", status: 200, want: "properties.addressSpace.addressPrefixes=[10.1.0.0/16]"},
		{call: "PUT virtualNetworks/v", body: `{"location":"westeurope","properties":{"addressSpace":{"addressPrefixes":["10.1.0.0/16","10.11.0.0/16"]}}}`, status: 200},
		// Remote gateways.
		{call: "PUT virtualNetworks/w/virtualNetworkPeerings/v", body: peer("v", `,"useRemoteGateways":true`), status: 400, code: "RemoteVnetHasNoGateways"},
		{call: "PUT virtualNetworkGateways/gw", body: aGateway, status: 201},
		{call: "PUT virtualNetworks/w/virtualNetworkPeerings/v", body: peer("v", `,"useRemoteGateways":true`), status: 400, code: "BadRequest", says: "transit"},
		{call: "PUT virtualNetworks/v/virtualNetworkPeerings/w", body: peer("w", `,"allowGatewayTransit":true`), status: 201},
		{call: "PUT virtualNetworks/w/virtualNetworkPeerings/v", body: peer("v", `,"useRemoteGateways":true`), status: 200},
		{call: "PUT virtualNetworks/v/virtualNetworkPeerings/w", body: peer("w", ""), status: 400, code: "BadRequest", says: "transit"},
		// The gateway is beyond what is looked at around something new in w: that is not wrong now.
		{call: "PUT networkInterfaces/far", body: `{"location":"westeurope","properties":{"ipConfigurations":[{"name":"ip","properties":{"subnet":{"id":"` + nets + `/virtualNetworks/w/subnets/app"}}}]}}`, status: 201},
		{call: "DELETE networkInterfaces/far", status: 202},
		// Gateways.
		{call: "PUT virtualNetworkGateways/a", body: aGateway, status: 400, code: "BadRequest", says: "already"},
		{call: "PUT virtualNetworkGateways/z", body: aGateway, status: 400, code: "BadRequest", says: "already"},
		{call: "PUT virtualNetworkGateways/app", body: strings.Replace(gatewayIn("same"), "GatewaySubnet", "app", 1), status: 400, code: "BadRequest"},
		{call: "PUT virtualNetworkGateways/gw", body: strings.Replace(aGateway, `"ExpressRoute"`, `"Vpn"`, 1), status: 409, code: "PropertyChangeNotAllowed"},
		{call: "PUT networkInterfaces/n", body: `{"location":"westeurope","properties":{"ipConfigurations":[{"name":"ip","properties":{"subnet":{"id":"` + nets + `/virtualNetworks/v/subnets/GatewaySubnet"}}}]}}`, status: 400, code: "GatewaySubnet"},
		{call: "PUT networkInterfaces/n", body: `{"location":"westeurope","properties":{"ipConfigurations":[{"name":"ip","properties":{"privateIPAllocationMethod":"Static","privateIPAddress":"10.1.0.3","subnet":{"id":"` + nets + `/virtualNetworks/v/subnets/app"}}}]}}`, status: 400, code: "PrivateIPAddressInReservedRange"},
		{call: "PUT networkInterfaces/n", body: `{"location":"westeurope","properties":{"ipConfigurations":[{"name":"ip","properties":{"privateIPAllocationMethod":"Static","privateIPAddress":"10.1.0.9","subnet":{"id":"` + nets + `/virtualNetworks/v/subnets/app"}}}]}}`, status: 201},
		{call: "PUT networkInterfaces/m", body: `{"location":"westeurope","properties":{"ipConfigurations":[{"name":"ip","properties":{"privateIPAllocationMethod":"Static","privateIPAddress":"10.1.0.9","subnet":{"id":"` + nets + `/virtualNetworks/v/subnets/app"}}}]}}`, status: 400, code: "PrivateIPAddressIsAllocated"},
		// A list of subnets without one that is in use, and its range under its users.
		{call: "PUT virtualNetworks/v", body: `{"location":"westeurope","properties":{"addressSpace":{"addressPrefixes":["10.1.0.0/16"]},"subnets":[]}}`, status: 400, code: "InUseSubnetCannotBeDeleted"},
		{call: "PUT virtualNetworks/v/subnets/app", body: `{"properties":{"addressPrefix":"10.1.3.0/24"}}`, status: 400, code: "InUseSubnetCannotBeUpdated"},
		{call: "DELETE " + group, status: 202},
	})
}

func TestWhatAzureRefusesOfCircuits(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.script([]step{
		{call: "PUT " + group, body: `{"location":"westeurope"}`, status: 201},
		{call: "PUT expressRouteCircuits/er", body: circuitOf("Standard", "MeteredData", 200), status: 201},
		{call: "PUT expressRouteCircuits/er/peerings/AzurePrivatePeering", body: fmt.Sprintf(aPeering, 10), status: 201},
		{call: "PUT expressRouteCircuits/er/authorizations/a", body: `{}`, status: 201, want: "properties.authorizationUseStatus=Available"},
		{call: "PUT expressRouteCircuits/x", body: strings.Replace(circuitOf("Standard", "MeteredData", 200), "Equinix", "Nobody", 1), status: 400, code: "ExpressRouteCircuitServiceProviderDoesNotExist"},
		{call: "PUT expressRouteCircuits/x", body: strings.Replace(circuitOf("Standard", "MeteredData", 200), "Amsterdam", "Atlantis", 1), status: 400, code: "ExpressRouteCircuitLocationDoesNotExistForServiceProvider"},
		{call: "PUT expressRouteCircuits/x", body: circuitOf("Standard", "MeteredData", 201), status: 400, code: "BadRequest"},
		{call: "PUT expressRouteCircuits/x", body: plain, status: 400, code: "ExpressRouteCircuitCreateMissingPortProvisioningProperties"},
		// VLAN and prefixes of the other peering, and a prefix that is none of a link.
		{call: "PUT expressRouteCircuits/er/peerings/MicrosoftPeering", body: `{"properties":{"peeringType":"MicrosoftPeering","peerASN":64500,"primaryPeerAddressPrefix":"203.0.113.0/30","secondaryPeerAddressPrefix":"203.0.113.4/30","vlanId":100,"microsoftPeeringConfig":{"advertisedPublicPrefixes":["203.0.113.128/25"]}}}`, status: 400, code: "BadRequest", says: "VLAN 100"},
		{call: "PUT expressRouteCircuits/er/peerings/AzurePrivatePeering", body: strings.Replace(fmt.Sprintf(aPeering, 10), "10.0/30", "10.0/29", 1), status: 400, code: "BadRequest"},
		{call: "PUT expressRouteCircuits/er/peerings/AzurePrivatePeering", body: strings.Replace(fmt.Sprintf(aPeering, 10), "10.4/30", "10.0/30", 1), status: 400, code: "BadRequest", says: "overlaps"},
		{call: "PUT expressRouteCircuits/er/peerings/AzurePrivatePeering", body: strings.Replace(fmt.Sprintf(aPeering, 10), "65001", "65515", 1), status: 400, code: "BadRequest"},
		{call: "PUT virtualNetworks/v", body: aNetwork(1), status: 201},
		{call: "PUT virtualNetworks/w", body: aNetwork(2), status: 201},
		{call: "PUT virtualNetworkGateways/gw", body: aGateway, status: 201},
		{call: "PUT virtualNetworkGateways/gw2", body: gatewayIn("w"), status: 201},
	})
	key := text(r.must(200, "GET", nets+"/expressRouteCircuits/er/authorizations/a", ""), "properties", "authorizationKey")
	r.script([]step{
		{call: "PUT connections/cn", body: linkOf("gw", "er", derived("no key")), status: 400, code: "BadRequest", says: "no authorization"},
		{call: "PUT connections/cn", body: linkOf("gw", "er", key), status: 201},
		{call: "GET expressRouteCircuits/er/authorizations/a", status: 200, want: "properties.authorizationUseStatus=InUse"},
		{call: "PUT connections/cn2", body: linkOf("gw2", "er", key), status: 400, code: "BadRequest", says: "used"},
		{call: "PUT connections/cn", body: linkOf("gw", "er", key), status: 200},
		{call: "DELETE connections/cn", status: 202},
		{call: "GET expressRouteCircuits/er/authorizations/a", status: 200, want: "properties.authorizationUseStatus=Available"},
		{call: "PUT connections/cn2", body: linkOf("gw2", "er", key), status: 201},
	})
}

func TestCircuitsHaveAQuota(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.must(201, "PUT", group, `{"location":"westeurope"}`)
	l := r.config.Catalog.Limits()
	for i := range l.CircuitsPerRegion {
		r.must(201, "PUT", fmt.Sprintf("%s/expressRouteCircuits/er%d", nets, i), circuitOf("Standard", "MeteredData", 50))
	}
	usage := list(r.must(200, "GET", "/subscriptions/SUB/providers/Microsoft.Network/locations/westeurope/usages", ""), "value")
	if number(usage[0], "currentValue") != int64(l.CircuitsPerRegion) || number(usage[0], "limit") != int64(l.CircuitsPerRegion) {
		t.Errorf("%v", usage)
	}
	r.refused(409, "QuotaExceeded", "PUT", nets+"/expressRouteCircuits/more", circuitOf("Standard", "MeteredData", 50))
	r.must(200, "PUT", nets+"/expressRouteCircuits/er0", circuitOf("Standard", "MeteredData", 100))
	r.must(201, "PUT", nets+"/expressRouteCircuits/more", strings.Replace(circuitOf("Standard", "MeteredData", 50), "westeurope", "northeurope", 1))
	r.must(202, "DELETE", nets+"/expressRouteCircuits/er0", "")
	r.must(201, "PUT", nets+"/expressRouteCircuits/again", circuitOf("Standard", "MeteredData", 50))
}

func TestListsComeInPagesOfEveryKind(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *Config) { c.PageSize = 4 })
	r.must(201, "PUT", group, `{"location":"westeurope"}`)
	var want []string
	for i := range 5 {
		for _, k := range []string{"routeTables", "networkSecurityGroups", "virtualNetworks"} {
			id := fmt.Sprintf("%s/%s/x%d", nets, k, i)
			r.must(201, "PUT", id, strings.Replace(otherVNet, "10.2", fmt.Sprintf("10.%d", i), 1))
			want = append(want, strings.ToLower(strings.ReplaceAll(id, "SUB", testSub)))
		}
	}
	slices.Sort(want)
	for _, x := range []struct {
		path string
		size int
	}{{group + "/resources", 4}, {group + "/resources?$top=3", 3}, {"/subscriptions/SUB/resources?$top=1000", 4}} {
		var got []string
		for next := x.path; next != ""; {
			status, o, _ := r.call(http.MethodGet, next, "")
			page := list(o, "value")
			if status != 200 || len(page) == 0 || len(page) > x.size {
				t.Fatalf("%s: %d with %d elements", next, status, len(page))
			}
			for _, y := range page {
				got = append(got, strings.ToLower(text(y, "id")))
			}
			next = ""
			if n := text(o, "nextLink"); n != "" {
				next = local(t, n)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %d resources, not %d: %v", x.path, len(got), len(want), got)
		}
	}
}
