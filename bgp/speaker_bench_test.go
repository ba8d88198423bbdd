package bgp

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"runtime"
	"testing"
	"time"
)

// many is a hub with sessions to as many neighbours, each end with its own prefixes to tell; what the hub learns it keeps.
func many(b testing.TB, sessions, prefixes int) (w *world, hub *node) {
	w = newWorld(b)
	w.quiet = true
	hub = w.node("hub", SpeakerConfig{AS: 65000, RouterID: ip("10.255.0.1")})
	own := &Policy{Name: "own", Default: Reject, Terms: []Term{{Name: "local", Match: Match{From: []PeerType{Local}}, Action: Accept}}}
	for i := range sessions {
		n := w.node(fmt.Sprint(i), SpeakerConfig{AS: ASN(100000 + i), RouterID: netip.AddrFrom4([4]byte{10, 254, byte(i >> 8), byte(i)})})
		w.pair(hub, n, i, NeighborConfig{Export: own, PolicyOptional: true, Passive: true}, openly())
	}
	return w, hub
}

// pair is join with addresses for thousands of neighbours of one node.
func (w *world) pair(hub, n *node, i int, ca, cb NeighborConfig) {
	w.t.Helper()
	here, there := netip.AddrFrom4([4]byte{10, 100, byte(i >> 8), byte(i)}), netip.AddrFrom4([4]byte{10, 200, byte(i >> 8), byte(i)})
	ca.Addr, ca.LocalAddr, ca.AS = there, here, n.s.cfg.AS
	cb.Addr, cb.LocalAddr, cb.AS = here, there, hub.s.cfg.AS
	ia, err := hub.s.AddNeighbor(w.now, ca)
	if err != nil {
		w.t.Fatal(err)
	}
	ib, err := n.s.AddNeighbor(w.now, cb)
	if err != nil {
		w.t.Fatal(err)
	}
	hub.peers[ia], n.peers[ib] = &far{node: n, id: ib}, &far{node: hub, id: ia}
}

// tell lets a node originate /24s from a number on, twenty attribute sets among them.
func (n *node) tell(from, count int) {
	for k := range count {
		var a [4]byte
		binary.BigEndian.PutUint32(a[:], 0x14000000+uint32(from+k)<<8)                                                   //nolint:gosec // small numbers
		n.do(n.s.Originate(n.w.now, netip.PrefixFrom(netip.AddrFrom4(a), 24), Attrs{MED: uint32(k % 20), HasMED: true})) //nolint:gosec // small numbers
	}
}

// BenchmarkSpeaker brings up a hub's sessions in virtual time, with a thousand prefixes each way, both ends being full speakers.
func BenchmarkSpeaker(b *testing.B) {
	for _, sessions := range []int{10, 100, 1000} {
		b.Run(fmt.Sprint(sessions), func(b *testing.B) {
			b.ReportAllocs()
			for range b.N {
				const prefixes = 1000
				w, hub := many(b, sessions, prefixes)
				hub.tell(0, prefixes)
				for i, n := range w.nodes[1:] {
					n.tell((i+1)*prefixes, prefixes)
				}
				for _, n := range w.nodes {
					n.start()
				}
				w.run(10 * time.Second)
				if got, want := hub.s.Prefixes(), (sessions+1)*prefixes; got != want {
					b.Fatalf("the hub holds %d prefixes, want %d", got, want)
				}
				for _, n := range w.nodes[1:] {
					if got := n.s.Prefixes(); got != 2*prefixes {
						b.Fatalf("%s holds %d prefixes", n.name, got)
					}
				}
			}
		})
	}
}

// BenchmarkSpeakerMemory measures what a session with a thousand prefixes each way takes on the hub: its heap before and after.
func BenchmarkSpeakerMemory(b *testing.B) {
	const sessions, prefixes = 200, 1000
	for range b.N {
		w, hub := many(b, sessions, prefixes)
		hub.tell(0, prefixes)
		for i, n := range w.nodes[1:] {
			n.tell((i+1)*prefixes, prefixes)
		}
		for _, n := range w.nodes {
			n.start()
		}
		w.run(10 * time.Second)
		if hub.s.Prefixes() != (sessions+1)*prefixes {
			b.Fatal("not all is there")
		}
		s := hub.s
		w.nodes, w.wires, w.plans, hub.peers = nil, nil, nil, nil
		with := heapInUse()
		runtime.KeepAlive(s)
		hub.s = nil
		s = nil
		without := heapInUse()
		b.ReportMetric(float64(with-without)/sessions/1000, "kB/session")
	}
}

func heapInUse() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc) //nolint:gosec // far below
}

// BenchmarkCrowd has many neighbours announce the same prefixes.
func BenchmarkCrowd(b *testing.B) {
	for _, sessions := range []int{100, 1000} {
		b.Run(fmt.Sprint(sessions), func(b *testing.B) {
			b.ReportAllocs()
			for range b.N {
				w, hub := many(b, sessions, 0)
				for _, n := range w.nodes[1:] {
					n.tell(0, 100)
				}
				for _, n := range w.nodes {
					n.start()
				}
				w.run(10 * time.Second)
				if hub.s.Prefixes() != 100 {
					b.Fatal("not all is there")
				}
			}
		})
	}
}
