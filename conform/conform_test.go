package conform_test

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/network/armnetwork/v9"

	"onramp/catalog"
	"onramp/conform"
	"onramp/design"
	"onramp/rehearse"
)

// done waits for an operation of the SDK.
func done[T any](r *rig) func(*runtime.Poller[T], error) T {
	return func(p *runtime.Poller[T], err error) T {
		r.Helper()
		if err != nil {
			r.Fatal(err)
		}
		v, err := p.PollUntilDone(r.Context(), &runtime.PollUntilDoneOptions{Frequency: time.Second})
		if err != nil {
			r.Fatal(err)
		}
		return v
	}
}

// altered is something that somebody changes at the endpoint, and what conform is to say of it.
type altered struct {
	name   string
	change func(r *rig) (revert func())
	kind   conform.Kind
	in     string
	what   string   // in the finding's sentence
	cause  []string // in the cause
	shows  []string // kinds of symptom, by words of their tables
	fallen string   // a property that no longer holds; empty is not looked at
	whose  string   // a line of business
}

// peeringOf changes a peering of a circuit.
func peeringOf(circuit string, change func(*armnetwork.ExpressRouteCircuitPeeringPropertiesFormat)) func(*rig) func() {
	return func(r *rig) func() {
		group, sub := r.id(circuit)
		peerings := r.clients(sub).NewExpressRouteCircuitPeeringsClient()
		put := func(change func(*armnetwork.ExpressRouteCircuitPeeringPropertiesFormat)) {
			x, err := peerings.Get(context.Background(), group, circuit, "AzurePrivatePeering", nil)
			if err != nil {
				r.Fatal(err)
			}
			change(x.Properties)
			done[armnetwork.ExpressRouteCircuitPeeringsClientCreateOrUpdateResponse](r)(peerings.BeginCreateOrUpdate(context.Background(), group, circuit, "AzurePrivatePeering", x.ExpressRouteCircuitPeering, nil))
		}
		var was armnetwork.ExpressRouteCircuitPeeringPropertiesFormat
		put(func(p *armnetwork.ExpressRouteCircuitPeeringPropertiesFormat) { was = *p; change(p) })
		return func() {
			put(func(p *armnetwork.ExpressRouteCircuitPeeringPropertiesFormat) {
				p.State, p.VlanID, p.PeerASN = was.State, was.VlanID, was.PeerASN
			})
		}
	}
}

// networkOf changes a virtual network.
func networkOf(name string, change func(*armnetwork.VirtualNetworkPropertiesFormat)) func(*rig) func() {
	return func(r *rig) func() {
		group, sub := r.id(name)
		vnets := r.clients(sub).NewVirtualNetworksClient()
		x, err := vnets.Get(context.Background(), group, name, nil)
		if err != nil {
			r.Fatal(err)
		}
		was := slices.Clone(x.Properties.AddressSpace.AddressPrefixes)
		put := func() {
			done[armnetwork.VirtualNetworksClientCreateOrUpdateResponse](r)(vnets.BeginCreateOrUpdate(context.Background(), group, name, x.VirtualNetwork, nil))
		}
		change(x.Properties)
		put()
		return func() {
			x.Properties.AddressSpace.AddressPrefixes = was
			put()
		}
	}
}

// routeOf changes a route.
func routeOf(table, route string, change func(*armnetwork.RoutePropertiesFormat)) func(*rig) func() {
	return func(r *rig) func() {
		group, sub := r.id(table)
		routes := r.clients(sub).NewRoutesClient()
		x, err := routes.Get(context.Background(), group, table, route, nil)
		if err != nil {
			r.Fatal(err)
		}
		put := func(p armnetwork.RoutePropertiesFormat) {
			done[armnetwork.RoutesClientCreateOrUpdateResponse](r)(routes.BeginCreateOrUpdate(context.Background(), group, table, route, armnetwork.Route{Properties: &p}, nil))
		}
		was := *x.Properties
		now := was
		change(&now)
		put(now)
		return func() { put(was) }
	}
}

// linkOf changes a peering between virtual networks.
func linkOf(vnet, peering string, change func(*armnetwork.VirtualNetworkPeeringPropertiesFormat)) func(*rig) func() {
	return func(r *rig) func() {
		group, sub := r.id(vnet)
		peerings := r.clients(sub).NewVirtualNetworkPeeringsClient()
		x, err := peerings.Get(context.Background(), group, vnet, peering, nil)
		if err != nil {
			r.Fatal(err)
		}
		put := func(p armnetwork.VirtualNetworkPeeringPropertiesFormat) {
			done[armnetwork.VirtualNetworkPeeringsClientCreateOrUpdateResponse](r)(peerings.BeginCreateOrUpdate(context.Background(), group, vnet, peering, armnetwork.VirtualNetworkPeering{Properties: &p}, nil))
		}
		was := *x.Properties
		now := was
		change(&now)
		put(now)
		return func() { put(was) }
	}
}

func TestEveryChangeIsToldWithItsCauseAndGoesAwayWithIt(t *testing.T) {
	c, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	r := deployed(t, c, designOf(t, c, "northwind", design.SharedHubSpoke))
	r.standIn("vnet-fin-core", "app")
	if x := r.conform(); !x.Conforms || x.Compared.Tables == 0 || x.Compared.Rows == 0 || len(x.Traffic) != 2 {
		t.Fatal(text(t, x))
	}
	const circuit = "er-montreal-toronto-1"
	list := []altered{
		{name: "a connection's weight", change: func(r *rig) func() {
			group, sub := r.id("cn-hub-montreal-toronto-1")
			connections := r.clients(sub).NewVirtualNetworkGatewayConnectionsClient()
			put := func(weight int32) {
				x, err := connections.Get(context.Background(), group, "cn-hub-montreal-toronto-1", nil)
				if err != nil {
					r.Fatal(err)
				}
				x.Properties.RoutingWeight = to.Ptr(weight)
				done[armnetwork.VirtualNetworkGatewayConnectionsClientCreateOrUpdateResponse](r)(connections.BeginCreateOrUpdate(context.Background(), group, "cn-hub-montreal-toronto-1", x.VirtualNetworkGatewayConnection, nil))
			}
			put(10)
			return func() { put(100) }
		}, kind: conform.Value, in: conform.Configuration, what: "connection cn-hub-montreal-toronto-1 has routingWeight 10, the design says 100",
			cause: []string{"cn-hub-montreal-toronto-1 has routingWeight 10, the design says 100", "prefers circuit er-montreal-toronto-1 (weight 10)"}, shows: []string{"what ergw-hub has learned"}},
		{name: "a route to the Internet", change: routeOf("rt-fin-core", "premises-1", func(p *armnetwork.RoutePropertiesFormat) {
			p.NextHopType, p.NextHopIPAddress = to.Ptr(armnetwork.RouteNextHopTypeInternet), nil
		}), kind: conform.Value, in: conform.Configuration, what: "route premises-1 of route table rt-fin-core goes to Internet, the design says VirtualAppliance 10.30.3.132",
			cause: []string{"a route table was changed: route premises-1 (10.0.0.0/16) now goes to Internet", "traffic of finance to 10.0.0.0/16 bypasses the firewall fw-hub"},
			shows: []string{"effective routes of vnet-fin-core/app"}, fallen: "reach", whose: "finance"},
		{name: "a route past the firewall", change: func(r *rig) func() {
			group, sub := r.id("rt-hub-gateway")
			routes := r.clients(sub).NewRoutesClient()
			x, err := routes.Get(context.Background(), group, "rt-hub-gateway", "to-fin-core", nil)
			if err != nil {
				r.Fatal(err)
			}
			done[armnetwork.RoutesClientDeleteResponse](r)(routes.BeginDelete(context.Background(), group, "rt-hub-gateway", "to-fin-core", nil))
			return func() {
				done[armnetwork.RoutesClientCreateOrUpdateResponse](r)(routes.BeginCreateOrUpdate(context.Background(), group, "rt-hub-gateway", "to-fin-core", armnetwork.Route{Properties: x.Properties}, nil))
			}
		}, kind: conform.Missing, in: conform.Configuration, what: "route to-fin-core of route table rt-hub-gateway is not there",
			cause: []string{"route to-fin-core (10.20.0.0/20) was taken out of it: traffic of the premises to 10.20.0.0/20 bypasses the firewall fw-hub: it goes to VNetPeering"}, fallen: "inspection"},
		{name: "a route for something else", change: routeOf("rt-fin-core", "premises-1", func(p *armnetwork.RoutePropertiesFormat) {
			p.AddressPrefix = to.Ptr("10.0.0.0/30")
		}), kind: conform.Value, in: conform.Configuration, what: "route premises-1 of route table rt-fin-core has addressPrefix 10.0.0.0/30, the design says 10.0.0.0/16",
			cause: []string{"traffic of finance to 10.0.0.0/16"}, shows: []string{"effective routes of vnet-fin-core/app"}, fallen: "reach", whose: "finance"},
		{name: "a VLAN", change: peeringOf(circuit, func(p *armnetwork.ExpressRouteCircuitPeeringPropertiesFormat) { p.VlanID = to.Ptr(int32(200)) }), kind: conform.Value, in: conform.Configuration,
			what:  "private peering of circuit er-montreal-toronto-1 has vlanId 200, the design says 100",
			cause: []string{"the peering's VLAN is 200 and the order says 100: the provider's tag does not match, so BGP is down"}, shows: []string{"ARP of er-montreal-toronto-1", "routes of er-montreal-toronto-1"}, fallen: "reach"},
		{name: "a peer ASN", change: peeringOf(circuit, func(p *armnetwork.ExpressRouteCircuitPeeringPropertiesFormat) { p.PeerASN = to.Ptr(int64(65099)) }), kind: conform.Value, in: conform.Configuration,
			what: "private peering of circuit er-montreal-toronto-1 has peerASN 65099, the design says 65010", cause: []string{"expects AS 65099 of the customer", "toronto-ce1", "AS 65010", "BGP is down"},
			shows: []string{"routes of er-montreal-toronto-1"}},
		{name: "a peering's state", change: peeringOf(circuit, func(p *armnetwork.ExpressRouteCircuitPeeringPropertiesFormat) {
			p.State = to.Ptr(armnetwork.ExpressRoutePeeringStateDisabled)
		}), kind: conform.Value, in: conform.Configuration, what: "private peering of circuit er-montreal-toronto-1 has state Disabled, the design says Enabled",
			cause: []string{"the private peering of circuit er-montreal-toronto-1 is Disabled"}, shows: []string{"routes of er-montreal-toronto-1", "status of cn-hub-montreal-toronto-1"}},
		{name: "an allow rule", change: func(r *rig) func() {
			group, sub := r.id("rcg-onramp")
			groups := r.clients(sub).NewFirewallPolicyRuleCollectionGroupsClient()
			put := func(x armnetwork.FirewallPolicyRuleCollectionGroup) {
				done[armnetwork.FirewallPolicyRuleCollectionGroupsClientCreateOrUpdateResponse](r)(groups.BeginCreateOrUpdate(context.Background(), group, "fwp-hub", "rcg-onramp", x, nil))
			}
			x, err := groups.Get(context.Background(), group, "fwp-hub", "rcg-onramp", nil)
			if err != nil {
				r.Fatal(err)
			}
			rules := x.Properties.RuleCollections[0].(*armnetwork.FirewallPolicyFilterRuleCollection)
			was := rules.Rules
			rules.Rules = slices.DeleteFunc(slices.Clone(was), func(k armnetwork.FirewallPolicyRuleClassification) bool {
				return *k.GetFirewallPolicyRule().Name == "premises-finance-to-sites"
			})
			put(x.FirewallPolicyRuleCollectionGroup)
			return func() {
				rules.Rules = was
				put(x.FirewallPolicyRuleCollectionGroup)
			}
		}, kind: conform.Missing, in: conform.Configuration, what: "rule premises-finance-to-sites of rule collection group rcg-onramp is not there",
			cause: []string{"firewall fw-hub no longer lets 10.20.0.0/20 to 10.0.0.0/16, 10.1.0.0/16 through"}, fallen: "reach"},
		{name: "a network's address space", change: networkOf("vnet-crm", func(p *armnetwork.VirtualNetworkPropertiesFormat) {
			p.AddressSpace.AddressPrefixes = append(p.AddressSpace.AddressPrefixes, to.Ptr("10.99.0.0/16"))
		}), kind: conform.Value, in: conform.Configuration, what: "virtual network vnet-crm has 10.99.0.0/16 in addressSpace.addressPrefixes, which the design has not",
			cause: []string{"the gateway announces 10.99.0.0/16 to the premises, which the design does not have"}, shows: []string{"routes of er-montreal-toronto-1", "what ergw-hub tells"}, whose: "sales"},
		{name: "a peering flag", change: linkOf("vnet-fin-core", "peer-hub", func(p *armnetwork.VirtualNetworkPeeringPropertiesFormat) {
			p.AllowForwardedTraffic = to.Ptr(false)
		}), kind: conform.Value, in: conform.Configuration, what: "peering peer-hub of virtual network vnet-fin-core has allowForwardedTraffic false, the design says true",
			cause: []string{"vnet-fin-core drops what vnet-hub only forwards"}, fallen: "reach", whose: "finance"},
		{name: "the other peering flag", change: linkOf("vnet-hr-core", "peer-hub", func(p *armnetwork.VirtualNetworkPeeringPropertiesFormat) {
			p.UseRemoteGateways = to.Ptr(false)
		}), kind: conform.Value, in: conform.Configuration, what: "peering peer-hub of virtual network vnet-hr-core has useRemoteGateways false, the design says true",
			cause: []string{"vnet-hr-core no longer uses the gateway of vnet-hub"}, shows: []string{"routes of er-montreal-toronto-1"}, fallen: "reach", whose: "hr"},
		{name: "a leak by the premises", change: func(r *rig) func() {
			return r.fault(rehearse.Step{OriginateAggregate: "site:toronto", Prefix: netip.MustParsePrefix("10.9.0.0/16")})
		}, kind: conform.Extra, in: conform.Premises, what: "the premises advertise 10.9.0.0/16 on circuit er-montreal-toronto-1",
			cause: []string{"a leak: toronto-ce1"}, shows: []string{"routes of er-montreal-toronto-1", "what ergw-hub has learned"}},
		{name: "a default route of the premises", change: func(r *rig) func() {
			return r.fault(rehearse.Step{OriginateDefault: "site:montreal"})
		}, kind: conform.Extra, in: conform.Premises, what: "the premises advertise 0.0.0.0/0", cause: []string{"a leak", "a default route"}, shows: []string{"what ergw-hub has learned"}},
		{name: "one connection down", change: func(r *rig) func() { return r.fault(rehearse.Step{Cut: "link:toronto/equinix-toronto/1"}) }, kind: conform.Down, in: conform.Wire,
			what:  "the primary path of circuit er-montreal-toronto-1 (private peering) is down: its ARP table has no answer of the premises, and BGP is idle on it",
			cause: []string{"link toronto/equinix-toronto/1", "the tables are exactly those of this failure"}, shows: []string{"ARP of er-montreal-toronto-1", "routes of er-montreal-toronto-1"}},
	}
	for _, x := range list {
		t.Run(x.name, func(t *testing.T) {
			r := *r
			r.TB = t
			revert := x.change(&r)
			got := r.until(func(got *conform.Result) bool { return !got.Conforms })
			defer func() {
				revert()
				if got := r.until(func(got *conform.Result) bool { return got.Conforms }); !got.Conforms {
					t.Errorf("after the change was reverted: %s", text(t, got))
				}
			}()
			if got.Conforms || len(got.Findings) != 1 {
				t.Errorf("%d findings: %s", len(got.Findings), text(t, got))
				return
			}
			f := got.Findings[0]
			if f.Kind != x.kind || f.In != x.in || !strings.Contains(f.What, x.what) {
				t.Errorf("%s, in %s: %s", f.Kind, f.In, f.What)
			}
			for _, s := range x.cause {
				if !strings.Contains(f.Cause, s) {
					t.Errorf("the cause does not say %q: %s", s, f.Cause)
				}
			}
			for _, s := range x.shows {
				if !slices.ContainsFunc(f.Symptoms, func(y conform.Symptom) bool { return strings.HasPrefix(y.Table, s) }) {
					t.Errorf("no symptom is in %s: %s", s, text(t, f.Symptoms))
				}
			}
			if len(x.shows) == 0 && len(f.Symptoms) > 0 {
				t.Errorf("symptoms: %s", text(t, f.Symptoms))
			}
			if x.fallen != "" && !slices.ContainsFunc(got.Fallen, func(y conform.Fallen) bool { return y.Name == x.fallen && y.Reason != "" }) {
				t.Errorf("%s still holds: %s", x.fallen, text(t, got.Fallen))
			}
			if x.name == "a connection's weight" && !strings.Contains(text(t, f.Symptoms), "weight 32779 ") {
				t.Errorf("learned routes do not have the weight of 10 beyond the first: %s", text(t, f.Symptoms))
			}
			if x.whose != "" && !slices.Contains(f.LinesOfBusiness, x.whose) {
				t.Errorf("it concerns %v", f.LinesOfBusiness)
			}
		})
	}
}

// until conforms again and again until the routers show what is asked for, and returns the last answer.
func (r *rig) until(is func(*conform.Result) bool) *conform.Result {
	r.Helper()
	r.settle()
	deadline := time.Now().Add(20 * time.Second)
	var last string
	for {
		x := r.conform()
		now := text(r, x.Findings)
		if is(x) && now == last || time.Now().After(deadline) { // twice the same: nothing is under way
			return x
		}
		last = now
		time.Sleep(100 * time.Millisecond)
		r.settle()
	}
}

// standIn puts a network interface into a subnet, of which Azure shows the effective routes.
func (r *rig) standIn(vnet, subnet string) {
	r.Helper()
	group, sub := r.id(vnet)
	for _, x := range r.d.Resources {
		if x.Head().Name != vnet {
			continue
		}
		nics := r.clients(sub).NewInterfacesClient()
		done[armnetwork.InterfacesClientCreateOrUpdateResponse](r)(nics.BeginCreateOrUpdate(context.Background(), group, "nic-"+subnet, armnetwork.Interface{Location: to.Ptr(x.Head().Location),
			Properties: &armnetwork.InterfacePropertiesFormat{IPConfigurations: []*armnetwork.InterfaceIPConfiguration{{Name: to.Ptr("ip"), Properties: &armnetwork.InterfaceIPConfigurationPropertiesFormat{
				Subnet: &armnetwork.Subnet{ID: to.Ptr(string(x.Head().ID) + "/subnets/" + subnet)},
			}}}}}, nil))
	}
}

func TestEveryExampleConformsWhereItWasDeployed(t *testing.T) {
	c, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	for name, p := range map[string]design.Pattern{"contoso-shared": design.Shared, "fabrikam-isolated": design.Isolated, "litware-dual-stack": design.Shared, "lucerne-direct-metro": design.Isolated,
		"tailwind-isolated-hub-spoke": design.IsolatedHubSpoke, "wide-world-two-continents": design.SharedHubSpoke} {
		t.Run(name, func(t *testing.T) {
			r := deployed(t, c, designOf(t, c, name, p))
			x := r.until(func(x *conform.Result) bool { return x.Conforms })
			if !x.Conforms || x.Compared.Tables == 0 || len(x.Fallen) > 0 {
				t.Error(text(t, x))
			}
		})
	}
}
