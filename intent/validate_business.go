package intent

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"onramp/yamlfile"
)

// reservedSubnets are names that a design gives itself.
func reservedSubnets() []string {
	return []string{"GatewaySubnet", "AzureFirewallSubnet", "AzureFirewallManagementSubnet", "RouteServerSubnet", "AzureBastionSubnet"}
}

// lineOfBusiness checks one line of business.
func (v *validator) lineOfBusiness(i int) {
	l, at := &v.e.LinesOfBusiness[i], yamlfile.Index("linesOfBusiness", i)
	if v.bad(at) {
		return
	}
	names := map[string]string{}
	for j := range l.Networks {
		path := yamlfile.Index(at+".networks", j)
		if v.bad(path) {
			continue
		}
		v.unique(names, path+".name", l.Networks[j].Name, "network")
		v.network(path, &l.Networks[j])
	}
	v.services(at, l)
	v.relations(at, l)
	v.numbers(at, l)
}

// network checks one virtual network.
func (v *validator) network(at string, n *Network) {
	v.region(at+".region", &n.Region)
	known := !v.bad(at + ".addressSpace") // otherwise nothing can be said about what lies inside
	for k := range n.AddressSpace {
		v.space(yamlfile.Index(at+".addressSpace", k), n.AddressSpace[k])
		known = known && !v.bad(yamlfile.Index(at+".addressSpace", k))
	}
	if len(n.AddressSpace) == 0 && !v.bad(at+".addressSpace") {
		v.defaulted(at+".addressSpace", "a /22 of pools.addresses", "no address space is given")
	}
	if len(n.Subnets) == 0 && !v.bad(at+".subnets") {
		v.defaulted(at+".subnets", "default, the lower half", "no subnet is given")
	}
	names := map[string]string{}
	var placed []netip.Prefix
	for k := range n.Subnets {
		s, path := &n.Subnets[k], yamlfile.Index(at+".subnets", k)
		if v.bad(path) {
			continue
		}
		v.unique(names, path+".name", s.Name, "subnet")
		if slices.ContainsFunc(reservedSubnets(), func(r string) bool { return strings.EqualFold(r, s.Name) }) {
			v.refuseAt(path+".name", s.Name, "the design makes this subnet itself where it needs one", "leave it out, or choose another name", "gateway-subnet-name")
		}
		switch {
		case v.bad(path+".size") || v.bad(path+".prefix"):
		case s.Size == 0 && !s.Prefix.IsValid():
			v.refuseAt(path+".size", "", "the subnet has neither a size nor a prefix", `add size: such as "/24"`, "intent-required")
		case s.Size != 0 && s.Prefix.IsValid():
			v.refuseAt(path+".prefix", s.Prefix.String(), "the subnet has a size and a prefix", "keep one of them", "intent-required")
		case s.Size != 0 && known:
			v.size(path+".size", int(s.Size), n.AddressSpace)
		case s.Size == 0 && v.prefix(path+".prefix", s.Prefix) && known:
			v.subnet(path+".prefix", s.Prefix, n.AddressSpace, placed)
			placed = append(placed, s.Prefix)
		}
	}
}

// size checks that a subnet of so many bits can lie in the network at all.
func (v *validator) size(path string, bits int, space []netip.Prefix) {
	if bits > longestSpace {
		v.refuseAt(path, v.text(path), "Azure keeps five addresses of each subnet, so the smallest is /29", "use /29 or larger", "prefix-special")
		return
	}
	shortest, v4 := 22, len(space) == 0
	for i, p := range space {
		if p.Addr().Is4() {
			if !v4 || i == 0 || p.Bits() < shortest {
				shortest = p.Bits()
			}
			v4 = true
		}
	}
	if v4 && bits < shortest {
		v.refuseAt(path, v.text(path), fmt.Sprintf("the network's largest IPv4 prefix is a /%d", shortest), fmt.Sprintf("use /%d or a longer length", shortest), "intent-range")
	}
}

// subnet checks a subnet at a given prefix.
func (v *validator) subnet(path string, p netip.Prefix, space, placed []netip.Prefix) {
	inside := slices.ContainsFunc(space, func(s netip.Prefix) bool { return s.Bits() <= p.Bits() && s.Contains(p.Addr()) })
	o, twice := overlapping(placed, p)
	switch {
	case len(space) == 0:
		v.refuseAt(path, p.String(), "the network's own addressSpace is to be chosen, so a subnet cannot have a fixed place", "give the network an addressSpace, or the subnet a size", "intent-required")
	case !inside:
		v.refuseAt(path, p.String(), "the subnet lies outside the network's addressSpace", "use a part of "+fmt.Sprint(space), "intent-range")
	case twice:
		v.refuseAt(path, p.String(), "the subnet overlaps "+o.String()+" of the same network", "use a free part of the addressSpace", "route-no-overlap")
	case p.Addr().Is4() && p.Bits() > longestSpace:
		v.refuseAt(path, p.String(), "Azure keeps five addresses of each subnet, so the smallest is /29", "use /29 or larger", "prefix-special")
	case p.Addr().Is6() && p.Bits() != 64:
		v.refuseAt(path, p.String(), "an IPv6 subnet is a /64", "write a /64", "gateway-subnet-ipv6")
	}
}

// services checks what is reached, and that the estate has what Microsoft peering needs.
func (v *validator) services(at string, l *LineOfBusiness) {
	n, path := &l.Needs, at+".needs.services"
	if v.bad(path) {
		return
	}
	v.noRepeats(path, n.Services)
	if len(n.Services) == 0 {
		n.Services = []string{Azure}
		v.defaulted(path, Azure, "virtual networks over private peering")
	}
	if slices.Contains(n.Services, Azure) && len(l.Networks) == 0 && !v.bad(at+".networks") {
		v.refuseAt(at+".networks", "", l.Name+" is to reach Azure and has no network there", "add a network, or name other services under needs.services", "intent-nothing-to-reach")
	}
	public := slices.DeleteFunc(slices.Clone(n.Services), func(s string) bool { return s == Azure })
	if n.Voice && !slices.Contains(n.Services, Microsoft365) {
		v.refuseAt(at+".needs.voice", "true", "voice classes are honoured on Microsoft peering only, for Skype for Business and Teams", "add microsoft365 to needs.services, or leave voice out", "qos-ms-peering-only")
	}
	if len(public) == 0 {
		return
	}
	if len(v.e.Pools.MicrosoftTransit) == 0 && !v.bad("pools.microsoftTransit") {
		v.refuseAt(path, strings.Join(public, ", "), "Microsoft peering needs public addresses for its links, and pools.microsoftTransit has none", "add pools.microsoftTransit with a public range of your own", "ms-peering-public-only")
	}
	for i := range v.e.Premises.Sites {
		s := &v.e.Premises.Sites[i]
		needed := len(n.Sites) == 0 || slices.Contains(n.Sites, s.Name)
		if needed && len(s.PublicPrefixes) == 0 && !v.bad(yamlfile.Index("premises.sites", i)+".publicPrefixes") {
			v.refuseAt(path, strings.Join(public, ", "), "site "+s.Name+" has no publicPrefixes, which Microsoft peering needs", "give "+s.Name+" a public prefix of your own, or leave it out of needs.sites", "nat-snat-outbound")
			return
		}
	}
}

// relations checks the names of sites and lines of business.
func (v *validator) relations(at string, l *LineOfBusiness) {
	n := &l.Needs
	sites, lobs := v.siteNames(), v.lobNames()
	for k, s := range n.Sites {
		v.known(yamlfile.Index(at+".needs.sites", k), s, sites, "site")
	}
	v.noRepeats(at+".needs.sites", n.Sites)
	v.noRepeats(at+".needs.isolatedFrom", n.IsolatedFrom)
	v.noRepeats(at+".needs.reaches", n.Reaches)
	v.noRepeats(at+".needs.survives", n.Survives)
	for k, o := range n.IsolatedFrom {
		path := yamlfile.Index(at+".needs.isolatedFrom", k)
		if v.known(path, o, lobs, "line of business") && o == l.Name {
			v.refuseAt(path, o, "nobody is isolated from itself", "leave it out", "intent-range")
		}
	}
	for k, o := range n.Reaches {
		path := yamlfile.Index(at+".needs.reaches", k)
		if o == Shared {
			if v.e.SharedServices == nil && !v.bad("sharedServices") {
				v.refuseAt(path, o, "there are no sharedServices in the file", "add sharedServices, or leave shared out", "intent-known-name")
			}
			continue
		}
		if !v.known(path, o, lobs, "line of business") {
			continue
		}
		other := v.lob(o)
		switch {
		case o == l.Name:
			v.refuseAt(path, o, "everybody reaches itself", "leave it out", "intent-range")
		case slices.Contains(n.IsolatedFrom, o) || slices.Contains(other.Needs.IsolatedFrom, l.Name):
			v.refuseAt(path, o, l.Name+" and "+o+" are to be isolated from each other as well", "drop one of reaches and isolatedFrom", "intent-contradiction")
		case len(other.Networks) == 0:
			v.refuseAt(path, o, o+" has no network to reach", "leave it out, or give "+o+" a network", "intent-nothing-to-reach")
		}
	}
	if len(n.Reaches) > 0 && len(l.Networks) == 0 && !v.bad(at+".networks") && !slices.Contains(n.Services, Azure) {
		v.refuseAt(at+".needs.reaches", "", l.Name+" has no network that could reach anything", "add a network, or leave reaches out", "intent-nothing-to-reach")
	}
	if !v.given(at+".needs.survives") && !v.bad(at+".needs.survives") {
		n.Survives = DefaultSurvives()
		v.defaulted(at+".needs.survives", strings.Join(n.Survives, ", "), "every circuit has two links, two routers at each end and two gateway instances")
	}
	if len(n.Sites) == 0 && len(sites) > 1 && !v.bad(at+".needs.sites") {
		v.defaulted(at+".needs.sites", "all", "no sites are named")
	}
}

func (v *validator) lob(name string) *LineOfBusiness {
	for i := range v.e.LinesOfBusiness {
		if v.e.LinesOfBusiness[i].Name == name {
			return &v.e.LinesOfBusiness[i]
		}
	}
	return nil
}

// noRepeats refuses a word that stands twice in a list.
func (v *validator) noRepeats(path string, list []string) {
	for i, s := range list {
		at := yamlfile.Index(path, i)
		if s != "" && slices.Contains(list[:i], s) && !v.bad(at) {
			v.refuseAt(at, s, "this is listed twice", "leave it out once", "intent-unique")
		}
	}
}

// numbers checks the ranges of what is measured.
func (v *validator) numbers(at string, l *LineOfBusiness) {
	n := &l.Needs
	v.positive(at+".needs.bandwidth", int(n.Bandwidth), l.Name)
	if !v.given(at+".needs.bandwidth") && !v.bad(at+".needs.bandwidth") {
		v.defaulted(at+".needs.bandwidth", "0 Mbps", "no bandwidth is asked for, so none is promised")
	}
	if n.Latency == 0 && v.given(at+".needs.latency") {
		v.refuseAt(at+".needs.latency", v.text(at+".needs.latency"), "nothing travels in no time", `write a round trip such as "20 ms"`, "intent-range")
	}
	if path := at + ".needs.availability"; v.given(path) && (n.Availability <= 0 || n.Availability >= 100) {
		v.refuseShape(path, "availability is a percentage between 0 and 100, both left out", "write a number such as 99.95")
	}
	if path := at + ".needs.monthlyEgressGB"; v.given(path) && *n.MonthlyEgressGB < 0 {
		v.refuseShape(path, "traffic cannot be negative", "write gigabytes a month, 0 or more")
	}
}

// traffic checks what leaves Azure in a month: of the estate, of the lines of business that state it, and that these agree.
func (v *validator) traffic() {
	e, key := v.e, "traffic.monthlyEgressGB"
	stated, silent, off := 0.0, 0, v.bad(key)
	for i := range e.LinesOfBusiness {
		if n := e.LinesOfBusiness[i].Needs.MonthlyEgressGB; n != nil {
			stated += *n
		} else {
			silent++
		}
		off = off || v.bad(yamlfile.Index("linesOfBusiness", i)+".needs.monthlyEgressGB")
	}
	if e.Traffic.MonthlyEgressGB < 0 {
		v.refuseShape(key, "traffic cannot be negative", "write gigabytes a month, 0 or more")
		off = true
	}
	switch sum := strconv.FormatFloat(stated, 'f', -1, 64); {
	case off:
	case !v.given(key) && silent < len(e.LinesOfBusiness):
		e.Traffic.MonthlyEgressGB = stated
		v.defaulted(key, sum, "the sum of what the lines of business state; the others are taken to send nothing")
	case !v.given(key):
		v.defaulted(key, "0", "no traffic is stated, so no data charges are counted and metered data looks cheapest")
	case stated > e.Traffic.MonthlyEgressGB:
		v.refuseAt(key, v.text(key), "the lines of business state "+sum+" GB a month together, which is more", "write "+sum+" or more, or lower what they state", "intent-traffic")
	case silent == 0 && stated < e.Traffic.MonthlyEgressGB:
		v.refuseAt(key, v.text(key), "the lines of business state "+sum+" GB a month together, and nobody is left for the rest", "write "+sum+", or leave the key out: it is then their sum", "intent-traffic")
	}
}
