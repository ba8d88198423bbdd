package arm

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
)

// Site is where the endpoint is found: one port under several names. Azure's services refer to each other with absolute URLs; here they
// are those under which the client came, as long as that is one of the site's names, so that a client which only knows 127.0.0.1 is never
// sent to a name that it cannot resolve, and no forged Host header ever appears in an answer.
type Site struct {
	hosts []string // in lower case, addresses without brackets; the first is the one that the endpoint says of itself
	port  int
}

// NewSite is the site of a server that listens on an address (host:port). It answers to localhost, 127.0.0.1 and ::1, to the address
// that it listens on, and to the names given, of which the first is its own name if there is any.
func NewSite(listen string, names ...string) (*Site, error) {
	host, portText, err := net.SplitHostPort(listen)
	if err != nil {
		return nil, fmt.Errorf("%q is no address to listen on; write it as 127.0.0.1:18443: %w", listen, err)
	}
	port, err := strconv.Atoi(portText)
	if err != nil || port < 1 || port > 65535 {
		return nil, fmt.Errorf("%q is no port; use one from 1 to 65535", portText)
	}
	s := &Site{port: port}
	if ip, err := netip.ParseAddr(host); host != "" && (err != nil || !ip.IsUnspecified()) {
		names = append(names, host)
	}
	for _, n := range append(names, "localhost", "127.0.0.1", "::1") {
		n = strings.ToLower(strings.Trim(n, "[]"))
		if _, err := netip.ParseAddr(n); err != nil && !isHostName(n) {
			return nil, fmt.Errorf("%q is neither a host name nor an address", n)
		}
		if !s.has(n) {
			s.hosts = append(s.hosts, n)
		}
	}
	return s, nil
}

// isHostName tells whether n can stand in a certificate and a URL (RFC 1123 2.1).
func isHostName(n string) bool {
	if n == "" || len(n) > 253 {
		return false
	}
	for _, label := range strings.Split(n, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for i := range len(label) {
			if c := label[i]; !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-') {
				return false
			}
		}
	}
	return true
}

// IsLoopback tells whether only this machine reaches a server that listens on an address (host:port).
func IsLoopback(listen string) bool {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return false
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

func (s *Site) has(host string) bool {
	for _, h := range s.hosts {
		if h == host {
			return true
		}
	}
	return false
}

// Hosts are the names and addresses that the server's certificate must have.
func (s *Site) Hosts() []string { return append([]string(nil), s.hosts...) }

// URL is what the endpoint says of itself where no request tells how it is reached: https://localhost:18443, without a slash at the end.
func (s *Site) URL() string { return s.url(s.hosts[0]) }

func (s *Site) url(host string) string {
	if s.port == 443 {
		if strings.Contains(host, ":") {
			host = "[" + host + "]"
		}
		return "https://" + host
	}
	return "https://" + net.JoinHostPort(host, strconv.Itoa(s.port))
}

// URLFor is the endpoint's URL as the client of a request knows it.
func (s *Site) URLFor(r *http.Request) string {
	if host, ok := s.own(r.Host); ok {
		return s.url(host)
	}
	return s.URL()
}

// own splits host:port and tells whether it is the site.
func (s *Site) own(hostport string) (host string, ok bool) {
	host, port, err := net.SplitHostPort(hostport)
	if err != nil { // no port
		host, port = strings.Trim(hostport, "[]"), "443"
	}
	host = strings.ToLower(host)
	return host, port == strconv.Itoa(s.port) && s.has(host)
}

// IsOwn tells whether a URL is the endpoint's, under any of its names, with or without a slash at the end and nothing behind it.
func (s *Site) IsOwn(url string) bool {
	rest, ok := strings.CutPrefix(url, "https://")
	if !ok {
		return false
	}
	_, ok = s.own(strings.TrimSuffix(rest, "/"))
	return ok
}
