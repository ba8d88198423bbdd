// Package design holds what Onramp decides: Azure's resources, the premises' half (routers, attachments, sessions),
// the orders that go to providers, and the named assumptions the whole rests on. It also gives out addresses and
// VLANs (plan.go, lease.go). It decides no routes and no pattern: pattern writes designs, network reads them.
// Sources: facts on ExpressRoute routing (expressroute-routing.md) carried by package catalog.
package design

import (
	"net/netip"

	"onramp/azure"
	"onramp/bgp"
	"onramp/intent"
)

// APIVersion is the format of design.json.
const APIVersion = "onramp/v1"

// TagLineOfBusiness is the resource tag that says whose a resource is; TagRole says what it is for
// ("hub", "network", "circuit", "gateway"). Resources without the first are shared by everybody. TagDesign is put on what a deployment
// makes, with the design's name: no design has it.
const (
	TagLineOfBusiness = "onramp-line-of-business"
	TagRole           = "onramp-role"
	TagDesign         = "onramp-design"
)

// Pattern is one of the four ways to arrange circuits and gateways.
type Pattern string

// The four patterns, in the order that breaks ties between them.
const (
	Shared           Pattern = "shared"
	SharedHubSpoke   Pattern = "shared-hub-spoke"
	Isolated         Pattern = "isolated"
	IsolatedHubSpoke Pattern = "isolated-hub-spoke"
)

// Patterns returns the four patterns in their fixed order.
func Patterns() []Pattern { return []Pattern{Shared, SharedHubSpoke, Isolated, IsolatedHubSpoke} }

// HubAndSpoke tells whether the pattern has hubs.
func (p Pattern) HubAndSpoke() bool { return p == SharedHubSpoke || p == IsolatedHubSpoke }

// CircuitPerLineOfBusiness tells whether every line of business has its own circuit.
func (p Pattern) CircuitPerLineOfBusiness() bool { return p == Isolated || p == IsolatedHubSpoke }

// Design is a whole estate, decided. It is a value that does not change after it is made.
type Design struct {
	APIVersion string `json:"apiVersion"`
	Name       string `json:"name"`
	// Pattern is empty for a design that Onramp did not make.
	Pattern Pattern `json:"pattern"`
	// Intent is what the design answers: the needs that prove checks. Nil when it is not known.
	Intent      *intent.Estate  `json:"intent,omitempty"`
	Resources   azure.Resources `json:"resources"`
	Premises    Premises        `json:"premises"`
	Orders      []Order         `json:"orders"`
	Assumptions []Assumption    `json:"assumptions"`
	// Defaults names the omitted values of the intent that mattered.
	Defaults []intent.Default `json:"defaults"`
}

// Assumption is something that Microsoft or a provider does not publish and a verdict rests on.
type Assumption struct {
	Name   string `json:"name"`   // short and stable, e.g. "msee-pair-per-location"
	Text   string `json:"text"`   // one sentence
	Reason string `json:"reason"` // why it had to be assumed, and what is known
}

// Severity of a finding.
type Severity string

// Severities, worst first. Only errors make a command fail.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
	Advice  Severity = "advice"
)

// Finding is a user's mistake or risk, as data: the rule, the place, the value, and what would mend it.
type Finding struct {
	Rule     string   `json:"rule"`
	Severity Severity `json:"severity"`
	At       string   `json:"at"` // resource id or premises path
	Value    string   `json:"value"`
	Message  string   `json:"message"`
	Fix      string   `json:"fix"`
	Source   string   `json:"source"`
}

// Premises is the organisation's own half of the estate, which ARM does not know.
type Premises struct {
	Sites    []Site     `json:"sites"`
	Backbone []Backbone `json:"backbone"`
	// ProviderEdges are the PE routers of IP VPN providers; empty in the other connectivity models.
	ProviderEdges []Router `json:"providerEdges"`
	// Attachments are the physical ways out: two to each access.
	Attachments []Attachment `json:"attachments"`
	// RoutesBetween lists the pairs of lines of business that the premises may route between.
	RoutesBetween [][]string `json:"routesBetween"`
}

// Site is one place of the organisation.
type Site struct {
	Name           string         `json:"name"`
	ASN            bgp.ASN        `json:"asn"`
	Latitude       float64        `json:"latitude"`
	Longitude      float64        `json:"longitude"`
	Prefixes       []netip.Prefix `json:"prefixes"`
	PublicPrefixes []netip.Prefix `json:"publicPrefixes"`
	// Routers are the customer edge routers, CE1 first.
	Routers []Router `json:"routers"`
}

// Router is a customer edge (CE) or provider edge (PE) router with its eBGP sessions.
// Sessions inside a site and over the backbone follow from the sites and are not listed.
type Router struct {
	Name     string     `json:"name"`
	ASN      bgp.ASN    `json:"asn"`
	RouterID netip.Addr `json:"routerId"`
	// Provider and Location are set on PE routers only.
	Provider string    `json:"provider,omitempty"`
	Location string    `json:"location,omitempty"`
	Sessions []Session `json:"sessions"`
}

// Connection names one of a circuit's two connections.
const (
	Primary   = "primary"
	Secondary = "secondary"
)

// Session is one eBGP session of a premises router, as its owner would configure it. A session with Circuit set ends on
// an MSEE; one with Neighbor set ends on a PE (seen from a CE) or on a CE (seen from a PE).
type Session struct {
	Name string `json:"name"`
	// Circuit is the circuit's resource id; Connection is Primary or Secondary; Peering is "AzurePrivatePeering" or
	// "MicrosoftPeering".
	Circuit    azure.ID `json:"circuit,omitempty"`
	Connection string   `json:"connection,omitempty"`
	Peering    string   `json:"peering,omitempty"`
	// Neighbor is the name of the router at the other end when that is not an MSEE.
	Neighbor string `json:"neighbor,omitempty"`
	// Attachment is the name of the attachment that carries the session.
	Attachment string `json:"attachment"`
	Interface  string `json:"interface"`
	// VLAN is the tag that both ends must agree on (C-tag where there are two); STag is the outer tag, 0 for none.
	VLAN         int          `json:"vlan"`
	STag         int          `json:"stag,omitempty"`
	LocalAddress netip.Prefix `json:"localAddress"` // with the length of the link's subnet
	PeerAddress  netip.Addr   `json:"peerAddress"`
	PeerASN      bgp.ASN      `json:"peerASN"`
	KeepaliveSec int          `json:"keepaliveSeconds"`
	HoldSec      int          `json:"holdSeconds"`
	// BFDMilliseconds is the transmit and receive interval, 0 when BFD is off; BFDMultiplier the detect multiplier.
	BFDMilliseconds int `json:"bfdMilliseconds"`
	BFDMultiplier   int `json:"bfdMultiplier"`
	// ASOverride replaces the neighbour's AS number in paths sent to it (PE routers).
	ASOverride bool `json:"asOverride,omitempty"`
	// Import and Export are the routing policies; a nil Export announces everything and a nil Import accepts everything, as
	// a router without a policy does (RFC 8212 is not assumed).
	Import *bgp.Policy `json:"import"`
	Export *bgp.Policy `json:"export"`
}

// Attachment is one physical way out of a site: half of an access, on one router.
type Attachment struct {
	Name string `json:"name"`
	Site string `json:"site"`
	// Router is the CE on which it ends.
	Router   string      `json:"router"`
	Provider string      `json:"provider"` // empty for Direct
	Model    string      `json:"model"`    // cloud-exchange, ethernet, ip-vpn, direct
	Location string      `json:"location"` // peering location
	Mbps     intent.Mbps `json:"bandwidth"`
	// Number is 1 or 2: which of the access's two diverse halves.
	Number     int      `json:"number"`
	MonthlyUSD *float64 `json:"monthlyUSD"` // of the whole access, nil when unknown; on number 1 only
	// Availability is how often this half works, in percent of time; zero leaves it to what is stated of every link.
	Availability float64 `json:"availability,omitempty"`
}

// Backbone is a link of the organisation's own between two sites.
type Backbone struct {
	Between [2]string      `json:"between"`
	Mbps    intent.Mbps    `json:"bandwidth"`
	Latency intent.Latency `json:"latency"` // round trip
}

// Order is what one provider is asked for.
type Order struct {
	Circuit     azure.ID    `json:"circuit"`
	Provider    string      `json:"provider"` // "Microsoft (Direct)" for Direct ports
	Location    string      `json:"location"`
	Model       string      `json:"model"`
	Mbps        intent.Mbps `json:"bandwidth"`
	Attachments []string    `json:"attachments"`
	VLANs       []OrderVLAN `json:"vlans"`
	// LineOfBusiness is empty when the circuit is everybody's.
	LineOfBusiness string   `json:"lineOfBusiness,omitempty"`
	Steps          []string `json:"steps"`
}

// OrderVLAN is the tag of one peering on the order.
type OrderVLAN struct {
	Peering string `json:"peering"`
	VLAN    int    `json:"vlan"`
	STag    int    `json:"stag,omitempty"`
}
