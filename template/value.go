package template

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A value is nil, bool, int64, float64, string, []any, *object, or unknown. Values are shared and never changed once made.

// object is a JSON object that keeps the order of its members. Names are found in any case, as in Azure's expressions.
type object struct {
	members []member
	index   map[string]int // by lower-case name, of large objects only
}

type member struct {
	name  string
	value any
}

// unknown stands for what only a running deployment knows, while a template is expanded.
type unknown struct{}

// small is how many members an object has at most without an index.
const small = 12

// get finds a member by name in any case; one in the exact case wins.
func (o *object) get(name string) (any, bool) {
	if i := o.find(name); i >= 0 {
		return o.members[i].value, true
	}
	return nil, false
}

func (o *object) find(name string) int {
	if o.index != nil {
		i, ok := o.index[strings.ToLower(name)]
		if !ok {
			return -1
		}
		return i
	}
	for i := range o.members {
		if o.members[i].name == name {
			return i
		}
	}
	for i := range o.members {
		if strings.EqualFold(o.members[i].name, name) {
			return i
		}
	}
	return -1
}

// set adds a member or replaces the value of the one of that name. Only for objects that nobody else has yet.
func (o *object) set(name string, v any) {
	if i := o.find(name); i >= 0 {
		o.members[i].value = v
		return
	}
	o.add(name, v)
}

// add appends a member whose name is known to be new.
func (o *object) add(name string, v any) {
	o.members = append(o.members, member{name, v})
	if o.index != nil {
		o.index[strings.ToLower(name)] = len(o.members) - 1
		return
	}
	if len(o.members) > small {
		o.index = make(map[string]int, 2*len(o.members))
		for i, m := range o.members {
			if _, ok := o.index[strings.ToLower(m.name)]; !ok {
				o.index[strings.ToLower(m.name)] = i
			}
		}
	}
}

func (o *object) clone() *object {
	c := &object{members: slices.Clone(o.members)}
	if o.index != nil {
		c.index = make(map[string]int, len(o.index))
		for k, v := range o.index {
			c.index[k] = v
		}
	}
	return c
}

func (o *object) names() []string {
	names := make([]string, len(o.members))
	for i, m := range o.members {
		names[i] = m.name
	}
	return names
}

// sorted is the members by name, letters of both cases together.
func (o *object) sorted() []member {
	ms := slices.Clone(o.members)
	slices.SortStableFunc(ms, func(a, b member) int {
		if c := strings.Compare(strings.ToUpper(a.name), strings.ToUpper(b.name)); c != 0 {
			return c
		}
		return strings.Compare(a.name, b.name)
	})
	return ms
}

// typeName is what Azure's messages call the type of a value.
func typeName(v any) string {
	switch v.(type) {
	case nil:
		return "Null"
	case bool:
		return "Boolean"
	case int64:
		return "Integer"
	case float64:
		return "Float"
	case string:
		return "String"
	case []any:
		return "Array"
	case *object:
		return "Object"
	}
	return "a value that only the deployment knows"
}

// budget is what an evaluation may still do.
type budget struct {
	steps int // left
	all   int // what it started with
	size  int // of one value
}

// errBudget is a limit that was passed; the evaluator gives it a place.
type errBudget string

func (e errBudget) Error() string { return string(e) }

func (b *budget) charge(n int) error {
	if b.steps -= n; b.steps < 0 {
		return errBudget(fmt.Sprintf("the expansion takes more than %d steps, the limit", b.all))
	}
	return nil
}

// chargeText is the price of making a string.
func (b *budget) chargeText(n int) error {
	if n > b.size {
		return errBudget(fmt.Sprintf("a string of %d bytes is longer than %d, the limit of one value", n, b.size))
	}
	return b.charge(1 + n/16)
}

// equal compares two values: objects whatever the order of their members, numbers by value within one type.
func (b *budget) equal(x, y any) (bool, error) {
	if err := b.charge(1); err != nil {
		return false, err
	}
	switch x := x.(type) {
	case []any:
		y, ok := y.([]any)
		if !ok || len(x) != len(y) {
			return false, nil
		}
		for i := range x {
			if same, err := b.equal(x[i], y[i]); !same || err != nil {
				return false, err
			}
		}
		return true, nil
	case *object:
		y, ok := y.(*object)
		if !ok || len(x.members) != len(y.members) {
			return false, nil
		}
		for _, m := range x.members {
			v, ok := y.get(m.name)
			if !ok {
				return false, nil
			}
			if same, err := b.equal(m.value, v); !same || err != nil {
				return false, err
			}
		}
		return true, nil
	case int64:
		if f, ok := y.(float64); ok {
			return float64(x) == f, nil
		}
	case float64:
		if i, ok := y.(int64); ok {
			return x == float64(i), nil
		}
	}
	switch y.(type) {
	case []any, *object:
		return false, nil
	}
	return x == y, nil
}

// append writes a value as JSON without spaces.
func (b *budget) append(out []byte, v any) ([]byte, error) {
	if err := b.charge(1); err != nil {
		return nil, err
	}
	if len(out) > b.size {
		return nil, errBudget(fmt.Sprintf("the value is longer than %d bytes as JSON, the limit of one value", b.size))
	}
	var err error
	switch v := v.(type) {
	case nil:
		return append(out, "null"...), nil
	case bool:
		return strconv.AppendBool(out, v), nil
	case int64:
		return strconv.AppendInt(out, v, 10), nil
	case float64:
		return appendFloat(out, v), nil
	case string:
		return appendString(out, v), nil
	case []any:
		out = append(out, '[')
		for i, e := range v {
			if i > 0 {
				out = append(out, ',')
			}
			if out, err = b.append(out, e); err != nil {
				return nil, err
			}
		}
		return append(out, ']'), nil
	case *object:
		out = append(out, '{')
		for i, m := range v.members {
			if i > 0 {
				out = append(out, ',')
			}
			out = append(appendString(out, m.name), ':')
			if out, err = b.append(out, m.value); err != nil {
				return nil, err
			}
		}
		return append(out, '}'), nil
	}
	return nil, fmt.Errorf("%s cannot be written", typeName(v))
}

// appendFloat keeps a whole number with its point, so that it stays what it was.
func appendFloat(out []byte, f float64) []byte {
	format := byte('f')
	if a := math.Abs(f); a != 0 && (a < 1e-6 || a >= 1e21) {
		format = 'e'
	}
	start := len(out)
	out = strconv.AppendFloat(out, f, format, -1, 64)
	if !strings.ContainsAny(string(out[start:]), ".e") {
		out = append(out, ".0"...)
	}
	return out
}

func appendString(out []byte, s string) []byte {
	out = append(out, '"')
	start := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		out = append(out, s[start:i]...)
		start = i + 1
		switch c {
		case '"', '\\':
			out = append(out, '\\', c)
		case '\n':
			out = append(out, `\n`...)
		case '\r':
			out = append(out, `\r`...)
		case '\t':
			out = append(out, `\t`...)
		default:
			out = append(out, fmt.Sprintf(`\u%04x`, c)...)
		}
	}
	return append(append(out, s[start:]...), '"')
}

// valid makes what was decoded from somewhere else a string that JSON can carry.
func valid(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return strings.ToValidUTF8(s, "\ufffd")
}

// holds tells whether something in v is unknown.
func holds(v any) bool {
	switch v := v.(type) {
	case unknown:
		return true
	case []any:
		return slices.ContainsFunc(v, holds)
	case *object:
		return slices.ContainsFunc(v.members, func(m member) bool { return holds(m.value) })
	}
	return false
}

// literal is a node's value as written, without evaluation.
func literal(n *node) any {
	switch n.kind {
	case boolKind:
		return n.bool
	case intKind:
		return n.int
	case floatKind:
		return n.float
	case stringKind:
		return n.str
	case arrayKind:
		a := make([]any, len(n.elems))
		for i, e := range n.elems {
			a[i] = literal(e)
		}
		return a
	case objectKind:
		o := &object{members: make([]member, 0, len(n.members))}
		for _, f := range n.members {
			o.set(f.name, literal(f.value))
		}
		return o
	}
	return nil
}

// decode reads a JSON text into a value.
func decode(text []byte) (any, error) {
	n, err := readJSON(text, false)
	if err != nil {
		return nil, err
	}
	return literal(n), nil
}
