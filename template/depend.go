package template

import (
	"fmt"
	"slices"
	"strings"
)

// symbols is the symbolic names of the resources.
func (in *instance) symbols() []string {
	var names []string
	for s := range in.bySymbol {
		names = append(names, s)
	}
	return ordered(names)
}

// known is what a resource may be called by in dependsOn and reference().
func (in *instance) known() []string {
	if in.t.symbolic() {
		return in.symbols()
	}
	var names []string
	for _, r := range in.resources {
		names = append(names, r.Name)
	}
	return names
}

func ordered(names []string) []string {
	names = slices.Clone(names)
	slices.Sort(names)
	return names
}

// target is the one resource that a symbolic name, a name or an identifier means; nil when there is none of that name.
func (in *instance) target(name string) (*Resource, error) {
	found, err := in.targets(name, false)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	if len(found) > 1 {
		return nil, fmt.Errorf("the symbolic name '%s' is of %d resources: one of them is '%s[0]'", name, len(found), name)
	}
	return found[0], nil
}

// targets is all that a name means: a symbolic name or, with loops, that of a copy may stand for several. nil for none.
func (in *instance) targets(name string, loops bool) ([]*Resource, error) {
	if strings.HasPrefix(name, "/") {
		if r := in.byID[fold(name)]; r != nil {
			return []*Resource{r}, nil
		}
		return nil, nil
	}
	if in.t.symbolic() {
		if found, ok := in.bySymbol[name]; ok {
			return found, nil
		}
	}
	key := strings.ToLower(strings.Trim(name, "/"))
	if loops {
		if found, ok := in.byName["copy:"+key]; ok {
			return found, nil
		}
	}
	found := in.byName[key]
	if len(found) > 1 {
		// What is not deployed is not meant while something of the name is.
		deployed := slices.DeleteFunc(slices.Clone(found), func(r *Resource) bool { return !r.Condition })
		if len(deployed) == 1 {
			return deployed, nil
		}
		if len(deployed) == 0 {
			return found[:1], nil
		}
		var ids []string
		for _, r := range found {
			ids = append(ids, r.Type)
		}
		return nil, fmt.Errorf("the name '%s' is not unique in the template, there are resources of it of the types '%s': use resourceId()", name, some(ids))
	}
	return found, nil
}

// depend reads a resource's dependsOn.
func (in *instance) depend(r *Resource) error {
	n := r.node.member("dependsOn")
	if n == nil {
		return nil
	}
	ev := &eval{in: in, loops: r.loops, path: slices.Clone(r.path)}
	v, err := ev.purely(n, "dependsOn", "what a resource depends on")
	if err != nil {
		return err
	}
	list, ok := v.([]any)
	if !ok {
		return ev.fail(n, codeInvalid, "dependsOn is expected to be an Array of names and identifiers, but is of type %s", typeName(v))
	}
	for i, e := range list {
		at := n
		if n.kind == arrayKind {
			at = n.elems[i]
		}
		ev.path = append(slices.Clone(r.path), fmt.Sprintf(".dependsOn[%d]", i))
		name, ok := e.(string)
		if !ok {
			return ev.fail(at, codeInvalid, "an element of dependsOn is expected to be a String, but is of type %s", typeName(e))
		}
		found, err := in.targets(name, true)
		if err != nil {
			return ev.fail(at, codeInvalid, "%s", err)
		}
		if found == nil {
			return ev.fail(at, codeInvalid, "the resource '%s' is not defined in the template%s", name, nearest(name, in.known()))
		}
		for _, o := range found {
			r.waits[o] = true
		}
	}
	return nil
}

// batches makes the resources of a serial copy wait for those of the batch before.
func (in *instance) batches() {
	groups := map[*node][]*Resource{}
	for _, r := range in.resources {
		if r.group != nil && r.Copy != nil && r.Copy.Serial {
			groups[r.group] = append(groups[r.group], r)
		}
	}
	for _, all := range groups {
		size := all[0].Copy.BatchSize
		for i, r := range all {
			batch := i / size
			for j := (batch - 1) * size; batch > 0 && j < batch*size; j++ {
				r.waits[all[j]] = true
			}
		}
	}
}

// settle makes DependsOn of what each resource waits for. What is not deployed is left out; what only exists passes on what it waits for.
func (in *instance) settle() {
	position := make(map[*Resource]int, len(in.resources))
	for i, r := range in.resources {
		position[r] = i
	}
	for _, r := range in.resources {
		if r.Existing || !r.Condition || len(r.waits) == 0 {
			continue
		}
		seen := map[*Resource]bool{}
		open := make([]*Resource, 0, len(r.waits))
		for o := range r.waits {
			open = append(open, o)
		}
		for len(open) > 0 {
			o := open[len(open)-1]
			open = open[:len(open)-1]
			if seen[o] || !o.Condition {
				continue
			}
			seen[o] = true
			if !o.Existing {
				r.waitsOn = append(r.waitsOn, o)
				continue
			}
			for p := range o.waits {
				open = append(open, p)
			}
		}
		slices.SortFunc(r.waitsOn, func(a, b *Resource) int { return position[a] - position[b] })
		for _, o := range r.waitsOn {
			r.DependsOn = append(r.DependsOn, o.ID)
		}
		slices.Sort(r.DependsOn)
		r.DependsOn = slices.Compact(r.DependsOn)
	}
}

// Order is the resources to deploy in steps: each step needs only earlier ones. Existing resources and those whose condition is false
// are not in it. A cycle is an *Error that names the resources on it.
func (i *Instance) Order() ([][]*Resource, error) {
	missing := map[*Resource]int{}
	followers := map[*Resource][]*Resource{}
	var step []*Resource
	left := 0
	for _, r := range i.Resources {
		if r.Existing || !r.Condition {
			continue
		}
		left++
		missing[r] = len(r.waitsOn)
		for _, o := range r.waitsOn {
			followers[o] = append(followers[o], r)
		}
		if len(r.waitsOn) == 0 {
			step = append(step, r)
		}
	}
	position := make(map[*Resource]int, len(i.Resources))
	for n, r := range i.Resources {
		position[r] = n
	}
	var steps [][]*Resource
	for len(step) > 0 {
		steps = append(steps, step)
		left -= len(step)
		var next []*Resource
		for _, r := range step {
			for _, f := range followers[r] {
				if missing[f]--; missing[f] == 0 {
					next = append(next, f)
				}
			}
		}
		slices.SortFunc(next, func(a, b *Resource) int { return position[a] - position[b] })
		step = next
	}
	if left > 0 {
		return nil, i.cycle(missing)
	}
	return steps, nil
}

// cycle names one of the cycles among the resources that wait for something still.
func (i *Instance) cycle(missing map[*Resource]int) error {
	var r *Resource
	for _, c := range i.Resources {
		if missing[c] > 0 {
			r = c
			break
		}
	}
	at := map[*Resource]int{}
	var walk []*Resource
	for {
		if n, ok := at[r]; ok {
			walk = walk[n:]
			break
		}
		at[r] = len(walk)
		walk = append(walk, r)
		for _, o := range r.waitsOn {
			if missing[o] > 0 {
				r = o
				break
			}
		}
	}
	var names []string
	for _, r := range append(walk, walk[0]) {
		names = append(names, fmt.Sprintf("%s (%s)", r.Name, r.Type))
	}
	first := walk[0]
	return i.in.t.fault(first.node, codeInvalid, first.Path, "circular dependency detected on resource '"+first.ID+"': "+
		strings.Join(names, " depends on "))
}
