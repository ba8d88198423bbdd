package arm

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// ask gets JSON from the endpoint.
func (k *desk) ask(t testing.TB, r *http.Request) (status int, header http.Header, body map[string]any) {
	t.Helper()
	answer, err := k.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	if got := answer.Header.Get("Content-Type"); got != "application/json; charset=utf-8" {
		t.Errorf("the content type is %q", got)
	}
	if err := json.Unmarshal(text, &body); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return answer.StatusCode, answer.Header, body
}

func (k *desk) get(t testing.TB, path string) (int, map[string]any) {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, k.url("127.0.0.1")+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	status, _, body := k.ask(t, r)
	return status, body
}

func (k *desk) post(t testing.TB, form url.Values) *http.Request {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, k.url("127.0.0.1")+"/"+k.Directory.Tenant()+"/oauth2/v2.0/token", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

// credential is Microsoft's own client, which has never heard of this endpoint.
func (k *desk) credential(t testing.TB, host, tenant, appID, secret string) *azidentity.ClientSecretCredential {
	t.Helper()
	c, err := azidentity.NewClientSecretCredential(tenant, appID, secret, &azidentity.ClientSecretCredentialOptions{
		ClientOptions:            policy.ClientOptions{Cloud: cloud.Configuration{ActiveDirectoryAuthorityHost: k.url(host)}, Transport: k.client, Retry: policy.RetryOptions{MaxRetries: -1}},
		DisableInstanceDiscovery: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestAzidentitySignsInAndItsTokenIsTaken(t *testing.T) {
	k := newDesk(t)
	secret, _ := writerEnv("WRITER")
	p := k.principal(t, "writer")
	for _, tenant := range []string{k.Directory.Tenant(), strings.ToUpper(k.Directory.Tenant()), "contoso"} {
		for _, scope := range []string{"https://management.azure.com/.default", "https://management.azure.com//.default", "https://management.core.windows.net//.default", k.url("127.0.0.1") + "/.default"} {
			token, err := k.credential(t, "127.0.0.1", tenant, p.AppID, secret).GetToken(context.Background(), policy.TokenRequestOptions{Scopes: []string{scope}})
			if err != nil {
				t.Fatalf("%s: %v", scope, err)
			}
			r, err := http.NewRequest(http.MethodGet, k.url("127.0.0.1")+"/subscriptions", nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Authorization", "Bearer "+token.Token)
			answer, err := k.client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			text, _ := io.ReadAll(answer.Body)
			answer.Body.Close()
			if string(text) != "\"writer\"\n" {
				t.Errorf("%s: %s %s", scope, answer.Status, text)
			}
		}
	}
}

func TestAzidentityUnderstandsEachRefusal(t *testing.T) {
	k := newDesk(t)
	secret, _ := writerEnv("WRITER")
	p := k.principal(t, "writer")
	ask := func(tenant, app, secret, scope string) error {
		_, err := k.credential(t, "127.0.0.1", tenant, app, secret).GetToken(context.Background(), policy.TokenRequestOptions{Scopes: []string{scope}})
		return err
	}
	revoked := func() error {
		if _, err := k.Directory.SetRevoked("reader", true); err != nil {
			t.Fatal(err)
		}
		return ask("contoso", k.principal(t, "reader").AppID, readerSecret, armAudience+"/.default")
	}
	for want, err := range map[string]error{
		"AADSTS7000215": ask("contoso", p.AppID, "wrong", armAudience+"/.default"),
		"AADSTS700016":  ask("contoso", guidOf("application", "nobody"), secret, armAudience+"/.default"),
		"AADSTS90002":   ask("fabrikam", p.AppID, secret, armAudience+"/.default"),
		"AADSTS500011":  ask("contoso", p.AppID, secret, "https://vault.azure.net/.default"),
		"AADSTS1002012": ask("contoso", p.AppID, secret, armAudience+"/user_impersonation"),
		"AADSTS7000112": revoked(),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %s, got %v", want, err)
		}
	}
}

func TestTheTokenEndpointRefusesInEntrasWords(t *testing.T) {
	k := newDesk(t)
	if _, err := k.Directory.SetRevoked("reader", true); err != nil {
		t.Fatal(err)
	}
	reader := k.principal(t, "reader").AppID
	basic := func(form url.Values, id, secret string) *http.Request {
		r := k.post(t, form)
		r.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(secret))
		return r
	}
	with := func(r *http.Request, change func(*http.Request)) *http.Request { change(r); return r }
	bare := k.form(t, "client_id", "", "client_secret", "")
	secret := k.form(t).Get("client_secret")
	app := k.principal(t, "writer").AppID
	for _, c := range []struct {
		name   string
		r      *http.Request
		status int
		kind   string // "" for a token
		code   int
	}{
		{"a secret in the form", k.post(t, k.form(t)), 200, "", 0},
		{"the id in upper case", k.post(t, k.form(t, "client_id", strings.ToUpper(app))), 200, "", 0},
		{"a secret in the header", basic(bare, app, secret), 200, "", 0},
		{"the id in both", basic(k.form(t, "client_secret", ""), app, secret), 200, "", 0},
		{"the scopes that MSAL adds", k.post(t, k.form(t, "scope", "https://management.azure.com/.default openid offline_access profile")), 200, "", 0},
		{"Microsoft Graph", k.post(t, k.form(t, "scope", "https://graph.microsoft.com/.default")), 200, "", 0},
		{"the endpoint's graph", k.post(t, k.form(t, "scope", k.site.URL()+"/graph/.default")), 200, "", 0},
		{"GET", with(k.post(t, k.form(t)), func(r *http.Request) { r.Method = "GET" }), 400, "invalid_request", 900561},
		{"another tenant", with(k.post(t, k.form(t)), func(r *http.Request) { r.URL.Path = "/fabrikam/oauth2/v2.0/token" }), 400, "invalid_request", 90002},
		{"every tenant", with(k.post(t, k.form(t)), func(r *http.Request) { r.URL.Path = "/common/oauth2/v2.0/token" }), 400, "invalid_request", 90002},
		{"JSON", with(k.post(t, k.form(t)), func(r *http.Request) { r.Header.Set("Content-Type", "application/json") }), 400, "invalid_request", 900144},
		{"no grant", k.post(t, k.form(t, "grant_type", "")), 400, "invalid_request", 900144},
		{"another grant", k.post(t, k.form(t, "grant_type", "password")), 400, "unsupported_grant_type", 70003},
		{"no id", k.post(t, k.form(t, "client_id", "")), 400, "invalid_request", 900144},
		{"no secret", k.post(t, k.form(t, "client_secret", "")), 401, "invalid_client", 7000218},
		{"a secret in the URL", with(k.post(t, k.form(t, "client_secret", "")), func(r *http.Request) { r.URL.RawQuery = "client_secret=" + secret }), 401, "invalid_client", 7000218},
		{"a wrong secret", k.post(t, k.form(t, "client_secret", secret+"x")), 401, "invalid_client", 7000215},
		{"a secret in another case", k.post(t, k.form(t, "client_secret", strings.ToUpper(secret))), 401, "invalid_client", 7000215},
		{"the hash for the secret", k.post(t, k.form(t, "client_secret", k.principal(t, "writer").Hash)), 401, "invalid_client", 7000215},
		{"a secret of 60 kB", k.post(t, k.form(t, "client_secret", strings.Repeat("x", 60_000))), 401, "invalid_client", 7000215},
		{"another's secret", k.post(t, k.form(t, "client_id", reader)), 401, "invalid_client", 7000215},
		{"a revoked principal", k.post(t, k.form(t, "client_id", reader, "client_secret", readerSecret)), 401, "unauthorized_client", 7000112},
		{"an unknown application", k.post(t, k.form(t, "client_id", guidOf("application", "nobody"))), 400, "unauthorized_client", 700016},
		{"an object id for the application's", k.post(t, k.form(t, "client_id", k.principal(t, "writer").ObjectID)), 400, "unauthorized_client", 700016},
		{"no scope", k.post(t, k.form(t, "scope", "")), 400, "invalid_request", 900144},
		{"scopes of OpenID alone", k.post(t, k.form(t, "scope", "openid profile")), 400, "invalid_request", 900144},
		{"two resources", k.post(t, k.form(t, "scope", armAudience+"/.default https://graph.microsoft.com/.default")), 400, "invalid_scope", 1002012},
		{"a delegated scope", k.post(t, k.form(t, "scope", armAudience+"/user_impersonation")), 400, "invalid_scope", 1002012},
		{"another resource", k.post(t, k.form(t, "scope", "https://vault.azure.net/.default")), 400, "invalid_resource", 500011},
		{"a parameter twice", k.post(t, url.Values{"client_id": {app, reader}}), 400, "invalid_request", 900144},
		{"credentials twice", basic(k.form(t), app, secret), 400, "invalid_request", 900144},
		{"two ids", basic(k.form(t, "client_secret", ""), reader, readerSecret), 400, "invalid_request", 900144},
		{"a body of 1 MB", k.post(t, k.form(t, "x", strings.Repeat("x", 1<<20))), 413, "invalid_request", 90015},
		{"a body that is no form", with(k.post(t, nil), func(r *http.Request) {
			r.Body, r.ContentLength = io.NopCloser(strings.NewReader("%zz")), 3
		}), 400, "invalid_request", 900144},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, header, body := k.ask(t, c.r)
			if status != c.status {
				t.Fatalf("got %d %v, want %d", status, body, c.status)
			}
			if header.Get("Cache-Control") != "no-store, no-cache" {
				t.Errorf("Cache-Control: %s", header.Get("Cache-Control"))
			}
			text := fmt.Sprint(body)
			if c.kind == "" {
				if body["token_type"] != "Bearer" || body["expires_in"] != 3599.0 || body["ext_expires_in"] != 3599.0 || len(fmt.Sprint(body["access_token"])) < 500 || len(body) != 4 {
					t.Errorf("got %s", text)
				}
				return
			}
			description := fmt.Sprint(body["error_description"])
			if body["error"] != c.kind || !strings.HasPrefix(description, fmt.Sprintf("AADSTS%d: ", c.code)) || fmt.Sprint(body["error_codes"]) != fmt.Sprintf("[%v]", float64(c.code)) {
				t.Errorf("got %s", text)
			}
			if body["timestamp"] != "2026-12-01 09:00:00Z" || !isGUID(fmt.Sprint(body["trace_id"])) || !isGUID(fmt.Sprint(body["correlation_id"])) || len(text) > 2000 {
				t.Errorf("got %s", text)
			}
			if strings.Contains(text, secret) || strings.Contains(text, readerSecret) || strings.Contains(text, "pbkdf2") {
				t.Errorf("a secret is in %s", text)
			}
			if status == 401 && header.Get("WWW-Authenticate") == "" {
				t.Error("a 401 without a challenge")
			}
		})
	}
}

func TestTheRequestsIDComesBack(t *testing.T) {
	k := newDesk(t)
	id := guidOf("request", "one")
	for given, want := range map[string]string{id: id, "no GUID": ""} {
		r := k.post(t, k.form(t, "client_secret", "wrong"))
		r.Header.Set("client-request-id", given)
		_, header, body := k.ask(t, r)
		if got := header.Get("client-request-id"); got != want || want != "" && body["correlation_id"] != want {
			t.Errorf("%s: %q, %v", given, got, body)
		}
	}
}

func TestTheDocumentsOfSigningInAgreeWithEachOther(t *testing.T) {
	k := newDesk(t)
	tenant := k.Directory.Tenant()
	base := k.url("127.0.0.1")
	_, instance := k.get(t, "/common/discovery/instance?api-version=1.1&authorization_endpoint="+url.QueryEscape(base+"/"+tenant+"/oauth2/v2.0/authorize"))
	config := strings.TrimPrefix(fmt.Sprint(instance["tenant_discovery_endpoint"]), base)
	if config != "/"+tenant+"/v2.0/.well-known/openid-configuration" {
		t.Errorf("the instance is %v", instance)
	}
	_, v2 := k.get(t, config)
	_, v1 := k.get(t, "/"+tenant+"/.well-known/openid-configuration")
	if v2["issuer"] != base+"/"+tenant+"/v2.0" || v1["issuer"] != "https://sts.windows.net/"+tenant+"/" || v2["token_endpoint"] != base+"/"+tenant+"/oauth2/v2.0/token" {
		t.Errorf("the configuration is %v", v2)
	}
	_, keys := k.get(t, strings.TrimPrefix(fmt.Sprint(v2["jwks_uri"]), base))
	text, err := json.Marshal(keys)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), `"d"`) {
		t.Error("the private key is published")
	}
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(text, &set); err != nil {
		t.Fatal(err)
	}
	_, _, answer := k.ask(t, k.post(t, k.form(t)))
	token, err := jwt.ParseSigned(fmt.Sprint(answer["access_token"]), []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		t.Fatal(err)
	}
	var c Claims
	if err := token.Claims(set, &c); err != nil || c.Issuer != v1["issuer"] {
		t.Errorf("%v: whoever reads the documents cannot verify the token of %s", err, c.Issuer)
	}
	if _, common := k.get(t, "/common/v2.0/.well-known/openid-configuration"); common["issuer"] != base+"/{tenantid}/v2.0" {
		t.Errorf("of every tenant it is %v", common)
	}
	for _, path := range []string{"/fabrikam/v2.0/.well-known/openid-configuration", "/fabrikam/discovery/v2.0/keys", "/common/discovery/instance?authorization_endpoint=https://login.microsoftonline.com/x", "/common/discovery/instance?authorization_endpoint=" + base + "/fabrikam/x"} {
		if status, body := k.get(t, path); status != 400 || body["error"] == nil {
			t.Errorf("%s: %d %v", path, status, body)
		}
	}
}

func TestTheMetadataPointsAtTheEndpointAlone(t *testing.T) {
	k := newDesk(t)
	base := k.url("127.0.0.1")
	status, cloud := k.get(t, "/metadata/endpoints?api-version=2022-09-01")
	login, _ := cloud["authentication"].(map[string]any)
	if status != 200 || cloud["name"] == "" || cloud["resourceManager"] != base || cloud["microsoftGraphResourceId"] != base+"/graph" ||
		login["loginEndpoint"] != base || login["tenant"] != "common" || login["identityProvider"] != "AAD" {
		t.Errorf("got %v", cloud)
	}
	audiences, _ := login["audiences"].([]any)
	if len(audiences) == 0 {
		t.Fatal("no audiences")
	}
	for _, a := range audiences {
		if !k.Tokens.isAudience(fmt.Sprint(a)) {
			t.Errorf("%v is no audience of its tokens", a)
		}
		if status, _, body := k.ask(t, k.post(t, k.form(t, "scope", fmt.Sprint(a)+"/.default"))); status != 200 {
			t.Errorf("%v: %v", a, body)
		}
	}
	_, old := k.get(t, "/metadata/endpoints?api-version=2015-01-01")
	if old["graphEndpoint"] != base+"/graph" || old["galleryEndpoint"] != base {
		t.Errorf("the oldest is %v", old)
	}
	answer, err := k.client.Get(base + "/metadata/endpoints?api-version=2020-06-01")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var list []map[string]any
	if err := json.NewDecoder(answer.Body).Decode(&list); err != nil || len(list) != 1 || list[0]["resourceManager"] != base {
		t.Errorf("the list is %v (%v)", list, err)
	}
	if status, body := func() (int, map[string]any) {
		r, err := http.NewRequest(http.MethodPost, base+"/metadata/endpoints", nil)
		if err != nil {
			t.Fatal(err)
		}
		status, _, body := k.ask(t, r)
		return status, body
	}(); status != 405 || body["error"] == nil {
		t.Errorf("POST: %d %v", status, body)
	}
}

func TestAForgedHostNeverAppearsInADocument(t *testing.T) {
	k := newDesk(t)
	for _, path := range []string{"/metadata/endpoints?api-version=2022-09-01", "/common/discovery/instance", "/common/v2.0/.well-known/openid-configuration"} {
		r, err := http.NewRequest(http.MethodGet, k.url("127.0.0.1")+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = "evil.example"
		if _, _, body := k.ask(t, r); strings.Contains(fmt.Sprint(body), "evil") {
			t.Errorf("%s: %v", path, body)
		}
	}
}

func TestLoginServesItsOwnPathsAndNoOther(t *testing.T) {
	l := &Login{}
	for path, want := range map[string]bool{
		"/metadata/endpoints": true, "/Metadata/Endpoints": true, "/x/oauth2/v2.0/token": true, "/x/OAuth2/V2.0/token": true, "/x/discovery/keys": true,
		"/": false, "": false, "/metadata": false, "/metadata/endpoints/x": false, "/subscriptions/x": false, "/subscriptions/x/resourceGroups/endpoints": false, "/x/y/oauth2/v2.0/token": false, "/oauth2/v2.0/token": false, "//oauth2/v2.0/token/": false,
	} {
		if got := l.Serves(&http.Request{URL: &url.URL{Path: path}}); got != want {
			t.Errorf("%q: %t", path, got)
		}
	}
}

func TestANewSecretEndsTheOldOne(t *testing.T) {
	k := newDesk(t)
	if _, err := k.Directory.SetSecret("writer", "the-next-secret-of-tests"); err != nil {
		t.Fatal(err)
	}
	if status, _, _ := k.ask(t, k.post(t, k.form(t))); status != 401 {
		t.Errorf("the old secret: %d", status)
	}
	if status, _, body := k.ask(t, k.post(t, k.form(t, "client_secret", "the-next-secret-of-tests"))); status != 200 {
		t.Errorf("the new secret: %v", body)
	}
	for _, poor := range []string{"", "short", strings.Repeat("x", maxSecret+1), "sixteen characters", "sixteen-chäracters"} {
		if _, err := k.Directory.SetSecret("writer", poor); err == nil || poor != "" && strings.Contains(err.Error(), poor) {
			t.Errorf("%q: %v", poor, err)
		}
	}
}

func TestTheDirectoryOutlivesTheProcess(t *testing.T) {
	k := newDesk(t)
	if _, err := k.Directory.SetRevoked("reader", true); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(k.Directory)
	if err != nil {
		t.Fatal(err)
	}
	secret, _ := writerEnv("WRITER")
	for _, s := range []string{secret, readerSecret, k.made[0].Secret} {
		if strings.Contains(string(text), s) {
			t.Error("a secret is written down")
		}
	}
	d, err := ReadDirectory(text)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := json.Marshal(d); err != nil || string(again) != string(text) {
		t.Errorf("written again it is %s (%v), and was %s", again, err, text)
	}
	writer, reader := k.principal(t, "writer").AppID, k.principal(t, "reader").AppID
	for range 2 { // the slow way, and then the fast one
		if p, err := d.SignIn(writer, secret); err != nil || p.Name != "writer" {
			t.Errorf("got %v, %v", p, err)
		}
		for _, c := range []struct {
			app, secret string
			want        error
		}{{writer, secret + "x", ErrBadSecret}, {writer, "", ErrBadSecret}, {writer, readerSecret, ErrBadSecret}, {reader, readerSecret, ErrRevoked}, {reader, "x", ErrBadSecret}, {"", secret, ErrUnknownApp}} {
			if _, err := d.SignIn(c.app, c.secret); err != c.want {
				t.Errorf("%s: %v, want %v", c.app, err, c.want)
			}
		}
	}
	for name, bad := range map[string]string{
		"no JSON": "x", "no tenant": "{}", "no hash": `{"tenant":"t","principals":[{"name":"a","appId":"` + writer + `","objectId":"` + reader + `"}]}`,
		"too many rounds":      strings.Replace(string(text), "pbkdf2-sha256$1$", "pbkdf2-sha256$99999999$", 1),
		"a principal twice":    strings.Replace(string(text), `"reader"`, `"writer"`, 1),
		"a subscription twice": strings.Replace(string(text), `"prod"`, `"connectivity"`, 1),
	} {
		if _, err := ReadDirectory([]byte(bad)); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

func TestNamesAndIDsAreGivenOnce(t *testing.T) {
	k := newDesk(t)
	d, p, s := k.Directory, k.principal(t, "writer"), k.Directory.Subscriptions()[0]
	for name, err := range map[string]error{
		"a subscription's name":         func() error { _, err := d.AddSubscription(strings.ToUpper(s.Name), ""); return err }(),
		"a subscription's id":           func() error { _, err := d.AddSubscription("new", s.ID); return err }(),
		"a subscription's id as a name": func() error { _, err := d.AddSubscription(s.ID, ""); return err }(),
		"no name":                       func() error { _, err := d.AddSubscription("a/b", ""); return err }(),
		"no GUID":                       func() error { _, err := d.AddSubscription("new", "x"); return err }(),
		"a principal's name":            func() error { _, err := d.AddPrincipal("WRITER", "", "", readerSecret); return err }(),
		"an application's id":           func() error { _, err := d.AddPrincipal("new", p.AppID, "", readerSecret); return err }(),
		"an object's id":                func() error { _, err := d.AddPrincipal("new", "", p.ObjectID, readerSecret); return err }(),
		"an object's for application's": func() error { _, err := d.AddPrincipal("new", p.ObjectID, "", readerSecret); return err }(),
		"one id for both": func() error {
			_, err := d.AddPrincipal("new", guidOf("x", "y"), guidOf("x", "y"), readerSecret)
			return err
		}(),
		"a poor secret": func() error { _, err := d.AddPrincipal("new", "", "", "poor"); return err }(),
	} {
		if err == nil {
			t.Errorf("%s is taken again", name)
		}
	}
	if len(d.Subscriptions()) != 2 || len(d.Principals()) != 3 {
		t.Error("something was added")
	}
	if _, ok := d.Subscription(strings.ToUpper(s.ID)); !ok || !slices.IsSortedFunc(d.Principals(), func(a, b Principal) int { return strings.Compare(a.Name, b.Name) }) {
		t.Error("a subscription is not found by its id, or principals are out of order")
	}
}

func TestOtherMachinesAreServedOnlyWithCredentialsThatSomebodyChose(t *testing.T) {
	c := openFacts(t)
	d, a, made, err := StandardBootstrap().Found(c) // with as many rounds as in earnest
	if err != nil || len(made) != 1 {
		t.Fatal(made, err)
	}
	if p, err := d.SignIn(made[0].AppID, made[0].Secret); err != nil || !a.Allowed(p.ObjectID, "Microsoft.Network/virtualNetworks/write", "/subscriptions/"+d.Subscriptions()[0].ID) {
		t.Errorf("the standard principal cannot do anything (%v)", err)
	}
	if err := d.CheckListen("0.0.0.0:18443"); err == nil || !strings.Contains(err.Error(), "--bootstrap") {
		t.Errorf("got %v", err)
	}
	if err := d.CheckListen("127.0.0.1:18443"); err != nil {
		t.Error(err)
	}
	text, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	again, err := ReadDirectory(text)
	if err != nil || again.Chosen() {
		t.Errorf("after a restart they are somebody's (%v)", err)
	}
	if _, err := d.SetSecret("onramp", "a-secret-that-I-chose"); err != nil || d.CheckListen("0.0.0.0:18443") != nil {
		t.Errorf("a secret that was chosen is not enough (%v)", err)
	}
	if k := newDesk(t); k.Directory.CheckListen(":18443") != nil {
		t.Error("a bootstrap file is not enough")
	}
}
