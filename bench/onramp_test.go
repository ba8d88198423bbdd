package bench

import (
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"onramp/bgp"
)

// onramp is bgp.Speaker with as little round it as carries bytes: a goroutine that reads and one that writes for each
// connection, and a lock, because the speaker is one machine.
type onramp struct {
	start time.Time

	mu        sync.Mutex
	speaker   *bgp.Speaker
	neighbors map[netip.Addr]bgp.NeighborID
	links     map[bgp.ConnID]*link
	last      bgp.ConnID
	timer     *time.Timer
	trouble   error
}

// link is a connection and what waits to be written on it. The speaker never gives it more than a window of octets.
type link struct {
	net.Conn
	id      bgp.ConnID
	waiting []byte
	ended   bool
	work    *sync.Cond
}

func serveOnramp(r rig) (server, error) {
	speaker, err := bgp.NewSpeaker(bgp.SpeakerConfig{AS: deviceAS, RouterID: netip.MustParseAddr("192.0.2.1")})
	if err != nil {
		return nil, err
	}
	o := &onramp{
		start: time.Now(), speaker: speaker,
		neighbors: map[netip.Addr]bgp.NeighborID{}, links: map[bgp.ConnID]*link{},
	}
	o.timer = time.AfterFunc(time.Hour, o.tick)
	for i := range ownPrefixes {
		o.do(func(now time.Duration) []bgp.Output { return speaker.Originate(now, ownPrefix(i), bgp.Attrs{}) })
	}
	own := bgp.Term{Name: "own", Match: bgp.Match{From: []bgp.PeerType{bgp.Local}}, Action: bgp.Accept}
	markers := bgp.Term{Name: "markers", Match: bgp.Match{CommunitiesAny: []bgp.Community{markerTag}}, Action: bgp.Accept}
	toAll := &bgp.Policy{Name: "own", Terms: []bgp.Term{own}, Default: bgp.Reject}
	toObserver := &bgp.Policy{Name: "markers", Terms: []bgp.Term{markers}, Default: bgp.Reject}
	everything := &bgp.Policy{Name: "everything", Default: bgp.Accept}
	for i, p := range r.peers() {
		export := toAll
		if i == 0 {
			export = toObserver
		}
		id, err := speaker.AddNeighbor(0, bgp.NeighborConfig{
			Addr: p.addr, AS: bgp.ASN(p.as), LocalAddr: r.Listen.Addr(), Passive: true,
			HoldTime: holdTime * time.Second, Import: everything, Export: export,
		})
		if err != nil {
			return nil, err
		}
		o.neighbors[p.addr] = id
		o.do(func(now time.Duration) []bgp.Output { return speaker.Start(now, id) })
	}
	listener, err := net.ListenTCP("tcp4", net.TCPAddrFromAddrPort(r.Listen))
	if err != nil {
		return nil, err
	}
	go func() { // ends with the process
		for {
			conn, err := listener.AcceptTCP()
			if err != nil {
				return
			}
			o.accept(conn)
		}
	}()
	return o, nil
}

// do calls the speaker and carries out what it says.
func (o *onramp) do(call func(now time.Duration) []bgp.Output) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, out := range call(time.Since(o.start)) {
		switch out.Kind {
		case bgp.OutSend:
			if l := o.links[out.Conn]; l != nil {
				l.waiting = append(l.waiting, out.Bytes...)
				l.work.Signal()
			}
		case bgp.OutClose:
			if l := o.links[out.Conn]; l != nil {
				l.ended = true
				l.work.Signal()
				delete(o.links, out.Conn)
			}
		case bgp.OutError:
			o.trouble = fmt.Errorf("neighbour %d: %s", out.Neighbor, out.Reason)
		}
	}
	if at, ok := o.speaker.Deadline(); ok {
		o.timer.Reset(at - time.Since(o.start))
	}
}

func (o *onramp) tick() {
	o.do(func(now time.Duration) []bgp.Output { return o.speaker.Tick(now) })
}

func (o *onramp) accept(conn *net.TCPConn) {
	id, known := o.neighbors[conn.RemoteAddr().(*net.TCPAddr).AddrPort().Addr().Unmap()]
	if !known {
		conn.Close()
		return
	}
	o.mu.Lock()
	o.last++
	l := &link{Conn: conn, id: o.last, work: sync.NewCond(&o.mu)}
	o.links[l.id] = l
	o.mu.Unlock()
	o.do(func(now time.Duration) []bgp.Output { return o.speaker.Accepted(now, id, l.id) })
	go o.read(l)
	go o.write(l)
}

func (o *onramp) read(l *link) {
	buf := make([]byte, 16<<10)
	for {
		n, err := l.Read(buf)
		if n > 0 {
			o.do(func(now time.Duration) []bgp.Output { return o.speaker.Received(now, l.id, buf[:n]) })
		}
		if err != nil {
			o.do(func(now time.Duration) []bgp.Output { return o.speaker.Closed(now, l.id) })
			o.mu.Lock()
			l.ended = true
			delete(o.links, l.id)
			o.mu.Unlock()
			l.work.Signal()
			return
		}
	}
}

func (o *onramp) write(l *link) {
	defer l.Close()
	var b []byte
	for {
		o.mu.Lock()
		for len(l.waiting) == 0 && !l.ended {
			l.work.Wait()
		}
		b, l.waiting = l.waiting, b[:0]
		o.mu.Unlock()
		if len(b) == 0 {
			return
		}
		n, err := l.Write(b)
		if err != nil {
			return // the reader sees it too
		}
		o.do(func(now time.Duration) []bgp.Output { return o.speaker.Sent(now, l.id, n) })
	}
}

func (o *onramp) routes() (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.speaker.Prefixes(), o.trouble
}
