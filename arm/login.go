package arm

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// maxForm is more than any request for a token has, one with a certificate's assertion too.
const maxForm = 64 << 10 // bytes

// Login serves what clients ask before they can ask Resource Manager anything: where its parts are (/metadata/endpoints), and Entra's
// part of it: OpenID configuration, keys and tokens. None of it needs a token. It keeps nothing.
type Login struct {
	Directory *Directory
	Keys      *Keys
	Tokens    *Tokens
	Site      *Site
	Now       func() time.Time
}

// The requests that Login answers.
const (
	loginNone = iota
	loginMetadata
	loginInstance
	loginConfig1 // of version 1.0 tokens,
	loginConfig2 // and as the clients of version 2.0 ask for it
	loginKeys
	loginToken
)

// route finds what a path asks for, and of which tenant.
func (l *Login) route(path string) (what int, tenant string) {
	const most = "/subscriptions/" // of all requests are not Login's
	if len(path) > len(most) && strings.EqualFold(path[:len(most)], most) {
		return loginNone, ""
	}
	part := strings.Split(strings.TrimPrefix(path, "/"), "/")
	if len(part) < 2 {
		return loginNone, ""
	}
	switch strings.ToLower(strings.Join(part[1:], "/")) {
	case "endpoints":
		if strings.EqualFold(part[0], "metadata") {
			return loginMetadata, ""
		}
	case "discovery/instance":
		return loginInstance, part[0]
	case ".well-known/openid-configuration":
		return loginConfig1, part[0]
	case "v2.0/.well-known/openid-configuration":
		return loginConfig2, part[0]
	case "discovery/keys", "discovery/v2.0/keys":
		return loginKeys, part[0]
	case "oauth2/v2.0/token":
		return loginToken, part[0]
	}
	return loginNone, ""
}

// Serves tells whether a request is Login's to answer.
func (l *Login) Serves(r *http.Request) bool {
	what, _ := l.route(r.URL.Path)
	return what != loginNone
}

// ServeHTTP answers.
func (l *Login) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	what, tenant := l.route(r.URL.Path)
	if id := r.Header.Get("client-request-id"); isGUID(id) {
		w.Header().Set("client-request-id", id)
	}
	if what == loginToken {
		l.token(w, r, tenant)
		return
	}
	if what == loginNone {
		refuse(http.StatusNotFound, "ResourceNotFound", "There is nothing at '%s'.", r.URL.Path).write(w)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		refuse(http.StatusMethodNotAllowed, "MethodNotAllowed", "The method %s is not served at '%s'.", r.Method, r.URL.Path).write(w)
		return
	}
	base := l.Site.URLFor(r)
	switch what {
	case loginMetadata:
		l.metadata(w, r, base)
	case loginInstance:
		l.instance(w, r, base)
	case loginKeys:
		if l.knows(w, tenant) {
			sendJSON(w, http.StatusOK, l.Keys.Public(l.Now()))
		}
	default:
		if l.knows(w, tenant) {
			sendJSON(w, http.StatusOK, l.configuration(base, what == loginConfig2, tenant))
		}
	}
}

func sendJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client is gone
}

// anyTenant tells whether a client asks for what is the same in each tenant.
func anyTenant(tenant string) bool {
	return slices.Contains([]string{"common", "organizations"}, strings.ToLower(tenant))
}

func (l *Login) knows(w http.ResponseWriter, tenant string) bool {
	if anyTenant(tenant) || l.Directory.IsTenant(tenant) {
		return true
	}
	l.noTenant(tenant).write(w, l.Now())
	return false
}

func (l *Login) noTenant(tenant string) *loginError {
	return loginRefusal(http.StatusBadRequest, "invalid_request", 90002,
		"Tenant '%s' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud. This endpoint has the tenant %s.", clipWord(tenant), l.Directory.Tenant())
}

// configuration is the OpenID Connect Discovery document. Its URLs are those under which the client came: MSAL refuses an issuer on
// another host.
func (l *Login) configuration(base string, v2 bool, tenant string) map[string]any {
	named, id := l.Directory.Tenant(), l.Directory.Tenant()
	if anyTenant(tenant) {
		named, id = strings.ToLower(tenant), "{tenantid}"
	}
	c := map[string]any{
		"issuer":                                issuer(id),
		"authorization_endpoint":                base + "/" + named + "/oauth2/v2.0/authorize",
		"token_endpoint":                        base + "/" + named + "/oauth2/v2.0/token",
		"jwks_uri":                              base + "/" + named + "/discovery/v2.0/keys",
		"token_endpoint_auth_methods_supported": []string{"client_secret_post", "client_secret_basic"},
		"grant_types_supported":                 []string{"client_credentials"},
		"response_types_supported":              []string{"token"},
		"response_modes_supported":              []string{"query"},
		"subject_types_supported":               []string{"pairwise"},
		"id_token_signing_alg_values_supported": []string{"RS256"},
		"scopes_supported":                      []string{"openid"},
		"claims_supported":                      []string{"aud", "iss", "iat", "nbf", "exp", "appid", "appidacr", "idp", "idtyp", "oid", "sub", "tid", "uti", "ver"},
		"tenant_region_scope":                   nil,
	}
	if v2 {
		c["issuer"] = base + "/" + id + "/v2.0"
	}
	return c
}

// instance says that this endpoint, under each of its names, is all that there is of its cloud.
func (l *Login) instance(w http.ResponseWriter, r *http.Request, base string) {
	tenant := l.Directory.Tenant()
	if at := r.URL.Query().Get("authorization_endpoint"); at != "" {
		u, err := url.Parse(at)
		if err != nil || !l.Site.IsOwn("https://"+u.Host) {
			loginRefusal(http.StatusBadRequest, "invalid_instance", 50049, "Unknown or invalid instance: '%s' is not this endpoint.", clipWord(at)).write(w, l.Now())
			return
		}
		first, _, _ := strings.Cut(strings.TrimPrefix(u.Path, "/"), "/")
		if !l.knows(w, first) {
			return
		}
		if anyTenant(first) {
			tenant = first
		}
	}
	aliases := []string{}
	for _, h := range l.Site.Hosts() {
		aliases = append(aliases, strings.TrimPrefix(l.Site.url(h), "https://"))
	}
	own := strings.TrimPrefix(base, "https://")
	sendJSON(w, http.StatusOK, map[string]any{
		"tenant_discovery_endpoint": base + "/" + tenant + "/v2.0/.well-known/openid-configuration",
		"api-version":               "1.1",
		"metadata":                  []any{map[string]any{"preferred_network": own, "preferred_cache": own, "aliases": aliases}},
	})
}

// graphPath is where the endpoint's Microsoft Graph would be: clients ask for tokens for it, and some need one before they begin.
const graphPath = "/graph"

// metadata says where the parts of this cloud are. Everything points back at the endpoint, so that no client calls Azure by mistake.
// Three shapes have been published: one object, a list of clouds, and the oldest with four properties.
func (l *Login) metadata(w http.ResponseWriter, r *http.Request, base string) {
	version := r.URL.Query().Get("api-version")
	audiences := []string{base, "https://management.core.windows.net/", "https://management.azure.com/"}
	if version < "2018" {
		sendJSON(w, http.StatusOK, map[string]any{
			"galleryEndpoint": base, "graphEndpoint": base + graphPath, "portalEndpoint": base,
			"authentication": map[string]any{"loginEndpoint": base, "audiences": audiences},
		})
		return
	}
	cloud := map[string]any{
		"name":   "OnrampTwin",
		"portal": base,
		// Any other tenant or identity provider makes clients take the cloud for Azure Stack (wire.md).
		"authentication":           map[string]any{"loginEndpoint": base, "audiences": audiences, "tenant": "common", "identityProvider": "AAD"},
		"resourceManager":          base,
		"graph":                    base + graphPath,
		"graphAudience":            base + graphPath,
		"microsoftGraphResourceId": base + graphPath,
		"suffixes":                 suffixes(),
	}
	for _, id := range []string{"appInsightsResourceId", "attestationResourceId", "batch", "logAnalyticsResourceId", "ossrDbmsResourceId", "synapseAnalyticsResourceId"} {
		cloud[id] = base + nowherePath
	}
	if version < "2022" {
		sendJSON(w, http.StatusOK, []any{cloud})
		return
	}
	sendJSON(w, http.StatusOK, cloud)
}

// nowherePath is below the address that stands for services which are not here.
const nowherePath = "/nowhere"

// suffixes are the domains of services that are not here, which Terraform's provider wants to know before it does anything. They are
// under a domain that never resolves (RFC 2606 2), so that nobody sends a secret anywhere.
func suffixes() map[string]any {
	out := map[string]any{}
	for _, s := range []string{"acrLoginServer", "attestationEndpoint", "azureFrontDoorEndpointSuffix", "keyVaultDns", "mhsmDns", "mysqlServerEndpoint",
		"postgresqlServerEndpoint", "sqlServerHostname", "storage", "storageSyncEndpointSuffix", "synapseAnalytics"} {
		out[s] = strings.ToLower(s) + ".onramp-twin.invalid"
	}
	return out
}

// loginError is a refusal in Entra's words.
type loginError struct {
	status  int
	kind    string // of OAuth (RFC 6749 5.2)
	code    int    // of Entra: AADSTS...
	message string
}

func loginRefusal(status int, kind string, code int, format string, args ...any) *loginError {
	return &loginError{status, kind, code, fmt.Sprintf(format, args...)}
}

func (e *loginError) write(w http.ResponseWriter, now time.Time) {
	trace, correlation := randomGUID(), w.Header().Get("client-request-id")
	if correlation == "" {
		correlation = randomGUID()
	}
	at := now.UTC().Format("2006-01-02 15:04:05Z")
	if e.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Basic realm="Onramp"`) // RFC 6749 5.2
	}
	noStore(w)
	sendJSON(w, e.status, map[string]any{
		"error": e.kind, "error_description": fmt.Sprintf("AADSTS%d: %s Trace ID: %s Correlation ID: %s Timestamp: %s", e.code, e.message, trace, correlation, at),
		"error_codes": []int{e.code}, "timestamp": at, "trace_id": trace, "correlation_id": correlation,
	})
}

func noStore(w http.ResponseWriter) {
	w.Header().Set("Cache-Control", "no-store, no-cache")
	w.Header().Set("Pragma", "no-cache")
}

// randomGUID is one that nobody can guess (RFC 9562 5.4, version 4).
func randomGUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // does not fail: crypto/rand ends the process instead
	b[6] = b[6]&0x0f | 4<<4
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// token answers a request for a token: client credentials with a secret, in the form or as HTTP's basic authentication.
func (l *Login) token(w http.ResponseWriter, r *http.Request, tenant string) {
	answer, refusal := l.grant(w, r, tenant)
	if refusal != nil {
		refusal.write(w, l.Now())
		return
	}
	noStore(w)
	sendJSON(w, http.StatusOK, answer)
}

func (l *Login) grant(w http.ResponseWriter, r *http.Request, tenant string) (map[string]any, *loginError) {
	if r.Method != http.MethodPost {
		return nil, loginRefusal(http.StatusBadRequest, "invalid_request", 900561, "The endpoint only accepts POST requests. Received a %s request.", r.Method)
	}
	if !l.Directory.IsTenant(tenant) {
		return nil, l.noTenant(tenant)
	}
	form, refusal := tokenForm(w, r)
	if refusal != nil {
		return nil, refusal
	}
	missing := func(name string) *loginError {
		return loginRefusal(http.StatusBadRequest, "invalid_request", 900144, "The request body must contain the following parameter: '%s'.", name)
	}
	switch g := form.Get("grant_type"); g {
	case "client_credentials":
	case "":
		return nil, missing("grant_type")
	default:
		return nil, loginRefusal(http.StatusBadRequest, "unsupported_grant_type", 70003, "The app requested an unsupported grant type '%s'. This endpoint has client_credentials.", clipWord(g))
	}
	if form.Get("client_id") == "" {
		return nil, missing("client_id")
	}
	if form.Get("client_secret") == "" {
		return nil, loginRefusal(http.StatusUnauthorized, "invalid_client", 7000218, "The request body must contain the following parameter: 'client_assertion' or 'client_secret'. This endpoint takes client_secret.")
	}
	audience, refusal := l.audience(r, form.Get("scope"))
	if refusal != nil {
		return nil, refusal
	}
	p, err := l.Directory.SignIn(form.Get("client_id"), form.Get("client_secret"))
	switch {
	case errors.Is(err, ErrUnknownApp):
		return nil, loginRefusal(http.StatusBadRequest, "unauthorized_client", 700016, "Application with identifier '%s' was not found in the directory '%s'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You may have sent your authentication request to the wrong tenant.", clipWord(form.Get("client_id")), l.Directory.TenantName())
	case errors.Is(err, ErrRevoked):
		return nil, loginRefusal(http.StatusUnauthorized, "unauthorized_client", 7000112, "Application '%s' is disabled.", form.Get("client_id"))
	case err != nil:
		return nil, loginRefusal(http.StatusUnauthorized, "invalid_client", 7000215, "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '%s'.", form.Get("client_id"))
	}
	token, expires, err := l.Tokens.Issue(p, audience)
	if err != nil {
		return nil, loginRefusal(http.StatusInternalServerError, "server_error", 90033, "A transient error has occurred. Please try again.")
	}
	seconds := int(expires.Sub(l.Now())/time.Second) - 1 // Entra's own answers say 3599
	return map[string]any{"token_type": "Bearer", "expires_in": seconds, "ext_expires_in": seconds, "access_token": token}, nil
}

// tokenForm reads the form of a request, with the credentials of the Authorization header as if they were in it (RFC 6749 2.3.1). What is
// in the URL does not count: URLs end up in logs.
func tokenForm(w http.ResponseWriter, r *http.Request) (url.Values, *loginError) {
	bad := func(format string, args ...any) (url.Values, *loginError) {
		return nil, loginRefusal(http.StatusBadRequest, "invalid_request", 900144, format, args...)
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/x-www-form-urlencoded" {
		return bad("The request body must be a form: its Content-Type must be application/x-www-form-urlencoded.")
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			return nil, loginRefusal(http.StatusRequestEntityTooLarge, "invalid_request", 90015, "The request body has more than %d bytes.", maxForm)
		}
		return bad("The request body cannot be read as a form.")
	}
	form := r.PostForm
	for name, values := range form {
		if len(values) > 1 {
			return bad("The request body contains the parameter '%s' more than once.", clipWord(name))
		}
	}
	if id, secret, ok := r.BasicAuth(); ok {
		id, err1 := url.QueryUnescape(id)
		secret, err2 := url.QueryUnescape(secret)
		if err1 != nil || err2 != nil {
			return bad("The client's credentials in the Authorization header are not form-encoded.")
		}
		if given := form.Get("client_id"); given != "" && !strings.EqualFold(given, id) || form.Get("client_secret") != "" {
			return bad("The client's credentials are both in the Authorization header and in the request body.")
		}
		form.Set("client_id", id)
		form.Set("client_secret", secret)
	}
	return form, nil
}

// audience is whom a scope asks a token for: RESOURCE/.default, beside the scopes of OpenID Connect, which MSAL adds to each request.
func (l *Login) audience(r *http.Request, scope string) (string, *loginError) {
	wanted := slices.DeleteFunc(strings.Fields(scope), func(s string) bool {
		return slices.Contains([]string{"openid", "profile", "offline_access", "email"}, s)
	})
	if len(wanted) == 0 {
		return "", loginRefusal(http.StatusBadRequest, "invalid_request", 900144, "The request body must contain the following parameter: 'scope'.")
	}
	resource, ok := strings.CutSuffix(wanted[0], "/.default")
	if !ok || len(wanted) > 1 {
		return "", loginRefusal(http.StatusBadRequest, "invalid_scope", 1002012, "The provided value for scope %s is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI).", clipWord(scope))
	}
	if l.Tokens.isAudience(resource) || l.isGraph(resource) {
		return resource, nil
	}
	return "", loginRefusal(http.StatusBadRequest, "invalid_resource", 500011, "The resource principal named %s was not found in the tenant named %s. This endpoint gives tokens for %s and for %s.",
		clipWord(resource), l.Directory.TenantName(), l.Site.URLFor(r), "https://management.azure.com")
}

// isGraph tells whether a resource is Microsoft Graph, the endpoint's or Azure's own.
func (l *Login) isGraph(resource string) bool {
	resource = strings.TrimSuffix(resource, "/")
	own, ok := strings.CutSuffix(resource, graphPath)
	return ok && l.Site.IsOwn(own) || slices.Contains([]string{"https://graph.microsoft.com", "https://graph.windows.net"}, resource)
}

// clipWord shortens what a client sent, for a message.
func clipWord(s string) string {
	if len(s) > 120 {
		return strings.ToValidUTF8(s[:120], "") + "..."
	}
	return s
}
