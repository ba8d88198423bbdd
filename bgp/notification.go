package bgp

import (
	"bytes"
	"fmt"
	"unicode/utf8"
)

// The error codes of NOTIFICATION messages (RFC 4271 section 4.5, RFC 7313 section 5, RFC 9687).
const (
	CodeHeader       = 1
	CodeOpen         = 2
	CodeUpdate       = 3
	CodeHoldTimer    = 4
	CodeFSM          = 5
	CodeCease        = 6
	CodeRouteRefresh = 7
	CodeSendHold     = 8
)

// The subcodes of a Cease (RFC 4486 section 3, RFC 8538 section 3, RFC 9384).
const (
	CeaseMaxPrefixes  = 1
	CeaseShutdown     = 2
	CeaseDeconfigured = 3
	CeaseReset        = 4
	CeaseRejected     = 5
	CeaseConfigChange = 6
	CeaseCollision    = 7
	CeaseResources    = 8
	CeaseHardReset    = 9
	CeaseBFDDown      = 10
)

// The subcodes for a message that a state does not expect (RFC 6608 section 3).
const (
	FSMInOpenSent    = 1
	FSMInOpenConfirm = 2
	FSMInEstablished = 3
)

// The subcodes that the parsers of this package give: of a header (RFC 4271 section 6.1), an OPEN (6.2), an UPDATE (6.3) and a
// ROUTE-REFRESH (RFC 7313 section 5).
const (
	headerNotSynchronized = 1
	headerBadLength       = 2
	headerBadType         = 3

	openUnspecific    = 0
	openVersion       = 1
	openPeerAS        = 2
	openIdentifier    = 3
	openOptionalParam = 4
	openHoldTime      = 6

	updateAttrList  = 1
	updateWellKnown = 2
	updateMissing   = 3
	updateFlags     = 4
	updateLength    = 5
	updateOrigin    = 6
	updateNextHop   = 8
	updateOptional  = 9
	updateNetwork   = 10
	updatePath      = 11

	refreshLength = 1
)

// codes names the error codes, subcodes what comes with them.
var codes = [...]struct {
	name     string
	subcodes []string
}{
	CodeHeader: {"Message Header Error", []string{"", "Connection Not Synchronized", "Bad Message Length", "Bad Message Type"}},
	CodeOpen: {"OPEN Message Error", []string{"", "Unsupported Version Number", "Bad Peer AS", "Bad BGP Identifier",
		"Unsupported Optional Parameter", "Authentication Failure", "Unacceptable Hold Time", "Unsupported Capability",
		"", "", "", "Role Mismatch"}},
	CodeUpdate: {"UPDATE Message Error", []string{"", "Malformed Attribute List", "Unrecognized Well-known Attribute",
		"Missing Well-known Attribute", "Attribute Flags Error", "Attribute Length Error", "Invalid ORIGIN Attribute",
		"AS Routing Loop", "Invalid NEXT_HOP Attribute", "Optional Attribute Error", "Invalid Network Field", "Malformed AS_PATH"}},
	CodeHoldTimer: {"Hold Timer Expired", nil},
	CodeFSM: {"Finite State Machine Error", []string{"", "Receive Unexpected Message in OpenSent State",
		"Receive Unexpected Message in OpenConfirm State", "Receive Unexpected Message in Established State"}},
	CodeCease: {"Cease", []string{"", "Maximum Number of Prefixes Reached", "Administrative Shutdown", "Peer De-configured",
		"Administrative Reset", "Connection Rejected", "Other Configuration Change", "Connection Collision Resolution",
		"Out of Resources", "Hard Reset", "BFD Down"}},
	CodeRouteRefresh: {"ROUTE-REFRESH Message Error", []string{"", "Invalid Message Length"}},
	CodeSendHold:     {"Send Hold Timer Expired", nil},
}

// Notification is the content of a NOTIFICATION message (RFC 4271 section 4.5). As an error it is a reason for which a session ends.
type Notification struct {
	Code, Subcode uint8
	Data          []byte
}

// Error names the code and the subcode, "Hold Timer Expired (4/0)", and adds what the other side's operator wrote.
func (n *Notification) Error() string {
	name, sub := fmt.Sprintf("Error %d", n.Code), ""
	if int(n.Code) < len(codes) && codes[n.Code].name != "" {
		c := codes[n.Code]
		name = c.name
		if int(n.Subcode) < len(c.subcodes) {
			sub = c.subcodes[n.Subcode]
		}
	}
	if sub != "" {
		name += ": " + sub
	}
	name = fmt.Sprintf("%s (%d/%d)", name, n.Code, n.Subcode)
	if inner, ok := n.Inner(); ok {
		return name + ", " + inner.Error()
	}
	if text, ok := n.Communication(); ok && text != "" {
		name += fmt.Sprintf(", %q", text)
	}
	return name
}

// longestCommunication is what the length octet can say (RFC 9003 section 2).
const longestCommunication = 255

// NewShutdown is a Cease with a text for the neighbour's operator (RFC 9003); the subcode is CeaseShutdown or CeaseReset. The
// text is cut, between characters, to 255 octets; an empty one is left out.
func NewShutdown(subcode uint8, text string) *Notification {
	n := &Notification{Code: CodeCease, Subcode: subcode}
	if text == "" {
		return n
	}
	text = string(bytes.ToValidUTF8([]byte(text), []byte("\uFFFD")))
	if len(text) > longestCommunication {
		cut := longestCommunication
		for !utf8.RuneStart(text[cut]) {
			cut--
		}
		text = text[:cut]
	}
	n.Data = append([]byte{byte(len(text))}, text...)
	return n
}

// Communication is the text that goes with a shutdown or reset (RFC 9003 section 2). It is not ok if there is none, it is
// shorter than it says or it is not UTF-8; whoever shows it must expect control characters.
func (n *Notification) Communication() (text string, ok bool) {
	if n.Code != CodeCease || n.Subcode != CeaseShutdown && n.Subcode != CeaseReset || len(n.Data) == 0 {
		return "", false
	}
	length := int(n.Data[0])
	if len(n.Data) < 1+length || !utf8.Valid(n.Data[1:1+length]) {
		return "", false
	}
	return string(n.Data[1 : 1+length]), true
}

// HardReset wraps a notification so that the neighbour keeps no routes for a graceful restart (RFC 8538 section 3.1).
func (n *Notification) HardReset() *Notification {
	return &Notification{Code: CodeCease, Subcode: CeaseHardReset, Data: append([]byte{n.Code, n.Subcode}, n.Data...)}
}

// Inner is what a Hard Reset carries (RFC 8538 section 3.1). A Hard Reset within a Hard Reset is data like any other.
func (n *Notification) Inner() (*Notification, bool) {
	if n.Code != CodeCease || n.Subcode != CeaseHardReset || len(n.Data) < 2 || n.Data[0] == CodeCease && n.Data[1] == CeaseHardReset {
		return nil, false
	}
	return &Notification{Code: n.Data[0], Subcode: n.Data[1], Data: cloned(n.Data[2:])}, true
}

// ParseNotification reads the body of a NOTIFICATION message, of which NextMessage has checked that it holds two octets. It
// keeps nothing of body.
func ParseNotification(body []byte) *Notification {
	if len(body) < 2 {
		return &Notification{}
	}
	return &Notification{Code: body[0], Subcode: body[1], Data: cloned(body[2:])}
}

// AppendNotification writes the message behind dst. Data is cut to what a message holds.
func AppendNotification(dst []byte, n *Notification) []byte {
	data := n.Data[:min(len(n.Data), MaxMessageLen-HeaderLen-2)]
	dst = appendHeader(dst, HeaderLen+2+len(data), NotificationMessage)
	dst = append(dst, n.Code, n.Subcode)
	return append(dst, data...)
}
