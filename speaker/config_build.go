package speaker

import (
	"encoding/hex"
	"net/netip"
	"slices"
	"time"

	"onramp/bgp"
)

// speaker is what the core is told of the speaker itself. The seed is the router ID's, so that no two speakers jitter alike.
func (c *Config) speaker() bgp.SpeakerConfig {
	id := c.RouterID.As4()
	d := c.Decision
	return bgp.SpeakerConfig{
		AS: c.AS, RouterID: c.RouterID, ClusterID: c.ClusterID,
		Decision: bgp.Config{CompareMEDAlways: d.CompareMEDAlways, MissingMEDWorst: d.MissingMEDWorst, UseWeight: d.UseWeight, PreferOldest: d.PreferOldest,
			Multipath: d.Multipath, MultipathRelax: d.MultipathRelax, MultipathEBGPOnly: d.MultipathEBGPOnly},
		Restarting: c.Restarting, SelectionDeferral: time.Duration(c.SelectionDeferral),
		Seed: uint64(c.AS)<<32 | uint64(id[0])<<24 | uint64(id[1])<<16 | uint64(id[2])<<8 | uint64(id[3]),
	}
}

// policy is the policy of a name, nil for none.
func (c *Config) policy(name string) *bgp.Policy {
	for _, p := range c.Policies {
		if name != "" && p.Name == name {
			return p
		}
	}
	return nil
}

// neighbor is what the core is told of a neighbour; local is the speaker's end of the session, which to the core is only a next hop.
func (c *Config) neighbor(n *Neighbor, local netip.Addr) bgp.NeighborConfig {
	b := bgp.NeighborConfig{
		Name: n.Name, Addr: n.Address.WithZone(""), AS: n.AS,
		LocalAddr: local.WithZone(""), LocalIPv4: n.LocalIPv4, LocalIPv6: n.LocalIPv6, LocalLinkLocal: n.LocalLinkLocal.WithZone(""),
		LocalAS: n.LocalAS, Families: n.Families,
		Passive: n.Passive, MinHoldTime: time.Duration(n.MinHoldTime), KeepaliveTime: time.Duration(n.Keepalive),
		ConnectRetry: time.Duration(n.ConnectRetry), DelayOpen: time.Duration(n.DelayOpen),
		IdleHold: time.Duration(n.IdleHold), Damping: n.Damping, NoRestart: n.NoRestart, MRAI: time.Duration(n.MRAI),
		Import: c.policy(n.Import), Export: c.policy(n.Export), PolicyOptional: !or(n.RequirePolicy, true),
		AllowOwnAS:       n.AllowOwnAS,
		Options:          bgp.ExportOptions{KeepMED: n.KeepMED, SendCommunities: or(n.SendCommunities, true), RemovePrivate: n.RemovePrivateAS},
		NextHopUnchanged: n.NextHopUnchanged, NextHopSelf: n.NextHopSelf, RouteReflectorClient: n.RouteReflectorClient,
		Weight: n.Weight, LocalPrefKept: n.LocalPrefKept, IGPCost: n.IGPCost,
		TwoOctetAS: n.TwoOctetAS, NoRouteRefresh: !or(n.RouteRefresh, true), NoEnhancedRefresh: !or(n.EnhancedRefresh, true),
	}
	if n.HoldTime != nil {
		b.HoldTime, b.NoHoldTime = time.Duration(*n.HoldTime), *n.HoldTime == 0
	}
	if n.ASOverride {
		b.Options.ASOverride = n.AS
	}
	if m := n.MaxPrefixes; m != nil {
		b.IPv4Limit, b.IPv6Limit, b.LimitRestart = bgp.Limit{Max: m.IPv4}, bgp.Limit{Max: m.IPv6}, time.Duration(m.Restart)
	}
	if g := n.GracefulRestart; g != nil {
		b.RestartTime, b.HelperOnly, b.StaleTime = time.Duration(g.RestartTime), g.HelperOnly, time.Duration(g.StaleTime)
	}
	return b
}

// or is what p points to, or the value that stands for a key that is left out.
func or(p *bool, missing bool) bool {
	if p == nil {
		return missing
	}
	return *p
}

// attrs are the path attributes that the speaker originates the network with.
func (n *Network) attrs() bgp.Attrs {
	a := bgp.Attrs{Path: bgp.Path(n.ASPath), Origin: n.Origin, NextHop: n.NextHop, Weight: n.Weight}
	if n.MED != nil {
		a.MED, a.HasMED = *n.MED, true
	}
	if n.LocalPref != nil {
		a.LocalPref, a.HasLocalPref = *n.LocalPref, true
	}
	a = a.WithCommunities(n.Communities...)
	a = a.WithExtCommunities(n.ExtCommunities...)
	a = a.WithLargeCommunities(n.LargeCommunities...)
	if n.AtomicAggregate || n.Aggregator != nil || n.Unknown != nil {
		a.Rest = &bgp.Rest{AtomicAggregate: n.AtomicAggregate}
		for _, u := range n.Unknown {
			value, _ := hex.DecodeString(u.Value) // checked by the reader
			a.Rest.Unknown = append(a.Rest.Unknown, bgp.UnknownAttr{Type: uint8(u.Type), Value: string(value)})
		}
		slices.SortFunc(a.Rest.Unknown, func(x, y bgp.UnknownAttr) int { return int(x.Type) - int(y.Type) })
		if g := n.Aggregator; g != nil {
			a.Rest.AggregatorAS, a.Rest.Aggregator = g.AS, g.Address
		}
	}
	return a
}
