package template

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// eval evaluates expressions of one instance: it knows what they may refer to at the place they stand in.
type eval struct {
	in *instance
	// pure says why the functions of a running deployment are not expected here ("the name of a resource"); empty where they are.
	pure string
	// defaults is set while a parameter's default is evaluated: only there utcNow and newGuid have a meaning.
	defaults bool
	// env answers those functions; nil while the template is expanded, where their answers are unknown.
	env Runtime
	// met is set once something unknown came up.
	met bool
	// needs is called with each resource that a call by name or symbol waits for.
	needs func(*Resource)
	// loops are the copies that the place is in, the innermost last.
	loops []loop
	// locals are the lambda variables, the innermost last.
	locals []member
	// call is the user-defined function that is being evaluated, with its arguments.
	call  *object
	depth int

	path  []string
	outer bool  // inside a nested template that the parent evaluates: what comes out is read as a template again
	at    *node // the string whose expression is evaluated
}

// loop is one round of a copy.
type loop struct {
	name  string
	index int
}

func (ev *eval) budget() *budget { return &ev.in.budget }

// fail is an error at a node's place.
func (ev *eval) fail(n *node, code, format string, args ...any) error {
	return ev.in.t.fault(n, code, strings.Join(ev.path, ""), fmt.Sprintf(format, args...))
}

// failIn is an error at a place in a node's expression.
func (ev *eval) failIn(pos int, message string) *Error {
	return ev.in.t.faultIn(ev.at, pos, strings.Join(ev.path, ""), message)
}

func (ev *eval) push(format string, arg any) { ev.path = append(ev.path, fmt.Sprintf(format, arg)) }

// enter adds a step to the path.
func (ev *eval) enter(step string) { ev.path = append(ev.path, step) }
func (ev *eval) leave()            { ev.path = ev.path[:len(ev.path)-1] }

// dot is a path's step to a member.
func dot(name string) string {
	for i := range len(name) {
		if !letter(name[i]) && !digit(name[i]) && name[i] != '-' && name[i] != '$' {
			return "['" + name + "']"
		}
	}
	return "." + name
}

// bounds gives errors of the budget a place.
func (ev *eval) bounds(n *node, err error) error {
	var over errBudget
	if errors.As(err, &over) {
		return ev.fail(n, codeInvalid, "%s", over)
	}
	return err
}

// node evaluates a value of the template.
func (ev *eval) node(n *node) (any, error) {
	if err := ev.budget().charge(1); err != nil {
		return nil, ev.bounds(n, err)
	}
	switch n.kind {
	case stringKind:
		return ev.text(n)
	case arrayKind:
		a := make([]any, len(n.elems))
		for i, e := range n.elems {
			ev.enter("[" + strconv.Itoa(i) + "]")
			v, err := ev.node(e)
			if err != nil {
				return nil, err
			}
			ev.leave()
			a[i] = v
		}
		return a, nil
	case objectKind:
		return ev.object(n, nil)
	}
	return literal(n), nil
}

// text evaluates a string.
func (ev *eval) text(n *node) (any, error) {
	if n.expr == nil {
		if ev.outer {
			return n.str, nil // the child takes the escape away
		}
		return plainString(n.str), nil
	}
	was := ev.at
	ev.at = n
	v, err := ev.expr(n.expr)
	ev.at = was
	if err != nil {
		return nil, err
	}
	if ev.outer {
		v, err = ev.escape(v)
		return v, ev.bounds(n, err)
	}
	return v, nil
}

// escape marks the strings of a value that would be expressions, for a template that is read again.
func (ev *eval) escape(v any) (any, error) {
	if err := ev.budget().charge(1); err != nil {
		return nil, err
	}
	switch v := v.(type) {
	case string:
		return escapeString(v), nil
	case []any:
		a := make([]any, len(v))
		for i, e := range v {
			x, err := ev.escape(e)
			if err != nil {
				return nil, err
			}
			a[i] = x
		}
		return a, nil
	case *object:
		o := &object{members: make([]member, 0, len(v.members))}
		for _, m := range v.members {
			x, err := ev.escape(m.value)
			if err != nil {
				return nil, err
			}
			o.set(escapeString(m.name), x)
		}
		return o, nil
	}
	return v, nil
}

// object evaluates an object, its copies expanded. skip leaves members out.
func (ev *eval) object(n *node, skip func(name string) bool) (*object, error) {
	o := &object{members: make([]member, 0, len(n.members))}
	for _, f := range n.members {
		if skip != nil && skip(f.name) {
			continue
		}
		if strings.EqualFold(f.name, "copy") && isCopy(f.value) {
			ev.enter(".copy")
			if err := ev.propertyCopies(o, f.value); err != nil {
				return nil, err
			}
			ev.leave()
			continue
		}
		name := f.name
		ev.enter(dot(f.name))
		if f.key.expr != nil || strings.HasPrefix(name, "[[") {
			k, err := ev.text(f.key)
			if err != nil {
				return nil, err
			}
			switch k := k.(type) {
			case string:
				name = k
			case unknown:
				return nil, ev.fail(f.key, codeInvalid, "the name of a property cannot depend on what only the deployment knows")
			default:
				return nil, ev.fail(f.key, codeInvalid, "the name of a property is a String, not of type %s", typeName(k))
			}
		}
		v, err := ev.node(f.value)
		if err != nil {
			return nil, err
		}
		ev.leave()
		o.set(name, v)
	}
	return o, nil
}

// isCopy tells the copy of properties and variables: an array of objects with name, count and input.
func isCopy(n *node) bool {
	return n.kind == arrayKind && len(n.elems) > 0 && !slices.ContainsFunc(n.elems, func(e *node) bool {
		return e.member("name") == nil || e.member("count") == nil || e.member("input") == nil
	})
}

// propertyCopies adds to o an array for each copy.
func (ev *eval) propertyCopies(o *object, copies *node) error {
	for i, c := range copies.elems {
		ev.push("[%d]", i)
		name, err := ev.pureString(c.member("name"), "name", "the name of a copy")
		if err != nil {
			return err
		}
		a, err := ev.iterate(c, name)
		if err != nil {
			return err
		}
		o.set(name, a)
		ev.leave()
	}
	return nil
}

// iterate evaluates a copy's input once for each of its rounds.
func (ev *eval) iterate(c *node, name string) ([]any, error) {
	count, err := ev.count(c)
	if err != nil {
		return nil, err
	}
	a := make([]any, count)
	ev.enter(".input")
	for i := range a {
		ev.loops = append(ev.loops, loop{name, i})
		a[i], err = ev.node(c.member("input"))
		ev.loops = ev.loops[:len(ev.loops)-1]
		if err != nil {
			return nil, err
		}
	}
	ev.leave()
	return a, nil
}

// count is how many rounds a copy has.
func (ev *eval) count(c *node) (int, error) {
	n := c.member("count")
	if n == nil {
		return 0, ev.fail(c, codeInvalid, "the copy has no count")
	}
	v, err := ev.purely(n, "count", "the count of a copy")
	if err != nil {
		return 0, err
	}
	i, ok := v.(int64)
	if !ok {
		return 0, ev.fail(n, codeInvalid, "the count of a copy is an Integer, not of type %s", typeName(v))
	}
	if i < 0 || i > int64(ev.in.limits.Copies) {
		return 0, ev.fail(n, codeInvalid, "the count of a copy is %d; it is at least 0 and at most %d", i, ev.in.limits.Copies)
	}
	return int(i), nil
}

// purely evaluates something that has to be known before the deployment.
func (ev *eval) purely(n *node, name, what string) (any, error) {
	was := ev.pure
	ev.pure = what
	ev.enter(dot(name))
	v, err := ev.node(n)
	if err != nil {
		return nil, err
	}
	ev.leave()
	ev.pure = was
	return v, nil
}

// pureString is purely for a string; the empty string when there is none.
func (ev *eval) pureString(n *node, name, what string) (string, error) {
	if n == nil || n.kind == nullKind {
		return "", nil
	}
	v, err := ev.purely(n, name, what)
	if err != nil || v == nil {
		return "", err
	}
	s, ok := v.(string)
	if !ok {
		ev.enter(dot(name))
		return "", ev.fail(n, codeInvalid, "%s is a String, not of type %s", what, typeName(v))
	}
	return s, nil
}

// expr evaluates an expression.
func (ev *eval) expr(e *expr) (any, error) {
	if err := ev.budget().charge(1); err != nil {
		return nil, ev.failIn(e.pos, err.Error())
	}
	if ev.depth++; ev.depth > ev.in.limits.Depth {
		return nil, ev.failIn(e.pos, fmt.Sprintf("calls, variables and lambdas are nested more than %d deep, the limit", ev.in.limits.Depth))
	}
	defer func() { ev.depth-- }()
	switch e.op {
	case stringOp:
		return e.str, nil
	case intOp:
		return e.num, nil
	case memberOp, indexOp:
		return ev.selected(e)
	}
	if e.fn == nil {
		if isList(e.str) && !strings.Contains(e.str, ".") {
			return ev.list(e)
		}
		return ev.userCall(e)
	}
	if e.fn.lazy != nil {
		v, err := e.fn.lazy(ev, e)
		if err != nil {
			return nil, ev.within(e, err)
		}
		return v, nil
	}
	args, err := ev.args(e)
	if err != nil {
		return nil, err
	}
	if ev.met && slices.ContainsFunc(args, holds) {
		return unknown{}, nil
	}
	c := call{ev: ev, e: e, args: args}
	v := e.fn.eager(&c)
	if c.err != nil {
		return nil, ev.within(e, c.err)
	}
	return v, nil
}

// within gives an error of a function its place and name; errors that have a place keep it.
func (ev *eval) within(e *expr, err error) error {
	var placed *Error
	if errors.As(err, &placed) {
		return err
	}
	var over errBudget
	if errors.As(err, &over) {
		return ev.failIn(e.pos, over.Error())
	}
	fault := ev.failIn(e.pos, fmt.Sprintf("the template language function '%s': %s", e.str, err))
	fault.cause = err
	return fault
}

func (ev *eval) args(e *expr) ([]any, error) {
	args := make([]any, len(e.args))
	for i, a := range e.args {
		v, err := ev.expr(a)
		if err != nil {
			return nil, err
		}
		args[i] = v
	}
	return args, nil
}

// selected evaluates x.y and x[y]. The chain is walked without recursion.
func (ev *eval) selected(e *expr) (any, error) {
	var chain []*expr
	for e.op == memberOp || e.op == indexOp {
		chain = append(chain, e)
		e = e.of
	}
	v, err := ev.expr(e)
	if err != nil {
		return nil, err
	}
	for _, e := range slices.Backward(chain) {
		var key any = e.str
		if e.op == indexOp {
			if key, err = ev.expr(e.args[0]); err != nil {
				return nil, err
			}
		}
		if err := ev.budget().charge(1); err != nil {
			return nil, ev.failIn(e.pos, err.Error())
		}
		if _, ok := key.(unknown); ok {
			v = unknown{}
			continue
		}
		if v, err = pick(v, key); err != nil {
			return nil, ev.failIn(e.pos, err.Error())
		}
	}
	return v, nil
}

// pick is one element or property of a value.
func pick(v, key any) (any, error) {
	switch of := v.(type) {
	case unknown:
		return of, nil
	case *object:
		name, ok := key.(string)
		if !ok {
			return nil, fmt.Errorf("an object is indexed by a String, the name of a property, not by type %s", typeName(key))
		}
		m, ok := of.get(name)
		if !ok {
			return nil, fmt.Errorf("the language expression property '%s' doesn't exist, available properties are '%s'", name, some(of.names()))
		}
		return m, nil
	case []any:
		i, ok := key.(int64)
		if !ok {
			if s, is := key.(string); is {
				return nil, fmt.Errorf("the language expression property '%s' can't be evaluated: the value is an Array, which is indexed by an Integer", s)
			}
			return nil, fmt.Errorf("an array is indexed by an Integer, not by type %s", typeName(key))
		}
		if i < 0 || i >= int64(len(of)) {
			return nil, fmt.Errorf("the language expression property array index '%d' is out of bounds: the array has %d elements", i, len(of))
		}
		return of[i], nil
	}
	return nil, fmt.Errorf("the language expression property '%v' can't be evaluated, the value is of type %s", key, typeName(v))
}

// some lists names, not more than a person reads.
func some(names []string) string {
	if len(names) > 20 {
		return strings.Join(names[:20], ", ") + ", ..."
	}
	return strings.Join(names, ", ")
}

// lambda is a lambda argument: its variables and its body.
type lambda struct {
	vars []string
	body *expr
}

// lambda reads the argument i of e, which has to be lambda('x', ..., body) with between low and high variables.
func (ev *eval) lambda(e *expr, i, low, high int) (lambda, error) {
	a := e.args[i]
	if a.op != callOp || !strings.EqualFold(a.str, "lambda") {
		return lambda{}, fmt.Errorf("argument %d is a lambda function: lambda('name', ..., expression)", i+1)
	}
	l := lambda{body: a.args[len(a.args)-1]}
	for _, v := range a.args[:len(a.args)-1] {
		if v.op != stringOp {
			return l, errors.New("the variables of a lambda function are named by literal strings")
		}
		l.vars = append(l.vars, v.str)
	}
	if len(l.vars) < low || len(l.vars) > high {
		return l, fmt.Errorf("its lambda function takes %s, not %d", countOf(low, high, "variable"), len(l.vars))
	}
	return l, nil
}

// apply evaluates a lambda's body with values for its variables.
func (ev *eval) apply(l lambda, values ...any) (any, error) {
	before := len(ev.locals)
	for i, name := range l.vars {
		ev.locals = append(ev.locals, member{name, values[i]})
	}
	v, err := ev.expr(l.body)
	ev.locals = ev.locals[:before]
	return v, err
}

// function is a built-in function.
type function struct {
	name      string
	low, high int // how many arguments; high is many where there is no end
	// eager is given evaluated arguments, of which none is unknown. lazy evaluates them itself.
	eager func(c *call) any
	lazy  func(ev *eval, e *expr) (any, error)
}

// many is the most arguments a function takes that takes any number.
const many = 1 << 20

// takes says what is wrong with a number of arguments; nothing when it is right.
func (f *function) takes(n int) string {
	if n >= f.low && n <= f.high {
		return ""
	}
	return fmt.Sprintf("the template function '%s' takes %s, not %d", f.name, countOf(f.low, f.high, "argument"), n)
}

func countOf(low, high int, what string) string {
	plural := what + "s"
	switch {
	case high == 0:
		return "no " + plural
	case low == high && low == 1:
		return "one " + what
	case low == high:
		return fmt.Sprintf("%d %s", low, plural)
	case high == many && low == 1:
		return "at least one " + what
	case high == many:
		return fmt.Sprintf("at least %d %s", low, plural)
	}
	return fmt.Sprintf("%d to %d %s", low, high, plural)
}

// call is a call of an eager function. The first error stays.
type call struct {
	ev   *eval
	e    *expr
	args []any
	err  error
}

func (c *call) fail(format string, args ...any) any {
	if c.err == nil {
		c.err = fmt.Errorf(format, args...)
	}
	return nil
}

// over takes an error of the budget.
func (c *call) over(err error) bool {
	if err != nil && c.err == nil {
		c.err = err
	}
	return err != nil
}

func (c *call) wrong(i int, want string) {
	shown := ""
	if c.shows(i) {
		switch v := c.args[i].(type) {
		case string:
			if len(v) < 60 {
				shown = " (" + quote(v) + ")"
			}
		case int64, bool:
			shown = fmt.Sprintf(" (%v)", v)
		}
	}
	c.fail("argument %d is expected to be %s, but is of type %s%s", i+1, want, typeName(c.args[i]), shown)
}

// shows tells whether an argument's value may stand in an error: not when it could come from a secret.
func (c *call) shows(i int) bool {
	if c.e != nil && i < len(c.e.args) && (c.e.args[i].op == stringOp || c.e.args[i].op == intOp) {
		return true
	}
	return c.ev != nil && !c.ev.in.t.secrets && c.ev.env == nil
}

func (c *call) has(i int) bool { return i < len(c.args) }

func (c *call) str(i int) string {
	s, ok := c.args[i].(string)
	if !ok {
		c.wrong(i, "a String")
	}
	return s
}

func (c *call) int(i int) int64 {
	n, ok := c.args[i].(int64)
	if !ok {
		c.wrong(i, "an Integer")
	}
	return n
}

func (c *call) bool(i int) bool {
	b, ok := c.args[i].(bool)
	if !ok {
		c.wrong(i, "a Boolean")
	}
	return b
}

func (c *call) array(i int) []any {
	a, ok := c.args[i].([]any)
	if !ok {
		c.wrong(i, "an Array")
	}
	return a
}

func (c *call) object(i int) *object {
	o, ok := c.args[i].(*object)
	if !ok {
		c.wrong(i, "an Object")
		return &object{}
	}
	return o
}

// text gives back a string that the function made, or fails when it is too long.
func (c *call) text(s string) any {
	if c.over(c.ev.budget().chargeText(len(s))) {
		return nil
	}
	return s
}

// elements pays for an array of n elements before it is made.
func (c *call) elements(n int) bool { return !c.over(c.ev.budget().charge(n)) }

// userCall evaluates a function that the template defines.
func (ev *eval) userCall(e *expr) (any, error) {
	f := ev.in.t.functions[strings.ToLower(e.str)]
	if f == nil {
		return nil, ev.failIn(e.pos, fmt.Sprintf("the template defines no function '%s'%s", e.str, nearest(e.str, ev.in.t.functionNames())))
	}
	if ev.call != nil && !ev.in.t.symbolic() {
		return nil, ev.failIn(e.pos, "a user-defined function cannot call other user-defined functions")
	}
	if len(e.args) != len(f.params) {
		return nil, ev.failIn(e.pos, fmt.Sprintf("the function '%s' takes %s, not %d", e.str, countOf(len(f.params), len(f.params), "argument"), len(e.args)))
	}
	args, err := ev.args(e)
	if err != nil {
		return nil, err
	}
	named := &object{}
	for i, a := range args {
		p := f.params[i]
		if !ev.met || !holds(a) {
			if err := ev.in.conforms(p.def, a, fmt.Sprintf("argument %d ('%s') of the function '%s'", i+1, p.name, e.str)); err != nil {
				return nil, ev.failIn(e.pos, err.Error())
			}
		}
		named.set(p.name, a)
	}
	inner := &eval{
		in: ev.in, pure: "a user-defined function", call: named, depth: ev.depth, met: ev.met,
		path: []string{f.path, ".output.value"},
	}
	v, err := inner.node(f.value)
	if err != nil {
		return nil, err
	}
	if !ev.met || !holds(v) {
		if err := ev.in.conforms(f.output, v, fmt.Sprintf("the output of the function '%s'", e.str)); err != nil {
			return nil, ev.failIn(e.pos, err.Error())
		}
	}
	return v, nil
}

// given makes a value of what a caller gave.
func given(v any) (any, error) {
	if v == nil {
		return nil, nil
	}
	b, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return decode(b)
}
