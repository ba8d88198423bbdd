package arm

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// maxToken is about ten times the longest token that is given out.
const maxToken = 16 << 10 // characters

// Claims are what an access token says, under Entra's names for a token of an application (version 1.0, the version of Resource Manager's).
type Claims struct {
	Audience  string `json:"aud"`
	Issuer    string `json:"iss"`
	IssuedAt  int64  `json:"iat"` // seconds since 1970, as the next two
	NotBefore int64  `json:"nbf"`
	Expires   int64  `json:"exp"`
	AppID     string `json:"appid"`
	AppIDACR  string `json:"appidacr"` // "1": the application showed a secret
	Provider  string `json:"idp"`
	Kind      string `json:"idtyp"` // "app"
	ObjectID  string `json:"oid"`
	Subject   string `json:"sub"`
	TenantID  string `json:"tid"`
	Unique    string `json:"uti"`
	Version   string `json:"ver"`
}

// issuer is who issues a tenant's tokens, in Azure's words, whatever the endpoint's URL is at the moment.
func issuer(tenant string) string { return "https://sts.windows.net/" + tenant + "/" }

// armAudiences are the names that Resource Manager goes by in tokens, in the order in which Azure lists them.
func armAudiences() []string {
	return []string{armCore + "/", armCore, armPublic + "/", armPublic}
}

const (
	armCore   = "https://management.core.windows.net"
	armPublic = "https://management.azure.com"
)

// Tokens issues the access tokens of one tenant and verifies them. It is safe for any number of goroutines.
type Tokens struct {
	keys   *Keys
	tenant string
	issuer string
	site   *Site
	now    func() time.Time
	seen   seenTokens
}

// NewTokens issues and verifies the tokens of a tenant (a GUID).
func NewTokens(keys *Keys, tenant string, site *Site, now func() time.Time) *Tokens {
	return &Tokens{keys: keys, tenant: tenant, issuer: issuer(tenant), site: site, now: now, seen: seenTokens{read: map[[sha256.Size]byte]seenToken{}}}
}

// isAudience tells whether a token for this audience is one for Resource Manager here.
func (t *Tokens) isAudience(aud string) bool {
	switch aud {
	case armPublic, armPublic + "/", armCore, armCore + "/":
		return true
	}
	return t.site.IsOwn(aud)
}

// Issue signs a token with which a principal can show an audience who it is, and tells when it expires.
func (t *Tokens) Issue(p *Principal, audience string) (token string, expires time.Time, err error) {
	now := t.now()
	if err := t.keys.RotateDue(now); err != nil {
		return "", time.Time{}, fmt.Errorf("no new key for tokens: %w", err)
	}
	var unique [16]byte
	if _, err := rand.Read(unique[:]); err != nil {
		return "", time.Time{}, err
	}
	expires = now.Add(TokenLife)
	token, err = jwt.Signed(t.keys.signs()).Claims(&Claims{
		Audience: audience, Issuer: issuer(t.tenant), IssuedAt: now.Unix(), NotBefore: now.Unix(), Expires: expires.Unix(),
		AppID: p.AppID, AppIDACR: "1", Provider: issuer(t.tenant), Kind: "app", ObjectID: p.ObjectID, Subject: p.ObjectID, TenantID: t.tenant,
		Unique: base64.RawURLEncoding.EncodeToString(unique[:]), Version: "1.0",
	}).Serialize()
	return token, expires, err
}

// Verify reads the token of a request and holds it against everything that can be wrong with one. Nothing in a token counts before its
// signature does. Verify does not know whether the principal is still there: Gate.Who asks the directory.
func (t *Tokens) Verify(r *http.Request) (*Claims, *Error) {
	given := r.Header.Values("Authorization")
	if len(given) == 0 {
		return nil, t.challenge(r, refuse(http.StatusUnauthorized, "AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing."))
	}
	scheme, token, _ := strings.Cut(given[0], " ")
	if len(given) > 1 || !strings.EqualFold(scheme, "Bearer") || token == "" || strings.ContainsAny(token, " ,\t") {
		return nil, t.challenge(r, refuse(http.StatusUnauthorized, "AuthenticationFailed", "Authentication failed. The 'Authorization' header is provided in an invalid format."))
	}
	if len(token) > maxToken {
		return nil, t.challenge(r, refuse(http.StatusUnauthorized, "InvalidAuthenticationToken", "The access token is invalid: it has more than %d characters.", maxToken))
	}
	now := t.now()
	var held [2048]byte // longer than what is issued
	sum := sha256.Sum256(append(held[:0], token...))
	known, ok := t.seen.get(sum)
	if !ok || t.keys.verifies(known.key, now) == nil {
		var err *Error
		if known, err = t.read(token, now); err != nil {
			return nil, t.challenge(r, err)
		}
	}
	if err := t.judge(r, known.claims, now); err != nil {
		return nil, t.challenge(r, err)
	}
	if !ok {
		t.seen.put(sum, known, now)
	}
	return known.claims, nil
}

// read verifies the signature, which is RS256 and nothing else: a token names its algorithm, and it is not for a token to choose "none",
// or HMAC with a public key as the secret.
func (t *Tokens) read(token string, now time.Time) (seenToken, *Error) {
	invalid := func(why string) (seenToken, *Error) {
		return seenToken{}, refuse(http.StatusUnauthorized, "InvalidAuthenticationToken", "The access token is invalid: %s.", why)
	}
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil || len(parsed.Headers) != 1 {
		return invalid("it is not a JSON Web Token that is signed with RS256")
	}
	key := t.keys.verifies(parsed.Headers[0].KeyID, now)
	if key == nil {
		return invalid("it is signed with a key that is not one of this endpoint's, or not any more")
	}
	var c Claims
	if err := parsed.Claims(key, &c); err != nil {
		return invalid("its signature is wrong")
	}
	return seenToken{&c, parsed.Headers[0].KeyID}, nil
}

// judge holds what a token says against what it must say here and now.
func (t *Tokens) judge(r *http.Request, c *Claims, now time.Time) *Error {
	if c.TenantID != t.tenant || c.Issuer != t.issuer {
		return refuse(http.StatusUnauthorized, "InvalidAuthenticationTokenTenant",
			"The access token is from the wrong issuer '%s'. It must match the tenant '%s' associated with this subscription. Please use the authority (URL) '%s' to get the token.",
			c.Issuer, issuer(t.tenant), t.site.URLFor(r)+"/"+t.tenant)
	}
	if !t.isAudience(c.Audience) {
		url := t.site.URLFor(r)
		allowed := append(armAudiences(), url, url+"/")
		return refuse(http.StatusUnauthorized, "InvalidAuthenticationTokenAudience",
			"The access token has been obtained for wrong audience or resource '%s'. It should exactly match with one of the allowed audiences '%s'.",
			c.Audience, strings.Join(allowed, "','"))
	}
	if expires := time.Unix(c.Expires, 0); !now.Before(expires.Add(tokenLeeway)) {
		const layout = "1/2/2006 3:04:05 PM"
		return refuse(http.StatusUnauthorized, "ExpiredAuthenticationToken", "The access token expiry UTC time '%s' is earlier than current UTC time '%s'.",
			expires.UTC().Format(layout), now.UTC().Format(layout))
	}
	if now.Before(time.Unix(c.NotBefore, 0).Add(-tokenLeeway)) {
		return refuse(http.StatusUnauthorized, "InvalidAuthenticationToken", "The access token is invalid: it is not valid yet.")
	}
	return nil
}

// challenge tells a client where to get a token (RFC 6750 3).
func (t *Tokens) challenge(r *http.Request, e *Error) *Error {
	kind := "invalid_token"
	if e.Code == "AuthenticationFailed" {
		kind = "invalid_request"
	}
	quoted := strings.NewReplacer(`"`, "'", `\`, "/", "\r", " ", "\n", " ").Replace(e.Message)
	return e.with("WWW-Authenticate", fmt.Sprintf(`Bearer authorization_uri="%s/%s", error="%s", error_description="%s"`, t.site.URLFor(r), t.tenant, kind, quoted))
}

// seenTokens remembers tokens whose signatures were found right, by their hashes, so that a client that shows one token a thousand times
// has it computed once. The key and the times are judged each time all the same.
type seenTokens struct {
	mu   sync.RWMutex
	read map[[sha256.Size]byte]seenToken
}

type seenToken struct {
	claims *Claims
	key    string // the id of the key that signed it
}

// maxSeen bounds what is remembered.
const maxSeen = 1024

func (s *seenTokens) get(sum [sha256.Size]byte) (seenToken, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	known, ok := s.read[sum]
	return known, ok
}

func (s *seenTokens) put(sum [sha256.Size]byte, t seenToken, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.read) >= maxSeen {
		for k, old := range s.read {
			if now.Unix() > old.claims.Expires {
				delete(s.read, k)
			}
		}
		if len(s.read) >= maxSeen {
			clear(s.read)
		}
	}
	s.read[sum] = t
}
