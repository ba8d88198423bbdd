package rehearse

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"onramp/catalog"
	"onramp/design"
	"onramp/network"
	"onramp/sim"
	"onramp/yamlfile"
)

// Faults that somebody turns on in an estate that runs by the clock on the wall, and off again: steps of scripts without their times. The
// estate may change meanwhile, so a fault is read anew for each network.

// Fault is a step of a script, without its time, as it was read for a network.
type Fault struct {
	Step  Step
	f     *fault
	names []string // of the sessions of the network
	ends  [][2]int
}

// ReadFault reads a step for a design whose network was built from its resources and premises. The error says what is wrong with it, with the
// names that are nearest to an unknown one.
func ReadFault(s Step, d *design.Design, n *network.Network, c *catalog.Catalog) (*Fault, error) {
	s.At = 0
	if s.Repair != "" {
		return nil, errors.New("a repair is no fault: it ends one")
	}
	if s.Graceful {
		return nil, errors.New("graceful: sessions would have had to agree on it when they began; leave it out, or rehearse it in a script")
	}
	src, err := json.Marshal(map[string]any{"drills": []any{map[string]any{"name": "standing", "steps": []Step{s}}}})
	if err != nil {
		return nil, err
	}
	var read Script
	wiring := n.Wiring()
	findings := yamlfile.Read(scriptFormat(), "", src, &read, func(r *yamlfile.Reader) {
		k := &scriptChecker{r: r, s: &read, d: d, n: n, c: c, wiring: wiring}
		k.step(&read.Drills[0].Steps[0], yamlfile.Index(yamlfile.Index("drills", 0)+".steps", 0))
	})
	for _, x := range findings {
		if x.Severity != yamlfile.Error {
			continue
		}
		said := x.Message
		if x.Value != "" {
			said += fmt.Sprintf(" (%q)", x.Value)
		}
		if x.Fix != "" {
			said += "; " + x.Fix
		}
		return nil, errors.New(said)
	}
	f := &Fault{Step: s, f: read.Drills[0].Steps[0].fault}
	if f.f == nil {
		return nil, errors.New("the step says nothing")
	}
	for i := range wiring.Sessions {
		f.names, f.ends = append(f.names, wiring.Sessions[i].Name), append(f.ends, [2]int{wiring.Sessions[i].A, wiring.Sessions[i].B})
	}
	return f, nil
}

// Verb is what happens, by the key of the step ("cut"), Target to what.
func (f *Fault) Verb() string { return f.f.verb }

// Target is the name that the step gives to what it is about.
func (f *Fault) Target() string { return f.f.target }

// Words say what it is, for people.
func (f *Fault) Words() string {
	return strings.TrimSpace(f.f.verb + " " + f.f.target + f.Step.options())
}

// Momentary tells that it is over as soon as it has begun, or ends by itself: a reset, a restart, gateways that are rolled.
func (f *Fault) Momentary() bool {
	return f.f.verb == "reset" || f.f.verb == "restart" || f.f.verb == "roll"
}

// Strike lets one that is momentary happen, and returns how long it goes on.
func (f *Fault) Strike(s *sim.Sim) (time.Duration, error) {
	_, name, _ := strings.Cut(f.f.target, ":")
	switch f.f.verb {
	case "reset":
		return 0, s.Reset(f.f.reset)
	case "restart":
		return f.f.takes, s.Restart(name, f.f.takes, f.Step.Forwards)
	case "roll":
		end, err := s.Roll(name, time.Duration(f.Step.Down), time.Duration(f.Step.Pause))
		return end - s.Now(), err
	}
	return 0, fmt.Errorf("%s goes on until it is ended", f.Words())
}

// oneWay is a direction of a session.
type oneWay struct {
	session string
	from    int // 0 from its A to its B
}

// Plight is what the faults that are on come to: which elements are out of service, which links are bad, and what the premises do wrong.
type Plight struct {
	// Network is the one in force: with what the premises do wrong.
	Network *network.Network
	// Soft are sessions that may come and go as long as it lasts.
	Soft []string

	silent, carrier, drained []string
	links                    map[oneWay]sim.Impairment
	misdeeds                 []Misdeed
}

// Suffer works out what faults come to that were read for a design and its network. A misdeed that cannot be done is told by its fault's
// number, and left out.
func Suffer(faults []*Fault, d *design.Design, n *network.Network, c *catalog.Catalog) (*Plight, map[int]error) {
	p := &Plight{Network: n, links: map[oneWay]sim.Impairment{}}
	wrong := map[int]error{}
	out := d
	for i, x := range faults {
		f := x.f
		if x.Momentary() {
			continue
		}
		done := out
		var err error
		for _, m := range f.misdeeds {
			if done, err = Apply(done, m); err != nil {
				break
			}
		}
		if err != nil {
			wrong[i] = err
			continue
		}
		if len(f.misdeeds) > 0 {
			out, p.misdeeds = done, append(p.misdeeds, f.misdeeds...)
		}
		for _, list := range f.down {
			if f.carrier {
				p.carrier = append(p.carrier, list...)
			} else {
				p.silent = append(p.silent, list...)
			}
		}
		if f.drained != "" {
			p.drained = append(p.drained, f.drained)
		}
		worsen := func(session, from int, by func(*sim.Impairment)) {
			l := oneWay{x.names[session], from}
			m := p.links[l]
			by(&m)
			p.links[l] = m
		}
		for _, l := range f.links {
			worsen(l.session, l.direction, f.impair.worsen)
		}
		for _, r := range f.grey {
			for k, ends := range x.ends {
				if ends[0] == r || ends[1] == r {
					worsen(k, 0, func(m *sim.Impairment) { m.Grey = true })
					worsen(k, 1, func(m *sim.Impairment) { m.Grey = true })
				}
			}
		}
	}
	for l, m := range p.links {
		if soft := m; !m.Dead {
			soft.Grey = false
			if soft != (sim.Impairment{}) {
				p.Soft = append(p.Soft, l.session)
			}
		}
	}
	p.silent, p.carrier, p.drained, p.Soft = sorted(p.silent), sorted(p.carrier), sorted(p.drained), sorted(p.Soft)
	if out != d {
		p.Network, _ = network.Build(out.Resources, out.Premises, c, network.Options{})
	}
	return p, wrong
}

// Same tells whether two come to the same, in one network.
func (p *Plight) Same(q *Plight) bool {
	return p.Network == q.Network && slices.Equal(p.silent, q.silent) && slices.Equal(p.carrier, q.carrier) && slices.Equal(p.drained, q.drained) && maps.Equal(p.links, q.links)
}

// Befall puts a running estate from one plight into another, which may be one of another network: sim.Ready must have been asked about that.
// It is for the loop of a sim.Live. The errors are about names that the estate does not have, which were read for another network.
func (p *Plight) Befall(s *sim.Sim, was *Plight) error {
	var errs []error
	try := func(err error) { errs = append(errs, err) }
	down := func(q *Plight, e string) bool { return slices.Contains(q.silent, e) || slices.Contains(q.carrier, e) }
	for _, e := range slices.Concat(was.silent, was.carrier) {
		if !down(p, e) {
			try(s.Repair(e))
		}
	}
	for _, e := range was.drained {
		if !slices.Contains(p.drained, e) {
			s.Drain(e, false)
		}
	}
	for _, l := range p.ordered(was) {
		if _, still := p.links[l]; !still {
			try(s.Impair(l.session, l.from, sim.Impairment{}))
		}
	}
	if p.Network != was.Network {
		s.BecomeReady(p.Network)
	}
	for how, list := range [][]string{sim.Carrier: p.carrier, sim.Silent: p.silent} {
		for _, e := range list {
			if !down(was, e) {
				try(s.Fail(sim.How(how), e)) //nolint:gosec // an index
			}
		}
	}
	for _, e := range p.drained {
		if !slices.Contains(was.drained, e) {
			s.Drain(e, true)
		}
	}
	for _, l := range p.ordered(p) {
		m := p.links[l]
		if was.links[l] == m {
			continue
		}
		if l.from == 1 && p.links[oneWay{l.session, 0}].Seen {
			m.Seen = false // both ends are told once
		}
		try(s.Impair(l.session, l.from, m))
	}
	if len(was.misdeeds) > len(p.misdeeds) { // too many prefixes are gone, maybe: what they took down comes back (network.AssumeLimitReset)
		for _, name := range s.Latched() {
			try(s.Reset(name))
		}
	}
	return errors.Join(errs...)
}

// ordered are the bad directions of a plight, in one order.
func (p *Plight) ordered(of *Plight) []oneWay {
	return slices.SortedFunc(maps.Keys(of.links), func(a, b oneWay) int {
		if c := strings.Compare(a.session, b.session); c != 0 {
			return c
		}
		return a.from - b.from
	})
}

// Faultless is the plight of a network where nothing is wrong.
func Faultless(n *network.Network) *Plight { return &Plight{Network: n} }

// Verbs are the keys of steps that are faults.
func Verbs() []string {
	var out []string
	for _, v := range verbs() {
		if v.key != "repair" {
			out = append(out, v.key)
		}
	}
	return out
}
