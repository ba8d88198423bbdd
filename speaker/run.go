// Package speaker runs the core of bgp on sockets and the clock: `onramp speaker`. It decides nothing of BGP: what is sent, when and
// why is bgp.Speaker's, and this package carries it out. It reads the speaker's file, opens and accepts connections with what
// protects them (TCP MD5, RFC 2385; GTSM, RFC 5082), and tells what happens as Events.
//
// Goroutines, each started and waited for by Run:
//
//   - the loop, which is Run itself and alone calls the core. It never waits for another goroutine but by the one channel that all
//     of them send to, so that no two can wait for each other.
//   - a reader and a writer of each connection (conn.go). The reader owns the socket and closes it.
//   - a goroutine of each listening socket, and one of each attempt to connect (dial.go).
//   - those of the BFD port, where a neighbour's path is watched (bfd.go).
//
// Every send to the loop also waits for its end. What is to be sent on a connection is queued without a bound of its own: the core
// sends only as much as it has been told was taken.
package speaker

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"onramp/bgp"
)

// Options are what the caller of Run wants of it beyond the file.
type Options struct {
	// Events is called with everything that happens, by one goroutine, which does nothing else meanwhile. The event is the callee's.
	Events func(Event)
	// Routes says that changes of routes are events too.
	Routes bool
	// Commands are carried out in turn, each answered by an event. It may be nil, or closed at any time.
	Commands <-chan Command
	// Logger is told what only matters to whoever looks for a fault; nil is nobody.
	Logger *slog.Logger
}

// Sizes and times of the shell's own. None of them is BGP's.
const (
	queued      = 1024                   // inputs that wait for the loop; then readers wait, and TCP with them
	burst       = 256                    // inputs that are handled before timers are looked at and writers woken
	readSize    = 64 << 10               // bytes of one read
	keepBuffer  = 256 << 10              // a larger buffer of a writer is not kept for the next round
	lingerTime  = time.Second            // after the last byte, for the neighbour to read it and close
	stopTime    = 2 * time.Second        // for all connections together, when the speaker ends
	acceptPause = 100 * time.Millisecond // after a failure to accept, such as too many open files
)

// loop is the state of one Run, touched by its goroutine alone, but for what the comments say.
type loop struct {
	cfg   *Config
	o     Options
	log   *slog.Logger
	core  *bgp.Speaker
	start time.Time // does not change

	ctx     context.Context // of dialling and listening; ends when the loop does
	in      chan input      // anybody sends
	ended   chan struct{}   // closed when nothing is received from in any more
	wg      sync.WaitGroup  // every other goroutine
	buffers sync.Pool       // *[readSize]byte, anybody's

	peers    map[bgp.NeighborID]*peer
	order    []*peer // as in the file
	byAddr   map[netip.Addr]*peer
	byName   map[string]*peer
	conns    map[bgp.ConnID]*conn // those that the core knows
	live     map[*conn]struct{}   // those whose socket is open
	dirty    []*conn              // those whose writer is to be woken
	lastConn bgp.ConnID
	links    *bfdPort // watches paths; nil where no neighbour asks for it
	exit     bool     // a command said so, or
	failed   error    // this
}

// peer is a neighbour.
type peer struct {
	id      bgp.NeighborID
	cfg     *Neighbor
	local   netip.Addr
	dialing context.CancelFunc // of the attempt under way, or nil
	stopped bool               // by a command, until another starts it
	attempt uint64             // numbers the attempts, so that an answer that comes too late is known
}

// input is what a goroutine tells the loop.
type input struct {
	kind    inputKind
	conn    *conn
	peer    *peer
	buf     *[readSize]byte // inReceived: n bytes of it
	n       int
	attempt uint64 // inDialed
	socket  *net.TCPConn
	err     error
	link    linkChange
}

type inputKind uint8

const (
	inReceived inputKind = iota // n bytes came
	inSent                      // n bytes went
	inClosed                    // the neighbour closed the connection, or it failed
	inEnded                     // the socket is closed and the reader gone
	inDialed                    // an attempt to connect ended, with a socket or an error
	inAccepted                  // a neighbour, or somebody else, connected
	inLink                      // BFD saw the path to a neighbour change
	inFailed                    // something failed that the speaker cannot be without
)

// Run is a speaker until ctx is done or a command ends it; then it says goodbye to all neighbours and returns nil. An error tells
// what kept it from starting, or from going on.
func Run(ctx context.Context, cfg *Config, o Options) error {
	if o.Events == nil {
		o.Events = func(Event) {}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	sockets, cancel := context.WithCancel(context.WithoutCancel(ctx))
	l := &loop{cfg: cfg, o: o, log: o.Logger, start: time.Now(), ctx: sockets, in: make(chan input, queued), ended: make(chan struct{}),
		buffers: sync.Pool{New: func() any { return new([readSize]byte) }},
		peers:   map[bgp.NeighborID]*peer{}, byAddr: map[netip.Addr]*peer{}, byName: map[string]*peer{},
		conns: map[bgp.ConnID]*conn{}, live: map[*conn]struct{}{}}
	defer func() {
		close(l.ended)
		cancel()
		for c := range l.live {
			_ = c.socket.Close() // its reader sees it and ends
		}
		l.wg.Wait()
		l.leave()
	}()
	if err := l.configure(); err != nil {
		return err
	}
	if err := l.listen(); err != nil {
		return err
	}
	if err := l.watch(); err != nil {
		return err
	}
	for _, p := range l.order {
		l.apply(l.core.Start(l.now(), p.id))
	}
	l.run(ctx.Done())
	l.goodbye()
	return l.failed
}

// configure makes the core.
func (l *loop) configure() error {
	core, err := bgp.NewSpeaker(l.cfg.speaker())
	if err != nil {
		return err
	}
	l.core = core
	for i := range l.cfg.Networks {
		n := &l.cfg.Networks[i]
		l.apply(core.Originate(l.now(), n.Prefix, n.attrs()))
	}
	for i := range l.cfg.Neighbors {
		n := &l.cfg.Neighbors[i]
		p := &peer{cfg: n, local: n.LocalAddress}
		if !p.local.IsValid() {
			if p.local, err = localAddress(n.Address); err != nil {
				return fmt.Errorf("neighbour %s: no address of this machine leads to %s (%w); give localAddress", n.Name, n.Address, err)
			}
		}
		if p.id, err = core.AddNeighbor(l.now(), l.cfg.neighbor(n, p.local)); err != nil {
			return fmt.Errorf("neighbour %s: %w", n.Name, err)
		}
		l.peers[p.id], l.byAddr[n.Address], l.byName[n.Name] = p, p, p
		l.order = append(l.order, p)
	}
	return nil
}

// now is the time since the start. It never goes back.
func (l *loop) now() time.Duration { return time.Since(l.start) }

// run handles what comes until stop is closed or a command ends the speaker.
func (l *loop) run(stop <-chan struct{}) {
	commands := l.o.Commands
	timer := time.NewTimer(0)
	defer timer.Stop()
	for !l.exit {
		l.wake()
		l.arm(timer)
		select {
		case in := <-l.in:
			l.handle(in)
			l.drain()
		case c, ok := <-commands:
			if !ok {
				commands = nil
				continue
			}
			l.command(c)
		case <-timer.C:
		case <-stop:
			return
		}
		l.tick()
	}
}

// drain handles what waits already, so that a timer is armed once for all of it, and each writer woken once.
func (l *loop) drain() {
	for range burst {
		select {
		case in := <-l.in:
			l.handle(in)
		default:
			return
		}
	}
}

// arm sets the timer to the core's deadline.
func (l *loop) arm(timer *time.Timer) {
	if at, ok := l.core.Deadline(); ok {
		timer.Reset(at - l.now())
	} else {
		timer.Stop()
	}
}

// tick lets the core's timers run out that are due.
func (l *loop) tick() {
	if at, ok := l.core.Deadline(); ok {
		if now := l.now(); at <= now {
			l.apply(l.core.Tick(now))
		}
	}
}

// handle tells the core of an input.
func (l *loop) handle(in input) {
	now := l.now()
	switch in.kind {
	case inReceived:
		if !in.conn.gone {
			l.apply(l.core.Received(now, in.conn.id, in.buf[:in.n]))
		}
		l.buffers.Put(in.buf)
	case inSent:
		if !in.conn.gone {
			l.apply(l.core.Sent(now, in.conn.id, in.n))
		}
	case inClosed:
		if !in.conn.gone {
			l.log.Debug("connection closed", "neighbor", in.conn.peer.cfg.Name, "why", in.err)
			l.forget(in.conn)
			l.apply(l.core.Closed(now, in.conn.id))
		}
	case inEnded:
		delete(l.live, in.conn)
		l.unwatch(in.conn.peer)
	case inDialed:
		l.dialed(now, in)
	case inAccepted:
		l.accepted(now, in.socket)
	case inLink:
		l.linkChanged(now, in.peer, in.link)
	case inFailed:
		l.exit, l.failed = true, in.err
	}
}

// dialed takes the result of an attempt to connect, unless the core has given it up.
func (l *loop) dialed(now time.Duration, in input) {
	p := in.peer
	if p.attempt != in.attempt || p.dialing == nil {
		if in.socket != nil {
			_ = in.socket.Close() // nobody waits for it
		}
		return
	}
	p.dialing()
	p.dialing = nil
	if in.err != nil {
		l.log.Debug("no connection", "neighbor", p.cfg.Name, "why", in.err)
		l.apply(l.core.DialFailed(now, p.id))
		return
	}
	c := l.connect(p, in.socket)
	l.apply(l.core.Dialed(now, p.id, c.id))
}

// accepted takes a connection that came.
func (l *loop) accepted(now time.Duration, socket *net.TCPConn) {
	remote := addrOf(socket.RemoteAddr())
	refuse := func(why string) {
		_ = socket.Close() // it was never ours
		l.o.Events(Event{Time: Seconds(now), Kind: ConnectionRefused, Address: remote.String(), Reason: why})
	}
	p := l.byAddr[remote.Addr()]
	if p == nil {
		refuse("no neighbour has this address")
		return
	}
	if local := addrOf(socket.LocalAddr()).Addr(); p.cfg.LocalAddress.IsValid() && local != p.cfg.LocalAddress {
		refuse(fmt.Sprintf("%s connects to %s, and not to %s", p.cfg.Name, local, p.cfg.LocalAddress))
		return
	}
	if err := protect(socket, p.link(l.cfg)); err != nil {
		refuse(err.Error())
		return
	}
	c := l.connect(p, socket)
	l.apply(l.core.Accepted(now, p.id, c.id))
}

// connect starts a connection's goroutines.
func (l *loop) connect(p *peer, socket *net.TCPConn) *conn {
	l.lastConn++
	c := newConn(l.lastConn, p, socket)
	l.conns[c.id], l.live[c] = c, struct{}{}
	l.wg.Add(2)
	go l.read(c)
	go l.write(c)
	return c
}

// forget ends what the core knows of a connection.
func (l *loop) forget(c *conn) {
	c.gone = true
	delete(l.conns, c.id)
}

// apply carries out what the core says. It must be done with the outputs before the core is called again.
func (l *loop) apply(outputs []bgp.Output) {
	for i := range outputs {
		o := &outputs[i]
		switch o.Kind {
		case bgp.OutSend:
			if c := l.conns[o.Conn]; c != nil {
				l.push(c, o.Bytes)
			}
		case bgp.OutClose:
			if c := l.conns[o.Conn]; c != nil {
				l.forget(c)
				l.finish(c)
			}
		case bgp.OutDial:
			l.dial(l.peers[o.Neighbor])
		case bgp.OutCancel:
			if p := l.peers[o.Neighbor]; p.dialing != nil {
				p.dialing()
				p.dialing = nil
			}
		case bgp.OutRoute:
			if l.o.Routes {
				l.tell(o)
			}
		default:
			l.tell(o)
		}
	}
}

// tell makes an output an event; a NOTIFICATION that ended a session comes before the change of state.
func (l *loop) tell(o *bgp.Output) {
	e, ok := l.news(l.now(), o)
	if !ok {
		return
	}
	if o.Notification != nil {
		l.o.Events(Event{Time: e.Time, Kind: Notified, Neighbor: e.Neighbor, Notification: newNotification(o.Notification, !o.Received)})
	}
	l.o.Events(e)
}

// name is a neighbour's name.
func (l *loop) name(id bgp.NeighborID) string {
	if p := l.peers[id]; p != nil {
		return p.cfg.Name
	}
	return ""
}

// stop ends a neighbour's session with a shutdown. Its path is watched until the neighbour has read why: there are routers that take
// the end of the watching for a failure, against RFC 5882 section 3.2, and close without reading on.
func (l *loop) stop(p *peer, message string) {
	l.apply(l.core.Stop(l.now(), p.id, bgp.NewShutdown(bgp.CeaseShutdown, message)))
	p.stopped = true
	l.unwatch(p)
}

// unwatch ends the watching of a stopped neighbour's path once it has no connection any more.
func (l *loop) unwatch(p *peer) {
	if !p.stopped {
		return
	}
	for c := range l.live {
		if c.peer == p {
			return
		}
	}
	l.watching(p, false)
}

// goodbye sends a Cease to all neighbours (RFC 4486) and waits a moment until they have read it.
func (l *loop) goodbye() {
	for _, p := range l.order {
		l.stop(p, "")
	}
	l.wake()
	defer func() {
		for _, p := range l.order {
			l.watching(p, false) // also those that have not read it
		}
	}()
	late := time.NewTimer(stopTime)
	defer late.Stop()
	for len(l.live) > 0 {
		select {
		case in := <-l.in:
			l.handle(in)
			l.wake()
		case <-late.C:
			return
		}
	}
}

// leave tells that the speaker is gone, once all its goroutines are, and closes what they left for the loop.
func (l *loop) leave() {
	for {
		select {
		case in := <-l.in:
			if in.socket != nil {
				_ = in.socket.Close() // it came too late
			}
		default:
			l.o.Events(Event{Time: Seconds(l.now()), Kind: Stopped})
			return
		}
	}
}

// send tells the loop of an input; false says that the loop has ended.
func (l *loop) send(in input) bool {
	select {
	case l.in <- in:
		return true
	case <-l.ended:
		return false
	}
}
