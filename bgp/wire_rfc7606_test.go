package bgp

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

// part writes one path attribute.
func part(flags, kind byte, value ...byte) []byte {
	return append([]byte{flags, kind, byte(len(value))}, value...)
}

// parts joins attributes.
func parts(list ...[]byte) []byte { return slices.Concat(list...) }

// updateBody puts the three fields of an UPDATE together.
func updateBody(withdrawn, attrs, nlri []byte) []byte {
	b := append([]byte{byte(len(withdrawn) >> 8), byte(len(withdrawn))}, withdrawn...)
	b = append(b, byte(len(attrs)>>8), byte(len(attrs)))
	return slices.Concat(b, attrs, nlri)
}

var (
	anOrigin  = part(0x40, 1, 0)
	aPath     = part(0x40, 2, 2, 1, 0, 0, 0xFC, 0x00) // 64512
	aHop      = part(0x40, 3, 192, 0, 2, 1)
	three     = parts(anOrigin, aPath, aHop)
	aPrefix   = []byte{24, 203, 0, 113}
	documents = []byte{0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}
	reachIPv6 = part(0x80, 14, slices.Concat([]byte{0, 2, 1, 16}, documents, []byte{0, 32, 0x20, 0x01, 0x0d, 0xb8})...)
	goneIPv6  = part(0x80, 15, 0, 2, 1, 32, 0x20, 0x01, 0x0d, 0xb8)

	onlyIPv4 = WireOptions{FourOctetAS: true}
	onlyIPv6 = WireOptions{FourOctetAS: true, Families: []Family{{2, 1}}}
	both     = WireOptions{FourOctetAS: true, Families: []Family{{1, 1}, {2, 1}}}
	inside   = WireOptions{FourOctetAS: true, IBGP: true, Families: both.Families}
	old      = WireOptions{Families: both.Families} // two-octet AS numbers
	oldPath  = part(0x40, 2, 2, 1, 0xFC, 0x00)
)

// saying writes what a parsed UPDATE does: "-withdrawn +announced", and what was left out.
func saying(u *Update) string {
	var s []string
	for _, p := range u.Withdrawn {
		s = append(s, "-"+p.String())
	}
	for _, p := range slices.Concat(u.NLRI, u.MPNLRI) {
		s = append(s, "+"+p.String())
	}
	for _, k := range u.Discarded {
		s = append(s, "discard "+attrName(k))
	}
	if u.EndOfRIB != (Family{}) {
		s = append(s, "end of "+u.EndOfRIB.String())
	}
	return strings.Join(s, ", ")
}

func TestErrorsInUpdates(t *testing.T) {
	const gone, kept = "-203.0.113.0/24", "+203.0.113.0/24"
	mp := func(value ...byte) []byte { return part(0x80, 14, value...) }
	for _, x := range []struct {
		name                   string
		opts                   WireOptions
		withdrawn, attrs, nlri []byte
		severity               Severity // 0 for no error
		subcode                uint8
		want                   string
	}{
		{"RFC 7606 3 (c): optional where it is well-known", both, nil, parts(part(0xC0, 1, 0), aPath, aHop), aPrefix, TreatAsWithdraw, 4, gone},
		{"RFC 7606 3 (c): not transitive where it is", both, nil, parts(three, part(0x80, 8, 0, 0, 0, 1)), aPrefix, TreatAsWithdraw, 4, gone},
		{"RFC 7606 3 (c): partial or extended is no conflict", both, nil, parts(three, []byte{0xF0, 8, 0, 4, 0, 0, 0, 1}), aPrefix, 0, 0, kept},
		{"RFC 7606 3 (d): without ORIGIN", both, nil, parts(aPath, aHop), aPrefix, TreatAsWithdraw, 3, gone},
		{"RFC 7606 3 (d): without AS_PATH", both, nil, parts(anOrigin, aHop), aPrefix, TreatAsWithdraw, 3, gone},
		{"RFC 7606 3 (d): without NEXT_HOP", both, nil, parts(anOrigin, aPath), aPrefix, TreatAsWithdraw, 3, gone},
		{"RFC 4760 3: NEXT_HOP is not missed without an NLRI field", both, nil, parts(reachIPv6, anOrigin, aPath), nil, 0, 0, "+2001:db8::/32"},
		{"RFC 4760 3: NEXT_HOP is ignored without an NLRI field", both, nil, parts(reachIPv6, anOrigin, aPath, part(0x40, 3, 0, 0, 0, 0)), nil, 0, 0, "+2001:db8::/32"},
		{"RFC 7606 3 (d): MP_REACH_NLRI without AS_PATH", both, nil, parts(reachIPv6, anOrigin), nil, TreatAsWithdraw, 3, "-2001:db8::/32"},
		{"RFC 4271 5.1.5: no LOCAL_PREF within the AS has a default", inside, nil, three, aPrefix, 0, 0, kept},
		{"RFC 7606 3 (f): flags of ATOMIC_AGGREGATE", both, nil, parts(three, part(0xC0, 6)), aPrefix, 0, 0, kept + ", discard ATOMIC_AGGREGATE"},
		{"RFC 7606 3 (g): MP_REACH_NLRI twice", both, nil, parts(reachIPv6, reachIPv6, anOrigin, aPath), nil, SessionReset, 1, ""},
		{"RFC 7606 3 (g): MP_UNREACH_NLRI twice", both, nil, parts(goneIPv6, goneIPv6), nil, SessionReset, 1, ""},
		{"RFC 7606 3 (g): ORIGIN twice, the first counts", both, nil, parts(three, part(0x40, 1, 9)), aPrefix, 0, 0, kept + ", discard ORIGIN"},
		{"RFC 7606 3 (g): an unknown one twice", both, nil, parts(three, part(0xC0, 99, 1), part(0xC0, 99, 2)), aPrefix, 0, 0, kept + ", discard path attribute 99"},
		{"RFC 7606 3 (h): the strongest prevails", both, nil, parts(part(0x40, 1, 9), aPath, aHop, part(0x40, 77, 1)), aPrefix, SessionReset, 2, ""},
		{"RFC 7606 3 (i): a withdrawn prefix of 33 bits", both, []byte{33, 1, 2, 3, 4, 5}, nil, nil, SessionReset, 10, ""},
		{"RFC 7606 3 (i): a withdrawn prefix past the end", both, []byte{24, 1, 2}, nil, nil, SessionReset, 10, ""},
		{"RFC 7606 4: an attribute longer than the list", both, nil, parts(three, []byte{0x80, 4, 9, 0}), aPrefix, TreatAsWithdraw, 1, gone},
		{"RFC 7606 4: less than a head at the end", both, nil, parts(three, []byte{0x80, 4}), aPrefix, TreatAsWithdraw, 1, gone},
		{"RFC 7606 4: less than an extended head at the end", both, nil, parts(three, []byte{0x90, 4, 0}), aPrefix, TreatAsWithdraw, 1, gone},
		{"RFC 7606 4: MP_REACH_NLRI longer than the list", both, nil, parts(three, []byte{0x80, 14, 99, 0, 2, 1}), aPrefix, SessionReset, 1, ""},
		{"RFC 7606 4: no octets where there must be some", both, nil, parts(three, part(0xC0, 8)), aPrefix, TreatAsWithdraw, 5, gone},
		{"RFC 7606 4: AS_PATH may be empty", inside, nil, parts(anOrigin, part(0x40, 2), aHop), aPrefix, 0, 0, kept},
		{"RFC 7606 5.1: one message of everything", both, []byte{8, 10}, parts(reachIPv6, three, part(0x80, 15, 0, 2, 1, 16, 0xfd, 0)), aPrefix, 0, 0,
			"-10.0.0.0/8, -fd00::/16, +203.0.113.0/24, +2001:db8::/32"},
		{"RFC 7606 5.2: a bad attribute without a prefix", both, nil, parts(part(0x40, 1, 9), aPath, aHop), nil, SessionReset, 6, ""},
		{"RFC 7606 5.2: a bad attribute with withdrawn prefixes only", both, aPrefix, parts(part(0x80, 4, 1)), nil, SessionReset, 5, ""},
		{"RFC 7606 5.2: a discarded attribute without a prefix", both, nil, parts(part(0xC0, 7, 1)), nil, 0, 0, "discard AGGREGATOR"},
		{"RFC 7606 5.2: attributes and no prefix are no error", both, nil, three, nil, 0, 0, ""},
		{"RFC 7606 5.3: a prefix of 33 bits", both, nil, three, []byte{33, 1, 2, 3, 4, 5}, SessionReset, 10, ""},
		{"RFC 7606 5.3: a prefix past the end", both, nil, three, []byte{24, 203, 0}, SessionReset, 10, ""},
		{"RFC 7606 5.3: an IPv6 prefix of 129 bits, another family is left", both, nil, parts(mp(slices.Concat([]byte{0, 2, 1, 16}, documents, []byte{0, 129}, make([]byte, 17))...), three), aPrefix, DisableFamily, 9, kept},
		{"RFC 7606 5.3: an IPv6 prefix of 129 bits, it is all there is", onlyIPv6, nil, parts(mp(slices.Concat([]byte{0, 2, 1, 16}, documents, []byte{0, 129}, make([]byte, 17))...), anOrigin, aPath), nil, SessionReset, 9, ""},
		{"RFC 7606 5.3: MP_REACH_NLRI of 4 octets", both, nil, parts(mp(0, 2, 1, 0), three), aPrefix, DisableFamily, 9, kept},
		{"RFC 7606 5.3: MP_UNREACH_NLRI of 2 octets", both, nil, part(0x80, 15, 0, 2), nil, SessionReset, 9, ""},
		{"RFC 7606 5.3: a withdrawn IPv6 prefix past the end", both, aPrefix, part(0x80, 15, 0, 2, 1, 8, 0xfd, 32, 0xfd), nil, DisableFamily, 9, gone},
		{"RFC 7606 5.3: MP_REACH_NLRI is transitive", both, nil, parts([]byte{0xC0}, reachIPv6[1:], three), aPrefix, DisableFamily, 9, kept},
		{"RFC 7606 5.3: both families broken", both, nil, parts(mp(0, 1, 1, 5, 0), part(0x80, 15, 0, 2, 1, 99), anOrigin, aPath), nil, SessionReset, 9, ""},
		{"RFC 7606 7.1: ORIGIN of two octets", both, nil, parts(part(0x40, 1, 0, 0), aPath, aHop), aPrefix, TreatAsWithdraw, 5, gone},
		{"RFC 7606 7.1: ORIGIN 3", both, nil, parts(part(0x40, 1, 3), aPath, aHop), aPrefix, TreatAsWithdraw, 6, gone},
		{"RFC 7606 7.2: a segment of type 5", both, nil, parts(anOrigin, part(0x40, 2, 5, 1, 0, 0, 0, 1), aHop), aPrefix, TreatAsWithdraw, 11, gone},
		{"RFC 7606 7.2: a segment longer than the path", both, nil, parts(anOrigin, part(0x40, 2, 2, 2, 0, 0, 0, 1), aHop), aPrefix, TreatAsWithdraw, 11, gone},
		{"RFC 7606 7.2: one octet behind the last segment", both, nil, parts(anOrigin, part(0x40, 2, 2, 1, 0, 0, 0, 1, 2), aHop), aPrefix, TreatAsWithdraw, 11, gone},
		{"RFC 7606 7.2: a segment without numbers", both, nil, parts(anOrigin, part(0x40, 2, 2, 0), aHop), aPrefix, TreatAsWithdraw, 11, gone},
		{"RFC 7607 2: AS 0 in AS_PATH", both, nil, parts(anOrigin, part(0x40, 2, 2, 1, 0, 0, 0, 0), aHop), aPrefix, TreatAsWithdraw, 11, gone},
		{"RFC 7607 2: AS 0 in AGGREGATOR", both, nil, parts(three, part(0xC0, 7, 0, 0, 0, 0, 192, 0, 2, 1)), aPrefix, 0, 0, kept + ", discard AGGREGATOR"},
		{"RFC 9774 3: AS_SET", both, nil, parts(anOrigin, part(0x40, 2, 2, 1, 0, 0, 0, 1, 1, 1, 0, 0, 0, 2), aHop), aPrefix, TreatAsWithdraw, 11, gone},
		{"RFC 9774 3: AS_CONFED_SET", both, nil, parts(anOrigin, part(0x40, 2, 4, 1, 0, 0, 0, 1), aHop), aPrefix, TreatAsWithdraw, 11, gone},
		{"RFC 5065 5: AS_CONFED_SEQUENCE", both, nil, parts(anOrigin, part(0x40, 2, 3, 1, 0, 0, 0, 1), aHop), aPrefix, TreatAsWithdraw, 11, gone},
		{"RFC 7606 7.3: NEXT_HOP of 5 octets", both, nil, parts(anOrigin, aPath, part(0x40, 3, 192, 0, 2, 1, 0)), aPrefix, TreatAsWithdraw, 5, gone},
		{"RFC 4271 6.3: NEXT_HOP 0.0.0.0", both, nil, parts(anOrigin, aPath, part(0x40, 3, 0, 0, 0, 0)), aPrefix, TreatAsWithdraw, 8, gone},
		{"RFC 4271 6.3: a multicast NEXT_HOP", both, nil, parts(anOrigin, aPath, part(0x40, 3, 224, 0, 0, 5)), aPrefix, TreatAsWithdraw, 8, gone},
		{"RFC 7606 7.4: MULTI_EXIT_DISC of 3 octets", both, nil, parts(three, part(0x80, 4, 0, 0, 1)), aPrefix, TreatAsWithdraw, 5, gone},
		{"RFC 7606 7.5: LOCAL_PREF from another AS, whatever it holds", both, nil, parts(three, part(0xC0, 5, 1)), aPrefix, 0, 0, kept + ", discard LOCAL_PREF"},
		{"RFC 7606 7.5: LOCAL_PREF of 3 octets within the AS", inside, nil, parts(three, part(0x40, 5, 0, 0, 1)), aPrefix, TreatAsWithdraw, 5, gone},
		{"RFC 7606 7.6: ATOMIC_AGGREGATE of 1 octet", both, nil, parts(three, part(0x40, 6, 1)), aPrefix, 0, 0, kept + ", discard ATOMIC_AGGREGATE"},
		{"RFC 7606 7.7: AGGREGATOR of 6 octets where AS numbers have four", both, nil, parts(three, part(0xC0, 7, 1, 2, 3, 4, 5, 6)), aPrefix, 0, 0, kept + ", discard AGGREGATOR"},
		{"RFC 7606 7.7: AGGREGATOR of 8 octets where AS numbers have two", old, nil, parts(anOrigin, oldPath, aHop, part(0xC0, 7, 1, 2, 3, 4, 5, 6, 7, 8)), aPrefix, 0, 0, kept + ", discard AGGREGATOR"},
		{"RFC 7606 7.8: COMMUNITIES of 5 octets", both, nil, parts(three, part(0xC0, 8, 1, 2, 3, 4, 5)), aPrefix, TreatAsWithdraw, 5, gone},
		{"RFC 7606 7.9: ORIGINATOR_ID from another AS", both, nil, parts(three, part(0x80, 9, 1, 2, 3)), aPrefix, 0, 0, kept + ", discard ORIGINATOR_ID"},
		{"RFC 7606 7.9: ORIGINATOR_ID of 3 octets within the AS", inside, nil, parts(three, part(0x80, 9, 1, 2, 3)), aPrefix, TreatAsWithdraw, 5, gone},
		{"RFC 7606 7.10: CLUSTER_LIST from another AS", both, nil, parts(three, part(0x80, 10, 1)), aPrefix, 0, 0, kept + ", discard CLUSTER_LIST"},
		{"RFC 7606 7.10: an empty CLUSTER_LIST within the AS", inside, nil, parts(three, part(0x80, 10)), aPrefix, TreatAsWithdraw, 5, gone},
		{"RFC 7606 7.11: an IPv6 next hop of 4 octets", both, nil, parts(mp(0, 2, 1, 4, 1, 2, 3, 4, 0, 8, 0x20), three), aPrefix, DisableFamily, 9, kept},
		{"RFC 7606 7.11: a next hop past the end, and no other family", onlyIPv6, nil, parts(mp(0, 2, 1, 16, 1, 2, 3, 4, 0), anOrigin, aPath), nil, SessionReset, 9, ""},
		{"RFC 4271 6.3: an unspecified IPv6 next hop", both, nil, parts(mp(slices.Concat([]byte{0, 2, 1, 16}, make([]byte, 17), []byte{8, 0xfd})...), anOrigin, aPath), nil, TreatAsWithdraw, 8, "-fd00::/8"},
		{"RFC 7606 7.14: EXTENDED COMMUNITIES of 9 octets", both, nil, parts(three, part(0xC0, 16, 1, 2, 3, 4, 5, 6, 7, 8, 9)), aPrefix, TreatAsWithdraw, 5, gone},
		{"RFC 8092: LARGE_COMMUNITY of 8 octets", both, nil, parts(three, part(0xC0, 32, 1, 2, 3, 4, 5, 6, 7, 8)), aPrefix, TreatAsWithdraw, 5, gone},
		{"RFC 4271 6.3: an unknown well-known attribute", both, nil, parts(three, part(0x40, 77, 1)), aPrefix, SessionReset, 2, ""},
		{"RFC 4271 5: an unknown optional attribute that is not transitive", both, nil, parts(three, part(0x80, 77, 1)), aPrefix, 0, 0, kept},
		{"RFC 6793 4.1: AS4 attributes between speakers of four octets", both, nil, parts(three, part(0xC0, 17, 9), part(0xC0, 18, 9)), aPrefix, 0, 0, kept + ", discard AS4_PATH, discard AS4_AGGREGATOR"},
		{"RFC 6793 6: a malformed AS4_PATH", old, nil, parts(anOrigin, oldPath, aHop, part(0xC0, 17, 2, 1, 0)), aPrefix, 0, 0, kept + ", discard AS4_PATH"},
		{"RFC 6793 6: an empty AS4_PATH", old, nil, parts(anOrigin, oldPath, aHop, part(0xC0, 17)), aPrefix, 0, 0, kept + ", discard AS4_PATH"},
		{"RFC 6793 6: an AS4_AGGREGATOR of 7 octets", old, nil, parts(anOrigin, oldPath, aHop, part(0xC0, 18, 1, 2, 3, 4, 5, 6, 7)), aPrefix, 0, 0, kept + ", discard AS4_AGGREGATOR"},
		{"RFC 9774 3: AS_SET in AS4_PATH", old, nil, parts(anOrigin, oldPath, aHop, part(0xC0, 17, 1, 1, 0, 1, 0, 0)), aPrefix, TreatAsWithdraw, 11, gone},
		{"RFC 4760 8: a family that was not agreed on", onlyIPv4, nil, parts(reachIPv6, three, goneIPv6), aPrefix, 0, 0, kept + ", discard MP_REACH_NLRI, discard MP_UNREACH_NLRI"},
		{"RFC 4760 8: IPv4 that was not agreed on", onlyIPv6, []byte{8, 10}, parts(reachIPv6, three), aPrefix, 0, 0, "+2001:db8::/32"},
		{"RFC 4760 3: IPv4 in MP_REACH_NLRI", both, nil, parts(mp(0, 1, 1, 4, 192, 0, 2, 1, 0, 24, 203, 0, 113), anOrigin, aPath), nil, 0, 0, kept},
		{"RFC 4271 4.3: withdrawn and announced counts as announced", both, slices.Concat(aPrefix, []byte{8, 10}), three, aPrefix, 0, 0, "-10.0.0.0/8, " + kept},
		{"RFC 4271 6.3: multicast and IPv4-mapped prefixes are ignored", both, nil, parts(mp(slices.Concat([]byte{0, 2, 1, 16}, documents, []byte{0, 8, 0xff, 16, 0xfd, 0, 96, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff})...), three),
			slices.Concat([]byte{4, 224}, aPrefix, []byte{32, 239, 1, 1, 1}), 0, 0, kept + ", +fd00::/16"},
		{"RFC 4271 4.3: bits beyond the length are cleared", both, nil, three, []byte{20, 203, 0, 0xFF}, 0, 0, "+203.0.240.0/20"},
		{"RFC 4271 4.3: the default route", both, nil, three, []byte{0}, 0, 0, "+0.0.0.0/0"},
		{"RFC 4724 2: the end of IPv4", both, nil, nil, nil, 0, 0, "end of ipv4"},
		{"RFC 4724 2: the end of IPv6", both, nil, part(0x80, 15, 0, 2, 1), nil, 0, 0, "end of ipv6"},
		{"RFC 4724 2: a marker has nothing beside", both, nil, parts(part(0x80, 15, 0, 2, 1), anOrigin), nil, 0, 0, ""},
		{"RFC 4724 2: the end of a family that was not agreed on", onlyIPv4, nil, part(0x80, 15, 0, 2, 1), nil, 0, 0, "discard MP_UNREACH_NLRI"},
	} {
		t.Run(x.name, func(t *testing.T) {
			var u Update
			for range 2 { // the second time with what the first left behind
				err := u.Parse(updateBody(x.withdrawn, x.attrs, x.nlri), x.opts)
				if x.severity == 0 && err != nil || x.severity != 0 && (err == nil || err.Severity != x.severity) {
					t.Fatalf("got %v, want severity %d", err, x.severity)
				}
				if err != nil && (err.Notification.Code != CodeUpdate || err.Notification.Subcode != x.subcode || err.Reason == "") {
					t.Errorf("got %s (%s), want subcode %d", err.Notification.Error(), err.Reason, x.subcode)
				}
				if err != nil && (err.Severity == DisableFamily) != (err.Family == IPv6Unicast()) {
					t.Errorf("the family is %s", err.Family)
				}
				if got := saying(&u); x.severity != SessionReset && got != x.want {
					t.Errorf("got  %s\nwant %s", got, x.want)
				}
			}
		})
	}
	for name, body := range map[string][]byte{
		"shorter than the two lengths": {0, 0, 0}, "withdrawn routes past the end": {0, 9, 0, 0}, "attributes past the end": {0, 0, 0, 9, 1}, "empty": {},
	} {
		if err := new(Update).Parse(body, both); err == nil || err.Severity != SessionReset || err.Notification.Subcode != 1 {
			t.Errorf("RFC 7606 3 (b): %s: got %v", name, err)
		}
	}
}

func TestAnErrorCarriesTheAttribute(t *testing.T) {
	bad := part(0x40, 77, 1, 2, 3)
	err := new(Update).Parse(updateBody(nil, parts(three, bad), aPrefix), both)
	if err == nil || !slices.Equal(err.Notification.Data, bad) {
		t.Errorf("RFC 4271 6.3: got %v", err)
	}
	err = new(Update).Parse(updateBody(nil, parts(aPath, aHop), aPrefix), both)
	if err == nil || !slices.Equal(err.Notification.Data, []byte{1}) || err.Error() != "treat-as-withdraw: ORIGIN is missing (RFC 7606 section 3 (d))" {
		t.Errorf("RFC 4271 6.3: got %v", err)
	}
}

func TestSpeakersOfTwoOctets(t *testing.T) {
	path := func(kind byte, numbers ...byte) []byte { return part(0x40|kind>>4<<7, kind, numbers...) }
	seq2 := path(2, 2, 3, 0xFC, 0, 0x5B, 0xA0, 0x5B, 0xA0) // 64512 23456 23456
	aggregator := func(as ...byte) []byte { return part(0xC0, 7, append(as, 192, 0, 2, 9)...) }
	aggregator4 := part(0xC0, 18, 0, 1, 0, 0, 192, 0, 2, 10)
	as4 := part(0xC0, 17, 2, 2, 0, 1, 0, 0, 0, 1, 0, 1) // 65536 65537
	for _, x := range []struct {
		name             string
		attrs            []byte
		path, aggregator string
	}{
		{"RFC 6793 4.2.3: AS4_PATH takes the place of the last numbers", parts(seq2, as4), "64512 65536 65537", ""},
		{"RFC 6793 4.2.3: an AS4_PATH that is longer is ignored", parts(path(2, 2, 1, 0xFC, 0), as4), "64512", ""},
		{"RFC 6793 4.2.3: without AS4_PATH", seq2, "64512 23456 23456", ""},
		{"RFC 6793 4.2.3: AS4_AGGREGATOR with AS_TRANS", parts(seq2, aggregator(0x5B, 0xA0), as4, aggregator4), "64512 65536 65537", "65536 192.0.2.10"},
		{"RFC 6793 4.2.3: AGGREGATOR with another number, both AS4 attributes are ignored", parts(seq2, aggregator(0xFC, 0), as4, aggregator4), "64512 23456 23456", "64512 192.0.2.9"},
		{"RFC 6793 4.2.3: AS4_AGGREGATOR without AGGREGATOR", parts(seq2, as4, aggregator4), "64512 65536 65537", ""},
		{"RFC 6793 6: a confederation's segment in AS4_PATH is passed over", parts(seq2, part(0xC0, 17, 3, 1, 0, 9, 0, 0, 2, 1, 0, 1, 0, 1)), "64512 23456 65537", ""},
	} {
		t.Run(x.name, func(t *testing.T) {
			var u Update
			if err := u.Parse(updateBody(nil, parts(anOrigin, aHop, x.attrs), aPrefix), old); err != nil {
				t.Fatal(err)
			}
			got := ""
			if r := u.Attrs.Rest; r != nil {
				got = fmt.Sprintf("%s %s", r.AggregatorAS, r.Aggregator)
			}
			if u.Attrs.Path.String() != x.path || got != x.aggregator {
				t.Errorf("got %q and %q, want %q and %q", u.Attrs.Path, got, x.path, x.aggregator)
			}
		})
	}
}

func TestNextHopsOfIPv6(t *testing.T) {
	local := addr("fe80::1").As16()
	zero := [16]byte{}
	for _, x := range []struct {
		name         string
		hops         []byte
		global, link string
	}{
		{"RFC 2545 3: one address", documents, "2001:db8::1", "invalid IP"},
		{"RFC 2545 3: a link-local one beside it", slices.Concat(documents, local[:]), "2001:db8::1", "fe80::1"},
		{"only a link-local address beside it is one", slices.Concat(documents, documents), "2001:db8::1", "invalid IP"},
		{"the link-local one alone", local[:], "fe80::1", "invalid IP"},
		{"the link-local one alone, beside nothing", slices.Concat(zero[:], local[:]), "fe80::1", "invalid IP"},
	} {
		t.Run(x.name, func(t *testing.T) {
			reach := part(0x80, 14, slices.Concat([]byte{0, 2, 1, byte(len(x.hops))}, x.hops, []byte{0, 8, 0xfd})...)
			var u Update
			if err := u.Parse(updateBody(nil, parts(reach, three), nil), both); err != nil {
				t.Fatal(err)
			}
			a := u.MPAttrs()
			if a.NextHop.String() != x.global || a.NextHopLocal.String() != x.link || u.Attrs.NextHop.IsValid() {
				t.Errorf("got %s and %s", a.NextHop, a.NextHopLocal)
			}
		})
	}
}

func TestUnknownAttributesAreCarriedOn(t *testing.T) {
	var u Update
	if err := u.Parse(updateBody(nil, parts(part(0xC0, 200, 7), three, part(0xE0, 20, 1, 2), part(0xC0, 30)), aPrefix), both); err != nil {
		t.Fatal(err)
	}
	want := []UnknownAttr{{20, "\x01\x02"}, {30, ""}, {200, "\x07"}}
	if u.Attrs.Rest == nil || !slices.Equal(u.Attrs.Rest.Unknown, want) {
		t.Fatalf("got %+v", u.Attrs.Rest)
	}
	a := u.Attrs.WithLargeCommunities(LargeCommunity{1, 2, 3})
	a.ExtCommunities = []ExtCommunity{5}
	out, _ := AppendUpdate(nil, &a, []netip.Prefix{pfx("203.0.113.0/24")}, both)
	at := -1
	for _, x := range [][]byte{part(0xC0, 16, 0, 0, 0, 0, 0, 0, 0, 5), part(0xE0, 20, 1, 2), part(0xE0, 30), part(0xC0, 32, 0, 0, 0, 1), part(0xE0, 200, 7)} {
		x[2] = byte(len(x) - 3)
		if x[1] == 32 {
			x[2] = 12
		}
		i := strings.Index(string(out), string(x))
		if i <= at {
			t.Errorf("RFC 4271 5: attribute %d is not there, not partial or out of order", x[1])
		}
		at = i
	}
}

func TestTheLocalPreferenceOfAnotherASIsBelievedOnRequest(t *testing.T) {
	o, body := both, updateBody(nil, parts(three, part(0x40, 5, 0, 0, 0, 200)), aPrefix)
	o.KeepLocalPref = true
	var u Update
	if err := u.Parse(body, o); err != nil || u.Attrs.EffectiveLocalPref() != 200 {
		t.Errorf("vendor: got %d, %v", u.Attrs.LocalPref, err)
	}
	if err := u.Parse(body, both); err != nil || u.Attrs.HasLocalPref {
		t.Errorf("RFC 7606 7.5: got %d, %v", u.Attrs.LocalPref, err)
	}
}
