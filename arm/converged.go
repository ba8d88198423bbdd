package arm

import (
	"fmt"
	"net/netip"
	"slices"
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

// vrf is the router of a peering on one path of a circuit.
func vrf(circuit, peering, path string) string {
	kind := "private"
	if strings.EqualFold(peering, "MicrosoftPeering") {
		kind = "microsoft"
	}
	return azure.ID(circuit).Name() + "/" + kind + "/" + path
}

// ARP implements Tables: on each path an MSEE sees itself and the neighbour of the premises.
func (c *Converged) ARP(circuit, peering, path string) ([]ARPEntry, error) {
	n, _, _ := c.now()
	return arpOf(n.Wiring(), vrf(circuit, peering, path), func(int) bool { return true }), nil
}

// arpOf is the ARP table of an MSEE: its own address, and its neighbours' over sessions that are up.
func arpOf(w network.Wiring, router string, up func(session int) bool) []ARPEntry {
	rows := []ARPEntry{}
	for i := range w.Sessions {
		s := &w.Sessions[i]
		if s.Kind != "private" && s.Kind != "microsoft" {
			continue
		}
		for end, r := range [2]int{s.A, s.B} {
			if w.Routers[r].Name != router {
				continue
			}
			own, peer := s.Addr[end], s.Addr[1-end]
			if own.IsValid() {
				rows = append(rows, ARPEntry{Age: 0, Interface: "Microsoft", IPAddress: own.String(), MACAddress: mac(router, own)})
			}
			if peer.IsValid() && up(i) {
				rows = append(rows, ARPEntry{Age: 1, Interface: "On-Prem", IPAddress: peer.String(), MACAddress: mac(s.Name, peer)})
			}
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
	_, st, _ := c.now()
	return circuitRows(st.Table(vrf(circuit, peering, path))), nil
}

// circuitRows writes a table as Azure's tools do: weight and preference as numbers, the path with blanks.
func circuitRows(rows []network.Row) []CircuitRoute {
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

// instances are the routers of a gateway.
func instances(n *network.Network, gateway string) []string {
	var out []string
	name := azure.ID(gateway).Name()
	for _, r := range n.Wiring().Routers {
		if r.Kind == "gateway" && r.Gateway == name {
			out = append(out, r.Name)
		}
	}
	slices.Sort(out)
	return out
}

// Learned implements Tables.
func (c *Converged) Learned(gateway string) ([]GatewayRoute, error) {
	n, st, _ := c.now()
	out := []GatewayRoute{}
	for _, r := range instances(n, gateway) {
		out = append(out, gatewayRows(st.Table(r), addressOf(n, r))...)
	}
	return out, nil
}

func addressOf(n *network.Network, router string) string {
	for _, r := range n.Wiring().Routers {
		if r.Name == router {
			return r.ID.String()
		}
	}
	return ""
}

func gatewayRows(rows []network.Row, local string) []GatewayRoute {
	out := []GatewayRoute{}
	for _, r := range rows {
		g := GatewayRoute{LocalAddress: local, Network: r.Prefix.String(), Origin: "EBgp", ASPath: strings.Join(asns(r.Path), "-"), Weight: 32769 + int(r.Weight)}
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
	for _, r := range instances(n, gateway) {
		for _, nb := range st.Summary(r) {
			if nb.Address != peer {
				continue
			}
			for _, row := range st.Advertised(r, nb.Name) {
				local := addressOf(n, r)
				out = append(out, GatewayRoute{LocalAddress: local, Network: row.Prefix.String(), NextHop: local, SourcePeer: local, Origin: "Igp", ASPath: strings.Join(asns(row.Path), "-"), Weight: 0})
			}
		}
	}
	return out, nil
}

// Peers implements Tables.
func (c *Converged) Peers(gateway string) ([]PeerStatus, error) {
	n, st, _ := c.now()
	out := []PeerStatus{}
	for _, r := range instances(n, gateway) {
		for _, nb := range st.Summary(r) {
			state := "Connecting"
			if nb.Up {
				state = "Connected"
			}
			out = append(out, PeerStatus{LocalAddress: addressOf(n, r), Neighbor: hopText(nb.Address), ASN: uint32(nb.ASN), State: state, ConnectedDuration: "00:00:00", RoutesReceived: nb.Prefixes})
		}
	}
	return out, nil
}

// Effective implements Tables.
func (c *Converged) Effective(subnet string) ([]EffectiveRoute, error) {
	_, st, _ := c.now()
	vnet := azure.ID(subnet).Parent()
	out := []EffectiveRoute{}
	for _, r := range st.EffectiveRoutes(vnet, azure.ID(subnet).Name()) {
		e := EffectiveRoute{Source: r.Source, State: r.State, AddressPrefix: []string{r.Prefix.String()}, NextHopType: r.NextHopType, NextHopIPAddress: []string{}}
		for _, h := range r.NextHops {
			e.NextHopIPAddress = append(e.NextHopIPAddress, h.String())
		}
		out = append(out, e)
	}
	return out, nil
}

// Traffic implements Tables: nothing is carried where nothing runs.
func (c *Converged) Traffic(string, string) (Traffic, error) { return Traffic{}, nil }

// Linked implements Tables: a connection is linked when one of its sessions is up.
func (c *Converged) Linked(connection string) (bool, error) {
	n, st, _ := c.now()
	name := azure.ID(connection).Name()
	for _, s := range n.Sessions() {
		if s.Connection != name {
			continue
		}
		for _, nb := range st.Summary(s.A) {
			if nb.Name == s.B && nb.Up {
				return true, nil
			}
		}
	}
	return false, nil
}

// resources are all that the engine has, typed, with a number that changes with them.
func (e *engine) resources() (azure.Resources, uint64) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	out := make(azure.Resources, 0, len(e.all))
	for key, r := range e.all {
		if e.here(key) == nil {
			continue
		}
		if x, err := azure.Unmarshal(r.answer); err == nil { // it was written by Marshal's equal
			out = append(out, x)
		}
	}
	out.Sort()
	return out, e.changes
}
