package bgp

import (
	"bytes"
	"strings"
	"testing"
)

func TestNotificationsAreForPeople(t *testing.T) {
	for _, x := range []struct {
		n    *Notification
		want string
	}{
		{&Notification{Code: CodeHoldTimer}, "Hold Timer Expired (4/0)"},
		{&Notification{Code: CodeHeader, Subcode: 1}, "Message Header Error: Connection Not Synchronized (1/1)"},
		{&Notification{Code: CodeOpen, Subcode: 2}, "OPEN Message Error: Bad Peer AS (2/2)"},
		{&Notification{Code: CodeOpen, Subcode: 7}, "OPEN Message Error: Unsupported Capability (2/7)"},
		{&Notification{Code: CodeOpen}, "OPEN Message Error (2/0)"},
		{&Notification{Code: CodeOpen, Subcode: 9}, "OPEN Message Error (2/9)"},
		{&Notification{Code: CodeUpdate, Subcode: 11}, "UPDATE Message Error: Malformed AS_PATH (3/11)"},
		{&Notification{Code: CodeFSM, Subcode: FSMInOpenConfirm}, "Finite State Machine Error: Receive Unexpected Message in OpenConfirm State (5/2)"},
		{&Notification{Code: CodeCease, Subcode: CeaseMaxPrefixes}, "Cease: Maximum Number of Prefixes Reached (6/1)"},
		{&Notification{Code: CodeCease, Subcode: CeaseBFDDown}, "Cease: BFD Down (6/10)"},
		{&Notification{Code: CodeRouteRefresh, Subcode: 1}, "ROUTE-REFRESH Message Error: Invalid Message Length (7/1)"},
		{&Notification{Code: CodeSendHold}, "Send Hold Timer Expired (8/0)"},
		{&Notification{Code: 99, Subcode: 3}, "Error 99 (99/3)"},
		{&Notification{}, "Error 0 (0/0)"},
		{NewShutdown(CeaseShutdown, "back at noon"), `Cease: Administrative Shutdown (6/2), "back at noon"`},
		{(&Notification{Code: CodeHoldTimer}).HardReset(), "Cease: Hard Reset (6/9), Hold Timer Expired (4/0)"},
	} {
		if got := x.n.Error(); got != x.want {
			t.Errorf("got %s, want %s", got, x.want)
		}
	}
}

func TestShutdownCommunication(t *testing.T) {
	long := strings.Repeat("ü", 200)
	for _, x := range []struct {
		name string
		n    *Notification
		text string
		ok   bool
	}{
		{"RFC 9003 2: a text", NewShutdown(CeaseReset, "wartung"), "wartung", true},
		{"RFC 9003 2: a long text is cut between characters", NewShutdown(CeaseShutdown, long), long[:254], true},
		{"RFC 9003 2: a text of 255 octets", NewShutdown(CeaseShutdown, strings.Repeat("x", 255)), strings.Repeat("x", 255), true},
		{"no text", NewShutdown(CeaseShutdown, ""), "", false},
		{"a text of no octets", &Notification{CodeCease, CeaseShutdown, []byte{0}}, "", true},
		{"shorter than it says", &Notification{CodeCease, CeaseShutdown, []byte{9, 'a'}}, "", false},
		{"not UTF-8", &Notification{CodeCease, CeaseShutdown, []byte{1, 0xFF}}, "", false},
		{"octets behind the text", &Notification{CodeCease, CeaseShutdown, []byte{1, 'a', 'b'}}, "a", true},
		{"another Cease", &Notification{CodeCease, CeaseCollision, []byte{1, 'a'}}, "", false},
	} {
		if text, ok := x.n.Communication(); text != x.text || ok != x.ok {
			t.Errorf("%s: got %q, %v", x.name, text, ok)
		}
	}
}

func TestHardResetsAreUnwrappedOnce(t *testing.T) {
	n := NewShutdown(CeaseShutdown, "move")
	inner, ok := n.HardReset().Inner()
	if !ok || inner.Code != n.Code || inner.Subcode != n.Subcode || !bytes.Equal(inner.Data, n.Data) {
		t.Errorf("RFC 8538 3.1: got %+v", inner)
	}
	for _, x := range []*Notification{n, n.HardReset().HardReset(), {Code: CodeCease, Subcode: CeaseHardReset}, {Code: CodeCease, Subcode: CeaseHardReset, Data: []byte{6}}} {
		if _, ok := x.Inner(); ok {
			t.Errorf("%v carries another", x)
		}
	}
}

func TestNotificationsOnTheWire(t *testing.T) {
	n := &Notification{Code: 2, Subcode: 1, Data: []byte{0, 4}}
	out := AppendNotification([]byte{9}, n)
	kind, body, size, err := NextMessage(out[1:])
	if err != nil || kind != NotificationMessage || size != 23 || !bytes.Equal(body, []byte{2, 1, 0, 4}) {
		t.Fatalf("got % x, %v", out, err)
	}
	back := ParseNotification(body)
	if back.Code != 2 || back.Subcode != 1 || !bytes.Equal(back.Data, n.Data) {
		t.Errorf("got %+v", back)
	}
	n.Data = make([]byte, 5000)
	if out := AppendNotification(nil, n); len(out) != MaxMessageLen {
		t.Errorf("a message of %d octets", len(out))
	}
}
