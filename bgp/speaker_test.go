package bgp

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

func pairOf(t testing.TB, ca, cb NeighborConfig) (w *world, a, b *node) {
	w = newWorld(t)
	a = w.node("a", SpeakerConfig{AS: 65001, RouterID: ip("10.0.0.1"), Seed: 1})
	b = w.node("b", SpeakerConfig{AS: 65002, RouterID: ip("10.0.0.2"), Seed: 2})
	w.join(a, b, ca, cb)
	return w, a, b
}

// bringUp starts both ends and waits until they are up.
func bringUp(w *world) {
	w.t.Helper()
	for _, n := range w.nodes {
		n.start()
	}
	w.run(time.Second)
	for _, n := range w.nodes {
		for id := range n.peers {
			if got := n.state(id); got != Established {
				w.t.Fatalf("%s is %s:\n%s", n.name, got, strings.Join(w.log, "\n"))
			}
		}
	}
}

func (n *node) holds(want ...string) {
	n.w.t.Helper()
	text := strings.Join(want, "\n")
	if text != "" {
		text += "\n"
	}
	if got := n.table(); got != text {
		n.w.t.Errorf("%s after %s: %s holds\n%swant\n%s%s", n.w.t.Name(), n.w.now, n.name, got, text, strings.Join(n.w.log, "\n"))
	}
}

func TestTwoSpeakersExchangeRoutesAndTakeThemBack(t *testing.T) {
	w, a, b := pairOf(t, openly(), openly())
	a.originate("10.1.0.0/16", Attrs{})
	bringUp(w)
	b.originate("10.2.0.0/16", Attrs{})
	w.run(time.Second)
	a.holds("10.1.0.0/16 []", "10.2.0.0/16 [65002]")
	b.holds("10.1.0.0/16 [65001]", "10.2.0.0/16 []")
	a.withdraw("10.1.0.0/16")
	w.run(time.Second)
	b.holds("10.2.0.0/16 []")
	a.do(a.s.Stop(w.now, 0, nil))
	w.run(time.Second)
	a.holds()
	b.holds("10.2.0.0/16 []")
}

// RFC 4271 section 6.8: both connect at the same moment, and one connection is left, the one of the higher identifier.
func TestOfTwoConnectionsOneIsLeft(t *testing.T) {
	for _, late := range []time.Duration{0, time.Microsecond, time.Millisecond, 1500 * time.Microsecond, 2 * time.Millisecond, 3 * time.Millisecond, 5 * time.Millisecond} {
		t.Run(late.String(), func(t *testing.T) {
			w, a, b := pairOf(t, openly(), openly())
			a.originate("10.1.0.0/16", Attrs{})
			b.originate("10.2.0.0/16", Attrs{})
			a.start()
			w.run(late)
			b.start()
			w.run(time.Second)
			open := 0
			for _, x := range w.strands() {
				if x.open {
					open++
				}
			}
			sa, _ := a.s.Neighbor(0)
			sb, _ := b.s.Neighbor(0)
			if open != 2 || sa.State != Established || sb.State != Established || sa.Outbound == sb.Outbound {
				t.Errorf("%d ends are open, %s and %s\n%s", open, sa.State, sb.State, strings.Join(w.log, "\n"))
			}
			a.holds("10.1.0.0/16 []", "10.2.0.0/16 [65002]")
			b.holds("10.1.0.0/16 [65001]", "10.2.0.0/16 []")
			w.run(10 * time.Minute)
			if f := sa.Counters.Flaps; f != 0 {
				t.Errorf("it flapped %d times", f)
			}
		})
	}
}

func TestASilentLinkIsGivenUpAfterTheHoldTime(t *testing.T) {
	c := openly()
	c.HoldTime = 9 * time.Second
	w, a, b := pairOf(t, c, openly())
	b.originate("10.2.0.0/16", Attrs{})
	bringUp(w)
	if st, _ := a.s.Neighbor(0); st.HoldTime != 9*time.Second || st.KeepaliveTime != 3*time.Second {
		t.Errorf("agreed on %s and %s", st.HoldTime, st.KeepaliveTime)
	}
	w.run(time.Minute)
	a.holds("10.2.0.0/16 [65002]")
	a.cut(0, true)
	w.run(5900 * time.Millisecond) // the hold time less a keepalive interval
	a.holds("10.2.0.0/16 [65002]")
	w.run(3200 * time.Millisecond)
	a.holds()
	if st, _ := a.s.Neighbor(0); st.LastSent == nil || st.LastSent.Code != CodeHoldTimer {
		t.Errorf("sent %v", st.LastSent)
	}
	a.cut(0, false)
	w.run(5 * time.Minute)
	a.holds("10.2.0.0/16 [65002]")
}

// RFC 8212: without a policy an eBGP neighbour gets and gives nothing.
func TestNoPolicyMeansNoRoutes(t *testing.T) {
	w, a, b := pairOf(t, NeighborConfig{}, openly())
	a.originate("10.1.0.0/16", Attrs{})
	b.originate("10.2.0.0/16", Attrs{})
	bringUp(w)
	a.holds("10.1.0.0/16 []")
	b.holds("10.2.0.0/16 []")
	if st, _ := a.s.Neighbor(0); st.Received != 1 {
		t.Errorf("the Adj-RIB-In holds %d", st.Received)
	}
}

func TestPoliciesChangeAndRejectOnBothSides(t *testing.T) {
	ca, cb := openly(), openly()
	ca.Export = &Policy{Name: "out", Default: Accept, Terms: []Term{{Name: "prepend", Set: Set{PrependAS: 65001, PrependTimes: 2}, Action: Next},
		{Name: "not-this", Match: Match{Prefixes: []PrefixRule{{Prefix: netip.MustParsePrefix("10.9.0.0/16")}}}, Action: Reject}}}
	pref := uint32(200)
	cb.Import = &Policy{Name: "in", Default: Reject, Terms: []Term{{Name: "ten", Match: Match{Prefixes: []PrefixRule{{Prefix: netip.MustParsePrefix("10.0.0.0/8"), LE: 24}}}, Set: Set{LocalPref: &pref}, Action: Accept}}}
	w, a, b := pairOf(t, ca, cb)
	for _, p := range []string{"10.1.0.0/16", "10.9.0.0/16", "192.0.2.0/24"} {
		a.originate(p, Attrs{})
	}
	bringUp(w)
	b.holds("10.1.0.0/16 [65001 65001 65001]")
	if got := b.s.Candidates(netip.MustParsePrefix("10.1.0.0/16"))[0].Attrs.LocalPref; got != 200 {
		t.Errorf("local preference %d", got)
	}
}

// The service's limits: above, the session ends with a Cease; it comes back after a while, and stays when the count is below.
func TestTooManyPrefixesEndTheSession(t *testing.T) {
	cb := openly()
	cb.IPv4Limit, cb.LimitRestart = Limit{2}, time.Minute
	w, a, b := pairOf(t, openly(), cb)
	a.originate("10.1.0.0/16", Attrs{})
	a.originate("10.2.0.0/16", Attrs{})
	bringUp(w)
	b.holds("10.1.0.0/16 [65001]", "10.2.0.0/16 [65001]")
	a.originate("10.3.0.0/16", Attrs{})
	w.run(time.Second)
	b.holds()
	if st, _ := a.s.Neighbor(0); st.LastReceived == nil || st.LastReceived.Code != CodeCease || st.LastReceived.Subcode != CeaseMaxPrefixes || string(st.LastReceived.Data) != "\x00\x01\x01\x00\x00\x00\x02" {
		t.Errorf("a was told %v", st.LastReceived)
	}
	w.run(30 * time.Second)
	b.holds()
	a.withdraw("10.1.0.0/16")
	w.run(5 * time.Minute)
	b.holds("10.2.0.0/16 [65001]", "10.3.0.0/16 [65001]")
}

func restarting() NeighborConfig {
	c := openly()
	c.RestartTime, c.Families = 120*time.Second, []Family{IPv4Unicast(), IPv6Unicast()}
	return c
}

// RFC 4724 section 4.2: routes outlive a connection that breaks, and what is not announced again goes with the End-of-RIB.
func TestRoutesOutliveAGracefulRestart(t *testing.T) {
	w, a, b := pairOf(t, restarting(), restarting())
	a.originate("10.1.0.0/16", Attrs{})
	a.originate("10.3.0.0/16", Attrs{})
	a.originate("2001:db8:1::/48", Attrs{})
	bringUp(w)
	b.holds("10.1.0.0/16 [65001]", "10.3.0.0/16 [65001]", "2001:db8:1::/48 [65001]")
	a.breakLink(0)
	b.holds("10.1.0.0/16 [65001] stale", "10.3.0.0/16 [65001] stale", "2001:db8:1::/48 [65001] stale")
	a.withdraw("10.3.0.0/16")
	w.run(10 * time.Second)
	b.holds("10.1.0.0/16 [65001]", "2001:db8:1::/48 [65001]")
}

func TestStaleRoutesGoWhenTheNeighbourDoesNotComeBack(t *testing.T) {
	w, a, b := pairOf(t, restarting(), restarting())
	a.originate("10.1.0.0/16", Attrs{})
	bringUp(w)
	a.kill()
	w.run(119 * time.Second)
	b.holds("10.1.0.0/16 [65001] stale")
	w.run(2 * time.Second)
	b.holds()
}

// RFC 8538: a notification that is no hard reset does not end a graceful restart; an administrative shutdown does.
func TestANotificationIsSurvivedAHardResetIsNot(t *testing.T) {
	w, a, b := pairOf(t, restarting(), restarting())
	a.originate("10.1.0.0/16", Attrs{})
	bringUp(w)
	a.do(a.s.Reset(w.now, 0, &Notification{Code: CodeCease, Subcode: CeaseReset}))
	w.run(10 * time.Millisecond)
	b.holds("10.1.0.0/16 [65001] stale")
	w.run(time.Minute)
	b.holds("10.1.0.0/16 [65001]")
	a.do(a.s.Stop(w.now, 0, NewShutdown(CeaseShutdown, "works on the fibre")))
	w.run(10 * time.Millisecond)
	b.holds()
	st, _ := b.s.Neighbor(0)
	inner, ok := st.LastReceived.Inner()
	if !ok {
		t.Fatalf("received %v", st.LastReceived)
	}
	if text, _ := inner.Communication(); text != "works on the fibre" {
		t.Errorf("the message is %q", text)
	}
}

// RFC 4724 section 4.1: a speaker that restarts keeps silent until its neighbours have told all they have.
func TestARestartedSpeakerDefersItsSelection(t *testing.T) {
	w := newWorld(t)
	a := w.node("a", SpeakerConfig{AS: 65001, RouterID: ip("10.0.0.1"), Restarting: true, SelectionDeferral: time.Minute})
	b := w.node("b", SpeakerConfig{AS: 65002, RouterID: ip("10.0.0.2")})
	c := w.node("c", SpeakerConfig{AS: 65003, RouterID: ip("10.0.0.3")})
	w.join(a, b, restarting(), restarting())
	ac, _ := w.join(a, c, restarting(), restarting())
	b.originate("10.2.0.0/16", Attrs{})
	c.originate("10.3.0.0/16", Attrs{})
	a.originate("10.1.0.0/16", Attrs{})
	a.peers[ac].refuses = true
	c.peers[0].refuses = true
	for _, n := range w.nodes {
		n.start()
	}
	w.run(30 * time.Second)
	a.holds() // c has not come
	b.holds("10.2.0.0/16 []")
	w.run(31 * time.Second)
	a.holds("10.1.0.0/16 []", "10.2.0.0/16 [65002]")
	b.holds("10.1.0.0/16 [65001]", "10.2.0.0/16 []")
}

func TestARestartedSpeakerGoesOnWhenAllHaveTold(t *testing.T) {
	w := newWorld(t)
	a := w.node("a", SpeakerConfig{AS: 65001, RouterID: ip("10.0.0.1"), Restarting: true})
	b := w.node("b", SpeakerConfig{AS: 65002, RouterID: ip("10.0.0.2")})
	w.join(a, b, restarting(), restarting())
	a.originate("10.1.0.0/16", Attrs{})
	b.originate("10.2.0.0/16", Attrs{})
	bringUp(w)
	a.holds("10.1.0.0/16 []", "10.2.0.0/16 [65002]")
	b.holds("10.1.0.0/16 [65001]", "10.2.0.0/16 []")
}

// RFC 2918 and RFC 7313: a refresh brings everything again, and with the enhanced one what is no longer there goes.
func TestARefreshTellsEverythingAgain(t *testing.T) {
	for _, plain := range []bool{false, true} {
		t.Run(fmt.Sprintf("plain %v", plain), func(t *testing.T) {
			c := openly()
			c.NoEnhancedRefresh = plain
			w, a, b := pairOf(t, c, c)
			for i := range 10 {
				a.originate(fmt.Sprintf("10.%d.0.0/16", i), Attrs{})
			}
			bringUp(w)
			before, _ := b.s.Neighbor(0)
			b.do(b.s.Refresh(w.now, 0, IPv4Unicast()))
			w.run(time.Second)
			after, _ := b.s.Neighbor(0)
			if after.Counters.UpdatesReceived != before.Counters.UpdatesReceived+1 || after.Received != 10 || after.Stale != 0 {
				t.Errorf("%+v\n%s", after, strings.Join(w.log, "\n"))
			}
			if !slices.ContainsFunc(a.news, func(o Output) bool { return o.Kind == OutRefresh }) {
				t.Error("nobody was asked")
			}
		})
	}
}

// RFC 9384: the link's failure is told, if it can be, as a Cease.
func TestALinkThatFailsEndsTheSession(t *testing.T) {
	w, a, b := pairOf(t, openly(), openly())
	b.originate("10.2.0.0/16", Attrs{})
	bringUp(w)
	a.do(a.s.LinkFailed(w.now, 0))
	a.holds()
	w.run(time.Second)
	if st, _ := b.s.Neighbor(0); st.LastReceived == nil || st.LastReceived.Subcode != CeaseBFDDown {
		t.Errorf("b was told %v", st.LastReceived)
	}
	w.run(time.Minute)
	a.holds("10.2.0.0/16 [65002]")
}

// RFC 4456: a reflector passes on among its clients, and loops end.
func TestAReflectorReflects(t *testing.T) {
	w := newWorld(t)
	rr := w.node("rr", SpeakerConfig{AS: 65001, RouterID: ip("10.0.0.1")})
	x := w.node("x", SpeakerConfig{AS: 65001, RouterID: ip("10.0.0.2")})
	y := w.node("y", SpeakerConfig{AS: 65001, RouterID: ip("10.0.0.3")})
	z := w.node("z", SpeakerConfig{AS: 65001, RouterID: ip("10.0.0.4")})
	client := NeighborConfig{RouteReflectorClient: true}
	w.join(rr, x, client, NeighborConfig{})
	w.join(rr, y, client, NeighborConfig{})
	w.join(rr, z, NeighborConfig{}, NeighborConfig{})
	w.join(x, y, NeighborConfig{}, NeighborConfig{})
	x.originate("10.2.0.0/16", Attrs{})
	z.originate("10.4.0.0/16", Attrs{})
	bringUp(w)
	y.holds("10.2.0.0/16 []", "10.4.0.0/16 []")
	z.holds("10.2.0.0/16 []", "10.4.0.0/16 []")
	list := y.s.Candidates(netip.MustParsePrefix("10.2.0.0/16"))
	if len(list) != 2 || list[0].Attrs.OriginatorID.IsValid() || list[1].Attrs.OriginatorID != ip("10.0.0.2") || !slices.Equal(list[1].Attrs.ClusterList, []netip.Addr{ip("10.0.0.1")}) {
		t.Errorf("%+v", list)
	}
}

// RFC 2545 section 3: what a reflector passes on with the next hop that it has goes without the link-local address.
func TestALinkLocalNextHopStaysOnItsLink(t *testing.T) {
	w := newWorld(t)
	rr := w.node("rr", SpeakerConfig{AS: 65001, RouterID: ip("10.0.0.1")})
	x := w.node("x", SpeakerConfig{AS: 65001, RouterID: ip("10.0.0.2")})
	y := w.node("y", SpeakerConfig{AS: 65001, RouterID: ip("10.0.0.3")})
	six := func(client bool, local string) NeighborConfig {
		return NeighborConfig{Families: []Family{IPv6Unicast()}, RouteReflectorClient: client, LocalLinkLocal: ip(local)}
	}
	w.join(rr, x, six(true, "fe80::1"), six(false, "fe80::2"))
	w.join(rr, y, six(true, "fe80::1"), six(false, "fe80::3"))
	x.originate("2001:db8:2::/48", Attrs{})
	bringUp(w)
	for _, c := range []struct {
		at   *node
		want netip.Addr
	}{{rr, ip("fe80::2")}, {y, netip.Addr{}}} {
		a, _ := c.at.s.Best(netip.MustParsePrefix("2001:db8:2::/48"))
		if a == nil || a.NextHop != x.s.neighbors[0].cfg.LocalIPv6 || a.NextHopLocal != c.want {
			t.Errorf("%s holds %+v, want the link-local address %s", c.at.name, a, c.want)
		}
	}
}

// RFC 4271 section 9.2.1.1.
func TestUpdatesKeepTheMinimumInterval(t *testing.T) {
	c := openly()
	c.MRAI = 30 * time.Second
	w, a, b := pairOf(t, c, openly())
	a.originate("10.1.0.0/16", Attrs{})
	bringUp(w)
	b.holds("10.1.0.0/16 [65001]")
	a.originate("10.2.0.0/16", Attrs{})
	w.run(20 * time.Second)
	b.holds("10.1.0.0/16 [65001]")
	w.run(10 * time.Second)
	b.holds("10.1.0.0/16 [65001]", "10.2.0.0/16 [65001]")
	st, _ := b.s.Neighbor(0)
	before := st.Counters.UpdatesReceived
	w.run(time.Minute)
	for range 50 {
		a.originate("10.3.0.0/16", Attrs{MED: 1, HasMED: true})
		a.originate("10.3.0.0/16", Attrs{MED: 2, HasMED: true})
		w.run(time.Second)
	}
	if st, _ = b.s.Neighbor(0); st.Counters.UpdatesReceived > before+3 {
		t.Errorf("%d updates in 50 s", st.Counters.UpdatesReceived-before)
	}
}
