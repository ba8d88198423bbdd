package sim

import (
	"math/big"
	"testing"
	"time"

	"pgregory.net/rapid"

	"onramp/network"
)

func TestALimitAdmitsRateTimesTimeAndTheBurstExactly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rate := rapid.Int64Range(1_000, 400_000_000_000).Draw(t, "rate")
		burst := rapid.IntRange(1518, int(min(rate/8/100, 500_000_000)+3000)).Draw(t, "burst")
		b := newTokens(rate, burst)
		// The slow twin: tokens as a fraction, refilled from the definition.
		full := new(big.Rat).SetInt64(int64(burst) * 8)
		tokens, last, now := new(big.Rat).Set(full), time.Duration(0), time.Duration(0)
		admitted := new(big.Rat)
		for range rapid.IntRange(1, 200).Draw(t, "packets") {
			now += time.Duration(rapid.Int64Range(0, 20_000_000).Draw(t, "gap"))
			size := rapid.IntRange(64, 1518).Draw(t, "size")
			tokens.Add(tokens, new(big.Rat).Mul(big.NewRat(rate, int64(time.Second)), new(big.Rat).SetInt64(int64(now-last))))
			if tokens.Cmp(full) > 0 {
				tokens.Set(full)
			}
			last = now
			cost := new(big.Rat).SetInt64(int64(size) * 8)
			want := tokens.Cmp(cost) >= 0
			if want {
				tokens.Sub(tokens, cost)
				admitted.Add(admitted, cost)
			}
			if got := b.admit(now, size, 0); got != want {
				t.Fatalf("at %s a packet of %d octets: %v, want %v", now, size, got, want)
			}
		}
		most := new(big.Rat).Mul(big.NewRat(rate, int64(time.Second)), new(big.Rat).SetInt64(int64(now)))
		if most.Add(most, full); admitted.Cmp(most) > 0 {
			t.Fatalf("%s bits, more than rate x time + burst, %s", admitted.FloatString(0), most.FloatString(0))
		}
	})
}

func TestAnOverloadedLimitAdmitsAllThatItMayToThePacket(t *testing.T) {
	b := newTokens(10_000_000, 12_500)
	octets := 0
	for now := time.Duration(0); now < time.Second; now += 100 * time.Microsecond { // 100 Mbps of frames of 1,250 octets
		if b.admit(now, 1250, 0) {
			octets += 1250
		}
	}
	// 10 Mbps for a second, less the last 100 us, and the burst: 1,250,000 - 125 + 12,500 octets, in whole frames.
	if want := (1_250_000 - 125 + 12_500) / 1250 * 1250; octets != want {
		t.Errorf("%d octets, want %d", octets, want)
	}
}

func TestWhatIsLeftByVoiceIsSharedByWeight(t *testing.T) {
	x := newPipe(&Sim{}, 10_000_000)
	x.classed, x.most = true, 1<<30
	passed := map[uint8]int{}
	for range 1000 {
		for _, mark := range []uint8{DSCPVideo, DSCPSharing, DSCPFile} {
			x.queues[(&packet{kind: data, dscp: mark}).class()].push(waiting{p: &packet{kind: data, dscp: mark, size: 1418}})
		}
	}
	for range 1000 {
		w := x.next()
		passed[w.p.dscp] += w.p.size
	}
	total := float64(1000 * 1418)
	for mark, share := range map[uint8]float64{DSCPVideo: 0.4, DSCPSharing: 0.2, DSCPFile: 0.4} {
		if got := float64(passed[mark]) / total; !within(got, share, 0.02) {
			t.Errorf("mark %d has %.3f, want %.1f", mark, got, share)
		}
	}
}

func TestControlGoesBeforeVoiceAndVoiceBeforeTheRest(t *testing.T) {
	x := newPipe(&Sim{}, 1)
	x.classed = true
	for _, p := range []*packet{{kind: data, size: 1}, {kind: data, dscp: DSCPVoice, size: 2}, {kind: bfdControl, size: 3}, {kind: segment, size: 4}} {
		x.queues[p.class()].push(waiting{p: p})
	}
	for _, want := range []int{3, 4, 2, 1} {
		if w := x.next(); w.p.size != want {
			t.Fatalf("%v, want the packet of %d octets", w.p, want)
		}
	}
}

// call measures a call beside a flow that saturates what both pass.
func call(t *testing.T, n *network.Network, l Limits, a, b network.Endpoint, load FlowSpec) (voice, rest Measured) {
	t.Helper()
	s := limitedSim(t, n, 3, l)
	load.Kind, load.Src, load.Dst = Constant, a, b
	v := flowOf(t, s, FlowSpec{Name: "voice", Kind: Voice, Src: a, Dst: b, Sport: 20000})
	load.Sport, load.Dport = 20000, 5001 // the same way as the call
	r := flowOf(t, s, load)
	v.Start(s.Now() + 5*time.Second)
	r.Start(s.Now() + 5*time.Second)
	s.Run(s.Now() + 6*time.Second)
	return v.Measured(), r.Measured()
}

func TestVoiceGetsThroughASaturatedLinkWhereClassesActAndNotWhereTheyDoNot(t *testing.T) {
	slowAccess := exampled(t, "northwind", rates(100, 1000, "ErGw3AZ"))
	slowCircuit := exampled(t, "northwind", rates(2000, 100, "ErGw3AZ"))
	slowGateway := exampled(t, "northwind", rates(10000, 10000, "ErGw1AZ"))
	m365 := exampled(t, "proseware-microsoft365", rates(1000, 100, "ErGw3AZ"))
	m365Access := exampled(t, "proseware-microsoft365", rates(100, 1000, "ErGw3AZ"))
	private := func(n *network.Network) [2]network.Endpoint {
		return [2]network.Endpoint{siteHost(t, n, "montreal"), machine(t, n, "fin-core")}
	}
	microsoft := [2]network.Endpoint{publicHost(t, m365, "chicago"), service(t, m365)}
	for _, c := range []struct {
		name    string
		n       *network.Network
		ends    [2]network.Endpoint
		factor  float64
		classes bool
		mbps    float64
		good    bool
	}{
		{"the access, with classes", slowAccess, private(slowAccess), 10, true, 200, true},
		{"the access, first come first served", slowAccess, private(slowAccess), 10, false, 200, false},
		{"a circuit's private peering, which does not look at marks", slowCircuit, private(slowCircuit), 10, true, 200, false},
		{"a gateway, which does not look at marks", slowGateway, private(slowGateway), 100, true, 2000, false},
		{"a circuit's Microsoft peering, which looks at them", m365, microsoft, 10, true, 200, true},
		{"the access to Microsoft peering, with classes", m365Access, microsoft, 10, true, 200, true},
		{"the access to Microsoft peering, first come first served", m365Access, microsoft, 10, false, 200, false},
	} {
		for _, back := range []bool{false, true} {
			a, b := c.ends[0], c.ends[1]
			name := c.name + ", to Microsoft"
			if back {
				a, b, name = b, a, c.name+", from Microsoft"
			}
			t.Run(name, func(t *testing.T) {
				voice, rest := call(t, c.n, Limits{Factor: c.factor, Classes: c.classes}, a, b, FlowSpec{Name: "load", Mbps: c.mbps})
				if voice.Received+rest.Received == 0 || rest.Lost < 0.3 {
					t.Fatalf("nothing is saturated: %+v", rest)
				}
				if good := voice.Lost == 0 && voice.Call().MOS > 4; good != c.good {
					t.Errorf("a call that loses %.1f percent, MOS %.2f, median %s; %v", 100*voice.Lost, voice.Call().MOS, voice.Median, voice.Losses)
				}
			})
		}
	}
}

func TestPrivatePeeringKeepsMarksAndMicrosoftPeeringThoseThatItHonours(t *testing.T) {
	n := exampled(t, "proseware-microsoft365", nil)
	s := limitedSim(t, n, 1, Limits{Classes: true})
	private := [2]network.Endpoint{siteHost(t, n, "chicago"), machine(t, n, "engineering")}
	microsoft := [2]network.Endpoint{publicHost(t, n, "chicago"), service(t, n)}
	for _, c := range []struct {
		name       string
		ends       [2]network.Endpoint
		mark, want uint8
	}{
		{"EF, private", private, DSCPVoice, DSCPVoice},
		{"AF31, private", private, 26, 26},
		{"EF, Microsoft", microsoft, DSCPVoice, DSCPVoice},
		{"AF41, Microsoft", microsoft, DSCPVideo, DSCPVideo},
		{"AF31, Microsoft", microsoft, 26, 0},
		{"CS6, Microsoft", microsoft, DSCPControl, 0},
	} {
		f := flowOf(t, s, FlowSpec{Name: c.name, Kind: Constant, Src: c.ends[0], Dst: c.ends[1], Mbps: 1, DSCP: c.mark})
		f.Start(s.Now() + 100*time.Millisecond)
		s.Run(s.Now() + time.Second)
		if m := f.Measured(); m.Received == 0 || m.DSCP != c.want {
			t.Errorf("%s: %d arrived, with %d, want %d", c.name, m.Received, m.DSCP, c.want)
		}
	}
}

func TestSessionsSurviveSaturationWhereControlTrafficHasItsClass(t *testing.T) {
	for _, c := range []struct {
		name    string
		classes bool
	}{{"with classes", true}, {"first come first served", false}} {
		t.Run(c.name, func(t *testing.T) {
			n := exampled(t, "northwind", rates(100, 1000, "ErGw3AZ"))
			downs := 0
			s, err := New(n, Options{Seed: 5, Observe: func(h Happening) {
				if h.What == "bfd" && h.From == "Up" {
					downs++
				}
			}})
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Limit(Limits{Factor: 10, Classes: c.classes}); err != nil {
				t.Fatal(err)
			}
			s.Start()
			s.Converge(30*time.Second, time.Hour)
			for i := range uint16(16) {
				f := flowOf(t, s, FlowSpec{Name: "load", Kind: Constant, Src: siteHost(t, n, "montreal"), Dst: machine(t, n, "fin-core"), Mbps: 100, Sport: 1000 + i})
				f.Start(s.Now() + 20*time.Second)
			}
			before := downs
			s.Run(s.Now() + 20*time.Second)
			if lost := downs - before; (lost == 0) != c.classes {
				t.Errorf("BFD went down %d times", lost)
			}
		})
	}
}
