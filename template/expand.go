package template

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// instance is a template with its scope and parameters, while it is expanded and after.
type instance struct {
	t      *Template
	limits Limits
	budget budget
	scope  Scope

	tenant, managementGroup, subscription, resourceGroup, deployment, deployer, environment any
	managementPath, subscriptionPath, groupPath                                             string

	parameters map[string]*parameterState
	values     map[string]any // variables, by lower-case name
	busy       map[string]bool

	resources []*Resource
	declared  bool // all resources are
	bySymbol  map[string][]*Resource
	byID      map[string]*Resource   // by folded identifier
	byName    map[string][]*Resource // by lower-case name, relative identifier and loop
}

// withDefaults fills in the limits that were left at zero.
func (o Limits) withDefaults() Limits {
	set := func(n *int, usual int) {
		if *n <= 0 {
			*n = usual
		}
	}
	set(&o.Resources, 800)
	set(&o.Copies, 800)
	set(&o.Parameters, 256)
	set(&o.Variables, 256)
	set(&o.Outputs, 64)
	set(&o.Depth, 256)
	set(&o.Steps, 5_000_000)
	set(&o.Size, 4<<20)
	return o
}

// Instantiate checks the parameters' values (see Parameters for how to read them from a request) and expands the template. Everything
// that can be known before the deployment is evaluated, the bodies and outputs too, so that their mistakes are found here. An instance
// may be used by several goroutines. Errors are *Error, but for a scope that lacks what its level needs, which is the caller's mistake.
func (t *Template) Instantiate(s Scope, parameters map[string]json.RawMessage, o Limits) (*Instance, error) {
	in := &instance{
		t: t, limits: o.withDefaults(), scope: s, values: map[string]any{}, busy: map[string]bool{},
		bySymbol: map[string][]*Resource{}, byID: map[string]*Resource{}, byName: map[string][]*Resource{},
	}
	in.budget = in.full()
	if err := in.place(); err != nil {
		return nil, err
	}
	if n := len(t.variables); n > in.limits.Variables {
		return nil, t.fault(t.root.member("variables"), codeInvalid, "variables", fmt.Sprintf("the template has %d variables; at most %d are allowed", n, in.limits.Variables))
	}
	if t.outputs != nil && len(t.outputs.members) > in.limits.Outputs {
		return nil, t.fault(t.outputs, codeInvalid, "outputs", fmt.Sprintf("the template has %d outputs; at most %d are allowed", len(t.outputs.members), in.limits.Outputs))
	}
	if err := in.readParameters(parameters); err != nil {
		return nil, err
	}
	if err := in.declare(t.resources, nil, "resources"); err != nil {
		return nil, err
	}
	in.declared = true
	for _, r := range in.resources {
		if err := in.evaluate(r); err != nil {
			return nil, err
		}
	}
	for _, r := range in.resources {
		if err := in.depend(r); err != nil {
			return nil, err
		}
	}
	in.batches()
	in.settle()
	answered, err := in.answered()
	if err != nil {
		return nil, err
	}
	i := &Instance{Resources: in.resources, Parameters: answered, in: in}
	if _, err := i.outputs(nil, true); err != nil {
		return nil, err
	}
	return i, nil
}

// full is what one evaluation may take.
func (in *instance) full() budget {
	return budget{steps: in.limits.Steps, all: in.limits.Steps, size: in.limits.Size}
}

// fork is the instance for one evaluation beside others: the values that it evaluates on the way are its own.
func (in *instance) fork() *instance {
	f := *in
	f.values = make(map[string]any, len(in.values))
	for k, v := range in.values {
		f.values[k] = v
	}
	f.busy = map[string]bool{}
	f.budget = f.full()
	return &f
}

// place reads the scope's objects.
func (in *instance) place() error {
	for _, s := range []struct {
		name string
		from any
		into *any
		path *string
		must bool
	}{
		{"Tenant", in.scope.Tenant, &in.tenant, nil, false},
		{"ManagementGroup", in.scope.ManagementGroup, &in.managementGroup, &in.managementPath, in.scope.Level == ManagementGroup},
		{"Subscription", in.scope.Subscription, &in.subscription, &in.subscriptionPath, in.scope.Level <= Subscription},
		{"ResourceGroup", in.scope.ResourceGroup, &in.resourceGroup, &in.groupPath, in.scope.Level == ResourceGroup},
		{"Deployment", in.scope.Deployment, &in.deployment, nil, false},
		{"Deployer", in.scope.Deployer, &in.deployer, nil, false},
		{"Environment", in.scope.Environment, &in.environment, nil, false},
	} {
		v, err := given(s.from)
		if err != nil {
			return fmt.Errorf("template: the scope's %s: %w", s.name, err)
		}
		*s.into = v
		if s.path == nil {
			continue
		}
		if o, ok := v.(*object); ok {
			id, _ := o.get("id")
			text, _ := id.(string)
			*s.path = strings.TrimSuffix(text, "/")
		}
		if s.must && *s.path == "" {
			return fmt.Errorf("template: the scope's %s has no id, which its level needs", s.name)
		}
	}
	return nil
}

// home is the identifier of what the template is deployed to.
func (in *instance) home() string {
	switch in.scope.Level {
	case ResourceGroup:
		return in.groupPath
	case Subscription:
		return in.subscriptionPath
	case ManagementGroup:
		return in.managementPath
	}
	return "/"
}

// declare makes the resources of a section, an array or with symbolic names an object; parent is what they are nested in.
func (in *instance) declare(section *node, parent *Resource, path string) error {
	switch section.kind {
	case arrayKind:
		for i, n := range section.elems {
			if err := in.declareOne(n, "", parent, path+"["+strconv.Itoa(i)+"]"); err != nil {
				return err
			}
		}
	case objectKind:
		for _, f := range section.members {
			if err := in.declareOne(f.value, f.name, parent, path+dot(f.name)); err != nil {
				return err
			}
		}
	default:
		return in.t.fault(section, codeInvalid, path, "resources are expected to be an Array")
	}
	return nil
}

func (in *instance) declareOne(n *node, symbol string, parent *Resource, path string) error {
	if n.kind != objectKind {
		return in.t.fault(n, codeInvalid, path, fmt.Sprintf("a resource is expected to be an Object, but is of type %s", typeName(literal(n))))
	}
	var loops []loop
	if parent != nil {
		loops = parent.loops
	}
	c := n.member("copy")
	if c == nil {
		r := &Resource{Symbol: symbol, loops: loops}
		if err := in.make(r, n, parent, path); err != nil {
			return err
		}
		if symbol != "" {
			in.bySymbol[symbol] = append(in.bySymbol[symbol], r)
		}
		return in.children(r)
	}
	if parent != nil {
		return in.t.fault(c, codeInvalid, path+".copy", "a nested resource cannot have a copy: write it beside its parent, with the whole type and name")
	}
	if c.kind != objectKind {
		return in.t.fault(c, codeInvalid, path+".copy", "the copy of a resource is expected to be an Object with name and count")
	}
	ev := &eval{in: in, path: []string{path, ".copy"}}
	name, err := ev.pureString(c.member("name"), "name", "the name of a copy")
	if err != nil {
		return err
	}
	if name == "" {
		return ev.fail(c, codeInvalid, "the copy has no name")
	}
	if same := in.byName["copy:"+strings.ToLower(name)]; same != nil && in.t.symbolic() {
		return ev.fail(c, codeInvalid, "the copy name '%s' stands twice: with languageVersion 2.0 each copy has its own", name)
	}
	count, err := ev.count(c)
	if err != nil {
		return err
	}
	mode, err := ev.pureString(c.member("mode"), "mode", "the mode of a copy")
	if err != nil {
		return err
	}
	serial := strings.EqualFold(mode, "serial")
	if mode != "" && !serial && !strings.EqualFold(mode, "parallel") {
		return ev.fail(c.member("mode"), codeInvalid, "the mode of a copy is Serial or Parallel, not '%s'", mode)
	}
	batch := 0
	if b := c.member("batchSize"); b != nil {
		v, err := ev.purely(b, "batchSize", "the batch size of a copy")
		if err != nil {
			return err
		}
		size, ok := v.(int64)
		if !ok || size < 1 || size > int64(in.limits.Copies) {
			return ev.fail(b, codeInvalid, "the batch size of a copy is an Integer from 1 to %d", in.limits.Copies)
		}
		batch = int(size)
	}
	if serial {
		batch = max(batch, 1)
	} else {
		batch = 0
	}
	for i := range count {
		r := &Resource{Symbol: symbol, loops: append(slices.Clip(loops), loop{name, i}), group: c}
		r.Copy = &Copy{Name: name, Index: i, Serial: serial, BatchSize: batch}
		if symbol != "" {
			r.Symbol = symbol + "[" + strconv.Itoa(i) + "]"
		}
		if err := in.make(r, n, nil, path); err != nil {
			return err
		}
		if symbol != "" {
			in.bySymbol[r.Symbol] = []*Resource{r}
			in.bySymbol[symbol] = append(in.bySymbol[symbol], r)
		}
		in.byName["copy:"+strings.ToLower(name)] = append(in.byName["copy:"+strings.ToLower(name)], r)
		if err := in.children(r); err != nil {
			return err
		}
	}
	if symbol != "" && count == 0 {
		in.bySymbol[symbol] = []*Resource{}
	}
	if count == 0 {
		if key := "copy:" + strings.ToLower(name); in.byName[key] == nil {
			in.byName[key] = []*Resource{}
		}
	}
	return nil
}

// children declares the resources nested in r.
func (in *instance) children(r *Resource) error {
	if n := r.node.member("resources"); n != nil {
		return in.declare(n, r, r.Path+".resources")
	}
	return nil
}

// isDeployment tells a nested deployment.
func isDeployment(typ string) bool { return strings.EqualFold(typ, "Microsoft.Resources/deployments") }

// make evaluates what a resource is: its type, name, place and condition.
func (in *instance) make(r *Resource, n *node, parent *Resource, path string) error {
	t := in.t
	if len(in.resources) >= in.limits.Resources {
		return t.fault(n, codeInvalid, path, fmt.Sprintf("the template has more than %d resources with its copies, the limit", in.limits.Resources))
	}
	r.in, r.node, r.Path, r.path = in, n, path, []string{path}
	r.Line, r.Column = t.place(n.pos)
	ev := &eval{in: in, loops: r.loops, path: []string{path}}
	r.Condition = true
	if c := n.member("condition"); c != nil {
		v, err := ev.purely(c, "condition", "the condition of a resource")
		if err != nil {
			return err
		}
		b, ok := v.(bool)
		if !ok {
			return ev.fail(c, codeInvalid, "the condition of a resource is expected to be a Boolean, but is of type %s", typeName(v))
		}
		r.Condition = b
	}
	if e := n.member("existing"); e != nil && e.kind == boolKind && e.bool {
		if !t.symbolic() {
			return ev.fail(e, codeInvalid, "existing resources take languageVersion 2.0")
		}
		r.Existing = true
	}
	var err error
	text := func(name, what string) string {
		if err != nil {
			return ""
		}
		var s string
		s, err = ev.pureString(n.member(name), name, what)
		return s
	}
	typ, name := text("type", "the type of a resource"), text("name", "the name of a resource")
	r.APIVersion = text("apiVersion", "the API version of a resource")
	r.Location = text("location", "the location of a resource")
	scope, sub, group := text("scope", "the scope of a resource"), "", ""
	if isDeployment(typ) || r.Existing {
		sub, group = text("subscriptionId", "the subscription of a resource"), text("resourceGroup", "the resource group of a resource")
	}
	if err != nil {
		return err
	}
	for _, m := range []struct{ name, value string }{{"type", typ}, {"name", name}} {
		if m.value == "" {
			return ev.fail(n, codeInvalid, "the resource has no %s, which is required", m.name)
		}
	}
	if r.APIVersion == "" && t.root.member("apiProfile") == nil {
		return ev.fail(n, codeInvalid, "the resource '%s' of type '%s' has no apiVersion, which is required", name, typ)
	}
	if parent != nil {
		typ, name = parent.Type+"/"+typ, parent.Name+"/"+name
	}
	r.Type, r.Name = typ, name
	types, names := strings.Count(typ, "/"), strings.Count(name, "/")+1
	if types != names || types < 1 || strings.Contains("/"+typ+"/", "//") || strings.Contains("/"+name+"/", "//") {
		return ev.fail(n, codeInvalid, "the template resource '%s' for type '%s' has incorrect segment lengths. A nested resource type must have "+
			"identical number of segments as its resource name. A root resource type must have segment length one greater than its resource name", name, typ)
	}
	switch {
	case parent != nil:
		r.Scope = parent.Scope
	case n.member("scope") != nil && scope != "":
		r.Scope = in.scopeID(scope)
	case sub != "" || group != "":
		if sub == "" {
			sub = strings.TrimPrefix(in.subscriptionPath, "/subscriptions/")
		}
		r.Scope = "/subscriptions/" + sub
		if group != "" {
			r.Scope += "/resourceGroups/" + group
		}
	default:
		r.Scope = in.home()
	}
	r.ID = identifier(r.Scope, typ, name)
	key := fold(r.ID)
	// A resource may stand twice when only one of the two is deployed, or one only refers to it.
	if old := in.byID[key]; old != nil && old.Condition && r.Condition && !old.Existing && !r.Existing {
		line, column := t.place(old.node.pos)
		return ev.fail(n, codeInvalid, "the resource '%s' at line '%d' and column '%d' is defined multiple times in a template", old.ID, line, column)
	} else if old == nil || !old.Condition || old.Existing && !r.Existing {
		in.byID[key] = r
	}
	in.resources = append(in.resources, r)
	for _, k := range []string{strings.ToLower(name), strings.ToLower(typ + "/" + name)} {
		in.byName[k] = append(in.byName[k], r)
	}
	if relative := relativeID(r.ID); types > 1 && relative != "" {
		in.byName[relative] = append(in.byName[relative], r)
	}
	return nil
}

// relativeID is an identifier from its last provider on, folded.
func relativeID(id string) string {
	i := strings.LastIndex(id, "/providers/")
	if i < 0 {
		return ""
	}
	return strings.ToLower(id[i+len("/providers/"):])
}

// fold makes identifiers comparable: case, and the two forms of a resource group's.
func fold(id string) string {
	id = strings.ToLower(strings.TrimSuffix(id, "/"))
	return strings.ReplaceAll(id, "/providers/microsoft.resources/resourcegroups/", "/resourcegroups/")
}

// scopeID is the identifier that a resource's scope names: the tenant, a whole identifier, or one in the deployment's own scope.
func (in *instance) scopeID(scope string) string {
	switch {
	case scope == "/":
		return "/"
	case strings.HasPrefix(scope, "/"):
		return strings.TrimSuffix(scope, "/")
	case len(scope) > 21 && strings.EqualFold(scope[:21], "Microsoft.Management/"):
		return "/providers/" + scope
	}
	return strings.TrimSuffix(in.home(), "/") + "/providers/" + strings.TrimSuffix(scope, "/")
}
