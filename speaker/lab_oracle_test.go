//go:build linux

package speaker_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

// labNeighbor is what a router's choice may depend on of the neighbour that a route came from.
type labNeighbor struct {
	ID       netip.Addr // its BGP Identifier
	External bool       // in another AS
}

// labBest is the oracle of the decision process: RFC 4271 section 9.1.2.2 word by word, slow and obvious, for one prefix. It shares
// nothing with package bgp. The degree of preference is LOCAL_PREF, and a router's own routes come before all others, as all of
// ours do. Every next hop is as near as any other. It returns the index of the best route, -1 of none.
func labBest(routes []labRoute, neighbors map[netip.Addr]labNeighbor) int {
	in := make([]int, len(routes))
	for i := range routes {
		in[i] = i
	}
	lowest := func(measure func(labRoute) int64) {
		least := int64(1) << 62
		for _, i := range in {
			least = min(least, measure(routes[i]))
		}
		in = slices.DeleteFunc(in, func(i int) bool { return measure(routes[i]) != least })
	}
	lowest(func(r labRoute) int64 {
		if r.LocalPref == nil {
			return -labDefaultPreference
		}
		return -int64(*r.LocalPref)
	})
	lowest(func(r labRoute) int64 { return truth(r.From.IsValid()) })
	lowest(func(r labRoute) int64 { return int64(len(strings.Fields(r.Path))) })                              // a
	lowest(func(r labRoute) int64 { return map[string]int64{"igp": 0, "egp": 1, "incomplete": 2}[r.Origin] }) // b
	all := slices.Clone(in)
	in = slices.DeleteFunc(in, func(m int) bool { // c
		return slices.ContainsFunc(all, func(n int) bool {
			return neighborAS(routes[m]) == neighborAS(routes[n]) && labMED(routes[n]) < labMED(routes[m])
		})
	})
	lowest(func(r labRoute) int64 { return truth(r.From.IsValid() && !neighbors[r.From].External) }) // d
	// e: no next hop is further away than another.
	identifier := func(i int) netip.Addr { // RFC 4456 section 9
		if routes[i].Originator.IsValid() {
			return routes[i].Originator
		}
		return neighbors[routes[i].From].ID
	}
	clusters := func(i int) int { return len(strings.Fields(routes[i].Clusters)) }
	slices.SortFunc(in, func(a, b int) int { // f and g, with RFC 4456 section 9 in between
		for _, order := range []int{identifier(a).Compare(identifier(b)), clusters(a) - clusters(b), routes[a].From.Compare(routes[b].From)} {
			if order != 0 {
				return order
			}
		}
		return 0
	})
	if len(in) == 0 {
		return -1
	}
	return in[0]
}

func truth(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// neighborAS is the function of that name in RFC 4271 section 9.1.2.2 c.
func neighborAS(r labRoute) string {
	first, _, _ := strings.Cut(r.Path, " ")
	return first
}

// labMED is the MED that counts: the lowest where there is none (RFC 4271 section 9.1.2.2 c).
func labMED(r labRoute) uint32 {
	if r.MED == nil {
		return 0
	}
	return *r.MED
}

func TestLabTheOracleFollowsEachStepOfTheDecision(t *testing.T) {
	a, b, c := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2"), netip.MustParseAddr("192.0.2.3")
	neighbors := map[netip.Addr]labNeighbor{a: {ID: c, External: true}, b: {ID: a, External: true}, c: {ID: b}}
	route := func(from netip.Addr, path string, change func(*labRoute)) labRoute {
		r := labRoute{From: from, Path: path, Origin: "igp", LocalPref: number(100)}
		if change != nil {
			change(&r)
		}
		return r
	}
	for _, x := range []struct {
		name   string
		routes []labRoute
		want   int
	}{
		{"of none there is no best", nil, -1},
		{"the highest preference wins", []labRoute{route(a, "", nil), route(b, "1 2", func(r *labRoute) { r.LocalPref = number(101) })}, 1},
		{"the router's own wins", []labRoute{route(a, "", nil), route(netip.Addr{}, "1", nil)}, 1},
		{"the shorter path wins", []labRoute{route(a, "1", nil), route(b, "2 3", nil)}, 0},
		{"the lower origin wins", []labRoute{route(a, "1", nil), route(b, "2", func(r *labRoute) { r.Origin = "egp" })}, 0},
		{"the lower MED wins within an AS", []labRoute{route(a, "1", nil), route(b, "1", func(r *labRoute) { r.MED = number(1) })}, 0},
		{"MEDs of two ASes are not compared", []labRoute{route(a, "1", nil), route(b, "2", func(r *labRoute) { r.MED = number(1) })}, 1},
		{"a MED of 0 is no MED", []labRoute{route(a, "1", nil), route(b, "1", func(r *labRoute) { r.MED = number(0) })}, 1},
		{"what loses by its MED does not return", []labRoute{
			route(a, "1", nil), route(b, "1", func(r *labRoute) { r.MED = number(1) }), route(c, "2", nil)}, 0},
		{"the external route wins", []labRoute{route(a, "1", nil), route(c, "2", nil)}, 0},
		{"the lower identifier wins", []labRoute{route(a, "1", nil), route(b, "2", nil)}, 1},
		{"the originator stands for the identifier", []labRoute{route(a, "1", func(r *labRoute) { r.Originator = netip.MustParseAddr("1.1.1.1") }), route(b, "2", nil)}, 0},
		{"the shorter cluster list wins", []labRoute{
			route(a, "1", func(r *labRoute) { r.Originator, r.Clusters = c, "1.1.1.1 1.1.1.1" }), route(b, "2", func(r *labRoute) { r.Originator, r.Clusters = c, "1.1.1.1" })}, 1},
		{"the lower address wins", []labRoute{route(b, "1", func(r *labRoute) { r.Originator = c }), route(a, "1", nil)}, 1},
	} {
		t.Run(x.name, func(t *testing.T) {
			if got := labBest(x.routes, neighbors); got != x.want {
				t.Errorf("best is %d, want %d", got, x.want)
			}
			slices.Reverse(x.routes)
			if got := labBest(x.routes, neighbors); x.want >= 0 && got != len(x.routes)-1-x.want {
				t.Errorf("best of the same in another order is %d of %s", got, fmt.Sprint(x.routes))
			}
		})
	}
}
