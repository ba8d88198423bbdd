package bgp

// The error codes of NOTIFICATION messages (RFC 4271 section 4.5; RFC 7313 section 5; RFC 9687 section 6).
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

// The subcodes of a Cease (RFC 4486 section 3; RFC 8538 section 3; RFC 9384 section 2).
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

// The subcodes of a message that a state does not expect (RFC 6608 section 3).
const (
	FSMInOpenSent    = 1
	FSMInOpenConfirm = 2
	FSMInEstablished = 3
)

// Notification is the content of a NOTIFICATION message (RFC 4271 section 4.5). As an error it is a reason for which a session ends.
type Notification struct {
	Code, Subcode uint8
	Data          []byte
}

// Error names the code and the subcode: "Hold Timer Expired (4/0)".
func (n *Notification) Error() string { return "" }

// NewShutdown is a Cease with a text for the neighbour's operator (RFC 9003); subcode is CeaseShutdown or CeaseReset.
func NewShutdown(subcode uint8, text string) *Notification { return nil }

// Communication is the text that goes with a shutdown or reset (RFC 9003 section 2).
func (n *Notification) Communication() (text string, ok bool) { return "", false }

// HardReset wraps a notification so that the neighbour keeps no routes for a graceful restart (RFC 8538 section 3.1).
func (n *Notification) HardReset() *Notification { return nil }

// Unwrap is what a Hard Reset carries (RFC 8538 section 3.1).
func (n *Notification) Inner() (*Notification, bool) { return nil, false }

// ParseNotification reads the body of a NOTIFICATION message.
func ParseNotification(body []byte) (*Notification, *Notification) { return nil, nil }

// AppendNotification writes the message behind dst.
func AppendNotification(dst []byte, n *Notification) []byte { return dst }
