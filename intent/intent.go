// Package intent reads the file a person writes about their connectivity: what they have (premises) and what each line of
// business needs, never how it is to be built. It decides whether that file can be understood and means something; every
// mistake becomes a Finding with its place, and every omitted value that matters becomes a named Default. It never looks at
// how a need could be met: that is for patterns and proofs.
//
// Facts about places, providers, regions and reserved numbers come from package catalog. The syntax is YAML 1.2, of which
// JSON is a part; the JSON Schema of the same types comes from Schema.
package intent

import "net/netip"

// APIVersion is the only version of the file that exists.
const APIVersion = "onramp/v1"

// Estate is one organisation's whole intent. Its JSON form has the same keys as the YAML file, with every default filled in,
// and is itself a valid intent.
type Estate struct {
	APIVersion string `json:"apiVersion" enum:"onramp/v1" jsonschema_description:"Version of this file's format."`
	// Name names the estate, its outputs and their directory.
	Name            string           `json:"name" form:"name" jsonschema_description:"Name of the estate; names the output directory too."`
	Premises        Premises         `json:"premises" jsonschema_description:"What the organisation has: sites, routers, prefixes, and ways to reach Microsoft."`
	LinesOfBusiness []LineOfBusiness `json:"linesOfBusiness" form:"nonempty" jsonschema_description:"Departments with networks, needs and a bill of their own."`
	// SharedServices is nil when the organisation has none.
	SharedServices *SharedServices `json:"sharedServices,omitempty" jsonschema_description:"Services that lines of business share, in a virtual network of their own."`
	Pools          Pools           `json:"pools,omitzero" jsonschema_description:"Address ranges that the design may take from."`
	Traffic        Traffic         `json:"traffic,omitzero" jsonschema_description:"How much is sent; decides between metered and unlimited data."`
	// Availability is what the organisation knows of how often things work.
	Availability Stated `json:"availability,omitzero" jsonschema_description:"How often one element of each kind works, in percent of time; what is left out is unknown."`
	// Budget is the most that the known part of the monthly bill may be; nil is no limit.
	Budget *USD `json:"budget,omitempty" jsonschema_description:"The most that a month may cost, against the known total."`
	// Pattern is auto, or the one of the four patterns that must be used.
	Pattern string `json:"pattern,omitempty" enum:"auto|shared|shared-hub-spoke|isolated|isolated-hub-spoke" jsonschema_description:"auto compares the four patterns; or the one to use."`

	// Defaulted lists the values that the file left out and that matter, in the order of the file's keys.
	Defaulted []Default `json:"-"`
}

// Default is a value that the file left out.
type Default struct {
	At    string `json:"at"`    // key path, as in Finding
	Value string `json:"value"` // what is used instead
	Why   string `json:"why"`   // where that value comes from
}

// Premises is everything on the organisation's own side.
type Premises struct {
	// ASN is the autonomous system of every site that has none of its own.
	ASN      uint32         `json:"asn,omitempty" jsonschema_description:"Autonomous system number of the premises, 2 or 4 bytes."`
	Backbone []BackboneLink `json:"backbone,omitempty" jsonschema_description:"The organisation's own links between its sites."`
	// RoutesBetween holds pairs of lines of business that the premises may route between; all others they may not.
	RoutesBetween [][2]string `json:"routesBetween,omitempty" jsonschema_description:"Pairs of lines of business that the premises may route between; default none."`
	Sites         []Site      `json:"sites" form:"nonempty" jsonschema_description:"Places with users or data centres."`
}

// BackboneLink is a link of the organisation's own between two sites.
type BackboneLink struct {
	Between   [2]string `json:"between" jsonschema_description:"The two sites."`
	Bandwidth Mbps      `json:"bandwidth" jsonschema_description:"What the link carries in each direction."`
	// Latency is the round trip over the link; zero when the file does not say, which leaves it to be estimated from distance.
	Latency Latency `json:"latency,omitzero" jsonschema_description:"Round-trip time over the link."`
}

// Site is a place with users or a data centre, one or two customer edge routers and its ways to reach Microsoft.
type Site struct {
	Name string `json:"name" form:"name" jsonschema:"example=toronto" jsonschema_description:"Name of your choice; names the routers too."`
	At   Place  `json:"at,omitzero" jsonschema_description:"Where it is: a city of the catalogue, or {lat, lon} in degrees."`
	// ASN is the site's autonomous system: its own, or that of the premises.
	ASN            uint32         `json:"asn,omitempty" jsonschema_description:"Autonomous system number of this site, if it is not that of the premises."`
	Prefixes       []netip.Prefix `json:"prefixes" form:"nonempty" jsonschema_description:"What the site announces on private peering."`
	PublicPrefixes []netip.Prefix `json:"publicPrefixes,omitempty" jsonschema_description:"Public prefixes of the organisation, for Microsoft peering."`
	// Routers is the number of customer edge routers, 1 or 2.
	Routers int      `json:"routers,omitempty" jsonschema:"minimum=1,maximum=2" jsonschema_description:"Customer edge routers; default 2."`
	Access  []Access `json:"access" form:"nonempty" jsonschema_description:"The ways in which the site can reach Microsoft; only these are used."`
}

// Place is a point on the earth, in degrees.
type Place struct {
	City      string // catalogue city as in "Montreal, Canada"; empty when only coordinates were given
	Latitude  float64
	Longitude float64
}

// The connectivity models by which a site reaches a peering location.
const (
	CloudExchange = "cloud-exchange"
	Ethernet      = "ethernet"
	IPVPN         = "ip-vpn"
	Direct        = "direct"
)

// Access is one way from a site to a peering location: two diverse attachments, on the site's first and second router.
type Access struct {
	// Provider is the connectivity provider under today's name; empty for ExpressRoute Direct.
	Provider string `json:"provider,omitempty" jsonschema:"example=Equinix,example=Megaport" jsonschema_description:"Connectivity provider, as in 'onramp catalog providers'."`
	Model    string `json:"model" enum:"cloud-exchange|ethernet|ip-vpn|direct" jsonschema_description:"How the provider connects the site; direct is ExpressRoute Direct, without a provider."`
	// Bandwidth is that of each of the two attachments; zero for ExpressRoute Direct, which has Port.
	Bandwidth Mbps   `json:"bandwidth,omitempty" jsonschema_description:"Bandwidth of each of the two attachments, shared by the circuits on them."`
	Location  string `json:"location" jsonschema:"example=Toronto,example=London" jsonschema_description:"ExpressRoute peering location, as in 'onramp catalog locations'."`
	// MonthlyUSD is what the provider charges a month; nil is unknown, which is not free.
	MonthlyUSD *float64 `json:"monthlyUSD,omitempty" jsonschema:"minimum=0" jsonschema_description:"What the provider charges a month, in US dollars; unknown if left out."`
	// Availability is how often each of the two attachments works, in percent of time; zero leaves it to Estate.Availability.Link.
	Availability float64 `json:"availability,omitempty" jsonschema:"exclusiveMinimum=0,maximum=100" jsonschema_description:"Percent of time that each of the two attachments works; default availability.link."`
	// ProviderASN is the autonomous system of the provider's edge, for ip-vpn; zero leaves it to a named assumption.
	ProviderASN uint32 `json:"providerAsn,omitempty" jsonschema_description:"Autonomous system number of the IP VPN provider."`
	// Port is the speed of each of the two ports of ExpressRoute Direct; zero for all other models.
	Port Mbps `json:"port,omitempty" jsonschema_description:"Port speed of ExpressRoute Direct: 10, 100 or 400 Gbps."`
	// Encapsulation is Dot1Q or QinQ for ExpressRoute Direct, else empty.
	Encapsulation string `json:"encapsulation,omitempty" enum:"Dot1Q|QinQ" jsonschema_description:"Encapsulation on ExpressRoute Direct ports."`
}

// Speed is the rate of each of the access's two attachments, whatever the model.
func (a Access) Speed() Mbps {
	if a.Model == Direct {
		return a.Port
	}
	return a.Bandwidth
}

// LineOfBusiness is a department with its own virtual networks, needs and bill.
type LineOfBusiness struct {
	Name string `json:"name" form:"name" jsonschema:"example=finance" jsonschema_description:"The department; names its circuits and its share of the bill."`
	// Subscription is the Azure subscription that pays for it: an id or any name for one.
	Subscription string    `json:"subscription,omitempty" form:"id" jsonschema_description:"Azure subscription of this line of business; default sub-NAME."`
	Networks     []Network `json:"networks,omitempty" jsonschema_description:"Its virtual networks."`
	Needs        Needs     `json:"needs,omitzero" jsonschema_description:"What it needs from the connection."`
}

// Network is a virtual network (VNet) of a line of business.
type Network struct {
	Name   string `json:"name" form:"name" jsonschema:"example=fin-core" jsonschema_description:"Name of the virtual network; vnet- is put before it."`
	Region string `json:"region" jsonschema:"example=canadacentral,example=uksouth" jsonschema_description:"Azure region, as in 'onramp catalog regions'."`
	// AddressSpace is empty when it is to be taken from Pools.Addresses.
	AddressSpace []netip.Prefix `json:"addressSpace,omitempty" jsonschema_description:"Its prefixes; a /22 from pools.addresses if left out."`
	// Subnets is empty when the network is to have one, of the lower half of its address space.
	Subnets []Subnet `json:"subnets,omitempty" jsonschema_description:"Its subnets; one, the lower half, if left out."`
}

// Subnet is a part of a network: of a size that the design places, or at a given prefix.
type Subnet struct {
	Name string `json:"name" form:"id" jsonschema:"example=app" jsonschema_description:"Name of the subnet."`
	// Size is the prefix length of an IPv4 subnet; zero when Prefix is set.
	Size Bits `json:"size,omitempty" jsonschema_description:"IPv4 prefix length such as /24; the design chooses where."`
	// Prefix is invalid when Size is set.
	Prefix netip.Prefix `json:"prefix,omitzero" jsonschema_description:"The subnet's prefix, instead of size."`
}

// The services a line of business may need. Azure is its virtual networks, over private peering; the others come over
// Microsoft peering.
const (
	Azure        = "azure"
	AzurePublic  = "azure-public"
	Microsoft365 = "microsoft365"
	Dynamics365  = "dynamics365"
)

// Shared is the word in Needs.Reaches that stands for the shared services.
const Shared = "shared"

// Needs is what a line of business asks of the connection.
type Needs struct {
	// Bandwidth is needed at the same time as everybody else's.
	Bandwidth Mbps `json:"bandwidth,omitempty" jsonschema_description:"Bandwidth, at the same time as everybody else's."`
	// Dedicated asks for a circuit of its own.
	Dedicated bool     `json:"dedicated,omitempty" jsonschema_description:"Whether it must have a circuit of its own."`
	Services  []string `json:"services,omitempty" enum:"azure|azure-public|microsoft365|dynamics365" jsonschema_description:"What is reached: azure is VNets over private peering, the others need Microsoft peering; default azure."`
	// Sites are the names of the sites that must reach it, all of them by default.
	Sites        []string `json:"sites,omitempty" jsonschema_description:"Sites that must reach it; default all."`
	IsolatedFrom []string `json:"isolatedFrom,omitempty" jsonschema_description:"Lines of business that it must have no path to."`
	// Reaches are names of other lines of business, or Shared.
	Reaches []string `json:"reaches,omitempty" jsonschema_description:"Other lines of business that it must reach, or 'shared' for the shared services."`
	// Survives are the kinds of element of which any single one may fail without loss.
	Survives []string `json:"survives,omitzero" enum:"link|router|gateway|zone|circuit|provider|location|site" jsonschema_description:"Kinds of single failure it must live through; default link, router, gateway."`
	// Latency is the longest round trip from the worst of its sites; zero is no need.
	Latency Latency `json:"latency,omitzero" jsonschema_description:"Longest round trip, from the worst site."`
	// Voice asks for the voice classes of Skype for Business and Teams.
	Voice bool `json:"voice,omitempty" jsonschema_description:"Whether voice classes must be honoured; needs microsoft365."`
	// Availability is in percent of time; zero is no need.
	Availability float64 `json:"availability,omitempty" jsonschema:"exclusiveMinimum=0,exclusiveMaximum=100" jsonschema_description:"Least availability in percent, such as 99.95."`
	// MonthlyEgressGB is its own part of Traffic.MonthlyEgressGB; nil leaves it to Estate.Egress.
	MonthlyEgressGB *float64 `json:"monthlyEgressGB,omitempty" jsonschema:"minimum=0" jsonschema_description:"Gigabytes of this line of business that leave Azure for the premises in a month; by bandwidth if left out."`
}

// SharedServices is the virtual network of services that lines of business share, and whether it inspects.
type SharedServices struct {
	Region string `json:"region" jsonschema:"example=canadacentral,example=uksouth" jsonschema_description:"Azure region, as in 'onramp catalog regions'."`
	// AddressSpace is empty when it is to be taken from Pools.Addresses.
	AddressSpace []netip.Prefix `json:"addressSpace,omitempty" jsonschema_description:"Its prefixes; from pools.addresses if left out."`
	Subscription string         `json:"subscription,omitempty" form:"id" jsonschema_description:"Azure subscription that holds it; default sub-connectivity."`
	// Inspect asks that every flow in or out passes a firewall.
	Inspect bool `json:"inspect,omitempty" jsonschema_description:"Whether every flow in or out must pass the hub's firewall."`
}

// Pools are the ranges that a design may take addresses from.
type Pools struct {
	Addresses []netip.Prefix `json:"addresses,omitempty" jsonschema_description:"For networks and hubs without an addressSpace; default 10.64.0.0/10."`
	Transit   []netip.Prefix `json:"transit,omitempty" jsonschema_description:"For the links of private peering; default 172.16.0.0/22."`
	// MicrosoftTransit has no default: these must be public addresses of the organisation.
	MicrosoftTransit []netip.Prefix `json:"microsoftTransit,omitempty" jsonschema_description:"Public addresses for the links of Microsoft peering; no default."`
}

// Traffic is what the organisation expects to send.
type Traffic struct {
	// MonthlyEgressGB leaves Azure for the premises in a month, in gigabytes (10^9 bytes).
	MonthlyEgressGB float64 `json:"monthlyEgressGB,omitempty" jsonschema:"minimum=0" jsonschema_description:"Gigabytes that leave Azure for the premises in a month."`
}

// Egress is what leaves Azure for the premises in a month in gigabytes, for each line of business in the file's order: what it
// states, else its part by bandwidth of what the statements of the others leave of the whole; even parts where none of these asks
// for bandwidth.
func (e *Estate) Egress() []float64 {
	out := make([]float64, len(e.LinesOfBusiness))
	rest, silent, need := e.Traffic.MonthlyEgressGB, 0, Mbps(0)
	for i := range e.LinesOfBusiness {
		n := &e.LinesOfBusiness[i].Needs
		if n.MonthlyEgressGB != nil {
			out[i] = *n.MonthlyEgressGB
			rest -= out[i]
			continue
		}
		silent++
		need += n.Bandwidth
	}
	rest = max(rest, 0)
	for i := range e.LinesOfBusiness {
		switch n := &e.LinesOfBusiness[i].Needs; {
		case n.MonthlyEgressGB != nil:
		case need > 0:
			out[i] = rest * float64(n.Bandwidth) / float64(need)
		default:
			out[i] = rest / float64(silent)
		}
	}
	return out
}
