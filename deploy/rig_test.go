package deploy

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"onramp/arm"
	"onramp/azure"
	"onramp/catalog"
	"onramp/choose"
	"onramp/cloud"
	"onramp/design"
	"onramp/examples"
	"onramp/intent"
	"onramp/twin"
)

const secret = "the-owners-secret-1234"

const bootstrap = `subscriptions: [{name: net}]
principals:
  - {name: owner, secret: ` + secret + `, roles: [{role: Owner, scope: /}]}
`

// rig is a twin that serves, and what somebody needs who works with it.
type rig struct {
	t       testing.TB
	tw      *twin.Twin
	c       *catalog.Catalog
	web     *http.Client
	token   string
	journal string
	log     *requests
}

// requests are those that a twin answered.
type requests struct {
	slog.Handler
	mu      sync.Mutex
	written map[string]int // how often each path was written without being refused
}

func (q *requests) Enabled(context.Context, slog.Level) bool { return true }

func (q *requests) Handle(_ context.Context, r slog.Record) error {
	var method, path string
	refused := false
	r.Attrs(func(a slog.Attr) bool {
		switch a.Key {
		case "method":
			method = a.Value.String()
		case "path":
			path = strings.ToLower(a.Value.String())
		case "status":
			refused = true
		}
		return true
	})
	if method == http.MethodPut && !refused {
		q.mu.Lock()
		q.written[path]++
		q.mu.Unlock()
	}
	return nil
}

// times is how often something was written.
func (q *requests) times(key string) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.written[key]
}

// all is how often each path was written.
func (q *requests) all() map[string]int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return maps.Clone(q.written)
}

// fixed is a token that somebody has already.
type fixed string

func (f fixed) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: string(f), ExpiresOn: time.Now().Add(time.Hour)}, nil
}

func newRig(t testing.TB, o twin.Options) *rig {
	t.Helper()
	c, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	b, findings := arm.ParseBootstrap("bootstrap.yaml", []byte(bootstrap), c, os.LookupEnv)
	if b == nil {
		t.Fatal(findings)
	}
	r := &rig{t: t, c: c, journal: filepath.Join(t.TempDir(), "journal"), log: &requests{written: map[string]int{}}}
	o.Dir, o.Listen, o.Bootstrap, o.Log = t.TempDir(), "127.0.0.1:0", b, slog.New(r.log)
	if r.tw, err = twin.Open(o, c); err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- r.tw.Serve(ctx) }()
	r.web = trusting(t, r.tw.Authority())
	t.Cleanup(func() {
		r.web.CloseIdleConnections()
		end()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	cred, err := azidentity.NewClientSecretCredential(r.tw.Tenant(), r.tw.Status().Principals[0].AppID, secret, &azidentity.ClientSecretCredentialOptions{
		ClientOptions: azcore.ClientOptions{Transport: r.web, Cloud: signingIn(r.tw.URL())}, DisableInstanceDiscovery: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := cred.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{"https://management.azure.com/.default"}})
	if err != nil {
		t.Fatal(err)
	}
	r.token = got.Token
	return r
}

func trusting(t testing.TB, authority string) *http.Client {
	t.Helper()
	c, err := clientOf(authority)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// clientOf trusts the authority in a file and no other.
func clientOf(authority string) (*http.Client, error) {
	pem, err := os.ReadFile(authority)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, MaxIdleConnsPerHost: 32, ForceAttemptHTTP2: true}, Timeout: 30 * time.Second}, nil
}

// open is the endpoint as somebody with a token sees it.
func open(ctx context.Context, url, token string, web *http.Client) (*cloud.Endpoint, error) {
	return cloud.Open(ctx, cloud.Config{
		Endpoint: url, Authority: url + "/", Audience: "https://management.azure.com", Transport: web, Credential: fixed(token),
		Retry: policy.RetryOptions{RetryDelay: time.Millisecond, MaxRetryDelay: 5 * time.Millisecond},
	})
}

func (r *rig) endpoint() *cloud.Endpoint {
	r.t.Helper()
	e, err := open(r.t.Context(), r.tw.URL(), r.token, r.web)
	if err != nil {
		r.t.Fatal(err)
	}
	return e
}

// designOf is the design of an example.
func designOf(t testing.TB, c *catalog.Catalog, name string) *design.Design {
	t.Helper()
	src, err := examples.Read(name)
	if err != nil {
		t.Fatal(err)
	}
	e, findings := intent.Parse(name+".yaml", src, c)
	if e == nil {
		t.Fatal(findings)
	}
	a, err := choose.Choose(e, c, choose.Options{Brief: true})
	if err != nil {
		t.Fatal(err)
	}
	return a.Designs[a.Best]
}

// target is a design made ready for the twin, which gets its subscriptions.
func (r *rig) target(d *design.Design) *Target {
	r.t.Helper()
	t, err := Prepare(d, r.names(d))
	if err != nil {
		r.t.Fatal(err)
	}
	return t
}

// names are what the names in a design stand for at the twin, which gets its subscriptions.
func (r *rig) names(d *design.Design) Names {
	r.t.Helper()
	n := Names{Subscriptions: map[string]string{}, Principals: map[string]string{}}
	for _, x := range d.Resources {
		p, err := azure.ParseID(string(x.Head().ID))
		if err != nil || n.Subscriptions[p.Subscription] != "" {
			continue
		}
		known := func() bool {
			for _, s := range r.tw.Status().Subscriptions {
				if s.Name == p.Subscription {
					n.Subscriptions[p.Subscription] = s.ID
				}
			}
			return n.Subscriptions[p.Subscription] != ""
		}
		if known() {
			continue
		}
		if _, err := r.tw.Do(twin.Command{Subscription: p.Subscription}); err != nil || !known() {
			r.t.Fatal(err)
		}
	}
	for _, p := range Principals(d) {
		n.Principals[strings.ToLower(p)] = arm.PrincipalID(p)
	}
	return n
}

func quick() Options {
	return Options{Look: 5 * time.Millisecond, Backoff: time.Millisecond, Patience: 30 * time.Second}
}

// apply applies with the rig's journal.
func (r *rig) apply(t *Target, o Options) (*Result, error) {
	r.t.Helper()
	j, err := OpenJournal(r.journal)
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = j.Close() }()
	return Apply(r.t.Context(), r.endpoint(), t, j, o)
}

// plan plans with the rig's journal.
func (r *rig) plan(t *Target, o PlanOptions) *Plan {
	r.t.Helper()
	j, err := ReadJournal(r.journal)
	if err != nil {
		r.t.Fatal(err)
	}
	h, err := Read(r.t.Context(), r.endpoint(), t, j)
	if err != nil {
		r.t.Fatal(err)
	}
	p, err := MakePlan(t, h, r.c, o)
	if err != nil {
		r.t.Fatal(err)
	}
	return p
}

// state is all that the endpoint has of a target, without what only it sets, as JSON by id key.
func (r *rig) state(t *Target) map[string]string {
	r.t.Helper()
	h, err := Read(r.t.Context(), r.endpoint(), t, &Journal{past: remember(nil)})
	if err != nil {
		r.t.Fatal(err)
	}
	out := map[string]string{}
	for k, x := range h.items {
		b, err := x.bare()
		if err != nil {
			r.t.Fatal(err)
		}
		out[k] = string(b)
	}
	return out
}

// encode writes a target for another process.
func (t *Target) encode() ([]byte, error) {
	var all []json.RawMessage
	for _, x := range t.items {
		if x.whole != nil {
			all = append(all, x.whole)
		}
	}
	return json.Marshal(map[string]any{"name": t.Name, "resources": all})
}

func decodeTarget(b []byte) (*Target, error) {
	var in struct {
		Name      string
		Resources []json.RawMessage
	}
	if err := json.Unmarshal(b, &in); err != nil {
		return nil, err
	}
	t := &Target{Name: in.Name, byKey: map[string]*item{}}
	for _, x := range in.Resources {
		if err := t.add(x); err != nil {
			return nil, err
		}
	}
	return t, nil
}
