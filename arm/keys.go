package arm

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const (
	keyBits = 2048
	// keyRotation is how long a key signs before the next one does.
	keyRotation = 30 * 24 * time.Hour
	// TokenLife is how long a token is good for: within the 60 to 90 minutes of Azure's.
	TokenLife = time.Hour
	// tokenLeeway is how far the clocks of who issued and who reads a token may differ.
	tokenLeeway = 2 * time.Minute
)

// Keys are the keys that sign tokens: the newest signs, and those before it are kept until the last token that they signed has expired.
// They live in one file, which only its owner may read. Safe for any number of goroutines.
type Keys struct {
	mu   sync.RWMutex
	path string // "" for keys that are kept in memory alone
	keys []signingKey
	turn sync.Mutex // held while a key is made, so that many who find one due make one
}

type signingKey struct {
	id      string
	key     *rsa.PrivateKey
	created time.Time
	retired time.Time // zero while it signs
	signer  jose.Signer
}

// gone tells whether no token that the key signed can be good any more.
func (k *signingKey) gone(now time.Time) bool {
	return !k.retired.IsZero() && now.After(k.retired.Add(TokenLife+tokenLeeway))
}

// keyFile is the file of the keys.
type keyFile struct {
	Keys []storedKey `json:"keys"`
}

type storedKey struct {
	Created time.Time `json:"created"`
	Retired time.Time `json:"retired,omitzero"`
	Private []byte    `json:"private"` // PKCS #8
}

// OpenKeys reads the keys in a file, or makes the first one there. With "" they are kept in memory alone, and every token ends with the
// process.
func OpenKeys(path string, now time.Time) (*Keys, error) {
	k := &Keys{path: path}
	if path != "" {
		text, err := readSecret(path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		if err == nil {
			if err := k.read(text); err != nil {
				return nil, fmt.Errorf("%s: %w; remove it so that a new key is made, which ends every token that was given out", path, err)
			}
		}
	}
	if len(k.keys) == 0 {
		return k, k.Rotate(now)
	}
	return k, nil
}

func (k *Keys) read(text []byte) error {
	var f keyFile
	if err := json.Unmarshal(text, &f); err != nil {
		return errors.New("this is no file of keys") // the decoder's words might quote it
	}
	for i, s := range f.Keys {
		parsed, err := x509.ParsePKCS8PrivateKey(s.Private)
		key, ok := parsed.(*rsa.PrivateKey)
		if err != nil || !ok || key.N.BitLen() < keyBits {
			return fmt.Errorf("key %d of %d cannot be read as an RSA key of at least %d bits", i+1, len(f.Keys), keyBits)
		}
		next, err := newSigningKey(key, s.Created)
		if err != nil {
			return err
		}
		next.retired = s.Retired
		k.keys = append(k.keys, next)
	}
	if n := len(k.keys); n > 0 && !k.keys[n-1].retired.IsZero() {
		return errors.New("none of its keys signs")
	}
	return nil
}

func newSigningKey(key *rsa.PrivateKey, created time.Time) (signingKey, error) {
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return signingKey{}, err
	}
	sum := sha256.Sum256(der)
	id := base64.RawURLEncoding.EncodeToString(sum[:20]) // as long as Entra's
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: key, KeyID: id}}, (&jose.SignerOptions{}).WithType("JWT"))
	return signingKey{id: id, key: key, created: created, signer: signer}, err
}

// Rotate makes a new key, which signs from now on.
func (k *Keys) Rotate(now time.Time) error {
	k.turn.Lock()
	defer k.turn.Unlock()
	return k.rotate(now)
}

// RotateDue rotates where the key that signs has signed for 30 days.
func (k *Keys) RotateDue(now time.Time) error {
	if !k.Due(now) {
		return nil
	}
	k.turn.Lock()
	defer k.turn.Unlock()
	if !k.Due(now) { // somebody else was first
		return nil
	}
	return k.rotate(now)
}

func (k *Keys) rotate(now time.Time) error {
	key, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		return err
	}
	next, err := newSigningKey(key, now)
	if err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	keys := slices.Clone(k.keys)
	if n := len(keys); n > 0 && keys[n-1].retired.IsZero() {
		keys[n-1].retired = now
	}
	keys = slices.DeleteFunc(append(keys, next), func(s signingKey) bool { return s.gone(now) })
	if err := k.write(keys); err != nil {
		return err // nothing has changed
	}
	k.keys = keys
	return nil
}

func (k *Keys) write(keys []signingKey) error {
	if k.path == "" {
		return nil
	}
	var f keyFile
	for _, s := range keys {
		der, err := x509.MarshalPKCS8PrivateKey(s.key)
		if err != nil {
			return err
		}
		f.Keys = append(f.Keys, storedKey{s.created, s.retired, der})
	}
	text, err := json.Marshal(f)
	if err != nil {
		return err
	}
	return writeWhole(k.path, text, 0o600)
}

// Due tells whether the key that signs has signed for 30 days, so that it is time to rotate.
func (k *Keys) Due(now time.Time) bool {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return now.Sub(k.keys[len(k.keys)-1].created) >= keyRotation
}

// Public are the keys that verify tokens, newest first, as a JSON Web Key Set has them.
func (k *Keys) Public(now time.Time) jose.JSONWebKeySet {
	k.mu.RLock()
	defer k.mu.RUnlock()
	set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{}}
	for _, s := range slices.Backward(k.keys) {
		if !s.gone(now) {
			set.Keys = append(set.Keys, jose.JSONWebKey{Key: &s.key.PublicKey, KeyID: s.id, Algorithm: string(jose.RS256), Use: "sig"})
		}
	}
	return set
}

// signs is the signer of now's tokens.
func (k *Keys) signs() jose.Signer {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.keys[len(k.keys)-1].signer
}

// verifies is the public key of an id, nil if there is none any more.
func (k *Keys) verifies(id string, now time.Time) *rsa.PublicKey {
	k.mu.RLock()
	defer k.mu.RUnlock()
	for i := range k.keys {
		if s := &k.keys[i]; s.id == id && !s.gone(now) {
			return &s.key.PublicKey
		}
	}
	return nil
}
