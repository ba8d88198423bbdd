package arm

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

func opened(t *testing.T, dir string, now time.Time) *Authority {
	t.Helper()
	a, err := OpenAuthority(dir, now)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// trusts tells what a client that trusts an authority's certificate says of a server's.
func trusts(t *testing.T, pem []byte, c *tls.Certificate, host string, now time.Time) error {
	t.Helper()
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		t.Fatal("no certificate")
	}
	_, err := c.Leaf.Verify(x509.VerifyOptions{Roots: pool, DNSName: host, CurrentTime: now})
	return err
}

func TestTheAuthorityIsMadeOnceAndItsCertificatesAreTrusted(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	a := opened(t, dir, aMoment)
	if again := opened(t, dir, aMoment); string(again.PEM()) != string(a.PEM()) {
		t.Error("the second start made another authority")
	}
	for file, want := range map[string]os.FileMode{"": 0o700, "ca.pem": 0o644, "ca-key.pem": 0o600} {
		info, err := os.Stat(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want && runtime.GOOS != "windows" {
			t.Errorf("the mode of %q is %#o, want %#o", file, got, want)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 2 {
		t.Errorf("the directory holds %v (%v)", left, err)
	}
	site, err := NewSite("0.0.0.0:18443", "twin.example.org", "192.0.2.7")
	if err != nil {
		t.Fatal(err)
	}
	c, err := a.Certificate(aMoment, site.Hosts())
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"localhost", "127.0.0.1", "::1", "twin.example.org", "192.0.2.7"} {
		if err := trusts(t, a.PEM(), c, host, aMoment); err != nil {
			t.Errorf("%s: %v", host, err)
		}
	}
	if trusts(t, a.PEM(), c, "management.azure.com", aMoment) == nil {
		t.Error("it can pass for Azure")
	}
	if trusts(t, opened(t, t.TempDir(), aMoment).PEM(), c, "localhost", aMoment) == nil {
		t.Error("another endpoint's authority vouches for it")
	}
}

func TestTheAuthorityIsRenewedWithItsKeySoThatClientsGoOnTrustingIt(t *testing.T) {
	dir := t.TempDir()
	old := opened(t, dir, aMoment)
	for _, c := range []struct {
		at   time.Time
		same bool
	}{{old.NotAfter().Add(-authorityRenew - time.Second), true}, {old.NotAfter().Add(-authorityRenew), false}} {
		a := opened(t, dir, c.at)
		if same := string(a.PEM()) == string(old.PEM()); same != c.same {
			t.Errorf("at %v it is the same certificate: %t", c.at, same)
		}
		server, err := a.Certificate(c.at, []string{"localhost"})
		if err != nil {
			t.Fatal(err)
		}
		for _, pem := range [][]byte{old.PEM(), a.PEM()} {
			if err := trusts(t, pem, server, "localhost", c.at); err != nil {
				t.Errorf("at %v: %v", c.at, err)
			}
		}
	}
}

func TestAServersCertificateIsMadeAgainBeforeItsEnd(t *testing.T) {
	a := opened(t, t.TempDir(), aMoment)
	clock := &setClock{at: aMoment}
	config, err := a.TLS(clock.now, []string{"localhost"})
	if err != nil {
		t.Fatal(err)
	}
	if config.MinVersion < tls.VersionTLS12 {
		t.Error("it speaks a version of TLS that is broken")
	}
	get := func() *tls.Certificate {
		c, err := config.GetCertificate(nil)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	first := get()
	clock.advance(serverLife - serverRenew - time.Second)
	if get() != first {
		t.Error("it was made again too early")
	}
	clock.advance(2 * time.Second)
	if second := get(); second == first || second != get() {
		t.Error("it was not made again, or each time")
	} else if err := trusts(t, a.PEM(), second, "localhost", clock.now()); err != nil {
		t.Error(err)
	}
}

func TestAnAuthorityThatCannotBeTrustedIsRefused(t *testing.T) {
	for _, c := range []struct {
		name string
		harm func(dir string) error
		want string
	}{
		{"a key that others can read", func(dir string) error { return os.Chmod(filepath.Join(dir, "ca-key.pem"), 0o640) }, "chmod 600"},
		{"a key that others can write", func(dir string) error { return os.Chmod(filepath.Join(dir, "ca-key.pem"), 0o602) }, "chmod 600"},
		{"no key", func(dir string) error { return os.Remove(filepath.Join(dir, "ca-key.pem")) }, "bring the key back"},
		{"a key that is none", func(dir string) error { return os.WriteFile(filepath.Join(dir, "ca-key.pem"), []byte("x"), 0o600) }, "no private key"},
		{"an empty certificate", func(dir string) error { return os.WriteFile(filepath.Join(dir, "ca.pem"), nil, 0o644) }, "no certificate"},
		{"another's certificate", func(dir string) error {
			other, err := OpenAuthority(filepath.Join(dir, "other"), aMoment)
			if err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(dir, "ca.pem"), other.PEM(), 0o644)
		}, "does not belong to the key"},
		{"a directory for a key", func(dir string) error {
			path := filepath.Join(dir, "ca-key.pem")
			if err := os.Remove(path); err != nil {
				return err
			}
			return os.Mkdir(path, 0o700)
		}, "no regular file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			opened(t, dir, aMoment)
			if err := c.harm(dir); err != nil {
				t.Fatal(err)
			}
			if _, err := OpenAuthority(dir, aMoment); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestAStartThatWasCutShortGoesOnWithItsKey(t *testing.T) {
	dir := t.TempDir()
	old := opened(t, dir, aMoment)
	if err := os.Remove(filepath.Join(dir, "ca.pem")); err != nil {
		t.Fatal(err)
	}
	if a := opened(t, dir, aMoment); !a.key.Equal(old.key) {
		t.Error("the key was made anew")
	}
}

func TestASiteAnswersToItsNamesAndToNoOther(t *testing.T) {
	s, err := NewSite("192.0.2.7:18443", "Twin.example.org")
	if err != nil {
		t.Fatal(err)
	}
	if s.URL() != "https://twin.example.org:18443" {
		t.Errorf("its URL is %s", s.URL())
	}
	for host, want := range map[string]string{
		"localhost:18443": "https://localhost:18443", "LOCALHOST:18443": "https://localhost:18443", "127.0.0.1:18443": "https://127.0.0.1:18443", "[::1]:18443": "https://[::1]:18443",
		"192.0.2.7:18443": "https://192.0.2.7:18443", "evil.example:18443": s.URL(), "localhost:1": s.URL(), "localhost": s.URL(), "": s.URL(), "localhost:18443\r\nx": s.URL(),
	} {
		r := bearer("")
		r.Host = host
		if got := s.URLFor(r); got != want {
			t.Errorf("%q: %s, want %s", host, got, want)
		}
	}
	for url, want := range map[string]bool{"https://localhost:18443": true, "https://localhost:18443/": true, "https://[::1]:18443": true, "https://localhost:18443/x": false, "http://localhost:18443": false, "https://localhost": false, "https://localhost:18443.evil": false, "https://evil@localhost:18443": false, "localhost:18443": false} {
		if s.IsOwn(url) != want {
			t.Errorf("%s is its own: %t", url, !want)
		}
	}
	standard, err := NewSite("127.0.0.1:443")
	if err != nil {
		t.Fatal(err)
	}
	if got := standard.URL(); got != "https://127.0.0.1" || !standard.IsOwn("https://localhost") || !standard.IsOwn("https://localhost:443/") {
		t.Errorf("on the standard port its URL is %s", got)
	}
	for _, listen := range []string{"", "localhost", "localhost:0", "localhost:x", "local host:1", "127.0.0.1:65536"} {
		if _, err := NewSite(listen); err == nil {
			t.Errorf("%q is taken", listen)
		}
	}
}

func TestOnlyLoopbackIsLoopback(t *testing.T) {
	for listen, want := range map[string]bool{"127.0.0.1:1": true, "127.9.9.9:1": true, "[::1]:1": true, "localhost:1": true, "0.0.0.0:1": false, ":1": false, "[::]:1": false, "192.0.2.1:1": false, "localhost.example:1": false, "127.0.0.1": false} {
		if IsLoopback(listen) != want {
			t.Errorf("%s: %t", listen, !want)
		}
	}
}

func TestAClientThatTrustsTheAuthorityReachesTheEndpointUnderEachOfItsNames(t *testing.T) {
	k := newDesk(t)
	for _, host := range []string{"127.0.0.1", "localhost"} {
		if host == "localhost" {
			if ips, err := net.LookupHost("localhost"); err != nil || !strings.Contains(strings.Join(ips, " "), "127.0.0.1") {
				continue // a machine without that name
			}
		}
		r, err := k.client.Get(k.url(host) + "/metadata/endpoints?api-version=2022-09-01")
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		if r.StatusCode != 200 {
			t.Errorf("%s: %s", host, r.Status)
		}
	}
	if _, err := k.client.Get(k.url("127.0.0.2") + "/metadata/endpoints"); err == nil {
		t.Error("it passes for an address that it does not have")
	}
}
