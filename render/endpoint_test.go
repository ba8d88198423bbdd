package render_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	azcloud "github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"onramp/arm"
	"onramp/azure"
	"onramp/catalog"
	"onramp/cloud"
	"onramp/conform"
	"onramp/design"
	"onramp/twin"
)

const bootstrap = `subscriptions: [{name: first}]
principals:
  - {name: owner, secret: the-owners-secret-1234, roles: [{role: Owner, scope: /}]}
`

// endpoint starts a twin whose circuits nobody provisions, and signs in there.
func endpoint(t *testing.T, c *catalog.Catalog) (*twin.Twin, *cloud.Endpoint) {
	t.Helper()
	b, findings := arm.ParseBootstrap("bootstrap.yaml", []byte(bootstrap), c, os.LookupEnv)
	if b == nil {
		t.Fatal(findings)
	}
	tw, err := twin.Open(twin.Options{Dir: t.TempDir(), Listen: "127.0.0.1:0", Bootstrap: b, Pace: arm.PaceInstant, Provider: arm.ProviderManual}, c)
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
	web := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}, Timeout: 30 * time.Second}
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
	return tw, e
}

func TestATemplateIsDeployedBeforeAndAfterTheProviders(t *testing.T) {
	c := open(t)
	for _, x := range []struct {
		example string
		pattern design.Pattern
	}{{"northwind", design.SharedHubSpoke}, {"contoso-shared", design.Shared}, {"lucerne-direct-metro", design.Isolated}, {"proseware-microsoft365", design.Shared}, {"tailwind-isolated-hub-spoke", design.IsolatedHubSpoke}} {
		t.Run(x.example, func(t *testing.T) {
			t.Parallel()
			d := made(t, c, x.example, x.pattern)
			tw, e := endpoint(t, c)
			out, tpl := rendered(t, c, d)
			subscriptions := identifiers(d)
			for _, name := range slices.Sorted(maps.Keys(subscriptions)) {
				if _, err := tw.Do(twin.Command{Subscription: name, ID: subscriptions[name]}); err != nil {
					t.Fatal(err)
				}
			}
			principals := map[string]string{}
			all, _ := tpl.Parameters["principals"].DefaultValue.(map[string]any)
			for i, name := range slices.Sorted(maps.Keys(all)) {
				principals[name] = fmt.Sprintf("99999999-0000-0000-0000-%012d", i)
			}
			want := rehomed(t, d)
			for _, r := range azure.Of[*azure.RoleAssignment](want) {
				for name, id := range principals {
					if r.Properties.PrincipalID == "<object id of "+name+">" {
						r.Properties.PrincipalID = id
					}
				}
			}
			id := azure.ID("/subscriptions/" + slices.Sorted(maps.Values(subscriptions))[0] + "/providers/Microsoft.Resources/deployments/estate")
			deploy := func(provisioned bool) map[string]string {
				t.Helper()
				type value struct {
					Value any `json:"value"`
				}
				params := map[string]value{"subscriptions": {subscriptions}, "principals": {principals}}
				if _, ok := tpl.Parameters["providersHaveProvisioned"]; ok {
					params["providersHaveProvisioned"] = value{provisioned}
				}
				o, err := e.Put(t.Context(), id, map[string]any{"location": "westeurope", "properties": map[string]any{"mode": "Incremental", "template": json.RawMessage(out.Text), "parameters": params}})
				if err != nil {
					t.Fatal(err)
				}
				b, err := o.Wait(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				var got struct {
					Properties struct {
						Outputs struct {
							ServiceKeys struct{ Value map[string]string } `json:"serviceKeys"`
						} `json:"outputs"`
					} `json:"properties"`
				}
				if err := json.Unmarshal(b, &got); err != nil {
					t.Fatal(err)
				}
				return got.Properties.Outputs.ServiceKeys.Value
			}
			keys := deploy(false)
			for _, circuit := range azure.Of[*azure.ExpressRouteCircuit](want) {
				b, err := e.Get(t.Context(), circuit.ID)
				if err != nil {
					t.Fatal(err)
				}
				var is azure.ExpressRouteCircuit
				if err := json.Unmarshal(b, &is); err != nil {
					t.Fatal(err)
				}
				if circuit.Properties.ExpressRoutePort == nil && (len(is.Properties.Peerings) > 0 || keys[circuit.Name] != is.Properties.ServiceKey || keys[circuit.Name] == "") {
					t.Errorf("%s has %d peerings, and the key %q given out as %q", circuit.Name, len(is.Properties.Peerings), is.Properties.ServiceKey, keys[circuit.Name])
				}
			}
			if _, err := tw.Do(twin.Command{Provider: arm.ProviderAuto}); err != nil {
				t.Fatal(err)
			}
			for range 2 { // and once more, which changes nothing
				deploy(true)
				var got azure.Resources
				for _, r := range want {
					b, err := e.Get(t.Context(), r.Head().ID)
					if err != nil {
						t.Fatal(err)
					}
					is, err := azure.Unmarshal(b)
					if err != nil {
						t.Fatal(err)
					}
					got = append(got, is)
				}
				same(t, want, got)
			}
			conforms(t, c, tw, e, d, subscriptions)
		})
	}
}

// conforms checks that what runs behind the endpoint, with the design's premises, is what is proved of the design.
func conforms(t *testing.T, c *catalog.Catalog, tw *twin.Twin, e *cloud.Endpoint, d *design.Design, subscriptions map[string]string) {
	t.Helper()
	if err := tw.SetPremises(d.Premises); err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithTimeout(t.Context(), 2*time.Minute)
	defer end()
	if err := tw.Settled(ctx); err != nil {
		t.Fatal(err)
	}
	at, err := conform.Home(d, subscriptions)
	if err != nil {
		t.Fatal(err)
	}
	seen, err := conform.Read(ctx, e, at, conform.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	r, err := conform.Compare(at, seen, c)
	if err != nil {
		t.Fatal(err)
	}
	if r.Compared.Tables == 0 || r.Compared.Rows == 0 {
		t.Errorf("%+v were compared", r.Compared)
	}
	for _, f := range r.Findings {
		t.Errorf("%s: %s (%s)", f.Kind, f.What, f.Cause)
	}
}
