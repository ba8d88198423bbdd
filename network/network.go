// Package network is the only place that knows how ExpressRoute routes. Build turns resources and premises, ours or
// somebody else's, into routers, VRFs, BGP sessions and policies; Converge computes every routing table under a scenario of
// failures; Trace follows a flow through those tables. It never proves a property and never reads a clock or a file.
//
// Sources: RFC 4271 and RFC 4456 through package bgp; the published behaviour of the service (MSEE, gateway, VNet routing)
// as named in the comments; what is not published is an assumption in assumptions.go.
package network

import (
	"net/netip"

	"onramp/azure"
	"onramp/bgp"
	"onramp/catalog"
	"onramp/design"
	"onramp/intent"
)

// Kind is the kind of an element that can fail, or of a scenario.
type Kind string

// The kinds of element and scenario. Healthy is the scenario without failures; Maintenance drains one MSEE (sessions stay
// up, 12076 is prepended eight times both ways: planned-maintenance.md). Firewall is one instance of a firewall.
const (
	Healthy     Kind = "healthy"
	Link        Kind = "link"
	Router      Kind = "router" // CE, PE or MSEE
	GatewayKind Kind = "gateway"
	Firewall    Kind = "firewall"
	Zone        Kind = "zone"
	Circuit     Kind = "circuit"
	Provider    Kind = "provider"
	Location    Kind = "location"
	Site        Kind = "site"
	Maintenance Kind = "maintenance"
)

// Kinds returns the kinds of single failure in their printed order.
func Kinds() []Kind {
	return []Kind{Link, Router, GatewayKind, Firewall, Zone, Circuit, Provider, Location, Site, Maintenance}
}

// Element is a thing that can fail.
type Element struct {
	ID   string `json:"id"` // "router:toronto-msee1", stable and unique
	Kind Kind   `json:"kind"`
	Name string `json:"name"`
}

// Scenario is a set of failed elements, or the drain of one MSEE.
type Scenario struct {
	ID       string   `json:"id"`       // "healthy", "router:toronto-msee1", "maintenance:toronto-msee1", or ids joined by "+"
	Kind     Kind     `json:"kind"`     // the kind of the single failure; of the first where there are several
	Elements []string `json:"elements"` // element ids
	// Drained are MSEEs (element ids) under maintenance and Cut are sessions (Session.Name) over which nothing gets through, beside what has
	// failed. No single failure has any; scripted drills do.
	Drained []string `json:"drained,omitempty"`
	Cut     []string `json:"cut,omitempty"`
}

// EndpointKind says what an endpoint is.
type EndpointKind string

// The kinds of endpoint.
const (
	SiteHost EndpointKind = "site"    // a host in a site's prefix
	VM       EndpointKind = "vnet"    // a virtual machine in a subnet
	Service  EndpointKind = "service" // a Microsoft service behind Microsoft peering
)

// Endpoint is where a flow starts or ends.
type Endpoint struct {
	Kind    EndpointKind `json:"kind"`
	Site    string       `json:"site,omitempty"`
	VNet    azure.ID     `json:"vnet,omitempty"`
	Subnet  string       `json:"subnet,omitempty"`
	Service string       `json:"service,omitempty"` // catalogue service name
	// Public marks a site's public prefix: the address pool of its flows to and from Microsoft services. Flows between a site
	// and VNets use its other prefixes only.
	Public bool `json:"public,omitempty"`
	// LineOfBusiness is whose it is, from the VNet's tag; empty for sites and services.
	LineOfBusiness string `json:"lineOfBusiness,omitempty"`
	// Prefix is the range it stands for; Addr the representative address inside it.
	Prefix netip.Prefix `json:"prefix"`
	Addr   netip.Addr   `json:"addr"`
}

// Fate is how a path ends.
type Fate string

// The fates.
const (
	Delivered Fate = "delivered"
	Dropped   Fate = "dropped"  // no route, a None route, a failed next hop or a firewall's rule
	Looped    Fate = "looped"   // a node was visited twice
	Internet  Fate = "internet" // left by the internet
)

// Path is one of the ways a flow can take (equal-cost branches are separate paths whose shares add up to 1).
type Path struct {
	Share  float64 `json:"share"`
	Hops   []Hop   `json:"hops"`
	Fate   Fate    `json:"fate"`
	Reason string  `json:"reason"` // why it ended so, in a person's words
}

// Hop is one node on a path and the route by which the packet left it.
type Hop struct {
	Node string `json:"node"`
	Kind string `json:"kind"` // host, core, ce, pe, msee, gateway, vnet, firewall, service
	// Route is the prefix that matched; Via the next hop in words; Why the decision step or precedence rule that chose it.
	Route string `json:"route"`
	Via   string `json:"via"`
	Why   string `json:"why"`
	// Capacity is the name of the capacity that the packet used to leave this node ("" when none is counted), Circuit the
	// circuit's id where the hop crosses one.
	Capacity string   `json:"capacity,omitempty"`
	Circuit  azure.ID `json:"circuit,omitempty"`
	// OneWay is the delay from the hop before to this node, in milliseconds.
	OneWay float64 `json:"oneWayMs"`
}

// Capacity is something with a bandwidth that flows share, in each direction.
type Capacity struct {
	Name string      `json:"name"`
	Kind string      `json:"kind"` // attachment, circuit-connection, gateway, backbone
	Mbps intent.Mbps `json:"bandwidth"`
}

// Flow is traffic from one endpoint to another.
type Flow struct {
	Src, Dst Endpoint
	// Strict asks that a firewall allows the whole of Src.Prefix to Dst.Prefix, every protocol and port; without it any part
	// will do. Reply marks the answer to an allowed flow, which a stateful firewall passes without a rule.
	Strict, Reply bool
}

// Row is one route in a BGP table as Azure's own tools print it.
type Row struct {
	Prefix netip.Prefix `json:"prefix"`
	// NextHop is the neighbour's address, or the zero Addr for a route of the router's own.
	NextHop netip.Addr `json:"nextHop"`
	// From is the neighbour's name, "" for own routes.
	From      string     `json:"from"`
	Path      bgp.Path   `json:"path"`
	Origin    bgp.Origin `json:"origin"`
	LocalPref uint32     `json:"localPref"`
	Weight    uint32     `json:"weight"`
	MED       uint32     `json:"med"`
	// Best marks the one best route; Multipath every route that is used (the best included).
	Best      bool `json:"best"`
	Multipath bool `json:"multipath"`
	// Why is the decision step that made it best, or at which it lost.
	Why         bgp.Step        `json:"why"`
	Communities []bgp.Community `json:"communities"`
	// Age is the order of arrival that was assumed for it.
	Age uint64 `json:"age"`
}

// EffectiveRoute is one row of a network interface's effective routes.
type EffectiveRoute struct {
	Source      string       `json:"source"` // Default, VirtualNetworkGateway, User
	State       string       `json:"state"`  // Active, Invalid
	Prefix      netip.Prefix `json:"prefix"`
	NextHopType string       `json:"nextHopType"` // VnetLocal, VNetPeering, VirtualNetworkGateway, VirtualAppliance, Internet, None
	NextHops    []netip.Addr `json:"nextHops"`
	// Why is the precedence rule that made it active or invalid.
	Why string `json:"why"`
}

// Options are what the resources and premises leave open.
type Options struct {
	// Older names the sessions (by Session.Name) whose routes arrived first, oldest first; the rest follow in build order.
	Older []string
	// MSEEAddresses gives the Microsoft-side addresses of the MSEEs seen by a gateway's VNet, by gateway name then circuit
	// name; without it they are given out from GatewaySubnet as published captures show (.4/.5 first circuit, .6/.7 second).
	MSEEAddresses map[string]map[string][2]netip.Addr
	// NextHopAddresses gives, by circuit name, the addresses of the two MSEEs that network interfaces show as next hops;
	// without it the addresses that the gateway sees.
	NextHopAddresses map[string][2]netip.Addr
	// InstanceAddresses gives a gateway's instance addresses by gateway name; without it .12 and .13 of GatewaySubnet.
	InstanceAddresses map[string][]netip.Addr
}

// Build makes the network of resources and premises. What cannot be built is a finding (rule "build-..."); the rest is
// built. The catalogue gives delays, gateway figures and service communities.
func Build(rs azure.Resources, p design.Premises, c *catalog.Catalog, o Options) (*Network, []design.Finding) {
	b := newBuilder(rs, p, c, o)
	b.build()
	return b.n, b.findings
}
