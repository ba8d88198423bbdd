package template

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// ofTemplate are the properties of a resource that only the template has.
func ofTemplate(r *Resource, name string) bool {
	switch strings.ToLower(name) {
	case "name", "type", "apiversion", "condition", "copy", "dependson", "scope", "existing", "resources", "comments", "metadata":
		return true
	case "subscriptionid", "resourcegroup":
		return isDeployment(r.Type) || r.Existing
	}
	return false
}

// evaluate evaluates a resource's body as far as it is known, and finds what it waits for.
func (in *instance) evaluate(r *Resource) error {
	r.waits = map[*Resource]bool{}
	if !r.Condition {
		return nil
	}
	ev := &eval{in: in, loops: r.loops, path: slices.Clone(r.path), needs: func(o *Resource) { r.waits[o] = true }}
	v, err := ev.resource(r)
	if err != nil {
		return err
	}
	if r.needs = ev.met; !r.needs {
		r.body = v
	}
	return nil
}

// resource evaluates a resource's body.
func (ev *eval) resource(r *Resource) (*object, error) {
	o := &object{members: make([]member, 0, len(r.node.members))}
	o.add("name", r.Name)
	o.add("type", r.Type)
	for _, f := range r.node.members {
		if ofTemplate(r, f.name) {
			continue
		}
		ev.enter(dot(f.name))
		var v any
		var err error
		if strings.EqualFold(f.name, "properties") {
			v, err = ev.properties(r.Type, f.value)
		} else {
			ev.pure = "the " + f.name + " of a resource"
			v, err = ev.node(f.value)
			ev.pure = ""
		}
		if err != nil {
			return nil, err
		}
		ev.leave()
		o.set(f.name, v)
	}
	return o, nil
}

// properties evaluates the properties of a resource of a type.
func (ev *eval) properties(typ string, n *node) (any, error) {
	if !isDeployment(typ) || n.kind != objectKind {
		return ev.node(n)
	}
	isTemplate := func(name string) bool { return strings.EqualFold(name, "template") }
	o, err := ev.object(n, isTemplate)
	if err != nil {
		return nil, err
	}
	body := n.member("template")
	if body == nil {
		return o, nil
	}
	if isInner(n) || body.kind != objectKind {
		o.set("template", literal(body))
		return o, nil
	}
	ev.enter(".template")
	v, err := ev.nested(body)
	if err != nil {
		return nil, err
	}
	ev.leave()
	o.set("template", v)
	return o, nil
}

// nested evaluates a nested template in its parent's scope. What declares something stays as it is.
func (ev *eval) nested(n *node) (any, error) {
	was := ev.outer
	ev.outer = true
	o := &object{members: make([]member, 0, len(n.members))}
	for _, f := range n.members {
		ev.enter(dot(f.name))
		var v any
		var err error
		switch strings.ToLower(f.name) {
		case "resources":
			v, err = ev.nestedResources(f.value)
		case "variables", "outputs":
			v, err = ev.node(f.value)
		default:
			v = literal(f.value)
		}
		if err != nil {
			return nil, err
		}
		ev.leave()
		o.set(f.name, v)
	}
	ev.outer = was
	return o, nil
}

func (ev *eval) nestedResources(n *node) (any, error) {
	if n.kind != arrayKind {
		return ev.node(n)
	}
	out := make([]any, len(n.elems))
	for i, e := range n.elems {
		ev.push("[%d]", i)
		v, err := ev.nestedResource(e)
		if err != nil {
			return nil, err
		}
		ev.leave()
		out[i] = v
	}
	return out, nil
}

func (ev *eval) nestedResource(n *node) (any, error) {
	if n.kind != objectKind {
		return ev.node(n)
	}
	if err := ev.budget().charge(1); err != nil {
		return nil, ev.bounds(n, err)
	}
	typ := ""
	if t := n.member("type"); t != nil {
		typ = t.str
	}
	o := &object{members: make([]member, 0, len(n.members))}
	for _, f := range n.members {
		ev.enter(dot(f.name))
		var v any
		var err error
		switch strings.ToLower(f.name) {
		case "properties":
			v, err = ev.properties(typ, f.value)
		case "resources":
			v, err = ev.nestedResources(f.value)
		default:
			v, err = ev.node(f.value)
		}
		if err != nil {
			return nil, err
		}
		ev.leave()
		o.set(f.name, v)
	}
	return o, nil
}

// Needs tells whether Body asks its Runtime for something.
func (r *Resource) Needs() bool { return r.needs }

// Body is the resource's body as it is sent: all properties but those that only the template has (apiVersion, condition, copy, dependsOn,
// scope, existing, comments, metadata, nested resources, and of a nested deployment subscriptionId and resourceGroup), expressions
// evaluated; name and type are whole. For a nested deployment with the outer scope the template's expressions are evaluated too, with the
// parent's parameters and variables; with the inner scope it is left as written. env may be nil when nothing has to be asked; Needs
// tells. Errors are *Error; what env returned is found in it by errors.Is and errors.As.
func (r *Resource) Body(env Runtime) (json.RawMessage, error) {
	in := r.in
	all := in.full()
	v := r.body
	if v == nil {
		if env == nil {
			return nil, in.t.fault(r.node, codeInvalid, r.Path, "the resource's properties depend on what only the running deployment knows")
		}
		in = in.fork()
		ev := &eval{in: in, loops: r.loops, path: slices.Clone(r.path), env: env}
		o, err := ev.resource(r)
		if err != nil {
			return nil, err
		}
		v = o
	}
	b, err := all.append(nil, v)
	if err != nil {
		return nil, in.t.fault(r.node, codeInvalid, r.Path, err.Error())
	}
	return b, nil
}

// Outputs are the outputs as a deployment answers them: {"name": {"type": "String", "value": ...}}, without those whose condition is
// false; secure ones have no value.
func (i *Instance) Outputs(env Runtime) (json.RawMessage, error) {
	return i.outputs(env, false)
}

// outputs evaluates the outputs; early before the deployment, to find mistakes.
func (i *Instance) outputs(env Runtime, early bool) (json.RawMessage, error) {
	in := i.in
	if !early {
		in = in.fork()
	}
	all := &object{}
	if in.t.outputs == nil {
		return json.RawMessage("{}"), nil
	}
	for _, f := range in.t.outputs.members {
		path := "outputs" + dot(f.name)
		if f.value.kind != objectKind {
			return nil, in.t.fault(f.value, codeInvalid, path, "an output is expected to be an Object with a type and a value")
		}
		ev := &eval{in: in, path: []string{path}, env: env}
		if c := f.value.member("condition"); c != nil {
			v, err := ev.purely(c, "condition", "the condition of an output")
			if err != nil {
				return nil, err
			}
			b, ok := v.(bool)
			if !ok {
				return nil, ev.fail(c, codeInvalid, "the condition of an output is expected to be a Boolean, but is of type %s", typeName(v))
			}
			if !b {
				continue
			}
		}
		typ, err := in.typeOf(f.value)
		if err != nil {
			return nil, ev.fail(f.value, codeInvalid, "the output '%s': %s", f.name, err)
		}
		v, err := ev.output(f)
		if err != nil {
			return nil, err
		}
		if ev.met {
			if !early {
				return nil, ev.fail(f.value, codeInvalid, "the output '%s' depends on what only the running deployment knows", f.name)
			}
			continue
		}
		if err := in.conforms(f.value, v, fmt.Sprintf("the template output '%s'", f.name)); err != nil {
			return nil, ev.fail(f.value, codeInvalid, "%s", err)
		}
		o := &object{}
		o.add("type", typ)
		if !strings.HasPrefix(typ, "Secure") {
			o.add("value", v)
		}
		all.set(f.name, o)
	}
	b, err := in.budget.append(nil, all)
	if err != nil {
		return nil, in.t.fault(in.t.outputs, codeInvalid, "outputs", err.Error())
	}
	return b, nil
}

func (ev *eval) output(f field) (any, error) {
	if c := f.value.member("copy"); c != nil {
		if c.kind != objectKind || c.member("input") == nil {
			return nil, ev.fail(c, codeInvalid, "the copy of an output is expected to be an Object with count and input")
		}
		ev.enter(".copy")
		defer ev.leave()
		name := f.name
		if n := c.member("name"); n != nil && n.kind == stringKind {
			name = n.str
		}
		return ev.iterate(c, name)
	}
	n := f.value.member("value")
	if n == nil {
		return nil, ev.fail(f.value, codeInvalid, "the output '%s' has no value", f.name)
	}
	ev.enter(".value")
	v, err := ev.node(n)
	if err != nil {
		return nil, err
	}
	ev.leave()
	return v, nil
}
