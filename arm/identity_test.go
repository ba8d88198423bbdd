package arm

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"onramp/catalog"
)

// aMoment is when the tests begin.
var aMoment = time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC)

// setClock is a clock that a test sets.
type setClock struct {
	mu sync.Mutex
	at time.Time
}

func (c *setClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *setClock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

const (
	writerSecret = "a secret's stand-in"
	readerSecret = "another-secret-of-tests"
)

const aBootstrap = `
tenant: contoso
subscriptions:
  - name: connectivity
  - {name: prod, id: 11111111-2222-3333-4444-555555555555}
roles:
  - name: Circuit Operator
    actions: [Microsoft.Network/expressRouteCircuits/*]
    notActions: [Microsoft.Network/expressRouteCircuits/delete]
    scopes: [connectivity]
principals:
  - name: writer
    secretEnv: WRITER
    roles:
      - {role: Contributor, scope: connectivity}
      - {role: Reader, scope: prod}
  - name: reader
    secret: another-secret-of-tests
    roles: [{role: Reader, scope: /}]
  - name: operator
    roles:
      - {role: Circuit Operator, scope: /subscriptions/connectivity/resourceGroups/rg-er}
`

// writerEnv is the environment of the tests.
func writerEnv(name string) (string, bool) {
	return strings.ReplaceAll(writerSecret, " ", "-"), name == "WRITER"
}

func openFacts(t testing.TB) *catalog.Catalog {
	t.Helper()
	c, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// desk is the endpoint's side of signing in, at its address.
type desk struct {
	*Gate
	login  *Login
	clock  *setClock
	keys   *Keys
	site   *Site
	made   []Credential
	server *httptest.Server
	client *http.Client // which trusts the endpoint's authority
	ca     *Authority
}

// newDesk serves aBootstrap over TLS. Everything that Login does not serve answers who asked.
func newDesk(t testing.TB) *desk {
	t.Helper()
	clock := &setClock{at: aMoment}
	c := openFacts(t)
	b, findings := ParseBootstrap("bootstrap.yaml", []byte(aBootstrap), c, writerEnv)
	if b == nil {
		t.Fatal(findings)
	}
	d, a, made, err := b.found(c, 1)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := OpenKeys("", clock.now())
	if err != nil {
		t.Fatal(err)
	}
	ca, err := OpenAuthority(t.TempDir(), time.Now()) // TLS clients judge certificates by the machine's clock
	if err != nil {
		t.Fatal(err)
	}
	k := &desk{clock: clock, keys: keys, made: made, ca: ca}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if k.login.Serves(r) {
			k.login.ServeHTTP(w, r)
			return
		}
		p, refusal := k.Who(r)
		if refusal != nil {
			refusal.write(w)
			return
		}
		sendJSON(w, http.StatusOK, p.Name)
	}))
	if k.site, err = NewSite(server.Listener.Addr().String()); err != nil {
		t.Fatal(err)
	}
	tokens := NewTokens(keys, d.Tenant(), k.site, clock.now)
	k.Gate = &Gate{d, tokens, a}
	k.login = &Login{Directory: d, Keys: keys, Tokens: tokens, Site: k.site, Now: clock.now}
	config, err := ca.TLS(time.Now, k.site.Hosts())
	if err != nil {
		t.Fatal(err)
	}
	server.Config.ErrorLog = log.New(io.Discard, "", 0)        // clients that do not trust the server are some tests' point
	server.Listener = tls.NewListener(server.Listener, config) // httptest's own TLS brings a certificate of its own
	server.Start()
	t.Cleanup(server.Close)
	k.server = server
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca.PEM())
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}
	t.Cleanup(transport.CloseIdleConnections)
	k.client = &http.Client{Transport: transport}
	return k
}

func (k *desk) principal(t testing.TB, name string) *Principal {
	t.Helper()
	p, ok := k.Directory.named(name)
	if !ok {
		t.Fatalf("there is no %s", name)
	}
	return p
}

// url is the server's, under another of its names.
func (k *desk) url(host string) string {
	_, port, _ := net.SplitHostPort(k.server.Listener.Addr().String())
	return "https://" + net.JoinHostPort(host, port)
}

// form asks for a token as the writer does, with parameters changed; "" leaves one out.
func (k *desk) form(t testing.TB, changed ...string) url.Values {
	t.Helper()
	f := url.Values{}
	secret, _ := writerEnv("WRITER")
	for _, pair := range [][]string{{"grant_type", "client_credentials", "client_id", k.principal(t, "writer").AppID, "client_secret", secret, "scope", "https://management.azure.com/.default"}, changed} {
		for i := 0; i+1 < len(pair); i += 2 {
			f.Set(pair[i], pair[i+1])
			if pair[i+1] == "" {
				f.Del(pair[i])
			}
		}
	}
	return f
}

// bearer is a request that carries a token.
func bearer(token string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "https://localhost/subscriptions", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	return r
}
