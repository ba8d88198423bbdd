package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"onramp/draw"
	"onramp/rehearse"
)

const (
	mostScriptMoments = 26 // events of a script's picture, unless its steps alone are more
	joined            = 80 // outages that are nearer to each other than this part of the axis are one bar
)

// ScriptTimeline is the picture of a script's drill: its steps and what came of them, and below it when which flows lost packets, all on one
// axis from the start of the drill. False where no event is known.
func ScriptTimeline(d *rehearse.ScriptedDrill, r *rehearse.Scripted) (draw.Timeline, bool) {
	t := draw.Timeline{Title: d.Name, Subtitle: d.About, Stretches: []draw.Stretch{{Name: "Seconds after the start of the drill", Weight: 1}}}
	var left int
	t.Events, left = scriptMoments(d)
	if len(t.Events) == 0 {
		return t, false
	}
	ends := d.EndedMs
	for i := range t.Events {
		ends = max(ends, t.Events[i].Until*1000)
	}
	for i := range d.Flows {
		ends = max(ends, d.EndedMs+d.Flows[i].RepairOutageMs)
		for _, o := range d.Flows[i].Outages {
			ends = max(ends, o.ToMs)
		}
	}
	t.Stretches[0].To = max(0.1, math.Ceil(ends*1.02)/1000)
	list := scriptLanes(d, r, t.Stretches[0].To*1000, true)
	if len(list) > mostLanes {
		list = scriptLanes(d, r, t.Stretches[0].To*1000, false)
	}
	var notes []string
	for i, l := range list {
		if i < mostLanes {
			t.Lanes = append(t.Lanes, l.drawn())
		}
	}
	if len(list) > mostLanes {
		flows := 0
		for _, l := range list[mostLanes:] {
			flows += len(l.flows)
		}
		notes = append(notes, fmt.Sprintf("Not drawn: %s that lost packets at other times; --json has all.", count(flows, "more flow")))
	}
	if len(t.Lanes) == 0 {
		sub := "and no way changes"
		if n := len(d.Flows); n > 0 {
			sub = count(n, "flow") + " another way, late or twice"
		}
		t.Lanes = append(t.Lanes, draw.Lane{Label: "Nobody loses a packet", Sub: sub})
	}
	if left > 0 {
		notes = append(notes, fmt.Sprintf("Not told: %s, of sessions and routers that come back.", count(left, "more event")))
	}
	t.Note = strings.Join(notes, " ")
	return t, true
}

// scriptMoment is events of one kind between two steps, told as one.
type scriptMoment struct {
	kind     string
	from, to float64 // ms
	what     string  // of a step
	why      string
	sessions []string // or routers
	times    map[string]int
	byBFD    bool
}

// The kinds of moments that are no steps.
const (
	bfdDown     = "BFD goes down"
	bfdUp       = "BFD is up"
	sessionDown = "a session ends"
	sessionUp   = "a session is established"
)

// kindOf is what an event of the estate is told as; empty for one that says nothing, such as a state on the way to another.
func kindOf(e *rehearse.Event) string {
	switch e.What {
	case "bfd":
		switch {
		case e.To == "Down" && e.From == "Up":
			return bfdDown
		case e.To == "Up":
			return bfdUp
		}
		return ""
	case "session":
		switch {
		case e.From == "Established":
			return sessionDown
		case e.To == "Established":
			return sessionUp
		}
		return ""
	case "limit":
		return "a prefix limit is passed"
	case "error":
		return e.What
	case "config":
		return "a configuration changes"
	case "down":
		return "out of service"
	case "up":
		return "in service again"
	case "restart":
		return "restarts"
	}
	return ""
}

// scriptMoments are the events of a drill in words: each step, and between two of them what is alike as one. It counts what it leaves out.
func scriptMoments(d *rehearse.ScriptedDrill) ([]draw.Moment, int) {
	var list []*scriptMoment
	since := 0 // the first after the last step
	for i := range d.Events {
		e := &d.Events[i]
		switch e.What {
		case "step", "end", "repair":
			list = append(list, &scriptMoment{kind: e.What, from: e.AtMs, to: e.AtMs, what: or(e.Why, "all is repaired")})
			since = len(list)
			continue
		}
		kind := kindOf(e)
		if kind == "" {
			continue
		}
		at := or(e.Session, e.Node)
		k := slices.IndexFunc(list[since:], func(m *scriptMoment) bool { return m.kind == kind })
		if k < 0 {
			list = append(list, &scriptMoment{kind: kind, from: e.AtMs, why: e.Why, times: map[string]int{}})
			k = len(list) - 1 - since
		}
		m := list[since+k]
		m.to = e.AtMs
		m.byBFD = m.byBFD || strings.Contains(e.Why, "BFD Down")
		if !slices.Contains(m.sessions, at) {
			m.sessions = append(m.sessions, at)
		}
		m.times[at+"\x00"+e.Node]++
	}
	list = withBFD(list)
	left := 0
	for _, kind := range []string{bfdUp, sessionUp, "in service again"} {
		for i := len(list) - 1; i >= 0 && len(list) > mostScriptMoments; i-- {
			if list[i].kind == kind {
				list = slices.Delete(list, i, i+1)
				left++
			}
		}
	}
	var out []draw.Moment
	for _, m := range list {
		out = append(out, draw.Moment{At: m.from / 1000, Until: m.to / 1000, When: scriptWhen(m.from, m.to), What: m.words(), Strong: m.kind == "step" || m.kind == "repair"})
	}
	return out, left
}

// scriptWhen is a time or a span of time, without hundredths where both ends of a span would be too long to stand beside its words.
func scriptWhen(from, to float64) string {
	if s := between(from, to); len(s) <= len("00.00 to 00.00 s") {
		return s
	}
	a, b := fmt.Sprintf("%.1f", from/1000), fmt.Sprintf("%.1f", to/1000)
	if a == b {
		return a + " s"
	}
	return a + " to " + b + " s"
}

// withBFD tells of the sessions that BFD ends with it.
func withBFD(list []*scriptMoment) []*scriptMoment {
	var out []*scriptMoment
	for _, m := range list {
		if m.kind == sessionDown && m.byBFD && len(out) > 0 {
			if b := out[len(out)-1]; b.kind == bfdDown && slices.Equal(b.sessions, m.sessions) {
				b.byBFD, b.to = true, max(b.to, m.to)
				continue
			}
		}
		out = append(out, m)
	}
	return out
}

func (m *scriptMoment) words() string {
	if m.what != "" {
		return m.what
	}
	who := m.sessions[0]
	if n := len(m.sessions) - 1; n > 0 {
		who += fmt.Sprintf(" and %d more", n)
	}
	var s string
	switch m.kind {
	case "out of service", "in service again", "restarts":
		s = who + " " + m.verb()
	case bfdDown:
		s = bfdDown
		if m.byBFD {
			s += " and ends the session"
		}
		s += " on " + who
	case "error": // it says itself what it is
		s = who
	default:
		s = m.kind + " on " + who
	}
	most := 0
	for _, n := range m.times {
		most = max(most, n)
	}
	if most > 1 {
		s += fmt.Sprintf(", %d times", most)
	}
	if m.why != "" && m.kind != bfdUp && m.kind != sessionUp && m.kind != bfdDown {
		s += ": " + m.why
	}
	return s
}

func (m *scriptMoment) verb() string {
	many := len(m.sessions) > 1
	switch {
	case m.kind == "restarts" && many:
		return "restart"
	case m.kind == "restarts":
		return "restarts"
	case many:
		return "are " + m.kind
	}
	return "is " + m.kind
}

// scriptBar is one outage, or several that are too near to each other to be told apart on the axis.
type scriptBar struct {
	from, to, longest float64 // ms
	sent, lost, of    int
	open              bool // until everything was repaired
	after             bool // after that: how long is known, not when, and it is drawn from the repair on
}

// scriptLane is flows that lost packets at the same times.
type scriptLane struct {
	lines []string
	flows []*rehearse.ScriptedFlow
	bars  []scriptBar
	wrong bool
}

// scriptLanes puts the flows of a drill that lost packets together, the worst first, those of different lines of business apart if asked
// to. The axis, in milliseconds, says what can be told apart.
func scriptLanes(d *rehearse.ScriptedDrill, r *rehearse.Scripted, axis float64, apart bool) []*scriptLane {
	wrong := map[string]bool{}
	for i := range d.Disagreements {
		wrong[d.Disagreements[i].Flow] = true
	}
	var out []*scriptLane
	for i := range d.Flows {
		f := &d.Flows[i]
		bars := barsOf(d, f, r.ProbeMs, axis/joined)
		if len(bars) == 0 {
			continue
		}
		x := &scriptLane{lines: []string{or(f.LineOfBusiness, "everybody")}, flows: []*rehearse.ScriptedFlow{f}, bars: bars, wrong: wrong[f.Flow] || wrong[fmt.Sprintf("%s (%s to %s)", f.Flow, f.From, f.To)]}
		k := slices.IndexFunc(out, func(o *scriptLane) bool { return o.alike(x, axis/joined) && (!apart || o.lines[0] == x.lines[0]) })
		if k < 0 {
			out = append(out, x)
			continue
		}
		out[k].take(x)
	}
	slices.SortStableFunc(out, func(a, b *scriptLane) int { // what is not as proved is drawn whatever it lost
		switch {
		case a.wrong == b.wrong:
			return 0
		case a.wrong:
			return -1
		}
		return 1
	})
	return out
}

// barsOf are a flow's outages; those of which the gap cannot be seen are one.
func barsOf(d *rehearse.ScriptedDrill, f *rehearse.ScriptedFlow, probe, gap float64) []scriptBar {
	list := slices.Clone(f.Outages)
	slices.SortStableFunc(list, func(a, b rehearse.Outage) int { return cmp.Compare(a.FromMs, b.FromMs) })
	var out []scriptBar
	for _, o := range list {
		b := scriptBar{from: max(0, o.FromMs), to: max(0, o.ToMs), longest: o.ToMs - o.FromMs, sent: o.Sent, lost: o.Lost, of: 1, open: !o.Ended}
		if b.open {
			b.to = max(b.to, d.EndedMs+f.RepairOutageMs)
			b.longest = b.to - b.from
		}
		if n := len(out); n > 0 && b.from-out[n-1].to < gap {
			a := &out[n-1]
			if probe > 0 {
				a.sent += int(max(0, b.from-a.to) / probe)
			}
			a.to, a.longest, a.sent, a.lost, a.of, a.open = max(a.to, b.to), max(a.longest, b.longest), a.sent+b.sent, a.lost+b.lost, a.of+1, a.open || b.open
			continue
		}
		out = append(out, b)
	}
	if f.RepairLost > 0 && !slices.ContainsFunc(out, func(b scriptBar) bool { return b.open }) {
		sent := f.RepairLost
		if probe > 0 {
			sent = max(sent, int(f.RepairOutageMs/probe))
		}
		out = append(out, scriptBar{from: d.EndedMs, to: d.EndedMs + f.RepairOutageMs, longest: f.RepairOutageMs, sent: sent, lost: f.RepairLost, of: 1, after: true})
	}
	return out
}

func (l *scriptLane) alike(o *scriptLane, gap float64) bool {
	return l.wrong == o.wrong && slices.EqualFunc(l.bars, o.bars, func(a, b scriptBar) bool {
		slack := max(laneSlack, gap/2, (a.to-a.from)/50)
		return a.open == b.open && a.after == b.after && math.Abs(a.from-b.from) <= slack && math.Abs(a.to-b.to) <= slack
	})
}

func (l *scriptLane) take(o *scriptLane) {
	l.flows = append(l.flows, o.flows...)
	if !slices.Contains(l.lines, o.lines[0]) {
		l.lines = append(l.lines, o.lines[0])
	}
	for i := range l.bars {
		a, b := &l.bars[i], &o.bars[i]
		a.from, a.to, a.longest = min(a.from, b.from), max(a.to, b.to), max(a.longest, b.longest)
		a.lost, a.sent, a.of = a.lost+b.lost, a.sent+b.sent, max(a.of, b.of)
	}
}

func (l *scriptLane) drawn() draw.Lane {
	out := draw.Lane{Label: l.lines[0], Bad: l.wrong}
	if n := len(l.lines) - 1; n > 0 {
		out.Label += fmt.Sprintf(" and %d more", n)
	}
	out.Sub = endWords(l.flows[0].From) + " – " + endWords(l.flows[0].To)
	if n := len(l.flows); n > 1 {
		out.Sub = fmt.Sprintf("%d flows: %s", n, out.Sub)
	}
	if l.wrong {
		out.Sub = "✗ not as proved: " + out.Sub
	}
	const most = 24
	var names []string
	for _, f := range l.flows[:min(most, len(l.flows))] {
		names = append(names, scriptedFlowWords(f))
	}
	if n := len(l.flows) - most; n > 0 {
		names = append(names, fmt.Sprintf("and %d more", n))
	}
	out.Full = strings.Join(names, "\n")
	for _, b := range l.bars {
		s := rehearse.LossSpan{Lost: b.lost, Sent: b.sent}
		label := lasting(b.to-b.from) + ": " + packets(s)
		switch {
		case b.after:
			label = fmt.Sprintf("at some time after the repair, up to %s: %s lost", lasting(b.longest), count(b.lost, "packet"))
		case b.open:
			label = "until all is repaired: " + packets(s)
		case b.of > 1:
			label = fmt.Sprintf("%d outages up to %s: %s", b.of, lasting(b.longest), packets(s))
		}
		out.Bars = append(out.Bars, draw.Bar{From: b.from / 1000, To: b.to / 1000, Share: share(s), Label: label})
	}
	return out
}
