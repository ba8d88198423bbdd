package conform

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"onramp/azure"
	"onramp/catalog"
	"onramp/design"
	"onramp/network"
	"onramp/prove"
)

const (
	// mostAlone is up to how many changed resources are looked at one by one for what each does.
	mostAlone = 24
	// mostTogether is how many failed elements are looked for at once.
	mostTogether = 3
	// mostElements is up to how many elements all are tried where no session shows which.
	mostElements = 200
)

// Compare holds what an endpoint showed against a design whose subscriptions are those of the endpoint (Home).
func Compare(d *design.Design, seen *Observed, c *catalog.Catalog) (*Result, error) {
	x := &comparison{d: d, c: c, seen: seen, result: &Result{Design: d.Name, Endpoint: seen.endpoint, Findings: []Finding{}, Fallen: []Fallen{}, NotObserved: []Unread{}, Traffic: append([]Traffic{}, seen.Traffic...), Assumptions: []design.Assumption{}}}
	r := x.result
	r.NotObserved = append(r.NotObserved, seen.Unread...)
	x.now = x.standing()
	observer := newObserver(d, x.now, c)
	found, err := observer.configuration(seen)
	if err != nil {
		return nil, err
	}
	x.proven = newEstate(d.Resources, d.Premises, c)
	x.there = x.proven
	if len(found) > 0 {
		x.there = observer.there()
	}
	x.got = tables{}
	for k, t := range seen.tables {
		x.got[k] = t.rows
		r.Compared.Tables++
		r.Compared.Rows += len(t.rows)
	}
	r.Compared.Resources = len(d.Resources) - len(seen.hidden)
	if x.blind = x.otherAddresses(); x.blind {
		x.got = x.got.blind()
		for _, a := range x.proven.net.Assumptions() {
			if a.Name == network.AssumeMSEEAddress {
				r.Assumptions = append(r.Assumptions, design.Assumption{Name: a.Name, Text: "The gateways' and MSEEs' addresses are others than assumed: tables are compared without them.", Reason: a.Reason})
			}
		}
	}
	rest := x.byConfiguration(found)
	rest = x.unnoticed(x.onTheWire(rest))
	if len(x.wire) == 0 {
		rest = x.anyElement(rest, true)
	}
	rest = x.byPremises(rest)
	if len(x.wire) == 0 {
		rest = x.unnoticed(x.anyElement(rest, false))
	}
	x.leftOver(rest)
	x.prove()
	r.Conforms = len(r.Findings) == 0
	return r, nil
}

// comparison is one under way.
type comparison struct {
	d      *design.Design
	c      *catalog.Catalog
	seen   *Observed
	now    azure.Resources
	proven *estate // of the design
	there  *estate // of the resources that are there
	got    tables
	blind  bool
	wire   []string // elements and sessions that were found to have failed
	result *Result
}

// expect are the tables of an estate, where somebody looked.
func (x *comparison) expect(e *estate) tables {
	ts := e.show(x.seen.tables)
	if x.blind {
		ts = ts.blind()
	}
	return ts
}

// standing are the resources that are there, with the design's where nobody could look, and with keys that say which connection has
// redeemed which authorization, as the endpoint tells it without its secrets.
func (x *comparison) standing() azure.Resources {
	out := slices.Clone(x.seen.Resources)
	for _, r := range x.d.Resources {
		if x.seen.hidden[r.Head().ID.Key()] {
			out = append(out, r)
		}
	}
	designed := map[string]*azure.VirtualNetworkGatewayConnection{}
	for _, cn := range azure.Of[*azure.VirtualNetworkGatewayConnection](x.d.Resources) {
		designed[cn.ID.Key()] = cn
	}
	keys := map[string]string{} // by connection
	for i, r := range out {
		c, ok := r.(*azure.ExpressRouteCircuit)
		if !ok {
			continue
		}
		own := *c
		own.Properties.Authorizations = slices.Clone(c.Properties.Authorizations)
		for j := range own.Properties.Authorizations {
			a := &own.Properties.Authorizations[j]
			if a.Properties.ConnectionResourceURI != "" {
				key := c.ID.Key() + "/" + a.Name
				keys[strings.ToLower(a.Properties.ConnectionResourceURI)] = key
				a.Properties.AuthorizationKey = key
			}
		}
		out[i] = &own
	}
	for i, r := range out {
		if cn, ok := r.(*azure.VirtualNetworkGatewayConnection); ok && keys[cn.ID.Key()] != "" {
			own := *cn
			own.Properties.AuthorizationKey = keys[cn.ID.Key()]
			out[i] = &own
		}
	}
	out.Sort()
	return out
}

// otherAddresses tells that the platform gave its routers other addresses than are assumed.
func (x *comparison) otherAddresses() bool {
	known := map[string]bool{}
	for _, e := range []*estate{x.proven, x.there} {
		for i := range e.wiring.Sessions {
			s := &e.wiring.Sessions[i]
			if s.Kind == "gateway" {
				known[e.wiring.Routers[s.A].ID.String()], known[s.Addr[0].String()], known[s.Addr[1].String()] = true, true, true
			}
		}
	}
	for k, rows := range x.got {
		if k.kind != peersTable {
			continue
		}
		for _, r := range rows {
			a, b, _ := strings.Cut(r.key, " with ")
			if !known[a] || !known[b] {
				return true
			}
		}
	}
	return false
}

// byConfiguration puts symptoms that changed resources explain with them, and returns the others.
func (x *comparison) byConfiguration(found []Finding) []difference {
	want := x.expect(x.proven)
	if len(found) == 0 {
		return differences(want, x.got)
	}
	with := x.expect(x.there)
	unlike := map[string]bool{}
	for _, d := range differences(with, x.got) {
		unlike[d.id()] = true
	}
	var changed []string // resources whose change does something
	for _, f := range found {
		if k := f.Resource.Key(); !slices.Contains(changed, k) && rank(f.Resource) == 0 {
			changed = append(changed, k)
		}
	}
	does := map[string][]string{} // symptoms of each changed resource alone
	if len(changed) > 1 && len(changed) <= mostAlone {
		effects := make([][]string, len(changed))
		each(len(changed), func(i int) {
			alone := newEstate(x.swap(changed[i]), x.d.Premises, x.c)
			for _, d := range differences(want, x.expect(alone)) {
				effects[i] = append(effects[i], d.id())
			}
		})
		for i, list := range effects {
			for _, id := range list {
				does[id] = append(does[id], changed[i])
			}
		}
	}
	first := map[string]int{} // of each resource
	for i, f := range slices.Backward(found) {
		first[f.Resource.Key()] = i
	}
	for _, d := range differences(want, x.got) {
		if unlike[d.id()] {
			continue
		}
		to := does[d.id()]
		if len(to) == 0 && len(changed) > 0 {
			to = changed[:1]
		}
		for _, k := range to {
			f := &found[first[k]]
			f.Symptoms = append(f.Symptoms, x.symptom(d))
		}
	}
	x.result.Findings = append(x.result.Findings, found...)
	return differences(with, x.got)
}

// swap is the design with one resource as it is there.
func (x *comparison) swap(key string) azure.Resources {
	out := slices.DeleteFunc(slices.Clone(x.d.Resources), func(r azure.Resource) bool { return r.Head().ID.Key() == key })
	for _, r := range x.now {
		if r.Head().ID.Key() != key {
			continue
		}
		if c, ok := r.(*azure.ExpressRouteCircuit); ok { // its keys are those of the design's connections
			if was, ok := x.d.Resources.Get(c.ID).(*azure.ExpressRouteCircuit); ok {
				own := *c
				own.Properties.Authorizations = was.Properties.Authorizations
				r = &own
			}
		}
		if c, ok := r.(*azure.VirtualNetworkGatewayConnection); ok {
			if was, ok := x.d.Resources.Get(c.ID).(*azure.VirtualNetworkGatewayConnection); ok {
				own := *c
				own.Properties.AuthorizationKey = was.Properties.AuthorizationKey
				r = &own
			}
		}
		out = append(out, r)
	}
	out.Sort()
	return out
}

// symptom says a difference in words.
func (x *comparison) symptom(d difference) Symptom {
	s := Symptom{Table: x.tableWords(d.at), Row: d.row, Proven: d.proven, Seen: d.seen, at: d.at}
	if t := x.seen.tables[d.at]; t != nil {
		s.Resource = t.resource
	}
	switch {
	case d.at.kind == peersTable || d.at.kind == statusTable || d.at.kind == arpTable && len(d.seen) == 0:
		s.Kind = Down
	case len(d.proven) == 0:
		s.Kind = Extra
	case len(d.seen) == 0:
		s.Kind = Missing
	default:
		s.Kind = Path
	}
	return s
}

// tableWords names a table.
func (x *comparison) tableWords(k tableKey) string {
	name := azure.ID(k.of).Name()
	subnet := ""
	if t := x.seen.tables[k]; t != nil {
		name, subnet = t.resource.Name(), t.subnet.Parent().Name()+"/"+t.subnet.Name()
	}
	peering, path, _ := strings.Cut(k.part, "/")
	on := name + ", " + peeringWords(peering) + ", " + path + " path"
	switch k.kind {
	case arpTable:
		return "ARP of " + on
	case routesTable:
		return "routes of " + on
	case summaryTable:
		return "BGP summary of " + on
	case learnedTable:
		return "what " + name + " has learned"
	case advertisedTable:
		if k.part == "" {
			return "what " + name + " tells its MSEEs"
		}
		return "what " + name + " tells " + k.part
	case peersTable:
		return "BGP peers of " + name
	case effectiveTable:
		return "effective routes of " + subnet + " (interface " + name + ")"
	}
	return "status of " + name
}

// silent are the sessions of which the tables show that they are down, though they would be up.
func (x *comparison) silent(rest []difference) []string {
	down := map[string]bool{}
	w := &x.there.wiring
	for _, d := range rest {
		if len(d.seen) > 0 && d.at.kind != peersTable {
			continue
		}
		for i := range w.Sessions {
			s := &w.Sessions[i]
			switch d.at.kind {
			case arpTable, summaryTable:
				if s.Addr[0].String() == d.row {
					down[s.Name] = true
				}
			case peersTable:
				if s.Kind == "gateway" && (x.blind || d.row == w.Routers[s.A].ID.String()+" with "+s.Addr[1].String()) && x.there.net.NameOf(x.seen.tables[d.at].resource) == w.Routers[s.A].Gateway {
					down[s.Name] = true
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(down))
}

// trial is a scenario of which somebody looks whether it explains what is seen.
type trial struct {
	sc    network.Scenario
	words string
	alone []string // sessions of which BGP alone is down
	left  []difference
}

// attempt looks what each of several scenarios leaves unexplained of what there was; the best are returned: those that leave the least, if
// that is no more than half. First only the tables are looked at in which something differs: whole ones leave at least as much.
func (x *comparison) attempt(list []trial, rest []difference) []trial {
	focus := x.seen.tables
	if !x.blind {
		focus = map[tableKey]*table{}
		for _, d := range rest {
			focus[d.at] = x.seen.tables[d.at]
		}
	}
	got := tables{}
	for k, rows := range x.got {
		if focus[k] != nil || x.blind {
			got[k] = rows
		}
	}
	left := func(t *trial, looked map[tableKey]*table, got tables) []difference {
		e := x.there.under(t.sc)
		e.answers = map[string]bool{}
		for _, name := range t.alone {
			e.answers[name] = true
		}
		want := e.show(looked)
		if x.blind {
			want = want.blind()
		}
		return differences(want, got)
	}
	each(len(list), func(i int) { list[i].left = left(&list[i], focus, got) })
	least := len(rest)
	slices.SortStableFunc(list, func(a, b trial) int { return cmp.Compare(len(a.left), len(b.left)) })
	whole := 0 // how many of the list were looked at in all tables
	for whole < len(list) && len(list[whole].left) <= least {
		part := len(list[whole].left)
		end := whole
		for end < len(list) && len(list[end].left) == part {
			end++
		}
		same := list[whole:end]
		each(len(same), func(i int) { same[i].left = left(&same[i], x.seen.tables, x.got) })
		for i := range same {
			least = min(least, len(same[i].left))
		}
		whole = end
	}
	if 2*least > len(rest) {
		return nil
	}
	return slices.DeleteFunc(list[:whole], func(t trial) bool { return len(t.left) > least })
}

// onTheWire looks for failed elements where sessions are down that would be up.
func (x *comparison) onTheWire(rest []difference) []difference {
	var failed, cut, alone []string
	for range mostTogether {
		silent := x.silent(rest)
		if len(silent) == 0 {
			break
		}
		elements := map[string]bool{}
		var list []trial
		w := &x.there.wiring
		for i := range w.Sessions {
			s := &w.Sessions[i]
			if !slices.Contains(silent, s.Name) {
				continue
			}
			for _, e := range slices.Concat(s.Elements, w.Routers[s.A].Elements, w.Routers[s.B].Elements) {
				elements[e] = true
			}
		}
		for _, e := range slices.Sorted(maps.Keys(elements)) {
			if sc, err := x.there.net.Scenario(append(slices.Clone(failed), e)...); err == nil {
				sc.Cut = cut
				list = append(list, trial{sc: sc, words: e, alone: alone})
			}
		}
		for _, name := range silent {
			sc, err := x.there.net.Scenario(failed...)
			if err != nil {
				continue
			}
			sc.Cut = append(slices.Clone(cut), name)
			list = append(list, trial{sc: sc, words: name, alone: alone}, trial{sc: sc, words: name, alone: append(slices.Clone(alone), name)})
		}
		best := x.attempt(list, rest)
		if len(best) == 0 {
			break
		}
		t := x.told(best, rest)
		failed, cut, alone, rest = t.sc.Elements, t.sc.Cut, t.alone, t.left
	}
	return rest
}

// unnoticed leaves out what is still as it was before something failed: routers that have not noticed it yet show what is proven.
func (x *comparison) unnoticed(rest []difference) []difference {
	if len(x.wire) == 0 || len(rest) == 0 {
		return rest
	}
	unlike := map[string]bool{}
	for _, d := range differences(x.expect(x.there), x.got) {
		unlike[d.id()] = true
	}
	return slices.DeleteFunc(rest, func(d difference) bool { return !unlike[d.id()] })
}

// anyElement tries every element, and the maintenance of every MSEE, where nothing says which. whole asks for one that explains everything.
func (x *comparison) anyElement(rest []difference, whole bool) []difference {
	if len(rest) == 0 {
		return rest
	}
	all := x.there.net.Scenarios()
	if len(all) > mostElements {
		return rest
	}
	var list []trial
	for _, sc := range all {
		if sc.Kind != network.Healthy {
			list = append(list, trial{sc: sc, words: sc.ID})
		}
	}
	best := x.attempt(list, rest)
	if len(best) == 0 || whole && len(best[0].left) > 0 {
		return rest
	}
	x.told(best, rest)
	return best[0].left
}

// told writes down that one of several scenarios, which look alike, explains symptoms.
func (x *comparison) told(best []trial, rest []difference) trial {
	f := Finding{Kind: Down, In: Wire}
	for _, t := range best {
		if !slices.Contains(f.Elements, t.words) {
			f.Elements = append(f.Elements, t.words)
		}
	}
	left := map[string]bool{}
	for _, d := range best[0].left {
		left[d.id()] = true
	}
	for _, d := range rest {
		if !left[d.id()] {
			f.Symptoms = append(f.Symptoms, x.symptom(d))
		}
	}
	x.wire = append(x.wire, f.Elements...)
	f.What, f.Cause = x.wireWords(&f, best)
	f.Resource, f.LinesOfBusiness = x.concerned(f.Symptoms)
	x.result.Findings = append(x.result.Findings, f)
	return best[0]
}

// elementWords name an element or a session.
func (x *comparison) elementWords(id string) string {
	kind, name, ok := strings.Cut(id, ":")
	if !ok {
		return "the BGP session " + id
	}
	for i := range x.there.wiring.Sessions {
		if x.there.wiring.Sessions[i].Name == id {
			return "the BGP session " + id
		}
	}
	switch network.Kind(kind) {
	case network.Link:
		return "link " + name
	case network.Router:
		return "router " + name
	case network.GatewayKind:
		return "gateway instance " + name
	case network.Location:
		return "peering location " + name
	case network.Maintenance:
		return "Microsoft's maintenance of " + name
	}
	return kind + " " + name
}

// wireWords say what is down, and what has probably failed.
func (x *comparison) wireWords(f *Finding, best []trial) (what, cause string) {
	type half struct {
		circuit azure.ID
		words   string
		kinds   []string
	}
	var halves []half
	var gateways []string
	for _, s := range f.Symptoms {
		switch s.at.kind {
		case arpTable, summaryTable, routesTable:
			if s.at.kind == routesTable && s.Kind != Missing && s.Kind != Path {
				continue
			}
			peering, path, _ := strings.Cut(s.at.part, "/")
			w := "the " + path + " path of circuit " + s.Resource.Name() + " (" + peeringWords(peering) + ")"
			i := slices.IndexFunc(halves, func(h half) bool { return h.words == w })
			if i < 0 {
				halves = append(halves, half{circuit: s.Resource, words: w})
				i = len(halves) - 1
			}
			if !slices.Contains(halves[i].kinds, s.at.kind) {
				halves[i].kinds = append(halves[i].kinds, s.at.kind)
			}
		case peersTable:
			if n := s.Resource.Name(); !slices.Contains(gateways, n) {
				gateways = append(gateways, n)
			}
		}
	}
	var said []string
	for _, h := range halves {
		switch {
		case slices.Contains(h.kinds, arpTable):
			said = append(said, h.words+" is down: its ARP table has no answer of the premises, and BGP is idle on it")
		case slices.Contains(h.kinds, summaryTable):
			said = append(said, h.words+" has no BGP session with the premises")
		}
	}
	if len(gateways) > 0 {
		said = append(said, "BGP sessions of gateway "+strings.Join(gateways, ", ")+" are down")
	}
	if len(said) == 0 {
		said = append(said, "routes go other ways: "+count(len(f.Symptoms), "row")+" of tables are not the proven ones")
	}
	names := make([]string, len(f.Elements))
	for i, e := range f.Elements {
		names[i] = x.elementWords(e)
	}
	cause = names[0] + " has failed"
	if best[0].sc.Kind == network.Maintenance {
		cause = names[0] + " is going on"
	}
	if len(names) > 1 {
		cause += " (or " + strings.Join(names[1:], ", or ") + ": each would look like this)"
	}
	if len(best) == 1 && len(best[0].alone) > 0 {
		cause = "the link answers and BGP alone is down: on " + names[0][len("the "):] + " the ends do not agree (a password, an AS number), a prefix limit was passed, or it is coming up"
	}
	if len(best[0].left) == 0 {
		cause += ": the tables are exactly those of this failure"
	} else {
		cause += ": it explains the most of what is seen"
	}
	return strings.Join(said, "; "), cause
}

// concerned is the resource that most symptoms are about, and whose it is.
func (x *comparison) concerned(list []Symptom) (azure.ID, []string) {
	n := map[azure.ID]int{}
	for _, s := range list {
		if s.Kind == Down || s.at.kind == summaryTable {
			n[s.Resource] += 100
		}
		n[s.Resource]++
	}
	var best azure.ID
	for _, id := range slices.Sorted(maps.Keys(n)) {
		if n[id] > n[best] {
			best = id
		}
	}
	if r := x.d.Resources.Get(best); r != nil {
		return best, lob(r)
	}
	return best, nil
}

// byPremises looks for what the organisation's routers announce that they were not to, and for what they do not.
func (x *comparison) byPremises(rest []difference) []difference {
	type change struct {
		prefix string
		more   bool
	}
	from := map[change]map[string]bool{} // sessions
	sessions := map[string]network.WiredSession{}
	for _, s := range x.there.wiring.Sessions {
		if s.Kind == "private" || s.Kind == "microsoft" {
			sessions[s.Addr[0].String()] = s
		}
	}
	for _, d := range rest {
		if d.at.kind != routesTable {
			continue
		}
		for _, side := range []struct {
			rows []string
			more bool
		}{{only(d.seen, d.proven), true}, {only(d.proven, d.seen), false}} {
			for _, words := range side.rows {
				hop, ok := strings.CutPrefix(words, "via ")
				hop, _, _ = strings.Cut(hop, ",")
				if s, is := sessions[hop]; ok && is && x.onPath(&s, d.at) && !x.isSilent(&s) {
					c := change{d.row, side.more}
					if from[c] == nil {
						from[c] = map[string]bool{}
					}
					from[c][s.Name] = true
				}
			}
		}
	}
	if len(from) == 0 {
		return rest
	}
	// Prefixes that come the same way are one finding; a route that goes by another path has both.
	type group struct {
		more     bool
		sessions string
	}
	groups := map[group][]string{}
	prefixes := map[string]bool{}
	for c, names := range from {
		if !c.more && from[change{c.prefix, true}] != nil { // announced in another way
			continue
		}
		g := group{c.more, strings.Join(slices.Sorted(maps.Keys(names)), "\n")}
		groups[g] = append(groups[g], c.prefix)
		prefixes[c.prefix] = true
	}
	keys := slices.SortedFunc(maps.Keys(groups), func(a, b group) int {
		return cmp.Or(cmp.Compare(b2i(b.more), b2i(a.more)), strings.Compare(a.sessions, b.sessions))
	})
	crowd := false
	for _, g := range keys {
		list := groups[g]
		slices.SortFunc(list, compareRows)
		f := Finding{Kind: Missing, In: Premises, Elements: strings.Split(g.sessions, "\n")}
		if g.more {
			f.Kind = Extra
		}
		f.What, f.Cause = x.premisesWords(list, f.Elements, g.more)
		for _, d := range rest {
			if slices.Contains(list, d.row) || d.at.kind == summaryTable && !crowd {
				f.Symptoms = append(f.Symptoms, x.symptom(d))
			}
		}
		crowd = true // the counts of the summaries stand with the first
		f.Resource, f.LinesOfBusiness = x.concerned(f.Symptoms)
		x.result.Findings = append(x.result.Findings, f)
	}
	return slices.DeleteFunc(rest, func(d difference) bool {
		return prefixes[d.row] || d.at.kind == summaryTable && len(d.seen) > 0
	})
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// onPath tells whether a session ends on the router whose table it is.
func (x *comparison) onPath(s *network.WiredSession, k tableKey) bool {
	t := x.seen.tables[k]
	return t != nil && x.there.wiring.Routers[s.B].Name == x.there.vrf(t.resource, k.part)
}

// isSilent tells that a session was found to be down already.
func (x *comparison) isSilent(s *network.WiredSession) bool {
	return slices.Contains(x.wire, s.Name) || slices.ContainsFunc(s.Elements, func(e string) bool { return slices.Contains(x.wire, e) })
}

// premisesWords say what the premises announce, or do not, and what that means.
func (x *comparison) premisesWords(prefixes, names []string, more bool) (what, cause string) {
	var routers, circuits []string
	for _, s := range x.there.wiring.Sessions {
		if !slices.Contains(names, s.Name) {
			continue
		}
		if r := x.there.wiring.Routers[s.A].Name; !slices.Contains(routers, r) {
			routers = append(routers, r)
		}
		if c, _, _ := strings.Cut(x.there.wiring.Routers[s.B].Name, "/"); !slices.Contains(circuits, c) {
			circuits = append(circuits, c)
		}
	}
	shown := strings.Join(prefixes[:min(len(prefixes), 4)], ", ")
	if n := len(prefixes) - 4; n > 0 {
		shown += fmt.Sprintf(" and %d more", n)
	}
	who := strings.Join(routers, " and ")
	on := strings.Join(circuits, " and ")
	if !more {
		return fmt.Sprintf("the premises do not advertise %s on circuit %s", shown, on),
			fmt.Sprintf("an export policy of %s was changed, or the prefix is gone inside the site: the session is up", who)
	}
	known, whose := x.known(prefixes[0])
	what = fmt.Sprintf("the premises advertise %s on circuit %s, which the design does not have", shown, on)
	if known {
		what = fmt.Sprintf("the premises advertise %s on circuit %s, where the design does not have it", shown, on)
	}
	verb, policy := "announces", "its export policy lets"
	if len(routers) > 1 {
		verb, policy = "announce", "their export policies let"
	}
	cause = fmt.Sprintf("a leak: %s %s it", who, verb)
	if whose != "" {
		cause += ", " + whose
	}
	return what, cause + "; " + policy + " it through"
}

// known tells whether a prefix is one of the design's at another place, and what it has to do with the design's.
func (x *comparison) known(s string) (here bool, words string) {
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return false, ""
	}
	if p.Bits() == 0 {
		return false, "a default route: whatever has no better route goes to the premises"
	}
	var inside, covers []string
	look := func(q netip.Prefix, whose string) {
		switch {
		case q == p:
			here, words = true, "a prefix of "+whose
		case q.Bits() <= p.Bits() && q.Contains(p.Addr()):
			inside = append(inside, q.String()+" of "+whose)
		case p.Bits() <= q.Bits() && p.Contains(q.Addr()):
			covers = append(covers, q.String()+" of "+whose)
		}
	}
	for i := range x.d.Premises.Sites {
		for _, q := range slices.Concat(x.d.Premises.Sites[i].Prefixes, x.d.Premises.Sites[i].PublicPrefixes) {
			look(q, "site "+x.d.Premises.Sites[i].Name)
		}
	}
	for _, v := range azure.Of[*azure.VirtualNetwork](x.d.Resources) {
		for _, t := range v.Properties.AddressSpace.AddressPrefixes {
			if q, err := netip.ParsePrefix(t); err == nil {
				look(q, "virtual network "+v.Name)
			}
		}
	}
	switch {
	case here:
	case len(inside) > 0:
		words = "inside " + inside[0] + ": it is more specific, so traffic to it follows the leak"
	case len(covers) > 0:
		words = "which covers " + covers[0]
	}
	return here, words
}

// leftOver tells of what nothing explains, table by table.
func (x *comparison) leftOver(rest []difference) {
	var f *Finding
	var at tableKey
	for _, d := range rest {
		s := x.symptom(d)
		if f == nil || d.at != at {
			x.result.Findings = append(x.result.Findings, Finding{Kind: s.Kind, In: Unexplained, Resource: s.Resource})
			f, at = &x.result.Findings[len(x.result.Findings)-1], d.at
			if r := x.d.Resources.Get(s.Resource); r != nil {
				f.LinesOfBusiness = lob(r)
			}
		}
		f.Symptoms = append(f.Symptoms, s)
		f.What = s.Table + ": " + count(len(f.Symptoms), "row") + " not as proven: " + f.Symptoms[0].words()
		f.Cause = "no changed resource, failed element or announcement of the premises explains it"
		if len(x.result.Findings) > 1 && x.there != x.proven {
			f.Cause += "; a change may not have taken effect yet"
		}
	}
}

// words say a symptom in a line, without its table.
func (s *Symptom) words() string {
	switch s.Kind {
	case Missing:
		return s.Row + " is missing (" + strings.Join(s.Proven, "; ") + ")"
	case Extra:
		return s.Row + " is extra (" + strings.Join(s.Seen, "; ") + ")"
	case Down:
		if s.at.kind == arpTable {
			return s.Row + " does not answer"
		}
	}
	return s.Row + " is " + or(strings.Join(only(s.Seen, s.Proven), "; "), "gone") + " instead of " + or(strings.Join(only(s.Proven, s.Seen), "; "), "nothing")
}

// Words say a symptom in a line.
func (s *Symptom) Words() string { return s.Table + ": " + s.words() }

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// prove tells which proven properties do not hold with the resources that are there, and what a failed element costs.
func (x *comparison) prove() {
	if x.d.Intent == nil || len(x.result.Findings) == 0 {
		return
	}
	var was *prove.Result
	proof := func() *prove.Result {
		if was == nil {
			was = proved(x.d, x.proven.net, x.c)
		}
		return was
	}
	if x.there != x.proven {
		now := *x.d
		now.Resources = x.now
		x.result.Fallen = fallen(proved(&now, x.there.net, x.c), proof)
	}
	for i := range x.result.Findings {
		f := &x.result.Findings[i]
		if f.In != Wire {
			continue
		}
		for _, sc := range proof().Scenarios {
			if slices.Contains(f.Elements, sc.ID) {
				f.Lost = sc.Lost
				break
			}
		}
	}
}

// proved proves a design, its shares at the same time.
func proved(d *design.Design, n *network.Network, c *catalog.Catalog) *prove.Result {
	p := prove.NewPlan(d, n, c)
	shares := make([]*prove.Share, p.Len())
	each(len(shares), func(i int) { shares[i] = p.Do(i, nil) })
	return p.Join(shares)
}

// fallen are properties that fail and are proven.
func fallen(now *prove.Result, proof func() *prove.Result) []Fallen {
	out := []Fallen{}
	for i := range now.Properties {
		p := &now.Properties[i]
		if p.Holds {
			continue
		}
		held := slices.ContainsFunc(proof().Properties, func(q prove.Property) bool {
			return q.Name == p.Name && q.LineOfBusiness == p.LineOfBusiness && q.Need == p.Need && q.Holds
		})
		if !held {
			continue
		}
		f := Fallen{Name: p.Name, LineOfBusiness: p.LineOfBusiness, Need: p.Need}
		if ce := p.Counterexample; ce != nil {
			f.Scenario, f.Flow, f.Reason = ce.Scenario, ce.Flow, ce.Reason
		}
		out = append(out, f)
	}
	return out
}
