//go:build linux

package speaker_test

import (
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// These tests prove the laboratory itself with the two daemons that are known to understand each other.

// labPair is FRR and BIRD at the two ends of a link.
type labPair struct {
	*lab
	link          *labLink
	frrAt, birdAt *labSpeaker
	frr           *frr
	bird          *bird
	peerings      []labPeering
}

// newPair makes a lab in which FRR and BIRD have a session for each family; change may alter the peerings.
func newPair(t *testing.T, change func(*labPair)) *labPair {
	t.Helper()
	t.Parallel()
	p := &labPair{lab: newLab(t, "frr", "bird"), frrAt: frrSpeaker(), birdAt: birdSpeaker()}
	p.link = p.lab.link("frr", "bird")
	for _, family := range []string{"ipv4", "ipv6"} {
		p.peerings = append(p.peerings, p.link.peering(family, p.frrAt, "frr", p.birdAt, "bird"))
	}
	if change != nil {
		change(p)
	}
	p.frr = startFRR(t, p.node("frr"), p.frrAt, p.peerings...)
	p.bird = startBIRD(t, p.node("bird"), p.birdAt, p.peerings...)
	return p
}

// frrSpeaker announces every attribute that FRR can originate.
func frrSpeaker() *labSpeaker {
	s := &labSpeaker{AS: 64512, ID: netip.MustParseAddr("192.0.2.201")}
	for _, prefix := range []string{"10.1.1.0/24", "2001:db8:1::/48"} {
		s.Routes = append(s.Routes, labRoute{
			Prefix: netip.MustParsePrefix(prefix), Path: "64999 4200000001", Origin: "egp", MED: number(77),
			Communities: []string{"65000:1", "65000:2", "65535:666"}, ExtCommunities: []string{"rt:65000:1", "rt:192.0.2.1:5", "soo:65000:9"},
			LargeCommunities: []string{"4200000000:1:2", "65000:1:3"}, AtomicAggregate: true, Aggregator: "64998 192.0.2.77",
		})
	}
	for _, prefix := range []string{"10.1.2.0/25", "2001:db8:1:2::/64"} {
		s.Routes = append(s.Routes, labRoute{Prefix: netip.MustParsePrefix(prefix), MED: number(0)})
	}
	return s
}

// birdSpeaker announces every attribute that BIRD can originate.
func birdSpeaker() *labSpeaker {
	s := &labSpeaker{AS: 4200000513, ID: netip.MustParseAddr("192.0.2.202")}
	for _, prefix := range []string{"10.2.1.0/24", "2001:db8:2::/48"} {
		s.Routes = append(s.Routes, labRoute{
			Prefix: netip.MustParsePrefix(prefix), Path: "64998 4200000002", Origin: "incomplete", MED: number(5),
			Communities: []string{"65000:3", "65535:7"}, ExtCommunities: []string{"rt:4200000000:1", "soo:65000:7"},
			LargeCommunities: []string{"65000:1:2"},
		})
	}
	for _, prefix := range []string{"10.2.2.0/25", "2001:db8:2:2::/64", "0.0.0.0/0", "::/0"} {
		s.Routes = append(s.Routes, labRoute{Prefix: netip.MustParsePrefix(prefix)})
	}
	return s
}

// established waits for all sessions of the pair.
func (p *labPair) established(t *testing.T) {
	t.Helper()
	for _, peering := range p.peerings {
		waitEstablished(t, p.frr, peering.B.Addr)
		waitEstablished(t, p.bird, peering.A.Addr)
	}
}

// converged waits until each holds what the other announces.
func (p *labPair) converged(t *testing.T) {
	t.Helper()
	p.established(t)
	for _, peering := range p.peerings {
		family := peering.families()[0]
		waitLearnt(t, p.frr, family, peering.B.announces())
		waitLearnt(t, p.bird, family, peering.A.announces())
	}
}

func TestLabFRRAndBIRDExchangeEveryAttributeBothWays(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*labPair)
	}{
		{"either end connects", nil},
		{"FRR waits, with MD5 signatures", func(p *labPair) {
			for i := range p.peerings {
				p.peerings[i].A.Passive, p.peerings[i].Password = true, "secret"
			}
		}},
		{"BIRD waits, with TTL security", func(p *labPair) {
			for i := range p.peerings {
				p.peerings[i].B.Passive, p.peerings[i].TTLSecurity = true, true
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) { newPair(t, c.change).converged(t) })
	}
}

func TestLabAChangedAttributeIsNoticed(t *testing.T) {
	p := newPair(t, nil)
	p.converged(t)
	want := p.peerings[0].B.announces()
	held, err := p.frr.table("ipv4")
	if err != nil {
		t.Fatal(err)
	}
	held = learnt(held, p.peerings[0].B.Addr)
	if diff := diffTables(map[string][]labRoute{"announced": want, "held": held}); diff != "" {
		t.Fatalf("the tables differ before anything was changed:\n%s", diff)
	}
	p.birdAt.Routes[0].LargeCommunities = []string{"65000:1:99"}
	p.bird.configure(birdConfig(t, p.birdAt, p.peerings...))
	waitLearnt(t, p.frr, "ipv4", p.peerings[0].B.announces())
	if held, err = p.frr.table("ipv4"); err != nil {
		t.Fatal(err)
	}
	diff := diffTables(map[string][]labRoute{"announced": want, "held": learnt(held, p.peerings[0].B.Addr)})
	lines := strings.Split(strings.TrimSpace(diff), "\n")
	if len(lines) != 2 || !slices.Equal(strings.Fields(lines[1]), []string{"10.2.1.0/24", "large", "communities", "65000:1:2", "65000:1:99"}) {
		t.Errorf("one changed attribute shows as\n%s", diff)
	}
}

func TestLabTheComparisonFindsEveryDifference(t *testing.T) {
	route := labRoute{Prefix: netip.MustParsePrefix("10.0.0.0/8"), Path: "64512", Origin: "igp", Communities: []string{"1:1", "2:2"}}
	for _, c := range []struct {
		name   string
		change func(*labRoute)
		want   string
	}{
		{"nothing", func(*labRoute) {}, ""},
		{"communities in another order", func(r *labRoute) { r.Communities = []string{"2:2", "1:1"} }, ""},
		{"a community", func(r *labRoute) { r.Communities = []string{"1:1"} }, "communities"},
		{"a MED of 0 instead of none", func(r *labRoute) { r.MED = number(0) }, "MED"},
		{"a preference", func(r *labRoute) { r.LocalPref = number(100) }, "local preference"},
		{"a path", func(r *labRoute) { r.Path = "" }, "path"},
		{"an origin", func(r *labRoute) { r.Origin = "egp" }, "origin"},
		{"a next hop", func(r *labRoute) { r.NextHop = netip.MustParseAddr("192.0.2.1") }, "next hop"},
		{"an extended community", func(r *labRoute) { r.ExtCommunities = []string{"rt:1:1"} }, "extended communities"},
		{"a large community", func(r *labRoute) { r.LargeCommunities = []string{"1:1:1"} }, "large communities"},
		{"an aggregate's mark", func(r *labRoute) { r.AtomicAggregate = true }, "atomic aggregate"},
		{"an aggregator", func(r *labRoute) { r.Aggregator = "1 192.0.2.1" }, "aggregator"},
		{"staleness", func(r *labRoute) { r.Stale = true }, "stale"},
		{"the choice", func(r *labRoute) { r.Best = true }, "best"},
		{"the sender", func(r *labRoute) { r.From = netip.MustParseAddr("192.0.2.1") }, "from"},
		{"another prefix", func(r *labRoute) { r.Prefix = netip.MustParsePrefix("11.0.0.0/8") }, "routes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			other := route
			c.change(&other)
			tables := map[string][]labRoute{"a": {route}, "b": {other}}
			diff := diffTables(tables)
			if c.want == "" && diff != "" || !strings.Contains(diff, "  "+c.want+"  ") && c.want != "" {
				t.Errorf("it shows as\n%s", diff)
			}
			if c.want != "" && c.want != "routes" && diffTables(tables, c.want) != "" {
				t.Errorf("it shows although it is to be ignored:\n%s", diffTables(tables, c.want))
			}
		})
	}
}

func TestLabTheDaemonsTellWhatTheyOffer(t *testing.T) {
	p := newPair(t, func(p *labPair) {
		for i := range p.peerings {
			p.peerings[i].KeepIn = true
			p.peerings[i].Restart = 40 * time.Second
		}
	})
	p.converged(t)
	both := []string{capMultiprotocol4, capRefresh, capAS4, capEnhancedRefresh, capRestart}
	toBIRD, toFRR := p.peerings[0].B.Addr, p.peerings[0].A.Addr
	f := waitSession(t, p.frr, toBIRD, convergedWithin, "has BIRD's End-of-RIB", func(s labSession) bool { return len(s.Restart.EndOfRIBGot) == 1 })
	b, err := p.bird.session(toFRR)
	if err != nil {
		t.Fatal(err)
	}
	for _, capability := range both {
		for who, list := range map[string][]string{"FRR offers": f.Ours, "FRR hears": f.Theirs, "BIRD offers": b.Ours, "BIRD hears": b.Theirs} {
			if !slices.Contains(list, capability) {
				t.Errorf("%s %q, without %s", who, list, capability)
			}
		}
	}
	if !slices.Equal(f.Ours, b.Theirs) || !slices.Equal(f.Theirs, b.Ours) {
		t.Errorf("FRR says %q and %q, BIRD says %q and %q", f.Ours, f.Theirs, b.Theirs, b.Ours)
	}
	for who, s := range map[string]labSession{"FRR": f, "BIRD": b} {
		if s.Hold != 9*time.Second || s.Keepalive != 3*time.Second || s.Restart.Time != 40*time.Second {
			t.Errorf("%s: hold %s, keepalive %s, restart time %s", who, s.Hold, s.Keepalive, s.Restart.Time)
		}
	}
	for _, d := range []struct {
		labDaemon
		own, other labEnd
	}{{p.frr, p.peerings[0].A, p.peerings[0].B}, {p.bird, p.peerings[0].B, p.peerings[0].A}} {
		in, err := d.received(d.other.Addr)
		if err != nil {
			t.Fatal(err)
		}
		unsaid := []string{"best", "local preference", "communities", "extended communities", "large communities", "atomic aggregate", "aggregator"}
		compareTables(t, map[string][]labRoute{"announced": d.other.announces(), d.name() + " received": learnt(in, d.other.Addr)}, unsaid...)
		out, err := d.advertised(d.other.Addr)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range d.own.announces() {
			if !slices.ContainsFunc(out, func(r labRoute) bool { return r.Prefix == want.Prefix }) {
				t.Errorf("%s does not say that it advertises %s", d.name(), want.Prefix)
			}
		}
	}
}

func TestLabNotificationsAreReadWithTheirMessage(t *testing.T) {
	p := newPair(t, nil)
	p.converged(t)
	frrs, birds := p.peerings[0].A.Addr, p.peerings[0].B.Addr
	for _, c := range []struct {
		name     string
		act      func() error
		at       labDaemon
		peer     netip.Addr
		got      labNotice
		sender   labDaemon
		receiver netip.Addr
	}{
		{"BIRD shuts down", func() error { return p.bird.shutdown(frrs, "going home") }, p.frr, birds, labNotice{6, 2, "going home"}, p.bird, frrs},
		{"FRR shuts down", func() error { return p.frr.shutdown(birds, "out to lunch") }, p.bird, frrs, labNotice{6, 2, "out to lunch"}, p.frr, birds},
		{"FRR resets", func() error { return p.frr.reset(birds) }, p.bird, frrs, labNotice{6, 4, ""}, p.frr, birds},
		{"BIRD resets", func() error { return p.bird.reset(frrs) }, p.frr, birds, labNotice{6, 4, ""}, p.bird, frrs},
	} {
		if err := c.act(); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		waitSession(t, c.at, c.peer, 5*time.Second, "has the NOTIFICATION of: "+c.name, func(s labSession) bool { return s.Got != nil && *s.Got == c.got })
		if s, err := c.sender.session(c.receiver); err != nil || s.Sent == nil || s.Sent.Code != c.got.Code || s.Sent.Subcode != c.got.Subcode {
			t.Errorf("%s: the sender says %v, %v", c.name, s.Sent, err)
		}
		for _, d := range []labDaemon{p.frr, p.bird} {
			if err := d.enable(map[labDaemon]netip.Addr{p.frr: birds, p.bird: frrs}[d]); err != nil {
				t.Fatal(err)
			}
		}
		waitEstablished(t, p.frr, birds)
	}
}

func TestLabRefreshesAndSoftResetsKeepTheSession(t *testing.T) {
	p := newPair(t, nil)
	p.converged(t)
	before, err := p.frr.session(p.peerings[0].B.Addr)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []labDaemon{p.frr, p.bird} {
		peer := map[labDaemon]netip.Addr{p.frr: p.peerings[0].B.Addr, p.bird: p.peerings[0].A.Addr}[d]
		if err := d.refreshIn(peer); err != nil {
			t.Error(err)
		}
		if err := d.refreshOut(peer); err != nil {
			t.Error(err)
		}
	}
	p.converged(t)
	after, err := p.frr.session(p.peerings[0].B.Addr)
	if err != nil || !reflect.DeepEqual(after.Sent, before.Sent) || !reflect.DeepEqual(after.Got, before.Got) {
		t.Errorf("the session ended: sent %v, got %v, %v", after.Sent, after.Got, err)
	}
}

func TestLabBFDTellsASilentCutLongBeforeTheHoldTimer(t *testing.T) {
	p := newPair(t, func(p *labPair) {
		for i := range p.peerings {
			p.peerings[i].BFD, p.peerings[i].Hold = 100*time.Millisecond, 90*time.Second
		}
	})
	p.converged(t)
	for _, peering := range p.peerings {
		f := waitBFD(t, p.frr, peering.B.Addr, bfdUp, 10*time.Second)
		b := waitBFD(t, p.bird, peering.A.Addr, bfdUp, 10*time.Second)
		if f.Interval != 100*time.Millisecond || f.Detect != 300*time.Millisecond || b.Interval != f.Interval || b.Detect != f.Detect {
			t.Errorf("FRR: every %s, detects in %s; BIRD: every %s, detects in %s", f.Interval, f.Detect, b.Interval, b.Detect)
		}
	}
	p.link.silence()
	for _, peering := range p.peerings {
		down := func(s labSession) bool { return s.State != bgpEstablished }
		waitSession(t, p.frr, peering.B.Addr, 5*time.Second, "is down", down)
		waitSession(t, p.bird, peering.A.Addr, 5*time.Second, "is down", down)
	}
	p.link.restore()
	p.converged(t)
}

func TestLabACutLinkTakesTheSessionsAway(t *testing.T) {
	p := newPair(t, nil)
	p.converged(t)
	p.link.cut()
	waitSession(t, p.frr, p.peerings[0].B.Addr, 5*time.Second, "is down", func(s labSession) bool { return s.State != bgpEstablished })
	p.link.restore()
	p.converged(t)
}

func TestLabTheHoldTimerTellsASilentCut(t *testing.T) {
	p := newPair(t, func(p *labPair) { p.peerings[0].Hold, p.peerings[1].Hold = 3*time.Second, 3*time.Second })
	p.converged(t)
	p.link.silence()
	for _, peering := range p.peerings {
		waitSession(t, p.frr, peering.B.Addr, 10*time.Second, "ran out", func(s labSession) bool { return s.Sent != nil && *s.Sent == labNotice{Code: 4} })
		waitSession(t, p.bird, peering.A.Addr, 10*time.Second, "ran out", func(s labSession) bool { return s.Sent != nil && *s.Sent == labNotice{Code: 4} })
	}
}

func TestLabKilledDaemonsRestartGracefully(t *testing.T) {
	for _, c := range []struct {
		name string
		dies func(*labPair) (dying, helping labDaemon)
	}{
		{"BIRD dies", func(p *labPair) (labDaemon, labDaemon) { return p.bird, p.frr }},
		{"FRR dies", func(p *labPair) (labDaemon, labDaemon) { return p.frr, p.bird }},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPair(t, func(p *labPair) {
				for i := range p.peerings {
					p.peerings[i].Restart = 60 * time.Second
				}
			})
			p.converged(t)
			dying, helping := c.dies(p)
			peer, announced := p.peerings[0].B.Addr, p.peerings[0].B.announces()
			if helping == p.bird {
				peer, announced = p.peerings[0].A.Addr, p.peerings[0].A.announces()
			}
			dying.kill()
			waitSession(t, helping, peer, 5*time.Second, "helps", func(s labSession) bool { return s.Restart.Helping })
			if helping == p.frr { // BIRD does not tell which routes are stale
				for i := range announced {
					announced[i].Stale = true
				}
			}
			waitLearnt(t, helping, "ipv4", announced)
			dying.restart()
			p.converged(t)
			s := waitSession(t, helping, peer, convergedWithin, "helps no more", func(s labSession) bool { return !s.Restart.Helping })
			if !s.Restart.Restarting {
				t.Error("the restarted daemon did not set its R bit")
			}
		})
	}
}

func TestLabTooManyPrefixesEndTheSession(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*labPair)
		told   func(*labPair) (labDaemon, netip.Addr)
	}{
		{"FRR has a limit", func(p *labPair) { p.peerings[0].A.MaxPrefixes = 1 },
			func(p *labPair) (labDaemon, netip.Addr) { return p.bird, p.peerings[0].A.Addr }},
		{"BIRD has a limit", func(p *labPair) { p.peerings[0].B.MaxPrefixes = 1 },
			func(p *labPair) (labDaemon, netip.Addr) { return p.frr, p.peerings[0].B.Addr }},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPair(t, c.change)
			d, peer := c.told(p)
			waitSession(t, d, peer, establishedWithin, "was ended for too many prefixes", func(s labSession) bool {
				return s.Got != nil && s.Got.Code == 6 && s.Got.Subcode == 1
			})
		})
	}
}

func TestLabSpeakersWithoutLongASNumbersStillPassThemOn(t *testing.T) {
	p := newPair(t, func(p *labPair) {
		p.birdAt.AS = 64513 // neither can have a long one
		p.peerings[0].TwoOctet = true
		p.peerings = p.peerings[:1]
	})
	p.converged(t)
	if s, err := p.frr.session(p.peerings[0].B.Addr); err != nil || slices.Contains(s.Ours, capAS4) && slices.Contains(s.Theirs, capAS4) {
		t.Errorf("the capability was exchanged: %q %q %v", s.Ours, s.Theirs, err)
	}
}

func TestLabTenThousandRoutesAreReadInAMoment(t *testing.T) {
	p := newPair(t, func(p *labPair) {
		for i := range 10000 {
			prefix := netip.PrefixFrom(netip.AddrFrom4([4]byte{100, 64, byte(i >> 8), byte(i)}), 32)
			p.birdAt.Routes = append(p.birdAt.Routes, labRoute{Prefix: prefix, MED: number(uint32(i % 7)), Communities: []string{"65000:9"}})
		}
	})
	p.converged(t)
}

func TestLabStoppedDaemonsSayGoodbye(t *testing.T) {
	p := newPair(t, nil)
	p.converged(t)
	for _, c := range []struct {
		stopped, told labDaemon
		peer          netip.Addr
	}{{p.bird, p.frr, p.peerings[0].B.Addr}, {p.frr, p.bird, p.peerings[0].A.Addr}} {
		c.stopped.stop()
		s := waitSession(t, c.told, c.peer, convergedWithin, "was told", func(s labSession) bool { return s.Got != nil && s.State != bgpEstablished })
		if s.Got.Code != 6 {
			t.Errorf("%s said %s", c.stopped.name(), s.Got)
		}
		c.stopped.start()
		p.converged(t)
	}
}
