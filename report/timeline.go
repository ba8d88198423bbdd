package report

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"onramp/draw"
	"onramp/rehearse"
)

const (
	mostMoments = 14 // events of a drill's picture
	mostLanes   = 10
	laneSlack   = 100 // ms: flows whose losses begin and end as near as this, or a fiftieth, are one lane
)

// Timeline is the picture of a drill: what happened, and below it when which flows lost packets, first after the failure and then
// after the repair. False where there is nothing to see: no event is known, as in a result of an earlier version.
func Timeline(d *rehearse.Drill, r *rehearse.Result) (draw.Timeline, bool) {
	t := draw.Timeline{Title: d.ID, Stretches: []draw.Stretch{{Name: "Seconds after the failure", Weight: 3}, {Name: "Seconds after the repair", Weight: 2}}}
	if d.How == rehearse.Drain {
		t.Stretches[0].Name, t.Stretches[1].Name = "Seconds after the maintenance begins", "Seconds after it ends"
	}
	t.Subtitle = drillWords(d)
	t.Events = moments(rehearse.Condensed(d.Events, mostMoments), d)
	if len(t.Events) == 0 {
		return t, false
	}
	list := lanesOf(d, r, true)
	if len(list) > mostLanes {
		list = lanesOf(d, r, false)
	}
	rest := list[min(mostLanes, len(list)):]
	for _, l := range list[:min(mostLanes, len(list))] {
		t.Lanes = append(t.Lanes, l.drawn())
	}
	if len(t.Lanes) == 0 {
		t.Lanes = append(t.Lanes, draw.Lane{Label: "Nobody loses a packet", Sub: movedWords(d)})
	}
	if n := len(rest); n > 0 {
		flows := 0
		for _, l := range rest {
			flows += len(l.flows)
		}
		t.Note = fmt.Sprintf("Not drawn: %s that lost packets at other times, for no longer than these.", count(flows, "more flow"))
	}
	for i := range t.Stretches {
		t.Stretches[i].To = lasts(&t, i)
	}
	return t, true
}

// lasts is how much of a stretch there is to see.
func lasts(t *draw.Timeline, stretch int) float64 {
	most := 0.0
	for _, e := range t.Events {
		if e.Stretch == stretch && e.What != quietWords {
			most = max(most, e.Until)
		}
	}
	for _, l := range t.Lanes {
		for _, b := range l.Bars {
			if b.Stretch == stretch && !b.Open {
				most = max(most, b.To)
			}
		}
		if w := l.Bound; w != nil && w.Stretch == stretch {
			most = max(most, w.To)
		}
	}
	if most == 0 { // all that is to be seen is that it went quiet
		for _, e := range t.Events {
			if e.Stretch == stretch {
				most = max(most, e.At)
			}
		}
	}
	return max(0.1, math.Ceil(most*1.06*1000)/1000)
}

const quietWords = "all is quiet: nothing more comes of it"

// moments are events in words. A session that BFD ends is told with it.
func moments(list []rehearse.DrillEvent, d *rehearse.Drill) []draw.Moment {
	var out []draw.Moment
	for i := range list {
		e := &list[i]
		if e.What == rehearse.EventSessionDown && slices.ContainsFunc(list, func(x rehearse.DrillEvent) bool { return ends(&x, e) }) {
			continue
		}
		m := draw.Moment{At: e.AtMs / 1000, Until: e.UntilMs / 1000, When: between(e.AtMs, e.UntilMs), What: eventWords(e, d), Strong: e.What == rehearse.EventFail || e.What == rehearse.EventRepair}
		if e.After == rehearse.AfterRepair {
			m.Stretch = 1
		}
		if e.What == rehearse.EventBFDDown && slices.ContainsFunc(list, func(x rehearse.DrillEvent) bool { return x.What == rehearse.EventSessionDown && ends(e, &x) }) {
			m.What = strings.Replace(m.What, "BFD goes down", "BFD goes down and ends the session", 1)
		}
		out = append(out, m)
	}
	return out
}

// ends tells whether BFD's going down is why a session ended.
func ends(b, s *rehearse.DrillEvent) bool {
	return b.What == rehearse.EventBFDDown && b.After == s.After && b.AtMs == s.AtMs && b.UntilMs == s.UntilMs && b.Session == s.Session && b.Count == s.Count
}

// between is a time, or a span of time where it is long enough to tell.
func between(from, to float64) string {
	a, b := fixed(from), fixed(to)
	if a == b {
		return a + " s"
	}
	return a + " to " + b + " s"
}

func fixed(ms float64) string { return strconv.FormatFloat(ms/1000, 'f', 2, 64) }

func eventWords(e *rehearse.DrillEvent, d *rehearse.Drill) string {
	on := func(what string) string {
		s := what
		if e.At != "" {
			s += " at " + e.At
		}
		if e.Session != "" && e.Session != e.At {
			s += " on " + e.Session
		}
		if e.Count > 1 {
			s += fmt.Sprintf(" and %d more", e.Count-1)
		}
		if e.Why != "" {
			s += ": " + e.Why
		}
		return s
	}
	switch e.What {
	case rehearse.EventFail:
		if d.How == rehearse.Drain {
			return scenarioWords(d.ID) + " begins: its routes are told with a longer path"
		}
		return scenarioWords(d.ID) + " fails, and nobody is told"
	case rehearse.EventRepair:
		if d.How == rehearse.Drain {
			return scenarioWords(d.ID) + " ends"
		}
		return scenarioWords(d.ID) + " is repaired"
	case rehearse.EventBFDDown:
		return on("BFD goes down")
	case rehearse.EventBFDUp:
		return on("BFD is up")
	case rehearse.EventSessionDown:
		return on("a session ends")
	case rehearse.EventSessionUp:
		return on("a session is established")
	case rehearse.EventLimit:
		return on("a prefix limit is passed")
	case rehearse.EventError:
		return on("an error")
	case rehearse.EventNotice:
		return "the platform notices that " + e.Session + " is gone, and stops sending to it"
	case rehearse.EventRoutes:
		return fmt.Sprintf("%s, first at %s", changes(e.Count), e.At)
	case rehearse.EventQuiet:
		return quietWords
	}
	return on(e.What)
}

func changes(n int) string {
	if n == 1 {
		return "a route in use changes"
	}
	return thousands(n) + " changes of routes in use"
}

// lane is flows that lost packets at the same times.
type lane struct {
	lines        []string // of business
	flows        []*rehearse.FlowDrill
	spans        [2][]rehearse.LossSpan // after the failure and after the repair
	forGood      bool
	wrong        bool
	lower, upper float64
}

// lanesOf puts the flows of a drill that lost packets together, the worst first, those of different lines of business apart if asked to.
func lanesOf(d *rehearse.Drill, r *rehearse.Result, apart bool) []*lane {
	line := map[string]string{}
	for _, f := range r.Flows {
		line[flowKey(f.Name, f.From, f.To)] = or(f.LineOfBusiness, "everybody")
	}
	wrong := map[string]bool{}
	for i := range d.Disagreements {
		wrong[d.Disagreements[i].Flow] = true
	}
	var out []*lane
	for i := range d.Flows {
		f := &d.Flows[i]
		if f.Lost+f.RepairLost == 0 {
			continue
		}
		x := &lane{lines: []string{line[flowKey(f.Flow, f.From, f.To)]}, flows: []*rehearse.FlowDrill{f}, forGood: f.Seen != rehearse.Whole,
			wrong: wrong[f.Flow] || wrong[fmt.Sprintf("%s (%s to %s)", f.Flow, f.From, f.To)], lower: f.Bound.LowerMs}
		x.spans = [2][]rehearse.LossSpan{slices.Clone(f.Losses), slices.Clone(f.RepairLosses)}
		if f.Bound.UpperMs != nil {
			x.upper = *f.Bound.UpperMs
		}
		k := slices.IndexFunc(out, func(o *lane) bool { return o.alike(x) && (!apart || o.lines[0] == x.lines[0]) })
		if k < 0 {
			out = append(out, x)
		} else {
			out[k].take(x)
		}
	}
	return out
}

func (l *lane) alike(o *lane) bool {
	if l.forGood != o.forGood || l.wrong != o.wrong || l.lower != o.lower || l.upper != o.upper {
		return false
	}
	for i := range l.spans {
		if !slices.EqualFunc(l.spans[i], o.spans[i], func(a, b rehearse.LossSpan) bool {
			slack := max(laneSlack, (a.ToMs-a.FromMs)/50)
			return math.Abs(a.FromMs-b.FromMs) <= slack && math.Abs(a.ToMs-b.ToMs) <= slack
		}) {
			return false
		}
	}
	return true
}

func (l *lane) take(o *lane) {
	l.flows = append(l.flows, o.flows...)
	if !slices.Contains(l.lines, o.lines[0]) {
		l.lines = append(l.lines, o.lines[0])
	}
	for i := range l.spans {
		for k := range l.spans[i] {
			a, b := &l.spans[i][k], &o.spans[i][k]
			a.FromMs, a.ToMs = min(a.FromMs, b.FromMs), max(a.ToMs, b.ToMs)
			a.Lost, a.Sent = a.Lost+b.Lost, a.Sent+b.Sent
		}
	}
}

func (l *lane) drawn() draw.Lane {
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
		names = append(names, fmt.Sprintf("%s, %s to %s", f.Flow, f.From, f.To))
	}
	if n := len(l.flows) - most; n > 0 {
		names = append(names, fmt.Sprintf("and %d more", n))
	}
	out.Full = strings.Join(names, "\n")
	for i := range l.spans {
		for k, s := range l.spans[i] {
			b := draw.Bar{Stretch: i, From: max(0, s.FromMs/1000), To: max(0, s.ToMs/1000), Share: share(s)}
			switch {
			case i == 0 && l.forGood && k == len(l.spans[i])-1:
				b.Open = true
				b.Label = "lost for good"
				if b.Share < 1 {
					b.Label = "some lost for good"
				}
				if !l.wrong {
					b.Label += ", as proved"
				}
			default:
				b.Label = lasting(s.ToMs-s.FromMs) + ": " + packets(s)
			}
			out.Bars = append(out.Bars, b)
		}
	}
	if l.upper > 0 && len(l.spans[0]) > 0 {
		from := l.spans[0][0].FromMs
		out.Bound = &draw.Window{From: max(0, (from+l.lower)/1000), To: max(0, (from+l.upper)/1000)}
	}
	return out
}

func share(s rehearse.LossSpan) float64 {
	if s.Sent <= 0 {
		return 1
	}
	return min(1, float64(s.Lost)/float64(s.Sent))
}

func packets(s rehearse.LossSpan) string {
	if s.Lost >= s.Sent {
		return "all " + thousands(s.Lost) + " packets"
	}
	return thousands(s.Lost) + " of " + thousands(s.Sent) + " packets"
}

// thousands is a count with its thousands apart.
func thousands(n int) string {
	whole, _, _ := strings.Cut(amount(float64(n)), ".")
	return whole
}

// drillWords say what a drill came to.
func drillWords(d *rehearse.Drill) string {
	var out []string
	if f := worstOf(d); f != nil {
		s := "The longest outage that ends: " + lasting(f.OutageMs)
		if f.Bound.UpperMs != nil && *f.Bound.UpperMs > 0 {
			s += fmt.Sprintf("; by the timers from %s to %s", lasting(f.Bound.LowerMs), lasting(*f.Bound.UpperMs))
		}
		out = append(out, s+".")
	}
	if n := goneFlows(d); n > 0 {
		out = append(out, count(n, "flow")+" lost for good.")
	}
	if d.Failure.Lost+d.Repair.Lost == 0 {
		out = append(out, "Nobody loses a packet.")
	}
	if !d.Agrees {
		out = append(out, "It is not as proved.")
	}
	return strings.Join(out, " ")
}

// worstOf is the flow with the longest outage that ended; nil where there is none.
func worstOf(d *rehearse.Drill) *rehearse.FlowDrill {
	for i := range d.Flows { // the worst first
		if f := &d.Flows[i]; f.Bound.UpperMs != nil && f.OutageMs > 0 {
			return f
		}
	}
	return nil
}

// goneFlows counts those that are lost for good, all or some of their packets.
func goneFlows(d *rehearse.Drill) int {
	n := 0
	for i := range d.Flows {
		if d.Flows[i].Seen != rehearse.Whole {
			n++
		}
	}
	return n
}

func movedWords(d *rehearse.Drill) string {
	if n := len(d.Flows); n > 0 {
		return count(n, "flow") + " another way"
	}
	return "and no way changes"
}
