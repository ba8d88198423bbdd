package bgp

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// A neighbour that reads nothing costs a window of octets and a prefix each of what it is still to be told.
func TestANeighbourThatDoesNotReadCostsAWindow(t *testing.T) {
	w, a, b := pairOf(t, openly(), openly())
	bringUp(w)
	var conn ConnID
	for _, x := range w.strands() {
		if x.n == a && x.open {
			conn = x.conn
		}
	}
	const prefixes = 20_000
	sent := 0
	count := func(list []Output) {
		for _, o := range list {
			if o.Kind == OutSend {
				sent += len(o.Bytes)
			}
		}
	}
	for round := range 5 { // each round changes every route, and each has attributes of its own
		for i := range prefixes {
			p := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 0}), 24)
			count(a.s.Originate(w.now, p, Attrs{Communities: []Community{Community(i), Community(1<<20 + round)}})) //nolint:gosec // small numbers
		}
	}
	if st, _ := a.s.Neighbor(0); sent > window+round*MaxMessageLen || st.Pending > prefixes {
		t.Errorf("%d octets were sent and %d prefixes wait", sent, st.Pending)
	}
	if err := audit(a.s); err != nil {
		t.Error(err)
	}
	a.do(a.s.Sent(w.now, conn, sent)) // now it reads, and what went the other way round the world is lost
	b.do(b.s.Refresh(w.now, 0, IPv4Unicast()))
	w.run(time.Minute)
	if err := a.agree(0); err != nil {
		t.Error(err)
	}
	if st, _ := b.s.Neighbor(0); st.Received != prefixes {
		t.Errorf("%d prefixes arrived", st.Received)
	}
}

func TestAttributesThatNobodyHoldsAreForgotten(t *testing.T) {
	w, a, b := pairOf(t, openly(), openly())
	w.quiet = true
	for i := range 500 {
		a.originate(fmt.Sprintf("10.%d.%d.0/24", i>>8, i&255), Attrs{})
	}
	bringUp(w)
	for i := range 20_000 {
		a.originate("10.1.0.0/24", Attrs{MED: uint32(i), HasMED: true}) //nolint:gosec // small numbers
		if i%100 == 0 {
			w.run(time.Second)
		}
	}
	w.run(time.Second)
	if n, m := a.s.pool.Len(), b.s.pool.Len(); n > 2048 || m > 2048 {
		t.Errorf("the pools hold %d and %d attribute sets for 501 routes", n, m)
	}
	for _, n := range w.nodes {
		if err := audit(n.s); err != nil {
			t.Errorf("%s: %v", n.name, err)
		}
	}
}

func TestTheSameSeedsTellTheSameStory(t *testing.T) {
	story := func(seed uint64) string {
		w := newWorld(t)
		a := w.node("a", SpeakerConfig{AS: 65001, RouterID: ip("10.0.0.1"), Seed: seed})
		b := w.node("b", SpeakerConfig{AS: 65002, RouterID: ip("10.0.0.2"), Seed: seed + 1})
		c := w.node("c", SpeakerConfig{AS: 65003, RouterID: ip("10.0.0.3"), Seed: seed + 2})
		for _, x := range [][2]*node{{a, b}, {b, c}, {c, a}} {
			cfg := openly()
			cfg.HoldTime, cfg.MRAI = 9*time.Second, time.Second
			w.join(x[0], x[1], cfg, cfg)
		}
		for _, n := range w.nodes {
			n.start()
		}
		a.originate("10.1.0.0/16", Attrs{})
		w.run(20 * time.Second)
		a.cut(0, true)
		w.run(30 * time.Second)
		a.cut(0, false)
		w.run(5 * time.Minute)
		return strings.Join(w.log, "\n") + "\n" + c.table()
	}
	if x, y := story(7), story(7); x != y {
		t.Errorf("%s\nand then\n%s", x, y)
	}
	if story(7) == story(8) {
		t.Error("another seed changes nothing: is there jitter at all?")
	}
}

func TestANeighbourThatIsRemovedLeavesNothing(t *testing.T) {
	w, a, b := pairOf(t, openly(), restarting())
	b.originate("10.2.0.0/16", Attrs{})
	bringUp(w)
	a.do(a.s.RemoveNeighbor(w.now, 0))
	a.holds()
	w.run(time.Minute)
	if st, _ := b.s.Neighbor(0); st.LastReceived == nil || st.LastReceived.Code != CodeCease || st.LastReceived.Subcode != CeaseDeconfigured {
		t.Errorf("b was told %v", st.LastReceived)
	}
	if at, ok := a.s.Deadline(); ok {
		t.Errorf("something is due at %s", at)
	}
	if len(a.s.conns) != 0 || len(a.s.groups) != 0 {
		t.Errorf("%d connections, %d groups", len(a.s.conns), len(a.s.groups))
	}
}

// RFC 5492 section 5, RFC 4760 section 8: nothing in common is nothing to talk about.
func TestNeighboursWithoutACommonFamilyRefuseEachOther(t *testing.T) {
	ca, cb := openly(), openly()
	ca.Families, cb.Families = []Family{IPv4Unicast()}, []Family{IPv6Unicast()}
	w, a, _ := pairOf(t, ca, cb)
	for _, n := range w.nodes {
		n.start()
	}
	w.run(time.Second)
	st, _ := a.s.Neighbor(0)
	note := st.LastSent
	if note == nil {
		note = st.LastReceived
	}
	if st.State == Established || note == nil || note.Code != CodeOpen || note.Subcode != openCapability {
		t.Errorf("%s, %v", st.State, note)
	}
}

// RFC 4271 section 6.8: a connection that comes while the session is up is refused, unless the neighbour restarts gracefully.
func TestASecondConnectionToASessionThatIsUp(t *testing.T) {
	for _, graceful := range []bool{false, true} {
		t.Run(fmt.Sprintf("graceful %v", graceful), func(t *testing.T) {
			ca, cb := openly(), openly()
			if graceful {
				ca, cb = restarting(), restarting()
			}
			ca.Passive = true
			w, a, b := pairOf(t, ca, cb)
			b.originate("10.2.0.0/16", Attrs{})
			bringUp(w)
			b.dead = true // its machine is gone, and comes back with the connection still standing here
			again := w.node("b again", SpeakerConfig{AS: 65002, RouterID: ip("10.0.0.2"), Restarting: graceful})
			id, err := again.s.AddNeighbor(w.now, b.s.neighbors[0].cfg)
			if err != nil {
				t.Fatal(err)
			}
			again.peers[id] = &far{node: a, id: 0}
			again.originate("10.2.0.0/16", Attrs{})
			a.peers[0].node, a.peers[0].id = again, id
			a.news = nil
			again.start()
			w.run(time.Second)
			got, _ := again.s.Neighbor(id)
			switch {
			case graceful && (got.State != Established || a.state(0) != Established):
				t.Errorf("%s and %s\n%s", a.state(0), got.State, strings.Join(w.log, "\n"))
			case !graceful && (got.State == Established || got.LastReceived == nil || got.LastReceived.Subcode != CeaseCollision):
				t.Errorf("%s after %v\n%s", got.State, got.LastReceived, strings.Join(w.log, "\n"))
			}
			a.holds("10.2.0.0/16 [65002]")
			for _, o := range a.news {
				if o.Kind == OutRoute && graceful {
					t.Errorf("%s changed", o.Prefix)
				}
			}
			if err := audit(a.s); err != nil {
				t.Error(err)
			}
		})
	}
}
