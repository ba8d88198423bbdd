package check

import (
	"net/netip"
	"slices"
	"strings"

	"onramp/azure"
	"onramp/design"
)

// estate holds what the rules of networks look up again and again. It is filled when it is first asked for and serves one
// design; large ones have thousands of networks.
type estate struct {
	feeds     []feed
	feedsOf   map[*azure.VirtualNetwork][]*feed
	gateways  map[*azure.VirtualNetwork][]*azure.VirtualNetworkGateway
	spokes    map[*azure.VirtualNetwork][]*azure.VirtualNetwork
	unknown   map[string][]*azure.Unknown // by type in lower case
	endpoints []endpoint
	addresses map[*azure.VirtualNetwork]int
	reaches   []reach
	heard     map[*design.Session][]netip.Prefix
	owners    map[netip.Prefix]string
	islands   map[string][]string
	limits    map[string]string
}

// view is the design's estate.
func (k *checker) view() *estate {
	if k.estate != nil {
		return k.estate
	}
	v := &estate{feedsOf: map[*azure.VirtualNetwork][]*feed{}, gateways: map[*azure.VirtualNetwork][]*azure.VirtualNetworkGateway{}, spokes: map[*azure.VirtualNetwork][]*azure.VirtualNetwork{},
		unknown: map[string][]*azure.Unknown{}, addresses: map[*azure.VirtualNetwork]int{}, heard: map[*design.Session][]netip.Prefix{}, owners: map[netip.Prefix]string{}, islands: map[string][]string{}, limits: map[string]string{}}
	k.estate = v
	for _, r := range k.c.LimitRows() {
		v.limits[r.Key] = r.Value
	}
	for _, u := range azure.Of[*azure.Unknown](k.d.Resources) {
		typ := strings.ToLower(u.Type)
		v.unknown[typ] = append(v.unknown[typ], u)
	}
	for _, g := range k.gatewaysAll {
		if home := k.homeOf(g); home != nil {
			v.gateways[home] = append(v.gateways[home], g)
		}
	}
	for _, n := range k.vnets {
		for i := range n.Properties.VirtualNetworkPeerings {
			p := &n.Properties.VirtualNetworkPeerings[i].Properties
			if !p.UseRemoteGateways || p.RemoteVirtualNetwork == nil {
				continue
			}
			if home := k.vnetByKey[p.RemoteVirtualNetwork.ID.Key()]; home != nil && home != n && !slices.Contains(v.spokes[home], n) {
				v.spokes[home] = append(v.spokes[home], n)
			}
		}
	}
	v.endpoints = k.readEndpoints()
	k.countAddresses(v)
	v.reaches = k.readReaches()
	for _, g := range k.gatewaysAll {
		if isExpressRoute(g) {
			v.feeds = append(v.feeds, k.feedOf(g))
		}
	}
	for i := range v.feeds {
		for _, n := range v.feeds[i].networks() {
			v.feedsOf[n] = append(v.feedsOf[n], &v.feeds[i])
		}
	}
	return v
}

// feedOf gathers what one gateway joins.
func (k *checker) feedOf(g *azure.VirtualNetworkGateway) feed {
	f := feed{g: g, home: k.homeOf(g)}
	if f.home != nil {
		f.spokes = k.view().spokes[f.home]
	}
	for _, x := range k.index.Links(g.ID) {
		if x.Properties.Peer == nil {
			continue
		}
		if c := k.circuit[x.Properties.Peer.ID.Key()]; c != nil && !slices.ContainsFunc(f.lines, func(l line) bool { return l.c == c }) {
			f.lines = append(f.lines, line{x, c})
		}
	}
	return f
}

// countAddresses counts the addresses in use in each network that the design knows of: those of network interfaces and
// private endpoints. There may be more.
func (k *checker) countAddresses(v *estate) {
	for _, e := range v.endpoints {
		v.addresses[e.v]++
	}
	for _, u := range v.unknown[strings.ToLower("Microsoft.Network/networkInterfaces")] {
		var p struct {
			IPConfigurations []azure.GatewayIPConfiguration `json:"ipConfigurations"`
		}
		properties(u, &p)
		for i := range p.IPConfigurations {
			if s := p.IPConfigurations[i].Properties.Subnet; s != nil {
				v.addresses[k.vnetByKey[s.ID.Parent().Key()]]++
			}
		}
	}
}
