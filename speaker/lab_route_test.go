//go:build linux

package speaker_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// labRoute is one route as any of the daemons holds it, in one spelling.
type labRoute struct {
	Prefix           netip.Prefix
	NextHop          netip.Addr // the global one; none for a route of the daemon's own
	Path             string     // "64512 64513"; "64512 {1 2}" with a set
	Origin           string     // igp, egp, incomplete
	MED              *uint32
	LocalPref        *uint32
	Communities      []string // "65000:1"
	ExtCommunities   []string // "rt:65000:1", "soo:192.0.2.1:5"
	LargeCommunities []string // "65000:1:2"
	AtomicAggregate  bool
	Aggregator       string     // "64512 192.0.2.1"
	NextHopLocal     netip.Addr // the link-local one beside an IPv6 next hop
	Originator       netip.Addr // RFC 4456
	Clusters         string     // "192.0.2.1 192.0.2.2", the last reflector first
	Unknown          []string   // optional transitive attributes that nobody knows: "99:0102"
	Best, Stale      bool
	From             netip.Addr // the neighbour that sent it; none for a route of the daemon's own
}

// number makes an optional number of a constant.
func number(n uint32) *uint32 { return &n }

// attributes lists what compareTables compares: the name and the value of each.
func (r labRoute) attributes() [][2]string {
	optional := func(n *uint32) string {
		if n == nil {
			return "-"
		}
		return strconv.FormatUint(uint64(*n), 10)
	}
	address := func(a netip.Addr) string {
		if !a.IsValid() {
			return "-"
		}
		return a.String()
	}
	// Communities are sets (RFC 1997, RFC 4360, RFC 8092): a speaker may send them in any order.
	set := func(list []string) string {
		list = slices.Clone(list)
		slices.Sort(list)
		return strings.Join(list, " ")
	}
	return [][2]string{
		{"next hop", address(r.NextHop)},
		{"path", r.Path},
		{"origin", r.Origin},
		{"MED", optional(r.MED)},
		{"local preference", optional(r.LocalPref)},
		{"communities", set(r.Communities)},
		{"extended communities", set(r.ExtCommunities)},
		{"large communities", set(r.LargeCommunities)},
		{"atomic aggregate", strconv.FormatBool(r.AtomicAggregate)},
		{"aggregator", r.Aggregator},
		{"link-local next hop", address(r.NextHopLocal)},
		{"originator", address(r.Originator)},
		{"cluster list", r.Clusters},
		{"unknown attributes", set(r.Unknown)},
		{"best", strconv.FormatBool(r.Best)},
		{"stale", strconv.FormatBool(r.Stale)},
		{"from", address(r.From)},
	}
}

// compareTables fails the test unless all the tables, each with the name of its holder, hold the same routes. ignore names
// attributes that may differ.
func compareTables(t testing.TB, tables map[string][]labRoute, ignore ...string) {
	t.Helper()
	if diff := diffTables(tables, ignore...); diff != "" {
		t.Errorf("the tables differ:\n%s", diff)
	}
}

// diffTables lists where tables differ, a line for each attribute of each route; it is empty when they are the same.
func diffTables(tables map[string][]labRoute, ignore ...string) string {
	holders := make([]string, 0, len(tables))
	byPrefix := map[string]map[netip.Prefix][]labRoute{}
	var prefixes []netip.Prefix
	for holder, routes := range tables {
		holders = append(holders, holder)
		byPrefix[holder] = map[netip.Prefix][]labRoute{}
		for _, r := range routes {
			byPrefix[holder][r.Prefix] = append(byPrefix[holder][r.Prefix], r)
			prefixes = append(prefixes, r.Prefix)
		}
	}
	slices.Sort(holders)
	slices.SortFunc(prefixes, netip.Prefix.Compare)
	prefixes = slices.Compact(prefixes)

	rows := [][]string{append([]string{"prefix", "attribute"}, holders...)}
	for _, prefix := range prefixes {
		rows = append(rows, diffPrefix(prefix, holders, byPrefix, ignore)...)
	}
	if len(rows) == 1 {
		return ""
	}
	return columns(rows)
}

// diffPrefix lists the differences between the holders' routes to one prefix.
func diffPrefix(prefix netip.Prefix, holders []string, byPrefix map[string]map[netip.Prefix][]labRoute, ignore []string) [][]string {
	count := []string{prefix.String(), "routes"}
	routes := make([][]labRoute, len(holders))
	for i, holder := range holders {
		routes[i] = slices.Clone(byPrefix[holder][prefix])
		slices.SortStableFunc(routes[i], func(a, b labRoute) int {
			return strings.Compare(fmt.Sprint(a.attributes()), fmt.Sprint(b.attributes()))
		})
		count = append(count, strconv.Itoa(len(routes[i])))
	}
	if !same(count[2:]) {
		return [][]string{count}
	}
	var rows [][]string
	for n := range routes[0] {
		attributes := make([][][2]string, len(holders))
		for i := range holders {
			attributes[i] = routes[i][n].attributes()
		}
		for a, attribute := range attributes[0] {
			row := []string{prefix.String(), attribute[0]}
			for i := range holders {
				row = append(row, attributes[i][a][1])
			}
			if !same(row[2:]) && !slices.Contains(ignore, attribute[0]) {
				rows = append(rows, row)
			}
		}
	}
	return rows
}

// same tells whether all are equal.
func same(list []string) bool {
	return !slices.ContainsFunc(list, func(s string) bool { return s != list[0] })
}

// columns aligns rows of cells; an empty cell shows as a pair of quotes.
func columns(rows [][]string) string {
	width := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			width[i] = max(width[i], len(cell), 2)
		}
	}
	var b strings.Builder
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			if cell == "" {
				cell = `""`
			}
			fmt.Fprintf(&line, "%-*s  ", width[i], cell)
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	return b.String()
}

// learnt picks the routes that came from a neighbour; with addresses, only from those.
func learnt(routes []labRoute, from ...netip.Addr) []labRoute {
	var list []labRoute
	for _, r := range routes {
		if r.From.IsValid() && (len(from) == 0 || slices.Contains(from, r.From)) {
			list = append(list, r)
		}
	}
	return list
}
