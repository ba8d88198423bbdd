package rehearse

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"onramp/network"
	"onramp/sim"
)

// want is what is expected of the flows with one probe's ends at a check.
type want struct {
	fated
	expected string // their fate, or Impaired
}

// hold holds what was seen in a span, in which nothing changed, against the proof's state. Where it was not steady, because some session
// comes and goes, routes come and go with it anywhere, and it does so for those flows alone that cross no session.
//
// What the proof knows nothing of changes no table while nobody detects it: what loses packets of users only (grey), and what loses, delays
// or interrupts too little for BFD and the hold time. The flows that cross it may lose packets, all of them where every way crosses a
// router that is grey; they take the proof's ways all the same. All other flows are as the proof says.
func (x *play) hold(when string, sp span, st *network.State, steady bool) {
	c := x.condition()
	check := Check{AtMs: ms(max(sp.from-x.start, 0)), When: when, Wrong: or2(c.words), Down: sorted(append([]string{}, append(c.silent, c.carrier...)...)), Drained: or2(c.drained), Cut: or2(c.cut), Held: true}
	switch {
	case x.staysDown(st) != "":
		check.Held, check.Why = false, x.staysDown(st)+" passed a prefix limit before, and stays down until it is reset"
		x.result.Checks = append(x.result.Checks, check)
		x.final, x.wanted = sp, nil
		return
	case !steady:
		var names []string
		for _, i := range c.soft {
			names = append(names, x.wiring.Sessions[i].Name)
		}
		check.Held, check.Why = false, strings.Join(sorted(names), ", ")+" may come and go"
	default:
		list := x.s.Differs(st)
		for i, d := range list {
			if i == mostTables {
				x.disagrees(when, "", "the tables are the proof's", fmt.Sprintf("%d routes differ in all", len(list)), "")
				break
			}
			x.disagrees(when, "", "table of "+d.Router+": "+d.Proof, d.Seen, "")
		}
	}
	x.result.Checks = append(x.result.Checks, check)
	x.final, x.wanted = sp, make([]want, len(x.pairs))
	for i := range x.pairs {
		p := &x.pairs[i]
		w := fateOf(traced(st, p.a, p.b))
		harm := max(x.harm(&c, w.there), x.harm(&c, w.back))
		x.wanted[i] = want{w, w.fate}
		if harm > unharmed && w.fate != None {
			x.wanted[i].expected = Impaired
			if harm == hopeless {
				x.wanted[i].expected = None
			}
		}
		if !steady && (len(w.there)+len(w.back) == 0 || slices.ContainsFunc(slices.Concat(w.there, w.back), x.crosses)) {
			x.wanted[i].expected = Impaired
			continue
		}
		s := x.see(x.probes[i], sp)
		var f felt
		switch {
		case harm == unharmed || w.fate == None:
			x.judge(&f, x.probes[i], when, w, &s)
		default: // its ways are judged, its fate is not the proof's
			all := w
			all.fate = Part
			x.judge(&f, x.probes[i], when, all, &s)
			if harm == hopeless && s.answered > 0 {
				f.wrong = append(f.wrong, Disagreement{Proof: "every way crosses a router that loses all packets of users", Seen: fmt.Sprintf("of %d requests %d were answered", s.sent, s.answered)})
			}
		}
		for _, d := range f.wrong {
			for k := range x.flows {
				if x.pairOf[k] == i {
					x.disagrees(when, flowName(&x.flows[k]), d.Proof, d.Seen, d.Ended)
				}
			}
		}
	}
}

// staysDown names a session that passed a limit in an earlier state than this one: it stays down, of which the proof, which has no history,
// knows nothing.
func (x *play) staysDown(st *network.State) string {
	for _, name := range x.s.Latched() {
		if !slices.Contains(st.Latched(), name) {
			return name
		}
	}
	return ""
}

// or2 is a list that is not null in JSON.
func or2(list []string) []string { return append([]string{}, list...) }

// How much what the proof knows nothing of harms ways.
const (
	unharmed = iota
	harmed   // packets may be lost
	hopeless // all are
)

// harm is that of the ways of one direction: hopeless only where all of them are.
func (x *play) harm(c *condition, ways []string) int {
	if len(ways) == 0 {
		return unharmed
	}
	least, most := hopeless, unharmed
	for _, w := range ways {
		h := x.harmOf(c, strings.Split(w, " > "))
		least, most = min(least, h), max(most, h)
	}
	if least == hopeless {
		return hopeless
	}
	return min(most, harmed)
}

// crosses tells whether a way crosses a session.
func (x *play) crosses(way string) bool {
	nodes := strings.Split(way, " > ")
	for i := 1; i < len(nodes); i++ {
		if len(x.between[[2]string{nodes[i-1], nodes[i]}]) > 0 {
			return true
		}
	}
	return false
}

func (x *play) harmOf(c *condition, way []string) int {
	out := unharmed
	for i := 1; i < len(way); i++ {
		list := x.between[[2]string{way[i-1], way[i]}]
		grey := 0
		for _, s := range list {
			l := linkFault{session: s}
			if a := &x.wiring.Routers[x.wiring.Sessions[s].A]; !slices.Contains(names(a), way[i-1]) {
				l.direction = 1
			}
			if c.grey[l] {
				grey++
			}
			if c.lossy[l] {
				out = max(out, harmed)
			}
		}
		switch {
		case grey == 0:
		case grey == len(list):
			return hopeless
		default:
			out = max(out, harmed)
		}
	}
	return out
}

// gentle holds each graceful restart that begins when all is well, and in whose time nothing else happens, against what it is for: nothing
// is lost.
func (x *play) gentle() {
	for _, i := range x.calmly {
		f, begin := x.script.Steps[i].fault, time.Duration(x.script.Steps[i].At)
		end := begin + f.takes + tail
		if slices.ContainsFunc(x.groups, func(g group) bool {
			return g.at > begin && g.at <= end && !(len(g.actions) == 1 && g.actions[0].step == i)
		}) {
			continue
		}
		sp := span{x.start + begin, min(x.start+end, x.repaired)}
		for k := range x.flows {
			if s := x.see(x.probes[x.pairOf[k]], sp); s.lost > 0 {
				x.disagrees(x.script.words(action{step: i, phase: 1, by: i}), flowName(&x.flows[k]), "a router that restarts gracefully forwards on, and nothing is lost",
					fmt.Sprintf("of %d requests %d were not answered", s.sent, s.lost), ends(s.losses))
			}
		}
	}
}

// flaps holds each link that went up and down against what the timers of its ends make of that: they notice what lasts longer than they
// wait, and nothing that is so short that enough comes in between.
func (x *play) flaps() {
	for i := range x.script.Steps {
		f := x.script.Steps[i].fault
		if f.verb != "flap" {
			continue
		}
		begin, end := time.Duration(-1), x.s.Now()
		for _, a := range x.script.actions {
			switch {
			case a.step != i:
			case a.phase > 0:
				begin = x.start + a.at
			default:
				end = x.start + a.at
			}
		}
		for k, l := range f.links {
			if k > 0 && f.links[k-1].session == l.session || !x.alone(i, l.session) {
				continue
			}
			x.flap(i, l.session, begin, end)
		}
	}
}

func (x *play) flap(step, session int, begin, end time.Duration) {
	f, w := x.script.Steps[step].fault, &x.wiring.Sessions[session]
	lower, upper, slack := time.Duration(1<<62), time.Duration(0), x.allowance
	between := f.impair.up
	for e := range 2 {
		d := x.s.Detects(session, e)
		if d.By == "bfd" {
			between -= w.BFDInterval // in each time that it is up a packet comes
		} else {
			d.Lower /= 4 // what waits for an acknowledgement waits longer each time
		}
		lower, upper = min(lower, d.Lower), max(upper, d.Upper)
	}
	first := slices.IndexFunc(x.changes[w.Name], func(at time.Duration) bool { return at >= begin && at <= end+upper+slack })
	noticed := first >= 0
	switch {
	case f.impair.seen && end >= begin+f.impair.up+slack || f.impair.down >= upper+slack && end >= begin+f.impair.up+upper+slack:
		if !noticed {
			x.disagrees(x.script.words(action{step: step, phase: 1, by: step}), "", fmt.Sprintf("%s goes down: its ends notice what lasts %s", w.Name, f.impair.down), "it stayed up", "")
		}
	case !f.impair.seen && f.impair.down < lower && between > 0:
		if noticed {
			x.disagrees(x.script.words(action{step: step, phase: 1, by: step}), "", fmt.Sprintf("%s stays up: its ends do not notice what lasts %s", w.Name, f.impair.down),
				fmt.Sprintf("it changed %s later", x.changes[w.Name][first]-begin), "")
		}
	}
}

// alone tells whether nothing but one step's fault meets a session in the drill.
func (x *play) alone(step, session int) bool {
	w := &x.wiring.Sessions[session]
	for i := range x.script.Steps {
		f := x.script.Steps[i].fault
		if i == step {
			continue
		}
		if len(f.misdeeds) > 0 || f.reset != "" || slices.Contains(f.restarts, x.wiring.Routers[w.A].Name) || slices.Contains(f.restarts, x.wiring.Routers[w.B].Name) {
			return false
		}
		if slices.ContainsFunc(f.links, func(l linkFault) bool { return l.session == session }) {
			return false
		}
		for _, list := range f.down {
			for _, e := range list {
				if slices.Contains(w.Elements, e) || slices.Contains(x.wiring.Routers[w.A].Elements, e) || slices.Contains(x.wiring.Routers[w.B].Elements, e) {
					return false
				}
			}
		}
	}
	return true
}

// mostBetween is how much may be between two losses of one outage.
const mostBetween = window

// measured is what a probe lost before everything was repaired.
type measured struct {
	seen
	outages []outage
}

// outage is a run of losses.
type outage struct {
	first, last time.Duration
	sent, lost  int
	losses      []sim.Loss
}

func (o *outage) lasts() time.Duration { return o.last - o.first + every }

func (x *play) outages(q *sim.Probe, sp span) (out []outage) {
	list := q.Echoes()
	sent := 0 // since the last loss
	for i := range list {
		e := &list[i]
		if !sp.holds(e) {
			continue
		}
		sent++
		if e.Answered {
			continue
		}
		if n := len(out); n == 0 || e.At-out[n-1].last > mostBetween {
			out = append(out, outage{first: e.At})
			sent = 1
		}
		o := &out[len(out)-1]
		o.last, o.sent, o.lost = e.At, o.sent+sent, o.lost+1
		if l := q.LossOf(i); !slices.Contains(o.losses, l) {
			o.losses = append(o.losses, l)
		}
		sent = 0
	}
	return out
}

// measure makes of every probe what the flows with its ends felt, and finds out which expectations were met.
func (x *play) measure() {
	whole := span{x.start, x.repaired}
	probed := make([]measured, len(x.pairs))
	steps := x.result.Steps
	for i, q := range x.probes {
		probed[i] = measured{x.see(q, whole), x.outages(q, whole)}
	}
	for i := range x.flows {
		f, m, q := &x.flows[i], &probed[x.pairOf[i]], x.probes[x.pairOf[i]]
		pre, during, post, repair := x.see(q, span{x.began, x.start}), x.see(q, span{x.start, max(x.final.from, x.start)}), x.see(q, x.final), x.see(q, span{x.repaired, x.ended - tail})
		d := ScriptedFlow{Flow: f.Name, LineOfBusiness: f.LineOfBusiness, From: f.From, To: f.To, Seen: post.fate(), Expected: Impaired, Sent: m.sent, Lost: m.lost,
			Reordered: m.reordered + repair.reordered, Duplicated: m.again + repair.again, Outages: []Outage{}, RepairOutageMs: ms(repair.outage()), RepairLost: repair.lost,
			Before: x.way(&pre), During: x.way(&during), After: x.way(&post)}
		if x.wanted != nil {
			d.Expected = x.wanted[x.pairOf[i]].expected
		}
		var down time.Duration
		for k := range m.outages {
			o := &m.outages[k]
			out := Outage{FromMs: ms(o.first - x.start), ToMs: ms(o.first + o.lasts() - x.start), Sent: o.sent, Lost: o.lost, Ended: x.over(o), Steps: []int{}, Where: ends(o.losses)}
			for g := range x.groups {
				at := x.start + x.groups[g].at
				if at > o.last || at <= o.first && g+1 < len(x.groups) && x.start+x.groups[g+1].at <= o.first {
					continue
				}
				for _, s := range steps[g].Steps {
					if !slices.Contains(out.Steps, s) {
						out.Steps = append(out.Steps, s)
					}
				}
			}
			d.Outages, down = append(d.Outages, out), down+o.lasts()
			d.OutageMs = max(d.OutageMs, ms(o.lasts()))
		}
		d.DowntimeMs = ms(down)
		x.account(q, m)
		x.result.Repair.count(&repair, x.repaired)
		if d.Lost+d.RepairLost+d.Reordered+d.Duplicated > 0 || d.Seen != d.Expected || len(d.During.There) > 0 && !slices.Equal(d.Before.There, d.During.There) ||
			!slices.Equal(d.Before.There, d.After.There) || len(d.During.Back) > 0 && !slices.Equal(d.Before.Back, d.During.Back) || !slices.Equal(d.Before.Back, d.After.Back) {
			x.result.Flows = append(x.result.Flows, d)
		} else {
			x.result.Untouched++
		}
	}
	for g := range steps {
		if steps[g].Change.Routes = x.groups[g].routes; x.groups[g].routes > 0 {
			steps[g].Change.ControlMs = ms(x.groups[g].routeAt - x.start - x.groups[g].at)
		}
	}
	slices.SortStableFunc(x.result.Flows, func(a, b ScriptedFlow) int {
		return cmp.Or(cmp.Compare(b.DowntimeMs, a.DowntimeMs), cmp.Compare(a.Flow, b.Flow), cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To))
	})
	slices.SortStableFunc(x.result.Events, func(a, b Event) int { return cmp.Compare(a.AtMs, b.AtMs) })
	x.gentle()
	for i := range x.script.Expect {
		x.result.Expect = append(x.result.Expect, x.met(&x.script.Expect[i], probed))
	}
}

// over tells whether an outage had ended when everything was repaired.
func (x *play) over(o *outage) bool { return o.last+mostBetween < x.repaired }

// account counts what a probe lost for the steps that it followed.
func (x *play) account(q *sim.Probe, m *measured) {
	for g := range x.groups {
		c := &x.result.Steps[g].Change
		sp := span{x.start + x.groups[g].at, x.repaired}
		if g+1 < len(x.groups) {
			sp.to = x.start + x.groups[g+1].at
		}
		lost := x.see(q, sp).lost
		if lost == 0 {
			continue
		}
		c.Hit++
		c.Lost += lost
		for k := range m.outages {
			o := &m.outages[k]
			if !x.over(o) {
				continue
			}
			if o.first >= sp.from && o.first < sp.to {
				c.OutageMs = max(c.OutageMs, ms(o.lasts()))
			}
			if o.last >= sp.from && o.last < sp.to {
				c.DataMs = max(c.DataMs, ms(o.last-sp.from))
			}
		}
	}
}

// count adds what one flow lost since a time.
func (c *Change) count(s *seen, since time.Duration) {
	if s.lost == 0 {
		return
	}
	c.Hit++
	c.Lost += s.lost
	c.OutageMs, c.DataMs = max(c.OutageMs, ms(s.outage())), max(c.DataMs, ms(s.last-since))
}

// met finds out whether an expectation was met.
func (x *play) met(e *Expectation, probed []measured) Met {
	out := Met{Expects: e.words(), Flows: len(e.flows), Not: []string{}}
	sp := x.final
	if e.At != nil {
		sp = span{x.start + time.Duration(*e.At), x.start + time.Duration(*e.At) + window}
	}
	for _, i := range e.flows {
		f, m := &x.flows[i], &probed[x.pairOf[i]]
		not := func(format string, args ...any) {
			out.Not = append(out.Not, flowName(f)+": "+fmt.Sprintf(format, args...))
		}
		if e.Fate != "" || e.Through != "" || e.Avoids != "" {
			s := x.see(x.probes[x.pairOf[i]], sp)
			x.metThen(e, &s, not)
		}
		var longest, down time.Duration
		for k := range m.outages {
			o := &m.outages[k]
			longest, down = max(longest, o.lasts()), down+o.lasts()
		}
		if e.Outage != nil && longest > time.Duration(*e.Outage) {
			not("an outage of %s", longest)
		}
		if e.Downtime != nil && down > time.Duration(*e.Downtime) {
			not("%s in all", down)
		}
		if e.Lost != nil && m.lost > *e.Lost {
			not("%d packets lost", m.lost)
		}
	}
	out.Met = len(out.Not) == 0
	return out
}

// metThen finds out what an expectation of one time says of a flow.
func (x *play) metThen(e *Expectation, s *seen, not func(string, ...any)) {
	if s.sent == 0 {
		not("nothing was sent then")
		return
	}
	if fate := s.fate(); e.Fate != "" && fate != e.Fate {
		words := fmt.Sprintf("it is %s: of %d requests %d were not answered", fate, s.sent, s.lost)
		if where := ends(s.losses); where != "" {
			words += " (" + where + ")"
		}
		not("%s", words)
	}
	if e.Through == "" && e.Avoids == "" {
		return
	}
	ways := append(x.waysOf(s.there), x.waysOf(s.back)...)
	if len(ways) == 0 && e.Through != "" {
		not("no packet arrives")
	}
	for _, w := range ways {
		passes := slices.ContainsFunc(strings.Split(w, " > "), func(n string) bool { return slices.Contains(e.nodes, n) })
		if passes != (e.Through != "") {
			not("a packet went %s", w)
		}
	}
}

// words say what an expectation is.
func (e *Expectation) words() string {
	var list []string
	add := func(given bool, format string, args ...any) {
		if given {
			list = append(list, fmt.Sprintf(format, args...))
		}
	}
	add(e.Fate != "", "%s", e.Fate)
	add(e.Through != "", "through %s", e.Through)
	add(e.Avoids != "", "not through %s", e.Avoids)
	if e.Outage != nil {
		add(true, "no outage of more than %s", time.Duration(*e.Outage))
	}
	if e.Downtime != nil {
		add(true, "no more than %s out in all", time.Duration(*e.Downtime))
	}
	if e.Lost != nil {
		add(true, "no more than %d packets lost", *e.Lost)
	}
	about := or(e.Flows, "every flow")
	if e.LineOfBusiness != "" {
		about = or(e.Flows, "every flow") + " of " + e.LineOfBusiness
	}
	if e.At != nil {
		about += " at " + time.Duration(*e.At).String()
	}
	return about + ": " + strings.Join(list, ", ")
}
