package twin

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"onramp/arm"
	"onramp/azure"
	"onramp/catalog"
	"onramp/design"
	"onramp/network"
	"onramp/rehearse"
	"onramp/sim"
)

// estate is what runs behind the endpoint: the routers of the resources that it has and of the premises that somebody told it, in one
// simulator. Whenever one of them changes, the simulator becomes the network of what there is now, and what does not change goes on
// undisturbed. Where packets go network and bgp decide.
type estate struct {
	catalog *catalog.Catalog
	log     *slog.Logger
	// resources are those of the endpoint now, with a number that is another one whenever they are; subscription is the GUID of one that is
	// named otherwise in designs.
	resources func() (azure.Resources, uint64)
	// changes is that number alone.
	changes      func() uint64
	subscription func(name string) (id string, ok bool)
	now          func() time.Time
	// call has a function called by the simulator's loop and waits for it.
	call func(context.Context, func(*sim.Sim)) error
	// save writes faults down; nil is nowhere.
	save func([]*Fault) error
	kick chan struct{} // holds one value at most: there is something to take over

	change sync.Mutex // held by who changes what is in force; before mu
	design design.Design
	base   *network.Network // of the design
	number uint64           // of its resources
	age    uint64           // of its premises

	mu       sync.Mutex
	premises design.Premises
	told     uint64 // counts what premises somebody told
	plight   *rehearse.Plight
	trouble  []design.Finding // what could not be built
	faults   []*Fault         // changed with change held, too
	failed   error            // why the last change was not taken over
	links    map[string]arm.LinkState
	up, may  int // sessions
	taken    int // changes
	news     news
	surveyed bool // a survey is planned; the loop's own
}

// Fault is something that somebody lets go wrong in the network.
type Fault struct {
	// Step is what happens, as a step of a script of drills says it, without its time.
	Step rehearse.Step `json:"step"`
	FaultState
}

// FaultState is a fault, for people.
type FaultState struct {
	// What is the step in words, Target the name by which it is ended.
	What   string    `json:"what"`
	Target string    `json:"target"`
	Since  time.Time `json:"since"`
	// Until is when it ends by itself; the zero time is not at all.
	Until time.Time `json:"until,omitzero"`
	// Waits says why it does nothing now: what it is about is not there.
	Waits string `json:"waits,omitempty"`
}

// grain is how late anything may be in the estate so that the machine has some rest.
const grain = 4 * time.Millisecond

// newEstate makes one in which nothing is.
func newEstate(c *catalog.Catalog, now func() time.Time, log *slog.Logger) (*estate, *sim.Sim, error) {
	e := &estate{catalog: c, log: log, now: now, kick: make(chan struct{}, 1), links: map[string]arm.LinkState{}, news: newNews(),
		resources: func() (azure.Resources, uint64) { return nil, 0 }, changes: func() uint64 { return 0 }, subscription: func(string) (string, bool) { return "", false }}
	e.base, _ = network.Build(nil, design.Premises{}, c, network.Options{})
	e.plight = rehearse.Faultless(e.base)
	var s *sim.Sim
	s, err := sim.New(e.base, sim.Options{Seed: 1, Observe: func(h sim.Happening) { e.observe(s, h) }})
	if err != nil {
		return nil, nil, err
	}
	s.Start()
	return e, s, nil
}

// touched tells that there is something to take over.
func (e *estate) touched() {
	select {
	case e.kick <- struct{}{}:
	default: // somebody is to look already
	}
}

// follow takes over whatever changes until the context ends. What comes in a burst is taken over together: after each look there is a rest
// of twice its time.
func (e *estate) follow(ctx context.Context, changed <-chan struct{}) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	untidy := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-changed:
		case <-e.kick:
		case <-timer.C:
			if untidy {
				debug.FreeOSMemory() // building networks takes several times what they are
				untidy = false
				timer.Reset(e.next())
				continue
			}
		}
		began := time.Now()
		if err := e.update(ctx); err != nil && ctx.Err() == nil {
			e.log.Error("a change was not taken over", "error", err)
		}
		timer.Reset(2 * time.Since(began))
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		untidy = true
		timer.Reset(min(e.next(), calm))
	}
}

// calm is how long nothing has to change until what taking over needed is given back to the system.
const calm = 2 * time.Second

// next is how long it is until a fault ends by itself.
func (e *estate) next() time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	wait := time.Hour
	for _, f := range e.faults {
		if !f.Until.IsZero() {
			wait = min(wait, max(0, f.Until.Sub(e.now())))
		}
	}
	return wait
}

// update takes over what there is now. The error is that of a network that cannot be run, and then everything stays as it was, or of an
// estate that has stopped.
func (e *estate) update(ctx context.Context) error {
	e.change.Lock()
	defer e.change.Unlock()
	err := e.takeOver(ctx)
	e.mu.Lock()
	e.failed = err
	e.mu.Unlock()
	return err
}

// takeOver wants change.
func (e *estate) takeOver(ctx context.Context) error {
	e.mu.Lock()
	premises, told := e.premises, e.told
	e.mu.Unlock()
	d, base, number := e.design, e.base, e.number
	var trouble []design.Finding
	anew := e.changes() != e.number || told != e.age
	if anew {
		var rs azure.Resources
		rs, number = e.resources()
		d = design.Design{APIVersion: design.APIVersion, Name: "twin", Resources: rs, Premises: premises.Rehome(e.subscription)}
		base, trouble = network.Build(d.Resources, d.Premises, e.catalog, network.Options{})
		if err := sim.Ready(base); err != nil {
			return err
		}
	}
	e.mu.Lock()
	was := len(e.faults)
	e.expire()
	faults := slices.Clone(e.faults)
	e.mu.Unlock()
	if len(faults) != was {
		if err := e.keep(); err != nil {
			return err
		}
	}
	p, waits := e.suffer(faults, &d, base)
	if p.Network != base {
		if err := sim.Ready(p.Network); err != nil {
			return err
		}
	}
	if err := e.befall(ctx, p); err != nil {
		return err
	}
	e.design, e.base, e.number, e.age = d, base, number, told
	e.mu.Lock()
	defer e.mu.Unlock()
	for i, f := range faults {
		f.Waits = waits[i]
	}
	if anew {
		e.trouble = trouble
		e.taken++
		w := base.Wiring()
		e.news.add(Event{At: e.now(), What: "network", Why: fmt.Sprintf("%d resources, %d sites: %d routers, %d sessions", len(d.Resources), len(premises.Sites), len(w.Routers), len(w.Sessions))})
	}
	return nil
}

// befall puts the running estate into a plight. It wants change.
func (e *estate) befall(ctx context.Context, p *rehearse.Plight) error {
	e.mu.Lock()
	was := e.plight
	e.mu.Unlock()
	if p.Same(was) {
		return nil
	}
	var err error
	if called := e.call(ctx, func(s *sim.Sim) {
		err = p.Befall(s, was)
		e.mu.Lock()
		e.plight = p
		e.mu.Unlock()
		e.survey(s)
	}); called != nil {
		return called
	}
	return err
}

// suffer works out what faults come to in a network, and which wait, and why. The last ones have been read already.
func (e *estate) suffer(faults []*Fault, d *design.Design, n *network.Network, already ...*rehearse.Fault) (*rehearse.Plight, []string) {
	waits := make([]string, len(faults))
	var read []*rehearse.Fault
	var of []int
	for i, f := range faults {
		var x *rehearse.Fault
		var err error
		if k := i - len(faults) + len(already); k >= 0 {
			x = already[k]
		} else if x, err = rehearse.ReadFault(f.Step, d, n, e.catalog); err != nil {
			waits[i] = err.Error()
			continue
		}
		read, of = append(read, x), append(of, i)
	}
	if len(read) == 0 {
		return rehearse.Faultless(n), waits
	}
	p, wrong := rehearse.Suffer(read, d, n, e.catalog)
	for k, err := range wrong {
		waits[of[k]] = err.Error()
	}
	return p, waits
}

// setPremises puts others in the place of those that are there.
func (e *estate) setPremises(p design.Premises) {
	e.mu.Lock()
	e.premises = p
	e.told++
	e.news.add(Event{At: e.now(), What: "premises", Why: sitesAre(&p)})
	e.mu.Unlock()
	e.touched()
}

// sitesAre says what premises there are.
func sitesAre(p *design.Premises) string {
	if n := len(p.Sites); n != 1 {
		return fmt.Sprintf("%d sites are at the other end of the circuits", n)
	}
	return "1 site is at the other end of the circuits"
}

// fault lets something go wrong. What is wrong with the step is a Refusal.
func (e *estate) fault(ctx context.Context, step rehearse.Step) (*Fault, error) {
	if err := e.update(ctx); err != nil { // the step is about what is there now
		return nil, err
	}
	e.change.Lock()
	defer e.change.Unlock()
	x, err := rehearse.ReadFault(step, &e.design, e.base, e.catalog)
	if err != nil {
		return nil, Refusal{err}
	}
	f := &Fault{Step: x.Step, FaultState: FaultState{What: x.Words(), Target: x.Target(), Since: e.now()}}
	if step.For != nil {
		f.Until = f.Since.Add(time.Duration(*step.For))
	}
	if x.Momentary() {
		var lasts time.Duration
		if called := e.call(ctx, func(s *sim.Sim) {
			lasts, err = x.Strike(s)
			e.survey(s)
		}); called != nil {
			return nil, called
		}
		if err != nil {
			return nil, Refusal{err}
		}
		f.Until = f.Since.Add(lasts)
		e.mu.Lock()
		defer e.mu.Unlock()
		e.news.add(Event{At: f.Since, What: "fault", Why: f.What})
		return f, nil
	}
	e.mu.Lock()
	faults := slices.Clone(e.faults)
	e.mu.Unlock()
	for _, o := range faults {
		if o.Target == f.Target && o.verb() == f.verb() {
			return nil, Refusal{fmt.Errorf("%s is on already; restore %s first", o.What, o.Target)}
		}
	}
	faults = append(faults, f)
	p, waits := e.suffer(faults, &e.design, e.base, x)
	if why := waits[len(waits)-1]; why != "" {
		return nil, Refusal{errors.New(why)}
	}
	if p.Network != e.base {
		if err := sim.Ready(p.Network); err != nil {
			return nil, Refusal{err}
		}
	}
	if err := e.befall(ctx, p); err != nil {
		return nil, err
	}
	e.mu.Lock()
	e.faults = faults
	e.news.add(Event{At: f.Since, What: "fault", Why: f.What})
	e.mu.Unlock()
	e.touched() // who waits for the first that ends looks again
	return f, e.keep()
}

// keep writes down which faults are on.
func (e *estate) keep() error {
	if e.save == nil {
		return nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.save(e.faults)
}

func (f *Fault) verb() string {
	v, _, _ := strings.Cut(f.What, " ")
	return v
}

// restore ends the faults of some targets, all of them without a name, and returns those. A target of none is a Refusal.
func (e *estate) restore(ctx context.Context, targets ...string) ([]*Fault, error) {
	e.change.Lock()
	e.mu.Lock()
	var ended []*Fault
	var names []string
	left := slices.Clone(e.faults)
	for _, f := range left {
		names = append(names, f.Target)
	}
	if len(targets) == 0 {
		ended, left = left, nil
	}
	for _, t := range targets {
		n := len(ended)
		left = slices.DeleteFunc(left, func(f *Fault) bool {
			if f.Target == t {
				ended = append(ended, f)
			}
			return f.Target == t
		})
		if len(ended) == n {
			e.mu.Unlock()
			e.change.Unlock()
			slices.Sort(names)
			return nil, Refusal{nothingWrong(t, slices.Compact(names))}
		}
	}
	e.faults = left
	for _, f := range ended {
		e.news.add(Event{At: e.now(), What: "restored", Why: f.What})
	}
	e.mu.Unlock()
	e.change.Unlock()
	return ended, errors.Join(e.keep(), e.update(ctx))
}

func nothingWrong(name string, on []string) error {
	said := fmt.Sprintf("nothing is wrong with %q", name)
	switch near := catalog.Nearest(name, on); {
	case near != "":
		return errors.New(said + "; did you mean " + near + "?")
	case len(on) > 0:
		return errors.New(said + "; something is with " + strings.Join(on, ", "))
	}
	return errors.New(said + "; no fault is on")
}

// expire ends the faults whose time is over. It wants mu.
func (e *estate) expire() {
	now := e.now()
	e.faults = slices.DeleteFunc(slices.Clone(e.faults), func(f *Fault) bool {
		over := !f.Until.IsZero() && !now.Before(f.Until)
		if over {
			e.news.add(Event{At: now, What: "restored", Why: f.What})
		}
		return over
	})
}

// established is a session's state (RFC 4271 section 8.2.2).
const established = "Established"

// observe follows what happens in the simulator.
func (e *estate) observe(s *sim.Sim, h sim.Happening) {
	switch h.What {
	case "route":
		return
	case "session":
		if h.From != established && h.To != established {
			return
		}
	}
	if !e.surveyed && s != nil {
		e.surveyed = true
		s.At(s.Now()+time.Millisecond, func() { e.survey(s) }) // what happens together is counted together
	}
	e.mu.Lock()
	e.news.add(Event{At: e.now(), What: h.What, Node: h.Node, Session: h.Session, From: h.From, To: h.To, Why: h.Why})
	e.mu.Unlock()
}

// survey notes how the sessions stand, for those who do not ask the loop.
func (e *estate) survey(s *sim.Sim) {
	e.surveyed = false
	links := map[string]arm.LinkState{}
	up, may := 0, 0
	for _, x := range s.SessionStates() {
		if x.Up {
			up++
		}
		if x.May {
			may++
		}
		if x.Kind != "gateway" {
			continue
		}
		switch is := links[x.Together]; {
		case x.Up:
			links[x.Together] = arm.Linked
		case x.May && is != arm.Linked:
			links[x.Together] = arm.Linking
		case is == "":
			links[x.Together] = arm.NotLinked
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.up, e.may = up, may
	if !maps.Equal(links, e.links) {
		e.links = links
	}
}

// settled tells whether everything has been taken over and nothing more will come of it.
func (e *estate) settled(ctx context.Context) (bool, error) {
	number := e.changes()
	e.change.Lock()
	is := e.number == number
	age := e.age
	e.change.Unlock()
	e.mu.Lock()
	failed, soft := e.failed, e.plight.Soft
	is = is && age == e.told
	e.mu.Unlock()
	if failed != nil {
		return false, failed
	}
	if !is {
		return false, nil
	}
	err := e.call(ctx, func(s *sim.Sim) { is = s.SettledBut(soft...) })
	return is, err
}

// untilSettled waits for that. An error is why a change cannot be taken over, or that of the context.
func (e *estate) untilSettled(ctx context.Context) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if is, err := e.settled(ctx); is || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
}
