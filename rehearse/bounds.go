package rehearse

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"onramp/network"
	"onramp/sim"
)

// Bound is between what an outage must lie.
//
// Nothing tells anybody of a silent failure but timers, so until the first of them has run no route changes, and when the last of them has
// run only messages have to travel. Each end of a dead session finds out by itself, between its lower and upper time (sim.Detects); a
// gateway's instance that is gone is sent to until the platform notices (sim.Notice).
//
// LowerMs: in each direction, the least lower time of those ends that use a route to the flow's destination over their dead session: no
// other end has anything to change. It holds for a direction in which some source port's way certainly is dead; of two such directions the
// greater counts, for a packet is lost while either is. Elsewhere it is 0. Only every so many packets have a source port whose way is
// dead, so a measured outage may fall short by SamplingMs.
//
// UpperMs: the greatest upper time of those ends that hold any route to the flow's destination, used or not, over their dead session, in
// either direction: when they have dropped it, nobody can fall back to it. It is 0 for a flow whose ways were all alive, and null for one
// that is lost for good. A measured outage may exceed it by the rehearsal's AllowanceMs.
type Bound struct {
	LowerMs    float64  `json:"lowerMs"`
	UpperMs    *float64 `json:"upperMs"`
	SamplingMs float64  `json:"samplingMs"`
	// Rests names the detections that the bounds come from.
	Rests  []string `json:"rests"`
	Within bool     `json:"within"`

	lower, sampling time.Duration
	upper           time.Duration
	forGood         bool
}

// holding is a route that a router holds when nothing has failed.
type holding struct {
	prefix netip.Prefix
	from   string
	used   bool
}

// holdings are all routes of all routers.
func holdings(healthy *network.State, w *network.Wiring) map[string][]holding {
	out := map[string][]holding{}
	for i := range w.Routers {
		name := w.Routers[i].Name
		for _, row := range healthy.Table(name) {
			if row.From != "" {
				out[name] = append(out[name], holding{row.Prefix, row.From, row.Multipath})
			}
		}
	}
	return out
}

// detector is one end that has to find out.
type detector struct {
	Detection
	timer       sim.Detection
	router, far string // it drops what router has from far
}

// ruins is what a scenario leaves dead.
type ruins struct {
	elements  map[string]bool
	router    map[string]bool // by name: it is down
	session   []bool          // by index: its link or one of its routers is down
	detectors []detector
}

func (r *rehearsal) ruins(sc network.Scenario, s *sim.Sim) *ruins {
	u := &ruins{elements: map[string]bool{}, router: map[string]bool{}, session: make([]bool, len(r.wiring.Sessions))}
	if sc.Kind == network.Maintenance {
		return u
	}
	for _, e := range sc.Elements {
		u.elements[e] = true
	}
	for i := range r.wiring.Routers {
		x := &r.wiring.Routers[i]
		if u.router[x.Name] = u.anyDown(x.Elements); !u.router[x.Name] || x.Gateway == "" {
			continue
		}
		d := sim.Notice()
		for _, from := range fromOf(r.holds[x.Name]) {
			u.detectors = append(u.detectors, detector{Detection{x.Name, x.Gateway, d.By, ms(d.Lower), ms(d.Upper)}, d, x.Name, from})
		}
	}
	for i := range r.wiring.Sessions {
		x := &r.wiring.Sessions[i]
		ends := [2]string{r.wiring.Routers[x.A].Name, r.wiring.Routers[x.B].Name}
		u.session[i] = u.anyDown(x.Elements) || u.router[ends[0]] || u.router[ends[1]]
		if !u.session[i] {
			continue
		}
		for end, name := range ends {
			if u.router[name] {
				continue
			}
			d := s.Detects(i, end)
			u.detectors = append(u.detectors, detector{Detection{x.Name, name, d.By, ms(d.Lower), ms(d.Upper)}, d, name, ends[1-end]})
		}
	}
	return u
}

func fromOf(list []holding) []string {
	var out []string
	for _, h := range list {
		if !slices.Contains(out, h.from) {
			out = append(out, h.from)
		}
	}
	return out
}

func (u *ruins) anyDown(elements []string) bool {
	return slices.ContainsFunc(elements, func(id string) bool { return u.elements[id] })
}

// detections are the ends that have to find out, each once.
func (u *ruins) detections() []Detection {
	out := []Detection{}
	for _, d := range u.detectors {
		if !slices.Contains(out, d.Detection) {
			out = append(out, d.Detection)
		}
	}
	return out
}

// How a way fares.
const (
	alive = iota
	doubtful
	dead
)

// fares tells whether a way crosses what is dead. Between a gateway and an MSEE the way does not tell which instance's session it took: it is
// doubtful where some of them are dead and some are not.
func (r *rehearsal) fares(u *ruins, way []string) int {
	out := alive
	for i, name := range way {
		if u.router[name] {
			return dead
		}
		for k := range r.wiring.Firewalls {
			if f := &r.wiring.Firewalls[k]; f.Name == name && !slices.ContainsFunc(f.Instances, func(e []string) bool { return !u.anyDown(e) }) {
				return dead
			}
		}
		if i == 0 {
			continue
		}
		list := r.between[[2]string{way[i-1], name}]
		gone := 0
		for _, s := range list {
			if u.session[s] {
				gone++
			}
		}
		switch {
		case gone == 0:
		case gone == len(list):
			return dead
		default:
			out = doubtful
		}
	}
	return out
}

// between finds the sessions between two nodes of a way, in either order; a gateway's are those of all of its instances.
func between(w *network.Wiring) map[[2]string][]int {
	out := map[[2]string][]int{}
	for i := range w.Sessions {
		a, b := &w.Routers[w.Sessions[i].A], &w.Routers[w.Sessions[i].B]
		for _, x := range names(a) {
			for _, y := range names(b) {
				out[[2]string{x, y}] = append(out[[2]string{x, y}], i)
				out[[2]string{y, x}] = append(out[[2]string{y, x}], i)
			}
		}
	}
	return out
}

func names(x *network.WiredRouter) []string {
	if x.Gateway != "" {
		return []string{x.Name, x.Gateway}
	}
	return []string{x.Name}
}

// bound works out the bound of a flow's outage from the ways that its source ports took before the failure, there and back.
func (r *rehearsal) bound(u *ruins, p *pair, before [2][sim.ProbePorts][]string, forGood bool) Bound {
	b := Bound{Rests: []string{}, forGood: forGood}
	hit := false
	dst := [2]netip.Addr{p.b.Addr, p.a.Addr}
	for dir := range before {
		var ports []int
		for port, way := range before[dir] {
			switch r.fares(u, way) {
			case dead:
				hit = true
				ports = append(ports, port)
			case doubtful:
				hit = true
			}
		}
		lower, upper, rests := time.Duration(-1), time.Duration(0), ""
		for _, d := range u.detectors {
			for _, h := range r.holds[d.router] {
				if h.from != d.far || !h.prefix.Contains(dst[dir]) {
					continue
				}
				if h.used && (lower < 0 || d.timer.Lower < lower) {
					lower = d.timer.Lower
				}
				if d.timer.Upper > upper {
					upper, rests = d.timer.Upper, d.By+" of "+d.At
					if d.Session != d.At {
						rests += " on " + d.Session
					}
				}
			}
		}
		if slack := sampling(ports); len(ports) > 0 && lower-slack > b.lower-b.sampling {
			b.lower, b.sampling = lower, slack
		}
		if rests != "" && !slices.Contains(b.Rests, rests) {
			b.Rests = append(b.Rests, rests)
		}
		b.upper = max(b.upper, upper)
	}
	if !hit {
		b.lower, b.sampling, b.upper, b.Rests = 0, 0, 0, []string{}
	}
	if forGood {
		b.lower, b.sampling, b.upper, b.Rests = 0, 0, 0, []string{}
	} else {
		u := ms(b.upper)
		b.UpperMs = &u
	}
	b.LowerMs, b.SamplingMs = ms(b.lower), ms(b.sampling)
	slices.SortFunc(b.Rests, strings.Compare)
	return b
}

// sampling is by how much an outage may be measured short where only these source ports feel it: at either end until the next of them has
// its turn.
func sampling(ports []int) time.Duration {
	gap := 0
	for i, port := range ports {
		next := ports[(i+1)%len(ports)]
		if next <= port {
			next += sim.ProbePorts
		}
		gap = max(gap, next-port)
	}
	return time.Duration(2*gap) * every
}

// holdsFor tells whether an outage lies within the bound.
func (b *Bound) holdsFor(outage, allowance time.Duration) bool {
	return b.forGood || outage >= b.lower-b.sampling && outage <= b.upper+allowance
}

// travels is how long messages and probes may be on their way: the greatest round trip of a flow, four times the greatest way between two
// routers (a withdrawal and what is told in its place cross the estate, and so may their answers), and one interval of the probes.
func travels(w *network.Wiring, longest time.Duration) time.Duration {
	n := len(w.Routers)
	const far = time.Hour
	d := make([]time.Duration, n*n)
	for i := range d {
		d[i] = far
	}
	for i := range n {
		d[i*n+i] = 0
	}
	for i := range w.Sessions {
		x := &w.Sessions[i]
		for _, k := range [2]int{x.A*n + x.B, x.B*n + x.A} {
			d[k] = min(d[k], x.Delay)
		}
	}
	for k := range n {
		for i := range n {
			for j := range n {
				d[i*n+j] = min(d[i*n+j], d[i*n+k]+d[k*n+j])
			}
		}
	}
	widest := time.Duration(0)
	for _, x := range d {
		if x < far {
			widest = max(widest, x)
		}
	}
	return longest + 4*widest + every
}
