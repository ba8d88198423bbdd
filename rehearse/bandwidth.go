package rehearse

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"onramp/design"
	"onramp/network"
	"onramp/prove"
	"onramp/sim"
)

// What each line of business gets while something has failed. It is measured in a simulator of its own, with the element out of service and all
// rates in their place, so that the probes of the drill are not disturbed: all lines of business send all that they need at once, first to
// Microsoft and then from it, each from where and to where it is worst for the fullest capacity. It is measured where the
// failure changes what anybody puts on any capacity: elsewhere it would be that of the healthy state once more.

// LineBandwidth is what one line of business gets in one direction.
type LineBandwidth struct {
	LineOfBusiness string `json:"lineOfBusiness"`
	Direction      string `json:"direction" enum:"to Microsoft,from Microsoft"`
	From           string `json:"from"`
	To             string `json:"to"`
	// Needed is what it sends, Expected what it gets by the capacities of the proof when what is too much is lost in equal shares, Got what
	// arrived; in Mbps, as if nothing had been scaled.
	Needed   float64 `json:"needed"`
	Expected float64 `json:"expected"`
	Got      float64 `json:"got"`
	// Limit is the capacity that is too small, empty where none is.
	Limit string `json:"limit"`
	// Factor is by what rates, and what was sent, were divided.
	Factor float64 `json:"factor"`
}

const (
	toMicrosoft   = "to Microsoft"
	fromMicrosoft = "from Microsoft"
)

// The measuring flows. After the factor the tightest capacity carries fewMbps, half an Mbps more for each line of business, and no more than
// manyMbps: the more of them share it, the more packets it takes to tell them apart. Everybody together sends no more than mostMbps.
const (
	fewMbps  = 5.0
	manyMbps = 20.0
	mostMbps = 80.0
	loadTime = 5 * time.Second
	// loadDepth is how long queues and bursts are: what is asked is whether a lasting load fits, and when a rate is divided and packets are not,
	// what is published would hold so few of them that packets of many lines of business that come together by chance are lost.
	loadDepth = 100 * time.Millisecond
	allOf     = 0.99 // what of what is needed counts as all of it
)

// bandwidthAssumptions are those on which the measured bandwidth rests; how long queues and bursts are does not matter to it.
func bandwidthAssumptions() []design.Assumption {
	return slices.DeleteFunc(network.TrafficAssumptions(), func(a design.Assumption) bool {
		return a.Name != network.AssumeControlExempt && a.Name != network.AssumeGatewayShared
	})
}

// account is what the lines of business of one part put on its capacities in a scenario, and what those of other parts do.
type account struct {
	now    []prove.Load
	others map[prove.Crossing]float64
}

// accounts makes those of the jobs in which something is to be measured; the others' are nil.
func accounts(parts []*rehearsal, list []network.Scenario, jobs []job, many int) []*account {
	if !slices.ContainsFunc(parts, func(r *rehearsal) bool { return r.loading != nil }) {
		return make([]*account, len(jobs))
	}
	now := make([][]prove.Load, len(jobs))
	each(len(jobs), many, func(i int) {
		if r := parts[jobs[i].part]; r.loading != nil {
			now[i] = r.loading.Under(r.believe(list[jobs[i].drill]))
		}
	}, nil)
	healthy := map[prove.Crossing]float64{}
	for _, r := range parts {
		add(healthy, r.loads, 1)
	}
	out := make([]*account, len(jobs))
	for i := 0; i < len(jobs); {
		end := i
		total := map[prove.Crossing]float64{} // beyond the healthy loads, in this scenario
		for ; end < len(jobs) && jobs[end].drill == jobs[i].drill; end++ {
			add(total, parts[jobs[end].part].loads, -1)
			add(total, now[end], 1)
		}
		for ; i < end; i++ {
			r := parts[jobs[i].part]
			if r.loading == nil || sameLoads(r.loads, now[i]) {
				continue
			}
			a := &account{now: now[i], others: map[prove.Crossing]float64{}}
			for k := range now[i] {
				l := &now[i][k]
				if rest := healthy[l.Crossing] + total[l.Crossing] - l.Total; rest > 1e-6 {
					a.others[l.Crossing] = rest
				}
			}
			out[i] = a
		}
	}
	return out
}

func add(to map[prove.Crossing]float64, loads []prove.Load, times float64) {
	for i := range loads {
		to[loads[i].Crossing] += times * loads[i].Total
	}
}

func sameLoads(a, b []prove.Load) bool {
	return slices.EqualFunc(a, b, func(x, y prove.Load) bool {
		return x.Crossing == y.Crossing && slices.EqualFunc(x.By, y.By, func(p, q prove.LoadPart) bool { return p.LineOfBusiness == q.LineOfBusiness && p.Mbps == q.Mbps })
	})
}

// sender is one line of business while it sends in one direction.
type sender struct {
	prove.LoadPart
	paths    []network.Path
	expected float64 // the part of what it needs that it gets, by the capacities
	limit    prove.Crossing
	ports    []int // for each path one that takes it, -1 where none was found
	flows    []*sim.Flow
	rates    []float64       // of the flows
	on       []*network.Path // the proof's path that each takes, nil for none
}

// direction is the way of a load's part: from a site it is to Microsoft.
func direction(p *prove.LoadPart) string {
	switch {
	case p.A.Kind == network.SiteHost:
		return toMicrosoft
	case p.B.Kind == network.SiteHost:
		return fromMicrosoft
	}
	return ""
}

// senders are who sends in a direction: everybody to and from where it is worst for the crossing of the greatest load for its capacity; who puts
// nothing on that, where it is worst for another.
func (a *account) senders(way string) []*sender {
	loads := slices.Clone(a.now)
	slices.SortStableFunc(loads, func(x, y prove.Load) int { return cmp.Compare(a.full(&y), a.full(&x)) })
	var out []*sender
	for i := range loads {
		for _, p := range loads[i].By {
			if direction(&p) == way && !slices.ContainsFunc(out, func(s *sender) bool { return s.LineOfBusiness == p.LineOfBusiness }) {
				out = append(out, &sender{LoadPart: p})
			}
		}
	}
	slices.SortFunc(out, func(x, y *sender) int { return strings.Compare(x.LineOfBusiness, y.LineOfBusiness) })
	return out
}

// full is a load for its capacity, what others put there included.
func (a *account) full(l *prove.Load) float64 { return (l.Total + a.others[l.Crossing]) / l.Mbps }

// offered is what senders put on each crossing.
func offered(list []*sender) map[prove.Crossing]float64 {
	out := map[prove.Crossing]float64{}
	for _, s := range list {
		for i := range s.paths {
			for _, c := range prove.CrossingsOf(&s.paths[i]) {
				out[c] += s.Need * s.paths[i].Share
			}
		}
	}
	return out
}

// expect works out what each sender gets where what is too much for a capacity is lost in equal shares.
func (a *account) expect(list []*sender, capacity map[string]float64) map[prove.Crossing]float64 {
	load := offered(list)
	for _, s := range list {
		least := 1.0
		for i := range s.paths {
			part := 1.0
			for _, c := range prove.CrossingsOf(&s.paths[i]) {
				if mbps, known := capacity[c.Capacity]; known && load[c]+a.others[c] > mbps+1e-9 {
					if r := mbps / (load[c] + a.others[c]); r < part {
						part = r
						if r < least {
							least, s.limit = r, c
						}
					}
				}
			}
			s.expected += s.paths[i].Share * part
		}
	}
	return load
}

// bandwidth measures what everybody gets in the drill's scenario.
func (x *run) bandwidth(a *account) {
	capacity := map[string]float64{}
	for _, c := range x.net.Capacities() {
		capacity[c.Name] = float64(c.Mbps)
	}
	ways := map[string][]*sender{toMicrosoft: a.senders(toMicrosoft), fromMicrosoft: a.senders(fromMicrosoft)}
	rates := map[string]float64{}
	for _, l := range x.net.RateLimits() {
		rates[l.Name] = l.Mbps
	}
	tightest := min(manyMbps, fewMbps+float64(max(len(ways[toMicrosoft]), len(ways[fromMicrosoft])))/2)
	fullest, factor, together := 0.0, 0.0, 0.0
	load := map[string]map[prove.Crossing]float64{}
	for _, way := range [...]string{toMicrosoft, fromMicrosoft} {
		total := 0.0
		for _, s := range ways[way] {
			for _, p := range x.state.Trace(network.Flow{Src: s.A, Dst: s.B}) {
				if p.Fate == network.Delivered {
					s.paths = append(s.paths, p)
				}
			}
			total += s.Need
		}
		together = max(together, total)
		load[way] = a.expect(ways[way], capacity)
		for c, mbps := range load[way] {
			if m, known := capacity[c.Capacity]; known && m > 0 {
				if f := (mbps + a.others[c]) / m; f > fullest || f == fullest && m/tightest < factor {
					fullest, factor = f, m/tightest
				}
			}
		}
	}
	if together == 0 {
		return
	}
	factor = max(factor, together/mostMbps)
	rate := func(name string, end int, mbps float64) float64 {
		left := mbps
		for way := range ways {
			for c, mine := range load[way] {
				if c.Capacity == name && a.others[c] > 0 && x.end(c) == end { // where together it is too much everybody loses the same part
					left = min(left, max(mbps-a.others[c], mbps*mine/(mine+a.others[c])))
				}
			}
		}
		return max(left, mbps/1000)
	}
	s, err := sim.New(x.net, sim.Options{Seed: x.seedOf(x.sc.ID + " bandwidth")})
	if err == nil {
		err = s.Limit(sim.Limits{Factor: factor, Classes: true, Rate: rate, Depth: loadDepth, Burst: loadDepth})
	}
	if err != nil {
		panic(err) // newRehearsal has tried it
	}
	s.Start()
	ok := s.Settle(mostStart)
	if x.sc.Kind == network.Maintenance {
		s.Drain(x.sc.Elements[0], true)
	} else if err := s.Fail(sim.Carrier, x.sc.Elements...); err != nil {
		panic(err) // the scenario is the network's own
	}
	if !ok || !s.Settle(mostDrill) {
		x.disagree("failed", "", "the routers come to rest, to measure bandwidth", "routes or sessions still change", "")
		return
	}
	for _, way := range [...]string{toMicrosoft, fromMicrosoft} {
		whole := x.send(s, ways[way])
		for _, p := range ways[way] {
			x.out.Bandwidth = append(x.out.Bandwidth, x.got(p, way, factor, whole))
		}
		x.carried(ways[way], rates, rate, factor)
	}
}

// end is the end of the links from which a crossing leaves, as sim counts them: A is the premises' side, or the first of two sites.
func (x *run) end(c prove.Crossing) int {
	switch c.Direction {
	case toMicrosoft:
		return 0
	case fromMicrosoft:
		return 1
	}
	from, _, _ := strings.Cut(c.Direction, " to ")
	for i := range x.wiring.Sessions {
		if s := &x.wiring.Sessions[i]; s.Capacity == c.Capacity && x.wiring.Routers[s.B].Name == from {
			return 1
		}
	}
	return 0
}

// Ports of the measuring flows. A path of several equal ones is found by trying ports, a round of them at a time.
const (
	loadPort  = 20000 // the first source port
	loadTo    = 5001
	portRound = 16
	mostPorts = 5 * portRound // so many are tried
)

// flow is one between a sender's ends, from a port.
func (p *sender) flow(s *sim.Sim, kind sim.FlowKind, mbps float64, port int) *sim.Flow {
	f, err := s.NewFlow(sim.FlowSpec{Name: p.LineOfBusiness, Kind: kind, Src: p.A, Dst: p.B, Mbps: mbps, Sport: uint16(loadPort + port), Dport: loadTo}) //nolint:gosec // small
	if err != nil {
		panic(err) // its ends are those of flows that were probed
	}
	return f
}

// lacks tells whether no port was found yet for one of the proof's paths.
func (p *sender) lacks() bool { return slices.Contains(p.ports, -1) }

// find looks for a port for each of the proof's paths of each sender.
func (x *run) find(s *sim.Sim, list []*sender) {
	for _, p := range list {
		p.ports = slices.Repeat([]int{-1}, len(p.paths))
	}
	for first := 0; first < mostPorts && slices.ContainsFunc(list, (*sender).lacks); first += portRound {
		pilots := make([][]*sim.Flow, len(list))
		for i, p := range list {
			for k := 0; k < portRound && p.lacks(); k++ {
				f := p.flow(s, sim.Voice, 0, first+k)
				f.Start(s.Now() + 20*time.Millisecond) // one packet
				pilots[i] = append(pilots[i], f)
			}
		}
		s.Run(s.Now() + tail)
		for i, p := range list {
			for k, f := range pilots[i] {
				m := f.Measured()
				at := slices.IndexFunc(p.paths, func(y network.Path) bool {
					return slices.EqualFunc(y.Hops, m.Way, func(h network.Hop, name string) bool { return h.Node == name })
				})
				if at >= 0 && p.ports[at] < 0 {
					p.ports[at] = first + k
				}
			}
		}
	}
}

// send lets everybody send in one direction, split over the paths as the proof splits it. It tells whether that could be done: of very many
// equal paths some may not be found.
func (x *run) send(s *sim.Sim, list []*sender) (whole bool) {
	whole = true
	x.find(s, list)
	for _, p := range list {
		found := 0.0
		for i, port := range p.ports {
			if port >= 0 {
				found += p.paths[i].Share
			}
		}
		if found == 0 { // nothing goes as proved: any port will do, and what arrives will tell
			p.flows, p.rates, p.on = []*sim.Flow{p.flow(s, sim.Constant, p.Need, 0)}, []float64{p.Need}, []*network.Path{nil}
			continue
		}
		whole = whole && !p.lacks()
		for i, port := range p.ports {
			if port >= 0 {
				rate := p.Need * p.paths[i].Share / found
				p.flows, p.rates, p.on = append(p.flows, p.flow(s, sim.Constant, rate, port)), append(p.rates, rate), append(p.on, &p.paths[i])
			}
		}
	}
	until := s.Now() + loadTime
	for _, p := range list {
		for _, f := range p.flows {
			f.Start(until)
		}
	}
	s.Run(until + tail)
	return whole
}

// got adds up what arrived of a sender's flows, and says so where that is not what the proof says; where not everybody could send as the
// proof has it, nobody is held against it.
func (x *run) got(p *sender, way string, factor float64, whole bool) LineBandwidth {
	out := LineBandwidth{LineOfBusiness: p.LineOfBusiness, Direction: way, From: p.From, To: p.To, Needed: rounded(p.Need, 3), Expected: rounded(p.Need*p.expected, 3), Factor: rounded(factor, 6)}
	if p.limit.Capacity != "" {
		out.Limit = p.limit.Capacity + " " + p.limit.Direction
	}
	got := 0.0
	for i, f := range p.flows {
		if m := f.Measured(); m.Sent > 0 {
			got += p.rates[i] * float64(m.Received) / float64(m.Sent)
		}
	}
	out.Got = rounded(got, 3)
	if whole && out.Limit == "" && out.Got < allOf*out.Needed {
		x.disagree("failed", bandwidthOf(&out), fmt.Sprintf("by the proof every capacity on its way carries its load, and it gets the %g Mbps that it needs", out.Needed),
			fmt.Sprintf("it got %g Mbps", out.Got), "")
	}
	return out
}

func bandwidthOf(b *LineBandwidth) string {
	return fmt.Sprintf("bandwidth of %s %s (%s to %s)", b.LineOfBusiness, b.Direction, b.From, b.To)
}

// carried says so where more got through a capacity than it carries.
func (x *run) carried(list []*sender, rates map[string]float64, left func(name string, end int, mbps float64) float64, factor float64) {
	got := map[prove.Crossing]float64{}
	for _, p := range list {
		for i, f := range p.flows {
			m := f.Measured()
			if p.on[i] == nil || m.Sent == 0 {
				continue
			}
			for _, c := range prove.CrossingsOf(p.on[i]) {
				got[c] += p.rates[i] * float64(m.Received) / float64(m.Sent)
			}
		}
	}
	for _, c := range sortedCrossings(got) {
		mbps, known := rates[c.Capacity]
		if !known {
			continue
		}
		if mbps = left(c.Capacity, x.end(c), mbps); got[c] > mbps*most(mbps/factor) {
			x.disagree("failed", c.Capacity+" "+c.Direction, fmt.Sprintf("it carries %g Mbps", rounded(mbps, 3)), fmt.Sprintf("%g Mbps got through", rounded(got[c], 3)), "")
		}
	}
}

// most is how much more than its rate (in Mbps after the factor) a capacity can pass in the time that is measured: a queue and a burst that
// were empty before, and a hundredth.
func most(mbps float64) float64 {
	const packets = 12 * 1518 * 8 / 1e6 // Mbit, of the shortest queue and burst
	return 1.01 + max(2*loadDepth.Seconds(), packets/mbps)/loadTime.Seconds()
}

func sortedCrossings(m map[prove.Crossing]float64) []prove.Crossing {
	out := make([]prove.Crossing, 0, len(m))
	for c := range m {
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b prove.Crossing) int {
		return cmp.Or(strings.Compare(a.Capacity, b.Capacity), strings.Compare(a.Direction, b.Direction))
	})
	return out
}
