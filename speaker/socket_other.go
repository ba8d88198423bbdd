//go:build !linux

package speaker

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"syscall"
)

type rawConn = syscall.RawConn

type key struct {
	addr   netip.Addr
	secret string
}

var errLinux = errors.New("password and ttlSecurity need Linux")

// reader reads from a connection into buffers of the pool.
func reader(c *net.TCPConn, buffers *sync.Pool) func() (buf *[readSize]byte, n int, err error) {
	return func() (*[readSize]byte, int, error) {
		buf := buffers.Get().(*[readSize]byte)
		n, err := c.Read(buf[:])
		return buf, n, err
	}
}

// control refuses what only Linux can do; the TTL of what is sent is left as it is.
func control(l link, keys []key) func(ctx context.Context, network, address string, s rawConn) error {
	return func(context.Context, string, string, rawConn) error {
		if l.leastTTL > 0 {
			return errLinux
		}
		for _, k := range keys {
			if k.secret != "" {
				return errLinux
			}
		}
		return nil
	}
}

func protect(_ *net.TCPConn, l link) error {
	if l.leastTTL > 0 {
		return errLinux
	}
	return nil
}
