package bgp

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// FuzzSessionEvents plays any events and steps of time and watches that the session keeps its promises.
func FuzzSessionEvents(f *testing.F) {
	up := []byte{byte(ManualStart), 0, byte(TCPRequestAcked), 0, byte(BGPOpen), 90, byte(KeepAliveMsg), 0}
	for _, options := range []byte{0, 1, 2, 4, 8, 16, 32, 64, 255} {
		f.Add(append([]byte{options, 90, 5, 10}, append(up, stepDeadline, stepDeadline, byte(UpdateMsg), 0, stepDeadline, stepDeadline, stepDeadline, byte(ManualStop), 0)...))
		f.Add(append([]byte{options, 0, 0, 1}, append(up, 0xff, stepDeadline, byte(NotifMsg), 0, stepDeadline, byte(TCPConnectionConfirmed), 0, byte(BGPOpenDelayed), 3, stepDeadline, stepDeadline)...))
	}
	f.Fuzz(func(t *testing.T, script []byte) { playSession(t, script) })
}

func TestAnyEventsAtAnyTimeKeepTheSessionsPromises(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		op := rapid.OneOf(rapid.ByteRange(1, byte(UpdateMsgErr)), rapid.Just(byte(stepDeadline)), rapid.Byte())
		playSession(t, append(rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "configuration"), rapid.SliceOfN(op, 0, 200).Draw(t, "events")...))
	})
}

// playSession makes a session of the first four bytes and plays the rest to it.
func playSession(t rapid.TB, script []byte) {
	if len(script) < 4 {
		return
	}
	options := script[0]
	cfg := SessionConfig{
		Passive: options&1 != 0, AutomaticRestart: options&2 != 0, Damping: options&4 != 0, NotificationWithoutOpen: options&8 != 0,
		CollisionDetectEstablished: options&16 != 0,
		HoldTime:                   time.Duration(script[1]) * time.Second, IdleHold: time.Duration(script[2]) * time.Second,
	}
	if options&32 != 0 {
		cfg.DelayOpen = time.Duration(script[3]) * time.Second
	}
	if options&64 != 0 {
		cfg.KeepaliveTime, cfg.ConnectRetry = time.Duration(script[3])*time.Second, time.Duration(script[3])*time.Second
	}
	w := &sessionWatch{t: t, s: NewSession(cfg, uint64(options)), cfg: cfg}
	for script = script[4:]; len(script) > 0; script = script[1:] {
		switch op := script[0]; {
		case op == stepDeadline:
			w.tick()
		case op > stepDeadline:
			w.now += time.Duration(op-stepDeadline) * 10 * time.Second // and the timers stay late
		default:
			ev := Event{Type: EventType(op)}
			if len(script) > 1 {
				script = script[1:]
				ev.HoldTime = time.Duration(script[0]) * time.Second
			}
			w.handle(ev)
		}
	}
}

// stepDeadline is the fuzz script's step to the deadline; less is an event, more is time.
const stepDeadline = 0x80

// sessionWatch is what a session's owner knows of it from its actions alone.
type sessionWatch struct {
	t                          rapid.TB
	s                          *Session
	cfg                        SessionConfig
	now                        time.Duration
	state                      State
	dialing, connected, opened bool
}

func (w *sessionWatch) handle(ev Event) {
	w.t.Helper()
	refused := false
	if ev.Type == TCPRequestAcked || ev.Type == TCPConnectionConfirmed {
		switch w.state {
		case Connect, Active:
			w.connected, w.dialing = true, w.dialing && ev.Type == TCPConnectionConfirmed
		case Idle:
			refused, w.connected = true, true
		}
	}
	if ev.Type == TCPConnectionFails && w.state == Connect {
		w.dialing = false
	}
	w.follow(w.s.Handle(w.now, ev), ev.Type)
	if refused && w.connected {
		w.t.Fatal("a connection was accepted in Idle")
	}
	if _, ok := w.s.Deadline(); ok && ev.Type == ManualStop {
		w.t.Fatal("a timer runs after a manual stop")
	}
}

// tick goes to the deadline and lets the timers expire: the next one is later.
func (w *sessionWatch) tick() {
	w.t.Helper()
	at, ok := w.s.Deadline()
	if !ok {
		return
	}
	w.now = max(w.now, at)
	w.follow(w.s.Tick(w.now), 0)
	if next, ok := w.s.Deadline(); ok && next <= w.now {
		w.t.Fatalf("%s: at %s Tick left a deadline at %s", w.state, w.now, next)
	}
}

// follow carries out what a call said. cause is the event, 0 for timers.
func (w *sessionWatch) follow(actions []Action, cause EventType) {
	w.t.Helper()
	released := false
	for _, a := range actions {
		switch a.Kind {
		case ActDial:
			w.must(!w.dialing && !w.connected, "dials once at a time", a)
			w.dialing = true
		case ActCancelDial:
			w.must(w.dialing, "gives up only what it dials", a)
			w.dialing = false
		case ActDrop:
			w.must(w.connected, "drops only what is connected", a)
			w.connected, w.opened = false, false
		case ActSendOpen:
			w.must(w.connected && !w.opened, "sends one OPEN on a connection", a)
			w.opened = true
		case ActSendKeepalive:
			w.must(w.connected && w.opened, "sends KEEPALIVEs after the OPEN", a)
		case ActSendNotification:
			w.must(w.connected && (w.opened || w.cfg.NotificationWithoutOpen), "sends NOTIFICATIONs on a connection", a)
			w.must(a.Notification != nil, "says which NOTIFICATION", a)
		case ActRelease:
			w.must(w.state == Established && !released, "releases routes that it had", a)
			released = true
		case ActState:
			w.must(a.From == w.state && a.To != a.From, "says each change once", a)
			w.must(cause == 0 || a.Cause == cause, "says why", a)
			w.must((a.From == Established) == released, "releases the routes when it leaves Established, and only then", a)
			w.must(a.To != OpenConfirm || a.Cause == BGPOpen || a.Cause == BGPOpenDelayed, "confirms an OPEN", a)
			w.must(a.To != Established || a.From == OpenConfirm && a.Cause == KeepAliveMsg, "is established by a KEEPALIVE after the OPEN", a)
			w.must(a.To != Idle || !w.connected && !w.dialing, "holds nothing in Idle", a)
			w.state, released = a.To, false
		default:
			w.must(false, "says only what it can", a)
		}
	}
	if w.state != w.s.State() {
		w.t.Fatalf("it is in %s and said %s", w.s.State(), w.state)
	}
	w.timers()
}

// timers are there where something is waited for.
func (w *sessionWatch) timers() {
	w.t.Helper()
	at, ok := w.s.Deadline()
	hold := w.s.HoldTime()
	switch w.state {
	case Idle:
		ok = !ok || w.cfg.AutomaticRestart
	case Connect, Active:
		ok = ok && (w.s.running(ConnectRetryTimerExpires) || w.s.DelayOpenRunning())
	case OpenSent:
		ok = ok && w.s.running(HoldTimerExpires)
	case OpenConfirm, Established:
		ok = ok == (hold != 0) && (hold == 0 || at <= w.now+hold) && hold <= w.cfg.HoldTime && w.s.KeepaliveTime() <= max(hold/3, min(hold, time.Second))
	}
	if !ok {
		w.t.Fatalf("%s at %s with a hold time of %s: next timer %s; %s", w.state, w.now, hold, at, timerWords(w.s))
	}
}

func (w *sessionWatch) must(holds bool, law string, a Action) {
	w.t.Helper()
	if !holds {
		w.t.Fatalf("%s at %s: %q, but a session %s", w.state, w.now, actionWords(a), law)
	}
}
