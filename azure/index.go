package azure

// Index finds resources by id and by what they belong to, for readers of large sets. It does not see later changes of the set.
type Index struct {
	byKey    map[string]Resource
	links    map[string][]*VirtualNetworkGatewayConnection
	gateways map[string][]*VirtualNetworkGateway
	circuits map[string][]*ExpressRouteCircuit
	far      map[string]int
}

// NewIndex reads a set; of two resources with one id the first is found.
func NewIndex(rs Resources) *Index {
	x := &Index{byKey: make(map[string]Resource, len(rs)), links: map[string][]*VirtualNetworkGatewayConnection{}, gateways: map[string][]*VirtualNetworkGateway{},
		circuits: map[string][]*ExpressRouteCircuit{}, far: map[string]int{}}
	for _, r := range rs {
		if k := r.Head().ID.Key(); x.byKey[k] == nil {
			x.byKey[k] = r
		}
		switch r := r.(type) {
		case *VirtualNetworkGatewayConnection:
			if g := r.Properties.VirtualNetworkGateway1; g != nil {
				k := g.ID.Key()
				x.links[k] = append(x.links[k], r)
			}
			if c := r.Properties.Peer; c != nil {
				k := c.ID.Key()
				x.links[k] = append(x.links[k], r)
			}
		case *VirtualNetworkGateway:
			seen := map[string]bool{}
			for i := range r.Properties.IPConfigurations {
				s := r.Properties.IPConfigurations[i].Properties.Subnet
				if s == nil {
					continue
				}
				if k := s.ID.Parent().Key(); !seen[k] {
					seen[k] = true
					x.gateways[k] = append(x.gateways[k], r)
				}
			}
		case *ExpressRouteCircuit:
			if p := r.Properties.ExpressRoutePort; p != nil {
				k := p.ID.Key()
				x.circuits[k] = append(x.circuits[k], r)
			}
			for i := range r.Properties.Peerings {
				list := r.Properties.Peerings[i].Properties.Connections
				for j := range list {
					x.far[r.ID.Key()]++
					if to := list[j].Properties.PeerExpressRouteCircuitPeering; to != nil && !to.ID.Parent().Equal(r.ID) {
						x.far[to.ID.Parent().Key()]++
					}
				}
			}
		}
	}
	return x
}

// Get returns the resource of an id, nil when it is not in the set.
func (x *Index) Get(id ID) Resource { return x.byKey[id.Key()] }

// Links returns the connections of a gateway, or those to a circuit, in the set's order.
func (x *Index) Links(id ID) []*VirtualNetworkGatewayConnection { return x.links[id.Key()] }

// GatewaysIn returns the gateways in a virtual network, of any type, in the set's order.
func (x *Index) GatewaysIn(vnet ID) []*VirtualNetworkGateway { return x.gateways[vnet.Key()] }

// CircuitsOn returns the circuits on a pair of ExpressRoute Direct ports, in the set's order.
func (x *Index) CircuitsOn(port ID) []*ExpressRouteCircuit { return x.circuits[port.Key()] }

// GlobalReach counts the Global Reach connections of a circuit, those that begin at the other end included.
func (x *Index) GlobalReach(circuit ID) int { return x.far[circuit.Key()] }
