package choose

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"onramp/catalog"
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

// mostRelaxed is how many unmet needs are tried one by one; in a large estate the others are left to what the design suggests.
const mostRelaxed = 8

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
			t := h.try(with(h.e, x), best.pattern)
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
	t := h.try(with(h.e, granted...), best.pattern)
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
		for _, l := range best.proof.Figures.LinesOfBusiness {
			if a := l.Availability; l.LineOfBusiness == name && a != nil {
				if to := math.Floor(a.Lower*1e4) / 1e4; to > 0 {
					return []edit{drop(fmt.Sprintf("ask for %s an availability of %s", name, strconv.FormatFloat(to, 'f', -1, 64)), func(n *intent.Needs) { n.Availability = to })}
				}
			}
		}
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
		return !h.try(with(h.e, give(m)), best.pattern).unmet(u.LineOfBusiness, u.Need)
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
