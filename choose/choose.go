// Package choose compares the four patterns for one intent: it lets each make a design, proves, checks and prices it, and
// picks the one that meets every need for the lowest known cost. Where none does it says which need of whom fails, why, and
// which relaxation, tried out, would do. It decides no route, no design and no price: the packages below do.
//
// Candidates are the patterns whose reason was asked for: shared always, those with a circuit for each line of business if one
// is dedicated, those with hubs if there are shared services. If no candidate fits, the others are looked at. Source: the
// guidance on the four patterns.
package choose

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"onramp/catalog"
	"onramp/cost"
	"onramp/design"
	"onramp/intent"
	"onramp/prove"
)

// Options are what a choice may be told besides the estate.
type Options struct {
	// Keep is an earlier design; its allocations stay.
	Keep *design.Design
	// Pattern, if not empty, is the one to use, whatever the intent says.
	Pattern design.Pattern
	// Brief leaves out what only people who compare want: relaxations that were tried, and what would change the answer.
	Brief bool
	// Progress, if not nil, is called as the work goes on: stage is "design", "prove", "relax" or "vary".
	Progress func(stage string, p design.Pattern, done, total int)
}

// Choice is the answer, as choice.json holds it.
type Choice struct {
	Name string `json:"name"`
	// Chosen is null when no pattern meets every need; Nearest then is the one with the fewest unmet.
	Chosen  *design.Pattern `json:"chosen" enum:"shared,shared-hub-spoke,isolated,isolated-hub-spoke"`
	Nearest design.Pattern  `json:"nearest" enum:"shared,shared-hub-spoke,isolated,isolated-hub-spoke"`
	// Unmet are the needs that the nearest pattern fails; empty when one was chosen.
	Unmet []Unmet `json:"unmet"`
	// Together says what the relaxations give when all are granted; empty when one was chosen or they do not do.
	Together string `json:"together"`
	// Ranked has all four patterns, the best first.
	Ranked []Ranked `json:"ranked"`
	// WouldChange lists single changes of the intent that lead to another pattern, each tried out; in a large estate those of the
	// lines of business that need the most.
	WouldChange []Change `json:"wouldChange"`
}

// Unmet is a need that no pattern meets.
type Unmet struct {
	// LineOfBusiness is whose need it is, empty when it is everybody's.
	LineOfBusiness string `json:"lineOfBusiness"`
	// Need is the key's path: survives.location, bandwidth, budget ...
	Need string `json:"need"`
	Why  string `json:"why"`
	// Relaxation is the cheapest change of the intent, of those tried, with which the need is met; what the design suggests
	// where none of those tried does.
	Relaxation string `json:"relaxation"`
}

// Ranked is one pattern with its figures.
type Ranked struct {
	Pattern   design.Pattern `json:"pattern" enum:"shared,shared-hub-spoke,isolated,isolated-hub-spoke"`
	Candidate bool           `json:"candidate"`
	Fits      bool           `json:"fits"`
	// Proved is false for a pattern that cannot be designed and, in a large estate, for those that could not be chosen: it is
	// designed and priced then, and the figures that come of a proof are 0.
	Proved bool `json:"proved"`
	// FailedNeeds are the paths of the needs that fail, without repetition; Failed says whose and why.
	FailedNeeds []string `json:"failedNeeds"`
	Failed      []Unmet  `json:"failed"`
	Why         string   `json:"why"`
	// SavingUSD is what the chosen pattern saves a month against this one, in known cost; negative when this one costs less.
	SavingUSD float64 `json:"savingUSD"`
	Figures   Figures `json:"figures"`
}

// Figures are what patterns are compared by.
type Figures struct {
	MonthlyUSD float64 `json:"monthlyUSD"` // known part
	AtLeast    bool    `json:"atLeast"`    // something has no published price
	Circuits   int     `json:"circuits"`
	Gateways   int     `json:"gateways"`
	Firewalls  int     `json:"firewalls"`
	// Peerings counts pairs of peered VNets.
	Peerings        int     `json:"peerings"`
	BGPSessions     int     `json:"bgpSessions"`     // of the premises' and the providers' routers
	TransitPrefixes int     `json:"transitPrefixes"` // link subnets
	WorstShareMbps  float64 `json:"worstShareMbps"`
	BlastRadius     float64 `json:"blastRadius"`
	Headroom        float64 `json:"headroom"`
	// Limits and Room are as in the proof; Shares the worst share of each line of business; Blasts the elements whose single failure
	// stops the most, ten at most, and Bills what each line of business pays a month.
	Limits       []prove.Limit `json:"limits"`
	Room         prove.Room    `json:"room"`
	Shares       []Share       `json:"shares"`
	Blasts       []Blast       `json:"blasts"`
	Bills        []cost.Part   `json:"bills"`
	LatencyMs    float64       `json:"latencyMs"`
	Availability *float64      `json:"availability"` // percent; null while unknown
}

// Share is what a line of business is left with when all others take as much as they can get.
type Share struct {
	LineOfBusiness string  `json:"lineOfBusiness"`
	Mbps           float64 `json:"mbps"`
}

// Blast is how much of all needed flows one element's failure stops, from 0 to 1.
type Blast struct {
	Element string  `json:"element"`
	Radius  float64 `json:"radius"`
}

// mostBlasts is how many elements are named.
const mostBlasts = 10

// Change is a single change of the intent that leads to another pattern.
type Change struct {
	Key string `json:"key"` // the path in the intent, as Set takes it
	// Threshold is the nearest value with which it does, Unchanged the one next to it with which it does not.
	Threshold string `json:"threshold"`
	Unchanged string `json:"unchanged"`
	// Pattern is what is chosen then; empty when nothing fits any more.
	Pattern design.Pattern `json:"pattern"`
}

// Answer is a choice with everything that it rests on.
type Answer struct {
	Choice  Choice
	Designs map[design.Pattern]*design.Design
	Proofs  map[design.Pattern]*prove.Result
	Bills   map[design.Pattern]*cost.Bill
	// Best is the chosen pattern, or the nearest.
	Best design.Pattern
}

// Choose compares the patterns. The error says that no pattern gives any design at all.
func Choose(e *intent.Estate, c *catalog.Catalog, o Options) (*Answer, error) {
	h := &chooser{e: e, c: c, o: o}
	trials := map[design.Pattern]*trial{}
	h.tryAll(e, trials)
	ranked := h.rank(e, trials)
	best := ranked[0]
	if !best.fits() {
		best = nearest(ranked, h.forced(e))
	}
	if best.design == nil {
		return nil, nothing(ranked)
	}
	a := &Answer{Designs: map[design.Pattern]*design.Design{}, Proofs: map[design.Pattern]*prove.Result{}, Bills: map[design.Pattern]*cost.Bill{}, Best: best.pattern}
	a.Choice = Choice{Name: e.Name, Nearest: best.pattern, Unmet: []Unmet{}, Ranked: []Ranked{}, WouldChange: []Change{}}
	switch {
	case best.fits():
		p := best.pattern
		a.Choice.Chosen = &p
		if !o.Brief {
			a.Choice.WouldChange = h.vary(best)
		}
	case o.Brief:
		a.Choice.Unmet = best.failed
	default:
		a.Choice.Unmet, a.Choice.Together = h.relax(best)
	}
	for _, t := range ranked {
		a.Choice.Ranked = append(a.Choice.Ranked, h.row(t, best))
		if t.design != nil {
			a.Designs[t.pattern], a.Proofs[t.pattern], a.Bills[t.pattern] = t.design, t.proof, t.bill
		}
	}
	return a, nil
}

// nothing is the error of an estate for which no design can be made.
func nothing(ranked []*trial) error {
	var why []string
	for _, t := range ranked {
		for _, u := range t.failed {
			if s := u.Why + "; " + u.Relaxation; !slices.Contains(why, s) {
				why = append(why, s)
			}
		}
	}
	return errors.New("no pattern gives a design: " + strings.Join(why, "; "))
}

// largeEstate is the number of networks from which on only patterns that may be chosen are proved.
const largeEstate = 400

// large tells whether an estate is one of which not every pattern is proved.
func (h *chooser) large(e *intent.Estate) bool {
	n := 0
	for i := range e.LinesOfBusiness {
		n += len(e.LinesOfBusiness[i].Networks)
	}
	return n >= largeEstate
}

// tryAll tries every pattern; in a large estate it proves them only until one can be chosen.
func (h *chooser) tryAll(e *intent.Estate, trials map[design.Pattern]*trial) {
	patterns := design.Patterns()
	all := make([]*trial, len(patterns))
	each(len(patterns), func(i int) { all[i] = h.compile(e, patterns[i]) })
	tell := func(t *trial, done, total int) { h.progress("prove", t.pattern, done, total) }
	if h.large(e) {
		h.proveUntilOneFits(e, all, tell)
	} else {
		h.prove(all, tell)
	}
	for i, t := range all {
		trials[t.pattern] = t
		h.progress("design", t.pattern, i+1, len(all))
	}
}

// proveUntilOneFits proves those that nothing speaks against, as they would be chosen, and what fails least if none of them fits.
func (h *chooser) proveUntilOneFits(e *intent.Estate, all []*trial, tell func(t *trial, done, total int)) {
	byPattern := map[design.Pattern]*trial{}
	for _, t := range all {
		byPattern[t.pattern] = t
	}
	for {
		t := h.rank(e, byPattern)[0]
		if !t.unproved() {
			return // it fits, or fails whatever a proof would say of the others
		}
		h.prove([]*trial{t}, tell)
	}
}

type chooser struct {
	e *intent.Estate
	c *catalog.Catalog
	o Options
}

func (h *chooser) progress(stage string, p design.Pattern, done, total int) {
	if h.o.Progress != nil {
		h.o.Progress(stage, p, done, total)
	}
}

// forced is the one pattern to use, empty for a free choice.
func (h *chooser) forced(e *intent.Estate) design.Pattern {
	if h.o.Pattern != "" {
		return h.o.Pattern
	}
	if e.Pattern != "" && e.Pattern != "auto" {
		return design.Pattern(e.Pattern)
	}
	return ""
}

// candidate tells whether a pattern's reasons were asked for.
func (h *chooser) candidate(e *intent.Estate, p design.Pattern) bool {
	if f := h.forced(e); f != "" {
		return p == f
	}
	if p.CircuitPerLineOfBusiness() && !slices.ContainsFunc(e.LinesOfBusiness, func(l intent.LineOfBusiness) bool { return l.Needs.Dedicated }) {
		return false
	}
	return !p.HubAndSpoke() || e.SharedServices != nil
}

// rank sorts the trials: what fits first, candidates before others; then by known cost, number of parts, and the patterns'
// own order. What does not fit is sorted by how much it fails. A forced pattern that does not fit leaves nothing that fits.
func (h *chooser) rank(e *intent.Estate, trials map[design.Pattern]*trial) []*trial {
	forced := h.forced(e)
	var out []*trial
	for _, p := range design.Patterns() {
		if t := trials[p]; t != nil {
			out = append(out, t)
		}
	}
	class := func(t *trial) int {
		switch {
		case forced != "" && t.pattern == forced:
			return 0
		case forced == "" && t.fits() && h.candidate(e, t.pattern):
			return 0
		case forced == "" && t.unproved() && len(t.failed) == 0 && h.candidate(e, t.pattern):
			return 0 // it would be the one, as far as is known
		case t.fits():
			return 1
		case t.unproved() && len(t.failed) == 0:
			return 2
		case t.design != nil:
			return 3
		}
		return 4
	}
	slices.SortStableFunc(out, func(a, b *trial) int {
		by := class(a) - class(b)
		if by == 0 && len(a.failed)+len(b.failed) > 0 {
			by = cmp.Or(len(a.failed)-len(b.failed), unasked(h, e, a)-unasked(h, e, b))
		}
		return cmp.Or(by, compareCost(a, b))
	})
	return out
}

// unasked is 1 for a pattern that is no candidate.
func unasked(h *chooser, e *intent.Estate, t *trial) int {
	if h.candidate(e, t.pattern) {
		return 0
	}
	return 1
}

// compareCost puts the lower known cost first, then the fewer parts.
func compareCost(a, b *trial) int {
	return cmp.Or(cmp.Compare(cents(a.figures.MonthlyUSD), cents(b.figures.MonthlyUSD)), cmp.Compare(a.figures.parts(), b.figures.parts()))
}

func cents(usd float64) int64 { return int64(usd*100 + 0.5) }

func (f *Figures) parts() int { return f.Circuits + f.Gateways + f.Firewalls + f.Peerings }

// nearest is the pattern that fails least of those with a design; the forced one, where there is one with a design.
func nearest(ranked []*trial, forced design.Pattern) *trial {
	for _, t := range ranked {
		if t.pattern == forced && t.design != nil {
			return t
		}
	}
	for _, t := range ranked {
		if t.design != nil {
			return t
		}
	}
	return ranked[0]
}

// row is a trial as the ranking shows it.
func (h *chooser) row(t, best *trial) Ranked {
	r := Ranked{Pattern: t.pattern, Candidate: h.candidate(h.e, t.pattern), Fits: t.fits(), Proved: t.proof != nil, FailedNeeds: []string{}, Failed: t.failed, Figures: t.figures}
	if r.Failed == nil {
		r.Failed = []Unmet{}
	}
	for _, u := range t.failed {
		if !slices.Contains(r.FailedNeeds, u.Need) {
			r.FailedNeeds = append(r.FailedNeeds, u.Need)
		}
	}
	slices.Sort(r.FailedNeeds)
	if t.design != nil {
		r.SavingUSD = float64(cents(t.figures.MonthlyUSD)-cents(best.figures.MonthlyUSD)) / 100
	}
	r.Why = h.why(t, best, &r)
	return r
}

// why is the reason for a pattern's place, in a sentence.
func (h *chooser) why(t, best *trial, r *Ranked) string {
	if t.design == nil {
		return "cannot be designed: " + t.failed[0].Why
	}
	if t.unproved() && len(t.failed) == 0 {
		return "not proved: in an estate of this size only what may be chosen is"
	}
	if !t.fits() {
		var needs []string
		for _, need := range r.FailedNeeds {
			var who []string
			for _, u := range t.failed {
				if u.Need == need && u.LineOfBusiness != "" && !slices.Contains(who, u.LineOfBusiness) {
					who = append(who, u.LineOfBusiness)
				}
			}
			if len(who) > 0 {
				need += " of " + list(who)
			}
			needs = append(needs, need)
		}
		return "fails " + strings.Join(needs, "; ")
	}
	switch {
	case t == best && h.forced(h.e) != "":
		return "meets every need, and is the one asked for"
	case t == best:
		return "meets every need for the lowest known cost of the patterns asked for"
	case !r.Candidate && h.forced(h.e) == "":
		return "meets every need" + against(r, best) + "; nobody asked for " + h.unasked(t.pattern)
	}
	return "meets every need" + against(r, best)
}

// against compares a pattern with the best.
func against(r *Ranked, best *trial) string {
	switch {
	case r.SavingUSD > 0:
		return fmt.Sprintf(", for %.2f USD a month more than %s", r.SavingUSD, best.pattern)
	case r.SavingUSD < 0:
		return fmt.Sprintf(", for %.2f USD a month less than %s", -r.SavingUSD, best.pattern)
	case r.Figures.parts() > best.figures.parts():
		return fmt.Sprintf(", for the same cost with %d parts instead of %d", r.Figures.parts(), best.figures.parts())
	}
	return ""
}

// mostNamed is how many a sentence names before it counts the rest.
const mostNamed = 5

// list joins words for a sentence: "a, b and c".
func list(words []string) string {
	if rest := len(words) - mostNamed; rest > 1 {
		words = append(slices.Clone(words[:mostNamed]), fmt.Sprintf("%d more", rest))
	}
	if n := len(words) - 1; n > 0 {
		return strings.Join(words[:n], ", ") + " and " + words[n]
	}
	return strings.Join(words, "")
}

// unasked says what a pattern has that nobody asked for.
func (h *chooser) unasked(p design.Pattern) string {
	var out []string
	if p.CircuitPerLineOfBusiness() && !h.candidate(h.e, design.Isolated) {
		out = append(out, "circuits of their own")
	}
	if p.HubAndSpoke() && h.e.SharedServices == nil {
		out = append(out, "a hub")
	}
	return strings.Join(out, " or ")
}
