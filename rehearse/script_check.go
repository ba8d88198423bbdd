package rehearse

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"onramp/catalog"
	"onramp/design"
	"onramp/network"
	"onramp/prove"
	"onramp/yamlfile"
)

// fault is what a step does, in terms of the network.
type fault struct {
	verb   string
	target string
	// down are elements that are out of service, in turn where there are several lists; carrier tells that the neighbours see it.
	down    [][]string
	carrier bool
	drained string
	links   []linkFault
	impair  impairing
	grey    []int // routers
	// restarts are routers whose control plane restarts while they forward, with graceful as RFC 4724 has it.
	restarts []string
	graceful bool
	takes    time.Duration
	reset    string // a session or connection: this happens at once
	misdeeds []Misdeed
}

// linkFault is a direction of a session that a fault meets, 0 from A to B.
type linkFault struct{ session, direction int }

// impairing is what a fault does to a direction of a link.
type impairing struct {
	loss, reorder, duplicate float64
	delay, jitter, late      time.Duration
	dead, seen               bool
	up, down                 time.Duration
}

// action is something that happens in a drill: a step's fault enters a phase. In phase 0 nothing is wrong.
type action struct {
	at    time.Duration
	step  int // whose fault it is
	phase int
	by    int // the step that says so: the same, or a repair
}

// verbs are the keys that name what happens, each with the keys that may go with it.
type verb struct {
	key  string
	with []string
}

func verbs() []verb {
	return []verb{
		{"cut", []string{"how", "for"}},
		{"repair", nil},
		{"drain", []string{"for"}},
		{"crash", []string{"for"}},
		{"restart", []string{"graceful", "forwards", "for"}},
		{"originateDefault", []string{"for"}},
		{"originateAggregate", []string{"prefix", "for"}},
		{"tooManyPrefixes", []string{"count", "prefix", "for"}},
		{"echo", []string{"to", "site", "for"}},
		{"wrongFilter", []string{"with", "without", "import", "for"}},
		{"bfdOff", []string{"for"}},
		{"reset", nil},
		{"impair", []string{"loss", "delay", "jitter", "reorder", "late", "duplicate", "direction", "from", "for"}},
		{"oneWay", []string{"direction", "from", "for"}},
		{"flap", []string{"up", "down", "seen", "for"}},
		{"grey", []string{"for"}},
		{"roll", []string{"down", "pause"}},
	}
}

// What a step leaves out.
const (
	defaultRestart = 60 * time.Second
	// keepsRoutes is how much longer than a restart takes its neighbours wait for it.
	keepsRoutes = 60 * time.Second
)

// Bounds of what a script may say.
const (
	mostDrills = 500
	mostSteps  = 500 // of a drill
	leastFlap  = 10 * time.Millisecond
	mostDelay  = 10 * time.Second
	// mostGraceful leaves room for keepsRoutes in the 12 bits of seconds of RFC 4724 section 3.
	mostGraceful = 4000 * time.Second
)

// scriptChecker checks what the values of a script mean for a network, and resolves its names.
type scriptChecker struct {
	r      *yamlfile.Reader
	s      *Script
	d      *design.Design
	n      *network.Network
	c      *catalog.Catalog
	wiring network.Wiring
	flows  []prove.Flow
}

func (k *scriptChecker) refuse(path, value, message, fix, rule string) {
	if !k.r.Bad(path) {
		k.r.RefuseAt(path, value, message, fix, "script-"+rule, sourceScript)
	}
}

func (k *scriptChecker) check() {
	names := map[string]bool{}
	if len(k.s.Drills) > mostDrills {
		k.refuse("drills", "", fmt.Sprintf("there are %d drills", len(k.s.Drills)), fmt.Sprintf("write at most %d in a file", mostDrills), "size")
		return
	}
	for i := range k.s.Drills {
		d := &k.s.Drills[i]
		path := yamlfile.Index("drills", i)
		if len(d.Steps) > mostSteps {
			k.refuse(path+".steps", "", fmt.Sprintf("there are %d steps", len(d.Steps)), fmt.Sprintf("write at most %d in a drill", mostSteps), "size")
			continue
		}
		if d.Name != "" && names[d.Name] {
			k.refuse(path+".name", d.Name, "another drill has this name", "give it a name of its own: --drill asks for it", "name")
		}
		names[d.Name] = true
		whole := !k.r.Faulty(path)
		for j := range d.Steps {
			at := yamlfile.Index(path+".steps", j)
			if !k.r.Bad(at) {
				k.step(&d.Steps[j], at)
			}
		}
		if whole && !k.r.Faulty(path+".steps") {
			k.play(d, path)
		}
		for j := range d.Expect {
			k.expectation(&d.Expect[j], yamlfile.Index(path+".expect", j))
		}
	}
}

// step finds out what a step does.
func (k *scriptChecker) step(s *Step, path string) {
	var is *verb
	list := verbs()
	var keys []string
	for i := range list {
		keys = append(keys, list[i].key)
		if key := path + "." + list[i].key; k.r.Given(key) || k.r.Bad(key) {
			if is != nil {
				k.refuse(key, k.r.Place(key).Text, "this step does two things, "+is.key+" and "+list[i].key, "make two steps of it; they may have the same time", "one-fault")
				return
			}
			is = &list[i]
		}
	}
	if k.r.Faulty(path) {
		return
	}
	if is == nil {
		k.refuse(path, "", "this step says when and not what", "add one of "+yamlfile.OneOf(keys), "one-fault")
		return
	}
	for _, v := range list {
		for _, option := range v.with {
			if key := path + "." + option; (k.r.Given(key) || k.r.Bad(key)) && !slices.Contains(is.with, option) {
				fix := is.key + " takes " + strings.Join(is.with, ", ")
				if len(is.with) == 0 {
					fix = is.key + " takes nothing but its time"
				}
				k.refuse(key, k.r.Place(key).Text, "this says nothing about "+is.key, fix, "option")
			}
		}
	}
	if k.r.Faulty(path) {
		return
	}
	f := &fault{verb: is.key}
	ok := false
	switch is.key {
	case "cut":
		ok = k.cut(f, s, path)
	case "repair":
		f.target, ok = s.Repair, true // play finds what it ends
	case "drain":
		ok = k.drain(f, s, path)
	case "crash":
		ok = k.router(f, s.Crash, path+".crash")
	case "restart":
		ok = k.restart(f, s, path)
	case "reset":
		ok = k.reset(f, s, path)
	case "grey":
		ok = k.greyed(f, s, path)
	case "impair":
		ok = k.links(f, s.Impair, path+".impair") && k.directed(f, s, path) && k.impairment(f, s, path)
	case "oneWay":
		ok = k.oneWay(f, s, path)
	case "flap":
		ok = k.flap(f, s, path)
	case "originateDefault", "originateAggregate", "tooManyPrefixes", "echo", "wrongFilter", "bfdOff":
		ok = k.misdeed(f, s, path)
	case "roll":
		ok = k.roll(f, s, path)
	}
	if s.For != nil && *s.For <= 0 {
		k.refuse(path+".for", k.r.Place(path+".for").Text, "a fault that ends when it begins is none", "give a time of more than 0s, or leave it out", "range")
		ok = false
	}
	if ok {
		s.fault = f
	}
}

// mostKnown is how many names are told where none is like the one that was given.
const mostKnown = 8

// unknown refuses a name, with those that are most like it.
func (k *scriptChecker) unknown(path, name, what string, known []string) {
	near := nearNames(name, known)
	for _, x := range known {
		if len(near) < mostNear && name != "" && strings.Contains(x, name) && !slices.Contains(near, x) {
			near = append(near, x)
		}
	}
	fix := "the design has none"
	switch most := min(len(known), mostKnown); {
	case len(near) > 0:
		fix = "did you mean " + yamlfile.OneOf(near) + "?"
	case most > 0 && most < len(known):
		fix = fmt.Sprintf("there are %s and %d more", strings.Join(known[:most], ", "), len(known)-most)
	case most > 0:
		fix = "there are " + strings.Join(known, ", ")
	}
	k.refuse(path, name, "there is no "+what+" of this name", fix, "known-name")
}

// elements are the ids of the elements of some kinds; of all without one.
func (k *scriptChecker) elements(kinds ...network.Kind) []string {
	var out []string
	for _, e := range k.n.Elements() {
		if len(kinds) == 0 || slices.Contains(kinds, e.Kind) {
			out = append(out, e.ID)
		}
	}
	return out
}

func (k *scriptChecker) sessions() []string {
	out := make([]string, len(k.wiring.Sessions))
	for i := range k.wiring.Sessions {
		out[i] = k.wiring.Sessions[i].Name
	}
	return out
}

// session is a session's place, -1 for none.
func (k *scriptChecker) session(name string) int {
	return slices.IndexFunc(k.wiring.Sessions, func(s network.WiredSession) bool { return s.Name == name })
}

func (k *scriptChecker) cut(f *fault, s *Step, path string) bool {
	f.target, f.carrier = s.Cut, s.How == Carrier
	all := k.elements()
	if slices.Contains(all, s.Cut) {
		f.down = [][]string{{s.Cut}}
		return true
	}
	if i := k.session(s.Cut); i >= 0 {
		if f.carrier {
			k.refuse(path+".how", s.How, "a session has no carrier", "cut the link that it runs over, or leave how out", "option")
			return false
		}
		f.links, f.impair.dead = []linkFault{{i, 0}, {i, 1}}, true
		return true
	}
	k.unknown(path+".cut", s.Cut, "element or session", append(all, k.sessions()...))
	return false
}

func (k *scriptChecker) drain(f *fault, s *Step, path string) bool {
	f.target = s.Drain
	var edges []string
	for i := range k.wiring.Routers {
		if m := k.wiring.Routers[i].MSEE; m != "" && !slices.Contains(edges, m) {
			edges = append(edges, m)
		}
	}
	if !slices.Contains(edges, s.Drain) {
		k.unknown(path+".drain", s.Drain, "Microsoft edge router", edges)
		return false
	}
	f.drained = s.Drain
	return true
}

// router finds a router or an instance that stops.
func (k *scriptChecker) router(f *fault, name, path string) bool {
	f.target = name
	all := k.elements(network.Router, network.GatewayKind)
	if !slices.Contains(all, name) {
		k.unknown(path, name, "router or gateway instance", all)
		return false
	}
	f.down = [][]string{{name}}
	return true
}

func (k *scriptChecker) restart(f *fault, s *Step, path string) bool {
	if !k.router(f, s.Restart, path+".restart") {
		return false
	}
	f.takes = defaultRestart
	if s.For != nil {
		f.takes = time.Duration(*s.For)
	}
	if !s.Graceful && !s.Forwards {
		return true
	}
	if s.Graceful && f.takes > mostGraceful {
		k.refuse(path+".for", k.r.Place(path+".for").Text, "no neighbour keeps routes for so long", "give at most "+mostGraceful.String()+" (RFC 4724 has 12 bits of seconds)", "range")
		return false
	}
	f.graceful = s.Graceful
	for i := range k.wiring.Routers {
		if x := &k.wiring.Routers[i]; slices.Contains(x.Elements, s.Restart) {
			f.restarts = append(f.restarts, x.Name)
		}
	}
	f.down = nil
	return true
}

func (k *scriptChecker) reset(f *fault, s *Step, path string) bool {
	names := k.sessions()
	for i := range k.wiring.Sessions {
		if c := k.wiring.Sessions[i].Together; c != "" && !slices.Contains(names, c) {
			names = append(names, c)
		}
	}
	f.target, f.reset = s.Reset, s.Reset
	if !slices.Contains(names, s.Reset) {
		k.unknown(path+".reset", s.Reset, "session or connection", names)
		return false
	}
	return true
}

func (k *scriptChecker) greyed(f *fault, s *Step, path string) bool {
	f.target = s.Grey
	names := k.elements(network.Router, network.GatewayKind)
	for i := range k.wiring.Routers {
		x := &k.wiring.Routers[i]
		if x.Name == s.Grey || slices.Contains(names, s.Grey) && slices.Contains(x.Elements, s.Grey) {
			f.grey = append(f.grey, i)
		}
	}
	if len(f.grey) == 0 {
		for i := range k.wiring.Routers {
			names = append(names, k.wiring.Routers[i].Name)
		}
		k.unknown(path+".grey", s.Grey, "router or gateway instance", names)
		return false
	}
	return true
}

// links finds the sessions of a link, or one session.
func (k *scriptChecker) links(f *fault, name, path string) bool {
	f.target = name
	for i := range k.wiring.Sessions {
		x := &k.wiring.Sessions[i]
		if x.Name == name || strings.HasPrefix(name, string(network.Link)+":") && slices.Contains(x.Elements, name) {
			f.links = append(f.links, linkFault{i, 0}, linkFault{i, 1})
		}
	}
	if len(f.links) == 0 {
		k.unknown(path, name, "link or session", append(k.elements(network.Link), k.sessions()...))
		return false
	}
	return true
}

// nearness ranks kinds of routers by how near to Azure's networks they are.
func nearness(kind string) int {
	return slices.Index([]string{"core", "ce", "pe", "msee", "gateway"}, strings.Replace(kind, "service", "gateway", 1))
}

// directed leaves those directions of a fault's links that the step names.
func (k *scriptChecker) directed(f *fault, s *Step, path string) bool {
	ends := func(l linkFault) (from, to *network.WiredRouter) {
		x := &k.wiring.Sessions[l.session]
		from, to = &k.wiring.Routers[x.A], &k.wiring.Routers[x.B]
		if l.direction == 1 {
			from, to = to, from
		}
		return from, to
	}
	switch {
	case s.From != "" && s.Direction != "":
		k.refuse(path+".from", s.From, "direction says it already", "leave one of the two out", "option")
		return false
	case s.From != "":
		var names []string
		f.links = slices.DeleteFunc(f.links, func(l linkFault) bool {
			from, _ := ends(l)
			names = append(names, from.Name)
			return from.Name != s.From
		})
		if len(f.links) == 0 {
			k.unknown(path+".from", s.From, "router at an end of this link", names)
			return false
		}
	case s.Direction == "to-azure" || s.Direction == "from-azure":
		undirected := false
		f.links = slices.DeleteFunc(f.links, func(l linkFault) bool {
			from, to := ends(l)
			a, b := nearness(from.Kind), nearness(to.Kind)
			undirected = undirected || a == b
			return (a < b) != (s.Direction == "to-azure")
		})
		if undirected {
			k.refuse(path+".direction", s.Direction, "both ends of this link are as near to Azure", "give from: with the router whose packets it meets", "option")
			return false
		}
	}
	return true
}

func (k *scriptChecker) impairment(f *fault, s *Step, path string) bool {
	for _, d := range []struct {
		key string
		d   Duration
	}{{"delay", s.Delay}, {"jitter", s.Jitter}, {"late", s.Late}} {
		if time.Duration(d.d) > mostDelay {
			k.refuse(path+"."+d.key, k.r.Place(path+"."+d.key).Text, "this time is out of range", "give at most "+mostDelay.String(), "range")
			return false
		}
	}
	if (s.Reorder > 0) != (s.Late > 0) {
		k.refuse(path, "", "reorder and late go together", "say which part of the packets comes late, and by how much: reorder: 1%, late: 5ms", "option")
		return false
	}
	f.impair = impairing{loss: float64(s.Loss), reorder: float64(s.Reorder), duplicate: float64(s.Duplicate), delay: time.Duration(s.Delay), jitter: time.Duration(s.Jitter), late: time.Duration(s.Late)}
	if f.impair.loss >= 1 {
		f.impair.loss, f.impair.dead = 0, true
	}
	if f.impair == (impairing{}) {
		k.refuse(path, "", "this impairs nothing", "add one of loss, delay, jitter, reorder with late, or duplicate", "option")
		return false
	}
	return true
}

func (k *scriptChecker) oneWay(f *fault, s *Step, path string) bool {
	if !k.links(f, s.OneWay, path+".oneWay") {
		return false
	}
	if s.From == "" && (s.Direction == "" || s.Direction == "both") {
		k.refuse(path, "", "a one-way failure has a direction", "add direction: to-azure or from-azure, or from: with a router; what fails both ways is cut", "option")
		return false
	}
	f.impair.dead = true
	return k.directed(f, s, path)
}

func (k *scriptChecker) flap(f *fault, s *Step, path string) bool {
	if !k.links(f, s.Flap, path+".flap") {
		return false
	}
	for _, d := range []struct {
		key string
		d   Duration
	}{{"up", s.Up}, {"down", s.Down}} {
		switch key := path + "." + d.key; {
		case !k.r.Given(key):
			k.refuse(path, "", "flap needs to know how long it is up and down", "add up: and down:, such as up: 5s, down: 2s", "option")
			return false
		case time.Duration(d.d) < leastFlap:
			k.refuse(key, k.r.Place(key).Text, "this time is out of range", "give at least "+leastFlap.String(), "range")
			return false
		}
	}
	f.impair.up, f.impair.down, f.impair.seen = time.Duration(s.Up), time.Duration(s.Down), s.Seen
	return true
}

func (k *scriptChecker) roll(f *fault, s *Step, path string) bool {
	var gateways []string
	for i := range k.wiring.Routers {
		if g := k.wiring.Routers[i].Gateway; g != "" {
			id := string(network.GatewayKind) + ":" + g
			if !slices.Contains(gateways, id) {
				gateways = append(gateways, id)
			}
			if id == s.Roll {
				f.down = append(f.down, []string{string(network.GatewayKind) + ":" + k.wiring.Routers[i].Name})
			}
		}
	}
	f.target, f.carrier = s.Roll, true // the service restarts them: neighbours and the platform know (network.AssumeGatewayRoll)
	if len(f.down) == 0 {
		k.unknown(path+".roll", s.Roll, "gateway", gateways)
		return false
	}
	return true
}

// play makes the actions of a drill and finds out whether each can happen when it does.
func (k *scriptChecker) play(d *ScriptDrill, path string) {
	order := make([]int, len(d.Steps))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(d.Steps[a].At, d.Steps[b].At) })
	until := make([]time.Duration, len(d.Steps)) // when each ends by itself; -1: not at all
	on := map[int]bool{}
	for _, i := range order {
		s := &d.Steps[i]
		at := yamlfile.Index(path+".steps", i)
		start := time.Duration(s.At)
		for j := range on {
			if until[j] >= 0 && until[j] <= start {
				delete(on, j)
			}
		}
		f := s.fault
		if f.verb == "repair" {
			k.repair(d, on, until, i, at)
			continue
		}
		for _, j := range sortedKeys(on) {
			if x := d.Steps[j].fault; x.verb == f.verb && (x.target == f.target || f.verb == "flap" && x.meets(f)) {
				k.refuse(at+"."+f.verb, f.target, fmt.Sprintf("%s is so already, since %s", f.target, time.Duration(d.Steps[j].At)), "repair it before, or give it another time", "overlap")
			}
		}
		on[i] = true
		d.actions = append(d.actions, action{start, i, 1, i})
		until[i] = -1
		end := func(at time.Duration) {
			until[i] = at
			d.actions = append(d.actions, action{at, i, 0, i})
		}
		switch {
		case f.verb == "roll":
			down, pause := cmp.Or(time.Duration(s.Down), network.InstanceDown), cmp.Or(time.Duration(s.Pause), network.InstancePause)
			t := start + down
			for phase := 2; phase <= len(f.down); phase++ {
				d.actions = append(d.actions, action{t, i, 0, i}, action{t + pause, i, phase, i})
				t += pause + down
			}
			end(t)
		case s.For != nil:
			end(start + time.Duration(*s.For))
		case f.verb == "restart":
			end(start + f.takes)
		case f.verb == "reset":
			end(start)
			d.actions = d.actions[:len(d.actions)-1] // it is over at once
		}
	}
	// What ends at a time does so before something begins then.
	slices.SortStableFunc(d.actions, func(a, b action) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(min(a.phase, 1), min(b.phase, 1)))
	})
	k.design(d, path)
}

// repair ends what is wrong with the target of a step.
func (k *scriptChecker) repair(d *ScriptDrill, on map[int]bool, until []time.Duration, i int, path string) {
	s := &d.Steps[i]
	found := false
	var wrong []string
	for _, j := range sortedKeys(on) {
		x := d.Steps[j].fault
		if x.target != s.Repair {
			wrong = append(wrong, x.target)
			continue
		}
		found = true
		if len(x.restarts) > 0 {
			k.refuse(path+".repair", s.Repair, "a restart ends by itself", "leave the repair out, or give the restart another for:", "repair")
			return
		}
		if until[j] >= 0 { // it ends now instead
			d.actions = slices.DeleteFunc(d.actions, func(a action) bool { return a.step == j && a.at >= time.Duration(s.At) })
		}
		d.actions = append(d.actions, action{time.Duration(s.At), j, 0, i})
		delete(on, j)
	}
	if found {
		return
	}
	fix := "nothing is wrong then"
	if len(wrong) > 0 {
		fix = "then something is wrong with " + strings.Join(slices.Compact(wrong), ", ")
	}
	k.refuse(path+".repair", s.Repair, fmt.Sprintf("nothing is wrong with this at %s", time.Duration(s.At)), fix, "repair")
}

// meets tells whether two faults have a direction of a link in common.
func (f *fault) meets(x *fault) bool {
	return slices.ContainsFunc(f.links, func(l linkFault) bool { return slices.Contains(x.links, l) })
}

func sortedKeys(m map[int]bool) []int {
	var out []int
	for i := range m {
		out = append(out, i)
	}
	slices.Sort(out)
	return out
}

// expectation finds the flows and nodes that an expectation is about.
func (k *scriptChecker) expectation(e *Expectation, path string) {
	if k.r.Faulty(path) {
		return
	}
	if e.Fate == "" && e.Through == "" && e.Avoids == "" && e.Outage == nil && e.Downtime == nil && e.Lost == nil {
		k.refuse(path, "", "this expects nothing", "add one of fate, through, avoids, outage, downtime or lost", "expectation")
		return
	}
	if e.At != nil && e.Fate == "" && e.Through == "" && e.Avoids == "" {
		k.refuse(path+".at", k.r.Place(path+".at").Text, "at is for fate, through and avoids; the others are about the whole drill", "leave it out, or add one of those", "expectation")
		return
	}
	if e.Lost != nil && *e.Lost < 0 {
		k.refuse(path+".lost", k.r.Place(path+".lost").Text, "this number is out of range", "give 0 or more packets", "range")
		return
	}
	var names, lobs []string
	for i := range k.flows {
		f := &k.flows[i]
		if e.Flows != "" && !matchesFlow(e.Flows, f) || e.LineOfBusiness != "" && f.LineOfBusiness != e.LineOfBusiness {
			if !slices.Contains(names, f.Name) {
				names = append(names, f.Name)
			}
			if f.LineOfBusiness != "" && !slices.Contains(lobs, f.LineOfBusiness) {
				lobs = append(lobs, f.LineOfBusiness)
			}
			continue
		}
		e.flows = append(e.flows, i)
	}
	switch {
	case len(e.flows) > 0:
	case e.LineOfBusiness != "" && !slices.ContainsFunc(k.flows, func(f prove.Flow) bool { return f.LineOfBusiness == e.LineOfBusiness }):
		k.unknown(path+".lineOfBusiness", e.LineOfBusiness, "line of business with flows", lobs)
	case e.Flows != "":
		for _, lob := range lobs {
			names = append(names, lob+": *")
		}
		k.unknown(path+".flows", e.Flows, "needed flow", names)
	default:
		k.refuse(path, "", "the design has no needed flows", "leave the expectation out", "expectation")
	}
	e.nodes = k.nodes(e.Through, path+".through")
	if e.Avoids != "" {
		e.nodes = append(e.nodes, k.nodes(e.Avoids, path+".avoids")...)
	}
	if e.Through != "" && e.Avoids != "" {
		k.refuse(path+".avoids", e.Avoids, "through says something already", "make two expectations of it", "expectation")
	}
}

// nodes are the nodes of ways that a name means: a router's or gateway's table, a firewall, a subnet, or all tables of an element.
func (k *scriptChecker) nodes(name, path string) []string {
	if name == "" {
		return nil
	}
	var known, out []string
	element := slices.Contains(k.elements(network.Router), name)
	add := func(node string) {
		known = append(known, node)
		if node == name && !slices.Contains(out, node) {
			out = append(out, node)
		}
	}
	for i := range k.wiring.Routers {
		x := &k.wiring.Routers[i]
		add(x.Name)
		if x.Gateway != "" {
			add(x.Gateway)
		}
		if element && slices.Contains(x.Elements, name) {
			out = append(out, x.Name)
		}
	}
	for i := range k.wiring.Firewalls {
		add(k.wiring.Firewalls[i].Name)
	}
	for i := range k.wiring.Subnets {
		add(k.wiring.Subnets[i].Node)
	}
	if len(out) == 0 {
		k.unknown(path, name, "router, gateway, firewall or subnet", append(k.elements(network.Router), known...))
	}
	return out
}

// matchesFlow tells whether a pattern with * for anything is a flow's name, alone or with its ends.
func matchesFlow(pattern string, f *prove.Flow) bool {
	return wild(pattern, f.Name) || wild(pattern, flowName(f))
}

// flowName is a flow's name with its ends, which tells it from others between the same places.
func flowName(f *prove.Flow) string { return fmt.Sprintf("%s (%s to %s)", f.Name, f.From, f.To) }

func wild(pattern, s string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return s == pattern
	}
	rest, ok := strings.CutPrefix(s, parts[0])
	if !ok {
		return false
	}
	for _, p := range parts[1 : len(parts)-1] {
		i := strings.Index(rest, p)
		if i < 0 {
			return false
		}
		rest = rest[i+len(p):]
	}
	return strings.HasSuffix(rest, parts[len(parts)-1])
}
