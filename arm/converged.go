package arm

import (
	"fmt"
	"net/netip"
	"strings"
	"sync"

	"onramp/azure"
	"onramp/bgp"
	"onramp/catalog"
	"onramp/design"
	"onramp/network"
)

// Converged answers live tables with what package network converges to, from the resources that the endpoint has and the premises that
// somebody told it: what would be seen when all is quiet and nothing has failed.
type Converged struct {
	Catalog *catalog.Catalog
	// Resources are those of now, with a number that changes when they do.
	Resources func() (azure.Resources, uint64)
	Premises  design.Premises

	mu    sync.Mutex
	of    uint64
	net   *network.Network
	state *network.State
	rs    azure.Resources
}

// now is the network as it is, converged.
func (c *Converged) now() (*network.Network, *network.State, azure.Resources) {
	rs, number := c.Resources()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.net == nil || c.of != number {
		c.rs, c.of = rs, number
		c.net, _ = network.Build(rs, c.Premises, c.Catalog, network.Options{})
		c.state = c.net.Converge(network.Scenario{ID: string(network.Healthy), Kind: network.Healthy})
	}
	return c.net, c.state, c.rs
}

// VRF is the router of a peering on one path of a circuit, as package network names it.
func VRF(n *network.Network, circuit, peering, path string) string {
	kind := "private"
	if strings.EqualFold(peering, "MicrosoftPeering") {
		kind = "microsoft"
	}
	return n.NameOf(azure.ID(circuit)) + "/" + kind + "/" + path
}

// ARP implements Tables: on each path an MSEE sees itself and the neighbour of the premises.
func (c *Converged) ARP(circuit, peering, path string) ([]ARPEntry, error) {
	n, _, _ := c.now()
	return ARPOf(n, VRF(n, circuit, peering, path), func(int) bool { return true }), nil
}

// ARPOf is the ARP table of an MSEE: its own address, and its neighbours' over sessions that are up, which are told by their index.
func ARPOf(n *network.Network, router string, up func(session int) bool) []ARPEntry {
	rows := []ARPEntry{}
	for _, s := range n.SessionsOf(router) {
		if s.Kind != "private" && s.Kind != "microsoft" {
			continue
		}
		if s.Own.IsValid() {
			rows = append(rows, ARPEntry{Age: 0, Interface: "Microsoft", IPAddress: s.Own.String(), MACAddress: mac(router, s.Own)})
		}
		if s.Peer.IsValid() && up(s.Index) {
			rows = append(rows, ARPEntry{Age: 1, Interface: "On-Prem", IPAddress: s.Peer.String(), MACAddress: mac(s.Name, s.Peer)})
		}
	}
	return rows
}

// mac is an address that follows from who has it, with the bit of locally administered ones.
func mac(who string, a netip.Addr) string {
	d := derived(who, a.String())
	return fmt.Sprintf("02%s.%s.%s", d[0:2], d[2:6], d[9:13])
}

// CircuitRoutes implements Tables.
func (c *Converged) CircuitRoutes(circuit, peering, path string) ([]CircuitRoute, error) {
	n, st, _ := c.now()
	return CircuitRoutesOf(st.Table(VRF(n, circuit, peering, path))), nil
}

// CircuitRoutesOf writes a table as Azure's tools do: weight and preference as numbers, the path with blanks.
func CircuitRoutesOf(rows []network.Row) []CircuitRoute {
	out := []CircuitRoute{}
	for _, r := range rows {
		hop := "0.0.0.0"
		if r.NextHop.IsValid() {
			hop = r.NextHop.String()
		}
		out = append(out, CircuitRoute{Network: r.Prefix.String(), NextHop: hop, LocPrf: fmt.Sprint(r.LocalPref), Weight: int(r.Weight), Path: strings.Join(asns(r.Path), " ")})
	}
	return out
}

func asns(p bgp.Path) []string {
	return strings.Fields(strings.NewReplacer("{", " ", "}", " ", ",", " ", "(", " ", ")", " ").Replace(p.String()))
}

// Instances are the routers of a gateway, sorted by name.
func Instances(n *network.Network, gateway string) []string {
	name := n.NameOf(azure.ID(gateway))
	if name == "" {
		return nil
	}
	return n.InstancesOf(name)
}

// Learned implements Tables.
func (c *Converged) Learned(gateway string) ([]GatewayRoute, error) {
	n, st, _ := c.now()
	out := []GatewayRoute{}
	for _, r := range Instances(n, gateway) {
		out = append(out, GatewayRoutesOf(st.Table(r), AddressOf(n, r))...)
	}
	return out, nil
}

// AddressOf is a router's own address, "" for an unknown one.
func AddressOf(n *network.Network, router string) string { return hopText(n.RouterID(router)) }

// GatewayRoutesOf writes the table of an instance whose address is local.
func GatewayRoutesOf(rows []network.Row, local string) []GatewayRoute {
	out := []GatewayRoute{}
	for _, r := range rows {
		g := GatewayRoute{LocalAddress: local, Network: r.Prefix.String(), Origin: "EBgp", ASPath: strings.Join(asns(r.Path), "-"), Weight: int(r.Weight)}
		if r.From == "" {
			g.Origin, g.SourcePeer, g.Weight = "Network", local, 32768
		} else {
			g.NextHop, g.SourcePeer = hopText(r.NextHop), hopText(r.NextHop)
		}
		out = append(out, g)
	}
	return out
}

func hopText(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

// Advertised implements Tables.
func (c *Converged) Advertised(gateway string, peer netip.Addr) ([]GatewayRoute, error) {
	n, st, _ := c.now()
	out := []GatewayRoute{}
	for _, r := range Instances(n, gateway) {
		for _, nb := range st.Summary(r) {
			if nb.Address != peer {
				continue
			}
			for _, row := range st.Advertised(r, nb.Name) {
				out = append(out, AdvertisedOf(row, AddressOf(n, r)))
			}
		}
	}
	return out, nil
}

// AdvertisedOf writes a route that an instance whose address is local tells.
func AdvertisedOf(row network.Row, local string) GatewayRoute {
	return GatewayRoute{LocalAddress: local, Network: row.Prefix.String(), NextHop: local, SourcePeer: local, Origin: "Igp", ASPath: strings.Join(asns(row.Path), "-"), Weight: 0}
}

// Peers implements Tables.
func (c *Converged) Peers(gateway string) ([]PeerStatus, error) {
	n, st, _ := c.now()
	out := []PeerStatus{}
	for _, r := range Instances(n, gateway) {
		for _, nb := range st.Summary(r) {
			state := "Connecting"
			if nb.Up {
				state = "Connected"
			}
			out = append(out, PeerStatus{LocalAddress: AddressOf(n, r), Neighbor: hopText(nb.Address), ASN: uint32(nb.ASN), State: state, ConnectedDuration: "00:00:00", RoutesReceived: nb.Prefixes})
		}
	}
	return out, nil
}

// Effective implements Tables.
func (c *Converged) Effective(subnet string) ([]EffectiveRoute, error) {
	_, st, _ := c.now()
	vnet := azure.ID(subnet).Parent()
	return EffectiveOf(st.EffectiveRoutes(vnet, azure.ID(subnet).Name())), nil
}

// EffectiveOf writes a subnet's effective routes.
func EffectiveOf(rows []network.EffectiveRoute) []EffectiveRoute {
	out := []EffectiveRoute{}
	for _, r := range rows {
		e := EffectiveRoute{Source: r.Source, State: r.State, AddressPrefix: []string{r.Prefix.String()}, NextHopType: r.NextHopType, NextHopIPAddress: []string{}}
		for _, h := range r.NextHops {
			e.NextHopIPAddress = append(e.NextHopIPAddress, h.String())
		}
		out = append(out, e)
	}
	return out
}

// Traffic implements Tables: nothing is carried where nothing runs.
func (c *Converged) Traffic(string, string) (Traffic, error) { return Traffic{}, nil }

// Linked implements Tables: a connection is linked when one of its sessions is up.
func (c *Converged) Linked(connection string) (LinkState, error) {
	n, st, rs := c.now()
	name := n.NameOf(azure.ID(connection))
	for _, cn := range azure.Of[*azure.VirtualNetworkGatewayConnection](rs) {
		if !cn.ID.Equal(azure.ID(connection)) || cn.Properties.VirtualNetworkGateway1 == nil {
			continue
		}
		for _, r := range Instances(n, string(cn.Properties.VirtualNetworkGateway1.ID)) {
			up := map[string]bool{}
			for _, nb := range st.Summary(r) {
				up[nb.Name] = nb.Up
			}
			for _, s := range n.SessionsOf(r) {
				if s.Together == name && up[s.PeerName] {
					return Linked, nil
				}
			}
		}
	}
	return NotLinked, nil
}

// resources are all that the engine has, typed, with a number that changes with them.
func (e *engine) resources() (azure.Resources, uint64) {
	e.mu.RLock()
	list := make([]*resource, 0, len(e.all))
	for key := range e.all {
		if r := e.here(key); r != nil {
			list = append(list, r)
		}
	}
	changes := e.changes
	e.mu.RUnlock()
	out := make(azure.Resources, 0, len(list))
	for _, r := range list {
		if x := r.typed.of(r.answer); x != nil {
			out = append(out, x)
		}
	}
	out.Sort()
	return out, changes
}
