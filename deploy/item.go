package deploy

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"onramp/azure"
	"onramp/design"
)

type object = map[string]any

// item is what is written by one request: a resource without the children that are written on their own, or such a child.
type item struct {
	id  azure.ID
	key string // id.Key
	typ string
	// parent is the key of the resource that it is kept in; empty for one with a record of its own.
	parent string
	body   object
	whole  json.RawMessage // the resource as it was, with its children; nil for a child
	after  []string        // keys of what has to be there first beside what it refers to
	// of what is there:
	state string // provisioningState
}

// apart are the children that are written on their own, by the type of what they are in: they can be made only when something else is
// done (behaviors.md, Ordering and provisioning). The others go with what they are in.
func apart(typ string) []string {
	switch strings.ToLower(typ) {
	case "microsoft.network/virtualnetworks":
		return []string{"virtualNetworkPeerings"} // both networks have to be there, and a gateway that is to be used
	case "microsoft.network/expressroutecircuits":
		return []string{"authorizations", "peerings"} // the provider has to have done its part
	case "microsoft.network/expressroutecircuits/peerings":
		return []string{"connections"} // the peering at the other end has to be there
	}
	return nil
}

// shownInParent tells that what is of a type is one of those children, which a parent shows.
func shownInParent(typ string) bool {
	i := strings.LastIndexByte(typ, '/')
	return slices.ContainsFunc(apart(typ[:max(i, 0)]), func(s string) bool { return strings.EqualFold(s, typ[i+1:]) })
}

// lists are the lists in a resource whose elements are resources themselves and somebody else may add to.
func lists() []string { return []string{"subnets", "routes", "rules", "securityRules"} }

// split takes a resource apart into what is written by one request each, what comes first first.
func split(b json.RawMessage) ([]*item, error) {
	var body object
	if err := json.Unmarshal(b, &body); err != nil {
		return nil, err
	}
	id := azure.ID(text(body, "id"))
	if id == "" || text(body, "type") == "" {
		return nil, fmt.Errorf("resource %q of type %q: it needs both", id, text(body, "type"))
	}
	x := &item{id: id, key: id.Key(), typ: text(body, "type"), body: body, whole: b}
	if shownInParent(x.typ) {
		x.parent = id.Parent().Key()
	}
	return x.split(nil), nil
}

func (x *item) split(out []*item) []*item {
	out = append(out, x)
	x.state = text(x.body, "properties", "provisioningState")
	props, _ := x.body["properties"].(object)
	for _, name := range apart(x.typ) {
		list, _ := props[name].([]any)
		delete(props, name)
		for _, e := range list {
			c, ok := e.(object)
			if !ok || text(c, "name") == "" {
				continue
			}
			id := x.id + azure.ID("/"+name+"/"+text(c, "name"))
			child := object{"id": string(id), "name": c["name"], "type": x.typ + "/" + name}
			if p, ok := c["properties"].(object); ok {
				child["properties"] = p
			}
			y := &item{id: id, key: id.Key(), typ: x.typ + "/" + name, parent: x.key, body: child}
			out = y.split(out)
		}
	}
	return out
}

// top is the key of the resource that an item is, or is below: of which one thing is done at a time.
func (x *item) top() string {
	p, err := azure.ParseID(x.key)
	if err != nil || p.Provider == "" || p.Scope != "" || len(p.Names) < 2 {
		return x.key
	}
	p.Types, p.Names = p.Types[:1], p.Names[:1]
	return strings.ToLower(p.String())
}

// is tells the item's type, without case and without "Microsoft.Network/".
func (x *item) is(typ string) bool { return strings.EqualFold(x.typ, "Microsoft.Network/"+typ) }

// taggable tells whether its type can have tags.
func (x *item) taggable() bool {
	return strings.Count(x.typ, "/") == 1 && !strings.HasPrefix(strings.ToLower(x.typ), "microsoft.authorization/")
}

// refs are the keys of what an item refers to, without itself and what is in it: each once, in order.
func (x *item) refs() []string {
	seen := map[string]bool{}
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case object:
			for _, e := range v {
				walk(e)
			}
		case []any:
			for _, e := range v {
				walk(e)
			}
		case string:
			if len(v) < 16 || !strings.EqualFold(v[:15], "/subscriptions/") {
				return
			}
			if k := strings.ToLower(v); k != x.key && !strings.HasPrefix(k, x.key+"/") {
				seen[k] = true
			}
		}
	}
	walk(x.body)
	if p, err := azure.ParseID(string(x.id)); err == nil && p.Provider != "" {
		seen[x.id.Parent().Key()] = true
		if p.Scope != "" {
			seen[p.Scope.Key()] = true
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

// resource is the item as a resource.
func (x *item) resource() (azure.Resource, error) {
	b, err := json.Marshal(x.body)
	if err != nil {
		return nil, err
	}
	return azure.Unmarshal(b)
}

// bare is the item as somebody decided it, as JSON.
func (x *item) bare() (json.RawMessage, error) {
	r, err := x.resource()
	if err != nil {
		return nil, err
	}
	if r, err = azure.Bare(r); err != nil {
		return nil, err
	}
	b, err := azure.Marshal(r)
	if err != nil || !bytes.Contains(b, []byte(`"sharedKey"`)) {
		return b, err
	}
	var o object // a secret goes into no journal
	if err := json.Unmarshal(b, &o); err != nil {
		return nil, err
	}
	if props, ok := o["properties"].(object); ok {
		delete(props, "sharedKey")
	}
	return json.Marshal(o)
}

// goal is what an item that is wanted shall be, where is is what is there (nil for nothing), with what of it stays: tags that are not
// ours, and elements of lists that somebody else added. strange are those elements, by id key: theirs tells what is. mark is put into the
// tags of what is new.
func (x *item) goal(is *item, mark string, theirs func(key string) bool) (goal *item, strange []azure.ID) {
	g := *x
	g.body = copied(x.body)
	if x.taggable() {
		tags := object{}
		if is == nil {
			tags[design.TagDesign] = mark
		} else if old, ok := is.body["tags"].(object); ok {
			for k, v := range old {
				if !strings.HasPrefix(k, "onramp-") || k == design.TagDesign {
					tags[k] = v
				}
			}
		}
		if own, ok := x.body["tags"].(object); ok {
			maps.Copy(tags, own)
		}
		delete(g.body, "tags")
		if len(tags) > 0 {
			g.body["tags"] = tags
		}
	}
	if is == nil {
		return &g, nil
	}
	keep(g.body, is.body)
	props, _ := g.body["properties"].(object)
	if props == nil {
		return &g, nil
	}
	for _, name := range lists() {
		there := elements(is.body, name)
		own := elements(g.body, name)
		for _, e := range there {
			n := text(e, "name")
			if n == "" || slices.ContainsFunc(own, func(o object) bool { return strings.EqualFold(text(o, "name"), n) }) {
				continue
			}
			id := x.id + azure.ID("/"+name+"/"+n)
			if !theirs(id.Key()) {
				continue
			}
			strange = append(strange, id)
			list, _ := props[name].([]any)
			props[name] = append(slices.Clone(list), copied(e))
		}
	}
	return &g, strange
}

// elements are the objects of a list in the properties.
func elements(body object, name string) []object {
	var out []object
	l, _ := find(body, "properties", name).([]any)
	for _, e := range l {
		if o, ok := e.(object); ok {
			out = append(out, o)
		}
	}
	return out
}

// sent is the body of the request that writes a goal: with the children that are there, because a parent that is written without them
// loses them, and without what stands for something else.
func (x *item) sent(is json.RawMessage) (object, error) {
	if p := secretProblems(x); len(p) > 0 { // a plan says so before anything is touched; what was there may be gone since
		return nil, errors.New(p[0])
	}
	b := copied(x.body)
	props, _ := b["properties"].(object)
	if props == nil {
		props = object{}
		b["properties"] = props
	}
	if authorizationForm.MatchString(text(props, "authorizationKey")) {
		delete(props, "authorizationKey")
	}
	if is == nil || len(apart(x.typ)) == 0 {
		return b, nil
	}
	var there object
	if err := json.Unmarshal(is, &there); err != nil {
		return nil, err
	}
	for _, name := range apart(x.typ) {
		if l, ok := find(there, "properties", name).([]any); ok && len(l) > 0 {
			props[name] = l
		}
	}
	return b, nil
}

// differences are what of an item has to become another.
func differences(is, goal *item) ([]azure.Change, error) {
	var from, to azure.Resource
	var err error
	if is != nil {
		if from, err = is.resource(); err != nil {
			return nil, err
		}
	}
	if goal != nil {
		if to, err = goal.resource(); err != nil {
			return nil, err
		}
	}
	list, err := azure.Differences(from, to)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(list, func(c azure.Change) bool {
		return c.Path == "id" || c.Path == "name" || c.Path == "type" || nothing(c.To) && is != nil && filled(is, c)
	}), nil
}

// filled tells that a value which is there and not wanted is what Azure fills in where nobody gives one. Designs give all of them;
// templates need not.
func filled(is *item, c azure.Change) bool {
	if !is.is("expressRouteCircuits/peerings") {
		return false
	}
	return c.Path == "properties.azureASN" || c.Path == "properties.state" && string(c.From) == `"Enabled"`
}

// find is the value at a path of names, nil where there is none.
func find(o object, names ...string) any {
	var v any = o
	for _, n := range names {
		m, ok := v.(object)
		if !ok {
			return nil
		}
		v = m[n]
	}
	return v
}

// text is the text at a path, empty where there is none.
func text(o object, names ...string) string { s, _ := find(o, names...).(string); return s }

// copied is a deep copy.
func copied(o object) object { c, _ := azure.Clone(o).(object); return c }

// shortType is a type without its provider.
func shortType(typ string) string { _, s, _ := strings.Cut(typ, "/"); return cmp.Or(s, typ) }

// nothing tells that a JSON value is not there.
func nothing(b json.RawMessage) bool { return len(b) == 0 || bytes.Equal(b, []byte("null")) }
