package template

import (
	"slices"
)

// collectionFunctions are those of arrays and objects, some of them of strings too.
func collectionFunctions() []function {
	return []function{
		{name: "array", low: 1, high: 1, eager: func(c *call) any {
			if a, ok := c.args[0].([]any); ok {
				return a
			}
			return []any{c.args[0]}
		}},
		{name: "createArray", high: many, eager: func(c *call) any { return c.args }},
		{name: "createObject", high: many, eager: func(c *call) any {
			if len(c.args)%2 != 0 {
				return c.fail("it takes an even number of arguments, names and values in turn, not %d", len(c.args))
			}
			o := &object{}
			for i := 0; i < len(c.args); i += 2 {
				o.set(c.str(i), c.args[i+1])
			}
			return o
		}},
		{name: "length", low: 1, high: 1, eager: func(c *call) any {
			switch v := c.args[0].(type) {
			case string:
				return int64(units(v))
			case []any:
				return int64(len(v))
			case *object:
				return int64(len(v.members))
			}
			c.wrong(0, "a String, an Array or an Object")
			return nil
		}},
		{name: "empty", low: 1, high: 1, eager: func(c *call) any {
			switch v := c.args[0].(type) {
			case nil:
				return true
			case string:
				return v == ""
			case []any:
				return len(v) == 0
			case *object:
				return len(v.members) == 0
			}
			c.wrong(0, "a String, an Array, an Object or null")
			return nil
		}},
		{name: "contains", low: 2, high: 2, eager: contains},
		{name: "first", low: 1, high: 1, eager: func(c *call) any { return end(c, false) }},
		{name: "last", low: 1, high: 1, eager: func(c *call) any { return end(c, true) }},
		{name: "take", low: 2, high: 2, eager: func(c *call) any { return part(c, true) }},
		{name: "skip", low: 2, high: 2, eager: func(c *call) any { return part(c, false) }},
		{name: "union", low: 1, high: many, eager: union},
		{name: "intersection", low: 1, high: many, eager: intersection},
		{name: "shallowMerge", low: 1, high: 1, eager: func(c *call) any {
			o := &object{}
			for _, e := range c.array(0) {
				m, ok := e.(*object)
				if !ok {
					return c.fail("argument 1 is expected to be an array of objects, but has an element of type %s", typeName(e))
				}
				if !c.elements(len(m.members)) {
					return nil
				}
				for _, m := range m.members {
					o.set(m.name, m.value)
				}
			}
			return o
		}},
		{name: "flatten", low: 1, high: 1, eager: func(c *call) any {
			var a []any
			for _, e := range c.array(0) {
				in, ok := e.([]any)
				if !ok {
					return c.fail("argument 1 is expected to be an array of arrays, but has an element of type %s", typeName(e))
				}
				if !c.elements(len(in)) {
					return nil
				}
				a = append(a, in...)
			}
			return slices.Clip(append([]any{}, a...))
		}},
		{name: "items", low: 1, high: 1, eager: func(c *call) any {
			o := c.object(0)
			if !c.elements(3 * len(o.members)) {
				return nil
			}
			a := make([]any, 0, len(o.members))
			for _, m := range o.sorted() {
				a = append(a, &object{members: []member{{"key", m.name}, {"value", m.value}}})
			}
			return a
		}},
		{name: "objectKeys", low: 1, high: 1, eager: func(c *call) any {
			o := c.object(0)
			if !c.elements(len(o.members)) {
				return nil
			}
			a := make([]any, 0, len(o.members))
			for _, m := range o.sorted() {
				a = append(a, m.name)
			}
			return a
		}},
		{name: "tryGet", low: 2, high: many, eager: func(c *call) any {
			v := c.args[0]
			for i, key := range c.args[1:] {
				switch of := v.(type) {
				case nil:
					return nil
				case *object:
					v, _ = of.get(c.str(i + 1))
				case []any:
					if n := c.int(i + 1); n >= 0 && n < int64(len(of)) {
						v = of[n]
					} else {
						v = nil
					}
				default:
					return c.fail("the property %v is of a value of type %s, which has none", key, typeName(v))
				}
			}
			return v
		}},
		{name: "indexFromEnd", low: 2, high: 2, eager: func(c *call) any {
			a, i := c.array(0), c.int(1)
			if c.err == nil && (i < 1 || i > int64(len(a))) {
				return c.fail("the index %d from the end is out of bounds: the array has %d elements, the last is 1", i, len(a))
			}
			if c.err != nil {
				return nil
			}
			return a[int64(len(a))-i]
		}},
		{name: "tryIndexFromEnd", low: 2, high: 2, eager: func(c *call) any {
			if c.args[0] == nil {
				return nil
			}
			a, i := c.array(0), c.int(1)
			if c.err != nil || i < 1 || i > int64(len(a)) {
				return nil
			}
			return a[int64(len(a))-i]
		}},
	}
}

// contains looks for a part of a string and an element of an array in the exact case, for a key of an object in any.
func contains(c *call) any {
	switch in := c.args[0].(type) {
	case string:
		switch c.args[1].(type) {
		case string, int64:
			return indexOf(in, c.asText(1), false) >= 0
		}
		c.wrong(1, "a String or an Integer")
		return nil
	case *object:
		switch c.args[1].(type) {
		case string, int64:
			return in.find(c.asText(1)) >= 0
		}
		c.wrong(1, "a String, the name of a property")
		return nil
	case []any:
		for _, e := range in {
			same, err := c.ev.budget().equal(e, c.args[1])
			if c.over(err) {
				return nil
			}
			if same {
				return true
			}
		}
		return false
	}
	c.wrong(0, "a String, an Array or an Object")
	return nil
}

// end is the first or last element: null of an empty array, the empty string of an empty string (assumed: Azure documents neither).
func end(c *call, last bool) any {
	switch v := c.args[0].(type) {
	case string:
		u := units(v)
		switch {
		case u == 0:
			return ""
		case last:
			return slice(v, u-1, u)
		}
		return slice(v, 0, 1)
	case []any:
		switch {
		case len(v) == 0:
			return nil
		case last:
			return v[len(v)-1]
		}
		return v[0]
	}
	c.wrong(0, "an Array or a String")
	return nil
}

// part is take or skip.
func part(c *call, take bool) any {
	n := c.int(1)
	cut := func(length int) (int, int) {
		k := int(min(max(n, 0), int64(length)))
		if take {
			return 0, k
		}
		return k, length
	}
	switch v := c.args[0].(type) {
	case string:
		from, to := cut(units(v))
		return c.text(slice(v, from, to))
	case []any:
		from, to := cut(len(v))
		return v[from:to:to]
	}
	c.wrong(0, "an Array or a String")
	return nil
}

// union keeps each element of arrays once, at its first place; of objects it merges what is nested too, and the later value wins.
func union(c *call) any {
	switch c.args[0].(type) {
	case []any:
		set := distinct{b: c.ev.budget()}
		for i := range c.args {
			for _, e := range c.array(i) {
				if _, err := set.add(e); c.over(err) {
					return nil
				}
			}
		}
		return set.list()
	case *object:
		all := c.object(0)
		for i := 1; i < len(c.args) && c.err == nil; i++ {
			m, err := merge(c.ev.budget(), all, c.object(i))
			if c.over(err) {
				return nil
			}
			all = m
		}
		return all
	}
	c.wrong(0, "an Array or an Object")
	return nil
}

func merge(b *budget, x, y *object) (*object, error) {
	if err := b.charge(1 + len(x.members) + len(y.members)); err != nil {
		return nil, err
	}
	out := x.clone()
	for _, m := range y.members {
		old, _ := out.get(m.name)
		a, ok := old.(*object)
		n, also := m.value.(*object)
		if !ok || !also {
			out.set(m.name, m.value)
			continue
		}
		merged, err := merge(b, a, n)
		if err != nil {
			return nil, err
		}
		out.set(m.name, merged)
	}
	return out, nil
}

// intersection keeps what is in all, in the order of the first.
func intersection(c *call) any {
	b := c.ev.budget()
	switch first := c.args[0].(type) {
	case []any:
		in := make([]distinct, len(c.args))
		for i := 1; i < len(c.args); i++ {
			in[i].b = b
			for _, e := range c.array(i) {
				if _, err := in[i].add(e); c.over(err) {
					return nil
				}
			}
		}
		set := distinct{b: b}
	elements:
		for _, e := range first {
			for i := 1; i < len(in); i++ {
				found, err := in[i].has(e)
				if c.over(err) {
					return nil
				}
				if !found {
					continue elements
				}
			}
			if _, err := set.add(e); c.over(err) {
				return nil
			}
		}
		return set.list()
	case *object:
		o := &object{}
	members:
		for _, m := range first.members {
			for i := 1; i < len(c.args); i++ {
				v, ok := c.object(i).get(m.name)
				if !ok {
					continue members
				}
				same, err := b.equal(v, m.value)
				if c.over(err) {
					return nil
				}
				if !same {
					continue members
				}
			}
			o.set(m.name, m.value)
		}
		return o
	}
	c.wrong(0, "an Array or an Object")
	return nil
}

// distinct is a list without two equal values. Plain values are found by a map, others one by one.
type distinct struct {
	b      *budget
	plain  map[any]bool
	deep   []any
	values []any
}

func (d *distinct) has(v any) (bool, error) {
	switch v.(type) {
	case []any, *object:
		for _, e := range d.deep {
			same, err := d.b.equal(e, v)
			if same || err != nil {
				return same, err
			}
		}
		return false, d.b.charge(1)
	}
	return d.plain[v], d.b.charge(1)
}

func (d *distinct) add(v any) (bool, error) {
	if found, err := d.has(v); found || err != nil {
		return false, err
	}
	switch v.(type) {
	case []any, *object:
		d.deep = append(d.deep, v)
	default:
		if d.plain == nil {
			d.plain = map[any]bool{}
		}
		d.plain[v] = true
	}
	d.values = append(d.values, v)
	return true, nil
}

func (d *distinct) list() []any {
	if d.values == nil {
		return []any{}
	}
	return d.values
}

// lambdaFunctions call a lambda for each element. Its optional last variable is the index.
func lambdaFunctions() []function {
	elements := func(ev *eval, e *expr) ([]any, bool, error) {
		v, err := ev.expr(e.args[0])
		if err != nil {
			return nil, false, err
		}
		if ev.met && holds(v) {
			return nil, true, nil
		}
		a, ok := v.([]any)
		if !ok {
			c := call{args: []any{v}}
			c.wrong(0, "an Array")
			return nil, false, c.err
		}
		return a, false, nil
	}
	// indexed calls a lambda of one variable, or of two with the index.
	indexed := func(ev *eval, l lambda, i int, v any) (any, error) {
		return ev.apply(l, []any{v, int64(i)}[:len(l.vars)]...)
	}
	// over calls the lambda that is the second argument with each element of the first, and hands on its result and the element. open tells
	// that one of them is not known yet; then nothing more is called.
	over := func(ev *eval, e *expr, do func(result, element any) (open bool, err error)) (open bool, err error) {
		a, open, err := elements(ev, e)
		if open || err != nil {
			return open, err
		}
		l, err := ev.lambda(e, 1, 1, 2)
		if err != nil {
			return false, err
		}
		for i, v := range a {
			r, err := indexed(ev, l, i, v)
			if err != nil {
				return false, err
			}
			if open, err := do(r, v); open || err != nil {
				return open, err
			}
		}
		return false, nil
	}
	truth := func(v any) (yes, open bool, err error) {
		switch b := v.(type) {
		case bool:
			return b, false, nil
		case unknown:
			return false, true, nil
		}
		return false, false, wrongLambda("a Boolean", v)
	}
	return []function{
		{name: "lambda", low: 1, high: many, lazy: func(*eval, *expr) (any, error) {
			return nil, errLambda("it can only stand as an argument of map, filter, reduce, sort, toObject, mapValues and groupBy")
		}},
		{name: "lambdaVariables", low: 1, high: 1, lazy: func(ev *eval, e *expr) (any, error) {
			name, err := ev.expr(e.args[0])
			if err != nil {
				return nil, err
			}
			s, _ := name.(string)
			for _, m := range slices.Backward(ev.locals) {
				if equalFold(m.name, s) {
					return m.value, nil
				}
			}
			var names []string
			for _, m := range ev.locals {
				names = append(names, m.name)
			}
			return nil, errLambda("there is no lambda variable " + quote(s) + " here; those in reach are '" + some(names) + "'")
		}},
		{name: "map", low: 2, high: 2, lazy: func(ev *eval, e *expr) (any, error) {
			out := []any{}
			open, err := over(ev, e, func(r, _ any) (bool, error) {
				out = append(out, r)
				return false, nil
			})
			if open || err != nil {
				return unknown{}, err
			}
			return out, nil
		}},
		{name: "filter", low: 2, high: 2, lazy: func(ev *eval, e *expr) (any, error) {
			out := []any{}
			open, err := over(ev, e, func(r, v any) (bool, error) {
				keep, open, err := truth(r)
				if keep {
					out = append(out, v)
				}
				return open, err
			})
			if open || err != nil {
				return unknown{}, err
			}
			return out, nil
		}},
		{name: "reduce", low: 3, high: 3, lazy: func(ev *eval, e *expr) (any, error) {
			a, open, err := elements(ev, e)
			if open || err != nil {
				return unknown{}, err
			}
			result, err := ev.expr(e.args[1])
			if err != nil {
				return nil, err
			}
			l, err := ev.lambda(e, 2, 2, 3)
			if err != nil {
				return nil, err
			}
			for i, v := range a {
				if result, err = ev.apply(l, []any{result, v, int64(i)}[:len(l.vars)]...); err != nil {
					return nil, err
				}
			}
			return result, nil
		}},
		{name: "sort", low: 2, high: 2, lazy: func(ev *eval, e *expr) (any, error) {
			a, open, err := elements(ev, e)
			if open || err != nil {
				return unknown{}, err
			}
			l, err := ev.lambda(e, 1, 2, 2)
			if err != nil {
				return nil, err
			}
			out := slices.Clone(a)
			var failed error
			waiting := false
			before := func(x, y any) bool {
				if failed != nil || waiting {
					return false
				}
				r, err := ev.apply(l, x, y)
				if err != nil {
					failed = err
					return false
				}
				yes, open, err := truth(r)
				failed, waiting = err, open
				return yes
			}
			slices.SortStableFunc(out, func(x, y any) int {
				switch {
				case before(x, y):
					return -1
				case before(y, x):
					return 1
				}
				return 0
			})
			if waiting {
				return unknown{}, nil
			}
			return out, failed
		}},
		{name: "toObject", low: 2, high: 3, lazy: func(ev *eval, e *expr) (any, error) {
			a, open, err := elements(ev, e)
			if open || err != nil {
				return unknown{}, err
			}
			key, err := ev.lambda(e, 1, 1, 2)
			if err != nil {
				return nil, err
			}
			value := lambda{}
			if len(e.args) == 3 {
				if value, err = ev.lambda(e, 2, 1, 2); err != nil {
					return nil, err
				}
			}
			o := &object{}
			for i, v := range a {
				k, err := indexed(ev, key, i, v)
				if err != nil {
					return nil, err
				}
				if _, open := k.(unknown); open {
					return unknown{}, nil
				}
				name, ok := k.(string)
				if !ok {
					return nil, wrongLambda("a String, the name of a property", k)
				}
				if value.body != nil {
					if v, err = indexed(ev, value, i, v); err != nil {
						return nil, err
					}
				}
				o.set(name, v)
			}
			return o, nil
		}},
		{name: "mapValues", low: 2, high: 2, lazy: func(ev *eval, e *expr) (any, error) {
			v, err := ev.expr(e.args[0])
			if err != nil {
				return nil, err
			}
			if ev.met && holds(v) {
				return unknown{}, nil
			}
			c := call{args: []any{v}}
			in := c.object(0)
			if c.err != nil {
				return nil, c.err
			}
			l, err := ev.lambda(e, 1, 1, 1)
			if err != nil {
				return nil, err
			}
			out := &object{}
			for _, m := range in.members {
				v, err := ev.apply(l, m.value)
				if err != nil {
					return nil, err
				}
				out.add(m.name, v)
			}
			return out, nil
		}},
		{name: "groupBy", low: 2, high: 2, lazy: func(ev *eval, e *expr) (any, error) {
			out := &object{}
			open, err := over(ev, e, func(k, v any) (bool, error) {
				if _, open := k.(unknown); open {
					return true, nil
				}
				name, ok := k.(string)
				if !ok {
					return false, wrongLambda("a String, the name of a group", k)
				}
				group, _ := out.get(name)
				members, _ := group.([]any)
				out.set(name, append(members, v))
				return false, nil
			})
			if open || err != nil {
				return unknown{}, err
			}
			return out, nil
		}},
	}
}
