package rehearse

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"onramp/sim"
)

// DrillEvent is something that happened in a drill: what a reader of its outages wants to see beside them. Events that are alike and near in
// time are told as one, which counts them.
type DrillEvent struct {
	// After is what its times are counted from: the failure or the repair.
	After   string  `json:"after" enum:"failure,repair"`
	AtMs    float64 `json:"atMs"`
	UntilMs float64 `json:"untilMs"` // of the last that is counted here; AtMs where it is one
	What    string  `json:"what" enum:"fail,bfd-down,session-down,notice,limit,error,routes,quiet,repair,bfd-up,session-up"`
	// At is the router, the gateway or the element, and Session the session, of the first that is counted here; either may be empty.
	At      string `json:"at"`
	Session string `json:"session"`
	Why     string `json:"why"`   // what the router says, empty where it says nothing
	Count   int    `json:"count"` // of routes: how many changed
}

// What an event is.
const (
	EventFail        = "fail"
	EventBFDDown     = "bfd-down"
	EventSessionDown = "session-down"
	EventNotice      = "notice" // the platform stops sending to a gateway's instance that is gone
	EventLimit       = "limit"  // a session passed its prefix limit
	EventError       = "error"
	EventRoutes      = "routes" // routes in use change
	EventQuiet       = "quiet"  // nothing more will come of it
	EventRepair      = "repair"
	EventBFDUp       = "bfd-up"
	EventSessionUp   = "session-up"
)

// What times are counted from.
const (
	AfterFailure = "failure"
	AfterRepair  = "repair"
)

// LossSpan is a run of lost requests. Losses of which each comes at most one turn of all source ports after the one before are one run:
// of several equal ways one may be dead.
type LossSpan struct {
	FromMs float64 `json:"fromMs"` // when the first was sent; below 0 for one that was on its way when the element failed
	ToMs   float64 `json:"toMs"`   // when the one after the last was due
	Lost   int     `json:"lost"`
	Sent   int     `json:"sent"` // from FromMs to ToMs
}

const (
	mostEvents = 24 // of a drill
	mostSpans  = 12 // of a flow, after the failure and again after the repair
	near       = 100 * time.Millisecond
	turn       = sim.ProbePorts * every // in which every source port is tried once
)

// chronicle is what a drill has been told of, in order.
type chronicle struct {
	after string // empty while nothing has failed
	since time.Duration
	list  []DrillEvent
	// routes is the event of list that counts the routes which change now; -1 for none.
	routes   int
	routesAt time.Duration
}

// begin counts times from now on.
func (c *chronicle) begin(after string, at time.Duration, what, element string) {
	c.after, c.since, c.routes = after, at, -1
	c.add(at, what, element, "", "")
}

func (c *chronicle) add(at time.Duration, what, router, session, why string) {
	t := ms(at - c.since)
	c.list = append(c.list, DrillEvent{After: c.after, AtMs: t, UntilMs: t, What: what, At: router, Session: session, Why: why, Count: 1})
}

// tell takes what a simulator tells.
func (c *chronicle) tell(h *sim.Happening) {
	if c.after == "" {
		return
	}
	const established, up = "Established", "Up"
	switch h.What {
	case "route":
		if c.routes >= 0 && h.At-c.routesAt <= near {
			c.list[c.routes].UntilMs = ms(h.At - c.since)
			c.list[c.routes].Count++
		} else {
			c.routes = len(c.list)
			c.add(h.At, EventRoutes, h.Node, "", "")
		}
		c.routesAt = h.At
	case "session":
		switch {
		case h.To == established:
			c.add(h.At, EventSessionUp, h.Node, h.Session, "")
		case h.From == established:
			c.add(h.At, EventSessionDown, h.Node, h.Session, h.Why)
		}
	case "bfd":
		switch {
		case h.To == up:
			c.add(h.At, EventBFDUp, h.Node, h.Session, "")
		case h.From == up:
			c.add(h.At, EventBFDDown, h.Node, h.Session, h.Why)
		}
	case "limit":
		c.add(h.At, EventLimit, h.Node, h.Session, h.Why)
	case "error":
		c.add(h.At, EventError, h.Node, h.Session, h.Why)
	}
}

// rests tells that nothing more comes, and of a failure what the platform did meanwhile and told nobody: it stopped sending to the
// instances of a gateway that are gone.
func (c *chronicle) rests(u *ruins, at time.Duration) {
	defer c.add(at, EventQuiet, "", "", "")
	if u == nil {
		return
	}
	seen := map[string]bool{}
	for _, d := range u.detectors {
		if d.By == "notice" && !seen[d.Session] && d.timer.Upper <= at-c.since {
			seen[d.Session] = true
			c.add(c.since+d.timer.Upper, EventNotice, d.At, d.Session, "")
		}
	}
}

// addEvents adds another part's: what several parts of the estate saw is told once.
func (d *Drill) addEvents(list []DrillEvent) {
	own := len(d.Events)
	for _, e := range list {
		i := slices.IndexFunc(d.Events[:own], func(x DrillEvent) bool {
			return x.After == e.After && x.What == e.What && x.At == e.At && x.Session == e.Session && e.What != EventRoutes
		})
		if i < 0 {
			d.Events = append(d.Events, e)
		} else if e.What == EventQuiet { // all is quiet when every part is
			d.Events[i].AtMs = max(d.Events[i].AtMs, e.AtMs)
			d.Events[i].UntilMs = d.Events[i].AtMs
		}
	}
}

// Condensed is a list of events in the order of time, of which at most so many are told, at least two for each thing that can happen: of
// those of one kind and one cause the nearest in time are told as one; where that is not enough, whatever the cause.
func Condensed(list []DrillEvent, most int) []DrillEvent {
	out := slices.Clone(list)
	slices.SortStableFunc(out, func(a, b DrillEvent) int {
		return cmp.Or(strings.Compare(a.After, b.After), cmp.Compare(a.AtMs, b.AtMs), cmp.Compare(order(a.What), order(b.What)))
	})
	out = together(out)
	for _, cause := range []bool{true, false} {
		for len(out) > most {
			into, from := nearestAlike(out, cause)
			if into < 0 {
				break
			}
			out[into].take(&out[from])
			out = slices.Delete(out, from, from+1)
		}
	}
	return out
}

// take counts another event here.
func (e *DrillEvent) take(x *DrillEvent) {
	e.UntilMs = max(e.UntilMs, x.UntilMs)
	e.Count += x.Count
}

// class is what makes events alike.
type class struct{ after, what, why string }

// together joins events that are alike and near in time.
func together(list []DrillEvent) []DrillEvent {
	out := []DrillEvent{}
	last := map[class]int{}
	for i := range list {
		e := &list[i]
		k := class{e.After, e.What, e.Why}
		if j, ok := last[k]; ok && e.AtMs-out[j].UntilMs <= ms(near) {
			out[j].take(e)
			continue
		}
		last[k] = len(out)
		out = append(out, *e)
	}
	return out
}

// order is that of events at one time: cause before effect.
func order(what string) int {
	return slices.Index([]string{EventFail, EventRepair, EventBFDDown, EventLimit, EventError, EventSessionDown, EventNotice, EventBFDUp, EventSessionUp, EventRoutes, EventQuiet}, what)
}

// nearestAlike finds the two events of one kind, and one cause if it matters, with the least time between them; -1 where there are none.
func nearestAlike(list []DrillEvent, cause bool) (first, second int) {
	last := map[class]int{}
	first, second = -1, -1
	least := 0.0
	for i := range list {
		e := &list[i]
		k := class{e.After, e.What, e.Why}
		if !cause {
			k.why = ""
		}
		if j, ok := last[k]; ok {
			if gap := e.AtMs - list[j].UntilMs; first < 0 || gap < least {
				first, second, least = j, i, gap
			}
		}
		last[k] = i
	}
	return first, second
}

// losses are the runs of a probe's lost requests, after the failure and after the repair.
func (x *run) losses(q *sim.Probe) (failure, repair []LossSpan) {
	failure, repair = []LossSpan{}, []LossSpan{}
	list := q.Echoes()
	into, since := &failure, x.failed
	sent, last := 0, time.Duration(0) // since the last one of the run that was lost
	for i := range list {
		e := &list[i]
		if e.At >= x.ended-tail {
			break
		}
		if into == &failure && e.At >= x.repaired {
			into, since = &repair, x.repaired
		}
		sent++
		if e.Answered {
			continue
		}
		if n := len(*into); n > 0 && e.At-last <= turn {
			s := &(*into)[n-1]
			s.ToMs, s.Lost, s.Sent = ms(e.At+every-since), s.Lost+1, s.Sent+sent
		} else {
			*into = append(*into, LossSpan{FromMs: ms(e.At - since), ToMs: ms(e.At + every - since), Lost: 1, Sent: 1})
		}
		sent, last = 0, e.At
	}
	return fewer(failure), fewer(repair)
}

// fewer joins the runs that are nearest to each other until there are not too many. What was sent between them is not counted.
func fewer(list []LossSpan) []LossSpan {
	for len(list) > mostSpans {
		at := 0
		for i := range list[:len(list)-1] {
			if list[i+1].FromMs-list[i].ToMs < list[at+1].FromMs-list[at].ToMs {
				at = i
			}
		}
		a, b := &list[at], list[at+1]
		a.ToMs, a.Lost, a.Sent = b.ToMs, a.Lost+b.Lost, a.Sent+b.Sent
		list = slices.Delete(list, at+1, at+2)
	}
	return list
}
