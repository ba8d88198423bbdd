package arm

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// Subscription is a subscription of the tenant.
type Subscription struct {
	ID   string `json:"id"` // a GUID in lower case
	Name string `json:"name"`
}

// Principal is a service principal: an application that shows a secret to get tokens.
type Principal struct {
	Name     string `json:"name"`
	AppID    string `json:"appId"`    // GUIDs in lower case: what the client calls client id,
	ObjectID string `json:"objectId"` // and what role assignments call principalId
	// Hash is what is kept of the secret, which itself is kept nowhere.
	Hash string `json:"hash"`
	// Standard tells that nobody chose the principal and its secret: it was there because no bootstrap file was given.
	Standard bool `json:"standard,omitempty"`
	// Revoked tells that it gets no tokens any more, and that those it has count no longer.
	Revoked bool `json:"revoked,omitempty"`
}

// Directory is who there is: one tenant with its subscriptions and its service principals. It is safe for any number of goroutines. Its
// JSON is all of it, without any secret; who keeps the directory writes that down after each change.
type Directory struct {
	mu            sync.RWMutex
	tenant, name  string
	subscriptions []Subscription
	byObject      map[string]*Principal // values never change: a change replaces them
	byApp         map[string]*Principal
	secrets       *secretChecker
	rounds        int // of the hashes of secrets
}

// The errors of Directory.SignIn.
var (
	ErrUnknownApp = errors.New("there is no principal with this application id")
	ErrBadSecret  = errors.New("the secret is wrong")
	ErrRevoked    = errors.New("the principal is revoked")
)

// NewDirectory is a directory without subscriptions and principals. The tenant is a GUID, or a name that one is derived from.
func NewDirectory(tenant string) *Directory {
	d := &Directory{name: tenant, tenant: strings.ToLower(tenant), byObject: map[string]*Principal{}, byApp: map[string]*Principal{}, secrets: newSecretChecker(), rounds: hashRounds}
	if !isGUID(tenant) {
		d.tenant = guidOf("tenant", strings.ToLower(tenant))
	}
	return d
}

// Tenant is the tenant's GUID.
func (d *Directory) Tenant() string { return d.tenant }

// TenantName is what the tenant was called when it was made; its GUID if that was all.
func (d *Directory) TenantName() string { return d.name }

// IsTenant tells whether a client means this tenant, by its GUID, its name, or as the one tenant of an authority that is not Entra: adfs,
// which keeps the Azure CLI from asking login.microsoftonline.com about it.
func (d *Directory) IsTenant(s string) bool {
	return strings.EqualFold(s, d.tenant) || strings.EqualFold(s, d.name) || strings.EqualFold(s, "adfs")
}

// Subscriptions lists the subscriptions in the order of their names.
func (d *Directory) Subscriptions() []Subscription {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return slices.Clone(d.subscriptions)
}

// Subscription finds a subscription by its GUID or its name.
func (d *Directory) Subscription(s string) (Subscription, bool) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.subscription(s)
}

func (d *Directory) subscription(s string) (Subscription, bool) {
	for _, sub := range d.subscriptions { // a name that is another's GUID is refused when it is added
		if strings.EqualFold(sub.ID, s) || strings.EqualFold(sub.Name, s) {
			return sub, true
		}
	}
	return Subscription{}, false
}

// AddSubscription adds a subscription. With id "" it gets the GUID that is derived from its name, the same on every machine.
func (d *Directory) AddSubscription(name, id string) (Subscription, error) {
	s := Subscription{ID: strings.ToLower(id), Name: name}
	if id == "" {
		s.ID = subscriptionID(name)
	}
	if !isPlainName(name) {
		return s, fmt.Errorf("%q is no name of a subscription; %s", name, plainNameFix)
	}
	if !isGUID(s.ID) {
		return s, fmt.Errorf("%q is no GUID", id)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, word := range []string{s.ID, s.Name} {
		if other, taken := d.subscription(word); taken {
			return s, fmt.Errorf("the subscription %s (%s) is there already", other.Name, other.ID)
		}
	}
	d.subscriptions = append(d.subscriptions, s)
	slices.SortFunc(d.subscriptions, func(a, b Subscription) int { return strings.Compare(a.Name, b.Name) })
	return s, nil
}

// subscriptionID is derived without regard to case, as names are compared.
func subscriptionID(name string) string { return guidOf("subscription", strings.ToLower(name)) }

// Principals lists the principals in the order of their names.
func (d *Directory) Principals() []Principal {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.principals()
}

func (d *Directory) principals() []Principal {
	out := make([]Principal, 0, len(d.byObject))
	for _, p := range d.byObject {
		out = append(out, *p)
	}
	slices.SortFunc(out, func(a, b Principal) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// Principal finds a principal by its object id.
func (d *Directory) Principal(objectID string) (*Principal, bool) {
	return d.find(d.byObject, objectID)
}

// Application finds a principal by its application id.
func (d *Directory) Application(appID string) (*Principal, bool) { return d.find(d.byApp, appID) }

func (d *Directory) find(in map[string]*Principal, id string) (*Principal, bool) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	p, ok := in[strings.ToLower(id)]
	return p, ok
}

// named finds a principal by its name, its object id or its application id.
func (d *Directory) named(s string) (*Principal, bool) {
	for _, in := range []map[string]*Principal{d.byObject, d.byApp} {
		if p, ok := in[strings.ToLower(s)]; ok {
			return p, true
		}
	}
	for _, p := range d.byObject {
		if strings.EqualFold(p.Name, s) {
			return p, true
		}
	}
	return nil, false
}

// AddPrincipal adds a principal with a secret. Ids that are "" are derived from the name.
func (d *Directory) AddPrincipal(name, appID, objectID, secret string) (*Principal, error) {
	p := newPrincipal(name, appID, objectID)
	switch {
	case !isPlainName(name):
		return nil, fmt.Errorf("%q is no name of a principal; %s", name, plainNameFix)
	case !isGUID(p.AppID):
		return nil, fmt.Errorf("%q is no GUID", appID)
	case !isGUID(p.ObjectID):
		return nil, fmt.Errorf("%q is no GUID", objectID)
	}
	if problem := secretProblem(secret); problem != "" {
		return nil, errors.New(problem)
	}
	hash, err := hashSecret(secret, d.rounds)
	if err != nil {
		return nil, err
	}
	p.Hash = hash
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.add(p); err != nil {
		return nil, err
	}
	d.secrets.learn(secret, hash)
	return p, nil
}

func newPrincipal(name, appID, objectID string) *Principal {
	p := &Principal{Name: name, AppID: strings.ToLower(appID), ObjectID: strings.ToLower(objectID)}
	if p.AppID == "" {
		p.AppID = guidOf("application", strings.ToLower(name))
	}
	if p.ObjectID == "" {
		p.ObjectID = guidOf("principal", strings.ToLower(name))
	}
	return p
}

func (d *Directory) add(p *Principal) error {
	for _, word := range []string{p.Name, p.AppID, p.ObjectID} {
		if other, taken := d.named(word); taken {
			return fmt.Errorf("the principal %s (application %s, object %s) is there already", other.Name, other.AppID, other.ObjectID)
		}
	}
	if p.AppID == p.ObjectID {
		return fmt.Errorf("the application and the object of principal %s have the same id %s", p.Name, p.AppID)
	}
	d.byObject[p.ObjectID], d.byApp[p.AppID] = p, p
	return nil
}

// secretProblem says what is wrong with a secret that a person chose, "" for nothing. It never repeats the secret.
func secretProblem(secret string) string {
	switch {
	case len(secret) < minSecret:
		return fmt.Sprintf("the secret has %d characters; use at least %d", len(secret), minSecret)
	case len(secret) > maxSecret:
		return fmt.Sprintf("the secret has %d characters; use at most %d", len(secret), maxSecret)
	case strings.ContainsFunc(secret, func(r rune) bool { return r < '!' || r > '~' }):
		return "the secret has a character that is not printable ASCII, or a blank"
	}
	return ""
}

// change replaces a principal, found by its name or one of its ids.
func (d *Directory) change(who string, how func(*Principal)) (*Principal, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	old, ok := d.named(who)
	if !ok {
		return nil, fmt.Errorf("there is no principal %q", who)
	}
	p := *old
	how(&p)
	d.byObject[p.ObjectID], d.byApp[p.AppID] = &p, &p
	if p.Hash != old.Hash {
		d.secrets.forget(old.Hash)
	}
	return &p, nil
}

// SetRevoked takes a principal out of service, or back in: tokens and requests with tokens are refused from now on.
func (d *Directory) SetRevoked(who string, revoked bool) (*Principal, error) {
	return d.change(who, func(p *Principal) { p.Revoked = revoked })
}

// SetSecret gives a principal another secret. The old one is refused from now on; tokens that it got run out within the hour, as Azure's
// do.
func (d *Directory) SetSecret(who, secret string) (*Principal, error) {
	if problem := secretProblem(secret); problem != "" {
		return nil, errors.New(problem)
	}
	hash, err := hashSecret(secret, d.rounds)
	if err != nil {
		return nil, err
	}
	p, err := d.change(who, func(p *Principal) { p.Hash, p.Standard = hash, false })
	if err == nil {
		d.secrets.learn(secret, hash)
	}
	return p, err
}

// SignIn finds the principal that shows a secret: ErrUnknownApp, ErrBadSecret or ErrRevoked otherwise. Only who knows the secret is told
// that the principal is revoked.
func (d *Directory) SignIn(appID, secret string) (*Principal, error) {
	p, ok := d.Application(appID)
	if !ok {
		return nil, ErrUnknownApp
	}
	if !d.secrets.is(secret, p.Hash) {
		return nil, ErrBadSecret
	}
	if p.Revoked {
		return nil, ErrRevoked
	}
	return p, nil
}

// Chosen tells whether the credentials are the user's own: whether every principal that gets tokens comes from a bootstrap file, or got
// its secret from the user. Without that the endpoint serves this machine alone: CheckListen.
func (d *Directory) Chosen() bool {
	in := 0
	for _, p := range d.Principals() {
		if p.Standard && !p.Revoked {
			return false
		}
		if !p.Revoked {
			in++
		}
	}
	return in > 0
}

// CheckListen refuses to serve other machines with credentials that nobody chose.
func (d *Directory) CheckListen(listen string) error {
	if IsLoopback(listen) || d.Chosen() {
		return nil
	}
	return fmt.Errorf("%s can be reached from other machines, and the credentials are not of your choosing; name principals in a bootstrap file (--bootstrap FILE), or listen on 127.0.0.1", listen)
}

// directoryForm is a directory written down.
type directoryForm struct {
	Tenant        string         `json:"tenant"` // as it was named: the GUID follows
	Subscriptions []Subscription `json:"subscriptions"`
	Principals    []Principal    `json:"principals"`
}

// MarshalJSON writes the directory down.
func (d *Directory) MarshalJSON() ([]byte, error) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return json.Marshal(directoryForm{d.name, d.subscriptions, d.principals()})
}

// ReadDirectory reads what MarshalJSON wrote. What does not hold together is an error.
func ReadDirectory(text []byte) (*Directory, error) {
	var f directoryForm
	if err := json.Unmarshal(text, &f); err != nil {
		return nil, fmt.Errorf("the directory cannot be read: %w", err)
	}
	if f.Tenant == "" {
		return nil, errors.New("the directory has no tenant")
	}
	d := NewDirectory(f.Tenant)
	for _, s := range f.Subscriptions {
		if _, err := d.AddSubscription(s.Name, s.ID); err != nil {
			return nil, err
		}
	}
	for _, p := range f.Principals {
		if !isPlainName(p.Name) || !isGUID(p.AppID) || !isGUID(p.ObjectID) {
			return nil, fmt.Errorf("the principal %q has no name or no ids", p.Name)
		}
		if _, _, _, err := splitHash(p.Hash); err != nil {
			return nil, fmt.Errorf("the principal %s: %w", p.Name, err)
		}
		q := newPrincipal(p.Name, p.AppID, p.ObjectID)
		q.Hash, q.Standard, q.Revoked = p.Hash, p.Standard, p.Revoked
		if err := d.add(q); err != nil {
			return nil, err
		}
	}
	return d, nil
}

const (
	plainNamePattern = `^[A-Za-z0-9]([A-Za-z0-9 ._-]{0,62}[A-Za-z0-9])?$`
	plainNameLength  = 64
	plainNameFix     = "use at most 64 letters, digits, blanks, hyphens, dots and underscores, beginning and ending with a letter or digit"
)

// isPlainName is plainNamePattern: what subscriptions and principals are called.
func isPlainName(s string) bool {
	for i := range len(s) {
		c := s[i]
		alphanumeric := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		inner := strings.IndexByte(" ._-", c) >= 0 && i > 0 && i < len(s)-1
		if !alphanumeric && !inner {
			return false
		}
	}
	return s != "" && len(s) <= plainNameLength
}
