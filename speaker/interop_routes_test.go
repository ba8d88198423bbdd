//go:build linux

package speaker_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// interopRoutes are what our speaker, FRR or BIRD originates: prefixes of every odd length, and between them every attribute
// that it can originate, and to, who shall hold them, can show, with the ends of its range. net, 1 or 2, tells the prefixes of
// two speakers apart.
func interopRoutes(net int, by, to string, c interopCase) []labRoute {
	prefixes := []string{
		fmt.Sprintf("10.%d.1.0/24", net), fmt.Sprintf("10.%d.2.1/32", net), fmt.Sprintf("10.%d.2.2/31", net), fmt.Sprintf("10.%d.64.0/19", net),
		fmt.Sprintf("%d.0.0.0/8", 20+net), fmt.Sprintf("%d.0.0.0/5", 32*net), fmt.Sprintf("10.%d.3.128/25", net), fmt.Sprintf("10.%d.4.0/30", net),
		fmt.Sprintf("172.16.%d.0/23", 16*net), fmt.Sprintf("10.%d.5.0/27", net), fmt.Sprintf("%d.128.0.0/9", 22+net), fmt.Sprintf("10.%d.6.16/28", net),
		fmt.Sprintf("10.%d.7.0/26", net), fmt.Sprintf("10.%d.128.0/17", net),
	}
	prefixes6 := []string{
		fmt.Sprintf("2001:db8:%d::/48", net), fmt.Sprintf("2001:db8:%d::1/128", net), fmt.Sprintf("2001:db8:%d::2/127", net), fmt.Sprintf("2001:db8:%d:8000::/49", net),
		fmt.Sprintf("200%d::/16", net+3), fmt.Sprintf("%d00::/7", net*4), fmt.Sprintf("2001:db8:%d:1::/64", net), fmt.Sprintf("2001:db8:%d:2::/63", net),
		fmt.Sprintf("2001:db8:%d:4::/65", net), fmt.Sprintf("2001:db8:%d:5:6::/80", net), fmt.Sprintf("2001:db8:%d0::/44", net), fmt.Sprintf("2001:db8:%d:7::8/126", net),
		fmt.Sprintf("2001:db8:%d:8::/66", net), fmt.Sprintf("2001:db8:%d:9:8::/79", net),
	}
	if (net == 1) == c.defaults {
		prefixes, prefixes6 = append(prefixes, "0.0.0.0/0"), append(prefixes6, "::/0")
	}
	attributes := oursAttributes(by == "ours")
	if by == "BIRD" && to == "ours" || by == "ours" && to == "BIRD" { // FRR neither originates extended communities of other kinds nor shows what they are
		attributes = append(attributes, labRoute{ExtCommunities: []string{"0x0606000000000001", "0x030b0000ffffffff", "0x43000000000000aa", "rt:65000:5"}})
	}
	if by == "ours" && to == "BIRD" { // FRR passes them on, and does not show them
		attributes = append(attributes, labRoute{Unknown: []string{"99:0102ff", "240:a5"}, Path: "64999"})
	}
	if to == "FRR" && slices.Contains(c.old, "theirs") {
		// FRR 8.4 takes an AGGREGATOR to have four octets of AS number as soon as we offer them, not only when it did too
		// (RFC 6793 section 4.1), and ends the session.
		for i := range attributes {
			attributes[i].Aggregator = ""
		}
	}
	switch by {
	case "FRR":
		for i := range attributes {
			if attributes[i].MED == nil {
				attributes[i].MED = number(0) // FRR announces one always
			}
			// FRR 8.4 makes a wrong number of one of ten digits, already when it reads its configuration.
			attributes[i].Aggregator = strings.Replace(attributes[i].Aggregator, "4200000004 ", "420000004 ", 1)
		}
	case "BIRD":
		for i := range attributes { // BIRD passes these on, but cannot originate them
			attributes[i].AtomicAggregate, attributes[i].Aggregator = false, ""
		}
	}
	var list []labRoute
	for _, family := range [][]string{prefixes, prefixes6} {
		for i, prefix := range family {
			r := attributes[i%len(attributes)]
			r.Prefix = netip.MustParsePrefix(prefix)
			list = append(list, r)
		}
	}
	return list
}

// oursAttributes are sets of attributes; all are those that our speaker alone can originate besides.
func oursAttributes(all bool) []labRoute {
	list := []labRoute{
		{},
		{Origin: "egp", Path: "64999 64998", MED: number(0)},
		{Origin: "incomplete", Path: "4200000001 64999 4200000002", MED: number(4294967295)},
		{Path: "64999 64999 64999 64998", LocalPref: number(0), Communities: []string{"65000:1"}},
		{LocalPref: number(4294967295), Communities: []string{"0:1", "65000:65535", "65535:0", "65535:666"}},
		{ExtCommunities: []string{"rt:65000:1", "rt:65000:4294967295", "soo:65000:9"}, MED: number(7)},
		{ExtCommunities: []string{"rt:4200000000:65535", "rt:192.0.2.1:5", "soo:192.0.2.1:65535", "soo:4200000000:1"}, LocalPref: number(200)},
		{LargeCommunities: []string{"4294967295:4294967295:4294967295", "65000:0:0"}, Path: "4200000003"},
		{AtomicAggregate: true, Aggregator: "64998 192.0.2.77", Path: "64998"},
		{AtomicAggregate: true, Aggregator: "4200000004 192.0.2.78", Path: "4200000005 64998", Origin: "incomplete", MED: number(1),
			LocalPref: number(150), Communities: []string{"65000:2"}, ExtCommunities: []string{"rt:1:1"}, LargeCommunities: []string{"1:2:3"}},
	}
	if all {
		list = append(list,
			labRoute{Path: strings.TrimSpace(strings.Repeat("64997 4200000006 ", 150)), MED: number(3)}, // two segments
			labRoute{Aggregator: "4200000007 192.0.2.79"})
	}
	return list
}
