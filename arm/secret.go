package arm

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"sync"
)

const (
	// minSecret is the least length of a secret that a person chooses: Entra's own have 40 characters.
	minSecret = 16
	maxSecret = 256
	// hashRounds of PBKDF2 with HMAC-SHA-256 take about a tenth of a second. A secret that a person chose may be poor; this makes guessing
	// it from a stolen state directory dear.
	hashRounds    = 600_000
	maxHashRounds = 10_000_000 // of a stored hash, so that a damaged one does not stop the process
)

// newSecret makes a secret of 240 bits.
func newSecret() (string, error) {
	var b [30]byte
	if _, err := rand.Read(b[:]); err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(b[:]), nil
}

// hashSecret is what is kept of a secret: "pbkdf2-sha256$rounds$salt$hash".
func hashSecret(secret string, rounds int) (string, error) {
	var salt [16]byte
	if _, err := rand.Read(salt[:]); err != nil {
		return "", err
	}
	sum, err := pbkdf2.Key(sha256.New, secret, salt[:], rounds, sha256.Size)
	if err != nil {
		return "", err
	}
	e := base64.RawStdEncoding
	return fmt.Sprintf("pbkdf2-sha256$%d$%s$%s", rounds, e.EncodeToString(salt[:]), e.EncodeToString(sum)), nil
}

// splitHash reads what hashSecret wrote.
func splitHash(hash string) (rounds int, salt, sum []byte, err error) {
	part := strings.Split(hash, "$")
	if len(part) != 4 || part[0] != "pbkdf2-sha256" {
		return 0, nil, nil, fmt.Errorf("this is no hash of a secret")
	}
	rounds, err = strconv.Atoi(part[1])
	if err != nil || rounds < 1 || rounds > maxHashRounds {
		return 0, nil, nil, fmt.Errorf("a hash of a secret has from 1 to %d rounds", maxHashRounds)
	}
	salt, err1 := base64.RawStdEncoding.DecodeString(part[2])
	sum, err2 := base64.RawStdEncoding.DecodeString(part[3])
	if err1 != nil || err2 != nil || len(salt) < 8 || len(sum) != sha256.Size {
		return 0, nil, nil, fmt.Errorf("the salt or the sum of a hash of a secret cannot be read")
	}
	return rounds, salt, sum, nil
}

// isSecret compares a secret with what is kept of one.
func isSecret(secret, hash string) bool {
	rounds, salt, want, err := splitHash(hash)
	if err != nil {
		return false
	}
	got, err := pbkdf2.Key(sha256.New, secret, salt, rounds, len(want))
	return err == nil && subtle.ConstantTimeCompare(got, want) == 1
}

// secretChecker compares secrets with their hashes, the slow way one at a time and only once for each hash: from the first success on it
// knows the secret's keyed hash, which takes a microsecond to compare. So nobody keeps the processors busy by guessing.
type secretChecker struct {
	slow  sync.Mutex
	mu    sync.Mutex
	key   [32]byte // of this process alone, never written down
	known map[string][sha256.Size]byte
}

func newSecretChecker() *secretChecker {
	c := &secretChecker{known: map[string][sha256.Size]byte{}}
	_, _ = rand.Read(c.key[:]) // does not fail: crypto/rand ends the process instead
	return c
}

func (c *secretChecker) sum(secret string) (out [sha256.Size]byte) {
	m := hmac.New(sha256.New, c.key[:])
	m.Write([]byte(secret))
	m.Sum(out[:0])
	return out
}

func (c *secretChecker) fast(secret, hash string) (right, known bool) {
	c.mu.Lock()
	want, known := c.known[hash]
	c.mu.Unlock()
	got := c.sum(secret)
	return known && hmac.Equal(got[:], want[:]), known
}

// learn notes that hash was made of secret.
func (c *secretChecker) learn(secret, hash string) {
	sum := c.sum(secret)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.known[hash] = sum
}

// forget ends what was learnt of a hash.
func (c *secretChecker) forget(hash string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.known, hash)
}

// is tells whether the hash is that of the secret.
func (c *secretChecker) is(secret, hash string) bool {
	if len(secret) > maxSecret {
		return false
	}
	if right, known := c.fast(secret, hash); known {
		return right
	}
	c.slow.Lock()
	defer c.slow.Unlock()
	if right, known := c.fast(secret, hash); known { // somebody else was first
		return right
	}
	if !isSecret(secret, hash) {
		return false
	}
	c.learn(secret, hash)
	return true
}
