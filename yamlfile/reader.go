package yamlfile

import (
	"encoding"
	"fmt"
	"math"
	"net/netip"
	"reflect"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// rules are what a field's tags ask of its value, or of each of its elements.
type rules struct {
	enum []string // the allowed strings
	form string   // name or id: how a string must look; nonempty: a list must not be empty
}

func rulesOf(f reflect.StructField) rules {
	r := rules{form: f.Tag.Get("form")}
	if e := f.Tag.Get("enum"); e != "" {
		r.enum = strings.Split(e, "|")
	}
	return r
}

// keyOf returns a field's key, and whether it may be left out; no key for fields that are not in the file.
func keyOf(f reflect.StructField) (key string, optional bool) {
	key, options, _ := strings.Cut(f.Tag.Get("json"), ",")
	if key == "-" {
		return "", true
	}
	return key, strings.Contains(options, "omit")
}

// Report adds a finding, an error unless it says otherwise.
func (r *Reader) Report(m Mark, f Finding) {
	f.File, f.Line, f.Col = r.file, m.Line, m.Col
	if f.Severity == "" {
		f.Severity = Error
	}
	r.findings = append(r.findings, f)
}

// Refuse reports that the value at path cannot be read.
func (r *Reader) Refuse(n ast.Node, path, value, message, fix, rule string) {
	p := r.places[path]
	p.Bad = true
	r.places[path] = p
	r.Report(start(n), Finding{At: path, Value: value, Message: message, Fix: fix, Rule: r.rule(rule), Source: r.format.Schema})
}

// resolve follows anchors and aliases to the node that holds the value.
func (r *Reader) resolve(n ast.Node) (ast.Node, bool) {
	for range maxDepth {
		switch x := n.(type) {
		case *ast.AnchorNode:
			n = x.Value
		case *ast.AliasNode:
			target := r.aliases[x]
			if target == nil {
				return n, false
			}
			n = target
		default:
			return n, n != nil
		}
	}
	return n, false
}

// pair is one key of a mapping with its value.
type pair struct {
	key   string
	node  ast.Node // of the key, for its place
	value ast.Node
}

// pairs lists a mapping's own keys and then what it merges (<<) and does not have itself.
func (r *Reader) pairs(m *ast.MappingNode, path string, depth int) []pair {
	var own, merged []pair
	have := map[string]bool{}
	for _, v := range m.Values {
		if _, ok := v.Key.(*ast.MergeKeyNode); ok {
			merged = append(merged, r.merge(v.Value, path, depth)...)
			continue
		}
		var key string
		switch k := v.Key.(type) {
		case *ast.StringNode:
			key = k.Value
		default:
			key = v.Key.GetToken().Value
		}
		if have[key] {
			r.Refuse(v.Key, join(path, key), key, "this key is here twice", "keep one of the two", "duplicate-key")
			continue
		}
		have[key] = true
		own = append(own, pair{key, v.Key, v.Value})
	}
	for _, p := range merged {
		if !have[p.key] {
			have[p.key] = true
			own = append(own, p)
		}
	}
	return own
}

// merge lists the keys that `<<` brings: from a mapping, or from a list of them, of which the first wins.
func (r *Reader) merge(n ast.Node, path string, depth int) []pair {
	target, ok := r.resolve(n)
	r.visited++
	if ok && depth < maxDepth && r.visited < maxVisited {
		switch target := target.(type) {
		case *ast.MappingNode:
			return r.pairs(target, path, depth+1)
		case *ast.SequenceNode:
			var all []pair
			for _, v := range target.Values {
				all = append(all, r.merge(v, path, depth+1)...)
			}
			return all
		}
	}
	r.Refuse(n, join(path, "<<"), "", "only a mapping can be merged here", "write <<: *NAME with the name of an anchored mapping", "type")
	return nil
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// Index is the path of a list's element.
func Index(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

// read fills v from n.
func (r *Reader) read(n ast.Node, path string, v reflect.Value, want rules) {
	if r.visited++; r.visited > maxVisited {
		if !r.tooMuch {
			// What was found so far would be repeated as often as the aliases repeat it: this is the one thing to say.
			r.tooMuch, r.findings = true, nil
			r.Refuse(n, path, "", "aliases repeat more values than "+r.format.What+" can have", "write the values out", "size")
		}
		return
	}
	at := start(n)
	target, ok := r.resolve(n)
	if !ok {
		r.Refuse(n, path, "*"+aliasName(n), "there is no anchor of this name before this place", "write &"+aliasName(n)+" before the value that is meant", "alias")
		return
	}
	if r.depth++; r.depth > maxDepth {
		r.Refuse(n, path, "", "an alias contains itself", "write the values out", "alias")
		r.depth--
		return
	}
	defer func() { r.depth-- }()
	p := Place{Mark: at, Bad: r.places[path].Bad}
	if s, ok := target.(ast.ScalarNode); ok {
		p.Text = Text(s)
	}
	r.places[path] = p
	if target.Type() == ast.NullType {
		r.Refuse(n, path, "", "this key has no value", "leave the key out, or give it "+r.describe(v.Type(), want), "type")
		return
	}

	if v.Kind() == reflect.Pointer {
		e := reflect.New(v.Type().Elem())
		r.read(target, path, e.Elem(), want)
		p := r.places[path]
		p.Mark = at
		r.places[path] = p
		v.Set(e)
		return
	}
	wrong := func() {
		r.Refuse(n, path, Text(target), "this is "+Kind(target), "write "+r.describe(v.Type(), want), "type")
	}
	switch x := v.Addr().Interface().(type) {
	case Own:
		x.ReadYAML(r, n, target, path)
		return
	case encoding.TextUnmarshaler:
		s, ok := target.(ast.ScalarNode)
		if !ok {
			wrong()
			return
		}
		if err := unmarshal(x, Text(s)); err != nil {
			if rest, minus := strings.CutPrefix(Text(s), "-"); minus {
				if u, ok := reflect.New(v.Type()).Interface().(encoding.TextUnmarshaler); ok && unmarshal(u, rest) == nil {
					r.Refuse(n, path, Text(s), r.noun(v.Type())+" cannot be negative", "leave the minus sign out", "range")
					return
				}
			}
			r.Refuse(n, path, Text(s), fmt.Sprintf("this is not %s", r.noun(v.Type())), err.Error(), "unit")
		}
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		m, ok := target.(*ast.MappingNode)
		if !ok {
			wrong()
			return
		}
		r.readStruct(m, at, path, v)
	case reflect.Array, reflect.Slice:
		s, ok := target.(*ast.SequenceNode)
		if !ok {
			wrong()
			return
		}
		r.readList(n, s, path, v, want)
	case reflect.String:
		s, ok := String(target)
		if !ok {
			if _, scalar := target.(ast.ScalarNode); !scalar {
				wrong()
				return
			}
			r.Refuse(n, path, Text(target), "this is "+Kind(target)+" and a text is meant", "put it in quotes: "+strconv.Quote(Text(target)), "type")
			return
		}
		v.SetString(s)
		r.checkString(n, path, s, want)
	case reflect.Bool:
		b, ok := target.(*ast.BoolNode)
		if !ok {
			wrong()
			return
		}
		v.SetBool(b.Value)
	case reflect.Int, reflect.Uint32:
		r.readInteger(n, target, path, v)
	case reflect.Float64:
		f, err := strconv.ParseFloat(Text(target), 64)
		if _, quoted := quotedString(target); err != nil || quoted || math.IsInf(f, 0) || math.IsNaN(f) || strings.ContainsAny(Text(target), "_xXpP") {
			wrong()
			return
		}
		v.SetFloat(f)
	default:
		panic("yamlfile: no reading of " + v.Type().String())
	}
}

// ReadMapping fills what v points to from a mapping, for a type that reads its own node; fix says what else would be right there.
func (r *Reader) ReadMapping(n, target ast.Node, path string, v any, fix string) bool {
	m, ok := target.(*ast.MappingNode)
	if !ok {
		r.Refuse(n, path, Text(target), "this is "+Kind(target), fix, "type")
		return false
	}
	r.readStruct(m, start(n), path, reflect.ValueOf(v).Elem())
	return true
}

// mostListed is how many keys are listed beside the one that was meant.
const mostListed = 24

func (r *Reader) readStruct(m *ast.MappingNode, at Mark, path string, v reflect.Value) {
	t := v.Type()
	fields := map[string]int{}
	var keys []string
	for i := range t.NumField() {
		if key, _ := keyOf(t.Field(i)); key != "" {
			fields[key] = i
			keys = append(keys, key)
		}
	}
	given := map[string]bool{}
	for _, p := range r.pairs(m, path, 0) {
		i, ok := fields[p.key]
		if !ok {
			fix := "the keys here are " + strings.Join(keys, ", ")
			if near := r.format.Nearest(p.key, keys); near != "" && len(keys) > mostListed {
				fix = "did you mean " + near + "?"
			} else if near != "" {
				fix = "did you mean " + near + "? " + strings.ToUpper(fix[:1]) + fix[1:]
			}
			r.Refuse(p.node, join(path, p.key), p.key, "there is no such key", fix, "known-key")
			continue
		}
		given[p.key] = true
		r.read(p.value, join(path, p.key), v.Field(i), rulesOf(t.Field(i)))
		if q := r.places[join(path, p.key)]; isNull(p.value) {
			q.Mark = start(p.node)
			r.places[join(path, p.key)] = q
		}
	}
	for _, key := range keys {
		f := t.Field(fields[key])
		if _, optional := keyOf(f); !optional && !given[key] {
			r.places[join(path, key)] = Place{Mark: at, Bad: true}
			what := f.Tag.Get("jsonschema_description")
			if what != "" {
				what = " (" + strings.ToLower(what[:1]) + strings.TrimSuffix(what[1:], ".") + ")"
			}
			r.Report(at, Finding{At: path, Value: "", Message: fmt.Sprintf("the key %q is missing%s", key, what),
				Fix: "add " + key + ": with " + r.describe(f.Type, rulesOf(f)), Rule: r.rule("required"), Source: r.format.Schema})
		}
	}
}

func (r *Reader) readList(n ast.Node, s *ast.SequenceNode, path string, v reflect.Value, want rules) {
	elements := rules{enum: want.enum}
	if want.form != "nonempty" {
		elements.form = want.form
	}
	if v.Kind() == reflect.Array {
		if len(s.Values) != v.Len() {
			r.Refuse(n, path, "", fmt.Sprintf("this list has %d entries", len(s.Values)), fmt.Sprintf("name exactly %d", v.Len()), "type")
			return
		}
	} else {
		if len(s.Values) == 0 && want.form == "nonempty" {
			r.Refuse(n, path, "[]", "this list is empty", "give at least one entry", "required")
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), len(s.Values), len(s.Values)))
	}
	for i, e := range s.Values {
		r.read(e, Index(path, i), v.Index(i), elements)
	}
}

func (r *Reader) readInteger(n, target ast.Node, path string, v reflect.Value) {
	s := Text(target)
	if _, quoted := quotedString(target); quoted {
		r.Refuse(n, path, s, "this is a text", "write the number without quotes", "type")
		return
	}
	if v.Kind() == reflect.Int {
		i, err := strconv.Atoi(s)
		if err != nil || s[0] == '+' || strings.Contains(s, "_") {
			r.Refuse(n, path, s, "this is "+Kind(target), "write a whole number", "type")
			return
		}
		v.SetInt(int64(i))
		return
	}
	u, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		fix := "write a whole number from 0 to 4294967295"
		if high, low, ok := strings.Cut(s, "."); ok { // asdot of RFC 5396
			h, err1 := strconv.ParseUint(high, 10, 16)
			l, err2 := strconv.ParseUint(low, 10, 16)
			if err1 == nil && err2 == nil {
				fix = fmt.Sprintf("write it without a dot: %d, if AS %s is meant", h<<16|l, s)
			}
		}
		r.Refuse(n, path, s, "this is "+Kind(target)+", not a 4-byte number", fix, "type")
		return
	}
	v.SetUint(u)
}

// checkString holds a text against its field's tags.
func (r *Reader) checkString(n ast.Node, path, s string, want rules) {
	if len(want.enum) > 0 {
		for _, e := range want.enum {
			if s == e {
				return
			}
		}
		fix := "use " + OneOf(want.enum)
		if near := r.format.Nearest(s, want.enum); near != "" && len(want.enum) > 1 {
			fix = "did you mean " + near + "? Use " + OneOf(want.enum)
		}
		r.Refuse(n, path, s, "this is not one of the words that are known here", fix, "enum")
		return
	}
	if check := r.format.Forms[want.form]; check != nil {
		if message, fix := check(s); message != "" {
			r.Refuse(n, path, s, message, fix, "name")
		}
		return
	}
	if s == "" {
		r.Refuse(n, path, s, "this text is empty", "leave the key out, or give "+r.describe(reflect.TypeOf(s), want), "required")
	}
}

// unmarshal reads s into x; its error is the fix.
func unmarshal(x encoding.TextUnmarshaler, s string) error {
	switch p := x.(type) {
	case *netip.Prefix:
		return unmarshalPrefix(p, s)
	case *netip.Addr:
		a, err := netip.ParseAddr(s)
		switch {
		case err != nil:
			return fmt.Errorf(`write an IPv4 or IPv6 address such as "10.0.0.1" or "fd00::1"`)
		case a.Is4In6():
			return fmt.Errorf("write the IPv4 address itself instead of its IPv4-mapped form")
		}
		*p = a
		return nil
	case *netip.AddrPort:
		a, err := netip.ParseAddrPort(s)
		switch {
		case err != nil:
			return fmt.Errorf(`write an address and a port such as "10.0.0.1:179" or "[fd00::1]:179"`)
		case a.Addr().Is4In6():
			return fmt.Errorf("write the IPv4 address itself instead of its IPv4-mapped form")
		}
		*p = a
		return nil
	}
	return x.UnmarshalText([]byte(s))
}

func unmarshalPrefix(p *netip.Prefix, s string) error {
	q, err := netip.ParsePrefix(s)
	switch {
	case strings.Contains(s, ":") && strings.Contains(s, "."):
		return fmt.Errorf("write all of an IPv6 prefix in hexadecimal, without an IPv4 address inside")
	case err == nil && q.Addr().Is4In6():
		return fmt.Errorf("write the IPv4 prefix itself instead of its IPv4-mapped form")
	case err == nil:
		*p = q
		return nil
	}
	if a, err := netip.ParseAddr(s); err == nil && a.Zone() == "" {
		return fmt.Errorf("an address needs a prefix length: %s/%d for itself alone", a, a.BitLen())
	}
	return fmt.Errorf(`write an IPv4 or IPv6 prefix such as "10.1.0.0/16" or "fd00:10::/48"`)
}

// noun names what a type stands for.
func (r *Reader) noun(t reflect.Type) string {
	if w, ok := r.format.Types[t]; ok {
		return w.Noun
	}
	if t == reflect.TypeFor[netip.Prefix]() {
		return "a prefix"
	}
	return "what is meant here"
}

// describe says what a value of the type looks like.
func (r *Reader) describe(t reflect.Type, want rules) string {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if w, ok := r.format.Types[t]; ok {
		return w.Example
	}
	if t == reflect.TypeFor[netip.Prefix]() {
		return `a prefix such as "10.1.0.0/16"`
	}
	if len(want.enum) > 0 && t.Kind() == reflect.String {
		return OneOf(want.enum)
	}
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Uint32:
		return "a whole number"
	case reflect.Float64:
		return "a number"
	case reflect.Array:
		return fmt.Sprintf("a list of %d: [a, b]", t.Len())
	case reflect.Slice:
		return "a list: [" + strings.TrimPrefix(r.describe(t.Elem(), want), "a list: ") + ", ...]"
	case reflect.Struct:
		var keys []string
		for i := range t.NumField() {
			if key, _ := keyOf(t.Field(i)); key != "" {
				keys = append(keys, key)
			}
		}
		return "a mapping with the keys " + strings.Join(keys, ", ")
	}
	return "a text"
}

// OneOf lists words: "a, b or c".
func OneOf(words []string) string {
	if n := len(words) - 1; n > 0 {
		return strings.Join(words[:n], ", ") + " or " + words[n]
	}
	return strings.Join(words, "")
}
