package bgp

// HeaderLen and MaxMessageLen bound every message (RFC 4271 section 4.1).
const (
	HeaderLen     = 19
	MaxMessageLen = 4096
)

// MessageType is the type of a message (RFC 4271 section 4.1).
type MessageType uint8

// The types.
const (
	OpenMessage         MessageType = 1
	UpdateMessage       MessageType = 2
	NotificationMessage MessageType = 3
	KeepaliveMessage    MessageType = 4
	RouteRefreshMessage MessageType = 5 // RFC 2918
)

// NextMessage finds the first message in b; body is a part of b. n is how many octets the message takes; n == 0 without an
// error means that b does not hold a whole message yet. The error is the NOTIFICATION to send (RFC 4271 section 6.1).
func NextMessage(b []byte) (t MessageType, body []byte, n int, err *Notification) {
	return 0, nil, 0, nil
}

// AppendKeepalive writes a KEEPALIVE behind dst.
func AppendKeepalive(dst []byte) []byte { return dst }

// The subtypes of a ROUTE-REFRESH (RFC 7313 section 3.2).
const (
	RefreshRequest = 0
	RefreshBegin   = 1
	RefreshEnd     = 2
)

// ParseRefresh reads the body of a ROUTE-REFRESH. It returns subtypes that it does not know too: they are to be ignored.
func ParseRefresh(body []byte) (f Family, subtype uint8, err *Notification) { return }

// AppendRefresh writes a ROUTE-REFRESH behind dst.
func AppendRefresh(dst []byte, f Family, subtype uint8) []byte { return dst }
