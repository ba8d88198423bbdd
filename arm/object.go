package arm

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"onramp/azure"
)

// object is a JSON object. One that belongs to a stored resource is never changed: who wants to change it takes a copy.
type object = map[string]any

// Bounds of what a client may send. Azure Resource Manager takes four megabytes.
const (
	maxBody  = 4 << 20
	maxDepth = 64
)

// readObject reads a JSON object that a client sent. null values say nothing and are left out, as the SDKs send them for "not set".
func readObject(b []byte) (object, *Error) {
	bad := func(why string) *Error {
		e := refuse(http.StatusBadRequest, "InvalidRequestContent", "The request content was invalid and could not be deserialized: '%s'.", why)
		return e
	}
	if len(bytes.TrimSpace(b)) == 0 {
		return nil, bad("the body is empty")
	}
	depth, deepest := 0, 0
	inString, escaped := false, false
	for _, c := range b {
		switch {
		case inString && escaped:
			escaped = false
		case inString && c == '\\':
			escaped = true
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			depth++
			deepest = max(deepest, depth)
		case c == '}' || c == ']':
			depth--
		}
	}
	if deepest > maxDepth {
		return nil, bad(fmt.Sprintf("objects are nested more than %d deep", maxDepth))
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, bad(err.Error())
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, bad("there is something after the object")
	}
	o, ok := v.(object)
	if !ok {
		return nil, bad("the body is not an object")
	}
	if name := twice(o); name != "" {
		return nil, bad(fmt.Sprintf("an object has the member '%.80s' twice, but for case", name))
	}
	return withoutNulls(o).(object), nil
}

// twice is the name of a member that an object has in two cases of letters, at any depth; empty where there is none. Names have no case in
// Azure, so such an object says two things, and what is checked could be another one than what counts.
func twice(v any) string {
	switch x := v.(type) {
	case object:
		seen := make(map[string]bool, len(x))
		for k, y := range x {
			low := strings.ToLower(k)
			if seen[low] {
				return k
			}
			seen[low] = true
			if name := twice(y); name != "" {
				return name
			}
		}
	case []any:
		for _, y := range x {
			if name := twice(y); name != "" {
				return name
			}
		}
	}
	return ""
}

func withoutNulls(v any) any {
	switch x := v.(type) {
	case object:
		for k, y := range x {
			if y == nil {
				delete(x, k)
			} else {
				x[k] = withoutNulls(y)
			}
		}
	case []any:
		x = slices.DeleteFunc(x, func(y any) bool { return y == nil })
		for i := range x {
			x[i] = withoutNulls(x[i])
		}
		return x
	}
	return v
}

func copied(o object) object { return azure.Clone(o).(object) }

// find follows names to a value, nil where there is none. A name that is not there as written is looked for without case, as Azure does.
func find(o object, names ...string) any {
	var v any = o
	for _, n := range names {
		x, ok := v.(object)
		if !ok {
			return nil
		}
		y, ok := x[n]
		if !ok {
			for k := range x {
				if strings.EqualFold(k, n) {
					y, ok = x[k], true
					break
				}
			}
		}
		if !ok {
			return nil
		}
		v = y
	}
	return v
}

// text is a string at the end of names, empty where there is none.
func text(o object, names ...string) string {
	s, _ := find(o, names...).(string)
	return s
}

// inner is an object at the end of names; it is made where there is none.
func inner(o object, names ...string) object {
	for _, n := range names {
		x, ok := o[n].(object)
		if !ok {
			x = object{}
			o[n] = x
		}
		o = x
	}
	return o
}

// list is an array of objects at the end of names.
func list(o object, names ...string) []object {
	l, _ := find(o, names...).([]any)
	out := make([]object, 0, len(l))
	for _, x := range l {
		if y, ok := x.(object); ok {
			out = append(out, y)
		}
	}
	return out
}

// words is an array of strings at the end of names.
func words(o object, names ...string) []string {
	l, _ := find(o, names...).([]any)
	var out []string
	for _, x := range l {
		if s, ok := x.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// number is an integer at the end of names, 0 where there is none.
func number(o object, names ...string) int64 {
	switch n := find(o, names...).(type) {
	case json.Number:
		i, err := n.Int64()
		if err != nil {
			f, _ := n.Float64()
			return int64(f)
		}
		return i
	case int:
		return int64(n)
	case int64:
		return n
	case float64:
		return int64(n)
	}
	return 0
}

// byName is the first object of this name in a list, without case; nil where there is none.
func byName(all []object, name string) object {
	for _, o := range all {
		if strings.EqualFold(text(o, "name"), name) {
			return o
		}
	}
	return nil
}

func anys[T any](in []T) []any {
	out := make([]any, len(in))
	for i, x := range in {
		out[i] = x
	}
	return out
}
