package speaker

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/net/ipv4"

	"onramp/bfd"
)

var (
	one, two = netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("127.0.0.2")
	quick    = bfd.Config{DesiredMinTx: 20 * time.Millisecond, RequiredMinRx: 20 * time.Millisecond, DetectMult: 5}
)

// bfdEnd is a port that runs, with its changes on a channel.
type bfdEnd struct {
	*bfdPort
	changes chan BFDChange
	stop    func()
}

// startBFD runs a port on a UDP port, 0 for one that the kernel chooses, until the test or stop ends it.
func startBFD(t *testing.T, port uint16) *bfdEnd {
	t.Helper()
	e := &bfdEnd{changes: make(chan BFDChange, 100)}
	start := time.Now()
	e.bfdPort = newBFDPort(func() time.Duration { return time.Since(start) }, func(c BFDChange) { e.changes <- c })
	e.port = port
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx) }()
	e.stop = func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		done <- nil
	}
	t.Cleanup(e.stop)
	return e
}

// next is the next change.
func (e *bfdEnd) next(t *testing.T) BFDChange {
	t.Helper()
	select {
	case c := <-e.changes:
		return c
	case <-time.After(20 * time.Second):
		t.Fatal("no change within 20 s")
		return BFDChange{}
	}
}

// until waits for a state.
func (e *bfdEnd) until(t *testing.T, state bfd.State) BFDChange {
	t.Helper()
	for {
		if c := e.next(t); c.State == state {
			return c
		}
	}
}

// pairBFD brings up two ports with a session between two addresses of this host.
func pairBFD(t *testing.T, a, b netip.Addr) (x, y *bfdEnd) {
	t.Helper()
	for range 10 {
		x = startBFD(t, 0)
		if err := x.Add(7, a, b, quick); err != nil {
			t.Fatal(err)
		}
		y = startBFD(t, x.port)
		err := y.Add(9, b, a, quick)
		if err == nil {
			break
		}
		if !errors.Is(err, syscall.EADDRINUSE) {
			t.Fatal(err)
		}
		x.Remove(7) // the port is someone else's at the other address: try another
	}
	x.until(t, bfd.Up)
	y.until(t, bfd.Up)
	return x, y
}

func TestTwoPortsComeUpAndOneSeesTheOthersEnd(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	x, y := pairBFD(t, one, two)
	began := time.Now()
	x.stop()
	if c := y.until(t, bfd.Down); c != (BFDChange{Neighbor: 9, State: bfd.Down, Diag: bfd.DetectionTimeExpired}) {
		t.Errorf("%+v", c)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("after %s", took)
	}
	y.stop()
}

func TestSessionsRunOverIPv6(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	// ::1 is the only address that each host has: a session with oneself, whose packets come back.
	local := netip.IPv6Loopback()
	x := startBFD(t, 0)
	if err := x.Add(1, local, local, quick); err != nil {
		t.Fatal(err)
	}
	x.until(t, bfd.Up)
	x.stop()
}

func TestAnAdministrativeDownIsToldApart(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	x, y := pairBFD(t, one, two)
	x.SetAdminDown(7, true)
	if c := x.until(t, bfd.AdminDown); c.Neighbor != 7 {
		t.Errorf("%+v", c)
	}
	if c := y.until(t, bfd.Down); !c.NeighborAdminDown || c.Diag != bfd.NeighborSignaledDown {
		t.Errorf("%+v", c)
	}
	x.SetAdminDown(7, false)
	if c := x.until(t, bfd.Up); c.NeighborAdminDown {
		t.Errorf("%+v", c)
	}
	y.until(t, bfd.Up)
	x.Remove(7)
	if c := y.until(t, bfd.Down); !c.NeighborAdminDown {
		t.Errorf("a session that was removed is taken for a failure: %+v", c)
	}
	if len(x.listeners) > 0 || len(x.queue) > 0 {
		t.Errorf("%d listeners, %d sessions", len(x.listeners), len(x.queue))
	}
	// Its address and its number are free again.
	if err := x.Add(7, one, two, quick); err != nil {
		t.Fatal(err)
	}
	x.until(t, bfd.Up)
	x.stop()
	y.stop()
}

// stranger sends packets to a port by hand.
type stranger struct {
	t    *testing.T
	conn *net.UDPConn
	to   netip.AddrPort
}

func (s stranger) send(ttl int, p bfd.Packet) {
	s.t.Helper()
	if err := ipv4.NewPacketConn(s.conn).SetTTL(ttl); err != nil {
		s.t.Fatal(err)
	}
	if _, err := s.conn.WriteToUDPAddrPort(p.Append(nil), s.to); err != nil {
		s.t.Fatal(err)
	}
}

// What is ignored shows in that a packet sent after it is the first that does anything: datagrams between two sockets keep their order.
func TestPacketsAreIgnored(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	good := bfd.Packet{State: bfd.Init, DetectMult: 200, MyDiscriminator: 5, YourDiscriminator: 77, DesiredMinTxInterval: 1_000_000, RequiredMinRxInterval: 1_000_000}
	bad := func(change func(p *bfd.Packet)) bfd.Packet { p := good; change(&p); return p }
	for _, x := range []struct {
		name string
		from netip.Addr
		ttl  int
		p    bfd.Packet
	}{
		{"from behind a router", two, 254, bad(func(p *bfd.Packet) { p.State = bfd.Down })},
		{"with a TTL of nothing much", two, 1, bad(func(p *bfd.Packet) { p.State = bfd.Down })},
		{"for a session that is not", two, 255, bad(func(p *bfd.Packet) { p.State, p.YourDiscriminator = bfd.Down, 78 })},
		{"for a session that is not, in the state that names none", two, 255, bad(func(p *bfd.Packet) { p.State, p.YourDiscriminator = bfd.AdminDown, 1 })},
		{"from a neighbour that is not", netip.MustParseAddr("127.0.0.3"), 255, bad(func(p *bfd.Packet) { p.State, p.YourDiscriminator = bfd.Down, 0 })},
		{"that cannot be read", two, 255, bad(func(p *bfd.Packet) { p.State, p.DetectMult = bfd.Down, 0 })},
		{"for no session, and up", two, 255, bad(func(p *bfd.Packet) { p.State, p.YourDiscriminator = bfd.Up, 0 })},
	} {
		t.Run(x.name, func(t *testing.T) {
			e := startBFD(t, 0)
			cfg := quick
			cfg.Discriminator = 77
			if err := e.Add(3, one, two, cfg); err != nil {
				t.Fatal(err)
			}
			conn, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(x.from, 0)))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			s := stranger{t, conn, netip.AddrPortFrom(one, e.port)}
			s.send(x.ttl, x.p)
			s.send(255, good)
			if c := e.next(t); c.State != bfd.Up {
				t.Errorf("%+v", c)
			}
			e.stop()
		})
	}
}

// RFC 5881 section 3: a packet that names no session is its addresses'; section 4 and 5: what ours look like.
func TestASessionIsFoundByItsAddressesAndSendsAsOneHopDemands(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	e := startBFD(t, 0)
	three := netip.MustParseAddr("127.0.0.3")
	if err := e.Add(2, one, two, quick); err != nil {
		t.Fatal(err)
	}
	listen := func(a netip.Addr) *net.UDPConn {
		conn, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(a, e.port)))
		if err != nil {
			t.Fatal(err)
		}
		if err := ipv4.NewPacketConn(conn).SetControlMessage(ipv4.FlagTTL, true); err != nil {
			t.Fatal(err)
		}
		return conn
	}
	a, b := listen(two), listen(three)
	defer a.Close()
	defer b.Close()
	if err := e.Add(3, one, three, quick); err != nil {
		t.Fatal(err)
	}
	sources := map[uint16]bool{}
	for _, conn := range []*net.UDPConn{a, b} {
		var source uint16
		for range 3 {
			var buffer, control [128]byte
			_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second))
			n, c, _, from, err := conn.ReadMsgUDPAddrPort(buffer[:], control[:])
			if err != nil {
				t.Fatal(err)
			}
			p, err := bfd.Parse(buffer[:n])
			if err != nil || p.State != bfd.Down || p.YourDiscriminator != 0 || from.Addr() != one || ttl(one, control[:c]) != 255 || from.Port() < 49152 || source != 0 && source != from.Port() {
				t.Errorf("%v from %s, before from %d: %+v", err, from, source, p)
			}
			source = from.Port()
		}
		sources[source] = true
	}
	if len(sources) != 2 {
		t.Errorf("two sessions send from %v", sources)
	}
	stranger{t, b, netip.AddrPortFrom(one, e.port)}.send(255, bfd.Packet{State: bfd.Down, DetectMult: 200, MyDiscriminator: 5, DesiredMinTxInterval: 1_000_000, RequiredMinRxInterval: 1_000_000})
	if c := e.next(t); c.Neighbor != 3 || c.State != bfd.Init {
		t.Errorf("%+v", c)
	}
	e.stop()
}

func TestSessionsThatCannotBe(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	e := startBFD(t, 0)
	cfg := quick
	cfg.Discriminator = 77
	if err := e.Add(1, one, two, cfg); err != nil {
		t.Fatal(err)
	}
	passive, three := quick, netip.MustParseAddr("127.0.0.3")
	passive.Passive = true
	for _, x := range []struct {
		name          string
		neighbor      int32
		local, remote netip.Addr
		cfg           bfd.Config
		want          string
	}{
		{"no address", 2, netip.Addr{}, three, quick, "two addresses of one family"},
		{"two families", 2, one, netip.IPv6Loopback(), quick, "two addresses of one family"},
		{"any address", 2, netip.IPv4Unspecified(), three, quick, "two addresses of one family"},
		{"an interface that is not named", 2, netip.IPv6Loopback(), netip.MustParseAddr("fe80::1"), quick, "name the one interface"},
		{"two interfaces", 2, netip.MustParseAddr("fe80::1%lo"), netip.MustParseAddr("fe80::2%eth0"), quick, "name the one interface"},
		{"passive", 2, one, three, passive, "both ends must be active"},
		{"a neighbour that has one", 1, one, three, quick, "has a session"},
		{"addresses that have one", 2, one, netip.MustParseAddr("::ffff:127.0.0.2"), quick, "neighbour 1 has that session"},
		{"a discriminator in use", 2, one, three, cfg, "discriminator 77 is in use"},
		{"an address of someone else", 2, netip.MustParseAddr("192.0.2.1"), three, quick, "cannot assign"},
	} {
		if err := e.Add(x.neighbor, x.local, x.remote, x.cfg); err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%s: %v", x.name, err)
		}
	}
	other := startBFD(t, e.port)
	if err := other.Add(1, one, two, quick); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("two ports at one address: %v", err)
	}
	other.stop()
	e.Remove(99)
	e.SetAdminDown(99, true)
	e.stop()
	if err := e.Add(2, one, three, quick); !errors.Is(err, errBFDStopped) {
		t.Errorf("after the end: %v", err)
	}
	if err := e.Run(t.Context()); err == nil {
		t.Error("it runs twice")
	}
}

// A process that did not run for a while finds its timers run out and its packets unread at the same moment.
func TestAPortThatWasStalledWaitsForItsReadersBeforeItFindsAnyoneSilent(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	now := time.Duration(0)
	p := newBFDPort(func() time.Duration { return now }, nil)
	p.port = 0
	cfg := quick
	cfg.Discriminator = 77
	if err := p.Add(1, one, two, cfg); err != nil {
		t.Fatal(err)
	}
	defer p.close()
	heard := bfdDatagram{bfdPath{one, two}, bfd.Packet{State: bfd.Init, DetectMult: 3, MyDiscriminator: 5, YourDiscriminator: 77, DesiredMinTxInterval: 20_000, RequiredMinRxInterval: 20_000}}
	state := func() bfd.State { return p.sessions[1].State() }
	p.receive(heard)
	if p.tick(); state() != bfd.Up {
		t.Fatal(state())
	}
	now = time.Second
	if wait := p.tick(); wait != bfdGrace || state() != bfd.Up {
		t.Errorf("after a stall it waits %s and is %s", wait, state())
	}
	p.receive(heard)
	if p.tick(); state() != bfd.Up {
		t.Errorf("what was waiting is read, and it is %s", state())
	}
	now += time.Second
	p.tick()
	if p.tick(); state() != bfd.Down {
		t.Errorf("nothing was waiting, and it is %s", state())
	}
}
