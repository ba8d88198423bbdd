package bgp

import (
	"net/netip"
	"time"
)

// SpeakerConfig is what a speaker knows of itself. The zero values of the optional fields are the RFCs' defaults.
type SpeakerConfig struct {
	AS       ASN
	RouterID netip.Addr // the BGP Identifier: IPv4, not 0.0.0.0 (RFC 6286)
	// ClusterID makes the speaker a route reflector (RFC 4456); the zero Addr is none.
	ClusterID netip.Addr
	// Decision is how routes are chosen.
	Decision Config
	// Restarting says that the speaker has just restarted with its forwarding state kept: it sets the Restart State bit and
	// says nothing of its routes until every neighbour that restarts gracefully has sent its End-of-RIB, or SelectionDeferral
	// is over (RFC 4724 section 4.1).
	Restarting bool
	// SelectionDeferral is that time; 0 is 360 s.
	SelectionDeferral time.Duration
	// Seed draws the jitter of all timers.
	Seed uint64
}

// NeighborConfig is what a speaker knows of one neighbour.
type NeighborConfig struct {
	Name string // for events; the address where it is empty
	Addr netip.Addr
	AS   ASN
	// LocalAddr is the speaker's own end, its next hop for routes of that family. LocalIPv4 and LocalIPv6 are the next hops
	// where they differ from it, for the family that the session does not run over; LocalLinkLocal goes beside the global
	// one (RFC 2545 section 3).
	LocalAddr, LocalIPv4, LocalIPv6, LocalLinkLocal netip.Addr
	// LocalAS speaks as another AS than the speaker's (vendor); 0 is the speaker's own.
	LocalAS ASN
	// Families are the families offered; none is the one of Addr.
	Families []Family

	// Passive only waits for the neighbour to connect (RFC 4271 section 8.1.1).
	Passive bool
	// HoldTime is offered, 0 is 180 s; NoHoldTime offers 0, which keeps a session up without a sound (RFC 4271 section 4.2).
	// A neighbour that offers less than MinHoldTime is refused (0 is 3 s, RFC 4271 section 6.2).
	HoldTime, MinHoldTime time.Duration
	NoHoldTime            bool
	// KeepaliveTime is the most between two messages; 0 is a third of the hold time that is agreed, which is also its limit.
	KeepaliveTime time.Duration
	// ConnectRetry is the time between attempts, 0 is 120 s; DelayOpen waits with the OPEN for the neighbour's, 0 is not at all.
	ConnectRetry, DelayOpen time.Duration
	// IdleHold is the wait after a session ended before it is started again, 0 is 5 s. With Damping it doubles with each
	// failure, up to 64 times (RFC 4271 section 8.1.1: DampPeerOscillations). NoRestart leaves the session down.
	IdleHold           time.Duration
	Damping, NoRestart bool
	// MRAI is the least time between two rounds of updates (RFC 4271 section 9.2.1.1); 0 is none.
	MRAI time.Duration

	// Import and Export are the policies. An eBGP neighbour without one gets or gives nothing (RFC 8212) unless
	// PolicyOptional is set; a nil policy accepts everything then, and always from an iBGP neighbour.
	Import, Export *Policy
	PolicyOptional bool
	// Rules replace Import, Export, AllowOwnAS, Options, Weight, LocalPrefKept and IGPCost, and the check that a path begins with the
	// neighbour's AS; nil does not.
	Rules *Rules
	// AllowOwnAS is how often the own AS may be in a path that is received (vendor: allowas-in).
	AllowOwnAS int
	// Options are what an eBGP neighbour's export does beside the policy; NextHopSelf in it is ignored (see NextHopUnchanged).
	Options ExportOptions
	// NextHopUnchanged sends routes with the next hop they have. Otherwise an eBGP neighbour gets the speaker's own address,
	// and an iBGP neighbour gets it for routes that have none and, with NextHopSelf, for all that are not reflected.
	NextHopUnchanged, NextHopSelf bool
	// RouteReflectorClient reflects routes to and from this iBGP neighbour (RFC 4456).
	RouteReflectorClient bool
	// Weight is given to every route from here, before the import policy (vendor).
	Weight uint32
	// LocalPrefKept believes the LOCAL_PREF of an eBGP neighbour (vendor).
	LocalPrefKept bool
	// IGPCost is the cost of reaching the neighbour's next hops.
	IGPCost uint32

	// IPv4Limit and IPv6Limit are how many prefixes the neighbour may announce. Above, the session ends with a Cease (RFC 4486)
	// and is started again after LimitRestart; 0 leaves it down until somebody starts it.
	IPv4Limit, IPv6Limit Limit
	LimitRestart         time.Duration

	// RestartTime offers graceful restart with this time, at most 4095 s (RFC 4724); 0 does not offer it. HelperOnly offers to
	// keep the neighbour's routes and never to restart itself. StaleTime is how long stale routes live once the neighbour is
	// back; 0 is 360 s.
	RestartTime time.Duration
	HelperOnly  bool
	StaleTime   time.Duration
	// TwoOctetAS, NoRouteRefresh and NoEnhancedRefresh leave out the capabilities of RFC 6793, RFC 2918 and RFC 7313.
	TwoOctetAS, NoRouteRefresh, NoEnhancedRefresh bool
}

// Rules stand in for a neighbour's policies, loop checks, path changes and limits' counting where what a router does is more than
// policies say: its owner's functions, which must be functions of their arguments alone. What they return is not changed afterwards.
type Rules struct {
	// Export is what the neighbour is told of the best route, which came from a neighbour or, with -1, is the speaker's own; nil is
	// nothing. It is not asked about routes that came from the neighbour itself.
	Export func(p netip.Prefix, a *Attrs, from NeighborID) *Attrs
	// Import is what is made of a route received; nil refuses it. Only routes that are not refused count for the limits.
	Import func(p netip.Prefix, a *Attrs) *Attrs
	// Candidate changes how such a route stands in the decision; nil changes nothing.
	Candidate func(p netip.Prefix, c *Candidate)
}

// NeighborID names a neighbour of a speaker: what AddNeighbor returned.
type NeighborID int32

// ConnID names a connection. The caller numbers connections as it likes, never twice the same while a speaker lives.
type ConnID uint64

// Output is one thing that the caller must do or may note, in order. Which fields count depends on Kind.
type Output struct {
	Kind     OutputKind
	Neighbor NeighborID
	Conn     ConnID
	// Bytes are to be sent, valid until the next call of the speaker.
	Bytes []byte
	// State, Notification and Reason tell of a session (OutState): where it went and why. Received tells who sent the
	// notification.
	From, To     State
	Notification *Notification
	Received     bool
	Reason       string
	// Prefix changed in the Loc-RIB (OutRoute); Lookup tells what is there now.
	Prefix netip.Prefix
	// Family tells whose End-of-RIB came (OutEndOfRIB), which prefix limit was passed (OutLimit with Exceeded), or which
	// family an error switched off.
	Family   Family
	Exceeded *Exceeded
}

// OutputKind is what an Output is.
type OutputKind uint8

// The kinds of output. The first four the caller must carry out; the others are news.
const (
	OutDial     OutputKind = iota + 1 // open a connection to the neighbour; answer with Dialed or DialFailed
	OutSend                           // send Bytes on Conn, report with Sent when the transport has taken them
	OutClose                          // close Conn once everything was sent on it; no answer
	OutCancel                         // give up dialling; no answer, and a connection that comes all the same is closed
	OutState                          // the neighbour's session changed its state
	OutRoute                          // the routes in use for Prefix changed
	OutEndOfRIB                       // the neighbour sent all it has of Family
	OutLimit                          // the neighbour announced too much
	OutError                          // an UPDATE was wrong and mended by RFC 7606: Reason says how
	OutStale                          // the neighbour's routes are kept stale, or the last stale ones went (Reason)
	OutRefresh                        // the neighbour asked for Family again
)
