package cost

import (
	"slices"

	"onramp/azure"
)

// users answers who uses what, from indexes that are made once.
type users struct {
	index *azure.Index
	homes map[string]*azure.VirtualNetwork // gateway key to its VNet
	// around and behind are, by VNet key, the networks that are peered with it, and those of them that use its gateway.
	around, behind map[string][]*azure.VirtualNetwork
	inspects       map[string]bool                           // by VNet key: has a firewall
	own            map[string][]*azure.VirtualNetwork        // by line of business
	gateways       map[string][]*azure.VirtualNetworkGateway // by line of business
	preferred      map[string][]azure.ID                     // by line of business, as far as it was asked for
}

func newUsers(rs azure.Resources) *users {
	u := &users{index: azure.NewIndex(rs), homes: map[string]*azure.VirtualNetwork{}, around: map[string][]*azure.VirtualNetwork{}, behind: map[string][]*azure.VirtualNetwork{},
		inspects: map[string]bool{}, own: map[string][]*azure.VirtualNetwork{}, gateways: map[string][]*azure.VirtualNetworkGateway{}, preferred: map[string][]azure.ID{}}
	for _, f := range azure.Of[*azure.AzureFirewall](rs) {
		for i := range f.Properties.IPConfigurations {
			if s := f.Properties.IPConfigurations[i].Properties.Subnet; s != nil {
				u.inspects[s.ID.Parent().Key()] = true
			}
		}
	}
	for _, s := range azure.Of[*azure.VirtualNetwork](rs) {
		if o := owner(s); o != "" {
			u.own[o] = append(u.own[o], s)
		}
		for i := range s.Properties.VirtualNetworkPeerings {
			p := &s.Properties.VirtualNetworkPeerings[i].Properties
			if p.RemoteVirtualNetwork == nil {
				continue
			}
			k := p.RemoteVirtualNetwork.ID.Key()
			u.around[k] = append(u.around[k], s)
			if p.UseRemoteGateways {
				u.behind[k] = append(u.behind[k], s)
			}
		}
	}
	for _, g := range azure.Of[*azure.VirtualNetworkGateway](rs) {
		for i := range g.Properties.IPConfigurations {
			if s := g.Properties.IPConfigurations[i].Properties.Subnet; s != nil {
				if v, ok := u.index.Get(s.ID.Parent()).(*azure.VirtualNetwork); ok {
					u.homes[g.ID.Key()] = v
				}
			}
		}
		list := u.ofGateway(g.ID)
		slices.Sort(list)
		for _, name := range slices.Compact(list) {
			u.gateways[name] = append(u.gateways[name], g)
		}
	}
	return u
}

// ofVNet are the lines of business of a VNet: its own, or of a shared one those whose VNets are peered with it.
func (u *users) ofVNet(v *azure.VirtualNetwork) []string {
	if v == nil {
		return nil
	}
	if o := owner(v); o != "" {
		return []string{o}
	}
	var out []string
	for _, s := range u.around[v.ID.Key()] {
		if o := owner(s); o != "" {
			out = append(out, o)
		}
	}
	return out
}

// ofGateway are the lines of business behind a gateway: of its VNet and of the spokes that use it.
func (u *users) ofGateway(id azure.ID) []string {
	v := u.homes[id.Key()]
	if v == nil {
		return nil
	}
	if o := owner(v); o != "" {
		return []string{o}
	}
	var out []string
	for _, s := range u.behind[v.ID.Key()] {
		out = append(out, owner(s))
	}
	if len(out) == 0 {
		return u.ofVNet(v)
	}
	return out
}

// heaviest are the circuits to which the gateways of a line of business connect with the highest weight.
func (u *users) heaviest(name string) []azure.ID {
	var out []azure.ID
	for _, g := range u.gateways[name] {
		best := -1
		var at []azure.ID
		for _, x := range u.index.Links(g.ID) {
			p := x.Properties
			if p.Peer == nil {
				continue
			}
			if p.RoutingWeight > best {
				best, at = p.RoutingWeight, nil
			}
			if p.RoutingWeight == best {
				at = append(at, p.Peer.ID)
			}
		}
		for _, id := range at {
			if !slices.ContainsFunc(out, id.Equal) {
				out = append(out, id)
			}
		}
	}
	return out
}

// inspector is the network with a firewall that a network is peered with; nil when there is none.
func (u *users) inspector(v *azure.VirtualNetwork) *azure.VirtualNetwork {
	for i := range v.Properties.VirtualNetworkPeerings {
		if far := v.Properties.VirtualNetworkPeerings[i].Properties.RemoteVirtualNetwork; far != nil && u.inspects[far.ID.Key()] {
			if n, ok := u.index.Get(far.ID).(*azure.VirtualNetwork); ok {
				return n
			}
		}
	}
	return nil
}
