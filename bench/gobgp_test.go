package bench

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"github.com/osrg/gobgp/v4/api"
	"github.com/osrg/gobgp/v4/pkg/apiutil"
	"github.com/osrg/gobgp/v4/pkg/packet/bgp"
	gobgp "github.com/osrg/gobgp/v4/pkg/server"
)

// goBGP is GoBGP's server as a library, driven by its own API without gRPC, and silent.
type goBGP struct{ *gobgp.BgpServer }

func serveGoBGP(r rig) (server, error) {
	level := new(slog.LevelVar)
	level.Set(slog.LevelError + 1)
	s := goBGP{gobgp.NewBgpServer(gobgp.LoggerOption(slog.New(slog.DiscardHandler), level))}
	go s.Serve() // ends with the process
	ctx := context.Background()
	if err := s.StartBgp(ctx, &api.StartBgpRequest{Global: &api.Global{
		Asn: deviceAS, RouterId: "192.0.2.1",
		ListenPort: int32(r.Listen.Port()), ListenAddresses: []string{r.Listen.Addr().String()},
	}}); err != nil {
		return nil, err
	}
	if err := s.policies(ctx); err != nil {
		return nil, err
	}
	if err := s.announce(); err != nil {
		return nil, err
	}
	for _, p := range r.peers() {
		if err := s.AddPeer(ctx, &api.AddPeerRequest{Peer: &api.Peer{
			Conf:         &api.PeerConf{NeighborAddress: p.addr.String(), PeerAsn: p.as},
			Transport:    &api.Transport{LocalAddress: r.Listen.Addr().String(), PassiveMode: true},
			EbgpMultihop: &api.EbgpMultihop{Enabled: true, MultihopTtl: 64},
			Timers:       &api.Timers{Config: &api.TimersConfig{HoldTime: holdTime, KeepaliveInterval: holdTime / 3}},
			AfiSafis: []*api.AfiSafi{{Config: &api.AfiSafiConfig{
				Family: &api.Family{Afi: api.Family_AFI_IP, Safi: api.Family_SAFI_UNICAST}, Enabled: true,
			}}},
		}}); err != nil {
			return nil, fmt.Errorf("neighbour %s: %w", p.addr, err)
		}
	}
	return s, s.allActive(ctx, len(r.peers()))
}

// policies let the device's own routes out, and the markers to the observer: GoBGP has one export policy for all neighbours.
func (s goBGP) policies(ctx context.Context) error {
	sets := []*api.DefinedSet{
		{DefinedType: api.DefinedType_DEFINED_TYPE_NEIGHBOR, Name: "observer", List: []string{observer().addr.String() + "/32"}},
		{DefinedType: api.DefinedType_DEFINED_TYPE_COMMUNITY, Name: "marker", List: []string{fmt.Sprintf("^%d:%d$", uint32(markerTag)>>16, markerTag&0xffff)}},
	}
	for _, set := range sets {
		if err := s.AddDefinedSet(ctx, &api.AddDefinedSetRequest{DefinedSet: set}); err != nil {
			return err
		}
	}
	accept := &api.Actions{RouteAction: api.RouteAction_ROUTE_ACTION_ACCEPT}
	export := &api.Policy{Name: "export", Statements: []*api.Statement{
		{Name: "own", Conditions: &api.Conditions{RouteType: api.Conditions_ROUTE_TYPE_LOCAL}, Actions: accept},
		{Name: "markers", Conditions: &api.Conditions{
			NeighborSet:  &api.MatchSet{Name: "observer", Type: api.MatchSet_TYPE_ANY},
			CommunitySet: &api.MatchSet{Name: "marker", Type: api.MatchSet_TYPE_ANY},
		}, Actions: accept},
	}}
	if err := s.AddPolicy(ctx, &api.AddPolicyRequest{Policy: export}); err != nil {
		return err
	}
	return s.AddPolicyAssignment(ctx, &api.AddPolicyAssignmentRequest{Assignment: &api.PolicyAssignment{
		Name: "global", Direction: api.PolicyDirection_POLICY_DIRECTION_EXPORT,
		Policies: []*api.Policy{export}, DefaultAction: api.RouteAction_ROUTE_ACTION_REJECT,
	}})
}

// announce puts the device's own prefixes into its table.
func (s goBGP) announce() error {
	hop, err := bgp.NewPathAttributeNextHop(netip.IPv4Unspecified()) // GoBGP puts itself there
	if err != nil {
		return err
	}
	var paths []*apiutil.Path
	for i := range ownPrefixes {
		nlri, err := bgp.NewIPAddrPrefix(ownPrefix(i))
		if err != nil {
			return err
		}
		paths = append(paths, &apiutil.Path{Family: bgp.RF_IPv4_UC, Nlri: nlri, Attrs: []bgp.PathAttributeInterface{
			bgp.NewPathAttributeOrigin(bgp.BGP_ORIGIN_ATTR_TYPE_IGP), hop,
		}})
	}
	_, err = s.AddPath(apiutil.AddPathRequest{Paths: paths})
	return err
}

// allActive waits until every neighbour's session is: one that connects earlier is turned away.
func (s goBGP) allActive(ctx context.Context, want int) error {
	every := time.NewTicker(20 * time.Millisecond)
	defer every.Stop()
	over := time.After(time.Minute)
	for {
		active := 0
		if err := s.ListPeer(ctx, &api.ListPeerRequest{}, func(p *api.Peer) {
			if p.State.SessionState == api.PeerState_SESSION_STATE_ACTIVE {
				active++
			}
		}); err != nil {
			return err
		}
		if active == want {
			return nil
		}
		select {
		case <-every.C:
		case <-over:
			return fmt.Errorf("%d of %d neighbours are active after a minute", active, want)
		}
	}
}

func (s goBGP) routes() (int, error) {
	table, err := s.GetTable(context.Background(), &api.GetTableRequest{
		TableType: api.TableType_TABLE_TYPE_GLOBAL,
		Family:    &api.Family{Afi: api.Family_AFI_IP, Safi: api.Family_SAFI_UNICAST},
	})
	if err != nil {
		return 0, err
	}
	return int(table.NumPath), nil
}
