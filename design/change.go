package design

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"onramp/azure"
)

// Kinds of change.
const (
	Added   = "added"
	Removed = "removed"
	Changed = "changed"
)

// Impact says what a change does to traffic.
type Impact string

// The impacts, worst first.
const (
	Refused    Impact = "refused"    // not possible on what is there: something new has to be built beside it
	Interrupts Impact = "interrupts" // traffic stops while it is made, or for good
	Quiet      Impact = "none"
)

// Change is one thing that differs between two designs.
type Change struct {
	Kind string `json:"kind" enum:"added,removed,changed"`
	At   string `json:"at"`   // resource id, or a place in the premises: "router montreal-ce1 session er-1/private/primary"
	What string `json:"what"` // the resource's type, or router, session, attachment, site, order
	// Properties are the values that differ, by path; empty for what was added or removed.
	Properties []PropertyChange `json:"properties"`
	Impact     Impact           `json:"impact" enum:"refused,interrupts,none"`
	// Why says what the impact comes from, and Source where that is written; empty without one.
	Why    string `json:"why"`
	Source string `json:"source"`
}

// PropertyChange is one value that differs, as JSON; a value that is not there is empty.
type PropertyChange struct {
	Path string `json:"path"`
	Old  string `json:"old"`
	New  string `json:"new"`
}

// Changes lists what has to change for one design to become another, what hurts most first. What a person decides (the intent) and
// what only explains (assumptions, defaults) is left out.
func Changes(before, after *Design) ([]Change, error) {
	a, err := before.things()
	if err != nil {
		return nil, err
	}
	b, err := after.things()
	if err != nil {
		return nil, err
	}
	out := []Change{}
	for k, x := range a {
		y, stays := b[k]
		if !stays {
			out = append(out, judged(Change{Kind: Removed, At: x.at, What: x.what, Properties: []PropertyChange{}}, x, nil))
			continue
		}
		if list := differences("", x.value, y.value); len(list) > 0 {
			out = append(out, judged(Change{Kind: Changed, At: x.at, What: x.what, Properties: list}, x, y))
		}
	}
	for k, y := range b {
		if _, was := a[k]; !was {
			out = append(out, judged(Change{Kind: Added, At: y.at, What: y.what, Properties: []PropertyChange{}}, nil, y))
		}
	}
	order := []Impact{Refused, Interrupts, Quiet}
	slices.SortFunc(out, func(x, y Change) int {
		return cmp.Or(slices.Index(order, x.Impact)-slices.Index(order, y.Impact), strings.Compare(x.Kind, y.Kind), strings.Compare(x.What, y.What), strings.Compare(x.At, y.At))
	})
	return out, nil
}

// thing is a part of a design that is there or is not.
type thing struct {
	at, what string
	value    any // as JSON is read
}

// things are the resources, and what the premises and the providers have to set up, by key.
func (d *Design) things() (map[string]*thing, error) {
	out := map[string]*thing{}
	add := func(key, at, what string, v any) error {
		b, err := json.Marshal(v)
		if err != nil {
			return err
		}
		x := &thing{at: at, what: what}
		if err := json.Unmarshal(b, &x.value); err != nil {
			return err
		}
		out[what+" "+key] = x
		return nil
	}
	for _, r := range d.Resources {
		h := r.Head()
		b, err := azure.Marshal(r)
		if err == nil {
			err = add(h.ID.Key(), string(h.ID), h.Type, json.RawMessage(b))
		}
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", h.ID, err)
		}
	}
	for i := range d.Premises.Sites {
		s := d.Premises.Sites[i]
		routers := s.Routers
		s.Routers = nil
		if err := add(s.Name, "site "+s.Name, "site", s); err != nil {
			return nil, err
		}
		for j := range routers {
			if err := addRouter(add, routers[j]); err != nil {
				return nil, err
			}
		}
	}
	for i := range d.Premises.ProviderEdges {
		if err := addRouter(add, d.Premises.ProviderEdges[i]); err != nil {
			return nil, err
		}
	}
	for _, a := range d.Premises.Attachments {
		if err := add(a.Name, "attachment "+a.Name, "attachment", a); err != nil {
			return nil, err
		}
	}
	for _, b := range d.Premises.Backbone {
		name := b.Between[0] + " - " + b.Between[1]
		if err := add(name, "backbone "+name, "backbone", b); err != nil {
			return nil, err
		}
	}
	for _, o := range d.Orders {
		o.Steps = nil
		if err := add(o.Circuit.Key(), "order of "+o.Circuit.Name(), "order", o); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func addRouter(add func(key, at, what string, v any) error, r Router) error {
	sessions := r.Sessions
	r.Sessions = nil
	if err := add(r.Name, "router "+r.Name, "router", r); err != nil {
		return err
	}
	for i := range sessions {
		if err := add(r.Name+" "+sessions[i].Name, "router "+r.Name+" session "+sessions[i].Name, "session", sessions[i]); err != nil {
			return err
		}
	}
	return nil
}

// differences walks two JSON values. Members of a list of objects with names are compared by name, so that an insertion is one
// difference; other lists as a whole.
func differences(path string, a, b any) []PropertyChange {
	x, ok1 := a.(map[string]any)
	y, ok2 := b.(map[string]any)
	if ok1 && ok2 {
		var out []PropertyChange
		for _, k := range keysOf(x, y) {
			if k == "provisioningState" || k == "etag" {
				continue // Azure's own
			}
			p := k
			if path != "" {
				p = path + "." + k
			}
			out = append(out, differences(p, x[k], y[k])...)
		}
		return out
	}
	if p, q := byName(a), byName(b); p != nil && q != nil {
		var out []PropertyChange
		for _, k := range keysOf(p, q) {
			out = append(out, differences(path+"["+k+"]", p[k], q[k])...)
		}
		return out
	}
	s, t := shown(a), shown(b)
	if s == t {
		return nil
	}
	return []PropertyChange{{Path: path, Old: s, New: t}}
}

// byName are the members of a list in which every member is an object with a name of its own; nil for any other value.
func byName(v any) map[string]any {
	list, ok := v.([]any)
	if !ok {
		return nil
	}
	out := map[string]any{}
	for _, x := range list {
		m, ok := x.(map[string]any)
		name, named := m["name"].(string)
		if _, twice := out[name]; !ok || !named || twice {
			return nil
		}
		out[name] = x
	}
	return out
}

func keysOf(a, b map[string]any) []string {
	var out []string
	for k := range a {
		out = append(out, k)
	}
	for k := range b {
		if _, both := a[k]; !both {
			out = append(out, k)
		}
	}
	slices.Sort(out)
	return out
}

// shown is a value as a person reads it: JSON, without quotes around a lone string; nothing for what is not there.
func shown(v any) string {
	switch x := v.(type) {
	case nil:
		return ""
	case string:
		return x
	}
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}
