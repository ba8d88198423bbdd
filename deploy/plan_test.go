package deploy

import (
	"encoding/json"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"onramp/azure"
	"onramp/cloud"
	"onramp/design"
	"onramp/twin"
)

// put writes something beside the deployment, as somebody else would.
func (r *rig) put(id azure.ID, body any) {
	r.t.Helper()
	o, err := r.endpoint().Put(r.t.Context(), id, body)
	if err == nil {
		_, err = o.Wait(r.t.Context())
	}
	if err != nil {
		r.t.Fatal(err)
	}
}

// body is what the endpoint has of something.
func (r *rig) body(id azure.ID) object {
	r.t.Helper()
	b, err := r.endpoint().Get(r.t.Context(), id)
	if err != nil {
		r.t.Fatal(err)
	}
	var o object
	if err := json.Unmarshal(b, &o); err != nil {
		r.t.Fatal(err)
	}
	return o
}

// only is the target's only item of a type whose name holds a word.
func (t *Target) only(typ, word string) *item {
	for _, x := range t.items {
		if x.is(typ) && strings.Contains(x.id.Name(), word) {
			return x
		}
	}
	return nil
}

// kinds are the changes of a plan in short.
func kinds(p *Plan) []string {
	var out []string
	for _, c := range p.Changes {
		s := string(c.Kind) + " " + shortType(c.Type) + " " + c.ID.Name() + " " + string(c.Impact)
		for _, x := range c.Properties {
			s += " " + x.Path + ":" + string(x.From) + ">" + string(x.To)
		}
		for _, x := range c.Drift {
			s += " drift " + x.Path + ":" + string(x.From) + ">" + string(x.To)
		}
		out = append(out, s)
	}
	return out
}

// altered is a design with changes made to a resource of a type.
func altered[T azure.Resource](t *testing.T, d *design.Design, do func(T) bool) *design.Design {
	t.Helper()
	b, err := d.Encode()
	if err != nil {
		t.Fatal(err)
	}
	e, err := design.Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range azure.Of[T](e.Resources) {
		if do(x) {
			return e
		}
	}
	t.Fatal("nothing was altered")
	return nil
}

func TestAPlanSaysWhatAChangeDoes(t *testing.T) {
	r := newRig(t, twin.Options{})
	d := designOf(t, r.c, "fabrikam-isolated")
	if _, err := r.apply(r.target(d), quick()); err != nil {
		t.Fatal(err)
	}
	trading := func(h *azure.Header) bool { return strings.Contains(h.Name, "trading") }
	for _, c := range []struct {
		name string
		d    *design.Design
		want []string
	}{
		{"more bandwidth", altered(t, d, func(c *azure.ExpressRouteCircuit) bool {
			c.Properties.ServiceProviderProperties.BandwidthInMbps = 10000
			return trading(&c.Header)
		}),
			[]string{"change expressRouteCircuits er-trading-1 none properties.serviceProviderProperties.bandwidthInMbps:1000>10000"}},
		{"less bandwidth", altered(t, d, func(c *azure.ExpressRouteCircuit) bool {
			if trading(&c.Header) {
				c.Properties.ServiceProviderProperties.BandwidthInMbps = 50
			}
			return trading(&c.Header)
		}), []string{"not-in-place expressRouteCircuits er-trading-1 refused properties.serviceProviderProperties.bandwidthInMbps:1000>50"}},
		{"another VLAN", altered(t, d, func(c *azure.ExpressRouteCircuit) bool {
			if trading(&c.Header) {
				c.Properties.Peerings[0].Properties.VLANID = 321
			}
			return trading(&c.Header)
		}), []string{"change expressRouteCircuits/peerings AzurePrivatePeering interrupts properties.vlanId:101>321"}},
		{"another place", altered(t, d, func(c *azure.ExpressRouteCircuit) bool {
			if trading(&c.Header) {
				c.Properties.ServiceProviderProperties.PeeringLocation = "Frankfurt"
			}
			return trading(&c.Header)
		}), []string{`not-in-place expressRouteCircuits er-trading-1 refused properties.serviceProviderProperties.peeringLocation:"London">"Frankfurt"`}},
		{"another weight", altered(t, d, func(c *azure.VirtualNetworkGatewayConnection) bool {
			if trading(&c.Header) {
				c.Properties.RoutingWeight = 7
			}
			return trading(&c.Header)
		}), []string{"change connections cn-trading-trading-1 none properties.routingWeight:0>7"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			target := r.target(c.d)
			before := r.log.all()
			p := r.plan(target, PlanOptions{})
			got := slices.DeleteFunc(kinds(p), func(s string) bool { return !strings.Contains(s, "trading") && !strings.Contains(s, "Peering") })
			for i := range got {
				got[i] = strings.Replace(got[i], "null>7", "0>7", 1)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
			if p.Count(Refuse) == 0 {
				return
			}
			_, err := r.apply(target, Options{Catalog: r.c})
			if _, ok := err.(*RefusedError); !ok || !cmp.Equal(before, r.log.all()) { //nolint:errorlint // it is that itself
				t.Errorf("%v, or something was written", err)
			}
		})
	}
}

func TestDriftIsToldAndSetRight(t *testing.T) {
	r := newRig(t, twin.Options{})
	target := r.target(designOf(t, r.c, "fabrikam-isolated"))
	if _, err := r.apply(target, quick()); err != nil {
		t.Fatal(err)
	}
	c := target.only("connections", "trading")
	b := r.body(c.id)
	b["properties"].(object)["routingWeight"] = 9
	r.put(c.id, b)
	gone := target.only("connections", "retail")
	o, err := r.endpoint().Delete(t.Context(), gone.id)
	if err == nil {
		_, err = o.Wait(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		`create connections cn-retail-retail-1 none drift :"there">null`,
		`change connections cn-trading-trading-1 none properties.routingWeight:9>null drift properties.routingWeight:null>9`,
	}
	got := slices.DeleteFunc(kinds(r.plan(target, PlanOptions{})), func(s string) bool { return strings.Contains(s, "roleAssignments") })
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, err := r.apply(target, quick()); err != nil {
		t.Fatal(err)
	}
	if p := r.plan(target, PlanOptions{}); len(p.Changes) > 0 {
		t.Error(kinds(p))
	}
}

func TestWhatSomebodyElseMadeStaysUnlessTold(t *testing.T) {
	r := newRig(t, twin.Options{})
	d := designOf(t, r.c, "fabrikam-isolated")
	target := r.target(d)
	// A resource group and a network that were there before, with a tag and a subnet of their own.
	g := target.items[0]
	r.put(g.id, object{"location": g.body["location"], "tags": object{"owner": "platform"}})
	v := target.only("virtualNetworks", "")
	own := copied(v.body)
	own["properties"] = object{"addressSpace": find(v.body, "properties", "addressSpace")}
	for _, x := range target.items { // its group
		if x.id.Equal(v.id.Parent()) {
			r.put(x.id, object{"location": x.body["location"], "tags": object{"owner": "platform"}})
		}
	}
	own["tags"] = object{"cost-centre": "12"}
	r.put(v.id, own)
	if _, err := r.apply(target, quick()); err != nil {
		t.Fatal(err)
	}
	if tags, _ := r.body(v.id)["tags"].(object); tags["cost-centre"] != "12" || tags[design.TagDesign] != nil {
		t.Error(tags)
	}
	// Later somebody adds a network of their own to a group that this design made, and a peering from one of its networks.
	var made *item
	for _, x := range target.items {
		if x.is("virtualNetworks") && x != v {
			made = x
		}
	}
	foreign := made.id.Parent() + "/providers/Microsoft.Network/virtualNetworks/theirs"
	r.put(foreign, object{"location": "westeurope", "properties": object{"addressSpace": object{"addressPrefixes": []any{"192.168.0.0/24"}}, "subnets": []any{object{"name": "a", "properties": object{"addressPrefix": "192.168.0.0/25"}}}}})
	r.put(made.id+"/virtualNetworkPeerings/to-theirs", object{"properties": object{"remoteVirtualNetwork": object{"id": string(foreign)}, "allowVirtualNetworkAccess": true}})
	sub := made.id + "/subnets/theirs"
	prefix := freePrefix(t, made)
	r.put(sub, object{"properties": object{"addressPrefix": prefix}})
	p := r.plan(target, PlanOptions{})
	if p.Count(Extra) != 2 || p.Count(Delete) != 0 || p.Steps() != 0 || p.Drifted() == 0 {
		t.Error(kinds(p))
	}
	// A change of the network leaves both; being told takes both away.
	next := r.target(altered(t, d, func(x *azure.VirtualNetwork) bool {
		if x.Name == made.id.Name() {
			x.Tags["onramp-why"] = "a change"
		}
		return x.Name == made.id.Name()
	}))
	if _, err := r.apply(next, quick()); err != nil {
		t.Fatal(err)
	}
	for _, id := range []azure.ID{sub, made.id + "/virtualNetworkPeerings/to-theirs"} {
		r.body(id)
	}
	o := quick()
	o.DeleteExtra = true
	if _, err := r.apply(next, o); err != nil {
		t.Fatal(err)
	}
	for _, id := range []azure.ID{sub, made.id + "/virtualNetworkPeerings/to-theirs"} {
		if _, err := r.endpoint().Get(t.Context(), id); err == nil {
			t.Errorf("%s is there", id)
		}
	}
	// A destroy takes what it made, and the group not that somebody uses.
	got, err := r.destroy(next, quick())
	if err != nil {
		t.Fatal(err)
	}
	r.body(foreign)
	r.body(v.id)
	if len(got.Kept) < 2 {
		t.Errorf("%+v", got.Kept)
	}
}

// freePrefix is a prefix in a network's address space that no subnet has.
func freePrefix(t *testing.T, v *item) string {
	t.Helper()
	list, _ := find(v.body, "properties", "addressSpace", "addressPrefixes").([]any)
	space, _ := list[0].(string)
	all := netip.MustParsePrefix(space)
	var taken []netip.Prefix
	for _, s := range elements(v.body, "subnets") {
		taken = append(taken, netip.MustParsePrefix(text(s, "properties", "addressPrefix")))
	}
	for a := all.Addr(); all.Contains(a); {
		p := netip.PrefixFrom(a, 28)
		if !slices.ContainsFunc(taken, p.Overlaps) {
			return p.String()
		}
		for range 16 {
			a = a.Next()
		}
	}
	t.Fatal("there is none")
	return ""
}

func TestWhatTheDesignHasNoMoreGoes(t *testing.T) {
	r := newRig(t, twin.Options{})
	d := designOf(t, r.c, "fabrikam-isolated")
	if _, err := r.apply(r.target(d), quick()); err != nil {
		t.Fatal(err)
	}
	b, _ := d.Encode()
	less, err := design.Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	less.Resources = slices.DeleteFunc(less.Resources, func(x azure.Resource) bool { return strings.Contains(string(x.Head().ID), "sub-retail") })
	target := r.target(less)
	p := r.plan(target, PlanOptions{})
	if p.Count(Delete) == 0 || p.Count(Delete) != len(p.Changes) {
		t.Fatal(kinds(p))
	}
	got, err := r.apply(target, quick())
	if err != nil || got.Deleted != p.Count(Delete) {
		t.Fatal(got, err)
	}
	if p := r.plan(target, PlanOptions{}); len(p.Changes) > 0 {
		t.Error(kinds(p))
	}
}

func TestNamesThatStandForNothingAreRefused(t *testing.T) {
	d := designOf(t, newRig(t, twin.Options{}).c, "fabrikam-isolated")
	if _, err := Prepare(d, Names{}); err == nil || !strings.Contains(err.Error(), Principals(d)[0]) {
		t.Error(err)
	}
}

func TestPrerequisitesAreWhatTheEndpointShows(t *testing.T) {
	r := newRig(t, twin.Options{})
	target := r.target(designOf(t, r.c, "northwind"))
	j := &Journal{past: remember(nil)}
	h, err := Read(t.Context(), r.endpoint(), target, j)
	if err != nil {
		t.Fatal(err)
	}
	list, err := Prerequisites(t.Context(), r.endpoint(), target, h)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range list {
		if p.State != Met {
			t.Errorf("%+v", p)
		}
	}
	if len(list) < 3*5+2 {
		t.Errorf("%d", len(list))
	}
	other, err := cloud.Open(t.Context(), cloud.Config{Endpoint: r.tw.URL(), Authority: r.tw.URL() + "/", Audience: "https://management.azure.com", Transport: r.web, Credential: fixed(r.token)})
	if err != nil {
		t.Fatal(err)
	}
	var strangers Target
	strangers.Name, strangers.byKey = "x", map[string]*item{}
	if err := strangers.add(json.RawMessage(`{"id":"/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/g","name":"g","type":"Microsoft.Resources/resourceGroups","location":"westeurope"}`)); err != nil {
		t.Fatal(err)
	}
	if list, err = Prerequisites(t.Context(), other, &strangers, newThere(&strangers, j.past)); err != nil || len(list) != 1 || list[0].State != Unmet {
		t.Error(list, err)
	}
}
