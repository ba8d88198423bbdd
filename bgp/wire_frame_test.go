package bgp

import (
	"bytes"
	"slices"
	"testing"
)

// frame writes a header and a body.
func frame(length int, t MessageType, body ...byte) []byte {
	return append(appendHeader(nil, length, t), body...)
}

func TestNextMessage(t *testing.T) {
	broken := frame(19, KeepaliveMessage)
	broken[15] = 0xFE
	for _, x := range []struct {
		name    string
		b       []byte
		n       int
		subcode uint8 // 0 for no error
		data    []byte
	}{
		{"nothing", nil, 0, 0, nil},
		{"half a header", frame(19, KeepaliveMessage)[:18], 0, 0, nil},
		{"a header without its body", frame(23, UpdateMessage), 0, 0, nil},
		{"a KEEPALIVE and more", frame(19, KeepaliveMessage, 0xFF, 0xFF), 19, 0, nil},
		{"RFC 4271 6.1: the marker is not all ones", broken, 0, 1, nil},
		{"RFC 4271 6.1: a length below 19", frame(18, KeepaliveMessage), 0, 2, []byte{0, 18}},
		{"RFC 4271 6.1: a length above 4096", frame(4097, UpdateMessage), 0, 2, []byte{0x10, 0x01}},
		{"RFC 4271 6.1: the longest, still to come", frame(4096, UpdateMessage), 0, 0, nil},
		{"RFC 4271 6.1: type 0", frame(19, 0), 0, 3, []byte{0}},
		{"RFC 4271 6.1: type 6", frame(19, 6), 0, 3, []byte{6}},
		{"RFC 4271 6.1: an OPEN of 28 octets", frame(28, OpenMessage), 0, 2, []byte{0, 28}},
		{"RFC 4271 6.1: an UPDATE of 22 octets", frame(22, UpdateMessage), 0, 2, []byte{0, 22}},
		{"RFC 4271 6.1: a NOTIFICATION of 20 octets", frame(20, NotificationMessage), 0, 2, []byte{0, 20}},
		{"RFC 4271 6.1: a KEEPALIVE of 20 octets", frame(20, KeepaliveMessage), 0, 2, []byte{0, 20}},
		{"RFC 7313 5 has its own error for a short ROUTE-REFRESH", frame(19, RouteRefreshMessage), 19, 0, nil},
	} {
		t.Run(x.name, func(t *testing.T) {
			_, body, n, err := NextMessage(x.b)
			if n != x.n || n > 0 && len(body) != n-HeaderLen {
				t.Errorf("got %d octets, %d of them body", n, len(body))
			}
			if (err != nil) != (x.subcode != 0) || err != nil && (err.Code != CodeHeader || err.Subcode != x.subcode || !bytes.Equal(err.Data, x.data)) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestRouteRefresh(t *testing.T) {
	for _, subtype := range []uint8{RefreshRequest, RefreshBegin, RefreshEnd} {
		out := AppendRefresh(nil, IPv6Unicast(), subtype)
		if want := frame(23, RouteRefreshMessage, 0, 2, subtype, 1); !bytes.Equal(out, want) {
			t.Fatalf("got % x, want % x", out, want)
		}
		if f, s, err := ParseRefresh(out[HeaderLen:]); f != IPv6Unicast() || s != subtype || err != nil {
			t.Errorf("got %s, %d, %v", f, s, err)
		}
	}
	for _, x := range []struct {
		name string
		body []byte
		ok   bool
	}{
		{"RFC 7313 5: an unknown subtype is for the caller to ignore", []byte{0, 1, 9, 1}, true},
		{"RFC 7313 5: whatever its length", []byte{0, 1, 3, 1, 7, 7}, true},
		{"RFC 7313 5: too short", []byte{0, 1, 0}, false},
		{"RFC 7313 5: a begin that is too long", []byte{0, 1, 1, 1, 0}, false},
		{"a request with filters, which nobody agreed on", []byte{0, 1, 0, 1, 1, 64, 0, 0}, false},
	} {
		_, _, err := ParseRefresh(x.body)
		if (err == nil) != x.ok {
			t.Errorf("%s: got %v", x.name, err)
		}
		if err != nil && (err.Code != CodeRouteRefresh || err.Subcode != 1 || !slices.Equal(err.Data, frame(HeaderLen+len(x.body), RouteRefreshMessage, x.body...))) {
			t.Errorf("%s: got %v with % x", x.name, err, err.Data)
		}
	}
}

func TestKeepalive(t *testing.T) {
	if kind, body, n, err := NextMessage(AppendKeepalive(nil)); kind != KeepaliveMessage || len(body) != 0 || n != 19 || err != nil {
		t.Errorf("got %d, %d octets, %v", kind, n, err)
	}
}
