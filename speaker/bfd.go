package speaker

import (
	"container/heap"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"sync"
	"syscall"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"

	"onramp/bfd"
)

const (
	bfdUDPPort = 3784 // RFC 5881 section 4
	// Source ports of RFC 5881 section 4.
	firstSourcePort, lastSourcePort = 49152, 65535
	// maxTTL is what a packet that crossed no router arrives with (RFC 5881 section 5).
	maxTTL = 255
	// networkControl is the traffic class of packets that keep the network together: DSCP CS6.
	networkControl = 0xc0
	// bfdBacklog is how many received packets wait for the port's goroutine; further ones wait in the kernel, which drops what is
	// too much.
	bfdBacklog = 256
	// A deadline that was missed by bfdStall shows that the process did not run. Packets may have come meanwhile that their readers have
	// not read yet, so those get bfdGrace before anyone is said to be silent.
	bfdStall, bfdGrace = 10 * time.Millisecond, 2 * time.Millisecond
)

// BFDChange is a change of a neighbour's BFD session: of its state, or of whether the neighbour is administratively down.
type BFDChange struct {
	Neighbor int32
	State    bfd.State
	Diag     bfd.Diag
	// NeighborAdminDown: a session that is not up for this reason says nothing about the path (RFC 5882 section 3.2).
	NeighborAdminDown bool
	// ControlPlaneIndependent: the neighbour said that a failure is the path's and not only its control plane's (RFC 5882 section 4.3).
	ControlPlaneIndependent bool
}

// bfdPort runs the BFD sessions of one system with neighbours on its links, over UDP (RFC 5881). It owns their sockets. Run is its
// goroutine: it alone calls onChange, which may call the port's other methods; those may be called from anywhere, before Run too. Run
// starts a reader for each local address and waits for them before it returns.
type bfdPort struct {
	clock    func() time.Duration
	onChange func(BFDChange)
	// port is where neighbours listen, as this port does; with 0 the first Add lets the kernel choose.
	port uint16

	mu              sync.Mutex // guards what follows
	sessions        map[int32]*bfdSession
	byDiscriminator map[uint32]*bfdSession
	byPath          map[bfdPath]*bfdSession
	listeners       map[netip.Addr]*bfdListener
	queue           bfdQueue
	changes         []BFDChange
	source          uint16 // the port to try for the next session
	phase           bfdPhase
	graced          bool // the stall that tick has seen is allowed for

	wake     chan struct{}    // something changed that Run must see
	received chan bfdDatagram // from the readers
	failed   chan error       // a reader's
	readers  sync.WaitGroup
}

type bfdPhase uint8

const (
	notRunning bfdPhase = iota
	running
	stopped
)

// errBFDStopped is returned when a port is used after Run.
var errBFDStopped = errors.New("the BFD port has stopped")

// bfdPath tells the sessions of packets apart that name none (RFC 5881 section 3).
type bfdPath struct{ local, remote netip.Addr }

// bfdSession is a session with its socket for sending.
type bfdSession struct {
	*bfd.Session
	neighbor      int32
	discriminator uint32
	path          bfdPath
	to            netip.AddrPort
	out           *net.UDPConn
	at            time.Duration // its deadline
	place         int           // in the queue
}

// bfdListener is the socket of a local address.
type bfdListener struct {
	conn     *net.UDPConn
	sessions int
	stop     chan struct{}
	done     chan struct{} // the reader's; nil while there is none
}

type bfdDatagram struct {
	path bfdPath
	p    bfd.Packet
}

// newBFDPort makes a port whose sessions live on a clock.
func newBFDPort(clock func() time.Duration, onChange func(BFDChange)) *bfdPort {
	return &bfdPort{clock: clock, onChange: onChange, port: bfdUDPPort, sessions: map[int32]*bfdSession{}, byDiscriminator: map[uint32]*bfdSession{}, byPath: map[bfdPath]*bfdSession{},
		listeners: map[netip.Addr]*bfdListener{}, source: firstSourcePort + uint16(rand.N(lastSourcePort-firstSourcePort+1)),
		wake: make(chan struct{}, 1), received: make(chan bfdDatagram, bfdBacklog), failed: make(chan error)}
}

// Add begins a session with a neighbour. Where the configuration has no discriminator or seed, they are drawn.
func (p *bfdPort) Add(neighbor int32, local, remote netip.Addr, cfg bfd.Config) error {
	local, remote = local.Unmap(), remote.Unmap()
	path := bfdPath{local, remote}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.phase == stopped:
		return errBFDStopped
	case !local.IsValid() || !remote.IsValid() || local.Is4() != remote.Is4() || local.IsUnspecified() || remote.IsUnspecified() || remote.IsMulticast():
		return fmt.Errorf("BFD from %s to %s: give two addresses of one family", local, remote)
	case remote.Is6() && remote.IsLinkLocalUnicast() && remote.Zone() == "" || local.Zone() != "" && remote.Zone() != "" && local.Zone() != remote.Zone():
		return fmt.Errorf("BFD from %s to %s: name the one interface that both are on, as in fe80::1%%eth0", local, remote)
	case cfg.Passive:
		return fmt.Errorf("BFD with %s: over one hop both ends must be active (RFC 5881 section 3)", remote)
	case p.sessions[neighbor] != nil:
		return fmt.Errorf("BFD with %s: neighbour %d has a session", remote, neighbor)
	case p.byPath[path] != nil:
		return fmt.Errorf("BFD from %s to %s: neighbour %d has that session", local, remote, p.byPath[path].neighbor)
	case cfg.Discriminator != 0 && p.byDiscriminator[cfg.Discriminator] != nil:
		return fmt.Errorf("BFD with %s: discriminator %d is in use", remote, cfg.Discriminator)
	}
	// Drawn, so that nobody elsewhere can guess it (RFC 5880 section 6.8.1).
	for cfg.Discriminator == 0 || p.byDiscriminator[cfg.Discriminator] != nil {
		cfg.Discriminator = rand.Uint32()
	}
	if cfg.Seed == 0 {
		cfg.Seed = rand.Uint64()
	}
	if err := p.listen(local); err != nil {
		return fmt.Errorf("BFD with %s: %w", remote, err)
	}
	out, err := p.speak(local)
	if err != nil {
		p.leave(local)
		return fmt.Errorf("BFD with %s: %w", remote, err)
	}
	s := &bfdSession{Session: bfd.NewSession(cfg, p.clock()), neighbor: neighbor, discriminator: cfg.Discriminator, path: path, to: netip.AddrPortFrom(remote, p.port), out: out}
	p.sessions[neighbor], p.byDiscriminator[s.discriminator], p.byPath[path] = s, s, s
	s.at = deadline(s)
	heap.Push(&p.queue, s)
	p.stir()
	return nil
}

// Remove ends a session and tells the neighbour, once, that this is no failure. An owner that must be sure that it is heard calls
// SetAdminDown a detection time before (RFC 5880 section 6.8.16).
func (p *bfdPort) Remove(neighbor int32) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.sessions[neighbor]
	if s == nil {
		return
	}
	p.do(s, s.SetAdminDown(p.clock(), true))
	heap.Remove(&p.queue, s.place)
	delete(p.sessions, neighbor)
	delete(p.byDiscriminator, s.discriminator)
	delete(p.byPath, s.path)
	p.changes = slices.DeleteFunc(p.changes, func(c BFDChange) bool { return c.Neighbor == neighbor })
	s.out.Close()
	p.leave(s.path.local)
}

// SetAdminDown takes a neighbour's session down, or lets it come up again.
func (p *bfdPort) SetAdminDown(neighbor int32, down bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s := p.sessions[neighbor]; s != nil {
		p.do(s, s.Session.SetAdminDown(p.clock(), down))
		p.stir()
	}
}

// Standing is how a neighbour's session stands, nil for a neighbour that has none.
func (p *bfdPort) Standing(neighbor int32) *LinkStanding {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.sessions[neighbor]
	if s == nil {
		return nil
	}
	v := &LinkStanding{State: s.State().String(), Interval: Duration(s.TransmitInterval()), DetectionTime: Duration(s.DetectionTime()),
		NeighborAdminDown: s.Remote().State == bfd.AdminDown}
	if s.Diag() != bfd.NoDiagnostic {
		v.Diagnostic = s.Diag().String()
	}
	return v
}

// Run keeps the sessions until ctx is done, or until a socket fails. It closes every socket and says nothing to the neighbours: they see
// what they would see if the process had died. It can be called once.
func (p *bfdPort) Run(ctx context.Context) error {
	p.mu.Lock()
	if p.phase != notRunning {
		p.mu.Unlock()
		return errors.New("the BFD port runs, or has run")
	}
	p.phase = running
	for local, l := range p.listeners {
		p.startReader(local, l)
	}
	p.mu.Unlock()
	defer p.close()

	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-p.failed:
			return err
		case d := <-p.received:
			p.receive(d)
		case <-p.wake:
		case <-timer.C:
		}
		// What has arrived counts before it is asked who was silent for too long.
		for range len(p.received) {
			p.receive(<-p.received)
		}
		timer.Reset(p.tick())
		for _, c := range p.takeChanges() {
			p.onChange(c)
		}
	}
}

// tick lets every session do what is due and returns how long nothing will be.
func (p *bfdPort) tick() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.clock()
	if len(p.queue) > 0 && !p.graced && now-p.queue[0].at >= bfdStall {
		p.graced = true
		return bfdGrace
	}
	p.graced = false
	for len(p.queue) > 0 && p.queue[0].at <= now {
		s := p.queue[0]
		p.do(s, s.Tick(now))
	}
	if len(p.queue) == 0 {
		return math.MaxInt64
	}
	return p.queue[0].at - now
}

// receive gives a packet to its session (RFC 5880 section 6.8.6): the one that it names, or else the one of its addresses.
func (p *bfdPort) receive(d bfdDatagram) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.byDiscriminator[d.p.YourDiscriminator]
	if d.p.YourDiscriminator == 0 {
		s = p.byPath[d.path]
	}
	if s != nil {
		p.do(s, s.Receive(p.clock(), d.p))
	}
}

// do carries out what a session asks for.
func (p *bfdPort) do(s *bfdSession, list []bfd.Action) {
	var buffer [64]byte
	for _, a := range list {
		if a.Send {
			// A packet that cannot be sent is a packet lost, which is what BFD is for.
			_, _ = s.out.WriteToUDPAddrPort(a.Packet.Append(buffer[:0]), s.to)
			continue
		}
		p.changes = append(p.changes, BFDChange{Neighbor: s.neighbor, State: a.To, Diag: a.Diag, NeighborAdminDown: a.NeighborAdminDown, ControlPlaneIndependent: s.Remote().ControlPlaneIndependent})
	}
	s.at = deadline(s)
	heap.Fix(&p.queue, s.place)
}

func (p *bfdPort) takeChanges() []BFDChange {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := p.changes
	p.changes = nil
	return list
}

// stir makes Run look at deadlines and changes again.
func (p *bfdPort) stir() {
	select {
	case p.wake <- struct{}{}:
	default: // it will anyway
	}
}

// close ends everything that Add and Run began.
func (p *bfdPort) close() {
	p.mu.Lock()
	p.phase = stopped
	for _, s := range p.sessions {
		s.out.Close()
		p.leave(s.path.local)
	}
	clear(p.sessions)
	clear(p.byDiscriminator)
	clear(p.byPath)
	p.queue, p.changes = nil, nil
	p.mu.Unlock()
	p.readers.Wait()
}

// deadline is when a session must be ticked; a time that never comes if nothing is pending.
func deadline(s *bfdSession) time.Duration {
	if at, ok := s.Deadline(); ok {
		return at
	}
	return math.MaxInt64
}

// bfdQueue is a heap of sessions, the earliest deadline first.
type bfdQueue []*bfdSession

func (q bfdQueue) Len() int           { return len(q) }
func (q bfdQueue) Less(i, j int) bool { return q[i].at < q[j].at }
func (q bfdQueue) Swap(i, j int)      { q[i], q[j] = q[j], q[i]; q[i].place, q[j].place = i, j }
func (q *bfdQueue) Push(x any)        { s := x.(*bfdSession); s.place = len(*q); *q = append(*q, s) }
func (q *bfdQueue) Pop() any {
	s := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return s
}

// listen opens the socket of a local address, or counts one more session at it.
func (p *bfdPort) listen(local netip.Addr) error {
	l := p.listeners[local]
	if l == nil {
		conn, err := net.ListenUDP(udp(local), net.UDPAddrFromAddrPort(netip.AddrPortFrom(local, p.port)))
		if err != nil {
			if errors.Is(err, syscall.EADDRINUSE) {
				return fmt.Errorf("another BFD daemon has port %d of %s: %w", p.port, local, err)
			}
			return err
		}
		if local.Is4() {
			err = ipv4.NewPacketConn(conn).SetControlMessage(ipv4.FlagTTL, true)
		} else {
			err = ipv6.NewPacketConn(conn).SetControlMessage(ipv6.FlagHopLimit, true)
		}
		if err != nil {
			conn.Close()
			return fmt.Errorf("the kernel does not tell the TTL of packets to %s: %w", local, err)
		}
		p.port = conn.LocalAddr().(*net.UDPAddr).AddrPort().Port()
		l = &bfdListener{conn: conn, stop: make(chan struct{})}
		p.listeners[local] = l
		if p.phase == running {
			p.startReader(local, l)
		}
	}
	l.sessions++
	return nil
}

// leave closes the socket of a local address with its last session, and waits for its reader: the address is free afterwards.
func (p *bfdPort) leave(local netip.Addr) {
	l := p.listeners[local]
	if l.sessions--; l.sessions > 0 {
		return
	}
	close(l.stop)
	l.conn.Close()
	if l.done != nil {
		<-l.done
	}
	delete(p.listeners, local)
}

// speak opens a session's socket for sending: with a source port of its own, and the TTL that proves to the neighbour that no router is
// between (RFC 5881 sections 4 and 5). It is not connected, or the kernel would report that a neighbour does not listen yet instead of
// sending.
func (p *bfdPort) speak(local netip.Addr) (*net.UDPConn, error) {
	for range lastSourcePort - firstSourcePort + 1 {
		port := p.source
		if p.source++; p.source < firstSourcePort { // it went round
			p.source = firstSourcePort
		}
		conn, err := net.ListenUDP(udp(local), net.UDPAddrFromAddrPort(netip.AddrPortFrom(local, port)))
		if errors.Is(err, syscall.EADDRINUSE) {
			continue
		}
		if err != nil {
			return nil, err
		}
		// The traffic class is a wish; the TTL is a must.
		if local.Is4() {
			c := ipv4.NewPacketConn(conn)
			_ = c.SetTOS(networkControl)
			err = c.SetTTL(maxTTL)
		} else {
			c := ipv6.NewPacketConn(conn)
			_ = c.SetTrafficClass(networkControl)
			err = c.SetHopLimit(maxTTL)
		}
		if err != nil {
			conn.Close()
			return nil, fmt.Errorf("the kernel sends no packets from %s with a TTL of %d: %w", local, maxTTL, err)
		}
		return conn, nil
	}
	return nil, fmt.Errorf("all source ports of %s are in use", local)
}

// startReader reads a listener's packets until it is closed. The reader takes no lock, so it can be waited for under one.
func (p *bfdPort) startReader(local netip.Addr, l *bfdListener) {
	l.done = make(chan struct{})
	p.readers.Go(func() {
		defer close(l.done)
		var buffer, control [128]byte
		for {
			n, c, _, from, err := l.conn.ReadMsgUDPAddrPort(buffer[:], control[:])
			if err != nil {
				if !errors.Is(err, net.ErrClosed) {
					select {
					case p.failed <- fmt.Errorf("BFD at %s: %w", local, err):
					case <-l.stop:
					}
				}
				return
			}
			if ttl(local, control[:c]) != maxTTL {
				continue // it came from behind a router (RFC 5881 section 5)
			}
			packet, err := bfd.Parse(buffer[:n])
			if err != nil {
				continue
			}
			select {
			case p.received <- bfdDatagram{bfdPath{local, from.Addr().Unmap()}, packet}:
			case <-l.stop:
				return
			}
		}
	})
}

// ttl is the TTL or hop limit that a packet to an address came with; 0 when the kernel does not say.
func ttl(local netip.Addr, control []byte) int {
	if local.Is4() {
		var m ipv4.ControlMessage
		if m.Parse(control) != nil {
			return 0
		}
		return m.TTL
	}
	var m ipv6.ControlMessage
	if m.Parse(control) != nil {
		return 0
	}
	return m.HopLimit
}

func udp(a netip.Addr) string {
	if a.Is4() {
		return "udp4"
	}
	return "udp6"
}
