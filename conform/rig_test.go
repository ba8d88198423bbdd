package conform_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	azarm "github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	azcloud "github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/network/armnetwork/v9"

	"onramp/arm"
	"onramp/azure"
	"onramp/catalog"
	"onramp/cloud"
	"onramp/conform"
	"onramp/deploy"
	"onramp/design"
	"onramp/examples"
	"onramp/intent"
	"onramp/pattern"
	"onramp/rehearse"
	"onramp/twin"
)

const secret = "the-owners-secret-1234"

const bootstrap = `subscriptions: [{name: net}]
principals:
  - {name: owner, secret: ` + secret + `, roles: [{role: Owner, scope: /}]}
`

// rig is a twin to which a design was deployed, and somebody else's client of it.
type rig struct {
	testing.TB
	c    *catalog.Catalog
	tw   *twin.Twin
	web  *http.Client
	cred azcore.TokenCredential
	e    *cloud.Endpoint
	d    *design.Design // in the twin's subscriptions
	home map[string]string
}

// designOf is an example in a pattern.
func designOf(t testing.TB, c *catalog.Catalog, name string, p design.Pattern) *design.Design {
	t.Helper()
	src, err := examples.Read(name)
	if err != nil {
		t.Fatal(err)
	}
	e, findings := intent.Parse(name+".yaml", src, c)
	if e == nil {
		t.Fatal(findings)
	}
	d, obstacles := pattern.Compile(p, e, c, pattern.Options{})
	if d == nil {
		t.Fatal(obstacles)
	}
	return d
}

// started is a twin that serves, with nothing in it.
func started(t testing.TB, c *catalog.Catalog) *rig {
	t.Helper()
	b, findings := arm.ParseBootstrap("bootstrap.yaml", []byte(bootstrap), c, os.LookupEnv)
	if b == nil {
		t.Fatal(findings)
	}
	r := &rig{TB: t, c: c, home: map[string]string{}}
	dir, err := os.MkdirTemp("", "twin") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	if r.tw, err = twin.Open(twin.Options{Dir: dir, Listen: "127.0.0.1:0", Bootstrap: b, Pace: arm.PaceInstant}, c); err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- r.tw.Serve(ctx) }()
	pem, err := os.ReadFile(r.tw.Authority())
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	r.web = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, MaxIdleConnsPerHost: 32, ForceAttemptHTTP2: true}, Timeout: 60 * time.Second}
	t.Cleanup(func() {
		r.web.CloseIdleConnections()
		end()
		if err := <-served; err != nil {
			t.Error(err)
		}
		_ = os.RemoveAll(dir)
	})
	r.cred, err = azidentity.NewClientSecretCredential(r.tw.Tenant(), r.tw.Status().Principals[0].AppID, secret, &azidentity.ClientSecretCredentialOptions{
		ClientOptions: azcore.ClientOptions{Transport: r.web, Cloud: azcloud.Configuration{ActiveDirectoryAuthorityHost: r.tw.URL()}}, DisableInstanceDiscovery: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	if r.e, err = cloud.Open(t.Context(), cloud.Config{Endpoint: r.tw.URL(), Transport: r.web, Credential: r.cred, Retry: policy.RetryOptions{RetryDelay: time.Millisecond, MaxRetryDelay: 5 * time.Millisecond}}); err != nil {
		t.Fatal(err)
	}
	return r
}

// deployed is a twin with a design, whose BGP sessions are up.
func deployed(t testing.TB, c *catalog.Catalog, d *design.Design) *rig {
	t.Helper()
	r := started(t, c)
	names, err := azure.Subscriptions(d.Resources)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range names {
		done, err := r.tw.Do(twin.Command{Subscription: s})
		if err != nil {
			t.Fatal(err)
		}
		r.home[s] = done.ID
	}
	principals := map[string]string{}
	for i, p := range deploy.Principals(d) {
		principals[strings.ToLower(p)] = fmt.Sprintf("00000000-0000-0000-0000-%012d", i+1)
	}
	target, err := deploy.Prepare(d, deploy.Names{Subscriptions: r.home, Principals: principals})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.tw.SetPremises(d.Premises); err != nil {
		t.Fatal(err)
	}
	j, err := deploy.OpenJournal(filepath.Join(t.TempDir(), "journal"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = j.Close() }()
	done, err := deploy.Apply(t.Context(), r.e, target, j, deploy.Options{Parallel: 16, Look: 5 * time.Millisecond, Backoff: time.Millisecond, Patience: 30 * time.Second})
	if err == nil {
		err = done.Err()
	}
	if err != nil {
		t.Fatal(err)
	}
	r.d = r.homed(d)
	r.settle()
	return r
}

// homed is a design in the twin's subscriptions.
func (r *rig) homed(d *design.Design) *design.Design {
	r.Helper()
	out, err := conform.Home(d, r.home)
	if err != nil {
		r.Fatal(err)
	}
	return out
}

// settle waits until the routers have taken everything over.
func (r *rig) settle() {
	r.Helper()
	ctx, end := context.WithTimeout(r.Context(), 60*time.Second)
	defer end()
	if err := r.tw.Settled(ctx); err != nil {
		r.Fatal(err)
	}
}

// conform reads and compares.
func (r *rig) conform() *conform.Result {
	r.Helper()
	seen, err := conform.Read(r.Context(), r.e, r.d, conform.ReadOptions{})
	if err != nil {
		r.Fatal(err)
	}
	x, err := conform.Compare(r.d, seen, r.c)
	if err != nil {
		r.Fatal(err)
	}
	return x
}

// fault lets something go wrong in the network until the function is called.
func (r *rig) fault(s rehearse.Step) (end func()) {
	r.Helper()
	if _, err := r.tw.Do(twin.Command{Net: &twin.Net{Fault: &s}}); err != nil {
		r.Fatal(err)
	}
	return func() {
		r.Helper()
		if _, err := r.tw.Do(twin.Command{Net: &twin.Net{All: true}}); err != nil {
			r.Fatal(err)
		}
	}
}

// id is the resource with this name.
func (r *rig) id(name string) (group, subscription string) {
	r.Helper()
	for _, x := range r.d.Resources {
		if x.Head().Name == name {
			p, err := azure.ParseID(string(x.Head().ID))
			if err != nil {
				r.Fatal(err)
			}
			return p.ResourceGroup, p.Subscription
		}
	}
	r.Fatalf("the design has no %s", name)
	return "", ""
}

// clients are Microsoft's, which know nothing of the design.
func (r *rig) clients(subscription string) *armnetwork.ClientFactory {
	r.Helper()
	f, err := armnetwork.NewClientFactory(subscription, r.cred, &azarm.ClientOptions{DisableRPRegistration: true, ClientOptions: policy.ClientOptions{Transport: r.web, Cloud: azcloud.Configuration{
		ActiveDirectoryAuthorityHost: r.tw.URL(),
		Services:                     map[azcloud.ServiceName]azcloud.ServiceConfiguration{azcloud.ResourceManager: {Endpoint: r.tw.URL(), Audience: "https://management.azure.com"}},
	}}})
	if err != nil {
		r.Fatal(err)
	}
	return f
}

// text is a result as JSON.
func text(t testing.TB, x any) string {
	t.Helper()
	b, err := json.MarshalIndent(x, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
