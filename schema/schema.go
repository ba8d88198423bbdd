// Package schema shows how a Go type looks as JSON, as a JSON Schema (draft 2020-12): for editors that check an intent while it is
// typed, and for scripts that read a command's results. It reads types and tags and decides nothing about values.
//
// Tags that it knows beside json and those of the reflector that it uses: enum:"a|b" for the only strings that are allowed,
// form:"name" and form:"id" for texts of a named shape, form:"nonempty" for lists.
package schema

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"path"
	"reflect"
	"strings"

	"github.com/invopop/jsonschema"
)

// Options are what types alone do not say.
type Options struct {
	Title, Description string
	// Types gives the JSON Schema of types that write their own JSON.
	Types map[reflect.Type]string
	// Forms gives the pattern of each form, Lengths its most characters.
	Forms   map[string]string
	Lengths map[string]int
}

// Of returns the schema of the JSON of v's type, indented, the same for the same type. The error names a schema in Types that is no
// JSON.
func Of(v any, o Options) ([]byte, error) {
	w := &writer{o: o, seen: map[reflect.Type]bool{}, known: map[reflect.Type]*jsonschema.Schema{}}
	for t, text := range o.Types {
		s := &jsonschema.Schema{}
		if err := json.Unmarshal([]byte(text), s); err != nil {
			return nil, fmt.Errorf("schema of %s: %w", t, err)
		}
		w.known[t] = s
	}
	r := &jsonschema.Reflector{Anonymous: true, ExpandedStruct: true, Namer: name, Mapper: w.own}
	t := reflect.TypeOf(v)
	root := r.ReflectFromType(t)
	root.Title, root.Description = o.Title, o.Description
	w.root, w.defs = root, root.Definitions
	w.visit(t)
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(root); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// name tells types of one name in two packages apart.
func name(t reflect.Type) string {
	n := t.Name()
	if pkg := path.Base(t.PkgPath()); pkg != "." && n != "" {
		return pkg + "." + n
	}
	return n
}

type writer struct {
	o     Options
	known map[reflect.Type]*jsonschema.Schema
	root  *jsonschema.Schema
	defs  jsonschema.Definitions
	seen  map[reflect.Type]bool
}

// own gives the schema of types that do not follow from their fields.
func (w *writer) own(t reflect.Type) *jsonschema.Schema {
	if s, ok := w.known[t]; ok {
		c := *s
		return &c
	}
	text := reflect.TypeFor[encoding.TextMarshaler]()
	if t.Implements(text) || reflect.PointerTo(t).Implements(text) {
		return &jsonschema.Schema{Type: "string"}
	}
	return nil
}

// visit puts what the tags say into the schemas of t and of all that it holds.
func (w *writer) visit(t reflect.Type) {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		w.visit(t.Elem())
		return
	case reflect.Struct:
	default:
		return
	}
	if w.seen[t] || w.own(t) != nil {
		return
	}
	w.seen[t] = true
	s := w.defs[name(t)]
	if s == nil {
		s = w.root
	}
	for i := range t.NumField() {
		f := t.Field(i)
		key, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if key == "-" || !f.IsExported() {
			continue
		}
		w.visit(f.Type)
		if s.Properties == nil || key == "" {
			continue
		}
		if p, ok := s.Properties.Get(key); ok {
			s.Properties.Set(key, w.property(p, f, strings.Contains(options, "omit")))
		}
	}
}

// property adds what a field's tags and kind say about its value.
func (w *writer) property(p *jsonschema.Schema, f reflect.StructField, optional bool) *jsonschema.Schema {
	t := f.Type
	nullable := !optional && !w.strict() && (t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice && w.known[t] == nil)
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	target := p
	if t.Kind() == reflect.Slice || t.Kind() == reflect.Array {
		if f.Tag.Get("form") == "nonempty" {
			p.MinItems = one()
			nullable = false
		}
		for (t.Kind() == reflect.Slice || t.Kind() == reflect.Array) && target.Items != nil {
			t, target = t.Elem(), target.Items
		}
	}
	if t.Kind() == reflect.String && target.Ref == "" && w.own(t) == nil {
		w.text(target, f)
	}
	if t.Kind() == reflect.Uint32 && target.Type == "integer" {
		target.Minimum, target.Maximum = "0", "4294967295"
	}
	if !nullable {
		return p
	}
	description := p.Description
	p.Description = ""
	return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{p, {Type: "null"}}, Description: description}
}

// text says which strings a field takes.
func (w *writer) text(s *jsonschema.Schema, f reflect.StructField) {
	form := f.Tag.Get("form")
	switch {
	case f.Tag.Get("enum") != "":
		for _, word := range strings.FieldsFunc(f.Tag.Get("enum"), func(r rune) bool { return r == '|' || r == ',' }) {
			s.Enum = append(s.Enum, word)
		}
	case w.o.Forms[form] != "":
		s.Pattern = w.o.Forms[form]
		if n := uint64(max(w.o.Lengths[form], 0)); n > 0 {
			s.MaxLength = &n
		}
	case w.strict():
		s.MinLength = one()
	}
}

// strict tells that the schema is of a file that people write, in which an empty text says nothing and null is a mistake.
func (w *writer) strict() bool { return len(w.o.Forms) > 0 }

func one() *uint64 {
	n := uint64(1)
	return &n
}
