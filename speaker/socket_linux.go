package speaker

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// rawConn is a socket before it is used.
type rawConn = syscall.RawConn

// key signs the segments to and from an address (RFC 2385); no signature where it is empty.
type key struct {
	addr   netip.Addr
	secret string
}

// reader reads from a connection into buffers that it takes only when there is something to read: a thousand idle sessions hold none.
func reader(c *net.TCPConn, buffers *sync.Pool) func() (buf *[readSize]byte, n int, err error) {
	s, failed := c.SyscallConn()
	var buf *[readSize]byte
	var n int
	var err error
	read := func(fd uintptr) (done bool) {
		buf = buffers.Get().(*[readSize]byte)
		for {
			n, err = unix.Read(int(fd), buf[:])
			if err != unix.EINTR {
				break
			}
		}
		if err == unix.EAGAIN {
			buffers.Put(buf)
			buf, n, err = nil, 0, nil
			return false
		}
		return true
	}
	return func() (*[readSize]byte, int, error) {
		buf, n, err = nil, 0, failed
		if err == nil {
			if waited := s.Read(read); err == nil {
				err = waited
			}
		}
		if err == nil && n == 0 {
			err = io.EOF
		}
		return buf, max(n, 0), err
	}
}

// control prepares a socket before it connects or listens.
func control(l link, keys []key) func(ctx context.Context, network, address string, s rawConn) error {
	return func(_ context.Context, network, _ string, s rawConn) error {
		var failed error
		err := s.Control(func(fd uintptr) {
			failed = l.set(int(fd), network == "tcp4")
			for _, k := range keys {
				if failed == nil && k.secret != "" {
					failed = k.set(int(fd))
				}
			}
		})
		if err != nil {
			return err
		}
		return failed
	}
}

// protect sets on an accepted connection what its neighbour asks for.
func protect(c *net.TCPConn, l link) error {
	s, err := c.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	if err := s.Control(func(fd uintptr) { failed = l.set(int(fd), addrOf(c.RemoteAddr()).Addr().Is4()) }); err != nil {
		return err
	}
	return failed
}

// set writes the link's options to a socket.
func (l link) set(fd int, four bool) error {
	level, ttl, least := unix.IPPROTO_IPV6, unix.IPV6_UNICAST_HOPS, unix.IPV6_MINHOPCOUNT
	if four {
		level, ttl, least = unix.IPPROTO_IP, unix.IP_TTL, unix.IP_MINTTL
	}
	if l.ttl > 0 {
		if err := unix.SetsockoptInt(fd, level, ttl, l.ttl); err != nil {
			return fmt.Errorf("sending with TTL %d: %w", l.ttl, err)
		}
	}
	if l.leastTTL > 0 {
		if err := unix.SetsockoptInt(fd, level, least, l.leastTTL); err != nil {
			return fmt.Errorf("accepting only TTL %d and more (RFC 5082): %w", l.leastTTL, err)
		}
	}
	return nil
}

// set gives the key to the system, which signs and checks with it.
func (k key) set(fd int) error {
	sig := unix.TCPMD5Sig{Keylen: uint16(len(k.secret))}
	copy(sig.Key[:], k.secret)
	// The address is a struct sockaddr_in or sockaddr_in6, of which Data begins with the port; connections from any port are meant.
	if k.addr.Is4() {
		sig.Addr.Family = unix.AF_INET
		four := k.addr.As4()
		copy(sig.Addr.Data[2:], four[:])
	} else {
		sig.Addr.Family = unix.AF_INET6
		sixteen := k.addr.As16()
		copy(sig.Addr.Data[6:], sixteen[:])
	}
	if err := unix.SetsockoptTCPMD5Sig(fd, unix.IPPROTO_TCP, unix.TCP_MD5SIG, &sig); err != nil {
		return fmt.Errorf("signing segments to and from %s (TCP MD5, RFC 2385): %w", k.addr, err)
	}
	return nil
}
