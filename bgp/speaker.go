package bgp

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/gaissmai/bart"
)

// Speaker is a BGP speaker: its neighbours' sessions, the three RIBs and the policies between them (RFC 4271). It owns no socket,
// clock or goroutine. Its owner dials, accepts, carries bytes and calls Tick at the Deadline; every method takes the time and returns
// what to do, in order. The slice and the bytes in it are valid until the next call. Times are since a moment of the owner's choice.
//
// What a neighbour wants to be told and its connection cannot take at once waits as a list of prefixes, each once however often it
// changes; a connection is given at most a window of octets more than its transport has reported with Sent.
type Speaker struct {
	cfg       SpeakerConfig
	now       time.Duration
	neighbors []*neighbor // by NeighborID; nil where removed
	queue     []*neighbor // a heap by deadline
	conns     map[ConnID]*channel
	groups    []*group

	loc      bart.Table[*route] // the heads
	own      bart.Table[*route]
	pool     *Pool
	live     int // attributes that were in use when the pool was last swept
	arrivals uint64

	deferring  bool
	deferUntil time.Duration

	out     []Output
	buf     []byte
	touched []*neighbor

	update     Update
	before     []picked
	candidates []Candidate
	routes     []*route
	paths      []int
	two        [2]int32
	pair       [2]Candidate
	other      Candidate
	heads      []moved
	withdrawn  []netip.Prefix
	buckets    []bucket
	bucketOf   map[bucketKey]int
}

// NewSpeaker makes a speaker without neighbours.
func NewSpeaker(cfg SpeakerConfig) (*Speaker, error) {
	switch {
	case cfg.AS.IsReserved():
		return nil, fmt.Errorf("AS %s is reserved: want the speaker's own AS number (RFC 7607, RFC 7300, RFC 6793)", cfg.AS)
	case !cfg.RouterID.Is4() || cfg.RouterID.IsUnspecified():
		return nil, fmt.Errorf("router ID %s: want an IPv4 address other than 0.0.0.0 (RFC 6286 section 2.1)", cfg.RouterID)
	case cfg.ClusterID.IsValid() && (!cfg.ClusterID.Is4() || cfg.ClusterID.IsUnspecified()):
		return nil, fmt.Errorf("cluster ID %s: want four octets other than 0.0.0.0 (RFC 4456 section 7)", cfg.ClusterID)
	case cfg.SelectionDeferral < 0:
		return nil, fmt.Errorf("selection deferral %s: want a time, or 0 for %s", cfg.SelectionDeferral, defaultDeferral)
	}
	if cfg.SelectionDeferral == 0 {
		cfg.SelectionDeferral = defaultDeferral
	}
	return &Speaker{cfg: cfg, pool: NewPool(), conns: map[ConnID]*channel{}, bucketOf: map[bucketKey]int{}, deferring: cfg.Restarting, deferUntil: never}, nil
}

// AddNeighbor takes in a neighbour, which stays Idle until Start.
func (s *Speaker) AddNeighbor(now time.Duration, cfg NeighborConfig) (NeighborID, error) {
	s.now = now
	id := NeighborID(len(s.neighbors)) //nolint:gosec // nobody has so many
	n, err := newNeighbor(s, id, cfg)
	if err != nil {
		return -1, err
	}
	for _, o := range s.neighbors {
		if o != nil && o.cfg.Addr == cfg.Addr && o.cfg.LocalAddr == cfg.LocalAddr {
			return -1, fmt.Errorf("neighbour %s from %s is there already", cfg.Addr, cfg.LocalAddr)
		}
	}
	s.neighbors = append(s.neighbors, n)
	return id, nil
}

// RemoveNeighbor ends the neighbour's session and forgets it. Its ID is not given again.
func (s *Speaker) RemoveNeighbor(now time.Duration, id NeighborID) []Output {
	n := s.begin(now, id)
	if n == nil {
		return nil
	}
	n.stop(&Notification{Code: CodeCease, Subcode: CeaseDeconfigured})
	n.forget()
	s.dequeue(n)
	s.neighbors[id] = nil
	return s.finish()
}

// Start lets the neighbour's session come up (RFC 4271 section 8.1.2: ManualStart).
func (s *Speaker) Start(now time.Duration, id NeighborID) []Output {
	n := s.begin(now, id)
	if n == nil {
		return nil
	}
	n.start()
	if s.deferring && s.deferUntil == never {
		s.deferUntil = now + s.cfg.SelectionDeferral
	}
	return s.finish()
}

// Stop ends the neighbour's session, with a notification if one can be sent (nil is Administrative Shutdown), until Start. Its routes
// go at once.
func (s *Speaker) Stop(now time.Duration, id NeighborID, why *Notification) []Output {
	n := s.begin(now, id)
	if n == nil {
		return nil
	}
	if why == nil {
		why = &Notification{Code: CodeCease, Subcode: CeaseShutdown}
	}
	n.stop(why)
	n.forget()
	return s.finish()
}

// Reset ends the neighbour's session with the notification; the session starts again by itself as after any failure.
func (s *Speaker) Reset(now time.Duration, id NeighborID, why *Notification) []Output {
	n := s.begin(now, id)
	if n == nil {
		return nil
	}
	n.fail(why)
	return s.finish()
}

// LinkFailed ends the neighbour's session because the link is known to be down (RFC 5882 section 4.3, RFC 9384).
func (s *Speaker) LinkFailed(now time.Duration, id NeighborID) []Output {
	return s.Reset(now, id, &Notification{Code: CodeCease, Subcode: CeaseBFDDown})
}

// Dialed says that the connection to the neighbour that OutDial asked for is there.
func (s *Speaker) Dialed(now time.Duration, id NeighborID, conn ConnID) []Output {
	n := s.begin(now, id)
	c := (*channel)(nil)
	if n != nil && n.main.dialing {
		c = n.main
	}
	if c == nil {
		s.out = append(s.out, Output{Kind: OutClose, Neighbor: id, Conn: conn})
		return s.finish()
	}
	c.connect(conn, true)
	n.handle(c, Event{Type: TCPRequestAcked})
	return s.finish()
}

// DialFailed says that there will be no such connection.
func (s *Speaker) DialFailed(now time.Duration, id NeighborID) []Output {
	n := s.begin(now, id)
	if n != nil && n.main.dialing {
		n.main.dialing = false
		n.handle(n.main, Event{Type: TCPConnectionFails})
	}
	return s.finish()
}

// Accepted says that the neighbour has opened a connection.
func (s *Speaker) Accepted(now time.Duration, id NeighborID, conn ConnID) []Output {
	if n := s.begin(now, id); n == nil || !n.accept(conn) {
		s.out = append(s.out, Output{Kind: OutClose, Neighbor: id, Conn: conn})
	}
	return s.finish()
}

// Received takes octets of a connection's stream, in any portions.
func (s *Speaker) Received(now time.Duration, conn ConnID, b []byte) []Output {
	s.begin(now, -1)
	if c := s.conns[conn]; c != nil {
		s.touch(c.n)
		c.read(b)
	}
	return s.finish()
}

// Sent says that the transport has taken so many octets of a connection.
func (s *Speaker) Sent(now time.Duration, conn ConnID, octets int) []Output {
	s.begin(now, -1)
	if c := s.conns[conn]; c != nil {
		c.outstanding = max(0, c.outstanding-octets)
		s.touch(c.n)
	}
	return s.finish()
}

// Closed says that the connection is gone, by the neighbour's or the network's doing.
func (s *Speaker) Closed(now time.Duration, conn ConnID) []Output {
	s.begin(now, -1)
	if c := s.conns[conn]; c != nil {
		s.touch(c.n)
		c.disconnect()
		c.n.handle(c, Event{Type: TCPConnectionFails})
	}
	return s.finish()
}

// Refresh asks the neighbour for its routes again (RFC 2918). Nothing happens if it cannot be asked.
func (s *Speaker) Refresh(now time.Duration, id NeighborID, f Family) []Output {
	n := s.begin(now, id)
	if n != nil && n.main.state() == Established && n.refresh && n.index(f) >= 0 {
		from := len(s.buf)
		s.buf = AppendRefresh(s.buf, f, RefreshRequest)
		s.send(n.main, from)
	}
	return s.finish()
}

// Originate makes the speaker announce a route of its own. A next hop that is the zero Addr is the speaker itself.
func (s *Speaker) Originate(now time.Duration, p netip.Prefix, a Attrs) []Output {
	mustBeMasked(p)
	s.begin(now, -1)
	r, ok := s.own.Get(p)
	if !ok {
		r = &route{}
		s.own.Insert(p, r)
	}
	s.propose(p, r, s.pool.Intern(a))
	return s.finish()
}

// Withdraw ends that.
func (s *Speaker) Withdraw(now time.Duration, p netip.Prefix) []Output {
	mustBeMasked(p)
	s.begin(now, -1)
	if r, ok := s.own.Get(p); ok {
		s.own.Delete(p)
		s.propose(p, r, nil)
	}
	return s.finish()
}

// Deadline is when Tick must be called at the latest; ok is false when nothing is pending.
func (s *Speaker) Deadline() (at time.Duration, ok bool) {
	at = never
	if len(s.queue) > 0 {
		at = s.queue[0].deadline
	}
	if s.deferring {
		at = min(at, s.deferUntil)
	}
	return at, at != never
}

// Tick does what is due.
func (s *Speaker) Tick(now time.Duration) []Output {
	s.begin(now, -1)
	if s.deferring && now >= s.deferUntil {
		s.endDeferral()
	}
	for len(s.queue) > 0 && s.queue[0].deadline <= now {
		n := s.queue[0]
		s.dequeue(n)
		s.touch(n)
		n.tick()
	}
	return s.finish()
}

// begin opens a call. It returns the neighbour, nil where there is none of that ID.
func (s *Speaker) begin(now time.Duration, id NeighborID) *neighbor {
	s.now, s.out = now, s.out[:0]
	if cap(s.out) > 1<<12 {
		s.out = nil // a burst is over
	}
	if cap(s.buf) > 1<<20 {
		s.buf = nil
	}
	s.buf = s.buf[:0]
	if id < 0 || int(id) >= len(s.neighbors) || s.neighbors[id] == nil {
		return nil
	}
	s.touch(s.neighbors[id])
	return s.neighbors[id]
}

// touch notes that something about a neighbour changed.
func (s *Speaker) touch(n *neighbor) {
	if !n.touched {
		n.touched = true
		s.touched = append(s.touched, n)
	}
}

// finish closes a call: it sends what has to be said and sets the deadlines of the neighbours that were touched.
func (s *Speaker) finish() []Output {
	for i := 0; i < len(s.touched); i++ {
		n := s.touched[i]
		n.touched = false
		n.flush()
		s.enqueue(n)
	}
	s.touched = s.touched[:0]
	if s.pool.Len() > 1024 && s.pool.Len() > 2*s.live {
		s.sweepPool()
	}
	return s.out
}

// send hands the octets of buf from an index on to a connection.
func (s *Speaker) send(c *channel, from int) {
	if len(s.buf) == from || !c.up {
		s.buf = s.buf[:from]
		return
	}
	b := s.buf[from:len(s.buf):len(s.buf)]
	c.outstanding += len(b)
	s.out = append(s.out, Output{Kind: OutSend, Neighbor: c.n.id, Conn: c.conn, Bytes: b})
}

// sweepPool drops the attributes that nothing holds any more, so that the pool is never more than twice what is in use.
func (s *Speaker) sweepPool() {
	for _, g := range s.groups {
		g.lastIn, g.lastFrom, g.lastOut = nil, nil, nil
	}
	s.pool.Sweep(func(yield func(*Attrs) bool) {
		for _, r := range s.own.All() {
			if !yield(r.attrs) {
				return
			}
		}
		for _, g := range s.groups {
			for _, t := range g.table.All() {
				if !yield(t.attrs) {
					return
				}
			}
		}
		for _, n := range s.neighbors {
			if n == nil {
				continue
			}
			n.lastIn, n.lastOut = nil, nil
			for _, r := range n.adjIn.All() {
				if !yield(r.raw) || r.attrs != nil && !yield(r.attrs) {
					return
				}
			}
			for _, d := range n.pending {
				if d.held != nil && !yield(d.held) {
					return
				}
			}
		}
	})
	s.live = s.pool.Len()
}

// Reapply asks the neighbour's policies or rules again, because what they depend on has changed: on import for all that it announced, on
// export for all that it is told.
func (s *Speaker) Reapply(now time.Duration, id NeighborID) []Output {
	n := s.begin(now, id)
	if n == nil {
		return nil
	}
	n.lastIn = nil
	for p, r := range n.adjIn.AllSorted() {
		s.propose(p, r, n.imported(p, r.raw)) // the Adj-RIB-In itself does not change
	}
	if g := n.group; g != nil {
		g.lastIn = nil
		for p, head := range s.loc.AllSorted() {
			s.exportTo(g, p, head)
		}
	}
	n.checkLimits()
	return s.finish()
}
