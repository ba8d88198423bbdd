package bgp

import (
	"encoding/binary"
	"net/netip"
	"slices"
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
	Families                      []Family         // RFC 4760 section 8
	RouteRefresh, EnhancedRefresh bool             // RFC 2918 section 2, RFC 7313 section 3.1
	FourOctetAS                   ASN              // RFC 6793 section 3; 0 where it is not announced
	GracefulRestart               *GracefulRestart // nil where it is not announced
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
	Value string // its octets, at most 255
}

// OpenWant is what a neighbour's OPEN is checked against.
type OpenWant struct {
	LocalAS, PeerAS ASN
	LocalID         netip.Addr
	MinHold         time.Duration // what the hold time must reach, unless it is 0
}

const (
	openVersion4    = 4
	openFixed       = 10 // octets before the optional parameters
	openExtended    = 255
	paramCapability = 2

	capMultiprotocol   = 1
	capRouteRefresh    = 2
	capGracefulRestart = 64
	capFourOctetAS     = 65
	capEnhancedRefresh = 70

	restartBit      = 0x80 // of the capability's first octet
	notificationBit = 0x40
	forwardingBit   = 0x80 // of a family's flags
	longestRestart  = 0x0FFF
)

// malformedOpen is for parameters that are known and cannot be read (RFC 4271 section 6.2).
func malformedOpen() *Notification {
	return &Notification{Code: CodeOpen, Subcode: openUnspecific}
}

// ParseOpen reads the body of an OPEN and checks its form; Check looks at what it says. It keeps nothing of body.
func ParseOpen(body []byte) (Open, *Notification) {
	if len(body) > 0 && body[0] != openVersion4 { // before all else: what follows may mean something different
		return Open{}, &Notification{Code: CodeOpen, Subcode: openVersion, Data: []byte{0, openVersion4}}
	}
	if len(body) < openFixed {
		return Open{}, malformedOpen()
	}
	o := Open{
		Version:  body[0],
		AS:       ASN(binary.BigEndian.Uint16(body[1:])),
		HoldTime: binary.BigEndian.Uint16(body[3:]),
		RouterID: netip.AddrFrom4([4]byte(body[5:9])),
	}
	length, params, width := int(body[9]), body[openFixed:], 1
	// RFC 9072 section 2: a first parameter of type 255 tells the extended form, whatever the one-octet length says.
	if length != 0 && len(params) >= 3 && params[0] == openExtended {
		length, params, width = int(binary.BigEndian.Uint16(params[1:])), params[3:], 2
	}
	if length != len(params) {
		return Open{}, malformedOpen()
	}
	for len(params) > 0 {
		kind := params[0]
		value, rest, ok := cutField(params[1:], width)
		if !ok {
			return Open{}, malformedOpen()
		}
		if kind != paramCapability {
			return Open{}, &Notification{Code: CodeOpen, Subcode: openOptionalParam}
		}
		if err := o.Capabilities.parse(value); err != nil {
			return Open{}, err
		}
		params = rest
	}
	return o, nil
}

// cutField splits a value behind its length of one or two octets from what follows.
func cutField(b []byte, width int) (value, rest []byte, ok bool) {
	if len(b) < width {
		return nil, nil, false
	}
	length := int(b[0])
	if width == 2 {
		length = length<<8 | int(b[1])
	}
	b = b[width:]
	if length > len(b) {
		return nil, nil, false
	}
	return b[:length], b[length:], true
}

// parse adds the capabilities of one optional parameter (RFC 5492 section 4: there may be several).
func (c *Capabilities) parse(b []byte) *Notification {
	for len(b) > 0 {
		value, rest, ok := cutField(b[1:], 1)
		if !ok {
			return malformedOpen()
		}
		switch code := b[0]; code {
		case capMultiprotocol:
			if len(value) != 4 {
				return malformedOpen()
			}
			f := Family{AFI: binary.BigEndian.Uint16(value), SAFI: value[3]}
			if !slices.Contains(c.Families, f) {
				c.Families = append(c.Families, f)
			}
		case capRouteRefresh:
			c.RouteRefresh = true
		case capEnhancedRefresh:
			c.EnhancedRefresh = true
		case capFourOctetAS:
			if len(value) != 4 {
				return malformedOpen()
			}
			if c.FourOctetAS = ASN(binary.BigEndian.Uint32(value)); c.FourOctetAS == 0 { // RFC 7607 section 2
				return &Notification{Code: CodeOpen, Subcode: openPeerAS}
			}
		case capGracefulRestart:
			g, ok := parseRestart(value)
			if !ok {
				return malformedOpen()
			}
			c.GracefulRestart = g // RFC 4724 section 3: the last one counts
		default:
			c.Unknown = append(c.Unknown, RawCapability{Code: code, Value: string(value)})
		}
		b = rest
	}
	return nil
}

func parseRestart(b []byte) (*GracefulRestart, bool) {
	if len(b)%4 != 2 {
		return nil, false
	}
	g := &GracefulRestart{Restarting: b[0]&restartBit != 0, Notification: b[0]&notificationBit != 0, Time: binary.BigEndian.Uint16(b) & longestRestart}
	for b = b[2:]; len(b) > 0; b = b[4:] {
		f := Family{AFI: binary.BigEndian.Uint16(b), SAFI: b[2]}
		g.Families = append(g.Families, RestartFamily{Family: f, Forwarding: b[3]&forwardingBit != 0})
	}
	return g, true
}

// PeerAS is the neighbour's AS: the capability's, or the field's without one (RFC 6793 section 4.1).
func (o *Open) PeerAS() ASN {
	if o.Capabilities.FourOctetAS != 0 {
		return o.Capabilities.FourOctetAS
	}
	return o.AS
}

// Check tells what is unacceptable in a neighbour's OPEN (RFC 4271 section 6.2).
func (o *Open) Check(want OpenWant) *Notification {
	as := o.PeerAS()
	switch {
	case as == 0 || o.AS == 0, // RFC 7607 section 2
		as != want.PeerAS,
		o.AS != as && o.AS != ASTrans: // two numbers that contradict each other
		return &Notification{Code: CodeOpen, Subcode: openPeerAS}
	case !o.RouterID.Is4() || o.RouterID.IsUnspecified(), // RFC 6286 section 2.2
		as == want.LocalAS && o.RouterID == want.LocalID:
		return &Notification{Code: CodeOpen, Subcode: openIdentifier}
	case o.HoldTime != 0 && (o.HoldTime < 3 || time.Duration(o.HoldTime)*time.Second < want.MinHold):
		return &Notification{Code: CodeOpen, Subcode: openHoldTime}
	}
	return nil
}

// AppendOpen writes the message behind dst. The AS field is AS_TRANS for a number of more than two octets. Optional
// parameters take the form of RFC 9072 only when they do not fit into the older one.
func AppendOpen(dst []byte, o *Open) []byte {
	start := len(dst)
	as := o.AS
	if as > 0xFFFF {
		as = ASTrans
	}
	id := [4]byte{}
	if o.RouterID.Is4() {
		id = o.RouterID.As4()
	}
	dst = appendHeader(dst, 0, OpenMessage)
	dst = append(dst, openVersion4, byte(as>>8), byte(as), byte(o.HoldTime>>8), byte(o.HoldTime))
	dst = append(dst, id[:]...)
	at := len(dst) // of the parameters' length
	dst = append(dst, 0, paramCapability, 0)
	dst = o.Capabilities.append(dst)
	switch length := len(dst) - at - 3; {
	case length == 0:
		dst = dst[:at+1]
	case length <= 253:
		dst[at], dst[at+2] = byte(length+2), byte(length)
	default:
		// RFC 9072 section 2: length 255, type 255, the extended length, then parameters with lengths of two octets.
		outer := length + 3
		dst = slices.Insert(dst, at+3, 0, 0, 0, 0)
		copy(dst[at:], []byte{openExtended, openExtended, byte(outer >> 8), byte(outer), paramCapability, byte(length >> 8), byte(length)})
	}
	binary.BigEndian.PutUint16(dst[start+16:], uint16(len(dst)-start))
	return dst
}

func (c *Capabilities) append(dst []byte) []byte {
	for _, f := range c.Families {
		dst = append(dst, capMultiprotocol, 4, byte(f.AFI>>8), byte(f.AFI), 0, f.SAFI)
	}
	if c.RouteRefresh {
		dst = append(dst, capRouteRefresh, 0)
	}
	if g := c.GracefulRestart; g != nil {
		families := g.Families[:min(len(g.Families), 63)] // what the length octet allows
		head := min(g.Time, longestRestart)
		flags := byte(0)
		if g.Restarting {
			flags |= restartBit
		}
		if g.Notification {
			flags |= notificationBit
		}
		dst = append(dst, capGracefulRestart, byte(2+4*len(families)), flags|byte(head>>8), byte(head))
		for _, f := range families {
			forwarding := byte(0)
			if f.Forwarding {
				forwarding = forwardingBit
			}
			dst = append(dst, byte(f.Family.AFI>>8), byte(f.Family.AFI), f.Family.SAFI, forwarding)
		}
	}
	if c.FourOctetAS != 0 {
		dst = binary.BigEndian.AppendUint32(append(dst, capFourOctetAS, 4), uint32(c.FourOctetAS))
	}
	if c.EnhancedRefresh {
		dst = append(dst, capEnhancedRefresh, 0)
	}
	for _, u := range c.Unknown {
		if len(u.Value) <= 255 {
			dst = append(append(dst, u.Code, byte(len(u.Value))), u.Value...)
		}
	}
	return dst
}
