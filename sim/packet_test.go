package sim

import (
	"net/netip"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// slowHash is FNV-1a over every octet.
func slowHash(p *packet) uint32 {
	h := uint32(2166136261)
	add := func(x byte) { h = (h ^ uint32(x)) * 16777619 }
	for _, a := range []netip.Addr{p.src, p.dst} {
		for _, x := range a.As16() {
			add(x)
		}
	}
	for _, x := range []uint16{p.sport, p.dport} {
		add(byte(x))
		add(byte(x >> 8))
	}
	return max(h, 1)
}

func drawAddr(t *rapid.T, label string) netip.Addr {
	b := rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, label)
	if rapid.Bool().Draw(t, "IPv4") {
		return netip.AddrFrom4([4]byte(b))
	}
	return netip.AddrFrom16([16]byte(b))
}

func TestTheHashOfAFlowIsOfEveryOctet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := &packet{src: drawAddr(t, "src"), dst: drawAddr(t, "dst"), sport: rapid.Uint16().Draw(t, "sport"), dport: rapid.Uint16().Draw(t, "dport")}
		if got, want := p.hash(), slowHash(p); got != want {
			t.Fatalf("%#x, want %#x", got, want)
		}
	})
}

func TestARouterThatRemembersForwardsByItsTable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var f fib
		hosts := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) netip.Addr {
			return netip.AddrFrom4([4]byte{10, rapid.Byte().Draw(t, "b") % 4, rapid.Byte().Draw(t, "c") % 4, rapid.Byte().Draw(t, "d")})
		}), 1, 50).Draw(t, "hosts")
		for range rapid.IntRange(1, 100).Draw(t, "steps") {
			host := rapid.SampledFrom(hosts).Draw(t, "host")
			switch rapid.IntRange(0, 5).Draw(t, "step") {
			case 0:
				f.t.Insert(netip.PrefixFrom(host, rapid.IntRange(8, 32).Draw(t, "bits")).Masked(), &fibEntry{})
				f.changed()
			case 1:
				f.t.Delete(netip.PrefixFrom(host, rapid.IntRange(8, 32).Draw(t, "bits")).Masked())
				f.changed()
			default:
				p := &packet{dst: host, spot: rapid.Uint8().Draw(t, "spot")} // of another destination, even
				want, _ := f.t.Lookup(host)
				if got := f.lookup(p); got != want {
					t.Fatalf("%v goes by %p, want %p", host, got, want)
				}
			}
		}
	})
}

func TestEveryPacketIsUsedOnceAtATime(t *testing.T) {
	n := exampled(t, "northwind", rates(200, 100, "ErGw1AZ"))
	s := limitedSim(t, n, 1, Limits{Factor: 20, Classes: true})
	f := flowOf(t, s, FlowSpec{Name: "f", Kind: Bulk, Src: siteHost(t, n, "montreal"), Dst: machine(t, n, "fin-core")})
	f.Start(s.Now() + 3*time.Second)
	q, err := s.NewProbe("p", siteHost(t, n, "montreal"), machine(t, n, "fin-core"))
	if err != nil {
		t.Fatal(err)
	}
	q.Send(time.Millisecond, s.Now()+3*time.Second)
	elements := n.Elements()
	for i := range 60 {
		s.Run(s.Now() + 50*time.Millisecond)
		switch el := elements[i*7%len(elements)].ID; i % 3 {
		case 0:
			err = s.Fail(Silent, el)
		case 2:
			err = s.Repair(elements[(i-2)*7%len(elements)].ID)
		}
		if err != nil {
			t.Fatal(err)
		}
		used := map[*packet]string{}
		use := func(p *packet, where string) {
			if p == nil {
				return
			}
			if other, twice := used[p]; twice {
				t.Fatalf("a packet is %s and %s", other, where)
			}
			used[p] = where
		}
		for _, p := range s.free {
			use(p, "free")
		}
		eachPlanned(&s.agenda, func(e *event) { use(e.p, "on its way") })
		for _, x := range s.pipes {
			for c := range x.queues {
				w := &x.queues[c]
				for k := range w.count {
					use(w.ring[(w.first+k)%len(w.ring)].p, "waiting")
				}
			}
		}
		if len(used)%16 != 0 {
			t.Fatalf("of packets made by the sixteen, %d are in use or free", len(used))
		}
	}
}
