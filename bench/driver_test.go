package bench

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"
)

// driver is one neighbour of the device: it connects, opens, sends what it was given and counts what comes. It knows just
// enough BGP for that, so that the time measured is the device's.
type driver struct {
	peer
	open, updates []byte
	// The prefixes awaited are /24s: expect of them from first on, each stride after the one before.
	first          netip.Addr
	stride, expect int
	// The observer gets the device's own prefixes too; they are not counted.
	alsoOwn bool
}

// drivers are those of a rig, with every byte they will send; the observer is the first.
func drivers(r rig) ([]*driver, error) {
	var all []*driver
	for i, p := range r.peers() {
		open, err := openBytes(p)
		if err != nil {
			return nil, err
		}
		d := &driver{peer: p, open: open, first: ownFirst, stride: 1, expect: ownPrefixes}
		if i == 0 {
			d.first, d.stride, d.expect = neighbourPrefix(0, prefixesEach).Addr(), othersRoom, r.Neighbours
			d.alsoOwn = true
		} else if d.updates, err = updateBytes(i - 1); err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	return all, nil
}

// The message types of RFC 4271 section 4.1.
const (
	typeOpen = iota + 1
	typeUpdate
	typeNotification
	typeKeepalive
)

// keepalive is the KEEPALIVE message (RFC 4271 section 4.4).
func keepalive() []byte {
	m := make([]byte, 19)
	for i := range 16 {
		m[i] = 0xff
	}
	m[17], m[18] = 19, typeKeepalive
	return m
}

// run holds the session until ctx ends and calls arrived once, when everything awaited has come. The gate lets in as many as
// may wait to be accepted; a neighbour leaves it when the device's OPEN shows that it was.
func (d *driver) run(ctx context.Context, device netip.AddrPort, gate chan struct{}, arrived func()) error {
	err := d.session(ctx, device, gate, arrived)
	if ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("neighbour %s: %w", d.addr, err)
}

func (d *driver) session(ctx context.Context, device netip.AddrPort, gate chan struct{}, arrived func()) error {
	select {
	case gate <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	waiting := true
	leave := func() {
		if waiting {
			<-gate
			waiting = false
		}
	}
	defer leave()
	dialer := net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(d.addr, 0))}
	conn, err := dialer.DialContext(ctx, "tcp4", device.String())
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		return err
	}
	if _, err := conn.Write(d.open); err != nil {
		return err
	}
	var (
		in       = bufio.NewReaderSize(conn, 16<<10)
		body     [4096]byte
		seen     = make([]bool, d.expect)
		missing  = d.expect
		first    = binary.BigEndian.Uint32(d.first.AsSlice())
		unopened = true
	)
	for {
		if in.Buffered() == 0 {
			acknowledge(raw)
		}
		if _, err := io.ReadFull(in, body[:19]); err != nil {
			return err
		}
		length, kind := int(binary.BigEndian.Uint16(body[16:])), body[18]
		if length < 19 || length > len(body) {
			return fmt.Errorf("a message of %d octets", length)
		}
		message := body[:length-19]
		if _, err := io.ReadFull(in, message); err != nil {
			return err
		}
		switch kind {
		case typeOpen:
			leave()
			if _, err := conn.Write(keepalive()); err != nil {
				return err
			}
		case typeKeepalive:
			// The first says that the device took the OPEN (RFC 4271 section 8.2.2: Established).
			if unopened {
				unopened = false
				if _, err := conn.Write(d.updates); err != nil {
					return err
				}
			}
		case typeUpdate:
			nlri, err := announced(message)
			if err != nil {
				return err
			}
			for len(nlri) > 0 {
				if nlri[0] != 24 || len(nlri) < 4 {
					return fmt.Errorf("a prefix that nobody has: % x", nlri)
				}
				at := uint32(nlri[1])<<24 | uint32(nlri[2])<<16 | uint32(nlri[3])<<8
				nlri = nlri[4:]
				if d.alsoOwn && (at-binary.BigEndian.Uint32(ownFirst.AsSlice()))>>8 < ownPrefixes {
					continue
				}
				n := int((at-first)>>8) / d.stride
				if at < first || n >= d.expect || int((at-first)>>8)%d.stride != 0 {
					return fmt.Errorf("a prefix that should not come here: %08x", at)
				}
				if !seen[n] {
					seen[n] = true
					if missing--; missing == 0 {
						arrived()
					}
				}
			}
		case typeNotification:
			return fmt.Errorf("NOTIFICATION % x", message)
		}
	}
}

// acknowledge makes the kernel acknowledge what comes at once: a device that leaves Nagle's algorithm on, as BIRD does, would
// wait 40 ms for it now and then. It holds for a moment only (tcp(7): TCP_QUICKACK).
func acknowledge(conn syscall.RawConn) {
	conn.Control(func(fd uintptr) {
		unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_QUICKACK, 1)
	})
}

// announced finds the prefixes in the body of an UPDATE (RFC 4271 section 4.3). The device has nothing to withdraw.
func announced(body []byte) ([]byte, error) {
	if len(body) < 4 || body[0]|body[1] != 0 {
		return nil, errors.New("an UPDATE that withdraws, or a short one")
	}
	attributes := int(binary.BigEndian.Uint16(body[2:]))
	if len(body) < 4+attributes {
		return nil, errors.New("an UPDATE shorter than its attributes")
	}
	return body[4+attributes:], nil
}
