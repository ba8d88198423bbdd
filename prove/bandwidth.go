package prove

import (
	"fmt"
	"slices"
	"strings"

	"onramp/intent"
	"onramp/network"
)

// crossing is one capacity in one direction; capacities are full duplex.
type crossing struct{ capacity, direction string }

// Directions of a crossing; a backbone link's are named by its ends.
const (
	toMicrosoft   = "to Microsoft"
	fromMicrosoft = "from Microsoft"
)

// depth orders kinds of nodes from the premises inwards.
func depth(kind string) int {
	return slices.Index([]string{"core", "ce", "pe", "msee", "gateway", "firewall", "vnet", "service"}, kind)
}

// crossings adds the share of a path to each capacity that it uses, once for each time that it does.
func crossings(p *network.Path, into map[crossing]float64) {
	for i := range p.Hops {
		h := &p.Hops[i]
		if h.Capacity == "" {
			continue
		}
		from, to := h, h
		if i+1 < len(p.Hops) {
			to = &p.Hops[i+1]
		} else if i > 0 {
			from = &p.Hops[i-1]
		}
		k := crossing{h.Capacity, toMicrosoft}
		switch d := depth(to.Kind) - depth(from.Kind); {
		case d < 0:
			k.direction = fromMicrosoft
		case d == 0:
			k.direction = from.Node + " to " + to.Node
		}
		into[k] += p.Share
	}
}

// load is what everybody puts on one crossing.
type load struct {
	crossing
	mbps     intent.Mbps
	total    float64
	by       []part // in the order of the lines of business
	example  *network.Path
	exampleX pair
	from     *estate // whose example it is
}

// part is one line of business's contribution.
type part struct {
	lob   *lob
	mbps  float64
	share float64 // of what it sends at once, the part that crosses here
	at    pair    // from where to where it is sent
}

// loads checks that no capacity has to carry more than it can when every line of business sends all that it needs, each from
// whichever of its sites and to whichever of its networks is worst for that capacity.
func (p *prover) loads(w *sweep) {
	loads := p.worstLoads(w)
	if p.apart {
		p.notes = append(p.notes, p.moved(loads))
		return
	}
	for _, l := range loads {
		p.judge(l)
	}
}

// moved keeps the loads that are not those of the healthy state; what was loaded there and is not now is a load of nothing.
func (p *prover) moved(loads []load) []load {
	if p.healthyNow() {
		return loads
	}
	var out []load
	was := p.notes[0]
	for _, l := range loads {
		for len(was) > 0 && compareLoads(was[0], l) < 0 {
			out = append(out, load{crossing: was[0].crossing, mbps: was[0].mbps})
			was = was[1:]
		}
		if len(was) > 0 && was[0].crossing == l.crossing {
			same := slices.EqualFunc(was[0].by, l.by, func(a, b part) bool { return a.lob == b.lob && a.share == b.share })
			was = was[1:]
			if same {
				continue
			}
		}
		out = append(out, l)
	}
	for _, l := range was {
		out = append(out, load{crossing: l.crossing, mbps: l.mbps})
	}
	return out
}

// judge fails bandwidth for those who must survive the present scenario and put something on a capacity that cannot carry it.
func (p *prover) judge(l load) {
	p.tally.use(p.now, l)
	if l.total <= float64(l.mbps)+1e-9 {
		return
	}
	for _, x := range l.by {
		if !survives(&x.lob.Needs, p.now.Kind) || !p.healthyNow() && p.failedHealthy(row{Bandwidth, x.lob.Name, "bandwidth"}) {
			continue
		}
		p.fail(row{Bandwidth, x.lob.Name, p.needNow("bandwidth")}, func() *Counterexample { return p.tellLoad(l) })
	}
}

// worstLoads computes the load of every crossing, in order of names.
func (p *prover) worstLoads(w *sweep) []load {
	at := map[crossing]*load{}
	for _, l := range p.lobs {
		need := float64(l.Needs.Bandwidth)
		worst := map[crossing]float64{}
		example := map[crossing]*network.Path{}
		where := map[crossing]pair{}
		for _, i := range l.flows {
			f := &p.needed[i]
			if !w.both(f.a, f.b) {
				continue
			}
			for _, end := range [2][2]int{{f.a, f.b}, {f.b, f.a}} {
				for _, r := range p.points[end[1]].reps {
					x := pair{end[0], r}
					paths := w.paths(x)
					sum := map[crossing]float64{}
					first := map[crossing]*network.Path{}
					for j := range paths {
						if !p.arrived(paths[j], &p.points[end[1]]) {
							continue
						}
						crossings(&paths[j], sum)
						for k := range sum {
							if first[k] == nil {
								first[k] = &paths[j]
							}
						}
					}
					for k, share := range sum {
						if share > worst[k] {
							worst[k], example[k], where[k] = share, first[k], x
						}
					}
				}
			}
			if need > 0 && survives(&l.Needs, p.now.Kind) {
				p.open(row{Bandwidth, l.Name, "bandwidth"}).Checked++
			}
		}
		for k, share := range worst {
			x := at[k]
			if x == nil {
				x = &load{crossing: k, mbps: p.capacities[k.capacity].Mbps}
				at[k] = x
			}
			x.by = append(x.by, part{l, need * share, share, where[k]})
			if mbps := need * share; mbps > 0 {
				x.total += mbps
				if x.example == nil {
					x.example, x.exampleX, x.from = example[k], where[k], p.estate
				}
			}
		}
	}
	var out []load
	for _, x := range at {
		if p.capacities[x.capacity].Name == "" {
			continue // not known as a capacity: nothing limits it
		}
		out = append(out, *x)
	}
	slices.SortFunc(out, compareLoads)
	return out
}

// tellLoad writes the counterexample of an overloaded capacity.
func (p *prover) tellLoad(l load) *Counterexample {
	var who []string
	for _, x := range l.by {
		if x.mbps > 0 {
			who = append(who, x.lob.Name+" "+mbpsWords(x.mbps))
		}
	}
	ce := &Counterexample{Flow: capacityWords(p.capacities[l.capacity]) + " " + l.direction,
		Reason: fmt.Sprintf("it carries %s and has to carry %s: %s", mbpsWords(float64(l.mbps)), mbpsWords(l.total), strings.Join(who, ", ")),
		Mend:   p.mendLoad(l)}
	if l.example != nil {
		ce.Flow += ", as in " + l.from.flowWords(l.exampleX.src, l.exampleX.rep)
		ce.Hops = l.example.Hops
	}
	return ce
}

// mendLoad names the size that would do.
func (p *prover) mendLoad(l load) string {
	size := mbpsWords(ceil(l.total))
	switch p.capacities[l.capacity].Kind {
	case "attachment":
		return "order " + size + " or more on the access, or move a circuit to another access"
	case "circuit-connection":
		if sold := p.soldSize(l.total); sold > 0 {
			size = mbpsWords(float64(sold))
		}
		return "order the circuit with " + size
	case "gateway":
		return "use a gateway SKU for " + size + " or more"
	case "backbone":
		return "widen the backbone link to " + size + " or more, or give the site an access of its own"
	}
	return "provide " + size
}

// capacityWords names a capacity for people.
func capacityWords(c network.Capacity) string {
	_, name, ok := strings.Cut(c.Name, ":")
	if !ok {
		name = c.Name
	}
	switch c.Kind {
	case "attachment":
		return "attachment " + name
	case "circuit-connection":
		return "connection " + name + " of the circuit"
	case "gateway":
		return "gateway " + name
	case "backbone":
		return "backbone link " + strings.TrimPrefix(name, "backbone/")
	}
	return c.Name
}

func mbpsWords(v float64) string {
	if v == float64(int64(v)) {
		return intent.Mbps(int64(v)).String()
	}
	return fmt.Sprintf("%.1f Mbps", v)
}
