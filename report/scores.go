package report

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"onramp/rehearse"
)

// What the drills say beside outages: the resiliency index that they earn, what bandwidth is left, and whether anybody hears another.

// scores is that part of the page.
type scores struct {
	Index     *table // a row for gateways that are alike; nil without any
	Raises    *table // what would raise it; nil where nothing would
	Bandwidth *table // who gets less than they need in which drill; nil where everybody gets all
	Measured  string // of bandwidth, in words; empty where none was measured
	Isolation string // empty where nobody is to be isolated
	Leaks     *table
}

// mostShort is how many rows of too little bandwidth are shown.
const mostShort = 40

func (x *rehearsalWriter) scores() scores {
	var s scores
	s.index(&x.r.Resiliency)
	s.bandwidth(x.r)
	s.isolation(x.r)
	return s
}

// Empty tells whether there is nothing of it.
func (s scores) Empty() bool { return s.Index == nil && s.Measured == "" && s.Isolation == "" }

// points are a part's, or an index's: a range where something of it is not published.
func points(from, to float64) string {
	a, b := strconv.FormatFloat(from, 'f', -1, 64), strconv.FormatFloat(to, 'f', -1, 64)
	if a == b {
		return a
	}
	return a + " to " + b
}

func (s *scores) index(r *rehearse.Resiliency) {
	if len(r.Gateways) == 0 {
		return
	}
	type kind struct {
		first *rehearse.Index
		names []string
	}
	var kinds []*kind
	at := map[string]*kind{}
	for i := range r.Gateways {
		g := &r.Gateways[i]
		key := strings.Join(g.Locations, "\x00")
		for _, p := range g.Parts {
			key += "\x00" + points(p.Points, p.UpTo)
			for _, raise := range p.Raise {
				key += "\x00" + fmt.Sprint(raise.Points)
			}
		}
		k := at[key]
		if k == nil {
			k = &kind{first: g}
			at[key] = k
			kinds = append(kinds, k)
		}
		k.names = append(k.names, g.Gateway)
	}
	slices.SortStableFunc(kinds, func(a, b *kind) int { return cmp.Compare(a.first.Score, b.first.Score) })
	s.Index = &table{Caption: "The resiliency index, as the portal would show it", Note: "Points, the weakest gateway first. What is not published makes it a range. Of gateways that are alike the first one's reasons are told.",
		Head: []cell{text("Gateway"), text("Peering locations"), {Text: "Index", Num: true}, {Text: "Routes", Num: true}, {Text: "Failover tests", Num: true}, {Text: "Gateway", Num: true}, {Text: "Advisor", Num: true}, text("Why")}}
	s.Raises = &table{Caption: "What would raise it", Head: []cell{text("Gateway"), text("What to do"), {Text: "Points", Num: true}}}
	for _, k := range kinds {
		g := k.first
		name := list(k.names, mostNamed)
		row := []cell{text(name), text(strings.Join(g.Locations, ", ")), num(points(g.Score, g.UpTo) + " of " + points(g.Most, g.Most))}
		var why []string
		for _, part := range []string{rehearse.RoutePart, rehearse.TestPart, rehearse.GatewayPart, rehearse.AdvisorPart} {
			i := slices.IndexFunc(g.Parts, func(p rehearse.IndexPart) bool { return p.Name == part })
			if i < 0 {
				row = append(row, num("–"))
				continue
			}
			p := &g.Parts[i]
			row = append(row, num(points(p.Points, p.UpTo)))
			why = append(why, p.Why)
			for _, raise := range p.Raise {
				by := points(raise.Points, raise.Points)
				if !raise.Certain {
					by = "up to " + by
				}
				s.Raises.Rows = append(s.Raises.Rows, []cell{text(name), text(raise.How), num(by)})
			}
		}
		s.Index.Rows = append(s.Index.Rows, append(row, text(strings.Join(why, "; "))))
	}
	s.Index = s.Index.folded()
	if s.Raises = s.Raises.folded(); len(s.Raises.Rows) == 0 {
		s.Raises = nil
	}
}

// lowest is the weakest gateway's index; nil where there is none.
func lowest(r *rehearse.Resiliency) *rehearse.Index {
	var out *rehearse.Index
	for i := range r.Gateways {
		if g := &r.Gateways[i]; out == nil || g.Score < out.Score {
			out = g
		}
	}
	return out
}

func (s *scores) bandwidth(r *rehearse.Result) {
	type line struct {
		drill string
		b     *rehearse.LineBandwidth
	}
	var short []line
	measured, drills := 0, 0
	for i := range r.Drills {
		d := &r.Drills[i]
		if len(d.Bandwidth) > 0 {
			drills++
		}
		for k := range d.Bandwidth {
			measured++
			// One per cent is what measuring may be off.
			if b := &d.Bandwidth[k]; b.Got < 0.99*b.Needed {
				short = append(short, line{d.ID, b})
			}
		}
	}
	if measured == 0 {
		return
	}
	s.Measured = fmt.Sprintf("What each line of business gets was measured in %s %s whose failure moves traffic, with everybody sending all that they need at once: ", thousands(drills), plural(drills, "drill"))
	if len(short) == 0 {
		s.Measured += "everybody gets all that they need."
		return
	}
	s.Measured += fmt.Sprintf("in %s of %s cases somebody gets less than they need.", thousands(len(short)), thousands(measured))
	slices.SortStableFunc(short, func(a, b line) int { return cmp.Compare(a.b.Got/a.b.Needed, b.b.Got/b.b.Needed) })
	s.Bandwidth = &table{Caption: "Who gets less bandwidth than they need", Head: []cell{text("What fails"), text("Line of business"), text("Direction"), {Text: "Needed", Num: true}, {Text: "By the capacities", Num: true},
		{Text: "Got", Num: true}, text("What is too small")}}
	for _, x := range short[:min(mostShort, len(short))] {
		mbps := func(v float64) cell { return num(strconv.FormatFloat(v, 'f', 1, 64) + " Mbps") }
		s.Bandwidth.Rows = append(s.Bandwidth.Rows, []cell{text(x.drill), text(or(x.b.LineOfBusiness, "everybody")), text(x.b.Direction), mbps(x.b.Needed), mbps(x.b.Expected), mbps(x.b.Got), text(or(x.b.Limit, "–"))})
	}
	if n := len(short) - mostShort; n > 0 {
		s.Bandwidth.Note = fmt.Sprintf("The %d that get the least of it; --json has %d more.", mostShort, n)
	}
	s.Bandwidth = s.Bandwidth.folded()
}

func (s *scores) isolation(r *rehearse.Result) {
	if r.Isolated.Tried+r.Isolated.Apart == 0 {
		return
	}
	sent, seen := 0, 0
	t := &table{Caption: "Packets of one line of business that another got", Head: []cell{text("Drill"), text("From"), text("To"), text("When"), text("The proof says"), {Text: "Sent", Num: true}, {Text: "Seen", Num: true}}}
	for i := range r.Drills {
		d := &r.Drills[i]
		sent, seen = sent+d.Isolation.Sent, seen+d.Isolation.Seen
		for _, l := range d.Isolation.Leaks {
			if len(t.Rows) == mostShort {
				t.Note = "The first of them; --json has all."
				continue
			}
			t.Rows = append(t.Rows, []cell{text(d.ID), text(l.From + ", " + l.Source), text(l.To + ", " + l.Destination), text(whenWords(l.When)), text(l.Proof), num(thousands(l.Sent)), {Text: thousands(l.Seen), Num: true, Mark: "bad"}})
		}
	}
	if r.Isolated.Tried > 0 {
		s.Isolation = fmt.Sprintf("Of lines of business that are to be isolated from each other %s %s tried in every drill that can touch them: of %s packets %s got through. ",
			thousands(r.Isolated.Tried)+" "+plural(r.Isolated.Tried, "pair"), map[bool]string{true: "was", false: "were"}[r.Isolated.Tried == 1], thousands(sent), or(map[bool]string{true: "none"}[seen == 0], thousands(seen)))
	}
	if n := r.Isolated.Apart; n > 0 {
		s.Isolation += fmt.Sprintf("Between %s %s of them there is nothing that a packet could be sent on.", thousands(n), plural(n, "pair"))
	}
	if len(t.Rows) > 0 {
		s.Leaks = t.folded()
	}
}
