package bgp

import "net/netip"

// WireOptions is what a session's two ends agreed on, as far as it changes UPDATE messages.
type WireOptions struct {
	FourOctetAS bool // both announced four-octet AS numbers (RFC 6793)
	IBGP        bool
	// KeepLocalPref does not discard the LOCAL_PREF of an eBGP neighbour (vendor).
	KeepLocalPref bool
	// Families are those that both announced; none is IPv4 unicast alone.
	Families []Family
}

// Update is the content of an UPDATE message. Its slices, those of Attrs and Rest too, are the Update's own and valid until its next
// Parse: a reused Update parses without allocation.
type Update struct {
	Withdrawn []netip.Prefix // of every family
	Attrs     Attrs          // NextHop is NLRI's
	NLRI      []netip.Prefix // IPv4, of the message's own field
	// MPNLRI, MPNextHop and MPNextHopLocal are from MP_REACH_NLRI.
	MPNLRI                    []netip.Prefix
	MPNextHop, MPNextHopLocal netip.Addr
	EndOfRIB                  Family  // zero where the message is none (RFC 4724 section 2)
	Discarded                 []uint8 // types of the attributes that were left out although they would have counted
	Ignored                   int     // prefixes left out because nothing can be routed to them
}

// Severity is what an error in an UPDATE costs (RFC 7606 section 2).
type Severity uint8

// The severities; the higher prevails.
const (
	TreatAsWithdraw Severity = iota + 1
	DisableFamily
	SessionReset
)

// UpdateError tells what is wrong in an UPDATE and what follows.
type UpdateError struct {
	Severity     Severity
	Notification Notification // to send for SessionReset
	Family       Family       // for DisableFamily
	Reason       string
}

// Parse reads the body of an UPDATE.
func (u *Update) Parse(body []byte, o WireOptions) *UpdateError { return nil }

// MPAttrs are the attributes of MPNLRI: Attrs with MP_REACH_NLRI's next hop.
func (u *Update) MPAttrs() Attrs { return Attrs{} }

// AppendUpdate writes one UPDATE message.
func AppendUpdate(dst []byte, a *Attrs, prefixes []netip.Prefix, o WireOptions) (out []byte, n int) {
	return dst, 0
}

// AppendWithdraw writes one UPDATE message that withdraws.
func AppendWithdraw(dst []byte, prefixes []netip.Prefix, o WireOptions) (out []byte, n int) {
	return dst, 0
}

// AppendEndOfRIB writes an End-of-RIB marker (RFC 4724 section 2).
func AppendEndOfRIB(dst []byte, f Family) []byte { return dst }
