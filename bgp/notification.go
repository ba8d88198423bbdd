package bgp

// Notification is the content of a NOTIFICATION message (RFC 4271 section 4.5). As an error it is a reason for which a session ends.
type Notification struct {
	Code, Subcode uint8
	Data          []byte
}
