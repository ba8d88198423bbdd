//go:build linux

package speaker_test

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// interopCase is how our speaker and a real router meet.
type interopCase struct {
	name     string
	sessions map[string][]string // the families of the addresses, and what each session carries
	waits    bool                // the router connects to us, and not we to it
	ours     uint32              // AS numbers
	theirs   uint32
	hold     time.Duration // that we offer; they offer labDefaultHold
	defaults bool          // we announce the default routes, and not the router
	// old are the ends that do not have four-octet AS numbers (RFC 6793): "ours", "theirs".
	old []string
}

// Each family over a session of its own, or both over one.
var (
	apart  = map[string][]string{"ipv4": {"ipv4"}, "ipv6": {"ipv6"}}
	over4  = map[string][]string{"ipv4": {"ipv4", "ipv6"}}
	over6  = map[string][]string{"ipv6": {"ipv4", "ipv6"}}
	only4  = map[string][]string{"ipv4": {"ipv4"}}
	short  = uint32(64700)
	long   = uint32(4200000777)
	short2 = uint32(64701)
	long2  = uint32(4200000778)
)

// interopCases are so that every value meets every router in both roles, not every combination.
var interopCases = []interopCase{
	{name: "we connect, long AS numbers, a session for each family", sessions: apart, ours: long, theirs: long2, hold: 30 * time.Second, defaults: true},
	{name: "we wait, short AS numbers, a session for each family", waits: true, sessions: apart, ours: short, theirs: short2, hold: 6 * time.Second},
	{name: "we wait, long AS numbers, both families over IPv4", waits: true, sessions: over4, ours: long, theirs: long2, defaults: true},
	{name: "we connect, our AS number is short and theirs is long, both families over IPv6", sessions: over6, ours: short, theirs: long2},
	{name: "we wait, our AS number is long and theirs is short, both families over IPv6", waits: true, sessions: over6, ours: long, theirs: short2},
	{name: "we connect within one long AS, both families over IPv4", sessions: over4, ours: long, theirs: long, hold: 3 * time.Second},
	{name: "we wait within one short AS, a session for each family", waits: true, sessions: apart, ours: short, theirs: short, defaults: true},
	{name: "we wait within one long AS, both families over IPv6", waits: true, sessions: over6, ours: long, theirs: long},
	{name: "we connect, and know only short AS numbers", sessions: over4, ours: short, theirs: short2, old: []string{"ours"}, defaults: true},
	{name: "we wait, and the router knows only short AS numbers", waits: true, sessions: only4, ours: short, theirs: short2, old: []string{"theirs"}},
	{name: "we connect within one AS, and the router knows only short AS numbers", sessions: only4, ours: short, theirs: short, old: []string{"theirs"}},
	{name: "we connect, our AS number is long, and nobody knows long ones", sessions: only4, ours: long, theirs: short2, old: []string{"ours", "theirs"}},
	{name: "we wait within one AS, and nobody knows long AS numbers", waits: true, sessions: only4, ours: short, theirs: short, old: []string{"ours", "theirs"}},
}

// interop is our speaker and a real router at the two ends of a link, while the routes change.
type interop struct {
	interopCase
	t        *testing.T
	us, them *labSpeaker
	peerings []labPeering // A is our end
	seen     []labPeering // as the router has them
	our      *ours
	router   labDaemon
	since    int // events before are of the sessions' coming up
}

func TestRealRoutersHoldWhatWeHold(t *testing.T) {
	for _, router := range []string{"FRR", "BIRD"} {
		for _, c := range interopCases {
			t.Run(router+": "+c.name, func(t *testing.T) {
				t.Parallel()
				x := startInterop(t, router, c)
				x.agreed()
				mine, others := x.us.Routes, x.them.Routes
				x.hold("at first")
				x.announce(rotated(mine), rotated(others))
				x.hold("after each route got the attributes of the next")
				x.announce(thinned(mine, 0), thinned(others, 1))
				x.hold("after every second route was withdrawn")
				x.announce(nil, nil)
				x.hold("after all were withdrawn")
				x.announce(mine, others)
				x.hold("after all were announced again")
				x.quiet()
			})
		}
	}
}

// startInterop starts both and waits until they have their sessions.
func startInterop(t *testing.T, router string, c interopCase) *interop {
	t.Helper()
	x := &interop{interopCase: c, t: t}
	x.us = &labSpeaker{AS: c.ours, ID: netip.MustParseAddr("192.0.2.203"), Routes: interopRoutes(1, "ours", router, c)}
	x.them = &labSpeaker{AS: c.theirs, ID: netip.MustParseAddr("192.0.2.204"), Routes: interopRoutes(2, router, "ours", c)}
	l := newLab(t, "ours", "router")
	link := l.link("ours", "router")
	for _, family := range []string{"ipv4", "ipv6"} {
		if families := c.sessions[family]; families != nil {
			p := link.peering(family, x.us, "ours", x.them, "router")
			p.Families = families
			p.A.Passive, p.B.Passive, p.A.Hold = c.waits, !c.waits, c.hold
			if slices.Contains(c.old, "ours") {
				p.A.Extra = append(p.A.Extra, "twoOctetAs: true")
			}
			if slices.Contains(c.old, "theirs") {
				p.B.Extra = append(p.B.Extra, map[string]string{"FRR": "dont-capability-negotiate", "BIRD": "enable as4 off;"}[router])
			}
			x.peerings = append(x.peerings, p)
			if slices.Contains(c.old, "ours") && c.ours > 65535 {
				p.A.labSpeaker = &labSpeaker{AS: 23456, ID: x.us.ID} // AS_TRANS, which is all it hears (RFC 6793 section 4.2.1)
			}
			x.seen = append(x.seen, p)
		}
	}
	for _, p := range x.peerings {
		for _, r := range p.announced(x.us) {
			if line := birdPaths(r.Path); router == "BIRD" && len(r.Path) > 400 && !slices.Contains(x.them.Lines, line[0]) {
				x.them.Lines = append(x.them.Lines, line...)
			}
		}
	}
	x.router = startRouter(t, router, l.node("router"), x.them, x.seen...)
	x.our = startOurs(t, l.node("ours"), x.us, x.peerings...)
	for _, p := range x.peerings {
		x.our.waitState(0, p.B.Addr, bgpEstablished, establishedWithin)
		waitEstablished(t, x.router, p.A.Addr)
	}
	// FRR begins by ending sessions that it got while it was still reading its configuration.
	x.since = x.our.count()
	return x
}

// startRouter runs FRR, BIRD or ours.
func startRouter(t testing.TB, kind string, n *labNode, s *labSpeaker, peerings ...labPeering) labDaemon {
	t.Helper()
	switch kind {
	case "FRR":
		return startFRR(t, n, s, peerings...)
	case "BIRD":
		return startBIRD(t, n, s, peerings...)
	default:
		return startOurs(t, n, s, peerings...)
	}
}

// agreed compares what both ends say of each session.
func (x *interop) agreed() {
	x.t.Helper()
	for _, p := range x.peerings {
		our, err := x.our.session(p.B.Addr)
		if err != nil {
			x.t.Fatal(err)
		}
		their, err := x.router.session(p.A.Addr)
		if err != nil {
			x.t.Fatal(err)
		}
		hold := min(p.hold(p.A), p.hold(p.B)) // RFC 4271 section 4.2
		for who, s := range map[string]labSession{"we": our, "the router": their} {
			if s.Hold != hold || s.Keepalive != hold/3 {
				x.t.Errorf("%s: %s holds %s, with keepalives each %s; want %s", p.A.Addr, who, s.Hold, s.Keepalive, hold)
			}
		}
		if _, ok := x.router.(*frr); ok { // it offers the route refresh by its older code too, and does not say so
			our.Theirs = slices.DeleteFunc(our.Theirs, func(c string) bool { return c == "capability 128" })
		}
		if !slices.Equal(our.Ours, their.Theirs) || !slices.Equal(our.Theirs, their.Ours) {
			x.t.Errorf("%s: we offer %q and are offered %q; the router offers %q and is offered %q", p.A.Addr, our.Ours, our.Theirs, their.Ours, their.Theirs)
		}
		both := slices.Contains(our.Ours, capAS4) && slices.Contains(our.Theirs, capAS4)
		if both != (x.old == nil) {
			x.t.Errorf("%s: four-octet AS numbers are agreed on: %t", p.A.Addr, both)
		}
		a, err := x.our.do("show neighbors")
		if err != nil {
			x.t.Fatal(err)
		}
		for _, n := range a.Neighbors {
			if n.Outbound == x.waits {
				x.t.Errorf("%s: we opened the connection: %t", n.Name, n.Outbound)
			}
		}
	}
}

// announce changes what both ends originate.
func (x *interop) announce(ours, theirs []labRoute) {
	x.t.Helper()
	x.us.Routes = ours
	x.our.configure(oursConfig(x.t, x.us, x.peerings...))
	before := x.them.Routes
	x.them.Routes = theirs
	reoriginate(x.t, x.router, before, x.them, x.seen...)
}

// hold waits until each end holds what the other announces, and compares all tables that tell of it.
func (x *interop) hold(when string) {
	x.t.Helper()
	for _, family := range []string{"ipv4", "ipv6"} {
		var mine, others []labRoute
		for _, p := range x.peerings {
			if slices.Contains(p.families(), family) {
				of := func(list []labRoute) []labRoute {
					return slices.DeleteFunc(list, func(r labRoute) bool { return familyOf(r.Prefix.Addr()) != family })
				}
				mine, others = of(p.announced(x.us)), of(p.announced(x.them))
				x.compare(family, when, p, mine, others)
			}
		}
	}
}

// taken is what becomes of routes that the router takes from us. FRR acts on two communities by itself, between ASes: what a
// neighbour is about to take away is used last (RFC 8326 section 4.1), and a black hole stays inside (RFC 7999 section 3.2).
// And FRR 8.4 takes AS4_PATH for superfluous as soon as we offer long AS numbers, not only when it did too (RFC 6793 section
// 4.1): a path keeps AS_TRANS.
func (x *interop) taken(list []labRoute) []labRoute {
	if _, ok := x.router.(*frr); !ok {
		return list
	}
	list = slices.Clone(list)
	for i := range list {
		if slices.Equal(x.old, []string{"theirs"}) {
			list[i].Path = longNumber.ReplaceAllString(list[i].Path, "23456")
		}
		if x.ours == x.theirs {
			continue
		}
		if slices.Contains(list[i].Communities, "65535:0") {
			list[i].LocalPref = number(0)
		}
		if slices.Contains(list[i].Communities, "65535:666") {
			list[i].Communities = append(slices.Clone(list[i].Communities), "65535:65281")
		}
	}
	return list
}

// longNumber is an AS number that has no room in two octets, of those that are used here.
var longNumber = regexp.MustCompile(`\b\d{6,}\b`)

// compare waits for one family of one session.
func (x *interop) compare(family, when string, p labPeering, mine, others []labRoute) {
	x.t.Helper()
	takes := x.taken(mine)
	eventually(x.t, convergedWithin, fmt.Sprintf("%s: both hold the same %s routes", when, family), func() (bool, string) {
		tables := map[string][]labRoute{"we announce": takes}
		held, err := x.router.table(family)
		if err != nil {
			return false, err.Error()
		}
		held = learnt(held, p.A.Addr)
		if b, ok := x.router.(*bird); ok {
			b.whole(held, takes)
		}
		tables["the router holds"] = held
		diff := diffTables(tables)
		tables = map[string][]labRoute{"the router announces": others}
		if held, err = x.our.table(family); err != nil {
			return false, err.Error()
		}
		tables["we hold"] = learnt(held, p.B.Addr)
		diff += diffTables(tables)
		return diff == "", diff
	})
	// What was said on the way must be the same: the next hop and all else, but whom it is from and whether it is the best.
	sent, err := x.our.advertised(p.B.Addr)
	if err != nil {
		x.t.Fatal(err)
	}
	got, err := x.our.received(p.B.Addr)
	if err != nil {
		x.t.Fatal(err)
	}
	only := func(list []labRoute) []labRoute {
		return slices.DeleteFunc(list, func(r labRoute) bool { return familyOf(r.Prefix.Addr()) != family })
	}
	compareTables(x.t, map[string][]labRoute{"we announce": mine, "we say we told": only(sent)}, "from", "best")
	got = slices.DeleteFunc(got, func(r labRoute) bool { // FRR sends our routes back to us, and we do not take them
		return slices.Contains(strings.Fields(r.Path), strconv.FormatUint(uint64(x.ours), 10))
	})
	compareTables(x.t, map[string][]labRoute{"they announce": others, "we say we received": only(got)}, "best")
}

// quiet tells that no session ended and that no UPDATE was found wrong.
func (x *interop) quiet() {
	x.t.Helper()
	x.our.mu.Lock()
	defer x.our.mu.Unlock()
	for _, e := range x.our.events[x.since:] {
		if e.Kind == "error" || e.Kind == "notification" || e.Kind == "state" && e.From == bgpEstablished {
			x.t.Errorf("unexpected: %s", e.String())
		}
	}
}

// reoriginate brings a running router from the routes before to those of s.
func reoriginate(t testing.TB, d labDaemon, before []labRoute, s *labSpeaker, peerings ...labPeering) {
	t.Helper()
	f, ok := d.(*frr)
	if !ok {
		d.configure(birdConfig(t, s, peerings...))
		return
	}
	maps, network := frrOrigination(t, s)
	var b strings.Builder
	fmt.Fprintf(&b, "%srouter bgp %d\n", maps, s.AS)
	for _, family := range []string{"ipv4", "ipv6"} {
		fmt.Fprintf(&b, "address-family %s unicast\n", family)
		for _, r := range before {
			gone := !slices.ContainsFunc(s.Routes, func(n labRoute) bool { return n.Prefix == r.Prefix })
			if gone && familyOf(r.Prefix.Addr()) == family {
				fmt.Fprintf(&b, "no network %s\n", r.Prefix)
			}
		}
		for _, line := range network[family] {
			fmt.Fprintln(&b, line)
		}
		fmt.Fprintln(&b, "exit-address-family")
	}
	f.configure(b.String())
}

// rotated gives each route the attributes of the next of its family.
func rotated(list []labRoute) []labRoute {
	out := slices.Clone(list)
	for i, r := range list {
		for n := 1; n <= len(list); n++ {
			if next := list[(i+n)%len(list)]; next.Prefix.Addr().Is4() == r.Prefix.Addr().Is4() {
				out[i] = next
				out[i].Prefix = r.Prefix
				break
			}
		}
	}
	return out
}

// thinned leaves out every second route, the first of them with from 0.
func thinned(list []labRoute, from int) []labRoute {
	var out []labRoute
	for i, r := range list {
		if i%2 != from {
			out = append(out, r)
		}
	}
	return out
}
