package arm

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"onramp/azure"
)

// change is one write under way: of a resource or of a child inside it.
type change struct {
	*engine
	by     *Principal
	kind   *kind
	id     string // canonical
	verb   string
	was    *resource // the record before, nil where there was none
	next   *resource // the record after
	before object    // the target's own body before, nil where there was none
	body   object    // the target's own body after, part of next
	sent   object    // what the client sent
	at     time.Time
	gate   gate
	// whole is the beginning of the keys of a group that is deleted with all that is in it: what goes too keeps nothing.
	whole string
}

// gate decides who may do what; rights come from role assignments.
type gate interface {
	Allowed(principal, action, scope string) bool
}

// canonical writes an id in Azure's case, with the names of what exists already as they were first written.
func (e *engine) canonical(k *kind, id string) (string, *Error) {
	p, err := azure.ParseID(id)
	if err != nil {
		return "", refuse(http.StatusBadRequest, "InvalidRequestUri", "%v.", err)
	}
	out := "/subscriptions/" + strings.ToLower(p.Subscription)
	if p.ResourceGroup != "" {
		name := p.ResourceGroup
		if g := e.get(out + "/resourceGroups/" + name); g != nil {
			name = text(g.body, "name")
		}
		out += "/resourceGroups/" + name
	}
	if k.typ == groupType {
		return out, nil
	}
	provider, rest, _ := strings.Cut(k.typ, "/")
	out += "/providers/" + provider
	segments := strings.Split(rest, "/")
	for i, s := range segments {
		next := out + "/" + s + "/" + p.Names[i]
		if c, ok := e.find(next); ok {
			next = c.id
		}
		out = next
	}
	return out, nil
}

const groupType = "Microsoft.Resources/resourceGroups"

// begin looks at what a write is about, without changing anything. It wants write, and lets go of it while a write of the same record is under
// way, so it comes first.
func (e *engine) begin(by *Principal, k *kind, id, verb string) (*change, *Error) {
	c := &change{engine: e, by: by, kind: k, verb: verb, at: e.now()}
	var err *Error
	if c.id, err = e.canonical(k, id); err != nil {
		return nil, err
	}
	if k.typ != groupType {
		if err := e.inGroup(c.id, verb); err != nil {
			return nil, err
		}
	}
	top := c.id
	for x := k; x.inside != ""; x = x.parent {
		top = string(azure.ID(top).Parent())
	}
	c.was = e.get(top)
	if c.was != nil && c.was.flight != nil && !c.was.flight.Ended() { // the others need not wait for this one record
		f := c.was.flight
		e.write.Unlock()
		_, _ = f.Wait() // how it ended, the next write says
		e.write.Lock()
		return e.begin(by, k, id, verb)
	}
	if c.was != nil && c.was.op.pending(c.at) {
		return nil, busy(c.was.op)
	}
	if c.was == nil && k.inside != "" {
		return nil, parentMissing(c.id, top)
	}
	if c.was != nil {
		if x, ok := c.was.below(c.id); ok {
			c.before = x.body
		}
	}
	return c, nil
}

func parentMissing(id, parent string) *Error {
	return refuse(http.StatusNotFound, "ParentResourceNotFound", "Failed to perform 'write' on resource(s) of '%s', because the parent resource '%s' could not be found.", id, parent)
}

// inGroup refuses a write into a resource group that is not there or is going.
func (e *engine) inGroup(id, verb string) *Error {
	p, _ := azure.ParseID(id)
	if p.ResourceGroup == "" {
		return nil
	}
	g := e.get("/subscriptions/" + p.Subscription + "/resourceGroups/" + p.ResourceGroup)
	switch {
	case g == nil:
		return refuse(http.StatusNotFound, "ResourceGroupNotFound", "Resource group '%s' could not be found.", p.ResourceGroup)
	case verb == "put" && g.op != nil && g.op.Verb == "delete" && g.op.pending(e.now()):
		return refuse(http.StatusConflict, "ResourceGroupBeingDeleted", "The resource group '%s' is in deprovisioning state and cannot perform this operation.", p.ResourceGroup)
	}
	return nil
}

// put makes or replaces a resource. What comes back is what was written and whether it is new.
func (e *engine) putResource(by *Principal, g gate, k *kind, id string, sent object, w works) (*change, *Error) {
	e.write.Lock()
	defer e.write.Unlock()
	c, err := e.begin(by, k, id, "put")
	if err != nil {
		return nil, err
	}
	c.sent, c.gate = sent, g
	if err := c.own(); err != nil {
		return nil, err
	}
	if err := c.place(); err != nil {
		return nil, err
	}
	if err := c.linked(); err != nil {
		return nil, err
	}
	if err := c.complete(); err != nil {
		return nil, err
	}
	if err := c.judge(); err != nil {
		return nil, err
	}
	if err := c.commit(w); err != nil {
		return nil, err
	}
	if c.next.kind.typ == netProvider+"virtualNetworks" {
		return c, e.meet(c.next)
	}
	return c, nil
}

// own makes the target's body of what was sent and what only the service writes.
func (c *change) own() *Error {
	if err := c.kind.formed(c.sent, c.id); err != nil {
		return err
	}
	if n := text(c.sent, "name"); n != "" && !strings.EqualFold(n, azure.ID(c.id).Name()) {
		return refuse(http.StatusBadRequest, "InvalidRequestContent", "The name '%s' in the body is not the name '%s' in the path.", n, azure.ID(c.id).Name()).at("name")
	}
	if t := text(c.sent, "type"); t != "" && !strings.EqualFold(t, c.kind.typ) {
		return refuse(http.StatusBadRequest, "InvalidRequestContent", "The type '%s' in the body is not '%s', which the path has.", t, c.kind.typ).at("type")
	}
	c.body = copied(c.sent)
	c.kind.adopt(c.body, c.before, c.id, c.engine)
	if c.kind.nowhere {
		return nil
	}
	place := text(c.body, "location")
	if c.before != nil && place == "" {
		place = text(c.before, "location")
	}
	if place == "" {
		return refuse(http.StatusBadRequest, "LocationRequired", "The location property is required for this definition.").at("location")
	}
	region, ok := c.catalog.Region(place)
	if !ok {
		return refuse(http.StatusBadRequest, "LocationNotAvailableForResourceType", "The provided location '%s' is not available for resource type '%s'.", place, c.kind.typ).at("location")
	}
	if old := text(c.before, "location"); old != "" && old != region.Name {
		code, what := "InvalidResourceLocation", "resource"
		if c.kind.typ == groupType {
			code, what = "InvalidResourceGroupLocation", "resource group"
		}
		return refuse(http.StatusConflict, code, "The %s '%s' already exists in location '%s'. A %s with the same name cannot be created in location '%s'. Please select a new name.", what, azure.ID(c.id).Name(), old, what, region.Name).at("location")
	}
	c.body["location"] = region.Name
	return nil
}

// adopt gives a body its id, name and type, takes back what only the service writes, and does the same for the children in it. before is
// what was there, nil where there was nothing.
func (k *kind) adopt(body, before object, id string, e *engine) {
	name := azure.ID(id).Name()
	if old := text(before, "name"); old != "" {
		name = old
	}
	body["id"], body["name"], body["type"] = id, name, k.typ
	if k.typ != groupType {
		body["etag"] = e.etag()
	} else {
		delete(body, "etag")
	}
	props := inner(body, "properties")
	for _, name := range k.owned {
		for have := range props {
			if strings.EqualFold(have, name) {
				delete(props, have)
			}
		}
		if v := find(before, "properties", name); v != nil {
			props[name] = azure.Clone(v)
		}
	}
	props["provisioningState"] = succeeded
	for _, name := range k.keeps {
		if _, sent := props[name]; !sent {
			if v := find(before, "properties", name); v != nil {
				props[name] = azure.Clone(v)
			}
		}
	}
	for _, ck := range k.children {
		if ck.inside == "" {
			continue
		}
		for _, x := range list(body, "properties", ck.inside) {
			name := text(x, "name")
			was := byName(list(before, "properties", ck.inside), name)
			if was != nil {
				name = text(was, "name")
			}
			ck.adopt(x, was, id+"/"+ck.segment+"/"+name, e)
		}
	}
}

// place puts the target's body into a copy of its record.
func (c *change) place() *Error {
	if c.kind.inside == "" {
		if c.kind.parent != nil { // a record of its own below another
			if p := string(azure.ID(c.id).Parent()); c.get(p) == nil {
				return parentMissing(c.id, p)
			}
		}
		c.next = &resource{key: strings.ToLower(c.id), id: c.id, kind: c.kind, body: c.body, created: c.at, changed: c.at}
		if c.was != nil {
			c.next.created, c.next.provider = c.was.created, c.was.provider
		}
		return c.twins()
	}
	next := *c.was
	next.body, next.changed, next.answer = copied(c.was.body), c.at, nil
	c.next = &next
	parent, ok := next.below(string(azure.ID(c.id).Parent()))
	if !ok {
		return parentMissing(c.id, string(azure.ID(c.id).Parent()))
	}
	props := inner(parent.body, "properties")
	all, _ := props[c.kind.inside].([]any)
	i := slices.IndexFunc(all, func(x any) bool { o, _ := x.(object); return strings.EqualFold(text(o, "name"), azure.ID(c.id).Name()) })
	if i < 0 {
		props[c.kind.inside] = append(all, c.body)
	} else {
		all[i] = c.body
	}
	if _, has := parent.body["etag"]; has {
		parent.body["etag"] = c.etag()
	}
	return c.twins()
}

// twins refuses children of one name, and children without one.
func (c *change) twins() *Error {
	var walk func(k *kind, o object, id string) *Error
	walk = func(k *kind, o object, id string) *Error {
		for _, ck := range k.children {
			seen := map[string]bool{}
			for i, x := range list(o, "properties", ck.inside) {
				if ck.inside == "" {
					break
				}
				n := text(x, "name")
				if n == "" || strings.ContainsAny(n, "/?#%\\") {
					return refuse(http.StatusBadRequest, "InvalidRequestFormat", "%s[%d] of %s has the name '%s', which is none.", ck.inside, i, id, n).at(id)
				}
				if seen[strings.ToLower(n)] {
					return refuse(http.StatusBadRequest, "InvalidRequestFormat", "%s of %s has two elements of the name '%s'.", ck.inside, id, n).at(id)
				}
				seen[strings.ToLower(n)] = true
				if err := walk(ck, x, text(x, "id")); err != nil {
					return err
				}
			}
		}
		return nil
	}
	return walk(c.next.kind, c.next.body, c.id)
}

// linked refuses references to what the caller may not join (errors.csv: LinkedAuthorizationFailed), but for those that stood there before.
// A reference for which no right of its own is named needs the right to read its target (AssumeLinkedRead). Whether the target is there
// makes no difference to the answer.
func (c *change) linked() *Error {
	if c.gate == nil {
		return nil
	}
	if err := c.linkedIn(c.kind, c.body, c.before); err != nil {
		return err
	}
	old := references(c.before, strings.ToLower(c.id))
	for _, to := range references(c.body, strings.ToLower(c.id)) {
		if _, had := slices.BinarySearch(old, to); had || c.opened(to) {
			continue
		}
		p, err := azure.ParseID(to)
		if err != nil || p.Provider == "" {
			continue // azure.Validate says what is wrong with it
		}
		if action := p.Type() + "/read"; !c.gate.Allowed(c.by.ObjectID, action, to) {
			return c.unlinked(action, to)
		}
	}
	return nil
}

// opened tells whether something else decides on a reference: the right to join it, or an authorization key.
func (c *change) opened(to string) bool {
	of := func(k *kind, body object) bool {
		switch k.typ {
		case netProvider + "connections":
			if strings.EqualFold(text(body, "properties", "connectionType"), "ExpressRoute") && strings.EqualFold(text(body, "properties", "peer", "id"), to) {
				return true
			}
		case netProvider + "expressRouteCircuits/peerings/connections":
			if id := text(body, "properties", "peerExpressRouteCircuitPeering", "id"); strings.EqualFold(id, to) {
				return true
			}
		}
		for _, j := range k.joins {
			for _, v := range along(body, j.path) {
				if strings.EqualFold(v, to) {
					return true
				}
			}
		}
		return false
	}
	var walk func(k *kind, body object) bool
	walk = func(k *kind, body object) bool {
		if of(k, body) {
			return true
		}
		for _, ck := range k.children {
			for _, x := range list(body, "properties", ck.inside) {
				if ck.inside != "" && walk(ck, x) {
					return true
				}
			}
		}
		return false
	}
	return walk(c.kind, c.body)
}

// linkedIn looks at a body and the children in it.
func (c *change) linkedIn(k *kind, body, before object) *Error {
	for _, j := range k.joins {
		old := map[string]bool{}
		for _, v := range along(before, j.path) {
			old[strings.ToLower(v)] = true
		}
		for _, v := range along(body, j.path) {
			if !old[strings.ToLower(v)] && !c.gate.Allowed(c.by.ObjectID, j.action, v) {
				return c.unlinked(j.action, v)
			}
		}
	}
	for _, ck := range k.children {
		if ck.inside == "" {
			continue
		}
		for _, x := range list(body, "properties", ck.inside) {
			if err := c.linkedIn(ck, x, byName(list(before, "properties", ck.inside), text(x, "name"))); err != nil {
				return err
			}
		}
	}
	return nil
}

// unlinked is the refusal of a reference.
func (c *change) unlinked(action, to string) *Error {
	return linkRefused(c.by.Name, c.by.ObjectID, c.kind.typ+"/write", c.id, action, to)
}

// along collects the strings at a path, in which [] stands for every element of an array.
func along(o object, path string) []string {
	var out []string
	var walk func(v any, names []string)
	walk = func(v any, names []string) {
		if len(names) == 0 {
			if s, ok := v.(string); ok && s != "" {
				out = append(out, s)
			}
			return
		}
		name, each := strings.CutSuffix(names[0], "[]")
		x, ok := v.(object)
		if !ok {
			return
		}
		y := find(x, name)
		if !each {
			walk(y, names[1:])
			return
		}
		l, _ := y.([]any)
		for _, z := range l {
			walk(z, names[1:])
		}
	}
	if o != nil {
		walk(o, strings.Split(path, "."))
	}
	return out
}

// complete fills in what the service knows: for the target and for the children that came with it.
func (c *change) complete() *Error {
	for _, name := range c.kind.fixed {
		was, is := find(c.before, "properties", name), find(c.body, "properties", name)
		if c.before != nil && was != nil && is != nil && !strings.EqualFold(fmt.Sprint(was), fmt.Sprint(is)) {
			return refuse(http.StatusConflict, "PropertyChangeNotAllowed", "Changing property '%s' is not allowed.", name).at(name)
		}
	}
	return c.inside(c.kind, c.body, c.before, c.id)
}

// inside completes and checks a body and the children in it.
func (c *change) inside(k *kind, body, before object, id string) *Error {
	x := *c
	x.kind, x.body, x.before, x.id = k, body, before, id
	if k.fill != nil {
		if err := k.fill(&x); err != nil {
			return err
		}
	}
	if k.check != nil {
		if err := k.check(&x); err != nil {
			return err
		}
	}
	for _, ck := range k.children {
		if ck.inside == "" {
			continue
		}
		is, was := list(body, "properties", ck.inside), list(before, "properties", ck.inside)
		for _, y := range is {
			if err := c.inside(ck, y, byName(was, text(y, "name")), text(y, "id")); err != nil {
				return err
			}
		}
		for _, z := range was {
			if byName(is, text(z, "name")) == nil { // a PUT of the parent without it deletes it
				if err := c.mayLeave(ck, z, text(z, "id")); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// judge asks azure.Validate what Azure refuses in the neighbourhood of the change, and refuses what was not wrong before.
func (c *change) judge() *Error {
	if err := c.next.finish(); err != nil {
		return c.broken(err)
	}
	if c.next.typed.of(c.next.answer) == nil { // something that only became wrong with what stood there
		_, err := azure.Unmarshal(c.next.answer)
		return malformed("%v", err)
	}
	after, err := c.around(c.next)
	if err != nil {
		return c.broken(err)
	}
	found := azure.Validate(after, c.catalog)
	if len(found) == 0 {
		return nil
	}
	var old map[string]bool
	var worst *azure.Problem // the first that has a code of its own, else the first
	for i := range found {
		p := &found[i]
		key := strings.ToLower(string(p.Resource))
		mine := key == c.next.key || strings.HasPrefix(key, c.next.key+"/")
		if !mine && unresolved(p.Code) {
			continue // only the neighbourhood is looked at, and its neighbours are beyond
		}
		if old == nil {
			old = map[string]bool{}
			if c.was != nil || !mine {
				var before azure.Resources
				if c.was == nil { // what is wrong around what is new, without it
					before = slices.DeleteFunc(slices.Clone(after), func(r azure.Resource) bool { return r.Head().ID.Key() == c.next.key })
				} else if before, err = c.around(c.was); err != nil {
					return c.broken(err)
				}
				for _, q := range azure.Validate(before, c.catalog) {
					old[problemKey(&q)] = true
				}
			}
		}
		if !old[problemKey(p)] && (worst == nil || worst.Code == "BadRequest" && p.Code != "BadRequest") {
			worst = p
		}
	}
	if worst == nil {
		return nil
	}
	return c.problem(worst)
}

// status is the published one of a code, 400 where none is (AssumeUnknownCodes).
func (e *engine) status(code string) int {
	if s := e.statuses[code]; s != 0 {
		return s
	}
	return http.StatusBadRequest
}

func unresolved(code string) bool {
	return code == "InvalidResourceReference" || code == "ResourceGroupNotFound" || code == "ParentResourceNotFound" || code == "RoleDefinitionDoesNotExist"
}

func problemKey(p *azure.Problem) string {
	return strings.ToLower(p.Code + "\x00" + string(p.Resource) + "\x00" + p.At + "\x00" + p.Value)
}

// problem is a finding as Azure answers it.
func (c *change) problem(p *azure.Problem) *Error {
	status := c.status(p.Code)
	switch p.Code {
	case "InvalidResourceReference":
		return refuse(http.StatusBadRequest, p.Code, "Resource %s referenced by resource %s was not found. Please make sure that the referenced resource exists, and that both resources are in the same region.", p.Value, p.Resource)
	case "ResourceGroupNotFound", "ParentResourceNotFound", "RoleDefinitionDoesNotExist":
		status = http.StatusNotFound
	}
	m := p.Message
	if m != "" {
		m = strings.ToUpper(m[:1]) + m[1:]
	}
	if p.Value != "" {
		m += " (" + p.At + ": '" + p.Value + "')"
	}
	return refuse(status, p.Code, "%s. Resource: %s.", m, p.Resource).at(p.At)
}

// reach is how far around a change Azure's rules look: what it refers to and what refers to it, twice.
const reach = 2

// around is the neighbourhood of a record, with the record as it would be.
func (e *engine) around(r *resource) (azure.Resources, error) {
	if r == nil {
		return nil, nil
	}
	if r.answer == nil {
		if err := r.finish(); err != nil {
			return nil, err
		}
	}
	e.mu.RLock()
	in := map[string]*resource{r.key: r}
	edge := []*resource{r}
	for range reach {
		var next []*resource
		add := func(key string) {
			if _, ok := in[key]; ok {
				return
			}
			if x := e.here(key); x != nil {
				in[key] = x
				next = append(next, x)
			}
		}
		for _, x := range edge {
			for _, to := range x.refs {
				for _, k := range upTo(to) {
					add(k)
				}
			}
			for k := range e.users[x.key] {
				add(k)
			}
			if x.kind.parent != nil && x.kind.inside == "" {
				add(strings.ToLower(string(azure.ID(x.id).Parent())))
			}
		}
		edge = next
	}
	for _, x := range in {
		p, err := azure.ParseID(x.id)
		if err == nil && p.Provider != "" {
			if g := e.here("/subscriptions/" + strings.ToLower(p.Subscription+"/resourcegroups/"+p.ResourceGroup)); g != nil {
				in[g.key] = g
			}
		}
	}
	e.mu.RUnlock()
	keys := make([]string, 0, len(in))
	for k := range in {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, cmp.Compare[string])
	out := make(azure.Resources, 0, len(keys))
	for _, k := range keys {
		x := in[k].typed.of(in[k].answer) // read once for all the writes around it
		if x == nil {
			_, err := azure.Unmarshal(in[k].answer)
			return nil, fmt.Errorf("%s: %w", in[k].id, err)
		}
		out = append(out, x)
	}
	out.Sort()
	return out, nil
}

// works is what the administrator lets go wrong with an operation, and whether it has one that can be followed at all.
type works struct {
	fail   *Error        // it fails with this
	slow   time.Duration // it takes so much longer
	atOnce bool          // it has ended when it is answered: nobody could follow it
}

// takes is how long an operation lasts.
func (w works) takes(d time.Duration) time.Duration {
	if w.atOnce {
		return 0
	}
	return d + w.slow
}

// commit writes the record with its operation, in one write.
func (c *change) commit(w works) *Error {
	c.next.op = &operation{ID: c.guid(), Verb: c.verb, Target: c.id, By: c.by.ObjectID, Starts: c.at, Ends: c.at.Add(w.takes(c.pace.of(c.kind, c.verb, c.before == nil))), Status: succeeded, Creates: c.before == nil}
	if w.fail != nil {
		c.next.op.Status, c.next.op.Error = failed, w.fail
	}
	if c.kind.typ == groupType { // groups are made at once and without an operation
		c.next.op = nil
	}
	if c.verb == "put" { // judge has worked out what follows from the body
		return c.engine.enter(c.next, c.was)
	}
	return c.engine.put(c.next, c.was)
}

// deleteResource begins a deletion; nil and no error when there is nothing to delete.
func (e *engine) deleteResource(by *Principal, k *kind, id string, w works) (*change, *Error) {
	e.write.Lock()
	defer e.write.Unlock()
	c, err := e.begin(by, k, id, "delete")
	if err != nil {
		if err.Code == "ParentResourceNotFound" || err.Code == "ResourceGroupNotFound" && k.typ != groupType {
			return nil, nil
		}
		return nil, err
	}
	if c.before == nil {
		return nil, nil
	}
	if err := c.mayLeave(k, c.before, c.id); err != nil {
		return nil, err
	}
	next := *c.was
	c.next, c.body = &next, c.before
	if k.typ == groupType {
		return c, c.empty(w)
	}
	if err := c.commit(w); err != nil {
		return nil, err
	}
	if c.next.op.state(c.at) == succeeded {
		return c, e.gone(c.next)
	}
	return c, nil
}

// mayLeave refuses to delete what others need.
func (c *change) mayLeave(k *kind, body object, id string) *Error {
	x := *c
	x.kind, x.body, x.before, x.id = k, body, body, id
	if k.leave != nil {
		if err := k.leave(&x); err != nil {
			return err
		}
	}
	own := strings.ToLower(id)
	for _, ck := range k.children {
		if ck.inside == "" {
			kept := false
			c.list(ck, own+"/"+strings.ToLower(ck.segment)+"/", "", func(*resource) bool { kept = true; return false })
			if kept {
				return refuse(http.StatusConflict, "CannotDeleteResource", "Cannot delete resource while nested resources exist. Some existing nested resource IDs include: '%s/%s'.", id, ck.segment)
			}
		}
	}
	if k.inUse == "" {
		return nil
	}
	for _, u := range c.usersOf(id) {
		if u.key == own || c.was != nil && u.key == c.was.key || !c.holds(k, u, own) {
			continue
		}
		return refuse(c.status(k.inUse), k.inUse, "%s %s is in use by %s and cannot be deleted. In order to delete it, delete or change what uses it first.", k.segment, azure.ID(id).Name(), u.id)
	}
	return nil
}

// holds tells whether a reference keeps its target from being deleted. The other side of a VNet's peering does not: it becomes
// Disconnected.
func (c *change) holds(k *kind, user *resource, target string) bool {
	if k.typ != netProvider+"virtualNetworks" || !strings.EqualFold(user.kind.typ, k.typ) {
		return true
	}
	for _, r := range user.refs {
		if strings.HasPrefix(r, target+"/") {
			return true
		}
	}
	return false
}

// empty deletes a resource group with everything in it: all of it gets its operation, which ends with the group's.
func (c *change) empty(w works) *Error {
	op := operation{ID: c.guid(), Verb: "delete", Target: c.id, By: c.by.ObjectID, Starts: c.at, Ends: c.at.Add(c.pace.of(c.kind, "delete", false) + w.slow), Status: succeeded}
	if w.fail != nil {
		op.Status, op.Error = failed, w.fail
	}
	var inside []*resource
	c.mu.RLock()
	for key, r := range c.all {
		if strings.HasPrefix(key, c.was.key+"/") && c.here(key) != nil {
			inside = append(inside, r)
		}
	}
	c.mu.RUnlock()
	slices.SortFunc(inside, func(a, b *resource) int { return cmp.Compare(a.key, b.key) })
	for _, r := range inside {
		for _, u := range c.usersOf(r.id) {
			if !strings.HasPrefix(u.key, c.was.key+"/") && r.kind.inUse != "" && c.holds(r.kind, u, r.key) {
				return refuse(http.StatusConflict, "ResourceGroupDeletionBlocked", "Deletion of resource group '%s' failed as resources with identifiers '%s' could not be deleted: %s uses it.", azure.ID(c.id).Name(), r.id, u.id)
			}
		}
		if r.kind.leave != nil {
			x := *c
			x.kind, x.body, x.before, x.id, x.was = r.kind, r.body, r.body, r.id, r
			x.whole = c.was.key + "/"
			if err := r.kind.leave(&x); err != nil {
				return refuse(http.StatusConflict, "ResourceGroupDeletionBlocked", "Deletion of resource group '%s' failed as resources with identifiers '%s' could not be deleted: %s", azure.ID(c.id).Name(), r.id, err.Message)
			}
		}
	}
	if op.Status == succeeded {
		for _, r := range inside {
			next := *r
			one := op
			one.ID, one.Target = c.guid(), r.id
			next.op = &one
			if err := c.engine.put(&next, r); err != nil {
				return err
			}
		}
	}
	c.next.op = &op
	if err := c.engine.put(c.next, c.was); err != nil {
		return err
	}
	if op.state(c.at) != succeeded {
		return nil
	}
	for i := len(inside) - 1; i >= 0; i-- {
		if r := c.all[inside[i].key]; r != nil {
			if err := c.engine.drop(r); err != nil {
				return err
			}
		}
	}
	return c.engine.drop(c.next)
}

// patch changes the tags of a resource.
func (e *engine) patchTags(by *Principal, k *kind, id string, sent object, w works) (*change, *Error) {
	e.write.Lock()
	defer e.write.Unlock()
	c, err := e.begin(by, k, id, "patch")
	if err != nil {
		return nil, err
	}
	if c.before == nil {
		return nil, notFound(c.kind, c.id)
	}
	tags, err := readTags(sent)
	if err != nil {
		return nil, err
	}
	next := *c.was
	next.body, next.changed, next.answer = copied(c.was.body), c.at, nil
	next.body["tags"] = tags
	if _, has := next.body["etag"]; has {
		next.body["etag"] = c.etag()
	}
	c.next, c.body = &next, next.body
	return c, c.commit(w)
}

func mapOf(v any) object { o, _ := v.(object); return o }

// notFound is the refusal of what is not there (errors.csv).
func notFound(k *kind, id string) *Error {
	p, _ := azure.ParseID(id)
	switch {
	case k.typ == groupType:
		return refuse(http.StatusNotFound, "ResourceGroupNotFound", "Resource group '%s' could not be found.", azure.ID(id).Name())
	case k.inside != "":
		return refuse(http.StatusNotFound, "NotFound", "Resource %s not found.", id)
	}
	return refuse(http.StatusNotFound, "ResourceNotFound", "The Resource '%s/%s' under resource group '%s' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix", p.Type(), strings.Join(p.Names, "/"), p.ResourceGroup)
}

// shown is a body as a client gets it at a time: what changes with the clock is put in.
func (e *engine) shown(c child) object {
	now := e.now()
	live := e.lively(c)
	pending := c.of.op != nil && (c.of.op.pending(now) || c.of.op.Status != succeeded)
	if !pending && live == nil {
		return c.body
	}
	b := copied(c.body)
	if live != nil {
		live(b)
	}
	if pending {
		state := c.of.op.provisioning(now)
		for _, id := range []string{c.of.op.Target, c.of.id} {
			if strings.EqualFold(id, c.id) {
				inner(b, "properties")["provisioningState"] = state
			}
		}
		if target, ok := (&resource{id: c.id, kind: c.kind, body: b}).below(c.of.op.Target); ok {
			inner(target.body, "properties")["provisioningState"] = state
		}
	}
	return b
}

// answerOf is the JSON of what an id names. It is made once and kept while nothing changes and nothing is due to.
func (e *engine) answerOf(c child) ([]byte, error) {
	own := !c.of.op.pending(e.now()) && (c.of.op == nil || c.of.op.Status == succeeded)
	e.mu.RLock()
	changes, still := e.changes, len(e.timed) == 0
	e.mu.RUnlock()
	keep := own && still && c.of.last != nil && !e.forked && c.kind.typ != netProvider+"connections" // whose status follows from more than resources
	if keep {
		if a := c.of.last.of(c); a != nil && a.changes == changes {
			return a.body, nil
		}
	}
	if own && c.id == c.of.id && e.lively(c) == nil {
		return c.of.answer, nil
	}
	b, err := json.Marshal(e.shown(c))
	if err == nil && keep {
		c.of.last.keep(c, &liveAnswer{changes, b})
	}
	return b, err
}
