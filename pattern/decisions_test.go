package pattern_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"onramp/azure"
	"onramp/catalog"
	"onramp/design"
	"onramp/intent"
	"onramp/pattern"
)

// estate is a small intent with places to fill in; ACCESS, NEEDS and MORE are what the cases change.
const estate = `apiVersion: onramp/v1
name: small
premises:
  asn: 64600
  sites:
    - name: toronto
      at: Toronto, Canada
      prefixes: [10.1.0.0/16]
      publicPrefixes: [20.30.40.0/28]
      access: [ACCESS]
linesOfBusiness:
  - name: a
    networks: [{name: a-net, region: canadacentral, addressSpace: [10.20.0.0/20]}]
    needs: {NEEDS}
  - name: b
    networks: [{name: b-net, region: canadacentral, addressSpace: [10.21.0.0/20]}]
    needs: {bandwidth: 100 Mbps}
pools: {transit: [172.16.0.0/22], microsoftTransit: [20.30.41.0/24]}
MORE
`

const bell = "{provider: Bell Canada, model: ethernet, bandwidth: 10 Gbps, location: Toronto, monthlyUSD: 10}"

// made compiles the estate with a case's words in their places.
func made(t *testing.T, c *catalog.Catalog, p design.Pattern, access, needs, more string, edits ...string) (*design.Design, []pattern.Obstacle) {
	t.Helper()
	src := strings.NewReplacer(append([]string{"ACCESS", access, "NEEDS", needs, "MORE", more}, edits...)...).Replace(estate)
	e, findings := intent.Parse("small.yaml", []byte(src), c)
	if e == nil {
		t.Fatalf("%v", findings)
	}
	return pattern.Compile(p, e, c, pattern.Options{})
}

func circuitsOf(d *design.Design) []*azure.ExpressRouteCircuit {
	return azure.Of[*azure.ExpressRouteCircuit](d.Resources)
}

// bought describes the circuits: "name tier family Mbps location".
func bought(d *design.Design) []string {
	var out []string
	for _, x := range circuitsOf(d) {
		s := x.Name + " " + x.SKU.Name
		if sp := x.Properties.ServiceProviderProperties; sp != nil {
			s += fmt.Sprintf(" %d %s %s", sp.BandwidthInMbps, sp.ServiceProviderName, sp.PeeringLocation)
		} else {
			s += fmt.Sprintf(" %g Gbps on %s", *x.Properties.BandwidthInGbps, x.Properties.ExpressRoutePort.ID.Name())
		}
		out = append(out, s)
	}
	return out
}

func TestCircuitsAreTheCheapestThatWillDo(t *testing.T) {
	c := open(t)
	for _, x := range []struct {
		name                string
		pattern             design.Pattern
		access, needs, more string
		edits               []string
		want                []string
		why                 string // part of the tag that says why, of the first circuit
	}{
		{"one for everybody", design.Shared, bell, "bandwidth: 300 Mbps", "", nil, []string{"er-toronto-1 Standard_MeteredData 500 Bell Canada Toronto"}, ""},
		{"one for each line of business", design.Isolated, bell, "bandwidth: 300 Mbps", "", nil,
			[]string{"er-a-1 Standard_MeteredData 500 Bell Canada Toronto", "er-b-1 Standard_MeteredData 100 Bell Canada Toronto"}, ""},
		{"two where a location must survive", design.Shared, bell + ", {provider: Bell Canada, model: ethernet, bandwidth: 1 Gbps, location: Montreal}", "bandwidth: 300 Mbps, survives: [location]", "", nil,
			[]string{"er-toronto-1 Standard_MeteredData 500 Bell Canada Toronto", "er-toronto-2 Standard_MeteredData 500 Bell Canada Montreal"}, ""},
		{"two of different providers where a provider must survive", design.Shared, bell + ", {provider: Bell Canada, model: ethernet, bandwidth: 1 Gbps, location: Montreal}, {provider: Equinix, model: cloud-exchange, bandwidth: 1 Gbps, location: Toronto}",
			"bandwidth: 300 Mbps, survives: [provider]", "", nil, []string{"er-toronto-1 Standard_MeteredData 500 Bell Canada Toronto", "er-toronto-2 Standard_MeteredData 500 Equinix Toronto"}, ""},
		{"two on one access where a circuit must survive and there is no other", design.Shared, bell, "bandwidth: 300 Mbps, survives: [circuit]", "", nil,
			[]string{"er-toronto-1 Standard_MeteredData 500 Bell Canada Toronto", "er-toronto-2 Standard_MeteredData 500 Bell Canada Toronto"}, ""},
		{"Local for much data near the region", design.Shared, bell, "bandwidth: 800 Mbps", "traffic: {monthlyEgressGB: 200000}", nil, []string{"er-toronto-1 Local_UnlimitedData 1000 Bell Canada Toronto"}, "Local: every VNet is local to Toronto"},
		{"not Local where a network is elsewhere", design.Shared, bell, "bandwidth: 800 Mbps", "traffic: {monthlyEgressGB: 400000}", []string{"{name: b-net, region: canadacentral,", "{name: b-net, region: canadaeast,"},
			[]string{"er-toronto-1 Standard_UnlimitedData 1000 Bell Canada Toronto"}, ""},
		{"unlimited for whoever sends much, metered for whoever states little", design.Isolated, bell, "bandwidth: 300 Mbps, monthlyEgressGB: 1000", "traffic: {monthlyEgressGB: 100000}", nil,
			[]string{"er-a-1 Standard_MeteredData 500 Bell Canada Toronto", "er-b-1 Standard_UnlimitedData 100 Bell Canada Toronto"}, ""},
		{"Premium where a network is in another geography", design.Shared, bell, "bandwidth: 300 Mbps", "", []string{"{name: b-net, region: canadacentral,", "{name: b-net, region: westeurope,"},
			[]string{"er-toronto-1 Premium_MeteredData 500 Bell Canada Toronto"}, "Premium: westeurope is outside the geopolitical region of Toronto"},
		{"Premium for Microsoft 365", design.Shared, bell, "bandwidth: 300 Mbps, services: [azure, microsoft365]", "", nil, []string{"er-toronto-1 Premium_MeteredData 500 Bell Canada Toronto"}, "Premium: Microsoft 365 needs it"},
		{"on Direct ports, of a size that is made there", design.Isolated, "{model: direct, port: 10 Gbps, encapsulation: QinQ, location: Toronto}", "bandwidth: 3 Gbps", "", nil,
			[]string{"er-a-1 Standard_MeteredData 5 Gbps on erp-toronto-toronto", "er-b-1 Standard_MeteredData 1 Gbps on erp-toronto-toronto"}, ""},
	} {
		t.Run(x.name, func(t *testing.T) {
			d, obstacles := made(t, c, x.pattern, x.access, x.needs, x.more, x.edits...)
			if d == nil {
				t.Fatalf("%v", obstacles)
			}
			if got := bought(d); !slices.Equal(got, x.want) {
				t.Errorf("got %q\nwant %q", got, x.want)
			}
			if why := circuitsOf(d)[0].Tags[pattern.TagWhy]; !strings.HasPrefix(why, x.why) || x.why == "" && why != "" {
				t.Errorf("it says %q, want %q", why, x.why)
			}
		})
	}
}

func TestTooManyNetworksForStandardAreSaid(t *testing.T) {
	c := open(t)
	var lobs strings.Builder
	for i := range 10 {
		fmt.Fprintf(&lobs, "  - {name: more%d, networks: [{name: n%d, region: canadacentral}]}\n", i, i)
	}
	d, _ := made(t, c, design.Shared, bell, "bandwidth: 50 Mbps", "", "pools: {transit", lobs.String()+"pools: {transit")
	if got := circuitsOf(d)[0].Tags[pattern.TagWhy]; got != "12 VNets need 12 links; Standard allows 10, Premium at 200 Mbps 25, for +USD 150 a month" {
		t.Errorf("it says %q", got)
	}
}

func TestGatewaysAreOfTheSmallestSizeThatWillDo(t *testing.T) {
	c := open(t)
	for _, x := range []struct{ name, needs, want string }{
		{"little", "bandwidth: 300 Mbps", "Standard"},
		{"with zones", "bandwidth: 300 Mbps, survives: [zone]", "ErGw1AZ"},
		{"more than a small one carries", "bandwidth: 1500 Mbps", "HighPerformance"},
		{"more than a middle one carries, with zones", "bandwidth: 4 Gbps, survives: [zone]", "ErGw3AZ"},
	} {
		t.Run(x.name, func(t *testing.T) {
			d, _ := made(t, c, design.Isolated, bell, x.needs, "")
			for _, g := range azure.Of[*azure.VirtualNetworkGateway](d.Resources) {
				if g.Tags[design.TagLineOfBusiness] == "a" && g.Properties.SKU.Name != x.want {
					t.Errorf("got %s, want %s", g.Properties.SKU.Name, x.want)
				}
			}
		})
	}
}

func TestWhatStopsAPatternIsSaidWithAFix(t *testing.T) {
	c := open(t)
	for _, x := range []struct {
		name                string
		pattern             design.Pattern
		access, needs, more string
		need, message       string
	}{
		{"no other location", design.Shared, bell, "survives: [location]", "", "survives.location", "no access of toronto goes on when the location of toronto/bell-canada-toronto fails"},
		{"no other provider", design.Isolated, bell, "survives: [provider]", "", "survives.provider", "no access of toronto goes on when the provider of toronto/bell-canada-toronto fails"},
		{"no other site", design.Shared, bell, "survives: [site]", "", "", ""},
		{"a shared pattern for one that wants its own", design.SharedHubSpoke, bell, "dedicated: true", "", "dedicated", "the pattern shared-hub-spoke has one circuit for everybody"},
		{"inspection without a hub", design.Isolated, bell, "bandwidth: 10 Mbps", "sharedServices: {region: canadacentral, inspect: true}", "inspect", "sharedServices.inspect asks that every flow passes a hub's firewall, and the pattern isolated has no hub"},
		{"less access than is needed", design.Shared, "{provider: Bell Canada, model: ethernet, bandwidth: 200 Mbps, location: Toronto}", "bandwidth: 150 Mbps", "", "bandwidth", "the circuit has to carry 250 Mbps for a, b; access bell-canada-toronto of toronto has 200 Mbps left of 200 Mbps"},
		{"zones in a region that has none", design.SharedHubSpoke, bell, "survives: [zone]", "sharedServices: {region: canadaeast}", "survives.zone", "region canadaeast of vnet-hub has no availability zones"},
	} {
		t.Run(x.name, func(t *testing.T) {
			d, obstacles := made(t, c, x.pattern, x.access, x.needs, x.more)
			if d == nil {
				t.Fatalf("no design: %v", obstacles)
			}
			i := slices.IndexFunc(obstacles, func(o pattern.Obstacle) bool { return o.Need == x.need && o.Message == x.message && o.Fix != "" })
			if x.need != "" && i < 0 {
				t.Errorf("found %+v", obstacles)
			}
			if x.need == "" && len(obstacles) > 0 {
				t.Errorf("found %+v, though a failed site's own flows need not live on", obstacles)
			}
		})
	}
}

func TestThePremisesHalfFollowsFromTheCircuits(t *testing.T) {
	c := open(t)
	d, _ := made(t, c, design.Shared, bell+", {provider: Bell Canada, model: ethernet, bandwidth: 1 Gbps, location: Montreal}", "bandwidth: 300 Mbps, survives: [location]", "")
	site := &d.Premises.Sites[0]
	for i, r := range site.Routers {
		want := []string{"er-toronto-1/private/" + [...]string{"primary", "secondary"}[i], "er-toronto-2/private/" + [...]string{"primary", "secondary"}[i]}
		var got []string
		for j := range r.Sessions {
			s := &r.Sessions[j]
			got = append(got, s.Name)
			pref := map[string]uint32{"er-toronto-1": 200, "er-toronto-2": 100}[s.Circuit.Name()]
			if *s.Import.Terms[0].Set.LocalPref != pref || s.HoldSec != c.Limits().HoldSeconds || s.BFDMilliseconds != c.Limits().BFDMilliseconds || s.PeerASN != 12076 {
				t.Errorf("%s: %+v", s.Name, s)
			}
			if s.LocalAddress.Addr() != s.LocalAddress.Masked().Addr().Next() || s.PeerAddress != s.LocalAddress.Addr().Next() {
				t.Errorf("%s: %s and %s are not the first and second host", s.Name, s.LocalAddress, s.PeerAddress)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s has %v, want %v", r.Name, got, want)
		}
	}
	for _, x := range azure.Of[*azure.VirtualNetworkGatewayConnection](d.Resources) {
		if want := map[string]int{"er-toronto-1": 100, "er-toronto-2": 0}[x.Properties.Peer.ID.Name()]; x.Properties.RoutingWeight != want {
			t.Errorf("%s has weight %d, want %d", x.Name, x.Properties.RoutingWeight, want)
		}
		foreign := !strings.HasPrefix(string(x.Properties.Peer.ID), "/subscriptions/"+strings.Split(string(x.ID), "/")[2]+"/")
		if foreign != (x.Properties.AuthorizationKey != "") {
			t.Errorf("%s: authorization %q of a circuit in another subscription: %v", x.Name, x.Properties.AuthorizationKey, foreign)
		}
	}
}

func TestAnIPVPNHasProviderEdgesAndCustomersBehindThem(t *testing.T) {
	c := open(t)
	d, obstacles := made(t, c, design.Shared, "{provider: Bell Canada, model: ip-vpn, bandwidth: 1 Gbps, location: Toronto, providerAsn: 577}", "bandwidth: 300 Mbps", "")
	if d == nil {
		t.Fatal(obstacles)
	}
	if n := len(d.Premises.ProviderEdges); n != 2 {
		t.Fatalf("%d provider edges", n)
	}
	for _, pe := range d.Premises.ProviderEdges {
		if pe.ASN != 577 || len(pe.Sessions) != 2 {
			t.Errorf("%s: AS %s with %d sessions", pe.Name, pe.ASN, len(pe.Sessions))
		}
		for i := range pe.Sessions {
			if s := &pe.Sessions[i]; s.Circuit == "" && !s.ASOverride {
				t.Errorf("%s does not replace the customer's number, so sites would refuse each other's routes", s.Name)
			}
		}
	}
	if p := circuitsOf(d)[0].Properties.Peerings[0].Properties; p.PeerASN != 577 {
		t.Errorf("the circuit's peer is AS %d", p.PeerASN)
	}
}

func TestMicrosoftPeeringLetsInOnlyWhatIsAskedFor(t *testing.T) {
	c := open(t)
	for _, x := range []struct {
		services string
		want     []string
	}{
		{"[azure, azure-public]", []string{"12076:51015"}},
		{"[microsoft365]", []string{"12076:5010", "12076:5020", "12076:5030", "12076:5060", "12076:5100"}},
	} {
		d, obstacles := made(t, c, design.Isolated, bell, "bandwidth: 300 Mbps, services: "+x.services, "")
		if d == nil {
			t.Fatal(obstacles)
		}
		f := azure.Of[*azure.RouteFilter](d.Resources)
		if len(f) != 1 {
			t.Fatalf("%s: %d route filters", x.services, len(f))
		}
		region, ok := c.Region("canadacentral")
		want := x.want
		if ok && len(want) == 1 {
			want = []string{region.CommunityMicrosoft}
		}
		if got := f[0].Properties.Rules[0].Properties.Communities; !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", x.services, got, want)
		}
	}
}

func TestRolesAreNoWiderThanWhatTheyAreFor(t *testing.T) {
	c := open(t)
	d, _ := made(t, c, design.SharedHubSpoke, bell, "bandwidth: 300 Mbps, reaches: [shared]", "sharedServices: {region: canadacentral, inspect: true}")
	n := 0
	for _, a := range azure.Of[*azure.RoleAssignment](d.Resources) {
		n++
		p, err := azure.ParseID(string(a.Properties.Scope))
		if err != nil || p.Provider == "" {
			t.Errorf("%s is granted on %s", a.Properties.Description, a.Properties.Scope)
		}
		if strings.Contains(a.Properties.Description, "grp-a-network") && strings.Contains(string(a.Properties.Scope), "b-net") {
			t.Errorf("a may touch b's: %s", a.Properties.Description)
		}
	}
	if n == 0 {
		t.Error("nobody may do anything")
	}
}
