package choose

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"onramp/catalog"
	"onramp/design"
	"onramp/intent"
)

// edit is one change of an intent.
type edit struct {
	words string
	apply func(e *intent.Estate)
	// gives tells that the change adds to what the organisation has, instead of taking from what it needs.
	gives bool
}

// with returns a copy of an estate with an edit applied.
func with(e *intent.Estate, edits ...edit) *intent.Estate {
	out := clone(e)
	for _, x := range edits {
		x.apply(out)
	}
	return out
}

// clone copies an estate as far as edits change it.
func clone(e *intent.Estate) *intent.Estate {
	out := *e
	out.LinesOfBusiness = slices.Clone(e.LinesOfBusiness)
	for i := range out.LinesOfBusiness {
		n := &out.LinesOfBusiness[i].Needs
		n.Services, n.Sites, n.IsolatedFrom, n.Reaches, n.Survives = slices.Clone(n.Services), slices.Clone(n.Sites), slices.Clone(n.IsolatedFrom), slices.Clone(n.Reaches), slices.Clone(n.Survives)
	}
	out.Premises.Sites = slices.Clone(e.Premises.Sites)
	for i := range out.Premises.Sites {
		out.Premises.Sites[i].Access = slices.Clone(out.Premises.Sites[i].Access)
	}
	if e.SharedServices != nil {
		s := *e.SharedServices
		out.SharedServices = &s
	}
	return &out
}

// needs changes the needs of one line of business.
func needs(name string, change func(n *intent.Needs)) func(*intent.Estate) {
	return func(e *intent.Estate) {
		for i := range e.LinesOfBusiness {
			if e.LinesOfBusiness[i].Name == name {
				change(&e.LinesOfBusiness[i].Needs)
			}
		}
	}
}

func without(list []string, word string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return s == word })
}

// How many unmet needs and lines of business are tried one by one; in a large estate the others are left to what the design
// suggests. The lines of business are those that need the most.
const (
	mostRelaxed = 8
	mostVaried  = 4
)

// relax finds for each need that the nearest pattern fails the cheapest edit with which that pattern meets it, and what all of
// these give together.
func (h *chooser) relax(best *trial) ([]Unmet, string) {
	out := slices.Clone(best.failed)
	var granted []edit
	tried := min(len(out), mostRelaxed)
	for i := range tried {
		u := &out[i]
		h.progress("relax", best.pattern, i, tried)
		var chosen *edit
		var chosenCost int64
		var words []string
		chosenOpen := false
		for _, x := range h.edits(best, *u) {
			t := h.try(with(h.e, x), best.pattern, nil)
			if t.unmet(u.LineOfBusiness, u.Need) || len(t.failed) >= len(best.failed) && u.Need != "budget" {
				continue
			}
			price, open := cents(t.figures.MonthlyUSD)-cents(best.figures.MonthlyUSD), x.gives && t.figures.AtLeast && !best.figures.AtLeast
			words = append(words, x.words+priceWords(price, open))
			// What has no published price is never taken for the cheapest.
			if chosen == nil || chosenOpen && !open || chosenOpen == open && price < chosenCost {
				chosen, chosenCost, chosenOpen = &x, price, open
				words[0], words[len(words)-1] = words[len(words)-1], words[0]
			}
		}
		if chosen != nil {
			u.Relaxation = strings.Join(words, "; or ")
			granted = append(granted, *chosen)
		}
	}
	h.progress("relax", best.pattern, tried, tried)
	if len(granted) == 0 || tried < len(out) {
		return out, ""
	}
	t := h.try(with(h.e, granted...), best.pattern, nil)
	if !t.fits() {
		return out, ""
	}
	what := "with this"
	if len(granted) > 1 {
		what = "with all of these"
	}
	return out, fmt.Sprintf("%s %s meets every need, for %s a month", what, best.pattern, usdWords(t.figures.MonthlyUSD, t.figures.AtLeast))
}

func usdWords(usd float64, atLeast bool) string {
	if atLeast {
		return fmt.Sprintf("at least %.2f USD", usd)
	}
	return fmt.Sprintf("%.2f USD", usd)
}

func priceWords(c int64, open bool) string {
	switch {
	case open:
		return " (what the provider asks for it is not published)"
	case c > 0:
		return fmt.Sprintf(" (%.2f USD a month more)", float64(c)/100)
	case c < 0:
		return fmt.Sprintf(" (%.2f USD a month less)", -float64(c)/100)
	}
	return " (for the same cost)"
}

// edits lists the changes that could meet a need.
func (h *chooser) edits(best *trial, u Unmet) []edit {
	name := u.LineOfBusiness
	drop := func(words string, change func(n *intent.Needs)) edit {
		return edit{words: words, apply: needs(name, change)}
	}
	switch u.Need {
	case "bandwidth":
		return h.lessBandwidth(best, u)
	case "latency":
		for _, l := range best.proof.Figures.LinesOfBusiness {
			if l.LineOfBusiness == name {
				ms := math.Ceil(l.WorstLatencyMs)
				to, err := intent.ParseLatency(strconv.FormatFloat(ms, 'f', -1, 64) + " ms")
				if err == nil && ms > 0 {
					return []edit{drop(fmt.Sprintf("allow %s a latency of %s", name, to), func(n *intent.Needs) { n.Latency = to })}
				}
			}
		}
	case "budget":
		to := intent.USD(float64((cents(best.figures.MonthlyUSD) + 99) / 100))
		return []edit{{words: "raise the budget to " + to.String(), apply: func(e *intent.Estate) { e.Budget = &to }}}
	case "dedicated":
		return []edit{drop("let "+name+" share a circuit (dedicated: false)", func(n *intent.Needs) { n.Dedicated = false })}
	case "inspect":
		return []edit{{words: "leave out inspection (sharedServices.inspect: false)", apply: func(e *intent.Estate) {
			if e.SharedServices != nil {
				e.SharedServices.Inspect = false
			}
		}}}
	case "availability":
		return []edit{drop("leave out the availability of "+name, func(n *intent.Needs) { n.Availability = 0 })}
	case "voice":
		return []edit{drop("leave out the voice of "+name, func(n *intent.Needs) { n.Voice = false })}
	case "isolatedFrom":
		return []edit{drop("leave out the isolatedFrom of "+name, func(n *intent.Needs) { n.IsolatedFrom = nil })}
	case "reaches":
		return []edit{drop("leave out the reaches of "+name, func(n *intent.Needs) { n.Reaches = nil })}
	}
	if kind, ok := strings.CutPrefix(u.Need, "survives."); ok {
		out := []edit{drop(fmt.Sprintf("leave %s out of what %s survives", kind, name), func(n *intent.Needs) { n.Survives = without(n.Survives, kind) })}
		return append(out, h.secondAccess(best, kind)...)
	}
	return nil
}

// lessBandwidth looks for the most that a line of business can be given.
func (h *chooser) lessBandwidth(best *trial, u Unmet) []edit {
	var now intent.Mbps
	for i := range h.e.LinesOfBusiness {
		if h.e.LinesOfBusiness[i].Name == u.LineOfBusiness {
			now = h.e.LinesOfBusiness[i].Needs.Bandwidth
		}
	}
	give := func(m intent.Mbps) edit {
		return edit{words: fmt.Sprintf("give %s %s instead of %s", u.LineOfBusiness, m, now), apply: needs(u.LineOfBusiness, func(n *intent.Needs) { n.Bandwidth = m })}
	}
	met := func(m intent.Mbps) bool {
		return !h.try(with(h.e, give(m)), best.pattern, nil).unmet(u.LineOfBusiness, u.Need)
	}
	low, high := intent.Mbps(0), now // met at low, not at high
	if now < 2 || !met(1) {
		return nil
	}
	for low = 1; high-low > max(1, now/100); {
		if mid := (low + high) / 2; met(mid) {
			low = mid
		} else {
			high = mid
		}
	}
	return []edit{give(low)}
}

// secondAccess offers one more access, of a provider that the catalogue lists, for the sites that have one: another location, and
// another provider where that is what has to survive. Its price is not published.
func (h *chooser) secondAccess(best *trial, kind string) []edit {
	if kind != "location" && kind != "provider" && kind != "circuit" {
		return nil
	}
	for i := range h.e.Premises.Sites {
		s := &h.e.Premises.Sites[i]
		if len(s.Access) == 0 || s.Access[0].Model == intent.Direct {
			continue
		}
		have := s.Access[0]
		here, ok := h.c.Location(have.Location)
		if !ok {
			continue
		}
		var found *catalog.Offer
		km := math.Inf(1)
		for _, x := range h.c.Offers() {
			l, ok := h.c.Location(x.Location)
			same := x.Provider == have.Provider
			if !ok || x.Status != "active" || x.ServicesKnown && !x.Azure || l.Cloud != here.Cloud || l.GeopoliticalRegion != here.GeopoliticalRegion ||
				kind == "location" && (l.Name == here.Name || !same) || kind == "provider" && (same || l.Name != here.Name) || kind == "circuit" && l.Name == here.Name && same {
				continue
			}
			if d := catalog.DistanceKM(s.At.Latitude, s.At.Longitude, l.Latitude, l.Longitude); d < km {
				km, found = d, &x
			}
		}
		if found == nil {
			continue
		}
		index := i
		a := intent.Access{Provider: found.Provider, Model: have.Model, Bandwidth: have.Bandwidth, Location: found.Location}
		return []edit{{words: fmt.Sprintf("add an access of %s at %s with %s for %s", a.Provider, a.Location, a.Bandwidth, s.Name), gives: true,
			apply: func(e *intent.Estate) {
				e.Premises.Sites[index].Access = append(e.Premises.Sites[index].Access, a)
			}}}
	}
	return nil
}

// vary tries single changes of the intent and keeps those that lead to another pattern.
func (h *chooser) vary(best *trial) []Change {
	type variation struct {
		key   string
		steps []string // thresholds in words, mildest first
		apply func(e *intent.Estate, step int)
	}
	var all []variation
	for _, i := range h.largest(mostVaried) {
		l, index := &h.e.LinesOfBusiness[i], i
		key := "linesOfBusiness." + l.Name + ".needs."
		if l.Needs.Dedicated {
			all = append(all, variation{key + "dedicated", []string{"false"}, func(e *intent.Estate, _ int) { e.LinesOfBusiness[index].Needs.Dedicated = false }})
		} else {
			all = append(all, variation{key + "dedicated", []string{"true"}, func(e *intent.Estate, _ int) { e.LinesOfBusiness[index].Needs.Dedicated = true }})
		}
		if b := l.Needs.Bandwidth; b > 0 {
			factors := []int{2, 4, 8}
			v := variation{key: key + "bandwidth", apply: func(e *intent.Estate, step int) {
				e.LinesOfBusiness[index].Needs.Bandwidth = b * intent.Mbps(factors[step])
			}}
			for _, f := range factors {
				v.steps = append(v.steps, (b * intent.Mbps(f)).String())
			}
			all = append(all, v)
		}
	}
	if s := h.e.SharedServices; s != nil && s.Inspect {
		all = append(all, variation{"sharedServices.inspect", []string{"false"}, func(e *intent.Estate, _ int) { e.SharedServices.Inspect = false }})
	} else if s != nil {
		all = append(all, variation{"sharedServices.inspect", []string{"true"}, func(e *intent.Estate, _ int) { e.SharedServices.Inspect = true }})
	}
	egress := []float64{10000, 100000, 1000000}
	v := variation{key: "traffic.monthlyEgressGB", apply: func(e *intent.Estate, step int) {
		e.Traffic.MonthlyEgressGB = max(egress[step], e.Traffic.MonthlyEgressGB)
	}}
	for _, gb := range egress {
		v.steps = append(v.steps, strconv.FormatFloat(gb, 'f', -1, 64))
	}
	all = append(all, v)
	out := []Change{}
	for i, v := range all {
		h.progress("vary", best.pattern, i, len(all))
		var to design.Pattern
		// The far end first: where that changes nothing the steps before it are taken to change nothing either.
		last := len(v.steps) - 1
		if to = h.pick(with(h.e, edit{apply: func(e *intent.Estate) { v.apply(e, last) }})); to == best.pattern {
			continue
		}
		at := last
		for step := range last {
			if p := h.pick(with(h.e, edit{apply: func(e *intent.Estate) { v.apply(e, step) }})); p != best.pattern {
				at, to = step, p
				break
			}
		}
		out = append(out, Change{Key: v.key, Threshold: v.steps[at], Pattern: to})
	}
	if !best.figures.AtLeast || h.e.Budget != nil {
		out = append(out, Change{Key: "budget", Threshold: fmt.Sprintf("less than %.2f USD", best.figures.MonthlyUSD), Pattern: h.cheaper(best)})
	}
	h.progress("vary", best.pattern, len(all), len(all))
	return out
}

// largest are the lines of business that need the most bandwidth, in the order of the file.
func (h *chooser) largest(n int) []int {
	order := make([]int, len(h.e.LinesOfBusiness))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Compare(h.e.LinesOfBusiness[b].Needs.Bandwidth, h.e.LinesOfBusiness[a].Needs.Bandwidth)
	})
	order = order[:min(n, len(order))]
	slices.Sort(order)
	return order
}

// cheaper is the pattern that would be chosen if the best were too dear.
func (h *chooser) cheaper(best *trial) design.Pattern {
	to := intent.USD(best.figures.MonthlyUSD - 0.01)
	return h.pick(with(h.e, edit{apply: func(e *intent.Estate) { e.Budget = &to }}))
}

// pick chooses without telling why: it proves the patterns in the order of their cost until one fits. Empty when none does.
func (h *chooser) pick(e *intent.Estate) design.Pattern {
	var candidates, others []*trial
	for _, p := range design.Patterns() {
		t := h.compile(e, p)
		switch {
		case t.design == nil || len(t.failed) > 0:
		case h.candidate(e, p):
			candidates = append(candidates, t)
		case h.forced(e) == "":
			others = append(others, t)
		}
	}
	for _, group := range [][]*trial{candidates, others} {
		slices.SortStableFunc(group, compareCost)
		for _, t := range group {
			if h.prove(e, t, nil); t.fits() {
				return t.pattern
			}
		}
	}
	return ""
}
