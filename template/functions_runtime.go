package template

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// runtimeFunctions ask the running deployment. list* are not here: any name that starts so is one.
func runtimeFunctions() []function {
	return []function{
		{name: "reference", low: 1, high: 3, lazy: referenceFunction},
		{name: "references", low: 1, high: 2, lazy: referencesFunction},
		{name: "resourceInfo", low: 1, high: 1, lazy: resourceInfoFunction},
	}
}

// expected is an error where a function of a running deployment has no place.
func (ev *eval) expected() error {
	if ev.pure == "" {
		return nil
	}
	return fmt.Errorf("it is not expected at this location: %s has to be known before the deployment; it can only be used in the properties "+
		"of a resource and in outputs", ev.pure)
}

// texts evaluates arguments that are strings; open is set when one is unknown.
func (ev *eval) texts(args []*expr) (list []string, open bool, err error) {
	for i, a := range args {
		v, err := ev.expr(a)
		if err != nil {
			return nil, false, err
		}
		switch v := v.(type) {
		case string:
			list = append(list, v)
		case unknown:
			list, open = append(list, ""), true
		default:
			return nil, false, fmt.Errorf("argument %d is expected to be a String, but is of type %s", i+1, typeName(v))
		}
	}
	return list, open, nil
}

// reference(name or id, [apiVersion], ['Full']).
func referenceFunction(ev *eval, e *expr) (any, error) {
	if err := ev.expected(); err != nil {
		return nil, err
	}
	args, open, err := ev.texts(e.args)
	if err != nil {
		return nil, err
	}
	if open {
		return unknown{}, nil
	}
	args = append(args, "", "")[:max(len(args), 3)]
	full := strings.EqualFold(args[2], "Full")
	if args[2] != "" && !full {
		return nil, fmt.Errorf("argument 3 is 'Full' or left out, not %s", quote(args[2]))
	}
	id, version, err := ev.asked(args[0], args[1])
	if err != nil {
		return nil, err
	}
	return ev.reference(id, version, full)
}

func (ev *eval) reference(id, version string, full bool) (any, error) {
	if ev.env == nil {
		ev.met = true
		return unknown{}, nil
	}
	b, err := ev.env.Reference(id, version, full)
	if err != nil {
		return nil, err
	}
	return ev.answer(b)
}

// references(symbol of a copy, ['Full']) is the state of all resources of a copy.
func referencesFunction(ev *eval, e *expr) (any, error) {
	if err := ev.expected(); err != nil {
		return nil, err
	}
	args, open, err := ev.texts(e.args)
	if err != nil {
		return nil, err
	}
	if open {
		return unknown{}, nil
	}
	all := ev.in.bySymbol[args[0]]
	if !ev.in.t.symbolic() || all == nil {
		return nil, fmt.Errorf("there is no resource with a copy and the symbolic name %s%s", quote(args[0]), nearest(args[0], ev.in.symbols()))
	}
	out := []any{}
	for _, r := range all {
		ev.wait(r)
		v, err := ev.reference(r.ID, r.APIVersion, len(args) > 1 && strings.EqualFold(args[1], "Full"))
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

// resourceInfo(symbol) is what is known of a resource before it is deployed.
func resourceInfoFunction(ev *eval, e *expr) (any, error) {
	args, open, err := ev.texts(e.args)
	if err != nil {
		return nil, err
	}
	if open {
		return unknown{}, nil
	}
	if ev.pure != "" && !ev.in.declared {
		return nil, fmt.Errorf("it is not expected at this location: %s has to be known before the resources are", ev.pure)
	}
	r, err := ev.in.target(args[0])
	if err != nil {
		return nil, err
	}
	if r == nil {
		return nil, fmt.Errorf("there is no resource with the symbolic name %s%s", quote(args[0]), nearest(args[0], ev.in.symbols()))
	}
	ev.wait(r)
	o := &object{}
	o.add("id", r.ID)
	o.add("name", r.Name)
	o.add("type", r.Type)
	o.add("apiVersion", r.APIVersion)
	return o, nil
}

// list evaluates list*(name or id, apiVersion, [body]).
func (ev *eval) list(e *expr) (any, error) {
	v, err := ev.listed(e)
	if err != nil {
		return nil, ev.within(e, err)
	}
	return v, nil
}

func (ev *eval) listed(e *expr) (any, error) {
	if err := ev.expected(); err != nil {
		return nil, err
	}
	if len(e.args) < 1 || len(e.args) > 3 {
		return nil, fmt.Errorf("it takes a resource's name or identifier, an API version and, where the operation takes one, a body; not %d arguments", len(e.args))
	}
	args, open, err := ev.texts(e.args[:min(2, len(e.args))])
	if err != nil {
		return nil, err
	}
	var body json.RawMessage
	if len(e.args) == 3 {
		v, err := ev.expr(e.args[2])
		if err != nil {
			return nil, err
		}
		if ev.met && holds(v) {
			open = true
		} else if body, err = ev.budget().append(nil, v); err != nil {
			return nil, err
		}
	}
	if open {
		return unknown{}, nil
	}
	args = append(args, "")
	id, version, err := ev.asked(args[0], args[1])
	if err != nil {
		return nil, err
	}
	if ev.env == nil {
		ev.met = true
		return unknown{}, nil
	}
	b, err := ev.env.List(e.str, id, version, body)
	if err != nil {
		return nil, err
	}
	return ev.answer(b)
}

// answer reads what the running deployment answered.
func (ev *eval) answer(b json.RawMessage) (any, error) {
	if err := ev.budget().charge(1 + len(b)/4); err != nil {
		return nil, err
	}
	if len(b) == 0 {
		return nil, nil
	}
	v, err := decode(b)
	if err != nil {
		return nil, fmt.Errorf("the answer is no JSON: %w", err)
	}
	return v, nil
}

// wait notes that the place waits for a resource.
func (ev *eval) wait(r *Resource) {
	if ev.needs != nil {
		ev.needs(r)
	}
}

// asked is the identifier and API version of a resource that a call names, and notes that the place waits for it: by name or symbol
// always, by identifier only without an API version of the call's own, as Azure documents.
func (ev *eval) asked(name, version string) (id, api string, err error) {
	r, err := ev.in.target(name)
	if err != nil {
		return "", "", err
	}
	byID := strings.HasPrefix(name, "/")
	if r != nil {
		if !byID || version == "" {
			ev.wait(r)
		}
		if version == "" {
			version = r.APIVersion
		}
		return r.ID, version, nil
	}
	if !byID {
		if strings.Count(name, "/") >= 2 && strings.Contains(strings.SplitN(name, "/", 2)[0], ".") && version != "" {
			// A relative identifier, namespace/type/name, is in the deployment's own scope.
			return strings.TrimSuffix(ev.in.home(), "/") + "/providers/" + name, version, nil
		}
		return "", "", fmt.Errorf("the resource '%s' is not defined in the template%s; for one that is not, give its whole identifier and an API version",
			name, nearest(name, ev.in.known()))
	}
	if version == "" {
		return "", "", errors.New("it requires an API version: the resource '" + name + "' is not defined in the template")
	}
	return strings.TrimSuffix(name, "/"), version, nil
}
