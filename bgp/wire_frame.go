package bgp

import "encoding/binary"

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

// bounds are how short and long a message of each type may be (RFC 4271 section 6.1). How long a ROUTE-REFRESH is, its own
// section judges (RFC 7313 section 5).
var bounds = [...]struct{ least, most uint16 }{
	OpenMessage:         {29, MaxMessageLen},
	UpdateMessage:       {23, MaxMessageLen},
	NotificationMessage: {21, MaxMessageLen},
	KeepaliveMessage:    {HeaderLen, HeaderLen},
	RouteRefreshMessage: {HeaderLen, MaxMessageLen},
}

// NextMessage finds the first message in b; body is a part of b. n is how many octets the message takes; n == 0 without an
// error means that b does not hold a whole message yet. The error is the NOTIFICATION to send (RFC 4271 section 6.1); a wrong
// header is told before the rest of its message has come.
func NextMessage(b []byte) (t MessageType, body []byte, n int, err *Notification) {
	if len(b) < HeaderLen {
		return 0, nil, 0, nil
	}
	if binary.BigEndian.Uint64(b)&binary.BigEndian.Uint64(b[8:]) != ^uint64(0) {
		return 0, nil, 0, &Notification{Code: CodeHeader, Subcode: headerNotSynchronized}
	}
	length := binary.BigEndian.Uint16(b[16:])
	t = MessageType(b[18])
	switch {
	case length < HeaderLen || length > MaxMessageLen:
		return 0, nil, 0, badLength(b)
	case t == 0 || int(t) >= len(bounds):
		return 0, nil, 0, &Notification{Code: CodeHeader, Subcode: headerBadType, Data: []byte{byte(t)}}
	case length < bounds[t].least || length > bounds[t].most:
		return 0, nil, 0, badLength(b)
	case int(length) > len(b):
		return 0, nil, 0, nil
	}
	return t, b[HeaderLen:length:length], int(length), nil
}

// badLength carries the length field (RFC 4271 section 6.1).
func badLength(b []byte) *Notification {
	return &Notification{Code: CodeHeader, Subcode: headerBadLength, Data: []byte{b[16], b[17]}}
}

// appendHeader writes the header of a message of this length.
func appendHeader(dst []byte, length int, t MessageType) []byte {
	const marker = "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"
	dst = append(dst, marker...)
	return append(dst, byte(length>>8), byte(length), byte(t))
}

// AppendKeepalive writes a KEEPALIVE behind dst (RFC 4271 section 4.4).
func AppendKeepalive(dst []byte) []byte { return appendHeader(dst, HeaderLen, KeepaliveMessage) }

// The subtypes of a ROUTE-REFRESH (RFC 7313 section 3.2).
const (
	RefreshRequest = 0
	RefreshBegin   = 1
	RefreshEnd     = 2
)

// ParseRefresh reads the body of a ROUTE-REFRESH. Subtypes that it does not know it returns too: they are to be ignored
// (RFC 7313 section 5).
func ParseRefresh(body []byte) (f Family, subtype uint8, err *Notification) {
	if len(body) < 4 || len(body) > 4 && body[2] <= RefreshEnd {
		// RFC 7313 section 5: the data is the whole message.
		message := append(appendHeader(nil, HeaderLen+len(body), RouteRefreshMessage), body...)
		return Family{}, 0, &Notification{Code: CodeRouteRefresh, Subcode: refreshLength, Data: message}
	}
	return Family{AFI: binary.BigEndian.Uint16(body), SAFI: body[3]}, body[2], nil
}

// AppendRefresh writes a ROUTE-REFRESH behind dst.
func AppendRefresh(dst []byte, f Family, subtype uint8) []byte {
	dst = appendHeader(dst, HeaderLen+4, RouteRefreshMessage)
	return append(dst, byte(f.AFI>>8), byte(f.AFI), subtype, f.SAFI)
}
