package arm

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"onramp/azure"
	"onramp/template"
)

// foresee is what a deployment would change, as Azure's what-if tells of it: the deployment is carried out in a fork of the endpoint, and
// what is there then is compared with what is there now, both without what only the service sets.
func (d *deployer) foresee(by *Principal, id string, sent *sentDeployment, correlate string, briefly bool) ([]any, *Error) {
	f := d.server.fork()
	x, err := f.deploy.draft(by, id, sent, correlate, nil)
	if err != nil {
		return nil, err
	}
	f.deploy.work.Lock()
	defer f.deploy.work.Unlock()
	if _, err := f.deploy.accept(x); err != nil {
		return nil, err
	}
	f.deploy.some()
	end := f.deploy.get(id)
	if end.active() {
		return nil, refuse(500, "InternalServerError", "The deployment did not come to an end.")
	}
	v := &foreseen{now: d.server, then: f, briefly: briefly, seen: map[string]bool{}, scopes: map[string]bool{}}
	v.of(end)
	v.ignored()
	slices.SortStableFunc(v.out, func(a, b any) int {
		return strings.Compare(text(a.(object), "resourceId"), text(b.(object), "resourceId"))
	})
	return nonNil(v.out), nil
}

// foreseen gathers changes.
type foreseen struct {
	now, then *Server
	briefly   bool
	seen      map[string]bool // the keys of what was told
	scopes    map[string]bool // the resource groups that something is deployed to
	out       []any
}

// of tells of a deployment and of those in it.
func (v *foreseen) of(x *deployment) {
	if atGroup(x.scope()) {
		v.scopes[x.scope()] = true
	}
	begun := map[string]bool{}
	for i := range x.Steps {
		s := &x.Steps[i]
		switch {
		case s.Verb == "Delete":
			v.deleted(s)
		case s.Verb != "Create":
		case strings.EqualFold(s.Type, deploymentType):
			begun[strings.ToLower(s.Target)] = true
			if child := v.then.deploy.get(s.Target); child != nil && child.Parent == x.key && s.Operation == child.Operation {
				v.of(child)
			} else {
				v.add(s.Target, object{"changeType": "Unsupported", "unsupportedReason": reason(s.Error)}, s.Symbol)
			}
		default:
			begun[strings.ToLower(s.Target)] = true
			v.written(s)
		}
	}
	// What was not reached because something before it failed.
	inst, err := v.then.deploy.instantiate(x)
	if err != nil {
		return
	}
	order, wrong := nodes(inst)
	if wrong != nil {
		return
	}
	for _, r := range order {
		if !begun[strings.ToLower(r.ID)] {
			v.unreached(r)
		}
	}
}

func (v *foreseen) unreached(r *template.Resource) {
	v.add(r.ID, object{"changeType": "Unsupported", "unsupportedReason": "It needs a resource that cannot be deployed."}, r.Symbol)
}

func reason(err *Error) string {
	if err == nil {
		return ""
	}
	return err.Code + ": " + err.Message
}

// add tells of a resource once.
func (v *foreseen) add(id string, change object, symbol string) {
	if key := strings.ToLower(id); v.seen[key] {
		return
	} else {
		v.seen[key] = true
	}
	change["resourceId"] = id
	if symbol != "" {
		change["symbolicName"] = symbol
	}
	if v.briefly {
		for _, n := range []string{"before", "after", "delta"} {
			delete(change, n)
		}
		if t := change["changeType"]; t == "Modify" || t == "NoChange" {
			change["changeType"] = "Deploy"
		}
	}
	v.out = append(v.out, change)
}

// state is a resource as somebody decided it, nil where there is none.
func state(s *Server, id string) object {
	low := strings.ToLower(id)
	if i := strings.LastIndex(low, "/providers/microsoft.authorization/roleassignments/"); i >= 0 {
		scope := id[:i]
		if scope == "" {
			scope = "/"
		}
		if as, ok := s.config.Gate.Access.Assignment(scope, azure.ID(id).Name()); ok {
			return object{"id": id, "name": as.Name, "type": "Microsoft.Authorization/roleAssignments", "properties": object{"roleDefinitionId": as.Role, "principalId": as.Principal}}
		}
		return nil
	}
	if strings.Contains(low, "/providers/microsoft.authorization/roledefinitions/") {
		if r, ok := s.config.Gate.Access.Definition(azure.ID(id).Name()); ok {
			return object{"id": id, "name": r.ID, "type": "Microsoft.Authorization/roleDefinitions", "properties": object{"roleName": r.Name}}
		}
		return nil
	}
	c, ok := s.engine.find(id)
	if !ok {
		return nil
	}
	b, err := json.Marshal(s.engine.shown(c))
	if err == nil {
		var r azure.Resource
		if r, err = azure.Unmarshal(b); err == nil {
			if r, err = azure.Bare(r); err == nil {
				b, err = azure.Marshal(r)
			}
		}
	}
	if err != nil {
		return c.body
	}
	var o object
	if json.Unmarshal(b, &o) != nil {
		return c.body
	}
	return o
}

// written tells of a resource that the deployment writes.
func (v *foreseen) written(s *deploymentStep) {
	if s.State != succeeded {
		v.add(s.Target, object{"changeType": "Unsupported", "unsupportedReason": reason(s.Error)}, s.Symbol)
		return
	}
	before, after := state(v.now, s.Target), state(v.then, s.Target)
	if after == nil { // roles are not forked
		after = object{"id": s.Target, "name": azure.ID(s.Target).Name(), "type": s.Type}
		if before != nil {
			after = before
		}
	}
	after["apiVersion"] = s.Version
	if before == nil {
		v.add(s.Target, object{"changeType": "Create", "after": after}, s.Symbol)
		return
	}
	before["apiVersion"] = s.Version
	delta := deltas(before, after)
	kind := "Modify"
	if len(delta) == 0 {
		kind = "NoChange"
	}
	v.add(s.Target, object{"changeType": kind, "before": before, "after": after, "delta": nonNil(delta)}, s.Symbol)
}

func (v *foreseen) deleted(s *deploymentStep) {
	before := state(v.now, s.Target)
	if s.State != succeeded {
		v.add(s.Target, object{"changeType": "Unsupported", "unsupportedReason": reason(s.Error), "before": before}, "")
		return
	}
	v.add(s.Target, object{"changeType": "Delete", "before": before}, "")
}

// ignored tells of what stays in the groups as it is.
func (v *foreseen) ignored() {
	for scope := range v.scopes {
		for _, r := range v.now.engine.topOf(scope, v.seen) {
			s := state(v.now, r.id)
			v.add(r.id, object{"changeType": "Ignore", "before": s, "after": s}, "")
		}
	}
}

// deltas are the properties in which two values differ, as what-if tells of them: paths of objects with dots, and what is in an array below
// it, by index.
func deltas(before, after any) []any {
	var out []any
	var walk func(a, b any, path string)
	change := func(kind, path string, a, b any) object {
		c := object{"path": path, "propertyChangeType": kind}
		if a != nil {
			c["before"] = a
		}
		if b != nil {
			c["after"] = b
		}
		return c
	}
	walk = func(a, b any, path string) {
		if reflect.DeepEqual(a, b) || sameText(a, b) {
			return
		}
		x, isX := a.(object)
		y, isY := b.(object)
		l, isL := a.([]any)
		m, isM := b.([]any)
		switch {
		case isX && isY:
			names := map[string]bool{}
			for n := range x {
				names[n] = true
			}
			for n := range y {
				names[n] = true
			}
			for _, n := range sortedKeys(names) {
				at := n
				if path != "" {
					at = path + "." + n
				}
				walk(x[n], y[n], at)
			}
		case isL && isM:
			if c := elements(l, m, change); c != nil {
				whole := change("Array", path, nil, nil)
				whole["children"] = c
				out = append(out, whole)
			}
		case a == nil:
			out = append(out, change("Create", path, nil, b))
		case b == nil:
			out = append(out, change("Delete", path, a, nil))
		default:
			out = append(out, change("Modify", path, a, b))
		}
	}
	walk(before, after, "")
	return out
}

// sameText tells whether two values are the same id, whose letters have no case.
func sameText(a, b any) bool {
	x, ok := a.(string)
	y, is := b.(string)
	return ok && is && strings.HasPrefix(x, "/") && strings.EqualFold(x, y)
}

// elements compares two arrays: elements with a name by name, others by their place.
func elements(l, m []any, change func(kind, path string, a, b any) object) []any {
	var out []any
	add := func(i int, a, b any) {
		path := fmt.Sprint(i)
		switch {
		case reflect.DeepEqual(a, b) || sameText(a, b):
		case a == nil:
			out = append(out, change("Create", path, nil, b))
		case b == nil:
			out = append(out, change("Delete", path, a, nil))
		default:
			c := deltas(a, b)
			if _, ok := a.(object); !ok || len(c) == 0 {
				if ok { // they differ in letters that have no case
					return
				}
				out = append(out, change("Modify", path, a, b))
				return
			}
			one := change("Modify", path, nil, nil)
			one["children"] = c
			out = append(out, one)
		}
	}
	named := func(v any) string { o, _ := v.(object); return strings.ToLower(text(o, "name")) }
	byNames := !slices.ContainsFunc(append(slices.Clone(l), m...), func(v any) bool { return named(v) == "" })
	if !byNames {
		for i := range max(len(l), len(m)) {
			var a, b any
			if i < len(l) {
				a = l[i]
			}
			if i < len(m) {
				b = m[i]
			}
			add(i, a, b)
		}
		return out
	}
	for i, a := range l {
		if j := slices.IndexFunc(m, func(b any) bool { return named(b) == named(a) }); j < 0 {
			add(i, a, nil)
		} else {
			add(j, a, m[j])
		}
	}
	for j, b := range m {
		if !slices.ContainsFunc(l, func(a any) bool { return named(a) == named(b) }) {
			add(j, nil, b)
		}
	}
	return out
}
