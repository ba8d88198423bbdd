package arm

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"onramp/azure"
	"onramp/template"
)

// deploymentBatch is how many resources are written without looking at anything else: a large deployment does not keep others waiting.
const deploymentBatch = 64

// deploymentRun is what a deployment is about while it runs. It follows from the request, so it is not written down.
type deploymentRun struct {
	inst  *template.Instance
	order []*template.Resource
	in    map[string]bool // their keys
}

// runOf puts the resources that a template deploys in their order: each after those that it depends on.
func (d *deployer) runOf(inst *template.Instance) (*deploymentRun, *Error) {
	order, err := inst.Order()
	if err != nil {
		return nil, d.server.engine.invalidTemplate(err)
	}
	run := &deploymentRun{inst: inst, order: slices.Concat(order...), in: map[string]bool{}}
	for _, r := range run.order {
		run.in[strings.ToLower(r.ID)] = true
	}
	return run, nil
}

// preflight refuses what can be seen to be impossible before anything is done (AssumePreflight): types, versions and places that are not
// there, bodies that cannot be read, and what the caller may not do.
func (d *deployer) preflight(by *Principal, x *deployment, order []*template.Resource) *Error {
	if x.made == nil {
		x.made = map[string]string{}
	}
	for _, r := range order {
		if strings.EqualFold(r.Type, groupType) {
			x.made[strings.ToLower(r.ID)] = r.Location
		}
	}
	var found []*Error
	for _, r := range order {
		if err := d.looked(by, x, r); err != nil {
			if err.Target == "" {
				err.Target = r.ID
			}
			found = append(found, err)
		}
	}
	if found == nil {
		return nil
	}
	out := refuse(d.server.engine.status("InvalidTemplateDeployment"), "InvalidTemplateDeployment",
		"The template deployment '%s' is not valid according to the validation procedure. The tracking id is '%s'. See inner errors for details.", azure.ID(x.ID).Name(), x.Correlate)
	out.Details = found
	return out
}

// looked is what is wrong with one resource of a template.
func (d *deployer) looked(by *Principal, x *deployment, r *template.Resource) *Error {
	s, e := d.server, d.server.engine
	_, err := s.inside(by, http.MethodPut, r.ID, r.APIVersion, nil, true)
	switch {
	case err != nil && err.Code == "AuthorizationFailed":
		err.Message = fmt.Sprintf("Authorization failed for template resource '%s' of type '%s'. %s", r.Name, r.Type, err.Message)
		return err
	case err != nil:
		return err
	}
	p, perr := azure.ParseID(r.ID)
	if perr != nil {
		return refuse(http.StatusBadRequest, "InvalidTemplate", "The resource '%s' of type '%s' has no id that can be: %v.", r.Name, r.Type, perr)
	}
	if group := "/subscriptions/" + p.Subscription + "/resourceGroups/" + p.ResourceGroup; p.ResourceGroup != "" && p.Provider != "" && e.get(group) == nil {
		if _, ok := x.made[strings.ToLower(group)]; !ok {
			return refuse(http.StatusNotFound, "ResourceGroupNotFound", "Resource group '%s' could not be found.", p.ResourceGroup)
		}
	}
	if strings.EqualFold(r.Type, deploymentType) {
		if r.Needs() {
			return nil // what it deploys is known only when it is its turn
		}
		sent, err := d.nestedBody(r, nil)
		if err != nil {
			return err
		}
		_, err = d.draft(by, r.ID, sent, x.Correlate, x)
		return err
	}
	k := e.kinds.of(r.Type)
	if k == nil {
		return nil
	}
	if !k.nowhere {
		place := r.Location
		if place == "" && e.get(r.ID) == nil {
			return refuse(http.StatusBadRequest, "LocationRequired", "The location property is required for this definition: resource '%s' of type '%s'.", r.Name, r.Type).at("location")
		}
		if _, ok := e.catalog.Region(place); place != "" && !ok {
			return refuse(http.StatusBadRequest, "LocationNotAvailableForResourceType", "The provided location '%s' is not available for resource type '%s'.", place, r.Type).at("location")
		}
	}
	if r.Needs() {
		return nil
	}
	b, err := d.bodyOf(r, nil)
	if err != nil {
		return err
	}
	o, err := readObject(b)
	if err != nil {
		return err
	}
	return k.formed(o, r.ID)
}

// bodyOf is the body of a resource's PUT.
func (d *deployer) bodyOf(r *template.Resource, ask template.Runtime) ([]byte, *Error) {
	raw, err := r.Body(ask)
	if err != nil {
		return nil, d.server.engine.invalidTemplate(err)
	}
	var o map[string]json.RawMessage
	if err := json.Unmarshal(raw, &o); err != nil {
		return nil, refuse(http.StatusBadRequest, "InvalidTemplate", "The resource '%s' of type '%s' is no object: %v.", r.Name, r.Type, err)
	}
	for name := range o { // the path has them
		switch strings.ToLower(name) {
		case "id", "name", "type", "apiversion":
			delete(o, name)
		}
	}
	b, err := json.Marshal(o)
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "InvalidTemplate", "%v.", err)
	}
	return b, nil
}

// nestedBody is the deployment that a resource of a template is.
func (d *deployer) nestedBody(r *template.Resource, ask template.Runtime) (*sentDeployment, *Error) {
	b, err := d.bodyOf(r, ask)
	if err != nil {
		return nil, err
	}
	sent, err := readDeployment(b)
	if err != nil {
		return nil, err
	}
	return sent, nil
}

// accept begins a deployment that was drafted: from here on it goes on by itself. made tells that its name is new. It wants work.
func (d *deployer) accept(x *deployment) (made bool, _ *Error) {
	e := d.server.engine
	if err := e.inGroup(x.ID, "put"); err != nil {
		return false, err
	}
	old := d.get(x.ID)
	if old != nil && old.active() {
		return false, refuse(http.StatusConflict, "DeploymentActive", "Unable to edit or replace deployment '%s': previous deployment from '%s' is still active (expiration time is '%s').",
			azure.ID(x.ID).Name(), old.Started.UTC().Format(time.RFC3339), old.Started.Add(7*24*time.Hour).UTC().Format(time.RFC3339))
	}
	if n := len(d.below(x.scope())); old == nil && n >= maxDeployments {
		return false, refuse(http.StatusConflict, "DeploymentQuotaExceeded", "Creating the deployment '%s' would exceed the quota of '%d'. The current deployment count is '%d'. Please delete some deployments before creating a new one.", azure.ID(x.ID).Name(), maxDeployments, n)
	}
	if old != nil {
		x.ID = old.ID
	}
	run := x.run
	x.run, x.made = nil, nil
	if err := d.place(x, true, true); err != nil {
		return false, err
	}
	d.runs[x.key] = run
	return old == nil, nil
}

// advance implements beside.
func (d *deployer) advance() {
	d.work.Lock()
	defer d.work.Unlock()
	d.some()
}

// some goes on with deployments that are due. What is more than a batch stays due. It wants work.
func (d *deployer) some() {
	for key := range d.runs {
		if d.get(key) == nil { // it went with its group
			delete(d.runs, key)
		}
	}
	for left := deploymentBatch; left > 0 || d.only; {
		x := d.ready()
		if x == nil {
			return
		}
		left -= max(1, d.goOn(x, max(1, left)))
	}
}

// ready is a deployment that is due, the oldest first.
func (d *deployer) ready() *deployment {
	now := d.server.engine.now()
	d.mu.RLock()
	defer d.mu.RUnlock()
	var out *deployment
	for _, x := range d.all {
		if !x.active() || x.next.After(now) {
			continue
		}
		if out == nil || x.Depth > out.Depth || x.Depth == out.Depth && (x.Started.Before(out.Started) || x.Started.Equal(out.Started) && x.key < out.key) {
			out = x
		}
	}
	return out
}

// goOn does of a deployment what can be done now, up to so many resources, and tells how many it was. It wants work.
func (d *deployer) goOn(x *deployment, budget int) int {
	e := d.server.engine
	now := e.now()
	next := *x
	next.Steps, next.State, next.Changed, next.next = slices.Clone(x.Steps), running, now, endOfTime
	by, ok := d.server.config.Gate.Directory.Principal(x.By)
	if !ok || by.Revoked {
		d.finish(&next, failed, refuse(http.StatusForbidden, "AuthorizationFailed", "The principal with object id '%s', which sent the deployment, is not in the directory or is revoked.", x.By))
		return 0
	}
	run := d.runs[x.key]
	if run == nil {
		inst, err := d.instantiate(x)
		if err == nil {
			run, err = d.runOf(inst)
		}
		if err != nil {
			d.finish(&next, failed, err)
			return 0
		}
		d.runs[x.key] = run
	}
	at := map[string]int{}
	for i, s := range next.Steps {
		if s.Verb == "Create" {
			at[strings.ToLower(s.Target)] = i
		}
	}
	begun, open := 0, false
	dead := map[string]bool{} // what failed, and what needs it
	for _, r := range run.order {
		key := strings.ToLower(r.ID)
		i, has := at[key]
		if has && next.Steps[i].Waits && !now.Before(next.Steps[i].Ends) { // what stood in the way has ended
			again := d.begin(by, &next, r)
			again.Starts = next.Steps[i].Starts
			next.Steps[i] = again
			begun++
		}
		if !has {
			ready, hopeless := true, false
			for _, id := range r.DependsOn {
				dep := strings.ToLower(id)
				if !run.in[dep] {
					continue
				}
				j, has := at[dep]
				hopeless = hopeless || dead[dep]
				ready = ready && has && next.Steps[j].State == succeeded
			}
			if hopeless {
				dead[key] = true
				continue
			}
			if !ready {
				open = true
				continue
			}
			if begun >= budget && !d.only {
				open, next.next = true, now
				break
			}
			begun++
			i = len(next.Steps)
			at[key] = i
			next.Steps = append(next.Steps, d.begin(by, &next, r))
		}
		s := &next.Steps[i]
		d.settled(s)
		switch s.State {
		case running:
			open = true
			if s.Ends.Before(next.next) {
				next.next = s.Ends
			}
		case failed, canceled:
			dead[key] = true
		}
	}
	if open {
		d.keep(&next)
		return begun
	}
	d.ending(by, &next, run)
	return begun
}

// keep writes how far a deployment has come. A store that fails keeps it where it was: it goes on from there after a restart.
func (d *deployer) keep(x *deployment) {
	if err := d.place(x, false, false); err != nil {
		d.server.config.Log.Error("a deployment cannot be written down", "deployment", x.ID, "error", err.Message)
		d.mu.Lock()
		if d.all[x.key] != nil {
			d.all[x.key] = x
		}
		x.next = endOfTime
		d.mu.Unlock()
	}
}

// stepID is the id of an operation of a deployment: the same whenever it is begun.
func stepID(x *deployment, verb, target string) string {
	return strings.ToUpper(strings.ReplaceAll(derived("step", x.Operation, verb, target), "-", "")[:16])
}

// begin writes a resource of a template, and tells what came of it.
func (d *deployer) begin(by *Principal, x *deployment, r *template.Resource) deploymentStep {
	e := d.server.engine
	now := e.now()
	s := deploymentStep{ID: stepID(x, "Create", r.ID), Verb: "Create", Target: r.ID, Type: r.Type, Name: r.Name, Symbol: r.Symbol, Version: r.APIVersion, State: running, Starts: now, Ends: now}
	ask := asker{d, by}
	if strings.EqualFold(r.Type, deploymentType) {
		s.Ends = endOfTime
		child, err := d.nest(by, x, r, ask)
		if err != nil {
			return s.refused(err)
		}
		s.Operation, s.Status = child.Operation, http.StatusCreated
		return s
	}
	b, err := d.bodyOf(r, ask)
	if err != nil {
		return s.refused(err)
	}
	if d.only && strings.HasPrefix(strings.ToLower(r.Type), "microsoft.authorization/") { // roles are not forked
		_, err := d.server.inside(by, http.MethodPut, r.ID, r.APIVersion, b, true)
		if err != nil {
			return s.refused(err)
		}
		s.State, s.Status = succeeded, http.StatusCreated
		return s
	}
	a, err := d.server.inside(by, http.MethodPut, r.ID, r.APIVersion, b, false)
	if err != nil {
		return s.refused(err)
	}
	return s.started(a)
}

// refused is a step that did not begin. One that something else stands in the way of waits for that (AssumeDeployments).
func (s deploymentStep) refused(err *Error) deploymentStep {
	if err.Code == "AnotherOperationInProgress" && !err.until.IsZero() {
		s.Waits, s.Ends = true, err.until
		return s
	}
	s.State, s.Status, s.Error, s.Ends = failed, err.Status, err, s.Starts
	return s
}

// started is a step that has begun.
func (s deploymentStep) started(a answered) deploymentStep {
	s.Status = a.status
	if a.began == nil {
		s.State = succeeded
		return s
	}
	s.Operation, s.Final, s.Error, s.Ends = a.began.ID, a.began.Status, a.began.Error, a.began.Ends
	return s
}

// settled ends a step whose operation has ended.
func (d *deployer) settled(s *deploymentStep) {
	if s.State != running || s.Waits {
		return
	}
	e := d.server.engine
	if s.Verb == "Create" && strings.EqualFold(s.Type, deploymentType) {
		child := d.get(s.Target)
		switch {
		case child == nil:
			s.State, s.Ends = failed, e.now()
			s.Error = refuse(http.StatusNotFound, "DeploymentNotFound", "Deployment '%s' could not be found: it was deleted.", s.Name)
		case !child.active():
			s.State, s.Ends, s.Error = child.State, child.Changed, child.Error
			s.Status = http.StatusOK
			if s.State == failed {
				s.Status = http.StatusConflict
			}
		}
		return
	}
	end, state, err := s.Ends, s.Final, s.Error
	if op := e.operationOf(s.Operation); op != nil {
		end, state, err = op.Ends, op.Status, op.Error
	}
	s.Ends = end
	if e.now().Before(end) {
		return
	}
	s.State, s.Error = state, nil
	if state == succeeded {
		s.Status = http.StatusOK
		return
	}
	s.Status = http.StatusConflict
	s.Error = refuse(http.StatusConflict, "ResourceDeploymentFailure", "The resource write operation failed to complete successfully, because it reached terminal provisioning state '%s'.", state).at(s.Target)
	if err != nil {
		s.Error.Details = []*Error{err}
	}
}

// nest accepts a deployment that is in another.
func (d *deployer) nest(by *Principal, x *deployment, r *template.Resource, ask template.Runtime) (*deployment, *Error) {
	if old := d.get(r.ID); old != nil && old.active() && old.Parent == x.key && !old.Started.Before(x.Started) {
		return old, nil // it was accepted before a restart
	}
	if _, err := d.server.inside(by, http.MethodPut, r.ID, r.APIVersion, nil, true); err != nil {
		return nil, err
	}
	sent, err := d.nestedBody(r, ask)
	if err != nil {
		return nil, err
	}
	id, err := d.canonical(r.ID)
	if err != nil {
		return nil, err
	}
	parent := *x
	parent.made = nil
	child, err := d.draft(by, id, sent, x.Correlate, &parent)
	if err != nil {
		return nil, err
	}
	_, err = d.accept(child)
	return child, err
}

// canonical writes the id of a deployment in Azure's case, with the group's name as it was first written.
func (d *deployer) canonical(id string) (string, *Error) {
	p, err := azure.ParseID(id)
	if err != nil || len(p.Names) != 1 {
		return "", refuse(http.StatusBadRequest, "InvalidRequestUri", "The deployment's id '%.300s' is none.", id)
	}
	scope := ""
	if p.Subscription != "" {
		scope = "/subscriptions/" + strings.ToLower(p.Subscription)
	}
	if p.ResourceGroup != "" {
		name := p.ResourceGroup
		if g := d.server.engine.get(scope + "/resourceGroups/" + name); g != nil {
			name = text(g.body, "name")
		}
		scope += "/resourceGroups/" + name
	}
	return scope + "/providers/" + deploymentType + "/" + p.Names[0], nil
}

// ending does what is left when every resource of the template was written, or cannot be. It wants work.
func (d *deployer) ending(by *Principal, x *deployment, run *deploymentRun) {
	var causes []*Error
	for _, s := range x.Steps {
		if s.Verb == "Create" && (s.State == failed || s.State == canceled) {
			causes = append(causes, s.cause())
		}
	}
	if causes != nil {
		d.finish(x, failed, deploymentFailed(x, causes))
		return
	}
	if x.Mode == complete {
		if d.cleaning(by, x, run) {
			d.keep(x)
			return
		}
		for _, s := range x.Steps {
			if s.Verb == "Delete" && s.State != succeeded {
				causes = append(causes, s.cause())
			}
		}
		if causes != nil {
			err := refuse(http.StatusConflict, "DeploymentFailedCleanUp", "Unable to delete resources which are not part of the template of deployment '%s' (mode Complete).", azure.ID(x.ID).Name())
			err.Details = causes
			d.finish(x, failed, err)
			return
		}
	}
	out, err := run.inst.Outputs(asker{d, by})
	now := d.server.engine.now()
	s := deploymentStep{ID: stepID(x, "EvaluateDeploymentOutput", ""), Verb: "EvaluateDeploymentOutput", State: succeeded, Status: http.StatusOK, Starts: now, Ends: now}
	switch {
	case err != nil:
		cause := d.server.engine.invalidTemplate(err)
		s.State, s.Status, s.Error = failed, http.StatusBadRequest, cause
		x.Steps = append(x.Steps, s)
		err := refuse(http.StatusConflict, "DeploymentOutputEvaluationFailed", "Unable to evaluate the template's outputs. Please see error details and deployment operations. Please see https://aka.ms/arm-common-errors for usage details.")
		err.Details = []*Error{cause}
		d.finish(x, failed, err)
		return
	case len(out) > len("{}"):
		x.Steps, x.Outputs = append(x.Steps, s), out
	}
	d.finish(x, succeeded, nil)
}

// deploymentFailed is the error of a deployment in which something failed.
func deploymentFailed(x *deployment, causes []*Error) *Error {
	err := refuse(http.StatusConflict, "DeploymentFailed", "At least one resource deployment operation failed. Please list deployment operations for details. Please see https://aka.ms/arm-deployment-operations for usage details.").at(x.ID)
	err.Details = causes
	return err
}

// cause is why a step failed, as the deployment's error tells of it.
func (s *deploymentStep) cause() *Error {
	if s.Error == nil {
		return refuse(http.StatusConflict, "ResourceDeploymentFailure", "The operation on '%s' was %s.", s.Target, strings.ToLower(s.State)).at(s.Target)
	}
	out := *s.Error
	if out.Target == "" || !strings.HasPrefix(out.Target, "/") {
		out.Target = s.Target
	}
	return &out
}

// finish ends a deployment, and wakes the one that it is nested in. It wants work.
func (d *deployer) finish(x *deployment, state string, err *Error) {
	e := d.server.engine
	x.State, x.Error, x.Changed, x.next = state, err, e.now(), endOfTime
	delete(d.runs, x.key)
	secret := false
	for _, v := range valuesOf(x.Values) {
		secret = secret || strings.HasPrefix(strings.ToLower(text(v, "type")), "secure")
	}
	if secret { // nobody needs them any more
		x.Parameters = nil
	}
	if late := d.place(x, secret, false); late != nil {
		if late.Code == codeTooLarge { // its outputs, or what it has to tell of failures
			x.State, x.Error, x.Outputs, err, state = failed, late, nil, late, failed
			for i := range x.Steps {
				if e := x.Steps[i].Error; e != nil {
					x.Steps[i].Error = &Error{Code: e.Code, Message: fmt.Sprintf("%.200s", e.Message), Target: e.Target}
				}
			}
		}
		d.keep(x)
	}
	e.write.Lock()
	done := operation{ID: x.Operation, Verb: "put", Target: x.ID, By: x.By, Starts: x.Started, Ends: x.Changed, Status: state, Error: err}
	_ = e.keep(&done) // the deployment itself tells of it too
	e.write.Unlock()
	d.mu.Lock()
	if p := d.all[x.Parent]; p != nil && p.active() {
		woken := *p
		woken.next = e.now()
		d.all[x.Parent] = &woken
	}
	d.mu.Unlock()
}

// valuesOf are the members of an object of objects.
func valuesOf(b json.RawMessage) map[string]object {
	var out map[string]object
	if len(b) > 0 {
		_ = json.Unmarshal(b, &out) // what is no object has none
	}
	return out
}

// cleaning deletes what is in the group and not in the template, what uses something before what it uses, and tells whether it has to be
// asked again. What cannot be deleted becomes a failed step. It wants work.
func (d *deployer) cleaning(by *Principal, x *deployment, run *deploymentRun) (waits bool) {
	s, e := d.server, d.server.engine
	at := map[string]int{}
	for i := range x.Steps {
		if x.Steps[i].Verb == "Delete" {
			d.settled(&x.Steps[i])
			at[strings.ToLower(x.Steps[i].Target)] = i
		}
	}
	all := d.unmentioned(x, run)
	var stuck map[string]*Error
	for again := true; again; {
		again, stuck = false, map[string]*Error{}
		for _, r := range all {
			if _, has := at[r.key]; has || e.get(r.key) == nil {
				continue
			}
			a, err := s.inside(by, http.MethodDelete, r.id, e.published[len(e.published)-1], nil, false)
			now := e.now()
			step := deploymentStep{ID: stepID(x, "Delete", r.id), Verb: "Delete", Target: r.id, Type: r.kind.typ, Name: azure.ID(r.id).Name(), State: running, Starts: now, Ends: now}
			switch {
			case err != nil && !err.until.IsZero():
				waits = true
				if err.until.Before(x.next) {
					x.next = err.until
				}
				continue
			case err != nil:
				stuck[r.key] = err
				step.Status = err.Status
				continue
			}
			step = step.started(a)
			d.settled(&step)
			at[r.key] = len(x.Steps)
			x.Steps = append(x.Steps, step)
			again = true
		}
	}
	for _, i := range at {
		if step := x.Steps[i]; step.State == running {
			waits = true
			if step.Ends.Before(x.next) {
				x.next = step.Ends
			}
		}
	}
	if waits {
		return true
	}
	for _, r := range all {
		if err := stuck[r.key]; err != nil {
			now := e.now()
			x.Steps = append(x.Steps, deploymentStep{ID: stepID(x, "Delete", r.id), Verb: "Delete", Target: r.id, Type: r.kind.typ, Name: azure.ID(r.id).Name(), State: failed, Starts: now, Ends: now, Status: err.Status, Error: err})
		}
	}
	return false
}

// unmentioned are the resources of the deployment's group that neither its template nor those of the deployments in it have, by key.
// Resources whose condition is false are not there; those that are only referred to (existing) are.
func (d *deployer) unmentioned(x *deployment, run *deploymentRun) []*resource {
	e := d.server.engine
	mentioned := map[string]bool{}
	mention := func(id string) {
		for _, k := range upTo(strings.ToLower(id)) {
			mentioned[k] = true
		}
	}
	for _, r := range run.inst.Resources {
		if r.Existing || r.Condition {
			mention(r.ID)
		}
	}
	var nested func(steps []deploymentStep)
	nested = func(steps []deploymentStep) {
		for _, s := range steps {
			if s.Verb == "Create" {
				mention(s.Target)
				if strings.EqualFold(s.Type, deploymentType) {
					if child := d.get(s.Target); child != nil {
						nested(child.Steps)
					}
				}
			}
		}
	}
	nested(x.Steps)
	return e.topOf(x.scope(), mentioned)
}

// topOf are the resources in a group that are not below others, without some, by key.
func (e *engine) topOf(group string, without map[string]bool) []*resource {
	prefix := strings.ToLower(group) + "/providers/"
	e.mu.RLock()
	defer e.mu.RUnlock()
	var out []*resource
	for key, r := range e.all {
		if strings.HasPrefix(key, prefix) && r.kind.parent == nil && !without[key] && e.here(key) != nil {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b *resource) int { return strings.Compare(a.key, b.key) })
	return out
}

// cancelled ends a deployment that runs, and those in it. What was begun goes on to its end (AssumeDeployments). It wants work.
func (d *deployer) cancelled(x *deployment) {
	next := *x
	next.Steps = slices.Clone(x.Steps)
	now := d.server.engine.now()
	for i := range next.Steps {
		s := &next.Steps[i]
		if s.State != running {
			continue
		}
		if child := d.get(s.Target); child != nil && child.active() && child.Parent == x.key {
			d.cancelled(child)
		}
		if d.settled(s); s.State == running {
			s.State, s.Ends = canceled, now
		}
	}
	d.finish(&next, canceled, nil)
}

// asker answers what a template asks while it is deployed, with the rights of who deploys it.
type asker struct {
	*deployer
	by *Principal
}

// Reference implements template.Runtime.
func (a asker) Reference(id, version string, full bool) (json.RawMessage, error) {
	got, err := a.server.inside(a.by, http.MethodGet, id, a.version(version), nil, false)
	if err != nil {
		return nil, err
	}
	var o map[string]json.RawMessage
	if err := json.Unmarshal(got.body, &o); err != nil {
		return nil, err
	}
	if !full {
		if p := o["properties"]; p != nil {
			return p, nil
		}
		return json.RawMessage("{}"), nil
	}
	p, perr := azure.ParseID(id)
	if perr != nil {
		return nil, perr
	}
	more := object{"apiVersion": version, "resourceId": id, "subscriptionId": p.Subscription, "resourceGroupName": p.ResourceGroup}
	for name, v := range more {
		if o[name], perr = json.Marshal(v); perr != nil {
			return nil, perr
		}
	}
	return json.Marshal(o)
}

// List implements template.Runtime.
func (a asker) List(function, id, version string, body json.RawMessage) (json.RawMessage, error) {
	got, err := a.server.inside(a.by, http.MethodPost, id+"/"+function, a.version(version), body, false)
	if err != nil {
		return nil, err
	}
	if got.status != http.StatusOK {
		return nil, errors.New(function + " of " + id + " takes its time here, and cannot be asked in a template")
	}
	return got.body, nil
}

// version is the one of a call, or the newest where it has none.
func (a asker) version(v string) string {
	if v != "" {
		return v
	}
	return a.server.engine.published[len(a.server.engine.published)-1]
}
