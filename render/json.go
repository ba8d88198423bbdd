package render

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// A template is read by people, so its keys stand in an order that says first what a thing is: object keeps it. Plain maps are written
// by name.
type object []member

type member struct {
	key   string
	value any
}

// with appends a key, unless its value is nothing.
func (o object) with(key string, v any) object {
	switch x := v.(type) {
	case nil:
		return o
	case string:
		if x == "" {
			return o
		}
	case object:
		if len(x) == 0 {
			return o
		}
	case []any:
		if len(x) == 0 {
			return o
		}
	}
	return append(o, member{key, v})
}

// expression is text of the template language, without the brackets around it.
type expression string

// quoted is a text as the expression language writes it: a single quote is doubled.
func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// call is a function with its arguments.
func call(function string, args ...string) expression {
	return expression(function + "(" + strings.Join(args, ", ") + ")")
}

// member returns an expression's property; a name that is no identifier stands in brackets.
func (e expression) member(name string) expression {
	if identifier(name) {
		return e + expression("."+name)
	}
	return e + expression("["+quoted(name)+"]")
}

// element returns an expression's element of a list.
func (e expression) element(i int) expression { return e + expression("["+strconv.Itoa(i)+"]") }

func identifier(s string) bool {
	for i, r := range s {
		if r != '_' && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return s != ""
}

// literal is a text as a template writes it: what would be read as an expression begins with two brackets.
func literal(s string) string {
	if strings.HasPrefix(s, "[") && strings.HasSuffix(s, "]") {
		return "[" + s
	}
	return s
}

// write writes a value as JSON; indent is what a level is indented by, none for all on one line.
func write(b *bytes.Buffer, v any, indent string, depth int) {
	line := func(depth int) {
		if indent != "" {
			b.WriteByte('\n')
			b.WriteString(strings.Repeat(indent, depth))
		}
	}
	switch x := v.(type) {
	case object:
		if len(x) == 0 {
			b.WriteString("{}")
			return
		}
		b.WriteByte('{')
		for i, m := range x {
			if i > 0 {
				b.WriteByte(',')
			}
			line(depth + 1)
			text(b, m.key)
			b.WriteByte(':')
			if indent != "" {
				b.WriteByte(' ')
			}
			write(b, m.value, indent, depth+1)
		}
		line(depth)
		b.WriteByte('}')
	case map[string]any:
		o := make(object, 0, len(x))
		for _, k := range slices.Sorted(maps.Keys(x)) {
			o = append(o, member{k, x[k]})
		}
		write(b, o, indent, depth)
	case []any:
		if len(x) == 0 {
			b.WriteString("[]")
			return
		}
		b.WriteByte('[')
		for i, e := range x {
			if i > 0 {
				b.WriteByte(',')
			}
			line(depth + 1)
			write(b, e, indent, depth+1)
		}
		line(depth)
		b.WriteByte(']')
	case expression:
		text(b, "["+string(x)+"]")
	case string:
		text(b, literal(x))
	case bool:
		b.WriteString(strconv.FormatBool(x))
	case int:
		b.WriteString(strconv.Itoa(x))
	case float64:
		b.WriteString(strconv.FormatFloat(x, 'f', -1, 64))
	case nil:
		b.WriteString("null")
	default:
		panic(fmt.Sprintf("render: a %T in a template", v)) // a mistake in this package
	}
}

func text(b *bytes.Buffer, s string) {
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		panic("render: " + err.Error()) // a string has always a JSON form
	}
	b.Truncate(b.Len() - 1) // the encoder ends a line
}

// size is how many bytes a value takes on one line.
func size(v any) int {
	var b bytes.Buffer
	write(&b, v, "", 0)
	return b.Len()
}
