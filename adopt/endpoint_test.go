package adopt_test

import (
	"context"
	"crypto/rand"
	"crypto/sha1"
	"encoding/json"
	"fmt"
	"maps"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/google/go-cmp/cmp"

	"onramp/adopt"
	"onramp/arm"
	"onramp/azure"
	"onramp/catalog"
	"onramp/cloud"
	"onramp/design"
	"onramp/examples"
	"onramp/intent"
	"onramp/network"
	"onramp/pattern"
)

// facts is the catalogue.
func facts(t testing.TB) *catalog.Catalog {
	t.Helper()
	c, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// endpoint is one that keeps all in memory, and a client that has signed in there.
type endpoint struct {
	*cloud.Endpoint
	t         *testing.T
	c         *catalog.Catalog
	directory *arm.Directory
}

// login issues its own tokens.
type login struct {
	tokens *arm.Tokens
	who    *arm.Principal
}

func (l login) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	token, expires, err := l.tokens.Issue(l.who, audience)
	return azcore.AccessToken{Token: token, ExpiresOn: expires}, err
}

const audience = "https://management.azure.com"

// start starts an endpoint, of which the owner may do everything, and signs in.
func start(t *testing.T, p design.Premises) *endpoint {
	t.Helper()
	c := facts(t)
	d := arm.NewDirectory("test")
	owner, err := d.AddPrincipal("owner", "", "", "a-secret-that-is-long-enough-1")
	if err != nil {
		t.Fatal(err)
	}
	a := arm.NewAccess(c, d)
	role, _ := a.Definition("Owner")
	if _, refusal := a.Assign(arm.RoleAssignment{Name: guid("owner of all"), Scope: "/", Role: role.ID, Principal: owner.ObjectID}); refusal != nil {
		t.Fatal(refusal)
	}
	web := httptest.NewUnstartedServer(nil)
	site, err := arm.NewSite(web.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	keys, err := arm.OpenKeys(filepath.Join(t.TempDir(), "keys"), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	gate := &arm.Gate{Directory: d, Tokens: arm.NewTokens(keys, d.Tenant(), site, time.Now), Access: a}
	s, err := arm.New(arm.Config{Catalog: c, Store: arm.NewMemoryStore(), Gate: gate, Now: time.Now, Random: rand.Reader, Pace: arm.PaceInstant, Premises: p})
	if err != nil {
		t.Fatal(err)
	}
	web.Config.Handler = s
	web.StartTLS()
	t.Cleanup(web.Close)
	e, err := cloud.Open(t.Context(), cloud.Config{Endpoint: web.URL, Authority: "https://login.example/", Audience: audience, Transport: web.Client(), Credential: login{gate.Tokens, owner}})
	if err != nil {
		t.Fatal(err)
	}
	return &endpoint{Endpoint: e, t: t, c: c, directory: d}
}

// put writes a resource and returns it as it is answered.
func (e *endpoint) put(o map[string]any) map[string]any {
	e.t.Helper()
	id, _ := o["id"].(string)
	op, err := e.Put(e.t.Context(), azure.ID(id), o)
	if err != nil {
		e.t.Fatalf("%s: %v", id, err)
	}
	b, err := op.Wait(e.t.Context())
	if err != nil {
		e.t.Fatalf("%s: %v", id, err)
	}
	var out map[string]any
	if err := json.Unmarshal(b, &out); err != nil {
		e.t.Fatal(err)
	}
	return out
}

// guid is one that belongs to a name.
func guid(name string) string {
	h := sha1.Sum([]byte(name))
	return fmt.Sprintf("%x-%x-%x-%x-%x", h[:4], h[4:6], h[6:8], h[8:10], h[10:16])
}

// homes makes a subscription for each that a design names, apart from those of others, and returns their GUIDs.
func (e *endpoint) homes(d *design.Design, mark string) map[string]string {
	e.t.Helper()
	names, err := azure.Subscriptions(d.Resources)
	if err != nil {
		e.t.Fatal(err)
	}
	out := map[string]string{}
	for _, n := range names {
		out[n] = guid(n + mark)
		if _, err := e.directory.AddSubscription(n+"-"+mark, out[n]); err != nil {
			e.t.Fatal(err)
		}
	}
	return out
}

func (e *endpoint) principals(d *design.Design) map[string]string {
	out := map[string]string{}
	for _, a := range azure.Of[*azure.RoleAssignment](d.Resources) {
		name := strings.TrimSuffix(strings.TrimPrefix(a.Properties.PrincipalID, "<object id of "), ">")
		out[name] = guid(name)
	}
	return out
}

// deploy writes a design's resources in an order in which each finds what it refers to.
func (e *endpoint) deploy(d *design.Design, homes, principals map[string]string) {
	e.t.Helper()
	rs, err := azure.Rehome(d.Resources, homes)
	if err != nil {
		e.t.Fatal(err)
	}
	b, err := json.Marshal(rs)
	if err != nil {
		e.t.Fatal(err)
	}
	s := string(b)
	for name, id := range principals {
		s = strings.ReplaceAll(s, `<object id of `+name+`>`, id)
		s = strings.ReplaceAll(s, `\u003cobject id of `+name+`\u003e`, id)
	}
	var list []map[string]any
	if err := json.Unmarshal([]byte(s), &list); err != nil {
		e.t.Fatal(err)
	}
	keys := map[string]any{}
	var peerings []map[string]any
	for _, o := range list {
		props, _ := o["properties"].(map[string]any)
		if l, ok := props["virtualNetworkPeerings"].([]any); ok {
			for _, p := range l {
				p, _ := p.(map[string]any)
				p["id"] = fmt.Sprint(o["id"], "/virtualNetworkPeerings/", p["name"])
				peerings = append(peerings, p)
			}
			delete(props, "virtualNetworkPeerings")
		}
		if k, ok := props["authorizationKey"].(string); ok {
			props["authorizationKey"] = keys[k]
		}
		was, _ := props["authorizations"].([]any)
		var words []string
		for _, a := range was {
			p, _ := a.(map[string]any)["properties"].(map[string]any)
			words = append(words, fmt.Sprint(p["authorizationKey"]))
			delete(p, "authorizationKey")
		}
		got := e.put(o)
		now, _ := got["properties"].(map[string]any)["authorizations"].([]any)
		for i, w := range words {
			for _, a := range now {
				if a := a.(map[string]any); a["name"] == was[i].(map[string]any)["name"] {
					keys[w] = a["properties"].(map[string]any)["authorizationKey"]
				}
			}
		}
	}
	for _, uses := range []bool{false, true} { // who lends its gateway first, as Azure asks
		for _, p := range peerings {
			if does, _ := p["properties"].(map[string]any)["useRemoteGateways"].(bool); does == uses {
				e.put(p)
			}
		}
	}
}

// compiled is the design of an example with a pattern; nil where there is none.
func compiled(t testing.TB, c *catalog.Catalog, name string, p design.Pattern) *design.Design {
	t.Helper()
	src, err := examples.Read(name)
	if err != nil {
		t.Fatal(err)
	}
	e, _ := intent.Parse(name+".yaml", src, c)
	if e == nil {
		t.Fatal(name + " does not parse")
	}
	d, _ := pattern.Compile(p, e, c, pattern.Options{})
	return d
}

// encoded is a design as it is written.
func encoded(t testing.TB, d *design.Design) string {
	t.Helper()
	b, err := d.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestADesignThatIsDeployedAndImportedIsTheSame(t *testing.T) {
	for i, name := range examples.Names() {
		for j, p := range design.Patterns() {
			t.Run(name+"/"+string(p), func(t *testing.T) {
				t.Parallel()
				e := start(t, design.Premises{})
				d := compiled(t, e.c, name, p)
				if d == nil {
					return
				}
				homes, principals := e.homes(d, fmt.Sprintf("%d-%d", i, j)), e.principals(d)
				e.deploy(d, homes, principals)
				f, err := adopt.FromEndpoint(t.Context(), e.Endpoint, adopt.Scope{Subscriptions: slices.Sorted(maps.Values(homes))})
				if err != nil {
					t.Fatal(err)
				}
				o := adopt.Options{Premises: d, Subscriptions: homes, Catalog: e.c}
				r, err := adopt.Import([]*adopt.Found{f}, o)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(strings.Split(encoded(t, d), "\n"), strings.Split(encoded(t, r.Design), "\n")); diff != "" {
					t.Errorf("%s", diff[:min(len(diff), 6000)])
				}
				for _, n := range r.Notes {
					if n.Kind != adopt.LeftOut {
						t.Error(n)
					}
				}
				if len(r.Assumptions) > 0 {
					t.Error(r.Assumptions)
				}
			})
		}
	}
}

// at are premises whose circuits are in other subscriptions.
func at(t *testing.T, p design.Premises, homes map[string]string) design.Premises {
	t.Helper()
	b, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	s := string(b)
	for n, id := range homes {
		s = strings.ReplaceAll(s, `"/subscriptions/`+n+`/`, `"/subscriptions/`+id+`/`)
	}
	var out design.Premises
	if err := json.Unmarshal([]byte(s), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestPremisesAreDrawnFromWhatPeeringsTell(t *testing.T) {
	for _, name := range []string{"northwind", "litware-dual-stack", "proseware-microsoft365", "lucerne-direct-metro"} {
		t.Run(name, func(t *testing.T) {
			c := facts(t)
			d := compiled(t, c, name, design.SharedHubSpoke)
			names, err := azure.Subscriptions(d.Resources)
			if err != nil {
				t.Fatal(err)
			}
			homes := map[string]string{}
			for _, n := range names {
				homes[n] = guid(n + "x")
			}
			e := start(t, at(t, d.Premises, homes))
			e.deploy(d, e.homes(d, "x"), e.principals(d))
			f, err := adopt.FromEndpoint(t.Context(), e.Endpoint, adopt.Scope{Learned: true})
			r := imported(t, f, err, adopt.Options{Name: name, Subscriptions: homes, PrincipalOf: guid})
			if diff := cmp.Diff(d.Resources, r.Design.Resources); diff != "" {
				t.Error(diff)
			}
			if r.Design.Pattern != design.SharedHubSpoke || r.Design.Name != name {
				t.Errorf("%s is %q", r.Design.Name, r.Design.Pattern)
			}
			var assumed []string
			for _, a := range r.Design.Assumptions {
				assumed = append(assumed, a.Name)
			}
			if !slices.Equal(assumed, []string{adopt.AssumeSite, adopt.AssumeRouters, adopt.AssumeAccess, adopt.AssumePrefixes}) {
				t.Error(assumed)
			}
			// What the service hears from the premises is what it heard: each circuit's, on each connection.
			was, findings := network.Build(d.Resources, d.Premises, c, network.Options{})
			now, findings2 := network.Build(r.Design.Resources, r.Design.Premises, c, network.Options{})
			for _, x := range append(findings, findings2...) {
				if x.Severity == design.Error {
					t.Error(x)
				}
			}
			if x, y := vrfs(was), vrfs(now); len(x) == 0 || len(x) != len(y) {
				t.Errorf("%d and %d", len(x), len(y))
			} else if diff := cmp.Diff(x, y); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// vrfs are the prefixes that each peering has from the premises on each connection.
func vrfs(n *network.Network) map[string][]string {
	st := n.Converge(network.Scenario{ID: string(network.Healthy), Kind: network.Healthy})
	customers := map[netip.Addr]bool{}
	for _, s := range n.Wiring().Sessions {
		if s.Kind == "private" || s.Kind == "microsoft" {
			customers[s.Addr[0]] = true
		}
	}
	out := map[string][]string{}
	for _, r := range n.Routers() {
		if !strings.Contains(r, "/private/") && !strings.Contains(r, "/microsoft/") {
			continue
		}
		out[r] = []string{}
		for _, row := range st.Table(r) {
			if customers[row.NextHop] {
				out[r] = append(out[r], row.Prefix.String())
			}
		}
		slices.Sort(out[r])
		out[r] = slices.Compact(out[r])
	}
	return out
}
