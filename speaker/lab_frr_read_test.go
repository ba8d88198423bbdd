//go:build linux

package speaker_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// frrPath is a path in FRR's "show bgp ... json detail".
type frrPath struct {
	ASPath            struct{ String string }
	Origin            string
	Metric            *uint32
	LocPrf            *uint32
	AggregatorAS      uint32
	AggregatorID      string
	AtomicAggregate   bool
	Stale             bool
	Bestpath          struct{ Overall bool }
	Community         struct{ String string }
	ExtendedCommunity struct{ String string }
	LargeCommunity    struct{ String string }
	OriginatorID      string
	ClusterList       struct{ List []string }
	Nexthops          []struct{ IP, Scope string }
	Peer              struct{ PeerID string }
}

func (f *frr) table(family string) ([]labRoute, error) {
	out, err := f.vtysh(fmt.Sprintf("show bgp %s unicast json detail", family))
	if err != nil {
		return nil, err
	}
	var table struct {
		DefaultLocPrf *uint32
		Routes        map[string][]json.RawMessage
	}
	if err := json.Unmarshal([]byte(out), &table); err != nil {
		return nil, fmt.Errorf("FRR's table: %w in %s", err, out)
	}
	var list []labRoute
	for _, key := range slices.Sorted(maps.Keys(table.Routes)) {
		prefix, err := netip.ParsePrefix(key)
		if err != nil {
			return nil, err
		}
		paths := table.Routes[key]
		for _, raw := range paths[min(1, len(paths)):] { // the first tells of the prefix, each of the others is a path
			var p frrPath
			if err := json.Unmarshal(raw, &p); err != nil {
				return nil, fmt.Errorf("FRR's path to %s: %w in %s", key, err, raw)
			}
			r := p.route(prefix)
			if r.LocalPref == nil {
				r.LocalPref = table.DefaultLocPrf
			}
			list = append(list, r)
		}
	}
	return list, nil
}

// frrWellKnown are the names that FRR prints instead of a standard community's two numbers.
var frrWellKnown = map[string]string{
	"no-export": "65535:65281", "no-advertise": "65535:65282", "local-AS": "65535:65283", "no-peer": "65535:65284",
	"graceful-shutdown": "65535:0", "accept-own": "65535:1", "llgr-stale": "65535:6", "no-llgr": "65535:7",
	"blackhole": "65535:666", "internet": "0:0",
}

func (p frrPath) route(prefix netip.Prefix) labRoute {
	r := labRoute{
		Prefix: prefix, Path: frrPathString(p.ASPath.String), Origin: strings.ToLower(p.Origin), MED: p.Metric,
		LocalPref: p.LocPrf, LargeCommunities: strings.Fields(p.LargeCommunity.String), AtomicAggregate: p.AtomicAggregate,
		Best: p.Bestpath.Overall, Stale: p.Stale,
	}
	for _, c := range strings.Fields(p.Community.String) {
		if known := frrWellKnown[c]; known != "" {
			c = known
		}
		r.Communities = append(r.Communities, c)
	}
	for _, c := range strings.Fields(p.ExtendedCommunity.String) {
		kind, value, _ := strings.Cut(c, ":")
		r.ExtCommunities = append(r.ExtCommunities, strings.ToLower(kind)+":"+value)
	}
	if p.AggregatorID != "" {
		r.Aggregator = fmt.Sprintf("%d %s", p.AggregatorAS, p.AggregatorID)
	}
	r.Originator, r.Clusters = specified(p.OriginatorID), strings.Join(p.ClusterList.List, " ")
	for _, hop := range p.Nexthops {
		if hop.Scope == "link-local" {
			r.NextHopLocal = specified(hop.IP)
		} else if !r.NextHop.IsValid() {
			r.NextHop = specified(hop.IP)
		}
	}
	r.From = specified(p.Peer.PeerID)
	return r
}

// frrPathString brings a path from FRR's spelling into ours.
func frrPathString(path string) string {
	if path == "Local" {
		return ""
	}
	return strings.ReplaceAll(path, ",", " ")
}

// specified is an address, or none where FRR says 0.0.0.0 or :: or words.
func specified(s string) netip.Addr {
	a, err := netip.ParseAddr(s)
	if err != nil || a.IsUnspecified() {
		return netip.Addr{}
	}
	return a
}

// received needs labPeering.KeepIn. FRR 8.4 tells no communities, no local preference and no aggregator here.
func (f *frr) received(peer netip.Addr) ([]labRoute, error) {
	return f.adjacent(peer, "received-routes", "receivedRoutes")
}

// advertised tells what is sent as it was before the last step: FRR 8.4 shows neither its own AS in the path nor itself as
// the next hop, and no communities.
func (f *frr) advertised(peer netip.Addr) ([]labRoute, error) {
	return f.adjacent(peer, "advertised-routes", "advertisedRoutes")
}

func (f *frr) adjacent(peer netip.Addr, what, key string) ([]labRoute, error) {
	out, err := f.vtysh(fmt.Sprintf("show bgp %s unicast neighbors %s %s json", familyOf(peer), peer, what))
	if err != nil {
		return nil, err
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal([]byte(out), &all); err != nil {
		return nil, fmt.Errorf("FRR's %s: %w in %s", what, err, out)
	}
	var routes map[string]struct {
		NextHop, NextHopGlobal string
		Metric                 *uint32
		LocPrf                 *uint32
		Path                   string
		BGPOriginCode          string
	}
	if raw := all[key]; raw != nil {
		if err := json.Unmarshal(raw, &routes); err != nil {
			return nil, fmt.Errorf("FRR's %s: %w in %s", what, err, raw)
		}
	}
	var list []labRoute
	for _, prefix := range slices.Sorted(maps.Keys(routes)) {
		in := routes[prefix]
		r := labRoute{Path: frrPathString(in.Path), MED: in.Metric, LocalPref: in.LocPrf, NextHop: specified(in.NextHop)}
		if in.NextHopGlobal != "" {
			r.NextHop = specified(in.NextHopGlobal)
		}
		r.Origin = map[string]string{"i": "igp", "e": "egp", "?": "incomplete"}[in.BGPOriginCode]
		if what == "received-routes" {
			r.From = peer
		}
		if r.Prefix, err = netip.ParsePrefix(prefix); err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	return list, nil
}

// frrNeighbor is a neighbour in FRR's "show bgp neighbors ... json".
type frrNeighbor struct {
	BGPState                      string
	BGPTimerHoldTimeMsecs         int
	BGPTimerKeepAliveIntervalMsec int `json:"bgpTimerKeepAliveIntervalMsecs"`
	NeighborCapabilities          map[string]json.RawMessage
	AddressFamilyInfo             map[string]struct{ AcceptedPrefixCounter int }
	GracefulRestartInfo           struct {
		EndOfRibRecv             map[string]bool
		RBit, NBit               bool
		GracefulRestartTimerMsec int `json:"gracefulRestartTimerMsecs"`
	}
}

// frrCapabilities are FRR's names of the capabilities.
var frrCapabilities = map[string]string{
	"4byteAs": capAS4, "routeRefresh": capRefresh, "enhancedRouteRefresh": capEnhancedRefresh,
	"extendedMessage": capExtendedMessage, "gracefulRestart": capRestart, "longLivedGracefulRestart": capLongLived,
	"role": capRole,
}

// session reads a neighbour's state. An unknown neighbour is an error.
func (f *frr) session(peer netip.Addr) (labSession, error) {
	out, err := f.vtysh(fmt.Sprintf("show bgp neighbors %s json", peer))
	if err != nil {
		return labSession{}, err
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal([]byte(out), &all); err != nil {
		return labSession{}, fmt.Errorf("FRR's neighbour: %w in %s", err, out)
	}
	raw := all[peer.String()]
	if raw == nil {
		return labSession{}, fmt.Errorf("FRR has no neighbour %s: %s", peer, out)
	}
	var n frrNeighbor
	if err := json.Unmarshal(raw, &n); err != nil {
		return labSession{}, fmt.Errorf("FRR's neighbour: %w in %s", err, out)
	}
	s := labSession{State: n.BGPState, Raw: out}
	if s.State == bgpEstablished {
		s.Hold = time.Duration(n.BGPTimerHoldTimeMsecs) * time.Millisecond
		s.Keepalive = time.Duration(n.BGPTimerKeepAliveIntervalMsec) * time.Millisecond
	}
	for _, family := range n.AddressFamilyInfo {
		s.Accepted += family.AcceptedPrefixCounter
	}
	s.readFRRCapabilities(n.NeighborCapabilities)
	restart := n.GracefulRestartInfo
	s.Restart.Restarting, s.Restart.Notice, s.Restart.Helping = restart.RBit, restart.NBit, restart.GracefulRestartTimerMsec > 0
	for family, got := range restart.EndOfRibRecv {
		if got {
			s.Restart.EndOfRIBGot = append(s.Restart.EndOfRIBGot, strings.ToLower(strings.TrimSuffix(family, "Unicast")))
		}
	}
	slices.Sort(s.Restart.EndOfRIBGot)
	s.Sent, s.Got, err = f.notices(peer)
	return s, err
}

// readFRRCapabilities fills in what was offered by whom. FRR says "advertised", "received" or "advertisedAndReceived", and
// for the route refresh also which of its two codes.
func (s *labSession) readFRRCapabilities(all map[string]json.RawMessage) {
	add := func(name, who string) {
		who = strings.ToLower(who)
		if strings.Contains(who, "advertised") {
			s.Ours = append(s.Ours, name)
		}
		if strings.Contains(who, "received") {
			s.Theirs = append(s.Theirs, name)
		}
	}
	// Of families and host names FRR makes objects whose keys say who offered.
	for key, raw := range all {
		text := string(raw)
		switch key {
		case "multiprotocolExtensions":
			var families map[string]map[string]bool
			_ = json.Unmarshal(raw, &families) // what is not understood shows as a missing capability
			for family, who := range families {
				name := map[string]string{"ipv4Unicast": capMultiprotocol4, "ipv6Unicast": capMultiprotocol6}[family]
				for how := range who {
					add(name, how)
				}
			}
		case "addPath":
			if strings.Contains(text, "Advertised") {
				s.Ours = append(s.Ours, capAddPath)
			}
			if strings.Contains(text, "Received") {
				s.Theirs = append(s.Theirs, capAddPath)
			}
		case "hostName":
			if strings.Contains(text, "adv") {
				s.Ours = append(s.Ours, capHostname)
			}
			if strings.Contains(text, "rcv") {
				s.Theirs = append(s.Theirs, capHostname)
			}
		case "gracefulRestartRemoteTimerMsecs":
			if ms, err := strconv.Atoi(text); err == nil {
				s.Restart.Time = time.Duration(ms) * time.Millisecond
			}
		case "addressFamiliesByPeer":
			var families map[string]map[string]bool
			_ = json.Unmarshal(raw, &families) // as above
			for family, bits := range families {
				for bit := range bits {
					if strings.Contains(strings.ToLower(bit), "preserved") {
						s.Restart.Preserved = append(s.Restart.Preserved, strings.ToLower(strings.TrimSuffix(family, "Unicast")))
					}
				}
			}
		default:
			if name := frrCapabilities[key]; name != "" {
				add(name, text)
			}
		}
	}
	slices.Sort(s.Ours)
	slices.Sort(s.Theirs)
	slices.Sort(s.Restart.Preserved)
}

// frrNotice is a line of bgpd's log. Of a Hard Reset it has the codes and the message of what is within (RFC 8538).
var frrNotice = regexp.MustCompile(`%NOTIFICATION(\(Hard Reset\))?: (sent to|received from) neighbor (\S+) (\d+)/(\d+) \([^)]*\)(?: "(.*)")?`)

// notices reads the last NOTIFICATION each way from the log: FRR's JSON tells only of those received, and not when
// something else, like BFD, ended the session too.
func (f *frr) notices(peer netip.Addr) (sent, got *labNotice, err error) {
	log, err := os.ReadFile(filepath.Join(f.node.dir, "bgpd.log"))
	if err != nil {
		return nil, nil, err
	}
	for _, m := range frrNotice.FindAllStringSubmatch(string(log), -1) {
		if m[3] != peer.String() {
			continue
		}
		code, _ := strconv.ParseUint(m[4], 10, 8) // digits, as the expression says
		subcode, _ := strconv.ParseUint(m[5], 10, 8)
		notice := &labNotice{Code: uint8(code), Subcode: uint8(subcode), Message: m[6]}
		if m[1] != "" {
			notice.Code, notice.Subcode = 6, 9
		}
		if m[2] == "sent to" {
			sent = notice
		} else {
			got = notice
		}
	}
	return sent, got, nil
}

func (f *frr) bfd(peer netip.Addr) (labBFD, error) {
	out, err := f.vtysh("show bfd peers json")
	if err != nil {
		return labBFD{}, err
	}
	var peers []struct {
		Peer, Status, Diagnostic string
		TransmitInterval         int `json:"transmit-interval"`
		ReceiveInterval          int `json:"receive-interval"`
		RemoteTransmitInterval   int `json:"remote-transmit-interval"`
		RemoteReceiveInterval    int `json:"remote-receive-interval"`
		RemoteDetectMultiplier   int `json:"remote-detect-multiplier"`
	}
	if err := json.Unmarshal([]byte(out), &peers); err != nil {
		return labBFD{}, fmt.Errorf("FRR's BFD peers: %w in %s", err, out)
	}
	for _, p := range peers {
		if p.Peer == peer.String() {
			b := labBFD{State: p.Status, Diagnostic: p.Diagnostic, Raw: out}
			b.Interval = time.Duration(max(p.TransmitInterval, p.RemoteReceiveInterval)) * time.Millisecond
			b.Detect = time.Duration(p.RemoteDetectMultiplier*max(p.ReceiveInterval, p.RemoteTransmitInterval)) * time.Millisecond
			return b, nil
		}
	}
	return labBFD{}, fmt.Errorf("FRR has no BFD session with %s: %s", peer, out)
}
