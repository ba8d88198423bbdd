package sim

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"onramp/catalog"
	"onramp/design"
	"onramp/intent"
	"onramp/intent/intenttest"
	"onramp/network"
	"onramp/pattern"
)

// BenchmarkAgenda takes an event out of a thousand and plans another, at the distances that a running estate has: packets on links,
// packets of BFD, keepalives. It guards that the agenda does not allocate.
func BenchmarkAgenda(b *testing.B) {
	for _, pending := range []int{100, 1000, 10_000, 100_000} {
		b.Run(fmt.Sprint(pending), func(b *testing.B) {
			var a agenda
			random := uint64(1)
			ahead := func() time.Duration {
				random = random*6364136223846793005 + 1442695040888963407 // Knuth, MMIX
				x := random >> 33
				switch x % 10 {
				case 0:
					return 60 * time.Second
				case 1, 2, 3:
					return 225*time.Millisecond + time.Duration(x%75)*time.Millisecond
				}
				return time.Duration(x % uint64(10*time.Millisecond))
			}
			for range pending {
				a.add(event{at: ahead()})
			}
			b.ReportAllocs()
			for b.Loop() {
				e, _ := a.take(never)
				a.add(event{at: e.at + ahead()})
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

// settledPlain is a handmade topology that has converged.
func settledPlain(b *testing.B, w network.Wiring) *Sim {
	b.Helper()
	s, err := NewPlain(w, Options{Seed: 1})
	if err != nil {
		b.Fatal(err)
	}
	s.Start()
	if !s.Settle(10 * time.Minute) {
		b.Fatal("it does not settle")
	}
	return s
}

// BenchmarkForward sends packets through a chain of routers, each with a table of as many prefixes as there are routers. A hop is all of it:
// the event, the look-up, the choice among equal ways and the link. With limits the links are tagged, each is left through a queue at 10 Gbit/s,
// first come first served or by class, and entered through a policer; packets are of many sizes, so that at every router some wait for others.
// It guards that a hop allocates nothing.
func BenchmarkForward(b *testing.B) {
	for _, limits := range []limited{bare, queued, classed} {
		for _, hops := range []int{10, 40} {
			b.Run(fmt.Sprintf("%s/%d-hops", limits, hops), func(b *testing.B) { perHop(b, forwarder(b, hops, limits), hops) })
		}
	}
}

// limited is what stands at the links of a chain.
type limited string

const (
	bare    limited = "bare"
	queued  limited = "tags-policer-queue"
	classed limited = "tags-policer-class-queues"
)

// limit puts it at every link.
func (l limited) limit(s *Sim) {
	if l == bare {
		return
	}
	for _, link := range s.links {
		for end, e := range link.ends {
			x := newPipe(s, 10e9)
			x.end, x.classed, x.most = end, l == classed, 1<<20
			e.geared().pipes = []*pipe{x}
			e.geared().arriving = newPolicer("", "", end, 40e9, 1<<20, false)
		}
	}
	s.slacken()
}

// forwarder returns a function that sends so many packets through a chain.
func forwarder(b *testing.B, hops int, limits limited) func(packets int) {
	w := chain(hops + 1)
	if limits != bare {
		for i := range w.Sessions {
			w.Sessions[i].STag, w.Sessions[i].VLAN = 100, i+1
		}
	}
	s := settledPlain(b, w)
	limits.limit(s)
	f := &Flow{s: s, losses: map[Loss]int{}, got: make([]uint64, 1<<10), delays: make([]time.Duration, 0, 1<<16)}
	s.flows = []*Flow{f}
	src := &station{router: s.nodes[0]}
	marks := [...]uint8{DSCPDefault, DSCPVoice, DSCPVideo, DSCPDefault}
	return func(packets int) {
		f.next, f.delays, f.octets = 0, f.delays[:0], 0
		clear(f.got)
		f.slices = f.slices[:0]
		f.began = s.now
		for i := range packets {
			p := s.packet()
			p.kind, p.size, p.dscp, p.flowIndex, p.seq32, p.sentAt = data, 78+(i*397)%1344, marks[i%len(marks)], 1, uint32(i), s.now //nolint:gosec // few
			p.src, p.dst, p.sport, p.dport, p.ttl = plainHost(0), plainHost(hops), uint16(i), 7, mostHops                            //nolint:gosec // any port
			s.dispatch(p, src)
		}
		s.Run(s.now + time.Duration(hops+2)*time.Millisecond)
		if len(f.delays) != packets {
			b.Fatalf("%d of %d packets arrive", len(f.delays), packets)
		}
	}
}

// atOnce is how many packets are under way together.
const atOnce = 64

func perHop(b *testing.B, send func(packets int), hops int) {
	send(atOnce)
	before := processor(b)
	b.ReportAllocs()
	for b.Loop() {
		send(atOnce)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*atOnce*hops), "ns/hop")
	b.ReportMetric(float64((processor(b)-before).Nanoseconds())/float64(b.N*atOnce*hops), "cpu-ns/hop")
}

// processor is the time that the process has had a processor for: what counts on a machine that others use, too.
func processor(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkEstate sends a second of probes, 50 a second, from every site and subnet of an example to every other, through routers, gateways,
// firewalls and back: the packet's whole life, its path noted.
func BenchmarkEstate(b *testing.B) {
	n := example(b, "northwind", design.SharedHubSpoke, nil)
	s, err := New(n, Options{Seed: 1})
	if err != nil {
		b.Fatal(err)
	}
	probes, err := allProbes(s, n)
	if err != nil {
		b.Fatal(err)
	}
	s.Start()
	if !s.Settle(time.Hour) {
		b.Fatal("it does not settle")
	}
	second := func() (hops int) {
		for _, q := range probes {
			q.Watch()
			q.Send(20*time.Millisecond, s.now+time.Second)
		}
		s.Run(s.now + 2*time.Second)
		for _, q := range probes {
			seen := q.Seen(s.now)
			for _, ways := range [][]string{seen.There, seen.Back} {
				for _, way := range ways {
					hops += seen.Answered / len(ways) * strings.Count(way, ">")
				}
			}
		}
		return hops
	}
	second()
	before, hops := processor(b), 0
	b.ReportAllocs()
	for b.Loop() {
		hops += second()
	}
	b.ReportMetric(float64((processor(b)-before).Nanoseconds())/float64(hops), "cpu-ns/hop")
}

// BenchmarkIdle lets ten virtual minutes pass over 100 sessions with keepalives as the service has them and BFD at 300 ms: at one router,
// and at pairs of routers.
func BenchmarkIdle(b *testing.B) {
	var star, pairs [][2]int
	for i := range 100 {
		star, pairs = append(star, [2]int{0, i + 1}), append(pairs, [2]int{2 * i, 2*i + 1})
	}
	for _, x := range []struct {
		name    string
		routers int
		links   [][2]int
	}{{"star", 101, star}, {"pairs", 200, pairs}} {
		b.Run(x.name, func(b *testing.B) {
			w := graph(x.routers, x.links)
			for i := range w.Sessions {
				l := &w.Sessions[i]
				l.Hold, l.Keepalive = [2]time.Duration{180 * time.Second, 180 * time.Second}, [2]time.Duration{60 * time.Second, 60 * time.Second}
				l.BFDInterval, l.BFDMultiplier = 300*time.Millisecond, 3
			}
			s := settledPlain(b, w)
			before, cpu := s.Events(), processor(b)
			b.ReportAllocs()
			for b.Loop() {
				s.Run(s.now + 10*time.Minute)
			}
			for i, up := range s.Sessions() {
				if !up {
					b.Fatalf("session %d is down", i)
				}
			}
			b.ReportMetric(float64(s.Events()-before)/b.Elapsed().Seconds(), "events/s")
			b.ReportMetric((processor(b)-cpu).Seconds()/float64(b.N), "cpu-s/op")
		})
	}
}

// meshed are 74 routers on 101 links, or a multiple of that: a ring with chords.
func meshed(size int) (routers int, links [][2]int) {
	routers = 74 * size
	for i := range routers {
		links = append(links, [2]int{i, (i + 1) % routers})
	}
	for i := 0; len(links) < 101*size; i++ {
		links = append(links, [2]int{i * 7 % routers, (i*7 + routers/3 + i) % routers})
	}
	return routers, links
}

// BenchmarkGraph switches on 74 routers on 101 links, each an AS with a /24, and runs until every router has every route and all is quiet;
// and twice and four times of that, for the growth.
func BenchmarkGraph(b *testing.B) {
	for _, size := range []int{1, 2, 4} {
		routers, links := meshed(size)
		b.Run(fmt.Sprintf("%d-routers", routers), func(b *testing.B) {
			w := graph(routers, links)
			cpu := processor(b)
			b.ReportAllocs()
			for b.Loop() {
				s := settledPlain(b, w)
				for _, x := range s.nodes {
					if x.speaker.Prefixes() != routers {
						b.Fatalf("%s has %d prefixes", x.spec.Name, x.speaker.Prefixes())
					}
				}
			}
			b.ReportMetric((processor(b)-cpu).Seconds()/float64(b.N), "cpu-s/op")
		})
	}
}

// BenchmarkDrills fails and repairs every element of an estate whose lines of business have circuits of their own, one after the other, and
// waits until the control plane has settled each time, with the failure in silence, in the parts that route by themselves.
func BenchmarkDrills(b *testing.B) {
	c, err := catalog.Open()
	if err != nil {
		b.Fatal(err)
	}
	for _, lobs := range []int{10, 100} {
		b.Run(fmt.Sprintf("%d-lines-of-business", lobs), func(b *testing.B) {
			e, findings := intent.Parse("large", intenttest.Large(lobs), c)
			if e == nil {
				b.Fatal(findings)
			}
			d, _ := pattern.Compile(design.Isolated, e, c, pattern.Options{})
			if d == nil {
				b.Fatal("the pattern cannot carry it")
			}
			var parts []*network.Network
			for _, p := range network.Split(d.Resources, d.Premises, nil) {
				n, _ := network.Build(p.Resources, p.Premises, c, network.Options{})
				parts = append(parts, n)
			}
			var drills, events uint64
			cpu := processor(b)
			b.ReportAllocs()
			for b.Loop() {
				for _, n := range parts {
					s, err := New(n, Options{Seed: 1})
					if err != nil {
						b.Fatal(err)
					}
					s.Start()
					settled := s.Settle(time.Hour)
					for _, el := range n.Elements() {
						if err := s.Fail(Silent, el.ID); err != nil {
							b.Fatal(err)
						}
						settled = s.Settle(time.Hour) && settled
						if err := s.Repair(el.ID); err != nil {
							b.Fatal(err)
						}
						settled = s.Settle(time.Hour) && settled
						drills++
					}
					if !settled {
						b.Fatal("it does not settle")
					}
					events += s.Events()
				}
			}
			b.ReportMetric((processor(b)-cpu).Seconds()/float64(b.N), "cpu-s/op")
			b.ReportMetric(float64(len(parts)), "parts")
			b.ReportMetric(float64(drills)/float64(b.N), "drills")
			b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
		})
	}
}
