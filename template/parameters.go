package template

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Parameters reads a parameters object, as a deployment's properties.parameters or a parameter file ({"$schema":..., "parameters":
// {...}}) has it: {"name": {"value": ...}}. A reference to a key vault is an error that names the parameter.
func Parameters(b []byte) (map[string]json.RawMessage, error) {
	t := &Template{}
	t.carry(b)
	if len(bytes.TrimSpace(b)) == 0 {
		return nil, nil
	}
	n, err := readJSON(b, true)
	if err != nil {
		var s *syntaxError
		if errors.As(err, &s) {
			return nil, t.faultAt(s.pos, "parameters", s.message)
		}
		return nil, err
	}
	if n.kind == objectKind && n.member("$schema") != nil && n.member("parameters") != nil {
		n = n.member("parameters")
	}
	switch n.kind {
	case nullKind:
		return nil, nil
	case objectKind:
	default:
		return nil, t.fault(n, codeInvalid, "parameters", "parameters are expected to be an Object: {\"name\": {\"value\": ...}}")
	}
	values := map[string]json.RawMessage{}
	for _, f := range n.members {
		path := "parameters" + dot(f.name)
		v := f.value.member("value")
		if f.value.kind == objectKind && v == nil && f.value.member("reference") != nil {
			return nil, t.fault(f.value, codeInvalid, path, fmt.Sprintf("the parameter '%s' refers to a key vault, which cannot be asked here: give its value", f.name))
		}
		if f.value.kind != objectKind || v == nil {
			return nil, t.fault(f.value, codeInvalid, path, fmt.Sprintf("the parameter '%s' is expected to be an object with a value: {\"value\": ...}", f.name))
		}
		all := budget{steps: len(b) + 1, all: len(b) + 1, size: 6*len(b) + 64}
		out, err := all.append(nil, literal(v))
		if err != nil {
			return nil, err
		}
		values[f.name] = out
	}
	return values, nil
}

// parameterState is a parameter's value while the instance is made.
type parameterState struct {
	declared
	given json.RawMessage // nil when not given
	value any
	done  bool
	busy  bool
}

// readParameters checks what was given and evaluates the defaults.
func (in *instance) readParameters(given map[string]json.RawMessage) error {
	t := in.t
	if len(t.parameters) > in.limits.Parameters {
		return t.fault(t.root.member("parameters"), codeInvalid, "parameters", fmt.Sprintf("the template has %d parameters; at most %d are allowed",
			len(t.parameters), in.limits.Parameters))
	}
	in.parameters = make(map[string]*parameterState, len(t.parameters))
	var names []string
	for _, d := range t.parameters {
		in.parameters[strings.ToLower(d.name)] = &parameterState{declared: d}
		names = append(names, d.name)
	}
	var strange []string
	for name, v := range given {
		p := in.parameters[strings.ToLower(name)]
		switch {
		case p == nil:
			strange = append(strange, name)
		case p.given != nil:
			return t.fault(nil, codeInvalid, "parameters."+name, fmt.Sprintf("the parameter '%s' is given twice: names do not tell cases apart", p.name))
		default:
			if v == nil {
				v = json.RawMessage("null")
			}
			p.given = v
		}
	}
	if len(strange) > 0 {
		strange = ordered(strange)
		hint := ""
		if len(strange) == 1 {
			hint = nearest(strange[0], names)
		}
		return t.fault(nil, codeInvalid, "", fmt.Sprintf("the template parameters '%s' in the parameters file are not valid; they are not present "+
			"in the original template and can therefore not be provided at deployment time. The only supported parameters for this template are '%s'%s",
			some(strange), some(names), hint))
	}
	for _, d := range t.parameters {
		ev := &eval{in: in}
		if _, err := in.parameter(ev, d.name); err != nil {
			var placed *Error
			if errors.As(err, &placed) {
				return err
			}
			return t.fault(d.def, codeInvalid, "parameters"+dot(d.name), err.Error())
		}
	}
	return nil
}

// parameter is a parameter's value; ev is who asks for it.
func (in *instance) parameter(ev *eval, name string) (any, error) {
	p := in.parameters[strings.ToLower(name)]
	if p == nil {
		var names []string
		for _, d := range in.t.parameters {
			names = append(names, d.name)
		}
		return nil, fmt.Errorf("the template parameter '%s' is not found%s", name, nearest(name, names))
	}
	if p.done {
		return p.value, nil
	}
	path := "parameters" + dot(p.name)
	if p.busy {
		return nil, fmt.Errorf("the default value of the parameter '%s' depends on itself", p.name)
	}
	p.busy = true
	defer func() { p.busy = false }()
	def := p.def.member("defaultValue")
	switch {
	case p.given != nil:
		v, err := decode(p.given)
		if err != nil {
			return nil, in.t.fault(nil, codeInvalid, path, "the value is no JSON: "+err.Error())
		}
		if err := in.conforms(p.def, v, fmt.Sprintf("the value of the template parameter '%s'", p.name)); err != nil {
			return nil, in.t.fault(p.def, codeInvalid, path, err.Error())
		}
		p.value = v
	case def != nil:
		inner := &eval{in: in, pure: "a parameter's default value", defaults: true, depth: ev.depth, path: []string{path, ".defaultValue"}}
		v, err := inner.node(def)
		if err != nil {
			return nil, err
		}
		if err := in.conforms(p.def, v, fmt.Sprintf("the default value of the template parameter '%s'", p.name)); err != nil {
			return nil, in.t.fault(def, codeInvalid, path+".defaultValue", err.Error())
		}
		p.value = v
	case in.nullable(p.def):
	default:
		return nil, in.t.fault(p.def, codeInvalid, path, fmt.Sprintf("the value for the template parameter '%s' is not provided, and it has no default", p.name))
	}
	p.done = true
	return p.value, nil
}

// variable is a variable's value, evaluated when it is first asked for.
func (in *instance) variable(ev *eval, name string) (any, error) {
	key := strings.ToLower(name)
	if v, ok := in.values[key]; ok {
		return v, nil
	}
	v, ok := in.t.variables[key]
	if !ok {
		var names []string
		for _, v := range in.t.variables {
			names = append(names, v.name)
		}
		return nil, fmt.Errorf("the template variable '%s' is not found%s", name, nearest(name, names))
	}
	if in.busy[key] {
		return nil, fmt.Errorf("the variable '%s' depends on itself", v.name)
	}
	in.busy[key] = true
	inner := &eval{in: in, pure: "a variable", depth: ev.depth + 1, path: []string{v.path}}
	var value any
	var err error
	if v.copy != nil {
		value, err = inner.iterate(v.copy, v.name)
	} else {
		if inner.depth > in.limits.Depth {
			return nil, fmt.Errorf("variables refer to one another more than %d deep, the limit", in.limits.Depth)
		}
		value, err = inner.node(v.value)
	}
	delete(in.busy, key)
	if err != nil {
		return nil, err
	}
	in.values[key] = value
	return value, nil
}

// typed is a definition with its $ref followed: the definitions in turn, all of which a value has to meet.
func (in *instance) typed(def *node) ([]*node, error) {
	chain := []*node{def}
	for {
		ref := def.member("$ref")
		if ref == nil {
			return chain, nil
		}
		name, ok := strings.CutPrefix(ref.str, "#/definitions/")
		if ref.kind != stringKind || !ok {
			return nil, fmt.Errorf("the $ref %s is expected to be #/definitions/ and a name", quote(ref.str))
		}
		if !in.t.symbolic() {
			return nil, errors.New("$ref takes languageVersion 2.0")
		}
		name = strings.NewReplacer("~1", "/", "~0", "~").Replace(name)
		if def = in.t.types.member(name); def == nil {
			var names []string
			if in.t.types != nil {
				for _, f := range in.t.types.members {
					names = append(names, f.name)
				}
			}
			return nil, fmt.Errorf("the type definition '%s' is not found%s", name, nearest(name, names))
		}
		if chain = append(chain, def); len(chain) > 64 {
			return nil, fmt.Errorf("the type definition '%s' refers to itself", name)
		}
	}
}

func (in *instance) nullable(def *node) bool {
	chain, err := in.typed(def)
	if err != nil {
		return false
	}
	for _, d := range chain {
		if n := d.member("nullable"); n != nil && n.kind == boolKind && n.bool {
			return true
		}
	}
	return false
}

// typeOf is a definition's type, as Azure writes it in answers: String, SecureString, Int, Bool, Object, SecureObject, Array.
func (in *instance) typeOf(def *node) (string, error) {
	chain, err := in.typed(def)
	if err != nil {
		return "", err
	}
	for _, d := range chain {
		n := d.member("type")
		if n == nil {
			continue
		}
		for _, name := range []string{"String", "SecureString", "Int", "Bool", "Object", "SecureObject", "Array"} {
			if n.kind == stringKind && strings.EqualFold(n.str, name) {
				return name, nil
			}
		}
		return "", fmt.Errorf("the type %s is not known; string, securestring, int, bool, object, secureObject and array are", quote(n.str))
	}
	return "", errors.New("there is no type")
}

// conforms checks a value against a definition. what names the value in the error.
func (in *instance) conforms(def *node, v any, what string) error {
	return in.check(def, v, what, 0)
}

func (in *instance) check(def *node, v any, what string, depth int) error {
	if err := in.budget.charge(1); err != nil {
		return err
	}
	if depth > maxNesting {
		return fmt.Errorf("%s is nested too deep", what)
	}
	if def.kind != objectKind {
		return fmt.Errorf("%s: its type definition is expected to be an Object", what)
	}
	chain, err := in.typed(def)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if v == nil && in.nullable(def) {
		return nil
	}
	name, err := in.typeOf(def)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	want := map[string]string{"Int": "Integer", "Bool": "Boolean", "SecureString": "String", "SecureObject": "Object"}[name]
	if want == "" {
		want = name
	}
	if got := typeName(v); got != want {
		return fmt.Errorf("%s is not valid: expected a value of type '%s', but received a value of type '%s'", what, want, got)
	}
	for _, d := range chain {
		if err := in.meets(d, v, what, depth); err != nil {
			return err
		}
	}
	return nil
}

// meets checks a value, whose type is right, against the constraints of one definition.
func (in *instance) meets(d *node, v any, what string, depth int) error {
	if allowed := d.member("allowedValues"); allowed != nil {
		ok, err := in.allowed(allowed, v)
		if err != nil {
			return err
		}
		if !ok {
			list, _ := (&budget{steps: 1 << 16, size: 1 << 16}).append(nil, literal(allowed))
			return fmt.Errorf("%s is not valid: the value is not part of the allowed value(s): %s", what, list)
		}
	}
	bound := func(name string) (int64, bool) {
		n := d.member(name)
		if n == nil || n.kind != intKind {
			return 0, false
		}
		return n.int, true
	}
	switch v := v.(type) {
	case int64:
		if low, ok := bound("minValue"); ok && v < low {
			return fmt.Errorf("%s is not valid: %d is less than the minimum value %d", what, v, low)
		}
		if high, ok := bound("maxValue"); ok && v > high {
			return fmt.Errorf("%s is not valid: %d is greater than the maximum value %d", what, v, high)
		}
	case string:
		return in.length(bound, int64(units(v)), what, "characters")
	case []any:
		if err := in.length(bound, int64(len(v)), what, "elements"); err != nil {
			return err
		}
		return in.elements(d, v, what, depth)
	case *object:
		return in.properties(d, v, what, depth)
	}
	return nil
}

func (in *instance) length(bound func(string) (int64, bool), n int64, what, of string) error {
	if low, ok := bound("minLength"); ok && n < low {
		return fmt.Errorf("%s is not valid: it has %d %s, less than the minimum length %d", what, n, of, low)
	}
	if high, ok := bound("maxLength"); ok && n > high {
		return fmt.Errorf("%s is not valid: it has %d %s, more than the maximum length %d", what, n, of, high)
	}
	return nil
}

// allowed tells whether a value is one of the allowed ones; an array also when all its elements are. Strings may differ in case
// (assumed: Azure documents neither way).
func (in *instance) allowed(allowed *node, v any) (bool, error) {
	one := func(v any) (bool, error) {
		for _, e := range allowed.elems {
			if s, ok := v.(string); ok && e.kind == stringKind {
				if strings.EqualFold(s, plainString(e.str)) {
					return true, nil
				}
				continue
			}
			if same, err := in.budget.equal(v, literal(e)); same || err != nil {
				return same, err
			}
		}
		return false, nil
	}
	ok, err := one(v)
	a, array := v.([]any)
	if ok || err != nil || !array {
		return ok, err
	}
	for _, e := range a {
		if ok, err := one(e); !ok || err != nil {
			return false, err
		}
	}
	return true, nil
}

// elements checks an array against prefixItems and items.
func (in *instance) elements(d *node, a []any, what string, depth int) error {
	first := 0
	if p := d.member("prefixItems"); p != nil && p.kind == arrayKind {
		first = len(p.elems)
		for i, e := range p.elems {
			if i >= len(a) {
				if in.nullable(e) {
					continue
				}
				return fmt.Errorf("%s is not valid: it has %d elements, and at least %d are expected", what, len(a), first)
			}
			if err := in.check(e, a[i], fmt.Sprintf("%s, element %d,", what, i), depth+1); err != nil {
				return err
			}
		}
	}
	items := d.member("items")
	switch {
	case items == nil || items.kind == boolKind && items.bool:
	case items.kind == boolKind:
		if len(a) > first {
			return fmt.Errorf("%s is not valid: it has %d elements, and exactly %d are expected", what, len(a), first)
		}
	default:
		for i := first; i < len(a); i++ {
			if err := in.check(items, a[i], fmt.Sprintf("%s, element %d,", what, i), depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

// properties checks an object against properties, additionalProperties and discriminator.
func (in *instance) properties(d *node, o *object, what string, depth int) error {
	props := d.member("properties")
	var names []string
	if props != nil {
		for _, f := range props.members {
			names = append(names, f.name)
			v, ok := o.get(f.name)
			if !ok {
				if in.nullable(f.value) {
					continue
				}
				return fmt.Errorf("%s is not valid: the required property '%s' is missing", what, f.name)
			}
			if err := in.check(f.value, v, fmt.Sprintf("%s, property '%s',", what, f.name), depth+1); err != nil {
				return err
			}
		}
	}
	disc := d.member("discriminator")
	tag := disc.member("propertyName")
	more := d.member("additionalProperties")
	for _, m := range o.members {
		if more == nil || props.member(m.name) != nil || tag != nil && strings.EqualFold(tag.str, m.name) {
			continue
		}
		if more.kind == boolKind {
			if !more.bool {
				return fmt.Errorf("%s is not valid: it may not have a property '%s'%s", what, m.name, nearest(m.name, names))
			}
			continue
		}
		if err := in.check(more, m.value, fmt.Sprintf("%s, property '%s',", what, m.name), depth+1); err != nil {
			return err
		}
	}
	if disc == nil {
		return nil
	}
	mapping := disc.member("mapping")
	if tag == nil || tag.kind != stringKind || mapping == nil || mapping.kind != objectKind {
		return fmt.Errorf("%s: a discriminator has a propertyName and a mapping", what)
	}
	v, _ := o.get(tag.str)
	s, ok := v.(string)
	if !ok {
		return fmt.Errorf("%s is not valid: the property '%s', which tells its kind, is expected to be a String", what, tag.str)
	}
	var kinds []string
	for _, f := range mapping.members {
		if f.name == s {
			// The tag itself is no additional property of the kind.
			rest := &object{}
			declared := in.declares(f.value, tag.str)
			for _, m := range o.members {
				if declared || !strings.EqualFold(m.name, tag.str) {
					rest.add(m.name, m.value)
				}
			}
			return in.check(f.value, rest, what, depth+1)
		}
		kinds = append(kinds, f.name)
	}
	return fmt.Errorf("%s is not valid: the property '%s' is %s, and one of '%s' is expected", what, tag.str, quote(s), some(kinds))
}

// declares tells whether a definition has a property of a name.
func (in *instance) declares(def *node, name string) bool {
	chain, err := in.typed(def)
	if err != nil {
		return false
	}
	for _, d := range chain {
		if d.member("properties").member(name) != nil {
			return true
		}
	}
	return false
}

// answered is the parameters as a deployment answers them.
func (in *instance) answered() (json.RawMessage, error) {
	o := &object{}
	for _, d := range in.t.parameters {
		name, err := in.typeOf(d.def)
		if err != nil {
			return nil, in.t.fault(d.def, codeInvalid, "parameters"+dot(d.name), err.Error())
		}
		p := &object{}
		p.add("type", name)
		if !strings.HasPrefix(name, "Secure") {
			p.add("value", in.parameters[strings.ToLower(d.name)].value)
		}
		o.set(d.name, p)
	}
	b, err := in.budget.append(nil, o)
	if err != nil {
		return nil, in.t.fault(nil, codeInvalid, "parameters", err.Error())
	}
	return b, nil
}
