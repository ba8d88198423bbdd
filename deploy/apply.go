package deploy

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"

	"onramp/azure"
	"onramp/catalog"
	"onramp/cloud"
	"onramp/design"
)

// Options are how a deployment is carried out.
type Options struct {
	PlanOptions
	// Catalog is what the target is held against before anything is touched; nil leaves that to the endpoint.
	Catalog *catalog.Catalog
	// Parallel is how many writes are under way at a time; 0 is Parallel.
	Parallel int
	// Wait is how long to wait for providers; 0 does not wait.
	Wait time.Duration
	// Look is how often it is looked whether a provider has done its part, or an operation of somebody else has ended; 0 is 10 s.
	Look time.Duration
	// Patience is how long something that the endpoint says will pass is tried again; 0 is an hour.
	Patience time.Duration
	// Backoff is how long the first wait before such another try is; each next one is twice as long, up to a minute. 0 is a second.
	Backoff time.Duration
	// Planned is told the plan before anything is touched, or nil with the number of steps that are left of an apply which was
	// interrupted. An error ends the apply.
	Planned func(p *Plan, left int) error
	// Progress is told of each step, one at a time.
	Progress func(Event)
	// HandOver is told of each circuit that waits for its provider, as soon as it has its service key.
	HandOver func(HandOver)

	hook func(point string, id azure.ID) // for tests: what has just happened
}

// Event is something that happened to a step.
type Event struct {
	ID    azure.ID
	Type  string
	State string // "begins", "created", "changed", "there already", "deleted", "gone already", "failed", "waits", "kept"
	Took  time.Duration
	Err   error
	// Done of Total steps have ended.
	Done, Total int
}

// HandOver is a circuit whose provider has to do its part.
type HandOver struct {
	Circuit azure.ID `json:"circuit"`
	// ServiceKey is what the provider needs, and nobody else may have.
	ServiceKey string        `json:"serviceKey"`
	State      string        `json:"state"` // serviceProviderProvisioningState
	Order      *design.Order `json:"order,omitempty"`
}

// Result is what came of an apply, or a destroy.
type Result struct {
	Written   int        `json:"written"` // how many steps have written something
	Deleted   int        `json:"deleted"`
	Found     int        `json:"found"` // how many steps found it done
	Waiting   int        `json:"waiting"`
	HandOvers []HandOver `json:"handOvers"`
	// Failed are the steps that failed, Blocked those that were not tried because of that.
	Failed  []Failure  `json:"failed"`
	Blocked []azure.ID `json:"blocked"`
	// Kept is what a destroy left, with why.
	Kept []Kept `json:"kept"`
	// Resumed tells that it went on with an apply that was interrupted.
	Resumed bool `json:"resumed"`
}

// NewResult is one of nothing.
func NewResult() *Result {
	return &Result{HandOvers: []HandOver{}, Failed: []Failure{}, Blocked: []azure.ID{}, Kept: []Kept{}}
}

// Failure is a step that failed.
type Failure struct {
	ID    azure.ID `json:"id"`
	Error string   `json:"error"`
}

// Kept is something that stays.
type Kept struct {
	ID  azure.ID `json:"id"`
	Why string   `json:"why"`
}

// Err is nil when everything was done or waits for providers.
func (r *Result) Err() error {
	if len(r.Failed) == 0 {
		return nil
	}
	more := ""
	if n := len(r.Failed) - 1; n > 0 {
		more = fmt.Sprintf(" (and %d more)", n)
	}
	return fmt.Errorf("%s: %s%s", r.Failed[0].ID, r.Failed[0].Error, more)
}

// RefusedError tells what Azure would not do, before anything is touched.
type RefusedError struct{ Plan *Plan }

// Error says what and why.
func (e *RefusedError) Error() string {
	var out []string
	for i := range e.Plan.Changes {
		if c := &e.Plan.Changes[i]; c.Kind == Refuse {
			out = append(out, fmt.Sprintf("Azure cannot do this in place: %s: %s", c.ID, c.Why))
		}
	}
	out = append(out, e.Plan.Problems...)
	return "nothing was touched: " + strings.Join(out, "; ")
}

// ErrOtherTenant tells that a journal is of another endpoint.
var ErrOtherTenant = errors.New("the journal is of another tenant's deployment; give --journal another file")

// rounds is how often an apply looks again whether all is as it should be.
const rounds = 3

// run is an apply or a destroy under way.
type run struct {
	e      *cloud.Endpoint
	t      *Target
	j      *Journal
	o      Options
	there  *There
	fresh  bool // there was read just now
	result *Result

	mu    sync.Mutex // of what follows, and of what there holds
	done  int
	total int
	keys  map[string]bool // circuits that were handed over
}

func (o *Options) fill() {
	if o.Parallel <= 0 {
		o.Parallel = Parallel
	}
	if o.Look <= 0 {
		o.Look = 10 * time.Second
	}
	if o.Patience <= 0 {
		o.Patience = time.Hour
	}
	if o.Backoff <= 0 {
		o.Backoff = time.Second
	}
}

// Apply makes an endpoint have what a target wants. What an apply that was interrupted had begun is gone on with: each of the steps that
// are left is looked at before it is written, and at the end everything is. The result is there with an error too.
func Apply(ctx context.Context, e *cloud.Endpoint, t *Target, j *Journal, o Options) (*Result, error) {
	o.fill()
	r := &run{e: e, t: t, j: j, o: o, result: NewResult(), keys: map[string]bool{}}
	tenant, err := r.tenant(ctx)
	if err != nil {
		return r.result, err
	}
	digest, err := t.digest(o.PlanOptions)
	if err != nil {
		return r.result, err
	}
	steps, resumes := j.past.resumes(digest)
	for range rounds {
		if resumes {
			r.result.Resumed = true
			r.there, r.fresh = newThere(t, j.past), false
			if o.Planned != nil {
				if err := o.Planned(nil, len(steps)); err != nil {
					return r.result, err
				}
			}
		} else {
			if r.there, err = Read(ctx, e, t, j); err != nil {
				return r.result, err
			}
			r.fresh = true
			plan, err := MakePlan(t, r.there, o.Catalog, o.PlanOptions)
			if err != nil {
				return r.result, err
			}
			if plan.Count(Refuse) > 0 || len(plan.Problems) > 0 {
				return r.result, &RefusedError{plan}
			}
			if o.Planned != nil {
				if err := o.Planned(plan, len(plan.steps)); err != nil {
					return r.result, err
				}
			}
			if steps = plan.steps; len(steps) == 0 && len(plan.HandOvers) == 0 {
				return r.result, r.ends()
			}
			if len(steps) > 0 {
				if err := j.write(entry{What: runBegins, Tenant: tenant, Design: t.Name, Digest: digest, Steps: steps}); err != nil {
					return r.result, err
				}
			}
		}
		if err := r.execute(ctx, steps); err != nil {
			return r.result, err
		}
		if len(r.result.Failed)+r.result.Waiting > 0 {
			return r.result, r.result.Err()
		}
		if err := r.ends(); err != nil || !resumes {
			return r.result, err
		}
		resumes = false
	}
	return r.result, errors.New("what was written does not stay as it was written: somebody else is at work on it")
}

// ends writes that the run has come to its end, if it is not written yet.
func (r *run) ends() error {
	if r.j.past.open == nil {
		return nil
	}
	return r.j.write(entry{What: runEnds})
}

// tenant is whose subscriptions these are; the journal must be of the same.
func (r *run) tenant(ctx context.Context) (string, error) {
	subs := r.t.subscriptions()
	if len(subs) == 0 {
		return "", errors.New("the design has no resource in a subscription")
	}
	b, err := r.e.Get(ctx, azure.ID("/subscriptions/"+subs[0]))
	if err != nil {
		return "", fmt.Errorf("subscription %s: %w", subs[0], err)
	}
	var s struct{ TenantID string }
	if err := json.Unmarshal(b, &s); err != nil {
		return "", err
	}
	if was := r.j.past.tenant; was != "" && !strings.EqualFold(was, s.TenantID) {
		return "", fmt.Errorf("%s: %w", r.j.path, ErrOtherTenant)
	}
	return s.TenantID, nil
}

// digest tells one target from another.
func (t *Target) digest(o PlanOptions) (string, error) {
	h := sha256.New()
	fmt.Fprintf(h, "%s\n%t\n", t.Name, o.DeleteExtra)
	for _, x := range t.items {
		if x.whole != nil {
			h.Write(x.whole)
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// ended is a step that has come to an end.
type ended struct {
	n     *node
	state string
	took  time.Duration
	err   error
}

// errHeld tells that a step waits for a provider.
var errHeld = errors.New("it waits for a provider")

// execute carries out steps in their order, as many at a time as may be. The error is one of the journal or of the caller's patience; how
// steps ended is in the result.
func (r *run) execute(ctx context.Context, steps []step) error {
	nodes := graph(r.t, r.there, steps)
	r.done, r.total = 0, 0
	for _, n := range nodes {
		if !n.gate {
			r.total++
		}
	}
	if len(steps) == 0 { // nothing is to be written, and providers may have something to do
		nodes = r.gates()
	}
	locked := map[string]bool{}
	ends := make(chan ended)
	under := 0
	var stop error
	for {
		if stop == nil {
			stop = ctx.Err()
		}
		for _, n := range nodes {
			if stop != nil || under >= r.o.Parallel {
				break
			}
			if n.state != pending || n.waits > 0 || slices.ContainsFunc(n.locks, func(k string) bool { return locked[k] }) {
				continue
			}
			n.state = running
			for _, k := range n.locks {
				locked[k] = true
			}
			under++
			go func() { ends <- r.step(ctx, n) }()
		}
		if under == 0 {
			break
		}
		x := <-ends
		under--
		for _, k := range x.n.locks {
			delete(locked, k)
		}
		if err := r.ended(x); err != nil && stop == nil {
			stop = err
		}
	}
	if stop != nil {
		return stop
	}
	for _, n := range nodes {
		switch n.state {
		case pending:
			return fmt.Errorf("%s waits for something that waits for it", n.ID)
		case blocked:
			r.result.Blocked = append(r.result.Blocked, n.ID)
		case held:
			r.result.Waiting++
		}
	}
	return nil
}

// gates are the circuits whose providers have not done their part.
func (r *run) gates() []*node {
	var out []*node
	for _, x := range r.t.items {
		if is := r.there.items[x.key]; provided(x) && is != nil && text(is.body, "properties", "serviceProviderProvisioningState") != provisioned {
			out = append(out, &node{step: step{ID: x.id}, item: x, gate: true, index: len(out)})
		}
	}
	return out
}

// ended takes in how a step ended, and lets go or stops what waits for it.
func (r *run) ended(x ended) error {
	n := x.n
	var journal *journalError
	switch {
	case errors.As(x.err, &journal):
		return x.err
	case errors.Is(x.err, errHeld):
		n.state = held
	case x.err != nil:
		n.state = broken
		if errors.Is(x.err, context.Canceled) || errors.Is(x.err, context.DeadlineExceeded) {
			return x.err
		}
		x.err = Told(x.err)
		r.result.Failed = append(r.result.Failed, Failure{n.ID, x.err.Error()})
	default:
		n.state = finished
		for _, a := range n.after {
			a.waits--
		}
	}
	if n.state != finished {
		n.holdBack()
	}
	if n.gate {
		return nil
	}
	r.done++
	switch x.state {
	case "created", "changed":
		r.result.Written++
	case "deleted":
		r.result.Deleted++
	case "there already", "gone already":
		r.result.Found++
	}
	r.tell(Event{ID: n.ID, Type: n.item.typ, State: x.state, Took: x.took, Err: x.err})
	return nil
}

// holdBack marks what cannot be tried because something before it failed or is held.
func (n *node) holdBack() {
	for _, a := range n.after {
		to := blocked
		if n.state == held {
			to = held
		}
		if a.state == pending || a.state == held && to == blocked {
			a.state = to
			a.holdBack()
		}
	}
}

func (r *run) tell(e Event) {
	if r.o.Progress != nil {
		e.Done, e.Total = r.done, r.total
		r.o.Progress(e)
	}
}

// journalError is an error of the journal: nothing more may be done.
type journalError struct{ error }

func (e *journalError) Unwrap() error { return e.error }

// note writes an entry.
func (r *run) note(e entry) error {
	if err := r.j.write(e); err != nil {
		return &journalError{err}
	}
	return nil
}

func (r *run) at(point string, id azure.ID) {
	if r.o.hook != nil {
		r.o.hook(point, id)
	}
}

// step carries out one step.
func (r *run) step(ctx context.Context, n *node) ended {
	began := time.Now()
	x := ended{n: n}
	switch {
	case n.gate:
		x.err = r.handOver(ctx, n.item)
	case n.Op == opDelete:
		x.state, x.err = r.remove(ctx, n)
	default:
		x.state, x.err = r.write(ctx, n)
	}
	if errors.Is(x.err, errHeld) {
		x.state = "waits"
	} else if x.err != nil {
		x.state = "failed"
	}
	x.took = time.Since(began)
	return x
}

// look reads one thing; nil where it is not there.
func (r *run) look(ctx context.Context, id azure.ID) (*item, error) {
	b, err := r.e.Get(ctx, id)
	if errors.Is(err, cloud.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	list, err := split(b)
	if err != nil {
		return nil, err
	}
	return list[0], nil
}

// settled reads one thing until nobody is at work on it.
func (r *run) settled(ctx context.Context, id azure.ID) (*item, error) {
	for {
		is, err := r.look(ctx, id)
		if err != nil || is == nil || is.settledState() {
			return is, err
		}
		if err := pause(ctx, min(r.o.Look, time.Minute)); err != nil {
			return nil, err
		}
	}
}

// settledState tells that no operation is at work on an item.
func (x *item) settledState() bool {
	return x.state == "" || x.state == "Succeeded" || x.state == "Failed" || x.state == "Canceled"
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// write makes or changes something.
func (r *run) write(ctx context.Context, n *node) (state string, err error) {
	x := n.item
	r.mu.Lock()
	is := r.there.items[x.key]
	r.mu.Unlock()
	looked := r.fresh && (is == nil || is.settledState() && (x.parent != "" || len(apart(x.typ)) == 0))
	if !looked {
		if is, err = r.settled(ctx, x.id); err != nil {
			return "", err
		}
	}
	goal, _ := x.goal(is, r.t.Name, r.there.theirs(x, r.o.PlanOptions))
	same, err := satisfied(is, goal)
	if err != nil {
		return "", err
	}
	if same {
		return "there already", r.finish(n, is)
	}
	if err := r.note(entry{What: stepBegins, ID: n.ID, Op: opPut, Absent: is == nil}); err != nil {
		return "", err
	}
	r.at("begun", n.ID)
	state = "created"
	if is != nil {
		state = "changed"
	}
	now, err := r.insist(ctx, n, is, goal)
	if err != nil {
		return "", errors.Join(err, r.note(entry{What: stepFailed, ID: n.ID, Op: opPut, Error: Told(err).Error()}))
	}
	r.at("answered", n.ID)
	return state, r.finish(n, now)
}

// satisfied tells whether something is as it shall be.
func satisfied(is, goal *item) (bool, error) {
	if is == nil || is.state != "" && is.state != "Succeeded" {
		return false, nil
	}
	list, err := differences(is, goal)
	return err == nil && len(list) == 0, err
}

// finish writes that a step is done, and how it left what it wrote.
func (r *run) finish(n *node, now *item) error {
	left, err := now.bare()
	if err != nil {
		return err
	}
	r.mu.Lock()
	r.there.items[now.key] = now
	r.mu.Unlock()
	return r.note(entry{What: stepDone, ID: n.ID, Op: opPut, Left: left})
}

// insist writes until it is written, or the endpoint says that it never will be. After a connection that broke it looks first.
func (r *run) insist(ctx context.Context, n *node, is, goal *item) (*item, error) {
	until := time.Now().Add(r.o.Patience)
	wait := r.o.Backoff
	for {
		now, err := r.send(ctx, is, goal)
		if err == nil {
			return now, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if !passing(err) || time.Now().After(until) {
			return nil, err
		}
		if err := pause(ctx, wait); err != nil {
			return nil, err
		}
		wait = min(2*wait, time.Minute)
		if is, err = r.settled(ctx, n.ID); err != nil {
			if passing(err) {
				continue
			}
			return nil, err
		}
		ok, err := satisfied(is, goal)
		if err != nil {
			return nil, err
		}
		if ok {
			return is, nil
		}
	}
}

// send writes once.
func (r *run) send(ctx context.Context, is, goal *item) (*item, error) {
	if is != nil && strings.EqualFold(goal.typ, "Microsoft.Authorization/roleAssignments") { // nothing of it can be changed
		o, err := r.e.Delete(ctx, goal.id)
		if err == nil {
			_, err = o.Wait(ctx)
		}
		if err != nil {
			return nil, err
		}
	}
	var there json.RawMessage
	if is != nil {
		there = is.whole
	}
	body, err := goal.sent(there)
	if err != nil {
		return nil, err
	}
	if err := r.authorize(ctx, goal, body); err != nil {
		return nil, err
	}
	o, err := r.e.Put(ctx, goal.id, body)
	if err != nil {
		return nil, err
	}
	r.at("sent", goal.id)
	b, err := o.Wait(ctx)
	if err != nil {
		return nil, err
	}
	list, err := split(b)
	if err != nil { // an answer without a body
		return r.settled(ctx, goal.id)
	}
	if now := list[0]; now.settledState() {
		return now, nil
	}
	return r.settled(ctx, goal.id)
}

// authorize fills in the key that the endpoint issued for an authorization.
func (r *run) authorize(ctx context.Context, goal *item, body object) error {
	m := authorizationForm.FindStringSubmatch(text(goal.body, "properties", "authorizationKey"))
	if m == nil || goal.is("expressRouteCircuits/authorizations") {
		return nil
	}
	circuit := azure.ID(text(goal.body, "properties", "peer", "id"))
	if far := text(goal.body, "properties", "peerExpressRouteCircuitPeering", "id"); far != "" {
		circuit = azure.ID(far).Parent()
	}
	b, err := r.e.Get(ctx, circuit+azure.ID("/authorizations/"+m[1]))
	if err != nil {
		return fmt.Errorf("the key of authorization %s of circuit %s: %w", m[1], circuit.Name(), err)
	}
	var a object
	if err := json.Unmarshal(b, &a); err != nil {
		return err
	}
	props, _ := body["properties"].(object)
	props["authorizationKey"] = text(a, "properties", "authorizationKey")
	return nil
}

// passing tells whether an error is one that passes: the endpoint says so, or the connection broke.
func passing(err error) bool {
	var answer *azcore.ResponseError
	if !errors.As(err, &answer) {
		return !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded)
	}
	switch answer.ErrorCode {
	case "AnotherOperationInProgress", "RetryableError", "ReferencedResourceNotProvisioned", "PrincipalNotFound":
		return true
	}
	switch answer.StatusCode {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout, http.StatusInternalServerError:
		return true
	}
	return false
}

// forbidden tells that the endpoint does not show something.
func forbidden(err error) bool {
	var answer *azcore.ResponseError
	return errors.As(err, &answer) && answer.StatusCode == http.StatusForbidden
}

// handOver waits for a circuit's provider, or says that it has to be waited for.
func (r *run) handOver(ctx context.Context, x *item) error {
	until := time.Now().Add(r.o.Wait)
	for {
		is, err := r.look(ctx, x.id)
		if err != nil {
			return err
		}
		if is == nil {
			return fmt.Errorf("circuit %s is not there", x.id.Name())
		}
		state := text(is.body, "properties", "serviceProviderProvisioningState")
		if state == provisioned {
			return nil
		}
		h := HandOver{Circuit: x.id, ServiceKey: text(is.body, "properties", "serviceKey"), State: state, Order: r.t.order(x.id)}
		r.mu.Lock()
		first := !r.keys[x.key]
		r.keys[x.key] = true
		if first && r.o.HandOver != nil {
			r.o.HandOver(h)
		}
		r.mu.Unlock()
		if !time.Now().Before(until) {
			r.mu.Lock()
			r.result.HandOvers = append(r.result.HandOvers, h)
			r.mu.Unlock()
			return errHeld
		}
		if err := pause(ctx, min(r.o.Look, time.Until(until))); err != nil {
			return err
		}
	}
}

// refused tells that the endpoint has answered, and said no.
func refused(err error) bool {
	var answer *azcore.ResponseError
	return errors.As(err, &answer) && answer.StatusCode >= 400 && answer.StatusCode < 500
}

// Told is an endpoint's error in a person's words: its code and message, or the error itself where it is none of an endpoint.
func Told(err error) error {
	var answer *azcore.ResponseError
	if !errors.As(err, &answer) || answer.RawResponse == nil {
		return err
	}
	var m struct {
		Error struct{ Code, Message string }
	}
	b, e := runtime.Payload(answer.RawResponse)
	if e != nil || json.Unmarshal(b, &m) != nil || m.Error.Message == "" {
		return fmt.Errorf("the endpoint answers %d %s", answer.StatusCode, answer.ErrorCode)
	}
	return fmt.Errorf("%s (%d %s)", strings.TrimSuffix(m.Error.Message, "."), answer.StatusCode, m.Error.Code)
}
