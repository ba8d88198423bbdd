package bgp

import (
	"cmp"
	"fmt"
	"math"
	"net/netip"
	"slices"
)

// PeerType is how a route came to a router.
type PeerType uint8

// The ways a route can come. Confederations are not modelled.
const (
	Local PeerType = iota // originated by the router itself
	EBGP                  // from a peer in another AS
	IBGP                  // from a peer in the same AS
)

var peerTypes = [...]string{Local: "local", EBGP: "ebgp", IBGP: "ibgp"}

// String gives local, ebgp or ibgp.
func (t PeerType) String() string {
	if int(t) < len(peerTypes) {
		return peerTypes[t]
	}
	return fmt.Sprintf("PeerType(%d)", uint8(t))
}

// MarshalText gives String.
func (t PeerType) MarshalText() ([]byte, error) {
	if int(t) >= len(peerTypes) {
		return nil, fmt.Errorf("peer type %d does not exist: want local, ebgp or ibgp", uint8(t))
	}
	return []byte(peerTypes[t]), nil
}

// UnmarshalText reads what MarshalText gives.
func (t *PeerType) UnmarshalText(text []byte) error {
	i := slices.Index(peerTypes[:], string(text))
	if i < 0 {
		return fmt.Errorf("peer type %q: want local, ebgp or ibgp", text)
	}
	*t = PeerType(i)
	return nil
}

// Peer is what the decision process knows of the other end of a session.
type Peer struct {
	Type     PeerType
	AS       ASN
	RouterID netip.Addr // the BGP Identifier; the zero Addr, which sorts first, where it is not known
	Addr     netip.Addr
}

// Route is one route to one prefix.
type Route struct {
	Prefix netip.Prefix
	Attrs  *Attrs
	Peer   Peer
}

// Candidate is one route to a prefix that the decision process may choose. Its next hop is reachable and its path free of
// loops: RFC 4271 section 9.1.2 excludes the others before, and so does the caller (see ImportLoop).
type Candidate struct {
	Attrs *Attrs // not nil
	From  PeerType
	// NeighborAS is the AS of an eBGP peer. For other routes the first AS of the path counts, as RFC 4271 section
	// 9.1.2.2 (c) defines neighborAS.
	NeighborAS ASN
	RouterID   netip.Addr
	PeerAddr   netip.Addr
	// IGPCost is the cost of reaching the next hop.
	IGPCost uint32
	// Age is the order of arrival: the lower, the older.
	Age uint64
	// Session is the caller's own number, different for each candidate of a prefix.
	Session int32
}

// Config selects what a router's configuration selects. The zero Config is RFC 4271 with one path.
type Config struct {
	CompareMEDAlways bool // also between neighbouring ASes
	MissingMEDWorst  bool // a missing MED counts as the highest; as the lowest (0) otherwise, as RFC 4271 says
	UseWeight        bool // vendor step: highest weight first
	PreferOldest     bool // vendor step before the router ID: the oldest of the eBGP routes
	IgnoreIGPCost    bool // skip 9.1.2.2 (e)
	// Multipath is how many equal routes are used; 0 and 1 mean one.
	Multipath int
	// MultipathRelax also uses routes whose AS path is as long as the best's but not the same.
	MultipathRelax bool
	// MultipathEBGPOnly uses more than one route only if they were learned by eBGP.
	MultipathEBGPOnly bool
}

// few is how many candidates are decided without allocation.
const few = 16

// Best returns the index of the route that RFC 4271 section 9.1 selects, and the step that decided between it and the
// rival that held out longest. It returns -1 and StepNone if there are no candidates. The order of the candidates does
// not matter. This is the prover's hot path: BenchmarkBest16 guards it, and it does not allocate for 16 candidates.
func Best(cs []Candidate, cfg Config) (best int, step Step) {
	switch len(cs) {
	case 0:
		return -1, StepNone
	case 1:
		return 0, StepOnly
	}
	var buf [few]int32
	tied, last := contenders(cs, &cfg, buf[:0])
	return first(cs, &cfg, tied, last)
}

// contenders is narrow in one pass: up to the origin all routes are compared by the same ranks, so that the lowest by all of them is
// what eliminating step by step leaves, and the step at which a route differs from it is the one at which it is eliminated.
func contenders(cs []Candidate, cfg *Config, buf []int32) (tied []int32, last Step) {
	best, tied := &cs[0], append(buf, 0)
	for i := 1; i < len(cs); i++ {
		order, step := compareRanks(&cs[i], best, cfg)
		switch {
		case order == 0:
			tied = append(tied, int32(i)) //nolint:gosec // there are not so many
		case order < 0:
			best, tied, last = &cs[i], append(tied[:0], int32(i)), step //nolint:gosec // there are not so many
		default:
			last = max(last, step)
		}
	}
	if len(tied) == 1 {
		return tied, last
	}
	tied, later := narrowFrom(StepMED, cs, cfg, tied, nil)
	return tied, max(last, later)
}

// compareRanks orders two routes by the steps before the MED, and says which step told them apart.
func compareRanks(a, b *Candidate, cfg *Config) (int, Step) {
	x, y := a.Attrs, b.Attrs
	if cfg.UseWeight && x.Weight != y.Weight {
		return cmp.Compare(y.Weight, x.Weight), StepWeight
	}
	if p, q := x.EffectiveLocalPref(), y.EffectiveLocalPref(); p != q {
		return cmp.Compare(q, p), StepLocalPref
	}
	if l, m := a.From != Local, b.From != Local; l != m {
		if m {
			return -1, StepLocalOrigin
		}
		return 1, StepLocalOrigin
	}
	if len(x.Path) != len(y.Path) {
		return cmp.Compare(len(x.Path), len(y.Path)), StepPathLength
	}
	return cmp.Compare(x.Origin, y.Origin), StepOrigin
}

// first breaks the tie: it returns the best of the routes that tie after the step last, and the deciding step.
func first(cs []Candidate, cfg *Config, tied []int32, last Step) (best int, step Step) {
	best, step = int(tied[0]), last
	for _, i := range tied[1:] {
		if order, _ := tieBreak(&cs[i], &cs[best], cfg); order < 0 {
			best = int(i)
		}
	}
	for _, i := range tied {
		if int(i) != best {
			_, s := tieBreak(&cs[best], &cs[i], cfg)
			step = max(step, s)
		}
	}
	return best, step
}

// Multipath appends to dst the index of the best route and then, up to Config.Multipath in all, those that tie with it up
// to and including the IGP cost, in the order of the remaining steps. The step is that of Best. Unless MultipathRelax is
// set, only routes with the best's own AS path are equal to it.
func Multipath(cs []Candidate, cfg Config, dst []int) (paths []int, step Step) {
	if len(cs) == 0 {
		return dst, StepNone
	}
	if len(cs) == 1 {
		return append(dst, 0), StepOnly
	}
	var buf [few]int32
	tied, last := contenders(cs, &cfg, buf[:0])
	best, step := first(cs, &cfg, tied, last)
	if cfg.Multipath <= 1 || len(tied) == 1 || cfg.MultipathEBGPOnly && cs[best].From != EBGP {
		return append(dst, best), step
	}
	slices.SortFunc(tied, func(i, j int32) int {
		order, _ := tieBreak(&cs[i], &cs[j], &cfg)
		if order == 0 {
			return cmp.Compare(i, j)
		}
		return order
	})
	left := cfg.Multipath
	for _, i := range tied {
		if left == 0 {
			break
		}
		if int(i) != best && !cfg.MultipathRelax && !slices.Equal(cs[i].Attrs.Path, cs[best].Attrs.Path) {
			continue
		}
		dst = append(dst, int(i))
		left--
	}
	return dst, step
}

// Loss says at which step a candidate lost.
type Loss struct {
	Index int
	Step  Step
}

// Explain returns, for every candidate but the best and by index, the step at which it lost. Routes that Multipath uses
// beside the best are among them: they lost at a step after the IGP cost.
func Explain(cs []Candidate, cfg Config) []Loss {
	if len(cs) < 2 {
		return nil
	}
	lost := make([]Step, len(cs))
	tied, last := narrow(cs, &cfg, all(nil, len(cs)), lost)
	best, _ := first(cs, &cfg, tied, last)
	for _, i := range tied {
		if int(i) != best {
			_, lost[i] = tieBreak(&cs[best], &cs[i], &cfg)
		}
	}
	out := make([]Loss, 0, len(cs)-1)
	for i, s := range lost {
		if i != best {
			out = append(out, Loss{Index: i, Step: s})
		}
	}
	return out
}

// all appends the indices below n.
func all(dst []int32, n int) []int32 {
	for i := range n {
		dst = append(dst, int32(i))
	}
	return dst
}

// narrow takes the steps up to and including the IGP cost, those that eliminate by comparing with all others. It returns
// the routes that tie, in index order, and the last step that removed one. If lost is not nil, it is told who lost where.
func narrow(cs []Candidate, cfg *Config, alive []int32, lost []Step) (tied []int32, last Step) {
	return narrowFrom(StepWeight, cs, cfg, alive, lost)
}

// narrowFrom begins with a later step.
func narrowFrom(from Step, cs []Candidate, cfg *Config, alive []int32, lost []Step) (tied []int32, last Step) {
	for s := from; s <= StepIGPCost && len(alive) > 1; s++ {
		var kept []int32
		switch {
		case s == StepWeight && !cfg.UseWeight, s == StepIGPCost && cfg.IgnoreIGPCost:
			continue
		case s == StepMED:
			kept = keepMED(cs, cfg, alive, lost)
		default:
			kept = keepLowest(cs, s, alive, lost)
		}
		if len(kept) < len(alive) {
			last = s
		}
		alive = kept
	}
	return alive, last
}

// keepLowest keeps the routes of the lowest rank at a step.
func keepLowest(cs []Candidate, s Step, alive []int32, lost []Step) []int32 {
	lowest := uint32(math.MaxUint32)
	for _, i := range alive {
		lowest = min(lowest, rank(&cs[i], s))
	}
	kept := alive[:0]
	for _, i := range alive {
		if rank(&cs[i], s) == lowest {
			kept = append(kept, i)
		} else if lost != nil {
			lost[i] = s
		}
	}
	return kept
}

// rank is a route's standing at a step where all are compared with all: the lower, the better.
func rank(c *Candidate, s Step) uint32 {
	switch s {
	case StepWeight:
		return ^c.Attrs.Weight
	case StepLocalPref:
		return ^c.Attrs.EffectiveLocalPref()
	case StepLocalOrigin:
		return penalty(c.From != Local)
	case StepPathLength:
		return uint32(len(c.Attrs.Path))
	case StepOrigin:
		return uint32(c.Attrs.Origin)
	case StepEBGP:
		return penalty(c.From == IBGP)
	case StepIGPCost:
		return c.IGPCost
	}
	return 0
}

func penalty(b bool) uint32 {
	if b {
		return 1
	}
	return 0
}

// keepMED removes each route that has a higher MED than another from the same neighbouring AS (RFC 4271 section
// 9.1.2.2 (c)). The lowest of each AS always stays, so it does not matter that the ones removed before are gone.
func keepMED(cs []Candidate, cfg *Config, alive []int32, lost []Step) []int32 {
	kept := alive[:0]
	if len(alive) > few {
		return keepMEDOfMany(cs, cfg, alive, lost)
	}
	for _, i := range alive {
		c, beaten := &cs[i], false
		for _, j := range alive { // overwritten in front by kept, which holds the lowest seen so far
			o := &cs[j]
			if (cfg.CompareMEDAlways || neighborAS(o) == neighborAS(c)) && med(o, cfg) < med(c, cfg) {
				beaten = true
				break
			}
		}
		if !beaten {
			kept = append(kept, i)
		} else if lost != nil {
			lost[i] = StepMED
		}
	}
	return kept
}

// keepMEDOfMany is keepMED for so many routes that comparing all with all would take long.
func keepMEDOfMany(cs []Candidate, cfg *Config, alive []int32, lost []Step) []int32 {
	lowest := make(map[ASN]uint32, len(alive))
	group := func(c *Candidate) ASN {
		if cfg.CompareMEDAlways {
			return 0
		}
		return neighborAS(c)
	}
	for _, i := range alive {
		as, v := group(&cs[i]), med(&cs[i], cfg)
		if low, ok := lowest[as]; !ok || v < low {
			lowest[as] = v
		}
	}
	kept := alive[:0]
	for _, i := range alive {
		if med(&cs[i], cfg) == lowest[group(&cs[i])] {
			kept = append(kept, i)
		} else if lost != nil {
			lost[i] = StepMED
		}
	}
	return kept
}

// neighborAS is the function of that name in RFC 4271 section 9.1.2.2 (c); 0 stands for the local AS.
func neighborAS(c *Candidate) ASN {
	if c.From == EBGP && c.NeighborAS != 0 {
		return c.NeighborAS
	}
	return c.Attrs.Path.First()
}

func med(c *Candidate, cfg *Config) uint32 {
	switch {
	case c.Attrs.HasMED:
		return c.Attrs.MED
	case cfg.MissingMEDWorst:
		return math.MaxUint32
	}
	return 0
}

// tieBreak orders two routes that tie up to the IGP cost by the remaining steps, and says which step told them apart.
// After step (d) either all routes are eBGP's or none is, so comparing pairs is the same as eliminating step by step.
func tieBreak(a, b *Candidate, cfg *Config) (int, Step) {
	if cfg.PreferOldest && a.From == EBGP && b.From == EBGP && a.Age != b.Age {
		return cmp.Compare(a.Age, b.Age), StepOldest
	}
	if c := originator(a).Compare(originator(b)); c != 0 {
		return c, StepRouterID
	}
	if x, y := len(a.Attrs.ClusterList), len(b.Attrs.ClusterList); x != y {
		return cmp.Compare(x, y), StepClusterList
	}
	if c := a.PeerAddr.Compare(b.PeerAddr); c != 0 {
		return c, StepPeerAddr
	}
	return cmp.Compare(a.Session, b.Session), StepSession
}

// originator is the BGP Identifier that step (f) compares: a reflected route's ORIGINATOR_ID takes the place of the
// peer's (RFC 4456 section 9).
func originator(c *Candidate) netip.Addr {
	if c.Attrs.OriginatorID.IsValid() {
		return c.Attrs.OriginatorID
	}
	return c.RouterID
}
