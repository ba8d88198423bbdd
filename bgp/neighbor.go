package bgp

import (
	"fmt"
	"math"
	"net/netip"
	"slices"
	"time"

	"github.com/gaissmai/bart"
)

// families is how many address families a neighbour can have.
const families = 2

// never is later than every time.
const never = time.Duration(math.MaxInt64)

// Defaults of NeighborConfig and SpeakerConfig.
const (
	defaultHold     = 180 * time.Second // RFC 4271 section 10 suggests 90 s; 180 s is what ExpressRoute and most routers use
	defaultMinHold  = 3 * time.Second   // RFC 4271 section 6.2
	defaultRetry    = 120 * time.Second // RFC 4271 section 10
	defaultIdleHold = 5 * time.Second
	defaultStale    = 360 * time.Second
	defaultDeferral = 360 * time.Second
	longestHold     = 65535 * time.Second
	restartLimit    = 4095 * time.Second // 12 bits (RFC 4724 section 3)
)

// Counters count what a session has carried since the neighbour was added.
type Counters struct {
	UpdatesReceived, UpdatesSent uint64
	// Flaps is how often the session left Established.
	Flaps uint64
}

// neighbor is a peer with its sessions and what it announced. It has two sessions only while connections collide
// (RFC 4271 section 6.8).
type neighbor struct {
	s        *Speaker
	id       NeighborID
	cfg      NeighborConfig
	kind     PeerType
	localAS  ASN
	families []Family

	main, other *channel
	shown       State // what was last told

	// What the sessions agreed on; valid while main is Established.
	peerID   netip.Addr
	wire     WireOptions
	speaks4  bool
	speaks6  bool
	refresh  bool // RFC 2918
	enhanced bool // RFC 7313
	graceful GracefulRestart
	restarts bool // the neighbour announced graceful restart

	// adjIn is the Adj-RIB-In. A route is stale while its epoch is behind its family's.
	adjIn    bart.Table[*route]
	epoch    [families]uint32
	heardEOR [families]bool
	accepted [2]int // routes that are candidates, of IPv4 and IPv6

	group     *group
	dump      []netip.Prefix // initial updates still to be sent, in order
	pending   map[netip.Prefix]due
	order     []netip.Prefix
	owedEOR   [families]bool
	owedEORR  [families]bool
	mraiAt    time.Duration
	restartAt time.Duration // until then a neighbour that restarts keeps its routes
	staleAt   time.Duration // until then stale routes live although it is back
	limitAt   time.Duration // then a session that passed its limit starts again
	started   bool
	wasUp     bool

	lastIn  *Attrs // the last attributes received, and what they are before the import policy
	lastOut *Attrs

	sent, received *Notification
	counters       Counters
	random         uint64
	deadline       time.Duration
	at             int // in the speaker's queue
	touched        bool
}

// channel is one session's state machine and the connection that it has or tries to get.
type channel struct {
	n           *neighbor
	fsm         *Session
	conn        ConnID
	up          bool // there is a connection
	dialing     bool
	outbound    bool // the speaker opened it
	in          []byte
	open        Open // the neighbour's
	opened      bool
	outstanding int // octets that the transport has not taken yet
}

func (c *channel) state() State {
	if c == nil {
		return Idle
	}
	return c.fsm.State()
}

// index is a family's place in the neighbour's list, -1 for one that it was not configured with.
func (n *neighbor) index(f Family) int { return slices.Index(n.families, f) }

// speaks tells whether the session carries a prefix's family.
func (n *neighbor) speaks(p netip.Prefix) bool {
	if p.Addr().Is4() {
		return n.speaks4
	}
	return n.speaks6
}

// newNeighbor checks a configuration and fills what it leaves to the defaults.
func newNeighbor(s *Speaker, id NeighborID, cfg NeighborConfig) (*neighbor, error) {
	say := func(format string, args ...any) error {
		return fmt.Errorf("neighbour %s: "+format, append([]any{cfg.Addr}, args...)...)
	}
	switch {
	case !cfg.Addr.IsValid() || cfg.Addr.Is4In6():
		return nil, say("an address is needed, IPv4 or IPv6")
	case cfg.AS.IsReserved():
		return nil, say("AS %s is reserved: want the AS number of the neighbour (RFC 7607, RFC 7300, RFC 6793)", cfg.AS)
	case cfg.LocalAS != 0 && cfg.LocalAS.IsReserved():
		return nil, say("local AS %s is reserved (RFC 7607, RFC 7300, RFC 6793)", cfg.LocalAS)
	case cfg.HoldTime < 0 || cfg.HoldTime > longestHold || cfg.HoldTime%time.Second != 0 || cfg.HoldTime > 0 && cfg.HoldTime < defaultMinHold:
		return nil, say("hold time %s: want whole seconds, from 3s to 65535s (RFC 4271 section 4.2)", cfg.HoldTime)
	case cfg.NoHoldTime && cfg.HoldTime != 0:
		return nil, say("hold time %s and none at once", cfg.HoldTime)
	case cfg.RestartTime < 0 || cfg.RestartTime > restartLimit || cfg.RestartTime%time.Second != 0:
		return nil, say("restart time %s: want whole seconds up to 4095s (RFC 4724 section 3)", cfg.RestartTime)
	case cfg.HelperOnly && cfg.RestartTime != 0:
		return nil, say("a restart time, and helper only: one or the other")
	case cfg.IPv4Limit.Max < 0 || cfg.IPv6Limit.Max < 0:
		return nil, say("a limit below zero")
	}
	for _, d := range []time.Duration{cfg.MinHoldTime, cfg.KeepaliveTime, cfg.ConnectRetry, cfg.DelayOpen, cfg.IdleHold, cfg.MRAI, cfg.StaleTime, cfg.LimitRestart} {
		if d < 0 {
			return nil, say("a time below zero: %s", d)
		}
	}
	if err := cfg.Import.Validate(); err != nil {
		return nil, say("import: %w", err)
	}
	if err := cfg.Export.Validate(); err != nil {
		return nil, say("export: %w", err)
	}
	n := &neighbor{s: s, id: id, localAS: s.cfg.AS, restartAt: never, staleAt: never, limitAt: never, random: s.cfg.Seed<<16 + uint64(id) + 1, deadline: never, at: -1}
	if cfg.LocalAS != 0 {
		n.localAS = cfg.LocalAS
	}
	n.kind = EBGP
	if cfg.AS == n.localAS {
		n.kind = IBGP
	}
	n.families = slices.Clone(cfg.Families)
	if len(n.families) == 0 {
		n.families = []Family{FamilyOf(netip.PrefixFrom(cfg.Addr, 0))}
	}
	seen := map[Family]bool{}
	for _, f := range n.families {
		if f != IPv4Unicast() && f != IPv6Unicast() || seen[f] {
			return nil, say("family %s: want ipv4, ipv6 or both, once each", f)
		}
		seen[f] = true
	}
	fill := func(d *time.Duration, by time.Duration) {
		if *d == 0 {
			*d = by
		}
	}
	if !cfg.NoHoldTime {
		fill(&cfg.HoldTime, defaultHold)
	}
	fill(&cfg.MinHoldTime, defaultMinHold)
	fill(&cfg.ConnectRetry, defaultRetry)
	fill(&cfg.IdleHold, defaultIdleHold)
	fill(&cfg.StaleTime, defaultStale)
	n.cfg = cfg
	for _, f := range n.families {
		if hop, _ := n.self(f == IPv4Unicast()); !hop.IsValid() || hop.Is4() != (f == IPv4Unicast()) {
			return nil, say("family %s needs an address of the speaker's own on the session, for the next hop (RFC 4271 section 5.1.3, RFC 2545)", f)
		}
	}
	n.main = n.newChannel()
	return n, nil
}

func (n *neighbor) newChannel() *channel {
	c := &n.cfg
	n.random = n.random*6364136223846793005 + 1442695040888963407
	return &channel{n: n, fsm: NewSession(SessionConfig{Passive: c.Passive, HoldTime: c.HoldTime, KeepaliveTime: c.KeepaliveTime, ConnectRetry: c.ConnectRetry,
		DelayOpen: c.DelayOpen, IdleHold: c.IdleHold, AutomaticRestart: !c.NoRestart, Damping: c.Damping, CollisionDetectEstablished: true}, n.random>>16)}
}

// ourOpen is the OPEN that the speaker sends the neighbour.
func (n *neighbor) ourOpen() *Open {
	c := &n.cfg
	o := &Open{Version: 4, AS: n.localAS, HoldTime: uint16(c.HoldTime / time.Second), RouterID: n.s.cfg.RouterID} //nolint:gosec // checked in newNeighbor
	o.Capabilities.Families = n.families
	o.Capabilities.RouteRefresh = !c.NoRouteRefresh
	o.Capabilities.EnhancedRefresh = !c.NoEnhancedRefresh && !c.NoRouteRefresh
	if !c.TwoOctetAS {
		o.Capabilities.FourOctetAS = n.localAS
	}
	if n.localAS > 65535 {
		o.AS = ASTrans // RFC 6793 section 4.2.1
	}
	if n.offersRestart() {
		g := &GracefulRestart{Notification: true, Restarting: n.s.deferring} // RFC 8538 section 2
		if c.RestartTime > 0 {
			g.Time = uint16(c.RestartTime / time.Second) //nolint:gosec // checked in newNeighbor
			for _, f := range n.families {
				g.Families = append(g.Families, RestartFamily{Family: f, Forwarding: n.s.cfg.Restarting || n.wasUp})
			}
		}
		o.Capabilities.GracefulRestart = g
	}
	return o
}

func (n *neighbor) offersRestart() bool { return n.cfg.RestartTime > 0 || n.cfg.HelperOnly }

// negotiate takes over what both OPENs say. It tells whether anything is left to talk about.
func (n *neighbor) negotiate(c *channel) bool {
	theirs := &c.open.Capabilities
	agreed := agreedFamilies(n.families, theirs)
	n.peerID = c.open.RouterID
	n.wire = WireOptions{FourOctetAS: !n.cfg.TwoOctetAS && theirs.FourOctetAS != 0, IBGP: n.kind == IBGP, KeepLocalPref: n.cfg.LocalPrefKept, Families: agreed}
	n.speaks4, n.speaks6 = slices.Contains(agreed, IPv4Unicast()), slices.Contains(agreed, IPv6Unicast())
	n.refresh = !n.cfg.NoRouteRefresh && theirs.RouteRefresh
	n.enhanced = n.refresh && !n.cfg.NoEnhancedRefresh && theirs.EnhancedRefresh
	n.graceful, n.restarts = GracefulRestart{}, false
	if theirs.GracefulRestart != nil && n.offersRestart() {
		n.graceful, n.restarts = *theirs.GracefulRestart, true
	}
	return len(agreed) > 0
}

// agreedFamilies are those that both offer; a neighbour that names none speaks IPv4 unicast (RFC 4760 section 8).
func agreedFamilies(ours []Family, theirs *Capabilities) []Family {
	offered := theirs.Families
	if len(offered) == 0 {
		offered = []Family{IPv4Unicast()}
	}
	var out []Family
	for _, f := range ours {
		if slices.Contains(offered, f) {
			out = append(out, f)
		}
	}
	return out
}

// peer is the neighbour as events name it.
func (n *neighbor) peer() Peer {
	return Peer{Type: n.kind, AS: n.cfg.AS, RouterID: n.peerID, Addr: n.cfg.Addr}
}

// importsNothing tells whether the lack of a policy keeps everything out (RFC 8212 section 2).
func (n *neighbor) importsNothing() bool {
	return n.kind == EBGP && n.cfg.Import == nil && !n.cfg.PolicyOptional
}

// next is when the neighbour has to be looked at again.
func (n *neighbor) next() time.Duration {
	at := min(n.restartAt, n.staleAt, n.limitAt)
	for _, c := range [...]*channel{n.main, n.other} {
		if c != nil {
			if d, ok := c.fsm.Deadline(); ok {
				at = min(at, d)
			}
		}
	}
	if n.mraiAt > n.s.now && n.group != nil && n.owes() && n.main.outstanding < window {
		at = min(at, n.mraiAt)
	}
	return at
}
