//go:build linux

package speaker_test

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"onramp/bgp"
)

// meshPrefixes is how many prefixes there are in the mesh of three; six of ten are of IPv4. Their attributes come in meshColours
// combinations: FRR needs a route map for each, and takes its time for each line of one.
const meshPrefixes, meshColours = 10000, 48

// TestThreeCornersAgree puts our speaker, FRR and BIRD, each in an AS of its own, into a full mesh with ten thousand prefixes, cuts
// one side after the other in different ways, and compares all that each of the three holds and says, before, during and after.
func TestThreeCornersAgree(t *testing.T) {
	l := newLab(t, "ours", "frr", "bird")
	us := &labSpeaker{AS: 64700, ID: netip.MustParseAddr("192.0.2.232")}
	f := &labSpeaker{AS: 4200000512, ID: netip.MustParseAddr("192.0.2.231"), Lines: []string{"bgp bestpath compare-routerid", "bgp deterministic-med"}}
	b := &labSpeaker{AS: 64701, ID: netip.MustParseAddr("192.0.2.233")}
	originate(meshPrefixes, us, f, b)
	m := startMesh(t, l, [3]*labSpeaker{us, f, b}, func(c []*labCorner) []*labLine {
		var lines []*labLine
		for _, second := range []bool{false, true} {
			for _, pair := range [][2]int{{0, 1}, {0, 2}, {1, 2}} {
				line := meshLine(l, c[pair[0]], c[pair[1]])
				if second { // for IPv4, and on it everything has the same MED, which decides between the two
					line.peerings = line.peerings[:1]
					line.peerings[0].A.MED, line.peerings[0].B.MED = number(2), number(2)
				}
				for i := range line.peerings {
					p := &line.peerings[i]
					if pair[1] == 2 {
						p.B.Extra = []string{"deterministic med on;"} // else BIRD compares pairs, in the order of arrival
					}
					p.B.Passive = pair == [2]int{1, 2} // when their connections collide, FRR and BIRD may close both
					if pair[0] == 0 && pair[1] == 2 {  // a silent cut is told by BFD for IPv4, by the hold timer for IPv6
						if familyOf(p.A.Addr) == "ipv4" {
							p.BFD = 200 * time.Millisecond
						} else {
							p.Hold = 6 * time.Second
						}
					}
				}
				lines = append(lines, line)
			}
		}
		return lines
	})
	between := func(x, y int) []*labLine {
		var list []*labLine
		for _, line := range m.lines {
			if line.between == [2]*labCorner{m.corners[x], m.corners[y]} {
				list = append(list, line)
			}
		}
		return list
	}
	ofOurs := append(between(0, 1), between(0, 2)...)
	first := m.agree("at first")
	m.quiet("at first")
	m.everyStepDecides(bgp.StepLocalOrigin, bgp.StepPathLength, bgp.StepOrigin, bgp.StepMED, bgp.StepRouterID, bgp.StepPeerAddr)

	// The carrier goes between FRR and BIRD, and we change our mind meanwhile.
	for _, line := range between(1, 2) {
		line.cut()
	}
	undo := m.corners[0].churn(0)
	m.agree("FRR and BIRD cut apart", between(1, 2)...)
	m.quiet("FRR and BIRD cut apart", between(1, 2)...)
	for _, line := range between(1, 2) {
		line.restore()
	}
	m.agree("FRR and BIRD together again")
	undo()
	m.same("FRR and BIRD together again", first, m.agree("what we changed is undone"))
	m.quiet("FRR and BIRD together again")

	// Nothing arrives between us and BIRD any more, which changes its mind meanwhile.
	for _, line := range between(0, 2) {
		line.silence()
	}
	undo = m.corners[2].churn(2)
	m.agree("silence between us and BIRD", between(0, 2)...)
	m.quiet("silence between us and BIRD", between(0, 2)...)
	for _, line := range between(0, 2) {
		line.restore()
	}
	undo()
	m.same("no silence between us and BIRD", first, m.agree("no silence between us and BIRD"))
	m.quiet("no silence between us and BIRD")

	// We go, and come again; FRR changes its mind meanwhile.
	m.ours.stop()
	m.stopped = m.corners[0]
	undo = m.corners[1].churn(1)
	m.agree("we are gone", ofOurs...)
	m.quiet("we are gone", ofOurs...)
	m.stopped = nil
	m.ours.start()
	m.agree("we are back")
	undo()
	m.same("we are back", first, m.agree("what FRR changed is undone"))
	m.quiet("we are back")
}

// TestWeReflectBetweenFRRAndBIRD makes our speaker the route reflector (RFC 4456) of FRR and BIRD, which also talk to each other:
// as long as they do, the reflected routes lose, and then they are all there is.
func TestWeReflectBetweenFRRAndBIRD(t *testing.T) {
	l := newLab(t, "ours", "frr", "bird")
	us := &labSpeaker{AS: 64700, ID: netip.MustParseAddr("192.0.2.232"), Lines: []string{"clusterId: 192.0.2.232"}}
	f := &labSpeaker{AS: 64700, ID: netip.MustParseAddr("192.0.2.231"), Lines: []string{"bgp bestpath compare-routerid", "bgp deterministic-med"}}
	b := &labSpeaker{AS: 64700, ID: netip.MustParseAddr("192.0.2.233")}
	originate(1000, us, f, b)
	for _, s := range []*labSpeaker{us, f, b} {
		for i := range s.Routes {
			if r := &s.Routes[i]; r.Prefix.Bits()%3 == 0 { // the same wherever the prefix comes from
				r.LocalPref = number(150)
			}
		}
	}
	m := startMesh(t, l, [3]*labSpeaker{us, f, b}, func(c []*labCorner) []*labLine {
		c[0].reflects = true
		lines := []*labLine{meshLine(l, c[0], c[1]), meshLine(l, c[0], c[2]), meshLine(l, c[1], c[2])}
		for i := range 2 {
			for j := range lines[i].peerings {
				lines[i].peerings[j].A.Extra = []string{"routeReflectorClient: true"}
			}
		}
		// The next hop of a reflected route is on the link of its originator with us, to which the other needs a way.
		toFRR, toBIRD := lines[0].end("ours"), lines[1].end("ours")
		for _, way := range [][2]netip.Addr{{toBIRD.addr4, toFRR.addr4}, {toBIRD.addr6, toFRR.addr6}} {
			l.run("ip", "-n", l.node("frr").ns, "route", "add", linkOf(way[0]).String(), "via", way[1].String())
		}
		b.Lines = []string{
			fmt.Sprintf("protocol static { ipv4 { table igp4; }; route %s via %s; }", linkOf(toFRR.addr4), toBIRD.addr4),
			fmt.Sprintf("protocol static { ipv6 { table igp6; }; route %s via %s; }", linkOf(toFRR.addr6), toBIRD.addr6),
		}
		for i := 1; i < 3; i++ {
			for j := range lines[i].peerings {
				end := &lines[i].peerings[j].B
				end.Passive = i == 2 // when their connections collide, FRR and BIRD may close both
				lines[i].peerings[j].Hold = 6 * time.Second
				end.Extra = []string{"deterministic med on;"}
			}
		}
		return lines
	})
	first := m.agree("at first")
	m.quiet("at first")
	m.findsEveryFault(first)
	m.lines[2].cut()
	undo := m.corners[2].churn(2)
	m.agree("FRR and BIRD cut apart", m.lines[2])
	m.quiet("FRR and BIRD cut apart", m.lines[2])
	undo()
	m.agree("what BIRD changed is undone", m.lines[2])
	m.lines[2].restore()
	m.same("FRR and BIRD together again", first, m.agree("FRR and BIRD together again"))
	m.quiet("FRR and BIRD together again")
}

// findsEveryFault proves the comparison: it finds each fault that is put into one table.
func (m *labMesh) findsEveryFault(right meshTables) {
	m.t.Helper()
	hearings := m.hearings(nil)
	for what, change := range map[string]func(*labRoute){
		"a MED":                func(r *labRoute) { r.MED = number(4711) },
		"a path":               func(r *labRoute) { r.Path += " 1" },
		"an origin":            func(r *labRoute) { r.Origin = "?" },
		"a next hop":           func(r *labRoute) { r.NextHop = netip.MustParseAddr("192.0.2.254") },
		"a preference":         func(r *labRoute) { r.LocalPref = number(99) },
		"a community":          func(r *labRoute) { r.Communities = append(slices.Clone(r.Communities), "1:1") },
		"an extended one":      func(r *labRoute) { r.ExtCommunities = append(slices.Clone(r.ExtCommunities), "rt:1:1") },
		"a large one":          func(r *labRoute) { r.LargeCommunities = append(slices.Clone(r.LargeCommunities), "1:1:1") },
		"an aggregator":        func(r *labRoute) { r.Aggregator = "1 1.1.1.1" },
		"an originator":        func(r *labRoute) { r.Originator = netip.MustParseAddr("1.1.1.1") },
		"a cluster":            func(r *labRoute) { r.Clusters += " 1.1.1.1" },
		"the choice":           func(r *labRoute) { r.Best = !r.Best },
		"a stale route":        func(r *labRoute) { r.Stale = true },
		"another prefix":       func(r *labRoute) { r.Prefix = netip.MustParsePrefix("11.0.0.0/8") },
		"another neighbour":    func(r *labRoute) { r.From = netip.MustParseAddr("192.0.2.254") },
		"a route of one's own": func(r *labRoute) { r.From = netip.Addr{} },
	} {
		for _, c := range m.corners {
			i := slices.IndexFunc(right.table[c], func(r labRoute) bool { return r.From.IsValid() })
			wrong := meshTables{table: maps.Clone(right.table), sent: right.sent}
			wrong.table[c] = slices.Clone(right.table[c])
			change(&wrong.table[c][i])
			if m.check(wrong, hearings) == "" {
				m.t.Errorf("the comparison does not find that %s holds %s that it should not", c.daemon.name(), what)
			}
		}
	}
}

// linkOf is the network of a link.
func linkOf(a netip.Addr) netip.Prefix {
	return netip.PrefixFrom(a, a.BitLen()-2).Masked()
}

// everyStepDecides fails the test when no route of ours was chosen at one of the steps: then the routes try too little.
func (m *labMesh) everyStepDecides(steps ...bgp.Step) {
	m.t.Helper()
	a, err := m.ours.do("show routes")
	if err != nil {
		m.t.Fatal(err)
	}
	decided := map[bgp.Step]int{}
	for _, r := range a.Routes {
		if r.Why != nil {
			decided[*r.Why]++
		}
	}
	for _, step := range steps {
		if decided[step] == 0 {
			m.t.Errorf("no route was chosen at the step %q; others: %v", step, decided)
		}
	}
}

// churn has a corner withdraw 500 prefixes and change the attributes of 500 others, or fewer where it has few; undo takes that back.
func (c *labCorner) churn(corner int) (undo func()) {
	before := c.Routes
	change := func(from, to []labRoute) {
		c.Routes = to
		c.announce(from)
	}
	n := min(500, len(before)/3)
	changed := slices.Clone(before[n:])
	for i := range n {
		r := labRoute{Prefix: changed[i].Prefix, LocalPref: changed[i].LocalPref}
		r.colour(i*37%meshColours+7*corner, corner) // what others have already
		changed[i] = r
	}
	change(before, changed)
	return func() { change(changed, before) }
}

// meshLine joins two corners by a link with a session for each family.
func meshLine(l *lab, a, b *labCorner) *labLine {
	line := &labLine{labLink: l.link(a.node, b.node), between: [2]*labCorner{a, b}}
	for _, family := range []string{"ipv4", "ipv6"} {
		line.peerings = append(line.peerings, line.peering(family, a.labSpeaker, a.node, b.labSpeaker, b.node))
	}
	return line
}

// originate gives the three what they announce: four of ten prefixes are of the first and three of each of the others; a seventh of
// all are of two of them, an eleventh of all three.
func originate(n int, speakers ...*labSpeaker) {
	for i := range n {
		owner := []int{0, 0, 0, 0, 1, 1, 1, 2, 2, 2}[i%10]
		for k, s := range speakers {
			if k == owner || i%11 == 0 || i%7 == 0 && k == (owner+1)%3 {
				s.Routes = append(s.Routes, meshRoute(i, k))
			}
		}
	}
}

// meshRoute is the route to the prefix of that number as a corner originates it.
func meshRoute(i, corner int) labRoute {
	var r labRoute
	if i%10 < 6 {
		n := i/10*6 + i%10
		r.Prefix = netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(n >> 8), byte(n), 0}), 24+n%9)
	} else {
		n := i/10*4 + i%10 - 6
		r.Prefix = netip.PrefixFrom(netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 0x10 | byte(n>>8), byte(n)}), 48+n%17)
	}
	// By 9 the paths of two corners are equally long, by 7 they are not.
	r.colour(i%meshColours+[]int{7, 9}[i/meshColours%2]*corner, corner)
	return r
}

// colour gives a route the attributes of that number, as far as the corner can originate them.
func (r *labRoute) colour(n, corner int) {
	pool := []string{"64900", "4200000901", "64902"}
	for i := range n % 3 {
		r.Path += " " + pool[(n/3+i)%3]
	}
	r.Path = strings.TrimSpace(r.Path)
	r.Origin = []string{"igp", "egp", "incomplete", "igp"}[n/3%4]
	if med := n / 5 % 5; med < 4 {
		r.MED = number(uint32(med))
	} else if corner == 1 { // FRR has no routes without
		r.MED = number(0)
	}
	standard, extended, large := []string{"65000:1", "65000:2"}, []string{"rt:65000:1", "soo:65000:9"}, []string{"4200000000:1:2", "65000:1:3"}
	switch n % 8 {
	case 1:
		r.Communities = standard
	case 2:
		r.ExtCommunities = extended
	case 3:
		r.LargeCommunities = large
	case 4:
		r.Communities, r.ExtCommunities, r.LargeCommunities = standard, extended, large
	case 5:
		r.Communities = []string{"65000:3", "65535:65284"} // no-peer (RFC 3765)
		if n%24 == 5 {
			r.Communities[1] = noExport
		}
	case 6: // also more than 255 octets (RFC 4271 section 4.3: the Extended Length bit)
		for i := range 3 + n%24/22*77 {
			r.Communities = append(r.Communities, fmt.Sprintf("65001:%d", i))
		}
	case 7:
		if corner != 2 { // BIRD passes these on, but cannot originate them
			r.AtomicAggregate, r.Aggregator = true, "64998 192.0.2.77"
		}
	}
}
