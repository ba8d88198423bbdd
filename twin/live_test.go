package twin

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"onramp/azure"
	"onramp/design"
	"onramp/rehearse"
)

// deployed is a twin to which a client has sent a design.
type deployed struct {
	*running
	token string
	// rs are the design's resources with the subscriptions' GUIDs.
	rs azure.Resources
}

// deploy sends a design's resources one after another, as a client does, and tells its premises.
func (r *running) deploy(d *design.Design) *deployed {
	r.t.Helper()
	guids := map[string]string{}
	for _, x := range d.Resources {
		p, err := azure.ParseID(string(x.Head().ID))
		if err != nil || p.Subscription == "" || guids[p.Subscription] != "" {
			continue
		}
		if _, err := r.Do(Command{Subscription: p.Subscription}); err != nil {
			if _, known := r.directory.Subscription(p.Subscription); !known {
				r.t.Fatal(err)
			}
		}
		guids[p.Subscription] = r.subscription(p.Subscription)
	}
	rs, err := azure.Rehome(d.Resources, guids)
	if err != nil {
		r.t.Fatal(err)
	}
	out := &deployed{running: r, token: r.signIn("owner", "the-owners-secret-1234"), rs: rs}
	b, err := json.Marshal(rs)
	if err != nil {
		r.t.Fatal(err)
	}
	var list []object
	if err := json.Unmarshal(b, &list); err != nil {
		r.t.Fatal(err)
	}
	keys := map[string]string{} // what stands in the design for a key that the endpoint issues
	var peerings []object
	for _, o := range list {
		if strings.HasPrefix(at(o, "type"), "Microsoft.Authorization/") {
			continue
		}
		props, _ := o["properties"].(object)
		for _, p := range objects(props["virtualNetworkPeerings"]) {
			p["id"] = at(o, "id") + "/virtualNetworkPeerings/" + at(p, "name")
			peerings = append(peerings, p)
		}
		delete(props, "virtualNetworkPeerings")
		if k := keys[at(props, "authorizationKey")]; k != "" {
			props["authorizationKey"] = k
		}
		got := out.put(o)
		was, is := objects(props["authorizations"]), objects(inside(got, "properties")["authorizations"])
		for i := range was {
			for k := range is {
				if at(was[i], "name") == at(is[k], "name") {
					keys[at(was[i], "properties", "authorizationKey")] = at(is[k], "properties", "authorizationKey")
				}
			}
		}
	}
	for _, uses := range []bool{false, true} { // who lends its gateway first, as Azure asks
		for _, p := range peerings {
			if does, _ := inside(p, "properties")["useRemoteGateways"].(bool); does == uses {
				out.put(p)
			}
		}
	}
	if err := r.SetPremises(d.Premises); err != nil {
		r.t.Fatal(err)
	}
	return out
}

func inside(o object, name string) object { x, _ := o[name].(object); return x }

func objects(v any) []object {
	var out []object
	list, _ := v.([]any)
	for _, x := range list {
		if o, ok := x.(object); ok {
			out = append(out, o)
		}
	}
	return out
}

func (d *deployed) put(o object) object {
	d.t.Helper()
	b, err := json.Marshal(o)
	if err != nil {
		d.t.Fatal(err)
	}
	return d.must(http.MethodPut, at(o, "id"), d.token, string(b))
}

// settle waits for the network.
func (r *running) settle() {
	r.t.Helper()
	ctx, end := context.WithTimeout(r.t.Context(), time.Minute)
	defer end()
	if err := r.Settled(ctx); err != nil {
		r.t.Fatal(err)
	}
}

// await waits until something is so.
func (r *running) await(what string, is func() bool) {
	r.t.Helper()
	ctx, end := context.WithTimeout(r.t.Context(), time.Minute)
	defer end()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			r.t.Fatalf("it does not come so far: %s", what)
		}
	}
}

// ask posts an action and returns the rows that are answered, each written down, sorted.
func (d *deployed) ask(id azure.ID, action string) []string {
	d.t.Helper()
	got := d.must(http.MethodPost, string(id)+"/"+action, d.token, "")
	var out []string
	for _, x := range objects(got["value"]) {
		b, err := json.Marshal(x)
		if err != nil {
			d.t.Fatal(err)
		}
		out = append(out, string(b))
	}
	slices.Sort(out)
	return out
}

// learned are the routes of every gateway, by its id.
func (d *deployed) learned() map[azure.ID][]string {
	out := map[azure.ID][]string{}
	for _, g := range azure.Of[*azure.VirtualNetworkGateway](d.rs) {
		out[g.ID] = d.ask(g.ID, "getLearnedRoutes")
	}
	return out
}

func (d *deployed) connections() map[azure.ID]string {
	out := map[azure.ID]string{}
	for _, c := range azure.Of[*azure.VirtualNetworkGatewayConnection](d.rs) {
		out[c.ID] = at(d.must(http.MethodGet, string(c.ID), d.token, ""), "properties", "connectionStatus")
	}
	return out
}

// transitions are the sessions, by names, that came up or went down after an event.
func (r *running) transitions(after uint64) (last uint64, sessions []string) {
	r.t.Helper()
	ctx, end := context.WithCancel(r.t.Context())
	end()
	last = after
	for _, x := range r.estate.Events(ctx, after) {
		last = x.Number
		if x.What == "session" && !slices.Contains(sessions, x.Session) {
			sessions = append(sessions, x.Session)
		}
	}
	return last, sessions
}

func TestWhatIsDeployedRunsAndWhatIsCutIsSeenThroughTheAPI(t *testing.T) {
	dir := t.TempDir()
	r := start(t, dir, nil)
	des := designOf(t, mustCatalog(t), "northwind", design.Isolated)
	d := r.deploy(des)
	r.settle()
	for id, is := range d.connections() {
		if is != "Connected" {
			t.Errorf("%s is %s", id.Name(), is)
		}
	}
	whole := d.learned()
	for id, list := range whole {
		if len(list) < 4 {
			t.Errorf("%s learns only %v", id.Name(), list)
		}
	}

	// A change of something else disturbs nobody.
	last, _ := r.transitions(0)
	circuit := azure.Of[*azure.ExpressRouteCircuit](d.rs)[0]
	group := circuit.ID[:strings.Index(string(circuit.ID), "/providers/")]
	d.must(http.MethodPut, string(group)+"/providers/Microsoft.Network/virtualNetworks/new", d.token, hubNetwork)
	r.settle()
	last, disturbed := r.transitions(last)
	if len(disturbed) > 0 {
		t.Error("a network that came disturbs", disturbed)
	}

	// A link is cut in silence.
	link := des.Premises.Attachments[0].Name
	if _, err := Tell(dir, Command{Net: &Net{Fault: &rehearse.Step{Cut: "link:" + link}}}); err != nil {
		t.Fatal(err)
	}
	r.await("the gateways learn less", func() bool {
		less := false
		for id, list := range d.learned() {
			less = less || len(list) < len(whole[id])
		}
		return less
	})
	r.settle()
	last, cut := r.transitions(last)
	carried := 0
	for _, s := range cut {
		for _, x := range des.Premises.Sites {
			for _, y := range x.Routers {
				for _, z := range y.Sessions {
					if z.Name == s && z.Attachment == link {
						carried++
					}
				}
			}
		}
	}
	if carried == 0 || carried != len(cut) {
		t.Errorf("of the sessions that went down %d were on the link: %v", carried, cut)
	}
	short := d.learned()

	// It is cut still when the twin comes back, and its sessions come up by themselves.
	r.stopped()
	again := start(t, dir, nil)
	d.running = again
	again.settle()
	for id, list := range d.learned() {
		if !slices.Equal(list, short[id]) {
			t.Errorf("after the restart %s learns other routes", id.Name())
		}
	}
	for id, is := range d.connections() {
		if is != "Connected" {
			t.Errorf("after the restart %s is %s", id.Name(), is)
		}
	}
	if _, err := Tell(dir, Command{Net: &Net{Restore: []string{"link:" + link + "x"}}}); err == nil || !strings.Contains(err.Error(), "did you mean link:"+link) {
		t.Error(err)
	}
	if _, err := Tell(dir, Command{Net: &Net{Restore: []string{"link:" + link}}}); err != nil {
		t.Fatal(err)
	}
	again.settle()
	for id, list := range d.learned() {
		if !slices.Equal(list, whole[id]) {
			t.Errorf("after the repair %s learns other routes", id.Name())
		}
	}
	_ = last
}

func TestACircuitIsUpgradedUnderAPingAndNoPacketIsLost(t *testing.T) {
	r := start(t, t.TempDir(), nil)
	des := designOf(t, mustCatalog(t), "northwind", design.Isolated)
	d := r.deploy(des)
	r.settle()
	names, err := r.NetNames(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	subnet := ""
	for _, h := range names.Hosts {
		if strings.Contains(h, "/") && subnet == "" {
			subnet = h
		}
	}
	ctx, end := context.WithCancel(t.Context())
	var pongs []Pong
	enough := make(chan struct{})
	pinged := make(chan error, 1)
	go func() {
		pinged <- r.Ping(ctx, PingRequest{From: des.Premises.Sites[0].Name, To: subnet, Interval: 10 * time.Millisecond}, func(x Pong) error {
			pongs = append(pongs, x)
			if len(pongs) == 50 {
				close(enough)
			}
			return nil
		})
	}()
	select {
	case <-enough:
	case err := <-pinged:
		t.Fatal(err)
	}
	upgrades := []func(c *azure.ExpressRouteCircuit){
		func(c *azure.ExpressRouteCircuit) {
			if p := c.Properties.ServiceProviderProperties; p != nil {
				p.BandwidthInMbps = 10_000
			}
		},
		func(c *azure.ExpressRouteCircuit) { c.SKU.Tier, c.SKU.Name = "Premium", "Premium_"+c.SKU.Family },
		func(c *azure.ExpressRouteCircuit) {
			c.SKU.Family, c.SKU.Name = "UnlimitedData", c.SKU.Tier+"_UnlimitedData"
		},
	}
	for _, c := range azure.Of[*azure.ExpressRouteCircuit](d.rs) {
		for _, up := range upgrades {
			up(c)
			b, err := azure.Marshal(c)
			if err != nil {
				t.Fatal(err)
			}
			var o object
			if err := json.Unmarshal(b, &o); err != nil {
				t.Fatal(err)
			}
			d.put(o)
			r.settle()
		}
		got := d.must(http.MethodGet, string(c.ID), d.token, "")
		if at(got, "sku", "name") != "Premium_UnlimitedData" {
			t.Error(got["sku"])
		}
	}
	end()
	if err := <-pinged; err != context.Canceled { //nolint:errorlint // it is the cause itself
		t.Error(err)
	}
	for _, x := range pongs {
		if !x.Answered {
			t.Errorf("%+v", x)
		}
	}
	t.Log(len(pongs), "packets")
}
