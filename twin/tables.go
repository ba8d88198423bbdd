package twin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"onramp/arm"
	"onramp/azure"
	"onramp/network"
	"onramp/sim"
)

// The endpoint's live tables are those of the running routers, in the same words as the converged ones.

var _ arm.Tables = (*estate)(nil)

// tableTime is how long the loop may take until it answers.
const tableTime = 30 * time.Second

// look has a function called with the simulator and the network that runs in it.
func (e *estate) look(ctx context.Context, do func(*sim.Sim, *network.Network)) error {
	ctx, end := context.WithTimeout(ctx, tableTime)
	defer end()
	err := e.call(ctx, func(s *sim.Sim) {
		e.mu.Lock()
		n := e.plight.Network
		e.mu.Unlock()
		do(s, n)
	})
	if errors.Is(err, sim.ErrStopped) {
		return &arm.Error{Status: http.StatusServiceUnavailable, Code: "ServiceUnavailable", Message: "The endpoint is stopping."}
	}
	return err
}

// ARP implements arm.Tables.
func (e *estate) ARP(circuit, peering, path string) (rows []arm.ARPEntry, err error) {
	err = e.look(context.Background(), func(s *sim.Sim, n *network.Network) {
		states := s.SessionStates()
		rows = arm.ARPOf(n, arm.VRF(n, circuit, peering, path), func(i int) bool { return states[i].May })
	})
	return rows, err
}

// bestFirst puts the best route of each prefix first.
func bestFirst(rows []network.Row) []network.Row {
	slices.SortStableFunc(rows, func(a, b network.Row) int {
		switch {
		case a.Prefix != b.Prefix || a.Best == b.Best:
			return a.Prefix.Compare(b.Prefix)
		case a.Best:
			return -1
		}
		return 1
	})
	return rows
}

// CircuitRoutes implements arm.Tables.
func (e *estate) CircuitRoutes(circuit, peering, path string) (rows []arm.CircuitRoute, err error) {
	err = e.look(context.Background(), func(s *sim.Sim, n *network.Network) {
		rows = arm.CircuitRoutesOf(bestFirst(s.Table(arm.VRF(n, circuit, peering, path))))
	})
	return rows, err
}

// Learned implements arm.Tables.
func (e *estate) Learned(gateway string) ([]arm.GatewayRoute, error) {
	rows := []arm.GatewayRoute{}
	err := e.look(context.Background(), func(s *sim.Sim, n *network.Network) {
		for _, r := range arm.Instances(n, gateway) {
			rows = append(rows, arm.GatewayRoutesOf(bestFirst(s.Table(r)), arm.AddressOf(n, r))...)
		}
	})
	return rows, err
}

// Advertised implements arm.Tables.
func (e *estate) Advertised(gateway string, peer netip.Addr) ([]arm.GatewayRoute, error) {
	rows := []arm.GatewayRoute{}
	err := e.look(context.Background(), func(s *sim.Sim, n *network.Network) {
		for _, r := range arm.Instances(n, gateway) {
			for _, nb := range s.Summary(r) {
				if nb.Address != peer {
					continue
				}
				for _, row := range s.Advertised(r, nb.Session) {
					rows = append(rows, arm.AdvertisedOf(row, arm.AddressOf(n, r)))
				}
			}
		}
	})
	return rows, err
}

// Peers implements arm.Tables.
func (e *estate) Peers(gateway string) ([]arm.PeerStatus, error) {
	rows := []arm.PeerStatus{}
	err := e.look(context.Background(), func(s *sim.Sim, n *network.Network) {
		for _, r := range arm.Instances(n, gateway) {
			for _, nb := range s.Summary(r) {
				p := arm.PeerStatus{LocalAddress: arm.AddressOf(n, r), ASN: uint32(nb.ASN), State: "Connecting", ConnectedDuration: lasting(nb.For), RoutesReceived: nb.Prefixes,
					MessagesSent: int(nb.Sent), MessagesReceived: int(nb.Received)} //nolint:gosec // counts
				if nb.Address.IsValid() {
					p.Neighbor = nb.Address.String()
				}
				if nb.Up {
					p.State = "Connected"
				}
				rows = append(rows, p)
			}
		}
	})
	return rows, err
}

// lasting writes a time as Azure does: days, hours, minutes, seconds.
func lasting(d time.Duration) string {
	d = d.Truncate(time.Second)
	days := d / (24 * time.Hour)
	d -= days * 24 * time.Hour
	clock := fmt.Sprintf("%02d:%02d:%02d", d/time.Hour, d%time.Hour/time.Minute, d%time.Minute/time.Second)
	if days > 0 {
		return fmt.Sprintf("%d.%s", days, clock)
	}
	return clock
}

// Effective implements arm.Tables.
func (e *estate) Effective(subnet string) (rows []arm.EffectiveRoute, err error) {
	id := azure.ID(subnet)
	err = e.look(context.Background(), func(s *sim.Sim, _ *network.Network) {
		rows = arm.EffectiveOf(s.EffectiveRoutes(id.Parent(), id.Name()))
	})
	return rows, err
}

// Traffic implements arm.Tables: what users' packets came to, since the twin began.
func (e *estate) Traffic(circuit, peering string) (t arm.Traffic, err error) {
	err = e.look(context.Background(), func(s *sim.Sim, n *network.Network) {
		paths := map[string]int{}
		for _, p := range []string{"AzurePrivatePeering", "MicrosoftPeering"} {
			if peering == "" || strings.EqualFold(peering, p) {
				paths[arm.VRF(n, circuit, p, "primary")], paths[arm.VRF(n, circuit, p, "secondary")] = 0, 1
			}
		}
		for _, x := range s.SessionStates() {
			at, ok := paths[x.B]
			switch {
			case !ok || x.Kind != "private" && x.Kind != "microsoft":
			case at == 0:
				t.PrimaryBytesIn += x.Octets[0]
				t.PrimaryBytesOut += x.Octets[1]
			default:
				t.SecondaryBytesIn += x.Octets[0]
				t.SecondaryBytesOut += x.Octets[1]
			}
		}
	})
	return t, err
}

// Linked implements arm.Tables. It does not ask the loop.
func (e *estate) Linked(connection string) (arm.LinkState, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if is := e.links[e.plight.Network.NameOf(azure.ID(connection))]; is != "" {
		return is, nil
	}
	return arm.NotLinked, nil
}
