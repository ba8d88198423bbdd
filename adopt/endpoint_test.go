package adopt_test

import (
	"bytes"
	"context"
	"crypto/sha1"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	azcloud "github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
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
	"onramp/twin"
)

const bootstrap = `subscriptions: [{name: first}]
principals:
  - {name: owner, secret: the-owners-secret-1234, roles: [{role: Owner, scope: /}]}
`

// facts is the catalogue.
func facts(t testing.TB) *catalog.Catalog {
	t.Helper()
	c, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// endpoint is a twin that was started, and a client that has signed in there.
type endpoint struct {
	*cloud.Endpoint
	t    *testing.T
	twin *twin.Twin
	c    *catalog.Catalog
}

// start starts a twin and signs in.
func start(t *testing.T) *endpoint {
	t.Helper()
	c := facts(t)
	b, findings := arm.ParseBootstrap("bootstrap.yaml", []byte(bootstrap), c, os.LookupEnv)
	if b == nil {
		t.Fatal(findings)
	}
	tw, err := twin.Open(twin.Options{Dir: t.TempDir(), Listen: "127.0.0.1:0", Bootstrap: b, Pace: arm.PaceInstant}, c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- tw.Serve(ctx) }()
	pem, err := os.ReadFile(tw.Authority())
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	web := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, MaxIdleConnsPerHost: 16}, Timeout: 30 * time.Second}
	t.Cleanup(func() {
		web.CloseIdleConnections()
		end()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	cred, err := azidentity.NewClientSecretCredential(tw.Tenant(), tw.Status().Principals[0].AppID, "the-owners-secret-1234", &azidentity.ClientSecretCredentialOptions{
		ClientOptions: azcore.ClientOptions{Transport: web, Cloud: azcloud.Configuration{ActiveDirectoryAuthorityHost: tw.URL()}}, DisableInstanceDiscovery: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	e, err := cloud.Open(t.Context(), cloud.Config{Endpoint: tw.URL(), Transport: web, Credential: cred})
	if err != nil {
		t.Fatal(err)
	}
	return &endpoint{Endpoint: e, t: t, twin: tw, c: c}
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
	return fmt.Sprintf("%x-%x-5%x-8%x-%x", h[:4], h[4:6], h[6:8], h[8:10], h[10:16])[:36]
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
		done, err := e.twin.Do(twin.Command{Subscription: n + "-" + mark})
		if err != nil {
			e.t.Fatal(err)
		}
		out[n] = done.ID
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
	e := start(t)
	for i, name := range examples.Names() {
		for j, p := range design.Patterns() {
			t.Run(name+"/"+string(p), func(t *testing.T) {
				e.t = t
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

var _ = bytes.NewReader
var _ = network.Build
