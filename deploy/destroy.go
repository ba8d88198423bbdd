package deploy

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"onramp/azure"
	"onramp/cloud"
)

// Destroy takes away what was made for a target, and nothing else: what uses something before what is used, a circuit when its provider
// has let go of it, and resource groups at the end, where nothing is left in them. The result is there with an error too.
func Destroy(ctx context.Context, e *cloud.Endpoint, t *Target, j *Journal, o Options) (*Result, error) {
	o.fill()
	r := &run{e: e, t: t, j: j, o: o, result: NewResult(), keys: map[string]bool{}}
	tenant, err := r.tenant(ctx)
	if err != nil {
		return r.result, err
	}
	if r.there, err = Read(ctx, e, t, j); err != nil {
		return r.result, err
	}
	r.fresh = true
	plan := MakeDestroyPlan(t, r.there)
	if o.Planned != nil {
		if err := o.Planned(plan, len(plan.steps)); err != nil {
			return r.result, err
		}
	}
	for i := range plan.Changes {
		if c := &plan.Changes[i]; c.Kind == Extra {
			r.result.Kept = append(r.result.Kept, Kept{c.ID, c.Note})
		}
	}
	if len(plan.steps) == 0 {
		return r.result, r.ends()
	}
	if err := j.write(entry{What: runBegins, Tenant: tenant, Design: t.Name, Steps: plan.steps}); err != nil {
		return r.result, err
	}
	if err := r.execute(ctx, plan.steps); err != nil {
		return r.result, err
	}
	if len(r.result.Failed)+r.result.Waiting > 0 {
		return r.result, r.result.Err()
	}
	return r.result, r.ends()
}

// MakeDestroyPlan says what a destroy takes away, and what of the target it leaves because it did not make it.
func MakeDestroyPlan(t *Target, h *There) *Plan {
	p := &Plan{Design: t.Name, Changes: []Change{}, HandOvers: []azure.ID{}, Problems: []string{}, Prerequisites: []Prerequisite{}}
	goes := func(x *item) bool {
		for ; x != nil; x = h.items[x.parent] {
			if h.mine(x) || h.within(t, x) {
				return true
			}
		}
		return false
	}
	var keys []string
	for k := range h.items {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		x := h.items[k]
		ch := Change{ID: x.id, Type: x.typ, Kind: Delete, Properties: []azure.Change{}, Drift: []azure.Change{}, Impact: "interrupts"}
		if !goes(x) {
			if x.parent == "" || t.byKey[k] != nil {
				ch.Kind, ch.Impact, ch.Note = Extra, "none", "it was not made by this design"
				p.Changes = append(p.Changes, ch)
			}
			continue
		}
		if x.parent != "" && goes(h.items[x.parent]) && !x.is("virtualNetworks/virtualNetworkPeerings") && !x.is("expressRouteCircuits/peerings/connections") {
			continue // it goes with what it is in
		}
		p.Changes = append(p.Changes, ch)
		p.steps = append(p.steps, step{x.id, opDelete})
	}
	return p
}

// within tells whether something that can have no tags belongs to what was made for this design: a wanted role assignment on it, or a wanted
// record below it.
func (h *There) within(t *Target, x *item) bool {
	if x.taggable() || x.parent != "" || t.byKey[x.key] == nil {
		return false
	}
	p, err := azure.ParseID(string(x.id))
	if err != nil {
		return false
	}
	of := p.Scope
	if of == "" {
		of = x.id.Parent()
	}
	for k := of.Key(); strings.Count(k, "/") > 4; k = azure.ID(k).Parent().Key() { // a role may be on a subnet
		if y := h.items[k]; y != nil && h.mine(y) {
			return true
		}
	}
	return false
}

// remove takes something away.
func (r *run) remove(ctx context.Context, n *node) (state string, err error) {
	x := n.item
	p, err := azure.ParseID(string(n.ID))
	if err != nil {
		return "", err
	}
	if p.Provider == "" { // a resource group
		rest, err := r.e.List(ctx, string(n.ID)+"/resources", "Microsoft.Resources/resources", nil)
		if err != nil && !errors.Is(err, cloud.ErrNotFound) {
			return "", err
		}
		if len(rest) > 0 {
			r.mu.Lock()
			r.result.Kept = append(r.result.Kept, Kept{n.ID, "something is left in it"})
			r.mu.Unlock()
			return "kept", nil
		}
	}
	if err := r.note(entry{What: stepBegins, ID: n.ID, Op: opDelete}); err != nil {
		return "", err
	}
	r.at("begun", n.ID)
	state, err = r.insistGone(ctx, x)
	if err != nil && !errors.Is(err, errHeld) {
		return "", errors.Join(err, r.note(entry{What: stepFailed, ID: n.ID, Op: opDelete, Error: Told(err).Error()}))
	}
	if err != nil {
		return "", errors.Join(err, r.noteFailed(n, "it waits for a provider"))
	}
	r.at("answered", n.ID)
	r.mu.Lock()
	delete(r.there.items, x.key)
	r.mu.Unlock()
	return state, r.note(entry{What: stepDone, ID: n.ID, Op: opDelete})
}

func (r *run) noteFailed(n *node, why string) error {
	return r.note(entry{What: stepFailed, ID: n.ID, Op: n.Op, Error: why})
}

// insistGone deletes until it is gone, or the endpoint says that it never will be, or a provider has to let go of it first.
func (r *run) insistGone(ctx context.Context, x *item) (string, error) {
	until, provider := time.Now().Add(r.o.Patience), time.Now().Add(r.o.Wait)
	wait := r.o.Backoff
	for {
		o, err := r.e.Delete(ctx, x.id)
		if err == nil {
			_, err = o.Wait(ctx)
		}
		if err == nil || errors.Is(err, cloud.ErrNotFound) {
			return "deleted", nil
		}
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		again := wait
		switch h, holds := r.holds(ctx, x); {
		case holds && time.Now().Before(provider):
			r.cancel(h)
			again = min(r.o.Look, time.Until(provider))
		case holds:
			r.cancel(h)
			r.mu.Lock()
			r.result.HandOvers = append(r.result.HandOvers, h)
			r.mu.Unlock()
			return "", errHeld
		case !passing(err) || time.Now().After(until):
			return "", err
		default:
			wait = min(2*wait, time.Minute)
		}
		if err := pause(ctx, again); err != nil {
			return "", err
		}
		is, err := r.settled(ctx, x.id)
		if err == nil && is == nil {
			return "deleted", nil
		}
	}
}

// holds tells whether a circuit cannot go because its provider still has it (limits.yaml, circuit.delete_requires).
func (r *run) holds(ctx context.Context, x *item) (HandOver, bool) {
	if !x.is("expressRouteCircuits") || !provided(x) {
		return HandOver{}, false
	}
	is, err := r.look(ctx, x.id)
	if err != nil || is == nil {
		return HandOver{}, false
	}
	state := text(is.body, "properties", "serviceProviderProvisioningState")
	return HandOver{Circuit: x.id, ServiceKey: text(is.body, "properties", "serviceKey"), State: state, Order: r.t.order(x.id)}, !strings.EqualFold(state, "NotProvisioned")
}

// cancel tells once which order has to be cancelled.
func (r *run) cancel(h HandOver) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if k := h.Circuit.Key(); !r.keys[k] {
		r.keys[k] = true
		if r.o.HandOver != nil {
			r.o.HandOver(h)
		}
	}
}
