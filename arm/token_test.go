package arm

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/google/go-cmp/cmp"
)

const armAudience = "https://management.azure.com"

func (k *desk) token(t testing.TB, name, audience string) string {
	t.Helper()
	token, _, err := k.Tokens.Issue(k.principal(t, name), audience)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// signed is a token of a signer's, with claims as the endpoint would make them for the writer and then changed.
func (k *desk) signed(t testing.TB, signer jose.Signer, change func(*Claims)) string {
	t.Helper()
	var c Claims
	part := strings.Split(k.token(t, "writer", armAudience), ".")
	text, err := base64.RawURLEncoding.DecodeString(part[1])
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	change(&c)
	token, err := jwt.Signed(signer).Claims(&c).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func unchanged(*Claims) {}

// raw joins the parts of a token that no library would make.
func raw(header, claims, signature string) string {
	e := base64.RawURLEncoding
	return e.EncodeToString([]byte(header)) + "." + e.EncodeToString([]byte(claims)) + "." + e.EncodeToString([]byte(signature))
}

func foreignSigner(t testing.TB, algorithm jose.SignatureAlgorithm, key any, id string) jose.Signer {
	t.Helper()
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: jose.JSONWebKey{Key: key, KeyID: id}}, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestARequestThatDoesNotProveWhoSendsItIsRefused also holds each refusal's code against errors.csv.
func TestARequestThatDoesNotProveWhoSendsItIsRefused(t *testing.T) {
	k := newDesk(t)
	known := map[string]int{}
	for _, e := range openFacts(t).ARMErrors() {
		known[e.Code] = e.HTTPStatus
	}
	own := k.keys.keys[0]
	foreign, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&own.key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	publicPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	good := k.token(t, "writer", armAudience)
	part := strings.Split(good, ".")
	claims, _ := base64.RawURLEncoding.DecodeString(part[1])
	signature, _ := base64.RawURLEncoding.DecodeString(part[2])
	none := func(alg string) string {
		return raw(`{"alg":"`+alg+`","typ":"JWT","kid":"`+own.id+`"}`, string(claims), "")
	}
	header := func(values ...string) func(*http.Request) {
		return func(r *http.Request) { r.Header["Authorization"] = values }
	}
	token := func(s string) func(*http.Request) { return header("Bearer " + s) }
	own2 := func(change func(*Claims)) func(*http.Request) { return token(k.signed(t, own.signer, change)) }

	for _, c := range []struct {
		name string
		set  func(*http.Request)
		code string // "" for a request that is taken
	}{
		{"a good token", token(good), ""},
		{"the same again", token(good), ""},
		{"a scheme in lower case", header("bearer " + good), ""},
		{"the other name of Resource Manager", token(k.token(t, "writer", "https://management.core.windows.net/")), ""},
		{"the endpoint's own URL", token(k.token(t, "writer", k.site.URL()+"/")), ""},
		{"a little after its end", own2(func(c *Claims) { c.Expires = aMoment.Add(-time.Minute).Unix() }), ""},
		{"a clock that is ahead a little", own2(func(c *Claims) { c.NotBefore = aMoment.Add(time.Minute).Unix() }), ""},

		{"no token", func(r *http.Request) { r.Header.Del("Authorization") }, "AuthenticationFailed"},
		{"an empty header", header(""), "AuthenticationFailed"},
		{"a scheme alone", header("Bearer"), "AuthenticationFailed"},
		{"a scheme and a blank", header("Bearer "), "AuthenticationFailed"},
		{"another scheme", header("Basic " + good), "AuthenticationFailed"},
		{"two headers", header("Bearer "+good, "Bearer "+good), "AuthenticationFailed"},
		{"two tokens", header("Bearer " + good + " " + good), "AuthenticationFailed"},
		{"two blanks", header("Bearer  " + good), "AuthenticationFailed"},
		{"a list", header("Bearer " + good + ", Basic x"), "AuthenticationFailed"},
		{"the token in the URL", func(r *http.Request) {
			r.Header.Del("Authorization")
			r.URL.RawQuery = "access_token=" + good
		}, "AuthenticationFailed"},

		{"garbage", token("garbage"), "InvalidAuthenticationToken"},
		{"garbage of three parts", token("a.b.c"), "InvalidAuthenticationToken"},
		{"zero bytes", token("\x00.\x00.\x00"), "InvalidAuthenticationToken"},
		{"a token of 64 KiB", token(strings.Repeat("a", 64<<10)), "InvalidAuthenticationToken"},
		{"a good token with a tail of 64 KiB", token(good + strings.Repeat("A", 64<<10)), "InvalidAuthenticationToken"},
		{"four parts", token(good + ".AAAA"), "InvalidAuthenticationToken"},
		{"no signature", token(part[0] + "." + part[1] + "."), "InvalidAuthenticationToken"},
		{"a signature that is cut", token(good[:len(good)-8]), "InvalidAuthenticationToken"},
		{"claims that were changed", token(raw(`{"alg":"RS256","typ":"JWT","kid":"`+own.id+`"}`, strings.Replace(string(claims), k.principal(t, "writer").ObjectID, k.principal(t, "reader").ObjectID, 1), string(signature))), "InvalidAuthenticationToken"},
		{"the JSON form of a signature", token(`{"payload":"` + part[1] + `","protected":"` + part[0] + `","signature":"` + part[2] + `"}`), "AuthenticationFailed"},
		{"the algorithm none", token(none("none")), "InvalidAuthenticationToken"},
		{"the algorithm None", token(none("None")), "InvalidAuthenticationToken"},
		{"the algorithm none with a signature", token(raw(`{"alg":"none","kid":"`+own.id+`"}`, string(claims), string(signature))), "InvalidAuthenticationToken"},
		{"no algorithm", token(raw(`{"typ":"JWT","kid":"`+own.id+`"}`, string(claims), string(signature))), "InvalidAuthenticationToken"},
		{"HMAC with the public key in DER as its secret", token(k.signed(t, foreignSigner(t, jose.HS256, der, own.id), unchanged)), "InvalidAuthenticationToken"},
		{"HMAC with the public key in PEM as its secret", token(k.signed(t, foreignSigner(t, jose.HS256, publicPEM, own.id), unchanged)), "InvalidAuthenticationToken"},
		{"another RSA algorithm of the same key", token(k.signed(t, foreignSigner(t, jose.PS256, own.key, own.id), unchanged)), "InvalidAuthenticationToken"},
		{"a foreign key under the name of ours", token(k.signed(t, foreignSigner(t, jose.RS256, foreign, own.id), unchanged)), "InvalidAuthenticationToken"},
		{"a foreign key under its own name", token(k.signed(t, foreignSigner(t, jose.RS256, foreign, "mine"), unchanged)), "InvalidAuthenticationToken"},
		{"our key without its name", token(k.signed(t, foreignSigner(t, jose.RS256, own.key, ""), unchanged)), "InvalidAuthenticationToken"},
		{"a foreign key that the token brings", token(func() string {
			s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: foreign}, &jose.SignerOptions{EmbedJWK: true})
			if err != nil {
				t.Fatal(err)
			}
			return k.signed(t, s, unchanged)
		}()), "InvalidAuthenticationToken"},
		{"a header that asks for what we do not know", token(func() string {
			s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: own.key, KeyID: own.id}}, (&jose.SignerOptions{}).WithCritical("x"))
			if err != nil {
				t.Fatal(err)
			}
			return k.signed(t, s, unchanged)
		}()), "InvalidAuthenticationToken"},

		{"long after its end", own2(func(c *Claims) { c.Expires = aMoment.Add(-tokenLeeway).Unix() }), "ExpiredAuthenticationToken"},
		{"without an end", own2(func(c *Claims) { c.Expires = 0 }), "ExpiredAuthenticationToken"},
		{"long before its begin", own2(func(c *Claims) { c.NotBefore = aMoment.Add(tokenLeeway + time.Second).Unix() }), "InvalidAuthenticationToken"},
		{"another tenant", own2(func(c *Claims) { c.TenantID = guidOf("tenant", "fabrikam") }), "InvalidAuthenticationTokenTenant"},
		{"another issuer", own2(func(c *Claims) { c.Issuer = "https://sts.windows.net/" + guidOf("tenant", "fabrikam") + "/" }), "InvalidAuthenticationTokenTenant"},
		{"no tenant", own2(func(c *Claims) { c.TenantID = "" }), "InvalidAuthenticationTokenTenant"},
		{"another audience", token(k.token(t, "writer", "https://graph.microsoft.com")), "InvalidAuthenticationTokenAudience"},
		{"our own graph", token(k.token(t, "writer", k.site.URL()+graphPath)), "InvalidAuthenticationTokenAudience"},
		{"an audience that begins like ours", token(k.token(t, "writer", armAudience+".evil.example")), "InvalidAuthenticationTokenAudience"},
		{"no audience", token(k.token(t, "writer", "")), "InvalidAuthenticationTokenAudience"},
		{"a principal that the directory does not know", own2(func(c *Claims) { c.ObjectID = guidOf("principal", "nobody") }), "InvalidAuthenticationToken"},
		{"an application that is not the principal's", own2(func(c *Claims) { c.AppID = k.principal(t, "reader").AppID }), "InvalidAuthenticationToken"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := bearer("")
			c.set(r)
			p, refusal := k.Who(r)
			if c.code == "" {
				if refusal != nil || p.Name != "writer" {
					t.Fatalf("got %v, %v", p, refusal)
				}
				return
			}
			if refusal == nil || p != nil {
				t.Fatalf("it is taken for %v", p)
			}
			if refusal.Code != c.code || refusal.Status != http.StatusUnauthorized {
				t.Errorf("got %d %v, want %s", refusal.Status, refusal, c.code)
			}
			if status, ok := known[c.code]; !ok || status != refusal.Status {
				t.Errorf("errors.csv has the code %s: %t, with the status %d", c.code, ok, status)
			}
			if h := refusal.Headers["WWW-Authenticate"]; !strings.HasPrefix(h, `Bearer authorization_uri="https://`) || strings.ContainsAny(h, "\r\n") || strings.Count(h, `"`) != 6 {
				t.Errorf("WWW-Authenticate: %s", h)
			}
			if strings.Contains(refusal.Message, part[2]) {
				t.Error("the refusal repeats the token")
			}
		})
	}
}

func TestTokensSayWhatEntrasSay(t *testing.T) {
	k := newDesk(t)
	c, refusal := k.Tokens.Verify(bearer(k.token(t, "writer", armAudience)))
	if refusal != nil {
		t.Fatal(refusal)
	}
	p, tenant := k.principal(t, "writer"), k.Directory.Tenant()
	want := &Claims{Audience: armAudience, Issuer: "https://sts.windows.net/" + tenant + "/", IssuedAt: aMoment.Unix(), NotBefore: aMoment.Unix(), Expires: aMoment.Add(time.Hour).Unix(),
		AppID: p.AppID, AppIDACR: "1", Provider: "https://sts.windows.net/" + tenant + "/", Kind: "app", ObjectID: p.ObjectID, Subject: p.ObjectID, TenantID: tenant, Unique: c.Unique, Version: "1.0"}
	if d := cmp.Diff(want, c); d != "" || len(c.Unique) != 22 {
		t.Errorf("%s, uti %q", d, c.Unique)
	}
}

func TestATokenIsGoodForAnHourAndALittle(t *testing.T) {
	k := newDesk(t)
	r := bearer(k.token(t, "writer", armAudience))
	k.clock.advance(TokenLife + tokenLeeway - time.Second)
	if _, refusal := k.Who(r); refusal != nil {
		t.Error(refusal)
	}
	k.clock.advance(time.Second)
	if _, refusal := k.Who(r); refusal == nil || refusal.Code != "ExpiredAuthenticationToken" {
		t.Errorf("got %v", refusal)
	}
}

func TestARevokedPrincipalIsOutAtOnceAndBackInWithTheSameToken(t *testing.T) {
	k := newDesk(t)
	r := bearer(k.token(t, "writer", armAudience))
	for _, revoked := range []bool{false, true, false} {
		if _, err := k.Directory.SetRevoked("writer", revoked); err != nil {
			t.Fatal(err)
		}
		if _, refusal := k.Who(r); (refusal != nil) != revoked || revoked && refusal.Code != "InvalidAuthenticationToken" {
			t.Errorf("revoked %t: %v", revoked, refusal)
		}
	}
}

func TestAKeyThatWasRotatedAwayVerifiesUntilItsTokensHaveExpired(t *testing.T) {
	k := newDesk(t)
	first := k.keys.keys[0]
	old := bearer(k.token(t, "writer", armAudience))
	eternal := func(c *Claims) { c.Expires = aMoment.Add(100 * 24 * time.Hour).Unix() }
	stolen, seen := bearer(k.signed(t, first.signer, eternal)), bearer(k.signed(t, first.signer, eternal))
	if err := k.keys.Rotate(k.clock.now()); err != nil {
		t.Fatal(err)
	}
	fresh := bearer(k.token(t, "writer", armAudience))
	if n := len(k.keys.Public(k.clock.now()).Keys); n != 2 {
		t.Errorf("%d keys are published", n)
	}
	for name, r := range map[string]*http.Request{"old": old, "fresh": fresh, "seen": seen} {
		if _, refusal := k.Who(r); refusal != nil {
			t.Errorf("%s: %v", name, refusal)
		}
	}
	k.clock.advance(TokenLife + tokenLeeway + time.Second)
	if n := len(k.keys.Public(k.clock.now()).Keys); n != 1 {
		t.Errorf("%d keys are published", n)
	}
	// Whatever a token says of its end: the key is gone, for tokens too that were found right before.
	for name, r := range map[string]*http.Request{"stolen": stolen, "seen": seen} {
		if _, refusal := k.Who(r); refusal == nil || refusal.Code != "InvalidAuthenticationToken" {
			t.Errorf("%s: %v", name, refusal)
		}
	}
	if err := k.keys.Rotate(k.clock.now()); err != nil {
		t.Fatal(err)
	}
	if n := len(k.keys.keys); n != 2 {
		t.Errorf("%d keys are kept", n)
	}
}

func TestAKeySignsForThirtyDays(t *testing.T) {
	k := newDesk(t)
	k.token(t, "writer", armAudience)
	k.clock.advance(keyRotation - time.Second)
	k.token(t, "writer", armAudience)
	if n := len(k.keys.keys); n != 1 {
		t.Fatalf("%d keys", n)
	}
	k.clock.advance(time.Second)
	var wg sync.WaitGroup
	for range 4 { // who find it due at once make one key
		wg.Go(func() { k.token(t, "writer", armAudience) })
	}
	wg.Wait()
	r := bearer(k.token(t, "writer", armAudience))
	if n := len(k.keys.keys); n != 2 {
		t.Fatalf("%d keys", n)
	}
	if _, refusal := k.Who(r); refusal != nil {
		t.Error(refusal)
	}
}

func TestKeysOutliveTheProcess(t *testing.T) {
	k := newDesk(t)
	path := filepath.Join(t.TempDir(), "keys.json")
	var tokens []string
	for range 3 { // starts
		keys, err := OpenKeys(path, k.clock.now())
		if err != nil {
			t.Fatal(err)
		}
		k.Tokens = NewTokens(keys, k.Directory.Tenant(), k.site, k.clock.now)
		tokens = append(tokens, k.token(t, "writer", armAudience))
		if err := keys.Rotate(k.clock.now()); err != nil {
			t.Fatal(err)
		}
		for i, token := range tokens {
			if _, refusal := k.Who(bearer(token)); refusal != nil {
				t.Errorf("token %d of %d: %v", i+1, len(tokens), refusal)
			}
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, harm := range map[string]func() error{
		"open to others": func() error { return os.Chmod(path, 0o644) },
		"empty":          func() error { return os.WriteFile(path, nil, 0o600) },
		"cut":            func() error { return os.WriteFile(path, whole[:len(whole)/2], 0o600) },
		"no key in it":   func() error { return os.WriteFile(path, []byte(`{"keys":[{"private":"AAAA"}]}`), 0o600) },
	} {
		if err := harm(); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenKeys(path, k.clock.now()); err == nil || !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), "AAAA") {
			t.Errorf("%s: %v", name, err)
		}
		if err := os.WriteFile(path, whole, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestWhatIsRememberedOfTokensIsBounded(t *testing.T) {
	k := newDesk(t)
	for i := range 3 * maxSeen {
		k.Tokens.seen.put([32]byte{byte(i), byte(i >> 8)}, seenToken{&Claims{Expires: aMoment.Unix() + int64(i)}, ""}, aMoment)
		if n := len(k.Tokens.seen.read); n > maxSeen {
			t.Fatalf("%d tokens are remembered", n)
		}
	}
}

func FuzzVerify(f *testing.F) {
	k := newDesk(f)
	good := k.token(f, "writer", armAudience)
	f.Add("Bearer " + good)
	f.Add("Bearer " + raw(`{"alg":"none"}`, `{}`, ""))
	f.Add("Basic eDp5")
	f.Add("")
	// The last character of a signature has bits that say nothing; all that is before it must be as it was.
	same := func(token string) bool { return len(token) == len(good) && token[:len(good)-1] == good[:len(good)-1] }
	f.Fuzz(func(t *testing.T, header string) {
		r := httptest.NewRequest(http.MethodGet, "https://localhost/", nil)
		r.Header["Authorization"] = []string{header}
		if _, refusal := k.Who(r); refusal == nil && !(len(header) > 7 && strings.EqualFold(header[:7], "Bearer ") && same(header[7:])) {
			t.Fatalf("%q is taken", header)
		}
	})
}

func BenchmarkWho(b *testing.B) {
	k := newDesk(b)
	r := bearer(k.token(b, "writer", armAudience))
	b.ReportAllocs()
	for b.Loop() {
		if _, refusal := k.Who(r); refusal != nil {
			b.Fatal(refusal)
		}
	}
}

// BenchmarkWhoUnseen is what is saved by remembering tokens.
func BenchmarkWhoUnseen(b *testing.B) {
	k := newDesk(b)
	r := bearer(k.token(b, "writer", armAudience))
	b.ReportAllocs()
	for b.Loop() {
		clear(k.Tokens.seen.read)
		if _, refusal := k.Who(r); refusal != nil {
			b.Fatal(refusal)
		}
	}
}
