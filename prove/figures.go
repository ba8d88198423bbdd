package prove

import (
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"onramp/azure"
	"onramp/design"
	"onramp/network"
)

// Figures are what the proof measured on its way: no verdicts, but what patterns differ in.
type Figures struct {
	// WorstShareMbps is the least that a line of business is left with when all others take as much as they can get: an equal
	// part of the tightest thing that its flows cross while nothing has failed. Zero when no flow crosses anything.
	WorstShareMbps float64 `json:"worstShareMbps"`
	// BlastRadius is the largest part of the needed flows that one single failure stops, from 0 to 1; BlastScenario which.
	BlastRadius   float64 `json:"blastRadius"`
	BlastScenario string  `json:"blastScenario"`
	// Headroom is what is left of the published limit that is nearest, from 0 to 1; HeadroomOf names it.
	Headroom   float64 `json:"headroom"`
	HeadroomOf string  `json:"headroomOf"`
	// Limits has, of each kind of published limit, the one of which the least is left; Room is what can still be added.
	Limits []Limit `json:"limits"`
	Room   Room    `json:"room"`
	// LatencyMs is the longest round trip of a needed flow between a site and Microsoft while nothing has failed.
	LatencyMs float64 `json:"latencyMs"`
	// Availability is that of the worst line of business, in percent of time, by the lower bound; null while it is unknown because the
	// figures under AvailabilityLacks, keys of the intent, are not stated.
	Availability      *float64 `json:"availability"`
	AvailabilityLacks []string `json:"availabilityLacks"`
	// Busiest is the largest load of any capacity in any scenario that must be survived, as a part of the capacity.
	Busiest   float64 `json:"busiest"`
	BusiestOf string  `json:"busiestOf"`
	// LinesOfBusiness has the figures of each.
	LinesOfBusiness []LineFigures `json:"linesOfBusiness"`
}

// LineFigures are the figures of one line of business.
type LineFigures struct {
	LineOfBusiness string  `json:"lineOfBusiness"`
	WorstShareMbps float64 `json:"worstShareMbps"`
	LatencyMs      float64 `json:"latencyMs"`
	// WorstLatencyMs is the longest round trip in any state that must be survived.
	WorstLatencyMs float64  `json:"worstLatencyMs"`
	Circuits       []string `json:"circuits"`
	// Availability is null while it is unknown, and where nothing is needed.
	Availability *LineAvailability `json:"availability"`
}

// tally gathers figures.
type tally struct {
	meant    []bool // by pair: somebody needs it, or it works when nothing has failed
	share    map[string]float64
	rtt      map[string]float64 // while nothing has failed
	worstRTT map[string]float64
	radius   float64
	worst    string
	busiest  float64
	busiestX string
}

func newTally(e *estate) *tally {
	return &tally{meant: make([]bool, 0, len(e.pairs)), share: map[string]float64{}, rtt: map[string]float64{}, worstRTT: map[string]float64{}}
}

// use notes a load.
func (t *tally) use(now network.Scenario, l load) {
	if l.mbps > 0 {
		t.busier(round(l.total/float64(l.mbps), 4), func() string { return capacityName(l.capacity) + " " + l.direction + ", " + now.ID })
	}
	if now.Kind != network.Healthy {
		return
	}
	for _, x := range l.by {
		if x.share <= 0 {
			continue
		}
		mbps := float64(l.mbps) / float64(len(l.by)) / x.share
		if old, ok := t.share[x.lob.Name]; !ok || mbps < old {
			t.share[x.lob.Name] = mbps
		}
	}
}

// busier notes how full something is; of the equally full the first by name stays, whatever the order in which they come.
func (t *tally) busier(full float64, name func() string) {
	if full == 0 || full < t.busiest {
		return
	}
	if s := name(); full > t.busiest || s < t.busiestX {
		t.busiest, t.busiestX = full, s
	}
}

// capacityName is the name of a capacity without its kind.
func capacityName(s string) string {
	if _, name, ok := strings.Cut(s, ":"); ok {
		return name
	}
	return s
}

// blast notes how much a scenario stops, and returns it.
func (t *tally) blast(sc network.Scenario, lost, considered int) float64 {
	if considered == 0 || sc.Kind == network.Healthy {
		return 0
	}
	r := float64(lost) / float64(considered)
	if r > t.radius {
		t.radius, t.worst = r, sc.ID
	}
	return round(r, 4)
}

// latency notes a round trip.
func (t *tally) latency(lob string, ms float64, healthy bool) {
	if healthy {
		t.rtt[lob] = max(t.rtt[lob], ms)
	}
	t.worstRTT[lob] = max(t.worstRTT[lob], ms)
}

// figures puts the tally together.
func (p *prover) figures() Figures {
	t := p.tally
	f := Figures{BlastRadius: round(t.radius, 4), BlastScenario: t.worst, Busiest: t.busiest, BusiestOf: t.busiestX, AvailabilityLacks: p.lacks, LinesOfBusiness: []LineFigures{}}
	x := azure.NewIndex(p.design.Resources)
	l := p.ledger(x)
	f.Headroom, f.HeadroomOf = l.headroom()
	f.Limits, f.Room = l.nearest(), p.room(x, l)
	first := true
	for _, l := range p.lobs {
		f.LatencyMs = max(f.LatencyMs, round(t.rtt[l.Name], 2))
		x := LineFigures{LineOfBusiness: l.Name, WorstShareMbps: round(t.share[l.Name], 2), LatencyMs: round(t.rtt[l.Name], 2), WorstLatencyMs: round(t.worstRTT[l.Name], 2), Circuits: sortedKeys(l.circuit), Availability: l.available}
		if l.available != nil && (f.Availability == nil || l.available.Lower < *f.Availability) {
			f.Availability = &l.available.Lower
		}
		f.LinesOfBusiness = append(f.LinesOfBusiness, x)
		if share, ok := t.share[l.Name]; ok && (first || share < f.WorstShareMbps) {
			f.WorstShareMbps, first = round(share, 2), false
		}
	}
	return f
}

// announced counts, by circuit key, the IPv4 prefixes that the premises' policies let out to the circuit's private peering.
func (p *prover) announced() map[string]int {
	most := map[string]int{}
	count := func(rs []design.Router) {
		for i := range rs {
			for j := range rs[i].Sessions {
				s := &rs[i].Sessions[j]
				if s.Peering != "AzurePrivatePeering" || s.Export == nil || !s.PeerAddress.Is4() {
					continue
				}
				n := 0
				for k := range s.Export.Terms {
					n += len(s.Export.Terms[k].Match.Prefixes)
				}
				c := s.Circuit.Key()
				most[c] = max(most[c], n)
			}
		}
	}
	for i := range p.design.Premises.Sites {
		count(p.design.Premises.Sites[i].Routers)
	}
	count(p.design.Premises.ProviderEdges)
	return most
}

// circuitMbps is a circuit's bandwidth, a provider's or a Direct one.
func circuitMbps(c *azure.ExpressRouteCircuit) int {
	if sp := c.Properties.ServiceProviderProperties; sp != nil {
		return sp.BandwidthInMbps
	}
	if g := c.Properties.BandwidthInGbps; g != nil {
		return int(math.Round(*g * 1000))
	}
	return 0
}

// round keeps so many decimals, so that figures read well and do not depend on the order of sums.
func round(v float64, decimals int) float64 {
	f := math.Pow(10, float64(decimals))
	return math.Round(v*f) / f
}

// floor cuts off after so many decimals.
func floor(v float64, decimals int) float64 {
	f := math.Pow(10, float64(decimals))
	return math.Floor(v*f+1e-6) / f
}

// plainNumber is a number without needless zeros.
func plainNumber(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// ceil is the next whole number.
func ceil(v float64) float64 { return math.Ceil(v - 1e-9) }

func sortedKeys[V any](m map[string]V) []string {
	out := slices.Collect(maps.Keys(m))
	slices.Sort(out)
	if out == nil {
		out = []string{}
	}
	return out
}

// list joins words for a sentence: "a, b and c".
func list(words []string) string {
	if n := len(words) - 1; n > 0 {
		return strings.Join(words[:n], ", ") + " and " + words[n]
	}
	return strings.Join(words, "")
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// keyName is the last part of a resource's key: its name in lower case.
func keyName(key string) string { return key[strings.LastIndexByte(key, '/')+1:] }
