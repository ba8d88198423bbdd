package bgp

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var openOptions = cmp.Options{cmpopts.EquateComparable(addr("0.0.0.0")), cmpopts.EquateEmpty()}

// an OPEN's body: version 4, AS 64512, 180 s, 192.0.2.1, and these optional parameters with their length.
func openBody(parameters ...byte) []byte {
	return append([]byte{4, 0xFC, 0, 0, 180, 192, 0, 2, 1}, parameters...)
}

func TestOpens(t *testing.T) {
	plain := Open{Version: 4, AS: 64512, HoldTime: 180, RouterID: addr("192.0.2.1")}
	with := func(c Capabilities) Open { o := plain; o.Capabilities = c; return o }
	for _, x := range []struct {
		name string
		body []byte
		want Open
		back bool // our own message is the same
	}{
		{"RFC 4271 4.2: no parameters", openBody(0), plain, true},
		{"RFC 5492 4: all capabilities that are known, and one that is not", openBody(38, 2, 36,
			1, 4, 0, 1, 0, 1, 1, 4, 0, 2, 0, 1, 2, 0, 64, 6, 0xC0, 120, 0, 1, 1, 0x80, 65, 4, 0, 1, 0, 0, 70, 0, 73, 4, 1, 2, 3, 4),
			with(Capabilities{Families: []Family{{1, 1}, {2, 1}}, RouteRefresh: true, EnhancedRefresh: true, FourOctetAS: 65536,
				GracefulRestart: &GracefulRestart{Restarting: true, Notification: true, Time: 120, Families: []RestartFamily{{IPv4Unicast(), true}}},
				Unknown:         []RawCapability{{73, "\x01\x02\x03\x04"}}}), true},
		{"RFC 5492 4: a parameter for each capability", openBody(12, 2, 6, 1, 4, 0, 1, 0, 1, 2, 2, 2, 0),
			with(Capabilities{Families: []Family{{1, 1}}, RouteRefresh: true}), false},
		{"RFC 5492 4: a family twice", openBody(14, 2, 12, 1, 4, 0, 1, 0, 1, 1, 4, 0, 1, 0, 1), with(Capabilities{Families: []Family{{1, 1}}}), false},
		{"RFC 4724 3: of two graceful restarts the last", openBody(10, 2, 8, 64, 2, 0x80, 1, 64, 2, 0x0F, 0xFF),
			with(Capabilities{GracefulRestart: &GracefulRestart{Time: 4095}}), false},
		{"RFC 9072 2: extended although it is short", openBody(255, 255, 0, 5, 2, 0, 2, 2, 0), with(Capabilities{RouteRefresh: true}), false},
		{"RFC 9072 2: the one-octet length does not count", openBody(1, 255, 0, 5, 2, 0, 2, 2, 0), with(Capabilities{RouteRefresh: true}), false},
	} {
		t.Run(x.name, func(t *testing.T) {
			got, err := ParseOpen(x.body)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(x.want, got, openOptions); d != "" {
				t.Error(d)
			}
			out := AppendOpen(nil, &got)
			kind, body, _, err := NextMessage(out)
			if err != nil || kind != OpenMessage || x.back && !bytes.Equal(body, x.body) {
				t.Errorf("written as % x (%v)", out, err)
			}
			if again, err := ParseOpen(body); err != nil || !cmp.Equal(got, again, openOptions) {
				t.Errorf("read back as %+v, %v", again, err)
			}
		})
	}
}

func TestTheLongFormOfAnOpenComesOnlyWhenItMust(t *testing.T) {
	for _, x := range []struct {
		octets   int // of the capability's value, beside its two
		extended bool
	}{{0, false}, {251, false}, {252, true}, {255, true}} {
		o := Open{Version: 4, RouterID: addr("192.0.2.1"), Capabilities: Capabilities{Unknown: []RawCapability{{200, strings.Repeat("x", x.octets)}}}}
		out := AppendOpen([]byte("before"), &o)[6:]
		_, body, n, err := NextMessage(out)
		if err != nil || n != len(out) || (body[10] == 255) != x.extended || x.extended && body[9] != 255 {
			t.Fatalf("RFC 9072 2: %d octets: % x (%v)", x.octets, out, err)
		}
		if back, err := ParseOpen(body); err != nil || !cmp.Equal(o, back, openOptions) {
			t.Errorf("RFC 9072 2: %d octets: read back as %+v, %v", x.octets, back, err)
		}
	}
	many := Open{Version: 4, RouterID: addr("192.0.2.1")}
	for i := range 100 {
		many.Capabilities.Unknown = append(many.Capabilities.Unknown, RawCapability{uint8(100 + i), "abcdefghij"})
	}
	if back, err := ParseOpen(AppendOpen(nil, &many)[HeaderLen:]); err != nil || !cmp.Equal(many, back, openOptions) {
		t.Errorf("RFC 9072 2: 1200 octets: %v", err)
	}
	if as := AppendOpen(nil, &Open{AS: 65536})[20:22]; as[0] != 0x5B || as[1] != 0xA0 {
		t.Errorf("RFC 6793 4.1: the AS field is % x", as)
	}
}

func TestOpensThatCannotBeRead(t *testing.T) {
	for _, x := range []struct {
		name    string
		body    []byte
		subcode uint8
		data    []byte
	}{
		{"RFC 4271 6.2: version 3", append([]byte{3}, openBody(0)[1:]...), 1, []byte{0, 4}},
		{"RFC 4271 6.2: version 5 with a tail of its own", []byte{5, 1}, 1, []byte{0, 4}},
		{"too short", openBody()[:8], 0, nil},
		{"the parameters' length is too long", openBody(1), 0, nil},
		{"the parameters' length is too short", openBody(0, 2, 0), 0, nil},
		{"a parameter without its length", openBody(1, 2), 0, nil},
		{"a parameter past the end", openBody(2, 2, 1), 0, nil},
		{"RFC 4271 6.2: an unknown parameter", openBody(3, 1, 1, 0), 4, nil},
		{"a capability without its length", openBody(3, 2, 1, 1), 0, nil},
		{"a capability past the end", openBody(4, 2, 2, 1, 4), 0, nil},
		{"a family of 3 octets", openBody(7, 2, 5, 1, 3, 0, 1, 0), 0, nil},
		{"an AS number of 2 octets", openBody(6, 2, 4, 65, 2, 0, 1), 0, nil},
		{"RFC 7607 2: AS number 0", openBody(8, 2, 6, 65, 4, 0, 0, 0, 0), 2, nil},
		{"graceful restart of 1 octet", openBody(5, 2, 3, 64, 1, 0), 0, nil},
		{"graceful restart with half a family", openBody(8, 2, 6, 64, 4, 0, 1, 0, 1), 0, nil},
		{"RFC 9072 2: extended past the end", openBody(255, 255, 0, 9, 2, 0, 2, 2, 0), 0, nil},
		{"RFC 9072 2: a parameter past the end", openBody(255, 255, 0, 4, 2, 0, 2, 2), 0, nil},
	} {
		if _, err := ParseOpen(x.body); err == nil || err.Code != CodeOpen || err.Subcode != x.subcode || !bytes.Equal(err.Data, x.data) {
			t.Errorf("%s: got %v", x.name, err)
		}
	}
}

func TestOpensThatAreNotAcceptable(t *testing.T) {
	id, own := addr("192.0.2.1"), addr("192.0.2.2")
	open := func(as, four ASN, hold uint16) Open {
		return Open{Version: 4, AS: as, HoldTime: hold, RouterID: id, Capabilities: Capabilities{FourOctetAS: four}}
	}
	noID, same := open(64512, 0, 180), open(64512, 0, 180)
	noID.RouterID, same.RouterID = addr("0.0.0.0"), own
	for _, x := range []struct {
		name  string
		open  Open
		local ASN
		peer  ASN
		min   time.Duration
		want  uint8 // subcode, 0 for none
	}{
		{"as it should be", open(64512, 64512, 180), 1, 64512, 0, 0},
		{"a speaker of two octets", open(64512, 0, 180), 1, 64512, 0, 0},
		{"RFC 6793 4.1: the capability's number counts", open(ASTrans, 65536, 180), 1, 65536, 0, 0},
		{"RFC 6793 4.1: AS_TRANS with a short number", open(ASTrans, 64512, 180), 1, 64512, 0, 0},
		{"RFC 6793 4.1: AS_TRANS alone", open(ASTrans, 0, 180), 1, 65536, 0, 2},
		{"two numbers that contradict each other", open(64513, 64512, 180), 1, 64512, 0, 2},
		{"RFC 4271 6.2: another AS", open(64512, 64512, 180), 1, 64513, 0, 2},
		{"RFC 7607 2: AS 0", open(0, 0, 180), 1, 0, 0, 2},
		{"RFC 7607 2: AS 0 in the field", open(0, 64512, 180), 1, 64512, 0, 2},
		{"RFC 6286 2.2: identifier 0", noID, 1, 64512, 0, 3},
		{"RFC 6286 2.2: the own identifier within the AS", same, 64512, 64512, 0, 3},
		{"RFC 6286 2.2: the own identifier in another AS", same, 1, 64512, 0, 0},
		{"RFC 4271 6.2: a hold time of 0", open(64512, 0, 0), 1, 64512, 9 * time.Second, 0},
		{"RFC 4271 6.2: a hold time of 1 s", open(64512, 0, 1), 1, 64512, 0, 6},
		{"RFC 4271 6.2: a hold time of 2 s", open(64512, 0, 2), 1, 64512, 0, 6},
		{"RFC 4271 6.2: a hold time of 3 s", open(64512, 0, 3), 1, 64512, 0, 0},
		{"RFC 4271 6.2: a hold time below the least", open(64512, 0, 8), 1, 64512, 9 * time.Second, 6},
		{"RFC 4271 6.2: the least hold time", open(64512, 0, 9), 1, 64512, 9 * time.Second, 0},
	} {
		err := x.open.Check(OpenWant{LocalAS: x.local, PeerAS: x.peer, LocalID: own, MinHold: x.min})
		if (err != nil) != (x.want != 0) || err != nil && (err.Code != CodeOpen || err.Subcode != x.want) {
			t.Errorf("%s: got %v", x.name, err)
		}
	}
}
