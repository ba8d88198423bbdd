package bgp

import "time"

// start lets the sessions come up.
func (n *neighbor) start() {
	n.started, n.limitAt = true, never
	if n.cfg.Passive {
		n.handle(n.main, Event{Type: ManualStartPassive})
		return
	}
	n.handle(n.main, Event{Type: ManualStart})
}

// stop ends them until start. A neighbour that would keep the routes after a notification is told not to (RFC 8538 section 3.1).
func (n *neighbor) stop(why *Notification) {
	n.started, n.limitAt = false, never
	if n.other != nil {
		n.handle(n.other, Event{Type: ManualStop, Notification: why})
	}
	if n.main.state() == Established && n.restarts && n.graceful.Notification {
		why = why.HardReset()
	}
	n.handle(n.main, Event{Type: ManualStop, Notification: why})
}

// fail ends the session by a notification; it starts again by itself.
func (n *neighbor) fail(why *Notification) {
	if n.other != nil {
		n.handle(n.other, Event{Type: AutomaticStop, Notification: why})
	}
	if n.main.state() != Idle {
		n.handle(n.main, Event{Type: AutomaticStop, Notification: why})
	}
}

// connect gives the channel its connection.
func (c *channel) connect(conn ConnID, outbound bool) {
	c.conn, c.up, c.dialing, c.outbound = conn, true, false, outbound
	c.in, c.opened, c.outstanding = nil, false, 0
	c.n.s.conns[conn] = c
}

// disconnect takes it away.
func (c *channel) disconnect() {
	if c.up {
		delete(c.n.s.conns, c.conn)
	}
	c.up, c.in, c.outstanding = false, nil, 0
}

// accept takes a connection that the neighbour opened. It refuses one that no session waits for.
//
//   - Where the speaker waits too, the connection is the session's.
//   - Where it has a connection, or is about to, the new one gets a session of its own until the OPENs decide (RFC 4271
//     section 6.8). Each end giving up its own attempt for the other's would leave none. Of several that the neighbour opens
//     the latest counts, as long as it has not come further than its OPEN.
func (n *neighbor) accept(conn ConnID) bool {
	m := n.main
	switch {
	case m.state() == Idle:
		return false
	case m.state() == Active && !m.dialing && !m.up:
		m.connect(conn, false)
		n.handle(m, Event{Type: TCPConnectionConfirmed})
		return true
	}
	if n.other != nil {
		if n.other.state() > OpenSent {
			return false
		}
		n.handle(n.other, Event{Type: OpenCollisionDump})
	}
	n.other = n.newChannel()
	n.handle(n.other, Event{Type: ManualStartPassive})
	n.other.connect(conn, false)
	n.handle(n.other, Event{Type: TCPConnectionConfirmed})
	return true
}

// tick lets the timers expire that are due.
func (n *neighbor) tick() {
	now := n.s.now
	for _, c := range [...]*channel{n.main, n.other} {
		if c == nil {
			continue
		}
		if at, ok := c.fsm.Deadline(); ok && at <= now {
			n.act(c, c.fsm.Tick(now))
		}
	}
	if now >= n.limitAt {
		n.start()
	}
	if now >= n.restartAt {
		n.restartAt = never
		n.sweepAll("the neighbour did not come back within its restart time")
	}
	if now >= n.staleAt {
		n.staleAt = never
		n.sweepAll("the neighbour did not end its updates in time")
	}
}

// handle gives an event to a session's state machine and does what it says.
func (n *neighbor) handle(c *channel, ev Event) { n.act(c, c.fsm.Handle(n.s.now, ev)) }

// act carries out what a state machine says.
func (n *neighbor) act(c *channel, list []Action) {
	s := n.s
	for i := range list {
		a := &list[i]
		switch a.Kind {
		case ActDial:
			c.dialing = true
			s.out = append(s.out, Output{Kind: OutDial, Neighbor: n.id})
		case ActCancelDial:
			n.cancelDial(c)
		case ActDrop:
			n.cancelDial(c)
			if c.up {
				s.out = append(s.out, Output{Kind: OutClose, Neighbor: n.id, Conn: c.conn})
				c.disconnect()
			}
		case ActSendOpen:
			from := len(s.buf)
			s.buf = AppendOpen(s.buf, n.ourOpen())
			s.send(c, from)
		case ActSendKeepalive:
			from := len(s.buf)
			s.buf = AppendKeepalive(s.buf)
			s.send(c, from)
		case ActSendNotification:
			from := len(s.buf)
			s.buf = AppendNotification(s.buf, a.Notification)
			s.send(c, from)
			n.sent = a.Notification
		case ActState:
			n.turn(c, *a)
		}
	}
	if c == n.other && c.state() == Idle {
		n.other = nil
	}
	if c == n.main && !c.up && n.other != nil && n.other.state() > OpenSent {
		n.promote() // the attempt failed; the neighbour's connection has come further
	}
}

func (n *neighbor) cancelDial(c *channel) {
	if c.dialing {
		c.dialing = false
		n.s.out = append(n.s.out, Output{Kind: OutCancel, Neighbor: n.id})
	}
}

// turn follows a change of state.
func (n *neighbor) turn(c *channel, a Action) {
	if a.Received {
		n.received = a.Notification
	}
	if a.From == Established {
		n.lost(&a)
	}
	if a.To == Established {
		if n.other == c {
			n.promote()
		}
		if rival := n.other; rival != nil {
			n.other = nil
			n.handle(rival, Event{Type: OpenCollisionDump})
		}
	}
	if c == n.main {
		n.show(a.To, &a)
	}
	if a.To == Established {
		n.established(c)
	}
}

// show tells where the neighbour's session is.
func (n *neighbor) show(to State, a *Action) {
	if n.shown == to {
		return
	}
	o := Output{Kind: OutState, Neighbor: n.id, Conn: n.main.conn, From: n.shown, To: to}
	if a != nil {
		o.Notification, o.Received, o.Reason = a.Notification, a.Received, a.Cause.String()
	}
	n.shown = to
	n.s.out = append(n.s.out, o)
}

// promote makes the neighbour's connection the one that counts and ends the speaker's own attempt.
func (n *neighbor) promote() {
	loser := n.main
	n.main, n.other = n.other, nil
	if loser.up {
		n.handle(loser, Event{Type: OpenCollisionDump})
	} else {
		n.handle(loser, Event{Type: ManualStop})
	}
	n.show(n.main.state(), nil)
}

// read takes octets of the channel's stream and handles the messages that are complete.
func (c *channel) read(b []byte) {
	for c.up && len(c.in) > 0 {
		t, body, size, err := NextMessage(c.in)
		if err != nil {
			c.in = nil
			c.n.handle(c, Event{Type: BGPHeaderErr, Notification: err})
			return
		}
		if size > 0 {
			c.in = nil // body keeps it
			c.message(t, body)
			break
		}
		want := HeaderLen - len(c.in)
		if want <= 0 {
			want = int(c.in[16])<<8 + int(c.in[17]) - len(c.in)
		}
		take := min(want, len(b))
		if take == 0 {
			return
		}
		c.in, b = append(c.in, b[:take]...), b[take:]
	}
	for c.up && len(b) > 0 {
		t, body, size, err := NextMessage(b)
		if err != nil {
			c.n.handle(c, Event{Type: BGPHeaderErr, Notification: err})
			return
		}
		if size == 0 {
			c.in = append(c.in, b...) // less than a message
			return
		}
		c.message(t, body)
		b = b[size:]
	}
}

// message handles one message.
func (c *channel) message(t MessageType, body []byte) {
	n := c.n
	switch t {
	case OpenMessage:
		c.openMessage(body)
	case KeepaliveMessage:
		n.handle(c, Event{Type: KeepAliveMsg})
	case NotificationMessage:
		got := ParseNotification(body)
		ev := Event{Type: NotifMsg, Notification: got}
		if got.Code == CodeOpen && got.Subcode == openVersion {
			ev.Type = NotifMsgVerErr
		}
		n.handle(c, ev)
	case UpdateMessage:
		if c.state() != Established {
			n.handle(c, Event{Type: UpdateMsg})
			return
		}
		n.updateMessage(c, body)
	case RouteRefreshMessage:
		if c.state() != Established {
			n.handle(c, Event{Type: UpdateMsg, Notification: c.unexpected(t)})
			return
		}
		n.refreshMessage(c, body)
	}
}

// unexpected is the error for a message that the state does not expect and the state machine has no event for (RFC 6608 section 4).
func (c *channel) unexpected(t MessageType) *Notification {
	n := &Notification{Code: CodeFSM, Data: []byte{byte(t)}}
	if s := c.state(); s >= OpenSent {
		n.Subcode = uint8(s-OpenSent) + FSMInOpenSent
	}
	return n
}

// openMessage handles an OPEN where one is expected; elsewhere the state machine says what it means.
func (c *channel) openMessage(body []byte) {
	n := c.n
	delayed := c.fsm.DelayOpenRunning()
	if c.state() != OpenSent && !delayed {
		n.handle(c, Event{Type: BGPOpen})
		return
	}
	open, bad := ParseOpen(body)
	if bad == nil {
		bad = open.Check(OpenWant{LocalAS: n.localAS, PeerAS: n.cfg.AS, LocalID: n.s.cfg.RouterID, MinHold: n.cfg.MinHoldTime})
	}
	if bad == nil && len(agreedFamilies(n.families, &open.Capabilities)) == 0 {
		bad = n.noFamily()
	}
	if bad != nil {
		n.handle(c, Event{Type: BGPOpenMsgErr, Notification: bad})
		return
	}
	c.open, c.opened = open, true
	if !n.collide(c) {
		return
	}
	ev := Event{Type: BGPOpen, HoldTime: time.Duration(open.HoldTime) * time.Second}
	if delayed {
		ev.Type = BGPOpenDelayed
	}
	n.handle(c, ev)
}

// noFamily refuses a neighbour with which nothing can be exchanged; the data says what would do (RFC 5492 section 5).
func (n *neighbor) noFamily() *Notification {
	var data []byte
	for _, f := range n.families {
		data = append(data, 1, 4, byte(f.AFI>>8), byte(f.AFI), 0, f.SAFI)
	}
	return &Notification{Code: CodeOpen, Subcode: openCapability, Data: data}
}

// collide decides between two connections when one of them gets its OPEN (RFC 4271 section 6.8). It tells whether that one lives.
func (n *neighbor) collide(c *channel) bool {
	rival := n.main
	if c == n.main {
		rival = n.other
	}
	if rival == nil || !rival.up || rival.state() < OpenConfirm {
		return true // decided when the other gets its OPEN
	}
	switch {
	case rival.state() == Established:
		if !n.restarts {
			n.handle(c, Event{Type: OpenCollisionDump})
			return false
		}
		// A neighbour that restarts gracefully has lost the old connection without a word (RFC 4724 section 5).
		conn := rival.conn
		rival.disconnect()
		n.s.out = append(n.s.out, Output{Kind: OutClose, Neighbor: n.id, Conn: conn})
		n.handle(rival, Event{Type: TCPConnectionFails})
		if n.other == c {
			n.promote()
		}
		return true
	case n.survives(c):
		n.handle(rival, Event{Type: OpenCollisionDump})
		if rival == n.main && n.other == c {
			n.promote()
		}
		return true
	}
	n.handle(c, Event{Type: OpenCollisionDump})
	return false
}

// survives tells whether of two connections this one does: the one that was opened by the speaker with the higher BGP Identifier, or
// of equal ones with the higher AS number (RFC 6286 section 2.3).
func (n *neighbor) survives(c *channel) bool {
	ours, theirs := n.s.cfg.RouterID, c.open.RouterID
	higher := ours.Compare(theirs)
	if higher == 0 {
		higher = 1
		if n.localAS < n.cfg.AS {
			higher = -1
		}
	}
	return c.outbound == (higher > 0)
}

// openCapability is the subcode for a neighbour that lacks a capability without which nothing can be said (RFC 5492 section 3).
const openCapability = 7
