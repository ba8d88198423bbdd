package bfd

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestTwoSessionsComeUpAndAgreeOnTheirIntervals(t *testing.T) {
	b := fast()
	b.DesiredMinTx, b.DetectMult, b.Passive = 500*ms, 5, true
	r := newRig(t, fast(), b)
	r.until(5 * time.Second)
	r.mustBeUp()
	if got := r.s[0].DetectionTime(); got != 5*500*ms {
		t.Errorf("the first detects after %s", got)
	}
	if got := r.s[1].DetectionTime(); got != 3*300*ms {
		t.Errorf("the second detects after %s", got)
	}
}

func TestTwoPassiveSessionsStaySilent(t *testing.T) {
	c := fast()
	c.Passive = true
	r := newRig(t, c, c)
	r.until(time.Minute)
	if _, ok := r.s[0].Deadline(); ok || len(r.sent[0]) > 0 {
		t.Errorf("it wants to be woken, or has sent %v", r.sent[0])
	}
}

func TestASilentCutIsAlwaysSeenBetweenOneIntervalLessThanTheDetectionTimeAndIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var c [2]Config
		for i := range c {
			c[i] = Config{DesiredMinTx: ms * time.Duration(rapid.IntRange(1, 2000).Draw(t, "tx")), RequiredMinRx: ms * time.Duration(rapid.IntRange(1, 2000).Draw(t, "rx")),
				DetectMult: uint8(rapid.IntRange(1, 8).Draw(t, "multiplier")), Seed: rapid.Uint64().Draw(t, "seed")}
		}
		delay := ms * time.Duration(rapid.IntRange(0, 50).Draw(t, "delay"))
		r := newRig(t, c[0], c[1])
		r.carry = func(int, Packet) []time.Duration { return []time.Duration{delay} }
		r.until(20*time.Second + time.Duration(rapid.IntRange(0, 5000).Draw(t, "cut"))*ms)
		r.mustBeUp()
		cut, interval := r.now, [2]time.Duration{}
		for i, s := range r.s {
			interval[i] = max(c[i].RequiredMinRx, c[1-i].DesiredMinTx)
			if got, want := s.DetectionTime(), interval[i]*time.Duration(c[1-i].DetectMult); got != want {
				t.Fatalf("%d detects after %s, want %s", i, got, want)
			}
		}
		r.flight, r.carry, r.changes = nil, lost, nil
		for r.changes == nil {
			at := cut + time.Hour
			for _, s := range r.s {
				if d, ok := s.Deadline(); ok {
					at = min(at, d)
				}
			}
			r.until(at)
		}
		for i, s := range r.s {
			if s.State() == Up {
				continue
			}
			m := time.Duration(c[1-i].DetectMult)
			if took := r.now - cut; took < (m-1)*interval[i] || took > m*interval[i] || s.Diag() != DetectionTimeExpired {
				t.Fatalf("%d saw it after %s of %d times %s (%s)", i, took, m, interval[i], s.Diag())
			}
		}
		r.until(r.now + 10*time.Minute)
		for _, s := range r.s {
			if s.State() != Down || s.Remote().Discriminator != 0 {
				t.Fatalf("%s, and knows %d", s.State(), s.Remote().Discriminator)
			}
		}
		r.carry = atOnce
		r.until(r.now + 10*time.Second)
		r.mustBeUp()
	})
}

// Polls and changes of intervals may be lost as anything else.
func TestLossesThatAreFewerThanTheMultiplierInARowNeverDropIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := fast()
		c.Seed = rapid.Uint64().Draw(t, "seed")
		c.DetectMult = uint8(rapid.IntRange(2, 6).Draw(t, "multiplier"))
		delay := ms * time.Duration(rapid.IntRange(0, 200).Draw(t, "delay"))
		waver := rapid.IntRange(0, 100) // microseconds: the multiplier times a hundredth of the shortest interval is left by the jitter
		r := newRig(t, c, c)
		row := [2]int{}
		arrives := func() []time.Duration {
			return []time.Duration{delay + time.Duration(waver.Draw(t, "waver"))*time.Microsecond}
		}
		r.carry = func(int, Packet) []time.Duration { return arrives() }
		r.until(5 * time.Second)
		r.mustBeUp()
		r.changes = nil
		r.carry = func(from int, _ Packet) []time.Duration {
			if row[from] < int(c.DetectMult)-1 && rapid.Bool().Draw(t, "lose") {
				row[from]++
				return nil
			}
			row[from] = 0
			return arrives()
		}
		interval := rapid.IntRange(20, 600)
		for range 6 {
			who := rapid.IntRange(0, 1).Draw(t, "who")
			r.handle(who, r.s[who].SetIntervals(r.now, ms*time.Duration(interval.Draw(t, "tx")), ms*time.Duration(interval.Draw(t, "rx"))))
			r.until(r.now + ms*time.Duration(rapid.IntRange(0, 2000).Draw(t, "wait")))
		}
		if len(r.changes) > 0 {
			t.Fatalf("%v", r.changes)
		}
	})
}

func TestWhateverALinkDoesTheyComeUpWhenItIsWellAgain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := fast()
		c.Seed = rapid.Uint64().Draw(t, "seed")
		r := newRig(t, c, c)
		delays := rapid.SliceOfN(rapid.IntRange(0, 3000), 0, 2) // lost, late, overtaken, doubled
		r.carry = func(int, Packet) (out []time.Duration) {
			for _, d := range delays.Draw(t, "delays") {
				out = append(out, time.Duration(d)*ms)
			}
			return out
		}
		for range rapid.IntRange(0, 8).Draw(t, "events") {
			who := rapid.IntRange(0, 1).Draw(t, "who")
			switch rapid.IntRange(0, 2).Draw(t, "event") {
			case 0:
				r.handle(who, r.s[who].SetAdminDown(r.now, rapid.Bool().Draw(t, "down")))
			case 1:
				r.handle(who, r.s[who].SetIntervals(r.now, ms*time.Duration(rapid.IntRange(100, 900).Draw(t, "tx")), ms*time.Duration(rapid.IntRange(100, 900).Draw(t, "rx"))))
			case 2:
				r.handle(who, r.s[who].Reset(r.now))
			}
			r.until(r.now + ms*time.Duration(rapid.IntRange(0, 3000).Draw(t, "wait")))
		}
		r.carry = atOnce
		for i, s := range r.s {
			r.handle(i, s.SetAdminDown(r.now, false))
		}
		r.until(r.now + 20*time.Second)
		r.mustBeUp()
		for i, s := range r.s {
			if s.usedTx != s.cfg.DesiredMinTx || s.usedRx != s.cfg.RequiredMinRx || s.polling || s.wanted {
				t.Fatalf("%d uses %s and %s of %s and %s, polling %v", i, s.usedTx, s.usedRx, s.cfg.DesiredMinTx, s.cfg.RequiredMinRx, s.polling)
			}
		}
	})
}

// RFC 5880 section 6.8.7: between changes of state only polls and finals come sooner than three quarters of the interval, and nothing
// later than the whole.
func TestPacketsKeepTheirDistance(t *testing.T) {
	for _, mult := range []uint8{1, 2, 3, 255} {
		c := fast()
		c.DetectMult, c.Seed = mult, 42
		r := newRig(t, c, c)
		r.until(3 * time.Second)
		r.sent = [2][]sending{}
		r.until(100 * time.Second)
		r.mustBeUp()
		most := 297 * ms
		if mult == 1 {
			most = 270 * ms
		}
		shortest, longest := time.Hour, time.Duration(0)
		for _, list := range r.sent {
			for i := range list[1:] {
				gap := list[i+1].at - list[i].at
				shortest, longest = min(shortest, gap), max(longest, gap)
			}
		}
		if shortest != 225*ms || longest != most {
			t.Errorf("multiplier %d: between %s and %s", mult, shortest, longest)
		}
	}
}

func TestTheLeastAndTheMostOfEachFieldNeitherOverflowNorSpin(t *testing.T) {
	const most = 1<<32 - 1
	for _, x := range []struct {
		name string
		cfg  Config
		p    Packet
	}{
		{"the neighbour's intervals are zero", fast(), Packet{DetectMult: 1}},
		{"all intervals are zero", Config{Discriminator: 1}, Packet{DetectMult: 1}},
		{"all intervals are zero, the multipliers at their most", Config{Discriminator: 1, DetectMult: 255}, Packet{DetectMult: 255}},
		{"the neighbour's are at their most", fast(), Packet{DetectMult: 255, DesiredMinTxInterval: most, RequiredMinRxInterval: most, RequiredMinEchoRxInterval: most, Diag: 31, Demand: true}},
		{"all are", Config{Discriminator: most, DesiredMinTx: 1 << 62, RequiredMinRx: 1 << 62, DetectMult: 255}, Packet{DetectMult: 255, DesiredMinTxInterval: most, RequiredMinRxInterval: most}},
		{"ours are below nothing", Config{Discriminator: 1, DesiredMinTx: -1, RequiredMinRx: -1}, Packet{DetectMult: 3, DesiredMinTxInterval: 1, RequiredMinRxInterval: 1}},
		{"ours are parts of a microsecond", Config{Discriminator: 1, DesiredMinTx: 1, RequiredMinRx: 1}, Packet{DetectMult: 3, DesiredMinTxInterval: 1, RequiredMinRxInterval: 1}},
	} {
		t.Run(x.name, func(t *testing.T) {
			s := NewSession(x.cfg, 0)
			x.p.MyDiscriminator, x.p.YourDiscriminator = 1<<32-1, s.cfg.Discriminator
			x.p.State = Init
			s.Receive(0, x.p)
			x.p.State = Up
			s.Receive(0, x.p)
			if s.State() != Up {
				t.Fatal(s.State())
			}
			if d := s.DetectionTime(); d < time.Microsecond || d > 255*longestInterval {
				t.Errorf("it detects after %s", d)
			}
			now, down := time.Duration(0), false
			for range 5000 {
				at, ok := s.Deadline()
				if !ok || at < now {
					t.Fatalf("at %s the deadline is %s, %v", now, at, ok)
				}
				now = at
				_, changes := split(s.Tick(now))
				if again, _ := s.Deadline(); again <= at {
					t.Fatalf("the tick at %s moves nothing", at)
				}
				down = down || len(changes) > 0 && changes[0].To == Down
			}
			if !down {
				t.Errorf("it is %s at %s", s.State(), now)
			}
		})
	}
}

func FuzzSession(f *testing.F) {
	f.Add([]byte{1, 2, 3, 4, 5, 6, 7, 8, 9})
	f.Add([]byte{0, 1, 2, 0, 1, 0x13, 10, 0, 0, 0, 3, 200, 9, 1, 0xb, 0, 1, 3, 200, 0, 0, 200, 0, 0})
	f.Fuzz(func(t *testing.T, steps []byte) {
		s := NewSession(fast(), 0)
		now := time.Duration(0)
		intervals := [...]uint32{0, 1, 50_000, 300_000, 1_000_000, 1<<32 - 1}
		for i := 0; i+2 < len(steps); i += 3 {
			now += time.Duration(steps[i]) * 10 * ms
			x := steps[i+2]
			var list []Action
			before, admin := s.State(), s.Remote().State == AdminDown
			switch steps[i+1] % 7 {
			case 0:
				list = s.Tick(now)
				if at, ok := s.Deadline(); ok && at <= now {
					t.Fatalf("a tick at %s leaves the deadline at %s", now, at)
				}
			case 1, 2:
				list = s.Receive(now, Packet{State: State(x & 3), Poll: x&4 != 0, Final: x&8 != 0, Demand: x&64 != 0, DetectMult: x >> 5, MyDiscriminator: uint32(x >> 7), YourDiscriminator: uint32(x>>4) & 1,
					DesiredMinTxInterval: intervals[int(steps[i+1]>>4)%6], RequiredMinRxInterval: intervals[int(steps[i])%6]})
			case 3:
				list = s.SetAdminDown(now, x&1 == 0)
			case 4:
				list = s.SetIntervals(now, micro(intervals[x%6]), micro(intervals[(x>>4)%6]))
			case 5:
				list = s.SetDetectMult(now, x)
			case 6:
				list = s.Reset(now)
			}
			for _, a := range list {
				if !a.Send {
					if a.From != before || a.NeighborAdminDown != (s.Remote().State == AdminDown) || a.From == a.To && a.NeighborAdminDown == admin {
						t.Fatalf("%+v while it was %s", a, before)
					}
					before, admin = a.To, a.NeighborAdminDown
					continue
				}
				if got, err := Parse(a.Packet.Append(nil)); err != nil || got != a.Packet || got.Poll && got.Final {
					t.Fatalf("%+v: %v", a.Packet, err)
				}
			}
			if before != s.State() || admin != (s.Remote().State == AdminDown) {
				t.Fatalf("it is %s and told %s", s.State(), before)
			}
			at, ok := s.Deadline()
			if up := s.State() == Up || s.State() == Init; !ok && up || up && at > s.heard+s.DetectionTime() {
				t.Fatal("up, and nothing will end it")
			}
		}
	})
}

// BenchmarkSession is what happens all day: the neighbour's packet, and one of our own.
func BenchmarkSession(b *testing.B) {
	s := in(b, Up, fast(), 0)
	p, buffer, now := said(Up), make([]byte, 0, 64), time.Duration(0)
	b.ReportAllocs()
	for b.Loop() {
		now += 300 * ms
		s.Receive(now, p)
		for _, a := range s.Tick(now) {
			if a.Send {
				buffer = a.Packet.Append(buffer[:0])
			}
		}
		s.Deadline()
	}
	if s.State() != Up || len(buffer) == 0 {
		b.Fatal("it went down, or said nothing")
	}
}

func TestNothingIsAllocatedForAPacketAndATick(t *testing.T) {
	s, p, now := in(t, Up, fast(), 0), said(Up), time.Duration(0)
	p.Poll = true
	wire, out := p.Append(nil), make([]byte, 0, 64)
	if n := testing.AllocsPerRun(100, func() {
		now += 300 * ms
		got, _ := Parse(wire)
		for _, a := range s.Receive(now, got) {
			out = a.Packet.Append(out[:0])
		}
		s.Tick(now)
	}); n != 0 || s.State() != Up {
		t.Errorf("%v allocations, %s", n, s.State())
	}
}
