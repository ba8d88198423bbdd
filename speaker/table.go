package speaker

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"onramp/bgp"
)

// Route is a route of one of the speaker's tables, with all its attributes.
type Route struct {
	Prefix           netip.Prefix         `json:"prefix"`
	NextHop          netip.Addr           `json:"nextHop,omitzero" jsonschema_description:"Missing where it is the speaker itself."`
	NextHopLinkLocal netip.Addr           `json:"nextHopLinkLocal,omitzero"`
	ASPath           []bgp.ASN            `json:"asPath"`
	Origin           bgp.Origin           `json:"origin"`
	MED              *uint32              `json:"med,omitempty"`
	LocalPref        *uint32              `json:"localPref,omitempty"`
	Communities      []bgp.Community      `json:"communities,omitempty"`
	ExtCommunities   []bgp.ExtCommunity   `json:"extCommunities,omitempty"`
	LargeCommunities []bgp.LargeCommunity `json:"largeCommunities,omitempty"`
	AtomicAggregate  bool                 `json:"atomicAggregate,omitempty"`
	Aggregator       *Aggregator          `json:"aggregator,omitempty"`
	OriginatorID     netip.Addr           `json:"originatorId,omitzero"`
	ClusterList      []netip.Addr         `json:"clusterList,omitempty"`
	Unknown          []UnknownAttribute   `json:"unknown,omitempty"`
	Weight           uint32               `json:"weight,omitempty"`
	From             string               `json:"from,omitempty" jsonschema_description:"Name of the neighbour that it came from; missing for the speaker's own."`
	Used             bool                 `json:"used,omitempty" jsonschema_description:"It is in use."`
	Best             bool                 `json:"best,omitempty" jsonschema_description:"It is the best of those in use."`
	Why              *bgp.Step            `json:"why,omitempty" jsonschema_description:"The step of the decision process that made it the best."`
	Stale            bool                 `json:"stale,omitempty" jsonschema_description:"Kept while the neighbour restarts (RFC 4724)."`
	Accepted         bool                 `json:"accepted,omitempty" jsonschema_description:"Of a route as received: the import policy and the checks let it through."`
}

// UnknownAttribute is an optional transitive attribute that is passed on as it is.
type UnknownAttribute struct {
	Type  int    `json:"type"`
	Value string `json:"value" jsonschema_description:"Its octets in hexadecimal digits."`
}

// newRoute is a view of attributes; what they share with the core does not change.
func newRoute(p netip.Prefix, a *bgp.Attrs) Route {
	r := Route{Prefix: p, NextHop: a.NextHop, NextHopLinkLocal: a.NextHopLocal, ASPath: a.Path, Origin: a.Origin,
		Communities: a.Communities, ExtCommunities: a.ExtCommunities, LargeCommunities: a.LargeCommunities,
		OriginatorID: a.OriginatorID, ClusterList: a.ClusterList, Weight: a.Weight}
	if r.ASPath == nil {
		r.ASPath = []bgp.ASN{}
	}
	if a.HasMED {
		r.MED = &a.MED
	}
	if a.HasLocalPref {
		r.LocalPref = &a.LocalPref
	}
	if x := a.Rest; x != nil {
		r.AtomicAggregate = x.AtomicAggregate
		if x.Aggregator.IsValid() {
			r.Aggregator = &Aggregator{AS: x.AggregatorAS, Address: x.Aggregator}
		}
		for _, u := range x.Unknown {
			r.Unknown = append(r.Unknown, UnknownAttribute{int(u.Type), hex.EncodeToString([]byte(u.Value))})
		}
	}
	return r
}

// String is the route as people write it: the prefix, then each attribute that it has.
func (r *Route) String() string {
	var b strings.Builder
	b.WriteString(r.Prefix.String())
	if r.NextHop.IsValid() {
		fmt.Fprintf(&b, " nextHop %s", r.NextHop)
	}
	if r.NextHopLinkLocal.IsValid() {
		fmt.Fprintf(&b, " %s", r.NextHopLinkLocal)
	}
	fmt.Fprintf(&b, " asPath [%s] origin %s", bgp.Path(r.ASPath), r.Origin)
	if r.MED != nil {
		fmt.Fprintf(&b, " med %d", *r.MED)
	}
	if r.LocalPref != nil {
		fmt.Fprintf(&b, " localPref %d", *r.LocalPref)
	}
	list(&b, "communities", r.Communities)
	list(&b, "extCommunities", r.ExtCommunities)
	list(&b, "largeCommunities", r.LargeCommunities)
	if r.AtomicAggregate {
		b.WriteString(" atomicAggregate")
	}
	if g := r.Aggregator; g != nil {
		fmt.Fprintf(&b, " aggregator %s %s", g.AS, g.Address)
	}
	if r.OriginatorID.IsValid() {
		fmt.Fprintf(&b, " originatorId %s", r.OriginatorID)
	}
	list(&b, "clusterList", r.ClusterList)
	for _, u := range r.Unknown {
		fmt.Fprintf(&b, " attribute %d %s", u.Type, u.Value)
	}
	if r.Weight != 0 {
		fmt.Fprintf(&b, " weight %d", r.Weight)
	}
	if r.From != "" {
		b.WriteString(" from " + r.From)
	}
	for _, x := range [...]struct {
		is   bool
		word string
	}{{r.Best, "best"}, {r.Used && !r.Best, "used"}, {r.Stale, "stale"}} {
		if x.is {
			b.WriteString(" " + x.word)
		}
	}
	if r.Why != nil {
		fmt.Fprintf(&b, " (%s)", *r.Why)
	}
	return b.String()
}

func list[T fmt.Stringer](b *strings.Builder, name string, values []T) {
	for i, v := range values {
		if i == 0 {
			b.WriteString(" " + name + " ")
		} else {
			b.WriteByte(',')
		}
		b.WriteString(v.String())
	}
}

// held is a view of a route in one of the core's tables.
func (l *loop) held(h *bgp.Held) Route {
	r := newRoute(h.Prefix, h.Attrs)
	r.From, r.Used, r.Best, r.Stale, r.Accepted = l.name(h.Neighbor), h.Used, h.Best, h.Stale, h.Accepted
	if h.Best {
		r.Why = &h.Step
	}
	return r
}

// best is the route in use for a prefix, nil for none.
func (l *loop) best(p netip.Prefix) *Route {
	a, from := l.core.Best(p)
	if a == nil {
		return nil
	}
	r := newRoute(p, a)
	r.From, r.Used, r.Best = l.name(from), true, true
	return &r
}

// routes are the Loc-RIB's routes, or those to one prefix.
func (l *loop) routes(only netip.Prefix) []Route {
	out := []Route{}
	if only.IsValid() {
		for _, h := range l.core.Candidates(only) {
			out = append(out, l.candidate(&h))
		}
		return out
	}
	for _, list := range l.core.LocRIB() {
		for i := range list {
			out = append(out, l.candidate(&list[i]))
		}
	}
	return out
}

// candidate is a route of the Loc-RIB, where all are accepted.
func (l *loop) candidate(h *bgp.Held) Route {
	r := l.held(h)
	r.Accepted = false
	return r
}

// received are the routes that a neighbour announced, before the import policy.
func (l *loop) received(p *peer) []Route {
	out := []Route{}
	for h := range l.core.AdjRIBIn(p.id) {
		out = append(out, l.held(&h))
	}
	return out
}

// advertised are the routes that a neighbour was told.
func (l *loop) advertised(p *peer) []Route {
	out := []Route{}
	for prefix, a := range l.core.AdjRIBOut(p.id) {
		out = append(out, newRoute(prefix, &a))
	}
	return out
}

// Standing is how a neighbour stands.
type Standing struct {
	Name            string        `json:"name"`
	Address         netip.Addr    `json:"address"`
	LocalAddress    netip.Addr    `json:"localAddress"`
	AS              bgp.ASN       `json:"as"`
	Type            bgp.PeerType  `json:"type"`
	State           string        `json:"state" enum:"Idle|Connect|Active|OpenSent|OpenConfirm|Established"`
	Started         bool          `json:"started" jsonschema_description:"It comes up by itself; false after stop."`
	RouterID        netip.Addr    `json:"routerId,omitzero"`
	HoldTime        Duration      `json:"holdTime,omitempty" jsonschema_description:"As agreed."`
	Keepalive       Duration      `json:"keepalive,omitempty"`
	Families        []bgp.Family  `json:"families,omitempty" jsonschema_description:"As agreed."`
	Capabilities    Capabilities  `json:"capabilities" jsonschema_description:"What both offered."`
	Offers          []string      `json:"offers,omitempty" jsonschema_description:"All that the neighbour offered (RFC 5492)."`
	Prefixes        int           `json:"prefixes" jsonschema_description:"Prefixes that the neighbour announced."`
	Stale           int           `json:"stale,omitempty" jsonschema_description:"Those of them that are kept while it restarts."`
	Pending         int           `json:"pending,omitempty" jsonschema_description:"Prefixes that it is still to be told about."`
	UpdatesReceived uint64        `json:"updatesReceived"`
	UpdatesSent     uint64        `json:"updatesSent"`
	Flaps           uint64        `json:"flaps" jsonschema_description:"How often the session left Established."`
	Retries         int           `json:"retries,omitempty" jsonschema_description:"ConnectRetryCounter of RFC 4271."`
	Outbound        bool          `json:"outbound,omitempty" jsonschema_description:"The speaker opened the connection."`
	BFD             *LinkStanding `json:"bfd,omitempty" jsonschema_description:"Of the path, where it is watched."`
	LastSent        *Notification `json:"lastSent,omitempty"`
	LastReceived    *Notification `json:"lastReceived,omitempty"`
}

// LinkStanding is how the BFD session of a neighbour stands (RFC 5880).
type LinkStanding struct {
	State             string   `json:"state" enum:"AdminDown|Down|Init|Up"`
	Diagnostic        string   `json:"diagnostic,omitempty" jsonschema_description:"Why it last went down."`
	Interval          Duration `json:"interval" jsonschema_description:"Between two packets, as agreed."`
	DetectionTime     Duration `json:"detectionTime,omitempty" jsonschema_description:"After how long a silence it goes down; missing while nothing is heard."`
	NeighborAdminDown bool     `json:"neighborAdminDown,omitempty" jsonschema_description:"The neighbour does not watch the path."`
}

// Capabilities are those that a session uses.
type Capabilities struct {
	FourOctetAS     bool             `json:"fourOctetAs"`
	RouteRefresh    bool             `json:"routeRefresh"`
	EnhancedRefresh bool             `json:"enhancedRefresh"`
	GracefulRestart *NeighborRestart `json:"gracefulRestart,omitempty"`
}

// offers lists the capabilities of an OPEN, those that the core does not use by their names at IANA (Capability Codes).
func offers(c *bgp.Capabilities) []string {
	others := map[uint8]string{5: "extended next hop", 6: "extended message", 9: "role", 69: "add-path", 71: "long-lived graceful restart", 73: "hostname"}
	var list []string
	for _, f := range c.Families {
		list = append(list, "multiprotocol "+f.String())
	}
	for _, x := range [...]struct {
		has  bool
		name string
	}{{c.RouteRefresh, "route refresh"}, {c.EnhancedRefresh, "enhanced refresh"}, {c.FourOctetAS != 0, "4-octet AS"}, {c.GracefulRestart != nil, "graceful restart"}} {
		if x.has {
			list = append(list, x.name)
		}
	}
	for _, u := range c.Unknown {
		name := others[u.Code]
		if name == "" {
			name = fmt.Sprintf("capability %d", u.Code)
		}
		if !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	return list
}

// NeighborRestart is what a neighbour offers of graceful restart (RFC 4724 section 3).
type NeighborRestart struct {
	Time         int          `json:"time" jsonschema_description:"Seconds."`
	Restarting   bool         `json:"restarting"`
	Notification bool         `json:"notification" jsonschema_description:"Routes outlive a NOTIFICATION too (RFC 8538)."`
	Forwarding   []bgp.Family `json:"forwarding,omitempty" jsonschema_description:"Families whose forwarding state was kept."`
}

func (l *loop) standing(p *peer) Standing {
	s, _ := l.core.Neighbor(p.id)
	v := Standing{Name: p.cfg.Name, Address: p.cfg.Address, LocalAddress: p.local, AS: s.AS, Type: s.Type, State: s.State.String(), Started: s.Started,
		RouterID: s.RouterID, HoldTime: Duration(s.HoldTime), Keepalive: Duration(s.KeepaliveTime), Families: s.Families,
		Capabilities: Capabilities{FourOctetAS: s.FourOctetAS, RouteRefresh: s.RouteRefresh, EnhancedRefresh: s.EnhancedRefresh},
		Prefixes:     s.Received, Stale: s.Stale, Pending: s.Pending, UpdatesReceived: s.Counters.UpdatesReceived, UpdatesSent: s.Counters.UpdatesSent,
		Flaps: s.Counters.Flaps, Retries: s.ConnectRetryCounter, Outbound: s.Outbound}
	v.Offers = offers(&s.Capabilities)
	if g := s.GracefulRestart; g != nil {
		v.Capabilities.GracefulRestart = &NeighborRestart{Time: int(g.Time), Restarting: g.Restarting, Notification: g.Notification}
		for _, f := range g.Families {
			if f.Forwarding {
				v.Capabilities.GracefulRestart.Forwarding = append(v.Capabilities.GracefulRestart.Forwarding, f.Family)
			}
		}
	}
	if l.links != nil {
		v.BFD = l.links.Standing(int32(p.id))
	}
	if s.LastSent != nil {
		v.LastSent = newNotification(s.LastSent, true)
	}
	if s.LastReceived != nil {
		v.LastReceived = newNotification(s.LastReceived, false)
	}
	return v
}

// String is a line for people.
func (s *Standing) String() string {
	line := fmt.Sprintf("%s AS %s %s, %d prefixes", s.Name, s.AS, s.State, s.Prefixes)
	if s.Stale > 0 {
		line += fmt.Sprintf(", %d of them stale", s.Stale)
	}
	if s.HoldTime > 0 {
		hold, _ := s.HoldTime.MarshalText()
		line += fmt.Sprintf(", hold time %s", hold)
	}
	return line
}
