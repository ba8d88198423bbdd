package adopt

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"onramp/azure"
	"onramp/design"
	"onramp/intent"
)

type object = map[string]any

// placed is a resource with the source that it is from.
type placed struct {
	piece
	source string
}

const network = "Microsoft.Network/"

// family is a type whose resources are kept in a list of their parent.
type family struct{ parent, list string }

// children are the types whose resources are kept in a list of their parent, with the list.
func children() map[string]string {
	return map[string]string{
		"microsoft.network/virtualnetworks/subnets": "subnets", "microsoft.network/virtualnetworks/virtualnetworkpeerings": "virtualNetworkPeerings",
		"microsoft.network/routetables/routes": "routes", "microsoft.network/networksecuritygroups/securityrules": "securityRules",
		"microsoft.network/routefilters/routefilterrules": "rules", "microsoft.network/expressroutecircuits/peerings": "peerings",
		"microsoft.network/expressroutecircuits/authorizations":       "authorizations",
		"microsoft.network/expressroutecircuits/peerings/connections": "connections",
	}
}

// embedded tells in what a type's resources are kept; nil for one that has resources of its own.
func embedded(typ string) *family {
	list, ok := children()[strings.ToLower(typ)]
	if !ok {
		return nil
	}
	return &family{parent: typ[:strings.LastIndexByte(typ, '/')], list: list}
}

// fold puts children into the lists of their parents, deepest first. One that the parent has already adds what the parent's does not say.
func (k *importer) fold(all []placed) []placed {
	byKey := map[string]*placed{}
	for i := range all {
		byKey[strings.ToLower(text(all[i].body, "id"))] = &all[i]
	}
	var out []placed
	gone := map[string]bool{}
	order := make([]*placed, len(all))
	for i := range all {
		order[i] = &all[i]
	}
	slices.SortStableFunc(order, func(a, b *placed) int {
		return cmp.Compare(strings.Count(text(b.body, "type"), "/"), strings.Count(text(a.body, "type"), "/"))
	})
	for _, p := range order {
		f := embedded(text(p.body, "type"))
		if f == nil {
			continue
		}
		id := azure.ID(text(p.body, "id"))
		parent := located(byKey, id.Parent(), f.parent)
		if parent == nil {
			k.notes = append(k.notes, Note{Kind: Orphan, Source: p.source, Line: p.line, At: p.at, Text: "what it belongs to, " + string(id.Parent()) + ", was not read; it is kept and routes nothing"})
			continue
		}
		gone[id.Key()] = true
		props := inner(parent, "properties")
		list, _ := props[f.list].([]any)
		child := copied(p.body)
		delete(child, "type")
		delete(child, "location")
		at := slices.IndexFunc(list, func(e any) bool { o, _ := e.(object); return strings.EqualFold(text(o, "name"), text(child, "name")) })
		if at < 0 {
			props[f.list] = append(list, child)
			continue
		}
		if is, ok := list[at].(object); ok {
			fill(is, child)
		}
	}
	for i := range all {
		if !gone[strings.ToLower(text(all[i].body, "id"))] {
			out = append(out, all[i])
		}
	}
	return out
}

// located finds a resource of a type, by itself or in the list of what it belongs to; nil where there is none.
func located(byKey map[string]*placed, id azure.ID, typ string) object {
	if p := byKey[id.Key()]; p != nil {
		return p.body
	}
	f := embedded(typ)
	if f == nil {
		return nil
	}
	for _, c := range objects(located(byKey, id.Parent(), f.parent), "properties", f.list) {
		if strings.EqualFold(text(c, "name"), id.Name()) {
			return c
		}
	}
	return nil
}

// fill adds to an object what only another one says.
func fill(o, more object) {
	for k, v := range more {
		is, ok := o[k]
		if !ok || is == nil {
			o[k] = v
			continue
		}
		a, isA := is.(object)
		b, isB := v.(object)
		if isA && isB {
			fill(a, b)
		}
		if l, isList := is.([]any); isList && len(l) == 0 {
			o[k] = v
		}
	}
}

// resource is what a design keeps of a resource.
func (k *importer) resource(p placed) (azure.Resource, error) {
	b, err := json.Marshal(p.body)
	if err != nil {
		return nil, err
	}
	raw, err := azure.Unmarshal(b)
	if err != nil {
		return nil, err
	}
	if tags := raw.Head().Tags; tags != nil {
		delete(tags, design.TagDesign)
		if len(tags) == 0 {
			raw.Head().Tags = nil
		}
	}
	if u, ok := raw.(*azure.Unknown); ok {
		u.Etag = ""
		return u, nil
	}
	r, err := azure.Bare(raw)
	if err != nil {
		return nil, err
	}
	keep(r, raw)
	arrange(r)
	return r, nil
}

// arrange orders by name the children that are written one by one: at an endpoint they stand as they came.
func arrange(r azure.Resource) {
	switch x := r.(type) {
	case *azure.VirtualNetwork:
		slices.SortStableFunc(x.Properties.VirtualNetworkPeerings, func(a, b azure.VirtualNetworkPeering) int { return cmp.Compare(a.Name, b.Name) })
	case *azure.ExpressRouteCircuit:
		slices.SortStableFunc(x.Properties.Peerings, func(a, b azure.Peering) int { return cmp.Compare(a.Name, b.Name) })
		slices.SortStableFunc(x.Properties.Authorizations, func(a, b azure.Authorization) int { return cmp.Compare(a.Name, b.Name) })
	}
}

// keep puts back what Azure sets where nobody else does and a design cannot do without.
func keep(r, raw azure.Resource) {
	switch x := r.(type) {
	case *azure.AzureFirewall: // routes point to the address
		was, _ := raw.(*azure.AzureFirewall)
		for i := range x.Properties.IPConfigurations {
			for _, c := range was.Properties.IPConfigurations {
				if c.Name == x.Properties.IPConfigurations[i].Name {
					x.Properties.IPConfigurations[i].Properties.PrivateIPAddress = c.Properties.PrivateIPAddress
				}
			}
		}
	case *azure.VirtualNetworkGateway: // the scale units of a gateway that has them are somebody's choice
		was, _ := raw.(*azure.VirtualNetworkGateway)
		if _, scaled := was.Properties.Extra["autoScaleConfiguration"]; scaled {
			x.Properties.SKU.Capacity = was.Properties.SKU.Capacity
		}
	case *azure.ExpressRouteCircuit: // without its provider no session comes up on it
		was, _ := raw.(*azure.ExpressRouteCircuit)
		if s := was.Properties.ServiceProviderProvisioningState; was.Properties.ServiceProviderProperties != nil && !strings.EqualFold(s, "Provisioned") {
			x.Properties.ServiceProviderProvisioningState = s
		}
		for i := range x.Properties.Authorizations {
			a := &x.Properties.Authorizations[i]
			a.Properties.AuthorizationKey = authorizationOf(a.Name, x.Name)
		}
		for i := range x.Properties.Peerings {
			for _, c := range was.Properties.Peerings {
				if c.Name != x.Properties.Peerings[i].Name {
					continue
				}
				for j := range x.Properties.Peerings[i].Properties.Connections {
					for _, n := range c.Properties.Connections {
						if to := &x.Properties.Peerings[i].Properties.Connections[j]; to.Name == n.Name {
							to.Properties.AuthorizationKey = n.Properties.AuthorizationKey
						}
					}
				}
			}
		}
	case *azure.VirtualNetworkGatewayConnection: // a placeholder by now
		was, _ := raw.(*azure.VirtualNetworkGatewayConnection)
		x.Properties.AuthorizationKey = was.Properties.AuthorizationKey
	}
}

// authorizationOf stands for the key that Azure makes with an authorization.
func authorizationOf(name, circuit string) string {
	return "<authorization " + name + " of " + circuit + ">"
}

// hide puts words in the place of secrets: of an authorization's key the authorization, wherever it is redeemed, and of any other what it
// is of.
func (k *importer) hide(all []placed) {
	keys := map[string]string{}  // by key, in lower case
	users := map[string]string{} // by connection
	for _, p := range all {
		if !is(p.body, network+"expressRouteCircuits") && !is(p.body, network+"expressRoutePorts") {
			continue
		}
		for _, a := range objects(p.body, "properties", "authorizations") {
			word := authorizationOf(text(a, "name"), text(p.body, "name"))
			if key := text(a, "properties", "authorizationKey"); key != "" {
				keys[strings.ToLower(key)] = word
			}
			if user := text(a, "properties", "connectionResourceUri"); user != "" {
				users[strings.ToLower(user)] = word
			}
			delete(inner(a, "properties"), "authorizationKey")
		}
	}
	for _, p := range all {
		if word := users[strings.ToLower(text(p.body, "id"))]; word != "" && is(p.body, network+"connections") {
			inner(p.body, "properties")["authorizationKey"] = word
		}
		owner := azure.ID(text(p.body, "id")).Name()
		var walk func(v any, path string)
		walk = func(v any, path string) {
			switch v := v.(type) {
			case object:
				for _, name := range sortedKeys(v) {
					at := strings.TrimPrefix(path+"."+name, ".")
					s, isText := v[name].(string)
					if s == blinded && !secret(name) {
						v[name] = "<" + name + " of " + owner + ">"
						k.notes = append(k.notes, Note{Kind: Secret, Source: p.source, Line: p.line, At: p.at, Path: at, Text: "Terraform calls it sensitive; it is not taken over"})
						continue
					}
					if !isText || s == "" || !secret(name) || placeholder(s) && s != blinded {
						walk(v[name], at)
						continue
					}
					if strings.EqualFold(name, "serviceKey") { // Azure makes it, and no design has one
						delete(v, name)
						continue
					}
					word, known := keys[strings.ToLower(s)]
					if !known {
						word = "<" + name + " of " + owner + ">"
						k.notes = append(k.notes, Note{Kind: Secret, Source: p.source, Line: p.line, At: p.at, Path: at, Text: "a secret is not taken over; " + word + " stands in its place"})
					}
					v[name] = word
				}
			case []any:
				for i, e := range v {
					o, _ := e.(object)
					walk(e, path+"["+cmp.Or(text(o, "name"), fmt.Sprint(i))+"]")
				}
			}
		}
		walk(p.body, "")
	}
}

// secret tells whether a property of this name holds a secret.
func secret(name string) bool {
	n := strings.ToLower(name)
	for _, word := range []string{"sharedkey", "authorizationkey", "servicekey", "password", "secret", "connectionstring", "presharedkey", "accesskey", "primarykey", "secondarykey", "privatekey", "cak", "sastoken"} {
		if n == word || strings.HasSuffix(n, word) {
			return true
		}
	}
	return false
}

// placeholder tells whether a text stands for something.
func placeholder(s string) bool { return strings.HasPrefix(s, "<") && strings.HasSuffix(s, ">") }

// ordered is a resource whose named children are in the order in which another one has them; those that it has not come last.
func ordered(r, like azure.Resource) (azure.Resource, error) {
	var a, b object
	for _, x := range []struct {
		r    azure.Resource
		into *object
	}{{r, &a}, {like, &b}} {
		raw, err := azure.Marshal(x.r)
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(raw, x.into); err != nil {
			return nil, err
		}
	}
	order(a, b)
	raw, err := json.Marshal(a)
	if err != nil {
		return nil, err
	}
	return azure.Unmarshal(raw)
}

func order(a, b any) {
	switch x := a.(type) {
	case object:
		y, _ := b.(object)
		for k := range x {
			order(x[k], y[k])
		}
	case []any:
		y, _ := b.([]any)
		rank := map[string]int{}
		for i, e := range y {
			if o, ok := e.(object); ok && text(o, "name") != "" {
				rank[strings.ToLower(text(o, "name"))] = i
			}
		}
		if len(rank) == 0 {
			return
		}
		at := func(e any) int {
			o, _ := e.(object)
			if i, ok := rank[strings.ToLower(text(o, "name"))]; ok {
				return i
			}
			return len(y)
		}
		slices.SortStableFunc(x, func(e, f any) int { return cmp.Compare(at(e), at(f)) })
		for _, e := range x {
			if i := at(e); i < len(y) {
				order(e, y[i])
			}
		}
	}
}

// recognised is the pattern of a design whose networks and circuits all carry Onramp's tags; empty for any other.
func recognised(d *design.Design) design.Pattern {
	hub, own, circuits := false, true, 0
	for _, r := range d.Resources {
		h := r.Head()
		switch r.(type) {
		case *azure.VirtualNetwork:
			if h.Tags[design.TagRole] == "" {
				return ""
			}
			hub = hub || h.Tags[design.TagRole] == "hub"
		case *azure.ExpressRouteCircuit:
			if h.Tags[design.TagRole] == "" {
				return ""
			}
			circuits++
			own = own && h.Tags[design.TagLineOfBusiness] != ""
		}
	}
	switch {
	case circuits == 0:
		return ""
	case own && hub:
		return design.IsolatedHubSpoke
	case own:
		return design.Isolated
	case hub:
		return design.SharedHubSpoke
	}
	return design.Shared
}

func noDefaults() []intent.Default { return []intent.Default{} }

// is compares a resource's type.
func is(o object, typ string) bool { return strings.EqualFold(text(o, "type"), typ) }

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

// objects are the objects of the list at a path.
func objects(o object, names ...string) []object {
	var out []object
	l, _ := find(o, names...).([]any)
	for _, e := range l {
		if x, ok := e.(object); ok {
			out = append(out, x)
		}
	}
	return out
}

// inner is the object of a name, made where there is none.
func inner(o object, name string) object {
	x, ok := o[name].(object)
	if !ok {
		x = object{}
		o[name] = x
	}
	return x
}

func copied(o object) object { c, _ := azure.Clone(o).(object); return c }

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
