package choose

import (
	"cmp"
	"fmt"
	"iter"
	"math"
	"slices"
	"strconv"
	"strings"

	"onramp/catalog"
	"onramp/design"
	"onramp/intent"
)

// How far the search for what would change the answer goes. Of the lines of business those that need the most are varied; in a
// large estate, where one answer takes seconds, only the first of them.
const (
	mostVaried   = 4
	mostMbps     = 100_000
	mostEgressGB = 10_000_000
	moreNetworks = 32 // than there are: what a proof of hundreds would take, nobody waits for
)

// Keys of an intent that Set changes: those of a line of business follow "linesOfBusiness.NAME.".
const (
	keyBandwidth = "needs.bandwidth"
	keyDedicated = "needs.dedicated"
	keyVoice     = "needs.voice"
	keySurvives  = "needs.survives."     // and a kind of element
	keyIsolated  = "needs.isolatedFrom." // and a line of business
	keyReaches   = "needs.reaches."      // and a line of business, or shared
	keyNetworks  = "networks"            // their number
	keyInspect   = "sharedServices.inspect"
	keyTraffic   = "traffic.monthlyEgressGB"
	keyBudget    = "budget"
)

// Set returns a copy of an intent with one key changed, in the notation of Change: a path such as
// linesOfBusiness.finance.needs.bandwidth and a value such as "400 Mbps". A member of a list is a key with the value true or false;
// linesOfBusiness.NAME.networks is the number of networks, of which more get addresses from the pools.
func Set(e *intent.Estate, key, value string) (*intent.Estate, error) {
	out := clone(e)
	switch key {
	case keyInspect:
		on, err := strconv.ParseBool(value)
		if err != nil {
			return nil, fmt.Errorf("%s: %q is neither true nor false", key, value)
		}
		if out.SharedServices == nil {
			return nil, fmt.Errorf("%s: the intent has no sharedServices", key)
		}
		out.SharedServices.Inspect = on
		return out, nil
	case keyTraffic:
		gb, err := strconv.ParseFloat(value, 64)
		if err != nil || gb < 0 || math.IsInf(gb, 0) || math.IsNaN(gb) {
			return nil, fmt.Errorf("%s: %q is no number of gigabytes", key, value)
		}
		out.Traffic.MonthlyEgressGB = gb
		return out, nil
	case keyBudget:
		usd, err := intent.ParseUSD(value)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
		out.Budget = &usd
		return out, nil
	}
	rest, ok := strings.CutPrefix(key, "linesOfBusiness.")
	name, rest, ok2 := strings.Cut(rest, ".")
	i := slices.IndexFunc(out.LinesOfBusiness, func(l intent.LineOfBusiness) bool { return l.Name == name })
	if !ok || !ok2 || i < 0 {
		return nil, fmt.Errorf("%q is no key that can be varied", key)
	}
	if err := setOne(&out.LinesOfBusiness[i], rest, value); err != nil {
		return nil, fmt.Errorf("%s: %w", key, err)
	}
	return out, nil
}

// setOne changes one key of a line of business.
func setOne(l *intent.LineOfBusiness, key, value string) error {
	switch key {
	case keyBandwidth:
		m, err := intent.ParseMbps(value)
		if err == nil {
			l.Needs.Bandwidth = m
		}
		return err
	case keyNetworks:
		n, err := strconv.Atoi(value)
		if err != nil || n < 1 || len(l.Networks) == 0 {
			return fmt.Errorf("%q is no number of networks", value)
		}
		l.Networks = slices.Clone(l.Networks[:min(n, len(l.Networks))])
		for len(l.Networks) < n {
			l.Networks = append(l.Networks, intent.Network{Name: fmt.Sprintf("%s-more-%03d", l.Name, len(l.Networks)), Region: l.Networks[0].Region})
		}
		return nil
	}
	on, err := strconv.ParseBool(value)
	if err != nil {
		return fmt.Errorf("%q is neither true nor false", value)
	}
	member := func(list []string, word string) []string {
		list = without(list, word)
		if on {
			list = append(list, word)
		}
		return list
	}
	switch {
	case key == keyDedicated:
		l.Needs.Dedicated = on
	case key == keyVoice:
		l.Needs.Voice = on
	case strings.HasPrefix(key, keySurvives):
		l.Needs.Survives = member(l.Needs.Survives, key[len(keySurvives):])
	case strings.HasPrefix(key, keyIsolated):
		l.Needs.IsolatedFrom = member(l.Needs.IsolatedFrom, key[len(keyIsolated):])
	case strings.HasPrefix(key, keyReaches):
		l.Needs.Reaches = member(l.Needs.Reaches, key[len(keyReaches):])
	default:
		return fmt.Errorf("this is no key that can be varied")
	}
	return nil
}

// variation is one key with the values to be tried.
type variation struct {
	key string
	// now and then are the values of a switch.
	now, then string
	// number tells that the key is a number: at is its value, ends how far it is varied, words how it is written.
	number bool
	at     int64
	ends   []int64
	words  func(v int64) string
}

// vary looks for single changes of the intent that lead to another answer. What a change gives is first estimated without a
// proof; whatever seems to change the answer is then proved on both sides.
func (h *chooser) vary(best *trial) []Change {
	all := h.variations()
	found := make([][]Change, len(all))
	var told counter
	h.progress("vary", best.pattern, 0, len(all))
	each(len(all), func(i int) {
		found[i] = h.flips(all[i], best.pattern)
		told.next(func(done int) { h.progress("vary", best.pattern, done, len(all)) })
	})
	out := []Change{}
	for _, list := range found {
		out = append(out, list...)
	}
	return append(out, h.tighterBudget(best)...)
}

// variations lists what is tried.
func (h *chooser) variations() []variation {
	var all []variation
	flip := func(key string, now bool) {
		all = append(all, variation{key: key, now: strconv.FormatBool(now), then: strconv.FormatBool(!now)})
	}
	count := func(v int64) string { return strconv.FormatInt(v, 10) }
	most := mostVaried
	if h.large(h.e) {
		most = 1
	}
	for _, i := range h.largest(most) {
		l := &h.e.LinesOfBusiness[i]
		n := &l.Needs
		key := "linesOfBusiness." + l.Name + "."
		flip(key+keyDedicated, n.Dedicated)
		if slices.Contains(n.Services, intent.Microsoft365) {
			flip(key+keyVoice, n.Voice)
		}
		for _, kind := range []string{"zone", "circuit", "provider", "location", "site"} {
			flip(key+keySurvives+kind, slices.Contains(n.Survives, kind))
		}
		for _, other := range n.IsolatedFrom {
			flip(key+keyIsolated+other, true)
		}
		if h.e.SharedServices != nil {
			flip(key+keyReaches+intent.Shared, slices.Contains(n.Reaches, intent.Shared))
		}
		if n.Bandwidth > 0 {
			all = append(all, variation{key: key + keyBandwidth, number: true, at: int64(n.Bandwidth), ends: []int64{1, mostMbps}, words: func(v int64) string { return intent.Mbps(v).String() }})
		}
		if len(l.Networks) > 0 && !h.large(h.e) {
			all = append(all, variation{key: key + keyNetworks, number: true, at: int64(len(l.Networks)), ends: []int64{int64(len(l.Networks)) + moreNetworks}, words: count})
		}
	}
	if s := h.e.SharedServices; s != nil {
		flip(keyInspect, s.Inspect)
	}
	return append(all, variation{key: keyTraffic, number: true, at: int64(h.e.Traffic.MonthlyEgressGB), ends: []int64{0, mostEgressGB}, words: count})
}

// flips are the nearest changes of a key in each direction that lead away from the best pattern, proved on both sides.
func (h *chooser) flips(v variation, best design.Pattern) []Change {
	at := func(value string) *intent.Estate {
		e, err := Set(h.e, v.key, value)
		if err != nil {
			return h.e // the value cannot be written: nothing is varied
		}
		return e
	}
	if !v.number {
		return h.confirmed(v.key, v.now, v.then, at, best)
	}
	var out []Change
	for _, end := range v.ends {
		near, far, ok := h.bisect(v.at, end, func(x int64) design.Pattern { return h.estimate(at(v.words(x))) })
		if ok {
			out = append(out, h.confirmed(v.key, v.words(near), v.words(far), at, best)...)
		}
	}
	return out
}

// bisect finds two neighbouring numbers between which the answer changes, the first that doubling (or halving) steps from one
// number towards another come upon.
func (h *chooser) bisect(from, to int64, answer func(int64) design.Pattern) (near, far int64, ok bool) {
	if from == to {
		return 0, 0, false
	}
	same := answer(from)
	if answer(to) == same {
		return 0, 0, false // the steps between are taken to change nothing either
	}
	near, far = from, to
	for x := from; x != to; near = x {
		if to > from {
			x = min(max(2*x, 1), to)
		} else {
			x = max(x/2, to)
		}
		if x == to || answer(x) != same {
			far = x
			break
		}
	}
	for far-near > 1 || near-far > 1 {
		if mid := near + (far-near)/2; answer(mid) == same {
			near = mid
		} else {
			far = mid
		}
	}
	return near, far, true
}

// confirmed is a change if it is one: with proofs, the best pattern is chosen on the near side and not on the far one.
func (h *chooser) confirmed(key, near, far string, at func(string) *intent.Estate, best design.Pattern) []Change {
	e := at(far)
	if e == h.e || h.estimate(e) == best {
		return nil
	}
	to := h.pick(e)
	if to == best || h.pick(at(near)) != best {
		return nil
	}
	return []Change{{Key: key, Unchanged: near, Threshold: far, Pattern: to}}
}

// tighterBudget is the change to a budget of a cent less than the best pattern costs. While something that it has is of unknown
// price a budget is only held against the known part, so nothing can be said.
func (h *chooser) tighterBudget(best *trial) []Change {
	if best.figures.AtLeast && h.e.Budget == nil {
		return nil
	}
	known := cents(best.figures.MonthlyUSD)
	near, far := intent.USD(float64(known)/100), intent.USD(float64(known-1)/100)
	e, err := Set(h.e, keyBudget, far.String())
	if err != nil || known < 2 {
		return nil
	}
	words := func(u intent.USD) string { return fmt.Sprintf("%.2f USD", float64(u)) }
	return []Change{{Key: keyBudget, Unchanged: words(near), Threshold: words(far), Pattern: h.pick(e)}}
}

// Pick is the pattern that Choose chooses, empty where nothing fits. It proves no more than that takes.
func Pick(e *intent.Estate, c *catalog.Catalog) design.Pattern {
	h := &chooser{e: e, c: c}
	return h.pick(e)
}

// estimate chooses as pick does, and takes what the patterns themselves see no obstacle to for a fit.
func (h *chooser) estimate(e *intent.Estate) design.Pattern {
	for t := range h.promising(e) {
		return t.pattern
	}
	return ""
}

// pick chooses without telling why: it proves the patterns in the order of their cost until one fits. Empty when none does.
func (h *chooser) pick(e *intent.Estate) design.Pattern {
	for t := range h.promising(e) {
		if h.prove([]*trial{t}, nil); t.fits() {
			return t.pattern
		}
	}
	return ""
}

// promising are the designs that nothing speaks against before they are proved: candidates first, then by cost. What nobody asked
// for is designed only when nobody is content with a candidate.
func (h *chooser) promising(e *intent.Estate) iter.Seq[*trial] {
	return func(yield func(*trial) bool) {
		for _, candidate := range []bool{true, false} {
			var group []*trial
			for _, p := range design.Patterns() {
				if h.candidate(e, p) != candidate || !candidate && h.forced(e) != "" {
					continue
				}
				if t := h.compile(e, p); t.design != nil && len(t.failed) == 0 {
					group = append(group, t)
				}
			}
			slices.SortStableFunc(group, compareCost)
			for _, t := range group {
				if !yield(t) {
					return
				}
			}
		}
	}
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
