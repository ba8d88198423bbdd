package speaker

import (
	"net/netip"

	"onramp/bgp"
)

// Config is the file of a speaker: what it is, what it announces, and whom it talks to. Its JSON form has the keys of the file.
type Config struct {
	AS       bgp.ASN    `json:"as" jsonschema_description:"The speaker's AS number."`
	RouterID netip.Addr `json:"routerId" jsonschema_description:"The BGP Identifier: an IPv4 address, unique in the AS (RFC 6286)."`
	// Listen is where connections are accepted. Where the file leaves it out it is port 179 of every address, of the families that
	// there are neighbours of; an empty list accepts none.
	Listen    []netip.AddrPort `json:"listen,omitempty" jsonschema_description:"Addresses and ports where connections are accepted: port 179 everywhere by default, port 0 is any free one, an empty list accepts none."`
	ClusterID netip.Addr       `json:"clusterId,omitzero" jsonschema_description:"Makes the speaker a route reflector of this cluster (RFC 4456)."`
	// Restarting sets the Restart State bit (RFC 4724 section 3).
	Restarting        bool          `json:"restarting,omitempty" jsonschema_description:"The speaker has just restarted with its forwarding state kept (RFC 4724)."`
	SelectionDeferral Duration      `json:"selectionDeferral,omitempty" jsonschema_description:"How long a restarting speaker waits for its neighbours' End-of-RIB; 360s by default."`
	Decision          Decision      `json:"decision,omitzero" jsonschema_description:"How routes are chosen, where not as RFC 4271 says."`
	Networks          []Network     `json:"networks,omitempty" jsonschema_description:"What the speaker originates."`
	Policies          []*bgp.Policy `json:"policies,omitempty" jsonschema_description:"Policies, which neighbours name in import and export."`
	Neighbors         []Neighbor    `json:"neighbors,omitempty" jsonschema_description:"Whom the speaker talks to."`
}

// Decision selects the vendors' changes to the decision process; see bgp.Config.
type Decision struct {
	CompareMEDAlways  bool `json:"compareMedAlways,omitempty" jsonschema_description:"Compare MED between neighbouring ASes too."`
	MissingMEDWorst   bool `json:"missingMedWorst,omitempty" jsonschema_description:"A missing MED counts as the highest."`
	UseWeight         bool `json:"useWeight,omitempty" jsonschema_description:"The highest weight wins first."`
	PreferOldest      bool `json:"preferOldest,omitempty" jsonschema_description:"The oldest eBGP route wins before the router ID decides."`
	Multipath         int  `json:"multipath,omitempty" jsonschema_description:"How many equal routes are used; 1 by default."`
	MultipathRelax    bool `json:"multipathRelax,omitempty" jsonschema_description:"Equal routes may have different AS paths of one length."`
	MultipathEBGPOnly bool `json:"multipathEbgpOnly,omitempty" jsonschema_description:"More than one route is used only of eBGP."`
}

// Network is a prefix that the speaker originates, with its attributes.
type Network struct {
	Prefix           netip.Prefix         `json:"prefix" jsonschema_description:"The prefix."`
	NextHop          netip.Addr           `json:"nextHop,omitzero" jsonschema_description:"The next hop; the speaker's own address on each session by default."`
	Origin           bgp.Origin           `json:"origin,omitempty" jsonschema_description:"igp (default), egp or incomplete."`
	ASPath           []bgp.ASN            `json:"asPath,omitempty" jsonschema_description:"AS numbers that the path begins with, the nearest first; none by default."`
	MED              *uint32              `json:"med,omitempty" jsonschema_description:"MULTI_EXIT_DISC."`
	LocalPref        *uint32              `json:"localPref,omitempty" jsonschema_description:"LOCAL_PREF, for the decision and iBGP neighbours."`
	Communities      []bgp.Community      `json:"communities,omitempty" jsonschema_description:"Communities such as 64512:100 or no-export."`
	ExtCommunities   []bgp.ExtCommunity   `json:"extCommunities,omitempty" jsonschema_description:"Extended communities such as rt:64512:100 or soo:64512:100."`
	LargeCommunities []bgp.LargeCommunity `json:"largeCommunities,omitempty" jsonschema_description:"Large communities such as 64512:1:2."`
	AtomicAggregate  bool                 `json:"atomicAggregate,omitempty" jsonschema_description:"ATOMIC_AGGREGATE is set."`
	Aggregator       *Aggregator          `json:"aggregator,omitempty" jsonschema_description:"AGGREGATOR: who formed the route by aggregation."`
	Unknown          []UnknownAttribute   `json:"unknown,omitempty" jsonschema_description:"Optional transitive attributes that no speaker knows, to see what becomes of them."`
	Weight           uint32               `json:"weight,omitempty" jsonschema_description:"The speaker's own weight, never sent."`
}

// Aggregator is the AGGREGATOR attribute (RFC 4271 section 5.1.7).
type Aggregator struct {
	AS      bgp.ASN    `json:"as" jsonschema_description:"The aggregating speaker's AS number."`
	Address netip.Addr `json:"address" jsonschema_description:"The aggregating speaker's IPv4 address."`
}

// Neighbor is one neighbour. What a key leaves out is as the RFCs have it; see bgp.NeighborConfig.
type Neighbor struct {
	Name           string     `json:"name,omitempty" form:"word" jsonschema_description:"Name for events and commands; the address by default."`
	Address        netip.Addr `json:"address" jsonschema_description:"The neighbour's address; a link-local one with its interface: fe80::1%eth0."`
	AS             bgp.ASN    `json:"as" jsonschema_description:"The neighbour's AS number."`
	Port           int        `json:"port,omitempty" jsonschema_description:"The neighbour's TCP port; 179 by default."`
	LocalAddress   netip.Addr `json:"localAddress,omitzero" jsonschema_description:"The speaker's end of the session; what the routing table says by default."`
	LocalIPv4      netip.Addr `json:"localIpv4,omitzero" jsonschema_description:"Next hop of IPv4 routes, where it is not localAddress."`
	LocalIPv6      netip.Addr `json:"localIpv6,omitzero" jsonschema_description:"Next hop of IPv6 routes, where it is not localAddress."`
	LocalLinkLocal netip.Addr `json:"localLinkLocal,omitzero" jsonschema_description:"Link-local address beside an IPv6 next hop (RFC 2545)."`
	LocalAS        bgp.ASN    `json:"localAs,omitempty" jsonschema_description:"Speak as this AS instead of the speaker's."`

	Families []bgp.Family `json:"families,omitempty" form:"nonempty" jsonschema_description:"ipv4, ipv6 or both; that of the address by default."`

	Passive      bool      `json:"passive,omitempty" jsonschema_description:"Only wait for the neighbour to connect."`
	HoldTime     *Duration `json:"holdTime,omitempty" jsonschema_description:"Hold time to offer: 0s for none, or from 3s; 180s by default."`
	MinHoldTime  Duration  `json:"minHoldTime,omitempty" jsonschema_description:"A neighbour that offers less is refused; 3s by default."`
	Keepalive    Duration  `json:"keepalive,omitempty" jsonschema_description:"The most between two messages; a third of the hold time by default."`
	ConnectRetry Duration  `json:"connectRetry,omitempty" jsonschema_description:"Time between two attempts to connect; 120s by default."`
	DelayOpen    Duration  `json:"delayOpen,omitempty" jsonschema_description:"Wait this long for the neighbour's OPEN before sending one."`
	IdleHold     Duration  `json:"idleHold,omitempty" jsonschema_description:"Wait after a session ended; 5s by default."`
	Damping      bool      `json:"damping,omitempty" jsonschema_description:"Double idleHold with each failure, up to 64 times."`
	NoRestart    bool      `json:"noRestart,omitempty" jsonschema_description:"A session that ended stays down until it is started by hand."`
	MRAI         Duration  `json:"mrai,omitempty" jsonschema_description:"The least time between two rounds of updates."`

	Import        string `json:"import,omitempty" jsonschema_description:"Name of the policy for routes from the neighbour."`
	Export        string `json:"export,omitempty" jsonschema_description:"Name of the policy for routes to the neighbour."`
	RequirePolicy *bool  `json:"requirePolicy,omitempty" jsonschema_description:"Without a policy an eBGP neighbour gives and gets no routes (RFC 8212); true by default."`

	MaxPrefixes     *MaxPrefixes     `json:"maxPrefixes,omitempty" jsonschema_description:"How many prefixes the neighbour may announce; above, the session ends."`
	GracefulRestart *GracefulRestart `json:"gracefulRestart,omitempty" jsonschema_description:"Offer graceful restart (RFC 4724)."`
	BFD             *BFD             `json:"bfd,omitempty" jsonschema_description:"Watch the path with BFD (RFC 5880, RFC 5881); the session ends when it breaks."`

	Password    string `json:"password,omitempty" jsonschema_description:"Sign every segment with this key (TCP MD5, RFC 2385); Linux only."`
	TTLSecurity int    `json:"ttlSecurity,omitempty" jsonschema_description:"Accept only packets that came at most this many hops (RFC 5082): 1 for a neighbour on the link; Linux only."`
	Multihop    int    `json:"multihop,omitempty" jsonschema_description:"How many hops an eBGP neighbour may be away; 1 by default."`

	TwoOctetAS      bool  `json:"twoOctetAs,omitempty" jsonschema_description:"Do not offer four-octet AS numbers (RFC 6793)."`
	RouteRefresh    *bool `json:"routeRefresh,omitempty" jsonschema_description:"Offer route refresh (RFC 2918); true by default."`
	EnhancedRefresh *bool `json:"enhancedRefresh,omitempty" jsonschema_description:"Offer enhanced route refresh (RFC 7313); true by default."`

	AllowOwnAS           int    `json:"allowOwnAs,omitempty" jsonschema_description:"How often the own AS may be in a path from the neighbour."`
	RouteReflectorClient bool   `json:"routeReflectorClient,omitempty" jsonschema_description:"Reflect routes to and from this iBGP neighbour (RFC 4456)."`
	RemovePrivateAS      bool   `json:"removePrivateAs,omitempty" jsonschema_description:"Remove private AS numbers from paths to the neighbour."`
	ASOverride           bool   `json:"asOverride,omitempty" jsonschema_description:"Replace the neighbour's AS in paths to it by the own."`
	NextHopSelf          bool   `json:"nextHopSelf,omitempty" jsonschema_description:"Send an iBGP neighbour routes from elsewhere with the own address as next hop."`
	NextHopUnchanged     bool   `json:"nextHopUnchanged,omitempty" jsonschema_description:"Send routes with the next hop they have."`
	SendCommunities      *bool  `json:"sendCommunities,omitempty" jsonschema_description:"Send communities; true by default."`
	KeepMED              bool   `json:"keepMed,omitempty" jsonschema_description:"Send an eBGP neighbour the MED that a route has."`
	LocalPrefKept        bool   `json:"localPrefKept,omitempty" jsonschema_description:"Believe the LOCAL_PREF of an eBGP neighbour."`
	Weight               uint32 `json:"weight,omitempty" jsonschema_description:"Weight of the neighbour's routes."`
	IGPCost              uint32 `json:"igpCost,omitempty" jsonschema_description:"Cost of reaching the neighbour's next hops."`
}

// MaxPrefixes are a neighbour's limits (RFC 4271 section 6.7, RFC 4486).
type MaxPrefixes struct {
	IPv4    int      `json:"ipv4,omitempty" jsonschema_description:"The most IPv4 prefixes; no limit by default."`
	IPv6    int      `json:"ipv6,omitempty" jsonschema_description:"The most IPv6 prefixes; no limit by default."`
	Restart Duration `json:"restart,omitempty" jsonschema_description:"Start the session again after this time; never by default."`
}

// GracefulRestart is what is offered of RFC 4724.
type GracefulRestart struct {
	RestartTime Duration `json:"restartTime,omitempty" jsonschema_description:"How long the neighbour keeps routes for the speaker's return, at most 4095s; 120s by default."`
	HelperOnly  bool     `json:"helperOnly,omitempty" jsonschema_description:"Keep the neighbour's routes, and never restart oneself."`
	StaleTime   Duration `json:"staleTime,omitempty" jsonschema_description:"How long stale routes live once the neighbour is back; 360s by default."`
}

// BFD is how the path to a neighbour is watched (RFC 5880, RFC 5881).
type BFD struct {
	Interval   Duration `json:"interval,omitempty" jsonschema_description:"Time between two packets, wanted and offered; 300ms by default."`
	Multiplier int      `json:"multiplier,omitempty" jsonschema_description:"How many packets may be missing; 3 by default."`
}
