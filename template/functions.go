package template

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
)

// builtin finds a built-in function by name, in any case; nil when there is none.
func builtin(name string) *function { return builtins[strings.ToLower(name)] }

// builtins are all functions, by lower-case name.
var builtins = table(stringFunctions(), collectionFunctions(), numberFunctions(), logicFunctions(), lambdaFunctions(), dateFunctions(),
	cidrFunctions(), scopeFunctions(), runtimeFunctions())

func table(groups ...[]function) map[string]*function {
	t := map[string]*function{}
	for _, g := range groups {
		for i := range g {
			t[strings.ToLower(g[i].name)] = &g[i]
		}
	}
	return t
}

// nearestFunction suggests a function for a name that there is none of.
func nearestFunction(name string) string {
	var names []string
	for _, f := range builtins {
		names = append(names, f.name)
	}
	return nearest(name, names)
}

// nearest is ", did you mean ...?" with the closest names, or nothing.
func nearest(name string, names []string) string {
	type near struct {
		name string
		d    int
	}
	var close []near
	for _, n := range names {
		if len(n) > 200 || len(name) > 200 {
			continue
		}
		if d := distance(strings.ToLower(name), strings.ToLower(n)); d <= max(1, len(name)/3) {
			close = append(close, near{n, d})
		}
	}
	slices.SortFunc(close, func(a, b near) int {
		if a.d != b.d {
			return a.d - b.d
		}
		return strings.Compare(a.name, b.name)
	})
	switch {
	case len(close) == 0:
		return ""
	case len(close) == 1:
		return fmt.Sprintf("; did you mean '%s'?", close[0].name)
	}
	return fmt.Sprintf("; did you mean '%s' or '%s'?", close[0].name, close[1].name)
}

// distance is Levenshtein's, in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}

// logicFunctions compare and decide.
func logicFunctions() []function {
	compare := func(holds func(int) bool) func(c *call) any {
		return func(c *call) any {
			switch a := c.args[0].(type) {
			case int64:
				return holds(compareInts(a, c.int(1)))
			case string:
				return holds(compareStrings(a, c.str(1)))
			}
			c.wrong(0, "an Integer or a String")
			return nil
		}
	}
	return []function{
		{name: "if", low: 3, high: 3, lazy: ifFunction},
		{name: "and", low: 2, high: many, lazy: func(ev *eval, e *expr) (any, error) { return junction(ev, e, false) }},
		{name: "or", low: 2, high: many, lazy: func(ev *eval, e *expr) (any, error) { return junction(ev, e, true) }},
		{name: "not", low: 1, high: 1, eager: func(c *call) any { return !c.bool(0) }},
		{name: "true", eager: func(*call) any { return true }},
		{name: "false", eager: func(*call) any { return false }},
		{name: "null", eager: func(*call) any { return nil }},
		{name: "bool", low: 1, high: 1, eager: func(c *call) any {
			switch v := c.args[0].(type) {
			case bool:
				return v
			case int64:
				return v != 0
			case string:
				switch strings.ToLower(v) {
				case "true", "1":
					return true
				case "false", "0":
					return false
				}
			}
			c.wrong(0, "an Integer or one of the strings 'true' and 'false'")
			return nil
		}},
		{name: "equals", low: 2, high: 2, eager: func(c *call) any {
			same, err := c.ev.budget().equal(c.args[0], c.args[1])
			c.over(err)
			return same
		}},
		{name: "less", low: 2, high: 2, eager: compare(func(d int) bool { return d < 0 })},
		{name: "lessOrEquals", low: 2, high: 2, eager: compare(func(d int) bool { return d <= 0 })},
		{name: "greater", low: 2, high: 2, eager: compare(func(d int) bool { return d > 0 })},
		{name: "greaterOrEquals", low: 2, high: 2, eager: compare(func(d int) bool { return d >= 0 })},
		{name: "coalesce", low: 1, high: many, lazy: func(ev *eval, e *expr) (any, error) {
			for i, a := range e.args {
				v, err := ev.expr(a)
				if _, open := v.(unknown); open {
					ev.perhaps(e.args[i+1:])
				}
				if v != nil || err != nil {
					return v, err
				}
			}
			return nil, nil
		}},
		{name: "fail", low: 1, high: 1, eager: func(c *call) any { return c.fail("%s", c.str(0)) }},
	}
}

// ifFunction evaluates only the branch that is taken.
func ifFunction(ev *eval, e *expr) (any, error) {
	v, err := ev.expr(e.args[0])
	if err != nil {
		return nil, err
	}
	switch b := v.(type) {
	case bool:
		if b {
			return ev.expr(e.args[1])
		}
		return ev.expr(e.args[2])
	case unknown:
		ev.perhaps(e.args[1:])
		return unknown{}, nil
	}
	return nil, fmt.Errorf("argument 1 is expected to be a Boolean, but is of type %s", typeName(v))
}

// junction is and or or: from the left, until the one that decides. What follows it is not evaluated.
func junction(ev *eval, e *expr, decides bool) (any, error) {
	for i, a := range e.args {
		v, err := ev.expr(a)
		if err != nil {
			return nil, err
		}
		switch b := v.(type) {
		case bool:
			if b == decides {
				return decides, nil
			}
		case unknown:
			ev.perhaps(e.args[i+1:])
			return unknown{}, nil
		default:
			c := call{ev: ev, e: e, args: make([]any, i+1)}
			c.args[i] = v
			c.wrong(i, "a Boolean")
			return nil, c.err
		}
	}
	return !decides, nil
}

// perhaps looks through expressions that are evaluated only when something that is not known yet turns out so, for the resources that they
// wait for. A mistake in them may be one of a case that never comes: it is left for the deployment to find.
func (ev *eval) perhaps(args []*expr) {
	for _, a := range args {
		depth, path, at, locals := ev.depth, len(ev.path), ev.at, len(ev.locals)
		if _, err := ev.expr(a); err != nil {
			ev.depth, ev.path, ev.at, ev.locals = depth, ev.path[:path], at, ev.locals[:locals]
		}
	}
}

func compareInts(a, b int64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// compareStrings orders as .NET's invariant culture does: letters alphabetically whatever their case, and of two strings that differ in
// case alone the lower one first, so that 'A' is greater than 'a' as Azure documents. Punctuation before digits before letters is
// assumed; Azure does not document it.
func compareStrings(a, b string) int {
	class := func(r rune) int {
		switch {
		case r >= '0' && r <= '9':
			return 1
		case r >= 'a' && r <= 'z' || r >= 0x80:
			return 2
		}
		return 0
	}
	x, y := []rune(strings.ToLower(a)), []rune(strings.ToLower(b))
	for i := 0; i < len(x) && i < len(y); i++ {
		if x[i] != y[i] {
			if c := class(x[i]) - class(y[i]); c != 0 {
				return c
			}
			return int(x[i]) - int(y[i])
		}
	}
	if len(x) != len(y) {
		return len(x) - len(y)
	}
	return -strings.Compare(a, b) // upper case has the smaller code, but is the greater here
}

func numberFunctions() []function {
	arithmetic := func(f func(a, b int64) (int64, error)) func(c *call) any {
		return func(c *call) any {
			a, b := c.int(0), c.int(1)
			if c.err != nil {
				return nil
			}
			v, err := f(a, b)
			if err != nil {
				return c.fail("%s", err)
			}
			return v
		}
	}
	errOverflow := errors.New("the result is out of the range of 64 bits")
	extreme := func(better func(a, b int64) bool) func(c *call) any {
		return func(c *call) any {
			list := c.args
			if a, ok := list[0].([]any); ok && len(list) == 1 {
				if len(a) == 0 {
					return c.fail("the array is empty")
				}
				list = a
			}
			c = &call{ev: c.ev, e: c.e, args: list, err: nil}
			best := c.int(0)
			for i := range list {
				if n := c.int(i); better(n, best) {
					best = n
				}
			}
			if c.err != nil {
				return c.err
			}
			return best
		}
	}
	passing := func(f func(c *call) any) func(c *call) any {
		return func(c *call) any {
			v := f(c)
			if err, ok := v.(error); ok {
				return c.fail("%s", err)
			}
			return v
		}
	}
	return []function{
		{name: "add", low: 2, high: 2, eager: arithmetic(func(a, b int64) (int64, error) {
			if s := a + b; (s > a) == (b > 0) || b == 0 {
				return s, nil
			}
			return 0, errOverflow
		})},
		{name: "sub", low: 2, high: 2, eager: arithmetic(func(a, b int64) (int64, error) {
			if d := a - b; (d < a) == (b > 0) || b == 0 {
				return d, nil
			}
			return 0, errOverflow
		})},
		{name: "mul", low: 2, high: 2, eager: arithmetic(func(a, b int64) (int64, error) {
			p := a * b
			if a == 0 || b == 0 || p/b == a && !(a == -1 && b == math.MinInt64) && !(b == -1 && a == math.MinInt64) {
				return p, nil
			}
			return 0, errOverflow
		})},
		{name: "div", low: 2, high: 2, eager: arithmetic(func(a, b int64) (int64, error) {
			if b == 0 {
				return 0, errors.New("the divisor is 0")
			}
			if a == math.MinInt64 && b == -1 {
				return 0, errOverflow
			}
			return a / b, nil
		})},
		{name: "mod", low: 2, high: 2, eager: arithmetic(func(a, b int64) (int64, error) {
			if b == 0 {
				return 0, errors.New("the divisor is 0")
			}
			if b == -1 {
				return 0, nil
			}
			return a % b, nil
		})},
		{name: "min", low: 1, high: many, eager: passing(extreme(func(a, b int64) bool { return a < b }))},
		{name: "max", low: 1, high: many, eager: passing(extreme(func(a, b int64) bool { return a > b }))},
		{name: "int", low: 1, high: 1, eager: func(c *call) any {
			switch v := c.args[0].(type) {
			case int64:
				return v
			case string:
				if n, ok := parseInt(strings.TrimSpace(v)); ok {
					return n
				}
			}
			c.wrong(0, "an Integer or a string of digits")
			return nil
		}},
		{name: "float", low: 1, high: 1, eager: func(c *call) any {
			switch v := c.args[0].(type) {
			case int64:
				return float64(v)
			case float64:
				return v
			case string:
				if f, ok := parseFloat(v); ok {
					return f
				}
			}
			c.wrong(0, "a number or a string of one")
			return nil
		}},
		{name: "range", low: 2, high: 2, eager: func(c *call) any {
			start, count := c.int(0), c.int(1)
			if c.err != nil {
				return nil
			}
			if count < 0 || count > 10000 {
				return c.fail("argument 2, the number of integers, is %d; it is at least 0 and at most 10000", count)
			}
			if start < math.MinInt32 || start+count > math.MaxInt32 {
				return c.fail("the sum of start (%d) and count (%d) is at most 2147483647", start, count)
			}
			if !c.elements(int(count)) {
				return nil
			}
			a := make([]any, count)
			for i := range a {
				a[i] = start + int64(i)
			}
			return a
		}},
	}
}
