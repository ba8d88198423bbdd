package draw

import (
	"fmt"
	"slices"
	"strings"

	"onramp/azure"
	"onramp/design"
)

// The tiers of a topology, from the premises to the VNets.
const (
	tierSite = iota
	tierCE
	tierPE
	tierMSEE
	tierCircuit
	tierGateway
	tierHub
	tierVNet
)

// Topology is the picture of a design: every site, router, circuit, gateway and VNet, and what joins them.
func Topology(d *design.Design) Diagram {
	t := &topology{d: d, have: map[string]bool{}, edges: map[string]bool{}}
	t.Diagram = Diagram{Title: d.Name, Legend: true,
		Tiers: []Tier{{"Sites"}, {"Customer edge"}, {"Provider edge"}, {"Microsoft edge"}, {"Circuits"}, {"Gateways"}, {"Hubs and VNets"}, {"Spokes"}}}
	if d.Pattern != "" {
		t.Subtitle = "Pattern " + string(d.Pattern)
	}
	t.premises()
	t.circuits()
	t.cloud()
	return t.Diagram
}

type topology struct {
	Diagram
	d     *design.Design
	have  map[string]bool
	edges map[string]bool
}

func (t *topology) node(n Node) {
	if !t.have[n.ID] {
		t.have[n.ID] = true
		t.Nodes = append(t.Nodes, n)
	}
}

func (t *topology) edge(e Edge) {
	key := e.From + "\x00" + e.To + "\x00" + string(e.Kind)
	if !t.edges[key] && t.have[e.From] && t.have[e.To] {
		t.edges[key] = true
		t.Edges = append(t.Edges, e)
	}
}

func (t *topology) premises() {
	p := &t.d.Premises
	for i := range p.Sites {
		s := &p.Sites[i]
		t.node(Node{ID: "site:" + s.Name, Label: s.Name, Sub: "AS " + s.ASN.String(), Kind: Site, Tier: tierSite})
		for j := range s.Routers {
			r := &s.Routers[j]
			t.node(Node{ID: "ce:" + r.Name, Label: r.Name, Kind: CE, Tier: tierCE, Group: s.Name})
			t.edge(Edge{From: "site:" + s.Name, To: "ce:" + r.Name, Kind: Link})
		}
	}
	for _, b := range p.Backbone {
		t.edge(Edge{From: "site:" + b.Between[0], To: "site:" + b.Between[1], Label: b.Mbps.String(), Kind: Backbone})
	}
	for i := range p.ProviderEdges {
		r := &p.ProviderEdges[i]
		t.node(Node{ID: "ce:" + r.Name, Label: r.Name, Sub: "AS " + r.ASN.String(), Kind: PE, Tier: tierPE, Group: r.Provider})
	}
	for i := range p.Sites {
		for j := range p.Sites[i].Routers {
			r := &p.Sites[i].Routers[j]
			for k := range r.Sessions {
				if s := &r.Sessions[k]; s.Neighbor != "" {
					t.edge(Edge{From: "ce:" + r.Name, To: "ce:" + s.Neighbor, Kind: Link})
				}
			}
		}
	}
}

func (t *topology) circuits() {
	ports := map[string]string{}
	for _, p := range azure.Of[*azure.ExpressRoutePort](t.d.Resources) {
		ports[p.ID.Key()] = p.Properties.PeeringLocation
	}
	for _, c := range azure.Of[*azure.ExpressRouteCircuit](t.d.Resources) {
		location, sub := "", c.SKU.Tier
		if sp := c.Properties.ServiceProviderProperties; sp != nil {
			location, sub = sp.PeeringLocation, fmt.Sprintf("%s %d Mbps, %s", sub, sp.BandwidthInMbps, sp.ServiceProviderName)
		} else if c.Properties.ExpressRoutePort != nil {
			location = ports[c.Properties.ExpressRoutePort.ID.Key()]
			sub += ", Direct"
		}
		id := "circuit:" + c.ID.Key()
		t.node(Node{ID: id, Label: c.Name, Sub: sub, Kind: Circuit, Tier: tierCircuit})
		for h := range 2 {
			m := fmt.Sprintf("msee:%s/%d", location, h+1)
			t.node(Node{ID: m, Label: fmt.Sprintf("MSEE %d", h+1), Kind: MSEE, Tier: tierMSEE, Group: location})
			t.edge(Edge{From: m, To: id, Kind: Link})
		}
		routers := t.d.Premises.ProviderEdges
		for i := range t.d.Premises.Sites {
			routers = slices.Concat(routers, t.d.Premises.Sites[i].Routers)
		}
		for i := range routers {
			for j := range routers[i].Sessions {
				s := &routers[i].Sessions[j]
				if s.Circuit == "" || s.Circuit.Key() != c.ID.Key() {
					continue
				}
				h := 1
				if s.Connection == design.Secondary {
					h = 2
				}
				t.edge(Edge{From: "ce:" + routers[i].Name, To: fmt.Sprintf("msee:%s/%d", location, h), Kind: Session})
			}
		}
	}
}

func (t *topology) cloud() {
	rs := t.d.Resources
	vnets := azure.Of[*azure.VirtualNetwork](rs)
	gateways := map[string]string{} // VNet key to gateway node
	for _, g := range azure.Of[*azure.VirtualNetworkGateway](rs) {
		id := "gateway:" + g.ID.Key()
		t.node(Node{ID: id, Label: g.Name, Sub: g.Properties.SKU.Name, Kind: Gateway, Tier: tierGateway})
		for i := range g.Properties.IPConfigurations {
			if s := g.Properties.IPConfigurations[i].Properties.Subnet; s != nil {
				gateways[s.ID.Parent().Key()] = id
			}
		}
	}
	for _, v := range vnets {
		n := Node{ID: "vnet:" + v.ID.Key(), Label: v.Name, Sub: strings.Join(v.Properties.AddressSpace.AddressPrefixes, ", "), Kind: VNet, Tier: tierVNet, Group: v.Tags[design.TagLineOfBusiness]}
		if gw := gateways[v.ID.Key()]; gw != "" {
			n.Tier = tierHub
			if v.Tags[design.TagRole] == "hub" {
				n.Kind = Hub
			}
		}
		t.node(n)
		if gw := gateways[v.ID.Key()]; gw != "" {
			t.edge(Edge{From: gw, To: n.ID, Kind: Link})
		}
	}
	for _, v := range vnets {
		for i := range v.Properties.VirtualNetworkPeerings {
			r := v.Properties.VirtualNetworkPeerings[i].Properties.RemoteVirtualNetwork
			if r == nil {
				continue
			}
			a, b := "vnet:"+v.ID.Key(), "vnet:"+r.ID.Key()
			if gateways[r.ID.Key()] != "" && gateways[v.ID.Key()] == "" || a > b && (gateways[v.ID.Key()] == "") == (gateways[r.ID.Key()] == "") {
				a, b = b, a
			}
			t.edge(Edge{From: a, To: b, Kind: Peering})
		}
	}
	for _, c := range azure.Of[*azure.VirtualNetworkGatewayConnection](rs) {
		if c.Properties.VirtualNetworkGateway1 != nil && c.Properties.Peer != nil {
			t.edge(Edge{From: "circuit:" + c.Properties.Peer.ID.Key(), To: "gateway:" + c.Properties.VirtualNetworkGateway1.ID.Key(), Kind: Session})
		}
	}
	for _, f := range azure.Of[*azure.AzureFirewall](rs) {
		for i := range f.Properties.IPConfigurations {
			if s := f.Properties.IPConfigurations[i].Properties.Subnet; s != nil {
				t.node(Node{ID: "firewall:" + f.ID.Key(), Label: f.Name, Sub: f.Properties.SKU.Tier, Kind: Firewall, Tier: tierHub, Group: f.Tags[design.TagLineOfBusiness]})
				t.edge(Edge{From: "vnet:" + s.ID.Parent().Key(), To: "firewall:" + f.ID.Key(), Kind: Link})
			}
		}
	}
}
