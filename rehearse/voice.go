package rehearse

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"onramp/design"
	"onramp/network"
	"onramp/sim"
)

// Saturation drills: what users feel when some rate on their way is exceeded. Each lasts five virtual seconds, in which all rates and what is
// offered are divided by one factor, so that the least of them is 10 Mbps; packets keep their sizes.

const (
	saturationTime = 5 * time.Second
	saturationMbps = 10.0
	warmUp         = time.Second // what comes before is not counted in a throughput: queues fill
	overload       = 1.5         // what is offered, of what gets through
	quietTime      = 30 * time.Second
	quietMost      = time.Hour
)

// way is how packets of one flow get from one end to another, with the rates that they pass.
type way struct {
	from, to network.Endpoint
	mbps     float64 // the least of the rates; infinite without one
	limit    string  // its kind
	rates    map[string]float64
}

// endName is an endpoint's name for people.
func endName(e network.Endpoint) string {
	switch e.Kind {
	case network.VM:
		return e.VNet.Name() + "/" + e.Subnet
	case network.Service:
		return e.Service
	}
	if e.Public {
		return e.Site + " (public)"
	}
	return e.Site
}

// waysOut are the ways from each site to one subnet of each line of business and, by Microsoft peering, to one service, and the ways back,
// as far as all packets get through in the healthy state. Which of several equal paths a flow takes the simulator knows; what limits it there
// the network's trace.
func waysOut(n *network.Network, seed uint64) ([]way, error) {
	st := n.Converge(network.Scenario{ID: string(network.Healthy), Kind: network.Healthy})
	limits := map[string]network.RateLimit{}
	for _, l := range n.RateLimits() {
		limits[l.Name] = l
	}
	var out []way
	var paths [][]network.Path
	seen := map[[2]string]bool{}
	for _, a := range n.Endpoints() {
		for _, b := range n.Endpoints() {
			group := [2]string{endName(a), b.LineOfBusiness}
			if a.Kind != network.SiteHost || b.Kind == network.SiteHost || !a.Addr.Is4() || !b.Addr.Is4() || (b.Kind == network.Service) != a.Public || seen[group] {
				continue
			}
			there, back := st.Trace(network.Flow{Src: a, Dst: b}), st.Trace(network.Flow{Src: b, Dst: a, Reply: true})
			if allDelivered(there) && allDelivered(back) {
				seen[group] = true
				out = append(out, way{from: a, to: b}, way{from: b, to: a})
				paths = append(paths, there, back)
			}
		}
	}
	s, err := newStage(n, seed, sim.Limits{})
	if err != nil {
		return nil, err
	}
	specs := make([]sim.FlowSpec, len(out))
	for i, w := range out {
		specs[i] = w.flow(sim.Voice)
	}
	taken, err := s.play(100*time.Millisecond, specs...)
	if err != nil {
		return nil, err
	}
	for i := range out {
		out[i].pass(paths[i], taken[i].Way, limits)
	}
	return out, nil
}

func allDelivered(paths []network.Path) bool {
	return len(paths) > 0 && !slices.ContainsFunc(paths, func(p network.Path) bool { return p.Fate != network.Delivered })
}

// flow is one on the way: always with the same ports, so that it takes the same of several equal paths.
func (w *way) flow(kind sim.FlowKind) sim.FlowSpec {
	return sim.FlowSpec{Name: endName(w.from) + " to " + endName(w.to), Kind: kind, Src: w.from, Dst: w.to, Sport: callPort, Dport: callPort}
}

const callPort = 16384 // of RTP, as many telephones have it

// pass takes the rates on the path that was taken into account.
func (w *way) pass(paths []network.Path, taken []string, limits map[string]network.RateLimit) {
	w.mbps, w.rates = math.Inf(1), map[string]float64{}
	for _, p := range paths {
		if !slices.EqualFunc(p.Hops, taken, func(h network.Hop, name string) bool { return h.Node == name }) {
			continue
		}
		for _, h := range p.Hops {
			l, ok := limits[h.Capacity]
			if !ok {
				continue
			}
			if r, known := w.rates[l.Kind]; !known || l.Mbps < r {
				w.rates[l.Kind] = l.Mbps
			}
			if l.Mbps < w.mbps {
				w.mbps, w.limit = l.Mbps, l.Kind
			}
		}
	}
}

// stage is a running estate whose rates are divided by one factor.
type stage struct{ *sim.Sim }

func newStage(n *network.Network, seed uint64, l sim.Limits) (stage, error) {
	return setStage(n, sim.Options{Seed: seed}, l)
}

func setStage(n *network.Network, o sim.Options, l sim.Limits) (stage, error) {
	s, err := sim.New(n, o)
	if err != nil {
		return stage{}, err
	}
	if err := s.Limit(l); err != nil {
		return stage{}, err
	}
	s.Start()
	s.Converge(quietTime, quietMost)
	return stage{s}, nil
}

// theatre sets stages; with a recording each is a section of it.
type theatre struct {
	net       *network.Network
	seed      uint64
	recording *Recording
}

// stage sets one, and returns what to call when the play is over.
func (t theatre) stage(l sim.Limits) (s stage, end func(), err error) {
	o := sim.Options{Seed: t.seed}
	end = func() {}
	if t.recording != nil {
		end = t.recording.section(t.net, &o)
	}
	s, err = setStage(t.net, o, l)
	return s, end, err
}

// play sends flows at the same time and waits until what is on its way has arrived.
func (s stage) play(lasts time.Duration, specs ...sim.FlowSpec) ([]sim.Measured, error) {
	var flows []*sim.Flow
	for _, x := range specs {
		f, err := s.NewFlow(x)
		if err != nil {
			return nil, err
		}
		flows = append(flows, f)
	}
	for _, f := range flows {
		f.Start(s.Now() + lasts)
	}
	s.Run(s.Now() + lasts + time.Second)
	var out []sim.Measured
	for _, f := range flows {
		out = append(out, f.Measured())
	}
	return out, nil
}

// Call is how a telephone call fares.
type Call struct {
	LostPercent float64 `json:"lostPercent"`
	// OneWayMs is the median, P95Ms what 95 of 100 packets stay below; JitterMs is RFC 3550's estimate.
	OneWayMs float64 `json:"oneWayMs"`
	P95Ms    float64 `json:"p95Ms"`
	JitterMs float64 `json:"jitterMs"`
	// R and MOS are the E-model's (ITU-T G.107; G.711, Ie 0 and Bpl 4.3 of ITU-T G.113).
	R   float64 `json:"r"`
	MOS float64 `json:"mos"`
}

func callOf(m *sim.Measured) Call {
	c := m.Call()
	return Call{LostPercent: rounded(100*max(0, m.Lost), 2), OneWayMs: thousandths(m.Median), P95Ms: thousandths(m.P95), JitterMs: thousandths(m.Jitter), R: rounded(c.R, 1), MOS: rounded(c.MOS, 2)}
}

func thousandths(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func rounded(x float64, digits int) float64 {
	p := math.Pow10(digits)
	return math.Round(x*p) / p
}

// SaturatedCall is one direction of a call, while 1.5 times the least rate on its way is offered beside it.
type SaturatedCall struct {
	From           string  `json:"from"`
	To             string  `json:"to"`
	LineOfBusiness string  `json:"lineOfBusiness,omitempty"`
	Peering        string  `json:"peering" enum:"private,microsoft"`
	Saturated      string  `json:"saturated"` // the kind of what is: attachment, backbone, circuit-connection, gateway
	Mbps           float64 `json:"mbps"`      // its rate
	Factor         float64 `json:"factor"`    // by which rates were divided
	// FirstCome is with queues that serve in the order of arrival, Classes with classes in the premises' and the provider's queues. An MSEE
	// honours the marks on Microsoft peering in both.
	FirstCome Call `json:"firstCome"`
	Classes   Call `json:"classes"`
}

// Voice rates a call on every way out of the premises and back, with the way saturated, without and with classes.
func Voice(n *network.Network, seed uint64) ([]SaturatedCall, error) {
	return theatre{net: n, seed: seed}.voice()
}

func (t theatre) voice() ([]SaturatedCall, error) {
	ways, err := waysOut(t.net, t.seed)
	if err != nil {
		return nil, err
	}
	var out []SaturatedCall
	err = inStages(ways, func(mbps float64, list []way) error {
		factor := mbps / saturationMbps
		var calls [2][]Call
		for i, classes := range []bool{false, true} {
			s, end, err := t.stage(sim.Limits{Factor: factor, Classes: classes})
			if err == nil {
				calls[i], err = s.calls(mbps, list)
			}
			end()
			if err != nil {
				return err
			}
		}
		for i, w := range list {
			out = append(out, SaturatedCall{From: endName(w.from), To: endName(w.to), LineOfBusiness: w.lineOfBusiness(), Peering: w.peering(), Saturated: w.limit, Mbps: mbps,
				Factor: factor, FirstCome: calls[0][i], Classes: calls[1][i]})
		}
		return nil
	})
	slices.SortStableFunc(out, func(a, b SaturatedCall) int {
		return cmp.Or(cmp.Compare(a.LineOfBusiness, b.LineOfBusiness), cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To))
	})
	return out, err
}

// calls are made one after another, each with its way saturated.
func (s stage) calls(mbps float64, list []way) ([]Call, error) {
	var out []Call
	for _, w := range list {
		load := w.flow(sim.Constant)
		load.Mbps = overload * mbps
		m, err := s.play(saturationTime, w.flow(sim.Voice), load)
		if err != nil {
			return nil, err
		}
		out = append(out, callOf(&m[0]))
		s.Converge(quietTime, quietMost) // sessions that did not survive come back
	}
	return out, nil
}

func (w *way) lineOfBusiness() string { return cmp.Or(w.from.LineOfBusiness, w.to.LineOfBusiness) }

func (w *way) peering() string {
	if w.to.Kind == network.Service || w.from.Kind == network.Service {
		return "microsoft"
	}
	return "private"
}

// inStages takes the ways with a limit together that can be drilled with the same factor, the slowest first.
func inStages(list []way, do func(mbps float64, list []way) error) error {
	groups := map[float64][]way{}
	for _, w := range list {
		if !math.IsInf(w.mbps, 1) {
			groups[w.mbps] = append(groups[w.mbps], w)
		}
	}
	rates := make([]float64, 0, len(groups))
	for r := range groups {
		rates = append(rates, r)
	}
	slices.Sort(rates)
	for _, r := range rates {
		if err := do(r, groups[r]); err != nil {
			return fmt.Errorf("ways of %g Mbps: %w", r, err)
		}
	}
	return nil
}

// SaturationAssumptions are those on which Voice and ProviderBandwidth rest beside the network's own.
func SaturationAssumptions() []design.Assumption {
	return slices.DeleteFunc(network.TrafficAssumptions(), ofInternet)
}
