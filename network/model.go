package network

import (
	"net/netip"

	"onramp/azure"
	"onramp/bgp"
	"onramp/catalog"
	"onramp/design"
)

// Network is everything that routes in an estate. It does not change after Build; what-if is another State.
type Network struct {
	catalog *catalog.Catalog
	options Options

	elements  []Element // in order of making; routers and sessions hold indexes into it
	printed   []Element // the same, sorted
	byElement map[string]int

	routers  []*router
	byRouter map[string]int
	sessions []*session
	age      []uint64 // of each session's routes: lower is older

	sites     []*site
	vnets     []*vnet
	byVNet    map[string]*vnet
	named     map[string]string // names of resources, by the keys of their ids
	subnets   []*subnet         // of all VNets, in order
	gateways  []*gateway
	circuits  []*circuit
	firewalls []*firewall
	services  []*service

	capacities []Capacity

	// prefixes is every prefix that some router originates, sorted; origins[i] lists who originates prefixes[i].
	prefixes []netip.Prefix
	origins  [][]int

	rests map[string]bool
}

// routerKind is what a BGP speaker is; it decides which rules apply on its sessions.
type routerKind uint8

const (
	kindCore     routerKind = iota // a site's internal router
	kindCE                         // customer edge
	kindPE                         // provider edge (IP VPN)
	kindMSEE                       // one peering's VRF on one MSEE
	kindGateway                    // one instance of an ExpressRoute gateway
	kindServices                   // Microsoft's network behind Microsoft peering
)

func (k routerKind) String() string {
	return [...]string{"core", "ce", "pe", "msee", "gateway", "service"}[k]
}

// router is one BGP speaker with one table.
type router struct {
	index    int
	name     string
	kind     routerKind
	asn      bgp.ASN
	id       netip.Addr
	id6      netip.Addr // the IPv6 address of a gateway instance, if its VNet has IPv6
	place    place
	elements []int // any of them failed: the router is down
	config   bgp.Config
	own      []netip.Prefix
	ownAttrs map[netip.Prefix]*bgp.Attrs
	// out and in are the directed sessions (2*session, 2*session+1) that leave and enter.
	out, in []int

	site    *site
	gateway *gateway
	circuit *circuit
	// msee is the physical MSEE's element for kindMSEE; half 0 for primary, 1 for secondary; microsoft for the Microsoft
	// peering's VRF.
	msee      int
	half      int
	microsoft bool
	// allowed and public are a Microsoft peering's route filter and its validated prefixes.
	allowed map[bgp.Community]bool
	public  map[netip.Prefix]bool
	route   *design.Router
}

// session is one BGP session, two directions.
type session struct {
	name     string
	kind     string // private, microsoft, gateway, internal, backbone, provider, global-reach, services
	a, b     int
	elements []int
	dir      [2]direction // a->b, b->a
	circuit  *circuit
	half     int
	capacity string // of the link that carries it, "" when none is counted
	// conn is the connection resource of a gateway session.
	conn *connection
	// fixedDelay is the stated one-way delay in ms of a backbone link, negative when geometry says.
	fixedDelay float64
	addr       [2]netip.Addr // of a and of b on the link
	internal   bool          // iBGP
	cost       uint32        // IGP cost of the link: its one-way delay in microseconds
	// route is the session as the design has it: its timers and tags; nil where the model made it.
	route *design.Session
}

// direction is what the sender does on export and the receiver on import.
type direction struct {
	from, to  int
	exportPol *bgp.Policy
	importPol *bgp.Policy
	// asOverride replaces the receiver's AS in paths (PE).
	asOverride bool
	weight     uint32 // given on import
	keepPref   bool   // local preference survives eBGP (AssumeBackbone)
	limit4     int    // received prefixes that take the session down when exceeded, 0 for none
	limit6     int
	limitOn    string // what the limit is on, for people
}

// address is the address of one end (0 for a, 1 for b) as the other end shows it for a prefix: gateway instances have one of
// each family.
func (n *Network) address(x *session, end int, prefix netip.Prefix) netip.Addr {
	if x.kind == "gateway" && end == 0 && prefix.Addr().Is6() {
		return n.routers[x.a].id6
	}
	return x.addr[end]
}

// site is a place of the organisation.
type site struct {
	name     string
	design   *design.Site
	core     int
	ces      []int
	element  int
	prefixes []netip.Prefix
	public   []netip.Prefix
	place    place
}

// vnet is a virtual network.
type vnet struct {
	res      *azure.VirtualNetwork
	id       azure.ID
	name     string
	lob      string
	prefixes []netip.Prefix
	subnets  []*subnet
	peers    []*vnetPeering
	gateway  *gateway
	place    place
	// routeServer tells that a Route Server stands in it (one ExpressRoute next hop only).
	routeServer bool
}

type subnet struct {
	name     string
	prefixes []netip.Prefix
	table    *azure.RouteTable
	vnet     *vnet
}

// vnetPeering is one side of a peering whose other side exists too.
type vnetPeering struct {
	to        *vnet
	access    bool // both sides allow virtual network access
	forwarded bool // this side takes traffic that the other only forwards
	transit   bool // this side offers its gateway
	remote    bool // this side uses the other's gateway
}

type gateway struct {
	res       *azure.VirtualNetworkGateway
	name      string
	vnet      *vnet
	instances []int // routers
	sku       string
	conns     []*connection
	prefixes  []netip.Prefix // announced
	capacity  string
}

type connection struct {
	res     *azure.VirtualNetworkGatewayConnection
	name    string
	gateway *gateway
	circuit *circuit
	weight  int
	// msee is the Microsoft-side address of each MSEE as the gateway sees it, loop what a network interface shows.
	msee, loop [2]netip.Addr
	sessions   []int
}

type circuit struct {
	res      *azure.ExpressRouteCircuit
	name     string
	sku      string
	location string
	place    [2]place
	element  int
	mbps     int
	private  [2]int // VRF routers, -1 without the peering
	ms       [2]int
	base     [2][]int // elements of each half: MSEE, circuit, location, provider
}

type firewall struct {
	res    *azure.AzureFirewall
	name   string
	vnet   *vnet
	subnet *subnet
	addr   netip.Addr
	downBy [][]int
	rules  []rule
	lob    string
}

// service is a Microsoft service reached by Microsoft peering.
type service struct {
	name      string
	community bgp.Community
	prefix    netip.Prefix
}

// SessionInfo describes one BGP session.
type SessionInfo struct {
	Name       string   `json:"name"`
	A          string   `json:"a"`
	B          string   `json:"b"`
	Kind       string   `json:"kind"`
	Circuit    azure.ID `json:"circuit,omitempty"`
	Connection string   `json:"connection,omitempty"`
}

// Sessions returns every BGP session in build order.
func (n *Network) Sessions() []SessionInfo {
	out := make([]SessionInfo, 0, len(n.sessions))
	for _, s := range n.sessions {
		i := SessionInfo{Name: s.name, A: n.routers[s.a].name, B: n.routers[s.b].name, Kind: s.kind}
		if s.circuit != nil {
			i.Circuit = s.circuit.res.ID
			i.Connection = halfName(s.half)
		}
		out = append(out, i)
	}
	return out
}

// Routers returns the names of all BGP tables in build order.
func (n *Network) Routers() []string {
	out := make([]string, len(n.routers))
	for i, r := range n.routers {
		out[i] = r.name
	}
	return out
}

// Capacities returns what flows share, in build order.
func (n *Network) Capacities() []Capacity { return n.capacities }

// Elements returns everything that can fail, by kind and id.
func (n *Network) Elements() []Element { return n.printed }

func halfName(h int) string {
	if h == 0 {
		return design.Primary
	}
	return design.Secondary
}
