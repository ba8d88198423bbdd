package template

import (
	"errors"
	"fmt"
	"strings"
)

// scopeFunctions answer from the template and from where it is deployed.
func scopeFunctions() []function {
	of := func(name, missing string, get func(*instance) any) function {
		return function{name: name, lazy: func(ev *eval, _ *expr) (any, error) {
			if v := get(ev.in); v != nil {
				return v, nil
			}
			return nil, errors.New(missing)
		}}
	}
	ids := func(name string, f func(in *instance, args []string) (string, error), low int) function {
		return function{name: name, low: low, high: many, eager: func(c *call) any {
			args := c.strings()
			if c.err != nil {
				return nil
			}
			id, err := f(c.ev.in, args)
			if err != nil {
				return c.fail("%w", err)
			}
			return c.text(id)
		}}
	}
	return []function{
		{name: "parameters", low: 1, high: 1, lazy: parametersFunction},
		{name: "variables", low: 1, high: 1, lazy: variablesFunction},
		{name: "copyIndex", high: 2, eager: copyIndex},
		of("deployment", "it has no answer here", func(in *instance) any { return in.deployment }),
		of("deployer", "it has no answer here", func(in *instance) any { return in.deployer }),
		of("environment", "it has no answer here", func(in *instance) any { return in.environment }),
		of("tenant", "it has no answer here", func(in *instance) any { return in.tenant }),
		of("managementGroup", "it is not expected at this location: the deployment is not to a management group",
			func(in *instance) any { return in.managementGroup }),
		of("subscription", "it is not expected at this location: the deployment is to no subscription", func(in *instance) any {
			if in.scope.Level > Subscription {
				return nil
			}
			return in.subscription
		}),
		of("resourceGroup", "it is not expected at this location: the deployment is to no resource group", func(in *instance) any {
			if in.scope.Level != ResourceGroup {
				return nil
			}
			return in.resourceGroup
		}),
		{name: "providers", low: 1, high: 2, eager: func(c *call) any {
			args := append(c.strings(), "")
			if c.err != nil {
				return nil
			}
			if c.ev.in.scope.Providers == nil {
				return c.fail("there is no list of resource providers here")
			}
			v, err := given(c.ev.in.scope.Providers(args[0], args[1]))
			if err != nil || v == nil {
				return c.fail("the resource provider %s with the type %s is not known", quote(args[0]), quote(args[1]))
			}
			return v
		}},
		{name: "pickZones", low: 3, high: 5, eager: func(c *call) any {
			return c.fail("it is not supported: the zones that a type of resource may use in a region are not among the published facts")
		}},
		ids("resourceId", (*instance).resourceID, 2),
		ids("subscriptionResourceId", (*instance).subscriptionResourceID, 2),
		ids("tenantResourceId", func(_ *instance, args []string) (string, error) { return typedID("", args) }, 2),
		ids("managementGroupResourceId", (*instance).managementGroupResourceID, 2),
		ids("extensionResourceId", func(_ *instance, args []string) (string, error) {
			return typedID(strings.TrimSuffix(args[0], "/"), args[1:])
		}, 3),
	}
}

// named evaluates the one argument of parameters and variables.
func (ev *eval) named(e *expr) (string, error) {
	v, err := ev.expr(e.args[0])
	if err != nil {
		return "", err
	}
	s, ok := v.(string)
	if !ok {
		return "", fmt.Errorf("argument 1 is expected to be a String, but is of type %s", typeName(v))
	}
	return s, nil
}

func parametersFunction(ev *eval, e *expr) (any, error) {
	name, err := ev.named(e)
	if err != nil {
		return nil, err
	}
	if ev.call != nil {
		if v, ok := ev.call.get(name); ok {
			return v, nil
		}
		return nil, fmt.Errorf("the function has no parameter '%s'%s; a user-defined function can use its own only", name, nearest(name, ev.call.names()))
	}
	return ev.in.parameter(ev, name)
}

func variablesFunction(ev *eval, e *expr) (any, error) {
	name, err := ev.named(e)
	if err != nil {
		return nil, err
	}
	if ev.call != nil {
		return nil, errors.New("a user-defined function cannot use variables")
	}
	if ev.defaults {
		return nil, errors.New("it is not expected at this location: a parameter's default value cannot use variables")
	}
	return ev.in.variable(ev, name)
}

// copyIndex is the round of the innermost copy, or of the one that is named, with an offset added.
func copyIndex(c *call) any {
	name, offset := "", int64(0)
	switch len(c.args) {
	case 1:
		switch a := c.args[0].(type) {
		case string:
			name = a
		case int64:
			offset = a
		default:
			c.wrong(0, "the name of a copy or an offset")
			return nil
		}
	case 2:
		name, offset = c.str(0), c.int(1)
	}
	if c.err != nil {
		return nil
	}
	loops := c.ev.loops
	for i := len(loops) - 1; i >= 0; i-- {
		if name == "" || strings.EqualFold(loops[i].name, name) {
			return int64(loops[i].index) + offset
		}
	}
	if name == "" || len(loops) == 0 {
		hint := ""
		if c.ev.outer {
			hint = "; in a nested template with the outer scope it is the parent's to evaluate: give it the inner scope"
		}
		return c.fail("it is not expected at this location: it can only be used in a resource, property, variable or output with a copy%s", hint)
	}
	var names []string
	for _, l := range loops {
		names = append(names, l.name)
	}
	return c.fail("there is no copy '%s' around this place; there is '%s'", name, some(names))
}

// typedID is scope/providers/namespace/type/name/type/name from a type and its names.
func typedID(scope string, args []string) (string, error) {
	typ, names := strings.Trim(args[0], "/"), args[1:]
	parts := strings.Split(typ, "/")
	if len(parts) < 2 {
		return "", fmt.Errorf("%s is no type of a resource: namespace/type", quote(args[0]))
	}
	if len(parts)-1 != len(names) {
		return "", fmt.Errorf("the type '%s' requires %s, not %d", typ, countOf(len(parts)-1, len(parts)-1, "resource name"), len(names))
	}
	return identifier(scope, typ, strings.Join(names, "/")), nil
}

// identifier is a resource's identifier; the type and the name have matching segments. Resource groups have a form of their own.
func identifier(scope, typ, name string) string {
	scope = strings.TrimSuffix(scope, "/")
	if strings.EqualFold(typ, "Microsoft.Resources/resourceGroups") && strings.Count(scope, "/") == 2 {
		return scope + "/resourceGroups/" + name
	}
	types, names := strings.Split(typ, "/"), strings.Split(name, "/")
	var b strings.Builder
	b.WriteString(scope + "/providers/" + types[0])
	for i, t := range types[1:] {
		b.WriteString("/" + t)
		if i < len(names) {
			b.WriteString("/" + names[i])
		}
	}
	return b.String()
}

// lead splits the arguments of resourceId and its kin: what stands before the type, the first with a slash.
func lead(args []string, most int) (before, rest []string, err error) {
	for i, a := range args {
		if strings.Contains(a, "/") {
			if i > most {
				break
			}
			if i == len(args)-1 {
				return nil, nil, fmt.Errorf("the type '%s' is not followed by the name of a resource", a)
			}
			return args[:i], args[i:], nil
		}
	}
	return nil, nil, fmt.Errorf("none of the first %d arguments is the type of a resource: namespace/type", min(most+1, len(args)))
}

func (in *instance) resourceID(args []string) (string, error) {
	switch in.scope.Level {
	case ManagementGroup:
		return in.managementGroupResourceID(args)
	case Tenant:
		return typedID("", args)
	case Subscription:
		before, rest, err := lead(args, 2)
		if err != nil {
			return "", err
		}
		switch len(before) {
		case 1:
			return typedID("/subscriptions/"+before[0], rest)
		case 2:
			return typedID("/subscriptions/"+before[0]+"/resourceGroups/"+before[1], rest)
		}
		return typedID(in.subscriptionPath, rest)
	}
	before, rest, err := lead(args, 2)
	if err != nil {
		return "", err
	}
	switch len(before) {
	case 1:
		return typedID(in.subscriptionPath+"/resourceGroups/"+before[0], rest)
	case 2:
		return typedID("/subscriptions/"+before[0]+"/resourceGroups/"+before[1], rest)
	}
	return typedID(in.groupPath, rest)
}

func (in *instance) subscriptionResourceID(args []string) (string, error) {
	before, rest, err := lead(args, 1)
	if err != nil {
		return "", err
	}
	if len(before) == 1 {
		return typedID("/subscriptions/"+before[0], rest)
	}
	if in.subscriptionPath == "" {
		return "", errors.New("the deployment is to no subscription: argument 1 has to be one's GUID")
	}
	return typedID(in.subscriptionPath, rest)
}

func (in *instance) managementGroupResourceID(args []string) (string, error) {
	before, rest, err := lead(args, 1)
	if err != nil {
		return "", err
	}
	if len(before) == 1 {
		return typedID("/providers/Microsoft.Management/managementGroups/"+before[0], rest)
	}
	if in.managementPath == "" {
		return "", errors.New("the deployment is to no management group: argument 1 has to be one's name")
	}
	return typedID(in.managementPath, rest)
}
