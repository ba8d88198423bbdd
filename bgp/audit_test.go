package bgp

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// audit recomputes everything that a speaker keeps up to date step by step, slowly and from the definitions, and returns what differs.
func audit(s *Speaker) error {
	lists := map[netip.Prefix][]*route{}
	for p, r := range s.own.All() {
		lists[p] = append(lists[p], r)
	}
	for _, n := range s.neighbors {
		if n == nil {
			continue
		}
		if err := auditNeighbor(n); err != nil {
			return fmt.Errorf("neighbour %s: %w", n.cfg.Addr, err)
		}
		for p, r := range n.adjIn.All() {
			if want := n.imported(p, r.raw); !want.Equal(r.attrs) {
				return fmt.Errorf("%s from %s is %+v, want %+v", p, n.cfg.Addr, r.attrs, want)
			}
			if r.attrs != nil {
				lists[p] = append(lists[p], r)
			}
		}
	}
	count := 0
	for p, head := range s.loc.All() {
		count++
		var list []*route
		for x := head; x != nil; x = x.next {
			list = append(list, x)
		}
		if len(list) != len(lists[p]) {
			return fmt.Errorf("%s has %d candidates, want %d", p, len(list), len(lists[p]))
		}
		var cs []Candidate
		for _, x := range list {
			if !slices.Contains(lists[p], x) {
				return fmt.Errorf("%s has a candidate that nobody announces", p)
			}
			cs = append(cs, Candidate{})
			x.fill(p, &cs[len(cs)-1])
		}
		if s.deferring {
			continue
		}
		paths, step := Multipath(cs, s.cfg.Decision, nil)
		if head.step != step || paths[0] != 0 {
			return fmt.Errorf("%s is decided by %q at %d, want %q at %d", p, head.step, 0, step, paths[0])
		}
		for i, x := range list {
			if x.used != slices.Contains(paths, i) {
				return fmt.Errorf("%s candidate %d is in use: %v", p, i, x.used)
			}
		}
	}
	if count != len(lists) {
		return fmt.Errorf("the Loc-RIB holds %d prefixes, want %d", count, len(lists))
	}
	for i, g := range s.groups {
		held := 0
		for p, head := range s.loc.All() {
			if !head.used {
				continue
			}
			want := s.toldAnew(g, p, head)
			if want == nil {
				continue
			}
			held++
			if got, _ := g.table.Get(p); got.from != head.from || !got.attrs.Equal(want) {
				return fmt.Errorf("group %d is told %+v of %s, want %+v", i, got.attrs, p, want)
			}
		}
		if g.table.Size() != held {
			return fmt.Errorf("group %d is told of %d prefixes, want %d", i, g.table.Size(), held)
		}
		if len(g.members) == 0 {
			return fmt.Errorf("group %d has no members", i)
		}
	}
	return nil
}

func auditNeighbor(n *neighbor) error {
	conns := 0
	for id, c := range n.s.conns {
		if c.n != n {
			continue
		}
		conns++
		if c.conn != id || !c.up || c != n.main && c != n.other {
			return fmt.Errorf("connection %d belongs to no session", id)
		}
		if len(c.in) > MaxMessageLen || c.outstanding > window+round*MaxMessageLen {
			return fmt.Errorf("connection %d holds %d octets of a message, %d wait", id, len(c.in), c.outstanding)
		}
	}
	switch {
	case conns > 2:
		return fmt.Errorf("%d connections", conns)
	case n.other != nil && n.other.state() == Established:
		return fmt.Errorf("a session that does not count is Established")
	case n.other != nil && n.main.state() == Established && n.other.state() > OpenSent:
		return fmt.Errorf("two sessions, %s and %s", n.main.state(), n.other.state())
	case n.shown != n.main.state():
		return fmt.Errorf("it is %s and told as %s", n.main.state(), n.shown)
	case (n.main.state() == Established) != (n.group != nil):
		return fmt.Errorf("it is %s and is told of routes: %v", n.main.state(), n.group != nil)
	case n.main.state() != Established && n.restartAt == never && n.adjIn.Size() > 0:
		return fmt.Errorf("%d routes of a session that is %s", n.adjIn.Size(), n.main.state())
	case n.main.state() != Established && len(n.order)+len(n.pending)+len(n.dump) > 0:
		return fmt.Errorf("updates wait for a session that is %s", n.main.state())
	case len(n.order) != len(n.pending):
		return fmt.Errorf("%d prefixes wait in order, %d in all", len(n.order), len(n.pending))
	case n.cfg.IPv4Limit.Max > 0 && n.adjIn.Size4() > n.cfg.IPv4Limit.Max:
		return fmt.Errorf("%d prefixes, the limit is %d", n.adjIn.Size4(), n.cfg.IPv4Limit.Max)
	}
	for p, r := range n.adjIn.All() {
		stale := r.epoch != n.epoch[n.index(FamilyOf(p))]
		if stale && n.main.state() != Established && n.restartAt == never || stale && n.main.state() == Established && n.staleAt == never {
			return fmt.Errorf("%s is stale for ever", p)
		}
		if !stale && n.main.state() != Established {
			return fmt.Errorf("%s is not stale and the session is %s", p, n.main.state())
		}
	}
	at := n.next()
	if got, ok := n.s.Deadline(); at != never && (!ok || got > at) {
		return fmt.Errorf("something is due at %s, the speaker says %s", at, got)
	}
	return nil
}

// agree tells whether what one end was told is what the other holds.
func (n *node) agree(id NeighborID) error {
	far := n.peers[id]
	in := map[netip.Prefix]*Attrs{}
	for h := range far.node.s.AdjRIBIn(far.id) {
		in[h.Prefix] = h.Attrs
		if h.Stale {
			return fmt.Errorf("%s is stale at %s", h.Prefix, far.node.name)
		}
	}
	out := 0
	for p, a := range n.s.AdjRIBOut(id) {
		out++
		got := in[p]
		if got == nil {
			return fmt.Errorf("%s was told of %s and holds nothing", far.node.name, p)
		}
		if !got.Equal(&a) {
			return fmt.Errorf("%s was told %+v of %s and holds %+v", far.node.name, a, p, got)
		}
	}
	if out != len(in) {
		return fmt.Errorf("%s was told of %d prefixes and holds %d", far.node.name, out, len(in))
	}
	return nil
}

// FuzzSpeakers is a triangle of speakers to which everything happens that can: the fuzzer's octets say what and when. Whatever
// happened, each keeps its books in order, and once the links are left in peace all is up and told.
func FuzzSpeakers(f *testing.F) {
	f.Add([]byte{0, 0, 0, 1, 1, 1, 2, 10, 2, 3, 20, 3, 4, 4, 4, 9, 200, 1, 8, 3, 3})
	f.Add([]byte{0, 0, 0, 9, 30, 0, 2, 3, 9, 6, 0, 7, 9, 255, 0, 5, 1, 0, 9, 255, 1})
	f.Add([]byte{0, 0, 0, 9, 30, 0, 2, 3, 9, 10, 7, 3, 2, 4, 9, 9, 255, 0, 11, 5, 5, 9, 100, 0, 12, 1, 1, 13, 2, 60, 9, 200, 0})
	f.Fuzz(func(t *testing.T, steps []byte) {
		if len(steps) > 600 {
			steps = steps[:600]
		}
		fuzzSpeakers(t, steps)
	})
}

func fuzzSpeakers(t rapid.TB, steps []byte) {
	w := newWorld(t)
	w.quiet, w.most = true, 100_000
	kinds := []NeighborConfig{openly(), restarting(), restarting()}
	kinds[0].MRAI, kinds[0].HoldTime = 2*time.Second, 9*time.Second
	kinds[1].IPv4Limit, kinds[1].LimitRestart = Limit{6}, 10*time.Second
	kinds[2].DelayOpen, kinds[2].Damping = time.Second, true
	a := w.node("a", SpeakerConfig{AS: 65001, RouterID: ip("10.0.0.1"), Seed: 1, Decision: Config{Multipath: 2, MultipathRelax: true}})
	b := w.node("b", SpeakerConfig{AS: 65002, RouterID: ip("10.0.0.2"), Seed: 2})
	c := w.node("c", SpeakerConfig{AS: 65002, RouterID: ip("10.0.0.3"), Seed: 3, Restarting: true})
	w.join(a, b, kinds[0], kinds[1])
	w.join(b, c, NeighborConfig{RestartTime: 20 * time.Second}, NeighborConfig{RestartTime: 20 * time.Second, RouteReflectorClient: true})
	w.join(c, a, kinds[2], kinds[2])
	var spoil func(b []byte) []byte
	w.mangle = func(b []byte) []byte {
		if spoil == nil {
			return b
		}
		b = spoil(b)
		spoil = nil
		return b
	}
	prefix := func(v byte) netip.Prefix {
		if v&64 != 0 {
			return netip.PrefixFrom(netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, v & 7}), 48)
		}
		return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, v & 15, 0, 0}), 16)
	}
	for i := 0; i+2 < len(steps); i += 3 {
		what, x, y := steps[i], steps[i+1], steps[i+2]
		n := w.nodes[int(x)%3]
		id := NeighborID(y & 1)
		switch what % 15 {
		case 0:
			n.start()
		case 1:
			n.do(n.s.Start(w.now, id))
		case 2, 3:
			n.do(n.s.Originate(w.now, prefix(y), Attrs{MED: uint32(y >> 6), HasMED: true}))
		case 4:
			n.do(n.s.Withdraw(w.now, prefix(y)))
		case 5:
			n.do(n.s.Stop(w.now, id, nil))
		case 6:
			n.breakLink(id)
		case 7:
			n.cut(id, true)
		case 8:
			n.cut(id, false)
		case 9:
			w.run(time.Duration(x)*time.Duration(1+int(y))*time.Millisecond + time.Duration(y))
		case 10: // octets that change on the way
			spoil = func(b []byte) []byte {
				b[int(y)*len(b)/256] ^= 1 << (x & 7)
				return b
			}
		case 11: // octets that are lost
			spoil = func(b []byte) []byte {
				return append(b[:int(y)*len(b)/256:int(y)*len(b)/256], b[min(len(b), int(y)*len(b)/256+1+int(x&31)):]...)
			}
		case 12:
			n.do(n.s.Refresh(w.now, id, []Family{IPv4Unicast(), IPv6Unicast()}[x&1]))
		case 13: // octets out of nowhere
			for _, s := range w.strands() {
				if s.n == n && s.open && s.id == id {
					n.do(n.s.Received(w.now, s.conn, steps[i:min(len(steps), i+int(y))]))
				}
			}
		case 14:
			n.do(n.s.LinkFailed(w.now, id))
		}
		for _, n := range w.nodes {
			if err := audit(n.s); err != nil {
				t.Fatalf("step %d: %s: %v", i/3, n.name, err)
			}
		}
	}
	// What came through wrong is wrong until the session is new. Then all is well.
	spoil = nil
	for _, n := range w.nodes {
		for id := range n.peers {
			n.cut(id, false)
		}
		n.do(n.s.Stop(w.now, 0, nil))
		n.do(n.s.Stop(w.now, 1, nil))
	}
	w.run(10 * time.Minute)
	for _, n := range w.nodes {
		n.start()
	}
	for p := range 16 {
		for _, n := range w.nodes { // below the limit again
			if p > 1 {
				n.do(n.s.Withdraw(w.now, prefix(byte(p))))
			}
		}
	}
	w.run(10 * time.Minute)
	for _, n := range w.nodes {
		if err := audit(n.s); err != nil {
			t.Fatalf("in the end: %s: %v", n.name, err)
		}
		for id := range NeighborID(2) {
			if got := n.state(id); got != Established {
				t.Fatalf("in the end %s is %s", n.name, got)
			}
			if err := n.agree(id); err != nil {
				t.Fatalf("in the end: %v", err)
			}
		}
	}
}

// The same by drawn steps, in every run of the tests.
func TestSpeakersKeepTheirBooksWhateverHappens(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		steps := rapid.SliceOfN(rapid.Byte(), 0, 240).Draw(t, "steps")
		fuzzSpeakers(t, append([]byte{0, 0, 0, 0, 1, 0, 0, 2, 0, 9, 200, 20}, steps...))
	})
}
