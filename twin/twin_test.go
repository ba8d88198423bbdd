package twin

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	azarm "github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"go.uber.org/goleak"

	"onramp/arm"
	"onramp/catalog"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const bootstrap = `tenant: test
subscriptions:
  - name: sub-network
  - name: sub-finance
principals:
  - name: owner
    secret: the-owners-secret-1234
    roles:
      - {role: Owner, scope: /}
  - name: reader
    secret: the-readers-secret-1234
    roles:
      - {role: Reader, scope: sub-network}
  - name: finance
    secret: the-finance-secret-1234
    roles:
      - {role: Network Contributor, scope: sub-finance}
`

// running is a twin that serves.
type running struct {
	*Twin
	t      testing.TB
	http   *http.Client
	end    context.CancelFunc
	served chan error
}

// start serves the state of a directory, which begins with the bootstrap.
func start(t testing.TB, dir string, change func(*Options)) *running {
	t.Helper()
	c, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	b, findings := arm.ParseBootstrap("bootstrap.yaml", []byte(bootstrap), c, os.LookupEnv)
	if b == nil {
		t.Fatal(findings)
	}
	o := Options{Dir: dir, Listen: "127.0.0.1:0", Bootstrap: b, Pace: arm.PaceInstant}
	if change != nil {
		change(&o)
	}
	tw, err := Open(o, c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(context.Background())
	r := &running{Twin: tw, t: t, end: end, served: make(chan error, 1)}
	go func() { r.served <- tw.Serve(ctx) }()
	pem, err := os.ReadFile(tw.Authority())
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	r.http = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}, Timeout: 30 * time.Second}
	t.Cleanup(r.stopped)
	return r
}

// stopped ends it and waits for it.
func (r *running) stopped() {
	r.t.Helper()
	r.http.CloseIdleConnections()
	r.end()
	select {
	case err, ok := <-r.served:
		if !ok {
			return // it was stopped before
		}
		if err != nil {
			r.t.Error(err)
		}
		close(r.served)
	case <-time.After(time.Minute):
		r.t.Fatal("the twin does not end")
	}
}

// credential signs a principal in, as a client of Azure does.
func (r *running) credential(name, secret string) azcore.TokenCredential {
	r.t.Helper()
	app := ""
	for _, p := range r.Status().Principals {
		if p.Name == name {
			app = p.AppID
		}
	}
	cred, err := azidentity.NewClientSecretCredential(r.Tenant(), app, secret, &azidentity.ClientSecretCredentialOptions{ClientOptions: r.options().ClientOptions, DisableInstanceDiscovery: true})
	if err != nil {
		r.t.Fatal(err)
	}
	return cred
}

// options are those of the SDK's clients: where the cloud is.
func (r *running) options() *azarm.ClientOptions {
	return &azarm.ClientOptions{ClientOptions: policy.ClientOptions{
		Transport: r.http,
		Cloud: cloud.Configuration{
			ActiveDirectoryAuthorityHost: r.URL(),
			Services:                     map[cloud.ServiceName]cloud.ServiceConfiguration{cloud.ResourceManager: {Endpoint: r.URL(), Audience: "https://management.azure.com"}},
		},
	}}
}

func (r *running) subscription(name string) string {
	r.t.Helper()
	for _, s := range r.Status().Subscriptions {
		if s.Name == name {
			return s.ID
		}
	}
	r.t.Fatalf("there is no subscription %s", name)
	return ""
}

func TestTheStateSurvivesARestartAndTwoTwinsNeverShareIt(t *testing.T) {
	dir := t.TempDir()
	r := start(t, dir, nil)
	if _, err := Open(Options{Dir: dir, Listen: "127.0.0.1:0"}, mustCatalog(t)); err == nil {
		t.Fatal("two twins have one state")
	}
	if _, err := Tell(dir, Command{Subscription: "sub-new"}); err != nil {
		t.Fatal(err)
	}
	d, err := Tell(dir, Command{Principal: "pipeline", Role: "Contributor", Scope: "sub-new"})
	if err != nil || d.Credential.Secret == "" {
		t.Fatal(d, err)
	}
	if err := Stop(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := Ask(dir); err == nil {
		t.Fatal("the twin has not ended")
	}
	_ = r
	again := start(t, dir, nil)
	if again.First {
		t.Error("the state began again")
	}
	if _, err := again.credential("pipeline", d.Credential.Secret).GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{"https://management.azure.com/.default"}}); err != nil {
		t.Error(err)
	}
	again.subscription("sub-new")
	if _, err := Tell(dir, Command{Revoke: "pipeline"}); err != nil {
		t.Fatal(err)
	}
	if _, err := again.credential("pipeline", d.Credential.Secret).GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{"https://management.azure.com/.default"}}); err == nil {
		t.Error("a revoked principal signs in")
	}
	if _, err := os.Stat(filepath.Join(dir, controlFile)); err != nil {
		t.Error(err)
	}
}

func mustCatalog(t testing.TB) *catalog.Catalog {
	t.Helper()
	c, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	return c
}
