//go:build linux

package speaker_test

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"onramp/bgp"
	"onramp/speaker"
)

func (o *ours) table(family string) ([]labRoute, error) {
	list, err := o.whole()
	return slices.DeleteFunc(list, func(r labRoute) bool { return familyOf(r.Prefix.Addr()) != family }), err
}

// whole is the table of both families.
func (o *ours) whole() ([]labRoute, error) { return o.routes("show routes") }

// received is what the neighbour sent, before policy.
func (o *ours) received(peer netip.Addr) ([]labRoute, error) {
	return o.routes("show received " + peer.String())
}

// advertised tells what was sent, to the last step.
func (o *ours) advertised(peer netip.Addr) ([]labRoute, error) {
	return o.routes("show advertised " + peer.String())
}

func (o *ours) routes(line string) ([]labRoute, error) {
	a, err := o.do("%s", line)
	if err != nil {
		return nil, err
	}
	list := make([]labRoute, len(a.Routes))
	for i := range a.Routes {
		list[i] = oursRoute(&a.Routes[i])
	}
	return list, nil
}

// oursOrigins are the words for our letters.
var oursOrigins = map[bgp.Origin]string{bgp.OriginIGP: "igp", bgp.OriginEGP: "egp", bgp.OriginIncomplete: "incomplete"}

// oursRoute brings a route into the laboratory's spelling. Without LOCAL_PREF it counts as the default, which is what the
// daemons show.
func oursRoute(in *speaker.Route) labRoute {
	r := labRoute{Prefix: in.Prefix, NextHop: in.NextHop, Path: bgp.Path(in.ASPath).String(), Origin: oursOrigins[in.Origin], MED: in.MED,
		LocalPref: in.LocalPref, AtomicAggregate: in.AtomicAggregate, Best: in.Best, Stale: in.Stale}
	if r.LocalPref == nil {
		r.LocalPref = number(labDefaultPreference)
	}
	r.Originator, r.Clusters = in.OriginatorID, strings.Join(spelled(in.ClusterList), " ")
	r.Communities = spelled(in.Communities)
	r.ExtCommunities = spelled(in.ExtCommunities)
	r.LargeCommunities = spelled(in.LargeCommunities)
	for i, c := range in.Communities {
		r.Communities[i] = fmt.Sprintf("%d:%d", uint32(c)>>16, uint16(c)) // also those that have names
	}
	for i, c := range r.ExtCommunities {
		r.ExtCommunities[i] = strings.Replace(c, ":0.", ":", 1) // a short AS number in four octets: the daemons do not tell
	}
	r.NextHopLocal = in.NextHopLinkLocal
	for _, u := range in.Unknown {
		r.Unknown = append(r.Unknown, fmt.Sprintf("%d:%s", u.Type, u.Value))
	}
	if g := in.Aggregator; g != nil {
		r.Aggregator = fmt.Sprintf("%s %s", g.AS, g.Address)
	}
	r.From, _ = netip.ParseAddr(in.From) // neighbours are named by their addresses; of our own routes there is none
	return r
}

// spelled is a list of communities as they print.
func spelled[T fmt.Stringer](list []T) []string {
	var out []string
	for _, v := range list {
		out = append(out, v.String())
	}
	return out
}

// session reads a neighbour's state. An unknown neighbour is an error.
func (o *ours) session(peer netip.Addr) (labSession, error) {
	a, err := o.do("show neighbors")
	if err != nil {
		return labSession{}, err
	}
	i := slices.IndexFunc(a.Neighbors, func(n speaker.Standing) bool { return n.Address == peer })
	if i < 0 {
		return labSession{}, fmt.Errorf("our speaker has no neighbour %s", peer)
	}
	n := a.Neighbors[i]
	raw, err := json.MarshalIndent(n, "", "  ")
	if err != nil {
		return labSession{}, err
	}
	s := labSession{State: n.State, Accepted: n.Prefixes, Raw: string(raw)}
	if s.State == bgpEstablished {
		s.Hold, s.Keepalive = time.Duration(n.HoldTime), time.Duration(n.Keepalive)
	}
	s.Ours, s.Theirs = o.offers(peer), slices.Clone(n.Offers)
	slices.Sort(s.Theirs)
	s.Sent, s.Got = oursNotice(n.LastSent), oursNotice(n.LastReceived)
	s.Restart.Helping = n.Stale > 0 && n.State != bgpEstablished
	if g := n.Capabilities.GracefulRestart; g != nil {
		s.Restart.Time, s.Restart.Restarting, s.Restart.Notice = time.Duration(g.Time)*time.Second, g.Restarting, g.Notification
		s.Restart.Preserved = spelled(g.Forwarding)
	}
	s.Restart.EndOfRIBGot = o.endsOfRIB(peer)
	return s, nil
}

// offers are the capabilities that our speaker must offer by its file; it does not tell them itself.
func (o *ours) offers(peer netip.Addr) []string {
	i := slices.IndexFunc(o.config.Neighbors, func(n speaker.Neighbor) bool { return n.Address == peer })
	if i < 0 {
		return nil
	}
	n := o.config.Neighbors[i]
	missing := func(offered *bool) bool { return offered != nil && !*offered }
	var list []string
	for _, f := range n.Families {
		list = append(list, "multiprotocol "+f.String())
	}
	for _, x := range []struct {
		has  bool
		name string
	}{
		{!n.TwoOctetAS, capAS4}, {!missing(n.RouteRefresh), capRefresh},
		{!missing(n.RouteRefresh) && !missing(n.EnhancedRefresh), capEnhancedRefresh}, {n.GracefulRestart != nil, capRestart},
	} {
		if x.has {
			list = append(list, x.name)
		}
	}
	slices.Sort(list)
	return list
}

func oursNotice(n *speaker.Notification) *labNotice {
	if n == nil {
		return nil
	}
	return &labNotice{Code: n.Code, Subcode: n.Subcode, Message: n.Text}
}

// endsOfRIB are the families of which a neighbour has sent its End-of-RIB since its session came up.
func (o *ours) endsOfRIB(peer netip.Addr) []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	var families []string
	for _, e := range o.events[o.since:] {
		switch {
		case e.Neighbor != peer.String():
		case e.Kind == speaker.StateChanged && e.To == bgpEstablished:
			families = nil
		case e.Kind == speaker.EndOfRIB:
			families = append(families, e.Family)
		}
	}
	slices.Sort(families)
	return slices.Compact(families)
}

// bfd reads how the path to a neighbour stands.
func (o *ours) bfd(peer netip.Addr) (labBFD, error) {
	n, err := o.standing(peer)
	if err != nil {
		return labBFD{}, err
	}
	if n.BFD == nil {
		return labBFD{}, fmt.Errorf("our speaker has no BFD session with %s", peer)
	}
	state := strings.ToLower(n.BFD.State)
	if state == "admindown" {
		state = "admin down"
	}
	return labBFD{State: state, Interval: time.Duration(n.BFD.Interval), Detect: time.Duration(n.BFD.DetectionTime), Diagnostic: n.BFD.Diagnostic,
		Raw: fmt.Sprintf("%+v", *n.BFD)}, nil
}
