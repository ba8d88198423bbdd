package arm

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

const (
	authorityFile    = "ca.pem"
	authorityKeyFile = "ca-key.pem"

	authorityLife = 10 * 365 * 24 * time.Hour
	// authorityRenew before its end the authority's certificate is made again with the same key, so that clients which trust the old one
	// go on trusting what it signs.
	authorityRenew = 365 * 24 * time.Hour
	// serverLife is short enough for every client: some refuse certificates of more than 398 days.
	serverLife  = 90 * 24 * time.Hour
	serverRenew = serverLife / 3
	// clockSkew is how far a client's clock may be behind.
	clockSkew = time.Hour
)

// Authority is the endpoint's own certificate authority. Clients trust its certificate (ca.pem), which signs those of the server and of
// nobody else. It is safe for any number of goroutines.
type Authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
	path string
}

// OpenAuthority reads the authority that lives in a directory, or makes one there: DIR/ca.pem, and its key in DIR/ca-key.pem, which only
// the owner may read. A key that others have had access to is refused. A certificate within a year of its end is made again.
func OpenAuthority(dir string, now time.Time) (*Authority, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	a := &Authority{path: filepath.Join(dir, authorityFile)}
	keyPath := filepath.Join(dir, authorityKeyFile)
	certificate, err := os.ReadFile(a.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	key, err := readSecret(keyPath)
	switch {
	case errors.Is(err, fs.ErrNotExist) && certificate != nil:
		return nil, fmt.Errorf("%s is there and its key %s is not: bring the key back, or remove the certificate so that both are made anew, which clients must then trust anew", a.path, keyPath)
	case errors.Is(err, fs.ErrNotExist):
		if a.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
			return nil, err
		}
		der, err := x509.MarshalPKCS8PrivateKey(a.key)
		if err != nil {
			return nil, err
		}
		// The key first: a start that is cut short here goes on with this key at the next one.
		if err := writeWhole(keyPath, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600); err != nil {
			return nil, err
		}
	case err != nil:
		return nil, err
	default:
		if a.key, err = parseAuthorityKey(key); err != nil {
			return nil, fmt.Errorf("%s: %w; remove it and %s so that both are made anew, which clients must then trust anew", keyPath, err, a.path)
		}
	}
	if certificate != nil {
		if err := a.use(certificate); err != nil {
			return nil, fmt.Errorf("%s: %w; remove it so that it is made anew from its key", a.path, err)
		}
		if now.Before(a.cert.NotAfter.Add(-authorityRenew)) {
			return a, nil
		}
	}
	return a, a.issue(now)
}

func parseAuthorityKey(text []byte) (*ecdsa.PrivateKey, error) {
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "PRIVATE KEY" {
		return nil, errors.New("this holds no private key")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errors.New("the private key in it cannot be read") // the parser's words might quote it
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok {
		return nil, errors.New("the key in it is not of the kind that is made here (ECDSA)")
	}
	return key, nil
}

// use takes a certificate that is the authority's own.
func (a *Authority) use(text []byte) error {
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "CERTIFICATE" {
		return errors.New("this holds no certificate")
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return fmt.Errorf("the certificate in it cannot be read: %w", err)
	}
	if !a.key.PublicKey.Equal(cert.PublicKey) {
		return fmt.Errorf("the certificate in it does not belong to the key in %s", authorityKeyFile)
	}
	if !cert.IsCA {
		return errors.New("the certificate in it is not that of an authority")
	}
	a.cert, a.pem = cert, text
	return nil
}

// issue makes the authority's own certificate.
func (a *Authority) issue(now time.Time) error {
	serial, err := newSerial()
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "Onramp twin", Organization: []string{"Onramp"}},
		NotBefore: now.Add(-clockSkew), NotAfter: now.Add(authorityLife),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &a.key.PublicKey, a.key)
	if err != nil {
		return err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	if err := writeWhole(a.path, text, 0o644); err != nil {
		return err
	}
	return a.use(text)
}

func newSerial() (*big.Int, error) {
	return rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
} // RFC 5280 4.1.2.2: at most 20 octets

// File is where the certificate lies that clients must trust.
func (a *Authority) File() string { return a.path }

// PEM is the certificate that clients must trust.
func (a *Authority) PEM() []byte { return slices.Clone(a.pem) }

// NotAfter is when the authority's certificate ends.
func (a *Authority) NotAfter() time.Time { return a.cert.NotAfter }

// Certificate makes a server's certificate for host names and addresses, those of the site for one. It is good for 90 days, and never
// for longer than the authority.
func (a *Authority) Certificate(now time.Time, hosts []string) (*tls.Certificate, error) {
	if len(hosts) == 0 {
		return nil, errors.New("a server's certificate names at least one host")
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	serial, err := newSerial()
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: hosts[0]}, NotBefore: now.Add(-clockSkew), NotAfter: now.Add(serverLife),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, BasicConstraintsValid: true,
	}
	if template.NotAfter.After(a.cert.NotAfter) {
		template.NotAfter = a.cert.NotAfter
	}
	if len(hosts[0]) > 64 { // RFC 5280's upper bound of a common name; the names below are what clients read
		template.Subject = pkix.Name{CommonName: "Onramp twin"}
	}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, h)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{der, a.cert.Raw}, PrivateKey: key, Leaf: leaf}, nil
}

// TLS is the configuration of a server for these hosts: TLS 1.2 or newer, with a certificate that is made at once and made again a month
// before its end, while the server runs.
func (a *Authority) TLS(now func() time.Time, hosts []string) (*tls.Config, error) {
	current, err := a.Certificate(now(), hosts)
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: []string{"h2", "http/1.1"},
		Time:       now,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			mu.Lock()
			defer mu.Unlock()
			at := now()
			if at.Before(current.Leaf.NotAfter.Add(-serverRenew)) {
				return current, nil
			}
			next, err := a.Certificate(at, hosts)
			if err != nil {
				return nil, err
			}
			current = next
			return current, nil
		},
	}, nil
}
