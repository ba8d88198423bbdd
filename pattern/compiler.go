package pattern

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"onramp/azure"
	"onramp/bgp"
	"onramp/catalog"
	"onramp/design"
	"onramp/intent"
)

// compiler holds one compilation: first everything is decided in the terms below, then written down as resources.
type compiler struct {
	p design.Pattern
	e *intent.Estate
	c *catalog.Catalog

	kept      *kept
	lobs      []*lob // sorted by name
	survey    *survey
	networks  []*vnet
	circuits  []*circuit
	ports     []*port
	addresses *design.Lease
	transit   *design.Lease
	microsoft *design.Lease
	vlans     *design.VLANPlan
	ipv6      bool

	// byName, suffixes and called are looked up often: lines of business by name; the suffixes of networks[:known]; how many
	// networks of lines of business have a name. everySite are the prefixes of all sites.
	byName    map[string]*lob
	suffixes  map[string]bool
	known     int
	called    map[string]int
	everySite []netip.Prefix

	obstacles   []Obstacle
	assumptions map[string]design.Assumption
	defaults    []intent.Default
	rs          azure.Resources
}

// lob is a line of business with what it needs, spelled out.
type lob struct {
	*intent.LineOfBusiness
	sites    []string // that it needs, sorted
	private  bool     // has VNets to reach over private peering
	services []string // wanted over Microsoft peering, sorted
	nets     []*vnet
}

// vnet is one virtual network.
type vnet struct {
	name, suffix string
	lob          string // "" for everybody's
	subscription string
	region       string
	role         string
	given        []netip.Prefix // from the intent; empty: from the pool
	space        []netip.Prefix
	wants        []want
	subnets      []*subnet
	gateway      bool
	firewall     bool
	hub          *vnet
	remote       bool // uses the hub's gateway
	peers        []*vnet
	circuits     []*circuit // that its gateway connects to, in order
	serves       []*lob     // whose traffic passes its gateway
}

// want is a subnet that somebody asked for; bits 0 means the lower half.
type want struct {
	name   string
	bits   int
	prefix netip.Prefix // where the intent says it
}

type subnet struct {
	name   string
	v4, v6 netip.Prefix
}

// circuit is one ExpressRoute circuit.
type circuit struct {
	name         string
	n            int    // 1 preferred, 2 second
	lob          string // "" for everybody's
	subscription string
	region       string
	lobs         []*lob
	sites        []string // whose prefixes it announces
	way          *way
	port         *port
	mbps         intent.Mbps
	tier, family string
	why          string
	networks     []*vnet // with a gateway on it
	private      *peering
	public       *peering
	asn          bgp.ASN // of the customer's end
}

// peering is one routing domain of a circuit.
type peering struct {
	kind        string
	vlan        int
	link        [2]netip.Prefix // primary, secondary
	link6       [2]netip.Prefix // invalid without IPv6
	announced   []netip.Prefix  // Microsoft peering: the public prefixes
	communities []bgp.Community // Microsoft peering: what the route filter allows
}

// port is a pair of ExpressRoute Direct ports.
type port struct {
	name         string
	way          *way
	subscription string
	region       string
}

func (k *compiler) obstacle(lob, need, message, fix string) {
	o := Obstacle{Need: need, LineOfBusiness: lob, Message: message, Fix: fix}
	if !slices.Contains(k.obstacles, o) {
		k.obstacles = append(k.obstacles, o)
	}
}

func (k *compiler) assume(name, text, reason string) {
	k.assumptions[name] = design.Assumption{Name: name, Text: text, Reason: reason}
}

// inspects tells whether flows have to pass a hub's firewall.
func (k *compiler) inspects() bool { return k.e.SharedServices != nil && k.e.SharedServices.Inspect }

// lobNamed returns a line of business by name, nil when there is none.
func (k *compiler) lobNamed(name string) *lob {
	if k.byName == nil {
		k.byName = map[string]*lob{}
		for _, l := range k.lobs {
			k.byName[l.Name] = l
		}
	}
	return k.byName[name]
}

// readLinesOfBusiness spells out what every line of business needs.
func (k *compiler) readLinesOfBusiness() {
	for i := range k.e.LinesOfBusiness {
		in := &k.e.LinesOfBusiness[i]
		l := &lob{LineOfBusiness: in, sites: slices.Clone(in.Needs.Sites)}
		if len(l.sites) == 0 {
			for j := range k.e.Premises.Sites {
				l.sites = append(l.sites, k.e.Premises.Sites[j].Name)
			}
		}
		slices.Sort(l.sites)
		l.sites = slices.Compact(l.sites)
		for _, s := range in.Needs.Services {
			if s == intent.Azure {
				l.private = len(in.Networks) > 0
			} else {
				l.services = append(l.services, s)
			}
		}
		if len(in.Needs.Services) == 0 {
			l.private = len(in.Networks) > 0
		}
		slices.Sort(l.services)
		k.lobs = append(k.lobs, l)
	}
	slices.SortFunc(k.lobs, func(a, b *lob) int { return strings.Compare(a.Name, b.Name) })
}

// owner is the subscription of what is everybody's: the shared services' own, else what an earlier design used, else the
// first line of business's.
func (k *compiler) owner(before string) string {
	if s := k.e.SharedServices; s != nil && s.Subscription != "" {
		return s.Subscription
	}
	if before != "" && slices.ContainsFunc(k.lobs, func(l *lob) bool { return l.Subscription == before }) {
		return before
	}
	return k.lobs[0].Subscription
}

// mostUsed returns the region with the most networks, the first by name among equals.
func mostUsed(regions []string) string {
	count := map[string]int{}
	for _, r := range regions {
		count[r]++
	}
	best := ""
	for _, r := range slices.Sorted(slices.Values(regions)) {
		if best == "" || count[r] > count[best] {
			best = r
		}
	}
	return best
}

// bandwidth is what the lines of business need at the same time.
func bandwidth(lobs []*lob) intent.Mbps {
	var sum intent.Mbps
	for _, l := range lobs {
		sum += l.Needs.Bandwidth
	}
	return sum
}

func names(lobs []*lob) string {
	var out []string
	for _, l := range lobs {
		out = append(out, l.Name)
	}
	return strings.Join(out, ", ")
}

// sortedPrefixes returns the prefixes in order without repetition.
func sortedPrefixes(list []netip.Prefix) []netip.Prefix {
	out := slices.Clone(list)
	slices.SortFunc(out, design.ComparePrefixes)
	return slices.Compact(out)
}

func family(list []netip.Prefix, ipv6 bool) []netip.Prefix {
	var out []netip.Prefix
	for _, p := range list {
		if p.Addr().Is6() == ipv6 {
			out = append(out, p)
		}
	}
	return out
}

// sitePrefixes are the prefixes of the named sites, sorted.
func (k *compiler) sitePrefixes(sites []string) []netip.Prefix {
	var out []netip.Prefix
	for _, s := range sites {
		if site := k.survey.byName[s]; site != nil {
			out = append(out, site.Prefixes...)
		}
	}
	return sortedPrefixes(out)
}

func (k *compiler) publicPrefixes(sites []string) []netip.Prefix {
	var out []netip.Prefix
	for _, s := range sites {
		if site := k.survey.byName[s]; site != nil {
			out = append(out, site.PublicPrefixes...)
		}
	}
	return sortedPrefixes(out)
}

// plural writes a count with its noun.
func plural(n int, noun string) string {
	if n == 1 {
		return fmt.Sprintf("1 %s", noun)
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func compareNetworks(a, b *vnet) int {
	return cmp.Or(strings.Compare(a.name, b.name), strings.Compare(a.subscription, b.subscription))
}
