package prove

import (
	"fmt"
	"slices"
	"strings"

	"onramp/azure"
	"onramp/design"
	"onramp/network"
)

// reach looks at every needed flow under one scenario: whether it works, whether both directions go the same way, how long
// it takes, and for voice whether it stays on ExpressRoute.
func (p *prover) reach(w *sweep) {
	sc := p.now
	considered := 0
	lost := 0
	for i := range p.needed {
		f := &p.needed[i]
		if !w.both(f.a, f.b) {
			continue
		}
		considered++
		src, dst, bad := w.blocked(f.a, f.b)
		works := bad == nil
		if p.healthyNow() {
			f.healthy = works
		}
		if f.healthy && !works {
			lost++
			p.loses(f)
		}
		if f.lob == nil || p.bare {
			continue
		}
		required := survives(&f.lob.Needs, sc.Kind)
		if required && (p.healthyNow() || f.healthy) {
			r := row{Reach, f.lob.Name, p.needNow(f.need)}
			p.open(r).Checked++
			if !works {
				p.fail(r, func() *Counterexample {
					return p.tell(pair{src, dst}, bad, bad.Reason, p.mendReach(bad, pair{src, dst}))
				})
			}
		}
		if !works {
			continue
		}
		for _, end := range [2][2]int{{f.a, f.b}, {f.b, f.a}} {
			for _, r := range p.points[end[1]].reps {
				for _, path := range w.paths(pair{end[0], r}) {
					for _, c := range circuitsOf(path) {
						if f.need == "services" {
							f.lob.services[c] = true
						} else {
							f.lob.circuit[c] = true
						}
					}
				}
			}
		}
		if required && f.need != "services" {
			p.symmetric(w, f)
		}
		p.delayed(w, f, required)
		if required && f.lob.Needs.Voice && p.points[f.b].Kind == network.Service && p.points[f.b].Service == voiceService {
			p.voice(w, f)
		}
	}
	for _, l := range p.lobs {
		if !p.bare && survives(&l.Needs, sc.Kind) && l.Needs.Voice {
			p.voiceLost(w, l)
		}
	}
	p.blasts = append(p.blasts, blast{lost, considered})
	p.verdict.BlastRadius = p.tally.blast(sc, lost, considered)
}

// loses notes a flow that works when nothing has failed and does not now.
func (p *prover) loses(f *flow) {
	s := p.lostName(f)
	if !slices.Contains(p.verdict.Lost, s) {
		p.verdict.Lost = append(p.verdict.Lost, s)
	}
}

// symmetric fails symmetry where the two directions of a flow pass different firewalls, or could use different circuits: a
// stateful node that sees only one direction drops it (expressroute-asymmetric-routing.md). Flows with Microsoft's public
// services are left out: their stateful node, the address translation, stands in front of all links of a site.
func (p *prover) symmetric(w *sweep, f *flow) {
	r := row{Symmetry, f.lob.Name, p.needNow(f.need)}
	if p.healthyNow() || !p.failedHealthy(row{Symmetry, f.lob.Name, f.need}) {
		p.symmetricWay(w, f.a, f.b, f, r)
		p.symmetricWay(w, f.b, f.a, f, r)
	}
}

// failedHealthy tells whether a property fails already when nothing has failed, so that failures have no part in it.
func (p *prover) failedHealthy(r row) bool {
	x := p.rows[r]
	return x != nil && !x.Holds
}

func (p *prover) symmetricWay(w *sweep, a, b int, f *flow, r row) {
	p.open(row{Symmetry, f.lob.Name, f.need}).Checked++
	for _, there := range p.points[b].reps {
		for _, go1 := range w.paths(pair{a, there}) {
			if !p.arrived(go1, &p.points[b]) {
				continue
			}
			for _, back := range p.points[a].reps {
				for _, go2 := range w.reply(pair{b, back}) {
					if !p.arrived(go2, &p.points[a]) {
						continue
					}
					if x, y := firewalls(go1), firewalls(go2); x != y {
						p.fail(r, func() *Counterexample {
							return p.tellBoth(pair{a, there}, &go1, &go2, fmt.Sprintf("the flow passes %s and its answer %s", or(x, "no firewall"), or(y, "no firewall")),
								"add the user-defined route that is missing in one direction, so that both pass the same firewall")
						})
						return
					}
					if x, y := circuitsOf(go1), circuitsOf(go2); !slices.Equal(x, y) {
						p.fail(r, func() *Counterexample {
							return p.tellBoth(pair{a, there}, &go1, &go2, fmt.Sprintf("the flow can go by %s and its answer by %s; a stateful node that sees one direction only drops it", list(x), list(y)),
								"prefer the same circuit on both sides: a higher connection weight in Azure and a higher local preference on the premises")
						})
						return
					}
				}
			}
		}
	}
}

// delayed takes the round trip of a flow: the slowest way there and the slowest way back.
func (p *prover) delayed(w *sweep, f *flow, required bool) {
	if p.points[f.a].Kind != network.SiteHost && p.points[f.b].Kind != network.SiteHost {
		return
	}
	rtt := 0.0
	var slow [2]*network.Path
	for d, end := range [2][2]int{{f.a, f.b}, {f.b, f.a}} {
		worst := -1.0
		for _, r := range p.points[end[1]].reps {
			paths := w.paths(pair{end[0], r})
			for i := range paths {
				if t := delayOf(&paths[i]); t > worst {
					worst, slow[d] = t, &paths[i]
				}
			}
		}
		rtt += max(worst, 0)
	}
	if required {
		p.tally.latency(f.lob.Name, rtt, p.healthyNow())
	}
	limit := f.lob.Needs.Latency.Milliseconds()
	plain := row{Latency, f.lob.Name, "latency"}
	if limit == 0 || !required || !p.healthyNow() && p.failedHealthy(plain) {
		return
	}
	p.open(plain).Checked++
	if rtt > limit {
		p.fail(row{Latency, f.lob.Name, p.needNow("latency")}, func() *Counterexample {
			return p.tellBoth(pair{f.a, p.points[f.b].reps[0]}, slow[0], slow[1], fmt.Sprintf("the round trip takes %.1f ms, %.1f ms is needed", rtt, limit),
				fmt.Sprintf("use a peering location nearer to both ends or a nearer region, or allow %.0f ms", ceil(rtt)))
		})
	}
}

func delayOf(p *network.Path) float64 {
	sum := 0.0
	for i := range p.Hops {
		sum += p.Hops[i].OneWay
	}
	return sum
}

// voice checks that a site's way to the voice service stays on Microsoft peering, where the classes EF, AF41 and AF21 are
// honoured (expressroute-qos.md).
func (p *prover) voice(w *sweep, f *flow) {
	if !p.healthyNow() && p.failedHealthy(row{Voice, f.lob.Name, "voice"}) {
		return
	}
	p.open(row{Voice, f.lob.Name, "voice"}).Checked++
	for _, end := range [2][2]int{{f.a, f.b}, {f.b, f.a}} {
		for _, r := range p.points[end[1]].reps {
			paths := w.paths(pair{end[0], r})
			for i := range paths {
				if len(circuitsOf(paths[i])) == 0 {
					p.fail(row{Voice, f.lob.Name, p.needNow("voice")}, func() *Counterexample {
						return p.tell(pair{end[0], r}, &paths[i], "voice leaves ExpressRoute, and its class is honoured nowhere else", "lead "+voiceService+" over Microsoft peering")
					})
				}
			}
		}
	}
}

// voiceLost fails voice for a line of business one of whose sites has no way to the voice service.
func (p *prover) voiceLost(w *sweep, l *lob) {
	plain := row{Voice, l.Name, "voice"}
	if !p.healthyNow() && p.failedHealthy(plain) {
		return
	}
	for _, s := range l.sites {
		ok, any := false, false
		var bad *network.Path
		var at pair
		for _, i := range l.flows {
			f := &p.needed[i]
			if p.points[f.b].Service != voiceService || p.points[f.a].Site != s || !w.both(f.a, f.b) {
				continue
			}
			any = true
			src, dst, path := w.blocked(f.a, f.b)
			if path == nil {
				ok = true
			} else {
				bad, at = path, pair{src, dst}
			}
		}
		switch {
		case ok:
		case any:
			p.fail(row{Voice, l.Name, p.needNow("voice")}, func() *Counterexample { return p.tell(at, bad, bad.Reason, p.mendReach(bad, at)) })
		case p.healthyNow():
			p.fail(plain, func() *Counterexample {
				return &Counterexample{Flow: s + " to " + voiceService, Reason: "no Microsoft peering carries 12076:5030, the routes of Skype for Business and Teams, for site " + s,
					Mend: "ask for microsoft365 and give " + s + " publicPrefixes"}
			})
		}
	}
}

// dedicated checks that nobody else is on the circuits of a line of business that wants its own. By which circuit a site's traffic
// to Microsoft's public services goes cannot depend on the line of business: it comes from the site's one public prefix. There it
// is enough that a circuit of its own is among those in use.
func (p *prover) dedicated() {
	p.now = network.Scenario{ID: string(network.Healthy), Kind: network.Healthy}
	p.verdict = ScenarioVerdict{}
	for _, l := range p.lobs {
		if !l.Needs.Dedicated {
			continue
		}
		r := row{Dedicated, l.Name, "dedicated"}
		if len(l.circuit) == 0 && len(l.flows) > 0 && !p.ownAmong(l) {
			p.fail(r, func() *Counterexample {
				return &Counterexample{Reason: "none of its flows uses a circuit", Mend: "connect its networks to a circuit of its own"}
			})
		}
		for _, c := range sortedKeys(l.circuit) {
			p.open(r).Checked++
			others := p.alsoOn(c, l)
			if len(others) == 0 {
				continue
			}
			p.fail(r, func() *Counterexample {
				return &Counterexample{Flow: l.Name + " on circuit " + c, Reason: "circuit " + c + " carries " + list(others) + " too", Mend: "give " + l.Name + " a circuit of its own (a pattern isolated or isolated-hub-spoke)"}
			})
		}
	}
	p.alsoHealthy()
}

// alsoHealthy adds what has failed since the last scenario to the verdict of the healthy state.
func (p *prover) alsoHealthy() {
	if len(p.out) == 0 {
		return
	}
	h := &p.out[0]
	h.Fails = append(h.Fails, p.verdict.Fails...)
	slices.Sort(h.Fails)
	if len(h.Fails) > 0 {
		h.Verdict = Fails
	}
}

// ownAmong tells whether one of the circuits by which a line of business reaches public services is tagged as its own.
func (e *estate) ownAmong(l *lob) bool {
	for _, c := range azure.Of[*azure.ExpressRouteCircuit](e.design.Resources) {
		if l.services[c.Name] && c.Tags[design.TagLineOfBusiness] == l.Name {
			return true
		}
	}
	return false
}

// alsoOn names the other lines of business on a circuit: those whose flows cross it and those whose gateways are
// connected to it.
func (e *estate) alsoOn(circuit string, l *lob) []string {
	var out []string
	for _, o := range e.lobs {
		if o == l {
			continue
		}
		on := o.circuit[circuit]
		for k, who := range e.attached {
			if strings.EqualFold(keyName(k), circuit) && who[o.Name] {
				on = true
			}
		}
		if on {
			out = append(out, o.Name)
		}
	}
	return out
}
