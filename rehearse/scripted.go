package rehearse

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"onramp/catalog"
	"onramp/design"
	"onramp/network"
	"onramp/prove"
	"onramp/sim"
)

// watching is how long a drill goes on after its last step where something comes and goes, so that it never is quiet.
const watching = 10 * time.Second

// RunScript drills a design whose network was built from its resources and premises as a script says, which was read for this network. It
// is drilled whole: what a script does wrong may join parts that route by themselves. An unknown drill is the only error of the user's.
func RunScript(d *design.Design, n *network.Network, c *catalog.Catalog, s *Script, o Options) (*Scripted, error) {
	var list []*ScriptDrill
	for i := range s.Drills {
		list = append(list, &s.Drills[i])
	}
	if len(o.Drills) > 0 {
		var chosen []*ScriptDrill
		for _, name := range o.Drills {
			i := slices.IndexFunc(list, func(d *ScriptDrill) bool { return d.Name == name })
			if i < 0 {
				var names []string
				for _, d := range list {
					names = append(names, d.Name)
				}
				return nil, &UnknownDrill{name, nearNames(name, names)}
			}
			chosen = append(chosen, list[i])
		}
		list = chosen
	}
	r, err := newRehearsal(d, n, c, &prove.Result{}, o)
	if err != nil {
		return nil, err
	}
	out := &Scripted{Seed: o.Seed, Agrees: true, Met: true, ProbeMs: ms(every), Flows: []Flow{}, Drills: make([]ScriptedDrill, len(list)), Assumptions: append(network.TimeAssumptions(), network.FaultAssumptions()...)}
	for i := range r.flows {
		f := &r.flows[i]
		out.Flows = append(out.Flows, Flow{f.Name, f.LineOfBusiness, f.Need, f.From, f.To})
	}
	many := max(o.Parallel, 1)
	if o.Recording != nil {
		many = 1
	}
	each(len(list), many, func(i int) { out.Drills[i] = r.perform(list[i]) }, o.Progress)
	for i := range out.Drills {
		d := &out.Drills[i]
		out.Agrees, out.Met = out.Agrees && d.Agrees, out.Met && d.Met
	}
	return out, nil
}

// play is one drill of a script under way.
type play struct {
	run
	script *ScriptDrill
	start  time.Duration
	phase  []int // of each step's fault; 0 where nothing is wrong
	// What the simulator was told.
	down, drained map[string]bool
	impaired      map[linkFault]sim.Impairment
	since         map[int]time.Duration    // when each step's fault entered its phase
	changed       map[string]time.Duration // when each session last changed
	changes       map[string][]time.Duration
	groups        []group
	now           *network.Network // in force
	calm          bool             // all was well when it was last looked at, and nothing has happened since
	calmly        []int            // steps of graceful restarts that began so
	final         span             // of the last look before
	wanted        []want           // of the last look, by pair
	result        ScriptedDrill
}

// group is what happens at one time.
type group struct {
	at      time.Duration
	actions []action
	routes  int
	routeAt time.Duration
}

// perform runs one drill of a script.
func (r *rehearsal) perform(d *ScriptDrill) ScriptedDrill {
	x := &play{run: run{rehearsal: r, sc: network.Scenario{ID: d.Name, Kind: network.Healthy}}, script: d, now: r.net, phase: make([]int, len(d.Steps)), down: map[string]bool{}, drained: map[string]bool{},
		impaired: map[linkFault]sim.Impairment{}, since: map[int]time.Duration{}, changed: map[string]time.Duration{}, changes: map[string][]time.Duration{}}
	x.result = ScriptedDrill{Name: d.Name, About: d.About, Steps: []StepDrill{}, Checks: []Check{}, Expect: []Met{}, Events: []Event{}, Flows: []ScriptedFlow{}, Disagreements: []Disagreement{}}
	for _, a := range d.actions {
		if n := len(x.groups); n == 0 || x.groups[n-1].at != a.at {
			x.groups = append(x.groups, group{at: a.at})
		}
		g := &x.groups[len(x.groups)-1]
		g.actions = append(g.actions, a)
	}
	x.perform()
	x.result.Agrees = len(x.result.Disagreements) == 0
	x.result.Met = !slices.ContainsFunc(x.result.Expect, func(m Met) bool { return !m.Met })
	return x.result
}

// perform runs the drill from a cold start to the end.
func (x *play) perform() {
	seed := x.seedOf("script " + x.script.Name)
	options := sim.Options{Seed: seed >> 32, Observe: x.observe, Graceful: x.graceful()}
	if x.recording != nil {
		defer x.recording.section(x.net, &options)()
	}
	s, err := sim.New(x.net, options)
	if err != nil {
		panic(err) // newRehearsal has tried it
	}
	x.s = s
	if x.probes, err = x.rehearsal.probes(s); err != nil {
		panic(err)
	}
	s.Start()
	if !s.Settle(mostStart) {
		x.restless("before the first step")
		return
	}
	s.Run(s.Now() + time.Duration(seed%uint64(x.keepalive))) // timers are where they are when something fails
	x.began = s.Now()
	s.Wake()
	for _, q := range x.probes {
		q.Send(every, x.began+longestScript+mostDrill+mostStart)
		q.Rest(resting)
	}
	x.start = x.began + before
	s.Run(x.start)
	x.lookAhead()
	x.hold("before the first step", span{x.began, x.start - tail/2}, x.healthy, true)
	x.calm = true
	for i := range x.groups {
		x.enter(i)
	}
	x.finish()
	x.measure()
}

// observe follows what happens in the simulator.
func (x *play) observe(h sim.Happening) {
	if h.What == "route" {
		x.routeAt, x.routes = h.At, x.routes+1
		return
	}
	if x.start == 0 { // it has only just been switched on
		return
	}
	if h.What == "session" && h.From != established && h.To != established {
		return
	}
	if h.Session != "" {
		x.changed[h.Session] = h.At
		x.changes[h.Session] = append(x.changes[h.Session], h.At)
	}
	x.result.Events = append(x.result.Events, Event{AtMs: ms(h.At - x.start), What: h.What, Node: h.Node, Session: h.Session, From: h.From, To: h.To, Why: h.Why})
}

const established = "Established" // a session's state (RFC 4271 section 8.2.2)

// lookAhead lets the probes send densely when the script looks.
func (x *play) lookAhead() {
	for i := range x.script.Expect {
		if at := x.script.Expect[i].At; at != nil {
			x.s.At(x.start+time.Duration(*at), x.s.Wake)
		}
	}
}

// enter does what happens at one time, and watches what comes of it until the next.
func (x *play) enter(i int) {
	g := &x.groups[i]
	x.routes, x.routeAt = 0, 0
	x.s.Run(x.start + g.at)
	step := StepDrill{AtMs: ms(g.at), Steps: []int{}, What: []string{}}
	for _, a := range g.actions {
		words := x.script.words(a)
		x.phase[a.step], x.since[a.step] = a.phase, x.s.Now()
		what := "step"
		if a.phase == 0 {
			what = "end"
		}
		if slices.Contains(step.What, words) { // one repair of several faults
			continue
		}
		x.result.Events = append(x.result.Events, Event{AtMs: ms(g.at), What: what, Step: a.by + 1, Why: words})
		step.Steps, step.What = append(step.Steps, a.by+1), append(step.What, words)
	}
	x.apply()
	if a := g.actions[0]; x.calm && len(g.actions) == 1 && a.phase == 1 && x.script.Steps[a.step].fault.graceful {
		x.calmly = append(x.calmly, a.step)
	}
	x.calm = false
	for _, a := range g.actions {
		if a.phase == 1 {
			x.start1(a.step)
		}
	}
	when := "after " + strings.Join(step.What, ", ") + " at " + g.at.String()
	if i+1 < len(x.groups) {
		x.rest(when, x.start+x.groups[i+1].at)
		x.s.Run(x.start + x.groups[i+1].at - 1) // what happens at that time is of the next
	} else {
		x.rest(when, -1)
	}
	g.routes, g.routeAt = x.routes, x.routeAt
	x.result.Steps = append(x.result.Steps, step)
}

// start1 does what goes on by itself, and what is over at once.
func (x *play) start1(step int) {
	f := x.script.Steps[step].fault
	for _, r := range f.restarts {
		if err := x.s.Restart(r, f.takes, true); err != nil {
			panic(err) // the name is the network's own
		}
	}
	if f.reset != "" {
		x.phase[step] = 0
		if err := x.s.Reset(f.reset); err != nil {
			panic(err)
		}
	}
}

// graceful are the sessions of routers that restart gracefully, and how long their neighbours wait for them; nil without one.
func (x *play) graceful() func(session string) time.Duration {
	waits := map[string]time.Duration{}
	for i := range x.script.Steps {
		f := x.script.Steps[i].fault
		if !f.graceful {
			continue
		}
		for k := range x.wiring.Sessions {
			w := &x.wiring.Sessions[k]
			if slices.Contains(f.restarts, x.wiring.Routers[w.A].Name) || slices.Contains(f.restarts, x.wiring.Routers[w.B].Name) {
				waits[w.Name] = max(waits[w.Name], (f.takes + keepsRoutes).Truncate(time.Second))
			}
		}
	}
	if len(waits) == 0 {
		return nil
	}
	return func(session string) time.Duration { return waits[session] }
}

// condition is what is wrong at a time.
type condition struct {
	silent, carrier []string // elements
	drained         []string
	links           map[linkFault]sim.Impairment
	cut             []string // sessions that nothing gets through, in some direction
	soft            []int    // sessions that lose, delay or come and go
	lossy, grey     map[linkFault]bool
	words           []string
}

// condition works out what the faults in their phases come to.
func (x *play) condition() condition {
	c := condition{links: map[linkFault]sim.Impairment{}, lossy: map[linkFault]bool{}, grey: map[linkFault]bool{}}
	for i, phase := range x.phase {
		if phase == 0 {
			continue
		}
		f := x.script.Steps[i].fault
		c.words = append(c.words, x.script.words(action{step: i, phase: phase, by: i}))
		if len(f.down) > 0 {
			if list := &c.silent; f.carrier {
				c.carrier = append(c.carrier, f.down[phase-1]...)
			} else {
				*list = append(*list, f.down[phase-1]...)
			}
		}
		if f.drained != "" {
			c.drained = append(c.drained, f.drained)
		}
		for _, l := range f.links {
			m := c.links[l]
			f.impair.worsen(&m)
			c.links[l] = m
		}
		for _, r := range f.grey {
			for k := range x.wiring.Sessions {
				if w := &x.wiring.Sessions[k]; w.A != r && w.B != r {
					continue
				}
				for dir := range 2 {
					l := linkFault{k, dir}
					m := c.links[l]
					m.Grey = true
					c.links[l] = m
					c.grey[l] = true
				}
			}
		}
	}
	for _, l := range sortedLinks(c.links) {
		m, name := c.links[l], x.wiring.Sessions[l.session].Name
		soft := m
		soft.Dead, soft.Grey = false, false
		if m.Dead && !slices.Contains(c.cut, name) {
			c.cut = append(c.cut, name)
		}
		if !m.Dead && soft != (sim.Impairment{}) && !slices.Contains(c.soft, l.session) {
			c.soft = append(c.soft, l.session)
		}
		c.lossy[l] = m.Loss > 0 || m.Up > 0
	}
	c.silent, c.carrier, c.drained = sorted(c.silent), sorted(c.carrier), sorted(c.drained)
	return c
}

func sorted(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}

func sortedLinks[T any](m map[linkFault]T) []linkFault {
	return slices.SortedFunc(maps.Keys(m), func(a, b linkFault) int { return cmp.Or(a.session-b.session, a.direction-b.direction) })
}

// worsen adds one thing that is wrong with a direction of a link to another.
func (f *impairing) worsen(m *sim.Impairment) {
	either := func(a, b float64) float64 { return 1 - (1-a)*(1-b) }
	m.Loss, m.Reorder, m.Duplicate = either(m.Loss, f.loss), either(m.Reorder, f.reorder), either(m.Duplicate, f.duplicate)
	m.Delay, m.Jitter, m.Late = m.Delay+f.delay, m.Jitter+f.jitter, max(m.Late, f.late)
	m.Dead = m.Dead || f.dead
	if f.up > 0 {
		m.Up, m.Down, m.Seen = f.up, f.down, f.seen
	}
}

// apply tells the simulator what has changed.
func (x *play) apply() {
	c := x.condition()
	must := func(err error) {
		if err != nil {
			panic(err) // the names are the network's own
		}
	}
	var repaired []string
	for _, e := range slices.Sorted(maps.Keys(x.down)) {
		if !slices.Contains(c.silent, e) && !slices.Contains(c.carrier, e) {
			repaired = append(repaired, e)
			delete(x.down, e)
		}
	}
	must(x.s.Repair(repaired...))
	for how, list := range [][]string{sim.Carrier: c.carrier, sim.Silent: c.silent} {
		var fails []string
		for _, e := range list {
			if !x.down[e] {
				fails = append(fails, e)
				x.down[e] = true
			}
		}
		if len(fails) > 0 {
			must(x.s.Fail(sim.How(how), fails...)) //nolint:gosec // an index
		}
	}
	for _, e := range slices.Sorted(maps.Keys(x.drained)) {
		if !slices.Contains(c.drained, e) {
			x.s.Drain(e, false)
			delete(x.drained, e)
		}
	}
	for _, e := range c.drained {
		if !x.drained[e] {
			x.s.Drain(e, true)
			x.drained[e] = true
		}
	}
	for _, l := range sortedLinks(x.impaired) {
		if _, still := c.links[l]; !still {
			must(x.s.Impair(x.wiring.Sessions[l.session].Name, l.direction, sim.Impairment{}))
		}
	}
	for _, l := range sortedLinks(c.links) {
		m := c.links[l]
		if l.direction == 1 && c.links[linkFault{l.session, 0}].Seen {
			m.Seen = false // both ends are told once
		}
		if was, ok := x.impaired[l]; !ok || was != m {
			must(x.s.Impair(x.wiring.Sessions[l.session].Name, l.direction, m))
		}
		c.links[l] = m
	}
	x.impaired = c.links
	x.become(&c)
	rest := resting
	if len(c.soft)+len(c.grey) > 0 { // what is lost now and then is counted only where much is sent
		rest = 0
	}
	for _, q := range x.probes {
		q.Rest(rest)
	}
	x.s.Wake()
}

// become makes the design the one in force. When too many prefixes are gone, the sessions that they took down are brought back
// (network.AssumeLimitReset).
func (x *play) become(c *condition) {
	n := x.script.networks[x.script.deedKey(x.phase)]
	if n == x.now {
		return
	}
	if err := x.s.Become(n); err != nil {
		panic(err) // it has been tried
	}
	x.now = n
	if len(x.s.Latched()) > 0 && len(x.proof(c.scenario(n)).Exceeded()) == 0 {
		x.reset()
	}
}

// proof is what the proof says of a scenario of the network in force.
func (x *play) proof(sc network.Scenario) *network.State {
	if x.now == x.net {
		return x.believe(sc)
	}
	return x.now.Converge(sc)
}

// scenario is what the proof is asked about.
func (c *condition) scenario(n *network.Network) network.Scenario {
	sc, err := n.Scenario(append(slices.Clone(c.silent), c.carrier...)...)
	if err != nil {
		panic(err) // the names are the network's own
	}
	sc.Drained, sc.Cut = c.drained, c.cut
	return sc
}

// rest waits until nothing more will come, at the latest until it is time for what comes next (-1: nothing does), looks, and holds what it
// sees against the proof. Where there is no time to look it does nothing.
func (x *play) rest(when string, next time.Duration) {
	c := x.condition()
	until := x.s.Now() + mostDrill
	if next >= 0 {
		until = min(until, next-window-tail)
	}
	if until <= x.s.Now() {
		return
	}
	var soft []string
	for _, i := range c.soft {
		soft = append(soft, x.wiring.Sessions[i].Name)
	}
	if !x.s.SettleBut(until-x.s.Now(), soft...) {
		if next < 0 {
			x.restless(when)
		}
		return // the next step comes before all is quiet
	}
	settled := len(soft) == 0
	if !settled && until > x.s.Now() {
		settled = x.s.Settle(min(watching, until-x.s.Now()))
	}
	if settled {
		x.result.Events = append(x.result.Events, Event{AtMs: ms(x.s.Now() - x.start), What: "quiet"})
	}
	now := x.s.Now()
	x.s.Wake()
	x.s.Run(now + window + tail)
	x.calm = settled && len(c.words) == 0
	steady := settled && !slices.ContainsFunc(c.soft, func(i int) bool { return x.changed[x.wiring.Sessions[i].Name] >= now })
	x.hold(when, looked(now), x.proof(c.scenario(x.now)), steady)
}

// looked is the span of a look: what was sent at the very moment at which all was quiet, may have been sent just before.
func looked(quiet time.Duration) span { return span{quiet + 1, quiet + 1 + window} }

// finish waits for what the script still looks at, repairs everything and sees whether the healthy estate returns.
func (x *play) finish() {
	until := x.s.Now()
	if l := x.script.Lasts; l != nil {
		until = max(until, x.start+time.Duration(*l))
	}
	for i := range x.script.Expect {
		if at := x.script.Expect[i].At; at != nil {
			until = max(until, x.start+time.Duration(*at)+window+tail)
		}
	}
	x.s.Run(until)
	x.flaps()
	x.repaired = x.s.Now()
	x.routes, x.routeAt = 0, 0
	x.result.EndedMs = ms(x.repaired - x.start)
	x.result.Events = append(x.result.Events, Event{AtMs: x.result.EndedMs, What: "repair"})
	clear(x.phase)
	x.apply()
	x.reset() // of limits that failures made routes pass, too
	ok := x.s.Settle(mostDrill)
	x.whole = x.s.Now()
	x.result.Repair.ControlMs, x.result.Repair.Routes = x.control(x.repaired)
	if !ok {
		x.restless("after everything was repaired")
		x.ended = x.whole
		return
	}
	x.look()
	x.ended = x.s.Now()
	final, wanted := x.final, x.wanted // of the look before the repair
	defer func() { x.final, x.wanted = final, wanted }()
	x.hold("after everything was repaired", looked(x.whole), x.healthy, true)
}

// reset brings sessions back that passed a limit (network.AssumeLimitReset).
func (x *play) reset() {
	if len(x.healthy.Exceeded()) > 0 {
		return // it is as it should be
	}
	for _, name := range x.s.Latched() {
		if err := x.s.Reset(name); err != nil {
			panic(err) // the name is the network's own
		}
	}
}

func (x *play) restless(when string) {
	x.disagrees(when, "", "the routers come to rest", "routes or sessions still change", "")
}

func (x *play) disagrees(when, flow, proof, seen, ended string) {
	x.result.Disagreements = append(x.result.Disagreements, Disagreement{x.script.Name, when, flow, proof, seen, ended})
}

// words say what an action is.
func (d *ScriptDrill) words(a action) string {
	f := d.Steps[a.step].fault
	switch {
	case f.verb == "roll" && a.phase == 0 && a.by == a.step:
		return "roll " + f.target + ": all run"
	case f.verb == "roll" && a.phase > 0:
		return fmt.Sprintf("roll %s: %s restarts", f.target, strings.Join(f.down[a.phase-1], ", "))
	case a.phase > 0:
		return f.verb + " " + f.target + d.Steps[a.step].options()
	case a.by != a.step:
		return "repair " + f.target
	}
	return f.verb + " " + f.target + " ends"
}

// options are a step's in words.
func (s *Step) options() string {
	var list []string
	add := func(given bool, words string) {
		if given {
			list = append(list, words)
		}
	}
	t := func(d Duration) string { return time.Duration(d).String() }
	p := func(p Share) string {
		b, _ := p.MarshalText() // it has no error
		return string(b)
	}
	add(s.How == Carrier, "how: carrier")
	add(s.Loss > 0, "loss: "+p(s.Loss))
	add(s.Delay > 0, "delay: "+t(s.Delay))
	add(s.Jitter > 0, "jitter: "+t(s.Jitter))
	add(s.Reorder > 0, "reorder: "+p(s.Reorder)+", late: "+t(s.Late))
	add(s.Duplicate > 0, "duplicate: "+p(s.Duplicate))
	add(s.Up > 0, "up: "+t(s.Up)+", down: "+t(s.Down))
	add(s.Seen, "seen: true")
	add(s.Direction != "", "direction: "+s.Direction)
	add(s.From != "", "from: "+s.From)
	add(s.Prefix.IsValid(), "prefix: "+s.Prefix.String())
	add(s.Count > 0, fmt.Sprintf("count: %d", s.Count))
	add(s.To != "", "to: "+s.To)
	add(s.Site != "", "site: "+s.Site)
	add(s.With != "", "with: "+s.With)
	add(s.Without != "", "without: "+s.Without)
	add(s.Import, "import: true")
	add(s.Graceful, "graceful: true")
	add(s.Forwards, "forwards: true")
	if len(list) == 0 {
		return ""
	}
	return " (" + strings.Join(list, ", ") + ")"
}
