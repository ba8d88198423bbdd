package bfd

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

const ms = time.Millisecond

// rig is two sessions on one clock, and a link that decides what becomes of each packet.
type rig struct {
	t   rapid.TB
	now time.Duration
	s   [2]*Session
	// carry returns after which delays a packet arrives: none when it is lost, several when it is doubled.
	carry   func(from int, p Packet) []time.Duration
	flight  []flying
	changes []string
	sent    [2][]sending
}

type flying struct {
	at time.Duration
	to int
	p  Packet
}

type sending struct {
	at time.Duration
	p  Packet
}

func atOnce(int, Packet) []time.Duration { return []time.Duration{0} }
func lost(int, Packet) []time.Duration   { return nil }

func newRig(t rapid.TB, a, b Config) *rig {
	a.Discriminator, b.Discriminator = 1, 2
	return &rig{t: t, s: [2]*Session{NewSession(a, 0), NewSession(b, 0)}, carry: atOnce}
}

// handle carries out what session i asks for. Packets go over the wire format.
func (r *rig) handle(i int, list []Action) {
	for _, a := range list {
		if !a.Send {
			r.changes = append(r.changes, fmt.Sprintf("%d %s>%s %s", i, a.From, a.To, a.Diag))
			continue
		}
		got, err := Parse(a.Packet.Append(nil))
		if err != nil || got != a.Packet || got.Poll && got.Final || got.Demand {
			r.t.Fatalf("%d sends what it must not: %+v: %v", i, a.Packet, err)
		}
		r.sent[i] = append(r.sent[i], sending{r.now, got})
		for _, d := range r.carry(i, got) {
			r.flight = append(r.flight, flying{r.now + d, 1 - i, got})
		}
	}
}

// until runs the clock to a time, what is due then included.
func (r *rig) until(end time.Duration) {
	for {
		at, who, flying := end+1, -1, -1
		for i, f := range r.flight {
			if f.at < at {
				at, flying = f.at, i
			}
		}
		for i, s := range r.s {
			if d, ok := s.Deadline(); ok && d < at {
				at, who, flying = d, i, -1
			}
		}
		if at > end {
			r.now = end
			return
		}
		r.now = max(r.now, at)
		if flying >= 0 {
			f := r.flight[flying]
			r.flight = slices.Delete(r.flight, flying, flying+1)
			r.handle(f.to, r.s[f.to].Receive(r.now, f.p))
			continue
		}
		r.handle(who, r.s[who].Tick(r.now))
		if d, ok := r.s[who].Deadline(); ok && d <= at {
			r.t.Fatalf("a tick at the deadline %s leaves it at %s", at, d)
		}
	}
}

func (r *rig) up() bool { return r.s[0].State() == Up && r.s[1].State() == Up }

func (r *rig) mustBeUp() {
	r.t.Helper()
	if !r.up() {
		r.t.Fatalf("at %s: %s and %s: %v", r.now, r.s[0].State(), r.s[1].State(), r.changes)
	}
}

func fast() Config {
	return Config{Discriminator: 1, DesiredMinTx: 300 * ms, RequiredMinRx: 300 * ms, DetectMult: 3}
}

// said is a packet of a neighbour with discriminator 2 to session 1, with the intervals of fast.
func said(state State) Packet {
	return Packet{State: state, DetectMult: 3, MyDiscriminator: 2, YourDiscriminator: 1, DesiredMinTxInterval: 300_000, RequiredMinRxInterval: 300_000}
}

// in is a session that was brought to a state at a time by packets of said; its polls are answered.
func in(t testing.TB, state State, cfg Config, now time.Duration) *Session {
	t.Helper()
	s := NewSession(cfg, now)
	final := func(state State) Packet { p := said(state); p.Final = true; return p }
	switch state {
	case AdminDown:
		s.SetAdminDown(now, true)
	case Init:
		s.Receive(now, said(Down))
	case Up:
		s.Receive(now, said(Init))
		s.Receive(now, final(Up))
	}
	if s.State() != state {
		t.Fatalf("it is %s", s.State())
	}
	return s
}

// split sorts a list of actions.
func split(list []Action) (sent []Packet, changes []Action) {
	for _, a := range list {
		if a.Send {
			sent = append(sent, a.Packet)
		} else {
			changes = append(changes, a)
		}
	}
	return sent, changes
}

// next ticks a session at its deadline.
func next(t testing.TB, s *Session) (at time.Duration, sent []Packet) {
	t.Helper()
	at, ok := s.Deadline()
	if !ok {
		t.Fatal("nothing is due")
	}
	sent, _ = split(s.Tick(at))
	return at, sent
}
