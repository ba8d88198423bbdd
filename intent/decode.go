package intent

import (
	"encoding"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"onramp/catalog"
)

// Where rules come from that are the file format's own.
const (
	sourceFormat = "docs/intent.md"
	sourceSchema = "onramp schema"
	sourceYAML   = "YAML 1.2"
)

// reader takes a syntax tree into the Go types. It reads on after a mistake, so that all of them are found at once.
// What may stand where is said by the types alone (json, enum and form tags), which Schema reads as well.
type reader struct {
	file     string
	findings []Finding
	aliases  map[*ast.AliasNode]ast.Node
	visited  int
	tooMuch  bool // more values were visited than an intent can have; the one finding says so
	depth    int
	places   map[string]place // by key path
}

// place is where a value was read.
type place struct {
	mark
	text string // as written, of scalars
	bad  bool   // a mistake in it is reported already
}

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

func (r *reader) report(m mark, f Finding) {
	f.File, f.Line, f.Col = r.file, m.line, m.col
	if f.Severity == "" {
		f.Severity = Error
	}
	r.findings = append(r.findings, f)
}

// refuse reports that the value at path cannot be read.
func (r *reader) refuse(n ast.Node, path, value, message, fix, rule string) {
	p := r.places[path]
	p.bad = true
	r.places[path] = p
	r.report(start(n), Finding{At: path, Value: value, Message: message, Fix: fix, Rule: rule, Source: sourceSchema})
}

// resolve follows anchors and aliases to the node that holds the value.
func (r *reader) resolve(n ast.Node) (ast.Node, bool) {
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
func (r *reader) pairs(m *ast.MappingNode, path string, depth int) []pair {
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
			r.refuse(v.Key, join(path, key), key, "this key is here twice", "keep one of the two", "intent-duplicate-key")
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
func (r *reader) merge(n ast.Node, path string, depth int) []pair {
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
	r.refuse(n, join(path, "<<"), "", "only a mapping can be merged here", "write <<: *NAME with the name of an anchored mapping", "intent-type")
	return nil
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func index(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

// read fills v from n.
func (r *reader) read(n ast.Node, path string, v reflect.Value, want rules) {
	if r.visited++; r.visited > maxVisited {
		if !r.tooMuch {
			// What was found so far would be repeated as often as the aliases repeat it: this is the one thing to say.
			r.tooMuch, r.findings = true, nil
			r.refuse(n, path, "", "aliases repeat more values than an intent can have", "write the values out", "intent-size")
		}
		return
	}
	at := start(n)
	target, ok := r.resolve(n)
	if !ok {
		r.refuse(n, path, "*"+aliasName(n), "there is no anchor of this name before this place", "write &"+aliasName(n)+" before the value that is meant", "intent-alias")
		return
	}
	if r.depth++; r.depth > maxDepth {
		r.refuse(n, path, "", "an alias contains itself", "write the values out", "intent-alias")
		r.depth--
		return
	}
	defer func() { r.depth-- }()
	p := place{mark: at, bad: r.places[path].bad}
	if s, ok := target.(ast.ScalarNode); ok {
		p.text = text(s)
	}
	r.places[path] = p
	if target.Type() == ast.NullType {
		r.refuse(n, path, "", "this key has no value", "leave the key out, or give it "+describe(v.Type(), want), "intent-type")
		return
	}

	if v.Kind() == reflect.Pointer {
		e := reflect.New(v.Type().Elem())
		r.read(target, path, e.Elem(), want)
		p := r.places[path]
		p.mark = at
		r.places[path] = p
		v.Set(e)
		return
	}
	wrong := func() {
		r.refuse(n, path, text(target), "this is "+kind(target), "write "+describe(v.Type(), want), "intent-type")
	}
	switch x := v.Addr().Interface().(type) {
	case *Place:
		r.readPlace(n, target, path, x)
		return
	case encoding.TextUnmarshaler:
		s, ok := target.(ast.ScalarNode)
		if !ok {
			wrong()
			return
		}
		if err := unmarshal(x, text(s)); err != nil {
			if rest, minus := strings.CutPrefix(text(s), "-"); minus {
				if u, ok := reflect.New(v.Type()).Interface().(encoding.TextUnmarshaler); ok && unmarshal(u, rest) == nil {
					r.refuse(n, path, text(s), noun(v.Type())+" cannot be negative", "leave the minus sign out", "intent-range")
					return
				}
			}
			r.refuse(n, path, text(s), fmt.Sprintf("this is not %s", noun(v.Type())), err.Error(), "intent-unit")
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
		s, ok := stringOf(target)
		if !ok {
			if _, scalar := target.(ast.ScalarNode); !scalar {
				wrong()
				return
			}
			r.refuse(n, path, text(target), "this is "+kind(target)+" and a text is meant", "put it in quotes: "+strconv.Quote(text(target)), "intent-type")
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
		f, err := strconv.ParseFloat(text(target), 64)
		if _, quoted := quotedString(target); err != nil || quoted || math.IsInf(f, 0) || math.IsNaN(f) || strings.ContainsAny(text(target), "_xXpP") {
			wrong()
			return
		}
		v.SetFloat(f)
	default:
		panic("intent: no reading of " + v.Type().String())
	}
}

func (r *reader) readStruct(m *ast.MappingNode, at mark, path string, v reflect.Value) {
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
			if near := catalog.Nearest(p.key, keys); near != "" {
				fix = "did you mean " + near + "? " + strings.ToUpper(fix[:1]) + fix[1:]
			}
			r.refuse(p.node, join(path, p.key), p.key, "there is no such key", fix, "intent-known-key")
			continue
		}
		given[p.key] = true
		r.read(p.value, join(path, p.key), v.Field(i), rulesOf(t.Field(i)))
		if q := r.places[join(path, p.key)]; isNull(p.value) {
			q.mark = start(p.node)
			r.places[join(path, p.key)] = q
		}
	}
	for _, key := range keys {
		f := t.Field(fields[key])
		if _, optional := keyOf(f); !optional && !given[key] {
			r.places[join(path, key)] = place{mark: at, bad: true}
			what := f.Tag.Get("jsonschema_description")
			if what != "" {
				what = " (" + strings.ToLower(what[:1]) + strings.TrimSuffix(what[1:], ".") + ")"
			}
			r.report(at, Finding{At: path, Value: "", Message: fmt.Sprintf("the key %q is missing%s", key, what),
				Fix: "add " + key + ": with " + describe(f.Type, rulesOf(f)), Rule: "intent-required", Source: sourceSchema})
		}
	}
}

func (r *reader) readList(n ast.Node, s *ast.SequenceNode, path string, v reflect.Value, want rules) {
	elements := rules{enum: want.enum}
	if want.form != "nonempty" {
		elements.form = want.form
	}
	if v.Kind() == reflect.Array {
		if len(s.Values) != v.Len() {
			r.refuse(n, path, "", fmt.Sprintf("this list has %d entries", len(s.Values)), fmt.Sprintf("name exactly %d", v.Len()), "intent-type")
			return
		}
	} else {
		if len(s.Values) == 0 && want.form == "nonempty" {
			r.refuse(n, path, "[]", "this list is empty", "give at least one entry", "intent-required")
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), len(s.Values), len(s.Values)))
	}
	for i, e := range s.Values {
		r.read(e, index(path, i), v.Index(i), elements)
	}
}

// readPlace reads a city's name, to be found in the catalogue later, or coordinates.
func (r *reader) readPlace(n, target ast.Node, path string, p *Place) {
	if s, ok := stringOf(target); ok {
		p.City = s
		if s == "" {
			r.refuse(n, path, s, "this is no place", `write a city such as "Montreal, Canada", or {lat: 45.5, lon: -73.57}`, "intent-place")
		}
		return
	}
	m, ok := target.(*ast.MappingNode)
	if !ok {
		r.refuse(n, path, text(target), "this is "+kind(target), `write a city such as "Montreal, Canada", or {lat: 45.5, lon: -73.57}`, "intent-type")
		return
	}
	var form placeForm
	r.readStruct(m, start(n), path, reflect.ValueOf(&form).Elem())
	p.City = form.City
	degrees := func(key string, f *float64, limit float64) float64 {
		q := r.places[path+"."+key]
		switch {
		case q.bad || f == nil:
			q = r.places[path]
			q.bad = true
			r.places[path] = q
			return 0
		case math.Abs(*f) > limit:
			r.report(q.mark, Finding{At: path + "." + key, Value: q.text, Message: "there is no such place on earth",
				Fix: fmt.Sprintf("give degrees from -%v to %v", limit, limit), Rule: "intent-place", Source: sourceSchema})
		}
		return *f
	}
	p.Latitude, p.Longitude = degrees("lat", form.Lat, 90), degrees("lon", form.Lon, 180)
}

func (r *reader) readInteger(n, target ast.Node, path string, v reflect.Value) {
	s := text(target)
	if _, quoted := quotedString(target); quoted {
		r.refuse(n, path, s, "this is a text", "write the number without quotes", "intent-type")
		return
	}
	if v.Kind() == reflect.Int {
		i, err := strconv.Atoi(s)
		if err != nil || s[0] == '+' || strings.Contains(s, "_") {
			r.refuse(n, path, s, "this is "+kind(target), "write a whole number", "intent-type")
			return
		}
		v.SetInt(int64(i))
		return
	}
	u, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		fix := "write a whole number from 1 to 4294967295"
		if high, low, ok := strings.Cut(s, "."); ok { // asdot of RFC 5396
			h, err1 := strconv.ParseUint(high, 10, 16)
			l, err2 := strconv.ParseUint(low, 10, 16)
			if err1 == nil && err2 == nil {
				fix = fmt.Sprintf("write it without a dot: %d, if AS %s is meant", h<<16|l, s)
			}
		}
		r.refuse(n, path, s, "this is "+kind(target)+", not a 4-byte number", fix, "intent-type")
		return
	}
	v.SetUint(u)
}

// checkString holds a text against its field's tags.
func (r *reader) checkString(n ast.Node, path, s string, want rules) {
	if len(want.enum) > 0 {
		for _, e := range want.enum {
			if s == e {
				return
			}
		}
		fix := "use " + oneOf(want.enum)
		if near := catalog.Nearest(s, want.enum); near != "" && len(want.enum) > 1 {
			fix = "did you mean " + near + "? Use " + oneOf(want.enum)
		}
		r.refuse(n, path, s, "this is not one of the words that are known here", fix, "intent-enum")
		return
	}
	switch want.form {
	case "name":
		if !IsName(s) {
			r.refuse(n, path, s, "this is not a name", "start with a lower-case letter and use at most 40 lower-case letters, digits and single hyphens between them", "intent-name")
		}
	case "id":
		if !isID(s) {
			r.refuse(n, path, s, "this cannot be an Azure name", "use at most 64 letters, digits, hyphens, dots and underscores, beginning and ending with a letter or digit", "intent-name")
		}
	default:
		if s == "" {
			r.refuse(n, path, s, "this text is empty", "leave the key out, or give "+describe(reflect.TypeOf(s), want), "intent-required")
		}
	}
}

const (
	namePattern = `^[a-z]([a-z0-9]|-[a-z0-9]){0,39}$`
	idPattern   = `^[A-Za-z0-9]([A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$`
	nameLength  = 40
	idLength    = 64
)

// IsName tells whether s can begin the names of Azure resources and routers alike; it is namePattern and nameLength.
func IsName(s string) bool {
	for i := range len(s) {
		c := s[i]
		lower, digit := 'a' <= c && c <= 'z', '0' <= c && c <= '9'
		hyphen := c == '-' && i > 0 && i < len(s)-1 && s[i-1] != '-'
		if !lower && !(digit && i > 0) && !hyphen {
			return false
		}
	}
	return s != "" && len(s) <= nameLength
}

// isID is idPattern.
func isID(s string) bool {
	for i := range len(s) {
		c := s[i]
		alphanumeric := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		inner := (c == '-' || c == '.' || c == '_') && i > 0 && i < len(s)-1
		if !alphanumeric && !inner {
			return false
		}
	}
	return s != "" && len(s) <= idLength
}

// unmarshal reads s into x; its error is the fix.
func unmarshal(x encoding.TextUnmarshaler, s string) error {
	p, ok := x.(*netip.Prefix)
	if !ok {
		return x.UnmarshalText([]byte(s))
	}
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

// stringOf is the text of a node that YAML reads as a text. A plain 1e3 is a number in YAML although the parser says text.
func stringOf(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.LiteralNode:
		return n.Value.Value, true
	case *ast.StringNode:
		return n.Value, !plainNumber(n)
	}
	return "", false
}

// quotedString is the text of a node that was written in quotes or as a block.
func quotedString(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.LiteralNode:
		return n.Value.Value, true
	case *ast.StringNode:
		return n.Value, n.Token.Type == token.SingleQuoteType || n.Token.Type == token.DoubleQuoteType
	}
	return "", false
}

func plainNumber(n *ast.StringNode) bool {
	if _, quoted := quotedString(n); quoted || n.Value == "" || !strings.ContainsAny(n.Value[:1], "+-.0123456789") {
		return false
	}
	_, err := strconv.ParseFloat(n.Value, 64)
	return err == nil
}

func isNull(n ast.Node) bool { return n == nil || n.Type() == ast.NullType }

func aliasName(n ast.Node) string {
	if a, ok := n.(*ast.AliasNode); ok && a.Value != nil {
		return a.Value.GetToken().Value
	}
	return ""
}

// text is a scalar as written, shortened for messages; "" for collections.
func text(n ast.Node) string {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value
	case *ast.LiteralNode:
		return n.Value.Value
	case *ast.NullNode:
		return ""
	case ast.ScalarNode:
		return n.GetToken().Value
	}
	return ""
}

// kind names what stands in the file.
func kind(n ast.Node) string {
	switch n := n.(type) {
	case *ast.MappingNode:
		return "a mapping"
	case *ast.SequenceNode:
		return "a list"
	case *ast.BoolNode:
		return "true or false"
	case *ast.IntegerNode:
		return "a number"
	case *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return "a number with decimals"
	case *ast.StringNode:
		if plainNumber(n) {
			return "a number"
		}
		if _, quoted := quotedString(n); !quoted {
			if _, err := strconv.ParseFloat(n.Value, 64); errors.Is(err, strconv.ErrRange) {
				return "a number too large to hold"
			}
		}
	}
	return "a text"
}

// noun names what a type stands for.
func noun(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[Mbps]():
		return "a bandwidth"
	case reflect.TypeFor[Latency]():
		return "a latency"
	case reflect.TypeFor[USD]():
		return "an amount of money"
	case reflect.TypeFor[Bits]():
		return "a prefix length"
	case reflect.TypeFor[netip.Prefix]():
		return "a prefix"
	}
	return "what is meant here"
}

// describe says what a value of the type looks like.
func describe(t reflect.Type, want rules) string {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t {
	case reflect.TypeFor[Mbps]():
		return `a bandwidth such as "200 Mbps" or "1 Gbps"`
	case reflect.TypeFor[Latency]():
		return `a latency such as "20 ms"`
	case reflect.TypeFor[USD]():
		return `an amount such as "6000 USD"`
	case reflect.TypeFor[Bits]():
		return `a prefix length such as "/24"`
	case reflect.TypeFor[netip.Prefix]():
		return `a prefix such as "10.1.0.0/16"`
	case reflect.TypeFor[Place]():
		return `a city such as "Montreal, Canada", or {lat: 45.5, lon: -73.57}`
	}
	if len(want.enum) > 0 && t.Kind() == reflect.String {
		return oneOf(want.enum)
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
		return "a list: [" + strings.TrimPrefix(describe(t.Elem(), want), "a list: ") + ", ...]"
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

// oneOf lists words: "a, b or c".
func oneOf(words []string) string {
	if n := len(words) - 1; n > 0 {
		return strings.Join(words[:n], ", ") + " or " + words[n]
	}
	return strings.Join(words, "")
}

// clip shortens a value for a message.
func clip(s string) string {
	const most = 80
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most-1]) + "…"
}
