//go:build linux

package speaker_test

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"onramp/speaker"
)

// rawLab is our speaker with a neighbour that is a test.
type rawLab struct {
	*lab
	ours     *ours
	we, they netip.Addr
}

// newRawLab starts our speaker, AS 64500 with router ID 192.0.2.100, which waits for a neighbour in AS 64501; more are lines for
// that neighbour.
func newRawLab(t *testing.T, more ...string) *rawLab {
	t.Helper()
	t.Parallel()
	l := &rawLab{lab: newLab(t, "ours", "raw")}
	link := l.link("ours", "raw")
	us := &labSpeaker{AS: 64500, ID: netip.MustParseAddr("192.0.2.100")}
	them := &labSpeaker{AS: 64501, ID: netip.MustParseAddr("192.0.2.101")}
	p := link.peering("ipv4", us, "ours", them, "raw")
	p.A.Passive, p.A.Extra = true, more
	l.we, l.they = p.A.Addr, p.B.Addr
	// Case follows case on one session, so it has to be there again at once.
	n := l.node("ours")
	l.ours = &ours{t: t, node: n, file: filepath.Join(n.dir, "speaker.yaml"), happened: make(chan struct{})}
	l.ours.write(strings.Replace(oursConfig(t, us, p), "idleHold: 500ms", "idleHold: 100ms", 1))
	l.ours.start()
	return l
}

// The OPEN of AS 64501, 192.0.2.101, hold time 90 s, and what changes in it.
const (
	rawFixed        = "04 fbf5 005a c0000265" // version, AS, hold time, identifier
	rawCapabilities = "0104 00010001 0200 4104 0000fbf5 4600"
)

// rawOpenMessage is an OPEN with those fixed fields and capabilities.
func rawOpenMessage(fixed, capabilities string) []byte {
	c := octets(capabilities)
	body := octets(fixed)
	if len(c) == 0 {
		return message(rawOpen, append(body, 0)...)
	}
	return message(rawOpen, append(append(body, byte(len(c)+2), 2, byte(len(c))), c...)...)
}

// update is an UPDATE with hexadecimal withdrawn routes, attributes and announced routes.
func update(withdrawn, attributes, nlri string) []byte {
	w, a := octets(withdrawn), octets(attributes)
	body := append([]byte{byte(len(w) >> 8), byte(len(w))}, w...)
	body = append(append(body, byte(len(a)>>8), byte(len(a))), a...)
	return message(rawUpdate, append(body, octets(nlri)...)...)
}

const (
	rawOrigin  = "400101 00"
	rawPath    = "400206 0201 0000fbf5"
	rawNextHop = "400304 c0000202"
	rawMust    = rawOrigin + rawPath + rawNextHop
	rawPrefix  = "18 0a0101" // 10.1.1.0/24
	rawReach   = "800e0d 0001 01 04 c0000202 00 18 0a0101"
)

func TestInteropOurOpenIsReadOctetByOctet(t *testing.T) {
	l := newRawLab(t, "gracefulRestart: {restartTime: 120s}")
	_, open := l.node("raw").meet(t, l.they, l.we)
	want := octets("04 fbf4 0009 c0000264 1a" + // version 4, AS 64500, hold time 9 s, identifier
		"02 18 0104 00010001 0200 4006 4078 00010100 4104 0000fbf4 4600") // RFC 4760, 2918, 4724 with N and no R and F, 6793, 7313
	if !bytes.Equal(open, want) {
		t.Errorf("our OPEN is\n%x, want\n%x", open, want)
	}
}

func TestInteropWrongMessagesAreAnsweredOctetByOctet(t *testing.T) {
	open := rawOpenMessage(rawFixed, rawCapabilities)
	type stage int
	const (
		openSent stage = iota
		openConfirm
		established
	)
	l := newRawLab(t)
	for _, c := range []struct {
		name string
		at   stage
		send []byte
		want string // of the NOTIFICATION: code, subcode, data
	}{
		{"RFC 4271 6.1: a marker that is not all ones", openSent, header(0xfe, 19, rawKeepalive), "0101"},
		{"RFC 4271 6.1: a message shorter than its header", openSent, header(0xff, 18, rawKeepalive), "0102 0012"},
		{"RFC 4271 6.1: a message of 4097 octets", established, header(0xff, 4097, rawUpdate), "0102 1001"},
		{"RFC 4271 6.1: an OPEN of 28 octets", openSent, header(0xff, 28, rawOpen, make([]byte, 9)...), "0102 001c"},
		{"RFC 4271 6.1: an UPDATE of 22 octets", established, header(0xff, 22, rawUpdate, 0, 0, 0), "0102 0016"},
		{"RFC 4271 6.1: a KEEPALIVE of 20 octets", openConfirm, header(0xff, 20, rawKeepalive, 0), "0102 0014"},
		{"RFC 4271 6.1: a NOTIFICATION of 20 octets", established, header(0xff, 20, rawNotification, 6), "0102 0014"},
		{"RFC 4271 6.1: type 0", openSent, header(0xff, 19, 0), "0103 00"},
		{"RFC 4271 6.1: type 6", established, header(0xff, 19, 6), "0103 06"},

		{"RFC 4271 6.2: version 3", openSent, rawOpenMessage("03 fbf5 005a c0000265", ""), "0201 0004"},
		{"RFC 4271 6.2: version 5", openSent, rawOpenMessage("05 fbf5 005a c0000265", rawCapabilities), "0201 0004"},
		{"RFC 4271 6.2: another AS", openSent, rawOpenMessage("04 fbf6 005a c0000265", "0104 00010001 4104 0000fbf6"), "0202"},
		{"RFC 6793 4.2.1: another AS in the capability", openSent, rawOpenMessage(rawFixed, "0104 00010001 4104 0001fbf5"), "0202"},
		{"RFC 7607 2: AS 0", openSent, rawOpenMessage("04 0000 005a c0000265", ""), "0202"},
		{"RFC 6286 2.2: identifier 0.0.0.0", openSent, rawOpenMessage("04 fbf5 005a 00000000", rawCapabilities), "0203"},
		{"RFC 4271 6.2: an authentication parameter", openSent, message(rawOpen, octets(rawFixed+"03 01 01 00")...), "0204"},
		{"RFC 4271 6.2: a parameter that ends beyond the message", openSent, message(rawOpen, octets(rawFixed+"03 02 05 00")...), "0200"},
		{"RFC 4271 6.2: a hold time of 1 s", openSent, rawOpenMessage("04 fbf5 0001 c0000265", rawCapabilities), "0206"},
		{"RFC 4271 6.2: a hold time of 2 s", openSent, rawOpenMessage("04 fbf5 0002 c0000265", rawCapabilities), "0206"},
		{"RFC 5492 5: no common family", openSent, rawOpenMessage(rawFixed, "0104 00020001 4104 0000fbf5"), "0207 0104 00010001"},

		{"RFC 6608 4: a KEEPALIVE in OpenSent", openSent, message(rawKeepalive), "0501 04"},
		{"RFC 6608 4: an UPDATE in OpenSent", openSent, update("", rawMust, rawPrefix), "0501 02"},
		{"RFC 6608 4: a ROUTE-REFRESH in OpenSent", openSent, message(rawRefresh, 0, 1, 0, 1), "0501 05"},
		{"RFC 6608 4: an UPDATE in OpenConfirm", openConfirm, update("", rawMust, rawPrefix), "0502 02"},
		{"RFC 6608 4: a ROUTE-REFRESH in OpenConfirm", openConfirm, message(rawRefresh, 0, 1, 0, 1), "0502 05"},
		{"RFC 6608 4: a second OPEN in OpenConfirm", openConfirm, open, "0502 01"},
		{"RFC 6608 4: an OPEN in Established", established, open, "0503 01"},

		{"RFC 7606 3 (b): withdrawn routes that end beyond the message", established, message(rawUpdate, 0, 9, 0, 0), "0301"},
		{"RFC 7606 3 (b): attributes that end beyond the message", established, message(rawUpdate, 0, 0, 0, 9, 1), "0301"},
		{"RFC 7606 5.3: a prefix of 33 bits", established, update("", rawMust, "21 0a01010101"), "030a"},
		{"RFC 7606 5.3: a prefix that ends beyond the message", established, update("", rawMust, "18 0a01"), "030a"},
		{"RFC 4271 6.3: an unknown well-known attribute, with it", established, update("", rawMust+"404d01 ff", rawPrefix), "0302 404d01ff"},
		{"RFC 7606 3 (g): MP_REACH_NLRI twice", established, update("", rawMust+rawReach+rawReach, ""), "0301"},
		{"RFC 7313 5: a ROUTE-REFRESH of 22 octets, with all of it", established, message(rawRefresh, 0, 1, 0),
			"0701 ffffffffffffffffffffffffffffffff 0016 05 000100"},
		{"RFC 7313 5: a ROUTE-REFRESH of 24 octets, with all of it", established, message(rawRefresh, 0, 1, 0, 1, 0),
			"0701 ffffffffffffffffffffffffffffffff 0018 05 0001000100"},
		{"RFC 4271 6.4: a NOTIFICATION is not answered", established, message(rawNotification, 6, 4), ""},
		{"RFC 4271 6.4: nor one that nobody knows", established, message(rawNotification, 99, 77, 1, 2, 3), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, _ := l.node("raw").meet(t, l.they, l.we)
			from := l.ours.count()
			switch c.at {
			case openConfirm:
				p.confirm(open)
			case established:
				p.establish(open)
				l.ours.waitState(0, l.they, bgpEstablished, rawPatience)
			}
			p.send(c.send...)
			want := octets(c.want)
			if got := p.end(); !bytes.Equal(got, want) {
				t.Errorf("NOTIFICATION %x, want %x", got, want)
			}
			e, _ := l.ours.waitEvent(from, rawPatience, "is Idle", func(e speaker.Event) bool { return e.Kind == speaker.StateChanged && e.To == "Idle" })
			s, err := l.ours.standing(l.they)
			if err != nil {
				t.Fatal(err)
			}
			if n := s.LastSent; len(want) > 0 && (n == nil || n.Code != want[0] || n.Subcode != want[1] || n.Data != fmt.Sprintf("%x", want[2:])) {
				t.Errorf("the speaker tells of %+v (%s)", n, e.String())
			}
		})
	}
}

func TestInteropWrongUpdatesTakeOnlyTheirRoutes(t *testing.T) {
	l := newRawLab(t)
	p, _ := l.node("raw").meet(t, l.they, l.we)
	p.establish(rawOpenMessage(rawFixed, rawCapabilities))
	l.ours.waitState(0, l.they, bgpEstablished, rawPatience)
	holds := func(what string, prefixes ...string) {
		t.Helper()
		eventually(t, rawPatience, what, func() (bool, string) {
			list, err := l.ours.received(l.they)
			if err != nil {
				return false, err.Error()
			}
			var got []string
			for _, r := range list {
				got = append(got, r.Prefix.String())
			}
			return slices.Equal(got, prefixes), fmt.Sprint(got)
		})
	}
	for _, c := range []struct{ name, attributes string }{
		{"RFC 7606 7.1: ORIGIN 3", "400101 03" + rawPath + rawNextHop},
		{"RFC 7606 7.2: a segment longer than the path", rawOrigin + "400206 0202 0000fbf5" + rawNextHop},
		{"RFC 7606 7.3: NEXT_HOP of 5 octets", rawOrigin + rawPath + "400305 c000020200"},
		{"RFC 7606 3 (d): no AS_PATH", rawOrigin + rawNextHop},
		{"RFC 7606 7.8: COMMUNITIES of 3 octets", rawMust + "c00803 000001"},
		{"RFC 7606 7.2: a path that begins with another AS", rawOrigin + "400206 0201 0000fbf6" + rawNextHop},
	} {
		p.send(update("", rawMust, rawPrefix+"18 0a0102")...)
		holds("two routes before "+c.name, "10.1.1.0/24", "10.1.2.0/24")
		from := l.ours.count()
		p.send(update("", c.attributes, rawPrefix)...)
		l.ours.waitEvent(from, rawPatience, "tells of the error: "+c.name, func(e speaker.Event) bool { return e.Kind == speaker.UpdateMended && e.Reason != "" })
		holds(c.name, "10.1.2.0/24")
	}
	if s, err := l.ours.standing(l.they); err != nil || s.Flaps != 0 || s.LastSent != nil {
		t.Errorf("the session ended: %+v, %v", s.LastSent, err)
	}
}

func TestInteropWhatAnEnhancedRefreshDoesNotTellAgainIsGone(t *testing.T) {
	l := newRawLab(t)
	p, _ := l.node("raw").meet(t, l.they, l.we)
	p.establish(rawOpenMessage(rawFixed, rawCapabilities))
	p.send(update("", rawMust, rawPrefix+"18 0a0102")...)
	l.holds(t, 2)
	if err := l.ours.refreshIn(l.they); err != nil {
		t.Fatal(err)
	}
	if asked := p.await(rawRefresh); !bytes.Equal(asked, octets("0001 00 01")) {
		t.Errorf("we ask with %x", asked)
	}
	p.send(message(rawRefresh, octets("0001 01 01")...)...)
	p.send(update("", rawMust, rawPrefix)...)
	p.send(message(rawRefresh, octets("0001 02 01")...)...)
	l.holds(t, 1)
	// And what we answer.
	p.send(message(rawRefresh, octets("0001 00 01")...)...)
	for _, want := range []string{"0001 01 01", "0001 02 01"} {
		if told := p.await(rawRefresh); !bytes.Equal(told, octets(want)) {
			t.Errorf("we answer with %x, want %s", told, want)
		}
	}
	// A family that was not agreed on is not answered (RFC 2918 section 4), nor is an unknown subtype (RFC 7313 section 5).
	p.send(message(rawRefresh, octets("0002 00 01")...)...)
	p.send(message(rawRefresh, octets("0001 77 01")...)...)
	p.send(message(rawNotification, 6, 3)...)
	for {
		kind, body, err := p.next()
		if err != nil {
			break
		}
		if kind == rawRefresh || kind == rawNotification {
			t.Errorf("we answer with a message of type %d: %x", kind, body)
		}
	}
	if n, _ := l.ours.waitNotice(0, l.they, false, 6, 3); n.Name != "Cease: Peer De-configured (6/3)" {
		t.Errorf("the event names it %q", n.Name)
	}
}

// holds waits until our speaker has that many routes from the neighbour.
func (l *rawLab) holds(t *testing.T, count int) {
	t.Helper()
	eventually(t, rawPatience, fmt.Sprintf("we hold %d routes", count), func() (bool, string) {
		list, err := l.ours.received(l.they)
		return err == nil && len(list) == count, fmt.Sprint(list, err)
	})
}

func TestInteropABeginOfRefreshBeforeTheEndOfRIBIsIgnored(t *testing.T) {
	l := newRawLab(t, "gracefulRestart: {restartTime: 120s}")
	p, _ := l.node("raw").meet(t, l.they, l.we)
	p.establish(rawOpenMessage(rawFixed, rawCapabilities+"4006 0078 00010180"))
	p.send(update("", rawMust, rawPrefix)...)
	p.send(message(rawRefresh, octets("0001 01 01")...)...) // RFC 7313 section 4: must be ignored
	p.send(update("", "", "")...)
	l.ours.waitEvent(0, rawPatience, "has the End-of-RIB", func(e speaker.Event) bool { return e.Kind == speaker.EndOfRIB })
	l.holds(t, 1)
}

func TestInteropOurEndsOfASessionAreOctetByOctet(t *testing.T) {
	for _, c := range []struct {
		name         string
		more         []string
		capabilities string
		act          func(*rawLab, *rawPeer) error
		want         string
	}{
		{"RFC 9003 2: a shutdown with a text", nil, "", func(l *rawLab, _ *rawPeer) error { return l.ours.shutdown(l.they, "bye ü") }, "0602 06 62796520c3bc"},
		{"RFC 8538 3.1: a shutdown is a hard reset where both keep routes", []string{"gracefulRestart: {restartTime: 120s}"}, "4006 4078 00010180",
			func(l *rawLab, _ *rawPeer) error { return l.ours.shutdown(l.they, "bye") }, "0609 0602 03 627965"},
		{"RFC 4486 4: too many prefixes, with the family and the limit", []string{"maxPrefixes: {ipv4: 2}"}, "",
			func(_ *rawLab, p *rawPeer) error {
				p.send(update("", rawMust, rawPrefix+"18 0a0102 18 0a0103")...)
				return nil
			}, "0601 0001 01 00000002"},
		{"RFC 4271 6.5: silence for the hold time", nil, "", func(*rawLab, *rawPeer) error { return nil }, "0400"},
		{"RFC 4486 4: the speaker ends", nil, "", func(l *rawLab, _ *rawPeer) error {
			_, err := l.ours.do("exit")
			return err
		}, "0602"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newRawLab(t, c.more...)
			p, _ := l.node("raw").meet(t, l.they, l.we)
			p.establish(rawOpenMessage("04 fbf5 0003 c0000265", rawCapabilities+c.capabilities)) // 3 s
			l.ours.waitState(0, l.they, bgpEstablished, rawPatience)
			if err := c.act(l, p); err != nil {
				t.Fatal(err)
			}
			if got := p.end(); !bytes.Equal(got, octets(c.want)) {
				t.Errorf("NOTIFICATION %x, want %s", got, c.want)
			}
		})
	}
}

// TestInteropCollidingConnectionsAreDecidedByTheRouterID lets both connections get as far as their OPENs (RFC 4271 section 6.8).
func TestInteropCollidingConnectionsAreDecidedByTheRouterID(t *testing.T) {
	for _, c := range []struct {
		name, id string
		oursWins bool
	}{{"theirs is higher", "c0000265", false}, {"ours is higher", "c0000201", true}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, "ours", "raw")
			link := l.link("ours", "raw")
			us := &labSpeaker{AS: 64500, ID: netip.MustParseAddr("192.0.2.100")}
			them := &labSpeaker{AS: 64501, ID: netip.MustParseAddr("192.0.2.101")}
			p := link.peering("ipv4", us, "ours", them, "raw")
			accepted := l.node("raw").listen(t, netip.AddrPortFrom(p.B.Addr, 179))
			o := startOurs(t, l.node("ours"), us, p)
			outgoing := &rawPeer{t: t, conn: <-accepted} // we opened it
			t.Cleanup(func() { outgoing.conn.Close() })
			outgoing.await(rawOpen)
			incoming, _ := l.node("raw").meet(t, p.B.Addr, p.A.Addr)
			open := rawOpenMessage("04 fbf5 005a "+c.id, rawCapabilities)
			stays, goes := incoming, outgoing
			if c.oursWins {
				stays, goes = outgoing, incoming
			}
			outgoing.send(open...)
			if !c.oursWins {
				outgoing.await(rawKeepalive)
			}
			incoming.send(open...)
			if got := goes.end(); !bytes.Equal(got, octets("0607")) {
				t.Errorf("the connection that goes gets NOTIFICATION %x", got)
			}
			stays.send(message(rawKeepalive)...)
			o.waitState(0, p.B.Addr, bgpEstablished, rawPatience)
			late, _ := l.node("raw").meet(t, p.B.Addr, p.A.Addr)
			late.send(open...)
			if got := late.end(); !bytes.Equal(got, octets("0607")) {
				t.Errorf("a connection beside an established session gets NOTIFICATION %x", got)
			}
			if s, err := o.standing(p.B.Addr); err != nil || s.State != bgpEstablished || s.Flaps != 0 || s.Outbound != c.oursWins {
				t.Errorf("the session is %+v, %v", s, err)
			}
		})
	}
}

// listen takes connections to a node's address until the test ends.
func (n *labNode) listen(t *testing.T, at netip.AddrPort) <-chan net.Conn {
	t.Helper()
	var ln net.Listener
	err := n.enter(func() (err error) {
		ln, err = net.Listen("tcp", at.String())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	accepted, done := make(chan net.Conn), make(chan struct{})
	go func() {
		defer close(accepted)
		for {
			conn, err := ln.Accept()
			if err != nil {
				if !errors.Is(err, net.ErrClosed) {
					t.Error(err)
				}
				return
			}
			select {
			case accepted <- conn:
			case <-done:
				conn.Close()
			}
		}
	}()
	t.Cleanup(func() {
		close(done)
		ln.Close()
		for range accepted { // until the goroutine has ended
		}
	})
	return accepted
}
