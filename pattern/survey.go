package pattern

import (
	"cmp"
	"slices"
	"strings"

	"onramp/design"
	"onramp/intent"
)

// way is one access of one site: raw material for circuits.
type way struct {
	site     string
	key      string // "<provider>-<location>", as in the names of attachments
	provider string // as the intent names it, "" for Direct
	model    string
	location string
	metro    bool
	mbps     intent.Mbps
	access   *intent.Access
	rank     rank
}

// trunk names the pair of attachments; VLAN ids are unique on it.
func (w *way) trunk() string { return w.site + "/" + w.key }

// carrier is whose edge routers end the circuits: the site's own, or for IP VPN the provider's, which several sites share.
func (w *way) carrier() string {
	if w.model == intent.IPVPN {
		return w.key
	}
	return w.trunk()
}

// rank orders accesses that would do: reach of the location, distance to the regions in use, known price, name.
type rank struct {
	reach   int // 0: every region is local to the location, 1: the same geopolitical region, 2: beyond
	km      int
	unknown bool
	usd     float64
	name    string
}

func compareRank(a, b rank) int {
	unknown := func(r rank) int {
		if r.unknown {
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(a.reach, b.reach), cmp.Compare(a.km, b.km), cmp.Compare(unknown(a), unknown(b)), cmp.Compare(a.usd, b.usd), strings.Compare(a.name, b.name))
}

// survey is the organisation's side as a graph: sites, their accesses, and the backbone between them.
type survey struct {
	sites   []*intent.Site // sorted by name
	byName  map[string]*intent.Site
	ways    []*way                     // sorted by site and key
	links   [][2]string                // backbone
	members map[string]map[string]bool // IP VPN provider to the sites that name it
	groups  [][]string                 // sites joined by backbone or IP VPN, each sorted, in the order of their first site
}

// group returns the sites of one group.
func (s *survey) makeGroups() {
	parent := map[string]string{}
	var find func(string) string
	find = func(x string) string {
		if parent[x] == "" || parent[x] == x {
			return x
		}
		return find(parent[x])
	}
	join := func(a, b string) {
		if a, b = find(a), find(b); a != b {
			parent[max(a, b)] = min(a, b)
		}
	}
	for _, l := range s.links {
		join(l[0], l[1])
	}
	first := map[string]string{}
	for _, w := range s.ways {
		if w.model != intent.IPVPN {
			continue
		}
		if f, ok := first[w.provider]; ok {
			join(f, w.site)
		} else {
			first[w.provider] = w.site
		}
	}
	index := map[string]int{}
	for _, site := range s.sites {
		root := find(site.Name)
		i, ok := index[root]
		if !ok {
			i = len(s.groups)
			index[root] = i
			s.groups = append(s.groups, nil)
		}
		s.groups[i] = append(s.groups[i], site.Name)
	}
}

// failure is one single failure on the organisation's and the provider's side, in the terms of the survey. Empty fields
// are whole.
type failure struct {
	kind     string // a word of `survives`
	site     string
	link     int    // index into links, -1 for none
	router   string // the site whose first or only customer edge router fails
	circuit  int    // index into the candidate circuits, -1 for none
	provider string
	location string
}

// hosts returns the sites at which circuits of a way come in.
func (s *survey) hosts(w *way) []string {
	if w.model != intent.IPVPN {
		return []string{w.site}
	}
	var out []string
	for _, site := range s.sites {
		if s.members[w.provider][site.Name] {
			out = append(out, site.Name)
		}
	}
	return out
}

// reached returns the sites that a live path joins with some circuit of the ways under a failure.
func (s *survey) reached(ways []*way, f failure) map[string]bool {
	out := map[string]bool{}
	var queue []string
	for i, w := range ways {
		if i == f.circuit || w.provider != "" && w.provider == f.provider || f.location != "" && w.location == f.location && !w.metro {
			continue
		}
		for _, h := range s.hosts(w) {
			// Both halves of an access end on one router where there is only one, so that router takes the access along.
			if h == f.site || h == f.router && s.byName[h].Routers == 1 || out[h] {
				continue
			}
			out[h] = true
			queue = append(queue, h)
		}
	}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		for i, l := range s.links {
			if i == f.link {
				continue
			}
			to := ""
			switch at {
			case l[0]:
				to = l[1]
			case l[1]:
				to = l[0]
			}
			if to != "" && to != f.site && !out[to] {
				out[to] = true
				queue = append(queue, to)
			}
		}
	}
	return out
}

// none is the failure of nothing.
func none() failure { return failure{link: -1, circuit: -1} }

// failures lists every single failure of a kind that can matter to the ways.
func (s *survey) failures(kind string, ways []*way) []failure {
	var out []failure
	add := func(change func(*failure)) {
		f := none()
		f.kind = kind
		change(&f)
		out = append(out, f)
	}
	switch kind {
	case survivesLink:
		for i := range s.links {
			add(func(f *failure) { f.link = i })
		}
	case survivesRouter:
		for _, site := range s.sites {
			add(func(f *failure) { f.router = site.Name })
		}
	case survivesCircuit:
		for i := range ways {
			add(func(f *failure) { f.circuit = i })
		}
	case survivesProvider:
		for _, w := range ways {
			if w.provider != "" {
				add(func(f *failure) { f.provider = w.provider })
			}
		}
	case survivesLocation:
		for _, w := range ways {
			add(func(f *failure) { f.location = w.location })
		}
	case survivesSite:
		for _, site := range s.sites {
			add(func(f *failure) { f.site = site.Name })
		}
	}
	return out
}

// covers tells whether circuits on these ways reach all the sites when nothing has failed.
func (s *survey) covers(ways []*way, sites []string) bool {
	r := s.reached(ways, none())
	return !slices.ContainsFunc(sites, func(x string) bool { return !r[x] })
}

// survive tells whether the sites keep a path to some circuit under every single failure of the kind. A failed site needs
// none.
func (s *survey) survive(kind string, ways []*way, sites []string) bool {
	for _, f := range s.failures(kind, ways) {
		r := s.reached(ways, f)
		for _, x := range sites {
			if x != f.site && !r[x] {
				return false
			}
		}
	}
	return true
}

// demand is what one line of business asks of a group's circuits.
type demand struct {
	lob      string
	sites    []string // those of the group that it needs
	survives []string
	mbps     intent.Mbps
}

// shortfall is a demand that a choice of ways leaves unmet.
type shortfall struct{ lob, need string }

// shortfalls lists what a choice of ways does not give. load is what other circuits already take of each trunk.
func (s *survey) shortfalls(ways []*way, ds []demand, load map[string]intent.Mbps) []shortfall {
	var out []shortfall
	var total intent.Mbps
	for _, d := range ds {
		total += d.mbps
		for _, kind := range d.survives {
			if !s.survive(kind, ways, d.sites) {
				out = append(out, shortfall{d.lob, "survives." + kind})
			}
		}
	}
	for _, w := range ways {
		if w.mbps > 0 && load[w.trunk()]+total > w.mbps {
			for _, d := range ds {
				out = append(out, shortfall{d.lob, "bandwidth"})
			}
			break
		}
	}
	return out
}

// choose picks the way of a circuit, or the ways of a pair, that meets the most demands; of those one circuit before
// two, then the better ranked. fixed are the ways of an earlier design's circuits, which stay.
func (s *survey) choose(candidates, fixed []*way, ds []demand, load map[string]intent.Mbps) ([]*way, []shortfall) {
	type choice struct {
		ways  []*way
		short []shortfall
	}
	var best *choice
	try := func(ways ...*way) {
		c := choice{slices.Clone(ways), s.shortfalls(ways, ds, load)}
		if best == nil || len(c.short) < len(best.short) {
			best = &c
		}
	}
	sorted := slices.Clone(candidates)
	slices.SortStableFunc(sorted, func(a, b *way) int { return compareRank(a.rank, b.rank) })
	first := sorted
	if len(fixed) > 0 {
		first = fixed[:1]
	}
	if len(fixed) > 1 {
		try(fixed[:2]...)
		return best.ways, best.short
	}
	for _, a := range first {
		try(a)
	}
	for _, a := range first {
		for _, b := range sorted {
			if a != b {
				try(a, b)
			}
		}
	}
	for _, a := range first { // two circuits on one access, when nothing else survives the loss of a circuit
		try(a, a)
	}
	if best == nil {
		return nil, nil
	}
	return best.ways, best.short
}

// part is the sites of a group that one circuit, or pair, can serve.
type part struct {
	sites      []string
	candidates []*way
}

// parts splits the needed sites of a group where no single access reaches them all: the access that reaches most of what
// is left first.
func (s *survey) parts(group, needed []string) (out []part, lost []string) {
	var ways []*way
	for _, w := range s.ways {
		if slices.Contains(group, w.site) {
			ways = append(ways, w)
		}
	}
	slices.SortStableFunc(ways, func(a, b *way) int { return compareRank(a.rank, b.rank) })
	left := slices.Clone(needed)
	for len(left) > 0 {
		var most []string
		for _, w := range ways {
			r := s.reached([]*way{w}, none())
			var got []string
			for _, x := range left {
				if r[x] {
					got = append(got, x)
				}
			}
			if len(got) > len(most) {
				most = got
			}
		}
		if len(most) == 0 {
			return out, left
		}
		p := part{sites: most}
		for _, w := range ways {
			if s.covers([]*way{w}, most) {
				p.candidates = append(p.candidates, w)
			}
		}
		out = append(out, p)
		left = slices.DeleteFunc(left, func(x string) bool { return slices.Contains(most, x) })
	}
	return out, nil
}

// attachmentName is the name of one half of an access.
func (w *way) attachmentName(number int) string {
	return w.trunk() + "/" + [...]string{"1", "2"}[number-1]
}

// halves pairs the connections with the attachment that carries each.
func halves() [2]string { return [2]string{design.Primary, design.Secondary} }
