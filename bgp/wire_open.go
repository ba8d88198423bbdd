package bgp

import (
	"net/netip"
	"time"
)

// Open is the content of an OPEN message (RFC 4271 section 4.2).
type Open struct {
	Version      uint8
	AS           ASN    // the two-octet field as on the wire
	HoldTime     uint16 // seconds
	RouterID     netip.Addr
	Capabilities Capabilities
}

// Capabilities are what an OPEN announces (RFC 5492).
type Capabilities struct {
	Families                      []Family
	RouteRefresh, EnhancedRefresh bool
	FourOctetAS                   ASN // 0 where it is not announced
	GracefulRestart               *GracefulRestart
	Unknown                       []RawCapability
}

// GracefulRestart is the capability of RFC 4724 section 3.
type GracefulRestart struct {
	Restarting   bool
	Notification bool   // the N bit (RFC 8538 section 2)
	Time         uint16 // seconds, 12 bits
	Families     []RestartFamily
}

// RestartFamily is a family in the capability, with its Forwarding State bit.
type RestartFamily struct {
	Family     Family
	Forwarding bool
}

// RawCapability is one that this package does not know.
type RawCapability struct {
	Code  uint8
	Value string
}

// OpenWant is what a neighbour's OPEN is checked against.
type OpenWant struct {
	LocalAS, PeerAS ASN
	LocalID         netip.Addr
	MinHold         time.Duration
}

// ParseOpen reads the body of an OPEN and checks its form; Check looks at what it says.
func ParseOpen(body []byte) (Open, *Notification) { return Open{}, nil }

// Check tells what is unacceptable in a neighbour's OPEN (RFC 4271 section 6.2).
func (o *Open) Check(want OpenWant) *Notification { return nil }

// PeerAS is the neighbour's AS: the capability's, or the field's without one (RFC 6793 section 4.1).
func (o *Open) PeerAS() ASN { return 0 }

// AppendOpen writes the message behind dst. The AS field is AS_TRANS for a number of more than two octets.
func AppendOpen(dst []byte, o *Open) []byte { return dst }
