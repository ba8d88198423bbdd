package bfd

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

const ms = time.Millisecond

// pair is two sessions on one clock, with a link that can lose what it carries.
type pair struct {
	now     time.Duration
	s       [2]*Session
	lose    func(from int) bool
	changes []string
}

func newPair(a, b Config) *pair {
	a.Discriminator, b.Discriminator = 1, 2
	return &pair{s: [2]*Session{NewSession(a, 0), NewSession(b, 0)}, lose: func(int) bool { return false }}
}

// handle carries out what a session asks for; packets arrive at once.
func (p *pair) handle(i int, list []Action) {
	due := append([]Action(nil), list...)
	for _, a := range due {
		if a.Send == nil {
			p.changes = append(p.changes, fmt.Sprintf("%d %s>%s %d", i, a.From, a.To, a.Diag))
			continue
		}
		got, err := Parse(a.Send.Append(nil))
		if err != nil {
			panic(err) // a session sends only what can be read
		}
		if !p.lose(i) {
			p.handle(1-i, p.s[1-i].Receive(p.now, got))
		}
	}
}

// until runs the clock to a time.
func (p *pair) until(end time.Duration) {
	for {
		at, who := end+1, -1
		for i, s := range p.s {
			if d, ok := s.Deadline(); ok && d < at {
				at, who = d, i
			}
		}
		if who < 0 || at > end {
			p.now = end
			return
		}
		p.now = max(p.now, at)
		p.handle(who, p.s[who].Tick(p.now))
	}
}

func fast() Config { return Config{DesiredMinTx: 300 * ms, RequiredMinRx: 300 * ms, DetectMult: 3} }

// RFC 5880 section 6.8.6 and the diagram of section 6.2: every state with every state that a packet can carry.
func TestEveryStateMeetsEveryState(t *testing.T) {
	for _, x := range []struct {
		in, hears, becomes State
		diag               Diag
	}{
		{AdminDown, AdminDown, AdminDown, AdministrativelyDown}, {AdminDown, Down, AdminDown, AdministrativelyDown}, {AdminDown, Init, AdminDown, AdministrativelyDown}, {AdminDown, Up, AdminDown, AdministrativelyDown},
		{Down, AdminDown, Down, NoDiagnostic}, {Down, Down, Init, NoDiagnostic}, {Down, Init, Up, NoDiagnostic}, {Down, Up, Down, NoDiagnostic},
		{Init, AdminDown, Down, NeighborSignaledDown}, {Init, Down, Init, NoDiagnostic}, {Init, Init, Up, NoDiagnostic}, {Init, Up, Up, NoDiagnostic},
		{Up, AdminDown, Down, NeighborSignaledDown}, {Up, Down, Down, NeighborSignaledDown}, {Up, Init, Up, NoDiagnostic}, {Up, Up, Up, NoDiagnostic},
	} {
		t.Run(x.in.String()+" hears "+x.hears.String(), func(t *testing.T) {
			cfg := fast()
			cfg.Discriminator = 1
			s := NewSession(cfg, 0)
			say := func(state State) {
				s.Receive(0, Packet{State: state, DetectMult: 3, MyDiscriminator: 2, YourDiscriminator: 1, DesiredMinTxInterval: 300000, RequiredMinRxInterval: 300000})
			}
			switch x.in {
			case AdminDown:
				s.SetAdminDown(0, true)
			case Init:
				say(Down)
			case Up:
				say(Init)
			}
			if s.State() != x.in {
				t.Fatalf("it is %s", s.State())
			}
			say(x.hears)
			if s.State() != x.becomes || s.Diag() != x.diag {
				t.Errorf("it becomes %s (%d), want %s (%d)", s.State(), s.Diag(), x.becomes, x.diag)
			}
		})
	}
}

func TestTwoSessionsComeUpAndAgreeOnTheirIntervals(t *testing.T) {
	b := fast()
	b.DesiredMinTx, b.DetectMult, b.Passive = 500*ms, 5, true
	p := newPair(fast(), b)
	p.until(5 * time.Second)
	if p.s[0].State() != Up || p.s[1].State() != Up {
		t.Fatalf("%s and %s: %v", p.s[0].State(), p.s[1].State(), p.changes)
	}
	if got := p.s[0].DetectionTime(); got != 5*500*ms {
		t.Errorf("the first detects after %s", got)
	}
	if got := p.s[1].DetectionTime(); got != 3*300*ms {
		t.Errorf("the second detects after %s", got)
	}
}

func TestTwoPassiveSessionsStaySilent(t *testing.T) {
	c := fast()
	c.Passive = true
	p := newPair(c, c)
	if _, ok := p.s[0].Deadline(); ok {
		t.Error("it wants to be woken")
	}
}

func TestASilentCutIsSeenWithinTheDetectionTime(t *testing.T) {
	p := newPair(fast(), fast())
	p.until(5 * time.Second)
	cut := p.now
	p.lose = func(int) bool { return true }
	p.changes = nil
	p.until(cut + 900*ms - 300*ms) // the last packet is up to one interval old
	if len(p.changes) > 0 {
		t.Errorf("too early: %v", p.changes)
	}
	p.until(cut + 900*ms)
	if len(p.changes) != 2 || p.s[0].Diag() != DetectionTimeExpired || p.s[1].Diag() != DetectionTimeExpired {
		t.Errorf("%v", p.changes)
	}
	p.lose = func(int) bool { return false }
	p.until(cut + 5*time.Second)
	if p.s[0].State() != Up || p.s[1].State() != Up {
		t.Errorf("mended, and %s and %s", p.s[0].State(), p.s[1].State())
	}
}

func TestAdminDownIsToldAndIsNoDetection(t *testing.T) {
	p := newPair(fast(), fast())
	p.until(5 * time.Second)
	p.handle(0, p.s[0].SetAdminDown(p.now, true))
	p.until(p.now + 100*ms)
	if p.s[1].State() != Down || p.s[1].Diag() != NeighborSignaledDown {
		t.Errorf("%s %d", p.s[1].State(), p.s[1].Diag())
	}
	p.until(p.now + 10*time.Second)
	p.handle(0, p.s[0].SetAdminDown(p.now, false))
	p.until(p.now + 5*time.Second)
	if p.s[0].State() != Up || p.s[1].State() != Up {
		t.Errorf("%s and %s", p.s[0].State(), p.s[1].State())
	}
}

// RFC 5880 section 6.8.3: what would make the neighbour detect falsely counts only after the poll.
func TestIntervalsChangeByAPoll(t *testing.T) {
	p := newPair(fast(), fast())
	p.until(5 * time.Second)
	p.lose = func(from int) bool { return from == 1 } // the final does not get through
	p.handle(0, p.s[0].SetIntervals(p.now, time.Second, 100*ms))
	if p.s[0].interval() != 300*ms || p.s[0].DetectionTime() != 900*ms {
		t.Errorf("before the poll ends: %s, %s", p.s[0].interval(), p.s[0].DetectionTime())
	}
	p.lose = func(int) bool { return false }
	p.until(p.now + 2*time.Second)
	if p.s[0].interval() != time.Second || p.s[0].usedRx != 100*ms || p.s[1].DetectionTime() != 3*time.Second {
		t.Errorf("after it: %s, %s, the neighbour %s", p.s[0].interval(), p.s[0].usedRx, p.s[1].DetectionTime())
	}
	if p.s[0].State() != Up || len(p.changes) == 0 {
		t.Errorf("%s", p.s[0].State())
	}
}

func TestLossesThatAreFewerThanTheMultiplierInARowNeverDropIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := fast()
		c.Seed = rapid.Uint64().Draw(t, "seed")
		c.DetectMult = uint8(rapid.IntRange(2, 6).Draw(t, "multiplier"))
		p := newPair(c, c)
		p.until(5 * time.Second)
		p.changes = nil
		row := [2]int{}
		p.lose = func(from int) bool {
			if row[from] < int(c.DetectMult)-1 && rapid.Bool().Draw(t, "lose") {
				row[from]++
				return true
			}
			row[from] = 0
			return false
		}
		p.until(15 * time.Second)
		if len(p.changes) > 0 {
			t.Fatalf("%v", p.changes)
		}
	})
}

func TestJitterIsBetweenThreeQuartersAndTheWholeInterval(t *testing.T) {
	for _, mult := range []uint8{1, 3} {
		c := fast()
		c.DetectMult, c.Discriminator, c.Seed = mult, 1, 42
		s := NewSession(c, 0)
		most := time.Second
		if mult == 1 {
			most = 900 * ms
		}
		now := time.Duration(0)
		for range 1000 {
			s.Tick(now)
			at, ok := s.Deadline()
			if !ok || at-now < 750*ms || at-now > most {
				t.Fatalf("multiplier %d: the next after %s", mult, at-now)
			}
			now = at
		}
	}
}

func FuzzSession(f *testing.F) {
	f.Add([]byte{1, 2, 3, 4, 5, 6, 7, 8, 9})
	f.Fuzz(func(t *testing.T, steps []byte) {
		c := fast()
		c.Discriminator = 1
		s := NewSession(c, 0)
		now := time.Duration(0)
		for i := 0; i+2 < len(steps); i += 3 {
			now += time.Duration(steps[i]) * 10 * ms
			var list []Action
			before := s.State()
			switch steps[i+1] % 4 {
			case 0:
				list = s.Tick(now)
			case 1:
				list = s.Receive(now, Packet{State: State(steps[i+2] & 3), Poll: steps[i+2]&4 != 0, Final: steps[i+2]&8 != 0, DetectMult: 1 + steps[i+2]>>4, MyDiscriminator: 2, YourDiscriminator: 1,
					DesiredMinTxInterval: uint32(steps[i+2]) * 1000, RequiredMinRxInterval: uint32(steps[i]) * 1000})
			case 2:
				list = s.SetAdminDown(now, steps[i+2]&1 == 0)
			case 3:
				list = s.SetIntervals(now, time.Duration(steps[i])*ms, time.Duration(steps[i+2])*ms)
			}
			for _, a := range list {
				if a.Send == nil {
					if a.From != before {
						t.Fatalf("a change from %s while it was %s", a.From, before)
					}
					before = a.To
					continue
				}
				if _, err := Parse(a.Send.Append(nil)); err != nil && a.Send.YourDiscriminator != 0 {
					t.Fatal(err)
				}
			}
			if before != s.State() {
				t.Fatalf("it is %s and told %s", s.State(), before)
			}
			if _, ok := s.Deadline(); !ok && (s.State() == Up || s.State() == Init) {
				t.Fatal("up, and nothing will ever end it")
			}
		}
	})
}
