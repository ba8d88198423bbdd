//go:build linux

package speaker_test

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// rawPeer is a neighbour that sends octets which no well-behaved daemon would, and reads what comes back.
type rawPeer struct {
	t    testing.TB
	conn net.Conn
}

// The types of messages (RFC 4271 section 4.1, RFC 2918).
const (
	rawOpen, rawUpdate, rawNotification, rawKeepalive, rawRefresh = 1, 2, 3, 4, 5
)

// rawPatience is how long an answer may take on a machine with much to do.
const rawPatience = 10 * time.Second

// message is a whole message with a right header.
func message(kind byte, body ...byte) []byte { return header(0xff, 19+len(body), kind, body...) }

// header is a message whose header may be wrong.
func header(marker byte, length int, kind byte, body ...byte) []byte {
	var m []byte
	for range 15 {
		m = append(m, 0xff)
	}
	m = append(m, marker)
	m = binary.BigEndian.AppendUint16(m, uint16(length))
	return append(append(m, kind), body...)
}

// octets reads hexadecimal digits; spaces do not count.
func octets(digits string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(digits, " ", ""))
	if err != nil {
		panic(err) // a test's own mistake
	}
	return b
}

// enter calls f in the node's network namespace; sockets that it makes are of that namespace. The thread comes back, for it may
// be the one that must not end: the process's first, or one that the lab's processes die with (prctl(2), PR_SET_PDEATHSIG).
func (n *labNode) enter(f func() error) (err error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	home, err := unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(home)
	there, err := unix.Open("/run/netns/"+n.ns, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(there)
	if err := unix.Setns(there, unix.CLONE_NEWNET); err != nil {
		return err
	}
	defer func() {
		if back := unix.Setns(home, unix.CLONE_NEWNET); back != nil {
			panic(back) // nothing after this would be where it seems to be
		}
	}()
	return f()
}

// dial opens a connection from an address of the node.
func (n *labNode) dial(local netip.Addr, to netip.AddrPort) (conn net.Conn, err error) {
	d := net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(local, 0)), Timeout: rawPatience}
	err = n.enter(func() (err error) {
		conn, err = d.Dial("tcp", to.String())
		return err
	})
	return conn, err
}

// meet connects until the speaker takes the connection, and returns with its OPEN.
func (n *labNode) meet(t testing.TB, local, speaker netip.Addr) (p *rawPeer, open []byte) {
	t.Helper()
	eventually(t, rawPatience, "the speaker sends an OPEN to "+local.String(), func() (bool, string) {
		conn, err := n.dial(local, netip.AddrPortFrom(speaker, 179))
		if err != nil {
			return false, err.Error()
		}
		p = &rawPeer{t: t, conn: conn}
		kind, body, err := p.next()
		if err != nil || kind != rawOpen {
			conn.Close()
			return false, fmt.Sprintf("message of type %d: %x, %v", kind, body, err)
		}
		open = body
		return true, ""
	})
	t.Cleanup(func() { p.conn.Close() })
	return p, open
}

func (p *rawPeer) send(b ...byte) {
	p.t.Helper()
	if _, err := p.conn.Write(b); err != nil {
		p.t.Fatal(err)
	}
}

// next reads a message.
func (p *rawPeer) next() (kind byte, body []byte, err error) {
	if err := p.conn.SetReadDeadline(time.Now().Add(rawPatience)); err != nil {
		return 0, nil, err
	}
	head := make([]byte, 19)
	if _, err := io.ReadFull(p.conn, head); err != nil {
		return 0, nil, err
	}
	length := int(binary.BigEndian.Uint16(head[16:]))
	if string(head[:16]) != strings.Repeat("\xff", 16) || length < 19 || length > 4096 {
		return 0, nil, fmt.Errorf("no header: %x", head)
	}
	body = make([]byte, length-19)
	_, err = io.ReadFull(p.conn, body)
	return head[18], body, err
}

// await reads until a message of that type.
func (p *rawPeer) await(kind byte) []byte {
	p.t.Helper()
	for {
		k, body, err := p.next()
		if err != nil {
			p.t.Fatalf("waiting for a message of type %d: %v", kind, err)
		}
		if k == kind {
			return body
		}
		if k == rawNotification {
			p.t.Fatalf("waiting for a message of type %d: NOTIFICATION %x", kind, body)
		}
	}
}

// end reads until the speaker closes the connection and returns what its NOTIFICATION held, none if it sent none.
func (p *rawPeer) end() (notification []byte) {
	p.t.Helper()
	for {
		kind, body, err := p.next()
		switch {
		case errors.Is(err, io.EOF) || errors.Is(err, unix.ECONNRESET):
			return notification
		case err != nil:
			p.t.Fatalf("waiting for the end of the connection: %v", err)
		case notification != nil:
			p.t.Errorf("a message of type %d after the NOTIFICATION: %x", kind, body)
		case kind == rawNotification:
			notification = body
		}
	}
}

// confirm sends an OPEN and returns when the speaker has answered it: it is in OpenConfirm.
func (p *rawPeer) confirm(open []byte) {
	p.t.Helper()
	p.send(open...)
	p.await(rawKeepalive)
}

// establish gets the session up. What the speaker announces is left unread.
func (p *rawPeer) establish(open []byte) {
	p.t.Helper()
	p.confirm(open)
	p.send(message(rawKeepalive)...)
}
