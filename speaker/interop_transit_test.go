//go:build linux

package speaker_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

// transit is a line of three routers. The outer ones announce, and hold what the one in the middle passes on.
type transit struct {
	t      *testing.T
	kinds  [3]string
	at     [3]*labSpeaker
	run    [3]labDaemon
	left   labPeering // A is the left end, B the middle
	right  labPeering // A is the right end, B the middle
	within bool       // all are in one AS, and the middle reflects
}

func TestRoutesPassThroughAndAreReflected(t *testing.T) {
	for _, c := range []struct {
		name   string
		kinds  [3]string
		as     [3]uint32
		old    bool
		family string
	}{
		{"FRR passes our routes on to another AS", [3]string{"ours", "FRR", "ours"}, [3]uint32{long, short, long2}, false, "ipv4"},
		{"BIRD passes our routes on to another AS", [3]string{"ours", "BIRD", "ours"}, [3]uint32{long, long2, short}, false, "ipv6"},
		{"we pass the routes of FRR and BIRD on to another AS", [3]string{"FRR", "ours", "BIRD"}, [3]uint32{short, long, short2}, false, "ipv4"},
		{"FRR reflects our routes", [3]string{"ours", "FRR", "ours"}, [3]uint32{long, long, long}, false, "ipv6"},
		{"BIRD reflects our routes", [3]string{"ours", "BIRD", "ours"}, [3]uint32{short, short, short}, false, "ipv4"},
		{"we reflect the routes of FRR and BIRD", [3]string{"FRR", "ours", "BIRD"}, [3]uint32{short, short, short}, false, "ipv6"},
		{"FRR passes long AS numbers through an AS of short ones", [3]string{"ours", "FRR", "ours"}, [3]uint32{short, 64800, short2}, true, "ipv4"},
		{"BIRD passes long AS numbers through an AS of short ones", [3]string{"ours", "BIRD", "ours"}, [3]uint32{short, 64800, short2}, true, "ipv6"},
		{"we pass long AS numbers through an AS of short ones", [3]string{"FRR", "ours", "BIRD"}, [3]uint32{short, 64800, short2}, true, "ipv4"},
		{"we reflect routes with long AS numbers to routers that know only short ones", [3]string{"BIRD", "ours", "FRR"}, [3]uint32{short, short, short}, true, "ipv4"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, "left", "middle", "right")
			x := &transit{t: t, kinds: c.kinds, within: c.as[0] == c.as[1]}
			for i := range x.at {
				x.at[i] = &labSpeaker{AS: c.as[i], ID: netip.AddrFrom4([4]byte{192, 0, 2, byte(211 + i)})}
			}
			links := [2]*labLink{l.link("left", "middle"), l.link("right", "middle")}
			x.left = links[0].peering(c.family, x.at[0], "left", x.at[1], "middle")
			x.right = links[1].peering(c.family, x.at[2], "right", x.at[1], "middle")
			for _, p := range []*labPeering{&x.left, &x.right} {
				p.Families = []string{"ipv4", "ipv6"}
				p.B.Reflects = x.within
				if end := map[bool]*labEnd{true: &p.A, false: &p.B}[c.kinds[1] != "ours"]; c.old { // ours is at one end of each session
					end.Extra = append(end.Extra, "twoOctetAs: true")
				}
			}
			x.at[0].Routes = transitRoutes(1, c.kinds[0], c.kinds[2])
			x.at[2].Routes = transitRoutes(2, c.kinds[2], c.kinds[0])
			// Within an AS the outer ones use each other's addresses as next hops (RFC 4271 section 5.1.3).
			l.reach("left", "middle", links[0], links[1])
			l.reach("right", "middle", links[1], links[0])
			x.start(l)
			x.hold("at first")
			first, third := x.at[0].Routes, x.at[2].Routes
			x.announce(rotated(first), rotated(third))
			x.hold("after each route got the attributes of the next")
			x.announce(thinned(first, 0), thinned(third, 1))
			x.hold("after every second route was withdrawn")
			x.announce(first, third)
			x.hold("after all were announced again")
		})
	}
}

// reach gives a node a way to the far link's addresses, through the node in the middle.
func (l *lab) reach(node, middle string, near, far *labLink) {
	l.t.Helper()
	via, there := near.end(middle), far.end(middle)
	ns := l.node(node).ns
	l.run("ip", "-n", ns, "route", "add", netip.PrefixFrom(there.addr4, 30).Masked().String(), "via", via.addr4.String())
	l.run("ip", "-n", ns, "route", "add", netip.PrefixFrom(there.addr6, 126).Masked().String(), "via", via.addr6.String())
}

// transitRoutes are what an outer router announces: all attributes, and those that decide whether a route goes on.
func transitRoutes(net int, by, to string) []labRoute {
	list := interopRoutes(net, by, to, interopCase{defaults: true})
	for i := range list { // what routers do with these by themselves, other tests look at
		list[i].Communities = slices.DeleteFunc(slices.Clone(list[i].Communities), func(c string) bool { return c == "65535:0" || c == "65535:666" })
	}
	add := func(n int, r labRoute) {
		if by == "FRR" {
			r.MED = number(0)
		}
		r.Prefix = netip.MustParsePrefix(fmt.Sprintf("10.%d.10%d.0/24", net, n))
		list = append(list, r)
		r.Prefix = netip.MustParsePrefix(fmt.Sprintf("2001:db8:%d:10%d::/64", net, n))
		list = append(list, r)
	}
	add(0, labRoute{Communities: []string{"65535:65281", "65000:7"}}) // no-export
	add(1, labRoute{Communities: []string{"65535:65282"}})            // no-advertise
	add(2, labRoute{Communities: []string{"65535:65283"}})            // no-export-subconfed
	if by == "ours" {
		add(3, labRoute{Unknown: []string{"99:0102"}, Path: "64999"})
		add(4, labRoute{Unknown: []string{"240:" + strings.Repeat("a5", 300)}, Communities: []string{"65000:8"}})
		add(5, labRoute{ExtCommunities: []string{"0x0606000000000001", "0x030b000000000005", "0x43000000000000aa", "rt:65000:5"}})
	}
	return list
}

func (x *transit) start(l *lab) {
	x.t.Helper()
	peerings := [3][]labPeering{{x.left}, {x.left, x.right}, {x.right}}
	for _, p := range []labPeering{x.left, x.right} {
		for _, r := range p.announced(p.A.labSpeaker) {
			x.long(x.at[1], r.Path)
		}
	}
	for i, name := range []string{"left", "middle", "right"} {
		x.run[i] = startRouter(x.t, x.kinds[i], l.node(name), x.at[i], peerings[i]...)
	}
	waitEstablished(x.t, x.run[1], x.left.A.Addr, x.right.A.Addr)
}

// long prepares BIRD for a path that it does not show as a whole.
func (x *transit) long(at *labSpeaker, path string) {
	for i, s := range x.at {
		if line := birdPaths(path); s == at && x.kinds[i] == "BIRD" && len(path) > 400 && !slices.Contains(at.Lines, line[0]) {
			at.Lines = append(at.Lines, line...)
		}
	}
}

func (x *transit) announce(left, right []labRoute) {
	x.t.Helper()
	for i, list := range map[int][]labRoute{0: left, 2: right} {
		p := map[int]labPeering{0: x.left, 2: x.right}[i]
		before := x.at[i].Routes
		x.at[i].Routes = list
		if o, ok := x.run[i].(*ours); ok {
			o.configure(oursConfig(x.t, x.at[i], p))
		} else {
			reoriginate(x.t, x.run[i], before, x.at[i], p)
		}
	}
}

// hold waits until both outer routers hold what the middle must pass on, and no more.
func (x *transit) hold(when string) {
	x.t.Helper()
	for _, way := range []struct {
		from, to labPeering
		at       int
	}{{x.left, x.right, 2}, {x.right, x.left, 0}} {
		for _, family := range []string{"ipv4", "ipv6"} {
			want := x.passed(way.from, way.to, family)
			eventually(x.t, convergedWithin, fmt.Sprintf("%s: %s holds the %s routes that went through", when, x.run[way.at].name(), family), func() (bool, string) {
				held, err := x.run[way.at].table(family)
				if err != nil {
					return false, err.Error()
				}
				held = slices.DeleteFunc(learnt(held, way.to.B.Addr), func(r labRoute) bool { // its own, that FRR sends back
					return slices.ContainsFunc(x.at[way.at].Routes, func(own labRoute) bool { return own.Prefix == r.Prefix })
				})
				diff := diffTables(map[string][]labRoute{"must pass": want, x.run[way.at].name(): held})
				return diff == "", diff
			})
		}
	}
}

// passed is what becomes of an outer router's routes when the middle passes them on over another session.
func (x *transit) passed(from, to labPeering, family string) []labRoute {
	var list []labRoute
	for _, r := range from.announced(from.A.labSpeaker) {
		has := func(communities ...string) bool {
			return slices.ContainsFunc(r.Communities, func(c string) bool { return slices.Contains(communities, c) })
		}
		switch { // RFC 1997
		case familyOf(r.Prefix.Addr()) != family, has("65535:65282"), has("65535:65281", "65535:65283") && !x.within:
			continue
		}
		r.From = to.B.Addr
		if x.within { // RFC 4456 section 8; the next hop's link-local address is on another link (RFC 2545 section 3)
			r.Originator, r.Clusters = from.A.ID, to.B.ID.String()
			if x.kinds[1] != "BIRD" { // BIRD 2.0.12 passes the address of the other link on all the same
				r.NextHopLocal = netip.Addr{}
			}
			if x.kinds[1] == "FRR" && r.MED == nil { // RFC 4456 section 10: unchanged; FRR 8.4 makes a missing one 0
				r.MED = number(0)
			}
		} else { // RFC 4271 sections 5.1.2, 5.1.3 and 5.1.4
			r.Path = fmt.Sprintf("%d %s", to.B.AS, r.Path)
			r.MED = nil
			r.NextHop, r.NextHopLocal = to.B.Addr, netip.Addr{}
			if familyOf(to.B.Addr) != family {
				r.NextHop = to.B.Other
			}
			if family == "ipv6" {
				r.NextHopLocal = to.B.LinkLocal
			}
		}
		list = append(list, r)
	}
	return list
}
